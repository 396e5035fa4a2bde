"""A protocol from its file and the files of the design that it names.

Numbers are computed by the engine that carries the design out: the allocation from its design and
the list of animals, doses from formulations, the calendar from regimens and rules, the sample size
by simulated studies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oncovivo.design.protocol import (
    CalendarDay,
    DoseLine,
    OpenItem,
    PowerLine,
    ProtocolArm,
    ProtocolFinding,
    RuleLine,
    Statement,
    open_items,
)
from oncovivo.design.protocol_checklist import ChecklistRow
from oncovivo.provenance import InputFile, digest_file
from oncovivo.references import Library

if TYPE_CHECKING:
    from oncovivo.analyses.allocation import FileAllocation
    from oncovivo.analyses.design_protocol_file import ProtocolFile
    from oncovivo.design.protocol_parts import ProtocolParts


__all__ = ["FileProtocol", "ProtocolResult", "build_protocol", "build_protocol_file"]

SCHEMA: Final = "oncovivo.design_protocol/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult:
    """A protocol with its tables, checklists, open items and findings.

    Parameters
    ----------
    title, version, remark : str
        What it is called; what a reader must know first.
    authors : tuple of str
        Who wrote it.
    blinded : bool
        Whether the seed of the allocation is left out.
    seed : int or None
        Of the allocation; None where nothing is drawn yet, or left out.
    statements : tuple of Statement
        Every item in the order of the sections.
    arms : tuple of ProtocolArm
        With their numbers.
    doses : tuple of DoseLine
        What is given of each compound.
    calendar : tuple of CalendarDay
        Days on which something is done.
    rules : tuple of RuleLine
        Humane endpoints.
    power : tuple of PowerLine
        What the sample size is enough for.
    checklists : tuple of ChecklistRow
        ARRIVE 2.0 and PREPARE, filled.
    open_items : tuple of OpenItem
        What has to be decided.
    findings : tuple of ProtocolFinding
        What does not fit together.
    inputs : tuple of InputFile
        Every file that was read.
    """

    title: str
    version: str
    remark: str
    authors: tuple[str, ...]
    blinded: bool
    seed: int | None
    statements: tuple[Statement, ...]
    arms: tuple[ProtocolArm, ...]
    doses: tuple[DoseLine, ...]
    calendar: tuple[CalendarDay, ...]
    rules: tuple[RuleLine, ...]
    power: tuple[PowerLine, ...]
    checklists: tuple[ChecklistRow, ...]
    open_items: tuple[OpenItem, ...]
    findings: tuple[ProtocolFinding, ...]
    inputs: tuple[InputFile, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is open and nothing contradicts itself."""
        return not self.open_items and not any(
            finding.severity == "error" for finding in self.findings
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProtocol:
    """A protocol, its file and the references that it cites.

    Parameters
    ----------
    source : InputFile
        The file.
    result : ProtocolResult
        The protocol.
    library : Library
        What its statements cite.
    """

    source: InputFile
    result: ProtocolResult
    library: Library

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design protocol``."""
        from oncovivo.analyses.contract import contract

        content = asdict(self.result)
        for name in ("blinded", "seed"):
            del content[name]
        return contract(
            SCHEMA,
            source=self.source,
            options={"blinded": self.result.blinded},
            seed=self.result.seed,
            content={**content, "ready": self.result.is_ready},
        )


def build_protocol_file(
    path: Path,
    *,
    blinded: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> FileProtocol:
    """The protocol of a file.

    Parameters
    ----------
    path : Path
        ``protocol.toml``.
    blinded : bool
        Whether the seed of the allocation is left out.
    progress : callable
        Called with words on what is done.

    Raises
    ------
    FileFormatError
        If a file cannot be read, or has what it may not have.
    InputError
        If a file contradicts itself.
    DataError
        If the animals cannot carry the allocation, or a regimen lacks its schedule.
    """
    from oncovivo.analyses.design_protocol_file import read_protocol_file

    file = read_protocol_file(path)
    result = build_protocol(file, blinded=blinded, progress=progress)
    return FileProtocol(
        source=digest_file(path, name=path.name), result=result, library=file.library
    )


def build_protocol(
    file: ProtocolFile,
    *,
    blinded: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> ProtocolResult:
    """A protocol from what its file declares.

    Parameters
    ----------
    file : ProtocolFile
        As read.
    blinded : bool
        Whether the seed of the allocation is left out.
    progress : callable
        Called with words on what is done.

    Raises
    ------
    FileFormatError, InputError, DataError
        As :func:`build_protocol_file`.
    """
    from oncovivo.design.protocol import complete_statements
    from oncovivo.design.protocol_checklist import fill_checklists
    from oncovivo.design.protocol_checks import check_parts
    from oncovivo.design.protocol_statements import computed_statements

    parts = _read_parts(file, progress)
    statements = complete_statements(
        file.stated, computed_statements(parts, blinded=blinded), file.files
    )
    seed = None if parts.record is None or blinded else parts.record.seed
    return ProtocolResult(
        title=file.title,
        version=file.version,
        remark=file.remark,
        authors=file.authors,
        blinded=blinded,
        seed=seed,
        statements=statements,
        arms=_arms(parts),
        doses=_dose_lines(parts),
        calendar=_calendar_days(parts),
        rules=_rule_lines(parts),
        power=_power_lines(parts),
        checklists=fill_checklists(statements),
        open_items=open_items(statements),
        findings=check_parts(parts),
        inputs=tuple(
            digest_file(file.path.parent / name, name=Path(name).name)
            for name in sorted(file.places)
        ),
    )


def _read_parts(file: ProtocolFile, progress: Callable[[str], None]) -> ProtocolParts:
    """What the files of the design say."""
    from oncovivo.analyses.allocation import allocate_file
    from oncovivo.analyses.design_doses import read_dose_plan
    from oncovivo.analyses.design_schedule import plan_schedule_file
    from oncovivo.analyses.power import plan_power_file
    from oncovivo.design.allocation_input import read_allocation_design
    from oncovivo.design.endpoint_rules import read_profile
    from oncovivo.design.protocol_parts import PlannedDoses, PlannedPower, ProtocolParts

    paths = {kind: file.path.parent / name for kind, name in file.files.items()}
    allocated: FileAllocation | None = None
    design = None
    if "allocation" in paths:
        progress("allocation")
        design = read_allocation_design(paths["allocation"]).design
        if "animals" in paths:
            allocated = allocate_file(paths["animals"], paths["allocation"])
    doses = None
    if "doses" in paths:
        plan = read_dose_plan(paths["doses"])
        doses = PlannedDoses(
            formulations=plan.formulations,
            species=plan.species,
            max_weight_age=plan.max_weight_age,
        )
    calendar = plan_schedule_file(paths["schedule"]) if "schedule" in paths else None
    power = None
    if "power" in paths:
        progress("sample size")
        found = plan_power_file(paths["power"])
        power = PlannedPower(
            plan=found.plan,
            simulated=found.simulated,
            closed_form=found.closed_form,
            smallest=found.smallest,
            target=found.target,
            seed=found.seed,
        )
    return ProtocolParts(
        named={kind: path.name for kind, path in paths.items()},
        arm_names=file.arm_names,
        declared_arms=file.declared_arms,
        allocation=design,
        record=None if allocated is None else allocated.record,
        doses=doses,
        calendar=None if calendar is None else calendar.plan,
        entries=() if calendar is None else calendar.entries,
        endpoints=read_profile(paths["endpoints"]) if "endpoints" in paths else None,
        power=power,
    )


def _arms(parts: ProtocolParts) -> tuple[ProtocolArm, ...]:
    """The arms with their numbers and what they get."""
    planned = parts.planned()
    power = () if parts.power is None else parts.power.plan.arms
    needed = {parts.arm("power", arm.name): arm for arm in power}
    given = {**parts.treatments("doses"), **parts.treatments("schedule")}
    return tuple(
        ProtocolArm(
            name=name,
            control=name == parts.control,
            animals=planned.get(name),
            needed=needed[name].animals if name in needed else None,
            rate_per_day=needed[name].rate if name in needed else None,
            regimen=" + ".join(given.get(name, ())),
        )
        for name in parts.arms
    )


def _dose_lines(parts: ProtocolParts) -> tuple[DoseLine, ...]:
    """What is given of each compound."""
    from oncovivo.design.dose_conversion import equivalent_dose

    if parts.doses is None:
        return ()
    lines: list[DoseLine] = []
    for formulation in parts.doses.formulations:
        dose = formulation.dose_mg_per_kg()
        ceiling, source = formulation.ceiling()
        scheduled = formulation.treatment.courses[0].schedule is not None
        lines.append(
            DoseLine(
                arm=parts.arm("doses", formulation.arm),
                compound=formulation.treatment.compound or "",
                route=formulation.route.value,
                treatment=str(formulation.treatment),
                dose_mg_per_kg=dose,
                concentration_mg_per_ml=formulation.concentration_mg_per_ml,
                ml_per_kg=dose / formulation.concentration_mg_per_ml,
                ceiling_ml_per_kg=ceiling,
                ceiling_source=source,
                human_mg_per_kg=equivalent_dose(dose, parts.doses.species).equivalent_mg_per_kg,
                doses=formulation.doses_from(0) if scheduled else None,
            )
        )
    return tuple(lines)


def _calendar_days(parts: ProtocolParts) -> tuple[CalendarDay, ...]:
    """A line for each day with something to do."""
    days: list[CalendarDay] = []
    for day, group in groupby(parts.entries, key=lambda entry: entry.day):
        entries = list(group)
        measured = [entry.detail for entry in entries if entry.task == "measure"]
        dosed = [parts.arm("schedule", entry.arm) for entry in entries if entry.task == "dose"]
        days.append(
            CalendarDay(
                day=day,
                date=entries[0].date,
                weekday=entries[0].weekday,
                measured=", ".join(measured),
                dosed=tuple(dict.fromkeys(dosed)),
            )
        )
    return tuple(days)


def _rule_lines(parts: ProtocolParts) -> tuple[RuleLine, ...]:
    """The humane endpoints."""
    rules = () if parts.endpoints is None else parts.endpoints.rules
    return tuple(
        RuleLine(
            name=rule.name,
            quantity=rule.quantity,
            unit=rule.unit,
            limit=rule.limit,
            readings=rule.readings,
            action=rule.action,
            source=rule.source,
        )
        for rule in rules
    )


def _power_lines(parts: ProtocolParts) -> tuple[PowerLine, ...]:
    """What the sample size is enough for."""
    power = parts.power
    if power is None:
        return ()
    return tuple(
        PowerLine(
            question=question.label,
            unit=question.unit,
            effect=question.truth,
            power=question.power,
            power_error=question.power_error,
            type_one=question.type_one,
            closed_form=closed.power,
            smallest=smallest,
            target=power.target,
        )
        for question, closed, smallest in zip(
            power.simulated.questions, power.closed_form, power.smallest, strict=True
        )
    )
