"""Files that came out wrong, several hundred of them: one clear line, or a study that says so.

No traceback of another kind, no hang, and no cell that is not a number read as one.
"""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

from oncovivo.errors import FileFormatError, ProjectError
from oncovivo.studies import Study, read_study

SLOWEST = 5.0
HEADER = "study,model,tumor_type,animal_id,treatment,day,volume_mm3,body_weight_g"
LONG = "\n".join(
    [HEADER]
    + [
        f"S,L,CRC,{arm[0]}{animal},{arm},{day},{100 + 20 * animal + 10 * day}.5,{20 + animal}"
        for arm in ("vehicle", "drug")
        for animal in (1, 2, 3)
        for day in (0, 4, 8)
    ]
)
WIDE = "\n".join(
    ["Mouse;Group;Tag 0;Tag 3,5;Tag 7"]
    + [f"{animal};{arm};100,5;120;{130 + animal},25" for arm in "vd" for animal in (1, 2)]
)
CALIPER = "\n".join(
    ["Animal\tArm\tDate\tL (mm)\tW (mm)\tBW (g)"]
    + [f"{a}\tv\t2024-03-0{d}\t{5 + d}\t{4 + d}\t20" for a in (1, 2) for d in (1, 4, 8)]
)
TEXTS = {"long.csv": LONG, "wide.csv": WIDE, "caliper.tsv": CALIPER}


def workbook() -> bytes:
    """A workbook with two header rows, merged cells, a date and a formula's value."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Mouse", "Group", "Day 0", None, "Day 7", None])
    sheet.append([None, None, "TV (mm3)", "BW (g)", "TV (mm3)", "BW (g)"])
    for animal in range(1, 7):
        sheet.append([animal, "v" if animal < 4 else "d", 100.5, 20, 90 + animal, 19.5])
    for cells in ("A1:A2", "B1:B2", "C1:D1", "E1:F1"):
        sheet.merge_cells(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def parts_of(archive: bytes) -> dict[str, bytes]:
    """Parts of a workbook by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist()}


def archive_of(parts: dict[str, bytes]) -> bytes:
    """A workbook of parts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return content.getvalue()


ODD_BYTES = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b'"', b";", b",", b"\t", b"\x1b", b"\xc3")


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four pieces lost, doubled or replaced."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        length = chance.choice((0, 1, 2, 10, 60))
        put = chance.choice((b"", content[at : at + length] * 2, chance.choice(ODD_BYTES)))
        content = content[:at] + put + content[at + length :]
    return content


def mutated_texts() -> Iterator[tuple[str, bytes]]:
    """Delimited files that came out wrong."""
    for name, text in TEXTS.items():
        data = text.encode()
        for tenth in range(10):
            yield name, data[: len(data) * tenth // 10]
        for encoding in ("utf-16", "utf-16-le", "utf-32", "cp500"):
            yield name, text.encode(encoding)
        yield name, text.replace("v", "é").encode("latin-1")
        for seed in range(40):
            yield name, spoiled(data, random.Random(seed))
        lines = text.split("\n")
        yield name, "\n".join([lines[0], *lines]).encode()
        yield name, "\n".join(["A title", *lines]).encode()
        yield name, "\n".join([lines[0], lines[0].upper(), *lines[1:]]).encode()
        yield name, "\n".join([*lines, lines[1]]).encode()
        yield name, text.replace("\n", "\r").encode()
        yield name, (text + "\n" + "9" * 100_000).encode()
        yield name, (lines[0] + "," * 1_000_000 + "\n" + "\n".join(lines[1:])).encode()
        yield name, (text + "\n" + "1;" * 1_000_000).encode()
        yield name, ",".join(f"c{i}" for i in range(1_000_000)).encode()
        yield name, ('"' + text).encode()
        yield name, workbook()


def mutated_workbooks() -> Iterator[tuple[str, bytes]]:
    """Workbooks that came out wrong, as archives and inside."""
    whole = workbook()
    for tenth in range(10):
        yield "book.xlsx", whole[: len(whole) * tenth // 10]
    for seed in range(40):
        yield "book.xlsx", spoiled(whole, random.Random(seed))
    parts = parts_of(whole)
    for name, part in parts.items():
        yield "book.xlsx", archive_of({n: p for n, p in parts.items() if n != name})
        yield "book.xlsx", archive_of({**parts, name: b""})
        for seed in range(8):
            yield "book.xlsx", archive_of({**parts, name: spoiled(part, random.Random(seed))})
    sheet = parts["xl/worksheets/sheet1.xml"]
    for old, new in (
        (b"100.5", b"1e999"),
        (b"100.5", b"NaN"),
        (b"100.5", b"-3"),
        (b"<v>100.5</v>", b"<f>1+1</f>"),
        (b"<v>100.5</v>", b"<f>1+1</f><v></v>"),
        (b't="n"><v>100.5', b't="e"><v>#REF!'),
        (b't="n"><v>100.5', b't="s"><v>99999'),
        (b't="n"><v>100.5', b't="str"><v>abc'),
        (b't="n"><v>100.5', b't="b"><v>1'),
        (b'r="C3"', b'r="XFD1048576"'),
        (b'r="C3"', b'r="A3"'),
        (b'<row r="3"', b'<row r="99999999999"'),
        (b'ref="C1:D1"', b'ref="A1:XFD1048576"'),
        (b'ref="C1:D1"', b'ref="ZZZZ1:A0"'),
        (b"<sheetData>", b"<sheetData>" + b"<row>" * 10_000),
    ):
        yield (
            "book.xlsx",
            archive_of({**parts, "xl/worksheets/sheet1.xml": sheet.replace(old, new)}),
        )
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
    )
    bomb = entities + b"]><x>&j;</x>"
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"):
        yield "book.xlsx", archive_of({**parts, name: bomb})
    yield "book.xlsx", archive_of({**parts, "xl/worksheets/sheet1.xml": b" " * 210_000_000})


TEXT_CASES = list(mutated_texts())
BOOK_CASES = list(mutated_workbooks())


def outcome(path: Path) -> tuple[Study, ...] | str:
    """Studies, or the one line that says why there are none; within the time."""
    started = time.perf_counter()
    try:
        result: tuple[Study, ...] | str = read_study(path)
    except ProjectError as error:
        result = str(error)
        assert "\n" not in result
        assert 10 < len(result) < 1000
    assert time.perf_counter() - started < SLOWEST
    return result


@pytest.mark.parametrize("case", range(len(TEXT_CASES)))
def test_a_spoiled_text_file_is_one_line_or_a_study(tmp_path: Path, case: int) -> None:
    name, content = TEXT_CASES[case]
    (tmp_path / name).write_bytes(content)
    for study in outcome(tmp_path / name):
        if isinstance(study, Study):
            assert study.animals


@pytest.mark.parametrize("case", range(len(BOOK_CASES)))
def test_a_spoiled_workbook_is_one_line_or_a_study(tmp_path: Path, case: int) -> None:
    name, content = BOOK_CASES[case]
    (tmp_path / name).write_bytes(content)
    for study in outcome(tmp_path / name):
        if isinstance(study, Study):
            assert study.animals


def test_there_are_several_hundred_cases() -> None:
    assert len(TEXT_CASES) + len(BOOK_CASES) >= 200


@pytest.mark.parametrize(
    "cell",
    [
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-5",
        "1e999",
        "1e308",
        "1e-400",
        "1e-300",
        "ten",
        "=A1*2",
        "#REF!",
        "#N/A",
        "1 000",
        "1_000",
        "0x10",
        "1.2.3",
        "12,5",
        "1,234.5",
        "½",
        "²",
        "--",
        "<",
        "<0",
        "<-3",
        ">2000",
        "~100",
        "100*",
        "dead",
        "9" * 400,
    ],
)
@pytest.mark.parametrize("column", ["volume_mm3", "length_mm", "area_mm2"])
def test_a_cell_that_is_no_number_is_never_read_as_one(
    tmp_path: Path, cell: str, column: str
) -> None:
    path = tmp_path / "growth.csv"
    other = ",width_mm" if column == "length_mm" else ""
    rows = [f"animal_id\tarm\tday\t{column}{other}".replace(",", "\t")]
    rows += [
        f"a\tv\t{day}\t{value}" + ("\t5" if other else "")
        for day, value in ((0, "8.5"), (3, cell))
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_study(path)
    assert caught.value.where == f"growth.csv row 3, column {column}"
    assert caught.value.found == f"'{cell[:60]}'"


@pytest.mark.parametrize("cell", ["nan", "inf", "ten", "=A1*2", "1e999", ""])
def test_a_day_that_is_no_number_is_never_read_as_one(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "growth.csv"
    path.write_text(f"animal_id,arm,day,volume_mm3\na,v,0,8\na,v,{cell},9\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="a number") as caught:
        read_study(path)
    assert caught.value.where == "growth.csv row 3, column day"


def test_the_unspoiled_files_read(tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (study,) = read_study(tmp_path / name)
        assert np.isfinite(study.measurements["volume_mm3"]).all()
    (tmp_path / "book.xlsx").write_bytes(workbook())
    (study,) = read_study(tmp_path / "book.xlsx")
    assert len(study.measurements) == 12
