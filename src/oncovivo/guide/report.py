"""One study file, one page: checks, curves, endpoints, survival, response and who left."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from oncovivo.analyses import (
    AnalysisOptions,
    FileAnalysis,
    StudyAnalysis,
    StudyOptions,
    analyse_file,
)
from oncovivo.analyses.growth_analysis import GrowthAnalysis, analyse_growth
from oncovivo.analyses.growth_result import GrowthOptions
from oncovivo.analyses.survival_analysis import survival_or_reason
from oncovivo.analyses.survival_frames import survival_frames
from oncovivo.analyses.survival_result import SurvivalOptions, SurvivalResult
from oncovivo.analyses.table_files import write_csv, write_workbook
from oncovivo.documents import (
    Badge,
    Block,
    Document,
    Listing,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    render_html,
    text,
)
from oncovivo.documents import Figure as FigureBlock
from oncovivo.endpoints import VolumeByDay, plot_growth, plot_growth_panels
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.figures import to_svg
from oncovivo.guide.endpoint_tables import definition_table, endpoint_groups
from oncovivo.guide.findings import provenance_blocks
from oncovivo.guide.growth_blocks import (
    growth_pictures,
    growth_tables,
    influence_table,
    model_paragraph,
    remark_blocks,
    residual_picture,
)
from oncovivo.guide.study_blocks import (
    Picture,
    at_risk_table,
    leaving_table,
    response_pictures,
    response_table,
    tolerability_table,
    weight_picture,
)
from oncovivo.guide.study_label import StudyLabel
from oncovivo.guide.survival_blocks import (
    curves_picture,
    event_paragraph,
    hazard_picture,
    incidence_picture,
    no_survival,
    reason_blocks,
    survival_remarks,
    survival_tables,
)
from oncovivo.provenance import Provenance, package_versions
from oncovivo.studies.check import (
    CheckOptions,
    CheckReport,
    Severity,
    StudyFinding,
    check_file,
)
from oncovivo.survival.events import EventDefinition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "AssembledReport",
    "StudyReport",
    "assemble_report",
    "build_report",
    "growth_models",
    "survival_results",
]

MOST_ARMS_IN_ONE_PLOT = 6
SEVERITY_WORDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """What a report was made of, and the files that were written."""

    analysis: FileAnalysis
    checks: CheckReport
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssembledReport:
    """A report before it is written: the page, and its figures as they were drawn."""

    document: Document
    pictures: tuple[Picture, ...]


def build_report(
    file: Path,
    out: Path,
    *,
    built: date,
    reading: StudyOptions | None = None,
    options: AnalysisOptions | None = None,
    event: EventDefinition | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> StudyReport:
    """Write the report of a study file, and its tables and figures beside it.

    Parameters
    ----------
    file : Path
        Study file or folder.
    out : Path
        The page to write, ending in ``.html``; tables (CSV, XLSX) and figures (SVG, PNG) go into
        a folder beside it, named after it.
    built : date
        The date that the page prints.
    reading, options : optional
        What the user says about the file and the analysis.
    event : EventDefinition, optional
        The event of the chapter on times to an event; quadrupling where not given.
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
    growth = growth_models(analysis, progress=progress)
    survival = survival_results(analysis, event=event, progress=progress)
    progress("page")
    report = assemble_report(analysis, checks, growth, survival, built=built)
    page = render_html(report.document)
    progress("files")
    try:
        written = _write(out, page, report.pictures, _tables(analysis, growth, survival))
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


def growth_models(
    analysis: FileAnalysis, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[GrowthAnalysis | str, ...]:
    """The growth model of each study that was analysed, or why it cannot carry one."""
    options = GrowthOptions(level=analysis.options.level, day=analysis.options.day)
    found: list[GrowthAnalysis | str] = []
    for study in analysis.analysed:
        progress(f"growth model, {study.study.study_id}")
        try:
            found.append(
                analyse_growth(
                    study.study,
                    control=study.endpoints.control,
                    options=options,
                    baseline_day=analysis.reading.baseline_day,
                    seed=analysis.seed,
                )
            )
        except DataError as err:
            found.append(str(err))
    return tuple(found)


def survival_results(
    analysis: FileAnalysis,
    *,
    event: EventDefinition | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[SurvivalResult | str, ...]:
    """Times to an event in each study that was analysed, or why it has none.

    Parameters
    ----------
    analysis : FileAnalysis
        The studies.
    event : EventDefinition, optional
        The event; quadrupling where not given.
    progress : callable, optional
        Called with the name of each study before it starts.
    """
    found: list[SurvivalResult | str] = []
    for study in analysis.analysed:
        progress(f"times to event, {study.study.study_id}")
        control = study.endpoints.control
        result, reason = survival_or_reason(
            study.study,
            control=control,
            options=SurvivalOptions(control=control, event=event, level=analysis.options.level),
            baseline_day=analysis.reading.baseline_day,
            seed=analysis.seed,
        )
        found.append(reason if result is None else result)
    return tuple(found)


def assemble_report(
    analysis: FileAnalysis,
    checks: CheckReport,
    growth: Sequence[GrowthAnalysis | str],
    survival: Sequence[SurvivalResult | str],
    *,
    built: date,
) -> AssembledReport:
    """The report as a document and its pictures; the same analysis gives the same.

    Parameters
    ----------
    analysis : FileAnalysis
        Endpoints, response and tolerability.
    checks : CheckReport
        Findings of the checks.
    growth : sequence of GrowthAnalysis or str
        From :func:`growth_models`.
    survival : sequence of SurvivalResult or str
        From :func:`survival_results`.
    built : date
        The date that the page prints.
    """
    analysed = analysis.analysed
    sections = [_overview(analysis, checks)]
    pictures: list[Picture] = []
    several = len(analysis.studies) > 1
    studies = zip(analysed, growth, survival, strict=True)
    for number, (study, model, times) in enumerate(studies, start=1):
        chapters, drawn = _study_sections(study, model, times, number, several=several)
        sections += chapters
        pictures += drawn
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
    name = analysis.source.name
    subtitle = [f"From {name}"] if len(analysis.studies) == 1 else []
    if any(study.study.simulated for study in analysed):
        subtitle.append("Simulated data: no animal was involved")
    document = Document(
        title=f"Study report: {analysed[0].study.title if len(analysis.studies) == 1 else name}",
        subtitle=". ".join(subtitle),
        date=built.isoformat(),
        sections=tuple(sections),
        keywords=("xenograft", "tumor growth", "endpoints"),
        generator=provenance.program,
    )
    return AssembledReport(document=document, pictures=tuple(pictures))


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
        blocks.append(_finding_table(findings, several=len(checks.studies) > 1))
    return Section(anchor="overview", title="The file and its checks", blocks=tuple(blocks))


def _finding_table(findings: Sequence[tuple[str, StudyFinding]], *, several: bool) -> Table:
    """A row for each check, the gravest first; which study only where there are several."""
    grouped: dict[tuple[Severity, str, str], list[str]] = {}
    for severity in SEVERITY_WORDS:
        for study, found in findings:
            if found.severity == severity:
                message = f"{study}: {found.message}" if several else found.message
                grouped.setdefault((found.severity, found.code, found.mend), []).append(message)
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
                    text(code.replace("_", " ")),
                    (Badge(content=SEVERITY_WORDS[severity], kind=severity),),
                    text("; ".join(messages)),
                    text(mend),
                )
            )
            for (severity, code, mend), messages in grouped.items()
        ),
    )


def _study_sections(
    study: StudyAnalysis,
    model: GrowthAnalysis | str,
    times: SurvivalResult | str,
    number: int,
    *,
    several: bool,
) -> tuple[tuple[Section, ...], tuple[Picture, ...]]:
    """The chapters of one study, and the pictures in them."""
    label = StudyLabel(id=str(number), title=study.study.title, simulated=study.study.simulated)
    prefix = f"{study.study.title}: " if several else ""
    growth = _growth_picture(study, label)
    pictures = [growth]

    def chapter(anchor: str, title: str, *blocks: Block) -> Section:
        return Section(anchor=f"{anchor}-{number}", title=f"{prefix}{title}", blocks=blocks)

    modeled, drawn_model = _growth_model(model, label)
    pictures += drawn_model
    sections = [
        chapter("growth", "Growth", *_study_notes(study), growth.figure),
        chapter("growth-model", "Growth model", *modeled),
        chapter("endpoints", "Endpoints", *_day_blocks(study, label)),
    ]
    sections += [
        Section(
            anchor=f"endpoints-{group.key}-{number}",
            title=group.title,
            blocks=group.blocks,
            level=2,
        )
        for group in endpoint_groups(study.endpoints, label)
    ]
    timed, drawn_times = _survival(times, label)
    pictures += drawn_times
    sections.append(chapter("survival", "Time to event", *timed))
    if study.response is not None:
        drawn = response_pictures(study.response, label)
        pictures += drawn
        figures = [picture.figure for picture in drawn]
        table = response_table(study.response, label)
        sections.append(chapter("response", "Response", table, *figures))
    if study.tolerability is not None:
        weight = weight_picture(study.tolerability, label)
        pictures += [weight] if weight is not None else []
        blocks: list[Block] = [tolerability_table(study.tolerability, label)]
        blocks += [weight.figure] if weight is not None else []
        sections.append(chapter("tolerability", "Tolerability", *blocks))
    sections.append(chapter("leaving", "Who left, and why", *_leaving_blocks(study, label)))
    return tuple(sections), tuple(pictures)


def _growth_model(
    model: GrowthAnalysis | str, label: StudyLabel
) -> tuple[tuple[Block, ...], tuple[Picture, ...]]:
    """The model with its residuals, or why there is none."""
    if isinstance(model, str):
        return (Paragraph(content=text(f"No growth model: {model}.")),), ()
    result = model.result
    pictures = list(growth_pictures(result, label))
    if not result.n_censored:
        # The others are a selection, and readings below the limit have no residual.
        pictures.append(residual_picture(model.diagnostics, label))
    tables = growth_tables(result, label)
    if result.influence is not None:
        tables = (*tables, influence_table(result.influence, label))
    blocks = (
        model_paragraph(result, label),
        *(picture.figure for picture in pictures[:2]),
        *tables,
        *remark_blocks(result, label),
        *(picture.figure for picture in pictures[2:]),
    )
    return blocks, tuple(pictures)


def _survival(
    times: SurvivalResult | str, label: StudyLabel
) -> tuple[tuple[Block, ...], tuple[Picture, ...]]:
    """Curves, comparisons and reasons, or why there are none."""
    if isinstance(times, str):
        return (no_survival(times, label),), ()
    if not any(arm.events for arm in times.arms):
        return (event_paragraph(times, label),), ()
    drawn = (
        curves_picture(times, label),
        incidence_picture(times, label),
        hazard_picture(times, label),
    )
    pictures = tuple(picture for picture in drawn if picture is not None)
    blocks = (
        event_paragraph(times, label),
        *reason_blocks(times, label),
        *(picture.figure for picture in pictures),
        *survival_tables(times, label),
        *survival_remarks(times, label),
    )
    return blocks, pictures


def _study_notes(study: StudyAnalysis) -> tuple[Block, ...]:
    """What is simulated, the arms, and what was assumed while reading."""
    blocks: list[Block] = []
    if study.study.simulated:
        words = "The data of this study are simulated. No animal was involved."
        blocks.append(Note(kind="simulated", content=text(words)))
    table = study.endpoints
    line = "" if study.study.line.name in study.study.title else f", line {study.study.line.name}"
    words = (
        f"{study.study.title}{line}: {len(study.study.animals)} animals in {len(table.arms)} "
        f"arms. Control: {table.control}. Baseline: {table.baseline}."
    )
    blocks.append(Paragraph(content=text(words)))
    notes = tuple(dict.fromkeys((*study.study.notes, *table.notes)))
    if notes:
        blocks.append(Listing(items=tuple(text(note) for note in notes)))
    return tuple(blocks)


def _day_blocks(study: StudyAnalysis, label: StudyLabel) -> tuple[Block, ...]:
    """The day of the endpoints, how it was chosen, and who was measured on it."""
    table = study.endpoints
    choice = table.day_choice
    day = "the last day" if choice.day is None else f"day {choice.day:g}"
    rules = {
        "option": f"Endpoints of a day are those of {day}, which was named.",
        "last day with enough animals": (
            f"Endpoints of a day are those of {day}, the last on which at least 80 % and three "
            "animals of every arm were measured."
        ),
        "no day has enough animals": (
            "Endpoints of a day do not exist: on no day after the baseline were at least 80 % and "
            "three animals of every arm measured."
        ),
    }
    words = (
        f"{rules[choice.rule]} Growth rates see the readings through day "
        f"{table.rates_through:g}; times to a size and the best change the whole follow-up. "
        f"Intervals are {table.level:.0%}. The definitions stand under Methods."
    )
    return (
        Paragraph(content=text(words)),
        Table(
            anchor=f"table-day-{label.id}",
            caption=label.caption(f"Animals on {day}. {label.title}."),
            columns=(
                TableColumn(heading="Arm", width=2),
                TableColumn(heading="Enrolled", align="right"),
                TableColumn(heading="Still followed", align="right"),
                TableColumn(heading="Measured", align="right"),
                TableColumn(heading="Share measured", align="right"),
            ),
            rows=tuple(
                TableRow(
                    cells=(
                        text(share.arm),
                        text(str(share.n_enrolled)),
                        text(str(share.n_at_risk)),
                        text(str(share.n_measured)),
                        text(f"{share.share:.0%}"),
                    )
                )
                for share in choice.shares
            ),
        ),
    )


def _leaving_blocks(study: StudyAnalysis, label: StudyLabel) -> tuple[Block, ...]:
    """Who is left by day, the reasons for leaving, and the log of exclusions."""
    blocks: list[Block] = [
        at_risk_table(study.at_risk, label),
        leaving_table(study.leavers, label),
    ]
    if study.leavers.exclusions:
        blocks += [
            Paragraph(content=text("Left out of the analysis, with the reason:")),
            Listing(
                items=tuple(
                    text(f"{excluded.animal.animal_id} ({excluded.animal.arm}): {excluded.reason}")
                    for excluded in study.leavers.exclusions
                )
            ),
        ]
    return tuple(blocks)


def _growth_picture(study: StudyAnalysis, label: StudyLabel) -> Picture:
    """Every animal, the means, and who is left."""
    volume = replace(study.volume, study_id="")
    many = len(volume.arms) > MOST_ARMS_IN_ONE_PLOT
    drawn = plot_growth_panels(volume) if many else _figure_of(volume)
    rows = [row for arm in volume.arms for row in volume.of_arm(arm)[-1:]]
    kind = "Simulated tumor" if label.simulated else "Tumor"
    return Picture(
        drawn=drawn,
        figure=FigureBlock(
            anchor=f"figure-growth-{label.id}",
            svg=to_svg(drawn, title=f"{kind} growth by arm, {label.title}"),
            caption=label.caption(
                f"{kind} volume by day, log scale: each animal a thin line, the arithmetic mean "
                "of each arm with its standard error, and the number of animals still followed. A "
                "mean is drawn hollow once fewer than half of its arm remain."
                + (" One panel for each arm, with the control's mean in grey." if many else "")
            ),
            description="; ".join(
                f"{row.arm}: {row.n_at_risk} of {row.n_enrolled} animals followed to day "
                f"{row.day:g}"
                for row in rows
            ),
        ),
    )


def _figure_of(volume: VolumeByDay) -> Figure:
    """All arms in one picture."""
    figure = plot_growth(volume).get_figure(root=True)
    if figure is None:  # an axes always has one; the type says otherwise
        message = "axes without a figure"
        raise RuntimeError(message)
    return figure


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
        "endpoint in the table of results; resampling was done by animal within arm. Growth was "
        "modeled by the linear mixed model named with its results, over all readings until an "
        "animal left, with Kenward-Roger inference and Dunnett's adjustment. Times to four times "
        "the baseline volume were shown as Kaplan-Meier curves of interpolated times, tested as "
        "intervals between visits by log-rank tests with Holm's adjustment, by relabeling and by "
        "chi-squared, and compared by hazard ratios (Cox; Firth where an arm had no event), "
        "restricted means, ratios of medians and a Weibull model of the intervals. Response "
        f"was classified by mRECIST ({rule}) and by the categories of the Pediatric Preclinical "
        "Testing Consortium; rates have exact (Clopper-Pearson) limits. Body weight is given raw "
        "and net of the tumor at 1 mg/mm³. Nobody was left out in silence: animals that left are "
        "counted with their reason."
    )
    definitions = definition_table([study.endpoints for study in analysis.analysed])
    return Section(
        anchor="methods",
        title="Methods",
        blocks=(Paragraph(content=text(words)), definitions),
    )


def _write(
    out: Path, page: str, pictures: Sequence[Picture], tables: Mapping[str, pd.DataFrame]
) -> tuple[Path, ...]:
    """The page, and a folder of tables and figures beside it."""
    folder = out.with_name(f"{out.stem}_files")
    folder.mkdir(parents=True, exist_ok=True)
    out.write_bytes(page.encode())
    written = [out]
    for name, table in tables.items():
        written.append(folder / f"{name}.csv")
        write_csv(table, written[-1])
    written.append(folder / "tables.xlsx")
    write_workbook(tables, written[-1])
    for picture in pictures:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", picture.figure.anchor)
        written += [folder / f"{name}.svg", folder / f"{name}.png"]
        written[-2].write_bytes(picture.figure.svg.encode())
        written[-1].write_bytes(picture.png())
    return tuple(written)


def _tables(
    analysis: FileAnalysis,
    growth: Sequence[GrowthAnalysis | str],
    survival: Sequence[SurvivalResult | str],
) -> dict[str, pd.DataFrame]:
    """The results as tidy tables, by name; a table that no study has is left out."""
    found: dict[str, list[pd.DataFrame]] = {}
    for study, model, times in zip(analysis.analysed, growth, survival, strict=True):
        tables = {
            "endpoints": study.endpoints.to_frame(),
            "by_day": study.volume.to_frame(),
            "at_risk": study.at_risk.to_frame(),
            "leaving": pd.DataFrame([asdict(leaver) for leaver in study.leavers.leavers]),
        }
        if study.response is not None:
            tables["response"] = study.response.to_frame()
        if study.tolerability is not None:
            tables["tolerability"] = study.tolerability.to_frame()
        if not isinstance(model, str):
            result = model.result
            tables["growth_contrasts"] = result.comparison.to_frame()
            tables["growth_effects"] = pd.DataFrame(
                [effect.to_dict() for effect in result.comparison.effects]
            )
            tables["growth_dropout"] = result.dropout.to_frame()
            if result.influence is not None:
                tables["growth_influence"] = result.influence.to_frame()
        if not isinstance(times, str):
            tables |= survival_frames(times)
        for name, table in tables.items():
            named = table.drop(columns=["study", "line"], errors="ignore")
            named.insert(0, "study", study.study.study_id)
            named.insert(1, "line", study.study.line.name)
            found.setdefault(name, []).append(named)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}
