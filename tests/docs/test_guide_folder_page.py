"""The study file on the page about a guide's files can be read, and its words are all there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import get_args

from oncovivo.studies import LeavingReason, read_study

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "guide-folder.md"
SECTION = PAGE.read_text(encoding="utf-8").split("## studies/<id>/")[1]


def test_the_study_file_is_read(tmp_path: Path) -> None:
    block = next(
        dedent(part)
        for part in re.findall(r"(?:^    .*\n|^\n)+", SECTION, flags=re.MULTILINE)
        if "[line]" in part
    )
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    (tmp_path / "measurements.csv").write_text(
        "animal_id,arm,day,volume_mm3\n1,Vehicle,0,100\n1,Vehicle,7,200\n", encoding="utf-8"
    )
    (study,) = read_study(tmp_path)
    assert study.randomized is True
    assert study.limit_mm3 == 14


def test_every_reason_for_leaving_is_named() -> None:
    assert [word for word in get_args(LeavingReason) if f"`{word}`" not in SECTION] == []
