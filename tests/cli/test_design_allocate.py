"""``oncovivo design allocate``: what it prints, writes, seals, repeats and refuses."""

from __future__ import annotations

import csv
import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses.allocation import allocate_file, read_record, record_to_dict
from oncovivo.errors import FileFormatError
from tests.cli.conftest import Outcome

PROTOCOL = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"
ANIMALS = PROTOCOL / "animals.csv"
DESIGN = PROTOCOL / "allocation.toml"
Run = Callable[..., Outcome]


def asked(run_cli: Run, *more: str | Path) -> dict[str, Any]:
    outcome = run_cli("design", "allocate", ANIMALS, "--design", DESIGN, *more, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_json_holds_who_gets_what_and_what_repeats_it(run_cli: Run) -> None:
    found = asked(run_cli)
    assert found["schema"] == "oncovivo.allocation_result/1"
    assert found["input"]["name"] == "animals.csv"
    assert found["options"]["design"]["name"] == "allocation.toml"
    assert found["options"]["seed_source"] == "digest"
    assert (found["method"], found["blinded"], found["warnings"]) == ("restricted", False, [])
    listed = {row["animal_id"]: row for row in rows(ANIMALS)}
    placed = {place["animal_id"]: place for place in found["allocation"]}
    assert {animal["animal_id"]: animal["reason"] for animal in found["excluded"]} == {
        "M01": "baseline volume 243 mm³ above 200 mm³",
        "M09": "tumor ulcerated (made up)",
    }
    assert set(placed) == set(listed) - {"M01", "M09"}
    for name, place in placed.items():
        assert place["volume_mm3"] == float(listed[name]["volume_mm3"])
        assert place["stratum"] == f"sex {listed[name]['sex']}"
        assert len(place["measuring"]) == len(place["dosing"]) == 3
    sizes = {arm["arm"]: arm["n"] for arm in found["arms"]}
    # 38 animals: √3 / (√3 + 3) of them are 13.9, and 8.03 in each of the others.
    assert sizes == {
        "vehicle": 14,
        "temsirolimus 2 mg/kg": 8,
        "temsirolimus 20 mg/kg": 8,
        "temsirolimus 20 mg/kg weekly": 8,
    }
    assert found["score"] <= found["threshold"]
    assert found["candidates"] == 10_000
    assert found["n_accepted"] >= 1000
    assert found["cages"]["unit"] == "animal"
    assert found["cages"]["n_cages"] == 10
    assert found["record"]["seed"] == found["seed"]
    assert found["record"]["placements"] == found["allocation"]


def test_the_seed_is_the_options_then_the_files_then_that_of_the_digest(
    run_cli: Run, tmp_path: Path
) -> None:
    by_digest = asked(run_cli)
    assert asked(run_cli) == by_digest
    given = asked(run_cli, "--seed", "5")
    assert (given["seed"], given["options"]["seed_source"]) == (5, "given")
    assert given["allocation"] != by_digest["allocation"]
    seeded = tmp_path / "seeded.toml"
    seeded.write_text("seed = 5\n" + DESIGN.read_text(encoding="utf-8"), encoding="utf-8")
    from_file = allocate_file(ANIMALS, seeded)
    assert (from_file.record.seed, from_file.seed_source) == (5, "file")
    assert from_file.to_dict()["allocation"] == given["allocation"]


def test_the_table_and_the_record_are_written(run_cli: Run, tmp_path: Path) -> None:
    out, record = tmp_path / "new" / "allocation.csv", tmp_path / "record.json"
    found = asked(run_cli, "-o", out, "--record", record)
    table = rows(out)
    assert [row["animal_id"] for row in table] == [p["animal_id"] for p in found["allocation"]]
    assert [row["arm"] for row in table] == [p["arm"] for p in found["allocation"]]
    assert [row["dosing_order_2"] for row in table] == [
        str(place["dosing"][1]) for place in found["allocation"]
    ]
    assert record_to_dict(read_record(record)) == json.loads(record.read_text(encoding="utf-8"))
    again = run_cli("design", "allocate", ANIMALS, "--repeat", record, "--json")
    assert again.code == 0
    repeated = json.loads(again.out)
    assert repeated["allocation"] == found["allocation"]
    assert repeated["options"]["seed_source"] == "record"


def test_a_record_that_was_changed_does_not_repeat(run_cli: Run, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    found = asked(run_cli, "--record", record)
    text = record.read_text(encoding="utf-8")
    first = found["allocation"][0]
    other = "vehicle" if first["arm"] != "vehicle" else "temsirolimus 2 mg/kg"
    changed = text.replace(f'"arm": "{first["arm"]}"', f'"arm": "{other}"', 1)
    record.write_text(changed, encoding="utf-8")
    outcome = run_cli("design", "allocate", ANIMALS, "--repeat", record)
    assert outcome.code == 1
    assert f"record, animal 'M02', arm: expected {first['arm']}, found {other}" in outcome.err
    record.write_text(text, encoding="utf-8")
    animals = tmp_path / "animals.csv"
    animals.write_text(
        ANIMALS.read_text(encoding="utf-8").replace("M02,C01,female,183", "M02,C01,female,184"),
        encoding="utf-8",
    )
    outcome = run_cli("design", "allocate", animals, "--repeat", record)
    assert outcome.code == 1
    assert "the animals of the record" in outcome.err


@pytest.mark.parametrize("as_json", [True, False])
def test_behind_a_key_nothing_else_tells_the_arms(
    run_cli: Run,
    tmp_path: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    out, key = tmp_path / "allocation.csv", tmp_path / "sealed" / "key.csv"
    outcome = run_cli(
        *("design", "allocate", ANIMALS, "--design", DESIGN, "-o", out, "--key", key),
        *(["--json"] if as_json else []),
    )
    assert outcome.code == 0
    letters = {row["letter"]: row["arm"] for row in rows(key)}
    assert sorted(letters) == ["A", "B", "C", "D"]
    table = rows(out)
    assert "arm" not in table[0]
    plain = allocate_file(ANIMALS, DESIGN).record
    assert {row["animal_id"]: letters[row["letter"]] for row in table} == dict(plain.arm_of())
    assert {row["seed"] for row in rows(key)} == {str(plain.seed)}
    body = outcome.out
    if as_json:
        content = json.loads(body)
        assert content["blinded"]
        assert content["seed"] is content["record"] is None
        assert {place["arm"] for place in content["allocation"]} == {None}
        assert [arm["letter"] for arm in content["arms"]] == ["A", "B", "C", "D"]
        # The title is the study's own.
        body = json.dumps({**content, "title": ""}, ensure_ascii=False)
    assert str(plain.seed) not in body
    for arm in letters.values():
        assert arm not in body.replace("vehicle and three", "")


def test_the_terminal_shows_arms_exclusions_balance_seed_and_advice(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = run_cli("design", "allocate", ANIMALS, "--design", DESIGN)
    assert outcome.code == 0
    record = allocate_file(ANIMALS, DESIGN).record
    shown = " ".join(outcome.out.split())
    assert f"M02 {record.placements[0].arm} {record.placements[0].letter} C01 183 24.3" in shown
    assert "M01 baseline volume 243 mm³ above 200 mm³" in shown
    assert "restricted randomization within sex" in shown
    assert f"imbalance {record.score:.3f}, accepted up to {record.threshold:.3f}" in shown
    assert "the most balanced 10% of 10,000 candidates" in shown
    assert f"seed {record.seed}, from the digest of the files" in shown
    assert "10 of 10 cages hold several arms" in shown


def test_warnings_are_shown(run_cli: Run, tmp_path: Path) -> None:
    animals = tmp_path / "animals.csv"
    animals.write_text("mouse,cage,tv\n1,A,150\n2,A,120\n3,B,130\n4,B,125\n", encoding="utf-8")
    design = tmp_path / "design.toml"
    text = 'method = "cage"\n[[arms]]\nname = "vehicle"\n[[arms]]\nname = "drug"\n'
    design.write_text(text, encoding="utf-8")
    outcome = run_cli("design", "allocate", animals, "--design", design)
    assert outcome.code == 0
    shown = " ".join(outcome.out.split())
    assert "warning: only 2 different allocations" in shown
    assert "is a single cage" in shown
    assert "the experimental unit is the cage, n is 2 cages and not 4 animals" in shown
    content = json.loads(run_cli("design", "allocate", animals, "--design", design, "--json").out)
    codes = [warning["code"] for warning in content["warnings"]]
    assert codes == ["single_cage", "few_allocations", "fixed_pairs"]


LIST = "animal_id,volume_mm3,cage\nM1,150,A\nM2,160,A\nM3,140,A\n"
TOML = 'method = "complete"\n[[arms]]\nname = "a"\n[[arms]]\nname = "b"\n'
FOUR = TOML + '[[arms]]\nname = "c"\n[[arms]]\nname = "d"\n'


@pytest.mark.parametrize(
    ("animals", "design", "code", "message"),
    [
        (LIST, FOUR, 3, "expected at least 4 eligible animals for 4 arms, found 3"),
        (LIST, TOML.replace("complete", "cage"), 3, "at least 2 cages for 2 arms, found 1"),
        (LIST.replace("160", ""), TOML, 3, "animal 'M2': expected a baseline volume, found none"),
        (LIST.replace("volume_mm3", "size"), TOML, 3, "expected a baseline volume, found none"),
        (
            LIST,
            TOML.replace("[[arms]]", "[eligibility]\nvolume_mm3 = [200, 100]\n[[arms]]", 1),
            2,
            "expected a smallest value below the largest, found 200 to 100",
        ),
        (LIST.replace("M2", "M1"), TOML, 2, "row 3, column animal_id: expected one row for each"),
        (LIST, TOML.replace("complete", "coin"), 2, "the design of an allocation"),
    ],
)
def test_bad_input_is_one_line(
    run_cli: Run, tmp_path: Path, animals: str, design: str, code: int, message: str
) -> None:
    (tmp_path / "animals.csv").write_text(animals, encoding="utf-8")
    (tmp_path / "design.toml").write_text(design, encoding="utf-8")
    outcome = run_cli(
        "design", "allocate", tmp_path / "animals.csv", "--design", tmp_path / "design.toml"
    )
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


def test_the_command_line_has_to_make_sense(run_cli: Run, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    asked(run_cli, "--record", record)
    both = ("design", "allocate", ANIMALS, "--design", DESIGN)
    for arguments, message in (
        (("design", "allocate", ANIMALS), "either --design FILE.toml or --repeat FILE.json"),
        ((*both, "--repeat", record), "found both"),
        (("design", "allocate", ANIMALS, "--repeat", record, "--seed", "1"), "no --seed"),
        ((*both, "-o", tmp_path / "a.txt"), "a file ending in .csv, .xlsx, .html or .pdf"),
        ((*both, "--sheet", tmp_path / "a.csv"), "a file ending in .html or .pdf"),
        ((*both, "--key", tmp_path / "a.pdf"), "a file ending in .csv or .xlsx"),
        ((*both, "-o", tmp_path / "a.csv", "--key", tmp_path / "a.csv"), "one twice"),
        ((*both, "--record", tmp_path), "choose another file with --record"),
        ((*both, "--map", "volume_mm3=size"), "a column 'size'"),
    ):
        outcome = run_cli(*arguments)
        assert outcome.code == 2, arguments
        assert message in outcome.err


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with pytest.raises(FileFormatError, match="expected a record of an allocation"):
        read_record(path)
    path.write_bytes(b"\xff")
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_record(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(FileFormatError, match="a record of an allocation"):
        read_record(path)
    record = allocate_file(ANIMALS, DESIGN, seed=1).record
    content = record_to_dict(replace(record, warnings=()))
    path.write_text(json.dumps({**content, "seed": "1"}), encoding="utf-8")
    with pytest.raises(FileFormatError, match="correct seed"):
        read_record(path)


def test_the_animals_of_the_example_are_simulated_and_say_so() -> None:
    made = runpy.run_path(str(PROTOCOL / "simulate_animals.py"))["simulated_animals"]()
    assert made == ANIMALS.read_text(encoding="utf-8")
    assert {row["simulated"] for row in rows(ANIMALS)} == {"yes"}
    assert "simulated" in DESIGN.read_text(encoding="utf-8").split("[eligibility]")[0]
