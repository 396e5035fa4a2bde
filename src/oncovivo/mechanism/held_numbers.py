"""Numbers that a fit takes as given, by what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

from oncovivo.mechanism.fit.plan import FitPlan
from oncovivo.mechanism.parameters import Status

__all__ = ["HeldNumbers", "held_numbers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNumbers:
    """Numbers behind a fitted output that are not estimated.

    Parameters
    ----------
    assumed, scaled, fitted, measured : tuple of str
        Names, in the order of the model; one that differs between arms counts by its weakest.
    """

    assumed: tuple[str, ...]
    scaled: tuple[str, ...]
    fitted: tuple[str, ...]
    measured: tuple[str, ...]


# The weakest first.
_WEAKEST: tuple[Status, ...] = ("assumed", "scaled", "fitted", "measured")


def held_numbers(plan: FitPlan) -> HeldNumbers:
    """What a plan does not estimate and its output rests on.

    Parameters
    ----------
    plan : FitPlan
        From :func:`oncovivo.mechanism.fit.read_fit_plan`.
    """
    model = plan.simulation.model
    estimated = {one.name for one in plan.estimated}
    behind = set(model.parameters_behind(plan.output)) - estimated
    used = {simulated for _, simulated in plan.arms}
    arms = [arm for arm in plan.simulation.arms if arm.name in used]
    by_status: dict[Status, list[str]] = {status: [] for status in _WEAKEST}
    for name in model.parameter_names:
        if name in behind:
            statuses = [arm.parameters[name].status for arm in arms]
            by_status[min(statuses, key=_WEAKEST.index)].append(name)
    return HeldNumbers(
        assumed=tuple(by_status["assumed"]),
        scaled=tuple(by_status["scaled"]),
        fitted=tuple(by_status["fitted"]),
        measured=tuple(by_status["measured"]),
    )
