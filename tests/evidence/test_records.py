"""Evidence rows are read strictly, with row and column in every message; written without loss."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import (
    COLUMNS,
    Record,
    Reported,
    flatten,
    read_identifiers,
    read_records,
    write_records,
)
from oncovivo.evidence.records import STATES
from oncovivo.evidence.vocabulary import WORD_LISTS

NAMES = [column.name for column in COLUMNS]
CELLS = {
    "row_id": "P01",
    "use": "evidence",
    "filed_under": "RCC",
    "tumor_type": "clear cell renal cell carcinoma",
    "oncotree": "CCRCC",
    "ncit": "C4033",
    "doid": "DOID:4467",
    "xenograft_line": "786-O",
    "line_rrid": "CVCL_1051",
    "graft_type": "cdx",
    "site": "not_accessible",
    "host_species": "mouse",
    "host_strain": "not_accessible",
    "host_rrid": "not_accessible",
    "immune_status": "immunodeficient",
    "compound": "temsirolimus",
    "partner": "vorinostat",
    "regimen": "2 mg/kg i.v. qd x21",
    "comparator": "each_alone",
    "contrast": "combination_vs_single",
    "allocation": "not_reported",
    "endpoint": "tumor_volume",
    "day": "21",
    "direction": "benefit",
    "n_treated": "8",
    "n_control": "not_accessible",
    "n_unit": "animals",
    "value": "0.25",
    "unit": "ratio",
    "denominator": "vehicle mean",
    "dispersion": "0.1",
    "dispersion_kind": "SD",
    "test": "not_reported",
    "p_value": "p < 0.05",
    "null_model": "not_reported",
    "evidence_kind": "animal_efficacy",
    "source": "p01;p02",
    "locator": "abstract",
    "read_from": "text",
    "reading": "verified",
    "statement": "Smaller than with either agent, in words of our own.",
    "source_compound": "",
    "source_tumor": "",
    "source_result": "",
    "note": "",
}


def write_csv(folder: Path, *rows: dict[str, str], header: list[str] | None = None) -> Path:
    """A records.csv of rows; cells that a row does not name are those of CELLS."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header or NAMES)
    for cells in rows:
        writer.writerow([{**CELLS, **cells}[name] for name in header or NAMES])
    path = folder / "records.csv"
    path.write_text(buffer.getvalue(), encoding="utf-8")
    return path


def read(path: Path) -> tuple[Record, ...]:
    return read_records(path, identifiers=read_identifiers(), reference_keys=("p01", "p02"))


def test_the_cells_of_this_test_are_all_columns() -> None:
    assert list(CELLS) == NAMES


def test_a_row_is_read_with_its_types(tmp_path: Path) -> None:
    (record,) = read(write_csv(tmp_path, {}))
    assert record.n_treated == Reported(8)
    assert record.n_control == Reported(state="not_accessible")
    assert record.value.value == 0.25
    assert record.sources == ("p01", "p02")
    assert record.partners == ("vorinostat",)
    assert record.line_number == 2
    assert record.parsed_regimen is not None
    assert len(record.parsed_regimen.dosing_days()) == 21


def test_writing_and_reading_is_the_identity(tmp_path: Path) -> None:
    records = read(write_csv(tmp_path, {}, {"row_id": "P02", "value": "1e-7", "day": "10.5"}))
    again = tmp_path / "again.csv"
    again.write_text(write_records(records), encoding="utf-8")
    assert read(again) == records
    assert write_records(read(again)) == write_records(records)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_survives_writing_and_reading(
    value: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    (record,) = read(write_csv(folder, {"value": repr(value)}))
    path = folder / "again.csv"
    path.write_text(write_records([record]), encoding="utf-8")
    (again,) = read(path)
    assert again.value.value == value


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_kept_apart(tmp_path: Path, state: str) -> None:
    (record,) = read(write_csv(tmp_path, {"n_treated": state}))
    assert record.n_treated.state == state
    assert not record.n_treated.given
    assert flatten(record)["n_treated"] == (state,)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"use": "yes"}, r"row 2, column use: expected a word of the list use, found 'yes'"),
        ({"oncotree": "XYZ"}, r"row 2, column oncotree: expected a known OncoTree code"),
        ({"endpoint": "size"}, r"row 2, column endpoint: expected a word of the list endpoint"),
        ({"unit": "cc"}, r"row 2, column unit: expected a word of the list unit, found 'cc'"),
        ({"n_treated": "unknown"}, r"column n_treated: expected a number, found 'unknown'"),
        ({"n_treated": "2.5"}, r"column n_treated: expected a whole number above zero"),
        ({"n_treated": "0"}, r"column n_treated: expected a whole number above zero"),
        ({"value": "nan"}, r"column value: expected a number, found 'nan'"),
        ({"value": "1,5"}, r"column value: expected a number, found '1,5'"),
        ({"n_treated": ""}, r"column n_treated: expected .*found an empty cell; .*not_reported"),
        ({"locator": ""}, r"row 2, column locator: expected where in the source.*an empty cell"),
        ({"locator": "not_reported", "use": ""}, r"column use: .*found an empty cell"),
        ({"source": "p99"}, r"row 2, column source: expected a key of references.json"),
        ({"compound": "CCI-779"}, r"column compound: expected the key of a known compound"),
        ({"partner": "vorinostat+x"}, r"column partner: expected the key of .*found 'x'"),
        ({"regimen": "2 mg/kg i.v. sometimes"}, r"row 2, column regimen: expected a regimen"),
        ({"line_rrid": "CVCL1051"}, r"column line_rrid: expected an id of the form"),
        ({"row_id": "P 01"}, r"column row_id: expected an identifier"),
        ({"direction": "not_reported"}, r"column direction: expected a word of the list"),
    ],
)
def test_a_bad_cell_is_one_line_with_row_and_column(
    tmp_path: Path, cells: dict[str, str], message: str
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read(write_csv(tmp_path, cells))
    assert "\n" not in str(caught.value)


def test_a_row_id_may_not_occur_twice(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"row 3, column row_id: .*'P01', also in row 2"):
        read(write_csv(tmp_path, {}, {}))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"records\.csv: expected at least one row"):
        read(write_csv(tmp_path))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"expected a header row .*found an empty file"):
        read(path)


def test_an_unknown_column_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path, {})
    path.write_text(path.read_text(encoding="utf-8").replace("row_id", "id", 1), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"row 1, column 1: expected a known column.*'id'"):
        read(path)


def test_a_missing_column_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path, {}, header=NAMES[:-1])
    with pytest.raises(FileFormatError, match="expected the column 'note', found it is missing"):
        read(path)


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "without a byte order mark"),
        (lambda text: text.encode("utf-16"), "without a byte order mark"),
        (lambda text: text.replace("own", "éigen").encode("latin-1"), r"row|line 2: .*UTF-8"),
        (lambda text: text.replace(",", ";").encode(), "found semicolons"),
        (lambda text: text.replace(",", "\t").encode(), "found tabs"),
        (lambda text: text.replace("abstract,", "").encode(), r"row 2: expected 45 cells"),
        (lambda text: (text + '"open').encode(), r"closed quotes|expected 45 cells"),
    ],
)
def test_other_encodings_and_separators_are_refused(
    tmp_path: Path, encode: object, message: str
) -> None:
    assert callable(encode)
    path = write_csv(tmp_path, {})
    path.write_bytes(encode(path.read_text(encoding="utf-8")))
    with pytest.raises(FileFormatError, match=message):
        read(path)


def test_a_value_and_a_state_exclude_each_other() -> None:
    with pytest.raises(InputError, match="a value with the state 'given'"):
        Reported(8, "not_reported")
    with pytest.raises(InputError, match="a value with the state 'given'"):
        Reported[int]()


def test_flat_rows_hold_every_source_and_partner(tmp_path: Path) -> None:
    (record,) = read(write_csv(tmp_path, {"partner": "vorinostat + perifosine"}))
    flat = flatten(record)
    assert flat["source"] == ("p01", "p02")
    assert flat["partner"] == ("vorinostat", "perifosine")
    assert list(flat) == NAMES


def test_every_word_list_that_a_column_names_exists() -> None:
    assert {column.words for column in COLUMNS if column.words} <= set(WORD_LISTS)


def test_the_lineage_of_a_tumor_type_goes_from_narrow_to_wide() -> None:
    assert read_identifiers().lineage("CCRCC") == ("CCRCC", "RCC")


def test_temsirolimus_and_sirolimus_are_two_substances() -> None:
    identifiers = read_identifiers()
    assert identifiers.resolve_compound("CCI-779") == "temsirolimus"
    assert identifiers.resolve_compound("Rapamycin") == "sirolimus"
    assert identifiers.resolve_compound("placebo") == ""


def test_a_project_adds_identifiers_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tumor_types.csv").write_text(
        "oncotree,name,parent,ncit\nXTUMOR,made up,RCC,C1\n", encoding="utf-8"
    )
    assert read_identifiers(tmp_path).lineage("XTUMOR") == ("XTUMOR", "RCC")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tumor_types.csv", "oncotree,name\nRCC,again\n", "'RCC' again"),
        ("tumor_types.csv", "oncotree,name,parent\nXT,x,YT\n", "a parent that is a known"),
        (
            "tumor_types.csv",
            "oncotree,name,ncit\nXT,x,4033\n",
            "row 2, column ncit: expected an id",
        ),
        ("tumor_types.csv", "code,name\nXT,x\n", "expected a known column, found 'code'"),
        ("compounds.csv", "compound,name,kind\nxx,x,pill\n", "column kind: expected one of drug"),
    ],
)
def test_malformed_identifiers_are_one_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_identifiers(tmp_path)
