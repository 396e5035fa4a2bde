"""The mixed model of a mouse clinical trial: its likelihood, its closed forms, what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.panels import Panel, TrialData, TrialFit, fit_trial, trial_data
from oncovivo.panels.trial_reml import Component, fit_slopes
from tests.panels.trials import made_frame

FloatArray: TypeAlias = NDArray[np.float64]


class DataOptions(TypedDict, total=False):
    """What may be asked of the rates."""

    baseline: Literal["own_intercept", "ratio"]
    lines: Literal["paired", "all"]
    low: Literal["at_limit", "omitted"]
    limit_mm3: float
    last_day: float


def data_of(frame: pd.DataFrame, **options: Unpack[DataOptions]) -> TrialData:
    panel = Panel.from_frame(frame)
    return trial_data(panel, control="none", treatments=["drug"], **options)


def dense_log_likelihood(
    frame: pd.DataFrame,
    baseline: Literal["own_intercept", "ratio"],
    components: dict[Component, float],
    reading: float,
    *,
    restricted: bool = True,
) -> float:
    """Log-likelihood of all readings, from their whole covariance matrix."""
    frame = frame.sort_values(["animal_id", "day"])
    value, day = np.log(frame["volume_mm3"].to_numpy()), frame["day"].to_numpy(dtype=float)
    labels = {name: frame[name].to_numpy() for name in ("model", "treatment", "animal_id")}
    arms = np.column_stack([labels["treatment"] == arm for arm in ("none", "drug")])
    if baseline == "ratio":
        first = frame.groupby("animal_id")["day"].transform("min").to_numpy() == day
        start = frame.groupby("animal_id")["volume_mm3"].transform("first").to_numpy()
        value = (value - np.log(start))[~first]
        day, arms = day[~first], arms[~first]
        labels = {name: column[~first] for name, column in labels.items()}
        x = arms * day[:, None]
    else:
        own = labels["animal_id"][:, None] == np.unique(labels["animal_id"])
        x = np.column_stack((arms * day[:, None], own)).astype(float)
    same_line = labels["model"][:, None] == labels["model"]
    same_arm = same_line & (labels["treatment"][:, None] == labels["treatment"])
    same_animal = labels["animal_id"][:, None] == labels["animal_id"]
    shape = {"line": same_line, "line_treatment": same_arm, "animal": same_animal}
    v = reading * np.eye(day.size)
    for name, variance in components.items():
        v = v + variance * shape[name] * np.outer(day, day)
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ value)
    residual = value - x @ beta
    count = day.size - (x.shape[1] if restricted else 0)
    total = np.linalg.slogdet(v)[1] + residual @ inverse @ residual
    if restricted:
        total += np.linalg.slogdet(information)[1]
    return float(-0.5 * (total + count * math.log(2 * math.pi)))


@pytest.mark.parametrize("baseline", ["own_intercept", "ratio"])
@pytest.mark.parametrize(
    "components",
    [("line", "line_treatment"), ("line", "animal"), ("line", "line_treatment", "animal")],
)
def test_the_likelihood_is_that_of_all_readings_and_at_its_top(
    baseline: Literal["own_intercept", "ratio"], components: tuple[Component, ...]
) -> None:
    frame = made_frame(3, lines=5, animals=2)
    data = data_of(frame, baseline=baseline)
    fit = fit_slopes(data, np.eye(2)[data.arm], components)
    assert fit.converged
    variances = dict(zip(components, fit.theta[:-1].tolist(), strict=True))
    reading = float(fit.theta[-1])
    top = dense_log_likelihood(frame, baseline, variances, reading)
    # Sums of squares in another order.
    assert fit.log_likelihood == pytest.approx(top, abs=1e-8)
    for name in components:
        for factor in (0.9, 1.1):
            moved = {**variances, name: variances[name] * factor + 1e-9}
            assert dense_log_likelihood(frame, baseline, moved, reading) < top
    for factor in (0.95, 1.05):
        assert dense_log_likelihood(frame, baseline, variances, reading * factor) < top


def test_maximum_likelihood_of_lines_through_the_baseline_is_that_of_all_readings() -> None:
    frame = made_frame(4, lines=5)
    data = data_of(frame, baseline="ratio")
    components: tuple[Component, ...] = ("line", "line_treatment")
    fit = fit_slopes(data, np.eye(2)[data.arm], components, likelihood="ML")
    variances = dict(zip(components, fit.theta[:-1].tolist(), strict=True))
    dense = dense_log_likelihood(frame, "ratio", variances, float(fit.theta[-1]), restricted=False)
    assert fit.log_likelihood == pytest.approx(dense, abs=1e-8)


def test_one_animal_of_each_line_and_arm_is_a_paired_t_test() -> None:
    data = data_of(made_frame(2, lines=9))
    fit = fit_trial(data)
    effect, spread = fit.effects[0], fit.heterogeneity[0]
    assert all(part.variance > 0 for part in fit.variances)
    own = data.rate.reshape(9, 2)
    pairs = {line: own[place] for place, line in enumerate(data.lines)}
    arms = data.arm.reshape(9, 2)
    difference = np.array(
        [pair[arms[0] == 1][0] - pair[arms[0] == 0][0] for pair in pairs.values()]
    )
    error = difference.std(ddof=1) / 3
    # The fit stops within rounding of the top; the variance is known to half its digits.
    assert effect.estimate == pytest.approx(difference.mean(), rel=1e-10)
    assert effect.std_error == pytest.approx(error, rel=1e-6)
    assert effect.df == pytest.approx(8, rel=1e-5)
    t = float(special.stdtrit(8, 0.975))
    assert effect.lower == pytest.approx(difference.mean() - t * error, rel=1e-5)
    assert effect.p_value == pytest.approx(
        2 * special.stdtr(8, -abs(difference.mean() / error)), rel=1e-4
    )
    # Spread of the effects: variance of differences less that of their two rates.
    sampling = 2 * fit.variances[-1].variance / data.information[0]
    among = difference.var(ddof=1) - sampling
    assert spread.sd == pytest.approx(math.sqrt(among), rel=1e-5)
    half = float(special.stdtrit(7, 0.975)) * math.hypot(error, spread.sd)
    assert spread.prediction_upper == pytest.approx(difference.mean() + half, rel=1e-5)
    assert spread.status == "flagged"
    # Shrinkage by the share of the variance that is among lines.
    share = among / (among + sampling)
    for row, raw in zip(fit.line_effects, difference, strict=True):
        assert row.raw == pytest.approx(raw, rel=1e-9)
        assert row.raw_std_error == pytest.approx(math.sqrt(sampling), rel=1e-9)
        shrunken = difference.mean() + share * (raw - difference.mean())
        assert row.shrunken == pytest.approx(shrunken, rel=1e-5)
        # Error of prediction with the mean estimated: (1 - share) of the spread, and its part.
        left = among * (1 - share) + (1 - share) ** 2 * error**2
        assert row.prediction_error == pytest.approx(math.sqrt(left), rel=1e-5)


def test_animals_have_a_variance_of_their_own_where_lines_have_several() -> None:
    fit = fit_trial(data_of(made_frame(5, lines=8, animals=3)))
    assert [part.component for part in fit.variances] == [
        "line",
        "line_treatment",
        "animal",
        "reading",
    ]
    assert fit.heterogeneity[0].status == "ok"
    assert not any("upper bound" in note for note in fit.notes)
    few = fit_trial(data_of(made_frame(5, lines=8)))
    assert "animal" not in [part.component for part in few.variances]
    assert any("upper bound" in note for note in few.notes)


def test_more_animals_of_the_same_lines_do_not_stand_for_more_lines() -> None:
    fit = fit_trial(data_of(made_frame(6, lines=6, animals=6)))
    assert fit.effects[0].df == pytest.approx(5, abs=0.6)


@pytest.mark.parametrize("baseline", ["own_intercept", "ratio"])
def test_neither_the_order_of_rows_nor_the_unit_of_volume_matters(
    baseline: Literal["own_intercept", "ratio"],
) -> None:
    frame = made_frame(7)
    fit = fit_trial(data_of(frame, baseline=baseline, limit_mm3=1e-6))
    other = frame.sample(frac=1, random_state=1).assign(volume_mm3=lambda t: t["volume_mm3"] * 7.5)
    again = fit_trial(data_of(other, baseline=baseline, limit_mm3=1e-6))
    assert again.effects[0].estimate == pytest.approx(fit.effects[0].estimate, rel=1e-9)
    assert again.effects[0].std_error == pytest.approx(fit.effects[0].std_error, rel=1e-6)
    assert [row.line for row in again.line_effects] == [row.line for row in fit.line_effects]


def test_a_day_twice_as_long_halves_rates() -> None:
    frame = made_frame(8)
    fit = fit_trial(data_of(frame))
    again = fit_trial(data_of(frame.assign(day=2 * frame["day"])))
    assert again.effects[0].estimate == pytest.approx((fit.effects[0].estimate or 0) / 2, rel=1e-9)
    assert again.effects[0].df == pytest.approx(fit.effects[0].df, rel=1e-5)


def test_subgroups_of_equal_size_differ_by_an_unpaired_t_test_of_lines() -> None:
    data = data_of(made_frame(9, lines=10))
    fit = fit_trial(data, groups=data.tumor_types)
    alone = {row.line: row.raw for row in fit.line_effects}
    groups: dict[str, list[float]] = {"A": [], "B": []}
    for line, kind in zip(data.lines, data.tumor_types, strict=True):
        groups[kind].append(alone[line])
    a, b = np.array(groups["A"]), np.array(groups["B"])
    pooled = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 5)
    test = fit.subgroup_tests[0]
    assert test.groups == ("A", "B")
    assert test.difference == pytest.approx(b.mean() - a.mean(), rel=1e-9)
    assert test.std_error == pytest.approx(pooled, rel=1e-5)
    assert test.statistic == pytest.approx(((b.mean() - a.mean()) / pooled) ** 2, rel=1e-4)
    assert test.df_denominator == pytest.approx(8, rel=1e-4)
    assert [effect.estimate for effect in fit.effects] == pytest.approx([a.mean(), b.mean()])


def test_lines_without_group_are_left_out_and_said() -> None:
    data = data_of(made_frame(10))
    labels = ["x", "x", "", "y", "y", "y", "x", "y"]
    fit = fit_trial(data, groups=labels)
    assert fit.n_lines == 7
    assert "1 line without group left out" in fit.notes
    assert data.lines[2] not in [row.line for row in fit.line_effects]


def test_a_group_of_one_line_and_one_group_are_flagged() -> None:
    data = data_of(made_frame(11))
    fit = fit_trial(data, groups=["x"] + ["y"] * 7)
    assert [effect.status for effect in fit.effects] == ["flagged", "ok"]
    assert fit.subgroup_tests[0].status == "flagged"
    assert fit.heterogeneity[0].status == "not_estimable"
    alone = fit_trial(data, groups=["x"] * 8).subgroup_tests[0]
    assert (alone.status, alone.p_value) == ("not_estimable", None)


def test_a_result_is_plain_values_that_can_be_stored() -> None:
    adapter = TypeAdapter(TrialFit)
    fit = fit_trial(data_of(made_frame(12)), groups=["x", "y"] * 4)
    assert adapter.validate_json(adapter.dump_json(fit)) == fit


def test_lines_without_control_are_left_out_and_named() -> None:
    frame = made_frame(13)
    frame = frame[~((frame["model"] == "L3") & (frame["treatment"] == "none"))]
    data = data_of(frame)
    assert "L3" not in data.lines
    assert any("1 line without animals both under none" in n and "L3" in n for n in data.notes)
    every = data_of(frame, lines="all")
    assert "L3" in every.lines
    fit = fit_trial(every)
    assert fit.effects[0].n_lines == 7
    assert "L3" not in [row.line for row in fit.line_effects]


def test_vanished_tumors_stand_at_the_limit_or_are_left_out() -> None:
    frame = made_frame(14)
    last = (frame["animal_id"] == "L0-drug-0") & (frame["day"] == 21)
    frame.loc[last, "volume_mm3"] = 0.0
    at_limit, omitted = data_of(frame), data_of(frame, low="omitted")
    assert at_limit.n_readings.sum() == omitted.n_readings.sum() + 1
    place = np.flatnonzero((at_limit.line == 0) & (at_limit.arm == 1))[0]
    # Leaving it out makes the best responder look worse.
    assert at_limit.rate[place] < omitted.rate[place]
    assert any("at that limit" in note for note in at_limit.notes)
    assert any("left out" in note for note in omitted.notes)


def test_readings_after_the_last_day_do_not_count() -> None:
    frame = made_frame(15)
    short = data_of(frame, last_day=14)
    assert short.n_readings.tolist() == [5] * 16
    np.testing.assert_allclose(short.rate, data_of(frame[frame["day"] <= 14]).rate)


def test_an_animal_with_one_reading_is_left_out() -> None:
    frame = made_frame(16)
    frame = frame[~((frame["animal_id"] == "L0-drug-0") & (frame["day"] > 0))]
    data = data_of(frame)
    assert data.n == 14
    assert "1 animal without two readings left out" in data.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"control": "vehicle"}, "a treatment of the panel: drug, none"),
        ({"treatments": ["none"]}, "each treatment once"),
        ({"treatments": []}, "at least one treatment"),
        ({"baseline": "level"}, "a baseline: own_intercept, ratio"),
        ({"lines": "some"}, "a choice of lines: paired, all"),
        ({"low": "plus_one"}, "a treatment of low readings: at_limit, omitted"),
        ({"limit_mm3": 0.0}, "a limit above 0 mm³"),
    ],
)
def test_what_cannot_be_asked_of_a_panel_is_refused(options: dict[str, Any], message: str) -> None:
    panel = Panel.from_frame(made_frame())
    arguments: dict[str, Any] = {"control": "none", "treatments": ["drug"], **options}
    with pytest.raises(InputError, match=message):
        trial_data(panel, **arguments)


def test_one_line_is_no_trial() -> None:
    frame = made_frame(17)
    with pytest.raises(DataError, match="at least two lines"):
        data_of(frame[frame["model"] == "L0"])
    with pytest.raises(DataError, match="more readings than their growth line needs"):
        data_of(frame[frame["day"] <= 3])


def test_a_model_that_data_cannot_carry_is_refused() -> None:
    data = data_of(made_frame(18))
    with pytest.raises(InputError, match="a group for each of 8 lines"):
        fit_trial(data, groups=["x"])
    with pytest.raises(InputError, match="components, each once"):
        fit_trial(data, components=("line", "line"))
    with pytest.raises(InputError, match="a level between 0 and 1"):
        fit_trial(data, level=1.5)
    with pytest.raises(DataError, match="more animals than mean rates"):
        fit_trial(data, groups=[f"g{place}" for place in range(8)])
    same = replace(data, arm=np.zeros_like(data.arm))
    assert fit_trial(same).effects[0].status == "not_estimable"
