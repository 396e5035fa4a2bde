"""The simulation files that a guide names: read, with the other files they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from oncovivo.evidence.csvfile import read_text
from oncovivo.texts import parse_toml

if TYPE_CHECKING:
    from oncovivo.evidence.records import Scalar
    from oncovivo.mechanism.simulation_file import Simulation

__all__ = ["askable_words", "files_beside", "read_guide_simulation", "source_name"]


def read_guide_simulation(path: Path) -> Simulation:
    """A simulation, read; the machinery of models is loaded only for guides that have one.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is no simulation.
    InputError
        If a block, a number, an output or a regimen does not fit.
    """
    from oncovivo.mechanism.simulation_file import read_simulation

    return read_simulation(path)


def source_name(name: str) -> str:
    """What a claim writes in ``from`` for a simulation.

    Examples
    --------
    >>> source_name("renal_786o")
    'simulation:renal_786o'
    """
    return f"simulation:{name}"


def askable_words(simulation: Simulation) -> Mapping[str, tuple[Scalar, ...]]:
    """By column, the entries that rows of a simulation can have; known before it has run."""
    units = {output.name: output.unit.symbol for output in simulation.model.outputs}
    return MappingProxyType(
        {
            "source": (source_name(simulation.name),),
            "arm": tuple(a.name for a in simulation.arms if a.name != simulation.control),
            "versus": (simulation.control,),
            "output": simulation.outputs,
            "unit": tuple(dict.fromkeys(units[name] for name in simulation.outputs)),
            "time_d": simulation.report_days,
        }
    )


def files_beside(path: Path) -> tuple[str, ...]:
    """The blocks and parameter sets that a simulation names by path, relative to its folder."""
    content = parse_toml(read_text(path), where=path.name)
    return tuple(name for name in dict.fromkeys(_named(content)) if name.endswith(".toml"))


def _named(content: Mapping[str, object]) -> Iterator[str]:
    """Names of blocks and parameter sets, shipped or not; what else stands there is left out."""
    for key in ("blocks", "parameters"):
        entries = content.get(key)
        for entry in entries if isinstance(entries, list) else ():
            name = entry.get("block") if isinstance(entry, dict) else entry
            if isinstance(name, str):
                yield name
