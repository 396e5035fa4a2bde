"""Bias of tumor growth inhibition on a day when animals leave at a volume limit, by way.

Run it as ``python validation/growth/dropout.py [--studies N] [--check]``; it writes
``dropout.json`` beside itself. With ``--check`` nothing is written: the exit status is 1 when the
model's median is off by more than Monte Carlo error allows.

The generator: log-linear growth from 150 mm³, control rate 0.11 per day, treated 0.07, standard
deviation of the animals' rates 0.02, of the log readings 0.15, eight animals per arm read every
3.5 days; an animal leaves on the day of its first reading at or above the limit, and that reading
counts. The truth is the inhibition of the arithmetic means that everybody would have had.

Ways: the mixed model's arithmetic means from all readings up to leaving; means of the animals that
are read on the day; means with the last reading carried forward; and, for comparison, means of the
day without a limit, which no study has.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.engine import Problem
from oncovivo.growth.many import ManyFits, fit_many
from oncovivo.growth.replicates import Replicates

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

OUTPUT: Final = Path(__file__).with_name("dropout.json")
SEED: Final = 20_250_417
V0: Final = 150.0
RATES: Final = (0.11, 0.07)
RATE_SD: Final = 0.02
READING_SD: Final = 0.15
EVERY: Final = 3.5
ANIMALS: Final = 8
# Volume limit, mm³, and day.
CELLS: Final = tuple((limit, day) for limit in (1500.0, 2000.0) for day in (14.0, 21.0, 28.0))
WAYS: Final = ("model", "survivors_only", "locf", "no_limit")
# Points that the model's median may be off, beyond Monte Carlo error.
LARGEST_BIAS: Final = 2.0


def visit_days(day: float) -> FloatArray:
    """Days of the readings of a study that ends on a day."""
    return np.arange(0.0, day + EVERY / 2, EVERY)


def true_inhibition(day: float) -> float:
    """Percent, of the means that everybody would have."""
    growth = np.expm1(np.array(RATES) * day + (RATE_SD * day) ** 2 / 2)
    return float(100 * (1 - growth[1] / growth[0]))


def simulate_studies(
    limit: float, day: float, studies: int, rng: np.random.Generator
) -> tuple[FloatArray, BoolArray]:
    """Log sizes of all animals on all days, and which of them are read.

    Both of shape (studies, animals of both arms, days); control first.
    """
    days = visit_days(day)
    shape = (studies, 2 * ANIMALS)
    rates = np.repeat(RATES, ANIMALS) + RATE_SD * rng.standard_normal(shape)
    noise = READING_SD * rng.standard_normal((*shape, days.size))
    log_size = np.log(V0) + rates[..., None] * days + noise
    over = log_size >= np.log(limit)
    before = np.cumsum(over, axis=2) - over
    return log_size, before == 0


def design(day: float) -> Problem:
    """Common intercept, a slope for each arm, random intercept and slope."""
    days = visit_days(day)
    time = np.tile(days, 2 * ANIMALS)
    animal = np.repeat(np.arange(2 * ANIMALS), days.size)
    arm = np.repeat([0, 1], ANIMALS)
    treated = arm[animal] == 1
    x = np.column_stack(
        (np.ones(time.size), np.where(treated, 0.0, time), np.where(treated, time, 0.0))
    )
    return Problem(y=np.zeros(time.size), x=x, time=time, animal=animal, arm=arm)


def study_data(log_size: FloatArray, read: BoolArray, day: float) -> GrowthData:
    """One study as the package reads it, of arrays of shape (animals, days)."""
    days = np.tile(visit_days(day), 2 * ANIMALS)
    width = log_size.shape[1]
    use = read.ravel()
    arm = np.repeat(["control", "treated"], ANIMALS * width)[use]
    names = np.repeat([f"m{index:02d}" for index in range(2 * ANIMALS)], width)[use]
    return growth_data_from_arrays(
        arm=[str(name) for name in arm],
        animal_id=[str(name) for name in names],
        time=days[use],
        log_size=log_size.ravel()[use],
        name="simulated",
    )


def model_inhibition(fits: ManyFits, day: float) -> FloatArray:
    """Inhibition of the arithmetic means under each fit, percent, shape (studies,)."""
    column = {name: fits.variances[:, place] for place, name in enumerate(fits.parameters)}
    # ½ z'Dz on the day less that at baseline; the baseline's own part cancels.
    spread = column["cov(intercept,slope)"] * day + column["var(slope)"] * day**2 / 2
    growth = np.expm1(fits.estimate * day + spread[:, None])
    return np.asarray(100 * (1 - growth[:, 1] / growth[:, 0]))


def means_inhibition(start: FloatArray, end: FloatArray) -> FloatArray:
    """Inhibition of the means' growth, percent; NaN where the control does not grow.

    Parameters
    ----------
    start, end : ndarray, shape (studies, animals)
        Volumes; NaN of animals that do not enter.
    """
    change = np.where(np.isnan(end), np.nan, end - start)
    count = (~np.isnan(change)).reshape(-1, 2, ANIMALS).sum(axis=2)
    total = np.nansum(change.reshape(-1, 2, ANIMALS), axis=2)
    growth = total / np.where(count > 0, count, np.nan)
    defined = growth[:, 0] > 0
    return np.where(defined, 100 * (1 - growth[:, 1] / np.where(defined, growth[:, 0], 1)), np.nan)


def all_ways(log_size: FloatArray, read: BoolArray, day: float) -> dict[str, FloatArray]:
    """Inhibition of each study by each way, percent."""
    studies = log_size.shape[0]
    weights = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    fits = fit_many(
        Replicates(
            design=design(day),
            outcomes=log_size.reshape(studies, -1),
            observed=read.reshape(studies, -1),
        ),
        weights,
    )
    volume = np.exp(log_size)
    last = read.sum(axis=2) - 1
    carried = np.take_along_axis(volume, last[..., None], axis=2)[..., 0]
    here = np.where(read[:, :, -1], volume[:, :, -1], np.nan)
    return {
        "model": model_inhibition(fits, day),
        "survivors_only": means_inhibition(volume[:, :, 0], here),
        "locf": means_inhibition(volume[:, :, 0], carried),
        "no_limit": means_inhibition(volume[:, :, 0], volume[:, :, -1]),
    }


def median_error(values: FloatArray) -> float:
    """Monte Carlo error of a median, from the order statistics one error of the rank away."""
    reach = values.size**0.5 / 2
    ranks = np.clip([values.size / 2 - reach, values.size / 2 + reach], 0, values.size - 1)
    low, high = np.sort(values)[ranks.astype(np.intp)]
    return float(high - low) / 2


def run_cell(limit: float, day: float, studies: int) -> list[dict[str, object]]:
    """Median inhibition by every way in one cell."""
    rng = np.random.default_rng([SEED, CELLS.index((limit, day))])
    log_size, read = simulate_studies(limit, day, studies, rng)
    truth = true_inhibition(day)
    share = read[:, :, -1].reshape(studies, 2, ANIMALS).mean(axis=(0, 2))
    rows: list[dict[str, object]] = []
    for way, values in all_ways(log_size, read, day).items():
        known = values[np.isfinite(values)]
        median = float(np.median(known))
        rows.append(
            {
                "limit_mm3": limit,
                "day": day,
                "studies": studies,
                "read_control_pct": round(100 * float(share[0]), 1),
                "read_treated_pct": round(100 * float(share[1]), 1),
                "truth_pct": round(truth, 2),
                "way": way,
                "median_pct": round(median, 2),
                "bias_points": round(median - truth, 2),
                "mc_error_points": round(median_error(known), 2),
                "undefined_pct": round(100 * (1 - known.size / studies), 2),
            }
        )
    return rows


def run(studies: int) -> dict[str, object]:
    """All of it."""
    return {
        "generator": {
            "v0_mm3": V0,
            "rates_per_day": list(RATES),
            "rate_sd": RATE_SD,
            "reading_sd": READING_SD,
            "every_days": EVERY,
            "animals_per_arm": ANIMALS,
        },
        "seed": SEED,
        "rows": [row for limit, day in CELLS for row in run_cell(limit, day, studies)],
    }


def outside(result: dict[str, object]) -> list[str]:
    """Cells in which the model's median is off by more than is allowed."""
    rows = result["rows"]
    return [
        f"limit {row['limit_mm3']:g}, day {row['day']:g}: off by {row['bias_points']} points"
        for row in (rows if isinstance(rows, list) else [])
        if row["way"] == "model"
        and abs(row["bias_points"]) + 2 * row["mc_error_points"] > LARGEST_BIAS
    ]


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Growth inhibition with a volume limit.")
    parser.add_argument("--studies", type=int, default=4000)
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
