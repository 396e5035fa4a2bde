"""Array kernels: resampling and the product-limit estimator."""

from __future__ import annotations

from oncovivo.numerics.product_limit import (
    ProductLimit,
    median_survival_limits,
    median_survival_time,
    product_limit,
)
from oncovivo.numerics.resampling import (
    bootstrap_log_ratio_limits,
    permutation_sum_test,
    resample_rows,
)

__all__ = [
    "ProductLimit",
    "bootstrap_log_ratio_limits",
    "median_survival_limits",
    "median_survival_time",
    "permutation_sum_test",
    "product_limit",
    "resample_rows",
]
