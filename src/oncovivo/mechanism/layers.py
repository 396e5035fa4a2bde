"""Places for the boxes of a pathway: rows along the arrows, columns that keep arrows short."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Final, TypeAlias

__all__ = ["Layers", "lay_in_layers"]

Arrow: TypeAlias = tuple[str, str]

# More items in a row than this are not tried in every order.
_MOST_ORDERED: Final = 6
_MOST_SWEEPS: Final = 20
_CROSSING: Final = 3.0
_MIDDLE: Final = 0.01
"""What being away from the middle costs, so that ties are settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Row and column of each name, rows from the top and columns from the left, from 0."""

    row: Mapping[str, int]
    column: Mapping[str, float]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return max(self.row.values()) + 1


def lay_in_layers(
    names: Sequence[str], arrows: Sequence[Arrow], *, yielding: Collection[Arrow] = ()
) -> Layers:
    """A row for each name below all that lead to it, and a column.

    Arrows that close a circle are left out of account for the rows, and run upward. An arrow over
    several rows keeps a free place in those between.

    Parameters
    ----------
    names : sequence of str
        At least one.
    arrows : sequence of (str, str)
        From and to, between different names, each once.
    yielding : collection of (str, str)
        Arrows that run upward rather than others where one of a circle has to.

    Examples
    --------
    >>> found = lay_in_layers(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])
    >>> dict(found.row)
    {'a': 0, 'b': 1, 'c': 2}
    """
    row = _rows(names, _forward(arrows, yielding))
    rows: list[list[str]] = [[] for _ in range(max(row.values()) + 1)]
    for name in names:
        rows[row[name]].append(name)
    links: list[Arrow] = []
    for number, (source, target) in enumerate(arrows):
        top, bottom = sorted((source, target), key=row.__getitem__)
        chain = [top]
        for between in range(row[top] + 1, row[bottom]):
            # A space keeps the place from being a name.
            place = f"{number} {between}"
            rows[between].append(place)
            chain.append(place)
        links += pairwise([*chain, bottom])
    columns = _columns(rows, links)
    left = min(columns[name] for name in names)
    return Layers(row=row, column={name: columns[name] - left for name in names})


def _forward(arrows: Sequence[Arrow], yielding: Collection[Arrow]) -> list[Arrow]:
    """Arrows without those that close a circle; the yielding ones are looked at last."""
    after: dict[str, list[str]] = {}
    kept = []
    for source, target in sorted(arrows, key=lambda arrow: arrow in yielding):
        reached: set[str] = set()
        pending = [target]
        while pending:
            name = pending.pop()
            if name not in reached:
                reached.add(name)
                pending += after.get(name, [])
        if source not in reached:
            after.setdefault(source, []).append(target)
            kept.append((source, target))
    return kept


def _rows(names: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """The longest way from a start; a start stands just above the first that it leads to."""
    row = dict.fromkeys(names, 0)
    for _ in names:
        for source, target in arrows:
            row[target] = max(row[target], row[source] + 1)
    reached = {target for _, target in arrows}
    for name in names:
        below = [row[target] for source, target in arrows if source == name]
        if name not in reached and below:
            row[name] = min(below) - 1
    return row


def _columns(rows: Sequence[Sequence[str]], links: Sequence[Arrow]) -> dict[str, float]:
    """Columns in steps of a half, found row by row until nothing gets better."""
    width = max(len(row) for row in rows)
    place = {name: (width - len(row)) / 2 + at for row in rows for at, name in enumerate(row)}
    for _ in range(_MOST_SWEEPS):
        before = dict(place)
        for row in (*rows, *reversed(rows)):
            here = [link for link in links if link[0] in row or link[1] in row]
            tried = _tries(row, width, place, links)
            costs = [_cost({**place, **found}, here, width, found) for found in tried]
            place.update(tried[costs.index(min(costs))])
        if place == before:
            break
    return place


def _tries(
    row: Sequence[str], width: int, place: Mapping[str, float], links: Sequence[Arrow]
) -> list[dict[str, float]]:
    """Ways to set a row: its orders, each from every start."""
    if len(row) <= _MOST_ORDERED:
        orders = list(permutations(row))
    else:
        orders = [tuple(row), tuple(sorted(row, key=lambda name: _pull(name, place, links)))]
    starts = [half / 2 for half in range(2 * (width - len(row)) + 1)]
    return [
        {name: start + order.index(name) for name in row} for order in orders for start in starts
    ]


def _pull(name: str, place: Mapping[str, float], links: Sequence[Arrow]) -> float:
    """Mean column of what a name is joined to."""
    joined = [place[b if a == name else a] for a, b in links if name in (a, b)]
    return sum(joined) / len(joined) if joined else place[name]


def _cost(
    place: Mapping[str, float], links: Sequence[Arrow], width: int, row: Mapping[str, float]
) -> float:
    """How far arrows lean and how often they cross."""
    cost = sum(abs(place[a] - place[b]) for a, b in links)
    cost += _MIDDLE * sum(abs(column - (width - 1) / 2) for column in row.values())
    for number, (a, b) in enumerate(links):
        for c, d in links[:number]:
            cost += _CROSSING * _cross(row, place, (a, b), (c, d))
    return cost


def _cross(row: Mapping[str, float], place: Mapping[str, float], one: Arrow, other: Arrow) -> bool:
    """Whether two arrows on the same side of a row cross."""
    (a, b), (c, d) = one, other
    same_side = (a in row) == (c in row) and (b in row) == (d in row)
    return same_side and (place[a] - place[c]) * (place[b] - place[d]) < 0
