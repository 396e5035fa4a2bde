"""Nested cross-validated prediction: what is held out stays out, and errors are honest."""

from __future__ import annotations

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.biomarkers.association_result import LineResponse
from oncovivo.biomarkers.features import feature_table
from oncovivo.biomarkers.learners import (
    PredictionSettings,
    TrainingSet,
    between_line_variance,
    choices,
    learn,
    line_weights,
)
from oncovivo.biomarkers.nested_validation import (
    OutOfFold,
    deal_folds,
    permute_within_sizes,
    run_nested,
    skill,
)
from oncovivo.biomarkers.prediction import Prediction, predict_line_response
from oncovivo.biomarkers.prediction_plots import plot_feature_stability, plot_observed_predicted
from oncovivo.biomarkers.response_prediction import predict_response
from oncovivo.errors import DataError, InputError, MissingExtraError

FloatArray = NDArray[np.float64]
STORED = Path(__file__).parents[2] / "validation" / "markers" / "prediction.json"
# Coarse grids: what is tested here does not depend on the choice being fine.
QUICK = PredictionSettings(inner_folds=2, strengths=5, trees=30, inner_trees=5)
N, P = 24, 6


def _data(signal: float = 1.0, n: int = N, seed: int = 3) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, P))
    return signal * (x[:, 0] - x[:, 1]) + 0.3 * rng.normal(size=n), x


def _lines(n: int = N) -> list[str]:
    return [f"L{place:02d}" for place in range(n)]


FEATURES = [f"g{place}" for place in range(P)]


def _predict(y: FloatArray, x: FloatArray, **options: object) -> Prediction:
    given: dict[str, object] = {
        "lines": _lines(y.size),
        "features": [f"g{place}" for place in range(x.shape[1])],
        "settings": QUICK,
        "rng": np.random.default_rng(7),
        **options,
    }
    return predict_line_response(y, x, **given)  # type: ignore[arg-type]  # options of one call


def _said(found: Prediction) -> dict[str, float]:
    return {line.line: line.predicted for line in found.lines}


# ---------------------------------------------------------------- nothing leaks


@pytest.mark.parametrize("model", ["elastic_net", "forest"])
def test_a_lines_own_response_never_reaches_its_prediction(model: str) -> None:
    y, x = _data()
    folds = "leave_one_out" if model == "elastic_net" else 6
    first = _predict(y, x, model=model, outer=folds)
    changed = y.copy()
    changed[5] += 100.0
    again = _predict(changed, x, model=model, outer=folds)
    assert _said(again)["L05"] == _said(first)["L05"]
    # The others have seen it.
    assert _said(again)["L06"] != _said(first)["L06"]


def test_a_lines_own_standard_error_never_reaches_its_prediction() -> None:
    y, x = _data()
    errors = np.full(N, 0.3)
    first = _predict(y, x, std_error=errors)
    changed = errors.copy()
    changed[5] = 5.0
    again = _predict(y, x, std_error=changed)
    assert _said(again)["L05"] == _said(first)["L05"]
    assert _said(again)["L06"] != _said(first)["L06"]


def test_medians_and_scales_come_from_the_training_lines() -> None:
    y, x = _data()
    x[3, 2] = np.nan
    changed = x.copy()
    changed[5] = 1e6
    lines = TrainingSet(response=y, std_error=np.zeros(N), features=x, group=np.arange(N))
    moved = replace(lines, features=changed)
    fold = np.arange(N)
    first, again = (
        run_nested(
            part,
            fold,
            learner="elastic_net",
            settings=QUICK,
            rng=np.random.default_rng(1),
        )
        for part in (lines, moved)
    )
    assert again.chosen[5] == first.chosen[5]
    np.testing.assert_array_equal(again.importance[5], first.importance[5])
    assert (again.importance[6] != first.importance[6]).any()


def test_lines_of_a_group_are_predicted_without_each_other() -> None:
    y, x = _data()
    groups = [f"donor {place // 2}" for place in range(N)]
    first = _predict(y, x, groups=groups)
    changed = y.copy()
    changed[4] += 100.0
    again = _predict(changed, x, groups=groups)
    for name in ("L04", "L05"):
        assert _said(again)[name] == _said(first)[name]
    assert _said(again)["L06"] != _said(first)["L06"]
    assert first.n_groups == N // 2
    folds = {line.group: set() for line in first.lines}  # type: dict[str, set[int]]
    for line in first.lines:
        folds[line.group].add(line.fold)
    assert all(len(found) == 1 for found in folds.values())


def test_dealt_folds_keep_groups_whole_and_are_even() -> None:
    group = np.repeat(np.arange(11), 3)
    fold = deal_folds(group, 4, rng=np.random.default_rng(1))
    assert all(np.unique(fold[group == name]).size == 1 for name in range(11))
    groups_in = [np.unique(group[fold == number]).size for number in range(4)]
    assert sorted(groups_in) == [2, 3, 3, 3]


def test_permuted_responses_stay_with_their_group_and_size() -> None:
    group = np.array([0, 0, 1, 1, 2, 3, 4])
    seen = set()
    for seed in range(40):
        order = permute_within_sizes(group, rng=np.random.default_rng(seed))
        assert sorted(order.tolist()) == list(range(7))
        source = group[order]
        assert source[0] == source[1]
        assert source[2] == source[3]
        assert set(source[:4].tolist()) == {0, 1}
        seen.add(tuple(order.tolist()))
    # Pairs change places, and so do lines of a pair.
    assert {order[:4] for order in seen} >= {(0, 1, 2, 3), (2, 3, 0, 1), (1, 0, 2, 3)}


def test_inner_folds_are_held_out_as_well() -> None:
    y, x = _data(signal=0.0)
    lines = TrainingSet(response=y, std_error=np.zeros(N), features=x, group=np.arange(N))
    found = run_nested(
        lines,
        np.arange(N) % 4,
        learner="elastic_net",
        settings=QUICK,
        rng=np.random.default_rng(1),
    )
    # On the lines that it was fitted to, the weakest penalty always looks best.
    weakest = [
        choices(lines.take(np.arange(N) % 4 != number), "elastic_net", QUICK)[4]
        for number in range(4)
    ]
    assert all(chosen[1] > least[1] for chosen, least in zip(found.chosen, weakest, strict=True))


def test_a_permuted_response_keeps_its_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = _data()
    errors = np.random.default_rng(2).uniform(0.1, 1.0, N)
    seen: list[TrainingSet] = []

    def watch(lines: TrainingSet, fold: NDArray[np.intp], **options: object) -> OutOfFold:
        seen.append(lines)
        return run_nested(lines, fold, **options)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr("oncovivo.biomarkers.prediction.run_nested", watch)
    _predict(y, x, std_error=errors, outer=3, permutations=2)
    pairs = sorted(zip(y.tolist(), errors.tolist(), strict=True))
    assert len(seen) == 3
    for lines in seen:
        assert sorted(zip(lines.response.tolist(), lines.std_error.tolist(), strict=True)) == pairs
    assert (seen[1].response != y).any()


# ---------------------------------------------------------------- the numbers are right


def test_variance_between_lines_is_the_moment_estimator() -> None:
    y, se = np.array([0.1, 0.5, 0.9, -0.2]), np.array([0.1, 0.2, 0.3, 0.1])
    w = 1 / se**2
    q = float((w * (y - np.average(y, weights=w)) ** 2).sum())
    expected = (q - 3) / (w.sum() - (w**2).sum() / w.sum())
    assert between_line_variance(y, se) == pytest.approx(expected)
    # Responses closer than their errors: none left.
    assert between_line_variance(y / 100, se) == 0.0


def test_a_line_counts_by_its_error_and_the_variance_between_lines() -> None:
    y, se = np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.5, 1.0])
    lines = TrainingSet(response=y, std_error=se, features=np.zeros((3, 1)), group=np.arange(3))
    raw = 1 / (se**2 + between_line_variance(y, se))
    np.testing.assert_allclose(line_weights(lines), raw / raw.mean())
    alike = replace(lines, std_error=np.zeros(3))
    np.testing.assert_array_equal(line_weights(alike), np.ones(3))


def test_the_elastic_net_is_that_of_scikit_learn_with_weights() -> None:
    from sklearn.linear_model import ElasticNet

    y, x = _data()
    se = np.random.default_rng(2).uniform(0.1, 1.0, N)
    lines = TrainingSet(response=y, std_error=se, features=x, group=np.arange(N))
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    grid = [(0.5, 0.05), (1.0, 0.2), (0.5, 0.3)]
    said, slopes = learn(
        lines, grid, x[:4], learner="elastic_net", trees=1, rng=np.random.default_rng(1)
    )
    for place, (ratio, penalty) in enumerate(grid):
        model = ElasticNet(alpha=penalty, l1_ratio=ratio, tol=1e-10, max_iter=100_000)
        model.fit(scaled, y, sample_weight=line_weights(lines))
        # Both stop when a duality gap of 1e-4 of the response's square is reached.
        np.testing.assert_allclose(slopes[place], model.coef_, atol=2e-3)
        np.testing.assert_allclose(said[place], model.predict(scaled[:4]), atol=5e-3)


def test_the_strongest_penalty_leaves_no_feature_and_the_next_does() -> None:
    y, x = _data()
    lines = TrainingSet(response=y, std_error=np.zeros(N), features=x, group=np.arange(N))
    grid = choices(lines, "elastic_net", QUICK)
    assert len(grid) == 10
    _, slopes = learn(lines, grid, x, learner="elastic_net", trees=1, rng=np.random.default_rng(1))
    for ratio in (0.2, 1.0):
        rows = [place for place, choice in enumerate(grid) if choice[0] == ratio]
        assert np.abs(slopes[rows[0]]).max() == 0.0
        assert np.abs(slopes[rows[1]]).max() > 1e-3


def test_skill_is_counted_from_the_training_means() -> None:
    y = np.array([1.0, 2.0, 4.0])
    reference = np.array([3.0, 2.5, 1.5])
    weight = np.array([1.0, 2.0, 1.0])
    # (4 + 0.5 + 6.25) of the means; (0.25 + 0 + 1) of the predictions.
    found = skill(y, np.array([1.5, 2.0, 3.0]), reference, weight)
    assert found == pytest.approx(1 - 1.25 / 10.75)


def test_without_features_leave_one_out_says_the_mean_of_the_others() -> None:
    y, x = _data(signal=0.0)
    null = replace(QUICK, strengths=1)
    found = _predict(y, x, settings=null)
    for line, value in zip(found.lines, y.tolist(), strict=True):
        others = (y.sum() - value) / (N - 1)
        assert line.training_mean == pytest.approx(others)
        assert line.predicted == pytest.approx(others)
    # Taken as they are these predictions fall with the response by construction: rank
    # correlation -1. Counted from the training means nothing is left.
    assert np.corrcoef([line.predicted for line in found.lines], y)[0, 1] < -0.99
    assert found.spearman is None
    assert found.r2 == pytest.approx(0.0, abs=1e-9)
    assert found.rmse == pytest.approx(y.std() * N / (N - 1))
    assert "no_feature_chosen" in {remark.code for remark in found.remarks}


@pytest.mark.parametrize("model", ["elastic_net", "forest"])
def test_a_strong_signal_is_found_with_its_features(model: str) -> None:
    y, x = _data(signal=2.0, n=40)
    found = _predict(y, x, model=model, outer=5)
    # Noise is 0.09 of a variance of 8; a forest of few trees follows a plane less well.
    assert found.r2 > (0.9 if model == "elastic_net" else 0.3)
    assert found.spearman is not None
    assert found.spearman > 0.5
    assert {part.feature for part in found.features[:2]} <= {"g0", "g1"} or model == "forest"
    assert found.features[0].stability == 1.0
    if model == "elastic_net":
        signs = {part.feature: np.sign(part.importance) for part in found.features[:2]}
        assert signs == {"g0": 1.0, "g1": -1.0}
    else:
        # Shares of the gain.
        assert sum(part.importance for part in found.features) == pytest.approx(1.0)


def test_weights_change_what_is_fitted() -> None:
    y, x = _data()
    se = np.where(np.arange(N) < 4, 5.0, 0.1)
    y[:4] += 20.0
    plain = _predict(y, x, outer=4)
    weighted = _predict(y, x, outer=4, std_error=se * 10)
    assert abs(weighted.lines[10].training_mean) < abs(plain.lines[10].training_mean)
    assert weighted.lines[0].std_error == 50.0
    assert plain.lines[0].std_error is None


def test_binary_responses_have_auc_and_brier() -> None:
    y, x = _data(signal=2.0, n=40)
    found = _predict((y > 0).astype(float), x, response_kind="binary", outer=4, permutations=0)
    observed = np.array([line.observed for line in found.lines])
    said = np.array([line.predicted for line in found.lines])
    assert ((said >= 0) & (said <= 1)).all()
    assert found.brier == pytest.approx(float(np.mean((observed - said) ** 2)))
    beyond = said - np.array([line.training_mean for line in found.lines])
    pairs = np.sign(beyond[observed == 1][:, None] - beyond[observed == 0])
    assert found.auc == pytest.approx(float((pairs + 1).mean() / 2))
    assert found.auc is not None
    assert found.auc > 0.8


def test_auc_of_no_features_is_a_half_even_when_one_line_is_left_out() -> None:
    y, x = _data(n=20)
    null = replace(QUICK, strengths=1)
    found = _predict((y > 0).astype(float), x, response_kind="binary", settings=null)
    # The mean of the others is low for a 1: the AUC of the predictions as they are would be 0.
    assert found.auc == 0.5
    assert found.spearman is None
    assert found.r2 == pytest.approx(0.0, abs=1e-9)


# ---------------------------------------------------------------- permutations


def test_the_permutation_p_is_that_of_the_permuted_skills() -> None:
    y, x = _data(signal=0.2)
    found = _predict(y, x, outer=4, permutations=19)
    assert len(found.permuted_r2) == found.n_permutations == 19
    assert found.p_value is not None
    as_good = sum(value >= found.r2 for value in found.permuted_r2)
    assert found.p_value == (as_good + 1) / 20
    strong = _predict(*_data(signal=2.0), outer=4, permutations=19)
    assert strong.p_value == 1 / 20
    assert _predict(y, x, outer=4).p_value is None


def test_noise_predicts_nothing_on_average_and_p_is_not_small() -> None:
    r2, p_values = [], []
    for seed in range(12):
        y, x = _data(signal=0.0, seed=seed)
        found = _predict(y, x, outer=4, permutations=4, rng=np.random.default_rng(seed))
        r2.append(found.r2)
        p_values.append(found.p_value or 0.0)
    # 12 sets: the mean of R² has an error of 0.04; p is uniform on 0.2, …, 1 with mean 0.6 and
    # an error of 0.08.
    assert np.mean(r2) < 0.1
    assert abs(np.mean(p_values) - 0.6) < 0.25


def test_workers_seeds_and_the_order_of_input_do_not_change_a_result() -> None:
    y, x = _data()
    first = _predict(y, x, outer=4, permutations=6)
    with ThreadPoolExecutor(2) as executor:
        assert _predict(y, x, outer=4, permutations=6, executor=executor).to_dict() == (
            first.to_dict()
        )
    rows = np.random.default_rng(1).permutation(N)
    columns = np.random.default_rng(2).permutation(P)
    again = _predict(
        y[rows],
        x[np.ix_(rows, columns)],
        lines=[_lines()[row] for row in rows],
        features=[FEATURES[column] for column in columns],
        outer=4,
        permutations=6,
    )
    assert again.to_dict() == first.to_dict()
    other = _predict(y, x, outer=4, permutations=6, rng=np.random.default_rng(8))
    assert other.permuted_r2 != first.permuted_r2


# ---------------------------------------------------------------- refusals and remarks


def test_more_features_than_lines_need_shrinkage() -> None:
    rng = np.random.default_rng(1)
    y, x = rng.normal(size=12), rng.normal(size=(12, 50))
    with pytest.raises(InputError, match="plain least squares is not offered: 50 features of 12"):
        _predict(y, x, model="least_squares")
    assert len(_predict(y, x, outer=3).features) == 50
    with pytest.raises(InputError, match="'elastic_net' or 'forest'"):
        _predict(y, x, model="svm")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"weakest": 0.0}, "least squares"),
        ({"l1_ratios": (0.0,)}, "shares of the lasso"),
        ({"l1_ratios": ()}, "at least one value"),
        ({"inner_folds": 1}, "two inner folds"),
        ({"trees": 0}, "trees"),
        ({"feature_shares": (2.0,)}, "shares of the features"),
    ],
)
def test_settings_outside_their_domain_are_refused(change: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        replace(QUICK, **change)  # type: ignore[arg-type]  # wrong on purpose


def test_bad_input_is_one_clear_line() -> None:
    y, x = _data()
    with pytest.raises(InputError, match="each line once, found 'L00' twice"):
        _predict(y, x, lines=["L00", *_lines()[:-1]])
    with pytest.raises(InputError, match="each feature once, found 'g0' twice"):
        _predict(y, x, features=["g0", *FEATURES[:-1]])
    with pytest.raises(InputError, match="shape"):
        _predict(y, x[:5])
    with pytest.raises(InputError, match="2 to 24 outer folds"):
        _predict(y, x, outer=25)
    with pytest.raises(InputError, match="'leave_one_out' or a number"):
        _predict(y, x, outer="loo")
    with pytest.raises(InputError, match="0 permutations or more"):
        _predict(y, x, permutations=-1)
    with pytest.raises(InputError, match="responses of 0 and 1"):
        _predict(y, x, response_kind="binary")
    with pytest.raises(InputError, match="'continuous' or 'binary'"):
        _predict(y, x, response_kind="ordinal")
    with pytest.raises(InputError, match="positive standard error"):
        _predict(y, x, std_error=np.zeros(N))
    with pytest.raises(InputError, match="a group for each"):
        _predict(y, x, groups=["a"])
    with pytest.raises(InputError, match="finite"):
        _predict(np.full(N, np.nan), x)
    with pytest.raises(DataError, match="8 lines, or groups of lines"):
        _predict(y, x, groups=[f"d{place % 7}" for place in range(N)])
    with pytest.raises(DataError, match="responses that differ"):
        _predict(np.ones(N), x)
    with pytest.raises(DataError, match="a feature that differs"):
        _predict(y, np.ones((N, P)))
    ones = np.zeros(N)
    ones[:4] = 1.0
    with pytest.raises(DataError, match="5 lines of each class"):
        _predict(ones, x, response_kind="binary")
    with pytest.raises(InputError, match="no standard error of a binary"):
        _predict((y > 0).astype(float), x, response_kind="binary", std_error=np.ones(N))


def test_a_missing_scikit_learn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"oncovivo\[markers\]"):
        _predict(*_data())


def test_few_lines_gaps_and_constants_are_said() -> None:
    y, x = _data()
    x[0, 0] = np.nan
    x[:, 5] = 2.0
    found = _predict(y, x, outer=4)
    codes = {remark.code for remark in found.remarks}
    assert codes == {"few_lines", "no_permutations", "constant_features", "gaps_filled"}
    assert next(p for p in found.features if p.feature == "g5").importance == 0.0
    many = _predict(*_data(n=30), outer=3, permutations=1)
    assert {remark.code for remark in many.remarks} == set()


def test_a_table_of_features_is_joined_by_line_and_levels_become_columns() -> None:
    rng = np.random.default_rng(4)
    n = 30
    lines = _lines(n)
    gene = rng.normal(size=n)
    mutated = rng.integers(0, 2, n)
    subtype = rng.integers(0, 3, n)
    y = 1.5 * mutated + gene + 0.1 * rng.normal(size=n)
    table = feature_table(
        [*lines[1:], "other"],
        {
            "PIK3CA": [*("wild type" if not m else "x mutated" for m in mutated[1:]), "wild type"],
            "subtype": [*(f"s{s}" for s in subtype[1:]), "s0"],
            "pS6": [*gene[1:], 0.0],
        },
        measured={"pS6": "after_treatment"},
    )
    response = LineResponse(lines=tuple(lines), effect=y, outcome="treated")
    found = predict_response(
        response, table, outer=5, settings=QUICK, rng=np.random.default_rng(1)
    )
    assert {part.feature for part in found.features} == {
        "PIK3CA: x mutated",
        "subtype: s0",
        "subtype: s1",
        "subtype: s2",
        "pS6",
    }
    assert found.n_lines == n - 1
    assert found.r2 > 0.7
    assert found.status == "flagged"
    assert found.reason.startswith("measured after treatment began: pS6")
    assert {remark.code for remark in found.remarks} >= {
        "measured_after_treatment",
        "no_controls",
        "lines_not_used",
        "features_not_used",
    }
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["status"] == "flagged"


def test_donors_of_a_table_are_kept_together_and_nothing_in_common_is_refused() -> None:
    y, x = _data()
    table = feature_table(_lines(), {name: x[:, i] for i, name in enumerate(FEATURES)})
    response = LineResponse(lines=tuple(_lines()), effect=y)
    found = predict_response(
        response,
        table,
        groups={"L00": "donor", "L01": "donor"},
        settings=QUICK,
        rng=np.random.default_rng(1),
    )
    assert found.n_groups == N - 1
    assert found.lines[0].fold == found.lines[1].fold
    assert found.status == "ok"
    strangers = LineResponse(lines=("A", "B"), effect=np.array([0.0, 1.0]))
    with pytest.raises(DataError, match="lines with a response and features"):
        predict_response(strangers, table, rng=np.random.default_rng(1))
    with pytest.raises(DataError, match="a feature that can be used"):
        predict_response(response, table.select([]), rng=np.random.default_rng(1))


def test_the_sentence_does_not_praise_chance() -> None:
    y, x = _data(signal=0.0)
    found = _predict(y, x, outer=4, permutations=4)
    lucky = replace(found, r2=0.2, p_value=0.4)
    assert "no better than permuted responses" in lucky.sentence()
    assert "do not predict" in replace(found, r2=-0.1).sentence()
    assert "\N{MINUS SIGN}0.10" in replace(found, r2=-0.1).sentence()
    assert "20 % of the squared error" in replace(lucky, p_value=0.01).sentence()
    assert found.to_frame().shape == (N, 7)


# ---------------------------------------------------------------- pictures, stored validation


def test_the_pictures_name_lines_and_features() -> None:
    y, x = _data()
    found = _predict(y, x, outer=4, permutations=4, std_error=np.full(N, 0.2))
    ax = plot_observed_predicted(found, label="growth-rate effect (per day)")
    assert ax.get_xlabel() == "Predicted growth-rate effect (per day), line not seen"
    named = {text.get_text() for text in ax.texts}
    assert named
    assert named <= set(_lines())
    bars = plot_feature_stability(found, most=3)
    assert [tick.get_text() for tick in bars.get_yticklabels()] == [
        part.feature for part in found.features[:3]
    ]
    assert "3 more features" in bars.get_title(loc="left")


def test_stored_validation_is_honest_on_noise_and_shows_the_leak() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    rows = stored["rows"]
    kinds = [(row["kind"], row["model"]) for row in rows]
    assert len(rows) == 10
    assert kinds.count(("noise", "elastic_net")) == 3
    assert kinds.count(("noise", "forest")) == 1
    for row in rows:
        # Monte Carlo errors: three of them.
        reach = 3 * row["mc_error_r2"]
        if row["kind"] == "noise":
            assert row["mean_r2"] <= reach
            if "rejected_pct" in row:
                spread = 100 * np.sqrt(0.05 * 0.95 / row["sets"])
                assert abs(row["rejected_pct"] - 5) <= 3 * spread
                share = 100 * np.sqrt(0.25 * 0.75 / row["sets"])
                assert all(abs(part - 25) <= 3 * share for part in row["quarters_pct"])
        else:
            # A leak and a fit to its own lines look like a signal.
            assert row["mean_r2"] > reach
    leak = next(row for row in rows if row["kind"] == "leak" and row["n_features"] == 1000)
    assert leak["mean_r2"] > 0.4
