"""Claims as sentences with a verdict, and as cards that show what stands behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from oncovivo.documents import (
    Badge,
    Block,
    Card,
    Inline,
    Link,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence import Claim, ClaimResult, FilledSlot
from oncovivo.evidence.claims import Query, Verdict
from oncovivo.guide.citing import Citations

__all__ = ["VERDICT_WORDS", "claim_cards", "row_links", "sentence", "verdict_table"]

MOST_ROWS_REPEATED = 12
MOST_CITED = 8

VERDICT_WORDS: dict[Verdict, tuple[str, str]] = {
    "supported": ("supported", "enough independent sources support it and none contradicts"),
    "partly_supported": ("partly supported", "too few sources support it, or some contradict"),
    "contradicted": ("contradicted", "at least as many sources contradict as support it"),
    "unsupported": ("unsupported", "no row of the evidence matches its query"),
    "uncited": ("uncited", "a factual statement without any source"),
    "opinion": ("opinion", "declared to have no testable content"),
}
"""Each verdict: the word that is printed, and what it means."""


def verdict_badge(result: ClaimResult) -> Badge:
    """The verdict as a label that leads to the claim's card."""
    return Badge(
        content=VERDICT_WORDS[result.verdict][0],
        kind=result.verdict,
        target=f"claim-{result.claim.id}",
    )


def sentence(result: ClaimResult, citations: Citations) -> Sentence:
    """One tested sentence; its numbers lead to the rows they were computed from."""
    content: list[Inline] = []
    for part in result.parts:
        if isinstance(part, str):
            content.append(Text(content=part))
        else:
            content.append(Link(content=part.text, target=_slot_anchor(result.claim, part.name)))
    content += _spaced(_cited(result, citations))
    return Sentence(
        anchor=f"sentence-{result.claim.id}",
        content=tuple(content),
        verdict=verdict_badge(result),
        detail=f"claim-{result.claim.id}",
    )


def _cited(result: ClaimResult, citations: Citations) -> tuple[Inline, ...]:
    """The works behind a sentence; of many, the first few and a link to the others."""
    keys = tuple(dict.fromkeys((*result.claim.cites, *_deciding_sources(result))))
    cited = citations.cite(keys[:MOST_CITED])
    if len(keys) <= MOST_CITED:
        return cited
    more = Link(content=f"{len(keys) - MOST_CITED} more", target=f"claim-{result.claim.id}")
    return (*cited, Text(content=" and "), more)


def _deciding_sources(result: ClaimResult) -> tuple[str, ...]:
    """The works that decide the verdict; all that match when none was asked to decide."""
    deciding = (*result.supporting_sources, *result.contradicting_sources)
    return deciding or result.sources


def _slot_anchor(claim: Claim, name: str) -> str:
    return f"number-{claim.id}-{name}"


def row_links(rows: Iterable[str]) -> tuple[Inline, ...]:
    """Row ids as links to their cards, separated by commas; a dash for none."""
    inlines: list[Inline] = []
    for row in rows:
        if inlines:
            inlines.append(Text(content=", "))
        inlines.append(Link(content=row, target=f"row-{row}"))
    return tuple(inlines) or text("none")


def claim_cards(result: ClaimResult, citations: Citations) -> tuple[Block, ...]:
    """The card of a claim, followed by one for each number in its sentence."""
    claim = result.claim
    items: list[tuple[str, tuple[Inline, ...]]] = [
        ("sentence", text(result.text)),
        ("verdict", (verdict_badge(result), Text(content=f" {VERDICT_WORDS[result.verdict][1]}"))),
    ]
    if claim.source is not None:
        needed = f"{claim.needs.sources} independent source" + (
            "" if claim.needs.sources == 1 else "s"
        )
        items += [
            ("query", text(_query(claim.where) or "every row")),
            ("needs", text(needed)),
            (
                "supporting",
                (
                    Text(content=f"{_query(claim.supports) or 'nothing'}: "),
                    *_rows_and_works(result.supporting, result.supporting_sources),
                ),
            ),
            (
                "contradicting",
                (
                    Text(content=f"{_query(claim.contradicts) or 'nothing'}: "),
                    *_rows_and_works(result.contradicting, result.contradicting_sources),
                ),
            ),
        ]
        others = set(result.rows) - set(result.supporting) - set(result.contradicting)
        items.append(("matching, neither", row_links(row for row in result.rows if row in others)))
    if claim.cites:
        items.append(("also cites", citations.cite(claim.cites)))
    if claim.approval is not None:
        approval = claim.approval
        items.append(
            ("approval", text(f"{approval.jurisdiction}, {approval.date}, {approval.label}"))
        )
    if claim.note:
        items.append(("note", text(claim.note)))
    card = Card(anchor=f"claim-{claim.id}", title=text(f"Claim {claim.id}"), items=tuple(items))
    numbers = tuple(
        Card(
            anchor=_slot_anchor(claim, slot.name),
            title=text(f"{slot.text}: a number of claim {claim.id}"),
            items=(
                ("computed as", text(f"{slot.function}, over the rows that match the query")),
                ("from rows", _slot_rows(slot, result)),
                ("claim", (Link(content=claim.id, target=f"claim-{claim.id}"),)),
            ),
        )
        for slot in result.slots
    )
    return (card, *numbers)


def _slot_rows(slot: FilledSlot, result: ClaimResult) -> tuple[Inline, ...]:
    """The rows behind a number; a long list that the claim's card holds is not repeated."""
    if len(slot.rows) > MOST_ROWS_REPEATED and slot.rows == result.rows:
        words = f"all {len(slot.rows)} rows of claim {result.claim.id}"
        return (Link(content=words, target=f"claim-{result.claim.id}"),)
    return row_links(slot.rows)


def _rows_and_works(rows: Sequence[str], works: Sequence[str]) -> tuple[Inline, ...]:
    """Row links, and from how many works they come; each row's card names its work."""
    if not rows:
        return row_links(rows)
    noun = "work" if len(works) == 1 else "works"
    return (*row_links(rows), Text(content=f", from {len(works)} {noun}"))


def _spaced(inlines: tuple[Inline, ...]) -> tuple[Inline, ...]:
    return (Text(content=" "), *inlines) if inlines else ()


def _query(query: Query) -> str:
    """A query in words: ``direction is benefit or mixed; oncotree is MCL``."""
    return "; ".join(
        f"{column} is {' or '.join(str(value) for value in accepted)}"
        for column, accepted in query.items()
    )


def verdict_table(results: Sequence[ClaimResult]) -> Table:
    """How many sentences got which verdict, and which."""
    counts = Counter(result.verdict for result in results)
    rows = []
    for verdict, (word, meaning) in VERDICT_WORDS.items():
        if not counts[verdict]:
            continue
        links: list[Inline] = []
        for result in results:
            if result.verdict == verdict:
                links += [Text(content=", ")] if links else []
                links.append(Link(content=result.claim.id, target=f"claim-{result.claim.id}"))
        rows.append(
            TableRow(
                cells=(
                    (Badge(content=word, kind=verdict),),
                    text(str(counts[verdict])),
                    text(meaning),
                    tuple(links),
                )
            )
        )
    return Table(
        anchor="table-verdicts",
        caption=text(f"Verdicts of the {len(results)} sentences of this guide."),
        columns=(
            TableColumn(heading="Verdict", width=1.5),
            TableColumn(heading="Number", width=0.8, align="right"),
            TableColumn(heading="Meaning", width=3),
            TableColumn(heading="Claims", width=4),
        ),
        rows=tuple(rows),
    )
