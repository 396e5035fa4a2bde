"""Arms compared in one assay: R's numbers on real data, closed forms, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oncovivo.biomarkers.group_comparison import AssayComparison, compare_groups
from oncovivo.biomarkers.marker_reading import read_markers
from oncovivo.biomarkers.marker_table import MarkerTable
from oncovivo.biomarkers.repeated_readings import CourseFit, SmallSample, fit_course
from oncovivo.biomarkers.repeated_tests import course_f_test
from oncovivo.errors import DataError, InputError

GROUPS = {"a": [5.0, 7.0, 6.5, 8.0], "b": [9.0, 8.5, 12.0], "c": [3.0, 4.0, 2.5, 6.0, 3.5]}


def frame(groups: dict[str, list[float]] | None = None) -> pd.DataFrame:
    rows = [
        {"animal_id": f"{arm}{index}", "arm": arm, "value": value}
        for arm, values in (groups or GROUPS).items()
        for index, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(day=21.0, analyte="Ki-67", assay="elisa")


def comparison(rows: pd.DataFrame, control: str | None = "a") -> AssayComparison:
    return compare_groups(MarkerTable(name="made", rows=rows), "Ki-67", control=control)


@pytest.fixture(scope="module")
def found() -> AssayComparison:
    return comparison(frame())


def density(shared_data: Callable[[str], Path]) -> AssayComparison:
    table = read_markers(
        shared_data("crc_angiogenesis/microvessel_density.csv"),
        columns={"value": "mvd_pct"},
        constants={"analyte": "Nestin", "assay": "area_percent"},
    )
    return compare_groups(table, "Nestin", control="CG")


@pytest.mark.realdata
def test_microvessel_density_agrees_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    section = shared_reference("crc_angiogenesis")["sections"]["95_mvd"]
    theirs, tolerance = section["results"], section["tolerance"]
    exact = tolerance["exact"]["rel"]
    ours = density(shared_data)
    for place, name in enumerate(theirs["by_arm"]["g"]):
        arm = next(arm for arm in ours.arms if arm.arm == name)
        assert arm.n == theirs["by_arm"]["n"][place]
        assert arm.median == pytest.approx(theirs["by_arm"]["median"][place], rel=exact)
        assert arm.mean == pytest.approx(theirs["by_arm"]["mean"][place], rel=exact)
        assert arm.sd == pytest.approx(theirs["by_arm"]["sd"][place], rel=exact)
    assert ours.kruskal is not None
    assert ours.kruskal.statistic == pytest.approx(theirs["kruskal"]["H"], rel=exact)
    assert ours.kruskal.p_value == pytest.approx(theirs["kruskal"]["p"], rel=exact)
    assert ours.kruskal.df == theirs["kruskal"]["df"]
    assert ours.anova is not None
    assert ours.anova.statistic == pytest.approx(theirs["anova"]["F value"][0], rel=exact)
    assert ours.anova.p_value == pytest.approx(theirs["anova"]["Pr(>F)"][0], rel=exact)
    assert [ours.anova.df, ours.anova.df_residual] == theirs["anova"]["Df"]
    pairs = {f"{pair.arm}-{pair.versus}": pair for pair in ours.pairs}
    wilcoxon = theirs["pairwise_p"]
    assert pairs["MET-CG"].bonferroni_p == wilcoxon["CG"][0]
    assert pairs["MTD-CG"].bonferroni_p == pytest.approx(wilcoxon["CG"][1], rel=exact)
    assert pairs["MTD-MET"].bonferroni_p == pytest.approx(wilcoxon["MET"][1], rel=exact)
    for place, name in enumerate(theirs["tukey"]["pair"]):
        pair = pairs[name]
        assert pair.difference == pytest.approx(theirs["tukey"]["diff"][place], rel=exact)
        # Quantiles of the studentized range: R's qtukey stops within 1e-4 of its argument's
        # probability and scipy's root to 1e-8; they meet to 1e-8 here.
        assert pair.lower == pytest.approx(theirs["tukey"]["lwr"][place], rel=exact)
        assert pair.upper == pytest.approx(theirs["tukey"]["upr"][place], rel=exact)
        # ptukey is 1 less a quadrature good to 1e-11; that is what its small tails are good to.
        assert pair.tukey_p == pytest.approx(theirs["tukey"]["p adj"][place], rel=exact, abs=1e-11)
    for name, p_value in zip(("MET-CG", "MTD-CG"), theirs["dunnett_p"], strict=True):
        assert pairs[name].dunnett_p == pytest.approx(p_value, abs=tolerance["mvt"]["abs"])
    assert pairs["MTD-MET"].dunnett_p is None


@pytest.mark.realdata
def test_fields_without_animals_are_flagged_as_pseudo_replicates(
    shared_data: Callable[[str], Path],
) -> None:
    ours = density(shared_data)
    assert (ours.units, ours.status) == ("fields", "flagged")
    assert ours.reason.startswith("no animal id")
    assert "pseudo-replicates" in ours.reason


@pytest.mark.realdata
@pytest.mark.parametrize("outcome", ["hb", "sto2"])
@pytest.mark.parametrize("method", ["satterthwaite", "kenward_roger"])
def test_tumors_within_mice_over_weeks_agree_with_lmer(
    outcome: str,
    method: SmallSample,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("crc_angiogenesis")["sections"][f"96_lmm_{outcome}"]
    theirs, tolerance = section["results"], section["tolerance"]
    table = read_markers(shared_data("crc_angiogenesis/perfusion.csv"), wide={outcome: "imaging"})
    ours = fit_course(table, outcome, control="CG", method=method)
    terms = theirs["lmm"]["fixed"] if method == "satterthwaite" else theirs["lmm_kr"]
    names = ["intercept", "slope", "MET", "MTD", "MET slope", "MTD slope"]
    assert [term.term for term in ours.terms] == names
    for place, term in enumerate(ours.terms):
        # Ours are by day, lme4's by week.
        week = 7.0 if "slope" in term.term else 1.0
        fixed = tolerance["fixed"]
        assert term.estimate * week == pytest.approx(
            terms["Estimate"][place], rel=fixed["rel"], abs=fixed["abs"]
        )
        error = terms["Std. Error"][place]
        assert term.std_error * week == pytest.approx(error, rel=tolerance["se"]["rel"])
        assert term.df == pytest.approx(terms["df"][place], rel=tolerance["df"]["rel"])
        # df to 1 % moves the tail of t by as much, the far ones by more.
        assert term.p_value == pytest.approx(terms["Pr(>|t|)"][place], rel=0.01)
    variance = tolerance["variance"]["rel"]
    assert ours.tumor_variance is not None
    components = [ours.tumor_variance, ours.animal_variance, ours.residual_variance]
    np.testing.assert_allclose(components, theirs["lmm"]["varcorr"]["vcov"], rtol=variance)
    # REML has the determinant of X'X: three columns of days are seven times those of weeks.
    loglik = ours.log_likelihood + 3 * math.log(7)
    assert loglik == pytest.approx(theirs["lmm"]["logLik_REML"], abs=tolerance["logLik"]["abs"])
    assert (ours.n, ours.n_animals, ours.n_tumors) == (438, 61, 110)
    assert ours.reason == "136 readings without a value or a day are left out"


@pytest.mark.realdata
@pytest.mark.parametrize("outcome", ["hb", "sto2"])
def test_weeks_and_arms_have_the_f_tests_of_lmertest(
    outcome: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    section = shared_reference("crc_angiogenesis")["sections"][f"96_lmm_{outcome}"]
    theirs, tolerance = section["results"]["lmm_factor_anova"], section["tolerance"]
    table = read_markers(shared_data("crc_angiogenesis/perfusion.csv"), wide={outcome: "imaging"})
    ours = course_f_test(table, outcome, control="CG", method="satterthwaite")
    assert [test.question for test in ours.tests] == ["day", "arm", "day x arm"]
    assert ours.days == (7.0, 14.0, 21.0, 28.0, 35.0, 42.0)
    for place, test in enumerate(ours.tests):
        assert test.df == theirs["NumDF"][place]
        # F is a square of estimates over errors: twice the tolerance of these.
        rel = 2 * tolerance["se"]["rel"]
        assert test.statistic == pytest.approx(theirs["F value"][place], rel=rel)
        assert test.df_residual == pytest.approx(
            theirs["DenDF"][place], rel=tolerance["df"]["rel"]
        )
        # A residual df to 1 % and an F to 0.2 % move these p values by less than 1 %.
        assert test.p_value == pytest.approx(theirs["Pr(>F)"][place], rel=0.01)


def test_a_balanced_split_plot_has_the_textbook_f_tests() -> None:
    rows = weekly()
    ours = course_f_test(MarkerTable(name="made", rows=rows), "hb", control="CG")
    cube = rows.sort_values(["arm", "animal_id", "day"])["value"].to_numpy().reshape(2, 6, 3)
    mean = cube.mean()
    arm, day, cell = cube.mean(axis=(1, 2)), cube.mean(axis=(0, 1)), cube.mean(axis=1)
    animal = cube.mean(axis=2)
    between = 3 * ((animal - arm[:, None]) ** 2).sum() / 10
    rest = cube - animal[:, :, None] - cell[:, None, :] + arm[:, None, None]
    within = (rest**2).sum() / 20
    expected = {
        "day": (12 * ((day - mean) ** 2).sum() / 2 / within, 2, 20),
        "arm": (18 * ((arm - mean) ** 2).sum() / between, 1, 10),
        "day x arm": (
            6 * ((cell - arm[:, None] - day + mean) ** 2).sum() / 2 / within,
            2,
            20,
        ),
    }
    for test in ours.tests:
        statistic, df, residual = expected[test.question]
        # REML found by Newton's method against sums of squares.
        assert test.statistic == pytest.approx(statistic, rel=1e-5)
        assert test.df == df
        assert test.df_residual == pytest.approx(residual, rel=1e-5)
    assert ours.to_frame().shape[0] == 3


def test_f_tests_need_each_arm_on_each_day() -> None:
    rows = weekly()
    gap = rows[(rows["arm"] == "CG") | (rows["day"] < 14)]
    with pytest.raises(DataError, match=r"each arm on each day, found none of 'drug' on day 14"):
        course_f_test(MarkerTable(name="made", rows=gap), "hb", control="CG")
    one = MarkerTable(name="made", rows=rows[rows["day"] == 0.0])
    with pytest.raises(DataError, match="readings on two or more days"):
        course_f_test(one, "hb", control="CG")


def test_pairs_have_scipys_numbers(found: AssayComparison) -> None:
    a, b, c = (np.array(GROUPS[name]) for name in "abc")
    tukey: Any = stats.tukey_hsd(a, b, c)
    limits = tukey.confidence_interval(0.95)
    dunnett: Any = stats.dunnett(b, c, control=a, random_state=1).pvalue
    for pair, (first, second) in zip(found.pairs, [(0, 1), (0, 2), (1, 2)], strict=True):
        assert pair.tukey_p == pytest.approx(tukey.pvalue[first, second], rel=1e-9)
        # Its statistic is the earlier arm less the later.
        assert pair.difference == pytest.approx(-tukey.statistic[first, second], rel=1e-12)
        assert pair.lower == pytest.approx(limits.low[second, first], rel=1e-6)
        assert pair.upper == pytest.approx(limits.high[second, first], rel=1e-6)
    # scipy's Dunnett is quasi Monte Carlo.
    assert found.pairs[0].dunnett_p == pytest.approx(dunnett[0], abs=2e-3)
    assert found.pairs[1].dunnett_p == pytest.approx(dunnett[1], abs=2e-3)
    assert found.pairs[2].dunnett_p is None
    exact = stats.mannwhitneyu(b, a, method="exact").pvalue
    assert found.pairs[0].wilcoxon_p == pytest.approx(exact, rel=1e-12)
    assert found.pairs[0].wilcoxon_exact
    assert found.pairs[0].bonferroni_p == pytest.approx(3 * exact, rel=1e-12)


def test_summaries_are_those_of_the_animals(found: AssayComparison) -> None:
    arm = found.arms[0]
    values = np.array(GROUPS["a"])
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert arm.values == tuple(sorted(GROUPS["a"]))
    assert (arm.arm, arm.n, arm.mean, arm.median) == ("a", 4, values.mean(), np.median(values))
    assert arm.lower == pytest.approx(interval.low, rel=1e-10)
    assert arm.upper == pytest.approx(interval.high, rel=1e-10)
    assert (found.status, found.reason, found.units) == ("ok", "", "animals")
    assert found.to_frame().shape[0] == 3
    assert found.to_dict()["control"] == "a"


def test_the_control_comes_first_and_order_of_rows_does_not_matter() -> None:
    rows = frame()
    second = comparison(rows.sample(frac=1, random_state=1).reset_index(drop=True), "b")
    assert second == comparison(rows, "b")
    assert [arm.arm for arm in second.arms] == ["b", "a", "c"]
    assert [pair.versus for pair in second.pairs] == ["b", "b", "a"]


def test_ties_are_tested_by_the_normal_approximation() -> None:
    pair = comparison(frame({"a": [1.0, 2.0, 2.0], "b": [2.0, 3.0, 4.0]})).pairs[0]
    assert not pair.wilcoxon_exact
    # R 4: wilcox.test(c(2, 3, 4), c(1, 2, 2), exact = FALSE): W = 8, corrected for ties.
    assert pair.wilcoxon_p == pytest.approx(_normal_p(8.0, 3, 3, [3]), rel=1e-10)


def _normal_p(w: float, n: int, m: int, ties: list[int]) -> float:
    total = n + m
    tied = sum(t**3 - t for t in ties) / (total * (total - 1))
    sd = math.sqrt(n * m / 12 * (total + 1 - tied))
    return 2 * float(stats.norm.sf((abs(w - n * m / 2) - 0.5) / sd))


def test_values_below_the_limit_are_ranked_lowest_and_no_mean_is_made() -> None:
    rows = frame({"a": [5.0, 7.0, 6.5, 8.0], "b": [2.0, 2.0, 3.0, 2.5]})
    rows["value_state"] = ["measured"] * 4 + ["below_limit"] * 2 + ["measured"] * 2
    ours = comparison(rows)
    arm = ours.arms[1]
    assert (arm.mean, arm.sd, arm.lower, arm.n_limits) == (None, None, None, 2)
    assert ours.anova is None
    assert ours.pairs[0].difference is None
    assert ours.reason == "2 of 8 values known by a limit only: ranks only"
    # A measured value at the limit lies above what is below it.
    at = rows.assign(value=[2.0, 7.0, 6.5, 8.0, 2.0, 2.0, 3.0, 2.5])
    moved = rows.assign(value=[2.0, 7.0, 6.5, 8.0, 1.0, 1.0, 3.0, 2.5])
    first, second = comparison(at).kruskal, comparison(moved).kruskal
    assert first is not None
    assert first == second
    crossed = rows.assign(value=[5.0, 7.0, 6.5, 8.0, 2.7, 2.7, 3.0, 2.5])
    with pytest.raises(DataError, match=r"limits of Ki-67 outside.*below 2.7.*'b0'"):
        comparison(crossed)


def test_an_ordinal_score_is_ranked_only() -> None:
    rows = frame({"a": [3.0, 4.0, 5.0], "b": [7.0, 8.0, 8.0]}).assign(assay="allred")
    ours = comparison(rows)
    assert ours.anova is None
    assert ours.kruskal is not None
    assert "Allred score is ordinal: ranks only" in ours.reason


def test_an_arm_of_one_and_arms_without_spread_have_no_tests() -> None:
    ours = comparison(frame({"a": [3.0, 4.0], "b": [7.0]}))
    assert (ours.kruskal, ours.anova, ours.pairs[0].wilcoxon_p) == (None, None, None)
    assert ours.reason == "an arm of one: no tests"
    flat = comparison(frame({"a": [3.0, 3.0], "b": [3.0, 3.0]}))
    assert (flat.kruskal, flat.anova, flat.pairs[0].wilcoxon_p) == (None, None, None)
    assert flat.reason == "no spread within the arms"


def test_a_day_or_line_of_several_must_be_said() -> None:
    rows = pd.concat([frame(), frame().assign(day=28.0)], ignore_index=True)
    table = MarkerTable(name="made", rows=rows)
    with pytest.raises(
        InputError, match=r"made: expected which day, of several, found 21.0, 28.0"
    ):
        compare_groups(table, "Ki-67")
    assert compare_groups(table, "Ki-67", day=28.0).day == 28.0
    with pytest.raises(InputError, match="a day of the table"):
        compare_groups(table, "Ki-67", day=3.0)
    with pytest.raises(InputError, match="a control arm with values of Ki-67: a, b, c"):
        comparison(frame(), "vehicle")
    with pytest.raises(DataError, match="two or more arms"):
        comparison(frame({"a": [1.0, 2.0]}))
    with pytest.raises(DataError, match="the arm of each reading"):
        comparison(frame().assign(arm=""), None)


def test_plates_of_an_animal_are_averaged_and_said() -> None:
    rows = pd.concat(
        [frame().assign(plate="1"), frame().assign(plate="2", value=frame()["value"] + 2)],
        ignore_index=True,
    )
    ours = comparison(rows)
    assert ours.arms[0].mean == pytest.approx(np.mean(GROUPS["a"]) + 1, rel=1e-12)
    assert ours.arms[0].n == 4
    assert ours.reason == "plates are averaged for each animal, not adjusted for"
    rows["value_state"] = ["below_limit"] + ["measured"] * (len(rows) - 1)
    with pytest.raises(DataError, match="one plate of animal 'a0'"):
        comparison(rows)


def weekly(effect: float = 0.3, *, tumors: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    rows = []
    for arm in ("CG", "drug"):
        for animal in range(6):
            level = rng.normal()
            for tumor in range(tumors):
                own = level + 0.5 * rng.normal()
                for day in (0.0, 7.0, 14.0):
                    slope = 0.1 + (effect if arm == "drug" else 0.0)
                    value = 20 + own + slope * day + 0.3 * rng.normal()
                    rows.append((f"{arm}{animal}", f"t{tumor}", arm, day, value))
    columns = ["animal_id", "tumor_id", "arm", "day", "value"]
    return pd.DataFrame(rows, columns=columns).assign(analyte="hb", assay="imaging")


def course(rows: pd.DataFrame, **options: str) -> CourseFit:
    table = MarkerTable(name="made", rows=rows)
    return fit_course(table, "hb", control="CG", **options)  # type: ignore[arg-type]


def test_balanced_slopes_are_least_squares_with_their_degrees_of_freedom() -> None:
    rows = weekly()
    ours = course(rows)
    slope = ours.terms[-1]
    slopes = {
        animal: np.polyfit(own["day"], own["value"], 1)[0]
        for animal, own in rows.groupby("animal_id")
    }
    drug = [value for animal, value in slopes.items() if str(animal).startswith("drug")]
    control = [value for animal, value in slopes.items() if str(animal).startswith("CG")]
    assert slope.term == "drug slope"
    assert slope.estimate == pytest.approx(np.mean(drug) - np.mean(control), rel=1e-8)
    # Random intercepts alone: 36 readings less 12 animals less 2 slopes.
    assert slope.df == pytest.approx(22.0, rel=1e-6)
    assert ours.tumor_variance is None
    assert ours.status == "ok"
    nested = course(weekly(tumors=2))
    assert nested.tumor_variance is not None
    assert (nested.n_tumors, nested.n_animals) == (24, 12)
    assert nested.to_frame().shape[0] == 4
    assert nested.to_dict()["control"] == "CG"


def test_logarithms_are_taken_where_asked() -> None:
    rows = weekly()
    ours = course(rows.assign(value=np.exp(rows["value"] / 10)), scale="log")
    assert ours.terms[-1].estimate == pytest.approx(course(rows).terms[-1].estimate / 10, rel=1e-6)
    assert ours.unit == "log"
    with pytest.raises(InputError, match="values above 0 on the log scale"):
        course(rows.assign(value=-rows["value"], assay="other"), scale="log")


def test_courses_that_cannot_be_fitted_are_refused() -> None:
    rows = weekly()
    with pytest.raises(InputError, match="a control arm of the table: drug"):
        course(rows[rows["arm"] == "drug"])
    with pytest.raises(DataError, match="two or more arms"):
        course(rows[rows["arm"] == "CG"])
    with pytest.raises(DataError, match="two or more animals in arm 'drug'"):
        course(rows[(rows["arm"] == "CG") | (rows["animal_id"] == "drug0")])
    with pytest.raises(DataError, match="two or more days in each arm"):
        course(rows[rows["day"] == 0.0])
    with pytest.raises(DataError, match="the animal of each reading"):
        course(rows.assign(animal_id=""))
    with pytest.raises(DataError, match="readings of one line"):
        course(rows.assign(line=np.where(rows["arm"] == "CG", "L1", "L2")))
    with pytest.raises(DataError, match="measured readings with a day"):
        course(rows[rows["day"] == 0.0].assign(day=np.nan))
    with pytest.raises(InputError, match="a method"):
        course(rows, method="residual")
    with pytest.raises(InputError, match="a scale"):
        course(rows, scale="root")
    with pytest.raises(InputError, match="an assay with distances"):
        course(rows.assign(value=3.0, assay="allred"))
