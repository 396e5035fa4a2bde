"""Sheets to print: calendar, doses and blinded lists, as page and as PDF."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oncovivo.analyses.allocation import allocate_file
from oncovivo.analyses.design_doses import plan_doses_file
from oncovivo.analyses.design_schedule import plan_schedule_file
from oncovivo.documents import Document, Table
from oncovivo.documents.walk import plain
from oncovivo.guide.allocation_sheet import allocation_document
from oncovivo.guide.calendar_sheet import calendar_document
from oncovivo.guide.dose_sheet import dose_document

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"
PRINTED = datetime.date(2026, 2, 20)
BOX = "☐"


def tables(document: Document) -> dict[str, Table]:
    return {
        block.anchor: block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Table)
    }


def cells(table: Table) -> list[list[str]]:
    return [[plain(cell) for cell in row.cells] for row in table.rows]


def heads(table: Table) -> list[str]:
    return [column.heading.replace("\u00a0", " ") for column in table.columns]


def words(page: Path) -> str:
    """The words of a page, without its script and style."""
    body = page.read_text(encoding="utf-8").split("<body>")[1].split("<script>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def calendar(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "schedule.toml"
    path.write_text(text, encoding="utf-8")
    return calendar_document(plan_schedule_file(path), printed=PRINTED)


def test_a_calendar_has_weeks_from_monday_to_sunday_worked_by_hand(tmp_path: Path) -> None:
    document = calendar(
        tmp_path,
        """
        title = "Twice a day"
        start = 2026-04-29
        last_day = 7
        on_closed = "later"
        holidays = [2026-05-01]

        [measuring]
        weekdays = ["Mon", "Thu"]

        [[arm]]
        name = "vehicle"

        [[arm]]
        name = "drug"
        regimen = "abc 5 mg/kg p.o. bid x2 d + def 2 mg/kg i.p. days 0,2,6"
        """,
    )
    assert [section.title for section in document.sections] == [
        "What is given", "April 2026", "May 2026",
    ]  # fmt: skip
    found = tables(document)
    assert list(found) == ["regimens", "week-2026-04-27", "week-2026-05-04"]
    first, second = found["week-2026-04-27"], found["week-2026-05-04"]
    # A Wednesday is day 0; the Friday is a holiday, and its dose goes to Monday.
    assert heads(first) == [
        "week", "Mon 27 Apr", "Tue 28 Apr", "Wed 29 Apr day 0", "Thu 30 Apr day 1",
        "Fri 1 May day 2 closed", "Sat 2 May day 3 closed", "Sun 3 May day 4 closed",
    ]  # fmt: skip
    assert cells(first) == [
        ["measure and weigh", "", "", f"{BOX} baseline", BOX, "", "", ""],
        ["dose drug: abc", "", "", f"{BOX} {BOX}", f"{BOX} {BOX}", "", "", ""],
        ["dose drug: def", "", "", BOX, "", "", "", ""],
        ["initials", "", "", "", "", "", "", ""],
    ]
    assert heads(second)[:4] == ["week", "Mon 4 May day 5", "Tue 5 May day 6", "Wed 6 May day 7"]
    assert cells(second) == [
        ["measure and weigh", BOX, "", f"{BOX} last day", "", "", "", ""],
        ["dose drug: def", f"{BOX} (2)", BOX, "", "", "", "", ""],
        ["initials", "", "", "", "", "", "", ""],
    ]
    assert {table.use for table in (first, second)} == {"writing"}


def test_every_entry_of_a_calendar_is_a_box_on_its_day() -> None:
    result = plan_schedule_file(EXAMPLE / "schedule.toml")
    found = tables(calendar_document(result, printed=PRINTED))
    boxes: dict[str, int] = {}
    for anchor, table in found.items():
        if anchor == "regimens":
            continue
        for row in cells(table):
            for head, cell in zip(heads(table)[1:], row[1:], strict=True):
                if cell:
                    (day,) = re.findall(r"day (\d+)", head)
                    boxes[day] = boxes.get(day, 0) + cell.count(BOX)
    due: dict[str, int] = {}
    for entry in result.entries:
        due[str(entry.day)] = due.get(str(entry.day), 0) + entry.times
    assert boxes == due
    assert sum(due.values()) == 59


def test_a_dose_sheet_has_a_line_to_tick_for_every_volume() -> None:
    result = plan_doses_file(EXAMPLE / "doses.toml", EXAMPLE / "weights.csv")
    found = tables(dose_document(result, printed=PRINTED))
    assert [t.caption[0].content for name, t in found.items() if name.startswith("doses")] == [
        "temsirolimus: temsirolimus 20 mg/kg i.v.",
        "perifosine: perifosine 30 mg/kg p.o.",
        "combination: temsirolimus 20 mg/kg i.v.",
        "combination: perifosine 30 mg/kg p.o.",
    ]
    table = found["doses-2"]
    assert heads(table) == [
        "animal", "cage", "weight (g)", "of day", "draw (mL)", "comes to (mg/kg)",
        "given, at", "initials",
    ]  # fmt: skip
    # 21.1 g × 30 mg/kg ÷ 3 mg/mL = 0.211 mL, rounded down: 0.21 mL are 29.9 mg/kg.
    assert cells(table)[0] == ["p1", "K1", "21.1", "13", "0.21", "29.9", BOX, ""]
    assert cells(table)[3] == [
        "p4", "K4", "22.5", "7", "none", "",
        "do not dose: its weight is 7 days old, 3 are allowed: weigh it", "",
    ]  # fmt: skip
    assert plain(table.note).startswith(
        "3 mg/mL. Syringe in steps of 0.01 mL, rounded down. At most 10 mL/kg p.o.: Diehl"
    )
    drawn = [cell for name, t in found.items() if name[:6] == "doses-" for cell in cells(t)]
    assert sum(BOX in row[6] for row in drawn) == 15
    totals = cells(found["totals"])
    # Four animals: 0.34 mL, a fifth more, on two days: 0.816 mL of 5 mg/mL, half of it stock.
    assert totals[0] == [
        "temsirolimus: temsirolimus 20 mg/kg i.v.", "4", "0.41", "2", "0.82", "4.1",
        "0.41 + 0.41", "1",
    ]  # fmt: skip
    assert [row[0] for row in cells(found["batches"])] == [row[0] for row in totals]


def test_a_dose_sheet_without_cages_or_doses_leaves_these_out(tmp_path: Path) -> None:
    plan, weights = tmp_path / "doses.toml", tmp_path / "weights.csv"
    plan.write_text(
        'species = "mouse"\nday = 0\nmax_weight_age = 2\n[[dose]]\narm = "drug"\n'
        'regimen = "abc 60 mg/m2 i.v. bid x2 d"\nconcentration_mg_per_ml = 5\nstep_ml = 0.005\n',
        encoding="utf-8",
    )
    weights.write_text("animal_id,arm,day,body_weight_g\nm1,drug,0,21.3\n", encoding="utf-8")
    result = plan_doses_file(plan, weights)
    found = tables(dose_document(result, printed=PRINTED))
    assert "cage" not in heads(found["doses-1"])
    # 60 mg/m² ÷ 3 = 20 mg/kg; 85.2 µL in steps of 5: 0.085 mL, with three decimals, twice.
    assert plain(found["doses-1"].caption) == "drug: abc 20 mg/kg (60 mg/m²) i.v."
    (row,) = cells(found["doses-1"])
    assert (row[3], row[5]) == ("0.085", f"{BOX} {BOX}")
    late = plan_doses_file(plan, weights, day=2)
    document = dose_document(late, printed=PRINTED)
    assert tables(document) == {}
    assert "not due on day 2" in plain(document.sections[0].blocks[1].content)  # type: ignore[union-attr]


def test_blinded_lists_go_by_the_orders_and_never_tell_an_arm(
    run_cli: Run, tmp_path: Path
) -> None:
    page, key = tmp_path / "a place" / "lists.html", tmp_path / "key.csv"
    outcome = run_cli(
        *("design", "allocate", EXAMPLE / "animals.csv", "--design", EXAMPLE / "allocation.toml"),
        *("--key", key, "--sheet", page, "--date", "2026-02-20"),
    )
    assert outcome.code == 0, outcome.err
    found = allocate_file(EXAMPLE / "animals.csv", EXAMPLE / "allocation.toml")
    document = allocation_document(found, printed=PRINTED)
    shown = words(page).replace(found.record.design.title, "")
    for row in csv.DictReader(key.read_text(encoding="utf-8").splitlines()):
        assert row["arm"] not in shown
        assert row["seed"] not in shown
    lists = tables(document)
    assert [name for name in lists if name[-1].isdigit()] == [
        "measuring-1", "dosing-1", "measuring-2", "dosing-2", "measuring-3", "dosing-3",
    ]  # fmt: skip
    for session in range(3):
        measured = cells(lists[f"measuring-{session + 1}"])
        dosed = cells(lists[f"dosing-{session + 1}"])
        by_name = {place.animal_id: place for place in found.record.placements}
        assert [row[0] for row in measured] == [str(n) for n in range(1, 39)]
        assert all(by_name[row[2]].measuring[session] == int(row[0]) for row in measured)
        assert all(by_name[row[2]].dosing[session] == int(row[0]) for row in dosed)
        assert all(by_name[row[2]].letter == row[3] for row in dosed)
        assert all(row[3:] == [""] * 5 for row in measured)
    assert [s.begins for s in document.sections] == ["here", *["page"] * 6]
    cards = {row[0]: row[2] for row in cells(lists["cards"])}
    first = found.record.placements[0]
    assert f"{first.animal_id}: {first.letter}" in cards[first.cage or ""]
    assert cells(lists["excluded"])[0] == ["M01", "baseline volume 243 mm³ above 200 mm³"]


@pytest.mark.parametrize(
    "command",
    [
        ("schedule", EXAMPLE / "schedule.toml"),
        ("doses", EXAMPLE / "doses.toml", "--weights", EXAMPLE / "weights.csv"),
    ],
)
def test_the_output_may_be_a_table_a_page_or_a_pdf(
    run_cli: Run, tmp_path: Path, command: tuple[str | Path, ...]
) -> None:
    page, sheet = tmp_path / "new" / "sheet.html", tmp_path / "sheet.pdf"
    dated = ("--date", "2026-02-20")
    outcome = run_cli("design", *command, "-o", page, "--sheet", sheet, *dated)
    assert outcome.code == (1 if command[0] == "doses" else 0)
    assert BOX in words(page)
    assert sheet.read_bytes().startswith(b"%PDF")
    again = tmp_path / "again.pdf"
    run_cli("design", *command, "-o", again, *dated)
    assert again.read_bytes() == sheet.read_bytes()
    for name, message in (
        ("sheet.txt", "a file ending in .csv, .xlsx, .html or .pdf, found sheet.txt"),
        ("sheet.pdf", "one twice"),
    ):
        refused = run_cli(
            "design", *command, "-o", tmp_path / name, "--sheet", tmp_path / "sheet.pdf"
        )
        assert refused.code == 2
        assert message in refused.err
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    refused = run_cli("design", *command, "-o", blocked / "sheet.html")
    assert refused.code == 2
    assert "choose another file with -o" in refused.err
