"""The parts of a design that a protocol is made of, as its files declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from oncovivo.design.allocation import AllocationRecord
from oncovivo.design.allocation_plan import AllocationDesign
from oncovivo.design.calendar import CalendarEntry, CalendarPlan
from oncovivo.design.dose_volumes import Formulation
from oncovivo.design.endpoint_rules import EndpointProfile
from oncovivo.design.power import SimulatedPower
from oncovivo.design.power_closed_form import ClosedForm
from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.protocol_items import ProtocolFileKind

__all__ = ["ArmNames", "PlannedDoses", "PlannedPower", "ProtocolParts"]

ArmNames: TypeAlias = Mapping[ProtocolFileKind, Mapping[str, str]]
"""Name of an arm in the protocol, by file and its name there, where the two differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDoses:
    """Formulations, and what holds for all of them.

    Parameters
    ----------
    formulations : tuple of Formulation
        In the order of the file.
    species : str
        For equivalent doses.
    max_weight_age : float
        Days that a weight may be old.
    """

    formulations: tuple[Formulation, ...]
    species: str
    max_weight_age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """Assumptions and what comes out of them.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions.
    simulated : SimulatedPower
        By simulation.
    closed_form : tuple of ClosedForm
        Where all animals stay.
    smallest : tuple of float or None
        Smallest effect of each question with a power of `target`; None where none has it.
    target : float
        See there.
    seed : int
        Of the simulation.
    """

    plan: PowerPlan
    simulated: SimulatedPower
    closed_form: tuple[ClosedForm, ...]
    smallest: tuple[float | None, ...]
    target: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolParts:
    """What the files of a design say; None for a file that the protocol does not name.

    Parameters
    ----------
    named : mapping of str to str
        Name of each file.
    arm_names : ArmNames
        Names of arms that differ from those of the protocol.
    declared_arms : tuple of str
        Arms that the protocol lists; empty unless it does.
    allocation : AllocationDesign, optional
        How animals come to their arms.
    record : AllocationRecord, optional
        The draw; only where animals are listed.
    doses : PlannedDoses, optional
        Formulations.
    calendar : CalendarPlan, optional
        The calendar as declared.
    entries : tuple of CalendarEntry
        What is done on which day.
    endpoints : EndpointProfile, optional
        Humane endpoints.
    power : PlannedPower, optional
        The sample size.
    """

    named: Mapping[ProtocolFileKind, str]
    arm_names: ArmNames = field(default_factory=lambda: MappingProxyType({}))
    declared_arms: tuple[str, ...] = ()
    allocation: AllocationDesign | None = None
    record: AllocationRecord | None = None
    doses: PlannedDoses | None = None
    calendar: CalendarPlan | None = None
    entries: tuple[CalendarEntry, ...] = ()
    endpoints: EndpointProfile | None = None
    power: PlannedPower | None = None

    def arm(self, kind: ProtocolFileKind, name: str) -> str:
        """Name in the protocol of an arm of a file."""
        return self.arm_names.get(kind, {}).get(name, name)

    def arms_of(self, kind: ProtocolFileKind) -> tuple[str, ...]:
        """Arms of a file by their names in the protocol, each once; none where it is not named."""
        names: tuple[str, ...] = ()
        if kind == "allocation" and self.allocation is not None:
            names = self.allocation.arm_names
        elif kind == "doses" and self.doses is not None:
            names = tuple(formulation.arm for formulation in self.doses.formulations)
        elif kind == "schedule" and self.calendar is not None:
            names = tuple(arm.name for arm in self.calendar.arms)
        elif kind == "power" and self.power is not None:
            names = tuple(arm.name for arm in self.power.plan.arms)
        return tuple(dict.fromkeys(self.arm(kind, name) for name in names))

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms of the protocol: those it lists, else those of the first file that has all arms."""
        if self.declared_arms:
            return self.declared_arms
        for kind in ("allocation", "power", "schedule", "doses"):
            if names := self.arms_of(kind):
                return names
        return ()

    @property
    def control(self) -> str | None:
        """The arm that the others are compared with."""
        if self.allocation is not None and self.allocation.control is not None:
            return self.arm("allocation", self.allocation.control)
        if self.power is not None:
            return self.arm("power", self.power.plan.arms[0].name)
        return None

    def planned(self) -> Mapping[str, int]:
        """Animals of each arm: as drawn, else as the sizes of the allocation say."""
        if self.record is not None:
            return {self.arm("allocation", arm.arm): arm.n for arm in self.record.balance()}
        if self.allocation is None:
            return {}
        return {
            self.arm("allocation", arm.name): arm.size
            for arm in self.allocation.arms
            if arm.size is not None
        }

    def measuring_days(self) -> tuple[int, ...]:
        """Study days on which tumors and weights are measured."""
        return tuple(entry.day for entry in self.entries if entry.task == "measure")

    def treatments(self, kind: ProtocolFileKind) -> Mapping[str, tuple[str, ...]]:
        """What each arm gets, in the notation of regimens, sorted."""
        found: dict[str, list[str]] = {}
        if kind == "doses" and self.doses is not None:
            for formulation in self.doses.formulations:
                name = self.arm("doses", formulation.arm)
                found.setdefault(name, []).append(str(formulation.treatment))
        elif kind == "schedule" and self.calendar is not None:
            for arm in self.calendar.arms:
                treatments = () if arm.regimen is None else arm.regimen.treatments
                found[self.arm("schedule", arm.name)] = [str(one) for one in treatments]
        return {name: tuple(sorted(texts)) for name, texts in found.items()}
