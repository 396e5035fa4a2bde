"""The evidence map counts rows and works, and its figure shows every count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.evidence.evidence_map import MAP_KINDS, MapRow, evidence_map
from oncovivo.evidence.plots import plot_evidence_map
from oncovivo.figures.theme import new_figure, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def row(row_id: str, code: str = "RCC", **more: object) -> MapRow:
    values: dict[str, object] = {
        "row_id": row_id,
        "oncotree": code,
        "tumor_type": f"tumor {code}",
        "kind": "animal_efficacy",
        "direction": "benefit",
        "sources": ("smith2001",),
        **more,
    }
    return MapRow(**values)  # type: ignore[arg-type]  # checked by the class itself


ROWS = (
    row("r1"),
    row("r2"),
    row("r3", sources=("jones2002", "smith2001")),
    row("r4", use="context"),
    row("r5", direction="none"),
    row("r6", kind="in_vitro"),
    row("r7", "MCL", kind="in_vitro"),
    row("r8", "", tumor_type="several", kind="review"),
)


def printed(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_rows_and_works_are_counted_apart() -> None:
    first = evidence_map((), extra=ROWS)[0]
    assert (first.oncotree, first.kind, first.direction, first.use) == (
        "RCC",
        "animal_efficacy",
        "benefit",
        "evidence",
    )
    assert (first.n_rows, first.n_works, first.rows) == (3, 2, ("r1", "r2", "r3"))


def test_two_references_of_one_work_are_one_work() -> None:
    works = {"smith2001": "smith2001", "jones2002": "smith2001"}
    assert evidence_map((), extra=ROWS, works=works)[0].n_works == 1


def test_context_is_never_counted_with_evidence() -> None:
    cells = [c for c in evidence_map((), extra=ROWS) if c.kind == "animal_efficacy"]
    assert [(c.direction, c.use, c.n_rows) for c in cells] == [
        ("benefit", "evidence", 3),
        ("benefit", "context", 1),
        ("none", "evidence", 1),
    ]


def test_tumor_types_with_animal_rows_come_first_and_those_without_a_type_last() -> None:
    cells = evidence_map((), extra=ROWS)
    assert list(dict.fromkeys(c.oncotree for c in cells)) == ["RCC", "MCL", ""]
    assert cells[-1].tumor_type == "tumor type not given"


def test_the_order_of_the_rows_does_not_matter() -> None:
    assert evidence_map((), extra=ROWS) == evidence_map((), extra=ROWS[::-1])


def test_one_code_has_one_name() -> None:
    rows = (row("r1", tumor_type="renal cell carcinoma"), row("r2", tumor_type="renal"))
    assert {c.tumor_type for c in evidence_map((), extra=rows)} == {"renal"}
    names = {"RCC": "renal cell carcinoma"}
    assert evidence_map((), extra=rows, tumor_names=names)[0].tumor_type == names["RCC"]


@pytest.mark.parametrize(
    ("name", "word"), [("kind", "rumor"), ("direction", "up"), ("use", "maybe")]
)
def test_a_word_outside_its_list_is_an_error(name: str, word: str) -> None:
    with pytest.raises(InputError, match=f"row r1 of the evidence map: expected {name} as one of"):
        row("r1", **{name: word})


def test_every_count_is_printed_and_an_empty_cell_has_a_dash() -> None:
    ax = plot_evidence_map(evidence_map((), extra=ROWS))
    assert sorted(printed(ax)) == sorted(["3 (2)", *["1 (1)"] * 5, *["–"] * 5])
    headings = [label.get_text().replace("\n", " ") for label in ax.get_xticklabels()]
    assert headings == ["animal efficacy", "in vitro", "reviews"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "tumor RCC (RCC)",
        "tumor MCL (MCL)",
        "tumor type not given",
    ]


def test_context_is_hollow_and_directions_differ_in_shape_and_color() -> None:
    from matplotlib.colors import to_hex

    directions = ("benefit", "none", "harm", "mixed", "not_applicable")
    rows = [row(f"r{n}", direction=word) for n, word in enumerate(directions)]
    ax = plot_evidence_map(evidence_map((), extra=[*rows, row("r9", use="context")]))
    drawn = [mark for mark in ax.collections if np.asarray(mark.get_offsets()).size]
    faces = [to_hex(np.asarray(mark.get_facecolor())[0]) for mark in drawn]
    assert faces.count("#ffffff") == 1
    edges = {to_hex(np.asarray(mark.get_edgecolor())[0]) for mark in drawn}
    shapes = {np.asarray(mark.get_paths()[0].vertices).tobytes() for mark in drawn}
    assert len(edges) == len(shapes) == len(directions)


def test_simulated_studies_have_a_column_that_says_so() -> None:
    rows = (row("s", kind="simulated_study"), row("t", kind="animal_study"))
    ax = plot_evidence_map(evidence_map((), extra=rows))
    headings = [label.get_text().replace("\n", " ") for label in ax.get_xticklabels()]
    assert headings == [MAP_KINDS["animal_study"], MAP_KINDS["simulated_study"]]
    assert "simulated" in headings[1]


@pytest.mark.parametrize("n_types", [1, 14])
def test_no_text_of_the_map_overlaps_or_leaves_the_figure(n_types: int) -> None:
    kinds = tuple(MAP_KINDS)
    rows = [
        row(
            f"r{number}-{kind}",
            f"CODE{number}",
            tumor_type="a tumor type with quite a long name",
            kind=kind,
            direction=("benefit", "none", "mixed")[number % 3],
            use=("evidence", "context")[number % 2],
        )
        for number in range(n_types)
        for kind in kinds
    ]
    rows += [row(f"x{number}", "CODE0", direction="harm") for number in range(120)]
    ax = plot_evidence_map(evidence_map((), extra=rows))
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend is not None
    pieces = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels(), *legend.get_texts()]
    boxes = [text.get_window_extent() for text in pieces if text.get_text()]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_the_map_is_drawn_into_given_axes_and_twice_the_same() -> None:
    cells = evidence_map((), extra=ROWS)
    pictures = []
    for _ in range(2):
        figure = new_figure()
        ax = figure.subplots()
        assert plot_evidence_map(cells, ax=ax) is ax
        pictures.append(to_svg(figure, title="map"))
    assert pictures[0] == pictures[1]


def test_a_map_without_rows_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one cell of the evidence map, found none"):
        plot_evidence_map(evidence_map(()))
