"""The linter as a whole: order, waivers, JSON, speed, and the index behind the claims' queries."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.evidence import Record, flatten, select_rows
from oncovivo.evidence.lint import RULES, LintInput, lint, read_waivers
from oncovivo.evidence.lint.matching import RowIndex

HEADER = "rule,subject,reason,date,by\n"


def test_rules_have_consecutive_ids_and_say_what_they_look_at() -> None:
    assert [rule.id for rule in RULES] == [f"LINT-{n:02d}" for n in range(1, len(RULES) + 1)]
    for rule in RULES:
        assert rule.severity in ("error", "warning")
        assert all((rule.title, rule.mend, rule.explanation)), rule.id
        assert "\n" not in rule.title + rule.mend


def test_a_rule_run_alone_finds_what_it_finds_among_all(
    load_lint_input: Callable[[str], LintInput],
) -> None:
    case = load_lint_input("source_guide")
    together = lint(case)
    for rule in RULES:
        assert lint(case, rules=(rule,)) == tuple(f for f in together if f.rule == rule.id)


def test_findings_come_in_the_order_of_the_rules_and_twice_the_same(
    load_lint_input: Callable[[str], LintInput],
) -> None:
    findings = lint(load_lint_input("source_guide"))
    assert [f.rule for f in findings] == sorted(f.rule for f in findings)
    assert findings == lint(load_lint_input("source_guide"))


def test_a_finding_is_json_with_the_contract_names(
    make_case: Callable[..., LintInput], tmp_path: Path
) -> None:
    path = tmp_path / "waivers.csv"
    path.write_text(HEADER + "LINT-08,R1,the section is shared,2026-03-31,A. Reader\n")
    case = make_case(records=[{"filed_under": "BRCA"}], waivers=read_waivers(path))
    (finding,) = lint(case)
    written = json.loads(json.dumps(finding.to_dict()))
    assert written == {
        "rule": "LINT-08",
        "severity": "error",
        "message": "row R1 is on CCRCC (clear cell renal cell carcinoma) and filed under BRCA",
        "rows": ["R1"],
        "claims": [],
        "subjects": [],
        "mend": "set filed_under to the row's own type or a wider one",
        "waived": True,
        "waiver": {
            "rule": "LINT-08",
            "subject": "R1",
            "reason": "the section is shared",
            "date": "2026-03-31",
            "by": "A. Reader",
        },
    }


def test_a_finding_without_a_waiver_has_none_in_json(make_case: Callable[..., LintInput]) -> None:
    (finding,) = lint(make_case(records=[{"filed_under": "BRCA"}]))
    assert finding.to_dict()["waiver"] is None
    assert finding.to_dict()["waived"] is False


def test_a_waiver_of_one_subject_leaves_the_others(
    make_case: Callable[..., LintInput], tmp_path: Path
) -> None:
    path = tmp_path / "waivers.csv"
    path.write_text(HEADER + "LINT-08,R2,the section is shared,2026-03-31,A. Reader\n")
    rows = [{"filed_under": "BRCA"}, {"row_id": "R2", "day": 28.0, "filed_under": "BRCA"}]
    findings = lint(make_case(records=rows, waivers=read_waivers(path)))
    assert [(f.rows, f.waived) for f in findings] == [(("R1",), False), (("R2",), True)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("LINT-99,R1,why,2026-01-01,me", "row 2, column rule: expected the id of a rule"),
        ("LINT-08,R1,why,01.02.2026,me", "row 2, column date: expected a date as 2026-03-31"),
        ("LINT-08,R1,why,2026-02-30,me", "row 2, column date"),
        ("LINT-08,R1,,2026-01-01,me", "row 2, column reason: expected a reason"),
        ("LINT-08,,why,2026-01-01,me", "row 2, column subject"),
        ("LINT-08,R1,why,2026-01-01,", "row 2, column by: expected who waived it"),
        ("LINT-08,R1,why,2026-01-01", "row 2: expected 5 cells"),
    ],
)
def test_a_malformed_waiver_is_refused_with_row_and_column(
    line: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "waivers.csv"
    path.write_text(HEADER + line + "\n")
    with pytest.raises(FileFormatError, match=re.escape(message)):
        read_waivers(path)


def test_an_unknown_column_of_waivers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    path.write_text("rule,subject,reason,date,by,until\n")
    with pytest.raises(FileFormatError, match=r"row 1, column 6: expected a known column"):
        read_waivers(path)


QUERIES: list[dict[str, list[str | int | float | bool]]] = [
    {},
    {"row_id": ["S01", "P03"]},
    {"oncotree": ["GB", "MCL"], "direction": ["none"]},
    {"source": ["s09", "s22"]},
    {"partner": ["not_applicable"], "evidence_kind": ["animal_efficacy"]},
    {"partner": ["sepantronium"]},
    {"n_treated": [17]},
    {"value": [160, 8.0]},
    {"day": ["not_reported"], "use": ["evidence"]},
    {"direction": []},
    {"line_rrid": ["CVCL_9999"]},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_the_index_selects_what_the_claims_select(
    query: dict[str, list[str | int | float | bool]], load_lint_input: Callable[[str], LintInput]
) -> None:
    records = load_lint_input("source_guide").records
    expected = [row["row_id"][0] for row in select_rows([flatten(r) for r in records], query)]
    assert [r.row_id for r in RowIndex(records).select(query)] == expected


def test_a_thousand_rows_and_three_hundred_claims_take_less_than_a_second_of_cpu(
    make_case: Callable[..., LintInput], make_record: Callable[..., Record]
) -> None:
    references = [
        {"key": f"r{n}", "doi": f"10.1000/{n}", "title": f"Work {n} on the mass of tumor {n}"}
        for n in range(300)
    ]
    rows = [
        {
            "row_id": f"R{n}",
            "source": f"r{n % 300}",
            "day": float(n),
            "direction": "none" if n % 7 == 0 else "benefit",
        }
        for n in range(1000)
    ]
    claims = [
        {
            "id": f"K{n}",
            "text": "The volume in renal cell carcinoma was at least {low} mm3 in mice.",
            "where": {"source": [f"r{n}", f"r{n + 1}"], "evidence_kind": ["animal_efficacy"]},
            "supports": {"direction": ["benefit"]},
            "contradicts": {"direction": ["none", "harm"]},
        }
        for n in range(300)
    ]
    case = make_case(records=rows, references=references, claims=claims)
    start = time.process_time()
    findings = lint(case)
    assert time.process_time() - start < 1
    assert findings == ()
