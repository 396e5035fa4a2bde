"""What the files of a design say about the items of a protocol, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from oncovivo.design.allocation_plan import AllocationDesign
from oncovivo.design.cage_advice import advise_on_cages
from oncovivo.design.calendar import CalendarPlan
from oncovivo.design.power_plan import PowerQuestion
from oncovivo.design.protocol import Computed
from oncovivo.design.protocol_items import ProtocolFileKind
from oncovivo.design.protocol_parts import PlannedPower, ProtocolParts

__all__ = ["computed_statements", "day_list"]

_COVARIATES: Final = {"volume": "log volume", "weight": "body weight"}
_ON_CLOSED: Final = {
    "refuse": "no dose falls on a day on which nobody works",
    "keep": "doses on closed days are given all the same",
    "earlier": "a dose on a closed day is given on the working day before",
    "later": "a dose on a closed day is given on the next working day",
}
_MODELS: Final = {
    "common": "a linear mixed model of log volume with random intercept and slope and a common "
    "intercept of the arms",
    "arm": "a linear mixed model of log volume with random intercept and slope and an intercept "
    "of each arm",
    "ratio": "a linear mixed model of log volume relative to baseline with random slopes",
}
_QUESTIONS: Final[Mapping[PowerQuestion, str]] = {
    "difference": "the rate of each other arm less that of the control, each on its own",
    "dunnett": "the rate of each other arm less that of the control, with the family-wise error "
    "held (Dunnett)",
    "tgi": "the inhibition of growth against the control on a day",
    "bliss": "the rate of the combination less what both drugs add up to (Bliss)",
    "hsa": "whether the combination grows slower than under either drug (highest single agent)",
    "additivity": "the size under the combination against response additivity",
    "event": "times to an event against the control, by the log-rank test",
    "response": "shares of responders against the control, by Fisher's exact test",
}
_OF_VISITS: Final[tuple[PowerQuestion, ...]] = ("event", "response")


def computed_statements(parts: ProtocolParts, *, blinded: bool = False) -> Mapping[str, Computed]:
    """What the named files say, by id of the item.

    Parameters
    ----------
    parts : ProtocolParts
        The files.
    blinded : bool
        Whether the seed of the draw, which tells the arms, is left out.
    """
    found: dict[str, Computed] = {}
    if parts.allocation is not None:
        found |= _allocation(parts, parts.allocation, blinded=blinded)
    if parts.doses is not None:
        found |= _doses(parts)
    if parts.calendar is not None:
        found |= _calendar(parts, parts.calendar)
    if parts.endpoints is not None:
        found["endpoints.rules"] = _rules(parts)
    if parts.power is not None:
        text = _power(parts.power)
        found["statistics.sample_size"] = _computed(parts, text, "power")
    return found


def day_list(days: Sequence[int]) -> str:
    """Study days as words, runs of three or more as a range.

    Examples
    --------
    >>> day_list([0, 1, 2, 3, 7, 8, 14])
    '0 to 3, 7, 8, 14'
    """
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words: list[str] = []
    for run in runs:
        words += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(day) for day in run]
    return ", ".join(words)


def _computed(
    parts: ProtocolParts, text: str, *kinds: ProtocolFileKind, missing: str = ""
) -> Computed:
    """A statement with the names of its files."""
    files = tuple(parts.named[kind] for kind in kinds if kind in parts.named)
    return Computed(text=text, files=files, missing=missing)


def _allocation(
    parts: ProtocolParts, design: AllocationDesign, *, blinded: bool
) -> dict[str, Computed]:
    """Eligibility, method, numbers, unit, orders and letters."""
    both: tuple[ProtocolFileKind, ...] = ("allocation", "animals")
    planned = parts.planned()
    numbers = ""
    if planned:
        listed = ", ".join(f"{name} {count}" for name, count in planned.items())
        numbers = f"{listed}: {sum(planned.values())} animals in {len(planned)} arms."
    elif all(arm.cages is not None for arm in design.arms):
        listed = ", ".join(f"{arm.name} {arm.cages}" for arm in design.arms)
        numbers = f"Whole cages: {listed}."
    return {
        "start.size": _computed(parts, _eligibility(parts, design), *both),
        "randomization.method": _computed(parts, _method(parts, design, blinded=blinded), *both),
        "randomization.numbers": _computed(
            parts,
            numbers,
            *both,
            missing="neither the sizes of the arms nor a list of animals (files.animals) say how "
            "many each arm gets",
        ),
        "randomization.unit": _computed(parts, _unit(parts, design), *both),
        "randomization.order": _computed(parts, _order(design), "allocation"),
        "blinding.letters": _computed(
            parts,
            f"{_letters(len(design.arms))} stand for the arms on every list; which is which is "
            "drawn and kept in a sealed key of its own.",
            "allocation",
        ),
    }


def _eligibility(parts: ProtocolParts, design: AllocationDesign) -> str:
    """Which animals are taken."""
    windows = []
    if design.volume_window is not None:
        low, high = design.volume_window
        windows.append(f"a baseline volume of {low:g} to {high:g} mm³")
    if design.weight_window is not None:
        low, high = design.weight_window
        windows.append(f"a body weight of {low:g} to {high:g} g")
    text = "Every animal is eligible."
    if windows:
        text = f"Animals with {' and '.join(windows)} are eligible, both ends included."
    if parts.record is not None:
        taken, left = len(parts.record.placements), len(parts.record.excluded)
        text += f" Of {taken + left} animals {taken} are allocated and {left} stay out."
    if design.excluded:
        named = "; ".join(f"{name}: {reason}" for name, reason in design.excluded)
        text += f" Left out by name: {named}."
    if design.surplus == "random":
        return f"{text} Where more are eligible than needed, chance decides who stays out."
    return (
        f"{text} Where more are eligible than needed, those whose log volume is farthest from the "
        "median stay out."
    )


def _method(parts: ProtocolParts, design: AllocationDesign, *, blinded: bool) -> str:
    """How it is drawn, within what, and with which seed."""
    units = "cages" if design.by_cage else "animals"
    if design.method == "complete":
        text = f"All allocations of the {units} with these numbers are alike likely."
    elif design.method == "permuted_blocks":
        size = "" if design.block_size is None else f" of {design.block_size}"
        text = f"Permuted blocks{size} of animals with neighboring volumes."
    else:
        about = "what is known of every animal at baseline"
        if design.covariates is not None:
            about = " and ".join(_COVARIATES[name] for name in design.covariates)
        kind = "Whole cages, restricted" if design.by_cage else "Restricted"
        text = (
            f"{kind}: a uniform draw among all allocations whose imbalance in {about} is not "
            f"above the {design.quantile:.0%} quantile of {design.candidates:,} drawn before."
        )
    if design.strata:
        text += f" Within strata of {' and '.join(design.strata)}."
    if design.sqrt_control:
        others = len(design.arms) - 1
        text += f" The control gets √{others} times as many as each other arm."
    if parts.record is None:
        return f"{text} It is drawn with a recorded seed when the animals are listed."
    if blinded:
        return f"{text} The seed is held with the key."
    return f"{text} Seed {parts.record.seed}, which with the list of animals tells the arms."


def _unit(parts: ProtocolParts, design: AllocationDesign) -> str:
    """What is allocated independently."""
    if parts.record is not None:
        return " ".join(advise_on_cages(parts.record).advice)
    if design.by_cage:
        return "The cage: whole cages are allocated."
    return (
        "The animal: animals are allocated one by one, provided that a treatment reaches one "
        "animal alone."
    )


def _order(design: AllocationDesign) -> str:
    """Orders of measuring and dosing."""
    sessions = f"{design.sessions} sessions" if design.sessions > 1 else "one session"
    cages = ", cage by cage" if design.cages_together else ""
    return f"Orders of measuring and of dosing are drawn for {sessions}{cages}."


def _letters(count: int) -> str:
    """The letters of so many arms."""
    return f"Letters A to {chr(ord('A') + count - 1)}"


def _doses(parts: ProtocolParts) -> dict[str, Computed]:
    """Regimens and volumes."""
    doses = parts.doses
    if doses is None:
        return {}
    regimens = "; ".join(
        f"{name}: {' + '.join(given)}" for name, given in parts.treatments("doses").items()
    )
    steps = sorted({formulation.step_ml for formulation in doses.formulations})
    sources = dict.fromkeys(formulation.ceiling()[1] for formulation in doses.formulations)
    volumes = (
        "The volume is the dose times the latest weight over the concentration; a weight may be "
        f"{doses.max_weight_age:g} days old, and the volume is rounded to "
        f"{' or '.join(f'{step:g}' for step in steps)} mL. No volume is given beyond the ceiling "
        f"of its route ({'; '.join(sources)})."
    )
    return {
        "dosing.regimens": _computed(parts, f"{regimens}.", "doses"),
        "dosing.volumes": _computed(parts, volumes, "doses"),
    }


def _calendar(parts: ProtocolParts, plan: CalendarPlan) -> dict[str, Computed]:
    """First and last day, days of dosing and measuring."""
    rule = plan.measuring
    measured = (
        f"Tumors and body weight are measured on days {day_list(parts.measuring_days())}: on "
        f"{_words(rule.weekdays)}, on day 0 and on the last day"
    )
    if rule.closer_weekdays:
        begins = "near the limit" if rule.closer_from is None else f"from day {rule.closer_from}"
        measured += f", {begins} on {_words(rule.closer_weekdays)}"
    if rule.longest_gap is not None:
        measured += f", never more than {rule.longest_gap} days apart"
    dosed: dict[str, list[int]] = {}
    for entry in parts.entries:
        if entry.task == "dose":
            dosed.setdefault(entry.detail, []).append(entry.day)
    given = "; ".join(
        f"{treatment} on days {day_list(sorted(set(days)))}" for treatment, days in dosed.items()
    )
    closed = "weekends are open" if plan.weekends_open else "weekends are closed"
    holidays = f", {len(plan.holidays)} holidays too" if plan.holidays else ""
    return {
        "organization.timescale": _computed(
            parts,
            f"Day 0 is {plan.start.isoformat()}, day {plan.last_day} is "
            f"{plan.date_of(plan.last_day).isoformat()}; {closed}{holidays}.",
            "schedule",
        ),
        "dosing.calendar": _computed(
            parts,
            f"{given}; {_ON_CLOSED[plan.on_closed]}." if given else "",
            "schedule",
            missing="the calendar has no dose",
        ),
        "measuring.days": _computed(parts, f"{measured}.", "schedule"),
    }


def _rules(parts: ProtocolParts) -> Computed:
    """How many rules there are, and what limits the volume."""
    profile = parts.endpoints
    rules = () if profile is None else profile.rules
    limits = sum(rule.action == "limit" for rule in rules)
    watches = len(rules) - limits
    text = f"An animal that meets one of {_counted(limits, 'rule')} is at its endpoint."
    if watches:
        text += (
            f" {watches} more {'rule asks' if watches == 1 else 'rules ask'} to look more often."
        )
    text += " A reading at a limit counts as one beyond it."
    limit = None if profile is None else profile.volume_limit
    if limit is not None:
        text += f" The volume of a tumor is limited to {limit:g} mm³."
    return _computed(parts, text, "endpoints")


def _power(power: PlannedPower) -> str:
    """Question, numbers, assumptions; what comes out of them is a table of its own."""
    plan = power.plan
    animals = ", ".join(f"{arm.name} {arm.animals}" for arm in plan.arms)
    source = plan.source.strip().rstrip(".") or "no source is stated"
    leaving = "All animals stay."
    if plan.size_limit is not None:
        leaving = (
            f"Animals leave at {plan.size_limit:g} mm³, {power.simulated.left_early:.0%} of them "
            "before the last day."
        )
    found = ", ".join(
        f"{question.power:.1%} for {question.label}" for question in power.simulated.questions
    )
    model = "" if plan.question in _OF_VISITS else f" with {_MODELS[plan.model]}"
    sides = "one-sided" if plan.question == "hsa" else "two-sided"
    return (
        f"Animals: {animals}. With them the power is {found}. The question is "
        f"{_QUESTIONS[plan.question]}, with a {sides} error of {1 - plan.level:.2g}. "
        f"{plan.replicates:,} studies were simulated (seed {power.seed}) and analysed{model}. "
        f"Assumed are the rates of the table of arms, SD of rates {plan.rate_sd:g} per day, of "
        f"log readings {plan.reading_sd:g}, of log baselines {plan.start_sd:g} about "
        f"{plan.start:g} mm³, and readings on {len(plan.days)} days up to day "
        f"{plan.days[-1]:g}. {leaving} Origin of these numbers: {source}."
    )


def _words(names: Iterable[str]) -> str:
    """Weekdays as words."""
    return ", ".join(dict.fromkeys(names))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
