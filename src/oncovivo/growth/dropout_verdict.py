"""Whether a conclusion hangs on who left: the rule, and a line for each arm."""

from __future__ import annotations

from typing import Final

from oncovivo.growth.dropout_result import ModelContrast, Verdict
from oncovivo.growth.fixed_day import DayFigure
from oncovivo.growth.tipping import TippingPoint
from oncovivo.growth.worst_rank import WorstRank

__all__ = ["RULE", "find_verdict"]

# Growth faster by the whole difference of the rates after leaving is as much as is plausible.
PLAUSIBLE_MULTIPLE: Final = 1.0

RULE: Final = (
    "The conclusion is the model's: slower, faster, or no difference shown, by the interval of "
    "the difference in rates alone. It moves if the worst-rank test points the other way, or "
    "rejects where the same test with leavers ranked by their own line under the model does not, "
    "or the reverse; if the survivors' or the carried-forward inhibition has an interval that "
    "excludes 0 where the model shows no difference, or on the other side where it does; or if "
    "the tipping point is less than the difference in rates itself, that is if leavers of the arm "
    "that lose no more than the whole effect would change it. Told without being counted: that "
    "these two inhibitions do not show what the model shows, as both ways lean toward no effect, "
    "and what the control's leavers would need. Animals that left for scheduled or technical "
    "reasons are neither ranked nor changed."
)


def find_verdict(
    model: ModelContrast,
    figures: tuple[DayFigure, ...],
    tippings: tuple[TippingPoint, ...],
    ranks: tuple[WorstRank, WorstRank],
    *,
    left: int,
    day: float,
    level: float,
) -> Verdict:
    """Apply :data:`RULE`."""
    if not left:
        line = f"Nobody left before day {day:g}: the conclusion cannot hang on who left."
        return Verdict(status="nobody_left", against=(), line=line)
    if model.lower is None:
        line = "Not assessed: the difference in rates has no interval."
        return Verdict(status="not_assessed", against=(), line=line)
    contrasts = [figure for figure in figures if figure.way in ("survivors_only", "locf")]
    against = [
        *_ranks_against(model, *ranks, level),
        *_figures_against(model, contrasts),
    ]
    rank = ranks[0]
    asides = _asides(model, contrasts, ranks, level)
    for tipping in tippings:
        if tipping.multiple is not None:
            counts = tipping.side == "arm" and tipping.multiple < PLAUSIBLE_MULTIPLE
            (against if counts else asides).append(_tips(tipping))
        elif tipping.status == "not_reached":
            asides.append(f"no tipping point of the {tipping.side}: {tipping.reason}")
        elif tipping.status == "not_available" and tipping.side == "arm":
            asides.append(f"no tipping point: {tipping.reason}")
    looks = rank.p_value is not None or any(f.estimate is not None for f in contrasts)
    if not looks and all(tipping.at_random is None for tipping in tippings):
        line = "Not assessed: neither ranks, contrasts nor a tipping point could be computed."
        return Verdict(status="not_assessed", against=(), line=line)
    if against:
        also = f" (not counted: {'; '.join(asides)})" if asides else ""
        line = f"The conclusion ('{model.says}') moves with who left: {'; '.join(against)}{also}."
        return Verdict(status="moves", against=tuple(against), line=line)
    agreed = [] if rank.p_value is None else [f"worst-rank p = {rank.p_value:.2g}"]
    details = "; ".join([*agreed, *asides])
    end = f": {details}." if details else "."
    line = f"The conclusion ('{model.says}') does not hang on who left{end}"
    return Verdict(status="holds", against=(), line=line)


def _tips(tipping: TippingPoint) -> str:
    """A tipping point in words."""
    way = "the arm's leavers faster" if tipping.side == "arm" else "the control's leavers slower"
    return (
        f"{way} by {tipping.delta:.2g} per day after leaving ({tipping.multiple:.2g} times the "
        "difference in rates) would change it"
    )


def _ranks_against(
    model: ModelContrast, worst: WorstRank, at_random: WorstRank, level: float
) -> list[str]:
    """What the worst-rank test has against the model's conclusion."""
    if worst.p_value is None or worst.superiority is None:
        return []
    better = worst.superiority - 0.5
    if (model.says == "slower" and better < 0) or (model.says == "faster" and better > 0):
        return [f"worst ranks point the other way (superiority {worst.superiority:.2g})"]
    if at_random.p_value is None:
        return []
    rejects = worst.p_value <= 1 - level
    if rejects == (at_random.p_value <= 1 - level):
        return []
    verb = "shows a difference" if rejects else "does not show a difference"
    return [
        f"the worst-rank test {verb} (p = {worst.p_value:.2g}; p = {at_random.p_value:.2g} with "
        "leavers at random)"
    ]


def _figures_against(model: ModelContrast, contrasts: list[DayFigure]) -> list[str]:
    """What survivors and carried readings have against it."""
    names = {"survivors_only": "survivors only", "locf": "readings carried forward"}
    found = []
    for figure in contrasts:
        if figure.estimate is None or not figure.excludes_zero():
            continue
        says = "slower" if figure.estimate > 0 else "faster"
        if says != model.says:
            text = f"{names[figure.way]} give an inhibition of {figure.estimate:.3g} %"
            found.append(f"{text}, which excludes 0")
    return found


def _asides(
    model: ModelContrast,
    contrasts: list[DayFigure],
    ranks: tuple[WorstRank, WorstRank],
    level: float,
) -> list[str]:
    """What is told without being counted."""
    found = []
    worst, at_random = ranks
    if worst.smallest_p is not None and worst.smallest_p > 1 - level:
        found.append(f"ranks of so few animals cannot reject (p at least {worst.smallest_p:.2g})")
    elif model.says != "no difference shown" and all(
        rank.p_value is not None and rank.p_value > 1 - level for rank in (worst, at_random)
    ):
        found.append("ranks do not reject with leavers at random either")
    if model.says != "no difference shown":
        names = {"survivors_only": "survivors'", "locf": "carried-forward"}
        wide = [
            names[figure.way]
            for figure in contrasts
            if figure.estimate is not None and not figure.excludes_zero()
        ]
        if wide:
            found.append(f"the {' and '.join(wide)} inhibition alone does not show it")
    return found
