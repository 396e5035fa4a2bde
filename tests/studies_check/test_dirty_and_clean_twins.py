"""Each check finds its problem in a dirty file, with its rows, and nothing in a clean twin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from oncovivo.studies.check import CheckOptions, StudyFinding, check_file, check_reference
from oncovivo.studies.check.model import MOST_SINGLE_HITS
from tests.studies_check.sheets import (
    Change,
    Row,
    Rows,
    at,
    chain,
    clean_rows,
    day,
    keep,
    number,
    put,
    put_all,
    with_diameters,
    write,
)


def same(rows: Rows) -> Rows:
    return rows


def dose_arms(row: Row) -> str:
    return {"vehicle": "dose_0", "drug A": "dose_10", "drug B": "dose_25"}[row["treatment"]]


def end_early(arm: str, last: int) -> Change:
    return keep(lambda row: row["treatment"] != arm or day(row) <= last)


def zeros_from(first: int, *, arms: tuple[str, ...]) -> Change:
    """Volumes 0 from a day on, in arms."""
    return put_all(
        "volume_mm3",
        lambda row: "0" if row["treatment"] in arms and day(row) >= first else row["volume_mm3"],
    )


def shrinking(rows: Rows) -> Rows:
    """Drug B's tumors melt away: small before they are gone."""
    left = {0: "120", 3: "90", 7: "60", 10: "30", 14: "12", 17: "0", 21: "0"}
    return [
        row | {"volume_mm3": left[day(row)]} if row["treatment"] == "drug B" else row
        for row in rows
    ]


def regrowing(rows: Rows) -> Rows:
    return put("B1", 21, volume_mm3="25")(shrinking(rows))


def doubled(rows: Rows) -> Rows:
    """Rows of animal A2 behind those of A1, under A1's name."""
    extra = [row | {"animal_id": "A1"} for row in rows if row["animal_id"] == "A2"]
    place = at(rows, "A1")[-1] + 1
    return [*rows[:place], *extra, *rows[place:]]


def shifted(rows: Rows) -> Rows:
    """As two mice listed one after the other under one name, on other days."""
    extra = [
        row | {"animal_id": "A1", "day": str(day(row) + 1)}
        for row in rows
        if row["animal_id"] == "A2"
    ]
    place = at(rows, "A1")[-1] + 1
    rows = [row for row in rows if row["animal_id"] != "A2"]
    return [*rows[:place], *extra, *rows[place:]]


def newest_first(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: (row["animal_id"], -day(row)))


def mixed_formulas(rows: Rows) -> Rows:
    pi_6 = with_diameters(rows, factor=0.5235987755982988)
    return [
        other if row["treatment"] == "drug B" else row
        for row, other in zip(with_diameters(rows), pi_6, strict=True)
    ]


def swapped_from(first: int) -> Change:
    def change(rows: Rows) -> Rows:
        return [
            row | {"length_mm": row["width_mm"], "width_mm": row["length_mm"]}
            if day(row) >= first
            else row
            for row in with_diameters(rows)
        ]

    return change


def areas(rows: Rows) -> Rows:
    made = []
    for row in rows:
        area = (2 * number(row)) ** (2 / 3)
        made.append(
            {k: v for k, v in row.items() if k != "volume_mm3"} | {"area_mm2": f"{area:.1f}"}
        )
    return made


def area_as_volume(rows: Rows) -> Rows:
    return [
        row | {"volume_mm3": f"{number(row, 'length_mm') * number(row, 'width_mm'):.3f}"}
        for row in with_diameters(rows)
    ]


def panel(rows: Rows) -> Rows:
    """One animal per arm."""
    return keep(lambda row: row["animal_id"] in ("e1", "A1", "B1"))(rows)


def two_lines(rows: Rows) -> Rows:
    return [
        *rows,
        *(row | {"model": "M2", "volume_mm3": f"{number(row) * 1.3:.1f}"} for row in rows),
    ]


def cut_by_size(rows: Rows) -> Rows:
    """Vehicle animals leave once they pass 600 mm³."""
    gone: set[str] = set()
    kept = []
    for row in rows:
        if row["animal_id"] not in gone:
            kept.append(row)
            if number(row) > 600:
                gone.add(row["animal_id"])
    return kept


def own_days(rows: Rows) -> Rows:
    """Each animal is measured on days of its own but the first."""
    return [
        row | {"day": str(day(row) + (int(row["animal_id"][1]) - 1) * bool(day(row)))}
        for row in [row for row in rows if day(row) in (0, 7, 14, 21)]
    ]


@dataclass(frozen=True)
class Twin:
    """A dirty file for a check, a clean near miss, and where the finding must point."""

    code: str
    dirty: Change
    clean: Change = same
    animal: str | None = None
    arm: str | None = None
    days: tuple[float, ...] | None = None
    message: str = ""
    options: CheckOptions = field(default_factory=CheckOptions)
    other: str = ""

    def __str__(self) -> str:
        return self.code + (f"-{self.other}" if self.other else "")


TWINS = (
    Twin("unreadable_cell", put("A1", 7, volume_mm3="n.d."), put("A1", 21, volume_mm3="NA"),
         animal="A1", days=(7.0,), message="'n.d.' in column volume_mm3"),
    Twin("unreadable_cell", put("A1", 7, body_weight_g="1.2.3"), animal="A1", other="weight"),
    Twin("unreadable_cell", put("A1", 7, volume_mm3="<"), put("A1", 7, volume_mm3="<14"),
         animal="A1", other="bare mark"),
    Twin("unreadable_cell", put("A1", 7, day="day 7"), animal="A1", other="day"),
    Twin("missing_cell", put("A1", 7, animal_id=""), days=(7.0,), message="without animal_id"),
    Twin("missing_cell", put("A1", 7, treatment=""), animal="A1", message="without treatment",
         other="arm"),
    Twin("missing_cell", put("A1", 7, day=""), animal="A1", message="without day", other="day"),
    Twin("animal_in_two_arms", put("A1", 21, treatment="vehicle"),
         put("A1", 21, treatment="drug a"), animal="A1", arm="drug A", days=(21.0,)),
    Twin("duplicate_animal_day", doubled, animal="A1", arm="drug A", days=(0.0,)),
    Twin("time_goes_backwards", shifted, newest_first, animal="A1"),
    Twin("reading_after_end", put("A1", None, end_day="14", end_reason="found_dead"),
         put("A1", None, end_day="21", end_reason="scheduled"), animal="A1", days=(17.0, 21.0),
         message=r"left on day 14 \(found_dead\)"),
    Twin("animal_without_reading", put("A1", None, volume_mm3=""), animal="A1"),
    Twin("single_reading", keep(lambda row: row["animal_id"] != "A1" or day(row) == 0),
         keep(lambda row: row["animal_id"] != "A1" or day(row) in (0, 21)), animal="A1"),
    Twin("duplicate_curves",
         lambda rows: [
             row | {"volume_mm3": rows[at(rows, "A1", day(row))[0]]["volume_mm3"]}
             if row["animal_id"] == "B2" else row for row in rows
         ],
         animal="A1", message="'A1' and 'B2' have the same 7 readings"),
    Twin("constant_curve",
         chain(*(put("A1", d, volume_mm3="140.0") for d in (10, 14, 17, 21))),
         chain(*(put("A1", d, volume_mm3="140.0") for d in (14, 17, 21))),
         animal="A1", days=(10.0, 14.0, 17.0, 21.0)),
    Twin("impossible_volume", put("A1", 7, volume_mm3="-150"), animal="A1", days=(7.0,)),
    Twin("impossible_volume", put("A1", 21, volume_mm3="25000"),
         put("A1", 21, volume_mm3="3000"), animal="A1", days=(21.0,), message="outweighs",
         other="host"),
    Twin("volume_falls", put("A1", 10, volume_mm3="35"), put("A1", 10, volume_mm3="60"),
         animal="A1", days=(7.0, 10.0)),
    Twin("volume_falls", put("A1", 21, volume_mm3="30"),
         chain(put("A1", 21, volume_mm3="30"), put("A1", 21, day="40")),
         animal="A1", other="over a long gap"),
    Twin("volume_jumps", put("A1", 21, volume_mm3="1500"), put("A1", 21, volume_mm3="900"),
         animal="A1", days=(17.0, 21.0)),
    Twin("volume_jumps",
         chain(put("A1", 0, volume_mm3="100"), put("A1", 3, volume_mm3="450")),
         chain(put("A1", 0, volume_mm3="14"), put("A1", 3, volume_mm3="70")),
         animal="A1", other="tumors that appear pass"),
    Twin("unit_slip", put("A1", 10, volume_mm3="2010"), put("A1", 10, volume_mm3="900"),
         animal="A1", days=(10.0,), message="10 times too high"),
    Twin("unit_slip", put("A1", 10, volume_mm3="0.21"), animal="A1", days=(10.0,),
         message="1000 times too low", other="cm³"),
    Twin("unit_slip", put("A1", 21, volume_mm3="3350"), animal="A1", days=(21.0,),
         message="10 times too high", other="last reading"),
    Twin("unit_slip",
         lambda rows: [
             row | {"volume_mm3": f"{number(row) / 1000:.4f}"} if row["animal_id"] == "A1" else row
             for row in rows
         ],
         animal="A1", message="another unit", other="whole animal"),
    Twin("unit_slip", put("A1", 10, body_weight_g="219"), animal="A1", message="body weight",
         other="weight"),
    Twin("unit_doubtful", put_all("volume_mm3", lambda row: f"{number(row) / 1000:.4f}"),
         message="not mm³"),
    Twin("unit_doubtful",
         lambda rows: [
             row | {name: f"{number(row, name) / 10:.3f}" for name in ("length_mm", "width_mm")}
             for row in with_diameters(rows)
         ],
         with_diameters, message="diameters", other="cm"),
    Twin("unit_doubtful",
         put_all("body_weight_g", lambda row: f"{number(row, 'body_weight_g') / 1000}"),
         message="weights", other="kg"),
    Twin("area_not_volume", areas, message="areas in mm²"),
    Twin("area_not_volume", area_as_volume, with_diameters, message="length × width",
         other="in the column of volumes"),
    Twin("area_not_volume",
         lambda rows: [
             {k: v for k, v in row.items() if k != "volume_mm3"} | {"area_mm2": "70"}
             for row in with_diameters(rows)
         ],
         lambda rows: [
             {k: v for k, v in row.items() if k != "volume_mm3"} for row in with_diameters(rows)
         ],
         message="areas in mm²", other="beside diameters"),
    Twin("length_below_width", swapped_from(14), with_diameters, days=(14.0, 17.0, 21.0),
         message="from day 14 on the two look swapped"),
    Twin("one_diameter", lambda rows: put("A1", 7, width_mm="")(with_diameters(rows)),
         with_diameters, days=(7.0,)),
    Twin("mixed_volume_formulas", mixed_formulas,
         lambda rows: with_diameters(rows, factor=0.5235987755982988),
         message="π/6·L·W², 84 are ½·L·W²"),
    Twin("volume_contradicts_diameters",
         lambda rows: put("A1", 7, volume_mm3="333")(with_diameters(rows)), with_diameters,
         animal="A1", days=(7.0,)),
    Twin("mixed_empty_marks",
         chain(put("A1", 14, volume_mm3="0"), put("A1", 17, volume_mm3="")),
         put("A1", 17, volume_mm3=""), animal="A1", days=(14.0, 17.0)),
    Twin("mixed_empty_marks",
         chain(put("A1", 21, volume_mm3="0"), put("A2", 21, volume_mm3="<14")),
         put("A2", 21, volume_mm3="<14"), days=(21.0,), message="with '<'", other="limit"),
    Twin("floor_value",
         chain(*(put(f"B{n}", d, volume_mm3="16") for n in (1, 2, 3) for d in (10, 14, 17, 21))),
         chain(*(put(f"B{n}", d, volume_mm3="16") for n in (1, 2, 3) for d in (17, 21))),
         message="12 readings of 3 animals are 16 mm³"),
    Twin("missing_volume", put("A1", 7, volume_mm3=""),
         keep(lambda row: row["animal_id"] != "A1" or day(row) != 7), days=(7.0,),
         message="1 between two readings"),
    Twin("padding_zeros", zeros_from(17, arms=("vehicle", "drug A")), shrinking,
         days=(17.0, 21.0), message="24 zeros of 12 animals in 2 arms"),
    Twin("sudden_zero",
         chain(put("B1", 14, volume_mm3="210"), put("B1", 17, volume_mm3="0")),
         chain(put("B1", 14, volume_mm3="50"), put("B1", 17, volume_mm3="0")),
         animal="B1", days=(14.0, 17.0)),
    Twin("true_zeros", put("B1", 14, volume_mm3="0"), arm="drug B", days=(14.0,),
         message="gone to the end in 0 animals and grows back in 1"),
    Twin("zeros_before_tumor", put("B1", 0, volume_mm3="0"), days=(0.0,),
         message="appears later in 1 animal, never in 0"),
    Twin("impossible_body_weight", put("A1", 7, body_weight_g="-0.1"), animal="A1", days=(7.0,)),
    Twin("impossible_body_weight", put("A1", 7, body_weight_g="64.9"),
         put("A1", 7, body_weight_g="24.9"), animal="A1", other="a heavy mouse"),
    Twin("body_weight_jump", put("A1", 7, body_weight_g="15.0"),
         put("A1", 7, body_weight_g="17.5"), animal="A1", days=(3.0, 7.0, 10.0)),
    Twin("missing_body_weight", put("A1", 7, body_weight_g=""), days=(7.0,)),
    Twin("no_common_baseline",
         put_all("day", lambda row: str(day(row) * 20 + int(row["animal_id"][1]))), own_days,
         message="at most 3 of 18"),
    Twin("missing_baseline", keep(lambda row: row["animal_id"] != "A1" or day(row) > 0),
         animal="A1", days=(3.0,)),
    Twin("baseline_imbalance",
         put_all("volume_mm3",
                 lambda row: f"{number(row) * (1.6 if row['treatment'] == 'drug A' else 1):.1f}"),
         put_all("volume_mm3",
                 lambda row: f"{number(row) * (1.1 if row['treatment'] == 'drug A' else 1):.1f}"),
         arm="drug A"),
    Twin("first_day_not_zero", put_all("day", lambda row: str(day(row) - 1)),
         message="day -1"),
    Twin("dosing_starts_later", put_all("drug_start_day", lambda row: "7"),
         put_all("drug_start_day", lambda row: "0"), message="dosing on day 7"),
    Twin("control_does_not_grow",
         put_all("volume_mm3", lambda row: f"{130 + (day(row) * 3 + int(row['animal_id'][1])) % 5}"
                 if row["treatment"] == "vehicle" else row["volume_mm3"]),
         arm="vehicle"),
    Twin("no_control_arm",
         put_all("treatment", lambda row: row["treatment"].replace("vehicle", "drug C")),
         put_all("treatment", dose_arms)),
    Twin("no_control_arm", same, options=CheckOptions(control="sham"), other="named in vain"),
    Twin("small_arm", keep(lambda row: row["animal_id"] not in ("A1", "A2", "A3", "A4")), panel,
         arm="drug A"),
    Twin("few_animals", keep(lambda row: row["animal_id"] not in ("A1", "A2", "A3")),
         keep(lambda row: row["animal_id"] != "A1"), message=r"'drug A' \(3\)"),
    Twin("one_animal_per_arm", panel),
    Twin("cage_is_arm", put_all("cage", lambda row: row["treatment"] + row["animal_id"][1] * 0 + (
        "1" if int(row["animal_id"][1]) < 4 else "2")), message="6 cages"),
    Twin("cage_is_arm", put_all("cage", lambda row: row["treatment"]),
         put_all("cage", lambda row: row["animal_id"]), other="single cages pass"),
    Twin("no_common_day",
         put_all("day", lambda row: str(day(row) + (
             1 if row["treatment"] == "drug A" and day(row) else 0))),
         arm="drug A"),
    Twin("staggered_days", own_days),
    Twin("irregular_visits", keep(lambda row: day(row) in (0, 3, 7, 10, 21)),
         message="3 to 11 days apart"),
    Twin("irregular_visits",
         chain(put_all("day", lambda row: str({3: 1, 7: 4, 10: 8, 14: 11, 17: 15, 21: 22}.get(
             day(row), day(row))))),
         put_all("day", lambda row: str({3: 2, 21: 22}.get(day(row), day(row)))),
         message="1 to 7 days apart", other="a short gap and a long one"),
    Twin("uneven_follow_up", end_early("vehicle", 14), end_early("vehicle", 17), arm="vehicle"),
    Twin("fewer_than_half_remain",
         keep(lambda row: row["animal_id"] not in ("A1", "A2", "A3", "A4") or day(row) <= 10),
         keep(lambda row: row["animal_id"] not in ("A1", "A2", "A3") or day(row) <= 10),
         arm="drug A", message="from day 14 on 2 of 6"),
    Twin("arm_stops_at_once", end_early("vehicle", 17), cut_by_size, arm="vehicle"),
    Twin("leaves_at_large_volume", cut_by_size,
         keep(lambda row: row["animal_id"] not in ("B1", "B2", "B3") or day(row) <= 14)),
    Twin("leaves_without_reason", keep(lambda row: row["animal_id"] != "A1" or day(row) <= 10),
         chain(keep(lambda row: row["animal_id"] != "A1" or day(row) <= 10),
               put_all("end_reason", lambda row: "ulceration" * (row["animal_id"] == "A1"))),
         days=(10.0,), message=r"1 of 18 animals leave .*'A1' \(day 10\)"),
    Twin("treatment_label_variants", put("A1", None, treatment="Drug_A"), arm="drug A",
         message="'Drug_A', 'drug A'"),
    Twin("treatment_label_variants", put("e1", None, treatment="vehcile"),
         put_all("treatment", dose_arms), arm="vehicle", other="letters turned round"),
    Twin("animal_label_variants", put("A1", 21, animal_id="a1"), animal="A1"),
    Twin("unnamed_treatment",
         put_all("treatment", lambda row: row["treatment"].replace("drug A", "Unknown")),
         arm="Unknown"),
    Twin("interrupted_dosing_label",
         put_all("treatment", lambda row: row["treatment"].replace(
             "drug A", "drug A (No Treatment Past Day 63)"))),
    Twin("dose_in_label_only", put_all("treatment", dose_arms), message="'dose_0', 'dose_10'"),
    Twin("dose_in_label_only",
         put_all("treatment", lambda row: row["treatment"].replace("drug A", "drug A-50mpk")),
         put_all("treatment", lambda row: row["treatment"].replace("drug A", "BGJ-398 2")),
         arm="drug A-50mpk", other="a number that is no dose passes"),
    Twin("several_cohorts", put_all("cohort", lambda row: row["animal_id"][1]),
         put_all("cohort", lambda row: "1")),
    Twin("cohort_is_arm", put_all("cohort", lambda row: row["treatment"]),
         put_all("cohort", lambda row: row["animal_id"][1])),
    Twin("simulated_not_marked", put_all("model", lambda row: "simulated"),
         put_all("model", lambda row: "SIM-1")),
    Twin("rounded_volumes", put_all("volume_mm3", lambda row: f"{round(number(row), -2):g}"),
         put_all("volume_mm3", lambda row: f"{round(number(row)):g}"), message="multiples of 100"),
    Twin("unrounded_volumes", put_all("volume_mm3", lambda row: repr(number(row) / 0.997)),
         put_all("volume_mm3", lambda row: f"{number(row) / 0.997:.6f}")),
    Twin("several_studies", two_lines),
    Twin("columns_not_read", put_all("operator", lambda row: "K"),
         message="columns not read: operator"),
    Twin("labels_differ_between_studies",
         lambda rows: [
             row | {"treatment": row["treatment"].replace("drug A", "drug-a")}
             if row["model"] == "M2" else row for row in two_lines(rows)
         ],
         two_lines, message="'drug A', 'drug-a'"),
    Twin("curves_in_two_studies",
         lambda rows: [*rows, *(row | {"study": "S2"} for row in rows)], two_lines,
         message="18 pairs of animals"),
    Twin("reader_refuses", put("A1", None, tumor_type="CRC"), message="tumor_type"),
)  # fmt: skip


def found(tmp_path: Path, change: Change, options: CheckOptions) -> tuple[StudyFinding, ...]:
    report = check_file(write(tmp_path / "study.csv", change(clean_rows())), options=options)
    return report.all_findings


def test_the_clean_study_has_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path, same, CheckOptions()) == ()


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_a_check_finds_its_problem_where_it_is(tmp_path: Path, twin: Twin) -> None:
    rows = twin.dirty(clean_rows())
    findings = [f for f in found(tmp_path, twin.dirty, twin.options) if f.code == twin.code]
    assert findings, "nothing found"
    matching = [
        f
        for f in findings
        if (twin.animal is None or f.animal_id == twin.animal)
        and (twin.arm is None or f.arm == twin.arm)
        and (twin.days is None or set(f.days) <= set(twin.days))
    ]
    assert matching, [f.to_dict() for f in findings]
    if twin.message:
        assert any(_has(f.message, twin.message) for f in matching), matching[0].message
    for finding in matching:
        assert finding.message
        assert finding.mend
        for place in finding.places:
            assert place.row is not None
            row = rows[place.row - 2]
            assert row["animal_id"] == place.animal_id


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_a_check_lets_the_clean_twin_pass(tmp_path: Path, twin: Twin) -> None:
    assert twin.code not in {f.code for f in found(tmp_path, twin.clean, CheckOptions())}


def test_every_check_has_a_dirty_and_a_clean_twin() -> None:
    assert {twin.code for twin in TWINS} == {check.code for check in check_reference()}


def test_days_of_a_finding_are_those_of_the_problem(tmp_path: Path) -> None:
    findings = found(tmp_path, put("A1", 10, volume_mm3="35"), CheckOptions())
    falls = next(f for f in findings if f.code == "volume_falls")
    first = at(clean_rows(), "A1", 7)[0] + 2
    assert (falls.days, falls.rows) == ((7.0, 10.0), (first, first + 1))


def test_padding_zeros_are_silent_once_the_user_has_said_what_they_are(tmp_path: Path) -> None:
    dirty = zeros_from(17, arms=("vehicle", "drug A"))
    for zeros in ("gone", "missing"):
        codes = {f.code for f in found(tmp_path, dirty, CheckOptions(zeros=zeros))}
        assert "padding_zeros" not in codes


def test_a_tumor_that_grows_back_is_counted_apart_from_cures(tmp_path: Path) -> None:
    zeros = [f for f in found(tmp_path, regrowing, CheckOptions()) if f.code == "true_zeros"]
    assert [f.message for f in zeros] == [
        "arm 'drug B': 11 zeros; the tumor is gone to the end in 5 animals and grows back in 1"
    ]


def test_many_hits_of_one_check_become_one_finding_with_all_rows(tmp_path: Path) -> None:
    dirty = put_all("body_weight_g", lambda row: "0" if day(row) == 7 else row["body_weight_g"])
    weights = [
        f for f in found(tmp_path, dirty, CheckOptions()) if f.code == "impossible_body_weight"
    ]
    assert len(weights) == 1
    assert len(weights[0].rows) == 18 > MOST_SINGLE_HITS
    assert weights[0].message.startswith("18 times: animal 'A1'")
    assert weights[0].animals == tuple(sorted({row["animal_id"] for row in clean_rows()}))


def test_a_rat_may_carry_what_no_mouse_could(tmp_path: Path) -> None:
    heavy = chain(
        put("A1", 21, volume_mm3="90000"),
        put_all("body_weight_g", lambda row: ""),
    )
    codes = {f.code for f in found(tmp_path, heavy, CheckOptions())}
    assert "impossible_volume" in codes
    in_rats = chain(heavy, put_all("model", lambda row: "carcinogen_rat"))
    assert "impossible_volume" not in {f.code for f in found(tmp_path, in_rats, CheckOptions())}


def test_a_slip_is_not_told_twice_as_a_jump_or_a_fall(tmp_path: Path) -> None:
    codes = [f.code for f in found(tmp_path, put("A1", 10, volume_mm3="2010"), CheckOptions())]
    assert codes == ["unit_slip"]


def _has(message: str, wanted: str) -> bool:
    """Whether a message matches, as pattern or as plain text."""
    return re.search(wanted, message) is not None or wanted in message
