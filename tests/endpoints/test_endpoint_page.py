"""The page about endpoints names all of them and agrees with the committed simulation."""

from __future__ import annotations

import json
from pathlib import Path

from oncovivo.endpoints import ENDPOINTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "background" / "endpoints.md"
SIMULATED = ROOT / "validation" / "endpoints" / "simulated.json"


def test_every_endpoint_has_a_row_on_its_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [d.name for d in ENDPOINTS if f"| `{d.name}` |" not in text]
    assert not missing


def test_the_figures_on_the_page_are_those_of_the_simulation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    result = json.loads(SIMULATED.read_text(encoding="utf-8"))
    for cell in result["survivorship"]:
        shares = f"{cell['alive_control_pct']:.0f} / {cell['alive_treated_pct']:.0f}"
        numbers = " | ".join(
            f"{100 * cell[key]:.0f}"
            for key in ("true_tgi_delta", "no_leavers", "survivors_only", "last_carried_forward")
        )
        row = f"| {cell['limit_mm3']:.0f}, day {cell['day']:.0f} | {shares} | {numbers} |"
        assert row in text
    methods = {method for cell in result["coverage"] for method in cell["methods"]}
    for method in sorted(methods):
        cells = [c for c in result["coverage"] if c["methods"] == [method]]
        for n in (5, 8, 10):
            values = [c["coverage_pct"] for c in cells if c["n"] == n]
            assert f"{min(values):.1f}–{max(values):.1f}" in text, (method, n)
