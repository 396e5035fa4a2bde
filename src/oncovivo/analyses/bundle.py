"""A bundle: everything a guide prints, computed, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from oncovivo.analyses.conclusions import Conclusion
from oncovivo.analyses.design_protocol import ProtocolResult
from oncovivo.analyses.evidence_pools import TumorPools
from oncovivo.analyses.guide_markers import PlacedMarkers
from oncovivo.analyses.one_estimand import TumorEstimands
from oncovivo.analyses.project import GuideSettings, PlacedDiagram, TextEntry
from oncovivo.analyses.simulation_results import PlacedSimulation
from oncovivo.analyses.study_results import StudyResult
from oncovivo.evidence import ClaimResult, Identifiers, Record
from oncovivo.evidence.lint import Finding, Waiver
from oncovivo.evidence.quality import Rating
from oncovivo.evidence.screening import Agreement, Flow
from oncovivo.provenance import Provenance
from oncovivo.references import Library

__all__ = ["Bundle", "ScreenedSearch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedSearch:
    """A screened literature search: the numbers of its flow, and how far raters agreed."""

    flow: Flow
    agreement: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The results behind one guide: ``claims`` are tested, ``findings`` carry their waivers.

    ``ratings`` are those of ``quality.csv``; ``screening`` and ``protocol`` are None where the
    guide has none.
    """

    settings: GuideSettings
    texts: tuple[TextEntry, ...]
    diagrams: tuple[PlacedDiagram, ...]
    records: tuple[Record, ...]
    library: Library
    identifiers: Identifiers
    claims: tuple[ClaimResult, ...]
    findings: tuple[Finding, ...]
    waivers: tuple[Waiver, ...]
    studies: tuple[StudyResult, ...]
    simulations: tuple[PlacedSimulation, ...]
    markers: tuple[PlacedMarkers, ...]
    pools: tuple[TumorPools, ...]
    estimands: tuple[TumorEstimands, ...]
    conclusions: tuple[Conclusion, ...]
    ratings: tuple[Rating, ...]
    screening: ScreenedSearch | None
    protocol: ProtocolResult | None
    provenance: Provenance
