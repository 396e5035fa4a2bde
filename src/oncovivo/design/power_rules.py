"""Parts of a power plan that have rules of their own: cages, and who counts as responding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from oncovivo.errors import InputError

__all__ = ["CageArms", "PowerCages", "ResponseRule", "parse_response"]

CageArms: TypeAlias = Literal["by_cage", "mixed"]
_Category: TypeAlias = Literal["CR", "PR", "SD"]
_WHERE: Final = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCages:
    """Cages, whose animals grow alike.

    Parameters
    ----------
    animals : int
        In a cage, at least 1; the last cage may hold fewer.
    rate_sd : float
        Between cages, of rates per day, on top of that between the animals of a cage.
    start_sd : float
        Between cages, of the natural log of the baseline.
    arms : {"by_cage", "mixed"}
        A cage has animals of one arm, or of the arms in turn.

    Raises
    ------
    InputError
        If a number is impossible.
    """

    animals: int
    rate_sd: float
    start_sd: float = 0.0
    arms: CageArms = "by_cage"

    def __post_init__(self) -> None:
        if self.arms not in get_args(CageArms):
            expected = "one of " + ", ".join(get_args(CageArms))
            raise InputError(expected, found=repr(self.arms), where="cages.arms")
        least = 2 if self.arms == "mixed" else 1
        if self.animals < least:
            expected = f"at least {least} animal{'s' if least > 1 else ''} in a cage"
            raise InputError(expected, found=str(self.animals), where="cages.animals")
        for where, value in (("cages.rate_sd", self.rate_sd), ("cages.log_sd", self.start_sd)):
            if not (math.isfinite(value) and value >= 0):
                expected = "a standard deviation of 0 or more"
                raise InputError(expected, found=f"{value:g}", where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRule:
    """Which animals respond.

    Parameters
    ----------
    kind : {"regression", "mrecist"}
        A reading far enough below the animal's baseline, or an mRECIST category (rule
        ``published_text`` of :func:`oncovivo.endpoints.mrecist.best_responses`).
    percent : float or None
        How far below, above 0 and below 100; None for mRECIST.
    category : {"CR", "PR", "SD"} or None
        It or a better one; None for a regression.

    Raises
    ------
    InputError
        If the number is missing, impossible or superfluous.
    """

    kind: Literal["regression", "mrecist"]
    percent: float | None = None
    category: _Category | None = None

    def __post_init__(self) -> None:
        if self.kind == "regression":
            if self.percent is None or not 0 < self.percent < 100 or self.category is not None:
                expected = "a regression above 0 and below 100 percent"
                found = "none" if self.percent is None else f"{self.percent:g}"
                raise InputError(expected, found=found, where=_WHERE)
        elif self.category not in get_args(_Category) or self.percent is not None:
            expected = "an mRECIST category: " + ", ".join(get_args(_Category))
            raise InputError(expected, found=repr(self.category), where=_WHERE)

    def __str__(self) -> str:
        """As :func:`parse_response` reads it."""
        return f"regression:{self.percent:g}" if self.percent is not None else str(self.category)


def parse_response(text: str) -> ResponseRule:
    """The rule that a word stands for.

    Parameters
    ----------
    text : str
        ``regression:30`` (percent), ``CR``, ``PR`` (CR or PR) or ``SD`` (SD or better).

    Raises
    ------
    InputError
        If it is none of them, or the number is impossible.

    Examples
    --------
    >>> parse_response("regression:30").percent
    30.0
    >>> str(parse_response("PR"))
    'PR'
    """
    word = text.strip()
    for category in get_args(_Category):
        if word.upper() == category:
            return ResponseRule(kind="mrecist", category=category)
    name, _, number = word.partition(":")
    if name.casefold() == "regression" and number:
        try:
            percent = float(number)
        except ValueError as error:
            expected = "a number behind 'regression:'"
            raise InputError(expected, found=repr(number), where=_WHERE) from error
        return ResponseRule(kind="regression", percent=percent)
    expected = "a response: regression:PERCENT, CR, PR or SD"
    raise InputError(expected, found=repr(text), where=_WHERE)
