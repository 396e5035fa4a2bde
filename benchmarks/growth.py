"""Time growth models beside other programs, on the same readings in the same run.

Run it as ``python benchmarks/growth.py [FOLDER]``. The folder holds
``synergylmm_example/grwth_data.csv`` (four arms, 32 animals, 352 readings) and
``genentech_gdc0084_temozolomide/growth.csv`` (16 arms, 81 animals); without it studies of these
shapes are made up. Arrays in, result out: one process, linear algebra on one thread, median of 20
after a warm-up.

Peers are statsmodels, where it can be imported, and R with lme4, pbkrtest, multcomp and nlme,
where ``Rscript`` is on the path (``growth_peers.R``). For one that is absent the times are given
that others measured on another machine, which say an order of magnitude and no more.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.bootstrap import bootstrap_test
from oncovivo.growth.compare import compare
from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth, growth_problem
from oncovivo.growth.influence import influence
from oncovivo.growth.many import fit_many
from oncovivo.growth.many_censored import fit_many_censored
from oncovivo.growth.model import GrowthModel, Intercept
from oncovivo.growth.nlme import fit_nonlinear
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import fixed_terms
from oncovivo.studies import read_study

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

ROUNDS: Final = 20
# What takes longer than this is timed less often, seconds.
LONG: Final = 0.3
FEW_ROUNDS: Final = 3
MANY: Final = 10_000
# Studies with readings below the limit, mm³, their rates per day, and points of the quadrature.
CENSORED: Final = 1000
LIMIT: Final = 60.0
CENSORED_RATES: Final = (0.08, -0.06)
POINTS: Final = 7
THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Days from the first reading, and animals of each arm, of the studies that are made up.
SMALL_DAYS: Final = tuple(range(0, 31, 3))
LARGE_DAYS: Final = tuple(range(0, 52, 3))
SMALL_ARMS: Final = (8, 8, 8, 8)
LARGE_ARMS: Final = (6, *[5] * 15)
# Milliseconds that others measured on the same files and another machine, by row of the table.
STATED: Final = {
    "fit": {"lme4": 28.0, "nlme": 81.0, "statsmodels": 753.0},
    "fit, Kenward-Roger": {"lmerTest": 541.0},
    "fit, Kenward-Roger, Dunnett": {"lmerTest, then multcomp": 541.0 + 209.0},
    "16 arms: fit, Kenward-Roger": {"lme4, fit alone": 135.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row.

    Parameters
    ----------
    what : str
        What is timed.
    seconds : float
        Median.
    target : float
        Milliseconds that it may take.
    """

    what: str
    seconds: float
    target: float


def main(arguments: list[str]) -> int:
    """Print the table."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, __file__, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
    folder = Path(arguments[0]) if arguments else None
    small, large = studies(folder)
    origin = "made up" if folder is None else f"files of {folder.name}"
    out = sys.stdout.write
    out(f"{describe(small)}; {describe(large)}; {origin}\n\n")
    rows = ours(small, large)
    peers, words = peer_times(small, large)
    out(f"{'':<32}{'ms':>10}{'target':>10}  peers\n")
    for row in rows:
        measured = peers.get(row.what, {})
        parts = [ratio(name, row, ms) for name, ms in measured.items()]
        parts += [
            f"{ratio(name, row, ms)}, stated elsewhere"
            for name, ms in STATED.get(row.what, {}).items()
            if name not in measured
        ]
        out(f"{row.what:<32}{1e3 * row.seconds:>10.2f}{row.target:>10.0f}  {'; '.join(parts)}\n")
    out("\n" + "".join(f"{word}\n" for word in words))
    return 0


def ratio(name: str, row: Timing, peer_ms: float) -> str:
    """A peer's time and how many of ours it is."""
    times = peer_ms / (1e3 * row.seconds)
    return f"{name} {peer_ms:.0f} ms ({times:.{0 if times >= 10 else 1}f} ×)"


def describe(data: GrowthData) -> str:
    """How large a study is."""
    return f"{len(data.arms)} arms, {data.n_animals} animals, {data.n_observations} readings"


def studies(folder: Path | None) -> tuple[GrowthData, GrowthData]:
    """The study of four arms and that of 16."""
    if folder is None:
        return made_up(SMALL_ARMS, SMALL_DAYS, seed=1), made_up(LARGE_ARMS, LARGE_DAYS, seed=2)
    small = read_study(folder / "synergylmm_example" / "grwth_data.csv")[0]
    large = read_study(folder / "genentech_gdc0084_temozolomide" / "growth.csv")[0]
    return growth_data(small), growth_data(large).without_below_limit()


def made_up(animals: tuple[int, ...], days: tuple[int, ...], *, seed: int) -> GrowthData:
    """A study of exponential growth."""
    rng = np.random.default_rng(seed)
    time_ = np.array(days, dtype=np.float64)
    rates = np.linspace(0.08, 0.04, len(animals))
    names = [f"arm {number}" for number, count in enumerate(animals) for _ in range(count)]
    own = np.repeat(rates, animals) + 0.01 * rng.standard_normal(len(names))
    start = np.log(150.0) + 0.2 * rng.standard_normal(len(names))
    size = start[:, None] + own[:, None] * time_
    size += 0.2 * rng.standard_normal(size.shape)
    return growth_data_from_arrays(
        arm=[name for name in names for _ in days],
        animal_id=[f"m{number:03}" for number in range(len(names)) for _ in days],
        time=np.tile(time_, len(names)),
        log_size=size.ravel(),
    )


def ours(small: GrowthData, large: GrowthData) -> list[Timing]:
    """Our times."""
    control = small.arms[0]
    fit = fit_growth(small)
    weights = differences(fit)
    rng = np.random.default_rng(3)
    complete, left = replicates(fit, rng)
    hidden, below = censored_replicates(fit, np.random.default_rng(4))
    return [
        timing("fit", 3, lambda: plain_fit(small)),
        timing("fit, Kenward-Roger", 3, lambda: fit_growth(small).contrasts(weights)),
        timing("fit, Kenward-Roger, Dunnett", 8, lambda: compare(fit_growth(small), control)),
        timing("10,000 balanced studies", 5000, lambda: fit_many(complete, weights[:1])),
        timing("10,000 studies with leavers", 15000, lambda: fit_many(left, weights[:1])),
        timing(
            "1,000 studies, some censored",
            5000,
            lambda: fit_many_censored(hidden, below, weights[:1], points=POINTS),
        ),
        timing("influence, 32 exact refits", 60, lambda: influence(fit, control)),
        timing(
            "parametric bootstrap, 999",
            1000,
            lambda: bootstrap_test(fit, weights[0], rng=np.random.default_rng(1)),
        ),
        timing("Gompertz mixed model", 1000, lambda: fit_nonlinear(small, "gompertz")),
        timing(
            "16 arms: fit, Kenward-Roger",
            15,
            lambda: (large_fit := fit_growth(large)).contrasts(differences(large_fit)),
        ),
    ]


def plain_fit(data: GrowthData) -> object:
    """The fit without inference."""
    model = GrowthModel()
    return fit_reduced(growth_problem(data, model, fixed_terms(data, model)))


def differences(fit: GrowthFit) -> FloatArray:
    """Each arm's rate less the first's."""
    first = fit.terms.rate(0)
    return np.stack([fit.terms.rate(arm) - first for arm in range(1, len(fit.data.arms))])


def replicates(fit: GrowthFit, rng: np.random.Generator) -> tuple[Replicates, Replicates]:
    """Studies drawn around a fit: all readings, and with animals that leave after their third."""
    design = fit.problem
    n = design.arm.size
    shape = (MANY, n)
    level = 0.2 * rng.standard_normal(shape)[:, design.animal]
    slope = 0.01 * rng.standard_normal(shape)[:, design.animal]
    noise = 0.2 * rng.standard_normal((MANY, design.time.size))
    outcomes = design.x @ fit.coefficients + level + slope * design.time + noise
    first = np.searchsorted(design.animal, np.arange(n))
    place = np.arange(design.time.size) - first[design.animal]
    last = rng.integers(3, int(place.max()) + 2, size=shape)
    observed: BoolArray = place < last[:, design.animal]
    return (
        Replicates(design=design, outcomes=outcomes),
        Replicates(design=design, outcomes=outcomes, observed=observed),
    )


def censored_replicates(fit: GrowthFit, rng: np.random.Generator) -> tuple[Replicates, BoolArray]:
    """Studies of the same animals and days in arms of which some shrink below the limit."""
    design = fit.problem
    shape = (CENSORED, design.arm.size)
    rates = np.linspace(*CENSORED_RATES, int(design.arm.max()) + 1)[design.arm]
    level = np.log(150.0) + 0.2 * rng.standard_normal(shape)
    slope = rates + 0.02 * rng.standard_normal(shape)
    size = level[:, design.animal] + slope[:, design.animal] * design.time
    size += 0.2 * rng.standard_normal(size.shape)
    below: BoolArray = size < np.log(LIMIT)
    return Replicates(design=design, outcomes=np.maximum(size, np.log(LIMIT))), below


def timing(what: str, target: float, work: Callable[[], object]) -> Timing:
    """Median time of some work after a warm-up."""
    return Timing(what=what, seconds=median_seconds(work), target=target)


def median_seconds(work: Callable[[], object]) -> float:
    """Median of 20 times, of three where the warm-up is long."""
    times = [seconds(work)]
    rounds = FEW_ROUNDS if times[0] > LONG else ROUNDS
    return statistics.median(seconds(work) for _ in range(rounds))


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def peer_times(
    small: GrowthData, large: GrowthData
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Milliseconds of the peers by row, and a word on each that is absent or off."""
    times: dict[str, dict[str, float]] = {}
    words: list[str] = []
    if importlib.util.find_spec("statsmodels") is None:
        words.append("statsmodels is not installed: skipped")
    else:
        intercepts: tuple[Intercept, ...] = ("common", "arm")
        for intercept in intercepts:
            ms, word = statsmodels_fit(small, intercept)
            words.append(word)
            if intercept == "common":
                times.setdefault("fit", {})["statsmodels"] = ms
    program = shutil.which("Rscript")
    if program is None:
        words.append("Rscript is not on the path: lme4, pbkrtest, multcomp and nlme skipped")
        return times, words
    for row, name, value in r_results(program, small, large):
        if row == "word":
            words.append(f"{name}: {value}")
        else:
            times.setdefault(row, {})[name] = float(value)
    return times, words


def statsmodels_fit(data: GrowthData, intercept: Intercept) -> tuple[float, str]:
    """Milliseconds of MixedLM, and how far from the optimum it stops."""
    peer = importlib.import_module("statsmodels.regression.mixed_linear_model")
    fit = fit_growth(data, GrowthModel(intercept=intercept))
    problem = fit.problem
    lines = np.column_stack((np.ones(problem.time.size), problem.time))

    def work() -> tuple[float, FloatArray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = peer.MixedLM(problem.y, problem.x, groups=problem.animal, exog_re=lines)
            found = model.fit(reml=True)
        return float(found.llf), np.asarray(found.bse_fe, dtype=np.float64)

    ms = 1e3 * median_seconds(work)
    value, errors = work()
    slope = fit.terms.time_of[0][0]
    off = 100 * (errors[slope] / np.sqrt(engine_covariance(fit)[slope, slope]) - 1)
    return ms, (
        f"statsmodels, {intercept} intercept: log-likelihood {value:.2f}, the optimum is "
        f"{fit.log_likelihood:.2f}; standard error of the first slope {off:+.0f} %"
    )


def engine_covariance(fit: GrowthFit) -> FloatArray:
    """Covariance of the coefficients before Kenward-Roger's correction."""
    return fit_reduced(fit.problem).derivatives.covariance


def r_results(program: str, small: GrowthData, large: GrowthData) -> list[tuple[str, str, str]]:
    """Row, name and milliseconds of each of R's timings; or a word, its package and its text."""
    script = Path(__file__).with_name("growth_peers.R")
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / name for name in ("small.csv", "large.csv")]
        for path, data in zip(paths, (small, large), strict=True):
            write_readings(path, data)
        command = [program, str(script), *map(str, paths), str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [("word", "R", f"stopped with: {last}")]
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return [(row, name, value) for row, name, value in rows]


def write_readings(path: Path, data: GrowthData) -> None:
    """Readings as R reads them; arms by number, so that their order is ours."""
    arm = data.arm[data.animal]
    lines = [
        f"a{arm[row]:02},m{data.animal[row]:03},{float(data.time[row])!r},"
        f"{float(data.log_size[row])!r}"
        for row in range(data.n_observations)
    ]
    path.write_text("arm,animal,time,y\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
