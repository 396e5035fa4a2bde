"""Fits of mechanism models as tables that fit a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.mechanism_fit_result import FileFit, FitRow
from oncovivo.cli.tables import plain
from oncovivo.endpoints.wording import number_text

__all__ = ["show_fit"]

_MOST_ANIMALS = 40


def show_fit(found: FileFit, *, saved: Path | None = None) -> None:
    """What the fit says, its numbers, how well it fits, and what to know.

    Parameters
    ----------
    found : FileFit
        The fit.
    saved : Path, optional
        Where its numbers were to be written as a simulation.
    """
    console = Console(highlight=False)
    mark = " · SIMULATED DATA" if found.simulated else ""
    console.print(Text(f"{found.plan.title}{mark}", style="bold"))
    for effect in found.effects:
        if effect.ratio is None:
            continue
        read = effect.observed_ratio
        beside = "" if read is None else f" (medians of those still there: {number_text(read)})"
        _indented(
            console,
            f"{effect.arm}: on day {effect.time_d:g} the typical tumor is "
            f"{number_text(effect.ratio)} of that under {effect.versus}{beside}",
        )
    _indented(console, _state(found))
    growth = found.data.growth
    below = int(growth.below_limit.sum())
    _indented(
        console,
        f"study {growth.study_id}: {growth.n_animals} animals, {growth.n_observations} readings, "
        f"{below} below the limit",
    )
    for note in found.data.notes:
        _indented(console, note)
    _indented(console, found.numbers_sentence)
    console.print()
    console.print(_single(found) if found.single is not None else _numbers(found))
    console.print()
    for line in _quality(found):
        _indented(console, line)
    if found.single is not None:
        _show_animals(console, found)
    for warning in found.warnings:
        # What makes a fit unsound stands above its numbers.
        if warning.code not in ("not_identified", "at_bound"):
            _indented(console, f"note: {warning.message}")
    if saved is not None:
        done = f"simulation: {saved}" if found.converged else f"{saved} was not written"
        console.print(plain(done), soft_wrap=True)
    console.print(f"seed {found.seed}")


def _state(found: FileFit) -> str:
    """Whether the numbers can be used."""
    if found.sound:
        return f"the search converged and the readings determine all {len(found.rows)} numbers"
    parts = []
    if not found.converged:
        parts.append("THE SEARCH DID NOT CONVERGE: do not use these numbers")
    if found.not_identified:
        parts.append("NOT DETERMINED by the readings: " + ", ".join(found.not_identified))
    ends = [row.name for row in found.rows if row.at_bound]
    if ends:
        parts.append("AT THE END of the range, or without spread: " + ", ".join(ends))
    level = [row.name for row in found.rows if row.open_profile]
    if level:
        parts.append("DOUBTFUL LIMITS: " + ", ".join(level))
    return "; ".join(parts)


def _numbers(found: FileFit) -> Padding:
    """Estimates with limits, what differs between animals, and the pooled fit."""
    population = found.fit is not None
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    headings = ["number", "estimate", f"{found.level:.0%} limits"]
    headings += ["spread", "shrinkage", "pooled"] if population else ["unit"]
    for place, heading in enumerate(headings):
        shown.add_column(heading, overflow="fold", no_wrap=place > 0)
    for row in found.rows:
        unit = "" if row.unit == "1" else f", {row.unit}"
        cells = [_value(row), _limits(row)]
        if population:
            cells += [
                "—" if row.spread is None else _spread(row),
                "—" if row.shrinkage is None else f"{row.shrinkage:.0%}",
                "—" if row.pooled is None else number_text(row.pooled),
            ]
        else:
            cells.append(row.unit)
        shown.add_row(plain(f"{row.name}{unit}" if population else row.name), *cells)
    return Padding(shown, (0, 0, 0, 2), expand=False)


def _single(found: FileFit) -> Padding:
    """What animals have in the middle, and how many determine a number."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    headings = ("number", "determined in", "mean of them", "spread", "pooled")
    for place, heading in enumerate(headings):
        shown.add_column(heading, overflow="fold", no_wrap=place > 0)
    for row in found.rows:
        unit = "" if row.unit == "1" else f", {row.unit}"
        shown.add_row(
            plain(f"{row.name}{unit}"),
            f"{row.determined_in} of {found.data.growth.n_animals}",
            _value(row),
            "—" if row.spread is None else _spread(row),
            "—" if row.pooled is None else number_text(row.pooled),
        )
    return Padding(shown, (0, 0, 0, 2), expand=False)


def _show_animals(console: Console, found: FileFit) -> None:
    """Each animal's own numbers."""
    names = [row.name for row in found.rows]
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for place, heading in enumerate(("animal", "arm", *names)):
        shown.add_column(heading, overflow="fold", no_wrap=place != 1)
    cells: dict[str, list[str]] = {}
    arms: dict[str, str] = {}
    for row in found.animals:
        arms[row.animal_id] = row.arm
        cells.setdefault(row.animal_id, []).append(
            "—" if row.estimate is None else number_text(row.estimate)
        )
    for animal, values in list(cells.items())[:_MOST_ANIMALS]:
        shown.add_row(plain(animal), plain(arms[animal]), *values)
    console.print(Padding(shown, (0, 0, 0, 2), expand=False))
    if len(cells) > _MOST_ANIMALS:
        _indented(console, f"… and {len(cells) - _MOST_ANIMALS} more, all with --out")
    console.print()


def _quality(found: FileFit) -> list[str]:
    """Error, likelihood and visual check."""
    said = []
    if found.fit is not None:
        said.append("spread: standard deviation between animals; pooled: all animals as one")
    if found.sigma is not None:
        error = "" if found.sigma_error is None else f" (standard error {found.sigma_error:.2g})"
        said.append(f"error of a log reading {number_text(found.sigma)}{error}")
    if found.log_likelihood is not None:
        luck = found.monte_carlo_error
        by_luck = "" if luck is None else f" ± {2 * luck:.2f} by chance of the draws"
        both = found.aic is not None and found.bic is not None
        criteria = f"; AIC {found.aic:.1f}, BIC {found.bic:.1f}" if both else ""
        said.append(f"log-likelihood {found.log_likelihood:.2f}{by_luck}{criteria}")
    if found.check is not None and found.check.share_inside is not None:
        said.append(
            f"visual check: {found.check.share_inside:.0%} of the percentiles of the readings lie "
            f"in the bands of {found.check.level:.0%}; look at it with --figure"
        )
    return said


def _value(row: FitRow) -> str:
    if row.estimate is None:
        return "—"
    return number_text(row.estimate) + (" (at an end)" if row.at_bound else "")


def _limits(row: FitRow) -> str:
    if not row.identified:
        return "not determined"
    if row.lower is None and row.upper is None:
        return "—"
    ends = (row.lower, row.upper)
    words = " to ".join("—" if end is None else number_text(end) for end in ends)
    return f"{words} ?" if row.open_profile else words


def _spread(row: FitRow) -> str:
    """Of a logarithm, in percent of the value."""
    if row.spread is None:
        return "—"
    if row.transform == "log":
        return f"{row.spread:.0%}"
    return f"sd {number_text(row.spread)}" + (" (logit)" if row.transform == "logit" else "")


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))
