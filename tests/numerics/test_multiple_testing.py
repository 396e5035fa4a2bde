"""Holm's adjustment."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.numerics.multiple_testing import holm


def test_holm_steps_down_and_never_turns_back() -> None:
    adjusted = holm(np.array([0.04, 0.001, 0.03, 0.9]))
    assert adjusted == pytest.approx([0.09, 0.004, 0.09, 0.9])
