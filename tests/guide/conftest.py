"""A small guide project, written anew for each test, and the command line called in process."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from oncovivo.cli import main
from oncovivo.evidence import COLUMNS

NAMES = [column.name for column in COLUMNS]
REQUIRED = {
    "use": "evidence",
    "filed_under": "RCC",
    "tumor_type": "renal cell carcinoma",
    "oncotree": "RCC",
    "ncit": "C9385",
    "doid": "DOID:4450",
    "xenograft_line": "786-O",
    "line_rrid": "CVCL_1051",
    "graft_type": "cdx",
    "host_species": "mouse",
    "immune_status": "immunodeficient",
    "compound": "temsirolimus",
    "partner": "not_applicable",
    "regimen": "2 mg/kg i.v. qd x21",
    "comparator": "vehicle",
    "contrast": "treated_vs_control",
    "endpoint": "tumor_volume",
    "direction": "benefit",
    "n_treated": "8",
    "n_control": "8",
    "n_unit": "animals",
    "evidence_kind": "animal_efficacy",
    "locator": "Table 2",
    "read_from": "table",
    "reading": "verified",
    "statement": "Tumors under treatment were smaller than under vehicle.",
    "source_compound": "",
    "source_tumor": "",
    "source_result": "",
    "note": "",
}

GUIDE = """
[guide]
title = "A small guide"
compound = "temsirolimus"

[[text]]
id = "T1"
section = "summary"
body = "Made for a test."
"""

CLAIMS = """
[[claim]]
id = "C1"
section = "summary"
text = "Growth of renal tumors was slower in {n} rows from {works} works."
from = "evidence"
where = { oncotree = ["RCC"], evidence_kind = ["animal_efficacy"] }
slots = { n = "count", works = "distinct source" }
supports = { direction = ["benefit"] }
contradicts = { direction = ["none", "harm"] }
needs = { sources = 2 }
expect = "supported"

[[claim]]
id = "C2"
section = "conclusions"
text = "Mantle cell lymphoma has {n} animal rows."
from = "evidence"
where = { oncotree = ["MCL"], evidence_kind = ["animal_efficacy"] }
slots = { n = "count" }
supports = { direction = ["benefit"] }
expect = "unsupported"
"""


def write_rows(path: Path, *rows: dict[str, str]) -> None:
    """Write rows; a cell that neither the row nor REQUIRED names is not_reported."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        for cells in rows:
            given = {**REQUIRED, **cells}
            writer.writerow([given.get(name, "not_reported") for name in NAMES])


def reference(key: str, number: int) -> dict[str, object]:
    """A primary work about animals."""
    return {
        "id": key,
        "type": "article-journal",
        "title": f"Growth of renal tumors, part {number}",
        "author": [{"family": "Author", "given": "A."}],
        "issued": {"date-parts": [[2000 + number]]},
        "DOI": f"10.1000/{key}",
        "custom": {"verification": "verified", "source_kind": "primary_animal"},
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three rows from two works, two claims, one text."""
    folder = tmp_path / "a guide"
    (folder / "evidence").mkdir(parents=True)
    (folder / "guide.toml").write_text(GUIDE, encoding="utf-8")
    (folder / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (folder / "evidence" / "references.json").write_text(
        json.dumps([reference("w1", 1), reference("w2", 2)]), encoding="utf-8"
    )
    write_rows(
        folder / "evidence" / "records.csv",
        {"row_id": "R1", "source": "w1"},
        {"row_id": "R2", "source": "w1", "xenograft_line": "A-498", "line_rrid": "CVCL_1056"},
        {"row_id": "R3", "source": "w2"},
    )
    return folder


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line in process."""

    def call(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Outcome(code, caught.out, caught.err)

    return call
