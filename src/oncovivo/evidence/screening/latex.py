"""Text as LaTeX writes it, as plain text: accents, letters, quotes and commands of style."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["plain_latex"]

_ACCENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "`": "\u0300",
        "'": "\u0301",
        "^": "\u0302",
        "~": "\u0303",
        "=": "\u0304",
        "u": "\u0306",
        ".": "\u0307",
        '"': "\u0308",
        "r": "\u030a",
        "H": "\u030b",
        "v": "\u030c",
        "d": "\u0323",
        "c": "\u0327",
        "k": "\u0328",
        "b": "\u0331",
    }
)
_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ss": "ß",
        "o": "ø",
        "O": "Ø",
        "l": "ł",
        "L": "Ł",
        "ae": "æ",
        "AE": "Æ",
        "oe": "œ",
        "OE": "Œ",
        "aa": "å",
        "AA": "Å",
        "i": "\u0131",
        "j": "\u0237",
        "dh": "ð",
        "DH": "Ð",
        "th": "þ",
        "TH": "Þ",
        "alpha": "α",
        "beta": "β",
        "gamma": "γ",
        "delta": "δ",
        "Delta": "Δ",
        "epsilon": "ε",
        "kappa": "κ",
        "lambda": "λ",
        "mu": "μ",
        "sigma": "σ",
        "omega": "ω",
        "times": "×",
        "pm": "±",
        "le": "≤",
        "leq": "≤",
        "ge": "≥",
        "geq": "≥",
        "sim": "~",
        "textendash": "–",
        "textemdash": "—",
        "textquoteright": "\u2019",
        "textquoteleft": "\u2018",
        "textquotedblleft": "“",
        "textquotedblright": "”",
        "textregistered": "®",
        "texttrademark": "™",
        "textmu": "µ",
        "textdegree": "°",
        "ldots": "…",
        "dots": "…",
        "textbackslash": "\\",
    }
)
# Commands that only say how their argument looks.
_STYLES: Final = re.compile(
    "text(?:it|bf|sc|rm|tt|sf|superscript|subscript)?|math(?:rm|it|bf)|emph|url|href|bf|it|em|rm|sc"
    "|noopsort|relax|ensuremath|mbox"
)
_SIGNS: Final = "&%$#_{}"
_BARE_SPACES: Final = " ,;:!/@-\n\t"
_PIECE: Final = re.compile(
    r"""
      \\(?P<accent>[`'^~=."]|[urHvdckb](?![A-Za-z]))\s*
         (?:\{\s*\\?(?P<braced>[A-Za-z])\s*\}|\\?(?P<bare>[A-Za-z]))
    | \\(?P<word>[A-Za-z]+)(?:\s*\{\}|\s+|(?=[^A-Za-z])|$)
    | \\(?P<sign>[^A-Za-z])
    | (?P<dashes>---?)
    | (?P<quotes>``|'')
    | (?P<other>[{}$~])
    """,
    re.VERBOSE,
)


def plain_latex(text: str) -> tuple[str, tuple[str, ...]]:
    r"""The text without LaTeX, and the commands that are not known, which stay in it.

    Examples
    --------
    >>> plain_latex(r"{\"O}z{\c c}elik and \textit{in vivo} {\ss} \& \'{\i}")
    ('Özçelik and in vivo ß & í', ())
    >>> plain_latex(r"\mystery{x}")
    ('\\mysteryx', ('\\mystery',))
    """
    unknown: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found["accent"]:
            letter = found["braced"] or found["bare"]
            return unicodedata.normalize("NFC", letter + _ACCENTS[found["accent"]])
        if word := found["word"]:
            if word in _LETTERS:
                return _LETTERS[word]
            if _STYLES.fullmatch(word):
                return ""
            unknown.append(f"\\{word}")
            return found.group().rstrip("{}")
        if sign := found["sign"]:
            if sign in _SIGNS:
                return sign
            if sign in _BARE_SPACES:
                return "" if sign in "/-@!" else " "
            unknown.append(f"\\{sign}")
            return found.group()
        if dashes := found["dashes"]:
            return "—" if len(dashes) == 3 else "–"
        if found["quotes"]:
            return "“" if found["quotes"] == "``" else "”"
        return " " if found["other"] == "~" else ""

    plain = _PIECE.sub(put, text)
    return " ".join(plain.split()), tuple(dict.fromkeys(unknown))
