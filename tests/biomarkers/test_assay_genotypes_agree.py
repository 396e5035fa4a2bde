"""Genotypes read as an assay and as markers of lines follow one rule for mutations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oncovivo.biomarkers import read_features, read_genotypes

ODD = """\
model,TP53,AKT1,CDK13
L1,MutKnownFunctional,Amp5,0
L2,0,0,MutNovel
L3,MutNovel,MutLikelyFunctional,Del0.8
L4,0,0,0
"""


def check(path: Path) -> int:
    """Both readings of a file hold the same mutations; how many there are."""
    table, calls = read_features(path), read_genotypes(path).matrix("any_mutation")
    assert list(table.lines) == calls.index.tolist()
    levels = {one.name: one.levels for one in table.features}
    for name in table.names:
        codes = table.values[:, table.position(name)]
        mutated = np.array([levels[name][int(code)] == "mutated" for code in codes])
        np.testing.assert_array_equal(mutated, calls[name].to_numpy() == 1)
    return int((calls == 1).to_numpy().sum())


def test_a_copy_number_among_mutations_is_a_mutation_to_neither(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(ODD, encoding="utf-8")
    assert check(path) == 4


@pytest.mark.realdata
def test_the_encyclopedias_calls_are_the_same_to_both(shared_data: Callable[[str], Path]) -> None:
    assert check(shared_data("pdxe/breast_mutation.csv")) > 50
