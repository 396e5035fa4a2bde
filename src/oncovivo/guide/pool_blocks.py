"""What the rows of a tumor type say together, in numbers and as a forest, or why nothing is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from oncovivo.analyses import Bundle
from oncovivo.analyses.evidence_certainty import works_assessment
from oncovivo.analyses.evidence_pools import EvidencePool, RowEffect, TumorPools
from oncovivo.analyses.meta_files import MOST_FOREST_ROWS
from oncovivo.analyses.pool_rows import pool_row_id, pool_source
from oncovivo.documents import (
    Block,
    Figure,
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
from oncovivo.evidence import ClaimResult, Record, Reported
from oncovivo.evidence.meta.forest_plot import ForestRow, ForestSummary, plot_forest
from oncovivo.evidence.meta.intervals import two_sided_quantile
from oncovivo.evidence.poolability import OBSTACLES
from oncovivo.evidence.quality import STANDINGS
from oncovivo.evidence.quality.assessment import Standing
from oncovivo.figures import to_svg
from oncovivo.growth.wording import p_text
from oncovivo.guide.citing import Citations
from oncovivo.guide.wording import MEASURE_WORDS, counted, effect_number, plain_word

__all__ = ["design_facts", "pool_blocks", "pool_links", "pool_places"]


_BLIND: Final[Mapping[Standing, str]] = MappingProxyType({"good": "yes", "poor": "no"})


def pool_links(pools: Sequence[TumorPools]) -> dict[str, Link]:
    """From what a claim writes in ``from`` to the section of the tumor type."""
    return {
        pool_source(found.tumor): Link(
            content=f"pooled, {found.tumor}", target=f"tumor-{found.tumor}"
        )
        for found in pools
    }


def pool_places(pools: Sequence[TumorPools], claims: Sequence[ClaimResult]) -> dict[str, Link]:
    """By claim, the table of the one pool that its query matches."""
    tables = {
        pool_row_id(found.tumor, number): Link(
            content=f"pooled, {found.tumor}", target=_table_anchor(found.tumor, number)
        )
        for found in pools
        for number in range(1, len(found.pools) + 1)
    }
    return {
        result.claim.id: tables[result.rows[0]]
        for result in claims
        if len(result.rows) == 1 and result.rows[0] in tables
    }


def _table_anchor(tumor: str, number: int) -> str:
    return f"table-pool-{tumor}-{number}"


def design_facts(bundle: Bundle) -> dict[str, dict[str, str]]:
    """By row, how its experiment was made: as its record says, and blinding as it was rated."""
    works = bundle.library.works()
    own = {
        record.row_id: works.get(record.sources[0], record.sources[0])
        for record in bundle.records
        if record.row_id in {row.row_id for found in bundle.pools for row in _rows_of(found)}
    }
    assessment = works_assessment(bundle.ratings, tuple(dict.fromkeys(own.values())), works=works)
    blind = {}
    if assessment is not None:
        at = assessment.items.index("blinded_assessors")
        blind = {
            study.study: _BLIND.get(study.standings[at], STANDINGS[study.standings[at]])
            for study in assessment.studies
        }
    return {
        record.row_id: {
            "line": _said(record, "xenograft_line"),
            "graft": _said(record, "graft_type"),
            "host": _said(record, "host_strain"),
            "allocation": _said(record, "allocation"),
            **({"measured blind": blind[own[record.row_id]]} if blind else {}),
        }
        for record in bundle.records
        if record.row_id in own
    }


def _rows_of(found: TumorPools) -> tuple[RowEffect, ...]:
    return tuple(row for pool in found.pools for row in pool.rows)


def _said(record: Record, column: str) -> str:
    """What a record says, in words; also that it says nothing."""
    value: Reported[str] = getattr(record, column)
    return str(value) if value.value is None else plain_word(column, value.value)


def pool_blocks(
    pools: TumorPools,
    tumor: str,
    facts: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    citations: Citations | None = None,
) -> tuple[Block, ...]:
    """Pooled rows of a tumor type, or one sentence that says what is in their way.

    Parameters
    ----------
    pools : TumorPools
        What was found.
    tumor : str
        Name of the tumor type.
    facts : mapping of str to mapping
        By row, what the forest says of its experiment, by heading.
    citations : Citations, optional
        Of the guide; without them works are named by their keys.
    """
    if not pools.found.total:
        return ()
    if not pools.pools:
        return (Paragraph(content=text(pools.found.sentence(tumor))),)
    blocks: list[Block] = []
    for number, pool in enumerate(pools.pools, start=1):
        blocks += [
            Paragraph(content=text(_sentence(pool, tumor))),
            _forest(pool, number, tumor, facts),
            _table(pool, number, tumor, citations),
        ]
        if pool.warnings:
            blocks.append(Listing(items=tuple(text(one.message) for one in pool.warnings)))
    left = _left_out(pools)
    return (*blocks, *((Paragraph(content=text(left)),) if left else ()))


def _forest(
    pool: EvidencePool, number: int, tumor: str, facts: Mapping[str, Mapping[str, str]]
) -> Figure:
    """Rows with limits and weights, the pooled effect, the prediction."""
    reach = two_sided_quantile(pool.level, None)
    rows = [
        ForestRow(
            label=row.row_id,
            estimate=row.yi,
            lower=row.yi - reach * math.sqrt(row.vi),
            upper=row.yi + reach * math.sqrt(row.vi),
            weight=weight,
            facts=facts.get(row.row_id, {}),
        )
        for row, weight in zip(pool.rows, pool.weights, strict=True)
    ]
    summary = ForestSummary(
        label="pooled",
        k=len(rows),
        estimate=pool.estimate,
        lower=pool.lower,
        upper=pool.upper,
        pi_lower=pool.pi_lower,
        pi_upper=pool.pi_upper,
        words=pool.method,
    )
    few = len(rows) <= MOST_FOREST_ROWS
    drawn = plot_forest(
        rows if few else [],
        summary,
        measure=pool.measure,
        level=pool.level,
        note="" if few else f"{len(rows)} rows, more than can be drawn: pooled effect alone",
    )
    what = f"{pool.treatment} against control in {tumor}, {MEASURE_WORDS[pool.measure]}"
    return Figure(
        anchor=f"figure-pool-{pool.tumor}-{number}",
        svg=to_svg(drawn, title=f"Forest: {what}"),
        caption=text(
            f"{what[0].upper()}{what[1:]}: each row with its experiment, its effect and its "
            "weight, then the pooled effect. The limits of single rows are normal."
        ),
        description="; ".join(
            f"{name}: {_number(pool, estimate)}, {_number(pool, lower)} to {_number(pool, upper)}"
            for name, estimate, lower, upper in (
                *((row.label, row.estimate, row.lower, row.upper) for row in rows),
                ("pooled", pool.estimate, pool.lower, pool.upper),
            )
        ),
    )


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


def _table(pool: EvidencePool, number: int, tumor: str, citations: Citations | None) -> Table:
    """Each row with its effect, then the pooled one, to which claims lead."""
    row_id = pool_row_id(pool.tumor, number)
    what = MEASURE_WORDS[pool.measure]
    percent = f"{100 * pool.level:g} %"
    rows = [
        TableRow(
            cells=(
                (Link(content=row.row_id, target=f"row-{row.row_id}"),),
                text(work) if citations is None else citations.cite((work,)),
                text(_animals(row)),
                text(_number(pool, row.yi)),
                text(
                    _limits(pool, row.yi, two_sided_quantile(pool.level, None) * math.sqrt(row.vi))
                ),
            )
        )
        for row, work in zip(pool.rows, pool.works, strict=True)
    ]
    strong: tuple[Inline, ...] = (Text(content="pooled", style="strong"),)
    rows.append(
        TableRow(
            anchor=f"row-{row_id}",
            cells=(
                strong,
                text(""),
                text(""),
                text(_number(pool, pool.estimate)),
                text(f"{_number(pool, pool.lower)} to {_number(pool, pool.upper)}"),
            ),
        )
    )
    return Table(
        anchor=_table_anchor(pool.tumor, number),
        caption=text(
            f"{pool.treatment} in {tumor}, {what}, with {percent} limits; those of single rows "
            f"are normal. To a claim the pooled row is {row_id}."
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
        parts.append(f"{number} {verb} treatment, outcome and measure with no other row")
    return f"Not pooled: {', '.join(parts)}." if parts else ""


def _animals(row: RowEffect) -> str:
    if row.n_treated is None or row.n_control is None:
        return "not given"
    return f"{row.n_treated:g} and {row.n_control:g}"


def _number(pool: EvidencePool, value: float) -> str:
    """A value as people read it: ratios from their logs."""
    return effect_number(pool.measure, value)


def _limits(pool: EvidencePool, center: float, reach: float) -> str:
    return f"{_number(pool, center - reach)} to {_number(pool, center + reach)}"
