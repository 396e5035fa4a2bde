"""Growth plots: what must be in the picture, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from oncovivo.endpoints import VolumeByDay, plot_growth, plot_growth_panels, volume_by_day
from oncovivo.figures.theme import SIMULATED_MARK, new_figure, series_style, to_png, to_svg
from oncovivo.studies import read_study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

SHIPPED = (
    Path(__file__).resolve().parents[2]
    / "examples"
    / "temsirolimus"
    / "studies"
    / "four_arm_simulated"
)


@pytest.fixture(scope="module")
def shipped() -> VolumeByDay:
    """The shipped simulated study."""
    (study,) = read_study(SHIPPED)
    return volume_by_day(study, control="vehicle")


@pytest.fixture
def cured(tmp_path: Path) -> VolumeByDay:
    """Two arms, one of which loses its tumors and then most of its animals."""
    path = tmp_path / "cured.csv"
    path.write_text(
        "animal_id,treatment,day,volume_mm3\n"
        "a,control,0,100\na,control,4,200\na,control,7,400\n"
        "b,drug,0,100\nb,drug,4,0\nb,drug,7,<14\n"
        "c,drug,0,100\nd,drug,0,90\n",
        encoding="utf-8",
    )
    (study,) = read_study(path)
    return volume_by_day(study, control="control")


def figure_of(ax: Axes) -> Figure:
    """The figure of an axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def points(line: Line2D) -> list[list[float]]:
    """Days and volumes of a line."""
    return [np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()]


def words(figure: Figure) -> list[str]:
    """Every text that a figure shows."""
    found = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        found += [text.get_text() for text in ax.texts]
        found += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
    return [text for text in found if text]


def test_animals_means_n_and_units_are_shown(shipped: VolumeByDay) -> None:
    ax = plot_growth(shipped)
    thin = [line for line in ax.lines if line.get_linewidth() == 0.6]
    assert len(thin) == len(shipped.curves) == 32
    shown = words(figure_of(ax))
    assert "volume (mm³)" in shown
    assert "time (day)" in shown
    assert "vehicle (n = 8)" in shown
    assert any("arithmetic mean ± SEM" in text for text in shown)


def test_the_strip_counts_who_is_still_followed(shipped: VolumeByDay) -> None:
    counts = [text for text in words(figure_of(plot_growth(shipped))) if text.isdigit()]
    days = sorted({row.day for row in shipped.rows})
    assert counts == [str(shipped.n_at_risk(arm, day)) for arm in shipped.arms for day in days]
    assert shipped.n_at_risk("vehicle", 28) < 4 < shipped.n_at_risk("vehicle", 0)


def test_simulated_data_are_marked_in_every_kind_of_figure(shipped: VolumeByDay) -> None:
    for figure in (figure_of(plot_growth(shipped)), plot_growth_panels(shipped)):
        assert words(figure).count(SIMULATED_MARK) == 2


def test_data_that_are_not_simulated_carry_no_mark(cured: VolumeByDay) -> None:
    for figure in (figure_of(plot_growth(cured)), plot_growth_panels(cured)):
        assert SIMULATED_MARK not in words(figure)


def test_a_mean_of_fewer_than_half_is_drawn_hollow(cured: VolumeByDay) -> None:
    ax = plot_growth(cured)
    drawn = [
        line
        for line in ax.lines
        if line.get_marker() == series_style(0).marker and line.get_transform() == ax.transData
    ]
    fills = {str(line.get_markerfacecolor()): points(line)[0] for line in drawn}
    assert fills == {series_style(0).color: [0.0], "white": [4.0, 7.0]}
    assert any("hollow: fewer than half remain" in text for text in words(figure_of(ax)))


def test_a_vanished_tumor_is_a_triangle_at_the_edge_of_a_log_axis(cured: VolumeByDay) -> None:
    ax = plot_growth(cured)
    bottom = ax.get_ylim()[0]
    (small,) = [points(line) for line in ax.lines if line.get_marker() == "v" and points(line)[0]]
    assert small == [[4.0, 7.0], [bottom, 14.0]]


def test_the_scale_is_log_by_default_and_an_option(cured: VolumeByDay) -> None:
    assert plot_growth(cured).get_yscale() == "log"
    ax = plot_growth(cured, scale="linear")
    assert (ax.get_yscale(), ax.get_ylim()[0]) == ("linear", 0.0)


def test_a_given_axes_is_drawn_on(cured: VolumeByDay) -> None:
    ax = new_figure().add_axes((0.2, 0.4, 0.7, 0.5))
    assert plot_growth(cured, ax=ax) is ax


def test_each_arm_has_a_panel_with_the_control_in_grey(shipped: VolumeByDay) -> None:
    figure = plot_growth_panels(shipped)
    assert [ax.get_title(loc="left") for ax in figure.axes] == list(shipped.arms)
    assert any("grey: vehicle" in text for text in words(figure))


def test_no_two_arms_differ_by_color_alone() -> None:
    styles = [series_style(index) for index in range(8)] + [series_style(0, is_control=True)]
    assert len({style.marker for style in styles}) == len(styles)
    assert len({(s.color, s.line, s.marker) for s in map(series_style, range(24))}) == 24


def test_an_inline_svg_has_a_title_no_prolog_no_date_and_the_same_bytes(
    shipped: VolumeByDay,
) -> None:
    title = "Growth <of> four arms"
    first = to_svg(figure_of(plot_growth(shipped)), title=title)
    assert to_svg(figure_of(plot_growth(shipped)), title=title) == first
    assert first.startswith("<svg ")
    assert "<metadata" not in first
    assert "<!DOCTYPE" not in first
    root = ElementTree.fromstring(first)
    assert (root.get("role"), root.get("aria-label")) == ("img", title)
    assert to_png(plot_growth_panels(shipped)) == to_png(plot_growth_panels(shipped))


def test_drawing_neither_reads_nor_changes_the_user_s_settings(shipped: VolumeByDay) -> None:
    import matplotlib as mpl

    expected = to_svg(figure_of(plot_growth(shipped)), title="x")
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 30.0, "svg.hashsalt": "other"}):
        before = dict(mpl.rcParams)
        assert to_svg(figure_of(plot_growth(shipped)), title="x") == expected
        assert dict(mpl.rcParams) == before
