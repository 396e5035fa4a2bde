"""``oncovivo design doses``: the dose sheet of a day."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oncovivo.cli.design_sheets import PlanOutOption, SheetOption
from oncovivo.cli.options import DateOption, DebugOption, JsonOption

if TYPE_CHECKING:
    from oncovivo.analyses.design_doses import DosesResult

__all__ = ["doses"]

DosesArgument = Annotated[
    Path,
    typer.Argument(metavar="DOSES.toml", help="Formulations: arms, regimens, concentrations."),
]
WeightsOption = Annotated[
    Path,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="Table: animal_id, arm, day, body_weight_g, and cage if wanted (CSV, TSV).",
    ),
]
DayOption = Annotated[
    float | None,
    typer.Option("--day", metavar="D", help="Study day of the sheet; else as DOSES.toml has it."),
]


def doses(
    file: DosesArgument,
    weights: WeightsOption,
    day: DayOption = None,
    out: PlanOutOption = None,
    sheet: SheetOption = None,
    date: DateOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say how much each animal gets on a day, and what has to be made.

    A stale weight or a volume beyond the ceiling of the route gives no volume; exit 1 then.

    Example: oncovivo design doses doses.toml --weights weights.csv -o sheet.pdf
    """
    from functools import partial

    from oncovivo.analyses.design_doses import plan_doses_file
    from oncovivo.cli.design_sheets import check_outputs, write_outputs
    from oncovivo.guide.dose_sheet import dose_document

    check_outputs(out, sheet)
    result = plan_doses_file(file, weights, day=day)
    document = partial(dose_document, result)
    write_outputs(out, sheet, table=result.to_frame, document=document, date=date)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(result)
    if result.sheet.n_refused:
        raise typer.Exit(1)


def _show(result: DosesResult) -> None:
    """Lines, totals, equivalent doses."""
    from rich.console import Console
    from rich.text import Text

    from oncovivo.cli.tables import plain, simple_table

    console = Console(highlight=False)
    sheet = result.sheet
    console.print(Text(f"{result.plan.title}: study day {sheet.day:g}", style="bold"))
    groups = groupby(
        sheet.rows, key=lambda row: (row.arm, row.compound, row.dose_mg_per_kg, row.route)
    )
    for (arm, compound, dose, route), rows in groups:
        console.print(plain(f"{arm}: {compound} {dose:g} mg/kg {route}"))
        table = simple_table("  animal", "weight (g)", "of day", "mL", "mg/kg given", "")
        for row in rows:
            table.add_row(
                plain(f"  {row.animal_id}"),
                "" if row.weight_g is None else f"{row.weight_g:.1f}",
                "" if row.weight_day is None else f"{row.weight_day:g}",
                "none" if row.volume_ml is None else f"{row.volume_ml:g}",
                "" if row.given_mg_per_kg is None else f"{row.given_mg_per_kg:.3g}",
                plain(row.reason),
            )
        console.print(table)
    for total in sheet.totals:
        made = (
            f"{total.arm}, {total.compound}: {total.today_ml:.2f} mL today; for the "
            f"{total.doses_left} doses left {total.course_ml:.2f} mL ({total.course_mg:.1f} mg) "
            f"with {total.overage_pct:g} % overage"
        )
        if total.stock_ml is not None:
            made += f"; stock {total.stock_ml:.2f} mL in {total.diluent_ml:.2f} mL"
        if total.lots is not None:
            made += f"; lots to open: {total.lots}"
        console.print(plain(made))
        ceiling = f"at most {total.ceiling_ml_per_kg:g} mL/kg: {total.ceiling_source}"
        console.print(plain(f"  {ceiling}"))
    for note in sheet.notes:
        console.print(plain(f"note: {note}"))
    for found in result.equivalents:
        console.print(
            plain(
                f"{found.dose_mg_per_kg:g} mg/kg in {found.species} = "
                f"{found.dose_mg_per_m2:.3g} mg/m² = {found.equivalent_mg_per_kg:.2g} mg/kg in "
                f"{found.to_species} (Km {found.km:g} and {found.to_km:g})"
            )
        )
    if result.equivalents:
        console.print(plain(f"Km: {result.equivalents[0].source}"))
