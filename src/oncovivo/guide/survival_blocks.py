"""Times to an event of a study as a paragraph, figures, tables and lines of a document."""

from __future__ import annotations

from typing import Final

from oncovivo.analyses.survival_result import (
    ArmSurvival,
    MeanContrast,
    SurvivalResult,
    SurvivalTest,
    TimeRatioRow,
)
from oncovivo.documents import (
    Block,
    Figure,
    Listing,
    Paragraph,
    Table,
    TableColumn,
    TableRow,
    text,
)
from oncovivo.figures import to_svg
from oncovivo.guide.study_blocks import Picture
from oncovivo.guide.study_label import StudyLabel
from oncovivo.survival.hazard_plots import plot_hazard_ratios
from oncovivo.survival.incidence_plots import plot_incidence
from oncovivo.survival.median_ratio import MedianRatio
from oncovivo.survival.plot_frame import MOST_ARMS_TOGETHER
from oncovivo.survival.plots import plot_survival
from oncovivo.survival.wording import (
    TEST_TEXT,
    interval_text,
    median_ratio_text,
    median_text,
    number_text,
    p_text,
    reason_lines,
    time_in_words,
)

__all__ = [
    "curves_picture",
    "event_paragraph",
    "hazard_picture",
    "incidence_picture",
    "no_survival",
    "reason_blocks",
    "survival_blocks",
    "survival_remarks",
    "survival_tables",
]

# Chi-squared p-values of smaller arms reject too often, those by relabeling do not.
FEW_ANIMALS: Final = 10
_NONE: Final = "—"
_UNITS: Final = {"days": "days", "weeks": "weeks", "as given": "the unit of the file"}
_LIMITS: Final = {
    "betaproduct": "beta product",
    "loglog": "log-log",
    "log": "log",
    "plain": "plain",
}
_METHODS: Final = {"cox": "Cox", "cox_robust": "Cox, robust errors", "firth": "Firth"}
_PERMUTED: Final = "_permutation"


def survival_blocks(result: SurvivalResult, label: StudyLabel) -> tuple[Block, ...]:
    """What a guide shows of times to an event; one sentence where no animal had it."""
    if not _events(result):
        return (event_paragraph(result, label),)
    incidence = incidence_picture(result, label)
    return (
        event_paragraph(result, label),
        *reason_blocks(result, label),
        curves_picture(result, label).figure,
        *((incidence.figure,) if incidence is not None else ()),
        *survival_tables(result, label),
        *survival_remarks(result, label),
    )


def no_survival(reason: str, label: StudyLabel) -> Paragraph:
    """Why a study has no times to an event."""
    return Paragraph(content=text(f"No times to an event of {_this_study(label)}: {reason}."))


def event_paragraph(result: SurvivalResult, label: StudyLabel) -> Paragraph:
    """The event, how many had it, and what the times are."""
    n, events = sum(arm.n for arm in result.arms), _events(result)
    if not events:
        words = (
            f"Time to event in {_this_study(label)}: none of its {n} animals had the event "
            f"({result.event_definition}), so there is nothing to compare."
        )
        return Paragraph(content=text(words))
    competing = sum(arm.competing for arm in result.arms)
    other = f", {competing} ended by a competing event" if competing else ""
    times = time_in_words(result.shown_time, result.tested_time).removeprefix("times: ")
    words = (
        f"Time to event in {_this_study(label)}: {result.event_definition}. {n} animals, "
        f"{events} events{other}; control: {result.control}. Times in {_unit(result)}, {times}."
    )
    return Paragraph(content=text(words))


def reason_blocks(result: SurvivalResult, label: StudyLabel) -> tuple[Block, ...]:
    """What leaving before the event was taken to be; nothing where nobody left for a reason."""
    lines = reason_lines(result.reasons, result.causes)
    if not lines:
        return ()
    words = f"What leaving {_this_study(label)} for a reason was taken to be:"
    return (
        Paragraph(content=text(words)),
        Listing(items=tuple(text(line) for line in lines)),
    )


def curves_picture(result: SurvivalResult, label: StudyLabel) -> Picture:
    """Kaplan-Meier curves with the animals at risk."""
    drawn = plot_survival(
        {row.arm: row.curve() for row in result.curves},
        result.data(),
        control=result.control,
        simulated=label.simulated,
    )
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-survival-{label.id}",
            svg=to_svg(drawn, title=f"Time to event by arm, {_kind(label)}{label.title}"),
            caption=label.caption(
                f"Share of animals of {label.title} without the event ({result.event_definition}) "
                f"by time, Kaplan–Meier, with {result.level:.0%} limits of each time alone, and "
                "the animals at risk. Marks on a curve are animals that left without the event; "
                "dotted lines drop at medians."
                + (
                    " One panel for each arm, with the control's curve in grey."
                    if len(result.curves) > MOST_ARMS_TOGETHER
                    else ""
                )
            ),
            description=_said(label) + "; ".join(_arm_words(arm) for arm in result.arms),
        ),
    )


def hazard_picture(result: SurvivalResult, label: StudyLabel) -> Picture | None:
    """Hazard ratios with their limits; None where there are none."""
    if all(row.hazard_ratio is None for row in result.hazards):
        return None
    drawn = plot_hazard_ratios(
        result.hazards, study_id=result.study_id, level=result.level, simulated=label.simulated
    )
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-survival-hazards-{label.id}",
            svg=to_svg(drawn, title=f"Hazard ratios, {_kind(label)}{label.title}"),
            caption=label.caption(
                f"Hazard ratio of each arm of {label.title} over {result.control}, with "
                f"{result.level:.0%} limits."
            ),
            description=_said(label)
            + "; ".join(
                f"{row.arm}: {number_text(row.hazard_ratio)} "
                f"({interval_text(row.lower, row.upper)})"
                for row in result.hazards
            ),
        ),
    )


def incidence_picture(result: SurvivalResult, label: StudyLabel) -> Picture | None:
    """Cumulative incidence by cause; None where no causes compete."""
    if not result.incidence:
        return None
    drawn = plot_incidence(
        {row.arm: row.found() for row in result.incidence},
        result.data(),
        control=result.control,
        simulated=label.simulated,
    )
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-survival-incidence-{label.id}",
            svg=to_svg(drawn, title=f"Incidence by cause, {_kind(label)}{label.title}"),
            caption=label.caption(
                f"Cumulative incidence of each cause in {label.title}, by arm (Aalen–Johansen): "
                "the share of animals to which it happened before any other."
            ),
            description=_said(label)
            + "; ".join(
                f"{row.arm}: "
                + ", ".join(
                    f"{cause.replace('_', ' ')} {count} of {row.n}"
                    for cause, count in zip(row.causes, row.n_events, strict=True)
                )
                for row in result.incidence
            ),
        ),
    )


def survival_tables(result: SurvivalResult, label: StudyLabel) -> tuple[Table, ...]:
    """Arms, tests, hazard ratios, times against the control, and what leavers change."""
    tables = [
        _arm_table(result, label),
        _test_table(result, label),
        _hazard_table(result, label),
        _time_table(result, label),
    ]
    if any(row.changed for row in result.sensitivity):
        tables.append(_sensitivity_table(result, label))
    return tuple(tables)


def survival_remarks(result: SurvivalResult, label: StudyLabel) -> tuple[Block, ...]:
    """The warnings, each once, with the arms that it is about."""
    arms: dict[str, list[str]] = {}
    for warning in result.warnings:
        about = arms.setdefault(warning.message, [])
        about += [warning.arm] if warning.arm is not None else []
    if not arms:
        return ()
    words = f"What to know about times to the event in {_this_study(label)}:"
    lines = [
        f"{', '.join(about)}: {message}" if about else message for message, about in arms.items()
    ]
    return (
        Paragraph(content=text(words)),
        Listing(items=tuple(text(line) for line in lines)),
    )


def _arm_table(result: SurvivalResult, label: StudyLabel) -> Table:
    """Counts, median and restricted mean of each arm."""
    competing = any(arm.competing for arm in result.arms)
    methods = " or ".join(
        words for name, words in _LIMITS.items() if name in {arm.limits for arm in result.arms}
    )
    note = (
        f"Times in {_unit(result)}; {result.level:.0%} limits, of medians by {methods}. A median "
        "is > the last time under observation where more than half of the arm were then without "
        "event."
    )
    if any(arm.rmst is not None and arm.rmst_lower is None for arm in result.arms):
        note += " A mean has no limits where no animal of the arm had the event."
    if any(arm.rmst is None for arm in result.arms):
        note += " There is no mean where the curve is not known up to its horizon."
    return Table(
        anchor=f"table-survival-{label.id}",
        caption=label.caption(
            f"Time to event by arm, {result.event_definition}: medians and restricted means. "
            f"{label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Animals", width=0.9, align="right"),
            TableColumn(heading="Events", width=0.9, align="right"),
            *((TableColumn(heading="Competing", width=1.1, align="right"),) if competing else ()),
            TableColumn(heading="Median (limits)", width=2.6),
            TableColumn(
                heading=f"Mean up to {number_text(result.arms[0].tau)} (limits)", width=2.2
            ),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.arm),
                    text(str(arm.n)),
                    text(str(arm.events)),
                    *((text(str(arm.competing)),) if competing else ()),
                    text(_median(arm)),
                    text(
                        _estimate(
                            number_text(arm.rmst),
                            interval_text(arm.rmst_lower, arm.rmst_upper, open_ends=False),
                        )
                    ),
                )
            )
            for arm in result.arms
        ),
        note=text(note),
    )


def _test_table(result: SurvivalResult, label: StudyLabel) -> Table:
    """Each comparison on a line: by relabeling and by chi-squared, the primary one first."""
    pairs: dict[tuple[str, tuple[str, ...]], dict[bool, SurvivalTest]] = {}
    for test in result.tests:
        key = test.test.removesuffix(_PERMUTED), test.arms
        pairs.setdefault(key, {})[test.test.endswith(_PERMUTED)] = test
    relabeled = any(True in found for found in pairs.values())
    few = min(arm.n for arm in result.arms) < FEW_ANIMALS
    order = [True, False] if relabeled and few else [False, True] if relabeled else [False]
    many = any(test.p_adjusted is not None and test.adjustment for test in result.tests)
    columns = [TableColumn(heading="Test", width=2), TableColumn(heading="Arm", width=2)]
    for place, permuted in enumerate(order):
        way = "by relabeling" if permuted else "by χ²"
        primary = ", primary" if place == 0 and relabeled else ""
        if not permuted:
            columns.append(TableColumn(heading="χ² (df)", width=1.2, align="right"))
        columns.append(TableColumn(heading=f"p {way}{primary}", width=1.2, align="right"))
        if many:
            columns.append(TableColumn(heading="Adjusted p", width=1.1, align="right"))
    numbers: dict[str, int] = {}
    rows = []
    for (name, arms), found in pairs.items():
        stratified = ", stratified" if any(test.stratified for test in found.values()) else ""
        reasons = dict.fromkeys(test.reason for test in found.values())
        marks = "".join(_mark(reason, numbers) for reason in reasons)
        cells = [
            f"{_capital(TEST_TEXT[name])}{stratified}{marks}",
            arms[0] if len(arms) == 2 else f"all {len(arms)}",
        ]
        for permuted in order:
            cells += _test_cells(found.get(permuted), permuted=permuted, many=many)
        rows.append(TableRow(cells=tuple(text(cell) for cell in cells)))
    return Table(
        anchor=f"table-survival-tests-{label.id}",
        caption=label.caption(
            f"Tests of no difference in time to event from {result.control}. {label.title}."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
        note=text(_test_note(result, numbers, relabeled=relabeled, few=few)),
    )


def _test_cells(test: SurvivalTest | None, *, permuted: bool, many: bool) -> list[str]:
    """χ² where it is one, p, and adjusted p where there are several arms."""
    cells = []
    if not permuted:
        known = test is not None and test.statistic is not None and test.df is not None
        cells.append(f"{test.statistic:.2f} ({test.df})" if test is not None and known else _NONE)
    cells.append(_NONE if test is None else p_text(test.p_value))
    if many:
        cells.append(_NONE if test is None else p_text(test.p_adjusted))
    return cells


def _test_note(
    result: SurvivalResult, numbers: dict[str, int], *, relabeled: bool, few: bool
) -> str:
    """Which test is primary and why, how p-values were adjusted, and which were drawn."""
    if not relabeled:
        words = "Animals came late under observation: no test by relabeling."
    elif few:
        words = (
            f"Primary: by relabeling, since an arm has fewer than {FEW_ANIMALS} animals, where "
            "χ² rejects too often."
        )
    else:
        words = f"Primary: by χ², since every arm has at least {FEW_ANIMALS} animals."
    drawn = [
        test.monte_carlo_error
        for test in result.tests
        if test.test.endswith(_PERMUTED) and not test.exact and test.monte_carlo_error is not None
    ]
    if relabeled:
        words += (
            f" Where not all relabelings were looked at, the standard error of p is at most "
            f"{max(drawn):.2g}."
            if drawn
            else " All relabelings were looked at."
        )
    ways: dict[str, str] = {}
    for test in result.tests:
        if test.p_adjusted is not None and test.adjustment:
            way = "by relabeling" if test.test.endswith(_PERMUTED) else "by χ²"
            ways[way] = test.adjustment.capitalize()
    if ways:
        names = next(iter(ways.values()))
        if len(set(ways.values())) > 1:
            names = ", ".join(f"{name} {way}" for way, name in ways.items())
        words += f" Adjusted: holds for all arms against {result.control} together ({names})."
    return words + _explained(numbers)


def _hazard_table(result: SurvivalResult, label: StudyLabel) -> Table:
    """Hazard ratio of each arm, by which model, and whether it is constant."""
    constant = {row.arm: row for row in result.proportional}
    numbers: dict[str, int] = {}
    rows = []
    for row in result.hazards:
        tested = constant.get(row.arm)
        estimate = _estimate(
            number_text(row.hazard_ratio),
            _NONE if row.hazard_ratio is None else interval_text(row.lower, row.upper),
        )
        rows.append(
            TableRow(
                cells=(
                    text(row.arm),
                    text(f"{estimate}{_mark(row.reason, numbers)}"),
                    text(p_text(row.p_value)),
                    text(_METHODS.get(row.method, row.method)),
                    text(
                        _NONE
                        if tested is None
                        else f"{p_text(tested.p_value)}{_mark(tested.reason, numbers)}"
                    ),
                )
            )
        )
    return Table(
        anchor=f"table-survival-hazards-{label.id}",
        caption=label.caption(f"Hazard ratios of each arm over {result.control}. {label.title}."),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Hazard ratio (limits)", width=2.8),
            TableColumn(heading="p", width=0.9, align="right"),
            TableColumn(heading="Model", width=1.2),
            TableColumn(heading="Constant hazard ratio, p", width=1.4, align="right"),
        ),
        rows=tuple(rows),
        note=text(f"{result.level:.0%} limits, not adjusted.{_explained(numbers)}"),
    )


def _time_table(result: SurvivalResult, label: StudyLabel) -> Table:
    """Medians, activity, restricted means and time ratios against the control."""
    medians = {row.arm: row for row in result.medians}
    means = {row.arm: row for row in result.means}
    ratios = {row.arm: row for row in result.time_ratios}
    called = any(row.activity is not None for row in result.medians)
    numbers: dict[str, int] = {}
    rows = []
    for arm in result.arms[1:]:
        median = medians.get(arm.arm)
        activity = None if median is None else median.activity
        cells = [arm.arm]
        if medians:
            cells.append(_NONE if median is None else _median_ratio(median.found, numbers))
        if called:
            cells.append(
                _NONE
                if activity is None
                else f"{activity.call.replace('_', ' ')}: {activity.reason}"
            )
        cells.append(_mean_difference(means.get(arm.arm)))
        if ratios:
            cells.append(_time_ratio(ratios.get(arm.arm), numbers))
        rows.append(TableRow(cells=tuple(text(cell) for cell in cells)))
    model = f" ({result.distribution.capitalize()})" if result.distribution is not None else ""
    note = f"Differences in {_unit(result)}; {result.level:.0%} limits, not adjusted."
    if called:
        note += (
            " PPTC: activity by the rule of the Pediatric Preclinical Testing Consortium, from "
            "EFS T/C, the log-rank test by relabeling and the final volumes."
        )
    return Table(
        anchor=f"table-survival-times-{label.id}",
        caption=label.caption(f"Times to the event against {result.control}. {label.title}."),
        columns=(
            TableColumn(heading="Arm", width=1.6),
            *(
                (TableColumn(heading="Ratio of medians, EFS T/C (limits)", width=1.8),)
                if medians
                else ()
            ),
            *((TableColumn(heading="PPTC activity", width=2.2),) if called else ()),
            TableColumn(
                heading=f"Difference of means up to {number_text(result.arms[0].tau)} (limits)",
                width=2,
            ),
            *((TableColumn(heading=f"Time ratio{model} (limits)", width=2),) if ratios else ()),
        ),
        rows=tuple(rows),
        note=text(note + _explained(numbers)),
    )


def _sensitivity_table(result: SurvivalResult, label: StudyLabel) -> Table:
    """The comparisons when animals that left before the event count otherwise."""
    return Table(
        anchor=f"table-survival-leavers-{label.id}",
        caption=label.caption(
            f"Times to the event when animals that left before it count otherwise. {label.title}."
        ),
        columns=(
            TableColumn(heading="Leavers taken", width=2),
            TableColumn(heading="Animals that count otherwise", width=1.4, align="right"),
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Events", width=0.9, align="right"),
            TableColumn(heading="Median", width=1, align="right"),
            TableColumn(heading="Hazard ratio", width=1.1, align="right"),
            TableColumn(heading="Log-rank p", width=1.1, align="right"),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(row.taken),
                    text(str(row.changed)),
                    text(row.arm),
                    text(str(row.events)),
                    text(number_text(row.median)),
                    text(number_text(row.hazard_ratio)),
                    text(p_text(row.p_value)),
                )
            )
            for row in result.sensitivity
        ),
        note=text(
            f"Each arm against {result.control}; p by χ², of this arm and the control alone. The "
            "animals that count otherwise are those of all arms."
        ),
    )


def _median(arm: ArmSurvival) -> str:
    """Median and limits; of one that was not reached, its lower limit alone."""
    shown = median_text(arm.median, arm.greater_than)
    if arm.median is None and arm.median_lower is None:
        return shown
    return _estimate(shown, interval_text(arm.median_lower, arm.median_upper))


def _median_ratio(found: MedianRatio, numbers: dict[str, int]) -> str:
    shown = median_ratio_text(found.ratio, found.ratio_greater_than)
    limits = interval_text(found.ratio_lower, found.ratio_upper)
    return f"{_estimate(shown, limits)}{_mark(found.reason, numbers)}"


def _mean_difference(row: MeanContrast | None) -> str:
    if row is None or row.difference.estimate is None:
        return _NONE
    found = row.difference
    limits = interval_text(found.lower, found.upper, open_ends=False)
    p = "" if found.p_value is None else f", p\N{NO-BREAK SPACE}{p_text(found.p_value)}"
    return f"{_estimate(number_text(found.estimate), limits)}{p}"


def _time_ratio(row: TimeRatioRow | None, numbers: dict[str, int]) -> str:
    if row is None:
        return _NONE
    found = row.found
    p = "" if found.p_value is None else f", p\N{NO-BREAK SPACE}{p_text(found.p_value)}"
    limits = interval_text(found.lower, found.upper)
    mark = _mark(found.reason, numbers)
    return f"{_estimate(number_text(found.time_ratio), limits)}{p}{mark}"


def _estimate(shown: str, limits: str) -> str:
    """An estimate with its limits, where there are any."""
    return shown if limits == _NONE else f"{shown} ({limits})"


def _mark(reason: str, numbers: dict[str, int]) -> str:
    """The number of a reason in the note; `numbers` takes it."""
    return f" [{numbers.setdefault(reason, len(numbers) + 1)}]" if reason else ""


def _explained(numbers: dict[str, int]) -> str:
    """The reasons that marks stand for."""
    words = "; ".join(f"[{number}] {reason}" for reason, number in numbers.items())
    return f" {words}." if words else ""


def _arm_words(arm: ArmSurvival) -> str:
    return f"{arm.arm}: {arm.events} events in {arm.n} animals, median {_median(arm)}"


def _events(result: SurvivalResult) -> int:
    return sum(arm.events for arm in result.arms)


def _unit(result: SurvivalResult) -> str:
    return _UNITS[result.time_unit]


def _this_study(label: StudyLabel) -> str:
    return "this simulated study" if label.simulated else "this study"


def _kind(label: StudyLabel) -> str:
    return "simulated " if label.simulated else ""


def _said(label: StudyLabel) -> str:
    return "Simulated. " if label.simulated else ""


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
