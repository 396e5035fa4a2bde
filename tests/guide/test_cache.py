"""Kept results change no byte of a guide, and are never those of other inputs."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import TypeAdapter

from oncovivo.analyses import Bundle, GuideProject, read_project, run
from oncovivo.analyses import cache as cache_module
from oncovivo.analyses.cache import CACHE_FOLDER, ResultCache, program_digest
from oncovivo.analyses.design_protocol import ProtocolResult, build_protocol
from oncovivo.analyses.design_protocol_file import ProtocolFile
from oncovivo.analyses.guide_markers import PlacedMarkers
from oncovivo.analyses.kept_results import KeptResults
from oncovivo.analyses.project import MarkerEntry
from oncovivo.documents import Badge, Figure, Link, Section, Table, TableColumn, TableRow, Text
from oncovivo.guide import build_guide
from oncovivo.guide.block_trees import from_tree, to_tree
from oncovivo.guide.pictures import picture, pictures_kept
from oncovivo.references import Library

DAY = date(2026, 1, 2)
STUDY = """
[[study]]
path = "studies/s.csv"
control = "vehicle"
simulated = true
survival = false
"""
NUMBER = TypeAdapter(float)


@pytest.fixture
def with_study(project: Path) -> Path:
    """The small guide with an animal-level study of two arms."""
    (project / "studies").mkdir()
    rows = ["study,model,tumor_type,animal_id,treatment,day,volume_mm3"]
    for arm, rate in (("vehicle", 0.10), ("drug", 0.04)):
        for animal in range(5):
            for day in (0, 4, 8, 12):
                size = 100 * (1 + 0.03 * animal) * 2.718281828 ** ((rate + 0.004 * animal) * day)
                name = f"{arm[0]}{animal}"
                rows.append(f"S1,L1,renal cell carcinoma,{name},{arm},{day},{size:.4f}")
    (project / "studies" / "s.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    guide = project / "guide.toml"
    guide.write_text(guide.read_text(encoding="utf-8") + STUDY, encoding="utf-8")
    return project


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def kept_files(project: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project / CACHE_FOLDER).glob("*.json")}


def test_kept_cold_and_uncached_builds_are_the_same_bytes(with_study: Path) -> None:
    parent = with_study.parent
    plain = build_guide(with_study, parent / "plain", built=DAY).folder
    assert not (with_study / CACHE_FOLDER).exists()
    cold = build_guide(with_study, parent / "cold", built=DAY, cached=True).folder
    kept = kept_files(with_study)
    assert any(name.startswith("study-") for name in kept)
    assert any(name.startswith("picture-evidence-map-") for name in kept)
    warm = build_guide(with_study, parent / "warm", built=DAY, cached=True).folder
    assert kept_files(with_study) == kept
    assert contents(plain) == contents(cold) == contents(warm)
    assert (with_study / CACHE_FOLDER / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_changed_input_is_computed_and_the_old_result_forgotten(with_study: Path) -> None:
    parent = with_study.parent
    build_guide(with_study, parent / "out", built=DAY, cached=True)
    before = kept_files(with_study)
    data = with_study / "studies" / "s.csv"
    changed = data.read_text(encoding="utf-8").replace(
        "S1,L1,renal cell carcinoma,v0,vehicle,12,", "S1,L1,renal cell carcinoma,v0,vehicle,12,1"
    )
    data.write_text(changed, encoding="utf-8")
    cached = build_guide(with_study, parent / "out", built=DAY, cached=True).folder
    anew = build_guide(with_study, parent / "anew", built=DAY).folder
    assert contents(cached) == contents(anew)
    studies = [set(kept) for kept in (before, kept_files(with_study))]
    one, two = ({name for name in names if name.startswith("study-")} for names in studies)
    assert len(one) == len(two) == 1
    assert one != two


def results(project: Path) -> Bundle:
    """What is computed with the cache, without pages."""
    return run(read_project(project), built=DAY, cache=ResultCache(project / CACHE_FOLDER))


def test_an_option_in_guide_toml_is_an_input(with_study: Path) -> None:
    results(with_study)
    guide = with_study / "guide.toml"
    text = guide.read_text(encoding="utf-8")
    guide.write_text(text.replace("survival = false", "growth = false"), encoding="utf-8")
    (study,) = results(with_study).studies
    assert (study.growth, study.survival is not None) == (None, True)


def test_a_changed_claim_takes_the_study_from_the_cache(
    with_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = results(with_study)
    claims = with_study / "claims.toml"
    text = claims.read_text(encoding="utf-8").replace("was slower in", "was less in")
    claims.write_text(text, encoding="utf-8")

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the study was analysed again")

    monkeypatch.setattr("oncovivo.analyses.study_analysis.analyse_study", refuse)
    after = results(with_study)
    assert "was less in" in after.claims[0].text
    assert after.studies == before.studies


def test_damaged_files_are_computed_again(with_study: Path) -> None:
    sound = build_guide(with_study, with_study.parent / "out", built=DAY, cached=True)
    expected = contents(sound.folder)
    kept = kept_files(with_study)
    damages = (b"", b"\xff\xfe", b"half", b"[]\n{}", b"0" * 64 + b"\n[1]")
    for number, name in enumerate(sorted(kept)):
        (with_study / CACHE_FOLDER / name).write_bytes(damages[number % len(damages)])
    again = build_guide(with_study, with_study.parent / "out", built=DAY, cached=True)
    assert contents(again.folder) == expected
    assert kept_files(with_study) == kept


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"half", b"[]\n{}", b"0" * 64 + b"\n9.0"])
def test_no_kind_of_damage_is_taken_for_a_result(tmp_path: Path, damage: bytes) -> None:
    ResultCache(tmp_path / "c").get("x", [1], NUMBER, lambda: 1.5)
    (path,) = (tmp_path / "c").glob("*.json")
    path.write_bytes(damage)
    assert ResultCache(tmp_path / "c").get("x", [1], NUMBER, lambda: 1.5) == 1.5
    assert ResultCache(tmp_path / "c").get("x", [1], NUMBER, lambda: 2.5) == 1.5


def test_a_changed_digit_in_a_kept_file_is_noticed(tmp_path: Path) -> None:
    first = ResultCache(tmp_path / "c")
    assert first.get("x", [1], NUMBER, lambda: 1.5) == 1.5
    (path,) = (tmp_path / "c").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))
    assert ResultCache(tmp_path / "c").get("x", [1], NUMBER, lambda: 1.5) == 1.5


def test_another_program_another_kind_and_other_inputs_miss(tmp_path: Path) -> None:
    made: list[float] = []

    def compute() -> float:
        made.append(float(len(made)))
        return made[-1]

    for program, kind, inputs in (
        ("one", "x", [1]),
        ("two", "x", [1]),
        ("one", "y", [1]),
        ("one", "x", [2]),
        ("one", "x", ["1"]),
    ):
        ResultCache(tmp_path / "c", program=program).get(kind, inputs, NUMBER, compute)
    assert made == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert ResultCache(tmp_path / "c", program="two").get("x", [1], NUMBER, compute) == 1.0


def test_the_program_is_its_versions_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest() -> str:
        program_digest.cache_clear()
        return program_digest(tmp_path)

    (tmp_path / "laws.py").write_text("rate = 1", encoding="utf-8")
    first = digest()
    assert digest() == first
    (tmp_path / "laws.py").write_text("rate = 10", encoding="utf-8")
    second = digest()
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "a.toml").write_text("", encoding="utf-8")
    third = digest()
    monkeypatch.setattr(cache_module, "version", lambda _: "0.0.0")
    assert len({first, second, third, digest()}) == 4
    program_digest.cache_clear()


def test_what_has_no_key_is_computed_each_time(tmp_path: Path) -> None:
    kept = ResultCache(tmp_path / "c")
    assert kept.get("x", object(), NUMBER, lambda: 1.0) == 1.0
    assert kept.get("x", object(), NUMBER, lambda: 2.0) == 2.0
    assert not (tmp_path / "c").exists()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("a file", encoding="utf-8")
    kept = ResultCache(tmp_path / "c")
    assert kept.get("x", [1], NUMBER, lambda: 1.0) == 1.0
    kept.prune()
    assert (tmp_path / "c").read_text(encoding="utf-8") == "a file"


def test_only_what_was_kept_here_is_forgotten(tmp_path: Path) -> None:
    ResultCache(tmp_path / "c").get("x", [1], NUMBER, lambda: 1.0)
    (tmp_path / "c" / "mine.txt").write_text("mine", encoding="utf-8")
    kept = ResultCache(tmp_path / "c")
    kept.get("x", [2], NUMBER, lambda: 2.0)
    kept.prune()
    assert len(list((tmp_path / "c").glob("*.json"))) == 1
    assert kept.get("x", [2], NUMBER, lambda: 9.0) == 2.0
    assert (tmp_path / "c" / "mine.txt").is_file()


def test_a_picture_is_drawn_once_while_the_cache_is_open(tmp_path: Path) -> None:
    with pictures_kept(ResultCache(tmp_path / "c")):
        assert picture("p", 1, draw=lambda: "<svg/>") == "<svg/>"
        assert picture("p", 1, draw=lambda: "other") == "<svg/>"
    assert picture("p", 1, draw=lambda: "other") == "other"


def test_parts_of_a_document_come_back_as_they_were() -> None:
    section = Section(
        anchor="s",
        title="S",
        level=2,
        blocks=(
            Figure(
                anchor="f",
                svg="<svg/>",
                caption=(Text(content="a", style="strong"),),
                description="d",
            ),
            Table(
                anchor="t",
                caption=(),
                columns=(TableColumn(heading="h", width=0.5, align="right"),),
                rows=(
                    TableRow(
                        cells=((Link(content="l", target="f"), Badge(content="b", kind="info")),)
                    ),
                ),
            ),
        ),
    )
    assert from_tree(json.loads(json.dumps(to_tree(section)))) == section
    with pytest.raises(TypeError, match="Path is no part of a document"):
        to_tree(Path("x"))


def test_run_without_a_cache_keeps_nothing(with_study: Path) -> None:
    run(read_project(with_study), built=DAY)
    assert not (with_study / CACHE_FOLDER).exists()


def kept_for(project: Path) -> KeptResults:
    """The kept results of a project of which only the folder and the references matter."""
    shown = SimpleNamespace(folder=project, library=Library())
    return KeptResults(cast("GuideProject", shown), ResultCache(project / CACHE_FOLDER))


def test_markers_follow_from_every_file_below_their_folder(tmp_path: Path) -> None:
    study = tmp_path / "markers" / "one"
    study.mkdir(parents=True)
    (study / "markers.csv").write_text("a", encoding="utf-8")
    entry = MarkerEntry(path="markers")
    made: list[int] = []

    def compute() -> PlacedMarkers:
        made.append(1)
        return PlacedMarkers(
            section="markers",
            name="markers",
            source="",
            simulated=True,
            seed=len(made),
            engagement=None,
            treatments=(),
        )

    assert [kept_for(tmp_path).markers(entry, compute).seed for _ in range(2)] == [1, 1]
    (study / "markers.csv").write_text("b", encoding="utf-8")
    assert kept_for(tmp_path).markers(entry, compute).seed == 2
    assert kept_for(tmp_path).markers(MarkerEntry(path="markers/one"), compute).seed == 3


def test_a_protocol_follows_from_its_files_and_the_study_of_its_power_plan(tmp_path: Path) -> None:
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol" / "protocol.toml").write_text("", encoding="utf-8")
    plan = tmp_path / "protocol" / "power.toml"
    plan.write_text('[reference]\nfile = "../pilot"\n', encoding="utf-8")
    (tmp_path / "pilot").mkdir()
    (tmp_path / "pilot" / "study.toml").write_text("a", encoding="utf-8")
    file = ProtocolFile(
        path=tmp_path / "protocol" / "protocol.toml",
        title="T",
        version="1",
        remark="",
        authors=(),
        files={"power": "power.toml"},
        references=None,
        library=Library(),
        declared_arms=(),
        arm_names={},
        stated={},
    )
    assert "../pilot/study.toml" in file.places
    made: list[ProtocolResult] = []

    def compute() -> ProtocolResult:
        made.append(build_protocol(replace(file, files={})))
        return made[-1]

    def times() -> int:
        for _ in range(2):
            kept_for(tmp_path).protocol(file, compute)
        return len(made)

    assert times() == 1
    plan.write_text('[reference]\nfile = "../pilot" # changed\n', encoding="utf-8")
    assert times() == 2
    (tmp_path / "pilot" / "study.toml").write_text("b", encoding="utf-8")
    assert times() == 3
    plan.write_text("seed = 1\n", encoding="utf-8")
    assert list(file.places) == ["protocol.toml", "power.toml"]
