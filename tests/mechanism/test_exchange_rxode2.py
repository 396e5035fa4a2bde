"""Text for rxode2: labeled as not executed, and the same equations when its lines are computed."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.mechanism.exchange.rxode2_text import rxode2_text
from oncovivo.mechanism.exchange.typical_animal import typical_animal
from tests.mechanism.exchange_cases import EXAMPLES, Case, case

WITHOUT_RADIATION = [
    "temsirolimus in 786-O",
    "sunitinib and irinotecan in HT-29",
    "paclitaxel in A2780",
    "kill with a plateau",
    "two drugs",
    *(f"example {name}" for name in EXAMPLES),
]
FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "min": np.minimum,
    "max": np.maximum,
}


@cache
def _case(name: str) -> Case:
    return case(name)


def _computed(text: str) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Quantities, first values and rates of the model's lines, by plain arithmetic."""
    body = text.split("rxode2({", 1)[1].split("\n})", 1)[0]
    values: dict[str, float] = {"t": 0.0}
    firsts: dict[str, float] = {}
    rates: dict[str, float] = {}
    for line in body.strip().splitlines():
        target, formula = line.split("#")[0].split(" = ", 1)
        code = compile(formula.strip().replace("^", "**"), "rxode2", "eval")
        value = float(eval(code, {"__builtins__": {}}, {**FUNCTIONS, **values}))
        if found := re.fullmatch(r"\s*d/dt\((\w+)\)", target):
            rates[found[1]] = value
        elif found := re.fullmatch(r"\s*(\w+)\(0\)", target):
            firsts[found[1]] = values[found[1]] = value
        else:
            values[target.strip()] = value
    return values, firsts, rates


@pytest.mark.parametrize("name", WITHOUT_RADIATION)
def test_the_lines_compute_the_equations_at_day_0(name: str) -> None:
    one = _case(name)
    text = rxode2_text(one.animal())
    assert text.startswith("# not executed here")
    values, firsts, rates = _computed(text)
    parameters = one.parameters.values
    first = one.model.initial(parameters)
    none = np.zeros(len(one.model.concentration_names))
    expected = one.model.rhs(0.0, first, parameters, none)
    for place, state in enumerate(one.model.state_names):
        assert firsts[state] == pytest.approx(first[place], rel=1e-12, abs=1e-300), state
        assert rates[state] == pytest.approx(expected[place], rel=1e-9, abs=1e-12), state
    shown = one.model.observe(0.0, first, parameters, none)
    names = one.animal().outputs
    for place, output in enumerate(one.model.output_names):
        assert values[names[output]] == pytest.approx(shown[place], rel=1e-9, abs=1e-12), output


def test_the_tight_binder_keeps_its_digits_on_both_sides() -> None:
    one = _case("temsirolimus in 786-O")
    text = rxode2_text(one.animal())
    function = one.model.compile_quantities(["free_drug"])
    none = np.zeros(len(one.model.concentration_names))
    state = one.model.initial(one.parameters.values)
    for drug in (1e-9, 50.0, 5000.0):
        state[one.model.state_names.index("drug_tumor")] = drug
        values, _, _ = _computed(text.replace("drug_tumor(0) = 0.0", f"drug_tumor(0) = {drug!r}"))
        expected = function(0.0, state, one.parameters.values, none)[0]
        assert values["free_drug"] == pytest.approx(expected, rel=1e-12)


def test_doses_and_infusions_are_lines_of_the_event_table() -> None:
    bolus = rxode2_text(_case("example renal_786o").animal())
    assert bolus.count('amt = 40.0, cmt = "t_central"') == 4
    infused = rxode2_text(_case("example pk_human").animal())
    assert 'time = 0.0, evid = 5, amt = 600000.0, cmt = "inflow_t_central"' in infused
    assert 'evid = 5, amt = 0.0, cmt = "inflow_t_central"' in infused
    assert "  d/dt(inflow_t_central) = 0\n" in infused


def test_radiation_is_refused() -> None:
    with pytest.raises(InputError, match=r"doses alone, for rxode2, found radiation .* on day 1"):
        rxode2_text(_case("RS1 and radiation in FaDu").animal())


def test_every_line_of_text_from_files_is_a_comment() -> None:
    one = _case("LLC")
    title = "two\nlines; stop()"
    text = rxode2_text(typical_animal(one.model, one.parameters, {}, title=title, arm="a\nb"))
    assert "# two lines; stop()" in text
    assert "\nlines" not in text
    assert "\nb" not in text
