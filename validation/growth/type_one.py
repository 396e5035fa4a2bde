"""Type I error of treated - control in small studies, by test and by model.

Run it as ``python validation/growth/type_one.py [--studies N] [--check]``; it writes
``type_one.json`` beside itself, cell by cell. With ``--check`` nothing is written: the committed
file is held against the limits, a few hundred studies of each cell are simulated again, and the
exit status is 1 if either fails.

The generator: arms of n animals that all grow log-linearly by 0.1 per day from about 150 mm³
(log-normal between animals, standard deviation 0.3), animals' rates with their own standard
deviation, log-normal readings. There are four arms, as in a study of two drugs and their
combination; or a control and a treated arm alone. Five readings are weekly from day 0 to day 28,
eleven come every third day from day 0 to day 30. With the size limit an animal's first reading of
1500 mm³ or more is its last. A few cells have a treated arm that grows by 0.06 per day.

The question is always the difference of the rates of the treated arm and the control; what is
counted is that its true value is rejected at 5 %, which is the type I error where the arms do not
differ, and 100 % less the coverage of the 95 % interval everywhere.

Models: ``common`` is the default one, random intercept and slope with their covariance, a common
intercept; ``independent`` is without the covariance; ``arm`` has an intercept for each arm;
``ratio`` is log size relative to the baseline, random slopes only. Tests: t with Kenward-Roger's
standard error and degrees of freedom, t with Satterthwaite's, z; for small studies the parametric
bootstrap of the default model.

Limits are set for four arms. With two arms the default model rejects more often, since its common
intercept makes the baselines a covariate that few animals must carry, and the bootstrap mends only
part of that: these cells are shown, and only the models that hold the level have a limit there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.bootstrap import null_statistics
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import growth_problem
from oncovivo.growth.many import ManyFits, fit_many
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import fixed_terms

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
ModelName: TypeAlias = Literal["common", "independent", "arm", "ratio"]
Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("type_one.json")
SEED: Final = 20_250_405
V0: Final = 150.0
V0_SD: Final = 0.3
RATE: Final = 0.1
LOWER_RATE: Final = 0.06
SIZE_LIMIT: Final = 1500.0
SCHEDULES: Final = {5: np.arange(0.0, 29.0, 7.0), 11: np.arange(0.0, 31.0, 3.0)}
LEVEL: Final = 0.95
SLOPE_SDS: Final = (0.0, 0.005, 0.01, 0.02)
READING_SDS: Final = (0.1, 0.2)
SIZES: Final = (3, 5, 8, 10)
SMALLEST: Final = 3
MODELS: Final[dict[ModelName, GrowthModel]] = {
    "common": GrowthModel(),
    "independent": GrowthModel(random="intercept_slope_independent"),
    "arm": GrowthModel(intercept="arm"),
    "ratio": GrowthModel(baseline="ratio"),
}
STUDIES: Final = 40_000
BOOTSTRAP_STUDIES: Final = 4_000
# Most studies of a cell that is tested with Satterthwaite too, unless it is near the limits.
SATTERTHWAITE_STUDIES: Final = 5_000
DRAWS: Final = 199
# Studies of each cell that a check simulates again.
CHECK_STUDIES: Final = 400
CHECK_BOOTSTRAP_STUDIES: Final = 40
# Monte Carlo errors that such a check may be off.
CHECK_ERRORS: Final = 4.0
# Studies that are held in memory at once, and bootstrapped at once.
_PART: Final = 5_000
_BOOTSTRAP_PART: Final = 50
# Limits, percent of studies; the lowest one is for rates that differ between animals.
HIGHEST, HIGHEST_SMALLEST, LOWEST = 5.6, 6.6, 4.4
LARGE_SLOPE_SD: Final = 0.02
# Above this share of singular fits, whose df are limited, a low rejection is no fault.
MOSTLY_REGULAR_PCT: Final = 5.0
# Fits without an optimum that a cell may have, percent.
MOST_NOT_CONVERGED_PCT: Final = 0.02
# The bootstrap has fewer studies: so many Monte Carlo errors beyond the limits are allowed.
BOOTSTRAP_ERRORS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design and one model.

    Parameters
    ----------
    model : {"common", "independent", "arm", "ratio"}
        What is fitted.
    sd_slope, sd_reading : float
        Of animals' rates per day, and of log readings.
    readings, n : int
        Readings per animal, animals per arm.
    limited : bool
        Whether animals leave at the size limit.
    arms : int
        Two or four.
    rate_treated : float
        Rate of the treated arm, natural log per day.
    bootstrap : bool
        Whether the parametric bootstrap is the test.
    """

    model: ModelName = "common"
    sd_slope: float
    sd_reading: float
    readings: int
    n: int
    limited: bool
    arms: int = 4
    rate_treated: float = RATE
    bootstrap: bool = False

    @property
    def truth(self) -> float:
        """True difference of the rates."""
        return self.rate_treated - RATE

    @property
    def near_limits(self) -> bool:
        """Whether the default model rejects so often that more studies are needed."""
        default = self.model == "common" and self.arms == 4 and not self.bootstrap
        return default and self.n <= 5 and self.rate_treated == RATE

    def rng(self, stream: int = 0) -> np.random.Generator:
        """Random numbers of the design, the same for every model."""
        parts = (self.sd_slope, self.sd_reading, self.rate_treated)
        key = [round(1000 * part) for part in parts]
        return np.random.default_rng(
            [SEED, stream, *key, self.readings, self.n, int(self.limited), self.arms]
        )

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {
            "model": self.model,
            "test": "bootstrap" if self.bootstrap else "t and z",
            "rate_treated": self.rate_treated,
            "arms": self.arms,
            "n": self.n,
            "readings": self.readings,
            "sd_reading": self.sd_reading,
            "sd_slope": self.sd_slope,
            "size_limit": self.limited,
        }


def cells() -> list[Cell]:
    """All of them, the default model's grid first."""
    every = list(product(SIZES, SCHEDULES, READING_SDS, SLOPE_SDS, (False, True)))

    def grid(
        model: ModelName, arms: int, sizes: Sequence[int], slopes: Sequence[float]
    ) -> list[Cell]:
        return [
            Cell(
                model=model,
                arms=arms,
                n=n,
                readings=readings,
                sd_reading=sd_reading,
                sd_slope=sd_slope,
                limited=limited,
            )
            for n, readings, sd_reading, sd_slope, limited in every
            if n in sizes and sd_slope in slopes
        ]

    effect = [
        Cell(
            n=n,
            readings=readings,
            sd_reading=0.2,
            sd_slope=sd_slope,
            limited=True,
            rate_treated=LOWER_RATE,
        )
        for n, readings, sd_slope in product(SIZES, SCHEDULES, (0.01, 0.02))
    ]
    ratio = [
        cell
        for cell in grid("ratio", 4, SIZES, (0.02,))
        if cell.readings == 11 and cell.sd_reading == 0.2
    ]
    bootstrap = [
        Cell(
            arms=arms,
            n=SMALLEST,
            readings=readings,
            sd_reading=0.1,
            sd_slope=0.02,
            limited=limited,
            bootstrap=True,
        )
        for arms, readings, limited in product((4, 2), SCHEDULES, (False, True))
    ]
    return [
        *grid("common", 4, SIZES, SLOPE_SDS),
        *grid("arm", 4, (SMALLEST,), SLOPE_SDS),
        *effect,
        *ratio,
        *grid("common", 2, SIZES, (0.02,)),
        *grid("arm", 2, (3, 5), (0.02,)),
        *grid("independent", 2, (3, 5), (0.02,)),
        *bootstrap,
    ]


def simulate(cell: Cell, studies: int, rng: np.random.Generator) -> tuple[FloatArray, BoolArray]:
    """Log sizes and which of them were read, each of shape (studies, 2 n, readings)."""
    days = SCHEDULES[cell.readings]
    shape = (studies, cell.arms * cell.n)
    means = np.repeat([RATE, cell.rate_treated, *[RATE] * (cell.arms - 2)], cell.n)
    rates = means + cell.sd_slope * rng.standard_normal(shape)
    start = np.log(V0) + V0_SD * rng.standard_normal(shape)
    noise = cell.sd_reading * rng.standard_normal((*shape, days.size))
    size = start[..., None] + rates[..., None] * days + noise
    if not cell.limited:
        return size, np.ones(size.shape, dtype=bool)
    over = size >= np.log(SIZE_LIMIT)
    return size, np.cumsum(over, axis=2) - over < 1


def replicates(
    cell: Cell, size: FloatArray, read: BoolArray
) -> tuple[Replicates, FloatArray, FloatArray]:
    """Simulated studies as `fit_many` takes them, the question's weights, and its true answer."""
    days = SCHEDULES[cell.readings]
    animals = cell.arms * cell.n
    names = ["control", "treated", *(f"other {number}" for number in range(1, cell.arms - 1))]
    data = growth_data_from_arrays(
        arm=np.repeat(names, cell.n * days.size).tolist(),
        animal_id=[f"m{number:02d}" for number in range(animals) for _ in days],
        time=np.tile(days, animals),
        log_size=size[0].ravel(),
    )
    model = MODELS[cell.model]
    terms = fixed_terms(data, model)
    outcomes = size - size[:, :, :1] if model.baseline == "ratio" else size
    rows = terms.rows
    studies = Replicates(
        design=growth_problem(data, model, terms),
        outcomes=outcomes.reshape(len(size), -1)[:, rows],
        observed=read.reshape(len(size), -1)[:, rows] if cell.limited else None,
    )
    weights = (terms.rate(1) - terms.rate(0))[None]
    return studies, weights, np.array([cell.truth])


def rejected(fits: ManyFits, truth: FloatArray) -> BoolArray:
    """Whether each study's t test rejects the truth."""
    critical = special.stdtrit(fits.df, 0.5 + LEVEL / 2)
    off = np.abs(fits.estimate - truth)
    return np.asarray((off > critical * fits.std_error)[:, 0])


def run_cell(cell: Cell, studies: int) -> Row:
    """Rejections of one cell, percent."""
    rng = cell.rng()
    counted: dict[str, list[BoolArray]] = {
        name: [] for name in ("kr", "satterthwaite", "z", "singular", "converged")
    }
    estimates: list[FloatArray] = []
    left = 0.0
    for low in range(0, studies, _PART):
        size, read = simulate(cell, min(_PART, studies - low), rng)
        left += float((~read[:, :, -1]).mean(axis=1).sum())
        made, weights, truth = replicates(cell, size, read)
        fits = fit_many(made, weights)
        z = np.abs(fits.estimate - truth) > special.ndtri(0.5 + LEVEL / 2) * fits.std_error_plain
        counted["kr"].append(rejected(fits, truth))
        if cell.near_limits or low < SATTERTHWAITE_STUDIES:
            other = fit_many(made, weights, method="satterthwaite")
            counted["satterthwaite"].append(rejected(other, truth))
        counted["z"].append(z[:, 0])
        counted["singular"].append(fits.singular)
        counted["converged"].append(fits.converged)
        estimates.append(fits.estimate[:, 0])
    found = {name: np.concatenate(parts) for name, parts in counted.items()}
    estimate = np.concatenate(estimates)
    regular = found["kr"][~found["singular"]]
    return {
        **cell.labels(),
        "studies": studies,
        "left_early_pct": _percent(left / studies),
        "singular_pct": _percent(found["singular"].mean()),
        "not_converged": int((~found["converged"]).sum()),
        "kr_pct": _percent(found["kr"].mean()),
        "mc_error_pct": _mc_error(found["kr"]),
        "satterthwaite_pct": _percent(found["satterthwaite"].mean()),
        "satterthwaite_studies": found["satterthwaite"].size,
        "z_pct": _percent(found["z"].mean()),
        "coverage_pct": _percent(1 - found["kr"].mean()),
        "kr_regular_pct": _percent(regular.mean()) if regular.size else None,
        "bias": round(float(estimate.mean() - cell.truth), 6),
        "bias_mc_error": round(float(estimate.std(ddof=1)) / studies**0.5, 6),
    }


def run_bootstrap_cell(cell: Cell, studies: int) -> Row:
    """Rejections of the parametric bootstrap in one cell, and of Kenward-Roger's t beside it."""
    size, read = simulate(cell, studies, cell.rng())
    draw = cell.rng(1)
    counted: list[BoolArray] = []
    plain: list[BoolArray] = []
    for low in range(0, studies, _BOOTSTRAP_PART):
        part = slice(low, low + _BOOTSTRAP_PART)
        made, weights, truth = replicates(cell, size[part], read[part])
        fits = fit_many(made, weights)
        null = null_statistics(made, weights[0], rng=draw, draws=DRAWS).statistic
        beyond = (np.abs(null) >= np.abs(fits.statistic)).sum(axis=1)
        counted.append((1 + beyond) / (DRAWS + 1) <= 1 - LEVEL)
        plain.append(rejected(fits, truth))
    found = np.concatenate(counted)
    return {
        **cell.labels(),
        "studies": studies,
        "draws": DRAWS,
        "bootstrap_pct": _percent(found.mean()),
        "mc_error_pct": _mc_error(found),
        "kr_pct": _percent(np.concatenate(plain).mean()),
    }


def run(cell: Cell, studies: int) -> Row:
    """One row of the table."""
    return run_bootstrap_cell(cell, studies) if cell.bootstrap else run_cell(cell, studies)


def studies_of(cell: Cell, studies: int) -> int:
    """Studies of a cell: all of them where the default model is near its limits, else half."""
    if cell.bootstrap:
        return min(studies, BOOTSTRAP_STUDIES)
    return studies if cell.near_limits else studies // 2


def _percent(share: float | np.floating) -> float:
    return round(float(100 * share), 2)


def _mc_error(found: BoolArray) -> float:
    share = float(found.mean())
    return round(100 * math.sqrt(share * (1 - share) / found.size), 3)


def text(rows: Iterable[Row]) -> str:
    """The file: what was simulated, then a line for each cell."""
    head = {
        "generator": {
            "v0_mm3": V0,
            "v0_log_sd": V0_SD,
            "rate_per_day": RATE,
            "days": {str(count): days.tolist() for count, days in SCHEDULES.items()},
            "size_limit_mm3": SIZE_LIMIT,
        },
        "level": LEVEL,
        "seed": SEED,
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def outside(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells that break the limits."""
    found: list[str] = []
    for row in rows:
        low, high = limits(row)
        bootstrap = row["test"] == "bootstrap"
        value = number(row, "bootstrap_pct" if bootstrap else "kr_pct")
        if not low <= value <= high:
            found.append(f"{name(row)}: rejects {value} %")
        if bootstrap:
            continue
        lost = number(row, "not_converged")
        if 100 * lost > MOST_NOT_CONVERGED_PCT * number(row, "studies"):
            found.append(f"{name(row)}: {lost:g} fits without an optimum")
    return found


def limits(row: Mapping[str, object]) -> tuple[float, float]:
    """Least and most rejections of the test of a cell, percent."""
    if row["model"] == "common" and row["arms"] == 2:
        return 0.0, 100.0
    if row["test"] == "bootstrap":
        slack = BOOTSTRAP_ERRORS * number(row, "mc_error_pct")
        return LOWEST - slack, HIGHEST + slack
    regular = number(row, "singular_pct") <= MOSTLY_REGULAR_PCT
    spread = number(row, "sd_slope") >= LARGE_SLOPE_SD
    smallest = row["n"] == SMALLEST and row["model"] == "common"
    return LOWEST if spread and regular else 0.0, HIGHEST_SMALLEST if smallest else HIGHEST


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of which a few hundred studies come out otherwise than the committed ones."""
    found: list[str] = []
    for cell, row in zip(cells(), rows, strict=True):
        count = CHECK_BOOTSTRAP_STUDIES if cell.bootstrap else CHECK_STUDIES
        again = run(cell, count)
        for test in ("bootstrap_pct", "kr_pct", "satterthwaite_pct", "z_pct"):
            if test in row:
                share = number(row, test) / 100
                error = 100 * math.sqrt(share * (1 - share) / count)
                off = number(again, test) - number(row, test)
                if abs(off) > CHECK_ERRORS * error:
                    found.append(f"{name(row)}: {test} {again[test]}, committed {row[test]}")
    return found


def name(row: Mapping[str, object]) -> str:
    """What a cell is called."""
    return ", ".join(f"{key} {row[key]}" for key in cells()[0].labels())


def number(row: Mapping[str, object], key: str) -> float:
    """A number of a row."""
    value = row[key]
    if isinstance(value, float | int):
        return float(value)
    message = f"{key} is no number"
    raise TypeError(message)


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Type I error of the difference of two rates.")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = []
        for cell in cells():
            rows.append(run(cell, studies_of(cell, options.studies)))
            OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
