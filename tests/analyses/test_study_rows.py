"""The results of a study as rows for claims: every number stands where its column says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from oncovivo.analyses.project import CombinationEntry, StudyEntry
from oncovivo.analyses.study_names import askable_study_words, named_studies
from oncovivo.analyses.study_results import StudyCombination, StudyResult, analyse_studies
from oncovivo.analyses.study_rows import StudyRow, study_rows
from oncovivo.errors import FileFormatError
from oncovivo.evidence import STUDY_COLUMNS, read_identifiers
from oncovivo.evidence.vocabulary import words
from oncovivo.growth.compare import RateContrast

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus" / "studies"
BOTH = "temsirolimus + perifosine"
ENTRY = StudyEntry(
    path="four_arm_simulated",
    control="vehicle",
    combination=(CombinationEntry(a="temsirolimus", b="perifosine", combination=BOTH),),
)


@pytest.fixture(scope="module")
def study() -> StudyResult:
    (found,) = analyse_studies((ENTRY,), folder=FOLDER, identifiers=read_identifiers())
    return found


def of(study: StudyResult, analysis: str, *, scale: str = "", arm: str = BOTH) -> list[StudyRow]:
    return [
        row
        for row in study_rows(study)
        if (row.analysis, row.arm) == (analysis, arm) and scale in ("", row.scale)
    ]


def test_rows_are_numbered_and_have_every_declared_column(study: StudyResult) -> None:
    rows = study_rows(study)
    assert [row.row_id for row in rows] == [
        f"four-arm-simulated:{number}" for number in range(1, len(rows) + 1)
    ]
    assert {row.source for row in rows} == {"study:four-arm-simulated"}
    for row in rows:
        assert list(row.cells()) == [column.name for column in STUDY_COLUMNS]


def test_every_word_and_number_of_a_row_fits_its_column(study: StudyResult) -> None:
    columns = {column.name: column for column in STUDY_COLUMNS}
    for row in study_rows(study):
        for name, values in row.cells().items():
            column = columns[name]
            for value in values:
                if value == "not_applicable":
                    assert column.states, name
                elif column.words:
                    assert value in words(column.words)
                elif column.kind in ("number", "count"):
                    assert math.isfinite(float(value)), name
                else:
                    assert isinstance(value, str), name


def test_there_is_a_row_for_every_result_and_none_else(study: StudyResult) -> None:
    counts: dict[str, int] = {}
    for row in study_rows(study):
        counts[row.analysis] = counts.get(row.analysis, 0) + 1
    # three arms: a difference of rates and one of areas, four measures of inhibition, a hazard, a
    # median; eleven tests on growth and four on events of one combination
    assert counts == {
        "growth_rate": 6,
        "inhibition": 12,
        "hazard": 3,
        "median_time": 3,
        "synergy": 15,
    }


def test_a_difference_of_rates_has_the_ratio_of_the_rates_beside_it(study: StudyResult) -> None:
    assert study.growth is not None
    contrast = study.growth.comparison.contrast(BOTH)
    (ratio,) = (
        effect
        for effect in study.growth.comparison.effects
        if (effect.arm, effect.effect) == (BOTH, "rate_ratio")
    )
    (row,) = of(study, "growth_rate", scale="growth_rate")
    assert (row.estimate, row.lower, row.upper) == (
        contrast.estimate,
        contrast.lower,
        contrast.upper,
    )
    assert (row.p_value, row.p_adjusted) == (contrast.p_value, contrast.p_adjusted)
    assert (row.ratio, row.ratio_lower, row.ratio_upper) == (
        ratio.estimate,
        ratio.lower,
        ratio.upper,
    )
    assert row.direction == "lower"
    assert (row.versus, row.n, row.day, row.verdict) == (("vehicle",), 16, None, None)


def test_inhibition_speaks_of_the_day_of_the_model(study: StudyResult) -> None:
    assert study.growth is not None
    (row,) = of(study, "inhibition", scale="tgi_rate_pct")
    rates = study.growth.comparison.contrast(BOTH)
    assert rates.estimate is not None
    assert row.day == 28
    # 100 (1 - exp(difference of rates × 28 days)), by the definition of the measure
    assert row.estimate == pytest.approx(100 * (1 - math.exp(28 * rates.estimate)), rel=1e-12)
    assert row.direction == "higher"


def test_hazards_and_medians_are_those_of_the_analysis_of_events(study: StudyResult) -> None:
    assert study.survival is not None
    (hazard,) = (row for row in study.survival.hazards if row.arm == "perifosine")
    (row,) = of(study, "hazard", arm="perifosine")
    assert (row.ratio, row.ratio_lower, row.ratio_upper, row.p_value) == (
        hazard.hazard_ratio,
        hazard.lower,
        hazard.upper,
        hazard.p_value,
    )
    assert (row.estimate, row.direction, row.n) == (None, "lower", 16)
    (median,) = (row for row in study.survival.medians if row.arm == "perifosine")
    (row,) = of(study, "median_time", arm="perifosine")
    assert (row.estimate, row.ratio) == (median.found.difference, median.found.ratio)
    assert row.direction == "higher"


def test_a_median_that_was_not_reached_has_a_lower_limit_and_a_direction(
    study: StudyResult,
) -> None:
    (row,) = of(study, "median_time")
    assert (row.ratio, row.ratio_upper) == (None, None)
    assert row.ratio_lower is not None
    assert row.ratio_lower > 1
    assert row.direction == "higher"
    assert row.cells()["ratio"] == ("not_applicable",)


def test_every_null_model_on_every_scale_is_a_row_with_its_verdict(study: StudyResult) -> None:
    result = study.combinations[0].result
    assert result is not None
    rows = of(study, "synergy")
    assert [(r.null_model, r.scale, r.index, r.verdict) for r in rows] == [
        (r.null, r.scale, r.index, r.verdict) for r in result.results
    ]
    assert {row.n for row in rows} == {32}
    assert {row.versus for row in rows} == {("temsirolimus", "perifosine")}
    assert {row.combination for row in rows} == {1}
    assert {row.direction for row in rows} == {None}


def test_a_null_model_that_could_not_be_tested_has_no_verdict(study: StudyResult) -> None:
    result = study.combinations[0].result
    assert result is not None
    blank = replace(result.results[0], p_value=None, verdict="not_shown")
    changed = replace(result, results=(blank, result.results[1]))
    rows = study_rows(
        replace(study, combinations=(replace(study.combinations[0], result=changed),))
    )
    tested = [row.cells()["verdict"] for row in rows if row.analysis == "synergy"]
    assert tested == [("not_applicable",), ("not_shown",)]


def test_a_difference_that_only_holds_alone_has_no_direction(study: StudyResult) -> None:
    assert study.growth is not None
    compared = study.growth.comparison

    def with_p(contrast: RateContrast) -> RateContrast:
        return replace(contrast, p_adjusted=0.06)

    changed = replace(compared, contrasts=tuple(with_p(c) for c in compared.contrasts))
    rows = study_rows(replace(study, growth=replace(study.growth, comparison=changed)))
    found = [row for row in rows if row.scale == "growth_rate" and row.analysis == "growth_rate"]
    assert [row.direction for row in found] == ["none"] * 3
    assert all(row.upper is not None and row.upper < 0 for row in found)


def test_what_was_not_computed_leaves_no_rows(study: StudyResult) -> None:
    refused = StudyCombination(section="combinations", combination=BOTH, result=None, reason="x")
    rows = study_rows(replace(study, growth=None, combinations=(refused,)))
    assert {row.analysis for row in rows} == {"hazard", "median_time"}
    assert rows[0].row_id == "four-arm-simulated:1"
    assert study_rows(replace(study, growth=None, survival=None, combinations=())) == ()


def test_the_second_combination_of_a_study_is_told_from_the_first(study: StudyResult) -> None:
    twice = replace(study, combinations=study.combinations * 2)
    rows = [row for row in study_rows(twice) if row.analysis == "synergy"]
    assert [row.combination for row in rows] == [1] * 15 + [2] * 15
    assert len({row.row_id for row in rows}) == 30


def test_what_can_be_asked_is_what_the_rows_hold(study: StudyResult) -> None:
    (named,) = named_studies((ENTRY,), folder=FOLDER)
    known = askable_study_words(named)
    cells = [row.cells() for row in study_rows(study)]
    for column, entries in known.items():
        held = {value for row in cells for value in row[column]} - {"not_applicable"}
        assert held == set(entries), column


def test_an_entry_limits_what_can_be_asked() -> None:
    asked = CombinationEntry(
        a="temsirolimus", b="perifosine", combination=BOTH, null=("hsa",), scale=("auc",)
    )
    entry = StudyEntry(
        path="four_arm_simulated",
        control="vehicle",
        growth=False,
        survival=False,
        combination=(asked,),
    )
    (named,) = named_studies((entry,), folder=FOLDER)
    known = askable_study_words(named)
    assert (known["analysis"], known["null_model"], known["scale"]) == (
        ("synergy",),
        ("hsa",),
        ("auc",),
    )
    without = askable_study_words(
        replace(named, entry=entry.model_copy(update={"combination": ()}))
    )
    assert (without["analysis"], without["null_model"]) == ((), ())


def test_ids_are_those_given_and_else_made_of_the_studies_own() -> None:
    given = ENTRY.model_copy(update={"id": "four-arm-simulated"})
    found = named_studies((ENTRY, given, ENTRY), folder=FOLDER)
    assert [named.id for named in found] == [
        "four-arm-simulated-2",
        "four-arm-simulated",
        "four-arm-simulated-3",
    ]


def test_one_id_for_several_studies_of_a_file_is_refused(tmp_path: Path) -> None:
    lines = ["study,model,tumor_type,animal_id,treatment,day,volume_mm3"]
    lines += [
        f"{name},L1,RCC,{name}{animal},{arm},{day},{100 + day}"
        for name in ("one", "two")
        for animal, arm in enumerate(("vehicle", "drug"))
        for day in (0, 3)
    ]
    (tmp_path / "two.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    entry = StudyEntry(path="two.csv", id="both", control="vehicle")
    with pytest.raises(FileFormatError, match=r"two\.csv: expected one study for an id, found id"):
        named_studies((entry,), folder=tmp_path)
    one = named_studies((entry.model_copy(update={"study": "two"}),), folder=tmp_path)
    assert [named.id for named in one] == ["both"]
