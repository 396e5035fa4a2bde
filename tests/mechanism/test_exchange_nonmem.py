"""Datasets in the manner of NONMEM: what is written comes back, and bad rows are named."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.mechanism.blocks import read_block
from oncovivo.mechanism.doses import place_doses
from oncovivo.mechanism.engine import dose_paths, simulate_model
from oncovivo.mechanism.exchange.nonmem import (
    COLUMNS,
    NonmemRecords,
    compound_doses,
    nonmem_dataset,
    nonmem_text,
    read_nonmem,
)
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.simulate import arm_doses
from oncovivo.mechanism.simulation_file import Simulation, read_simulation
from oncovivo.mechanism.virtual import draw_virtual
from oncovivo.mechanism.virtual_study import to_study
from oncovivo.studies.study import Study, StudyTables
from tests.mechanism.exchange_cases import FOLDER

RADIATED = """
schema = "oncovivo.simulation/1"
title = "Radiation with a sensitizer"
blocks = [
  "animal", "pk_bolus", "radiosensitizer", "radiation_lq", "tumor_natural_death", "logistic",
]
parameters = ["mouse_20g", "rs1_fadu", "fadu_radiation", "fadu_growth"]
[time]
days = [0.0, 5.0, 10.0]
[[arms]]
name = "both"
regimen = "drug 100 mg/kg i.v. d0, 1, 2 + 3 x 2 Gy qd"
[study]
animals_per_arm = 2
days = [0.0, 5.0, 10.0]
limit_mm3 = 40.0
"""


@cache
def _simulation(name: str) -> Simulation:
    return read_simulation(FOLDER / f"{name}.toml")


def _drawn(simulation: Simulation) -> Study:
    return to_study(draw_virtual(simulation, n_studies=1, rng=np.random.default_rng(7)), 0)


@cache
def _study(name: str) -> Study:
    return _drawn(_simulation(name))


def _written(folder: Path, simulation: Simulation, study: Study) -> NonmemRecords:
    path = folder / "data.csv"
    path.write_text(nonmem_text(nonmem_dataset(simulation, study)), encoding="utf-8")
    return read_nonmem(path)


@pytest.mark.parametrize("name", ["renal_786o", "paclitaxel_a2780", "pathway_daily_vs_weekly"])
def test_doses_and_readings_come_back(tmp_path: Path, name: str) -> None:
    simulation = _simulation(name)
    study = _study(name)
    records = _written(tmp_path, simulation, study)
    assert len(records.subjects) == len(study.animals)
    arms = {arm.name: arm for arm in simulation.arms}
    for subject, animal in zip(records.subjects, study.animals, strict=True):
        own = study.measurements[study.measurements["animal_id"] == animal.animal_id]
        assert subject.time.tolist() == own["day"].tolist()
        assert subject.value.tolist() == own["volume_mm3"].tolist()
        assert subject.censored.tolist() == (own["volume_state"] == "below_limit").tolist()
        arm = arms[animal.arm]
        doses, _ = arm_doses(simulation.model, arm)
        found = compound_doses(simulation.model, subject)
        assert set(found) == set(doses)
        for pk in simulation.model.pk:
            if pk.compound not in doses:
                continue
            paths = dose_paths(pk, arm.parameters.values)
            given = place_doses(doses[pk.compound], paths, body_weight=20.0)
            back = place_doses(found[pk.compound], paths)
            n = int((given.ordered <= animal.end_day).sum())
            assert back.arrival[0].tolist() == given.arrival[0][:n].tolist()
            assert back.amount[0] == pytest.approx(given.amount[0][:n], rel=1e-14)
            assert back.compartment.tolist() == given.compartment[:n].tolist()


def test_the_columns_are_those_of_the_manner_and_covariates() -> None:
    simulation = _simulation("renal_786o")
    dataset = nonmem_dataset(simulation, _study("renal_786o"))
    assert tuple(dataset.table.columns) == (*COLUMNS, "CENS", "WT", "ARM")
    doses = dataset.table[dataset.table["EVID"] == 1]
    # 21 daily doses are one row; animals that leave earlier have fewer.
    assert (doses["II"] == 1.0).all()
    assert doses["ADDL"].max() == 20.0
    assert (doses["AMT"] == 40.0).all()
    assert nonmem_text(dataset).splitlines()[0].startswith("ID,TIME,AMT,RATE,II,ADDL,EVID,CMT,DV")
    compartments = dataset.key[dataset.key["column"] == "CMT"]
    assert dict(zip(compartments["number"], compartments["name"], strict=True))[1] == (
        "temsirolimus: t_central"
    )
    assert compartments["name"].iloc[-1] == "tumor_volume"


def test_one_arm_alone_is_written() -> None:
    simulation = _simulation("renal_786o")
    dataset = nonmem_dataset(simulation, _study("renal_786o"), arm="temsirolimus")
    assert set(dataset.table["ARM"]) == {2.0}
    assert dataset.table["ID"].nunique() == 8
    with pytest.raises(InputError, match="that the study has, found 'everolimus'"):
        nonmem_dataset(simulation, _study("renal_786o"), arm="everolimus")


def test_radiation_is_a_row_of_its_own_and_small_tumors_are_censored(tmp_path: Path) -> None:
    path = tmp_path / "radiated.toml"
    path.write_text(RADIATED, encoding="utf-8")
    simulation = read_simulation(path)
    study = _drawn(simulation)
    table = nonmem_dataset(simulation, study).table
    fractions = table[table["EVID"] == 2]
    assert fractions["GY"].tolist() == [2.0] * 6
    assert fractions["TIME"].tolist() == [0.0, 1.0, 2.0] * 2
    below = int((study.measurements["volume_state"] == "below_limit").sum())
    assert below > 0
    assert int(table["CENS"].sum()) == below
    records = _written(tmp_path, simulation, study)
    assert sum(int(subject.censored.sum()) for subject in records.subjects) == below
    assert records.subjects[0].covariates["GY"] == 0.0


def test_an_infusion_is_written_with_its_rate(tmp_path: Path) -> None:
    simulation = _simulation("renal_786o")
    values = {entry.name: entry for entry in simulation.arms[1].parameters}
    infused = replace(values["infusion_time"], value=2.0)
    entries = tuple(
        infused if entry.name == "infusion_time" else entry for entry in values.values()
    )
    parameters = replace(
        simulation.arms[1].parameters,
        entries=entries,
        _by_name={entry.name: entry for entry in entries},
    )
    arms = tuple(
        replace(arm, parameters=parameters) if arm.name == "temsirolimus" else arm
        for arm in simulation.arms
    )
    changed = replace(simulation, arms=arms)
    records = _written(tmp_path, changed, _study("renal_786o"))
    subject = records.subjects[10]
    assert subject.doses.rate.tolist() == [pytest.approx(40.0 * 12.0)]
    doses = compound_doses(simulation.model, subject)
    (pk,) = simulation.model.pk
    placed = place_doses(
        doses["temsirolimus"], dose_paths(pk, simulation.arms[1].parameters.values)
    )
    assert placed.duration[0, 0] == pytest.approx(2.0 / 24.0)


def _dosed(study: Study, rows: list[tuple[str, float, str, float, str]]) -> Study:
    columns = ["animal_id", "day", "compound", "dose_mg_per_kg", "route"]
    return replace(
        study,
        tables=StudyTables(doses=pd.DataFrame(rows, columns=columns)),
        table=study.measurements,
    )


def test_doses_of_the_study_come_before_those_of_the_simulation() -> None:
    simulation = _simulation("renal_786o")
    study = _study("renal_786o")
    own = _dosed(study, [("m09", 1.5, "Temsirolimus", 5.0, "i.v.")])
    table = nonmem_dataset(simulation, own).table
    (row,) = table[table["EVID"] == 1].to_dict("records")
    assert (row["ID"], row["TIME"], row["AMT"]) == (9.0, 1.5, pytest.approx(100.0))
    with pytest.raises(
        DataError, match=r"kinetics of temsirolimus describe \(i.v.\), found 'p.o.'"
    ):
        nonmem_dataset(simulation, _dosed(study, [("m09", 1.0, "temsirolimus", 5.0, "p.o.")]))
    with pytest.raises(DataError, match="doses from day 0 on, found one on day -1"):
        nonmem_dataset(simulation, _dosed(study, [("m09", -1.0, "temsirolimus", 5.0, "i.v.")]))


def test_an_arm_that_the_simulation_lacks_is_named() -> None:
    simulation = _simulation("renal_786o")
    with pytest.raises(InputError, match=r"arms of the simulation .* found 'paclitaxel'"):
        nonmem_dataset(simulation, _study("paclitaxel_a2780"))


HEADER = "ID,TIME,AMT,RATE,II,ADDL,EVID,CMT,DV,MDV,SS,WT\n"


def _read(folder: Path, rows: str, header: str = HEADER) -> NonmemRecords:
    path = folder / "bad.csv"
    path.write_text(header + rows, encoding="utf-8")
    return read_nonmem(path)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("1,0,ten,0,0,0,1,1,.,1,0,20\n", "row 2, column AMT: expected a number or ., found 'ten'"),
        ("1,-1,10,0,0,0,1,1,.,1,0,20\n", "row 2, column TIME: expected a day from 0 on, found -1"),
        ("1,.,10,0,0,0,1,1,.,1,0,20\n", "row 2, column TIME: expected a day from 0 on, found ."),
        (".,0,10,0,0,0,1,1,.,1,0,20\n", "row 2, column ID: expected a number"),
        ("1,0,-5,0,0,0,1,1,.,1,0,20\n", "column AMT: expected a number that is not negative"),
        ("1,0,0,0,0,0,1,1,.,1,0,20\n", "column AMT: expected an amount above 0 for a dose"),
        ("1,0,5,0,0,0,0,1,3,0,0,20\n", "column AMT: expected no amount beside EVID 0, found 5"),
        (
            "1,0,5,0,0,0,7,1,.,1,0,20\n",
            "column EVID: expected a whole number from 0 to 4, found 7",
        ),
        ("1,0,5,-2,0,0,1,1,.,1,0,20\n", "column RATE: expected a rate; modeled rates"),
        ("1,0,5,0,0,3,1,1,.,1,0,20\n", "column II: expected a dose with an interval beside ADDL"),
        ("1,0,5,0,1,0.5,1,1,.,1,0,20\n", "column ADDL: expected a whole number"),
        ("1,0,5,0,1,0,1,1,.,1,3,20\n", "column SS: expected a whole number from 0 to 2"),
        ("1,0,.,.,.,.,0,3,.,0,.,20\n", "column DV: expected a number where MDV is 0, found ."),
        ("1,0,5,0,0,0,1,1,.,1,0,nan\n", "column WT: expected a finite number"),
        ("1,0,5,0,0,0,1,1,.,1,0\n", "row 2: expected 12 cells, found 11"),
        (
            "1,2,.,.,.,.,0,3,5,0,.,20\n1,1,.,.,.,.,0,3,5,0,.,20\n",
            "row 3, column TIME: expected times that rise, found 1",
        ),
        (
            "1,0,.,.,.,.,0,3,5,0,.,20\n2,0,.,.,.,.,0,3,5,0,.,20\n1,1,.,.,.,.,0,3,5,0,.,20\n",
            "row 4, column ID: expected rows of one animal together, found 1",
        ),
        ("", "bad.csv: expected rows below the header, found none"),
    ],
)
def test_a_bad_row_is_named_in_one_line(tmp_path: Path, rows: str, line: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        _read(tmp_path, rows)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a dataset, found no such file"):
        read_nonmem(tmp_path / "none.csv")
    with pytest.raises(FileFormatError, match="row 1: expected a column AMT"):
        _read(tmp_path, "1,0,5\n", "ID,TIME,DV\n")
    with pytest.raises(FileFormatError, match="each column once, found TIME twice"):
        _read(tmp_path, "1,0,0,5,5\n", "ID,TIME,TIME,DV,AMT\n")
    (tmp_path / "latin.csv").write_bytes(b"ID,TIME,AMT,DV\n1,0,\xb5,1\n")
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_nonmem(tmp_path / "latin.csv")
    with pytest.raises(FileFormatError, match="comma-separated text"):
        _read(tmp_path, '"' + "1" * 200_000 + "\n")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="a header, found an empty file"):
        read_nonmem(tmp_path / "empty.csv")


def _bolus() -> Model:
    return build_model([read_block("animal"), read_block("pk_one_compartment")])


def test_a_dataset_without_evid_and_with_resets_is_read(tmp_path: Path) -> None:
    (subject,) = _read(tmp_path, "4,0,10,.\n4,1,.,7.5\n", "ID,TIME,AMT,DV\n").subjects
    assert (subject.subject, subject.value.tolist()) == (4, [7.5])
    assert subject.doses.amount.tolist() == [10.0]
    rows = "1,0,100,0,1,1,1,2,.,1,0,20\n1,3,.,.,.,.,3,.,.,1,.,20\n1,3,50,0,0,0,1,2,.,1,0,20\n"
    (reset,) = _read(tmp_path, rows).subjects
    doses = compound_doses(_bolus(), reset)
    assert doses["drug"].evid.tolist() == [1, 3, 1]
    model = _bolus()
    numbers = {"body_weight": 20.0, "cl": 1.0, "v": 1.0, "ka": 24.0, "bioavailability": 1.0}
    values = [numbers.get(name, 0.0) for name in model.parameter_names]
    found = simulate_model(model, values, doses, [3.0]).outputs[0, 0, 0]
    assert found == pytest.approx(50.0 / 20.0 * 1000.0)  # µg in mL as ng/mL


def test_a_dose_into_a_compartment_without_a_route_is_refused(tmp_path: Path) -> None:
    (subject,) = _read(tmp_path, "1,0,5,0,0,0,1,3,.,1,0,20\n").subjects
    with pytest.raises(InputError, match="doses into compartments 1 to 2, found CMT 3"):
        compound_doses(_bolus(), subject)
    (inner,) = _read(tmp_path, "1,0,5,0,0,0,1,2,.,1,0,20\n").subjects
    with pytest.raises(InputError, match="that a route of temsirolimus reaches, found CMT 2"):
        compound_doses(_simulation("renal_786o").model, inner)
