"""The command tree, and how its errors are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from oncovivo import __version__
from oncovivo.cli import evidence, guide
from oncovivo.errors import ProjectError

__all__ = ["app", "main"]

USAGE = 2

app = typer.Typer(
    name="oncovivo",
    help="Comparative efficacy guides for preclinical oncology, from what can be checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(guide.app, name="guide")
app.add_typer(evidence.app, name="evidence")


@app.callback(invoke_without_command=True)
def version(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    """Print the version, or run a command."""
    if version:
        typer.echo(f"oncovivo {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 success · 1 findings, fallen claims, failed checks · 2 wrong command line, unreadable or
    malformed input · 3 well-formed input that cannot carry the analysis.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json, debug = "--json" in given, "--debug" in given
    try:
        code = get_command(app).main(args=given, prog_name="oncovivo", standalone_mode=False)
    except ProjectError as err:
        if debug:
            raise
        _show_error(str(err), {"error": err.to_dict(), **err.details}, as_json=as_json)
        sys.exit(err.exit_code)
    except typer.Abort:
        _show_error("stopped", {}, as_json=False)
        sys.exit(USAGE)
    except TyperException as err:
        message = " ".join(err.format_message().split())
        error = {
            "code": "usage",
            "expected": "a command line as --help describes it",
            "found": message,
            "where": "command line",
            "mend": "see --help",
        }
        _show_error(f"command line: {message}; see --help", {"error": error}, as_json=as_json)
        sys.exit(USAGE)
    sys.exit(code if isinstance(code, int) else 0)


def _show_error(line: str, content: dict[str, object], *, as_json: bool) -> None:
    """One line on stderr, and with ``--json`` one object on stdout."""
    print(f"oncovivo: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(content, ensure_ascii=False, allow_nan=False))
