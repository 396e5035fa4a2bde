"""Rows that match a query, found through an index over the cells.

The linter asks hundreds of queries of the same rows; looking each cell up once keeps that linear.
"""

from __future__ import annotations

from collections.abc import Sequence

from oncovivo.evidence.claims import Query
from oncovivo.evidence.records import Record, Scalar, flatten

__all__ = ["RowIndex"]


class RowIndex:
    """Rows by column and value; selects as :func:`oncovivo.evidence.select_rows` does."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = tuple(records)
        self._positions: dict[str, dict[Scalar, set[int]]] = {}
        for position, record in enumerate(self._records):
            for column, values in flatten(record).items():
                by_value = self._positions.setdefault(column, {})
                for value in values:
                    by_value.setdefault(value, set()).add(position)

    def select(self, query: Query) -> tuple[Record, ...]:
        """The rows that match a query, in their order; an empty query matches every row."""
        positions = set(range(len(self._records)))
        for column, accepted in query.items():
            by_value = self._positions.get(column, {})
            positions &= {place for value in accepted for place in by_value.get(value, ())}
        return tuple(self._records[place] for place in sorted(positions))
