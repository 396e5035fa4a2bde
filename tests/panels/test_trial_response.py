"""Rates of response: exact tests, score intervals, who is counted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.panels import (
    PanelResult,
    compare_group_responses,
    compare_responses,
    compute_panel,
)
from oncovivo.panels.trial_response import (
    fisher_p_value,
    independent_difference_interval,
    mcnemar_p_value,
    paired_difference_interval,
)

# Last volumes from 200 mm³ that are each a category by day 14.
VOLUMES = {"CR": 2.0, "PR": 60.0, "SD": 210.0, "PD": 900.0}


def panel_of(pairs: list[tuple[str, str]]) -> PanelResult:
    """Lines with a category under the control and one under the drug; blank is no animal."""
    rows = []
    for place, pair in enumerate(pairs):
        for arm, word in zip(("none", "drug"), pair, strict=True):
            if word:
                for day in (0, 1, 12, 14, 20, 25):
                    volume = 200.0 if day == 0 else VOLUMES[word]
                    rows.append((f"L{place}", f"L{place}-{arm}", arm, day, volume))
    columns = ["model", "animal_id", "treatment", "day", "volume_mm3"]
    return compute_panel(pd.DataFrame(rows, columns=columns))


def test_lines_that_change_sides_are_counted() -> None:
    pairs = [("PD", "PR")] * 4 + [("PD", "SD")] * 3 + [("PR", "PD")] + [("PD", "PD")] * 2
    pairs += [("SD", "CR")] * 2 + [("PD", ""), ("", "PR")]
    result = panel_of(pairs)
    response, control = compare_responses(result, control="none", treatment="drug")
    assert (response.first_rate.k, response.second_rate.k, response.first_rate.n) == (1, 6, 12)
    assert (response.gained, response.lost) == (6, 1)
    assert response.difference == pytest.approx(5 / 12)
    # 8 of the 128 ways in which seven lines can change sides are as uneven, on each side.
    assert response.p_value == pytest.approx(16 / 128)
    assert (control.first_rate.k, control.second_rate.k) == (3, 9)
    assert (control.gained, control.lost) == (7, 1)
    assert response.lower == pytest.approx(paired_difference_interval(0, 6, 1, 5)[0])


def test_groups_are_compared_with_the_first_by_name() -> None:
    result = panel_of(
        [("PD", "PR")] * 3 + [("PD", "PD")] * 1 + [("PD", "PD")] * 3 + [("PD", "CR")]
    )
    groups = {f"L{place}": "m" if place < 4 else "w" for place in range(8)}
    rows = compare_group_responses(result, treatment="drug", groups=groups)
    first = rows[0]
    assert (first.first, first.second, first.paired) == ("m", "w", False)
    assert (first.first_rate.k, first.second_rate.k) == (3, 1)
    assert first.p_value == pytest.approx(34 / 70)
    assert first.difference == pytest.approx(-0.5)
    less = compare_group_responses(result, treatment="drug", groups={"L0": "m", "L7": "w"})
    assert (less[0].first_rate.n, less[0].second_rate.n) == (1, 1)
    assert compare_group_responses(result, treatment="drug", groups={"L0": "m"}) == ()


def test_no_line_under_both_has_no_difference() -> None:
    rows = compare_responses(panel_of([("PD", ""), ("", "PR")]), control="none", treatment="drug")
    assert {row.status for row in rows} == {"not_estimable"}
    assert rows[0].first_rate.estimate is None
    with pytest.raises(InputError, match="a treatment with evaluable animals"):
        compare_responses(panel_of([("PD", "PR")]), control="vehicle", treatment="drug")


def test_fisher_is_the_sum_over_all_tables_that_are_as_rare() -> None:
    for n1, n2 in ((3, 4), (5, 2), (6, 6)):
        for k1, k2 in itertools.product(range(n1 + 1), range(n2 + 1)):
            total = k1 + k2
            ways = {
                a: math.comb(n1, a) * math.comb(n2, total - a)
                for a in range(max(0, total - n2), min(n1, total) + 1)
            }
            rare = sum(count for count in ways.values() if count <= ways[k1])
            expected = rare / math.comb(n1 + n2, total)
            assert fisher_p_value(k1, n1, k2, n2) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_is_a_fair_coin() -> None:
    assert mcnemar_p_value(0, 0) == 1.0
    assert mcnemar_p_value(3, 3) == 1.0
    assert mcnemar_p_value(1, 6) == mcnemar_p_value(6, 1) == pytest.approx(16 / 128)


def test_the_independent_interval_is_newcombes() -> None:
    # Newcombe 1998 (Stat Med 17:873), table II: 56/70 and 48/80, method 10.
    low, high = independent_difference_interval(48, 80, 56, 70)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    # And 0/10 against 0/20, 10/10 against 0/20: within -1 and 1.
    assert independent_difference_interval(10, 10, 0, 20)[0] == pytest.approx(-1.0, abs=1e-12)


def test_the_paired_interval_shrinks_with_agreement_and_mirrors() -> None:
    # Kept 20, gained 12, lost 2, neither 16: by hand from Wilson's intervals of 22/50 and 32/50
    # and the correlation (20·16 - 24 - 25) / sqrt(22·28·32·18).
    z2 = 1.959963984540054**2

    def wilson(k: int) -> tuple[float, float]:
        half = math.sqrt(z2 * (z2 + 4 * k * (50 - k) / 50))
        return (2 * k + z2 - half) / (2 * (50 + z2)), (2 * k + z2 + half) / (2 * (50 + z2))

    tie = (20 * 16 - 12 * 2 - 25) / math.sqrt(22 * 28 * 32 * 18)
    (l1, u1), (l2, u2) = wilson(22), wilson(32)
    down, up = 0.64 - l2, u1 - 0.44
    lower = 0.2 - math.sqrt(down**2 - 2 * tie * down * up + up**2)
    low, high = paired_difference_interval(20, 12, 2, 16)
    assert low == pytest.approx(lower, rel=1e-12)
    rise, fall = u2 - 0.64, 0.44 - l1
    assert high == pytest.approx(0.2 + math.sqrt(rise**2 - 2 * tie * rise * fall + fall**2))
    mirrored = paired_difference_interval(20, 2, 12, 16)
    assert mirrored == pytest.approx((-high, -low))
    # Where arms are unrelated it is the interval of two independent rates.
    apart = paired_difference_interval(4, 4, 4, 4)
    np.testing.assert_allclose(apart, independent_difference_interval(8, 16, 8, 16))
    # Disagreement beyond chance is not corrected.
    assert paired_difference_interval(1, 8, 8, 1)[1] > paired_difference_interval(8, 1, 1, 8)[1]
