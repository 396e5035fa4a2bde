"""Pictures of times to events: what must be in them, and the same bytes each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.figures.theme import SIMULATED_MARK, to_svg
from oncovivo.studies import read_study
from oncovivo.survival.competing import CumulativeIncidence, cumulative_incidence
from oncovivo.survival.curves import SurvivalCurve, survival_curve
from oncovivo.survival.events import SurvivalData, growth_events, parse_event
from oncovivo.survival.hazard_plots import plot_hazard_ratios
from oncovivo.survival.hazard_ratios import HazardRow, hazard_ratios, hazard_rows
from oncovivo.survival.incidence_plots import plot_follow_up, plot_incidence
from oncovivo.survival.interval_plots import plot_interval_curves
from oncovivo.survival.plots import plot_survival
from oncovivo.survival.table import read_survival_table
from oncovivo.survival.turnbull import TurnbullCurve, turnbull

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAUSES = ("tumor_related", "toxicity", "found_dead", "a fight")
LONG = "a very long name of an arm that was given 10 mg/kg twice a week"
ARMS: dict[str, list[tuple[float, int]]] = {
    "vehicle": [(10, 1), (20, 1), (20, 1), (30, 1)],
    "flat": [(30, 0), (60, 0), (60, 0)],
    "one": [(17, 1)],
    LONG: [(10, 2), (12, 3), (15, 4), (50, 1), (55, 1), (60, 0)],
}


def made_up(
    arms: Mapping[str, Sequence[tuple[float, int]]],
    *,
    entry: Sequence[float] | None = None,
    bracket: float = 0.0,
) -> SurvivalData:
    """Animals by time and number of what happened; 1 is the event, 0 is censored."""
    rows = [(i, *row) for i, animals in enumerate(arms.values()) for row in animals]
    arm, time, cause = (np.array(column) for column in zip(*rows, strict=True))
    time = time.astype(np.float64)
    event = cause == 1
    return SurvivalData(
        study_id="made up",
        arms=tuple(arms),
        animal_ids=tuple(f"m{i}" for i in range(len(rows))),
        arm=arm,
        entry=np.zeros(time.size) if entry is None else np.array(entry, dtype=np.float64),
        time=time,
        lower=np.where(event, np.maximum(time - bracket, 0), time),
        upper=np.where(event, time + bracket, np.inf),
        event=event,
        cause=cause,
        causes=CAUSES,
        event_definition="death of the tumor",
        event_time="visit",
    )


def curves_of(data: SurvivalData) -> dict[str, SurvivalCurve]:
    curves = {}
    for place, arm in enumerate(data.arms):
        here = data.arm == place
        entry = data.entry[here] if data.entry.any() else None
        curves[arm] = survival_curve(data.time[here], data.event[here], entry=entry)
    return curves


def intervals_of(data: SurvivalData) -> dict[str, TurnbullCurve]:
    return {
        arm: turnbull(data.lower[data.arm == place], data.upper[data.arm == place])
        for place, arm in enumerate(data.arms)
    }


def incidence_of(data: SurvivalData) -> dict[str, CumulativeIncidence]:
    return {
        arm: cumulative_incidence(
            data.time[data.arm == place], data.cause[data.arm == place], causes=data.causes
        )
        for place, arm in enumerate(data.arms)
    }


def words(figure: Figure) -> list[str]:
    """Every text in a figure."""
    found = [text.get_text() for text in figure.texts]
    for legend in figure.legends:
        found += [text.get_text() for text in legend.get_texts()]
    for ax in figure.axes:
        found += [text.get_text() for text in ax.texts]
        found += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
        found += [label.get_text() for label in ax.get_yticklabels()]
    return found


def marks(ax: Axes, marker: str) -> list[tuple[float, float]]:
    """Places of the lone marks of a kind."""
    return [
        (float(x), float(y))
        for line in ax.lines
        if line.get_marker() == marker and line.get_linestyle() == "None"
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    ]


def row_of(ax: Axes, name: str) -> list[str]:
    """Numbers at the marks of the time axis in the row of an arm below the axes."""
    (y,) = [text.get_position()[1] for text in ax.texts if text.get_text().startswith(name)]
    cells = [
        text
        for text in ax.texts
        if text.get_position()[1] == pytest.approx(y)
        and text.get_horizontalalignment() == "center"
    ]
    assert [cell.get_position()[0] for cell in cells] == list(ax.get_xticks())
    return [cell.get_text() for cell in cells]


def test_curves_of_few_arms_share_axes_with_table_medians_and_reasons() -> None:
    data = made_up(ARMS)
    figure = plot_survival(curves_of(data), data, control="vehicle")
    (ax,) = figure.axes
    found = words(figure)
    assert "event: death of the tumor; time as recorded" in found
    assert "bands: 95 % limits of each time alone (beta product)" in found
    assert ax.get_xlabel() == "time (day)"
    assert ax.get_ylabel() == "share without event"
    assert list(ax.get_xticks()) == [0, 10, 20, 30, 40, 50, 60]
    assert row_of(ax, "vehicle (n = 4)") == ["4", "4", "3", "1", "0", "0", "0"]
    assert row_of(ax, "flat (n = 3)") == ["3", "3", "3", "3", "2", "2", "2"]
    # The median and its limits, or what is known of it.
    assert "20 (0, –)" in found
    assert "> 60 (0, –)" in found
    # Ticks are censored animals, other marks those that competed, each on its curve.
    assert marks(ax, "|") == [(30, 1), (60, 1), (60, pytest.approx(1 / 3))]
    assert marks(ax, "X") == [(10, 1)]
    assert marks(ax, "d") == [(12, 1)]
    assert marks(ax, "^") == [(15, 1)]
    assert {"censored", "competing: toxicity", "competing: found dead"} <= set(found)
    assert "competing: a fight" in found
    drops = [
        float(np.asarray(line.get_xdata())[0])
        for line in ax.lines
        if line.get_linestyle() == ":" and list(np.asarray(line.get_ydata())) == [0.5, 0.0]
    ]
    assert sorted(drops) == [17, 20, 55]


def test_what_does_not_occur_is_not_in_the_key() -> None:
    data = made_up({"a": [(10, 0), (20, 0)], "b": [(20, 0), (20, 1), (30, 0)]})
    figure = plot_survival(curves_of(data), data)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["censored"]


def test_names_beside_curves_do_not_touch_each_other_and_stay_in_the_figure() -> None:
    same = [(10.0, 1), (20.0, 1), (20.0, 1), (30.0, 1)]
    for arms in (ARMS, dict.fromkeys("ABCD", same), {"a": [(0.0, 0)], "b": [(0.0, 0)]}):
        data = made_up(arms)
        figure = plot_survival(curves_of(data), data)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        boxes = [
            text.get_window_extent()
            for text in ax.texts
            if text.get_text() and text.get_path_effects()
        ]
        assert len(boxes) == len(arms)
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
        assert all(box.x1 < figure.bbox.x1 and box.x0 > 0 for box in boxes)


def test_a_band_ends_where_there_are_no_limits() -> None:
    # log(-log) limits do not exist once the curve is at 0.
    data = made_up({"a": [(float(t), 1) for t in range(1, 13)], "b": [(5, 1), (9, 0)]})
    curves = curves_of(data)
    assert curves["a"].method == "loglog"
    assert np.isnan(curves["a"].lower[-1])
    (ax,) = plot_survival(curves, data).axes
    band = ax.collections[0].get_paths()[0].vertices
    assert np.isfinite(band).all()
    assert np.asarray(band)[:, 0].max() == 12


def test_many_arms_have_a_panel_each_with_the_control_in_grey() -> None:
    names = [f"temozolomide 50 mg/kg + second drug {dose} mg/kg" for dose in range(16)]
    data = made_up({name: [(20, 1), (40, 1), (60, 2), (70, 0)] for name in names})
    figure = plot_survival(curves_of(data), data, control=names[3])
    assert len(figure.axes) == 16
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in figure.axes]
    # What tells the arms apart stands at the end of their names.
    assert sorted(titles) == sorted(names)
    grey = [any(line.get_color() == "#767676" for line in ax.lines) for ax in figure.axes]
    assert grey.count(False) == 1
    assert titles[grey.index(False)] == names[3]
    numbers = [text.get_text() for text in figure.axes[0].texts]
    assert numbers[-4:] == ["4", "4", "3", "2"]
    assert numbers[0] == "n = 4; median 40 (0, –)"
    assert "numbers below the axes: at risk" in words(figure)


def test_late_entry_is_said_and_counted() -> None:
    data = made_up({"a": [(10, 1), (20, 1), (30, 1)]}, entry=[0, 5, 15])
    figure = plot_survival(curves_of(data), data)
    assert "animals came under observation late: numbers at risk rise first" in words(figure)
    (ax,) = figure.axes
    at = {float(tick): int(n) for tick, n in zip(ax.get_xticks(), row_of(ax, "a (n"), strict=True)}
    assert (at[0], at[10], at[20], at[30]) == (1, 2, 2, 1)
    early = made_up({"a": [(10, 1), (30, 1)]}, entry=[0, 15])
    said = words(plot_survival(curves_of(early), early))
    assert "0 before all animals had come under observation: a" in said


@pytest.mark.parametrize("draw", [plot_survival, plot_interval_curves])
def test_curves_of_other_animals_and_unknown_controls_are_refused(
    draw: Callable[..., Figure],
) -> None:
    data = made_up(ARMS)
    curves = curves_of(data) if draw is plot_survival else intervals_of(data)
    with pytest.raises(InputError, match="at least one arm to draw"):
        draw({}, data)
    with pytest.raises(InputError, match=r"control among the arms.*'saline'"):
        draw(curves, data, control="saline")
    with pytest.raises(InputError, match=r"a curve of the 1 animals of 'one', found one of 3"):
        draw({"one": curves["flat"]}, data)
    with pytest.raises(InputError, match=r"a curve of the 0 animals of 'other'"):
        draw({"other": curves["flat"]}, data)


def test_boxes_lie_where_the_data_do_not_say_how_the_curve_falls() -> None:
    from matplotlib.patches import Rectangle

    data = made_up({"a": [(10, 1), (24, 1), (40, 0)], "b": [(10, 1), (10, 1)]}, bracket=7.0)
    figure = plot_interval_curves(intervals_of(data), data, control="a")
    (ax,) = figure.axes
    boxes = {
        tuple(round(number, 6) for number in (*box.get_xy(), box.get_width(), box.get_height()))
        for box in ax.patches
        if isinstance(box, Rectangle)
    }
    third = round(1 / 3, 6)
    assert (3, round(2 / 3, 6), 14, third) in boxes
    assert (17, third, 14, third) in boxes
    assert (3, 0, 14, 1) in boxes
    # What lies beyond the last visit has no right side within the axes.
    (last,) = {box for box in boxes if box[0] == 40}
    assert last[0] + last[2] > ax.get_xlim()[1]
    found = words(figure)
    assert "17 to 31" in found
    assert "3 to 17" in found
    assert row_of(ax, "a (n = 3)")[:2] == ["3", "2"]


def test_exact_times_are_drops_and_a_curve_at_0_has_ended() -> None:
    data = made_up({"a": [(10, 1), (20, 1)]})
    figure = plot_interval_curves(intervals_of(data), data)
    (ax,) = figure.axes
    assert not ax.patches
    pieces = [
        list(zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True))
        for line in ax.lines
        if line.get_transform() == ax.transData
    ]
    assert pieces == [
        [(0, 1), (10, 1)],
        [(10, 0.5), (20, 0.5)],
        [(10, 1), (10, 0.5)],
        [(20, 0.5), (20, 0)],
    ]


def test_incidences_have_a_panel_for_each_arm_and_a_line_for_each_cause() -> None:
    data = made_up({arm: ARMS[arm] for arm in ("vehicle", LONG)})
    found = incidence_of(data)
    figure = plot_incidence(found, data, control="vehicle")
    assert [len(ax.lines) for ax in figure.axes] == [4, 4]
    assert figure.axes[0].get_title(loc="left") == "vehicle (control)"
    assert "n = 6; by cause: 2, 1, 1, 1" in words(figure)
    keys = [text.get_text() for text in figure.legends[0].get_texts()]
    assert keys == ["tumor related", "toxicity", "found dead", "a fight"]
    last = [float(np.asarray(line.get_ydata())[-1]) for line in figure.axes[1].lines]
    assert last == pytest.approx(found[LONG].incidence[-1])
    # Four bands would cover each other; of one there is the band.
    assert not figure.axes[1].collections
    single = cumulative_incidence([5, 7, 9], [1, 0, 1], causes=("tumor",))
    assert plot_incidence({"a": single}, data).axes[0].collections
    with pytest.raises(InputError, match=r"arm 'b': expected the same causes in every arm"):
        plot_incidence({"a": found["vehicle"], "b": single}, data)


def test_a_bar_for_each_animal_with_how_it_ended() -> None:
    data = made_up(ARMS, bracket=2.0)
    figure = plot_follow_up(data, control="vehicle")
    (ax,) = figure.axes
    ends = marks(ax, "o")
    assert sorted(x for x, _ in ends) == sorted(data.time[data.event].tolist())
    assert len(marks(ax, "|")) == 4
    assert [x for x, _ in marks(ax, "X")] == [10]
    assert len(ax.patches) == data.n + int(data.event.sum())
    # Longest first in each arm.
    longest = [y for x, y in marks(ax, "|") if x == 60]
    assert min(longest) == 4 + 0.9
    assert {"event", "censored", "event within", "competing: a fight"} <= set(words(figure))


def test_more_animals_than_bars_can_show_are_refused() -> None:
    data = made_up({"a": [(10, 1)] * 61})
    with pytest.raises(InputError, match=r"at most 60 animals for a bar each, found 61"):
        plot_follow_up(data)
    assert plot_follow_up(made_up({"a": [(10, 1)] * 60})).axes


def row_with(
    arm: str, ratio: float | None, lower: float | None, upper: float | None, **more: str
) -> HazardRow:
    return HazardRow(
        arm=arm,
        versus=more.get("versus", "control"),
        hazard_ratio=ratio,
        lower=lower,
        upper=upper,
        p_value=None if ratio is None else 0.0312,
        method=more.get("method", "cox"),
        reason=more.get("reason", ""),
    )


def test_a_forest_of_hazard_ratios_says_limits_models_and_why() -> None:
    rows = [
        row_with("a", 0.5, 0.2, 1.25),
        row_with("b", 0.01, None, 0.2, method="firth", reason="an arm has no events"),
        row_with("c", 2.0, 1e-9, 3.0, method="cox_robust"),
        row_with("d", None, None, None, reason="no animal had the event"),
    ]
    figure = plot_hazard_ratios(rows, study_id="made up", adjusted="Holm")
    (ax,) = figure.axes
    found = words(figure)
    assert ax.get_xscale() == "log"
    assert "made up: hazard over that of control" in found
    assert {"p (Holm)", "0.0312", "Cox", "Firth", "Cox, robust", "not estimable"} <= set(found)
    assert {"0.50 (0.20, 1.25)", "0.010 (–, 0.20)", "2.00 (< 0.001, 3.00)"} <= set(found)
    assert {"b: an arm has no events", "d: no animal had the event"} <= set(found)
    assert [(round(x, 12), y) for x, y in marks(ax, "D")] == [(0.5, 0), (0.01, 1), (2, 2)]
    # An open limit and one too far away end in an arrow at the end of the axis.
    edge = ax.get_xlim()[0]
    assert marks(ax, "<") == [(edge, 1), (edge, 2)]
    assert not marks(ax, ">")
    assert edge < 0.01 / 4 * 1.01
    with pytest.raises(InputError, match="at least one hazard ratio"):
        plot_hazard_ratios([], study_id="made up")


def test_a_forest_with_several_controls_names_them_in_its_rows() -> None:
    rows = [row_with("a", 0.5, 0.2, 1.25), row_with("b", 3.0, 1.2, None, versus="a")]
    figure = plot_hazard_ratios(rows, study_id="made up")
    assert {"a / control", "b / a", "made up: hazard over that of another arm"} <= set(
        words(figure)
    )
    (ax,) = figure.axes
    assert [y for _, y in marks(ax, ">")] == [1]


def test_rows_of_hazard_ratios_have_the_names_of_their_arms() -> None:
    data = made_up({"ctl": [(5, 1), (7, 1), (9, 1), (12, 0)], "drug": [(20, 0), (30, 0), (30, 0)]})
    found = hazard_ratios(data.time, data.event, data.arm, control=0)
    (row,) = hazard_rows(found, data.arms)
    assert (row.arm, row.versus, row.method) == ("drug", "ctl", "firth")
    assert (row.hazard_ratio, row.lower) == (found[0].hazard_ratio, found[0].lower)
    assert row.reason == found[0].reason


def all_pictures(*, simulated: bool) -> list[Figure]:
    data = made_up(ARMS, bracket=2.0)
    return [
        plot_survival(curves_of(data), data, control="vehicle", simulated=simulated),
        plot_interval_curves(intervals_of(data), data, control="vehicle", simulated=simulated),
        plot_incidence(incidence_of(data), data, simulated=simulated),
        plot_follow_up(data, simulated=simulated),
        plot_hazard_ratios(
            [row_with("a", 0.5, 0.2, 1.25)], study_id="made up", simulated=simulated
        ),
    ]


def test_pictures_are_the_same_bytes_each_time_and_well_formed() -> None:
    first = [to_svg(figure, title="times to events") for figure in all_pictures(simulated=False)]
    again = [to_svg(figure, title="times to events") for figure in all_pictures(simulated=False)]
    assert first == again
    for text in first:
        ElementTree.fromstring(text)
        assert not re.search(r"\bnan\b", text)


def test_simulated_data_are_marked_in_every_picture() -> None:
    assert all(SIMULATED_MARK in words(figure) for figure in all_pictures(simulated=True))
    assert not any(SIMULATED_MARK in words(figure) for figure in all_pictures(simulated=False))


@pytest.mark.realdata
def test_pictures_of_real_studies(shared_data: Callable[[str], Path]) -> None:
    (rats,) = read_survival_table(shared_data("survival_mantel_rats/survival.csv"))
    figure = plot_survival(curves_of(rats), rats, control="control")
    assert figure.axes[0].get_xlabel() == "time (week)"
    assert "event: event as recorded; time as recorded" in words(figure)
    with pytest.raises(InputError, match="at most 60 animals"):
        plot_follow_up(rats)
    (mice,) = read_survival_table(shared_data("survival_hoel_mice/survival.csv"))
    lymphoma = mice.of_cause("thymic lymphoma")
    found = words(plot_survival(curves_of(lymphoma), lymphoma, control="conventional"))
    assert {"competing: reticulum cell sarcoma", "competing: other"} <= set(found)
    assert "n = 82; by cause: 29, 15, 38" in words(plot_incidence(incidence_of(mice), mice))
    (study,) = read_study(shared_data("iowa_melanoma_a375/growth.csv"))
    data = growth_events(study, parse_event("quadrupling"), event_time="interval")
    found = words(plot_interval_curves(intervals_of(data), data, control="control"))
    assert "109 to 116" in found
    event = "event: volume at least 4 times the baseline; time known to the bracket between visits"
    assert event in found
    assert len(plot_follow_up(data).axes[0].patches) == data.n + int(data.event.sum())
