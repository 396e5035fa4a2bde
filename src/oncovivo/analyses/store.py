"""Bundles as folders of JSON and CSV: written once, read back without loss.

A guide is rendered from what was read back, so that it can be rebuilt from the folder byte for
byte.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oncovivo.analyses.bundle import Bundle, ScreenedSearch
from oncovivo.analyses.bundle_versions import SCHEMA, check_schema, upgrade
from oncovivo.analyses.conclusions import Conclusion
from oncovivo.analyses.design_protocol import ProtocolResult
from oncovivo.analyses.evidence_pools import TumorPools
from oncovivo.analyses.guide_markers import PlacedMarkers
from oncovivo.analyses.one_estimand import TumorEstimands
from oncovivo.analyses.project import GuideSettings, PlacedDiagram, TextEntry
from oncovivo.analyses.simulation_results import PlacedSimulation
from oncovivo.analyses.study_results import StudyResult
from oncovivo.errors import FileFormatError
from oncovivo.evidence import (
    ClaimResult,
    Identifiers,
    read_records,
    write_records,
)
from oncovivo.evidence.lint import Finding, Waiver
from oncovivo.evidence.quality import Rating
from oncovivo.evidence.vocabulary import Compound, TumorType
from oncovivo.provenance import InputFile, Provenance
from oncovivo.references import read_references

__all__ = [
    "MARKERS",
    "PROTOCOL",
    "SCHEMA",
    "SIMULATIONS",
    "STUDIES",
    "read_bundle",
    "write_bundle",
]

_TEXTS = TypeAdapter(tuple[TextEntry, ...])
_DIAGRAMS = TypeAdapter(tuple[PlacedDiagram, ...])
_CLAIMS = TypeAdapter(tuple[ClaimResult, ...])
_FINDINGS = TypeAdapter(tuple[Finding, ...])
_WAIVERS = TypeAdapter(tuple[Waiver, ...])
STUDIES = TypeAdapter(tuple[StudyResult, ...])
SIMULATIONS = TypeAdapter(tuple[PlacedSimulation, ...])
_POOLS = TypeAdapter(tuple[TumorPools, ...])
MARKERS = TypeAdapter(tuple[PlacedMarkers, ...])
_ESTIMANDS = TypeAdapter(tuple[TumorEstimands, ...])
_CONCLUSIONS = TypeAdapter(tuple[Conclusion, ...])
_RATINGS = TypeAdapter(tuple[Rating, ...])
_SCREENING = TypeAdapter(ScreenedSearch | None)
PROTOCOL = TypeAdapter(ProtocolResult | None)
_TUMORS = TypeAdapter(tuple[TumorType, ...])
_COMPOUNDS = TypeAdapter(tuple[Compound, ...])
_INPUTS = TypeAdapter(tuple[InputFile, ...])
_SETTINGS = TypeAdapter(GuideSettings)

_T = TypeVar("_T")


def write_bundle(bundle: Bundle, folder: Path) -> None:
    """Write a bundle into an existing, empty folder."""
    _write(
        folder / "guide.json",
        {
            "schema": SCHEMA,
            "guide": _SETTINGS.dump_python(bundle.settings, mode="json", by_alias=True),
            "texts": _TEXTS.dump_python(bundle.texts, mode="json", by_alias=True),
            "provenance": {
                "date": bundle.provenance.date,
                "program": bundle.provenance.program,
                "seed": bundle.provenance.seed,
                "versions": dict(bundle.provenance.versions),
                "inputs": _INPUTS.dump_python(
                    bundle.provenance.inputs, mode="json", by_alias=True
                ),
            },
        },
    )
    _write(
        folder / "diagrams.json",
        _DIAGRAMS.dump_python(bundle.diagrams, mode="json", by_alias=True),
    )
    _write(folder / "claims.json", _CLAIMS.dump_python(bundle.claims, mode="json", by_alias=True))
    _write(
        folder / "findings.json",
        _FINDINGS.dump_python(bundle.findings, mode="json", by_alias=True),
    )
    _write(
        folder / "waivers.json", _WAIVERS.dump_python(bundle.waivers, mode="json", by_alias=True)
    )
    _write(
        folder / "studies.json", STUDIES.dump_python(bundle.studies, mode="json", by_alias=True)
    )
    _write(
        folder / "simulations.json",
        SIMULATIONS.dump_python(bundle.simulations, mode="json", by_alias=True),
    )
    _write(folder / "pools.json", _POOLS.dump_python(bundle.pools, mode="json", by_alias=True))
    _write(
        folder / "markers.json", MARKERS.dump_python(bundle.markers, mode="json", by_alias=True)
    )
    _write(
        folder / "estimands.json",
        _ESTIMANDS.dump_python(bundle.estimands, mode="json", by_alias=True),
    )
    _write(
        folder / "conclusions.json",
        _CONCLUSIONS.dump_python(bundle.conclusions, mode="json", by_alias=True),
    )
    _write(
        folder / "quality.json", _RATINGS.dump_python(bundle.ratings, mode="json", by_alias=True)
    )
    _write(
        folder / "screening.json",
        _SCREENING.dump_python(bundle.screening, mode="json", by_alias=True),
    )
    _write(
        folder / "protocol.json",
        PROTOCOL.dump_python(bundle.protocol, mode="json", by_alias=True),
    )
    _write(
        folder / "identifiers.json",
        {
            "tumor_types": _TUMORS.dump_python(
                tuple(bundle.identifiers.tumor_types.values()), mode="json", by_alias=True
            ),
            "compounds": _COMPOUNDS.dump_python(
                tuple(bundle.identifiers.compounds.values()), mode="json", by_alias=True
            ),
        },
    )
    (folder / "records.csv").write_bytes(write_records(bundle.records).encode())
    (folder / "references.json").write_bytes(bundle.library.to_json().encode())


def read_bundle(folder: Path) -> Bundle:
    """The bundle of a folder.

    Raises
    ------
    FileFormatError
        If the folder holds no bundle, one of a schema version that cannot be read, or a damaged
        one.
    """
    guide = _read(folder / "guide.json")
    schema = check_schema(
        guide.get("schema") if isinstance(guide, dict) else None,
        where=f"{folder.name}/guide.json",
    )
    identifiers = _read(folder / "identifiers.json")
    tumors = _validate(_TUMORS, identifiers.get("tumor_types"), folder / "identifiers.json")
    compounds = _validate(_COMPOUNDS, identifiers.get("compounds"), folder / "identifiers.json")
    known = Identifiers(
        tumor_types=MappingProxyType({tumor.oncotree: tumor for tumor in tumors}),
        compounds=MappingProxyType({compound.compound: compound for compound in compounds}),
    )
    library = read_references(folder / "references.json")
    records = folder / "records.csv"
    provenance = guide["provenance"]
    return Bundle(
        settings=_validate(_SETTINGS, guide["guide"], folder / "guide.json"),
        texts=_validate(_TEXTS, guide["texts"], folder / "guide.json"),
        diagrams=_load(_DIAGRAMS, folder / "diagrams.json", schema),
        records=read_records(records, identifiers=known, reference_keys=library.keys)
        if records.read_bytes().count(b"\n") > 1
        else (),
        library=library,
        identifiers=known,
        claims=_load(_CLAIMS, folder / "claims.json", schema),
        findings=_load(_FINDINGS, folder / "findings.json", schema),
        waivers=_load(_WAIVERS, folder / "waivers.json", schema),
        studies=_load(STUDIES, folder / "studies.json", schema),
        simulations=_load(SIMULATIONS, folder / "simulations.json", schema),
        pools=_load(_POOLS, folder / "pools.json", schema),
        markers=_load(MARKERS, folder / "markers.json", schema),
        estimands=_load(_ESTIMANDS, folder / "estimands.json", schema),
        conclusions=_load(_CONCLUSIONS, folder / "conclusions.json", schema),
        ratings=_load(_RATINGS, folder / "quality.json", schema),
        screening=_load(_SCREENING, folder / "screening.json", schema),
        protocol=_load(PROTOCOL, folder / "protocol.json", schema),
        provenance=Provenance(
            date=provenance["date"],
            program=provenance["program"],
            seed=provenance["seed"],
            versions=MappingProxyType(provenance["versions"]),
            inputs=_validate(_INPUTS, provenance["inputs"], folder / "guide.json"),
        ),
    )


def _write(path: Path, content: object) -> None:
    """JSON with a fixed layout, UTF-8, no NaN."""
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_bytes((text + "\n").encode())


def _read(path: Path) -> Any:  # noqa: ANN401  # JSON of any shape; the caller validates it
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise FileFormatError(
            "a file of a bundle",
            found="no readable JSON",
            where=f"{path.parent.name}/{path.name}",
            mend="build the guide again",
        ) from err


def _load(adapter: TypeAdapter[_T], path: Path, schema: str) -> _T:
    """A part of a bundle of any version that can be read."""
    if schema != SCHEMA and not path.exists():
        return _empty(adapter, path)
    return _validate(adapter, upgrade(path.name, _read(path), schema=schema), path)


def _empty(adapter: TypeAdapter[_T], path: Path) -> _T:
    """What stands for a part that an earlier version did not write: nothing, or no entries."""
    try:
        return adapter.validate_python(None)
    except ValidationError:
        return _validate(adapter, (), path)


def _validate(adapter: TypeAdapter[_T], content: object, path: Path) -> _T:
    try:
        return adapter.validate_python(content)
    except ValidationError as err:
        raise FileFormatError(
            "a bundle as this version writes it",
            found=f"{err.error_count()} fields that do not fit",
            where=f"{path.parent.name}/{path.name}",
            mend="build the guide again with this version",
        ) from err
