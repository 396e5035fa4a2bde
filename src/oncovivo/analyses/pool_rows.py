"""What is pooled for a tumor type, as rows that the claims of a guide are tested against.

Which side of no difference is better follows from the measure, or from the endpoint:

- hazard ratio, difference of growth rates: below is a benefit
- ratio of median times, normalized mean difference: above is a benefit
- means (ratio, difference, standardized difference): below is a benefit for volume, weight and
  growth rate; above for times, inhibition and shares that respond
- shares (odds ratio, differences): above is a benefit for response and complete regression
- everything else, as ratios of standard deviations, does not say what is better
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.analyses.evidence_pools import (
    EvidencePool,
    RowEffect,
    TumorPools,
    pool_evidence,
    treatment_of,
)
from oncovivo.evidence.claims import PooledSlot, Row
from oncovivo.evidence.meta import LOG_MEASURES, Measure
from oncovivo.evidence.records import Record, Scalar

__all__ = [
    "PoolDirection",
    "PoolRow",
    "askable_pool_words",
    "pool_direction",
    "pool_row_id",
    "pool_rows",
    "pool_source",
    "pooled_slot",
]

PoolDirection: TypeAlias = Literal["benefit", "harm", "none"]
_Side: TypeAlias = Literal["below", "above"]

_BY_MEASURE: Final[Mapping[Measure, _Side]] = MappingProxyType(
    {
        "log_hazard_ratio": "below",
        "growth_rate": "below",
        "log_median_ratio": "above",
        "NMD": "above",
    }
)
_MEANS: Final[frozenset[Measure]] = frozenset({"SMD", "SMDH", "MD", "ROM"})
_SHARES: Final[frozenset[Measure]] = frozenset(
    {"log_odds_ratio", "risk_difference", "arcsine_difference", "freeman_tukey_difference"}
)
_RESPONSES: Final = ("response_rate", "complete_regression")
_BY_ENDPOINT: Final[Mapping[str, _Side]] = MappingProxyType(
    {
        "tumor_volume": "below",
        "tumor_weight": "below",
        "growth_rate": "below",
        "tumor_growth_inhibition": "above",
        "growth_delay": "above",
        "survival": "above",
        "progression_free_survival": "above",
        **dict.fromkeys(_RESPONSES, "above"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """A pooled effect, by the columns of :data:`oncovivo.evidence.META_COLUMNS`.

    What is None does not exist for the measure, or could not be estimated.
    """

    row_id: str
    source: tuple[str, ...]
    treatment: str
    endpoint: tuple[str, ...]
    measure: Measure
    k: int
    works: int
    estimate: float
    lower: float
    upper: float
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None
    p_value: float
    tau2: float | None
    i2_pct: float | None
    pi_lower: float | None
    pi_upper: float | None
    ratio_pi_lower: float | None
    ratio_pi_upper: float | None
    direction: PoolDirection | None
    level: float

    def cells(self) -> Row:
        """The row as a claim queries it; what does not exist is ``not_applicable``."""
        found: dict[str, tuple[Scalar, ...]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                found[field.name] = value
            else:
                found[field.name] = ("not_applicable" if value is None else value,)
        return found


def pool_source(tumor: str) -> str:
    """What a claim writes in ``from`` for what is pooled of a tumor type.

    Examples
    --------
    >>> pool_source("RCC")
    'meta:RCC'
    """
    return f"meta:{tumor}"


def pool_row_id(tumor: str, number: int) -> str:
    """Name of the row of a pool; pools of a tumor type are numbered from 1.

    Examples
    --------
    >>> pool_row_id("RCC", 1)
    'meta:RCC:1'
    """
    return f"{pool_source(tumor)}:{number}"


def pool_rows(pools: TumorPools) -> tuple[PoolRow, ...]:
    """A row for each pool of a tumor type; none where nothing is pooled.

    Parameters
    ----------
    pools : TumorPools
        As :func:`oncovivo.analyses.evidence_pools.pool_evidence` gives them.
    """
    return tuple(
        _row(pool, pool_row_id(pools.tumor, number))
        for number, pool in enumerate(pools.pools, start=1)
    )


def _row(pool: EvidencePool, row_id: str) -> PoolRow:
    works = tuple(dict.fromkeys(pool.works))
    return PoolRow(
        row_id=row_id,
        source=works,
        treatment=pool.treatment,
        endpoint=pool.endpoints,
        measure=pool.measure,
        k=len(pool.rows),
        works=len(works),
        estimate=pool.estimate,
        lower=pool.lower,
        upper=pool.upper,
        ratio=_ratio(pool, pool.estimate),
        ratio_lower=_ratio(pool, pool.lower),
        ratio_upper=_ratio(pool, pool.upper),
        p_value=pool.p_value,
        tau2=pool.tau2,
        i2_pct=pool.i2,
        pi_lower=pool.pi_lower,
        pi_upper=pool.pi_upper,
        ratio_pi_lower=_ratio(pool, pool.pi_lower),
        ratio_pi_upper=_ratio(pool, pool.pi_upper),
        direction=pool_direction(pool),
        level=pool.level,
    )


def _ratio(pool: EvidencePool, value: float | None) -> float | None:
    """The ratio of a logarithm; None where the measure is none."""
    return math.exp(value) if value is not None and pool.measure in LOG_MEASURES else None


def pool_direction(pool: EvidencePool) -> PoolDirection | None:
    """Where the limits of a pooled effect lie; None where the measure says nothing of benefit.

    Parameters
    ----------
    pool : EvidencePool
        The pooled effect.
    """
    side = _better(pool.measure, pool.endpoints)
    if side is None:
        return None
    if pool.upper < 0:
        return "benefit" if side == "below" else "harm"
    if pool.lower > 0:
        return "benefit" if side == "above" else "harm"
    return "none"


def _better(measure: Measure, endpoints: Sequence[str]) -> _Side | None:
    """The side of no difference that is a benefit."""
    if measure in _BY_MEASURE:
        return _BY_MEASURE[measure]
    if measure not in _MEANS | _SHARES:
        return None
    sides = {
        _BY_ENDPOINT.get(endpoint) if measure in _MEANS or endpoint in _RESPONSES else None
        for endpoint in endpoints
    }
    return sides.pop() if len(sides) == 1 else None


def askable_pool_words(records: Sequence[Record]) -> Mapping[str, tuple[Scalar, ...]]:
    """By column, the entries that pooled rows of a tumor type can have, before they are pooled.

    Parameters
    ----------
    records : sequence of Record
        Rows of the tumor type that are on the guide's compound.
    """
    return MappingProxyType(
        {
            "treatment": tuple(dict.fromkeys(treatment_of(record) for record in records)),
            "endpoint": tuple(dict.fromkeys(record.endpoint for record in records)),
        }
    )


def pooled_slot(
    rows: Sequence[str],
    records: Sequence[Record],
    effects: Sequence[RowEffect],
    *,
    compound: str,
    works: Mapping[str, str],
) -> PooledSlot:
    """What fills ``pooled value``: the one pool of the rows, or why there is none.

    Parameters
    ----------
    rows : sequence of str
        Ids of the rows that a claim matches.
    records : sequence of Record
        All rows.
    effects : sequence of RowEffect
        Their effect sizes.
    compound : str
        Identity key of the guide's compound.
    works : mapping of str to str
        Work of each key of references.json.
    """
    asked = set(rows)
    found = pool_evidence(
        [record for record in records if record.row_id in asked],
        effects,
        compound=compound,
        works=works,
    )
    pools = [pool for tumor in found for pool in tumor.pools]
    alone = [row for tumor in found for row in tumor.alone]
    if len(pools) == 1 and not alone:
        return PooledSlot(text=_words(pools[0]), rows=tuple(row.row_id for row in pools[0].rows))
    if len(pools) + len(alone) > 1:
        reason = (
            "effect sizes of several tumor types, treatments, outcomes or measures are not pooled "
            "together"
        )
    else:
        count = len(alone) or "none"
        reason = f"{count} of the {len(rows)} matching rows can be pooled, and it takes two"
    return PooledSlot(reason=reason)


def _words(pool: EvidencePool) -> str:
    """A pooled effect with its limits, to three digits; of a logarithm the ratio."""
    shown = [
        f"{math.exp(value) if pool.measure in LOG_MEASURES else value:.3g}"
        for value in (pool.estimate, pool.lower, pool.upper)
    ]
    return f"{shown[0]} ({100 * pool.level:g} % limits {shown[1]} to {shown[2]})"
