"""Findings that are accepted for a stated reason: the file, and the rule that watches over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_rows
from oncovivo.evidence.lint.model import Finding, Hit, LintInput, Rule, Waiver, rule

__all__ = ["WAIVER_COLUMNS", "apply_waivers", "idle_waivers", "read_waiver_rows", "unreasoned"]

WAIVER_COLUMNS = ("rule", "subject", "reason", "date", "by")
"""The columns of ``waivers.csv``."""


def read_waiver_rows(path: Path, *, rule_ids: Sequence[str]) -> tuple[Waiver, ...]:
    """The waivers of a file, checked against the rules that exist."""
    waivers: list[Waiver] = []
    for line, cells in read_rows(path, columns=WAIVER_COLUMNS):
        for column in WAIVER_COLUMNS:
            if not cells[column]:
                raise FileFormatError(
                    f"a {column}" if column != "by" else "who waived it",
                    found="an empty cell",
                    where=f"{path.name} row {line}, column {column}",
                    mend="fill the cell, or remove the waiver",
                )
        if cells["rule"] not in rule_ids:
            raise FileFormatError(
                "the id of a rule",
                found=repr(cells["rule"]),
                where=f"{path.name} row {line}, column rule",
                mend=f"use an id from {rule_ids[0]} to {rule_ids[-1]}",
            )
        try:
            day = date.fromisoformat(cells["date"])
        except ValueError as err:
            raise FileFormatError(
                "a date as 2026-03-31",
                found=repr(cells["date"]),
                where=f"{path.name} row {line}, column date",
                mend="write year, month and day",
            ) from err
        waivers.append(
            Waiver(
                rule=cells["rule"],
                subject=cells["subject"],
                reason=cells["reason"],
                date=day,
                by=cells["by"],
            )
        )
    return tuple(waivers)


def _applies(waiver: Waiver, finding: Finding) -> bool:
    return waiver.rule == finding.rule and waiver.subject in (
        *finding.rows,
        *finding.claims,
        *finding.subjects,
    )


def apply_waivers(findings: Sequence[Finding], waivers: Sequence[Waiver]) -> tuple[Finding, ...]:
    """The findings, each with the first waiver that accepts it."""
    return tuple(
        replace(finding, waiver=next((w for w in waivers if _applies(w, finding)), None))
        for finding in findings
    )


@rule(
    "LINT-29",
    "error",
    "waiver without a finding or without a reason",
    mend="remove the waiver, or correct its rule and subject and give the reason",
)
def unreasoned(case: LintInput) -> Iterator[Hit]:
    """Waivers without a reason, and waivers that accept nothing.

    The second kind is known only when all other rules have run. Findings of this rule cannot be
    waived.
    """
    for waiver in case.waivers:
        if not waiver.reason.strip():
            yield Hit(
                f"the waiver of {waiver.rule} for {waiver.subject} has no reason",
                subjects=(waiver.subject,),
            )


def idle_waivers(
    findings: Sequence[Finding], waivers: Sequence[Waiver], rules: Sequence[Rule]
) -> tuple[Finding, ...]:
    """The findings about waivers of the given rules that accept none of the findings."""
    ids = {checked.id for checked in rules}
    return tuple(
        Finding(
            rule=unreasoned.id,
            severity=unreasoned.severity,
            message=f"the waiver of {waiver.rule} for {waiver.subject} accepts no finding",
            mend=unreasoned.mend,
            subjects=(waiver.subject,),
        )
        for waiver in waivers
        if waiver.rule in ids and not any(_applies(waiver, finding) for finding in findings)
    )
