"""Which numbers an output hangs on: locally, and over all that is not known (Sobol).

The local sensitivity is the elasticity: by how many percent an output moves when a number moves by
one percent. A number on a bounded scale moves on its logit instead.

Sobol's indices share the variance of an output out among the numbers that vary: the first-order
index is the part that would vanish if the number were known, the total index the part that would
remain if it alone were unknown. They need many runs, (k + 2) n for k numbers and n points.

References
----------
Sobol IM. Math Comput Simul 2001;55:271. Saltelli A, et al. Comput Phys Commun 2010;181:259.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError, MissingExtraError
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.parameters import Status
from oncovivo.mechanism.population import draw_parameters, spread_names
from oncovivo.mechanism.simulate import run_arm
from oncovivo.mechanism.simulation_file import BandKind, SimulatedArm, Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Elasticity", "Sensitivity", "SobolIndex", "local_sensitivity", "sobol_sensitivity"]

FloatArray: TypeAlias = NDArray[np.float64]
Scale: TypeAlias = Literal["log", "identity"]

# A relative step whose central difference errs by about 1e-6 with solver errors of 1e-8.
_STEP: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    """Relative change of an output for a relative change of one number.

    ``estimate`` is d log(output) / d log(number), or by the logit of a number between bounds; None
    where the output or the number is 0.
    """

    parameter: str
    status: Status
    estimate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolIndex:
    """Part of an output's variance that hangs on one number, with 95 % limits from resampling."""

    parameter: str
    status: Status
    first: float
    first_error: float
    total: float
    total_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Sensitivities of one output of one arm on one day.

    Parameters
    ----------
    arm, output, unit : str
        What was looked at.
    time_d : float
        The day.
    typical : float
        The output with typical values.
    elasticities : tuple of Elasticity
        Of every number behind the output, the largest first.
    indices : tuple of SobolIndex
        Of the numbers that vary, the largest total index first; empty where they were not asked
        for.
    scale : {"log", "identity"}
        Whether indices are of the logarithm of the output.
    band : {"between_animal", "uncertainty", "both"} or None
        What varies.
    runs : int
        Simulated animals behind the indices.
    """

    arm: str
    output: str
    unit: str
    time_d: float
    typical: float
    elasticities: tuple[Elasticity, ...]
    indices: tuple[SobolIndex, ...] = ()
    scale: Scale = "identity"
    band: BandKind | None = None
    runs: int = 0


def local_sensitivity(
    simulation: Simulation,
    *,
    arm: str,
    output: str,
    day: float,
    engine: Engine = "adaptive",
) -> Sensitivity:
    """Elasticities of an output at the typical values.

    Parameters
    ----------
    simulation : Simulation
        The model and its arms.
    arm, output : str
        Which arm and output.
    day : float
        Day of the output, 0 or later.
    engine : {"adaptive", "numpy", "generated", "scipy"}
        How states are integrated.

    Raises
    ------
    InputError
        If the arm or output does not exist, or the day is before 0.
    """
    chosen, place = _chosen(simulation, arm, output, day)
    values = chosen.parameters.values
    names = simulation.model.parameters_behind(output)
    moved = [values]
    for name in names:
        at = simulation.model.parameter_names.index(name)
        for sign in (1.0, -1.0):
            one = values.copy()
            one[at] = _nudged(chosen, at, sign * _STEP)
            moved.append(one)
    found = _outputs(simulation, chosen, np.array(moved), day, place, engine)
    typical = float(found[0])
    rows = []
    for number, name in enumerate(names):
        above, below = found[1 + 2 * number], found[2 + 2 * number]
        entry = chosen.parameters[name]
        known = above > 0 and below > 0 and entry.value != 0
        slope = math.log(above / below) / (2 * _STEP) if known else None
        rows.append(Elasticity(parameter=name, status=entry.status, estimate=slope))
    rows.sort(key=lambda row: -abs(row.estimate or 0.0))
    return Sensitivity(
        arm=arm,
        output=output,
        unit=_unit(simulation, output),
        time_d=day,
        typical=typical,
        elasticities=tuple(rows),
    )


def sobol_sensitivity(
    simulation: Simulation,
    *,
    arm: str,
    output: str,
    day: float,
    rng: np.random.Generator,
    base: int = 256,
    engine: Engine = "adaptive",
) -> Sensitivity:
    """Sobol's indices of an output over what varies, beside its elasticities.

    Parameters
    ----------
    simulation : Simulation
        Its band says what varies.
    arm, output, day, engine
        As of :func:`local_sensitivity`.
    rng : numpy.random.Generator
        Source of the scrambled sequence and of the resampled limits.
    base : int
        Points of the sequence, a power of 2; for k numbers there are (k + 2) times as many runs.

    Raises
    ------
    InputError
        If the arm or output does not exist, or `base` is no power of 2.
    DataError
        If nothing varies, or the output does not.
    MissingExtraError
        If SALib is not installed.
    """
    if base < 8 or base & (base - 1):
        raise InputError("a power of 2, 8 or more, as base of the sequence", found=str(base))
    chosen, place = _chosen(simulation, arm, output, day)
    kind = simulation.band.kind
    spread = spread_names(chosen.parameters)
    layers = {"between_animal", "uncertainty"} if kind == "both" else {kind}
    behind = set(simulation.model.parameters_behind(output)) | {"body_weight"}
    names = [
        name
        for name in simulation.model.parameter_names
        if name in behind and any(name in spread[layer] for layer in layers)
    ]
    if not names:
        raise DataError(
            "numbers that vary behind the output",
            found="none",
            where=f"{simulation.name}, output {output}",
            mend="give between_animal_cv or uncertainty_cv to numbers of the sets",
        )
    analyze, sample = _salib()
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    seed = int(rng.integers(2**31))
    points = sample(problem, base, calc_second_order=False, seed=seed)
    normals = special.ndtri(np.clip(points, 1e-9, 1 - 1e-9))
    width = len(simulation.model.parameter_names)
    luck = np.zeros((len(normals), width))
    for column, name in enumerate(names):
        luck[:, simulation.model.parameter_names.index(name)] = normals[:, column]
    # One number's two spreads add up to one of their common size: it is drawn once.
    drawn = _drawn(simulation, chosen, luck, kind)
    found = _outputs(simulation, chosen, drawn, day, place, engine)
    positive = bool((found > 0).all())
    values = np.log(found) if positive else found
    if not float(np.ptp(values)) > 0:
        raise DataError("an output that varies", found="the same in every run", where=output)
    result = analyze(
        problem,
        values,
        calc_second_order=False,
        num_resamples=200,
        seed=seed,
        print_to_console=False,
    )
    rows = [
        SobolIndex(
            parameter=name,
            status=chosen.parameters[name].status,
            first=float(result["S1"][column]),
            first_error=float(result["S1_conf"][column]),
            total=float(result["ST"][column]),
            total_error=float(result["ST_conf"][column]),
        )
        for column, name in enumerate(names)
    ]
    rows.sort(key=lambda row: -row.total)
    local = local_sensitivity(simulation, arm=arm, output=output, day=day, engine=engine)
    return Sensitivity(
        arm=arm,
        output=output,
        unit=local.unit,
        time_d=day,
        typical=local.typical,
        elasticities=local.elasticities,
        indices=tuple(rows),
        scale="log" if positive else "identity",
        band=kind,
        runs=len(found),
    )


def _drawn(
    simulation: Simulation, arm: SimulatedArm, luck: FloatArray, kind: BandKind
) -> FloatArray:
    """Parameters of the runs: both layers of a number moved by one draw of their joint size."""
    if kind != "both":
        return draw_parameters(arm.parameters, luck, luck, kind=kind)
    one = np.ones((1, luck.shape[1]))
    layers: tuple[BandKind, ...] = ("between_animal", "uncertainty")
    apart = [draw_parameters(arm.parameters, one, one, kind=layer) for layer in layers]
    values = arm.parameters.values
    found = np.repeat(values[np.newaxis], len(luck), axis=0)
    for column, entry in enumerate(arm.parameters):
        sizes = [_moved_by(entry.transform, values[column], part[0, column]) for part in apart]
        size = math.hypot(*sizes)
        if size > 0:
            found[:, column] = _moved(entry.transform, values[column], size * luck[:, column])
    return found


def _moved_by(transform: str, value: float, moved: float) -> float:
    """How far a value was moved on the scale of its transform."""
    if moved == value:
        return 0.0
    if transform == "log":
        return math.log(moved / value)
    if transform == "logit":
        return float(special.logit(moved) - special.logit(value))
    return moved - value


def _moved(transform: str, value: float, shift: FloatArray) -> FloatArray:
    """A value moved on the scale of its transform."""
    if transform == "log":
        return np.asarray(value * np.exp(shift))
    if transform == "logit":
        return np.asarray(special.expit(special.logit(value) + shift))
    return np.asarray(value + shift)


def _nudged(arm: SimulatedArm, at: int, step: float) -> float:
    """A value moved by a step of its logarithm, or of its logit between bounds."""
    entry = arm.parameters.entries[at]
    if entry.transform == "logit":
        low, high = entry.lower or 0.0, 1.0 if entry.upper is None else entry.upper
        share = (entry.value - low) / (high - low)
        if not 0 < share < 1:
            return entry.value
        return float(low + (high - low) * special.expit(special.logit(share) + step))
    return entry.value * math.exp(step)


def _outputs(
    simulation: Simulation,
    arm: SimulatedArm,
    parameters: FloatArray,
    day: float,
    place: int,
    engine: Engine,
) -> FloatArray:
    """The output of each set of parameters on the day."""
    days = np.array([day]) if day > 0 else np.array([0.0])
    found = run_arm(simulation, arm, parameters, days, engine=engine)
    return np.asarray(found.outputs[:, 0, place], dtype=np.float64)


def _chosen(simulation: Simulation, arm: str, output: str, day: float) -> tuple[SimulatedArm, int]:
    """The arm, and the place of the output in the model."""
    arms = {one.name: one for one in simulation.arms}
    if arm not in arms:
        raise InputError("an arm: " + ", ".join(arms), found=repr(arm))
    names: Sequence[str] = simulation.model.output_names
    if output not in names:
        raise InputError("an output of the model: " + ", ".join(names), found=repr(output))
    if not (math.isfinite(day) and day >= 0):
        raise InputError("a day from 0 on", found=f"{day:g}")
    return arms[arm], list(names).index(output)


def _unit(simulation: Simulation, output: str) -> str:
    """Unit of an output."""
    return next(one.unit.symbol for one in simulation.model.outputs if one.name == output)


def _salib() -> tuple[Callable[..., dict[str, FloatArray]], Callable[..., FloatArray]]:
    """SALib's analysis and sampling functions."""
    try:
        from SALib.analyze import sobol as analysis
        from SALib.sample import sobol as sampling
    except ImportError as err:
        raise MissingExtraError("mechanism", "SALib") from err
    return analysis.analyze, sampling.sample
