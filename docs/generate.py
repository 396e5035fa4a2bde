"""Write the pages of docs/reference/ that follow from the code; a test compares them.

Run it as ``python docs/generate.py``.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "reference"
PACKAGES = (
    "oncovivo",
    "oncovivo.guide",
    "oncovivo.analyses",
    "oncovivo.evidence",
    "oncovivo.evidence.lint",
    "oncovivo.evidence.vocabulary",
    "oncovivo.panels",
    "oncovivo.endpoints",
    "oncovivo.studies",
    "oncovivo.studies.check",
    "oncovivo.studies.leaving",
    "oncovivo.documents",
    "oncovivo.figures",
    "oncovivo.references",
    "oncovivo.provenance",
    "oncovivo.numerics",
    "oncovivo.tables",
    "oncovivo.texts",
    "oncovivo.units",
    "oncovivo.errors",
)
MADE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {
        "records.md": MADE + "\n".join(_records()) + "\n",
        "checks.md": MADE + "\n".join(_checks()) + "\n",
        "lint.md": MADE + "\n".join(_lint()) + "\n",
        "python.md": MADE + "\n".join(_python()) + "\n",
        "commands.md": MADE + "\n".join(_commands()) + "\n",
    }


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _records() -> Iterator[str]:
    from oncovivo.evidence import COLUMNS
    from oncovivo.evidence.vocabulary import WORD_LISTS

    yield "# Columns of evidence/records.csv"
    yield ""
    yield "UTF-8 without byte order mark, commas, one header row with exactly these columns. A"
    yield "cell of a column marked *state* holds the value or one of `not_reported`,"
    yield "`not_extracted`, `not_accessible`, `not_applicable`; a blank is allowed only where"
    yield "marked *blank*."
    yield ""
    yield "| column | holds | type | may be |"
    yield "| --- | --- | --- | --- |"
    for column in COLUMNS:
        kind = f"word of [{column.words}](#{column.words})" if column.words else column.kind
        allowed = {"state": column.states, "blank": column.blank}
        may = ", ".join(name for name, holds in allowed.items() if holds)
        yield f"| `{column.name}` | {_cell(column.text)} | {kind} | {may} |"
    for name, words in WORD_LISTS.items():
        yield ""
        yield f"## {name}"
        yield ""
        yield "| word | meaning |"
        yield "| --- | --- |"
        for word, meaning in words.items():
            yield f"| `{word}` | {_cell(meaning)} |"


def _lint() -> Iterator[str]:
    from oncovivo.evidence.lint import RULES

    yield "# Lint rules"
    yield ""
    yield "`oncovivo evidence lint DIR` runs all of them. A finding that is accepted for a reason"
    yield "is waived in `evidence/waivers.csv` (`rule,subject,reason,date,by`); the guide prints"
    yield "every waiver."
    for rule in RULES:
        yield ""
        yield f"## {rule.id}: {rule.title}"
        yield ""
        yield f"Severity: {rule.severity}. To mend: {_cell(rule.mend)}."
        if rule.explanation:
            yield ""
            yield _cell(rule.explanation)


def _checks() -> Iterator[str]:
    from oncovivo.studies.check import check_reference

    yield "# Checks of study files"
    yield ""
    yield "`oncovivo study check FILE` runs all of them. Errors and warnings make the exit code 1;"
    yield "remarks (info) do not."
    for check in check_reference():
        yield ""
        yield f"## {check.code}: {check.title}"
        yield ""
        yield f"Severity: {check.severity}. To mend: {_cell(check.mend)}."
        if check.explanation:
            yield ""
            yield _cell(check.explanation)


def _python() -> Iterator[str]:
    yield "# Python"
    yield ""
    yield "The public names of each package. `help(name)` shows arguments, shapes and errors."
    for package in PACKAGES:
        module = importlib.import_module(package)
        yield ""
        yield f"## {package}"
        yield ""
        yield _cell((module.__doc__ or "").split("\n\n")[0])
        yield ""
        for name in module.__all__:
            value = getattr(module, name)
            first = (inspect.getdoc(value) or "").split("\n\n")[0]
            described = inspect.isclass(value) or inspect.isroutine(value)
            yield f"- `{name}`" + (f": {_cell(first)}" if described and first else "")


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from oncovivo.cli.main import app

    yield "# Commands"
    yield ""
    yield "Every command prints a table, or one JSON object with `--json`. Exit codes: 0 success,"
    yield "1 findings, fallen claims or failed checks, 2 a wrong command line or malformed input,"
    yield "3 well-formed input that cannot carry the analysis. An error is one line on stderr;"
    yield "`--debug` shows the traceback."
    yield from _command("oncovivo", get_command(app))


def _command(name: str, command: object) -> Iterator[str]:
    subcommands = getattr(command, "commands", {})
    if subcommands:
        for child, found in subcommands.items():
            yield from _command(f"{name} {child}", found)
        return
    yield ""
    yield f"## {name}"
    yield ""
    for paragraph in (getattr(command, "help", "") or "").split("\n\n"):
        yield _cell(paragraph)
        yield ""
    yield "| parameter | meaning |"
    yield "| --- | --- |"
    for parameter in getattr(command, "params", []):
        option = parameter.param_type_name == "option"
        names = parameter.opts if option else [parameter.metavar]
        shown = ", ".join(f"`{option}`" for option in names if option)
        yield f"| {shown} | {_cell(getattr(parameter, 'help', '') or '')} |"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
