"""What each animal means to the result: the fit without it, for every animal.

The refits are exact, variances included. They show whether a conclusion hangs on one animal; they
are no reason to leave one out.

References
----------
Cook RD. Technometrics 1977;19:15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import FEWEST_ANIMALS, Contrasts, GrowthFit, fit_growth
from oncovivo.growth.many import fit_many
from oncovivo.growth.replicates import Replicates

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Influence", "InfluenceTable", "influence"]

FloatArray: TypeAlias = NDArray[np.float64]
# More animals than this are counted instead of named.
_FEW: Final = 3
# Columns of X that an animal's readings leave dependent, as the smallest eigenvalue of Q'Q over
# the others, Q orthonormal over all readings.
_DEPENDENT: Final = 1e-9
_NOT_MAXIMIZED: Final = "the likelihood was not maximized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """One contrast of growth rates without one animal.

    Parameters
    ----------
    animal_id, animal_arm : str
        The animal that is left out, and its arm.
    arm, versus : str
        Rate of `arm` less that of `versus`.
    estimate, std_error, df, p_value : float or None
        Without the animal; None where there is none, with a reason.
    change : float or None
        Estimate less that of all animals, in standard errors of the latter.
    changes_conclusion : bool
        Whether the p value is on the other side of the error level than that of all animals.
    reason : str
        Why numbers are missing; empty when there are some.
    """

    animal_id: str
    animal_arm: str
    arm: str
    versus: str
    estimate: float | None
    std_error: float | None
    df: float | None
    p_value: float | None
    change: float | None
    changes_conclusion: bool
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceTable:
    """Every contrast without every animal.

    Parameters
    ----------
    study_id, control : str
        Study and control arm.
    level : float
        Confidence; the conclusion is whether p, of the contrast alone, is at most 1 less this.
    arms : tuple of str
        Arms that were compared with the control.
    estimate, p_value : tuple of (float or None)
        Of all animals, by arm.
    cook : mapping of str to (float or None)
        Cook's distance of each animal: change of all coefficients without it, (b - b₋)'V⁻¹(b - b₋)
        over their number, V the plain covariance of b; None where there is no refit.
    rows : tuple of Influence
        By animal, then by arm.
    """

    study_id: str
    control: str
    level: float
    arms: tuple[str, ...]
    estimate: tuple[float | None, ...]
    p_value: tuple[float | None, ...]
    cook: Mapping[str, float | None]
    rows: tuple[Influence, ...]

    @property
    def changing(self) -> tuple[Influence, ...]:
        """Rows whose conclusion is another than that of all animals."""
        return tuple(row for row in self.rows if row.changes_conclusion)

    def of_arm(self, arm: str) -> tuple[Influence, ...]:
        """The rows of one contrast.

        Raises
        ------
        InputError
            If the arm was not compared.
        """
        if arm not in self.arms:
            expected = "an arm that was compared: " + ", ".join(self.arms)
            raise InputError(expected, found=repr(arm), where=f"study {self.study_id}")
        return tuple(row for row in self.rows if row.arm == arm)

    def most_influential(self, arm: str) -> Influence | None:
        """The animal without which a contrast moves most; None where no refit was possible.

        Raises
        ------
        InputError
            If the arm was not compared.
        """
        known = [row for row in self.of_arm(arm) if row.change is not None]
        return max(known, key=lambda row: abs(row.change or 0.0)) if known else None

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence or two."""
        lost = {row.animal_id for row in self.rows if row.reason}
        words = [words for arm in self.arms if (words := self._changes(arm))]
        if not words:
            words.append("no single animal changes a conclusion")
        if lost:
            words.append(f"no refit without {', '.join(sorted(lost))}")
        return "; ".join(words)

    def _changes(self, arm: str) -> str:
        """What the animals change in one contrast; empty where they change nothing."""
        rows = [row for row in self.of_arm(arm) if row.changes_conclusion]
        if not rows:
            return ""
        if len(rows) > _FEW:
            return f"any of {len(rows)} single animals changes the conclusion on '{arm}'"
        parts = [f"{row.p_value:.2g} without animal {row.animal_id}" for row in rows]
        return f"the p value of '{arm}' is {', '.join(parts)}"

    def to_dict(self) -> dict[str, object]:
        """All rows and the verdict, ready for JSON."""
        return {
            "study_id": self.study_id,
            "control": self.control,
            "level": self.level,
            "all_animals": [
                {"arm": arm, "estimate": estimate, "p_value": p_value}
                for arm, estimate, p_value in zip(
                    self.arms, self.estimate, self.p_value, strict=True
                )
            ],
            "cook": dict(self.cook),
            "rows": [row.to_dict() for row in self.rows],
            "verdict": self.verdict,
        }

    def to_frame(self) -> pd.DataFrame:
        """A row for each animal and contrast."""
        import pandas as pd

        return pd.DataFrame([row.to_dict() for row in self.rows])


def influence(fit: GrowthFit, control: str, *, level: float = 0.95) -> InfluenceTable:
    """Contrasts of the growth rates without each animal in turn.

    Where group curves bend, rates are averages up to the last reading of the control, and the
    knots stay where they are.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model, from :func:`fit_growth`.
    control : str
        Control arm.
    level : float
        Confidence; says which p values are a conclusion.

    Raises
    ------
    InputError
        If the control is no arm or there is no other, the level is not between 0 and 1, or the
        fit has censored readings.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=(day := np.tile([0.0, 3.0, 6.0, 9.0], 6)),
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> influence(fit_growth(data), "vehicle").verdict
    'no single animal changes a conclusion'
    """
    data = fit.data
    reference = data.arm_number(control)
    if len(data.arms) < 2:
        expected = "an arm beside the control"
        raise InputError(expected, found="none", where=f"study {data.study_id}")
    if fit.n_censored:
        expected = "a fit without censored readings"
        mend = "fit_growth leaves readings below the limit out"
        raise InputError(expected, found=f"{fit.n_censored} censored readings", mend=mend)
    others = [number for number in range(len(data.arms)) if number != reference]
    whole = fit.contrasts(_weights(fit, reference, others), level=level)
    animals = np.unique(data.animal[fit.terms.rows]).tolist()
    reduces = (
        fit.model.df != "cr2" and fit.model.residual in ("iid", "arm") and not fit.model.groups
    )
    answers = (
        _many(fit, _weights(fit, reference, others))
        if reduces
        else [
            _Answer(numbers=None, coefficients=None, reason=reason)
            if reason
            else _alone(fit, number, reference, others)
            for number, reason in zip(animals, _hindrances(fit), strict=True)
        ]
    )
    rows = [
        _row(fit, number, answer, whole, place, (arm, reference))
        for number, answer in zip(animals, answers, strict=True)
        for place, arm in enumerate(others)
    ]
    return InfluenceTable(
        study_id=data.study_id,
        control=control,
        level=level,
        arms=tuple(data.arms[number] for number in others),
        estimate=tuple(map(_finite, whole.estimate.tolist())),
        p_value=tuple(map(_finite, whole.p_value.tolist())),
        cook={
            data.animal_ids[number]: _cook(fit, answer)
            for number, answer in zip(animals, answers, strict=True)
        },
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answer:
    """Numbers of all contrasts without one animal, shape (4, k), or why there are none.

    The coefficients are None where a refit has others.
    """

    numbers: FloatArray | None
    coefficients: FloatArray | None
    reason: str


def _weights(fit: GrowthFit, reference: int, others: list[int]) -> FloatArray:
    """Weights of the differences of rates."""
    end = last_time(fit, reference)
    against = fit.terms.rate(reference, end=end)
    return np.stack([fit.terms.rate(number, end=end) - against for number in others])


def _many(fit: GrowthFit, weights: FloatArray) -> list[_Answer]:
    """All refits at once."""
    problem = fit.problem
    n = problem.arm.size
    reasons = _hindrances(fit)
    kept = np.array([number for number in range(n) if not reasons[number]], dtype=np.intp)
    answers = [_Answer(numbers=None, coefficients=None, reason=reason) for reason in reasons]
    if not kept.size:
        return answers
    found = fit_many(
        Replicates(
            design=problem,
            outcomes=np.tile(problem.y, (kept.size, 1)),
            observed=problem.animal != kept[:, None],
        ),
        weights,
        method="satterthwaite" if fit.model.df == "satterthwaite" else "kr",
    )
    numbers = np.stack((found.estimate, found.std_error, found.df, found.p_value), axis=1)
    for place, animal in enumerate(kept.tolist()):
        answers[animal] = (
            _Answer(numbers=numbers[place], coefficients=found.coefficients[place], reason="")
            if found.converged[place]
            else _Answer(numbers=None, coefficients=None, reason=_NOT_MAXIMIZED)
        )
    return answers


def _hindrances(fit: GrowthFit) -> list[str]:
    """Why there is no refit without each animal; empty where there is one."""
    problem = fit.problem
    n, p = problem.arm.size, problem.x.shape[1]
    basis = np.linalg.qr(problem.x)[0]
    own = np.zeros((n, p, p))
    np.add.at(own, problem.animal, basis[:, :, None] * basis[:, None, :])
    # What is left of the columns without an animal, as a share of all readings' share.
    left = np.linalg.eigvalsh(np.eye(p) - own)[:, 0]
    sizes = np.bincount(problem.arm, minlength=len(fit.data.arms))
    reasons = []
    for animal, arm in enumerate(problem.arm.tolist()):
        others = sizes - (np.arange(sizes.size) == arm)
        if others[arm] == 0:
            reasons.append(f"arm '{fit.data.arms[arm]}' has no other animal")
        elif others.max() < FEWEST_ANIMALS:
            reasons.append("no arm has two animals")
        elif left[animal] < _DEPENDENT:
            reasons.append("the other readings cannot tell the coefficients apart")
        else:
            reasons.append("")
    return reasons


def _alone(fit: GrowthFit, animal: int, reference: int, others: list[int]) -> _Answer:
    """One refit, of a model with full covariance matrices or robust inference."""
    data = fit.data
    try:
        refit = fit_growth(data.without_animals([data.animal_ids[animal]]), fit.model)
    except DataError as error:
        return _Answer(numbers=None, coefficients=None, reason=str(error))
    if not refit.converged:
        return _Answer(numbers=None, coefficients=None, reason=_NOT_MAXIMIZED)
    end = last_time(fit, reference)
    rate = refit.terms.rate
    weights = np.stack([rate(arm, end=end) - rate(reference, end=end) for arm in others])
    found = refit.contrasts(weights)
    return _Answer(
        numbers=np.stack((found.estimate, found.std_error, found.df, found.p_value)),
        coefficients=refit.coefficients if refit.terms.names == fit.terms.names else None,
        reason="",
    )


def _cook(fit: GrowthFit, answer: _Answer) -> float | None:
    """Cook's distance of one animal."""
    if answer.coefficients is None or fit.derivatives is None:
        return None
    change = answer.coefficients - fit.coefficients
    covariance = fit.derivatives.covariance
    scale = np.sqrt(np.diag(covariance))
    scaled = np.linalg.solve(covariance / np.outer(scale, scale), change / scale)
    return _finite(float(change / scale @ scaled) / change.size)


def _row(
    fit: GrowthFit,
    animal: int,
    answer: _Answer,
    whole: Contrasts,
    place: int,
    pair: tuple[int, int],
) -> Influence:
    """One animal and contrast."""
    data = fit.data
    numbers = [np.nan] * 4 if answer.numbers is None else answer.numbers[:, place].tolist()
    p_value, p_whole = numbers[3], float(whole.p_value[place])
    error = 1 - whole.level
    known = bool(np.isfinite(p_value) and np.isfinite(p_whole))
    change = (numbers[0] - float(whole.estimate[place])) / max(
        float(whole.std_error[place]), np.finfo(np.float64).tiny
    )
    return Influence(
        animal_id=data.animal_ids[animal],
        animal_arm=data.arms[data.arm[animal]],
        arm=data.arms[pair[0]],
        versus=data.arms[pair[1]],
        estimate=_finite(numbers[0]),
        std_error=_finite(numbers[1]),
        df=_finite(numbers[2]),
        p_value=_finite(p_value),
        change=_finite(change),
        changes_conclusion=known and (p_value <= error) != (p_whole <= error),
        reason=answer.reason,
    )


def _finite(value: float) -> float | None:
    """The number, or None for an infinite one or NaN."""
    return value if np.isfinite(value) else None
