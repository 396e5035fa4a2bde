"""Screening of a literature search: exports, duplicates, decisions, and the PRISMA 2020 flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.evidence.screening.agreement import Agreement, rater_agreement
    from oncovivo.evidence.screening.decisions import (
        CONSENSUS,
        DECISION_COLUMNS,
        DECISIONS,
        STAGES,
        StageDecision,
        read_decisions,
        write_decisions,
    )
    from oncovivo.evidence.screening.duplicates import (
        DUPLICATE_COLUMNS,
        MERGE_REASONS,
        NEAR_REASONS,
        Deduplication,
        Merge,
        NearDuplicate,
        PairDecision,
        deduplicate,
        read_pair_decisions,
    )
    from oncovivo.evidence.screening.exports import (
        ImportedSearch,
        ImportRemark,
        Source,
        read_exports,
    )
    from oncovivo.evidence.screening.flow import Flow, FlowColumn, Identified, compute_flow
    from oncovivo.evidence.screening.folder import Screening, assemble_screening, read_screening
    from oncovivo.evidence.screening.found import (
        SEARCH_COLUMNS,
        SOURCE_KINDS,
        FoundRecord,
        read_search,
        write_search,
    )
    from oncovivo.evidence.screening.plots import plot_flow
    from oncovivo.evidence.screening.settings import ScreeningSettings, read_settings
    from oncovivo.evidence.screening.similarity import SCORE_WEIGHTS, title_similarity
    from oncovivo.evidence.screening.states import STATES, ReportState, report_states

__all__ = [
    "CONSENSUS",
    "DECISIONS",
    "DECISION_COLUMNS",
    "DUPLICATE_COLUMNS",
    "MERGE_REASONS",
    "NEAR_REASONS",
    "SCORE_WEIGHTS",
    "SEARCH_COLUMNS",
    "SOURCE_KINDS",
    "STAGES",
    "STATES",
    "Agreement",
    "Deduplication",
    "Flow",
    "FlowColumn",
    "FoundRecord",
    "Identified",
    "ImportRemark",
    "ImportedSearch",
    "Merge",
    "NearDuplicate",
    "PairDecision",
    "ReportState",
    "Screening",
    "ScreeningSettings",
    "Source",
    "StageDecision",
    "assemble_screening",
    "compute_flow",
    "deduplicate",
    "plot_flow",
    "rater_agreement",
    "read_decisions",
    "read_exports",
    "read_pair_decisions",
    "read_screening",
    "read_search",
    "read_settings",
    "report_states",
    "title_similarity",
    "write_decisions",
    "write_search",
]

import_when_used(__name__)
