"""What :func:`compute_response` gives: one row for each animal, one for each arm."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import pandas as pd

from oncovivo.endpoints.mrecist import Category, Rule
from oncovivo.endpoints.pptc import PptcCategory
from oncovivo.endpoints.rates import Rate
from oncovivo.studies import BaselineDay, LeavingReason

__all__ = ["AnimalResponse", "ArmResponse", "ChangeCurve", "ResponseResult", "ResponseStatus"]

ResponseStatus: TypeAlias = Literal["ok", "flagged", "not_estimable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalResponse:
    """Response of one animal. What does not exist is None, and the reason beside it says why.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    start_day : float
        Study day on which its clock starts: its own baseline day, or the study's.
    baseline_day : float or None
        Study day of the baseline reading.
    baseline_volume_mm3 : float or None
        Volume on that day.
    n_readings : int
        Readings from the baseline on.
    last_day : float or None
        Study day of the last reading.
    end_day : float
        Last study day on which the animal was followed.
    end_reason : LeavingReason
        Why the animal was followed no longer.
    best_response_pct, best_response_day : float or None
        Lowest change that the rule counts, and its study day.
    best_average_response_pct, best_average_response_day : float or None
        Lowest running mean that the rule counts, and its study day.
    nadir_pct, nadir_day : float or None
        Lowest change after baseline on any day.
    end_change_pct : float or None
        Change at the last reading.
    mrecist : Category or None
        By the rule.
    response : Category or None
        What is counted; differs for cured animals and for those that left early with progression.
    cured_day : float or None
        Study day from which the tumor stays gone.
    depends_on_schedule : bool
        Whether every other visit alone would give another category.
    other_schedules : tuple of Category
        The categories that these would give, where they differ from `mrecist`.
    status : ResponseStatus
        Of mRECIST.
    reason : str
        Why mRECIST is what it is.
    event_day : float or None
        Days from `start_day` to four times the baseline volume.
    tgd_value : float or None
        That over the controls' median.
    pptc : PptcCategory or None
        PPTC category.
    pptc_score : int or None
        0 (PD1) to 10 (MCR).
    pptc_reason : str
        Why the PPTC category is what it is.
    orc : Category or None
        Category on the single day asked for.
    orc_day : float or None
        That study day.
    """

    animal_id: str
    arm: str
    start_day: float
    baseline_day: float | None
    baseline_volume_mm3: float | None
    n_readings: int
    last_day: float | None
    end_day: float
    end_reason: LeavingReason
    best_response_pct: float | None
    best_response_day: float | None
    best_average_response_pct: float | None
    best_average_response_day: float | None
    nadir_pct: float | None
    nadir_day: float | None
    end_change_pct: float | None
    mrecist: Category | None
    response: Category | None
    cured_day: float | None
    depends_on_schedule: bool
    other_schedules: tuple[Category, ...]
    status: ResponseStatus
    reason: str
    event_day: float | None
    tgd_value: float | None
    pptc: PptcCategory | None
    pptc_score: int | None
    pptc_reason: str
    orc: Category | None
    orc_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCurve:
    """Change of volume of one animal, for drawing.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    days : tuple of float
        Study days from the baseline reading on, rising.
    change_pct : tuple of float
        Change from baseline, percent.
    """

    animal_id: str
    arm: str
    days: tuple[float, ...]
    change_pct: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResponse:
    """Response of an arm.

    Parameters
    ----------
    arm : str
        Its name.
    n, n_evaluable : int
        Animals, and those with a `response`.
    n_cr, n_pr, n_sd, n_pd : int
        By `response`.
    n_cured : int
        Animals whose tumor is gone at the last reading.
    n_depends_on_schedule : int
        Animals whose category every other visit alone would change.
    objective_response, disease_control : Rate
        CR or PR, and CR, PR or SD, of the evaluable animals.
    pptc_median_score : float or None
        Median of the scores of the animals that are evaluable there.
    pptc_group : PptcCategory or None
        Category of that score.
    pptc_n : int
        Animals behind it.
    pptc_n_toxic : int
        Animals that left for toxicity; above 25 % the group is not evaluable.
    status : ResponseStatus
        ``not_estimable`` without evaluable animals.
    reason : str
        What is flagged.
    """

    arm: str
    n: int
    n_evaluable: int
    n_cr: int
    n_pr: int
    n_sd: int
    n_pd: int
    n_cured: int
    n_depends_on_schedule: int
    objective_response: Rate
    disease_control: Rate
    pptc_median_score: float | None
    pptc_group: PptcCategory | None
    pptc_n: int
    pptc_n_toxic: int
    status: ResponseStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseResult:
    """Responses of a study.

    Parameters
    ----------
    study_id : str
        The study.
    simulated : bool
        Whether the numbers come from a simulation.
    rule : Rule
        Of mRECIST.
    control : str or None
        Arm that event times are compared with.
    control_median_event_day : float or None
        Median days of the controls to four times their baseline; None where not reached.
    baseline : BaselineDay
        The day changes refer to, and who chose it.
    animals : tuple of AnimalResponse
        In the order of the study.
    arms : tuple of ArmResponse
        In the order of the study.
    curves : tuple of ChangeCurve
        Of the animals with a baseline above zero.
    notes : tuple of str
        What holds for the study as a whole.
    """

    study_id: str
    simulated: bool
    rule: Rule
    control: str | None
    control_median_event_day: float | None
    baseline: BaselineDay
    animals: tuple[AnimalResponse, ...]
    arms: tuple[ArmResponse, ...]
    curves: tuple[ChangeCurve, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each animal, columns as the fields of :class:`AnimalResponse`."""
        frame = pd.DataFrame([asdict(animal) for animal in self.animals])
        frame["other_schedules"] = [" ".join(a.other_schedules) for a in self.animals]
        return frame

    def to_dict(self) -> dict[str, object]:
        """All but the curves, for JSON."""
        return {
            "study": self.study_id,
            "simulated": self.simulated,
            "rule": self.rule,
            "control": self.control,
            "control_median_event_day": self.control_median_event_day,
            "baseline": asdict(self.baseline),
            "animals": [
                {**asdict(animal), "other_schedules": list(animal.other_schedules)}
                for animal in self.animals
            ],
            "arms": [asdict(arm) for arm in self.arms],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The study in a line."""
        rates = "; ".join(
            f"{arm.arm} {arm.objective_response.k}/{arm.objective_response.n}" for arm in self.arms
        )
        return f"{self.study_id}: objective responses by mRECIST ({self.rule}): {rates}"
