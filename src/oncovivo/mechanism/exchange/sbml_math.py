"""Expressions as MathML of SBML, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from oncovivo.errors import InputError
from oncovivo.mechanism.exchange.libraries import Untyped
from oncovivo.mechanism.expressions import (
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    minus,
    negative,
    number,
    over,
    plus,
    power,
    times,
)

__all__ = ["FREE_LIGAND", "MathReader", "math_tree", "uses_function"]

FREE_LIGAND: Final = (
    "lambda(total, sites, kd, piecewise("
    "2*kd*total/(sites + kd - total + sqrt((sites + kd - total)^2 + 4*kd*total)), "
    "sites + kd - total > 0, "
    "0.5*(total - sites - kd + sqrt((sites + kd - total)^2 + 4*kd*total))))"
)
"""The root of Morrison's quadratic without cancellation, for programs that do not have it."""

_DEEPEST: Final = 150
"""Nested operations; what holds them walks trees by recursion."""
_LARGEST_WHOLE: Final = 2**31


def uses_function(tree: Expression, function: str) -> bool:
    """Whether an expression calls a function."""
    return any(isinstance(node, Call) and node.function == function for node in tree.nodes())


def math_tree(library: Untyped, tree: Expression) -> Untyped:
    """An expression as a tree of libSBML, which its caller owns.

    Parameters
    ----------
    library : module
        libSBML.
    tree : Expression
        Over identifiers of the SBML model.
    """
    match tree:
        case Number(value):
            node = library.ASTNode()
            whole = value.is_integer() and value < _LARGEST_WHOLE
            node.setValue(int(value) if whole else value)
            return node
        case Name("time"):
            node = library.ASTNode(library.AST_NAME_TIME)
            node.setName("time")
            return node
        case Name(name):
            node = library.ASTNode(library.AST_NAME)
            node.setName(name)
            return node
        case Negate():
            node = library.ASTNode(library.AST_MINUS)
        case Binary(operator):
            kinds = {
                "+": library.AST_PLUS,
                "-": library.AST_MINUS,
                "*": library.AST_TIMES,
                "/": library.AST_DIVIDE,
                "**": library.AST_FUNCTION_POWER,
            }
            node = library.ASTNode(kinds[operator])
        case Call("sqrt", (argument,)):
            node = library.ASTNode(library.AST_FUNCTION_ROOT)
            node.addChild(math_tree(library, Number(2.0)))
            node.addChild(math_tree(library, argument))
            return node
        case Call(function):
            known = {
                "exp": library.AST_FUNCTION_EXP,
                "log": library.AST_FUNCTION_LN,
                "tanh": library.AST_FUNCTION_TANH,
                "min": library.AST_FUNCTION_MIN,
                "max": library.AST_FUNCTION_MAX,
            }
            node = library.ASTNode(known.get(function, library.AST_FUNCTION))
            if function not in known:
                node.setName(function)
    for child in tree.children:
        node.addChild(math_tree(library, child))
    return node


@dataclass(frozen=True, slots=True, kw_only=True)
class MathReader:
    """Reads trees of libSBML.

    Parameters
    ----------
    library : module
        libSBML.
    functions : mapping of str to object
        Lambda of each function that the model defines.
    names : mapping of str to Expression
        What stands for an identifier; one that is not among them stands for itself.
    time : Expression
        What stands for the time of the model.
    where : str
        File and element for messages.
    """

    library: Untyped
    functions: Mapping[str, Untyped]
    names: Mapping[str, Expression] = field(default_factory=dict)
    time: Expression = field(default_factory=lambda: Name("time"))
    where: str = ""

    def within(self, place: str, names: Mapping[str, Expression] | None = None) -> MathReader:
        """The reader for an element, with names of its own."""
        own = {} if names is None else names
        return replace(self, where=f"{self.where} {place}", names={**self.names, **own})

    def read(self, node: Untyped, depth: int = 0) -> Expression:
        """The expression of a tree.

        Raises
        ------
        InputError
            If it holds what the language has not; the message names it.
        """
        library = self.library
        if node is None:
            raise InputError("a formula", found="none", where=self.where)
        if depth > _DEEPEST:
            raise InputError(f"at most {_DEEPEST} nested operations", where=self.where)
        kind = node.getType()
        if node.isNumber():
            return self._number(node)
        if kind == library.AST_NAME_TIME:
            return self.time
        if kind == library.AST_NAME:
            return self.names.get(node.getName(), Name(node.getName()))
        if kind == library.AST_CONSTANT_PI:
            return Number(math.pi)
        if kind == library.AST_CONSTANT_E:
            return Number(math.e)
        if kind == library.AST_FUNCTION:
            return self._called(node, depth)
        if kind == library.AST_FUNCTION_PIECEWISE:
            return self._pieces(node, depth)
        operands = self._known(node)
        if depth + len(operands) > _DEEPEST:
            raise InputError(
                f"at most {_DEEPEST} nested operations and terms",
                found=str(depth + len(operands)),
                where=self.where,
            )
        return self._joined(node, [self.read(node.getChild(at), depth + 1) for at in operands])

    def _number(self, node: Untyped) -> Expression:
        """A finite number."""
        whole = node.getType() == self.library.AST_INTEGER
        value = float(node.getInteger() if whole else node.getReal())
        if not math.isfinite(value):
            raise InputError("finite numbers in formulas", found=str(value), where=self.where)
        return number(value)

    def _known(self, node: Untyped) -> range:
        """Places of the operands, where the operation is one that the language has."""
        library = self.library
        readable = {
            library.AST_PLUS,
            library.AST_MINUS,
            library.AST_TIMES,
            library.AST_DIVIDE,
            library.AST_POWER,
            library.AST_FUNCTION_POWER,
            library.AST_FUNCTION_ROOT,
            library.AST_FUNCTION_EXP,
            library.AST_FUNCTION_LN,
            library.AST_FUNCTION_LOG,
            library.AST_FUNCTION_TANH,
            library.AST_FUNCTION_MIN,
            library.AST_FUNCTION_MAX,
            library.AST_FUNCTION_ABS,
        }
        count = node.getNumChildren()
        if node.getType() not in readable:
            raise InputError(
                "+ - * /, powers, roots, exp, ln, log, tanh, abs, min, max and piecewise",
                found=self._text(node),
                where=self.where,
            )
        if not count and node.getType() not in (library.AST_PLUS, library.AST_TIMES):
            raise InputError("operands", found=self._text(node), where=self.where)
        return range(count)

    def _joined(self, node: Untyped, parts: list[Expression]) -> Expression:
        """An operation on operands that are read."""
        library, kind = self.library, node.getType()
        if kind == library.AST_PLUS:
            return _folded(plus, parts, Number(0.0))
        if kind == library.AST_TIMES:
            return _folded(times, parts, Number(1.0))
        if kind == library.AST_MINUS:
            return negative(parts[0]) if len(parts) == 1 else minus(*parts)
        if kind == library.AST_DIVIDE:
            return over(*parts)
        if kind in (library.AST_POWER, library.AST_FUNCTION_POWER):
            return power(*parts)
        if kind == library.AST_FUNCTION_ROOT:
            if len(parts) == 1 or parts[0] == Number(2.0):
                return Call("sqrt", (parts[-1],))
            return power(parts[1], over(Number(1.0), parts[0]))
        if kind == library.AST_FUNCTION_LOG:
            base = parts[0] if len(parts) == 2 else Number(10.0)
            return over(Call("log", (parts[-1],)), Call("log", (base,)))
        if kind == library.AST_FUNCTION_ABS:
            return Call("max", (parts[0], negative(parts[0])))
        if kind in (library.AST_FUNCTION_MIN, library.AST_FUNCTION_MAX):
            word = "min" if kind == library.AST_FUNCTION_MIN else "max"
            return _folded(lambda a, b: Call(word, (a, b)), parts[1:], parts[0])
        word = {library.AST_FUNCTION_EXP: "exp", library.AST_FUNCTION_LN: "log"}.get(kind, "tanh")
        return Call(word, (parts[0],))

    def _pieces(self, node: Untyped, depth: int) -> Expression:
        """Values under conditions, each one comparison; of times they would be events."""
        library = self.library
        count = node.getNumChildren()
        if count % 2 == 0:
            raise InputError("a value otherwise", found=self._text(node), where=self.where)
        chosen = self.read(node.getChild(count - 1), depth + 1)
        for at in range(count - 3, -1, -2):
            value = self.read(node.getChild(at), depth + 1)
            condition = node.getChild(at + 1)
            kind = condition.getType()
            # ``select(a, b, yes, no)`` is `yes` where a <= b.
            ways = {
                library.AST_RELATIONAL_LEQ: (0, 1, value, chosen),
                library.AST_RELATIONAL_GEQ: (1, 0, value, chosen),
                library.AST_RELATIONAL_LT: (1, 0, chosen, value),
                library.AST_RELATIONAL_GT: (0, 1, chosen, value),
            }
            if kind not in ways or condition.getNumChildren() != 2:
                raise InputError(
                    "one comparison with < <= > >= in piecewise",
                    found=self._text(condition),
                    where=self.where,
                )
            first, second, yes, no = ways[kind]
            a = self.read(condition.getChild(first), depth + 1)
            b = self.read(condition.getChild(second), depth + 1)
            if (a.names() | b.names()) & self.time.names():
                raise InputError(
                    "piecewise that does not ask for the time",
                    found=self._text(condition),
                    where=self.where,
                    mend="write it as an event",
                )
            chosen = Call("select", (a, b, yes, no))
        return chosen

    def _called(self, node: Untyped, depth: int) -> Expression:
        """A function of the model with its arguments put in."""
        name = node.getName()
        definition = self.functions.get(name)
        if definition is None:
            raise InputError("functions that the model defines", found=name, where=self.where)
        body = definition.getChild(definition.getNumChildren() - 1)
        own = [definition.getChild(at).getName() for at in range(definition.getNumChildren() - 1)]
        given = [self.read(node.getChild(at), depth + 1) for at in range(node.getNumChildren())]
        if len(own) != len(given):
            raise InputError(
                f"{len(own)} arguments of {name}", found=str(len(given)), where=self.where
            )
        if self._is_free_ligand(definition):
            return Call("free_ligand", tuple(given))
        inner = replace(
            self,
            names=dict(zip(own, given, strict=True)),
            where=f"{self.where} function {name}",
        )
        return inner.read(body, depth + 1)

    def _is_free_ligand(self, definition: Untyped) -> bool:
        """Whether a function is the one that :data:`FREE_LIGAND` writes."""
        ours = self.library.parseL3Formula(FREE_LIGAND)
        return bool(self._text(definition) == self._text(ours))

    def _text(self, node: Untyped) -> str:
        """A formula for messages and comparisons."""
        return str(self.library.formulaToL3String(node))


def _folded(
    join: Callable[[Expression, Expression], Expression],
    parts: list[Expression],
    start: Expression,
) -> Expression:
    """Parts joined from left to right."""
    total = start
    for part in parts:
        total = join(total, part)
    return total
