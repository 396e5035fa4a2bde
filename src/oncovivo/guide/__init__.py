"""The guide: assembled from a bundle, enforced, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.guide.assemble import assemble_guide
    from oncovivo.guide.build import BuiltGuide, build_guide, guide_summary, render_guide
    from oncovivo.guide.enforce import (
        FallenClaimsError,
        describe_fall,
        enforce_claims,
        fallen_claims,
    )
    from oncovivo.guide.report import StudyReport, build_report

__all__ = [
    "BuiltGuide",
    "FallenClaimsError",
    "StudyReport",
    "assemble_guide",
    "build_guide",
    "build_report",
    "describe_fall",
    "enforce_claims",
    "fallen_claims",
    "guide_summary",
    "render_guide",
]

import_when_used(__name__)
