"""Why rows of a tumor type can be pooled, or why they cannot.

A row can be pooled when it holds a treated against a control group of animals and an effect size
with its variance belongs to it. What a row lacks is said by the first thing in its way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.evidence.records import Record

__all__ = ["OBSTACLES", "Obstacle", "Poolability", "poolability"]

Obstacle: TypeAlias = Literal[
    "context", "no_animal_efficacy", "no_control", "no_number", "no_group_size", "no_dispersion",
    "no_effect_size",
]  # fmt: skip

OBSTACLES: Final[dict[Obstacle, tuple[str, str]]] = {
    "context": ("is context that carries no sentence", "are context that carries no sentence"),
    "no_animal_efficacy": ("is not of efficacy in animals", "are not of efficacy in animals"),
    "no_control": (
        "names no untreated control to compare with",
        "name no untreated control to compare with",
    ),
    "no_number": ("gives the result without a number", "give the result without a number"),
    "no_group_size": ("gives no size of its groups", "give no size of their groups"),
    "no_dispersion": ("gives no dispersion", "give no dispersion"),
    "no_effect_size": ("has no effect size in effects.csv", "have no effect size in effects.csv"),
}
"""What stands in a row's way, in the words for one row and for several; in the order tried."""

_CONTROLS: Final = ("vehicle", "untreated", "control_unspecified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poolability:
    """Rows of a tumor type that can be pooled, and what stands in the way of the others.

    Parameters
    ----------
    rows : tuple of str
        Rows that have an effect size and nothing in their way.
    obstacles : tuple of (str, Obstacle)
        Each other row with the first thing in its way.
    """

    rows: tuple[str, ...]
    obstacles: tuple[tuple[str, Obstacle], ...]

    @property
    def total(self) -> int:
        """All rows."""
        return len(self.rows) + len(self.obstacles)

    def count(self, obstacle: Obstacle) -> int:
        """Rows with an obstacle."""
        return Counter(found for _, found in self.obstacles)[obstacle]

    @property
    def reason(self) -> str:
        """Why nothing can be pooled: how many rows there are, and what is in their way."""
        if not self.total:
            return "no row is on the compound"
        found = [
            f"{number} {OBSTACLES[obstacle][number > 1]}"
            for obstacle in OBSTACLES
            if (number := self.count(obstacle))
        ]
        if len(self.rows) == 1:
            found.append("1 alone has an effect size")
        elif self.rows:
            found.append(f"{len(self.rows)} have effect sizes that cannot be pooled together")
        if len(self.obstacles) == self.total and len({kind for _, kind in self.obstacles}) == 1:
            words = OBSTACLES[self.obstacles[0][1]][self.total > 1]
            subject = "the only row" if self.total == 1 else f"the {self.total} rows"
            return f"{subject} on the compound {words}"
        noun = "row" if self.total == 1 else "rows"
        listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
        return f"of {self.total} {noun} on the compound, {listed}"

    def sentence(self, tumor: str) -> str:
        """Why nothing can be pooled for a tumor type, with what stands in how many rows' way.

        Parameters
        ----------
        tumor : str
            Name of the tumor type.
        """
        return f"Nothing is pooled for {tumor}: {self.reason}."


def poolability(records: Sequence[Record], effects: Collection[str]) -> Poolability:
    """Which rows can be pooled.

    Parameters
    ----------
    records : sequence of Record
        Rows of one tumor type.
    effects : collection of str
        Ids of the rows that have an effect size with its variance.

    Examples
    --------
    >>> poolability([], set()).total
    0
    """
    rows: list[str] = []
    obstacles: list[tuple[str, Obstacle]] = []
    for record in records:
        found = _obstacle(record, has_effect=record.row_id in effects)
        if found is None:
            rows.append(record.row_id)
        else:
            obstacles.append((record.row_id, found))
    return Poolability(rows=tuple(rows), obstacles=tuple(obstacles))


def _obstacle(record: Record, *, has_effect: bool) -> Obstacle | None:
    """The first thing in a row's way; an effect size makes up for numbers the row lacks."""
    if record.use != "evidence":
        return "context"
    if record.evidence_kind != "animal_efficacy":
        return "no_animal_efficacy"
    if not (record.comparator.given and record.comparator.value in _CONTROLS):
        return "no_control"
    if has_effect:
        return None
    if not record.value.given:
        return "no_number"
    if not (record.n_treated.given and record.n_control.given):
        return "no_group_size"
    if not record.dispersion.given:
        return "no_dispersion"
    return "no_effect_size"
