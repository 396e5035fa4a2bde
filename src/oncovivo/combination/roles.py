"""Which arm of a study is what in a combination: control, partners alone, all together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from oncovivo.errors import InputError

__all__ = ["CombinationArms", "PairArm", "combination_arms"]

_PARTNERS: Final = (2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairArm:
    """An arm that received two of three partners.

    Parameters
    ----------
    partners : tuple of str, length 2
        The arms of the two alone.
    arm : str
        The arm of both together.
    """

    partners: tuple[str, str]
    arm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationArms:
    """The arms that a question about synergy needs.

    Parameters
    ----------
    control : str
        Arm without any of the partners.
    partners : tuple of str, length 2 or 3
        Arms of each partner alone.
    combination : str
        Arm of all partners together.
    pairs : tuple of PairArm
        Arms of two of three partners, as far as the study has them.

    Raises
    ------
    InputError
        If there are not two or three partners, an arm has two roles, or a pair is not one of two
        of three partners.
    """

    control: str
    partners: tuple[str, ...]
    combination: str
    pairs: tuple[PairArm, ...] = ()

    def __post_init__(self) -> None:
        if len(self.partners) not in _PARTNERS:
            expected = "two or three arms of partners alone"
            raise InputError(expected, found=str(len(self.partners)))
        named = self.arms
        for name in named:
            if named.count(name) > 1:
                expected = "a role of its own for each arm"
                raise InputError(expected, found=f"'{name}' in two roles")
        possible = [set(pair) for pair in combinations(self.partners, 2)]
        seen: list[set[str]] = []
        for pair in self.pairs:
            both = set(pair.partners)
            if len(self.partners) == 2 or both not in possible or both in seen:
                expected = "pairs of two of three partners, each once"
                found = " and ".join(f"'{name}'" for name in pair.partners)
                raise InputError(expected, found=found)
            seen.append(both)

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms: control, partners, combination, pairs."""
        pairs = tuple(pair.arm for pair in self.pairs)
        return (self.control, *self.partners, self.combination, *pairs)

    @property
    def questions(self) -> tuple[CombinationArms, ...]:
        """The whole combination, then each pair as a combination of two."""
        whole = CombinationArms(
            control=self.control, partners=self.partners, combination=self.combination
        )
        return (
            whole,
            *(
                CombinationArms(control=self.control, partners=pair.partners, combination=pair.arm)
                for pair in self.pairs
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "control": self.control,
            "partners": list(self.partners),
            "combination": self.combination,
            "pairs": [{"partners": list(p.partners), "arm": p.arm} for p in self.pairs],
        }


def combination_arms(
    known: Sequence[str],
    *,
    control: str,
    partners: Sequence[str],
    combination: str,
    pairs: Mapping[tuple[str, str], str] | None = None,
) -> CombinationArms:
    """Roles of the arms of a study, each checked to be one of its arms.

    Parameters
    ----------
    known : sequence of str
        Arms of the study.
    control, combination : str
        Arm without the partners, and arm with all of them.
    partners : sequence of str, length 2 or 3
        Arms of each partner alone.
    pairs : mapping of two partners to an arm, optional
        Arms of two of three partners.

    Raises
    ------
    InputError
        If an arm is not in the study, or the roles do not make a combination.

    Examples
    --------
    >>> arms = combination_arms(
    ...     ["vehicle", "A", "B", "A+B"], control="vehicle", partners=["A", "B"], combination="A+B"
    ... )
    >>> arms.arms
    ('vehicle', 'A', 'B', 'A+B')
    """
    _check_arm(control, known, what="control")
    for name in partners:
        _check_arm(name, known, what="arm of a partner alone")
    _check_arm(combination, known, what="combination arm")
    found = []
    for (first, second), arm in (pairs or {}).items():
        _check_arm(arm, known, what="arm of two partners")
        found.append(PairArm(partners=(first, second), arm=arm))
    return CombinationArms(
        control=control, partners=tuple(partners), combination=combination, pairs=tuple(found)
    )


def _check_arm(name: str, known: Sequence[str], *, what: str) -> None:
    """Refuse a name that is no arm, and say which arms it may have meant."""
    if name in known:
        return
    folded = {" ".join(arm.split()).casefold(): arm for arm in known}
    near = difflib.get_close_matches(" ".join(name.split()).casefold(), folded, n=3, cutoff=0.75)
    meant = " or ".join(f"'{folded[key]}'" for key in near)
    mend = f"write {meant}, as in the data" if near else "a null model needs each partner alone"
    article = "an" if what.startswith("arm") else "a"
    expected = f"{article} {what} among the arms: " + ", ".join(known)
    raise InputError(expected, found=repr(name), mend=mend)
