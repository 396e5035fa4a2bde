"""``oncovivo synergy``: its JSON, its options, its tables and figures, and how it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from oncovivo.combination.plot_words import index_words, p_words
from oncovivo.combination.wording import open_limits

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

RATES = {"Vehicle": 0.11, "A": 0.08, "B": 0.07, "A+B": -0.01}
THREE = {
    **{"Vehicle": 0.12, "A": 0.09, "B": 0.08, "C": 0.10},
    **{"A+B": 0.04, "A+C": 0.07, "B+C": 0.06, "A+B+C": -0.01},
}
ROLES = ("--control", "Vehicle", "--a", "A", "--b", "B", "--combination", "A+B")
RESULT_KEYS = {
    "null", "scale", "day", "estimate", "std_error", "df", "lower", "upper", "p_value", "index",
    "index_lower", "index_upper", "detectable_index", "verdict", "status", "reason",
}  # fmt: skip
WOBBLE = (0.05, -0.04, 0.02, -0.05, 0.03, -0.01)


def write_study(
    path: Path, rates: Mapping[str, float] = RATES, *, animals: int = 5, size: float = 1.0
) -> Path:
    """Exponential growth, each animal at its own rate, read every three days with a wobble."""
    lines = ["animal_id,treatment,day,volume_mm3"]
    for name, rate in rates.items():
        for animal in range(animals):
            own = rate + 0.006 * (animal - (animals - 1) / 2)
            for place, day in enumerate(range(0, 22, 3)):
                wobble = WOBBLE[(place * (animal + 2) + len(name)) % 6]
                volume = size * 150 * math.exp(own * day + wobble)
                lines.append(f"{name}-{animal},{name},{day},{volume:.6g}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def study_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    (study,) = json.loads(outcome.out)["studies"]
    return dict(study)


def answer(study: dict[str, Any], null: str, scale: str, of: str = "A+B") -> dict[str, Any]:
    (found,) = [
        result
        for result in study["results"]
        if (result["null"], result["scale"], result["arms"]["combination"]) == (null, scale, of)
    ]
    return dict(found)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_study(tmp_path / "growth.csv")


def test_the_json_has_every_null_model_on_every_scale(run_cli: RunCli, file: Path) -> None:
    outcome = run_cli("synergy", str(file), *ROLES, "--json")
    study = study_of(outcome)
    top = json.loads(outcome.out)
    assert top["schema"] == "oncovivo.synergy/1"
    assert top["options"]["combination"] == "A+B"
    assert top["options"]["model"]["df"] == "kr"
    asked = {(result["null"], result["scale"]) for result in study["results"]}
    growth = {"growth_rate", "relative_volume", "tgi", "auc"}
    events = {"hazard", "median_survival"}
    assert asked == (
        {(null, scale) for null in ("bliss", "hsa") for scale in growth | events}
        | {("response_additivity", scale) for scale in growth - {"growth_rate"}}
    )
    for result in study["results"]:
        assert set(result) >= RESULT_KEYS
        assert result["verdict"] in ("synergy", "antagonism", "not_shown")
    assert study["arms"] == {"control": "Vehicle", "a": "A", "b": "B", "combination": "A+B"}
    assert {"null", "day", "index", "index_lower", "index_upper"} <= set(study["band"][0])
    assert {row["null"] for row in study["band"]} == {"bliss", "hsa", "response_additivity"}
    assert study["n_by_arm"] == {"Vehicle": 5, "A": 5, "B": 5, "A+B": 5}


def test_bliss_is_the_contrast_of_the_arms_rates_and_the_factorial_interaction(
    run_cli: RunCli, file: Path
) -> None:
    study = study_of(run_cli("synergy", str(file), *ROLES, "--json"))
    growth = run_cli("growth", str(file), "--control", "Vehicle", "--json")
    (fitted,) = json.loads(growth.out)["studies"]
    rate = {row["arm"]: row["estimate"] for row in fitted["rates"]}
    expected = rate["A+B"] - rate["A"] - rate["B"] + rate["Vehicle"]
    bliss = answer(study, "bliss", "growth_rate")
    assert bliss["estimate"] == pytest.approx(expected, rel=1e-9)
    assert study["factorial"][0]["estimate"] == pytest.approx(expected, rel=1e-9)
    assert study["factorial"][0]["p_value"] == pytest.approx(bliss["p_value"], rel=1e-9)
    assert bliss["index"] == pytest.approx(math.exp(expected * 21), rel=1e-9)
    tgi, size = answer(study, "bliss", "tgi"), answer(study, "bliss", "relative_volume")
    assert (tgi["index"], tgi["p_value"]) == (size["index"], size["p_value"])
    # Inhibition is that of the fitted curves against the control's.
    assert tgi["observed"] == pytest.approx(
        100 * (1 - math.exp(21 * (rate["A+B"] - rate["Vehicle"]))), rel=1e-9
    )


def test_arms_without_a_role_change_nothing(run_cli: RunCli, tmp_path: Path) -> None:
    alone = write_study(tmp_path / "four.csv")
    beside = write_study(tmp_path / "five.csv", {**RATES, "other": 0.3})
    first, second = (
        study_of(run_cli("synergy", str(path), *ROLES, "--json", "--seed", "1"))
        for path in (alone, beside)
    )
    assert first["results"] == second["results"]


def test_the_unit_of_the_volumes_changes_no_answer(run_cli: RunCli, tmp_path: Path) -> None:
    small = write_study(tmp_path / "small.csv")
    large = write_study(tmp_path / "large.csv", size=2.0)
    given = (*ROLES, "--json", "--seed", "1", "--null", "bliss", "--scale", "growth_rate")
    first, second = (
        answer(study_of(run_cli("synergy", str(path), *given)), "bliss", "growth_rate")
        for path in (small, large)
    )
    # Six digits of the file's volumes are rounded anew.
    assert first["estimate"] == pytest.approx(second["estimate"], abs=1e-6)


def test_three_partners_with_their_pairs(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(tmp_path / "three.csv", THREE)
    study = study_of(
        run_cli(
            "synergy",
            str(path),
            *("--control", "Vehicle", "--a", "A", "--b", "B", "--c", "C"),
            *("--combination", "A+B+C", "--ab", "A+B", "--ac", "A+C", "--bc", "B+C"),
            *("--scale", "growth_rate", "--json"),
        )
    )
    assert study["arms"] == {
        **{"control": "Vehicle", "a": "A", "b": "B", "c": "C", "combination": "A+B+C"},
        **{"ab": "A+B", "ac": "A+C", "bc": "B+C"},
    }
    assert {result["arms"]["combination"] for result in study["results"]} == {
        *("A+B+C", "A+B", "A+C", "B+C")
    }
    # 2 x 2 x 2: the Bliss contrast of all three is the sum of all interactions.
    whole = answer(study, "bliss", "growth_rate", "A+B+C")
    assert sum(i["estimate"] for i in study["factorial"]) == pytest.approx(whole["estimate"])


def test_the_first_null_and_scale_asked_for_are_what_the_sentence_speaks_of(
    run_cli: RunCli, file: Path
) -> None:
    outcome = run_cli("synergy", str(file), *ROLES, "--null", "hsa,bliss", "--scale", "auc")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "A+B against A and B alone, highest single agent on the area under the curve" in said
    assert "on day 21" in said
    assert "n = 5 animals in each arm" in said
    assert "response additivity" not in said.split("HSA: highest")[0]


def test_the_table_fits_eighty_columns(run_cli: RunCli, file: Path) -> None:
    outcome = run_cli("synergy", str(file), *ROLES)
    assert outcome.code == 0
    assert max(len(line) for line in outcome.out.splitlines()) <= 80


def test_resamples_come_beside_and_repeat_with_their_seed(run_cli: RunCli, file: Path) -> None:
    given = (str(file), *ROLES, "--bootstrap", "400", "--seed", "7", "--json")
    first, second = (study_of(run_cli("synergy", *given)) for _ in range(2))
    assert first == second
    assert {area["null"] for area in first["areas"]} == {"bliss", "hsa", "response_additivity"}
    (drawn,) = first["additivity_draws"]
    assert drawn["draws"] == 400
    shown = run_cli("synergy", *given[:-1])
    assert "400 resamples" in " ".join(shown.out.split())


def test_results_go_to_a_table_that_a_meta_analysis_reads(
    run_cli: RunCli, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rows.csv"
    assert run_cli("synergy", str(file), *ROLES, "-o", str(out)).code == 0
    frame = pd.read_csv(out)
    row = frame[(frame["null"] == "bliss") & (frame["scale"] == "growth_rate")].iloc[0]
    assert row["yi"] == row["estimate"]
    assert row["vi"] == pytest.approx(row["std_error"] ** 2)
    assert frame[frame["null"] == "hsa"]["yi"].isna().all()


def test_figures_are_written_beside_each_other(
    run_cli: RunCli, file: Path, tmp_path: Path
) -> None:
    outcome = run_cli("synergy", str(file), *ROLES, "--figure", str(tmp_path / "f.svg"))
    assert outcome.code == 0, outcome.err
    names = {path.name for path in tmp_path.glob("f*.svg")}
    assert names == {
        *("f.svg", "f-band-bliss.svg", "f-band-hsa.svg", "f-band-response-additivity.svg"),
        "f-forest.svg",
    }


def test_a_survival_table_has_the_scales_of_events(run_cli: RunCli, tmp_path: Path) -> None:
    lines = ["animal_id,treatment,time_days,event"]
    for arm, start in (("V", 10), ("A", 14), ("B", 15), ("AB", 40)):
        lines += [f"{arm}{i},{arm},{start + 2 * i + i * i / 7:.3f},1" for i in range(6)]
    path = tmp_path / "times.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    roles = ("--control", "V", "--a", "A", "--b", "B", "--combination", "AB")
    study = study_of(run_cli("synergy", str(path), *roles, "--json"))
    asked = {(result["null"], result["scale"]) for result in study["results"]}
    assert asked == {(n, s) for n in ("bliss", "hsa") for s in ("hazard", "median_survival")}
    assert study["model"] is None
    refused = run_cli("synergy", str(path), *roles, "--scale", "growth_rate", "--json")
    assert refused.code == 2
    assert "scales of events" in refused.err


def test_a_study_without_an_arm_is_skipped_and_said(run_cli: RunCli, tmp_path: Path) -> None:
    frame = pd.read_csv(write_study(tmp_path / "one.csv"))
    other = frame[frame["treatment"] != "B"].assign(study="second")
    both = pd.concat([frame.assign(study="first"), other])
    path = tmp_path / "both.csv"
    both.to_csv(path, index=False)
    outcome = run_cli("synergy", str(path), *ROLES, "--json")
    assert outcome.code == 1
    first, second = json.loads(outcome.out)["studies"]
    assert (first["status"], second["status"]) == ("ok", "not_estimable")
    assert "'B'" in second["reason"]
    assert second["results"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--control", "Vehicle", "--b", "B", "--combination", "A+B"), "--a"),
        (("--control", "Vehicle", "--a", "A", "--combination", "A+B"), "--b"),
        (("--control", "Vehicle", "--a", "A", "--b", "B"), "--combination"),
        (("--control", "Vehicle", "--a", "A", "--b", "b ", "--combination", "A+B"), "write 'B'"),
        (("--control", "Vehicle", "--a", "A", "--b", "A", "--combination", "A+B"), "two roles"),
        ((*ROLES, "--null", "loewe"), "bliss, hsa, response_additivity"),
        ((*ROLES, "--scale", "volume"), "growth_rate"),
        ((*ROLES, "--null", "response_additivity", "--scale", "growth_rate"), "scale of sizes"),
        ((*ROLES, "--null", "response_additivity", "--scale", "hazard"), "bliss or hsa"),
        ((*ROLES, "--ac", "A"), "name the third"),
        ((*ROLES, "--day", "-3"), "a day after the baseline"),
        ((*ROLES, "--grid"), "--grid"),
        (("--control", "Vehicle", "--a", "x", "--b", "y", "--grid"), "labels that carry"),
        (("--a", "A", "--b", "B", "--combination", "A+B"), "--control"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line(
    run_cli: RunCli, file: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = run_cli("synergy", str(file), *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_other_doses_in_the_combination_are_refused_until_they_are_accepted(
    run_cli: RunCli, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    assert run_cli(
        "study", "convert", str(write_study(tmp_path / "growth.csv")), "-o", str(folder)
    ).code in (0, 1)
    toml = next(folder.rglob("study.toml"))
    text = toml.read_text(encoding="utf-8")
    regimens = {
        "Vehicle": "vehicle po qd x21",
        "A": "drugA 10 mg/kg po qd x21",
        "B": "drugB 5 mg/kg ip qd x21",
        "A+B": "drugA 20 mg/kg po qd x21 + drugB 5 mg/kg ip qd x21",
    }
    for arm, regimen in regimens.items():
        text = text.replace(f'name = "{arm}"', f'name = "{arm}"\nregimen = "{regimen}"')
    toml.write_text(text, encoding="utf-8")
    refused = run_cli("synergy", str(toml.parent), *ROLES)
    assert refused.code == 3
    assert "drugA" in refused.err
    accepted = study_of(
        run_cli("synergy", str(toml.parent), *ROLES, "--doses", "accept", "--json")
    )
    assert accepted["doses"]["status"] == "unequal"
    assert "doses_differ" in {warning["code"] for warning in accepted["warnings"]}


def test_an_addition_to_several_partners(run_cli: RunCli, tmp_path: Path) -> None:
    rates = {"V": 0.12, "V+R": 0.08, "A": 0.09, "A+R": 0.05, "B": 0.10, "B+R": -0.05}
    path = write_study(tmp_path / "radiation.csv", rates)
    pairs = ("--added", "V=V+R", "--added", "A=A+R", "--added", "B = B+R")
    study = study_of(run_cli("synergy", str(path), "--control", "V", *pairs, "--json"))
    found = study["addition"]
    assert [effect["without"] for effect in found["effects"]] == ["V", "A", "B"]
    effects = {effect["without"]: effect["estimate"] for effect in found["effects"]}
    index = {row["partner"]: row for row in found["indices"]}
    for partner in ("A", "B"):
        expected = math.exp(21 * (effects[partner] - effects["V"]))
        assert index[partner]["index"] == pytest.approx(expected, rel=1e-9)
    assert (index["A"]["verdict"], index["B"]["verdict"]) == ("not_shown", "synergy")
    assert found["equality"]["p_value"] < 0.001
    shown = run_cli("synergy", str(path), "--control", "V", *pairs)
    assert "does not do the same in every arm" in " ".join(shown.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--added", "A=A+B"), "the control with the addition"),
        (("--added", "Vehicle=none"), "an arm of the study"),
        (("--added", "Vehicle"), "arm without = arm with"),
        (("--addition", "radiation", "--added", "Vehicle=A"), "both"),
        (("--added", "Vehicle=A", "--a", "A"), "--a A"),
    ],
)
def test_a_wrong_addition_is_one_clear_line(
    run_cli: RunCli, file: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = run_cli("synergy", str(file), "--control", "Vehicle", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_an_addition_is_not_found_without_regimens(run_cli: RunCli, file: Path) -> None:
    outcome = run_cli("synergy", str(file), "--control", "Vehicle", "--addition", "radiation")
    assert outcome.code == 3
    assert "name the pairs of arms" in outcome.err


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("--df", "cr2", "df"),
        ("--residual", "car1", "residual"),
        ("--intercept", "arm", "intercept"),
        ("--likelihood", "ML", "likelihood"),
        ("--baseline", "ratio", "baseline"),
        ("--random", "intercept", "random"),
    ],
)
def test_the_model_is_the_one_that_was_asked_for(
    run_cli: RunCli, file: Path, option: str, value: str, key: str
) -> None:
    given = (*ROLES, "--null", "bliss", "--scale", "growth_rate", "--json")
    study = study_of(run_cli("synergy", str(file), *given, option, value))
    assert study["model"][key] == value
    if option == "--df":
        assert study["sensitivity"] == []
    if option == "--likelihood":
        assert study["likelihood"] == "ML"


def test_the_text_has_the_numbers_of_the_json(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(tmp_path / "growth.csv", {**RATES, "A+B": 0.045})
    given = (str(path), *ROLES, "--null", "hsa,bliss", "--scale", "auc,relative_volume")
    study = study_of(run_cli("synergy", *given, "--json"))
    first = study["results"][0]
    assert (first["null"], first["scale"]) == ("hsa", "auc")
    shown = run_cli("synergy", *given).out
    said = " ".join(shown.split())
    assert f"the area under the relative size is {first['index']:.2f} times that foreseen" in said
    assert "95 % limits each side alone" in said
    assert "SIMULATED" not in said
    for result, line in zip(
        study["results"],
        [line for line in shown.splitlines() if line.startswith(("    area", "    relative"))],
        strict=True,
    ):
        assert f"{result['index']:.2f} " in line
        assert f"{result['index_lower']:.2f} to {result['index_upper']:.2f} " in line
        assert f" {result['detectable_index']:.2f} " in line
        assert line.split("  ")[-1].strip() in (result["verdict"].replace("_", " "), "")
    for warning in study["warnings"]:
        assert " ".join(warning["message"].split()) in said
    assert "additivity: response additivity" not in said


def test_a_flag_stands_at_its_answer_and_is_told_below(run_cli: RunCli, file: Path) -> None:
    given = (str(file), *ROLES, "--scale", "hazard", "--event", "doubling")
    study = study_of(run_cli("synergy", *given, "--json"))
    (reason,) = {result["reason"] for result in study["results"]}
    shown = " ".join(run_cli("synergy", *given).out.split())
    assert f"[1] {reason}" in shown
    assert shown.count("[1]") == 1 + len(study["results"])


def test_the_robust_verdict_is_told_where_it_differs(run_cli: RunCli, file: Path) -> None:
    given = (str(file), *ROLES, "--null", "bliss", "--scale", "growth_rate")
    (same,) = study_of(run_cli("synergy", *given, "--json"))["sensitivity"]
    assert same["agrees"]
    own = answer(study_of(run_cli("synergy", *given, "--json")), "bliss", "growth_rate")
    assert same["p_value"] != own["p_value"]
    shown = run_cli("synergy", *given).out
    assert "say the same on every scale" in shown
    assert "with cluster-robust" not in shown


def test_antagonism_is_called_so(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(tmp_path / "worse.csv", {**RATES, "A+B": 0.10})
    given = (str(path), *ROLES, "--null", "bliss", "--scale", "growth_rate")
    found = answer(study_of(run_cli("synergy", *given, "--json")), "bliss", "growth_rate")
    assert (found["verdict"], found["index"] > 1) == ("antagonism", True)
    assert found["synergylmm_score"] == pytest.approx(-found["estimate"] / found["std_error"])
    said = " ".join(run_cli("synergy", *given).out.split())
    assert "n = 5 animals in each arm): antagonism." in said
    assert "could have found" not in said


def test_a_grid_shows_limits_and_p_over_all_its_cells(run_cli: RunCli, tmp_path: Path) -> None:
    rates = {
        **{"x_0 y_0": 0.12, "x_1 y_0": 0.11, "x_2 y_0": 0.09, "x_0 y_1": 0.10, "x_0 y_2": 0.08},
        **{"x_1 y_1": 0.09, "x_1 y_2": 0.03, "x_2 y_1": 0.06, "x_2 y_2": 0.05},
    }
    path = write_study(tmp_path / "grid.csv", rates)
    given = (str(path), "--control", "x_0 y_0", "--a", "x", "--b", "y", "--grid", "--null", "hsa")
    (surface,) = study_of(run_cli("synergy", *given, "--json"))["grid"]
    ranked = sorted(surface["cells"], key=lambda cell: cell["rank"])
    shown = run_cli("synergy", *given).out
    assert "4 dose pairs against the highest single agent" in " ".join(shown.split())
    assert "Smallest index: " + ranked[0]["alone"]["arms"]["combination"] in " ".join(
        shown.split()
    )
    assert "Highest single agent: dose pairs by index" in shown
    lines = shown[shown.index("adjusted p") :].splitlines()[1:5]
    for cell, line in zip(ranked, lines, strict=True):
        assert f"{cell['index_lower']:.2f} to {cell['index_upper']:.2f} " in line
        if cell["p_adjusted"] >= 0.1:
            assert f" {cell['p_adjusted']:.3f} " in line
            assert f"{cell['alone']['p_value']:.3f}" not in line


def test_names_with_a_sign_are_parted_by_spaces(run_cli: RunCli, tmp_path: Path) -> None:
    rates = {"V=1": 0.12, "V=1+R": 0.08, "A": 0.09, "A+R": 0.05}
    path = write_study(tmp_path / "signs.csv", rates)
    given = (str(path), "--control", "V=1", "--added", "V=1 = V=1+R", "--added", "A=A+R")
    found = study_of(run_cli("synergy", *given, "--json"))["addition"]
    assert [effect["without"] for effect in found["effects"]] == ["V=1", "A"]
    # No difference between the arms: the common factor is the one to read.
    said = " ".join(run_cli("synergy", *given).out.split())
    assert "no difference between the arms is shown" in said
    assert "an average of unlike effects" not in said
    out = tmp_path / "added.csv"
    assert run_cli("synergy", *given, "-o", str(out)).code == 0
    frame = pd.read_csv(out)
    assert frame["partner"].tolist() == ["A"]
    assert frame["index"][0] == pytest.approx(found["indices"][0]["index"])
    refused = run_cli("synergy", *given, "--figure", str(tmp_path / "f.svg"))
    assert refused.code == 2
    assert "a question that has a figure" in refused.err


def test_a_median_is_told_as_one(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(tmp_path / "growth.csv", {**RATES, "A+B": 0.055})
    given = (str(path), *ROLES, "--scale", "median_survival", "--event", "doubling")
    study = study_of(run_cli("synergy", *given, "--null", "hsa", "--json"))
    found = answer(study, "hsa", "median_survival")
    said = " ".join(run_cli("synergy", *given, "--null", "hsa").out.split())
    assert f"the median foreseen is {found['index']:.2f} times that observed" in said
    gone = write_study(tmp_path / "gone.csv", {**RATES, "A+B": -0.02})
    shown = run_cli("synergy", str(gone), *given[1:]).out
    said = " ".join(shown.split())
    assert "the index is at most" in said
    # One reason, not one for each partner.
    assert said.count("the median of 'A+B' was not reached by 21") == 1
    assert "median time  —      < 0." in shown


@pytest.mark.parametrize(("index", "words"), [(0.996, "0.996"), (1.004, "1.004"), (1.0, "1.00")])
def test_an_index_next_to_one_keeps_its_side(index: float, words: str) -> None:
    assert index_words(index) == words
    assert open_limits(0.5, index) == f"0.50 to {words}"
    assert open_limits(None, index) == f"< {words}"
    assert open_limits(index, None) == f"> {words}"


def test_a_p_value_below_five_percent_is_not_told_as_five() -> None:
    told = [p_words(p) for p in (0.0496, 0.0504, 0.0486)]
    assert told == ["p = 0.0496", "p = 0.0504", "p = 0.049"]
