"""Bias and coverage of growth rates when readings lie below the limit, by way of handling them.

Run it as ``python validation/growth/censored.py [--studies N] [--check]``; it writes
``censored.json`` beside itself. With ``--check`` nothing is written: the exit status is 1 when the
censored fit is biased, or its coverage leaves 93 to 97 %, by more than Monte Carlo error.

The generator: log-linear growth from about 100 mm³ (log-normal between animals, standard deviation
0.3), animals' rates with a standard deviation of 0.03 per day, log-normal readings with a standard
deviation of 0.2, every three days to day 24, read down to a limit of 14 mm³. In the first scenario
only the treated arm shrinks, in the second both do; three readings in ten are below the limit.

Ways: the censored fit; the readings left out; the limit taken as the value; log(V + 1) with 0 for
what is below the limit. The last three are fitted by REML with Kenward-Roger inference. Two more
intervals of the censored fit are counted, without its enlarged covariance: t and z.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth

FloatArray: TypeAlias = NDArray[np.float64]

OUTPUT: Final = Path(__file__).with_name("censored.json")
SEED: Final = 20_250_402
V0: Final = 100.0
V0_SD: Final = 0.3
RATE_SD: Final = 0.03
READING_SD: Final = 0.2
DAYS: Final = np.arange(0.0, 25.0, 3.0)
LIMIT: Final = 14.0
LEVEL: Final = 0.95
# Rates of control and treated, natural log per day, by scenario.
SCENARIOS: Final = {"one arm shrinks": (0.08, -0.24), "both arms shrink": (-0.08, -0.18)}
# Scenario and animals per arm.
CELLS: Final = (
    ("one arm shrinks", 8),
    ("both arms shrink", 8),
    ("one arm shrinks", 5),
    ("both arms shrink", 5),
)
WAYS: Final = ("censored", "omitted", "limit as value", "log(V + 1)")
QUESTIONS: Final = ("control", "treated", "treated - control")
# Coverage that the censored fit is asked to have, percent.
LOWEST, HIGHEST = 93.0, 97.0
# Bias that the censored fit may have beyond Monte Carlo error, share of the treated rate.
LARGEST_BIAS: Final = 0.01


def simulate_study(scenario: str, n: int, rng: np.random.Generator) -> GrowthData:
    """Two arms of n animals, with what is below the limit set to it."""
    rates = np.repeat(SCENARIOS[scenario], n) + RATE_SD * rng.standard_normal(2 * n)
    start = np.log(V0) + V0_SD * rng.standard_normal(2 * n)
    noise = READING_SD * rng.standard_normal((2 * n, DAYS.size))
    size = (start[:, None] + rates[:, None] * DAYS + noise).ravel()
    below = size < np.log(LIMIT)
    return growth_data_from_arrays(
        arm=["control"] * (n * DAYS.size) + ["treated"] * (n * DAYS.size),
        animal_id=[f"m{index:02d}" for index in range(2 * n) for _ in DAYS],
        time=np.tile(DAYS, 2 * n),
        log_size=np.where(below, np.log(LIMIT), size),
        below_limit=below,
        limit=LIMIT,
        name="simulated",
    )


def fit_way(data: GrowthData, way: str) -> GrowthFit:
    """The fit of one way of handling the readings below the limit."""
    if way == "censored":
        return fit_censored(data)
    if way == "omitted":
        return fit_growth(data)
    measured = np.zeros_like(data.below_limit)
    size = data.log_size
    if way == "log(V + 1)":
        size = np.where(data.below_limit, 0.0, np.log1p(np.exp(size)))
    return fit_growth(replace(data, log_size=size, below_limit=measured))


def weights() -> FloatArray:
    """The three questions about intercept and the two rates."""
    return np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 1.0]])


def run_cell(scenario: str, n: int, studies: int) -> list[dict[str, object]]:
    """Bias and coverage of every way and question in one cell of the design."""
    number = CELLS.index((scenario, n))
    rng = np.random.default_rng([SEED, number])
    control, treated = SCENARIOS[scenario]
    truth = np.array([control, treated, treated - control])
    estimates = np.full((len(WAYS), studies, 3), np.nan)
    covered = np.zeros((len(WAYS), studies, 3), dtype=bool)
    plain = np.zeros((2, studies, 3), dtype=bool)
    below = np.zeros(studies)
    flawed = 0
    for study in range(studies):
        data = simulate_study(scenario, n, rng)
        below[study] = data.below_limit.mean()
        for place, way in enumerate(WAYS):
            fit = fit_way(data, way)
            answer = fit.contrasts(weights(), level=LEVEL)
            estimates[place, study] = answer.estimate
            covered[place, study] = (answer.lower <= truth) & (truth <= answer.upper)
            if way == "censored":
                flawed += not fit.converged
                error = answer.std_error * np.sqrt((2 * n - 2) / (2 * n))
                for row, df in enumerate((float(2 * n - 2), np.inf)):
                    reach = special.stdtrit(df, 0.5 + LEVEL / 2) * error
                    plain[row, study] = np.abs(answer.estimate - truth) <= reach
    ways = [*zip(WAYS, estimates, covered, strict=True)]
    ways += [
        (f"censored, not enlarged, {name}", estimates[0], cover)
        for name, cover in zip(("t", "z"), plain, strict=True)
    ]
    rows: list[dict[str, object]] = []
    for way, estimate, cover in ways:
        for place, question in enumerate(QUESTIONS):
            off = estimate[:, place] - truth[place]
            share = float(cover[:, place].mean())
            rows.append(
                {
                    "scenario": scenario,
                    "n": n,
                    "studies": studies,
                    "below_limit_pct": round(100 * float(below.mean()), 1),
                    "not_converged": flawed,
                    "way": way,
                    "question": question,
                    "truth": round(float(truth[place]), 6),
                    "bias": round(float(off.mean()), 6),
                    "bias_mc_error": round(float(off.std(ddof=1)) / studies**0.5, 6),
                    "coverage_pct": round(100 * share, 2),
                    "coverage_mc_error_pct": round(
                        100 * (share * (1 - share) / studies) ** 0.5, 2
                    ),
                }
            )
    return rows


def run(studies: int) -> dict[str, object]:
    """All of it."""
    return {
        "generator": {
            "v0_mm3": V0,
            "v0_log_sd": V0_SD,
            "rates_per_day": {name: list(rates) for name, rates in SCENARIOS.items()},
            "rate_sd": RATE_SD,
            "reading_sd": READING_SD,
            "days": DAYS.tolist(),
            "limit_mm3": LIMIT,
        },
        "level": LEVEL,
        "seed": SEED,
        "rows": [row for scenario, n in CELLS for row in run_cell(scenario, n, studies)],
    }


def outside(result: dict[str, object]) -> list[str]:
    """Rows of the censored fit that break the limits by more than two Monte Carlo errors."""
    rows = result["rows"]
    found: list[str] = []
    for row in rows if isinstance(rows, list) else []:
        if row["way"] != "censored":
            continue
        cell = f"{row['scenario']}, n = {row['n']}, {row['question']}"
        allowed = LARGEST_BIAS * abs(SCENARIOS[row["scenario"]][1]) + 2 * row["bias_mc_error"]
        if abs(row["bias"]) > allowed:
            found.append(f"{cell}: bias {row['bias']} per day")
        slack = 2 * row["coverage_mc_error_pct"]
        if not LOWEST - slack <= row["coverage_pct"] <= HIGHEST + slack:
            found.append(f"{cell}: coverage {row['coverage_pct']} %")
        if row["not_converged"]:
            found.append(f"{cell}: {row['not_converged']} fits without an optimum")
    return found


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Growth rates with readings below the limit.")
    parser.add_argument("--studies", type=int, default=600)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    result = run(options.studies)
    bad = outside(result)
    if not options.check:
        text = json.dumps(result, indent=1, ensure_ascii=False)
        OUTPUT.write_text(text + "\n", encoding="utf-8")
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
