"""Write the guide project of the tutorial into a folder.

Run it as ``python docs/examples/first_guide.py my-guide``.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from oncovivo.evidence import COLUMNS

GUIDE = """\
[guide]
title = "Temsirolimus in pancreatic cancer models"
compound = "temsirolimus"
"""

REFERENCES = [
    {
        "id": "p06",
        "type": "article-journal",
        "title": (
            "Integrated preclinical and clinical development of mTOR inhibitors in pancreatic "
            "cancer"
        ),
        "author": [{"family": "Garrido-Laguna", "given": "I."}],
        "container-title": "British Journal of Cancer",
        "issued": {"date-parts": [[2010]]},
        "DOI": "10.1038/sj.bjc.6605819",
        "custom": {"verification": "verified", "source_kind": "primary_mixed"},
    }
]

ROW = {
    "row_id": "R1",
    "use": "evidence",
    "filed_under": "PAAD",
    "tumor_type": "pancreatic adenocarcinoma",
    "oncotree": "PAAD",
    "ncit": "C8294",
    "doid": "DOID:4074",
    "graft_type": "pdx",
    "host_species": "mouse",
    "immune_status": "immunodeficient",
    "compound": "temsirolimus",
    "partner": "not_applicable",
    "regimen": "20 mg/kg qd x28 d",
    "comparator": "control_unspecified",
    "contrast": "treated_vs_control",
    "endpoint": "response_rate",
    "day": "28",
    "direction": "mixed",
    "n_treated": "17",
    "n_unit": "lines",
    "value": "4",
    "unit": "count",
    "denominator": "17 xenograft lines",
    "dispersion": "not_applicable",
    "dispersion_kind": "not_applicable",
    "null_model": "not_applicable",
    "evidence_kind": "animal_efficacy",
    "source": "p06",
    "locator": "abstract",
    "read_from": "text",
    "reading": "verified",
    "statement": "4 of 17 patient-derived xenograft lines responded to temsirolimus.",
}

CLAIMS = """\
[[claim]]
id = "C1"
section = "summary"
text = "Some pancreatic tumors respond to temsirolimus: {n} row from {works} work."
from = "evidence"
where = { oncotree = ["PAAD"], evidence_kind = ["animal_efficacy"], compound = ["temsirolimus"] }
slots = { n = "count", works = "distinct source" }
supports = { direction = ["benefit", "mixed"] }
contradicts = { direction = ["none", "harm"] }
needs = { sources = 3 }
expect = "supported"
"""


def write_guide(folder: Path) -> None:
    """Write guide.toml, claims.toml and the evidence folder."""
    evidence = folder / "evidence"
    evidence.mkdir(parents=True)
    (folder / "guide.toml").write_text(GUIDE, encoding="utf-8")
    (folder / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (evidence / "references.json").write_text(
        json.dumps(REFERENCES, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    with (evidence / "records.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in COLUMNS)
        # A cell of the abstract's silence says that the rest of the paper was not at hand.
        writer.writerow(
            ROW.get(column.name, "" if column.blank else "not_accessible") for column in COLUMNS
        )


if __name__ == "__main__":
    write_guide(Path(sys.argv[1]))
