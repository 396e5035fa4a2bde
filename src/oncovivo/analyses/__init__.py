"""Use cases: a declared plan and data in, a bundle of results out."""

from oncovivo.analyses.bundle import Bundle
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
    "AnalysisOptions",
    "Bundle",
    "FileAnalysis",
    "GuideProject",
    "GuideSettings",
    "PlacedDiagram",
    "PlacedSimulation",
    "SectionId",
    "StudyAnalysis",
    "StudyOptions",
    "StudyResult",
    "analyse_file",
    "analyse_study",
    "comparison_id",
    "lint_project",
    "lint_summary",
    "load_studies",
    "read_bundle",
    "read_project",
    "run",
    "write_bundle",
]
