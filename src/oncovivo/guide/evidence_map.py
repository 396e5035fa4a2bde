"""The evidence map: tumor type × kind of evidence × direction, with n."""

from __future__ import annotations

from functools import partial

from oncovivo.analyses import Bundle
from oncovivo.documents import Figure, text
from oncovivo.evidence import MapCell, MapRow, evidence_map, plot_evidence_map
from oncovivo.figures import to_svg
from oncovivo.guide.pictures import picture
from oncovivo.guide.wording import counted, plain_word

__all__ = ["evidence_map_figure"]


def evidence_map_figure(bundle: Bundle) -> Figure:
    """The map of all rows and of the guide's own studies, one mark for each direction."""
    cells = evidence_map(
        bundle.records,
        extra=_study_rows(bundle),
        works=bundle.library.works(),
        tumor_names={code: tumor.name for code, tumor in bundle.identifiers.tumor_types.items()},
    )
    return Figure(
        anchor="figure-evidence-map",
        svg=picture("evidence-map", cells, draw=partial(_draw, cells)),
        caption=text(
            "Evidence map: tumor type by kind of evidence. Each mark is one direction of the "
            "result, with its number of rows; hollow marks are rows for context, which no claim "
            "counts. Studies of this guide have columns of their own."
        ),
        description=_in_words(cells),
    )


def _draw(cells: tuple[MapCell, ...]) -> str:
    """The map as SVG."""
    drawn = plot_evidence_map(cells).get_figure(root=True)
    if drawn is None:  # an axes always has one; the type says otherwise
        message = "axes without a figure"
        raise RuntimeError(message)
    return to_svg(drawn, title="Evidence map: tumor type by kind of evidence and direction")


def _study_rows(bundle: Bundle) -> tuple[MapRow, ...]:
    """One row for each study; without an inference it has no direction."""
    return tuple(
        MapRow(
            row_id=study.id,
            oncotree=study.tumor,
            tumor_type=study.tumor_type or "tumor type not stated",
            kind="simulated_study" if study.simulated else "animal_study",
            direction="not_applicable",
            sources=(study.id,),
        )
        for study in bundle.studies
    )


def _in_words(cells: tuple[MapCell, ...]) -> str:
    """The map as one line for each cell, for those who cannot see it."""
    return "; ".join(
        f"{cell.tumor_type}, {plain_word('evidence_kind', cell.kind)}, "
        f"{plain_word('direction', cell.direction)}: {counted(cell.n_rows, 'row')}"
        for cell in cells
    )
