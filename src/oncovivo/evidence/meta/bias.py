"""Small-study effects: Egger's test and PET-PEESE.

If small experiments are published only when their effect is large, small experiments show larger
effects. The tests here ask whether effects go with their imprecision; they cannot tell missing
experiments from small ones that differ for another reason.

For standardized mean differences the standard error is no measure of imprecision alone. Its square
is 1/nₜ + 1/n_c plus a term that grows with the square of the effect itself, so that with the few
animals of an experiment large effects have large standard errors although nothing is missing:
Egger's test, PET and trim and fill then find bias in every pool of real effects (Zwetsloot and
others, eLife 2017;6:e24260; Pustejovsky and Rodgers, Res Synth Methods 2019;10:57). The variants
with ``precision="size"`` use √(1/nₜ + 1/n_c), which depends on the animals only, as predictor and
as weight; they are the default for these measures. The alternative is to pool log ratios of means,
whose standard error does not depend on the effect to first order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from scipy import special

from oncovivo.errors import InputError
from oncovivo.evidence.meta.lines import WeightedLines, mixed_lines, weighted_lines
from oncovivo.evidence.meta.precision import (
    Precision,
    bias_warnings,
    check_imprecision,
    checked_precision,
    imprecision,
)
from oncovivo.evidence.meta.types import (
    Coefficient,
    MetaWarning,
    Rows,
    checked_level,
    plain_fields,
)

__all__ = ["AsymmetryTest", "EggerModel", "PetPeese", "egger_test", "pet_peese"]

EggerModel: TypeAlias = Literal["weighted", "mixed"]
"""Errors multiplied by a common factor (Egger's own), or a variance between rows added (REML)."""

# PET's intercept must differ from 0 at this level, two-sided, for PEESE to be used: 5 % one-sided.
_PET_LEVEL: Final = 0.10
_TERMS: Final = ("limit", "slope")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsymmetryTest:
    """Egger's regression of effects on their imprecision.

    Parameters
    ----------
    model : {"weighted", "mixed"}
        How rows may differ beyond sampling error.
    precision : {"se", "size"}
        What the predictor is.
    k : int
        Rows.
    slope : Coefficient
        Of the predictor; its p-value is that of the test. 0 if nothing is missing.
    limit : Coefficient
        Effect at a predictor of 0.
    dispersion : float or None
        Factor of the squared errors in the weighted model.
    tau2 : float or None
        Variance between rows in the mixed model.
    warnings : tuple of MetaWarning
        What should be known.
    """

    model: EggerModel
    precision: Precision
    k: int
    slope: Coefficient
    limit: Coefficient
    dispersion: float | None
    tau2: float | None
    warnings: tuple[MetaWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PetPeese:
    """Effect of an infinitely large study, extrapolated.

    Parameters
    ----------
    precision : {"se", "size"}
        What imprecision is measured by.
    k : int
        Rows.
    pet, peese : tuple of Coefficient
        Intercept and slope of the lines on imprecision, and on its square.
    chosen : {"PET", "PEESE"}
        PEESE if PET's intercept differs from 0 in the direction of the rows' mean (5 %,
        one-sided), else PET.
    estimate, lower, upper : float
        Intercept of the chosen line, with limits.
    warnings : tuple of MetaWarning
        What should be known.
    """

    precision: Precision
    k: int
    pet: tuple[Coefficient, Coefficient]
    peese: tuple[Coefficient, Coefficient]
    chosen: Literal["PET", "PEESE"]
    estimate: float
    lower: float
    upper: float
    warnings: tuple[MetaWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def egger_test(
    rows: Rows,
    *,
    model: EggerModel = "mixed",
    precision: Precision = "auto",
    test: Literal["t", "z"] = "t",
    level: float = 0.95,
) -> AsymmetryTest:
    """Test of funnel plot asymmetry by regression on imprecision.

    Parameters
    ----------
    rows : Rows
        Effect sizes; for ``precision="size"`` with their animals.
    model : {"mixed", "weighted"}, default "mixed"
        Meta-regression with a variance between rows by REML, or Egger's own regression, in which
        rows differ by a common factor more than by sampling error. Among many log ratios of means
        of few animals Egger's own finds asymmetry a little too often.
    precision : {"auto", "se", "size"}, default "auto"
        Predictor. With "size" sampling variances are taken as proportional to 1/nₜ + 1/n_c too.
        Auto takes "size" for standardized mean differences, whose standard error holds their
        effect.
    test : {"t", "z"}, default "t"
        For the mixed model: Knapp and Hartung's standard error and t with k - 2 degrees of
        freedom, or z as in metafor. The weighted model is always tested by t.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError
        Animals are needed and missing.
    DataError
        Fewer than 3 rows, or rows of the same imprecision.

    Examples
    --------
    >>> rows = Rows.of(list("abcd"), [-0.2, -0.4, -0.5, -0.9], [0.01, 0.04, 0.05, 0.2])
    >>> round(egger_test(rows).slope.estimate, 3)
    -2.107
    """
    checked_level(level)
    kind = checked_precision(rows, precision)
    x, variance = imprecision(rows, kind)
    check_imprecision(rows, x)
    warnings = bias_warnings(rows, kind)
    k = len(rows)
    if model == "weighted":
        line = weighted_lines(rows.yi[None], x[None], variance[None])
        limit, slope = _line_coefficients(line, k, level)
        return AsymmetryTest(
            model=model,
            precision=kind,
            k=k,
            slope=slope,
            limit=limit,
            dispersion=float(line.dispersion[0]),
            tau2=None,
            warnings=warnings,
        )
    if model != "mixed":
        raise InputError("a model out of weighted, mixed", found=repr(model))
    mixed = mixed_lines(rows.yi[None], x[None], variance[None])
    if not mixed.converged[0]:
        message = "the search for the variance between rows did not arrive"
        warnings = (*warnings, MetaWarning(code="not_converged", message=message))
    line, df = mixed.line, None if test == "z" else k - 2
    shrink = float(line.dispersion[0]) ** 0.5 if df is None else 1.0
    limit, slope = (
        _coefficient(
            name,
            float(line.coefficients[0, i]),
            float(line.std_error[0, i]) / shrink,
            df,
            level,
        )
        for i, name in enumerate(_TERMS)
    )
    return AsymmetryTest(
        model=model,
        precision=kind,
        k=k,
        slope=slope,
        limit=limit,
        dispersion=None,
        tau2=float(mixed.tau2[0]),
        warnings=warnings,
    )


def pet_peese(rows: Rows, *, precision: Precision = "auto", level: float = 0.95) -> PetPeese:
    """Effect extrapolated to a study without sampling error.

    PET is the intercept of the weighted line on imprecision, PEESE that on its square (Stanley and
    Doucouliagos, Res Synth Methods 2014;5:60). The extrapolation is far where all experiments are
    small, and both are unreliable where effects differ much between rows.

    Parameters
    ----------
    rows : Rows
        Effect sizes; for ``precision="size"`` with their animals.
    precision : {"auto", "se", "size"}, default "auto"
        As for `egger_test`.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError, DataError
        As for `egger_test`.

    Examples
    --------
    >>> rows = Rows.of(list("abcd"), [-0.2, -0.4, -0.5, -0.9], [0.01, 0.04, 0.05, 0.2])
    >>> result = pet_peese(rows)
    >>> result.chosen, round(result.estimate, 3)
    ('PET', 0.008)
    """
    checked_level(level)
    kind = checked_precision(rows, precision)
    x, variance = imprecision(rows, kind)
    check_imprecision(rows, x)
    k = len(rows)
    y = rows.yi[None]
    pet = _line_coefficients(weighted_lines(y, x[None], variance[None]), k, level)
    squared = weighted_lines(y, (x * x)[None], variance[None])
    peese = _line_coefficients(squared, k, level)
    mean = float((rows.yi / variance).sum())
    same = pet[0].estimate * mean > 0
    chosen: Literal["PET", "PEESE"]
    chosen = "PEESE" if same and pet[0].p_value < _PET_LEVEL else "PET"
    line = peese if chosen == "PEESE" else pet
    return PetPeese(
        precision=kind,
        k=k,
        pet=pet,
        peese=peese,
        chosen=chosen,
        estimate=line[0].estimate,
        lower=line[0].lower,
        upper=line[0].upper,
        warnings=bias_warnings(rows, kind),
    )


def _coefficient(
    term: str, estimate: float, error: float, df: int | None, level: float
) -> Coefficient:
    statistic = estimate / error if error > 0 else math.copysign(math.inf, estimate)
    if df is None:
        p_value = 2 * float(special.ndtr(-abs(statistic)))
        reach = float(special.ndtri(0.5 + level / 2)) * error
    else:
        p_value = 2 * float(special.stdtr(df, -abs(statistic)))
        reach = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return Coefficient(
        term=term,
        estimate=estimate,
        std_error=error,
        statistic=statistic,
        df=df,
        p_value=p_value,
        lower=estimate - reach,
        upper=estimate + reach,
    )


def _line_coefficients(
    line: WeightedLines, k: int, level: float
) -> tuple[Coefficient, Coefficient]:
    first, second = (
        _coefficient(
            name, float(line.coefficients[0, i]), float(line.std_error[0, i]), k - 2, level
        )
        for i, name in enumerate(_TERMS)
    )
    return first, second
