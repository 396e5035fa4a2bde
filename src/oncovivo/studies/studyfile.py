"""The file ``study.toml``: what it may say, and how it becomes parts of a study."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oncovivo.errors import FileFormatError
from oncovivo.studies.caliper import VolumeFormula
from oncovivo.studies.dates import DateOrder
from oncovivo.studies.padding import Zeros
from oncovivo.studies.readings import SheetMeaning
from oncovivo.studies.study import GraftType, Host, Role, XenograftLine
from oncovivo.texts import check_characters, parse_toml

__all__ = ["StudyFile", "read_study_file"]


class _Strict(BaseModel):
    """Unknown keys are errors and values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LineEntry(_Strict):
    """The table ``[line]``."""

    name: str = Field(min_length=1)
    tumor_type: str | None = None
    tumor_type_id: str | None = None
    rrid: str | None = None
    graft_type: GraftType = "not_stated"
    site: str | None = None

    def to_line(self) -> XenograftLine:
        """The part of the study."""
        return XenograftLine(
            name=self.name,
            tumor_type=self.tumor_type,
            tumor_type_id=self.tumor_type_id,
            rrid=self.rrid,
            graft_type=self.graft_type,
            site=self.site,
        )


class HostEntry(_Strict):
    """The table ``[host]``."""

    species: str | None = None
    strain: str | None = None
    rrid: str | None = None
    sex: str | None = None
    immune_status: str | None = None

    def to_host(self) -> Host:
        """The part of the study."""
        return Host(
            species=self.species,
            strain=self.strain,
            rrid=self.rrid,
            sex=self.sex,
            immune_status=self.immune_status,
        )


class ArmEntry(_Strict):
    """A table ``[[arm]]``; ``regimen`` is one text or a list of texts."""

    name: str = Field(min_length=1)
    role: Role = "not_stated"
    regimen: str | list[str] = Field(default_factory=list)

    def regimen_texts(self) -> tuple[str, ...]:
        """Texts of the regimens."""
        return (self.regimen,) if isinstance(self.regimen, str) else tuple(self.regimen)


class ReadEntry(_Strict):
    """The table ``[read]``: how to read a file of measurements that is not in the long layout.

    ``columns`` names their column by canonical name, ``units`` the unit of a column; ``day_zero``
    is a date, ``treatment``, ``implant`` or ``first``.
    """

    file: str | None = Field(default=None, pattern=r"^[^/\\:]+$")
    columns: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    formula: VolumeFormula | None = None
    day_zero: date | str | None = None
    date_order: DateOrder | None = None
    sheets: SheetMeaning | None = None
    only_sheets: list[str] = Field(default_factory=list)


class StudyFile(_Strict):
    """Content of ``study.toml``."""

    id: str | None = Field(default=None, min_length=1)
    title: str = Field(min_length=1)
    simulated: bool = False
    randomized: bool | None = None
    source: str | None = None
    licence: str | None = None
    baseline_day: float | None = Field(default=None, allow_inf_nan=False)
    limit_mm3: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    zeros: Zeros | None = None
    volume_formula: VolumeFormula | None = None
    notes: list[str] = Field(default_factory=list)
    read: ReadEntry = Field(default_factory=ReadEntry)
    line: LineEntry
    host: HostEntry = Field(default_factory=HostEntry)
    arm: list[ArmEntry] = Field(default_factory=list)


def read_study_file(path: Path) -> StudyFile:
    """Content of a ``study.toml``.

    Raises
    ------
    FileFormatError
        If the file is missing, is no TOML, or has a key, type or word that it may not have.
    """
    name = f"{path.absolute().parent.name}/{path.name}"
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        expected = "a study file"
        raise FileFormatError(expected, found=error.strerror or "", where=name) from error
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at byte {error.start}"
        raise FileFormatError("UTF-8 text", found=found, where=name) from error
    check_characters(text, where=name)
    content = parse_toml(text, where=name)
    try:
        return StudyFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileFormatError(
            "a study file without errors",
            found=f"{place}: {first['msg']}",
            where=name,
        ) from error
