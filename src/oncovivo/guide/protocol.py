"""A protocol as a document of its own, and as a part of a guide."""

from __future__ import annotations

from datetime import date

from oncovivo.analyses.design_protocol import FileProtocol, ProtocolResult
from oncovivo.documents import (
    Block,
    Document,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.guide.citing import Citations
from oncovivo.guide.protocol_blocks import (
    checklist_sections,
    open_blocks,
    protocol_sections,
    state_table,
)
from oncovivo.version import __version__

__all__ = ["protocol_document", "protocol_part"]

_FRAME = (
    "Each statement names its references, is marked as the study's own choice, or was computed "
    "from a file of the design by the program that carries the design out."
)


def protocol_document(protocol: FileProtocol, *, printed: date) -> Document:
    """A protocol to print: state, open items, plan, checklists, references, files.

    Parameters
    ----------
    protocol : FileProtocol
        The protocol.
    printed : date
        Date that the page shows.
    """
    result = protocol.result
    citations = Citations(protocol.library)
    plan = protocol_sections(result, citations, level=2)
    sections = [
        Section(
            anchor="protocol-state",
            title="At a glance",
            blocks=(*_remark(result), state_table(result)),
        ),
        Section(anchor="protocol-open", title="Open items", blocks=open_blocks(result)),
        Section(anchor="protocol-plan", title="The plan", blocks=(_frame(),)),
        *plan,
        Section(anchor="protocol-checklists", title="Checklists"),
        *checklist_sections(result, level=2),
    ]
    bibliography = citations.bibliography()
    if bibliography.entries:
        sections.append(Section(anchor="references", title="References", blocks=(bibliography,)))
    sections.append(Section(anchor="files", title="Files", blocks=_files(result)))
    return Document(
        title=result.title,
        subtitle="Protocol" + (f", version {result.version}" if result.version else ""),
        date=printed.isoformat(),
        sections=tuple(sections),
        authors=result.authors,
        keywords=("protocol", "ARRIVE", "PREPARE"),
        generator=f"oncovivo {__version__}",
    )


def protocol_part(result: ProtocolResult, citations: Citations) -> tuple[Section, ...]:
    """The protocol of the next study as subsections of a guide's protocol section.

    Parameters
    ----------
    result : ProtocolResult
        The protocol, as the bundle holds it.
    citations : Citations
        Of the guide.
    """
    return (
        Section(
            anchor="protocol-next",
            title=f"The next study: {result.title}",
            level=2,
            blocks=(*_remark(result), _frame(), state_table(result)),
        ),
        Section(anchor="protocol-open", title="Open items", level=3, blocks=open_blocks(result)),
        *protocol_sections(result, citations, level=3),
        *checklist_sections(result, level=3),
    )


def _remark(result: ProtocolResult) -> tuple[Block, ...]:
    """What a reader must know first."""
    return (Note(kind="info", content=text(result.remark)),) if result.remark else ()


def _frame() -> Paragraph:
    """How to read the tables."""
    return Paragraph(content=text(_FRAME))


def _files(result: ProtocolResult) -> tuple[Block, ...]:
    """The files that the protocol was made from."""
    words = f"Made by oncovivo {__version__} from these files."
    if result.seed is not None:
        words += (
            f" The allocation was drawn with seed {result.seed}: keep this page from those who "
            "are not to know the arms, or print it with --blinded."
        )
    return (
        Paragraph(content=text(words)),
        Table(
            anchor="table-protocol-files",
            caption=text("Files with their SHA-256."),
            columns=(
                TableColumn(heading="File", width=1.4),
                TableColumn(heading="SHA-256", width=4),
            ),
            rows=tuple(
                TableRow(cells=(text(file.name), (Text(content=file.sha256, style="code"),)))
                for file in result.inputs
            ),
        ),
    )
