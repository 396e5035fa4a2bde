"""The how-to pages on starting and comparing guides are true: commands, files, parts, examples."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from oncovivo.analyses.bundle_versions import READABLE, SCHEMA, check_schema
from oncovivo.analyses.cache import CACHE_FOLDER
from oncovivo.analyses.guide_diff import PARTS, TOLERANCE
from oncovivo.cli import main
from oncovivo.errors import FileFormatError

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
START = (HOW_TO / "start-a-guide.md").read_text(encoding="utf-8")
COMPARE = (HOW_TO / "compare-two-guides.md").read_text(encoding="utf-8")


def command(line: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(shlex.split(line)[1:])
    assert isinstance(left.value.code, int)
    return left.value.code


def commands(page: str) -> list[str]:
    return re.findall(r"(?m)^    (oncovivo .+)$", page)


def table(page: str) -> list[str]:
    """The first cells of the page's first table, without its heading."""
    rows = re.findall(r"(?m)^\| (.+?) \|", page)
    return [row for row in rows if not row.startswith("---")][1:]


def test_the_commands_start_build_and_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767312000")
    new, build = commands(START)
    assert command(new) == 0
    listed = {cell.strip("`") for cell in table(START)}
    made = {path.relative_to("my-guide").as_posix() for path in Path("my-guide").rglob("*.*")}
    assert listed == made
    assert command(build) == 0
    assert Path("my-guide", CACHE_FOLDER).name in START
    assert command("oncovivo evidence lint my-guide") == 0
    capsys.readouterr()
    (compare,) = commands(COMPARE)
    Path("build/my-guide").rename("build/last")
    assert command(build) == 0
    Path("build/my-guide").rename("build/now")
    assert command(compare) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert Path("changes.html").is_file()


def test_the_page_names_every_part_that_is_compared() -> None:
    named = {"claims", "numbers", *PARTS}
    assert {
        part for cell in table(COMPARE) for part in cell.replace("lint ", "").split(", ")
    } == named
    assert float(re.findall(r"relative difference of (\S+),", COMPARE)[0]) == TOLERANCE


def test_the_page_names_the_versions_that_are_read() -> None:
    assert f"The current one is `{SCHEMA}`" in COMPARE
    assert all(f"`{schema}`" in COMPARE for schema in READABLE)
    with pytest.raises(FileFormatError) as caught:
        check_schema("oncovivo.bundle/7", where="bundle/guide.json")
    said = re.findall(r"(?m)^    (expected a bundle.+)$", COMPARE)
    assert said[0] in str(caught.value)


@pytest.mark.parametrize(
    ("page", "printed"),
    [(START, "imaginarimab 0 0\n"), (COMPARE, "C1 added uncited\n['claims.toml']\n")],
)
def test_the_examples_in_python_run(page: str, printed: str) -> None:
    (code,) = re.findall(r"(?s)```python\n(.+?)```", page)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "page", "exec"), {"__name__": "page"})
    assert out.getvalue() == printed
