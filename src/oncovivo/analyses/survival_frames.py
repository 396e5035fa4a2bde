"""Times to an event of a study as tidy tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from oncovivo.analyses.survival_result import SurvivalResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["survival_frames"]


def survival_frames(result: SurvivalResult) -> dict[str, pd.DataFrame]:
    """The results as tables by name; one that would be empty is left out.

    ``survival_arms`` has each arm alone, ``survival_tests`` the tests, ``survival_contrasts`` a
    row for each measure of an arm against the control, ``survival_leavers`` the comparisons when
    leavers count otherwise, ``survival_times`` what is known of each animal.
    """
    import pandas as pd

    rows = {
        "survival_arms": list(_arms(result)),
        "survival_tests": list(_tests(result)),
        "survival_contrasts": list(_contrasts(result)),
        "survival_leavers": [row.to_dict() for row in result.sensitivity],
        "survival_times": [animal.to_dict() for animal in result.animals],
    }
    return {name: pd.DataFrame(found) for name, found in rows.items() if found}


def _arms(result: SurvivalResult) -> Iterator[dict[str, object]]:
    """Each arm with the event, and the consortium's activity."""
    activity = {row.arm: row.activity for row in result.medians}
    for arm in result.arms:
        row = arm.to_dict()
        row.pop("interval_median")
        lower, upper = arm.interval_median or (None, None)
        called = activity.get(arm.arm)
        yield {
            **row,
            "event": result.event_definition,
            "time_unit": result.time_unit,
            "interval_median_lower": lower,
            "interval_median_upper": upper,
            "pptc_activity": None if called is None else called.call,
            "pptc_reason": None if called is None else called.reason,
        }


def _tests(result: SurvivalResult) -> Iterator[dict[str, object]]:
    """Each test; of more than two arms there is no control."""
    for test in result.tests:
        row = test.to_dict()
        row.pop("arms")
        two = len(test.arms) == 2
        arm = test.arms[0] if two else "all"
        yield {"arm": arm, "versus": test.arms[1] if two else None, **row}


def _contrasts(result: SurvivalResult) -> Iterator[dict[str, object]]:
    """Hazard ratios, ratios of medians, restricted means and time ratios, arm by arm."""
    for row in result.hazards:
        yield _contrast(
            row.arm,
            row.versus,
            "hazard_ratio",
            (row.hazard_ratio, row.lower, row.upper),
            method=row.method,
            p_value=row.p_value,
            reason=row.reason,
        )
    for ratio in result.medians:
        found = ratio.found
        yield _contrast(
            ratio.arm,
            ratio.versus,
            "median_ratio",
            (found.ratio, found.ratio_lower, found.ratio_upper),
            greater_than=found.ratio_greater_than,
            method="bootstrap",
            reason=found.reason,
        )
        yield _contrast(
            ratio.arm,
            ratio.versus,
            "median_difference",
            (found.difference, found.difference_lower, found.difference_upper),
            greater_than=found.difference_greater_than,
            method="bootstrap",
            reason=found.reason,
        )
    for mean in result.means:
        for name, contrast in (("difference", mean.difference), ("ratio", mean.ratio)):
            yield _contrast(
                mean.arm,
                mean.versus,
                f"restricted_mean_{name}",
                (contrast.estimate, contrast.lower, contrast.upper),
                method=f"restricted to {contrast.tau:g}",
                p_value=contrast.p_value,
            )
    for time in result.time_ratios:
        model = time.found
        yield _contrast(
            time.arm,
            time.versus,
            "time_ratio",
            (model.time_ratio, model.lower, model.upper),
            method=model.distribution,
            p_value=model.p_value,
            reason=model.reason,
        )


def _contrast(
    arm: str,
    versus: str,
    measure: str,
    estimate: tuple[float | None, float | None, float | None],
    *,
    method: str,
    greater_than: float | None = None,
    p_value: float | None = None,
    reason: str = "",
) -> dict[str, object]:
    """One measure of an arm, with its limits."""
    value, lower, upper = estimate
    return {
        "arm": arm,
        "versus": versus,
        "measure": measure,
        "estimate": value,
        "lower": lower,
        "upper": upper,
        "greater_than": greater_than,
        "p_value": p_value,
        "method": method,
        "reason": reason,
    }
