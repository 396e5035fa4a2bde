"""``oncovivo survival``: its JSON, its options, its table and figures, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

# What scripts read.
ARM_KEYS = {
    "arm", "n", "events", "median", "median_lower", "median_upper", "rmst", "rmst_lower",
    "rmst_upper",
}  # fmt: skip
TEST_KEYS = {"test", "arms", "statistic", "df", "p_value", "exact", "p_adjusted"}
COX_KEYS = {"arm", "versus", "hazard_ratio", "lower", "upper", "p_value", "method"}
HEADER = "animal_id,treatment,time_days,event"


def write_rows(path: Path, rows: Sequence[Sequence[object]], header: str = HEADER) -> Path:
    lines = [header, *(",".join(str(cell) for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def arm_rows(arm: str, times: Sequence[float], events: Sequence[object]) -> list[list[object]]:
    pairs = zip(times, events, strict=True)
    return [[f"{arm}{i}", arm, time, event] for i, (time, event) in enumerate(pairs)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = arm_rows("vehicle", [6, 9, 11, 12, 14], [1, 1, 1, 1, 1])
    rows += arm_rows("low", [9, 13, 15, 17, 21], [1, 1, 1, 0, 1])
    rows += arm_rows("high", [18, 21, 24, 28, 28], [1, 1, 1, 0, 0])
    return write_rows(tmp_path / "a place" / ".." / "trial.csv", rows)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "a place").mkdir()


@pytest.fixture
def growth(tmp_path: Path) -> Path:
    """Doubling every two, four and eight days, read twice a week."""
    rows = [
        [f"{arm}{animal}", arm, day, 100 * (1 + animal / 50) * 2 ** (day / (span + animal / 4))]
        for arm, span in (("vehicle", 2), ("low", 4), ("high", 8))
        for animal in range(5)
        for day in (0, 3, 7, 10, 14)
    ]
    return write_rows(tmp_path / "growth.csv", rows, "animal_id,treatment,day,volume_mm3")


def study_of(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    (study,) = json.loads(outcome.out)["studies"]
    return dict(study)


def test_the_json_of_a_table_has_the_keys_of_the_contract(run_cli: RunCli, table: Path) -> None:
    outcome = run_cli("survival", str(table), "--control", "vehicle", "--json")
    whole = json.loads(outcome.out)
    assert whole["schema"] == "oncovivo.survival/1"
    assert whole["options"]["draws"] == 10_000
    study = study_of(outcome)
    assert study["event_definition"] == "event as recorded"
    assert [arm["arm"] for arm in study["arms"]] == ["vehicle", "low", "high"]
    assert all(set(arm) >= ARM_KEYS for arm in study["arms"])
    assert all(set(test) >= TEST_KEYS for test in study["tests"])
    assert all(set(row) >= COX_KEYS for row in study["cox"])
    assert all(set(row) == {"code", "message", "arm", "animal_id", "rows"}
               for row in study["warnings"])  # fmt: skip
    names = [(test["test"], len(test["arms"])) for test in study["tests"]]
    assert names == [
        ("log_rank", 3), ("peto_peto", 3), ("log_rank", 2), ("log_rank", 2),
        ("log_rank_permutation", 3), ("log_rank_permutation", 2), ("log_rank_permutation", 2),
    ]  # fmt: skip
    vehicle, _low, high = study["arms"]
    # By hand: the third of five times; of high 2 of 5 are censored at 28, so that S(24) = 0.4.
    assert (vehicle["median"], high["median"]) == (11, 24)
    # A curve that falls to 0 has the mean of its times; that of high is known up to 28.
    assert vehicle["rmst"] == pytest.approx((6 + 9 + 11 + 12 + 14) / 5)
    assert vehicle["tau"] == 28
    alone = {tuple(test["arms"]): test for test in study["tests"] if len(test["arms"]) == 2}
    exact = alone["high", "vehicle"]
    # No high animal is before a vehicle: the two most extreme of the 252 relabelings.
    assert (exact["p_value"], exact["exact"]) == (pytest.approx(2 / 252), True)


def test_the_same_file_gives_the_same_numbers_and_the_seed_moves_only_draws(
    run_cli: RunCli, table: Path
) -> None:
    def results(*more: str) -> dict[str, Any]:
        return study_of(run_cli("survival", str(table), "--control", "vehicle", "--json", *more))

    assert results() == results()
    other = results("--seed", "5")
    for key in ("arms", "cox", "curves"):
        assert results()[key] == other[key]


@pytest.mark.parametrize("named", [False, True])
def test_rows_in_another_order_and_arms_of_other_names_change_no_number(
    run_cli: RunCli, table: Path, tmp_path: Path, *, named: bool
) -> None:
    frame = pd.read_csv(table)
    control = "vehicle"
    if named:
        frame["treatment"] = frame["treatment"].replace({"vehicle": "zz", "low": "b = 2"})
        control = "zz"
    frame.iloc[::-1].to_csv(tmp_path / "other.csv", index=False)
    one = study_of(run_cli("survival", str(table), "--control", "vehicle", "--json"))
    two = study_of(
        run_cli("survival", str(tmp_path / "other.csv"), "--control", control, "--json")
    )

    def numbers(study: dict[str, Any]) -> list[list[object]]:
        found = [
            [arm[key] for key in ("n", "events", "median", "median_lower", "rmst")]
            for arm in study["arms"]
        ]
        found += [[row[key] for key in ("hazard_ratio", "lower", "upper")] for row in study["cox"]]
        return sorted(found, key=str)

    for ours, theirs in zip(numbers(one), numbers(two), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9)


def test_an_event_of_growth_is_tested_by_interval_and_shown_interpolated(
    run_cli: RunCli, growth: Path
) -> None:
    study = study_of(
        run_cli("survival", str(growth), "--control", "vehicle", "--event", "doubling", "--json")
    )
    assert study["event_time"] == {"shown": "interpolated", "tested": "interval"}
    assert study["event_definition"] == "volume at least 2 times the baseline"
    # Log-linear growth: doubling times are 2, 2.25 … 3, and the third is 2.5 days.
    assert study["arms"][0]["median"] == pytest.approx(2.5)
    assert study["arms"][0]["interval_median"] == [0, 3]
    assert {test["test"] for test in study["tests"]} == {
        "interval_log_rank", "interval_log_rank_permutation",
    }  # fmt: skip
    assert [row["distribution"] for row in study["accelerated_failure_time"]] == ["weibull"] * 2
    assert all(row["activity"] is not None for row in study["median_contrasts"])
    assert study["arms"][0]["n"] == len([a for a in study["animals"] if a["arm"] == "vehicle"])


def test_visit_times_are_those_of_the_visits(run_cli: RunCli, growth: Path) -> None:
    arguments = ("survival", str(growth), "--control", "vehicle", "--event", "doubling", "--json")
    study = study_of(run_cli(*arguments, "--event-time", "visit", "--interval", "log"))
    assert study["event_time"] == {"shown": "visit", "tested": "visit"}
    assert study["arms"][0]["median"] == 3
    assert {arm["limits"] for arm in study["arms"]} == {"log"}
    assert "log_rank" in {test["test"] for test in study["tests"]}


def test_an_arm_without_event_has_a_bound_and_firths_ratio(run_cli: RunCli, growth: Path) -> None:
    study = study_of(run_cli("survival", str(growth), "--control", "vehicle", "--json"))
    high = study["arms"][2]
    assert (high["events"], high["median"], high["greater_than"]) == (0, None, 14)
    assert high["status"] == "not_reached"
    methods = {row["arm"]: row["method"] for row in study["cox"]}
    assert methods["high"] == "firth"
    codes = {warning["code"]: warning["arm"] for warning in study["warnings"]}
    assert codes["arm_without_event"] == "high"
    contrast = study["median_contrasts"][1]
    assert contrast["ratio"] is None
    assert contrast["ratio_greater_than"] == pytest.approx(14 / study["arms"][0]["median"])


def test_reasons_for_leaving_compete_and_their_effect_is_shown(
    run_cli: RunCli, tmp_path: Path
) -> None:
    rows = arm_rows("vehicle", [5, 6, 8, 9], ["tumor_related"] * 4)
    rows += arm_rows("drug", [9, 12, 12, 14], ["toxicity", "volume_limit", "found_dead", "none"])
    path = write_rows(tmp_path / "causes.csv", rows, "animal_id,treatment,time_days,cause")
    study = study_of(run_cli("survival", str(path), "--control", "vehicle", "--json"))
    assert [arm["competing"] for arm in study["arms"]] == [0, 2]
    assert {row["taken"]: row["events"] for row in study["sensitivity"]} == {
        "as stated": 1, "competing as events": 3,
    }  # fmt: skip
    # Aalen-Johansen by hand: toxicity takes 1 of 4, found_dead 1 of the 3 left at 12.
    (drug,) = [row for row in study["cumulative_incidence"] if row["arm"] == "drug"]
    last = {cause["cause"]: cause["incidence"][-1] for cause in drug["causes"]}
    assert last["toxicity"] == pytest.approx(1 / 4)
    assert last["found_dead"] == pytest.approx(3 / 4 / 3)
    other = study_of(
        run_cli(
            "survival", str(path), "--control", "vehicle", "--reason", "toxicity=event", "--json"
        )
    )
    assert [arm["events"] for arm in other["arms"]] == [4, 2]
    assert "as stated for this analysis" in {rule["why"] for rule in other["reasons"]}


def test_doses_and_weights_add_their_tests(run_cli: RunCli, table: Path) -> None:
    doses = [
        ("--dose", f"{arm}={dose}") for arm, dose in (("vehicle", 0), ("low", 1), ("high", 4))
    ]
    flat = [word for pair in doses for word in pair]
    study = study_of(
        run_cli(
            "survival", str(table), "--control", "vehicle", "--json", *flat, "--weights", "0,1"
        )
    )
    found = {test["test"]: test for test in study["tests"]}
    assert found["trend"]["df"] == 1
    # Medians of 11, 15 and 24 days at rising doses.
    assert found["trend"]["p_value"] < 0.01
    assert "fleming_harrington" in found


def test_a_workbook_reads_as_the_text_does(run_cli: RunCli, table: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in table.read_text(encoding="utf-8").splitlines():
        cells = line.split(",")
        book.active.append([*cells[:2], *(float(c) if c.isdigit() else c for c in cells[2:])])
    book.save(tmp_path / "trial.xlsx")
    text = study_of(run_cli("survival", str(table), "--control", "vehicle", "--json"))
    sheet = study_of(
        run_cli("survival", str(tmp_path / "trial.xlsx"), "--control", "vehicle", "--json")
    )
    assert sheet["arms"] == text["arms"]
    assert sheet["cox"] == text["cox"]


def test_only_arms_strata_and_clusters_are_taken_from_the_table(
    run_cli: RunCli, tmp_path: Path
) -> None:
    rows = [
        [*row, sex, f"cage{number % 3}"]
        for number, row in enumerate(
            arm_rows("a", [3, 5, 6, 8, 9, 12], [1] * 6)
            + arm_rows("b", [4, 7, 9, 13, 15, 16], [1] * 6)
        )
        for sex in ("f" if number % 2 else "m",)
    ]
    path = write_rows(tmp_path / "t.csv", rows, f"{HEADER},sex,cage")
    arguments = ("survival", str(path), "--control", "a", "--json")
    plain = study_of(run_cli(*arguments))
    assert any("sex, cage" in warning["message"] for warning in plain["warnings"])
    robust = study_of(run_cli(*arguments, "--cluster", "cage"))
    assert robust["cox"][0]["method"] == "cox_robust"
    assert robust["cox"][0]["hazard_ratio"] == pytest.approx(plain["cox"][0]["hazard_ratio"])
    within = study_of(run_cli(*arguments, "--strata", "sex"))
    assert all(test["stratified"] for test in within["tests"])
    half = study_of(run_cli(*arguments, "--only", "sex=f"))
    assert sum(arm["n"] for arm in half["arms"]) == 6


def test_the_table_fits_a_terminal_and_names_the_seed(
    run_cli: RunCli, table: Path, growth: Path
) -> None:
    for path in (table, growth):
        outcome = run_cli("survival", str(path), "--control", "vehicle")
        assert outcome.code == 0
        assert max(map(len, outcome.out.splitlines())) <= 120
        assert "control vehicle" in outcome.out
        assert "seed " in outcome.out


def test_figures_and_the_table_are_written(run_cli: RunCli, growth: Path, tmp_path: Path) -> None:
    outcome = run_cli(
        "survival", str(growth), "--control", "vehicle", "--figure", str(tmp_path / "km.svg"),
        "-o", str(tmp_path / "km.csv"), "--event", "doubling",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    names = sorted(path.name for path in tmp_path.glob("km*"))
    assert names == ["km-follow-up.svg", "km-hazards.svg", "km.csv", "km.svg"]
    frame = pd.read_csv(tmp_path / "km.csv")
    assert list(frame["arm"]) == ["vehicle", "low", "high"]


ONE = arm_rows("vehicle", [3, 6, 7], [1, 1, 1])


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        (
            ONE + arm_rows("b", [-2, 8, 9], [1, 1, 1]),
            2,
            r"row 5, column time_days: expected a tim",
        ),
        (
            ONE + arm_rows("b", [0, 8, 9], [1, 1, 1]),
            2,
            r"row 5, column time_days: expected a time",
        ),
        (ONE + arm_rows("b", [4, 8, 9], [1, 2, 1]), 2, r"row 6, column event: expected 1 \(event"),
        (
            [*ONE, ["vehicle1", "b", 4, 1]],
            2,
            r"row 5, column animal_id: expected each animal once",
        ),
        (ONE, 3, "an arm beside the control"),
    ],
)
def test_bad_tables_get_one_line(
    run_cli: RunCli, tmp_path: Path, rows: list[list[object]], code: int, words: str
) -> None:
    path = write_rows(tmp_path / "bad.csv", rows)
    outcome = run_cli("survival", str(path), "--control", "vehicle")
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    import re

    assert re.search(words, outcome.err), outcome.err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--event", "nonsense"], "an event: doubling"),
        (["--cause", "x"], "a survival table for --cause"),
        (["--dose", "vehicle=1"], "doses of two arms"),
        (["--dose", "nobody=1", "--dose", "low=2"], "an arm: "),
        (["--dose", "low"], "ARM=DOSE"),
        (["--reason", "boredom=event"], "a reason for leaving"),
        (["--reason", "toxicity=nothing"], "what leaving for 'toxicity' means"),
        (["--weights", "1"], "two numbers"),
        (["--tau", "-3"], "a horizon above 0"),
        (["--figure", "km.pdf"], ".svg or .png"),
        (["--control", "nobody"], "the arms are: vehicle, low, high"),
    ],
)
def test_bad_options_get_one_line(
    run_cli: RunCli, growth: Path, more: list[str], words: str
) -> None:
    outcome = run_cli("survival", str(growth), "--control", "vehicle", *more)
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_without_any_event_the_result_says_so(run_cli: RunCli, tmp_path: Path) -> None:
    rows = arm_rows("vehicle", [7, 7], [0, 0]) + arm_rows("b", [7, 7], [0, 0])
    path = write_rows(tmp_path / "none.csv", rows)
    study = study_of(run_cli("survival", str(path), "--control", "vehicle", "--json"))
    assert "no_event" in {warning["code"] for warning in study["warnings"]}
    assert all(test["p_value"] in (None, 1.0) for test in study["tests"])
    assert all(row["status"] == "not_estimable" for row in study["cox"])


@pytest.mark.realdata
def test_the_rats_agree_with_r(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference("survival_mantel_rats")["sections"]["70_females"]["results"]
    study = study_of(
        run_cli(
            "survival",
            str(shared_data("survival_mantel_rats/survival.csv")),
            "--control",
            "control",
            "--only",
            "sex=f",
            "--interval",
            "log",
            "--tau",
            "100",
            "--json",
        )
    )
    tests = {test["test"]: test for test in study["tests"]}
    # Closed forms: the reference's own tolerance.
    for ours, theirs in (("log_rank", "logrank"), ("peto_peto", "peto_peto")):
        assert tests[ours]["statistic"] == pytest.approx(
            result["tests"][theirs]["chisq"], rel=1e-8
        )
    assert study["cox"][0]["hazard_ratio"] == pytest.approx(
        result["cox_efron"]["coef"]["exp(coef)"][0], rel=1e-5
    )
    means = dict(zip(result["rmst"]["table"]["g"], result["rmst"]["table"]["rmst"], strict=True))
    for arm in study["arms"]:
        assert arm["rmst"] == pytest.approx(means[arm["arm"]], rel=1e-8)
    zph = result["cox_efron"]["zph"]
    # Both are score tests of survival 3; the reference allows 1 % between versions.
    assert study["proportional_hazards"][0]["statistic"] == pytest.approx(
        zph["chisq"][0], rel=1e-2
    )


@pytest.mark.realdata
@pytest.mark.parametrize("multiple", [2, 4])
def test_visit_times_of_the_melanoma_agree_with_r(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
    multiple: int,
) -> None:
    sections = shared_reference("iowa_melanoma_a375")["sections"]
    result = sections[f"11_time_to_{multiple}x"]["results"]
    study = study_of(
        run_cli(
            "survival",
            str(shared_data("iowa_melanoma_a375/growth.csv")),
            "--control",
            "control",
            "--event",
            f"multiple:{multiple}",
            "--event-time",
            "visit",
            "--interval",
            "log",
            "--json",
        )
    )
    theirs = result["medians"]
    by_arm = {arm["arm"]: arm for arm in study["arms"]}
    for place, name in enumerate(theirs["arm"]):
        assert by_arm[name]["median"] == theirs["median"][place]
        assert by_arm[name]["median_lower"] == theirs["0.95LCL"][place]
        assert by_arm[name]["rmst"] == pytest.approx(theirs["rmean"][place], rel=1e-8)
    (whole,) = [t for t in study["tests"] if t["test"] == "log_rank" and len(t["arms"]) == 4]
    assert whole["statistic"] == pytest.approx(result["logrank"]["chisq"], rel=1e-8)
