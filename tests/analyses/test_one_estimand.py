"""Studies, literature rows and simulations on one scale, and where they disagree."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses import Bundle, read_project, run
from oncovivo.analyses.one_estimand import (
    Agreement,
    EstimandRow,
    TumorEstimands,
    one_estimand,
    simulation_agreement,
)
from oncovivo.analyses.run import lint_project
from oncovivo.evidence.lint import Finding

PROJECT = Path(__file__).parents[2] / "examples" / "temsirolimus"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return run(read_project(PROJECT), built=date(2026, 1, 2))


def of(bundle: Bundle, tumor: str) -> TumorEstimands:
    return next(found for found in bundle.estimands if found.tumor == tumor)


def row(row_id: str, **changes: Any) -> EstimandRow:  # noqa: ANN401  # any field of the row
    plain = EstimandRow(
        row_id=row_id,
        kind="study",
        origin="study:a",
        label="a",
        treatment="drug",
        versus="vehicle",
        compound=True,
        of_class=False,
        simulated=False,
        day=20.0,
        estimate=-1.0,
        std_error=0.2,
        lower=-1.4,
        upper=-0.6,
        rate=-0.05,
        rate_std_error=0.01,
        rate_lower=-0.07,
        rate_upper=-0.03,
        df=20.0,
        n_animals=16,
        status="ok",
        reason="",
    )
    return replace(plain, **changes)


def simulated(estimate: float, half: float, *, day: float = 20.0) -> EstimandRow:
    return row(
        f"small:{day:g}",
        kind="simulation",
        origin="simulation:small",
        simulated=True,
        day=day,
        estimate=estimate,
        lower=estimate - half,
        upper=estimate + half,
        rate=estimate / day,
        rate_lower=(estimate - half) / day,
        rate_upper=(estimate + half) / day,
        std_error=None,
        rate_std_error=None,
        df=None,
        n_animals=None,
    )


def test_a_study_gives_its_contrast_times_the_days_since_baseline(bundle: Bundle) -> None:
    (study,) = bundle.studies
    assert study.growth is not None
    compared = study.growth.comparison
    contrast = next(one for one in compared.contrasts if one.arm == "temsirolimus")
    found = of(bundle, "RCC").rows[0]
    assert (found.kind, found.treatment, found.versus) == ("study", "temsirolimus", "vehicle")
    assert (found.compound, found.simulated, found.n_animals) == (True, True, 16)
    assert contrast.estimate is not None
    # exactly: one product
    assert found.estimate == contrast.estimate * compared.time
    assert found.rate == pytest.approx(contrast.estimate, rel=1e-14)
    assert found.rate_lower == pytest.approx(contrast.lower, rel=1e-14)
    assert found.rate_std_error == pytest.approx(contrast.std_error, rel=1e-14)


def test_a_combination_is_not_the_compound_alone(bundle: Bundle) -> None:
    by_treatment = {one.treatment: one for one in of(bundle, "RCC").rows if one.kind == "study"}
    assert set(by_treatment) == {"temsirolimus", "perifosine", "perifosine + temsirolimus"}
    assert [name for name, one in by_treatment.items() if one.compound] == ["temsirolimus"]


def test_a_simulation_gives_ln_of_its_ratio_and_arms_with_other_numbers_stay_out(
    bundle: Bundle,
) -> None:
    placed = next(one for one in bundle.simulations if one.tumor == "RCC")
    rows = [one for one in of(bundle, "RCC").rows if one.kind == "simulation"]
    assert [(one.day, one.treatment) for one in rows] == [
        (7.0, "temsirolimus"),
        (21.0, "temsirolimus"),
    ]
    comparison = next(
        one
        for one in placed.result.comparisons
        if (one.arm, one.output, one.time_d) == ("wild type", "tumor_volume", 21.0)
    )
    assert comparison.ratio is not None
    assert comparison.ratio_upper is not None
    assert rows[1].estimate == math.log(comparison.ratio)
    assert rows[1].rate_upper == pytest.approx(math.log(comparison.ratio_upper) / 21.0, rel=1e-14)
    assert rows[1].std_error is None


def test_every_tumor_type_of_the_evidence_is_there_and_most_have_no_number(
    bundle: Bundle,
) -> None:
    filed = list(dict.fromkeys(record.filed_under for record in bundle.records))
    assert [found.tumor for found in bundle.estimands][: len(filed)] == filed
    assert [found.tumor for found in bundle.estimands if found.rows] == ["RCC", "STOMACH"]


def test_a_study_without_a_model_is_there_with_its_reason(bundle: Bundle) -> None:
    (study,) = bundle.studies
    found = one_estimand(
        compound="temsirolimus",
        names=(),
        studies=[replace(study, growth=None, growth_reason="two visits only")],
        records=(),
        effects=(),
        simulations=(),
    )
    assert [one.status for one in found[0].rows] == ["undefined"] * 3
    assert {one.reason for one in found[0].rows} == {"two visits only"}
    assert {one.estimate for one in found[0].rows} == {None}


def test_areas_and_fits_that_did_not_converge_have_no_effect_on_volume(bundle: Bundle) -> None:
    (study,) = bundle.studies
    assert study.growth is not None
    for changed, reason in (
        (replace(study.growth, measure="area_mm2"), "area only"),
        (replace(study.growth, converged=False), "the growth model did not converge"),
    ):
        found = one_estimand(
            compound="temsirolimus",
            names=(),
            studies=[replace(study, growth=changed)],
            records=(),
            effects=(),
            simulations=(),
        )
        assert {(one.estimate, one.reason) for one in found[0].rows} == {(None, reason)}


def test_the_compound_is_known_by_its_other_names_in_any_case(bundle: Bundle) -> None:
    (study,) = bundle.studies
    renamed = replace(
        study,
        arms=tuple(
            replace(arm, regimen=arm.regimen.replace("temsirolimus", "CCI-779"))
            for arm in study.arms
        ),
    )
    found = one_estimand(
        compound="temsirolimus",
        names=("cci-779",),
        studies=[renamed],
        records=(),
        effects=(),
        simulations=(),
    )
    assert [one.compound for one in found[0].rows] == [True, False, False]


@pytest.mark.parametrize(
    ("estimate", "half", "verdict"),
    [
        (-0.7, 0.5, "agrees"),  # median within -1.4 to -0.6
        (-0.5, 0.2, "compatible"),  # limits -0.7 to -0.3 meet -1.4 to -0.6
        (-0.5, 0.1, "compatible"),  # they touch at -0.6
        (-0.5, 0.0999, "disagrees"),
        (-1.6, 0.1999, "disagrees"),
    ],
)
def test_on_one_day_a_simulation_agrees_or_overlaps_or_disagrees(
    estimate: float, half: float, verdict: str
) -> None:
    (found,) = simulation_agreement("RCC", [row("a"), simulated(estimate, half)])
    assert (found.scale, found.verdict) == ("ln_relative_volume", verdict)


def test_on_other_days_rates_are_compared_on_the_last_day_of_the_simulation() -> None:
    rows = [row("a"), simulated(-0.5, 0.01, day=5.0), simulated(-0.5, 0.05, day=10.0)]
    # -0.05 per day on day 10 is the study's rate; -0.1 per day on day 5 lies outside
    assert simulation_agreement("RCC", rows) == (
        Agreement(
            tumor="RCC",
            treatment="drug",
            simulation="small:10",
            study="a",
            scale="rate",
            verdict="agrees",
        ),
    )


def test_another_treatment_and_rows_without_limits_are_not_compared() -> None:
    other = replace(simulated(-5.0, 0.1), treatment="other")
    open_ = replace(simulated(-5.0, 0.1), lower=None)
    literature = replace(row("b"), kind="literature")
    assert simulation_agreement("RCC", [row("a"), other, open_]) == ()
    assert simulation_agreement("RCC", [literature, simulated(-5.0, 0.1)]) == ()


def test_a_disagreement_is_a_finding_and_a_waiver_accepts_it(bundle: Bundle) -> None:
    project = read_project(PROJECT)
    tumor = of(bundle, "RCC")
    far = tuple(
        replace(one, rate=0.5, rate_lower=0.4, rate_upper=0.6) if one.kind == "simulation" else one
        for one in tumor.rows
    )
    changed = replace(tumor, rows=far, agreement=simulation_agreement("RCC", far))
    found = [one for one in lint_project(project, [changed]) if one.rule == "LINT-35"]
    assert len(found) == 1
    assert found[0].subjects == ("simulation:resistant_genotype", "study:four-arm-simulated")
    assert "0.5000 per day (0.4000 to 0.6000) simulated" in found[0].message
    assert "−0.0470" in found[0].message


def test_without_results_the_rule_does_not_run_and_its_waivers_are_not_idle() -> None:
    project = read_project(PROJECT)
    waiver = replace(project.waivers[0], rule="LINT-35", subject="study:four-arm-simulated")
    waived = replace(project, waivers=(*project.waivers, waiver))

    def idle(findings: tuple[Finding, ...]) -> list[str]:
        return [one.message for one in findings if "accepts no finding" in one.message]

    assert idle(lint_project(waived)) == []
    assert idle(lint_project(waived, [])) == [
        "the waiver of LINT-35 for study:four-arm-simulated accepts no finding"
    ]


def test_a_row_that_gives_a_rate_needs_no_day_and_the_class_is_never_the_compound(
    bundle: Bundle,
) -> None:
    (found,) = of(bundle, "STOMACH").rows
    assert (found.row_id, found.treatment, found.day) == ("G01a", "everolimus", None)
    assert (found.compound, found.of_class, found.simulated) == (False, True, False)
    assert found.rate == -0.022217691493262595
    # z limits of the standard error .0037146 that the mixed model gave
    assert found.rate_lower == pytest.approx(-0.022217691 - 1.959964 * 0.0037146203, abs=1e-9)
    assert (found.estimate, found.status) == (None, "ok")
    ranking = bundle.conclusions[0]
    assert "STOMACH" in {one.name for one in ranking.unranked}
    assert ranking.ranked == ()


def test_days_count_from_the_baseline_and_not_from_study_day_zero(bundle: Bundle) -> None:
    (study,) = bundle.studies
    assert study.growth is not None
    # a study whose baseline is day 7: study day 28 is 21 days after it
    late = replace(study.growth.comparison, day=28.0, time=21.0)
    found = one_estimand(
        compound="temsirolimus",
        names=(),
        studies=[replace(study, growth=replace(study.growth, comparison=late))],
        records=(),
        effects=(),
        simulations=(),
    )
    first = found[0].rows[0]
    contrast = next(one for one in late.contrasts if one.arm == "temsirolimus")
    assert contrast.estimate is not None
    assert (first.day, first.estimate) == (21.0, contrast.estimate * 21.0)
