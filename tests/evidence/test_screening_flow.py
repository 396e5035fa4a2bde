"""Decisions settle, wait or conflict; the numbers of the flow follow from them and add up."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import DataError, FileFormatError
from oncovivo.evidence.screening import (
    CONSENSUS,
    DECISION_COLUMNS,
    STATES,
    FoundRecord,
    Screening,
    ScreeningSettings,
    StageDecision,
    assemble_screening,
    deduplicate,
    plot_flow,
    rater_agreement,
    read_decisions,
    read_screening,
    read_settings,
    write_decisions,
)
from oncovivo.evidence.screening.flow import check_flow
from oncovivo.figures import to_png, to_svg
from oncovivo.numerics.kappa import cohen_kappa
from oncovivo.references import Library, read_references
from tests.evidence.screening_records import EXAMPLE, record, same_work_records

REASONS = {"no_animals": "No animals", "no_control": "No control arm"}
TITLES = [
    "Imaginarimab slows nothing at all",
    "Fantasinib in seven unicorns",
    "Weights of nobody's mice",
    "Chimeras and their invented keepers",
]


def settings(raters: int = 2) -> ScreeningSettings:
    return ScreeningSettings(raters=raters, reasons=REASONS, title="Made up")


def works(n: int = 1, **given: Any) -> tuple[FoundRecord, ...]:  # noqa: ANN401  # any field
    """Records of different works."""
    return tuple(record(i + 1, title=TITLES[i], pages=f"{i + 1}", **given) for i in range(n))


def screened(
    records: Sequence[FoundRecord],
    decisions: Sequence[StageDecision],
    *,
    raters: int = 2,
    library: Library | None = None,
) -> Screening:
    return assemble_screening(
        settings=settings(raters),
        records=tuple(records),
        duplicates=deduplicate(records),
        decisions=tuple(decisions),
        library=library,
    )


def votes(text: str, *, of: int = 1) -> list[StageDecision]:
    """Decisions such as ``t:AB:include f:AB:exclude:no_animals`` on a record."""
    found = []
    for part in text.split():
        stage, rater, decision, *reason = part.split(":")
        found.append(
            StageDecision(
                record_id=f"made_up.ris:{of}",
                stage="title_abstract" if stage == "t" else "full_text",
                decision=decision,  # type: ignore[arg-type]  # a word of the test
                rater=rater,
                reason="".join(reason),
            )
        )
    return found


PASSED = "t:AB:include t:CD:maybe"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ("", "title_abstract_waiting"),
        ("t:AB:exclude", "title_abstract_waiting"),
        ("t:AB:exclude t:CD:exclude", "excluded_title_abstract"),
        ("t:AB:exclude t:CD:maybe", "title_abstract_conflict"),
        (f"t:AB:exclude t:CD:include t:{CONSENSUS}:exclude", "excluded_title_abstract"),
        (f"t:AB:exclude t:CD:include t:{CONSENSUS}:include", "retrieval_waiting"),
        (PASSED, "retrieval_waiting"),
        (f"{PASSED} f:AB:not_retrieved", "not_retrieved"),
        (f"{PASSED} f:AB:not_retrieved f:CD:include", "full_text_conflict"),
        (f"{PASSED} f:AB:include", "full_text_waiting"),
        (f"{PASSED} f:AB:include f:CD:maybe", "full_text_waiting"),
        (f"{PASSED} f:AB:include f:CD:include", "included"),
        (f"{PASSED} f:AB:include f:CD:exclude:no_animals", "full_text_conflict"),
        (f"{PASSED} f:AB:exclude:no_control f:CD:exclude:no_animals", "full_text_conflict"),
        (f"{PASSED} f:AB:exclude:no_animals f:CD:exclude:no_animals", "excluded_full_text"),
        (
            f"{PASSED} f:AB:exclude:no_control f:CD:include f:{CONSENSUS}:exclude:no_animals",
            "excluded_full_text",
        ),
    ],
)
def test_decisions_say_where_a_report_stands(given: str, state: str) -> None:
    (report,) = screened(works(), votes(given)).states
    assert report.state == state
    assert report.reason == ("no_animals" if state == "excluded_full_text" else "")


def test_one_rater_is_enough_where_the_settings_say_so() -> None:
    found = screened(works(), votes("t:AB:include f:AB:include"), raters=1)
    assert found.states[0].state == "included"


def test_other_methods_need_no_decision_on_titles_but_may_have_one() -> None:
    cited = works(source_kind="citation_searching")
    assert screened(cited, []).states[0].state == "retrieval_waiting"
    out = screened(cited, votes("t:AB:exclude t:CD:exclude"))
    assert out.states[0].state == "excluded_title_abstract"
    assert out.flow.other is not None
    assert (out.flow.other.n_excluded, out.flow.other.n_sought) == (1, 0)


def test_a_decision_on_a_duplicate_speaks_for_the_report() -> None:
    twins = (record(1, abstract="Made up."), record(2))
    found = screened(twins, votes("t:AB:include t:CD:include", of=2))
    assert [(one.record_id, one.state) for one in found.states] == [
        ("made_up.ris:1", "retrieval_waiting")
    ]
    with pytest.raises(FileFormatError, match=r"a second of AB on made_up\.ris:2, a duplicate of"):
        screened(twins, votes("t:AB:include") + votes("t:AB:exclude", of=2))


def test_a_full_text_is_decided_only_after_its_title() -> None:
    for before in ("", "t:AB:exclude t:CD:exclude", "t:AB:include t:CD:exclude"):
        with pytest.raises(
            FileFormatError, match=r"that passed title and abstract, found made_up"
        ):
            screened(works(), votes(f"{before} f:AB:include"))


def test_a_report_has_one_source_and_one_study() -> None:
    one, other = votes("t:AB:include t:CD:include")
    for name in ("source", "study"):
        with pytest.raises(FileFormatError, match=f"expected one {name} of a report"):
            screened(works(), [replace(one, **{name: "a"}), replace(other, **{name: "b"})])  # type: ignore[arg-type]


def test_a_reference_is_found_by_doi_by_number_or_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "references.json"
    custom = '"custom": {"verification": "recalled", "source_kind": "method"}'
    path.write_text(
        f'[{{"id": "a", "type": "article", "title": "A", "DOI": "10.9999/MADE.1", {custom}}},'
        f' {{"id": "b", "type": "article", "title": "B", "PMID": "99999902", {custom}}}]',
        encoding="utf-8",
    )
    library = read_references(path)
    records = (
        replace(works(3)[0], doi="10.9999/made.1"),
        replace(works(3)[1], pmid="99999902"),
        works(3)[2],
    )
    said = replace(votes("t:AB:include", of=3)[0], source="b")
    found = screened(records, [said], library=library)
    assert [report.source for report in found.states] == ["a", "b", "b"]
    log = tmp_path / "screening.csv"
    log.write_text(write_decisions([replace(said, source="c")]), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"row 2, column source: .*'c'"):
        read_decisions(log, settings=settings(), record_ids=["made_up.ris:3"], library=library)


def test_raters_wait_for_what_they_have_not_decided() -> None:
    found = screened(works(3), votes("t:AB:include") + votes("t:AB:include t:CD:exclude", of=2))
    ids = {
        rater: [report.record_id[-1] for report in found.waiting("title_abstract", rater=rater)]
        for rater in ("AB", "CD", CONSENSUS)
    }
    assert ids == {"AB": ["3"], "CD": ["1", "3"], CONSENSUS: ["2"]}
    passed = screened(works(), votes(f"{PASSED} f:AB:include"))
    assert passed.waiting("full_text", rater="AB") == ()
    assert len(passed.waiting("full_text", rater="CD")) == 1


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("x:1", "full_text", "include", "", "AB"), "column record_id: .*'x:1'"),
        (
            ("made_up.ris:1", "fulltext", "include", "", "AB"),
            "column stage: expected one of title",
        ),
        (("made_up.ris:1", "full_text", "yes", "", "AB"), "column decision: expected one of incl"),
        (("made_up.ris:1", "title_abstract", "not_retrieved", "", "AB"), "include, maybe or excl"),
        (("made_up.ris:1", "full_text", "exclude", "", "AB"), "expected why the report is excl"),
        (("made_up.ris:1", "full_text", "exclude", "boring", "AB"), "a reason of screening.toml"),
        (("made_up.ris:1", "full_text", "include", "no_animals", "AB"), "expected no reason"),
        (("made_up.ris:1", "full_text", "include", "", ""), "column rater: expected who decided"),
    ],
)
def test_a_row_that_says_nothing_clear_is_refused(
    tmp_path: Path, cells: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "screening.csv"
    header = "record_id,stage,decision,reason,rater"
    path.write_text(f"{header}\n{','.join(cells)}\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=f"screening.csv row 2, .*{message}"):
        read_decisions(path, settings=settings(), record_ids=["made_up.ris:1"])


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "screening.csv"
    said = replace(votes("t:AB:include")[0], date="31.3.2026")
    path.write_text(write_decisions([said]), encoding="utf-8")
    with pytest.raises(FileFormatError, match="column date: expected a date as 2026-03-31"):
        read_decisions(path, settings=settings(), record_ids=["made_up.ris:1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raters = 0", r"screening\.toml.*raters"),
        ("raters = true", r"screening\.toml.*raters"),
        ("rater = 2", "a key that does not exist"),
        ('[reasons]\n"No animals" = "x"', "reasons"),
        ("raters =", "expected TOML"),
    ],
)
def test_settings_that_are_none_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "screening.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_settings(path)


def test_kappa_is_that_of_the_formula() -> None:
    # A table of 20, 5, 10 and 15: agreement 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    computed = cohen_kappa(pairs)
    assert computed is not None
    assert computed[0] == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert cohen_kappa([(one, other) for other, one in pairs]) == pytest.approx(computed)
    assert cohen_kappa([("a", "a")] * 9) is None
    assert cohen_kappa([]) is None
    assert cohen_kappa([("a", "a"), ("b", "b")]) == (1.0, 0.0)


@given(
    counts=st.lists(st.integers(0, 30), min_size=9, max_size=9).filter(
        lambda found: sum(1 for n in found if n) >= 3
    )
)
def test_the_error_of_kappa_is_that_of_the_delta_method(counts: list[int]) -> None:
    names = [(one, other) for one in "abc" for other in "abc"]
    pairs = [pair for pair, n in zip(names, counts, strict=True) for _ in range(n)]
    computed = cohen_kappa(pairs)
    if computed is None:
        return
    n = len(pairs)
    share = [count / n for count in counts]

    def kappa(p: Sequence[float]) -> float:
        first = [sum(p[3 * i : 3 * i + 3]) for i in range(3)]
        second = [sum(p[i::3]) for i in range(3)]
        chance = math.fsum(a * b for a, b in zip(first, second, strict=True))
        return (p[0] + p[4] + p[8] - chance) / (1 - chance)

    step = 1e-6
    slope = []
    for place in range(9):
        up, down = share.copy(), share.copy()
        up[place] += step
        down[place] -= step
        slope.append((kappa(up) - kappa(down)) / (2 * step))
    mean = math.fsum(s * g for s, g in zip(share, slope, strict=True))
    variance = math.fsum(s * (g - mean) ** 2 for s, g in zip(share, slope, strict=True)) / n
    # Central differences of step 1e-6 are good to about 1e-9 of the slopes, which reach 10².
    assert computed[1] == pytest.approx(math.sqrt(variance), rel=1e-4, abs=1e-5)


def test_agreement_is_on_what_was_decided_not_on_words() -> None:
    decisions = votes("t:AB:include t:CD:maybe") + votes("t:AB:exclude t:CD:exclude", of=2)
    decisions += votes("f:AB:not_retrieved f:CD:include") + votes("t:EF:exclude", of=3)
    decisions += votes(f"t:{CONSENSUS}:include", of=2)
    (found,) = rater_agreement(decisions)
    assert (found.raters, found.stage, found.n, found.n_agreed) == (
        ("AB", "CD"),
        "title_abstract",
        2,
        2,
    )
    assert (found.kappa, found.lower, found.upper) == (1.0, 1.0, 1.0)


def test_the_flow_of_the_example_is_that_counted_by_hand() -> None:
    found = read_screening(EXAMPLE)
    flow = found.flow
    assert flow.other is not None
    assert [(one.name, one.n) for one in flow.searched.identified] == [
        ("Embase (made up)", 10),
        ("PubMed", 10),
        ("Scopus", 4),
    ]
    # Of 24 records 10 are duplicates: 7 of Embase and 3 of Scopus, one of them by a person.
    assert flow.searched.n_duplicates == 10
    assert (flow.searched.n_screened, flow.searched.n_excluded) == (13, 4)
    assert flow.searched.n_screening_open == 1
    assert (flow.searched.n_sought, flow.searched.n_not_retrieved) == (9, 1)
    assert (flow.searched.n_assessed, flow.searched.n_assessment_open) == (8, 1)
    assert flow.searched.excluded_reports == (("No animals", 1), ("No control arm", 1))
    assert flow.searched.n_included == 5
    assert (flow.other.n_identified, flow.other.n_duplicates, flow.other.n_included) == (3, 1, 1)
    assert flow.other.excluded_reports == (("No control arm", 1),)
    # Two reports each of the invented renal and glioblastoma studies, and two alone.
    assert (flow.n_reports, flow.n_studies) == (6, 4)
    assert (flow.n_open, flow.n_near_duplicates, flow.complete) == (2, 0, False)


@st.composite
def any_log(draw: st.DrawFn) -> tuple[list[FoundRecord], list[StageDecision]]:
    """Records and decisions of two raters that may be in a log."""
    records = draw(same_work_records())
    groups = deduplicate(records).groups
    decisions: list[StageDecision] = []
    for kept in groups:
        number = int(kept.rpartition(":")[2])
        title = draw(
            st.sampled_from(
                [
                    "",
                    "t:AB:exclude",
                    "t:AB:exclude t:CD:exclude",
                    "t:AB:maybe t:CD:exclude",
                    PASSED,
                ]
            )
        )
        text = ""
        if title == PASSED:
            text = draw(
                st.sampled_from(
                    [
                        "",
                        "f:AB:not_retrieved",
                        "f:AB:include",
                        "f:AB:include f:CD:exclude:no_animals",
                        "f:AB:exclude:no_animals f:CD:exclude:no_animals",
                        "f:AB:include f:CD:include",
                    ]
                )
            )
        made = votes(f"{title} {text}", of=number)
        decisions += [replace(one, record_id=kept) for one in made]
    return records, decisions


@given(log=any_log(), data=st.data())
def test_every_report_is_in_one_state_and_the_flow_adds_up(
    log: tuple[list[FoundRecord], list[StageDecision]], data: st.DataObject
) -> None:
    records, decisions = log
    found = screened(records, decisions)
    count = Counter(report.state for report in found.states)
    assert set(count) <= set(STATES)
    columns = [column for column in (found.flow.searched, found.flow.other) if column]
    assert sum(column.n_identified for column in columns) == len(records)
    assert sum(column.n_duplicates for column in columns) == len(found.duplicates.merges)
    assert sum(column.n_included for column in columns) == count["included"]
    ends = sum(
        column.n_duplicates
        + column.n_excluded
        + column.n_screening_open
        + column.n_not_retrieved
        + column.n_retrieval_open
        + column.n_excluded_reports
        + column.n_assessment_open
        + column.n_included
        for column in columns
    )
    assert ends == len(records)
    shuffled = screened(data.draw(st.permutations(records)), data.draw(st.permutations(decisions)))
    assert (shuffled.flow, shuffled.states) == (found.flow, found.states)


def test_numbers_that_do_not_add_up_are_refused() -> None:
    flow = read_screening(EXAMPLE).flow
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("identified", {"n_duplicates": 9}),
        ("screened", {"n_excluded": 5}),
        ("sought", {"n_not_retrieved": 2}),
        ("assessed", {"n_assessment_open": 0}),
        ("numbers of 0", {"n_retrieval_open": -1, "n_not_retrieved": 2}),
    )
    for box, change in changes:
        with pytest.raises(DataError, match=box):
            check_flow(replace(flow, searched=replace(flow.searched, **change)))
    for wrong in ({"n_studies": 7}, {"n_studies": 0}, {"n_reports": 5}):
        with pytest.raises(DataError, match="included reports"):
            check_flow(replace(flow, **wrong))  # type: ignore[arg-type]  # numbers


def test_decisions_are_read_as_they_were_written(tmp_path: Path) -> None:
    log = EXAMPLE / "screening.csv"
    ids = [one.record_id for one in read_screening(EXAMPLE).records]
    read = read_decisions(log, settings=read_settings(EXAMPLE / "screening.toml"), record_ids=ids)
    again = tmp_path / "screening.csv"
    again.write_text(write_decisions(read), encoding="utf-8")
    assert again.read_text(encoding="utf-8").splitlines()[0] == ",".join(DECISION_COLUMNS)
    assert (
        read_decisions(again, settings=read_settings(EXAMPLE / "screening.toml"), record_ids=ids)
        == read
    )


def test_a_folder_without_decisions_is_a_screening_that_has_not_begun(tmp_path: Path) -> None:
    for name in ("screening.toml", "search.csv"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    found = read_screening(tmp_path)
    assert found.decisions == ()
    assert found.flow.n_near_duplicates == 1
    assert found.flow.searched.n_screening_open == 15
    (tmp_path / "search.csv").unlink()
    with pytest.raises(FileFormatError, match=r"search\.csv: expected a readable file"):
        read_screening(tmp_path)


def test_the_diagram_shows_every_number_and_is_the_same_each_time() -> None:
    flow = read_screening(EXAMPLE).flow
    texts = " ".join(" ".join(text.get_text() for text in plot_flow(flow).axes[0].texts).split())
    for words in (
        "Databases (n = 24)",
        "Embase (made up) (n = 10)",
        "Duplicate records (n = 10)",
        "Citation searching (n = 3)",
        "Records screened (n = 13)",
        "Still to be decided (n = 1)",
        "Records excluded (n = 4)",
        "Reports sought for retrieval (n = 9)",
        "Reports not retrieved (n = 1)",
        "Reports assessed for eligibility (n = 8)",
        "Of these in progress (n = 1)",
        "No animals (n = 1)",
        "Studies included in review (n = 4)",
        "Reports of included studies (n = 6)",
        "MADE-UP RECORDS",
        "In progress: 2 records or reports and 0 pairs",
    ):
        assert words in texts
    assert to_svg(plot_flow(flow), title="x") == to_svg(plot_flow(flow), title="x")
    assert to_png(plot_flow(flow)) == to_png(plot_flow(flow))


def test_a_finished_review_of_databases_alone_has_no_second_column() -> None:
    flow = screened(works(), votes(f"{PASSED} f:AB:include f:CD:include")).flow
    texts = " ".join(text.get_text() for text in plot_flow(flow).axes[0].texts)
    assert flow.complete
    assert "other methods" not in texts
    assert "progress" not in texts
    assert "MADE-UP" not in texts


def test_no_text_leaves_its_box() -> None:
    long = "A very long reason that somebody wrote down in full without thinking of boxes"
    made = ScreeningSettings(reasons={"long": long}, title="A long title " * 20)
    records = works(2, database="A database with a very long name of its own and a $ sign")
    decisions = votes("t:AB:include f:AB:exclude:long")
    found = assemble_screening(
        settings=made, records=records, duplicates=deduplicate(records), decisions=tuple(decisions)
    )
    figure = plot_flow(found.flow)
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [patch.get_window_extent() for patch in axes.patches]
    whole = figure.bbox
    for text in axes.texts:
        place = text.get_window_extent()
        if not text.get_text():
            continue
        assert place.x0 >= whole.x0
        assert place.x1 <= whole.x1
        for box in boxes:
            if box.x0 <= place.x0 <= box.x1 and box.y0 <= (place.y0 + place.y1) / 2 <= box.y1:
                assert place.x1 <= box.x1, text.get_text()
