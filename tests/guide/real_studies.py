"""A guide project with two published data files as studies, one of them simulated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

from tests.guide.conftest import reference, write_rows

GDC0084 = "genentech_gdc0084_temozolomide/growth.csv"
SYNERGYLMM = "synergylmm_example/grwth_data.csv"

_GUIDE = """
[guide]
title = "Two studies as they were published"
compound = "temsirolimus"

[[text]]
id = "T1"
section = "summary"
body = "Two data files of other authors, read as they are."

[[study]]
path = "studies/growth.csv"
control = "gdc0084_00_temo_00"
tumor = "GB"
source = "forrest2020"

[[study]]
path = "studies/grwth_data.csv"
control = "Control"
simulated = true
source = "example data of the package SynergyLMM, simulated by its authors"
"""

_CLAIMS = """
[[claim]]
id = "C1"
section = "summary"
text = "Glioblastoma grafts grew more slowly under temsirolimus in {n} row from {works} work."
from = "evidence"
where = { oncotree = ["GB"], evidence_kind = ["animal_efficacy"] }
slots = { n = "count", works = "distinct source" }
supports = { direction = ["benefit"] }
contradicts = { direction = ["none", "harm"] }
needs = { sources = 3 }
expect = "partly_supported"
"""


def write_project(folder: Path, shared_data: Callable[[str], Path]) -> Path:
    """Write the project into a folder and return it; the rows of evidence are made up."""
    (folder / "evidence").mkdir(parents=True)
    (folder / "studies").mkdir()
    for name in (GDC0084, SYNERGYLMM):
        copyfile(shared_data(name), folder / "studies" / Path(name).name)
    (folder / "guide.toml").write_text(_GUIDE, encoding="utf-8")
    (folder / "claims.toml").write_text(_CLAIMS, encoding="utf-8")
    forrest = {
        "id": "forrest2020",
        "type": "article-journal",
        "title": "Generalized additive mixed modeling of longitudinal tumor growth",
        "author": [{"family": "Forrest", "given": "W. F."}],
        "container-title": "Cancer Research",
        "issued": {"date-parts": [[2020]]},
        "DOI": "10.1158/0008-5472.CAN-20-0342",
        "custom": {"verification": "partly_verified", "source_kind": "primary_animal"},
    }
    (folder / "evidence" / "references.json").write_text(
        json.dumps([reference("w1", 1), forrest]), encoding="utf-8"
    )
    glioblastoma = {
        "filed_under": "GB",
        "tumor_type": "glioblastoma",
        "oncotree": "GB",
        "ncit": "C3058",
        "doid": "DOID:3068",
        "source": "w1",
    }
    write_rows(
        folder / "evidence" / "records.csv",
        {**glioblastoma, "row_id": "R1"},
        {**glioblastoma, "row_id": "R2", "endpoint": "apoptosis", "evidence_kind": "in_vitro"},
    )
    return folder
