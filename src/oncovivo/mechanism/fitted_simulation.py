"""A simulation file with fitted numbers in the place of those it had."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError
from oncovivo.mechanism.blocks import Transform
from oncovivo.texts import parse_toml

__all__ = ["FittedNumber", "fitted_simulation_text"]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
# The longest list that stands on one line.
_LONG: Final = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNumber:
    """A number that was fitted.

    Parameters
    ----------
    name, unit : str
        Of the model.
    transform : {"log", "logit", "identity"}
        Scale of `spread` and `standard_error`.
    value : float
        Of the typical animal.
    lower, upper : float
        Ends of the logit; infinite elsewhere.
    spread : float or None
        Standard deviation between animals; None where they do not differ.
    standard_error : float or None
        Of the typical value; None where it is not to be used.
    """

    name: str
    unit: str
    transform: Transform
    value: float
    lower: float
    upper: float
    spread: float | None
    standard_error: float | None

    def entry(self, source: str) -> dict[str, object]:
        """What stands under ``[values.NAME]`` of a simulation file.

        Parameters
        ----------
        source : str
            Where the number is from.
        """
        entry: dict[str, object] = {
            "value": self.value,
            "unit": self.unit,
            "status": "fitted",
            "source": source,
        }
        if self.spread:
            if self.transform == "logit":
                entry["between_animal_sd"] = self.spread
            else:
                entry["between_animal_cv"] = self._cv(self.spread)
        if self.standard_error:
            entry["uncertainty_cv"] = self._cv(self.standard_error)
        return entry

    def _cv(self, deviation: float) -> float:
        """The coefficient of variation that simulations turn back into the deviation."""
        if self.transform == "log":
            return math.sqrt(math.expm1(deviation**2))
        if self.transform == "logit":
            return deviation * (1.0 - (self.value - self.lower) / (self.upper - self.lower))
        return deviation / abs(self.value) if self.value else 0.0


def fitted_simulation_text(
    original: Path,
    out: Path,
    *,
    numbers: Sequence[FittedNumber],
    source: str,
    note: str,
    sigma: float,
) -> str:
    """The text of a simulation file with fitted numbers, for all arms.

    Blocks and sets that the original names by path are named from where the new file stands. The
    error of a reading becomes that of the caliper of a ``[study]``. Comments are not kept.

    Parameters
    ----------
    original : Path
        The simulation that was fitted.
    out : Path
        Where the new one will be.
    numbers : sequence of FittedNumber
        What replaces its numbers.
    source : str
        Where they are from.
    note : str
        What a reader should know of them; stands before the note of the original.
    sigma : float
        Standard deviation of the logarithm of a reading.

    Raises
    ------
    FileFormatError
        If the original cannot be read.
    """
    try:
        content = parse_toml(original.read_text(encoding="utf-8"), where=original.name)
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("a simulation file", found=reason, where=str(original)) from err
    content["title"] = f"{content['title']} · fitted"
    content["note"] = f"{note} {str(content.get('note', '')).strip()}".strip()
    for key in ("blocks", "parameters"):
        entries = content[key]
        content[key] = [_moved(entry, original, out) for entry in _list(entries)]
    values = dict(_table(content.get("values")))
    values.update({one.name: one.entry(source) for one in numbers})
    content["values"] = values
    if "study" in content:
        content["study"] = {
            **_table(content["study"]),
            "caliper_cv": math.sqrt(math.expm1(sigma**2)),
        }
    return "\n".join(_lines(content, ())) + "\n"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _moved(entry: object, original: Path, out: Path) -> object:
    """A block or set as the new file has to name it."""
    if isinstance(entry, dict):
        return {**entry, "block": _moved(entry["block"], original, out)}
    name = str(entry)
    if not name.endswith(".toml"):
        return name
    place = (original.parent / name).resolve()
    return Path(os.path.relpath(place, out.parent.resolve())).as_posix()


def _lines(table: Mapping[str, object], path: tuple[str, ...]) -> list[str]:
    """A table as TOML: its own entries first, then the tables in it."""
    lines = []
    inner: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict) or _is_tables(value):
            inner.append((key, value))
        else:
            lines.append(f"{_key(key)} = {_inline(value)}")
    for key, value in inner:
        place = (*path, key)
        name = ".".join(_key(part) for part in place)
        for one in value if isinstance(value, list) else [value]:
            own = _lines(_table(one), place)
            # A table of nothing but tables needs no heading, unless it is one of several.
            bare = not isinstance(value, list) and bool(own) and own[0] == ""
            heading = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            lines += own if bare else ["", heading, *own]
    return lines


def _is_tables(value: object) -> bool:
    """Whether a list is one of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _inline(value: object) -> str:
    """A value on the right of an equals sign."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        parts = [_inline(one) for one in value]
        line = f"[{', '.join(parts)}]"
        return line if len(line) <= _LONG else "[\n" + "".join(f"  {p},\n" for p in parts) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    return repr(value)
