"""Pictures and blocks of a guide, made once: the same results give the same picture.

While a guide is built its cache is open here; :func:`picture` and :func:`kept_part` look into it
before they make anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from oncovivo.analyses.cache import ResultCache
from oncovivo.guide.block_trees import from_tree, to_tree

__all__ = ["kept_part", "picture", "pictures_kept"]

_CACHE: ContextVar[ResultCache | None] = ContextVar("oncovivo_guide_cache", default=None)
_SVG: Final = TypeAdapter(str)
_TREE: Final[TypeAdapter[Any]] = TypeAdapter(Any)
_T = TypeVar("_T")


@contextmanager
def pictures_kept(cache: ResultCache) -> Iterator[None]:
    """Keep pictures in a cache until the block ends."""
    token = _CACHE.set(cache)
    try:
        yield
    finally:
        _CACHE.reset(token)


def kept_part(kind: str, *inputs: object, make: Callable[[], _T]) -> _T:
    """A section, block or tuple of blocks from the open cache, or made.

    Parameters
    ----------
    kind : str
        What it is, in letters, digits and hyphens: one word for each call of this function.
    *inputs : object
        Everything that it follows from.
    make : callable
        Makes it.
    """
    cache = _CACHE.get()
    if cache is None:
        return make()
    part: _T = from_tree(cache.get(f"part-{kind}", inputs, _TREE, lambda: to_tree(make())))
    return part


def picture(kind: str, *inputs: object, draw: Callable[[], str]) -> str:
    """A picture as SVG from the open cache, or drawn.

    Parameters
    ----------
    kind : str
        What is drawn, in letters, digits and hyphens: one word for each call of this function.
    *inputs : object
        Everything that the picture follows from, its title too.
    draw : callable
        Draws it.

    Examples
    --------
    >>> picture("dot", 1, draw=lambda: "<svg/>")
    '<svg/>'
    """
    cache = _CACHE.get()
    return draw() if cache is None else cache.get(f"picture-{kind}", inputs, _SVG, draw)
