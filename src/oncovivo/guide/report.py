"""One study file, one page: checks, curves, endpoints, response, tolerability and who left."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from oncovivo.analyses import (
    AnalysisOptions,
    FileAnalysis,
    StudyAnalysis,
    StudyOptions,
    analyse_file,
)
from oncovivo.documents import (
    Badge,
    Block,
    Document,
    Figure,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    render_html,
    text,
)
from oncovivo.endpoints import plot_growth, plot_growth_panels
from oncovivo.errors import FileFormatError, InputError
from oncovivo.figures import to_svg
from oncovivo.guide.findings import provenance_blocks
from oncovivo.guide.study_blocks import (
    StudyLabel,
    endpoint_blocks,
    leaving_table,
    response_figures,
    response_table,
    tolerability_table,
    weight_figure,
)
from oncovivo.provenance import Provenance, package_versions
from oncovivo.studies.check import CheckOptions, CheckReport, StudyFinding, check_file

__all__ = ["StudyReport", "assemble_report", "build_report"]

MOST_ARMS_IN_ONE_PLOT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """What a report was made of, and the files that were written."""

    analysis: FileAnalysis
    checks: CheckReport
    written: tuple[Path, ...]


def build_report(
    file: Path,
    out: Path,
    *,
    built: date,
    reading: StudyOptions | None = None,
    options: AnalysisOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> StudyReport:
    """Write the report of a study file, and its tables and figures beside it.

    Parameters
    ----------
    file : Path
        Study file or folder.
    out : Path
        The page to write, ending in ``.html``; tables (CSV, XLSX) and figures (SVG) go into a
        folder beside it, named after it.
    built : date
        The date that the page prints.
    reading, options : optional
        What the user says about the file and the analysis.
    progress : callable, optional
        Called with the name of each stage before it starts.

    Raises
    ------
    InputError
        If `out` does not end in ``.html``, or the control is not named.
    DataError
        If no study of the file can carry the analysis.
    FileFormatError
        If the file cannot be read, or the page cannot be written.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError("a name ending in .html", found=out.name, where="--out", mend="rename it")
    reading, options = reading or StudyOptions(), options or AnalysisOptions()
    analysis = analyse_file(file, reading=reading, options=options, progress=progress)
    progress("checks")
    checks = check_file(file, options=_check_options(reading, options))
    progress("page")
    document = assemble_report(analysis, checks, built=built)
    page = render_html(document)
    progress("files")
    try:
        written = _write(out, page, document, analysis)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(out),
            mend="choose another file with -o",
        ) from err
    return StudyReport(analysis=analysis, checks=checks, written=written)


def _check_options(reading: StudyOptions, options: AnalysisOptions) -> CheckOptions:
    return CheckOptions(
        study=reading.study,
        line=reading.line,
        arms=reading.arms,
        control=options.control,
        reading=reading.read_options(),
        baseline_day=reading.baseline_day,
        zeros=reading.zeros,
    )


def assemble_report(analysis: FileAnalysis, checks: CheckReport, *, built: date) -> Document:
    """The report as a document; the same analysis gives the same document."""
    several = len(analysis.studies) > 1
    sections = [_overview(analysis, checks)]
    for number, study in enumerate(analysis.analysed, start=1):
        sections += _study_sections(study, number, several=several)
    sections.append(_methods(analysis))
    provenance = Provenance(
        date=built.isoformat(),
        inputs=(analysis.source,),
        versions=package_versions(),
        seed=analysis.seed,
    )
    sections.append(
        Section(anchor="provenance", title="Provenance", blocks=provenance_blocks(provenance))
    )
    simulated = any(study.study.simulated for study in analysis.analysed)
    return Document(
        title=f"Study report: {analysis.source.name}",
        subtitle="Simulated data" if simulated else "",
        date=built.isoformat(),
        sections=tuple(sections),
        keywords=("xenograft", "tumor growth", "endpoints"),
        generator=provenance.program,
    )


def _overview(analysis: FileAnalysis, checks: CheckReport) -> Section:
    """What the file holds, and what the checks found."""
    blocks: list[Block] = [Paragraph(content=text(checks.summary().split("\n")[0]))]
    blocks += [
        Note(kind="warning", content=text(f"{study.study_id} was not analysed: {study.reason}"))
        for study in analysis.skipped
    ]
    findings = [(found.study, finding) for found in checks.studies for finding in found.findings]
    findings += [("the file", finding) for finding in checks.findings]
    if findings:
        blocks.append(_finding_table(findings))
    return Section(anchor="overview", title="The file and its checks", blocks=tuple(blocks))


def _finding_table(findings: Sequence[tuple[str, StudyFinding]]) -> Table:
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = sorted(findings, key=lambda found: order[found[1].severity])
    return Table(
        anchor="table-findings",
        caption=text("What the checks found."),
        columns=(
            TableColumn(heading="Check", width=1.8),
            TableColumn(heading="Severity", width=0.9),
            TableColumn(heading="What was found", width=4),
            TableColumn(heading="How to mend it", width=3),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(finding.code.replace("_", " ")),
                    (Badge(content=finding.severity, kind=finding.severity),),
                    text(f"{study}: {finding.message}"),
                    text(finding.mend),
                )
            )
            for study, finding in ranked
        ),
    )


def _study_sections(study: StudyAnalysis, number: int, *, several: bool) -> tuple[Section, ...]:
    """The chapters of one study."""
    label = StudyLabel(id=str(number), title=study.study.title, simulated=study.study.simulated)
    prefix = f"{study.study.title}: " if several else ""
    parts: list[tuple[str, str, list[Block]]] = [
        ("growth", "Growth", [*_study_notes(study), _growth_figure(study, label)]),
        ("endpoints", "Endpoints", list(endpoint_blocks(study.endpoints, label))),
    ]
    if study.response is not None:
        blocks: list[Block] = [response_table(study.response, label)]
        blocks += response_figures(study.response, label)
        parts.append(("response", "Response", blocks))
    if study.tolerability is not None:
        weight = weight_figure(study.tolerability, label)
        blocks = [tolerability_table(study.tolerability, label)]
        blocks += [weight] if weight is not None else []
        parts.append(("tolerability", "Tolerability", blocks))
    parts.append(("leaving", "Who left, and why", [leaving_table(study.leavers, label)]))
    return tuple(
        Section(anchor=f"{anchor}-{number}", title=f"{prefix}{title}", blocks=tuple(blocks))
        for anchor, title, blocks in parts
    )


def _study_notes(study: StudyAnalysis) -> tuple[Block, ...]:
    """What is simulated, what was assumed while reading, and the arms."""
    blocks: list[Block] = []
    if study.study.simulated:
        words = "The data of this study are simulated. No animal was involved."
        blocks.append(Note(kind="simulated", content=text(words)))
    blocks.append(Paragraph(content=text(study.endpoints.summary() + ".")))
    notes = dict.fromkeys((*study.study.notes, *study.endpoints.notes))
    blocks += [Note(kind="info", content=text(note)) for note in notes]
    return tuple(blocks)


def _growth_figure(study: StudyAnalysis, label: StudyLabel) -> Figure:
    """Every animal, the means, and who is left."""
    volume = replace(study.volume, study_id="")
    if len(volume.arms) > MOST_ARMS_IN_ONE_PLOT:
        drawn = plot_growth_panels(volume)
    else:
        figure = plot_growth(volume).get_figure(root=True)
        if figure is None:  # an axes always has one; the type says otherwise
            message = "axes without a figure"
            raise RuntimeError(message)
        drawn = figure
    rows = [row for arm in volume.arms for row in volume.of_arm(arm)[-1:]]
    return Figure(
        anchor=f"figure-growth-{label.id}",
        svg=to_svg(drawn, title=f"Tumor growth by arm, {label.title}"),
        caption=label.caption(
            "Tumor volume by day, log scale: each animal a thin line, the arithmetic mean of each "
            "arm with its standard error, and the number of animals still followed. A mean is "
            "drawn hollow once fewer than half of its arm remain."
        ),
        description="; ".join(
            f"{row.arm}: {row.n_at_risk} of {row.n_enrolled} animals followed to day {row.day:g}"
            for row in rows
        ),
    )


def _methods(analysis: FileAnalysis) -> Section:
    """A paragraph for a methods section, with versions and the input's digest."""
    from oncovivo.version import __version__

    level = f"{analysis.options.level:.0%}"
    rule = analysis.options.rule.replace("_", " ")
    words = (
        f"Tumor volumes were analysed with oncovivo {__version__} (input SHA-256 "
        f"{analysis.source.sha256}, seed {analysis.seed}). Relative volumes refer to the baseline "
        "day named above. Endpoints of a day were taken on the day named above: unless given, the "
        "last day on which at least 80 % and three animals of every arm were measured, fixed "
        f"before the volumes were looked at. Intervals are {level}, by the method named with each "
        "endpoint in the table of results; resampling was done by animal within arm. Response "
        f"was classified by mRECIST ({rule}) and by the categories of the Pediatric Preclinical "
        "Testing Consortium; rates have exact (Clopper-Pearson) limits. Body weight is given raw "
        "and net of the tumor at 1 mg/mm³. Nobody was left out in silence: animals that left are "
        "listed with their reason."
    )
    return Section(anchor="methods", title="Methods", blocks=(Paragraph(content=text(words)),))


def _write(out: Path, page: str, document: Document, analysis: FileAnalysis) -> tuple[Path, ...]:
    """The page, and a folder of tables and figures beside it."""
    folder = out.with_suffix("")
    folder = folder.with_name(f"{folder.name}_files")
    folder.mkdir(parents=True, exist_ok=True)
    out.write_bytes(page.encode())
    written = [out]
    for name, table in _tables(analysis).items():
        csv = folder / f"{name}.csv"
        table.to_csv(csv, index=False, lineterminator="\n")
        written.append(csv)
    workbook = folder / "tables.xlsx"
    with pd.ExcelWriter(workbook) as writer:
        for name, table in _tables(analysis).items():
            table.to_excel(writer, sheet_name=name, index=False)
    written.append(workbook)
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                svg = folder / f"{_file_name(block.anchor)}.svg"
                svg.write_bytes(block.svg.encode())
                written.append(svg)
    return tuple(written)


def _tables(analysis: FileAnalysis) -> dict[str, pd.DataFrame]:
    """The results as tidy tables, by name."""
    tables = {"endpoints": analysis.to_frame()}
    by_day, response, weight = [], [], []
    for study in analysis.analysed:
        by_day.append(study.volume.to_frame().assign(study=study.study.study_id))
        if study.response is not None:
            response.append(study.response.to_frame().assign(study=study.study.study_id))
        if study.tolerability is not None:
            weight.append(study.tolerability.to_frame().assign(study=study.study.study_id))
    for name, frames in (("by_day", by_day), ("response", response), ("tolerability", weight)):
        if frames:
            tables[name] = pd.concat(frames, ignore_index=True)
    return tables


def _file_name(anchor: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", anchor)
