"""What goes into the search for markers of response, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = ["Association", "AssociationStatus", "LineResponse", "Outcome", "line_response"]

FloatArray: TypeAlias = NDArray[np.float64]
Outcome: TypeAlias = Literal["effect", "treated"]
AssociationStatus: TypeAlias = Literal["ok", "flagged", "undefined", "not_estimable"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineResponse:
    """Response of each line, in the order of the lines' names.

    Parameters
    ----------
    lines : tuple of str
        Names, each once; n of them.
    effect : ndarray, shape (n,)
        Any response on an additive scale: a growth-rate effect, a log ratio of volumes, a TGI by
        model; 0 and 1 for the analyses of responders.
    std_error : ndarray, shape (n,), or None
        Standard errors, positive; None where there are none.
    n_animals : tuple of int, or None
        Animals behind each line's response.
    label : str
        What the response is, with its unit.
    outcome : {"effect", "treated"}
        ``effect`` is against concurrent controls of the same line; ``treated`` is an outcome
        under treatment alone, with which a marker of growth goes as well.
    """

    lines: tuple[str, ...]
    effect: FloatArray
    std_error: FloatArray | None = None
    n_animals: tuple[int, ...] | None = None
    label: str = "response"
    outcome: Outcome = "effect"

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> LineResponse:
        """Some of the lines."""
        at = np.arange(len(self.lines))[rows]
        return LineResponse(
            lines=tuple(self.lines[row] for row in at),
            effect=self.effect[at],
            std_error=None if self.std_error is None else self.std_error[at],
            n_animals=None if self.n_animals is None else tuple(self.n_animals[r] for r in at),
            label=self.label,
            outcome=self.outcome,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One marker and how it goes with the response.

    Parameters
    ----------
    marker : str
        Its name.
    analysis : str
        What was done.
    estimate : float or None
        In the words of `measure`; None where it does not exist.
    std_error : float or None
        Of the estimate.
    lower, upper : float or None
        Limits.
    p_value : float or None
        Two-sided, of no association.
    q_value : float or None
        Smallest share of false discoveries, over the markers of one call, at which this is one.
    n_lines : int
        Lines with response and marker.
    n_animals : int or None
        Animals behind them; None where it is not known.
    status : {"ok", "flagged", "undefined", "not_estimable"}
        ``flagged`` has numbers that need care; the last two have none.
    reason : str
        Why, unless the status is ``ok``.
    measure : str
        What the estimate is.
    statistic : float or None
        t, F, or what the analysis has.
    df : float or None
        Degrees of freedom of t, or of the denominator of F.
    tau2 : float or None
        Variance between lines beyond their standard errors, with the marker in the model.
    p_null_weights : float or None
        Of a weighted regression: two-sided, with the weights of the model without the marker.
        Weights of the marker's own model flatter the smallest p-values of many markers, so
        q-values are made from these.
    p_permutation : float or None
        By permutation of the lines.
    p_family : float or None
        By permutation, with the error held over all markers of the call.
    remark : str
        What else should be known, such as lines without a value.
    level : float
        Confidence of the limits.
    """

    marker: str
    analysis: str
    estimate: float | None = None
    std_error: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    n_lines: int = 0
    n_animals: int | None = None
    status: AssociationStatus = "ok"
    reason: str = ""
    measure: str = ""
    statistic: float | None = None
    df: float | None = None
    tau2: float | None = None
    p_null_weights: float | None = None
    p_permutation: float | None = None
    p_family: float | None = None
    remark: str = ""
    level: float = 0.95

    @property
    def p_for_q(self) -> float | None:
        """The p-value that q-values are made from."""
        return self.p_value if self.p_null_weights is None else self.p_null_weights

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def line_response(
    lines: Sequence[str],
    effect: ArrayLike,
    *,
    std_error: ArrayLike | None = None,
    n_animals: Sequence[int] | None = None,
    label: str = "response",
    outcome: Outcome = "effect",
) -> LineResponse:
    """Response of lines, checked and put in the order of their names.

    Parameters
    ----------
    lines : sequence of str
        Names.
    effect : array-like, shape (n,)
        Response of each; NaN where there is none.
    std_error : array-like, shape (n,), optional
        Their standard errors.
    n_animals : sequence of int, optional
        Animals behind each.
    label : str
        What the response is, with its unit.
    outcome : {"effect", "treated"}
        Whether the response is against controls of the line, or of treated animals alone.

    Raises
    ------
    InputError
        If lengths differ, a line comes twice, a response is infinite, or a standard error is not
        positive.

    Examples
    --------
    >>> line_response(["L2", "L1"], [0.1, 0.3]).lines
    ('L1', 'L2')
    """
    if outcome not in get_args(Outcome):
        raise InputError("an outcome: effect or treated", found=repr(outcome))
    values = np.asarray(effect, dtype=np.float64)
    errors = None if std_error is None else np.asarray(std_error, dtype=np.float64)
    n = len(lines)
    for what, size in (
        ("responses", values.shape),
        ("standard errors", (n,) if errors is None else errors.shape),
        ("numbers of animals", (n,) if n_animals is None else (len(n_animals),)),
    ):
        if size != (n,):
            raise InputError(f"{n} {what}, one for each line", found=f"{size}")
    ordered = sorted(lines)
    repeated = [line for line, after in pairwise(ordered) if line == after]
    if repeated:
        raise InputError("each line once", found=f"'{repeated[0]}' twice")
    if np.isinf(values).any():
        raise InputError("finite responses or missing ones", found="an infinite one")
    if errors is not None:
        wrong = np.isfinite(values) & ~(np.isfinite(errors) & (errors > 0))
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise InputError(
                "a positive standard error with each response",
                found=f"{errors[place]:g}",
                where=f"line {lines[place]}",
            )
    order = sorted(range(n), key=lambda row: lines[row])
    return LineResponse(
        lines=tuple(lines[row] for row in order),
        effect=values[order],
        std_error=None if errors is None else errors[order],
        n_animals=None if n_animals is None else tuple(int(n_animals[row]) for row in order),
        label=label,
        outcome=outcome,
    )
