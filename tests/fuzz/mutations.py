"""Ways in which a file comes out wrong: bytes, lines, cells, and values under keys."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ODD_BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x1b[31m",
    b"\x0c",
    b'"',
    b"'",
    b"\\",
    b",",
    b";",
    b"\t",
    b"#",
    b"[",
    b"]",
    b"{",
    b"}",
    b"=",
    "\u202e".encode(),
    "\u2028".encode(),
    "\u0085".encode(),
    "\ufeff".encode(),
    "\U0001f9ea".encode(),
    "é".encode("latin-1"),
)

ODD_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "1e400",
    "-1e308",
    "1e-400",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "0x10",
    "1_000",
    "1,5",
    "١٢",
    "²",
    "½",
    "9" * 400,
    "9" * 5000,
    "1e5000",
    "A" * 140_000,
    "(" * 5000,
    "qd x" + "9" * 5000,
    "2 mg/kg i.v. q" + "9" * 30 + "d x3",
    "\u202eabc\u202c",
    "\u200b",
    "a\u0300" * 50,
    "\x1b[31mred\x1b[0m",
    "\x07",
    "<script>alert(1)</script>",
    "{n}",
    "{",
    "}}",
    "#let x = 1",
    "$x^2$ \\ @ref *a* _b_",
    "=1+1",
    "../../etc",
    "/",
    ".",
    "..",
    "con",
    "a\nb",
    "a\r\nb",
    'a"b',
    "not_reported",
    "not_applicable",
    "None",
    "true",
    "w1;w1",
    ";",
    "+",
    "a + b",
)

ODD_JSON: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    " ",
    "word",
    "\u202e",
    "\x00",
    "\ud800",
    "9" * 5000,
    [],
    [[]],
    [None],
    ["x", 1],
    [{}],
    [["2001"]],
    [[2001, 13, 40]],
    [[10**30]],
    {},
    {"": ""},
    {"family": 3},
    {"date-parts": []},
    {"date-parts": [[]]},
    {"date-parts": [[None]]},
    {"date-parts": "2001"},
    {"date-parts": [["MMXX"]]},
    {"date-parts": [[2001, 13]]},
    {"date-parts": [[2001], [2002], [2003]]},
    {"literal": 3},
    {"literal": "spring"},
    {"raw": "2001"},
    {"season": {}},
)

ODD_TOML = (
    "true",
    "0",
    "-1",
    "9223372036854775808",
    "1" + "0" * 5000,
    "1e999",
    "nan",
    "inf",
    '""',
    '" "',
    '"word"',
    '"\\u202e"',
    '"\\u0000"',
    '"\\u001b[31m"',
    '"' + "x" * 5000 + '"',
    "[]",
    "[[]]",
    "[1]",
    '[""]',
    '["a", 1, {}]',
    "[nan]",
    "{}",
    '{ a = "b" }',
    "{ oncotree = 3 }",
    "{ oncotree = [{}] }",
    "{ oncotree = [[]] }",
    "{ value = [nan, inf, 1e300] }",
    "{ n = 3 }",
    '{ n = "min" }',
    '{ n = "share" }',
    '{ n = "share direction=" }',
    '{ n = "distinct" }',
    '{ n = "count count" }',
    '{ "" = "count" }',
    "{ sources = 1e3 }",
    "{ sources = -1 }",
    "1979-05-27",
    "07:32:00",
    '"""a\nb"""',
    "[" * 3000 + "]" * 3000,
)


@st.composite
def spoiled_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes after one to three small accidents."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(("put", "cut", "flip", "lines", "stop")))
        if kind == "put":
            content = content[:start] + draw(st.sampled_from(ODD_BYTES)) + content[start:]
        elif kind == "cut":
            content = content[:start] + content[start + draw(st.integers(1, 40)) :]
        elif kind == "flip" and start < len(content):
            byte = content[start] ^ (1 << draw(st.integers(0, 7)))
            content = content[:start] + bytes((byte,)) + content[start + 1 :]
        elif kind == "lines":
            content = draw(_shuffled_lines(content))
        elif kind == "stop":
            content = content[:start]
    return content


@st.composite
def _shuffled_lines(draw: st.DrawFn, content: bytes) -> bytes:
    """One line removed, repeated, or swapped with another."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    kind = draw(st.sampled_from(("remove", "repeat", "swap")))
    if kind == "remove":
        del lines[one]
    elif kind == "repeat":
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


@st.composite
def spoiled_cells(draw: st.DrawFn, content: bytes) -> bytes:
    """CSV with one to three cells that hold something odd, or with a column or row too many."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, len(rows[row]) - 1))
        kind = draw(st.sampled_from(("odd", "odd", "odd", "swap", "column", "drop", "row")))
        if kind == "odd":
            rows[row][column] = draw(st.sampled_from(ODD_TEXTS))
        elif kind == "swap":
            other = draw(st.integers(0, len(rows) - 1))
            place = draw(st.integers(0, len(rows[other]) - 1))
            rows[row][column], rows[other][place] = rows[other][place], rows[row][column]
        elif kind == "column":
            for cells in rows:
                cells.insert(min(column, len(cells)), draw(st.sampled_from(("", "x", "day"))))
        elif kind == "drop":
            for cells in rows:
                del cells[min(column, len(cells) - 1)]
            rows = [cells for cells in rows if cells] or [[""]]
        else:
            rows.append(list(rows[row]))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401  # JSON of any shape
    """Every place in a JSON value, the root first."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


@st.composite
def spoiled_json(draw: st.DrawFn, content: bytes) -> bytes:
    """JSON with a value of another kind at one or two places, or a key that no one knows."""
    value = json.loads(content)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(_places(value))))
        odd = copy.deepcopy(draw(st.sampled_from(ODD_JSON)))
        if not path:
            value = odd
            break
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()) or not isinstance(holder, dict):
            holder[path[-1]] = odd
        else:
            holder[draw(st.sampled_from(CSL_KEYS))] = odd
    escaped = draw(st.booleans())
    return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


CSL_KEYS = (
    "abstract",
    "accessed",
    "author",
    "categories",
    "citation-key",
    "collection-number",
    "container-title",
    "custom",
    "DOI",
    "edition",
    "editor",
    "event-title",
    "id",
    "ISBN",
    "issue",
    "issued",
    "key",
    "language",
    "number",
    "original-date",
    "page",
    "page-first",
    "PMCID",
    "publisher",
    "registry",
    "same_work_as",
    "shortTitle",
    "subjects",
    "title",
    "type",
    "uri",
    "URL",
    "verification",
    "volume",
)

_TOML_LINE = re.compile(r"(?m)^([a-z_]+) = (.+)$")


@st.composite
def spoiled_toml(draw: st.DrawFn, content: bytes) -> bytes:
    """TOML with a value of another kind under one or two keys, or a key too many."""
    text = content.decode()
    for _ in range(draw(st.integers(1, 2))):
        matches = list(_TOML_LINE.finditer(text))
        if not matches:
            break
        match = draw(st.sampled_from(matches))
        odd = draw(st.sampled_from(ODD_TOML))
        key = draw(st.sampled_from((match[1], match[1], match[1], "zz", '""', "note")))
        kept = "" if key == match[1] else f"{match[0]}\n"
        text = f"{text[: match.start()]}{kept}{key} = {odd}{text[match.end() :]}"
    return text.encode()
