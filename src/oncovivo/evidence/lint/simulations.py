"""The rule about simulations beside studies; it needs results and runs when a guide is built."""

from __future__ import annotations

from collections.abc import Iterator

from oncovivo.evidence.lint.model import Hit, LintInput, rule

__all__ = ["disagrees_with_a_study"]


@rule(
    "LINT-35",
    "warning",
    "simulation that disagrees with a study",
    mend="look at the parameters that are assumed or scaled, or waive it and say why both stand",
)
def disagrees_with_a_study(case: LintInput) -> Iterator[Hit]:
    """Simulated and measured effects on growth that have no value in common within their limits.

    Compared are a simulation and a study of one tumor type and treatment: on the study's day where
    the simulation reports it, else per day. ``guide build`` looks at it; ``evidence lint``, which
    computes nothing, does not. The subjects of a waiver are the simulation and the study as claims
    name them.
    """
    for found in case.disagreements:
        yield Hit(
            f"{found.simulation} and {found.study} disagree on {found.treatment} in "
            f"{found.tumor}: {found.simulated} simulated, {found.measured} measured",
            subjects=(found.simulation, found.study),
        )
