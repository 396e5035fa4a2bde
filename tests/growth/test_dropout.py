"""Who left, and whether the conclusion about an arm hangs on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import growth_data
from oncovivo.growth.dropout import dropout_analysis
from oncovivo.growth.dropout_result import DropoutAnalysis
from oncovivo.growth.effects import growth_effects
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.studies import LeavingReason, Study, read_study

DAYS = (0, 4, 8, 12, 16, 20)


def made_up(
    rates: Mapping[str, float],
    *,
    n: int = 6,
    limit: float = float("inf"),
    left: Mapping[str, int] | None = None,
    reasons: Mapping[str, LeavingReason] | None = None,
    seed: int = 3,
) -> Study:
    """Exponential growth; animals leave at the limit or after a given day."""
    rows: list[dict[str, object]] = []
    for arm, rate in rates.items():
        # Each arm has numbers of its own, whatever the order of the arms.
        rng = np.random.default_rng([seed, round(abs(1000 * rate))])
        for number in range(n):
            name = f"{arm}{number}"
            own = rate + 0.015 * rng.standard_normal()
            sizes = 150 * np.exp(own * np.array(DAYS) + 0.1 * rng.standard_normal(len(DAYS)))
            for day, size in zip(DAYS, sizes, strict=True):
                if day > (left or {}).get(name, DAYS[-1]):
                    break
                rows.append({"animal_id": name, "treatment": arm, "day": day, "volume_mm3": size})
                if size >= limit:
                    break
    study = Study.from_frame(pd.DataFrame(rows), name="made up")
    known = reasons or {}
    animals = tuple(
        replace(animal, end_reason=known.get(animal.animal_id, "unknown"))
        for animal in study.animals
    )
    return replace(study, animals=animals, table=study.measurements)


def analyze(study: Study, model: GrowthModel | None = None, **options: float) -> DropoutAnalysis:
    fit = fit_growth(growth_data(study), model)
    return dropout_analysis(
        study, fit, "vehicle", day=options.get("day"), rng=np.random.default_rng(11)
    )


def by_hand(rows: Mapping[str, Sequence[float]]) -> Study:
    """Arms V and T from readings on days 0, 5, 10, as many as an animal has."""
    return Study.from_frame(
        pd.DataFrame(
            [
                {
                    "animal_id": name,
                    "treatment": "vehicle" if name[0] == "v" else "drug",
                    "day": 5 * place,
                    "volume_mm3": size,
                }
                for name, sizes in rows.items()
                for place, size in enumerate(sizes)
            ]
        ),
        name="by hand",
    )


HAND = {
    "v1": (100, 300, 900),
    "v2": (110, 600),
    "v3": (120, 250, 700),
    "t1": (100, 150, 250),
    "t2": (120, 190, 280),
    "t3": (110, 160, 310),
}


def test_survivors_and_carried_readings_are_those_of_a_hand_calculation() -> None:
    found = analyze(by_hand(HAND)).of("drug")
    treated = (150 + 160 + 200) / 3
    survivors, carried = found.figure("survivors_only"), found.figure("locf")
    assert survivors.estimate == pytest.approx(100 * (1 - treated / ((800 + 580) / 2)))
    assert carried.estimate == pytest.approx(100 * (1 - treated / ((800 + 490 + 580) / 3)))
    assert (survivors.n_treated, survivors.n_control) == (3, 2)
    assert (carried.n_treated, carried.n_control) == (3, 3)
    assert survivors.role == carried.role == "contrast for sensitivity only"


def test_the_models_figures_are_those_of_the_effects() -> None:
    study = by_hand(HAND)
    fit = fit_growth(growth_data(study))
    found = analyze(study).of("drug")
    numbers = fit.data.arm_number("drug"), fit.data.arm_number("vehicle")
    effects = {e.effect: e for e in growth_effects(fit, *numbers, time=10.0)}
    for way in ("arithmetic", "geometric"):
        figure, effect = (
            found.figure(f"model_{way}"),
            effects[f"tgi_delta_{way}_pct"],  # type: ignore[index]
        )
        assert (figure.estimate, figure.lower, figure.role) == (
            effect.estimate,
            effect.lower,
            "result",
        )


def test_worst_ranks_follow_the_day_of_leaving_and_the_change() -> None:
    # v2 left on day 5 and is worst; all treated changed less than all controls: U = 0 of 9.
    rank = analyze(by_hand(HAND)).of("drug").worst_rank
    assert (rank.superiority, rank.method) == (1.0, "exact")
    assert rank.p_value == pytest.approx(2 / 20)
    assert (rank.n_treated_left, rank.n_control_left) == (0, 1)


def test_leavers_are_told_with_day_reason_and_last_size() -> None:
    found = analyze(by_hand(HAND))
    vehicle = next(arm for arm in found.leaving if arm.arm == "vehicle")
    (leaver,) = vehicle.leavers
    assert (leaver.animal_id, leaver.day, leaver.reason, leaver.last_size) == (
        "v2",
        5.0,
        "unknown",
        600.0,
    )
    assert (vehicle.n_animals, vehicle.n_left, vehicle.reasons) == (3, 1, {"unknown": 1})
    assert vehicle.share_measured == vehicle.share_followed == pytest.approx(2 / 3)
    assert found.day == 10.0


def test_animals_that_left_as_planned_are_neither_ranked_nor_changed() -> None:
    study = made_up(
        {"vehicle": 0.1, "drug": 0.04},
        left={"drug1": 8, "drug2": 12},
        reasons={"drug1": "scheduled", "drug2": "technical"},
    )
    found = analyze(study).of("drug")
    assert [one.animal_id for one in found.not_ranked] == ["drug1", "drug2"]
    assert "scheduled" in found.not_ranked[0].reason
    assert found.worst_rank.n_treated == 4
    assert found.tipping.status == "nobody_left"


def test_nobody_left_is_said() -> None:
    found = analyze(made_up({"vehicle": 0.1, "drug": 0.05})).of("drug")
    assert found.verdict.status == "nobody_left"
    assert "Nobody left before day 20" in found.verdict.line
    assert found.figure("locf").estimate == found.figure("survivors_only").estimate
    assert (found.tipping.status, found.tipping.delta) == ("nobody_left", None)


def test_leaving_at_a_volume_limit_does_not_move_a_clear_effect() -> None:
    study = made_up({"vehicle": 0.13, "drug": 0.04}, n=8, limit=1200.0)
    found = analyze(study).of("drug")
    assert found.model.says == "slower"
    assert found.verdict.status == "holds"
    assert found.verdict.line.startswith("The conclusion ('slower') does not hang on who left:")
    assert found.tipping_control is not None
    assert found.tipping_control.status in ("ok", "not_reached")
    model, survivors = found.figure("model_arithmetic"), found.figure("survivors_only")
    assert model.estimate is not None
    assert survivors.estimate is not None
    assert survivors.estimate < model.estimate


def test_leavers_that_carry_the_effect_move_the_conclusion() -> None:
    # Most treated animals die early with small tumors: worst ranks turn against the drug.
    study = made_up(
        {"vehicle": 0.1, "drug": 0.05},
        n=8,
        left={f"drug{number}": 8 for number in range(7)},
        reasons={f"drug{number}": "toxicity" for number in range(7)},
    )
    found = analyze(study).of("drug")
    assert found.model.says == "slower"
    assert found.verdict.status == "moves"
    assert "worst ranks point the other way" in found.verdict.line
    assert found.verdict.against


def test_the_same_seed_gives_the_same_analysis() -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8, "drug4": 12})
    assert analyze(study).to_dict() == analyze(study).to_dict()


def test_the_order_of_the_arms_does_not_matter() -> None:
    rates = {"vehicle": 0.1, "drug": 0.05, "other": 0.07}
    left = {"drug1": 8, "drug4": 12, "vehicle2": 12, "other0": 4}
    first = analyze(made_up(rates, left=left))
    turned = analyze(made_up(dict(reversed(rates.items())), left=left))
    for arm in ("drug", "other"):
        one, two = first.of(arm), turned.of(arm)
        assert one.worst_rank == two.worst_rank
        assert one.verdict.line == two.verdict.line
        assert one.tipping.status == two.tipping.status
        assert one.tipping.delta == pytest.approx(two.tipping.delta, rel=1e-5)
        assert (one.tipping_control is None) == (two.tipping_control is None)


def with_column(study: Study, name: str, values: pd.Series) -> Study:
    """The readings under another name or unit; reasons for leaving are lost."""
    arms = {animal.animal_id: animal.arm for animal in study.animals}
    frame = study.measurements[["animal_id", "day"]].copy()
    frame["treatment"] = [arms[who] for who in frame["animal_id"]]
    frame[name] = values
    made = Study.from_frame(frame, name="another unit")
    return replace(made, animals=study.animals, table=made.measurements)


def test_areas_have_no_volumes_to_average_but_ranks_and_a_tipping_point() -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8, "vehicle2": 12})
    areas = with_column(study, "area_mm2", study.measurements["volume_mm3"] / 10)
    found = analyze(areas).of("drug")
    assert {figure.status for figure in found.figures} == {"not_estimable"}
    assert "areas only" in found.figures[0].reason
    assert found.tipping.status == "ok"
    assert found.worst_rank.p_value is not None


def test_without_ranks_contrasts_and_tipping_point_nothing_is_assessed() -> None:
    ends: dict[str, LeavingReason] = {f"drug{number}": "scheduled" for number in range(6)}
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left=dict.fromkeys(ends, 12), reasons=ends)
    areas = with_column(study, "area_mm2", study.measurements["volume_mm3"] / 10)
    found = analyze(areas).of("drug")
    assert (found.worst_rank.method, found.tipping.status) == ("none", "nobody_left")
    assert found.verdict.status == "not_assessed"
    assert found.verdict.line.startswith("Not assessed:")


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (GrowthModel(time=TimeShape(kind="piecewise", knots=(10.0,))), "piecewise"),
        (GrowthModel(df="cr2"), "cluster-robust"),
        (GrowthModel(residual="car1"), "car1"),
        (GrowthModel(likelihood="ML"), "REML"),
    ],
)
def test_a_model_without_tipping_point_says_why(model: GrowthModel, word: str) -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8})
    found = analyze(study, model).of("drug")
    assert (found.tipping.status, found.tipping.delta) == ("not_available", None)
    assert word in found.tipping.reason
    assert found.verdict.status in ("holds", "moves")


def test_the_analysis_is_ready_for_json_and_a_table() -> None:
    found = analyze(made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8}))
    text = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert text["arms"][0]["verdict"]["line"] == found.of("drug").verdict.line
    assert text["leaving"][1]["leavers"][0]["animal_id"] == "drug1"
    frame = found.to_frame()
    assert frame["way"].tolist() == [
        "model_rate_difference",
        "model_arithmetic",
        "model_geometric",
        "survivors_only",
        "locf",
        "worst_rank",
        "rank_at_random",
        "tipping_point_arm",
    ]
    assert frame["estimate"].iloc[0] == found.of("drug").model.estimate


def test_wrong_questions_are_refused() -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05})
    fit = fit_growth(growth_data(study))
    rng = np.random.default_rng(1)
    another = replace(study, study_id="another", table=study.measurements)
    with pytest.raises(InputError, match="an arm with readings"):
        dropout_analysis(study, fit, "placebo", rng=rng)
    with pytest.raises(InputError, match="a day after the baseline"):
        dropout_analysis(study, fit, "vehicle", day=0.0, rng=rng)
    with pytest.raises(InputError, match="a level"):
        dropout_analysis(study, fit, "vehicle", level=95, rng=rng)
    with pytest.raises(InputError, match="20 imputations"):
        dropout_analysis(study, fit, "vehicle", draws=5, rng=rng)
    with pytest.raises(InputError, match="the fit of study"):
        dropout_analysis(another, fit, "vehicle", rng=rng)
    with pytest.raises(InputError, match="an arm beside the control"):
        analyze(study).of("vehicle")
    with pytest.raises(InputError, match="a way"):
        analyze(study).of("drug").figure("median")


def test_leavers_at_random_are_ranked_by_their_own_lines() -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8, "drug4": 12})
    fit = fit_growth(growth_data(study))
    found = analyze(study).of("drug")
    names = fit.data.animal_ids
    slope = {
        name: fit.coefficients[fit.terms.time_of[fit.data.arm[row]][0]] + effect
        for row, (name, effect) in enumerate(zip(names, fit.random_effects[:, 1], strict=True))
    }
    size = dict(
        zip(zip(fit.data.animal, fit.data.time, strict=True), fit.data.log_size, strict=True)
    )
    change = {
        name: size[row, 20.0] - size[row, 0.0] if (row, 20.0) in size else 20 * slope[name]
        for row, name in enumerate(names)
    }
    pairs = [change[f"drug{i}"] < change[f"vehicle{j}"] for i in range(6) for j in range(6)]
    assert found.rank_at_random.superiority == pytest.approx(np.mean(pairs))
    assert found.rank_at_random.n_treated_left == 0
    assert found.worst_rank.n_treated_left == 2


def test_a_test_that_rejects_neither_way_does_not_move_the_conclusion() -> None:
    # Two arms of three cannot give a rank p below 0.1.
    study = made_up({"vehicle": 0.14, "drug": 0.03}, n=3, left={"vehicle2": 16})
    found = analyze(study).of("drug")
    assert found.model.says == "slower"
    assert found.verdict.status == "holds"
    assert "ranks of so few animals cannot reject (p at least 0.1)" in found.verdict.line


def test_early_deaths_under_a_drug_without_effect_on_growth_move_the_conclusion() -> None:
    left = {f"drug{number}": 8 for number in range(6)}
    found = analyze(made_up({"vehicle": 0.09, "drug": 0.091}, left=left)).of("drug")
    assert found.model.says == "no difference shown"
    assert found.tipping.status == "no_difference"
    assert found.verdict.status == "moves"
    assert "the worst-rank test shows a difference (p = 0.0022" in found.verdict.line


def test_survivors_count_when_they_show_the_contrary_and_not_for_less_power() -> None:
    study = made_up({"vehicle": 0.14, "drug": 0.05}, n=8, limit=800.0)
    found = analyze(study).of("drug")
    assert found.verdict.status == "holds"
    assert "inhibition alone does not show it" in found.verdict.line
    # The control's large tumors leave at once; those that stay hardly grow.
    rows = {
        **{f"v{i}": (100 + i, 1000 + 40 * i, 8000 + 900 * i) for i in range(2)},
        **{f"v{i}": (100 + i, 1000 + 50 * i) for i in range(2, 7)},
        **{f"t{i}": (100 + i, 240 + 15 * i, 560 + 60 * i) for i in range(6)},
    }
    small = {f"v{i}": (100 + i, 110 + i, 125 + i) for i in range(7, 11)}
    large = {name: sizes[:2] for name, sizes in rows.items() if name[0] == "v"}
    turned = analyze(by_hand({**rows, **large, **small})).of("drug")
    survivors = turned.figure("survivors_only")
    assert survivors.estimate is not None
    assert survivors.estimate < 0
    assert survivors.excludes_zero()
    assert turned.verdict.status == "moves"
    assert any("survivors only give" in text for text in turned.verdict.against)


def test_an_arm_that_grows_faster_cannot_tip() -> None:
    found = analyze(made_up({"vehicle": 0.05, "drug": 0.12}, left={"drug2": 12})).of("drug")
    assert found.model.says == "faster"
    assert found.tipping.status == "wrong_direction"
    assert found.verdict.status == "holds"


@pytest.mark.parametrize(
    "model",
    [
        GrowthModel(baseline="ratio"),
        GrowthModel(covariates=("log_baseline",)),
        GrowthModel(df="satterthwaite", random="slope"),
    ],
)
def test_other_models_with_a_single_rate_have_a_tipping_point(model: GrowthModel) -> None:
    study = made_up({"vehicle": 0.1, "drug": 0.05}, left={"drug1": 8, "drug3": 12})
    found = analyze(study, model).of("drug")
    assert found.tipping.status == "ok"
    start = found.tipping.at_random
    assert start is not None
    assert found.model.estimate is not None
    assert start.estimate == pytest.approx(found.model.estimate, abs=4 * start.monte_carlo_error)


def test_a_censored_fit_has_everything_but_a_tipping_point() -> None:
    study = made_up({"vehicle": 0.1, "drug": -0.08}, left={"vehicle1": 12})
    volumes = study.measurements["volume_mm3"]
    censored = with_column(study, "volume_mm3", volumes.astype(str).mask(volumes < 40, "<40"))
    fit = fit_censored(growth_data(censored))
    found = dropout_analysis(censored, fit, "vehicle", rng=np.random.default_rng(2)).of("drug")
    assert fit.n_censored > 0
    assert found.tipping_control is not None
    assert found.tipping.status == found.tipping_control.status == "not_available"
    assert "censored" in found.tipping.reason
    assert found.figure("model_geometric").estimate is not None
    assert found.worst_rank.superiority == 1.0
    assert found.verdict.status == "holds"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "control"), [("iowa_melanoma_a375", "control"), ("genentech_vismodegib", "dose_0.0")]
)
def test_real_studies_get_a_verdict_for_every_arm(
    shared_data: Callable[[str], Path], name: str, control: str
) -> None:
    study = read_study(shared_data(name) / "growth.csv")[0]
    found = dropout_analysis(
        study, fit_growth(growth_data(study)), control, rng=np.random.default_rng(1)
    )
    assert len(found.arms) == len(study.arms) - 1
    for arm in found.arms:
        assert arm.verdict.status in ("holds", "nobody_left")
        start = arm.tipping.at_random
        if arm.tipping_control is not None and arm.tipping_control.at_random is not None:
            start = arm.tipping_control.at_random
        if start is not None:
            assert arm.model.estimate is not None
            assert start.estimate == pytest.approx(
                arm.model.estimate, abs=5 * start.monte_carlo_error
            )
