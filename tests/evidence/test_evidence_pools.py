"""Literature rows of a guide, pooled by tumor type: what is read, grouped, pooled and refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from oncovivo.analyses.evidence_pools import RowEffect, pool_evidence, read_effects
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.meta import Measure, Rows, pool
from oncovivo.evidence.records import Record

MakeRecord = Callable[..., Record]


def record(make: MakeRecord, name: str, **changed: object) -> Record:
    given: dict[str, object] = {
        "use": "evidence",
        "evidence_kind": "animal_efficacy",
        "comparator": "vehicle",
        "compound": "temsirolimus",
        "partner": "not_applicable",
        "filed_under": "MEL",
        "source": name,
    }
    return make(row_id=name, **{**given, **changed})


def effect(name: str, yi: float, vi: float = 0.04, measure: Measure = "ROM") -> RowEffect:
    return RowEffect(row_id=name, measure=measure, yi=yi, vi=vi, n_treated=None, n_control=None)


def test_independent_rows_are_pooled_as_the_kernel_does(make_record: MakeRecord) -> None:
    records = [record(make_record, name) for name in "abc"]
    effects = [effect("a", -0.3), effect("b", -0.9), effect("c", -0.5, 0.09)]
    (found,) = pool_evidence(records, effects, compound="temsirolimus", works={})
    (ours,) = found.pools
    kernel = pool(Rows.of("abc", [-0.3, -0.9, -0.5], [0.04, 0.04, 0.09], measure="ROM"))
    assert (ours.estimate, ours.lower, ours.upper) == (
        kernel.estimate,
        kernel.lower,
        kernel.upper,
    )
    assert (ours.pi_lower, ours.pi_upper, ours.i2) == (
        kernel.pi_lower,
        kernel.pi_upper,
        kernel.i2,
    )
    assert "Knapp-Hartung" in ours.method
    assert found.alone == ()


def test_rows_of_one_work_are_nested_in_it(make_record: MakeRecord) -> None:
    records = [record(make_record, name) for name in "abcd"]
    effects = [effect("a", -0.3), effect("b", -0.35), effect("c", -0.9), effect("d", -0.5)]
    works = {"a": "w1", "b": "w1", "c": "w2", "d": "w3"}
    (found,) = pool_evidence(records, effects, compound="temsirolimus", works=works)
    (ours,) = found.pools
    assert ours.works == ("w1", "w1", "w2", "w3")
    assert "rows within works" in ours.method
    assert ours.lower < ours.estimate < ours.upper


def test_treatments_measures_and_tumor_types_are_pooled_apart(make_record: MakeRecord) -> None:
    records = [
        record(make_record, "a"),
        record(make_record, "b"),
        record(make_record, "c", partner="perifosine"),
        record(make_record, "d"),
        record(make_record, "e", filed_under="RCC"),
        record(make_record, "f", compound="everolimus"),
    ]
    effects = [effect(name, -0.2) for name in "abcef"]
    effects.append(effect("d", -0.2, measure="log_hazard_ratio"))
    melanoma, renal = pool_evidence(records, effects, compound="temsirolimus", works={})
    assert [[row.row_id for row in one.rows] for one in melanoma.pools] == [["a", "b"]]
    assert {row.row_id for row in melanoma.alone} == {"c", "d"}
    # A drug of the same class is never counted as the compound.
    assert "f" not in melanoma.found.rows
    assert (renal.pools, [row.row_id for row in renal.alone]) == ((), ["e"])


def test_group_summaries_and_given_numbers_are_read(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    path = tmp_path / "effects.csv"
    path.write_text(
        "row_id,n_treated,mean_treated,sd_treated,n_control,mean_control,sd_control\n"
        "a,8,300,90,8,900,200\n",
        encoding="utf-8",
    )
    (found,) = read_effects(path, [record(make_record, "a")])
    assert found.measure == "ROM"
    assert found.yi == pytest.approx(math.log(300 / 900), abs=1e-12)
    expected = (90 / 300) ** 2 / 8 + (200 / 900) ** 2 / 8
    assert found.vi == pytest.approx(expected, rel=1e-12)
    assert (found.n_treated, found.n_control) == (8, 8)
    path.write_text(
        "row_id,measure,yi,vi\nb,log_hazard_ratio,-0.7,0.1\na,ROM,-0.2,0.05\n", encoding="utf-8"
    )
    both = read_effects(path, [record(make_record, "a"), record(make_record, "b")])
    assert [(row.row_id, row.measure, row.yi) for row in both] == [
        ("b", "log_hazard_ratio", -0.7),
        ("a", "ROM", -0.2),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,yi,vi\na,1,1\n", "row_id"),
        ("row_id,yi,vi\nx,1,1\n", "a row of records.csv"),
        ("row_id,yi,vi\na,1,1\na,2,1\n", "each row once"),
        ("row_id,yi,vi\na,1,0\n", "above 0"),
        ("row_id,measure,yi,vi\na,size,1,1\n", "a measure out of"),
    ],
)
def test_a_wrong_file_is_one_clear_line(
    text: str, said: str, tmp_path: Path, make_record: MakeRecord
) -> None:
    path = tmp_path / "effects.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((FileFormatError, InputError), match=said):
        read_effects(path, [record(make_record, "a")])
