"""Blocks and sections of a document as what JSON can hold, and back without loss."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from oncovivo.documents import (
    Badge,
    Bibliography,
    Card,
    Figure,
    Link,
    Listing,
    Note,
    Paragraph,
    Reference,
    Section,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    Text,
)

__all__ = ["from_tree", "to_tree"]

_KINDS: Final = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            Badge,
            Bibliography,
            Card,
            Figure,
            Link,
            Listing,
            Note,
            Paragraph,
            Reference,
            Section,
            Sentence,
            Table,
            TableColumn,
            TableRow,
            Text,
        )
    }
)


def to_tree(part: object) -> Any:  # noqa: ANN401  # JSON of any shape
    """A part of a document as dicts, lists and plain values; each dict names its kind.

    Parameters
    ----------
    part : object
        A section, block or inline, a tuple of them, or a plain value.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> from oncovivo.documents import Paragraph, text
    >>> to_tree(Paragraph(content=text("a")))
    {'is': 'Paragraph', 'content': [{'is': 'Text', 'content': 'a', 'style': 'plain'}]}
    """
    if part is None or isinstance(part, str | int | float | bool):
        return part
    if isinstance(part, tuple):
        return [to_tree(one) for one in part]
    name = type(part).__name__
    if _KINDS.get(name) is not type(part):
        message = f"{name} is no part of a document"
        raise TypeError(message)
    named = {field.name: to_tree(getattr(part, field.name)) for field in fields(_KINDS[name])}
    return {"is": name, **named}


def from_tree(tree: Any) -> Any:  # noqa: ANN401  # what to_tree was given
    """The part of a document that a tree was made of.

    Raises
    ------
    KeyError, TypeError
        If the tree was not made by :func:`to_tree`.

    Examples
    --------
    >>> from oncovivo.documents import Paragraph, text
    >>> part = Paragraph(content=text("a"))
    >>> from_tree(to_tree(part)) == part
    True
    """
    if isinstance(tree, list):
        return tuple(from_tree(one) for one in tree)
    if isinstance(tree, dict):
        named = {name: from_tree(one) for name, one in tree.items() if name != "is"}
        return _KINDS[tree["is"]](**named)
    return tree
