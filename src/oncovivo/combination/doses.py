"""Whether a combination gives each partner as that partner's own arm has it.

A null model foresees the combination from the partners alone. Where the combination gives another
dose, route or schedule of a partner, what it foresees is not this combination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias, get_args

from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Arm, Treatment

__all__ = ["DoseCheck", "DoseDifference", "Unequal", "check_doses"]

DifferenceKind: TypeAlias = Literal["dose", "route", "schedule", "missing", "added"]
DoseStatus: TypeAlias = Literal["equal", "unequal", "not_stated"]
Unequal: TypeAlias = Literal["refuse", "accept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseDifference:
    """A treatment that a combination gives otherwise than the arm of the partner alone.

    Parameters
    ----------
    compound : str
        What is given.
    kind : {"dose", "route", "schedule", "missing", "added"}
        What differs; ``missing``: the combination lacks it; ``added``: no partner's arm has it.
    alone, together : str
        The two regimens as text; empty where there is none.
    arm, combination : str
        The two arms; `arm` is empty for what was added.
    """

    compound: str
    kind: DifferenceKind
    alone: str
    together: str
    arm: str
    combination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseCheck:
    """What the comparison of the doses found.

    Parameters
    ----------
    status : {"equal", "unequal", "not_stated"}
        ``not_stated``: nothing differs, but some arm's doses or days are not stated.
    differences : tuple of DoseDifference
        What differs.
    not_stated : tuple of str
        Arms whose regimen leaves the comparison open.
    """

    status: DoseStatus
    differences: tuple[DoseDifference, ...] = ()
    not_stated: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "status": self.status,
            "differences": [asdict(difference) for difference in self.differences],
            "not_stated": list(self.not_stated),
        }


def check_doses(
    study_arms: Sequence[Arm], arms: CombinationArms, *, unequal: Unequal = "refuse"
) -> DoseCheck:
    """Compare what combinations give with what the partners' own arms give.

    What the control receives too (a vehicle, radiation of all arms) belongs to no partner.

    Parameters
    ----------
    study_arms : sequence of Arm
        Of the study.
    arms : CombinationArms
        Roles.
    unequal : {"refuse", "accept"}
        What happens where something differs: an error, or a result that says so.

    Raises
    ------
    DataError
        If something differs and that is refused.
    InputError
        If an arm is not in the study.

    Examples
    --------
    >>> from oncovivo.combination.roles import CombinationArms
    >>> from oncovivo.studies import parse_regimen
    >>> regimens = {
    ...     "vehicle": (),
    ...     "A": (parse_regimen("temsirolimus 2 mg/kg iv qd x21"),),
    ...     "B": (parse_regimen("perifosine 30 mg/kg po qd x21"),),
    ...     "AB": (
    ...         parse_regimen("temsirolimus 2 mg/kg iv qd x21 + perifosine 30 mg/kg po qd x21"),
    ...     ),
    ... }
    >>> study = [Arm(name=name, regimens=given) for name, given in regimens.items()]
    >>> roles = CombinationArms(control="vehicle", partners=("A", "B"), combination="AB")
    >>> check_doses(study, roles).status
    'equal'
    """
    if unequal not in get_args(Unequal):
        expected = "what happens to unequal doses: " + ", ".join(get_args(Unequal))
        raise InputError(expected, found=repr(unequal))
    by_name = {arm.name: arm for arm in study_arms}
    for name in arms.arms:
        if name not in by_name:
            expected = "an arm of the study: " + ", ".join(by_name)
            raise InputError(expected, found=repr(name))
    differences: list[DoseDifference] = []
    open_: list[str] = []
    for question in arms.questions:
        found, silent = _compare(by_name, question)
        differences += found
        open_ += silent
    if differences and unequal == "refuse":
        raise _refusal(differences[0])
    status: DoseStatus = "unequal" if differences else "not_stated" if open_ else "equal"
    return DoseCheck(
        status=status, differences=tuple(differences), not_stated=tuple(dict.fromkeys(open_))
    )


def _refusal(first: DoseDifference) -> DataError:
    where = f"arm '{first.combination}'"
    mend = "choose arms that agree, or accept unequal doses on purpose"
    if first.kind == "added":
        expected = "only treatments that an arm of a partner alone gives"
        return DataError(expected, found=f"'{first.together}'", where=where, mend=mend)
    expected = f"{first.compound} as in arm '{first.arm}', '{first.alone}'"
    found = f"'{first.together}'" if first.together else "none of it"
    return DataError(expected, found=found, where=where, mend=mend)


def _compare(
    by_name: dict[str, Arm], arms: CombinationArms
) -> tuple[list[DoseDifference], list[str]]:
    """Differences of one combination, and arms that leave the comparison open."""
    background = set(_treatments(by_name[arms.control]))
    together = _treatments(by_name[arms.combination])
    silent = [name for name in (*arms.partners, arms.combination) if not by_name[name].regimens]
    if not by_name[arms.combination].regimens:
        return [], silent
    differences: list[DoseDifference] = []
    expected: set[str] = set()
    for name in arms.partners:
        for key, alone in _treatments(by_name[name]).items():
            if key in background:
                continue
            expected.add(key)
            given = together.get(key)
            kind: DifferenceKind | None = "missing"
            if given is not None:
                if _is_open(alone) or _is_open(given):
                    silent.append(name if _is_open(alone) else arms.combination)
                kind = _difference(alone, given)
            if kind is not None:
                differences.append(
                    DoseDifference(
                        compound=alone.compound or "the treatment",
                        kind=kind,
                        alone=str(alone),
                        together="" if given is None else str(given),
                        arm=name,
                        combination=arms.combination,
                    )
                )
    if all(by_name[name].regimens for name in arms.partners):
        differences += [
            DoseDifference(
                compound=given.compound or "the treatment",
                kind="added",
                alone="",
                together=str(given),
                arm="",
                combination=arms.combination,
            )
            for key, given in together.items()
            if key not in expected and key not in background
        ]
    return differences, silent


def _treatments(arm: Arm) -> dict[str, Treatment]:
    """Treatments of an arm by compound, whatever its capitals; radiation has none."""
    return {
        (treatment.compound or "").casefold(): treatment
        for regimen in arm.regimens
        for treatment in regimen.treatments
    }


def _is_open(treatment: Treatment) -> bool:
    """Whether a dose or the dosing days are not stated."""
    return bool(treatment.missing())


def _difference(alone: Treatment, together: Treatment) -> DifferenceKind | None:
    """What differs of what both state."""
    pairs = list(zip(alone.courses, together.courses, strict=False))
    same_length = len(alone.courses) == len(together.courses)
    if any(a.dose and b.dose and a.dose != b.dose for a, b in pairs):
        return "dose"
    if any(a.route and b.route and a.route != b.route for a, b in pairs):
        return "route"
    if not (_is_open(alone) or _is_open(together)):
        counts = [sum(c.n_doses() for c in t.courses) for t in (alone, together)]
        days = alone.dosing_days() == together.dosing_days()
        return None if days and counts[0] == counts[1] and same_length else "schedule"
    stated = [(a.schedule, b.schedule) for a, b in pairs if a.schedule and b.schedule]
    return "schedule" if any(a != b for a, b in stated) else None
