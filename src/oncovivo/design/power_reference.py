"""What a finished study says of how much animals and readings differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from oncovivo.errors import DataError, InputError
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.data import growth_data
from oncovivo.growth.model import GrowthModel
from oncovivo.studies import Study, read_study

__all__ = ["ReferenceVariation", "read_reference", "reference_variation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceVariation:
    """Variation of a finished study, as its growth model has it.

    Parameters
    ----------
    study_id, control : str
        Study and arm.
    start : float
        Median volume at the baseline, mm³.
    start_sd : float
        Between animals, of its natural log.
    rate : float
        Of the control, natural log per day.
    rate_sd : float
        Of rates between animals of an arm.
    reading_sd : float
        Of log readings about an animal's line.
    animals, arms : int
        How many the deviations come from.
    """

    study_id: str
    control: str
    start: float
    start_sd: float
    rate: float
    rate_sd: float
    reading_sd: float
    animals: int
    arms: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def read_reference(path: Path, *, control: str, study: str | None = None) -> ReferenceVariation:
    """Variation of a study of a file.

    Parameters
    ----------
    path : Path
        Study file or folder.
    control : str
        Arm whose rate is taken.
    study : str, optional
        Which of several.

    Raises
    ------
    FileFormatError, DataError
        If the file cannot be read or the study not be fitted.
    InputError
        If the file has several studies and none is named, or the name or the arm is none of it.
    """
    studies = {one.study_id: one for one in read_study(path)}
    where = f"reference {path.name}"
    if study is None:
        if len(studies) > 1:
            expected = "the name of one of its studies: " + ", ".join(studies)
            raise InputError(expected, found="none", where=where, mend="write study = in it")
        return reference_variation(next(iter(studies.values())), control=control)
    if study not in studies:
        raise InputError("one of " + ", ".join(studies), found=repr(study), where=where)
    return reference_variation(studies[study], control=control)


def reference_variation(study: Study, *, control: str) -> ReferenceVariation:
    """Variation of a study by the default growth model; readings below the limit are censored.

    Parameters
    ----------
    study : Study
        With volumes.
    control : str
        Arm whose rate is taken; the deviations are those of all arms.

    Raises
    ------
    DataError
        If the study has areas only, or its growth cannot be fitted.
    InputError
        If it has no such arm.
    """
    if study.area_only:
        expected = "a reference with volumes"
        raise DataError(expected, found="areas", where=f"study {study.study_id}")
    data = growth_data(study)
    number = data.arm_number(control)
    fit = fit_with_limit(data, GrowthModel())
    spread = fit.variance
    level = fit.terms.curve(number, np.zeros(1))[0]
    return ReferenceVariation(
        study_id=study.study_id,
        control=control,
        start=float(np.exp(level @ fit.coefficients)),
        start_sd=spread.sd_intercept or 0.0,
        rate=float(fit.terms.rate(number) @ fit.coefficients),
        rate_sd=spread.sd_slope or 0.0,
        reading_sd=spread.sd_residual or 0.0,
        animals=data.n_animals,
        arms=len(data.arms),
    )
