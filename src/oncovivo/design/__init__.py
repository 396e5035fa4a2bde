"""Designing the next study: who gets what, how many animals, when, how much, and when to stop.

Pure functions on frozen values; files are read at the edge.
"""

from __future__ import annotations

__all__: list[str] = []
