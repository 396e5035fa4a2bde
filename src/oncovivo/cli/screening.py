"""``oncovivo evidence import``, ``duplicates``, ``screen`` and ``prisma``: a literature search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli.options import DebugOption, FigureOption, JsonOption, TableOption
from oncovivo.errors import InputError

__all__ = ["duplicates", "import_files", "prisma", "screen"]

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with screening.toml and search.csv.")
]
ReferencesOption = Annotated[
    Path | None,
    typer.Option(
        "--references",
        metavar="FILE",
        help="CSL-JSON; else references.json in the folder or the one above.",
    ),
]


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Exports: RIS, BibTeX, NBIB or CSL-JSON, UTF-8."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", help="The search.csv to write."),
    ],
    database: Annotated[
        list[str] | None,
        typer.Option(
            "--database",
            metavar="FILE=NAME",
            help="Database of an export; else what it names itself, else its name; repeatable.",
        ),
    ] = None,
    register: Annotated[
        list[str] | None,
        typer.Option("--register", metavar="FILE=NAME", help="Register of an export; repeatable."),
    ] = None,
    other: Annotated[
        list[str] | None,
        typer.Option(
            "--other",
            metavar="FILE=METHOD",
            help="Other method of an export: website, organization, citation_searching or other; "
            "repeatable.",
        ),
    ] = None,
    *,
    add: Annotated[
        bool, typer.Option("--add", help="Add to the records that the file holds already.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Read the exports of literature searches into one file, each record with its origin.

    Example: oncovivo evidence import pubmed.nbib embase.ris -o screening/search.csv
    """
    from oncovivo.analyses.screening import import_search, import_summary, search_sources

    sources = search_sources(
        databases=database or (), registers=register or (), others=other or ()
    )
    result = import_search(files, out=out, sources=sources, add=add)
    if as_json:
        options = {
            "out": out.name,
            "database": database or [],
            "register": register or [],
            "other": other or [],
            "add": add,
        }
        _echo(import_summary(result, options=options))
    else:
        from oncovivo.cli.screening_tables import show_import

        show_import(result)


def duplicates(
    folder: FolderArgument,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List which records were merged and why, and which pairs a person has to decide.

    Decisions are rows of duplicates.csv: record_id,other_id,decision,by,note with same or
    different.

    Example: oncovivo evidence duplicates screening
    """
    from oncovivo.analyses.screening import duplicates_summary, duplicates_table
    from oncovivo.cli.files import check_table_name, write_table
    from oncovivo.evidence.screening import read_screening

    if out is not None:
        check_table_name(out)
    screening = read_screening(folder)
    if out is not None:
        write_table(duplicates_table(screening), out)
    if as_json:
        _echo(duplicates_summary(screening, folder, options={"out": _name(out)}))
    else:
        from oncovivo.cli.screening_tables import show_duplicates

        show_duplicates(screening)


def screen(
    folder: FolderArgument,
    rater: Annotated[
        str | None,
        typer.Option("--rater", metavar="NAME", help="Who decides; consensus settles a conflict."),
    ] = None,
    stage: Annotated[
        Literal["title_abstract", "full_text"],
        typer.Option("--stage", help="The stage at which the rater decides."),
    ] = "title_abstract",
    decide: Annotated[
        list[str] | None,
        typer.Option(
            "--decide",
            metavar="RECORD=DECISION",
            help="Add a decision: include, maybe, exclude or not_retrieved; repeatable.",
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="WORD", help="Why they are excluded."),
    ] = "",
    date: Annotated[
        str, typer.Option("--date", metavar="DATE", help="Date of the decisions, YYYY-MM-DD.")
    ] = "",
    source: Annotated[
        str,
        typer.Option("--source", metavar="KEY", help="Key of the report in references.json."),
    ] = "",
    study: Annotated[
        str,
        typer.Option("--study", metavar="NAME", help="Study that the reports have in common."),
    ] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A remark to keep.")] = "",
    most: Annotated[
        int,
        typer.Option("--most", metavar="N", min=0, help="How many waiting records are shown."),
    ] = 5,
    references: ReferencesOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show where a screening stands, what waits for a rater, or add a rater's decisions.

    Example: oncovivo evidence screen screening --rater AB --decide pubmed.nbib:3=include
    """
    from oncovivo.analyses.screening import add_decisions, screening_summary, states_table
    from oncovivo.cli.files import check_table_name, write_table
    from oncovivo.evidence.screening import read_screening

    if out is not None:
        check_table_name(out)
    decisions = _decisions(decide or ())
    said = {"reason": reason, "date": date, "source": source, "study": study, "note": note}
    if decisions and not rater:
        raise InputError("who decides", found="no --rater", where="--decide")
    if not decisions and any(said.values()):
        given = next(name for name, value in said.items() if value)
        raise InputError("a decision to go with it", found="no --decide", where=f"--{given}")
    screening = read_screening(folder, references=references)
    if decisions and rater:
        screening = add_decisions(
            folder,
            screening,
            decisions,
            stage=stage,
            rater=rater,
            reason=reason,
            date=date,
            source=source,
            study=study,
            note=note,
            references=references,
        )
    if out is not None:
        write_table(states_table(screening), out)
    if as_json:
        options = {
            "rater": rater,
            "stage": stage,
            "decide": decide or [],
            **said,
            "references": _name(references),
            "out": _name(out),
        }
        _echo(screening_summary(screening, folder, options=options, rater=rater, stage=stage))
    else:
        from oncovivo.cli.screening_tables import show_screening, show_waiting

        if rater and not decisions:
            show_waiting(screening, rater=rater, stage=stage, most=most)
        else:
            show_screening(screening)


def prisma(
    folder: FolderArgument,
    figure: FigureOption = None,
    references: ReferencesOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Count the flow of a review by PRISMA 2020 from its log, and draw it.

    What is not yet decided is counted as in progress.

    Example: oncovivo evidence prisma screening --figure flow.svg
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.screening import flow_summary, write_flow_figure
    from oncovivo.cli.files import write_figures
    from oncovivo.evidence.screening import read_screening

    if figure is not None:
        check_figure_name(figure)
    screening = read_screening(folder, references=references)
    if figure is not None:
        write_figures(write_flow_figure, screening, figure)
    if as_json:
        options = {"references": _name(references), "figure": _name(figure)}
        _echo(flow_summary(screening, folder, options=options))
    else:
        from oncovivo.cli.screening_tables import show_flow

        show_flow(screening)


def _decisions(given: list[str] | tuple[()]) -> dict[str, str]:
    """``RECORD=DECISION`` options; a file name may hold ``=``."""
    found: dict[str, str] = {}
    for text in given:
        record, sign, decision = (part.strip() for part in text.rpartition("="))
        if not (sign and record and decision):
            raise InputError("RECORD=DECISION", found=repr(text), where="--decide")
        if record in found:
            raise InputError("each record once", found=f"{record!r} twice", where="--decide")
        found[record] = decision
    return found


def _name(path: Path | None) -> str | None:
    return None if path is None else path.name


def _echo(content: dict[str, object]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
