"""Exit codes and the JSON contract: one object on stdout, whatever happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oncovivo.errors import DataError

COMMANDS = ("guide build", "evidence lint")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def arguments(command: str, project: Path) -> list[str]:
    """A whole command line for a project."""
    out = ["-o", str(project.parent / "out")] if command == "guide build" else []
    return [*command.split(), str(project), *out]


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object that a text is; NaN and Infinity are no JSON."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    value = json.loads(text, parse_constant=refuse)
    assert isinstance(value, dict)
    assert text.count("\n") == 1
    return value


def test_success_is_0(project: Path, run_cli: Callable[..., Any]) -> None:
    outcome = run_cli(*arguments("guide build", project))
    assert (outcome.code, outcome.err) == (0, "")
    assert "index.html" in outcome.out


def test_findings_that_stand_are_1_and_no_error(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli(*arguments("evidence lint", project))
    assert (outcome.code, outcome.err) == (1, "")


def test_findings_that_are_all_waived_are_0(run_cli: Callable[..., Any]) -> None:
    clean = Path(__file__).parents[1] / "fixtures" / "source_guide_clean"
    assert run_cli("evidence", "lint", clean).code == 0


def test_fallen_claims_are_1_and_listed(project: Path, run_cli: Callable[..., Any]) -> None:
    change(project / "claims.toml", 'expect = "supported"', 'expect = "contradicted"')
    outcome = run_cli(*arguments("guide build", project), "--json")
    assert outcome.code == 1
    content = one_object(outcome.out)
    assert content["error"]["code"] == "fallen_claims"
    assert [claim["id"] for claim in content["claims"]] == ["C2"]


@pytest.mark.parametrize("command", COMMANDS)
def test_malformed_input_is_2(command: str, project: Path, run_cli: Callable[..., Any]) -> None:
    (project / "guide.toml").write_text("[guide", encoding="utf-8")
    outcome = run_cli(*arguments(command, project), "--json")
    assert outcome.code == 2
    assert one_object(outcome.out)["error"]["code"] == "file_format"
    assert outcome.err.startswith("oncovivo: guide.toml: expected TOML")
    assert outcome.err.count("\n") == 1


def test_input_that_cannot_carry_the_analysis_is_3(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    change(project / "guide.toml", 'control = "Vehicle"', 'control = "Placebo"')
    outcome = run_cli(*arguments("guide build", project), "--json")
    assert outcome.code == DataError.exit_code == 3
    assert one_object(outcome.out)["error"]["code"] == "data"


@pytest.mark.parametrize(
    "line",
    [
        ["guide", "build"],
        ["guide", "build", "x"],
        ["guide", "bild"],
        ["evidence", "lint"],
        ["evidence", "lint", "a", "b"],
        ["evidence", "lint", "a", "--wrong"],
        ["--wrong"],
        ["wrong"],
    ],
)
@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_wrong_command_line_is_2_and_one_line(
    line: list[str], json_option: tuple[str, ...], run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli(*line, *json_option)
    assert outcome.code == 2
    assert outcome.err.startswith("oncovivo: command line: expected ")
    assert outcome.err.count("\n") == 1
    if json_option:
        assert one_object(outcome.out)["error"]["code"] == "usage"
    else:
        assert not outcome.out


def test_an_option_without_its_value_is_2_and_one_line(run_cli: Callable[..., Any]) -> None:
    outcome = run_cli("guide", "build", "x", "-o")
    assert outcome.code == 2
    assert "Option '-o' requires an argument" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("line", [[], ["guide"], ["evidence"]])
def test_a_line_that_stops_early_shows_the_help_and_is_2(
    line: list[str], run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli(*line)
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: oncovivo")
    assert "Commands:\n" in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
def test_json_of_a_success_is_one_object_that_names_its_input(
    command: str, project: Path, run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli(*arguments(command, project), "--json")
    assert outcome.err == ""
    content = one_object(outcome.out)
    assert content["schema"].startswith("oncovivo.")
    assert set(content["input"]) == {"name", "sha256"}
    assert len(content["input"]["sha256"]) == 64
    assert content["seed"] is None
    assert content["options"]
    assert content["warnings"] == []


def test_an_error_of_the_operating_system_is_2_and_one_line(
    project: Path, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/index.html")

    monkeypatch.setattr("oncovivo.guide.build_guide", fail)
    outcome = run_cli(*arguments("guide build", project), "--json")
    assert outcome.code == 2
    assert one_object(outcome.out)["error"]["where"] == "/somewhere/index.html"
    assert "found no space left on device" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_stop_from_the_keyboard_is_130_and_one_line(
    project: Path,
    json_option: tuple[str, ...],
    run_cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("oncovivo.guide.build_guide", stop)
    outcome = run_cli(*arguments("guide build", project), *json_option)
    assert outcome.code == 130
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    if json_option:
        assert one_object(outcome.out)["error"]["code"] == "stopped"


@pytest.mark.parametrize("module", ["jinja2", "typst", "citeproc"])
def test_a_part_that_is_not_installed_is_2_with_the_line_that_installs_it(
    module: str,
    project: Path,
    run_cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    outcome = run_cli(*arguments("guide build", project), "--json")
    assert outcome.code == 2
    assert one_object(outcome.out)["error"]["code"] == "missing_extra"
    assert "python -m pip install 'oncovivo[guide]'" in outcome.err
    assert [path.name for path in project.parent.iterdir()] == [project.name]


@pytest.mark.parametrize("module", ["jinja2", "typst", "citeproc"])
def test_lint_needs_no_extra(
    module: str,
    project: Path,
    run_cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert run_cli(*arguments("evidence lint", project)).code == 1


def test_debug_shows_where_an_error_comes_from(project: Path) -> None:
    from oncovivo.cli import main
    from oncovivo.errors import FileFormatError

    (project / "guide.toml").write_text("[guide", encoding="utf-8")
    with pytest.raises(FileFormatError):
        main([*arguments("evidence lint", project), "--debug"])
