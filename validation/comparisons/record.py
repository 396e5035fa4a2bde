"""Record which test compares which section of the reference results, and how closely.

The real studies and the reference results are not part of this repository. With both folders
beside it, run ``python validation/comparisons/record.py``: it runs the tests that read reference
results, notes what each of them reads and the tolerances that it asserts, and writes
``comparisons.json``. ``docs/generate.py`` makes the page of comparisons from that file, and
tests/docs/test_comparisons.py says when it is out of date.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import (
    Callable,
    Generator,
    ItemsView,
    Iterable,
    Iterator,
    ValuesView,
)
from pathlib import Path
from typing import Any

os.environ["CI"] = "1"  # Missing studies then fail instead of being skipped.

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
OUT = Path(__file__).with_name("comparisons.json")


class Noted(dict[str, object]):
    """A dictionary that says which of its keys were read."""

    def __init__(self, content: dict[str, object], note: Callable[[str], None]) -> None:
        super().__init__(content)
        self._note = note

    def __getitem__(self, key: str) -> object:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> object:
        """The value of a key, noted where there is one."""
        if key not in self:
            return default
        return self[key]

    def __iter__(self) -> Iterator[str]:
        for key in list(dict.keys(self)):
            self._note(key)
            yield key

    def items(self) -> ItemsView[str, object]:  # type: ignore[override]
        """All of them, noted."""
        return dict(self._all()).items()

    def values(self) -> ValuesView[object]:  # type: ignore[override]
        """All of them, noted."""
        return dict(self._all()).values()

    def _all(self) -> Iterator[tuple[str, object]]:
        for key in self:
            yield key, self[key]


class Recorder:
    """What each test reads and asserts."""

    def __init__(self) -> None:
        self.test = ""
        self.read: dict[tuple[str, str], dict[str, set[str]]] = {}
        self.stated: set[str] = set()
        self.tolerances: dict[str, dict[str, set[float]]] = {}
        self.failed: list[str] = []
        self.asked: set[str] = set()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Later reads belong to this test, whatever its parameters."""
        path, _, name = item.nodeid.partition("::")
        self.test = f"{path}::{name.split('[')[0]}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Failures end the recording."""
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Hand out reference results that note what is read of them."""
        result = yield
        kept = fixturedef.cached_result
        if fixturedef.argname != "shared_reference" or kept is None:
            return result
        self.asked.add(request.node.nodeid.split("[")[0])

        def read(name: str) -> dict[str, Any]:
            found: dict[str, Any] = result(name)
            found["sections"] = {
                key: self._section(name, key, section)
                for key, section in found["sections"].items()
            }
            return found

        # Tests are handed what the definition keeps, not what this hook returns.
        fixturedef.cached_result = (read, kept[1], None)
        return read

    def _section(self, file: str, key: str, section: dict[str, Any]) -> Noted:
        def note_part(part: str) -> None:
            self.read.setdefault((file, key), {}).setdefault(self.test, set()).add(part)

        def note_field(field: str) -> None:
            if field == "tolerance":
                self.stated.add(f"{self.test} {file} {key}")

        content = dict(section)
        if isinstance(section["results"], dict):
            content["results"] = Noted(section["results"], note_part)
        return Noted(content, note_field)

    def assert_with(self, rel: float | None, absolute: float | None) -> None:
        """One comparison was asserted with these tolerances."""
        noted = self.tolerances.setdefault(self.test, {"rel": set(), "abs": set()})
        if rel:
            noted["rel"].add(float(rel))
        if absolute:
            noted["abs"].add(float(absolute))


def watch_assertions(recorder: Recorder) -> None:
    """Note the tolerances of the two ways in which the tests compare numbers."""
    approx, allclose = pytest.approx, np.testing.assert_allclose

    def noted_approx(
        expected: object,
        rel: float | None = None,
        abs: float | None = None,
        *,
        nan_ok: bool = False,
    ) -> object:
        # Without either, pytest allows 1e-6 of the expected number.
        recorder.assert_with(1e-6 if rel is None and abs is None else rel, abs)
        return approx(expected, rel=rel, abs=abs, nan_ok=nan_ok)

    def noted_allclose(
        actual: NDArray[np.float64],
        desired: NDArray[np.float64],
        rtol: float = 1e-7,
        atol: float = 0.0,
        *,
        equal_nan: bool = True,
        err_msg: str = "",
    ) -> None:
        recorder.assert_with(rtol, atol)
        allclose(actual, desired, rtol=rtol, atol=atol, equal_nan=equal_nan, err_msg=err_msg)

    pytest.approx = noted_approx  # type: ignore[assignment]
    np.testing.assert_allclose = noted_allclose  # type: ignore[assignment]


def reading_modules() -> list[str]:
    """Test modules that ask for reference results."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "shared_reference" in path.read_text(encoding="utf-8")
    ]
    return [name for name in found if not name.startswith("tests/docs/")]


def ends(values: Iterable[float]) -> list[float]:
    """The tightest and the loosest."""
    known = sorted(values)
    return [known[0], known[-1]] if known else []


def content(recorder: Recorder) -> dict[str, Any]:
    """The file's content, in an order that does not change."""
    sections = []
    for path in sorted(REFERENCE.glob("*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        for key, section in made["sections"].items():
            file = path.name.removesuffix(".json")
            read = recorder.read.get((file, key), {})
            parts = list(section["results"])
            seen = set().union(*read.values()) if read else set()
            sections.append(
                {
                    "file": file,
                    "section": key,
                    "data": section.get("data_file", "").removeprefix("shared/data/"),
                    "tests": sorted(read),
                    "read": [part for part in parts if part in seen],
                    "not_read": [part for part in parts if part not in seen],
                    "states_tolerance": sorted(
                        test for test in read if f"{test} {file} {key}" in recorder.stated
                    ),
                }
            )
    tolerances = {
        test: {kind: ends(values) for kind, values in noted.items()}
        for test, noted in sorted(recorder.tolerances.items())
    }
    reading = {test for section in sections for test in section["tests"]}
    return {
        "read_no_result": sorted(recorder.asked - reading),
        "sections": sections,
        "tolerances": {test: tolerances[test] for test in tolerances if test in reading},
    }


def main() -> int:
    """Run the tests and write the file; a failed test leaves it as it is."""
    os.chdir(ROOT)
    recorder = Recorder()
    watch_assertions(recorder)
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "realdata"]
    code = pytest.main([*options, *sys.argv[1:], *reading_modules()], plugins=[recorder])
    if code or recorder.failed:
        return 1
    text = json.dumps(content(recorder), indent=1, ensure_ascii=False)
    OUT.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
