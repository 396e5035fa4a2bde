"""Tumor types that a sentence or a query names."""

from __future__ import annotations

import re
from functools import lru_cache

from oncovivo.evidence.claims import Claim
from oncovivo.evidence.vocabulary import Identifiers

__all__ = ["are_related", "tumors_in_text", "tumors_of_claim"]

# Everyday names that OncoTree does not carry.
_ALIASES = {
    "breast cancer": "BRCA",
    "breast carcinoma": "BRCA",
    "colorectal cancer": "COADREAD",
    "ovarian cancer": "OVT",
    "pancreatic cancer": "PAAD",
    "pancreatic carcinoma": "PAAD",
    "fibrolamellar hepatocellular carcinoma": "FLC",
    "renal cancer": "RCC",
    "kidney cancer": "RCC",
    "gbm": "GB",
}


@lru_cache(maxsize=4096)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(name)}\b")


def tumors_in_text(text: str, identifiers: Identifiers) -> tuple[str, ...]:
    """The OncoTree codes whose name, alias or code a text uses; codes of two letters are not read.

    Codes are read as they are written, names in either case.
    """
    folded = text.casefold()
    found: dict[str, None] = {}
    for code, tumor in identifiers.tumor_types.items():
        name = tumor.name.casefold()
        named = name in folded and _word(name).search(folded)
        if named or (len(code) > 2 and code in text and _word(code).search(text)):
            found[code] = None
    for alias, code in _ALIASES.items():
        if code in identifiers.tumor_types and alias in folded and _word(alias).search(folded):
            found[code] = None
    return tuple(found)


def tumors_of_claim(claim: Claim, identifiers: Identifiers) -> tuple[str, ...]:
    """The OncoTree codes that a claim speaks of, in its text or its query."""
    queried = [
        str(code)
        for column in ("oncotree", "filed_under")
        for code in claim.where.get(column, ())
        if code in identifiers.tumor_types
    ]
    return tuple(dict.fromkeys([*tumors_in_text(claim.text, identifiers), *queried]))


def are_related(one: str, other: str, identifiers: Identifiers) -> bool:
    """Whether one code is the other or a kind of it."""
    return one == other or one in identifiers.lineage(other) or other in identifiers.lineage(one)
