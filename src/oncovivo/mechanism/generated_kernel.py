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
from oncovivo.mechanism.generated import FAILURES, GeneratedSolver
from oncovivo.numerics.ode import OdeProblem, OdeSolution
from oncovivo.numerics.ode_fixed import stiff_error

__all__ = ["Happenings", "cache_folder", "solve_generated"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Solve: TypeAlias = Callable[..., tuple[int, int, float, float, int, int]]

_MOST_STEPS: Final = 20_000
# numba asks whether the file has changed since; files of one text are to be the same file.
_TIME_OF_FILE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Happenings:
    """What happens at the stops of n animals, p of each.

    Parameters
    ----------
    kind : ndarray of int, shape (n, p)
        The number of a compound whose next segment begins; behind them the kinds of events of
        `GeneratedSolver`; -1 for nothing.
    dose : ndarray, shape (n, p)
        Sizes of events.
    """

    kind: IntArray
    dose: FloatArray


def solve_generated(
    solver: GeneratedSolver,
    problem: OdeProblem,
    parameters: FloatArray,
    forcing: Sequence[Concentrations],
    happenings: Happenings,
    *,
    rtol: float,
) -> OdeSolution:
    """States by a solver of the model's own, each animal with steps of its own.

    Parameters
    ----------
    solver : GeneratedSolver
        The text.
    problem : OdeProblem
        Stops and beginning; its system is not asked.
    parameters : ndarray, shape (n, p)
        In the model's order and units.
    forcing : sequence of Concentrations
        Of the compounds in their order, all of them plain.
    happenings : Happenings
        At the stops.
    rtol : float
        Relative error of one step.

    Raises
    ------
    MissingExtraError
        numba is not installed.
    DataError
        The equations are stiff, need more steps than allowed, or a trajectory is no longer finite.
    """
    solve = _compiled(solver.source)
    n = problem.state.shape[1]
    states = np.empty((n, problem.n_outputs, problem.state.shape[0]))
    totals = np.zeros(n)
    arrays: list[FloatArray | IntArray] = []
    for one, places in zip(forcing, solver.used, strict=True):
        if places:
            arrays += _of_compound(one, list(places), n)
    code, animal, day, rate, steps, evaluations = solve(
        np.ascontiguousarray(problem.state.T),
        np.ascontiguousarray(parameters),
        np.ascontiguousarray(problem.times.T),
        happenings.kind,
        happenings.dose,
        np.ascontiguousarray(problem.output.T),
        problem.begin,
        rtol,
        _MOST_STEPS,
        states,
        totals,
        *arrays,
    )
    if code:
        raise _failure(code, problem.names[animal], day, rate)
    return OdeSolution(
        states=states,
        error_estimate=rtol * totals,
        flagged=np.zeros(n, dtype=np.bool_),
        steps=steps,
        evaluations=evaluations,
    )


def _of_compound(one: Concentrations, places: list[int], n: int) -> list[FloatArray | IntArray]:
    """Arrays of a compound, animal by animal."""
    few = np.full(n, -1, dtype=np.intp)
    few[one.confluent] = np.arange(one.confluent.size)
    return [
        np.ascontiguousarray(one.rates.T),
        np.ascontiguousarray(one.starts.T),
        np.ascontiguousarray(one.amplitudes[:, places].transpose(3, 0, 1, 2)),
        np.ascontiguousarray(one.held[:, places].transpose(2, 0, 1)),
        np.ascontiguousarray(one.higher[:, :, places].transpose(4, 0, 2, 1, 3)),
        few,
    ]


def _failure(code: int, name: str, day: float, rate: float) -> DataError:
    """The error behind a code."""
    match FAILURES[code]:
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
            found = f"one that is none by day {day:.6g}"
    return DataError(
        "states that stay finite",
        found=found,
        where=name,
        mend="look at this animal's parameters and doses",
    )


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
    >>> cache_folder({"XDG_CACHE_HOME": "/home/ada/.cache"}, "linux").as_posix()
    '/home/ada/.cache/oncovivo/mechanism'
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
