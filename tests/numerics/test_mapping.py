"""Work over parts, whoever does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from oncovivo.numerics.mapping import map_parts, split_evenly


def test_results_come_in_the_order_of_the_parts() -> None:
    parts = list(range(20))
    with ThreadPoolExecutor(4) as executor:
        assert map_parts(str, parts, executor=executor) == map_parts(str, parts)


@pytest.mark.parametrize(("size", "largest"), [(1, 5), (10, 3), (9, 3), (1000, 7), (0, 3)])
def test_slices_cover_everything_once_and_are_even(size: int, largest: int) -> None:
    parts = split_evenly(size, largest)
    assert [index for part in parts for index in range(size)[part]] == list(range(size))
    lengths = [part.stop - part.start for part in parts]
    assert all(length <= largest for length in lengths)
    assert not lengths or max(lengths) - min(lengths) <= 1
