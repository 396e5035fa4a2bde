"""Time the tests of synergy beside other programs, on the same readings in the same run.

Run it as ``python benchmarks/combination.py [FOLDER]``. The folder holds
``synergylmm_example/grwth_data.csv`` (four arms, 32 animals, 352 readings); without it a study of
this shape is made up. Arrays in, result out: one process, linear algebra on one thread, median of
20 after a warm-up.

Peers are R's SynergyLMM and invivoSyn, where ``Rscript`` is on the path and has them
(``combination_peers.R``). For one that is absent the times are given that others measured on
another machine, which say an order of magnitude and no more. What they do in that time is less:
SynergyLMM fits and tests one null model on each day, or draws 1,000 times instead of 10,000.
"""

from __future__ import annotations

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
from typing import Final

import numpy as np

from oncovivo.combination import (
    CombinationArms,
    area_index,
    compare_nulls,
    index_band,
    response_additivity_bootstrap,
    sensitivity,
)
from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.studies import read_study

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
DAYS: Final = tuple(range(0, 31, 3))
ANIMALS: Final = 8
RATES: Final = {"Control": 0.08, "DrugA": 0.07, "DrugB": 0.06, "Combination": 0.03}
ARMS: Final = CombinationArms(
    control="Control", partners=("DrugA", "DrugB"), combination="Combination"
)
ALL: Final = "fit, all nulls and scales"
ADDITIVITY: Final = "fit, additivity, 10,000 draws"
AREA: Final = "area index, 1,000 resamples"
# Milliseconds that others measured on this study and another machine, by row of the table.
STATED: Final = {
    ALL: {"SynergyLMM, Bliss by day": 690.0},
    ADDITIVITY: {"SynergyLMM, 1,000 draws": 593.0},
    AREA: {"invivoSyn": 11_000.0},
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
    data = study(folder)
    origin = "made up" if folder is None else f"a file of {folder.name}"
    out = sys.stdout.write
    out(f"{len(data.arms)} arms, {data.n_animals} animals, {data.n_observations} readings; ")
    out(f"{origin}\n\n")
    peers, words = peer_times(data)
    out(f"{'':<32}{'ms':>10}{'target':>10}  peers\n")
    for row in ours(data):
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


def study(folder: Path | None) -> GrowthData:
    """The study that is timed."""
    if folder is not None:
        return growth_data(read_study(folder / "synergylmm_example" / "grwth_data.csv")[0])
    rng = np.random.default_rng(1)
    day = np.array(DAYS, dtype=np.float64)
    names = np.repeat(list(RATES), ANIMALS)
    own = np.repeat(list(RATES.values()), ANIMALS) + 0.01 * rng.standard_normal(names.size)
    start = np.log(150.0) + 0.2 * rng.standard_normal(names.size)
    size = start[:, None] + own[:, None] * day
    size += 0.2 * rng.standard_normal(size.shape)
    return growth_data_from_arrays(
        arm=np.repeat(names, day.size).tolist(),
        animal_id=[f"m{number:02}" for number in range(names.size) for _ in DAYS],
        time=np.tile(day, names.size),
        log_size=size.ravel(),
    )


def ours(data: GrowthData) -> list[Timing]:
    """Our times."""
    fit = fit_growth(data)

    def draws() -> object:
        rng = np.random.default_rng(1)
        return response_additivity_bootstrap(fit_growth(data), ARMS, rng=rng, draws=10_000)

    return [
        timing(ALL, 60, lambda: compare_nulls(fit_growth(data), ARMS)),
        timing("fit, all of these beside CR2", 120, lambda: sensitivity(fit_growth(data), ARMS)),
        timing(ADDITIVITY, 100, draws),
        timing(AREA, 300, lambda: area_index(data, ARMS, rng=np.random.default_rng(1))),
        timing("band of Bliss over the days", 60, lambda: index_band(fit, ARMS)),
        timing("band of the best agent", 60, lambda: index_band(fit, ARMS, null="hsa")),
        timing(
            "band of response additivity",
            300,
            lambda: index_band(fit, ARMS, null="response_additivity"),
        ),
    ]


def timing(what: str, target: float, work: Callable[[], object]) -> Timing:
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


def peer_times(data: GrowthData) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Milliseconds of the peers by row, and a word on each that is absent or off."""
    program = shutil.which("Rscript")
    if program is None:
        return {}, ["Rscript is not on the path: SynergyLMM and invivoSyn skipped"]
    script = Path(__file__).with_name("combination_peers.R")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "study.csv"
        write_readings(path, data)
        command = [program, str(script), str(path), str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {}, [f"R: stopped with: {last}"]
    names = {"all": ALL, "additivity": ADDITIVITY, "area": AREA}
    times: dict[str, dict[str, float]] = {}
    words: list[str] = []
    for line in done.stdout.splitlines():
        if line.count("\t") != 2:
            continue
        row, name, value = line.split("\t")
        if row == "word":
            words.append(f"{name}: {value}")
        else:
            times.setdefault(names[row], {})[name] = float(value)
    return times, words


def write_readings(path: Path, data: GrowthData) -> None:
    """Sizes as R reads them, arms under the names of the roles."""
    arm = np.array(data.arms)[data.arm[data.animal]]
    lines = [
        f"{arm[row]},m{data.animal[row]:02},{float(data.time[row])!r},"
        f"{float(np.exp(data.log_size[row]))!r}"
        for row in range(data.n_observations)
    ]
    path.write_text("arm,animal,time,size\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
