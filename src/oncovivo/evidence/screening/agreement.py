"""How far two raters agree beyond chance: Cohen's kappa."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from oncovivo.evidence.screening.decisions import CONSENSUS, STAGES, Stage, StageDecision
from oncovivo.numerics.kappa import cohen_kappa

__all__ = ["Agreement", "rater_agreement"]

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
