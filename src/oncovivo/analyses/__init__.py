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
from oncovivo.analyses.store import read_bundle, write_bundle
from oncovivo.analyses.study_results import StudyResult

__all__ = [
    "SECTIONS",
    "Bundle",
    "GuideProject",
    "GuideSettings",
    "PlacedDiagram",
    "SectionId",
    "StudyResult",
    "lint_project",
    "lint_summary",
    "read_bundle",
    "read_project",
    "run",
    "write_bundle",
]
