"""The build stops when the data no longer carry a sentence as its author expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oncovivo.errors import FindingsError
from oncovivo.evidence import ClaimResult

__all__ = ["FallenClaimsError", "enforce_claims", "fallen_claims"]


class FallenClaimsError(FindingsError):
    """Claims whose verdict changed or whose slots cannot be filled."""

    code = "fallen_claims"

    def __init__(self, claims: Sequence[ClaimResult]) -> None:
        self.claims = tuple(claims)
        super().__init__(
            "every claim to get the verdict that it expects",
            found="; ".join(describe_fall(claim) for claim in claims),
            where="claims.toml",
            mend="change the sentence or its 'expect', or bring back the rows",
        )

    @property
    def details(self) -> Mapping[str, object]:
        """The fallen claims: id, both verdicts, rows and slots that cannot be filled."""
        return {
            "claims": [
                {
                    "id": result.claim.id,
                    "text": result.text,
                    "expect": result.claim.expect,
                    "verdict": result.verdict,
                    "rows": list(result.rows),
                    "supporting": list(result.supporting),
                    "contradicting": list(result.contradicting),
                    "unfilled": [
                        {"slot": slot.name, "reason": slot.reason} for slot in result.unfilled
                    ],
                }
                for result in self.claims
            ]
        }


def describe_fall(result: ClaimResult) -> str:
    """Why a claim fell: both verdicts and its rows, or the slots that cannot be filled."""
    parts = []
    if result.verdict != result.claim.expect:
        rows = ", ".join(result.rows) or "none"
        parts.append(
            f"was {result.claim.expect}, is {result.verdict} "
            f"(supporting: {', '.join(result.supporting) or 'none'}; "
            f"contradicting: {', '.join(result.contradicting) or 'none'}; rows: {rows})"
        )
    parts += [f"slot {{{slot.name}}} cannot be filled: {slot.reason}" for slot in result.unfilled]
    return f"{result.claim.id} {' and '.join(parts)}"


def fallen_claims(results: Sequence[ClaimResult]) -> tuple[ClaimResult, ...]:
    """The claims that do not hold."""
    return tuple(result for result in results if not result.holds)


def enforce_claims(results: Sequence[ClaimResult]) -> None:
    """Pass when every claim holds.

    Raises
    ------
    FallenClaimsError
        If a verdict differs from the one expected, or a slot cannot be filled.
    """
    fallen = fallen_claims(results)
    if fallen:
        raise FallenClaimsError(fallen)
