"""Checks of a guide's rows, claims, references and texts, each with an id and a mend."""

from oncovivo.evidence.lint.model import (
    AnnouncedFigure,
    Finding,
    LintInput,
    Rule,
    Severity,
    TextBlock,
    Waiver,
)
from oncovivo.evidence.lint.registry import RULES
from oncovivo.evidence.lint.run import lint, read_waivers

__all__ = [
    "RULES",
    "AnnouncedFigure",
    "Finding",
    "LintInput",
    "Rule",
    "Severity",
    "TextBlock",
    "Waiver",
    "lint",
    "read_waivers",
]
