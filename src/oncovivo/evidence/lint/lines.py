"""What the name of a line or of a strain tells about species and immune system."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["immune_status_of", "known_lines", "species_of"]

Species = Literal["human", "mouse"]

# Names as Cellosaurus lists them, without hyphens and case; the species is that of the donor.
_HUMAN = (
    "786o 769p a498 achn caki1 caki2 u87 u87mg u251 u251mg u373 t98g ln229 daoy d283 "
    "mdamb231 mdamb435 mdamb468 bt474 bt549 mcf7 t47d skbr3 hcc1954 jeko1 mino rec1 granta519 "
    "sp53 hssultan aspc1 bxpc3 suit2 miapaca2 panc1 pc3 lncap du145 22rv1 rh18 rh30 518a2 meljuso "
    "607b a375 skmel28 a549 h460 h1299 hct116 ht29 sw480 sw620 colo205 hepg2 huh7 hep3b skov3 "
    "ovcar3 a2780 hela k562 hl60 molm13 raji ramos daudi a431 fadu"
)
_MOUSE = (
    "renca b16 b16f1 b16f10 4t1 4t07 67nr ct26 mc38 colon26 llc llc1 ll2 gl261 emt6 a20 pan02 kpc "
    "el4 l1210 p388 s180 neuro2a n2a tramp trampc1 trampc2 cloudman yac1 hepa16 h22"
)
_SPECIES: dict[str, Species] = {
    **dict.fromkeys(_HUMAN.split(), "human"),
    **dict.fromkeys(_MOUSE.split(), "mouse"),
}

_DEFICIENT = re.compile(
    r"\b(?:nude|nu/nu|athymic|scid|nsg|nog|rag[-\d]*|foxn1|prkdc|immunodeficient)", re.IGNORECASE
)
_COMPETENT = re.compile(
    r"\b(?:balb/?c|c57bl|b6\b|black 6|fvb|c3h|dba|129s|swiss|cd-?1|icr|immunocompetent)",
    re.IGNORECASE,
)


def known_lines(name: str) -> tuple[tuple[str, Species], ...]:
    """The lines of known species that a name holds, with their species.

    A derivative counts as its parent: ``RENCA-CA9`` is ``RENCA``.

    Examples
    --------
    >>> known_lines("RENCA-CA9")
    (('RENCA', 'mouse'),)
    >>> known_lines("786-O/Caki-1")
    (('786-O', 'human'), ('Caki-1', 'human'))
    """
    found: list[tuple[str, Species]] = []
    for token in re.split(r"[\s()/,;&+]+", name):
        parts = token.split("-")
        for end in range(len(parts), 0, -1):
            species = _SPECIES.get("".join(parts[:end]).casefold())
            if species is not None:
                found.append(("-".join(parts[:end]), species))
                break
    return tuple(dict.fromkeys(found))


def species_of(name: str) -> Species | None:
    """The species of the line that a name means; None when it is not known or not one.

    Examples
    --------
    >>> species_of("4T1"), species_of("patient 12")
    ('mouse', None)
    """
    species = {species for _, species in known_lines(name)}
    return species.pop() if len(species) == 1 else None


def immune_status_of(strain: str) -> Literal["immunodeficient", "immunocompetent"] | None:
    """The immune status that the name of a strain implies; None when it implies none.

    Examples
    --------
    >>> immune_status_of("BALB/c nude"), immune_status_of("BALB/c"), immune_status_of("mouse")
    ('immunodeficient', 'immunocompetent', None)
    """
    if _DEFICIENT.search(strain):
        return "immunodeficient"
    return "immunocompetent" if _COMPETENT.search(strain) else None
