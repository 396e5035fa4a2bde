"""Several tumors of an animal: the day of their total, and the animal counted once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import special

from oncovivo.design.endpoint_counts import count_reached, total_series
from oncovivo.design.endpoint_line import animal_line, animal_places
from oncovivo.design.endpoint_projection import project_limit
from oncovivo.design.endpoint_totals import project_total
from oncovivo.errors import InputError
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth

DAYS = (0.0, 3.0, 7.0, 10.0)
HOSTS = {"H0": ("t0", "t1"), "H1": ("t2", "t3"), "H2": ("t4", "t5")}


def fitted(
    *, seed: int = 1, rates: Sequence[float] = (0.12, 0.05), spread: float = 0.015
) -> GrowthFit:
    """Two arms of six tumors each: t0 to t5 and u0 to u5."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, float, float]] = []
    for arm, rate in zip(("vehicle", "drug"), rates, strict=True):
        for number in range(6):
            own = rate + rng.normal(0, spread)
            start = math.log(150) + rng.normal(0, 0.25)
            rows += [
                (
                    arm,
                    f"{'t' if arm == 'vehicle' else 'u'}{number}",
                    day,
                    start + own * day + rng.normal(0, 0.12),
                )
                for day in DAYS
            ]
    arms, names, days, sizes = zip(*rows, strict=True)
    return fit_growth(
        growth_data_from_arrays(
            arm=arms, animal_id=names, time=np.array(days), log_size=np.array(sizes)
        )
    )


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fitted()


def test_the_total_of_one_tumor_is_that_tumor(fit: GrowthFit) -> None:
    single = {found.animal_id: found for found in project_limit(fit, 1500)}
    found = project_total(fit, 1500, {name: (name,) for name in single})
    assert len(found) == 12
    for total in found:
        own = single[total.animal_id]
        for mine, theirs in (
            (total.day, own.day),
            (total.lower, own.lower),
            (total.upper, own.upper),
        ):
            # One solves a quadratic, the other looks for the root.
            assert (mine is None) == (theirs is None)
            assert mine is None or mine == pytest.approx(theirs, abs=1e-6)
        assert total.status == own.status
        assert total.rate == pytest.approx(own.rate)
        assert (total.quantity, total.limit) == ("total_volume", 1500)


def test_the_day_of_a_total_is_where_the_lines_add_up_to_the_limit(fit: GrowthFit) -> None:
    places = animal_places(fit)
    for found in project_total(fit, 2000, HOSTS):
        lines = [animal_line(fit, *places[name]) for name in HOSTS[found.animal_id]]
        assert found.day is not None
        volumes = [math.exp(line.mean(found.day)) for line in lines]
        assert sum(volumes) == pytest.approx(2000)
        # Variance of the log of a sum: shares times covariance, coefficients shared.
        assert found.upper is not None
        z = np.array([1.0, found.upper])
        means = np.array([line.mean(found.upper) for line in lines])
        shares = np.exp(means) / np.exp(means).sum()
        shared = np.array(
            [
                [
                    z @ a.weights @ fit.inference.covariance @ b.weights.T @ z
                    + (a is b) * (z @ a.own @ z + a.residual)
                    for b in lines
                ]
                for a in lines
            ]
        )
        sd = math.sqrt(shares @ shared @ shares)
        reach = special.stdtrit(lines[0].df, 0.975)
        assert math.log(np.exp(means).sum()) - reach * sd == pytest.approx(
            math.log(2000), abs=1e-8
        )
        alone = {one.animal_id: one for one in project_limit(fit, 2000)}
        days = [alone[name].day or math.inf for name in HOSTS[found.animal_id]]
        assert found.day < min(days)


def test_a_total_that_was_read_at_the_limit_has_the_days_of_its_readings(fit: GrowthFit) -> None:
    (_, _), (_, second), (day, third), _ = total_series(fit.data, [0, 1])
    assert second < third
    (found,) = project_total(fit, third, {"H0": ("t0", "t1")})
    assert found.reached
    assert (found.lower, found.day, found.upper) == (3.0, day, day)


def test_each_tumor_counts_with_its_latest_reading() -> None:
    data = growth_data_from_arrays(
        arm=["a"] * 5 + ["a"] * 4,
        animal_id=["l"] * 3 + ["r"] * 2 + ["x"] * 2 + ["y"] * 2,
        time=np.array([0.0, 3, 6, 0, 5, 0, 6, 0, 6]),
        log_size=np.log([100.0, 200, 400, 50, 80, 100, 130, 100, 150]),
    )
    series = total_series(data, [0, 1])
    assert [day for day, _ in series] == [0, 3, 5, 6]
    assert [value for _, value in series] == pytest.approx([150, 250, 280, 480])


def test_tumors_that_shrink_together_have_no_day() -> None:
    shrinking = fitted(rates=(-0.1, -0.12))
    (found,) = project_total(shrinking, 5000, {"H": ("t0", "t1")})
    assert (found.day, found.status) == (None, "not_reached")
    assert found.reason.startswith("the tumors together do not grow: -0.")


def test_a_host_without_a_tumor_in_the_fit_is_left_out(fit: GrowthFit) -> None:
    assert project_total(fit, 1500, {"H": ("nobody",)}) == ()
    (found,) = project_total(fit, 1500, {"H": ("nobody", "t0")})
    (alone,) = project_total(fit, 1500, {"H": ("t0",)})
    assert found == alone
    with pytest.raises(InputError, match="a positive limit"):
        project_total(fit, 0, HOSTS)


def test_an_animal_of_several_tumors_counts_once_and_by_its_likelier_limit(
    fit: GrowthFit,
) -> None:
    (single, _, _) = count_reached(fit, 1500, [17.0])
    (hosted, _, every) = count_reached(fit, 1500, [17.0], hosts=HOSTS)
    assert (single.n, hosted.n, every.n) == (6, 3, 9)
    # An animal is there when either of its tumors is.
    assert hosted.expected <= single.expected
    assert hosted.expected > single.expected / 2
    (total, _, _) = count_reached(fit, 1500, [17.0], hosts=HOSTS, total_limit=1500)
    assert total.expected > hosted.expected
    (only, _, _) = count_reached(fit, None, [17.0], hosts=HOSTS, total_limit=1500)
    assert only.expected == pytest.approx(total.expected)
    with pytest.raises(InputError, match="a positive limit"):
        count_reached(fit, None, [17.0])
    with pytest.raises(InputError, match="level between 0 and 1"):
        count_reached(fit, 1500, [17.0], level=1.0)


def test_the_interval_of_a_count_is_that_of_a_sum_of_chances() -> None:
    """With a spread between animals that hides the arm's, tumors are all but independent."""
    fit = fitted(seed=4, spread=0.04)
    (count, _, _) = count_reached(fit, 1500, [20.0])
    places = animal_places(fit)
    chances = []
    for number in range(6):
        line = animal_line(fit, *places[f"t{number}"])
        score = (line.mean(20.0) - math.log(1500)) / line.sd(20.0)
        chances.append(float(special.stdtr(line.df, score)))
    spread = np.ones(1)
    for chance in chances:
        spread = np.convolve(spread, [1 - chance, chance])
    below = np.cumsum(spread)
    assert count.expected == pytest.approx(sum(chances), abs=0.02)
    assert count.lower == int(np.argmax(below >= 0.025))
    assert count.upper == int(np.argmax(below >= 0.975))
    (wide, _, _) = count_reached(fit, 1500, [20.0], level=0.5)
    assert count.lower <= wide.lower <= wide.upper <= count.upper
    assert wide.upper - wide.lower < count.upper - count.lower
