"""Simulate-and-refit: how often the limits of a population fit hold the truth.

Run it as ``python validation/mechanism/refit.py [--replicates N] [--seed S] [--check]``; it writes
``refit.json`` beside itself after every replicate and goes on where it ended. With ``--check``
nothing is written: the committed file is held against the limits, a few of its replicates are
fitted again, and the exit status is 1 if either fails.

The design: a vehicle and three dose levels of a drug without concentrations (K-PD, one virtual
compartment), ten animals each, seven doses two days apart; exponential growth that the drug
slows, saturating with the virtual amount up to a plateau. The highest dose saturates, the lowest
does not, and readings go on for two weeks after the last dose, so that all five typical values are
identified. Start volume and growth rate differ between animals (log-normal); readings every second
day to day 28 have a log-normal error; an animal leaves at the visit at which it is read at
1500 mm³ or more.

The settings of the fit were chosen on studies of another seed (``SEED_OF_SETTINGS``) before the
first study of ``SEED`` was fitted. Replicate i draws from the seed (``SEED``, i), so that any of
them can be made again.

What is counted: whether the 95 % limits of each typical value hold the truth; the mean error of
typical values on the scale of their logarithm or logit; variances between animals and of the
error relative to the truth. A fit that did not converge or left a parameter unidentified counts
as such, and its limits, where it has any, are counted as they are.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import ProjectError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit import FitPlan, MechanismFit, fit_mechanism, read_fit_plan
from oncovivo.mechanism.fit.curves import MechanismCurves, fit_data_from_growth

FloatArray: TypeAlias = NDArray[np.float64]
Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("refit.json")
SEED: Final = 20_261_123
SEED_OF_SETTINGS: Final = 7
REPLICATES: Final = 200
PER_ARM: Final = 10
DAYS: Final = np.arange(0.0, 29.0, 2.0)
LEAVES_AT_MM3: Final = 1500.0
SIGMA: Final = 0.12
SPREADS: Final[Mapping[str, float]] = {"v0": 0.25, "growth_rate": 0.2}
LEVEL: Final = 0.95
# Limits: coverage in percent, share of fits that are sound, bias of typical values in their own
# standard deviations, and relative bias of variances.
LOWEST_COVERAGE, HIGHEST_COVERAGE = 90.0, 98.0
LEAST_CONVERGED_PCT: Final = 95.0
MOST_BIAS: Final = 0.25
MOST_VARIANCE_BIAS: Final = {"v0": 0.15, "growth_rate": 0.15, "error": 0.05}
CHECK_REPLICATES: Final = 2
# A fit that is made again by another engine or version of numpy may differ by so much of its
# standard errors.
CHECK_SHARE: Final = 0.05

SIMULATION: Final = """
schema = "oncovivo.simulation/1"
title = "A drug without concentrations that slows growth"
blocks = ["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]
parameters = ["mouse_20g"]
[time]
days = [0.0, 28.0]
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 3.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.12, unit = "1/day", status = "assumed" }
v0 = { value = 150.0, unit = "mm³", status = "assumed" }
[[arms]]
name = "vehicle"
[[arms]]
name = "low"
regimen = "drug 2 mg/kg p.o. q2d x7"
[[arms]]
name = "middle"
regimen = "drug 8 mg/kg p.o. q2d x7"
[[arms]]
name = "high"
regimen = "drug 100 mg/kg p.o. q2d x7"
"""
PLAN: Final = """
schema = "oncovivo.fit/1"
title = "A drug without concentrations that slows growth"
simulation = "kpd.toml"
[arms]
vehicle = "vehicle"
low = "low"
middle = "middle"
high = "high"
[estimate.v0]
between_animal = true
[estimate.growth_rate]
between_animal = true
[estimate.inhibition_ed50]
start = 6.0
[estimate.growth_imax]
start = 0.6
[estimate.kde]
start = 0.8
[leaving]
volume_mm3 = 1500.0
"""
TRUTH: Final[Mapping[str, float]] = {
    "v0": 150.0,
    "growth_rate": 0.12,
    "inhibition_ed50": 3.0,
    "growth_imax": 0.8,
    "kde": 0.5,
}


def fit_plan() -> FitPlan:
    """The plan of the design."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kpd.toml").write_text(SIMULATION, encoding="utf-8")
        (Path(folder) / "plan.toml").write_text(PLAN, encoding="utf-8")
        return read_fit_plan(Path(folder) / "plan.toml")


def truth_on_scale(plan: FitPlan) -> FloatArray:
    """The typical values on the estimation scale."""
    return np.array([float(one.to_scale(TRUTH[one.name])) for one in plan.estimated])


def simulated(plan: FitPlan, rng: np.random.Generator, engine: Engine) -> GrowthData:
    """A study of the design."""
    arm = [name for name, _ in plan.arms for _ in range(PER_ARM)]
    spread = np.array([SPREADS.get(one.name, 0.0) for one in plan.estimated])
    phi = truth_on_scale(plan) + spread * rng.standard_normal((len(arm), spread.size))
    days = np.broadcast_to(DAYS, (len(arm), DAYS.size))
    read = MechanismCurves(plan, arm, days, engine=engine, rtol=1e-7)(phi)
    read = read + SIGMA * rng.standard_normal(read.shape)
    # The visit at which an animal leaves is its last.
    gone = (read >= math.log(LEAVES_AT_MM3)).cumsum(axis=1)
    kept = (gone == 0) | ((gone == 1) & (read >= math.log(LEAVES_AT_MM3)))
    animal, visit = np.nonzero(kept)
    return growth_data_from_arrays(
        arm=[arm[row] for row in animal],
        animal_id=[f"m{row:02d}" for row in animal],
        time=DAYS[visit],
        log_size=read[kept],
        below_limit=np.zeros(animal.size, dtype=bool),
    )


def replicate(plan: FitPlan, seed: int, number: int, engine: Engine) -> Row:
    """A study simulated and fitted."""
    rng = np.random.default_rng((seed, number))
    data = simulated(plan, rng, engine)
    begun = time.process_time()
    row: Row = {"replicate": number, "left_early": int((data.readings < DAYS.size).sum())}
    try:
        found = fit_mechanism(
            plan,
            fit_data_from_growth(data, plan),
            seed=int(rng.integers(2**31)),
            engine=engine,
            limits=False,
        )
    except ProjectError as err:
        return {**row, "failed": type(err).__name__}
    return {**row, **described(plan, found), "cpu_s": round(time.process_time() - begun, 1)}


def described(plan: FitPlan, found: MechanismFit) -> Row:
    """A fit in numbers on the estimation scale."""

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(float(value), 6)

    parameters: Row = {}
    for one, fitted in zip(plan.estimated, found.parameters, strict=True):
        known = fitted.estimate is not None
        ends = [fitted.estimate, fitted.lower, fitted.upper] if known else [None] * 3
        scaled = [None if end is None else float(one.to_scale(end)) for end in ends]
        parameters[one.name] = [
            *(rounded(end) for end in scaled),
            rounded(fitted.standard_error),
            rounded(fitted.spread),
            rounded(fitted.spread_error),
        ]
    return {
        "converged": found.converged,
        "at_bound": [one.name for one in found.parameters if one.at_bound],
        "rounds": found.rounds,
        "log_likelihood": round(found.log_likelihood, 3),
        "sigma": rounded(found.sigma),
        "parameters": parameters,
    }


def summary(plan: FitPlan, rows: Sequence[Row]) -> Row:
    """Coverage, bias and convergence with Monte Carlo errors."""
    fitted = [row for row in rows if "failed" not in row]
    truth = truth_on_scale(plan)
    typical: Row = {}
    between: Row = {}
    for place, one in enumerate(plan.estimated):
        cells = np.array(
            [[math.nan if v is None else v for v in _cells(row, one.name)] for row in fitted]
        )
        known = cells[np.isfinite(cells[:, 0])]
        held = (known[:, 1] <= truth[place]) & (truth[place] <= known[:, 2])
        error = known[:, 0] - truth[place]
        spread = float(error.std(ddof=1))
        typical[one.name] = {
            "identified": len(known),
            "coverage_pct": _percent(held.mean()),
            "mc_error_pct": _mc_error(float(held.mean()), held.size),
            "bias": round(float(error.mean()), 4),
            "bias_mc_error": round(spread / math.sqrt(error.size), 4),
            "standard_deviation": round(spread, 4),
            "mean_standard_error": round(float(known[:, 3].mean()), 4),
        }
        if one.name in SPREADS:
            between[one.name] = _variance(known[:, 4] ** 2, SPREADS[one.name] ** 2)
    between["error"] = _variance(
        np.array([float(str(row["sigma"])) for row in fitted]) ** 2, SIGMA**2
    )
    converged = np.array([bool(row["converged"]) for row in fitted])
    seconds = np.array([float(str(row["cpu_s"])) for row in fitted])
    left = np.array([float(str(row["left_early"])) for row in rows])
    return {
        "replicates": len(rows),
        "failed": len(rows) - len(fitted),
        "converged_pct": _percent(converged.mean()),
        "converged_mc_error_pct": _mc_error(float(converged.mean()), converged.size),
        "at_bound_pct": _percent(np.mean([bool(row["at_bound"]) for row in fitted])),
        "left_early_pct": _percent(left.mean() / (PER_ARM * len(plan.arms))),
        "median_cpu_s": round(float(np.median(seconds)), 1),
        "typical": typical,
        "variances": between,
    }


def _cells(row: Row, name: str) -> list[float | None]:
    """Numbers of a parameter."""
    parameters = row["parameters"]
    if not isinstance(parameters, dict):
        message = "no parameters"
        raise TypeError(message)
    found: list[float | None] = parameters[name]
    return found


def table(found: Row) -> list[str]:
    """The summary as lines of a page."""
    lines = [
        "| typical value | truth | scale | coverage, % | bias | SD of estimates | mean SE |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in _rows(found, "typical"):
        scale = "logit" if name == "growth_imax" else "log"
        lines.append(
            f"| `{name}` | {TRUTH[name]:g} | {scale} | {_number(one, 'coverage_pct'):.1f} "
            f"± {_number(one, 'mc_error_pct'):.1f} | {_number(one, 'bias'):.3f} "
            f"± {_number(one, 'bias_mc_error'):.3f} | {_number(one, 'standard_deviation'):.3f} "
            f"| {_number(one, 'mean_standard_error'):.3f} |"
        )
    lines += ["", "| variance | truth | relative bias, % |", "| --- | --- | --- |"]
    for name, one in _rows(found, "variances"):
        truth = SIGMA if name == "error" else SPREADS[name]
        label = "error of a log reading" if name == "error" else f"between animals, `{name}`"
        lines.append(
            f"| {label} | {truth:g}² | {100 * _number(one, 'relative_bias'):.1f} "
            f"± {100 * _number(one, 'mc_error'):.1f} |"
        )
    return lines


def _variance(found: FloatArray, truth: float) -> Row:
    """Relative bias of variances."""
    ratio = found / truth
    return {
        "relative_bias": round(float(ratio.mean()) - 1.0, 4),
        "mc_error": round(float(ratio.std(ddof=1)) / math.sqrt(ratio.size), 4),
        "median_ratio": round(float(np.median(ratio)), 4),
    }


def _percent(share: float | np.floating) -> float:
    return round(float(100 * share), 2)


def _mc_error(share: float, count: int) -> float:
    return round(100 * math.sqrt(share * (1 - share) / count), 2)


def outside(found: Row) -> list[str]:
    """What breaks the limits."""
    bad = []
    if _number(found, "converged_pct") < LEAST_CONVERGED_PCT:
        bad.append(f"converged: {found['converged_pct']} %")
    for name, one in _rows(found, "typical"):
        coverage = _number(one, "coverage_pct")
        if not LOWEST_COVERAGE <= coverage <= HIGHEST_COVERAGE:
            bad.append(f"{name}: coverage {coverage} %")
        if abs(_number(one, "bias")) > MOST_BIAS * _number(one, "standard_deviation"):
            bad.append(f"{name}: bias {one['bias']}")
    for name, one in _rows(found, "variances"):
        bias = _number(one, "relative_bias")
        if name in MOST_VARIANCE_BIAS and abs(bias) > MOST_VARIANCE_BIAS[name]:
            bad.append(f"{name}: relative bias of the variance {bias}")
    return bad


def _rows(found: Row, key: str) -> list[tuple[str, Row]]:
    """Named rows of a part of the summary."""
    part = found[key]
    return list(part.items()) if isinstance(part, dict) else []


def _number(row: Row, key: str) -> float:
    """A number of a row."""
    value = row[key]
    if isinstance(value, float | int):
        return float(value)
    message = f"{key} is no number"
    raise TypeError(message)


def repeated(plan: FitPlan, rows: Sequence[Row], seed: int, engine: Engine) -> list[str]:
    """Replicates that come out otherwise than the committed ones."""
    bad = []
    for row in rows[:CHECK_REPLICATES]:
        again = replicate(plan, seed, int(str(row["replicate"])), engine)
        for name in TRUTH:
            old, new = _cells(row, name), _cells(again, name)
            if old[0] is None or new[0] is None or old[3] is None:
                if old[0] is not new[0]:
                    bad.append(f"replicate {row['replicate']}: {name} {new[0]}, was {old[0]}")
            elif abs(old[0] - new[0]) > CHECK_SHARE * old[3]:
                bad.append(f"replicate {row['replicate']}: {name} {new[0]}, was {old[0]}")
    return bad


def text(plan: FitPlan, rows: Sequence[Row], seed: int, engine: Engine) -> str:
    """The file: what was simulated, the summary, then a line for each replicate."""
    head = {
        "generator": {
            "typical": dict(TRUTH),
            "between_animal_log_sd": dict(SPREADS),
            "error_log_sd": SIGMA,
            "days": DAYS.tolist(),
            "animals_per_arm": PER_ARM,
            "leaves_at_mm3": LEAVES_AT_MM3,
        },
        "columns": ["estimate", "lower", "upper", "standard_error", "spread", "spread_error"],
        "level": LEVEL,
        "seed": seed,
        "seed_of_settings": SEED_OF_SETTINGS,
        "engine": engine,
        "summary": summary(plan, rows) if len(rows) > 1 else {},
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "replicates": [\n{lines}\n ]\n}}\n'


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Limits of population fits against the truth.")
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    plan = fit_plan()
    engine: Engine = "generated" if find_spec("numba") else "adaptive"
    known = {}
    if options.output.is_file():
        known = json.loads(options.output.read_text(encoding="utf-8"))
    rows: list[Row] = known["replicates"] if known.get("seed") == options.seed else []
    if options.check:
        bad = [*outside(known["summary"]), *repeated(plan, rows, options.seed, engine)]
    else:
        for number in range(len(rows), options.replicates):
            rows.append(replicate(plan, options.seed, number, engine))
            made = text(plan, rows, options.seed, engine)
            options.output.write_text(made, encoding="utf-8")
        bad = outside(summary(plan, rows))
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
