"""Quality of the studies behind a guide, and the certainty of what they say together.

A judgement that nobody made is never shown as one that is good, and certainty is rated of pooled
effects alone: a tumor type with nothing pooled has no rating, and the reason is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.analyses import Bundle
from oncovivo.analyses.evidence_certainty import TumorCertainty, pool_certainty
from oncovivo.analyses.evidence_pools import EvidencePool
from oncovivo.documents import (
    Block,
    Figure,
    Link,
    Paragraph,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence.quality import (
    DOMAINS,
    STANDINGS,
    TOOLS,
    Assessment,
    CertaintyRow,
    Downgrade,
    assess,
    item_shares,
    plot_item_shares,
    plot_traffic_lights,
    tool_named,
)
from oncovivo.figures import to_svg
from oncovivo.guide.citing import Citations
from oncovivo.guide.wording import MEASURE_WORDS, counted, effect_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["certainty_of", "certainty_table", "downgrade_table", "quality_blocks"]

_LEVELS: Final = ("none", "one", "two", "three")
_OPEN: Final = ("not_assessed", "unresolved")


def certainty_of(bundle: Bundle) -> tuple[TumorCertainty, ...]:
    """The certainty of every tumor type of a bundle."""
    return pool_certainty(
        bundle.pools,
        bundle.ratings,
        compound=bundle.settings.compound,
        names={code: tumor.name for code, tumor in bundle.identifiers.tumor_types.items()},
        works=bundle.library.works(),
    )


def certainty_table(bundle: Bundle, certainty: Sequence[TumorCertainty]) -> Table | None:
    """A row for each pool and for each tumor type with none; None without a tumor type."""
    pools = {found.tumor: found.pools for found in bundle.pools}
    rows = [
        row
        for tumor in certainty
        for row in (
            [
                _rated_row(tumor.tumor, rated, pool, number)
                for number, (rated, pool) in enumerate(
                    zip(tumor.rows, pools[tumor.tumor], strict=True), start=1
                )
            ]
            if pools[tumor.tumor]
            else [_unrated_row(tumor.tumor, tumor.rows[0])]
        )
    ]
    if not rows:
        return None
    return Table(
        anchor="table-certainty",
        caption=text(
            "How certain one can be, in animals, of the effect of "
            f"{bundle.identifiers.compounds[bundle.settings.compound].name} by tumor type. "
            "Controlled experiments start at high; every level down has its reason in the "
            "section of the tumor type."
        ),
        columns=(
            TableColumn(heading="Tumor type", width=1.6),
            TableColumn(heading="Certainty", width=1.4),
            TableColumn(heading="Pooled effect", width=2.2),
            TableColumn(heading="Rows, works, animals", width=1.4),
            TableColumn(heading="Why", width=3.6),
        ),
        rows=tuple(rows),
        note=text(
            "The rules are stated and are this project's; they make a rating repeatable, not "
            "right. Nothing raises certainty, and what is not known never counts in favor."
        ),
    )


def _rated_row(tumor: str, rated: CertaintyRow, pool: EvidencePool, number: int) -> TableRow:
    effect, lower, upper = (
        effect_number(pool.measure, value) for value in (pool.estimate, pool.lower, pool.upper)
    )
    animals = "not given" if pool.n_animals is None else str(pool.n_animals)
    lowering = [one for one in rated.downgrades if one.levels]
    why = "; ".join(f"{DOMAINS[one.domain]} −{one.levels}" for one in lowering)
    return TableRow(
        cells=(
            (Link(content=rated.question.tumor_type, target=f"tumor-{tumor}"),),
            (Text(content=_level(rated), style="strong"),),
            text(f"{pool.treatment}, {MEASURE_WORDS[pool.measure]} {effect} ({lower} to {upper})"),
            text(f"{len(pool.rows)}, {len(set(pool.works))}, {animals}"),
            (
                Text(content=f"{why or 'nothing lowers it'}: "),
                Link(content="reasons", target=_anchor(tumor, number)),
            ),
        )
    )


def _unrated_row(tumor: str, row: CertaintyRow) -> TableRow:
    return TableRow(
        cells=(
            (Link(content=row.question.tumor_type, target=f"tumor-{tumor}"),),
            text("no rating: nothing is pooled"),
            text("none"),
            text("none"),
            text(f"{row.not_pooled[0].upper()}{row.not_pooled[1:]}."),
        )
    )


def _level(row: CertaintyRow) -> str:
    return "no rating" if row.level is None else row.level.replace("_", " ")


def _anchor(tumor: str, number: int) -> str:
    return f"table-certainty-{tumor}-{number}"


def downgrade_table(tumor: str, row: CertaintyRow, number: int) -> Table | None:
    """What each domain costs a pool, and why; None where nothing is rated."""
    if row.level is None:
        return None
    return Table(
        anchor=_anchor(tumor, number),
        caption=text(
            f"Certainty of the pooled effect of {row.question.text} on "
            f"{row.question.outcome}: {_level(row)}, starting at {row.question.start}."
        ),
        columns=(
            TableColumn(heading="Domain", width=2),
            TableColumn(heading="Levels down", width=1),
            TableColumn(heading="Reason", width=5),
        ),
        rows=tuple(_domain_row(one) for one in row.downgrades),
    )


def _domain_row(one: Downgrade) -> TableRow:
    unknown = one.status == "not_assessable" and one.override is None
    return TableRow(
        cells=(
            text(DOMAINS[one.domain]),
            text("not assessable" if unknown else _LEVELS[one.levels]),
            text(f"{one.reason[0].upper()}{one.reason[1:]}."),
        )
    )


def quality_blocks(bundle: Bundle, citations: Citations) -> tuple[Block, ...]:
    """What the checklists say of the studies, and what nobody assessed."""
    unrated = _unrated_works(bundle)
    if not bundle.ratings:
        if not unrated:
            return ()
        words = (
            "No study behind these rows was assessed for its risk of bias or its reporting: "
            "quality is not known, which is not the same as good."
        )
        return (Paragraph(content=text(words)),)
    blocks: list[Block] = []
    for name, tool in TOOLS.items():
        if any(rating.tool == name for rating in bundle.ratings):
            assessment = assess(bundle.ratings, name)
            n = len(assessment.studies)
            shown = "1 assessed study" if n == 1 else f"{n} assessed studies"
            blocks += [
                _figure(
                    f"figure-quality-{name}",
                    plot_traffic_lights(assessment),
                    f"{tool.title} of {shown}: every item of every study. {tool.source}.",
                    _in_words(assessment),
                ),
                _figure(
                    f"figure-quality-shares-{name}",
                    plot_item_shares(item_shares(assessment), name),
                    f"{tool.title}: for each item the share of {shown} with each judgement.",
                    _shares_in_words(assessment),
                ),
            ]
    return (*blocks, _assessments(bundle, unrated, citations))


def _figure(anchor: str, ax: Axes, caption: str, description: str) -> Figure:
    drawn = ax.get_figure(root=True)
    if drawn is None:  # an axes always has one; the type says otherwise
        message = "axes without a figure"
        raise RuntimeError(message)
    return Figure(
        anchor=anchor,
        svg=to_svg(drawn, title=caption),
        caption=text(caption),
        description=description,
    )


def _in_words(assessment: Assessment) -> str:
    """The traffic lights, for those who cannot see them."""
    tool = tool_named(assessment.tool)
    return "; ".join(
        f"{study.study}: "
        + ", ".join(
            f"{item.label} {STANDINGS[standing]}"
            for item, standing in zip(tool.items, study.standings, strict=True)
        )
        for study in assessment.studies
    )


def _shares_in_words(assessment: Assessment) -> str:
    tool = tool_named(assessment.tool)
    return "; ".join(
        f"{item.label}: "
        + ", ".join(f"{STANDINGS[standing]} {n}" for standing, n in shares.counts.items())
        for item, shares in zip(tool.items, item_shares(assessment), strict=True)
    )


def _unrated_works(bundle: Bundle) -> tuple[str, ...]:
    """Works of evidence rows on efficacy in animals that nobody rated, in order of the rows."""
    works = bundle.library.works()
    rated = {works.get(rating.source, rating.source) for rating in bundle.ratings}
    keys = [
        key
        for record in bundle.records
        if record.use == "evidence" and record.evidence_kind == "animal_efficacy"
        for key in record.sources
    ]
    found = dict.fromkeys(works.get(key, key) for key in keys)
    return tuple(work for work in found if work not in rated)


def _assessments(bundle: Bundle, unrated: Sequence[str], citations: Citations) -> Table:
    """Every assessed study with what is missing, then the works that nobody assessed."""
    rows = []
    for name, tool in TOOLS.items():
        if not any(rating.tool == name for rating in bundle.ratings):
            continue
        for study in assess(bundle.ratings, name).studies:
            missing = [
                f"{item.label} ({STANDINGS[standing]})" if standing == "unresolved" else item.label
                for item, standing in zip(tool.items, study.standings, strict=True)
                if standing in _OPEN
            ]
            rows.append(
                TableRow(
                    cells=(
                        text(study.study),
                        citations.cite((study.source,) if study.source else ()),
                        text(tool.title),
                        text(f"{len(tool.items) - len(missing)} of {len(tool.items)}"),
                        text(", ".join(missing) or "nothing"),
                    )
                )
            )
    if unrated:
        rows.append(
            TableRow(
                cells=(
                    text(f"{counted(len(unrated), 'work')} that nobody assessed"),
                    citations.cite(unrated),
                    text("none"),
                    text("none"),
                    text("everything"),
                )
            )
        )
    return Table(
        anchor="table-assessments",
        caption=text(
            "Which studies were assessed, and what is missing. What is missing counts as unknown, "
            "never as good."
        ),
        columns=(
            TableColumn(heading="Study", width=2),
            TableColumn(heading="Source", width=1.6),
            TableColumn(heading="Checklist", width=1.6),
            TableColumn(heading="Items judged", width=1),
            TableColumn(heading="Not assessed or not settled", width=4),
        ),
        rows=tuple(rows),
    )
