"""Coverage of an endpoint table's intervals, and how fixed-day means fail when animals leave.

Run it as ``python validation/endpoints/simulate.py [--studies N] [--check]``; it writes
``simulated.json`` beside itself. With ``--check`` nothing is written: the exit status is 1 when a
coverage leaves 93 to 97 % by more than Monte Carlo error.

The generator: log-linear growth from about 150 mm³ (log-normal between animals, standard deviation
0.2), rates of 0.11 (control) and 0.07 (treated) per day with a standard deviation of 0.02 between
animals, log-normal readings with a standard deviation of 0.15, one every 3.5 days. A second
scenario has treated tumors that shrink by 0.05 per day.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.comparison import Comparison, EndpointOptions
from oncovivo.endpoints.estimate import EndpointEstimate
from oncovivo.endpoints.growth import animal_rates
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.studies import Arm

FloatArray: TypeAlias = NDArray[np.float64]

OUTPUT: Final = Path(__file__).with_name("simulated.json")
SEED: Final = 20_250_301
V0: Final = 150.0
V0_SD: Final = 0.2
Scenario: TypeAlias = Literal["growing", "shrinking"]
RATES: Final = {"control": 0.11, "treated": 0.07}
SHRINKING_RATES: Final = {"control": 0.11, "treated": -0.05}
RATE_SD: Final = 0.02
READING_SD: Final = 0.15
STEP: Final = 3.5
LAST_DAY: Final = 28.0
LEVEL: Final = 0.95
SIZES: Final = (5, 8, 10)
DAYS: Final = (14.0, 28.0)
OPTIONS: Final = EndpointOptions(
    multiples=(2.0, 4.0), volumes_mm3=(500.0,), treatment_days={"treated": 4.0}
)
# Limit of volume, day: the cells of the table of survivorship.
CELLS: Final = tuple((limit, day) for day in (14.0, 21.0, 28.0) for limit in (1500.0, 2000.0))
N_SURVIVORSHIP: Final = 8
# Coverage that the intervals are asked to have, percent.
LOWEST, HIGHEST = 93.0, 97.0


def simulate_volumes(n: int, rate: float, rng: np.random.Generator) -> FloatArray:
    """Volumes of n animals on every day of the schedule, shape (n, t)."""
    days = schedule()
    rates = rate + RATE_SD * rng.standard_normal((n, 1))
    noise = READING_SD * rng.standard_normal((n, days.size))
    start = V0_SD * rng.standard_normal((n, 1))
    volumes: FloatArray = V0 * np.exp(start + rates * days + noise)
    return volumes


def schedule() -> FloatArray:
    """Days of measurement."""
    return np.arange(0.0, LAST_DAY + STEP / 2, STEP)


def make_arm(name: str, volumes: FloatArray, limit: float = math.inf) -> ArmCurves:
    """Curves of an arm; an animal is last seen with its first reading at or above the limit."""
    n = volumes.shape[0]
    over = volumes >= limit
    seen = np.cumsum(over, axis=1) - over < 1
    days = np.where(seen, schedule(), np.nan)
    return ArmCurves(
        arm=name,
        animal_ids=tuple(f"{name}{index}" for index in range(n)),
        day=days,
        size=np.where(seen, volumes, np.nan),
        lifted=np.zeros(volumes.shape, dtype=bool),
        limit=1.0,
        baseline_day=np.zeros(n),
        end_day=np.nanmax(days, axis=1),
    )


def compare(
    treated: ArmCurves, control: ArmCurves, day: float, *, seed: int, draws: int
) -> Comparison:
    """An arm against the control, as an endpoint table compares them."""
    return Comparison(
        treated=treated,
        control=control,
        arm=Arm(name=treated.arm),
        day=day,
        rates_through=day,
        baseline_day=0.0,
        settings=IntervalSettings(level=LEVEL, draws=draws, seed=seed),
        options=OPTIONS,
    )


def all_rows(
    treated: ArmCurves, control: ArmCurves, day: float, *, seed: int, draws: int
) -> list[EndpointEstimate]:
    """What the endpoint table holds of two arms."""
    alone = compare(control, control, day, seed=seed, draws=draws)
    against = compare(treated, control, day, seed=seed, draws=draws)
    return [*alone.arm_rows(), *against.arm_rows(), *against.contrast_rows()]


def rates_of(scenario: Scenario) -> dict[str, float]:
    """Mean rate of each arm, natural log per day."""
    return SHRINKING_RATES if scenario == "shrinking" else RATES


@lru_cache(maxsize=8)
def true_values(scenario: Scenario, day: float, n: int = 100_000) -> dict[str, float]:
    """Endpoints of arms so large that their error does not matter."""
    rng = np.random.default_rng([SEED, 0])
    rates = rates_of(scenario)
    parts: dict[str, list[float]] = {}
    for _ in range(4):
        treated, control = (
            make_arm(name, simulate_volumes(n, rates[name], rng))
            for name in ("treated", "control")
        )
        for row in all_rows(treated, control, day, seed=1, draws=2):
            if row.estimate is not None:
                parts.setdefault(f"{row.arm} {row.endpoint}", []).append(row.estimate)
    return {name: float(np.mean(values)) for name, values in parts.items()}


@dataclass(slots=True)
class _Tally:
    """Intervals of one endpoint so far."""

    studies: int = 0
    covered: int = 0
    open: int = 0
    methods: set[str] = field(default_factory=set)

    def count(self, row: EndpointEstimate, truth: float) -> None:
        """One more interval."""
        low = -math.inf if row.lower is None else row.lower
        high = math.inf if row.upper is None else row.upper
        self.studies += 1
        self.covered += low <= truth <= high
        self.open += row.lower is None or row.upper is None
        self.methods.add(row.method)


def coverage(
    scenario: Scenario, n: int, day: float, studies: int, draws: int
) -> list[dict[str, object]]:
    """Coverage of every interval with n animals per arm, none of which leaves.

    A limit that does not exist excludes nothing, so an interval open on one side covers what lies
    on its side; an unbounded set covers everything. How often either happens is given too.
    """
    truth = true_values(scenario, day)
    rates = rates_of(scenario)
    rng = np.random.default_rng([SEED, 2, n, int(day), scenario == "shrinking"])
    tally: dict[str, _Tally] = {}
    for study in range(studies):
        treated, control = (
            make_arm(name, simulate_volumes(n, rates[name], rng))
            for name in ("treated", "control")
        )
        for row in all_rows(treated, control, day, seed=study, draws=draws):
            name = f"{row.arm} {row.endpoint}"
            if row.estimate is None or name not in truth or row.method == "none":
                continue
            tally.setdefault(name, _Tally()).count(row, truth[name])
    result: list[dict[str, object]] = []
    for name, cell in tally.items():
        share = cell.covered / cell.studies
        arm, endpoint = name.split(" ")
        result.append(
            {
                "scenario": scenario,
                "endpoint": endpoint,
                "arm": arm,
                "n": n,
                "day": day,
                "methods": sorted(cell.methods),
                "truth": float(f"{truth[name]:.5g}"),
                "studies": cell.studies,
                "coverage_pct": round(100 * share, 2),
                "mc_error_pct": round(100 * math.sqrt(share * (1 - share) / cell.studies), 2),
                "open_pct": round(100 * cell.open / cell.studies, 2),
            }
        )
    return result


def survivorship(
    limit: float, day: float, studies: int, n: int = N_SURVIVORSHIP
) -> dict[str, object]:
    """What fixed-day TGI becomes when animals are removed at a volume limit."""
    rng = np.random.default_rng([SEED, 1, int(limit), int(day)])
    place = round(day / STEP)
    names = ("full", "survivors", "carried", "rate")
    values: dict[str, list[float]] = {name: [] for name in names}
    alive = {"control": 0, "treated": 0}
    flagged = undefined = 0
    for study in range(studies):
        volumes = {name: simulate_volumes(n, RATES[name], rng) for name in alive}
        seen = {name: make_arm(name, volumes[name], limit) for name in alive}
        for name in alive:
            alive[name] += int(seen[name].measured_at(day).sum())
        row = next(
            compare(seen["treated"], seen["control"], day, seed=study, draws=2).contrast_rows()
        )
        flagged += row.status != "ok"
        undefined += row.estimate is None
        if row.estimate is not None:
            values["survivors"].append(row.estimate)
        values["full"].append(_tgi_delta(volumes, place))
        values["carried"].append(_tgi_delta({name: _carried(seen[name]) for name in alive}, place))
        rates = [
            float(np.nanmean(animal_rates(seen[name]).rate)) for name in ("treated", "control")
        ]
        values["rate"].append(1 - math.exp((rates[0] - rates[1]) * day))
    return {
        "limit_mm3": limit,
        "day": day,
        "n": n,
        "studies": studies,
        "alive_control_pct": round(100 * alive["control"] / (n * studies), 1),
        "alive_treated_pct": round(100 * alive["treated"] / (n * studies), 1),
        "true_tgi_delta": round(_true_tgi_delta(day), 4),
        "no_leavers": round(float(np.median(values["full"])), 4),
        "survivors_only": round(float(np.median(values["survivors"])), 4),
        "survivors_undefined_pct": round(100 * undefined / studies, 1),
        "last_carried_forward": round(float(np.median(values["carried"])), 4),
        "true_tgi_rate": round(1 - math.exp((RATES["treated"] - RATES["control"]) * day), 4),
        "tgi_rate_to_leaving": round(float(np.median(values["rate"])), 4),
        "flagged_pct": round(100 * flagged / studies, 1),
    }


def _true_tgi_delta(day: float) -> float:
    """From the moments of the log-normal distribution."""
    spread = math.exp((RATE_SD * day) ** 2 / 2)
    change = {name: math.exp(rate * day) * spread - 1 for name, rate in RATES.items()}
    return 1 - change["treated"] / change["control"]


def _tgi_delta(volumes: dict[str, FloatArray], place: int) -> float:
    """TGI of the mean changes, of complete matrices."""
    change = {name: (v[:, place] - v[:, 0]).mean() for name, v in volumes.items()}
    return float(1 - change["treated"] / change["control"])


def _carried(arm: ArmCurves) -> FloatArray:
    """Sizes with each animal's last reading carried forward."""
    last = np.maximum.accumulate(np.where(np.isnan(arm.size), 0, np.arange(arm.size.shape[1])), 1)
    return np.take_along_axis(arm.size, last, axis=1)


def run(studies: int, draws: int) -> dict[str, object]:
    """All of it."""
    cells: list[tuple[Scenario, int, float]] = [
        *(("growing", n, day) for day in DAYS for n in SIZES),
        *(("shrinking", n, LAST_DAY) for n in SIZES),
    ]
    with ProcessPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(coverage, *cell, studies, draws) for cell in cells]
        tables = [pool.submit(survivorship, *cell, 4000) for cell in CELLS]
        covered = [row for job in jobs for row in job.result()]
        left = [job.result() for job in tables]
    return {
        "generator": {
            "v0_mm3": V0,
            "v0_log_sd": V0_SD,
            "rates_per_day": {"growing": RATES, "shrinking": SHRINKING_RATES},
            "rate_sd": RATE_SD,
            "reading_sd": READING_SD,
            "every_days": STEP,
            "last_day": LAST_DAY,
        },
        "level": LEVEL,
        "draws": draws,
        "seed": SEED,
        "coverage": covered,
        "survivorship": left,
    }


def outside(result: dict[str, object]) -> list[str]:
    """Intervals whose coverage leaves the range by more than two Monte Carlo errors."""
    rows = result["coverage"]
    found: list[str] = []
    for row in rows if isinstance(rows, list) else []:
        slack = 2 * row["mc_error_pct"]
        if not LOWEST - slack <= row["coverage_pct"] <= HIGHEST + slack:
            cell = " ".join(str(row[key]) for key in ("scenario", "arm", "endpoint", "n", "day"))
            found.append(f"{cell}: {row['coverage_pct']} %")
    return found


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of endpoints.")
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--draws", type=int, default=999)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    result = run(options.studies, options.draws)
    bad = outside(result)
    if not options.check:
        OUTPUT.write_text(
            json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
