"""All rules over all rows, claims, references, texts and figures of a guide project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oncovivo.evidence.lint.model import Finding, LintInput, Rule, Waiver
from oncovivo.evidence.lint.registry import RULES
from oncovivo.evidence.lint.waivers import (
    apply_waivers,
    idle_waivers,
    read_waiver_rows,
    unreasoned,
)

__all__ = ["lint", "read_waivers"]


def lint(case: LintInput, *, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules find, waived findings included.

    Parameters
    ----------
    case : LintInput
        What is looked at.
    rules : sequence of Rule, optional
        The rules that run; all of them by default. Waivers of other rules are left alone.

    Returns
    -------
    tuple of Finding
        In the order of the rules, then of the rows, claims, references, texts and figures. A
        waiver without a finding is itself a finding when its rule has run, and LINT-29 with it.

    Examples
    --------
    >>> from oncovivo.evidence.lint import AnnouncedFigure
    >>> missing = AnnouncedFigure(id="cascade", section="mechanism", title="C", present=False)
    >>> lint(LintInput(compound="temsirolimus", figures=(missing,)))[0].message
    'figure cascade (C) is announced and its file is missing'
    """
    found: list[Finding] = []
    for checked in rules:
        if checked.id == unreasoned.id:
            continue
        found += checked.find(case)
    findings = apply_waivers(found, case.waivers)
    if any(checked.id == unreasoned.id for checked in rules):
        findings += unreasoned.find(case) + idle_waivers(findings, case.waivers, rules)
    order = {checked.id: position for position, checked in enumerate(rules)}
    return tuple(sorted(findings, key=lambda finding: order[finding.rule]))


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The waivers of a ``waivers.csv``.

    Raises
    ------
    FileFormatError
        If the file is not strict CSV with the columns rule, subject, reason, date and by, a cell
        is empty, a rule does not exist, or a date is not ISO 8601; the message names row and
        column.
    """
    return read_waiver_rows(path, rule_ids=[checked.id for checked in RULES])
