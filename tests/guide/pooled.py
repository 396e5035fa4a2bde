"""Effect sizes beside the rows of a small guide project, and claims on what is pooled."""

from __future__ import annotations

from pathlib import Path

EFFECTS = """\
row_id,measure,n_treated,mean_treated,sd_treated,n_control,mean_control,sd_control
R1,ROM,12,400,40,12,900,60
R2,ROM,12,380,40,12,880,60
R3,ROM,12,390,40,12,860,60
"""

CLAIMS = """
[[claim]]
id = "P1"
section = "conclusions"
text = "Volume under treatment was {ratio} of the control's ({k} rows of {works} works)."
from = "meta:RCC"
where = { treatment = ["temsirolimus"], measure = ["ROM"] }
slots = { ratio = "median ratio", k = "median k", works = "distinct source" }
supports = { direction = ["benefit"] }
contradicts = { direction = ["none", "harm"] }
needs = { sources = 2 }
expect = "supported"

[[claim]]
id = "P2"
section = "conclusions"
text = "Pooled, volume was {pooled}."
from = "evidence"
where = { oncotree = ["RCC"] }
slots = { pooled = "pooled value" }
supports = { direction = ["benefit"] }
expect = "supported"
"""


def add_effects(project: Path, *, claims: str = CLAIMS, effects: str = EFFECTS) -> Path:
    """Put effect sizes and claims on them into a project; the project."""
    (project / "evidence" / "effects.csv").write_text(effects, encoding="utf-8")
    path = project / "claims.toml"
    path.write_text(path.read_text(encoding="utf-8") + claims, encoding="utf-8")
    return project
