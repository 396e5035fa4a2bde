"""Agreement of two raters beyond chance: Cohen's kappa."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

__all__ = ["cohen_kappa"]


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
