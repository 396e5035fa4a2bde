"""The order of rows and the labels of animals change no finding."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncovivo.studies.check import CheckReport, check_file
from tests.studies_check.sheets import Change, Row, Rows, chain, clean_rows, keep, put, write

# One of everything that single readings, animals and arms can have, but what the order tells.
DIRTY: Change = chain(
    put("A1", 10, volume_mm3="35"),
    put("A2", 10, volume_mm3="2010"),
    put("A3", 7, volume_mm3="-4"),
    put("A4", 21, volume_mm3="0"),
    put("A5", 7, volume_mm3=""),
    put("A6", 21, treatment="vehicle"),
    put("B1", 7, body_weight_g="-0.1"),
    put("B2", 7, volume_mm3="n.d."),
    keep(lambda row: row["animal_id"] != "B3" or row["day"] == "0"),
    keep(lambda row: row["treatment"] != "vehicle" or int(row["day"]) < 17),
)


def told(
    report: CheckReport, rows: Rows, names: dict[str, str]
) -> set[tuple[str, str | None, str | None, tuple[tuple[str, str], ...]]]:
    """Findings without row numbers: code, arm, animal, and the animals and days of their rows."""
    back = {new: old for old, new in names.items()}
    return {
        (
            finding.code,
            finding.arm,
            back.get(finding.animal_id or "", finding.animal_id),
            tuple(
                sorted(
                    (back.get(rows[row - 2]["animal_id"], ""), rows[row - 2]["day"])
                    for row in finding.rows
                )
            ),
        )
        for finding in report.all_findings
        if finding.code != "time_goes_backwards"
    }


def check(rows: Rows) -> CheckReport:
    with tempfile.TemporaryDirectory() as folder:
        return check_file(write(Path(folder) / "study.csv", rows))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.permutations(range(len(DIRTY(clean_rows())))),
    offset=st.integers(min_value=0, max_value=900),
)
def test_row_order_and_names_of_animals_change_no_finding(order: list[int], offset: int) -> None:
    rows = DIRTY(clean_rows())
    names = {
        name: f"m{offset + 7 * place % 97}-{place}"
        for place, name in enumerate(dict.fromkeys(row["animal_id"] for row in rows))
    }
    moved = [rows[place] | {"animal_id": names[rows[place]["animal_id"]]} for place in order]
    same = {name: name for name in names}
    assert told(check(moved), moved, names) == told(check(rows), rows, same)


@settings(deadline=None, max_examples=10)
@given(label=st.text(alphabet="KLMNOPQ", min_size=3, max_size=5))
def test_labels_of_treated_arms_change_no_finding(label: str) -> None:
    rows = DIRTY(clean_rows())

    def renamed(row: Row) -> Row:
        arm = row["treatment"]
        return row | {
            "treatment": arm.replace("drug A", f"{label}1").replace("drug B", f"{label}2")
        }

    def codes(report: CheckReport) -> list[tuple[str, str | None, tuple[int, ...]]]:
        return sorted((f.code, f.animal_id, f.rows) for f in report.all_findings)

    assert codes(check([renamed(row) for row in rows])) == codes(check(rows))
