"""TOML and JSON leave their readers as values, or as one line of ours."""

from __future__ import annotations

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.texts import check_characters, parse_json, parse_toml


@pytest.mark.parametrize("text", ["", "a\tb\r\nc", "mm³ é 日本語 🧪", "\u202e\u2028"])
def test_text_that_a_document_can_show_passes(text: str) -> None:
    check_characters(text, where="a.csv")


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800", "\uffff"])
def test_a_control_character_is_refused_with_its_line(sign: str) -> None:
    with pytest.raises(FileFormatError, match=rf"a\.csv line 2: .*U\+{ord(sign):04X}"):
        check_characters(f"a\nb{sign}", where="a.csv")


def test_values_are_those_of_the_standard_library() -> None:
    assert parse_toml('a = [1, 2.5, "x"]', where="a") == {"a": [1, 2.5, "x"]}
    assert parse_json('{"a": [1, 2.5, null, true]}', where="a") == {"a": [1, 2.5, None, True]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", r"a\.toml: expected TOML, found Invalid value"),
        ("a = " + "9" * 5000, "expected TOML, found a number of thousands of digits"),
        ("a = " + "[" * 5000 + "]" * 5000, "expected TOML, found brackets nested too deeply"),
        ('a = "\\u0000"', r"control characters, found the character U\+0000"),
        ('"\\u001b" = 1', r"control characters, found the character U\+001B"),
    ],
)
def test_toml_that_cannot_be_read_is_one_line(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        parse_toml(text, where="a.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a\.json line 1: expected JSON, found Expecting value"),
        ("[\n1,\n]", r"a\.json line 3: expected JSON"),
        ("[NaN]", "found NaN, which JSON does not have; write null"),
        ("[-Infinity]", "found -Infinity, which JSON does not have"),
        ('{"a": 1, "b": 2, "a": 3}', "expected each key once in an object, found 'a' twice"),
        ("[" + "9" * 5000 + "]", "expected JSON, found a number of thousands of digits"),
        ("[" * 200_000, "expected JSON, found brackets nested too deeply"),
        ('{"a": ["\\ud800"]}', r"control characters, found the character U\+D800"),
    ],
)
def test_json_that_cannot_be_read_is_one_line(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        parse_json(text, where="a.json")
