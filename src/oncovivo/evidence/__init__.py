"""Literature rows, their lint, and the claims that rest on them."""

from oncovivo.evidence.claims import (
    Claim,
    ClaimResult,
    FilledSlot,
    evaluate_claim,
    evaluate_claims,
    read_claims,
    select_rows,
)
from oncovivo.evidence.records import (
    COLUMNS,
    Column,
    Record,
    Reported,
    flatten,
    read_records,
    write_records,
)
from oncovivo.evidence.vocabulary import Identifiers, read_identifiers

__all__ = [
    "COLUMNS",
    "Claim",
    "ClaimResult",
    "Column",
    "FilledSlot",
    "Identifiers",
    "Record",
    "Reported",
    "evaluate_claim",
    "evaluate_claims",
    "flatten",
    "read_claims",
    "read_identifiers",
    "read_records",
    "select_rows",
    "write_records",
]
