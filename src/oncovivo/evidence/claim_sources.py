"""What a claim may be tested against: the literature rows, or the rows of a simulation.

``from = "evidence"`` or ``from = "simulation:<name>"``. Each kind declares its columns, so that a
query is checked against the columns of its own source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oncovivo.errors import InputError
from oncovivo.evidence.records import COLUMNS, Column

__all__ = ["SIMULATION_COLUMNS", "ClaimSource", "SourceKind", "parse_source"]

SIMULATION_COLUMNS: Final[tuple[Column, ...]] = (
    Column(name="row_id", kind="key", text="name of the simulation, a colon, number of the row"),
    Column(name="source", kind="text", text="the simulation itself, as simulation:renal_786o"),
    Column(name="arm", kind="text", text="the arm"),
    Column(name="versus", kind="text", text="the control"),
    Column(name="output", kind="text", text="output of the model, as tumor_volume"),
    Column(name="unit", kind="text", text="unit of the output; 1 for a ratio or a share"),
    Column(name="time_d", kind="number", text="day, one of the simulation's report days"),
    Column(name="median", kind="number", text="median of the arm's output"),
    Column(name="lower", kind="number", text="its lower limit"),
    Column(name="upper", kind="number", text="its upper limit"),
    Column(
        name="ratio",
        kind="number",
        text="median of arm over control, draw by draw; not_applicable where the control is 0",
        states=True,
    ),
    Column(name="ratio_lower", kind="number", text="lower limit of the ratio", states=True),
    Column(name="ratio_upper", kind="number", text="upper limit of the ratio", states=True),
    Column(
        name="direction",
        kind="word",
        text="where the limits of arm minus control lie",
        words="simulated_direction",
    ),
    Column(name="assumed_count", kind="count", text="numbers behind the output that are assumed"),
    Column(name="scaled_count", kind="count", text="numbers behind it that are scaled"),
)
"""The columns of a simulation's rows: an arm against the control, an output, a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """A kind of source.

    Parameters
    ----------
    rows : str
        Its rows in words, for messages and the guide.
    columns : tuple of Column
        Their columns.
    simulated : bool
        Whether nothing in them was observed; they are one work then, however many there are.
    digits : int or None
        Significant digits that a slot prints; None for those of the rows.
    """

    rows: str
    columns: tuple[Column, ...]
    simulated: bool = False
    digits: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the columns that hold numbers."""
        return tuple(c.name for c in self.columns if c.kind in ("number", "count"))

    def column(self, name: str) -> Column:
        """A column by name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


EVIDENCE: Final = SourceKind(rows="evidence rows", columns=COLUMNS)
SIMULATION: Final = SourceKind(
    rows="rows of a simulation", columns=SIMULATION_COLUMNS, simulated=True, digits=3
)

# Announced for a later version, so that their names are no slip.
_LATER: Final = ("study", "meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSource:
    """A source as ``from`` names it; ``name`` is empty for the evidence, of which there is one."""

    kind: SourceKind
    name: str

    @property
    def simulated(self) -> bool:
        """Whether nothing in it was observed."""
        return self.kind.simulated


def parse_source(text: str, *, where: str) -> ClaimSource:
    """The source that a ``from`` names.

    Parameters
    ----------
    text : str
        ``evidence`` or ``simulation:<name>``.
    where : str
        The claim, for the message.

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> parse_source("simulation:renal_786o", where="claim C1").name
    'renal_786o'
    """
    kind, _, name = text.partition(":")
    if text == "evidence":
        return ClaimSource(kind=EVIDENCE, name="")
    if kind == "simulation" and name:
        return ClaimSource(kind=SIMULATION, name=name)
    later = f", and none of the kind {kind}, which this version cannot query"
    raise InputError(
        "a claim from evidence or from a simulation" + (later if kind in _LATER else ""),
        found=f"from = {text!r}",
        where=where,
        mend='write from = "evidence" or from = "simulation:<name>"',
    )
