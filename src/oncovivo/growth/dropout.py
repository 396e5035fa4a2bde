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
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves, arm_curves
from oncovivo.errors import InputError
from oncovivo.growth.data import SAME_DAY
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import GrowthFit
from oncovivo.growth.fixed_day import DayFigure, day_figures, log_change_at
from oncovivo.growth.tipping import Side, TippingPoint, tipping_point
from oncovivo.growth.worst_rank import Outcome, WorstRank, worst_rank_test
from oncovivo.studies import LeavingReason, Study
from oncovivo.studies.leaving import Leaver, find_leavers

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NEUTRAL_REASONS",
    "RULE",
    "ArmDropout",
    "ArmLeaving",
    "DropoutAnalysis",
    "ModelContrast",
    "NotRanked",
    "Verdict",
    "VerdictStatus",
    "dropout_analysis",
]

FloatArray: TypeAlias = NDArray[np.float64]
VerdictStatus: TypeAlias = Literal["holds", "moves", "nobody_left", "not_assessed"]
ModelSays: TypeAlias = Literal["slower", "faster", "no difference shown"]

# Ends that say nothing about the animal.
NEUTRAL_REASONS: Final[frozenset[LeavingReason]] = frozenset({"scheduled", "technical"})
# Growth faster by the whole difference of the rates after leaving is as much as is plausible.
PLAUSIBLE_MULTIPLE: Final = 1.0
_RELABELINGS: Final = 20_000

RULE: Final = (
    "The conclusion is the model's: slower, faster, or no difference shown, by the interval of "
    "the difference in rates alone. It moves if the worst-rank test points the other way, or "
    "rejects where the same test with leavers ranked by their own line under the model does not, "
    "or the reverse; if the survivors' or the carried-forward inhibition has an interval that "
    "excludes 0 where the model shows no difference, or on the other side where it does; or if "
    "the tipping point is less than the difference in rates itself, that is if leavers of the arm "
    "that lose no more than the whole effect would change it. Told without being counted: that "
    "these two inhibitions do not show what the model shows, as both ways lean toward no effect, "
    "and what the control's leavers would need. Animals that left for scheduled or technical "
    "reasons are neither ranked nor changed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmLeaving:
    """Who left an arm.

    Parameters
    ----------
    arm : str
        The arm.
    n_animals : int
        Its animals.
    n_left : int
        Those that left before the day, for whatever reason.
    reasons : mapping of str to int
        Of these, by reason.
    share_followed, share_measured : float
        Share of the arm that was followed to the day, and that was measured on it.
    leavers : tuple of Leaver
        Everybody that left before the end of the study, by day, with reason and last size.
    """

    arm: str
    n_animals: int
    n_left: int
    reasons: Mapping[str, int]
    share_followed: float
    share_measured: float
    leavers: tuple[Leaver, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arm": self.arm,
            "n_animals": self.n_animals,
            "n_left": self.n_left,
            "reasons": dict(self.reasons),
            "share_followed": self.share_followed,
            "share_measured": self.share_measured,
            "leavers": [asdict(leaver) for leaver in self.leavers],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContrast:
    """The model's difference of two rates, natural log per day, with its interval alone.

    ``estimate``, ``lower``, ``upper`` and ``p_value`` are None where there is no standard error.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    p_value: float | None

    @property
    def says(self) -> ModelSays:
        """What the interval says of the arm's growth."""
        if self.upper is not None and self.upper < 0:
            return "slower"
        if self.lower is not None and self.lower > 0:
            return "faster"
        return "no difference shown"

    def to_dict(self) -> dict[str, object]:
        """All fields and what they say, ready for JSON."""
        return {**asdict(self), "says": self.says}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRanked:
    """An animal that the worst-rank test leaves out, and why."""

    animal_id: str
    arm: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the conclusion about an arm hangs on who left.

    Parameters
    ----------
    status : {"holds", "moves", "nobody_left", "not_assessed"}
        By :data:`RULE`.
    against : tuple of str
        What speaks against the model's conclusion.
    line : str
        One line to print.
    """

    status: VerdictStatus
    against: tuple[str, ...]
    line: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"status": self.status, "against": list(self.against), "line": self.line}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDropout:
    """One arm against the control, from all sides.

    Parameters
    ----------
    arm, versus : str
        Arm and control.
    model : ModelContrast
        The result: difference of the rates.
    figures : tuple of DayFigure
        Inhibition on the day: the model's, and two contrasts for sensitivity only.
    tipping : TippingPoint
        Faster growth of the arm's leavers that would change the conclusion.
    tipping_control : TippingPoint or None
        Slower growth of the control's leavers that would; None where the arm has a tipping point.
    worst_rank : WorstRank
        Rank test with leaving as the worst outcome.
    rank_at_random : WorstRank
        The same test with leavers ranked by the change that their own lines under the model have
        on the day: what the test shows where leaving means nothing.
    not_ranked : tuple of NotRanked
        Animals of the two arms that it leaves out.
    verdict : Verdict
        Whether it matters.
    """

    arm: str
    versus: str
    model: ModelContrast
    figures: tuple[DayFigure, ...]
    tipping: TippingPoint
    tipping_control: TippingPoint | None
    worst_rank: WorstRank
    rank_at_random: WorstRank
    not_ranked: tuple[NotRanked, ...]
    verdict: Verdict

    def figure(self, way: str) -> DayFigure:
        """The figure of a way.

        Raises
        ------
        InputError
            If there is none.
        """
        for found in self.figures:
            if found.way == way:
                return found
        expected = "a way: " + ", ".join(found.way for found in self.figures)
        raise InputError(expected, found=repr(way))

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arm": self.arm,
            "versus": self.versus,
            "model": self.model.to_dict(),
            "figures": [figure.to_dict() for figure in self.figures],
            "tipping": self.tipping.to_dict(),
            "tipping_control": None
            if self.tipping_control is None
            else self.tipping_control.to_dict(),
            "worst_rank": self.worst_rank.to_dict(),
            "rank_at_random": self.rank_at_random.to_dict(),
            "not_ranked": [asdict(one) for one in self.not_ranked],
            "verdict": self.verdict.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutAnalysis:
    """Who left a study, and whether it matters.

    Parameters
    ----------
    study_id, control : str
        Study and control arm.
    day, time : float
        Study day that is looked at, and the same in days since baseline.
    level : float
        Confidence of all intervals, each alone.
    rule : str
        How a verdict is found.
    leaving : tuple of ArmLeaving
        Each arm, in the order of the study.
    arms : tuple of ArmDropout
        Each treated arm against the control.
    """

    study_id: str
    control: str
    day: float
    time: float
    level: float
    rule: str
    leaving: tuple[ArmLeaving, ...]
    arms: tuple[ArmDropout, ...]

    def of(self, arm: str) -> ArmDropout:
        """What was found of an arm.

        Raises
        ------
        InputError
            If it was not compared with the control.
        """
        for found in self.arms:
            if found.arm == arm:
                return found
        expected = "an arm beside the control: " + ", ".join(found.arm for found in self.arms)
        raise InputError(expected, found=repr(arm), where=f"study {self.study_id}")

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "study_id": self.study_id,
            "control": self.control,
            "day": self.day,
            "time": self.time,
            "level": self.level,
            "rule": self.rule,
            "leaving": [arm.to_dict() for arm in self.leaving],
            "arms": [arm.to_dict() for arm in self.arms],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row for each arm and way of looking at it.

        Inhibition in percent, rates and the tipping point in natural log per day, worst rank as
        probability that a treated animal does better.
        """
        import pandas as pd

        rows: list[dict[str, object]] = []
        for arm in self.arms:
            known = {"arm": arm.arm, "versus": arm.versus}
            rows.append({**known, "way": "model_rate_difference", **asdict(arm.model)})
            rows += [
                {
                    **known,
                    "way": figure.way,
                    "estimate": figure.estimate,
                    "lower": figure.lower,
                    "upper": figure.upper,
                    "p_value": None,
                    "reason": figure.reason,
                }
                for figure in arm.figures
            ]
            ranks = {"worst_rank": arm.worst_rank, "rank_at_random": arm.rank_at_random}
            rows += [
                {
                    **known,
                    "way": way,
                    "estimate": rank.superiority,
                    "p_value": rank.p_value,
                    "reason": rank.reason,
                }
                for way, rank in ranks.items()
            ]
            rows += [
                {
                    **known,
                    "way": f"tipping_point_{tipping.side}",
                    "estimate": tipping.delta,
                    "reason": tipping.reason,
                }
                for tipping in (arm.tipping, arm.tipping_control)
                if tipping is not None
            ]
        columns = ["arm", "versus", "way", "estimate", "lower", "upper", "p_value", "reason"]
        frame = pd.DataFrame(rows, columns=columns)
        numbers = columns[3:7]
        return frame.astype(dict.fromkeys(numbers, "float64")).fillna({"reason": ""})


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
            verdict=_verdict(
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


def _verdict(
    model: ModelContrast,
    figures: tuple[DayFigure, ...],
    tippings: tuple[TippingPoint, ...],
    ranks: tuple[WorstRank, WorstRank],
    *,
    left: int,
    day: float,
    level: float,
) -> Verdict:
    """Apply :data:`RULE`."""
    if not left:
        line = f"Nobody left before day {day:g}: the conclusion cannot hang on who left."
        return Verdict(status="nobody_left", against=(), line=line)
    if model.lower is None:
        line = "Not assessed: the difference in rates has no interval."
        return Verdict(status="not_assessed", against=(), line=line)
    contrasts = [figure for figure in figures if figure.way in ("survivors_only", "locf")]
    against = [
        *_ranks_against(model, *ranks, level),
        *_figures_against(model, contrasts),
    ]
    rank = ranks[0]
    asides = _asides(model, contrasts, ranks, level)
    for tipping in tippings:
        if tipping.multiple is not None:
            counts = tipping.side == "arm" and tipping.multiple < PLAUSIBLE_MULTIPLE
            (against if counts else asides).append(_tips(tipping))
        elif tipping.status == "not_reached":
            asides.append(f"no tipping point of the {tipping.side}: {tipping.reason}")
        elif tipping.status == "not_available" and tipping.side == "arm":
            asides.append(f"no tipping point: {tipping.reason}")
    looks = rank.p_value is not None or any(f.estimate is not None for f in contrasts)
    if not looks and all(tipping.at_random is None for tipping in tippings):
        line = "Not assessed: neither ranks, contrasts nor a tipping point could be computed."
        return Verdict(status="not_assessed", against=(), line=line)
    if against:
        also = f" (not counted: {'; '.join(asides)})" if asides else ""
        line = f"The conclusion ('{model.says}') moves with who left: {'; '.join(against)}{also}."
        return Verdict(status="moves", against=tuple(against), line=line)
    agreed = [] if rank.p_value is None else [f"worst-rank p = {rank.p_value:.2g}"]
    details = "; ".join([*agreed, *asides])
    end = f": {details}." if details else "."
    line = f"The conclusion ('{model.says}') does not hang on who left{end}"
    return Verdict(status="holds", against=(), line=line)


def _tips(tipping: TippingPoint) -> str:
    """A tipping point in words."""
    way = "the arm's leavers faster" if tipping.side == "arm" else "the control's leavers slower"
    return (
        f"{way} by {tipping.delta:.2g} per day after leaving ({tipping.multiple:.2g} times the "
        "difference in rates) would change it"
    )


def _ranks_against(
    model: ModelContrast, worst: WorstRank, at_random: WorstRank, level: float
) -> list[str]:
    """What the worst-rank test has against the model's conclusion."""
    if worst.p_value is None or worst.superiority is None:
        return []
    better = worst.superiority - 0.5
    if (model.says == "slower" and better < 0) or (model.says == "faster" and better > 0):
        return [f"worst ranks point the other way (superiority {worst.superiority:.2g})"]
    if at_random.p_value is None:
        return []
    rejects = worst.p_value <= 1 - level
    if rejects == (at_random.p_value <= 1 - level):
        return []
    verb = "shows a difference" if rejects else "does not show a difference"
    return [
        f"the worst-rank test {verb} (p = {worst.p_value:.2g}; p = {at_random.p_value:.2g} with "
        "leavers at random)"
    ]


def _figures_against(model: ModelContrast, contrasts: list[DayFigure]) -> list[str]:
    """What survivors and carried readings have against it."""
    names = {"survivors_only": "survivors only", "locf": "readings carried forward"}
    found = []
    for figure in contrasts:
        if figure.estimate is None or not figure.excludes_zero():
            continue
        says = "slower" if figure.estimate > 0 else "faster"
        if says != model.says:
            text = f"{names[figure.way]} give an inhibition of {figure.estimate:.3g} %"
            found.append(f"{text}, which excludes 0")
    return found


def _asides(
    model: ModelContrast,
    contrasts: list[DayFigure],
    ranks: tuple[WorstRank, WorstRank],
    level: float,
) -> list[str]:
    """What is told without being counted."""
    found = []
    worst, at_random = ranks
    if worst.smallest_p is not None and worst.smallest_p > 1 - level:
        found.append(f"ranks of so few animals cannot reject (p at least {worst.smallest_p:.2g})")
    elif model.says != "no difference shown" and all(
        rank.p_value is not None and rank.p_value > 1 - level for rank in (worst, at_random)
    ):
        found.append("ranks do not reject with leavers at random either")
    if model.says != "no difference shown":
        names = {"survivors_only": "survivors'", "locf": "carried-forward"}
        wide = [
            names[figure.way]
            for figure in contrasts
            if figure.estimate is not None and not figure.excludes_zero()
        ]
        if wide:
            found.append(f"the {' and '.join(wide)} inhibition alone does not show it")
    return found
