"""A literature search from its exports to the flow diagram: what the commands do and print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oncovivo.analyses.contract import contract
from oncovivo.analyses.figure_files import write_named_figures
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.screening import (
    MERGE_REASONS,
    NEAR_REASONS,
    SOURCE_KINDS,
    STATES,
    Agreement,
    Deduplication,
    FlowColumn,
    FoundRecord,
    ImportRemark,
    Screening,
    Source,
    StageDecision,
    assemble_screening,
    deduplicate,
    plot_flow,
    read_exports,
    read_screening,
    read_search,
    write_decisions,
    write_search,
)
from oncovivo.evidence.screening.decisions import Stage, parse_decision
from oncovivo.provenance import InputFile, digest_file, digest_inputs

if TYPE_CHECKING:
    import pandas as pd

    from oncovivo.evidence.screening.found import SourceKind

__all__ = [
    "SearchImport",
    "add_decisions",
    "duplicates_summary",
    "duplicates_table",
    "flow_summary",
    "import_search",
    "import_summary",
    "last_decisions",
    "screening_summary",
    "search_sources",
    "states_table",
    "write_flow_figure",
]

_FILES: Final = ("screening.toml", "search.csv", "duplicates.csv", "screening.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchImport:
    """What an import did.

    Parameters
    ----------
    records : tuple of FoundRecord
        All records of the written file.
    new : int
        How many of them came by this import.
    remarks : tuple of ImportRemark
        What was not understood.
    duplicates : Deduplication
        Groups of all records, before anybody decided on pairs.
    source : InputFile
        Digest of the exports.
    """

    records: tuple[FoundRecord, ...]
    new: int
    remarks: tuple[ImportRemark, ...]
    duplicates: Deduplication
    source: InputFile


def search_sources(
    *, databases: Sequence[str], registers: Sequence[str], others: Sequence[str]
) -> dict[str, Source]:
    """What each file is an export of, from ``FILE=NAME`` options.

    Parameters
    ----------
    databases, registers : sequence of str
        ``FILE=NAME``.
    others : sequence of str
        ``FILE=METHOD`` with a method of PRISMA's right column.

    Raises
    ------
    InputError
        If an option is malformed, a method unknown, or a file is named twice.

    Examples
    --------
    >>> search_sources(databases=["a.ris=Embase"], registers=[], others=[])
    {'a.ris': Source(kind='database', name='Embase')}
    """
    methods: dict[str, SourceKind] = {kind: kind for kind in list(SOURCE_KINDS)[2:]}
    found: dict[str, Source] = {}
    for option, given in (("database", databases), ("register", registers), ("other", others)):
        for text in given:
            file, sign, name = (part.strip() for part in text.rpartition("="))
            where = f"--{option}"
            if not (sign and file and name):
                raise InputError("FILE=NAME", found=repr(text), where=where)
            if option == "other" and name not in methods:
                expected = f"FILE=METHOD with one of {', '.join(methods)}"
                raise InputError(expected, found=repr(text), where=where)
            if file in found:
                raise InputError("each file once", found=f"{file!r} twice", where=where)
            found[file] = (
                Source(kind=methods[name])
                if option == "other"
                else Source(kind="register" if option == "register" else "database", name=name)
            )
    return found


def import_search(
    files: Sequence[Path], *, out: Path, sources: Mapping[str, Source], add: bool = False
) -> SearchImport:
    """Read exports and write ``search.csv``.

    Parameters
    ----------
    files : sequence of Path
        Exports of different names.
    out : Path
        The file to be written.
    sources : mapping of str to Source
        What was searched, by name of the export.
    add : bool
        Whether to add to the records that the file holds already.

    Raises
    ------
    InputError
        If the exports or sources are no set that can be read.
    FileFormatError
        If an export cannot be read, or the file exists and nothing was said about adding, or it
        holds records of an export of the same name.
    OSError
        If the file cannot be written.
    """
    if out.suffix.lower() != ".csv":
        raise InputError(
            "a name ending in .csv", found=out.name, where="--out", mend="use search.csv"
        )
    before: tuple[FoundRecord, ...] = ()
    if out.exists():
        if not add:
            raise FileFormatError(
                "a file that is not there yet",
                found=f"{out.name}, which decisions may rest on",
                where=str(out.parent),
                mend="use --add to add new exports to it, or remove it to start again",
            )
        before = read_search(out)
    found = read_exports(files, sources=sources)
    names = {record.file for record in before} & {path.name for path in files}
    if names:
        raise FileFormatError(
            "exports that were not imported before",
            found=min(names),
            where=out.name,
            mend="give a new export a name of its own",
        )
    records = (*before, *found.records)
    text = write_search(records)
    out.parent.mkdir(parents=True, exist_ok=True)
    _replace(out, text)
    inputs = [digest_file(path, name=path.name) for path in sorted(files, key=lambda p: p.name)]
    source = (
        inputs[0]
        if len(inputs) == 1
        else InputFile(name=", ".join(one.name for one in inputs), sha256=digest_inputs(inputs))
    )
    return SearchImport(
        records=records,
        new=len(found.records),
        remarks=found.remarks,
        duplicates=deduplicate(records),
        source=source,
    )


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(text.encode())
    new.replace(path)


def add_decisions(
    folder: Path,
    screening: Screening,
    decisions: Mapping[str, str],
    *,
    stage: Stage,
    rater: str,
    reason: str = "",
    date: str = "",
    source: str = "",
    study: str = "",
    note: str = "",
    references: Path | None = None,
) -> Screening:
    """The screening with decisions added to its ``screening.csv``; written only if all hold.

    Parameters
    ----------
    folder : Path
        Of the screening.
    screening : Screening
        As it was read from there.
    decisions : mapping of str to str
        From records to decisions.
    stage : {"title_abstract", "full_text"}
        At which they were made.
    rater, reason, date, source, study, note : str
        The same for all of them; see the columns of the file.
    references : Path, optional
        As for :func:`oncovivo.evidence.screening.read_screening`.

    Raises
    ------
    FileFormatError
        If a decision is none that the file may hold.
    OSError
        If the file cannot be written.
    """
    ids = {record.record_id for record in screening.records}
    shared = {
        "stage": stage,
        "rater": rater.strip(),
        "reason": reason,
        "date": date,
        "source": source,
        "study": study,
        "note": " ".join(note.split()),
    }
    new = tuple(
        parse_decision(
            {**shared, "record_id": record_id, "decision": decision},
            where=f"--decide {record_id}={decision}",
            settings=screening.settings,
            record_ids=ids,
            library=screening.library,
        )
        for record_id, decision in decisions.items()
    )
    every = (*screening.decisions, *new)
    # What does not go together with the rows before is found before anything is written.
    assemble_screening(
        settings=screening.settings,
        records=screening.records,
        duplicates=screening.duplicates,
        decisions=every,
        library=screening.library,
    )
    _replace(folder / "screening.csv", write_decisions(every))
    return read_screening(folder, references=references)


def import_summary(result: SearchImport, *, options: Mapping[str, object]) -> dict[str, object]:
    """What ``oncovivo evidence import --json`` prints."""
    return contract(
        "oncovivo.search_import/1",
        source=result.source,
        options=options,
        content={
            "n_records": len(result.records),
            "n_new": result.new,
            "sources": _sources(result.records),
            **_duplicates(result.duplicates),
        },
        warnings=tuple(
            {"code": "not_understood", "message": one.message, "record_id": one.record_id}
            for one in result.remarks
        ),
    )


def duplicates_summary(
    screening: Screening, folder: Path, *, options: Mapping[str, object]
) -> dict[str, object]:
    """What ``oncovivo evidence duplicates --json`` prints."""
    return contract(
        "oncovivo.duplicates/1",
        source=_digest(folder),
        options=options,
        content={"n_records": len(screening.records), **_duplicates(screening.duplicates)},
    )


def screening_summary(
    screening: Screening,
    folder: Path,
    *,
    options: Mapping[str, object],
    rater: str | None = None,
    stage: Stage = "title_abstract",
) -> dict[str, object]:
    """What ``oncovivo evidence screen --json`` prints; with a rater, also what waits for them."""
    count = Counter(state.state for state in screening.states)
    return contract(
        "oncovivo.screening/1",
        source=_digest(folder),
        options=options,
        content={
            "n_records": len(screening.records),
            "n_reports": len(screening.states),
            "n_raters": screening.settings.raters,
            "states": {name: count[name] for name in STATES},
            "n_near_duplicates": len(screening.duplicates.near),
            "waiting": None
            if rater is None
            else [report.record_id for report in screening.waiting(stage, rater=rater)],
            "conflicts": [
                {
                    "record_id": report.record_id,
                    "state": report.state,
                    "decisions": [
                        {"rater": one.rater, "decision": one.decision, "reason": one.reason}
                        for one in last_decisions(screening, report.record_id)
                    ],
                }
                for report in screening.states
                if report.state.endswith("_conflict")
            ],
            "agreement": [_agreement(one) for one in screening.agreement],
            "included": [
                {
                    "record_id": report.record_id,
                    "source": report.source or None,
                    "study": report.study or None,
                }
                for report in screening.states
                if report.state == "included"
            ],
        },
    )


def last_decisions(screening: Screening, kept: str) -> tuple[StageDecision, ...]:
    """The decisions on a report at the last stage that it has reached, by rater."""
    mine = [one for one in screening.decisions if screening.duplicates.kept[one.record_id] == kept]
    last = [one for one in mine if one.stage == "full_text"] or mine
    return tuple(sorted(last, key=lambda decision: decision.rater))


def flow_summary(
    screening: Screening, folder: Path, *, options: Mapping[str, object]
) -> dict[str, object]:
    """What ``oncovivo evidence prisma --json`` prints."""
    flow = screening.flow
    return contract(
        "oncovivo.prisma/1",
        source=_digest(folder),
        options=options,
        content={
            "title": flow.title,
            "complete": flow.complete,
            "searched": _column(flow.searched),
            "other": None if flow.other is None else _column(flow.other),
            "n_studies": flow.n_studies,
            "n_reports": flow.n_reports,
            "n_open": flow.n_open,
            "n_near_duplicates": flow.n_near_duplicates,
            "fictitious": flow.fictitious,
        },
    )


def _column(column: FlowColumn) -> dict[str, object]:
    return {
        "n_identified": column.n_identified,
        "identified": [
            {"kind": one.kind, "name": one.name, "n": one.n} for one in column.identified
        ],
        "n_duplicates": column.n_duplicates,
        "n_screened": column.n_screened,
        "n_excluded": column.n_excluded,
        "n_screening_open": column.n_screening_open,
        "n_sought": column.n_sought,
        "n_not_retrieved": column.n_not_retrieved,
        "n_retrieval_open": column.n_retrieval_open,
        "n_assessed": column.n_assessed,
        "n_excluded_reports": column.n_excluded_reports,
        "excluded_reports": [{"reason": label, "n": n} for label, n in column.excluded_reports],
        "n_assessment_open": column.n_assessment_open,
        "n_included": column.n_included,
    }


def _agreement(one: Agreement) -> dict[str, object]:
    return {
        "stage": one.stage,
        "raters": list(one.raters),
        "n": one.n,
        "n_agreed": one.n_agreed,
        "kappa": one.kappa,
        "std_error": one.std_error,
        "lower": one.lower,
        "upper": one.upper,
        "status": "undefined" if one.kappa is None else "ok",
        "reason": "both raters put every record into one class" if one.kappa is None else None,
    }


def _sources(records: Sequence[FoundRecord]) -> list[dict[str, object]]:
    found = Counter((record.source_kind, record.database, record.file) for record in records)
    return [
        {"kind": kind, "database": database, "file": file, "n": n}
        for (kind, database, file), n in sorted(found.items())
    ]


def _duplicates(found: Deduplication) -> dict[str, object]:
    return {
        "n_reports": len(found.groups),
        "n_duplicates": len(found.merges),
        "merges": [
            {
                "record_id": one.record_id,
                "kept": one.kept,
                "by_way_of": one.by_way_of,
                "reason": one.reason,
                "score": one.score,
            }
            for one in found.merges
        ],
        "near_duplicates": [
            {
                "record_id": one.record_id,
                "other_id": one.other_id,
                "reason": one.reason,
                "score": one.score,
            }
            for one in found.near
        ],
    }


def _digest(folder: Path) -> InputFile:
    """The digest of the files that a screening consists of."""
    there = [folder / name for name in _FILES if (folder / name).is_file()]
    digests = [digest_file(path, name=path.name) for path in there]
    return InputFile(name=folder.resolve().name, sha256=digest_inputs(digests))


def duplicates_table(screening: Screening) -> pd.DataFrame:
    """Every merged record and every near-duplicate, with the titles of both.

    Columns: ``outcome`` (merged or to_decide), ``record_id``, ``other_id`` (the record that is
    kept, or the other of the pair), ``reason``, ``score``, ``title``, ``other_title``.
    """
    import pandas as pd

    titles = {record.record_id: record.title for record in screening.records}
    found = screening.duplicates
    rows = [
        ("merged", one.record_id, one.kept, MERGE_REASONS[one.reason], one.score)
        for one in found.merges
    ] + [
        ("to_decide", one.record_id, one.other_id, NEAR_REASONS[one.reason], one.score)
        for one in found.near
    ]
    return pd.DataFrame(
        [(*row, titles[row[1]], titles[row[2]]) for row in rows],
        columns=["outcome", "record_id", "other_id", "reason", "score", "title", "other_title"],
    )


def states_table(screening: Screening) -> pd.DataFrame:
    """Every record with the one state that it is in; duplicates name the record that is kept.

    Columns: ``record_id``, ``state``, ``duplicate_of``, ``reason``, ``source``, ``study``,
    ``database``, ``year``, ``title``.
    """
    import pandas as pd

    by_report = {report.record_id: report for report in screening.states}
    rows = []
    for record in screening.records:
        kept = screening.duplicates.kept[record.record_id]
        report = by_report[kept] if kept == record.record_id else None
        rows.append(
            (
                record.record_id,
                "duplicate" if report is None else report.state,
                kept if report is None else "",
                "" if report is None else report.reason,
                "" if report is None else report.source,
                "" if report is None else report.study,
                record.database,
                record.year,
                record.title,
            )
        )
    return pd.DataFrame(
        rows,
        columns=[
            "record_id",
            "state",
            "duplicate_of",
            "reason",
            "source",
            "study",
            "database",
            "year",
            "title",
        ],
        dtype=object,
    )


def write_flow_figure(screening: Screening, path: Path) -> tuple[Path, ...]:
    """Draw the flow diagram as ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If the file cannot be written.
    """
    flow = screening.flow
    title = f"PRISMA 2020 flow diagram: {flow.title}" if flow.title else "PRISMA 2020 flow diagram"
    return write_named_figures({path.stem: plot_flow(flow)}, path, title=title)
