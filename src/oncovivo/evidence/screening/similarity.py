"""How alike two records are: titles letter by letter, authors, years, journals and pages."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from oncovivo.evidence.screening.found import FoundRecord
from oncovivo.evidence.screening.identifiers import first_page

__all__ = [
    "SCORE_WEIGHTS",
    "Comparison",
    "Fingerprint",
    "compare",
    "fingerprint",
    "normal_words",
    "pairs_of_like_titles",
    "title_similarity",
]

SCORE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"title": 0.50, "author": 0.15, "year": 0.10, "journal": 0.10, "pages": 0.15}
)
"""Weight of each agreement in the score; what either record lacks is left out of the mean."""

_TAG: Final = re.compile(r"</?(?:i|b|em|strong|sub|sup|scp|jats:[a-z]+)>", re.IGNORECASE)
_NOT_WORD: Final = re.compile(r"[^0-9a-z]+")
_ROMAN: Final = re.compile(r"(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})")
# How many rare pieces two titles must share to be compared; more makes fewer comparisons and more
# counting. Found by trying 10,000 titles; the result does not depend on it.
_SHARED: Final = 12
_INITIALS: Final = re.compile(r"(?:[A-Z]\.?[- ]?){1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What of a record is compared, in one spelling; unknown parts are empty."""

    record: FoundRecord
    title: str
    trigrams: frozenset[str]
    numerals: tuple[str, ...]
    author: str
    journal: str
    volume: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Agreement of two records: 0 to 1 for each part, None where either lacks it.

    ``score`` is their mean with ``SCORE_WEIGHTS``.
    """

    title: float
    author: float | None
    year: float | None
    journal: float | None
    pages: float | None

    @property
    def score(self) -> float:
        """Weighted mean of the known parts."""
        known = [
            (weight, value)
            for name, weight in SCORE_WEIGHTS.items()
            if (value := getattr(self, name)) is not None
        ]
        return math.fsum(w * v for w, v in known) / math.fsum(w for w, _ in known)


def normal_words(text: str) -> str:
    """Words in lower case without accents and signs; Greek letters by their names.

    Examples
    --------
    >>> normal_words("TGF-β in <i>Özlem's</i> mice")
    'tgf beta in ozlem s mice'
    """
    letters = []
    for sign in unicodedata.normalize("NFKD", _TAG.sub("", text).casefold()):
        if unicodedata.combining(sign):
            continue
        name = unicodedata.name(sign, "") if "\u0370" <= sign <= "\u03ff" else ""
        letters.append(f" {name.rsplit(' ', 1)[-1].lower()} " if "LETTER" in name else sign)
    return " ".join(_NOT_WORD.sub(" ", "".join(letters)).split())


def title_similarity(one: str, other: str) -> float:
    """Dice's coefficient of the three-letter pieces of two titles, 0 to 1.

    Twice the number of pieces that both have, divided by the sum of their numbers of pieces.

    Examples
    --------
    >>> title_similarity("Tumor growth.", "TUMOR GROWTH"), title_similarity("abc", "xyz")
    (1.0, 0.0)
    """
    return _dice(_trigrams(normal_words(one)), _trigrams(normal_words(other)))


def _trigrams(words: str) -> frozenset[str]:
    padded = f" {words} " if words else ""
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def fingerprint(record: FoundRecord) -> Fingerprint:
    """What of a record is compared."""
    title = normal_words(record.title)
    numerals = (
        word
        for word in title.split()
        if any(sign.isdecimal() for sign in word) or _ROMAN.fullmatch(word)
    )
    return Fingerprint(
        record=record,
        title=title,
        trigrams=_trigrams(title),
        numerals=tuple(sorted(numerals)),
        author=_family(record.authors[0]) if record.authors else "",
        journal=normal_words(record.journal),
        volume=normal_words(record.volume),
        page=first_page(record.pages),
    )


def _family(name: str) -> str:
    """The last word of a family name, which all ways of writing a name share."""
    family, comma, _ = name.partition(",")
    if not comma:
        words = name.split()
        begin = len(words)
        while begin > 1 and _INITIALS.fullmatch(words[begin - 1]):
            begin -= 1
        family = words[begin - 1] if words else ""
    return normal_words(family).rpartition(" ")[2]


def compare(one: Fingerprint, other: Fingerprint) -> Comparison:
    """How alike two records are.

    Years one apart count half (online first, then in print). A journal agrees when one name
    abbreviates the other, word by word. Pages agree when the first pages do and the volumes, where
    both are known, do not differ.
    """
    years = one.record.year, other.record.year
    return Comparison(
        title=_dice(one.trigrams, other.trigrams),
        author=_same(one.author, other.author),
        year=None
        if years[0] is None or years[1] is None
        else {0: 1.0, 1: 0.5}.get(abs(years[0] - years[1]), 0.0),
        journal=None
        if not (one.journal and other.journal)
        else float(_abbreviates(one.journal, other.journal)),
        pages=_pages(one, other),
    )


def _same(one: str, other: str) -> float | None:
    return float(one == other) if one and other else None


def _pages(one: Fingerprint, other: Fingerprint) -> float | None:
    page, volume = _same(one.page, other.page), _same(one.volume, other.volume)
    return None if page is None else float(page == 1 and volume != 0)


_SMALL_WORDS: Final = frozenset(("of", "the", "and", "in", "for", "a", "an", "on", "de", "la"))


def _abbreviates(one: str, other: str) -> bool:
    """Whether the words of one name begin those of the other, in order."""
    first, second = (
        [word for word in name.split() if word not in _SMALL_WORDS] for name in (one, other)
    )
    if len(first) != len(second):
        return one == other
    return all(
        long.startswith(short) or short.startswith(long)
        for short, long in zip(first, second, strict=True)
    )


def pairs_of_like_titles(
    prints: Sequence[Fingerprint], *, at_least: float
) -> Iterator[tuple[int, int]]:
    """Places of all pairs whose titles reach a similarity, each once, the smaller place first.

    Two sets with Dice's coefficient c or more share at least s = c/(2 − c) of the pieces of
    either. With the pieces of all sets in one order, the first k that two sets share stand within
    the first n − ⌈s·n⌉ + k of a set of n; so only pairs are compared that share k of these, which
    are the rarest.

    Parameters
    ----------
    prints : sequence of Fingerprint
        The records.
    at_least : float
        Above 0, at most 1.
    """
    common = Counter(piece for one in prints for piece in one.trigrams)
    seen: dict[str, list[int]] = defaultdict(list)
    asked: list[int] = []
    share = at_least / (2 - at_least)
    for place, one in enumerate(prints):
        pieces = sorted(one.trigrams, key=lambda piece: (common[piece], piece))
        # Rounding must not lose a pair that meets the limit exactly.
        fewest = math.ceil(share * len(pieces) - 1e-9)
        asked.append(min(_SHARED, fewest))
        rare = pieces[: len(pieces) - fewest + asked[place]]
        shared: Counter[int] = Counter()
        for piece in rare:
            shared.update(seen[piece])
        enough = (before for before, n in shared.items() if n >= min(asked[place], asked[before]))
        for before in sorted(enough):
            if _dice(one.trigrams, prints[before].trigrams) >= at_least:
                yield before, place
        for piece in rare:
            seen[piece].append(place)
