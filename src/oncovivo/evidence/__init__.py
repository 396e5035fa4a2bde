"""Literature rows, their lint, and the claims that rest on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.evidence.claim_sources import META_COLUMNS, SIMULATION_COLUMNS, STUDY_COLUMNS
    from oncovivo.evidence.claims import (
        Claim,
        ClaimResult,
        FilledSlot,
        evaluate_claim,
        evaluate_claims,
        read_claims,
        select_rows,
    )
    from oncovivo.evidence.evidence_map import MAP_KINDS, MapCell, MapRow, evidence_map
    from oncovivo.evidence.plots import plot_evidence_map
    from oncovivo.evidence.records import (
        COLUMNS,
        Column,
        Record,
        Reported,
        flatten,
        read_records,
        write_records,
    )
    from oncovivo.evidence.vocabulary import Identifiers, read_identifiers

__all__ = [
    "COLUMNS",
    "MAP_KINDS",
    "META_COLUMNS",
    "SIMULATION_COLUMNS",
    "STUDY_COLUMNS",
    "Claim",
    "ClaimResult",
    "Column",
    "FilledSlot",
    "Identifiers",
    "MapCell",
    "MapRow",
    "Record",
    "Reported",
    "evaluate_claim",
    "evaluate_claims",
    "evidence_map",
    "flatten",
    "plot_evidence_map",
    "read_claims",
    "read_identifiers",
    "read_records",
    "select_rows",
    "write_records",
]

import_when_used(__name__)
