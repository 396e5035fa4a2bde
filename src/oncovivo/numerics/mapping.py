"""One way to map work over workers: in this process, threads, processes, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from typing import TypeVar

__all__ = ["map_parts", "split_evenly"]

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_parts(
    function: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    executor: Executor | None = None,
) -> list[Result]:
    """Results of a function for each part, in the order of the parts.

    Parameters
    ----------
    function : callable
        Of one part; for workers in other processes, one that can be pickled.
    parts : sequence
        What it is called with. They must not depend on the number of workers.
    executor : concurrent.futures.Executor, optional
        Who does the work; without it, this process, one after the other.

    Examples
    --------
    >>> map_parts(abs, [-1, 2])
    [1, 2]
    """
    if executor is None:
        return [function(part) for part in parts]
    waiting = [executor.submit(function, part) for part in parts]
    return [future.result() for future in waiting]


def split_evenly(size: int, largest: int) -> list[slice]:
    """Slices of at most a given length that cover 0 to size, as even as they can be.

    Parameters
    ----------
    size : int
        How many there are.
    largest : int
        Most in one slice, at least 1.

    Examples
    --------
    >>> split_evenly(5, 3)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    count = -(-size // largest)
    edges = [-(-size * index // max(count, 1)) for index in range(count + 1)]
    return [slice(low, high) for low, high in pairwise(edges)]
