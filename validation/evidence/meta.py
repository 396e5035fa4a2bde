"""What pooling and the tests of small-study effects do with few, small experiments.

Run it as ``python validation/evidence/meta.py [--pools N] [--check]``; it writes ``meta.json``
beside itself, cell by cell. With ``--check`` nothing is written: the committed file is held
against the limits, some pools of each cell are simulated again, and the exit status is 1 if either
fails.

Three questions, each with its own rows:

``coverage``
    Pools of k experiments with 5 to 10 animals per arm: how often the 95 % interval of the pooled
    log ratio of means covers the mean (Knapp-Hartung, with and without the floor of 1, and z), and
    how often the prediction interval covers the true effect of a new experiment (t with k - 2
    degrees of freedom, the quantile of the test, and the normal one, as metafor 3.8 has for
    z-type fits). Volumes are log-normal with a coefficient of variation of 40 %, so sampling
    variances are estimates, as in life. The last column pools the same effects with normal
    sampling error of known variance.
``asymmetry``
    Pools without any missing experiment, of 4 to 12 animals per arm: how often Egger's test,
    classical (weighted) and mixed, finds asymmetry at 5 %, by the standard error and by
    √(1/n + 1/n) of the animals; and the mean error of PET's extrapolated effect. The effects are
    log ratios of means of log-normal volumes, or Hedges' g of normal data. ``selected`` are pools
    from which nine in ten of the experiments without a significant reduction (5 %, one-sided) are
    missing: there the share is power, with 4 to 12 and with 4 to 40 animals per arm.
``nested``
    Rows of m papers, 1 to 5 each, that share a control group: coverage of the mean's interval
    when rows are taken as independent (Knapp-Hartung), by the multilevel model that knows the
    papers but not the shared control (z, and t by containment), and by CR2 with Satterthwaite's
    degrees of freedom.
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

from oncovivo.evidence.meta.lines import mixed_lines, weighted_lines
from oncovivo.evidence.meta.multilevel import fit_multilevel
from oncovivo.evidence.meta.pooling import PooledMany, pool_many
from oncovivo.evidence.meta.robust import cluster_robust
from oncovivo.evidence.meta.types import Rows

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Row: TypeAlias = dict[str, object]
Measure: TypeAlias = Literal["ROM", "SMD"]

OUTPUT: Final = Path(__file__).with_name("meta.json")
SEED: Final = 20_261_123
LEVEL: Final = 0.95
COUNTS: Final = (3, 4, 5, 7, 10, 15, 20)
TAUS: Final = (0.0, 0.15, 0.4)
MEAN: Final = -0.5
VARIATION: Final = 0.4
COVERAGE_ANIMALS: Final = (5, 10)
ASYMMETRY_COUNTS: Final = (10, 20, 40)
ASYMMETRY_ANIMALS: Final = (4, 12)
LARGEST_ARMS: Final = (12, 40)
# Mean effects and their standard deviation between experiments, by measure.
EFFECTS: Final[dict[Measure, tuple[float, ...]]] = {
    "ROM": (0.0, -0.5, -1.2),
    "SMD": (0.0, -1.0, -2.0),
}
SPREADS: Final[dict[Measure, tuple[float, ...]]] = {"ROM": (0.0, 0.3), "SMD": (0.0, 0.6)}
SELECTED: Final[dict[Measure, float]] = {"ROM": -0.2, "SMD": -0.5}
# Experiments without a significant reduction that are missing, and candidates for a selected pool.
MISSING: Final = 0.9
CANDIDATES: Final = 8
PAPERS: Final = (5, 10, 20)
LARGEST_PAPER: Final = 5
PAPER_SD: Final = 0.3
ROW_SD: Final = 0.15
POOLS: Final = 20_000
ASYMMETRY_POOLS: Final = 10_000
NESTED_POOLS: Final = 2_000
CHECK_POOLS: Final = 1_000
CHECK_NESTED_POOLS: Final = 60
CHECK_ERRORS: Final = 4.5
_PART: Final = 1_000
# Limits, percent.
KH_LOWEST, KH_HIGHEST = 92.0, 98.8
# Egger's own test of log ratios takes the estimated weights as known, and rejects a little often.
SIZE_HIGHEST, SIZE_HIGHEST_CLASSICAL = 6.5, 8.5
ROBUST_LOWEST = 92.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design.

    Parameters
    ----------
    question : {"coverage", "asymmetry", "nested"}
        What is counted.
    k : int
        Experiments, or papers.
    measure : {"ROM", "SMD"}
        Effect size.
    mean, tau : float
        Mean effect, and its standard deviation between experiments.
    selected : bool
        Whether experiments are missing.
    largest : int
        Most animals of an arm.
    """

    question: Literal["coverage", "asymmetry", "nested"]
    k: int
    measure: Measure = "ROM"
    mean: float = MEAN
    tau: float = 0.0
    selected: bool = False
    largest: int = COVERAGE_ANIMALS[1]

    def rng(self) -> np.random.Generator:
        """Random numbers of the design."""
        question = ("coverage", "asymmetry", "nested").index(self.question)
        key = [question, self.k, int(self.measure == "SMD"), int(self.selected), self.largest]
        return np.random.default_rng(
            [SEED, *key, round(1000 * abs(self.mean)), round(1000 * self.tau)]
        )

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {
            "question": self.question,
            "measure": self.measure,
            "k": self.k,
            "mean": self.mean,
            "tau": self.tau,
            "selected": self.selected,
            "largest_arm": self.largest,
        }


def cells() -> list[Cell]:
    """All of them."""
    return [
        *(Cell(question="coverage", k=k, tau=tau) for k, tau in product(COUNTS, TAUS)),
        *(
            Cell(
                question="asymmetry",
                k=k,
                measure=measure,
                mean=mean,
                tau=tau,
                largest=ASYMMETRY_ANIMALS[1],
            )
            for measure, k in product(EFFECTS, ASYMMETRY_COUNTS)
            for mean, tau in product(EFFECTS[measure], SPREADS[measure])
        ),
        *(
            Cell(
                question="asymmetry",
                k=k,
                measure=measure,
                mean=SELECTED[measure],
                tau=tau,
                selected=True,
                largest=largest,
            )
            for measure, k, largest in product(EFFECTS, ASYMMETRY_COUNTS, LARGEST_ARMS)
            for tau in SPREADS[measure]
        ),
        *(Cell(question="nested", k=papers, tau=PAPER_SD) for papers in PAPERS),
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pools:
    """Simulated pools.

    Parameters
    ----------
    yi, vi : ndarray, shape (B, k)
        Effect sizes and estimated sampling variances.
    inverse : ndarray, shape (B, k)
        1/n + 1/n of the animals.
    """

    yi: FloatArray
    vi: FloatArray
    inverse: FloatArray


def log_normal_means(
    log_mean: FloatArray, n: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Mean and squared coefficient of variation of arms of log-normal volumes."""
    sd = math.sqrt(math.log1p(VARIATION**2))
    most = int(n.max())
    values = np.exp(sd * rng.standard_normal((*n.shape, most)) - sd**2 / 2)
    inside = np.arange(most) < n[..., None]
    mean = (values * inside).sum(axis=-1) / n
    square = (((values - mean[..., None]) * inside) ** 2).sum(axis=-1) / (n - 1)
    return mean * np.exp(log_mean), square / mean**2


def log_ratios(theta: FloatArray, n: tuple[IntArray, IntArray], rng: np.random.Generator) -> Pools:
    """Log ratios of means."""
    treated, variation_t = log_normal_means(theta, n[0], rng)
    control, variation_c = log_normal_means(np.zeros_like(theta), n[1], rng)
    return Pools(
        yi=np.log(treated / control),
        vi=variation_t / n[0] + variation_c / n[1],
        inverse=1 / n[0] + 1 / n[1],
    )


def standardized(
    delta: FloatArray, n: tuple[IntArray, IntArray], rng: np.random.Generator
) -> Pools:
    """Hedges' g of normal data."""
    free = n[0] + n[1] - 2
    inverse = 1 / n[0] + 1 / n[1]
    apart = delta + np.sqrt(inverse) * rng.standard_normal(delta.shape)
    spread = np.sqrt(rng.chisquare(free) / free)
    exact = np.exp(special.gammaln(free / 2) - special.gammaln((free - 1) / 2)) / np.sqrt(free / 2)
    yi = exact * apart / spread
    return Pools(yi=yi, vi=inverse + yi**2 / (2 * (n[0] + n[1])), inverse=inverse)


def simulate(cell: Cell, pools: int, rng: np.random.Generator) -> Pools:
    """Pools of a cell."""
    low = (COVERAGE_ANIMALS if cell.question == "coverage" else ASYMMETRY_ANIMALS)[0]
    high = cell.largest
    candidates = cell.k * (CANDIDATES if cell.selected else 1)
    shape = (pools, candidates)
    n = (rng.integers(low, high + 1, shape), rng.integers(low, high + 1, shape))
    theta = cell.mean + cell.tau * rng.standard_normal(shape)
    made = (log_ratios if cell.measure == "ROM" else standardized)(theta, n, rng)
    if not cell.selected:
        return made
    significant = made.yi / np.sqrt(made.vi) < special.ndtri(0.05)
    published = significant | (rng.random(shape) >= MISSING)
    first = np.argsort(~published, axis=1, kind="stable")[:, : cell.k]

    def some(values: FloatArray) -> FloatArray:
        return np.take_along_axis(values, first, axis=1)

    return Pools(yi=some(made.yi), vi=some(made.vi), inverse=some(made.inverse))


def run_coverage(cell: Cell, pools: int) -> Row:
    """Coverage of intervals, percent."""
    rng = cell.rng()
    found: dict[str, list[FloatArray]] = {}

    def count(name: str, values: FloatArray | BoolArray) -> None:
        found.setdefault(name, []).append(values.astype(np.float64))

    for low in range(0, pools, _PART):
        size = min(_PART, pools - low)
        made = simulate(cell, size, rng)
        kh = pool_many(made.yi, made.vi)
        floor = pool_many(made.yi, made.vi, test="knapp-hartung-floor")
        z = pool_many(made.yi, made.vi, test="z", prediction="test")
        own = pool_many(made.yi, made.vi, prediction="test")
        for name, many in (("kh", kh), ("kh_floor", floor), ("z", z)):
            count(name, (many.lower <= cell.mean) & (cell.mean <= many.upper))
        for name, many in (("pi_k2", kh), ("pi_test", own), ("pi_z", z)):
            count(name, predicted(cell, many))
        # The same pools if sampling variances were known.
        variance = math.log1p(VARIATION**2) * made.inverse
        error = np.sqrt(variance + cell.tau**2) * rng.standard_normal(variance.shape)
        known = pool_many(cell.mean + error, variance)
        count("kh_known", (known.lower <= cell.mean) & (cell.mean <= known.upper))
        count("pi_k2_known", predicted(cell, known))
    return {**cell.labels(), "pools": pools, **shares(found)}


def predicted(cell: Cell, many: PooledMany) -> FloatArray:
    """Probability that the effect of a new experiment is in each pool's prediction interval."""
    low, high = many.pi_lower - cell.mean, many.pi_upper - cell.mean
    if cell.tau == 0:
        return ((low <= 0) & (high >= 0)).astype(np.float64)
    return np.asarray(special.ndtr(high / cell.tau) - special.ndtr(low / cell.tau))


def run_asymmetry(cell: Cell, pools: int) -> Row:
    """Rejections of symmetry, percent, and errors of PET."""
    rng = cell.rng()
    found: dict[str, list[FloatArray]] = {}
    pet: dict[str, list[FloatArray]] = {"se": [], "size": []}
    for low in range(0, pools, _PART):
        made = simulate(cell, min(_PART, pools - low), rng)
        by_size = made.inverse
        if cell.measure == "ROM":
            total = made.vi.sum(axis=1, keepdims=True)
            by_size = made.inverse * total / made.inverse.sum(axis=1, keepdims=True)
        for name, square, variance in (
            ("se", made.vi, made.vi),
            ("size", made.inverse, by_size),
        ):
            x = np.sqrt(square)
            line = weighted_lines(made.yi, x, variance)
            mixed = mixed_lines(made.yi, x, variance).line
            for kind, one in (("weighted", line), ("mixed", mixed)):
                rejected = one.p_value[:, 1] < 1 - LEVEL
                found.setdefault(f"{kind}_{name}", []).append(rejected.astype(np.float64))
            pet[name].append(line.coefficients[:, 0] - cell.mean)
    errors = {name: np.concatenate(parts) for name, parts in pet.items()}
    return {
        **cell.labels(),
        "pools": pools,
        **shares(found),
        **{f"pet_{name}_bias": round(float(one.mean()), 4) for name, one in errors.items()},
        **{
            f"pet_{name}_bias_mc_error": round(float(one.std(ddof=1)) / pools**0.5, 4)
            for name, one in errors.items()
        },
    }


def run_nested(cell: Cell, pools: int) -> Row:
    """Coverage of intervals of rows that share papers and control groups, percent."""
    rng = cell.rng()
    found: dict[str, list[FloatArray]] = {}
    for _ in range(pools):
        sizes = rng.integers(1, LARGEST_PAPER + 1, cell.k)
        # A pool without a paper of two rows has no levels to tell apart.
        sizes[0] = max(2, sizes[0])
        paper = np.repeat(np.arange(cell.k), sizes)
        n = rng.integers(*COVERAGE_ANIMALS, cell.k, endpoint=True)[paper]
        part = math.log1p(VARIATION**2) / n
        theta = cell.mean + (PAPER_SD * rng.standard_normal(cell.k))[paper]
        shared = rng.standard_normal(cell.k)[paper]
        own = ROW_SD * rng.standard_normal(paper.size)
        yi = theta + own + np.sqrt(part) * (rng.standard_normal(paper.size) - shared)
        labels = [str(one) for one in paper]
        label = [str(number) for number in range(paper.size)]
        rows = Rows.of(label, yi, 2 * part, measure="ROM")
        model = fit_multilevel(rows, {"paper": labels, "row": label}, intervals="none")
        (one,) = model.coefficients
        (robust,) = cluster_robust(model, labels).coefficients
        alone = pool_many(rows.yi[None], rows.vi[None])
        reach = float(special.ndtri(0.5 + LEVEL / 2)) * one.std_error
        for name, low, high in (
            ("independent", float(alone.lower[0]), float(alone.upper[0])),
            ("multilevel_z", one.estimate - reach, one.estimate + reach),
            ("multilevel_t", one.lower, one.upper),
            ("cr2", robust.lower, robust.upper),
        ):
            found.setdefault(name, []).append(np.array([float(low <= cell.mean <= high)]))
    return {**cell.labels(), "pools": pools, **shares(found)}


def run(cell: Cell, pools: int) -> Row:
    """One row of the table."""
    how = {"coverage": run_coverage, "asymmetry": run_asymmetry, "nested": run_nested}
    return how[cell.question](cell, pools)


def pools_of(cell: Cell, pools: int) -> int:
    """Pools of a cell: fewer where each takes longer."""
    most = {"coverage": pools, "asymmetry": ASYMMETRY_POOLS, "nested": NESTED_POOLS}
    return min(pools, most[cell.question])


def shares(found: Mapping[str, Sequence[FloatArray]]) -> Row:
    """Means in percent, with their Monte Carlo errors."""
    made: Row = {}
    for name, parts in found.items():
        values = 100 * np.concatenate(parts)
        made[f"{name}_pct"] = round(float(values.mean()), 2)
        made[f"{name}_mc_error_pct"] = round(float(values.std(ddof=1)) / values.size**0.5, 3)
    return made


def text(rows: Iterable[Row]) -> str:
    """The file: what was simulated, then a line for each cell."""
    head = {
        "generator": {
            "coefficient_of_variation": VARIATION,
            "animals_coverage": COVERAGE_ANIMALS,
            "animals_asymmetry": ASYMMETRY_ANIMALS,
            "missing": MISSING,
            "largest_paper": LARGEST_PAPER,
            "paper_sd": PAPER_SD,
            "row_sd": ROW_SD,
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
        if row["question"] == "coverage":
            found.extend(
                f"{name(row)}: {key} covers {row[key]} %"
                for key in ("kh_pct", "kh_known_pct")
                if not KH_LOWEST <= number(row, key) <= KH_HIGHEST
            )
        elif row["question"] == "nested":
            if number(row, "cr2_pct") < ROBUST_LOWEST:
                found.append(f"{name(row)}: CR2 covers {row['cr2_pct']} %")
        elif not row["selected"]:
            held = {"weighted_size": SIZE_HIGHEST, "mixed_size": SIZE_HIGHEST}
            if row["measure"] == "ROM":
                held |= {"weighted_se": SIZE_HIGHEST_CLASSICAL, "mixed_se": SIZE_HIGHEST}
            found.extend(
                f"{name(row)}: {kind} rejects {row[f'{kind}_pct']} %"
                for kind, highest in held.items()
                if number(row, f"{kind}_pct") > highest
            )
    return found


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of which some pools come out otherwise than the committed ones."""
    found: list[str] = []
    for cell, row in zip(cells(), rows, strict=True):
        count = CHECK_NESTED_POOLS if cell.question == "nested" else CHECK_POOLS
        again = run(cell, count)
        for key in (one for one in row if str(one).endswith("_mc_error_pct")):
            what = str(key).replace("_mc_error", "")
            error = number(row, str(key)) * math.sqrt(number(row, "pools") / count)
            off = number(again, what) - number(row, what)
            # A share of 0 or 100 % may be off by one pool.
            if abs(off) > CHECK_ERRORS * error + 100 / count:
                found.append(f"{name(row)}: {what} {again[what]}, committed {row[what]}")
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
    parser = argparse.ArgumentParser(description="Operating characteristics of meta-analysis.")
    parser.add_argument("--pools", type=int, default=POOLS)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = []
        for cell in cells():
            rows.append(run(cell, pools_of(cell, options.pools)))
            OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
