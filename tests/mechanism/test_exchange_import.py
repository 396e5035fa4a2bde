"""What of SBML and Antimony is read, and what is refused in one clear line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.mechanism.engine import simulate_model
from oncovivo.mechanism.exchange.antimony_text import model_from_antimony, read_antimony
from oncovivo.mechanism.exchange.libraries import sbml_library
from oncovivo.mechanism.exchange.sbml_in import model_from_sbml, read_sbml
from oncovivo.mechanism.exchange.sbml_out import sbml_text
from oncovivo.mechanism.model import build_model
from oncovivo.mechanism.parameters import resolve
from tests.mechanism.exchange_cases import DAYS as CASE_DAYS
from tests.mechanism.exchange_cases import imported_outputs, largest_difference, shipped

DAYS = (0.0, 0.5, 1.0, 3.0)
TIME = np.array(DAYS)

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">'
    '<model id="m" timeUnits="{time}">'
    '<listOfUnitDefinitions><unitDefinition id="hour"><listOfUnits>'
    '<unit kind="second" exponent="1" scale="0" multiplier="3600"/>'
    "</listOfUnits></unitDefinition></listOfUnitDefinitions>"
)
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
X = (
    '<listOfParameters><parameter id="x" value="1" constant="false"/>'
    '<parameter id="k" value="2" constant="true"/></listOfParameters>'
)
DECAY = (
    '<listOfRules><rateRule variable="x">'
    + MATH.format("<apply><times/><apply><minus/><ci>k</ci></apply><ci>x</ci></apply>")
    + "</rateRule></listOfRules>"
)
AT_2 = (
    '<trigger initialValue="false" persistent="true">'
    + MATH.format(
        "<apply><geq/><csymbol encoding='text' "
        "definitionURL='http://www.sbml.org/sbml/symbols/time'>t</csymbol><cn>2</cn></apply>"
    )
    + "</trigger>"
)
SET_X = (
    '<listOfEventAssignments><eventAssignment variable="x">'
    + MATH.format("<cn>5</cn>")
    + "</eventAssignment></listOfEventAssignments>"
)


def _sbml(content: str, time: str = "hour") -> str:
    return HEAD.format(time=time) + content + "</model></sbml>"


def _event(inner: str) -> str:
    return (
        '<listOfEvents><event id="e" useValuesFromTriggerTime="true">'
        + inner
        + "</event></listOfEvents>"
    )


def test_time_in_hours_becomes_days() -> None:
    found = imported_outputs(model_from_sbml(_sbml(X + DECAY)), (0.0, 0.05))
    assert found["x"] == pytest.approx([1.0, np.exp(-2.0 * 24.0 * 0.05)], rel=1e-8)


def test_an_event_in_hours_happens_on_its_day() -> None:
    imported = model_from_sbml(_sbml(X + DECAY + _event(AT_2 + SET_X)))
    (table,) = imported.events.values()
    assert table.time.tolist() == pytest.approx([2.0 / 24.0])
    found = imported_outputs(imported, (2.0 / 24.0,))
    assert found["x"] == pytest.approx([5.0])


def test_a_unit_of_time_that_is_not_stated_is_taken_as_told() -> None:
    text = _sbml(X + DECAY).replace(' timeUnits="hour"', "")
    assumed = model_from_sbml(text)
    assert "days are assumed" in assumed.notes[0]
    assert imported_outputs(assumed, (0.5,))["x"] == pytest.approx([np.exp(-1.0)], rel=1e-8)
    told = model_from_sbml(text, time_unit="min")
    assert imported_outputs(told, (0.001,))["x"] == pytest.approx([np.exp(-2.88)], rel=1e-8)


DELAY = _event(AT_2 + "<delay>" + MATH.format("<cn>1</cn>") + "</delay>" + SET_X)
PRIORITY = _event(AT_2 + "<priority>" + MATH.format("<cn>1</cn>") + "</priority>" + SET_X)
STATE_TRIGGER = _event(
    '<trigger initialValue="false" persistent="true">'
    + MATH.format("<apply><lt/><ci>x</ci><cn>0.5</cn></apply>")
    + "</trigger>"
    + SET_X
)
ALGEBRAIC = (
    "<listOfRules><algebraicRule>"
    + MATH.format("<apply><minus/><ci>x</ci><ci>k</ci></apply>")
    + "</algebraicRule></listOfRules>"
)
CONSTRAINT = (
    "<listOfConstraints><constraint>"
    + MATH.format("<apply><gt/><ci>x</ci><cn>0</cn></apply>")
    + "</constraint></listOfConstraints>"
)
SINE = DECAY.replace("<apply><minus/><ci>k</ci></apply>", "<apply><sin/><ci>k</ci></apply>")
VESSEL = (
    '<listOfCompartments><compartment id="c" size="2" spatialDimensions="3" constant="true"/>'
    '</listOfCompartments><listOfSpecies><species id="s" compartment="c" initialAmount="4" '
    'hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"{}/></listOfSpecies>'
    '<listOfParameters><parameter id="f" value="{}" constant="true"/></listOfParameters>'
)
DRAIN = (
    '<listOfReactions><reaction id="drain" reversible="false"><listOfReactants>'
    '<speciesReference species="s" stoichiometry="1" constant="true"/></listOfReactants>{}'
    "</reaction></listOfReactions>"
)
LAW = (
    "<kineticLaw>"
    + MATH.format("<apply><times/><ci>c</ci><apply><times/><ci>kl</ci><ci>s</ci></apply></apply>")
    + '<listOfLocalParameters><localParameter id="kl" value="1.5"/></listOfLocalParameters>'
    "</kineticLaw>"
)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (X + DECAY + DELAY, "event e: expected SBML .* found an event with a delay"),
        (X + DECAY + PRIORITY, "event e: expected SBML .* found an event with a priority"),
        (X + DECAY + STATE_TRIGGER, "the trigger x < 0.5; write time >= a constant"),
        (X + ALGEBRAIC, "an algebraic rule"),
        (X + DECAY + CONSTRAINT, "a constraint"),
        (X + SINE, r"rate rule for x: expected .* found sin\(k\)"),
        (VESSEL.format(' conversionFactor="f"', "2"), "a conversion factor of s that is not 1"),
        (VESSEL.format("", "1") + DRAIN.format(""), "reaction drain without a kinetic law"),
    ],
)
def test_what_is_outside_is_refused_in_one_line(content: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as caught:
        model_from_sbml(_sbml(content), where="model.xml")
    assert str(caught.value).startswith("model.xml")
    assert "\n" not in str(caught.value)


def test_a_fast_reaction_is_refused() -> None:
    old = (
        _sbml(VESSEL.format("", "1") + DRAIN.format(LAW))
        .replace("level3/version2", "level3/version1")
        .replace('version="2"', 'version="1"')
        .replace('reversible="false"', 'reversible="false" fast="true"')
    )
    with pytest.raises(InputError, match="the fast reaction drain"):
        model_from_sbml(old)


def test_a_reaction_moves_concentrations_by_the_size_of_the_compartment() -> None:
    imported = model_from_sbml(_sbml(VESSEL.format("", "1") + DRAIN.format(LAW), "second"))
    assert {parameter.name for parameter in imported.block.parameters} >= {"c", "drain_kl"}
    days = (0.0, 1e-6, 1e-5)
    found = imported_outputs(imported, days)
    expected = 2.0 * np.exp(-1.5 * 86400.0 * np.array(days))
    assert found["s"] == pytest.approx(expected, rel=1e-7)


def test_a_conversion_factor_of_one_changes_nothing() -> None:
    text = _sbml(VESSEL.format(' conversionFactor="f"', "1") + DRAIN.format(LAW))
    assert imported_outputs(model_from_sbml(text), (0.1,))["s"] == pytest.approx(
        [2.0 * np.exp(-1.5 * 2.4)], rel=1e-7
    )


def test_an_invalid_document_says_where() -> None:
    with pytest.raises(FileFormatError, match=r"model.xml line \d+: expected valid SBML"):
        model_from_sbml(_sbml(X + DECAY.replace("<ci>x</ci>", "<ci>y</ci>")), where="model.xml")
    with pytest.raises(FileFormatError, match="valid SBML"):
        model_from_sbml("<sbml", where="model.xml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="an SBML file, found no such file"):
        read_sbml(tmp_path / "none.xml")
    with pytest.raises(FileFormatError, match="an Antimony file, found no such file"):
        read_antimony(tmp_path / "none.ant")
    (tmp_path / "latin.ant").write_bytes(b"x = 1 // \xe9")
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_antimony(tmp_path / "latin.ant")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "decay.xml").write_text(_sbml(X + DECAY), encoding="utf-8")
    assert read_sbml(tmp_path / "decay.xml").block.source == "imported from decay.xml"
    (tmp_path / "decay.ant").write_text("x = 1; x' = -k*x; k = 2", encoding="utf-8")
    found = imported_outputs(read_antimony(tmp_path / "decay.ant"), DAYS)
    assert found["x"] == pytest.approx(np.exp(-2.0 * TIME), rel=1e-8)


CHAIN = """
model chain
  compartment body = 3;
  species A in body, B in body;
  A = 6; B = 0;
  J1: 2 A -> B; body*k1*A;
  J2: B -> ; body*k2*B;
  k1 = 0.4; k2 = 0.4;
  total := A + 2*B;
  at time >= 2: A = A + dose;
  dose = 5;
end
"""


def test_antimony_with_reactions_gives_its_closed_form() -> None:
    found = imported_outputs(model_from_antimony(CHAIN), (0.0, 1.0, 1.5))
    time = np.array([0.0, 1.0, 1.5])
    first = 6.0 * np.exp(-0.8 * time)
    second = 0.4 * 6.0 / (0.4 - 0.8) * (np.exp(-0.8 * time) - np.exp(-0.4 * time))
    assert found["A"] == pytest.approx(first, rel=1e-8)
    assert found["B"] == pytest.approx(second, rel=1e-7, abs=1e-12)
    assert found["total"] == pytest.approx(first + 2.0 * second, rel=1e-7)


def test_an_event_of_antimony_adds_its_dose() -> None:
    imported = model_from_antimony(CHAIN)
    without = imported_outputs(imported, (1.999999, 2.0))
    assert without["A"][1] - without["A"][0] == pytest.approx(5.0, abs=1e-4)


def test_functions_and_pieces_are_read() -> None:
    text = """
    function hill(c, e, n)
      c^n/(e^n + c^n)
    end
    x = 4; x' = -hill(x, 2, 3)*x;
    slow := piecewise(1, x < 1, 2, x < 3, 3);
    size := root(3, x) + log10(x) + abs(1 - x) + max(x, 2, 1)
    """
    found = imported_outputs(model_from_antimony(text), DAYS)
    x = found["x"]
    assert found["slow"].tolist() == np.select([x < 1, x < 3], [1.0, 2.0], 3.0).tolist()
    size = np.cbrt(x) + np.log10(x) + np.abs(1.0 - x) + np.maximum(x, 2.0)
    assert found["size"] == pytest.approx(size, rel=1e-12)


def test_pieces_of_time_are_refused() -> None:
    with pytest.raises(InputError, match="piecewise that does not ask for the time"):
        model_from_antimony("x = 1; x' = piecewise(1, time < 2, 0)")


def test_values_at_first_may_be_computed_from_each_other() -> None:
    text = "x = 2*y; y = 3*k; k = 0.5; x' = -x; y' = -y; z := x + y; w = z + 1; w' = 0"
    found = imported_outputs(model_from_antimony(text), (0.0,))
    assert {name: values[0] for name, values in found.items()} == {
        "x": 3.0,
        "y": 1.5,
        "z": 4.5,
        "w": 5.5,
    }


def test_the_time_in_a_formula_is_that_of_the_file() -> None:
    text = _sbml(X + DECAY).replace(
        "<ci>x</ci></apply>",
        "<csymbol encoding='text' definitionURL='http://www.sbml.org/sbml/symbols/time'>t"
        "</csymbol></apply>",
    )
    # dx/dt = -2 t by the hour: x = 1 - t²
    assert imported_outputs(model_from_sbml(text), (0.125,))["x"] == pytest.approx([1.0 - 9.0])


def test_names_that_cannot_be_kept_are_told() -> None:
    imported = model_from_antimony("_x = 1; _x' = -tanh_*_x; tanh_ = 1; out = 3; y' = out; y = 0")
    assert {state.name for state in imported.block.states} == {"x", "y"}
    assert "_x is called x here." in imported.notes
    assert any(note.startswith("out is called out_") for note in imported.notes)


def test_events_of_one_time_whose_order_matters_are_refused() -> None:
    text = "x = 1; x' = 0; y = 0; y' = 0; at time >= 1: x = 2; at time >= 1: y = x"
    with pytest.raises(InputError, match="at one time, 1 d, whose order would matter"):
        model_from_antimony(text)


def test_an_event_that_was_true_at_first_does_not_happen() -> None:
    text = "x = 1; x' = 0; at time >= 0, t0=true: x = 7"
    imported = model_from_antimony(text)
    assert any("is true from the start" in note for note in imported.notes)
    assert imported_outputs(imported, (0.0, 1.0))["x"].tolist() == [1.0, 1.0]
    late = "x = 1; x' = 0; at time >= 0, t0=false: x = 7"
    assert imported_outputs(model_from_antimony(late), (0.0, 1.0))["x"].tolist() == [7.0, 7.0]


def test_antimony_that_imports_or_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="Antimony without import"):
        model_from_antimony('import "other.ant"\nx = 1')
    with pytest.raises(FileFormatError, match="expected Antimony, found"):
        model_from_antimony("x = = 1")


def test_a_model_without_anything_that_moves_is_refused() -> None:
    with pytest.raises(FileFormatError, match="a model in which something moves, found none"):
        model_from_antimony("k = 1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("compartment c = 1; c' = 1; species s in c; s = 1; J: s -> ; s", "compartment c, whose"),
        ("x = 1; x' = 0; at time > 1 && time < 2: x = 2", r"the trigger \(time > 1\) &&"),
        ("x = 1; x' = 0; t = 1; t' = 0; at time >= t: x = 3", "the trigger time >= t"),
        ("x = 1; x' = delay(x, 1)", r"found delay\(x, 1\)"),
        ("x = 1; x' = 1; y := rateOf(x)", r"found rateOf\(x\)"),
        ("x = 1; x' = " + " + ".join(["x"] * 400), "at most 150 nested operations and terms"),
    ],
)
def test_what_the_engines_do_not_have_is_named(text: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        model_from_antimony(text)


@pytest.mark.parametrize("name", ["paclitaxel in A2780", "temsirolimus in 786-O"])
def test_level_2_is_read_as_well(name: str) -> None:
    library = sbml_library()
    given = shipped(name)
    # In Level 2 an event of day 0 does not happen: it is true from the start.
    later = {key: replace(table, time=table.time + 0.5) for key, table in given.doses.items()}
    case = replace(given, doses=later)
    document = library.readSBMLFromString(sbml_text(case.animal()))
    strict = False
    assert document.setLevelAndVersion(2, 4, strict)
    imported = model_from_sbml(library.writeSBMLToString(document))
    found, expected = imported_outputs(imported, CASE_DAYS), case.outputs()
    for output, values in expected.items():
        assert largest_difference(found[output], values) < 1e-6, output


def test_a_document_that_grows_by_entities_is_refused() -> None:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + at)} "{("&" + chr(97 + at) + ";") * 10}">' for at in range(9)
    )
    text = _sbml(X + DECAY).replace("?>", f"?><!DOCTYPE s [{entities}]>", 1)
    with pytest.raises(FileFormatError, match="expected valid SBML"):
        model_from_sbml(text.replace('id="m"', 'id="m" name="&j;"'))


def test_a_number_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="k: expected a value, found none"):
        model_from_sbml(_sbml(X.replace('id="k" value="2"', 'id="k"') + DECAY))


def test_an_imported_block_joins_others() -> None:
    imported = model_from_antimony("a = 1; a' = -0.5*a", provides="host")
    other = model_from_antimony("b = 2; b' = -0.25*b")
    renamed = other.block.renamed({"per_day": "one_per_day", "initial_b": "b_first"})
    numbers = dict(other.parameters.values)
    numbers["one_per_day"] = numbers.pop("per_day")
    numbers["b_first"] = numbers.pop("initial_b")
    model = build_model([imported.block, renamed])
    values = resolve(model, [], {**imported.parameters.values, **numbers}).values
    found = simulate_model(model, values, {}, [2.0], engine="scipy", rtol=1e-10).outputs[0, 0]
    assert found == pytest.approx([np.exp(-1.0), 2.0 * np.exp(-0.5)], rel=1e-8)
