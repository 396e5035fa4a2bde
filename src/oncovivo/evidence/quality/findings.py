"""What certainty is judged from: a pooled effect, a question, and facts of its studies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from scipy import special

from oncovivo.errors import InputError

__all__ = [
    "ASPECTS",
    "Aspect",
    "CertaintyLevel",
    "PooledSummary",
    "Question",
    "StudyFacts",
    "information_size",
]

CertaintyLevel: TypeAlias = Literal["high", "moderate", "low", "very_low"]
"""How sure one can be of an effect, best first."""

Aspect: TypeAlias = Literal[
    "tumor_type",
    "compound",
    "regimen",
    "xenograft_line",
    "graft_type",
    "host_species",
    "host_strain",
    "immune_status",
    "comparator",
    "endpoint",
]
"""In what a study can differ from a question."""

ASPECTS: Final[Mapping[Aspect, str]] = MappingProxyType(
    {
        "tumor_type": "tumor type",
        "compound": "compound",
        "regimen": "regimen",
        "xenograft_line": "xenograft line",
        "graft_type": "graft type",
        "host_species": "host species",
        "host_strain": "host strain",
        "immune_status": "immune status",
        "comparator": "comparator",
        "endpoint": "endpoint",
    }
)
"""Every aspect and its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledSummary:
    """A pooled effect, as far as its certainty needs it.

    Parameters
    ----------
    measure : str
        What was pooled, as ``ROM``.
    k : int
        Effects pooled.
    estimate, lower, upper : float
        Pooled effect and its confidence limits, on the scale of the analysis.
    n_animals : int or None
        Animals behind the effects; None when a study does not say.
    null : float, default 0
        No effect, on the scale of the analysis.
    level : float, default 0.95
        Confidence of the limits.
    i2 : float or None
        Share of the variation that is between effects, percent; None for one effect.
    pi_lower, pi_upper : float or None
        Prediction interval; None where there is none.
    bias_p : float or None
        p-value of a test of small-study effects; None when none was done.
    bias_test : str
        Its name.

    Raises
    ------
    InputError
        If a number is outside its range, or limits are not around the estimate.
    """

    measure: str
    k: int
    estimate: float
    lower: float
    upper: float
    n_animals: int | None
    null: float = 0.0
    level: float = 0.95
    i2: float | None = None
    pi_lower: float | None = None
    pi_upper: float | None = None
    bias_p: float | None = None
    bias_test: str = ""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError("k, the number of effects, of at least 1", found=str(self.k))
        if self.n_animals is not None and self.n_animals < 2:
            raise InputError(
                "n_animals of at least 2, or None when it is not reported",
                found=str(self.n_animals),
            )
        _check_limits("lower and upper", self.lower, self.estimate, self.upper)
        if not math.isfinite(self.null):
            raise InputError("null as a finite number", found=str(self.null))
        if not 0 < self.level < 1:
            raise InputError("level between 0 and 1", found=str(self.level))
        if self.i2 is not None and not 0 <= self.i2 <= 100:
            raise InputError("i2 in percent, 0 to 100", found=str(self.i2))
        if (self.pi_lower is None) != (self.pi_upper is None):
            raise InputError("both limits of the prediction interval, or none", found="one")
        if self.pi_lower is not None and self.pi_upper is not None:
            _check_limits("pi_lower and pi_upper", self.pi_lower, self.estimate, self.pi_upper)
        if self.bias_p is not None and not 0 <= self.bias_p <= 1:
            raise InputError("bias_p between 0 and 1", found=str(self.bias_p))

    @property
    def interval_crosses_null(self) -> bool:
        """Whether the confidence interval, its limits included, includes the null."""
        return self.lower <= self.null <= self.upper

    @property
    def prediction_crosses_null(self) -> bool | None:
        """Whether the prediction interval includes the null; None without one."""
        if self.pi_lower is None or self.pi_upper is None:
            return None
        return self.pi_lower <= self.null <= self.pi_upper


def _check_limits(names: str, lower: float, estimate: float, upper: float) -> None:
    """Refuse limits that are not finite and around the estimate."""
    if not (all(map(math.isfinite, (lower, estimate, upper))) and lower <= estimate <= upper):
        raise InputError(
            f"{names} as finite limits around the estimate",
            found=f"{estimate} in {lower} to {upper}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a row of the certainty table answers.

    Parameters
    ----------
    question_id : str
        Key of the row.
    text : str
        The question in words.
    tumor_type, oncotree : str
        Tumor type in words, and its code; empty when the question is about several.
    outcome : str
        What was measured, in words.
    asked : mapping, optional
        From an aspect to the values that answer the question directly; an aspect that is not
        named is open.
    target : {"animals", "patients"}, default "animals"
        Of whom the answer shall hold.
    start : {"high", "moderate", "low", "very_low"}, default "high"
        Level before downgrades. As in GRADE, controlled experiments start high; comparisons of
        groups that no experiment made should start low.
    information_size : int or None
        Animals that would be enough, as from :func:`information_size`; None leaves it unjudged.

    Raises
    ------
    InputError
        If a text is empty, an aspect unknown or without a value, or the size below 2.
    """

    question_id: str
    text: str
    tumor_type: str
    outcome: str
    oncotree: str = ""
    asked: Mapping[Aspect, tuple[str, ...]] = field(default_factory=dict)
    target: Literal["animals", "patients"] = "animals"
    start: CertaintyLevel = "high"
    information_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("question_id", "text", "outcome"):
            if not getattr(self, name).strip():
                raise InputError(f"{name} as text", found="nothing")
        where = f"question {self.question_id}"
        for aspect, accepted in self.asked.items():
            _check_aspect(aspect, where=where)
            if isinstance(accepted, str) or not accepted:
                raise InputError(
                    f"the values that answer {aspect} directly, as a tuple",
                    found=repr(accepted),
                    where=where,
                )
        if self.target not in ("animals", "patients"):
            raise InputError("target animals or patients", found=repr(self.target), where=where)
        if self.start not in ("high", "moderate", "low", "very_low"):
            raise InputError(
                "start as high, moderate, low or very_low", found=repr(self.start), where=where
            )
        if self.information_size is not None and self.information_size < 2:
            raise InputError(
                "an information size of at least 2 animals",
                found=str(self.information_size),
                where=where,
            )
        object.__setattr__(self, "asked", MappingProxyType(dict(self.asked)))


def _check_aspect(aspect: str, *, where: str) -> None:
    """Refuse an aspect that is none."""
    if aspect not in ASPECTS:
        raise InputError(f"an aspect of {', '.join(ASPECTS)}", found=repr(aspect), where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What a study did, for the comparison with a question.

    Parameters
    ----------
    study : str
        Label, as in ``quality.csv`` and the pool.
    facts : mapping
        From an aspect to what the study used; None, or no entry, when it does not say.

    Raises
    ------
    InputError
        If an aspect is unknown.
    """

    study: str
    facts: Mapping[Aspect, str | None]

    def __post_init__(self) -> None:
        for aspect in self.facts:
            _check_aspect(aspect, where=f"study {self.study}")
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))


def information_size(effect: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Animals that one adequately powered experiment of two equal groups would need.

    GRADE calls it the optimal information size. In both groups together the number is
    N = 4 (z(1 − α/2) + z(power))²/d², by the normal approximation, with each group rounded up.

    Parameters
    ----------
    effect : float
        The smallest difference of means that matters over the standard deviation between animals,
        as log-volumes' difference over their SD; not 0.
    alpha : float, default 0.05
        Two-sided error of the first kind.
    power : float, default 0.8
        Power.

    Raises
    ------
    InputError
        If the effect is 0 or not finite, or alpha or power is not between 0 and 1.

    References
    ----------
    Guyatt GH and others. J Clin Epidemiol 2011;64:1283 (optimal information size).

    Examples
    --------
    >>> information_size(1.0)
    32
    """
    if not (math.isfinite(effect) and effect != 0):
        raise InputError("an effect that is finite and not 0", found=str(effect))
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise InputError(f"{name} between 0 and 1", found=str(value))
    quantile = float(special.ndtri(1 - alpha / 2) + special.ndtri(power))
    if quantile <= 0:
        raise InputError("a power above alpha / 2", found=f"{power} with alpha {alpha}")
    return 2 * max(1, math.ceil(2 * (quantile / effect) ** 2))
