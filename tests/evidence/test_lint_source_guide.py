"""The linter finds the 24 defects of the source guide, and nothing in a mended project."""

from collections.abc import Callable

import pytest

from oncovivo.evidence import evaluate_claims, flatten
from oncovivo.evidence.lint import RULES, Finding, LintInput, lint

# What each rule points to on the source guide: rows, claims, and other subjects.
DEFECTS: dict[str, set[str]] = {
    "LINT-01": {
        *("s01", "s02", "s03", "s06", "s07", "s09", "s12", "s13", "s18", "s19"),
        *("s21", "s22", "s23", "s24"),
        *("S01", "S03", "S04", "S09", "S12", "S14"),
        *("C01", "C02", "C03", "C04", "C05", "C07", "C09", "C11", "C13", "C15", "C16"),
        *("C18", "C23", "C24", "C26", "C28"),
    },
    "LINT-02": {
        *("s01", "s03", "s06", "s09", "s23", "S03", "S14"),
        *("C01", "C02", "C03", "C04", "C05", "C07", "C24", "C26", "C28"),
    },
    "LINT-03": {
        *("S06", "S07", "S08", "S09", "S13", "C09", "C10", "C13"),
        *("s04", "s11", "s12", "s15", "s16", "s17", "s18"),
    },
    "LINT-04": {"C23", "s24"},
    "LINT-05": {"C06", "C25", "S04", "S05", "P12"},
    "LINT-06": {"S04", "S05", "C25"},
    "LINT-07": {"S02"},
    "LINT-08": {"S11"},
    "LINT-09": {"S13"},
    "LINT-10": {"S01", "S03", "S04", "S08", "S13"},
    "LINT-11": {"s21", "s22", "S12", "C16"},
    "LINT-12": {"S07", "s17"},
    "LINT-13": {"S01", "S08", "C25", "C26", "T03"},
    "LINT-14": {"C10", "s16", "P13", "C27", "s17", "P14"},
    "LINT-15": {"S14", "s23", "S07", "P14", "s17"},
    "LINT-16": {
        *("P03", "P05", "P08", "P11", "P12", "P13"),
        *("p06", "p08", "p12", "p15", "p05", "s16"),
    },
    "LINT-17": {"C18", "S01"},
    "LINT-18": {"S07", "S08", "S10", "S11", "C10", "C27", "S06", "S02"},
    "LINT-19": {"S10"},
    "LINT-20": {"C07", "C25"},
    "LINT-21": {"S03", "S12", "S13", "C06", "C07", "S01", "S02"},
    "LINT-22": {"C17", "C20", "C21", "C22"},
    "LINT-23": {"C26", "s09"},
    "LINT-24": {"T04", "pathway", "workflow", "cascade"},
}

# Words that must stand in one of the rule's messages.
WORDING = {
    "LINT-05": "'most robust' and has no animal efficacy row for MCL",
    "LINT-07": "RENCA-CA9 is a mouse line",
    "LINT-08": "filed under BRCA",
    "LINT-09": "160 percent of what is not said",
    "LINT-10": "several partners (sepantronium; vorinostat)",
    "LINT-12": "rapamycin, which is sirolimus",
    "LINT-13": "'dramatically' without a number; the source uses it so",
    "LINT-17": "20 mg/kg qd x28 (row P03)",
    "LINT-19": "other_host",
    "LINT-23": "is on GB, BRCA and cites s09, which speaks of RCC",
}


@pytest.fixture(scope="module")
def findings(load_lint_input: Callable[[str], LintInput]) -> tuple[Finding, ...]:
    return lint(load_lint_input("source_guide"))


def _subjects(findings: tuple[Finding, ...], rule: str) -> set[str]:
    return {
        subject
        for finding in findings
        if finding.rule == rule
        for subject in (*finding.rows, *finding.claims, *finding.subjects)
    }


@pytest.mark.parametrize("rule", DEFECTS)
def test_each_defect_is_found_at_its_rows_claims_and_references(
    rule: str, findings: tuple[Finding, ...]
) -> None:
    assert _subjects(findings, rule) == DEFECTS[rule]


@pytest.mark.parametrize("rule", WORDING)
def test_a_message_names_the_offending_words(rule: str, findings: tuple[Finding, ...]) -> None:
    assert any(WORDING[rule] in f.message for f in findings if f.rule == rule)


def test_the_bare_hosts_of_the_source_guide_are_among_the_citations_without_identifier(
    findings: tuple[Finding, ...],
) -> None:
    hosts = {"s01", "s02", "s06", "s07", "s13", "s19", "s23"}
    assert hosts <= _subjects(findings, "LINT-01")


def test_the_same_papers_in_two_merged_rows_are_named_together(
    findings: tuple[Finding, ...],
) -> None:
    assert ("S01", "S03") in {f.rows for f in findings if f.rule == "LINT-10"}


def test_all_24_rules_fire_and_none_is_waived(findings: tuple[Finding, ...]) -> None:
    fired = {finding.rule for finding in findings}
    assert {f"LINT-{number:02d}" for number in range(1, 25)} <= fired
    assert not any(finding.waived for finding in findings)


def test_the_primary_rows_that_were_added_have_no_defect_but_being_unheard(
    findings: tuple[Finding, ...],
) -> None:
    rules = {f.rule for f in findings if any(row.startswith("P") for row in f.rows)}
    assert rules == {"LINT-05", "LINT-14", "LINT-15", "LINT-16"}


def test_the_source_guide_is_stated_whole(load_lint_input: Callable[[str], LintInput]) -> None:
    case = load_lint_input("source_guide")
    assert {r.row_id for r in case.records if r.row_id.startswith("S")} == {
        f"S{number:02d}" for number in range(1, 15)
    }
    assert [c.id for c in case.claims] == [f"C{number:02d}" for number in range(1, 30)]
    assert [k for k in case.library.keys if k.startswith("s")] == [
        f"s{number:02d}" for number in range(1, 26)
    ]


def test_a_mended_project_has_no_finding_and_its_claims_hold(
    load_lint_input: Callable[[str], LintInput],
) -> None:
    case = load_lint_input("source_guide_clean")
    assert lint(case) == ()
    rows = [flatten(record) for record in case.records]
    results = evaluate_claims(case.claims, {"evidence": rows}, works=case.works)
    assert [result.holds for result in results] == [True] * 3


def test_the_first_24_rules_are_the_24_defects() -> None:
    assert [rule.id for rule in RULES][:24] == list(DEFECTS)
