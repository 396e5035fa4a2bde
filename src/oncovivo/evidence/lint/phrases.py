"""Words that the rules look for in sentences, and how they are found.

A word in a clause that denies it is not found: "no row tests synergy" does not claim synergy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = [
    "ADJECTIVE",
    "ANIMAL",
    "APPROVAL",
    "BENEFIT",
    "BOILERPLATE",
    "CAUSAL",
    "ENHANCEMENT",
    "FAILURE",
    "HEADLINE",
    "IN_VITRO",
    "IN_VIVO",
    "PATIENT",
    "PROCEDURE",
    "REGIMEN",
    "REPRESENTATIVE",
    "SHARE",
    "SIGNIFICANCE",
    "SINGLE",
    "SYNERGY",
    "mentions",
    "phrases",
    "sentences",
    "stem",
]


def _words(*alternatives: str) -> re.Pattern[str]:
    """A pattern of whole words, upper or lower case alike."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_MODELS = (
    r"(?:tumou?r|cancer|carcinoma|lymphoma|melanoma|glioblastoma|sarcoma|mouse|murine|animal"
    r"|preclinical|engineered|rcc|mcl|gbm|hcc|nsclc|aml) models?"
)
_ANIMALS = (
    r"in vivo",
    r"xenograft\w*",
    r"allograft\w*",
    r"tumou?rgrafts?",
    r"mice",
    r"mouse",
    r"murine",
    r"animals?",
    r"syngeneic",
    r"pdx",
    r"gemms?",
    r"euthan\w+",
    _MODELS,
)

IN_VIVO = _words(*_ANIMALS)
"""The sentence speaks of animals and of nothing wider."""

ANIMAL = _words(*_ANIMALS, r"pre-?clinical(?:ly)?")
"""The sentence speaks of animals or of preclinical work."""

IN_VITRO = _words(r"in vitro", r"cell lines?", r"cells", r"cultured?")
"""The sentence says that it speaks of cells."""

PATIENT = _words(
    r"patients?", r"(?<!pre-)clinical(?:ly)?", r"clinic", r"trials?", r"people", r"biops\w+"
)
"""The sentence says that it speaks of people."""

SINGLE = _words(r"one", r"single", r"sole", r"only", r"case", r"n ?= ?1", r"1")
"""The sentence says that it rests on one subject."""

HEADLINE = _words(
    r"most (?:robust|consistent|effective|active|sensitive|responsive|pronounced|potent)\w*",
    r"strongest",
    r"greatest",
    r"highest (?=efficacy|activity|sensitivity|response)",
    r"best(?! (?:average )?response)",
    r"superior",
    r"unmatched",
    r"broad[- ]spectrum",
    r"notabl[ey]",
    r"(?:particularly|especially|exceptionally) (?:active|effective|sensitive|responsive)",
)
"""A superlative, or a word that puts a tumor type above others."""

ADJECTIVE = _words(
    r"dramatic\w*",
    r"massive\w*",
    r"robust(?:ly)?(?! (?:variance|standard|regression|fit|estimat))",
    r"potent(?:ly)?",
    r"remarkabl[ey]",
    r"striking(?:ly)?",
    r"impressive\w*",
    r"considerabl[ey]",
    r"substantial(?:ly)?",
    r"markedly",
    r"profound(?:ly)?",
    r"strong(?:ly)?",
    r"outstanding(?:ly)?",
    r"excellent",
    r"promising",
    r"powerful(?:ly)?",
    r"vast(?:ly)?",
    r"huge",
)
"""An adjective of size that stands in for a number."""

SYNERGY = _words(r"synerg\w*", r"supra-?additiv\w*", r"super-?additiv\w*")
"""More than additive."""

ENHANCEMENT = _words(r"enhanc\w+", r"potentiat\w+", r"augment\w*", r"sensiti[sz]\w+", r"boost\w*")
"""One treatment changes the effect of another."""

SIGNIFICANCE = _words(r"significan(?:t|tly|ce)")
"""The outcome of a statistical test."""

REPRESENTATIVE = _words(
    r"representative", r"typical(?:ly)?", r"standard", r"usual(?:ly)?", r"commonly", r"customary"
)
"""One case stands for many."""

REGIMEN = re.compile(r"\b(?:regimens?|dos(?:es?|ed|ages?|ing)|schedules?)\b|mg/kg", re.IGNORECASE)
"""How a compound was given."""

BENEFIT = _words(
    r"efficac\w+",
    r"activity",
    r"active",
    r"effective\w*",
    r"potential",
    r"promis\w+",
    r"benefit\w*",
    r"improv\w+",
    r"synerg\w*",
    r"enhanc\w+",
    r"inhibit\w*",
    r"sensitive",
)
"""The sentence speaks for the treatment."""

FAILURE = re.compile(
    r"\b(?:no (?:effect|benefit|difference|response|patient|animal|growth)\w*|not (?:predict|met|"
    r"significant|reach|effective|sensitive|associated)\w*|marginal(?:ly)?|little|resistan\w+|"
    r"fail\w*|stopped|ineffective|less (?:sensitive|effective)|unchanged|0 of \d+)\b",
    re.IGNORECASE,
)
"""The result speaks against the treatment."""

SHARE = re.compile(r"\b(\d+)\s*(?:of|/|out of)\s*(\d+)\b")
"""A count out of a total, as '4 of 17'."""

CAUSAL = _words(
    r"led to",
    r"leads? to",
    r"leading to",
    r"because(?: of)?",
    r"due to",
    r"caus(?:es|ed|ing)",
    r"result(?:s|ed|ing) in",
    r"owing to",
)
"""One thing brought about another."""

APPROVAL = re.compile(
    r"\b(?:fda|ema|nmpa|pmda)?-?(?:approv(?:ed|al|als|es)|licen[sc]ed|"
    r"(?:marketing )?authori[sz](?:ed|ation))\b(?! by (?:the |an? )?(?:local |institutional )?"
    r"(?:ethic|animal|committee|board|iacuc))",
    re.IGNORECASE,
)
"""An agency let the compound be sold."""

PROCEDURE = re.compile(
    r"\b(?:calipers?|inject\w*|implant\w*|inoculat\w*|formulated|administered|(?:twice|once) "
    r"(?:weekly|daily)|palpable|euthan\w+|excised|subcutaneous(?:ly)?|mg/kg|length|width|"
    r"immunohistochemi\w+|vehicle-treated)\b",
    re.IGNORECASE,
)
"""A step of an experiment."""

BOILERPLATE = re.compile(
    r"custom synthesis|synthesized to order|(?:get|request)(?: an?)?(?: online)? quote|"
    r"bulk[- ]grade|industrial grade|research use only|no warrant(?:y|ies)|cat(?:alog(?:ue)?)?\. ?"
    r"no|add to cart|in stock|place (?:an|your) order|contact (?:us|our|sales)|product page|"
    r"full resolution|trusted (?:global )?(?:source|supplier)|rare[- ]earth|isotop(?:e|ic) label|"
    r"\b[\w.+-]+@[\w-]+\.\w+|\bwww\.|special offer|technical support",
    re.IGNORECASE,
)
"""The voice of a supplier."""

_DENIAL = re.compile(
    r"\b(?:no|not(?! only)|none|nor|never|neither|without|lacks?|untested|whether|cannot|zero)\b"
    r"[^.;:,]{0,80}$",
    re.IGNORECASE,
)


def phrases(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """The distinct phrases that a pattern finds outside of denials, in order of appearance.

    Examples
    --------
    >>> phrases(SYNERGY, "Synergy was claimed; synergistic necrosis")
    ('Synergy', 'synergistic')
    >>> phrases(SYNERGY, "No row tests synergy against a null model")
    ()
    """
    found = (
        match.group().strip()
        for match in pattern.finditer(text)
        if not _DENIAL.search(text[: match.start()])
    )
    return tuple(dict.fromkeys(found))


def mentions(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a pattern occurs at all, denied or not."""
    return pattern.search(text) is not None


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, split at full stops, question marks and line ends."""
    for part in re.split(r"(?<=[.!?])\s+|\n+", text):
        if part.strip():
            yield part


def stem(word: str) -> str:
    """The stem of an adjective, so that 'dramatically' and 'dramatic' meet.

    Examples
    --------
    >>> stem("Dramatically")
    'dramatic'
    """
    return re.sub(r"(?:al)?ly$|ful$|e$|y$", "", word.casefold())
