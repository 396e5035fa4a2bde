"""Simultaneous bands: critical values against simulation and limits, bands by hand, coverage."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import special, stats

from oncovivo.errors import InputError
from oncovivo.survival.bands import (
    BandKind,
    BandScale,
    equal_precision_critical,
    hall_wellner_critical,
    simultaneous_band,
)
from oncovivo.survival.curves import SurvivalCurve, survival_curve

# Freireich EJ, et al. Blood 1963;21:699: weeks in remission on 6-mercaptopurine.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_hall_wellner_over_all_places_is_kolmogorov(level: float) -> None:
    expected = special.kolmogi(1 - level)
    assert hall_wellner_critical(0.0, 1.0, level=level) == pytest.approx(expected, abs=1e-8)


def test_one_place_is_the_pointwise_normal_limit() -> None:
    assert hall_wellner_critical(0.3, 0.3) == pytest.approx(stats.norm.ppf(0.975) * 0.21**0.5)
    assert equal_precision_critical(2.0, 2.0) == pytest.approx(stats.norm.ppf(0.975))
    # and a range that shrinks to it comes near: the rest falls as the root of its length
    near = hall_wellner_critical(0.3, 0.3 + 1e-6)
    assert near == pytest.approx(hall_wellner_critical(0.3, 0.3), rel=2e-3)
    near = equal_precision_critical(2.0, 2.0 + 1e-6)
    assert near == pytest.approx(equal_precision_critical(2.0, 2.0), rel=2e-3)


def _stays_inside(
    rng: np.random.Generator, place: np.ndarray, limit: np.ndarray, *, paths: int
) -> tuple[float, float]:
    """Simulated P(|B| < limit) on a grid of places, and its standard error.

    Between two neighboring places the path crosses a straight limit with a known probability, so
    that the grid costs nothing: only the bend of the limit inside a step is neglected.
    """
    clock = place / (1 - place)
    motion = rng.standard_normal((paths, place.size))
    motion[:, 0] *= math.sqrt(clock[0])
    motion[:, 1:] *= np.sqrt(np.diff(clock))
    motion = motion.cumsum(axis=1)
    # the bridge at a is (1 − a) W(a / (1 − a))
    bound = limit / (1 - place)
    probability = (np.abs(motion) < bound).all(axis=1).astype(float)
    for sign in (1.0, -1.0):
        room = np.maximum(bound - sign * motion, 0.0)
        crossed = np.exp(-2 * room[:, :-1] * room[:, 1:] / np.diff(clock))
        probability *= np.exp(np.log1p(-np.minimum(crossed, 1 - 1e-15)).sum(axis=1))
    return float(probability.mean()), float(probability.std() / math.sqrt(paths))


@pytest.mark.parametrize(("first", "last"), [(0.1, 0.6), (0.02, 0.5), (0.3, 0.95)])
def test_hall_wellner_agrees_with_simulated_bridges(first: float, last: float) -> None:
    rng = np.random.default_rng(11)
    place = np.linspace(first, last, 200)
    critical = hall_wellner_critical(first, last, level=0.9)
    share, error = _stays_inside(rng, place, np.full(200, critical), paths=20_000)
    assert error < 0.0025
    assert share == pytest.approx(0.9, abs=3.5 * error)


@pytest.mark.parametrize(("first", "last"), [(0.1, 0.6), (0.05, 0.95), (0.4, 0.5)])
def test_equal_precision_agrees_with_simulated_bridges(first: float, last: float) -> None:
    rng = np.random.default_rng(12)
    clock = np.geomspace(first / (1 - first), last / (1 - last), 300)
    place = clock / (1 + clock)
    critical = equal_precision_critical(clock[0], clock[-1], level=0.9)
    limit = critical * np.sqrt(place * (1 - place))
    share, error = _stays_inside(rng, place, limit, paths=20_000)
    assert error < 0.0025
    assert share == pytest.approx(0.9, abs=3.5 * error)


@pytest.mark.parametrize("ratio", [4.0, 81.0])
def test_equal_precision_has_the_tail_of_miller_and_siegmund(ratio: float) -> None:
    # far out P(max > c) is near f(c) (4 / c + (c − 1 / c) log ratio), f the normal density
    for level, tolerance in ((0.95, 0.03), (0.999, 0.01), (0.999_999, 0.005)):
        c = equal_precision_critical(1.0, ratio, level=level)
        tail = stats.norm.pdf(c) * (4 / c + (c - 1 / c) * math.log(ratio))
        assert tail == pytest.approx(1 - level, rel=tolerance)


def test_critical_values_rise_with_the_range_and_the_level() -> None:
    wider = [hall_wellner_critical(0.5 - w, 0.5 + w) for w in (0.1, 0.2, 0.3, 0.4, 0.5)]
    assert (np.diff(wider) > 0).all()
    longer = [equal_precision_critical(1.0, r) for r in (1.0, 1.01, 2.0, 10.0, 1e3, 1e6)]
    assert (np.diff(longer) > 0).all()
    surer = [equal_precision_critical(1.0, 9.0, level=p) for p in (0.01, 0.5, 0.9, 0.999)]
    assert (np.diff(surer) > 0).all()


@pytest.mark.parametrize("scale", ["plain", "loglog"])
def test_an_equal_precision_band_is_a_pointwise_limit_with_its_critical_value(
    scale: BandScale,
) -> None:
    curve = survival_curve(WEEKS, RELAPSED, method="plain")
    band = simultaneous_band(curve, scale=scale)
    assert band.critical is not None
    level = 2 * stats.norm.cdf(band.critical) - 1
    pointwise = survival_curve(WEEKS, RELAPSED, method=scale, level=level)
    steps = np.flatnonzero(curve.events > 0)
    assert band.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert band.end == 23
    assert band.lower == pytest.approx(pointwise.lower[steps])
    assert band.upper == pytest.approx(pointwise.upper[steps])


def test_a_hall_wellner_band_by_hand() -> None:
    # four animals, events at 1, 2, 3 and 4: n s² is 1/3, 1, 3 at survival 3/4, 1/2, 1/4
    curve = survival_curve([1, 2, 3, 4], [True] * 4)
    band = simultaneous_band(curve, kind="hall_wellner", scale="plain", level=0.8)
    critical = hall_wellner_critical(0.25, 0.75, level=0.8)
    steps = np.array([3 / 4, 1 / 2, 1 / 4])
    half = critical / 2 * np.array([4 / 3 * 3 / 4, 2 * 1 / 2, 4 * 1 / 4])
    assert band.critical == critical
    assert band.end == 4
    assert half.max() == pytest.approx(half.min())
    assert band.upper == pytest.approx(np.minimum(steps + half, 1))
    assert band.lower == pytest.approx(np.maximum(steps - half, 0))
    log = simultaneous_band(curve, kind="hall_wellner", level=0.8)
    theta = math.exp(critical * 2 / math.sqrt(4) / math.log(0.5))
    assert (log.lower[1], log.upper[1]) == pytest.approx((0.5 ** (1 / theta), 0.5**theta))


def test_a_range_makes_the_band_narrower_and_starts_with_the_step_in_force() -> None:
    curve = survival_curve(WEEKS, RELAPSED)
    whole = simultaneous_band(curve)
    part = simultaneous_band(curve, between=(12.0, 22.5))
    assert part.time.tolist() == [12, 13, 16, 22]
    assert part.end == 22.5
    assert part.survival.tolist() == whole.survival[2:6].tolist()
    assert whole.critical is not None
    assert part.critical is not None
    assert part.critical < whole.critical
    assert (part.lower > whole.lower[2:6]).all()
    assert (part.upper < whole.upper[2:6]).all()


@pytest.mark.parametrize(
    "curve",
    [
        survival_curve([3, 5, 8], [False, False, False]),
        survival_curve([3, 5, 8], [True, False, False]),
        survival_curve([3, 5], [True, True]),
        survival_curve([4, 4, 4], [True, True, True]),
    ],
)
def test_without_two_steps_there_is_no_band_and_a_reason(curve: SurvivalCurve) -> None:
    band = simultaneous_band(curve)
    assert (band.status, band.critical, band.end) == ("not_estimable", None, None)
    assert band.time.size == 0
    assert "two times" in str(json.loads(json.dumps(band.to_dict()))["reason"])


@pytest.mark.parametrize("kind", ["equal_precision", "hall_wellner"])
def test_bands_cover_the_whole_curve_about_as_often_as_they_say(kind: BandKind) -> None:
    rng = np.random.default_rng(21)
    studies, covered = 600, 0
    for _ in range(studies):
        event, leave = rng.exponential(10, 40), rng.uniform(5, 40, 40)
        curve = survival_curve(np.minimum(event, leave), event <= leave)
        # a range fixed beforehand, as equal precision wants it
        band = simultaneous_band(curve, kind=kind, between=(1.0, 20.0))
        assert band.end is not None
        begin = np.exp(-band.time / 10)
        until = np.exp(-np.append(band.time[1:], band.end) / 10)
        covered += bool(((begin <= band.upper) & (until >= band.lower)).all())
    # Monte Carlo standard error 0.009
    assert 0.92 <= covered / studies <= 0.985


def test_hall_wellner_is_near_its_level_from_the_first_to_the_last_event() -> None:
    rng = np.random.default_rng(22)
    studies, covered = 400, 0
    for _ in range(studies):
        event, leave = rng.exponential(10, 20), rng.uniform(5, 40, 20)
        curve = survival_curve(np.minimum(event, leave), event <= leave)
        band = simultaneous_band(curve, kind="hall_wellner")
        assert band.end is not None
        begin = np.exp(-band.time / 10)
        until = np.exp(-np.append(band.time[1:], band.end) / 10)
        covered += bool(((begin <= band.upper) & (until >= band.lower)).all())
    # Monte Carlo standard error 0.012
    assert 0.89 <= covered / studies <= 0.98


def test_bad_input_is_refused() -> None:
    curve = survival_curve(WEEKS, RELAPSED)
    with pytest.raises(InputError, match="equal_precision or hall_wellner"):
        simultaneous_band(curve, kind="nair")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="loglog or plain"):
        simultaneous_band(curve, scale="log")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="confidence"):
        simultaneous_band(curve, level=95)
    with pytest.raises(InputError, match="range of times"):
        simultaneous_band(curve, between=(20.0, 10.0))
    with pytest.raises(InputError, match="variances above 0"):
        equal_precision_critical(0.0, 1.0)
    with pytest.raises(InputError, match="within 0 to 1"):
        hall_wellner_critical(0.5, 1.5)
