"""A marker in the growth model: level, prognostic, predictive and within-animal parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from oncovivo.biomarkers.marker_growth import fit_marker_growth
from oncovivo.biomarkers.timing import MarkerTiming
from oncovivo.errors import DataError, InputError
from oncovivo.growth import GrowthData, growth_data_from_arrays

FloatArray = NDArray[np.float64]
DAYS = np.array([0.0, 4.0, 8.0, 12.0])
N = 8
ARMS = ["vehicle"] * N + ["drug"] * N
IDS = [f"m{number:02d}" for number in range(2 * N)]


def _study(
    *,
    level: float = 0.2,
    control: float = -0.01,
    treated: float = 0.03,
    within: float = 0.0,
    scatter: float = 0.1,
    seed: int = 1,
) -> tuple[GrowthData, FloatArray, FloatArray]:
    """Growth data, a marker for each animal, and one for each reading, shape (16, 4)."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=2 * N)
    # Treatment lowers the marker: no part of any coefficient.
    own[N:] -= 3.0
    off = rng.normal(size=(2 * N, DAYS.size))
    # Free of the animal and of the arm's course.
    off -= off.mean(axis=1, keepdims=True)
    for arm in (slice(0, N), slice(N, None)):
        off[arm] -= off[arm].mean(axis=0)
    course = np.where(np.arange(2 * N)[:, None] < N, 0.0, -0.2 * DAYS)
    centered = own - np.repeat([own[:N].mean(), own[N:].mean()], N)
    slope = np.where(np.arange(2 * N) < N, 0.10 + control * centered, 0.05 + treated * centered)
    slope = slope + 0.1 * scatter * rng.normal(size=2 * N)
    start = 5.0 + level * centered + scatter * rng.normal(size=2 * N)
    size = start[:, None] + slope[:, None] * DAYS + within * off
    size = size + scatter * rng.normal(size=size.shape)
    data = growth_data_from_arrays(
        arm=np.repeat(ARMS, DAYS.size).tolist(),
        animal_id=np.repeat(IDS, DAYS.size).tolist(),
        time=np.tile(DAYS, 2 * N),
        log_size=size.ravel(),
    )
    return data, own, own[:, None] + course + off


def test_each_part_comes_back_when_readings_scatter_little() -> None:
    data, own, _ = _study(scatter=1e-4)
    found = fit_marker_growth(data, IDS, own, control="vehicle")
    # Scatter of 1e-4 leaves errors of its order.
    assert found.of("level").estimate == pytest.approx(0.2, abs=5e-4)
    assert found.of("prognostic").estimate == pytest.approx(-0.01, abs=1e-4)
    assert found.of("within_arm", "drug").estimate == pytest.approx(0.03, abs=1e-4)
    assert found.of("predictive", "drug").estimate == pytest.approx(0.04, abs=1e-4)
    assert found.of("predictive", "drug").versus == "vehicle"
    assert (found.n_animals, found.n_readings, found.kind) == (16, 64, "fixed")


def test_between_and_within_animals_are_told_apart() -> None:
    data, _, readings = _study(scatter=1e-4, within=-0.5)
    found = fit_marker_growth(
        data,
        np.repeat(IDS, DAYS.size).tolist(),
        readings.ravel(),
        day=np.tile(DAYS, 2 * N),
        control="vehicle",
    )
    assert found.kind == "time_varying"
    assert found.of("within").estimate == pytest.approx(-0.5, abs=5e-4)
    assert found.of("level").estimate == pytest.approx(0.2, abs=5e-4)
    assert found.of("prognostic").estimate == pytest.approx(-0.01, abs=1e-4)
    assert found.of("predictive", "drug").estimate == pytest.approx(0.04, abs=1e-4)


def test_estimates_are_those_of_the_restricted_likelihood_written_out() -> None:
    data, own, _ = _study()
    found = fit_marker_growth(data, IDS, own, control="vehicle")
    centered = own - np.repeat([own[:N].mean(), own[N:].mean()], N)
    m = np.repeat(centered, DAYS.size)
    t = np.tile(DAYS, 2 * N)
    is_drug = np.repeat(np.arange(2 * N) >= N, DAYS.size)
    design = np.column_stack(
        (np.ones(t.size), t * ~is_drug, t * is_drug, m, t * m * ~is_drug, t * m * is_drug)
    )
    effects = np.column_stack((np.ones(DAYS.size), DAYS))

    def solve(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Minus twice the restricted log-likelihood, coefficients and their covariance."""
        root = np.array([[np.exp(theta[0]), 0.0], [theta[1], np.exp(theta[2])]])
        one = effects @ root @ root.T @ effects.T + np.exp(2 * theta[3]) * np.eye(DAYS.size)
        weight = np.kron(np.eye(2 * N), np.linalg.inv(one))
        information = design.T @ weight @ design
        beta = np.linalg.solve(information, design.T @ weight @ data.log_size)
        rest = data.log_size - design @ beta
        minus = 2 * N * np.linalg.slogdet(one)[1] + np.linalg.slogdet(information)[1]
        return float(minus + rest @ weight @ rest), beta, np.linalg.inv(information)

    def objective(theta: FloatArray) -> float:
        return solve(theta)[0]

    start = np.array([np.log(0.1), 0.0, np.log(0.01), np.log(0.1)])
    best = optimize.minimize(
        objective,
        x0=start,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000},
    )
    _, beta, covariance = solve(best.x)
    # The search stops within 1e-7 of the best variances.
    assert found.of("level").estimate == pytest.approx(beta[3], rel=1e-5)
    assert found.of("prognostic").estimate == pytest.approx(beta[4], rel=1e-5)
    assert found.of("within_arm", "drug").estimate == pytest.approx(beta[5], rel=1e-5)
    # Kenward-Roger's errors are the plain ones, a little enlarged.
    error = found.of("prognostic").std_error
    assert error is not None
    assert 1.0 - 1e-6 <= error / np.sqrt(covariance[4, 4]) < 1.05
    assert found.method == "Kenward-Roger"


def test_animals_are_the_units_of_the_interaction() -> None:
    data, own, _ = _study()
    found = fit_marker_growth(data, IDS, own, control="vehicle").of("predictive", "drug")
    # 16 animals less an intercept and a slope of growth on the marker in each arm; 64 readings
    # do not count. Kenward-Roger is exact here up to rounding of the fit.
    assert found.df == pytest.approx(12.0, abs=1e-3)
    # The slopes of the animals regressed on the marker, arm by arm: the same question.
    slopes = np.polyfit(DAYS, data.log_size.reshape(2 * N, DAYS.size).T, 1)[0]
    differences, squares, lengths = [], 0.0, 0.0
    for arm in (slice(0, N), slice(N, None)):
        x = own[arm] - own[arm].mean()
        b = float(x @ slopes[arm]) / float(x @ x)
        rest = slopes[arm] - slopes[arm].mean() - b * x
        squares += float(rest @ rest)
        lengths += 1 / float(x @ x)
        differences.append(b)
    plain = differences[1] - differences[0]
    error = np.sqrt(squares / 12 * lengths)
    # The mixed model borrows from the intercepts, so the two differ by a fraction of an error.
    assert found.estimate == pytest.approx(plain, abs=0.5 * error)
    assert found.std_error == pytest.approx(error, rel=0.25)


def test_what_treatment_does_to_the_marker_is_in_no_coefficient() -> None:
    data, own, readings = _study(within=-0.3)
    first = fit_marker_growth(data, IDS, own, control="vehicle")
    moved = own.copy()
    moved[N:] += 100.0
    again = fit_marker_growth(data, IDS, moved, control="vehicle")
    for one, other in zip(first.effects, again.effects, strict=True):
        assert other.estimate == pytest.approx(one.estimate, rel=1e-5)
    day = np.tile(DAYS, 2 * N)
    ids = np.repeat(IDS, DAYS.size).tolist()
    plain = fit_marker_growth(data, ids, readings.ravel(), day=day, control="vehicle")
    falling = readings.copy()
    falling[N:] -= DAYS**2
    course = fit_marker_growth(data, ids, falling.ravel(), day=day, control="vehicle")
    # A course that all animals of an arm share, whatever its shape, changes nothing.
    assert course.of("within").estimate == pytest.approx(plain.of("within").estimate, rel=1e-6)


def test_the_logarithm_is_the_same_as_a_marker_of_logarithms() -> None:
    data, own, _ = _study()
    logs = fit_marker_growth(data, IDS, np.exp(own), control="vehicle", scale="log")
    raw = fit_marker_growth(data, IDS, own, control="vehicle")
    # exp and log round in the last digit.
    assert logs.of("prognostic").estimate == pytest.approx(raw.of("prognostic").estimate, rel=1e-9)
    assert (logs.scale, raw.scale) == ("log", "raw")
    with pytest.raises(InputError, match="positive values of pS6"):
        fit_marker_growth(data, IDS, own, control="vehicle", scale="log", marker="pS6")


def test_the_order_of_values_does_not_matter() -> None:
    data, own, _ = _study()
    order = np.random.default_rng(4).permutation(2 * N)
    first = fit_marker_growth(data, IDS, own, control="vehicle")
    again = fit_marker_growth(data, [IDS[place] for place in order], own[order], control="vehicle")
    assert again == first


def test_only_days_with_a_value_enter_a_marker_over_time() -> None:
    data, _, readings = _study()
    some = readings[:, [0, 2, 3]].ravel()
    day = np.tile(DAYS[[0, 2, 3]], 2 * N)
    found = fit_marker_growth(data, np.repeat(IDS, 3).tolist(), some, day=day, control="vehicle")
    assert found.n_readings == 48


def test_an_arm_where_the_marker_does_not_vary_has_no_slope_and_says_why() -> None:
    data, own, _ = _study()
    own[N:] = 1.0
    found = fit_marker_growth(data, IDS, own, control="vehicle")
    assert found.of("prognostic").status == "ok"
    effect = found.of("predictive", "drug")
    assert effect.status == "not_estimable"
    assert effect.estimate is None
    assert effect.reason == "the marker is the same in all animals of drug"


def test_animals_without_the_marker_are_counted() -> None:
    data, own, _ = _study()
    own[0] = np.nan
    found = fit_marker_growth(data, [*IDS, "m99"], np.append(own, 1.0), control="vehicle")
    assert found.n_animals == 15
    assert {"animals_not_used", "values_not_used"} <= {r.code for r in found.remarks}


def test_a_marker_from_after_treatment_is_flagged() -> None:
    data, own, readings = _study()
    late = MarkerTiming(days=(4.0,), first_treatment=0.0)
    found = fit_marker_growth(data, IDS, own, control="vehicle", timing=late, marker="pS6")
    assert found.status == "flagged"
    assert found.remarks[0].code == "measured_after_treatment"
    over = fit_marker_growth(
        data,
        np.repeat(IDS, DAYS.size).tolist(),
        readings.ravel(),
        day=np.tile(DAYS, 2 * N),
        control="vehicle",
        timing=late,
    )
    assert over.reason.endswith("associations over time")
    assert fit_marker_growth(data, IDS, own, control="vehicle").status == "ok"


def test_bad_input_is_one_clear_line() -> None:
    data, own, _ = _study()
    with pytest.raises(InputError, match="one value of marker for each animal"):
        fit_marker_growth(data, [*IDS, "m00"], np.append(own, 1.0), control="vehicle")
    with pytest.raises(InputError, match="an arm with readings"):
        fit_marker_growth(data, IDS, own, control="saline")
    with pytest.raises(InputError, match="a value"):
        fit_marker_growth(data, IDS, own[:3], control="vehicle")
    with pytest.raises(InputError, match="for each animal and day"):
        fit_marker_growth(data, ["m00", "m00"], np.ones(2), day=np.zeros(2), control="vehicle")
    with pytest.raises(DataError, match="whose marker differs"):
        fit_marker_growth(data, IDS, np.ones(2 * N), control="vehicle")
    with pytest.raises(DataError, match="found none"):
        fit_marker_growth(data, ["m99"], np.ones(1), control="vehicle")
    with pytest.raises(DataError, match="animals of the control"):
        fit_marker_growth(data, IDS[N:], own[N:], control="vehicle")
    with pytest.raises(InputError, match="scale"):
        fit_marker_growth(data, IDS, own, control="vehicle", scale="rank")  # type: ignore[arg-type]  # wrong on purpose
    found = fit_marker_growth(data, IDS, own, control="vehicle")
    with pytest.raises(InputError, match="an effect of the fit"):
        found.of("within")
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(shown) >= {"effects", "warnings", "status", "n_animals"}
