"""Time the engines of mechanism models beside other solvers, on the same animals in the same run.

Run it as ``python benchmarks/mechanism.py [ANIMALS]``. The problem: a compound with two
compartments and a metabolite, three states that are linear and solved in closed form, drives
Simeoni's model of tumor growth (four states). 21 daily doses, 30 outputs over 45 days, lognormal
variation of 30 % between animals. CPU time per animal, one thread; errors are relative, the worst
of tumor volume at any output, against DOP853 at 1e-12. "Generated" is code written for the model
and compiled, timed the whole way from parameters and dose records to outputs, without compilation.
"Shipped blocks" is the whole way too, for the nearest model that is shipped (two compartments),
and "pathway" for temsirolimus in 786-O: five compartments, eight states, weekly doses. 1,000
virtual studies of 40 animals are one run of all animals.

Growth is of the order of Simeoni's paclitaxel experiment; the metabolite is made up. Peers are
scipy, always, and diffrax and libroadrunner where they can be imported. Times that others measured
on another machine say an order of magnitude and no more.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853, LSODA, OdeSolver, solve_ivp

from oncovivo.mechanism.blocks import block_from_content, read_block
from oncovivo.mechanism.doses import DoseTable, dose_table
from oncovivo.mechanism.engine import Engine, simulate_model
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import read_parameter_set, resolve
from oncovivo.numerics.ode_adaptive import solve_adaptive
from oncovivo.numerics.ode_fixed import solve_fixed
from oncovivo.numerics.ode_problem import OdeSolution, Segment, ode_problem

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
# Arrays of jax, which is there or not.
Tracer: TypeAlias = Any

ANIMALS: Final = 1000
SCIPY_ANIMALS: Final = 20
REFERENCE_ANIMALS: Final = 100
ROUNDS: Final = 5
THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
BEGIN: Final = 9.0
DOSES: Final = BEGIN + np.arange(21.0)
OUTPUTS: Final = np.linspace(1.5, 45.0, 30)
PSI: Final = 20.0
# Typical values, per day where a rate; concentrations are of a unit dose in a unit volume.
TYPICAL: Final = {
    "lambda0": 0.273,
    "lambda1": 0.814,
    "k1": 0.968,
    "k2": 1.2,
    "w0": 0.055,
    "kel": 20.8,
    "k12": 0.144,
    "k21": 2.01,
    "km": 6.0,
    "volume": 1.0,
}
# Simeoni's paclitaxel experiment, its volume per kg and weights in mg (about mm³); a dose of
# 1 mg/kg.
SHIPPED: Final = {
    "body_weight": 20.0,
    "v1": 0.81,
    "k10": 0.868,
    "k12": 0.006,
    "k21": 0.0838,
    "infusion_time": 0.0,
    "v0": 55.0,
    "k1": 0.968,
    "lambda0": 0.273,
    "lambda1": 814.0,
    "psi": 20.0,
    "k2": 6.29e-4,
}
# The same problem in the language of models.
BLOCK: Final = """
schema = "oncovivo.block/1"
name = "tumors"
title = "Parent, metabolite and Simeoni's tumor"
source = "none"
provides = "growth"
[parameters]
lambda0 = {unit = "1/day", meaning = "growth rate while growth is exponential"}
lambda1 = {unit = "mm³/day", meaning = "growth while it is linear"}
k1 = {unit = "1/day", meaning = "passage of damaged cells"}
k2 = {unit = "mL/(mg*day)", meaning = "kill"}
w0 = {unit = "mm³", meaning = "volume at the beginning"}
kel = {unit = "1/day", meaning = "parent to metabolite"}
k12 = {unit = "1/day", meaning = "to the periphery"}
k21 = {unit = "1/day", meaning = "back"}
km = {unit = "1/day", meaning = "elimination of the metabolite"}
volume = {unit = "mL", meaning = "volume of distribution"}
[pk.drug]
compartments = ["central", "peripheral", "metabolite"]
amount_unit = "mg"
flows = [
  {from = "central", to = "metabolite", rate = "kel"},
  {from = "central", to = "peripheral", rate = "k12"},
  {from = "peripheral", to = "central", rate = "k21"},
  {from = "metabolite", to = "out", rate = "km"},
]
doses = [{route = "i.v.", compartment = "central"}]
concentrations = [
  {name = "parent", compartment = "central", volume = "volume", unit = "mg/mL"},
  {name = "product", compartment = "metabolite", volume = "volume", unit = "mg/mL"},
]
[algebraics]
tumor = {unit = "mm³", value = "x1 + x2 + x3 + x4"}
killed = {unit = "mm³/day", value = "k2*(parent + product)*x1"}
[states.x1]
unit = "mm³"
meaning = "proliferating"
initial = "w0"
rate = "lambda0*x1/(1 + (lambda0*tumor/lambda1)**20)**(1/20) - killed"
[states]
x2 = {unit = "mm³", meaning = "damaged", initial = "0", rate = "killed - k1*x2"}
x3 = {unit = "mm³", meaning = "damaged", initial = "0", rate = "k1*(x2 - x3)"}
x4 = {unit = "mm³", meaning = "damaged", initial = "0", rate = "k1*(x3 - x4)"}
[outputs]
volume_of_tumor = {unit = "mm³", value = "tumor", meaning = "volume", kind = "volume"}
"""
PATHWAY: Final = (
    "animal",
    "temsirolimus_sirolimus",
    "fkbp_mtorc1",
    "mtor_core",
    "inhibition_pathway",
    "growth_inhibition",
    "tumor",
    "exponential",
)
PATHWAY_SETS: Final = (
    "mouse_20g",
    "temsirolimus_mouse_scaled",
    "rapalog_target",
    "mtor_core_default",
    "rapalog_growth",
    "renal_786o",
)
# Shares stay where they are: a share above 1 is none.
PATHWAY_VARIED: Final = ("tumor_exchange", "fkbp_total", "K1", "K2", "s6_turnover", "growth_rate")
STUDIES: Final = 1000
ANIMALS_OF_A_STUDY: Final = 40
# CPU milliseconds per animal that others measured for a problem of this size on another machine.
STATED: Final = (
    ("rxode2 5.0.0, dop853", 0.31, 7e-7),
    ("rxode2 5.0.0, lsoda", 0.51, 1e-5),
    ("mrgsolve 1.5.2", 0.65, 1e-5),
    ("diffrax 0.7.2, Dopri8", 0.28, 6e-5),
    ("libroadrunner 2.10.0", 2.3, 4e-5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    animals: int
    ms: float
    error: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tumors:
    """Simeoni's equations, driven by parent and metabolite in closed form.

    Parameters
    ----------
    values : dict of str to ndarray, shape (n,)
        Parameters.
    exponents : ndarray, shape (3, n)
        Rates at which the parts of the concentration fall.
    amplitudes : ndarray, shape (doses + 1, 3, n)
        The parts just after each dose; nothing before the first.
    """

    values: dict[str, FloatArray]
    exponents: FloatArray
    amplitudes: FloatArray

    def rates(self, time: FloatArray, state: FloatArray, forcing: FloatArray) -> FloatArray:
        """Rates of change."""
        del time
        value = self.values
        x1, x2, x3, x4 = state
        tumor = x1 + x2 + x3 + x4
        steep = (value["lambda0"] / value["lambda1"] * tumor) ** PSI
        kill = value["k2"] * forcing[0] * x1
        passed = value["k1"] * state[1:]
        result = np.empty_like(state)
        result[0] = value["lambda0"] * x1 / (1.0 + steep) ** (1.0 / PSI) - kill
        result[1] = kill - passed[0]
        result[2] = passed[0] - passed[1]
        result[3] = passed[1] - passed[2]
        return result

    def segment(self, passed: IntArray) -> Segment:
        """The concentration after so many doses."""
        count = int(passed[0])
        parts = self.amplitudes[count]
        since = DOSES[count - 1] if count else 0.0
        exponents = -self.exponents

        def forcing(time: FloatArray) -> FloatArray:
            terms = (time - since)[:, None, :] * exponents
            np.exp(terms, out=terms)
            terms *= parts
            total: FloatArray = terms.sum(axis=1, keepdims=True)
            return total

        return forcing

    def jump(
        self, event: IntArray, animals: IntArray, time: FloatArray, state: FloatArray
    ) -> FloatArray:
        """A dose changes the concentration alone."""
        del event, animals, time
        return state

    def take(self, animals: IntArray) -> Tumors:
        """Some of the animals."""
        return Tumors(
            values={name: value[animals] for name, value in self.values.items()},
            exponents=self.exponents[:, animals],
            amplitudes=self.amplitudes[:, :, animals],
        )


def tumors(n: int) -> Tumors:
    """Animals that differ by 30 %."""
    rng = np.random.default_rng(6)
    values = {
        name: typical * np.exp(0.3 * rng.standard_normal(n)) for name, typical in TYPICAL.items()
    }
    total = values["kel"] + values["k12"] + values["k21"]
    root = np.sqrt(total**2 - 4.0 * values["kel"] * values["k21"])
    fast, slow, metabolic = (total + root) / 2.0, (total - root) / 2.0, values["km"]
    exponents = np.stack((fast, slow, metabolic))
    # Concentration of the parent and of what it becomes, after one dose.
    first = (fast - values["k21"]) / (fast - slow) / values["volume"]
    second = (values["k21"] - slow) / (fast - slow) / values["volume"]
    of_fast = values["kel"] * first / (metabolic - fast)
    of_slow = values["kel"] * second / (metabolic - slow)
    once = np.stack((first + of_fast, second + of_slow, -of_fast - of_slow))
    amplitudes = np.zeros((DOSES.size + 1, 3, n))
    for dose in range(DOSES.size):
        gap = 1.0 if dose else 0.0
        amplitudes[dose + 1] = amplitudes[dose] * np.exp(-exponents * gap) + once
    return Tumors(values=values, exponents=exponents, amplitudes=amplitudes)


def main(arguments: list[str]) -> int:
    """Print the table."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, __file__, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
    n = int(arguments[0]) if arguments else ANIMALS
    system = tumors(n)
    exact = reference(system, min(n, REFERENCE_ANIMALS))
    rows = [*ours(system, exact), *generated(system, exact), *shipped(n), *pathway(n)]
    rows += scipy_rows(system, exact)
    peers, words = peer_rows(system, exact)
    rows += peers
    out = sys.stdout.write
    out(
        f"3 closed-form and 4 integrated states, {DOSES.size} doses, {OUTPUTS.size} outputs; "
        f"errors of {exact.shape[0]} animals at most\n\n"
    )
    out(f"{'':<34}{'animals':>8}{'CPU ms/animal':>15}{'error':>10}\n")
    for row in rows:
        out(f"{row.what:<34}{row.animals:>8}{row.ms:>15.3f}{row.error:>10.1e}  {row.note}\n")
    for what, ms, error in STATED:
        if any(row.what.split()[0] == what.split()[0] for row in peers):
            continue
        out(f"{what:<34}{'':>8}{ms:>15.3f}{error:>10.1e}  stated elsewhere\n")
    write_ratios(rows)
    out("\n" + "".join(f"{word}\n" for word in words))
    return 0


def write_ratios(rows: list[Row]) -> None:
    """How many times as long others take as the compiled engine that errs no more."""
    for row in rows:
        ours = [
            other
            for other in rows
            if other.what.startswith("generated, rtol") and other.error <= row.error
        ]
        if ours and not row.what.startswith(("generated", "shipped", "pathway")):
            best = min(ours, key=lambda other: other.ms)
            sys.stdout.write(f"{row.what}: {row.ms / best.ms:.1f} times {best.what}\n")


def start(system: Tumors) -> FloatArray:
    """States at day 0."""
    weight = system.values["w0"]
    return np.stack((weight, *np.zeros((3, weight.size))), axis=1)


def reference(system: Tumors, n: int) -> FloatArray:
    """Tumor volumes (n, t) by DOP853 at 1e-12, from dose to dose and output to output."""
    return np.stack([by_scipy(system, animal, DOP853, 1e-12)[0] for animal in range(n)])


def by_scipy(
    system: Tumors, animal: int, method: type[OdeSolver], rtol: float
) -> tuple[FloatArray, int]:
    """One animal's volumes, solved from stop to stop as scipy has no doses."""
    alone = system.take(np.array([animal]))
    state, now, found = start(alone)[0], 0.0, {}
    evaluations = 0
    for passed, stop in enumerate((*DOSES, OUTPUTS[-1])):
        segment = alone.segment(np.array([passed]))

        rates = partial(rates_of_one, alone, segment)

        ends = [float(day) for day in OUTPUTS if now < day <= stop]
        for end in sorted({*ends, float(stop)}):
            path = solve_ivp(rates, (now, end), state, method=method, rtol=rtol, atol=1e-3 * rtol)
            state, now = path.y[:, -1], end
            evaluations += path.nfev
            found[end] = float(state.sum())
    return np.array([found[day] for day in OUTPUTS]), evaluations


def rates_of_one(
    alone: Tumors, segment: Segment, day: float, place: NDArray[np.float64]
) -> FloatArray:
    """Rates as scipy asks for them."""
    when = np.array([[day]])
    return alone.rates(when[0], place[:, None], segment(when)[0]).ravel()


def ours(system: Tumors, exact: FloatArray) -> list[Row]:
    """Our engines."""
    problem = ode_problem(system, start(system), OUTPUTS, events=DOSES)

    def fixed(step: float) -> OdeSolution:
        return solve_fixed(problem, step=step, tolerance=2e-5, observe=total)

    def adaptive(rtol: float) -> OdeSolution:
        return solve_adaptive(problem, rtol=rtol)

    return [
        *(
            solved(f"numpy, steps of {step:g} d halved", partial(fixed, step), exact)
            for step in (0.4, 0.3, 0.2)
        ),
        *(
            solved(f"numpy, adaptive, rtol {rtol:g}", partial(adaptive, rtol), exact)
            for rtol in (1e-5, 1e-6, 1e-7, 1e-8)
        ),
    ]


def shipped(n: int) -> list[Row]:
    """The engine on shipped blocks, from parameters and doses to outputs."""
    names = ("animal", "pk_two_compartment", "tumor_transits", "simeoni", "kill_linear")
    model = build_model([read_block(name) for name in names])
    rng = np.random.default_rng(7)
    columns = []
    for name in model.parameter_names:
        varied = name not in ("psi", "body_weight", "infusion_time")
        columns.append(SHIPPED[name] * np.exp(0.3 * varied * rng.standard_normal(n)))
    parameters = np.stack(columns, axis=1)
    doses = {"drug": dose_table(BEGIN, 1.0, per_gram=True, ii=1.0, addl=DOSES.size - 1)}
    place = model.output_names.index("tumor_volume")
    few = parameters[:SCIPY_ANIMALS]
    exact = simulate_model(model, few, doses, OUTPUTS, engine="scipy", rtol=1e-11).outputs
    return engine_rows("shipped blocks", model, parameters, doses, exact, place, ("numpy", 5e-5))


def engine_rows(
    what: str,
    model: Model,
    parameters: FloatArray,
    doses: dict[str, DoseTable],
    exact: FloatArray,
    place: int,
    *further: tuple[Engine, float],
) -> list[Row]:
    """The engines on one model; errors of an output."""
    rows = []
    n = len(parameters)
    engines: list[tuple[Engine, float]] = [*further, ("adaptive", 1e-6)]
    if importlib.util.find_spec("numba") is not None:
        engines += [("generated", 1e-4), ("generated", 1e-6)]
    for engine, rtol in engines:
        work = partial(simulate_model, model, parameters, doses, OUTPUTS, engine=engine, rtol=rtol)
        result = work()
        cpu = min(cpu_seconds(work) for _ in range(ROUNDS))
        rows.append(
            Row(
                what=f"{what}, {engine}, {rtol:g}",
                animals=n,
                ms=1e3 * cpu / n,
                error=worst(result.outputs[:, :, place], exact[:, :, place]),
                note=f"{result.steps} steps, {int(result.flagged.sum())} flagged; "
                f"errors of {len(exact)} animals against scipy at 1e-11",
            )
        )
    return rows


def pathway(n: int) -> list[Row]:
    """The engine on the pathway model, with weekly doses of 10 mg/kg."""
    model = build_model([read_block(name) for name in PATHWAY])
    values = resolve(model, [read_parameter_set(name) for name in PATHWAY_SETS]).values
    rng = np.random.default_rng(8)
    varied = np.array([name in PATHWAY_VARIED for name in model.parameter_names])
    parameters = values * np.exp(0.3 * varied * rng.standard_normal((n, values.size)))
    # Doses per gram are in the compound's unit of amount.
    per_gram = 0.01 * (model.pk[0].amount_per_mg or 1.0)
    table = dose_table(BEGIN, per_gram, per_gram=True, ii=7.0, addl=4)
    doses = {"temsirolimus": table}
    few = parameters[: SCIPY_ANIMALS // 4]
    exact = simulate_model(model, few, doses, OUTPUTS, engine="scipy", rtol=1e-11).outputs
    place = model.output_names.index("tumor_volume")
    return engine_rows("pathway", model, parameters, doses, exact, place)


def generated(system: Tumors, exact: FloatArray) -> list[Row]:
    """The compiled engine on the problem itself, and on the animals of many virtual studies."""
    if importlib.util.find_spec("numba") is None:
        return []
    model = build_model([block_from_content(tomllib.loads(BLOCK), file="block.toml")])
    parameters = np.stack([system.values[name] for name in model.parameter_names], axis=1)
    doses = {"drug": dose_table(BEGIN, 1.0, ii=1.0, addl=DOSES.size - 1)}
    begin = time.process_time()
    simulate_model(model, parameters[:1], doses, OUTPUTS, engine="generated")
    first = time.process_time() - begin
    rows = []
    for rtol in (1e-4, 1e-5, 1e-6, 1e-7):
        work = partial(
            simulate_model, model, parameters, doses, OUTPUTS, engine="generated", rtol=rtol
        )
        result = work()
        cpu = min(cpu_seconds(work) for _ in range(ROUNDS))
        n = len(parameters)
        rows.append(
            Row(
                what=f"generated, rtol {rtol:g}",
                animals=n,
                ms=1e3 * cpu / n,
                error=worst(result.outputs[:, :, 0], exact),
                note=f"{result.steps / n:.0f} steps per animal; first call {first:.1f} s",
            )
        )
    many = STUDIES * ANIMALS_OF_A_STUDY
    animals = np.resize(parameters, (many, parameters.shape[1]))
    work = partial(simulate_model, model, animals, doses, OUTPUTS, engine="generated", rtol=1e-4)
    volume = work().outputs[:, :, 0]
    cpu = cpu_seconds(work)
    rows.append(
        Row(
            what=f"generated, {STUDIES} studies",
            animals=many,
            ms=1e3 * cpu / many,
            error=worst(volume, exact),
            note=f"{cpu:.1f} s in all",
        )
    )
    return rows


def solved(what: str, work: Callable[[], OdeSolution], exact: FloatArray) -> Row:
    """Time and error of one of ours."""
    solution = work()
    cpu = min(cpu_seconds(work) for _ in range(ROUNDS))
    n = solution.states.shape[0]
    note = f"{solution.steps} steps, {solution.evaluations} evaluations"
    note += f", worst estimate {solution.error_estimate.max():.1e}"
    if solution.flagged.any():
        note += f", {int(solution.flagged.sum())} flagged"
    volume = solution.states.sum(axis=2)
    return Row(what=what, animals=n, ms=1e3 * cpu / n, error=worst(volume, exact), note=note)


def worst(volume: FloatArray, exact: FloatArray) -> float:
    """Largest relative error of the animals that both have."""
    n = min(volume.shape[0], exact.shape[0])
    return float(np.abs(volume[:n] / exact[:n] - 1.0).max())


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def total(states: FloatArray) -> FloatArray:
    """Tumor volume."""
    volume: FloatArray = states.sum(axis=2, keepdims=True)
    return volume


def scipy_rows(system: Tumors, exact: FloatArray) -> list[Row]:
    """Scipy, one animal after the other."""
    rows = []
    n = min(SCIPY_ANIMALS, exact.shape[0])
    for method, rtol in ((DOP853, 1e-6), (LSODA, 1e-8)):
        begin = time.process_time()
        found = [by_scipy(system, animal, method, rtol) for animal in range(n)]
        cpu = time.process_time() - begin
        volumes = np.stack([volume for volume, _ in found])
        note = f"{found[0][1]} evaluations of the first"
        what = f"scipy solve_ivp {method.__name__}, rtol {rtol:g}"
        rows.append(
            Row(what=what, animals=n, ms=1e3 * cpu / n, error=worst(volumes, exact), note=note)
        )
    return rows


def peer_rows(system: Tumors, exact: FloatArray) -> tuple[list[Row], list[str]]:
    """Packages that may be there, and a word on each that is not."""
    rows: list[Row] = []
    words: list[str] = []
    for package, work in (("diffrax", diffrax_rows), ("roadrunner", roadrunner_rows)):
        if importlib.util.find_spec(package) is None:
            words.append(f"{package} cannot be imported: not timed")
        else:
            rows += work(system, exact)
    return rows, words


def diffrax_rows(system: Tumors, exact: FloatArray) -> list[Row]:
    """The package diffrax on the same closed-form PK, one call; compilation is not counted."""
    os.environ["JAX_ENABLE_X64"] = "1"
    jax = importlib.import_module("jax")
    jnp = importlib.import_module("jax.numpy")
    diffrax = importlib.import_module("diffrax")
    names = ("lambda0", "lambda1", "k1", "k2")
    values = jnp.asarray(np.stack([system.values[name] for name in names], axis=1))
    exponents = jnp.asarray(system.exponents.T)
    amplitudes = jnp.asarray(np.moveaxis(system.amplitudes, 2, 0))
    starts = jnp.asarray(np.append(0.0, DOSES))

    def rates(day: Tracer, state: Tracer, given: tuple[Tracer, Tracer, Tracer]) -> Tracer:
        (lambda0, lambda1, k1, k2), falls, parts = given
        passed = jnp.searchsorted(starts[1:], day, side="right")
        level = (parts[passed] * jnp.exp(-falls * (day - starts[passed]))).sum()
        steep = (lambda0 / lambda1 * state.sum()) ** PSI
        kill = k2 * level * state[0]
        x1, x2, x3, x4 = state
        growth = lambda0 * x1 / (1.0 + steep) ** (1.0 / PSI)
        return jnp.stack((growth - kill, kill - k1 * x2, k1 * (x2 - x3), k1 * (x3 - x4)))

    def one(
        solver: object, rtol: float, state: Tracer, value: Tracer, falls: Tracer, parts: Tracer
    ) -> Tracer:
        control = diffrax.ClipStepSizeController(
            diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol), jump_ts=jnp.asarray(DOSES)
        )
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(rates),
            solver,
            0.0,
            float(OUTPUTS[-1]),
            None,
            state,
            args=(value, falls, parts),
            saveat=diffrax.SaveAt(ts=jnp.asarray(OUTPUTS)),
            stepsize_controller=control,
            max_steps=20_000,
        )
        return found.ys.sum(axis=1)

    given = (jnp.asarray(start(system)), values, exponents, amplitudes)
    rows = []
    for solver, rtol in ((diffrax.Tsit5(), 1e-6), (diffrax.Dopri8(), 1e-6)):
        ready = jax.jit(jax.vmap(partial(one, solver, rtol)))

        def work(ready: Callable[..., Tracer] = ready) -> FloatArray:
            return np.asarray(ready(*given))

        volume = work()
        cpu = min(cpu_seconds(work) for _ in range(3))
        rows.append(
            Row(
                what=f"diffrax {diffrax.__version__} {type(solver).__name__}, rtol {rtol:g}",
                animals=len(volume),
                ms=1e3 * cpu / len(volume),
                error=worst(volume, exact),
                note="outputs by interpolation",
            )
        )
    return rows


def shown(name: str) -> str:
    """A parameter's name in Antimony, where volume means something."""
    return "vd" if name == "volume" else name


def roadrunner_rows(system: Tumors, exact: FloatArray) -> list[Row]:
    """libroadrunner, CVODE on all seven states, doses as SBML events."""
    roadrunner = importlib.import_module("roadrunner")
    antimony = importlib.import_module("antimony")
    doses = "".join(f"at (time >= {day}): c = c + 1/vd;\n" for day in DOSES)
    text = f"""
    model tumors()
      compartment body = 1
      c = 0; p = 0; m = 0; x1 = 0; x2 = 0; x3 = 0; x4 = 0
      {"".join(f"{shown(name)} = {value};" for name, value in TYPICAL.items())}
      w := x1 + x2 + x3 + x4
      kill := k2*(c + m)*x1
      c' = -(kel + k12)*c + k21*p
      p' = k12*c - k21*p
      m' = kel*c - km*m
      x1' = lambda0*x1/(1 + (lambda0/lambda1*w)^{PSI})^(1/{PSI}) - kill
      x2' = kill - k1*x2
      x3' = k1*(x2 - x3)
      x4' = k1*(x3 - x4)
      {doses}
    end
    """
    if antimony.loadAntimonyString(text) < 0:
        raise RuntimeError(antimony.getLastError())
    runner = roadrunner.RoadRunner(antimony.getSBMLString("tumors"))
    runner.integrator.relative_tolerance = 1e-8
    runner.integrator.absolute_tolerance = 1e-12
    runner.selections = ["w"]
    n = min(SCIPY_ANIMALS, exact.shape[0])
    grid = [0.0, *map(float, OUTPUTS)]
    volumes = np.empty((n, OUTPUTS.size))
    begin = time.process_time()
    for animal in range(n):
        runner.reset()
        for name, value in system.values.items():
            runner[shown(name)] = float(value[animal])
        runner["x1"] = float(system.values["w0"][animal])
        volumes[animal] = np.asarray(runner.simulate(times=grid))[1:, 0]
    cpu = time.process_time() - begin
    return [
        Row(
            what=f"libroadrunner {roadrunner.__version__}, rtol 1e-08",
            animals=n,
            ms=1e3 * cpu / n,
            error=worst(volumes, exact),
            note="seven states",
        )
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
