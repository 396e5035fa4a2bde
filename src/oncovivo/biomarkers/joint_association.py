"""Several markers in one model: each one's association with the others held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oncovivo.biomarkers.association import associate, match_lines
from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.association_task import AssociationMethod, MarkerScale
from oncovivo.biomarkers.features import FeatureTable
from oncovivo.errors import DataError

__all__ = ["associate_jointly"]


def associate_jointly(
    response: LineResponse,
    features: FeatureTable,
    *,
    scale: MarkerScale = "unit",
    level: float = 0.95,
) -> tuple[Association, ...]:
    """Weighted regression of the response on all markers at once, over lines that have them all.

    Parameters
    ----------
    response : LineResponse
        Response of the lines; without standard errors lines count alike.
    features : FeatureTable
        The markers.
    scale : {"unit", "sd"}
        As in :func:`oncovivo.biomarkers.associate`.
    level : float
        Confidence of limits.

    Returns
    -------
    tuple of Association
        With analysis ``joint``; no q-values, which are for markers one by one.

    Raises
    ------
    DataError
        If there are as many coefficients as lines, or more: without shrinkage such a model fits
        anything.

    Examples
    --------
    >>> from oncovivo.biomarkers.association_result import line_response
    >>> from oncovivo.biomarkers.features import feature_table
    >>> lines = [f"L{number}" for number in range(5)]
    >>> table = feature_table(lines, {"a": [0.0, 1, 0, 1, 0], "b": [0.0, 0, 1, 1, 0]})
    >>> found = associate_jointly(line_response(lines, [1.1, 3.0, 2.0, 4.0, 0.9]), table)
    >>> [round(one.estimate, 3) for one in found]
    [2.0, 1.0]
    """
    lines = match_lines(response, features).lines
    values = features.at(lines).values
    whole = np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)
    kept = [line for line, known in zip(lines, whole.tolist(), strict=True) if known]
    levels = sum(max(1, len(feature.levels) - 1) for feature in features.features)
    if levels + 1 >= len(kept):
        raise DataError(
            f"fewer coefficients than lines in one model ({len(kept)} lines have all markers)",
            found=f"{levels + 1} coefficients",
            mend="test markers one by one, choose fewer, or predict with shrinkage",
        )
    at = features.at(kept)
    method: AssociationMethod = "unweighted" if response.std_error is None else "weighted"
    results = []
    for feature in features.features:
        others = [name for name in features.names if name != feature.name]
        (result,) = associate(
            response,
            at.select([feature.name]),
            adjust=at.select(others) if others else None,
            method=method,
            scale=scale,
            level=level,
        )
        left_out = len(lines) - len(kept)
        words = [result.remark] if result.remark else []
        if left_out:
            words.append(f"{left_out} of {len(lines)} lines lack a marker")
        results.append(replace(result, analysis="joint", q_value=None, remark="; ".join(words)))
    return tuple(results)
