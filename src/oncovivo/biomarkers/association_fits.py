"""One marker looked at closely: fitted line or means of levels, and what each line does to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.biomarkers.association import associate, match_lines
from oncovivo.biomarkers.association_kernels import fit_meta_regressions
from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.association_task import AssociationMethod
from oncovivo.biomarkers.features import FeatureTable
from oncovivo.errors import DataError

__all__ = [
    "LevelMean",
    "LineInfluence",
    "MarkerInfluence",
    "MarkerView",
    "leave_one_line_out",
    "marker_view",
]

FloatArray: TypeAlias = NDArray[np.float64]

_GRID: Final = 61


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMean:
    """Mean response of the lines of a level, by the same weights as the regression.

    Parameters
    ----------
    level : str
        Its name.
    n_lines : int
        Lines.
    estimate, lower, upper : float
        Mean and limits; the variance between lines is that of all levels together.
    """

    level: str
    n_lines: int
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkerView:
    """One marker, the lines, and the regression through them.

    Parameters
    ----------
    association : Association
        The marker's result.
    label : str
        What the response is.
    unit : str
        Of the marker; empty where it is not known.
    lines : tuple of str
        Lines with response and marker, n of them.
    marker, effect, std_error : ndarray, shape (n,)
        Values or codes, responses, standard errors (None without them).
    grid, fitted, lower, upper : ndarray, shape (g,)
        The regression with its pointwise limits; empty for categories.
    means : tuple of LevelMean
        Means of the levels; empty for numbers.
    """

    association: Association
    label: str
    unit: str
    lines: tuple[str, ...]
    marker: FloatArray
    effect: FloatArray
    std_error: FloatArray | None
    grid: FloatArray
    fitted: FloatArray
    lower: FloatArray
    upper: FloatArray
    means: tuple[LevelMean, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInfluence:
    """An association without one line.

    Parameters
    ----------
    line : str
        The line left out.
    estimate, lower, upper, p_value : float or None
        Without it; None where the rest cannot carry the analysis.
    change : float or None
        Estimate without the line less the estimate with it.
    reason : str
        Why there are no numbers.
    """

    line: str
    estimate: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    change: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerInfluence:
    """What single lines do to an association.

    Parameters
    ----------
    association : Association
        With all lines.
    lines : tuple of LineInfluence
        Without each, in the order of names.
    largest : str
        The line whose loss moves the estimate most; empty where no estimate exists.
    turning : tuple of str
        Lines whose loss turns the sign, or moves p over one less the level.
    """

    association: Association
    lines: tuple[LineInfluence, ...]
    largest: str
    turning: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def marker_view(
    response: LineResponse, features: FeatureTable, marker: str, *, level: float = 0.95
) -> MarkerView:
    """A marker with its lines and regression, to be drawn.

    Parameters
    ----------
    response : LineResponse
        Response of the lines; without standard errors lines count alike.
    features : FeatureTable
        The markers.
    marker : str
        Which.
    level : float
        Confidence of limits.

    Raises
    ------
    InputError
        If there is no such marker.
    DataError
        If the marker has no regression; says why.
    """
    table = features.select([marker])
    feature = table.features[0]
    method: AssociationMethod = "unweighted" if response.std_error is None else "weighted"
    (association,) = associate(response, table, method=method, level=level)
    if association.p_value is None:
        expected = f"a marker with a regression of {response.label}"
        raise DataError(expected, found=association.reason, where=marker)
    names = match_lines(response, table).lines
    values = table.at(names).values[:, 0]
    lines = tuple(line for line, value in zip(names, values, strict=True) if np.isfinite(value))
    values = values[np.isfinite(values)]
    place = {line: row for row, line in enumerate(response.lines)}
    used = response.take(np.array([place[line] for line in lines], dtype=np.intp))
    variance = None if used.std_error is None else used.std_error**2
    grid = np.empty(0)
    if feature.kind == "categorical":
        codes = np.unique(values)
        design, rows = (values[:, None] == codes).astype(np.float64), np.eye(codes.size)
    else:
        grid = np.linspace(values.min(), values.max(), _GRID)
        center, spread = values.mean(), values.std()
        design = np.column_stack([np.ones(values.size), (values - center) / spread])
        rows = np.column_stack([np.ones(_GRID), (grid - center) / spread])
    here = np.ones((1, values.size), dtype=np.bool_)
    fit = fit_meta_regressions(used.effect, variance, design[None], here)
    center_line = rows @ fit.coefficients[0]
    error = np.sqrt(np.einsum("gi,ij,gj->g", rows, fit.covariance[0], rows))
    df = np.array([float(fit.contrast_df(row)[0]) for row in rows])
    half = special.stdtrit(df, (1 + level) / 2) * error
    means: tuple[LevelMean, ...] = ()
    fitted, lower, upper = center_line, center_line - half, center_line + half
    if feature.kind == "categorical":
        means = tuple(
            LevelMean(
                level=feature.levels[int(code)],
                n_lines=int((values == code).sum()),
                estimate=float(fitted[at]),
                lower=float(lower[at]),
                upper=float(upper[at]),
            )
            for at, code in enumerate(codes.tolist())
        )
        fitted = lower = upper = np.empty(0)
    return MarkerView(
        association=association,
        label=response.label,
        unit=feature.unit,
        lines=lines,
        marker=values,
        effect=used.effect,
        std_error=used.std_error,
        grid=grid,
        fitted=fitted,
        lower=lower,
        upper=upper,
        means=means,
    )


def leave_one_line_out(
    response: LineResponse,
    features: FeatureTable,
    marker: str,
    *,
    adjust: FeatureTable | None = None,
    method: AssociationMethod = "weighted",
    level: float = 0.95,
) -> MarkerInfluence:
    """An association again without each line.

    Parameters
    ----------
    response, features, adjust, method, level
        As in :func:`oncovivo.biomarkers.associate`.
    marker : str
        Which.

    Raises
    ------
    InputError
        If there is no such marker.
    DataError
        If the lines cannot carry the analysis.

    Examples
    --------
    >>> from oncovivo.biomarkers.association_result import line_response
    >>> from oncovivo.biomarkers.features import feature_table
    >>> lines = [f"L{number}" for number in range(6)]
    >>> response = line_response(lines, [0.1, -0.1, 0.05, 0.0, -0.05, 5.0])
    >>> table = feature_table(lines, {"S6": [1.0, 2, 1, 2, 1, 9]})
    >>> leave_one_line_out(response, table, "S6", method="unweighted").largest
    'L5'
    """
    table = features.select([marker])
    (whole,) = associate(response, table, adjust=adjust, method=method, level=level)
    lines = match_lines(response, table).lines
    found = []
    for line in lines:
        kept = np.array([name != line for name in response.lines])
        try:
            (part,) = associate(
                response.take(kept), table, adjust=adjust, method=method, level=level
            )
        except DataError as error:
            part = Association(marker=marker, analysis=method, reason=str(error))
        change = None
        if part.estimate is not None and whole.estimate is not None:
            change = part.estimate - whole.estimate
        found.append(
            LineInfluence(
                line=line,
                estimate=part.estimate,
                lower=part.lower,
                upper=part.upper,
                p_value=part.p_value,
                change=change,
                reason=part.reason if part.p_value is None else "",
            )
        )
    known = [one for one in found if one.change is not None]
    largest = max(known, key=lambda one: abs(one.change or 0.0)).line if known else ""
    turning = tuple(one.line for one in found if _turns(one, whole))
    return MarkerInfluence(association=whole, lines=tuple(found), largest=largest, turning=turning)


def _turns(part: LineInfluence, whole: Association) -> bool:
    """Whether the loss of a line changes what one would say."""
    if whole.p_value is None or part.p_value is None:
        return False
    alpha = 1 - whole.level
    if (part.p_value < alpha) != (whole.p_value < alpha):
        return True
    # Around no correlation, difference or slope; shares of pairs lie around one half.
    neutral = 0.5 if whole.analysis in ("concordance", "wilcoxon") else 0.0
    neutral = 1.0 if whole.analysis == "fisher" else neutral
    if part.estimate is None or whole.estimate is None:
        return False
    return (part.estimate - neutral) * (whole.estimate - neutral) < 0
