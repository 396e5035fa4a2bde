"""The pooled effect of independent or nested rows under the names of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.meta_result import MetaEstimate, MetaOptions
from oncovivo.evidence.meta.known_covariance import CovarianceBlock
from oncovivo.evidence.meta.multilevel import MultilevelResult
from oncovivo.evidence.meta.types import PooledResult

__all__ = ["nested_estimate", "nested_weights", "pooled_estimate"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


def pooled_estimate(pooled: PooledResult) -> MetaEstimate:
    """Independent rows pooled.

    Parameters
    ----------
    pooled : PooledResult
        What was found.
    """
    missing: dict[str, str] = {}
    if pooled.k == 1:
        missing["tau2"] = missing["pi"] = "one row: nothing is pooled"
    elif pooled.method == "EE":
        missing["tau2_limits"] = missing["pi"] = "equal effects: no variance between rows"
    elif pooled.pi_lower is None:
        missing["pi"] = f"{pooled.k} rows leave no degree of freedom"
    return MetaEstimate(
        measure=pooled.measure,
        method=pooled.method,
        test=pooled.test,
        k=pooled.k,
        estimate=pooled.estimate,
        std_error=pooled.std_error,
        statistic=pooled.statistic,
        df=pooled.df,
        p_value=pooled.p_value,
        lower=pooled.lower,
        upper=pooled.upper,
        tau2=pooled.tau2,
        tau2_std_error=pooled.tau2_std_error,
        tau2_lower=pooled.tau2_lower,
        tau2_upper=pooled.tau2_upper,
        i2=pooled.i2,
        i2_lower=pooled.i2_lower,
        i2_upper=pooled.i2_upper,
        h2=pooled.h2,
        h2_lower=pooled.h2_lower,
        h2_upper=pooled.h2_upper,
        q=pooled.q,
        q_df=pooled.q_df,
        q_p_value=pooled.q_p_value,
        pi_lower=pooled.pi_lower,
        pi_upper=pooled.pi_upper,
        prediction=pooled.prediction,
        log_likelihood=pooled.log_likelihood,
        level=pooled.level,
        missing=missing,
    )


def nested_estimate(nested: MultilevelResult, options: MetaOptions) -> MetaEstimate:
    """Nested rows pooled; limits of the variances stand with the levels.

    Parameters
    ----------
    nested : MultilevelResult
        What was found, of a model that is a single mean.
    options : MetaOptions
        What was asked for.
    """
    one = nested.coefficients[0]
    i2 = nested.i2
    missing = {"tau2_limits": "the sum of several variances; each level has its own limits"}
    only = nested.components[0] if len(nested.components) == 1 else None
    if only is not None:
        missing = {}
    if nested.pi_lower is None:
        missing["pi"] = "too few groups of the outermost level"
    return MetaEstimate(
        measure=nested.measure,
        method=nested.method,
        test=nested.test,
        k=nested.k,
        estimate=one.estimate,
        std_error=one.std_error,
        statistic=one.statistic,
        df=one.df,
        p_value=one.p_value,
        lower=one.lower,
        upper=one.upper,
        tau2=sum(part.variance for part in nested.components),
        tau2_std_error=None,
        tau2_lower=None if only is None else only.lower,
        tau2_upper=None if only is None else only.upper,
        i2=i2,
        i2_lower=None,
        i2_upper=None,
        # I² = (H² − 1)/H²
        h2=None if i2 is None or i2 >= 100.0 else 1.0 / (1.0 - i2 / 100.0),
        h2_lower=None,
        h2_upper=None,
        q=nested.qe,
        q_df=nested.qe_df,
        q_p_value=nested.qe_p_value,
        pi_lower=nested.pi_lower,
        pi_upper=nested.pi_upper,
        prediction=options.prediction,
        log_likelihood=nested.log_likelihood,
        level=nested.level,
        missing=missing,
    )


def nested_weights(nested: MultilevelResult, levels: Mapping[str, Sequence[str]]) -> FloatArray:
    """Share of each row in the pooled mean: row sums of the inverse covariance, shape (k,).

    Parameters
    ----------
    nested : MultilevelResult
        The model.
    levels : mapping of str to sequence of str
        Groups of each level, from the outermost inward.
    """
    known, cluster = nested.fit.known, nested.fit.model.cluster
    paths: list[tuple[str, ...]] = [()] * nested.k
    groups: list[IntArray] = []
    for names in levels.values():
        paths = [(*path, name) for path, name in zip(paths, names, strict=True)]
        number = {path: at for at, path in enumerate(dict.fromkeys(paths))}
        groups.append(np.array([number[path] for path in paths], dtype=np.intp))
    weight = np.zeros(nested.k)
    place = np.zeros(nested.k, dtype=np.intp)
    blocks: dict[int, list[CovarianceBlock]] = {}
    for one in known.blocks:
        blocks.setdefault(int(cluster[one.rows[0]]), []).append(one)
    for name in range(int(cluster.max()) + 1):
        rows = np.flatnonzero(cluster == name)
        place[rows] = np.arange(rows.size)
        total = np.diag(known.vi[rows])
        for block in blocks.get(name, []):
            total[np.ix_(place[block.rows], place[block.rows])] = block.matrix
        for part, group in zip(nested.components, groups, strict=True):
            total = total + part.variance * (group[rows][:, None] == group[rows])
        weight[rows] = np.linalg.solve(total, np.ones(rows.size))
    return np.asarray(weight / weight.sum())
