"""When a marker was measured, and what it can therefore say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oncovivo.studies import Study

__all__ = ["MEASURED_AFTER_TREATMENT", "MarkerTiming", "first_treatment_day", "marker_timing"]

MEASURED_AFTER_TREATMENT: Final = "measured_after_treatment"
"""Code of the remark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerTiming:
    """Days of a marker against the first treatment.

    Parameters
    ----------
    days : tuple of float
        Study days of the values used.
    first_treatment : float
        Study day of the first dose.
    assumed : str
        Where that day comes from, if no dose says it; else empty.
    """

    days: tuple[float, ...]
    first_treatment: float
    assumed: str = ""

    @property
    def after_treatment(self) -> bool:
        """Whether a value is from after the first dose; the day of the dose counts as before."""
        return any(day > self.first_treatment for day in self.days)

    def reason(self, marker: str) -> str:
        """Why the marker cannot predict response; empty where it can.

        Parameters
        ----------
        marker : str
            Its name.

        Examples
        --------
        >>> MarkerTiming(days=(0.0,), first_treatment=0.0).reason("phospho-S6")
        ''
        >>> print(MarkerTiming(days=(7.0,), first_treatment=0.0).reason("phospho-S6"))
        phospho-S6 was measured on day 7, after treatment began on day 0: the treatment moves \
it, so it can show that the drug reached its target and cannot choose who will respond
        """
        if not self.after_treatment:
            return ""
        days = sorted({day for day in self.days if day > self.first_treatment})
        listed = ", ".join(f"{day:g}" for day in days)
        word = "day" if len(days) == 1 else "days"
        source = f" ({self.assumed})" if self.assumed else ""
        return (
            f"{marker} was measured on {word} {listed}, after treatment began on day "
            f"{self.first_treatment:g}{source}: the treatment moves it, so it can show that the "
            "drug reached its target and cannot choose who will respond"
        )


def first_treatment_day(study: Study) -> tuple[float, str]:
    """Study day of the first dose, and what had to be assumed for it.

    The earliest row of the doses; without doses, the baseline day.

    Parameters
    ----------
    study : Study
        With or without a table of doses.

    Raises
    ------
    DataError
        If there are no doses and no baseline day can be found.
    """
    doses = study.doses
    if len(doses):
        return float(doses["day"].min()), ""
    return study.find_baseline_day().day, "no doses in the study: its baseline day"


def marker_timing(study: Study, days: Sequence[float]) -> MarkerTiming:
    """Timing of a marker's values in a study.

    Parameters
    ----------
    study : Study
        With or without a table of doses.
    days : sequence of float
        Study days of the values used.
    """
    first, assumed = first_treatment_day(study)
    return MarkerTiming(days=tuple(sorted(set(days))), first_treatment=first, assumed=assumed)
