"""What should be known beside a result on markers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Remark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to know about a result.

    Parameters
    ----------
    code : str
        Stable name, such as ``few_lines``.
    message : str
        One line.
    """

    code: str
    message: str

    def to_dict(self) -> dict[str, object]:
        """The remark as the JSON contract has warnings."""
        return {
            "code": self.code,
            "message": self.message,
            "arm": None,
            "animal_id": None,
            "rows": [],
        }
