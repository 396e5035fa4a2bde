"""Markers in the guide: target engaged beside response, and markers of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oncovivo.analyses import Bundle, SectionId
from oncovivo.analyses.guide_markers import DISCOVERED, MarkedTreatment, PlacedMarkers
from oncovivo.biomarkers import EngagementAndResponse, plot_engagement
from oncovivo.biomarkers.association_result import Association
from oncovivo.documents import (
    Block,
    Figure,
    Inline,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.figures import to_svg
from oncovivo.growth.wording import p_text
from oncovivo.guide.citing import Citations
from oncovivo.guide.pictures import picture

__all__ = ["marker_sections"]

_MOST_ROWS: Final = 40


def marker_sections(
    bundle: Bundle, section: SectionId, citations: Citations
) -> tuple[Section, ...]:
    """A subsection for each ``[[marker]]`` entry of a section."""
    return tuple(
        Section(
            anchor=f"markers-{number}",
            title=_title(placed),
            level=2,
            blocks=tuple(_blocks(placed, number, bundle, citations)),
        )
        for number, placed in enumerate(bundle.markers, start=1)
        if placed.section == section
    )


def _title(placed: PlacedMarkers) -> str:
    what = "Target and response" if placed.engagement is not None else "Markers of lines"
    return f"{what}: {placed.name.replace('_', ' ')}"


def _blocks(
    placed: PlacedMarkers, number: int, bundle: Bundle, citations: Citations
) -> list[Block]:
    blocks: list[Block] = []
    if placed.simulated:
        blocks.append(
            Note(
                kind="simulated",
                content=text(
                    "Simulated data: no animal was used, and nothing here is evidence for a drug "
                    "or a marker."
                ),
            )
        )
    if placed.source:
        cited: tuple[Inline, ...] = (
            citations.cite((placed.source,))
            if placed.source in bundle.library
            else text(placed.source)
        )
        blocks.append(Paragraph(content=(Text(content="Data: "), *cited)))
    if placed.engagement is not None:
        for place, result in enumerate(placed.engagement.results, start=1):
            blocks += _engagement(result, f"{number}-{place}")
    for place, treatment in enumerate(placed.treatments, start=1):
        blocks += _associations(treatment, f"{number}-{place}")
    return blocks


def _engagement(result: EngagementAndResponse, place: str) -> list[Block]:
    """Words, figure and table of a marker of the target."""
    what = f"{result.marker} and growth under {result.treated}"
    return [
        Paragraph(content=text(result.sentence())),
        Figure(
            anchor=f"figure-markers-{place}",
            svg=picture(
                "engagement",
                result,
                what,
                draw=lambda: to_svg(plot_engagement(result), title=what),
            ),
            caption=text(
                f"{what[0].upper()}{what[1:]}, against {result.control}, line by line with "
                f"{100 * result.level:g} % limits; animals are the units."
            ),
            description=result.sentence(),
        ),
        Table(
            anchor=f"table-markers-{place}",
            caption=text(f"{what[0].upper()}{what[1:]}, in numbers."),
            columns=(
                TableColumn(heading="Line", width=2.2),
                TableColumn(heading="Marker, treated / control", width=2.2),
                TableColumn(heading="p", width=0.8, align="right"),
                TableColumn(heading="Growth rate, difference per day", width=2.4),
                TableColumn(heading="p", width=0.8, align="right"),
                TableColumn(heading="Animals", width=0.9, align="right"),
                TableColumn(heading="Reading", width=2.0),
            ),
            rows=tuple(
                TableRow(
                    cells=(
                        text(line.line),
                        text(
                            f"{line.ratio:.2f} ({line.ratio_lower:.2f} to {line.ratio_upper:.2f})"
                        ),
                        text(p_text(line.ratio_p_value)),
                        text(
                            f"{_signed(line.rate_difference)} ({_signed(line.rate_lower)} to "
                            f"{_signed(line.rate_upper)})"
                        ),
                        text(p_text(line.rate_p_value)),
                        text(str(line.n_control + line.n_treated)),
                        text(line.verdict.replace("_", " ")),
                    )
                )
                for line in result.lines
            ),
            note=text(f"{result.reason[0].upper()}{result.reason[1:]}."),
        ),
    ]


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _associations(found: MarkedTreatment, place: str) -> list[Block]:
    """What was found, in words and as a table, the smallest p first."""
    ordered = sorted(
        (one for one in found.associations if one.p_value is not None),
        key=lambda one: (one.p_value or 0.0, one.marker),
    )
    without = len(found.associations) - len(ordered)
    heading = f"{found.treatment}: {found.response}" if found.treatment else found.response
    against = f" against {found.control}" if found.control else ""
    caption = f"{heading}{against}, {found.n_lines} lines; the smallest p first."
    if len(ordered) > _MOST_ROWS:
        caption += f" {len(ordered) - _MOST_ROWS} more are in the bundle."
    if without:
        caption += f" {without} markers have no number; the bundle says why."
    return [
        Paragraph(content=text(_answer(found, ordered))),
        Table(
            anchor=f"table-markers-{place}",
            caption=text(caption[0].upper() + caption[1:]),
            columns=(
                TableColumn(heading="Marker", width=1.6),
                TableColumn(heading="What", width=2.0),
                TableColumn(heading="Effect (limits)", width=2.4),
                TableColumn(heading="p", width=0.8, align="right"),
                TableColumn(heading="q", width=0.8, align="right"),
                TableColumn(heading="Lines", width=0.7, align="right"),
                TableColumn(heading="Growth of controls (p)", width=2.0),
                TableColumn(heading="Reading", width=1.8),
            ),
            rows=tuple(_row(one, found) for one in ordered[:_MOST_ROWS]),
            note=text(_note(found)),
        ),
    ]


def _note(found: MarkedTreatment) -> str:
    """How lines count, what q is, and what growth of the controls says."""
    weighted = any(one.analysis == "weighted" for one in found.associations)
    return (
        (
            "Lines weigh by the precision of their effect, with the variance between lines; "
            if weighted
            else "All lines count alike; "
        )
        + "q is the share of false discoveries over all markers and treatments of the entry. "
        + (
            "A marker of the growth of controls is prognostic, whatever the drug does."
            if found.prognostic
            else "Without growth of the controls a marker of growth cannot be told from one of "
            "the drug's effect."
        )
    )


def _answer(found: MarkedTreatment, ordered: Sequence[Association]) -> str:
    hits = [
        one.marker
        for one in ordered
        if one.status == "ok" and one.q_value is not None and one.q_value <= DISCOVERED
    ]
    what = found.treatment or found.response
    if hits:
        return (
            f"{what}: {', '.join(hits)} {'goes' if len(hits) == 1 else 'go'} with the response at "
            f"a share of false discoveries of {DISCOVERED:g}."
        )
    return (
        f"{what}: of {len(ordered)} markers none goes with the response at a share of false "
        f"discoveries of {DISCOVERED:g}; with {found.n_lines} lines that excludes large effects "
        "only."
    )


def _row(one: Association, found: MarkedTreatment) -> TableRow:
    prognostic = next((other for other in found.prognostic if other.marker == one.marker), None)
    return TableRow(
        cells=(
            text(one.marker),
            text(one.measure),
            text(_limits(one)),
            text(p_text(one.p_value)),
            text(p_text(one.q_value)),
            text(str(one.n_lines)),
            text(
                "not asked"
                if prognostic is None
                else f"{_number(prognostic.estimate)} ({p_text(prognostic.p_value)})"
            ),
            text(one.reason or one.remark or "ok"),
        )
    )


def _limits(one: Association) -> str:
    words = _number(one.estimate)
    if one.lower is not None and one.upper is not None:
        words += f" ({_number(one.lower)} to {_number(one.upper)})"
    return words


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace("-", "−")
