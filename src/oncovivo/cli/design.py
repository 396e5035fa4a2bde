"""``oncovivo design``: plan the next study."""

from __future__ import annotations

import typer

from oncovivo.cli import (
    design_allocate,
    design_doses,
    design_endpoints,
    design_power,
    design_protocol,
    design_rerandomize,
    design_schedule,
    design_trial,
)

__all__ = ["app"]

app = typer.Typer(
    help="Plan the next study: allocation, power, schedules, doses, humane endpoints, protocol.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Plan the next study: allocation, power, schedules, doses, humane endpoints, protocol."""


app.command("allocate")(design_allocate.allocate)
app.command("power")(design_power.power)
app.command("doses")(design_doses.doses)
app.command("endpoints")(design_endpoints.endpoints)
app.command("schedule")(design_schedule.schedule)
app.command("trial")(design_trial.trial)
app.command("rerandomize")(design_rerandomize.rerandomize)
app.add_typer(design_protocol.app, name="protocol")
