"""Claims as sentences with a verdict, and as cards that show what stands behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from oncovivo.documents import (
    Badge,
    Card,
    Inline,
    Link,
    Paragraph,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence import Claim, ClaimResult, FilledSlot, Identifiers
from oncovivo.evidence.claims import Verdict
from oncovivo.guide.citing import Citations
from oncovivo.guide.study_label import SIMULATED
from oncovivo.guide.wording import computed_as, counted, query_words

__all__ = [
    "VERDICT_WORDS",
    "carried_table",
    "claim_cards",
    "row_links",
    "sentence",
    "verdict_line",
    "verdict_table",
]

MOST_ROWS_REPEATED = 12
MOST_CITED = 8
MOST_CARRIED = 3
EFFICACY = ("evidence", "combinations", "conclusions")

VERDICT_WORDS: dict[Verdict, tuple[str, str]] = {
    "supported": ("supported", "enough independent sources support it and none contradicts"),
    "partly_supported": ("partly supported", "too few sources support it, or some contradict"),
    "contradicted": ("contradicted", "at least as many sources contradict as support it"),
    "unsupported": ("unsupported", "no row of its source matches its query"),
    "uncited": ("uncited", "a factual statement without any source"),
    "opinion": ("opinion", "declared to have no testable content"),
}
"""Each verdict: the word that is printed, and what it means."""

# A study or a simulation is one work, whose rows agree with a sentence or do not.
_ONE_WORK_MEANING: dict[Verdict, str] = {
    "supported": "the {word} supports it and none of its rows contradicts",
    "partly_supported": "the {word} neither supports nor contradicts it",
    "contradicted": "a row of the {word} contradicts it",
}

# What is pooled has the works of its rows; nothing may be pooled at all.
_POOLED_MEANING: dict[Verdict, str] = {
    "unsupported": "nothing that its query asks for is pooled; the section of the tumor type says "
    "what stands in the way",
}

_SIMULATED_KINDS = {"simulation": "a simulation", "study": "a simulated study"}


def verdict_badge(result: ClaimResult) -> Badge:
    """The verdict as a label that leads to the claim's card."""
    return Badge(
        content=VERDICT_WORDS[result.verdict][0],
        kind=result.verdict,
        target=f"claim-{result.claim.id}",
    )


def sentence(result: ClaimResult, citations: Citations, *, place: Link | None = None) -> Sentence:
    """One tested sentence; its numbers lead to the rows they were computed from.

    One that rests on a simulation or on a simulated study says so before its first word. `place`
    is the part of a study that it rests on, where that is not all of the study.
    """
    content: list[Inline] = [SIMULATED, Text(content=" ")] if result.simulated else []
    for part in result.parts:
        if isinstance(part, str):
            content.append(Text(content=part))
        else:
            content.append(Link(content=part.text, target=_slot_anchor(result.claim, part.name)))
    content += _spaced(_cited(result, citations, place))
    return Sentence(
        anchor=f"sentence-{result.claim.id}",
        content=tuple(content),
        verdict=verdict_badge(result),
        detail=f"claim-{result.claim.id}",
    )


def _cited(result: ClaimResult, citations: Citations, place: Link | None) -> tuple[Inline, ...]:
    """The works behind a sentence; of many, the first few and a link to the others."""
    keys = tuple(
        dict.fromkeys((*_pool_of(result.claim), *result.claim.cites, *_deciding_sources(result)))
    )
    cited = citations.cite(keys[:MOST_CITED], place=place)
    if len(keys) <= MOST_CITED:
        return cited
    more = Link(content=f"{len(keys) - MOST_CITED} more", target=f"claim-{result.claim.id}")
    return (*cited, Text(content=" and "), more)


def _pool_of(claim: Claim) -> tuple[str, ...]:
    """The pools that a claim is tested against, which are cited before their works."""
    origin = claim.origin
    if claim.source is None or origin is None or origin.kind.word != "meta":
        return ()
    return (claim.source,)


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


def claim_cards(
    result: ClaimResult, identifiers: Identifiers, citations: Citations
) -> tuple[Card, ...]:
    """The card of a claim, followed by one for each number in its sentence."""
    claim = result.claim
    items: list[tuple[str, tuple[Inline, ...]]] = [
        ("sentence", text(result.text)),
        ("verdict", (verdict_badge(result), Text(content=f" {_meaning(result)}"))),
    ]
    if claim.source is not None:
        items += _tested(result, identifiers, citations)
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
            title=text(f"“{slot.text}” in claim {claim.id}"),
            items=(
                ("is the", text(computed_as(slot.function, identifiers))),
                ("over", _slot_rows(slot, result)),
            ),
            brief=True,
        )
        for slot in result.slots
    )
    return (card, *numbers)


def _meaning(result: ClaimResult) -> str:
    """What the verdict of a claim means."""
    meaning = VERDICT_WORDS[result.verdict][1]
    if _pool_of(result.claim):
        return _POOLED_MEANING.get(result.verdict, meaning)
    word = _one_work(result.claim)
    return _ONE_WORK_MEANING.get(result.verdict, meaning).format(word=word) if word else meaning


def _one_work(claim: Claim) -> str:
    """What a claim is tested against where that is one work; empty otherwise."""
    origin = claim.origin
    return origin.kind.word if origin is not None and origin.kind.one_work else ""


def _tested(
    result: ClaimResult, identifiers: Identifiers, citations: Citations
) -> list[tuple[str, tuple[Inline, ...]]]:
    """What was asked of the rows, and which answered how."""
    claim = result.claim
    if claim.where:
        asked = query_words(claim.where, identifiers, citations)
    else:
        asked = text("every row that may carry a claim")
    items = [("query", asked)]
    word = _one_work(claim)
    if word and claim.source is not None:
        items.insert(0, ("tested against", (*citations.cite((claim.source,)), *_behind(result))))
    else:
        if _pool_of(claim):
            behind = f": pooled from {counted(len(result.sources), 'independent work')}"
            against = (*citations.cite(_pool_of(claim)), *(text(behind) if result.rows else ()))
            items.insert(0, ("tested against", against))
        items.append(("needs", text(counted(claim.needs.sources, "independent work"))))
    if not result.rows:
        return [*items, ("rows", text("none"))]
    for label, query, rows, works in (
        ("supporting", claim.supports, result.supporting, result.supporting_sources),
        ("contradicting", claim.contradicts, result.contradicting, result.contradicting_sources),
    ):
        if query:
            words = (
                *query_words(query, identifiers, citations),
                Text(content=": "),
                *_rows_and_works(rows, works, word or "work"),
            )
            items.append((label, words))
    deciding = {*result.supporting, *result.contradicting}
    others = [row for row in result.rows if row not in deciding]
    if others:
        items.append(("neither", row_links(others)))
    if result.decisive:
        items.append(("stands or falls with", _decisive(result)))
    elif result.not_decisive:
        items.append(("stands or falls with", text(f"no single row: {result.not_decisive}")))
    return items


def _decisive(result: ClaimResult) -> tuple[Inline, ...]:
    """Rows without any one of which the verdict is another, by that verdict."""
    by_verdict: dict[str, list[str]] = {}
    for row, verdict in result.decisive:
        by_verdict.setdefault(VERDICT_WORDS[verdict][0], []).append(row)
    parts: list[Inline] = []
    for word, rows in by_verdict.items():
        before = "; without one of " if parts else "without one of "
        parts += [
            Text(content=before if len(rows) > 1 else before.replace("one of ", "")),
            *row_links(rows),
            Text(content=f" it is {word}"),
        ]
    return tuple(parts)


def _slot_rows(slot: FilledSlot, result: ClaimResult) -> tuple[Inline, ...]:
    """The rows behind a number; a long list that the claim's card holds is not repeated."""
    if len(slot.rows) > MOST_ROWS_REPEATED and slot.rows == result.rows:
        words = f"all {len(slot.rows)} rows of claim {result.claim.id}"
        return (Link(content=words, target=f"claim-{result.claim.id}"),)
    of = Link(content=f"claim {result.claim.id}", target=f"claim-{result.claim.id}")
    if not slot.rows:
        return (Text(content="no row of "), of)
    return (*row_links(slot.rows), Text(content=" of "), of)


def _behind(result: ClaimResult) -> tuple[Inline, ...]:
    """That rows are one work, and how much of what is behind them was not measured."""
    words = ": one work, however many rows"
    if result.simulated:
        words += "; no animal was involved"
    if result.assumed_count is not None and result.scaled_count is not None:
        words += (
            f". Behind a row up to {counted(result.assumed_count, 'number')} "
            f"{'is' if result.assumed_count == 1 else 'are'} assumed and up to "
            f"{result.scaled_count} scaled"
        )
    return text(f"{words}.")


def _rows_and_works(rows: Sequence[str], works: Sequence[str], noun: str) -> tuple[Inline, ...]:
    """Row links, and from how many works they come; each row's card names its work."""
    if not rows:
        return row_links(rows)
    return (*row_links(rows), Text(content=f", from {counted(len(works), noun)}"))


def _spaced(inlines: tuple[Inline, ...]) -> tuple[Inline, ...]:
    return (Text(content=" "), *inlines) if inlines else ()


def verdict_line(results: Sequence[ClaimResult]) -> Paragraph:
    """How many sentences got which verdict, in one line."""
    counts = Counter(result.verdict for result in results)
    content: list[Inline] = [Text(content=f"{counted(len(results), 'sentence')}:")]
    for verdict, (word, _) in VERDICT_WORDS.items():
        if counts[verdict]:
            content.append(Text(content=" "))
            content.append(Badge(content=f"{counts[verdict]} {word}", kind=verdict))
    simulated = [result for result in results if result.simulated]
    if simulated:
        rest = "rests" if len(simulated) == 1 else "rest"
        kinds = {_one_work(result.claim) for result in simulated}
        on = " or ".join(words for kind, words in _SIMULATED_KINDS.items() if kind in kinds)
        words = f". Of these, {len(simulated)} {rest} on {on} and not on evidence: marked "
        content += [Text(content=words), SIMULATED, Text(content=".")]
    return Paragraph(content=tuple(content))


def carried_table(results: Sequence[ClaimResult]) -> Table | None:
    """What the rows on efficacy carry most, what they contradict most and where there are none.

    Sentences of the summary are left out, since they stand beside the table, and so are those that
    rest on what is simulated. None when no other sentence on efficacy got one of these verdicts.
    """
    on_efficacy = [
        result for result in results if result.claim.section in EFFICACY and not result.simulated
    ]
    chosen: list[ClaimResult] = []
    for verdict in ("supported", "contradicted", "unsupported"):
        of_verdict = [result for result in on_efficacy if result.verdict == verdict]
        of_verdict.sort(key=_works_behind, reverse=True)
        chosen += of_verdict[:MOST_CARRIED]
    if not chosen:
        return None
    return Table(
        anchor="table-carried",
        caption=text(
            "What the evidence on efficacy carries, what it contradicts and where there is none: "
            f"up to {MOST_CARRIED} sentences each, those with most independent works."
        ),
        columns=(
            TableColumn(heading="Verdict", width=1.3),
            TableColumn(heading="Sentence", width=6),
            TableColumn(heading="Works for", width=0.7, align="right"),
            TableColumn(heading="Works against", width=0.8, align="right"),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    (verdict_badge(result),),
                    text(result.text),
                    text(str(len(result.supporting_sources))),
                    text(str(len(result.contradicting_sources))),
                )
            )
            for result in chosen
        ),
    )


def _works_behind(result: ClaimResult) -> int:
    return len(result.supporting_sources) + len(result.contradicting_sources)


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
        caption=text(f"The verdicts of {counted(len(results), 'sentence')}."),
        columns=(
            TableColumn(heading="Verdict", width=1.5),
            TableColumn(heading="Count", width=0.8, align="right"),
            TableColumn(heading="Meaning", width=3),
            TableColumn(heading="Claims", width=4),
        ),
        rows=tuple(rows),
    )
