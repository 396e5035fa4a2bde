"""Models and data for other programs, and from them: SBML, Antimony, NONMEM, rxode2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.mechanism.exchange.antimony_text import (
        antimony_of,
        model_from_antimony,
        read_antimony,
    )
    from oncovivo.mechanism.exchange.nonmem import (
        compound_doses,
        nonmem_dataset,
        nonmem_text,
        read_nonmem,
    )
    from oncovivo.mechanism.exchange.rxode2_text import rxode2_text
    from oncovivo.mechanism.exchange.sbml_in import ImportedModel, model_from_sbml, read_sbml
    from oncovivo.mechanism.exchange.sbml_out import sbml_text
    from oncovivo.mechanism.exchange.typical_animal import (
        TypicalAnimal,
        typical_animal,
        typical_animal_of,
    )

__all__ = [
    "ImportedModel",
    "TypicalAnimal",
    "antimony_of",
    "compound_doses",
    "model_from_antimony",
    "model_from_sbml",
    "nonmem_dataset",
    "nonmem_text",
    "read_antimony",
    "read_nonmem",
    "read_sbml",
    "rxode2_text",
    "sbml_text",
    "typical_animal",
    "typical_animal_of",
]

import_when_used(__name__)
