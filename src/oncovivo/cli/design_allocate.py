"""``oncovivo design allocate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli.design_sheets import PlanOutOption, SheetOption
from oncovivo.cli.options import DateOption, DebugOption, JsonOption, MapOption, SeedOption
from oncovivo.cli.progress import stages
from oncovivo.errors import FileFormatError, InputError

__all__ = ["allocate"]

AnimalsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="ANIMALS",
        help="List (CSV, TSV, XLSX): animal_id, volume_mm3, body_weight_g, cage, sex, donor.",
    ),
]
DesignOption = Annotated[
    Path | None,
    typer.Option(
        "--design", metavar="FILE.toml", help="Arms, method, eligibility, strata; or --repeat."
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="Blind: arms only in this .csv or .xlsx; everything else shows letters.",
    ),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(
        "--record", metavar="FILE.json", help="Also write what repeats the draw; tells the arms."
    ),
]
RepeatOption = Annotated[
    Path | None,
    typer.Option(
        "--repeat", metavar="FILE.json", help="Repeat this record, and fail if anything differs."
    ),
]


def allocate(
    animals: AnimalsArgument,
    design: DesignOption = None,
    key: KeyOption = None,
    record: RecordOption = None,
    repeat: RepeatOption = None,
    mapping: MapOption = None,
    seed: SeedOption = None,
    out: PlanOutOption = None,
    sheet: SheetOption = None,
    date: DateOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Allocate animals to arms at random, with letters and random orders of work.

    Animals outside the window of eligibility stay out with a reason, before the draw. The same
    files and seed give the same allocation. The sheet to print holds orders of work and letters,
    never arms.

    Example: oncovivo design allocate animals.csv --design allocation.toml -o allocation.csv
    """
    from functools import partial

    from oncovivo.analyses.allocation import (
        allocate_file,
        repeat_file,
        write_key,
        write_record,
    )
    from oncovivo.analyses.study_input import parse_mapping
    from oncovivo.cli.design_sheets import check_outputs, write_outputs
    from oncovivo.cli.files import check_table_name
    from oncovivo.guide.allocation_sheet import allocation_document

    if (design is None) == (repeat is None):
        raise InputError(
            "either --design FILE.toml or --repeat FILE.json",
            found="neither" if design is None else "both",
            where="command line",
        )
    if repeat is not None and seed is not None:
        raise InputError("no --seed with --repeat", found=str(seed), where="--seed")
    written = [path.absolute() for path in (out, sheet, key, record) if path is not None]
    if len(set(written)) < len(written):
        expected = "a file of its own for each of -o, --sheet, --key, --record"
        raise InputError(expected, found="one twice")
    check_outputs(out, sheet)
    if key is not None:
        check_table_name(key)
    with stages(quiet=as_json) as progress:
        progress("drawing")
        if repeat is not None:
            found = repeat_file(animals, repeat, mapping=parse_mapping(mapping or []))
        elif design is not None:
            found = allocate_file(animals, design, seed=seed, mapping=parse_mapping(mapping or []))
    blinded = key is not None
    if key is not None:
        _write(lambda path: write_key(found, path), key, option="--key")
    if record is not None:
        _write(lambda path: write_record(found.record, path), record, option="--record")
    write_outputs(
        out,
        sheet,
        table=partial(found.to_frame, blinded=blinded),
        document=partial(allocation_document, found),
        date=date,
    )
    if as_json:
        content = found.to_dict(blinded=blinded)
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.design_allocate_tables import show_allocation

    show_allocation(found, blinded=blinded)


def _write(write: Callable[[Path], None], path: Path, *, option: str) -> None:
    """Write a file, a refusal of the system as one line."""
    try:
        write(path)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend=f"choose another file with {option}",
        ) from err
