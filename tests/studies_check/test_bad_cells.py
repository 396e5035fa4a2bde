"""Whatever stands in the cells, the checks end in findings or in one clear line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import ProjectError
from oncovivo.studies.check import check_file
from tests.studies_check.sheets import Rows, clean_rows, with_diameters, write

NASTY = (
    "", "0", "-0", "-1", "1e308", "-1e308", "1e-320", "9" * 400, "nan", "inf", "-inf", "NaN", "NA",
    "<14", "<", "<0", "<-3", "≤5", "1,5", "1.2.3", "1_000", "0x10", "١٢", "=A1", "#N/A", "#DIV/0!",
    "true", "None", "2024-03-01", "1/2/24", "a" * 300, "vehicle", "DRUG a", "A1", " ", "'", '"',
    "|", "é", "−5", "1e5", "25000", "0.001",
)  # fmt: skip
COLUMNS = (*with_diameters(clean_rows())[0], "area_mm2", "end_day", "end_reason", "drug_start_day")


def soil(rows: Rows, places: list[tuple[int, str, str]]) -> Rows:
    rows = [dict(row) for row in rows]
    for place, column, text in places:
        rows[place][column] = text
    return rows


@settings(deadline=None, max_examples=60)
@given(
    base=st.sampled_from(("volumes", "diameters", "areas")),
    places=st.lists(
        st.tuples(
            st.integers(0, len(clean_rows()) - 1), st.sampled_from(COLUMNS), st.sampled_from(NASTY)
        ),
        min_size=1,
        max_size=25,
    ),
    whole=st.none() | st.tuples(st.sampled_from(COLUMNS), st.sampled_from(NASTY)),
)
def test_nasty_cells_end_in_findings_or_in_one_line(
    base: str, places: list[tuple[int, str, str]], whole: tuple[str, str] | None
) -> None:
    rows = clean_rows() if base == "volumes" else with_diameters(clean_rows())
    if base == "areas":
        rows = [
            {k: v for k, v in row.items() if k not in ("volume_mm3", "length_mm", "width_mm")}
            | {"area_mm2": row["width_mm"]}
            for row in rows
        ]
    rows = soil(rows, places)
    if whole is not None:
        rows = [row | {whole[0]: whole[1]} for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = check_file(write(Path(folder) / "study.csv", rows))
        except ProjectError as error:
            lines = [str(error)]
        else:
            json.dumps(report.to_dict(), allow_nan=False)
            lines = [line for f in report.all_findings for line in (f.message, f.mend)]
    assert all("\n" not in line for line in lines)
