"""A study in the guide: arms, growth figure, and T/C by day with the n behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

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
from oncovivo.guide.growth_blocks import growth_blocks
from oncovivo.guide.pictures import kept_part
from oncovivo.guide.study_blocks import (
    StudyLabel,
    endpoint_blocks,
    leaving_table,
    response_table,
    tolerability_table,
)
from oncovivo.guide.survival_blocks import no_survival, survival_blocks
from oncovivo.references import Library
from oncovivo.studies.leaving import LeavingTable

__all__ = ["study_section"]

MOST_ARMS_IN_ONE_PLOT = 6
DAY_RULE = (
    "the last on which at least 80 % and three animals of the arm and of the control are read"
)
SIMULATED = Badge(content="simulated", kind="simulated")


def study_section(study: StudyResult, library: Library, citations: Citations) -> Section:
    """The section of one study; a simulated one says so on every sentence, figure and table."""
    arms = [
        (number, arm)
        for number, arm in enumerate(study.volume.arms)
        if arm != study.volume.control
    ]
    named = study.title if "study" in study.title.lower() else f"Study {study.title}"
    return Section(
        anchor=f"study-{study.id}",
        title=named,
        level=2,
        blocks=(
            *_notes(study),
            _description(study, library, citations),
            _arm_table(study),
            kept_part("growth-figure", study, make=partial(_growth_figure, study)),
            *(_sentence(study, arm, number) for number, arm in arms),
            *kept_part("study", study, make=partial(_result_blocks, study)),
            _volume_table(study),
            *(_arm_card(study, arm, number) for number, arm in arms),
        ),
    )


def _result_blocks(study: StudyResult) -> tuple[Block, ...]:
    """Growth model, endpoints, times to an event, response, tolerability, reasons for leaving."""
    label = StudyLabel(id=study.id, title=study.title, simulated=study.simulated)
    blocks: list[Block] = []
    if study.growth is None and study.growth_reason:
        kind = "simulated " if study.simulated else ""
        words = f"No growth model of this {kind}study: {study.growth_reason}."
        blocks.append(Paragraph(content=text(words)))
    elif study.growth is not None:
        blocks += growth_blocks(study.growth, label)
    blocks += endpoint_blocks(study.endpoints, label)
    if study.survival is not None:
        blocks += survival_blocks(study.survival, label)
    elif study.survival_reason:
        blocks.append(no_survival(study.survival_reason, label))
    if study.response is not None:
        blocks.append(response_table(study.response, label))
    if study.tolerability is not None:
        blocks.append(tolerability_table(study.tolerability, label))
    leavers = LeavingTable(
        study=study.study_id, last_day=study.last_day, leavers=study.leavers, exclusions=()
    )
    return (*blocks, leaving_table(leavers, label))


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
    """The arms; roles and regimens only where the study states any."""
    roles = any(arm.role not in ("", "not stated") for arm in study.arms)
    regimens = any(arm.regimen for arm in study.arms)
    unstated = [word for word, stated in (("roles", roles), ("regimens", regimens)) if not stated]
    return Table(
        anchor=f"table-arms-{study.id}",
        caption=(*_mark(study), Text(content=f"Arms of {study.title}.")),
        columns=(
            TableColumn(heading="Arm", width=2),
            *((TableColumn(heading="Role", width=1.2),) if roles else ()),
            *((TableColumn(heading="Regimen", width=3),) if regimens else ()),
            TableColumn(heading="Animals", width=0.8, align="right"),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.name),
                    *((text(arm.role),) if roles else ()),
                    *((text(arm.regimen or "not stated"),) if regimens else ()),
                    text(str(arm.n_animals)),
                )
            )
            for arm in study.arms
        ),
        note=text(f"The file states no {' and no '.join(unstated)} of arms.") if unstated else (),
    )


def _growth_figure(study: StudyResult) -> Figure:
    """Animals, means and n at risk; one panel per arm when there are many."""
    many = len(study.arms) > MOST_ARMS_IN_ONE_PLOT
    unnamed = replace(study.volume, study_id="")  # the caption names the study
    if many:
        drawn = plot_growth_panels(unnamed)
    else:
        figure = plot_growth(unnamed).get_figure(root=True)
        if figure is None:  # an axes always has one; the type says otherwise
            message = "axes without a figure"
            raise RuntimeError(message)
        drawn = figure
    kind = "Simulated tumor" if study.simulated else "Tumor"
    title = f"{kind} growth by arm, {study.title}"
    words = (
        f"{kind} volume by day in {study.title}, log scale: each animal a thin line, the "
        "arithmetic mean of each arm with its standard error, and the number of animals still "
        "followed. A mean is drawn hollow once fewer than half of its arm remain."
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


def _sentence(study: StudyResult, arm: str, number: int) -> Sentence:
    """The sentence on a treated arm, computed from the table."""
    anchor = _card_anchor(study, number)
    row = _comparison_day(study, arm)
    words: tuple[Inline, ...]
    if row is None:
        lead = "In this simulated study no" if study.simulated else "No"
        words = text(
            f"{lead} T/C is stated for {arm}: on no day after the baseline are at least 80 % and "
            "three animals of this arm and of the control read."
        )
    else:
        lead = "In this simulated study, mean" if study.simulated else "Mean"
        words = (
            Text(content=f"{lead} volume under {arm} was "),
            Link(content=f"{row.t_over_c_volume:.2f}", target=anchor),
            Text(
                content=f" of the control's on day {row.day:g} "
                f"(n = {row.n_measured} against {row.n_control})."
            ),
        )
    return Sentence(
        anchor=f"sentence-{study.id}-{number}",
        content=words,
        verdict=Badge(
            content="simulated" if study.simulated else "description",
            kind="simulated" if study.simulated else "neutral",
            target=anchor,
        ),
        detail=anchor,
    )


def _arm_card(study: StudyResult, arm: str, number: int) -> Card:
    """What stands behind the sentence on a treated arm."""
    row = _comparison_day(study, arm)
    items: list[tuple[str, tuple[Inline, ...]]] = []
    if row is None:
        items.append(("T/C of mean volumes", text("none stated")))
        items.append(("day", text(f"none qualifies: {DAY_RULE}")))
    else:
        animals = f"{row.n_measured} of {row.n_enrolled}; control {row.n_control}"
        items += [
            ("T/C of mean volumes", text(f"{row.t_over_c_volume:.4g}")),
            ("day", text(f"{row.day:g}, {DAY_RULE}")),
            ("animals", text(animals)),
            ("interval", text("none: a description of means, not an inference")),
        ]
    table = Link(content="volumes by day", target=f"table-volume-{study.id}")
    items.append(("table", (table,)))
    return Card(
        anchor=_card_anchor(study, number),
        title=(*_mark(study), Text(content=f"{arm} against {study.volume.control}")),
        items=tuple(items),
    )


def _card_anchor(study: StudyResult, number: int) -> str:
    return f"study-{study.id}-arm-{number}"


def _volume_table(study: StudyResult) -> Table:
    """Relative volume and T/C of every arm on every day."""
    used: dict[str, str] = {}
    rows = tuple(
        TableRow(
            cells=(
                text(row.arm),
                text(f"{row.day:g}"),
                text(f"{row.n_measured} / {row.n_at_risk} / {row.n_enrolled}"),
                text(str(row.n_control)),
                text(_number(row.mean_volume_mm3, "{:.0f}")),
                text(_number(row.mean_relative_volume, "{:.2f}")),
                text(_number(row.t_over_c_volume, "{:.2f}")),
                text(_number(row.t_over_c_relative, "{:.2f}")),
                text(_remark(row.reason, used)),
            )
        )
        for row in study.volume.rows
    )
    explained = "; ".join(f"{letter}: {words}" for letter, words in sorted(used.items()))
    return Table(
        anchor=f"table-volume-{study.id}",
        caption=(
            *_mark(study),
            Text(content=f"Volume, relative volume and T/C by arm and day, {study.title}."),
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Day", width=0.6, align="right"),
            TableColumn(heading="n read / followed / enrolled", width=1.5, align="right"),
            TableColumn(heading="n of control", width=0.8, align="right"),
            TableColumn(heading="Mean volume, mm³", width=1.1, align="right"),
            TableColumn(heading="Mean relative volume", width=1.1, align="right"),
            TableColumn(heading="T/C volume", width=0.9, align="right"),
            TableColumn(heading="T/C relative", width=0.9, align="right"),
            TableColumn(heading="Remark", width=1.2),
        ),
        rows=rows,
        note=text(
            "T/C volume: ratio of arithmetic mean volumes, arm over control. T/C relative: the "
            "same of mean relative volumes, each animal's volume over its own baseline. A dash: "
            "undefined, for the reason in the remark." + (f" {explained}." if explained else "")
        ),
    )


# What is often remarked of a day: a letter in the table, the words below it. The numbers that the
# remark names stand in the row, or in the control's row of the same day.
_OFTEN: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"no (relative )?control volume on day \S+"),
        "a",
        "no animal of the control was read on this day",
    ),
    (
        re.compile(r"\d+ of \d+ animals of the arm remain"),
        "b",
        "fewer than half of the arm are still followed",
    ),
    (
        re.compile(r"\d+ of \d+ animals of the control remain"),
        "c",
        "fewer than half of the control are still followed",
    ),
    (
        re.compile(r"\d+ of \d+ animals followed were measured on this day"),
        "d",
        "fewer than half of those followed were read on this day",
    ),
    (re.compile(r"one animal measured: no SD or SEM"), "e", "one animal was read"),
)


def _remark(reason: str, used: dict[str, str]) -> str:
    """The remarks of a row, frequent ones as letters; `used` takes the letters that occur."""
    letters: set[str] = set()
    rest: list[str] = []
    for remark in filter(None, reason.split("; ")):
        known = next(
            ((letter, words) for form, letter, words in _OFTEN if form.fullmatch(remark)), None
        )
        if known is None:
            rest.append(remark)
        else:
            letters.add(known[0])
            used[known[0]] = known[1]
    return "; ".join([*([", ".join(sorted(letters))] if letters else []), *rest])


def _number(value: float | None, form: str) -> str:
    return "—" if value is None else form.format(value)
