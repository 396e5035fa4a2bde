"""Drawn diagrams can be read: nothing overlaps, everything is there once, and it is stable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.figures.diagram import EDGE_KINDS, NODE_KINDS, Diagram, edge_rows, read_diagram
from oncovivo.figures.drawing import draw_diagram
from oncovivo.figures.layout import find_overlaps, lay_out
from oncovivo.figures.routing import Point
from oncovivo.figures.text_width import text_width

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus"
SHIPPED = ("pathway", "workflow", "cascade")
SVG = "{http://www.w3.org/2000/svg}"


def shipped(name: str) -> Diagram:
    items = json.loads((EXAMPLE / "evidence" / "references.json").read_text(encoding="utf-8"))
    return read_diagram(
        EXAMPLE / "figures" / f"{name}.toml", reference_keys=[item["id"] for item in items]
    )


def make(
    nodes: Sequence[Mapping[str, object]],
    edges: Sequence[Mapping[str, object]] = (),
    groups: Sequence[Mapping[str, object]] = (),
    **head: object,
) -> Diagram:
    common = {"id": "d", "title": "T", "description": "D"}
    return Diagram.model_validate(
        {**common, **head, "node": list(nodes), "edge": list(edges), "group": list(groups)}
    )


def node(key: str, col: float, row: float, **more: object) -> dict[str, object]:
    return {"id": key, "label": key, "kind": "protein", "col": col, "row": row, **more}


def edge(source: str, target: str, **more: object) -> dict[str, object]:
    common = {"kind": "activates", "label": "why", "sources": ["smith2001"]}
    return {"from": source, "to": target, **common, **more}


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_overlaps_in_a_shipped_diagram(name: str) -> None:
    assert find_overlaps(lay_out(shipped(name))) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_diagram_fits_a_page_at_its_own_size(name: str) -> None:
    layout = lay_out(shipped(name))
    assert layout.width <= 760
    assert layout.height <= 820


@pytest.mark.parametrize("name", SHIPPED)
def test_every_edge_of_a_shipped_diagram_has_its_number_once(name: str) -> None:
    diagram = shipped(name)
    tags = lay_out(diagram).tags
    assert [tag.number for tag in tags] == [row.number for row in edge_rows(diagram)]
    drawn = texts(draw_diagram(diagram))
    # the legend shows a sample of number 1
    for tag in tags:
        assert drawn.count(tag.text) == (2 if tag.text == "1" else 1)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_stands_on_its_own_edge(name: str) -> None:
    layout = lay_out(shipped(name))
    for tag, route in zip(layout.tags, layout.routes, strict=True):
        assert any(
            min(a.x, b.x) <= tag.x <= max(a.x, b.x) and min(a.y, b.y) <= tag.y <= max(a.y, b.y)
            for a, b in pairwise(route)
        )


@pytest.mark.parametrize("name", SHIPPED)
def test_every_node_and_edge_carries_an_id_of_the_diagram(name: str) -> None:
    diagram = shipped(name)
    root = ElementTree.fromstring(draw_diagram(diagram))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    expected = {f"{name}-node-{item.id}" for item in diagram.nodes}
    expected |= {f"{name}-edge-{number}" for number in range(1, len(diagram.edges) + 1)}
    expected |= {f"{name}-title", f"{name}-desc"}
    assert sorted(ids, key=str) == sorted(expected)


@pytest.mark.parametrize("name", SHIPPED)
def test_drawing_twice_gives_the_same_text(name: str) -> None:
    assert draw_diagram(shipped(name)) == draw_diagram(shipped(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_order_of_edges_in_the_file_moves_neither_boxes_nor_lines(name: str) -> None:
    diagram = shipped(name)
    turned = diagram.model_copy(update={"edges": diagram.edges[::-1]})
    one, other = lay_out(diagram), lay_out(turned)
    assert {k: b.rect for k, b in one.boxes.items()} == {k: b.rect for k, b in other.boxes.items()}
    assert one.routes == other.routes[::-1]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_drawing_asks_for_nothing_outside_itself(name: str) -> None:
    svg = draw_diagram(shipped(name))
    assert re.findall(r"(?:href|src|url\()", svg) == []
    assert "<style" not in svg
    assert "<script" not in svg


def test_an_overlap_is_found() -> None:
    layout = lay_out(shipped("pathway"))
    first, second, *rest = layout.tags
    moved = replace(layout, tags=(first, replace(second, x=first.x, y=first.y), *rest))
    assert "number 1 covers number 2" in find_overlaps(moved)
    on_box = replace(first, x=layout.boxes["akt"].x, y=layout.boxes["akt"].y)
    assert "box akt covers number 1" in find_overlaps(replace(layout, tags=(on_box, *rest)))
    outside = replace(first, x=-50.0)
    assert "number 1 is outside the figure" in find_overlaps(replace(layout, tags=(outside,)))
    across = (Point(0.0, layout.boxes["akt"].y), Point(700.0, layout.boxes["akt"].y))
    assert "edge 1 runs through akt" in find_overlaps(replace(layout, routes=(across,)))
    assert "edges 1 and 2 share a line" in find_overlaps(replace(layout, routes=(across, across)))


def test_text_is_escaped() -> None:
    diagram = make(
        [node("a", 0, 0, label='<b>&"x"'), node("b", 1, 0)],
        [edge("a", "b", mark="<&>")],
        title="a < b & c",
        description="]]>",
    )
    svg = draw_diagram(diagram)
    assert '<b>&"x"' in texts(svg)
    assert "1 <&>" in texts(svg)
    root = ElementTree.fromstring(svg)
    assert root.findtext(f"{SVG}title") == "a < b & c"
    assert root.findtext(f"{SVG}desc") == "]]>"


def test_only_the_kinds_that_occur_stand_in_the_legend() -> None:
    plain = texts(draw_diagram(make([node("a", 0, 0), node("b", 1, 0)], [edge("a", "b")])))
    assert plain == ["a", "b", "1", "protein", "activates", "1", "row of the table"]


def test_an_assumed_edge_is_dashed_and_the_legend_says_so() -> None:
    nodes = [node("a", 0, 0), node("b", 1, 0)]
    assumed = make(nodes, [edge("a", "b", sources=[], assumed="nobody looked")])
    assert "dashed: assumed, no source" in texts(draw_diagram(assumed))
    # one dashed line in the drawing, one in the legend
    assert draw_diagram(assumed).count("stroke-dasharray") == 2
    sourced = draw_diagram(make(nodes, [edge("a", "b")]))
    assert "stroke-dasharray" not in sourced
    assert "assumed" not in sourced


def test_every_kind_of_box_and_edge_can_be_drawn_and_looks_different() -> None:
    nodes = [
        node(f"n{number}", 0, number, kind=kind, label="same")
        for number, kind in enumerate(NODE_KINDS)
    ]
    edges = [
        edge(f"n{number}", f"n{number + 1}", kind=kind) for number, kind in enumerate(EDGE_KINDS)
    ]
    diagram = make(nodes, edges, row_height=130)
    assert find_overlaps(lay_out(diagram)) == ()
    root = ElementTree.fromstring(draw_diagram(diagram))
    shapes: set[object] = set()
    heads: set[object] = set()
    for group in root.iter(f"{SVG}g"):
        shape = [child for child in group if child.tag not in (f"{SVG}title", f"{SVG}text")]
        signs = tuple((child.tag, child.get("rx"), child.get("fill")) for child in shape)
        (shapes if "-node-" in str(group.get("id")) else heads).add(
            signs + tuple(len(child.get("points", "").split()) for child in shape)
        )
    assert len(shapes) == len(NODE_KINDS)
    assert len(heads) == len(EDGE_KINDS)


def test_boxes_that_overlap_are_an_error_that_names_them() -> None:
    with pytest.raises(InputError, match=r"diagram d: .*found a over b; change col or row"):
        draw_diagram(make([node("a", 0, 0), node("b", 0.2, 0.1)]))


def test_more_edges_than_a_box_has_room_for_are_an_error_that_names_one() -> None:
    nodes = [node(f"n{number}", number, 2) for number in range(5)]
    edges = [edge("choice", f"n{number}") for number in range(5)]
    diagram = make([node("choice", 2, 0, kind="decision"), *nodes], edges)
    with pytest.raises(InputError, match=r"room for an edge .* no way from choice to n[04]"):
        draw_diagram(diagram)


def test_a_group_without_a_node_is_an_error() -> None:
    band = {"id": "cell", "label": "Cell"}
    with pytest.raises(InputError, match=r"a group with at least one node, found none in cell"):
        draw_diagram(make([node("a", 0, 0)], groups=[band]))


def test_bands_that_overlap_are_an_error() -> None:
    bands = [{"id": "one", "label": "One"}, {"id": "two", "label": "Two"}]
    nodes = [node("a", 0, 0, group="one"), node("b", 1, 0.3, group="two")]
    with pytest.raises(InputError, match=r"bands that stand apart, found one over two"):
        draw_diagram(make(nodes, groups=bands))
    apart = [{**band, "span": "members"} for band in bands]
    wide = make([nodes[0], node("b", 2, 0.3, group="two")], [edge("a", "b")], groups=apart)
    assert find_overlaps(lay_out(wide)) == ()


def test_a_box_inside_a_band_that_is_not_its_own_is_found() -> None:
    band = [{"id": "one", "label": "One"}]
    layout = lay_out(make([node("a", 0, 0, group="one"), node("b", 1, 0)], groups=band))
    assert find_overlaps(layout) == ("b stands in the band one",)


@pytest.mark.parametrize("label", ["x", "a rather long label of one line", "three\nlines\nhere"])
@pytest.mark.parametrize("kind", NODE_KINDS)
def test_a_box_is_as_large_as_its_text(kind: str, label: str) -> None:
    layout = lay_out(make([node("a", 0, 0, kind=kind, label=label)]))
    assert find_overlaps(layout) == ()
    longest = max(text_width(line, size=14) for line in label.split("\n"))
    assert layout.boxes["a"].width >= longest + 12


def test_a_long_label_of_a_band_is_broken_and_stays_inside_its_strip() -> None:
    band = [{"id": "one", "label": "A phase with a very long name indeed"}]
    (frame,) = lay_out(make([node("a", 0, 0, group="one")], groups=band)).frames
    assert len(frame.lines) > 1
    for line in frame.lines:
        height = frame.rect.y1 - frame.rect.y0
        assert text_width(line, size=12, weight="bold") <= height


def test_wide_letters_are_wider_than_narrow_ones_and_bold_ones_wider_still() -> None:
    assert text_width("mmm", size=14) > text_width("iii", size=14)
    assert text_width("mTOR", size=14, weight="bold") > text_width("mTOR", size=14)
    assert text_width("mTOR", size=28) == pytest.approx(2 * text_width("mTOR", size=14))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    places=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=8, unique=True
    ),
    data=st.data(),
)
def test_edges_between_any_boxes_of_a_grid_keep_clear_of_boxes(
    places: list[tuple[int, int]], data: st.DataObject
) -> None:
    nodes = [node(f"n{i}", col, row) for i, (col, row) in enumerate(places)]
    pairs = [(a["id"], b["id"]) for a in nodes for b in nodes if a is not b]
    chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))
    edges = [edge(str(a), str(b)) for a, b in chosen]
    layout = lay_out(make(nodes, edges, column_width=200, row_height=120))
    complaints = find_overlaps(layout)
    assert not [text for text in complaints if "runs through" in text or "share" in text]
    for item, route in zip(layout.diagram.edges, layout.routes, strict=True):
        assert route[0] in {port for _, port in layout.boxes[item.source].ports}
        assert route[-1] in {port for _, port in layout.boxes[item.target].ports}
        assert all(a.x == b.x or a.y == b.y for a, b in pairwise(route))
