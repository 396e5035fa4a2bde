"""``screening.toml``: how many people decide, and the reasons for which reports are excluded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_text
from oncovivo.texts import parse_toml

__all__ = ["ScreeningSettings", "read_settings"]

_Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
_Label = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class ScreeningSettings(BaseModel):
    """What a screening declares beforehand.

    Parameters
    ----------
    title : str
        Of the review; printed above the flow diagram.
    raters : int
        How many people decide on each record at each stage, 1 to 9.
    reasons : mapping of str to str
        Words for why a report is excluded, with how the diagram prints them, in its order.
    fictitious : bool
        Whether the records are made up; the diagram then says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str = ""
    raters: int = Field(default=1, ge=1, le=9)
    reasons: Mapping[_Word, _Label] = Field(default_factory=dict)
    fictitious: bool = False


def read_settings(path: Path) -> ScreeningSettings:
    """The settings of a ``screening.toml``.

    Raises
    ------
    FileFormatError
        If the file is missing or malformed, or a key is unknown.
    """
    content = parse_toml(read_text(path), where=path.name)
    try:
        return ScreeningSettings.model_validate(content)
    except ValidationError as err:
        raise FileFormatError.from_validation(err, what="a screening", where=path.name) from err
