"""``oncovivo survival`` on the real studies: its JSON against R's survival, number by number."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

pytestmark = pytest.mark.realdata

GROWTH = {
    "genentech_gdc0084_temozolomide": "genentech_gdc0084_temozolomide/growth.csv",
    "genentech_vismodegib": "genentech_vismodegib/growth.csv",
    "invivosyn_combos.LS_1034": "invivosyn_combos/LS_1034.csv",
    "invivosyn_combos.SW837": "invivosyn_combos/SW837.csv",
    "iowa_melanoma_a375": "iowa_melanoma_a375/growth.csv",
    "kroemer_antibody_genotype": "kroemer_antibody_genotype/growth.csv",
    "kroemer_mtx_caloric": "kroemer_mtx_caloric/growth.csv",
    "synergylmm_example.grwth_data": "synergylmm_example/grwth_data.csv",
    "synergylmm_example.webapp_example": "synergylmm_example/webapp_example.csv",
}
VISITS = ("--event-time", "visit")
# The reference's own tolerances: closed forms, and Newton's method with Efron ties.
CLOSED = 1e-8
FITTED = 1e-5


def study_of(run_cli: RunCli, *arguments: str) -> dict[str, Any]:
    """The only study of a run that must succeed."""
    outcome = run_cli("survival", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    (study,) = json.loads(outcome.out)["studies"]
    return dict(study)


def medians_agree(study: Mapping[str, Any], theirs: Mapping[str, Sequence[Any]]) -> None:
    """Counts, medians and their limits of every arm."""
    ours = {arm["arm"]: arm for arm in study["arms"]}
    names = [str(name).removeprefix("g=") for name in theirs["arm"]]
    assert set(ours) == set(names)
    for place, name in enumerate(names):
        arm = ours[name]
        assert (arm["n"], arm["events"]) == (theirs["records"][place], theirs["events"][place])
        for field, column in (
            ("median", "median"),
            ("median_lower", "0.95LCL"),
            ("median_upper", "0.95UCL"),
        ):
            assert arm[field] == theirs[column][place], (name, field)


def ranks_agree(study: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Log-rank and Peto-Peto of all arms together."""
    arms = len(study["arms"])
    whole = {test["test"]: test for test in study["tests"] if len(test["arms"]) == arms}
    for name, key in (("log_rank", "logrank"), ("peto_peto", "peto_peto")):
        if (expected := theirs.get(key)) is not None:
            assert whole[name]["statistic"] == pytest.approx(expected["chisq"], rel=CLOSED)
            assert whole[name]["p_value"] == pytest.approx(expected["p"], rel=1e-6)


def hazards_agree(study: Mapping[str, Any], fit: Mapping[str, Any], methods: set[str]) -> None:
    """Hazard ratios, Wald limits and p-values of a fit that R had nothing to say against."""
    assert "warnings" not in fit
    rows = {row["arm"]: row for row in study["cox"]}
    limits = fit["ci"]
    assert set(rows) == {str(term).removeprefix("g") for term in limits["term"]}
    for place, term in enumerate(limits["term"]):
        row = rows[str(term).removeprefix("g")]
        assert row["method"] in methods
        assert row["hazard_ratio"] == pytest.approx(limits["exp(coef)"][place], rel=FITTED)
        assert row["lower"] == pytest.approx(limits["lower .95"][place], rel=FITTED)
        assert row["upper"] == pytest.approx(limits["upper .95"][place], rel=FITTED)
        # The relative error of z grows in its tail.
        assert row["p_value"] == pytest.approx(fit["coef"]["Pr(>|z|)"][place], rel=1e-3)


@pytest.mark.parametrize("multiple", [2, 4])
@pytest.mark.parametrize("name", sorted(GROWTH))
def test_times_to_a_multiple_agree(
    name: str,
    multiple: int,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    reference = shared_reference(name)["sections"]
    result = reference[f"11_time_to_{multiple}x"]["results"]
    control = str(result["medians"]["arm"][0])
    path = shared_data(GROWTH[name])
    first = pd.read_csv(path, usecols=["day"])["day"].min()
    study = study_of(
        run_cli,
        str(path),
        "--control",
        control,
        "--event",
        f"multiple:{multiple}",
        *VISITS,
        "--interval",
        "log",
        f"--baseline-day={first}",
        "--draws",
        "99",
    )
    medians_agree(study, result["medians"])
    ranks_agree(study, result)
    animals = result["per_animal"]
    ours = {row["animal_id"]: (row["arm"], row["time"], row["event"]) for row in study["animals"]}
    assert ours == {
        name: (arm, time, event == 1)
        for name, arm, time, event in zip(
            *(animals[key] for key in ("animal_id", "g", "time", "event")), strict=True
        )
    }
    if "warnings" in result["cox_efron"]:
        # R's fit ran away: where it does, ours is Firth's and says so.
        without = {arm["arm"] for arm in study["arms"] if arm["events"] == 0}
        assert without or "firth" in {row["method"] for row in study["cox"]}
        return
    hazards_agree(study, result["cox_efron"], {"cox"})
    together = study["proportional_hazards"][-1]
    assert together["p_value"] == pytest.approx(result["cox_efron"]["zph_p"], rel=1e-2)


@pytest.mark.parametrize("name", sorted(GROWTH))
def test_mean_times_agree_up_to_the_last_reading(
    name: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference(name)["sections"]["11_time_to_4x"]["results"]
    path = shared_data(GROWTH[name])
    last = max(result["per_animal"]["time"])
    first = pd.read_csv(path, usecols=["day"])["day"].min()
    study = study_of(
        run_cli,
        str(path),
        "--control",
        str(result["medians"]["arm"][0]),
        "--event",
        "quadrupling",
        *VISITS,
        f"--tau={last}",
        f"--baseline-day={first}",
        "--draws",
        "99",
    )
    means = dict(zip(result["medians"]["arm"], result["medians"]["rmean"], strict=True))
    compared = 0
    for arm in study["arms"]:
        # R carries a curve beyond its last reading; ours has no mean there.
        if arm["rmst"] is not None:
            assert arm["rmst"] == pytest.approx(means[arm["arm"]], rel=CLOSED)
            compared += 1
    assert compared


def whole_section_agrees(
    run_cli: RunCli, arguments: Sequence[str], result: Mapping[str, Any]
) -> None:
    """Curves with limits, medians of both kinds, tests, Cox, means, constancy of the ratio."""
    tau = result["rmst"]["tau"]
    for kind in ("log", "loglog"):
        study = study_of(run_cli, *arguments, "--interval", kind, f"--tau={tau}", "--draws", "99")
        medians_agree(study, result["km"][f"medians_{kind}_ci"])
    study = study_of(run_cli, *arguments, "--interval", "log", f"--tau={tau}", "--draws", "99")
    ranks_agree(study, result["tests"])
    hazards_agree(study, result["cox_efron"], {"cox"})
    together = study["proportional_hazards"][-1]
    assert together["statistic"] == pytest.approx(
        result["cox_efron"]["zph"]["chisq"][-1], rel=1e-2
    )
    table = result["rmst"]["table"]
    means = {arm["arm"]: arm["rmst"] for arm in study["arms"]}
    for arm, mean in zip(table["g"], table["rmst"], strict=True):
        assert means[arm] == pytest.approx(mean, rel=CLOSED)
    steps = pd.DataFrame(result["km"]["steps"])
    for curve in study["curves"]:
        theirs = steps[steps["stratum"] == curve["arm"]]
        ours = pd.DataFrame(
            {
                key: curve[key]
                for key in ("time", "at_risk", "events", "survival", "lower", "upper")
            }
        )
        ours = ours[ours["events"] > 0].reset_index(drop=True)
        assert ours["time"].tolist() == theirs["time"].tolist()
        assert ours["at_risk"].tolist() == theirs["n_risk"].tolist()
        assert ours["events"].tolist() == theirs["n_event"].tolist()
        assert ours["survival"].tolist() == pytest.approx(
            theirs["surv"].tolist(), rel=CLOSED, abs=1e-11
        )
        known = theirs["lower"].notna().to_numpy()
        for side in ("lower", "upper"):
            assert ours.loc[known, side].astype(float).tolist() == pytest.approx(
                theirs.loc[known, side].astype(float).tolist(), rel=CLOSED
            )
    pairs = {frozenset(pair["pair"]): pair for pair in result["pairwise_logrank"]}
    control = study["arms"][0]["arm"]
    alone = [t for t in study["tests"] if t["test"] == "log_rank" and len(t["arms"]) == 2]
    assert len(alone) == len(study["arms"]) - 1
    for test in alone:
        assert control in test["arms"]
        expected = pairs[frozenset(test["arms"])]
        assert test["statistic"] == pytest.approx(expected["chisq"], rel=CLOSED)


@pytest.mark.parametrize("area", [100, 200])
def test_times_to_an_area_agree(
    area: int,
    tmp_path: Path,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("kroemer_antibody_genotype")["sections"]
    # Areas carry no event at a volume: the times become a table, as a user's would.
    growth = pd.read_csv(shared_data("kroemer_antibody_genotype/growth.csv"))
    growth = growth[growth["area_mm2"].notna()].sort_values(["animal_id", "day"])
    rows = []
    for animal, read in growth.groupby("animal_id", sort=False):
        past = read[read["area_mm2"] >= area]
        seen = read if past.empty else past
        day = seen["day"].iloc[-1] if past.empty else seen["day"].iloc[0]
        rows.append([animal, read["treatment"].iloc[0], day, int(not past.empty)])
    path = tmp_path / "areas.csv"
    names = ["animal_id", "treatment", "time_days", "event"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    whole_section_agrees(
        run_cli, (str(path), "--control", "IC.WT"), sections[f"70_time_to_{area}"]["results"]
    )


def test_the_rats_agree(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("survival_mantel_rats")["sections"]
    path = str(shared_data("survival_mantel_rats/survival.csv"))
    females = (path, "--control", "control", "--only", "sex=f")
    whole_section_agrees(run_cli, females, sections["70_females"]["results"])
    clustered = sections["72_clustered"]["results"]
    robust = study_of(run_cli, *females, "--cluster", "litter", "--draws", "99")
    hazards_agree(robust, clustered["cluster"], {"cox_robust"})
    within = study_of(run_cli, *females, "--strata", "litter", "--draws", "99")
    hazards_agree(within, clustered["strata_litter"], {"cox"})
    both = study_of(run_cli, path, "--control", "control", "--strata", "sex", "--draws", "99")
    hazards_agree(both, clustered["strata_sex"], {"cox"})


def test_the_mice_agree_for_all_causes_and_for_each(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("survival_hoel_mice")["sections"]
    mice = (str(shared_data("survival_hoel_mice/survival.csv")), "--control", "conventional")
    whole_section_agrees(run_cli, mice, sections["70_all_causes"]["results"])
    result = sections["71_competing_risks"]["results"]
    for cause, fit in result["cause_specific"].items():
        study = study_of(run_cli, *mice, "--cause", cause, "--draws", "99")
        hazards_agree(study, fit, {"cox"})
        for state, row in enumerate(result["states"]):
            if row == cause:
                incidence_agrees(study, result, cause, state)


def incidence_agrees(
    study: Mapping[str, Any], result: Mapping[str, Any], cause: str, state: int
) -> None:
    """Aalen-Johansen at the days that R was asked for."""
    ours = {row["arm"]: row for row in study["cumulative_incidence"]}
    for place, stratum in enumerate(result["strata"]):
        row = ours[stratum.removeprefix("treatment=")]
        (steps,) = [found for found in row["causes"] if found["cause"] == cause]
        passed = [time <= result["times"][place] for time in row["time"]]
        value = steps["incidence"][sum(passed) - 1] if any(passed) else 0.0
        assert value == pytest.approx(result["pstate"][place][state], rel=CLOSED, abs=1e-11)


def test_tumors_of_the_rats_appear_when_r_says(
    tmp_path: Path,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("iowa_breast_rat")["sections"]["70_incidence"]["results"]
    growth = pd.read_csv(shared_data("iowa_breast_rat/growth.csv"))
    growth = growth[growth["volume_mm3"].notna()].sort_values("day", kind="stable")
    rows = []
    for animal, read in growth.groupby("animal_id"):
        seen = read[read["volume_mm3"] > 0]
        day = read["day"].iloc[-1] if seen.empty else seen["day"].iloc[0]
        first = read.iloc[0]
        rows.append([animal, first["treatment"], day, int(not seen.empty), first["cohort"]])
    path = tmp_path / "incidence.csv"
    names = ["animal_id", "treatment", "time_days", "event", "cohort"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    arguments = (str(path), "--control", "VEH")
    whole_section_agrees(run_cli, arguments, section)
    within = study_of(run_cli, *arguments, "--strata", "cohort", "--draws", "99")
    hazards_agree(within, section["stratified"]["cox"], {"cox"})
    ranks_agree(within, {"logrank": section["stratified"]["logrank"]})


def test_the_encyclopedia_agrees_plain_stratified_and_clustered(
    tmp_path: Path,
    run_cli: RunCli,
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    animals = section["per_animal"]
    frame = pd.DataFrame(
        {
            "animal_id": animals["animal_id"],
            "treatment": animals["g"],
            "time_days": animals["time"],
            "event": animals["event"],
            "pdx": animals["model"],
            "tumor": animals["tumor_type"],
        }
    )
    path = tmp_path / "pdxe.csv"
    frame.to_csv(path, index=False)
    arguments = (str(path), "--control", "untreated")
    whole_section_agrees(run_cli, arguments, section)
    for more, key, method in (
        (("--strata", "pdx"), "cox_strata_model", "cox"),
        (("--cluster", "pdx"), "cox_cluster_model", "cox_robust"),
        (("--strata", "tumor"), "cox_strata_type", "cox"),
    ):
        study = study_of(run_cli, *arguments, *more, "--draws", "99")
        hazards_agree(study, section[key], {method})
