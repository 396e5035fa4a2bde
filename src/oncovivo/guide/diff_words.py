"""What changed between two guides, in words: counts, numbers, and texts word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby

from oncovivo.analyses.guide_diff import PARTS, FieldChange, GuideDiff, NumberChange
from oncovivo.documents import Inline, Text

__all__ = [
    "change_counts",
    "field_words",
    "marked_texts",
    "number_words",
    "percent_words",
    "result_words",
]

_NOTHING = "–"


def change_counts(diff: GuideDiff) -> dict[str, int]:
    """How many entries of each part changed; parts without any are left out."""
    counts = {"Claims": len(diff.claims), "Numbers of results": len(diff.numbers)}
    counts |= {heading: len(diff.parts.get(part, ())) for part, heading in PARTS.items()}
    return {heading: count for heading, count in counts.items() if count}


def number_words(value: float | None) -> str:
    """A number to five digits.

    Examples
    --------
    >>> number_words(0.1234567), number_words(None), number_words(12.0)
    ('0.12346', '–', '12')
    """
    return _NOTHING if value is None else f"{value:.5g}".replace("-", "−")


def percent_words(change: NumberChange) -> str:
    """The relative change in percent.

    Examples
    --------
    >>> percent_words(NumberChange(path="x", old=2.0, new=1.5))
    '−25 %'
    >>> percent_words(NumberChange(path="x", old=None, new=1.5)), percent_words(
    ...     NumberChange(path="x", old=0.0, new=1.5)
    ... )
    ('new', '–')
    """
    if change.old is None:
        return "new"
    if change.new is None:
        return "gone"
    if change.relative is None:
        return _NOTHING
    return f"{100 * change.relative:+.3g} %".replace("-", "−")


def result_words(numbers: Sequence[NumberChange]) -> Iterator[tuple[str, str]]:
    """Each result with all its numbers that changed, in their order.

    Examples
    --------
    >>> two = [NumberChange(path="study:s / hazard / p_value", old=0.02, new=0.01)]
    >>> list(result_words(two))
    [('study:s / hazard', 'p value 0.02 → 0.01 (−50 %)')]
    """
    for result, found in groupby(numbers, key=lambda number: number.path.rpartition(" / ")[0]):
        words = (
            f"{number.path.rpartition(' / ')[2].replace('_', ' ')} {number_words(number.old)} → "
            f"{number_words(number.new)} ({percent_words(number)})"
            for number in found
        )
        yield result, "; ".join(words)


def field_words(change: FieldChange) -> str:
    """A field with what stood and stands in it.

    Examples
    --------
    >>> field_words(FieldChange(field="direction", old="benefit", new="harm"))
    'direction: benefit → harm'
    >>> field_words(FieldChange(field="growth", values=12))
    'growth: 12 values'
    """
    if change.old is None and change.new is None:
        return f"{change.field}: {change.values} value{'' if change.values == 1 else 's'}"
    return f"{change.field}: {_value(change.old)} → {_value(change.new)}"


def _value(value: object) -> str:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_words(value) if isinstance(value, float) else str(value)


def marked_texts(old: str, new: str) -> tuple[tuple[Inline, ...], tuple[Inline, ...]]:
    """Two texts, each with the words that the other does not have in strong type.

    Examples
    --------
    >>> before, after = marked_texts("two of nine rows", "two of ten rows")
    >>> [part.content for part in after if part.style == "strong"]
    ['ten']
    """
    one, two = old.split(), new.split()
    before: list[Inline] = []
    after: list[Inline] = []
    for kind, i, j, k, n in SequenceMatcher(a=one, b=two, autojunk=False).get_opcodes():
        for line, words in ((before, one[i:j]), (after, two[k:n])):
            if words:
                if line:
                    line.append(Text(content=" "))
                same = kind == "equal"
                line.append(Text(content=" ".join(words), style="plain" if same else "strong"))
    return tuple(before), tuple(after)
