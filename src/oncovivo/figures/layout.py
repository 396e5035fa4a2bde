"""Where the parts of a diagram stand: boxes from their text, bands, and the numbers on the edges.

All lengths are px of the figure; y points down. Nothing depends on the order of the edges in the
file but their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Literal, TypeAlias

from oncovivo.errors import InputError
from oncovivo.figures.diagram import Diagram, Group, Node, NodeKind, one_line
from oncovivo.figures.routing import Point, Rect, route_edges
from oncovivo.figures.text_width import text_width

__all__ = ["Box", "Frame", "Layout", "Tag", "find_overlaps", "lay_out"]

FONT_SIZE = 14.0
LINE_HEIGHT = 18.0
SMALL_FONT = 12.0
TAG_FONT = 11.0
TAG_HEIGHT = 18.0
MARGIN = 10.0
FRAME_PADDING = 13.0
HEAD_LENGTH = 14.0
"""Reserved at the end of an edge for its head."""

_MIN_WIDTH = 96.0
_PADDING: Mapping[NodeKind, tuple[float, float]] = MappingProxyType(
    {
        "drug": (22.0, 9.0),
        "protein": (14.0, 9.0),
        "complex": (16.0, 12.0),
        "process": (20.0, 9.0),
        "outcome": (16.0, 11.0),
        "step": (12.0, 9.0),
        "decision": (0.0, 0.0),
        "data": (18.0, 9.0),
    }
)

Weight: TypeAlias = Literal["normal", "bold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node with its place: center, size and the lines of its label."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    text_width: float

    @property
    def rect(self) -> Rect:
        """The outer rectangle."""
        return Rect(
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )

    @property
    def ports(self) -> tuple[tuple[str, Point], ...]:
        """Side (N, E, S, W) and place of every point where an edge may touch the box."""
        kind, half_width, half_height = self.node.kind, self.width / 2, self.height / 2
        across, down = [0.0, -22.0, 22.0], [0.0]
        if kind == "decision":
            across = [0.0]
        elif kind not in ("drug", "process") and half_height >= 24:
            down += [-13.0, 13.0]
        return tuple(
            [("N", Point(self.x + d, self.y - half_height)) for d in across]
            + [("S", Point(self.x + d, self.y + half_height)) for d in across]
            + [("W", Point(self.x - half_width, self.y + d)) for d in down]
            + [("E", Point(self.x + half_width, self.y + d)) for d in down]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A group with its rectangle; the label runs up in a strip at its left edge."""

    group: Group
    rect: Rect
    lines: tuple[str, ...]

    @property
    def strip(self) -> Rect:
        """The strip that holds the label."""
        x0, y0, _, y1 = self.rect
        return Rect(x0, y0, x0 + _strip_width(self.lines), y1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """The number of an edge, on its line; `text` also holds the edge's mark."""

    number: int
    text: str
    x: float
    y: float
    width: float

    @property
    def rect(self) -> Rect:
        """The outer rectangle."""
        half_width, half_height = self.width / 2, TAG_HEIGHT / 2
        return Rect(
            self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A diagram laid out; `routes` and `tags` are in the order of the edges."""

    diagram: Diagram
    width: float
    height: float
    boxes: Mapping[str, Box]
    frames: tuple[Frame, ...]
    routes: tuple[tuple[Point, ...], ...]
    tags: tuple[Tag, ...]


def lay_out(diagram: Diagram) -> Layout:
    """The diagram with a place for every part.

    Raises
    ------
    InputError
        If two boxes overlap, a group has no member, bands overlap, or an edge finds no way.
    """
    where = f"diagram {diagram.id}"
    boxes = {node.id: _box(node, diagram) for node in diagram.nodes}
    for one, other in combinations(boxes.values(), 2):
        if one.rect.overlaps(other.rect, gap=4):
            raise InputError(
                "boxes that stand apart",
                found=f"{one.node.id} over {other.node.id}",
                where=where,
                mend="change col or row, or widen column_width or row_height",
            )
    boxes, frames, size = _shift(boxes, _frames(diagram, boxes, where))
    for first, second in combinations(frames, 2):
        if first.rect.overlaps(second.rect):
            raise InputError(
                "bands that stand apart",
                found=f"{first.group.id} over {second.group.id}",
                where=where,
                mend="move their nodes apart, or set span to members",
            )
    routes = route_edges(
        [(edge.source, edge.target, edge.kind) for edge in diagram.edges],
        boxes={key: (box.rect, box.ports) for key, box in boxes.items()},
        walls=[frame.strip for frame in frames],
        borders=[frame.rect for frame in frames],
        area=Rect(2, 2, size.x - 2, size.y - 2),
        where=where,
    )
    return Layout(
        diagram=diagram,
        width=size.x,
        height=size.y,
        boxes=MappingProxyType(boxes),
        frames=frames,
        routes=routes,
        tags=_tags(diagram, boxes, frames, routes),
    )


def _box(node: Node, diagram: Diagram) -> Box:
    """A node at its unshifted place, as large as its text needs."""
    lines = tuple(line.strip() for line in node.label.split("\n"))
    text = max(text_width(line, size=FONT_SIZE) for line in lines)
    tall = len(lines) * LINE_HEIGHT
    if node.kind == "decision":
        # a rhombus holds a rectangle w × h when w/W + h/H ≤ 1
        width = text * 1.5 + 18
        height = tall / (1 - text / width) + 8
    else:
        across, down = _PADDING[node.kind]
        width, height = max(text + 2 * across, _MIN_WIDTH), tall + 2 * down
    return Box(
        node=node,
        x=float(round(node.col * diagram.column_width)),
        y=float(round(node.row * diagram.row_height)),
        width=_even(width),
        height=_even(height),
        lines=lines,
        text_width=text,
    )


def _even(length: float) -> float:
    """The next even whole number, so that centers and edges fall on whole px."""
    return 2.0 * math.ceil(length / 2)


def _strip_width(lines: Sequence[str]) -> float:
    return len(lines) * 15.0 + 9.0


def _frames(diagram: Diagram, boxes: Mapping[str, Box], where: str) -> tuple[Frame, ...]:
    """The bands at their unshifted places."""
    frames = []
    for group in diagram.groups:
        inside = [box.rect for box in boxes.values() if box.node.group == group.id]
        if not inside:
            raise InputError(
                "a group with at least one node",
                found=f"none in {group.id}",
                where=where,
                mend="name the group in a node, or remove it",
            )
        around = Rect.around(inside)
        tall = around.y1 - around.y0 + 2 * FRAME_PADDING
        lines = _wrap(one_line(group.label), tall - 8)
        needed = max(text_width(line, size=SMALL_FONT, weight="bold") for line in lines) + 8
        more = _even(max(0.0, needed - tall)) / 2 + FRAME_PADDING
        frames.append(
            Frame(
                group=group,
                rect=Rect(
                    around.x0 - _strip_width(lines) - FRAME_PADDING,
                    around.y0 - more,
                    around.x1 + FRAME_PADDING,
                    around.y1 + more,
                ),
                lines=lines,
            )
        )
    every = Rect.around([*(f.rect for f in frames), *(box.rect for box in boxes.values())])
    return tuple(
        Frame(
            group=frame.group,
            rect=Rect(every.x0, frame.rect.y0, every.x1, frame.rect.y1)
            if frame.group.span == "width"
            else frame.rect,
            lines=frame.lines,
        )
        for frame in frames
    )


def _wrap(text: str, room: float) -> tuple[str, ...]:
    """Text in as few lines as fit; a single word may be longer than the room."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size=SMALL_FONT, weight="bold") <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def _shift(
    boxes: Mapping[str, Box], frames: Sequence[Frame]
) -> tuple[dict[str, Box], tuple[Frame, ...], Point]:
    """Everything moved so that the drawing starts at the margin, and the drawing's size."""
    every = Rect.around([*(b.rect for b in boxes.values()), *(f.rect for f in frames)])
    # room for edges that go around the outermost boxes
    room = MARGIN if frames else MARGIN + 24
    dx, dy = math.ceil(room - every.x0), math.ceil(room - every.y0)
    moved = {
        key: Box(
            node=box.node,
            x=box.x + dx,
            y=box.y + dy,
            width=box.width,
            height=box.height,
            lines=box.lines,
            text_width=box.text_width,
        )
        for key, box in boxes.items()
    }
    shifted = tuple(
        Frame(group=frame.group, rect=frame.rect.moved(dx, dy), lines=frame.lines)
        for frame in frames
    )
    size = Point(math.ceil(every.x1 + dx + room), math.ceil(every.y1 + dy + room))
    return moved, shifted, size


def _tags(
    diagram: Diagram,
    boxes: Mapping[str, Box],
    frames: Sequence[Frame],
    routes: Sequence[Sequence[Point]],
) -> tuple[Tag, ...]:
    """A number on every edge, where it covers nothing else."""
    solid = [box.rect.grown(3) for box in boxes.values()] + [frame.strip for frame in frames]
    solid += [_head_room(route) for route in routes]
    placed: dict[int, Tag] = {}
    by_room = sorted(range(len(routes)), key=lambda i: (_longest(routes[i]), tuple(routes[i])))
    for index in by_room:
        edge = diagram.edges[index]
        text = f"{index + 1} {edge.mark}".strip()
        width = max(TAG_HEIGHT, text_width(text, size=TAG_FONT, weight="bold") + 9)
        lines = [
            segment
            for other, route in enumerate(routes)
            if other != index
            for segment in _segments(route)
        ]
        best = min(
            _candidates(routes[index]),
            key=lambda place: (
                _cost(place, width, solid, list(placed.values()), lines, frames),
                place,
            ),
        )
        placed[index] = Tag(number=index + 1, text=text, x=best[1].x, y=best[1].y, width=width)
    return tuple(placed[index] for index in range(len(routes)))


def _head_room(route: Sequence[Point]) -> Rect:
    """What the head at the end of a route takes up."""
    tip, before = route[-1], route[-2]
    dx, dy = (before.x > tip.x) - (before.x < tip.x), (before.y > tip.y) - (before.y < tip.y)
    back = Point(tip.x + dx * HEAD_LENGTH, tip.y + dy * HEAD_LENGTH)
    across = Point(abs(dy) * 7.0, abs(dx) * 7.0)
    return Rect(
        min(tip.x, back.x) - across.x,
        min(tip.y, back.y) - across.y,
        max(tip.x, back.x) + across.x,
        max(tip.y, back.y) + across.y,
    )


def _segments(route: Sequence[Point]) -> list[Rect]:
    """The straight parts of a route as flat rectangles."""
    return [
        Rect(min(a.x, b.x), min(a.y, b.y), max(a.x, b.x), max(a.y, b.y))
        for a, b in pairwise(route)
    ]


def _longest(route: Sequence[Point]) -> float:
    return max(rect.x1 - rect.x0 + rect.y1 - rect.y0 for rect in _segments(route))


def _candidates(route: Sequence[Point]) -> list[tuple[float, Point]]:
    """Places on a route, each with what speaks against it before anything else is looked at."""
    longest = _longest(route)
    places = []
    last = len(route) - 2
    for number, (a, b) in enumerate(pairwise(route)):
        length = abs(b.x - a.x) + abs(b.y - a.y)
        end = length - (HEAD_LENGTH if number == last else 0)
        start = 4.0 if number == 0 else 0.0
        middle = (start + end) / 2
        for step in range(int(start), int(end) + 1):
            share = step / length
            at = Point(
                float(round(a.x + (b.x - a.x) * share)), float(round(a.y + (b.y - a.y) * share))
            )
            room = min(step - start, end - step)
            against = abs(step - middle) * 0.3 + (longest - length) * 0.5
            against += max(0.0, TAG_HEIGHT / 2 + 1 - room) * 12
            places.append((against, at))
    return places


def _cost(
    place: tuple[float, Point],
    width: float,
    solid: Sequence[Rect],
    tags: Sequence[Tag],
    lines: Sequence[Rect],
    frames: Sequence[Frame],
) -> float:
    """What speaks against a place for a number; a covered box or number outweighs all else."""
    against, at = place
    rect = Tag(number=0, text="", x=at.x, y=at.y, width=width).rect
    against += 1e6 * sum(rect.overlaps(other) for other in solid)
    against += 1e6 * sum(rect.grown(2).overlaps(tag.rect) for tag in tags)
    against += 1e3 * sum(rect.grown(3).touches(line) for line in lines)
    against += 8 * sum(
        min(abs(at.y - edge) for edge in (frame.rect.y0, frame.rect.y1)) < 5 for frame in frames
    )
    return against


def find_overlaps(layout: Layout) -> tuple[str, ...]:
    """What stands in the way of reading a diagram; empty when nothing does.

    Checks that boxes, numbers and the strips of bands are apart and inside the figure, that a band
    holds only its own boxes, that text fits its box, that no number covers a head, and that no
    edge runs through a box, under the number of another edge, or along another edge.
    """
    return (*_covered_parts(layout), *_covered_edges(layout), *_shared_lines(layout))


def _covered_parts(layout: Layout) -> Iterator[str]:
    """Boxes, numbers and labels that cover one another, or leave their place."""
    inside = Rect(0, 0, layout.width, layout.height)
    parts = [(f"box {key}", box.rect) for key, box in layout.boxes.items()]
    parts += [(f"number {tag.number}", tag.rect) for tag in layout.tags]
    parts += [(f"label of {frame.group.id}", frame.strip) for frame in layout.frames]
    for (name, one), (other_name, other) in combinations(parts, 2):
        if one.overlaps(other):
            yield f"{name} covers {other_name}"
    for name, rect in parts:
        if not inside.contains(rect):
            yield f"{name} is outside the figure"
    for key, box in layout.boxes.items():
        if not _text_fits(box):
            yield f"text of {key} leaves its box"
        for frame in layout.frames:
            if box.node.group != frame.group.id and frame.rect.overlaps(box.rect):
                yield f"{key} stands in the band {frame.group.id}"


def _covered_edges(layout: Layout) -> Iterator[str]:
    """Edges under boxes or under the numbers of others, and heads under numbers."""
    for number, route in enumerate(layout.routes, start=1):
        for tag in layout.tags:
            if tag.rect.overlaps(_head_room(route)):
                yield f"number {tag.number} covers the head of edge {number}"
        for segment in _segments(route):
            for key, box in layout.boxes.items():
                if box.rect.grown(-1).touches(segment):
                    yield f"edge {number} runs through {key}"
            for tag in layout.tags:
                if tag.number != number and tag.rect.touches(segment):
                    yield f"number {tag.number} covers edge {number}"


def _shared_lines(layout: Layout) -> Iterator[str]:
    """Edges that run on one line."""
    numbered = list(enumerate(layout.routes, start=1))
    for (first, one), (second, other) in combinations(numbered, 2):
        if any(_along(a, b) for a in _segments(one) for b in _segments(other)):
            yield f"edges {first} and {second} share a line"


def _text_fits(box: Box) -> bool:
    """Whether the label stays inside the shape."""
    tall = len(box.lines) * LINE_HEIGHT
    if box.node.kind == "decision":
        return box.text_width / box.width + tall / box.height <= 1
    return box.text_width + 12 <= box.width and tall <= box.height


def _along(a: Rect, b: Rect) -> bool:
    """Whether two straight parts run on one line for more than a point."""
    if a.x0 == a.x1 == b.x0 == b.x1:
        return min(a.y1, b.y1) - max(a.y0, b.y0) > 0
    if a.y0 == a.y1 == b.y0 == b.y1:
        return min(a.x1, b.x1) - max(a.x0, b.x0) > 0
    return False
