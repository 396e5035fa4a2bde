"""Fixtures that several packages' tests share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

# As on the command line: threads of the linear algebra wait for each other on small matrices.
# This file is read before any test imports numpy.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def _shared(path: Path) -> Path:
    """A path beside the repository; missing it fails in CI and skips elsewhere."""
    if not path.exists():
        reason = f"the real studies are not beside the repository: no {path.name}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """File or folder of the real studies by its path below ``shared/data``."""
    return lambda name: _shared(SHARED / "data" / name)


@pytest.fixture
def shared_reference() -> Callable[[str], dict[str, object]]:
    """Results of the peers' own code for a data set, by the name of its JSON file."""

    def read(name: str) -> dict[str, object]:
        text = _shared(SHARED / "reference" / f"{name}.json").read_text(encoding="utf-8")
        return cast("dict[str, object]", json.loads(text))

    return read
