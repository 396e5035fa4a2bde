"""``oncovivo meta`` on the real reviews: its JSON against metafor 3.8.1 and clubSandwich 0.5.8.

The prediction interval of metafor 3.8 uses the quantile of the test (``--prediction test``).
metafor iterates tau² to 1e-5, so that a tau² of 0.005 (body weight, log ratio) may be off by more
than its own tolerance; there only what does not depend on tau² is compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

pytestmark = pytest.mark.realdata

SECTIONS: Final = (
    *(("tumor_volume", measure) for measure in ("SMD", "SMDH", "MD", "ROM", "VR", "CVR")),
    ("body_weight", "SMD"),
    ("body_weight", "ROM"),
)
FITS: Final = {
    **{name: (name, "z") for name in ("EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")},
    "REML_knha": ("REML", "knapp-hartung"),
    "DL_knha": ("DL", "knapp-hartung"),
    "REML_adhoc": ("REML", "knapp-hartung-floor"),
}
CLOSED: Final = ("EE", "DL", "HE", "HS", "SJ", "DL_knha")
# What metafor's iteration to 1e-5 may leave of tau².
LEFT: Final = 2.5e-5


def pooled(run_cli: RunCli, *arguments: str | Path) -> dict[str, Any]:
    outcome = run_cli("meta", *arguments, "--json")
    # Tumor volumes in mm³ and cm³ have no common difference of means: that is a finding.
    assert outcome.code == (1 if "MD" in arguments else 0), outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


@pytest.mark.parametrize(("data", "measure"), SECTIONS)
def test_effects_and_pooled_results_are_those_of_metafor(
    data: str,
    measure: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    number = {"tumor_volume": "80", "body_weight": "81"}[data]
    sections = shared_reference("meta_modular_cart")["sections"]
    reference = sections[f"{number}_{data}_{measure}"]["results"]
    file = shared_data("meta_modular_cart") / f"{data}.csv"
    loose = (data, measure) == ("body_weight", "ROM")
    for name, (method, test) in FITS.items():
        found = pooled(
            run_cli, file, "--measure", measure, "--method", method, "--test", test,
            "--prediction", "test",
        )  # fmt: skip
        expected = reference[name]
        rows = found["rows"]
        assert [row["label"] for row in rows] == reference["effects"]["study"]
        # Equal means give a g of 0: abs.
        yi, vi = reference["effects"]["yi"], reference["effects"]["vi"]
        assert [row["yi"] for row in rows] == pytest.approx(yi, rel=1e-8, abs=1e-12)
        assert [row["vi"] for row in rows] == pytest.approx(vi, rel=1e-8)
        assert math.fsum(row["weight"] for row in rows) == pytest.approx(1.0, rel=1e-12)
        assert (found["k"], found["df"]) == (expected["k"], expected["df"])
        assert found["q"] == pytest.approx(expected["Q"], rel=1e-8)
        assert found["q_p_value"] == pytest.approx(expected["Q_p"], rel=1e-7)
        rel = 1e-8 if name in CLOSED else 1e-4
        close = name in CLOSED or not loose
        assert found["tau2"] == pytest.approx(
            expected["tau2"], rel=rel, abs=1e-10 if close else LEFT
        )
        if not close:
            continue
        size = abs(expected["estimate"]) + expected["se"]
        assert found["estimate"] == pytest.approx(expected["estimate"], abs=rel * size)
        assert found["std_error"] == pytest.approx(expected["se"], rel=rel)
        assert [found["lower"], found["upper"]] == pytest.approx(
            expected["ci"], abs=2 * rel * size
        )
        # A p-value of 1e-11 moves by the square of the statistic times its relative change.
        z = expected["zt"]
        assert found["p_value"] == pytest.approx(expected["p"], rel=rel * (1 + z**2))
        assert found["i2"] == pytest.approx(expected["I2"], rel=rel, abs=1e-6)
        assert found["h2"] == pytest.approx(expected["H2"], rel=rel)
        if expected["pi"] is None:
            assert (found["pi_lower"], found["pi_upper"]) == (None, None)
            assert "equal effects" in found["missing"]["pi"]
        else:
            wide = size + 2 * math.sqrt(expected["tau2"])
            assert [found["pi_lower"], found["pi_upper"]] == pytest.approx(
                expected["pi"], abs=2 * rel * wide
            )


@pytest.mark.parametrize(("data", "measure"), SECTIONS)
def test_limits_of_the_variance_and_leave_one_out_are_those_of_metafor(
    data: str,
    measure: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    number = {"tumor_volume": "80", "body_weight": "81"}[data]
    sections = shared_reference("meta_modular_cart")["sections"]
    reference = sections[f"{number}_{data}_{measure}"]["results"]
    file = shared_data("meta_modular_cart") / f"{data}.csv"
    found = pooled(run_cli, file, "--measure", measure, "--test", "z")
    lower, upper = reference["tau2_ci"]["ci.lb"][0], reference["tau2_ci"]["ci.ub"][0]
    # uniroot stops at 1.2e-4 of tau², whatever its size.
    assert found["tau2_lower"] == pytest.approx(lower, rel=1e-3, abs=1.3e-4)
    assert found["tau2_upper"] == pytest.approx(upper, rel=1e-3, abs=1.3e-4)
    left = found["leave_one_out"]
    assert [one["q"] for one in left] == pytest.approx(reference["leave1out"]["Q"], rel=1e-8)
    if (data, measure) != ("body_weight", "ROM"):
        estimates = reference["leave1out"]["estimate"]
        assert [one["estimate"] for one in left] == pytest.approx(estimates, rel=1e-4)
        hats = reference["influence"]["hat"]
        assert [one["hat"] for one in found["influence"]] == pytest.approx(hats, rel=2e-4)


@pytest.mark.parametrize("measure", ["SMD", "SMDH", "MD", "ROM", "VR", "CVR"])
def test_the_moderator_day_is_that_of_metafor(
    measure: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("meta_modular_cart")["sections"]
    reference = sections[f"80_tumor_volume_{measure}"]["results"]["metareg_day"]
    file = shared_data("meta_modular_cart") / "tumor_volume.csv"
    for key, test in (("z", "z"), ("knha", "knapp-hartung")):
        found = pooled(
            run_cli, file, "--measure", measure, "--test", test, "--moderators", "day",
            "--map", "day=end_point_days",
        )  # fmt: skip
        expected = reference[key]
        assert [one["term"] for one in found["moderators"]] == ["intercept", "day"]
        for at, one in enumerate(found["moderators"]):
            size = abs(expected["coef"]["estimate"][at]) + expected["coef"]["se"][at]
            assert one["estimate"] == pytest.approx(
                expected["coef"]["estimate"][at], abs=1e-4 * size
            )
            assert one["std_error"] == pytest.approx(expected["coef"]["se"][at], rel=1e-4)
            assert one["p_value"] == pytest.approx(expected["coef"]["pval"][at], rel=1e-3)
        regression = found["regression"]
        assert regression["tau2"] == pytest.approx(expected["tau2"], rel=1e-4)
        assert regression["qe"] == pytest.approx(expected["QE"], rel=1e-8)
        assert regression["qm"] == pytest.approx(expected["QM"], rel=1e-4)
        assert [regression["qm_df"], regression["qm_df2"]] == expected["QM_df"]


@pytest.mark.parametrize("measure", ["SMD", "SMDH", "ROM", "VR", "CVR"])
def test_rows_of_one_paper_are_nested_and_robust_as_in_rma_mv_and_club_sandwich(
    measure: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("meta_modular_cart")["sections"]
    reference = sections[f"80_tumor_volume_{measure}"]["results"]["multilevel"]
    file = shared_data("meta_modular_cart") / "tumor_volume.csv"
    found = pooled(
        run_cli, file, "--measure", measure, "--random", "study/row", "--cluster", "study",
        "--test", "z",
    )  # fmt: skip
    # REML over two variances, to the digits of an optimizer.
    assert found["estimate"] == pytest.approx(reference["estimate"], rel=1e-3)
    assert found["std_error"] == pytest.approx(reference["se"], rel=1e-3)
    assert found["q"] == pytest.approx(reference["QE"], rel=1e-8)
    variances = [level["variance"] for level in found["levels"]]
    assert variances == pytest.approx(reference["sigma2"], rel=1e-3, abs=1e-6)
    robust = found["robust"]["coefficients"][0]
    assert robust["std_error"] == pytest.approx(reference["CR2"]["se"], rel=1e-3)
    assert robust["df"] == pytest.approx(reference["CR2"]["df"], rel=1e-3)
    assert robust["p_value"] == pytest.approx(reference["CR2"]["p"], rel=5e-3)
    assert "number in brackets" in found["study_rule"]


def test_the_nested_effects_of_besson_are_those_of_rma_mv(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("meta_besson2016")["sections"]["80_multilevel"]["results"]
    file = shared_data("meta_besson2016") / "dat_besson2016.csv"
    found = pooled(
        run_cli, file, "--measure", "SMD", "--random", "study/comparison", "--cluster", "study",
        "--test", "z", "--moderators", "manip_type",
        "--by", "our_behaviour_classification",
    )  # fmt: skip
    main = section["main"]
    assert (found["k"], found["rows_in_file"], found["studies"]) == (389, 473, 46)
    assert [level["groups"] for level in found["levels"]] == main["levels"]
    variances = [level["variance"] for level in found["levels"]]
    assert variances == pytest.approx(main["sigma2"], rel=1e-3)
    assert found["tau2"] == pytest.approx(math.fsum(main["sigma2"]), rel=1e-3)
    coefficient = {name: values[0] for name, values in main["coef"].items()}
    assert found["estimate"] == pytest.approx(coefficient["estimate"], rel=1e-3)
    assert found["std_error"] == pytest.approx(coefficient["se"], rel=1e-3)
    assert found["p_value"] == pytest.approx(coefficient["pval"], rel=1e-3)
    assert found["lower"] == pytest.approx(coefficient["ci.lb"], rel=1e-3)
    assert found["upper"] == pytest.approx(coefficient["ci.ub"], rel=1e-3)
    assert found["q"] == pytest.approx(main["QE"], rel=1e-8)
    assert found["log_likelihood"] == pytest.approx(main["logLik"], abs=1e-3)
    robust = found["robust"]["coefficients"][0]
    assert robust["std_error"] == pytest.approx(section["CR2"]["se"], rel=1e-3)
    assert robust["df"] == pytest.approx(section["CR2"]["df"], rel=1e-3)
    assert robust["p_value"] == pytest.approx(section["CR2"]["p"], rel=1e-3)
    groups = found["subgroups"]["groups"]
    expected = section["by_behaviour"]["coef"]
    assert [one["level"] for one in groups] == ["ACTIVITY", "ANXIETY", "EXPLORATION"]
    assert [one["estimate"] for one in groups] == pytest.approx(expected["estimate"], rel=1e-3)
    assert [one["std_error"] for one in groups] == pytest.approx(expected["se"], rel=1e-3)
    moderators = found["moderators"]
    expected = section["by_manipulation"]["coef"]
    assert [one["term"] for one in moderators] == ["intercept", "manip_type: protein"]
    assert [one["estimate"] for one in moderators] == pytest.approx(expected["estimate"], rel=1e-3)
    assert [one["std_error"] for one in moderators] == pytest.approx(expected["se"], rel=1e-3)
    assert found["regression"]["qm"] == pytest.approx(section["by_manipulation"]["QM"], rel=1e-3)
    assert math.fsum(row["weight"] for row in found["rows"]) == pytest.approx(1.0, rel=1e-10)
    trail = found["conversions"]
    assert len(trail) == 2 * 389
    assert {one["kind"] for one in trail} == {"sem"}
    # The file has a column of that name that says which diets were compared.
    told = " ".join(one["message"] for one in found["warnings"])
    assert "comparison is each row by itself" in told
    diets = pooled(
        run_cli, file, "--measure", "SMD", "--random", "study/comparison", "--map",
        "comparison=comparison",
    )  # fmt: skip
    assert [level["groups"] for level in diets["levels"]] == [46, 124]


@pytest.mark.parametrize("method", ["REML", "DL"])
def test_the_effects_of_besson_pool_as_in_rma(
    method: str,
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("meta_besson2016")["sections"]["80_multilevel"]["results"]
    expected = section[f"rma_{method}"]
    file = shared_data("meta_besson2016") / "dat_besson2016.csv"
    found = pooled(
        run_cli, file, "--measure", "SMD", "--method", method, "--test", "z",
        "--prediction", "test",
    )  # fmt: skip
    rel = 1e-8 if method == "DL" else 1e-4
    size = abs(expected["estimate"]) + expected["se"]
    assert found["estimate"] == pytest.approx(expected["estimate"], abs=rel * size)
    assert found["std_error"] == pytest.approx(expected["se"], rel=rel)
    assert found["tau2"] == pytest.approx(expected["tau2"], rel=rel)
    assert found["i2"] == pytest.approx(expected["I2"], rel=rel)
    assert found["q"] == pytest.approx(expected["Q"], rel=1e-8)
    assert [found["pi_lower"], found["pi_upper"]] == pytest.approx(
        expected["pi"], abs=2 * rel * (size + 2 * math.sqrt(expected["tau2"]))
    )
    # Rows of one paper, and controls that serve several rows, are told.
    told = " ".join(one["message"] for one in found["warnings"])
    assert "--random study/row --cluster study" in told
    assert "--v shared-control" in told


def test_the_grid_of_cases_has_not_shrunk(
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    sections = shared_reference("meta_modular_cart")["sections"]
    names = {f"{ {'tumor_volume': '80', 'body_weight': '81'}[d] }_{d}_{m}" for d, m in SECTIONS}
    assert names == set(sections)
