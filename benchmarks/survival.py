"""Time survival methods beside other programs, on the same animals in the same run.

Run it as ``python benchmarks/survival.py``. Studies are made up: one of 300 animals in four arms,
with ties and a third of the animals censored; two arms of eight; 10,000 studies of four arms of
eight. Arrays in, result out: one process, linear algebra on one thread, median of 20 after a
warm-up, of three where that is long.

Peers are statsmodels, where it can be imported (``pip install statsmodels``; nothing else of the
project needs it), and R with survival and coxphf, where ``Rscript`` is on the path
(``survival_peers.R``). They take many studies one by one: of these they are given the first 200,
and their time is scaled to all. Exact permutation has no peer among them.
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

from oncovivo.survival import (
    cox_fit,
    log_rank_many,
    permutation_rank_test,
    rank_test,
    survival_curve,
    survival_quantile,
)
from oncovivo.survival.firth import firth_many

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]

ROUNDS: Final = 20
# What takes longer than this is timed less often, seconds.
LONG: Final = 0.3
FEW_ROUNDS: Final = 3
MANY: Final = 10_000
# Studies that the peers are given of those.
PEER_STUDIES: Final = 200
ARMS: Final = 4
THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ONE: Final = "300 animals: KM, log-rank, Cox"
EXACT: Final = "8 + 8: exact permutation"
RANK: Final = "10,000 of 4 x 8: log-rank"
FIRTH: Final = "10,000 of 4 x 8: Firth-Cox"
BOTH: Final = "10,000 of 4 x 8: both"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Animals:
    """One study, or many in rows.

    Parameters
    ----------
    time, event : ndarray, shape (..., n)
        Time, and whether the event happened then.
    group : ndarray of int, shape (n,)
        Arm of each animal.
    """

    time: FloatArray
    event: BoolArray
    group: IntArray


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


def main() -> int:
    """Print the table; status 1 where a target is missed."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, __file__]
        return subprocess.run(command, env=environment, check=False).returncode
    out = sys.stdout.write
    one, pair, many = studies()
    rows = ours(one, pair, many)
    peers, words = peer_times(one, many)
    out(f"{'':<34}{'ms':>10}{'target':>10}  peers\n")
    for row in rows:
        parts = [ratio(name, row, ms) for name, ms in peers.get(row.what, {}).items()]
        slow = "  MISSED" if 1e3 * row.seconds > row.target else ""
        out(f"{row.what:<34}{1e3 * row.seconds:>10.2f}{row.target:>10.0f}{slow}")
        out(f"  {'; '.join(parts)}\n")
    out("\n" + "".join(f"{word}\n" for word in words))
    return int(any(1e3 * row.seconds > row.target for row in rows))


def ratio(name: str, row: Timing, peer_ms: float) -> str:
    """A peer's time and how many of ours it is."""
    times = peer_ms / (1e3 * row.seconds)
    return f"{name} {peer_ms:.0f} ms ({times:.{0 if times >= 10 else 1}f} ×)"


def studies() -> tuple[Animals, Animals, Animals]:
    """The study of 300 animals, that of two arms, and the many."""
    rng = np.random.default_rng(20_251_122)
    group = np.repeat(np.arange(ARMS), 75)
    # whole days, so that there are ties
    time_ = np.ceil(30 * (1 + 0.3 * group) * rng.weibull(1.5, group.size))
    end = np.ceil(rng.uniform(20, 80, group.size))
    one = Animals(time=np.minimum(time_, end), event=time_ <= end, group=group)
    pair = Animals(
        time=np.concatenate([20 * rng.weibull(3, 8), 26 * rng.weibull(3, 8)]),
        event=np.ones(16, dtype=np.bool_),
        group=np.repeat([0, 1], 8),
    )
    drawn = np.ceil(30 * rng.weibull(3, (MANY, ARMS * 8)))
    # an arm in which events are rare: what Firth's penalty is for
    drawn[:, -8:] *= 1.8
    many = Animals(
        time=np.minimum(drawn, 42.0), event=drawn <= 42, group=np.repeat(np.arange(ARMS), 8)
    )
    return one, pair, many


def ours(one: Animals, pair: Animals, many: Animals) -> list[Timing]:
    """Our times."""
    rng = np.random.default_rng(1)
    rank = timing(RANK, 10_000, lambda: log_rank_many(many.time, many.event, many.group))
    firth = timing(FIRTH, 10_000, lambda: firth_many(many.time, many.event, many.group))
    return [
        timing(ONE, 30, lambda: whole_study(one)),
        timing(
            EXACT,
            1000,
            lambda: permutation_rank_test(pair.time, pair.event, pair.group, rng=rng),
        ),
        rank,
        firth,
        Timing(what=BOTH, seconds=rank.seconds + firth.seconds, target=10_000),
    ]


def whole_study(study: Animals) -> tuple[list[float | None], float | None, FloatArray]:
    """Curves with limits and medians of all arms, log-rank test, Cox regression."""
    curves = [
        survival_curve(study.time[study.group == arm], study.event[study.group == arm])
        for arm in range(ARMS)
    ]
    medians = [survival_quantile(curve).estimate for curve in curves]
    test = rank_test(study.time, study.event, study.group)
    fit = cox_fit(study.time, study.event, design(study))
    return medians, test.statistic, np.array(fit.coefficients, dtype=np.float64)


def design(study: Animals) -> FloatArray:
    """Indicators of the arms but the first."""
    return np.asarray(np.eye(ARMS)[study.group][:, 1:])


def timing(what: str, target: float, work: Callable[[], object]) -> Timing:
    """Median time of some work after a warm-up."""
    return Timing(what=what, seconds=median_seconds(work), target=target)


def median_seconds(work: Callable[[], object]) -> float:
    """Median of 20 times, of three where the warm-up is long."""
    first = seconds(work)
    rounds = FEW_ROUNDS if first > LONG else ROUNDS
    return statistics.median(seconds(work) for _ in range(rounds))


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def peer_times(one: Animals, many: Animals) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Milliseconds of the peers by row, and a word on each that is absent or agrees."""
    times: dict[str, dict[str, float]] = {}
    words: list[str] = []
    if importlib.util.find_spec("statsmodels") is None:
        words.append("statsmodels is not installed: skipped; pip install statsmodels to compare")
    else:
        found, word = statsmodels_times(one, many)
        words.append(word)
        for row, ms in found.items():
            times.setdefault(row, {})["statsmodels"] = ms
    program = shutil.which("Rscript")
    if program is None:
        words.append(
            "Rscript is not on the path: survival and coxphf skipped; install R (r-base-core, "
            "r-cran-survival) to compare"
        )
        return times, words
    for row, name, value in r_results(program, one, many):
        if row == "word":
            words.append(f"{name}: {value}")
        elif row == "values":
            words.append(f"{name}: {agreement(one, np.array(value.split(), dtype=np.float64))}")
        else:
            times.setdefault(row, {})[name] = float(value)
    return times, words


def agreement(one: Animals, values: FloatArray) -> str:
    """How far a peer's log-rank statistic and Cox coefficients are from ours."""
    _, statistic, coefficients = whole_study(one)
    mine = np.array([np.nan if statistic is None else statistic, *coefficients])
    return (
        "log-rank chi-squared and Cox coefficients differ from ours by at most "
        f"{np.abs(mine - values).max():.0e}"
    )


def statsmodels_times(one: Animals, many: Animals) -> tuple[dict[str, float], str]:
    """Milliseconds of statsmodels, and whether it agrees."""
    survfunc = importlib.import_module("statsmodels.duration.survfunc")
    hazards = importlib.import_module("statsmodels.duration.hazard_regression")

    def work() -> FloatArray:
        with warnings.catch_warnings():
            # limits where survival is 0 or 1
            warnings.simplefilter("ignore")
            for arm in range(ARMS):
                mine = one.group == arm
                curve = survfunc.SurvfuncRight(one.time[mine], one.event[mine].astype(float))
                curve.quantile(0.5)
                curve.quantile_ci(0.5)
        statistic, _ = survfunc.survdiff(one.time, one.event.astype(float), one.group)
        model = hazards.PHReg(one.time, design(one), status=one.event, ties="efron")
        return np.array([statistic, *model.fit(disp=0).params], dtype=np.float64)

    def each() -> None:
        for time_, event in zip(many.time[:PEER_STUDIES], many.event[:PEER_STUDIES], strict=True):
            survfunc.survdiff(time_, event.astype(float), many.group)

    scale = 1e3 * MANY / PEER_STUDIES
    found = {ONE: 1e3 * median_seconds(work), RANK: scale * median_seconds(each)}
    return found, f"statsmodels: {agreement(one, work())}"


def r_results(program: str, one: Animals, many: Animals) -> list[tuple[str, str, str]]:
    """Row, name and milliseconds of each of R's timings; or a word or values and their package."""
    script = Path(__file__).with_name("survival_peers.R")
    count = many.time[:PEER_STUDIES]
    arms = np.tile(many.group, PEER_STUDIES)
    study = np.repeat(np.arange(PEER_STUDIES), many.group.size)
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / name for name in ("one.csv", "many.csv")]
        write_animals(paths[0], np.zeros_like(one.group), one.group, one.time, one.event)
        had = many.event[:PEER_STUDIES].ravel()
        write_animals(paths[1], study, arms, count.ravel(), had)
        command = [program, str(script), *map(str, paths), str(ROUNDS), str(MANY)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [("word", "R", f"stopped with: {last}")]
    names = {"one": ONE, "rank": RANK, "firth": FIRTH}
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return [(names.get(row, row), name, value) for row, name, value in lines]


def write_animals(
    path: Path, study: IntArray, group: IntArray, time_: FloatArray, event: BoolArray
) -> None:
    """Animals as R reads them."""
    rows = zip(study.tolist(), group.tolist(), time_.tolist(), event.tolist(), strict=True)
    lines = [f"{s},{g},{t!r},{int(e)}" for s, g, t, e in rows]
    path.write_text("study,arm,time,event\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
