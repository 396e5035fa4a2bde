"""Endpoints, response, tolerability and leavers of a study as tables and figures.

The guide's section of a study and the report of a study file are made of the same blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from oncovivo.documents import Figure, Table, TableColumn, TableRow, text
from oncovivo.endpoints.event_plots import plot_spider, plot_swimmer
from oncovivo.endpoints.response_result import AnimalResponse, ArmResponse, ResponseResult
from oncovivo.endpoints.tolerability import TolerabilityResult
from oncovivo.endpoints.waterfall_plots import plot_best_responses
from oncovivo.endpoints.weight_plots import plot_body_weight
from oncovivo.endpoints.wording import number_text
from oncovivo.figures import to_png, to_svg
from oncovivo.guide.endpoint_tables import endpoint_blocks
from oncovivo.guide.study_label import StudyLabel
from oncovivo.studies.leaving import LeavingTable, NumberAtRisk

if TYPE_CHECKING:
    from matplotlib.figure import Figure as DrawnFigure

__all__ = [
    "Picture",
    "StudyLabel",
    "at_risk_table",
    "endpoint_blocks",
    "leaving_table",
    "response_figures",
    "response_pictures",
    "response_table",
    "tolerability_table",
    "weight_figure",
    "weight_picture",
]

MOST_DAYS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A figure of a document, and what it was drawn from."""

    figure: Figure
    drawn: DrawnFigure

    def png(self) -> bytes:
        """The same picture as PNG."""
        return to_png(self.drawn)


def response_table(result: ResponseResult, label: StudyLabel) -> Table:
    """Response of each arm by mRECIST and PPTC, with exact intervals."""
    rule = result.rule.replace("_", " ")
    return Table(
        anchor=f"table-response-{label.id}",
        caption=label.caption(f"Response by arm: mRECIST ({rule}) and PPTC. {label.title}."),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="CR / PR / SD / PD", width=1.6),
            TableColumn(heading="Objective response", width=2),
            TableColumn(heading="Disease control", width=2),
            TableColumn(heading="PPTC group", width=1),
            TableColumn(heading="Remark", width=2.2),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.arm),
                    text(f"{arm.n_cr} / {arm.n_pr} / {arm.n_sd} / {arm.n_pd}"),
                    text(
                        _rate(
                            arm.objective_response.k,
                            arm.objective_response.n,
                            arm.objective_response.lower,
                            arm.objective_response.upper,
                        )
                    ),
                    text(
                        _rate(
                            arm.disease_control.k,
                            arm.disease_control.n,
                            arm.disease_control.lower,
                            arm.disease_control.upper,
                        )
                    ),
                    text(arm.pptc_group or "—"),
                    text(arm.reason),
                )
            )
            for arm in result.arms
        ),
        note=text(
            "Objective response: CR or PR; disease control: CR, PR or SD; of the evaluable "
            "animals, with exact (Clopper-Pearson) limits."
        ),
    )


def _rate(k: int, n: int, lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return f"{k} of {n}"
    return f"{k} of {n} ({lower:.0%} to {upper:.0%})"


def response_pictures(result: ResponseResult, label: StudyLabel) -> tuple[Picture, ...]:
    """Best response, change by day, and follow-up of every animal."""
    if not result.curves:
        return ()
    pictures = [_spider(result, label), _swimmer(result, label)]
    if any(animal.best_response_pct is not None for animal in result.animals):
        pictures.insert(0, _waterfall(result, label))
    return tuple(pictures)


def response_figures(result: ResponseResult, label: StudyLabel) -> tuple[Figure, ...]:
    """The pictures of the response, as blocks of a document."""
    return tuple(picture.figure for picture in response_pictures(result, label))


def _waterfall(result: ResponseResult, label: StudyLabel) -> Picture:
    drawn = plot_best_responses(result)
    missing = sum(animal.best_response_pct is None for animal in result.animals)
    words = f"Best response of each {_kind(label)}animal by arm, colored by mRECIST category."
    if missing:
        words += f" {missing} without a best response."
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-waterfall-{label.id}",
            svg=to_svg(drawn, title=f"Best response of each {_kind(label)}animal"),
            caption=label.caption(words),
            description="; ".join(_best_in_words(arm, result.animals) for arm in result.arms),
        ),
    )


def _best_in_words(arm: ArmResponse, animals: tuple[AnimalResponse, ...]) -> str:
    best = [
        animal.best_response_pct
        for animal in animals
        if animal.arm == arm.arm and animal.best_response_pct is not None
    ]
    if not best:
        return f"{arm.arm}: no best response"
    shown = ", ".join(number_text(value) for value in sorted(best, reverse=True))
    return f"{arm.arm}: {shown} %"


def _spider(result: ResponseResult, label: StudyLabel) -> Picture:
    drawn = plot_spider(result)
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-spider-{label.id}",
            svg=to_svg(drawn, title=f"Change of {_kind(label)}volume by animal"),
            caption=label.caption(
                f"Change of {_kind(label)}volume from baseline, each animal a line; the mark at "
                "its end is its mRECIST category."
            ),
            description="; ".join(
                f"{arm.arm}: {arm.n_cr} CR, {arm.n_pr} PR, {arm.n_sd} SD, {arm.n_pd} PD"
                for arm in result.arms
            ),
        ),
    )


def _swimmer(result: ResponseResult, label: StudyLabel) -> Picture:
    drawn = plot_swimmer(result)
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-swimmer-{label.id}",
            svg=to_svg(drawn, title=f"Follow-up of each {_kind(label)}animal"),
            caption=label.caption(
                f"Follow-up of each {_kind(label)}animal: its category, the day of four times its "
                "baseline, and why it left."
            ),
            description="; ".join(
                f"{animal.animal_id} ({animal.arm}): followed to day {animal.end_day:g}, "
                f"{animal.end_reason.replace('_', ' ')}"
                for animal in result.animals
            ),
        ),
    )


def _kind(label: StudyLabel) -> str:
    return "simulated " if label.simulated else ""


def tolerability_table(result: TolerabilityResult, label: StudyLabel) -> Table:
    """Body weight, losses and toxic deaths by arm."""
    return Table(
        anchor=f"table-tolerability-{label.id}",
        caption=label.caption(f"Tolerability by arm. {label.title}."),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Weighed / animals", width=1.2, align="right"),
            TableColumn(heading="Median nadir, % (net of tumor)", width=1.6, align="right"),
            TableColumn(heading="Worst nadir, % (net of tumor)", width=1.6, align="right"),
            TableColumn(heading="Lost ≥ 15 % / ≥ 20 %", width=1.3, align="right"),
            TableColumn(heading="Toxic deaths", width=1.4),
            TableColumn(heading="Remark", width=1.8),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.arm),
                    text(f"{arm.n_weighed} / {arm.n}"),
                    text(_pair(arm.median_nadir_pct, arm.median_net_nadir_pct)),
                    text(_pair(arm.worst_nadir_pct, arm.worst_net_nadir_pct)),
                    text(f"{arm.n_loss_15} / {arm.n_loss_20}"),
                    text(
                        _rate(
                            arm.toxic_deaths.k,
                            arm.toxic_deaths.n,
                            arm.toxic_deaths.lower,
                            arm.toxic_deaths.upper,
                        )
                    ),
                    text(arm.reason),
                )
            )
            for arm in result.arms
        ),
        note=text(
            "Change of body weight from baseline; net: less the tumor at 1 mg/mm³. Toxic deaths: "
            "animals that left for toxicity or loss of body weight."
        ),
    )


def _pair(raw: float | None, net: float | None) -> str:
    shown = "—" if raw is None else _percent(raw)
    return shown if net is None else f"{shown} ({_percent(net)})"


def _percent(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def weight_picture(result: TolerabilityResult, label: StudyLabel) -> Picture | None:
    """Body weight of every animal; None when nobody was weighed."""
    if not result.curves:
        return None
    drawn = plot_body_weight(result)
    return Picture(
        drawn=drawn,
        figure=Figure(
            anchor=f"figure-weight-{label.id}",
            svg=to_svg(drawn, title=f"Body weight by arm, {_kind(label)}study"),
            caption=label.caption("Change of body weight from baseline, each animal a line."),
            description="; ".join(
                f"{arm.arm}: median nadir {_pair(arm.median_nadir_pct, None)} %"
                for arm in result.arms
            ),
        ),
    )


def weight_figure(result: TolerabilityResult, label: StudyLabel) -> Figure | None:
    """The picture of body weights, as a block of a document."""
    picture = weight_picture(result, label)
    return None if picture is None else picture.figure


def at_risk_table(table: NumberAtRisk, label: StudyLabel) -> Table:
    """Animals still followed and animals measured, by arm and day.

    More than sixteen days are thinned evenly, the first and the last kept.
    """
    days = _thinned(table.days)
    arms = list(dict.fromkeys(row.arm for row in table.rows))
    rows = {(row.arm, row.day): row for row in table.rows}
    left_out = len(table.days) - len(days)
    thinned = f" {left_out} of {len(table.days)} days are not shown." if left_out else ""
    return Table(
        anchor=f"table-at-risk-{label.id}",
        caption=label.caption(f"Animals still followed on each day. {label.title}."),
        columns=(
            TableColumn(heading="Day", width=2.4),
            *(TableColumn(heading=f"{day:g}", width=0.6, align="right") for day in days),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm),
                    *(
                        text(f"{row.n_at_risk}{'*' if row.flagged else ''}")
                        for row in (rows[arm, day] for day in days)
                    ),
                )
            )
            for arm in arms
        ),
        note=text(f"A star: fewer than half of the arm remain.{thinned}"),
    )


def _thinned(days: tuple[float, ...]) -> tuple[float, ...]:
    """At most so many days, evenly spread, with the first and the last."""
    if len(days) <= MOST_DAYS:
        return days
    last = len(days) - 1
    return tuple(days[round(place * last / (MOST_DAYS - 1))] for place in range(MOST_DAYS))


def leaving_table(leavers: LeavingTable, label: StudyLabel) -> Table:
    """How many animals of each arm left for which reason."""
    counts = leavers.counts()
    reasons = [str(reason) for reason in counts.columns if counts[reason].any()]
    return Table(
        anchor=f"table-leaving-{label.id}",
        caption=label.caption(
            f"Reasons for leaving by arm, followed to day {leavers.last_day:g}. {label.title}."
        ),
        columns=(
            TableColumn(heading="Arm", width=2),
            *(TableColumn(heading=reason.replace("_", " "), align="right") for reason in reasons),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(str(arm)),
                    *(text(str(int(row[reason]))) for reason in reasons),
                )
            )
            for arm, row in counts.iterrows()
        ),
        note=text("Unknown: followed no longer, and the file does not say why."),
    )
