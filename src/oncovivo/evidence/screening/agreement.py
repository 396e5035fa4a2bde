"""How far two raters agree beyond chance: Cohen's kappa."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from oncovivo.evidence.screening.decisions import CONSENSUS, STAGES, Stage, StageDecision

__all__ = ["Agreement", "cohen_kappa", "rater_agreement"]

_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two raters at one stage.

    Parameters
    ----------
    stage : {"title_abstract", "full_text"}
        Where they decided.
    raters : tuple of two str
        In alphabetical order.
    n : int
        Records on which both decided.
    n_agreed : int
        Of these, how many alike.
    kappa : float, optional
        Cohen's kappa; None where both put every record into the same single class.
    std_error, lower, upper : float, optional
        Large-sample standard error and 95 % limits within −1 and 1; few records make them too
        narrow.
    """

    stage: Stage
    raters: tuple[str, str]
    n: int
    n_agreed: int
    kappa: float | None
    std_error: float | None
    lower: float | None
    upper: float | None


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float, float] | None:
    """Kappa and its standard error from pairs of classes; None where it is not defined.

    Parameters
    ----------
    pairs : sequence of tuple of str
        For every record the class that either rater gave it.

    Notes
    -----
    The standard error is by the delta method from the shares of the table; it does not assume
    that kappa is 0.

    Examples
    --------
    >>> kappa, error = cohen_kappa([("a", "a")] * 20 + [("a", "b")] * 5
    ...     + [("b", "a")] * 10 + [("b", "b")] * 15)
    >>> round(kappa, 10)
    0.4
    """
    n = len(pairs)
    joint = Counter(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    # Whole numbers, so that raters who never differ are seen as such.
    by_chance = sum(count * second[name] for name, count in first.items())
    agreed = sum(count for (one, other), count in joint.items() if one == other)
    if n == 0 or by_chance == n * n:
        return None
    chance = by_chance / n**2
    kappa = (agreed / n - chance) / (1 - chance)
    within = math.fsum(
        count / n * (1 - (first[one] + second[one]) / n * (1 - kappa)) ** 2
        for (one, other), count in joint.items()
        if one == other
    )
    between = math.fsum(
        count / n * ((second[one] + first[other]) / n) ** 2
        for (one, other), count in joint.items()
        if one != other
    )
    variance = within + (1 - kappa) ** 2 * between - (kappa - chance * (1 - kappa)) ** 2
    return kappa, math.sqrt(max(variance, 0.0) / n) / (1 - chance)


def rater_agreement(decisions: Sequence[StageDecision]) -> tuple[Agreement, ...]:
    """Agreement of every two raters at every stage at which both decided on a record.

    At title and abstract *maybe* counts as *include*, as both go on to the full text. Reports
    that were not retrieved, and consensus rows, are left out.
    """
    found = []
    for stage in STAGES:
        given: dict[str, dict[str, str]] = {}
        for one in decisions:
            if one.stage == stage and one.rater != CONSENSUS and one.decision != "not_retrieved":
                goes_on = stage == "title_abstract" and one.decision == "maybe"
                given.setdefault(one.rater, {})[one.record_id] = (
                    "include" if goes_on else one.decision
                )
        for first, second in combinations(sorted(given), 2):
            both = sorted(given[first].keys() & given[second].keys())
            if both:
                pairs = [(given[first][name], given[second][name]) for name in both]
                found.append(_agreement(stage, (first, second), pairs))
    return tuple(found)


def _agreement(
    stage: Stage, raters: tuple[str, str], pairs: Sequence[tuple[str, str]]
) -> Agreement:
    computed = cohen_kappa(pairs)
    kappa, error = computed or (None, None)
    limits = (
        (None, None)
        if kappa is None or error is None
        else (max(-1.0, kappa - _Z * error), min(1.0, kappa + _Z * error))
    )
    return Agreement(
        stage=stage,
        raters=raters,
        n=len(pairs),
        n_agreed=sum(one == other for one, other in pairs),
        kappa=kappa,
        std_error=error,
        lower=limits[0],
        upper=limits[1],
    )
