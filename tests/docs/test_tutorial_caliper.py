"""The tutorial from a caliper file to a guide is true: its commands run and say what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from oncovivo.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial" / "caliper-to-guide.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^    ((?:oncovivo|python) .+)$", PAGE)
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?m)(?:^(?: {4}.*)?\n)+", PAGE)]


class Reader:
    """Somebody who types the commands of the page, one after the other."""

    def __init__(
        self, load_file: Callable[[Path], ModuleType], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.load_file = load_file
        self.capsys = capsys
        self.commands = iter(COMMANDS)

    def types(self, start: str) -> tuple[int, str]:
        """Exit code and everything printed; the page has no command between."""
        line = next(self.commands)
        assert line.startswith(start)
        program, *words = shlex.split(line)
        self.capsys.readouterr()
        if program == "python":
            example = self.load_file(ROOT / words[0])
            if "first_guide" in words[0]:
                example.write_guide(Path(words[1]))
            else:
                example.write_calipers(Path(words[1]), exchanged="--exchanged" in words)
            return 0, ""
        with pytest.raises(SystemExit) as left:
            main(words)
        assert isinstance(left.value.code, int)
        shown = self.capsys.readouterr()
        return left.value.code, shown.out + shown.err


def block_with(words: str) -> str:
    (block,) = [block for block in BLOCKS if words in block]
    return block


def squeezed(text: str) -> str:
    """Without line breaks and runs of blanks, which depend on the terminal."""
    return " ".join(text.split())


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_commands_lead_from_a_caliper_file_to_a_guide_that_defends_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    load_file: Callable[[Path], ModuleType],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    reader = Reader(load_file, capsys)
    assert reader.types("python docs/examples/caliper_to_guide.py")[0] == 0
    calipers = Path("calipers.csv")
    assert calipers.read_text(encoding="utf-8").startswith(block_with("V-1,Vehicle").strip())
    check = COMMANDS[1]
    code, shown = reader.types("oncovivo study check")
    assert code == 1
    assert squeezed(block_with("unit_slip")) in squeezed(shown)
    replace(
        calipers, "T20-3,Temsirolimus 20,2026-03-16,91,", "T20-3,Temsirolimus 20,2026-03-16,9.1,"
    )
    reader.commands = iter(COMMANDS[1:])
    assert reader.types(check)[0] == 0

    assert reader.types("oncovivo guide new")[0] == 0
    assert reader.types("oncovivo study convert")[0] == 0
    code, shown = reader.types("oncovivo growth")
    assert code == 0
    assert squeezed(block_with("Temsirolimus 20  −0.0469")) in squeezed(shown)
    assert reader.types("oncovivo report")[0] == 0
    assert Path("report.html").is_file()

    assert reader.types("python docs/examples/first_guide.py")[0] == 0
    for name in ("records.csv", "references.json"):
        shutil.copy(Path("first/evidence", name), Path("my-guide/evidence", name))
    append(Path("my-guide/guide.toml"), block_with("[[study]]"))
    append(Path("my-guide/claims.toml"), block_with('id = "C1"'))
    code, shown = reader.types("oncovivo guide build")
    assert code == 0, shown
    page = Path("build/my-guide/index.html").read_text(encoding="utf-8")
    assert reader.types("oncovivo evidence lint")[0] == 0

    assert reader.types("python docs/examples/caliper_to_guide.py")[0] == 0
    assert reader.types("oncovivo study convert")[0] == 0
    code, shown = reader.types("oncovivo guide build")
    assert code == 1
    assert block_with("oncovivo: claims.toml").split("oncovivo: claims")[1].strip() in squeezed(
        shown
    )
    assert Path("build/my-guide/index.html").read_text(encoding="utf-8") == page

    mended = block_with('= "contradicted"').strip()
    claimed = 'contradicts = { direction = ["none", "higher"] }\nexpect'
    replace(
        Path("my-guide/claims.toml"), f'{claimed} = "supported"', claimed.replace("expect", mended)
    )
    code, shown = reader.types("oncovivo guide build")
    assert code == 0, shown
    assert "contradicted" in Path("build/my-guide/index.html").read_text(encoding="utf-8")
    assert next(reader.commands, None) is None


def test_the_slip_is_the_only_difference_that_mending_takes_away(
    load_file: Callable[[Path], ModuleType],
) -> None:
    example = load_file(ROOT / "docs" / "examples" / "caliper_to_guide.py")
    rows, exchanged = example.rows(), example.rows(exchanged=True)
    other = [(a, b) for a, b in zip(rows, exchanged, strict=True) if a[3:] != b[3:]]
    assert [(a[0], a[3], b[3]) for a, b in other] == [("T20-3", "91", "9.1")]
    labels = {(a[1], b[1]) for a, b in zip(rows, exchanged, strict=True)}
    assert labels == {
        ("Vehicle", "Temsirolimus 20"),
        ("Temsirolimus 20", "Vehicle"),
        ("Temsirolimus 5", "Temsirolimus 5"),
    }
