"""Survival tables of any kind end in one line or in numbers that hold together."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncovivo.analyses.survival_analysis import analyse_survival_file
from oncovivo.analyses.survival_result import SurvivalOptions
from oncovivo.errors import ProjectError

SEEDS = range(30)
ARMS = ("control", "Arm B = 2 mg", "тест", "d")


def random_table(seed: int) -> pd.DataFrame:
    """A few animals in one to four arms: ties, no event, one animal, causes, late entry."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, rng.integers(1, 5))
    arm = np.repeat(ARMS[: sizes.size], sizes)
    n = arm.size
    time = rng.exponential(20, n) + 0.5
    if rng.random() < 0.5:
        time = np.ceil(time / 7) * 7
    share = rng.choice([0.0, 0.3, 0.8, 1.0])
    table = pd.DataFrame({"animal_id": [f"m{i}" for i in range(n)], "treatment": arm})
    if rng.random() < 0.2:
        table["start"], table["stop"] = np.floor(rng.random(n) * time * 0.9), time
    else:
        table["time_days"] = time
    if rng.random() < 0.3:
        words = np.array(["none", "tumor_related", "toxicity", "scheduled"])
        table["cause"] = words[rng.integers(0, 4, n)]
    else:
        table["event"] = (rng.random(n) < share).astype(int)
    if rng.random() < 0.3:
        table["strata"] = np.where(rng.random(n) < 0.5, "x", "y")
    return table


def analysed(path: Path, table: pd.DataFrame, control: str = "control") -> dict[str, Any] | None:
    """The study as JSON; None where it was refused in one line."""
    table.to_csv(path, index=False)
    options = SurvivalOptions(control=control, draws=99, seed=1)
    try:
        result = analyse_survival_file(path, options=options)
    except ProjectError as err:
        refusal = str(err)
    else:
        refusal = ""
    assert "\n" not in refusal
    if refusal:
        return None
    return dict(json.loads(json.dumps(result.to_dict(), allow_nan=False))["studies"][0])


def ordered(*values: float | None) -> bool:
    """Whether the values that exist rise."""
    known = [value for value in values if value is not None]
    return all(a <= b * (1 + 1e-9) + 1e-12 for a, b in pairwise(known))


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_hold_together(tmp_path: Path, seed: int) -> None:
    study = analysed(tmp_path / "t.csv", random_table(seed))
    if study is None:
        return
    for arm in study["arms"]:
        assert 0 <= arm["events"] + arm["competing"] <= arm["n"]
        assert ordered(arm["median_lower"], arm["median"], arm["median_upper"])
        assert ordered(0.0, arm["rmst_lower"], arm["rmst"], arm["rmst_upper"], arm["tau"])
    for row in study["cox"]:
        assert ordered(row["lower"], row["hazard_ratio"], row["upper"])
    for row in (*study["tests"], *study["cox"], *study["proportional_hazards"]):
        assert row["p_value"] is None or 0 <= row["p_value"] <= 1
        assert row["status"] == "ok" or row["reason"]


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_order_of_rows_and_unit_of_time_change_nothing(tmp_path: Path, seed: int) -> None:
    table = random_table(seed)
    study = analysed(tmp_path / "t.csv", table)
    shuffled = table.sample(frac=1, random_state=seed)
    # Arms come in the order of their first rows.
    shuffled = shuffled.sort_values(
        "treatment", key=lambda arm: arm.map(ARMS.index), kind="stable"
    )
    scaled = table.copy()
    for column in ("time_days", "start", "stop"):
        if column in scaled:
            scaled[column] *= 24
    for other, factor in (
        (analysed(tmp_path / "s.csv", shuffled), 1),
        (analysed(tmp_path / "h.csv", scaled), 24),
    ):
        assert (study is None) == (other is None)
        if study is None or other is None:
            continue
        for one, two in zip(study["arms"], other["arms"], strict=True):
            assert one["events"] == two["events"]
            if one["median"] is not None:
                assert two["median"] == pytest.approx(factor * one["median"])
        for one, two in zip(study["cox"], other["cox"], strict=True):
            assert one["method"] == two["method"]
            if one["hazard_ratio"] is not None:
                assert two["hazard_ratio"] == pytest.approx(one["hazard_ratio"], rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_swapping_arm_and_control_inverts_the_hazard_ratio(tmp_path: Path, seed: int) -> None:
    table = random_table(seed)
    table = table[table["treatment"].isin(ARMS[:2])]
    one = analysed(tmp_path / "t.csv", table)
    two = analysed(tmp_path / "t.csv", table, control=ARMS[1])
    assert (one is None) == (two is None)
    if one is None or two is None:
        return
    (mine,), (theirs,) = one["cox"], two["cox"]
    if mine["hazard_ratio"] is not None:
        assert mine["hazard_ratio"] * theirs["hazard_ratio"] == pytest.approx(1, rel=1e-5)
        assert mine["p_value"] == pytest.approx(theirs["p_value"], abs=1e-6)
