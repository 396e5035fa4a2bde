"""Named checks of a study file: what is wrong with it, and what to know before using a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.studies.check.model import (
        CheckOptions,
        CheckReference,
        CheckReport,
        Place,
        Severity,
        StudyFinding,
        StudyFindings,
    )
    from oncovivo.studies.check.registry import check_reference
    from oncovivo.studies.check.run import check_file, check_study

__all__ = [
    "CheckOptions",
    "CheckReference",
    "CheckReport",
    "Place",
    "Severity",
    "StudyFinding",
    "StudyFindings",
    "check_file",
    "check_reference",
    "check_study",
]

import_when_used(__name__)
