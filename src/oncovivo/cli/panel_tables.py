"""A mouse clinical trial as tables that fit a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.panel_trial import PanelTrial, TreatmentTrial
from oncovivo.cli.tables import plain, simple_table
from oncovivo.panels.trial_result import SubgroupTest, TrialFit

__all__ = ["show_trial"]

_OUTCOMES = {"objective_response": "objective response", "disease_control": "disease control"}
_FORMS = {
    "frailty": "lines share a factor",
    "stratified": "within lines",
    "marginal": "over all animals",
}


def show_trial(result: PanelTrial) -> None:
    """Effects on growth, events and responses of each treatment, and their subgroups."""
    console = Console(highlight=False)
    for one in result.treatments:
        _show_treatment(console, one, result)


def _show_treatment(console: Console, one: TreatmentTrial, result: PanelTrial) -> None:
    control = result.options.control
    mark = " · SIMULATED" if result.simulated else ""
    console.print(Text(f"{one.treatment} against {control}{mark}", style="bold"))
    if one.fit is None:
        console.print(plain(f"  {one.reason}"))
    else:
        fit = one.fit
        console.print(
            f"  {fit.n_lines} lines, {fit.n_animals} animals, {fit.n_readings:,} readings; "
            f"{fit.method}"
        )
        table = simple_table("lines", "n", "growth rate, per day", "interval", "p")
        _add_effects(table, "all", fit)
        for part in one.subgroups:
            if part.fit is not None:
                _add_effects(table, part.by, part.fit)
        console.print(table)
        for part in one.subgroups:
            if part.fit is None:
                console.print(plain(f"  {part.by}: {part.reason}"))
            else:
                for test in part.fit.subgroup_tests:
                    console.print(plain(f"  {part.by}: {_interaction(test)}"))
        spread = fit.heterogeneity[0]
        if spread.prediction_lower is not None and spread.prediction_upper is not None:
            console.print(
                f"  among lines: SD {spread.sd:.4f}; a new line from "
                f"{spread.prediction_lower:+.3f} to {spread.prediction_upper:+.3f}"
            )
    table = simple_table(f"time to {result.options.multiple:g} times", "hazard ratio", "p")
    for hazard in one.hazards:
        ratio = hazard.reason
        if hazard.hazard_ratio is not None:
            ratio = f"{hazard.hazard_ratio:.2f} ({hazard.lower:.2f} to {hazard.upper:.2f})"
        table.add_row(_FORMS[hazard.form], plain(ratio), _p(hazard.p_value))
    console.print(table)
    if one.responses:
        table = simple_table("response of lines", control, one.treatment, "p")
        for row in one.responses:
            table.add_row(
                _OUTCOMES[row.outcome],
                f"{row.first_rate.k}/{row.first_rate.n}",
                f"{row.second_rate.k}/{row.second_rate.n}",
                _p(row.p_value),
            )
        console.print(table)
    for note in one.fit.notes if one.fit is not None else ():
        console.print(plain(f"  {note}"))
    console.print()


def _add_effects(table: Table, by: str, fit: TrialFit) -> None:
    """A row for each effect of a fit."""
    for effect in fit.effects:
        name = by if effect.group is None else f"{by}: {effect.group}"
        if effect.estimate is None:
            table.add_row(plain(name), str(effect.n_lines), "—", effect.reason, "—")
            continue
        table.add_row(
            plain(name),
            str(effect.n_lines),
            f"{effect.estimate:+.4f}",
            f"{effect.lower:+.4f} to {effect.upper:+.4f}",
            _p(effect.p_value),
        )


def _interaction(test: SubgroupTest) -> str:
    """The test of treatment × subgroup in words."""
    if test.p_value is None or test.statistic is None:
        return test.reason
    flag = f" ({test.reason})" if test.reason else ""
    return (
        f"does the effect differ? F({test.df_numerator:g}, {test.df_denominator:.1f}) = "
        f"{test.statistic:.2f}, p = {_p(test.p_value)}{flag}"
    )


def _p(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"
