"""How the literature was searched and screened: the PRISMA 2020 flow, drawn from the log."""

from __future__ import annotations

from oncovivo.analyses import Bundle
from oncovivo.documents import Block, Figure, Note, Paragraph, text
from oncovivo.evidence.screening import Agreement, Flow, FlowColumn, plot_flow
from oncovivo.figures import to_svg
from oncovivo.guide.wording import counted

__all__ = ["screening_blocks"]


def screening_blocks(bundle: Bundle) -> tuple[Block, ...]:
    """The flow of a guide's screening with what is still open; nothing where there is none."""
    if bundle.screening is None:
        return ()
    flow = bundle.screening.flow
    blocks: list[Block] = []
    if flow.fictitious:
        words = "The records of this screening are made up: it is an example, not a review."
        blocks.append(Note(kind="warning", content=text(words)))
    blocks.append(Paragraph(content=text(_sentence(flow))))
    agreement = " ".join(_agreement(one) for one in bundle.screening.agreement)
    if agreement:
        blocks.append(Paragraph(content=text(agreement)))
    title = "PRISMA 2020 flow diagram" + (f": {flow.title}" if flow.title else "")
    return (
        *blocks,
        Figure(
            anchor="figure-screening",
            svg=to_svg(plot_flow(flow), title=title),
            caption=text(f"{title}. Every number is counted from the log of decisions."),
            description=_in_words(flow),
        ),
    )


def _sentence(flow: Flow) -> str:
    """What came in, what stayed, and what waits."""
    found = flow.searched.n_identified + (0 if flow.other is None else flow.other.n_identified)
    said = (
        f"Of {counted(found, 'record')} that were found, {counted(flow.n_reports, 'report')} of "
        f"{_studies(flow.n_studies)} {'is' if flow.n_reports == 1 else 'are'} included."
    )
    if flow.complete:
        return said
    waits = []
    if flow.n_open:
        waits.append(f"{counted(flow.n_open, 'decision')} on records or reports")
    if flow.n_near_duplicates:
        waits.append(f"{counted(flow.n_near_duplicates, 'pair')} of possible duplicates")
    return f"{said} The screening is not complete: open are {' and '.join(waits)}."


def _studies(number: int) -> str:
    return "1 study" if number == 1 else f"{number} studies"


def _agreement(one: Agreement) -> str:
    """How far two raters agreed."""
    stage = "titles and abstracts" if one.stage == "title_abstract" else "full texts"
    said = (
        f"On {stage} {one.raters[0]} and {one.raters[1]} agreed on {one.n_agreed} of "
        f"{counted(one.n, 'record')}"
    )
    if one.kappa is None or one.lower is None or one.upper is None:
        return f"{said}; kappa is undefined, since both put all into one class."
    limits = f"{one.lower:.2f} to {one.upper:.2f}".replace("-", "−")
    kappa = f"{one.kappa:.2f}".replace("-", "−")
    return f"{said} (Cohen's kappa {kappa}, 95 % limits {limits})."


def _in_words(flow: Flow) -> str:
    """The flow, for those who cannot see it."""
    columns = [("Databases and registers", flow.searched)]
    if flow.other is not None:
        columns.append(("Other methods", flow.other))
    parts = [f"{name}: {_column(column)}" for name, column in columns]
    parts.append(f"included: {counted(flow.n_reports, 'report')} of {_studies(flow.n_studies)}")
    return ". ".join(parts)


def _column(column: FlowColumn) -> str:
    numbers = (
        ("identified", column.n_identified),
        ("removed as duplicates", column.n_duplicates),
        ("screened", column.n_screened),
        ("excluded on title and abstract", column.n_excluded),
        ("waiting for screening", column.n_screening_open),
        ("sought", column.n_sought),
        ("not retrieved", column.n_not_retrieved),
        ("waiting for retrieval", column.n_retrieval_open),
        ("assessed in full text", column.n_assessed),
        *((f"excluded, {reason}", n) for reason, n in column.excluded_reports),
        ("waiting for assessment", column.n_assessment_open),
        ("included", column.n_included),
    )
    return ", ".join(f"{words} {n}" for words, n in numbers)
