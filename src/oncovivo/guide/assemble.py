"""A bundle as a document: every sentence, table and figure of the guide in its section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from oncovivo.analyses import SECTIONS, Bundle, PlacedDiagram, SectionId
from oncovivo.documents import (
    Block,
    Document,
    Figure,
    Inline,
    Link,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.figures import draw_diagram, edge_rows
from oncovivo.guide.citing import Citations
from oncovivo.guide.combination_blocks import combination_sections
from oncovivo.guide.conclusion_blocks import conclusion_blocks
from oncovivo.guide.estimand_blocks import estimand_blocks, estimand_links
from oncovivo.guide.evidence_map import evidence_map_figure
from oncovivo.guide.findings import finding_blocks, provenance_blocks
from oncovivo.guide.marker_blocks import marker_sections
from oncovivo.guide.pictures import picture
from oncovivo.guide.pool_blocks import design_facts, pool_blocks, pool_links, pool_places
from oncovivo.guide.protocol import protocol_part
from oncovivo.guide.quality_blocks import (
    certainty_of,
    certainty_table,
    downgrade_table,
    quality_blocks,
)
from oncovivo.guide.rows import (
    combination_table,
    marker_table,
    regimen_table,
    row_card,
    rows_table,
    states_table,
    tumor_types,
    words_table,
)
from oncovivo.guide.screening_blocks import screening_blocks
from oncovivo.guide.sentences import (
    carried_table,
    claim_cards,
    sentence,
    verdict_line,
    verdict_table,
)
from oncovivo.guide.simulation_blocks import simulation_links, simulation_sections
from oncovivo.guide.studies import study_section
from oncovivo.guide.study_row_blocks import (
    combination_places,
    study_links,
    study_references,
    study_row_section,
)

__all__ = ["assemble_guide"]


def assemble_guide(bundle: Bundle) -> Document:
    """The document of a bundle; the same bundle gives the same document."""
    citations = Citations(
        bundle.library,
        {
            **study_links(bundle.studies),
            **simulation_links(bundle.simulations),
            **pool_links(bundle.pools),
        },
        study_references(bundle),
    )
    places = {**combination_places(bundle), **pool_places(bundle.pools, bundle.claims)}
    sections: list[Section] = []
    simulations = simulation_sections(bundle.simulations, order=tuple(SECTIONS))
    for section, title in SECTIONS.items():
        sections += _section(section, title, bundle, citations, simulations, places)
    sections += _appendix(bundle, citations)
    settings = bundle.settings
    return Document(
        title=settings.title,
        subtitle=settings.subtitle,
        date=bundle.provenance.date,
        sections=tuple(sections),
        authors=settings.authors,
        keywords=(settings.compound, "xenograft", "comparative efficacy", "evidence"),
        language=settings.language,
        generator=bundle.provenance.program,
    )


def _section(
    section: SectionId,
    title: str,
    bundle: Bundle,
    citations: Citations,
    simulations: Mapping[SectionId, Sequence[Section]],
    places: Mapping[str, Link],
) -> tuple[Section, ...]:
    """One chapter and its subsections; nothing when the guide has nothing to put there."""
    blocks: list[Block] = []
    for entry in bundle.texts:
        if entry.section == section:
            content: tuple[Inline, ...] = text(entry.body)
            if entry.cites:
                content = (*content, Text(content=" "), *citations.cite(entry.cites))
            blocks.append(Paragraph(content=content))
    if section == "summary" and bundle.claims:
        blocks.append(verdict_line(bundle.claims))
    blocks += [
        sentence(result, citations, place=places.get(result.claim.id))
        for result in bundle.claims
        if result.claim.section == section
    ]
    if section == "summary" and bundle.claims:
        carried = carried_table(bundle.claims)
        blocks += [] if carried is None else [carried]
        blocks.append(verdict_table(bundle.claims))
    for placed in bundle.diagrams:
        if placed.section == section:
            blocks += _diagram_blocks(placed, citations)
    blocks += _computed(section, bundle, citations)
    below = _subsections(section, bundle, citations, simulations)
    if not blocks and not below:
        return ()
    return (Section(anchor=section, title=title, blocks=tuple(blocks)), *below)


def _computed(section: SectionId, bundle: Bundle, citations: Citations) -> list[Block]:
    """The tables and figures that a section computes from the rows."""
    records, identifiers = bundle.records, bundle.identifiers
    if section == "evidence":
        return _evidence(bundle, citations)
    if section == "conclusions":
        return [*conclusion_blocks(bundle)]
    if not records:
        return []
    if section == "protocol":
        table = regimen_table(records, identifiers, citations)
    elif section == "combinations":
        table = combination_table(records, identifiers, citations)
    elif section == "markers":
        table = marker_table(records, identifiers, citations)
    elif section == "gaps":
        table = states_table(records)
    else:
        table = None
    return [] if table is None else [table]


def _evidence(bundle: Bundle, citations: Citations) -> list[Block]:
    """How rows were found, where they lie, how certain they make one, and how good they are."""
    blocks: list[Block] = [*screening_blocks(bundle)]
    if bundle.records or bundle.studies:
        blocks.append(evidence_map_figure(bundle))
    certainty = certainty_table(bundle, certainty_of(bundle))
    if certainty is not None:
        blocks.append(certainty)
    return [*blocks, *quality_blocks(bundle, citations)]


def _subsections(
    section: SectionId,
    bundle: Bundle,
    citations: Citations,
    simulations: Mapping[SectionId, Sequence[Section]],
) -> tuple[Section, ...]:
    """Tumor types below the evidence; studies and simulations below their section."""
    found: list[Section] = []
    if section == "evidence":
        certainty = {one.tumor: one.rows for one in certainty_of(bundle)}
        facts = design_facts(bundle)
        effects = {one.tumor: one for one in bundle.estimands}
        origins = estimand_links(bundle.studies, bundle.simulations)
        for code in tumor_types(bundle.records):
            filed = [record for record in bundle.records if record.filed_under == code]
            name = bundle.identifiers.tumor_types[code].name
            found.append(
                Section(
                    anchor=f"tumor-{code}",
                    title=name[0].upper() + name[1:],
                    level=2,
                    blocks=(
                        *(
                            block
                            for pools in bundle.pools
                            if pools.tumor == code
                            for block in pool_blocks(pools, name, facts, citations)
                        ),
                        *(
                            table
                            for number, row in enumerate(certainty.get(code, ()), start=1)
                            if (table := downgrade_table(code, row, number)) is not None
                        ),
                        *(
                            estimand_blocks(effects[code], name, origins, citations)
                            if code in effects
                            else ()
                        ),
                        rows_table(code, filed, bundle.identifiers, citations),
                    ),
                )
            )
    found += [
        study_section(study, bundle.library, citations)
        for study in bundle.studies
        if study.section == section
    ]
    found += combination_sections(bundle.studies, section)
    found += marker_sections(bundle, section, citations)
    if section == "protocol" and bundle.protocol is not None:
        found += protocol_part(bundle.protocol, citations)
    found += simulations.get(section, ())
    return tuple(found)


def _diagram_blocks(placed: PlacedDiagram, citations: Citations) -> tuple[Block, ...]:
    """A diagram and the table of its numbered arrows with their sources."""
    diagram = placed.diagram
    figure = Figure(
        anchor=f"figure-{placed.id}",
        svg=picture("diagram", diagram, draw=partial(draw_diagram, diagram)),
        caption=text(f"{placed.title}. The numbers are those of the table of arrows."),
        description=diagram.description,
    )
    table = Table(
        anchor=f"table-edges-{placed.id}",
        caption=text(f"{placed.title}: each arrow with its source."),
        columns=(
            TableColumn(heading="No.", width=0.5, align="right"),
            TableColumn(heading="From", width=1.6),
            TableColumn(heading="Arrow", width=1.3),
            TableColumn(heading="To", width=1.6),
            TableColumn(heading="What is known", width=3.8),
            TableColumn(heading="Source", width=1.8),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(str(edge.number)),
                    text(edge.start),
                    text(edge.kind.replace("_", " ")),
                    text(edge.end),
                    text(edge.label),
                    citations.cite(edge.sources)
                    if edge.sources
                    else text(f"assumed: {edge.assumed}"),
                )
            )
            for edge in edge_rows(diagram)
        ),
    )
    return (figure, table)


def _seeds(bundle: Bundle) -> dict[str, int]:
    """Seeds of what was drawn at random: resampled studies and simulations."""
    studies = {f"the study {study.title}": study.seed for study in bundle.studies}
    simulations = {
        f"the simulation {placed.result.name}": placed.result.seed
        for placed in bundle.simulations
        if placed.result.draws
    }
    return {**studies, **simulations}


def _appendix(bundle: Bundle, citations: Citations) -> tuple[Section, ...]:
    """Findings, cards of claims and rows, rows of studies, references, provenance."""
    claims: Sequence[Block] = [
        card
        for result in bundle.claims
        for card in claim_cards(result, bundle.identifiers, citations)
    ]
    rows: Sequence[Block] = [
        row_card(record, bundle.identifiers, citations) for record in bundle.records
    ]
    of_studies = study_row_section(bundle)
    sections = [
        Section(
            anchor="findings",
            title="Lint findings and waivers",
            blocks=finding_blocks(bundle.findings),
        ),
        Section(
            anchor="claims",
            title="The claims in detail",
            begins="page",  # typst sets what page breaks part at the same time
            blocks=(
                Paragraph(
                    content=text(
                        "For each sentence: its query, the rows that match it and support it, "
                        "contradict it or do neither, and what each of its numbers was computed "
                        "from."
                    )
                ),
                *claims,
            ),
        ),
        Section(
            anchor="rows",
            title="The rows in detail",
            begins="page",
            blocks=(
                Paragraph(
                    content=text(
                        "Every row with every field. What has no value says why: not reported "
                        "(the source was read and does not give it), not extracted (nobody has "
                        "looked), not accessible (that part of the source could not be read), not "
                        "applicable (the question makes no sense for the row)."
                    )
                ),
                words_table(bundle.records),
                *rows,
            ),
        ),
        *(() if of_studies is None else (of_studies,)),
        Section(anchor="references", title="References", blocks=(citations.bibliography(),)),
        Section(
            anchor="provenance",
            title="Provenance",
            blocks=provenance_blocks(bundle.provenance, _seeds(bundle)),
        ),
    ]
    shown = {"claims": bool(claims), "rows": bool(rows), "references": bool(len(bundle.library))}
    return tuple(section for section in sections if shown.get(section.anchor, True))
