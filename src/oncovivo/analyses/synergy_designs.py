"""Combinations that are no single pair: grids of doses, and one addition to several partners."""

from __future__ import annotations

from typing import Final

from oncovivo.analyses.synergy_fit import animals_by_arm, compared_sequences, fit_arms, once
from oncovivo.analyses.synergy_result import SynergyAnalysis, SynergyOptions
from oncovivo.combination.dose_grid import DoseGrid, dose_grid, doses_from_names
from oncovivo.combination.fixed_addition import AdditionArms, addition_arms, fixed_addition
from oncovivo.combination.grid_surface import GridNull, grid_synergy
from oncovivo.combination.result import Null
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthWarning
from oncovivo.studies import Study

__all__ = ["analyse_addition", "analyse_grid"]

_GRID_NULLS: Final[dict[Null, GridNull]] = {"bliss": "bliss", "hsa": "hsa"}
_NOT_OF_A_GRID: Final = ("c", "combination", "pairs", "addition", "added")
_NOT_OF_AN_ADDITION: Final = ("a", "b", "c", "combination", "pairs", "nulls", "scales")
# Neither has these analyses.
_OF_NEITHER: Final = ("event", "event_time", "bootstrap")
_SPELLED: Final = {"nulls": "null", "scales": "scale", "event_time": "event-time"}


def analyse_grid(
    study: Study, *, control: str, options: SynergyOptions, baseline_day: float | None
) -> SynergyAnalysis:
    """Every cell of a dose grid against its null models.

    Raises
    ------
    InputError
        If an option has no place in a grid.
    """
    _refuse(
        options,
        _NOT_OF_A_GRID,
        expected="the two compounds of a grid alone, as --a and --b",
        where="--grid",
    )
    grid, warnings = _grid_of(study, options)
    if grid.control != control:
        raise InputError(
            f"'{grid.control}', the arm of the grid without either compound, as control",
            found=repr(control),
            where="--control",
        )
    names = (
        grid.control,
        *(arm.arm for single in grid.singles for arm in single),
        *(cell.arm for cell in grid.cells),
    )
    for null in options.nulls:
        if null not in _GRID_NULLS:
            raise InputError("bliss or hsa for a dose grid", found=null, where="--null")
    if len(options.scales) > 1 or set(options.scales) - {"growth_rate", "relative_volume"}:
        raise InputError(
            "growth_rate or relative_volume for a dose grid",
            found=", ".join(options.scales),
            where="--scale",
        )
    fit = fit_arms(study, names, options, baseline_day)
    nulls = tuple(_GRID_NULLS[null] for null in options.nulls or _GRID_NULLS)
    surfaces = tuple(
        grid_synergy(
            fit,
            grid,
            null=null,
            scale="relative_volume" if options.scales == ("relative_volume",) else "growth_rate",
            day=options.day,
            level=options.level,
        )
        for null in nulls
    )
    return SynergyAnalysis(
        study_id=study.study_id,
        line=study.line.name,
        simulated=study.simulated,
        arms=None,
        level=options.level,
        model=fit.model,
        n_by_arm=animals_by_arm(fit),
        n_observations=fit.n_observations,
        n_censored=fit.n_censored,
        log_likelihood=fit.log_likelihood,
        likelihood=fit.likelihood,
        singular=fit.singular,
        converged=fit.converged,
        results=tuple(cell.alone for surface in surfaces for cell in surface.cells),
        bands=(),
        observed=(),
        interactions=(),
        sensitivity=(),
        areas=(),
        additivity=(),
        doses=None,
        sequences=compared_sequences(study, fit, options),
        surfaces=surfaces,
        addition=None,
        event="",
        variance=fit.variance,
        warnings=once((*warnings, *(w for surface in surfaces for w in surface.warnings))),
    )


def analyse_addition(
    study: Study, *, control: str, options: SynergyOptions, baseline_day: float | None
) -> SynergyAnalysis:
    """Whether an addition has one effect with the control and with every partner.

    Raises
    ------
    InputError
        If an option has no place beside an addition.
    """
    _refuse(
        options,
        _NOT_OF_AN_ADDITION,
        expected="pairs of arms with and without the addition alone",
        where="--addition, --added",
    )
    arms = _addition_arms(study, control, options)
    names = tuple(name for pair in arms.pairs for name in pair)
    fit = fit_arms(study, names, options, baseline_day)
    found = fixed_addition(fit, arms, day=options.day, level=options.level)
    return SynergyAnalysis(
        study_id=study.study_id,
        line=study.line.name,
        simulated=study.simulated,
        arms=None,
        level=options.level,
        model=fit.model,
        n_by_arm=animals_by_arm(fit),
        n_observations=fit.n_observations,
        n_censored=fit.n_censored,
        log_likelihood=fit.log_likelihood,
        likelihood=fit.likelihood,
        singular=fit.singular,
        converged=fit.converged,
        results=(),
        bands=(),
        observed=(),
        interactions=(),
        sensitivity=(),
        areas=(),
        additivity=(),
        doses=None,
        sequences=(),
        surfaces=(),
        addition=found,
        event="",
        variance=fit.variance,
        warnings=found.warnings,
    )


def _refuse(options: SynergyOptions, names: tuple[str, ...], *, expected: str, where: str) -> None:
    """Refuse what the analysis would leave unused."""
    for name in (*names, *_OF_NEITHER):
        given = getattr(options, name)
        if given is None or given in ((), {}):
            continue
        flag, words = _SPELLED.get(name, name), ""
        if name == "pairs":
            flag, words = next(iter(given.items()))
        elif isinstance(given, str):
            words = given
        raise InputError(expected, found=f"--{flag} {words}".rstrip(), where=where)


def _addition_arms(study: Study, control: str, options: SynergyOptions) -> AdditionArms:
    """Pairs by name, or by what the regimens differ by; the control's pair comes first."""
    if not options.added:
        arms = addition_arms(study.arms, options.addition or "")
        if arms.control[0] != control:
            raise InputError(
                f"'{arms.control[0]}', the arm without any partner, as control",
                found=repr(control),
                where="--control",
            )
        return arms
    if options.addition is not None:
        raise InputError("--addition or --added", found="both", where="command line")
    known = [arm.name for arm in study.arms]
    for name in (*options.added, *options.added.values()):
        if name not in known:
            expected = "an arm of the study: " + ", ".join(known)
            raise InputError(expected, found=repr(name), where="--added")
    if control not in options.added:
        raise InputError(
            f"the control with the addition, as --added '{control}=…'",
            found="pairs of " + ", ".join(options.added),
            where="--added",
        )
    partners = tuple(pair for pair in options.added.items() if pair[0] != control)
    return AdditionArms(control=(control, options.added[control]), partners=partners)


def _grid_of(study: Study, options: SynergyOptions) -> tuple[DoseGrid, list[GrowthWarning]]:
    """The grid by the regimens, or where no arm has one by the labels, which is said."""
    compounds = None
    if options.a is not None and options.b is not None:
        compounds = (options.a, options.b)
    elif options.a is not None or options.b is not None:
        raise InputError("both compounds of the grid", found="one", where="--a, --b")
    if any(arm.regimens for arm in study.arms):
        return dose_grid(study.arms, compounds=compounds), []
    names = [arm.name for arm in study.arms]
    if compounds is None:
        raise InputError(
            "the two compounds as the labels of the arms spell them",
            found="none, and arms without regimens",
            where="--a, --b",
            mend="the arms are: " + ", ".join(names),
        )
    grid = dose_grid(doses_from_names(names, compounds), compounds=compounds)
    message = "the doses were read from the labels of the arms: the study states no regimens"
    return grid, [GrowthWarning(code="doses_from_labels", message=message)]
