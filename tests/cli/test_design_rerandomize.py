"""``oncovivo design rerandomize``: the test by the recorded draw, and how it refuses."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from oncovivo.analyses.allocation import read_record
from oncovivo.analyses.rerandomization import RerandomizationOptions
from oncovivo.design import read_animals, rerandomization_test
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"
ANIMALS = EXAMPLE / "animals.csv"
STRONG = "temsirolimus 20 mg/kg"
DAYS = (0, 4, 8, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record, and a made-up study of its animals in which one arm grows slower."""
    from oncovivo.analyses.allocation import allocate_file, write_record

    place = tmp_path_factory.mktemp("a place")
    record = allocate_file(ANIMALS, EXAMPLE / "allocation.toml", seed=7).record
    write_record(record, place / "record.json")
    rng = np.random.default_rng(2)
    rows, rates = ["animal_id,treatment,day,volume_mm3"], ["animal_id,rate"]
    for animal in record.placements:
        rate = 0.11 - 0.05 * (animal.arm == STRONG) + 0.02 * rng.standard_normal()
        rates.append(f"{animal.animal_id},{rate!r}")
        rows += [
            f"{animal.animal_id},{animal.arm},{day},{150 * math.exp(rate * day)!r}" for day in DAYS
        ]
    (place / "growth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (place / "rates.csv").write_text("\n".join(rates) + "\n", encoding="utf-8")
    return place


def asked(run_cli: Run, folder: Path, *more: str | Path, file: str = "growth.csv") -> Outcome:
    return run_cli(
        "design", "rerandomize", folder / "record.json", folder / file, "--animals", ANIMALS, *more
    )


def found_tests(outcome: Outcome) -> dict[str, dict[str, Any]]:
    assert outcome.code == 0, outcome.err
    (study,) = json.loads(outcome.out)["studies"]
    return {test["arm"]: test for test in study["tests"]}


def test_each_arm_is_tested_against_the_control_of_the_record(run_cli: Run, folder: Path) -> None:
    outcome = asked(run_cli, folder, "--draws", "499", "--json")
    tests = found_tests(outcome)
    content = json.loads(outcome.out)
    assert content["schema"] == "oncovivo.design_rerandomize/1"
    assert content["options"]["control"] == "vehicle"
    assert content["options"]["record"]["name"] == "record.json"
    assert content["options"]["draws"] == 499
    assert isinstance(content["seed"], int)
    assert list(tests) == [
        "temsirolimus 2 mg/kg", "temsirolimus 20 mg/kg", "temsirolimus 20 mg/kg weekly",
    ]  # fmt: skip
    strong = tests[STRONG]
    assert (strong["versus"], strong["n"], strong["n_versus"]) == ("vehicle", 8, 14)
    assert strong["difference"] == pytest.approx(-0.05, abs=0.02)
    # No draw of 499 may be as far: 1 / 500, three times that by Holm.
    assert strong["p_value"] == strong["smallest_p"] == pytest.approx(0.002)
    assert strong["p_holm"] == pytest.approx(0.006)
    others = [test["p_value"] for arm, test in tests.items() if arm != STRONG]
    assert min(others) > 0.02
    assert {test["status"] for test in tests.values()} == {"ok"}
    outcomes = content["studies"][0]["outcomes"]
    rates = dict(csv.reader((folder / "rates.csv").read_text(encoding="utf-8").splitlines()))
    for row in outcomes:
        # The volumes are exact exponentials.
        assert row["outcome"] == pytest.approx(float(rates[row["animal_id"]]), abs=1e-9)


def test_the_p_value_is_that_of_the_function_with_the_seed(run_cli: Run, folder: Path) -> None:
    arguments = ("--column", "rate", "--seed", "5", "--draws", "199", "--json")
    found = found_tests(asked(run_cli, folder, *arguments, file="rates.csv"))
    table = pd.read_csv(folder / "rates.csv")
    record = read_record(folder / "record.json")
    streams = np.random.SeedSequence(5).spawn(4)
    place = record.design.arm_names.index("temsirolimus 2 mg/kg")
    test = rerandomization_test(
        record,
        read_animals(ANIMALS).animals,
        dict(zip(table["animal_id"], table["rate"], strict=True)),
        arm="temsirolimus 2 mg/kg",
        versus="vehicle",
        draws=199,
        rng=np.random.default_rng(streams[place]),
    )
    assert found["temsirolimus 2 mg/kg"]["p_value"] == test.p_value
    # Another arm less, and the others stay as they were.
    alone = found_tests(asked(run_cli, folder, *arguments, "--arms", STRONG, file="rates.csv"))
    assert list(alone) == [STRONG]
    assert alone[STRONG]["p_value"] == found[STRONG]["p_value"]
    again = asked(run_cli, folder, *arguments, file="rates.csv")
    assert found_tests(again) == found


def test_the_outcome_may_be_the_volume_on_a_day(run_cli: Run, folder: Path) -> None:
    arguments = ("--outcome", "log_volume", "--day", "12", "--draws", "99", "--json")
    found = found_tests(asked(run_cli, folder, *arguments))
    rate = found_tests(asked(run_cli, folder, "--draws", "99", "--json"))
    # All start at one volume: 12 days of the difference of rates.
    assert found[STRONG]["difference"] == pytest.approx(12 * rate[STRONG]["difference"])


def test_another_control_turns_the_difference_round(run_cli: Run, folder: Path) -> None:
    arguments = ("--control", STRONG, "--arms", "vehicle", "--draws", "99", "--json")
    (found,) = found_tests(asked(run_cli, folder, *arguments)).values()
    assert (found["arm"], found["versus"]) == ("vehicle", STRONG)
    assert found["difference"] > 0


def test_the_terminal_and_the_table_show_the_tests(
    run_cli: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "tests.csv"
    outcome = asked(run_cli, folder, "--draws", "99", "-o", out)
    assert outcome.code == 0
    shown = " ".join(outcome.out.split())
    assert "growth rate, per day" in shown
    assert "exchange places between the two arms within sex, balanced as the recorded" in shown
    assert "temsirolimus 20 mg/kg 8 vehicle 14 -0.0" in shown
    assert pd.read_csv(out)["arm"].tolist()[1] == STRONG


@pytest.mark.parametrize(
    ("more", "file", "code", "message"),
    [
        (("--control", "placebo"), "growth.csv", 2, "an arm of the record: vehicle, "),
        (("--arms", "vehicle"), "growth.csv", 2, "an arm beside the control, found none"),
        (("--outcome", "log_volume"), "growth.csv", 2, "a day with the outcome log_volume"),
        (("--day", "12"), "growth.csv", 2, "found day 12 with rate"),
        (
            ("--outcome", "log_volume", "--day", "5"),
            "growth.csv",
            2,
            "a day with readings: 0, 4, 8, 12, found 5",
        ),
        (("--outcome", "size"), "growth.csv", 2, "--outcome"),
        (("--draws", "0"), "growth.csv", 2, "one draw or more, found 0"),
        (("--column", "size"), "rates.csv", 2, "the columns animal_id and size"),
        (("--column", "rate", "--outcome", "log_volume"), "rates.csv", 2, "found both"),
        (("--column", "rate"), "few.csv", 3, "an outcome of every animal of the two arms"),
        (("--column", "rate"), "twice.csv", 2, "row 3, column animal_id: expected one row"),
        ((), "moved.csv", 1, "expected arm 'vehicle' of the record, found 'temsirolimus"),
        ((), "two.csv", 2, "expected one study, found a, "),
        ((), "short.csv", 3, "an outcome of every animal of the two arms"),
        ((), "nothing.csv", 2, "nothing.csv"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_one_line(
    run_cli: Run, folder: Path, more: tuple[str, ...], file: str, code: int, message: str
) -> None:
    rates = (folder / "rates.csv").read_text(encoding="utf-8").splitlines()
    growth = (folder / "growth.csv").read_text(encoding="utf-8").splitlines()
    first = next(line for line in growth if ",vehicle," in line).split(",")[0]
    made = {
        "few.csv": rates[:5],
        "twice.csv": [*rates[:2], *rates[1:]],
        "moved.csv": [
            line.replace(",vehicle,", f",{STRONG},") if line.startswith(first) else line
            for line in growth
        ],
        "two.csv": [
            f"study,{growth[0]}",
            *(f"{name},{line}" for name in "ab" for line in growth[1:]),
        ],
        "short.csv": [line for line in growth if not line.startswith(first) or ",0," in line],
    }
    if file in made:
        (folder / file).write_text("\n".join(made[file]) + "\n", encoding="utf-8")
    outcome = asked(run_cli, folder, *more, file=file)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


def test_other_animals_than_those_of_the_record_are_found(
    run_cli: Run, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "animals.csv"
    text = ANIMALS.read_text(encoding="utf-8").replace("24.3", "24.4", 1)
    other.write_text(text, encoding="utf-8")
    outcome = run_cli(
        *("design", "rerandomize", folder / "record.json", folder / "growth.csv"),
        *("--animals", other),
    )
    assert outcome.code == 1
    assert "the animals of the record" in outcome.err


def test_a_record_without_a_control_asks_for_one(
    run_cli: Run, folder: Path, tmp_path: Path
) -> None:
    design = tmp_path / "design.toml"
    design.write_text(
        'method = "complete"\n[eligibility]\nvolume_mm3 = "any"\n'
        '[[arms]]\nname = "a"\n[[arms]]\nname = "b"\n',
        encoding="utf-8",
    )
    record = tmp_path / "record.json"
    run_cli("design", "allocate", ANIMALS, "--design", design, "--record", record)
    outcome = run_cli(
        *("design", "rerandomize", record, folder / "rates.csv", "--animals", ANIMALS),
        *("--column", "rate"),
    )
    assert outcome.code == 2
    assert "a control: a, b, found none" in outcome.err
    assert "--control" in outcome.err


def test_arms_that_share_no_block_are_said_beside_those_that_do(
    run_cli: Run, tmp_path: Path
) -> None:
    """Four animals in blocks of two: the control shares its block with one arm of three."""
    animals, design, record = (tmp_path / n for n in ("animals.csv", "design.toml", "record.json"))
    rows = "".join(f"M{i},{120 + i}\n" for i in range(4))
    animals.write_text(f"animal_id,volume_mm3\n{rows}", encoding="utf-8")
    arms = "".join(f'[[arms]]\nname = "{name}"\n' for name in "abcd")
    design.write_text(
        f'method = "permuted_blocks"\nblock_size = 2\ncontrol = "a"\n{arms}', encoding="utf-8"
    )
    run_cli("design", "allocate", animals, "--design", design, "--record", record)
    arm_of = read_record(record).arm_of()
    low = [arm_of["M0"], arm_of["M1"]]
    block = low if "a" in low else [arm_of["M2"], arm_of["M3"]]
    (partner,) = set(block) - {"a"}
    outcome = tmp_path / "outcome.csv"
    outcome.write_text("animal_id,score\nM0,0\nM1,1\nM2,2\nM3,3\n", encoding="utf-8")
    command = ("design", "rerandomize", record, outcome, "--animals", animals, "--column", "score")
    tests = found_tests(run_cli(*command, "--draws", "99", "--json"))
    for arm, test in tests.items():
        if arm == partner:
            assert (test["status"], test["n_units"]) == ("ok", 2)
            assert test["p_holm"] == test["p_value"] == 1.0
        else:
            assert test["status"] == "not_estimable"
            assert test["p_value"] is test["p_holm"] is None
            assert "share a stratum or block" in test["reason"]
    assert "no test: " in run_cli(*command, "--draws", "99").out
    (other,) = [name for name in "bcd" if name != partner][:1]
    refused = run_cli(*command, "--arms", other)
    assert refused.code == 3
    assert "both arms in one stratum or block" in refused.err


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="an outcome: rate or log_volume"):
        RerandomizationOptions(outcome="size")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the name of a column"):
        RerandomizationOptions(outcome="column")
