"""Expressions of a model: read from text into a tree, evaluated, derived and printed.

The language is small on purpose: numbers, names, ``+ - * / **``, brackets and the functions of
:data:`FUNCTIONS`. It has no comparison, no attribute, no index and no text, so a file from
elsewhere can describe a model and do nothing else. A tree is the only thing that other parts of
the package translate (into numpy code, SBML or rxode2 text).
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = [
    "FUNCTIONS",
    "Binary",
    "Call",
    "Expression",
    "Name",
    "Negate",
    "Number",
    "free_ligand",
    "parse",
]

Array: TypeAlias = NDArray[np.float64]
Operator: TypeAlias = Literal["+", "-", "*", "/", "**"]

LONGEST_TEXT: Final = 2000
"""Characters; the longest rate of the shipped blocks has about 150."""

LONGEST_NAME: Final = 64
DEEPEST_TREE: Final = 60
MOST_WORDS: Final = 300
"""Numbers, names and signs: a long sum is a deep tree, and its derivative is deeper."""

LARGEST_EXPONENT: Final = 100.0
"""Beyond it a power is a slip of the pen, and its value no finite number."""

_ADD, _MULTIPLY, _NEGATE, _POWER, _ATOM = 1, 2, 3, 4, 5
_LEVEL: Final[dict[Operator, int]] = {
    "+": _ADD,
    "-": _ADD,
    "*": _MULTIPLY,
    "/": _MULTIPLY,
    "**": _POWER,
}


def free_ligand(total: ArrayLike, sites: ArrayLike, kd: ArrayLike) -> Array:
    """Concentration of free ligand in equilibrium with a tight binder (Morrison's quadratic).

    Solves ``free + sites·free/(kd + free) = total``. The root is computed without subtracting
    nearly equal numbers, so that traces of free ligand beside a large binder keep their digits.

    Parameters
    ----------
    total : array_like, shape (...)
        Total ligand, not negative.
    sites : array_like, shape (...)
        Total binding sites, not negative, in the unit of `total`.
    kd : array_like, shape (...)
        Dissociation constant, positive, in the unit of `total`.

    Returns
    -------
    ndarray, shape (...)
        Free ligand in the same unit.

    Examples
    --------
    >>> round(float(free_ligand(1.0, 100.0, 0.2)), 9)
    0.002016088
    """
    ligand = np.asarray(total, dtype=np.float64)
    constant = np.asarray(kd, dtype=np.float64)
    excess = np.asarray(sites, dtype=np.float64) + constant - ligand
    product = constant * ligand
    larger = 0.5 * (np.abs(excess) + np.sqrt(excess * excess + 4.0 * product))
    divisor = np.where(larger > 0.0, larger, 1.0)
    return np.where(excess > 0.0, product / divisor, larger)


def _select(left: ArrayLike, right: ArrayLike, yes: ArrayLike, no: ArrayLike) -> Array:
    """`yes` where `left` ≤ `right`, else `no`: the derivative of min and max."""
    return np.where(np.less_equal(left, right), yes, no)


@dataclass(frozen=True, slots=True)
class _Function:
    """One function of the language: its number of arguments and its numpy counterpart."""

    arguments: int
    compute: Callable[..., object]
    python: str


_KNOWN: Final[dict[str, _Function]] = {
    "exp": _Function(1, np.exp, "exp"),
    "log": _Function(1, np.log, "log"),
    "sqrt": _Function(1, np.sqrt, "sqrt"),
    "tanh": _Function(1, np.tanh, "tanh"),
    "min": _Function(2, np.minimum, "minimum"),
    "max": _Function(2, np.maximum, "maximum"),
    "free_ligand": _Function(3, free_ligand, "free_ligand"),
    # Only derivatives hold it: a file cannot write a comparison.
    "select": _Function(4, _select, "select"),
}

FUNCTIONS: Final = tuple(name for name in _KNOWN if name != "select")
"""The functions that a file may call."""

PYTHON_FUNCTIONS: Final[Mapping[str, Callable[..., object]]] = {
    known.python: known.compute for known in _KNOWN.values()
}
"""What the text of :meth:`Expression.to_python` calls."""


class Expression(ABC):
    """A node of a tree; the tree below it is the expression.

    Trees are frozen and equal when they are written alike. ``str`` gives the canonical text, which
    :func:`parse` reads back into an equal tree.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def children(self) -> tuple[Expression, ...]:
        """The operands, from left to right."""

    @abstractmethod
    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same operation on other operands."""

    @abstractmethod
    def derivative(self, name: str) -> Expression:
        """Partial derivative with respect to a name, all other names held.

        Examples
        --------
        >>> print(parse("k*x**2").derivative("x"))
        k*(2*x)
        """

    @abstractmethod
    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        """Text and its level of binding; with `python` as code over renamed names."""

    @abstractmethod
    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        """Value with numpy, without guarding against bad numbers."""

    def __str__(self) -> str:
        return self._text(None)[0]

    def nodes(self) -> Iterator[Expression]:
        """Every node of the tree, this one first."""
        pending: list[Expression] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))

    def names(self) -> frozenset[str]:
        """The names that the expression uses.

        Examples
        --------
        >>> sorted(parse("k2*c*x + exp(k2)").names())
        ['c', 'k2', 'x']
        """
        return frozenset(node.id for node in self.nodes() if isinstance(node, Name))

    def substitute(self, replacements: Mapping[str, Expression]) -> Expression:
        """The expression with names replaced by expressions, all at once.

        Examples
        --------
        >>> print(parse("a*b").substitute({"a": parse("b + 1")}))
        (b + 1)*b
        """
        if isinstance(self, Name):
            return replacements.get(self.id, self)
        if not self.children:
            return self
        return self.rebuilt(tuple(child.substitute(replacements) for child in self.children))

    def evaluate(self, values: Mapping[str, ArrayLike]) -> Array:
        """Value for numbers or arrays, which broadcast against each other.

        A value outside the domain of a function gives NaN or infinity, as in numpy, without a
        warning: the caller decides what a bad number means.

        Parameters
        ----------
        values : mapping of str to array_like, shape (...)
            One entry for each of :meth:`names`.

        Raises
        ------
        InputError
            If a name has no value.

        Examples
        --------
        >>> parse("a + 2**b").evaluate({"a": [1.0, 2.0], "b": 3.0})
        array([ 9., 10.])
        """
        missing = sorted(self.names() - values.keys())
        if missing:
            raise InputError("a value for each name", found=f"none for {missing[0]}")
        arrays = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
        with np.errstate(all="ignore"):
            return np.asarray(self._value(arrays), dtype=np.float64)

    def to_python(self, rename: Callable[[str], str]) -> str:
        """Python code of the expression over numpy's functions.

        Parameters
        ----------
        rename : callable
            Gives the code for a name; the code calls the names of numpy functions, ``free_ligand``
            and ``select`` (:data:`PYTHON_FUNCTIONS`).

        Examples
        --------
        >>> parse("max(x, 0)**2").to_python(lambda name: f"v_{name}")
        'maximum(v_x, 0.0)**2.0'
        """
        return self._text(rename)[0]

    def constant(self) -> Fraction | None:
        """The exact value of an expression of numbers and + - * / alone, else None.

        Examples
        --------
        >>> parse("2/3").constant()
        Fraction(2, 3)
        >>> parse("2*k").constant()
        """
        return None


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number, finite and not negative; it has no unit."""

    value: float

    @property
    def children(self) -> tuple[Expression, ...]:
        """None."""
        return ()

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """Itself."""
        return self

    def derivative(self, name: str) -> Expression:
        """Zero."""
        return _ZERO

    def constant(self) -> Fraction | None:
        """The value; a decimal is meant as it is written."""
        return Fraction(repr(self.value))

    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        whole = repr(self.value)
        return (whole if python else whole.removesuffix(".0")), _ATOM

    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        return np.float64(self.value)


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A state, parameter or other quantity of the model."""

    id: str

    @property
    def children(self) -> tuple[Expression, ...]:
        """None."""
        return ()

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """Itself."""
        return self

    def derivative(self, name: str) -> Expression:
        """One for the name itself, else zero."""
        return _ONE if name == self.id else _ZERO

    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        return (python(self.id) if python else self.id), _ATOM

    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        return values[self.id]


@dataclass(frozen=True, slots=True)
class Negate(Expression):
    """Minus the operand."""

    operand: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        """The operand."""
        return (self.operand,)

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """Minus another operand."""
        return Negate(*children)

    def derivative(self, name: str) -> Expression:
        """Minus the derivative."""
        return negative(self.operand.derivative(name))

    def constant(self) -> Fraction | None:
        """Minus the constant."""
        value = self.operand.constant()
        return None if value is None else -value

    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        return f"-{_bracketed(self.operand, _NEGATE, python)}", _NEGATE

    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        return np.negative(np.asarray(self.operand._value(values)))


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Two operands and what is done with them."""

    operator: Operator
    left: Expression
    right: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        """Left and right."""
        return (self.left, self.right)

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same operation on two others."""
        return Binary(self.operator, *children)

    def derivative(self, name: str) -> Expression:
        """By the rule of the operation."""
        a, b = self.left, self.right
        da, db = a.derivative(name), b.derivative(name)
        match self.operator:
            case "+":
                return plus(da, db)
            case "-":
                return minus(da, db)
            case "*":
                return plus(times(da, b), times(a, db))
            case "/":
                return minus(over(da, b), over(times(a, db), power(b, Number(2.0))))
            case "**":
                # Where only one side depends on the name, the other's logarithm or division by
                # the base, which fail at zero, are left out.
                by_base = times(times(b, power(a, minus(b, _ONE))), da)
                by_exponent = times(times(power(a, b), _call("log", a)), db)
                if db == _ZERO:
                    return by_base
                return plus(by_base, by_exponent) if da != _ZERO else by_exponent

    def constant(self) -> Fraction | None:
        """The exact value, powers left out."""
        a, b = self.left.constant(), self.right.constant()
        if a is None or b is None:
            return None
        match self.operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/":
                return a / b if b else None
            case "**":
                return None

    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        level = _LEVEL[self.operator]
        if self.operator == "**":
            # A power binds its left side closest; a sign may stand in the exponent.
            left = _bracketed(self.left, _ATOM, python)
            right = _bracketed(self.right, _NEGATE, python)
        else:
            left = _bracketed(self.left, level, python)
            right = _bracketed(self.right, level + 1, python)
        space = " " if level == _ADD else ""
        return f"{left}{space}{self.operator}{space}{right}", level

    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        left, right = self.left._value(values), self.right._value(values)
        return _COMPUTE[self.operator](left, right)


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of the language and its arguments."""

    function: str
    arguments: tuple[Expression, ...]

    @property
    def children(self) -> tuple[Expression, ...]:
        """The arguments."""
        return self.arguments

    def rebuilt(self, children: tuple[Expression, ...]) -> Expression:
        """The same function of other arguments."""
        return Call(self.function, children)

    def derivative(self, name: str) -> Expression:
        """By the rule of the function; min and max are split where their arguments meet."""
        total: Expression = _ZERO
        inner = [argument.derivative(name) for argument in self.arguments]
        if self.function in ("min", "max"):
            a, b = self.arguments
            if self.function == "max":
                a, b = b, a
            return _choice(a, b, *inner)
        if self.function == "select":
            return _choice(*self.arguments[:2], *inner[2:])
        for partial, slope in zip(self._partials(), inner, strict=True):
            total = plus(total, times(partial, slope))
        return total

    def _partials(self) -> tuple[Expression, ...]:
        """Derivative with respect to each argument."""
        a = self.arguments[0]
        match self.function:
            case "exp":
                return (self,)
            case "log":
                return (over(_ONE, a),)
            case "sqrt":
                return (over(Number(0.5), self),)
            case "tanh":
                return (minus(_ONE, power(self, Number(2.0))),)
            case _:  # free_ligand, by the implicit function theorem on free + bound = total
                _, sites, kd = self.arguments
                mixed = plus(kd, self)
                slope = plus(_ONE, over(times(sites, kd), power(mixed, Number(2.0))))
                return (
                    over(_ONE, slope),
                    negative(over(over(self, mixed), slope)),
                    over(over(times(sites, self), power(mixed, Number(2.0))), slope),
                )

    def _text(self, python: Callable[[str], str] | None) -> tuple[str, int]:
        inner = ", ".join(argument._text(python)[0] for argument in self.arguments)
        name = _KNOWN[self.function].python if python else self.function
        return f"{name}({inner})", _ATOM

    def _value(self, values: Mapping[str, ArrayLike]) -> object:
        arguments = [argument._value(values) for argument in self.arguments]
        return _KNOWN[self.function].compute(*arguments)


_COMPUTE: Final[dict[Operator, Callable[..., object]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}
_ZERO: Final = Number(0.0)
_ONE: Final = Number(1.0)


def _bracketed(node: Expression, level: int, python: Callable[[str], str] | None) -> str:
    """Text of an operand, in brackets where its own operation binds less than the place needs."""
    text, own = node._text(python)
    return text if own >= level else f"({text})"


def number(value: float) -> Expression:
    """The tree of a finite number of either sign."""
    return Number(value) if value >= 0 else Negate(Number(-value))


def negative(a: Expression) -> Expression:
    """Minus `a`, without a double sign."""
    if a == _ZERO:
        return a
    return a.operand if isinstance(a, Negate) else Negate(a)


def plus(a: Expression, b: Expression) -> Expression:
    """``a + b`` without zeros."""
    if a == _ZERO:
        return b
    if b == _ZERO:
        return a
    return Binary("-", a, b.operand) if isinstance(b, Negate) else Binary("+", a, b)


def minus(a: Expression, b: Expression) -> Expression:
    """``a - b`` without zeros; two numbers become one."""
    if b == _ZERO:
        return a
    if a == _ZERO:
        return negative(b)
    if isinstance(a, Number) and isinstance(b, Number):
        return number(a.value - b.value)
    return Binary("+", a, b.operand) if isinstance(b, Negate) else Binary("-", a, b)


def times(a: Expression, b: Expression) -> Expression:
    """``a*b`` without zeros and ones."""
    if _ZERO in (a, b):
        return _ZERO
    if a == _ONE:
        return b
    if b == _ONE:
        return a
    if isinstance(a, Negate):
        return negative(times(a.operand, b))
    return negative(times(a, b.operand)) if isinstance(b, Negate) else Binary("*", a, b)


def over(a: Expression, b: Expression) -> Expression:
    """``a/b`` without zeros above and ones below."""
    if b == _ONE or (a == _ZERO and b != _ZERO):
        return a
    return negative(over(a.operand, b)) if isinstance(a, Negate) else Binary("/", a, b)


def power(a: Expression, b: Expression) -> Expression:
    """``a**b`` without the exponents zero and one."""
    if b == _ZERO:
        return _ONE
    return a if b == _ONE else Binary("**", a, b)


def _call(function: str, *arguments: Expression) -> Expression:
    """A call of a function."""
    return Call(function, arguments)


def _choice(a: Expression, b: Expression, yes: Expression, no: Expression) -> Expression:
    """`yes` where ``a <= b``, else `no`; simply one of them where both are the same."""
    return yes if yes == no else _call("select", a, b, yes, no)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\*\*|[-+*/(),]))"
)

_HINTS: Final[dict[str, str]] = {
    "^": "write ** for a power",
    "<": "write min or max instead of a comparison",
    ">": "write min or max instead of a comparison",
    "=": "write the right-hand side alone",
    ".": "write a number with digits around the point, and names without points",
    "[": "number states in their names: x1",
    "_": "begin a name with a letter",
}


class _Reader:
    """Precedence climbing over the tokens of one text."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._where = where
        self._tokens = self._split()
        self._at = 0

    def read(self) -> Expression:
        """The tree of the whole text."""
        tree = self._operation(_ADD, 0)
        kind, word, place = self._tokens[self._at]
        if kind != "end":
            self._refuse("an operator between two operands", word, place)
        return tree

    def _split(self) -> list[tuple[str, str, int]]:
        """Kind, word and place of every token, with one more for the end."""
        tokens = []
        place, text = 0, self._text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                rest = text[place:].lstrip()
                start = len(text) - len(rest)
                expected = "numbers, names, + - * / **, brackets and commas"
                self._refuse(expected, rest[:1], start, rest[:1])
            kind = str(found.lastgroup)
            word = found.group(kind)
            if kind == "name" and (word.startswith("_") or len(word) > LONGEST_NAME):
                self._refuse(
                    f"a name of at most {LONGEST_NAME} letters, digits and underscores that "
                    "begins with a letter",
                    word,
                    place,
                    "_",
                )
            tokens.append((kind, word, found.start(kind)))
            place = found.end()
        if len(tokens) > MOST_WORDS:
            self._refuse(f"at most {MOST_WORDS} numbers, names and signs", str(len(tokens)), 0)
        return [*tokens, ("end", "the end", place)]

    def _operation(self, level: int, depth: int) -> Expression:
        """Operands joined by operators that bind at least as much as `level`."""
        if depth > DEEPEST_TREE:
            self._refuse(f"at most {DEEPEST_TREE} nested operations", "more", 0)
        left = self._signed(depth)
        while True:
            kind, word, _ = self._tokens[self._at]
            operator = _operator(word) if kind == "sign" else None
            if operator is None or _LEVEL[operator] < level or operator == "**":
                return left
            self._at += 1
            right = self._operation(_LEVEL[operator] + 1, depth + 1)
            left = Binary(operator, left, right)

    def _signed(self, depth: int) -> Expression:
        """A power, with signs before it."""
        if depth > DEEPEST_TREE:
            self._refuse(f"at most {DEEPEST_TREE} nested operations", "more", 0)
        _, word, _ = self._tokens[self._at]
        if word == "-":
            self._at += 1
            return Negate(self._signed(depth + 1))
        if word == "+":
            self._at += 1
            return self._signed(depth + 1)
        base = self._atom(depth)
        _, word, place = self._tokens[self._at]
        if word != "**":
            return base
        self._at += 1
        exponent = self._signed(depth + 1)
        if not exponent.names():
            size = abs(float(exponent.evaluate({})))
            if not size <= LARGEST_EXPONENT:
                self._refuse(f"an exponent of at most {LARGEST_EXPONENT:g}", str(exponent), place)
        return Binary("**", base, exponent)

    def _atom(self, depth: int) -> Expression:
        """A number, a name, a call or brackets."""
        kind, word, place = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            value = float(word)
            if not math.isfinite(value):
                self._refuse("a finite number", word, place)
            return Number(value)
        if kind == "name":
            if self._tokens[self._at][1] == "(":
                return self._called(word, place, depth)
            return Name(word)
        if word == "(":
            inner = self._operation(_ADD, depth + 1)
            self._expect(")")
            return inner
        return self._refuse("a number, a name or an opening bracket", word, place)

    def _called(self, word: str, place: int, depth: int) -> Expression:
        """A call, its number of arguments checked."""
        if word not in FUNCTIONS:
            self._refuse("one of the functions " + ", ".join(FUNCTIONS), f"{word}(", place)
        self._at += 1
        arguments = [self._operation(_ADD, depth + 1)]
        while self._tokens[self._at][1] == ",":
            self._at += 1
            arguments.append(self._operation(_ADD, depth + 1))
        self._expect(")")
        wanted = _KNOWN[word].arguments
        if len(arguments) != wanted:
            self._refuse(f"{wanted} argument(s) of {word}", str(len(arguments)), place)
        return Call(word, tuple(arguments))

    def _expect(self, sign: str) -> None:
        """Step over a sign that must come now."""
        _, word, place = self._tokens[self._at]
        if word != sign:
            self._refuse(f"{sign!r}", word, place)
        self._at += 1

    def _refuse(self, expected: str, found: str, place: int, hint: str = "") -> NoReturn:
        """Stop with the place in the text."""
        shown = repr(found) if found != "the end" else found
        raise InputError(
            expected,
            found=f"{shown} at character {place + 1} of {self._text!r}",
            where=self._where,
            mend=_HINTS.get(hint, ""),
        )


def _operator(word: str) -> Operator | None:
    """The word as an operator, when it is one."""
    match word:
        case "+" | "-" | "*" | "/" | "**":
            return word
        case _:
            return None


def parse(text: str, where: str = "") -> Expression:
    """Tree of an expression's text.

    Parameters
    ----------
    text : str
        At most 2000 characters, nested at most 60 deep; see the module for the language.
    where : str, optional
        File and entry, for the message.

    Raises
    ------
    InputError
        If the text is anything but an expression of the language.

    Examples
    --------
    >>> print(parse("growth*x1 / (1 + (x1/l)**psi)**(1/psi) - k2 * c"))
    growth*x1/(1 + (x1/l)**psi)**(1/psi) - k2*c
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(
            f"an expression of at most {LONGEST_TEXT} characters",
            found=f"{len(text)}",
            where=where,
            mend="name a part of it as an algebraic",
        )
    return _Reader(text, where).read()
