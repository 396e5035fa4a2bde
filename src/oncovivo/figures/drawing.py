"""A diagram as SVG text, with a legend.

Shape and color both say what a box is, head and color both say what an edge does. Everything is a
presentation attribute on its own element, so that browsers and the typesetter of the PDF agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from oncovivo.figures.diagram import (
    EDGE_KINDS,
    NODE_KINDS,
    Diagram,
    Edge,
    EdgeKind,
    NodeKind,
    edge_rows,
    one_line,
)
from oncovivo.figures.layout import (
    FONT_SIZE,
    LINE_HEIGHT,
    MARGIN,
    SMALL_FONT,
    TAG_FONT,
    TAG_HEIGHT,
    Box,
    Frame,
    Layout,
    Tag,
    lay_out,
)
from oncovivo.figures.routing import Point, Rect
from oncovivo.figures.text_width import FONT_FAMILY, text_width

__all__ = ["draw_diagram"]

_INK = "#1f2933"
_MUTED = "#52606d"
_PAPER = "#ffffff"
_GROUND = "#f7f9fb"
_BORDER = "#d5dce3"
_STRIP = "#e6ebf0"
_CORNER = 7.0
_DASH = "6 4"
_ASSUMED = "dashed: assumed, no source"
_NUMBER = "row of the table"

# fill, line, line width; light fills keep the ink readable, hues are told apart by color-blind
# readers and each kind has a shape of its own
_BOX_STYLE: Mapping[NodeKind, tuple[str, str, float]] = MappingProxyType(
    {
        "drug": ("#fde7d3", "#b4540a", 1.6),
        "protein": ("#e3eef9", "#2b6299", 1.4),
        "complex": ("#f5e2ee", "#97336b", 1.4),
        "process": ("#dff2ec", "#12745c", 1.4),
        "outcome": ("#fff4cc", "#7d6200", 2.2),
        "step": ("#edf0f3", "#52606d", 1.4),
        "decision": ("#ece6f8", "#5e3f9e", 1.4),
        "data": ("#ffffff", "#52606d", 1.4),
    }
)
_EDGE_COLOR: Mapping[EdgeKind, str] = MappingProxyType(
    {
        "activates": "#1f5f9c",
        "phosphorylates": "#0f766e",
        "inhibits": "#b3361b",
        "binds": "#4a4a4a",
        "leads_to": "#3e4c59",
        "feedback": "#7b2d8e",
    }
)
_HEAD_ROOM: Mapping[EdgeKind, float] = MappingProxyType(
    {
        "activates": 11.0,
        "phosphorylates": 13.0,
        "inhibits": 3.0,
        "binds": 10.0,
        "leads_to": 3.5,
        "feedback": 3.0,
    }
)
"""How much before the box the line of an edge ends."""


def draw_diagram(diagram: Diagram) -> str:
    """The diagram as SVG text; the same diagram gives the same text.

    Edges carry the numbers of :func:`oncovivo.figures.edge_rows`; a legend names the kinds that
    occur. Ids start with the diagram's id. Text is 14 px in a figure that the shipped examples
    keep near 700 px wide.

    Raises
    ------
    InputError
        If boxes or bands overlap, or an edge finds no way between the boxes.
    """
    layout = lay_out(diagram)
    legend, height = _legend(diagram, layout)
    width = _number(layout.width)
    total = _number(layout.height + height)
    name = diagram.id
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" width="{width}"'
        f' height="{total}" role="img" aria-labelledby="{name}-title {name}-desc"'
        f' font-family={quoteattr(FONT_FAMILY)} font-size="{_number(FONT_SIZE)}" fill="{_INK}">',
        f'<title id="{name}-title">{escape(diagram.title)}</title>',
        f'<desc id="{name}-desc">{escape(diagram.description)}</desc>',
        f'<rect width="{width}" height="{total}" rx="6" fill="{_PAPER}"/>',
        *(_frame(frame) for frame in layout.frames),
        *(_line(layout, index) for index in range(len(layout.routes))),
        *(_box(box, name) for box in layout.boxes.values()),
        *(_edge_head(layout, index) for index in range(len(layout.routes))),
        *(_tag(tag, diagram.edges[tag.number - 1]) for tag in layout.tags),
        legend,
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _number(value: float) -> str:
    """A length, as short as it can be written to a hundredth of a px."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _text(
    text: str, x: float, y: float, *, size: float, anchor: str = "middle", more: str = ""
) -> str:
    """One line, centered on y by the height of capitals."""
    return (
        f'<text x="{_number(x)}" y="{_number(y + 0.36 * size)}" font-size="{_number(size)}"'
        f' text-anchor="{anchor}"{more}>{escape(text)}</text>'
    )


def _frame(frame: Frame) -> str:
    """A band with its label in the strip at its left."""
    x0, y0, x1, y1 = frame.rect
    strip = frame.strip
    lines = []
    for number, line in enumerate(frame.lines):
        x = strip.x0 + 12 + 15.0 * number
        y = (y0 + y1) / 2
        lines.append(
            f'<text transform="translate({_number(x + 0.36 * SMALL_FONT)} {_number(y)})'
            f' rotate(-90)" font-size="{_number(SMALL_FONT)}" font-weight="bold"'
            f' text-anchor="middle" fill="{_MUTED}">{escape(line)}</text>'
        )
    return (
        f'<rect x="{_number(x0)}" y="{_number(y0)}" width="{_number(x1 - x0)}"'
        f' height="{_number(y1 - y0)}" rx="8" fill="{_GROUND}" stroke="{_BORDER}"/>'
        f'<path d="M{_number(strip.x1)} {_number(y0)}H{_number(x0 + 8)}'
        f"a8 8 0 0 0 -8 8V{_number(y1 - 8)}a8 8 0 0 0 8 8H{_number(strip.x1)}Z"
        f'" fill="{_STRIP}"/>' + "".join(lines)
    )


def _box(box: Box, name: str) -> str:
    """A node: its shape and its label."""
    first = box.y - (len(box.lines) - 1) * LINE_HEIGHT / 2
    weight = ' font-weight="bold"' if box.node.kind == "outcome" else ""
    lines = [
        _text(line, box.x, first + number * LINE_HEIGHT, size=FONT_SIZE, more=weight)
        for number, line in enumerate(box.lines)
    ]
    title = escape(f"{one_line(box.node.label)}: {NODE_KINDS[box.node.kind]}")
    return (
        f'<g id="{name}-node-{box.node.id}"><title>{title}</title>'
        f"{_shape(box.node.kind, box.rect)}{''.join(lines)}</g>"
    )


def _shape(kind: NodeKind, rect: Rect) -> str:
    """The outline of a kind of box."""
    x0, y0, x1, y1 = rect
    width, height, middle = x1 - x0, y1 - y0, (y0 + y1) / 2
    fill, line, stroke = _BOX_STYLE[kind]
    paint = f'fill="{fill}" stroke="{line}" stroke-width="{_number(stroke)}"'

    def rounded(radius: float, inset: float = 0.0, style: str = paint) -> str:
        return (
            f'<rect x="{_number(x0 + inset)}" y="{_number(y0 + inset)}"'
            f' width="{_number(width - 2 * inset)}" height="{_number(height - 2 * inset)}"'
            f' rx="{_number(radius)}" {style}/>'
        )

    def polygon(points: Sequence[tuple[float, float]]) -> str:
        return f'<polygon points="{_points(points)}" {paint} stroke-linejoin="round"/>'

    if kind == "protein":
        return rounded(min(9.0, height / 3))
    if kind == "process":
        return rounded(height / 2)
    if kind == "step":
        return rounded(0)
    if kind == "complex":
        inset = min(3.5, height / 5)
        inner = f'fill="none" stroke="{line}" stroke-width="1"'
        return rounded(min(9.0, height / 3)) + rounded(min(6.0, height / 4), inset, inner)
    if kind == "drug":
        nib = min(13.0, height / 3)
        return polygon(
            [
                (x0, middle),
                (x0 + nib, y0),
                (x1 - nib, y0),
                (x1, middle),
                (x1 - nib, y1),
                (x0 + nib, y1),
            ]
        )
    if kind == "outcome":
        cut = min(9.0, height / 3)
        return polygon(
            [
                (x0 + cut, y0),
                (x1 - cut, y0),
                (x1, y0 + cut),
                (x1, y1 - cut),
                (x1 - cut, y1),
                (x0 + cut, y1),
                (x0, y1 - cut),
                (x0, y0 + cut),
            ]
        )
    if kind == "decision":
        center = (x0 + x1) / 2
        return polygon([(x0, middle), (center, y0), (x1, middle), (center, y1)])
    fold = min(11.0, height / 3)
    corner = [(x1 - fold, y0), (x1 - fold, y0 + fold), (x1, y0 + fold)]
    return (
        polygon([(x0, y0), (x1 - fold, y0), (x1, y0 + fold), (x1, y1), (x0, y1)])
        + f'<polyline points="{_points(corner)}" fill="none" stroke="{line}" stroke-width="1"/>'
    )


def _line(layout: Layout, index: int) -> str:
    """The line of an edge with rounded corners, on a light seam that keeps crossings apart."""
    edge = layout.diagram.edges[index]
    route = list(layout.routes[index])
    end, before = route[-1], route[-2]
    route[-1] = _towards(end, before, _HEAD_ROOM[edge.kind])
    path = _rounded(route)
    return (
        f'<path d="{path}" fill="none" stroke="{_GROUND}" stroke-width="5.5"/>'
        f'<path d="{path}" fill="none"{_stroke(edge)}/>'
    )


def _stroke(edge: Edge) -> str:
    dash = "" if edge.assumed is None else f' stroke-dasharray="{_DASH}"'
    return f' stroke="{_EDGE_COLOR[edge.kind]}" stroke-width="1.8"{dash}'


def _towards(start: Point, end: Point, length: float) -> Point:
    """The place so far along a straight line."""
    whole = abs(end.x - start.x) + abs(end.y - start.y)
    share = length / whole
    return Point(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share)


def _rounded(route: Sequence[Point]) -> str:
    """Path data with rounded corners."""
    data = [f"M{_number(route[0].x)} {_number(route[0].y)}"]
    for before, corner, after in zip(route, route[1:], route[2:], strict=False):
        room = min(
            _CORNER,
            (abs(corner.x - before.x) + abs(corner.y - before.y)) / 2,
            (abs(corner.x - after.x) + abs(corner.y - after.y)) / 2,
        )
        start, end = _towards(corner, before, room), _towards(corner, after, room)
        data.append(
            f"L{_number(start.x)} {_number(start.y)}"
            f"Q{_number(corner.x)} {_number(corner.y)} {_number(end.x)} {_number(end.y)}"
        )
    data.append(f"L{_number(route[-1].x)} {_number(route[-1].y)}")
    return "".join(data)


def _edge_head(layout: Layout, index: int) -> str:
    """The head of an edge, with the edge's statement as a tool tip."""
    edge = layout.diagram.edges[index]
    row = edge_rows(layout.diagram)[index]
    tip, before = layout.routes[index][-1], layout.routes[index][-2]
    title = escape(f"{row.number}: {row.start} {row.kind} {row.end}")
    return (
        f'<g id="{layout.diagram.id}-edge-{row.number}"><title>{title}</title>'
        f"{_head(edge.kind, tip, before)}</g>"
    )


def _head(kind: EdgeKind, tip: Point, before: Point) -> str:
    """The sign at the end of an edge."""
    back = _towards(tip, before, 1.0)
    ux, uy = back.x - tip.x, back.y - tip.y
    color = _EDGE_COLOR[kind]

    def at(along: float, across: float = 0.0) -> tuple[float, float]:
        return tip.x + ux * along - uy * across, tip.y + uy * along + ux * across

    def bar(along: float) -> str:
        (xa, ya), (xb, yb) = at(along, -8), at(along, 8)
        return (
            f'<line x1="{_number(xa)}" y1="{_number(ya)}" x2="{_number(xb)}" y2="{_number(yb)}"'
            f' stroke="{color}" stroke-width="3"/>'
        )

    heads: Mapping[EdgeKind, Callable[[], str]] = {
        "activates": lambda: (
            f'<polygon points="{_points([at(1), at(12, -5.5), at(12, 5.5)])}" fill="{color}"/>'
        ),
        "phosphorylates": lambda: (
            f'<polygon points="{_points([at(1), at(7.5, -5.5), at(14, 0), at(7.5, 5.5)])}"'
            f' fill="{_PAPER}" stroke="{color}" stroke-width="1.8" stroke-linejoin="round"/>'
        ),
        "inhibits": lambda: bar(3),
        "feedback": lambda: bar(3) + bar(8.5),
        "binds": lambda: (
            f'<circle cx="{_number(at(6)[0])}" cy="{_number(at(6)[1])}" r="5" fill="{color}"/>'
        ),
        "leads_to": lambda: (
            f'<polyline points="{_points([at(10, -5.5), at(2), at(10, 5.5)])}" fill="none"'
            f' stroke="{color}" stroke-width="2" stroke-linejoin="round"'
            ' stroke-linecap="round"/>'
        ),
    }
    return heads[kind]()


def _tag(tag: Tag, edge: Edge) -> str:
    """The number of an edge, on its line."""
    x0, y0, _, _ = tag.rect
    color = _EDGE_COLOR[edge.kind]
    return (
        f'<rect x="{_number(x0)}" y="{_number(y0)}" width="{_number(tag.width)}"'
        f' height="{_number(TAG_HEIGHT)}" rx="{_number(TAG_HEIGHT / 2)}" fill="{_PAPER}"'
        f' stroke="{color}" stroke-width="1.2"/>'
        + _text(tag.text, tag.x, tag.y, size=TAG_FONT, more=f' font-weight="bold" fill="{color}"')
    )


_SAMPLE = 32.0
_ENTRY_HEIGHT = 26.0
_ENTRY_GAP = 17.0


def _legend(diagram: Diagram, layout: Layout) -> tuple[str, float]:
    """The legend below the drawing, and its height."""
    entries = [
        *((_box_sample(kind), NODE_KINDS[kind]) for kind in _used_boxes(diagram)),
        *((_edge_sample(kind), EDGE_KINDS[kind]) for kind in _used_edges(diagram)),
    ]
    if any(edge.assumed is not None for edge in diagram.edges):
        entries.append((_dashed_sample, _ASSUMED))
    if diagram.edges:
        entries.append((_number_sample, _NUMBER))
    left, right = MARGIN + 4, layout.width - MARGIN
    x, y = left, layout.height + _ENTRY_HEIGHT / 2 + 6
    parts = [
        f'<line x1="{_number(left)}" y1="{_number(layout.height)}" x2="{_number(right)}"'
        f' y2="{_number(layout.height)}" stroke="{_BORDER}"/>'
    ]
    for sample, words in entries:
        wide = _SAMPLE + 7 + text_width(words, size=SMALL_FONT)
        if x > left and x + wide > right:
            x, y = left, y + _ENTRY_HEIGHT
        parts.append(sample(x, y))
        parts.append(_text(words, x + _SAMPLE + 7, y, size=SMALL_FONT, anchor="start"))
        x += wide + _ENTRY_GAP
    return "\n".join(parts), y + _ENTRY_HEIGHT / 2 + 6 - layout.height


def _used_boxes(diagram: Diagram) -> list[NodeKind]:
    used = {node.kind for node in diagram.nodes}
    return [kind for kind in NODE_KINDS if kind in used]


def _used_edges(diagram: Diagram) -> list[EdgeKind]:
    used = {edge.kind for edge in diagram.edges}
    return [kind for kind in EDGE_KINDS if kind in used]


def _box_sample(kind: NodeKind) -> Callable[[float, float], str]:
    return lambda x, y: _shape(kind, Rect(x + 2, y - 8, x + _SAMPLE - 2, y + 8))


def _edge_sample(kind: EdgeKind) -> Callable[[float, float], str]:
    def draw(x: float, y: float) -> str:
        end = x + _SAMPLE - _HEAD_ROOM[kind]
        return (
            f'<line x1="{_number(x)}" y1="{_number(y)}" x2="{_number(end)}" y2="{_number(y)}"'
            f' stroke="{_EDGE_COLOR[kind]}" stroke-width="1.8"/>'
            + _head(kind, Point(x + _SAMPLE, y), Point(x, y))
        )

    return draw


def _dashed_sample(x: float, y: float) -> str:
    return (
        f'<line x1="{_number(x)}" y1="{_number(y)}" x2="{_number(x + _SAMPLE)}" y2="{_number(y)}"'
        f' stroke="{_MUTED}" stroke-width="1.8" stroke-dasharray="{_DASH}"/>'
    )


def _number_sample(x: float, y: float) -> str:
    middle = x + _SAMPLE / 2
    return (
        f'<circle cx="{_number(middle)}" cy="{_number(y)}" r="{_number(TAG_HEIGHT / 2)}"'
        f' fill="{_PAPER}" stroke="{_MUTED}" stroke-width="1.2"/>'
        + _text("1", middle, y, size=TAG_FONT, more=f' font-weight="bold" fill="{_MUTED}"')
    )
