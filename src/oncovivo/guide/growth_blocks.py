"""The growth model of a study as a paragraph, tables, figures and lines of a document."""

from __future__ import annotations

from oncovivo.analyses.growth_result import GrowthResult
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
from oncovivo.endpoints.wording import number_text
from oncovivo.figures import to_svg
from oncovivo.growth.compare import GrowthComparison, RateContrast
from oncovivo.growth.diagnostics import GrowthDiagnostics
from oncovivo.growth.effects import GrowthEffect
from oncovivo.growth.influence import InfluenceTable
from oncovivo.growth.plots import plot_contrasts, plot_growth_model, plot_residuals
from oncovivo.growth.wording import (
    EFFECT_TEXT,
    dropout_lines,
    effect_interval,
    effect_text,
    limits_text,
    model_in_words,
    p_text,
    variance_in_words,
)
from oncovivo.guide.study_blocks import Picture
from oncovivo.guide.study_label import StudyLabel

__all__ = [
    "growth_blocks",
    "growth_pictures",
    "growth_tables",
    "influence_table",
    "model_paragraph",
    "remark_blocks",
    "residual_picture",
]


def growth_blocks(result: GrowthResult, label: StudyLabel) -> tuple[Block, ...]:
    """What a guide shows of a growth model: model, figures, contrasts, who left, warnings."""
    return (
        model_paragraph(result, label),
        *(picture.figure for picture in growth_pictures(result, label)),
        *growth_tables(result, label),
        *remark_blocks(result, label),
    )


def model_paragraph(result: GrowthResult, label: StudyLabel) -> Paragraph:
    """The model, what entered, and its standard deviations."""
    compared = result.comparison
    what = "volume" if result.measure == "volume_mm3" else "area"
    words = model_in_words(result.model, likelihood=result.likelihood, censored=result.n_censored)
    return Paragraph(
        content=text(
            f"Growth model of {_this_study(label)}: "
            f"{words.replace('log size', f'log {what}', 1)}. "
            f"{result.n_animals} animals, {result.n_observations} readings from day "
            f"{result.baseline_day:g} on, all readings up to an animal's leaving. Standard errors "
            f"and degrees of freedom: {compared.df_method}. "
            f"{variance_in_words(result.variance)}."
        )
    )


def growth_pictures(result: GrowthResult, label: StudyLabel) -> tuple[Picture, ...]:
    """The fitted curves over the animals, and the contrasts with their intervals."""
    control = result.comparison.control
    kind = "simulated " if label.simulated else ""
    said = "Simulated. " if label.simulated else ""
    curves = plot_growth_model(result.curves, control=control, simulated=label.simulated)
    forest = plot_contrasts(
        result.comparison, n_animals=result.n_by_arm, simulated=label.simulated
    )
    return (
        Picture(
            drawn=curves,
            figure=Figure(
                anchor=f"figure-growth-model-{label.id}",
                svg=to_svg(curves, title=f"Growth model by arm, {kind}study {label.title}"),
                caption=label.caption(
                    f"Growth model of {label.title}: each animal a thin line (a cross where it "
                    "left early, a triangle where a reading is below the limit), the fitted "
                    "curve of each arm's geometric mean with its "
                    f"{result.comparison.level:.0%} band, and the animals still measured. Curves "
                    "are dotted once fewer than half of their arm are left."
                ),
                description=said + "; ".join(_rate_words(result)),
            ),
        ),
        Picture(
            drawn=forest,
            figure=Figure(
                anchor=f"figure-growth-contrasts-{label.id}",
                svg=to_svg(forest, title=f"Differences of growth rates, {kind}{label.title}"),
                caption=label.caption(
                    f"Growth rate of each arm of {label.title} less that of {control}, natural "
                    "log per day: the thick bar is the interval of the contrast alone, the thin "
                    "one holds for all together."
                ),
                description=said
                + "; ".join(_contrast_words(found) for found in result.comparison.contrasts),
            ),
        ),
    )


def growth_tables(result: GrowthResult, label: StudyLabel) -> tuple[Table, ...]:
    """Rates and contrasts by arm, also with free intercepts where needed; sizes of the effect."""
    tables = [_contrast_table(result, result.comparison, label)]
    if result.free_intercepts is not None:
        tables.append(_contrast_table(result, result.free_intercepts, label, free=True))
    return (*tables, _effect_table(result, label))


def _contrast_table(
    result: GrowthResult, compared: GrowthComparison, label: StudyLabel, *, free: bool = False
) -> Table:
    contrasts = {
        found.arm: found for found in compared.contrasts if found.versus == compared.control
    }
    rows = []
    for rate in compared.rates:
        found = contrasts.get(rate.arm)
        time = rate.doubling_time
        rows.append(
            TableRow(
                cells=(
                    text(f"{rate.arm} (n = {result.n_by_arm.get(rate.arm, 0)})"),
                    text(f"{_number(rate.estimate)} ({limits_text(rate.lower, rate.upper)})"),
                    text(_number(time.estimate)),
                    text("control" if found is None else _difference(found)),
                    text(
                        "—"
                        if found is None
                        else limits_text(found.lower_simultaneous, found.upper_simultaneous)
                    ),
                    text("—" if found is None or found.df is None else f"{found.df:.1f}"),
                    text("—" if found is None else p_text(found.p_adjusted)),
                )
            )
        )
    family = compared.family.adjustment
    held = (
        "Not adjusted for the number of arms."
        if family == "none"
        else f"{family.capitalize()}: intervals and p values that hold for all arms together."
    )
    return Table(
        anchor=f"table-growth-free-{label.id}" if free else f"table-growth-{label.id}",
        caption=label.caption(
            f"Growth rates and their differences from {compared.control}"
            f"{', with an intercept for each arm' if free else ''}. {label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Rate per day", width=2),
            TableColumn(heading="Doubling time, days", width=1),
            TableColumn(heading="Difference", width=2),
            TableColumn(heading="Simultaneous interval", width=1.8),
            TableColumn(heading="df", width=0.7),
            TableColumn(heading="Adjusted p", width=0.9),
        ),
        rows=tuple(rows),
        note=text(f"Rates in natural log per day with {compared.level:.0%} intervals. {held}"),
    )


def _effect_table(result: GrowthResult, label: StudyLabel) -> Table:
    compared = result.comparison
    numbers: dict[str, int] = {}

    def cell(effect: GrowthEffect | None) -> str:
        if effect is None:
            return "—"
        interval = effect_interval(effect)
        limits = f" ({interval})" if effect.estimate is not None else ""
        mark = f" [{numbers.setdefault(effect.reason, len(numbers) + 1)}]" if effect.reason else ""
        return f"{effect_text(effect)}{limits}{mark}"

    by_arm: dict[str, dict[str, GrowthEffect]] = {}
    for effect in compared.effects:
        by_arm.setdefault(effect.arm, {})[effect.effect] = effect
    rows = tuple(
        TableRow(cells=(text(arm), *(text(cell(found.get(name))) for name in EFFECT_TEXT)))
        for arm, found in by_arm.items()
    )
    notes = [f"[{number}] {reason}" for reason, number in numbers.items()]
    notes.insert(0, f"Estimates with {compared.level:.0%} intervals; TGI in percent")
    return Table(
        anchor=f"table-growth-effects-{label.id}",
        caption=label.caption(
            f"Size of the effect on growth against {compared.control}, from the growth model, "
            f"day {compared.day:g}. {label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=1.6),
            *(
                TableColumn(heading=words[0].upper() + words[1:].removesuffix(", %"), width=1.5)
                for words in EFFECT_TEXT.values()
            ),
        ),
        rows=rows,
        note=text("; ".join(notes) + "."),
    )


def influence_table(table: InfluenceTable, label: StudyLabel) -> Table:
    """Each contrast with all animals, and without the one that moves it most."""
    rows = []
    for arm, estimate, p in zip(table.arms, table.estimate, table.p_value, strict=True):
        found = table.most_influential(arm)
        changes = sum(row.changes_conclusion for row in table.of_arm(arm))
        rows.append(
            TableRow(
                cells=(
                    text(arm),
                    text(f"{_number(estimate)}, p {p_text(p)}"),
                    text("—" if found is None else f"{found.animal_id} ({found.animal_arm})"),
                    text(
                        "—"
                        if found is None
                        else f"{_number(found.estimate)}, p {p_text(found.p_value)}"
                    ),
                    text(str(changes)),
                )
            )
        )
    return Table(
        anchor=f"table-influence-{label.id}",
        caption=label.caption(
            f"Differences of growth rates from {table.control} with and without the animal that "
            f"moves them most. {label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="All animals", width=1.8),
            TableColumn(heading="Without animal", width=2),
            TableColumn(heading="It is then", width=1.8),
            TableColumn(heading="Animals that change the conclusion", width=1.4),
        ),
        rows=tuple(rows),
        note=text(
            "Exact refits without each animal in turn; p values of each contrast alone. No animal "
            "is left out of the analysis for its influence."
        ),
    )


def residual_picture(diagnostics: GrowthDiagnostics, label: StudyLabel) -> Picture:
    """Residuals by fitted value and day, and their quantiles."""
    drawn = plot_residuals(diagnostics, simulated=label.simulated)
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-growth-residuals-{label.id}",
            svg=to_svg(drawn, title=f"Residuals of the growth model, {label.title}"),
            caption=label.caption(
                f"Residuals of the growth model of {label.title}: by fitted value, by day, and "
                "their quantiles beside those of a normal distribution."
            ),
            description=("Simulated. " if label.simulated else "") + diagnostics.verdict,
        ),
    )


def remark_blocks(result: GrowthResult, label: StudyLabel) -> tuple[Block, ...]:
    """Who left and whether it matters, what the residuals say, and the warnings."""
    lines = dropout_lines(result.dropout)
    blocks: list[Block] = [
        Paragraph(content=text(f"Who left {_this_study(label)}, and whether it matters:")),
        Listing(items=tuple(text(line) for line in lines)),
    ]
    remarks = [f"{finding.message}; {finding.remedy}" for finding in result.findings]
    if result.influence is None:
        remarks.append(result.influence_reason)
    else:
        remarks.append(result.influence.verdict)
    remarks += [warning.message for warning in result.warnings]
    heading = f"What to know about the model of {_this_study(label)}:"
    blocks.append(Paragraph(content=text(heading)))
    blocks.append(Listing(items=tuple(text(remark) for remark in dict.fromkeys(remarks))))
    return tuple(blocks)


def _this_study(label: StudyLabel) -> str:
    return "this simulated study" if label.simulated else "this study"


def _rate_words(result: GrowthResult) -> list[str]:
    return [
        f"{rate.arm}: {_number(rate.estimate)} per day ({limits_text(rate.lower, rate.upper)})"
        for rate in result.comparison.rates
    ]


def _contrast_words(found: RateContrast) -> str:
    p = p_text(found.p_adjusted)
    return f"{found.arm} less {found.versus}: {_difference(found)}, adjusted p {p}"


def _difference(found: RateContrast) -> str:
    return f"{_number(found.estimate)} ({limits_text(found.lower, found.upper)})"


def _number(value: float | None) -> str:
    return "—" if value is None else number_text(value)
