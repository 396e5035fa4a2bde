"""Diagram files are read strictly, and no edge is without its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.figures.diagram import Diagram, edge_rows, one_line, read_diagram

KEYS = ("smith2001", "jones2002")
HEAD = '[diagram]\nid = "d"\ntitle = "A title"\ndescription = "What it shows"\n'
BAND = '[[group]]\nid = "cell"\nlabel = "Cell"\n'
NODES = """
[[node]]
id = "a"
label = "A–\\nB"
kind = "protein"
col = 0
row = 0
[[node]]
id = "b"
label = "C\\nD"
kind = "process"
col = 1.5
row = 1
"""
EDGE = """
[[edge]]
from = "a"
to = "b"
kind = "activates"
label = "A drives C"
sources = ["smith2001"]
"""


def read(folder: Path, text: str) -> Diagram:
    path = folder / "d.toml"
    path.write_text(text, encoding="utf-8")
    return read_diagram(path, reference_keys=KEYS)


def test_a_diagram_is_read_with_its_edges_in_the_order_of_the_file(tmp_path: Path) -> None:
    second = EDGE.replace('"A drives C"', '"again"').replace(
        'sources = ["smith2001"]', 'assumed = "nobody looked"'
    )
    diagram = read(tmp_path, HEAD + NODES + EDGE + second)
    assert [tuple(row) for row in edge_rows(diagram)] == [
        (1, "A–B", "activates", "C D", "A drives C", ("smith2001",), ""),
        (2, "A–B", "activates", "C D", "again", (), "nobody looked"),
    ]


def test_line_breaks_leave_a_label_and_a_dash_joins_its_lines() -> None:
    assert one_line("4E-\nBP1") == "4E-BP1"
    assert one_line("cyclin D1,\nG1 to S") == "cyclin D1, G1 to S"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NODES + EDGE, r"d\.toml: expected a table \[diagram\]"),
        (HEAD, r"d\.toml: expected the key node"),
        (HEAD.replace('title = "A title"\n', "") + NODES, r"expected the key title"),
        (HEAD + 'colour = "red"\n' + NODES, r"expected a key that diagrams have, found 'colour'"),
        (HEAD + NODES + EDGE + "width = 2\n", r"edge 1: expected a key .* found 'width'"),
        (HEAD + NODES.replace("col = 1.5", 'col = "1.5"'), r"node 2, col: .* found '1.5'"),
        (HEAD + NODES.replace("col = 1.5", "col = nan"), r"node 2, col: "),
        (HEAD + NODES.replace("col = 1.5", "col = -1"), r"node 2, col: .* found -1"),
        (HEAD + NODES.replace("process", "blob"), r"node 2, kind: .* found 'blob'"),
        (HEAD + NODES.replace('"C\\nD"', '" "'), r"node 2, label: "),
        (HEAD + NODES.replace('"C\\nD"', '"C\\u0007"'), r"node 2, label: .*no control"),
        (HEAD + NODES.replace('id = "b"', 'id = "a"'), r"node 2: .* found 'a' twice"),
        (HEAD + NODES.replace('id = "b"', 'id = "B b"'), r"node 2, id: .* found 'B b'"),
        (HEAD + BAND + BAND + NODES, r"group 2: .* found 'cell' twice"),
        (HEAD + NODES + 'group = "void"\n', r"node 2 \(b\): expected the id of a group"),
        (HEAD + NODES + EDGE.replace('to = "b"', 'to = "z"'), r"edge 1 \(a → z\): .* found 'z'"),
        (HEAD + NODES + EDGE.replace('to = "b"', 'to = "a"'), r"expected two different nodes"),
        (HEAD + NODES + EDGE.replace("activates", "likes"), r"edge 1, kind: .* found 'likes'"),
        (
            HEAD + NODES + EDGE.replace('sources = ["smith2001"]', ""),
            r"edge 1 \(a → b\): expected either sources or assumed, found neither",
        ),
        (
            HEAD + NODES + EDGE.replace('["smith2001"]', "[]"),
            r"either sources or assumed, found neither",
        ),
        (HEAD + NODES + EDGE + 'assumed = "why"\n', r"either sources or assumed, found both"),
        (
            HEAD + NODES + EDGE.replace("smith2001", "smith1999"),
            r"edge 1 \(a → b\): expected a key of references.json, found 'smith1999'",
        ),
        (HEAD + "nodes = 3\n" + NODES, r"found 'nodes'"),
        (HEAD + "[[node", r"expected TOML"),
    ],
)
def test_a_broken_diagram_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"gone\.toml: expected a readable file"):
        read_diagram(tmp_path / "gone.toml", reference_keys=KEYS)


def test_another_encoding_is_named_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(HEAD.replace("shows", "shöws").encode("latin-1"))
    with pytest.raises(FileFormatError, match=r"latin\.toml byte \d+: expected UTF-8 text"):
        read_diagram(path, reference_keys=KEYS)
