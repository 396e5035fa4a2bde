"""How often the tests of `oncovivo design power` reject, and how near their closed forms are.

Run it as ``python validation/design/power.py [--studies N] [--check]``; it writes ``power.json``
beside itself, cell by cell. With ``--check`` nothing is written: the committed file is held
against the limits, some studies of each cell are simulated again, and the exit status is 1 if
either fails.

Each cell is a plan with 6, 10 or 20 animals per arm, with or without a size limit of 900 mm³ at
which animals leave, and has the type I error (the truth at the null, for several arms that of the
family where it is held, else of the first) and the power beside the closed form, which knows
leavers for events and responses only. Cages have three or four animals and a deviation between
them; there the test that ignores them stands beside the one that counts them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from oncovivo.design.power import power_by_simulation
from oncovivo.design.power_closed_form import closed_powers
from oncovivo.design.power_plan import PowerArm, PowerPlan
from oncovivo.design.power_rules import PowerCages, parse_response
from oncovivo.survival.events import parse_event

Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("power.json")
SEED: Final = 20_261_123
STUDIES: Final = 20_000
AGAIN: Final = 400
ANIMALS: Final = (6, 10, 20)
LIMIT: Final = 900.0
DAYS: Final = (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0)
START_SD: Final = 0.3
RATE_SD: Final = 0.02
READING_SD: Final = 0.15
CAGE_SD: Final = 0.015
ONE_DRUG: Final = (0.11, 0.08)
TWO_DRUGS: Final = (0.11, 0.09, 0.085, 0.035)
FOR_BEST: Final = (0.11, 0.09, 0.085, 0.06)
THREE_ARMS: Final = (0.11, 0.09, 0.08, 0.075)
# Fast enough that what is foreseen of the combination is above zero in nearly all studies.
FOR_SIZES: Final = (0.10, 0.09, 0.09, 0.03)
# Tumors that shrink, so that the control responds, too.
SHRINKING: Final = (-0.01, -0.04)
# Percent of type I errors; Fisher's test and that against both drugs are cautious.
USUAL: Final = (4.0, 6.0)
CAUTIOUS: Final = (0.0, 5.5)
# Points that power may be off the closed form: exact but for fits on the boundary; approximate.
CLOSE: Final = 1.5
NEAR: Final = 4.0


def plans() -> dict[str, tuple[str, PowerPlan]]:
    """Plans by name, with what kind of limit holds for their type I error."""
    base = PowerPlan(
        arms=_arms(ONE_DRUG),
        days=DAYS,
        start_sd=START_SD,
        rate_sd=RATE_SD,
        reading_sd=READING_SD,
        model="arm",
    )
    two = replace(base, question="bliss", arms=_arms(TWO_DRUGS))
    return {
        "difference": ("usual", base),
        "difference, common intercept": ("usual", replace(base, model="common")),
        "dunnett": ("usual", replace(base, question="dunnett", arms=_arms(THREE_ARMS))),
        "tgi": ("usual", replace(base, question="tgi")),
        "tgi against 20 %": ("usual", replace(base, question="tgi", bound=20.0, day=14.0)),
        "bliss": ("usual", two),
        "hsa": ("cautious", replace(two, question="hsa", arms=_arms(FOR_BEST))),
        "additivity": (
            "usual",
            replace(two, question="additivity", day=14.0, arms=_arms(FOR_SIZES)),
        ),
        "event": ("ranks", replace(base, question="event", event=parse_event("quadrupling"))),
        "response": (
            "cautious",
            replace(
                base,
                question="response",
                response=parse_response("regression:30"),
                arms=_arms(SHRINKING),
            ),
        ),
        "response, mRECIST": (
            "cautious",
            replace(
                base, question="response", response=parse_response("PR"), arms=_arms(SHRINKING)
            ),
        ),
        "cages, one arm each": (
            "cages",
            replace(base, arms=_arms(ONE_DRUG), cages=PowerCages(animals=3, rate_sd=CAGE_SD)),
        ),
        "cages, arms mixed": (
            "cages",
            replace(two, cages=PowerCages(animals=4, rate_sd=CAGE_SD, arms="mixed")),
        ),
    }


def _arms(rates: tuple[float, ...]) -> tuple[PowerArm, ...]:
    return tuple(
        PowerArm(name=f"arm {place}", animals=6, rate=rate) for place, rate in enumerate(rates)
    )


def cells() -> Iterable[tuple[str, str, PowerPlan, bool]]:
    """Name, kind, plan, and whether animals leave."""
    for name, (kind, plan) in plans().items():
        for animals in ANIMALS:
            if name == "cages, one arm each":
                animals = animals // 3 * 3
            sized = plan.resized(animals=animals)
            yield name, kind, sized, False
            if not name.startswith(("cages", "response")):
                yield name, kind, replace(sized, size_limit=LIMIT), True


def run(name: str, kind: str, plan: PowerPlan, studies: int, *, leaving: bool) -> Row:
    """One cell."""
    seed = [SEED, sum(name.encode()), plan.arms[0].animals, int(leaving)]
    found = power_by_simulation(replace(plan, replicates=studies), rng=np.random.default_rng(seed))
    first = found.questions[0]
    family = plan.question == "dunnett"
    closed = closed_powers(plan)
    # With cages the closed form is that of the test that counts them.
    power = first.power if first.power_cages is None else first.power_cages
    return {
        "question": name,
        "kind": kind,
        "n": plan.arms[0].animals,
        "leaving": leaving,
        "studies": studies,
        "type_one_pct": _percent(found.any_type_one if family else first.type_one),
        "type_one_cages_pct": _percent(first.type_one_cages),
        "power_pct": _percent(power),
        "closed_pct": _percent(closed[0] if closed else None),
        "mc_error_pct": round(100 * math.sqrt(0.25 / studies), 3),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 3)


def outside(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """What is beyond its limits."""
    bad = []
    limits = {"usual": USUAL, "cautious": CAUTIOUS, "ranks": USUAL, "cages": USUAL}
    for row in rows:
        low, high = limits[str(row["kind"])]
        key = "type_one_cages_pct" if row["kind"] == "cages" else "type_one_pct"
        if not low <= float(str(row[key])) <= high:
            bad.append(f"{row['question']}, n = {row['n']}: type I {row[key]} %")
        if row["leaving"] and row["kind"] != "ranks":
            continue
        exact = row["question"] not in ("event", "additivity", "difference, common intercept")
        off = abs(float(str(row["power_pct"])) - float(str(row["closed_pct"])))
        if off > (CLOSE if exact else NEAR):
            bad.append(f"{row['question']}, n = {row['n']}: power {off:.1f} points off")
    return bad


def repeated(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Cells whose power, simulated again with fewer studies, is another."""
    known = {(row["question"], row["n"], row["leaving"]): row for row in rows}
    bad = []
    for name, kind, plan, leaving in cells():
        again = run(name, kind, plan, AGAIN, leaving=leaving)
        row = known[name, plan.arms[0].animals, leaving]
        share = float(str(row["power_pct"])) / 100
        error = 100 * math.sqrt(max(share * (1 - share), 0.005) / AGAIN)
        if abs(float(str(again["power_pct"])) - 100 * share) > 4 * error:
            bad.append(f"{name}, n = {row['n']}: {again['power_pct']} % and {row['power_pct']} %")
    return bad


def text(rows: list[Row]) -> str:
    """The file."""
    generator = {
        "days": list(DAYS),
        "start_mm3": 150.0,
        "start_log_sd": START_SD,
        "rate_sd": RATE_SD,
        "reading_sd": READING_SD,
        "cage_rate_sd": CAGE_SD,
        "size_limit_mm3": LIMIT,
    }
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    return f'{{"generator": {json.dumps(generator)},\n"rows": [\n{lines}\n]}}\n'


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Operating characteristics of planned studies.")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = []
        for name, kind, plan, leaving in cells():
            rows.append(run(name, kind, plan, options.studies, leaving=leaving))
            OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
