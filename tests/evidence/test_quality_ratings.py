"""``quality.csv`` is read strictly: one clear line for what is wrong, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.quality import (
    QUALITY_COLUMNS,
    TOOLS,
    Rating,
    read_quality,
    tool_named,
    write_quality,
)

HEADER = ",".join(QUALITY_COLUMNS)
GOOD = 'p01,Smith 2001,syrcle,sequence_generation,low,a random list,"Methods, p. 2",AB'
KEYS = ("p01", "p02")


def read(folder: Path, *rows: str, header: str = HEADER) -> tuple[Rating, ...]:
    path = folder / "quality.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return read_quality(path, reference_keys=KEYS)


def changed(**cells: str) -> str:
    names = dict(
        zip(
            QUALITY_COLUMNS,
            (
                "p01",
                "Smith 2001",
                "syrcle",
                "sequence_generation",
                "low",
                "a random list",
                "Methods",
                "AB",
            ),
            strict=True,
        )
    )
    return ",".join({**names, **cells}.values())


def test_a_row_is_read_with_its_line(tmp_path: Path) -> None:
    (rating,) = read(tmp_path, GOOD)
    assert rating == Rating(
        source="p01",
        study="Smith 2001",
        tool="syrcle",
        item="sequence_generation",
        judgement="low",
        reason="a random list",
        locator="Methods, p. 2",
        rater="AB",
        line_number=2,
    )
    assert rating.meaning == "good"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(source="p99"), r"row 3, column source: expected a key of references\.json"),
        (changed(study=""), "row 3, column study: expected text, found an empty cell"),
        (changed(tool="robins"), "column tool: expected a checklist, found 'robins'; use one of"),
        (changed(item="blinding"), "column item: expected an item of syrcle, found 'blinding'"),
        (changed(judgement=""), "column judgement: .* leave the row out"),
        (changed(judgement="not assessed"), "column judgement: .* leave the row out"),
        (changed(judgement="yes"), "write low: SYRCLE's yes is low"),
        (changed(judgement="no"), "write high: SYRCLE's no is high"),
        (changed(judgement="reported"), "a judgement of syrcle, found 'reported'; use one of"),
        (changed(reason=" "), "column reason: expected text, found an empty cell"),
        (changed(rater="A B"), "column rater: expected initials"),
        (changed(locator=""), "column locator: expected the place in the source .* 'low' rests"),
        (changed(reason="again"), "column item: .* by 'AB', also in row 2; remove one"),
        (
            changed(source="p02", item="random_housing"),
            r"column study: expected a label that one source has \('p01' in row 2\)",
        ),
    ],
)
def test_a_bad_cell_is_named_with_row_column_and_mend(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read(tmp_path, GOOD, row)
    assert "quality.csv row 3" in str(caught.value)
    assert caught.value.mend


def test_a_column_that_is_missing_or_unknown_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="the column 'rater', found it is missing"):
        read(tmp_path, GOOD.rsplit(",", 1)[0], header=HEADER.rsplit(",", 1)[0])
    with pytest.raises(FileFormatError, match="a known column, found 'score'"):
        read(tmp_path, f"{GOOD},3", header=f"{HEADER},score")


def test_a_file_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="at least one row below the header"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("tool", "item", "judgement"),
    [
        ("syrcle", "random_housing", "low"),
        ("arrive", "blinding", "reported"),
        ("arrive", "blinding", "partly"),
        ("camarades", "anesthetic", "yes"),
    ],
)
def test_a_judgement_in_favor_needs_its_place_in_the_source(
    tmp_path: Path, tool: str, item: str, judgement: str
) -> None:
    row = changed(tool=tool, item=item, judgement=judgement, locator="")
    with pytest.raises(FileFormatError, match="column locator"):
        read(tmp_path, row)


@pytest.mark.parametrize(
    ("tool", "item", "judgement"),
    [
        ("syrcle", "random_housing", "unclear"),
        ("syrcle", "random_housing", "high"),
        ("arrive", "blinding", "not_reported"),
        ("arrive", "blinding", "not_applicable"),
        ("camarades", "anesthetic", "no"),
        ("camarades", "anesthetic", "unclear"),
    ],
)
def test_a_judgement_on_what_is_not_said_needs_no_place(
    tmp_path: Path, tool: str, item: str, judgement: str
) -> None:
    row = changed(tool=tool, item=item, judgement=judgement, locator="")
    assert read(tmp_path, row)[0].judgement == judgement


def test_the_same_item_by_another_rater_or_tool_is_welcome(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        GOOD,
        changed(rater="CD"),
        changed(tool="arrive", item="blinding", judgement="partly"),
        changed(rater="consensus"),
    )
    assert len(rows) == 4


def test_every_checklist_has_ten_items_and_its_words() -> None:
    assert {name: len(tool.items) for name, tool in TOOLS.items()} == {
        "syrcle": 10,
        "arrive": 10,
        "camarades": 10,
    }
    assert {name: set(tool.judgements) for name, tool in TOOLS.items()} == {
        "syrcle": {"low", "high", "unclear"},
        "arrive": {"reported", "not_reported", "partly", "not_applicable"},
        "camarades": {"yes", "no", "unclear"},
    }
    for tool in TOOLS.values():
        assert [item.number for item in tool.items] == list(range(1, 11))
        assert len(set(tool.item_ids)) == 10
        assert all(item.question.endswith((".", "?")) for item in tool.items)


def test_the_kinds_of_bias_are_those_of_the_publication_in_its_order() -> None:
    # Hooijmans 2014, table 2
    assert [item.domain for item in TOOLS["syrcle"].items] == [
        *["selection"] * 3,
        *["performance"] * 2,
        *["detection"] * 2,
        "attrition",
        "reporting",
        "other",
    ]


def test_an_unknown_checklist_or_item_is_an_error() -> None:
    with pytest.raises(InputError, match="name of a checklist, found 'robvis'"):
        tool_named("robvis")
    with pytest.raises(InputError, match="an item of arrive, found 'abstract'"):
        tool_named("arrive").item("abstract")
    assert tool_named("arrive").item("blinding").number == 5


def test_a_rating_made_in_code_is_checked_too() -> None:
    def made(judgement: str) -> Rating:
        return Rating(
            source="p01",
            study="Smith 2001",
            tool="syrcle",
            item="random_housing",
            judgement=judgement,
            reason="x",
            locator="",
            rater="AB",
        )

    with pytest.raises(
        InputError,
        match="rating, field judgement: expected a judgement of syrcle, found 'maybe'; use one of",
    ):
        made("maybe")
    assert made("unclear").line_number == 0


@st.composite
def ratings(draw: st.DrawFn) -> Rating:
    tool = TOOLS[draw(st.sampled_from(sorted(TOOLS)))]
    words = st.text("abcde, \"'é−;", min_size=1, max_size=12).map(lambda text: f"x{text}x")
    return Rating(
        source=draw(st.sampled_from(KEYS)),
        study=draw(words),
        tool=tool.name,
        item=draw(st.sampled_from(tool.item_ids)),
        judgement=draw(st.sampled_from(sorted(tool.judgements))),
        reason=draw(words),
        locator=draw(words),
        rater=draw(st.sampled_from(["AB", "CD", "consensus"])),
    )


@given(rating=ratings())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rating: Rating
) -> None:
    path = tmp_path_factory.mktemp("q") / "quality.csv"
    path.write_text(write_quality([rating]), encoding="utf-8")
    (again,) = read_quality(path, reference_keys=KEYS)
    assert write_quality([again]) == write_quality([rating])
    assert again.study == rating.study
    assert again.line_number == 2
