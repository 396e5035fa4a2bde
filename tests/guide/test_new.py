"""A new guide project builds at once, for any compound, and overwrites nothing."""

import csv
import json
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses import lint_project, read_project
from oncovivo.analyses.new_project import start_project
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import COLUMNS
from oncovivo.guide import build_guide

DAY = date(2026, 1, 2)


@pytest.mark.parametrize(
    ("compound", "key", "ships"),
    [
        ("temsirolimus", "temsirolimus", True),
        ("CCI-779", "temsirolimus", True),
        ("Rapamycin", "sirolimus", True),
        ("Imaginarimab 7", "imaginarimab-7", False),
        ("5-Azacytidine", "5-azacytidine", False),
        ('Näive "X" (salt)', "naive-x-salt", False),
    ],
)
def test_a_project_for_any_compound_builds_and_lints_clean(
    tmp_path: Path, compound: str, key: str, *, ships: bool
) -> None:
    made = start_project(tmp_path / "a guide", compound=compound)
    assert (made.compound, made.known) == (key, ships)
    project = read_project(made.folder)
    assert project.settings.compound == key
    assert lint_project(project) == ()
    assert (made.folder / "evidence" / "compounds.csv").exists() is not ships


def test_the_started_guide_is_built_and_says_what_it_is(tmp_path: Path) -> None:
    made = start_project(tmp_path / "g", compound="Imaginarimab", title='Say "no" \\ <b>')
    built = build_guide(made.folder, tmp_path / "out", built=DAY)
    assert built.bundle.settings.title == 'Say "no" \\ <b>'
    assert (built.bundle.claims, built.bundle.records) == ((), ())
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Say &#34;no&#34; \\ &lt;b&gt;" in page


def test_a_class_is_a_compound_of_its_own_kind(tmp_path: Path) -> None:
    made = start_project(tmp_path / "g", compound="Imaginarimab", group="Imagined antibodies")
    known = read_project(made.folder).identifiers.compounds
    assert (known["imaginarimab"].kind, known["imaginarimab"].name) == ("drug", "Imaginarimab")
    assert known["imagined-antibodies"].kind == "class"
    shipped = start_project(tmp_path / "h", compound="everolimus", group="rapalogs")
    assert shipped.group == "rapalog"
    assert not (shipped.folder / "evidence" / "compounds.csv").exists()


def test_the_examples_in_the_comments_are_read_once_they_are_no_comments(tmp_path: Path) -> None:
    made = start_project(tmp_path / "g", compound="temsirolimus")
    claims = made.folder / "claims.toml"
    lines = claims.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("# [[claim]]"))
    bare = [line.removeprefix("# ") for line in lines[start:]]
    claims.write_text("\n".join(bare) + "\n", encoding="utf-8")
    (made.folder / "evidence" / "records.csv").unlink()
    assert [claim.id for claim in read_project(made.folder).claims] == ["C01", "C02"]
    guide = (made.folder / "guide.toml").read_text(encoding="utf-8")
    bare = [
        line.removeprefix("# ")
        for line in guide.splitlines()
        if line.startswith("# [[") or (line.startswith("# ") and " = " in line)
    ]
    entries = tomllib.loads("\n".join(bare))
    assert set(entries) == {"text", "study", "simulation", "figure"}
    assert entries["study"][0]["combination"][0]["combination"] == "A + B"


def test_the_header_and_the_page_on_columns_have_every_column(tmp_path: Path) -> None:
    folder = start_project(tmp_path / "g", compound="temsirolimus").folder / "evidence"
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        (header,) = csv.reader(file)
    assert header == [column.name for column in COLUMNS]
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{column.name}` |" in page for column in COLUMNS)
    assert "- evidence_kind: " in page
    assert "{" not in page.replace('{"', "").replace("{}", "")


def test_a_header_alone_is_refused_once_a_sentence_speaks_of_rows(tmp_path: Path) -> None:
    folder = start_project(tmp_path / "g", compound="temsirolimus").folder
    (folder / "claims.toml").write_text(
        '[[claim]]\nid = "C1"\nsection = "summary"\ntext = "x"\nfrom = "evidence"\n'
        'expect = "unsupported"\n',
        encoding="utf-8",
    )
    with pytest.raises(FileFormatError, match="at least one row below the header"):
        read_project(folder)


def test_a_wrong_header_is_refused_without_a_row(tmp_path: Path) -> None:
    folder = start_project(tmp_path / "g", compound="temsirolimus").folder
    for name in ("records.csv", "quality.csv"):
        path = folder / "evidence" / name
        good = path.read_bytes()
        path.write_text("row_id,nonsense\n", encoding="utf-8")
        with pytest.raises(FileFormatError, match=name):
            read_project(folder)
        path.write_bytes(good)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for name, found in (("full", "a folder that holds files"), ("file", "a file")):
        with pytest.raises(FileFormatError, match=f"a new or empty folder, found {found}"):
            start_project(tmp_path / name, compound="temsirolimus")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert start_project(tmp_path / "empty", compound="temsirolimus").written


@pytest.mark.parametrize(
    "name", ["-x", ".hidden", "a:b", "what?", "nul", "Com1.txt", "end.", "a\n"]
)
def test_a_name_that_some_system_refuses_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a folder name that every system takes"):
        start_project(tmp_path / name, compound="temsirolimus")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"compound": ""}, "--compound: expected one line of text"),
        ({"compound": "two\nlines"}, "--compound: expected one line of text"),
        ({"compound": "替西罗莫司"}, "letters or digits of the Latin alphabet"),
        ({"compound": "a;b"}, "without a semicolon"),
        ({"compound": "Fluoro Uracil", "title": " "}, "--title: expected one line"),
        ({"compound": "Interféron alfa"}, "a name of its own; interferon-alfa is interferon alfa"),
        ({"compound": "Torisel", "group": "temsirolimus"}, "a class that is not the compound"),
    ],
)
def test_bad_names_are_one_line_and_make_nothing(
    tmp_path: Path, given: dict[str, str], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        start_project(tmp_path / "g", **given)
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_files_and_what_comes_next(
    tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli("guide", "new", tmp_path / "my guide", "--compound", "Imaginarimab")
    assert outcome.code == 0
    assert "added to evidence/compounds.csv as imaginarimab" in outcome.out
    assert "next: oncovivo guide build '" in outcome.out
    outcome = run_cli("guide", "new", tmp_path / "b", "--compound", "Imaginarimab", "--json")
    found = json.loads(outcome.out)
    assert found["schema"] == "oncovivo.guide_new/1"
    assert found["compound"] == {"key": "imaginarimab", "name": "Imaginarimab", "ships": False}
    assert all(Path(file).is_file() for file in found["written"])
    assert run_cli("guide", "new", tmp_path / "b", "--compound", "Imaginarimab").code == 2
