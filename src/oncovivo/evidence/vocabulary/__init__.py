"""Closed word lists; identifiers of tumor types and compounds with the version of their source."""

from oncovivo.evidence.vocabulary.identifiers import (
    Compound,
    Identifiers,
    TumorType,
    read_identifiers,
)
from oncovivo.evidence.vocabulary.words import WORD_LISTS, State, meaning, words

__all__ = [
    "WORD_LISTS",
    "Compound",
    "Identifiers",
    "State",
    "TumorType",
    "meaning",
    "read_identifiers",
    "words",
]
