"""A guide project as it lies in its folder: ``guide.toml`` and what it names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from oncovivo.analyses.design_protocol_file import ProtocolFile
from oncovivo.analyses.evidence_pools import RowEffect
from oncovivo.analyses.survival_result import DEFAULT_EVENT
from oncovivo.combination.doses import Unequal
from oncovivo.combination.result import Null, Scale
from oncovivo.errors import FileFormatError
from oncovivo.evidence import (
    COLUMNS,
    Claim,
    Identifiers,
    Record,
    read_claims,
    read_identifiers,
    read_records,
)
from oncovivo.evidence.claim_sources import ClaimSource, SourceWord
from oncovivo.evidence.csvfile import read_rows, read_text
from oncovivo.evidence.lint import (
    AnnouncedFigure,
    LintInput,
    TextBlock,
    Waiver,
    read_waivers,
)
from oncovivo.evidence.quality import QUALITY_COLUMNS, Rating, read_quality
from oncovivo.evidence.records import STATES
from oncovivo.evidence.screening import Screening
from oncovivo.figures import Diagram, read_diagram
from oncovivo.provenance import InputFile, digest_file, digest_inputs
from oncovivo.references import Library, read_references
from oncovivo.survival.events import EventDefinition, parse_event
from oncovivo.texts import parse_toml

if TYPE_CHECKING:
    from oncovivo.analyses.study_names import NamedStudy
    from oncovivo.mechanism.simulation_file import Simulation

__all__ = [
    "SECTIONS",
    "CombinationEntry",
    "FigureEntry",
    "GuideProject",
    "GuideSettings",
    "MarkerEntry",
    "PlacedDiagram",
    "ProtocolEntry",
    "SectionId",
    "SimulationEntry",
    "StudyEntry",
    "TextEntry",
    "read_project",
]

SectionId: TypeAlias = Literal[
    "summary",
    "mechanism",
    "evidence",
    "protocol",
    "endpoints",
    "combinations",
    "markers",
    "conclusions",
    "gaps",
]

SECTIONS: dict[SectionId, str] = {
    "summary": "Summary",
    "mechanism": "Mechanism",
    "evidence": "Evidence by tumor type",
    "protocol": "Protocol",
    "endpoints": "Endpoints",
    "combinations": "Combinations",
    "markers": "Markers",
    "conclusions": "Conclusions",
    "gaps": "What is missing",
}
"""The sections that claims, texts and figures may stand in, with their headings, in order."""

NonEmpty = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


def _event_of(value: object) -> object:
    """The event that a word stands for; what is no word is refused by its type."""
    return parse_event(value) if isinstance(value, str) else value


Event = Annotated[EventDefinition, BeforeValidator(_event_of)]
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
Identifier = Annotated[str, StringConstraints(pattern=rf"^{_IDENTIFIER.pattern}$")]
StudyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]

_T = TypeVar("_T")
_ADDED: Final[Mapping[SourceWord, tuple[str, str]]] = {
    "simulation": ("simulation of the guide", "add the file to guide.toml as [[simulation]]"),
    "study": ("study of the guide", "add the study to guide.toml as [[study]]"),
    "meta": ("tumor type of records.csv", "file rows under it in evidence/records.csv"),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GuideSettings(_Strict):
    """The table ``[guide]``: what the guide is called and about which compound it is."""

    title: NonEmpty
    compound: NonEmpty
    subtitle: str = ""
    authors: tuple[str, ...] = ()
    language: NonEmpty = "en"


class TextEntry(_Strict):
    """A ``[[text]]``: framing prose that is not a claim."""

    id: Identifier
    section: SectionId
    body: NonEmpty
    cites: tuple[str, ...] = ()


class FigureEntry(_Strict):
    """A ``[[figure]]``: a diagram drawn from a data file."""

    id: Identifier
    section: SectionId
    title: NonEmpty
    file: NonEmpty


class CombinationEntry(_Strict):
    """A ``[[study.combination]]``: a combination arm, its partners alone, and what it is held to.

    ``a``, ``b`` and ``c`` are the arms of the partners, ``ab``, ``ac`` and ``bc`` those of two of
    three; of ``null`` and ``scale`` the first is the one that the sentence speaks of, and all are
    shown when empty; ``doses`` accepts a combination with other doses than its partners' arms.
    """

    a: NonEmpty
    b: NonEmpty
    c: NonEmpty | None = None
    combination: NonEmpty
    ab: NonEmpty | None = None
    ac: NonEmpty | None = None
    bc: NonEmpty | None = None
    null: tuple[Null, ...] = ()
    scale: tuple[Scale, ...] = ()
    day: float | None = None
    doses: Unequal = "refuse"
    section: SectionId = "combinations"

    @property
    def pairs(self) -> dict[str, str]:
        """Arms of two of three partners by letters."""
        named = {"ab": self.ab, "ac": self.ac, "bc": self.bc}
        return {letters: arm for letters, arm in named.items() if arm is not None}


class StudyEntry(_Strict):
    """A ``[[study]]``: a file or folder of animal-level data and how to show it.

    ``id`` is the name by which claims query it: letters, digits and hyphens, else made of those of
    the study's own id; ``study`` and ``line`` choose one study in a file that holds several;
    ``control`` names the arm of the comparison; ``zeros`` says what zeros at the end of a series
    mean; ``tumor`` is the OncoTree code for the evidence map; ``simulated`` marks data that are
    not from animals; ``source`` is a key of references.json or words; ``growth`` says whether the
    growth model is fitted and shown, ``survival`` whether times to the ``event`` are;
    ``combination`` lists the combinations that are held against null models.
    """

    path: NonEmpty
    id: StudyId | None = None
    control: str | None = None
    study: str | None = None
    line: str | None = None
    baseline_day: float | None = None
    zeros: Literal["gone", "missing"] | None = None
    tumor: str | None = None
    simulated: bool = False
    source: str | None = None
    section: SectionId = "endpoints"
    growth: bool = True
    survival: bool = True
    event: Event = DEFAULT_EVENT
    combination: tuple[CombinationEntry, ...] = ()


class SimulationEntry(_Strict):
    """A ``[[simulation]]``: a file that ``oncovivo simulate`` runs, and where to show it.

    ``draws`` are those behind the limits, else as many as the file says. Claims name a simulation
    by its file's name without the ending. With ``tumor``, an OncoTree code, its tumor volumes
    stand beside the studies and rows of that tumor type.
    """

    path: NonEmpty
    section: SectionId = "mechanism"
    tumor: NonEmpty | None = None
    draws: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None

    @property
    def name(self) -> str:
        """Name of the file without its ending."""
        return Path(self.path).stem


class MarkerEntry(_Strict):
    """A ``[[marker]]``: markers of studies, or of lines in a panel, and where to show them.

    Without ``features``, ``path`` is a study folder with ``markers.csv`` or a folder of such
    folders; ``treatment`` names the treated arm where there are several. With ``features``, tables
    of markers by line, it is a panel of growth curves or, with the column ``response``, a table
    with one row for each line. ``source`` is a key of references.json or free text.
    """

    path: NonEmpty
    section: SectionId = "markers"
    features: tuple[NonEmpty, ...] = ()
    control: NonEmpty | None = None
    treatment: NonEmpty | None = None
    markers: tuple[NonEmpty, ...] = ()
    tumor_types: tuple[NonEmpty, ...] = ()
    adjust: tuple[NonEmpty, ...] = ()
    response: NonEmpty | None = None
    std_error: NonEmpty | None = None
    source: NonEmpty | None = None
    simulated: bool = False


class ProtocolEntry(_Strict):
    """The table ``[protocol]``: the protocol of the next study, shown in the section protocol.

    Its statements cite the guide's references, whatever references the file itself names.
    """

    path: NonEmpty


class _GuideFile(_Strict):
    guide: GuideSettings
    text: tuple[TextEntry, ...] = ()
    figure: tuple[FigureEntry, ...] = ()
    study: tuple[StudyEntry, ...] = Field(default=())
    simulation: tuple[SimulationEntry, ...] = ()
    marker: tuple[MarkerEntry, ...] = ()
    protocol: ProtocolEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedDiagram:
    """A diagram, the section it stands in, and its title."""

    id: str
    section: SectionId
    title: str
    diagram: Diagram

    @property
    def sources(self) -> tuple[str, ...]:
        """The reference keys of its edges, each once."""
        return tuple(dict.fromkeys(key for edge in self.diagram.edges for key in edge.sources))


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideProject:
    """Everything a guide project holds; ``inputs`` are the files that were read."""

    folder: Path
    settings: GuideSettings
    texts: tuple[TextEntry, ...]
    figures: tuple[FigureEntry, ...]
    diagrams: tuple[PlacedDiagram, ...]
    studies: tuple[StudyEntry, ...]
    simulations: tuple[SimulationEntry, ...]
    markers: tuple[MarkerEntry, ...]
    protocol: ProtocolFile | None
    records: tuple[Record, ...]
    effects: tuple[RowEffect, ...]
    ratings: tuple[Rating, ...]
    screening: Screening | None
    claims: tuple[Claim, ...]
    library: Library
    identifiers: Identifiers
    waivers: tuple[Waiver, ...]
    inputs: tuple[InputFile, ...]

    @property
    def digest(self) -> str:
        """One SHA-256 over the names and digests of all files that were read."""
        return digest_inputs(self.inputs)

    def lint_input(self) -> LintInput:
        """What the linter looks at."""
        cited = {placed.id: placed.sources for placed in self.diagrams}
        return LintInput(
            compound=self.settings.compound,
            records=self.records,
            claims=self.claims,
            library=self.library,
            identifiers=self.identifiers,
            texts=tuple(
                TextBlock(id=t.id, section=t.section, body=t.body, cites=t.cites)
                for t in self.texts
            ),
            figures=tuple(
                AnnouncedFigure(
                    id=f.id,
                    section=f.section,
                    title=f.title,
                    present=f.id in cited,
                    cites=cited.get(f.id, ()),
                )
                for f in self.figures
            ),
            waivers=self.waivers,
            cited_elsewhere=(
                *(
                    study.source
                    for study in self.studies
                    if study.source is not None and study.source in self.library
                ),
                *dict.fromkeys(rating.source for rating in self.ratings),
                *(
                    entry.source
                    for entry in self.markers
                    if entry.source is not None and entry.source in self.library
                ),
                *(() if self.protocol is None else self.protocol.cited),
            ),
        )


def read_project(folder: Path) -> GuideProject:
    """A guide project from its folder.

    Raises
    ------
    FileFormatError
        If the folder or ``guide.toml`` is missing, or any file of the project is malformed; the
        message names the file, the row and the column.
    DataError
        If a claim queries a study whose data contradict each other.
    """
    try:
        return _read_project(folder)
    except OSError as err:
        raise FileFormatError(
            "files that can be read",
            found=(err.strerror or str(err)).lower(),
            where=str(err.filename or folder),
            mend="check the name and its rights",
        ) from err


def _read_project(folder: Path) -> GuideProject:
    """The same, with the errors of the operating system."""
    from oncovivo.analyses.evidence_pools import read_effects

    file = _read_guide_file(folder)
    evidence = folder / "evidence"
    library = (
        read_references(evidence / "references.json")
        if _present(evidence / "references.json")
        else Library()
    )
    identifiers = read_identifiers(evidence)
    if file.guide.compound not in identifiers.compounds:
        raise FileFormatError(
            "the key of a known compound",
            found=repr(file.guide.compound),
            where="guide.toml, guide.compound",
            mend="use a key of compounds.csv, or add it to evidence/compounds.csv",
        )
    claims = read_claims(folder / "claims.toml") if _present(folder / "claims.toml") else ()
    records: tuple[Record, ...] = ()
    # A header alone is a guide that was just started, unless a sentence speaks of rows.
    if _present(evidence / "records.csv") and (
        any(claim.source is not None for claim in claims)
        or _has_rows(evidence / "records.csv", [column.name for column in COLUMNS])
    ):
        records = read_records(
            evidence / "records.csv", identifiers=identifiers, reference_keys=library.keys
        )
    _check_entries(file, library, folder)
    simulations = _read_simulations(folder, file)
    studies = _read_studies(folder, file, claims, simulations)
    _check_claims(claims, library, identifiers, simulations, studies, _filed(records, file))
    waivers = read_waivers(evidence / "waivers.csv") if _present(evidence / "waivers.csv") else ()
    protocol = None if file.protocol is None else _read_protocol(folder, file.protocol, library)
    return GuideProject(
        folder=folder,
        settings=file.guide,
        texts=file.text,
        figures=file.figure,
        diagrams=_read_diagrams(folder, file, library),
        studies=file.study,
        simulations=file.simulation,
        markers=file.marker,
        protocol=protocol,
        records=records,
        effects=read_effects(evidence / "effects.csv", records)
        if _present(evidence / "effects.csv")
        else (),
        ratings=read_quality(evidence / "quality.csv", reference_keys=library.keys)
        if _present(evidence / "quality.csv")
        and _has_rows(evidence / "quality.csv", QUALITY_COLUMNS)
        else (),
        screening=_read_screening(evidence),
        claims=claims,
        library=library,
        identifiers=identifiers,
        waivers=waivers,
        inputs=_inputs(folder, file, protocol),
    )


def _read_screening(evidence: Path) -> Screening | None:
    """The screening of a project that has one; its reports are keys of references.json."""
    from oncovivo.evidence.screening import read_screening

    folder = evidence / "screening"
    if not _present(folder):
        return None
    references = evidence / "references.json"
    return read_screening(folder, references=references if _present(references) else None)


def _present(path: Path) -> bool:
    """Whether anything has the name: a folder or a broken link is refused when it is read."""
    return path.exists() or path.is_symlink()


def _has_rows(path: Path, columns: Sequence[str]) -> bool:
    """Whether a table has more than its header; a wrong header is refused."""
    return next(read_rows(path, columns=columns), None) is not None


def _read_guide_file(folder: Path) -> _GuideFile:
    """``guide.toml``, validated."""
    path = folder / "guide.toml"
    if not path.is_file():
        raise FileFormatError(
            "a guide project with a guide.toml",
            found="no such file" if folder.is_dir() else "no such folder",
            where=str(folder),
            mend="name the folder that holds guide.toml",
        )
    content = parse_toml(read_text(path), where=path.name)
    try:
        return _GuideFile.model_validate(content)
    except ValidationError as err:
        raise FileFormatError.from_validation(
            err, what="a guide project", where=path.name
        ) from err


def _check_claims(
    claims: tuple[Claim, ...],
    library: Library,
    identifiers: Identifiers,
    simulations: Mapping[str, Simulation],
    studies: Mapping[str, NamedStudy],
    filed: Mapping[str, Sequence[Record]],
) -> None:
    """Refuse claims in unknown sections, from what the guide does not have, or on unknown ids."""
    from oncovivo.analyses.pool_rows import askable_pool_words
    from oncovivo.analyses.simulation_inputs import askable_words
    from oncovivo.analyses.study_names import askable_study_words

    ids: dict[str, Container[object]] = {
        "oncotree": identifiers.tumor_types,
        "filed_under": identifiers.tumor_types,
        "compound": identifiers.compounds,
        "partner": identifiers.compounds,
        "source": library,
    }
    for claim in claims:
        where = f"claims.toml, claim {claim.id}"
        if claim.section not in SECTIONS:
            raise FileFormatError(
                f"a section: {', '.join(SECTIONS)}",
                found=repr(claim.section),
                where=where,
                mend="move the claim",
            )
        _check_keys(claim.cites, library, where=where)
        origin = claim.origin
        if origin is None:
            continue
        known: Mapping[str, Container[object]] = ids
        if origin.kind.word == "simulation":
            known = askable_words(_named(claim, origin, simulations, where=where))
        elif origin.kind.word == "study":
            known = askable_study_words(_named(claim, origin, studies, where=where))
        elif origin.kind.word == "meta":
            own = _named(claim, origin, filed, where=where)
            known = {"source": library, **askable_pool_words(own)}
        for name in ("where", "supports", "contradicts"):
            query: Mapping[str, Sequence[object]] = getattr(claim, name)
            for column in (name for name in query if name in known):
                states = STATES if origin.kind.column(column).states else ()
                for value in query[column]:
                    if value not in known[column] and value not in states:
                        _refuse_entry(
                            value,
                            known[column],
                            word=origin.kind.word,
                            states=states,
                            where=f"{where}, {name}.{column}",
                        )


def _filed(records: Sequence[Record], file: _GuideFile) -> dict[str, list[Record]]:
    """The rows on the guide's compound by the tumor type that they are filed under."""
    found: dict[str, list[Record]] = {record.filed_under: [] for record in records}
    for record in records:
        if record.compound == file.guide.compound:
            found[record.filed_under].append(record)
    return found


def _named(claim: Claim, origin: ClaimSource, known: Mapping[str, _T], *, where: str) -> _T:
    """The simulation, study or tumor type that a claim names."""
    if origin.name not in known:
        what, add = _ADDED[origin.kind.word]
        raise FileFormatError(
            f"a {what}: {', '.join(known) or 'none'}",
            found=f"from = {claim.source!r}",
            where=where,
            mend=f"correct the name, or {add}",
        )
    return known[origin.name]


def _refuse_entry(
    value: object,
    known: Container[object],
    *,
    word: SourceWord,
    states: tuple[str, ...],
    where: str,
) -> NoReturn:
    """Say what a row could have; all but the evidence have few entries, all of them named."""
    if isinstance(known, tuple):
        raise FileFormatError(
            f"an entry that a row of the {'tumor type' if word == 'meta' else word} can have",
            found=repr(value),
            where=where,
            mend=f"use one of: {', '.join(str(entry) for entry in known) or ', '.join(states)}",
        )
    raise FileFormatError(
        "an id that a row can have",
        found=repr(value),
        where=where,
        mend="correct the id, or add it to the evidence folder",
    )


def _check_keys(keys: tuple[str, ...], library: Library, *, where: str) -> None:
    for key in keys:
        if key not in library:
            raise FileFormatError(
                "a key of references.json",
                found=repr(key),
                where=f"{where}, cites",
                mend="add the reference, or correct the key",
            )


def _check_entries(file: _GuideFile, library: Library, folder: Path) -> None:
    """Refuse ids that occur twice, unknown references and studies that are not there."""
    seen: set[str] = set()
    for name in (*(entry.id for entry in file.text), *(entry.id for entry in file.figure)):
        if name in seen:
            raise FileFormatError(
                "an id that no other text or figure has",
                found=repr(name),
                where="guide.toml",
                mend="rename one of them",
            )
        seen.add(name)
    for text in file.text:
        _check_keys(text.cites, library, where=f"guide.toml, text {text.id}")
    ids = [study.id for study in file.study if study.id is not None]
    for study in file.study:
        if study.id is not None and ids.count(study.id) > 1:
            raise FileFormatError(
                "an id that no other study has",
                found=repr(study.id),
                where=f"guide.toml, study {study.path}",
                mend="rename one of them",
            )
        if not (folder / study.path).exists():
            raise FileFormatError(
                "a study file or folder",
                found="no such file",
                where=f"guide.toml, study {study.path}",
                mend="correct the path; it is relative to guide.toml",
            )
    for entry in file.marker:
        for path in (entry.path, *entry.features):
            if not (folder / path).exists():
                raise FileFormatError(
                    "a file or folder of markers",
                    found="no such file",
                    where=f"guide.toml, marker {path}",
                    mend="correct the path; it is relative to guide.toml",
                )


def _read_simulations(folder: Path, file: _GuideFile) -> dict[str, Simulation]:
    """The simulations by name, so that what is wrong with one is said before anything runs."""
    from oncovivo.analyses.simulation_inputs import read_guide_simulation

    found: dict[str, Simulation] = {}
    for entry in file.simulation:
        where = f"guide.toml, simulation {entry.path}"
        if not (folder / entry.path).is_file():
            raise FileFormatError(
                "a simulation file",
                found="no such file",
                where=where,
                mend="correct the path; it is relative to guide.toml",
            )
        if not _IDENTIFIER.fullmatch(entry.name):
            raise FileFormatError(
                "a file whose name is letters, digits, '.', '_' and '-', for claims to name it",
                found=repr(entry.name),
                where=where,
                mend="rename the file",
            )
        if entry.name in found:
            raise FileFormatError(
                "a file name that no other simulation has",
                found=repr(entry.name),
                where=where,
                mend="rename one of the files",
            )
        found[entry.name] = read_guide_simulation(folder / entry.path)
    return found


def _read_studies(
    folder: Path,
    file: _GuideFile,
    claims: Sequence[Claim],
    simulations: Mapping[str, Simulation],
) -> dict[str, NamedStudy]:
    """The studies by id, where a claim queries one: their arms are known before anything runs."""
    from oncovivo.analyses.study_names import named_studies

    origins = [claim.origin for claim in claims]
    if not any(origin is not None and origin.kind.word == "study" for origin in origins):
        return {}
    found = {named.id: named for named in named_studies(file.study, folder=folder)}
    for named in found.values():
        if named.id in simulations:
            raise FileFormatError(
                "a study id that no simulation has as its name, for rows to be told apart",
                found=repr(named.id),
                where=named.where,
                mend="give the study another id",
            )
    return found


def _read_protocol(folder: Path, entry: ProtocolEntry, library: Library) -> ProtocolFile:
    """The protocol of the next study, with the guide's references."""
    from oncovivo.analyses.design_protocol_file import read_protocol_file

    if not (folder / entry.path).is_file():
        raise FileFormatError(
            "a protocol",
            found="no such file",
            where=f"guide.toml, protocol {entry.path}",
            mend="correct the path; it is relative to guide.toml",
        )
    return read_protocol_file(folder / entry.path, library=library)


def _read_diagrams(folder: Path, file: _GuideFile, library: Library) -> tuple[PlacedDiagram, ...]:
    """The diagrams whose data files exist; the linter reports those that are announced only."""
    return tuple(
        PlacedDiagram(
            id=figure.id,
            section=figure.section,
            title=figure.title,
            diagram=_read_diagram(folder / figure.file, library),
        )
        for figure in file.figure
        if (folder / figure.file).is_file()
    )


def _read_diagram(path: Path, library: Library) -> Diagram:
    """One diagram; its file is read as text first, for what only that reader refuses."""
    parse_toml(read_text(path), where=path.name)
    return read_diagram(path, reference_keys=library.keys)


def _inputs(
    folder: Path, file: _GuideFile, protocol: ProtocolFile | None
) -> tuple[InputFile, ...]:
    """Every file that the guide is made of, with its digest, in the order of names."""
    from oncovivo.analyses.simulation_inputs import files_beside

    named = ["guide.toml", "claims.toml"]
    named += [
        f"evidence/{name}"
        for name in (
            "records.csv",
            "effects.csv",
            "quality.csv",
            "references.json",
            "waivers.csv",
            "tumor_types.csv",
            "compounds.csv",
            "screening/screening.toml",
            "screening/search.csv",
            "screening/duplicates.csv",
            "screening/screening.csv",
        )
    ]
    named += [figure.file for figure in file.figure]
    if file.protocol is not None and protocol is not None:
        base = Path(file.protocol.path).parent.as_posix()
        named += [posixpath.normpath(f"{base}/{name}") for name in protocol.places]
    for simulation in file.simulation:
        beside = files_beside(folder / simulation.path)
        named += [
            simulation.path,
            *((Path(simulation.path).parent / name).as_posix() for name in beside),
        ]
    for study in file.study:
        place = Path(study.path)
        if place.name == "study.toml":
            place = place.parent
        if (folder / place).is_dir():
            named += [
                (place / file.name).as_posix()
                for file in (folder / place).iterdir()
                if file.suffix != ".py" and not file.name.startswith(".")
            ]
        else:
            named.append(study.path)
    for entry in file.marker:
        for path in (entry.path, *entry.features):
            own = folder / path
            inside = sorted(own.rglob("*")) if own.is_dir() else [own]
            named += [
                posixpath.normpath(one.relative_to(folder).as_posix())
                for one in inside
                if one.suffix != ".py" and not one.name.startswith(".")
            ]
    return tuple(
        digest_file(folder / name, name=name)
        for name in sorted(dict.fromkeys(named))
        if (folder / name).is_file()
    )
