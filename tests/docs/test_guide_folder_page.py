"""The study file on the page about a guide's files can be read, and its words are all there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import get_args

from oncovivo.analyses.project import MarkerEntry, SimulationEntry, StudyEntry
from oncovivo.evidence import META_COLUMNS, SIMULATION_COLUMNS, STUDY_COLUMNS, read_claims
from oncovivo.evidence.quality import QUALITY_COLUMNS, TOOLS, read_quality
from oncovivo.evidence.vocabulary import words
from oncovivo.studies import LeavingReason, read_study

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "guide-folder.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTION = TEXT.split("## studies/<id>/")[1]
CLAIMS = TEXT.split("### Claims on a simulation")[1].split("\n## ")[0]
ON_POOLS = TEXT.split("### Claims on pooled rows")[1].split("\n### ")[0]
ON_QUALITY = TEXT.split("## evidence/quality.csv")[1].split("\n## ")[0]
ON_STUDIES = TEXT.split("### Claims on a study")[1].split("\n### ")[0]


def test_the_study_file_is_read(tmp_path: Path) -> None:
    block = next(
        dedent(part)
        for part in re.findall(r"(?:^    .*\n|^\n)+", SECTION, flags=re.MULTILINE)
        if "[line]" in part
    )
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    (tmp_path / "measurements.csv").write_text(
        "animal_id,arm,day,volume_mm3\n1,Vehicle,0,100\n1,Vehicle,7,200\n", encoding="utf-8"
    )
    (study,) = read_study(tmp_path)
    assert study.randomized is True
    assert study.limit_mm3 == 14


def test_every_reason_for_leaving_is_named() -> None:
    assert [word for word in get_args(LeavingReason) if f"`{word}`" not in SECTION] == []


def test_every_column_of_a_simulation_is_described() -> None:
    described = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", CLAIMS, flags=re.MULTILINE))
    assert list(described) == [column.name for column in SIMULATION_COLUMNS]
    for column in SIMULATION_COLUMNS:
        assert described[column.name].startswith(column.text)
    assert [word for word in words("simulated_direction") if f"`{word}`" not in CLAIMS] == []


def test_the_claim_on_a_simulation_is_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(dedent(CLAIMS[CLAIMS.index("    [[claim]]") :].split("\n\n")[0]), "utf-8")
    (claim,) = read_claims(path)
    assert claim.simulated


def test_the_entry_of_a_simulation_on_the_page_is_one() -> None:
    entry = TEXT[TEXT.index("    [[simulation]]") :].split("\n\n")[0]
    found = tomllib.loads(dedent(entry))["simulation"][0]
    assert SimulationEntry.model_validate(found).name == "mouse_exposure"


def test_every_column_of_a_study_is_described_with_its_words() -> None:
    described = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", ON_STUDIES, flags=re.MULTILINE))
    assert list(described) == [column.name for column in STUDY_COLUMNS]
    for column in STUDY_COLUMNS:
        assert described[column.name].startswith(column.text)
        known = words(column.words) if column.words not in ("", "null_model") else ()
        assert [word for word in known if f"`{word}` (" not in described[column.name]] == []


def test_the_claim_on_a_study_is_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    sample = ON_STUDIES[ON_STUDIES.index("    [[claim]]") :].split("\n\n")[0]
    path.write_text(dedent(sample), "utf-8")
    (claim,) = read_claims(path)
    assert claim.origin is not None
    assert (claim.origin.kind.word, claim.origin.name) == ("study", "four-arm")


def test_the_entry_of_a_study_on_the_page_is_one() -> None:
    entry = TEXT[TEXT.index("    [[study]]") : TEXT.index("    [[simulation]]")]
    found = StudyEntry.model_validate(tomllib.loads(dedent(entry))["study"][0])
    assert found.id == "four-arm"
    assert found.combination[0].null == ("bliss", "hsa", "response_additivity")


def test_every_column_of_what_is_pooled_is_described_with_its_words() -> None:
    described = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", ON_POOLS, flags=re.MULTILINE))
    assert list(described) == [column.name for column in META_COLUMNS]
    for column in META_COLUMNS:
        assert described[column.name].startswith(column.text)
        known = words(column.words) if column.words.startswith("pool_") else ()
        assert [word for word in known if f"`{word}` (" not in described[column.name]] == []


def test_the_claim_on_what_is_pooled_is_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    sample = ON_POOLS[ON_POOLS.index("    [[claim]]") :].split("\n\n")[0]
    path.write_text(dedent(sample), "utf-8")
    (claim,) = read_claims(path)
    assert claim.origin is not None
    assert (claim.origin.kind.word, claim.origin.name) == ("meta", "RCC")


def test_the_ratings_on_the_page_are_read(tmp_path: Path) -> None:
    path = tmp_path / "quality.csv"
    sample = ON_QUALITY[ON_QUALITY.index("    source,study") :].split("\n\n")[0]
    path.write_text(dedent(sample) + "\n", "utf-8")
    (rating,) = read_quality(path, reference_keys=["author2001"])
    assert rating.meaning == "unclear"
    assert f"`{', '.join(QUALITY_COLUMNS)}`" in ON_QUALITY
    assert [name for name in TOOLS if f"`{name}`" not in ON_QUALITY] == []


def test_every_field_of_a_marker_entry_is_on_the_page() -> None:
    block = TEXT.split("    [[marker]]")[1].split("\n\n")[0]
    entry = tomllib.loads(dedent("\n".join(block.splitlines()[1:])))
    assert set(entry) == set(MarkerEntry.model_fields)
    assert MarkerEntry.model_validate(entry).features == ("mutations.csv",)
