"""Problems for the engines: from files, as the references' scripts read them, and made up."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.engine import Problem
from oncovivo.growth.model import Likelihood, RandomEffects, Residual

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


def read_sizes(path: Path) -> list[dict[str, str]]:
    """Rows with a size above zero; the size is under ``size``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = "volume_mm3" if "volume_mm3" in rows[0] else "area_mm2"
    kept = [row for row in rows if row[column] not in ("", "NA") and float(row[column]) > 0]
    return [{**row, "size": row[column]} for row in kept]


def line_problem(
    path: Path,
    *,
    residual: Residual = "iid",
    likelihood: Likelihood = "REML",
) -> tuple[Problem, list[str]]:
    """Log size ~ an intercept and a slope for each arm, days from the first of the file."""
    rows = read_sizes(path)
    time = np.array([float(row["day"]) for row in rows])
    time -= time.min()
    animal, arm, arms = _labels(rows)
    own = arm[animal]
    x = np.zeros((len(rows), 2 * len(arms)))
    x[np.arange(len(rows)), own] = 1.0
    x[np.arange(len(rows)), own + len(arms)] = time
    problem = Problem(
        y=np.log([float(row["size"]) for row in rows]),
        x=x,
        time=time,
        animal=animal,
        arm=arm,
        residual=residual,
        likelihood=likelihood,
    )
    return problem, arms


def ratio_problem(
    path: Path, arms: Sequence[str] | None = None, *, last: float = np.inf
) -> tuple[Problem, list[str]]:
    """Log size relative to the first day ~ a slope for each arm, random slopes."""
    rows = [row for row in read_sizes(path) if arms is None or row["treatment"] in arms]
    first = min(float(row["day"]) for row in rows)
    start = {row["animal_id"]: float(row["size"]) for row in rows if float(row["day"]) == first}
    rows = [
        row for row in rows if row["animal_id"] in start and 0 < float(row["day"]) - first <= last
    ]
    time = np.array([float(row["day"]) for row in rows]) - first
    animal, arm, known = _labels(rows, arms)
    x = np.zeros((len(rows), len(known)))
    x[np.arange(len(rows)), arm[animal]] = time
    problem = Problem(
        y=np.log([float(row["size"]) / start[row["animal_id"]] for row in rows]),
        x=x,
        time=time,
        animal=animal,
        arm=arm,
        random="slope",
    )
    return problem, known


def made_problem(
    seed: int,
    *,
    random: RandomEffects = "intercept_slope",
    residual: Residual = "iid",
    likelihood: Likelihood = "REML",
    groups: Mapping[str, IntArray] | None = None,
    sd: tuple[float, float, float] = (0.3, 0.02, 0.15),
    correlation: float = 0.0,
    n_arms: int = 3,
    per_arm: int = 4,
    uneven: bool = True,
    sd_factor: Sequence[float] = (1.0, 1.0, 1.0),
) -> Problem:
    """Arms with a line each; animals with lines of their own; some leave, days are uneven.

    `sd` is that of intercepts, slopes and residuals; `correlation` that of residuals a day apart.
    """
    rng = np.random.default_rng(seed)
    days = np.array([0.0, 3.0, 5.0, 7.0, 10.0, 14.0, 17.0, 21.0])
    n = n_arms * per_arm
    arm = np.repeat(np.arange(n_arms), per_arm)
    level = np.zeros(n)
    for group in (groups or {}).values():
        level += rng.normal(0.0, 0.25, int(group.max()) + 1)[group]
    y: list[FloatArray] = []
    time: list[FloatArray] = []
    for who in range(n):
        own = days[: rng.integers(4, len(days) + 1)] if uneven else days
        lag = np.abs(own[:, None] - own)
        shape = correlation**lag if correlation else np.eye(own.size)
        noise = np.linalg.cholesky(shape) @ rng.normal(size=own.size)
        start, slope = rng.normal(0.0, sd[0]), rng.normal(0.0, sd[1])
        rate = 0.1 - 0.03 * arm[who] + slope
        scale = sd[2] * sd_factor[arm[who]]
        y.append(5.0 + level[who] + start + rate * own + scale * noise)
        time.append(own)
    animal = np.repeat(np.arange(n), [len(part) for part in time])
    when = np.concatenate(time)
    own_arm = arm[animal]
    x = np.column_stack(
        (np.ones(when.size), *(np.where(own_arm == g, when, 0.0) for g in range(n_arms)))
    )
    return Problem(
        y=np.concatenate(y),
        x=x,
        time=when,
        animal=animal,
        arm=arm,
        groups=groups or {},
        random=random,
        residual=residual,
        likelihood=likelihood,
    )


def _labels(
    rows: Sequence[Mapping[str, str]], arms: Sequence[str] | None = None
) -> tuple[IntArray, IntArray, list[str]]:
    """Number of each row's animal, of each animal's arm, and the arms."""
    known = list(arms) if arms else list(dict.fromkeys(row["treatment"] for row in rows))
    arm_of = {row["animal_id"]: known.index(row["treatment"]) for row in rows}
    place = {name: number for number, name in enumerate(arm_of)}
    animal = np.array([place[row["animal_id"]] for row in rows], dtype=np.intp)
    return animal, np.array(list(arm_of.values()), dtype=np.intp), known
