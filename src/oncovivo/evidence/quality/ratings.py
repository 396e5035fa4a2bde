"""``evidence/quality.csv``: one judgement of one rater on one item of one study.

An item that nobody judged has no row: it is then *not assessed*, which is never taken for a low
risk. A judgement in a study's favor names the place in the source on which it rests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.csvfile import read_rows, write_rows
from oncovivo.evidence.quality.tools import TOOLS, Meaning, Tool, ToolName, tool_named

__all__ = ["CONSENSUS", "QUALITY_COLUMNS", "Rating", "read_quality", "write_quality"]

QUALITY_COLUMNS: Final = (
    "source",
    "study",
    "tool",
    "item",
    "judgement",
    "reason",
    "locator",
    "rater",
)
"""The columns of ``quality.csv`` in their order."""

CONSENSUS: Final = "consensus"
"""The rater whose judgement settles what other raters disagree on."""

_RATER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NEEDS_LOCATOR: Final[frozenset[Meaning]] = frozenset({"good", "partly"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One row of ``quality.csv``.

    Parameters
    ----------
    source : str
        Key of the reference.
    study : str
        Label of the study; a source may hold several, a study has one source.
    tool : {"syrcle", "arrive", "camarades"}
        Checklist.
    item : str
        Id of the item.
    judgement : str
        A word of the checklist.
    reason : str
        Why, in our own words.
    locator : str
        Where in the source, as "Methods, p. 146"; may be blank unless the judgement is in the
        study's favor.
    rater : str
        Who judged, as initials; ``consensus`` settles a disagreement.
    line_number : int, default 0
        Line in the file; 0 when made in code.

    Raises
    ------
    InputError
        If a field is empty that must not be, or a word is not one of the checklist's.
    """

    source: str
    study: str
    tool: ToolName
    item: str
    judgement: str
    reason: str
    locator: str
    rater: str
    line_number: int = 0

    def __post_init__(self) -> None:
        for column, fault in _faults({name: str(getattr(self, name)) for name in QUALITY_COLUMNS}):
            raise InputError(
                fault[0], found=fault[1], where=f"rating, field {column}", mend=fault[2]
            )

    @property
    def meaning(self) -> Meaning:
        """What the judgement says about the study."""
        return TOOLS[self.tool].judgements[self.judgement]


def read_quality(path: Path, *, reference_keys: Sequence[str]) -> tuple[Rating, ...]:
    """The ratings of a ``quality.csv``.

    Parameters
    ----------
    path : Path
        The file.
    reference_keys : sequence of str
        The keys that the column ``source`` may use.

    Returns
    -------
    tuple of Rating
        In the order of the file.

    Raises
    ------
    FileFormatError
        If the file has no rows, a blank cell where text is due, a word outside its list, an
        unknown reference key, a study with two sources, or one judgement twice; the message names
        row and column.
    """
    known = frozenset(reference_keys)
    ratings: list[Rating] = []
    sources: dict[str, tuple[str, int]] = {}
    places: dict[tuple[str, ...], int] = {}
    for line, cells in read_rows(path, columns=QUALITY_COLUMNS):

        def fail(
            column: str, expected: str, found: str, mend: str, *, line: int = line
        ) -> FileFormatError:
            return FileFormatError(
                expected, found=found, where=f"{path.name} row {line}, column {column}", mend=mend
            )

        for column, (expected, found, mend) in _faults(cells):
            raise fail(column, expected, found, mend)
        source, study = cells["source"], cells["study"]
        if source not in known:
            raise fail(
                "source",
                "a key of references.json",
                repr(source),
                "add the reference, or correct the key",
            )
        first_source, first_line = sources.setdefault(study, (source, line))
        if first_source != source:
            raise fail(
                "study",
                f"a label that one source has ({first_source!r} in row {first_line})",
                f"{study!r} of {source!r}",
                "give the two studies different labels",
            )
        key = (study, cells["tool"], cells["item"], cells["rater"])
        if key in places:
            raise fail(
                "item",
                "each item of a study once for each rater",
                f"{cells['item']!r} of {study!r} by {cells['rater']!r}, also in row {places[key]}",
                "remove one of the rows",
            )
        places[key] = line
        ratings.append(
            Rating(
                source=source,
                study=study,
                tool=tool_named(cells["tool"]).name,
                item=cells["item"],
                judgement=cells["judgement"],
                reason=cells["reason"],
                locator=cells["locator"],
                rater=cells["rater"],
                line_number=line,
            )
        )
    if not ratings:
        raise FileFormatError(
            "at least one row below the header",
            found="none",
            where=path.name,
            mend="add a judgement, or remove the file: studies are then not assessed",
        )
    return tuple(ratings)


def write_quality(ratings: Sequence[Rating]) -> str:
    """The CSV text of ratings; reading it gives the same ratings.

    Parameters
    ----------
    ratings : sequence of Rating
        In the order in which they shall stand.
    """
    return write_rows(
        QUALITY_COLUMNS,
        ([str(getattr(rating, name)) for name in QUALITY_COLUMNS] for rating in ratings),
    )


def _faults(cells: dict[str, str]) -> list[tuple[str, tuple[str, str, str]]]:
    """The first fault of a row as (column, (expected, found, mend)); empty when it has none."""
    for column in ("source", "study", "tool", "item", "judgement", "reason", "rater"):
        if not cells[column].strip():
            mend = (
                "leave the row out: an item without a row is not assessed"
                if column == "judgement"
                else f"write the {column}"
            )
            return [(column, ("text", "an empty cell", mend))]
    if cells["tool"] not in TOOLS:
        return [("tool", ("a checklist", repr(cells["tool"]), f"use one of: {', '.join(TOOLS)}"))]
    tool = tool_named(cells["tool"])
    if cells["item"] not in tool.item_ids:
        listed = f"use one of: {', '.join(tool.item_ids)}"
        return [("item", (f"an item of {tool.name}", repr(cells["item"]), listed))]
    if cells["judgement"] not in tool.judgements:
        return [("judgement", _wrong_judgement(tool, cells["judgement"]))]
    if not _RATER.fullmatch(cells["rater"]):
        return [
            (
                "rater",
                (
                    "initials or a name of letters, digits, '.', '_' and '-'",
                    repr(cells["rater"]),
                    f"write as 'AB', or '{CONSENSUS}' for what the raters agreed on afterwards",
                ),
            )
        ]
    if tool.judgements[cells["judgement"]] in _NEEDS_LOCATOR and not cells["locator"].strip():
        return [
            (
                "locator",
                (
                    f"the place in the source on which {cells['judgement']!r} rests",
                    "an empty cell",
                    "write as 'Methods, p. 146', or judge by what the source does not say",
                ),
            )
        ]
    return []


def _wrong_judgement(tool: Tool, found: str) -> tuple[str, str, str]:
    """What to say to a judgement that the checklist does not have."""
    listed = ", ".join(tool.judgements)
    if tool.name == "syrcle" and found.lower() in ("yes", "no"):
        word = "low" if found.lower() == "yes" else "high"
        return (
            f"one of {listed}",
            repr(found),
            f"write {word}: SYRCLE's {found.lower()} is {word}",
        )
    if found.lower().replace(" ", "_") == "not_assessed":
        mend = "leave the row out: an item without a row is not assessed"
        return (f"one of {listed}", repr(found), mend)
    return (f"a judgement of {tool.name}", repr(found), f"use one of: {listed}")
