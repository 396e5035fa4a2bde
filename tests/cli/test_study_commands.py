"""The commands on study files: what they print, the JSON that scripts read, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pandas as pd
import pytest

from oncovivo.studies import read_study
from tests.cli.study_files import ARMS, rows, write_growth, write_padded

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

ENDPOINT_KEYS = {
    "arm",
    "endpoint",
    "day",
    "estimate",
    "lower",
    "upper",
    "level",
    "n_treated",
    "n_control",
    "method",
    "status",
    "reason",
}
ANIMAL_KEYS = {
    "animal_id",
    "arm",
    "best_response_pct",
    "best_average_response_pct",
    "mrecist",
    "pptc",
}
STATUSES = {"ok", "undefined", "not_reached", "unbounded", "not_estimable", "flagged"}


@pytest.fixture
def growth(tmp_path: Path) -> Path:
    return write_growth(tmp_path / "a place" / "grówth.csv")


def no_constant(name: str) -> NoReturn:
    pytest.fail(f"{name} in JSON")


def parsed(text: str) -> dict[str, object]:
    """The one object on stdout, without NaN or infinity."""
    content = json.loads(text, parse_constant=no_constant)
    assert isinstance(content, dict)
    assert {"schema", "input", "options", "seed", "warnings"} <= content.keys()
    return content


def studies_of(content: dict[str, object]) -> list[dict[str, object]]:
    found = content["studies"]
    assert isinstance(found, list)
    return found


def check_endpoint_studies(content: dict[str, object]) -> list[dict[str, object]]:
    """The contract of ``study endpoints``; the studies that were analysed."""
    analysed = []
    for study in studies_of(content):
        assert {"study", "baseline_day", "arms", "endpoints", "animals"} <= study.keys()
        if study["status"] != "ok":
            assert study["reason"]
            continue
        analysed.append(study)
        assert isinstance(study["baseline_day"], float)
        endpoints, animals, arms = study["endpoints"], study["animals"], study["arms"]
        assert isinstance(endpoints, list)
        assert isinstance(animals, list)
        assert isinstance(arms, list)
        for row in endpoints:
            assert row.keys() >= ENDPOINT_KEYS
            assert row["status"] in STATUSES
            assert (row["status"] == "ok") == (row["reason"] == ""), row
            assert row["estimate"] is not None or row["reason"], row
            assert (row["greater_than"] is not None) == (row["status"] == "not_reached"), row
        assert {row["arm"] for row in endpoints} == set(arms)
        assert animals
        assert all(animal.keys() >= ANIMAL_KEYS for animal in animals)
    return analysed


def test_endpoints_as_json_are_one_object_by_the_contract(run_cli: RunCli, growth: Path) -> None:
    done = run_cli("study", "endpoints", growth, "--control", "Vehicle", "--json")
    assert (done.code, done.err) == (0, "")
    content = parsed(done.out)
    assert content["schema"] == "oncovivo.study_endpoints/1"
    assert isinstance(content["seed"], int)
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
        "day": None,
        "rule": "published_text",
        "level": 0.95,
        "draws": 2000,
    }
    (study,) = check_endpoint_studies(content)
    assert study["arms"] == list(ARMS)
    assert study["tolerability"]


def test_the_same_command_prints_the_same_bytes_and_the_seed_changes_intervals(
    run_cli: RunCli, growth: Path
) -> None:
    command = ("study", "endpoints", growth, "--control", "Vehicle", "--json")
    first, second, seeded = run_cli(*command), run_cli(*command), run_cli(*command, "--seed", "7")
    assert first.out == second.out
    assert parsed(seeded.out)["seed"] == 7
    assert studies_of(parsed(first.out)) != studies_of(parsed(seeded.out))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--day", "14"),
        ("--baseline-day", "3"),
        ("--arms", "slow"),
        ("--limit", "30"),
        ("--below-limit", "omitted"),
        ("--rule", "published_table"),
        ("--level", "0.9"),
    ],
)
def test_every_option_of_endpoints_changes_the_studies(
    run_cli: RunCli, growth: Path, option: str, value: str
) -> None:
    command = ("study", "endpoints", growth, "--control", "Vehicle", "--json")
    plain, other = run_cli(*command), run_cli(*command, option, value)
    assert other.code == 0
    assert studies_of(parsed(plain.out)) != studies_of(parsed(other.out))


def test_the_terminal_shows_each_arm_as_a_heading_and_no_name_is_broken(
    run_cli: RunCli, growth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (80, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        done = run_cli("study", "endpoints", growth, "--control", "Vehicle")
        lines = done.out.splitlines()
        assert max(map(len, lines)) <= width
        assert set(ARMS) <= set(lines)
        assert any(line.startswith("  relative_volume_mean_of_ratios ") for line in lines)
        assert any(line.startswith("  log10_cell_kill_gross_1000mm3 ") for line in lines)
        assert "[1] " in done.out
        assert lines[-1].startswith("seed ")


def test_arms_whose_names_look_like_markup_are_printed_as_they_are(
    run_cli: RunCli, growth: Path
) -> None:
    text = growth.read_text(encoding="utf-8").replace(",slow,", ",[bold]slow[/bold],")
    growth.write_text(text, encoding="utf-8")
    done = run_cli("study", "endpoints", growth, "--control", "Vehicle")
    assert done.code == 0
    assert "\n[bold]slow[/bold]\n" in done.out


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_table_of_endpoints_reads_back_as_the_json_has_it(
    run_cli: RunCli, growth: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "new folder" / f"table.{ending}"
    done = run_cli("study", "endpoints", growth, "--control", "Vehicle", "--json", "-o", path)
    assert done.code == 0
    (study,) = studies_of(parsed(done.out))
    # A workbook holds 16 digits of a number.
    table = pd.read_csv(path) if ending == "csv" else pd.read_excel(path, engine="openpyxl")
    endpoints = study["endpoints"]
    assert isinstance(endpoints, list)
    expected = pd.DataFrame(endpoints)
    assert len(table) == len(expected)
    for column in ("arm", "endpoint", "status", "method"):
        assert table[column].tolist() == expected[column].tolist()
    for column in ("estimate", "lower", "upper", "day", "greater_than"):
        pd.testing.assert_series_equal(
            table[column].astype(float), expected[column].astype(float), rtol=1e-15, atol=0
        )


def test_a_workbook_has_the_same_bytes_each_time_and_text_stays_text(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    text = growth.read_text(encoding="utf-8").replace(",slow,", ",=1+1,")
    growth.write_text(text, encoding="utf-8")
    paths = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for path in paths:
        run_cli("study", "endpoints", growth, "--control", "Vehicle", "-o", path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert "=1+1" in pd.read_excel(paths[0], engine="openpyxl")["arm"].tolist()


def test_without_a_control_the_arms_are_listed_and_one_is_suggested(
    run_cli: RunCli, growth: Path
) -> None:
    for given in ([], ["--control", "Placebo"]):
        done = run_cli("study", "endpoints", growth, *given)
        assert done.code == 2
        assert done.out == ""
        assert done.err.count("\n") == 1
        assert "Vehicle, slow, cures, toxic" in done.err
        assert '--control "Vehicle"' in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--map", "volume_mm3"], "canonical=theirs"),
        (["--map", "volume_mm3=TV"], "TV"),
        (["--level", "2"], "--level"),
        (["--limit", "-3"], "positive limit"),
        (["--day", "5"], "day 5"),
        (["--baseline-day", "99"], "99"),
        (["--study", "other"], "other"),
        (["--arms", "slow,other"], "other"),
        (["--zeros", "perhaps"], "--zeros"),
        (["-o", "table.ods"], ".csv or .xlsx"),
    ],
)
def test_a_bad_option_of_endpoints_is_one_line(
    run_cli: RunCli, growth: Path, arguments: list[str], said: str
) -> None:
    command = ["study", "endpoints", growth, "--control", "Vehicle", *arguments]
    done = run_cli(*command)
    assert done.code in (2, 3)
    assert done.err.count("\n") == 1
    assert said in done.err
    as_json = run_cli(*command, "--json")
    assert as_json.code == done.code
    error = json.loads(as_json.out)["error"]
    assert {"code", "expected", "found", "where", "mend"} == error.keys()


def test_a_table_that_cannot_be_written_is_one_line(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    done = run_cli("study", "endpoints", growth, "--control", "Vehicle", "-o", blocked / "t.csv")
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_a_study_without_the_control_is_skipped_with_its_reason_and_fails(
    run_cli: RunCli, growth: Path
) -> None:
    header, *lines = growth.read_text(encoding="utf-8").splitlines()
    other = [f"B,x{line.replace('Vehicle', 'Saline')}" for line in lines]
    text = [f"study,{header}", *(f"A,{line}" for line in lines), *other]
    growth.write_text("\n".join(text), encoding="utf-8")
    done = run_cli("study", "endpoints", growth, "--control", "Vehicle", "--json")
    assert done.code == 1
    content = parsed(done.out)
    (analysed,) = check_endpoint_studies(content)
    assert analysed["study"] == "A"
    skipped = studies_of(content)[1]
    assert skipped["status"] == "not_estimable"
    assert "'Vehicle'" in str(skipped["reason"])
    shown = run_cli("study", "endpoints", growth, "--control", "Vehicle")
    assert shown.code == 1
    assert "B was not analysed" in shown.out


def test_padding_zeros_stop_the_analysis_until_the_user_says_what_they_are(
    run_cli: RunCli, tmp_path: Path
) -> None:
    path = write_padded(tmp_path / "padded.csv")
    command = ("study", "endpoints", path, "--control", "Vehicle", "--json")
    stopped = run_cli(*command)
    assert stopped.code == 3
    assert "--zeros gone or --zeros missing" in stopped.err
    gone, missing = (run_cli(*command, "--zeros", said) for said in ("gone", "missing"))
    assert (gone.code, missing.code) == (0, 0)
    assert studies_of(parsed(gone.out)) != studies_of(parsed(missing.out))


def test_check_exits_with_1_on_a_warning_and_0_on_remarks_alone(
    run_cli: RunCli, growth: Path
) -> None:
    clean = run_cli("study", "check", growth, "--arms", "Vehicle,slow", "--json")
    assert clean.code == 0
    assert parsed(clean.out)["failed"] is False
    lines = growth.read_text(encoding="utf-8").splitlines()
    growth.write_text("\n".join([*lines, "V1,slow,24,700,22"]) + "\n", encoding="utf-8")
    done = run_cli("study", "check", growth, "--json")
    assert done.code == 1
    content = parsed(done.out)
    assert content["schema"] == "oncovivo.study_check/1"
    (study,) = studies_of(content)
    findings = study["findings"]
    assert isinstance(findings, list)
    found = next(f for f in findings if f["code"] == "animal_in_two_arms")
    assert found["severity"] == "error"
    assert found["rows"]
    assert found["mend"]


def test_check_shows_each_check_once_with_its_messages_and_fits(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    header, *lines = rows()
    text = [",".join(map(str, ["study", *header]))]
    for number in range(12):
        for row in lines:
            cells = [f"S{number:02}", f"{number}-{row[0]}", *row[1:]]
            cells[3] = day if (day := row[2]) else 0
            if row[0] == "V1" and row[2] == 21:
                cells[4] = 99999
            text.append(",".join(map(str, cells)))
    path = tmp_path / "many.csv"
    path.write_text("\n".join(text), encoding="utf-8")
    done = run_cli("study", "check", path)
    assert done.code == 1
    printed = done.out.splitlines()
    assert max(map(len, printed)) <= 80
    assert "12 studies checked" in printed[0]
    jumps = [line for line in printed if line.startswith("warning volume_jumps")]
    assert jumps == ["warning volume_jumps (12)"]
    assert "  and 2 more; --json has all" in done.out


def test_convert_writes_folders_that_read_back_as_the_file_does(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    out = tmp_path / "converted study"
    done = run_cli("study", "convert", growth, "-o", out, "--json")
    assert done.code == 0
    (written,) = studies_of(parsed(done.out))
    files = written["files"]
    assert isinstance(files, list)
    assert {Path(name).name for name in files} >= {"study.toml", "measurements.csv"}
    assert all(Path(name).is_file() for name in files)
    (before,), (after,) = read_study(growth), read_study(out)
    pd.testing.assert_frame_equal(before.measurements, after.measurements)
    for name in ("study_id", "title", "line", "host", "arms", "animals", "notes", "simulated"):
        assert getattr(before, name) == getattr(after, name)
    again = run_cli("study", "convert", out, "-o", tmp_path / "again")
    assert again.code == 0
    for path in sorted(out.iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_convert_decides_nothing_about_zeros_unless_told(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_padded(tmp_path / "padded.csv")
    run_cli("study", "convert", path, "-o", tmp_path / "open")
    open_still = run_cli("study", "endpoints", tmp_path / "open", "--control", "Vehicle")
    assert open_still.code == 3
    run_cli("study", "convert", path, "-o", tmp_path / "said", "--zeros", "missing")
    told = run_cli("study", "endpoints", tmp_path / "said", "--control", "Vehicle")
    assert told.code == 0


def test_convert_gives_each_study_a_folder_of_its_own_below_the_one_named(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    header, *lines = growth.read_text(encoding="utf-8").splitlines()
    text = [f"study,{header}"]
    for name in ("../a", "a?", "A:"):
        text += [f"{name},{name[-1]}{line}" for line in lines]
    growth.write_text("\n".join(text), encoding="utf-8")
    out = tmp_path / "out"
    done = run_cli("study", "convert", growth, "-o", out)
    assert done.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["-a", "A--2", "a-"]
    assert len(done.out.splitlines()) == 9
    twice = run_cli("study", "convert", growth, "-o", out)
    assert twice.code == 2
    assert twice.err.count("\n") == 1
    assert "--overwrite" in twice.err
    (out / "a-" / "measurements.csv").write_text("spoiled", encoding="utf-8")
    again = run_cli("study", "convert", growth, "-o", out, "--overwrite")
    assert (again.code, again.out) == (0, done.out)
    assert "spoiled" not in (out / "a-" / "measurements.csv").read_text(encoding="utf-8")


def test_panel_as_json_has_an_object_for_each_animal_and_summaries(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    table = tmp_path / "panel.csv"
    done = run_cli("panel", growth, "--rule", "published_table", "--json", "-o", table)
    assert done.code == 0
    content = parsed(done.out)
    assert content["schema"] == "oncovivo.panel/1"
    assert content["rule"] == "published_table"
    animals, summary = content["animals"], content["summary"]
    assert isinstance(animals, list)
    assert isinstance(summary, list)
    assert len(animals) == 20
    needed = {"study", "model", "tumor_type", "treatment", "animal_id", "best_response_pct"}
    needed |= {"best_average_response_pct", "mrecist"}
    assert all(animal.keys() >= needed for animal in animals)
    assert {row["treatment"] for row in summary if row["by"] == "treatment"} == set(ARMS)
    read = pd.read_csv(table)
    assert read["mrecist"].tolist() == [animal["mrecist"] for animal in animals]


def test_panel_takes_the_options_of_a_study_file(run_cli: RunCli, tmp_path: Path) -> None:
    path = write_padded(tmp_path / "padded.csv")
    assert run_cli("panel", path).code == 3
    done = run_cli("panel", path, "--zeros", "missing", "--arms", "slow", "--json")
    assert done.code == 0
    content = parsed(done.out)
    animals = content["animals"]
    assert isinstance(animals, list)
    assert {animal["treatment"] for animal in animals} == {"slow"}
    text = (
        path.read_text(encoding="utf-8").replace("volume_mm3", "mass of it").replace(",0.0", ",")
    )
    path.write_text(text, encoding="utf-8")
    assert run_cli("panel", path, "--map", "volume_mm3=mass of it").code == 0


def test_panel_shows_counts_by_treatment(run_cli: RunCli, growth: Path) -> None:
    done = run_cli("panel", growth)
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if line.split()[:1] == ["cures"])
    assert line.split()[:7] == ["cures", "1", "5", "5", "0", "0", "0"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["study", "check", "FILE"],
        ["study", "endpoints", "FILE", "--control", "Vehicle"],
        ["study", "convert", "FILE", "-o", "OUT"],
        ["panel", "FILE"],
        ["report", "FILE", "--control", "Vehicle", "-o", "OUT.html"],
    ],
)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", None])
def test_what_is_no_study_is_one_line_and_code_2(
    run_cli: RunCli, tmp_path: Path, arguments: list[str], content: bytes | None
) -> None:
    path = tmp_path / "study.csv"
    if content is not None:
        path.write_bytes(content)
    places = {"FILE": str(path), "OUT": str(tmp_path / "o"), "OUT.html": str(tmp_path / "o.html")}
    done = run_cli(*(places.get(argument, argument) for argument in arguments))
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / "o.html").exists()


REAL = {
    "synergylmm_example/grwth_data.csv": "Control",
    "synergylmm_example/webapp_example.csv": "Control",
    "genentech_vismodegib/growth.csv": "dose_0.0",
    "genentech_gdc0084_temozolomide/growth.csv": "gdc0084_00_temo_00",
    "iowa_melanoma_a375/growth.csv": "control",
    "invivosyn_combos/LS_1034.csv": "Vehicle",
    "invivosyn_combos/SW837.csv": "Vehicle",
    "kroemer_mtx_caloric/growth.csv": "PBS",
    "xeva_repdx/growth.csv": "control",
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_endpoints_and_checks_of_every_real_study_keep_the_contract(
    run_cli: RunCli, shared_data: Callable[[str], Path], name: str
) -> None:
    path = shared_data(name)
    done = run_cli("study", "endpoints", path, "--control", REAL[name], "--json")
    assert (done.code, done.err) == (0, "")
    content = parsed(done.out)
    assert len(check_endpoint_studies(content)) == len(studies_of(content))
    checked = run_cli("study", "check", path, "--json")
    assert checked.code == (1 if parsed(checked.out)["failed"] else 0)


@pytest.mark.realdata
def test_the_padded_panel_stops_and_every_line_of_it_is_analysed_once_zeros_are_named(
    run_cli: RunCli, shared_data: Callable[[str], Path]
) -> None:
    path = shared_data("kulgap_pdx/growth.csv")
    checked = run_cli("study", "check", path)
    assert checked.code == 1
    assert "padding_zeros" in checked.out
    command = ("study", "endpoints", path, "--control", "control", "--json")
    assert run_cli(*command).code == 3
    done = run_cli(*command, "--zeros", "missing")
    assert done.code == 0
    content = parsed(done.out)
    assert len(check_endpoint_studies(content)) == len(studies_of(content)) == 46
