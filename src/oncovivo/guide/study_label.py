"""What every table and figure of a study carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oncovivo.documents import Badge, Inline, Text

__all__ = ["SIMULATED", "StudyLabel"]

SIMULATED: Final = Badge(content="simulated", kind="simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLabel:
    """Id, title, and whether the study is simulated, which every caption then says."""

    id: str
    title: str
    simulated: bool

    def caption(self, words: str) -> tuple[Inline, ...]:
        """A caption, marked when the study is simulated."""
        content = Text(content=words)
        return (SIMULATED, Text(content=" "), content) if self.simulated else (content,)
