"""Names that other people give to columns, and the mapping that follows.

A header is compared without case, spaces and punctuation; a unit behind the name (``Volume
(cm3)``, ``bw_g``) is read as one. What is guessed is a :class:`ColumnMapping`, to be shown, and a
mapping given by the user comes before every guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.units import Dimension, parse_unit

__all__ = [
    "CANONICAL",
    "SYNONYMS",
    "ColumnMapping",
    "HeaderName",
    "MappedColumn",
    "canonical_name",
    "map_columns",
    "name_header",
    "shown_headers",
]

How: TypeAlias = Literal["exact", "synonym", "given"]

CANONICAL: Final[dict[str, tuple[Dimension, str] | None]] = {
    "study": None,
    "model": None,
    "tumor_type": None,
    "animal_id": None,
    "treatment": None,
    "cage": None,
    "day": ("time", "day"),
    "date": None,
    "treatment_start": None,
    "implant_date": None,
    "length_mm": ("length", "mm"),
    "width_mm": ("length", "mm"),
    "depth_mm": ("length", "mm"),
    "area_mm2": ("area", "mm²"),
    "volume_mm3": ("volume", "mm³"),
    "body_weight_g": ("mass", "g"),
    "end_day": ("time", "day"),
    "end_reason": None,
}
"""Columns that are read, with the dimension and the canonical unit of those that hold numbers."""

SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "study": (
        "study id",
        "study name",
        "study number",
        "study no",
        "experiment",
        "experiment id",
        "exp",
        "exp id",
    ),
    "model": (
        "model id",
        "tumor model",
        "cell line",
        "line",
        "tumor line",
        "pdx",
        "pdx id",
        "pdx model",
        "xenograft",
        "xenograft line",
        "cell line name",
    ),
    "tumor_type": ("cancer type", "tumor entity", "histology", "indication", "entity"),
    "animal_id": (
        "animal",
        "animal no",
        "animal nr",
        "animal number",
        "animal #",
        "animal name",
        "mouse",
        "mouse id",
        "mouse no",
        "mouse nr",
        "mouse number",
        "mouse #",
        "rat",
        "rat id",
        "subject",
        "subject id",
        "sample id",
        "ear tag",
        "eartag id",
        "tag",
        "tag no",
        "tier",
        "tier nr",
        "maus",
        "maus nr",
        "id",
    ),
    "treatment": (
        "arm",
        "treatment arm",
        "treatment group",
        "treatment name",
        "treatments",
        "trt",
        "arm name",
        "group name",
        "dose group",
        "group",
        "groups",
        "group id",
        "group no",
        "group number",
        "condition",
        "drug",
        "compound",
        "behandlung",
        "gruppe",
    ),
    "cage": ("cage id", "cage no", "cage number", "cage #", "box", "käfig"),
    "day": (
        "days",
        "study day",
        "day of study",
        "day on study",
        "time",
        "time point",
        "timepoint",
        "week",
        "weeks",
        "days post implant",
        "days post implantation",
        "days post inoculation",
        "days post injection",
        "days post treatment",
        "days on treatment",
        "days after treatment",
        "day post implant",
        "day post treatment",
        "dpi",
        "tag der messung",
        "tage",
    ),
    "date": (
        "measurement date",
        "date measured",
        "date of measurement",
        "measure date",
        "calendar date",
        "datum",
    ),
    "treatment_start": (
        "treatment start date",
        "start of treatment",
        "first dose",
        "first dose date",
        "date of first dose",
        "dosing start",
        "dosing start date",
        "randomization date",
        "start date",
    ),
    "implant_date": (
        "implantation date",
        "date of implantation",
        "date of implant",
        "implant day",
        "inoculation date",
        "date of inoculation",
        "injection date",
    ),
    "length_mm": (
        "length",
        "l",
        "tumor length",
        "long diameter",
        "long axis",
        "longest diameter",
        "major axis",
    ),
    "width_mm": (
        "width",
        "w",
        "tumor width",
        "short diameter",
        "short axis",
        "shortest diameter",
        "minor axis",
    ),
    "depth_mm": ("depth", "height", "h", "tumor depth", "tumor height", "thickness"),
    "area_mm2": ("area", "tumor area", "l x w", "l × w", "length x width", "length × width"),
    "volume_mm3": (
        "volume",
        "vol",
        "tv",
        "tumor volume",
        "tumor vol",
        "caliper volume",
        "volumen",
        "tumorvolumen",
    ),
    "body_weight_g": (
        "body weight",
        "bw",
        "body wt",
        "body mass",
        "mouse weight",
        "animal weight",
        "weight",
        "wt",
        "gewicht",
    ),
    "end_day": (),
    "end_reason": (),
}
"""Other names by canonical name, the likelier first; case, spaces and punctuation do not count,
and ``tumour`` is ``tumor``."""

_ALIASES: Final = {"arm": "treatment"}
# The label columns where several synonyms may stand side by side; the likelier one is taken.
_RANKED: Final = frozenset({"study", "model", "tumor_type", "treatment", "cage"})
# A header with one of these words holds something derived from a reading, not the reading.
_DERIVED: Final = re.compile(
    r"%|±|(?<![a-z])(?:percent|pct|relative|rel|ratio|changes?|delta|log\d*|ln|sd|sem|se|sterr|cv"
    r"|mean|median|average|avg|norm|normali[sz]ed|fold|rtv|tgi|predicted|fitted|initial|baseline"
    r"|start|final|max|min|nadir)(?![a-z])|δ"
)
_BRACKETS: Final = re.compile(r"[(\[{]([^)\]}]*)[)\]}]")
_SEPARATORS: Final = re.compile(r"[\s_.,;:/|-]+")
_MOST_HEADERS: Final = 12


def _fold(text: str) -> str:
    """A name without case, spaces, punctuation and the two spellings of tumor."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("tumour", "tumor")
    return "".join(c for c in plain if c.isalnum() or c == "#")


_BY_NAME: Final[dict[str, tuple[str, int]]] = {
    _fold(name): (canonical, rank)
    for canonical, names in SYNONYMS.items()
    for rank, name in enumerate((canonical, *names))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderName:
    """What a header says.

    Parameters
    ----------
    canonical : str
        Canonical name.
    exact : bool
        Whether it is the canonical name itself, or the alias ``arm``.
    rank : int
        Place in the table of synonyms.
    unit : str, optional
        Symbol of the unit named in it.
    """

    canonical: str
    exact: bool
    rank: int
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedColumn:
    """A column that is read.

    Parameters
    ----------
    canonical, theirs : str
        Our name, and the header in the file.
    how : {"exact", "synonym", "given"}
        Same name; a name of the table of synonyms; given by the user.
    unit : str, optional
        Unit that the values were converted from; None where the file's is the canonical one.
    """

    canonical: str
    theirs: str
    how: How
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column of a file is read as what.

    Parameters
    ----------
    columns : tuple of MappedColumn
        Columns that are read, in the order of the file.
    unread : tuple of str
        Headers that are not.
    """

    columns: tuple[MappedColumn, ...]
    unread: tuple[str, ...]

    @property
    def guessed(self) -> tuple[MappedColumn, ...]:
        """Columns read by a synonym."""
        return tuple(column for column in self.columns if column.how == "synonym")

    def to_dict(self) -> dict[str, object]:
        """As the ``--json`` contract shows it."""
        return {
            "columns": [
                {"canonical": c.canonical, "theirs": c.theirs, "how": c.how, "unit": c.unit}
                for c in self.columns
            ],
            "unread": list(self.unread),
        }

    def lines(self) -> tuple[str, ...]:
        """One line for each column, to be printed.

        Examples
        --------
        >>> column = MappedColumn(canonical="volume_mm3", theirs="TV", how="synonym")
        >>> ColumnMapping(columns=(column,), unread=()).lines()
        ("volume_mm3 <- 'TV' (synonym)",)
        """
        return tuple(
            f"{c.canonical} <- '{c.theirs}' ({c.how})" + (f", from {c.unit}" if c.unit else "")
            for c in self.columns
        )


def canonical_name(name: str) -> str:
    """Canonical name that a user means.

    Raises
    ------
    InputError
        If there is no such column.

    Examples
    --------
    >>> canonical_name("arm")
    'treatment'
    """
    folded = name.strip().casefold()
    folded = _ALIASES.get(folded, folded)
    if folded not in CANONICAL:
        expected = "a canonical column: " + ", ".join(CANONICAL)
        raise InputError(expected, found=repr(name))
    return folded


def name_header(header: str) -> HeaderName | None:
    """What a header says, None where it says nothing that is read.

    Examples
    --------
    >>> name_header("Tumour Volume [cm^3]")
    HeaderName(canonical='volume_mm3', exact=False, rank=4, unit='cm³')
    >>> name_header("relative volume (%)") is None
    True
    """
    text = " ".join(unicodedata.normalize("NFKC", header).casefold().split())
    if text in CANONICAL or text in _ALIASES:
        name = _ALIASES.get(text, text)
        kind = CANONICAL[name]
        unit = kind[1] if kind is not None and name != "day" else None
        return HeaderName(canonical=name, exact=True, rank=0, unit=unit)
    if _DERIVED.search(text.replace("_", " ")) and _fold(text) not in _BY_NAME:
        return None
    bracket = _BRACKETS.search(header)
    unit = None if bracket is None else _unit_symbol(bracket.group(1))
    plain = _BRACKETS.sub(" ", header)
    found = _BY_NAME.get(_fold(plain))
    if found is None and unit is None:
        # A unit without brackets is the last word, or the last two ("cubic mm").
        words = [word for word in _SEPARATORS.split(plain.strip()) if word]
        for n_unit in (1, 2):
            unit = _unit_symbol(" ".join(words[-n_unit:])) if len(words) > n_unit else None
            named = _BY_NAME.get(_fold(" ".join(words[:-n_unit]))) if unit else None
            if named is not None and _measures(named[0], unit):
                found = named
                break
        else:
            unit = None
    if found is None:
        return None
    if found[0] == "day" and unit is None and _fold(plain) in ("week", "weeks"):
        unit = "week"
    return HeaderName(canonical=found[0], exact=False, rank=found[1], unit=unit)


def map_columns(
    headers: Sequence[str], *, given: Mapping[str, str], where: str
) -> dict[int, MappedColumn]:
    """Columns of a table that are read, by position.

    Parameters
    ----------
    headers : sequence of str
        As in the file.
    given : mapping of str to str
        Their header by canonical name.
    where : str
        File, for a refusal.

    Raises
    ------
    FileFormatError
        If a header that was given is not there, or two columns could be the same reading.
    InputError
        If a mapping names a column that does not exist in the canonical layout.
    """
    mapped: dict[int, MappedColumn] = {}
    folded = [" ".join(header.casefold().split()) for header in headers]
    taken: set[str] = set()
    for ours, theirs in given.items():
        canonical = canonical_name(ours)
        wanted = " ".join(theirs.casefold().split())
        if wanted not in folded:
            expected = f"a column '{theirs}', mapped to {canonical}"
            raise FileFormatError(expected, found=shown_headers(headers), where=where)
        if canonical in taken:
            expected = f"{canonical} mapped once"
            raise InputError(expected, found=f"'{theirs}' as a second column")
        position = folded.index(wanted)
        if position in mapped:
            expected = f"column '{theirs}' mapped once"
            raise InputError(expected, found=f"{mapped[position].canonical} and {canonical}")
        unit = name_header(headers[position])
        mapped[position] = MappedColumn(
            canonical=canonical,
            theirs=headers[position],
            how="given",
            unit=_given_unit(headers[position], canonical, unit),
        )
        taken.add(canonical)
    candidates: dict[str, list[tuple[int, HeaderName]]] = {}
    for position, header in enumerate(headers):
        name = name_header(header) if position not in mapped else None
        if name is not None and name.canonical not in taken:
            candidates.setdefault(name.canonical, []).append((position, name))
    for canonical, found in candidates.items():
        position, name = _choose(canonical, found, headers, where=where)
        mapped[position] = MappedColumn(
            canonical=canonical,
            theirs=headers[position],
            how="exact" if name.exact else "synonym",
            unit=name.unit,
        )
    return dict(sorted(mapped.items()))


def shown_headers(headers: Sequence[str]) -> str:
    """The first headers, for a message."""
    shown = ", ".join(list(headers)[:_MOST_HEADERS])
    return f"columns {shown}" + (" …" if len(headers) > _MOST_HEADERS else "")


def _choose(
    canonical: str, found: list[tuple[int, HeaderName]], headers: Sequence[str], *, where: str
) -> tuple[int, HeaderName]:
    """The column meant, where several could be."""
    exact = [item for item in found if item[1].exact]
    if len(exact) > 1 and canonical == "treatment":
        expected = "one column for the arm"
        raise FileFormatError(expected, found="both 'arm' and 'treatment'", where=where)
    if exact:
        return exact[0]
    if len(found) > 1 and canonical not in _RANKED:
        names = " and ".join(f"'{headers[position]}'" for position, _ in found[:2])
        raise FileFormatError(
            f"one column that can be {canonical}",
            found=names,
            where=where,
            mend=f"say which: --map {canonical}=NAME",
        )
    return min(found, key=lambda item: (item[1].rank, item[0]))


def _given_unit(header: str, canonical: str, name: HeaderName | None) -> str | None:
    """Unit in the header of a column that the user mapped."""
    if name is not None and name.unit is not None:
        return name.unit
    texts = [match.group(1) for match in _BRACKETS.finditer(header)]
    texts += _SEPARATORS.split(header.strip())[-1:]
    units = (_unit_symbol(text) for text in texts if text)
    return next((unit for unit in units if unit and _measures(canonical, unit)), None)


def _unit_symbol(text: str) -> str | None:
    """Symbol of the unit that a text names, None where it names none."""
    try:
        return parse_unit(text).symbol
    except UnitError:
        return None


def _measures(canonical: str, unit: str | None) -> bool:
    """Whether a unit can belong to a column."""
    kind = CANONICAL[canonical]
    return kind is not None and unit is not None and parse_unit(unit).dimension == kind[0]
