"""Inhibitors of mTOR and PI3K in the PDX Encyclopedia as a mouse clinical trial.

Writes ``pdxe.json`` beside itself: effects on growth rate over all lines, by tumor type and, in
breast lines, by PIK3CA, with hazard ratios of doubling and rates of response. The data (Gao H et
al. Nat Med 2015;21:1318; a table of 206 of its 277 lines) are not in the repository. Run it as
``python validation/panels/pdxe.py FOLDER``, the folder having growth.csv and breast_mutation.csv.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.panel_trial import PanelTrialOptions, panel_trial, read_marker_groups
from oncovivo.panels import read_panel

TREATMENTS = ("everolimus", "BYL719", "BKM120", "CLR457", "LEE011 + everolimus")


def main(folder: Path) -> None:
    """Analyse the panel and keep all but the effects of single lines."""
    growth, calls = folder / "growth.csv", folder / "breast_mutation.csv"
    options = PanelTrialOptions(control="untreated", treatments=TREATMENTS, by_tumor_type=True)
    result = panel_trial(
        read_panel(growth), options, markers=read_marker_groups(calls, ["PIK3CA"])
    )
    content: dict[str, Any] = asdict(result)
    for one in content["treatments"]:
        for part in (one, *one["subgroups"]):
            if part["fit"] is not None:
                del part["fit"]["line_effects"]
    digests = [asdict(input_digest(path)) for path in (growth, calls)]
    text = json.dumps({"inputs": digests, **content}, indent=1, ensure_ascii=False) + "\n"
    (Path(__file__).parent / "pdxe.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
