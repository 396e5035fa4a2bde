"""Regimens compared: fronts by hand, closed forms, paired draws, limits, order, bad input."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import DataError, FileFormatError, InputError, ProjectError
from oncovivo.figures import to_svg
from oncovivo.mechanism.fronts import best_at_no_greater_cost, pareto_front
from oncovivo.mechanism.schedule_file import SchedulePlan, read_schedules
from oncovivo.mechanism.schedule_plots import plot_schedules
from oncovivo.mechanism.schedules import ScheduleCandidate, ScheduleResult, compare_schedules
from oncovivo.studies.regimen import parse_regimen

EXAMPLE = (
    Path(__file__).parents[2] / "examples/temsirolimus/mechanism/schedules/temsirolimus_786o.toml"
)

# Exponential growth of 0.1368 per day and kill in proportion to the concentration: the volume on
# a day is v0 exp(0.1368 t - k2 dose/CL) once the drug is gone, whatever the schedule. A clearance
# of 1 L/h/kg makes 1 mg/kg an area of 1000/24 ng·day/mL; with k2 of 0.0024 that is 0.1.
KILL = """
schema = "oncovivo.simulation/1"
title = "Linear kill"
blocks = ["animal", "pk_bolus", "kill_linear", "tumor", "exponential"]
parameters = ["mouse_20g", "renal_786o"]
[time]
end = 20.0
step = 0.5
[[arms]]
name = "vehicle"
[values.cl]
value = 1.0
unit = "L/h/kg"
status = "assumed"
[values.v]
value = 1.0
unit = "L/kg"
status = "assumed"
[values.k2]
value = 0.0024
unit = "mL/(ng*day)"
status = "assumed"
uncertainty_cv = 0.5
"""

PLAN = """
schema = "oncovivo.schedules/1"
title = "How much, how often"
simulation = "kill.toml"
draws = 20
negligible = 0.0
[[treatments]]
compound = "drug"
unit = "mg/kg"
route = "i.v."
doses = [1.0, 2.0]
patterns = ["qd", "q2d"]
end_day = 8
[[objectives]]
minimize = "at_day"
output = "tumor_volume"
[[objectives]]
minimize = "cumulative_dose"
compound = "drug"
"""


def read(folder: Path, text: str = PLAN, *, simulation: str = KILL) -> SchedulePlan:
    (folder / "kill.toml").write_text(simulation, encoding="utf-8")
    path = folder / "schedules.toml"
    path.write_text(text, encoding="utf-8")
    return read_schedules(path)


def run(plan: SchedulePlan, *, seed: int = 1) -> ScheduleResult:
    return compare_schedules(plan, rng=np.random.default_rng(seed), seed=seed)


def candidate(result: ScheduleResult, regimen: str) -> ScheduleCandidate:
    return next(one for one in result.candidates if one.regimen == regimen)


# ---- fronts


def by_definition(values: np.ndarray, slack: np.ndarray) -> list[bool]:
    """The kernel of a draw from its definition: the only set that is stable and absorbing."""
    count = len(values)

    def dominates(first: int, second: int) -> bool:
        worse = any(
            a > b + e for a, b, e in zip(values[first], values[second], slack, strict=True)
        )
        return not worse and any(
            a < b - e for a, b, e in zip(values[first], values[second], slack, strict=True)
        )

    kernels = [
        members
        for members in itertools.product([False, True], repeat=count)
        if all(
            members[one] != any(members[other] and dominates(other, one) for other in range(count))
            for one in range(count)
        )
    ]
    assert len(kernels) == 1
    return list(kernels[0])


@pytest.mark.parametrize("slack", [(0.0, 0.0, 0.0), (0.15, 0.0, 0.0), (0.15, 0.1, 0.0)])
def test_the_front_is_the_only_kernel_of_dominance(slack: tuple[float, ...]) -> None:
    values = np.random.default_rng(3).uniform(size=(30, 7, 3)).round(2)
    tolerance = np.tile(slack, (30, 1))
    found = pareto_front(values, tolerance, np.ones(7, dtype=np.bool_))
    expected = [by_definition(draw, np.array(slack)) for draw in values]
    assert found.tolist() == expected


def test_many_small_steps_do_not_push_each_other_off_the_front() -> None:
    # Each step gains less than the tolerance; ten of them gain three times as much.
    steps = np.arange(11.0)
    values = np.column_stack([-0.03 * steps, steps])[np.newaxis]
    front = pareto_front(values, np.array([[0.1, 0.0]]), np.ones(11, dtype=np.bool_))[0]
    assert np.flatnonzero(front).tolist() == [0, 4, 8]


def test_what_is_not_admissible_keeps_nothing_off_the_front() -> None:
    values = np.array([[[1.0, 1.0], [2.0, 2.0]]])
    front = pareto_front(values, np.zeros((1, 2)), np.array([False, True]))
    assert front.tolist() == [[False, True]]


def test_the_best_is_among_those_that_cost_no_more_of_anything() -> None:
    values = np.array([[5.0, 3.0, 4.0]])
    costs = np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])
    best = best_at_no_greater_cost(values, costs, np.ones(3, dtype=np.bool_))
    assert best.tolist() == [[5.0, 3.0, 3.0]]


# ---- closed forms


def test_volumes_follow_the_total_dose_and_not_the_interval_under_linear_kill(
    tmp_path: Path,
) -> None:
    result = run(read(tmp_path))
    for one in result.candidates:
        total = one.doses[0].cumulative
        expected = 173.5 * math.exp(0.1368 * 20 - 0.1 * total)
        assert one.values[0].typical == pytest.approx(expected, rel=1e-4)
        assert one.values[1].typical == total
    daily, sparse = (
        candidate(result, text)
        for text in ("drug 1 mg/kg i.v. qd x8 d", "drug 2 mg/kg i.v. q2d x8 d")
    )
    assert daily.doses[0].cumulative == sparse.doses[0].cumulative == 8
    assert daily.values[0].typical == pytest.approx(sparse.values[0].typical, rel=1e-5)


def test_dose_above_saturation_adds_little_and_interval_much() -> None:
    plan = read_schedules(EXAMPLE)
    doses = ("2 mg/kg i.v. qd", "2 mg/kg i.v. qw", "10 mg/kg i.v. qd", "10 mg/kg i.v. qw")
    texts = [f"temsirolimus {dose} x21 d" for dose in (*doses, "1 mg/kg i.v. qd")]
    certain = tuple(
        dataclasses.replace(entry, uncertainty_cv=None) for entry in plan.arm.parameters
    )
    numbers = dataclasses.replace(plan.arm.parameters, entries=certain)
    plan = dataclasses.replace(
        plan,
        arm=dataclasses.replace(plan.arm, parameters=numbers),
        candidates=tuple(map(parse_regimen, texts)),
        limits=dataclasses.replace(plan.limits, cumulative_dose=()),
        assumed_cv=None,
    )
    result = run(plan)
    assert result.draws == 0
    low_daily, low_weekly, high_daily, high_weekly, lowest_daily = (
        candidate(result, text).values[0] for text in texts
    )
    # Five times the dose takes less than a twentieth away; seven times as often takes a third.
    assert 0.94 < high_daily.typical / low_daily.typical < 1
    assert 0.94 < high_weekly.typical / low_weekly.typical < 1
    assert low_daily.typical / low_weekly.typical < 0.65
    assert not candidate(result, texts[2]).on_front
    assert not candidate(result, texts[3]).on_front
    assert [one.regimen for one in result.front] == [texts[1], texts[4]]
    # 1 mg/kg daily is less dose than 10 mg/kg weekly, and does more.
    assert high_weekly.regret is not None
    assert high_weekly.regret > 0.3
    assert lowest_daily.regret == 0.0


def test_robustness_is_the_share_of_draws_in_which_more_dose_can_be_told(tmp_path: Path) -> None:
    text = PLAN.replace("draws = 20", "draws = 4000").replace("0.0", "0.1", 1)
    assert "negligible = 0.1" in text
    text = text.replace("[1.0, 2.0]", "[2.0, 4.0]").replace('["qd", "q2d"]', '["once"]')
    result = run(read(tmp_path, text))
    low, high = result.candidates
    assert low.robustness == 1.0
    # 2 mg/kg more are told from less where exp(-k2 * 2000/24) is below 1/1.1.
    needed = math.log(1.1) * 24 / 2000
    spread = math.sqrt(math.log1p(0.5**2))
    share = stats.norm.sf(math.log(needed / 0.0024) / spread)
    assert 0.8 < share < 0.97
    # Four standard errors of a share of 4,000 draws.
    error = 4 * math.sqrt(share * (1 - share) / 4000)
    assert high.robustness == pytest.approx(share, abs=error)


def test_regret_is_the_loss_to_the_best_at_no_greater_dose(tmp_path: Path) -> None:
    # A volume of distribution of 24 L/kg: the drug leaves by 1 per day. Given a day before the
    # end, exp(-1) of its area is still to come.
    text = PLAN.replace("[1.0, 2.0]", "[4.0]").replace(
        '["qd", "q2d"]\nend_day = 8', '["once"]\nstart_days = [0, 19]'
    )
    late_drug = KILL.replace('value = 1.0\nunit = "L/kg"', 'value = 24.0\nunit = "L/kg"').replace(
        "uncertainty_cv = 0.5", ""
    )
    simulation = late_drug.replace("[values.k2]", "[values.growth_rate]\nvalue = 0.1368\n"
                                   'unit = "1/day"\nstatus = "assumed"\n[values.k2]')  # fmt: skip
    result = run(read(tmp_path, text, simulation=simulation))
    early, late = result.candidates
    assert result.draws == 0
    assert early.values[0].regret == 0.0
    # The early dose is as good as gone on day 20: exp(-20).
    assert late.values[0].regret == pytest.approx(math.exp(0.4 * math.exp(-1)) - 1, rel=1e-3)
    assert early.robustness is None
    assert "no_spread" in [warning.code for warning in result.warnings]


def test_areas_and_largest_values_have_their_closed_forms(tmp_path: Path) -> None:
    text = (
        PLAN.split("[[objectives]]")[0].replace('["qd", "q2d"]', '["once"]')
        + """
[[objectives]]
minimize = "log_area"
output = "tumor_volume"
over_untreated = true
day = 10.0
[[objectives]]
maximize = "largest"
output = "concentration"
[[objectives]]
minimize = "dosing_days"
"""
    )
    result = run(read(tmp_path, text))
    for one, dose in zip(result.candidates, (1.0, 2.0), strict=True):
        # ln V falls by 0.1 dose (1 - exp(-24 t)); its area to day 10 is by trapezoids of half a
        # day, the first of which is a triangle.
        assert one.values[0].typical == pytest.approx(-0.1 * dose * 9.75, rel=1e-4)
        assert one.values[1].typical == pytest.approx(1000 * dose)
        assert one.values[2].typical == 1.0
    assert [one.on_front for one in result.candidates] == [False, True]


# ---- draws


def test_a_candidate_has_the_same_draws_whatever_stands_beside_it(tmp_path: Path) -> None:
    plan = read(tmp_path)
    turned = dataclasses.replace(plan, candidates=plan.candidates[::-1])
    alone = dataclasses.replace(plan, candidates=plan.candidates[2:])
    results = [run(one) for one in (plan, turned, alone)]
    for regimen in map(str, alone.candidates):
        values = [candidate(result, regimen).values[0] for result in results]
        assert len({(one.median, one.lower, one.upper) for one in values}) == 1
    whole = {one.regimen: (one.on_front, one.robustness) for one in results[0].candidates}
    assert {one.regimen: (one.on_front, one.robustness) for one in results[1].candidates} == whole


def test_animals_do_not_differ_only_knowledge_does(tmp_path: Path) -> None:
    # growth_rate differs between animals by 16.7 % and is uncertain by 3.9 %.
    bare = KILL.replace("uncertainty_cv = 0.5", "")
    plan = dataclasses.replace(read(tmp_path, simulation=bare), draws=2000)
    result = run(plan)
    assert result.varied == ("growth_rate",)
    value = result.candidates[0].values[0]
    expected = 2 * 1.6449 * 0.1368 * 20 * math.sqrt(math.log1p(0.039**2))
    assert math.log(value.upper / value.lower) == pytest.approx(expected, rel=0.06)


def test_assumed_numbers_vary_only_where_it_is_asked_for(tmp_path: Path) -> None:
    without = run(read(tmp_path))
    given = run(read(tmp_path, PLAN.replace("draws = 20", "draws = 20\nassumed_cv = 0.3")))
    assert set(given.varied) - set(without.varied) == {"body_weight", "cl", "v"}
    (fixed,) = [one.message for one in without.warnings if one.code == "fixed_numbers"]
    assert "cl, v" in fixed
    assert "fixed_numbers" not in [one.code for one in given.warnings]
    spans = [
        one.candidates[0].values[0].upper / one.candidates[0].values[0].lower
        for one in (without, given)
    ]
    assert spans[1] > spans[0]


def test_over_untreated_is_taken_in_the_same_draw(tmp_path: Path) -> None:
    # Growth is uncertain, but not what the drug takes away from it.
    sure = KILL.replace("uncertainty_cv = 0.5", "")
    text = PLAN.replace(
        'output = "tumor_volume"', 'output = "tumor_volume"\nover_untreated = true'
    )
    result = run(read(tmp_path, text, simulation=sure))
    assert result.untreated[0].upper == 1.0
    for one in result.candidates:
        expected = math.exp(-0.1 * one.doses[0].cumulative)
        assert one.values[0].lower == pytest.approx(expected, rel=1e-3)
        assert one.values[0].upper == pytest.approx(expected, rel=1e-3)


# ---- candidates and limits


def test_doses_beyond_a_limit_are_named_and_not_simulated(tmp_path: Path) -> None:
    text = PLAN + '[limits.cumulative_dose]\ndrug = "8 mg/kg"\n'
    result = run(read(tmp_path, text))
    out = [one for one in result.candidates if one.excluded]
    assert [one.regimen for one in out] == ["drug 2 mg/kg i.v. qd x8 d"]
    assert out[0].excluded == "drug 16 mg/kg in all, above 8 mg/kg"
    assert out[0].values == ()
    assert not out[0].on_front
    single = run(read(tmp_path, PLAN + '[limits.largest_dose]\ndrug = "1500 µg/kg"\n'))
    assert [one.dosing_days for one in single.candidates if one.excluded] == [8, 4]


def test_nothing_within_the_limits_is_no_result(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN + '[limits.largest_dose]\ndrug = "0.1 mg/kg"\n')
    with pytest.raises(DataError, match=r"within the limits.*none of 4.*1 mg/kg at once"):
        run(plan)


WEIGHT = """
schema = "oncovivo.block/1"
name = "weight"
title = "Weight that falls with exposure"
source = "none"
provides = "host"
[parameters.w0]
unit = "g"
meaning = "body weight on day 0"
lower = 0.0
open = true
[parameters.wasting]
unit = "mL/(ng*day)"
meaning = "loss per exposure"
lower = 0.0
[requires.c_drug]
unit = "ng/mL"
[states.weight]
unit = "g"
meaning = "body weight"
initial = "w0"
rate = "-wasting*c_drug*weight"
[outputs.animal_weight]
unit = "g"
value = "weight"
meaning = "body weight"
kind = "other"
"""


def test_a_loss_of_body_weight_excludes_where_a_model_has_one(tmp_path: Path) -> None:
    (tmp_path / "weight.toml").write_text(WEIGHT, encoding="utf-8")
    simulation = (
        KILL.replace('"exponential"]', '"exponential", "weight.toml"]')
        + """
[values.w0]
value = 20.0
unit = "g"
status = "assumed"
[values.wasting]
value = 0.00024
unit = "mL/(ng*day)"
status = "assumed"
"""
    )
    text = PLAN + '[limits.body_weight]\noutput = "animal_weight"\nloss_percent = {}\n'
    # Weight falls to exp(-0.01 dose): by 14.8 % after 16 mg/kg, by 7.7 % after 8.
    strict = run(read(tmp_path, text.format("10.0"), simulation=simulation))
    assert [bool(one.excluded) for one in strict.candidates] == [False, False, True, False]
    heavy = strict.candidates[2]
    assert heavy.excluded == "body weight falls by more than 10 % in 100% of the draws"
    assert (heavy.robustness, heavy.on_front) == (None, False)
    assert len(heavy.values) == 2
    assert strict.body_weight_output == "animal_weight"
    assert "no_body_weight" not in [one.code for one in strict.warnings]
    assert "crosses" in to_svg_texts(strict)
    loose = run(read(tmp_path, text.format("16.0"), simulation=simulation))
    assert not any(one.excluded for one in loose.candidates)


def test_without_a_body_weight_it_is_said_that_nobody_looked(tmp_path: Path) -> None:
    result = run(read(tmp_path))
    assert result.body_weight_output is None
    (said,) = [one.message for one in result.warnings if one.code == "no_body_weight"]
    assert "tolerability is not judged" in said
    with pytest.raises(InputError, match=r"body weight.*leave the limit out"):
        read(tmp_path, PLAN + '[limits.body_weight]\noutput = "weight"\nloss_percent = 15.0\n')


WILSON = """
schema = "oncovivo.simulation/1"
title = "Two drugs"
blocks = ["animal", "wilson"]
parameters = ["mouse_20g", "ht29_wilson"]
[time]
end = 20.0
step = 1.0
[[arms]]
name = "vehicle"
"""

ORDER = """
schema = "oncovivo.schedules/1"
title = "Which first"
simulation = "kill.toml"
draws = 5
[[treatments]]
compound = "sunitinib"
unit = "mg/kg"
doses = [40.0]
patterns = ["days 0,1,2,3"]
start_days = [0, 8]
[[treatments]]
compound = "irinotecan"
unit = "mg/kg"
doses = [90.0]
patterns = ["once"]
start_days = [0, 4, 8]
optional = true
[[objectives]]
minimize = "at_day"
output = "tumor_volume"
[[objectives]]
minimize = "dosing_days"
"""


def test_order_and_offset_in_a_combination_are_candidates_of_their_own(tmp_path: Path) -> None:
    plan = read(tmp_path, ORDER, simulation=WILSON)
    assert len(plan.candidates) == 2 * (3 + 1)
    result = run(plan)
    first, last = (
        candidate(result, f"sunitinib 40 mg/kg days {days} + irinotecan 90 mg/kg qd x1{start}")
        for days, start in (("0,1,2,3", " from day 4"), ("8,9,10,11", ""))
    )
    assert first.doses == last.doses
    ratio = first.values[0].typical / last.values[0].typical
    assert abs(math.log(ratio)) > 0.01


def test_a_listed_regimen_joins_the_grid_and_twins_count_once(tmp_path: Path) -> None:
    extra = (
        'regimens = ["drug 1 mg/kg i.v. qd x8 d", "drug 3 mg/kg i.v. qd x2 then 1 mg/kg qd x3"]'
    )
    plan = read(tmp_path, PLAN.replace("negligible", f"{extra}\nnegligible"))
    assert len(plan.candidates) == 5
    result = run(plan)
    assert result.candidates[4].doses[0].cumulative == 9.0
    assert result.candidates[4].doses[0].largest == 3.0


# ---- bad input


@pytest.mark.parametrize(
    ("old", "new", "kind", "says"),
    [
        ('simulation = "kill.toml"', 'simulation = "none.toml"', FileFormatError, "none.toml"),
        ("draws = 20", "draws = 0", FileFormatError, "draws"),
        ("draws = 20", 'arm = "daily"', InputError, "an arm of the simulation: vehicle"),
        ('compound = "drug"\nunit', 'compound = "drugg"\nunit', InputError, "did you mean drug"),
        ('unit = "mg/kg"', 'unit = "mg/lb"', InputError, "mg/lb"),
        ("[1.0, 2.0]", "[-1.0, 2.0]", FileFormatError, "doses"),
        ("[1.0, 2.0]", "[1.0]\nstart_days = [9]", InputError, "a start before day 8"),
        ('["qd", "q2d"]', '["sometimes"]', InputError, "sometimes"),
        ('["qd", "q2d"]', '["2 mg/kg qd"]', InputError, "a pattern of days"),
        ('["qd", "q2d"]', '["qd x2 then qw x2"]', InputError, "several phases under regimens"),
        ("end_day = 8", "end_day = 25", InputError, "the last that an objective looks at"),
        ('route = "i.v."', 'route = "i.x."', FileFormatError, "route"),
        ('["qd", "q2d"]', '["qd from day 3"]', InputError, "a pattern of days alone"),
        ('["qd", "q2d"]', '["qd"]\nstart_days = [0, 0]', InputError, None),
        ('output = "tumor_volume"', 'output = "tumor"', InputError, "an output of the model"),
        ('output = "tumor_volume"', "", InputError, "the output of 'at_day'"),
        (
            'output = "tumor_volume"',
            'output = "tumor_volume"\nday = 30.0',
            InputError,
            "last, 20",
        ),
        ('"at_day"', '"log_area"', None, None),
        (
            '"at_day"\noutput = "tumor_volume"',
            '"log_area"\noutput = "concentration"',
            InputError,
            "log_area of a volume",
        ),
        (
            'minimize = "at_day"',
            'minimize = "at_day"\nmaximize = "area"',
            InputError,
            "minimize or maximize",
        ),
        ('minimize = "cumulative_dose"\ncompound = "drug"', 'minimize = "cumulative_dose"',
         InputError, "the compound of a cumulative dose"),
        ('minimize = "cumulative_dose"\ncompound = "drug"',
         'minimize = "cumulative_dose"\ncompound = "other"', InputError, "candidates: drug"),
        ('minimize = "cumulative_dose"\ncompound = "drug"',
         'minimize = "dosing_days"\ncompound = "drug"', InputError, "of the whole regimen"),
        ('minimize = "at_day"\noutput = "tumor_volume"', 'minimize = "dosing_days"',
         InputError, "one objective of an output"),
        ('minimize = "cumulative_dose"\ncompound = "drug"',
         'minimize = "cumulative_dose"\noutput = "tumor_volume"', InputError, "others beside"),
        ("[[treatments]]", '[limits.largest_dose]\ndrug = "much"\n[[treatments]]',
         InputError, "a dose such as 150 mg/kg"),
        ("[[treatments]]", '[limits.largest_dose]\nother = "1 mg/kg"\n[[treatments]]',
         InputError, "a compound of the candidates"),
        ("[1.0, 2.0]", str([float(one) for one in range(1, 1002)]), InputError, "at most 2000"),
        ("draws = 20", 'regimens = ["drug 2 mg/kg i.v."]', DataError, "schedule, duration"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line(
    tmp_path: Path, old: str, new: str, kind: type[ProjectError] | None, says: str | None
) -> None:
    assert old in PLAN
    text = PLAN.replace(old, new, 1)
    if says is None:
        assert read(tmp_path, text).candidates
        return
    assert kind is not None
    with pytest.raises(kind, match=says) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_dose_limit_in_another_dimension_is_a_unit_error(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN + '[limits.largest_dose]\ndrug = "2 mg"\n')
    with pytest.raises(InputError, match="mg/kg"):
        run(plan)


# ---- figure


def to_svg_texts(result: ScheduleResult) -> str:
    """Everything that is written in the figure."""
    figure = plot_schedules(result)
    texts = [text.get_text() for text in figure.texts]
    texts += [text.get_text() for ax in figure.axes for text in ax.texts]
    return " ".join(texts)


def test_the_figure_numbers_the_front_and_says_what_it_rests_on(tmp_path: Path) -> None:
    result = run(read(tmp_path, PLAN + '[limits.cumulative_dose]\ndrug = "8 mg/kg"\n'))
    said = to_svg_texts(result)
    assert "SIMULATED DATA" in said
    assert "assumed, " in said
    assert "loss of body weight not judged" in said
    assert "1 beyond a dose limit" in said
    for number, one in enumerate(result.front, start=1):
        share = 100 * (one.robustness or 0.0)
        assert f"{number}  {one.regimen}: on the front in {share:.0f} %" in said
    assert to_svg(plot_schedules(result), title="x") == to_svg(plot_schedules(result), title="x")


def test_the_figure_names_the_objectives_that_its_axes_do_not_show(tmp_path: Path) -> None:
    result = run(read(tmp_path, PLAN + '[[objectives]]\nminimize = "dosing_days"\n'))
    said = to_svg_texts(result)
    assert "3 objectives, of which two are drawn" in said
    assert "days with a dose 4" in said


def test_points_that_cover_each_other_share_a_label(tmp_path: Path) -> None:
    # 1 mg/kg daily and 2 mg/kg every other day: the same dose in all, the same volume.
    result = run(read(tmp_path, PLAN.replace("negligible = 0.0", "negligible = 0.001")))
    assert [one.doses[0].cumulative for one in result.front] == [4, 8, 8, 16]
    figure = plot_schedules(result)
    marks = [text.get_text() for text in figure.axes[0].texts]
    assert marks == ["untreated", "1", "2, 3", "4"]


# ---- the example


def test_the_example_compares_doses_and_intervals() -> None:
    plan = read_schedules(EXAMPLE)
    assert len({str(one) for one in plan.candidates}) == 12
    assert {one.measure for one in plan.objectives} == {"at_day", "cumulative_dose"}
    assert "no regimen is best" in plan.note
