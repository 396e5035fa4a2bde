"""The assays that a marker table may name: what their numbers can be and how they are compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import InputError, UnitError
from oncovivo.units import parse_unit

__all__ = ["ASSAYS", "Assay", "AssayScale", "find_assay", "unit_symbol"]

AssayScale: TypeAlias = Literal["ratio", "log2", "cycles", "ordinal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """What the numbers of one kind of assay can be.

    Parameters
    ----------
    name : str
        As a marker table writes it.
    words : str
        As a sentence writes it.
    scale : {"ratio", "log2", "cycles", "ordinal"}
        ``ratio``: 0 is none and quotients mean something; ``log2``: differences are logarithms of
        quotients; ``cycles``: threshold cycles of a PCR, compared after :func:`normalized_qpcr`
        only; ``ordinal``: more or less, without distances.
    lower, upper : float
        Smallest and largest number.
    unit : str
        Unit where the table names none; empty where it must say so itself or there is none.
    steps : tuple of float
        The only numbers that occur; empty where all between the limits do.
    """

    name: str
    words: str
    scale: AssayScale
    lower: float = 0.0
    upper: float = math.inf
    unit: str = ""
    steps: tuple[float, ...] = ()

    @property
    def domain(self) -> str:
        """What a number can be, in words.

        Examples
        --------
        >>> ASSAYS["h_score"].domain, ASSAYS["allred"].domain, ASSAYS["elisa"].domain
        ('0 to 300', '0, 2, 3, 4, 5, 6, 7 or 8', '0 or more')
        """
        if self.steps:
            *first, last = (f"{step:g}" for step in self.steps)
            return f"{', '.join(first)} or {last}"
        if self.upper < math.inf:
            return f"{self.lower:g} to {self.upper:g}"
        return f"{self.lower:g} or more" if self.lower > -math.inf else "any number"


_KNOWN: Final = (
    Assay(name="h_score", words="H-score", scale="ratio", upper=300.0, unit="H-score"),
    Assay(name="percent_positive", words="positive cells", scale="ratio", upper=100.0, unit="%"),
    Assay(name="labeling_index", words="labeling index", scale="ratio", upper=100.0, unit="%"),
    Assay(name="area_percent", words="stained area", scale="ratio", upper=100.0, unit="%"),
    Assay(
        name="allred",
        words="Allred score",
        scale="ordinal",
        upper=8.0,
        unit="Allred",
        # A proportion above 0 brings an intensity above 0: there is no 1.
        steps=(0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
    ),
    Assay(name="vessel_density", words="microvessel density", scale="ratio"),
    Assay(name="blot", words="blot", scale="ratio"),
    Assay(name="elisa", words="ELISA", scale="ratio"),
    Assay(name="rppa", words="reverse-phase protein array", scale="ratio"),
    Assay(
        name="rppa_log2",
        words="reverse-phase protein array",
        scale="log2",
        lower=-math.inf,
        unit="log2",
    ),
    Assay(name="signal_ratio", words="ratio of signals", scale="ratio", unit="1"),
    Assay(name="qpcr_ct", words="threshold cycle", scale="cycles", upper=60.0, unit="cycle"),
    Assay(
        name="qpcr_log2",
        words="relative quantity by PCR",
        scale="log2",
        lower=-math.inf,
        unit="log2",
    ),
    Assay(name="expression", words="expression", scale="log2", lower=-math.inf, unit="log2"),
    Assay(name="copy_number", words="copy number", scale="ratio", unit="copies"),
    Assay(
        name="genotype", words="genotype", scale="ordinal", upper=1.0, unit="mutated", steps=(0, 1)
    ),
    Assay(name="imaging", words="imaging", scale="ratio"),
    Assay(name="other", words="assay not named", scale="ratio", lower=-math.inf),
)
ASSAYS: Final[Mapping[str, Assay]] = MappingProxyType({assay.name: assay for assay in _KNOWN})
"""The assays by name."""

# Other spellings, folded; what IHC measured only its unit tells.
_SPELLINGS: Final[Mapping[str, str]] = {
    "": "other",
    "hscore": "h_score",
    "histoscore": "h_score",
    "percentpositive": "percent_positive",
    "positivecells": "percent_positive",
    "ki67": "labeling_index",
    "ki67index": "labeling_index",
    "pcna": "labeling_index",
    "pcnaindex": "labeling_index",
    "areapercent": "area_percent",
    "allredscore": "allred",
    "mvd": "vessel_density",
    "microvesseldensity": "vessel_density",
    "western": "blot",
    "westernblot": "blot",
    "immunoblot": "blot",
    "ct": "qpcr_ct",
    "cq": "qpcr_ct",
    "qpcr": "qpcr_ct",
    "rnaseq": "expression",
    "cnv": "copy_number",
    "cn": "copy_number",
    "mutation": "genotype",
}
_BY_FOLDED: Final = {re.sub(r"[\W_]+", "", name): name for name in ASSAYS} | dict(_SPELLINGS)
_IHC: Final[Mapping[str, str]] = {
    "hscore": "h_score",
    "%": "percent_positive",
    "percent": "percent_positive",
    "allred": "allred",
}


def find_assay(name: str, unit: str = "") -> Assay:
    """The assay that a table names.

    Parameters
    ----------
    name : str
        Any common spelling; ``IHC`` alone is told apart by the unit.
    unit : str
        Unit of its numbers.

    Raises
    ------
    InputError
        If there is no such assay.

    Examples
    --------
    >>> find_assay("Western blot").name, find_assay("IHC", "H-score").name
    ('blot', 'h_score')
    """
    folded = re.sub(r"[\W_]+", "", name.casefold())
    if folded in ("ihc", "immunohistochemistry"):
        known = _IHC.get(re.sub(r"[\s_-]+", "", unit.casefold()))
        if known is not None:
            return ASSAYS[known]
        raise InputError(
            "the score of an immunohistochemistry",
            found=f"'{name}' in '{unit}'" if unit else f"'{name}' without a unit",
            mend="name h_score, percent_positive, labeling_index, area_percent, allred or "
            "vessel_density as the assay",
        )
    if folded not in _BY_FOLDED:
        expected = "an assay that is known: " + ", ".join(ASSAYS)
        raise InputError(expected, found=f"'{name}'")
    return ASSAYS[_BY_FOLDED[folded]]


def unit_symbol(text: str, assay: Assay) -> str:
    """One spelling of a unit; that of the assay where the text is blank.

    Examples
    --------
    >>> unit_symbol("pg/ml", ASSAYS["elisa"]), unit_symbol("", ASSAYS["h_score"])
    ('pg/mL', 'H-score')
    """
    if not text.strip():
        return assay.unit
    try:
        return parse_unit(text).symbol
    except UnitError:
        # Arbitrary units of a reader or a scanner are units of their own.
        same = text.strip().casefold() == assay.unit.casefold()
        return assay.unit if same else text.strip()
