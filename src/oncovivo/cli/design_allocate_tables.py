"""An allocation as tables that fit a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from oncovivo.cli.tables import plain, simple_table

if TYPE_CHECKING:
    from oncovivo.analyses.allocation import FileAllocation
    from oncovivo.design.allocation import AllocationRecord, ArmBalance

__all__ = ["show_allocation"]

_METHODS = {
    "complete": "complete randomization",
    "permuted_blocks": "permuted blocks of alike volumes",
    "restricted": "restricted randomization",
    "cage": "restricted randomization of whole cages",
}
_SEEDS = {
    "given": "given",
    "file": "from the design",
    "digest": "from the digest of the files",
    "record": "from the record",
}


def show_allocation(found: FileAllocation, *, blinded: bool) -> None:
    """Who gets what, who stays out, how alike the arms are, and what the cages mean.

    Parameters
    ----------
    found : FileAllocation
        What was drawn.
    blinded : bool
        Whether letters stand for the arms.
    """
    console = Console(highlight=False)
    record = found.record
    if record.design.title:
        console.print(plain(record.design.title), style="bold")
    _show_animals(console, record, blinded=blinded)
    if record.excluded:
        table = simple_table("not allocated", "why")
        for animal in record.excluded:
            table.add_row(plain(animal.animal_id), plain(animal.reason))
        console.print(table)
    _show_arms(console, record, blinded=blinded)
    method = _METHODS[record.design.method]
    if record.design.strata:
        method += " within " + " and ".join(record.design.strata)
    console.print(plain(method))
    if record.threshold is not None and record.score is not None:
        console.print(
            plain(
                f"imbalance {record.score:.3f}, accepted up to {record.threshold:.3f}: the most "
                f"balanced {record.design.quantile:.0%} of {record.candidates:,} candidates"
            )
        )
    if blinded:
        console.print("blinded: the key, and the seed with it, is in the file of --key")
    else:
        console.print(f"seed {record.seed}, {_SEEDS[found.seed_source]}")
    for sentence in found.cages.advice:
        console.print(plain(sentence))
    for warning in record.warnings:
        if not (blinded and warning.code == "single_cage"):
            console.print(plain(f"warning: {warning.message}"))


def _show_animals(console: Console, record: AllocationRecord, *, blinded: bool) -> None:
    """A row for each animal, with its turn in the first session."""
    table = simple_table(
        "animal",
        *(() if blinded else ("arm",)),
        "letter",
        "cage",
        "volume",
        "weight",
        "measured as",
        "dosed as",
    )
    for place in record.placements:
        table.add_row(
            plain(place.animal_id),
            *(() if blinded else (plain(place.arm),)),
            place.letter,
            plain(place.cage or ""),
            _number(place.volume_mm3),
            _number(place.body_weight_g),
            str(place.measuring[0]),
            str(place.dosing[0]),
        )
    console.print(table)


def _show_arms(console: Console, record: AllocationRecord, *, blinded: bool) -> None:
    """The arms before treatment."""
    table = simple_table(
        "letter" if blinded else "arm",
        "animals",
        "cages",
        "geometric mean volume, mm³",
        "SD of log",
        "mean weight, g",
        "SD",
    )
    arms = record.balance()

    def name_of(arm: ArmBalance) -> str:
        return arm.letter if blinded else arm.arm

    for arm in sorted(arms, key=name_of) if blinded else arms:
        table.add_row(
            plain(name_of(arm)),
            str(arm.n),
            str(arm.n_cages) if arm.n_cages else "",
            _number(arm.geometric_mean_volume),
            _number(arm.sd_log_volume),
            _number(arm.mean_weight),
            _number(arm.sd_weight),
        )
    console.print(table)


def _number(value: float | None) -> str:
    """Three digits that count; blank where there is none."""
    return "" if value is None else f"{value:.3g}"
