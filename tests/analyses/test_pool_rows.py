"""Pooled effects as rows of claims: ratios, independent works, and which side is better."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from oncovivo.analyses.evidence_pools import EvidencePool, RowEffect, TumorPools
from oncovivo.analyses.pool_rows import PoolDirection, pool_direction, pool_rows
from oncovivo.evidence import META_COLUMNS
from oncovivo.evidence.meta import Measure
from oncovivo.evidence.poolability import Poolability
from oncovivo.evidence.vocabulary import words

LOWER, HIGHER = (-0.8, -0.2), (0.2, 0.8)


def effect(name: str, measure: Measure) -> RowEffect:
    return RowEffect(row_id=name, measure=measure, yi=-0.5, vi=0.04, n_treated=8, n_control=8)


def pooled(
    measure: Measure = "ROM",
    endpoints: tuple[str, ...] = ("tumor_volume",),
    limits: tuple[float, float] = LOWER,
) -> EvidencePool:
    return EvidencePool(
        tumor="RCC",
        treatment="temsirolimus",
        endpoints=endpoints,
        measure=measure,
        rows=tuple(effect(name, measure) for name in "abc"),
        works=("w1", "w1", "w2"),
        weights=(0.3, 0.3, 0.4),
        method="",
        estimate=sum(limits) / 2,
        lower=limits[0],
        upper=limits[1],
        p_value=0.01,
        df=2.0,
        tau2=0.1,
        i2=40.0,
        pi_lower=-1.5,
        pi_upper=0.5,
        bias_p=None,
        level=0.95,
        warnings=(),
    )


def tumor(*pools: EvidencePool) -> TumorPools:
    found = Poolability(rows=("a", "b", "c"), obstacles=())
    return TumorPools(tumor="RCC", found=found, pools=pools, alone=())


def test_a_row_has_the_declared_columns_in_their_order() -> None:
    (row,) = pool_rows(tumor(pooled()))
    assert list(row.cells()) == [column.name for column in META_COLUMNS]


def test_the_words_of_a_claim_are_those_of_the_analysis() -> None:
    assert words("pool_measure") == get_args(Measure)
    assert words("pool_direction") == get_args(PoolDirection)


def test_a_ratio_is_the_exponential_of_its_logarithm_with_all_limits() -> None:
    (row,) = pool_rows(tumor(pooled()))
    assert row.ratio == math.exp(-0.5)
    assert (row.ratio_lower, row.ratio_upper) == (math.exp(-0.8), math.exp(-0.2))
    assert (row.ratio_pi_lower, row.ratio_pi_upper) == (math.exp(-1.5), math.exp(0.5))
    assert (row.estimate, row.pi_lower, row.pi_upper) == (-0.5, -1.5, 0.5)


def test_what_is_no_ratio_has_none() -> None:
    (row,) = pool_rows(tumor(pooled("SMD")))
    cells = row.cells()
    for name in ("ratio", "ratio_lower", "ratio_upper", "ratio_pi_lower", "ratio_pi_upper"):
        assert cells[name] == ("not_applicable",)
    assert cells["estimate"] == (-0.5,)


def test_rows_of_one_work_count_once_and_every_work_is_found() -> None:
    (row,) = pool_rows(tumor(pooled()))
    assert (row.k, row.works) == (3, 2)
    assert row.cells()["source"] == ("w1", "w2")


def test_pools_of_a_tumor_type_are_numbered_and_none_gives_no_row() -> None:
    assert [row.row_id for row in pool_rows(tumor(pooled(), pooled("SMD")))] == [
        "meta:RCC:1",
        "meta:RCC:2",
    ]
    assert pool_rows(tumor()) == ()


@pytest.mark.parametrize(
    ("measure", "endpoint", "lower", "higher"),
    [
        ("ROM", "tumor_volume", "benefit", "harm"),
        ("SMD", "tumor_weight", "benefit", "harm"),
        ("MD", "growth_rate", "benefit", "harm"),
        ("ROM", "growth_delay", "harm", "benefit"),
        ("SMDH", "survival", "harm", "benefit"),
        ("log_hazard_ratio", "survival", "benefit", "harm"),
        ("log_median_ratio", "survival", "harm", "benefit"),
        ("growth_rate", "growth_rate", "benefit", "harm"),
        ("NMD", "tumor_volume", "harm", "benefit"),
        ("log_odds_ratio", "response_rate", "harm", "benefit"),
        ("risk_difference", "complete_regression", "harm", "benefit"),
        ("risk_difference", "survival", None, None),
        ("ROM", "tumor_size_outcome", None, None),
        ("CVR", "tumor_volume", None, None),
        ("generic", "tumor_volume", None, None),
    ],
)
def test_benefit_lies_on_the_side_of_the_measure_and_the_endpoint(
    measure: Measure, endpoint: str, lower: str | None, higher: str | None
) -> None:
    found = [
        pool_direction(pooled(measure, (endpoint,), limits))
        for limits in (LOWER, HIGHER, (-0.1, 0.2), (0.0, 0.2), (-0.2, 0.0))
    ]
    held = None if lower is None else "none"
    assert found == [lower, higher, held, held, held]


def test_endpoints_that_disagree_have_no_direction() -> None:
    assert pool_direction(pooled(endpoints=("tumor_volume", "tumor_weight"))) == "benefit"
    assert pool_direction(pooled(endpoints=("tumor_volume", "growth_delay"))) is None
