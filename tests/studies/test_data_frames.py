"""Studies out of data frames."""

from __future__ import annotations

import pandas as pd
import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies import Study, studies_from_frame

FRAME = pd.DataFrame(
    {
        "Mouse": [1, 1, 2, 2],
        "Group": ["vehicle", "vehicle", "drug", "drug"],
        "Day": [0.0, 7.0, 0.0, 7.0],
        "TV (mm3)": [110.1, 420.0, 105.0, float("nan")],
    }
)


class Foreign:
    """A frame of another library, which pandas can take."""

    def to_pandas(self) -> pd.DataFrame:
        """The frame as pandas has it."""
        return FRAME


class Interchange:
    """A frame with the interchange protocol only."""

    def __dataframe__(self, **options: object) -> object:
        """The protocol's object."""
        name = "__dataframe__"  # the stubs of pandas take it for a column
        made: object = getattr(FRAME, name)(**options)
        return made


def test_a_frame_in_the_long_layout_is_a_study() -> None:
    study = Study.from_frame(FRAME)
    assert study.study_id == "data frame"
    assert [animal.animal_id for animal in study.animals] == ["1", "2"]
    assert study.measurements["volume_mm3"].tolist()[:3] == [110.1, 420.0, 105.0]
    assert study.measurements["volume_state"].tolist()[3] == "not_measured"


def test_a_frame_that_was_pivoted_is_the_same_study() -> None:
    wide = FRAME.pivot(index=["Mouse", "Group"], columns="Day", values="TV (mm3)")
    study = Study.from_frame(wide, units={"volume_mm3": "mm3"})
    table, other = study.measurements, Study.from_frame(FRAME).measurements.iloc[:3]
    assert table["volume_mm3"].tolist() == other["volume_mm3"].tolist()


def test_columns_with_two_levels_are_two_header_rows() -> None:
    wide = FRAME.assign(BW=20.0).pivot(
        index=["Mouse", "Group"], columns="Day", values=["TV (mm3)", "BW"]
    )
    table = Study.from_frame(wide).measurements
    assert table["body_weight_g"].tolist() == [20.0] * 4
    assert table["day"].tolist() == [0, 7, 0, 7]


def test_frames_of_other_libraries_and_mappings_are_taken() -> None:
    expected = Study.from_frame(FRAME).measurements
    for other in (Foreign(), Interchange(), FRAME.to_dict("list")):
        pd.testing.assert_frame_equal(Study.from_frame(other).measurements, expected)


def test_categories_and_timestamps_are_read() -> None:
    frame = FRAME.assign(
        Group=FRAME["Group"].astype("category"),
        Date=pd.Timestamp("2024-03-01") + pd.to_timedelta(FRAME["Day"], unit="D"),
    ).drop(columns="Day")
    assert Study.from_frame(frame).measurements["day"].tolist() == [0, 7, 0, 7]


def test_several_studies_have_a_function_of_their_own() -> None:
    frame = pd.concat([FRAME.assign(Study="A"), FRAME.assign(Study="B")])
    assert [study.study_id for study in studies_from_frame(frame)] == ["A", "B"]
    with pytest.raises(InputError, match="one study of one line, found 2: A, B"):
        Study.from_frame(frame)


@pytest.mark.parametrize(
    ("frame", "error", "expected"),
    [
        ([1, 2], InputError, "a data frame, or a mapping of columns, found list"),
        (pd.DataFrame(), FileFormatError, "a data frame with columns and rows"),
        (FRAME.iloc[:0], FileFormatError, "a data frame with columns and rows"),
        ({"a": [1], "b": [1, 2]}, InputError, "columns of one length"),
        (FRAME.drop(columns="Day"), FileFormatError, "a column 'day'"),
        (FRAME.replace(420.0, float("inf")), FileFormatError, "a number, found 'inf'"),
        (FRAME.replace("drug", "a\x00b"), FileFormatError, "text without control characters"),
    ],
)
def test_what_is_no_study_is_refused(frame: object, error: type[Exception], expected: str) -> None:
    with pytest.raises(error, match=expected):
        Study.from_frame(frame)
