"""Pictures of simulations and of a model's pathway: what they show, and that nothing collides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.figures import to_png, to_svg
from oncovivo.figures.layout import find_overlaps, lay_out
from oncovivo.mechanism.blocks import read_block
from oncovivo.mechanism.layers import lay_in_layers
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterValue,
    ResolvedParameters,
    read_parameter_set,
    resolve,
)
from oncovivo.mechanism.pathway_plots import pathway_diagram, pathway_rows, plot_pathway
from oncovivo.mechanism.simulate import (
    ArmResult,
    OutputCurve,
    ParameterUse,
    SimulationResult,
    SimulationWarning,
    simulate,
)
from oncovivo.mechanism.simulation_file import BandKind, read_simulation
from oncovivo.mechanism.trajectory_plots import plot_simulation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

SVG = "{http://www.w3.org/2000/svg}"
DAYS = tuple(float(day) for day in range(22))
KINDS = ("volume", "marker", "occupancy", "concentration", "rate", "other")
UNITS = {"volume": "mm³", "concentration": "ng/mL", "rate": "1/day"}

TARGET = ("animal", "temsirolimus_sirolimus", "fkbp_mtorc1", "mtor_core")
GROWTH = (*TARGET, "inhibition_pathway", "growth_inhibition", "tumor", "exponential")
VESSELS = (*TARGET, "vegf_vessels", "tumor", "hahnfeldt")
SETS = ("mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default")
OWN_SETS = {GROWTH: ("rapalog_growth", "renal_786o"), VESSELS: ("renal_vessels",)}

PACLITAXEL = """
schema = "oncovivo.simulation/1"
title = "Paclitaxel once"
blocks = [
  "animal", { block = "pk_two_compartment", rename = { drug = "paclitaxel" } },
  "kill_linear", "tumor_transits", "simeoni",
]
parameters = ["mouse_20g", "paclitaxel_a2780", "a2780_simeoni"]
[time]
end = 12.0
step = 0.5
[band]
draws = 15
[values.v0]
value = 55.0
unit = "mm³"
status = "assumed"
between_animal_cv = 0.3
[[arms]]
name = "control"
[[arms]]
name = "once"
regimen = "paclitaxel 30 mg/kg i.v. once"
[[arms]]
name = "three times"
regimen = "paclitaxel 30 mg/kg i.v. q4d x3"
"""


def _curve(number: int, kind: str, arm: int) -> OutputCurve:
    """An output that differs by arm; the concentration of the first arm is 0."""
    values = {
        "volume": [100 * 1.1 ** (day * (1 - arm / 10)) for day in DAYS],
        "concentration": [0.0 if arm == 0 else 1e5 / arm * 0.5**day for day in DAYS],
        "occupancy": [arm / 10 for _ in DAYS],
    }.get(kind, [1.0 - arm * day / 300 for day in DAYS])
    return OutputCurve(
        name=f"{kind}_{number}",
        unit=UNITS.get(kind, "1"),
        meaning=f"{kind} of something that has a rather long name in output {number}",
        kind=kind,
        typical=tuple(values),
        median=tuple(values),
        lower=tuple(0.8 * value for value in values),
        upper=tuple(1.3 * value for value in values),
        assumed=("a", "b") if arm == 0 else ("b", "c"),
        scaled=("c", "d"),
    )


def _result(n_arms: int, n_outputs: int) -> SimulationResult:
    """A result whose curves are made up."""
    use = ParameterUse(
        name="",
        value=1.0,
        unit="1",
        status="assumed",
        source="none",
        citation="",
        origin="set",
        meaning="",
        between_animal_cv=None,
        between_animal_sd=None,
        uncertainty_cv=None,
        note="",
        arms=(),
    )
    arms = tuple(
        ArmResult(
            arm="vehicle" if arm == 0 else f"{arm} mg/kg of a drug",
            regimen="" if arm == 0 else f"drug {arm} mg/kg i.v. qd x{arm} then a partner p.o.",
            changed=("pi3k",) if arm == 2 else (),
            dose_days=tuple(float(day) for day in range(arm)),
            outputs=tuple(
                _curve(number, KINDS[number % len(KINDS)], arm) for number in range(n_outputs)
            ),
        )
        for arm in range(n_arms)
    )
    return SimulationResult(
        name="made_up",
        title="Curves that are made up, with a title that is longer than the narrow figure is",
        note="",
        blocks=("tumor",),
        parameters=tuple(replace(use, name=name) for name in "abcdea"),
        control="vehicle",
        days=DAYS,
        band="both",
        draws=200,
        level=0.9,
        seed=1,
        engine="numpy",
        arms=arms,
        comparisons=(),
        warnings=(),
    )


def _panels(figure: Figure) -> list[Axes]:
    """The axes of outputs, without the strips of doses."""
    return [ax for ax in figure.axes if ax.get_ylabel()]


def _strips(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if not ax.get_ylabel()]


def _said(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def _lines(ax: Axes) -> list[Line2D]:
    return list(ax.get_lines())


def _shown_texts(figure: Figure) -> list[Text]:
    """Texts that are drawn, without the mark across the figure."""
    shown = [text for text in figure.texts if text.get_rotation() == 0]
    for ax in figure.axes:
        shown += [*ax.texts, ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_visible():
                    shown.append(tick.label1)
    return [text for text in shown if text.get_text()]


@pytest.mark.parametrize(("arms", "outputs"), [(1, 1), (3, 2), (4, 3), (8, 4), (5, 5), (8, 12)])
def test_texts_are_inside_the_figure_and_apart(arms: int, outputs: int) -> None:
    figure = plot_simulation(_result(arms, outputs))
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in _shown_texts(figure)]
    width, height = figure.get_size_inches() * figure.dpi
    for words, box in boxes:
        assert box.x0 >= 0, words
        assert box.y0 >= 0, words
        assert box.x1 <= width, words
        assert box.y1 <= height, words
    for (words, box), (other, other_box) in combinations(boxes, 2):
        # a px for the room that letters without descenders leave
        lower = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        assert lower <= 2 or across <= 1, (words, other)


@pytest.mark.parametrize(("outputs", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (7, 3)])
def test_each_output_has_one_panel_in_a_grid(outputs: int, columns: int) -> None:
    panels = _panels(plot_simulation(_result(3, outputs)))
    assert len(panels) == outputs
    assert len({round(ax.get_position().x0, 6) for ax in panels}) == columns


def test_panels_come_by_kind_whatever_the_order_of_the_result() -> None:
    panels = _panels(plot_simulation(_result(2, 6)))
    assert [ax.get_ylabel() for ax in panels] == [
        "concentration (ng/mL)",
        "share",
        "level",
        "rate (1/day)",
        "value",
        "volume (mm³)",
    ]


def test_a_choice_of_outputs_is_drawn_alone() -> None:
    figure = plot_simulation(_result(2, 6), outputs=["volume_0", "occupancy_2"])
    assert [ax.get_ylabel() for ax in _panels(figure)] == ["share", "volume (mm³)"]


@pytest.mark.parametrize(
    ("outputs", "match"),
    [
        (["volum_0"], "an output of the simulation"),
        (["volume_0", "volume_0"], "each output once"),
        ([], "at least one"),
    ],
)
def test_outputs_that_cannot_be_drawn_are_refused(outputs: Sequence[str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        plot_simulation(_result(2, 2), outputs=outputs)


def test_lines_are_the_medians_and_bands_the_limits() -> None:
    result = _result(3, 1)
    (ax,) = _panels(plot_simulation(result))
    for line, arm in zip(_lines(ax), result.arms, strict=True):
        assert line.get_xdata() == pytest.approx(DAYS)
        assert line.get_ydata() == pytest.approx(arm.outputs[0].median)
    for band, arm in zip(ax.collections, result.arms, strict=True):
        corners = np.asarray(band.get_paths()[0].vertices)
        assert corners[:, 1].min() == pytest.approx(min(arm.outputs[0].lower))
        assert corners[:, 1].max() == pytest.approx(max(arm.outputs[0].upper))


def test_without_draws_there_is_no_band_and_the_figure_says_why() -> None:
    figure = plot_simulation(replace(_result(3, 2), draws=0))
    assert all(not ax.collections for ax in _panels(figure))
    assert "no parameter varies" in _said(figure)
    assert "median" not in _said(figure)


@pytest.mark.parametrize(
    ("band", "words"),
    [
        ("both", "(animals and uncertainty)"),
        ("between_animal", "(animals)"),
        ("uncertainty", "(uncertainty)"),
    ],
)
def test_what_the_band_holds_is_said(band: BandKind, words: str) -> None:
    said = _said(plot_simulation(replace(_result(2, 2), band=band)))
    assert f"band: 90 % of 200 draws {words}" in said


def test_each_panel_counts_assumed_and_scaled_numbers_of_any_arm_once() -> None:
    # assumed a, b and, in another arm, c, which is scaled elsewhere; five names in all
    said = _said(plot_simulation(_result(2, 3)))
    assert said.count("3 assumed, 1 scaled of 5 numbers") == 3


def test_the_figure_says_that_it_is_simulated() -> None:
    assert _said(plot_simulation(_result(1, 1))).count("SIMULATED DATA") == 2


def test_the_control_is_grey_and_arms_differ_in_color_line_or_marker() -> None:
    (ax,) = _panels(plot_simulation(_result(8, 1)))
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in _lines(ax)]
    assert looks[0][0] == "#767676"
    assert len(set(looks)) == 8
    assert all(look[0] != "#767676" for look in looks[1:])


def test_a_concentration_over_more_than_two_decades_is_on_a_log_axis_that_is_cut() -> None:
    result = _result(3, 4)
    ax = _panels(plot_simulation(result, outputs=["concentration_3"]))[0]
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] == pytest.approx(1.3e5 / 1e5)
    flat = [
        replace(
            arm,
            outputs=tuple(
                replace(curve, median=tuple(50.0 + day for day in DAYS)) for curve in arm.outputs
            ),
        )
        for arm in result.arms
    ]
    ax = _panels(plot_simulation(replace(result, arms=tuple(flat)), outputs=["concentration_3"]))[
        0
    ]
    assert ax.get_yscale() == "linear"


def test_an_arm_that_is_0_on_a_log_axis_is_named() -> None:
    figure = plot_simulation(_result(3, 4))
    assert _said(figure).count("0, not drawn: vehicle") == 1


def test_an_occupancy_runs_from_0_to_1() -> None:
    ax = _panels(plot_simulation(_result(2, 4), outputs=["occupancy_2"]))[0]
    assert ax.get_ylim() == pytest.approx((-0.02, 1.02))


@pytest.mark.parametrize("outputs", [1, 4, 5])
def test_doses_are_ticks_on_their_days_below_each_column(outputs: int) -> None:
    result = _result(4, outputs)
    figure = plot_simulation(result)
    strips = _strips(figure)
    assert len(strips) == {1: 1, 4: 2, 5: 3}[outputs]
    for strip in strips:
        ticks = [line for line in _lines(strip) if line.get_marker() == "|"]
        assert [tuple(np.asarray(line.get_xdata()).tolist()) for line in ticks] == [
            arm.dose_days for arm in result.arms[1:]
        ]
        above = [
            ax
            for ax in _panels(figure)
            if ax.get_position().x0 == pytest.approx(strip.get_position().x0)
        ]
        assert above[0].get_xlim() == strip.get_xlim()
        assert min(ax.get_position().y0 for ax in above) > strip.get_position().y1


def test_without_doses_there_is_no_strip_and_days_stand_at_the_panels() -> None:
    figure = plot_simulation(_result(1, 2))
    assert not _strips(figure)
    assert [ax.get_xlabel() for ax in _panels(figure)] == ["time (day)"] * 2
    assert "doses" not in _said(figure)


def test_regimens_and_own_numbers_of_arms_are_in_the_key() -> None:
    said = _said(plot_simulation(_result(3, 3)))
    assert "1 mg/kg of a drug: drug 1 mg/kg i.v. qd x1" in said
    assert "(its own: pi3k)" in said


def test_a_warning_about_an_arm_is_on_the_figure() -> None:
    warning = SimulationWarning(code="x", message="the error is large", arm="vehicle")
    assert "vehicle: the error is large" in _said(
        plot_simulation(replace(_result(2, 1), warnings=(warning,)))
    )


def test_the_same_result_gives_the_same_svg() -> None:
    result = _result(3, 3)
    first, second = (to_svg(plot_simulation(result), title="curves") for _ in range(2))
    assert first == second
    assert ElementTree.fromstring(first).get("role") == "img"


def test_names_with_signs_of_other_scripts_or_formulas_are_drawn() -> None:
    result = replace(_result(2, 1), title="中 $x_1$")
    result = replace(result, arms=(result.arms[0], replace(result.arms[1], arm="$a$" + "w" * 200)))
    assert to_png(plot_simulation(result)).startswith(b"\x89PNG")
    assert "(U+4E2D) $x_1$" in _said(plot_simulation(result))


def test_a_simulation_of_a_shipped_model_is_drawn_as_it_was_found(tmp_path: Path) -> None:
    file = tmp_path / "paclitaxel.toml"
    file.write_text(PACLITAXEL, encoding="utf-8")
    result = simulate(
        read_simulation(file), rng=np.random.default_rng(5), seed=5, engine="adaptive"
    )
    figure = plot_simulation(result)
    concentration, volume = _panels(figure)
    assert concentration.get_yscale() == "log"
    assert len(volume.collections) == 3
    for line, arm in zip(_lines(volume), result.arms, strict=True):
        assert line.get_ydata() == pytest.approx(arm.output("tumor_volume").median)
    ticks = [line for line in _lines(_strips(figure)[0]) if line.get_marker() == "|"]
    assert [tuple(np.asarray(line.get_xdata()).tolist()) for line in ticks] == [
        (0.0,),
        (0.0, 4.0, 8.0),
    ]
    found = result.arms[0].output("tumor_volume")
    counts = f"{len(found.assumed)} assumed, {len(found.scaled)} scaled of 12 numbers"
    assert counts in _said(figure)


def _resolved(blocks: tuple[str, ...]) -> tuple[Model, ResolvedParameters]:
    model = build_model([read_block(name) for name in blocks])
    sets = [read_parameter_set(name) for name in (*SETS, *OWN_SETS[blocks])]
    return model, resolve(model, sets, {})


def _signed(kind: str) -> str:
    return "inhibits" if kind in ("inhibits", "feedback") else kind


@pytest.mark.parametrize("blocks", [GROWTH, VESSELS])
def test_every_edge_of_the_model_is_drawn_once_and_nothing_else(blocks: tuple[str, ...]) -> None:
    model, resolved = _resolved(blocks)
    diagram = pathway_diagram(model, resolved)
    drawn = [(edge.source, edge.target, _signed(edge.kind)) for edge in diagram.edges]
    assert drawn == [(edge.source, edge.target, edge.sign) for edge in model.edges]
    ends = {name for edge in model.edges for name in (edge.source, edge.target)}
    assert sorted(node.id for node in diagram.nodes) == sorted(ends)
    root = ElementTree.fromstring(plot_pathway(model, resolved))
    ids = [group.get("id", "") for group in root.iter(f"{SVG}g")]
    heads = [found for found in ids if "-edge-" in found]
    assert heads == [f"model-pathway-edge-{n}" for n in range(1, len(model.edges) + 1)]
    assert sum("-node-" in found for found in ids) == len(ends)


@pytest.mark.parametrize("blocks", [GROWTH, VESSELS])
def test_no_drawn_edge_is_without_a_term(blocks: tuple[str, ...]) -> None:
    model, resolved = _resolved(blocks)
    assert pathway_rows(model, resolved)
    assert model.check_edges(resolved) == ()


@pytest.mark.parametrize("blocks", [GROWTH, VESSELS])
def test_nothing_in_the_pathway_stands_in_the_way(blocks: tuple[str, ...]) -> None:
    layout = lay_out(pathway_diagram(*_resolved(blocks)))
    assert find_overlaps(layout) == ()
    assert layout.width < 700


def test_names_of_the_pathway_are_written_as_people_write_them() -> None:
    model, resolved = _resolved(GROWTH)
    svg = plot_pathway(model, resolved)
    for words in ("mTORC1", "phospho-S6K", "cyclin D1", "VEGF", "phospho-AKT"):
        assert f">{words}</text>" in svg


def test_inhibition_that_closes_a_circle_is_a_feedback() -> None:
    model, _ = _resolved(GROWTH)
    kinds = {(edge.source, edge.target): edge.kind for edge in pathway_diagram(model).edges}
    assert [pair for pair, kind in kinds.items() if kind == "feedback"] == [("ps6k", "pakt")]
    assert kinds["mtorc1_inhibition", "ps6k"] == "inhibits"


def test_arrows_run_down_except_feedback() -> None:
    model, _ = _resolved(VESSELS)
    diagram = pathway_diagram(model)
    row = {node.id: node.row for node in diagram.nodes}
    for edge in diagram.edges:
        assert (row[edge.target] > row[edge.source]) == (edge.kind != "feedback")


def test_each_arrow_tells_the_equation_and_the_assumed_numbers_behind_it() -> None:
    model, resolved = _resolved(GROWTH)
    root = ElementTree.fromstring(plot_pathway(model, resolved))
    titles = {
        group.get("id", ""): group.findtext(f"{SVG}title", "") for group in root.iter(f"{SVG}g")
    }
    for row in pathway_rows(model, resolved):
        title = titles[f"model-pathway-edge-{row.number}"]
        assert title.startswith(f"{row.number}: {row.start}")
        assert row.equation in title
        tree = model.rates.get(row.target, model.definitions.get(row.target))
        assert row.equation.endswith(f"= {tree}")
        assert ("assumed:" in title) == bool(row.assumed)


def test_assumed_arrows_are_those_without_source_or_with_assumed_numbers() -> None:
    model, resolved = _resolved(GROWTH)
    by_pair = {(row.source, row.target): row for row in pathway_rows(model, resolved)}
    row = by_pair["ps6k", "pakt"]
    assert set(row.assumed) <= set(row.parameters)
    assert {"feedback", "pi3k"} <= set(row.assumed)
    assert "s6k_on" in row.scaled
    assert by_pair["mtorc1", "ps6k"].assumed == ()
    dashed = {
        (edge.source, edge.target): edge.assumed
        for edge in pathway_diagram(model, resolved).edges
        if edge.assumed is not None
    }
    assert dashed["cyclin_d1", "inhibition"] == "no source"
    assert dashed["hif", "vegf"] == "numbers vegf_turnover"
    assert ("mtorc1", "ps6k") not in dashed
    plain = [edge for edge in pathway_diagram(model).edges if edge.assumed is not None]
    assert [(edge.source, edge.target) for edge in plain] == [
        ("cyclin_d1", "inhibition"),
        ("inhibition", "growth_factor"),
    ]


def test_an_override_changes_which_arrows_are_assumed() -> None:
    model, _ = _resolved(GROWTH)
    sets = [read_parameter_set(name) for name in (*SETS, *OWN_SETS[GROWTH])]
    measured = ParameterValue(value=0.7, unit="1/day", status="assumed")
    resolved = resolve(model, sets, {"s6k_off": replace(measured, unit="1/min")})
    row = next(row for row in pathway_rows(model, resolved) if row.target == "ps6k")
    assert row.assumed == ("s6k_off",)


def test_the_id_keeps_two_pathways_on_a_page_apart() -> None:
    model, _ = _resolved(GROWTH)
    svg = plot_pathway(model, name="other")
    assert set(re.findall(r' id="([a-z-]+?)-(?:title|desc|node|edge)', svg)) == {"other"}


def test_the_same_model_gives_the_same_pathway() -> None:
    first, second = (plot_pathway(*_resolved(VESSELS)) for _ in range(2))
    assert first == second


def test_a_model_without_arrows_has_no_pathway() -> None:
    model = build_model([read_block("tumor"), read_block("exponential")])
    assert pathway_rows(model) == ()
    with pytest.raises(InputError, match="a model with arrows"):
        pathway_diagram(model)


def _chain(folder: Path, pairs: Sequence[tuple[str, str]]) -> Model:
    """A model of nothing but states and arrows."""
    lines = [
        'schema = "oncovivo.block/1"',
        'name = "chain"',
        'title = "A chain"',
        'source = "none"',
        'provides = "pathway"',
    ]
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        lines += [f"[states.{name}]", 'unit = "1"', 'meaning = "a state"']
        lines += ['initial = "1"', 'rate = "0"']
    for source, target in pairs:
        lines += ["[[edges]]", f'from = "{source}"', f'to = "{target}"', 'sign = "activates"']
    path = folder / "chain.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return build_model([read_block(path)])


def test_an_arrow_to_itself_is_refused(tmp_path: Path) -> None:
    model = _chain(tmp_path, [("a", "a")])
    with pytest.raises(InputError, match="an arrow between two names"):
        plot_pathway(model)


def test_what_is_too_long_or_too_wide_to_draw_is_refused(tmp_path: Path) -> None:
    steps = [(f"s{number}", f"s{number + 1}") for number in range(51)]
    with pytest.raises(InputError, match="a chain of at most 50 arrows, found 51"):
        pathway_diagram(_chain(tmp_path, steps))
    assert len(pathway_diagram(_chain(tmp_path, steps[:50])).edges) == 50
    with pytest.raises(InputError, match="fits a page"):
        pathway_diagram(_chain(tmp_path, [("hub", f"s{number}") for number in range(60)]))


def test_names_that_differ_only_in_capitals_are_two_boxes(tmp_path: Path) -> None:
    model = _chain(tmp_path, [("Raf", "raf"), ("raf", "mek_1"), ("Raf", "mek_1")])
    diagram = pathway_diagram(model)
    assert len({node.id for node in diagram.nodes}) == 3
    assert [node.label for node in diagram.nodes] == ["Raf", "raf", "mek 1"]
    assert find_overlaps(lay_out(diagram)) == ()


def test_a_circle_of_activation_is_drawn_with_one_arrow_up(tmp_path: Path) -> None:
    model = _chain(tmp_path, [("a", "b"), ("b", "c"), ("c", "a")])
    diagram = pathway_diagram(model)
    row = {node.id: node.row for node in diagram.nodes}
    up = [edge for edge in diagram.edges if row[edge.target] < row[edge.source]]
    assert [(edge.source, edge.target, edge.kind) for edge in up] == [("c", "a", "activates")]


def test_a_long_arrow_keeps_a_free_place_in_the_rows_between() -> None:
    names = ["a", "b", "c"]
    found = lay_in_layers(names, [("a", "b"), ("b", "c"), ("a", "c")])
    assert dict(found.row) == {"a": 0, "b": 1, "c": 2}
    assert found.column["b"] != (found.column["a"] + found.column["c"]) / 2


def test_of_a_circle_the_yielding_arrow_runs_upward() -> None:
    arrows = [("a", "b"), ("b", "c"), ("c", "a")]
    for yielding, rows in ((("a", "b"), "bca"), (("b", "c"), "cab"), (("c", "a"), "abc")):
        found = lay_in_layers(["a", "b", "c"], arrows, yielding=[yielding])
        assert "".join(sorted(found.row, key=found.row.__getitem__)) == rows


def test_a_start_stands_just_above_what_it_leads_to() -> None:
    found = lay_in_layers(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert found.row["late"] == 1


def test_rows_of_many_names_are_laid_out_apart() -> None:
    low = [f"low{number}" for number in range(9)]
    found = lay_in_layers(["top", *low], [("top", name) for name in low])
    assert found.count == 2
    assert len({found.column[name] for name in low}) == len(low)
