"""Allocations from files: drawn or repeated, as a table, a sealed key, a record, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.design.allocation import (
    AllocationRecord,
    AllocationWarning,
    Placement,
    allocate,
    repeat,
)
from oncovivo.design.allocation_input import (
    design_to_dict,
    read_allocation_design,
    read_animals,
    read_design_content,
)
from oncovivo.design.allocation_problem import Exclusion
from oncovivo.design.cage_advice import CageAdvice, advise_on_cages
from oncovivo.errors import FileFormatError
from oncovivo.provenance import InputFile, digest_inputs, seed_of
from oncovivo.texts import parse_json

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FileAllocation",
    "SeedSource",
    "allocate_file",
    "read_record",
    "record_to_dict",
    "repeat_file",
    "write_key",
    "write_record",
]

SCHEMA: Final = "oncovivo.allocation_result/1"
RECORD_SCHEMA: Final = "oncovivo.allocation_record/1"

SeedSource: TypeAlias = Literal["given", "file", "digest", "record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAllocation:
    """An allocation of the animals of a file.

    Parameters
    ----------
    source : InputFile
        The list of animals.
    design_file : InputFile
        The design, or the record that was repeated.
    columns : mapping of str to str
        Header in the list by canonical name.
    seed_source : {"given", "file", "digest", "record"}
        Where the seed is from.
    record : AllocationRecord
        The allocation.
    cages : CageAdvice
        What the cages mean.
    """

    source: InputFile
    design_file: InputFile
    columns: Mapping[str, str]
    seed_source: SeedSource
    record: AllocationRecord
    cages: CageAdvice

    def to_frame(self, *, blinded: bool = False) -> pd.DataFrame:
        """One row for each animal, orders of several sessions in columns of their own.

        Parameters
        ----------
        blinded : bool
            Whether letters stand for the arms.
        """
        import pandas as pd

        sessions = self.record.design.sessions
        rows: list[dict[str, object]] = []
        for place in self.record.placements:
            row: dict[str, object] = {"animal_id": place.animal_id}
            if not blinded:
                row["arm"] = place.arm
            row.update(letter=place.letter, cage=place.cage, stratum=place.stratum or None)
            for what, order in (("measuring", place.measuring), ("dosing", place.dosing)):
                for session, turn in enumerate(order, start=1):
                    name = f"{what}_order" + (f"_{session}" if sessions > 1 else "")
                    row[name] = turn
            row.update(volume_mm3=place.volume_mm3, body_weight_g=place.body_weight_g)
            rows.append(row)
        return pd.DataFrame(rows)

    def to_dict(self, *, blinded: bool = False) -> dict[str, object]:
        """The JSON contract of ``oncovivo design allocate``.

        Parameters
        ----------
        blinded : bool
            Whether letters stand for the arms; seed and record, which tell them, are left out.
        """
        record = self.record
        order = {arm.letter: arm for arm in record.balance()}
        arms = [order[letter] for letter in sorted(order)] if blinded else list(order.values())
        return contract(
            SCHEMA,
            source=self.source,
            options={
                "design": {"name": self.design_file.name, "sha256": self.design_file.sha256},
                "seed_source": self.seed_source,
            },
            seed=None if blinded else record.seed,
            content={
                "title": record.design.title,
                "method": record.design.method,
                "blinded": blinded,
                "columns": dict(self.columns),
                "allocation": [_placement(place, blinded=blinded) for place in record.placements],
                "excluded": [asdict(animal) for animal in record.excluded],
                "arms": [{**asdict(arm), "arm": None if blinded else arm.arm} for arm in arms],
                "candidates": record.candidates,
                "n_accepted": record.n_accepted,
                "n_distinct": record.n_distinct,
                "threshold": record.threshold,
                "score": record.score,
                "cages": {**asdict(self.cages), "advice": list(self.cages.advice)},
                "record": None if blinded else record_to_dict(record),
            },
            warnings=tuple(
                {**asdict(warning), "arm": None, "animal_id": None, "rows": []}
                for warning in _shown(record.warnings, blinded=blinded)
            ),
        )


def allocate_file(
    animals: Path,
    design: Path,
    *,
    seed: int | None = None,
    mapping: Mapping[str, str] | None = None,
) -> FileAllocation:
    """Allocate the animals of a file.

    Parameters
    ----------
    animals, design : Path
        The list, and the design as TOML.
    seed : int, optional
        Else the file's, else from the digest of both files.
    mapping : mapping of str to str, optional
        Their column by canonical name.

    Raises
    ------
    FileFormatError
        If a file cannot be read as what it should be.
    InputError
        If the design contradicts itself.
    DataError
        If the animals cannot carry it.
    """
    listed = read_animals(animals, mapping=mapping)
    read = read_allocation_design(design)
    sources = (input_digest(animals), input_digest(design))
    chosen: tuple[int, SeedSource]
    if seed is not None:
        chosen = seed, "given"
    elif read.seed is not None:
        chosen = read.seed, "file"
    else:
        chosen = seed_of(digest_inputs(sources)), "digest"
    record = allocate(listed.animals, read.design, seed=chosen[0])
    return FileAllocation(
        source=sources[0],
        design_file=sources[1],
        columns=listed.columns,
        seed_source=chosen[1],
        record=record,
        cages=advise_on_cages(record),
    )


def repeat_file(
    animals: Path, record: Path, *, mapping: Mapping[str, str] | None = None
) -> FileAllocation:
    """Come to the allocation of a record again.

    Parameters
    ----------
    animals, record : Path
        The list, and the record that was written with it.
    mapping : mapping of str to str, optional
        Their column by canonical name.

    Raises
    ------
    FileFormatError
        If a file cannot be read as what it should be.
    FindingsError
        If the animals or the result differ.
    """
    listed = read_animals(animals, mapping=mapping)
    again = repeat(read_record(record), listed.animals)
    return FileAllocation(
        source=input_digest(animals),
        design_file=input_digest(record),
        columns=listed.columns,
        seed_source="record",
        record=again,
        cages=advise_on_cages(again),
    )


def record_to_dict(record: AllocationRecord) -> dict[str, object]:
    """A record as :func:`read_record` reads it.

    Parameters
    ----------
    record : AllocationRecord
        The allocation.
    """
    content = asdict(record)
    content["placements"] = [_placement(place, blinded=False) for place in record.placements]
    for name in ("excluded", "warnings"):
        content[name] = list(content[name])
    return {"schema": RECORD_SCHEMA, **content, "design": design_to_dict(record.design)}


def write_record(record: AllocationRecord, path: Path) -> None:
    """Write a record as JSON; it tells the arms.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    text = json.dumps(record_to_dict(record), ensure_ascii=False, allow_nan=False, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"{text}\n".encode())


def write_key(found: FileAllocation, path: Path) -> None:
    """Write the sealed key: arm and number of animals of each letter, and the seed.

    Raises
    ------
    InputError
        If the name ends in neither ``.csv`` nor ``.xlsx``.
    OSError
        If the file cannot be written.
    """
    import pandas as pd

    from oncovivo.analyses.table_files import write_table

    sizes = {arm.letter: arm.n for arm in found.record.balance()}
    rows = [
        {"letter": letter, "arm": arm, "n": sizes[letter], "seed": found.record.seed}
        for letter, arm in found.record.letters.items()
    ]
    write_table(pd.DataFrame(rows), path)


def read_record(path: Path) -> AllocationRecord:
    """A record as JSON.

    Raises
    ------
    FileFormatError
        If the file is missing, or is no such record.
    InputError
        If its design contradicts itself.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        expected = "a record of an allocation"
        raise FileFormatError(expected, found=error.strerror or "", where=path.name) from error
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at byte {error.start}"
        raise FileFormatError("UTF-8 text", found=found, where=path.name) from error
    content = parse_json(text, where=path.name)
    try:
        read = _Record.model_validate(content)
    except ValidationError as error:
        what = "a record of an allocation"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    design = read_design_content(read.design, where=path.name).design
    return AllocationRecord(
        version=read.version,
        animals_sha256=read.animals_sha256,
        design=design,
        seed=read.seed,
        placements=tuple(
            Placement(
                animal_id=place.animal_id,
                arm=place.arm,
                letter=place.letter,
                stratum=place.stratum,
                cage=place.cage,
                volume_mm3=place.volume_mm3,
                body_weight_g=place.body_weight_g,
                measuring=tuple(place.measuring),
                dosing=tuple(place.dosing),
            )
            for place in read.placements
        ),
        excluded=tuple(
            Exclusion(animal_id=animal.animal_id, reason=animal.reason) for animal in read.excluded
        ),
        candidates=read.candidates,
        n_accepted=read.n_accepted,
        n_distinct=read.n_distinct,
        threshold=read.threshold,
        score=read.score,
        warnings=tuple(AllocationWarning(code=w.code, message=w.message) for w in read.warnings),
    )


def _placement(place: Placement, *, blinded: bool) -> dict[str, object]:
    """An animal, ready for JSON."""
    content = asdict(place)
    content["arm"] = None if blinded else place.arm
    return {**content, "measuring": list(place.measuring), "dosing": list(place.dosing)}


def _shown(
    warnings: tuple[AllocationWarning, ...], *, blinded: bool
) -> tuple[AllocationWarning, ...]:
    """Warnings that tell nobody who is where; their words name arms, never letters."""
    return tuple(w for w in warnings if not (blinded and w.code == "single_cage"))


class _Strict(BaseModel):
    """Unknown keys are errors and values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Placement(_Strict):
    """An animal of a record."""

    animal_id: str
    arm: str
    letter: str
    stratum: str
    cage: str | None
    volume_mm3: float | None
    body_weight_g: float | None
    measuring: list[int]
    dosing: list[int]


class _Exclusion(_Strict):
    """An animal that was not allocated."""

    animal_id: str
    reason: str


class _Warning(_Strict):
    """Something that was said."""

    code: str
    message: str


class _Record(_Strict):
    """Content of a record."""

    schema_name: Literal["oncovivo.allocation_record/1"] = Field(alias="schema")
    version: str
    animals_sha256: str
    design: dict[str, object]
    seed: int
    placements: list[_Placement]
    excluded: list[_Exclusion]
    candidates: int | None
    n_accepted: int | None
    n_distinct: int | None
    threshold: float | None
    score: float | None
    warnings: list[_Warning]
