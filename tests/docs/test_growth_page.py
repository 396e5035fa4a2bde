"""The numbers and names on the page about growth models are those of the code and of the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oncovivo.growth import EFFECTS
from oncovivo.growth.laws import GROWTH_LAWS

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs" / "background" / "growth.md").read_text(encoding="utf-8").split())


def rows(name: str, **wanted: object) -> list[dict[str, Any]]:
    path = ROOT / "validation" / "growth" / f"{name}.json"
    made = json.loads(path.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def one(key: str, name: str, **wanted: object) -> float:
    (row,) = rows(name, **wanted)
    return float(row[key])


@pytest.mark.parametrize("name", [*EFFECTS, *GROWTH_LAWS])
def test_every_effect_and_law_is_explained(name: str) -> None:
    assert f"| `{name}` |" in PAGE


def test_z_and_small_arms_are_as_simulated() -> None:
    def z(n: int) -> list[float]:
        found = rows(
            "type_one",
            model="common",
            arms=4,
            rate_treated=0.1,
            test="t and z",
            sd_slope=0.02,
            n=n,
        )
        return sorted(row["z_pct"] for row in found)

    def most(n: int) -> float:
        found = rows("type_one", model="common", arms=2, test="t and z", n=n)
        return max(float(row["kr_pct"]) for row in found)

    drawn = rows("type_one", test="bootstrap", arms=2, readings=5)
    assert f"it rejects {max(row['bootstrap_pct'] for row in drawn):.1f} %" in PAGE
    three, five = z(3), z(5)
    assert f"in {three[0]:.1f} to {three[-1]:.1f} % of studies with three" in PAGE
    assert f"in {five[0]:.1f} to {five[-1]:.1f} % with five" in PAGE
    assert f"up to {most(3):.1f} % with three animals and {most(5):.1f} % with five" in PAGE


def test_ways_below_the_limit_are_as_simulated() -> None:
    def rate(way: str, scenario: str, question: str) -> float:
        wanted = {"way": way, "scenario": scenario, "question": question, "n": 8}
        return one("truth", "censored", **wanted) + one("bias", "censored", **wanted)

    shrinks = "one arm shrinks"
    assert f"shrink by {-rate('omitted', shrinks, 'treated'):.3f}" in PAGE
    cover = one(
        "coverage_pct", "censored", way="omitted", scenario=shrinks, question="treated", n=8
    )
    assert f"cover {cover:.1f} %" in PAGE
    assert f"makes it {-rate('limit as value', shrinks, 'treated'):.3f}, and covers never" in PAGE
    plus = (
        -rate("log(V + 1)", shrinks, "treated"),
        -rate("log(V + 1)", "both arms shrink", "control"),
    )
    assert (
        f"makes it {plus[0]:.3f}, and an arm that shrinks by 0.08 shrink by {plus[1]:.3f}" in PAGE
    )


def test_ways_to_forget_leavers_are_as_simulated() -> None:
    def percent(way: str) -> float:
        return one("median_pct", "dropout", limit_mm3=1500.0, day=28.0, way=way)

    survivors, carried = percent("survivors_only"), percent("locf")
    assert f"they give {survivors:.0f} % and {carried:.0f} % where 70 % is true" in PAGE
    assert f"the model {percent('model'):.0f} %" in PAGE
