"""What a guide can conclude: rankings with uncertainty, or why the evidence cannot rank.

Tumor types are ranked by the effect of the compound alone on the growth rate, combinations by
their index against independent action (Bliss) on the growth-rate scale. What a simulation made up
is never ranked, and neither is another compound of the class. An effect of several works or
studies is their random-effects pool.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.evidence.meta.ranking import RankedEffect

if TYPE_CHECKING:
    from oncovivo.analyses.guide_markers import PlacedMarkers
    from oncovivo.analyses.one_estimand import EstimandRow, TumorEstimands
    from oncovivo.analyses.study_results import StudyResult

__all__ = [
    "Conclusion",
    "Subject",
    "Unranked",
    "rank_combinations",
    "rank_markers",
    "rank_tumors",
]

Subject: TypeAlias = Literal["tumor", "combination", "marker"]
ConclusionStatus: TypeAlias = Literal["ranked", "tied", "not_rankable"]

FEWEST: Final = 2
"""Effects from which there is something to rank."""
_TREATED_ALONE: Final = (
    "the response is a number without controls, which tells no marker of the drug's effect from "
    "one of growth"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unranked:
    """Something without a number to rank it by, and why."""

    name: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """A ranking, or why there is none.

    Parameters
    ----------
    subject : {"tumor", "combination", "marker"}
        What is ranked; tumor types by OncoTree code.
    scale : str
        Of the estimates: per day, ln index.
    status : {"ranked", "tied", "not_rankable"}
        Tied where no effect is surely ahead of another.
    reason : str
        Why there is no order; empty when ranked.
    ranked : tuple of RankedEffect
        From the strongest.
    rows : tuple of (str, tuple of str)
        Ids of the rows behind each effect.
    unranked : tuple of Unranked
        What has no number, and why.
    level : float
        Confidence with which all sets of ranks hold together.
    """

    subject: Subject
    scale: str
    status: ConclusionStatus
    reason: str
    ranked: tuple[RankedEffect, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    unranked: tuple[Unranked, ...]
    level: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "subject": self.subject,
            "scale": self.scale,
            "status": self.status,
            "reason": self.reason,
            "ranked": [one.to_dict() for one in self.ranked],
            "rows": {name: list(rows) for name, rows in self.rows},
            "unranked": [one.to_dict() for one in self.unranked],
            "level": self.level,
        }


def rank_tumors(
    found: Sequence[TumorEstimands], *, obstacles: Mapping[str, str], level: float = 0.95
) -> Conclusion:
    """Tumor types by the effect of the compound alone on the growth rate, the strongest first.

    Parameters
    ----------
    found : sequence of TumorEstimands
        As :func:`oncovivo.analyses.one_estimand.one_estimand` gives them.
    obstacles : mapping of str to str
        By tumor type, what stands in the way of its literature rows.
    level : float
        Of the sets of ranks.
    """
    effects: dict[str, tuple[float, float]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    unranked = []
    for tumor in found:
        if not tumor.tumor:
            continue
        counted = [row for row in tumor.rows if row.compound and not row.simulated]
        fit = [row for row in counted if row.rate is not None and _spread(row, tumor.level)]
        if fit:
            effects[tumor.tumor] = _together(fit, tumor.level)
            rows[tumor.tumor] = tuple(row.row_id for row in fit)
        else:
            unranked.append(
                Unranked(name=tumor.tumor, reason=_why_none(tumor, counted, obstacles))
            )
    return _conclusion("tumor", "ln relative volume per day", effects, rows, unranked, level)


def rank_combinations(studies: Sequence[StudyResult], *, level: float = 0.95) -> Conclusion:
    """Combinations by their Bliss index on the growth-rate scale, the most synergistic first.

    Parameters
    ----------
    studies : sequence of StudyResult
        Of the guide.
    level : float
        Of the sets of ranks.
    """
    from oncovivo.analyses.study_rows import study_rows

    effects: dict[str, tuple[float, float]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    unranked: list[Unranked] = []
    for study in studies:
        own = study_rows(study)
        for number, asked in enumerate(study.combinations, start=1):
            name = f"{asked.combination} ({study.title})"
            index = next(
                (
                    row
                    for row in own
                    if row.combination == number
                    and (row.null_model, row.scale) == ("bliss", "growth_rate")
                ),
                None,
            )
            if study.simulated:
                unranked.append(Unranked(name=name, reason="the study is simulated"))
            elif index is None or index.index is None:
                reason = asked.reason or "it has no index on the growth-rate scale"
                unranked.append(Unranked(name=name, reason=reason))
            else:
                spread = _width(_ln(index.index_lower), _ln(index.index_upper), index.level)
                if spread is None or index.index <= 0:
                    unranked.append(Unranked(name=name, reason="the index has no limits"))
                else:
                    effects[name] = (math.log(index.index), spread**2)
                    rows[name] = (index.row_id,)
    return _conclusion("combination", "ln index (Bliss)", effects, rows, unranked, level)


def rank_markers(found: Sequence[PlacedMarkers], *, level: float = 0.95) -> Conclusion:
    """Predictive markers across lines by their effect, the most sensitive first.

    Effects are on the growth rate per standard deviation of a number or between two categories;
    markers of a target within studies, of an outcome without controls, and flagged ones predict
    nothing and are named.

    Parameters
    ----------
    found : sequence of PlacedMarkers
        Of the guide.
    level : float
        Of the sets of ranks.
    """
    effects: dict[str, tuple[float, float]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    unranked: list[Unranked] = []
    for placed in found:
        if placed.engagement is not None:
            for result in placed.engagement.results:
                reason = "it was measured under treatment, so it shows the target and not response"
                unranked.append(Unranked(name=f"{result.marker} ({placed.name})", reason=reason))
        for treatment in placed.treatments:
            for one in treatment.associations:
                name = f"{one.marker}, {treatment.treatment or treatment.response}"
                if placed.simulated:
                    unranked.append(Unranked(name=name, reason="the panel is simulated"))
                elif not treatment.control:
                    unranked.append(Unranked(name=name, reason=_TREATED_ALONE))
                elif one.status != "ok" or one.estimate is None or one.std_error is None:
                    unranked.append(
                        Unranked(name=name, reason=one.reason or "it has no standard error")
                    )
                elif one.std_error > 0:
                    spread = _width(one.lower, one.upper, one.level) or one.std_error
                    effects[name] = (one.estimate, spread**2)
                    rows[name] = (placed.name,)
    scale = (
        "changes of the effect on the growth rate (ln per day), per standard deviation or between "
        "two categories"
    )
    return _conclusion("marker", scale, effects, rows, unranked, level)


def _conclusion(
    subject: Subject,
    scale: str,
    effects: Mapping[str, tuple[float, float]],
    rows: Mapping[str, tuple[str, ...]],
    unranked: Sequence[Unranked],
    level: float,
) -> Conclusion:
    from oncovivo.evidence.meta.ranking import rank_effects

    ranked = rank_effects(
        list(effects),
        [mean for mean, _ in effects.values()],
        [variance for _, variance in effects.values()],
        level=level,
    )
    status: ConclusionStatus
    if len(ranked) < FEWEST:
        status = "not_rankable"
        number, total = len(ranked), len(ranked) + len(unranked)
        reason = f"of {total}, {number or 'none'} can be ranked; it takes {FEWEST}"
    elif all((one.best_rank, one.worst_rank) == (1, len(ranked)) for one in ranked):
        status = "tied"
        reason = f"no two of the {len(ranked)} effects differ beyond their uncertainty"
    else:
        status, reason = "ranked", ""
    return Conclusion(
        subject=subject,
        scale=scale,
        status=status,
        reason=reason,
        ranked=ranked,
        rows=tuple((one.name, rows[one.name]) for one in ranked),
        unranked=tuple(unranked),
        level=level,
    )


def _why_none(
    tumor: TumorEstimands, counted: Sequence[EstimandRow], obstacles: Mapping[str, str]
) -> str:
    """Why a tumor type has no effect on the growth rate."""
    if not tumor.rows:
        return obstacles.get(tumor.tumor, "no row has a number")
    if counted:
        return next((row.reason for row in counted if row.reason), "its rows have no limits")
    if any(row.compound for row in tumor.rows):
        return "only simulations have a number"
    if any(row.of_class for row in tumor.rows):
        return "only other compounds of the class have a number"
    return "only combinations have a number"


def _ln(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _width(lower: float | None, upper: float | None, level: float) -> float | None:
    """The standard error that has these limits under a normal; few degrees of freedom widen it."""
    from scipy import special

    if lower is None or upper is None or not upper > lower:
        return None
    return (upper - lower) / (-2.0 * float(special.ndtri((1.0 - level) / 2.0)))


def _spread(row: EstimandRow, level: float) -> float | None:
    return _width(row.rate_lower, row.rate_upper, level)


def _together(rows: Sequence[EstimandRow], level: float) -> tuple[float, float]:
    """Estimate and variance of the rate of rows, pooled over origins where there are several.

    Rows of one origin share its animals. They are averaged by weight first, with the standard
    error that they have when they rise and fall together, which is the largest there can be.
    """
    from oncovivo.evidence.meta import Rows, pool

    by_origin: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        by_origin.setdefault(row.origin, []).append((row.rate or 0.0, _spread(row, level) or 0.0))
    means, variances = [], []
    for pairs in by_origin.values():
        weights = [1.0 / spread**2 for _, spread in pairs]
        total = math.fsum(weights)
        means.append(
            math.fsum(w * mean for w, (mean, _) in zip(weights, pairs, strict=True)) / total
        )
        error = (
            math.fsum(w * spread for w, (_, spread) in zip(weights, pairs, strict=True)) / total
        )
        variances.append(error**2)
    if len(means) == 1:
        return means[0], variances[0]
    pooled = pool(Rows.of(list(by_origin), means, variances, measure="MD"), level=level)
    # Works that agree by chance make Knapp and Hartung's limits narrower than those of one
    # common effect.
    common = 1.0 / math.fsum(1.0 / variance for variance in variances)
    spread = _width(pooled.lower, pooled.upper, level) or 0.0
    return pooled.estimate, max(spread**2, common)
