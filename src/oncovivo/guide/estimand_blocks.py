"""Studies, literature rows and simulations of a tumor type on one scale, as figure and table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from oncovivo.analyses import PlacedSimulation, StudyResult
from oncovivo.analyses.estimand_plot import plot_estimands
from oncovivo.analyses.one_estimand import Agreement, EstimandRow, TumorEstimands
from oncovivo.documents import (
    Block,
    Figure,
    Inline,
    Link,
    Listing,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.figures import to_svg
from oncovivo.guide.citing import Citations
from oncovivo.guide.pictures import picture
from oncovivo.guide.simulation_blocks import simulation_links
from oncovivo.guide.study_row_blocks import study_links

__all__ = ["estimand_blocks", "estimand_links"]

_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"study": "study", "literature": "row", "simulation": "simulation"}
)
_VERDICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agrees": "the simulation's median lies within the limits of the study",
        "compatible": "the simulation's median lies outside the limits of the study, and the "
        "limits of both overlap",
        "disagrees": "the limits of both have no value in common",
    }
)


def estimand_links(
    studies: Sequence[StudyResult], simulations: Sequence[PlacedSimulation]
) -> dict[str, Link]:
    """From the origin of a row to where the guide shows it."""
    return {**study_links(studies), **simulation_links(simulations)}


def estimand_blocks(
    found: TumorEstimands, name: str, links: Mapping[str, Link], citations: Citations
) -> tuple[Block, ...]:
    """Figure, table, and what simulations say beside studies; nothing without a row.

    Parameters
    ----------
    found : TumorEstimands
        The rows.
    name : str
        Of the tumor type.
    links : mapping of str to Link
        As :func:`estimand_links` gives them.
    citations : Citations
        For literature rows.
    """
    if not found.rows:
        return ()
    blocks: list[Block] = []
    drawn = [row for row in found.rows if row.rate is not None]
    if drawn:
        blocks.append(_figure(found, drawn, name))
    blocks.append(_table(found, name, links, citations))
    if found.agreement:
        blocks.append(_agreement(found.agreement, links, {row.row_id: row for row in found.rows}))
    return tuple(blocks)


def _figure(found: TumorEstimands, drawn: Sequence[EstimandRow], name: str) -> Figure:
    title = f"{name[0].upper()}{name[1:]}: effects on the growth rate"
    simulated = all(row.simulated for row in drawn)
    return Figure(
        anchor=f"figure-effects-{found.tumor}",
        svg=picture(
            "effects",
            drawn,
            title,
            found.level,
            draw=lambda: to_svg(
                plot_estimands(drawn, title=title, level=found.level), title=title
            ),
        ),
        caption=text(
            f"What studies, literature rows and simulations say of {name} on one scale: ln of "
            "relative tumor volume, treated over control, per day. Below 0 tumors grow more "
            "slowly under treatment. Open marks are combinations and other compounds of the "
            "class, which are never counted as the compound."
            + (" Everything in this figure is simulated." if simulated else "")
        ),
        description="; ".join(
            f"{row.treatment}, {_KINDS[row.kind]} {row.origin}: "
            f"{_number(row.rate)} ({_number(row.rate_lower)} to {_number(row.rate_upper)})"
            for row in drawn
        ),
    )


def _table(
    found: TumorEstimands, name: str, links: Mapping[str, Link], citations: Citations
) -> Table:
    return Table(
        anchor=f"table-effects-{found.tumor}",
        caption=text(f"{name[0].upper()}{name[1:]}: the effects of the figure in numbers."),
        columns=(
            TableColumn(heading="From", width=2.0),
            TableColumn(heading="Treatment", width=2.0),
            TableColumn(heading="Against", width=1.4),
            TableColumn(heading="Day", width=0.6, align="right"),
            TableColumn(heading="Relative volume, treated / control", width=1.9),
            TableColumn(heading="ln per day", width=1.9),
            TableColumn(heading="Animals", width=0.8, align="right"),
            TableColumn(heading="Counted", width=1.2),
        ),
        rows=tuple(_table_row(row, links, citations) for row in found.rows),
        note=text(
            "A study gives the contrast of its growth model times the days since baseline; a row "
            "a difference of growth rates, or the ratio of means that its source gives, which is "
            "the same as far as groups started alike; a simulation the median of its draws, with "
            "limits that hold draws and no sampling error."
        ),
    )


def _table_row(row: EstimandRow, links: Mapping[str, Link], citations: Citations) -> TableRow:
    where: tuple[Inline, ...]
    if row.kind == "literature":
        where = (
            Link(content=row.row_id, target=f"row-{row.row_id}"),
            Text(content=" "),
            *citations.cite((row.origin,)),
        )
    else:
        where = (links[row.origin],)
    if row.compound:
        counted = "simulated: no" if row.simulated else "yes"
    elif row.of_class:
        counted = "class: no"
    else:
        counted = "not the compound alone"
    return TableRow(
        cells=(
            where,
            text(row.treatment),
            text(row.versus.replace("_", " ")),
            text("none" if row.day is None else f"{row.day:g}"),
            text(
                _limits(row.estimate, row.lower, row.upper, ratio=True) or row.reason or "no day"
            ),
            text(_limits(row.rate, row.rate_lower, row.rate_upper, ratio=False) or "none"),
            text("none" if row.n_animals is None else str(row.n_animals)),
            text(counted),
        )
    )


def _limits(value: float | None, lower: float | None, upper: float | None, *, ratio: bool) -> str:
    if value is None:
        return ""
    numbers = [_ratio(one) if ratio else _number(one) for one in (value, lower, upper)]
    return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{math.exp(value):.2g}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 4) + 0.0:.4f}".replace("-", "−")


def _agreement(
    agreement: Sequence[Agreement], links: Mapping[str, Link], rows: Mapping[str, EstimandRow]
) -> Listing:
    """Each simulation beside each study of the same treatment."""
    return Listing(
        items=tuple(
            (
                links[rows[one.simulation].origin],
                Text(content=" and "),
                links[rows[one.study].origin],
                Text(content=f", {one.treatment}, "),
                Text(
                    content="on the same day: "
                    if one.scale == "ln_relative_volume"
                    else "per day, since their days differ: "
                ),
                Text(content=f"{_VERDICTS[one.verdict]}."),
            )
            for one in agreement
        )
    )
