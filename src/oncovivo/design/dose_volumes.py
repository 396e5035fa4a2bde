"""How much of which formulation each animal gets: the dose sheet, and what has to be made.

The volume is the dose times the latest weight over the concentration. It is then rounded to what
the syringe shows, and refused (no volume, but a reason) where the weight is too old, the volume is
beyond the ceiling of the route, or below the smallest step. The sheet thus never shows a volume
that must not be given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from oncovivo.design.dose_conversion import to_mg_per_kg
from oncovivo.design.endpoint_rules import OWN_CHOICE
from oncovivo.errors import InputError
from oncovivo.studies import Dose, Route, Treatment
from oncovivo.units import convert, parse_unit

__all__ = [
    "CEILINGS",
    "CEILING_SOURCE",
    "AnimalWeight",
    "DoseSheet",
    "Formulation",
    "FormulationTotal",
    "Rounding",
    "SheetRow",
    "SheetStatus",
    "dose_sheet",
]

Rounding: TypeAlias = Literal["nearest", "down"]
SheetStatus: TypeAlias = Literal["ok", "not_weighed", "stale_weight", "over_ceiling", "below_step"]

CEILINGS: Final[Mapping[str, Mapping[Route, float]]] = MappingProxyType(
    {
        "mouse": MappingProxyType(
            {
                Route.ORAL: 10.0,
                Route.SUBCUTANEOUS: 10.0,
                Route.INTRAPERITONEAL: 20.0,
                Route.INTRAVENOUS: 5.0,
            }
        ),
        "rat": MappingProxyType(
            {
                Route.ORAL: 10.0,
                Route.SUBCUTANEOUS: 5.0,
                Route.INTRAPERITONEAL: 10.0,
                Route.INTRAVENOUS: 5.0,
            }
        ),
    }
)
"""Volumes considered good practice by species and route, mL/kg; intravenous as a bolus."""

CEILING_SOURCE: Final = (
    "Diehl K-H, et al. J Appl Toxicol 2001;21:15-23, volumes considered good practice"
)
"""Where the ceilings come from."""

# A volume that is a whole number of steps on paper may come out a rounding below it.
_ROUNDING: Final = 1e-9
_GRAM_PER_KG: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """What an arm is given, and how it is drawn up.

    Parameters
    ----------
    arm : str
        The arm, as the weights name it.
    treatment : Treatment
        Compound, dose, route and schedule, in one phase.
    concentration_mg_per_ml : float
        Of what is given.
    species : str
        For ceilings and factors of body surface.
    step_ml : float
        Smallest step of the syringe.
    rounding : {"nearest", "down"}
        To the step.
    ceiling_ml_per_kg : float, optional
        Largest volume; else that of ``CEILINGS``.
    ceiling_source : str, optional
        Who says so; the study's own choice if not given.
    stock_mg_per_ml : float, optional
        Concentration of the stock that the formulation is diluted from.
    lot_mg : float, optional
        Content of a vial or lot.
    overage_pct : float
        What is made beyond what is given, percent.

    Raises
    ------
    InputError
        If a number is outside its domain, the treatment says too little or too much, or no
        ceiling is known.
    """

    arm: str
    treatment: Treatment
    concentration_mg_per_ml: float
    species: str = "mouse"
    step_ml: float = 0.01
    rounding: Rounding = "nearest"
    ceiling_ml_per_kg: float | None = None
    ceiling_source: str | None = None
    stock_mg_per_ml: float | None = None
    lot_mg: float | None = None
    overage_pct: float = 10.0

    def __post_init__(self) -> None:
        where = f"doses of arm '{self.arm}'"
        if len(self.treatment.courses) > 1:
            raise InputError(
                "a treatment of one phase",
                found=str(self.treatment),
                where=where,
                mend="give each phase an entry of its own, with its days",
            )
        course = self.treatment.courses[0]
        for name, missing in (("dose", course.dose is None), ("route", course.route is None)):
            if missing:
                raise InputError(f"a {name}", found=str(self.treatment), where=where)
        if self.rounding not in get_args(Rounding):
            expected = "rounding: nearest or down"
            raise InputError(expected, found=repr(self.rounding), where=where)
        positive = (
            ("a concentration in mg/mL", self.concentration_mg_per_ml),
            ("a step of the syringe in mL", self.step_ml),
            ("a ceiling in mL/kg", self.ceiling_ml_per_kg),
            ("a concentration of the stock in mg/mL", self.stock_mg_per_ml),
            ("a content of the lot in mg", self.lot_mg),
        )
        for name, value in positive:
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} above zero", found=f"{value:g}", where=where)
        if not 0 <= self.overage_pct < math.inf:
            expected = "an overage of 0 % or more"
            raise InputError(expected, found=f"{self.overage_pct:g}", where=where)
        if (self.stock_mg_per_ml or math.inf) < self.concentration_mg_per_ml:
            raise InputError(
                "a stock not thinner than what is given",
                found=f"{self.stock_mg_per_ml:g} below {self.concentration_mg_per_ml:g} mg/mL",
                where=where,
            )
        self.ceiling()
        self.dose_mg_per_kg()

    @property
    def route(self) -> Route:
        """Route of administration."""
        route = self.treatment.courses[0].route
        if route is None:
            expected = "a route"
            raise InputError(expected, found=str(self.treatment))
        return route

    def ceiling(self) -> tuple[float, str]:
        """Largest volume in mL/kg, and who says so.

        Raises
        ------
        InputError
            If none is given and none is known for the species and route.
        """
        if self.ceiling_ml_per_kg is not None:
            return self.ceiling_ml_per_kg, self.ceiling_source or OWN_CHOICE
        known = CEILINGS.get(self.species, {}).get(self.route)
        if known is None:
            raise InputError(
                "a ceiling in mL/kg",
                found=f"none known for {self.route.value} in {self.species}",
                where=f"doses of arm '{self.arm}'",
                mend="give ceiling_ml_per_kg and ceiling_source",
            )
        return known, CEILING_SOURCE

    def dose_mg_per_kg(self) -> float:
        """The dose in mg/kg; one in mg/m² by the factor of the species.

        Raises
        ------
        InputError
            If the dose is no mass per body mass or surface.
        """
        dose = self.treatment.courses[0].dose
        if dose is None:
            expected = "a dose"
            raise InputError(expected, found=str(self.treatment))
        return _mg_per_kg(dose, self.species, where=f"doses of arm '{self.arm}'")

    def doses_on(self, day: float) -> int:
        """Doses on a study day; a treatment without a schedule is given once, on any day."""
        course = self.treatment.courses[0]
        if course.schedule is None:
            return 1
        return course.times_per_day if day in self.treatment.dosing_days() else 0

    def doses_from(self, day: float) -> int:
        """Doses from a study day to the end."""
        course = self.treatment.courses[0]
        if course.schedule is None:
            return 1
        return sum(course.times_per_day for due in self.treatment.dosing_days() if due >= day)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalWeight:
    """A weighing.

    Parameters
    ----------
    animal_id, arm : str
        Who.
    day : float
        Study day.
    weight_g : float
        Positive.
    cage : str, optional
        Where it is found.
    """

    animal_id: str
    arm: str
    day: float
    weight_g: float
    cage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A line of the dose sheet.

    Parameters
    ----------
    animal_id, arm, compound, route : str
        Who gets what.
    dose_mg_per_kg : float
        As planned.
    weight_g, weight_day, weight_age : float or None
        The latest weight, its day and how many days ago that is.
    exact_ml : float or None
        Before rounding.
    volume_ml : float or None
        To be drawn up; None where nothing must be given.
    given_mg_per_kg : float or None
        What the rounded volume comes to.
    deviation_pct : float or None
        Of that from the plan.
    ml_per_kg, ceiling_ml_per_kg : float or None
        Rounded volume per body mass, and its ceiling.
    status : SheetStatus
        Why there is no volume.
    reason : str
        In words, with what to do.
    cage : str or None
        That of the latest weighing.
    """

    animal_id: str
    arm: str
    compound: str
    route: str
    dose_mg_per_kg: float
    weight_g: float | None
    weight_day: float | None
    weight_age: float | None
    exact_ml: float | None
    volume_ml: float | None
    given_mg_per_kg: float | None
    deviation_pct: float | None
    ml_per_kg: float | None
    ceiling_ml_per_kg: float
    status: SheetStatus
    reason: str
    cage: str | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulationTotal:
    """What has to be made of a formulation.

    Parameters
    ----------
    arm, compound : str
        Of what.
    n_animals : int
        Animals that it is made for: those with a volume, and those to be weighed again, who
        count with the largest volume of the others.
    doses_today, doses_left : int
        Doses of an animal on the day of the sheet, and from that day to the end.
    today_ml, course_ml : float
        Volume for the day and from the day to the end at today's weights, overage included.
    course_mg : float
        Compound in the latter.
    stock_ml, diluent_ml : float or None
        Volumes of stock and of what dilutes it, for the course.
    lots : int or None
        Vials or lots to open for the course.
    overage_pct : float
        Included, percent.
    ceiling_ml_per_kg : float
        Largest volume.
    ceiling_source : str
        Who says so.
    """

    arm: str
    compound: str
    n_animals: int
    doses_today: int
    doses_left: int
    today_ml: float
    course_ml: float
    course_mg: float
    stock_ml: float | None
    diluent_ml: float | None
    lots: int | None
    overage_pct: float
    ceiling_ml_per_kg: float
    ceiling_source: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSheet:
    """The dose sheet of a day.

    Parameters
    ----------
    day : float
        Study day.
    max_weight_age : float
        Days that a weight may be old.
    rows : tuple of SheetRow
        Formulation by formulation, animals in the order of the weights.
    totals : tuple of FormulationTotal
        In the order of the formulations.
    notes : tuple of str
        Arms that are not due, arms without a formulation.
    """

    day: float
    max_weight_age: float
    rows: tuple[SheetRow, ...]
    totals: tuple[FormulationTotal, ...]
    notes: tuple[str, ...]

    @property
    def n_refused(self) -> int:
        """Lines without a volume."""
        return sum(row.status != "ok" for row in self.rows)


def dose_sheet(
    formulations: Sequence[Formulation],
    weights: Sequence[AnimalWeight],
    *,
    day: float,
    max_weight_age: float,
) -> DoseSheet:
    """The volumes to give on a study day, and what has to be made.

    Parameters
    ----------
    formulations : sequence of Formulation
        What the arms get; an arm with several gets them all.
    weights : sequence of AnimalWeight
        Weighings; the latest until the day counts.
    day : float
        Study day.
    max_weight_age : float
        Days that a weight may be old; an older one gives no volume.

    Raises
    ------
    InputError
        If weighings contradict each other, an arm has no animal, or a number is outside its
        domain.

    Examples
    --------
    >>> from oncovivo.studies import parse_regimen
    >>> sheet = dose_sheet(
    ...     [
    ...         Formulation(
    ...             arm="drug",
    ...             treatment=parse_regimen("temsirolimus 20 mg/kg i.v. qw x3").treatments[0],
    ...             concentration_mg_per_ml=5.0,
    ...         )
    ...     ],
    ...     [AnimalWeight(animal_id="m1", arm="drug", day=0, weight_g=21.3)],
    ...     day=0,
    ...     max_weight_age=3,
    ... )
    >>> sheet.rows[0].volume_ml
    0.09
    """
    _check_numbers(formulations, weights, day=day, max_weight_age=max_weight_age)
    latest = _latest(weights, day)
    arm_of = {weighing.animal_id: weighing.arm for weighing in weights}
    rows: list[SheetRow] = []
    totals: list[FormulationTotal] = []
    notes: list[str] = []
    for formulation in formulations:
        members = [name for name, arm in arm_of.items() if arm == formulation.arm]
        if not members:
            known = ", ".join(sorted(set(arm_of.values())))
            expected = f"an arm with weights: {known}"
            raise InputError(expected, found=repr(formulation.arm))
        if not formulation.doses_on(day):
            later = [due for due in formulation.treatment.dosing_days() if due > day]
            following = f"next on day {later[0]}" if later else "no dose is left"
            notes.append(
                f"{formulation.arm}, {formulation.treatment}: not due on day {day:g}, {following}"
            )
            continue
        own = [
            _row(formulation, name, latest.get(name), day=day, max_weight_age=max_weight_age)
            for name in members
        ]
        rows += own
        totals.append(_total(formulation, own, day))
    treated = {formulation.arm for formulation in formulations}
    notes += [
        f"{arm}: no formulation is given for this arm"
        for arm in dict.fromkeys(arm_of.values())
        if arm not in treated
    ]
    return DoseSheet(
        day=float(day),
        max_weight_age=float(max_weight_age),
        rows=tuple(rows),
        totals=tuple(totals),
        notes=tuple(notes),
    )


def _row(
    formulation: Formulation,
    name: str,
    weighing: AnimalWeight | None,
    *,
    day: float,
    max_weight_age: float,
) -> SheetRow:
    """The line of an animal."""
    dose = formulation.dose_mg_per_kg()
    ceiling, _ = formulation.ceiling()
    weight = None if weighing is None else weighing.weight_g
    age = None if weighing is None else day - weighing.day
    exact = volume = given = per_kg = None
    status: SheetStatus = "ok"
    reason = ""
    if weight is None or age is None:
        status, reason = "not_weighed", f"no weight until day {day:g}: weigh it"
    elif age > max_weight_age:
        status = "stale_weight"
        reason = f"its weight is {age:g} days old, {max_weight_age:g} are allowed: weigh it"
    else:
        kilograms = weight / _GRAM_PER_KG
        exact = dose * kilograms / formulation.concentration_mg_per_ml
        rounded = _rounded(exact, formulation.step_ml, formulation.rounding)
        if rounded <= 0:
            status = "below_step"
            reason = f"{exact:.4g} mL is less than the syringe shows: dilute it"
        elif rounded / kilograms > ceiling * (1 + _ROUNDING):
            status = "over_ceiling"
            least = dose / ceiling
            reason = f"{rounded / kilograms:.3g} mL/kg is beyond {ceiling:g}: " + (
                f"{least:.3g} mg/mL or more would do"
                if least > formulation.concentration_mg_per_ml
                else "round down"
            )
        else:
            volume, per_kg = rounded, rounded / kilograms
            given = rounded * formulation.concentration_mg_per_ml / kilograms
    return SheetRow(
        animal_id=name,
        arm=formulation.arm,
        compound=formulation.treatment.compound or "",
        route=formulation.route.value,
        dose_mg_per_kg=dose,
        weight_g=weight,
        weight_day=None if weighing is None else weighing.day,
        weight_age=age,
        exact_ml=exact,
        volume_ml=volume,
        given_mg_per_kg=given,
        deviation_pct=None if given is None else 100.0 * (given / dose - 1.0),
        ml_per_kg=per_kg,
        ceiling_ml_per_kg=ceiling,
        status=status,
        reason=reason,
        cage=None if weighing is None else weighing.cage,
    )


def _total(formulation: Formulation, rows: Sequence[SheetRow], day: float) -> FormulationTotal:
    """What has to be made."""
    known = [row.volume_ml for row in rows if row.volume_ml is not None]
    again = sum(row.status in ("not_weighed", "stale_weight") for row in rows)
    one = math.fsum(known) + again * max(known, default=0.0)
    more = 1.0 + formulation.overage_pct / 100.0
    today, left = formulation.doses_on(day), formulation.doses_from(day)
    course = one * left * more
    mass = course * formulation.concentration_mg_per_ml
    stock = None if formulation.stock_mg_per_ml is None else mass / formulation.stock_mg_per_ml
    ceiling, source = formulation.ceiling()
    return FormulationTotal(
        arm=formulation.arm,
        compound=formulation.treatment.compound or "",
        n_animals=len(known) + again,
        doses_today=today,
        doses_left=left,
        today_ml=one * today * more,
        course_ml=course,
        course_mg=mass,
        stock_ml=stock,
        diluent_ml=None if stock is None else course - stock,
        lots=None
        if formulation.lot_mg is None
        else math.ceil(mass / formulation.lot_mg * (1 - _ROUNDING)),
        overage_pct=formulation.overage_pct,
        ceiling_ml_per_kg=ceiling,
        ceiling_source=source,
    )


def _rounded(volume: float, step: float, rounding: Rounding) -> float:
    """A volume in whole steps; halves go up, as a syringe is read."""
    steps = volume / step
    whole = math.floor(steps + (0.5 if rounding == "nearest" else 0.0) + _ROUNDING)
    # 9 steps of 0.01 are 0.09, not 0.0899…
    return float(f"{whole * step:.12g}")


def _latest(weights: Sequence[AnimalWeight], day: float) -> dict[str, AnimalWeight]:
    """The last weighing of each animal until a day."""
    found: dict[str, AnimalWeight] = {}
    for weighing in sorted(weights, key=lambda weighing: weighing.day):
        if weighing.day <= day:
            found[weighing.animal_id] = weighing
    return found


def _mg_per_kg(dose: Dose, species: str, *, where: str) -> float:
    """A dose in mg/kg."""
    dimension = parse_unit(dose.unit).dimension
    if dimension == "dose per body mass":
        return convert(dose.value, dose.unit, "mg/kg")
    if dimension == "dose per body surface":
        return to_mg_per_kg(convert(dose.value, dose.unit, "mg/m²"), species)
    expected = "a dose in mg/kg or mg/m²"
    raise InputError(expected, found=str(dose), where=where)


def _check_numbers(
    formulations: Sequence[Formulation],
    weights: Sequence[AnimalWeight],
    *,
    day: float,
    max_weight_age: float,
) -> None:
    """Refuse what cannot be a sheet."""
    if not formulations:
        expected = "at least one formulation"
        raise InputError(expected, found="none")
    if not weights:
        expected = "at least one weight"
        raise InputError(expected, found="none")
    if not math.isfinite(day):
        expected = "a study day"
        raise InputError(expected, found=f"{day:g}")
    if not 0 <= max_weight_age < math.inf:
        expected = "0 days or more that a weight may be old"
        raise InputError(expected, found=f"{max_weight_age:g}")
    arm_of: dict[str, str] = {}
    seen: set[tuple[str, float]] = set()
    for weighing in weights:
        where = f"weight of {weighing.animal_id} on day {weighing.day:g}"
        if not 0 < weighing.weight_g < math.inf:
            expected = "a positive weight in g"
            raise InputError(expected, found=f"{weighing.weight_g:g}", where=where)
        if arm_of.setdefault(weighing.animal_id, weighing.arm) != weighing.arm:
            raise InputError(
                "one arm for an animal",
                found=f"'{arm_of[weighing.animal_id]}' and '{weighing.arm}'",
                where=where,
            )
        if (weighing.animal_id, weighing.day) in seen:
            expected = "one weight of an animal on a day"
            raise InputError(expected, found="two", where=where)
        seen.add((weighing.animal_id, weighing.day))
