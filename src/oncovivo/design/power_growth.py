"""Tests of growth rates in simulated studies, by the engine of ``oncovivo growth``.

Response additivity is not linear in the rates: the test of a study rests on weights of the arms
that its own estimates make, a for the control (1 - a for the combination) and b for one drug
(1 - b for the other). The variance of such a contrast is a polynomial of degree 2 in a and in b,
and what its degrees of freedom divide by one of degree 4, so that the contrasts at five times five
nodes, which are the same for all studies, give both without error.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.design.power_closed_form import critical_value
from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_readings import PowerReadings
from oncovivo.errors import DataError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import growth_problem
from oncovivo.growth.many import fit_many
from oncovivo.growth.many_censored import fit_many_censored
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import fixed_terms
from oncovivo.numerics.mapping import map_parts

__all__ = ["GrowthDesign", "RateTests", "question_rows"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

_MODELS: Final = {
    "common": GrowthModel(),
    "arm": GrowthModel(intercept="arm"),
    "ratio": GrowthModel(baseline="ratio"),
}
# Degrees of freedom at which the critical value of the largest |t| is found; between them it is
# interpolated along 1 / df, where it is nearly straight.
_NODES: Final = 33
# With more degrees of freedom t is normal to the digits that are shown.
_MANY: Final = 1e6
# Points of the quadrature of censored fits in each dimension: estimates are within 1e-5 of those
# of the finest rule, which takes twice as long.
_POINTS: Final = 7
# Nodes of a weight between 0 and 1, both ends among them.
_WEIGHTS: Final = (1.0 - np.cos(np.pi * np.arange(5) / 4)) / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateTests:
    """Estimates of the k rows of :func:`question_rows` in B studies.

    Parameters
    ----------
    estimate, std_error, df : ndarray, shape (B, k)
        NaN where a study has no estimate.
    std_error_plain : ndarray, shape (B, k)
        That takes the variances as known; what `df` are made with.
    clipped : ndarray of bool, shape (B,)
        Whether `df` are not more than some number.
    singular, lost : ndarray of bool, shape (B,)
        Whether the fit is on the boundary; whether it has no optimum.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    std_error_plain: FloatArray
    clipped: BoolArray
    singular: BoolArray
    lost: BoolArray

    def take(self, studies: BoolArray) -> RateTests:
        """Those of some of the studies."""
        return RateTests(**{name: getattr(self, name)[studies] for name in RateTests.__slots__})


def question_rows(plan: PowerPlan) -> FloatArray:
    """Contrasts of the arms' rates that the answers are made from, shape (k, arms)."""
    if plan.question != "additivity":
        return plan.contrasts
    one, other = np.meshgrid(_WEIGHTS, _WEIGHTS, indexing="ij")
    rows = np.stack((one, -other, other - 1, 1 - one), axis=-1).reshape(-1, 4)
    return np.asarray(plan.index_day * rows)


class GrowthDesign:
    """The planned study as the engine takes it, and the tests of its questions.

    Parameters
    ----------
    plan : PowerPlan
        With a question of growth.
    """

    def __init__(self, plan: PowerPlan) -> None:
        self._plan = plan
        readings = len(plan.days)
        animals = int(plan.sizes.sum())
        names = [arm.name for arm in plan.arms]
        self._arm_names = np.repeat(np.repeat(names, plan.sizes), readings)
        self._animal_names = np.repeat([f"m{number}" for number in range(animals)], readings)
        self._times = np.tile(np.array(plan.days, dtype=np.float64), animals)
        data = growth_data_from_arrays(
            arm=self._arm_names.tolist(),
            animal_id=self._animal_names.tolist(),
            time=self._times,
            log_size=np.zeros(animals * readings),
        )
        self._model = _MODELS[plan.model]
        terms = fixed_terms(data, self._model)
        self._rows = terms.rows
        self._problem = growth_problem(data, self._model, terms)
        rates = np.array([terms.rate(place) for place in range(len(names))])
        self._questions = question_rows(plan)
        self._weights = self._questions @ rates
        # Closest where 1 / df is small, as it is in all but the smallest studies.
        nodes = np.linspace(0.0, 1.0, _NODES) ** 2
        values = np.zeros(_NODES)
        if plan.question == "dunnett":
            values[:] = [
                critical_value(plan, 1 / node if node > 0 else math.inf) for node in nodes.tolist()
            ]
        self._nodes = (nodes, values)

    def fit(self, readings: PowerReadings, executor: Executor | None = None) -> RateTests:
        """Fits of simulated studies."""
        plan = self._plan
        censored = np.asarray(readings.below.any(axis=(1, 2)) & (plan.below_limit == "censored"))
        if not censored.any():
            return self._fit_measured(readings, executor)
        rest = None if censored.all() else self._fit_measured(readings.take(~censored), executor)
        return _merged(censored, self._fit_censored(readings.take(censored), executor), rest)

    def _fit_measured(self, readings: PowerReadings, executor: Executor | None) -> RateTests:
        """Studies of which all readings that enter are numbers, all at once."""
        plan = self._plan
        size, read = readings.log_size, readings.read & ~readings.below
        if plan.model == "ratio":
            size = size - size[:, :, :1]
            read = read & read[:, :, :1]
        count = len(size)
        studies = Replicates(
            design=self._problem,
            outcomes=size.reshape(count, -1)[:, self._rows],
            observed=None if read.all() else read.reshape(count, -1)[:, self._rows],
        )
        fits = fit_many(studies, self._weights, executor=executor)
        return RateTests(
            estimate=fits.estimate,
            std_error=fits.std_error,
            df=fits.df,
            std_error_plain=fits.std_error_plain,
            clipped=fits.singular,
            singular=fits.singular,
            lost=~fits.converged,
        )

    def _fit_censored(self, readings: PowerReadings, executor: Executor | None) -> RateTests:
        """Studies with readings below the limit, all at once."""
        count = len(readings.log_size)
        studies = Replicates(
            design=self._problem,
            outcomes=readings.log_size.reshape(count, -1)[:, self._rows],
            observed=readings.read.reshape(count, -1)[:, self._rows],
        )
        below = readings.below.reshape(count, -1)[:, self._rows]
        fits = fit_many_censored(studies, below, self._weights, points=_POINTS, executor=executor)
        tests = RateTests(
            estimate=fits.estimate,
            std_error=fits.std_error,
            df=fits.df,
            std_error_plain=fits.std_error,
            clipped=np.ones(count, dtype=bool),
            singular=fits.singular,
            lost=np.zeros(count, dtype=bool),
        )
        if fits.fitted.all():
            return tests
        rest = self._fit_one_by_one(readings.take(~fits.fitted), executor)
        return _merged(~fits.fitted, rest, tests.take(fits.fitted))

    def _fit_one_by_one(self, readings: PowerReadings, executor: Executor | None) -> RateTests:
        """Studies with readings below the limit that cannot be fitted together with others."""
        count = len(readings.log_size)
        parts = [
            (
                self._arm_names[own],
                self._animal_names[own],
                self._times[own],
                readings.log_size[study].ravel()[own],
                readings.below[study].ravel()[own],
            )
            for study in range(count)
            for own in (readings.read[study].ravel(),)
        ]
        work = partial(_censored_study, model=self._model, questions=self._questions)
        found = np.array(map_parts(work, parts, executor=executor)).reshape(count, 4, -1)
        marks = found[:, 3]
        return RateTests(
            estimate=found[:, 0],
            std_error=found[:, 1],
            df=found[:, 2],
            std_error_plain=found[:, 1],
            clipped=np.ones(count, dtype=bool),
            singular=marks[:, 0] == 1,
            lost=marks[:, 0] == 2,
        )

    def rejects(
        self, tests: RateTests, offset: FloatArray | None = None
    ) -> tuple[BoolArray, FloatArray]:
        """Whether each study's interval excludes the bound, and standard errors.

        Parameters
        ----------
        tests : RateTests
            Fits.
        offset : ndarray, shape (k,), optional
            What is added to the estimates of the rows.

        Returns
        -------
        rejected : ndarray of bool, shape (B, questions)
        std_error : ndarray, shape (B, questions)
            On the scale of the test: rates, or logs of sizes on the day.
        """
        plan = self._plan
        estimate = tests.estimate if offset is None else tests.estimate + offset
        if plan.question == "additivity":
            return self._additivity(tests, estimate)
        error, df = tests.std_error, np.minimum(tests.df, _MANY)
        off = estimate - plan.rate_bound
        if plan.question == "hsa":
            below = off < -special.stdtrit(df, plan.level) * error
            better = np.nanargmax(np.where(np.isnan(off), -np.inf, off), axis=1)[:, None]
            shown = np.asarray(below.all(axis=1, keepdims=True))
            return shown, np.take_along_axis(error, better, axis=1)
        rejected = np.asarray(np.abs(off) > self._critical(df) * error, dtype=bool)
        return rejected, error * (plan.index_day if plan.question == "tgi" else 1.0)

    def _critical(self, df: FloatArray) -> FloatArray:
        """Critical values at the degrees of freedom of each fit."""
        plan = self._plan
        if plan.question != "dunnett" or len(plan.arms) == 2:
            return np.asarray(special.stdtrit(df, 0.5 + plan.level / 2), dtype=np.float64)
        # The family's degrees of freedom are the smallest of its questions, as in the analysis.
        smallest = np.minimum(df.min(axis=1, keepdims=True), _MANY)
        return np.asarray(np.interp(1 / smallest, *self._nodes), dtype=np.float64)

    def _additivity(self, tests: RateTests, estimate: FloatArray) -> tuple[BoolArray, FloatArray]:
        """The delta method's test of ln(R_AB / I + R_C) - ln(R_A + R_B)."""
        plan = self._plan
        shape = (len(estimate), _WEIGHTS.size, _WEIGHTS.size)
        nodes = estimate.reshape(shape)
        both_other = nodes[:, 0, 0]
        control_both = nodes[:, -1, 0] - both_other
        one_other = both_other - nodes[:, 0, -1]
        left = np.logaddexp(control_both, -plan.rate_bound)
        right = np.logaddexp(one_other, 0.0)
        log_ratio = both_other + left - right
        first = _lagrange(np.exp(control_both - left))
        second = _lagrange(np.exp(one_other - right))

        def between(values: FloatArray) -> FloatArray:
            table = values.reshape(shape)
            return np.asarray((first * (table @ second[:, :, None])[:, :, 0]).sum(axis=1))

        with np.errstate(divide="ignore", invalid="ignore"):
            plain = tests.std_error_plain**2
            free = 2 * between(plain) ** 2 / between(2 * plain**2 / tests.df)
            free = np.where(tests.clipped, between(np.minimum(tests.df, _MANY)), free)
            error = np.sqrt(between(tests.std_error**2))
        critical = special.stdtrit(np.clip(free, 1e-3, _MANY), 0.5 + plan.level / 2)
        rejected = np.abs(log_ratio) > critical * error
        return np.asarray(rejected, dtype=bool)[:, None], error[:, None]


def _lagrange(place: FloatArray) -> FloatArray:
    """Weights of the nodes' values at places between 0 and 1, shape (B,) to (B, nodes)."""
    found = np.ones((place.size, _WEIGHTS.size))
    for one, node in enumerate(_WEIGHTS.tolist()):
        for other in np.delete(_WEIGHTS, one).tolist():
            found[:, one] *= (place - other) / (node - other)
    return found


def _merged(chosen: BoolArray, of_chosen: RateTests, rest: RateTests | None) -> RateTests:
    """Studies in their order again."""
    if rest is None:
        return of_chosen

    def both(name: str) -> NDArray[np.generic]:
        one, other = getattr(of_chosen, name), getattr(rest, name)
        whole = np.empty((chosen.size, *one.shape[1:]), dtype=one.dtype)
        whole[chosen], whole[~chosen] = one, other
        return whole

    return RateTests(**{name: both(name) for name in RateTests.__slots__})  # type: ignore[arg-type]


def _censored_study(
    part: tuple[NDArray[np.str_], NDArray[np.str_], FloatArray, FloatArray, BoolArray],
    *,
    model: GrowthModel,
    questions: FloatArray,
) -> FloatArray:
    """Estimates, errors, degrees of freedom and a mark (1: singular, 2: none), shape (4, k)."""
    arm, animal, time, size, below = part
    found = np.full((4, len(questions)), np.nan)
    data = growth_data_from_arrays(
        arm=arm.tolist(), animal_id=animal.tolist(), time=time, log_size=size, below_limit=below
    )
    try:
        fit = fit_censored(data, model, points=_POINTS)
    except DataError:
        found[3] = 2.0
        return found
    rates = np.array([fit.terms.rate(place) for place in range(questions.shape[1])])
    if fit.arms_without_rate or not fit.converged:
        found[3] = 2.0
        return found
    told = fit.contrasts(questions @ rates)
    found[:] = told.estimate, told.std_error, told.df, np.full(len(questions), fit.singular)
    return found
