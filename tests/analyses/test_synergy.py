"""An analysis of synergy asks what its options say, of the arms, day, level and seed they name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncovivo.analyses.synergy_analysis import analyse_synergy, analyse_synergy_file
from oncovivo.analyses.synergy_files import synergy_figures, write_synergy_figures
from oncovivo.analyses.synergy_fit import fit_arms
from oncovivo.analyses.synergy_result import SynergyAnalysis, SynergyOptions
from oncovivo.combination import compare_nulls, index_band
from oncovivo.combination.bands import IndexBand
from oncovivo.combination.foreseen import ObservedExpected
from oncovivo.combination.nulls import NULLS
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.wording import answer_sentence
from oncovivo.errors import DataError, InputError
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.studies import Arm, Study, parse_regimen
from oncovivo.survival.events import parse_event

RATES = {"V": 0.11, "A": 0.08, "B": 0.07, "AB": 0.02}
THREE = {
    **{"V": 0.12, "A": 0.09, "B": 0.08, "C": 0.10},
    **{"AB": 0.02, "AC": 0.07, "BC": 0.10, "ABC": -0.01},
}
WOBBLE = (0.05, -0.04, 0.02, -0.05, 0.03, -0.01)
GROWTH = SynergyOptions(
    control="V", a="A", b="B", combination="AB", nulls=("bliss",), scales=("growth_rate",)
)
TRIPLE = replace(GROWTH, c="C", combination="ABC")
PAIRS = {"ab": "AB", "ac": "AC", "bc": "BC"}


def readings(rates: Mapping[str, float] = RATES, *, animals: int = 5) -> pd.DataFrame:
    """Exponential growth, each animal at its own rate, read with a wobble."""
    return pd.DataFrame(
        {
            "animal_id": f"{name}-{animal}",
            "treatment": name,
            "day": day,
            "volume_mm3": 150
            * math.exp(
                (rate + 0.006 * (animal - (animals - 1) / 2)) * day
                + WOBBLE[(place * (animal + 2) + len(name)) % 6]
            ),
        }
        for name, rate in rates.items()
        for animal in range(animals)
        for place, day in enumerate(range(0, 22, 3))
    )


def study_of(rates: Mapping[str, float] = RATES, *, animals: int = 5) -> Study:
    return Study.from_frame(readings(rates, animals=animals))


def analyse(
    options: SynergyOptions,
    study: Study | None = None,
    *,
    seed: int = 1,
    baseline_day: float | None = None,
) -> SynergyAnalysis:
    return analyse_synergy(
        study or study_of(), control="V", options=options, baseline_day=baseline_day, seed=seed
    )


def test_day_and_level_reach_every_answer() -> None:
    options = replace(GROWTH, day=15, level=0.8, nulls=("bliss", "hsa", "response_additivity"))
    options = replace(options, scales=("growth_rate", "auc"), bootstrap=200)
    found = analyse(options)
    assert found.level == 0.8
    robust = tuple(both.robust for both in found.sensitivity)
    own = (*((r.day, r.level) for r in found.results + robust),)
    own += tuple((area.day, area.level) for area in found.areas)
    assert set(own) == {(15, 0.8)}
    assert {band.level for band in found.bands} == {0.8}
    assert {seen.level for seen in found.observed} == {0.8}
    (one,), first = found.interactions, found.results[0]
    assert first.scale == "growth_rate"
    assert (one.lower, one.upper) == pytest.approx((first.lower, first.upper), rel=1e-9)
    (drawn,) = found.additivity
    assert (drawn.level, drawn.draws) == (0.8, 200)
    later = analyse(replace(options, day=21)).additivity[0]
    assert drawn.estimate != pytest.approx(later.estimate, rel=0.05)
    assert [band.null for band in found.bands] == ["bliss", "hsa", "response_additivity"]


def bending() -> Study:
    """Growth of the combination that starts again after day 9."""
    frame = readings()
    late = (frame["treatment"] == "AB") & (frame["day"] > 9)
    frame.loc[late, "volume_mm3"] *= np.exp(0.08 * (frame.loc[late, "day"] - 9))
    return Study.from_frame(frame)


def test_where_curves_bend_the_factorial_reading_is_up_to_the_day() -> None:
    bent = replace(GROWTH, model=GrowthModel(time=TimeShape(kind="piecewise", knots=(9.0,))))
    for day in (9.0, 21.0):
        found = analyse(replace(bent, day=day), bending())
        (one,) = found.interactions
        assert one.estimate == pytest.approx(found.results[0].estimate, rel=1e-9)


def test_the_answers_are_those_of_the_null_models_on_the_fit_of_the_arms_with_a_role() -> None:
    frame = readings({**RATES, "other": 0.3})
    study = Study.from_frame(frame[frame["animal_id"] != "B-2"])
    found = analyse(replace(GROWTH, nulls=()), study)
    assert found.arms is not None
    fit = fit_arms(study, found.arms.arms, GROWTH, None)
    assert set(fit.data.arms) == {"V", "A", "B", "AB"}
    assert found.results == compare_nulls(fit, found.arms, scales=("growth_rate",))
    for band, null in zip(found.bands, NULLS, strict=True):
        assert band == index_band(fit, found.arms, null=null)
    assert found.n_by_arm == {"V": 5, "A": 5, "B": 4, "AB": 5}
    assert found.n_observations == 152
    counted = {"V": 3, "A": 5, "B": 4, "AB": 7}
    assert "n = 3 to 7 animals per arm" in answer_sentence(found.results[0], counted)


def test_partners_and_pairs_keep_their_letters() -> None:
    found = analyse(replace(TRIPLE, pairs=PAIRS), study_of(THREE))
    told = found.to_dict()
    assert told["arms"] == {
        **{"control": "V", "a": "A", "b": "B", "c": "C"},
        **{"combination": "ABC", "ab": "AB", "ac": "AC", "bc": "BC"},
    }
    asked = {r.arms.combination: r.arms.partners for r in found.results}
    assert asked == {
        **{"ABC": ("A", "B", "C"), "AB": ("A", "B")},
        **{"AC": ("A", "C"), "BC": ("B", "C")},
    }
    assert [one.arms.combination for one in found.whole] == ["ABC"]
    assert [band.arms.combination for band in found.bands] == ["ABC", "AB", "AC", "BC"]
    rows = told["band"]
    assert isinstance(rows, list)
    assert {row["combination"] for row in rows} == {"ABC", "AB", "AC", "BC"}


def test_three_partners_need_all_pairs_for_a_factorial_reading() -> None:
    assert len(analyse(replace(TRIPLE, pairs=PAIRS), study_of(THREE)).interactions) == 4
    some = analyse(replace(TRIPLE, pairs={"ac": "AC"}), study_of(THREE))
    assert some.interactions == ()
    assert [one.arms.combination for one in some.results] == ["ABC", "AC"]


def test_each_draw_names_its_combination() -> None:
    options = replace(TRIPLE, pairs={"ac": "AC"}, bootstrap=200)
    options = replace(options, nulls=("response_additivity",), scales=("auc",))
    found = analyse(options, study_of(THREE))
    assert [name for name, _ in found.drawn] == ["ABC", "AC"]
    assert found.drawn[0][1] != found.drawn[1][1]
    told = found.to_dict()["additivity_draws"]
    assert isinstance(told, list)
    assert [row["combination"] for row in told] == ["ABC", "AC"]


def test_what_is_drawn_follows_the_seed() -> None:
    options = replace(GROWTH, nulls=("hsa", "response_additivity"), bootstrap=200)
    options = replace(options, scales=("median_survival", "auc"), event=parse_event("doubling"))
    study = study_of({**RATES, "AB": 0.05})
    first, again, other = (analyse(options, study, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.results[0] != other.results[0]
    assert first.results[1:] == other.results[1:]
    assert first.areas != other.areas
    assert first.additivity != other.additivity


def test_times_to_an_event_are_those_of_the_event_and_level_asked_about() -> None:
    options = replace(GROWTH, nulls=("bliss", "hsa"), scales=("hazard",), level=0.8)
    found = analyse(replace(options, event=parse_event("doubling")))
    assert found.event == "volume at least 2 times the baseline"
    assert [(r.null, r.level) for r in found.results] == [("bliss", 0.8), ("hsa", 0.8)]
    assert analyse(options).event == "volume at least 4 times the baseline"
    assert found.model is None
    assert found.n_by_arm == {"V": 5, "A": 5, "B": 5, "AB": 5}


def test_when_an_event_happened_is_as_asked() -> None:
    options = replace(GROWTH, scales=("median_survival",), event=parse_event("doubling"))
    options = replace(options, nulls=("hsa",))
    between, visits = (
        analyse(
            replace(options, event_time=when), study_of({**RATES, "AB": 0.04}, animals=5)
        ).results[0]
        for when in ("interpolated", "visit")
    )
    assert visits.foreseen is not None
    assert visits.foreseen % 3 == 0
    assert between.foreseen is not None
    assert visits.foreseen - 3 < between.foreseen < visits.foreseen


def test_the_main_scale_comes_first_with_its_animals() -> None:
    frame = readings()
    frame = frame[~((frame["animal_id"] == "A-0") & (frame["day"] == 0))]
    options = replace(GROWTH, event=parse_event("doubling"))
    study = Study.from_frame(frame)
    growth = analyse(replace(options, scales=("auc", "hazard")), study)
    assert [r.scale for r in growth.results] == ["auc", "hazard"]
    events = analyse(replace(options, scales=("median_survival", "auc", "hazard")), study)
    assert [r.scale for r in events.results] == ["median_survival", "hazard", "auc"]
    assert (growth.n_by_arm["A"], events.n_by_arm["A"]) == (5, 4)
    said = [w.message for w in growth.warnings if w.code == "data"]
    assert len(said) == 1
    assert "A-0" in said[0]
    assert "left out" in said[0]


def test_an_arm_without_known_times_leaves_the_answers_on_growth() -> None:
    frame = readings()
    study = Study.from_frame(frame[~((frame["treatment"] == "AB") & (frame["day"] == 0))])
    options = replace(GROWTH, scales=())
    found = analyse(options, study, baseline_day=0.0)
    assert {r.scale for r in found.results} == {"growth_rate", "relative_volume", "tgi", "auc"}
    (said,) = (w.message for w in found.warnings if w.code == "no_events")
    assert "'AB'" in said
    with pytest.raises(DataError, match="animals with a known time in arm 'AB'"):
        analyse(replace(options, scales=("hazard",)), study, baseline_day=0.0)


def test_a_level_that_events_do_not_have_leaves_the_answers_on_growth() -> None:
    found = analyse(replace(GROWTH, scales=(), level=0.5))
    assert {r.scale for r in found.results} == {"growth_rate", "relative_volume", "tgi", "auc"}
    assert "a level above 0.5" in " ".join(w.message for w in found.warnings)
    with pytest.raises(InputError, match=r"a level above 0\.5"):
        analyse(replace(GROWTH, scales=("auc", "hazard"), level=0.5))


def test_the_clock_starts_on_the_baseline_day() -> None:
    options = replace(GROWTH, scales=("auc", "median_survival"), event=parse_event("doubling"))
    early, late = (analyse(options, baseline_day=day) for day in (0.0, 6.0))
    assert (early.results[0].time, late.results[0].time) == (21, 15)
    assert early.results[1].foreseen != late.results[1].foreseen
    assert late.n_observations == 120


def test_readings_below_the_limit_are_censored_or_left_out() -> None:
    frame = readings()
    gone = (frame["treatment"] == "AB") & frame["animal_id"].isin(["AB-0", "AB-1"])
    frame.loc[gone & (frame["day"] > 15), "volume_mm3"] = 0.0
    study = Study.from_frame(frame)
    study = replace(study, limit_mm3=20.0, zeros="gone", table=study.measurements)
    kept, left = (
        analyse(replace(GROWTH, below_limit=how), study) for how in ("censored", "omitted")
    )
    assert kept.n_censored > 0
    assert left.n_censored == 0
    assert left.n_observations < kept.n_observations
    # CR2 needs residuals, which censored readings do not have.
    assert kept.sensitivity == ()
    assert len(left.sensitivity) == 1


def test_warnings_come_once_and_all() -> None:
    found = analyse(replace(GROWTH, nulls=(), scales=(), day=60), study_of({**RATES, "V": -0.05}))
    codes = [warning.code for warning in found.warnings]
    assert {"control_not_growing", "beyond_readings", "doses_not_stated", "no_events"} <= set(
        codes
    )
    assert len(set(found.warnings)) == len(found.warnings)


def regimens(texts: Mapping[str, str], study: Study | None = None) -> Study:
    study = study or study_of()
    arms = tuple(
        Arm(name=name, regimens=(tuple(parse_regimen(p) for p in text.split(" + "))))
        for name, text in texts.items()
    )
    return replace(study, arms=arms, table=study.measurements)


PLAIN = {
    "V": "vehicle po qd x21",
    "A": "drugA 10 mg/kg po qd x21",
    "B": "drugB 5 mg/kg ip qd x21",
    "AB": "drugA 10 mg/kg po qd x21 + drugB 5 mg/kg ip qd x21",
}
OTHER = {**PLAIN, "AB": "drugA 20 mg/kg po qd x21 + drugB 5 mg/kg ip qd x21"}


def test_doses_are_compared_where_they_are_stated() -> None:
    same = analyse(GROWTH, regimens(PLAIN))
    assert same.doses is not None
    assert same.doses.status == "equal"
    assert not {"doses_differ", "doses_not_stated"} & {w.code for w in same.warnings}
    with pytest.raises(DataError, match="drugA"):
        analyse(GROWTH, regimens(OTHER))
    taken = analyse(replace(GROWTH, doses="accept"), regimens(OTHER))
    assert "drugA (dose)" in next(w.message for w in taken.warnings if w.code == "doses_differ")
    assert analyse(GROWTH).doses is None


def test_arms_that_differ_in_order_only_are_compared_on_the_day() -> None:
    texts = {
        **PLAIN,
        "AB": "drugA 10 mg/kg po qd x5 + drugB 5 mg/kg ip qd x5 from day 7",
        "B": "drugA 10 mg/kg po qd x5 from day 7 + drugB 5 mg/kg ip qd x5",
    }
    options = replace(GROWTH, doses="accept", day=9.0, level=0.8)
    options = replace(options, model=GrowthModel(time=TimeShape(kind="piecewise", knots=(9.0,))))
    (found,) = analyse(options, regimens(texts, bending())).sequences
    assert found.day == 9
    assert found.level == 0.8


def test_a_file_is_asked_with_the_seed_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "growth.csv"
    readings().to_csv(path, index=False)
    given = analyse_synergy_file(path, options=replace(GROWTH, seed=5))
    own = analyse_synergy_file(path, options=GROWTH)
    assert given.seed == 5
    assert own.seed != 5
    assert own == analyse_synergy_file(path, options=GROWTH)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (replace(GROWTH, event=parse_event("doubling")), "a scale of events for --event"),
        (replace(GROWTH, event_time="visit"), "a scale of events for --event-time"),
        (replace(GROWTH, scales=("hazard",), day=5), "a scale of growth for --day"),
        (replace(GROWTH, scales=("hazard",), bootstrap=200), "a scale of growth for --bootstrap"),
        (replace(GROWTH, cause="tumor"), "a survival table for --cause"),
        (
            replace(GROWTH, scales=("hazard",), nulls=("bliss", "response_additivity")),
            "bliss or hsa for times to an event",
        ),
    ],
)
def test_an_option_without_use_is_refused(
    options: SynergyOptions, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "growth.csv"
    readings().to_csv(path, index=False)
    with pytest.raises(InputError, match=said):
        analyse_synergy_file(path, options=options)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Times of animals of four arms, some of whom died of something else."""
    lines = ["animal_id,treatment,time_days,cause,litter"]
    for arm, start in (("V", 10), ("A", 14), ("B", 15), ("AB", 40)):
        lines += [
            f"{arm}{i},{arm},{start + 2 * i + i * i / 7:.3f},{'other' if i == 3 else 'tumor'},{i}"
            for i in range(6)
        ]
    path = tmp_path / "times.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


EVENTS = replace(GROWTH, scales=("hazard",))


def test_a_survival_table_is_asked_for_its_cause(table: Path) -> None:
    (any_cause,) = analyse_synergy_file(table, options=EVENTS).analysed
    (one,) = analyse_synergy_file(table, options=replace(EVENTS, cause="tumor")).analysed
    assert "tumor" in one.event
    assert any_cause.event != one.event
    codes = {warning.code for warning in one.warnings}
    assert {"data", "competing_events"} <= codes
    assert one.n_by_arm == {"V": 6, "A": 6, "B": 6, "AB": 6}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (replace(EVENTS, model=GrowthModel(df="cr2")), "the options of a growth model"),
        (replace(EVENTS, below_limit="omitted"), "--below-limit"),
        (replace(EVENTS, doses="accept"), "--doses"),
        (replace(EVENTS, bootstrap=200), "--bootstrap"),
        (replace(EVENTS, nulls=("bliss", "response_additivity")), "bliss or hsa"),
        (replace(EVENTS, scales=("hazard", "auc")), "scales of events"),
    ],
)
def test_a_survival_table_has_no_growth(options: SynergyOptions, said: str, table: Path) -> None:
    with pytest.raises(InputError, match=said):
        analyse_synergy_file(table, options=options)


DOSES = {
    **{"V": 0.12, "x1": 0.11, "x2": 0.09, "y1": 0.10, "y2": 0.08},
    **{"x1 y1": 0.09, "x1 y2": 0.03, "x2 y1": 0.06, "x2 y2": 0.05},
}
GRID = SynergyOptions(control="V", a="x", b="y", grid=True, nulls=("bliss",), level=0.8, day=15)


def grid_study() -> Study:
    names = {
        name: " ".join(f"{c}_{name[name.index(c) + 1]}" if c in name else f"{c}_0" for c in "xy")
        for name in DOSES
        if name != "V"
    }
    return study_of({names.get(name, "x_0 y_0"): rate for name, rate in DOSES.items()})


def test_a_grid_is_asked_on_its_day_scale_and_level() -> None:
    study = grid_study()
    options = replace(GRID, scales=("relative_volume",))
    found = analyse_synergy(study, control="x_0 y_0", options=options, baseline_day=None, seed=1)
    (surface,) = found.surfaces
    assert (surface.null, surface.level, surface.day) == ("bliss", 0.8, 15)
    assert {cell.alone.scale for cell in surface.cells} == {"relative_volume"}
    assert [w.code for w in found.warnings].count("doses_from_labels") == 1
    assert len(found.results) == 4
    with pytest.raises(InputError, match="the arm of the grid without either compound"):
        analyse_synergy(study, control="x_1 y_0", options=GRID, baseline_day=None, seed=1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bootstrap": 200}, "--bootstrap"),
        ({"pairs": {"ab": "AB"}}, "--ab AB"),
        ({"event": parse_event("doubling")}, "--event"),
        ({"addition": "radiation"}, "--addition radiation"),
        ({"added": {"V": "A"}}, "--added"),
        ({"nulls": ("bliss", "response_additivity")}, "bliss or hsa"),
        ({"scales": ("growth_rate", "auc")}, "growth_rate or relative_volume"),
        ({"scales": ("growth_rate", "relative_volume")}, "growth_rate or relative_volume"),
    ],
)
def test_a_grid_leaves_no_option_unused(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        analyse_synergy(
            grid_study(),
            control="x_0 y_0",
            options=replace(GRID, **given),
            baseline_day=None,
            seed=1,
        )


ADDED = SynergyOptions(control="V", added={"V": "A", "B": "AB"}, day=15, level=0.8)


def test_an_addition_is_asked_on_its_day_and_level() -> None:
    study = study_of(animals=3)
    found = analyse(ADDED, study)
    assert found.addition is not None
    assert (found.addition.day, found.addition.level) == (15, 0.8)
    assert "small_arms" in {warning.code for warning in found.warnings}
    assert found.n_by_arm == {"V": 3, "A": 3, "B": 3, "AB": 3}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bootstrap": 200}, "--bootstrap"),
        ({"nulls": ("bliss",)}, "--null"),
        ({"scales": ("auc",)}, "--scale"),
        ({"c": "B"}, "--c B"),
        ({"pairs": {"bc": "AB"}}, "--bc AB"),
        ({"event_time": "visit"}, "--event-time visit"),
    ],
)
def test_an_addition_leaves_no_option_unused(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        analyse(replace(ADDED, **given))


def test_an_answer_that_is_only_a_bound_is_flagged() -> None:
    options = replace(GROWTH, scales=("median_survival",), nulls=("hsa",))
    found = analyse(
        replace(options, event=parse_event("doubling")), study_of({**RATES, "AB": 0.0})
    )
    told = found.to_dict()["results"]
    assert isinstance(told, list)
    (row,) = told
    assert (row["estimate"], row["verdict"], row["status"]) == (None, "synergy", "flagged")
    assert "not reached" in row["reason"]


def test_figures_show_the_answers_of_their_own_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, set[str], bool]] = []
    module = "oncovivo.analyses.synergy_files."

    def curves(
        found: ObservedExpected, *, results: Sequence[SynergyResult], simulated: bool
    ) -> str:
        own = {r.arms.combination for r in results}
        seen.append((found.arms.combination, own, simulated))
        return "curves"

    def band(
        found: IndexBand,
        *,
        detectable: Sequence[SynergyResult],
        n_animals: Mapping[str, int],
        simulated: bool,
    ) -> str:
        assert set(n_animals) == set(THREE) - {"AB", "BC"}
        own = {f"{r.null} {r.scale} {r.arms.combination}" for r in detectable}
        seen.append((f"{found.null} {found.arms.combination}", own, simulated))
        return "band"

    monkeypatch.setattr(module + "plot_observed_expected", curves)
    monkeypatch.setattr(module + "plot_index_band", band)
    monkeypatch.setattr(module + "plot_synergy_forest", lambda *_, **__: "forest")
    study = study_of(THREE)
    study = replace(study, simulated=True, table=study.measurements)
    options = replace(TRIPLE, pairs={"ac": "AC"}, nulls=("bliss", "hsa"))
    found = analyse(replace(options, scales=("relative_volume",)), study)
    assert list(synergy_figures(found)) == [
        *("curves", "curves-2", "band-bliss", "band-hsa", "forest")
    ]
    assert seen == [
        ("ABC", {"ABC"}, True),
        ("AC", {"AC"}, True),
        ("bliss ABC", {"bliss relative_volume ABC"}, True),
        ("hsa ABC", {"hsa relative_volume ABC"}, True),
    ]


def test_figures_of_several_studies_carry_their_numbers(tmp_path: Path) -> None:
    frame = readings()
    both = pd.concat(
        frame.assign(study=name, animal_id=frame["animal_id"] + name) for name in ("one", "two")
    )
    path = tmp_path / "two.csv"
    both.to_csv(path, index=False)
    found = analyse_synergy_file(path, options=GROWTH)
    written = write_synergy_figures(found, tmp_path / "f.svg")
    assert len(written) == 6
    assert len({figure.name for figure in written}) == 6
    assert {row["label"] for _, row in found.to_frame().iterrows()} == {"one", "two"}


def test_a_day_far_beyond_has_no_number_beyond_all_numbers() -> None:
    rates = {"V": 0.05, "A": 0.02, "B": 0.02, "AB": 0.2}
    options = replace(GROWTH, nulls=(), day=1e6, bootstrap=200)
    found = analyse(replace(options, scales=("relative_volume", "tgi", "auc")), study_of(rates))

    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            return [n for part in value.values() for n in numbers(part)]
        if isinstance(value, list):
            return [n for part in value for n in numbers(part)]
        return [value] if isinstance(value, float) else []

    assert all(math.isfinite(number) for number in numbers(found.to_dict()))
    ratio = next(r for r in found.results if r.null == "response_additivity")
    assert ratio.index is None
    assert "not above zero" in ratio.reason


def test_cages_change_no_hazard_until_they_are_asked_for() -> None:
    alone = study_of()
    caged = replace(
        alone,
        animals=tuple(replace(one, cage=f"c{n // 2}") for n, one in enumerate(alone.animals)),
        table=alone.measurements,
    )
    options = replace(GROWTH, scales=("hazard",), event=parse_event("doubling"))
    first, second = (analyse(options, study).results[0] for study in (alone, caged))
    assert first.p_value == second.p_value
    assert first.df_method == second.df_method
