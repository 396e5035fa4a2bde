"""The command tree, and how its errors are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer
from typer._click.exceptions import NoArgsIsHelpError
from typer.exceptions import TyperException
from typer.main import get_command

from oncovivo.cli import (
    design,
    evidence,
    growth,
    guide,
    markers,
    mechanism,
    mechanism_sensitivity,
    meta,
    panel,
    report,
    simulate,
    study,
    survival,
    synergy,
)
from oncovivo.errors import FileFormatError, ProjectError
from oncovivo.version import __version__

__all__ = ["app", "main"]

USAGE = 2
INTERRUPTED = 130

# The matrices are small: threads of the linear algebra wait for each other longer than they work.
# Set before numpy is imported; what the user has set comes first.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

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
app.add_typer(study.app, name="study")
mechanism.app.command("sensitivity")(mechanism_sensitivity.sensitivity)
app.add_typer(mechanism.app, name="mechanism")
app.add_typer(design.app, name="design")
app.command("growth")(growth.growth)
app.command("survival")(survival.survival)
app.command("synergy")(synergy.synergy)
app.command("meta")(meta.meta)
app.command("simulate")(simulate.simulate)
app.command("panel")(panel.panel)
app.command("markers")(markers.markers)
app.command("report")(report.report)


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
    malformed input, output that cannot be written · 3 well-formed input that cannot carry the
    analysis · 130 stopped from the keyboard.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json, debug = "--json" in given, "--debug" in given
    _prepare_output(as_json=as_json)
    try:
        code = get_command(app).main(args=given, prog_name="oncovivo", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (ProjectError, OSError) as err:
        if debug:
            raise
        _leave(err if isinstance(err, ProjectError) else _file_error(err), as_json=as_json)
    except TyperException as err:
        if isinstance(err, NoArgsIsHelpError):
            print(err.format_message(), file=sys.stderr)
            sys.exit(USAGE)
        _leave(
            _CommandLineError(
                "a command line as --help describes it",
                found=" ".join(err.format_message().split()),
                where="command line",
                mend="see --help",
            ),
            as_json=as_json,
        )
    if code == INTERRUPTED:
        _leave(_StoppedError("to be left to finish", found="a stop"), as_json=as_json)
    sys.exit(code if isinstance(code, int) else 0)


class _CommandLineError(ProjectError):
    """A command line that cannot be understood."""

    code = "usage"


class _StoppedError(ProjectError):
    """The user stopped the work."""

    code = "stopped"
    exit_code = INTERRUPTED


def _prepare_output(*, as_json: bool) -> None:
    """JSON is UTF-8 wherever it goes; what an encoding lacks becomes an escape."""
    if isinstance(sys.stdout, TextIOWrapper):
        encoding = "utf-8" if as_json else None
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _file_error(err: OSError) -> FileFormatError:
    """What the operating system refused, as one line."""
    return FileFormatError(
        "files that can be read and written",
        found=(err.strerror or str(err)).lower(),
        where=str(err.filename or "output"),
        mend="check the place, its rights and the room on the disk",
    )


def _leave(error: ProjectError, *, as_json: bool) -> NoReturn:
    """One line on stderr, and with ``--json`` one object on stdout; then the exit code."""
    print(f"oncovivo: {error}", file=sys.stderr)
    try:
        if as_json:
            content = {"error": error.to_dict(), **error.details}
            print(json.dumps(content, ensure_ascii=False, allow_nan=False))
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # Python would try once more when it leaves, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(error.exit_code)
