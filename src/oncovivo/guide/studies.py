"""A study in the guide: arms, growth figure, and T/C by day with the n behind it."""

from __future__ import annotations

from oncovivo.analyses import StudyResult
from oncovivo.documents import (
    Badge,
    Block,
    Card,
    Figure,
    Inline,
    Link,
    Listing,
    Note,
    Paragraph,
    Section,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.endpoints import ArmDay, plot_growth, plot_growth_panels
from oncovivo.figures import to_svg
from oncovivo.guide.citing import Citations
from oncovivo.references import Library

__all__ = ["study_section"]

MOST_ARMS_IN_ONE_PLOT = 6
DAY_RULE = (
    "the last on which at least 80 % and three animals of the arm and of the control are read"
)
SIMULATED = Badge(content="simulated", kind="simulated")


def study_section(study: StudyResult, library: Library, citations: Citations) -> Section:
    """The section of one study; a simulated one says so on every sentence, figure and table."""
    return Section(
        anchor=f"study-{study.id}",
        title=f"Study: {study.title}",
        level=2,
        blocks=(
            *_notes(study),
            _description(study, library, citations),
            _arm_table(study),
            _growth_figure(study),
            *_sentences(study),
            *_volume_tables(study),
        ),
    )


def _mark(study: StudyResult) -> tuple[Inline, ...]:
    """The label that everything of a simulated study carries."""
    return (SIMULATED, Text(content=" ")) if study.simulated else ()


def _notes(study: StudyResult) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if study.simulated:
        words = "The data of this study are simulated. No animal was involved; "
        words += "nothing here is evidence."
        blocks.append(Note(kind="simulated", content=text(words)))
    if study.notes:
        blocks.append(Listing(items=tuple(text(note) for note in study.notes)))
    return tuple(blocks)


def _description(study: StudyResult, library: Library, citations: Citations) -> Paragraph:
    """Line, host, baseline and source in one paragraph."""
    baseline = study.volume.baseline
    animals = sum(arm.n_animals for arm in study.arms)
    words = f"Line: {study.line}"
    words += f" ({study.tumor_type})" if study.tumor_type else ""
    words += f"; host: {study.host}" if study.host else "; host not stated"
    words += f"; {animals} animals in {len(study.arms)} arms. Baseline: {baseline}. "
    words += f"Control: {study.volume.control}."
    content: list[Inline] = [*_mark(study), Text(content=words)]
    if study.source in library:
        content += [Text(content=" Source: "), *citations.cite((study.source,)), Text(content=".")]
    elif study.source:
        content.append(Text(content=f" Source: {study.source}."))
    return Paragraph(content=tuple(content))


def _arm_table(study: StudyResult) -> Table:
    return Table(
        anchor=f"table-arms-{study.id}",
        caption=(*_mark(study), Text(content=f"Arms of {study.title}.")),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Role", width=1.2),
            TableColumn(heading="Regimen", width=3),
            TableColumn(heading="Animals", width=0.8, align="right"),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.name),
                    text(arm.role),
                    text(arm.regimen or "not stated"),
                    text(str(arm.n_animals)),
                )
            )
            for arm in study.arms
        ),
    )


def _growth_figure(study: StudyResult) -> Figure:
    """Animals, means and n at risk; one panel per arm when there are many."""
    many = len(study.arms) > MOST_ARMS_IN_ONE_PLOT
    if many:
        drawn = plot_growth_panels(study.volume)
    else:
        figure = plot_growth(study.volume).get_figure(root=True)
        if figure is None:  # an axes always has one; the type says otherwise
            message = "axes without a figure"
            raise RuntimeError(message)
        drawn = figure
    kind = "Simulated tumor" if study.simulated else "Tumor"
    title = f"{kind} growth by arm, {study.title}"
    words = (
        f"{kind} volume by day, log scale: each animal a thin line, the arithmetic mean of each "
        "arm with its standard error, and the number of animals still followed. A mean is drawn "
        "hollow once fewer than half of its arm remain."
    )
    if many:
        words += " One panel for each arm, with the control's mean in grey."
    return Figure(
        anchor=f"figure-growth-{study.id}",
        svg=to_svg(drawn, title=title),
        caption=(*_mark(study), Text(content=words)),
        description=_growth_in_words(study),
    )


def _growth_in_words(study: StudyResult) -> str:
    """What the figure shows, for those who cannot see it."""
    parts = []
    for arm in study.volume.arms:
        rows = [row for row in study.volume.of_arm(arm) if row.mean_volume_mm3 is not None]
        if not rows:
            parts.append(f"{arm}: no readings")
            continue
        first, last = rows[0], rows[-1]
        parts.append(
            f"{arm}: mean {first.mean_volume_mm3:.0f} mm³ on day {first.day:g} "
            f"({first.n_measured} animals), {last.mean_volume_mm3:.0f} mm³ on day {last.day:g} "
            f"({last.n_measured} of {last.n_enrolled})"
        )
    prefix = "Simulated data. " if study.simulated else ""
    return prefix + "; ".join(parts) + "."


def _comparison_day(study: StudyResult, arm: str) -> ArmDay | None:
    """The day of the sentence, by DAY_RULE; None when there is none after the baseline."""
    control = {row.day: row for row in study.volume.of_arm(study.volume.control)}
    usable = [
        row
        for row in study.volume.of_arm(arm)
        if row.day > study.volume.baseline.day
        and row.t_over_c_volume is not None
        and _enough(row)
        and row.day in control
        and _enough(control[row.day])
    ]
    return usable[-1] if usable else None


def _enough(row: ArmDay) -> bool:
    # in whole animals, since 0.8 is no binary fraction
    return row.n_measured * 10 >= 8 * row.n_enrolled and row.n_measured >= 3


def _sentences(study: StudyResult) -> tuple[Block, ...]:
    """One sentence for each treated arm, computed from the table, with the card behind it."""
    blocks: list[Block] = []
    verdict = Badge(
        content="simulated" if study.simulated else "description",
        kind="simulated" if study.simulated else "neutral",
    )
    for number, arm in enumerate(study.volume.arms):
        if arm == study.volume.control:
            continue
        anchor = f"study-{study.id}-arm-{number}"
        row = _comparison_day(study, arm)
        if row is None:
            words: tuple[Inline, ...] = text(
                f"{arm}: no day after the baseline has at least 80 % and three animals in this "
                "arm and in the control, so no T/C is stated."
            )
            items: list[tuple[str, tuple[Inline, ...]]] = [("rows", words)]
        else:
            prefix = "In this simulated study, mean" if study.simulated else "Mean"
            words = (
                Text(content=f"{prefix} volume under {arm} was "),
                Link(content=f"{row.t_over_c_volume:.2f}", target=anchor),
                Text(
                    content=f" of the control's on day {row.day:g} "
                    f"(n = {row.n_measured} against {row.n_control})."
                ),
            )
            items = [
                ("T/C of mean volumes", text(f"{row.t_over_c_volume:.4g}")),
                ("day", text(f"{row.day:g}: {DAY_RULE}")),
                (
                    "animals",
                    text(f"{row.n_measured} of {row.n_enrolled}; control {row.n_control}"),
                ),
                ("interval", text("none: a description of means, not an inference")),
                ("table", (Link(content="volumes by day", target=f"table-volume-{study.id}"),)),
            ]
        if study.simulated:
            items.append(("data", (SIMULATED,)))
        title = f"{arm} against {study.volume.control}, {study.title}"
        blocks.append(
            Sentence(
                anchor=f"sentence-{study.id}-{number}",
                content=words,
                verdict=Badge(content=verdict.content, kind=verdict.kind, target=anchor),
                detail=anchor,
            )
        )
        blocks.append(Card(anchor=anchor, title=text(title), items=tuple(items)))
    return tuple(blocks)


def _volume_tables(study: StudyResult) -> tuple[Block, ...]:
    """Relative volume and T/C of every arm on every day."""
    rows = tuple(
        TableRow(
            cells=(
                text(row.arm),
                text(f"{row.day:g}"),
                text(f"{row.n_measured} / {row.n_at_risk} / {row.n_enrolled}"),
                text(_number(row.mean_volume_mm3, "{:.0f}")),
                text(_number(row.mean_relative_volume, "{:.2f}")),
                text(_number(row.t_over_c_volume, "{:.2f}")),
                text(_number(row.t_over_c_relative, "{:.2f}")),
                text(row.reason),
            )
        )
        for row in study.volume.rows
    )
    return (
        Table(
            anchor=f"table-volume-{study.id}",
            caption=(
                *_mark(study),
                Text(content=f"Volume, relative volume and T/C by arm and day, {study.title}."),
            ),
            columns=(
                TableColumn(heading="Arm", width=2),
                TableColumn(heading="Day", width=0.7, align="right"),
                TableColumn(heading="n measured / followed / enrolled", width=1.5, align="right"),
                TableColumn(heading="Mean volume, mm³", width=1.1, align="right"),
                TableColumn(heading="Mean relative volume", width=1.1, align="right"),
                TableColumn(heading="T/C volume", width=1, align="right"),
                TableColumn(heading="T/C relative", width=1, align="right"),
                TableColumn(heading="Remark", width=2.6),
            ),
            rows=rows,
            note=text(
                "T/C volume: ratio of arithmetic mean volumes, arm over control. T/C relative: "
                "the same of mean relative volumes, each animal's volume over its own baseline. "
                "A dash: undefined, for the reason in the remark."
            ),
        ),
    )


def _number(value: float | None, form: str) -> str:
    return "—" if value is None else form.format(value)
