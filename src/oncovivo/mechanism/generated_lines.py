"""Expressions as lines of code with one operation each: equal parts are worked out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from oncovivo.mechanism.expressions import Binary, Call, Expression, Name, Negate, Number

__all__ = ["CodeLines"]

# Whole powers up to this are products.
_MOST_FACTORS: Final = 8
_WHOLE: Final = {repr(float(power)): power for power in range(2, _MOST_FACTORS + 1)}
_FUNCTIONS: Final[Mapping[str, str]] = {"min": "minimum", "max": "maximum"}


class CodeLines:
    """Lines ``v7 = v3*v5`` for trees.

    Parameters
    ----------
    definitions : mapping of str to Expression
        What names of the model stand for that are no arguments.
    arguments : mapping of str to str
        Local names of the others.
    static : set of str
        Local names of what does not change with time; the parts that depend on them alone are
        lines of :attr:`head`, the others of :attr:`body`.
    """

    def __init__(
        self,
        definitions: Mapping[str, Expression],
        arguments: Mapping[str, str],
        static: frozenset[str],
    ) -> None:
        self._definitions = definitions
        self._arguments = arguments
        self._static = set(static)
        # Local names by what is worked out, and by what it is called in the model.
        self._by_code: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._count = 0
        self.head: list[str] = []
        self.body: list[str] = []
        self.used: set[str] = set()
        """What lines of the body read, and what stands for a tree."""
        self.arguments_read: set[str] = set()
        """Arguments that any line reads."""

    def begin_body(self) -> None:
        """Begin another stretch of code: it shares nothing with the last but the head."""
        self.body, self.used = [], set()
        for known in (self._by_code, self._by_name):
            for key in [key for key, local in known.items() if not self._is_static(local)]:
                del known[key]

    def local(self, tree: Expression) -> str:
        """The local name, or number, of what a tree gives; what it takes is written."""
        code = self._code(tree)
        self.used.add(code)
        return code

    def _code(self, tree: Expression) -> str:
        if isinstance(tree, Number):
            return repr(tree.value)
        if isinstance(tree, Name):
            return self._named(tree.id)
        operands = [self._code(child) for child in tree.children]
        match tree:
            case Negate():
                return self._line(f"-{operands[0]}", operands)
            case Binary(operator):
                return self._binary(operator, *operands)
            case Call(function):
                name = _FUNCTIONS.get(function, function)
                return self._line(f"{name}({', '.join(operands)})", operands)
        raise AssertionError(tree)

    def _named(self, name: str) -> str:
        if name in self._arguments:
            self.arguments_read.add(self._arguments[name])
            return self._arguments[name]
        if name not in self._by_name:
            self._by_name[name] = self._code(self._definitions[name])
        return self._by_name[name]

    def _binary(self, operator: str, left: str, right: str) -> str:
        """One operation, unless it is neutral: sums without terms are 0, products 1."""
        match left, operator, right:
            case ("0.0", "+", other) | ("1.0", "*", other):
                return other
            case (other, "+" | "-", "0.0") | (other, "*" | "/" | "**", "1.0"):
                return other
            case ("0.0", "*", _) | (_, "*", "0.0"):
                return "0.0"
            case ("0.0", "-", other):
                return self._line(f"-{other}", [other])
            case (base, "**", exponent) if exponent in _WHOLE:
                return self._line("*".join([base] * _WHOLE[exponent]), [base])
            case (base, "**", "0.5"):
                return self._line(f"sqrt({base})", [base])
            case (base, "**", exponent):
                return self._line(f"power({base}, {exponent})", [base, exponent])
        return self._line(f"{left}{operator}{right}", [left, right])

    def _line(self, code: str, operands: Sequence[str]) -> str:
        """The local of a line, which is written unless it has been."""
        known = self._by_code.get(code)
        static = all(self._is_static(operand) for operand in operands)
        if known is None:
            known = f"{'p' if static else 'v'}{self._count}"
            self._count += 1
            self._by_code[code] = known
            (self.head if static else self.body).append(f"{known} = {code}")
            if static:
                self._static.add(known)
        if not static:
            self.used.update(operands)
        return known

    def _is_static(self, local: str) -> bool:
        return local in self._static or not local[0].isalpha()
