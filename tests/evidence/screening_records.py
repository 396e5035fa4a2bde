"""Made-up records for the tests of screening: none of these works exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from oncovivo.evidence.screening import FoundRecord

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "screening"


def record(number: int = 1, *, file: str = "made_up.ris", **given: Any) -> FoundRecord:  # noqa: ANN401  # any field
    """A made-up record."""
    fields: dict[str, Any] = {
        "database": "Made-up base",
        "source_kind": "database",
        "title": "Imaginarimab slows the growth of made-up xenografts",
        "authors": ("Fictus, Ada",),
        "year": 2019,
        "journal": "Journal of Invented Results",
        "volume": "12",
        "pages": "101-109",
    }
    return FoundRecord(
        record_id=f"{file}:{number}", file=file, number=number, **{**fields, **given}
    )


def same_work_records() -> st.SearchStrategy[list[FoundRecord]]:
    """Few records with few different values, so that many agree in part."""
    one = st.fixed_dictionaries(
        {
            "file": st.sampled_from(["a.ris", "b.nbib"]),
            "source_kind": st.sampled_from(["database", "citation_searching"]),
            "doi": st.sampled_from(["", "10.9999/made.1", "10.9999/made.2"]),
            "pmid": st.sampled_from(["", "99999901", "99999902"]),
            "title": st.sampled_from(
                [
                    "Imaginarimab slows the growth of made-up xenografts",
                    "Imaginarimab slows growth of made-up xenografts",
                    "Fantasinib cures nobody at all",
                    "",
                ]
            ),
            "year": st.sampled_from([2019, 2020, None]),
            "journal": st.sampled_from(["Journal of Invented Results", "J Invent Results", ""]),
            "pages": st.sampled_from(["101-109", "7-15", ""]),
            "abstract": st.sampled_from(["", "Made up."]),
        }
    )

    def numbered(found: list[dict[str, Any]]) -> list[FoundRecord]:
        return [record(number, **fields) for number, fields in enumerate(found, start=1)]

    return st.lists(one, min_size=1, max_size=7).map(numbered)
