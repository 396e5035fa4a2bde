"""The engine that writes and compiles a solver for each model."""

from __future__ import annotations

import json
import math
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError, MissingExtraError
from oncovivo.mechanism.blocks import block_from_content, read_block
from oncovivo.mechanism.doses import DoseTable, dose_table
from oncovivo.mechanism.engine import Engine, EventTable, simulate_model
from oncovivo.mechanism.expressions import free_ligand, parse
from oncovivo.mechanism.generated import generate_solver
from oncovivo.mechanism.generated_kernel import cache_folder
from oncovivo.mechanism.generated_lines import CodeLines
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import read_parameter_set, resolve

Array = NDArray[np.float64]
Runs = tuple[tuple[Engine, float], ...]

pytestmark = pytest.mark.skipif(
    sys.platform == "darwin" and platform.machine() == "x86_64",
    reason="numba has no wheels for Macs with Intel processors",
)

# One model for each kind of thing that the text can hold: blocks, sets, doses in mg.
TARGET_SETS = ("mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default")
MODELS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Mapping[str, float]]] = {
    "paclitaxel in A2780": (
        ("animal", "pk_two_compartment", "kill_linear", "tumor_transits", "simeoni"),
        ("mouse_20g", "paclitaxel_a2780", "a2780_simeoni"),
        {"drug": 0.6},
    ),
    "temsirolimus, pathway and vessels": (
        (
            "animal",
            "temsirolimus_sirolimus",
            "fkbp_mtorc1",
            "mtor_core",
            "vegf_vessels",
            "tumor",
            "hahnfeldt",
        ),
        (*TARGET_SETS, "renal_vessels"),
        {"temsirolimus": 0.04},
    ),
    "apitolisib in 786-O": (
        (
            "animal",
            "pk_one_compartment",
            "inhibition_emax",
            "kill_by_inhibition",
            "tumor",
            "exponential",
        ),
        ("mouse_20g", "apitolisib_786o", "renal_786o"),
        {"drug": 0.2},
    ),
    "RS1 and radiation in FaDu": (
        (
            "animal",
            "pk_bolus",
            "radiosensitizer",
            "radiation_lq",
            "tumor_natural_death",
            "logistic",
        ),
        ("mouse_20g", "rs1_fadu", "fadu_radiation", "fadu_growth"),
        {"drug": 1.0},
    ),
    "sunitinib and irinotecan in HT-29": (
        ("animal", "wilson"),
        ("mouse_20g", "ht29_wilson"),
        {"sunitinib": 0.8, "irinotecan": 1.8},
    ),
    "LLC": (("tumor", "gompertz"), ("llc_gompertz",), {}),
}

ABSORBED = """
schema = "oncovivo.block/1"
name = "absorbed"
title = "A drug absorbed or infused, exponential growth that it stops, and radiation"
source = "none"
provides = "growth"
[parameters]
ka = {unit = "1/day", meaning = "absorption"}
ke = {unit = "1/h", meaning = "elimination"}
volume = {unit = "mL", meaning = "volume of distribution"}
lag = {unit = "h", meaning = "lag of absorption"}
infusion = {unit = "h", meaning = "duration of infusion"}
growth = {unit = "1/day", meaning = "growth rate"}
kill = {unit = "mL/(ng*day)", meaning = "kill per concentration"}
v0 = {unit = "mm³", meaning = "volume at the beginning"}
alpha = {unit = "1/Gy", meaning = "radiation damage"}
boost = {unit = "mL/ng", meaning = "what a concentration adds to radiation"}
[pk.drug]
compartments = ["gut", "central"]
amount_unit = "µg"
flows = [{from = "gut", to = "central", rate = "ka"}, {from = "central", to = "out", rate = "ke"}]
doses = [
  {route = "p.o.", compartment = "gut", lag = "lag"},
  {route = "i.v.", compartment = "central", duration = "infusion"},
]
concentrations = [{name = "c_drug", compartment = "central", volume = "volume", unit = "ng/mL"}]
[states]
tumor = {unit = "mm³", meaning = "tumor", initial = "v0", rate = "(growth - kill*c_drug)*tumor"}
[outputs]
tumor_volume = {unit = "mm³", value = "tumor", meaning = "tumor volume", kind = "volume"}
[events.radiation]
dose = "fraction_dose"
unit = "Gy"
[events.radiation.states]
tumor = "tumor*exp(-alpha*(1 + boost*c_drug)*fraction_dose)"
"""
NUMBERS = {
    "ka": 6.0,
    "ke": 0.1,
    "volume": 30.0,
    "lag": 0.0,
    "infusion": 0.0,
    "growth": 0.2,
    "kill": 2e-5,
    "v0": 150.0,
    "alpha": 0.1,
    "boost": 0.0,
}

BINDING = """
schema = "oncovivo.block/1"
name = "binding"
title = "Binding"
source = "none"
provides = "target"
[parameters]
on = {unit = "1/day", meaning = "rate of binding"}
[states]
bound = {unit = "1", meaning = "bound share", initial = "0", rate = "on*(LEVEL - bound)"}
[outputs]
share = {unit = "1", value = "bound", meaning = "bound share", kind = "occupancy"}
"""
DAYS = np.linspace(0.0, 12.0, 9)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is written to the user's folders."""
    folder = tmp_path_factory.getbasetemp() / "compiled"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))


@cache
def of_text(text: str) -> Model:
    """A model of one block."""
    return build_model([block_from_content(tomllib.loads(text), file="block.toml")])


def binding(level: str) -> Model:
    """A model that no other test has."""
    return of_text(BINDING.replace("LEVEL", level))


def numbers(n: int, **values: object) -> Array:
    """Parameters of n animals."""
    table = {name: np.broadcast_to(value, n) for name, value in NUMBERS.items()}
    given = {name: np.broadcast_to(np.asarray(value, float), n) for name, value in values.items()}
    names = of_text(ABSORBED).parameter_names
    return np.stack([{**table, **given}[name] for name in names], axis=1)


def daily(path: int) -> dict[str, DoseTable]:
    """Five daily doses; path 0 is p.o., path 1 i.v."""
    return {"drug": dose_table(1.0, 400.0, path=path, ii=1.0, addl=4)}


def assert_alike(found: Array, expected: Array, tolerance: float) -> None:
    """Outputs (n, t, o) differ by so much of the largest of each at most."""
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(found - expected) <= tolerance * largest).all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_it_agrees_with_the_other_engines_on_shipped_models(name: str) -> None:
    blocks, sets, doses = MODELS[name]
    model = build_model([read_block(block) for block in blocks])
    values = resolve(model, [read_parameter_set(one) for one in sets]).values
    tables = {
        system.compound: dose_table(
            [0.0, 2.0],
            [doses[system.compound] * (system.amount_per_mg or math.nan)] * 2,
            path=len(system.routes) - 1,
        )
        for system in model.pk
    }
    events = {}
    if model.events:
        events["radiation"] = EventTable(time=np.array([2.0, 4.5]), dose=np.array([2.0, 3.0]))
    times = (0.0, 1.0, 2.0, 3.0, 4.5, 9.0)
    runs: Runs = (("generated", 1e-7), ("adaptive", 1e-7), ("scipy", 1e-10))
    for side in ("after", "before") if events else ("after",):
        generated, adaptive, scipy = (
            simulate_model(
                model,
                values,
                tables,
                times,
                events=events,
                engine=engine,
                rtol=rtol,
                at_dose="after" if side == "after" else "before",
            )
            for engine, rtol in runs
        )
        assert not generated.flagged.any()
        assert_alike(generated.outputs, scipy.outputs, 1e-6)
        assert (generated.error_estimate < 1e-4).all()
        assert_alike(generated.outputs, adaptive.outputs, 1e-6)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (0, {"lag": [0.0, 3.0, 30.0]}),
        (1, {"infusion": [1.0, 6.0, 30.0]}),
        # Equal rates of some: absorption and elimination are taken together there.
        (0, {"ka": [2.4, 6.0, 2.4]}),
        (0, {"ka": 2.4}),
        # What nothing leaves rises on a line.
        (1, {"ke": 0.0, "infusion": 4.0, "kill": 1e-6}),
    ],
)
def test_lag_infusion_and_absorption_agree_with_scipy(
    path: int, values: Mapping[str, object]
) -> None:
    model = of_text(ABSORBED)
    parameters = numbers(3, growth=[0.1, 0.2, 0.3], **values)
    runs: Runs = (("generated", 1e-8), ("scipy", 1e-10))
    generated, scipy = (
        simulate_model(model, parameters, daily(path), DAYS, engine=engine, rtol=rtol)
        for engine, rtol in runs
    )
    np.testing.assert_allclose(generated.outputs, scipy.outputs, rtol=1e-6)


def test_the_error_at_the_outputs_is_below_a_hundred_times_the_tolerance() -> None:
    model = of_text(ABSORBED)
    ke = np.array([0.02, 0.1, 1.0, 5.0])
    parameters = numbers(4, ke=ke, kill=2e-4 * ke)
    since = np.maximum(DAYS[None, :, None] - np.arange(1.0, 6.0), 0.0)
    rate = 24.0 * ke[:, None, None]
    area = (400.0 / 30.0 * 1000.0 / rate * -np.expm1(-rate * since)).sum(axis=2)
    exact = 150.0 * np.exp(0.2 * DAYS - 2e-4 * ke[:, None] * area)
    for rtol in (1e-3, 1e-5, 1e-7, 1e-9):
        found = simulate_model(model, parameters, daily(1), DAYS, engine="generated", rtol=rtol)
        away = np.abs(found.outputs[:, :, 0] / exact - 1.0).max(axis=1)
        assert (away <= 20.0 * rtol).all()
        assert (away <= 2.0 * found.error_estimate).all()


def test_an_animal_is_the_same_alone_and_among_others_and_again() -> None:
    model = of_text(ABSORBED)
    rng = np.random.default_rng(4)
    parameters = numbers(1003, ke=rng.uniform(0.05, 0.5, 1003), growth=rng.uniform(0.1, 0.3, 1003))
    events = {"radiation": EventTable(time=np.array([2.0]), dose=np.array([2.0]))}

    def outputs(some: Array) -> Array:
        found = simulate_model(model, some, daily(1), DAYS, events=events, engine="generated")
        return found.outputs

    together = outputs(parameters)
    np.testing.assert_array_equal(outputs(parameters), together)
    for animal in (0, 999, 1000, 1002):
        np.testing.assert_allclose(
            outputs(parameters[animal : animal + 1])[0], together[animal], rtol=1e-12
        )


def test_a_stiff_model_is_sent_to_scipy_by_the_animal_and_day() -> None:
    stiff = np.array([[1.0], [1e6]])
    with pytest.raises(DataError, match=r"m8: .*1e\+06 per day by day .*stiff: use the scipy"):
        simulate_model(binding("0.5"), stiff, {}, DAYS, engine="generated", names=("m7", "m8"))
    mild = simulate_model(binding("0.5"), stiff[:1], {}, DAYS, engine="generated")
    np.testing.assert_allclose(mild.outputs[0, :, 0], -0.5 * np.expm1(-DAYS), rtol=1e-5)


@pytest.mark.parametrize("values", [{"growth": 200.0}, {"kill": -1e300}])
def test_what_is_no_number_names_the_animal_and_the_day(values: dict[str, float]) -> None:
    parameters = np.concatenate([numbers(1), numbers(1, **values)])
    with pytest.raises(DataError, match=r"animal 2: expected states that stay finite.* day "):
        simulate_model(of_text(ABSORBED), parameters, daily(1), DAYS, engine="generated")


def test_an_event_that_makes_no_number_is_an_error() -> None:
    events = {"radiation": EventTable(time=np.array([2.0]), dose=np.array([-1e300]))}
    with pytest.raises(DataError, match=r"animal 1: expected states that stay finite.* day 2"):
        simulate_model(of_text(ABSORBED), numbers(1), {}, DAYS, events=events, engine="generated")


def test_more_steps_than_allowed_are_an_error() -> None:
    # A fast absorption and a steep kill, at a tolerance that nothing asks for.
    with pytest.raises(DataError, match=r"at most 20000 steps.*looser tolerance"):
        simulate_model(
            of_text(ABSORBED), numbers(1), daily(1), [3000.0], engine="generated", rtol=1e-15
        )


RUN = """
import json, sys, tomllib
from oncovivo.mechanism.blocks import block_from_content
from oncovivo.mechanism.engine import simulate_model
from oncovivo.mechanism.model import build_model
model = build_model([block_from_content(tomllib.loads(sys.argv[1]), file="block.toml")])
found = simulate_model(model, [[2.0]], {}, [1.0, 2.0], engine="generated")
print(json.dumps(found.outputs.tolist()))
"""


def run_elsewhere(level: str, folder: Path) -> list[list[list[float]]]:
    """Outputs of another process that keeps what it compiles in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, BINDING.replace("LEVEL", level)],
        env={"NUMBA_CACHE_DIR": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[list[float]]] = json.loads(done.stdout)
    return found


def test_another_process_reads_what_was_compiled(tmp_path: Path) -> None:
    def files() -> dict[str, int]:
        return {
            str(file.relative_to(tmp_path)): file.stat().st_mtime_ns
            for file in tmp_path.rglob("*")
            if file.is_file()
        }

    first = run_elsewhere("0.5", tmp_path)
    before = files()
    assert any(name.endswith(".py") for name in before)
    assert any(name.endswith(".nbc") for name in before)
    assert run_elsewhere("0.5", tmp_path) == first
    assert files() == before
    run_elsewhere("0.25", tmp_path)
    assert len(files()) > len(before)
    np.testing.assert_allclose(first[0], [[-0.5 * math.expm1(-2.0)], [-0.5 * math.expm1(-4.0)]])


def test_without_a_folder_to_write_to_it_works_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(file))
    found = simulate_model(binding("0.125"), [[2.0]], {}, [1.0], engine="generated")
    np.testing.assert_allclose(found.outputs, -0.125 * math.expm1(-2.0), rtol=1e-6)
    assert file.read_text() == "no folder"


def test_a_file_that_is_not_the_text_is_written_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    run_elsewhere("0.5", tmp_path)
    [file] = tmp_path.rglob("solver_*.py")
    text = file.read_text("utf-8")
    file.write_text(text.replace("0.5-", "0.6-"), encoding="utf-8")
    run_elsewhere("0.5", tmp_path)
    assert file.read_text("utf-8") == text


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtraError, match=r"numba.*oncovivo\[mechanism\]"):
        simulate_model(binding("0.0625"), [[2.0]], {}, [1.0], engine="generated")


def test_nothing_imports_numba_before_it_is_asked_for() -> None:
    code = (
        "import sys, oncovivo.cli.main, oncovivo.mechanism.simulate\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('numba', 'llvmlite')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/oncovivo/mechanism"),
        ("linux", {"XDG_CACHE_HOME": "c"}, "/ada/.cache/oncovivo/mechanism"),
        ("linux", {}, "/ada/.cache/oncovivo/mechanism"),
        ("darwin", {}, "/ada/Library/Caches/oncovivo/mechanism"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/oncovivo/mechanism"),
        ("win32", {}, "/ada/AppData/Local/oncovivo/mechanism"),
        ("linux", {"NUMBA_CACHE_DIR": "/n", "XDG_CACHE_HOME": "/c"}, "/n/oncovivo/mechanism"),
    ],
)
def test_the_folder_is_where_the_system_keeps_such_files(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/ada"))
    assert cache_folder(variables, platform) == Path(expected)


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder({}, "linux") is None


def test_the_text_holds_no_word_of_a_file_and_is_the_same_each_time() -> None:
    model = of_text(ABSORBED)
    text = generate_solver(model).source
    assert text == generate_solver(of_text(ABSORBED.replace("tumor", "mass"))).source
    words = (*model.parameter_names, "c_drug", "radiation", "gut")
    assert not set(words) & set(re.findall(r"[A-Za-z_]+\w*", text)) - {"v0"}


VALUES = {"a": 0.7, "b": 2.5, "x": 1.3, "y": 4.0}
EXPRESSIONS = (
    "a*x + a*x*y",
    "x**a + x**2 + x**0.5 + x**1 + x**b",
    "(1 + (x*1e-4)**20)**(1/b) + (1 + x)**(1/b)",
    "min(x, y)*max(x, a) - free_ligand(x, y, a)",
    "free_ligand(y, a, x) + 0*x + (x + 0)*1",
    "-x/(0 - y) + exp(-x) + log(y) + sqrt(x) + tanh(a)",
    "a**b + 2*x*(a**b)",
    "0 - 0*x",
    "d*x + d",
    "x**9 + x**(-2)",
)


def test_a_model_without_states_has_no_solver_and_needs_none() -> None:
    model = build_model([read_block("temsirolimus_sirolimus")])
    with pytest.raises(InputError, match="a state to integrate"):
        generate_solver(model)
    values = np.ones(len(model.parameter_names))
    found = simulate_model(model, values, {}, [1.0], engine="generated")
    assert found.states.shape == (1, 1, 0)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_lines_compute_what_the_expression_says(text: str) -> None:
    tree = parse(text)
    definitions = {"d": parse("a*y + sum_of_nothing"), "sum_of_nothing": parse("0")}
    lines = CodeLines(
        definitions, {"x": "y0", "y": "y1", "a": "x0", "b": "x1"}, frozenset({"x0", "x1"})
    )
    result = lines.local(tree)
    space: dict[str, object] = {
        **{name: getattr(math, name) for name in ("exp", "log", "sqrt", "tanh")},
        "minimum": min,
        "maximum": max,
        "power": math.pow,
        "free_ligand": lambda *given: float(free_ligand(*given)),
        **{"y0": VALUES["x"], "y1": VALUES["y"], "x0": VALUES["a"], "x1": VALUES["b"]},
    }
    exec("\n".join([*lines.head, *lines.body, f"result = {result}"]), space)
    known = {**VALUES, "d": VALUES["a"] * VALUES["y"]}
    assert space["result"] == pytest.approx(float(tree.evaluate(known)), rel=1e-13)
    assert len({*lines.head, *lines.body}) == len(lines.head) + len(lines.body)


def test_equal_parts_are_one_line_and_parts_of_parameters_are_in_the_head() -> None:
    arguments = {"x": "y0", "a": "x0", "b": "x1"}
    lines = CodeLines({}, arguments, frozenset({"x0", "x1"}))
    targets: Sequence[str] = [lines.local(parse(text)) for text in ("a*b*x", "a*b*x + a*b")]
    assert lines.head == ["p0 = x0*x1"]
    assert lines.body == ["v1 = p0*y0", "v2 = v1+p0"]
    assert targets == ["v1", "v2"]
    lines.begin_body()
    assert lines.local(parse("a*b*x")) == "v3"
    assert lines.body == ["v3 = p0*y0"]
