"""How far raters agree.

Kappa falls towards 0 when nearly all judgements are the same word, however well the raters agree,
and in animal studies most items are unclear; AC₁ does not, so both are given.

References
----------
Cohen J. Educ Psychol Meas 1960;20:37 (κ). Gwet KL. Br J Math Stat Psychol 2008;61:29 (AC₁ for two
and more raters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from oncovivo.errors import InputError
from oncovivo.evidence.quality.ratings import CONSENSUS, Rating
from oncovivo.evidence.quality.tools import tool_named
from oncovivo.numerics import kappa

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AgreementReport",
    "Disagreement",
    "PairAgreement",
    "cohen_kappa",
    "gwet_ac1",
    "rater_agreement",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """Two raters on the judgements that both made.

    Parameters
    ----------
    first, second : str
        The raters.
    n : int
        Judgements that both made.
    agreed : int
        Judgements with the same word.
    agreement : float
        ``agreed / n``.
    kappa : float or None
        Cohen's; None when both always used the same one word.
    ac1 : float
        Gwet's.
    """

    first: str
    second: str
    n: int
    agreed: int
    agreement: float
    kappa: float | None
    ac1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One item of one study on which raters differ.

    Parameters
    ----------
    source, study, item : str
        What was judged.
    judgements : tuple of (str, str)
        Rater and judgement, by rater.
    settled : str or None
        The consensus; None when there is none.
    """

    source: str
    study: str
    item: str
    judgements: tuple[tuple[str, str], ...]
    settled: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementReport:
    """Agreement of all raters with one checklist; consensus rows do not count.

    Parameters
    ----------
    tool : str
        Checklist.
    raters : tuple of str
        In alphabetical order.
    n_judged : int
        Items of studies that at least one rater judged.
    n_shared : int
        Those that at least two raters judged.
    agreement : float or None
        Mean over the shared ones of the share of pairs of raters that agree; None without any.
    ac1 : float or None
        Gwet's, over all raters; None without a shared one.
    pairs : tuple of PairAgreement
        Every two raters that share a judgement.
    disagreements : tuple of Disagreement
        By study and place in the checklist.
    """

    tool: str
    raters: tuple[str, ...]
    n_judged: int
    n_shared: int
    agreement: float | None
    ac1: float | None
    pairs: tuple[PairAgreement, ...]
    disagreements: tuple[Disagreement, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        found = asdict(self)
        found["raters"] = list(self.raters)
        found["pairs"] = [asdict(pair) for pair in self.pairs]
        found["disagreements"] = [
            {**asdict(one), "judgements": dict(one.judgements)} for one in self.disagreements
        ]
        return found

    def to_frame(self) -> pd.DataFrame:
        """A row for each two raters."""
        import pandas as pd

        columns = list(PairAgreement.__dataclass_fields__)
        return pd.DataFrame([asdict(pair) for pair in self.pairs], columns=columns)


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's kappa of two raters.

    Parameters
    ----------
    first, second : sequence of str, length n
        Judgements of the same things in the same order.

    Returns
    -------
    float or None
        (pₒ − pₑ)/(1 − pₑ) with pₒ the share of equal judgements and pₑ = Σ p₁ᵢ p₂ᵢ from each
        rater's own shares. None when pₑ is 1: both always used the same one word, and agreement
        beyond chance is not defined.

    Raises
    ------
    InputError
        If there is no judgement, or one rater has more.

    Examples
    --------
    >>> round(cohen_kappa(["low", "low", "high", "high"], ["low", "low", "high", "low"]), 2)
    0.5
    """
    if not first or len(first) != len(second):
        raise InputError(
            "the same number of judgements of two raters, at least one",
            found=f"{len(first)} and {len(second)}",
        )
    found = kappa.cohen_kappa(list(zip(first, second, strict=True)))
    return None if found is None else found[0]


def gwet_ac1(ratings: Sequence[Sequence[str | None]], *, categories: Sequence[str]) -> float:
    """Gwet's AC₁ of two or more raters, who need not all have judged everything.

    Parameters
    ----------
    ratings : sequence of sequences, n × r
        What each of r raters says of each of n things; None for not judged.
    categories : sequence of str, length q
        Every word that could be used, at least two.

    Returns
    -------
    float
        (pₐ − pₑ)/(1 − pₑ). pₐ is the mean, over things judged by rᵢ ≥ 2 raters, of
        Σₖ rᵢₖ(rᵢₖ − 1)/(rᵢ(rᵢ − 1)); pₑ = Σₖ πₖ(1 − πₖ)/(q − 1), with πₖ the mean of rᵢₖ/rᵢ over
        all things judged by anyone.

    Raises
    ------
    InputError
        If there are fewer than two categories, a word is none of them, or nothing was judged by
        two raters.

    Examples
    --------
    >>> rows = [["low", "low"], ["low", "high"], ["unclear", None]]
    >>> round(gwet_ac1(rows, categories=["low", "unclear", "high"]), 3)
    0.28
    """
    if len(set(categories)) < 2:
        raise InputError("at least two categories", found=f"{len(set(categories))}")
    counts = [Counter(word for word in row if word is not None) for row in ratings]
    for count in counts:
        for word in count:
            if word not in categories:
                raise InputError(
                    f"one of the categories {', '.join(categories)}", found=repr(word)
                )
    judged = [count for count in counts if count]
    shared = [count for count in judged if count.total() >= 2]
    if not shared:
        raise InputError(
            "at least one thing that two raters judged",
            found="none",
            mend="let a second rater judge some items",
        )
    agreed = sum(_pairs_agreeing(count) for count in shared) / len(shared)
    spread = 0.0
    for word in dict.fromkeys(categories):
        share = sum(count[word] / count.total() for count in judged) / len(judged)
        spread += share * (1 - share)
    by_chance = spread / (len(set(categories)) - 1)
    return (agreed - by_chance) / (1 - by_chance)


def _pairs_agreeing(count: Counter[str]) -> float:
    """Share of the pairs of raters that use the same word."""
    total = count.total()
    return sum(one * (one - 1) for one in count.values()) / (total * (total - 1))


def rater_agreement(ratings: Sequence[Rating], tool: str) -> AgreementReport:
    """How far the raters of a checklist agree, and where they do not.

    Parameters
    ----------
    ratings : sequence of Rating
        Of any checklists.
    tool : str
        The checklist.

    Returns
    -------
    AgreementReport
        With one rater, the shares are None.

    Raises
    ------
    InputError
        If there is no such checklist, or a rater judges an item of a study twice.
    """
    checklist = tool_named(tool)
    words: dict[tuple[str, int], dict[str, str]] = {}
    sources: dict[str, str] = {}
    settled: dict[tuple[str, int], str] = {}
    for rating in ratings:
        if rating.tool != checklist.name:
            continue
        sources[rating.study] = rating.source
        key = (rating.study, checklist.item(rating.item).number)
        if rating.rater == CONSENSUS:
            settled[key] = rating.judgement
            continue
        by = words.setdefault(key, {})
        if rating.rater in by:
            raise InputError(
                "each item of a study once for each rater",
                found=f"{rating.item} of {rating.study} by {rating.rater} twice",
            )
        by[rating.rater] = rating.judgement
    raters = tuple(sorted({rater for by in words.values() for rater in by}))
    shared = [by for by in words.values() if len(by) > 1]
    categories = tuple(checklist.judgements)
    return AgreementReport(
        tool=checklist.name,
        raters=raters,
        n_judged=len(words),
        n_shared=len(shared),
        agreement=(
            sum(_pairs_agreeing(Counter(by.values())) for by in shared) / len(shared)
            if shared
            else None
        ),
        ac1=(
            gwet_ac1(
                [[by.get(rater) for rater in raters] for by in words.values()],
                categories=categories,
            )
            if shared
            else None
        ),
        pairs=tuple(
            pair
            for first, second in combinations(raters, 2)
            if (pair := _pair(first, second, shared, categories)) is not None
        ),
        disagreements=tuple(
            Disagreement(
                source=sources[study],
                study=study,
                item=checklist.items[number - 1].item_id,
                judgements=tuple(sorted(by.items())),
                settled=settled.get((study, number)),
            )
            for (study, number), by in sorted(words.items(), key=lambda pair: pair[0])
            if len(set(by.values())) > 1
        ),
    )


def _pair(
    first: str, second: str, shared: Sequence[dict[str, str]], categories: Sequence[str]
) -> PairAgreement | None:
    """Two raters on what both judged; None when that is nothing."""
    both = [(by[first], by[second]) for by in shared if first in by and second in by]
    if not both:
        return None
    agreed = sum(one == other for one, other in both)
    return PairAgreement(
        first=first,
        second=second,
        n=len(both),
        agreed=agreed,
        agreement=agreed / len(both),
        kappa=cohen_kappa([one for one, _ in both], [other for _, other in both]),
        ac1=gwet_ac1(both, categories=categories),
    )
