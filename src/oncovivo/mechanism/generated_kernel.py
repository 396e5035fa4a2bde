"""The generated solver compiled, kept for the next run, and run.

Compiling a model takes seconds. The text of its solver is kept in a folder of the user's, under
the digest of the text, and beside it what numba made of it; another process reads that instead of
compiling. The folder is ``oncovivo`` below ``NUMBA_CACHE_DIR`` where that is set, else below the
place that the system has for such files. Where nothing can be written all works the same, and
compiles again. Folders can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, MissingExtraError
from oncovivo.mechanism.forcing import Concentrations
from oncovivo.mechanism.generated import FAILURES, GeneratedSolver, generate_solver
from oncovivo.mechanism.model import Model
from oncovivo.numerics.ode import OdeProblem, OdeSolution, solve_adaptive
from oncovivo.numerics.ode_fixed import stiff_error

__all__ = ["Stops", "cache_folder", "solve_generated"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Solve: TypeAlias = Callable[..., tuple[int, int, float, float, int, int]]

_MOST_STEPS: Final = 20_000
# numba asks whether the file has changed since; files of one text are to be the same file.
_TIME_OF_FILE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stops:
    """What happens at the events of n animals, e of each.

    Parameters
    ----------
    source : ndarray of int, shape (n, e)
        The number of a compound whose next segment begins; behind the compounds come the kinds of
        `doses` in their order.
    place : ndarray of int, shape (n, e)
        Which of the events of its source that is.
    doses : mapping of str to ndarray
        Sizes of the events of each kind.
    """

    source: IntArray
    place: IntArray
    doses: Mapping[str, FloatArray]


def solve_generated(
    model: Model,
    problem: OdeProblem,
    parameters: FloatArray,
    forcing: Sequence[Concentrations],
    stops: Stops,
    *,
    rtol: float,
) -> OdeSolution:
    """States by a solver of the model's own, each animal with steps of its own.

    Animals whose concentrations are more than sums of exponentials (rates that are equal or nearly
    so, an infusion into what nothing leaves) are solved by
    `oncovivo.numerics.ode.solve_adaptive`, to the same tolerance.

    Parameters
    ----------
    model : Model
        With at least one state.
    problem : OdeProblem
        Beginning and stops.
    parameters : ndarray, shape (n, p)
        In the model's order and units.
    forcing : sequence of Concentrations
        Of the compounds in their order.
    stops : Stops
        What happens at the events.
    rtol : float
        Relative error of one step.

    Raises
    ------
    MissingExtraError
        numba is not installed.
    DataError
        The equations are stiff, need more steps than allowed, or a trajectory is no longer finite.
    """
    solver = _written(model)
    solve = _compiled(solver.source)
    n = len(parameters)
    other = np.zeros(n, dtype=np.bool_)
    for one in forcing:
        other[one.confluent if one.plain else slice(None)] = True
    if other.all():
        return solve_adaptive(problem, rtol=rtol)
    if not other.any():
        return _solved(solve, solver, problem, parameters, forcing, stops, rtol)
    rows = np.flatnonzero(~other)
    fewer = Stops(source=stops.source[rows], place=stops.place[rows], doses=stops.doses)
    some = tuple(one.take(rows) for one in forcing)
    parts = (
        (~other, _solved(solve, solver, problem.take(rows), parameters[rows], some, fewer, rtol)),
        (other, solve_adaptive(problem.take(np.flatnonzero(other)), rtol=rtol)),
    )
    states = np.empty((n, *parts[0][1].states.shape[1:]))
    estimate = np.empty(n)
    for where, part in parts:
        states[where], estimate[where] = part.states, part.error_estimate
    return OdeSolution(
        states=states,
        error_estimate=estimate,
        flagged=np.zeros(n, dtype=np.bool_),
        steps=sum(part.steps for _, part in parts),
        evaluations=sum(part.evaluations for _, part in parts),
    )


def _solved(
    solve: Solve,
    solver: GeneratedSolver,
    problem: OdeProblem,
    parameters: FloatArray,
    forcing: Sequence[Concentrations],
    stops: Stops,
    rtol: float,
) -> OdeSolution:
    """All animals of a problem by the compiled function."""
    n_states, n = problem.state.shape
    states = np.empty((n, problem.n_outputs, n_states))
    totals = np.zeros(n)
    kinds, doses = _happenings(solver, problem, stops)
    arrays: list[FloatArray] = []
    for one, places in zip(forcing, solver.used, strict=True):
        if places:
            arrays += _of_compound(one, list(places))
    failure, animal, day, rate, steps, evaluations = solve(
        np.ascontiguousarray(problem.state.T),
        np.ascontiguousarray(parameters),
        np.ascontiguousarray(problem.times.T),
        kinds,
        doses,
        np.ascontiguousarray(problem.output.T),
        problem.begin,
        rtol,
        _MOST_STEPS,
        states,
        totals,
        *arrays,
    )
    if failure:
        raise _error(FAILURES[failure], problem.names[animal], day, rate)
    return OdeSolution(
        states=states,
        error_estimate=totals,
        flagged=np.zeros(n, dtype=np.bool_),
        steps=steps,
        evaluations=evaluations,
    )


def _happenings(
    solver: GeneratedSolver, problem: OdeProblem, stops: Stops
) -> tuple[IntArray, FloatArray]:
    """Numbers of what happens at the stops (n, p), as the text has them, and doses of events."""
    compounds = len(solver.used)
    numbers = [number if read else -1 for number, read in enumerate(solver.used)]
    numbers += [compounds + solver.kinds.index(kind) for kind in stops.doses]
    rows, columns = np.nonzero(problem.event.T >= 0)
    which = problem.event.T[rows, columns]
    source, place = stops.source[rows, which], stops.place[rows, which]
    kinds = np.full(problem.event.T.shape, -1, dtype=np.intp)
    kinds[rows, columns] = np.array(numbers, dtype=np.intp)[source]
    doses = np.zeros(kinds.shape)
    for number, sizes in enumerate(stops.doses.values(), compounds):
        own = source == number
        doses[rows[own], columns[own]] = sizes[place[own]]
    return kinds, doses


def _of_compound(one: Concentrations, places: list[int]) -> list[FloatArray]:
    """Arrays of a compound, animal by animal."""
    return [
        np.ascontiguousarray(one.rates.T),
        np.ascontiguousarray(one.starts.T),
        np.ascontiguousarray(one.amplitudes[:, places].transpose(3, 0, 1, 2)),
        np.ascontiguousarray(one.held[:, places].transpose(2, 0, 1)),
    ]


def _error(failure: str, name: str, day: float, rate: float) -> DataError:
    """The error behind a word of `FAILURES`."""
    match failure:
        case "stiff":
            return stiff_error(name, day, rate)
        case "too many steps":
            return DataError(
                f"at most {_MOST_STEPS} steps",
                found=f"so many by day {day:.6g}",
                where=name,
                mend="ask for a looser tolerance or use the scipy engine",
            )
        case "no step":
            found = f"one that no step leads on from at day {day:.6g}"
        case _:
            found = f"one that is not by day {day:.6g}"
    return DataError(
        "states that stay finite",
        found=found,
        where=name,
        mend="look at this animal's parameters and doses",
    )


# By identity: a model has no hash. It is held with its text, so that no other takes its place.
_TEXTS: Final[dict[int, tuple[Model, GeneratedSolver]]] = {}
_MOST_TEXTS: Final = 64


def _written(model: Model) -> GeneratedSolver:
    """The text of a model's solver, which is written once."""
    known = _TEXTS.get(id(model))
    if known is None:
        if len(_TEXTS) >= _MOST_TEXTS:
            _TEXTS.clear()
        known = _TEXTS[id(model)] = model, generate_solver(model)
    return known[1]


@lru_cache(maxsize=64)
def _compiled(source: str) -> Solve:
    """The function ``solve`` of a text; the first call of it compiles, or reads what was kept."""
    try:
        importlib.import_module("numba")
    except ImportError as err:
        raise MissingExtraError("mechanism", "numba") from err
    digest = hashlib.sha256(source.encode()).hexdigest()
    file = _kept(source, digest)
    if file is not None:
        # numba looks for a folder that it can write to, and refuses where it finds none.
        with contextlib.suppress(RuntimeError):
            return _loaded(source, digest, str(file))
    return _loaded(source.replace("cache=True", "cache=False"), digest, "<model>")


def _loaded(source: str, digest: str, file: str) -> Solve:
    """The function of a text, which is made of numbers, signs and names of ours alone."""
    module = ModuleType(f"oncovivo_solver_{digest[:16]}")
    module.__file__ = file
    # numba looks for the module of what it reads back.
    sys.modules[module.__name__] = module
    exec(compile(source, file, "exec"), module.__dict__)
    solve: Solve = module.solve
    return solve


def _kept(source: str, digest: str) -> Path | None:
    """The file with a text, written unless it is there; None where that cannot be."""
    folder = cache_folder(os.environ, sys.platform)
    if folder is None:
        return None
    file = folder / f"solver_{digest[:32]}.py"
    content = source.encode()
    try:
        if file.is_file() and file.read_bytes() == content:
            return file
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Others may write the same at the same time: whoever is last puts the same file there.
        fresh = folder / f".{digest[:32]}.{secrets.token_hex(8)}"
        try:
            fresh.write_bytes(content)
            os.utime(fresh, (_TIME_OF_FILE, _TIME_OF_FILE))
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def cache_folder(environment: Mapping[str, str], platform: str) -> Path | None:
    """Where texts and what was compiled of them are kept; None where no place is known.

    Parameters
    ----------
    environment : mapping of str to str
        Variables of the process.
    platform : str
        As `sys.platform`.

    Examples
    --------
    >>> cache_folder({"XDG_CACHE_HOME": "/caches"}, "linux").as_posix()
    '/caches/oncovivo/mechanism'
    """
    own = environment.get("NUMBA_CACHE_DIR")
    if own:
        return Path(own) / "oncovivo" / "mechanism"
    variable = "LOCALAPPDATA" if platform == "win32" else "XDG_CACHE_HOME"
    place = environment.get(variable)
    if place and Path(place).is_absolute() and platform != "darwin":
        return Path(place) / "oncovivo" / "mechanism"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if platform == "win32":
        return home / "AppData" / "Local" / "oncovivo" / "mechanism"
    if platform == "darwin":
        return home / "Library" / "Caches" / "oncovivo" / "mechanism"
    return home / ".cache" / "oncovivo" / "mechanism"
