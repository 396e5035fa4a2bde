"""Every null model on every scale that it has, from one fit; and the same with CR2 beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar, get_args

from oncovivo.combination.bliss import bliss
from oncovivo.combination.hsa import hsa
from oncovivo.combination.quantities import GROWTH_SCALES
from oncovivo.combination.response_additivity import (
    SIZE_SCALES,
    SizeScale,
    response_additivity,
)
from oncovivo.combination.result import Null, Scale, SynergyResult
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit, fit_growth

__all__ = ["NULLS", "Sensitivity", "compare_nulls", "sensitivity"]

Word = TypeVar("Word", Null, Scale)
Pair: TypeAlias = tuple[Null, Scale]

_SIZES: Final[Mapping[Scale, SizeScale]] = {scale: scale for scale in SIZE_SCALES}

NULLS: Final[tuple[Null, ...]] = get_args(Null)
"""All null models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """An answer, and the same question answered with cluster-robust errors.

    Parameters
    ----------
    result : SynergyResult
        With the inference of the fit.
    robust : SynergyResult
        With the cluster-robust covariance CR2 and its Satterthwaite degrees of freedom. The
        estimate is the same.
    """

    result: SynergyResult
    robust: SynergyResult

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.result.verdict == self.robust.verdict

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "result": self.result.to_dict(),
            "robust": self.robust.to_dict(),
            "agrees": self.agrees,
        }


def compare_nulls(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    nulls: Sequence[Null] = NULLS,
    scales: Sequence[Scale] = GROWTH_SCALES,
    day: float | None = None,
    level: float = 0.95,
) -> tuple[SynergyResult, ...]:
    """The whole combination, then each pair, against null models on the scales that they have.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    nulls : sequence of {"bliss", "hsa", "response_additivity"}
        Which, in the order of the results; all without it.
    scales : sequence of {"growth_rate", "relative_volume", "tgi", "auc"}
        Which, in the order of the results; all without it. Response additivity has no rates.
    day : float, optional
        Study day of the indices; else, for each question, the last on which each arm was read.
    level : float
        Confidence, each result alone.

    Raises
    ------
    InputError
        If nothing is chosen, a null model or a scale is none, an arm is not in the fit, the day is
        not after the baseline, or the level is none.

    Notes
    -----
    The nulls are different questions, and differ in what they call synergy on the same data.
    Choose one before the data are seen; the others show how far the answer hangs on the choice.
    """
    pairs = _pairs(nulls, scales)
    return tuple(
        _answer(fit, question, pair, day=day, level=level)
        for question in arms.questions
        for pair in pairs
    )


def sensitivity(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    nulls: Sequence[Null] = NULLS,
    scales: Sequence[Scale] = GROWTH_SCALES,
    day: float | None = None,
    level: float = 0.95,
) -> tuple[Sensitivity, ...]:
    """Answers of :func:`compare_nulls`, each beside its answer with the covariance CR2.

    The model is fitted again with ``df="cr2"``: estimates stay, standard errors and degrees of
    freedom no longer rest on the model's covariance of the readings.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model, with Kenward-Roger or Satterthwaite inference.
    arms : CombinationArms
        Roles.
    nulls, scales : sequence
        As for :func:`compare_nulls`.
    day : float, optional
        As for :func:`compare_nulls`.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If the fit is of censored readings or is a cluster-robust one itself, or as for
        :func:`compare_nulls`.
    """
    if fit.model.df == "cr2":
        expected = "a fit with Kenward-Roger or Satterthwaite inference to hold against CR2"
        raise InputError(expected, found="CR2")
    if fit.n_censored:
        expected = "a fit without censored readings"
        raise InputError(expected, found=f"{fit.n_censored} of them", mend="CR2 needs residuals")
    robust = fit_growth(fit.data, replace(fit.model, df="cr2"))
    both = (
        compare_nulls(made, arms, nulls=nulls, scales=scales, day=day, level=level)
        for made in (fit, robust)
    )
    return tuple(
        Sensitivity(result=result, robust=again) for result, again in zip(*both, strict=True)
    )


def _pairs(nulls: Sequence[Null], scales: Sequence[Scale]) -> tuple[Pair, ...]:
    """Null models with the scales that each has."""
    chosen = _chosen(nulls, NULLS, what="a null model")
    on = _chosen(scales, GROWTH_SCALES, what="a scale of growth")
    pairs = tuple(
        (null, scale)
        for null in chosen
        for scale in on
        if null != "response_additivity" or scale in _SIZES
    )
    if not pairs:
        expected = "a scale of sizes for response additivity: " + ", ".join(SIZE_SCALES)
        mend = "effects on rates do not add up to an effect on sizes"
        raise InputError(expected, found=", ".join(on), mend=mend)
    return pairs


def _chosen(words: Sequence[Word], known: Sequence[Word], *, what: str) -> tuple[Word, ...]:
    for word in words:
        if word not in known:
            raise InputError(f"{what}: " + ", ".join(known), found=repr(word))
    if not words:
        raise InputError(f"{what}: " + ", ".join(known), found="none")
    return tuple(dict.fromkeys(words))


def _answer(
    fit: GrowthFit, question: CombinationArms, pair: Pair, *, day: float | None, level: float
) -> SynergyResult:
    null, scale = pair
    if null == "bliss":
        return bliss(fit, question, scale=scale, day=day, level=level)
    if null == "hsa":
        return hsa(fit, question, scale=scale, day=day, level=level)
    return response_additivity(fit, question, scale=_SIZES[scale], day=day, level=level)
