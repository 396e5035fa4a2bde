"""Ways of right-angled edges between boxes, around everything else."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from oncovivo.errors import InputError

__all__ = ["Point", "Rect", "route_edges"]


class Point(NamedTuple):
    """A place, px."""

    x: float
    y: float


class Rect(NamedTuple):
    """An upright rectangle, px."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, rects: Sequence[Rect]) -> Rect:
        """The smallest rectangle that holds all of them."""
        return cls(
            min(r.x0 for r in rects),
            min(r.y0 for r in rects),
            max(r.x1 for r in rects),
            max(r.y1 for r in rects),
        )

    def grown(self, by: float) -> Rect:
        """Larger by so much on every side."""
        return Rect(self.x0 - by, self.y0 - by, self.x1 + by, self.y1 + by)

    def moved(self, dx: float, dy: float) -> Rect:
        """Moved."""
        return Rect(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def overlaps(self, other: Rect, *, gap: float = 0.0) -> bool:
        """Whether the areas overlap, or come closer than `gap`."""
        return (
            self.x0 < other.x1 + gap
            and other.x0 < self.x1 + gap
            and self.y0 < other.y1 + gap
            and other.y0 < self.y1 + gap
        )

    def touches(self, line: Rect) -> bool:
        """Whether a flat rectangle, as a straight line is one, enters the inside."""
        return (
            (self.x0 < line.x1 and line.x0 < self.x1 and self.y0 < line.y1 and line.y0 < self.y1)
            or (
                line.x0 == line.x1
                and self.x0 < line.x0 < self.x1
                and self.y0 < line.y1
                and line.y0 < self.y1
            )
            or (
                line.y0 == line.y1
                and self.y0 < line.y0 < self.y1
                and self.x0 < line.x1
                and line.x0 < self.x1
            )
        )

    def contains(self, other: Rect) -> bool:
        """Whether the other lies inside."""
        return (
            self.x0 <= other.x0
            and self.y0 <= other.y0
            and other.x1 <= self.x1
            and other.y1 <= self.y1
        )


Ports: TypeAlias = Sequence[tuple[str, Point]]

CLEARANCE = 18.0
"""Edges keep this distance from boxes; it leaves room for a head."""

_NEAR = 9.0
_WIDEST_GAP = 34.0
_BEND = 70.0
_CROSSING = 70.0
_OFF_CENTER = 25.0
_ALONG_BORDER = 3.0
_SHARED = 1500.0
_GRUDGE = 400.0
_SETTLED = 3
_PASSES = 12

_STEPS = {"N": (0, -1), "E": (1, 0), "S": (0, 1), "W": (-1, 0)}
_OPPOSITE = {"N": "S", "S": "N", "E": "W", "W": "E"}

_Node: TypeAlias = tuple[int, int]


def route_edges(
    edges: Sequence[tuple[str, str, str]],
    *,
    boxes: Mapping[str, tuple[Rect, Ports]],
    walls: Sequence[Rect],
    borders: Sequence[Rect],
    area: Rect,
    where: str,
) -> tuple[tuple[Point, ...], ...]:
    """A right-angled way for every edge, from box to box.

    The ways are found one after the other, short ones first, by a shortest-path search on the
    lines that ports and gaps span; bends and crossings cost, running along another edge costs far
    more. Each is then sought again with all the others in place, until none shares a line; what
    was fought over gets dearer from pass to pass, so that edges make way for one another.

    Parameters
    ----------
    edges : sequence of (source, target, kind)
        Keys of `boxes`, and what tells edges between the same boxes apart.
    boxes : mapping
        The rectangle of each box, and the side and place of its ports.
    walls : sequence of Rect
        What no edge may enter.
    borders : sequence of Rect
        Rectangles along whose borders an edge would be hard to see.
    area : Rect
        What no edge may leave.
    where : str
        Names the diagram in an error.

    Returns
    -------
    tuple of tuple of Point
        For each edge, in the order given, its corners from port to port.

    Raises
    ------
    InputError
        If an edge finds no way.
    """
    grid = _Grid.over(boxes, walls=walls, borders=borders, area=area)
    centers = {key: _center(rect) for key, (rect, _) in boxes.items()}

    def reach(index: int) -> tuple[float, tuple[str, str, str]]:
        source, target, _ = edges[index]
        a, b = centers[source], centers[target]
        return abs(a.x - b.x) + abs(a.y - b.y), edges[index]

    order = sorted(range(len(edges)), key=reach)
    found: dict[int, _Way] = {}
    for number in range(_PASSES):
        before = dict(found)
        for index in order:
            if index in found:
                grid.release(found[index])
            source, target, _kind = edges[index]
            way = _search(grid, boxes[source][1], boxes[target][1])
            if way is None:
                raise _no_room(source, target, where)
            grid.occupy(way)
            found[index] = way
        shared = [index for index in order if grid.shares(found[index])]
        if not shared and (found == before or number + 1 >= _SETTLED):
            return tuple(found[index].corners(grid) for index in range(len(edges)))
        for index in shared:
            grid.remember(found[index])
    raise _no_room(edges[shared[0]][0], edges[shared[0]][1], where)


def _no_room(source: str, target: str, where: str) -> InputError:
    return InputError(
        "room for an edge between the boxes",
        found=f"no way from {source} to {target}",
        where=where,
        mend="move a box, widen column_width or row_height, or lead fewer edges there",
    )


def _center(rect: Rect) -> Point:
    return Point((rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2)


@dataclass(frozen=True, slots=True)
class _Way:
    """A way over the grid with the ports at both ends."""

    start: Point
    nodes: tuple[_Node, ...]
    end: Point

    def corners(self, grid: _Grid) -> tuple[Point, ...]:
        """The places where it turns, with both ends."""
        points = [self.start, *(grid.place(node) for node in self.nodes), self.end]
        kept = [points[0]]
        for before, here, after in zip(points, points[1:], points[2:], strict=False):
            straight = before.x == here.x == after.x or before.y == here.y == after.y
            if not straight and here != kept[-1]:
                kept.append(here)
        return (*kept, points[-1])


@dataclass(slots=True)
class _Grid:
    """Lines on which edges run, what blocks them, and which parts are taken."""

    xs: list[float]
    ys: list[float]
    blocked: set[tuple[_Node, bool]] = field(default_factory=set)
    dear: set[tuple[_Node, bool]] = field(default_factory=set)
    taken: dict[tuple[_Node, bool], int] = field(default_factory=dict)
    passed: dict[tuple[_Node, bool], int] = field(default_factory=dict)
    ports: dict[Point, int] = field(default_factory=dict)
    grudges: dict[tuple[_Node, bool], float] = field(default_factory=dict)

    @classmethod
    def over(
        cls,
        boxes: Mapping[str, tuple[Rect, Ports]],
        *,
        walls: Sequence[Rect],
        borders: Sequence[Rect],
        area: Rect,
    ) -> _Grid:
        """The grid of a drawing; a part of it is named by its first node and whether it lies."""
        xs: set[float] = set()
        ys: set[float] = set()
        for _, ports in boxes.values():
            for side, port in ports:
                stub = _stub(side, port)
                xs.add(stub.x)
                ys.add(stub.y)
        grid = cls(
            xs=_filled([x for x in xs if area.x0 <= x <= area.x1], area.x0, area.x1),
            ys=_filled([y for y in ys if area.y0 <= y <= area.y1], area.y0, area.y1),
        )
        for rect in [*(rect.grown(CLEARANCE) for rect, _ in boxes.values()), *walls]:
            grid._block(rect)
        for border in borders:
            grid._make_dear(border)
        return grid

    def place(self, node: _Node) -> Point:
        """Where a node lies."""
        return Point(self.xs[node[0]], self.ys[node[1]])

    def node_at(self, point: Point) -> _Node | None:
        """The node at a place, if there is one."""
        column, row = bisect_left(self.xs, point.x), bisect_left(self.ys, point.y)
        if column < len(self.xs) and row < len(self.ys) and self.place((column, row)) == point:
            return column, row
        return None

    def _block(self, rect: Rect) -> None:
        """No edge inside a rectangle; its border stays free."""
        first_x, last_x = bisect_right(self.xs, rect.x0), bisect_left(self.xs, rect.x1)
        first_y, last_y = bisect_right(self.ys, rect.y0), bisect_left(self.ys, rect.y1)
        for row in range(first_y, last_y):
            self.blocked |= {((column, row), True) for column in range(first_x - 1, last_x)}
        for column in range(first_x, last_x):
            self.blocked |= {((column, row), False) for row in range(first_y - 1, last_y)}

    def _make_dear(self, border: Rect) -> None:
        """An edge along a border costs more."""
        for row, y in enumerate(self.ys):
            if min(abs(y - border.y0), abs(y - border.y1)) < _NEAR / 2:
                self.dear |= {((column, row), True) for column in range(len(self.xs))}
        for column, x in enumerate(self.xs):
            if min(abs(x - border.x0), abs(x - border.x1)) < _NEAR / 2:
                self.dear |= {((column, row), False) for row in range(len(self.ys))}

    def occupy(self, way: _Way) -> None:
        """Mark a way as taken."""
        self._count(way, 1)

    def release(self, way: _Way) -> None:
        """Take the mark away again."""
        self._count(way, -1)

    def shares(self, way: _Way) -> bool:
        """Whether a way that is taken runs along another one."""
        return any(self.taken[part] > 1 for part in _parts(way))

    def remember(self, way: _Way) -> None:
        """Make the parts that a way shares dearer from now on."""
        for part in _parts(way):
            if self.taken[part] > 1:
                self.grudges[part] = self.grudges.get(part, 0.0) + _GRUDGE

    def _count(self, way: _Way, by: int) -> None:
        for port in (way.start, way.end):
            self.ports[port] = self.ports.get(port, 0) + by
        for first, lies in _parts(way):
            # lines that are close run into one another for the eye
            for near in self._near(first, lies=lies):
                self.taken[near, lies] = self.taken.get((near, lies), 0) + by
        for here, there in pairwise(way.nodes):
            lies = here[1] == there[1]
            for node in (here, there):
                self.passed[node, lies] = self.passed.get((node, lies), 0) + by

    def _near(self, node: _Node, *, lies: bool) -> list[_Node]:
        column, row = node
        line, at = (self.ys, row) if lies else (self.xs, column)
        first = bisect_right(line, line[at] - _NEAR)
        last = bisect_left(line, line[at] + _NEAR)
        return [(column, i) if lies else (i, row) for i in range(first, last)]


def _parts(way: _Way) -> list[tuple[_Node, bool]]:
    """The parts of the grid that a way uses, each by its first node and whether it lies."""
    return [((min(a[0], b[0]), min(a[1], b[1])), a[1] == b[1]) for a, b in pairwise(way.nodes)]


def _stub(side: str, port: Point) -> Point:
    """Where the straight start of an edge ends."""
    dx, dy = _STEPS[side]
    return Point(port.x + dx * CLEARANCE, port.y + dy * CLEARANCE)


def _filled(lines: Sequence[float], low: float, high: float) -> list[float]:
    """Sorted lines with more of them where gaps are wide."""
    known = sorted({low, *lines, high})
    filled = [known[0]]
    for line in known[1:]:
        gap = line - filled[-1]
        parts = int(gap // _WIDEST_GAP) + 1
        start = filled[-1]
        filled += [float(round(start + gap * part / parts)) for part in range(1, parts)]
        filled.append(line)
    return sorted(set(filled))


def _search(grid: _Grid, source: Ports, target: Ports) -> _Way | None:
    """The cheapest way between free ports of two boxes."""
    goals: dict[tuple[_Node, str], Point] = {}
    for side, port in target:
        node = grid.node_at(_stub(side, port))
        if node is not None and not grid.ports.get(port):
            goals[node, _OPPOSITE[side]] = port
    if not goals:
        return None
    low = Point(
        min(grid.xs[node[0]] for node, _ in goals), min(grid.ys[node[1]] for node, _ in goals)
    )
    high = Point(
        max(grid.xs[node[0]] for node, _ in goals), max(grid.ys[node[1]] for node, _ in goals)
    )

    def remaining(node: _Node) -> float:
        x, y = grid.place(node)
        return max(low.x - x, 0.0, x - high.x) + max(low.y - y, 0.0, y - high.y)

    centers = {port for ports in (source, target) for port in _middle(ports)}
    costs: dict[tuple[_Node, str], float] = {}
    came: dict[tuple[_Node, str], tuple[_Node, str] | Point] = {}
    queue: list[tuple[float, tuple[_Node, str]]] = []
    for side, port in source:
        node = grid.node_at(_stub(side, port))
        if node is None or grid.ports.get(port):
            continue
        state = (node, side)
        costs[state] = 0.0 if port in centers else _OFF_CENTER
        came[state] = port
        heapq.heappush(queue, (costs[state] + remaining(node), state))
    done: set[tuple[_Node, str]] = set()
    best: tuple[float, tuple[_Node, str]] | None = None
    while queue:
        estimate, state = heapq.heappop(queue)
        if best is not None and estimate >= best[0]:
            break
        if state in done:
            continue
        done.add(state)
        if state in goals:
            total = costs[state] + (0.0 if goals[state] in centers else _OFF_CENTER)
            if best is None or (total, state) < best:
                best = (total, state)
        for following, cost in _moves(grid, state):
            total = costs[state] + cost
            if total < costs.get(following, float("inf")):
                costs[following] = total
                came[following] = state
                heapq.heappush(queue, (total + remaining(following[0]), following))
    if best is None:
        return None
    nodes: list[_Node] = []
    here: tuple[_Node, str] | Point = best[1]
    while not isinstance(here, Point):
        if not nodes or nodes[-1] != here[0]:
            nodes.append(here[0])
        here = came[here]
    return _Way(start=here, nodes=tuple(reversed(nodes)), end=goals[best[1]])


def _middle(ports: Ports) -> list[Point]:
    """The first port of each side, which is its middle."""
    first: dict[str, Point] = {}
    for side, port in ports:
        first.setdefault(side, port)
    return list(first.values())


def _moves(grid: _Grid, state: tuple[_Node, str]) -> list[tuple[tuple[_Node, str], float]]:
    """One step on, or a turn on the spot, with its cost."""
    (column, row), heading = state
    moves: list[tuple[tuple[_Node, str], float]] = []
    lies = heading in "EW"
    for turned in "NS" if lies else "EW":
        # turning where another edge passes looks like a junction
        junction = grid.passed.get(((column, row), True)) or grid.passed.get(
            ((column, row), False)
        )
        moves.append((((column, row), turned), _BEND + (4 * _CROSSING if junction else 0.0)))
    dx, dy = _STEPS[heading]
    node = (column + dx, row + dy)
    if not (0 <= node[0] < len(grid.xs) and 0 <= node[1] < len(grid.ys)):
        return moves
    part = ((min(column, node[0]), min(row, node[1])), lies)
    if part in grid.blocked:
        return moves
    here, there = grid.place((column, row)), grid.place(node)
    length = abs(there.x - here.x) + abs(there.y - here.y)
    cost = length * (_ALONG_BORDER if part in grid.dear else 1.0)
    cost += _SHARED * grid.taken.get(part, 0) + grid.grudges.get(part, 0.0)
    if grid.passed.get((node, not lies)):
        cost += _CROSSING
    moves.append(((node, heading), cost))
    return moves
