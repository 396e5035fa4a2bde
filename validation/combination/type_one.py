"""Errors and power of the tests of synergy in small studies, by null model.

Run it as ``python validation/combination/type_one.py [--studies N] [--check]``; it writes
``type_one.json`` beside itself, cell by cell. With ``--check`` nothing is written: the committed
file is held against the limits, a few hundred studies of each cell are simulated again, and the
exit status is 1 if either fails.

The generator: four arms of n animals, control, A, B and both, that grow log-linearly from about
150 mm³ (log-normal between animals, standard deviation 0.3), animals' rates with a standard
deviation of 0.02 per day around their arm's, log-normal readings every third day from day 0 to
day 30. With the size limit an animal's first reading of 1500 mm³ or more is its last. What is
fitted is the default model, a common intercept, a slope for each arm, random intercept and slope
with their covariance, and Kenward-Roger.

Tests: ``bliss``, ``response_additivity`` (of the relative size on day 21) and ``hsa`` where their
null model is true; for the highest single agent the combination is as good as B, and A is worse
by a gap that goes from 0 to so much that only B matters. ``band`` is the test over all days: of
Bliss under a curve with a knot on day 15, of response additivity and the highest single agent
under straight curves; the response of A is then that of the control, so that response additivity
is true on all days. ``power`` has a combination that grows less than Bliss foresees, tested by
Kenward-Roger in the default model and by SynergyLMM's z in its own one (log size relative to the
baseline, random slopes), as it is, and at a critical value that holds 5 % in these studies.
``area`` is the index of areas with its bootstrap, two-sided, under Bliss; its follow-up is common.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination import CombinationArms, area_index, index_band
from oncovivo.combination.bliss import bliss_signs
from oncovivo.combination.result import Null
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth, growth_problem
from oncovivo.growth.many import ManyFits, fit_many
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import FixedTerms, fixed_terms

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
TestName: TypeAlias = Literal["bliss", "response_additivity", "hsa", "band", "power", "area"]
Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("type_one.json")
SEED: Final = 20_261_123
V0: Final = 150.0
V0_SD: Final = 0.3
SD_SLOPE: Final = 0.02
SIZE_LIMIT: Final = 1500.0
DAYS: Final = np.arange(0.0, 31.0, 3.0)
INDEX_DAY: Final = 21.0
KNOT: Final = 15.0
BAND_DAYS: Final = (7.0, 14.0, 21.0, 28.0)
LEVEL: Final = 0.95
ALPHA: Final = 1 - LEVEL
CONTROL, RATE_A, RATE_B = 0.10, 0.08, 0.07
NAMES: Final = ("C", "A", "B", "AB")
ARMS: Final = CombinationArms(control="C", partners=("A", "B"), combination="AB")
SIZES: Final = (5, 8, 10)
BAND_SIZES: Final = (5, 8)
READING_SDS: Final = (0.1, 0.2)
GAPS: Final = (0.0, 0.005, 0.01, 0.02, 0.04, 0.08)
SHIFTS: Final = (-0.02, -0.03, -0.04)
STUDIES: Final = 20_000
AREA_STUDIES: Final = 4_000
DRAWS: Final = 999
CHECK_STUDIES: Final = 400
# Monte Carlo errors that such a check may be off.
CHECK_ERRORS: Final = 4.0
_PART: Final = 5_000
# Limits, percent of studies.
LOWEST, HIGHEST, HIGHEST_BAND = 4.4, 5.6, 5.5
# Where the partners are equal, both have to be beaten.
HIGHEST_EQUAL: Final = 2.5
# Above this share of singular fits, whose df are limited, a low rejection is no fault.
MOSTLY_REGULAR_PCT: Final = 5.0
RATIO: Final = GrowthModel(baseline="ratio")
BENT: Final = GrowthModel(time=TimeShape(kind="piecewise", knots=(KNOT,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design and one question.

    Parameters
    ----------
    test : {"bliss", "response_additivity", "hsa", "band", "power", "area"}
        What is tested.
    n : int
        Animals per arm.
    sd_reading : float
        Of log readings.
    limited : bool
        Whether animals leave at the size limit.
    null : {"bliss", "hsa", "response_additivity"}
        Null model of a band.
    gap : float
        Rate of A above that of B, for the highest single agent.
    shift : float
        Rate of the combination above what Bliss foresees, for power.
    limits : {"", "bootstrap_t", "percentile"}
        Of areas.
    """

    test: TestName
    n: int
    sd_reading: float = 0.2
    limited: bool = False
    null: Null = "bliss"
    gap: float = 0.0
    shift: float = 0.0
    limits: Literal["", "bootstrap_t", "percentile"] = ""

    @property
    def rates(self) -> tuple[float, float, float, float]:
        """Rates of control, A, B and both."""
        if self.null == "hsa":
            return CONTROL, RATE_B + self.gap, RATE_B, RATE_B
        if self.test == "band":
            return (
                (CONTROL, RATE_A, RATE_B, RATE_A + RATE_B - CONTROL)
                if self.null == "bliss"
                else (CONTROL, CONTROL, RATE_B, RATE_B)
            )
        if self.null == "response_additivity":
            sizes = np.exp(INDEX_DAY * np.array([RATE_A, RATE_B, CONTROL]))
            both = math.log(sizes[0] + sizes[1] - sizes[2]) / INDEX_DAY
            return CONTROL, RATE_A, RATE_B, both
        return CONTROL, RATE_A, RATE_B, RATE_A + RATE_B - CONTROL + self.shift

    def rng(self, stream: int = 0) -> np.random.Generator:
        """Random numbers of the design, the same for every test."""
        parts = (self.sd_reading, self.gap, -self.shift)
        key = [round(1000 * part) for part in parts]
        return np.random.default_rng([SEED, stream, *key, self.n, int(self.limited)])

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {
            "test": self.test,
            "null": self.null,
            "n": self.n,
            "sd_reading": self.sd_reading,
            "size_limit": self.limited,
            "gap": self.gap,
            "shift": self.shift,
            "limits": self.limits,
        }


def cells() -> list[Cell]:
    """All of them."""
    designs = list(product(SIZES, READING_SDS, (False, True)))
    return [
        *(Cell(test="bliss", n=n, sd_reading=sd, limited=left) for n, sd, left in designs),
        *(
            Cell(
                test="response_additivity",
                null="response_additivity",
                n=n,
                sd_reading=sd,
                limited=left,
            )
            for n, sd, left in designs
        ),
        *(Cell(test="hsa", null="hsa", n=n, gap=gap) for n, gap in product(SIZES, GAPS)),
        *(Cell(test="band", n=n) for n in BAND_SIZES),
        *(Cell(test="band", null="response_additivity", n=n) for n in BAND_SIZES),
        *(Cell(test="band", null="hsa", gap=GAPS[-1], n=n) for n in BAND_SIZES),
        *(Cell(test="power", n=n, shift=shift) for n, shift in product(SIZES, SHIFTS)),
        *(
            Cell(test="area", n=n, limits=limits)
            for n in SIZES
            for limits in ("bootstrap_t", "percentile")
        ),
    ]


def simulate(cell: Cell, studies: int, rng: np.random.Generator) -> tuple[FloatArray, BoolArray]:
    """Log sizes and which of them were read, each of shape (studies, 4 n, readings)."""
    shape = (studies, len(NAMES) * cell.n)
    rates = np.repeat(cell.rates, cell.n) + SD_SLOPE * rng.standard_normal(shape)
    start = np.log(V0) + V0_SD * rng.standard_normal(shape)
    noise = cell.sd_reading * rng.standard_normal((*shape, DAYS.size))
    size = start[..., None] + rates[..., None] * DAYS + noise
    if not cell.limited:
        return size, np.ones(size.shape, dtype=bool)
    over = size >= np.log(SIZE_LIMIT)
    return size, np.cumsum(over, axis=2) - over < 1


def study(cell: Cell, size: FloatArray) -> GrowthData:
    """One study without leavers, log sizes of shape (4 n, readings)."""
    animals = len(NAMES) * cell.n
    return growth_data_from_arrays(
        arm=np.repeat(NAMES, cell.n * DAYS.size).tolist(),
        animal_id=[f"m{number:02d}" for number in range(animals) for _ in DAYS],
        time=np.tile(DAYS, animals),
        log_size=size.ravel(),
    )


def replicates(
    cell: Cell, size: FloatArray, read: BoolArray, model: GrowthModel
) -> tuple[Replicates, FixedTerms]:
    """Simulated studies as `fit_many` takes them."""
    data = study(cell, size[0])
    terms = fixed_terms(data, model)
    outcomes = size - size[:, :, :1] if model.baseline == "ratio" else size
    rows = terms.rows
    made = Replicates(
        design=growth_problem(data, model, terms),
        outcomes=outcomes.reshape(len(size), -1)[:, rows],
        observed=read.reshape(len(size), -1)[:, rows] if cell.limited else None,
    )
    return made, terms


def arm_rates(terms: FixedTerms) -> FloatArray:
    """Weights of the arms' rates, shape (4, p)."""
    return np.stack([terms.rate(arm) for arm in range(len(NAMES))])


def additivity_fits(
    made: Replicates, terms: FixedTerms, days: Sequence[float]
) -> tuple[FloatArray, ManyFits]:
    """ln(R_AB + R_C) - ln(R_A + R_B) by day, and the fits that hold its errors and df.

    The weights of the delta method are those of each study's own rates.
    """
    rates = arm_rates(terms)
    first = fit_many(made, rates).estimate
    values, slopes = [], []
    for day in days:
        size = first * day
        left = special.softmax(size[:, [0, 3]], axis=1)
        right = special.softmax(size[:, [1, 2]], axis=1)
        values.append(np.logaddexp(size[:, 0], size[:, 3]) - np.logaddexp(size[:, 1], size[:, 2]))
        slopes.append(
            day * np.column_stack((left[:, 0], -right[:, 0], -right[:, 1], left[:, 1])) @ rates
        )
    design = made.design
    problems = []
    for number, outcome in enumerate(made.outcomes):
        keep = slice(None) if made.observed is None else made.observed[number]
        problems.append(
            replace(
                design,
                y=outcome[keep],
                x=design.x[keep],
                time=design.time[keep],
                animal=design.animal[keep],
            )
        )
    weights = np.stack(slopes, axis=1)
    return np.column_stack(values), fit_many(problems, list(weights))


def run_test(cell: Cell, studies: int) -> Row:
    """Rejections of one cell where its null model is true, percent."""
    rng = cell.rng()
    counted: dict[str, list[BoolArray]] = {
        name: [] for name in ("rejected", "z", "singular", "converged")
    }
    for low in range(0, studies, _PART):
        size, read = simulate(cell, min(_PART, studies - low), rng)
        made, terms = replicates(cell, size, read, GrowthModel())
        rates = arm_rates(terms)
        if cell.test == "response_additivity":
            value, fits = additivity_fits(made, terms, [INDEX_DAY])
            t = np.abs(value / fits.std_error)[:, 0]
            z = np.abs(value / fits.std_error_plain)[:, 0]
            rejected = t > special.stdtrit(fits.df[:, 0], 1 - ALPHA / 2)
        elif cell.test == "hsa":
            fits = fit_many(made, rates[[3]] - rates[[1, 2]])
            rejected = special.stdtr(fits.df, fits.statistic).max(axis=1) < ALPHA
            picked = np.argmax(fits.estimate, axis=1)
            # SynergyLMM: two-sided z against the partner that looks better, as if it were known.
            score = np.take_along_axis(
                fits.estimate / fits.std_error_plain, picked[:, None], axis=1
            )[:, 0]
            z = np.where(score < 0, np.abs(score), 0.0)
        else:
            fits = fit_many(made, np.array([bliss_signs(2)]) @ rates)
            rejected = fits.p_value[:, 0] < ALPHA
            other, ratio = replicates(cell, size, read, RATIO)
            plain = fit_many(other, np.array([bliss_signs(2)]) @ arm_rates(ratio))
            z = np.abs(plain.estimate / plain.std_error_plain)[:, 0]
        counted["rejected"].append(rejected)
        counted["z"].append(z > special.ndtri(1 - ALPHA / 2))
        counted["singular"].append(fits.singular)
        counted["converged"].append(fits.converged)
    found = {name: np.concatenate(parts) for name, parts in counted.items()}
    return {
        **cell.labels(),
        "studies": studies,
        "singular_pct": _percent(found["singular"].mean()),
        "not_converged": int((~found["converged"]).sum()),
        "rejected_pct": _percent(found["rejected"].mean()),
        "mc_error_pct": _mc_error(found["rejected"]),
        "z_pct": _percent(found["z"].mean()),
    }


def run_band(cell: Cell, studies: int) -> Row:
    """Studies of which a band claims synergy or antagonism on any day, percent.

    Studies whose clearest day is beyond Bonferroni's limit, or not beyond that of a single day,
    need no band; the others have it.
    """
    rng = cell.rng(1)
    model = BENT if cell.null == "bliss" else GrowthModel()
    counted: dict[str, list[BoolArray]] = {name: [] for name in ("rejected", "each", "singular")}
    for low in range(0, studies, _PART):
        size, read = simulate(cell, min(_PART, studies - low), rng)
        made, terms = replicates(cell, size, read, model)
        clearest, tests, fits = clearest_day(cell, made, terms)
        df = fits.df.min(axis=1)
        alone = clearest > special.stdtrit(df, 1 - ALPHA / 2)
        surely = clearest > special.stdtrit(df, 1 - ALPHA / (2 * tests))
        rejected = surely.copy()
        for number in np.flatnonzero(alone & ~surely).tolist():
            fit = fit_growth(study(cell, size[number]), model)
            band = index_band(fit, ARMS, null=cell.null, days=BAND_DAYS, level=LEVEL)
            rejected[number] = band.p_value is not None and band.p_value < ALPHA
        counted["rejected"].append(rejected)
        counted["each"].append(alone)
        counted["singular"].append(fits.singular)
    found = {name: np.concatenate(parts) for name, parts in counted.items()}
    row = {
        **cell.labels(),
        "studies": studies,
        "singular_pct": _percent(found["singular"].mean()),
        "rejected_pct": _percent(found["rejected"].mean()),
        "mc_error_pct": _mc_error(found["rejected"]),
    }
    # A test of each day alone; the highest single agent has one question on all days.
    if cell.null != "hsa":
        row["each_day_pct"] = _percent(found["each"].mean())
    return row


def clearest_day(
    cell: Cell, made: Replicates, terms: FixedTerms
) -> tuple[FloatArray, int, ManyFits]:
    """Largest |t| over the days of each study, how many tests a band has, and the fits."""
    if cell.null == "response_additivity":
        value, fits = additivity_fits(made, terms, BAND_DAYS)
        return np.abs(value / fits.std_error).max(axis=1), len(BAND_DAYS), fits
    if cell.null == "hsa":
        # With straight curves every day is the same two questions; both have to be shown.
        rates = arm_rates(terms)
        fits = fit_many(made, rates[[3]] - rates[[1, 2]])
        return np.maximum(-fits.statistic.max(axis=1), 0.0), 2, fits
    rows = [np.stack([terms.rate(arm, end=day) for arm in range(len(NAMES))]) for day in BAND_DAYS]
    fits = fit_many(made, np.array([bliss_signs(2) @ row for row in rows]))
    return np.abs(fits.statistic).max(axis=1), len(BAND_DAYS), fits


def run_power(cell: Cell, studies: int) -> Row:
    """Synergy found, percent, by our test and by SynergyLMM's z as it is and at equal size."""
    critical = special.ndtri(1 - ALPHA / 2)
    found: dict[float, dict[str, FloatArray]] = {}
    for shift in (0.0, cell.shift):
        kept: dict[str, list[FloatArray]] = {"t": [], "z": []}
        rng = replace(cell, shift=shift).rng(2)
        for low in range(0, studies, _PART):
            drawn = simulate(replace(cell, shift=shift), min(_PART, studies - low), rng)
            made, terms = replicates(cell, *drawn, GrowthModel())
            ours = fit_many(made, np.array([bliss_signs(2)]) @ arm_rates(terms))
            other, ratio = replicates(cell, *drawn, RATIO)
            plain = fit_many(other, np.array([bliss_signs(2)]) @ arm_rates(ratio))
            kept["t"].append(np.where(ours.estimate < 0, ours.p_value, 1.0)[:, 0])
            kept["z"].append((-plain.estimate / plain.std_error_plain)[:, 0])
        found[shift] = {name: np.concatenate(parts) for name, parts in kept.items()}
    equal = float(np.quantile(np.abs(found[0.0]["z"]), LEVEL))
    shown = found[cell.shift]["t"] < ALPHA
    z = found[cell.shift]["z"]
    return {
        **cell.labels(),
        "studies": studies,
        "power_pct": _percent(shown.mean()),
        "mc_error_pct": _mc_error(shown),
        "z_power_pct": _percent((z > critical).mean()),
        "z_type_one_pct": _percent((np.abs(found[0.0]["z"]) > critical).mean()),
        "z_equal_size_power_pct": _percent((z > equal).mean()),
    }


def run_area(cell: Cell, studies: int) -> Row:
    """Two-sided rejections of Bliss by the index of areas, percent."""
    if cell.limits == "":
        message = "an area cell has limits"
        raise ValueError(message)
    rng, draw = cell.rng(3), cell.rng(4)
    rejected = np.empty(studies, dtype=bool)
    for number in range(studies):
        size, _ = simulate(cell, 1, rng)
        (found,) = area_index(
            study(cell, size[0]), ARMS, rng=draw, nulls=["bliss"], limits=cell.limits, draws=DRAWS
        )
        rejected[number] = found.verdict != "not_shown"
    return {
        **cell.labels(),
        "studies": studies,
        "draws": DRAWS,
        "rejected_pct": _percent(rejected.mean()),
        "mc_error_pct": _mc_error(rejected),
    }


def run(cell: Cell, studies: int) -> Row:
    """One row of the table."""
    if cell.test == "band":
        return run_band(cell, studies)
    if cell.test == "power":
        return run_power(cell, studies)
    if cell.test == "area":
        return run_area(cell, studies)
    return run_test(cell, studies)


def studies_of(cell: Cell, studies: int) -> int:
    """Studies of a cell: fewer where each takes longer, more where the limit is near."""
    if cell.test == "band":
        return 2 * studies if cell.n == min(BAND_SIZES) and cell.null != "hsa" else studies
    if cell.test == "area":
        return min(studies, AREA_STUDIES)
    return studies if cell.test in ("bliss", "hsa") else studies // 2


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
            "rates_per_day": dict(zip(NAMES[:3], (CONTROL, RATE_A, RATE_B), strict=True)),
            "sd_slope": SD_SLOPE,
            "days": DAYS.tolist(),
            "index_day": INDEX_DAY,
            "band_days": list(BAND_DAYS),
            "knot_day": KNOT,
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
        bounds = limits(row)
        if bounds is None:
            continue
        value = number(row, "rejected_pct")
        if not bounds[0] <= value <= bounds[1]:
            found.append(f"{name(row)}: rejects {value} %")
    return found


def limits(row: Mapping[str, object]) -> tuple[float, float] | None:
    """Least and most rejections of a cell, percent; None where nothing is claimed."""
    if row["test"] in ("power", "area"):
        return None
    if row["test"] == "band":
        return 0.0, HIGHEST_BAND
    low = LOWEST if number(row, "singular_pct") <= MOSTLY_REGULAR_PCT else 0.0
    if row["test"] == "hsa":
        if row["gap"] == 0:
            return 0.0, HIGHEST_EQUAL
        return low if row["gap"] == GAPS[-1] else 0.0, HIGHEST
    return low, HIGHEST


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of which a few hundred studies come out otherwise than the committed ones."""
    found: list[str] = []
    for cell, row in zip(cells(), rows, strict=True):
        again = run(cell, CHECK_STUDIES)
        for key in ("rejected_pct", "z_pct", "power_pct", "z_power_pct"):
            if key in row:
                share = max(number(row, key) / 100, 1 / CHECK_STUDIES)
                error = 100 * math.sqrt(share * (1 - share) / CHECK_STUDIES)
                off = number(again, key) - number(row, key)
                if abs(off) > CHECK_ERRORS * error:
                    found.append(f"{name(row)}: {key} {again[key]}, committed {row[key]}")
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
    parser = argparse.ArgumentParser(description="Errors and power of the tests of synergy.")
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
