"""Levels above the animal: tumors of one mouse, animals of one cage."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.growth.covariance import cluster_numbers, covariance_model
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.satterthwaite import Satterthwaite
from tests.growth.problems import made_problem

FloatArray: TypeAlias = NDArray[np.float64]
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
Table: TypeAlias = dict[str, list[Any]]


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def treatment_columns(arm: NDArray[np.intp], time: FloatArray, n_arms: int) -> FloatArray:
    """Intercept, time, and their differences between each arm and the first."""
    levels = [(arm == number).astype(np.float64) for number in range(1, n_arms)]
    return np.column_stack((np.ones_like(time), time, *levels, *(own * time for own in levels)))


def numbers(labels: list[str], known: list[str]) -> NDArray[np.intp]:
    return np.array([known.index(label) for label in labels], dtype=np.intp)


def check_against(
    fit: EngineFit, table: Table, adjusted: Table, tolerance: dict[str, Any]
) -> None:
    """Satterthwaite's and Kenward-Roger's tables of lmerTest."""
    questions = np.eye(len(table["Estimate"]))
    fixed, se, df = tolerance["fixed"], tolerance["se"]["rel"], tolerance["df"]["rel"]
    np.testing.assert_allclose(
        fit.coefficients, table["Estimate"], rtol=fixed["rel"], atol=fixed["abs"]
    )
    error = np.sqrt(np.diag(fit.derivatives.covariance))
    np.testing.assert_allclose(error, table["Std. Error"], rtol=se)
    first = Satterthwaite(fit.derivatives, fit.observed_information)
    np.testing.assert_allclose(first.df(questions), table["df"], rtol=df)
    second = KenwardRoger(fit.derivatives)
    kr_error = np.sqrt(np.diag(second.covariance))
    np.testing.assert_allclose(kr_error, adjusted["Std. Error"], rtol=se)
    np.testing.assert_allclose(second.df(questions), adjusted["df"], rtol=df)


@pytest.mark.realdata
@pytest.mark.parametrize("outcome", ["hb", "sto2"])
def test_tumors_within_mice_agree_with_lmer(
    outcome: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference("crc_angiogenesis")["sections"][f"96_lmm_{outcome}"]
    theirs = section["results"]
    rows = read_rows(shared_data("crc_angiogenesis/perfusion.csv"))
    rows = [row for row in rows if row[outcome] not in ("", "NA")]
    host_of = {row["tumor_id"]: row["animal_id"] for row in rows}
    arm_of = {row["tumor_id"]: row["treatment"] for row in rows}
    tumors = list(host_of)
    tumor = numbers([row["tumor_id"] for row in rows], tumors)
    arm = numbers(list(arm_of.values()), ["CG", "MET", "MTD"])
    week = np.array([float(row["week"]) for row in rows])
    problem = Problem(
        y=np.array([float(row[outcome]) for row in rows]),
        x=treatment_columns(arm[tumor], week, 3),
        time=week,
        animal=tumor,
        arm=arm,
        groups={"host": numbers(list(host_of.values()), sorted(set(host_of.values())))},
        random="intercept",
    )
    fit = fit_dense(problem)
    lmm = theirs["lmm"]
    assert problem.y.size == theirs["n"]
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(lmm["logLik_REML"], abs=1e-6)
    found = [fit.random_covariance[0, 0], fit.group_variances["host"], fit.residual_variance[0]]
    np.testing.assert_allclose(found, lmm["varcorr"]["vcov"], rtol=0.005)
    check_against(fit, lmm["fixed"], theirs["lmm_kr"], section["tolerance"])


@pytest.mark.realdata
def test_animals_within_cages_agree_with_lmer(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference("kroemer_mtx_caloric")["sections"]["90_volume_cage"]
    theirs = section["results"]
    rows = read_rows(shared_data("kroemer_mtx_caloric/growth.csv"))
    sides = np.array(
        [sorted(float(row[key] or 0) for key in ("length_mm", "width_mm")) for row in rows]
    )
    kept = sides[:, 0] > 0
    rows = [row for row, keep in zip(rows, kept, strict=True) if keep]
    short, long = sides[kept].T
    day = np.array([float(row["day"]) for row in rows])
    terms = theirs["cage"]["fixed"]["term"]
    arms = ["PBS", *(term.removeprefix("g") for term in terms if term.startswith("g"))]
    arm_of = {row["animal_id"]: row["treatment"] for row in rows}
    cage_of = {row["animal_id"]: row["cage"] for row in rows}
    animal = numbers([row["animal_id"] for row in rows], list(arm_of))
    arm = numbers(list(arm_of.values()), arms)
    problem = Problem(
        y=np.log(0.5 * long * short**2),
        x=treatment_columns(arm[animal], day - day.min(), len(arms)),
        time=day - day.min(),
        animal=animal,
        arm=arm,
        groups={"cage": numbers(list(cage_of.values()), sorted(set(cage_of.values())))},
    )
    fit = fit_dense(problem)
    caged = theirs["cage"]
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(caged["logLik_REML"], abs=1e-6)
    assert fit.group_variances["cage"] == pytest.approx(caged["varcorr"]["vcov"][3], rel=0.005)
    check_against(fit, caged["fixed"], theirs["cage_kr"], section["tolerance"])
    alone = fit_dense(replace(problem, groups={}))
    assert alone.log_likelihood == pytest.approx(theirs["no_cage"]["logLik_REML"], abs=1e-6)


def test_clusters_are_what_nested_and_crossed_factors_tie_together() -> None:
    cage = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    room = cage // 2
    batch = np.array([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2])
    alone = made_problem(1)
    assert cluster_numbers(alone).tolist() == list(range(12))
    nested = replace(alone, groups={"cage": cage, "room": room})
    assert cluster_numbers(nested).tolist() == room.tolist()
    crossed = replace(alone, groups={"cage": cage, "batch": batch})
    assert cluster_numbers(crossed).tolist() == batch.tolist()
    tied = replace(alone, groups={"room": room, "batch": batch})
    assert cluster_numbers(tied).tolist() == [0] * 8 + [1] * 4


def test_every_reading_lies_in_one_place_whatever_the_sizes_of_clusters() -> None:
    problem = made_problem(2, groups={"cage": np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4])})
    model = covariance_model(problem)
    rows = np.concatenate([block.rows[block.present] for block in model.blocks])
    assert sorted(rows.tolist()) == list(range(problem.y.size))
    # A cage of seven does not pad the cages of one.
    assert len(model.blocks) > 1


def test_a_cage_without_effect_leaves_the_fit_of_the_animals() -> None:
    checked = 0
    for seed in range(30, 36):
        problem = made_problem(seed)
        cage = np.arange(12) // 2
        fit = fit_dense(replace(problem, groups={"cage": cage}))
        plain = fit_dense(problem)
        assert fit.log_likelihood >= plain.log_likelihood - 1e-9
        if fit.group_variances["cage"] > 0:
            continue
        checked += 1
        assert fit.singular
        np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-6)
        assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
        assert (fit.group_effects["cage"] == 0).all()
    assert checked
