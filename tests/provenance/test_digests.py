"""Digests and dates: what a guide says about its inputs can be checked with sha256sum."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from oncovivo.errors import InputError
from oncovivo.provenance import (
    InputFile,
    Provenance,
    build_date,
    digest_file,
    digest_inputs,
    package_versions,
)
from oncovivo.version import __version__

# FIPS 180-4 test vectors: the message "abc", and the empty one.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("content", "digest"), [(b"abc", ABC), (b"", EMPTY)])
def test_a_digest_is_that_of_the_standard(tmp_path: Path, content: bytes, digest: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    found = digest_file(tmp_path / "a.csv", name="studies/a.csv")
    assert found == InputFile(name="studies/a.csv", sha256=digest)


def test_line_ends_are_bytes_too(tmp_path: Path) -> None:
    (tmp_path / "unix").write_bytes(b"a\n")
    (tmp_path / "windows").write_bytes(b"a\r\n")
    one, other = (digest_file(tmp_path / name, name="a") for name in ("unix", "windows"))
    assert one != other


def test_the_digest_of_several_files_is_that_of_their_sha256sum_listing() -> None:
    inputs = (InputFile(name="b.csv", sha256=ABC), InputFile(name="é.toml", sha256=EMPTY))
    listing = f"{ABC}  b.csv\n{EMPTY}  é.toml\n".encode()
    assert digest_inputs(inputs) == hashlib.sha256(listing).hexdigest()
    assert Provenance(date="2026-01-02", inputs=inputs).digest == digest_inputs(inputs)
    assert digest_inputs(()) == EMPTY


def test_a_renamed_file_changes_the_digest() -> None:
    names = ("a.csv", "b.csv")
    one, other = (digest_inputs([InputFile(name=name, sha256=ABC)]) for name in names)
    assert one != other


def test_versions_are_those_that_are_installed() -> None:
    versions = package_versions()
    assert versions["oncovivo"] == __version__
    assert "not installed" not in versions.values()
    assert {"python", "numpy", "typst"} <= versions.keys()


def test_a_package_that_is_not_there_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oncovivo.provenance._PACKAGES", ("no-such-package-of-anyone",))
    assert package_versions()["no-such-package-of-anyone"] == "not installed"


def test_the_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert build_date("2026-11-22") == date(2026, 11, 22)
    assert build_date() == date(1970, 1, 1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_date_of_the_environment_is_that_of_greenwich(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86399")
    assert build_date() == date(1970, 1, 1)


def test_without_either_it_is_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = datetime.now(tz=UTC).date()
    assert before <= build_date() <= datetime.now(tz=UTC).date()


@pytest.mark.parametrize("given", ["", "today", "2026-02-30", "22.11.2026", "2026", "١٢٣٤"])
def test_a_malformed_date_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="--date: expected a date as YYYY-MM-DD"):
        build_date(given)


@pytest.mark.parametrize("epoch", ["", "noon", "1e9", "9" * 30, "9" * 5000, "nan"])
def test_a_malformed_epoch_is_refused(epoch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH: expected seconds since 1970"):
        build_date()
