"""What changed between two guides as a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oncovivo.analyses.guide_diff import PARTS, Change, ClaimChange, GuideDiff, NumberChange
from oncovivo.documents import (
    Badge,
    BadgeKind,
    Block,
    Document,
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
from oncovivo.evidence.claims import Verdict
from oncovivo.guide.diff_words import (
    change_counts,
    field_words,
    marked_texts,
    result_words,
)
from oncovivo.guide.wording import counted

__all__ = ["diff_document"]

_KINDS: Final[dict[str, BadgeKind]] = {"added": "info", "removed": "error", "changed": "neutral"}


def diff_document(diff: GuideDiff) -> Document:
    """The document of a comparison; its date is that of the newer guide.

    Parameters
    ----------
    diff : GuideDiff
        What changed.
    """
    sections = [Section(anchor="summary", title="Summary", blocks=_summary(diff))]
    if diff.claims:
        sections.append(Section(anchor="claims", title="Claims", blocks=_claims(diff.claims)))
    if diff.numbers:
        sections.append(
            Section(anchor="numbers", title="Numbers of results", blocks=_numbers(diff.numbers))
        )
    sections += [
        Section(anchor=part, title=heading, blocks=_part(part, heading, diff.parts[part]))
        for part, heading in PARTS.items()
        if diff.parts.get(part)
    ]
    return Document(
        title="What changed between two guides",
        subtitle=diff.new.title,
        date=diff.new.date,
        sections=tuple(sections),
        keywords=(diff.new.compound, "comparison of guides"),
        generator=diff.new.program,
    )


def _summary(diff: GuideDiff) -> tuple[Block, ...]:
    """The two guides, what became weaker, and how much changed where."""
    blocks: list[Block] = [
        _table(
            "table-guides",
            "The two guides.",
            (("", 1.0), ("Old", 3.0), ("New", 3.0)),
            [
                (text(name), text(old), text(new))
                for name, old, new in (
                    ("Title", diff.old.title, diff.new.title),
                    ("Compound", diff.old.compound, diff.new.compound),
                    ("Date", diff.old.date, diff.new.date),
                    ("Program", diff.old.program, diff.new.program),
                    (
                        "SHA-256 over all inputs, first digits",
                        diff.old.digest[:16],
                        diff.new.digest[:16],
                    ),
                )
            ],
        )
    ]
    if not diff.n_changes:
        said = "Nothing changed: claims, numbers, rows and everything else are the same."
        return (*blocks, Paragraph(content=text(said)))
    weaker = diff.weaker
    if weaker:
        names = ", ".join(claim.id for claim in weaker)
        said = f"The verdict of {counted(len(weaker), 'claim')} became weaker: {names}."
        blocks.append(Note(kind="warning", content=text(said)))
    else:
        blocks.append(Paragraph(content=text("No verdict became weaker.")))
    blocks.append(
        _table(
            "table-counts",
            "How much changed.",
            (("Part", 3.0), ("Changes", 1.0)),
            [(text(part), text(str(count))) for part, count in change_counts(diff).items()],
            right=(1,),
        )
    )
    return tuple(blocks)


def _claims(claims: Sequence[ClaimChange]) -> tuple[Block, ...]:
    """Verdicts that changed first, then sentences and what is declared of them."""
    blocks: list[Block] = []
    turned = [claim for claim in claims if claim.old != claim.new]
    if turned:
        rows = [
            (
                text(claim.id),
                _verdict(claim.old),
                _verdict(claim.new),
                text(claim.new_text or claim.old_text or ""),
            )
            for claim in turned
        ]
        blocks.append(
            _table(
                "table-verdicts",
                "Verdicts that changed.",
                (("Claim", 0.8), ("Old", 1.3), ("New", 1.3), ("Sentence", 5.0)),
                rows,
            )
        )
    reworded = [
        claim
        for claim in claims
        if claim.change == "changed" and (claim.old_text != claim.new_text or claim.slots)
    ]
    if reworded:
        rows = [
            (
                text(claim.id),
                *marked_texts(claim.old_text or "", claim.new_text or ""),
                text("; ".join(map(field_words, claim.slots)) or "–"),
            )
            for claim in reworded
        ]
        blocks.append(
            _table(
                "table-sentences",
                "Sentences that changed, with the words that differ in strong type.",
                (("Claim", 0.8), ("Old", 3.2), ("New", 3.2), ("Numbers in it", 2.0)),
                rows,
            )
        )
    declared = [
        (text(claim.id), text("; ".join(map(field_words, claim.fields))))
        for claim in claims
        if claim.fields
    ]
    if declared:
        blocks.append(
            _table(
                "table-declared",
                "What else differs of a claim: its rows, its query, what it expects.",
                (("Claim", 1.0), ("What differs", 6.0)),
                declared,
            )
        )
    return tuple(blocks)


def _verdict(verdict: Verdict | None) -> tuple[Inline, ...]:
    if verdict is None:
        return text("not there")
    return (Badge(content=verdict.replace("_", " "), kind=verdict),)


def _numbers(numbers: Sequence[NumberChange]) -> tuple[Block, ...]:
    return (
        _table(
            "table-numbers",
            "Results of pools, studies and simulations with the numbers that changed.",
            (("Result", 3.0), ("Old → new (relative change)", 5.0)),
            [(text(result), text(words)) for result, words in result_words(numbers)],
        ),
    )


def _part(part: str, heading: str, changes: Sequence[Change]) -> tuple[Block, ...]:
    rows = [
        (
            text(change.id),
            (Badge(content=change.change, kind=_KINDS[change.change]),),
            text("; ".join(map(field_words, change.fields)) or "–"),
        )
        for change in changes
    ]
    return (
        _table(
            f"table-{part}",
            f"{heading}: what came, went or changed.",
            (("Name", 2.4), ("Change", 1.0), ("What differs", 4.6)),
            rows,
        ),
    )


def _table(
    anchor: str,
    caption: str,
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[tuple[Inline, ...]]],
    *,
    right: Sequence[int] = (),
) -> Table:
    """A table of inlines."""
    return Table(
        anchor=anchor,
        caption=text(caption),
        columns=tuple(
            TableColumn(heading=heading, width=width, align="right" if place in right else "left")
            for place, (heading, width) in enumerate(columns)
        ),
        rows=tuple(
            TableRow(cells=tuple(cell or (Text(content="–"),) for cell in row)) for row in rows
        ),
    )
