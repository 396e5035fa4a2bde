"""Who left, why, and whether the conclusion about an arm hangs on it.

The result is the model's: all readings of every animal until it left, the last one included, with
the rest missing at random. Leaving because a measured tumor was too large is missing at random;
leaving for what was not measured is not. Four looks from other sides show whether that matters:
means of the survivors, readings carried forward, the tipping point of the growth after leaving,
and a rank test that holds leaving to be the worst outcome.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves, arm_curves
from oncovivo.errors import InputError
from oncovivo.growth.data import SAME_DAY
from oncovivo.growth.dropout_result import (
    ArmDropout,
    ArmLeaving,
    DropoutAnalysis,
    ModelContrast,
    NotRanked,
)
from oncovivo.growth.dropout_verdict import RULE, find_verdict
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import GrowthFit
from oncovivo.growth.fixed_day import day_figures, log_change_at
from oncovivo.growth.tipping import Side, TippingPoint, tipping_point
from oncovivo.growth.worst_rank import Outcome, WorstRank, worst_rank_test
from oncovivo.studies import LeavingReason, Study
from oncovivo.studies.leaving import find_leavers

__all__ = [
    "NEUTRAL_REASONS",
    "dropout_analysis",
]

FloatArray: TypeAlias = NDArray[np.float64]

# Ends that say nothing about the animal.
NEUTRAL_REASONS: Final[frozenset[LeavingReason]] = frozenset({"scheduled", "technical"})
_RELABELINGS: Final = 20_000


def dropout_analysis(
    study: Study,
    fit: GrowthFit,
    control: str,
    *,
    day: float | None = None,
    level: float = 0.95,
    rng: np.random.Generator,
    draws: int = 200,
) -> DropoutAnalysis:
    """Who left a study, and whether the conclusions hang on it.

    Parameters
    ----------
    study : Study
        The study that was fitted.
    fit : GrowthFit
        Its fitted model.
    control : str
        Control arm.
    day : float, optional
        Study day that is looked at; else the last day on which the control was read.
    level : float
        Confidence of each interval, alone.
    rng : numpy.random.Generator
        Source of randomness; every arm gets the same numbers, so that a result does not depend on
        the arms' order.
    draws : int
        Imputations, 20 or more.

    Raises
    ------
    InputError
        If the fit is of another study, the control is no arm or the only one, the day is not after
        the baseline, or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> from oncovivo.growth.data import growth_data
    >>> from oncovivo.growth.fit import fit_growth
    >>> wobble = [1.1, 0.9, 0.95, 1.05, 1.02, 0.98]
    >>> frame = pd.DataFrame([
    ...     {"animal_id": f"{arm}{i}", "treatment": arm, "day": day,
    ...      "volume_mm3": 150 * 2.718 ** (rate * day) * wobble[(i + day) % 6]}
    ...     for arm, rate in (("vehicle", 0.1), ("drug", 0.05))
    ...     for i in range(6) for day in (0, 4, 8, 12)
    ... ])
    >>> study = Study.from_frame(frame)
    >>> found = dropout_analysis(
    ...     study, fit_growth(growth_data(study)), "vehicle", rng=np.random.default_rng(1)
    ... )
    >>> found.of("drug").verdict.status
    'nobody_left'
    """
    data = fit.data
    where = f"study {data.study_id}"
    if data.study_id != study.study_id:
        expected = f"the fit of study '{study.study_id}'"
        raise InputError(expected, found=f"one of '{data.study_id}'")
    reference = data.arm_number(control)
    if len(data.arms) < 2:
        raise InputError("an arm beside the control", found="none", where=where)
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if draws < 20:
        raise InputError("20 imputations or more", found=str(draws))
    time = last_time(fit, reference) if day is None else day - data.baseline_day
    if not (math.isfinite(time) and time > 0):
        expected = f"a day after the baseline, day {data.baseline_day:g}"
        raise InputError(expected, found=f"{data.baseline_day + time:g}", where=where)
    maker = _Analysis(study, fit, time=time, level=level, draws=draws, rng=rng)
    return DropoutAnalysis(
        study_id=data.study_id,
        control=control,
        day=data.baseline_day + time,
        time=time,
        level=level,
        rule=RULE,
        leaving=tuple(maker.leaving[name] for name in maker.curves),
        arms=tuple(maker.against(name, control) for name in data.arms if name != control),
    )


class _Analysis:
    """What all arms share."""

    def __init__(
        self,
        study: Study,
        fit: GrowthFit,
        *,
        time: float,
        level: float,
        draws: int,
        rng: np.random.Generator,
    ) -> None:
        self._fit = fit
        self._time = time
        self._day = fit.data.baseline_day + time
        self._level = level
        self._draws = draws
        self._seed = int(rng.integers(2**63))
        self._own_change = _own_changes(fit, time)
        self.curves = arm_curves(study, baseline_day=fit.data.baseline_day)
        table = find_leavers(study)
        self._leaver = {leaver.animal_id: leaver for leaver in table.leavers}
        self.leaving = {name: self._of_arm(curve) for name, curve in self.curves.items()}

    def _before_day(self, animal_id: str) -> bool:
        """Whether an animal left before the day."""
        return self._leaver[animal_id].day < self._day - SAME_DAY

    def _of_arm(self, curve: ArmCurves) -> ArmLeaving:
        mine = [self._leaver[name] for name in curve.animal_ids]
        mine.sort(key=lambda leaver: (leaver.day, leaver.animal_id))
        reasons: dict[str, int] = {}
        for leaver in mine:
            if self._before_day(leaver.animal_id):
                reasons[leaver.reason] = reasons.get(leaver.reason, 0) + 1
        n_left = sum(reasons.values())
        return ArmLeaving(
            arm=curve.arm,
            n_animals=curve.n,
            n_left=n_left,
            reasons=dict(sorted(reasons.items())),
            share_followed=(curve.n - n_left) / curve.n if curve.n else 0.0,
            share_measured=float(curve.measured_at(self._day).mean()) if curve.n else 0.0,
            leavers=tuple(leaver for leaver in mine if leaver.before_end),
        )

    def against(self, arm: str, control: str) -> ArmDropout:
        """One arm against the control."""
        fit, level = self._fit, self._level
        numbers = fit.data.arm_number(arm), fit.data.arm_number(control)
        rates = [fit.terms.rate(number, end=self._time) for number in numbers]
        found = fit.contrasts(rates[0] - rates[1], level=level)
        known = bool(np.isfinite(found.statistic[0]))
        model = ModelContrast(
            estimate=float(found.estimate[0]),
            lower=float(found.lower[0]) if known else None,
            upper=float(found.upper[0]) if known else None,
            p_value=float(found.p_value[0]) if known else None,
        )
        figures = day_figures(fit, self.curves, arm, control, time=self._time, level=level)
        schedule = self._schedule(arm, control)
        tipping = self._tipping(numbers, "arm", arm, schedule)
        tipping_control = (
            self._tipping(numbers, "control", control, schedule)
            if tipping.status != "ok"
            else None
        )
        outcomes = [self._outcomes(self.curves[name]) for name in (arm, control)]
        worst_rank = self._rank(*(ranked for ranked, _ in outcomes))
        rank_at_random = self._rank(
            *(
                {name: self._at_random(name, outcome) for name, outcome in ranked.items()}
                for ranked, _ in outcomes
            )
        )
        left = self.leaving[arm].n_left + self.leaving[control].n_left
        return ArmDropout(
            arm=arm,
            versus=control,
            model=model,
            figures=figures,
            tipping=tipping,
            tipping_control=tipping_control,
            worst_rank=worst_rank,
            rank_at_random=rank_at_random,
            not_ranked=tuple(one for _, others in outcomes for one in others),
            verdict=find_verdict(
                model,
                figures,
                (tipping,) if tipping_control is None else (tipping, tipping_control),
                (worst_rank, rank_at_random),
                left=left,
                day=self._day,
                level=level,
            ),
        )

    def _tipping(
        self, numbers: tuple[int, int], side: Side, name: str, schedule: FloatArray
    ) -> TippingPoint:
        """The tipping point of one side, from imputations that are the same in every order."""
        return tipping_point(
            self._fit,
            *numbers,
            side=side,
            left=self._last_times(self.curves[name]),
            schedule=schedule,
            level=self._level,
            draws=self._draws,
            rng=np.random.default_rng(self._seed),
        )

    def _last_times(self, curve: ArmCurves) -> dict[str, float]:
        """Days since baseline of the last reading of those that left for a reason of their own."""
        use = curve.window()
        return {
            name: float(curve.elapsed[row][use[row]].max())
            for row, name in enumerate(curve.animal_ids)
            if self._before_day(name)
            and self._leaver[name].reason not in NEUTRAL_REASONS
            and use[row].any()
        }

    def _schedule(self, arm: str, control: str) -> FloatArray:
        """Days since baseline on which one of the two arms was read, up to the day."""
        times = np.unique(
            np.concatenate(
                [
                    curve.elapsed[curve.window()]
                    for curve in (self.curves[arm], self.curves[control])
                ]
            )
        )
        times = times[times <= self._time + SAME_DAY]
        return times[np.diff(times, prepend=-math.inf) > SAME_DAY]

    def _rank(
        self, treated: Mapping[str, Outcome | None], control: Mapping[str, Outcome | None]
    ) -> WorstRank:
        """The rank test of the outcomes that are known."""
        x, y = ([one for one in group.values() if one is not None] for group in (treated, control))
        return worst_rank_test(x, y, draws=_RELABELINGS, rng=np.random.default_rng(self._seed))

    def _at_random(self, animal_id: str, outcome: Outcome) -> Outcome | None:
        """The outcome, a leaver's by its own line under the model; None if it has none."""
        if outcome.left is None:
            return outcome
        change = self._own_change.get(animal_id)
        return None if change is None else Outcome(change=change)

    def _outcomes(self, curve: ArmCurves) -> tuple[dict[str, Outcome], list[NotRanked]]:
        """Outcome of each animal that can be ranked, and the others."""
        ranked: dict[str, Outcome] = {}
        others: list[NotRanked] = []
        changes = log_change_at(curve, self._day)
        for name, change in zip(curve.animal_ids, changes, strict=True):
            leaver = self._leaver[name]
            if self._before_day(name):
                if leaver.reason in NEUTRAL_REASONS:
                    why = f"left on day {leaver.day:g}: {leaver.reason}"
                    others.append(NotRanked(animal_id=name, arm=curve.arm, reason=why))
                else:
                    ranked[name] = Outcome(left=leaver.day)
            elif change is None:
                why = f"followed to day {self._day:g} without baseline or reading"
                others.append(NotRanked(animal_id=name, arm=curve.arm, reason=why))
            else:
                ranked[name] = Outcome(change=change)
        return ranked, others


def _own_changes(fit: GrowthFit, time: float) -> dict[str, float]:
    """Change of log size from baseline to a time on each animal's own line, by animal."""
    data = fit.data
    ends = np.array([0.0, time])
    of_arm = [
        float(np.diff(fit.terms.curve(number, ends) @ fit.coefficients)[0])
        for number in range(len(data.arms))
    ]
    numbers = np.unique(data.animal[fit.terms.rows])
    slopes = fit.random_effects[:, 1]
    return {
        data.animal_ids[number]: of_arm[data.arm[number]] + slope * time
        for number, slope in zip(numbers.tolist(), slopes.tolist(), strict=True)
    }
