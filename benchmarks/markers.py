"""Time associations of many markers with permutations, beside the plain way.

Run it as ``python benchmarks/markers.py``. 200 lines and 10,000 markers are made up; the call is
the weighted regression of every marker with 1,000 permutations and q-values, in one process with
linear algebra on two threads. A second row has missing values in every marker, a third ranks.

The peer is a loop of ``scipy.stats.linregress`` over markers and permutations, which is unweighted
and so does less. It is given 200 markers × 10 permutations, and its time is scaled to all of them;
the same for a loop of ``statsmodels`` WLS, where it can be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oncovivo.biomarkers.association import associate
from oncovivo.biomarkers.association_result import LineResponse, line_response
from oncovivo.biomarkers.features import FeatureTable, feature_table

FloatArray: TypeAlias = NDArray[np.float64]

LINES: Final = 200
MARKERS: Final = 10_000
PERMUTATIONS: Final = 1_000
# What the peers are given, markers × relabelings; their time is scaled.
PEER_MARKERS: Final = 200
PEER_PERMUTATIONS: Final = 10
# Seconds, and GB that the process may hold.
TARGET: Final = 60.0
MOST_MEMORY: Final = 1.0
MISSING: Final = 0.02
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Print the table; status 1 where a target is missed."""
    if any(os.environ.get(name) != "2" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "2")}
        return subprocess.run([sys.executable, __file__], env=environment, check=False).returncode
    response, values = made_up()
    whole = table(values)
    rng = np.random.default_rng(3)
    gaps = values.copy()
    gaps[rng.random(gaps.shape) < MISSING] = np.nan
    rows = {
        "weighted": seconds(lambda: run(response, whole)),
        "weighted, missing values": seconds(lambda: run(response, table(gaps))),
        "spearman": seconds(lambda: run(response, whole, ranks=True)),
    }
    peers = {"scipy linregress": scipy_seconds(response, values)}
    if importlib.util.find_spec("statsmodels"):
        peers["statsmodels WLS"] = statsmodels_seconds(response, values)
    out = sys.stdout.write
    out(f"{LINES} lines × {MARKERS:,} markers × {PERMUTATIONS:,} permutations\n")
    for what, spent in rows.items():
        slow = "  MISSED" if spent > TARGET else ""
        out(f"{what:<28}{spent:>9.1f} s  target {TARGET:.0f} s{slow}\n")
    for what, spent in peers.items():
        ratio = spent / rows["weighted"]
        out(f"{what + ' (scaled)':<28}{spent:>9.0f} s  {ratio:.0f} × ours\n")
    held = memory_gb()
    heavy = held is not None and held > MOST_MEMORY
    shown = "not known here" if held is None else f"{held:.2f} GB"
    out(f"most memory held: {shown}{'  MISSED' if heavy else ''}\n")
    return int(heavy or any(spent > TARGET for spent in rows.values()))


def made_up() -> tuple[LineResponse, FloatArray]:
    """Effects with standard errors, and markers that have nothing to do with them."""
    rng = np.random.default_rng(1)
    error = rng.uniform(0.05, 0.3, LINES)
    effect = np.sqrt(0.04 + error**2) * rng.normal(size=LINES)
    response = line_response(names(), effect, std_error=error)
    return response, rng.normal(size=(LINES, MARKERS))


def names() -> list[str]:
    """Names of the lines."""
    return [f"L{number:03d}" for number in range(LINES)]


def table(values: FloatArray) -> FeatureTable:
    """The markers as a table."""
    return feature_table(names(), {f"g{at}": values[:, at] for at in range(values.shape[1])})


def run(response: LineResponse, features: FeatureTable, *, ranks: bool = False) -> object:
    """The call that is timed."""
    return associate(
        response,
        features,
        method="spearman" if ranks else "weighted",
        permutations=PERMUTATIONS,
        rng=np.random.default_rng(2),
    )


def seconds(work: Callable[[], object]) -> float:
    """Time of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def scaled(spent: float) -> float:
    """Time for all markers and permutations, the observed order among them."""
    return spent * MARKERS / PEER_MARKERS * (PERMUTATIONS + 1) / PEER_PERMUTATIONS


def scipy_seconds(response: LineResponse, values: FloatArray) -> float:
    """A loop of ordinary regressions."""
    rng = np.random.default_rng(4)

    def work() -> None:
        for _ in range(PEER_PERMUTATIONS):
            y = rng.permutation(response.effect)
            for at in range(PEER_MARKERS):
                stats.linregress(values[:, at], y)

    return scaled(seconds(work))


def statsmodels_seconds(response: LineResponse, values: FloatArray) -> float:
    """A loop of weighted regressions with known weights."""
    api = importlib.import_module("statsmodels.api")
    rng = np.random.default_rng(4)
    error = response.std_error
    weights = np.ones(LINES) if error is None else 1 / (0.04 + error**2)

    def work() -> None:
        for _ in range(PEER_PERMUTATIONS):
            y = rng.permutation(response.effect)
            for at in range(PEER_MARKERS):
                design = np.column_stack([np.ones(LINES), values[:, at]])
                _ = api.WLS(y, design, weights=weights).fit().pvalues

    return scaled(seconds(work))


def memory_gb() -> float | None:
    """Most memory that the process has held; None where the system does not tell."""
    if not importlib.util.find_spec("resource"):
        return None
    usage = importlib.import_module("resource")
    held = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kilobytes elsewhere.
    return float(held) / (1e9 if sys.platform == "darwin" else 1e6)


if __name__ == "__main__":
    sys.exit(main())
