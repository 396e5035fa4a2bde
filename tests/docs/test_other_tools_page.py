"""The page on other tools is true: each number is computed again, or read from the reference."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oncovivo.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "background" / "other-tools.md").read_text(encoding="utf-8")
STUDY = ROOT / "examples" / "temsirolimus" / "studies" / "four_arm_simulated"
# What examples/temsirolimus/studies/simulate.py assumes, in its order.
RATES = {"V": 0.115, "T": 0.075, "P": 0.090, "TP": 0.045}
DAY = 28
Json: TypeAlias = dict[str, Any]
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], Json]


def rows() -> dict[str, list[list[str]]]:
    """The cells of each table row, by its first cells."""
    found: dict[str, list[list[str]]] = {}
    for line in PAGE.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(cells[0], []).append([cell.strip(" |") for cell in cells])
    return found


def signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Json]:
    """The JSON of a command."""

    def run(*line: str | Path) -> Json:
        with pytest.raises(SystemExit) as left:
            main([*(str(word) for word in line), "--json"])
        out = capsys.readouterr()
        assert left.value.code == 0, out.err
        content: Json = json.loads(out.out)
        return content

    return run


@functools.cache
def sizes() -> dict[str, pd.DataFrame]:
    """Volumes of the shipped study, animals by days, for each arm."""
    frame = pd.read_csv(STUDY / "measurements.csv")
    arms = dict(zip(("V", "T", "P", "TP"), frame["arm"].unique(), strict=True))
    assert arms == {
        "V": "vehicle", "T": "temsirolimus", "P": "perifosine", "TP": "temsirolimus + perifosine",
    }  # fmt: skip
    return {
        key: frame[frame["arm"] == arm].pivot(
            index="animal_id", columns="day", values="volume_mm3"
        )
        for key, arm in arms.items()
    }


def change(table: pd.DataFrame) -> float:
    """Growth to the day, of the animals that are still there."""
    left = table[table[DAY].notna()]
    return float(left[DAY].mean() - left[0].mean())


def inhibited(key: str, *, carried: bool = False) -> float:
    tables = {name: table.ffill(axis=1) if carried else table for name, table in sizes().items()}
    return 100 * (1 - change(tables[key]) / change(tables["V"]))


def test_the_simulation_assumes_the_truth_of_the_page(
    load_file: Callable[[Path], ModuleType],
) -> None:
    stated = load_file(STUDY.parent / "simulate.py").RATE_PER_DAY
    assert list(stated.values()) == list(RATES.values())
    true = {
        key: 100 * (1 - math.expm1(RATES[key] * DAY) / math.expm1(RATES["V"] * DAY))
        for key in ("T", "P")
    }
    found = rows()
    first, second = (
        f"growth inhibited by {name}, day 28" for name in ("temsirolimus", "perifosine")
    )
    assert found[first][0][4] == f"{true['T']:.1f} %"
    assert found[second][0][4] == f"{true['P']:.1f} %"
    assert [row[4] for row in found["the same"][:2]] == [f"{true['P']:.1f} %"] * 2
    assert found["does perifosine slow growth?"][0][4] == "yes, by 0.025 per day"
    index = math.exp((RATES["TP"] - RATES["T"] - RATES["P"] + RATES["V"]) * DAY)
    assert found["is the combination synergistic? (Bliss)"][0][4] == f"index {index:.2f}"


def test_the_usual_ways_say_what_the_page_says() -> None:
    found = rows()
    assert found["growth inhibited by temsirolimus, day 28"][0][2] == f"{inhibited('T'):.1f} %"
    assert found["growth inhibited by perifosine, day 28"][0][2] == f"{inhibited('P'):.1f} %"
    carried, xeva = found["the same"][:2]
    assert carried[2] == f"{inhibited('P', carried=True):.1f} %"
    table = sizes()
    of_xeva = (table["V"][DAY].mean() - table["P"][DAY].mean()) / (
        table["V"][0].mean() - table["P"][0].mean()
    )
    assert xeva[2] == f"{signed(100 * of_xeva, 0)} %"
    p_values = [
        stats.ttest_ind(table["P"][day].dropna(), table["V"][day].dropna()).pvalue
        for day in table["V"].columns
    ]
    assert len(p_values) == 9
    on = f"p < 0.05 on {sum(p < 0.05 for p in p_values)} days"
    assert found["does perifosine slow growth?"][0][2] == on
    assert int(table["V"][DAY].notna().sum()) == 3
    seen, foreseen = (
        inhibited("TP"),
        100 - (100 - inhibited("T")) * (100 - inhibited("P")) / 100,
    )
    row = found["is the combination synergistic? (Bliss)"][0]
    assert row[1] == f"TGI of day 28: {seen:.1f} % seen, {foreseen:.1f} % foreseen"
    assert row[2] == f"{seen - foreseen:.1f} points of synergy"


def test_the_two_way_analysis_of_variance_is_as_told() -> None:
    frame = pd.read_csv(STUDY / "measurements.csv")
    arm, day = (pd.get_dummies(frame[name].astype(str)) for name in ("arm", "day"))
    cells = pd.get_dummies(frame["arm"] + frame["day"].astype(str))
    size = frame["volume_mm3"].to_numpy()

    def left(design: pd.DataFrame) -> tuple[float, int]:
        x = design.to_numpy(dtype=float)
        coefficients, _, rank, _ = np.linalg.lstsq(x, size, rcond=None)
        return float(((size - x @ coefficients) ** 2).sum()), int(rank)

    (main_effects, few), (whole, many) = left(pd.concat([arm, day], axis=1)), left(cells)
    df = size.size - many
    ratio = (main_effects - whole) / (many - few) / (whole / df)
    row = rows()["do arms differ in their course?"][0]
    assert row[2] == f"p = {stats.f.sf(ratio, many - few, df):.1e} with {df} degrees of freedom"


def test_oncovivo_says_of_the_simulated_study_what_the_page_says(
    printed: Callable[..., Json],
) -> None:
    found = rows()
    (study,) = printed("growth", STUDY, "--control", "vehicle")["studies"]
    effects = {
        one["arm"]: one for one in study["effects"] if one["effect"] == "tgi_delta_geometric_pct"
    }
    for name, row in (
        ("temsirolimus", found["growth inhibited by temsirolimus, day 28"][0]),
        ("perifosine", found["growth inhibited by perifosine, day 28"][0]),
        *(("perifosine", row) for row in found["the same"][:2]),
    ):
        one = effects[name]
        shown = f"{one['estimate']:.1f} % ({one['lower']:.1f} to {one['upper']:.1f})"
        assert row[3] == shown
    (contrast,) = [one for one in study["contrasts"] if one["arm"] == "perifosine"]
    row = found["does perifosine slow growth?"][0]
    assert row[3] == f"p = {contrast['p_adjusted']:.4f} (adjusted for three arms)"
    assert round(contrast["df"]) == 28
    (synergy,) = printed(
        "synergy", STUDY, "--control", "vehicle", "--a", "temsirolimus", "--b", "perifosine",
        "--combination", "temsirolimus + perifosine", "--null", "bliss", "--scale", "growth_rate",
    )["studies"]  # fmt: skip
    (bliss,) = synergy["results"]
    row = found["is the combination synergistic? (Bliss)"][0]
    assert row[3] == index_text(bliss)


def index_text(one: Json) -> str:
    """An index as the page writes it."""
    verdict = {"not_shown": "not shown"}[one["verdict"]]
    digits = 2 if one["p_value"] > 0.1 else 3
    limits = f"{one['index_lower']:.2f} to {one['index_upper']:.2f}"
    return f"index {one['index']:.2f} ({limits}), p = {one['p_value']:.{digits}f}: {verdict}"


def cells(question: str, data: str, program: str) -> list[str]:
    """What a program prints and what oncovivo prints, in the second table."""
    (row,) = [
        row for row in rows()[question] if row[1].startswith(data) and row[2].startswith(program)
    ]
    return row[3:]


@pytest.mark.realdata
def test_inhibition_and_response_of_public_data(
    printed: Callable[..., Json], shared_data: ReadData, shared_reference: ReadReference
) -> None:
    theirs, ours = cells("inhibition", "SW837", "invivoSyn")
    table = shared_reference("invivosyn_combos.SW837")["sections"]["60_invivosyn"]["results"][
        "TGI"
    ]
    place = table["Treatment"].index("Irinotecan + Rabusertib")
    tgi, low, high = (table[key][place] for key in ("TGI", "lb", "ub"))
    assert theirs == f"{tgi:.1f} % ({low:.1f} to {high:.1f})"
    found = endpoint(
        printed("study", "endpoints", shared_data("invivosyn_combos/SW837.csv"),
                "--control", "Vehicle", "--day", "24"),
        "Irinotecan + Rabusertib",
    )  # fmt: skip
    assert ours == "{:.1f} % ({:.1f} to {:.1f})".format(*(100 * value for value in found))

    theirs, ours = cells("inhibition", "repdx", "Xeva")
    batch = shared_reference("xeva_repdx")["sections"]["50_xeva"]["results"]["per_batch"]
    assert theirs == f"{batch['TGI_xeva'][batch['batch'].index('P1')]:.0f}"
    repdx = shared_data("xeva_repdx/growth.csv")
    found = endpoint(
        printed("study", "endpoints", repdx, "--line", "P1", "--control", "control"), "treatment"
    )
    assert ours == "{:.3f} ({:.3f} to {:.3f})".format(*found)
    theirs, ours = cells("growth rate", "repdx", "Xeva")
    assert theirs == f"{signed(batch['lmm_interaction'][0], 4)}, no error"
    (study,) = printed("growth", repdx, "--line", "P1", "--control", "control")["studies"]
    assert ours == rate_text(study["contrasts"][0])

    theirs, ours = cells("response", "kulgap", "pyKuLGaP")
    stats_of = shared_reference("kulgap_pdx")["sections"]["66_pykulgap"]["results"]["P58"]["stats"]
    c1 = stats_of["P58*C1"]
    assert set(c1["mRECIST"].values()) == {"mPD"}
    assert len(c1["mRECIST"]) == 6
    assert theirs == f"KL {c1['kl']:.2f}, p = {c1['kl_p_value']:.3f}; six of six PD"
    (study,) = printed(
        "growth", shared_data("kulgap_pdx/growth.csv"), "--line", "P58", "--control", "control",
        "--zeros", "missing", "--baseline-day", "20",
    )["studies"]  # fmt: skip
    (one,) = study["contrasts"]
    assert one["arm"] == "Cis + Vin"
    assert ours == f"growth slower by {-one['estimate']:.4f} per day, p = {one['p_value']:.4f}"


def endpoint(content: Json, arm: str) -> tuple[float, float, float]:
    """TGI of changes with its limits."""
    (study,) = content["studies"]
    (one,) = [
        one for one in study["endpoints"] if (one["arm"], one["endpoint"]) == (arm, "tgi_delta")
    ]
    return one["estimate"], one["lower"], one["upper"]


def rate_text(one: Json) -> str:
    return f"{signed(one['estimate'], 4)}, p = {one['p_value']:.4f}"


@pytest.mark.realdata
def test_growth_rates_of_public_data(shared_reference: ReadReference) -> None:
    sections = shared_reference("genentech_vismodegib")["sections"]
    # oncovivo agrees with lmer and emmeans to the tolerances of tests/growth.
    lmer = sections["07b_slopes_common_intercept"]["results"]["dunnett"]
    place = lmer["contrast"].index("dose_3.0 - dose_0.0")
    ours = f"{signed(lmer['estimate'][place], 4)}, p = {lmer['p.value'][place]:.3f}"
    for name, metric in (("maeve, slope", "linear"), ("maeve, rate", "ITGR")):
        table = sections["65_maeve"]["results"][metric]["dunnett"]
        place = table["contrast"].index("dose_3.0 - dose_0.0")
        theirs = f"{signed(table['Estimate'][place], 4)}, p = {table['pvalues'][place]:.3f}"
        assert cells("growth rate", "vismodegib", name) == [theirs, ours]

    own = sections["07_slopes_contrasts"]["results"]["dunnett"]
    place = own["contrast"].index("dose_3.0 - dose_0.0")
    assert f"lmer gives {signed(own['estimate'][place], 4)} with one" in PAGE

    sections = shared_reference("synergylmm_example.grwth_data")["sections"]
    fixed = sections["02_lme_reml"]["results"]["fixed"]
    place = fixed["term"].index("t:gDrugA")
    value, p_value, df = (fixed[key][place] for key in ("Value", "p-value", "DF"))
    theirs, ours = cells("growth rate", "grwth_data", "nlme")
    assert theirs == f"{signed(value, 4)}, p = {p_value:.4f} with {df} degrees of freedom"
    lmer = sections["07b_slopes_common_intercept"]["results"]["dunnett"]
    place = lmer["contrast"].index("DrugA - Control")
    estimate, p_value, df = (lmer[key][place] for key in ("estimate", "p.value", "df"))
    assert ours == f"{signed(estimate, 4)}, p = {p_value:.1e} with {df:.0f}"


def last(table: Json, metric: str) -> tuple[float, float]:
    """Estimate and p of the last day."""
    found = zip(table["Metric"], table["Estimate"], table["pval"], strict=True)
    return [(estimate, p) for name, estimate, p in found if name == metric][-1]


@pytest.mark.realdata
def test_synergy_in_public_data(
    printed: Callable[..., Json], shared_data: ReadData, shared_reference: ReadReference
) -> None:
    question = "synergy, Bliss"
    table = shared_reference("synergylmm_example.grwth_data")["sections"]["31_bliss"]["results"]
    index, p_value = last(table["synergy"], "CI")
    theirs, ours = cells(question, "grwth_data", "SynergyLMM")
    assert theirs == f"index {index:.3f}, p = {p_value:.5f}"
    # Held by tests/combination/test_synergy_reference.py: -0.01350338 per day, p = 6.2e-6.
    found, truth = math.exp(-0.01350338 * 30), math.exp(-0.015 * 30)
    assert ours == f"index {found:.3f}, p = 6.2e-06; truth {truth:.3f}"

    (study,) = printed(
        "synergy", shared_data("invivosyn_combos/SW837.csv"), "--control", "Vehicle",
        "--a", "Rabusertib", "--b", "Irinotecan", "--combination", "Irinotecan + Rabusertib",
        "--null", "bliss", "--scale", "growth_rate",
    )["studies"]  # fmt: skip
    ours = index_text(study["results"][0])
    sections = shared_reference("invivosyn_combos.SW837")["sections"]
    bliss = sections["60_invivosyn"]["results"]["Bliss"]
    tgi = bliss["TGI_synergy"]
    assert tgi["p.val.Synergy)"] == 0
    areas, paper = bliss["AUC_synergy_t21"], bliss["CombPDX_CI"]
    index, p_value = last(sections["31_bliss"]["results"]["synergy"], "CI")
    for program, theirs in (
        ("invivoSyn, TGI", f"{tgi['Synergy score']:.1f} points, p printed as 0"),
        (
            "invivoSyn, areas",
            f"index {areas['Value'][0]:.2f}, p = {areas['p.val.Synergy'][0]:.3f}",
        ),
        ("CombPDX", f"log index {paper['CI']:.2f}, p = {paper['p.val']:.3f}"),
        ("SynergyLMM", f"index {index:.2f}, p = {p_value:.3f}"),
    ):
        assert cells(question, "SW837", program) == [theirs, ours]


@pytest.mark.realdata
def test_pooled_effects_and_power_of_public_data(
    printed: Callable[..., Json], shared_data: ReadData, shared_reference: ReadReference
) -> None:
    names = {"label": "study_id"} | {
        f"{ours}_{group}": f"{theirs}_{short}"
        for ours, theirs in (("n", "no"), ("mean", "mean"), ("sd", "sd"))
        for group, short in (("treated", "ex"), ("control", "nc"))
    }
    found = printed(
        "meta", shared_data("meta_modular_cart/tumor_volume.csv"), "--measure", "ROM",
        *(word for name in names.items() for word in ("--map", "=".join(name))),
    )  # fmt: skip
    sections = shared_reference("meta_modular_cart")["sections"]
    reml = sections["80_tumor_volume_ROM"]["results"]["REML"]
    assert found["k"] == reml["k"] == 15

    def ratio(estimate: float, low: float, high: float) -> str:
        return f"{math.exp(estimate):.3f} ({math.exp(low):.3f} to {math.exp(high):.3f})"

    assert cells("pooled effect", "CAR T", "metafor") == [
        ratio(reml["estimate"], *reml["ci"]),
        ratio(found["estimate"], found["lower"], found["upper"]),
    ]
    assert cells("the next study", "the same", "metafor") == [
        f"{math.exp(low):.3f} to {math.exp(high):.3f}"
        for low, high in (reml["pi"], (found["pi_lower"], found["pi_upper"]))
    ]
    section = shared_reference("synergylmm_apriori_power")["sections"]["40_power"]["results"]
    theirs, ours = cells("power, Bliss, n = 8", "its own", "SynergyLMM")
    assert theirs == f"{section['variance']['Power'][0]:.3f}"
    given = section["inputs"]
    # A line through the origin of log ratios; the baseline's noise is in each of them.
    days = np.array(given["t"][1:], dtype=float)
    covariance = given["s"] ** 2 * (np.eye(days.size) + 1) + given["sd"] ** 2 * np.outer(
        days, days
    )
    variance = float(days @ covariance @ days) / float(days @ days) ** 2
    effect = given["gAB"] - given["gA"] - given["gB"] + given["gC"]
    shift, limit = effect / math.sqrt(4 * variance / 8), float(stats.t.isf(0.025, 28))
    power = stats.nct.sf(limit, 28, abs(shift)) + stats.nct.cdf(-limit, 28, abs(shift))
    assert ours == f"{power:.2f}"
