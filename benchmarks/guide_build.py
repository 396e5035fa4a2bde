"""Seconds per stage of a guide of 1,000 evidence rows and 300 claims, page and PDF.

Run it as ``python benchmarks/guide_build.py [ROWS CLAIMS]``. The rows are made up: they vary tumor
type, line, direction and source so that claims get different verdicts.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from oncovivo.evidence import Record, Reported, write_records
from oncovivo.guide import build_guide

TUMORS = {"RCC": "C9385", "MCL": "C4337", "GB": "C3058", "BRCA": "C9245", "MEL": "C3224"}
DIRECTIONS = ("benefit", "benefit", "benefit", "none", "mixed")


def make_record(number: int, rng: random.Random, works: int) -> Record:
    """One made-up row."""
    code = rng.choice(sorted(TUMORS))
    unknown: Reported[str] = Reported(state="not_reported")
    number_unknown: Reported[float] = Reported(state="not_accessible")
    return Record(
        row_id=f"R{number:04}",
        use="evidence",
        filed_under=code,
        tumor_type=f"made-up tumor {code}",
        oncotree=Reported(code),
        ncit=Reported(TUMORS[code]),
        doid=unknown,
        xenograft_line=Reported(f"line-{number}"),
        line_rrid=unknown,
        graft_type=Reported("cdx"),
        site=Reported("subcutaneous"),
        host_species=Reported("mouse"),
        host_strain=Reported("athymic nude"),
        host_rrid=unknown,
        immune_status=Reported("immunodeficient"),
        compound="temsirolimus",
        partner=Reported(state="not_applicable"),
        regimen=Reported("20 mg/kg i.v. qd x21"),
        comparator=Reported("vehicle"),
        contrast=Reported("treated_vs_control"),
        allocation=unknown,
        endpoint="tumor_volume",
        day=Reported(21.0),
        direction=rng.choice(DIRECTIONS),
        n_treated=Reported(rng.randint(5, 12)),
        n_control=Reported(rng.randint(5, 12)),
        n_unit=Reported("animals"),
        value=Reported(round(rng.uniform(0.1, 1.1), 2)),
        unit=Reported("ratio"),
        denominator=Reported("vehicle mean"),
        dispersion=number_unknown,
        dispersion_kind=unknown,
        test=unknown,
        p_value=unknown,
        null_model=Reported(state="not_applicable"),
        evidence_kind="animal_efficacy",
        source=f"w{rng.randrange(works)}",
        locator="Table 1",
        read_from=Reported("table"),
        reading="verified",
        statement="Made-up result of a made-up experiment.",
        source_compound="",
        source_tumor="",
        source_result="",
        note="",
    )


def make_project(folder: Path, *, rows: int, claims: int) -> None:
    """A guide project of made-up rows and claims; every claim expects the verdict it gets."""
    from oncovivo.evidence import evaluate_claims, flatten, read_claims

    rng = random.Random(1)
    works = max(1, rows // 5)
    (folder / "evidence").mkdir()
    records = [make_record(number, rng, works) for number in range(rows)]
    (folder / "evidence" / "records.csv").write_text(write_records(records), encoding="utf-8")
    references = [
        {
            "id": f"w{number}",
            "type": "article-journal",
            "title": f"Made-up work number {number}",
            "author": [{"family": f"Author{number}", "given": "A."}],
            "issued": {"date-parts": [[2000 + number % 25]]},
            "container-title": "Journal of Made-up Results",
            "DOI": f"10.1000/made.up.{number}",
            "custom": {"verification": "verified", "source_kind": "primary_animal"},
        }
        for number in range(works)
    ]
    (folder / "evidence" / "references.json").write_text(json.dumps(references), encoding="utf-8")
    (folder / "guide.toml").write_text(
        '[guide]\ntitle = "Benchmark (made-up data)"\ncompound = "temsirolimus"\n',
        encoding="utf-8",
    )
    texts = []
    for number in range(claims):
        code = rng.choice(sorted(TUMORS))
        low = rng.randint(5, 11)
        texts.append(
            f'[[claim]]\nid = "C{number}"\nsection = "evidence"\n'
            'text = "Made-up claim on {n} rows from {works} works with {low} animals or more."\n'
            'from = "evidence"\n'
            f'where = {{ oncotree = ["{code}"], n_treated = [{low}, {low + 1}] }}\n'
            'slots = { n = "count", works = "distinct source", low = "min n_treated" }\n'
            'supports = { direction = ["benefit"] }\n'
            'contradicts = { direction = ["none"] }\nneeds = { sources = 3 }\n'
            'expect = "EXPECT"\n'
        )
    path = folder / "claims.toml"
    path.write_text("\n".join(texts).replace("EXPECT", "supported"), encoding="utf-8")
    results = evaluate_claims(
        read_claims(path), {"evidence": [flatten(record) for record in records]}
    )
    path.write_text(
        "\n".join(
            text.replace("EXPECT", result.verdict)
            for text, result in zip(texts, results, strict=True)
        ),
        encoding="utf-8",
    )


def main() -> None:
    """Build once and print seconds per stage."""
    rows, claims = (int(argument) for argument in sys.argv[1:3] or ("1000", "300"))
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        project.mkdir()
        make_project(project, rows=rows, claims=claims)
        since = time.perf_counter()
        built = build_guide(project, Path(place) / "out", built=date(2026, 1, 1))
        total = time.perf_counter() - since
        sizes = {
            name: (built.folder / name).stat().st_size / 1e6
            for name in ("index.html", "guide.pdf")
        }
    print(f"{rows} rows, {claims} claims")
    for stage, seconds in built.seconds.items():
        print(f"{stage:10} {seconds:7.2f} s")
    print(f"{'total':10} {total:7.2f} s")
    for name, size in sizes.items():
        print(f"{name:10} {size:7.2f} MB")


if __name__ == "__main__":
    main()
