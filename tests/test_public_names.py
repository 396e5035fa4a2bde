"""Names, versions and files that other people hold on to."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import oncovivo

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(oncovivo.__path__, "oncovivo.")
    if module.name != "oncovivo.__main__"
)
PACKAGES = ["oncovivo", *[m for m in MODULES if hasattr(importlib.import_module(m), "__path__")]]


def rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", ["oncovivo", *MODULES])
def test_what_a_module_lists_is_there_once_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    for public in listed:
        assert hasattr(module, public), public
    assert list(listed) == sorted(listed, key=rank)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_lists_what_it_imports_and_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    text = Path(module.__file__ or "").read_text(encoding="utf-8")
    imported: set[str] = set()
    # Indented where they are imported when first used.
    statement = r"(?m)^(?:    )?from oncovivo(?!\.lazy )\S* import (?:\(([^)]*)\)|(.+))$"
    for group in re.findall(statement, text):
        imported |= {word.strip() for word in "".join(group).split(",") if word.strip()}
    assert imported <= set(module.__all__), "imported and not listed in __all__"


@pytest.mark.parametrize("name", ["oncovivo", *MODULES])
def test_a_public_object_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", []):
        value = getattr(module, public)
        if callable(value) and getattr(value, "__module__", "").startswith("oncovivo"):
            assert value.__doc__, public


def test_the_version_is_that_of_the_changelog_and_of_the_citation() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(r"(?m)^## (\S+)", changelog)
    citation = re.search(
        r"(?m)^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    )
    assert heading
    assert citation
    assert oncovivo.__version__ == heading[1] == citation[1]
    assert re.fullmatch(r"\d+\.\d+\.\d+", oncovivo.__version__)


def test_every_locked_package_has_its_hashes_and_no_line_names_a_place() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"(?m)^(?=[a-z0-9])", text.replace("\\\n", " "))[1:]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9._\[\],-]+==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]
    assert not re.search(r"index-url|find-links|trusted-host|://", text)


def test_every_dependency_is_locked() -> None:
    import tomllib

    locked = set(
        re.findall(
            r"(?m)^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8")
        )
    )
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [
        *settings["project"]["dependencies"],
        *settings["project"]["optional-dependencies"]["guide"],
        *settings["dependency-groups"]["dev"],
        *settings["build-system"]["requires"],
    ]
    for requirement in declared:
        name = re.split(r"[\[><=~! ;]", requirement)[0]
        assert name.lower().replace("_", "-") in locked, name


def tracked() -> list[Path]:
    """The files of the repository, as git lists them."""
    git = shutil.which("git")
    assert git
    listing = subprocess.run(
        [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listing.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


# Spelled in pieces, so that this file does not hold what it looks for.
PLACES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "files." + "pythonhosted",
    "conda" + ".anaconda",
    "/home" + "/",
    "/root" + "/",
    "/Us" + "ers/",
    "/work" + "/main",
    "/work" + "/shared",
    "--extra-index" + "-url",
    "find-li" + "nks =",
)


def test_no_file_names_a_package_index_or_a_place_on_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {place}"
        for path in tracked()
        for place in PLACES
        if place.encode() in path.read_bytes()
    ]
    assert found == []


def test_no_tracked_file_is_large() -> None:
    large = [str(path) for path in tracked() if path.stat().st_size > 1_000_000]
    assert large == []
