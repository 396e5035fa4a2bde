"""The certainty of pooled effects: which works were assessed, with what weight, and no rating."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.analyses.evidence_certainty import pool_certainty, works_assessment
from oncovivo.analyses.evidence_pools import EvidencePool, RowEffect, TumorPools, pool_evidence
from oncovivo.evidence.poolability import Poolability
from oncovivo.evidence.quality import KEY_ITEMS, CertaintyRow, Downgrade, Rating
from oncovivo.evidence.records import COLUMNS, Record, Reported

NAMES = {"RCC": "renal cell carcinoma"}
WORKS = {"w1": "w1", "w1b": "w1", "w2": "w2"}


def pool(*, works: tuple[str, ...] = ("w1", "w1", "w2"), n: float | None = 8) -> EvidencePool:
    rows = tuple(
        RowEffect(row_id=name, measure="ROM", yi=-0.5, vi=0.04, n_treated=n, n_control=n)
        for name in ("a", "b", "c")
    )
    return EvidencePool(
        tumor="RCC",
        treatment="temsirolimus",
        endpoints=("tumor_volume",),
        measure="ROM",
        rows=rows,
        works=works,
        weights=(0.2, 0.2, 0.6),
        method="",
        estimate=-0.5,
        lower=-0.9,
        upper=-0.1,
        p_value=0.01,
        df=2.0,
        tau2=0.1,
        i2=40.0,
        pi_lower=None,
        pi_upper=None,
        bias_p=None,
        level=0.95,
        warnings=(),
    )


def rate(*pools: EvidencePool, ratings: tuple[Rating, ...] = ()) -> CertaintyRow:
    found = Poolability(rows=("a", "b", "c") if pools else (), obstacles=(("x", "no_number"),) * 2)
    tumor = TumorPools(tumor="RCC", found=found, pools=pools, alone=())
    (one,) = pool_certainty([tumor], ratings, compound="temsirolimus", names=NAMES, works=WORKS)
    (row,) = one.rows
    return row


def rated(source: str, judgement: str, study: str = "") -> tuple[Rating, ...]:
    """Every key item of a study judged alike."""
    return tuple(
        Rating(
            source=source,
            study=study or source,
            tool="syrcle",
            item=item,
            judgement=judgement,
            reason="made for a test",
            locator="p. 1",
            rater="AB",
        )
        for item in KEY_ITEMS
    )


def domain(row: CertaintyRow, name: str) -> Downgrade:
    return next(one for one in row.downgrades if one.domain == name)


def test_nothing_pooled_has_no_rating_and_says_why() -> None:
    row = rate()
    assert row.level is None
    assert row.not_pooled == "the 2 rows on the compound give the result without a number"


def test_what_nobody_assessed_lowers_certainty_by_one() -> None:
    row = rate(pool())
    bias = domain(row, "risk_of_bias")
    assert (bias.levels, row.level) == (1, "moderate")
    assert bias.reason.startswith("no study was assessed")


def test_a_work_counts_with_the_weight_of_its_rows() -> None:
    # w2 has 60 % of the weight in one row of three; w1 is at low risk.
    row = rate(pool(), ratings=(*rated("w1", "low"), *rated("w2", "high")))
    bias = domain(row, "risk_of_bias")
    assert bias.reason.startswith("60 % of the weight at high, 0 % at unknown and 40 % at low")
    assert bias.levels == 2
    row = rate(pool(), ratings=(*rated("w1", "high"), *rated("w2", "low")))
    assert domain(row, "risk_of_bias").levels == 0


def test_a_pooled_work_that_is_not_rated_is_unknown_though_others_are() -> None:
    bias = domain(rate(pool(), ratings=rated("w1", "low")), "risk_of_bias")
    assert bias.levels == 1
    assert bias.reason.endswith("1 of 2 studies not assessed")


def test_a_work_with_several_rated_studies_has_the_least_good_judgement() -> None:
    ratings = (*rated("w1", "low", "one"), *rated("w1b", "high", "two"), *rated("w2", "low"))
    found = works_assessment(ratings, ("w1", "w2"), works=WORKS)
    assert found is not None
    assert found.labels == ("w1", "w2")
    at = found.items.index(KEY_ITEMS[0])
    assert [study.standings[at] for study in found.studies] == ["poor", "good"]
    assert found.studies[0].judgements[at] == "high"
    assert works_assessment((), ("w1",), works=WORKS) is None


def test_ratings_of_other_works_do_not_count() -> None:
    found = works_assessment(rated("w2", "low"), ("w1",), works=WORKS)
    assert found is not None
    assert set(found.studies[0].standings) == {"not_assessed"}


def test_an_interval_that_holds_no_difference_and_few_rows_are_said() -> None:
    row = rate(pool())
    assert domain(row, "publication_bias").status == "not_assessable"
    assert "48 animals" in domain(row, "imprecision").reason
    assert "unknown number of animals" in domain(rate(pool(n=None)), "imprecision").reason


def record(name: str, work: str) -> Record:
    cells = {
        "row_id": name,
        "use": "evidence",
        "evidence_kind": "animal_efficacy",
        "comparator": Reported("vehicle"),
        "compound": "temsirolimus",
        "filed_under": "RCC",
        "endpoint": "tumor_volume",
        "source": work,
    }
    missing: Reported[str] = Reported(state="not_applicable")
    given = {c.name: cells.get(c.name, missing if c.states else "") for c in COLUMNS}
    return Record(**given)  # type: ignore[arg-type]  # one value for each column


def effects(spread: float, n: int) -> list[RowEffect]:
    return [
        RowEffect(
            row_id=f"r{at}",
            measure="ROM",
            yi=-0.5 + spread * (-1) ** at * (at + 1) / n,
            vi=0.01 * (at + 1),
            n_treated=8,
            n_control=8,
        )
        for at in range(n)
    ]


def test_weights_of_nested_rows_are_row_sums_of_the_inverse_covariance() -> None:
    rows = effects(1.5, 6)
    works = ["u", "u", "u", "v", "v", "w"]
    (found,) = pool_evidence(
        [record(row.row_id, work) for row, work in zip(rows, works, strict=True)],
        rows,
        compound="temsirolimus",
        works={},
    )
    (ours,) = found.pools
    assert "rows within works" in ours.method
    yi = np.array([row.yi for row in rows])
    # The pooled mean is the weighted one: weights, estimate and variances belong together.
    assert float(np.dot(ours.weights, yi)) == pytest.approx(ours.estimate, abs=1e-9)
    assert sum(ours.weights) == pytest.approx(1.0, abs=1e-12)
    assert len({round(weight, 6) for weight in ours.weights}) > 3


def test_small_study_effects_are_tested_from_ten_rows() -> None:
    found = []
    for n in (9, 10):
        rows = effects(0.8, n)
        (tumor,) = pool_evidence(
            [record(row.row_id, row.row_id) for row in rows],
            rows,
            compound="temsirolimus",
            works={},
        )
        found.append(tumor.pools[0].bias_p)
    assert found[0] is None
    assert found[1] is not None
    same = [RowEffect(**{**_fields(row), "vi": 0.04}) for row in effects(0.8, 10)]  # type: ignore[arg-type]  # the fields of a row
    (tumor,) = pool_evidence(
        [record(row.row_id, row.row_id) for row in same], same, compound="temsirolimus", works={}
    )
    # Rows of the same imprecision show nothing.
    assert tumor.pools[0].bias_p is None


def _fields(row: RowEffect) -> dict[str, object]:
    return {name: getattr(row, name) for name in RowEffect.__slots__}
