"""``oncovivo design endpoints``: its JSON, its table and files, and how it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.study_files import write_growth

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "examples" / "temsirolimus" / "protocol" / "endpoints.toml"


@pytest.fixture
def growth(tmp_path: Path) -> Path:
    return write_growth(tmp_path / "a place" / "growth.csv")


def read(run_cli: RunCli, *arguments: str | Path) -> dict[str, Any]:
    outcome = run_cli("design", "endpoints", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def test_each_reading_at_the_limit_is_an_alert(run_cli: RunCli, growth: Path) -> None:
    content = read(run_cli, growth, "--max-volume", "1000", "--zeros", "gone")
    (study,) = content["studies"]
    table = pd.read_csv(growth)
    beyond = table[table["volume_mm3"] >= 1000]
    assert len(beyond) > 3
    assert {(a["animal_id"], a["day"], a["value"]) for a in study["alerts"]} == {
        (row.animal_id, row.day, row.volume_mm3) for row in beyond.itertuples()
    }
    assert {(a["rule"], a["limit"]) for a in study["alerts"]} == {("volume", 1000)}
    assert content["schema"] == "oncovivo.design_endpoints/1"
    assert content["seed"] is None
    assert content["options"]["max_volume"] == 1000
    assert len(content["input"]["sha256"]) == 64


def test_each_animal_has_a_projection_or_a_reason(run_cli: RunCli, growth: Path) -> None:
    (study,) = read(run_cli, growth, "--max-volume", "5000", "--zeros", "gone")["studies"]
    assert not study["alerts"]
    projections = {p["animal_id"]: p for p in study["projections"]}
    assert len(projections) == 20
    # The first vehicle animal grows by 0.114 a day from 147 mm³: 5000 on day 30.9.
    first = projections["V1"]
    assert first["rate"] == pytest.approx(0.114, abs=0.004)
    assert first["day"] == pytest.approx(math.log(5000 / 147) / 0.114, abs=1.0)
    assert first["lower"] < first["day"] < first["upper"]
    for name, found in projections.items():
        if name.startswith("c"):
            assert found["day"] is None
            assert found["reason"].startswith("the tumor does not grow")


def test_animals_are_counted_by_the_days_asked_for(run_cli: RunCli, growth: Path) -> None:
    (study,) = read(
        run_cli, growth, "--max-volume", "1000", "--zeros", "gone", "--by-day", "60",
        "--by-day", "14",
    )["studies"]  # fmt: skip
    assert [c["day"] for c in study["counts"]] == [14.0] * 5 + [60.0] * 5
    late = {c["arm"]: c for c in study["counts"] if c["day"] == 60}
    assert late["Vehicle"]["n"] == late["Vehicle"]["reached"] == 5
    assert late["slow"]["expected"] == pytest.approx(5.0, abs=0.2)
    assert late["cures"]["expected"] == pytest.approx(0.0, abs=0.05)
    assert (late["cures"]["lower"], late["cures"]["upper"]) == (0, 0)
    assert late[None]["n"] == 20
    assert late[None]["expected"] == pytest.approx(
        sum(count["expected"] for arm, count in late.items() if arm is not None)
    )
    assert late[None]["lower"] <= late[None]["expected"] <= late[None]["upper"]
    assert late[None]["level"] == 0.95


def test_a_study_that_no_model_fits_has_its_alerts(run_cli: RunCli, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text(
        "animal_id,treatment,day,volume_mm3\nm1,vehicle,0,100\nm1,vehicle,7,1600\n"
        "m2,drug,0,100\nm2,drug,7,300\n",
        encoding="utf-8",
    )
    (study,) = read(run_cli, path, "--max-volume", "1500")["studies"]
    assert [a["animal_id"] for a in study["alerts"]] == ["m1"]
    reached, open_ = study["projections"]
    assert (reached["lower"], reached["day"], reached["upper"]) == (0, 7, 7)
    assert (open_["day"], open_["status"]) == (None, "not_estimable")
    assert "an arm with two animals or more" in open_["reason"]


def test_the_profile_of_the_example_is_looked_at(run_cli: RunCli, growth: Path) -> None:
    content = read(run_cli, growth, "--profile", PROFILE, "--zeros", "gone")
    rules = [rule["name"] for rule in content["options"]["rules"]["rules"]]
    (study,) = content["studies"]
    unread = {rule["rule"]: rule["reason"] for rule in study["rules_without_readings"]}
    assert "body condition" in unread
    assert {a["rule"] for a in study["alerts"]} <= set(rules)
    # The toxic arm loses 0.28 g a day: from day 14 on more than 15 % of 22 g.
    assert {a["animal_id"][0] for a in study["alerts"] if a["rule"] == "weight loss"} == {"t"}


def test_the_table_of_the_terminal_and_the_file_hold_the_same(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    out = tmp_path / "alerts.csv"
    outcome = run_cli(
        "design", "endpoints", growth, "--max-volume", "1000", "--zeros", "gone", "-o", out
    )
    assert outcome.code == 0
    assert "readings break a rule" in outcome.out
    read_ = pd.read_csv(growth)
    there = read_.loc[read_["volume_mm3"] >= 1000, "animal_id"].nunique()
    assert f"1000 mm³: {there} were there" in outcome.out
    table = pd.read_csv(out)
    assert set(table["kind"]) == {"limit", "projection"}
    assert (table["kind"] == "projection").sum() == 20
    assert (table["reason"] == "reached").sum() == there


def test_fail_leaves_with_one_when_an_animal_is_at_a_limit(run_cli: RunCli, growth: Path) -> None:
    base = ("design", "endpoints", growth, "--zeros", "gone", "--fail")
    assert run_cli(*base, "--max-volume", "1000").code == 1
    assert run_cli(*base, "--max-volume", "99999").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected a limit, found none; give --max-volume 1500"),
        (("--max-volume", "0"), "a positive limit, found 0"),
        (("--max-volume", "nan"), "a positive limit, found nan"),
        (("--max-volume", "1000", "--profile", PROFILE), "one limit of the volume"),
        (("--max-volume", "1000", "--horizon", "-1"), "a positive horizon in days"),
        (("--max-volume", "1000", "--by-day", "inf"), "study days"),
        (("--profile", "none.toml"), "files that can be read"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    run_cli: RunCli, growth: Path, arguments: tuple[str | Path, ...], message: str
) -> None:
    outcome = run_cli("design", "endpoints", growth, "--zeros", "gone", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.realdata
def test_a_real_study_has_alerts_and_projections(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    """Vismodegib in a trichoblastoma allograft: no tumor at 1500 mm³ when the readings end."""
    path = shared_data("genentech_vismodegib/growth.csv")
    table = pd.read_csv(path)
    (study,) = read(run_cli, path, "--max-volume", "600")["studies"]
    beyond = table[table["volume_mm3"] >= 600]
    assert {(a["animal_id"], a["day"]) for a in study["alerts"]} == {
        (str(row.animal_id), row.day) for row in beyond.itertuples()
    }
    assert len(study["projections"]) == table["animal_id"].nunique() == 46
    (later,) = read(run_cli, path, "--max-volume", "1500")["studies"]
    days = {p["animal_id"]: p["day"] for p in later["projections"] if p["arm"] == "dose_0.0"}
    assert all(day is not None and 30 < day < 60 for day in days.values())


def tumors(path: Path) -> Path:
    """Two arms of animals with two tumors each; the drug's slow down, the vehicle's do not."""
    rng = np.random.default_rng(8)
    lines = ["animal_id,treatment,day,volume_mm3"]
    for arm in ("vehicle", "drug"):
        for animal in range(5):
            for side in "lr":
                rate = 0.1 + 0.01 * rng.standard_normal()
                for day in (0, 3, 7, 10, 14, 17):
                    grown = rate * day if arm == "vehicle" else 1.4 * (1 - math.exp(-0.12 * day))
                    size = 120 * math.exp(grown + 0.05 * rng.standard_normal())
                    lines.append(f"{arm[0]}{animal}{side},{arm},{day},{size:.1f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


PAIRS = "[hosts]\n" + "".join(f'{a}{i} = ["{a}{i}l", "{a}{i}r"]\n' for a in "vd" for i in range(5))


def test_tumors_of_an_animal_are_projected_and_counted_together(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path, profile = tumors(tmp_path / "tumors.csv"), tmp_path / "profile.toml"
    profile.write_text(
        f'[[rule]]\nquantity = "total_volume"\nlimit = 2000\n{PAIRS}', encoding="utf-8"
    )
    (study,) = read(run_cli, path, "--profile", profile, "--by-day", "30")["studies"]
    assert (study["limit_mm3"], study["total_limit_mm3"]) == (None, 2000)
    assert [p["animal_id"] for p in study["projections"]] == [
        f"{arm}{number}" for arm in "vd" for number in range(5)
    ]
    assert {p["quantity"] for p in study["projections"]} == {"total_volume"}
    table = pd.read_csv(path)
    for found in study["projections"][:5]:
        own = table[table["animal_id"].str.startswith(found["animal_id"])]
        assert found["last_volume"] == pytest.approx(own.loc[own["day"] == 17, "volume_mm3"].sum())
        # Two tumors of 120 mm³ that grow by 0.1 a day: 2000 on day 21.
        assert found["day"] == pytest.approx(math.log(2000 / 240) / 0.1, abs=4)
    counts = {count["arm"]: count for count in study["counts"]}
    assert counts["vehicle"]["n"] == counts["drug"]["n"] == 5
    assert counts[None]["n"] == 10
    with_single = profile.read_text(encoding="utf-8").replace(
        "[[rule]]", '[[rule]]\nquantity = "volume"\nlimit = 1500\n[[rule]]', 1
    )
    profile.write_text(with_single, encoding="utf-8")
    (both,) = read(run_cli, path, "--profile", profile, "--by-day", "30")["studies"]
    assert len(both["projections"]) == 30
    assert both["projections"][20:] == study["projections"]
    assert "v0 (in all)" in run_cli("design", "endpoints", path, "--profile", profile).out


def test_growth_that_slows_is_told_and_its_projections_are_flagged(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = tumors(tmp_path / "tumors.csv")
    (study,) = read(run_cli, path, "--max-volume", "1500")["studies"]
    bends = {bend["arm"]: bend for bend in study["growth"]}
    assert (bends["vehicle"]["growth"], bends["drug"]["growth"]) == ("steady", "slowing")
    assert bends["drug"]["rate_last"] < bends["drug"]["rate"]
    for found in study["projections"]:
        if found["arm"] == "vehicle":
            assert (found["status"], found["growth"]) == ("ok", "steady")
            continue
        assert (found["status"], found["growth"]) == ("flagged", "slowing")
        assert found["reason"] == "growth of the arm is slowing: the day may be later"
        assert found["day"] is not None
        later = found["day_at_last_rate"]
        assert later is None or later > found["day"]
    shown = " ".join(run_cli("design", "endpoints", path, "--max-volume", "1500").out.split())
    assert "note: drug: growth is slowing, from +0." in shown
    assert "vehicle: growth is" not in shown


def test_an_animal_with_one_tumor_is_projected_to_the_limit_of_the_total(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text('[[rule]]\nquantity = "total_volume"\nlimit = 5000\n', encoding="utf-8")
    (total,) = read(run_cli, growth, "--profile", profile, "--zeros", "gone")["studies"]
    (single,) = read(run_cli, growth, "--max-volume", "5000", "--zeros", "gone")["studies"]
    assert total["projections"] == single["projections"]
    assert len(total["counts"]) == len(single["counts"]) > 0
    for mine, theirs in zip(total["counts"], single["counts"], strict=True):
        # The one is a complement of a product, the other a distribution function.
        assert mine == {**theirs, "expected": pytest.approx(theirs["expected"], abs=1e-9)}
