"""``oncovivo growth``: its JSON, its options, its table and figures, and how it refuses."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd
import pytest

from oncovivo.growth.compare import compare
from oncovivo.growth.data import growth_data
from oncovivo.growth.fit import fit_growth
from oncovivo.studies import read_study

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

ARMS = {"Vehicle": 0.11, "slow": 0.07, "stop": 0.0}
DAYS = (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0)
CONTROL = ("--control", "Vehicle")

# What scripts read: the keys of a study, of its tables, and of the whole.
STUDY_KEYS = {
    "model", "rates", "contrasts", "variance", "log_likelihood", "likelihood", "converged",
    "singular", "n_animals", "n_observations", "warnings",
}  # fmt: skip
RATE_KEYS = {"arm", "estimate", "std_error", "df", "lower", "upper"}
CONTRAST_KEYS = {
    "arm", "versus", "estimate", "std_error", "df", "statistic", "p_value", "p_adjusted",
    "lower", "upper", "lower_simultaneous", "upper_simultaneous",
}  # fmt: skip
VARIANCE_KEYS = {"sd_intercept", "sd_slope", "correlation", "sd_residual"}


def write_study(
    path: Path,
    arms: Mapping[str, float] = ARMS,
    *,
    animals: int | Mapping[str, int] = 5,
    days: tuple[float, ...] = DAYS,
    columns: str = "animal_id,treatment,day,volume_mm3",
    scale: float = 1.0,
    size: Callable[[str, int, float, float], float] = lambda _arm, _animal, _day, value: value,
    more: Callable[[int, int], str] = lambda _arm, _animal: "",
) -> Path:
    """Exponential growth from 150 mm³, with spread between and within animals."""
    draw = random.Random(1)
    lines = [columns]
    for number, (arm, rate) in enumerate(arms.items()):
        for animal in range(animals if isinstance(animals, int) else animals[arm]):
            start, slope = draw.gauss(0.0, 0.3), draw.gauss(rate, 0.02)
            quoted = '"' + arm.replace('"', '""') + '"'
            for day in days:
                value = 150.0 * math.exp(start + slope * day + draw.gauss(0.0, 0.1))
                read = scale * size(arm, animal, day, value)
                lines.append(
                    f"{number}_{animal},{quoted},{day:g},{read:.6g}{more(number, animal)}"
                )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "a place" / "grówth.csv")


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """Cages of two, a few tumors that vanish for a day, and arms that start apart."""
    return write_study(
        tmp_path / "rich.csv",
        animals=6,
        columns="animal_id,treatment,day,volume_mm3,cage",
        size=lambda arm, animal, day, value: (
            0.0 if (arm, animal, day) in {("stop", 1, 10.0), ("stop", 2, 14.0)} else value
        ),
        more=lambda arm, animal: f",{'abcd'[(arm + animal) % 4]}",
    )


def no_constant(name: str) -> NoReturn:
    pytest.fail(f"{name} in JSON")


def parsed(text: str) -> dict[str, Any]:
    """The one object on stdout, without NaN or infinity."""
    content = json.loads(text, parse_constant=no_constant)
    assert isinstance(content, dict)
    return content


def studies_of(done: Outcome) -> list[dict[str, Any]]:
    found = parsed(done.out)["studies"]
    assert isinstance(found, list)
    return found


def one(done: Outcome) -> dict[str, Any]:
    """The one study of a command that went well."""
    assert (done.code, done.err) == (0, "")
    (found,) = studies_of(done)
    assert found["status"] == "ok"
    return found


def codes(found: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in found["warnings"]}


def test_the_json_holds_what_scripts_read(run_cli: RunCli, study: Path) -> None:
    done = run_cli("growth", study, *CONTROL, "--json")
    content = parsed(done.out)
    assert content["schema"] == "oncovivo.growth/1"
    assert {"schema", "input", "options", "seed", "warnings", "studies"} <= content.keys()
    found = one(done)
    assert found.keys() >= STUDY_KEYS
    assert [rate["arm"] for rate in found["rates"]] == list(ARMS)
    assert all(rate.keys() >= RATE_KEYS for rate in found["rates"])
    assert [row["arm"] for row in found["contrasts"]] == ["slow", "stop"]
    assert all(row.keys() == CONTRAST_KEYS for row in found["contrasts"])
    assert found["variance"].keys() >= VARIANCE_KEYS
    assert (found["n_animals"], found["n_observations"]) == (15, 105)
    assert (found["likelihood"], found["converged"], found["singular"]) == ("REML", True, False)
    assert found["warnings"] == []
    for row in found["contrasts"]:
        assert row["versus"] == "Vehicle"
        assert row["lower_simultaneous"] < row["lower"] < row["estimate"] < row["upper"]
        assert row["p_adjusted"] > row["p_value"]
        # The design is balanced.
        assert row["df"] == pytest.approx(12)


def test_the_options_of_the_json_show_every_default(run_cli: RunCli, study: Path) -> None:
    content = parsed(run_cli("growth", study, *CONTROL, "--json").out)
    assert content["options"] == {
        "study": None,
        "line": None,
        "arms": [],
        "mapping": {},
        "baseline_day": None,
        "limit_mm3": None,
        "zeros": None,
        "below_limit": "censored",
        "formula": None,
        "units": {},
        "day_zero": None,
        "date_order": None,
        "sheets": None,
        "only_sheets": [],
        "control": "Vehicle",
        "model": {
            "baseline": "outcome",
            "intercept": "common",
            "time": {"kind": "linear", "knots": []},
            "covariates": [],
            "random": "intercept_slope",
            "groups": [],
            "residual": "iid",
            "df": "kr",
            "likelihood": "REML",
        },
        "adjustment": "dunnett",
        "day": None,
        "level": 0.95,
        "laws": False,
        "bootstrap": None,
    }
    found = studies_of(run_cli("growth", study, *CONTROL, "--json"))[0]["model"]
    assert found["inference"] == "Kenward-Roger"
    assert found["rate"] == "slope of log size, natural log per day"


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--baseline", "ratio"), {"rates", "contrasts", "n_observations"}),
        (("--intercept", "arm"), {"rates", "contrasts"}),
        (("--df", "satterthwaite"), {"contrasts"}),
        (("--df", "cr2"), {"contrasts"}),
        (("--residual", "arm"), {"contrasts", "variance", "log_likelihood"}),
        (("--residual", "car1"), {"variance", "log_likelihood"}),
        (("--residual", "arm_car1"), {"contrasts", "variance", "log_likelihood"}),
        (("--residual", "animal", "--df", "cr2"), {"contrasts", "variance", "log_likelihood"}),
        (("--random", "slope"), {"contrasts", "variance", "log_likelihood"}),
        (("--random", "intercept"), {"contrasts", "variance", "log_likelihood"}),
        (("--random", "intercept_slope_independent"), {"variance", "log_likelihood"}),
        (("--group", "cage"), {"variance", "log_likelihood"}),
        (("--covariate", "cage"), {"contrasts", "log_likelihood"}),
        (("--covariate", "log_baseline"), {"contrasts", "log_likelihood", "n_observations"}),
        (("--time", "piecewise", "--knots", "7,14"), {"rates", "contrasts", "log_likelihood"}),
        (("--time", "spline", "--knots", "10"), {"rates", "contrasts", "log_likelihood"}),
        (("--likelihood", "ML"), {"likelihood", "log_likelihood", "variance"}),
        (("--adjust", "holm"), {"contrasts", "family"}),
        (("--adjust", "tukey"), {"contrasts", "family"}),
        (("--adjust", "none"), {"contrasts", "family"}),
        (("--day", "14"), {"day", "effects"}),
        (("--level", "0.8"), {"rates", "contrasts", "effects", "level"}),
        (("--baseline-day", "3"), {"rates", "contrasts", "baseline_day", "n_observations"}),
        (("--arms", "slow"), {"rates", "contrasts", "n_animals", "log_likelihood"}),
        (("--below-limit", "censored"), {"likelihood", "n_censored", "n_observations"}),
        (("--bootstrap", "99"), {"bootstrap"}),
        (("--laws",), {"laws"}),
    ],
)
def test_every_option_changes_what_it_should(
    run_cli: RunCli, rich: Path, options: tuple[str, ...], parts: set[str]
) -> None:
    command = ("growth", rich, *CONTROL, "--below-limit", "omitted", "--json")
    plain, other = one(run_cli(*command)), one(run_cli(*command, *options))
    assert parts <= {key for key in plain if plain[key] != other[key]}


def test_what_was_chosen_is_in_the_model_of_the_json(run_cli: RunCli, rich: Path) -> None:
    options = ("--group", "cage", "--time", "piecewise", "--knots", "10", "--df", "satterthwaite")
    found = one(run_cli("growth", rich, *CONTROL, "--below-limit", "omitted", *options, "--json"))[
        "model"
    ]
    assert found["groups"] == ["cage"]
    assert found["time"] == {"kind": "piecewise", "knots": [10.0]}
    assert found["df"] == "satterthwaite"
    assert found["inference"].startswith("Satterthwaite")
    assert found["rate"] == "average rate from the baseline over 21 days, natural log per day"


def test_the_ratio_model_has_no_random_intercept(run_cli: RunCli, study: Path) -> None:
    found = one(run_cli("growth", study, *CONTROL, "--baseline", "ratio", "--json"))
    assert found["model"]["random"] == "slope"
    assert found["variance"]["sd_intercept"] is None
    assert found["variance"]["correlation"] is None


def test_the_same_command_prints_the_same_bytes_and_the_seed_is_told(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "leavers.csv",
        size=lambda arm, animal, day, value: value * (3 if arm == "Vehicle" and animal < 3 else 1),
    )
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in lines[1:] if float(row.split(",")[3]) < 1500]
    assert len(kept) < len(lines) - 1
    path.write_text("\n".join([lines[0], *kept]) + "\n", encoding="utf-8")
    command = ("growth", path, *CONTROL, "--json")
    first, second = run_cli(*command), run_cli(*command)
    assert first.out == second.out
    seeded = run_cli(*command, "--seed", "7")
    assert parsed(seeded.out)["seed"] == 7
    # Only what is drawn hangs on it.
    one_seed, other_seed = one(first), one(seeded)
    assert one_seed["dropout"] != other_seed["dropout"]
    assert one_seed["contrasts"] == other_seed["contrasts"]


def test_the_table_fits_a_terminal_and_names_what_it_shows(
    run_cli: RunCli, rich: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (80, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        for adjust in ("dunnett", "tukey", "none"):
            done = run_cli(
                "growth", rich, *CONTROL, "--below-limit", "omitted", "--adjust", adjust
            )
            assert done.code == 0
            lines = done.out.splitlines()
            assert max(map(len, lines)) <= width
            assert done.out.count("nan") == 0
            for heading in (
                "Growth rates, natural log per day, 95% intervals",
                f"Differences of rates, {adjust.capitalize()} · Kenward-Roger",
                "Size of the effect against Vehicle, day 21",
                "Who left, and does it matter",
                "Residuals and single animals",
            ):
                assert heading in lines
            assert any("slow − Vehicle" in row for row in lines) is (adjust == "tukey")
            assert ("adjusted p" in done.out) is (adjust != "none")
            assert lines[-1].startswith("seed ")


def test_strange_names_of_arms_are_printed_as_they_are(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = {"Vehicle [bold]": 0.11, '[red]µ[/red] → "q", 治療': 0.05, "long " * 18 + "x": 0.02}
    path = write_study(tmp_path / "strange.csv", names)
    figure = tmp_path / "strange.svg"
    done = run_cli("growth", path, "--control", "Vehicle [bold]", "--figure", figure)
    assert done.code == 0
    assert '[red]µ[/red] → "q", 治療' in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    found = one(run_cli("growth", path, "--control", "Vehicle [bold]", "--json"))
    assert {row["versus"] for row in found["contrasts"]} == {"Vehicle [bold]"}
    assert figure.read_text(encoding="utf-8").count("Vehicle [bold]") > 0


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_table_file_holds_the_contrasts_of_the_json(
    run_cli: RunCli, study: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "new folder" / f"table.{ending}"
    found = one(run_cli("growth", study, *CONTROL, "--json", "-o", path))
    table = pd.read_csv(path) if ending == "csv" else pd.read_excel(path, engine="openpyxl")
    assert list(table.columns) == ["study", "line", *found["contrasts"][0]]
    assert table["arm"].tolist() == ["slow", "stop"]
    for row, contrast in enumerate(found["contrasts"]):
        for key in ("estimate", "std_error", "p_adjusted", "upper_simultaneous"):
            assert table[key][row] == pytest.approx(contrast[key], rel=1e-15)


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_a_figure_is_two_files_curves_and_contrasts(
    run_cli: RunCli, study: Path, tmp_path: Path, ending: str, start: bytes
) -> None:
    done = run_cli("growth", study, *CONTROL, "--json", "--figure", tmp_path / f"model.{ending}")
    assert one(done)["n_animals"] == 15
    written = sorted(path.name for path in tmp_path.glob("*.*"))
    assert written == [f"model-contrasts.{ending}", f"model.{ending}"]
    for name in written:
        assert (tmp_path / name).read_bytes().startswith(start)


def test_without_a_control_the_arms_are_listed_and_one_is_suggested(
    run_cli: RunCli, study: Path
) -> None:
    for given in ([], ["--control", "Vehikel"], ["--control", ""]):
        done = run_cli("growth", study, *given)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1
        assert "Vehicle, slow, stop" in done.err
        assert '--control "Vehicle"' in done.err


def two_studies(study: Path, **changes: str) -> Path:
    """The same study twice, the second with some words changed."""
    header, *lines = study.read_text(encoding="utf-8").splitlines()
    rows = [f"study,{header}"]
    for name in ("A", "B"):
        for line in lines:
            row = line
            for old, new in changes.items() if name == "B" else ():
                row = row.replace(old, new)
            rows.append(f"{name},{name}{row}")
    path = study.with_name("two.csv")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_study_without_the_control_is_skipped_with_its_reason_and_fails(
    run_cli: RunCli, study: Path
) -> None:
    path = two_studies(study, Vehicle="Saline")
    figure, table = study.with_name("m.svg"), study.with_name("t.csv")
    done = run_cli("growth", path, *CONTROL, "--json", "--figure", figure, "-o", table)
    assert (done.code, done.err) == (1, "")
    analysed, skipped = studies_of(done)
    assert (analysed["study"], analysed["status"]) == ("A", "ok")
    assert (skipped["study"], skipped["status"]) == ("B", "not_estimable")
    assert skipped["reason"] == "expected the control arm 'Vehicle', found Saline, slow, stop"
    assert skipped.keys() >= STUDY_KEYS
    assert (skipped["rates"], skipped["variance"]) == ([], None)
    assert figure.exists()
    assert set(pd.read_csv(table)["study"]) == {"A"}
    shown = run_cli("growth", path, *CONTROL)
    assert shown.code == 1
    assert "B was not analysed: expected the control arm" in shown.out.replace("\n", " ")


def test_a_study_that_an_option_does_not_fit_is_skipped_beside_one_that_it_fits(
    run_cli: RunCli, study: Path
) -> None:
    path = two_studies(study)
    rows = path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if not (row.startswith("B") and float(row.split(",")[3]) > 12)]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    options = ("--time", "piecewise", "--knots", "14")
    done = run_cli("growth", path, *CONTROL, *options, "--json")
    assert done.code == 1
    analysed, skipped = studies_of(done)
    assert analysed["status"] == "ok"
    assert "knots before 10 days from the baseline" in skipped["reason"]
    alone = run_cli("growth", path, *CONTROL, *options, "--study", "B")
    assert alone.code == 2
    assert "knots before 10 days" in alone.err


def test_several_studies_have_numbered_figures(run_cli: RunCli, study: Path) -> None:
    done = run_cli("growth", two_studies(study), *CONTROL, "--figure", study.with_name("f.svg"))
    assert done.code == 0
    assert sorted(path.name for path in study.parent.glob("f*.svg")) == [
        "f-1-contrasts.svg", "f-1.svg", "f-2-contrasts.svg", "f-2.svg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--group", "cage"], 2, "a factor of the animals: none, found 'cage'"),
        (["--covariate", "sex"], 2, "a covariate of the data: log_baseline, found 'sex'"),
        (["--covariate", "log_baseline"] * 2, 2, "each covariate and group once"),
        (["--knots", "7"], 2, "linear with 1 knots"),
        (["--time", "spline"], 2, "spline with 0 knots"),
        (["--time", "spline", "--knots", "40"], 2, "knots before 21 days"),
        (["--time", "piecewise", "--knots", "a"], 2, "days, separated by commas"),
        (["--time", "piecewise", "--knots", "nan"], 2, "knots that rise from above day 0"),
        (["--time", "spline", "--knots", "1,2,3,4,5,6,7,8"], 3, "fewer knots"),
        (["--residual", "animal"], 2, "df 'cr2' with a residual variance for each animal"),
        (["--baseline", "ratio", "--intercept", "arm"], 2, "there is no intercept"),
        (["--day", "0"], 2, "a day after the baseline, day 0"),
        (["--day", "nan"], 2, "a day after the baseline, day 0"),
        (["--day", "1e9"], 2, "a day within 10 times the follow-up of 21 days"),
        (["--baseline-day", "21"], 3, "two readings or more, found one reading per animal"),
        (["--baseline-day", "99"], 3, "a baseline day with readings"),
        (["--arms", "Vehicle"], 3, "another arm beside the control"),
        (["--arms", "slow,other"], 2, "other"),
        (["--study", "other"], 2, "other"),
        (["--level", "0.4"], 2, "--level"),
        (["--limit", "-3"], 2, "limit"),
        (["--df", "z"], 2, "--df"),
        (["--figure", "model.pdf"], 2, "a name ending in .svg or .png"),
        (["-o", "table.ods"], 2, ".csv or .xlsx"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_one_object(
    run_cli: RunCli, study: Path, arguments: list[str], code: int, said: str
) -> None:
    command = ["growth", study, *CONTROL, *arguments]
    done = run_cli(*command)
    assert (done.code, done.out) == (code, "")
    assert done.err.count("\n") == 1
    assert said in done.err
    as_json = run_cli(*command, "--json")
    assert as_json.code == code
    error = parsed(as_json.out)["error"]
    assert error.keys() == {"code", "expected", "found", "where", "mend"}


def test_a_figure_that_cannot_be_written_is_one_line(run_cli: RunCli, study: Path) -> None:
    done = run_cli("growth", study, *CONTROL, "--figure", study / "model.svg")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--figure" in done.err


@pytest.mark.parametrize(
    ("animals", "days", "said"),
    [
        (1, DAYS, "an arm with two animals or more, found 3 animals in 3 arms"),
        (5, (0.0,), "animals with two readings or more, found one reading per animal"),
    ],
)
def test_too_few_animals_or_readings_are_one_line(
    run_cli: RunCli, tmp_path: Path, animals: int, days: tuple[float, ...], said: str
) -> None:
    path = write_study(tmp_path / "few.csv", animals=animals, days=days)
    done = run_cli("growth", path, *CONTROL)
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (lambda _arm, _animal, _day, _value: 0.0, "a tumor that was measured, found all 105"),
        (lambda _arm, _animal, _day, _value: 99.0, "sizes that differ, found 105 equal readings"),
        (
            lambda _arm, _animal, day, _value: math.exp(4 + day / 9),
            "differ from their arm's curve",
        ),
        (
            lambda _arm, animal, day, _value: 9 + animal * 4 ** (0.1 * day),
            "a volume of 0 or more",
        ),
    ],
)
def test_sizes_that_carry_no_model_are_one_line(
    run_cli: RunCli, tmp_path: Path, size: Callable[[str, int, float, float], float], said: str
) -> None:
    negative = said.startswith("a volume")
    path = write_study(tmp_path / "odd.csv", size=size, scale=-1.0 if negative else 1.0)
    text = path.read_text(encoding="utf-8")
    if "differ" in said and "equal" not in said:
        # Six digits are an error of their own.
        exact = [
            f"{row.rsplit(',', 1)[0]},{math.exp(4 + float(row.split(',')[2]) / 9)!r}"
            for row in text.splitlines()[1:]
        ]
        path.write_text("\n".join([text.splitlines()[0], *exact]) + "\n", encoding="utf-8")
    done = run_cli("growth", path, *CONTROL, "--json")
    assert done.code == (2 if negative else 3)
    assert done.err.count("\n") == 1
    assert said in done.err


def test_an_arm_with_one_animal_and_small_arms_are_flagged(
    run_cli: RunCli, tmp_path: Path
) -> None:
    counts = {"Vehicle": 5, "slow": 1, "stop": 2}
    found = one(
        run_cli("growth", write_study(tmp_path / "s.csv", animals=counts), *CONTROL, "--json")
    )
    assert found["n_by_arm"] == counts
    assert codes(found) >= {"few_animals", "small_arms"}
    assert all(0 < row["p_value"] <= 1 for row in found["contrasts"])


def test_two_days_are_enough_for_the_test_and_the_variances_are_flagged(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(tmp_path / "two.csv", days=(0.0, 7.0))
    for options in ((), ("--baseline", "ratio")):
        found = one(run_cli("growth", path, *CONTROL, *options, "--json"))
        assert "variances_not_separate" in codes(found)
        assert found["contrasts"][0]["df"] == pytest.approx(12)


def test_four_animals_with_one_reading_each_in_the_ratio_model_are_fitted_without_a_word_of_spread(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "four.csv", {"Vehicle": 0.1, "drug": 0.0}, animals=2, days=(0.0, 7.0)
    )
    found = one(run_cli("growth", path, *CONTROL, "--baseline", "ratio", "--json"))
    assert (found["n_animals"], found["n_observations"]) == (4, 4)
    assert found["contrasts"][0]["df"] == pytest.approx(2)
    assert run_cli("growth", path, *CONTROL, "--baseline", "ratio").code == 0


def test_a_cage_that_some_animals_lack_is_no_factor_and_the_line_says_why(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "gap.csv",
        columns="animal_id,treatment,day,volume_mm3,cage",
        more=lambda _, animal: "," if animal == 3 else f",{animal % 2}",
    )
    for option in ("--group", "--covariate"):
        done = run_cli("growth", path, *CONTROL, option, "cage")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "a factor counts where every animal has a label" in done.err


def test_cages_that_are_the_arms_are_refused_as_groups_and_flagged_without(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "cages.csv",
        columns="animal_id,treatment,day,volume_mm3,cage",
        more=lambda arm, _: f",{arm}",
    )
    done = run_cli("growth", path, *CONTROL, "--group", "cage")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "each arm is one cage; the experimental unit is the cage" in done.err
    assert codes(one(run_cli("growth", path, *CONTROL, "--json"))) == {"cage_is_arm"}


def test_an_arm_that_vanished_at_once_is_bounded_and_leaves_the_others_as_they_are(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "gone.csv",
        size=lambda arm, _, day, value: 0.0 if arm == "stop" and day > 0 else value,
    )
    asked = run_cli("growth", path, *CONTROL)
    assert asked.code == 3
    assert "--zeros gone or --zeros missing" in asked.err
    figure = tmp_path / "gone.svg"
    found = one(run_cli("growth", path, *CONTROL, "--zeros", "gone", "--json", "--figure", figure))
    assert codes(found) == {"below_limit_censored", "rate_not_bounded", "contrast_not_tested"}
    slow, stop = found["contrasts"]
    assert stop["estimate"] is stop["p_value"] is stop["p_adjusted"] is None
    assert found["rates"][2]["estimate"] is None
    reasons = {row["reason"] for row in found["effects"] if row["arm"] == "stop"}
    assert reasons == {"the readings only bound the rate from above"}
    # One contrast is left: nothing is adjusted.
    assert slow["p_adjusted"] == pytest.approx(slow["p_value"], rel=1e-3)
    assert slow["df"] > 5
    shown = run_cli("growth", path, *CONTROL, "--zeros", "gone")
    assert shown.code == 0
    assert "only bound it from above" in " ".join(shown.out.split())


def test_a_control_without_measured_readings_is_one_line(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(
        tmp_path / "gone.csv", size=lambda arm, _, _day, value: 0.0 if arm == "Vehicle" else value
    )
    done = run_cli("growth", path, *CONTROL, "--below-limit", "omitted")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "readings of the control arm 'Vehicle' that can enter the model, found none" in done.err


@pytest.mark.parametrize(
    "options",
    [("--df", "cr2"), ("--residual", "car1"), ("--group", "cage")],
)
def test_models_without_a_censored_fit_say_so(
    run_cli: RunCli, rich: Path, options: tuple[str, ...]
) -> None:
    done = run_cli("growth", rich, *CONTROL, *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "censored" in done.err
    assert "leave the readings below the limit out" in done.err


def test_other_units_change_nothing_but_the_unit(run_cli: RunCli, tmp_path: Path) -> None:
    plain = write_study(tmp_path / "mm.csv")
    other = write_study(
        tmp_path / "cm.csv", columns="animal_id,treatment,day,volume_cm3", scale=1e-3
    )
    contrasts = [
        one(run_cli("growth", path, *CONTROL, "--json"))["contrasts"] for path in (plain, other)
    ]
    for first, second in zip(*contrasts, strict=True):
        assert second["estimate"] == pytest.approx(first["estimate"], rel=1e-6)
        assert second["p_adjusted"] == pytest.approx(first["p_adjusted"], rel=1e-4)


def test_weeks_are_read_as_weeks_and_rates_stay_per_day(run_cli: RunCli, tmp_path: Path) -> None:
    weeks = (0.0, 1.0, 2.0, 3.0)
    days = tuple(7 * week for week in weeks)
    by_day = write_study(tmp_path / "days.csv", days=days)
    text = by_day.read_text(encoding="utf-8").splitlines()
    rows = [row.split(",") for row in text[1:]]
    lines = [f"{who},{arm},{float(day) / 7:g},{size}" for who, arm, day, size in rows]
    by_week = tmp_path / "weeks.csv"
    by_week.write_text(
        "\n".join(["animal_id,treatment,week,volume_mm3", *lines]) + "\n", encoding="utf-8"
    )
    first, second = (
        one(run_cli("growth", path, *CONTROL, "--json")) for path in (by_day, by_week)
    )
    assert first["contrasts"] == second["contrasts"]
    assert first["day"] == second["day"] == 21
    # A column that says it holds days is taken at its word, or told otherwise.
    named = tmp_path / "named.csv"
    named.write_text("\n".join([text[0], *lines]) + "\n", encoding="utf-8")
    trusted = one(run_cli("growth", named, *CONTROL, "--json"))
    assert trusted["contrasts"][0]["estimate"] == pytest.approx(
        7 * first["contrasts"][0]["estimate"]
    )
    told = one(run_cli("growth", named, *CONTROL, "--unit", "day=week", "--json"))
    assert told["contrasts"] == first["contrasts"]


def test_areas_are_analysed_as_areas(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_study(tmp_path / "areas.csv", columns="animal_id,treatment,day,area_mm2")
    assert one(run_cli("growth", path, *CONTROL, "--json"))["measure"] == "area_mm2"


def test_arms_that_start_apart_are_shown_with_free_intercepts_beside(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_study(
        tmp_path / "apart.csv",
        animals=8,
        size=lambda arm, _, _day, value: 4 * value if arm == "slow" else value,
    )
    found = one(run_cli("growth", path, *CONTROL, "--json"))
    assert "baseline_imbalance" in codes(found)
    assert next(row for row in found["balance"] if row["arm"] == "slow")["notable"]
    own = one(run_cli("growth", path, *CONTROL, "--intercept", "arm", "--json"))
    assert own["free_intercepts"] is None
    for beside, alone in zip(found["free_intercepts"]["contrasts"], own["contrasts"], strict=True):
        assert beside["estimate"] == pytest.approx(alone["estimate"], rel=1e-9)


def test_many_arms_fit_the_terminal(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arms = {"Vehicle": 0.1, **{f"arm {number}": 0.1 - 0.004 * number for number in range(15)}}
    path = write_study(tmp_path / "many.csv", arms, animals=4, days=(0.0, 5.0, 10.0))
    done = run_cli("growth", path, *CONTROL)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert sum(row.startswith("  arm 14 ") for row in done.out.splitlines()) == 3


def close(found: float | None, expected: float, *, rel: float = 0.0, error: float = 0.0) -> bool:
    """Within a share of the value, or a small share of its standard error.

    Another optimizer stops elsewhere by up to 2e-4 of a standard error.
    """
    return found is not None and abs(found - expected) <= max(rel * abs(expected), 2e-4 * error)


def check_against_emmeans(found: dict[str, Any], section: dict[str, Any]) -> None:
    """Slopes and contrasts of the common-intercept model, at the tolerances of the file."""
    tolerance, theirs = section["tolerance"], section["results"]
    rates = {rate["arm"]: rate for rate in found["rates"]}
    slopes = theirs["slopes"]
    assert set(rates) == set(slopes["g"])
    for row, arm in enumerate(slopes["g"]):
        rate, error = rates[arm], slopes["SE"][row]
        assert close(rate["estimate"], slopes["t.trend"][row], rel=1e-4, error=error)
        assert close(rate["std_error"], error, rel=tolerance["se"]["rel"])
    contrasts = {row["arm"]: row for row in found["contrasts"]}
    table = theirs["dunnett"]
    assert len(contrasts) == len(table["contrast"])
    for row, name in enumerate(table["contrast"]):
        arm = name.rpartition(" - ")[0].strip("()")
        ours, error = contrasts[arm], table["SE"][row]
        assert close(ours["estimate"], table["estimate"][row], rel=1e-4, error=error)
        assert close(ours["std_error"], error, rel=tolerance["se"]["rel"])
        if found["singular"]:
            assert ours["df"] <= found["n_animals"] - len(rates) + 1e-9
            continue
        assert close(ours["df"], table["df"][row], rel=tolerance["df"]["rel"])
        plain = theirs["unadjusted"]["p.value"][row]
        assert ours["p_value"] == pytest.approx(plain, rel=0.02, abs=1e-6)
        # The smallest df serve all contrasts here, each its own rounded there.
        assert -0.002 < ours["p_adjusted"] - table["p.value"][row] < 0.01


SECTION = "07b_slopes_common_intercept"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "reference", "control", "animals", "readings"),
    [
        ("synergylmm_example/grwth_data.csv", "synergylmm_example.grwth_data", "Control", 32, 352),
        ("genentech_vismodegib/growth.csv", "genentech_vismodegib", "dose_0.0", 46, 384),
        ("iowa_melanoma_a375/growth.csv", "iowa_melanoma_a375", "control", 35, 383),
        ("kroemer_mtx_caloric/growth.csv", "kroemer_mtx_caloric", "PBS", 54, 570),
    ],
)
def test_real_studies_agree_with_emmeans_on_lmer(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
    file: str,
    reference: str,
    control: str,
    animals: int,
    readings: int,
) -> None:
    options = ("--control", control, "--below-limit", "omitted", "--json")
    found = one(run_cli("growth", shared_data(file), *options))
    assert (found["n_animals"], found["n_observations"]) == (animals, readings)
    assert found["measure"] == ("area_mm2" if "kroemer" in file else "volume_mm3")
    check_against_emmeans(found, shared_reference(reference)["sections"][SECTION])


@pytest.mark.realdata
def test_a_factorial_of_sixteen_arms_agrees_with_emmeans_on_lmer(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    """The fit and its comparison alone: refits without each of 81 animals take a while."""
    (study,) = read_study(shared_data("genentech_gdc0084_temozolomide/growth.csv"))
    fit = fit_growth(growth_data(study))
    found = {
        **compare(fit, "gdc0084_00_temo_00").to_dict(),
        "singular": fit.singular,
        "n_animals": fit.n_animals,
    }
    assert (fit.n_animals, fit.n_observations) == (81, 1389)
    sections = shared_reference("genentech_gdc0084_temozolomide")["sections"]
    check_against_emmeans(found, sections[SECTION])


@pytest.mark.realdata
def test_five_lines_of_a_file_agree_with_nlme_line_by_line(
    run_cli: RunCli,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    options = ("--control", "control", "--intercept", "arm", "--below-limit", "omitted")
    done = run_cli(
        "growth", shared_data("xeva_repdx/growth.csv"), *options, "--df", "satterthwaite", "--json"
    )
    assert done.code == 0
    section = shared_reference("xeva_repdx")["sections"]["20_lme_by_model"]
    tolerance = section["tolerance"]
    found = {study["line"]: study for study in studies_of(done)}
    assert set(found) == set(section["results"]) == {"P1", "P3", "P4", "P9", "P11"}
    for line, theirs in section["results"].items():
        ours, slope = found[line], theirs["random_slope"]
        assert (ours["n_animals"], ours["n_observations"]) == (
            theirs["n_animals"],
            theirs["n_rows"],
        )
        assert not ours["singular"]
        assert ours["log_likelihood"] == pytest.approx(
            slope["logLik"], abs=tolerance["logLik"]["abs"]
        )
        assert ours["variance"]["sd_residual"] == pytest.approx(
            slope["sigma"], rel=tolerance["variance"]["rel"]
        )
        fixed = slope["fixed"]
        place = fixed["term"].index("t:gtreatment")
        (contrast,) = ours["contrasts"]
        error = fixed["Std.Error"][place]
        assert close(contrast["estimate"], fixed["Value"][place], rel=1e-4, error=error)
        assert close(contrast["std_error"], error, rel=tolerance["se"]["rel"])
        # There a residual count of readings, here of animals: 10, but for leavers.
        assert contrast["df"] < fixed["DF"][place] / 4


@pytest.mark.realdata
def test_a_study_whose_tumors_vanish_is_fitted_with_its_readings_censored(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data("iowa_melanoma_a375/growth.csv")
    found = one(run_cli("growth", path, "--control", "control", "--json"))
    assert (found["n_observations"], found["n_censored"]) == (600, 217)
    assert found["likelihood"] == "ML"
    assert "below_limit_censored" in codes(found)
    assert found["influence"] is None
    assert found["influence_reason"]


def test_laws_and_bootstrap_are_printed_when_asked_for(run_cli: RunCli, study: Path) -> None:
    done = run_cli("growth", study, *CONTROL, "--laws", "--bootstrap", "199")
    assert done.code == 0
    assert "Parametric bootstrap, 199 draws" in done.out
    assert "predicts left-out animals best" in " ".join(done.out.split())
    (found,) = studies_of(
        run_cli("growth", study, *CONTROL, "--laws", "--bootstrap", "199", "--json")
    )
    assert [test["arm"] for test in found["bootstrap"]] == ["slow", "stop"]
    assert {row["law"] for row in found["laws"]["scores"]} >= {"exponential", "gompertz"}
    for test, row in zip(found["bootstrap"], found["contrasts"], strict=True):
        assert 1 / 200 <= test["p_value"] <= 1
        assert test["lower"] < row["estimate"] < test["upper"]
