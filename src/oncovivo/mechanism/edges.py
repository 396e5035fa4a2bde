"""The drawn pathway against the equations: no edge without a term, no term without an edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.compiled import compile_function
from oncovivo.mechanism.expressions import Expression
from oncovivo.mechanism.sensitivities import total_derivatives

if TYPE_CHECKING:
    from oncovivo.mechanism.model import Model

__all__ = ["EdgeFinding", "SteadyState", "check_edges", "find_steady_state"]

Array: TypeAlias = NDArray[np.float64]
_Problem: TypeAlias = Literal["no term", "no edge", "wrong sign", "no effect"]
_Function: TypeAlias = Callable[[Array], Array]

LONG_TIME: Final = 1e4
"""Days of integration from which Newton's method starts; turnover takes hours to weeks."""

REST: Final = 1e-9
"""Largest rate at rest, per day, as a share of the state's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFinding:
    """One disagreement between an arrow and the equations."""

    problem: _Problem
    source: str
    target: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyState:
    """Where states rest without drug.

    ``state`` has shape (s,), all states of the model in its order; ``residual`` is the largest
    rate of a resting state as a share of its size, per day. ``stable`` says whether small
    disturbances die out.
    """

    names: tuple[str, ...]
    state: Array
    residual: float
    stable: bool


def find_steady_state(model: Model, parameters: Array, names: Sequence[str]) -> SteadyState:
    """See :meth:`oncovivo.mechanism.model.Model.steady_state`."""
    for name in names:
        if name not in model.state_names:
            raise InputError("a state of the model", found=repr(name))
    if parameters.shape != (len(model.parameter_names),):
        raise InputError(
            f"one value for each of {len(model.parameter_names)} parameters",
            found=f"shape {parameters.shape}",
        )
    at = [model.state_names.index(name) for name in names]
    start = model.initial(parameters)
    drug_free = np.zeros(len(model.concentration_names))
    rhs = model.rhs.bind(parameters)

    def filled(part: Array) -> Array:
        state = start.copy()
        state[at] = part
        return state

    def rates(part: Array) -> Array:
        return rhs(0.0, filled(part), drug_free)[at]

    def slopes(part: Array) -> Array:
        whole = model.jacobian(0.0, filled(part), parameters, drug_free)
        return whole[np.ix_(at, at)]

    resting = start[at]
    if at and not _residual(rates(resting), resting) <= REST:
        try:
            resting = _settled(rates, slopes, resting)
        except ValueError as err:  # scipy meets a value that is not finite
            raise DataError(
                "a drug-free steady state of the pathway",
                found="a rate that is not finite",
                mend="check the parameters of the pathway",
            ) from err
    residual = _residual(rates(resting), resting) if at else 0.0
    if not residual <= REST:
        raise DataError(
            "a drug-free steady state of the pathway",
            found=f"rates of up to {residual:.2g} per day after {LONG_TIME:g} days",
            mend="check the turnover rates and their parameters",
        )
    grows = np.linalg.eigvals(slopes(resting)).real.max() if at else -1.0
    return SteadyState(
        names=tuple(names), state=filled(resting), residual=residual, stable=bool(grows < 0.0)
    )


def _residual(rates: Array, resting: Array) -> float:
    """Largest rate as a share of its state; against 1e-6 of the largest where a state is empty."""
    floor = 1e-6 * max(float(np.abs(resting).max()), 1e-6)
    share = np.abs(rates) / np.maximum(np.abs(resting), floor)
    return float(share.max()) if np.isfinite(share).all() else float("inf")


def _settled(rates: _Function, slopes: _Function, start: Array) -> Array:
    """A rest found by waiting long and then by Newton's method."""
    from scipy.integrate import solve_ivp
    from scipy.optimize import root

    waited = solve_ivp(
        lambda _, part: rates(part),
        (0.0, LONG_TIME),
        start,
        method="BDF",
        jac=lambda _, part: slopes(part),
        rtol=1e-8,
        atol=1e-10,
    )
    last: Array = np.asarray(waited.y[:, -1], dtype=np.float64)
    found = root(rates, last, jac=slopes, method="hybr", tol=1e-14)
    polished: Array = np.asarray(found.x, dtype=np.float64)
    better = _residual(rates(polished), polished) < _residual(rates(last), last)
    return polished if better else last


def check_edges(model: Model, parameters: Array) -> tuple[EdgeFinding, ...]:
    """See :meth:`oncovivo.mechanism.model.Model.check_edges`."""
    pathway = [b for b in model.blocks if b.provides == "pathway" or b.edges]
    drawn = [name for edge in model.edges for name in (edge.source, edge.target)]
    nodes = list(dict.fromkeys([*drawn, *(s.name for b in pathway for s in b.states)]))
    targets = [n for n in nodes if n in model.rates or n in model.definitions]
    trees = {n: model.rates[n] if n in model.rates else model.definitions[n] for n in targets}
    sources = {name: _sources(trees[name], model.definitions, nodes) for name in targets}
    slopes = _slopes(model, parameters, trees, nodes)
    findings = []
    for edge in model.edges:
        arrow = f"{edge.source} {edge.sign} {edge.target}"
        problem: tuple[_Problem, str] | None = None
        if edge.target not in sources or edge.source not in sources[edge.target]:
            problem = ("no term", f"{edge.target} does not depend on {edge.source}")
        else:
            slope = slopes[edge.target, edge.source]
            if not np.isfinite(slope) or slope == 0.0:
                problem = ("no effect", f"the derivative is {slope:g} at the steady state")
            elif (slope > 0.0) != (edge.sign == "activates"):
                problem = ("wrong sign", f"the derivative is {slope:.3g} at the steady state")
        if problem is not None:
            findings.append(_finding(problem[0], edge.source, edge.target, arrow, problem[1]))
    joined = {(edge.source, edge.target) for edge in model.edges}
    for target in targets:
        for source in nodes:
            open_ = source in sources[target] and source != target
            if open_ and (source, target) not in joined:
                findings.append(
                    _finding(
                        "no edge", source, target, f"{source} to {target}", "the equations have it"
                    )
                )
    return tuple(findings)


def _finding(problem: _Problem, source: str, target: str, arrow: str, why: str) -> EdgeFinding:
    """A finding with its sentence."""
    message = f"{arrow}: {problem}, {why}"
    return EdgeFinding(problem=problem, source=source, target=target, message=message)


def _sources(
    tree: Expression, definitions: Mapping[str, Expression], nodes: Sequence[str]
) -> frozenset[str]:
    """The drawn names that an expression reaches without passing another drawn one."""
    found: set[str] = set()
    seen: set[str] = set()
    pending = list(tree.names())
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in nodes:
            found.add(name)
        elif name in definitions:
            pending.extend(definitions[name].names())
    return frozenset(found)


def _slopes(
    model: Model, parameters: Array, trees: Mapping[str, Expression], nodes: Sequence[str]
) -> dict[tuple[str, str], float]:
    """Derivative of each target with respect to each node, other nodes held, without drug."""
    if not trees:
        return {}
    settling = [s.name for b in model.blocks for s in b.states if b.provides in _RESTING]
    state = model.steady_state(parameters, settling).state
    rows, definitions = total_derivatives(
        list(trees.values()), list(nodes), model.definitions, held=nodes
    )
    function = compile_function(
        [entry for row in rows for entry in row],
        definitions=definitions,
        states=model.state_names,
        parameters=model.parameter_names,
        concentrations=model.concentration_names,
    )
    drug_free = np.zeros(len(model.concentration_names))
    values = function(0.0, state, parameters, drug_free).reshape(len(trees), len(nodes))
    return {
        (target, source): float(values[i, j])
        for i, target in enumerate(trees)
        for j, source in enumerate(nodes)
    }


_RESTING: Final = frozenset({"pathway", "target"})
