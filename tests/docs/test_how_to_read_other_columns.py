"""What the how-to page on other columns shows can be read as it says."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import get_args

import pytest

from oncovivo.studies import VolumeFormula, read_study

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "read-other-columns.md"
CALIPERS = """animal_id;Group;Date;long side;short side;treatment start
1;Vehicle;1/4/2024;0,8;0,6;1/4/2024
1;Vehicle;8/4/2024;1,1;0,9;1/4/2024
2;drug;2/4/2024;0,7;0,6;2/4/2024
2;drug;9/4/2024;1,2;1,0;2/4/2024
"""


def test_the_study_file_of_the_page_reads_diameters_in_cm_and_dates(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    block = next(
        dedent(part)
        for part in re.findall(r"(?:^    .*\n|^\n)+", text, flags=re.MULTILINE)
        if "[read]" in part
    )
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    (tmp_path / "growth.csv").write_text(CALIPERS, encoding="utf-8")
    (study,) = read_study(tmp_path)
    table = study.measurements
    assert table["day"].tolist() == [0.0, 7.0, 0.0, 7.0]
    expected = [0.5 * 8 * 6**2, 0.5 * 11 * 9**2, 0.5 * 7 * 6**2, 0.5 * 12 * 10**2]
    assert table["volume_mm3"].tolist() == pytest.approx(expected, rel=1e-12)


def test_the_page_names_every_formula() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in get_args(VolumeFormula) if f"`{name}`" not in text] == []
