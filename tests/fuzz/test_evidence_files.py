"""Whatever a file of a guide project holds, it is read, or refused in one line of ours."""

from __future__ import annotations

import shutil
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncovivo.analyses import lint_project, read_project, run
from oncovivo.errors import ProjectError
from oncovivo.references import format_bibliography
from tests.fuzz.mutations import spoiled_bytes, spoiled_cells, spoiled_json, spoiled_toml
from tests.fuzz.project import small_project, write_project

FILES = tuple(small_project())
EVIDENCE = tuple(path for path in FILES if not path.startswith("studies/"))
STUDIES = tuple(path for path in FILES if path.startswith("studies/"))
SECONDS = 5.0
LONGEST_MESSAGE = 4000


def fixed(examples: int) -> settings:
    """The same examples in every run."""
    return settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=examples,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project; a test that changes a file puts it back."""
    return write_project(tmp_path_factory.mktemp("fuzz") / "guide", small_project())


def spoiled(path: str) -> st.SearchStrategy[bytes]:
    """A file's bytes after accidents that fit its kind."""
    content = small_project()[path]
    by_kind = {".csv": spoiled_cells, ".json": spoiled_json, ".toml": spoiled_toml}
    return st.one_of(spoiled_bytes(content), *[by_kind[Path(path).suffix](content)] * 3)


def outcome(folder: Path) -> str:
    """What becomes of a project: empty when all of it is read, else the refusal."""
    start = time.process_time()
    message = ""
    try:
        project = read_project(folder)
        lint_project(project)
        bundle = run(project, built=date(2026, 1, 2))
        format_bibliography(bundle.library, bundle.library.keys)
    except ProjectError as err:
        message = str(err)
    assert not message or message.isprintable()
    assert len(message) < LONGEST_MESSAGE
    assert time.process_time() - start < SECONDS
    return message


def outcome_with(folder: Path, path: str, content: bytes) -> str:
    """The same with other bytes in one file, which is put back."""
    place = folder / path
    place.write_bytes(content)
    try:
        return outcome(folder)
    finally:
        place.write_bytes(small_project()[path])


def test_the_project_without_an_accident_is_read(folder: Path) -> None:
    assert outcome(folder) == ""


@pytest.mark.parametrize("path", EVIDENCE)
@fixed(120)
@given(data=st.data())
def test_a_spoiled_file_of_the_guide_is_read_or_refused(
    path: str, folder: Path, data: st.DataObject
) -> None:
    outcome_with(folder, path, data.draw(spoiled(path)))


@pytest.mark.parametrize("path", STUDIES)
@fixed(60)
@given(data=st.data())
def test_a_spoiled_file_of_a_study_is_read_or_refused(
    path: str, folder: Path, data: st.DataObject
) -> None:
    outcome_with(folder, path, data.draw(spoiled(path)))


EXTREMES = {
    "no byte": b"",
    "only zeros": b"\x00" * 1000,
    "a line end": b"\n",
    "random bytes": bytes(range(256)) * 40,
    "UTF-16": "guide".encode("utf-16"),
    "100,000 columns": b"a," * 100_000 + b"a\n" + b"1," * 100_000 + b"1\n",
    "a cell beyond the limit of the csv module": b'a,b\n"' + b"x" * 200_000 + b'",1\n',
    "a quote that never closes": b'a,b\n"' + b"x,y\n" * 50_000,
    "brackets nested deeply": b"[" * 100_000,
    "objects nested deeply": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "tables nested deeply": b"a = " + b"{b = " * 5_000 + b"1" + b"}" * 5_000,
    "a key of many parts": b".".join([b"a"] * 1_000) + b" = 1\n",
    "a number of many digits": b"[" + b"9" * 10_000 + b"]",
    "a TOML number of many digits": b"a = " + b"9" * 10_000,
    "other JSON": b'{"a": NaN}',
    "half a character": b'[{"id": "\\ud800"}]',
    "a million line ends": b"\n" * 1_000_000,
}


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("name", EXTREMES)
def test_a_file_of_something_else_is_refused(name: str, path: str, folder: Path) -> None:
    message = outcome_with(folder, path, EXTREMES[name])
    # A claims.toml without a line is a guide without claims.
    assert message or (path == "claims.toml" and not EXTREMES[name].strip())


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("kind", ["folder", "broken link", "link to itself"])
def test_what_is_no_file_is_refused_or_reported_as_missing(
    kind: str, path: str, tmp_path: Path
) -> None:
    folder = write_project(tmp_path, small_project())
    place = folder / path
    place.unlink()
    if kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(place if kind == "link to itself" else folder / "nowhere")
    message = outcome(folder)
    if path == "figures/pathway.toml":
        rules = {finding.rule for finding in lint_project(read_project(folder))}
        assert "LINT-24" in rules
    else:
        assert message


@pytest.mark.parametrize(
    "place",
    ["..", ".", "/", "", "studies", "studies/absent", "a\\u0000b", "x" * 5000, "guide.toml"],
)
@pytest.mark.parametrize("entry", ["study", "figure"])
def test_a_path_to_somewhere_else_is_refused(entry: str, place: str, tmp_path: Path) -> None:
    files = dict(small_project())
    old = b"studies/mini" if entry == "study" else b"figures/pathway.toml"
    files["guide.toml"] = files["guide.toml"].replace(old, place.encode())
    folder = write_project(tmp_path / "inside", files)
    message = outcome(folder)
    assert message or (entry == "figure" and not (folder / place).is_file())


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_is_not_there_is_optional_or_refused(path: str, tmp_path: Path) -> None:
    folder = write_project(tmp_path, small_project())
    (folder / path).unlink()
    message = outcome(folder)
    optional = ("records", "waivers", "tumor_types", "compounds", "pathway", "claims", "animals")
    assert (not message) == any(name in path for name in optional)


def test_a_project_in_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "guide", small_project())
    shutil.rmtree(folder)
    assert "no such folder" in outcome(folder)
