"""Rankings with uncertainty, and the reasons where there are none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from oncovivo.analyses.conclusions import rank_markers, rank_tumors
from oncovivo.analyses.guide_markers import MarkedTreatment, PlacedMarkers
from oncovivo.analyses.one_estimand import EstimandRow, TumorEstimands
from oncovivo.biomarkers.association_result import Association

Z = 1.959963984540054


def row(row_id: str, rate: float, error: float, **changes: Any) -> EstimandRow:  # noqa: ANN401  # any field of the row
    plain = EstimandRow(
        row_id=row_id,
        kind="literature",
        origin=row_id,
        label=row_id,
        treatment="drug",
        versus="vehicle",
        compound=True,
        of_class=False,
        simulated=False,
        day=10.0,
        estimate=10 * rate,
        std_error=10 * error,
        lower=10 * (rate - Z * error),
        upper=10 * (rate + Z * error),
        rate=rate,
        rate_std_error=error,
        rate_lower=rate - Z * error,
        rate_upper=rate + Z * error,
        df=None,
        n_animals=20,
        status="ok",
        reason="",
    )
    return replace(plain, **changes)


def tumor(name: str, *rows: EstimandRow) -> TumorEstimands:
    return TumorEstimands(tumor=name, rows=rows, agreement=(), level=0.95)


def test_tumor_types_are_ranked_from_the_strongest_effect() -> None:
    found = rank_tumors(
        [tumor("A", row("a", -0.02, 0.005)), tumor("B", row("b", -0.10, 0.005))], obstacles={}
    )
    assert (found.status, found.reason) == ("ranked", "")
    assert [(one.name, one.rank, one.best_rank, one.worst_rank) for one in found.ranked] == [
        ("B", 1, 1, 1),
        ("A", 2, 2, 2),
    ]
    assert dict(found.rows) == {"B": ("b",), "A": ("a",)}
    # limits give the standard error back
    assert found.ranked[0].std_error == pytest.approx(0.005, rel=1e-12)


def test_effects_within_their_uncertainty_are_tied() -> None:
    found = rank_tumors(
        [tumor("A", row("a", -0.05, 0.02)), tumor("B", row("b", -0.06, 0.02))], obstacles={}
    )
    assert found.status == "tied"
    assert found.reason == "no two of the 2 effects differ beyond their uncertainty"


def test_what_is_simulated_of_the_class_or_combined_is_never_ranked() -> None:
    found = rank_tumors(
        [
            tumor("A", row("a", -0.05, 0.01)),
            tumor("B", row("b", -0.5, 0.01, simulated=True)),
            tumor("C", row("c", -0.5, 0.01, compound=False, of_class=True)),
            tumor("D", row("d", -0.5, 0.01, compound=False)),
            tumor("E"),
            tumor("F", replace(row("f", -0.5, 0.01), rate=None, reason="no day")),
            tumor("", row("g", -0.5, 0.01)),
        ],
        obstacles={"E": "the 3 rows give no dispersion"},
    )
    assert found.status == "not_rankable"
    assert [one.name for one in found.ranked] == ["A"]
    assert found.reason == "of 6, 1 can be ranked; it takes 2"
    assert {one.name: one.reason for one in found.unranked} == {
        "B": "only simulations have a number",
        "C": "only other compounds of the class have a number",
        "D": "only combinations have a number",
        "E": "the 3 rows give no dispersion",
        "F": "no day",
    }


def test_rows_of_one_study_share_animals_and_do_not_make_each_other_surer() -> None:
    rows = [row("a", -0.04, 0.01, origin="s"), row("b", -0.06, 0.01, origin="s")]
    found = rank_tumors([tumor("A", *rows)], obstacles={})
    # equal weights: the mean, with the standard error of one
    assert found.ranked[0].estimate == pytest.approx(-0.05, rel=1e-12)
    assert found.ranked[0].std_error == pytest.approx(0.01, rel=1e-12)


def test_works_are_pooled_with_the_variance_between_them() -> None:
    rows = [row("a", -0.02, 0.001), row("b", -0.08, 0.001)]
    found = rank_tumors([tumor("A", *rows)], obstacles={})
    # Two works: tau2 + v is the sample variance .0018; Knapp-Hartung has t(1) = 12.706 and the
    # standard error sqrt(.0018 / 2) = .03, so the normal error with these limits is .03 * t / z.
    assert found.ranked[0].estimate == pytest.approx(-0.05, rel=1e-9)
    assert found.ranked[0].std_error == pytest.approx(0.03 * 12.706204736 / Z, rel=1e-4)


def test_works_that_agree_exactly_are_no_surer_than_one_common_effect() -> None:
    # Knapp-Hartung has limits of width 0 here; the inverse sum of 1/.0001 and 1/.0004 is .00008
    rows = [row("a", -0.05, 0.01), row("b", -0.05, 0.02)]
    found = rank_tumors([tumor("A", *rows)], obstacles={})
    assert found.ranked[0].std_error == pytest.approx(math.sqrt(0.00008), rel=1e-9)


def test_a_study_of_few_animals_is_as_unsure_as_its_t_limits() -> None:
    wide = replace(
        row("a", -0.05, 0.01), rate_lower=-0.05 - 2.776 * 0.01, rate_upper=-0.05 + 2.776 * 0.01
    )
    found = rank_tumors([tumor("A", wide)], obstacles={})
    assert found.ranked[0].std_error == pytest.approx(0.01 * 2.776 / Z, rel=1e-12)


def test_the_order_of_tumor_types_does_not_matter_to_the_ranks() -> None:
    tumors = [
        tumor(name, row(name, rate, 0.01))
        for name, rate in zip("ABC", (-0.1, -0.2, 0.0), strict=True)
    ]
    one, other = (rank_tumors(order, obstacles={}) for order in (tumors, tumors[::-1]))
    assert one.ranked == other.ranked
    assert math.isclose(one.ranked[0].estimate, -0.2)


def marked(*found: Association, control: str = "none", simulated: bool = False) -> PlacedMarkers:
    return PlacedMarkers(
        section="markers",
        name="panel",
        source="",
        simulated=simulated,
        seed=1,
        engagement=None,
        treatments=(
            MarkedTreatment(
                treatment="drug",
                control=control,
                response="effect on the growth rate",
                n_lines=9,
                associations=found,
                prognostic=(),
            ),
        ),
    )


def association(
    name: str,
    estimate: float,
    **changes: Any,  # noqa: ANN401  # any field
) -> Association:
    plain = Association(
        marker=name,
        analysis="weighted",
        estimate=estimate,
        std_error=0.01,
        lower=estimate - 0.0245,
        upper=estimate + 0.0245,
    )
    return replace(plain, **changes)


def test_markers_are_ranked_from_the_most_sensitive_with_the_width_of_their_limits() -> None:
    found = rank_markers([marked(association("A", 0.1), association("B", -0.1))])
    assert [one.name for one in found.ranked] == ["B, drug", "A, drug"]
    # t limits are wider than the standard error under a normal
    assert found.ranked[0].std_error == pytest.approx(0.0245 / Z, rel=1e-12)
    assert dict(found.rows)["A, drug"] == ("panel",)
    assert "ln per day" in found.scale


def test_markers_that_predict_nothing_are_named_and_not_ranked() -> None:
    flagged = association("A", 0.1, status="flagged", reason="measured after treatment")
    none = replace(association("B", 0.1), estimate=None, status="undefined", reason="constant")
    found = rank_markers(
        [
            marked(flagged, none),
            marked(association("C", -0.2), simulated=True),
            marked(association("D", -20.0), control=""),
        ]
    )
    assert found.status == "not_rankable"
    reasons = {one.name[0]: one.reason for one in found.unranked}
    assert (reasons["A"], reasons["B"]) == ("measured after treatment", "constant")
    assert reasons["C"] == "the panel is simulated"
    assert reasons["D"].startswith("the response is a number without controls")
