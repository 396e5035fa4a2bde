"""The results of a study as rows that the claims of a guide are tested against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.analyses.study_names import study_source
from oncovivo.evidence.claims import Row

if TYPE_CHECKING:
    from oncovivo.analyses.growth_result import GrowthResult
    from oncovivo.analyses.study_results import StudyResult
    from oncovivo.analyses.survival_result import SurvivalResult
    from oncovivo.analyses.synergy_result import SynergyAnalysis
    from oncovivo.combination.result import Null, Verdict
    from oncovivo.growth.effects import EffectName

__all__ = ["StudyRow", "study_rows"]

StudyAnalysisWord: TypeAlias = Literal[
    "growth_rate", "inhibition", "hazard", "median_time", "synergy"
]
Direction: TypeAlias = Literal["lower", "higher", "none"]

_INHIBITION: Final[tuple[EffectName, ...]] = (
    "tgi_growth_ratio_pct",
    "tgi_rate_pct",
    "tgi_delta_geometric_pct",
    "tgi_delta_arithmetic_pct",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """A result of a study, by the columns of :data:`oncovivo.evidence.STUDY_COLUMNS`.

    What is None does not exist for the analysis, or could not be estimated. ``combination`` counts
    the combinations of the study from 1 and is None for the other analyses.
    """

    row_id: str = ""
    source: str = ""
    analysis: StudyAnalysisWord
    arm: str
    versus: tuple[str, ...]
    null_model: Null | None = None
    scale: str
    day: float | None = None
    n: int
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    index: float | None = None
    index_lower: float | None = None
    index_upper: float | None = None
    detectable_index: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    direction: Direction | None = None
    verdict: Verdict | None = None
    level: float
    combination: int | None = None

    def cells(self) -> Row:
        """The row as a claim queries it; what does not exist is ``not_applicable``."""
        found: dict[str, tuple[str | int | float, ...]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "versus":
                found[field.name] = value
            elif field.name != "combination":
                found[field.name] = ("not_applicable" if value is None else value,)
        return found


def study_rows(study: StudyResult) -> tuple[StudyRow, ...]:
    """Growth rates and inhibition, hazards and median times, then every combination.

    Rows are numbered from 1 in this order; the same study gives the same rows.

    Parameters
    ----------
    study : StudyResult
        As the guide holds it.
    """
    rows: list[StudyRow] = []
    if study.growth is not None:
        rows += _growth_rows(study.growth)
    if study.survival is not None:
        rows += _survival_rows(study.survival)
    for number, asked in enumerate(study.combinations, start=1):
        if asked.result is not None:
            rows += _synergy_rows(asked.result, number)
    return tuple(
        replace(row, row_id=f"{study.id}:{number}", source=study_source(study.id))
        for number, row in enumerate(rows, start=1)
    )


def _growth_rows(result: GrowthResult) -> Iterator[StudyRow]:
    """Each arm's rate less the control's, and the measures of its effect on growth."""
    compared = result.comparison
    effects = {(found.arm, found.versus, found.effect): found for found in compared.effects}
    animals = result.n_by_arm
    for found in compared.contrasts:
        n = animals.get(found.arm, 0) + animals.get(found.versus, 0)
        ratio = effects.get((found.arm, found.versus, "rate_ratio"))
        yield StudyRow(
            analysis="growth_rate",
            arm=found.arm,
            versus=(found.versus,),
            scale="growth_rate",
            n=n,
            estimate=found.estimate,
            lower=found.lower,
            upper=found.upper,
            ratio=None if ratio is None else ratio.estimate,
            ratio_lower=None if ratio is None else ratio.lower,
            ratio_upper=None if ratio is None else ratio.upper,
            p_value=found.p_value,
            p_adjusted=found.p_adjusted,
            direction=_direction(
                found.lower, found.upper, 0.0, p_value=found.p_adjusted, level=compared.level
            ),
            level=compared.level,
        )
        for name in (*_INHIBITION, "auc_rate_difference"):
            effect = effects.get((found.arm, found.versus, name))
            if effect is not None:
                yield StudyRow(
                    analysis="inhibition" if name in _INHIBITION else "growth_rate",
                    arm=effect.arm,
                    versus=(effect.versus,),
                    scale=name,
                    day=effect.day,
                    n=n,
                    estimate=effect.estimate,
                    lower=effect.lower,
                    upper=effect.upper,
                    direction=_direction(effect.lower, effect.upper, 0.0),
                    level=effect.level,
                )


def _survival_rows(result: SurvivalResult) -> Iterator[StudyRow]:
    """Hazard and median time of each arm against the control."""
    animals = {arm.arm: arm.n for arm in result.arms}
    for hazard in result.hazards:
        yield StudyRow(
            analysis="hazard",
            arm=hazard.arm,
            versus=(hazard.versus,),
            scale="hazard",
            n=animals[hazard.arm] + animals[hazard.versus],
            ratio=hazard.hazard_ratio,
            ratio_lower=hazard.lower,
            ratio_upper=hazard.upper,
            p_value=hazard.p_value,
            direction=_direction(hazard.lower, hazard.upper, 1.0),
            level=result.level,
        )
    for median in result.medians:
        found = median.found
        yield StudyRow(
            analysis="median_time",
            arm=median.arm,
            versus=(median.versus,),
            scale="median_survival",
            n=found.n_arm + found.n_control,
            estimate=found.difference,
            lower=found.difference_lower,
            upper=found.difference_upper,
            ratio=found.ratio,
            ratio_lower=found.ratio_lower,
            ratio_upper=found.ratio_upper,
            direction=_direction(found.ratio_lower, found.ratio_upper, 1.0),
            level=found.level,
        )


def _synergy_rows(result: SynergyAnalysis, number: int) -> Iterator[StudyRow]:
    """Every null model on every scale; without a p value nothing was tested."""
    for found in result.results:
        arms = found.arms
        yield StudyRow(
            analysis="synergy",
            arm=arms.combination,
            versus=arms.partners,
            null_model=found.null,
            scale=found.scale,
            day=found.day,
            n=sum(result.n_by_arm.get(arm, 0) for arm in arms.arms),
            estimate=found.estimate,
            lower=found.lower,
            upper=found.upper,
            index=found.index,
            index_lower=found.index_lower,
            index_upper=found.index_upper,
            detectable_index=found.detectable_index,
            p_value=found.p_value,
            verdict=None if found.p_value is None else found.verdict,
            level=found.level,
            combination=number,
        )


def _direction(
    lower: float | None,
    upper: float | None,
    no_difference: float,
    *,
    p_value: float | None = None,
    level: float = 0.95,
) -> Direction | None:
    """Where limits lie, one of which may be open; an adjusted p must say the same.

    Examples
    --------
    >>> _direction(-0.05, -0.01, 0.0), _direction(1.2, None, 1.0), _direction(0.5, 1.2, 1.0)
    ('lower', 'higher', 'none')
    >>> _direction(-0.05, -0.01, 0.0, p_value=0.08), _direction(None, None, 1.0)
    ('none', None)
    """
    if lower is None and upper is None:
        return None
    if p_value is not None and p_value > 1 - level:
        return "none"
    if upper is not None and upper < no_difference:
        return "lower"
    if lower is not None and lower > no_difference:
        return "higher"
    return "none"
