"""Against the peers' own numbers, where their definitions are ours; tolerances are theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from oncovivo.endpoints.arms import ArmCurves, arm_curves
from oncovivo.endpoints.auc import area_growth_rates, trapezoid_areas
from oncovivo.endpoints.delay import Target, event_times
from oncovivo.endpoints.growth import animal_rates
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.relative import best_changes
from oncovivo.endpoints.t_over_c import t_over_c
from oncovivo.endpoints.tgi import tgi_delta, tgi_kulgap, tgi_rtv, tgi_volume
from oncovivo.studies import read_study

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

# Reference, file, control.
STUDIES = [
    ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv", "Control"),
    ("genentech_vismodegib", "genentech_vismodegib/growth.csv", "dose_0.0"),
    (
        "genentech_gdc0084_temozolomide",
        "genentech_gdc0084_temozolomide/growth.csv",
        "gdc0084_00_temo_00",
    ),
    ("invivosyn_combos.LS_1034", "invivosyn_combos/LS_1034.csv", "Vehicle"),
    ("invivosyn_combos.SW837", "invivosyn_combos/SW837.csv", "Vehicle"),
    ("iowa_melanoma_a375", "iowa_melanoma_a375/growth.csv", "control"),
]


def curves_of(path: Path, line: str | None = None) -> dict[str, ArmCurves]:
    """Arms of a file's study, from the first day of the file on."""
    chosen = [study for study in read_study(path) if line in (None, study.line.name)]
    study = chosen[0]
    return arm_curves(study, baseline_day=float(study.measurements["day"].min()))


def first_day(curves: dict[str, ArmCurves]) -> float:
    return min(float(arm.days()[0]) for arm in curves.values())


@pytest.mark.parametrize(("name", "file", "control"), STUDIES)
def test_group_means_and_tgi_by_day_agree(
    name: str,
    file: str,
    control: str,
    shared_data: ReadData,
    shared_reference: ReadReference,
    settings: IntervalSettings,
) -> None:
    curves = curves_of(shared_data(file))
    start = first_day(curves)
    rows = shared_reference(name)["sections"]["01_by_day"]["results"]
    compared = changes = 0
    for arm, t, tgi, delta in zip(
        rows["g"], rows["t"], rows["TGI_pct"], rows["dTGI_pct"], strict=True
    ):
        if arm == control or tgi is None:
            continue
        treated, vehicle = curves[arm], curves[control]
        ours = tgi_volume(treated, vehicle, settings, day=t + start).estimate
        assert ours == pytest.approx(tgi / 100, rel=1e-8)
        ratio = t_over_c(treated, vehicle, settings, day=t + start).estimate
        assert ratio == pytest.approx(1 - tgi / 100, rel=1e-8)
        compared += 1
        # The reference takes the baseline mean of all animals, ours that of those measured.
        whole = all(a.measured_at(t + start).all() for a in (treated, vehicle))
        based = not any(np.isnan(a.baseline).any() for a in (treated, vehicle))
        change = tgi_delta(treated, vehicle, settings, day=t + start).estimate
        if whole and based and delta is not None and change is not None:
            assert change == pytest.approx(delta / 100, rel=1e-8)
            changes += 1
    assert compared >= 8
    assert changes >= 2


@pytest.mark.parametrize(("name", "file", "control"), STUDIES)
def test_rates_areas_and_changes_of_each_animal_agree(
    name: str, file: str, control: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    curves = curves_of(shared_data(file))
    assert control in curves
    table = shared_reference(name)["sections"]["09_per_animal"]["results"]["table"]
    place = {animal: row for row, animal in enumerate(table["animal_id"])}
    counts = {"slope_log": 0, "auc": 0, "auc_log": 0, "min_change_pct": 0}
    for arm in curves.values():
        positive = arm.size > 0
        rates = animal_rates(arm)
        window = arm.window()
        areas = trapezoid_areas(arm.elapsed, arm.size, window)
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(arm.size)
        log_areas = trapezoid_areas(arm.elapsed, logs, window)
        changes, _ = best_changes(arm)
        for row, animal in enumerate(arm.animal_ids):
            if animal not in place or table["t_first"][place[animal]] != 0:
                continue
            theirs = {key: values[place[animal]] for key, values in table.items()}
            whole = bool(positive[row][window[row]].all())
            ours = {
                "slope_log": rates.rate[row],
                "slope_se": rates.std_error[row],
                "auc": areas[row],
                "auc_log": log_areas[row],
                "min_change_pct": changes[row],
            }
            if not whole:
                # Zeros have no logarithm; theirs leaves them out, ours counts the limit.
                del ours["slope_log"], ours["slope_se"], ours["auc_log"]
            for key, value in ours.items():
                if theirs[key] is not None and not np.isnan(value):
                    assert value == pytest.approx(theirs[key], rel=1e-8, abs=1e-12), key
                    counts[key] = counts.get(key, 0) + 1
    assert min(counts.values()) >= 0.5 * len(place)


@pytest.mark.parametrize(("name", "file", "control"), STUDIES)
@pytest.mark.parametrize("multiple", [2.0, 4.0])
def test_first_visits_at_or_above_a_multiple_agree(
    name: str,
    file: str,
    control: str,
    multiple: float,
    shared_data: ReadData,
    shared_reference: ReadReference,
) -> None:
    curves = curves_of(shared_data(file))
    assert control in curves
    section = shared_reference(name)["sections"][f"11_time_to_{multiple:g}x"]
    table = section["results"]["per_animal"]
    place = {animal: row for row, animal in enumerate(table["animal_id"])}
    compared = 0
    for arm in curves.values():
        times = event_times(arm, Target(kind="multiple", value=multiple))
        for row, animal in enumerate(arm.animal_ids):
            # Their clock and baseline start with the animal's own first reading.
            if animal not in place or not np.isfinite(times.lower[row]):
                continue
            event = table["event"][place[animal]]
            assert bool(times.reached[row]) == bool(event)
            visit = times.upper[row] if event else times.time[row]
            assert visit == pytest.approx(table["time"][place[animal]])
            assert times.lower[row] <= times.time[row] <= visit
            compared += 1
    assert compared >= 0.9 * len(place)


def test_areas_of_every_curve_of_the_encyclopedia_agree_with_xeva(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    import pandas as pd

    results = shared_reference("pdxe")["sections"]["51_xeva_all_curves"]["results"]["per_curve"]
    expected = dict(zip(results["animal_id"], results["auc"], strict=True))
    frame = pd.read_csv(
        shared_data("pdxe/growth.csv"), usecols=["animal_id", "day", "volume_mm3"]
    ).dropna()
    frame = frame[frame["animal_id"].isin(expected)]
    order = frame.groupby("animal_id", sort=False).cumcount()
    day = frame.assign(k=order).pivot(index="animal_id", columns="k", values="day")
    size = frame.assign(k=order).pivot(index="animal_id", columns="k", values="volume_mm3")
    days = day.to_numpy(dtype=float)
    rising = ~(np.diff(days, axis=1) < 0).any(axis=1)
    areas = trapezoid_areas(days, size.to_numpy(dtype=float), ~np.isnan(days))
    theirs = np.array([expected[name] for name in day.index], dtype=float)
    known = rising & ~np.isnan(areas) & ~np.isnan(theirs) & (theirs != 0)
    assert known.sum() > 3000
    # Xeva adds 1 to all volumes of a curve whose first is 0.
    usual = known & (size.to_numpy(dtype=float)[:, 0] > 0)
    assert areas[usual] == pytest.approx(theirs[usual], rel=1e-8)


def test_tgi_and_rates_from_areas_agree_with_invivosyn(
    shared_data: ReadData, shared_reference: ReadReference, settings: IntervalSettings
) -> None:
    for model in ("LS_1034", "SW837"):
        curves = curves_of(shared_data(f"invivosyn_combos/{model}.csv"))
        results = shared_reference(f"invivosyn_combos.{model}")["sections"]["60_invivosyn"][
            "results"
        ]
        day = results["sel_day"] + first_day(curves)
        for key, endpoint in (("TGI", tgi_delta), ("TGI_RTV", tgi_rtv)):
            table = results[key]
            for arm, percent in zip(table["Treatment"], table["TGI"], strict=True):
                ours = endpoint(curves[arm], curves["Vehicle"], settings, day=day).estimate
                assert ours == pytest.approx(percent / 100, rel=1e-8)
        # Their rate adds 1 to every volume; fed the same numbers, the kernel is the same.
        ours_all = np.sort(
            np.concatenate(
                [
                    area_growth_rates(arm.elapsed, np.log(arm.size + 1), arm.window())
                    for arm in curves.values()
                ]
            )
        )
        theirs = np.sort(results["growth_rate_per_mouse"]["AUC"])
        assert ours_all == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize(("line", "start", "end"), [("P58", 20.0, 37.0), ("P54", 55.0, 77.0)])
def test_tgi_on_the_kulgap_scale_agrees_with_pykulgap(
    line: str,
    start: float,
    end: float,
    shared_data: ReadData,
    shared_reference: ReadReference,
    settings: IntervalSettings,
) -> None:
    path = shared_data("kulgap_pdx/growth.csv")
    (study,) = [study for study in read_study(path) if study.line.name == line]
    curves = arm_curves(study, baseline_day=start)
    reference = shared_reference("kulgap_pdx")["sections"]["66_pykulgap"]["results"]
    expected = reference[line]["stats"][f"{line}*C1"]["tgi"]
    (treated,) = [arm for name, arm in curves.items() if name != "control"]
    ours = tgi_kulgap(treated, curves["control"], settings, day=end)
    assert ours.estimate == pytest.approx(expected, rel=1e-8)
