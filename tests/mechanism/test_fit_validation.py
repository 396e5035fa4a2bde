"""The committed simulate-and-refit keeps its limits, and one of its studies comes out again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from validation.mechanism import refit

PAGE = Path(__file__).parents[2] / "docs" / "validation" / "mechanism.md"


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The committed output."""
    made: dict[str, Any] = json.loads(refit.OUTPUT.read_text(encoding="utf-8"))
    return made


def test_enough_studies_were_fitted_all_of_seeds_that_settings_did_not_see(
    committed: dict[str, Any],
) -> None:
    numbers = [row["replicate"] for row in committed["replicates"]]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= refit.REPLICATES == 200
    assert committed["seed"] != committed["seed_of_settings"]
    assert committed["generator"]["animals_per_arm"] == 10
    # Animals leave at the volume limit: without that nothing would be learned of it.
    assert 30 < committed["summary"]["left_early_pct"] < 60


def test_limits_cover_and_variances_are_not_far_off(committed: dict[str, Any]) -> None:
    assert refit.outside(committed["summary"]) == []
    assert committed["summary"]["failed"] == 0


def test_the_summary_is_that_of_the_rows(committed: dict[str, Any]) -> None:
    assert refit.summary(refit.fit_plan(), committed["replicates"]) == committed["summary"]


def test_the_page_shows_the_committed_numbers(committed: dict[str, Any]) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for line in refit.table(committed["summary"]):
        assert line in lines


def test_a_breach_of_the_limits_is_found(committed: dict[str, Any]) -> None:
    worse = copy.deepcopy(committed["summary"])
    worse["converged_pct"] = 90.0
    worse["typical"]["kde"]["coverage_pct"] = 88.0
    worse["typical"]["v0"]["bias"] = 0.3
    worse["variances"]["error"]["relative_bias"] = 0.2
    found = refit.outside(worse)
    assert [line.split(":")[0] for line in found] == ["converged", "v0", "kde", "error"]


def test_a_study_comes_out_as_committed(
    committed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, rows = refit.fit_plan(), committed["replicates"][:1]
    again = refit.replicate(plan, refit.SEED, 0, "adaptive")
    monkeypatch.setattr(refit, "replicate", lambda *_: again)
    assert refit.repeated(plan, rows, refit.SEED, "adaptive") == []
    other = copy.deepcopy(rows)
    other[0]["parameters"]["v0"][0] += 0.1
    (line,) = refit.repeated(plan, other, refit.SEED, "adaptive")
    assert "v0" in line
