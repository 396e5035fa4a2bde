"""Time the responses of a panel, and those of a million curves in chunks of flat memory.

Run from the repository root: ``python benchmarks/panels.py FILE [CURVES]``. The file is a long
table of a panel. The peer's times are those that others measured and published; they were not
taken on this machine, so the ratios say an order of magnitude and no more.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from oncovivo.endpoints.curves import FloatArray, IntArray, Readings, pad_by_length
from oncovivo.endpoints.mrecist import CATEGORIES, Rule, best_responses
from oncovivo.panels import Panel, compute_panel, read_panel
from oncovivo.panels.kernels import CHUNK, curve_areas, panel_calls

# Seconds a curve for mRECIST in Xeva: on bare vectors, and through its own object.
PEER = {"Xeva, bare vectors": 0.6e-3, "Xeva, its own object": 1.25e-3}
TILE = 50_000
ROUNDS = 5
RULES: tuple[Rule, ...] = ("published_text", "published_table")


def tiles(readings: Readings, n_curves: int) -> Iterator[Readings]:
    """The same curves again and again, `TILE` at a time, each copy at another size of tumor."""
    rng = np.random.default_rng(20_240_131)
    length = readings.length
    for begin in range(0, n_curves, TILE):
        size = min(TILE, n_curves - begin)
        chosen = (begin + np.arange(size)) % readings.n
        own = length[chosen]
        start = np.concatenate(([0], np.cumsum(own)))
        source = np.repeat(readings.start[chosen] - start[:-1], own) + np.arange(start[-1])
        scale = np.repeat(rng.uniform(0.5, 2.0, size), own)
        yield Readings(
            start=start,
            day=readings.day[source],
            volume=readings.volume[source] * scale,
            below=readings.below[source],
        )


def best_of(rounds: int, work: Callable[[], object]) -> float:
    """Shortest of several times, seconds."""
    times: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def bare(matrices: list[tuple[IntArray, FloatArray, FloatArray]], rule: Rule) -> None:
    """Best responses and categories of curves that lie in matrices already."""
    for _, day, volume in matrices:
        best_responses(day, volume, rule=rule)


def peak_mib() -> float | None:
    """Most memory so far, MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(arguments: list[str]) -> int:
    """Print the times."""
    if not arguments:
        sys.stderr.write("expected the file of a panel: benchmarks/panels.py FILE [CURVES]\n")
        return 2
    n_curves = int(arguments[1]) if len(arguments) > 1 else 1_000_000
    begin = time.perf_counter()
    panel: Panel = read_panel(Path(arguments[0]))
    reading = time.perf_counter() - begin
    readings = panel.readings(panel.baseline_days()[0])
    matrices = list(pad_by_length(readings, chunk=CHUNK))
    out = sys.stdout.write
    out(f"{panel.n} curves, {readings.day.size} readings; read in {reading:.2f} s\n")
    for rule in RULES:
        parts: dict[str, Callable[[], object]] = {
            "mRECIST on matrices": partial(bare, matrices, rule),
            "with the check of the schedule": partial(panel_calls, readings, rule=rule),
            "areas": partial(curve_areas, readings),
            "all columns with reasons": partial(compute_panel, panel, rule=rule),
        }
        times = {what: best_of(ROUNDS, work) for what, work in parts.items()}
        out(f"\n{rule}\n")
        for what, seconds in times.items():
            per_curve = seconds / panel.n
            ratios = ", ".join(f"{peer / per_curve:.0f} × {name}" for name, peer in PEER.items())
            ours = f"{1e3 * seconds:8.1f} ms {1e6 * per_curve:7.2f} µs a curve"
            out(f"  {what:<32} {ours} ({ratios})\n")
    out(f"\n{n_curves} curves in chunks of {TILE}\n")
    counts: Counter[str] = Counter()
    kernel, done = 0.0, 0
    begin = time.perf_counter()
    for number, tile in enumerate(tiles(readings, n_curves)):
        at = time.perf_counter()
        calls = panel_calls(tile)
        kernel += time.perf_counter() - at
        done += tile.n
        counts.update(CATEGORIES[code] if code >= 0 else "none" for code in calls.response)
        if number % 5 == 0:
            memory = peak_mib()
            said = "" if memory is None else f", most memory so far {memory:.0f} MiB"
            out(f"  {done:>9} curves{said}\n")
    total = time.perf_counter() - begin
    speed = f"{n_curves / kernel:,.0f} curves/s in the kernel"
    out(f"  {speed}, {n_curves / total:,.0f} with making them\n")
    out("  " + ", ".join(f"{word} {count}" for word, count in sorted(counts.items())) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
