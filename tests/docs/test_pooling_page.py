"""The names, formulas and numbers on the page about pooling are those of the code and the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from oncovivo.analyses.meta_effects import parse_measure
from oncovivo.cli.main import app
from oncovivo.evidence.meta import (
    EffectSizes,
    Measure,
    Method,
    Prediction,
    Test,
    TwoGroups,
    coefficient_of_variation_ratio,
    heteroscedastic_mean_difference,
    log_hazard_ratio,
    log_ratio_of_means,
    mean_difference,
    median_survival_ratio,
    normalized_mean_difference,
    response_contrast,
    sd_from,
    standardized_mean_difference,
    variability_ratio,
)
from oncovivo.evidence.meta.dispersion import DispersionKind
from oncovivo.evidence.meta.effect_sizes import (
    DifferenceVariance,
    HeteroscedasticVariance,
    NmdVariance,
    RatioVariance,
)
from oncovivo.evidence.meta.pooling import FEWEST_DF

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "background" / "pooling.md").read_text(encoding="utf-8")
PAGE = " ".join(TEXT.split())
GROUPS = TwoGroups.of(
    n_treated=[8],
    mean_treated=[250.0],
    sd_treated=[100.0],
    n_control=[8],
    mean_control=[500.0],
    sd_control=[150.0],
)


def simulated(question: str, **wanted: object) -> list[dict[str, Any]]:
    path = ROOT / "validation" / "evidence" / "meta.json"
    made = json.loads(path.read_text(encoding="utf-8"))["rows"]
    wanted["question"] = question
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def percent(row: dict[str, Any], key: str) -> str:
    return f"{row[f'{key}_pct']:.1f}"


def span(found: list[dict[str, Any]], key: str) -> str:
    values = [float(row[f"{key}_pct"]) for row in found]
    return f"{min(values):.1f} to {max(values):.1f} %"


def test_the_options_are_those_of_the_command() -> None:
    commands: Any = get_command(app)
    known = {name for part in commands.commands["meta"].params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert len(asked) >= 12
    assert asked <= known


def test_the_measures_and_estimators_are_those_of_the_code() -> None:
    table = TEXT.split("| measure |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"(?m)^\| `(\w+)`", table)) == sorted(get_args(Measure))
    assert parse_measure("given") == "generic"
    for name in get_args(Method):
        assert re.search(rf"`(--method )?{name}`", TEXT)
    models = TEXT.split("## Models")[1].split("**Rows that belong")[0]
    named = set(re.findall(r"`(?:--method )?([A-Z]{2,4})`", models))
    assert named == set(get_args(Method))
    for option, choices in (("test", Test), ("prediction", Prediction)):
        named = set(re.findall(rf"`--{option} ([a-z0-9-]+)`", TEXT))
        assert named <= set(get_args(choices))
    assert "`--test knapp-hartung-floor`" in TEXT
    assert "`--prediction test`" in TEXT


@pytest.mark.parametrize(
    ("measure", "forms"),
    [
        ("ROM", RatioVariance),
        ("SMD", DifferenceVariance),
        ("SMDH", HeteroscedasticVariance),
    ],
)
def test_every_form_of_a_variance_is_explained(measure: str, forms: object) -> None:
    told = PAGE.split("`--variance` takes others.")[1].split("`--bias-correction`")[0]
    part = told.split(f"Of {measure}: ")[1].split(" Of ")[0]
    named = set(re.findall(r"`([A-Z]+\d?)`", part))
    # The first is the default, whose formula stands in the table.
    assert named == {*get_args(forms)[1:]}


def test_the_variance_of_a_normalized_difference_can_be_chosen() -> None:
    assert "delta" in get_args(NmdVariance)
    assert "`--variance delta`" in PAGE


SIZES: list[EffectSizes] = [
    log_ratio_of_means(GROUPS),
    standardized_mean_difference(GROUPS),
    heteroscedastic_mean_difference(GROUPS),
    mean_difference(GROUPS),
    normalized_mean_difference(GROUPS),
    variability_ratio(GROUPS),
    log_hazard_ratio([0.5], [0.25], [1.0]),
    median_survival_ratio([40], [20], events_treated=[8], events_control=[8]),
    response_contrast([4], [8], [1], [8]),
    response_contrast([4], [8], [1], [8], measure="risk_difference"),
    response_contrast([4], [8], [1], [8], measure="arcsine_difference"),
    response_contrast([4], [8], [1], [8], measure="freeman_tukey_difference"),
]


@pytest.mark.parametrize("sizes", SIZES, ids=[one.measure for one in SIZES])
def test_variances_and_sources_are_those_of_the_code(sizes: EffectSizes) -> None:
    (row,) = re.findall(rf"(?m)^\| `{sizes.measure}` \|.*$", TEXT)
    assert sizes.variance_formula.split(": ")[-1].split(", ")[0] in row
    if sizes.measure == "MD":
        assert "definition" in row
    else:
        assert sizes.source in row


def test_a_ratio_of_variation_has_the_variances_of_spread_and_of_means() -> None:
    parts = [*variability_ratio(GROUPS).vi, *log_ratio_of_means(GROUPS).vi]
    assert coefficient_of_variation_ratio(GROUPS).vi[0] == pytest.approx(sum(parts), rel=1e-12)


def test_dispersions_are_converted_as_the_table_says() -> None:
    table = TEXT.split("| reported |")[1].split("\n\n")[0]
    shown = re.findall(r"(?m)^\| `(\w+)` \| (.+) \| (.+) \|$", table)
    assert {kind for kind, _, _ in shown} == {*get_args(DispersionKind)} - {"sd"}
    for kind, formula, source in shown:
        (made,) = sd_from([10.0], kind, [9]).trail
        assert (formula, source) == (made.formula, made.source)


def test_coverage_of_the_mean_is_as_simulated() -> None:
    for k in (3, 5, 10, 20):
        (row,) = simulated("coverage", k=k, tau=0.4)
        numbers = " | ".join(percent(row, key) for key in ("kh", "kh_floor", "z"))
        assert f"| {k} | {numbers} |" in TEXT
    every = simulated("coverage")
    assert f"Knapp–Hartung covers {span(every, 'kh')}, and" in PAGE
    assert f"and {span(every, 'kh_known')} where sampling variances are known" in PAGE
    most = max(float(row["kh_floor_pct"]) for row in every if row["tau"] == 0)
    assert f"covers up to {most:.1f} % where rows do not differ" in PAGE


def test_coverage_of_prediction_is_as_simulated() -> None:
    (three,) = simulated("coverage", k=3, tau=0.4)
    by_test = "with the test's own quantile (`--prediction test`)"
    assert f"holds the new effect in {percent(three, 'pi_k2')} %" in PAGE
    assert f"{by_test} in {percent(three, 'pi_test')} %" in PAGE
    assert f"with a normal quantile in {percent(three, 'pi_z')} %" in PAGE
    (seven,) = simulated("coverage", k=7, tau=0.15)
    assert f"holds {percent(seven, 'pi_k2')} % with seven rows" in PAGE
    assert f"fewer than {FEWEST_DF} degrees of freedom" in PAGE


def test_nested_rows_are_as_simulated() -> None:
    (row,) = simulated("nested", k=5)
    assert f"cover in {percent(row, 'independent')} %" in PAGE
    shown = f"covers in {percent(row, 'multilevel_t')} %, z in {percent(row, 'multilevel_z')} %"
    assert shown in PAGE
    assert f"It covers in {percent(row, 'cr2')} % of these pools" in PAGE


def test_asymmetry_is_as_simulated() -> None:
    def asymmetry(**wanted: object) -> list[dict[str, Any]]:
        return simulated("asymmetry", **wanted)

    (g,) = asymmetry(selected=False, measure="SMD", k=40, mean=-2.0, tau=0.6)
    assert f"in {percent(g, 'weighted_se')} % by the standard error" in PAGE
    assert f"in {percent(g, 'weighted_size')} % by the animals" in PAGE
    assert f"is off by {g['pet_se_bias']:.2f}" in PAGE
    whole = asymmetry(selected=False, measure="ROM")
    assert f"rejects {span(whole, 'weighted_se')} of complete pools" in PAGE
    assert f"the default {span(whole, 'mixed_se')}" in PAGE

    def power(tau: float) -> list[str]:
        found = asymmetry(selected=True, measure="ROM", largest_arm=12, tau=tau)
        return [percent(row, "mixed_se") for row in found if row["k"] in (10, 40)]

    few, many = power(0.0)
    assert f"finds {few} % of such pools of 10 rows and {many} % of 40" in PAGE
    few, many = power(0.3)
    assert f"and {few} and {many} % where effects differ" in PAGE
