"""Seconds for the endpoint table of a study of 16 arms, and for its parts.

Run it as ``python benchmarks/endpoints.py FILE CONTROL [REPEATS]``, such as
``python benchmarks/endpoints.py growth.csv gdc0084_00_temo_00``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from oncovivo.endpoints import EndpointOptions, compute_endpoints
from oncovivo.endpoints.arms import arm_curves
from oncovivo.endpoints.auc import area_growth_rates, trapezoid_areas
from oncovivo.endpoints.growth import animal_rates
from oncovivo.studies import read_study


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        sys.stderr.write("usage: python benchmarks/endpoints.py FILE CONTROL [REPEATS]\n")
        return 2
    path, control = Path(arguments[0]), arguments[1]
    repeats = int(arguments[2]) if len(arguments) > 2 else 5
    start = time.perf_counter()
    study = read_study(path)[0]
    read_s = time.perf_counter() - start
    tables, kernels = [], []
    for repeat in range(repeats):
        start = time.perf_counter()
        table = compute_endpoints(
            study, control=control, rng=np.random.default_rng(repeat), options=EndpointOptions()
        )
        tables.append(time.perf_counter() - start)
        curves = arm_curves(study, baseline_day=table.baseline.day)
        start = time.perf_counter()
        for arm in curves.values():
            animal_rates(arm)
            trapezoid_areas(arm.elapsed, arm.size, arm.window())
            area_growth_rates(arm.elapsed, arm.log_size, arm.window())
        kernels.append(time.perf_counter() - start)
    result = {
        "arms": len(table.arms),
        "animals": len(table.animals),
        "endpoints": len(table.endpoints),
        "draws": EndpointOptions().draws,
        "read_s": round(read_s, 4),
        "table_s": round(statistics.median(tables), 4),
        "per_endpoint_ms": round(1000 * statistics.median(tables) / len(table.endpoints), 4),
        "animal_kernels_ms": round(1000 * statistics.median(kernels), 4),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
