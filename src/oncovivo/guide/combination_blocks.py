"""A combination of a study in the guide: the sentence, curves, every null model, what to know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from oncovivo.analyses import SectionId, StudyResult
from oncovivo.analyses.study_results import StudyCombination
from oncovivo.analyses.synergy_result import SynergyAnalysis
from oncovivo.combination.forest_plots import plot_synergy_forest
from oncovivo.combination.plot_words import NULL_WORDS, SCALE_WORDS, index_words
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.synergy_plots import plot_index_band, plot_observed_expected
from oncovivo.combination.wording import (
    VERDICT_WORDS,
    answer_sentence,
    index_limits,
)
from oncovivo.documents import (
    Block,
    Figure,
    Link,
    Listing,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    text,
)
from oncovivo.endpoints.wording import number_text
from oncovivo.figures import to_svg
from oncovivo.growth.wording import limits_text, p_text
from oncovivo.guide.pictures import kept_part
from oncovivo.guide.study_blocks import Picture
from oncovivo.guide.study_label import SIMULATED, StudyLabel

__all__ = ["combination_sections"]

_NONE: Final = "—"


def combination_sections(
    studies: Sequence[StudyResult], section: SectionId
) -> tuple[Section, ...]:
    """The combinations of all studies that stand in a chapter, in the order of the guide."""
    return tuple(
        kept_part(
            "combination",
            (study.id, study.title, study.simulated, asked, number),
            make=partial(_section, study, asked, number),
        )
        for study in studies
        for number, asked in enumerate(study.combinations, start=1)
        if asked.section == section
    )


def _section(study: StudyResult, asked: StudyCombination, number: int) -> Section:
    label = StudyLabel(id=f"{study.id}-{number}", title=study.title, simulated=study.simulated)
    mark = (SIMULATED, Text(content=" ")) if study.simulated else ()
    source = (
        Text(content=" The animals are those of "),
        Link(content=study.title, target=f"study-{study.id}"),
        Text(content="."),
    )
    if asked.result is None:
        words = f"No answer on {asked.combination}: {asked.reason}."
        blocks: tuple[Block, ...] = (Paragraph(content=(*mark, Text(content=words), *source)),)
    else:
        sentence = answer_sentence(asked.result.results[0], asked.result.n_by_arm)
        blocks = (
            Paragraph(content=(*mark, Text(content=sentence), *source)),
            *_blocks(asked.result, label),
        )
    return Section(
        anchor=f"combination-{label.id}",
        title=f"{asked.combination}, {study.title}",
        level=2,
        blocks=blocks,
    )


def _blocks(result: SynergyAnalysis, label: StudyLabel) -> tuple[Block, ...]:
    """Curves, index over the days, all null models, and what to know."""
    remarks = _remarks(result)
    return (
        *(picture.figure for picture in _pictures(result, label)),
        _table(result, label),
        *((Listing(items=tuple(text(words) for words in remarks)),) if remarks else ()),
    )


def _pictures(result: SynergyAnalysis, label: StudyLabel) -> tuple[Picture, ...]:
    """Observed and foreseen curves, the index over the days, and the forest of all answers."""
    kind = "simulated " if label.simulated else ""
    said = "Simulated. " if label.simulated else ""
    found = []
    for number, seen in enumerate(result.observed, start=1):
        name = seen.arms.combination
        own = [one for one in result.results if one.arms.combination == name]
        drawn = plot_observed_expected(seen, results=own, simulated=label.simulated)
        found.append(
            Picture(
                drawn=drawn,
                figure=Figure(
                    anchor=f"figure-foreseen-{label.id}-{number}",
                    svg=to_svg(drawn, title=f"{name} observed and foreseen, {kind}{label.title}"),
                    caption=label.caption(
                        f"{name} as fitted (full line) and as each null model foresees it "
                        "(dashed) from the arms of the partners alone, with "
                        f"{100 * result.level:g} % bands of each day alone, the animals of the "
                        "combination, and the animals still measured."
                    ),
                    description=said + "; ".join(_words(one) for one in own[:3]),
                ),
            )
        )
    band = next((one for one in result.bands if one.days), None)
    if band is not None:
        own = [r for r in result.whole if (r.null, r.scale) == (band.null, "relative_volume")]
        drawn = plot_index_band(
            band, detectable=own, n_animals=result.n_by_arm, simulated=label.simulated
        )
        found.append(
            Picture(
                drawn=drawn,
                figure=Figure(
                    anchor=f"figure-index-{label.id}",
                    svg=to_svg(drawn, title=f"Index over the days, {kind}{label.title}"),
                    caption=label.caption(
                        f"Observed over foreseen relative size by day, {NULL_WORDS[band.null]}, "
                        f"with {100 * result.level:g} % limits that hold on all days together; "
                        "below 1 is synergy."
                    ),
                    description=f"{said}{NULL_WORDS[band.null]}: {VERDICT_WORDS[band.verdict]}, "
                    f"p {p_text(band.p_value)} over {len(band.days)} days",
                ),
            )
        )
    if len(result.results) > 1:
        drawn = plot_synergy_forest(
            result.results, n_animals=result.n_by_arm, simulated=label.simulated
        )
        found.append(
            Picture(
                drawn=drawn,
                figure=Figure(
                    anchor=f"figure-synergy-{label.id}",
                    svg=to_svg(drawn, title=f"All null models and scales, {kind}{label.title}"),
                    caption=label.caption(
                        "The index of every null model on every scale with its limits, each "
                        "answer alone; a hollow triangle is the largest index that a study of "
                        "this precision finds with 80 % power."
                    ),
                    description=said + "; ".join(_words(one) for one in result.results),
                ),
            )
        )
    return tuple(found)


def _table(result: SynergyAnalysis, label: StudyLabel) -> Table:
    """Every null model on every scale."""
    several = len({one.arms.combination for one in result.results}) > 1
    return Table(
        anchor=f"table-synergy-{label.id}",
        caption=label.caption(
            f"Null models and scales, {100 * result.level:g} % limits, each answer alone. The "
            "index is observed over foreseen, below 1 is synergy; the highest single agent is "
            "tested on one side. The nulls are different questions: one is to be chosen before "
            "the data are seen, the others show how far the answer hangs on the choice."
        ),
        columns=(
            *((TableColumn(heading="Combination", width=1.8),) if several else ()),
            TableColumn(heading="Null model", width=2.2),
            TableColumn(heading="Scale", width=2),
            TableColumn(heading="Day", width=0.7, align="right"),
            TableColumn(heading="Index", width=0.8, align="right"),
            TableColumn(heading="Limits", width=1.6, align="right"),
            TableColumn(heading="p", width=0.9, align="right"),
            TableColumn(heading="Could find", width=1, align="right"),
            TableColumn(heading="Verdict", width=1.2),
            TableColumn(heading="Remark", width=2.4),
        ),
        rows=tuple(
            TableRow(
                cells=(
                    *((text(one.arms.combination),) if several else ()),
                    text(NULL_WORDS[one.null]),
                    text(SCALE_WORDS[one.scale]),
                    text(_NONE if one.day is None else f"{one.day:g}"),
                    text(_NONE if one.index is None else index_words(one.index)),
                    text(index_limits(one)),
                    text(_NONE if one.p_value is None else p_text(one.p_value)),
                    text(
                        _NONE
                        if one.detectable_index is None
                        else index_words(one.detectable_index)
                    ),
                    text(VERDICT_WORDS[one.verdict]),
                    text(one.reason),
                )
            )
            for one in result.results
        ),
    )


def _remarks(result: SynergyAnalysis) -> list[str]:
    """Tests over all days, the factorial reading, robust errors, doses and warnings."""
    found = [
        f"Over all days together, {NULL_WORDS[band.null]}"
        + (f" for {band.arms.combination}" if len(result.observed) > 1 else "")
        + ": "
        + (band.reason or f"{VERDICT_WORDS[band.verdict]}, p {p_text(band.p_value)}")
        + "."
        for band in result.bands
    ]
    if result.interactions and len(result.interactions) == 1:
        one = result.interactions[0]
        found.append(
            "Read as a factorial design, the interaction on log growth is "
            f"{number_text(one.estimate)} per day ({limits_text(one.lower, one.upper)}): the "
            "Bliss contrast."
        )
    differing = [both for both in result.sensitivity if not both.agrees]
    if result.sensitivity and not differing:
        found.append("Cluster-robust errors (CR2) give the same verdicts.")
    found += [
        f"With cluster-robust errors (CR2), {NULL_WORDS[both.result.null]} on the "
        f"{SCALE_WORDS[both.result.scale]}"
        + (f" for {both.result.arms.combination}" if len(result.observed) > 1 else "")
        + f" is {VERDICT_WORDS[both.robust.verdict]} "
        f"(p {p_text(both.robust.p_value)})."
        for both in differing
    ]
    if result.doses is not None and result.doses.status == "equal":
        found.append("The combination gives each partner as its own arm does.")
    if result.event:
        found.append(f"Event of hazards and median times: {result.event}.")
    found += [
        warning.message[0].upper()
        + warning.message[1:]
        + (f" ({warning.arm})." if warning.arm else ".")
        for warning in result.warnings
    ]
    return found


def _words(one: SynergyResult) -> str:
    """An answer in a few words, for those who do not see the figure."""
    shown = "no index" if one.index is None else f"index {index_words(one.index)}"
    return (
        f"{NULL_WORDS[one.null]} on the {SCALE_WORDS[one.scale]}: {shown} "
        f"({index_limits(one)}), {VERDICT_WORDS[one.verdict]}"
    )
