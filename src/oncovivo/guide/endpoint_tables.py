"""The endpoints of a study as tables, group by group, with what is to know about a number.

What is missing or flagged is a letter beside the number and a line under the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from oncovivo.documents import Block, Inline, Listing, Table, TableColumn, TableRow, Text, text
from oncovivo.endpoints import EndpointEstimate, EndpointTable, find_definition
from oncovivo.endpoints.wording import (
    GROUPS,
    EndpointGroup,
    endpoint_title,
    endpoint_unit,
    find_group,
    interval_text,
    list_remarks,
    number_text,
    value_text,
)
from oncovivo.guide.study_label import StudyLabel

__all__ = ["EndpointBlocks", "definition_table", "endpoint_blocks", "endpoint_groups"]

MOST_ARMS_SIDE_BY_SIDE: Final = 5
MOST_ENDPOINTS_SIDE_BY_SIDE: Final = 5
# A no-break space: a line ends between estimate, interval and n, not inside them.
_TIGHT: Final = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBlocks:
    """The tables and remarks of one group of endpoints; ``key`` is for anchors."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(slots=True)
class _Remarks:
    """The letters of what is remarked, in the order in which it is met."""

    letters: dict[str, str] = field(default_factory=dict)

    def letters_of(self, remarks: Sequence[str]) -> str:
        for remark in remarks:
            self.letters.setdefault(remark, _letter(len(self.letters)))
        places = sorted(list(self.letters).index(remark) for remark in remarks)
        return ", ".join(_letter(place) for place in places)


def _letter(place: int) -> str:
    """The letters a to z, then aa, ab and so on."""
    ahead, own = divmod(place, 26)
    return (_letter(ahead - 1) if ahead else "") + chr(ord("a") + own)


def endpoint_blocks(table: EndpointTable, label: StudyLabel) -> tuple[Block, ...]:
    """All endpoints of a study, one table or more for each group."""
    return tuple(block for group in endpoint_groups(table, label) for block in group.blocks)


def endpoint_groups(table: EndpointTable, label: StudyLabel) -> tuple[EndpointBlocks, ...]:
    """All endpoints of a study by the question that they answer, each with its remarks.

    Few arms stand side by side, a row for each endpoint; many arms are rows.
    """
    names = list(dict.fromkeys(row.endpoint for row in table.endpoints))
    groups = []
    for group in GROUPS:
        members = [name for name in names if find_group(name) == group]
        if members:
            blocks = _blocks(table, label, group, members)
            groups.append(EndpointBlocks(key=group.key, title=group.title, blocks=blocks))
    return tuple(groups)


def _blocks(
    table: EndpointTable, label: StudyLabel, group: EndpointGroup, names: Sequence[str]
) -> tuple[Block, ...]:
    """Tables of a group, its tests, and the remarks below."""
    rows = {
        (row.arm, row.endpoint): row
        for row in table.endpoints
        if find_group(row.endpoint) == group
    }
    arms = [arm for arm in table.arms if any((arm, name) in rows for name in names)]
    remarks = _Remarks()
    blocks: list[Block] = []
    if len(arms) <= MOST_ARMS_SIDE_BY_SIDE:
        blocks.append(_side_by_side(table, label, group, names, arms, rows, remarks))
    else:
        parts = math.ceil(len(names) / MOST_ENDPOINTS_SIDE_BY_SIDE)
        size = math.ceil(len(names) / parts)
        for part in range(parts):
            chosen = names[part * size : (part + 1) * size]
            number = part + 1 if parts > 1 else 0
            blocks.append(_by_arm(table, label, group, chosen, arms, rows, remarks, number=number))
    if remarks.letters:
        blocks.append(
            Listing(
                items=tuple(
                    (Text(content=letter, style="strong"), Text(content=f" {remark}"))
                    for remark, letter in remarks.letters.items()
                )
            )
        )
    if group.key == "area" and table.tests:
        blocks.append(_tests(table, label))
    return tuple(blocks)


def _caption(
    table: EndpointTable, label: StudyLabel, group: EndpointGroup, *, number: int = 0
) -> tuple[Inline, ...]:
    against = f", against {table.control}" if group.key in ("tgi", "ratio", "delay") else ""
    part = f", part {number}" if number else ""
    return label.caption(f"{group.title}{against}{part}: {label.title}.")


def _side_by_side(
    table: EndpointTable,
    label: StudyLabel,
    group: EndpointGroup,
    names: Sequence[str],
    arms: Sequence[str],
    rows: dict[tuple[str, str], EndpointEstimate],
    remarks: _Remarks,
) -> Table:
    """One row for each endpoint, one column for each arm."""
    days = {name: _common_day(table, name, rows) for name in names}
    return Table(
        anchor=f"table-{group.key}-{label.id}",
        caption=_caption(table, label, group),
        columns=(
            TableColumn(heading="Endpoint", width=2.2),
            *(TableColumn(heading=arm, width=2) for arm in arms),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(_named(name, days[name])),
                    *(_cell(table, rows.get((arm, name)), days[name], remarks) for arm in arms),
                )
            )
            for name in names
        ),
        note=text(_NOTE),
    )


def _by_arm(
    table: EndpointTable,
    label: StudyLabel,
    group: EndpointGroup,
    names: Sequence[str],
    arms: Sequence[str],
    rows: dict[tuple[str, str], EndpointEstimate],
    remarks: _Remarks,
    *,
    number: int,
) -> Table:
    """One row for each arm, one column for each of a few endpoints."""
    days = {name: _common_day(table, name, rows) for name in names}
    return Table(
        anchor=f"table-{group.key}{number or ''}-{label.id}",
        caption=_caption(table, label, group, number=number),
        columns=(
            TableColumn(heading="Arm", width=2),
            *(TableColumn(heading=_named(name, days[name]), width=2) for name in names),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm),
                    *(_cell(table, rows.get((arm, name)), days[name], remarks) for name in names),
                )
            )
            for arm in arms
        ),
        note=text(_NOTE),
    )


_NOTE: Final = (
    "Estimate (interval), n: animals that enter, treated/control. A dash: no such number."
)


def _common_day(
    table: EndpointTable, name: str, rows: dict[tuple[str, str], EndpointEstimate]
) -> float | None:
    """The day of an endpoint where all arms share one that is not the day of the study."""
    days = {row.day for (_, endpoint), row in rows.items() if endpoint == name}
    return days.pop() if len(days) == 1 and table.day_choice.day not in days else None


def _named(name: str, day: float | None) -> str:
    """An endpoint's title with its unit, and its day where it is not that of the study."""
    title, unit = endpoint_title(name), endpoint_unit(name)
    words = [f"{title[:1].upper()}{title[1:]}"]
    words += [unit] if unit else []
    # The title of a fixed day already names it, and rates go through a day.
    if day is not None:
        words.append(f"through day {day:g}" if find_group(name).key == "rate" else f"day {day:g}")
    return ", ".join(words)


def _cell(
    table: EndpointTable, row: EndpointEstimate | None, day: float | None, remarks: _Remarks
) -> tuple[Inline, ...]:
    """Estimate, interval, n, a day of its own, and the letters of what is remarked."""
    if row is None:
        return ()
    interval = interval_text(row)
    parts = [f"{value_text(row)} ({interval})" if interval else value_text(row)]
    if row.estimate is not None:
        n = f"{row.n_treated}/{row.n_control}" if row.versus is not None else str(row.n_treated)
        parts.append(f"n {n}")
        if row.day not in (None, day, table.day_choice.day):
            parts.append(f"day {row.day:g}")
    shown = ", ".join(part.replace(" ", _TIGHT).replace(f"{_TIGHT}(", " (") for part in parts)
    letters = remarks.letters_of(list_remarks(row))
    if not letters:
        return text(shown)
    tight = _TIGHT + letters.replace(" ", _TIGHT)
    return (Text(content=shown), Text(content=tight, style="superscript"))


def _tests(table: EndpointTable, label: StudyLabel) -> Table:
    """Permutation tests of areas, which need no common day."""
    return Table(
        anchor=f"table-tests-{label.id}",
        caption=label.caption(
            f"Permutation test of areas under curves of unequal length, against {table.control}: "
            f"{label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Areas of", width=1),
            TableColumn(heading="Mean difference of areas", width=1.6, align="right"),
            TableColumn(heading="p (two-sided)", width=1, align="right"),
            TableColumn(heading="n", width=0.8, align="right"),
            TableColumn(heading="Relabelings", width=1.2, align="right"),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(test.arm),
                    text("log volume" if test.scale == "log" else test.scale),
                    text(number_text(test.statistic)),
                    text(number_text(test.p_value)),
                    text(f"{test.n_treated}/{test.n_control}"),
                    text(f"{test.n_relabelings}" + (" (all)" if test.exact else " (drawn)")),
                )
            )
            for test in table.tests
        ),
        note=text(
            "Each treated animal is compared with each control up to the shorter of their two "
            "follow-ups. Valid if leaving depends on the arm through the tumor alone. Not "
            "adjusted for several comparisons."
        ),
    )


def definition_table(tables: Sequence[EndpointTable]) -> Table:
    """What each endpoint that occurs means, and its name in the tables beside the page."""
    names: dict[str, None] = {}
    for table in tables:
        names |= dict.fromkeys(find_definition(row.endpoint).name for row in table.endpoints)
    definitions = [find_definition(name.replace("{target}", "4x")) for name in names]
    return Table(
        anchor="table-definitions",
        caption=text("Definitions of the endpoints, and their names in the tables of results."),
        columns=(
            TableColumn(heading="Endpoint", width=2.2),
            TableColumn(heading="Unit", width=0.8),
            TableColumn(heading="Formula", width=3),
            TableColumn(heading="Name in the tables", width=2.4),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(definition.title),
                    text("" if definition.unit == "1" else definition.unit),
                    text(definition.formula),
                    (Text(content=definition.name.replace("{target}", "…"), style="code"),),
                )
            )
            for definition in definitions
        ),
        note=text("T: treated, C: control; Δ: change of the mean from baseline; V: volume."),
    )
