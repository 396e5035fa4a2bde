"""Models: merging blocks, refusing what does not fit, and the functions that come out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.linalg import expm

from oncovivo.errors import DataError, InputError, UnitError
from oncovivo.mechanism.blocks import Block, block_from_content, read_block
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterValue,
    ResolvedParameters,
    read_parameter_set,
    resolve,
)
from oncovivo.texts import parse_toml


def block(body: str, name: str = "main", provides: str = "growth") -> Block:
    head = (
        f'schema = "oncovivo.block/1"\nname = "{name}"\ntitle = "T"\nsource = "none"\n'
        f'provides = "{provides}"\n'
    )
    return block_from_content(parse_toml(head + body, where="t"), file=f"{name}.toml")


def parameter(name: str, unit: str, rest: str = "lower = 0.0") -> str:
    return f'[parameters.{name}]\nunit = "{unit}"\nmeaning = "{name}"\n{rest}\n'


def state(name: str, rate: str, *, unit: str = "mm³", initial: str = "0") -> str:
    return (
        f'[states.{name}]\nunit = "{unit}"\nmeaning = "{name}"\n'
        f'initial = "{initial}"\nrate = "{rate}"\n'
    )


def algebraic(name: str, unit: str, value: str) -> str:
    return f'[algebraics.{name}]\nunit = "{unit}"\nvalue = "{value}"\n'


def term(to: str, value: str) -> str:
    return f'[[contributes]]\nto = "{to}"\nvalue = "{value}"\n'


SIMEONI = block(
    parameter("lambda0", "1/day")
    + parameter("lambda1", "mm³/day")
    + parameter("psi", "1")
    + parameter("k1", "1/day")
    + parameter("v0", "mm³")
    + '[sums.kill_rate]\nunit = "1/day"\n[products.growth_factor]\nunit = "1"\n'
    + state(
        "x1",
        "growth_factor*lambda0*x1/(1 + (lambda0*tumor/lambda1)**psi)**(1/psi) - kill_rate*x1",
        initial="v0",
    )
    + state("x2", "kill_rate*x1 - k1*x2")
    + state("x3", "k1*(x2 - x3)")
    + algebraic("tumor", "mm³", "x1 + x2 + x3")
    + '[outputs.volume]\nunit = "mL"\nvalue = "tumor"\nmeaning = "volume"\nkind = "volume"\n',
    "simeoni_like",
)
KILL = block(
    parameter("k2", "mL/(ng*h)")
    + '[requires.conc]\nunit = "µg/mL"\n'
    + term("kill_rate", "k2*conc"),
    "kill",
    "effect",
)
PK = block(
    parameter("cl", "mL/h")
    + parameter("v", "mL", "lower = 0.0\nopen = true")
    + parameter("ka", "1/h")
    + parameter("f", "%", "lower = 0.0\nupper = 100.0")
    + parameter("tlag", "min")
    + """
[pk.drug]
compartments = ["gut", "blood", "other"]
amount_unit = "mg"
[[pk.drug.flows]]
from = "gut"
to = "blood"
rate = "ka"
[[pk.drug.flows]]
from = "blood"
to = "out"
rate = "cl/v"
[[pk.drug.flows]]
from = "blood"
to = "other"
rate = "0.1*ka"
factor = "914.2/1030.3"
[[pk.drug.doses]]
route = "p.o."
compartment = "gut"
fraction = "f"
lag = "tlag"
[[pk.drug.doses]]
route = "i.v."
compartment = "blood"
duration = "2*tlag"
[[pk.drug.concentrations]]
name = "conc"
compartment = "blood"
volume = "v"
unit = "ng/mL"
""",
    "pk",
    "pk",
)
VALUES = {
    "lambda0": 0.3,
    "lambda1": 150.0,
    "psi": 20.0,
    "k1": 0.9,
    "v0": 100.0,
    "k2": 1e-5,
    "cl": 20.0,
    "v": 30.0,
    "ka": 1.5,
    "f": 40.0,
    "tlag": 30.0,
}


@pytest.fixture
def model() -> Model:
    return build_model([SIMEONI, KILL, PK])


def values(model: Model) -> np.ndarray:
    return np.array([VALUES[name] for name in model.parameter_names])


def test_blocks_are_merged_in_their_order(model: Model) -> None:
    assert model.state_names == ("x1", "x2", "x3")
    assert model.parameter_names[:6] == ("lambda0", "lambda1", "psi", "k1", "v0", "k2")
    assert model.concentration_names == ("conc",)
    assert model.output_names == ("volume",)


def test_the_rate_is_the_equation_with_its_factors_between_units(model: Model) -> None:
    x, conc = np.array([120.0, 20.0, 5.0]), 300.0
    rate = model.rhs(0.0, x, values(model), [conc])
    kill = 1e-5 * 24 * conc
    growth = 0.3 * 120 / (1 + (0.3 * 145 / 150) ** 20) ** (1 / 20)
    wanted = [growth - kill * 120, kill * 120 - 0.9 * 20, 0.9 * (20 - 5)]
    np.testing.assert_allclose(rate, wanted, rtol=1e-14)


def test_functions_take_any_leading_axes_and_animals_do_not_meet(model: Model) -> None:
    rng = np.random.default_rng(7)
    p = values(model) * rng.uniform(0.8, 1.2, (4, 5, 11))
    x = rng.uniform(10.0, 200.0, (4, 5, 3))
    c = rng.uniform(0.0, 500.0, (4, 5, 1))
    t = rng.uniform(0.0, 9.0, (4, 5))
    whole = model.rhs(t, x, p, c)
    assert whole.shape == (4, 5, 3)
    one = model.rhs(t[2, 3], x[2, 3], p[2, 3], c[2, 3])
    np.testing.assert_array_equal(whole[2, 3], one)
    np.testing.assert_array_equal(model.rhs.bind(p)(t, x, c), whole)
    assert model.observe(t, x, p, c).shape == (4, 5, 1)
    assert model.initial(p).shape == (4, 5, 3)
    assert model.jacobian(t, x, p, c).shape == (4, 5, 3, 3)
    assert model.rhs(0.0, x, values(model), c[0, 0]).shape == (4, 5, 3)


def test_the_generated_function_holds_no_loop_and_no_name_of_the_file(model: Model) -> None:
    for word in ("for ", "while ", "lambda0", "tumor", "conc ", "import"):
        assert word not in model.rhs.source


def test_what_parameters_alone_decide_is_computed_when_they_are_bound(model: Model) -> None:
    prepare, run = model.rhs.source.split("def run")
    assert "1.0/parameters" in prepare
    assert "1.0/" not in run


def test_outputs_and_initial_states_come_in_their_units(model: Model) -> None:
    x = np.array([120.0, 20.0, 5.0])
    assert model.observe(0.0, x, values(model), [0.0]) == pytest.approx([0.145])
    np.testing.assert_array_equal(model.initial(values(model)), [100.0, 0.0, 0.0])


def test_any_quantity_can_be_asked_for(model: Model) -> None:
    found = model.compile_quantities(["tumor", "kill_rate", "conc", "k1"])
    x = np.array([[120.0, 20.0, 5.0]])
    np.testing.assert_allclose(
        found(0.0, x, values(model), [300.0]), [[145.0, 0.072, 300.0, 0.9]], rtol=1e-14
    )
    with pytest.raises(InputError, match="did you mean tumor"):
        model.compile_quantities(["tumour"])


def test_the_jacobian_is_the_slope_of_the_rate(model: Model) -> None:
    p, x, c = values(model), np.array([420.0, 20.0, 5.0]), np.array([300.0])
    found = model.jacobian(0.0, x, p, c)
    for j in range(3):
        step = np.zeros(3)
        step[j] = 1e-4
        wanted = (model.rhs(0.0, x + step, p, c) - model.rhs(0.0, x - step, p, c)) / 2e-4
        np.testing.assert_allclose(found[:, j], wanted, rtol=1e-6, atol=1e-9)


def test_the_jacobian_follows_chains_of_algebraics() -> None:
    model = build_model(
        [
            block(
                parameter("k", "1/day")
                + state("x", "-k*c", unit="1", initial="1")
                + algebraic("a", "1", "x**2")
                + algebraic("b", "1", "exp(a) + x")
                + algebraic("c", "1", "a*b*min(b, 3)")
            )
        ]
    )
    for x in (0.4, 1.3):
        found = model.jacobian(0.0, [x], [2.0])[0, 0]
        wanted = np.diff([model.rhs(0.0, [x + s], [2.0])[0] for s in (-1e-6, 1e-6)])[0] / 2e-6
        assert found == pytest.approx(wanted, rel=1e-7)


def test_the_unit_in_which_a_quantity_is_declared_does_not_change_a_simulation() -> None:
    # The whole model in mL and hours gives the rates of the model in mm³ and days.
    def growth(volume: str, time: str) -> Model:
        return build_model(
            [
                block(
                    parameter("a", f"1/{time}")
                    + parameter("b", f"{volume}/{time}")
                    + parameter("v0", volume)
                    + state("x", "min(a*x, b)", unit=volume, initial="v0")
                )
            ]
        )

    small, large = growth("mm³", "day"), growth("mL", "h")
    for x in (50.0, 5000.0):
        one = small.rhs(0.0, [x], [0.24, 240.0, 1.0])
        other = large.rhs(0.0, [x / 1000], [0.01, 0.01, 1.0])
        np.testing.assert_allclose(other * 1000, one, rtol=1e-14)


def test_a_linear_rate_in_g_does_not_go_with_a_volume() -> None:
    # As in Reig-Lopez 2020, where g and mL stand for each other.
    with pytest.raises(UnitError, match=r"main\.toml states\.x\.rate: .*pure number.*mm³/g"):
        build_model(
            [
                block(
                    parameter("lambda0", "1/day")
                    + parameter("lambda1", "g/day")
                    + parameter("psi", "1")
                    + state("x", "lambda0*x/(1 + (lambda0*x/lambda1)**psi)**(1/psi)", unit="mL")
                )
            ]
        )


def test_a_rate_without_its_time_is_refused() -> None:
    # As for Mukker 2026: a linear rate that is declared as a volume.
    with pytest.raises(UnitError, match=r"main\.toml states\.x\.rate: .*terms of one kind"):
        build_model(
            [
                block(
                    parameter("lambda0", "1/h")
                    + parameter("lambda1", "mL")
                    + state("x", "min(lambda0*x, lambda1)")
                )
            ]
        )


def test_sums_are_zero_and_products_one_without_a_term() -> None:
    model = build_model([SIMEONI])
    found = model.compile_quantities(["kill_rate", "growth_factor"])
    np.testing.assert_array_equal(found(0.0, np.ones((2, 3)), np.ones(5)), [[0, 1], [0, 1]])
    rate = model.rhs(0.0, [50.0, 0.0, 0.0], [0.3, 1e9, 20.0, 0.9, 1.0])
    np.testing.assert_allclose(rate, [15.0, 0.0, 0.0])


def test_terms_are_added_and_factors_multiplied() -> None:
    effect = block(
        parameter("e", "%")
        + term("kill_rate", "0.5*lambda0")
        + term("growth_factor", "1 - e")
        + term("kill_rate", "k1")
        + term("growth_factor", "e"),
        "effect",
        "effect",
    )
    model = build_model([effect, SIMEONI])
    found = model.compile_quantities(["kill_rate", "growth_factor"])
    p = dict.fromkeys(model.parameter_names, 1.0) | {"lambda0": 0.3, "k1": 0.9, "e": 20.0}
    np.testing.assert_allclose(found(0.0, np.ones(3), list(p.values())), [1.05, 0.16])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (state("x", "ratee*x") + parameter("rate", "1/day"), "'ratee'.*did you mean rate"),
        (state("x", "nothing*x"), "'nothing'.*declare it"),
        (state("x", "exp*x"), "'exp'"),
        (state("time", "time"), "meaning of its own, found 'time'"),
        (state("exp", "exp"), "meaning of its own, found 'exp'"),
        (state("x", "x") + parameter("x", "1"), "x as parameter of main and as state of main"),
        (algebraic("a", "1", "b") + algebraic("b", "1", "a"), "a → b → a"),
        (algebraic("a", "1", "a + 1"), "a → a"),
        (
            '[sums.s]\nunit = "1"\n' + algebraic("a", "1", "2*s") + term("s", "a"),
            "a → s → a|s → a → s",
        ),
        (term("kill", "1"), "'kill'.*add the block that declares it"),
        (
            '[sums.kill_rate]\nunit = "1/day"\n' + term("kil_rate", "1"),
            "'kil_rate'.*did you mean kill_rate",
        ),
        (algebraic("a", "1", "1") + term("a", "1"), "'a', which is declared as algebraic"),
        ('[requires.conc]\nunit = "ng/mL"\n', "supplies conc .ng/mL., found none"),
        (
            '[requires.conc]\nunit = "1"\n' + algebraic("conc1", "1", "1"),
            "did you mean conc1",
        ),
        (
            state("x", "0", initial="y") + state("y", "0"),
            "an expression of parameters, found y, which moves",
        ),
        (state("x", "0", initial="a*time") + parameter("a", "mm³/day"), "time, which moves"),
        ('[[edges]]\nfrom="a"\nto="b"\nsign="inhibits"\n', "an edge between names of the model"),
    ],
)
def test_names_that_do_not_fit_together_are_refused(body: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        build_model([block(body)])
    assert "\n" not in str(caught.value)


def test_one_name_in_two_blocks_is_refused_unless_it_is_declared_as_shared() -> None:
    one, two = block(parameter("w", "g"), "one", "pk"), block(parameter("w", "g"), "two", "pk")
    with pytest.raises(InputError, match="w as parameter of one and as parameter of two"):
        build_model([one, two])
    shared = "lower = 0.0\nshared = true"
    one, two = (block(parameter("w", "g", shared), n, "pk") for n in ("one", "two"))
    assert build_model([one, two]).parameter_names == ("w",)
    other = block(parameter("w", "kg", shared), "two", "pk")
    with pytest.raises(InputError, match="each name declared once"):
        build_model([one, other])


def test_a_required_name_of_another_kind_of_unit_is_refused() -> None:
    need = block('[requires.conc]\nunit = "nmol/L"\n', "target", "target")
    with pytest.raises(UnitError, match=r"conc in a unit like nmol/L .* found ng/mL"):
        build_model([PK, need])


@pytest.mark.parametrize("role", ["growth", "pathway"])
def test_growth_and_pathway_are_provided_once(role: str) -> None:
    blocks = [block(algebraic(f"a{i}", "1", "1"), f"b{i}", role) for i in range(2)]
    with pytest.raises(InputError, match=f"at most one block that provides {role}"):
        build_model(blocks)


def test_outputs_and_compounds_come_once() -> None:
    output = '[outputs.o]\nunit = "1"\nvalue = "1"\nmeaning = "o"\nkind = "other"\n'
    with pytest.raises(InputError, match="o of a and of b"):
        build_model([block(output, "a", "effect"), block(output, "b", "effect")])
    names = {"cl": "cl2", "v": "w", "ka": "kb", "f": "g", "tlag": "lag2", "conc": "conc2"}
    with pytest.raises(InputError, match="drug twice"):
        build_model([PK, PK.renamed(names)])
    twice = build_model([PK, PK.renamed({**names, "drug": "partner"})])
    assert twice.concentration_names == ("conc", "conc2")


def test_no_blocks_make_no_model() -> None:
    with pytest.raises(InputError, match="at least one block"):
        build_model([])


def test_units_of_contributions_and_outputs_are_checked() -> None:
    wrong = block(term("kill_rate", "v0"), "wrong", "effect")
    with pytest.raises(UnitError, match=r"wrong\.toml contributes to kill_rate"):
        build_model([SIMEONI, wrong])
    output = '[outputs.o]\nunit = "g"\nvalue = "tumor"\nmeaning = "o"\nkind = "other"\n'
    with pytest.raises(UnitError, match=r"wrong\.toml outputs\.o: expected a value in g"):
        build_model([SIMEONI, block(output, "wrong", "effect")])


def test_pk_is_a_matrix_per_day_and_conserves_mass(model: Model) -> None:
    p = np.stack([values(model), 2 * values(model)])
    system = model.pk[0]
    matrix = system.rate_matrix(p)
    ka, kel = 1.5 * 24, 20 / 30 * 24
    factor = 914.2 / 1030.3
    wanted = [[-ka, 0, 0], [ka, -kel - 0.1 * ka, 0], [0, 0.1 * ka * factor, 0]]
    np.testing.assert_allclose(matrix[0], wanted, rtol=1e-14)
    np.testing.assert_allclose(matrix[1][0, 0], -2 * ka)
    left = expm(matrix[0] * 50.0) @ [1.0, 0.0, 0.0]
    assert left[2] == pytest.approx(factor * 0.1 * ka / (kel + 0.1 * ka))


def test_doses_and_concentrations_come_in_days_and_declared_units(model: Model) -> None:
    system = model.pk[0]
    terms = system.dose_terms(values(model))
    np.testing.assert_allclose(terms, [[0.4, 30 / 1440, 0], [1, 0, 60 / 1440]], rtol=1e-14)
    assert [(r.route, r.compartment) for r in system.routes] == [("p.o.", 0), ("i.v.", 1)]
    # 1 mg in 30 mL
    assert system.concentration_factors(values(model)) == pytest.approx([1e6 / 30])
    assert system.concentration_compartments == (1,)
    assert system.amount_per_mg == 1.0


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ('rate = "ka"', 'rate = "v"', UnitError, "a value in 1/day"),
        ('fraction = "f"', 'fraction = "v"', UnitError, "a value in 1"),
        ('lag = "tlag"', 'lag = "ka"', UnitError, "a value in day"),
        ('volume = "v"', 'volume = "cl"', UnitError, "a value in"),
        ('unit = "ng/mL"', 'unit = "nmol/L"', UnitError, "a value in"),
        ('amount_unit = "mg"', 'amount_unit = "mL"', UnitError, "mass or of amount"),
        ('rate = "ka"', 'rate = "ka*conc/conc"', InputError, "conc, which moves"),
        ('fraction = "f"', 'fraction = "bioavailability"', InputError, "'bioavailability'"),
    ],
)
def test_pk_of_the_wrong_unit_or_of_states_is_refused(
    old: str, new: str, kind: type[InputError], said: str
) -> None:
    text = (
        parameter("v", "mL")
        + parameter("cl", "mL/h")
        + parameter("ka", "1/h")
        + parameter("f", "%")
        + parameter("tlag", "min")
        + '[pk.drug]\ncompartments = ["gut"]\namount_unit = "mg"\n'
        + '[[pk.drug.flows]]\nfrom = "gut"\nto = "out"\nrate = "ka"\n'
        + '[[pk.drug.doses]]\nroute = "any"\ncompartment = "gut"\nfraction = "f"\nlag = "tlag"\n'
        + '[[pk.drug.concentrations]]\nname = "conc"\ncompartment = "gut"\nvolume = "v"\n'
        + 'unit = "ng/mL"\n'
    )
    assert old in text
    build_model([block(text)])
    with pytest.raises(kind, match=said):
        build_model([block(text.replace(old, new))])


def test_parameters_may_be_defined_by_others_in_pk_and_initial_values() -> None:
    model = build_model(
        [
            block(
                parameter("cl_per_kg", "L/h/kg")
                + parameter("weight", "g")
                + parameter("v", "mL")
                + algebraic("cl", "mL/h", "cl_per_kg*weight")
                + state("x", "0", initial="v/2", unit="mL")
                + '[pk.drug]\ncompartments = ["c"]\namount_unit = "nmol"\n'
                + '[[pk.drug.flows]]\nfrom = "c"\nto = "out"\nrate = "cl/v"\n'
            )
        ]
    )
    p = [1.5, 20.0, 40.0]
    assert model.pk[0].rate_matrix(p) == pytest.approx(-1.5 * 20 / 40 * 24)
    assert model.pk[0].amount_per_mg is None
    assert model.initial(p) == pytest.approx([20.0])


def test_dependencies_name_what_each_quantity_uses(model: Model) -> None:
    found = model.dependencies()
    assert found["tumor"] == {"x1", "x2", "x3"}
    assert found["kill_rate"] == {"k2", "conc"}
    assert found["x3"] == {"k1", "x2", "x3"}
    assert found["conc"] == {"ka", "cl", "v", "f", "tlag"}
    assert found["output:volume"] == {"tumor"}


def test_parameters_behind_an_output_reach_through_states_pk_and_initial_values() -> None:
    other = block(
        parameter("idle", "1")
        + state("z", "0", unit="1", initial="idle")
        + '[outputs.z]\nunit = "1"\nvalue = "z"\nmeaning = "z"\nkind = "other"\n',
        "other",
        "effect",
    )
    model = build_model([SIMEONI, KILL, PK, other])
    assert set(model.parameters_behind("volume")) == set(VALUES)
    assert model.parameters_behind("z") == ("idle",)
    with pytest.raises(InputError, match="did you mean volume"):
        model.parameters_behind("volumes")


def test_parameters_of_an_event_are_behind_what_it_changes() -> None:
    behind = build_model([SIMEONI, RADIATION]).parameters_behind("volume")
    assert {"alpha", "beta"} <= set(behind)


RADIATION = block(
    parameter("alpha", "1/Gy")
    + parameter("beta", "1/Gy^2")
    + '[events.radiation]\ndose = "fraction_dose"\nunit = "cGy"\n[events.radiation.states]\n'
    + 'x1 = "x1*exp(-alpha*fraction_dose - beta*fraction_dose**2)"\n',
    "radiation",
    "effect",
)


def test_an_event_gives_the_states_after_it(model: Model) -> None:
    hit = build_model([SIMEONI, RADIATION])
    p = np.array([0.3, 150.0, 20.0, 0.9, 100.0, 0.08, 0.008])
    x = np.array([[100.0, 10.0, 1.0], [50.0, 5.0, 2.0]])
    after = hit.compile_event("radiation")(0.0, x, p, [[200.0], [0.0]])
    survival = np.exp(-0.08 * 2 - 0.008 * 4)
    np.testing.assert_allclose(after, [[100 * survival, 10, 1], [50, 5, 2]], rtol=1e-14)
    with pytest.raises(InputError, match=r"radiation.*found 'surgery'"):
        hit.compile_event("surgery")
    with pytest.raises(InputError, match=r"\(none\)"):
        model.compile_event("radiation")


def test_the_dose_of_an_event_is_known_in_the_event_alone() -> None:
    leak = block(term("kill_rate", "alpha*fraction_dose*k1"), "leak", "effect")
    with pytest.raises(InputError, match="'fraction_dose'"):
        build_model([SIMEONI, RADIATION, leak])
    with pytest.raises(InputError, match="a state of the model"):
        build_model([SIMEONI, RADIATION.renamed({"x1": "x9"})])


def _pathway(edges: str, rate: str = "kon*signal*(1 - b) - koff*b") -> Model:
    body = (
        parameter("s", "1")
        + parameter("kon", "1/day")
        + parameter("koff", "1/day")
        + algebraic("signal", "1", "s/(1 + a)")
        + algebraic("hidden", "1", "2*b")
        + state("b", rate, unit="1", initial="0.1*s")
        + state("a", "koff*(hidden - a)", unit="1")
    )
    return build_model([block(body + edges, "path", "pathway")])


def _edge(source: str, target: str, sign: str) -> str:
    return f'[[edges]]\nfrom = "{source}"\nto = "{target}"\nsign = "{sign}"\n'


GOOD = (
    _edge("signal", "b", "activates")
    + _edge("b", "a", "activates")
    + _edge("a", "signal", "inhibits")
)


def _numbers(model: Model) -> ResolvedParameters:
    overrides = {
        p.name: ParameterValue(value=0.5, unit=p.unit.symbol, status="assumed")
        for p in model.parameters
    }
    return resolve(model, [], overrides)


def test_a_drawing_that_says_what_the_equations_say_has_no_findings() -> None:
    model = _pathway(GOOD)
    assert model.check_edges(_numbers(model)) == ()


@pytest.mark.parametrize(
    ("edges", "problem", "source", "target"),
    [
        (GOOD + _edge("a", "b", "activates"), "no term", "a", "b"),
        (GOOD.replace("inhibits", "activates"), "wrong sign", "a", "signal"),
        (
            _edge("signal", "b", "activates") + _edge("a", "signal", "inhibits"),
            "no edge",
            "b",
            "a",
        ),
    ],
)
def test_a_drawing_that_differs_from_the_equations_is_found(
    edges: str, problem: str, source: str, target: str
) -> None:
    model = _pathway(edges)
    findings = model.check_edges(_numbers(model))
    assert [(f.problem, f.source, f.target) for f in findings] == [(problem, source, target)]
    assert source in findings[0].message


def test_an_edge_whose_term_vanishes_with_the_numbers_is_found() -> None:
    model = _pathway(GOOD)
    numbers = {"s": 0.5, "kon": 0.0, "koff": 0.5}
    overrides = {
        p.name: ParameterValue(value=numbers[p.name], unit=p.unit.symbol, status="assumed")
        for p in model.parameters
    }
    findings = model.check_edges(resolve(model, [], overrides))
    assert [(f.problem, f.target) for f in findings] == [("no effect", "b")]


def test_an_edge_is_drawn_once() -> None:
    with pytest.raises(InputError, match="each edge once"):
        _pathway(GOOD + _edge("b", "a", "activates"))


def test_the_drug_free_steady_state_is_where_rates_vanish() -> None:
    model = _pathway(GOOD)
    rest = model.steady_state([0.5, 0.5, 0.5], ["a", "b"])
    np.testing.assert_allclose(model.rhs(0.0, rest.state, [0.5, 0.5, 0.5]), 0.0, atol=1e-10)
    assert rest.residual < 1e-9
    assert rest.stable


def test_a_pathway_that_never_rests_is_a_data_error() -> None:
    model = _pathway(GOOD, rate="kon + signal*0*koff")
    with pytest.raises(DataError, match="a drug-free steady state"):
        model.steady_state([0.5, 0.5, 0.5], ["a", "b"])
    with pytest.raises(InputError, match="a state of the model"):
        model.steady_state([0.5, 0.5, 0.5], ["c"])
    with pytest.raises(InputError, match="one value for each of 3"):
        model.steady_state([0.5, 0.5], ["a"])


def test_the_shipped_pathway_is_drawn_as_it_is_computed() -> None:
    names = ("animal", "temsirolimus_sirolimus", "fkbp_mtorc1", "mtor_core")
    model = build_model([read_block(name) for name in names])
    sets = ("mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default")
    resolved = resolve(model, [read_parameter_set(name) for name in sets])
    assert len(model.edges) > 10
    assert model.check_edges(resolved) == ()
    assert model.steady_state(resolved.values, model.state_names).stable


def test_a_pathway_without_finite_rates_is_a_data_error() -> None:
    model = _pathway(GOOD, rate="log(b)*kon + 0*signal*koff")
    with pytest.raises(DataError, match="steady state"):
        model.steady_state([-0.5, 0.5, 0.5], ["a", "b"])


def test_a_model_goes_to_another_process_and_back(model: Model) -> None:
    x, p = np.array([120.0, 20.0, 5.0]), values(model)
    before = model.rhs(0.0, x, p, [3.0])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.rhs(0.0, x, p, [3.0]), before)
    np.testing.assert_array_equal(again.pk[0].rate_matrix(p), model.pk[0].rate_matrix(p))


def test_arrays_of_another_length_are_refused(model: Model) -> None:
    p = values(model)
    with pytest.raises(InputError, match="3 states along the last axis"):
        model.rhs(0.0, [1.0, 2.0], p, [0.0])
    with pytest.raises(InputError, match="11 parameters along the last axis"):
        model.rhs.bind(p[:-1])
    with pytest.raises(InputError, match="1 concentrations along the last axis"):
        model.rhs(0.0, [1.0, 2.0, 3.0], p)
    with pytest.raises(InputError, match="11 parameters"):
        model.initial(1.0)


@pytest.mark.parametrize(
    "rate",
    [
        "k*x/(1 + " + "x/(1 + " * 18 + "x" + ")" * 19,
        "k*" + "exp(-" * 28 + "x" + ")" * 28,
        "*".join(["k", *["x"] * 140]),
        "k*(" + "+".join(["x"] * 140) + ")",
        "k*" + "min(x, 2/(1 + " * 11 + "x" + "))" * 11,
    ],
)
def test_the_deepest_expressions_that_are_read_can_be_compiled_and_derived(rate: str) -> None:
    model = build_model([block(parameter("k", "1/day") + state("x", rate, unit="1", initial="1"))])
    slope = model.jacobian(0.0, [0.9], [1.1])[0, 0]
    wanted = np.diff([model.rhs(0.0, [0.9 + s], [1.1])[0] for s in (-1e-6, 1e-6)])[0] / 2e-6
    assert slope == pytest.approx(wanted, rel=1e-5, abs=1e-8)


def test_the_same_blocks_give_the_same_text(model: Model) -> None:
    assert build_model([SIMEONI, KILL, PK]).rhs.source == model.rhs.source
    assert build_model(model.blocks).jacobian_values.source == model.jacobian_values.source
