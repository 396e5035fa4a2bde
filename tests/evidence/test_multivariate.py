"""Several outcomes of a study: closed forms, the shape of the covariance, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.known_covariance import correlated_covariance
from oncovivo.evidence.meta.multilevel import fit_multilevel, fit_multivariate
from oncovivo.evidence.meta.types import Rows

# Six studies with two outcomes each.
BOTH = np.array([[-1.0, -0.7], [-0.2, 0.3], [-1.6, -1.2], [0.4, 0.1], [-0.8, -1.1], [-0.3, 0.6]])
STUDY = [f"s{i}" for i in range(6) for _ in range(2)]
OUTCOME = ["volume", "weight"] * 6
LABEL = [f"r{i}" for i in range(12)]
VARIANCE = 0.03


def rows(values: np.ndarray = BOTH) -> Rows:
    return Rows.of(LABEL, values.ravel(), np.full(12, VARIANCE))


def test_complete_studies_give_the_covariance_of_the_outcomes() -> None:
    known = correlated_covariance(np.full(12, VARIANCE), STUDY, rho=0.5)
    result = fit_multivariate(rows(), STUDY, OUTCOME, covariance=known, intervals="none")
    sampled = VARIANCE * np.array([[1, 0.5], [0.5, 1]])
    between = np.cov(BOTH.T) - sampled
    # Interior maximum: the closed form, but for the last Newton step.
    assert [one.variance for one in result.components] == pytest.approx(
        np.diag(between).tolist(), rel=1e-7
    )
    (correlation,) = result.correlations
    expected = between[0, 1] / np.sqrt(between[0, 0] * between[1, 1])
    assert correlation.correlation == pytest.approx(expected, rel=1e-7)
    assert [one.estimate for one in result.coefficients] == pytest.approx(
        BOTH.mean(axis=0).tolist(), rel=1e-10
    )
    assert np.array(result.covariance) == pytest.approx(np.cov(BOTH.T) / 6, rel=1e-7)
    assert [one.term for one in result.coefficients] == ["volume", "weight"]
    assert [one.df for one in result.coefficients] == [10, 10]


def test_compound_symmetry_averages_the_outcomes() -> None:
    result = fit_multivariate(rows(), STUDY, OUTCOME, structure="CS", intervals="none")
    sample = np.cov(BOTH.T)
    variance = float(np.trace(sample)) / 2 - VARIANCE
    assert [one.variance for one in result.components] == pytest.approx([variance] * 2, rel=1e-7)
    assert result.correlations[0].correlation == pytest.approx(sample[0, 1] / variance, rel=1e-7)


def test_compound_symmetry_is_a_study_and_a_row_level() -> None:
    """The same model, written as nested levels, where the correlation is positive."""
    design = np.eye(2)[[0, 1] * 6]
    shape = fit_multivariate(rows(), STUDY, OUTCOME, structure="CS")
    nested = fit_multilevel(
        rows(),
        {"study": STUDY, "row": LABEL},
        design=design,
        terms=["volume", "weight"],
        intervals="none",
    )
    outer, inner = (one.variance for one in nested.components)
    assert shape.components[0].variance == pytest.approx(outer + inner, rel=1e-7)
    assert shape.correlations[0].correlation == pytest.approx(outer / (outer + inner), rel=1e-7)
    assert shape.log_likelihood == pytest.approx(nested.log_likelihood, abs=1e-9)
    assert shape.qe == pytest.approx(nested.qe, rel=1e-12)
    low, high = shape.components[0].lower, shape.components[0].upper
    assert low is not None
    assert high is not None
    assert low < shape.components[0].variance < high


def test_limits_of_outcomes_that_go_together_entirely_are_those_of_the_study() -> None:
    """Compound symmetry on its boundary: nested levels without a variance of rows."""
    values = BOTH[:, :1] + np.array([[0.0, 0.05]])
    shape = fit_multivariate(rows(values), STUDY, OUTCOME, structure="CS")
    nested = fit_multilevel(
        rows(values),
        {"study": STUDY},
        design=np.eye(2)[[0, 1] * 6],
        terms=["volume", "weight"],
        test="z",
    )
    one, other = shape.components[0], nested.components[0]
    assert shape.correlations[0].correlation == pytest.approx(1, abs=1e-9)
    assert (one.variance, one.lower, one.upper) == pytest.approx(
        (other.variance, other.lower, other.upper), rel=1e-6
    )


def test_limits_of_an_outcome_do_not_depend_on_the_names_order() -> None:
    first = fit_multivariate(rows(), STUDY, OUTCOME)
    renamed = ["zz volume" if one == "volume" else one for one in OUTCOME]
    second = fit_multivariate(rows(), STUDY, renamed)
    for a, b in ((0, 1), (1, 0)):
        one, other = first.components[a], second.components[b]
        assert (other.variance, other.lower, other.upper) == pytest.approx(
            (one.variance, one.lower, one.upper), rel=1e-5, abs=1e-6
        )
    assert first.log_likelihood == pytest.approx(second.log_likelihood, abs=1e-9)


@pytest.mark.parametrize("number", [0, 1])
def test_limits_of_an_outcome_are_where_its_profile_has_fallen_enough(number: int) -> None:
    result = fit_multivariate(rows(), STUDY, OUTCOME)
    one = result.components[number]
    scatter = 5 * np.cov(BOTH.T)

    def likelihood(between: np.ndarray) -> float:
        """Restricted log-likelihood of complete studies, but for a constant."""
        whole = between + VARIANCE * np.eye(2)
        return -0.5 * float(
            5 * np.linalg.slogdet(whole)[1] + np.trace(np.linalg.solve(whole, scatter))
        )

    def fall(variance: float) -> float:
        def negative(rest: np.ndarray) -> float:
            other, correlation = np.exp(rest[0]), np.tanh(rest[1])
            between = np.diag([variance, other])
            between[0, 1] = between[1, 0] = correlation * np.sqrt(variance * other)
            return -likelihood(between if number == 0 else between[::-1, ::-1])

        found = optimize.minimize(
            negative, [-1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
        )
        return top + float(found.fun)

    top = likelihood(np.cov(BOTH.T) - VARIANCE * np.eye(2))
    assert one.lower is not None
    assert one.upper is not None
    assert fall(one.variance) == pytest.approx(0, abs=1e-8)
    # Half the 95 % quantile of chi-squared with one degree of freedom.
    assert fall(one.upper) == pytest.approx(1.920729410347062, abs=1e-6)
    assert fall(one.lower) == pytest.approx(1.920729410347062, abs=1e-6)


def test_outcomes_that_go_together_entirely_are_on_the_boundary() -> None:
    values = np.column_stack([BOTH[:, 0], 2 * BOTH[:, 0]])
    result = fit_multivariate(rows(values), STUDY, OUTCOME, intervals="none")
    assert result.converged
    assert result.correlations[0].correlation == pytest.approx(1.0, abs=1e-5)


def test_an_outcome_that_does_not_vary_has_no_correlation() -> None:
    values = np.column_stack([BOTH[:, 0], np.full(6, 0.2)])
    result = fit_multivariate(rows(values), STUDY, OUTCOME, intervals="none")
    assert result.converged
    assert result.components[1].variance == 0
    assert result.correlations[0].correlation is None
    assert [one.message for one in result.warnings] == [
        "the variance between groups of weight is estimated as 0"
    ]


def test_further_levels_are_nested_in_the_studies() -> None:
    study = [f"s{i // 4}" for i in range(24)]
    outcome = ["a", "a", "b", "b"] * 6
    label = [f"r{i}" for i in range(24)]
    rng = np.random.default_rng(11)
    values = 0.5 * np.repeat(rng.standard_normal(6), 4) + 0.4 * rng.standard_normal(24)
    result = fit_multivariate(
        Rows.of(label, values, np.full(24, 0.02)), study, outcome, within={"row": label}
    )
    assert [one.name for one in result.components] == ["a", "b", "row"]
    assert [one.groups for one in result.components] == [6, 6, 24]
    row = result.components[2]
    assert row.lower is not None
    assert row.upper is not None
    assert row.lower < row.variance < row.upper


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(DataError, match="two or more outcomes"):
        fit_multivariate(rows(), STUDY, ["volume"] * 12)
    with pytest.raises(DataError, match="two or more studies"):
        fit_multivariate(rows(), ["s"] * 12, OUTCOME)
    with pytest.raises(DataError, match="none with both volume and weight"):
        fit_multivariate(rows(), LABEL, OUTCOME)
    with pytest.raises(InputError, match="one outcome for each of the 12 rows"):
        fit_multivariate(rows(), STUDY, OUTCOME[1:])
