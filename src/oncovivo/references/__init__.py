"""Bibliography: CSL-JSON in, citations and a bibliography out."""

from oncovivo.references.bibliography import (
    BibliographyEntry,
    FormattedBibliography,
    Run,
    format_bibliography,
)
from oncovivo.references.library import (
    SOURCE_KINDS,
    VERIFICATIONS,
    Library,
    Reference,
    read_references,
)

__all__ = [
    "SOURCE_KINDS",
    "VERIFICATIONS",
    "BibliographyEntry",
    "FormattedBibliography",
    "Library",
    "Reference",
    "Run",
    "format_bibliography",
    "read_references",
]
