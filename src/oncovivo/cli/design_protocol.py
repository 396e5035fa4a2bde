"""``oncovivo design protocol``: a protocol to print, and what of it is open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click import Context
from typer.core import TyperGroup

from oncovivo.cli.options import DateOption, DebugOption, JsonOption
from oncovivo.cli.progress import stages
from oncovivo.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from oncovivo.analyses.design_protocol import FileProtocol, ProtocolResult

__all__ = ["app"]

ProtocolArgument = Annotated[
    Path,
    typer.Argument(metavar="PROTOCOL.toml", help="Statements, and the files of the design."),
]
BlindedOption = Annotated[
    bool, typer.Option("--blinded", help="Leave out the seed, which tells the arms.")
]
PageOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Protocol to write: .html or .pdf."),
]


class _BuildUnlessNamed(TyperGroup):
    """A file in the place of a sub-command is built."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """The arguments, with the sub-command that is meant."""
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = ["build", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_BuildUnlessNamed,
    help="Make a protocol to print, and say what of it is open.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Make a protocol to print, and say what of it is open.

    A file in the place of a sub-command is built.
    """


@app.command()
def build(
    file: ProtocolArgument,
    out: PageOption = None,
    date: DateOption = None,
    *,
    blinded: BlindedOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a protocol to print from its file and the files of the design that it names.

    The word build may be left out.

    Example: oncovivo design protocol build protocol.toml -o protocol.pdf
    """
    from oncovivo.guide.protocol import protocol_document
    from oncovivo.guide.sheets import check_sheet_name, write_sheet
    from oncovivo.provenance import build_date

    if out is not None:
        check_sheet_name(out, option="-o")
        if out.absolute() == file.absolute():
            raise InputError("a file of its own for -o", found="the protocol", where="-o")
    found = _built(file, blinded=blinded, quiet=as_json)
    if out is not None:
        try:
            write_sheet(protocol_document(found, printed=build_date(date)), out)
        except OSError as err:
            raise FileFormatError(
                "a place where files can be written",
                found=(err.strerror or "no reason given").lower(),
                where=str(out),
                mend="choose another file with -o",
            ) from err
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    _show(found.result)
    if out is not None:
        typer.echo(str(out))


@app.command()
def check(
    file: ProtocolArgument,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what of a protocol is open and what does not fit together; exit 1 then.

    Example: oncovivo design protocol check protocol.toml
    """
    found = _built(file, blinded=False, quiet=as_json)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(found.result)
        _show_open(found.result)
    if not found.result.is_ready:
        raise typer.Exit(1)


def _built(file: Path, *, blinded: bool, quiet: bool) -> FileProtocol:
    """The protocol, with progress."""
    from oncovivo.analyses.design_protocol import build_protocol_file

    with stages(quiet=quiet) as progress:
        return build_protocol_file(file, blinded=blinded, progress=progress)


def _show(result: ProtocolResult) -> None:
    """How far the protocol is."""
    from rich.console import Console
    from rich.text import Text

    from oncovivo.cli.tables import plain, simple_table

    console = Console(highlight=False)
    console.print(Text(result.title, style="bold"))
    table = simple_table("", "filled", "open", "after the study")
    for name, label in (("arrive", "ARRIVE 2.0 Essential 10"), ("prepare", "PREPARE")):
        states = [row.status for row in result.checklists if row.checklist == name]
        counts = (states.count(status) for status in ("filled", "open", "after_study"))
        table.add_row(label, *map(str, counts))
    console.print(table)
    console.print(plain(f"open items: {len(result.open_items)}; findings: {len(result.findings)}"))


def _show_open(result: ProtocolResult) -> None:
    """Open items and findings."""
    from rich.console import Console

    from oncovivo.cli.tables import plain, simple_table

    console = Console(highlight=False)
    if result.open_items:
        table = simple_table("open item", "what is missing, and who decides")
        for item in result.open_items:
            table.add_row(plain(item.item_id), plain(item.text))
        console.print(table)
    if result.findings:
        table = simple_table("", "finding", "files")
        for finding in result.findings:
            table.add_row(
                finding.severity, plain(finding.message), plain(", ".join(finding.files))
            )
        console.print(table)
