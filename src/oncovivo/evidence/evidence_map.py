"""The evidence map: how many rows and works stand behind each tumor type, kind and direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from oncovivo.errors import InputError
from oncovivo.evidence.records import Record
from oncovivo.evidence.vocabulary import words

__all__ = ["MAP_KINDS", "MapCell", "MapRow", "evidence_map"]

MAP_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "animal_efficacy": "animal efficacy",
        "animal_pharmacodynamics": "animal pharmacodynamics",
        "in_vitro": "in vitro",
        "patient": "patients",
        "review": "reviews",
        "animal_study": "animal-level study",
        "simulated_study": "animal study (simulated)",
    }
)
"""The columns of the map in their order: kinds of evidence rows, then studies of the project."""

NO_TUMOR_TYPE = "tumor type not given"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """One thing that the map counts: a literature row, or a study of the project.

    Parameters
    ----------
    row_id : str
        Id of the row or study.
    oncotree : str
        OncoTree code; empty when the row has no tumor type.
    tumor_type : str
        Tumor type in words.
    kind : str
        A key of :data:`MAP_KINDS`.
    direction : str
        A word of the list ``direction``.
    use : str, default "evidence"
        ``evidence``, or ``context`` for a row that never carries a claim.
    sources : tuple of str
        Keys of the works behind it.

    Raises
    ------
    InputError
        If a word is not in its list.
    """

    row_id: str
    oncotree: str
    tumor_type: str
    kind: str
    direction: str
    sources: tuple[str, ...]
    use: str = "evidence"

    def __post_init__(self) -> None:
        known = {"kind": tuple(MAP_KINDS), "direction": words("direction"), "use": words("use")}
        for name, allowed in known.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} as one of {', '.join(allowed)}",
                    found=repr(getattr(self, name)),
                    where=f"row {self.row_id} of the evidence map",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCell:
    """The rows of one tumor type, kind, direction and use.

    ``n_works`` counts independent works: two rows of one paper are one. ``rows`` are their ids.
    """

    oncotree: str
    tumor_type: str
    kind: str
    direction: str
    use: str
    n_rows: int
    n_works: int
    rows: tuple[str, ...]


def evidence_map(
    records: Sequence[Record],
    *,
    extra: Sequence[MapRow] = (),
    works: Mapping[str, str] | None = None,
    tumor_names: Mapping[str, str] | None = None,
) -> tuple[MapCell, ...]:
    """The cells of the evidence map that hold something.

    Parameters
    ----------
    records : sequence of Record
        Literature rows, evidence and context.
    extra : sequence of MapRow
        Studies of the project.
    works : mapping, optional
        From source key to the key of its work, as
        :meth:`oncovivo.references.Library.works` gives it; else every key is a work.
    tumor_names : mapping, optional
        From OncoTree code to the name to print; else the shortest that the rows use.

    Returns
    -------
    tuple of MapCell
        Tumor types with the most animal rows of use ``evidence`` first, rows without a tumor type
        last; inside a type in the order of the columns and of the word lists. The order of the
        input does not matter.
    """
    rows = [*(_map_row(record) for record in records), *extra]
    cells: dict[tuple[str, str, str, str], list[MapRow]] = defaultdict(list)
    for row in rows:
        cells[row.oncotree, row.kind, row.direction, row.use].append(row)
    names = _names(rows, tumor_names or {})
    order = _tumor_order(rows, names)
    kinds, directions, uses = tuple(MAP_KINDS), words("direction"), words("use")

    def place(key: tuple[str, str, str, str]) -> tuple[int, int, int, int]:
        code, kind, direction, use = key
        return order[code], kinds.index(kind), directions.index(direction), uses.index(use)

    to_work = works or {}
    return tuple(
        MapCell(
            oncotree=key[0],
            tumor_type=names[key[0]],
            kind=key[1],
            direction=key[2],
            use=key[3],
            n_rows=len(cells[key]),
            n_works=len({to_work.get(s, s) for row in cells[key] for s in row.sources}),
            rows=tuple(sorted(row.row_id for row in cells[key])),
        )
        for key in sorted(cells, key=place)
    )


def _map_row(record: Record) -> MapRow:
    """What the map needs of a literature row."""
    return MapRow(
        row_id=record.row_id,
        oncotree=record.oncotree.value or "",
        tumor_type=record.tumor_type,
        kind=record.evidence_kind,
        direction=record.direction,
        use=record.use,
        sources=record.sources,
    )


def _names(rows: Sequence[MapRow], given: Mapping[str, str]) -> dict[str, str]:
    """One name for every code."""
    used: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        used[row.oncotree].add(row.tumor_type)
    names = {
        code: given.get(code) or min(found, key=lambda name: (len(name), name))
        for code, found in used.items()
    }
    if "" in names:
        names[""] = NO_TUMOR_TYPE
    return names


def _tumor_order(rows: Sequence[MapRow], names: Mapping[str, str]) -> dict[str, int]:
    """The place of every code."""
    animal = {"animal_efficacy", "animal_pharmacodynamics", "animal_study"}
    evidence: dict[str, int] = defaultdict(int)
    every: dict[str, int] = defaultdict(int)
    for row in rows:
        every[row.oncotree] += 1
        evidence[row.oncotree] += row.use == "evidence" and row.kind in animal
    codes = sorted(
        every, key=lambda code: (not code, -evidence[code], -every[code], names[code], code)
    )
    return {code: place for place, code in enumerate(codes)}
