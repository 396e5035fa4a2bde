"""Predictive against prognostic: markers of the drug's effect and markers of growth.

A line that grows slowly does so treated and untreated. A marker of slow growth is *prognostic*; it
goes with the treated outcome too. *Predictive* is what goes with the difference between treated
and control animals of the same line, the marker × treatment interaction. Both are given here, and
beside them what the treated animals alone would have said.

``difference`` regresses each line's difference, with the variance of a difference. ``mixed``
fits control and treated growth of all lines together, with correlated variances between lines by
REML, so that lines with only one of the two arms count as well; with both arms in every line and
equal errors it gives the same interaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.biomarkers.association import associate, match_lines
from oncovivo.biomarkers.association_result import Association, LineResponse, line_response
from oncovivo.biomarkers.association_task import MarkerScale
from oncovivo.biomarkers.discovery import DiscoveryMethod, q_values
from oncovivo.biomarkers.features import FeatureTable
from oncovivo.errors import DataError, InputError

__all__ = [
    "InteractionForm",
    "LinePairs",
    "PredictiveMarkers",
    "line_pairs",
    "predictive_markers",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
InteractionForm: TypeAlias = Literal["difference", "mixed"]

_FEWEST_PAIRS: Final = 3
# The search over three variances in units of the data; from two places, the higher one counts.
_STARTS: Final = ((0.7, 0.0, 0.7), (0.3, -0.2, 0.2))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinePairs:
    """Growth of untreated and of treated animals of each line.

    Parameters
    ----------
    lines : tuple of str
        In the order of their names; n of them.
    control, treated : ndarray, shape (n,)
        Growth rates, or log volumes at a day; NaN where an arm is missing.
    control_error, treated_error : ndarray, shape (n,)
        Their standard errors.
    covariance : ndarray, shape (n,)
        Of the two estimates, where one fit gave both; otherwise 0.
    n_animals : tuple of int, or None
        Animals of both arms.
    label : str
        What grows, with its unit.
    """

    lines: tuple[str, ...]
    control: FloatArray
    treated: FloatArray
    control_error: FloatArray
    treated_error: FloatArray
    covariance: FloatArray
    n_animals: tuple[int, ...] | None = None
    label: str = "growth rate (1/day)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveMarkers:
    """Both effects of each marker.

    Parameters
    ----------
    form : {"difference", "mixed"}
        How the interaction was fitted.
    prognostic : tuple of Association
        Marker on the growth of controls.
    predictive : tuple of Association
        Marker on the treatment's effect, treated less control: the interaction.
    treated_only : tuple of Association
        Marker on the growth of treated animals: the sum of the two, which alone tells neither.
    n_pairs : int
        Lines with both arms.
    remark : str
        Lines that were not used, and why.
    """

    form: InteractionForm
    prognostic: tuple[Association, ...]
    predictive: tuple[Association, ...]
    treated_only: tuple[Association, ...]
    n_pairs: int
    remark: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def line_pairs(
    lines: Sequence[str],
    control: ArrayLike,
    treated: ArrayLike,
    *,
    control_error: ArrayLike,
    treated_error: ArrayLike,
    covariance: ArrayLike | None = None,
    n_animals: Sequence[int] | None = None,
    label: str = "growth rate (1/day)",
) -> LinePairs:
    """Pairs of arms by line, checked and put in the order of the lines' names.

    Parameters
    ----------
    lines : sequence of str
        Names, each once.
    control, treated : array-like, shape (n,)
        NaN where a line lacks the arm.
    control_error, treated_error : array-like, shape (n,)
        Standard errors, positive where the arm is there.
    covariance : array-like, shape (n,), optional
        Of the two estimates; 0 without it.
    n_animals : sequence of int, optional
        Animals of both arms.
    label : str
        What grows.

    Raises
    ------
    InputError
        If lengths differ, a line comes twice, an error is not positive, or a covariance is more
        than the errors allow.
    """
    first = line_response(lines, control, std_error=control_error, n_animals=n_animals)
    second = line_response(lines, treated, std_error=treated_error)
    n = len(lines)
    together = np.zeros(n) if covariance is None else np.asarray(covariance, dtype=np.float64)
    if together.shape != (n,) or not np.isfinite(together).all():
        raise InputError(f"{n} covariances, one for each line", found=f"{together.shape}")
    order = np.array(sorted(range(n), key=lambda row: lines[row]), dtype=np.intp)
    together = together[order]
    first_error, second_error = first.std_error, second.std_error
    if first_error is None or second_error is None:
        raise InputError("standard errors of both arms", found="none")
    both = np.isfinite(first.effect) & np.isfinite(second.effect)
    wide = both & (np.abs(together) >= first_error * second_error)
    if wide.any():
        where = f"line {first.lines[int(np.flatnonzero(wide)[0])]}"
        expected = "a covariance smaller than the product of the standard errors"
        raise InputError(expected, found=f"{together[wide][0]:g}", where=where)
    return LinePairs(
        lines=first.lines,
        control=first.effect,
        treated=second.effect,
        control_error=first_error,
        treated_error=second_error,
        covariance=together,
        n_animals=first.n_animals,
        label=label,
    )


def predictive_markers(
    pairs: LinePairs,
    features: FeatureTable,
    *,
    form: InteractionForm = "difference",
    adjust: FeatureTable | None = None,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
    scale: MarkerScale = "unit",
    discovery: DiscoveryMethod = "bh",
    level: float = 0.95,
) -> PredictiveMarkers:
    """Each marker's effect on growth and on the treatment's effect.

    Parameters
    ----------
    pairs : LinePairs
        Both arms of the lines.
    features : FeatureTable
        The markers.
    form : {"difference", "mixed"}
        ``difference`` uses lines with both arms for the interaction; ``mixed`` all lines.
    adjust : FeatureTable, optional
        Covariates of the ``difference`` form, as in :func:`oncovivo.biomarkers.associate`.
    permutations : int
        Relabelings, of the ``difference`` form.
    rng : numpy.random.Generator, optional
        Source of randomness.
    scale, discovery, level
        As in :func:`oncovivo.biomarkers.associate`.

    Raises
    ------
    InputError
        If the form is another, or permutations or covariates are asked of ``mixed``.
    DataError
        If fewer than three lines have both arms: without controls a marker of growth cannot be
        told from one of the drug's effect.
    """
    if form not in get_args(InteractionForm):
        raise InputError("a form: difference or mixed", found=repr(form))
    if form == "mixed" and permutations:
        raise InputError("permutations with form 'difference'", found="with 'mixed'")
    if form == "mixed" and adjust is not None:
        raise InputError("covariates with form 'difference'", found="with 'mixed'")
    both = np.isfinite(pairs.control) & np.isfinite(pairs.treated)
    if both.sum() < _FEWEST_PAIRS:
        raise DataError(
            f"{_FEWEST_PAIRS} lines or more with a treated and a control arm",
            found=f"{int(both.sum())}",
            mend="a treated outcome alone cannot tell predictive from prognostic",
        )
    parts = {
        "prognostic": _response(pairs, pairs.control, pairs.control_error, "control"),
        "treated_only": _response(pairs, pairs.treated, pairs.treated_error, "treated"),
        "predictive": _response(pairs, pairs.treated - pairs.control, _gap_error(pairs), "effect"),
    }
    found: dict[str, tuple[Association, ...]] = {}
    for name, response in parts.items():
        drawn = permutations if name != "treated_only" else 0
        results = associate(
            response,
            features,
            adjust=adjust,
            permutations=drawn,
            rng=rng,
            scale=scale,
            discovery=discovery,
            level=level,
        )
        found[name] = tuple(replace(result, analysis=name) for result in results)
    if form == "mixed":
        found |= _mixed(pairs, features, found, scale, discovery, level)
    match = match_lines(parts["predictive"], features)
    words = [match.words] if match.words else []
    if not both.all():
        only = [
            line for line, paired in zip(pairs.lines, both.tolist(), strict=True) if not paired
        ]
        used = "used by the mixed form" if form == "mixed" else "not used for the interaction"
        more = ", …" if len(only) > 6 else ""
        words.append(f"{len(only)} lines with one arm, {used}: {', '.join(only[:6])}{more}")
    return PredictiveMarkers(
        form=form,
        prognostic=found["prognostic"],
        predictive=found["predictive"],
        treated_only=found["treated_only"],
        n_pairs=len(match.lines),
        remark="; ".join(words),
    )


def _gap_error(pairs: LinePairs) -> FloatArray:
    """Standard error of treated less control."""
    variance = pairs.control_error**2 + pairs.treated_error**2 - 2 * pairs.covariance
    return np.sqrt(variance)


def _response(pairs: LinePairs, effect: FloatArray, error: FloatArray, what: str) -> LineResponse:
    """Response of one kind."""
    return LineResponse(
        lines=pairs.lines,
        effect=effect,
        std_error=error,
        n_animals=pairs.n_animals,
        label=f"{pairs.label}, {what}",
        outcome="treated" if what == "treated" else "effect",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arms:
    """Both arms of lines with a marker: responses, errors, columns; zeros where an arm lacks."""

    control: FloatArray
    treated: FloatArray
    has_control: BoolArray
    has_treated: BoolArray
    control_variance: FloatArray
    treated_variance: FloatArray
    covariance: FloatArray
    columns: FloatArray


def _mixed(
    pairs: LinePairs,
    features: FeatureTable,
    found: dict[str, tuple[Association, ...]],
    scale: MarkerScale,
    discovery: DiscoveryMethod,
    level: float,
) -> dict[str, tuple[Association, ...]]:
    """Both effects of each marker by the model of both arms."""
    table = features.at(pairs.lines)
    prognostic, predictive = [], []
    for column, feature in enumerate(table.features):
        before = found["prognostic"][column], found["predictive"][column]
        values = table.values[:, column]
        levels = np.unique(values[np.isfinite(values)])
        one = feature.kind != "categorical" or levels.size == 2
        # What rules a marker out over lines with both arms rules it out here.
        if before[1].p_value is None or not one:
            reason = before[1].reason or "the mixed form takes numbers or two levels"
            prognostic.append(before[0])
            predictive.append(_without_numbers(before[1], reason))
            continue
        here = np.isfinite(values)
        x = values[here]
        unit = float(x.std(ddof=1))
        if feature.kind == "categorical":
            unit = float(levels[1] - levels[0])
        fitted = _fit_arms(_arms(pairs, here, (x - x.mean()) / unit))
        per = 1.0 if feature.kind == "categorical" or scale == "sd" else unit
        both = np.isfinite(pairs.control) & np.isfinite(pairs.treated) & here
        most = float(both.sum() - 2)
        for made, old, (estimate, error, df) in (
            (prognostic, before[0], fitted[0]),
            (predictive, before[1], fitted[1]),
        ):
            made.append(
                _by_t(
                    old,
                    estimate / per,
                    error / per,
                    most if df > most * (1 - 1e-9) else df,
                    level,
                    pairs,
                    here,
                )
            )
    return {
        name: _with_q(results, discovery)
        for name, results in (("prognostic", prognostic), ("predictive", predictive))
    }


def _without_numbers(result: Association, reason: str) -> Association:
    """A result that the mixed form does not give."""
    return Association(
        marker=result.marker,
        analysis=result.analysis,
        n_lines=result.n_lines,
        n_animals=result.n_animals,
        status="undefined",
        reason=reason,
        remark=result.remark,
        level=result.level,
    )


def _by_t(
    result: Association,
    estimate: float,
    error: float,
    df: float,
    level: float,
    pairs: LinePairs,
    here: BoolArray,
) -> Association:
    """Numbers of the mixed form in place of the others."""
    half = float(special.stdtrit(df, (1 + level) / 2)) * error
    used = here & (np.isfinite(pairs.control) | np.isfinite(pairs.treated))
    animals = pairs.n_animals
    return replace(
        result,
        estimate=estimate,
        std_error=error,
        lower=estimate - half,
        upper=estimate + half,
        p_value=2 * float(special.stdtr(df, -abs(estimate / error))),
        statistic=estimate / error,
        df=df,
        tau2=None,
        n_lines=int(used.sum()),
        n_animals=None
        if animals is None
        else sum(number for number, at in zip(animals, used.tolist(), strict=True) if at),
    )


def _with_q(results: Sequence[Association], discovery: DiscoveryMethod) -> tuple[Association, ...]:
    """Results with q-values of their own p-values."""
    p = np.array([np.nan if (value := one.p_for_q) is None else value for one in results])
    q = q_values(p, discovery).tolist()
    return tuple(
        replace(one, q_value=None if np.isnan(value) else value)
        for one, value in zip(results, q, strict=True)
    )


def _arms(pairs: LinePairs, here: BoolArray, x: FloatArray) -> _Arms:
    """Arms of the lines with the marker."""
    control, treated = pairs.control[here], pairs.treated[here]
    has_control, has_treated = np.isfinite(control), np.isfinite(treated)
    return _Arms(
        control=np.where(has_control, control, 0.0),
        treated=np.where(has_treated, treated, 0.0),
        has_control=has_control,
        has_treated=has_treated,
        control_variance=np.where(has_control, pairs.control_error[here] ** 2, 1.0),
        treated_variance=np.where(has_treated, pairs.treated_error[here] ** 2, 1.0),
        covariance=pairs.covariance[here],
        columns=np.column_stack([np.ones(x.size), x]),
    )


def _fit_arms(arms: _Arms) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Slope on the control and slope of the difference: estimate, standard error, df."""
    seen = np.concatenate([arms.control[arms.has_control], arms.treated[arms.has_treated]])
    unit = float(seen.std()) or 1.0

    def lost(roots: FloatArray) -> float:
        return _restricted(arms, roots * unit)[0]

    best = min(
        (
            scipy.optimize.minimize(lost, np.array(start), method="BFGS", options={"gtol": 1e-6})
            for start in _STARTS
        ),
        key=lambda search: float(search.fun),
    )
    _, beta, covariance = _restricted(arms, best.x * unit)
    width = arms.columns.shape[1]
    at, gap = width - 1, 2 * width - 1
    errors = np.sqrt(np.diag(covariance))
    df = _arms_df(arms, best.x * unit)
    return (
        (float(beta[at]), float(errors[at]), df[at]),
        (float(beta[gap]), float(errors[gap]), df[gap]),
    )


def _arms_df(arms: _Arms, roots: FloatArray) -> list[float]:
    """Satterthwaite's degrees of freedom of each coefficient, by the expected information."""
    growth, shared, own = roots[0] ** 2, roots[0] * roots[1], roots[1] ** 2 + roots[2] ** 2
    n = arms.control.size
    control, treated = np.eye(2)[0], np.eye(2)[1]
    # How each line's pair of arms depends on the variance of growth, the covariance of growth and
    # effect, and the variance of the effect.
    parts = [np.ones((2, 2)), np.array([[0.0, 1.0], [1.0, 2.0]]), np.outer(treated, treated)]
    line = growth * parts[0] + shared * parts[1] + own * parts[2]
    whole = np.kron(np.eye(n), line)
    whole += np.kron(np.diag(arms.control_variance), np.outer(control, control))
    whole += np.kron(np.diag(arms.treated_variance), np.outer(treated, treated))
    whole += np.kron(np.diag(arms.covariance), 1 - np.eye(2))
    design = np.zeros((2 * n, 2 * arms.columns.shape[1]))
    design[::2, : arms.columns.shape[1]] = arms.columns
    design[1::2] = np.column_stack([arms.columns, arms.columns])
    kept = np.column_stack([arms.has_control, arms.has_treated]).ravel()
    design = design[kept]
    inverse = np.linalg.inv(whole[np.ix_(kept, kept)])
    covariance = np.linalg.inv(design.T @ inverse @ design)
    project = inverse - inverse @ design @ covariance @ design.T @ inverse
    moved = [np.kron(np.eye(n), part)[np.ix_(kept, kept)] for part in parts]
    along = [project @ one for one in moved]
    information = np.array([[float((a * b.T).sum()) / 2 for b in along] for a in along])
    turned = inverse @ design @ covariance
    slopes = np.stack([np.diag(turned.T @ one @ turned) for one in moved])
    spread = np.einsum("rc,rs,sc->c", slopes, np.linalg.pinv(information), slopes)
    df = 2 * np.diag(covariance) ** 2 / np.maximum(spread, 1e-300)
    return [max(1.0, float(value)) for value in df]


def _restricted(arms: _Arms, roots: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Minus the restricted log-likelihood at a triangular root of the lines' covariance.

    A line's growth without treatment and its treatment's effect vary between lines; the treated
    arm is their sum.
    """
    growth, shared, own = roots[0] ** 2, roots[0] * roots[1], roots[1] ** 2 + roots[2] ** 2
    a = growth + arms.control_variance
    b = growth + shared + arms.covariance
    c = growth + 2 * shared + own + arms.treated_variance
    both = arms.has_control & arms.has_treated
    determinant = np.where(both, a * c - b * b, np.where(arms.has_control, a, c))
    p11 = np.where(both, c / determinant, np.where(arms.has_control, 1 / a, 0.0))
    p12 = np.where(both, -b / determinant, 0.0)
    p22 = np.where(both, a / determinant, np.where(arms.has_treated, 1 / c, 0.0))
    # Lines without either arm have neither precision nor determinant.
    counted = arms.has_control | arms.has_treated
    p11, p22 = p11 * counted, p22 * counted
    z = arms.columns
    whole = p11 + 2 * p12 + p22
    treated = p12 + p22
    cross = z.T @ (z * treated[:, None])
    information = np.block(
        [
            [z.T @ (z * whole[:, None]), cross],
            [cross, z.T @ (z * p22[:, None])],
        ]
    )
    first = (p11 + p12) * arms.control + treated * arms.treated
    second = p12 * arms.control + p22 * arms.treated
    right = np.concatenate([z.T @ first, z.T @ second])
    beta = np.linalg.solve(information, right)
    square = p11 * arms.control**2 + 2 * p12 * arms.control * arms.treated
    square = square + p22 * arms.treated**2
    left = float(square.sum() - beta @ right)
    logs = float(np.log(determinant[counted]).sum()) + float(np.linalg.slogdet(information)[1])
    return (logs + left) / 2, beta, np.linalg.inv(information)
