"""The numbers and names on the page about time to event are those of the code and the files."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.studies import read_study
from oncovivo.survival import growth_events, hazard_ratios, parse_event, reason_rules
from oncovivo.survival.curves import FEW_EVENTS
from oncovivo.survival.events import PROGRESSION_MULTIPLE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "background" / "survival.md").read_text(encoding="utf-8")
PAGE = " ".join(TEXT.split())


def rows(name: str, **wanted: object) -> list[dict[str, Any]]:
    path = ROOT / "validation" / "survival" / f"{name}.json"
    made = json.loads(path.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def span(found: list[float], digits: int = 1) -> str:
    return f"{min(found):.{digits}f} to {max(found):.{digits}f} %"


def relabeled(row: dict[str, Any]) -> float:
    return float(row["exact_pct" if row["arms"] == 2 else "relabeled_pct"])


def test_the_table_of_reasons_is_that_of_the_code() -> None:
    shown = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \|$", TEXT)
    kinds = [reason_rules(kind) for kind in ("multiple", "death", "humane_endpoint")]
    made = [
        (first.reason, *(rule.role for rule in (first, *others)))
        for first, *others in zip(*kinds, strict=True)
    ]
    assert sorted(shown) == sorted(made)


@pytest.mark.parametrize(
    "word", ["doubling", "quadrupling", "progression", "nadir", "death", "humane_endpoint"]
)
def test_every_event_is_explained(word: str) -> None:
    table = TEXT.split("| `--event` | the event |")[1].split("\n\n")[0]
    assert parse_event(word)
    assert f"`{word}`" in table


def test_fixed_numbers_are_those_of_the_code() -> None:
    assert f"at least {PROGRESSION_MULTIPLE:g} (or K) times the lowest" in PAGE
    assert f"default below {FEW_EVENTS} events in an arm" in PAGE
    assert f"all {math.comb(16, 8):,} relabelings" in PAGE


def test_rejections_are_as_simulated() -> None:
    exact, weekly = rows("type_one", visits=False), rows("type_one", visits=True)
    four, two = (
        [row["log_rank_pct"] for row in rows("type_one", visits=False, arms=arms)]
        for arms in (4, 2)
    )
    assert f"5 to 8 animals in {span(four)} of studies" in PAGE
    assert f"and of two arms in {span(two)}." in PAGE
    assert f"Relabeling rejects in {span([relabeled(row) for row in exact])}." in PAGE
    assert f"rejects in {span([row['log_rank_pct'] for row in weekly])}, and" in PAGE
    assert f"relabeling in {span([relabeled(row) for row in weekly])}:" in PAGE
    assert f"{span([row['firth_pct'] for row in exact])} with exact times" in PAGE


def test_coverage_is_as_simulated() -> None:
    def cover(**wanted: object) -> list[float]:
        return [row["coverage_pct"] for row in rows("median", **wanted)]

    log, beta = (cover(question="median", method=way, n=8) for way in ("log", "betaproduct"))
    assert f"the true median in {span(log, 0)}" in PAGE
    assert f"beta-product limits in {span(beta, 0)}" in PAGE
    drawn = cover(question="ratio", method="bootstrap")
    assert f"95 % limits cover in {span(drawn, 0)}" in PAGE


@pytest.mark.parametrize(
    ("way", "shown"),
    [("visit", "visit"), ("interpolated", "interpolated"), ("interval", "interval, by Turnbull")],
)
def test_biases_of_visits_are_as_simulated(way: str, shown: str) -> None:
    (row,) = rows("visits", every_days=7.0, reading_sd=0.15, way=way)
    median, survival = (
        f"{row[key]:.1f}".replace("-", "−") for key in ("median_bias", "survival_pct_bias")
    )
    assert f"| {shown} | {median} | {survival} |" in TEXT


def test_cages_of_the_example_narrow_the_interval_as_it_says() -> None:
    (study,) = read_study(ROOT / "examples" / "temsirolimus" / "studies" / "four_arm_simulated")
    data = growth_events(study, parse_event("quadrupling"), event_time="interpolated")
    assert data.cluster is not None
    cages = sorted(set(data.cluster))
    place = data.arms.index("perifosine") - 1
    alone = hazard_ratios(data.time, data.event, data.arm)[place]
    assert f"perifosine's interval is {alone.lower:.3f} to {alone.upper:.2f} without" in PAGE
    codes = np.array([cages.index(cage) for cage in data.cluster])
    robust = hazard_ratios(data.time, data.event, data.arm, cluster=codes)[place]
    assert f"{robust.lower:.3f} to {robust.upper:.2f} with them" in PAGE
