"""Errors: one line of four parts, an exit code each, nothing that a terminal would obey."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from oncovivo import errors
from oncovivo.errors import (
    DataError,
    FileFormatError,
    FindingsError,
    InputError,
    MissingExtraError,
    ProjectError,
    UnitError,
)


def test_a_message_has_the_place_the_expectation_the_finding_and_the_mend() -> None:
    err = ProjectError("a number", found="'ten'", where="records.csv row 3", mend="correct it")
    assert str(err) == "records.csv row 3: expected a number, found 'ten'; correct it"


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "expected a number"),
        ({"found": "'ten'"}, "expected a number, found 'ten'"),
        ({"where": "row 3"}, "row 3: expected a number"),
        ({"mend": "correct it"}, "expected a number; correct it"),
    ],
)
def test_a_part_that_is_not_known_leaves_no_trace(parts: dict[str, str], line: str) -> None:
    assert str(ProjectError("a number", **parts)) == line


def test_a_message_is_one_line_whatever_its_parts_hold() -> None:
    err = ProjectError("a\nnumber", found="one\r\ntwo\u2028three\x85four", where="a\tb")
    assert str(err) == "a b: expected a number, found one two three four"


def test_a_message_holds_nothing_that_a_terminal_obeys() -> None:
    err = FileFormatError("text", found="\x1b[31mred \u202e \ud800 \x00")
    assert str(err) == r"expected text, found \x1b[31mred \u202e \ud800 \x00"
    assert err.to_dict()["found"] == r"\x1b[31mred \u202e \ud800 \x00"


def test_a_long_finding_is_cut_in_the_middle() -> None:
    message = str(InputError("a word", found="b" + "x" * 100_000 + "e"))
    assert len(message) < 1100
    assert message.startswith("expected a word, found bxx")
    assert " … " in message
    assert message.endswith("xxe")


def test_a_list_of_findings_is_not_cut() -> None:
    found = "; ".join(f"claim {number} fell" for number in range(1000))
    assert found in str(FindingsError("none", found=found))


@pytest.mark.parametrize(
    ("kind", "exit_code", "code"),
    [
        (ProjectError, 2, "error"),
        (InputError, 2, "input"),
        (UnitError, 2, "unit"),
        (FileFormatError, 2, "file_format"),
        (DataError, 3, "data"),
        (FindingsError, 1, "findings"),
        (MissingExtraError, 2, "missing_extra"),
    ],
)
def test_each_kind_has_its_exit_code(kind: type[ProjectError], exit_code: int, code: str) -> None:
    assert (kind.exit_code, kind.code) == (exit_code, code)
    assert issubclass(kind, ProjectError)


def test_the_parts_go_to_json_under_the_names_of_the_contract() -> None:
    parts = {"expected": "a", "found": "b", "where": "c", "mend": "d"}
    err = DataError(parts["expected"], found="b", where="c", mend="d")
    assert err.to_dict() == {"code": "data", **parts}
    assert err.details == {}


def test_an_argument_outside_its_domain_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="expected a unit"):
        raise UnitError("a unit")


def test_a_missing_extra_names_the_line_that_installs_it() -> None:
    err = MissingExtraError("guide", "jinja2")
    assert err.extra == "guide"
    assert str(err) == (
        "expected the package jinja2, found it is not installed; "
        "run: python -m pip install 'oncovivo[guide]'"
    )


def test_warnings_are_warnings() -> None:
    assert issubclass(errors.DataWarning, errors.ProjectWarning)
    assert issubclass(errors.ProjectWarning, UserWarning)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    number: int = 0


def _complaint(content: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        _Entry.model_validate(content)
    return str(FileFormatError.from_validation(caught.value, what="an entry", where="a.toml"))


def test_a_misspelled_key_is_named_before_the_key_that_is_missing() -> None:
    assert _complaint({"titel": "x"}) == (
        "a.toml: expected an entry as the reference page describes it (titel), "
        "found a key that does not exist; correct titel"
    )


def test_a_value_of_another_kind_is_named_with_its_key() -> None:
    message = _complaint({"title": "x", "number": "many"})
    assert message.startswith("a.toml: expected an entry as the reference page describes it (num")
    assert message.endswith("; correct number")
    assert "\n" not in message
