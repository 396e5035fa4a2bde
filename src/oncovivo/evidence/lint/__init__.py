"""Checks of a guide's rows, claims, references and texts, each with an id and a mend."""

from oncovivo.evidence.lint.model import (
    AnnouncedFigure,
    Disagreement,
    Finding,
    LintInput,
    Rule,
    Severity,
    TextBlock,
    Waiver,
)
from oncovivo.evidence.lint.registry import RULES, RULES_OF_RESULTS
from oncovivo.evidence.lint.run import lint, read_waivers

__all__ = [
    "RULES",
    "RULES_OF_RESULTS",
    "AnnouncedFigure",
    "Disagreement",
    "Finding",
    "LintInput",
    "Rule",
    "Severity",
    "TextBlock",
    "Waiver",
    "lint",
    "read_waivers",
]
