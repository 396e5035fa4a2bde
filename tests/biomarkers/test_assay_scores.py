"""Scores and ratios of single samples: by hand, at their edges, refused where they cannot be."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from oncovivo.biomarkers.animal_values import animal_values
from oncovivo.biomarkers.ihc import (
    allred_score,
    h_score,
    labeling_index,
    microvessel_density,
    percent_positive,
)
from oncovivo.biomarkers.inhibition import percent_inhibition
from oncovivo.biomarkers.marker_table import MarkerTable
from oncovivo.biomarkers.qpcr import amplification_factor, normalized_qpcr, relative_quantity
from oncovivo.biomarkers.ratios import ratio_table, signal_ratio
from oncovivo.errors import DataError, InputError


def test_an_h_score_weighs_each_intensity() -> None:
    assert h_score(100, 0, 0) == 100
    assert h_score(0, 100, 0) == 200
    assert h_score(0, 0, 100) == 300
    assert h_score(0, 0, 0) == 0
    assert percent_positive(10, 20, 30) == 60
    # Thirds rounded up: 101 % together is rounding, and no score is above its scale.
    assert h_score(0, 1, 100) == 300


@pytest.mark.parametrize("shares", [(60, 60, 0), (-1, 0, 0), (0, 0, 101), (math.nan, 0, 0)])
def test_shares_of_cells_that_cannot_be_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="percent"):
        h_score(*shares)
    with pytest.raises(InputError, match="percent"):
        percent_positive(*shares)


def test_allred_proportions_have_the_published_edges() -> None:
    # Whole percents as College of American Pathologists templates print them.
    printed = {0.5: 1, 1: 2, 10: 2, 11: 3, 33: 3, 34: 4, 66: 4, 67: 5, 100: 5}
    for percent, proportion in printed.items():
        assert allred_score(percent, 1).proportion == proportion
    # Between whole percents the fractions of the paper decide.
    assert allred_score(33.4, 1).proportion == 4
    assert allred_score(66.7, 1).proportion == 5
    assert allred_score(10.1, 1).proportion == 3
    totals = {allred_score(p, i).total for p, i in product((0.5, 5, 20, 50, 90), (1, 2, 3))}
    assert totals | {allred_score(0, 0).total} == {0, 2, 3, 4, 5, 6, 7, 8}


@pytest.mark.parametrize(("percent", "intensity"), [(0, 1), (10, 0), (10, 4), (101, 1), (-1, 0)])
def test_an_allred_score_that_contradicts_itself_is_refused(
    percent: float, intensity: int
) -> None:
    with pytest.raises(InputError, match=r"an intensity|a percent"):
        allred_score(percent, intensity)


def test_a_labeling_index_has_exact_binomial_limits() -> None:
    index = labeling_index(30, 100, level=0.9)
    exact = stats.binomtest(30, 100).proportion_ci(confidence_level=0.9, method="exact")
    # The same incomplete beta function, inverted by another routine.
    assert index.lower == pytest.approx(exact.low, rel=1e-9)
    assert index.upper == pytest.approx(exact.high, rel=1e-9)
    with pytest.raises(InputError, match="nuclei that were counted"):
        labeling_index(0, 0)
    with pytest.raises(InputError, match="0 <= k <= n"):
        labeling_index(5, 4)


def test_vessel_density_weighs_fields_by_area_and_finds_the_hot_spots() -> None:
    counts, areas = [2, 30, 12, 8], [0.1, 1.0, 0.2, 0.4]
    found = microvessel_density(counts, areas)
    assert found.per_mm2 == pytest.approx(52 / 1.7, rel=1e-15)
    assert found.per_field == 13.0
    assert found.field_sd == pytest.approx(np.std([20, 30, 60, 20], ddof=1), rel=1e-12)
    hot = microvessel_density(counts, areas, fields="hot_spots", n_hot_spots=2)
    assert hot.per_mm2 == pytest.approx(42 / 1.2, rel=1e-15)
    assert (hot.n_fields, hot.n_counted) == (2, 4)
    assert microvessel_density([3], [0.5]).field_sd is None
    shuffled = microvessel_density(counts[::-1], areas[::-1])
    assert shuffled == found


def test_vessel_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="an area for each"):
        microvessel_density([], [])
    with pytest.raises(InputError, match="an area for each"):
        microvessel_density([1, 2], [1.0])
    with pytest.raises(InputError, match="a count of 0 or more"):
        microvessel_density([-1], [1.0])
    with pytest.raises(InputError, match="an area above 0"):
        microvessel_density([1], [0.0])
    with pytest.raises(InputError, match="1 to 2 hot spots"):
        microvessel_density([1, 2], [1.0, 1.0], fields="hot_spots")


def test_a_paired_ratio_is_a_t_interval_of_log_differences() -> None:
    top, bottom = np.array([2.0, 3.1, 2.4]), np.array([1.0, 1.4, 1.3])
    found = signal_ratio(top.tolist(), bottom.tolist(), level=0.9)
    logs = np.log(top / bottom)
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.9)
    assert found.ratio == pytest.approx(math.exp(logs.mean()), rel=1e-13)
    assert found.lower == pytest.approx(math.exp(interval.low), rel=1e-10)
    assert found.upper == pytest.approx(math.exp(interval.high), rel=1e-10)


def test_separate_lanes_add_their_errors_as_welch_has_it() -> None:
    top, bottom = np.array([2.0, 3.1, 2.4, 2.2]), np.array([1.0, 1.9])
    found = signal_ratio(top.tolist(), bottom.tolist(), lanes="separate")
    test = stats.ttest_ind(np.log(top), np.log(bottom), equal_var=False)
    interval = test.confidence_interval(0.95)
    assert found.df == pytest.approx(test.df, rel=1e-10)
    assert found.lower == pytest.approx(math.exp(interval.low), rel=1e-9)
    assert found.upper == pytest.approx(math.exp(interval.high), rel=1e-9)


def test_a_ratio_of_single_signals_has_no_interval_and_says_so() -> None:
    found = signal_ratio([4.0], [2.0])
    assert (found.ratio, found.std_error, found.status) == (2.0, None, "flagged")
    assert found.reason == "one replicate: no error can be told"
    with pytest.raises(InputError, match="above 0 of the denominator"):
        signal_ratio([1.0], [0.0])
    with pytest.raises(InputError, match="as many replicates"):
        signal_ratio([1.0, 2.0], [1.0])
    with pytest.raises(InputError, match="one or more signals of the numerator"):
        signal_ratio([], [1.0])


def test_pfaffl_with_factors_two_is_minus_delta_delta_ct() -> None:
    target, reference = ([20.1, 20.3], [24.0, 24.4]), ([17.0, 17.2], [16.9, 17.0])
    found = relative_quantity(target, reference)
    delta = (20.2 - 17.1) - (24.2 - 16.95)
    assert found.ratio == pytest.approx(2**-delta, rel=1e-12)
    assert found.log2_ratio == pytest.approx(-delta, rel=1e-12)
    # Each mean of two has a quarter of the squared difference as its squared error.
    squares = [0.2**2, 0.4**2, 0.2**2, 0.1**2]
    assert found.std_error == pytest.approx(math.sqrt(sum(squares) / 4), rel=1e-9)


def test_each_efficiency_belongs_to_its_transcript() -> None:
    found = relative_quantity(
        ([20.0], [23.0]), ([18.0], [17.0]), efficiency_target=1.95, efficiency_reference=1.8
    )
    # Pfaffl 2001, equation 3: E_target^(control - sample) over E_reference^(control - sample).
    assert found.ratio == pytest.approx(1.95**3 / 1.8**-1, rel=1e-12)
    assert found.status == "flagged"
    assert "1.8 of the reference" in found.reason
    with pytest.raises(InputError, match=r"above 1 and at most 2.2"):
        relative_quantity(([20.0], [23.0]), ([18.0], [17.0]), efficiency_target=95)
    with pytest.raises(InputError, match="one or more threshold cycles"):
        relative_quantity(([], [23.0]), ([18.0], [17.0]))
    with pytest.raises(InputError, match="threshold cycles above 0"):
        relative_quantity(([math.nan], [23.0]), ([18.0], [17.0]))


def test_a_standard_curve_gives_the_factor() -> None:
    assert amplification_factor(-1 / math.log10(1.9)) == pytest.approx(1.9, rel=1e-12)
    with pytest.raises(InputError, match="a negative slope"):
        amplification_factor(3.3)
    with pytest.raises(InputError, match="amplification factor"):
        amplification_factor(-2.0)


def cycles(rows: list[tuple[str, str, str, float, str]]) -> MarkerTable:
    columns = ["animal_id", "arm", "analyte", "value", "value_state"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["replicate"] = frame.groupby(["animal_id", "analyte"]).cumcount().astype(str)
    return MarkerTable(name="plate", rows=frame.assign(day=1.0, assay="qpcr_ct"))


def samples() -> list[tuple[str, str, str, float, str]]:
    rows: list[tuple[str, str, str, float, str]] = []
    for animal, arm, target, reference in (
        ("c1", "vehicle", 24.0, 17.0),
        ("c2", "vehicle", 24.6, 17.4),
        ("t1", "drug", 26.1, 17.1),
        ("t2", "drug", 25.7, 16.9),
    ):
        rows += [(animal, arm, "VEGFA", target + off, "measured") for off in (-0.1, 0.1)]
        rows.append((animal, arm, "ACTB", reference, "measured"))
        rows.append((animal, arm, "GAPDH", reference + 1, "measured"))
    return rows


def test_normalized_quantities_contrast_to_pfaffls_ratio() -> None:
    efficiencies = {"VEGFA": 1.95, "ACTB": 2.05}
    made = normalized_qpcr(cycles(samples()), "VEGFA", ["ACTB"], efficiencies=efficiencies)
    group = percent_inhibition(made, "VEGFA", control="vehicle").groups[0]
    single = relative_quantity(
        ([26.1, 25.7], [24.0, 24.6]),
        ([17.1, 16.9], [17.0, 17.4]),
        efficiency_target=1.95,
        efficiency_reference=2.05,
    )
    assert group.log_ratio is not None
    assert math.exp(group.log_ratio) == pytest.approx(single.ratio, rel=1e-12)
    assert group.estimate_pct == pytest.approx(100 * (1 - single.ratio), rel=1e-12)
    assert (group.n_treated, group.n_control) == (2, 2)


def test_several_references_are_averaged_on_the_log_scale() -> None:
    one = normalized_qpcr(cycles(samples()), "VEGFA", ["ACTB"]).frame["value"].to_numpy()
    two = normalized_qpcr(cycles(samples()), "VEGFA", ["ACTB", "GAPDH"]).frame["value"].to_numpy()
    # GAPDH comes one cycle later everywhere: half of it in the mean of two.
    np.testing.assert_allclose(two - one, 0.5, rtol=1e-12)


def test_an_undetermined_target_is_a_quantity_below_a_limit() -> None:
    rows = [row for row in samples() if row[:3] != ("t1", "drug", "VEGFA")]
    rows.append(("t1", "drug", "VEGFA", 40.0, "above_limit"))
    rows = [row for row in rows if row[:3] != ("t2", "drug", "ACTB")]
    rows.append(("t2", "drug", "ACTB", math.nan, "not_measured"))
    frame = normalized_qpcr(cycles(rows), "VEGFA", ["ACTB"]).frame.set_index("animal_id")
    assert frame.loc["t1", "value_state"] == "below_limit"
    assert frame.loc["t1", "value"] == pytest.approx(-(40.0 - 17.1), rel=1e-12)
    assert frame.loc["t2", "value_state"] == "not_measured"


def test_transcripts_that_cannot_be_normalized_are_refused() -> None:
    made = cycles(samples())
    with pytest.raises(InputError, match="one or more reference"):
        normalized_qpcr(made, "VEGFA", [])
    with pytest.raises(InputError, match="each transcript once"):
        normalized_qpcr(made, "VEGFA", ["VEGFA"])
    with pytest.raises(InputError, match=r"an efficiency of VEGFA, ACTB.*'B2M'"):
        normalized_qpcr(made, "VEGFA", ["ACTB"], efficiencies={"B2M": 2.0})
    apart = cycles([r for r in samples() if (r[2] == "VEGFA") == (r[0] == "c1")])
    with pytest.raises(DataError, match="samples with VEGFA and ACTB"):
        normalized_qpcr(apart, "VEGFA", ["ACTB"])
    with pytest.raises(InputError, match="normalize threshold cycles first"):
        percent_inhibition(made, "VEGFA", control="vehicle")


def signals(top: tuple[float, str], bottom: tuple[float, str]) -> MarkerTable:
    rows = pd.DataFrame(
        {
            "animal_id": "m1",
            "arm": "drug",
            "day": 1.0,
            "assay": "blot",
            "analyte": ["pS6", "S6"],
            "value": [top[0], bottom[0]],
            "value_state": [top[1], bottom[1]],
        }
    )
    return MarkerTable(name="blot", rows=rows)


@pytest.mark.parametrize(
    ("top", "bottom", "state"),
    [
        ("measured", "measured", "measured"),
        ("below_limit", "measured", "below_limit"),
        ("measured", "below_limit", "above_limit"),
        ("above_limit", "measured", "above_limit"),
        ("measured", "above_limit", "below_limit"),
        ("below_limit", "above_limit", "below_limit"),
        ("below_limit", "below_limit", "not_measured"),
        ("above_limit", "above_limit", "not_measured"),
    ],
)
def test_a_ratio_of_limits_is_a_limit_where_the_side_is_known(
    top: str, bottom: str, state: str
) -> None:
    row = ratio_table(signals((3.0, top), (2.0, bottom)), "pS6", "S6").frame.iloc[0]
    assert row["value_state"] == state
    assert row["analyte"] == "pS6/S6"
    assert np.isnan(row["value"]) if state == "not_measured" else row["value"] == 1.5


def test_ratios_need_both_analytes_on_a_ratio_scale() -> None:
    made = signals((3.0, "measured"), (2.0, "measured"))
    apart = made.frame.assign(animal_id=["m1", "m2"])
    with pytest.raises(DataError, match="animals with pS6 and S6"):
        ratio_table(MarkerTable(name="x", rows=apart), "pS6", "S6")
    logs = made.frame.assign(assay="rppa_log2", unit="log2")
    with pytest.raises(InputError, match="on a ratio scale"):
        ratio_table(MarkerTable(name="x", rows=logs), "pS6", "S6")


def test_replicates_are_averaged_within_fields_and_fields_within_tumors() -> None:
    rows = pd.DataFrame(
        {
            "animal_id": "m1",
            "arm": "drug",
            "day": 1.0,
            "analyte": "x",
            "assay": "elisa",
            "tumor_id": ["a", "a", "a", "b"],
            "field": ["1", "1", "2", "1"],
            "replicate": ["1", "2", "1", "1"],
            "value": [1.0, 3.0, 8.0, 11.0],
        }
    )
    found = animal_values(MarkerTable(name="x", rows=rows), "x").rows[0]
    # Field means 2 and 8, tumors 5 and 11: not the plain mean of the four, 5.75.
    assert found.value == 8.0
    assert (found.n_readings, found.n_fields, found.n_tumors) == (4, 3, 2)
    assert found.technical_sd == pytest.approx(math.sqrt(2), rel=1e-12)
    weighted = rows.assign(weight=[1.0, 1.0, 3.0, 1.0])
    # Weights move the fields of a tumor (2 and 8 as 1 to 3), not the tumors.
    own = animal_values(MarkerTable(name="x", rows=weighted), "x").rows[0]
    assert own.value == pytest.approx((6.5 + 11) / 2, rel=1e-12)
    logs = animal_values(MarkerTable(name="x", rows=rows), "x", averaging="geometric").rows[0]
    assert logs.value == pytest.approx(math.sqrt(math.sqrt(math.sqrt(3) * 8) * 11), rel=1e-12)


def test_a_mean_over_limits_is_a_limit_and_half_of_none_is_put_in() -> None:
    rows = pd.DataFrame(
        {
            "animal_id": ["m1", "m1", "m2", "m2", "m3", "m3"],
            "arm": "drug",
            "day": 1.0,
            "analyte": "x",
            "assay": "elisa",
            "replicate": ["1", "2"] * 3,
            "value": [4.0, 2.0, 2.0, 2.0, 2.0, 9.0],
            "value_state": [
                "measured",
                "below_limit",
                "below_limit",
                "below_limit",
                "below_limit",
                "above_limit",
            ],
        }
    )
    found = animal_values(MarkerTable(name="x", rows=rows), "x")
    assert [(row.value, row.value_state) for row in found.rows] == [
        (3.0, "below_limit"),
        (2.0, "below_limit"),
        (None, "not_measured"),
    ]
    assert found.notes == ("1 of 3 values of x are not known and left out",)
    zeros = MarkerTable(name="x", rows=rows.assign(value=0.0, value_state="measured"))
    with pytest.raises(InputError, match="above 0 for a geometric mean"):
        animal_values(zeros, "x", averaging="geometric")
