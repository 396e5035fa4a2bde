"""Time pooling beside metafor, on the same effect sizes in the same run.

Run it as ``python benchmarks/evidence.py [FOLDER]``. The folder holds
``meta_besson2016/dat_besson2016.csv`` (473 standardized mean differences of 46 papers); without it
that row is left out, and all other effect sizes are made up. Arrays in, result out: one process,
linear algebra on one thread, median of 20 after a warm-up (of 3 for what takes long).

The peer is R's metafor, where ``Rscript`` is on the path and has it (``evidence_peers.R``). Where
it is absent the times are given that others measured with metafor 3.8.1 on another machine, which
say an order of magnitude and no more. A pool of ours also has the limits of tau² by Q-profile and
of I² and H², which metafor makes in a second step that is not timed.
"""

from __future__ import annotations

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.evidence.meta import (
    Intervals,
    Rows,
    TwoGroups,
    cluster_robust,
    fit_multilevel,
    fit_regression,
    leave_one_out,
    pool,
    pool_many,
    sd_from,
    standardized_mean_difference,
)

FloatArray: TypeAlias = NDArray[np.float64]

ROUNDS: Final = 20
# What takes longer than this is timed less often, seconds.
LONG: Final = 0.3
FEW_ROUNDS: Final = 3
THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
REPLICATES: Final = 10_000
SMALL: Final = "REML, k = 20"
LARGE: Final = "REML, k = 2,000"
NESTED_56: Final = "multilevel, k = 56"
NESTED_500: Final = "multilevel, k = 500"
BESSON: Final = "multilevel, Besson 2016, k = 473"
# Rows of the table that metafor makes too, as the R script and its tables call them.
PEERS: Final = {
    "small": SMALL,
    "large": LARGE,
    "nested56": NESTED_56,
    "nested500": NESTED_500,
    "besson": BESSON,
}
# Milliseconds that others measured with metafor 3.8.1 on another machine, by row of the table.
STATED: Final = {SMALL: 3.7, LARGE: 6650.0, NESTED_56: 102.0, BESSON: 718.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row.

    Parameters
    ----------
    what : str
        What is timed.
    seconds : float
        Median.
    target : float or None
        Milliseconds that it may take; None where none was set.
    """

    what: str
    seconds: float
    target: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nested:
    """Rows of papers.

    Parameters
    ----------
    rows : Rows
        Effect sizes.
    paper : list of str
        Paper of each row.
    """

    rows: Rows
    paper: list[str]

    def levels(self) -> dict[str, list[str]]:
        """Rows nested in papers."""
        return {"paper": self.paper, "row": list(self.rows.label)}


def main(arguments: list[str]) -> int:
    """Print the table."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, __file__, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
    rng = np.random.default_rng(1)
    flat = {SMALL: made_up(20, rng), LARGE: made_up(2_000, rng)}
    nested = {NESTED_56: papers(56, rng), NESTED_500: papers(500, rng)}
    if arguments:
        nested[BESSON] = besson(Path(arguments[0]))
    measured, words = peer_times(flat, nested)
    out = sys.stdout.write
    out(f"{'':<36}{'ms':>10}{'target':>10}  metafor\n")
    for row in ours(flat, nested):
        target = "" if row.target is None else f"{row.target:.0f}"
        line = f"{row.what:<36}{1e3 * row.seconds:>10.2f}{target:>10}  {beside(row, measured)}"
        out(f"{line.rstrip()}\n")
    out("\n" + "".join(f"{word}\n" for word in words))
    return 0


def beside(row: Timing, measured: dict[str, float]) -> str:
    """The peer's time and how many of ours it is."""
    ms = measured.get(row.what, STATED.get(row.what))
    if ms is None:
        return ""
    times = ms / (1e3 * row.seconds)
    elsewhere = "" if row.what in measured else ", stated elsewhere"
    digits = 0 if ms >= 10 else 1
    return f"{ms:.{digits}f} ms ({times:.{0 if times >= 10 else 1}f} ×){elsewhere}"


def made_up(k: int, rng: np.random.Generator) -> Rows:
    """Log ratios of means that differ by more than sampling error."""
    vi = rng.uniform(0.02, 0.3, k)
    yi = -0.5 + np.sqrt(vi + 0.1) * rng.standard_normal(k)
    return Rows.of([str(number) for number in range(k)], yi, vi, measure="ROM")


def papers(k: int, rng: np.random.Generator) -> Nested:
    """Log ratios of means of papers with 1 to 8 rows."""
    sizes: list[int] = []
    while sum(sizes) < k:
        sizes.append(min(int(rng.integers(1, 9)), k - sum(sizes)))
    paper = np.repeat(np.arange(len(sizes)), sizes)
    vi = rng.uniform(0.02, 0.3, k)
    yi = -0.5 + 0.3 * rng.standard_normal(len(sizes))[paper]
    yi += np.sqrt(vi + 0.04) * rng.standard_normal(k)
    rows = Rows.of([str(number) for number in range(k)], yi, vi, measure="ROM")
    return Nested(rows=rows, paper=[f"p{number}" for number in paper])


def besson(folder: Path) -> Nested:
    """Hedges' g of the rows of Besson 2016 that have all of their numbers."""
    path = folder / "meta_besson2016" / "dat_besson2016.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    names = ("exp_n", "exp_mean", "exp_se", "con_n", "con_mean", "con_se")
    numbers = np.array([[float(row[name] or "nan") for name in names] for row in table])
    there = np.flatnonzero(np.isfinite(numbers).all(axis=1))
    nt, mean_t, error_t, nc, mean_c, error_c = numbers[there].T
    groups = TwoGroups.of(
        n_treated=nt,
        mean_treated=mean_t,
        sd_treated=sd_from(error_t, "sem", nt).sd,
        n_control=nc,
        mean_control=mean_c,
        sd_control=sd_from(error_c, "sem", nc).sd,
        label=[table[at]["comp_ID"] for at in there],
    )
    usable = groups.usable("SMD")
    paper = {row["comp_ID"]: row["study_ID"] for row in table}
    rows = standardized_mean_difference(usable).rows()
    return Nested(rows=rows, paper=[paper[label] for label in rows.label])


def ours(flat: dict[str, Rows], nested: dict[str, Nested]) -> list[Timing]:
    """Our times."""
    small, large = flat[SMALL], flat[LARGE]
    big = nested[NESTED_500]
    fitted = fit_multilevel(big.rows, big.levels(), intervals="none")
    dose = np.linspace(1.0, 10.0, len(large))
    rng = np.random.default_rng(2)
    vi = rng.uniform(0.02, 0.3, (REPLICATES, 10))
    yi = -0.5 + np.sqrt(vi + 0.1) * rng.standard_normal(vi.shape)
    found = [
        timing(SMALL, 1, lambda: pool(small)),
        timing(LARGE, 20, lambda: pool(large)),
        timing("regression, k = 2,000", None, lambda: fit_regression(large, {"dose": dose})),
        timing("leave one out, k = 20", None, lambda: leave_one_out(small)),
        timing(NESTED_56, None, lambda: nest(nested[NESTED_56])),
        timing(NESTED_500, 300, lambda: nest(big)),
        timing("… with profile limits", None, lambda: nest(big, "profile")),
        timing("… then CR2 by paper", None, lambda: cluster_robust(fitted, big.paper)),
    ]
    if BESSON in nested:
        found.append(timing(BESSON, None, lambda: nest(nested[BESSON])))
    found.append(timing("10,000 pools of k = 10", 3000, lambda: pool_many(yi, vi)))
    return found


def nest(data: Nested, intervals: Intervals = "none") -> object:
    """The multilevel model of papers and rows."""
    return fit_multilevel(data.rows, data.levels(), intervals=intervals)


def timing(what: str, target: float | None, work: Callable[[], object]) -> Timing:
    """Median time of some work after a warm-up."""
    times = [seconds(work)]
    rounds = FEW_ROUNDS if times[0] > LONG else ROUNDS
    median = statistics.median(seconds(work) for _ in range(rounds))
    return Timing(what=what, seconds=median, target=target)


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def peer_times(
    flat: dict[str, Rows], nested: dict[str, Nested]
) -> tuple[dict[str, float], list[str]]:
    """Milliseconds of the peer by row, and a word where it is absent or off."""
    program = shutil.which("Rscript")
    if program is None:
        return {}, ["Rscript is not on the path: metafor skipped"]
    script = Path(__file__).with_name("evidence_peers.R")
    with tempfile.TemporaryDirectory() as place:
        for name, what in PEERS.items():
            if what in flat:
                write_rows(Path(place) / f"{name}.csv", flat[what], None)
            elif what in nested:
                data = nested[what]
                write_rows(Path(place) / f"{name}.csv", data.rows, data.paper)
        command = [program, str(script), place, str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {}, [f"R: stopped with: {last}"]
    return read_peers(done.stdout)


def read_peers(printed: str) -> tuple[dict[str, float], list[str]]:
    """Milliseconds by row of the table, and words, from what the R script printed."""
    times: dict[str, float] = {}
    words: list[str] = []
    for line in printed.splitlines():
        if line.count("\t") != 2:
            continue
        row, name, value = line.split("\t")
        if row == "word":
            words.append(f"{name}: {value}")
        else:
            times[PEERS[row]] = float(value)
    return times, words


def write_rows(path: Path, rows: Rows, paper: list[str] | None) -> None:
    """Effect sizes as R reads them."""
    names = paper or list(rows.label)
    lines = [
        f"r{row},{name},{float(y)!r},{float(v)!r}"
        for row, (name, y, v) in enumerate(zip(names, rows.yi, rows.vi, strict=True))
    ]
    path.write_text("row,paper,yi,vi\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
