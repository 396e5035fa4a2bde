"""What simulation says of associations: the committed file is whole and within its limits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "validation" / "markers" / "association.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("association_validation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "association_validation", module)
        spec.loader.exec_module(module)
    return module


def test_every_cell_is_there_and_within_its_limits(script: ModuleType) -> None:
    rows = json.loads(SCRIPT.with_suffix(".json").read_text(encoding="utf-8"))["rows"]
    keys = ("question", "method", "n", "sd_lines", "marker", "n_true", "one_arm")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        tuple(getattr(cell, key) for key in keys) for cell in script.cells()
    ]
    assert script.outside(rows) == []
    # What is wrong with treated animals alone, and with the residual degrees of freedom.
    alone = [row["pct"] for row in rows if row["method"] == "treated_only"]
    assert min(alone) > 50
    plain = [row["pct"] for row in rows if row["method"] == "residual_df"]
    assert max(plain) > script.HIGHEST
