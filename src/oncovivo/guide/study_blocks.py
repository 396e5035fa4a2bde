"""Endpoints, response, tolerability and leavers of a study as tables and figures.

The guide's section of a study and the report of a study file are made of the same blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oncovivo.documents import (
    Badge,
    Block,
    Figure,
    Inline,
    Listing,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.endpoints import EndpointEstimate, EndpointTable, find_definition
from oncovivo.endpoints.event_plots import plot_spider, plot_swimmer
from oncovivo.endpoints.response import ResponseResult
from oncovivo.endpoints.tolerability import TolerabilityResult
from oncovivo.endpoints.weight_plots import plot_body_weight
from oncovivo.figures import to_svg
from oncovivo.studies.leaving import LeavingTable

__all__ = [
    "StudyLabel",
    "endpoint_blocks",
    "leaving_table",
    "response_figures",
    "response_table",
    "tolerability_table",
    "weight_figure",
]

MOST_ARMS_SIDE_BY_SIDE = 5
ENDPOINTS_PER_TABLE = 5
SIMULATED = Badge(content="simulated", kind="simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLabel:
    """What every table and figure of a study carries: id, title and whether it is simulated."""

    id: str
    title: str
    simulated: bool

    def caption(self, words: str) -> tuple[Inline, ...]:
        """A caption, marked when the study is simulated."""
        content = Text(content=words)
        return (SIMULATED, Text(content=" "), content) if self.simulated else (content,)


def endpoint_blocks(table: EndpointTable, label: StudyLabel) -> tuple[Block, ...]:
    """All definitions side by side, and why a number is missing or flagged."""
    names = list(dict.fromkeys(row.endpoint for row in table.endpoints))
    arms = list(dict.fromkeys(row.arm for row in table.endpoints))
    known = {(row.arm, row.endpoint): row for row in table.endpoints}
    tables: list[Block] = []
    if len(arms) <= MOST_ARMS_SIDE_BY_SIDE:
        tables.append(_side_by_side(table, label, names, arms, known))
    else:
        parts = [
            names[i : i + ENDPOINTS_PER_TABLE] for i in range(0, len(names), ENDPOINTS_PER_TABLE)
        ]
        tables += [
            _by_arm(table, label, part, arms, known, number=number)
            for number, part in enumerate(parts, start=1)
        ]
    remarks = _remarks(table.endpoints)
    return (*tables, Listing(items=remarks)) if remarks else tuple(tables)


def _heading(table: EndpointTable) -> str:
    return f"Endpoints against {table.control}, {table.level:.0%} intervals; {table.day_choice}"


def _side_by_side(
    table: EndpointTable,
    label: StudyLabel,
    names: Sequence[str],
    arms: Sequence[str],
    known: dict[tuple[str, str], EndpointEstimate],
) -> Table:
    """One row for each endpoint, one column for each arm."""
    return Table(
        anchor=f"table-endpoints-{label.id}",
        caption=label.caption(f"{_heading(table)}. {label.title}."),
        columns=(
            TableColumn(heading="Endpoint", width=2.6),
            *(TableColumn(heading=arm, width=2) for arm in arms),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(_named(name)),
                    *(text(_number(known.get((arm, name)))) for arm in arms),
                )
            )
            for name in names
        ),
        note=text("A dash: no such number; the reasons are listed below. n: animals that enter."),
    )


def _by_arm(
    table: EndpointTable,
    label: StudyLabel,
    names: Sequence[str],
    arms: Sequence[str],
    known: dict[tuple[str, str], EndpointEstimate],
    *,
    number: int,
) -> Table:
    """One row for each arm, one column for each of a few endpoints."""
    return Table(
        anchor=f"table-endpoints-{label.id}-{number}",
        caption=label.caption(f"{_heading(table)} ({number}). {label.title}."),
        columns=(
            TableColumn(heading="Arm", width=2),
            *(TableColumn(heading=_named(name), width=2) for name in names),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm),
                    *(text(_number(known.get((arm, name)))) for name in names),
                )
            )
            for arm in arms
        ),
    )


def _named(name: str) -> str:
    """An endpoint's title with its unit and its name in results."""
    definition = find_definition(name)
    unit = "" if definition.unit in ("", "1") else f", {definition.unit}"
    title = definition.title if name == definition.name else f"{definition.title} ({name})"
    return f"{title}{unit}"


def _number(row: EndpointEstimate | None) -> str:
    """Estimate, interval and n in one cell."""
    if row is None:
        return ""
    if row.estimate is None:
        return "—" if row.greater_than is None else f"> {row.greater_than:.3g}"
    words = f"{row.estimate:.3g}"
    if row.lower is not None or row.upper is not None:
        lower = "−∞" if row.lower is None else f"{row.lower:.3g}"
        upper = "∞" if row.upper is None else f"{row.upper:.3g}"
        words += f" ({lower} to {upper})"
    return f"{words}; n {row.n_treated}" + (f"/{row.n_control}" if row.versus else "")


def _remarks(rows: Sequence[EndpointEstimate]) -> tuple[tuple[Inline, ...], ...]:
    """Each reason once, with the arms and endpoints it holds for."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row.reason:
            found.setdefault(row.reason, {}).setdefault(row.endpoint, []).append(row.arm)
    return tuple(
        text(
            f"{reason}: "
            + "; ".join(f"{name} ({', '.join(arms)})" for name, arms in where.items())
        )
        for reason, where in found.items()
    )


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


def response_figures(result: ResponseResult, label: StudyLabel) -> tuple[Figure, ...]:
    """Change of every animal, and how long each was followed and why it left."""
    if not result.curves:
        return ()
    kind = "simulated " if label.simulated else ""
    return (
        Figure(
            anchor=f"figure-spider-{label.id}",
            svg=to_svg(plot_spider(result), title=f"Change of {kind}volume by animal"),
            caption=label.caption(
                f"Change of {kind}volume from baseline, each animal a line; the mark at its end "
                "is its mRECIST category."
            ),
            description="; ".join(
                f"{arm.arm}: {arm.n_cr} CR, {arm.n_pr} PR, {arm.n_sd} SD, {arm.n_pd} PD"
                for arm in result.arms
            ),
        ),
        Figure(
            anchor=f"figure-swimmer-{label.id}",
            svg=to_svg(plot_swimmer(result), title=f"Follow-up of each {kind}animal"),
            caption=label.caption(
                f"Follow-up of each {kind}animal: its category, the day of four times its "
                "baseline, and why it left."
            ),
            description="; ".join(
                f"{animal.animal_id} ({animal.arm}): followed to day {animal.end_day:g}, "
                f"{animal.end_reason.replace('_', ' ')}"
                for animal in result.animals
            ),
        ),
    )


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
    shown = "—" if raw is None else f"{raw:.1f}"
    return shown if net is None else f"{shown} ({net:.1f})"


def weight_figure(result: TolerabilityResult, label: StudyLabel) -> Figure | None:
    """Body weight of every animal; None when nobody was weighed."""
    if not result.curves:
        return None
    kind = "simulated " if label.simulated else ""
    return Figure(
        anchor=f"figure-weight-{label.id}",
        svg=to_svg(plot_body_weight(result), title=f"Body weight by arm, {kind}study"),
        caption=label.caption("Change of body weight from baseline, each animal a line."),
        description="; ".join(
            f"{arm.arm}: median nadir {_pair(arm.median_nadir_pct, None)} %" for arm in result.arms
        ),
    )


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
