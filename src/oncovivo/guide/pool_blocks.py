"""What the rows of a tumor type say together, or why nothing is pooled."""

from __future__ import annotations

import math
from typing import Final

from oncovivo.analyses.evidence_pools import EvidencePool, RowEffect, TumorPools
from oncovivo.documents import (
    Block,
    Inline,
    Link,
    Listing,
    Paragraph,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence.meta import LOG_MEASURES, Measure
from oncovivo.evidence.poolability import OBSTACLES
from oncovivo.growth.wording import p_text
from oncovivo.guide.wording import counted

__all__ = ["MEASURE_WORDS", "pool_blocks"]

MEASURE_WORDS: Final[dict[Measure, str]] = {
    "SMD": "standardized mean difference",
    "SMDH": "standardized mean difference, unequal variances",
    "MD": "mean difference",
    "ROM": "ratio of means",
    "NMD": "normalized mean difference, percent",
    "VR": "ratio of standard deviations",
    "CVR": "ratio of coefficients of variation",
    "growth_rate": "difference of growth rates",
    "log_hazard_ratio": "hazard ratio",
    "log_median_ratio": "ratio of median survival",
    "log_odds_ratio": "odds ratio",
    "risk_difference": "risk difference",
    "arcsine_difference": "difference of arcsine-transformed shares",
    "freeman_tukey_difference": "difference of Freeman-Tukey-transformed shares",
    "generic": "effect size",
}
"""Measures as people name them."""


def pool_blocks(pools: TumorPools, tumor: str) -> tuple[Block, ...]:
    """Pooled rows of a tumor type, or one sentence that says what is in their way.

    Parameters
    ----------
    pools : TumorPools
        What was found.
    tumor : str
        Name of the tumor type.
    """
    if not pools.found.total:
        return ()
    if not pools.pools:
        return (Paragraph(content=text(pools.found.sentence(tumor))),)
    blocks: list[Block] = []
    for number, pool in enumerate(pools.pools, start=1):
        blocks += [
            Paragraph(content=text(_sentence(pool, tumor))),
            _table(pool, f"table-pool-{pools.tumor}-{number}", tumor),
        ]
        if pool.warnings:
            blocks.append(Listing(items=tuple(text(one.message) for one in pool.warnings)))
    left = _left_out(pools)
    return (*blocks, *((Paragraph(content=text(left)),) if left else ()))


def _sentence(pool: EvidencePool, tumor: str) -> str:
    """Effect first, with interval, prediction, heterogeneity and how it was made."""
    percent = f"{100 * pool.level:g} %"
    predicted = (
        "no prediction interval"
        if pool.pi_lower is None or pool.pi_upper is None
        else f"a further study's effect is predicted between {_number(pool, pool.pi_lower)} and "
        f"{_number(pool, pool.pi_upper)}"
    )
    spread = "" if pool.i2 is None else f"; I² {pool.i2:.0f} %"
    return (
        f"{pool.treatment} against control in {tumor}, {MEASURE_WORDS[pool.measure]}: "
        f"{_number(pool, pool.estimate)} ({percent} limits {_number(pool, pool.lower)} to "
        f"{_number(pool, pool.upper)}; p {p_text(pool.p_value)}), pooled from "
        f"{counted(len(pool.rows), 'row')} of {counted(len(set(pool.works)), 'work')}; {predicted}"
        f"{spread} ({pool.method})."
    )


def _table(pool: EvidencePool, anchor: str, tumor: str) -> Table:
    """Each row with its effect, then the pooled one."""
    what = MEASURE_WORDS[pool.measure]
    percent = f"{100 * pool.level:g} %"
    rows = [
        TableRow(
            cells=(
                (Link(content=row.row_id, target=f"row-{row.row_id}"),),
                text(work),
                text(_animals(row)),
                text(_number(pool, row.yi)),
                text(_limits(pool, row.yi, 1.96 * math.sqrt(row.vi))),
            )
        )
        for row, work in zip(pool.rows, pool.works, strict=True)
    ]
    strong: tuple[Inline, ...] = (Text(content="pooled", style="strong"),)
    rows.append(
        TableRow(
            cells=(
                strong,
                text(""),
                text(""),
                text(_number(pool, pool.estimate)),
                text(f"{_number(pool, pool.lower)} to {_number(pool, pool.upper)}"),
            )
        )
    )
    return Table(
        anchor=anchor,
        caption=text(
            f"{pool.treatment} in {tumor}, {what}, with {percent} limits; those of single rows "
            "are normal."
        ),
        columns=(
            TableColumn(heading="Row", width=1),
            TableColumn(heading="Work", width=2),
            TableColumn(heading="Animals", width=1.2, align="right"),
            TableColumn(heading=what[0].upper() + what[1:], width=1.4, align="right"),
            TableColumn(heading="Limits", width=1.8, align="right"),
        ),
        rows=tuple(rows),
    )


def _left_out(pools: TumorPools) -> str:
    """Rows that did not enter, with what is in their way."""
    parts = [
        f"{number} {OBSTACLES[obstacle][number > 1]}"
        for obstacle in OBSTACLES
        if (number := pools.found.count(obstacle))
    ]
    if pools.alone:
        number = len(pools.alone)
        verb = "shares" if number == 1 else "share"
        parts.append(f"{number} {verb} treatment and measure with no other row")
    return f"Not pooled: {', '.join(parts)}." if parts else ""


def _animals(row: RowEffect) -> str:
    if row.n_treated is None or row.n_control is None:
        return "not given"
    return f"{row.n_treated:g} and {row.n_control:g}"


def _number(pool: EvidencePool, value: float) -> str:
    """A value as people read it: ratios from their logs."""
    return f"{math.exp(value) if pool.measure in LOG_MEASURES else value:.3g}"


def _limits(pool: EvidencePool, center: float, reach: float) -> str:
    return f"{_number(pool, center - reach)} to {_number(pool, center + reach)}"
