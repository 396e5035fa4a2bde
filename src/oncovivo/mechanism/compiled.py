"""Numpy functions from trees: one generated function that works on any number of animals at once.

The text of the function is made from trees alone (never from the text of a file), every name in it
is one of ours, and it holds no loop over animals: a quantity is an array over the leading axes.
What depends on parameters alone is computed once per set of parameters, and what occurs twice is
computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError
from oncovivo.mechanism.expressions import (
    PYTHON_FUNCTIONS,
    Binary,
    Call,
    Expression,
    Name,
    Negate,
    Number,
    minus,
    negative,
    over,
    plus,
    times,
)

__all__ = ["BoundFunction", "CompiledFunction", "compile_function"]

Array: TypeAlias = NDArray[np.float64]
BoundFunction: TypeAlias = Callable[[ArrayLike, Array, Array], Array]
"""``(time, state, concentrations) -> values``, for parameters that are already in it."""

_Prepare: TypeAlias = Callable[[Array], tuple[object, ...]]
_Run: TypeAlias = Callable[[ArrayLike, Array, Array, tuple[object, ...]], Array]

_NO_VALUES: Final[Array] = np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFunction:
    """A generated function of time, states, parameters and concentrations.

    ``source`` is its text, for reading and for other processes; ``width`` how many values it
    gives; ``sizes`` how many states, parameters and concentrations it takes.
    """

    source: str
    width: int
    sizes: tuple[int, int, int]
    prepare: _Prepare = field(repr=False, compare=False)
    run: _Run = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Its text, from which another process makes it again."""
        return _from_source, (self.source, self.width, self.sizes)

    def __call__(
        self,
        time: ArrayLike,
        state: ArrayLike,
        parameters: ArrayLike,
        concentrations: ArrayLike | None = None,
    ) -> Array:
        """Values over the broadcast leading axes; bad numbers give NaN or infinity silently.

        Parameters
        ----------
        time : float or array_like, shape (...)
            Days.
        state : array_like, shape (..., n_state)
            In declared units.
        parameters : array_like, shape (..., n_parameter)
            In declared units.
        concentrations : array_like, shape (..., n_concentration), optional
            In declared units; needed if the model has PK.

        Returns
        -------
        ndarray, shape (..., width)
            In declared units.

        Raises
        ------
        InputError
            If a last axis has another length than the model needs.
        """
        states, numbers, others = self.sizes
        none = _NO_VALUES if concentrations is None else concentrations
        given = _checked(none, others, "concentrations")
        values = _checked(state, states, "states")
        with np.errstate(all="ignore"):
            prepared = self.prepare(_checked(parameters, numbers, "parameters"))
            return self.run(time, values, given, prepared)

    def bind(self, parameters: ArrayLike) -> BoundFunction:
        """The function for given parameters, with all that they alone decide computed now.

        Parameters
        ----------
        parameters : array_like, shape (..., n_parameter)
            In declared units.

        Raises
        ------
        InputError
            If the last axis has another length than the model needs.
        """
        with np.errstate(all="ignore"):
            prepared = self.prepare(_checked(parameters, self.sizes[1], "parameters"))

        def bound(time: ArrayLike, state: Array, concentrations: Array) -> Array:
            with np.errstate(all="ignore"):
                return self.run(time, state, concentrations, prepared)

        return bound


def compile_function(
    targets: Sequence[Expression],
    *,
    definitions: Mapping[str, Expression],
    states: Sequence[str],
    parameters: Sequence[str],
    concentrations: Sequence[str],
) -> CompiledFunction:
    """Function that computes expressions.

    Parameters
    ----------
    targets : sequence of Expression, length width
        What is computed, in order.
    definitions : mapping of str to Expression
        Quantities that expressions may name, each defined by earlier ones.
    states, parameters, concentrations : sequence of str
        Names in the order of the last axis of each argument.
    """
    return _Compiler(targets, definitions, states, parameters, concentrations).compile()


def _from_source(source: str, width: int, sizes: tuple[int, int, int]) -> CompiledFunction:
    """The function that a generated text describes."""
    space: dict[str, object] = {
        "__builtins__": {},
        **PYTHON_FUNCTIONS,
        "empty": np.empty,
        "broadcast_shapes": np.broadcast_shapes,
        "shape_of": np.shape,
    }
    # The text holds nothing but our own names, numbers, signs and numpy's functions.
    exec(compile(source, "<model>", "exec"), space)
    prepare: _Prepare = space["prepare"]  # type: ignore[assignment]  # made by exec
    run: _Run = space["run"]  # type: ignore[assignment]  # made by exec
    return CompiledFunction(source=source, width=width, sizes=sizes, prepare=prepare, run=run)


def _checked(values: ArrayLike, size: int, what: str) -> Array:
    """An array whose last axis has the length that is needed."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != size:
        raise InputError(
            f"{size} {what} along the last axis", found=f"an array of shape {array.shape}"
        )
    return array


class _Compiler:
    """Writes the text of one function."""

    def __init__(
        self,
        targets: Sequence[Expression],
        definitions: Mapping[str, Expression],
        states: Sequence[str],
        parameters: Sequence[str],
        concentrations: Sequence[str],
    ) -> None:
        self._targets, folded = _folded(targets, definitions)
        self._definitions = _needed(self._targets, folded)
        self._places = {name: f"state[..., {i}]" for i, name in enumerate(states)}
        self._places |= {n: f"concentrations[..., {i}]" for i, n in enumerate(concentrations)}
        self._parameters = {name: i for i, name in enumerate(parameters)}
        self._sizes = (len(states), len(parameters), len(concentrations))
        self._static = set(parameters)
        for name, tree in self._definitions.items():
            if tree.names() <= self._static:
                self._static.add(name)
        self._prepared: list[str] = []
        self._handed: dict[str, str] = {}
        self._body: list[str] = []
        self._locals: dict[str, str] = {"time": "time"}
        self._shared: dict[int, str] = {}
        self._parts = _Parts([*self._definitions.values(), *self._targets])
        self._static_locals: dict[str, str] = {}

    def compile(self) -> CompiledFunction:
        """Text, made into functions."""
        for name, tree in self._definitions.items():
            if name in self._static:
                local = f"d{len(self._static_locals)}"
                self._prepared.append(f"{local} = {self._static_code(tree)}")
                self._static_locals[name] = local
        for name, tree in self._definitions.items():
            if name not in self._static:
                local = f"a{len(self._locals)}"
                self._body.append(f"{local} = {self._code(tree)}")
                self._locals[name] = local
        assignments = [f"out[..., {i}] = {self._code(t)}" for i, t in enumerate(self._targets)]
        source = self._source(assignments)
        return _from_source(source, len(self._targets), self._sizes)

    def _source(self, assignments: list[str]) -> str:
        """Text of the two functions."""
        handed = list(self._handed.items())
        lines = ["def prepare(parameters):"]
        lines += [f"    {line}" for line in self._prepared]
        values = "".join(f", {code}" for code, _ in handed)
        lines += [f"    return (parameters.shape[:-1]{values},)", ""]
        lines += ["def run(time, state, concentrations, prepared):"]
        names = "".join(f", {local}" for _, local in handed)
        lines += [f"    (shape{names},) = prepared"]
        lines += [
            "    shape = broadcast_shapes(",
            "        shape, shape_of(time), state.shape[:-1], concentrations.shape[:-1]",
            "    )",
            f"    out = empty((*shape, {len(assignments)}))",
        ]
        lines += [f"    {line}" for line in (*self._body, *assignments)]
        return "\n".join([*lines, "    return out", ""])

    def _static_code(self, tree: Expression) -> str:
        """Code inside ``prepare``."""
        return tree.to_python(
            lambda name: (
                self._static_locals[name]
                if name in self._static_locals
                else f"parameters[..., {self._parameters[name]}]"
            )
        )

    def _hand_over(self, code: str) -> str:
        """Local of a prepared value in ``run``."""
        return self._handed.setdefault(code, f"p{len(self._handed)}")

    def _code(self, tree: Expression) -> str:
        """Code inside ``run``; lines for shared parts are written before it."""
        return self._simplified(tree).to_python(lambda local: local)

    def _simplified(self, node: Expression) -> Expression:
        """The tree with locals for names, prepared parts and parts that occur twice."""
        if isinstance(node, Number):
            return node
        part = self._parts.number(node)
        if part in self._shared:
            return Name(self._shared[part])
        names = self._parts.names[part]
        if names and names <= self._static:
            return Name(self._hand_over(self._static_code(node)))
        if isinstance(node, Name):
            if node.id not in self._locals:
                local = f"s{len(self._locals)}"
                self._body.append(f"{local} = {self._places[node.id]}")
                self._locals[node.id] = local
            return Name(self._locals[node.id])
        built = node.rebuilt(tuple(self._simplified(child) for child in node.children))
        if self._parts.uses[part] > 1 and names:
            local = f"t{len(self._shared)}"
            self._body.append(f"{local} = {built.to_python(lambda name: name)}")
            self._shared[part] = local
            return Name(local)
        return built


class _Parts:
    """Numbers for the distinct parts of some trees: parts that are written alike share one.

    ``names`` and ``uses`` are by number: the names of a part, and how many distinct parts it is an
    operand of; being a whole tree counts as one more.
    """

    def __init__(self, trees: Sequence[Expression]) -> None:
        self.names: list[frozenset[str]] = []
        self.uses: Counter[int] = Counter()
        self._numbers: dict[tuple[object, tuple[int, ...]], int] = {}
        self._known: dict[int, tuple[int, Expression]] = {}
        self.uses.update(self.number(tree) for tree in trees)

    def number(self, node: Expression) -> int:
        """The number of a part; the trees of derivatives share most of their objects."""
        known = self._known.get(id(node))
        if known is not None:
            return known[0]
        children = tuple(self.number(child) for child in node.children)
        key = (_label(node), children)
        number = self._numbers.setdefault(key, len(self._numbers))
        if number == len(self.names):
            own = {node.id} if isinstance(node, Name) else set()
            self.names.append(frozenset(own).union(*(self.names[child] for child in children)))
            self.uses.update(children)
        # The node is kept beside its number, so that no other object gets its identity.
        self._known[id(node)] = (number, node)
        return number


def _label(node: Expression) -> tuple[str, object]:
    """What a node is, without its operands."""
    match node:
        case Number(value):
            return "number", value
        case Name(name):
            return "name", name
        case Binary(operator):
            return "binary", operator
        case Call(function):
            return "call", function
        case _:
            return "negate", None


def _folded(
    targets: Sequence[Expression], definitions: Mapping[str, Expression]
) -> tuple[list[Expression], dict[str, Expression]]:
    """The expressions without the constants 0 and 1 that sums and products without terms are."""
    constants: dict[str, Expression] = {}
    folded: dict[str, Expression] = {}
    for name, tree in definitions.items():
        value = _folded_tree(tree, constants)
        if isinstance(value, Number):
            constants[name] = value
        else:
            folded[name] = value
    return [_folded_tree(tree, constants) for tree in targets], folded


def _folded_tree(node: Expression, constants: Mapping[str, Expression]) -> Expression:
    """One tree with constants put in and neutral operations left out."""
    if isinstance(node, Name):
        return constants.get(node.id, node)
    parts = tuple(_folded_tree(child, constants) for child in node.children)
    match node:
        case Binary("+"):
            return plus(*parts)
        case Binary("-"):
            return minus(*parts)
        case Binary("*"):
            return times(*parts)
        case Binary("/"):
            return over(*parts)
        case Negate():
            return negative(*parts)
        case _:
            return node.rebuilt(parts)


def _needed(
    targets: Sequence[Expression], definitions: Mapping[str, Expression]
) -> dict[str, Expression]:
    """The definitions that the targets use, directly or through others, in their order."""
    wanted: set[str] = set()
    pending = [name for tree in targets for name in tree.names()]
    while pending:
        name = pending.pop()
        if name in definitions and name not in wanted:
            wanted.add(name)
            pending.extend(definitions[name].names())
    return {name: tree for name, tree in definitions.items() if name in wanted}
