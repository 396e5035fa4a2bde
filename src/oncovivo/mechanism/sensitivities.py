"""Derivatives of a model's expressions, through everything that defines one name by others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from oncovivo.mechanism.expressions import Expression, Name, Number, plus, times

__all__ = ["total_derivatives"]

_ZERO: Final = Number(0.0)
_ONE: Final = Number(1.0)


def total_derivatives(
    targets: Sequence[Expression],
    names: Sequence[str],
    definitions: Mapping[str, Expression],
    *,
    held: Collection[str] = (),
) -> tuple[list[list[Expression]], dict[str, Expression]]:
    """Derivative of each expression with respect to each name, definitions followed.

    Parameters
    ----------
    targets : sequence of Expression
        What is derived.
    names : sequence of str
        With respect to what: states, parameters, concentrations, or definitions in `held`.
    definitions : mapping of str to Expression
        Quantities defined by earlier ones, in order.
    held : collection of str, optional
        Definitions that do not move with what defines them.

    Returns
    -------
    derivatives : list of list of Expression
        One row per target, one entry per name.
    definitions : dict of str to Expression
        The definitions with those added that the derivatives use. The names of the new ones hold a
        sign that no file can write.

    Examples
    --------
    >>> from oncovivo.mechanism.expressions import parse
    >>> rows, more = total_derivatives([parse("2*y")], ["x"], {"y": parse("x**2")})
    >>> print(rows[0][0], "with", more["y|x"])
    2*y|x with 2*x
    """
    fixed = set(held)
    extended = dict(definitions)
    moves: dict[tuple[str, str], Expression] = {}
    for name in names:
        for defined, tree in definitions.items():
            if defined in fixed:
                continue
            slope = _chained(tree, name, moves)
            if slope == _ZERO:
                continue
            if isinstance(slope, Number):
                moves[defined, name] = slope
                continue
            extended[f"{defined}|{name}"] = slope
            moves[defined, name] = Name(f"{defined}|{name}")
    rows = [[_chained(tree, name, moves) for name in names] for tree in targets]
    return rows, extended


def _chained(
    tree: Expression, name: str, moves: Mapping[tuple[str, str], Expression]
) -> Expression:
    """Chain rule over the names of one expression."""
    total: Expression = _ZERO
    for inner in sorted(tree.names()):
        outer = _ONE if inner == name else moves.get((inner, name), _ZERO)
        if outer != _ZERO:
            total = plus(total, times(tree.derivative(inner), outer))
    return total
