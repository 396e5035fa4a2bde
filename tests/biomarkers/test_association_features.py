"""Tables of markers: how files are read, and what is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oncovivo.biomarkers.feature_files import read_features
from oncovivo.biomarkers.features import Feature, feature_table, join_features
from oncovivo.errors import FileFormatError, InputError


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "markers.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_columns_tell_their_kind(written: Callable[[str], Path]) -> None:
    table = read_features(
        written("line,S6,Ki67,tissue,TP53\nL1,1.5,<5,GC,0\nL2,NA,12,BRCA,MutNovel\nL3,2,7,,Amp5\n")
    )
    assert table.lines == ("L1", "L2", "L3")
    assert [feature.kind for feature in table.features] == [
        "numeric",
        "censored",
        "categorical",
        "categorical",
    ]
    assert table.features[2].levels == ("BRCA", "GC")
    assert table.features[3].levels == ("none", "mutated")
    np.testing.assert_array_equal(table.values[:, 0], [1.5, np.nan, 2.0])
    np.testing.assert_array_equal(table.values[:, 1], [5.0, 12.0, 7.0])
    assert table.below[:, 1].tolist() == [True, False, False]
    np.testing.assert_array_equal(table.values[:, 2], [1.0, 0.0, np.nan])
    # A copy-number call is no mutation, and is named.
    np.testing.assert_array_equal(table.values[:, 3], [0.0, 1.0, 0.0])
    assert table.remarks == ("TP53: copy-number calls counted as no mutation: L3 Amp5",)


def test_a_mixed_cell_with_a_mutation_is_mutated(written: Callable[[str], Path]) -> None:
    table = read_features(written("model,A\nL1,Amp5;MutKnownFunctional\nL2,Del0.8\nL3,0\n"))
    assert table.values[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_repeated_names_are_kept_with_what_is_wrong(written: Callable[[str], Path]) -> None:
    table = read_features(written("model,A,A,B,B\nL1,1,1,1,2\nL2,3,3,3,3\n"))
    assert table.names == ("A", "A [column 3]", "B", "B [column 5]")
    assert [feature.problem for feature in table.features] == [
        "",
        "repeats column 2, name and values",
        "the name stands over columns 4 and 5, whose values differ",
        "the name stands over columns 4 and 5, whose values differ",
    ]


def test_a_long_file_carries_units_and_times(written: Callable[[str], Path]) -> None:
    text = (
        "line,marker,value,unit,measured\n"
        "L1,pS6,1.5,ratio,after_treatment\nL2,pS6,2.5,ratio,after_treatment\n"
        "L1,VEGF,10,pg/mL,baseline\nL2,VEGF,1,ng/mL,baseline\n"
        "L1,AKT,1,,baseline\nL1,AKT,2,,baseline\n"
    )
    table = read_features(written(text))
    p_s6, vegf, akt = table.features
    assert (p_s6.measured, p_s6.unit, p_s6.problem) == ("after_treatment", "ratio", "")
    assert vegf.problem == "measured in 2 units: ng/mL, pg/mL"
    assert akt.problem == "line L1 has several values (row 7); average them first"
    np.testing.assert_array_equal(table.values[:, 0], [1.5, 2.5])


def test_times_can_be_said_beside_a_wide_file(written: Callable[[str], Path]) -> None:
    path = written("model,A,B\nL1,1,2\nL2,2,1\n")
    assert {f.measured for f in read_features(path, measured="after_treatment").features} == {
        "after_treatment"
    }
    table = read_features(path, measured={"B": "after_treatment"})
    assert [feature.measured for feature in table.features] == ["baseline", "after_treatment"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("gene,A\nL1,1\n", "a column of lines named model or line"),
        ("model,A\nL1,1\nL1,2\n", "'L1' in rows 2 and 3; average its values first"),
        ("model,A\n,1\nL2,2\n", "row 2: expected a line"),
        ("model,A\n", "rows below the header"),
        ("model;x\nL1;1\nL2\n", "2 cells as in the header"),
        ("line,marker,value,measured\nL1,A,1,later\n", "baseline or after_treatment"),
    ],
)
def test_files_that_are_no_table_are_refused(
    written: Callable[[str], Path], text: str, match: str
) -> None:
    with pytest.raises(FileFormatError, match=match):
        read_features(written(text))


def test_the_column_of_lines_can_be_named(written: Callable[[str], Path]) -> None:
    path = written("pdx,A\nL1,1\nL2,3\n")
    assert read_features(path, line_column="pdx").lines == ("L1", "L2")
    with pytest.raises(FileFormatError, match="a column 'xenograft' of lines, found pdx, A"):
        read_features(path, line_column="xenograft")


def test_joined_tables_keep_every_line_and_both_names() -> None:
    one = feature_table(["L1", "L2"], {"TP53": [1.0, 2.0]})
    two = feature_table(["L2", "L3"], {"TP53": ["mutated", "none"]})
    both = join_features({"expression": one, "mutation": two})
    assert both.lines == ("L1", "L2", "L3")
    np.testing.assert_array_equal(both.values[:, 0], [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(both.values[:, 1], [np.nan, 1.0, 0.0])
    assert both.select(["TP53 (mutation)"]).features[0].levels == ("none", "mutated")


def test_tables_refuse_what_contradicts_itself() -> None:
    with pytest.raises(InputError, match="each line once"):
        feature_table(["L1", "L1"], {"A": [1.0, 2.0]})
    with pytest.raises(InputError, match="2 values, one for each line"):
        feature_table(["L1", "L2"], {"A": [1.0]})
    with pytest.raises(InputError, match="finite values"):
        feature_table(["L1", "L2"], {"A": [1.0, np.inf]})
    with pytest.raises(InputError, match="a marker of the table: A"):
        feature_table(["L1"], {"A": [1.0]}).position("B")
    with pytest.raises(InputError, match="at least one table"):
        join_features({})
    with pytest.raises(InputError, match="levels for a categorical marker"):
        Feature(name="A", levels=("x",))
    with pytest.raises(InputError, match="when a marker was measured"):
        Feature(name="A", measured="later")  # type: ignore[arg-type]  # the refusal is tested
