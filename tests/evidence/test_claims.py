"""Claims get the verdict that the counts of sources give, and slots print what rows hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import Claim, evaluate_claim, read_claims, select_rows
from oncovivo.evidence.claims import Row, Verdict
from oncovivo.evidence.records import Scalar


def row(name: str, **cells: Scalar | tuple[Scalar, ...]) -> Row:
    """A flat row: evidence of benefit in renal cell carcinoma unless said otherwise."""
    flat: dict[str, tuple[Scalar, ...]] = {
        "row_id": (name,),
        "use": ("evidence",),
        "oncotree": ("RCC",),
        "direction": ("benefit",),
        "n_treated": (8,),
        "source": (f"work{name}",),
    }
    for column, value in cells.items():
        flat[column] = value if isinstance(value, tuple) else (value,)
    return flat


def claim(text: str = "A sentence.", *, origin: str | None = "evidence", **keys: object) -> Claim:
    """A claim about the renal rows that one source of benefit supports."""
    given = {
        "id": "C1",
        "section": "summary",
        "text": text,
        "from": origin,
        "where": {"oncotree": ["RCC"]},
        "supports": {"direction": ["benefit"]},
        "contradicts": {"direction": ["none", "harm"]},
        "expect": "supported",
        **keys,
    }
    return Claim.model_validate({key: value for key, value in given.items() if value is not None})


@pytest.mark.parametrize(
    ("directions", "needs", "verdict"),
    [
        ([], 1, "unsupported"),
        (["benefit"], 1, "supported"),
        (["benefit"], 2, "partly_supported"),
        (["benefit", "benefit", "benefit"], 3, "supported"),
        (["benefit", "benefit", "none"], 1, "partly_supported"),
        (["benefit", "none"], 1, "contradicted"),
        (["none"], 1, "contradicted"),
        (["mixed"], 1, "partly_supported"),
    ],
)
def test_verdict_follows_the_counts_of_independent_sources(
    directions: list[str], needs: int, verdict: Verdict
) -> None:
    rows = [row(str(i), direction=direction) for i, direction in enumerate(directions)]
    assert evaluate_claim(claim(needs={"sources": needs}), rows).verdict == verdict


def test_an_opinion_comes_before_everything() -> None:
    declared = claim(origin=None, opinion=True, where={}, supports={}, contradicts={})
    assert evaluate_claim(declared, [row("1")]).verdict == "opinion"


def test_a_claim_without_from_is_uncited() -> None:
    bare = claim(origin=None, where={}, supports={}, contradicts={})
    assert evaluate_claim(bare, [row("1")]).verdict == "uncited"


def test_two_rows_of_one_work_count_once() -> None:
    rows = [row("1", source="p01"), row("2", source="p01")]
    result = evaluate_claim(claim(needs={"sources": 2}), rows)
    assert result.verdict == "partly_supported"
    assert result.supporting == ("1", "2")
    assert result.supporting_sources == ("p01",)


def test_two_records_of_one_work_count_once() -> None:
    rows = [row("1", source="s21"), row("2", source="s22")]
    works = {"s21": "s21", "s22": "s21"}
    result = evaluate_claim(claim(needs={"sources": 2}), rows, works=works)
    assert result.verdict == "partly_supported"


def test_context_rows_never_reach_a_claim() -> None:
    result = evaluate_claim(claim(), [row("1", use="context")])
    assert result.verdict == "unsupported"
    assert result.rows == ()


def test_a_row_matches_when_every_column_of_the_query_has_an_accepted_value() -> None:
    rows = [row("1", source=("a", "b")), row("2", source="c"), row("3", oncotree="MCL")]
    query: dict[str, list[str | int | float | bool]] = {
        "source": ["b", "c"],
        "oncotree": ["RCC"],
    }
    assert [r["row_id"] for r in select_rows(rows, query)] == [("1",), ("2",)]


@pytest.mark.parametrize(
    ("function", "printed"),
    [
        ("count", "3"),
        ("distinct source", "2"),
        ("distinct n_treated", "2"),
        ("share direction=benefit", "2 of 3"),
        ("min n_treated", "6"),
        ("max n_treated", "10"),
        ("median n_treated", "8"),
        ("range n_treated", "6–10"),
    ],
)
def test_slot_functions_print_what_the_rows_hold(function: str, printed: str) -> None:
    rows = [
        row("1", source="a", n_treated=6),
        row("2", source="a", n_treated=10, direction="none"),
        row("3", source="b", n_treated="not_reported"),
    ]
    result = evaluate_claim(claim("There are {x} of them.", slots={"x": function}), rows)
    assert result.text == f"There are {printed} of them."


def test_the_median_of_an_odd_number_is_the_middle_one() -> None:
    rows = [row(str(n), n_treated=n) for n in (3, 20, 5)]
    result = evaluate_claim(claim("{x}", slots={"x": "median n_treated"}), rows)
    assert result.text == "5"


def test_a_slot_names_only_the_rows_that_gave_its_number() -> None:
    rows = [row("1", n_treated=6), row("2", n_treated="not_accessible")]
    result = evaluate_claim(claim("{x}", slots={"x": "min n_treated"}), rows)
    assert result.slots[0].rows == ("1",)


@pytest.mark.parametrize("function", ["min n_treated", "pooled value"])
def test_a_slot_that_cannot_be_filled_makes_the_claim_fall(function: str) -> None:
    rows = [row("1", n_treated="not_reported")]
    result = evaluate_claim(claim("{x}", slots={"x": function}), rows)
    assert result.verdict == "supported"
    assert not result.holds
    assert result.unfilled[0].reason


def test_a_claim_from_something_that_does_not_exist_says_so() -> None:
    with pytest.raises(InputError, match=r"claim C1: expected a claim from evidence.*model:rcc"):
        evaluate_claim(claim(origin="model:rcc"), [row("1")])


@given(st.permutations([("1", "benefit"), ("2", "none"), ("3", "benefit"), ("4", "mixed")]))
def test_the_order_of_rows_does_not_change_the_verdict(order: list[tuple[str, str]]) -> None:
    rows = [row(name, direction=direction) for name, direction in order]
    assert evaluate_claim(claim(), rows).verdict == "partly_supported"


@given(st.lists(st.sampled_from(["benefit", "none", "mixed"]), min_size=1, max_size=8))
def test_a_further_supporting_source_never_weakens_a_claim(directions: list[str]) -> None:
    strength: dict[Verdict, int] = {"contradicted": 0, "partly_supported": 1, "supported": 2}
    rows = [row(str(i), direction=direction) for i, direction in enumerate(directions)]
    before = evaluate_claim(claim(), rows).verdict
    after = evaluate_claim(claim(), [*rows, row("new")]).verdict
    assert strength[after] >= strength[before]


GOOD = """
[[claim]]
id = "C1"
section = "summary"
text = "There are {n} rows."
from = "evidence"
where = { oncotree = ["RCC"] }
slots = { n = "count" }
supports = { direction = ["benefit"] }
needs = { sources = 3 }
expect = "unsupported"
"""


def read(tmp_path: Path, text: str) -> tuple[Claim, ...]:
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return read_claims(path)


def test_claims_are_read_from_toml(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD)
    assert (found.id, found.source, found.needs.sources) == ("C1", "evidence", 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('text = "', "text = "), r"claims\.toml: expected TOML"),
        (("oncotree", "oncotre"), r"claim C1, where: expected a column .*'oncotre'"),
        (("needs", "need"), r"claim C1: .*\(claim\.0\.need\), found a key that does not exist"),
        (('"unsupported"', '"proven"'), r"claim C1: expected a claim .*\(claim\.0\.expect\)"),
        (
            ('"count"', '"average value"'),
            r"claim C1, slots\.n: expected one of the slot functions",
        ),
        (('"count"', '"min oncotree"'), r"expected a column of numbers for min, found 'oncotree'"),
        (('"count"', '"share direction"'), r"expected share with a column and a word"),
        (('"count"', '"count oncotree"'), r"expected count without a column"),
        (("{n}", "many"), r"claim C1, slots: expected \{n\} in the text"),
        (("There are {n}", "There are {m} or {n}"), r"expected a slot function for \{m\}"),
        (('from = "evidence"', ""), r"expected a 'from' for a claim with slots"),
        (("needs = { sources = 3 }", "needs = { sources = 0 }"), r"needs\.sources\)"),
        (('id = "C1"\n', ""), r"claim number 1: .*\.id\)"),
    ],
)
def test_a_malformed_claim_is_one_line_with_its_id(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(tmp_path, GOOD.replace(*change))


def test_an_id_may_not_occur_twice(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="'C1' twice"):
        read(tmp_path, GOOD + GOOD)


def test_an_opinion_with_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="an opinion without 'from'"):
        read(tmp_path, GOOD + "opinion = true\n")
