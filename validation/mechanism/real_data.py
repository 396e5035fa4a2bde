"""Mechanism models fitted to published studies: laws of growth and effects compared, and checked.

Run it as ``python validation/mechanism/real_data.py [--data FOLDER] [--only NAME ...]``; it writes
``real_data.json`` beside itself after each fit and, with ``--figures FOLDER``, the visual check of
each fit. The studies are not part of this repository; ``FOLDER`` holds them, by default
``shared/data`` beside the checkout.

Plans and starts are those of ``examples/temsirolimus/mechanism/fit``; what a fit has otherwise
(another law of growth, another effect) is in `FITS`. Fits of one study have the same readings, so
that their likelihoods and criteria can be compared.

Percentiles are compared by windows of days, because animals of an arm were read on days of their
own: a window begins with the first day that is not in the one before, and a reading counts for the
mean day of its window. Simulated animals of a plan with a volume limit are read once a window.

`GDC0084`, `TEMOZOLOMIDE`: volumes of exactly 16 mm³ are the smallest of the file and recur; they
are taken as upper bounds. `EVEROLIMUS`: readings to day 56.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit import FitData, FitPlan, MechanismFit, fit_mechanism, read_fit_plan
from oncovivo.mechanism.fit.curves import fit_data_from_growth
from oncovivo.mechanism.vpc import VisualCheck, visual_check
from oncovivo.mechanism.vpc_plot import plot_visual_check
from oncovivo.panels import read_panel
from oncovivo.panels.two_arms import panel_study
from oncovivo.studies import read_study

Row: TypeAlias = dict[str, object]

ROOT: Final = Path(__file__).parents[2]
OUTPUT: Final = Path(__file__).with_name("real_data.json")
PLANS: Final = ROOT / "examples" / "temsirolimus" / "mechanism" / "fit"
DATA: Final = ROOT.parent / "shared" / "data"
# Generated code is some times faster; the numbers agree within the tolerance of the integration.
ENGINE: Final[Engine] = "adaptive" if find_spec("numba") is None else "generated"
SMALLEST_MM3: Final = 16.0
LAST_DAY: Final = 56.0
STUDIES: Final = 500
SEED_OF_CHECK: Final = 1

GDC0084, TEMOZOLOMIDE, EVEROLIMUS = "gdc0084", "temozolomide", "everolimus_panel"
# Days of the readings of one visit, at most this far apart.
WINDOW_D: Final[Mapping[str, float]] = {GDC0084: 1.0, TEMOZOLOMIDE: 2.0, EVEROLIMUS: 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of a block: where a fit begins, and whether it is estimated and differs."""

    start: float
    unit: str
    estimated: bool = True
    between_animal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Blocks with their numbers."""

    blocks: tuple[str, ...]
    numbers: Mapping[str, Number]


_RATE: Final = Number(start=0.12, unit="1/day", between_animal=True)
LAWS: Final[Mapping[str, Part]] = {
    "exponential": Part(blocks=("exponential",), numbers={"growth_rate": _RATE}),
    "logistic": Part(
        blocks=("logistic",),
        numbers={"growth_rate": _RATE, "capacity": Number(start=2500.0, unit="mm³")},
    ),
    "gompertz": Part(
        blocks=("gompertz",),
        numbers={
            "alpha": _RATE,
            "beta": Number(start=0.04, unit="1/day"),
            "v_reference": Number(start=100.0, unit="mm³", estimated=False),
        },
    ),
    "simeoni": Part(
        blocks=("simeoni",),
        numbers={
            "lambda0": _RATE,
            "lambda1": Number(start=80.0, unit="mm³/day"),
            "psi": Number(start=20.0, unit="1", estimated=False),
        },
    ),
    "koch": Part(
        blocks=("koch",),
        numbers={
            "lambda0": replace(_RATE, start=0.08),
            "lambda1": Number(start=100.0, unit="mm³/day"),
        },
    ),
    "power": Part(
        blocks=("power",),
        numbers={
            "growth_rate": _RATE,
            "exponent": Number(start=0.7, unit="1"),
            "v_reference": Number(start=100.0, unit="mm³", estimated=False),
        },
    ),
    "constant_radius": Part(
        blocks=("constant_radius",),
        numbers={"edge_speed": Number(start=0.25, unit="mm/day", between_animal=True)},
    ),
}
_IMAX: Final = Number(start=0.6, unit="1", between_animal=True)
_SLOWED: Final = ("inhibition_kpd", "growth_inhibition", "tumor")
_HALF: Final[Mapping[str, Number]] = {
    "kill_inhibition50": Number(start=1.0, unit="1", estimated=False),
    "kill_hill": Number(start=1.0, unit="1", estimated=False),
}
_KDE: Final = Number(start=10.0, unit="1/day", estimated=False)
_STAYS: Final = Number(start=1e-6, unit="1/day", estimated=False)
_LINEAR: Final = Number(start=0.3, unit="kg/(mg*day)", between_animal=True)
_STAGE: Final = Number(start=0.2, unit="1/day")
_SATURATING: Final[Mapping[str, Number]] = {
    "kde": _KDE,
    "inhibition_ed50": Number(start=10.0, unit="mg/kg"),
    "kill_max": Number(start=15.0, unit="1/day", between_animal=True),
    **_HALF,
}
EFFECTS: Final[Mapping[str, Mapping[str, Part]]] = {
    GDC0084: {
        "slowed": Part(
            blocks=_SLOWED,
            numbers={
                "kde": Number(start=2.0, unit="1/day"),
                "inhibition_ed50": Number(start=0.01, unit="mg/kg", estimated=False),
                "growth_imax": _IMAX,
            },
        ),
        "slowed, kde held": Part(
            blocks=_SLOWED,
            numbers={
                "kde": Number(start=6.0, unit="1/day", estimated=False),
                "inhibition_ed50": Number(start=0.01, unit="mg/kg", estimated=False),
                "growth_imax": _IMAX,
            },
        ),
        "slowed, potency estimated": Part(
            blocks=_SLOWED,
            numbers={
                "kde": Number(start=2.0, unit="1/day"),
                "inhibition_ed50": Number(start=0.1, unit="mg/kg"),
                "growth_imax": _IMAX,
            },
        ),
        "none": Part(
            blocks=_SLOWED,
            numbers={
                "kde": Number(start=2.0, unit="1/day", estimated=False),
                "inhibition_ed50": Number(start=0.01, unit="mg/kg", estimated=False),
                "growth_imax": Number(start=0.0, unit="1", estimated=False),
            },
        ),
    },
    TEMOZOLOMIDE: {
        "kill, saturating, in stages": Part(
            blocks=("inhibition_kpd", "kill_by_inhibition", "tumor_transits"),
            numbers={**_SATURATING, "k1": _STAGE},
        ),
        "kill, saturating, in stages, all estimated": Part(
            blocks=("inhibition_kpd", "kill_by_inhibition", "tumor_transits"),
            numbers={**_SATURATING, "kde": replace(_KDE, start=1.0, estimated=True), "k1": _STAGE},
        ),
        "kill, proportional, in stages": Part(
            blocks=("kill_kpd", "tumor_transits"),
            numbers={"kde": _KDE, "k_kpd": _LINEAR, "k1": _STAGE},
        ),
        "kill, saturating, at once": Part(
            blocks=("inhibition_kpd", "kill_by_inhibition", "tumor"),
            numbers={
                **_SATURATING,
                "kde": replace(_KDE, start=0.2, estimated=True),
                "kill_max": Number(start=0.8, unit="1/day", between_animal=True),
            },
        ),
    },
    EVEROLIMUS: {
        "slowed, lines alike": Part(
            blocks=_SLOWED,
            numbers={
                "kde": _STAYS,
                "inhibition_ed50": Number(start=1e-6, unit="mg/kg", estimated=False),
                "growth_imax": replace(_IMAX, between_animal=False),
            },
        ),
        "kill, lines alike": Part(
            blocks=("kill_kpd", "tumor"),
            numbers={
                "kde": _STAYS,
                "k_kpd": replace(_LINEAR, start=0.02, between_animal=False),
            },
        ),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit by its study, its law of growth and its effect; the example's is the first."""

    study: str
    law: str
    effect: str

    @property
    def name(self) -> str:
        """How it is called on the command line and in file names."""
        return "-".join(re.sub(r"[ ,_]+", "_", one) for one in (self.study, self.law, self.effect))


_STAGES: Final = "kill, saturating, in stages"
FITS: Final[tuple[Fit, ...]] = (
    Fit(study=GDC0084, law="logistic", effect="slowed"),
    *(Fit(study=GDC0084, law=law, effect="slowed, kde held") for law in LAWS),
    Fit(study=GDC0084, law="logistic", effect="slowed, potency estimated"),
    Fit(study=GDC0084, law="logistic", effect="none"),
    Fit(study=TEMOZOLOMIDE, law="logistic", effect=_STAGES),
    Fit(study=TEMOZOLOMIDE, law="logistic", effect="kill, proportional, in stages"),
    Fit(study=TEMOZOLOMIDE, law="logistic", effect="kill, saturating, at once"),
    Fit(study=TEMOZOLOMIDE, law="logistic", effect="kill, saturating, in stages, all estimated"),
    *(
        Fit(study=EVEROLIMUS, law="exponential", effect=effect)
        for effect in ("kill, lines alike", "slowed, lines alike")
    ),
)
# Draws of an animal for its likelihood; more where each has few readings.
DRAWS: Final[Mapping[str, int]] = {GDC0084: 512, TEMOZOLOMIDE: 512, EVEROLIMUS: 2048}


def plan_of(fit: Fit) -> FitPlan:
    """The plan of the example with the fit's law and effect in its place."""
    numbers = {
        "v0": Number(start=240.0 if fit.study == EVEROLIMUS else 150.0, unit="mm³"),
        **LAWS[fit.law].numbers,
        **EFFECTS[fit.study][fit.effect].numbers,
    }
    numbers["v0"] = replace(numbers["v0"], between_animal=True)
    own = (*EFFECTS[fit.study][fit.effect].blocks, *LAWS[fit.law].blocks)
    simulation = _simulation(fit.study, own, numbers)
    text = (PLANS / f"{fit.study}_fit.toml").read_text(encoding="utf-8")
    head = re.sub(r"\[estimate\.\w+\]\n(?:between_animal = true\n|start = .*\n)*", "", text)
    estimates = "\n".join(
        f"[estimate.{name}]\nbetween_animal = {str(one.between_animal).lower()}\n"
        for name, one in numbers.items()
        if one.estimated
    )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / f"{fit.study}.toml").write_text(simulation, encoding="utf-8")
        (place / "fit.toml").write_text(f"{head}\n{estimates}", encoding="utf-8")
        plan = read_fit_plan(place / "fit.toml")
    title = f"{fit.study}: {fit.law.replace('_', ' ')} growth, effect: {fit.effect}"
    return replace(plan, name=fit.name, title=title)


def _simulation(study: str, own: tuple[str, ...], numbers: Mapping[str, Number]) -> str:
    """The example's simulation with other blocks and numbers."""
    text = (PLANS / f"{study}.toml").read_text(encoding="utf-8")
    listed = ", ".join(f'"{name}"' for name in own)
    text, blocks = re.subn(r"(rename = \{[^}]*\} \}),[^\]]*\]", rf"\1, {listed}]", text)
    values = "\n".join(
        f'{name} = {{ value = {one.start!r}, unit = "{one.unit}", status = "assumed" }}'
        for name, one in numbers.items()
    )
    text, places = re.subn(r"\[values\]\n(?:[\w#].*\n)+", f"[values]\n{values}\n", text)
    if blocks != 1 or places != 1:
        message = f"{study}.toml no longer has one list of blocks and one table of values"
        raise ValueError(message)
    return text


@cache
def growth_of(study: str, data: Path) -> GrowthData:
    """The readings of a study."""
    if study == EVEROLIMUS:
        panel = read_panel(data / "pdxe" / "growth.csv")
        two = panel_study(panel, treatment="everolimus", control="untreated")
        growth = growth_data(two, baseline_day=0.0)
        return growth.select(growth.time <= LAST_DAY)
    (genentech,) = read_study(data / "genentech_gdc0084_temozolomide" / "growth.csv")
    growth = growth_data(genentech, baseline_day=0.0)
    lowest = np.log(SMALLEST_MM3)
    return replace(
        growth,
        limit=SMALLEST_MM3,
        below_limit=growth.log_size <= lowest + 1e-9,
        log_size=np.maximum(growth.log_size, lowest),
    )


def data_of(fit: Fit, plan: FitPlan, data: Path) -> FitData:
    """The readings of a fit."""
    return fit_data_from_growth(growth_of(fit.study, data), plan)


def by_visit(growth: GrowthData, within_d: float) -> GrowthData:
    """The readings on the mean days of windows, arm by arm; of an animal the first of a window.

    Parameters
    ----------
    growth : GrowthData
        Readings.
    within_d : float
        Days from the first to the last of a window, at most.
    """
    time = growth.time.copy()
    keep = np.ones(time.size, dtype=bool)
    of_arm = growth.arm[growth.animal]
    for arm in range(len(growth.arms)):
        rows = np.flatnonzero(of_arm == arm)
        days = np.unique(growth.time[rows])
        window = np.zeros(days.size, dtype=np.intp)
        first = days[0]
        for place in range(1, days.size):
            new = days[place] - first > within_d
            first = days[place] if new else first
            window[place] = window[place - 1] + new
        own = window[np.searchsorted(days, growth.time[rows])]
        for number in range(int(own.max()) + 1):
            inside = rows[own == number]
            _, once = np.unique(growth.animal[inside], return_index=True)
            keep[np.delete(inside, once)] = False
            time[inside] = growth.time[inside[once]].mean()
    return replace(growth, time=time).select(keep)


def check_of(fit: MechanismFit, study: str, data: FitData, studies: int = STUDIES) -> VisualCheck:
    """The visual check of a fit, by windows of days."""
    windows = fit_data_from_growth(by_visit(data.growth, WINDOW_D[study]), fit.plan)
    return visual_check(
        fit.plan,
        windows,
        mean=fit.run.mean,
        spread=fit.run.spread,
        sigma=fit.sigma,
        rng=np.random.default_rng(SEED_OF_CHECK),
        studies=studies,
        engine=ENGINE,
    )


def row_of(fit: Fit, found: MechanismFit, check: VisualCheck) -> Row:
    """What is kept of a fit: nothing of the readings but counts."""
    arms: dict[str, object] = {}
    for name in dict.fromkeys(visit.arm for visit in check.visits):
        held = [(v.time_d, v.inside) for v in check.visits if v.arm == name and v.inside]
        inside = [one for _, three in held for one in three]
        arms[name] = {
            "percentiles": len(inside),
            "inside": sum(inside),
            "outside_days": [round(day, 1) for day, three in held if not all(three)],
        }
    return {
        "study": fit.study,
        "law": fit.law,
        "effect": fit.effect,
        "animals": found.data.growth.n_animals,
        "readings": found.data.growth.n_observations,
        "below_limit": int(found.data.growth.below_limit.sum()),
        "log_likelihood": round(found.log_likelihood, 3),
        "monte_carlo_error": round(found.monte_carlo_error, 3),
        "estimated": found.n_estimated,
        "aic": round(found.aic, 3),
        "sigma": _short(found.sigma),
        "converged": found.converged,
        "not_identified": list(found.not_identified),
        "warnings": [one.code for one in found.warnings],
        "parameters": [
            {
                "name": one.name,
                "unit": one.unit,
                "estimate": _short(one.estimate),
                "lower": _short(one.lower),
                "upper": _short(one.upper),
                "spread": _short(one.spread),
                "shrinkage": _short(one.shrinkage),
            }
            for one in found.parameters
        ],
        "check": arms,
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def table(study: str, rows: list[Row]) -> list[str]:
    """The fits of a study as lines of Markdown, the smallest criterion first."""
    own = sorted((row for row in rows if row["study"] == study), key=_aic)
    lines = [
        "| growth | effect | log-likelihood | AIC | converged | not determined | in bands |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in own:
        cells = (
            str(row["law"]).replace("_", " "),
            str(row["effect"]),
            f"{row['log_likelihood']:.1f}",
            f"{row['aic']:.1f}",
            "yes" if row["converged"] else "no",
            ", ".join(f"`{name}`" for name in _texts(row["not_identified"])) or "none",
            f"{share_inside(row):.0f} %",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _aic(row: Row) -> float:
    return float(str(row["aic"]))


def _texts(names: object) -> list[str]:
    return [str(name) for name in names] if isinstance(names, list) else []


def share_inside(row: Row, arm: str | None = None) -> float:
    """Percent of the observed percentiles in their bands, of an arm or of all."""
    arms = row["check"]
    if not isinstance(arms, dict):
        message = "a row without the counts of its check"
        raise TypeError(message)
    counts = [one for name, one in arms.items() if arm is None or name == arm]
    inside, of = (sum(int(one[key]) for one in counts) for key in ("inside", "percentiles"))
    return 100.0 * inside / of


def run(fit: Fit, data: Path) -> tuple[MechanismFit, VisualCheck]:
    """A fit with its visual check."""
    plan = plan_of(fit)
    readings = data_of(fit, plan, data)
    found = fit_mechanism(
        plan,
        readings,
        seed=plan.seed or 0,
        engine=ENGINE,
        draws=DRAWS[fit.study],
        limits=False,
    )
    return found, check_of(found, fit.study, readings)


def read_rows() -> list[Row]:
    """What was written so far."""
    if not OUTPUT.exists():
        return []
    rows: list[Row] = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
    return rows


def write_rows(rows: list[Row]) -> None:
    """Rows in the order of `FITS`."""
    order = [(fit.study, fit.law, fit.effect) for fit in FITS]
    kept = [row for row in rows if (row["study"], row["law"], row["effect"]) in order]
    kept.sort(key=lambda row: order.index((row["study"], row["law"], row["effect"])))  # type: ignore[arg-type]
    text = json.dumps({"check_studies": STUDIES, "rows": kept}, ensure_ascii=False, indent=1)
    OUTPUT.write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Mechanism models fitted to published studies.")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="*", help="names of fits, or the beginning of names")
    parser.add_argument("--figures", type=Path)
    asked = parser.parse_args(arguments)
    chosen = [fit for fit in FITS if not asked.only or fit.name.startswith(tuple(asked.only))]
    for fit in chosen:
        found, check = run(fit, asked.data)
        row = row_of(fit, found, check)
        key = (fit.study, fit.law, fit.effect)
        rows = [one for one in read_rows() if (one["study"], one["law"], one["effect"]) != key]
        write_rows([*rows, row])
        sys.stdout.write(f"{fit.name}: {found.log_likelihood:.2f}, AIC {found.aic:.2f}\n")
        sys.stdout.flush()
        if asked.figures is not None:
            asked.figures.mkdir(parents=True, exist_ok=True)
            plot_visual_check(check).savefig(asked.figures / f"{fit.name}.png", dpi=100)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
