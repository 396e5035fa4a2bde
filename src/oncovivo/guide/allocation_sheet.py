"""The orders of work of an allocation as pages to print; letters stand for the arms throughout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from oncovivo.analyses.allocation import FileAllocation
from oncovivo.design.allocation import Placement
from oncovivo.documents import Document, Inline, Paragraph, Section, Table, Text, text
from oncovivo.guide.sheets import BOX, Heading, sheet_table

__all__ = ["allocation_document"]

_NO_CAGE: Final = "not stated"
_MEASURING: tuple[Heading, ...] = (
    ("turn", 0.5, "right"),
    ("cage", 0.9, "left"),
    ("animal", 1.1, "left"),
    ("length (mm)", 1.2, "left"),
    ("width (mm)", 1.2, "left"),
    ("weight (g)", 1.2, "left"),
    ("remarks", 2.0, "left"),
    ("initials", 0.9, "left"),
)
_DOSING: tuple[Heading, ...] = (
    ("turn", 0.5, "right"),
    ("cage", 0.9, "left"),
    ("animal", 1.1, "left"),
    ("letter", 0.7, "center"),
    ("volume (mL)", 1.2, "left"),
    ("given, at", 1.4, "left"),
    ("remarks", 2.0, "left"),
    ("initials", 0.9, "left"),
)


def allocation_document(found: FileAllocation, *, printed: date) -> Document:
    """Who is measured and dosed in which order, and the letter of each animal.

    Neither an arm nor the seed stands in it, whether or not the key is sealed. The lists for
    measuring have no letters either: who measures needs none.

    Parameters
    ----------
    found : FileAllocation
        The allocation.
    printed : date
        Date that the page shows.
    """
    record = found.record
    sessions = [
        section
        for session in range(record.design.sessions)
        for section in _session(record.placements, session)
    ]
    return Document(
        title=record.design.title or "Allocation",
        subtitle=f"Blinded lists: {len(record.placements)} animals, letters for arms",
        date=printed.isoformat(),
        sections=(
            Section(
                anchor="cages",
                title="Cages",
                blocks=(
                    Paragraph(
                        content=text(
                            "A letter stands for an arm; which one is written in the key alone, "
                            "and the key is kept by somebody who neither measures nor doses. "
                            "Hand out the lists for measuring without this page and without "
                            "those for dosing."
                        )
                    ),
                    _cages(record.placements),
                    *([_excluded(found)] if record.excluded else []),
                ),
            ),
            *sessions,
        ),
    )


def _session(placements: Sequence[Placement], session: int) -> tuple[Section, Section]:
    """The two lists of a session."""
    name = f"session {session + 1}"
    measured = sorted(placements, key=lambda place: place.measuring[session])
    dosed = sorted(placements, key=lambda place: place.dosing[session])
    measuring = sheet_table(
        f"measuring-{session + 1}",
        f"Order of measuring, {name}, date ____________",
        _MEASURING,
        [
            (str(place.measuring[session]), place.cage or "", _strong(place), *[""] * 5)
            for place in measured
        ],
        use="writing",
    )
    dosing = sheet_table(
        f"dosing-{session + 1}",
        f"Order of dosing, {name}, date ____________",
        _DOSING,
        [
            (
                str(place.dosing[session]),
                place.cage or "",
                _strong(place),
                place.letter,
                "",
                BOX,
                "",
                "",
            )
            for place in dosed
        ],
        use="writing",
    )
    return (
        Section(
            anchor=f"measure-{session + 1}",
            title=f"Measuring, {name}",
            blocks=(measuring,),
            begins="page",
        ),
        Section(
            anchor=f"dose-{session + 1}",
            title=f"Dosing, {name}",
            blocks=(dosing,),
            begins="page",
        ),
    )


def _strong(place: Placement) -> tuple[Inline, ...]:
    """An animal's name, to be found at a glance."""
    return (Text(content=place.animal_id, style="strong"),)


def _cages(placements: Sequence[Placement]) -> Table:
    """A row for each cage: what its card says."""
    cages: dict[str, list[Placement]] = {}
    for place in sorted(placements, key=lambda place: (place.cage is None, place.cage or "")):
        cages.setdefault(place.cage or _NO_CAGE, []).append(place)
    return sheet_table(
        "cards",
        "Cage cards: animals and their letters",
        (("cage", 1.0, "left"), ("animals", 0.7, "right"), ("animal: letter", 5.0, "left")),
        [
            (
                cage,
                str(len(members)),
                " · ".join(f"{place.animal_id}: {place.letter}" for place in members),
            )
            for cage, members in cages.items()
        ],
    )


def _excluded(found: FileAllocation) -> Table:
    """Animals that get nothing, with the reason of before the draw."""
    return sheet_table(
        "excluded",
        "Not allocated",
        (("animal", 1.0, "left"), ("why", 4.0, "left")),
        [(animal.animal_id, animal.reason) for animal in found.record.excluded],
    )
