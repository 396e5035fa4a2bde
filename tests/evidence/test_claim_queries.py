"""A slip in a query is an error, not a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.evidence import Claim, read_claims

CLAIM = """
[[claim]]
id = "C1"
section = "summary"
text = "Seen in {n} rows."
from = "evidence"
where = { oncotree = ["RCC"], n_treated = [8, "not_reported"] }
slots = { n = "count" }
supports = { direction = ["benefit"] }
expect = "supported"
"""


def read(folder: Path, old: str = "", new: str = "") -> tuple[Claim, ...]:
    assert old in CLAIM
    path = folder / "claims.toml"
    path.write_text(CLAIM.replace(old, new), encoding="utf-8")
    return read_claims(path)


def test_the_claim_without_a_slip_is_read(tmp_path: Path) -> None:
    (claim,) = read(tmp_path)
    assert claim.where["n_treated"] == [8, "not_reported"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"benefit"', '"benfit"', r"supports\.direction: expected a word of the list direction"),
        ('"benefit"', '"not_reported"', r"supports\.direction: expected a word of the list"),
        ("[8,", '["8",', r"where\.n_treated: expected a number, found '8'"),
        ('["RCC"]', "[3]", r"where\.oncotree: expected words, found 3"),
        ("[8,", "[true,", "claim C1: expected a claim"),
        ("[8,", "[nan,", "claim C1: expected a claim"),
        ("[8,", "[inf,", "claim C1: expected a claim"),
        ('["benefit"]', "[]", "claim C1: expected a claim"),
        ('["benefit"]', '"benefit"', "claim C1: expected a claim"),
        ("{n} rows", "{n} rows of {N}", "text: expected braces only around the name of a slot"),
        ("{n} rows", "{n} rows }", "text: expected braces only around the name of a slot"),
        ('"count"', '"share direction=benfit"', "slots.n: expected a word of the list direction"),
        ('"count"', '"share n_treated=8"', "slots.n: expected a number, found '8'"),
        ('"count"', '"max n_treated=8"', "slots.n: expected max with a column"),
        ("expect =", "needs = { sources = true }\nexpect =", "claim C1: expected a claim"),
        ("expect =", 'opinion = "no"\nexpect =', "claim C1: expected a claim"),
    ],
)
def test_a_slip_is_refused_with_the_claim_and_the_column(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(tmp_path, old, new)
