"""Rows, references, claims and whole lint inputs for the tests of evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from oncovivo.evidence import (
    COLUMNS,
    Claim,
    Identifiers,
    Record,
    Reported,
    read_claims,
    read_identifiers,
    read_records,
)
from oncovivo.evidence.lint import AnnouncedFigure, Disagreement, LintInput, TextBlock, Waiver
from oncovivo.evidence.records import STATES
from oncovivo.references import Library, Reference, read_references

Overrides = Mapping[str, object]

RECORD: Overrides = {
    "row_id": "R1",
    "use": "evidence",
    "filed_under": "RCC",
    "tumor_type": "clear cell renal cell carcinoma",
    "oncotree": "CCRCC",
    "ncit": "C4033",
    "doid": "DOID:4467",
    "xenograft_line": "786-O",
    "line_rrid": "CVCL_1051",
    "graft_type": "cdx",
    "site": "subcutaneous",
    "host_species": "mouse",
    "host_strain": "athymic nude",
    "host_rrid": "not_reported",
    "immune_status": "immunodeficient",
    "compound": "temsirolimus",
    "partner": "not_applicable",
    "regimen": "2 mg/kg i.v. qd x21",
    "comparator": "vehicle",
    "contrast": "treated_vs_control",
    "allocation": "randomized",
    "endpoint": "tumor_volume",
    "day": 21.0,
    "direction": "benefit",
    "n_treated": 8,
    "n_control": 8,
    "n_unit": "animals",
    "value": 400.0,
    "unit": "mm3",
    "denominator": "not_applicable",
    "dispersion": 150.0,
    "dispersion_kind": "SD",
    "test": "Welch",
    "p_value": "0.01",
    "null_model": "not_applicable",
    "evidence_kind": "animal_efficacy",
    "source": "r1",
    "locator": "Table 2",
    "read_from": "table",
    "reading": "verified",
    "statement": "The mean volume on day 21 was 400 mm3, against 900 mm3 with vehicle.",
    "source_compound": "",
    "source_tumor": "",
    "source_result": "",
    "note": "",
}
"""A row in which no rule finds anything."""

REFERENCE: Overrides = {
    "key": "r1",
    "title": "Volume of renal xenografts in treated mice",
    "doi": "10.1000/r1",
    "verification": "verified",
    "source_kind": "primary_animal",
}

CLAIM: Overrides = {
    "id": "K1",
    "section": "evidence",
    "text": "Volumes from {low} mm3 were seen.",
    "from": "evidence",
    "slots": {"low": "min value"},
    "expect": "supported",
}
"""A claim that weighs every row."""


@pytest.fixture(scope="session")
def identifiers() -> Identifiers:
    """The identifiers that ship."""
    return read_identifiers()


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """A clean row with some cells replaced; a state word stands for a missing value."""

    def make(**overrides: object) -> Record:
        values = {**RECORD, **overrides}
        cells: dict[str, object] = {}
        for column in COLUMNS:
            value = values[column.name]
            if column.states:
                missing = isinstance(value, str) and value in STATES
                cells[column.name] = Reported(state=value) if missing else Reported(value)  # type: ignore[arg-type]  # a member of STATES
            else:
                cells[column.name] = value
        return Record(**cells)  # type: ignore[arg-type]  # one value for each column

    return make


@pytest.fixture
def make_reference() -> Callable[..., Reference]:
    """A clean reference with some fields replaced."""

    def make(**overrides: object) -> Reference:
        return Reference(csl=MappingProxyType({}), **{**REFERENCE, **overrides})  # type: ignore[arg-type]  # the fields above

    return make


@pytest.fixture
def make_claim() -> Callable[..., Claim]:
    """A claim with some keys replaced; None takes a key away."""

    def make(**overrides: object) -> Claim:
        values = {**CLAIM, **overrides}
        return Claim.model_validate({k: v for k, v in values.items() if v is not None})

    return make


@pytest.fixture
def make_case(
    identifiers: Identifiers,
    make_record: Callable[..., Record],
    make_reference: Callable[..., Reference],
    make_claim: Callable[..., Claim],
) -> Callable[..., LintInput]:
    """A lint input from overrides of rows, references and claims; one clean one of each else."""

    def make(
        *,
        records: Iterable[Overrides] = ({},),
        references: Iterable[Overrides] = ({},),
        claims: Iterable[Overrides] = ({},),
        texts: Iterable[TextBlock] = (),
        figures: Iterable[AnnouncedFigure] = (),
        waivers: Iterable[Waiver] = (),
        disagreements: Iterable[Disagreement] = (),
    ) -> LintInput:
        library = {r.key: r for r in (make_reference(**o) for o in references)}
        return LintInput(
            compound="temsirolimus",
            records=tuple(make_record(**o) for o in records),
            claims=tuple(make_claim(**o) for o in claims),
            library=Library(MappingProxyType(library)),
            identifiers=identifiers,
            texts=tuple(texts),
            figures=tuple(figures),
            waivers=tuple(waivers),
            disagreements=tuple(disagreements),
        )

    return make


@pytest.fixture(scope="session")
def load_lint_input() -> Callable[[str], LintInput]:
    """The lint input of a guide project below ``tests/fixtures``, by the name of its folder."""

    def load(name: str) -> LintInput:
        folder = Path(__file__).resolve().parents[1] / "fixtures" / name
        evidence = folder / "evidence"
        guide = tomllib.loads((folder / "guide.toml").read_text(encoding="utf-8"))
        library = read_references(evidence / "references.json")
        known = read_identifiers(evidence)
        figures = []
        for entry in guide["figure"]:
            path = folder / entry["file"]
            edges = (
                tomllib.loads(path.read_text(encoding="utf-8"))["edge"] if path.is_file() else []
            )
            figures.append(
                AnnouncedFigure(
                    id=entry["id"],
                    section=entry["section"],
                    title=entry["title"],
                    present=path.is_file(),
                    cites=tuple(key for edge in edges for key in edge["sources"]),
                )
            )
        return LintInput(
            compound=guide["guide"]["compound"],
            records=read_records(
                evidence / "records.csv", identifiers=known, reference_keys=library.keys
            ),
            claims=read_claims(folder / "claims.toml"),
            library=library,
            identifiers=known,
            texts=tuple(
                TextBlock(
                    id=t["id"],
                    section=t["section"],
                    body=t["body"],
                    cites=tuple(t.get("cites", ())),
                )
                for t in guide["text"]
            ),
            figures=tuple(figures),
        )

    return load
