"""A small guide project that has every kind of file, as bytes by path."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from tests.guide.conftest import CLAIMS, NAMES, REQUIRED, reference

GUIDE = """\
[guide]
title = "A small guide"
compound = "temsirolimus"
subtitle = "With every kind of file"
authors = ["A. Author", "B. Writer"]
language = "en"

[[text]]
id = "T1"
section = "summary"
body = "Made for a test."
cites = ["w1"]

[[figure]]
id = "pathway"
section = "mechanism"
title = "The pathway"
file = "figures/pathway.toml"

[[study]]
path = "studies/mini"
control = "Vehicle"
baseline_day = 0
tumor = "RCC"
simulated = true
source = "w1"
section = "endpoints"
growth = false
survival = false

[[study]]
path = "studies/long.csv"
control = "Vehicle"
study = "S1"
line = "786-O"
growth = false
survival = false
"""

DIAGRAM = """\
[diagram]
id = "pathway"
title = "The pathway"
description = "What acts on what."
column_width = 165.0
row_height = 96.0

[[group]]
id = "cell"
label = "Cytoplasm"
span = "width"

[[node]]
id = "akt"
label = "AKT"
kind = "protein"
col = 1
row = 1
group = "cell"

[[node]]
id = "tsc"
label = "TSC1\\nTSC2"
kind = "complex"
col = 2
row = 2

[[edge]]
from = "akt"
to = "tsc"
kind = "inhibits"
label = "AKT switches TSC1/TSC2 off"
sources = ["w1"]
mark = "yes"

[[edge]]
from = "tsc"
to = "akt"
kind = "feedback"
label = "and back"
assumed = "drawn for a test"
"""

STUDY = """\
id = "mini"
title = "A small study"
simulated = true
source = "made for a test"
licence = "CC0-1.0"
baseline_day = 0.0
limit_mm3 = 14.0

[line]
name = "786-O"
tumor_type = "renal cell carcinoma"
tumor_type_id = "RCC"
rrid = "CVCL_1051"
graft_type = "cdx"
site = "flank"

[host]
species = "mouse"
strain = "NU/J"

[[arm]]
name = "Vehicle"
role = "vehicle"

[[arm]]
name = "Temsirolimus"
role = "monotherapy"
regimen = "temsirolimus 2 mg/kg i.v. qd x21"
"""

TUMORS = """\
oncotree,name,parent,ncit,doid,mesh,oncotree_version,doid_version
TEST_TYPE,a type for a test,RCC,C1,DOID:1,,2025,2025
"""

COMPOUNDS = """\
compound,name,kind,synonyms,inchikey,drugbank,chebi,chembl
test_drug,test drug,drug,one;two,,,,
"""

WAIVERS = """\
rule,subject,reason,date,by
LINT-19,R1,made for a test,2026-01-02,A. Author
LINT-20,R2,made for a test,2026-01-02,A. Author
"""

ANIMALS = """\
animal_id,arm,cage,baseline_day,end_day,end_reason
a1,Vehicle,1,0,7,scheduled
a2,Vehicle,1,,7,volume_limit
b1,Temsirolimus,2,0,7,scheduled
b2,Temsirolimus,2,,3,found_dead
"""

MEASUREMENTS = """\
animal_id,arm,day,volume_mm3,body_weight_g
a1,Vehicle,0,100,20
a1,Vehicle,3,200.5,21
a1,Vehicle,7,400,22
a2,Vehicle,0,110,20
a2,Vehicle,7,500,
b1,Temsirolimus,0,105,20
b1,Temsirolimus,3,<14,19
b1,Temsirolimus,7,0,19
b2,Temsirolimus,0,95,20
b2,Temsirolimus,3,,
"""

LONG = "study,model,tumor_type,animal_id,treatment,day,volume_mm3\n" + "".join(
    f"S{study},786-O,RCC,{arm[0]}{animal},{arm},{day},{100 + 10 * animal + day}\n"
    for study in (1, 2)
    for arm in ("Vehicle", "Drug")
    for animal in (1, 2, 3)
    for day in (0, 4, 8)
)


# w2 counts as w1, and R3 is about mantle cell lymphoma.
HOLDING_CLAIMS = CLAIMS.replace('"supported"', '"partly_supported"').replace(
    '"unsupported"', '"supported"'
)


@cache
def small_project() -> Mapping[str, bytes]:
    """The project's files by path; every part of what a guide can hold is there once."""
    rows = io.StringIO(newline="")
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(NAMES)
    for cells in (
        {"row_id": "R1", "source": "w1", "value": "61.5", "unit": "percent", "day": "21"},
        {"row_id": "R2", "source": "w1;w2", "partner": "perifosine", "dispersion": "3"},
        {"row_id": "R3", "source": "w2", "filed_under": "MCL", "oncotree": "MCL"},
    ):
        given = {**REQUIRED, **cells}
        writer.writerow([given.get(name, "not_reported") for name in NAMES])
    second = reference("w2", 2)
    second["custom"] = {
        "verification": "partly_verified",
        "source_kind": "primary_animal",
        "verified_via": "abstract",
        "subjects": ["RCC", "MCL"],
        "registry": "NCT01051557",
        "remark": "for a test",
        "same_work_as": "w1",
    }
    references = [reference("w1", 1), {**second, "PMID": "12", "page": "1-2", "volume": "3"}]
    files = {
        "guide.toml": GUIDE,
        "claims.toml": HOLDING_CLAIMS,
        "evidence/records.csv": rows.getvalue(),
        "evidence/references.json": json.dumps(references, indent=1),
        "evidence/waivers.csv": WAIVERS,
        "evidence/tumor_types.csv": TUMORS,
        "evidence/compounds.csv": COMPOUNDS,
        "figures/pathway.toml": DIAGRAM,
        "studies/mini/study.toml": STUDY,
        "studies/mini/animals.csv": ANIMALS,
        "studies/mini/measurements.csv": MEASUREMENTS,
        "studies/long.csv": LONG,
    }
    return MappingProxyType({path: text.encode() for path, text in files.items()})


def write_project(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files by their paths below a folder; the folder."""
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder
