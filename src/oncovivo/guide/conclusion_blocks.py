"""What the guide concludes: rankings with uncertainty and certainty, or why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from oncovivo.analyses import Bundle
from oncovivo.analyses.conclusions import Conclusion
from oncovivo.documents import (
    Block,
    Inline,
    Link,
    Paragraph,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.evidence.meta.intervals import two_sided_quantile
from oncovivo.guide.quality_blocks import certainty_of

__all__ = ["conclusion_blocks"]

_QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tumor": "Where is efficacy strongest?",
        "combination": "Which combinations do more than their partners alone foresee?",
        "marker": "Which markers go with response?",
    }
)
_WHAT: Final[Mapping[str, str]] = MappingProxyType(
    {"tumor": "tumor types", "combination": "combinations", "marker": "markers"}
)


def conclusion_blocks(bundle: Bundle) -> tuple[Block, ...]:
    """For each question an answer and a table."""
    return tuple(
        block
        for conclusion in bundle.conclusions
        if conclusion.ranked or conclusion.unranked
        for block in _blocks(conclusion, bundle)
    )


def _blocks(conclusion: Conclusion, bundle: Bundle) -> tuple[Block, ...]:
    question = Text(content=f"{_QUESTIONS[conclusion.subject]} ", style="strong")
    return (
        Paragraph(content=(question, Text(content=_answer(conclusion, bundle)))),
        _table(conclusion, bundle),
    )


def _answer(conclusion: Conclusion, bundle: Bundle) -> str:
    """In a sentence or two, what the ranking says."""
    what = _WHAT[conclusion.subject]
    total = len(conclusion.ranked) + len(conclusion.unranked)
    if conclusion.status == "not_rankable":
        if total == 1:
            without = ", without an effect that may be counted" if not conclusion.ranked else ""
            return (
                f"The evidence cannot rank: there is 1 {what.removesuffix('s')}{without}, and a "
                "ranking takes two."
            )
        have = f"{len(conclusion.ranked) or 'none'} of {total} {what}"
        return (
            f"The evidence cannot rank: {have} {'has' if len(conclusion.ranked) == 1 else 'have'} "
            "an effect with its uncertainty that may be counted, and a ranking takes two. What "
            "stands in the way is in the table."
        )
    if conclusion.status == "tied":
        return (
            f"The evidence cannot tell the {len(conclusion.ranked)} {what} apart: every one of "
            "them may be the first or the last."
        )
    first = conclusion.ranked[0]
    rivals = [one for one in conclusion.ranked[1:] if one.best_rank == 1]
    name = _name(first.name, conclusion, bundle)
    if rivals:
        others = ", ".join(_name(one.name, conclusion, bundle) for one in rivals)
        return (
            f"{name[0].upper()}{name[1:]} has the strongest effect, and the data do not exclude "
            f"that it is stronger in {others}."
        )
    return f"{name[0].upper()}{name[1:]}, ahead of all others beyond their uncertainty."


def _name(name: str, conclusion: Conclusion, bundle: Bundle) -> str:
    if conclusion.subject == "tumor" and name in bundle.identifiers.tumor_types:
        return bundle.identifiers.tumor_types[name].name
    return name


def _named(name: str, conclusion: Conclusion, bundle: Bundle) -> tuple[Inline, ...]:
    words = _name(name, conclusion, bundle)
    filed = {record.filed_under for record in bundle.records}
    if conclusion.subject == "tumor" and name in filed:
        return (Link(content=words, target=f"tumor-{name}"),)
    return text(words)


def _table(conclusion: Conclusion, bundle: Bundle) -> Table:
    rows = dict(conclusion.rows)
    levels = {
        found.tumor: sorted({row.level.replace("_", " ") for row in found.rows if row.level})
        for found in certainty_of(bundle)
    }
    ranked = [
        TableRow(
            cells=(
                _named(one.name, conclusion, bundle),
                text(_places(one.rank, one.best_rank, one.worst_rank)),
                text(_estimate(one.estimate, one.std_error, conclusion)),
                text(", ".join(levels.get(one.name, [])) or "not rated"),
                text(f"rows {', '.join(rows[one.name])}"),
            )
        )
        for one in conclusion.ranked
    ]
    unranked = [
        TableRow(
            cells=(
                _named(one.name, conclusion, bundle),
                text("none"),
                text("none"),
                text(", ".join(levels.get(one.name, [])) or "not rated"),
                text(f"{one.reason[0].upper()}{one.reason[1:]}."),
            )
        )
        for one in conclusion.unranked
    ]
    what = _WHAT[conclusion.subject]
    return Table(
        anchor=f"table-ranking-{conclusion.subject}",
        caption=text(f"{what[0].upper()}{what[1:]} in the order of their effect."),
        columns=(
            TableColumn(heading=what[0].upper() + what[1:-1], width=2.0),
            TableColumn(heading="Rank", width=1.1),
            TableColumn(heading="Effect", width=2.0),
            TableColumn(heading="Certainty", width=1.1),
            TableColumn(heading="Rests on", width=3.8),
        ),
        rows=(*ranked, *unranked),
        note=text(
            f"Effects are {conclusion.scale}, the strongest first. Behind a rank are the ranks "
            f"that the data do not exclude; at {100 * conclusion.level:g} % all of them hold "
            "together. Nothing simulated is ranked."
        ),
    )


def _places(rank: int, best: int, worst: int) -> str:
    return f"{rank}" if best == worst else f"{rank} ({best} to {worst})"


def _estimate(estimate: float, std_error: float, conclusion: Conclusion) -> str:
    half = two_sided_quantile(conclusion.level, None) * std_error
    numbers = (estimate, estimate - half, estimate + half)
    if conclusion.subject == "combination":
        shown = [f"{math.exp(one):.3g}" for one in numbers]
    else:
        shown = [f"{one:.4f}".replace("-", "−") for one in numbers]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"
