"""Models under doses for the tests of exchange: every shipped one, and the examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oncovivo.mechanism.blocks import read_block
from oncovivo.mechanism.doses import DoseTable, dose_table
from oncovivo.mechanism.engine import EventTable, simulate_model
from oncovivo.mechanism.exchange.sbml_in import ImportedModel
from oncovivo.mechanism.exchange.typical_animal import TypicalAnimal, typical_animal
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterSet,
    ParameterValue,
    ResolvedParameters,
    read_parameter_set,
    resolve,
)
from oncovivo.mechanism.simulate import arm_doses
from oncovivo.mechanism.simulation_file import read_simulation
from tests.mechanism.test_shipped_blocks import MODELS

Array = NDArray[np.float64]

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus" / "mechanism"
NUMBERS = Path(__file__).with_name("roadrunner_numbers.json")
DAYS = (0.25, 1.0, 2.0, 3.0)
EXAMPLES = {
    "mouse_exposure": "2 mg/kg",
    "paclitaxel_a2780": "paclitaxel",
    "pathway_daily_vs_weekly": "14 mg/kg weekly",
    "pk_human": "infused in 60 min",
    "renal_786o": "temsirolimus + AKT inhibitor",
    "resistant_genotype": "PI3K active",
}
FRACTION_GRAY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model, its numbers and what happens to it."""

    model: Model
    parameters: ResolvedParameters
    doses: Mapping[str, DoseTable]
    events: Mapping[str, EventTable]

    def with_numbers(self, numbers: Mapping[str, float]) -> Case:
        """The case with other values of all parameters."""
        values = {
            entry.name: ParameterValue(
                value=numbers[entry.name], unit=entry.unit.symbol, status="assumed"
            )
            for entry in self.parameters
        }
        return Case(
            model=self.model,
            parameters=resolve(self.model, [], values),
            doses=self.doses,
            events=self.events,
        )

    def animal(self) -> TypicalAnimal:
        """Its equations for other programs."""
        return typical_animal(
            self.model, self.parameters, self.doses, events=self.events, name="case"
        )

    def outputs(self) -> dict[str, Array]:
        """Outputs on `DAYS` by the engine."""
        found = simulate_model(
            self.model,
            self.parameters.values,
            self.doses,
            DAYS,
            events=self.events,
            engine="scipy",
            rtol=1e-10,
        )
        return dict(zip(self.model.output_names, found.outputs[0].T, strict=True))


def shipped(name: str) -> Case:
    """A shipped model with doses on days 0 and 2, and a fraction beside the second."""
    blocks, sets, numbers, doses = MODELS[name]
    model = build_model([read_block(block) for block in blocks])
    tables = {
        pk.compound: dose_table(
            [0.0, 2.0],
            [doses[pk.compound] * (pk.amount_per_mg or math.nan)] * 2,
            path=len(pk.routes) - 1,
        )
        for pk in model.pk
    }
    events = {
        event.kind: EventTable(time=np.array([1.0, 2.0]), dose=np.full(2, FRACTION_GRAY))
        for event in model.events
    }
    known: list[ParameterSet] = [read_parameter_set(one) for one in sets]
    return Case(
        model=model, parameters=resolve(model, known, numbers), doses=tables, events=events
    )


def example(name: str) -> Case:
    """One arm of a simulation of the example, with its doses up to the last of `DAYS`."""
    simulation = read_simulation(FOLDER / f"{name}.toml")
    (arm,) = [one for one in simulation.arms if one.name == EXAMPLES[name]]
    doses, events = arm_doses(simulation.model, arm)
    doses = {compound: _first_doses(table) for compound, table in doses.items()}
    return Case(model=simulation.model, parameters=arm.parameters, doses=doses, events=events)


def _first_doses(table: DoseTable) -> DoseTable:
    early = table.time <= DAYS[-1]
    return dose_table(
        table.time[early],
        table.amount[early],
        per_gram=table.per_gram[early],
        path=table.path[early],
    )


def case(name: str) -> Case:
    return example(name.removeprefix("example ")) if name.startswith("example ") else shipped(name)


NAMES = (*sorted(MODELS), *(f"example {name}" for name in EXAMPLES))


def imported_outputs(imported: ImportedModel, days: tuple[float, ...] = DAYS) -> dict[str, Array]:
    """Outputs of an imported model."""
    model = build_model([imported.block])
    values = resolve(model, [imported.parameters]).values
    found = simulate_model(
        model, values, {}, days, events=imported.events, engine="scipy", rtol=1e-10
    )
    return dict(zip(model.output_names, found.outputs[0].T, strict=True))


def largest_difference(found: Array, expected: Array) -> float:
    """Over the largest value; of what is below a thousandth, as it is."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))
