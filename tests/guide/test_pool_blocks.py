"""What the guide says of a tumor type's rows together: pooled numbers, or what is in their way."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from oncovivo.analyses.evidence_pools import EvidencePool, RowEffect, TumorPools
from oncovivo.documents import Figure, Paragraph, Table
from oncovivo.evidence.meta import Measure, MetaWarning
from oncovivo.evidence.poolability import Obstacle, Poolability
from oncovivo.guide.pool_blocks import pool_blocks


def said(blocks: object) -> str:
    """All text of some blocks."""
    found: list[str] = []

    def walk(part: object) -> None:
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, tuple | list):
            for one in part:
                walk(one)
        elif hasattr(part, "model_fields"):
            for name in type(part).model_fields:
                walk(getattr(part, name))
        elif hasattr(part, "__dataclass_fields__"):
            for name in part.__dataclass_fields__:
                walk(getattr(part, name))

    walk(blocks)
    return " ".join(found)


def pools(measure: Measure = "ROM") -> TumorPools:
    rows = tuple(
        RowEffect(row_id=name, measure=measure, yi=yi, vi=0.04, n_treated=8, n_control=10)
        for name, yi in (("p1", math.log(0.5)), ("p2", math.log(0.25)))
    )
    pool = EvidencePool(
        tumor="MEL",
        treatment="temsirolimus",
        endpoints=("tumor_volume",),
        measure=measure,
        rows=rows,
        works=("smith2001", "lee2004"),
        weights=(0.5, 0.5),
        method="random effects (REML), Knapp-Hartung",
        estimate=math.log(0.4),
        lower=math.log(0.2),
        upper=math.log(0.8),
        p_value=0.02,
        df=1.0,
        tau2=0.2,
        i2=83.0,
        pi_lower=None,
        pi_upper=None,
        bias_p=None,
        level=0.95,
        warnings=(MetaWarning(code="few_rows", message="two rows say little"),),
    )
    found = Poolability(rows=("p1", "p2", "p3"), obstacles=(("x", "no_control"),))
    return TumorPools(tumor="MEL", found=found, pools=(pool,), alone=(rows[0],))


def test_a_pool_is_told_with_interval_prediction_and_works() -> None:
    blocks = pool_blocks(pools(), "melanoma")
    words = said(blocks)
    assert "ratio of means: 0.4 (95 % limits 0.2 to 0.8; p 0.020)" in words
    assert "2 rows of 2 works" in words
    assert "no prediction interval; I² 83 %" in words
    assert "two rows say little" in words
    assert "1 names no untreated control to compare with" in words
    assert "1 shares treatment, outcome and measure with no other row" in words
    (table,) = [block for block in blocks if isinstance(block, Table)]
    cells = [said(cell) for cell in table.rows[0].cells]
    assert cells[2].startswith("8 and 10")
    assert cells[3].split()[0] == "0.5"
    reach = math.exp(1.96 * 0.2)
    assert f"{0.5 / reach:.3g} to {0.5 * reach:.3g}" in said(table.rows[0])
    assert "0.4" in said(table.rows[-1])


def test_measures_that_are_no_logs_stay_as_they_are() -> None:
    words = said(pool_blocks(pools("SMD"), "melanoma"))
    assert f"standardized mean difference: −{-math.log(0.4):.3g} (95 %" in words


def test_more_rows_than_can_be_drawn_are_listed_and_the_pooled_effect_drawn() -> None:
    found = pools()
    (pool,) = found.pools
    many = tuple(replace(pool.rows[0], row_id=f"q{at}") for at in range(121))
    share = tuple([1 / 121] * 121)
    wide = replace(pool, rows=many, works=("smith2001",) * 121, weights=share)
    blocks = pool_blocks(replace(found, pools=(wide,)), "melanoma")
    (forest,) = [block for block in blocks if isinstance(block, Figure)]
    assert "121 rows, more than can be drawn: pooled effect alone" in forest.svg
    assert "q7" not in forest.svg
    (table,) = [block for block in blocks if isinstance(block, Table)]
    assert len(table.rows) == 122


@pytest.mark.parametrize("total", [0, 2])
def test_without_a_pool_one_sentence_or_nothing(total: int) -> None:
    obstacles: tuple[tuple[str, Obstacle], ...] = (("a", "context"), ("b", "no_number"))
    found = Poolability(rows=(), obstacles=obstacles[:total])
    blocks = pool_blocks(TumorPools(tumor="MEL", found=found, pools=(), alone=()), "melanoma")
    if total:
        (block,) = blocks
        assert isinstance(block, Paragraph)
        assert "Nothing is pooled for melanoma: of 2 rows" in said(block)
    else:
        assert blocks == ()
