"""What a growth model is made of: its mean, its random effects, its residuals, its inference."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from oncovivo.errors import InputError

__all__ = [
    "Baseline",
    "DegreesOfFreedom",
    "GrowthModel",
    "Intercept",
    "Likelihood",
    "RandomEffects",
    "Residual",
    "TimeKind",
    "TimeShape",
]

Baseline: TypeAlias = Literal["outcome", "ratio"]
Intercept: TypeAlias = Literal["common", "arm"]
TimeKind: TypeAlias = Literal["linear", "piecewise", "spline"]
RandomEffects: TypeAlias = Literal[
    "intercept_slope", "intercept_slope_independent", "slope", "intercept"
]
Residual: TypeAlias = Literal["iid", "arm", "car1", "arm_car1", "animal"]
DegreesOfFreedom: TypeAlias = Literal["kr", "satterthwaite", "cr2"]
Likelihood: TypeAlias = Literal["REML", "ML"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeShape:
    """How the log size of a group moves with time.

    Parameters
    ----------
    kind : {"linear", "piecewise", "spline"}
        ``linear``: one rate (exponential growth); ``piecewise``: a rate between each two knots;
        ``spline``: natural cubic spline, linear outside the outer knots.
    knots : tuple of float
        Inner knots, days since baseline, rising; at least one unless linear.

    Raises
    ------
    InputError
        If knots are missing, superfluous or not rising.
    """

    kind: TimeKind = "linear"
    knots: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_word(self.kind, get_args(TimeKind), what="shape of time")
        if (self.kind == "linear") != (not self.knots):
            expected = "inner knots for piecewise and spline time, and none for linear time"
            raise InputError(expected, found=f"{self.kind} with {len(self.knots)} knots")
        steps = np.diff((0.0, *self.knots))
        if not (np.isfinite(steps).all() and (steps > 0).all()):
            expected = "knots that rise from above day 0"
            raise InputError(expected, found=", ".join(f"{knot:g}" for knot in self.knots))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthModel:
    """A linear mixed model of log size.

    Parameters
    ----------
    baseline : {"outcome", "ratio"}
        ``outcome``: the baseline reading is a reading like the others. ``ratio``: log size
        relative to the animal's own baseline, lines through the origin, random slopes only; the
        model of SynergyLMM, for comparison: its baseline noise passes as slope noise.
    intercept : {"common", "arm"}
        ``common``: randomized arms start from one mean; ``arm``: each from its own.
    time : TimeShape
        Shape of the group curves, with parameters of its own for each arm.
    covariates : tuple of str
        Factors of the animals that shift the level (``batch``), or ``log_baseline``, which then
        leaves the list of outcomes.
    random : RandomEffects
        What varies between animals: ``intercept_slope`` (with covariance),
        ``intercept_slope_independent``, ``slope``, ``intercept``.
    groups : tuple of str
        Factors above the animal with a random level each: ``cage``, ``donor``, ``host``.
    residual : Residual
        ``iid``; ``arm``: a variance for each arm; ``car1``: correlation that falls with the days
        between readings; ``arm_car1``: both; ``animal``: a variance for each animal (needs
        ``df="cr2"``).
    df : {"kr", "satterthwaite", "cr2"}
        Kenward-Roger, Satterthwaite, or the cluster-robust CR2 covariance with its Satterthwaite
        degrees of freedom.
    likelihood : {"REML", "ML"}
        What is maximized.

    Raises
    ------
    InputError
        If a choice is unknown or does not go with another.
    """

    baseline: Baseline = "outcome"
    intercept: Intercept = "common"
    time: TimeShape = field(default_factory=TimeShape)
    covariates: tuple[str, ...] = ()
    random: RandomEffects = "intercept_slope"
    groups: tuple[str, ...] = ()
    residual: Residual = "iid"
    df: DegreesOfFreedom = "kr"
    likelihood: Likelihood = "REML"

    def __post_init__(self) -> None:
        _check_word(self.baseline, get_args(Baseline), what="baseline")
        _check_word(self.intercept, get_args(Intercept), what="intercept")
        _check_word(self.random, get_args(RandomEffects), what="random effects")
        _check_word(self.residual, get_args(Residual), what="residual")
        _check_word(self.df, get_args(DegreesOfFreedom), what="degrees of freedom")
        _check_word(self.likelihood, get_args(Likelihood), what="likelihood")
        if self.residual == "animal" and self.df != "cr2":
            expected = "df 'cr2' with a residual variance for each animal"
            mend = "a variance from a handful of readings has no Kenward-Roger theory"
            raise InputError(expected, found=repr(self.df), mend=mend)
        named = (*self.covariates, *self.groups)
        for name in named:
            if named.count(name) > 1:
                expected = "each covariate and group once"
                raise InputError(expected, found=f"'{name}' twice")
        if self.baseline == "ratio" and self.intercept == "arm":
            expected = "intercept 'common' with baseline 'ratio'"
            mend = "its lines pass through the origin: there is no intercept"
            raise InputError(expected, found="'arm'", mend=mend)
        if self.baseline == "ratio" and self.random != "slope":
            object.__setattr__(self, "random", "slope")

    def to_dict(self) -> dict[str, object]:
        """All choices, ready for JSON."""
        return asdict(self)


def _check_word(word: str, known: tuple[str, ...], *, what: str) -> None:
    if word not in known:
        expected = f"a {what}: " + ", ".join(known)
        raise InputError(expected, found=repr(word))
