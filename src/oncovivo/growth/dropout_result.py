"""What an analysis of leaving holds: who left, each arm from all sides, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from oncovivo.errors import InputError
from oncovivo.growth.fixed_day import DayFigure
from oncovivo.growth.tipping import TippingPoint
from oncovivo.growth.worst_rank import WorstRank
from oncovivo.studies.leaving import Leaver

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ArmDropout",
    "ArmLeaving",
    "DropoutAnalysis",
    "ModelContrast",
    "NotRanked",
    "Verdict",
    "VerdictStatus",
]

VerdictStatus: TypeAlias = Literal["holds", "moves", "nobody_left", "not_assessed"]
ModelSays: TypeAlias = Literal["slower", "faster", "no difference shown"]


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
