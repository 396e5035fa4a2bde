"""A simulation in the guide: curves, pathway, arms against the control, and every number behind.

Nothing of it is evidence, and everything says so: each caption is marked and carries how many of
the numbers behind it are assumed or scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from oncovivo.analyses import PlacedSimulation, SectionId, comparison_id
from oncovivo.documents import (
    Block,
    Figure,
    Inline,
    Link,
    Note,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.endpoints.wording import number_text
from oncovivo.figures import draw_diagram, to_svg
from oncovivo.guide.pictures import kept_part
from oncovivo.guide.study_label import SIMULATED
from oncovivo.guide.wording import counted, plain_word
from oncovivo.mechanism.parameters import STATUSES
from oncovivo.mechanism.pathway_plots import PathwayRow
from oncovivo.mechanism.simulate import (
    ArmResult,
    Comparison,
    OutputCurve,
    ParameterUse,
    SimulationResult,
)
from oncovivo.mechanism.trajectory_plots import plot_simulation

__all__ = ["simulation_links", "simulation_sections"]

_Key: TypeAlias = tuple[object, ...]

_BANDS: Final = {
    "between_animal": "animals around the typical values",
    "uncertainty": "typical values around their estimates",
    "both": "animals, and typical values around their estimates",
}
_DIRECTIONS: Final = {"lower": "lower", "higher": "higher", "none": "no difference"}
_NONE: Final = "none"
_NEGLIGIBLE: Final = 1e-6  # of the output's largest value; the solver's error is near it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """What sections before this one have shown: pathways and numbers, each with its table."""

    pathways: Mapping[frozenset[_Key], Link]
    numbers: Mapping[_Key, Link]


def simulation_links(simulations: Sequence[PlacedSimulation]) -> dict[str, Link]:
    """From what a claim writes in ``from`` to the section of the simulation."""
    return {
        placed.source: Link(
            content=f"simulation {placed.result.name}", target=_anchor(placed.result)
        )
        for placed in simulations
    }


def simulation_sections(
    simulations: Sequence[PlacedSimulation], *, order: Sequence[SectionId]
) -> dict[SectionId, list[Section]]:
    """A section for each simulation, by the chapter that it stands in.

    Chapters come in their `order`. A pathway or a number that stands in an earlier section is not
    repeated; a link leads there.
    """
    pathways: dict[frozenset[_Key], Link] = {}
    numbers: dict[_Key, Link] = {}
    found: dict[SectionId, list[Section]] = {}
    ordered = sorted(simulations, key=lambda placed: order.index(placed.section))
    for place, placed in enumerate(ordered):
        earlier = _Earlier(pathways=dict(pathways), numbers=dict(numbers))
        section = kept_part(
            "simulation", ordered[: place + 1], make=partial(_section, placed, earlier)
        )
        found.setdefault(placed.section, []).append(section)
        name = placed.result.name
        pathways.setdefault(
            _arrow_keys(placed.arrows), Link(content=name, target=f"figure-pathway:{name}")
        )
        for use in placed.result.parameters:
            link = Link(content=name, target=f"table-numbers:{name}")
            numbers.setdefault(_number_key(use), link)
    return found


def _anchor(result: SimulationResult) -> str:
    return f"simulation:{result.name}"


def _marked(words: str) -> tuple[Inline, ...]:
    """A caption that says what it is of."""
    return (SIMULATED, Text(content=f" {words}"))


def _section(placed: PlacedSimulation, earlier: _Earlier) -> Section:
    result = placed.result
    return Section(
        anchor=_anchor(result),
        title=result.title,
        level=2,
        blocks=(
            Note(kind="simulated", content=text(_confession(result))),
            *((Paragraph(content=text(" ".join(result.note.split()))),) if result.note else ()),
            *(_warning(warning.message, warning.arm) for warning in result.warnings),
            _arm_table(result),
            _curves(result),
            *_pathway(placed, earlier),
            *((_comparison_table(result),) if result.comparisons else ()),
            *_numbers(result, earlier),
        ),
    )


def _confession(result: SimulationResult) -> str:
    """What the whole section rests on."""
    # A number that an arm replaces counts once, as the least known of its values.
    known: dict[str, int] = {}
    for use in result.parameters:
        known[use.name] = max(known.get(use.name, 0), STATUSES.index(use.status))
    numbers = list(known.values())
    counts = [
        f"{numbers.count(rank)} {status}"
        for rank, status in enumerate(STATUSES)
        if numbers.count(rank)
    ]
    return (
        f"Computed from a model with {counted(len(known), 'number')}: {_listed(counts)}. "
        "No animal was involved; nothing here is evidence."
    )


def _listed(words: Sequence[str]) -> str:
    """Words with commas and an and."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _warning(message: str, arm: str | None) -> Note:
    words = f"{arm}: {message}" if arm else message
    return Note(kind="warning", content=text(f"{words[0].upper()}{words[1:]}."))


def _arm_table(result: SimulationResult) -> Table:
    """What each arm receives, and which numbers are its own."""
    own = any(arm.changed for arm in result.arms)
    return Table(
        anchor=f"table-arms:{result.name}",
        caption=_marked(f"Arms of {result.name}; the others are compared with {result.control}."),
        columns=(
            TableColumn(heading="Arm", width=2),
            TableColumn(heading="Regimen", width=3),
            *((TableColumn(heading="Numbers of its own", width=3),) if own else ()),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(arm.arm),
                    text(arm.regimen or "none"),
                    *((_own_numbers(arm, result),) if own else ()),
                )
            )
            for arm in result.arms
        ),
    )


def _own_numbers(arm: ArmResult, result: SimulationResult) -> tuple[Inline, ...]:
    """The numbers that an arm has for itself, with their status."""
    uses = {use.name: use for use in result.parameters if not use.arms or arm.arm in use.arms}
    words = [
        f"{name} = {_value(uses[name])} ({uses[name].status})"
        for name in arm.changed
        if name in uses
    ]
    return text("; ".join(words) or "–")


def _behind(result: SimulationResult) -> str:
    """The counts that every caption of computed numbers carries."""
    curves = [curve for arm in result.arms for curve in arm.outputs]
    assumed = {name for curve in curves for name in curve.assumed}
    scaled = {name for curve in curves for name in curve.scaled} - assumed
    verb = "is" if len(assumed) == 1 else "are"
    return f"{counted(len(assumed), 'number')} behind it {verb} assumed, {len(scaled)} scaled"


def _limits_words(result: SimulationResult) -> str:
    if not result.draws:
        return "no limits, since no parameter varies"
    return (
        f"limits hold {100 * result.level:g} % of {counted(result.draws, 'draw')} of "
        f"{_BANDS[result.band]}"
    )


def _curves(result: SimulationResult) -> Figure:
    """Every output by day."""
    return Figure(
        anchor=f"figure-simulation:{result.name}",
        svg=to_svg(plot_simulation(result), title=f"Simulated outputs by day, {result.name}"),
        caption=_marked(
            f"Outputs of {result.name} by day and arm: {_behind(result)}; "
            f"{_limits_words(result)}. The marks above each panel count what is behind that "
            "output alone."
        ),
        description=_in_words(result),
    )


def _in_words(result: SimulationResult) -> str:
    """The last day of every curve, for those who cannot see the figure."""
    parts = [
        f"{arm.arm}: "
        + ", ".join(
            f"{plain_word('output', curve.name)} {number_text(curve.median[-1])}"
            + ("" if curve.unit == "1" else f" {curve.unit}")
            for curve in arm.outputs
        )
        for arm in result.arms
    ]
    return f"Simulated. Medians on day {result.days[-1]:g}. {'; '.join(parts)}."


def _arrow_keys(arrows: Sequence[PathwayRow]) -> frozenset[_Key]:
    """What makes two pathways the same: their arrows and equations."""
    return frozenset((row.source, row.target, row.sign, row.equation) for row in arrows)


def _pathway(placed: PlacedSimulation, earlier: _Earlier) -> tuple[Block, ...]:
    """The arrows of the model as a figure and a table; a link where both stand already."""
    result = placed.result
    if placed.diagram is None:
        return ()
    arrows = _arrow_keys(placed.arrows)
    shown = next((link for known, link in earlier.pathways.items() if arrows <= known), None)
    if shown is not None:
        words = "Every arrow of this model's pathway is one of those of "
        return (Paragraph(content=(Text(content=words), shown, *text("."))),)
    assumed = {name for row in placed.arrows for name in row.assumed}
    scaled = {name for row in placed.arrows for name in row.scaled}
    figure = Figure(
        anchor=f"figure-pathway:{result.name}",
        svg=draw_diagram(placed.diagram),
        caption=_marked(
            f"The pathway of the model, drawn from its equations: no arrow without a term in an "
            f"equation. {counted(len(assumed), 'number')} in these equations are assumed, "
            f"{len(scaled)} scaled; an arrow is dashed where one of its numbers is assumed or its "
            "block names no source. The numbers are those of the table of arrows."
        ),
        description=placed.diagram.description,
    )
    table = Table(
        anchor=f"table-arrows:{result.name}",
        caption=_marked(f"The arrows of the model behind {result.name}, with their equations."),
        columns=(
            TableColumn(heading="No.", width=0.5, align="right"),
            TableColumn(heading="Arrow", width=2.4),
            TableColumn(heading="Value or rate of its target", width=3.6),
            TableColumn(heading="Assumed numbers", width=1.8),
            TableColumn(heading="Source of the block", width=2.2),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    text(str(row.number)),
                    text(_arrow_words(row)),
                    (Text(content=row.equation, style="code"),),
                    text(", ".join(row.assumed) or "–"),
                    text("none" if row.reference.strip() == _NONE else row.reference),
                )
            )
            for row in placed.arrows
        ),
        note=text("Time in days."),
    )
    return (figure, table)


def _arrow_words(row: PathwayRow) -> str:
    words = f"{row.start} {row.sign} {row.end}"
    return f"{words}: {row.label}" if row.label else words


def _comparison_table(result: SimulationResult) -> Table:
    """Every arm against the control; claims lead to these rows."""
    curves = {
        name: [arm.output(name) for arm in result.arms]
        for name in dict.fromkeys(found.output for found in result.comparisons)
    }
    return Table(
        anchor=f"table-comparisons:{result.name}",
        caption=_marked(
            f"Arms of {result.name} against {result.control}: {_behind(result)}; "
            f"{_limits_words(result)}. Row 1 is {comparison_id(result, 1)} to a claim, and so on."
        ),
        columns=(
            TableColumn(heading="Row", width=0.6),
            TableColumn(heading="Arm", width=1.5),
            TableColumn(heading="Output", width=2.2),
            TableColumn(heading="Day", width=0.6, align="right"),
            TableColumn(heading="Median (limits)", width=2.3, align="right"),
            TableColumn(heading="Over control (limits)", width=2.3, align="right"),
            TableColumn(heading="Direction", width=1.3),
            TableColumn(heading="Assumed / scaled", width=1, align="right"),
        ),
        rows=tuple(
            _comparison_row(result, number, found, curves[found.output])
            for number, found in enumerate(result.comparisons, start=1)
        ),
        note=text(
            "Over control: arm over control, draw by draw. Direction: where the limits of arm "
            "minus control lie. A dash: not defined, since the control is 0. ≈ 0: below a "
            "millionth of the output's largest value."
        ),
    )


def _comparison_row(
    result: SimulationResult, number: int, found: Comparison, curves: Sequence[OutputCurve]
) -> TableRow:
    unit = "" if found.unit == "1" else f", {found.unit}"
    largest = max(max(curve.upper) for curve in curves)
    limits = bool(result.draws)
    return TableRow(
        anchor=f"row-{comparison_id(result, number)}",
        cells=(
            text(str(number)),
            text(found.arm),
            text(f"{curves[0].meaning or plain_word('output', found.output)}{unit}"),
            text(f"{found.time_d:.4g}"),
            text(
                _estimate(
                    found.median,
                    (found.lower, found.upper) if limits else None,
                    least=largest * _NEGLIGIBLE,
                )
            ),
            text(
                "—"
                if found.ratio is None
                else _estimate(
                    found.ratio,
                    None
                    if not limits or found.ratio_lower is None or found.ratio_upper is None
                    else (found.ratio_lower, found.ratio_upper),
                )
            ),
            text(_DIRECTIONS[found.direction]),
            text(f"{found.assumed_count} / {found.scaled_count}"),
        ),
    )


def _estimate(median: float, limits: tuple[float, float] | None, *, least: float = 0.0) -> str:
    """A median with its limits; what is closer to 0 than `least` is not told from it."""
    shown = [
        "≈ 0" if 0 < abs(value) < least else number_text(value)
        for value in (median, *(limits or ()))
    ]
    return shown[0] if limits is None else f"{shown[0]} ({shown[1]} to {shown[2]})"


def _number_key(use: ParameterUse) -> _Key:
    """What makes two numbers the same for a reader."""
    return (use.name, use.value, use.unit, use.status, use.source, use.note, use.arms)


def _numbers(result: SimulationResult, earlier: _Earlier) -> tuple[Block, ...]:
    """The numbers that no earlier table shows, least known first, and where the others stand."""
    own = [use for use in result.parameters if _number_key(use) not in earlier.numbers]
    own.sort(key=lambda use: -STATUSES.index(use.status))
    others = len(result.parameters) - len(own)
    elsewhere = _elsewhere(result, earlier)
    if not own:
        words = "All numbers behind this simulation are those of "
        return (Paragraph(content=(Text(content=words), *elsewhere, *text("."))),)
    cited = {use.source.partition(":")[0].strip(): use.citation for use in own if use.citation}
    citations = "; ".join(f"{key}: {words.rstrip('.')}" for key, words in cited.items())
    spread = any(_spread(use) != "–" for use in own)
    # Below the table and not in its note, which the PDF repeats on every page of the table.
    below: list[Block] = []
    if others:
        more = f"{counted(others, 'number')} more behind {result.name} {_stand(others)} in "
        below.append(Paragraph(content=(Text(content=more), *elsewhere, *text("."))))
    if citations:
        below.append(Paragraph(content=text(f"Sources of {result.name}: {citations}.")))
    return (
        Table(
            anchor=f"table-numbers:{result.name}",
            caption=_marked(
                f"The numbers behind {result.name}"
                + (", as far as no table above has them: " if others else ": ")
                + f"{_status_counts(own)}."
            ),
            columns=(
                TableColumn(heading="Name", width=1.6),
                TableColumn(heading="Value", width=1.5, align="right"),
                *((TableColumn(heading="Varies by", width=1.3),) if spread else ()),
                TableColumn(heading="Status and source", width=2),
                TableColumn(heading="What it is", width=4.4),
            ),
            rows=tuple(_number_row(use, spread=spread) for use in own),
        ),
        *below,
    )


def _stand(number: int) -> str:
    return "stands" if number == 1 else "stand"


def _elsewhere(result: SimulationResult, earlier: _Earlier) -> tuple[Inline, ...]:
    """The tables that show the numbers which are not repeated."""
    keys = [_number_key(use) for use in result.parameters]
    links = dict.fromkeys(earlier.numbers[key] for key in keys if key in earlier.numbers)
    inlines: list[Inline] = []
    for link in links:
        inlines += [*(text(" and ") if inlines else ()), link]
    return tuple(inlines)


def _status_counts(uses: Sequence[ParameterUse]) -> str:
    """How many rows have which status, least known first."""
    counts = {status: sum(use.status == status for use in uses) for status in reversed(STATUSES)}
    return _listed([f"{count} {status}" for status, count in counts.items() if count])


def _number_row(use: ParameterUse, *, spread: bool) -> TableRow:
    words = f"{use.meaning[0].upper()}{use.meaning[1:]}" if use.meaning else ""
    arms = f"In the arms {'; '.join(use.arms)}" if use.arms else ""
    parts = [part.rstrip(".") for part in (words, use.note, arms) if part]
    return TableRow(
        cells=(
            text(use.name),
            text(_value(use)),
            *((text(_spread(use)),) if spread else ()),
            text(use.status if use.source == _NONE else f"{use.status}; {use.source}"),
            text(f"{'. '.join(parts)}." if parts else "–"),
        )
    )


def _value(use: ParameterUse) -> str:
    """A number with its unit."""
    return f"{use.value:.4g}".replace("-", "−") + ("" if use.unit == "1" else f" {use.unit}")


def _spread(use: ParameterUse) -> str:
    """How far a number is varied in draws, and what for."""
    words = []
    if use.between_animal_cv is not None:
        words.append(f"animals {100 * use.between_animal_cv:g}\u00a0%")
    if use.between_animal_sd is not None:
        words.append(f"animals SD {use.between_animal_sd:g} (logit)")
    if use.uncertainty_cv is not None:
        words.append(f"uncertainty {100 * use.uncertainty_cv:g}\u00a0%")
    return "; ".join(words) or "–"
