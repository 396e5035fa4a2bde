"""Answers about combinations in words: null model, scale, day, animals and interval in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oncovivo.combination.fixed_addition import FixedAddition
from oncovivo.combination.grid_surface import GridSurface
from oncovivo.combination.plot_words import (
    NULL_WORDS,
    SCALE_WORDS,
    animals_words,
    day_words,
    index_words,
    p_words,
)
from oncovivo.combination.result import SynergyResult

__all__ = [
    "VERDICT_WORDS",
    "addition_sentence",
    "answer_sentence",
    "grid_sentence",
    "index_limits",
    "open_limits",
]

VERDICT_WORDS: Final = {
    "synergy": "synergy",
    "antagonism": "antagonism",
    "not_shown": "not shown",
}
"""Verdicts as people name them."""

_WHAT: Final = {
    "growth_rate": "relative size, from growth rates,",
    "relative_volume": "relative size",
    "tgi": "relative size, which inhibition speaks of,",
    "auc": "area under the relative size",
    "hazard": "hazard",
    "median_survival": "median time",
}


def index_limits(result: SynergyResult) -> str:
    """Limits of the index, ``> `` or ``< `` where one is open.

    Parameters
    ----------
    result : SynergyResult
        With an index or without.
    """
    return open_limits(result.index_lower, result.index_upper)


def open_limits(lower: float | None, upper: float | None) -> str:
    """Two limits of an index, ``> `` or ``< `` where one is open.

    Parameters
    ----------
    lower, upper : float or None
        None where open.

    Examples
    --------
    >>> open_limits(0.5, 0.996), open_limits(0.5, None), open_limits(None, None)
    ('0.50 to 0.996', '> 0.50', '—')
    """
    if lower is None and upper is None:
        return "—"
    if upper is None:
        return f"> {index_words(lower)}"
    if lower is None:
        return f"< {index_words(upper)}"
    return f"{index_words(lower)} to {index_words(upper)}"


def answer_sentence(result: SynergyResult, n_animals: Mapping[str, int]) -> str:
    """One answer as a sentence that names null model, scale, day, animals and interval.

    Parameters
    ----------
    result : SynergyResult
        The answer.
    n_animals : mapping of str to int
        Animals of each arm.
    """
    arms = result.arms
    named = " and ".join((", ".join(arms.partners[:-1]), arms.partners[-1]))
    null, scale = NULL_WORDS[result.null], SCALE_WORDS[result.scale]
    day = day_words(result.day)
    head = f"{arms.combination} against {named} alone, {null} on the {scale}"
    head += f", {day}" if day else ""
    counted = (arms.control, *arms.partners, arms.combination)
    animals = animals_words(n_animals, counted) if all(n in n_animals for n in counted) else ""
    if result.index is None and result.index_upper is None:
        reason = result.reason or "the data give no index"
        return f"{head}: no index, because {reason}{f' ({animals})' if animals else ''}."
    p_value = "" if result.p_value is None else p_words(result.p_value)
    limits = _interval_words(result)
    inside = "; ".join(part for part in (limits, p_value, animals) if part)
    what = _WHAT[result.scale]
    if result.index is None:
        shown = f"the index is at most {index_words(result.index_upper)}"
    elif result.scale == "median_survival":
        shown = f"the median foreseen is {index_words(result.index)} times that observed"
    else:
        shown = f"the {what} is {index_words(result.index)} times that foreseen"
    verdict = {
        "synergy": "synergy",
        "antagonism": "antagonism",
        "not_shown": "neither synergy nor antagonism is shown"
        if result.alternative == "two_sided"
        else "no gain over the better partner is shown",
    }[result.verdict]
    sentence = f"{head}: {shown} ({inside}): {verdict}."
    if result.verdict == "not_shown" and result.detectable_index is not None:
        sentence += (
            f" With 80 % power it could have found an index of "
            f"{index_words(result.detectable_index)} or below."
        )
    return sentence


def grid_sentence(surface: GridSurface) -> str:
    """What a dose grid shows: how many cells, which is strongest, all with limits over all cells.

    Parameters
    ----------
    surface : GridSurface
        The grid.
    """
    shown = {
        word: [cell for cell in surface.cells if cell.verdict == word]
        for word in ("synergy", "antagonism")
    }
    null = ("the " if surface.null == "hsa" else "") + NULL_WORDS[surface.null]
    head = f"{len(surface.cells)} dose pairs against {null}, {day_words(surface.day)}"
    found = (
        ", ".join(f"{word} in {len(cells)}" for word, cells in shown.items() if cells)
        or "neither synergy nor antagonism is shown in any"
    )
    joint = "" if surface.joint is None else f"; no pair differs: {p_words(surface.joint.p_value)}"
    best = surface.ranked[0] if surface.ranked else None
    strongest = ""
    if best is not None and best.alone.index is not None:
        strongest = (
            f" Smallest index: {best.alone.arms.combination}, {index_words(best.alone.index)} "
            f"({open_limits(best.index_lower, best.index_upper)})."
        )
    level = f"{100 * surface.level:g} % limits that hold over all pairs"
    return f"{head}: {found} ({level}{joint}).{strongest}"


def addition_sentence(found: FixedAddition) -> str:
    """Whether an addition multiplies sizes by one factor, with that factor.

    Parameters
    ----------
    found : FixedAddition
        The answer.
    """
    if found.common is None or found.equality is None:
        return f"The addition has no common effect: {found.reason}."
    same = found.equality.p_value >= 1 - found.level
    common = found.common
    head = (
        "no difference between the arms is shown"
        if same
        else "the addition does not do the same in every arm"
    )
    factor = (
        f"over all arms it multiplies the relative size by {index_words(common.factor)} "
        f"({index_words(common.factor_lower)} to {index_words(common.factor_upper)}), "
        f"{day_words(found.day)}"
    )
    note = "" if same else ", an average of unlike effects"
    return (
        f"Addition on top of {len(found.effects)} arms: {head} "
        f"({p_words(found.equality.p_value)}); {factor}{note}."
    )


def _interval_words(result: SynergyResult) -> str:
    """Limits with their level and side."""
    if result.index_lower is None and result.index_upper is None:
        return ""
    sided = "" if result.alternative == "two_sided" else " each side alone"
    return f"{100 * result.level:g} % limits{sided} {index_limits(result)}"
