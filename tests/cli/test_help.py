"""Every command and option says what it does, there and on the reference page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from oncovivo.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's own classes
    """Every command of the tree with its whole name; groups too."""
    yield name, command
    for child, found in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {child}", found)


TREE = dict(commands("oncovivo", get_command(app)))
LEAVES = {name: command for name, command in TREE.items() if not hasattr(command, "commands")}


@pytest.mark.parametrize("name", TREE)
def test_a_command_says_what_it_does(name: str) -> None:
    text = TREE[name].help
    assert text
    assert text.split("\n")[0].endswith(".")


@pytest.mark.parametrize("name", TREE)
def test_an_option_says_what_it_does(name: str) -> None:
    for parameter in TREE[name].params:
        assert parameter.help, f"{name} {parameter.name}"
        assert parameter.help.endswith("."), f"{name} {parameter.name}"


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_has_an_example_and_the_common_options(name: str) -> None:
    assert f"Example: {name} " in LEAVES[name].help
    options = {option for parameter in LEAVES[name].params for option in parameter.opts}
    assert {"--json", "--debug"} <= options


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_and_its_options_are_on_the_reference_page(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for parameter in LEAVES[name].params:
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert f"`{option}`" in section
