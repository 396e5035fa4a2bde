"""``oncovivo synergy`` on the real studies: its JSON against SynergyLMM."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

pytestmark = pytest.mark.realdata

NAMES = (
    "synergylmm_example.grwth_data",
    "invivosyn_combos.LS_1034",
    "invivosyn_combos.SW837",
    "iowa_melanoma_a375",
    *(f"genentech_gdc0084_temozolomide.{a}_{b}" for a in ("01", "10", "18") for b in (10, 40, 80)),
)
# nlme's optimizer moves a standard error by about 1e-4 of itself; the file allows 1e-3.
SAME = 1e-3


def study_of(run_cli: RunCli, *arguments: str) -> dict[str, Any]:
    outcome = run_cli("synergy", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    (study,) = json.loads(outcome.out)["studies"]
    return dict(study)


def answer(study: dict[str, Any], null: str, scale: str) -> dict[str, Any]:
    (found,) = [r for r in study["results"] if (r["null"], r["scale"]) == (null, scale)]
    return dict(found)


@pytest.mark.parametrize("name", NAMES)
def test_bliss_agrees_with_the_published_tool_where_its_definition_is_the_same(
    name: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference(name)["sections"]
    role = sections["30_lmm"]["results"]["mapping"]
    path = shared_data(sections["30_lmm"]["data_file"].removeprefix("shared/data/"))
    study = study_of(
        run_cli,
        str(path),
        *("--control", role["control"], "--a", role["drug_a"], "--b", role["drug_b"]),
        *("--combination", role["combination"], "--null", "bliss", "--scale", "growth_rate"),
        *("--baseline", "ratio", "--df", "satterthwaite", "--below-limit", "omitted"),
    )
    table = sections["31_bliss"]["results"]["synergy"]
    rows = list(zip(*(table[key] for key in ("Metric", "Time", "Estimate")), strict=True))
    time, index = [(time, value) for metric, time, value in rows if metric == "CI"][-1]
    score = [value for metric, _, value in rows if metric == "SS"][-1]
    found = answer(study, "bliss", "growth_rate")
    estimate = math.log(index) / time
    error = -estimate / score
    # Their estimate has the digits of the optimizer: a ten thousandth of its error.
    assert found["estimate"] == pytest.approx(estimate, abs=1e-3 * error)
    assert found["std_error"] == pytest.approx(error, rel=SAME)
    assert found["synergylmm_score"] == pytest.approx(score, rel=2 * SAME)
    # Never their z test: few animals have few degrees of freedom.
    assert found["df"] <= study["n_animals"] - 4 + 1e-6 or not study["singular"]
    assert study["arms"] == {
        "control": role["control"],
        "a": role["drug_a"],
        "b": role["drug_b"],
        "combination": role["combination"],
    }


def test_the_oracle_contrast_of_both_models(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    given = (
        str(shared_data("synergylmm_example/grwth_data.csv")),
        *("--control", "Control", "--a", "DrugA", "--b", "DrugB", "--combination", "Combination"),
        *("--null", "bliss", "--scale", "growth_rate"),
    )
    ratio = answer(study_of(run_cli, *given, "--baseline", "ratio"), "bliss", "growth_rate")
    assert ratio["estimate"] == pytest.approx(-0.02455794, abs=5e-7)
    assert ratio["std_error"] == pytest.approx(0.00645367, abs=5e-7)
    assert ratio["df"] == pytest.approx(28, abs=1e-3)
    assert ratio["p_value"] == pytest.approx(0.00071, abs=5e-6)
    outcome = answer(study_of(run_cli, *given), "bliss", "growth_rate")
    assert outcome["estimate"] == pytest.approx(-0.01350338, abs=5e-8)
    assert outcome["std_error"] == pytest.approx(0.002434, abs=5e-7)
    assert outcome["index"] == pytest.approx(math.exp(30 * outcome["estimate"]), rel=1e-12)
    assert outcome["verdict"] == "synergy"


def test_every_cell_of_the_grid_has_limits_over_all_cells(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    study = study_of(
        run_cli,
        str(shared_data("genentech_gdc0084_temozolomide/growth.csv")),
        *("--control", "gdc0084_00_temo_00", "--a", "gdc0084", "--b", "temo", "--grid"),
    )
    bliss, hsa = study["grid"]
    assert (bliss["null"], hsa["null"]) == ("bliss", "hsa")
    for surface in (bliss, hsa):
        assert len(surface["cells"]) == 9
        assert sorted(cell["rank"] for cell in surface["cells"]) == list(range(1, 10))
        for cell in surface["cells"]:
            assert cell["index_lower"] <= cell["alone"]["index_lower"]
            assert cell["index_upper"] >= cell["alone"]["index_upper"]
            assert cell["p_adjusted"] >= cell["alone"]["p_value"]
    assert len(study["results"]) == 18
    assert {warning["code"] for warning in study["warnings"]} >= {"doses_from_labels"}
    # No interaction is shown in any cell, and the joint test says so too.
    assert all(cell["verdict"] == "not_shown" for cell in bliss["cells"])
    assert bliss["joint"]["p_value"] > 0.05


def test_a_cured_combination_is_censored_and_kept(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    study = study_of(
        run_cli,
        str(shared_data("iowa_melanoma_a375/growth.csv")),
        *("--control", "control", "--a", "BSO", "--b", "vemurafenib"),
        *("--combination", "vemurafenib+BSO"),
    )
    assert sum(study["n_by_arm"].values()) == study["n_animals"] == 35
    assert study["n_by_arm"]["vemurafenib+BSO"] == 8
    assert study["n_censored"] == 217
    assert any("217 of 600 readings are censored" in w["message"] for w in study["warnings"])
    hazard = answer(study, "hsa", "hazard")
    assert hazard["verdict"] == "synergy"
    assert 0 < hazard["index"] < 1
    assert hazard["status"] == "flagged"
    assert "penalized" in hazard["reason"]
