"""Bad input gets one clear line, exit code 2, and no half-written output."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def recode(path: Path, *, encoding: str = "utf-8", bom: bytes = b"", comma: str = ",") -> None:
    text = path.read_text(encoding="utf-8").replace("Tumors", "Tumörs").replace(",", comma)
    path.write_bytes(bom + text.encode(encoding))


def records(folder: Path) -> Path:
    return folder / "evidence" / "records.csv"


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no guide.toml": (lambda f: (f / "guide.toml").unlink(), "expected a guide project"),
    "broken guide.toml": (
        lambda f: edit(f / "guide.toml", "[guide]", "[guide"),
        "guide.toml: expected TOML",
    ),
    "unknown key in guide.toml": (
        lambda f: edit(f / "guide.toml", "title", "titel"),
        "guide.toml: expected a guide project as the reference page describes it (guide.titel)",
    ),
    "unknown compound": (
        lambda f: edit(f / "guide.toml", '"temsirolimus"', '"aspirin"'),
        "guide.toml, guide.compound: expected the key of a known compound, found 'aspirin'",
    ),
    "unknown section": (
        lambda f: edit(f / "guide.toml", '"summary"', '"outlook"'),
        "(text.0.section)",
    ),
    "text cites an unknown key": (
        lambda f: edit(f / "guide.toml", "body", 'cites = ["zz"]\nbody'),
        "guide.toml, text T1, cites: expected a key of references.json, found 'zz'",
    ),
    "study that is not there": (
        lambda f: edit(f / "guide.toml", "[[text]]", '[[study]]\npath = "x.csv"\n[[text]]'),
        "guide.toml, study x.csv: expected a study file or folder",
    ),
    "simulation that is not there": (
        lambda f: edit(f / "guide.toml", "[[text]]", '[[simulation]]\npath = "x.toml"\n[[text]]'),
        "guide.toml, simulation x.toml: expected a simulation file, found no such file",
    ),
    "broken claims.toml": (
        lambda f: edit(f / "claims.toml", "[[claim]]", "[[claim"),
        "claims.toml: expected TOML",
    ),
    "query with an unknown column": (
        lambda f: edit(f / "claims.toml", "evidence_kind =", "kind ="),
        "claims.toml, claim C1, where: expected a column of the evidence rows, found 'kind'",
    ),
    "claim from a kind that does not exist": (
        lambda f: edit(f / "claims.toml", '"evidence"', '"model:x"'),
        "claim C1: expected a claim from evidence, pooled or not, or from a study or a simulation",
    ),
    "claim in an unknown section": (
        lambda f: edit(f / "claims.toml", '"summary"', '"outlook"'),
        "claims.toml, claim C1: expected a section",
    ),
    "row cites an unknown key": (
        lambda f: edit(records(f), ",w2,", ",w9,"),
        "records.csv row 4, column source: expected a key of references.json, found 'w9'",
    ),
    "unknown unit": (
        lambda f: edit(records(f), "animals,not_reported,not_reported", "animals,1,furlong"),
        "records.csv row 2, column unit: expected a word of the list unit, found 'furlong'",
    ),
    "unknown endpoint": (
        lambda f: edit(records(f), "tumor_volume", "tumor_size"),
        "records.csv row 2, column endpoint: expected a word of the list endpoint",
    ),
    "unknown state": (
        lambda f: edit(records(f), "not_reported", "not_known"),
        "records.csv row 2, column site: expected a word of the list site, found 'not_known'",
    ),
    "duplicate row ids": (
        lambda f: edit(records(f), "R2", "R1"),
        "records.csv row 3, column row_id: expected a row id that no other row has",
    ),
    "locator missing": (
        lambda f: edit(records(f), "Table 2", ""),
        "records.csv row 2, column locator: expected where in the source",
    ),
    "evidence file without a byte": (
        lambda f: records(f).write_bytes(b""),
        "records.csv: expected a header row",
    ),
    "evidence file without rows": (
        lambda f: records(f).write_text(
            records(f).read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8"
        ),
        "records.csv: expected at least one row below the header",
    ),
    "Latin-1": (
        lambda f: recode(records(f), encoding="latin-1"),
        "records.csv line 2: expected UTF-8 text",
    ),
    "byte order mark": (
        lambda f: recode(records(f), bom=b"\xef\xbb\xbf"),
        "records.csv byte 1: expected UTF-8 text without a byte order mark",
    ),
    "semicolons": (
        lambda f: recode(records(f), comma=";"),
        "records.csv row 1: expected columns separated by commas, found semicolons",
    ),
    "broken references": (
        lambda f: edit(f / "evidence" / "references.json", "[{", "[{{"),
        "references.json line 1: expected JSON",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_one_line_and_writes_nothing(
    name: str, project: Path, run_cli: Callable[..., Any]
) -> None:
    spoil, message = CASES[name]
    spoil(project)
    out = project.parent / "out"
    outcome = run_cli("guide", "build", project, "-o", out)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not outcome.out
    assert [path.name for path in project.parent.iterdir()] == [project.name]


@pytest.mark.parametrize("name", CASES)
def test_with_json_the_error_is_one_object(
    name: str, project: Path, run_cli: Callable[..., Any]
) -> None:
    spoil, _ = CASES[name]
    spoil(project)
    outcome = run_cli("guide", "build", project, "-o", project.parent / "out", "--json")
    error = json.loads(outcome.out)["error"]
    assert set(error) == {"code", "expected", "found", "where", "mend"}
    assert error["expected"]
    assert error["where"]


def test_an_earlier_guide_survives_a_failed_build(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    out = project.parent / "out"
    assert run_cli("guide", "build", project, "-o", out).code == 0
    before = (out / "index.html").read_bytes()
    edit(records(project), "tumor_volume", "tumor_size")
    assert run_cli("guide", "build", project, "-o", out).code == 2
    assert (out / "index.html").read_bytes() == before


def test_a_folder_that_is_no_guide_is_not_replaced(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    out = project.parent / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine", encoding="utf-8")
    outcome = run_cli("guide", "build", project, "-o", out)
    assert outcome.code == 2
    assert "expected a new or empty folder, or an earlier guide" in outcome.err
    assert (out / "precious.txt").read_text(encoding="utf-8") == "mine"


def test_debug_shows_the_traceback(project: Path) -> None:
    from oncovivo.cli import main
    from oncovivo.errors import FileFormatError

    (project / "guide.toml").unlink()
    with pytest.raises(FileFormatError):
        main(["guide", "build", str(project), "-o", str(project.parent / "out"), "--debug"])


@pytest.mark.parametrize("arguments", [("guide", "build"), ("guide", "bild"), ("--nonsense",)])
def test_a_wrong_command_line_is_one_line(
    arguments: tuple[str, ...], run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli(*arguments)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1


def test_a_malformed_date_is_one_line(project: Path, run_cli: Callable[..., Any]) -> None:
    out = project.parent / "out"
    outcome = run_cli("guide", "build", project, "-o", out, "--date", "yesterday")
    assert outcome.code == 2
    assert "--date: expected a date as YYYY-MM-DD, found 'yesterday'" in outcome.err
