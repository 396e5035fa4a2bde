"""The readers of study files meet spoiled files for a minute in CI, and for a moment elsewhere."""

import os
import random
import time
from pathlib import Path

from oncovivo.errors import ProjectError
from oncovivo.studies import read_study
from tests.studies.test_mutated_files import (
    TEXTS,
    archive_of,
    parts_of,
    spoiled,
    workbook,
)

SECONDS = 60.0 if os.environ.get("CI") else 3.0
SLOWEST_FILE = 5.0
FEWEST_FILES = 50


def test_spoiled_files_end_in_one_line_or_a_study(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    sheets = parts_of(workbook())
    names = sorted(name for name in sheets if name.endswith(".xml"))
    began = time.monotonic()
    files = 0
    while time.monotonic() - began < SECONDS or files < FEWEST_FILES:
        if chance.random() < 0.7:
            name = chance.choice(sorted(TEXTS))
            content = spoiled(TEXTS[name].encode(), chance)
        else:
            name, part = "book.xlsx", chance.choice(names)
            content = archive_of({**sheets, part: spoiled(sheets[part], chance)})
        path = tmp_path / name
        path.write_bytes(content)
        cpu = time.process_time()
        message, studies = "", 0
        try:
            studies = len(read_study(path))
        except ProjectError as err:
            message = str(err)
        assert bool(message) != bool(studies)
        assert "\n" not in message
        assert time.process_time() - cpu < SLOWEST_FILE
        files += 1
