"""A protocol as tables: statements with their origin, arms, doses, calendar, rules, checklists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from oncovivo.analyses.design_protocol import ProtocolResult
from oncovivo.design.endpoint_rules import OWN_CHOICE
from oncovivo.design.protocol import Statement
from oncovivo.design.protocol_checklist import (
    CHECKLIST_SOURCES,
    ChecklistName,
    ChecklistRow,
    ChecklistStatus,
)
from oncovivo.design.protocol_items import PROTOCOL_ITEMS, PROTOCOL_SECTIONS
from oncovivo.design.protocol_plots import plot_timeline
from oncovivo.documents import (
    Badge,
    BadgeKind,
    Block,
    Figure,
    Inline,
    Link,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.figures import to_svg
from oncovivo.guide.citing import Citations
from oncovivo.guide.pictures import picture
from oncovivo.guide.wording import counted

__all__ = [
    "checklist_sections",
    "open_blocks",
    "protocol_anchor",
    "protocol_sections",
    "state_table",
]

_PREFIX = "protocol"
_CHECKLISTS: dict[ChecklistName, str] = {
    "arrive": "ARRIVE 2.0, the Essential 10",
    "prepare": "PREPARE",
}
_STATUS: dict[ChecklistStatus, tuple[str, BadgeKind]] = {
    "filled": ("filled", "info"),
    "open": ("open", "warning"),
    "after_study": ("after the study", "neutral"),
}
_QUANTITIES = {
    "volume": "volume of a tumor",
    "total_volume": "volume of all tumors of an animal",
    "diameter": "largest diameter",
    "burden_pct": "mass of the tumors, of the weight without them",
    "weight_loss_pct": "weight loss since baseline",
    "net_weight_loss_pct": "weight loss since baseline, tumor subtracted",
    "body_condition": "body condition score",
    "ulcer_grade": "grade of ulceration",
}


def protocol_anchor(section_id: str) -> str:
    """Anchor of a section of the protocol."""
    return f"{_PREFIX}-{section_id}"


def state_table(result: ProtocolResult) -> Table:
    """What the protocol is about and how far it is, in one table."""
    said = {statement.item_id: statement for statement in reversed(result.statements)}
    animals = [arm.animals for arm in result.arms]
    known = [count for count in animals if count is not None]
    total = "open"
    if known and len(known) == len(animals):
        total = f"{sum(known)} in {counted(len(animals), 'arm')}"
    rows: list[tuple[str, tuple[Inline, ...]]] = [
        ("Protocol", text(result.title)),
        ("Version", text(result.version or "none stated")),
        ("Written by", text(", ".join(result.authors) or "nobody is named")),
        *(
            (label, _short(said[item]))
            for label, item in (
                ("Question", "objective.question"),
                ("Hosts", "hosts.strain"),
                ("Tumor line", "cells.line"),
                ("Primary outcome", "statistics.primary"),
                ("Timescale", "organization.timescale"),
                ("Licence", "ethics.licence"),
            )
        ),
        ("Animals", text(total)),
        *((_CHECKLISTS[name], text(_filled(result.checklists, name))) for name in _CHECKLISTS),
        ("Open items", (Link(content=str(len(result.open_items)), target=f"{_PREFIX}-open"),)),
        ("Findings", text(_found(result))),
    ]
    return _table(
        "state",
        "The protocol at a glance.",
        (("Part", 1.2), ("What it says", 4.0)),
        [(text(label), value) for label, value in rows],
    )


def open_blocks(result: ProtocolResult) -> tuple[Block, ...]:
    """What is open and what does not fit together; says so where nothing is."""
    blocks: list[Block] = []
    if result.open_items:
        words = (
            f"{counted(len(result.open_items), 'item')} of the protocol "
            f"{'is' if len(result.open_items) == 1 else 'are'} open. The study does not begin "
            "before they are decided."
        )
        blocks += [
            Note(kind="warning", content=text(words)),
            _table(
                "open-items",
                "Open items.",
                (("Section", 1.4), ("Item", 1.5), ("What is missing, and who decides", 4.0)),
                [
                    (
                        _to_section(item.item_id),
                        text(item.label),
                        text(item.text),
                    )
                    for item in result.open_items
                ],
            ),
        ]
    else:
        blocks.append(Paragraph(content=text("No item of the protocol is open.")))
    if result.findings:
        blocks.append(
            _table(
                "findings",
                "What does not fit together in the files of the design.",
                (("Severity", 0.9), ("What was found", 5.0), ("Files", 1.6)),
                [
                    (
                        (Badge(content=finding.severity, kind=finding.severity),),
                        text(finding.message),
                        text(", ".join(finding.files)),
                    )
                    for finding in result.findings
                ],
            )
        )
    else:
        words = "The files of the design agree with each other."
        blocks.append(Paragraph(content=text(words)))
    return tuple(blocks)


def protocol_sections(
    result: ProtocolResult, citations: Citations, *, level: Literal[2, 3]
) -> tuple[Section, ...]:
    """The sections of a protocol, each with its statements and tables."""
    found: list[Section] = []
    for section in PROTOCOL_SECTIONS:
        own = [
            statement
            for statement in result.statements
            if statement.item_id.startswith(f"{section.section_id}.")
        ]
        n_open = sum(statement.origin == "open" for statement in own)
        statements = _table(
            f"{section.section_id}-items",
            f"{section.title}: {counted(len(own), 'statement')}, {n_open or 'none'} of them open.",
            (("Item", 1.3), ("What is planned", 4.4), ("Where it is from", 1.6)),
            [(text(one.label), text(one.text), _origin(one, citations)) for one in own],
        )
        found.append(
            Section(
                anchor=protocol_anchor(section.section_id),
                title=section.title,
                level=level,
                blocks=(statements, *_tables(section.section_id, result, citations)),
            )
        )
    return tuple(found)


def checklist_sections(result: ProtocolResult, *, level: Literal[2, 3]) -> tuple[Section, ...]:
    """Both checklists, each entry with its state and where it is answered."""
    return tuple(
        Section(
            anchor=f"{_PREFIX}-{name}",
            title=title,
            level=level,
            blocks=(
                Paragraph(
                    content=text(
                        f"{CHECKLIST_SOURCES[name]}. The questions are our words; an entry is "
                        "filled when all of its items are stated."
                    )
                ),
                _checklist(name, title, result.checklists),
            ),
        )
        for name, title in _CHECKLISTS.items()
    )


def _checklist(name: ChecklistName, title: str, rows: Sequence[ChecklistRow]) -> Table:
    """One checklist."""
    return _table(
        f"{name}-entries",
        f"{title}: {_filled(rows, name)}.",
        (("No.", 0.5), ("Entry", 1.7), ("Asks", 2.9), ("State", 1.1), ("Where", 2.2)),
        [
            (
                text(row.number),
                text(row.label),
                text(row.question),
                (Badge(content=_STATUS[row.status][0], kind=_STATUS[row.status][1]),),
                _where(row),
            )
            for row in rows
            if row.checklist == name
        ],
    )


def _where(row: ChecklistRow) -> tuple[Inline, ...]:
    """The sections that answer an entry, and what of them is open."""
    if row.status == "after_study":
        return text("with the results")
    inlines: list[Inline] = []
    for section_id in dict.fromkeys(item.partition(".")[0] for item in row.items):
        inlines += [Text(content=", ")] if inlines else []
        inlines += _to_section(f"{section_id}.")
    if row.missing:
        labels = ", ".join(PROTOCOL_ITEMS[item].label for item in row.missing)
        inlines.append(Text(content=f"; open: {labels}"))
    return tuple(inlines)


def _tables(section_id: str, result: ProtocolResult, citations: Citations) -> tuple[Block, ...]:
    """The tables of the design that belong to a section."""
    if section_id == "randomization" and result.arms:
        return (_arm_table(result),)
    if section_id == "dosing" and result.doses:
        return (_dose_table(result),)
    if section_id == "measuring" and result.calendar:
        return (_timeline(result), _calendar_table(result))
    if section_id == "endpoints" and result.rules:
        return (_rule_table(result, citations),)
    if section_id == "statistics" and result.power:
        return (_power_table(result),)
    return ()


def _arm_table(result: ProtocolResult) -> Table:
    """Arms with planned and needed animals."""
    return _table(
        "arms",
        "Arms.",
        (
            ("Arm", 2.0),
            ("Role", 0.9),
            ("Animals", 0.8),
            ("Needed", 0.8),
            ("Assumed rate (per day)", 1.1),
            ("Gets", 3.6),
        ),
        [
            (
                text(arm.name),
                text("control" if arm.control else "treated"),
                text(_number(arm.animals)),
                text(_number(arm.needed)),
                text(_number(arm.rate_per_day)),
                text(arm.regimen or "no compound"),
            )
            for arm in result.arms
        ],
        right=(2, 3, 4),
        note="Animals are those of the allocation, needed are those of the power calculation.",
    )


def _dose_table(result: ProtocolResult) -> Table:
    """Doses with volumes and ceilings."""
    sources = dict.fromkeys(line.ceiling_source for line in result.doses)
    return _table(
        "doses",
        "Doses and volumes.",
        (
            ("Arm", 1.9),
            ("What is given", 3.0),
            ("Doses", 0.7),
            ("mg/mL", 0.8),
            ("mL/kg", 0.8),
            ("At most (mL/kg)", 0.9),
            ("Human dose per surface (mg/kg)", 1.2),
        ),
        [
            (
                text(line.arm),
                text(line.treatment),
                text(_number(line.doses)),
                text(f"{line.concentration_mg_per_ml:g}"),
                text(f"{line.ml_per_kg:.3g}"),
                text(f"{line.ceiling_ml_per_kg:g}"),
                text(f"{line.human_mg_per_kg:.2g}"),
            )
            for line in result.doses
        ],
        right=(2, 3, 4, 5, 6),
        note=f"Largest volumes: {'; '.join(sources)}. The human dose is the same per body "
        "surface; it is no proposal.",
    )


def _calendar_table(result: ProtocolResult) -> Table:
    """What is done on which day."""
    return _table(
        "calendar",
        "Calendar. On a day it is measured before it is dosed.",
        (("Day", 0.5), ("Date", 1.2), ("Weekday", 0.9), ("Measured", 1.5), ("Dosed", 4.0)),
        [
            (
                text(str(day.day)),
                text(day.date),
                text(day.weekday),
                text(day.measured or "-"),
                text(", ".join(day.dosed) or "-"),
            )
            for day in result.calendar
        ],
        right=(0,),
    )


def _timeline(result: ProtocolResult) -> Figure:
    """The calendar at a glance."""
    arms = [arm.name for arm in result.arms]
    title = "Timeline of measuring and dosing"
    days = len(result.calendar)
    measured = sum(bool(day.measured) for day in result.calendar)
    doses = "; ".join(
        f"{arm.name} on {counted(sum(arm.name in day.dosed for day in result.calendar), 'day')}"
        for arm in result.arms
    )
    return Figure(
        anchor=f"figure-{_PREFIX}-timeline",
        svg=picture(
            "timeline",
            result.calendar,
            arms,
            title,
            draw=lambda: to_svg(plot_timeline(result.calendar, arms), title=title),
        ),
        caption=text(
            "Days of measuring (circles) and of the compounds of each arm (squares); an arm "
            "without squares gets none. Weekends are shaded."
        ),
        description=f"{counted(days, 'day')} with something to do; measured on "
        f"{counted(measured, 'day')}; dosed: {doses}.",
    )


def _power_table(result: ProtocolResult) -> Table:
    """What the sample size is enough for."""
    return _table(
        "power",
        "Power of the planned number of animals.",
        (
            ("Question", 2.4),
            ("Unit", 0.9),
            ("Assumed", 0.9),
            ("Power, simulated", 1.3),
            ("Type I error", 0.9),
            ("Power, closed form", 1.1),
            (f"{result.power[0].target:.0%} power for", 1.0),
        ),
        [
            (
                text(line.question),
                text(line.unit),
                text("-" if line.effect is None else f"{line.effect:.3g}"),
                text(f"{line.power:.1%} ± {line.power_error:.1%}"),
                text("-" if line.type_one is None else f"{line.type_one:.1%}"),
                text(f"{line.closed_form:.1%}"),
                text("-" if line.smallest is None else f"{line.smallest:.3g}"),
            )
            for line in result.power
        ],
        right=(2, 3, 4, 5, 6),
        note="± is the Monte Carlo standard error. Closed form and smallest effect are for "
        "animals that all stay; rates are natural log per day.",
    )


def _rule_table(result: ProtocolResult, citations: Citations) -> Table:
    """The humane endpoints."""
    return _table(
        "rules",
        "Humane endpoints.",
        (
            ("Rule", 1.8),
            ("What is read", 2.0),
            ("Limit", 1.1),
            ("Readings", 0.8),
            ("Then", 1.5),
            ("Where it is from", 2.1),
        ),
        [
            (
                text(rule.name),
                text(_QUANTITIES.get(rule.quantity, rule.quantity)),
                text(_limit(rule.quantity, rule.limit, rule.unit)),
                text(str(rule.readings)),
                text("endpoint" if rule.action == "limit" else "look more often"),
                citations.cite((rule.source,))
                if citations.knows(rule.source)
                else text(rule.source),
            )
            for rule in result.rules
        ],
        right=(3,),
        note="Readings: how many in a row it takes.",
    )


def _limit(quantity: str, limit: float, unit: str) -> str:
    """From where on a rule is met."""
    side = "≤" if quantity == "body_condition" else "≥"
    return f"{side}\N{NO-BREAK SPACE}{limit:g}\N{NO-BREAK SPACE}{unit}".strip()


def _short(statement: Statement) -> tuple[Inline, ...]:
    """A statement for the first table; an open one in a word."""
    if statement.origin == "open":
        return (Badge(content="open", kind="warning"),)
    return text(statement.text)


def _origin(statement: Statement, citations: Citations) -> tuple[Inline, ...]:
    """Where a statement is from."""
    if statement.origin == "open":
        return (Badge(content="open", kind="warning"),)
    if statement.origin == "source":
        return citations.cite(statement.sources)
    if statement.origin == "choice":
        return text(OWN_CHOICE)
    return text(f"{OWN_CHOICE}, computed from {', '.join(statement.files)}")


def _to_section(item_id: str) -> tuple[Inline, ...]:
    """A link to the section of an item."""
    section_id = item_id.partition(".")[0]
    title = next(s.title for s in PROTOCOL_SECTIONS if s.section_id == section_id)
    return (Link(content=title, target=protocol_anchor(section_id)),)


def _filled(rows: Iterable[ChecklistRow], name: ChecklistName) -> str:
    """How many entries of a checklist are filled, open, or for later."""
    states = [row.status for row in rows if row.checklist == name]
    later = states.count("after_study")
    words = f"{states.count('filled')} of {len(states)} filled, {states.count('open')} open"
    return f"{words}, {later} after the study" if later else words


def _found(result: ProtocolResult) -> str:
    """How many findings of each severity."""
    errors = sum(finding.severity == "error" for finding in result.findings)
    warnings = len(result.findings) - errors
    return f"{counted(errors, 'contradiction')}, {counted(warnings, 'warning')}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _table(
    name: str,
    caption: str,
    heads: Sequence[tuple[str, float]],
    rows: Iterable[Sequence[tuple[Inline, ...]]],
    *,
    right: Sequence[int] = (),
    note: str = "",
) -> Table:
    """A table of cells."""
    return Table(
        anchor=f"table-{_PREFIX}-{name}",
        caption=text(caption),
        columns=tuple(
            TableColumn(heading=head, width=width, align="right" if at in right else "left")
            for at, (head, width) in enumerate(heads)
        ),
        rows=tuple(TableRow(cells=tuple(row)) for row in rows),
        note=text(note) if note else (),
    )
