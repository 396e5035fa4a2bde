"""Whether the files of a design agree with each other, and with what they ask of each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from oncovivo.design.endpoint_rules import EndpointProfile, Quantity
from oncovivo.design.protocol import FindingCode, FindingSeverity, ProtocolFinding
from oncovivo.design.protocol_items import ProtocolFileKind
from oncovivo.design.protocol_parts import ProtocolParts

__all__ = ["check_parts"]

# A volume that is its ceiling on paper may come out a rounding above it.
_ROUNDING: Final = 1e-9

# What a profile of humane endpoints must not lack, and which quantities see to it.
_NEEDED: Final[tuple[tuple[str, tuple[Quantity, ...]], ...]] = (
    ("the size of the tumor", ("volume", "total_volume", "diameter", "burden_pct")),
    ("loss of body weight", ("weight_loss_pct", "net_weight_loss_pct")),
    ("body condition", ("body_condition",)),
    ("ulceration", ("ulcer_grade",)),
)


def check_parts(parts: ProtocolParts) -> tuple[ProtocolFinding, ...]:
    """What does not fit together in a design, in the order of the checks.

    Parameters
    ----------
    parts : ProtocolParts
        The files; what a file that is not named could contradict is not looked at.
    """
    checks = (
        _arms,
        _control,
        _sizes,
        _regimens,
        _volumes,
        _weights,
        _readings,
        _size_limits,
        _rules,
        _nearing,
        _start,
        _origin_of_power,
    )
    return tuple(finding for check in checks for finding in check(parts))


def _finding(
    parts: ProtocolParts,
    code: FindingCode,
    message: str,
    *kinds: ProtocolFileKind,
    severity: FindingSeverity = "error",
) -> ProtocolFinding:
    """A finding that names its files."""
    files = tuple(parts.named[kind] for kind in kinds if kind in parts.named)
    return ProtocolFinding(code=code, severity=severity, message=message, files=files)


def _arms(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """Every file has the arms of the protocol; doses may lack those that get nothing."""
    for kind in ("allocation", "power", "schedule", "doses"):
        names = parts.arms_of(kind)
        if not names:
            continue
        extra = [name for name in names if name not in parts.arms]
        missing = [name for name in parts.arms if name not in names]
        if kind == "doses":
            dosed = parts.treatments("schedule")
            missing = [name for name in missing if dosed.get(name)]
        if extra or missing:
            told = [f"has {_quoted(extra)}"] if extra else []
            told += [f"lacks {_quoted(missing)}"] if missing else []
            yield _finding(
                parts,
                "arms_differ",
                f"{parts.named[kind]} {' and '.join(told)}; the arms of the protocol are "
                f"{_quoted(parts.arms)}",
                kind,
            )


def _control(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """The control of the allocation is that of the power calculation."""
    if parts.allocation is None or parts.allocation.control is None or parts.power is None:
        return
    first = parts.arm("power", parts.power.plan.arms[0].name)
    control = parts.arm("allocation", parts.allocation.control)
    if first != control:
        yield _finding(
            parts,
            "control_differs",
            f"the control is '{control}' in the allocation and '{first}', the first arm, in the "
            "power calculation",
            "allocation",
            "power",
        )


def _sizes(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """No arm has fewer animals than the power calculation counts on."""
    if parts.power is None:
        return
    planned = parts.planned()
    needed = {parts.arm("power", arm.name): arm.animals for arm in parts.power.plan.arms}
    short = [
        f"'{name}' {planned[name]} of {count}"
        for name, count in needed.items()
        if name in planned and planned[name] < count
    ]
    if short:
        yield _finding(
            parts,
            "too_few_animals",
            f"fewer animals are planned than the power calculation counts on: {', '.join(short)}",
            "allocation",
            "animals",
            "power",
        )


def _regimens(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """An arm gets the same in the doses and in the calendar."""
    doses, calendar = parts.treatments("doses"), parts.treatments("schedule")
    for name, given in doses.items():
        planned = calendar.get(name)
        if planned is not None and planned != given:
            yield _finding(
                parts,
                "regimen_differs",
                f"'{name}' gets {' + '.join(given)} in the doses and "
                f"{' + '.join(planned) or 'nothing'} in the calendar",
                "doses",
                "schedule",
            )


def _volumes(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """A dose fits the largest volume of its route."""
    for formulation in () if parts.doses is None else parts.doses.formulations:
        # mg/kg over mg/mL is mL/kg.
        volume = formulation.dose_mg_per_kg() / formulation.concentration_mg_per_ml
        ceiling, source = formulation.ceiling()
        if volume > ceiling * (1 + _ROUNDING):
            least = formulation.dose_mg_per_kg() / ceiling
            yield _finding(
                parts,
                "volume_over_ceiling",
                f"{formulation.treatment.compound} of '{parts.arm('doses', formulation.arm)}' "
                f"takes {volume:g} mL/kg, more than {ceiling:g} mL/kg ({source}); {least:g} mg/mL "
                "or more would do",
                "doses",
            )


def _weights(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """On every dosing day there is a weight that is fresh enough; days are weighed before."""
    if parts.doses is None or not parts.entries:
        return
    weighed = parts.measuring_days()
    oldest = parts.doses.max_weight_age
    for entry in parts.entries:
        if entry.task != "dose":
            continue
        age = entry.day - max(day for day in weighed if day <= entry.day)
        if age > oldest:
            yield _finding(
                parts,
                "weight_too_old",
                f"on day {entry.day} '{parts.arm('schedule', entry.arm)}' is dosed by a weight "
                f"that is {age} days old; {oldest:g} are allowed",
                "schedule",
                "doses",
            )
            return


def _readings(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """The calendar has the readings that the power calculation counts on."""
    if parts.power is None or parts.calendar is None:
        return
    assumed, measured = parts.power.plan.days, parts.measuring_days()
    if tuple(float(day) for day in measured) == assumed:
        return
    fewer = len(measured) < len(assumed) or measured[-1] < assumed[-1]
    yield _finding(
        parts,
        "readings_differ",
        f"the power calculation assumes {len(assumed)} readings up to day {assumed[-1]:g} "
        f"({_listed(assumed)}), the calendar has {len(measured)} up to day {measured[-1]} "
        f"({_listed(measured)})",
        "power",
        "schedule",
        severity="error" if fewer else "warning",
    )


def _size_limits(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """The volume at which animals leave is the same in the endpoints and in the calculation."""
    if parts.power is None or parts.endpoints is None:
        return
    assumed, limit = parts.power.plan.size_limit, parts.endpoints.volume_limit
    if assumed == limit:
        return
    yield _finding(
        parts,
        "volume_limit_differs",
        f"animals leave at {_volume(limit)} by the humane endpoints and at {_volume(assumed)} in "
        "the power calculation",
        "endpoints",
        "power",
    )


def _rules(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """A profile looks at size, weight, condition and ulcers."""
    if parts.endpoints is None:
        return
    limits = {rule.quantity for rule in parts.endpoints.rules if rule.action == "limit"}
    for what, quantities in _NEEDED:
        if not limits & set(quantities):
            yield _finding(
                parts,
                "rule_missing",
                f"no humane endpoint limits {what} ({' or '.join(quantities)})",
                "endpoints",
            )


def _nearing(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """A watch is followed by closer readings, close enough for what grows fastest."""
    if parts.endpoints is None or parts.calendar is None:
        return
    watch, limit = _watch(parts.endpoints), parts.endpoints.volume_limit
    if watch is None or limit is None:
        return
    closer = parts.calendar.measuring.closer_weekdays
    if not closer:
        yield _finding(
            parts,
            "no_closer_readings",
            f"from {watch:g} mm³ on it is looked more often, but the calendar has no "
            "closer_weekdays",
            "endpoints",
            "schedule",
        )
    if parts.power is None:
        return
    fastest = float(parts.power.plan.rates.max())
    if fastest <= 0:
        return
    days = parts.measuring_days()
    begins = parts.calendar.measuring.closer_from
    # The closer readings hold for tumors that near their limit, where their day is declared.
    near = [day for day in days if begins is not None and day >= begins]
    gap = max(after - before for before, after in pairwise(near if len(near) > 1 else days))
    needs = math.log(limit / watch) / fastest
    if gap > needs * (1 + _ROUNDING):
        yield _finding(
            parts,
            "grows_past_the_watch",
            f"at the fastest rate assumed ({fastest:g} per day) a tumor grows from {watch:g} to "
            f"{limit:g} mm³ in {needs:.1f} days, and readings near the limit are up to {gap} days "
            "apart: it may pass the limit unseen",
            "endpoints",
            "schedule",
            "power",
            severity="warning",
        )


def _watch(profile: EndpointProfile) -> float | None:
    """Smallest volume from which it is looked more often."""
    found = [
        rule.limit
        for rule in profile.rules
        if rule.quantity == "volume" and rule.action == "watch"
    ]
    return min(found, default=None)


def _start(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """Eligible tumors are below their limit, and like those of the power calculation."""
    window = None if parts.allocation is None else parts.allocation.volume_window
    if window is None:
        return
    limit = None if parts.endpoints is None else parts.endpoints.volume_limit
    if limit is not None and window[1] >= limit:
        yield _finding(
            parts,
            "eligible_at_limit",
            f"tumors of up to {window[1]:g} mm³ are eligible, and {limit:g} mm³ is the humane "
            "endpoint",
            "allocation",
            "endpoints",
        )
    start = None if parts.power is None else parts.power.plan.start
    if start is not None and not window[0] <= start <= window[1]:
        yield _finding(
            parts,
            "start_differs",
            f"tumors of {window[0]:g} to {window[1]:g} mm³ are eligible, and the power "
            f"calculation starts at {start:g} mm³",
            "allocation",
            "power",
        )


def _origin_of_power(parts: ProtocolParts) -> Iterator[ProtocolFinding]:
    """The assumptions of the power calculation say where they are from."""
    if parts.power is not None and not parts.power.plan.source.strip():
        yield _finding(
            parts,
            "power_without_source",
            "the power calculation does not say where its numbers are from (source)",
            "power",
            severity="warning",
        )


def _volume(limit: float | None) -> str:
    return "no volume" if limit is None else f"{limit:g} mm³"


def _quoted(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _listed(days: tuple[float, ...] | tuple[int, ...]) -> str:
    return ", ".join(f"{day:g}" for day in days)
