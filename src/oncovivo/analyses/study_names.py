"""The studies that a guide names: read, with the id by which its claims query each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.combination.result import Null, Scale
from oncovivo.errors import FileFormatError
from oncovivo.survival.table import is_survival_table

if TYPE_CHECKING:
    from oncovivo.analyses.project import StudyEntry
    from oncovivo.evidence.records import Scalar
    from oncovivo.studies import Study

__all__ = ["NamedStudy", "askable_study_words", "named_studies", "study_source"]

_INHIBITION = (
    "tgi_growth_ratio_pct",
    "tgi_rate_pct",
    "tgi_delta_geometric_pct",
    "tgi_delta_arithmetic_pct",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedStudy:
    """A study of a guide, the entry that names it, and its id, unique in the guide."""

    id: str
    entry: StudyEntry
    study: Study

    @property
    def where(self) -> str:
        """The entry, for messages."""
        return f"guide.toml, study {self.entry.path}"


def study_source(name: str) -> str:
    """What a claim writes in ``from`` for a study.

    Examples
    --------
    >>> study_source("four-arm")
    'study:four-arm'
    """
    return f"study:{name}"


def named_studies(entries: Sequence[StudyEntry], *, folder: Path) -> tuple[NamedStudy, ...]:
    """Every study that a guide lists, in its order.

    The id is the entry's; without one it is made of the letters and digits of the study's own,
    with a number behind it where an earlier study has it.

    Parameters
    ----------
    entries : sequence of StudyEntry
        The ``[[study]]`` entries.
    folder : Path
        The folder that their paths are relative to.

    Raises
    ------
    FileFormatError
        If a file cannot be read or holds no such study, or an entry gives one id to several.
    DataError
        If zeros look like padding and nobody said what they are.
    """
    found: list[NamedStudy] = []
    taken = {entry.id for entry in entries if entry.id is not None}
    for entry in entries:
        for study in _chosen(entry, folder, where=f"guide.toml, study {entry.path}"):
            name = entry.id if entry.id is not None else _anchor(study.study_id, taken)
            taken.add(name)
            found.append(NamedStudy(id=name, entry=entry, study=study))
    return tuple(found)


def askable_study_words(named: NamedStudy) -> Mapping[str, tuple[Scalar, ...]]:
    """By column, the entries that rows of a study can have; known before it was analysed."""
    entry = named.entry
    arms = tuple(arm.name for arm in named.study.arms if arm.name != entry.control)
    partners = [
        arm
        for asked in entry.combination
        for arm in (asked.a, asked.b, asked.c)
        if arm is not None
    ]
    control = () if entry.control is None else (entry.control,)
    analyses: list[str] = []
    scales: list[str] = []
    nulls: list[str] = []
    if entry.growth:
        analyses += ["growth_rate", "inhibition"]
        scales += ["growth_rate", "auc_rate_difference", *_INHIBITION]
    if entry.survival:
        analyses += ["hazard", "median_time"]
        scales += ["hazard", "median_survival"]
    for asked in entry.combination:
        analyses.append("synergy")
        scales += asked.scale or get_args(Scale)
        nulls += asked.null or get_args(Null)
    return MappingProxyType(
        {
            "source": (study_source(named.id),),
            "analysis": tuple(dict.fromkeys(analyses)),
            "arm": arms,
            "versus": tuple(dict.fromkeys((*control, *partners))),
            "null_model": tuple(dict.fromkeys(nulls)),
            "scale": tuple(dict.fromkeys(scales)),
        }
    )


def _chosen(entry: StudyEntry, folder: Path, *, where: str) -> tuple[Study, ...]:
    """The studies of a file that an entry means."""
    path = folder / entry.path
    if path.is_file() and path.name != "study.toml" and is_survival_table(path):
        raise FileFormatError(
            "a study with volumes by day",
            found="a survival table, which has times to an event alone",
            where=where,
            mend="leave the entry out; oncovivo survival reads such tables",
        )
    studies = load_studies(path, StudyOptions(zeros=entry.zeros))
    chosen = tuple(
        study
        for study in studies
        if (entry.study is None or study.study_id.split("/")[0] == entry.study)
        and (entry.line is None or study.line.name == entry.line)
    )
    if not chosen:
        listed = ", ".join(f"{study.study_id} (line {study.line.name})" for study in studies[:6])
        raise FileFormatError(
            "a study of the file",
            found=f"study {entry.study!r}, line {entry.line!r}",
            where=where,
            mend=f"the file holds: {listed}",
        )
    if entry.id is not None and len(chosen) > 1:
        raise FileFormatError(
            "one study for an id",
            found=f"id {entry.id!r} for {len(chosen)} studies",
            where=where,
            mend="choose one with study or line, or leave the id out",
        )
    return chosen


def _anchor(name: str, taken: set[str]) -> str:
    """A name made of letters, digits and hyphens that no other study has."""
    base = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "study"
    anchor, number = base, 2
    while anchor in taken:
        anchor, number = f"{base}-{number}", number + 1
    return anchor
