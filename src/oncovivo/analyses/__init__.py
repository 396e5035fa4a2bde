"""Use cases: a declared plan and data in, a bundle of results out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.analyses.bundle import Bundle
    from oncovivo.analyses.conclusions import Conclusion, Unranked, rank_combinations, rank_tumors
    from oncovivo.analyses.one_estimand import (
        Agreement,
        EstimandRow,
        TumorEstimands,
        one_estimand,
    )
    from oncovivo.analyses.project import (
        SECTIONS,
        GuideProject,
        GuideSettings,
        PlacedDiagram,
        SectionId,
        read_project,
    )
    from oncovivo.analyses.run import lint_project, lint_summary, run
    from oncovivo.analyses.simulation_results import PlacedSimulation, comparison_id
    from oncovivo.analyses.store import read_bundle, write_bundle
    from oncovivo.analyses.study_analysis import (
        AnalysisOptions,
        FileAnalysis,
        StudyAnalysis,
        analyse_file,
        analyse_study,
    )
    from oncovivo.analyses.study_input import StudyOptions, load_studies
    from oncovivo.analyses.study_results import StudyResult

__all__ = [
    "SECTIONS",
    "Agreement",
    "AnalysisOptions",
    "Bundle",
    "Conclusion",
    "EstimandRow",
    "FileAnalysis",
    "GuideProject",
    "GuideSettings",
    "PlacedDiagram",
    "PlacedSimulation",
    "SectionId",
    "StudyAnalysis",
    "StudyOptions",
    "StudyResult",
    "TumorEstimands",
    "Unranked",
    "analyse_file",
    "analyse_study",
    "comparison_id",
    "lint_project",
    "lint_summary",
    "load_studies",
    "one_estimand",
    "rank_combinations",
    "rank_tumors",
    "read_bundle",
    "read_project",
    "run",
    "write_bundle",
]

import_when_used(__name__)
