"""The survival section of a guide: what it shows, what it leaves out, and what it refuses."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

import pytest

from oncovivo.analyses import StudyResult, read_bundle, read_project, run, write_bundle
from oncovivo.analyses.survival_analysis import analyse_growth_survival
from oncovivo.analyses.survival_frames import survival_frames
from oncovivo.analyses.survival_result import SurvivalOptions, SurvivalResult
from oncovivo.documents import Block, Figure, Listing, Paragraph, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError
from oncovivo.guide import assemble_guide
from oncovivo.guide.study_label import StudyLabel
from oncovivo.guide.survival_blocks import survival_blocks
from oncovivo.studies import read_study
from oncovivo.survival.wording import interval_text, median_text, number_text, p_text

DAY = date(2026, 1, 2)
DAYS = (0, 3, 7, 10, 14, 17, 21)
DOUBLING = {"vehicle": 3.0, "low": 5.0, "high": 8.0}
LINE = '[line]\nname = "786-O"\n'
LABEL = StudyLabel(id="made", title="Made up", simulated=False)

Write = Callable[..., Path]


def study_rows(doubling: Mapping[str, float], animals: int) -> list[list[object]]:
    """Readings until the grid ends; two animals of the arm 'low' leave on day 7."""
    return [
        [f"{arm}{animal}", arm, day, round(100 * 2 ** (day / (span + animal / 5)), 1)]
        for arm, span in doubling.items()
        for animal in range(animals)
        for day in DAYS
        if not (arm == "low" and animal < 2 and day > 7)
    ]


@pytest.fixture
def write_study(tmp_path: Path) -> Write:
    """Write a study folder."""

    def write(
        *,
        doubling: Mapping[str, float] | None = None,
        animals: int = 5,
        reason: str = "toxicity",
        simulated: bool = False,
    ) -> Path:
        folder = tmp_path / "made"
        folder.mkdir()
        head = 'title = "Made up"\nsource = "made for a test"\nbaseline_day = 0\n'
        head += "simulated = true\n" if simulated else ""
        arms = doubling or DOUBLING
        named = "".join(f'[[arm]]\nname = "{arm}"\nrole = "not_stated"\n' for arm in arms)
        (folder / "study.toml").write_text(f"{head}{LINE}{named}", encoding="utf-8")
        rows = study_rows(arms, animals)
        write_table(folder / "measurements.csv", "animal_id,arm,day,volume_mm3", rows)
        ends: list[list[object]] = [
            [f"{arm}{i}", arm, *((7, reason) if arm == "low" and i < 2 else (21, "scheduled"))]
            for arm in arms
            for i in range(animals)
        ]
        write_table(folder / "animals.csv", "animal_id,arm,end_day,end_reason", ends)
        return folder

    return write


def write_table(path: Path, header: str, rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])


def analyse(folder: Path) -> SurvivalResult:
    """Times to quadrupling of the study in a folder."""
    (study,) = read_study(folder)
    options = SurvivalOptions(control="vehicle", draws=500)
    return analyse_growth_survival(
        study, control="vehicle", options=options, baseline_day=0, seed=1
    )


def tables_of(blocks: Iterable[Block]) -> dict[str, Table]:
    """Tables of the survival section by what they show."""
    return {
        match[1]: block
        for block in blocks
        if isinstance(block, Table)
        and (match := re.fullmatch(r"table-survival(.*)-made", block.anchor))
    }


def cells_of(table: Table) -> list[list[str]]:
    return [[plain(cell) for cell in row.cells] for row in table.rows]


def headings_of(table: Table) -> list[str]:
    return [column.heading for column in table.columns]


def figures_of(blocks: Iterable[Block]) -> list[str]:
    return [block.anchor for block in blocks if isinstance(block, Figure)]


def words_of(blocks: Iterable[Block]) -> str:
    return " ".join(plain(block.content) for block in blocks if isinstance(block, Paragraph))


def test_every_number_stands_in_the_row_of_its_arm(write_study: Write) -> None:
    result = analyse(write_study())
    tables = tables_of(survival_blocks(result, LABEL))
    assert [arm.competing for arm in result.arms] == [0, 2, 0]
    for arm, row in zip(result.arms, cells_of(tables[""]), strict=True):
        assert row[:4] == [arm.arm, str(arm.n), str(arm.events), str(arm.competing)]
        assert row[4].startswith(median_text(arm.median, arm.greater_than))
        assert interval_text(arm.median_lower, arm.median_upper) in row[4]
        assert row[5].startswith(number_text(arm.rmst))
    for ratio, row in zip(result.hazards, cells_of(tables["-hazards"]), strict=True):
        assert row[0] == ratio.arm
        assert row[1].startswith(number_text(ratio.hazard_ratio))
        assert interval_text(ratio.lower, ratio.upper) in row[1]
        assert row[2] == p_text(ratio.p_value)
        assert row[3] == {"cox": "Cox", "firth": "Firth"}[ratio.method]
    for median, mean, time, row in zip(
        result.medians, result.means, result.time_ratios, cells_of(tables["-times"]), strict=True
    ):
        assert row[0] == median.arm == mean.arm == time.arm
        assert row[1].startswith(median_text(median.found.ratio, median.found.ratio_greater_than))
        assert median.activity is not None
        call = median.activity.call.replace("_", " ")
        assert row[2] == f"{call}: {median.activity.reason}"
        assert row[3].startswith(number_text(mean.difference.estimate))
        assert row[4].startswith(number_text(time.found.time_ratio))


def test_small_arms_have_the_test_by_relabeling_first(write_study: Write) -> None:
    result = analyse(write_study())
    table = tables_of(survival_blocks(result, LABEL))["-tests"]
    assert headings_of(table)[2:4] == ["p by relabeling, primary", "Adjusted p"]
    assert "fewer than 10 animals" in plain(table.note)
    tests = {(test.test, test.arms[0]): test for test in result.tests if len(test.arms) == 2}
    rows = cells_of(table)
    assert [row[1] for row in rows] == ["all 3", "low", "high"]
    for row in rows[1:]:
        primary = tests["interval_log_rank_permutation", row[1]]
        other = tests["interval_log_rank", row[1]]
        assert row[2:4] == [p_text(primary.p_value), p_text(primary.p_adjusted)]
        assert row[4] == f"{other.statistic:.2f} (1)"
        assert row[5:] == [p_text(other.p_value), p_text(other.p_adjusted)]


def test_arms_of_ten_have_chi_squared_as_the_primary_test(write_study: Write) -> None:
    result = analyse(write_study(animals=10))
    table = tables_of(survival_blocks(result, LABEL))["-tests"]
    assert headings_of(table)[2:4] == ["χ² (df)", "p by χ², primary"]
    assert "every arm has at least 10 animals" in plain(table.note)


def test_two_arms_have_no_adjusted_p(write_study: Write) -> None:
    result = analyse(write_study(doubling={"vehicle": 3.0, "high": 8.0}))
    table = tables_of(survival_blocks(result, LABEL))["-tests"]
    assert not any("Adjusted" in heading for heading in headings_of(table))
    assert len(table.rows) == 1


def test_competing_causes_are_drawn_and_what_leavers_change_is_a_table(
    write_study: Write,
) -> None:
    blocks = survival_blocks(analyse(write_study()), LABEL)
    assert figures_of(blocks) == ["figure-survival-made", "figure-survival-incidence-made"]
    rows = cells_of(tables_of(blocks)["-leavers"])
    assert [row[0] for row in rows] == ["as stated"] * 2 + ["competing as events"] * 2
    assert [row[1] for row in rows] == ["0", "0", "2", "2"]
    listed = [
        plain(item) for block in blocks if isinstance(block, Listing) for item in block.items
    ]
    assert any(item.startswith("left for toxicity: a competing event") for item in listed)


def test_what_is_not_there_is_left_out(write_study: Write) -> None:
    blocks = survival_blocks(analyse(write_study(reason="technical")), LABEL)
    assert figures_of(blocks) == ["figure-survival-made"]
    tables = tables_of(blocks)
    assert set(tables) == {"", "-tests", "-hazards", "-times"}
    assert "Competing" not in headings_of(tables[""])


def test_no_event_is_one_sentence_without_tables_and_figures(write_study: Write) -> None:
    slow = {"vehicle": 30.0, "high": 40.0}
    (block,) = survival_blocks(analyse(write_study(doubling=slow)), LABEL)
    assert words_of([block]) == (
        "Time to event in this study: none of its 10 animals had the event (volume at least 4 "
        "times the baseline), so there is nothing to compare."
    )


def test_marks_of_reasons_are_explained_below_their_table(write_study: Write) -> None:
    result = analyse(write_study(doubling={"vehicle": 3.0, "cured": 90.0}))
    tables = tables_of(survival_blocks(result, LABEL))
    for table in tables.values():
        marks = set(
            re.findall(r"\[\d+\]", " ".join(cell for row in cells_of(table) for cell in row))
        )
        assert marks == set(re.findall(r"\[\d+\]", plain(table.note)))
    assert cells_of(tables["-hazards"])[0][3] == "Firth"
    assert "Firth's penalized likelihood is used" in plain(tables["-hazards"].note)


def test_many_arms_have_a_panel_each_and_the_caption_says_so(write_study: Write) -> None:
    arms = {"vehicle": 3.0, **{f"arm {number}": 4.0 + number for number in range(4)}}
    blocks = survival_blocks(analyse(write_study(doubling=arms, animals=3)), LABEL)
    (caption,) = (plain(block.caption) for block in blocks if isinstance(block, Figure))
    assert caption.endswith("One panel for each arm, with the control's curve in grey.")


def test_tidy_tables_have_the_numbers_of_the_result(write_study: Write) -> None:
    result = analyse(write_study())
    frames = survival_frames(result)
    assert list(frames) == [
        "survival_arms",
        "survival_tests",
        "survival_contrasts",
        "survival_leavers",
        "survival_times",
    ]
    assert frames["survival_arms"]["rmst"].tolist() == [arm.rmst for arm in result.arms]
    assert len(frames["survival_times"]) == 15
    contrasts = frames["survival_contrasts"].set_index(["arm", "measure"])["estimate"]
    for row in result.hazards:
        assert contrasts[row.arm, "hazard_ratio"] == row.hazard_ratio
    for mean in result.means:
        found = contrasts[mean.arm, "restricted_mean_difference"]
        assert found == mean.difference.estimate
    tests = frames["survival_tests"]
    assert set(tests["arm"]) == {"all", "low", "high"}
    assert tests["p_value"].tolist() == [test.p_value for test in result.tests]


def with_study(project: Path, keys: str = "", *, path: str = "../made") -> Path:
    """A guide project that lists the study."""
    guide = project / "guide.toml"
    entry = f'[[study]]\npath = "{path}"\ncontrol = "vehicle"\ngrowth = false\n{keys}\n'
    guide.write_text(guide.read_text(encoding="utf-8") + entry, encoding="utf-8")
    return project


def built(project: Path) -> tuple[StudyResult, list[Block]]:
    """The study of a project, and the blocks of its section."""
    bundle = run(read_project(project), built=DAY)
    document = assemble_guide(bundle)
    (section,) = (part for part in document.sections if part.anchor.startswith("study-"))
    return bundle.studies[0], list(section.blocks)


@pytest.mark.parametrize("kind", ["simulated", "real"])
def test_only_a_simulated_study_says_so_and_then_in_every_block(
    write_study: Write, project: Path, tmp_path: Path, kind: str
) -> None:
    write_study(simulated=kind == "simulated")
    bundle = run(read_project(with_study(project)), built=DAY)
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    back = read_bundle(tmp_path / "bundle")
    assert back.studies == bundle.studies
    (section,) = (part for part in assemble_guide(back).sections if "study-made" in part.anchor)
    said = []
    for block in section.blocks:
        if isinstance(block, Table) and "survival" in block.anchor:
            said.append("simulated" in plain(block.caption))
        elif isinstance(block, Figure) and "survival" in block.anchor:
            said.append("simulated" in plain(block.caption))
            said.append("SIMULATED DATA" in block.svg)
            said.append(block.description.startswith("Simulated. "))
        elif isinstance(block, Paragraph):
            said.append("simulated" in plain(block.content))
    assert len(said) > 10
    assert set(said) == {kind == "simulated"}
    captions = [plain(block.caption) for block in section.blocks if isinstance(block, Table)]
    assert len(set(captions)) == len(captions)


def test_the_event_of_the_entry_is_the_one_that_is_shown(
    write_study: Write, project: Path
) -> None:
    write_study()
    study, blocks = built(with_study(project, 'event = "doubling"'))
    assert study.survival is not None
    assert study.survival.event_definition == "volume at least 2 times the baseline"
    assert "volume at least 2 times the baseline" in words_of(blocks)


def test_without_survival_nothing_is_analysed_or_said(write_study: Write, project: Path) -> None:
    write_study()
    study, blocks = built(with_study(project, "survival = false"))
    assert (study.survival, study.survival_reason) == (None, "")
    assert "ime to event" not in words_of(blocks)
    assert tables_of(blocks) == {}


def test_a_study_of_one_arm_says_why_it_has_no_comparison(
    write_study: Write, project: Path
) -> None:
    write_study(doubling={"vehicle": 3.0})
    study, blocks = built(with_study(project))
    assert study.survival is None
    assert (
        "No times to an event of this study: study made: expected animals with a known time in an "
        "arm beside the control, found none."
    ) in words_of(blocks)


@pytest.mark.parametrize("bad", ['"tripling"', '"volume"', "4"])
def test_an_event_that_is_none_is_one_line(write_study: Write, project: Path, bad: str) -> None:
    write_study()
    with pytest.raises(FileFormatError, match=r"study\.0\.event") as caught:
        read_project(with_study(project, f"event = {bad}"))
    assert "\n" not in str(caught.value)


def test_a_survival_table_is_refused_in_one_line(project: Path) -> None:
    rows: list[list[object]] = [["a", "vehicle", 5, 1], ["b", "drug", 9, 0]]
    write_table(project / "times.csv", "animal_id,treatment,time_days,event", rows)
    said = r"times\.csv: expected a study with volumes by day, found a survival table.*\Z"
    with pytest.raises(FileFormatError, match=said):
        run(read_project(with_study(project, path="times.csv")), built=DAY)
