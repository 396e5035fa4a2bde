"""Dose grids: found in regimens, labels and tables, and their cells held together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy import stats

from oncovivo.combination import (
    CombinationArms,
    DoseGrid,
    GridSurface,
    bliss,
    dose_grid,
    doses_from_names,
    grid_synergy,
    hsa,
)
from oncovivo.errors import DataError, InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.studies import Arm, parse_regimen
from oncovivo.studies.study import Role
from tests.combination.studies import exact_growth
from tests.growth.studies import made_up_growth, read_growth, with_limit

ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

# Rates without interaction, but for the cell of the two high doses.
RATES = {
    "C": 0.10,
    "A1": 0.09,
    "A2": 0.08,
    "B1": 0.07,
    "B2": 0.05,
    "A1B1": 0.06,
    "A1B2": 0.04,
    "A2B1": 0.05,
    "A2B2": 0.01,
}
TABLE = {
    "C": (0.0, 0.0),
    "A1": (5.0, 0.0),
    "A2": (50.0, 0.0),
    "B1": (0.0, 10.0),
    "B2": (0.0, 20.0),
    "A1B1": (5.0, 10.0),
    "A1B2": (5.0, 20.0),
    "A2B1": (50.0, 10.0),
    "A2B2": (50.0, 20.0),
}


def study(regimens: dict[str, str], roles: dict[str, Role] | None = None) -> list[Arm]:
    """Arms with regimens as text; an empty text is none."""
    return [
        Arm(
            name=name,
            role=(roles or {}).get(name, "not_stated"),
            regimens=(parse_regimen(text),) if text else (),
        )
        for name, text in regimens.items()
    ]


@pytest.fixture(scope="module")
def grid() -> DoseGrid:
    return dose_grid(TABLE, compounds=("a", "b"), units=("mg/kg", "mg/kg"))


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(exact_growth(RATES))


@pytest.fixture(scope="module")
def surface(fit: GrowthFit, grid: DoseGrid) -> GridSurface:
    return grid_synergy(fit, grid)


def test_a_grid_is_found_in_regimens() -> None:
    found = dose_grid(
        study(
            {
                "vehicle": "",
                "low": "drug A 5 mg/kg po qd x21",
                "high": "Drug A 50 mg/kg po qd x21",
                "B": "drug B 10 mg/kg iv qw x3",
                "low + B": "drug A 5 mg/kg po qd x21 + drug B 10 mg/kg iv qw x3",
                "high + B": "drug B 10 mg/kg iv qw x3 + drug A 50 mg/kg po qd x21",
                "C": "drug C 1 mg/kg po qd x21",
            },
            {"vehicle": "vehicle"},
        ),
        compounds=("drug A", "drug B"),
    )
    assert found.control == "vehicle"
    assert [(single.arm, single.doses) for single in found.singles[0]] == [
        ("low", (5.0, 0.0)),
        ("high", (50.0, 0.0)),
    ]
    assert [single.arm for single in found.singles[1]] == ["B"]
    assert [(cell.arm, cell.doses) for cell in found.cells] == [
        ("low + B", (5.0, 10.0)),
        ("high + B", (50.0, 10.0)),
    ]
    assert found.units == ("mg/kg", "mg/kg")
    assert found.levels == ((5.0, 50.0), (10.0,))
    assert found.others == ("C",)
    assert found.roles(found.cells[1]) == CombinationArms(
        control="vehicle", partners=("high", "B"), combination="high + B"
    )
    assert json.loads(json.dumps(found.to_dict()))["cells"][0]["doses"] == [5.0, 10.0]


def test_two_compounds_that_vary_need_no_names_and_what_all_receive_is_background() -> None:
    rays = "5 x 2 Gy qd"
    found = dose_grid(
        study(
            {
                "RT": rays,
                "A": f"a 5 mg/kg po qd x5 + {rays}",
                "B": f"b 1 mg/kg iv qd x5 + {rays}",
                "AB": f"a 5 mg/kg po qd x5 + b 1 mg/kg iv qd x5 + {rays}",
                "A without": "a 9 mg/kg po qd x5",
            },
            {"RT": "untreated"},
        )
    )
    assert found.compounds == ("a", "b")
    assert [cell.arm for cell in found.cells] == ["AB"]
    assert found.others == ("A without",)


def test_radiation_can_be_a_partner_with_levels() -> None:
    found = dose_grid(
        study(
            {
                "C": "",
                "A": "a 5 mg/kg po qd x5",
                "R2": "5 x 2 Gy qd",
                "R4": "5 x 4 Gy qd",
                "A R2": "a 5 mg/kg po qd x5 + 5 x 2 Gy qd",
                "A R4": "a 5 mg/kg po qd x5 + 5 x 4 Gy qd",
            }
        )
    )
    assert found.compounds == ("a", "radiation")
    assert found.units == ("mg/kg", "Gy")
    assert [cell.doses for cell in found.cells] == [(5.0, 2.0), (5.0, 4.0)]


@pytest.mark.parametrize(
    ("regimens", "match"),
    [
        ({"C": "", "A": "a 5 mg/kg po qd x5", "AA": "a 5 mg/kg po qd x5"}, "'A' and 'AA' at a 5"),
        ({"A": "a 5 mg/kg po qd x5", "B": "b 1 mg/kg po qd x5"}, "one control arm"),
        ({"C": "", "A": "a 5 mg/kg po qd x5", "B": "b 1 mg/kg po qd x5"}, "1 and 1 single-agent"),
        ({"C": "", "A": "a 5 mg/kg po qd x5", "A+": "a 9 mg/kg po q3d x5"}, "one route, schedule"),
        ({"C": "", "A": "a 5 mg/kg po qd x5", "A+": "a 9 mg po qd x5"}, "one route, schedule"),
        ({"C": "", "A": "a po qd x5"}, "one dose of a"),
        ({"C": "", "A": "a 5 mg/kg po qd x5 then 2 mg/kg qd x5"}, "one dose of a"),
        ({"C": "", "A": "a 5 mg/kg po qd x5 + a 2 mg/kg iv qd x5"}, "one treatment with a"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line(regimens: dict[str, str], match: str) -> None:
    whole = {"B": "b 1 mg/kg po qd x5", **regimens}
    with pytest.raises(DataError, match=match) as caught:
        dose_grid(study(whole), compounds=("a", "b"))
    assert "\n" not in str(caught.value)


def test_unknown_and_unclear_compounds_are_refused() -> None:
    arms = study({"C": "", "A": "a 5 mg/kg po qd x5", "B": "b 1 mg/kg po qd x5"})
    with pytest.raises(InputError, match=r"a compound of the regimens: a, b.*'x'"):
        dose_grid(arms, compounds=("a", "x"))
    with pytest.raises(InputError, match="two different compounds"):
        dose_grid(arms, compounds=("a", "A"))
    with pytest.raises(InputError, match="units for stated doses"):
        dose_grid(arms, units=("mg", "mg"))
    with pytest.raises(DataError, match="two compounds that differ"):
        dose_grid(study({"C": "", "A": "a 5 mg/kg po qd x5"}))


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({**TABLE, "again": (5.0, 20.0)}, r"'A1B2' and 'again' at a 5 \+ b 20"),
        ({k: v for k, v in TABLE.items() if k != "C"}, "a control without a and without b"),
        ({**TABLE, "odd": (-1.0, 0.0)}, r"a dose of 0 or above.*-1.*arm 'odd'|arm 'odd'"),
        ({**TABLE, "odd": (math.nan, 0.0)}, "a dose of 0 or above"),
        ({"C": (0.0, 0.0), "AB": (1.0, 1.0), "A": (1.0, 0.0)}, "with each of its doses alone"),
    ],
)
def test_tables_that_are_no_grid_are_refused(
    table: dict[str, tuple[float, float]], match: str
) -> None:
    with pytest.raises(DataError, match=match):
        dose_grid(table, compounds=("a", "b"))


def test_a_cell_without_its_single_doses_is_named_and_left_out() -> None:
    found = dose_grid({**TABLE, "odd": (7.0, 10.0)}, compounds=("a", "b"))
    assert [arm.arm for arm in found.untested] == ["odd"]
    assert "odd" not in [arm.arm for arm in found.cells]
    assert len(found.cells) == 4


def test_labels_carry_doses_only_as_whole_words() -> None:
    names = ["A 2.5 + temo-100", "a_2.5_TEMO_10", "vehicle", "A 2.5", "ba_1_temo_3"]
    assert doses_from_names(names, ("a", "temo")) == {
        "A 2.5 + temo-100": (2.5, 100.0),
        "a_2.5_TEMO_10": (2.5, 10.0),
    }
    with pytest.raises(InputError, match="labels that carry a dose of x"):
        doses_from_names(names, ("x", "temo"))
    with pytest.raises(InputError, match="once in a label"):
        doses_from_names(["a_1_a_2_temo_3"], ("a", "temo"))


def test_cells_are_the_combinations_that_they_are_alone(
    fit: GrowthFit, grid: DoseGrid, surface: GridSurface
) -> None:
    by_arm = {cell.alone.arms.combination: cell for cell in surface.cells}
    assert by_arm["A2B2"].alone.estimate == pytest.approx(-0.02, abs=1e-6)
    for name in ("A1B1", "A1B2", "A2B1"):
        assert by_arm[name].alone.estimate == pytest.approx(0.0, abs=1e-6)
    for cell in grid.cells:
        assert by_arm[cell.arm].alone == bliss(fit, grid.roles(cell), day=surface.day)
    assert surface.day == 20.0
    assert surface.ranked[0].doses == (50.0, 20.0)
    assert sorted(cell.rank or 0 for cell in surface.cells) == [1, 2, 3, 4]
    assert surface.n_animals == dict.fromkeys(TABLE, 6)


def test_limits_and_p_values_are_those_of_the_largest_t(surface: GridSurface) -> None:
    # Cells share the control and single doses: 4 equal variances make the correlations 1/4 for
    # cells that share only the control, 1/2 for those that share a single dose as well.
    share = {0: 1.0, 1: 0.5, 2: 0.25}
    doses = [cell.doses for cell in surface.cells]
    correlation = np.array(
        [[share[sum(x != y for x, y in zip(p, q, strict=True))] for q in doses] for p in doses]
    )
    df = min(cell.alone.df or 0.0 for cell in surface.cells)
    rng = np.random.default_rng(5)
    draws = 400_000
    normal = rng.multivariate_normal(np.zeros(4), correlation, size=draws)
    largest = np.abs(normal).max(axis=1) / np.sqrt(rng.chisquare(df, draws) / df)
    assert surface.critical is not None
    # The share beyond is 5 % within four Monte Carlo errors of 0.00034, and the common intercept
    # bends the correlations a little.
    assert (largest > surface.critical).mean() == pytest.approx(0.05, abs=0.0025)
    for cell in surface.cells:
        alone = cell.alone
        assert alone.estimate is not None
        assert alone.std_error is not None
        assert cell.p_adjusted is not None
        assert cell.index_upper is not None
        reach = surface.critical * alone.std_error
        assert cell.lower == pytest.approx(alone.estimate - reach)
        assert cell.upper == pytest.approx(alone.estimate + reach)
        assert cell.index_upper == pytest.approx(math.exp(20 * (alone.estimate + reach)))
        beyond = (largest > abs(alone.estimate) / alone.std_error).mean()
        assert cell.p_adjusted == pytest.approx(beyond, abs=0.01)
        assert (cell.verdict == "not_shown") == (cell.p_adjusted >= 0.05)
    assert surface.ranked[0].verdict == "synergy"


def test_the_test_of_all_cells_is_the_interaction_of_the_animals_slopes() -> None:
    # Balanced readings and an intercept for each arm: slopes of the animals are sufficient, and
    # the Kenward-Roger F is that of a two-way analysis of variance of them.
    data = made_up_growth(RATES, animals=4, seed=11)
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    assert not fit.singular
    joint = grid_synergy(fit, dose_grid(TABLE, compounds=("a", "b"))).joint
    slopes = np.array(
        [
            stats.linregress(data.time[data.animal == i], data.log_size[data.animal == i]).slope
            for i in range(data.n_animals)
        ]
    )
    names = [data.arms[arm] for arm in data.arm]
    levels = np.array([TABLE[name] for name in names])
    columns = [np.ones(len(names))]
    columns += [(levels[:, 0] == dose).astype(float) for dose in (5.0, 50.0)]
    columns += [(levels[:, 1] == dose).astype(float) for dose in (10.0, 20.0)]
    additive = np.column_stack(columns)
    rest = slopes - additive @ np.linalg.lstsq(additive, slopes, rcond=None)[0]
    within = sum(
        float(
            ((slopes[np.array(names) == name] - slopes[np.array(names) == name].mean()) ** 2).sum()
        )
        for name in TABLE
    )
    df = len(names) - len(TABLE)
    statistic = (float(rest @ rest) - within) / 4 / (within / df)
    assert joint is not None
    assert joint.method == "f"
    assert joint.df_numerator == 4
    assert joint.df_denominator == pytest.approx(df, rel=1e-4)
    # As near as the two variances of the fit are to their optimum.
    assert joint.statistic == pytest.approx(statistic, rel=1e-4)
    assert joint.p_value == pytest.approx(stats.f.sf(statistic, 4, df), rel=1e-3)


def test_all_cells_have_no_more_degrees_of_freedom_than_the_fit_allows(
    fit: GrowthFit, grid: DoseGrid, surface: GridSurface
) -> None:
    free = surface.joint
    held = grid_synergy(replace(fit, df_limit=7.0), grid).joint
    assert free is not None
    assert held is not None
    assert (free.df_denominator or 0.0) > 7.0
    assert held.df_denominator == 7.0
    assert held.statistic == free.statistic
    assert held.p_value == pytest.approx(stats.f.sf(held.statistic, 4, 7.0))
    wide = grid_synergy(replace(fit, df_limit=1000.0), grid).joint
    assert wide is not None
    assert wide.df_denominator == pytest.approx(free.df_denominator)
    assert wide.p_value == pytest.approx(free.p_value)


def test_the_robust_covariance_holds_the_largest_t_in_place_of_f(grid: DoseGrid) -> None:
    fit = fit_growth(made_up_growth(RATES, seed=4), GrowthModel(df="cr2"))
    found = grid_synergy(fit, grid)
    assert found.joint is not None
    assert found.joint.method == "max_t"
    assert found.joint.p_value == min(cell.p_adjusted or 1.0 for cell in found.cells)
    assert found.joint.statistic == pytest.approx(
        max(abs((c.alone.estimate or 0.0) / (c.alone.std_error or 1.0)) for c in found.cells)
    )


def test_a_grid_of_one_cell_is_one_test(fit: GrowthFit) -> None:
    four = {name: TABLE[name] for name in ("C", "A2", "B2", "A2B2")}
    for null, test in (("bliss", bliss), ("hsa", hsa)):
        found = grid_synergy(fit, dose_grid(four, compounds=("a", "b")), null=null)  # type: ignore[arg-type]
        (cell,) = found.cells
        alone = test(fit, found.grid.roles(found.grid.cells[0]))
        assert cell.alone == alone
        assert cell.p_adjusted == pytest.approx(alone.p_value)
        assert cell.lower == pytest.approx(alone.lower)
        assert cell.index_upper == pytest.approx(alone.index_upper)
        assert cell.verdict == alone.verdict
        assert found.joint is not None
        assert found.joint.p_value == pytest.approx(alone.p_value)


def test_the_order_of_the_compounds_changes_no_number(fit: GrowthFit, grid: DoseGrid) -> None:
    turned = dose_grid(
        {name: (second, first) for name, (first, second) in TABLE.items()}, compounds=("b", "a")
    )
    for scale in ("growth_rate", "relative_volume"):
        one = grid_synergy(fit, grid, scale=scale)
        other = grid_synergy(fit, turned, scale=scale)
        cells = {cell.doses[::-1]: cell for cell in other.cells}
        for cell in one.cells:
            assert cells[cell.doses].index_lower == pytest.approx(cell.index_lower, rel=1e-6)
            assert cells[cell.doses].rank == cell.rank


def test_sizes_on_the_day_are_the_rates_times_the_days(
    fit: GrowthFit, grid: DoseGrid, surface: GridSurface
) -> None:
    sizes = grid_synergy(fit, grid, scale="relative_volume", day=10.0)
    for size, rate in zip(sizes.cells, surface.cells, strict=True):
        assert size.alone.estimate == pytest.approx(10 * (rate.alone.estimate or 0.0))
        assert size.p_adjusted == pytest.approx(rate.p_adjusted, abs=1e-6)
        assert size.index_upper == pytest.approx((rate.index_upper or 0.0) ** 0.5)


def test_bent_curves_are_compared_on_the_day(grid: DoseGrid) -> None:
    model = GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,)))
    bent = fit_growth(made_up_growth(RATES, seed=2), model)
    early, late = (grid_synergy(bent, grid, day=day) for day in (10.0, 21.0))
    assert early.cells[0].alone.estimate != pytest.approx(late.cells[0].alone.estimate)
    assert early.joint != late.joint


def test_the_highest_single_agent_is_multiplied_by_the_number_of_cells(
    fit: GrowthFit, grid: DoseGrid
) -> None:
    found = grid_synergy(fit, grid, null="hsa")
    assert found.critical is None
    for cell, place in zip(found.cells, grid.cells, strict=True):
        alone = hsa(fit, grid.roles(place), day=found.day)
        assert alone.p_value is not None
        assert cell.alone == alone
        assert cell.p_adjusted == pytest.approx(min(1.0, 4 * alone.p_value))
        wide = hsa(fit, grid.roles(place), day=found.day, level=1 - 0.05 / 4)
        assert (cell.lower, cell.upper) == (wide.lower, wide.upper)
        assert (cell.verdict == "synergy") == (4 * alone.p_value < 0.05)
    assert found.joint is not None
    assert found.joint.p_value == pytest.approx(
        min(1.0, 4 * min(cell.alone.p_value or 1.0 for cell in found.cells))
    )


def test_a_cell_worse_than_its_better_dose_is_antagonism(grid: DoseGrid) -> None:
    worse = fit_growth(exact_growth({**RATES, "A1B1": 0.12}))
    found = grid_synergy(worse, grid, null="hsa")
    verdicts = {cell.alone.arms.combination: cell.verdict for cell in found.cells}
    assert verdicts["A1B1"] == "antagonism"
    assert verdicts["A2B2"] == "synergy"


def test_a_cured_cell_has_no_answer_and_does_not_count(grid: DoseGrid) -> None:
    data = with_limit(made_up_growth({**RATES, "A2B2": -2.0}), 20.0)
    fit = fit_censored(data)
    for null in ("bliss", "hsa"):
        found = grid_synergy(fit, grid, null=null)
        (cured,) = [cell for cell in found.cells if cell.alone.arms.combination == "A2B2"]
        assert (cured.rank, cured.p_adjusted, cured.verdict) == (None, None, "not_shown")
        assert "bound the rate" in cured.alone.reason
        assert found.ranked[-1] == cured
        known = [cell for cell in found.cells if cell is not cured]
        assert all(cell.p_adjusted is not None for cell in known)
        if null == "hsa":
            for cell in known:
                expected = min(1.0, 3 * (cell.alone.p_value or 0.0))
                assert cell.p_adjusted == pytest.approx(expected)


def test_words_and_levels_that_are_none_are_refused(fit: GrowthFit, grid: DoseGrid) -> None:
    with pytest.raises(InputError, match="a null model of a grid: bliss, hsa"):
        grid_synergy(fit, grid, null="response_additivity")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a scale of a grid"):
        grid_synergy(fit, grid, scale="auc")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a level between 0 and 1"):
        grid_synergy(fit, grid, level=1.0)
    with pytest.raises(InputError, match="a day after the baseline"):
        grid_synergy(fit, grid, day=0.0)
    lacking = fit_growth(exact_growth({k: v for k, v in RATES.items() if k != "A1B1"}))
    with pytest.raises(InputError, match="A1B1"):
        grid_synergy(lacking, grid)


def test_a_surface_is_a_table_and_json(surface: GridSurface) -> None:
    table = surface.to_frame()
    assert list(table["rank"]) == [1, 2, 3, 4]
    assert table.loc[0, "dose a"] == 50.0
    whole = json.loads(json.dumps(surface.to_dict()))
    assert whole["joint"]["method"] == "f"
    assert {cell["alone"]["arms"]["combination"] for cell in whole["cells"]} == {
        "A1B1",
        "A1B2",
        "A2B1",
        "A2B2",
    }


def real_grid(names: tuple[str, ...]) -> DoseGrid:
    return dose_grid(
        doses_from_names(names, ("gdc0084", "temo")),
        compounds=("GDC-0084", "temozolomide"),
        units=("mg/kg", "mg/kg"),
    )


@pytest.mark.realdata
def test_the_sixteen_arms_of_a_real_grid_are_found_and_agree_with_lmer(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    data = read_growth(shared_data("genentech_gdc0084_temozolomide/growth.csv"))
    grid = real_grid(data.arms)
    assert grid.levels == ((1.0, 10.0, 18.0), (10.0, 40.0, 80.0))
    assert len(grid.cells) == 9
    assert (grid.untested, grid.others) == ((), ())
    sections = shared_reference("genentech_gdc0084_temozolomide")["sections"]
    table = sections["06b_lmer_common_intercept"]["results"]["kenward_roger"]
    names = [term.removeprefix("t:g") for term in table["term"]]
    column = next(key for key in table if key.startswith("Estimate"))
    rate = dict(zip(names, table[column], strict=True))
    for cell in grid_synergy(fit_growth(data), grid).cells:
        arms = cell.alone.arms
        expected = rate[arms.combination] - rate[arms.partners[0]] - rate[arms.partners[1]]
        # lmer's own tolerance, four times over: four rates.
        assert cell.alone.estimate == pytest.approx(expected + rate[grid.control], abs=4e-6)


@pytest.mark.realdata
def test_errors_of_a_real_grid_agree_with_the_covariance_of_pbkrtest(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    data = read_growth(shared_data("genentech_gdc0084_temozolomide/growth.csv"))
    sections = shared_reference("genentech_gdc0084_temozolomide")["sections"]
    table = sections["06_lmer_satterthwaite_kr"]["results"]["vcov_kr"]
    covariance = np.array(table["matrix"])
    fit = fit_growth(data, GrowthModel(intercept="arm"))
    # Treatment contrasts: the slope of an arm is that of the control and a term of its own.
    for cell in grid_synergy(fit, real_grid(data.arms)).cells:
        arms = cell.alone.arms
        signs = {f"t:g{name}": -1.0 for name in arms.partners} | {f"t:g{arms.combination}": 1.0}
        weights = np.array([signs.get(name, 0.0) for name in table["names"]])
        assert np.count_nonzero(weights) == 3
        expected = math.sqrt(weights @ covariance @ weights)
        assert cell.alone.std_error == pytest.approx(expected, rel=1e-3)


@pytest.mark.realdata
@pytest.mark.parametrize("pair", [(a, b) for a in ("01", "10", "18") for b in (10, 40, 80)])
def test_a_part_of_the_grid_is_what_synergylmm_estimates_from_its_four_arms(
    pair: tuple[str, int], shared_data: ReadData, shared_reference: ReadReference
) -> None:
    name = f"genentech_gdc0084_temozolomide.{pair[0]}_{pair[1]}"
    sections = shared_reference(name)["sections"]
    role = sections["30_lmm"]["results"]["mapping"]
    data = read_growth(shared_data("genentech_gdc0084_temozolomide/growth.csv"))
    four = (role["control"], role["drug_a"], role["drug_b"], role["combination"])
    own = np.isin(data.arm, [data.arm_number(arm) for arm in four])
    fit = fit_growth(
        data.select(own[data.animal]), GrowthModel(baseline="ratio", df="satterthwaite")
    )
    table = sections["31_bliss"]["results"]["synergy"]
    rows = list(zip(*(table[k] for k in ("Metric", "Time", "Estimate")), strict=True))
    _, time, index = [row for row in rows if row[0] == "CI"][-1]
    score = [row[2] for row in rows if row[0] == "SS"][-1]
    (cell,) = grid_synergy(fit, real_grid(four), day=time).cells
    assert cell.alone.index == pytest.approx(index, rel=1e-4)
    assert cell.alone.estimate == pytest.approx(math.log(index) / time, abs=1e-6)
    assert cell.alone.std_error == pytest.approx(-math.log(index) / time / score, abs=1e-6)
