"""What follows from the numbers of a model in closed form, without simulation.

Times are in days and rates per day; other units cancel and only have to agree, as each function
says. The functions take and return plain numbers: they state facts for a table or a test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from oncovivo.errors import InputError

__all__ = [
    "allometric_value",
    "clearance_of_auc",
    "free_drug_for_inhibition",
    "growth_delay",
    "infusion_peak",
    "lq_survival",
    "mean_death_time",
    "metabolite_ratio",
    "relative_misfit",
    "sensitizer_concentration",
    "static_concentration",
    "vessel_equilibrium",
]


def static_concentration(growth_rate: float, potency: float) -> float:
    """Concentration at which kill and exponential growth balance: growth rate over potency.

    Parameters
    ----------
    growth_rate : float
        Rate of exponential growth, 1/day; not negative.
    potency : float
        Kill rate per concentration, for instance mL/(ng·day); positive.

    Returns
    -------
    float
        Concentration in the unit of `potency`, for instance ng/mL.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> round(static_concentration(0.273, 6.29e-4), 1)
    434.0
    """
    return _not_negative(growth_rate, "growth rate") / _positive(potency, "potency")


def growth_delay(potency: float, auc: float, growth_rate: float) -> float:
    """Days by which a treated tumor finally lags an untreated one: potency · AUC / growth rate.

    Exact for kill in proportion to the concentration while unperturbed growth is exponential,
    once the drug is gone and damaged cells have left.

    Parameters
    ----------
    potency : float
        Kill rate per concentration, for instance mL/(ng·day); not negative.
    auc : float
        Area under the concentration, for instance ng·day/mL; not negative.
    growth_rate : float
        Rate of exponential growth, 1/day; positive.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    Paclitaxel 30 mg/kg once in A2780, volume 0.81 L/kg, elimination 0.868 per hour.

    >>> auc = 30e3 / 0.81 / 0.868 / 24
    >>> round(growth_delay(6.29e-4, auc, 0.273), 5)
    4.09631
    """
    killed = _not_negative(potency, "potency") * _not_negative(auc, "AUC")
    return killed / _positive(growth_rate, "growth rate")


def mean_death_time(stage_rate: float, stages: int = 3) -> float:
    """Mean days from damage to death through stages of one rate: stages over rate.

    Parameters
    ----------
    stage_rate : float
        Rate from one stage to the next, 1/day; positive.
    stages : int, default 3
        How many stages; 1 or more.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> round(mean_death_time(0.968), 2)
    3.1
    """
    if stages < 1:
        raise InputError("one stage or more", found=str(stages))
    return stages / _positive(stage_rate, "stage rate")


def lq_survival(dose: float, alpha: float, beta: float, *, factor: float = 1.0) -> float:
    """Share of cells that survive a fraction of radiation: exp(-factor (alpha D + beta D²)).

    Parameters
    ----------
    dose : float
        Dose of the fraction, Gy; not negative.
    alpha : float
        1/Gy; not negative.
    beta : float
        1/Gy²; not negative.
    factor : float, default 1
        What a radiosensitizer makes of the damage (1 + b C in Cardilin's model); not negative.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> round(lq_survival(2.0, 0.08, 0.008), 3)
    0.825
    """
    damage = _damage(dose, alpha, beta)
    return math.exp(-_not_negative(factor, "factor") * damage)


def sensitizer_concentration(
    killed: float, dose: float, alpha: float, beta: float, sensitization: float
) -> float:
    """Concentration of a radiosensitizer at which a fraction kills a given share of cells.

    Solves 1 - exp(-(1 + b C) (alpha D + beta D²)) = killed for C.

    Parameters
    ----------
    killed : float
        Share killed; below 1 and at least what radiation alone kills.
    dose : float
        Dose of the fraction, Gy; positive.
    alpha : float
        1/Gy; not negative.
    beta : float
        1/Gy²; not negative.
    sensitization : float
        b, damage added per concentration, for instance mL/µg; positive.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> round(sensitizer_concentration(0.85, 2.0, 0.08, 0.008, 0.45), 2)
    19.74
    """
    damage = _positive(_damage(dose, alpha, beta), "damage of the radiation alone")
    alone = -math.expm1(-damage)
    if not alone <= killed < 1.0:
        raise InputError(
            f"a share killed from {alone:.3g}, which radiation alone kills, to below 1",
            found=f"{killed:g}",
        )
    factor = -math.log1p(-killed) / damage
    return (factor - 1.0) / _positive(sensitization, "sensitization")


def free_drug_for_inhibition(
    inhibition: float, binder_total: float, kd_binder: float, kd_target: float
) -> float:
    """Free drug that inhibits a share of the target through a complex with a binder.

    The complex with concentration X inhibits X / (X + kd_target), and X is
    binder_total · free / (kd_binder + free). For one half the free drug is
    kd_binder · kd_target / (binder_total - kd_target).

    Parameters
    ----------
    inhibition : float
        Share inhibited, between 0 and 1 without the ends.
    binder_total : float
        Total binder (FKBP); large enough that its full occupancy inhibits more than that share.
    kd_binder : float
        Dissociation constant of drug and binder, in the unit of `binder_total`; positive.
    kd_target : float
        Dissociation constant of complex and target, same unit; positive.

    Returns
    -------
    float
        Free drug in the same unit.

    Raises
    ------
    InputError
        If a number is outside its range, or no amount of drug inhibits that share.

    Examples
    --------
    FKBP 100 nmol/L, dissociation 0.2 and 12 nmol/L.

    >>> round(free_drug_for_inhibition(0.5, 100.0, 0.2, 12.0), 3)
    0.027
    """
    if not 0.0 < inhibition < 1.0:
        raise InputError("an inhibition between 0 and 1", found=f"{inhibition:g}")
    total = _positive(binder_total, "total binder")
    needed = _positive(kd_target, "dissociation constant") * inhibition / (1.0 - inhibition)
    if needed >= total:
        raise InputError(
            f"an inhibition below {total / (total + kd_target):.3g}, that of a full binder",
            found=f"{inhibition:g}",
        )
    return _positive(kd_binder, "dissociation constant") * needed / (total - needed)


def clearance_of_auc(dose: float, auc: float) -> float:
    """Clearance of a linear drug from an intravenous dose and its AUC: dose / AUC.

    Parameters
    ----------
    dose : float
        For instance µg; positive.
    auc : float
        Area under the concentration to infinity, for instance µg·h/L; positive.

    Returns
    -------
    float
        In the unit that follows, for instance L/h.

    Raises
    ------
    InputError
        If a number is not positive.

    Examples
    --------
    Temsirolimus 25 mg, 1627 ng·h/mL in whole blood.

    >>> round(clearance_of_auc(25e3, 1627.0), 3)
    15.366
    """
    return _positive(dose, "dose") / _positive(auc, "AUC")


def metabolite_ratio(
    fraction: float, mass_ratio: float, clearance: float, metabolite_clearance: float
) -> float:
    """AUC of a metabolite over that of its parent, by mass: fraction · masses · clearances.

    Parameters
    ----------
    fraction : float
        Share of the parent's molecules that becomes the metabolite, 0 to 1.
    mass_ratio : float
        Molar mass of the metabolite over that of the parent; positive.
    clearance : float
        Of the parent; positive.
    metabolite_clearance : float
        In the unit of `clearance`; positive.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    >>> round(metabolite_ratio(0.459, 914.2 / 1030.3, 15.366, 6.08), 2)
    1.03
    """
    if not 0.0 <= fraction <= 1.0:
        raise InputError("a fraction from 0 to 1", found=f"{fraction:g}")
    ratio = _positive(clearance, "clearance") / _positive(metabolite_clearance, "clearance")
    return fraction * _positive(mass_ratio, "mass ratio") * ratio


def infusion_peak(
    dose: float,
    duration: float,
    clearance: float,
    volume: float,
    peripheral: Sequence[tuple[float, float]] = (),
) -> float:
    """Concentration at the end of a first infusion in a model of 1 to n compartments.

    Parameters
    ----------
    dose : float
        For instance µg; not negative.
    duration : float
        In the unit of time of `clearance`, for instance h; positive.
    clearance : float
        For instance L/h; positive.
    volume : float
        Of the central compartment, for instance L; positive.
    peripheral : sequence of (float, float)
        Flow to a further compartment and its volume, both positive, in the same units.

    Returns
    -------
    float
        Concentration, for instance µg/L.

    Raises
    ------
    InputError
        If a number is outside its range.

    Examples
    --------
    Temsirolimus 25 mg over one hour; the label prints 585 ng/mL.

    >>> round(infusion_peak(25e3, 1.0, 15.366, 18.9, [(10.4, 12.9), (9.15, 140.0)]), 1)
    640.7
    """
    flows = np.array([_positive(flow, "flow") for flow, _ in peripheral])
    volumes = np.array([_positive(v, "volume") for v in (volume, *(v for _, v in peripheral))])
    size = len(volumes)
    # Symmetric: concentrations scaled by the roots of the volumes, so that eigenvalues are real.
    matrix = np.zeros((size, size))
    matrix[0, 0] = (_positive(clearance, "clearance") + flows.sum()) / volumes[0]
    outer = np.arange(1, size)
    matrix[outer, outer] = flows / volumes[1:]
    matrix[0, 1:] = matrix[1:, 0] = -flows / np.sqrt(volumes[0] * volumes[1:])
    rates, modes = np.linalg.eigh(matrix)
    lasting = _positive(duration, "duration")
    gathered = modes[0] ** 2 * -np.expm1(-rates * lasting) / rates
    return float(_not_negative(dose, "dose") / lasting / volumes[0] * gathered.sum())


def relative_misfit(predicted: float, printed: float) -> float:
    """How far a prediction is above (below if negative) a printed value, as its share.

    Parameters
    ----------
    predicted : float
        What the model gives.
    printed : float
        What the source prints, same unit; positive.

    Raises
    ------
    InputError
        If `printed` is not positive.

    Examples
    --------
    >>> round(relative_misfit(640.7, 585.0), 3)
    0.095
    """
    return predicted / _positive(printed, "printed value") - 1.0


def allometric_value(
    value: float, body_weight: float, reference_weight: float, exponent: float
) -> float:
    """A value scaled by body weight: value · (weight / reference)^exponent.

    Parameters
    ----------
    value : float
        At the reference weight.
    body_weight : float
        Positive.
    reference_weight : float
        In the unit of `body_weight`; positive.
    exponent : float
        Usually 0.75 for clearances and flows, 1 for volumes.

    Raises
    ------
    InputError
        If a weight is not positive.

    Examples
    --------
    A clearance of 15.366 L/h at 70 kg in a mouse of 20 g, in mL/h.

    >>> round(1000.0 * allometric_value(15.366, 20.0, 70_000.0, 0.75), 1)
    33.8
    """
    ratio = _positive(body_weight, "body weight") / _positive(reference_weight, "body weight")
    return float(value * ratio**exponent)


def vessel_equilibrium(gain: float, loss: float) -> float:
    """Volume at which tumor and vessels rest in Hahnfeldt's model: (gain / loss)^(3/2).

    Parameters
    ----------
    gain : float
        Stimulation of vessels, 1/day; positive.
    loss : float
        Inhibition of vessels, 1/(day·mm²); positive.

    Returns
    -------
    float
        mm³.

    Raises
    ------
    InputError
        If a number is not positive.

    Examples
    --------
    >>> round(vessel_equilibrium(0.6, 0.0015), 6)
    8000.0
    """
    return float((_positive(gain, "gain") / _positive(loss, "loss")) ** 1.5)


def _damage(dose: float, alpha: float, beta: float) -> float:
    """Damage of a fraction, alpha D + beta D²."""
    gray = _not_negative(dose, "dose")
    return gray * (_not_negative(alpha, "alpha") + _not_negative(beta, "beta") * gray)


def _positive(value: float, what: str) -> float:
    """The value, if it is finite and above 0."""
    if not 0.0 < value < math.inf:
        raise InputError(f"a {what} above 0", found=f"{value:g}")
    return value


def _not_negative(value: float, what: str) -> float:
    """The value, if it is finite and not below 0."""
    if not 0.0 <= value < math.inf:
        raise InputError(f"a {what} of 0 or more", found=f"{value:g}")
    return value
