"""A small simulation beside a guide project, and claims on it."""

from __future__ import annotations

from pathlib import Path

SIMULATION = """\
schema = "oncovivo.simulation/1"
title = "A small model"
note = "Made for a test."
blocks = [
  "animal", "pk_one_compartment", "inhibition_emax", "growth_inhibition", "tumor", "exponential",
]
parameters = ["mouse_20g", "parameters/small.toml"]
outputs = ["concentration", "tumor_volume"]

[time]
days = [0.0, 3.0, 6.0]
report = [3.0, 6.0]

[band]
kind = "between_animal"
draws = 40

[[arms]]
name = "vehicle"
control = true

[[arms]]
name = "drug"
regimen = "drug 1 mg/kg i.v. qd x6"

[[arms]]
name = "resistant"
regimen = "drug 1 mg/kg i.v. qd x6"

[arms.values.growth_imax]
value = 0.0
unit = "1"
status = "assumed"
"""

PARAMETERS = """\
schema = "oncovivo.parameters/1"
name = "small"
title = "Numbers of a test"

[sources.paper]
citation = "A paper on numbers"
"""

_NUMBERS = (
    ("cl", 0.1, "L/(h·kg)", "scaled", "paper: Table 1", ""),
    ("v", 1.0, "L/kg", "scaled", "paper: Table 1", ""),
    ("ka", 1.0, "1/h", "assumed", "none", ""),
    ("bioavailability", 0.5, "1", "assumed", "none", ""),
    ("lag_time", 0.0, "h", "assumed", "none", ""),
    ("infusion_time", 0.0, "h", "assumed", "none", ""),
    ("inhibition_ic50", 50.0, "ng/mL", "assumed", "none", ""),
    ("inhibition_hill", 1.0, "1", "assumed", "none", ""),
    ("growth_imax", 0.8, "1", "assumed", "none", ""),
    ("v0", 150.0, "mm³", "measured", "paper: p. 2", ""),
    ("growth_rate", 0.15, "1/day", "fitted", "paper: p. 3", "between_animal_cv = 0.2\n"),
)

CLAIMS = """
[[claim]]
id = "D1"
section = "mechanism"
text = "In the model the drug brings volume on day 6 to {ratio} of the vehicle's ({n} row)."
from = "simulation:small"
where = { arm = ["drug"], output = ["tumor_volume"], time_d = [6] }
slots = { ratio = "median ratio", n = "count" }
supports = { direction = ["lower"] }
contradicts = { direction = ["none", "higher"] }
expect = "supported"

[[claim]]
id = "D2"
section = "mechanism"
text = "In a resistant tumor volume stays as it is."
from = "simulation:small"
where = { arm = ["resistant"], output = ["tumor_volume"] }
supports = { direction = ["none"] }
contradicts = { direction = ["lower", "higher"] }
expect = "supported"
"""

ENTRY = """
[[simulation]]
path = "mechanism/small.toml"
"""


def parameters() -> str:
    """The parameter set that lies beside the simulation."""
    return PARAMETERS + "".join(
        f'\n[parameters.{name}]\nvalue = {value}\nunit = "{unit}"\nstatus = "{status}"\n'
        f'source = "{source}"\n{more}'
        for name, value, unit, status, source, more in _NUMBERS
    )


def add_simulation(project: Path, *, claims: str = CLAIMS, entry: str = ENTRY) -> Path:
    """Write the simulation, its numbers and its claims into a project; the project."""
    folder = project / "mechanism"
    (folder / "parameters").mkdir(parents=True)
    (folder / "small.toml").write_text(SIMULATION, encoding="utf-8")
    (folder / "parameters" / "small.toml").write_text(parameters(), encoding="utf-8")
    for name, more in (("guide.toml", entry), ("claims.toml", claims)):
        path = project / name
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return project
