"""A simulation file as a file for another program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.table_files import write_csv
from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.exchange.antimony_text import antimony_of
from oncovivo.mechanism.exchange.nonmem import nonmem_dataset, nonmem_text
from oncovivo.mechanism.exchange.rxode2_text import rxode2_text
from oncovivo.mechanism.exchange.sbml_out import sbml_text
from oncovivo.mechanism.exchange.typical_animal import TypicalAnimal, typical_animal_of
from oncovivo.mechanism.simulation_file import Simulation, read_simulation
from oncovivo.mechanism.virtual import draw_virtual
from oncovivo.mechanism.virtual_study import to_study
from oncovivo.provenance import InputFile, seed_of
from oncovivo.studies.readers import read_study
from oncovivo.studies.study import Study

__all__ = ["ExportFormat", "Exported", "export_simulation_file"]

SCHEMA: Final = "oncovivo.mechanism_export/1"
ExportFormat: TypeAlias = Literal["sbml", "antimony", "rxode2", "nonmem"]

_ENDINGS: Final[dict[ExportFormat, tuple[str, ...]]] = {
    "sbml": (".xml", ".sbml"),
    "antimony": (".ant", ".txt"),
    "rxode2": (".r",),
    "nonmem": (".csv",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and what a reader of it should know."""

    source: InputFile
    format: ExportFormat
    arm: str | None
    study: str | None
    seed: int | None
    written: tuple[Path, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo mechanism export``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={"format": self.format, "arm": self.arm, "study": self.study},
            seed=self.seed,
            content={"written": [path.name for path in self.written], "notes": list(self.notes)},
        )


def export_simulation_file(
    path: Path,
    out: Path,
    *,
    file_format: ExportFormat,
    arm: str | None = None,
    study: Path | None = None,
    seed: int | None = None,
) -> Exported:
    """Write the typical animal of an arm, or the dataset of a study, for another program.

    Parameters
    ----------
    path : Path
        A simulation file.
    out : Path
        File to write: ``.xml`` or ``.sbml``, ``.ant`` or ``.txt``, ``.R``, ``.csv``. Beside a
        dataset of NONMEM comes its key, ``…_key.csv``.
    file_format : {"sbml", "antimony", "rxode2", "nonmem"}
        What to write.
    arm : str, optional
        Which arm. Models need one unless there is one only; a dataset has all.
    study : Path, optional
        A study file or folder whose animals make the dataset; else one virtual study of the file's
        ``[study]``.
    seed : int, optional
        Seed of the virtual study; else the file's, else from its digest.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    InputError
        If the arm, the name of the file or the study does not fit.
    DataError
        If a dataset is asked for, and there is neither a study nor a ``[study]``.
    MissingExtraError
        If a library of the extra ``mechanism`` is not installed.
    OSError
        If the file cannot be written.
    """
    if file_format not in get_args(ExportFormat):
        raise InputError(f"a format out of {', '.join(_ENDINGS)}", found=repr(file_format))
    endings = _ENDINGS[file_format]
    if out.suffix.lower() not in endings:
        expected = f"a file ending in {' or '.join(endings)}"
        raise InputError(expected, found=out.name, where="--out", mend="rename it")
    if study is not None and file_format != "nonmem":
        raise InputError("--study with --format nonmem", found=file_format)
    simulation = read_simulation(path)
    source = input_digest(path)
    if file_format != "nonmem":
        text = _model_text(typical_animal_of(simulation, arm), file_format)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(text.encode())
        return Exported(
            source=source,
            format=file_format,
            arm=arm,
            study=None,
            seed=None,
            written=(out,),
            notes=("The text was not executed here.",) if file_format == "rxode2" else (),
        )
    used = None
    if study is None:
        used = seed if seed is not None else simulation.seed
        used = seed_of(source.sha256) if used is None else used
    animals = _virtual(simulation, used) if used is not None else _read(study)
    dataset = nonmem_dataset(simulation, animals, arm=arm)
    key = out.with_name(f"{out.stem}_key.csv")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(nonmem_text(dataset).encode())
    write_csv(dataset.key, key)
    virtual = ("The animals are virtual.",) if animals.simulated else ()
    return Exported(
        source=source,
        format=file_format,
        arm=arm,
        study=None if study is None else study.name,
        seed=used,
        written=(out, key),
        notes=(*virtual, *dataset.notes),
    )


def _model_text(animal: TypicalAnimal, file_format: ExportFormat) -> str:
    """The model in a format."""
    if file_format == "sbml":
        return sbml_text(animal)
    return antimony_of(animal) if file_format == "antimony" else rxode2_text(animal)


def _virtual(simulation: Simulation, seed: int) -> Study:
    """One virtual study of the file."""
    if simulation.study is None:
        raise DataError(
            "animals for a dataset: a study, or [study] in the simulation file",
            found="neither",
            where=simulation.name,
            mend="name a study with --study",
        )
    drawn = draw_virtual(
        simulation, n_studies=1, rng=np.random.default_rng(seed), engine="adaptive"
    )
    return to_study(drawn, 0)


def _read(path: Path | None) -> Study:
    """The one study of a file or folder."""
    studies = () if path is None else read_study(path)
    if len(studies) != 1:
        raise InputError("one study", found=str(len(studies)), where=str(path))
    return studies[0]
