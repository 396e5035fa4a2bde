"""One arm against the control: every endpoint computed, flagged and filed under its name.

Group endpoints of a fixed day describe the animals that are left on it. Whenever an arm has lost
animals by then, the number is flagged with how many, since those lost are those with the largest
tumors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.auc import (
    area_growth_rate,
    auc_ratio,
    egr_difference,
    mean_auc,
    mean_normalized_auc,
)
from oncovivo.endpoints.definitions import find_definition
from oncovivo.endpoints.delay import (
    Target,
    growth_delay,
    growth_delay_pct,
    log10_cell_kill,
    median_time,
)
from oncovivo.endpoints.estimate import EndpointEstimate, Quantity
from oncovivo.endpoints.growth import doubling_time, growth_rate
from oncovivo.endpoints.quantities import IntervalSettings, with_remarks, without_number
from oncovivo.endpoints.relative import (
    best_change,
    nadir_change,
    regression,
    relative_geometric,
    relative_mean_of_ratios,
    relative_median,
    relative_ratio_of_means,
)
from oncovivo.endpoints.t_over_c import (
    t_over_c,
    t_over_c_median,
    t_over_c_nci,
    t_over_c_optimal,
    t_over_c_pptp,
    t_over_c_rate,
)
from oncovivo.endpoints.tgi import (
    tgi_auc,
    tgi_delta,
    tgi_growth_ratio,
    tgi_kulgap,
    tgi_rate,
    tgi_rtv,
    tgi_volume,
)
from oncovivo.endpoints.vardi import VardiScale, VardiTest, vardi_auc_test
from oncovivo.endpoints.volume import REMAINING_SHARE
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Arm

__all__ = ["Comparison", "EndpointOptions"]

AREA_ONLY: Final = "area only"
ON_AREAS: Final = "from areas, not volumes: an area grows with the power 2/3 of a volume"
NO_DAY: Final = (
    "no day after the baseline has 80 % and 3 animals of every arm measured: name the day"
)
# Fewer draws cannot place the 2.5 % point of a distribution.
_FEWEST_DRAWS: Final = 200
# Relabelings of the permutation test where there are too many to look at all.
_FEWEST_RELABELINGS: Final = 5000

_Compute: TypeAlias = Callable[[], Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """Choices behind an endpoint table.

    Parameters
    ----------
    multiples : tuple of float
        Multiples of the baseline for times and delays; each above 1.
    volumes_mm3 : tuple of float
        Absolute volumes for times and delays.
    treatment_days : mapping of str to float
        Days of treatment by arm, for the net cell kill; else they follow from the regimens: last
        less first day of dosing.
    draws : int
        Resamples of a bootstrap, and relabelings where a test cannot look at all; at least 200.
    vardi_scale : {"volume", "log"}
        Scale of the permutation test of areas.
    """

    multiples: tuple[float, ...] = (2.0, 4.0)
    volumes_mm3: tuple[float, ...] = (1000.0,)
    treatment_days: Mapping[str, float] = field(default_factory=dict)
    draws: int = 2000
    vardi_scale: VardiScale = "volume"

    def __post_init__(self) -> None:
        if self.draws < _FEWEST_DRAWS:
            expected = f"at least {_FEWEST_DRAWS} draws"
            raise InputError(expected, found=str(self.draws))
        for arm, days in self.treatment_days.items():
            if not (math.isfinite(days) and days >= 0):
                expected = f"days of treatment of 0 or more for arm '{arm}'"
                raise InputError(expected, found=repr(days))

    def targets(self) -> tuple[Target, ...]:
        """The targets of times and delays."""
        multiples = [Target(kind="multiple", value=value) for value in self.multiples]
        return (*multiples, *(Target(kind="volume", value=value) for value in self.volumes_mm3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the control, with all that its endpoints need.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms; the same twice for the control itself.
    arm : Arm
        The treated arm, whose regimens give the days of treatment.
    day : float or None
        Study day of fixed-day endpoints.
    rates_through : float
        Last study day that rates and normalized areas see.
    baseline_day : float
        Study day.
    settings : IntervalSettings
        Level, draws and seed.
    options : EndpointOptions
        Targets, treatment days, draws.
    area_only : bool
        Whether sizes are areas.
    """

    treated: ArmCurves
    control: ArmCurves
    arm: Arm
    day: float | None
    rates_through: float
    baseline_day: float
    settings: IntervalSettings
    options: EndpointOptions
    area_only: bool = False

    def arm_rows(self) -> Iterator[EndpointEstimate]:
        """Endpoints of the arm alone."""
        arm, settings = self.treated, self.settings
        on_day: dict[str, Callable[..., Quantity]] = {
            "relative_volume_mean_of_ratios": relative_mean_of_ratios,
            "relative_volume_ratio_of_means": relative_ratio_of_means,
            "relative_volume_geometric": relative_geometric,
            "relative_volume_median": relative_median,
            "regression_pct": regression,
        }
        for name, compute in on_day.items():
            yield self.fixed_day(name, partial(compute, arm, settings), (arm,))
        yield self.filed("best_change_pct", partial(best_change, arm, settings))
        yield self.fixed_day_found(
            "nadir_change_pct", partial(nadir_change, arm, settings), (arm,)
        )
        through = self.rates_through
        yield self.rated("growth_rate", partial(growth_rate, arm, settings, last_day=through))
        yield self.rated("doubling_time", partial(doubling_time, arm, settings, last_day=through))
        yield self.fixed_day("auc", partial(mean_auc, arm, settings), (arm,))
        yield self.rated(
            "normalized_auc", partial(mean_normalized_auc, arm, settings, last_day=through)
        )
        yield self.rated("egr", partial(area_growth_rate, arm, settings, last_day=through))
        for target in self.options.targets():
            yield self.filed(
                f"time_to_{target}", partial(median_time, arm, settings, target=target)
            )

    def contrast_rows(self) -> Iterator[EndpointEstimate]:
        """Endpoints of the arm against the control."""
        pair = (self.treated, self.control)
        settings, through = self.settings, self.rates_through
        on_day: dict[str, Callable[..., Quantity]] = {
            "tgi_delta": tgi_delta,
            "tgi_rtv": tgi_rtv,
            "tgi_volume": tgi_volume,
            "tgi_auc": tgi_auc,
        }
        for name, compute in on_day.items():
            yield self.fixed_day(name, partial(compute, *pair, settings), pair)
        yield self.filed("tgi_rate", self.rate_at_day)
        yield self.rated(
            "tgi_growth_ratio", partial(tgi_growth_ratio, *pair, settings, last_day=through)
        )
        later: dict[str, Callable[..., Quantity]] = {
            "tgi_kulgap": tgi_kulgap,
            "t_over_c": t_over_c,
            "t_over_c_median": t_over_c_median,
        }
        for name, compute in later.items():
            yield self.fixed_day(name, partial(compute, *pair, settings), pair)
        yield self.fixed_day_found(
            "t_over_c_optimal", partial(t_over_c_optimal, *pair, settings), pair
        )
        yield self.fixed_day("t_over_c_nci", partial(t_over_c_nci, *pair, settings), pair)
        yield self.fixed_day_found(
            "t_over_c_pptp",
            partial(t_over_c_pptp, *pair, settings, baseline_day=self.baseline_day),
            pair,
        )
        yield self.rated(
            "t_over_c_rate", partial(t_over_c_rate, *pair, settings, last_day=through)
        )
        yield self.rated("auc_ratio", partial(auc_ratio, *pair, settings, last_day=through))
        yield self.rated(
            "egr_difference", partial(egr_difference, *pair, settings, last_day=through)
        )
        for target in self.options.targets():
            yield self.filed(
                f"growth_delay_{target}", partial(growth_delay, *pair, settings, target=target)
            )
            yield self.filed(
                f"growth_delay_{target}_pct",
                partial(growth_delay_pct, *pair, settings, target=target),
            )
            gross = partial(log10_cell_kill, *pair, settings, target=target, last_day=through)
            yield self.filed(f"log10_cell_kill_gross_{target}", gross)
            yield self.filed(f"log10_cell_kill_net_{target}", partial(self.net, gross))

    def tests(self) -> Iterator[VardiTest]:
        """The permutation test of areas, where both arms have animals that allow it."""
        if self.area_only:
            return
        enough = [
            (arm.window() & ~np.isnan(arm.baseline)[:, None]).sum(axis=1) >= 2
            for arm in (self.treated, self.control)
        ]
        if all(animals.any() for animals in enough):
            yield vardi_auc_test(
                self.treated,
                self.control,
                rng=self.settings.rng(),
                draws=max(self.options.draws, _FEWEST_RELABELINGS),
                scale=self.options.vardi_scale,
            )

    def rate_at_day(self) -> Quantity:
        """TGI of growth rates, carried to the day of the table, or as far as the rates see."""
        day = self.rates_through if self.day is None else self.day
        inhibition = tgi_rate(
            self.treated,
            self.control,
            self.settings,
            days=day - self.baseline_day,
            last_day=self.rates_through,
        )
        return replace(inhibition, day=day)

    def net(self, gross: Callable[..., Quantity]) -> Quantity:
        """Net cell kill, with the days of treatment from the option or the regimens."""
        days = self.options.treatment_days.get(self.arm.name)
        if days is None:
            days = _treatment_days(self.arm)
        if days is None:
            why = f"the duration of treatment of '{self.arm.name}' is not stated"
            n = self.treated.n, self.control.n
            return without_number("undefined", why, n_treated=n[0], n_control=n[1])
        return gross(treatment_days=days)

    def fixed_day(
        self, name: str, compute: Callable[..., Quantity], arms: Sequence[ArmCurves]
    ) -> EndpointEstimate:
        """An endpoint of the table's day."""
        if self.day is None:
            return self.filed(name, lambda: without_number("undefined", NO_DAY))
        day = self.day
        return self.fixed_day_found(name, lambda: replace(compute(day=day), day=day), arms)

    def fixed_day_found(
        self, name: str, compute: _Compute, arms: Sequence[ArmCurves]
    ) -> EndpointEstimate:
        """An endpoint of a day that it names itself, flagged for those missing on it."""

        def flagged() -> Quantity:
            quantity = compute()
            if quantity.day is None or quantity.estimate is None:
                return quantity
            return with_remarks(quantity, _missing_remarks(arms, quantity.day))

        return self.filed(name, flagged)

    def rated(self, name: str, compute: _Compute) -> EndpointEstimate:
        """An endpoint of the readings through the last day of rates."""
        return self.filed(name, lambda: replace(compute(), day=self.rates_through))

    def filed(self, name: str, compute: _Compute) -> EndpointEstimate:
        """The quantity under its name; on areas only what has a meaning there."""
        definition = find_definition(name)
        if self.area_only and not definition.on_areas:
            quantity = without_number("undefined", AREA_ONLY)
        else:
            quantity = compute()
            if self.area_only and quantity.estimate is not None:
                quantity = with_remarks(quantity, (ON_AREAS,))
        contrast = definition.scope == "contrast"
        return EndpointEstimate(
            arm=self.arm.name,
            versus=self.control.arm if contrast else None,
            endpoint=name,
            day=quantity.day,
            estimate=quantity.estimate,
            lower=quantity.lower,
            upper=quantity.upper,
            level=self.settings.level,
            n_treated=quantity.n_treated,
            n_control=quantity.n_control,
            method=quantity.method,
            status=quantity.status,
            reason="; ".join(dict.fromkeys(quantity.remarks)),
            greater_than=quantity.greater_than,
        )


def _missing_remarks(arms: Sequence[ArmCurves], day: float) -> tuple[str, ...]:
    """Who has left, or was not measured, on a day."""
    remarks: list[str] = []
    for arm in arms:
        followed = arm.followed_to(day)
        remaining = int(followed.sum())
        if remaining < arm.n:
            minority = ": fewer than half remain" if remaining < REMAINING_SHARE * arm.n else ""
            remarks.append(
                f"{arm.n - remaining} of {arm.n} animals of '{arm.arm}' left before day "
                f"{day:g}, and the number speaks of the others only{minority}"
            )
        if unread := int((followed & ~arm.measured_at(day)).sum()):
            remarks.append(
                f"{unread} animals of '{arm.arm}' followed to day {day:g} were not measured on it"
            )
        if unknown := int((arm.measured_at(day) & np.isnan(arm.baseline)).sum()):
            remarks.append(f"{unknown} animals of '{arm.arm}' have no usable baseline")
        if below := arm.n_lifted(arm.at(day) & (arm.size > 0)):
            remarks.append(f"{below} readings of '{arm.arm}' below the limit count with the limit")
    return tuple(remarks)


def _treatment_days(arm: Arm) -> float | None:
    """Last less first day of dosing over all regimens of an arm, None where not stated."""
    days: list[int] = []
    for regimen in arm.regimens:
        try:
            days += regimen.dosing_days()
        except DataError:
            return None
    return float(max(days) - min(days)) if days else None
