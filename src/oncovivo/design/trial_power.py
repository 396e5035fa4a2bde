"""Power of a mouse clinical trial: how many lines, and how many animals of each.

With L lines, n animals of each line and arm, effects that vary among lines by s, rates of animals
by a, readings by r, and S the squared days of an animal's readings, the variance of the mean
effect is (s² + 2 (a² + r² / S) / n) / L. More animals shrink the second term only; more lines
shrink both. The differences of the lines are independent, so the t test has L - 1 degrees of
freedom and its power is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy
from scipy import special

from oncovivo.errors import InputError
from oncovivo.panels.trial_data import TrialData
from oncovivo.panels.trial_model import fit_trial

if TYPE_CHECKING:
    from oncovivo.design.trial_plan import TrialPlan

__all__ = ["SimulatedTrialPower", "TrialPower", "advice", "simulate_trial_power", "trial_power"]

# A noncentrality at which every test is certain to reject.
_CERTAIN: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPower:
    """Power of one number of lines and of animals.

    Parameters
    ----------
    lines, animals : int
        Lines, and animals of each line and arm.
    total_animals : int
        Of both arms.
    std_error : float
        Of the mean effect, natural log per day.
    df : float
        Degrees of freedom of its test.
    power : float
        That the test finds the assumed effect.
    smallest_effect : float
        Size of the effect that has the power aimed at, per day.
    share_among_lines : float
        Share of the variance that no number of animals removes.
    marker_power : float or None
        That the test of treatment × marker finds the assumed difference.
    smallest_marker_difference : float or None
        Size of the difference that has the power aimed at, per day.
    """

    lines: int
    animals: int
    total_animals: int
    std_error: float
    df: float
    power: float
    smallest_effect: float
    share_among_lines: float
    marker_power: float | None
    smallest_marker_difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTrialPower:
    """Power by simulating trials and fitting each.

    Parameters
    ----------
    lines, animals : int
        Lines, and animals of each line and arm.
    power, power_error : float
        Share of trials whose test rejects, with its Monte Carlo standard error.
    type_one, type_one_error : float
        That share where there is no effect.
    mean_std_error : float
        Of the fits, root mean square, per day.
    replicates : int
        Trials.
    """

    lines: int
    animals: int
    power: float
    power_error: float
    type_one: float
    type_one_error: float
    mean_std_error: float
    replicates: int


def trial_power(plan: TrialPlan) -> tuple[TrialPower, ...]:
    """Power for each number of lines and of animals of a plan.

    Parameters
    ----------
    plan : TrialPlan
        With its assumptions.

    Examples
    --------
    >>> from oncovivo.design.trial_plan import TrialPlan
    >>> plan = TrialPlan(
    ...     effect=-0.02, effect_sd=0.02, animal_sd=0.01, reading_sd=0.15,
    ...     days=(0, 7, 14, 21), lines=(10, 20), animals=(1,),
    ... )
    >>> [round(cell.power, 2) for cell in trial_power(plan)]
    [0.52, 0.86]
    """
    return tuple(_cell(plan, lines, animals) for lines in plan.lines for animals in plan.animals)


def _cell(plan: TrialPlan, lines: int, animals: int) -> TrialPower:
    among = plan.effect_sd**2
    within = 2 * (plan.animal_sd**2 + plan.reading_sd**2 / plan.squared_days) / animals
    error = math.sqrt((among + within) / lines)
    alpha = 1 - plan.level
    marker = smallest_marker = None
    if plan.marker_share is not None and plan.marker_difference is not None:
        with_it = round(plan.marker_share * lines)
        own = math.sqrt((among + within) * (1 / with_it + 1 / (lines - with_it)))
        marker = _t_power(abs(plan.marker_difference) / own, lines - 2, alpha)
        smallest_marker = own * _noncentrality(plan.power, lines - 2, alpha)
    return TrialPower(
        lines=lines,
        animals=animals,
        total_animals=2 * lines * animals,
        std_error=error,
        df=lines - 1.0,
        power=_t_power(abs(plan.effect) / error, lines - 1, alpha),
        smallest_effect=error * _noncentrality(plan.power, lines - 1, alpha),
        share_among_lines=among / (among + within),
        marker_power=marker,
        smallest_marker_difference=smallest_marker,
    )


def _t_power(noncentrality: float, df: float, alpha: float) -> float:
    """Power of a two-sided t test."""
    bar = float(special.stdtrit(df, 1 - alpha / 2))
    if noncentrality > _CERTAIN:
        return 1.0
    above = 1 - float(special.nctdtr(df, noncentrality, bar))
    return min(1.0, above + float(special.nctdtr(df, noncentrality, -bar)))


def _noncentrality(power: float, df: float, alpha: float) -> float:
    """Effect in standard errors that has a power; 0 where the test has it by chance."""
    if power <= alpha:
        return 0.0

    def lack(size: float) -> float:
        return _t_power(size, df, alpha) - power

    return float(scipy.optimize.brentq(lack, 0.0, _CERTAIN + 1.0, xtol=1e-9))


def advice(cells: tuple[TrialPower, ...], plan: TrialPlan) -> str:
    """What the grid says of lines against animals.

    Parameters
    ----------
    cells : tuple of TrialPower
        From :func:`trial_power`.
    plan : TrialPlan
        Its assumptions.
    """
    enough = [cell for cell in cells if cell.power >= plan.power]
    base = min(cells, key=lambda cell: (cell.animals, cell.lines))
    counted = "1 animal" if base.animals == 1 else f"{base.animals} animals"
    words = (
        f"With {counted} of each line and arm, {base.share_among_lines:.0%} of the variance of "
        "the mean effect is among lines and stays however many animals a line has: spend animals "
        "on lines first."
    )
    if not enough:
        return f"{words} No size looked at has a power of {plan.power:.0%}."
    best = min(enough, key=lambda cell: (cell.total_animals, -cell.lines))
    return (
        f"{words} The fewest animals for a power of {plan.power:.0%}: {best.lines} lines with "
        f"{best.animals} of each line and arm, {best.total_animals} in all."
    )


def simulate_trial_power(
    plan: TrialPlan,
    *,
    lines: int,
    animals: int,
    replicates: int,
    rng: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedTrialPower:
    """Power of one size by simulating trials and fitting the mixed model to each.

    An animal's readings act through its rate and the squares about its line, which are drawn
    as such: normal and chi-squared, as readings with normal errors would give them.

    Parameters
    ----------
    plan : TrialPlan
        With its assumptions.
    lines, animals : int
        Lines, and animals of each line and arm.
    replicates : int
        Trials with the effect, and as many without.
    rng : numpy.random.Generator
        Source of randomness.
    progress : callable, optional
        Called with how many trials are done, and of how many.

    Raises
    ------
    InputError
        If there are fewer than two replicates.
    """
    if replicates < 2:
        raise InputError("at least 2 replicates", found=str(replicates))
    rejected = {True: 0, False: 0}
    squared = 0.0
    for number in range(replicates):
        for real in (True, False):
            data = _drawn(plan, lines, animals, plan.effect if real else 0.0, rng)
            effect = fit_trial(data, level=plan.level).effects[0]
            rejected[real] += (effect.p_value or 0.0) < 1 - plan.level
            if real:
                squared += (effect.std_error or 0.0) ** 2
        if progress is not None:
            progress(number + 1, replicates)
    power, type_one = rejected[True] / replicates, rejected[False] / replicates
    return SimulatedTrialPower(
        lines=lines,
        animals=animals,
        power=power,
        power_error=math.sqrt(power * (1 - power) / replicates),
        type_one=type_one,
        type_one_error=math.sqrt(type_one * (1 - type_one) / replicates),
        mean_std_error=math.sqrt(squared / replicates),
        replicates=replicates,
    )


def _drawn(
    plan: TrialPlan, lines: int, animals: int, effect: float, rng: np.random.Generator
) -> TrialData:
    """Rates and squares of one simulated trial."""
    n = 2 * lines * animals
    line = np.repeat(np.arange(lines), 2 * animals)
    arm = np.tile(np.repeat(np.arange(2), animals), lines)
    cell = rng.normal(0.0, plan.effect_sd / math.sqrt(2), 2 * lines)
    own_line = rng.normal(0.0, plan.line_sd, lines)
    squared = plan.squared_days
    own = math.sqrt(plan.animal_sd**2 + plan.reading_sd**2 / squared)
    rest = len(plan.days) - 2
    return TrialData(
        arms=("control", "treatment"),
        lines=tuple(f"line {number + 1:03d}" for number in range(lines)),
        tumor_types=("",) * lines,
        line=line,
        arm=arm,
        rate=effect * arm + own_line[line] + cell[2 * line + arm] + rng.normal(0.0, own, n),
        information=np.full(n, squared),
        rest_squares=plan.reading_sd**2 * rng.chisquare(rest, n),
        rest_df=np.full(n, rest),
        n_readings=np.full(n, len(plan.days)),
        log_constant=np.zeros(n),
        baseline="own_intercept",
        simulated=True,
    )
