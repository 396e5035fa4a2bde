"""Models as SBML and Antimony: valid, the same in another program, and the same when read back."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError, MissingExtraError
from oncovivo.mechanism.doses import dose_table
from oncovivo.mechanism.engine import simulate_model
from oncovivo.mechanism.exchange.antimony_text import antimony_of, model_from_antimony
from oncovivo.mechanism.exchange.libraries import sbml_library
from oncovivo.mechanism.exchange.sbml_in import ImportedModel, model_from_sbml
from oncovivo.mechanism.exchange.sbml_math import uses_function
from oncovivo.mechanism.exchange.sbml_out import sbml_text
from oncovivo.mechanism.exchange.typical_animal import TypicalAnimal, typical_animal_of
from oncovivo.mechanism.model import build_model
from oncovivo.mechanism.parameters import resolve
from oncovivo.mechanism.simulation_file import read_simulation
from tests.mechanism.exchange_cases import (
    DAYS,
    EXAMPLES,
    FOLDER,
    NAMES,
    NUMBERS,
    Array,
    Case,
    case,
    imported_outputs,
    largest_difference,
    shipped,
)

# Of both directions, and of another program's integration.
SAME = 1e-6


@cache
def _case(name: str) -> Case:
    return case(name)


@cache
def _outputs(name: str) -> dict[str, Array]:
    return _case(name).outputs()


def _assert_same(case_of: Case, imported: ImportedModel, expected: dict[str, Array]) -> None:
    """Every output of the model comes back, under the name that stands for it."""
    found = imported_outputs(imported)
    names = case_of.animal().outputs
    assert set(names) == set(expected)
    for output, name in names.items():
        assert largest_difference(found[name], expected[output]) < SAME, output


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_valid_sbml_and_comes_back_as_it_was(name: str) -> None:
    text = sbml_text(_case(name).animal())
    libsbml = sbml_library()
    document = libsbml.readSBMLFromString(text)
    units = False  # formulas hold factors between units as numbers
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, units)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, units)
    assert document.checkConsistency() == 0
    assert (document.getLevel(), document.getVersion()) == (3, 2)
    _assert_same(_case(name), model_from_sbml(text), _outputs(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_comes_back_from_antimony_as_it_was(name: str) -> None:
    imported = model_from_antimony(antimony_of(_case(name).animal()))
    _assert_same(_case(name), imported, _outputs(name))


PINNED = json.loads(NUMBERS.read_text(encoding="utf-8"))


def test_the_numbers_of_roadrunner_are_of_every_model() -> None:
    assert PINNED["made_with"] == "libroadrunner 2.10.0"
    assert PINNED["days"] == list(DAYS)
    assert sorted(PINNED["cases"]) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_libroadrunner_gives_what_our_engine_gives(name: str) -> None:
    pinned = PINNED["cases"][name]
    found = _case(name).with_numbers(pinned["parameters"]).outputs()
    for output, values in pinned["outputs"].items():
        assert largest_difference(found[output], np.array(values)) < SAME, output


def test_the_same_model_gives_the_same_bytes() -> None:
    one, other = (sbml_text(shipped("two drugs").animal()) for _ in range(2))
    assert one == other
    assert antimony_of(shipped("two drugs").animal()) == antimony_of(shipped("two drugs").animal())


def test_status_and_source_of_numbers_come_back() -> None:
    simulation = read_simulation(FOLDER / "renal_786o.toml")
    (arm,) = [one for one in simulation.arms if one.name == "temsirolimus"]
    imported = model_from_sbml(sbml_text(typical_animal_of(simulation, "temsirolimus")))
    resolved = resolve(build_model([imported.block]), [imported.parameters])
    for entry in arm.parameters:
        assert resolved[entry.name].value == pytest.approx(entry.value, rel=1e-14)
        assert resolved[entry.name].status == entry.status
        if entry.citation:
            assert resolved[entry.name].citation == " ".join(entry.citation.split())


def test_units_are_declared_with_their_size() -> None:
    text = sbml_text(shipped("temsirolimus in patients").animal())
    model = sbml_library().readSBMLFromString(text).getModel()
    assert model.getTimeUnits() == "day"
    definition = model.getUnitDefinition(model.getParameter("CL_T").getUnits())
    size = 1.0
    for place in range(definition.getNumUnits()):
        part = definition.getUnit(place)
        exponent = part.getExponentAsDouble()
        size *= (part.getMultiplier() * 10.0 ** part.getScale()) ** exponent
    assert size == pytest.approx(1e-3 / 3600.0, rel=1e-12)  # L/h in m³/s
    hour = model.getUnitDefinition(model.getParameter("infusion_time").getUnits()).getUnit(0)
    assert hour.getMultiplier() == pytest.approx(3600.0, rel=1e-15)


def test_units_stay_where_formulas_need_no_factor() -> None:
    imported = model_from_sbml(sbml_text(shipped("logistic, untreated").animal()))
    model = build_model([imported.block])
    assert model.quantities["proliferating"].unit.symbol == "mm³"
    assert model.quantities["growth_rate"].unit.symbol == "1/day"
    assert imported.notes == ()


def test_units_are_dropped_with_a_note_where_formulas_hold_between_numbers() -> None:
    imported = model_from_sbml(sbml_text(shipped("paclitaxel in A2780").animal()))
    (note,) = imported.notes
    assert note.startswith("All quantities are pure numbers here, because the formula of ")
    (volume,) = [state for state in imported.block.states if state.name == "proliferating"]
    assert volume.unit.symbol == "1"
    assert "mm3 in the file" in volume.meaning


def test_overlapping_infusions_lag_and_bioavailability_come_back() -> None:
    found = shipped("apitolisib in 786-O")
    numbers = {entry.name: entry.value for entry in found.parameters}
    changed = found.with_numbers(numbers | {"infusion_time": 6.0, "lag_time": 1.5})
    doses = {
        "drug": dose_table(
            [0.0, 0.125, 0.5, 1.0], [200.0, 100.0, 150.0, 80.0], path=[0, 0, 1, 1], ii=1.0, addl=1
        )
    }
    both = replace(changed, doses=doses)
    animal = both.animal()
    assert [inflow.name for inflow in animal.inflows] == ["inflow_central"]
    imported = model_from_sbml(sbml_text(animal))
    _assert_same(both, imported, both.outputs())
    # 100 µg over 6 h are left on day 0.25, 200 µg begin on day 1.
    flows = imported_outputs(imported)["inflow_central"]
    assert flows.tolist() == [400.0, 800.0, 0.0, 0.0]


def test_a_fraction_sees_the_concentration_behind_a_dose_of_its_time() -> None:
    animal = shipped("RS1 and radiation in FaDu").animal()
    assert [change.time for change in animal.changes] == [0.0, 1.0, 2.0]
    together = animal.changes[-1]
    assert together.meaning == "dose of drug; radiation (2 Gy)"
    assert "dose_central_1" in together.values["proliferating"].names()
    alone = animal.changes[1]
    assert "dose_central_1" not in alone.values["proliferating"].names()


def test_the_tight_binder_is_recognized_by_its_formula_not_its_name() -> None:
    text = sbml_text(shipped("temsirolimus in 786-O").animal())
    for known, formula in ((True, text), (False, text.replace("<cn> 0.5 </cn>", "<cn> 1 </cn>"))):
        block = model_from_sbml(formula).block
        (free,) = [one.value for one in block.algebraics if one.name == "free_drug"]
        assert uses_function(free, "free_ligand") is known
        assert uses_function(free, "select") is not known


def test_a_change_at_day_0_happens() -> None:
    found = imported_outputs(model_from_sbml(sbml_text(shipped("signal").animal())), (0.0, 1.0))
    assert found["central"][0] == pytest.approx(100.0)


def test_a_dose_that_begins_at_a_steady_state_is_refused() -> None:
    steady = replace(shipped("signal"), doses={"drug": dose_table(0.0, 10.0, ii=1.0, ss=1)})
    with pytest.raises(DataError, match="without resets and steady states"):
        steady.animal()


def test_the_arm_has_to_be_named_where_there_are_several() -> None:
    simulation = read_simulation(FOLDER / "renal_786o.toml")
    with pytest.raises(InputError, match="name of one arm: 'vehicle', 'temsirolimus'"):
        typical_animal_of(simulation)
    with pytest.raises(InputError, match="an arm of the simulation"):
        typical_animal_of(simulation, "everolimus")
    assert typical_animal_of(simulation, EXAMPLES["renal_786o"]).regimen.startswith("temsirolimus")


@pytest.mark.parametrize(("module", "write"), [("libsbml", sbml_text), ("antimony", antimony_of)])
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, write: Callable[[TypicalAnimal], str]
) -> None:
    animal = shipped("LLC").animal()
    load = importlib.import_module

    def without(name: str) -> ModuleType:
        if name == module:
            raise ImportError(name)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r"oncovivo\[mechanism\]"):
        write(animal)


def test_any_engine_takes_an_imported_model() -> None:
    imported = model_from_sbml(sbml_text(shipped("signal").animal()))
    model = build_model([imported.block])
    values = resolve(model, [imported.parameters]).values
    found = [
        simulate_model(model, values, {}, DAYS, events=imported.events, engine=engine)
        for engine in ("numpy", "adaptive")
    ]
    assert found[0].outputs == pytest.approx(found[1].outputs, rel=1e-4, abs=1e-6)
