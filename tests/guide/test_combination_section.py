"""Combinations in a guide: sentence, pictures, table and remarks are those of the study."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from oncovivo.analyses.project import CombinationEntry, StudyEntry
from oncovivo.analyses.study_results import StudyResult, analyse_studies
from oncovivo.analyses.synergy_result import SynergyAnalysis
from oncovivo.combination.wording import answer_sentence, index_limits
from oncovivo.documents import Figure, Listing, Paragraph, Section, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError
from oncovivo.evidence import read_identifiers
from oncovivo.growth.wording import p_text
from oncovivo.guide.combination_blocks import combination_sections

RATES = {"V": 0.11, "A": 0.08, "B": 0.07, "AB": 0.02}
THREE = {
    **{"V": 0.12, "A": 0.09, "B": 0.08, "C": 0.10},
    **{"AB": 0.02, "AC": 0.07, "BC": 0.10, "ABC": -0.01},
}
WOBBLE = (0.05, -0.04, 0.02, -0.05, 0.03, -0.01)
PLAIN = {
    "V": "vehicle po qd x21",
    "A": "drugA 10 mg/kg po qd x21",
    "B": "drugB 5 mg/kg ip qd x21",
    "AB": "drugA 10 mg/kg po qd x21 + drugB 5 mg/kg ip qd x21",
}
OTHER = {**PLAIN, "AB": "drugA 20 mg/kg po qd x21 + drugB 5 mg/kg ip qd x21"}
ASKED = CombinationEntry(
    a="A", b="B", combination="AB", null=("bliss", "hsa"), scale=("growth_rate", "auc")
)

Analyse = Callable[..., StudyResult]


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn, and not written: what they show is told elsewhere."""

    def write(drawn: object, *, title: str) -> str:
        assert drawn is not None
        return f"<svg><title>{title}</title></svg>"

    monkeypatch.setattr("oncovivo.guide.combination_blocks.to_svg", write)


@pytest.fixture
def analyse(tmp_path: Path) -> Analyse:
    """Write a study folder and ask it for combinations, as a guide does."""

    def call(
        *asked: CombinationEntry,
        rates: Mapping[str, float] = RATES,
        regimens: Mapping[str, str] | None = None,
        simulated: bool = False,
        entry: Mapping[str, object] | None = None,
    ) -> StudyResult:
        folder = tmp_path / "made"
        folder.mkdir()
        head = 'title = "Made up"\nsource = "made for a test"\nbaseline_day = 0\n'
        head += "simulated = true\n" if simulated else ""
        stated = regimens or {}
        arms = "".join(
            f'[[arm]]\nname = "{arm}"\nrole = "not_stated"\n'
            + (f'regimen = "{stated[arm]}"\n' if arm in stated else "")
            for arm in rates
        )
        (folder / "study.toml").write_text(f'{head}[line]\nname = "786-O"\n{arms}', "utf-8")
        with (folder / "measurements.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["animal_id", "arm", "day", "volume_mm3"])
            for arm, rate in rates.items():
                for i in range(5):
                    for place, day in enumerate(range(0, 22, 3)):
                        wobble = WOBBLE[(place * (i + 2) + len(arm)) % 6]
                        volume = 150 * math.exp((rate + 0.006 * (i - 2)) * day + wobble)
                        rows.writerow([f"{arm}{i}", arm, day, f"{volume:.6g}"])
        listed = StudyEntry.model_validate(
            {
                **{"path": "made", "control": "V", "growth": False, "survival": False},
                **{"combination": asked, **(entry or {})},
            }
        )
        (found,) = analyse_studies((listed,), folder=tmp_path, identifiers=read_identifiers())
        return found

    return call


def result_of(study: StudyResult, number: int = 0) -> SynergyAnalysis:
    result = study.combinations[number].result
    assert result is not None
    return result


def words_of(section: Section) -> str:
    (first, *_) = section.blocks
    assert isinstance(first, Paragraph)
    return plain(first.content)


def remarks_of(section: Section) -> list[str]:
    return [
        plain(item)
        for block in section.blocks
        if isinstance(block, Listing)
        for item in block.items
    ]


def table_of(section: Section) -> Table:
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    return table


def figures_of(section: Section) -> list[Figure]:
    return [block for block in section.blocks if isinstance(block, Figure)]


def test_the_section_says_the_first_answer_and_shows_them_all(analyse: Analyse) -> None:
    study = analyse(ASKED)
    result = result_of(study)
    (section,) = combination_sections([study], "combinations")
    assert section.title == "AB, Made up"
    said = words_of(section)
    assert said.startswith(answer_sentence(result.results[0], result.n_by_arm))
    assert "SIMULATED" not in said.upper()
    table = table_of(section)
    headings = [column.heading for column in table.columns]
    rows = [dict(zip(headings, map(plain, row.cells), strict=True)) for row in table.rows]
    assert [(row["Null model"], row["Scale"]) for row in rows] == [
        ("Bliss independence", "growth rate"),
        ("Bliss independence", "area under the curve"),
        ("highest single agent", "growth rate"),
        ("highest single agent", "area under the curve"),
    ]
    for row, one in zip(rows, result.results, strict=True):
        assert row["Day"] == "21"
        assert one.index is not None
        assert row["Index"] == f"{one.index:.2f}"
        assert row["Limits"] == index_limits(one)
        assert one.p_value is not None
        assert row["p"] == p_text(one.p_value)
        assert row["Could find"] == f"{one.detectable_index:.2f}"
        assert row["Verdict"] == one.verdict.replace("_", " ")
        assert row["Remark"] == one.reason
    assert "95 % limits" in plain(table.caption)
    assert [figure.anchor.split("-")[1] for figure in figures_of(section)] == [
        *("foreseen", "index", "synergy")
    ]


def test_remarks_hold_the_other_tests_and_every_warning_once(analyse: Analyse) -> None:
    study = analyse(ASKED.model_copy(update={"scale": ("growth_rate", "hazard")}))
    result = result_of(study)
    (section,) = combination_sections([study], "combinations")
    said = remarks_of(section)
    for band, name in zip(
        result.bands, ("Bliss independence", "highest single agent"), strict=True
    ):
        assert band.p_value is not None
        assert f"Over all days together, {name}: synergy, p {p_text(band.p_value)}." in said
    (one,) = result.interactions
    (factorial,) = (words for words in said if "factorial" in words)
    # A minus, not a hyphen, before what is below zero.
    assert f"−{abs(one.estimate):.3g}" in factorial.replace("0 per", " per")
    assert "Cluster-robust errors (CR2) give the same verdicts." in said
    assert "Event of hazards and median times: volume at least 4 times the baseline." in said
    for warning in result.warnings:
        of = f" ({warning.arm})" if warning.arm else ""
        words = f"{warning.message[0].upper()}{warning.message[1:]}{of}."
        assert said.count(words) == 1
    assert "penalized" in plain(table_of(section).rows[2].cells[-1])


def test_a_differing_robust_verdict_is_told_with_its_p(analyse: Analyse) -> None:
    study = analyse(ASKED)
    (asked,), result = study.combinations, result_of(study)
    both = result.sensitivity[0]
    robust = replace(both.robust, verdict="not_shown", p_value=0.0762)
    turned = replace(result, sensitivity=(replace(both, robust=robust), *result.sensitivity[1:]))
    changed = replace(study, combinations=(replace(asked, result=turned),))
    (section,) = combination_sections([changed], "combinations")
    said = remarks_of(section)
    assert (
        "With cluster-robust errors (CR2), Bliss independence on the growth rate is not shown "
        "(p 0.076)." in said
    )
    assert not any("same verdicts" in words for words in said)


def test_doses_are_refused_with_the_reason_until_they_are_accepted(analyse: Analyse) -> None:
    taken = ASKED.model_copy(update={"doses": "accept"})
    study = analyse(ASKED, taken, regimens=OTHER)
    refused, accepted = combination_sections([study], "combinations")
    assert study.combinations[0].result is None
    said = words_of(refused)
    assert said.startswith("No answer on AB: ")
    assert "drugA" in said
    assert len(refused.blocks) == 1
    assert any(
        "does not give what the arms of the partners give" in w for w in remarks_of(accepted)
    )
    assert refused.anchor != accepted.anchor


def test_equal_doses_are_said(analyse: Analyse) -> None:
    (section,) = combination_sections([analyse(ASKED, regimens=PLAIN)], "combinations")
    assert "The combination gives each partner as its own arm does." in remarks_of(section)
    assert not any("not stated" in words for words in remarks_of(section))


def test_simulated_animals_are_marked_everywhere(analyse: Analyse) -> None:
    (section,) = combination_sections([analyse(ASKED, simulated=True)], "combinations")
    assert words_of(section).upper().startswith("SIMULATED")
    for figure in figures_of(section):
        assert figure.description.startswith("Simulated. ")
        assert "imulated" in plain(figure.caption)
        assert "simulated" in figure.svg
    assert "imulated" in plain(table_of(section).caption)


def test_what_the_entry_asks_is_what_is_asked(analyse: Analyse) -> None:
    asked = CombinationEntry(
        **{"a": "A", "b": "B", "c": "C", "combination": "ABC", "ac": "AC", "day": 15},
        **{"null": ("hsa", "bliss"), "scale": ("relative_volume", "hazard")},
    )
    study = analyse(asked, rates=THREE, entry={"event": "doubling", "baseline_day": 3})
    result = result_of(study)
    assert result.arms is not None
    assert result.arms.partners == ("A", "B", "C")
    assert [pair.arm for pair in result.arms.pairs] == ["AC"]
    on_sizes = [one for one in result.results if one.scale == "relative_volume"]
    assert [(one.null, one.day, one.time) for one in on_sizes[:2]] == [
        *(("hsa", 15, 12), ("bliss", 15, 12))
    ]
    assert {one.scale for one in result.results} == {"relative_volume", "hazard"}
    assert result.event == "volume at least 2 times the baseline"
    (section,) = combination_sections([study], "combinations")
    assert table_of(section).columns[0].heading == "Combination"
    curves = [f for f in figures_of(section) if f.anchor.startswith("figure-foreseen")]
    assert len(curves) == 2
    assert any("for AC" in words for words in remarks_of(section))
    # The description of each figure speaks of its own combination's answers.
    own = [one for one in result.results if one.arms.combination == "AC"]
    assert f"{own[0].index:.2f}" in curves[1].description


def test_a_combination_stands_in_its_chapter_only(analyse: Analyse) -> None:
    other = ASKED.model_copy(update={"section": "mechanism"})
    study = analyse(ASKED, other)
    (here,) = combination_sections([study], "combinations")
    (there,) = combination_sections([study], "mechanism")
    assert (here.anchor[-2:], there.anchor[-2:]) == ("-1", "-2")
    assert combination_sections([study], "summary") == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [({"a": "a"}, "write 'A'"), ({"b": "A"}, "two roles"), ({"ac": "B"}, "name the third")],
)
def test_a_wrong_entry_is_named(analyse: Analyse, given: dict[str, str], said: str) -> None:
    with pytest.raises(FileFormatError, match=said) as refused:
        analyse(ASKED.model_copy(update=given))
    assert "combination 'AB'" in refused.value.where
