"""Unit check of expressions, and the factors between their units.

Every operation is followed with the units of its operands: terms of a sum measure one thing, what
stands in a logarithm or an exponent is a pure number. Where two units measure one thing in
different sizes (h and day, mL and mm³) the factor goes into the tree, which then takes values in
the declared units and gives one in the declared unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from oncovivo.errors import UnitError
from oncovivo.mechanism.dimensions import DIMENSIONLESS, CompoundUnit, Exponents, describe
from oncovivo.mechanism.expressions import (
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    number,
    times,
)

__all__ = ["per_day", "ratio_unit", "scale_to"]

# Fractional powers leave the exact fractions; a factor this close to one is one.
_SAME_FACTOR: Final = 1e-12
_SMALLEST: Final = Fraction(1, 10**200)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A tree, what it measures, and how many base units one of it is.

    ``exponents`` None is a bare zero, which is zero of anything.
    """

    tree: Expression
    exponents: Exponents | None
    scale: Fraction


def scale_to(
    expression: Expression, units: Mapping[str, CompoundUnit], target: CompoundUnit, *, where: str
) -> Expression:
    """The expression between declared units, its factors written into it.

    Parameters
    ----------
    expression : Expression
        As it stands in the file.
    units : mapping of str to CompoundUnit
        Unit of every name that the expression uses.
    target : CompoundUnit
        Unit that the value is to have.
    where : str
        File and entry for the message.

    Raises
    ------
    UnitError
        If the units do not fit together, or the result does not measure what `target` does.

    Examples
    --------
    >>> from oncovivo.mechanism.dimensions import parse_compound_unit as unit
    >>> from oncovivo.mechanism.expressions import parse
    >>> units = {"cl": unit("L/h"), "v": unit("mL")}
    >>> print(scale_to(parse("cl/v"), units, unit("1/day"), where=""))
    24000*(cl/v)
    """
    measured = _Checker(units, where).measure(expression)
    if measured.exponents is not None and measured.exponents != target.exponents:
        raise UnitError(
            f"a value in {target.symbol} ({describe(target.exponents)})",
            found=f"{expression}, which is in {describe(measured.exponents)}",
            where=where,
            mend="correct the expression or a unit",
        )
    return _scaled(measured, target.scale, where)


def per_day(unit: CompoundUnit) -> CompoundUnit:
    """The unit's rate of change.

    Examples
    --------
    >>> from oncovivo.mechanism.dimensions import parse_compound_unit
    >>> per_day(parse_compound_unit("mm³")).symbol
    'mm³/day'
    """
    day = CompoundUnit(symbol="day", exponents=_DAY, scale=Fraction(1))
    return ratio_unit(unit, day)


def ratio_unit(above: CompoundUnit, below: CompoundUnit) -> CompoundUnit:
    """The unit of one quantity over another."""
    length, mass, time, amount, dose, count = (
        a - b for a, b in zip(above.exponents, below.exponents, strict=True)
    )
    bracketed = f"({below.symbol})" if any(sign in below.symbol for sign in "/·") else below.symbol
    return CompoundUnit(
        symbol=f"{above.symbol}/{bracketed}",
        exponents=(length, mass, time, amount, dose, count),
        scale=above.scale / below.scale,
    )


_DAY: Final[Exponents] = (
    Fraction(0),
    Fraction(0),
    Fraction(1),
    Fraction(0),
    Fraction(0),
    Fraction(0),
)


def _scaled(measured: _Measured, scale: Fraction, where: str) -> Expression:
    """The tree with values in units of another size."""
    if measured.exponents is None:
        return measured.tree
    ratio = measured.scale / scale
    if not _SMALLEST < ratio < 1 / _SMALLEST:
        raise _out_of_range(measured.tree, where)
    if abs(float(ratio) - 1.0) < _SAME_FACTOR:
        return measured.tree
    return times(number(float(ratio)), measured.tree)


def _out_of_range(tree: Expression, where: str) -> UnitError:
    """The error for units whose factors no float holds."""
    return UnitError(
        "units whose sizes differ by less than 1e200",
        found=str(tree),
        where=where,
        mend="write smaller powers, or divide by a quantity of the same kind",
    )


class _Checker:
    """Walks one expression."""

    def __init__(self, units: Mapping[str, CompoundUnit], where: str) -> None:
        self._units = units
        self._where = where

    def measure(self, node: Expression) -> _Measured:
        """What a node measures."""
        match node:
            case Number(value):
                return _Measured(node, None if value == 0.0 else DIMENSIONLESS, Fraction(1))
            case Name(name):
                unit = self._units[name]
                return _Measured(node, unit.exponents, unit.scale)
            case Negate(operand):
                inner = self.measure(operand)
                return _Measured(Negate(inner.tree), inner.exponents, inner.scale)
            case Binary("+" | "-", left, right):
                first, second = self._alike(node, [left, right])
                return self._rebuilt(node, [first, second])
            case Binary("**", base, exponent):
                return self._power(node, base, exponent)
            case Binary("*" | "/" as operator, left, right):
                return self._product(node, self.measure(left), self.measure(right), operator)
            case Call("exp" | "log" | "tanh", (argument,)):
                return _Measured(
                    Call(node.function, (self._pure(argument, node),)), DIMENSIONLESS, Fraction(1)
                )
            case Call("sqrt", (argument,)):
                inner = self.measure(argument)
                return _Measured(
                    Call("sqrt", (inner.tree,)),
                    _raised(inner.exponents, Fraction(1, 2)),
                    self._root(inner, Fraction(1, 2)),
                )
            case _:  # min, max and free_ligand: arguments of one kind
                return self._rebuilt(node, self._alike(node, list(node.children)))

    def _rebuilt(self, node: Expression, parts: list[_Measured]) -> _Measured:
        """An operation on parts of one unit, in that unit."""
        kind = next((part for part in parts if part.exponents is not None), parts[0])
        tree = node.rebuilt(tuple(part.tree for part in parts))
        return _Measured(tree, kind.exponents, kind.scale)

    def _alike(self, node: Expression, children: list[Expression]) -> list[_Measured]:
        """Operands brought to the unit of the first, after a check that they measure one thing."""
        parts = [self.measure(child) for child in children]
        first = next((part for part in parts if part.exponents is not None), None)
        if first is None or first.exponents is None:
            return parts
        for child, part in zip(children, parts, strict=True):
            if part.exponents is not None and part.exponents != first.exponents:
                raise UnitError(
                    f"terms of one kind in {node}",
                    found=f"{describe(first.exponents)} and, with {child}, "
                    f"{describe(part.exponents)}",
                    where=self._where,
                    mend="correct the expression or a unit",
                )
        return [
            _Measured(_scaled(p, first.scale, self._where), p.exponents, first.scale)
            for p in parts
        ]

    def _pure(self, argument: Expression, node: Expression) -> Expression:
        """A tree that must be a pure number, as one of size 1."""
        part = self.measure(argument)
        if part.exponents not in (None, DIMENSIONLESS):
            raise UnitError(
                f"a pure number as {argument} in {node}",
                found=describe(part.exponents or DIMENSIONLESS),
                where=self._where,
                mend="divide by a quantity of the same kind",
            )
        return _scaled(part, Fraction(1), self._where)

    def _power(self, node: Expression, base: Expression, exponent: Expression) -> _Measured:
        """A power: of a pure number by any other, of a quantity by a constant."""
        pure_exponent = self._pure(exponent, node)
        part = self.measure(base)
        if part.exponents in (None, DIMENSIONLESS):
            base_tree = _scaled(part, Fraction(1), self._where)
            return _Measured(Binary("**", base_tree, pure_exponent), DIMENSIONLESS, Fraction(1))
        constant = exponent.constant()
        if constant is None:
            raise UnitError(
                f"a constant exponent for {base}, or a pure number instead of it",
                found=f"{describe(part.exponents or DIMENSIONLESS)} to the power {exponent}",
                where=self._where,
                mend="divide the base by a quantity of the same kind",
            )
        tree = Binary("**", part.tree, pure_exponent)
        return _Measured(tree, _raised(part.exponents, constant), self._root(part, constant))

    def _root(self, part: _Measured, by: Fraction) -> Fraction:
        """Scale of a power, exact where the power is whole."""
        if part.scale == 1 or by.denominator == 1:
            return part.scale**by.numerator if part.scale != 1 else part.scale
        try:
            return Fraction(float(part.scale) ** float(by))
        except OverflowError as err:
            raise _out_of_range(part.tree, self._where) from err

    def _product(
        self, node: Expression, left: _Measured, right: _Measured, operator: str
    ) -> _Measured:
        """A product or quotient; its scale is the product or quotient of scales."""
        tree = node.rebuilt((left.tree, right.tree))
        a, b = left.exponents or DIMENSIONLESS, right.exponents or DIMENSIONLESS
        sign = 1 if operator == "*" else -1
        length, mass, time, amount, dose, count = (x + sign * y for x, y in zip(a, b, strict=True))
        scale = left.scale * right.scale if operator == "*" else left.scale / right.scale
        return _Measured(tree, (length, mass, time, amount, dose, count), scale)


def _raised(exponents: Exponents | None, by: Fraction) -> Exponents | None:
    """Exponents of a power."""
    if exponents is None:
        return None
    length, mass, time, amount, dose, count = (power * by for power in exponents)
    return (length, mass, time, amount, dose, count)
