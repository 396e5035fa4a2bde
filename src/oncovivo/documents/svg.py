"""Pictures as SVG text: their size, and what has to change before several stand in one page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from xml.etree import ElementTree

from oncovivo.errors import InputError

__all__ = ["Size", "embed_svg", "read_size", "words_of"]

_POINTS = {"": 0.75, "px": 0.75, "pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0}
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(px|pt|mm|cm|in)?\s*")
_PROLOG = re.compile(r"^\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?[^>]*>|\s)*", re.S)
_METADATA = re.compile(r"<metadata\b.*?</metadata\s*>|<metadata\b[^>]*/>|<!--.*?-->", re.S)
_ID = re.compile(r"""(\sid\s*=\s*)(["'])(.*?)\2""")
_HASH = re.compile(r"""((?:xlink:)?href\s*=\s*["']|url\(\s*["']?)#([^"')\s]+)""")
_NAMED = re.compile(r"""(\saria-(?:labelledby|describedby)\s*=\s*)(["'])(.*?)\2""")
_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>)", re.S)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S)
_SELECTORS = re.compile(r"([^{}]+)\{")
_ROOT = re.compile(r"<svg\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.S)
_OWN = re.compile(r"""\s(?:id|role|tabindex|focusable|aria-[a-z]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Natural width and height of a picture, pt (1/72 inch)."""

    width: float
    height: float


def read_size(svg: str, *, where: str) -> Size:
    """The natural size of a picture.

    Parameters
    ----------
    svg : str
        SVG text.
    where : str
        Names the picture in an error.

    Raises
    ------
    InputError
        If the text is not well-formed XML, its root is not ``svg``, or it has neither a
        ``viewBox`` nor both ``width`` and ``height``.

    Examples
    --------
    >>> picture = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200"/>'
    >>> read_size(picture, where="figure 1")
    Size(width=300.0, height=150.0)
    """
    root = _read(svg, where).attributes
    width, height = _points(root.get("width")), _points(root.get("height"))
    if width and height:
        return Size(width=width, height=height)
    box = re.split(r"[\s,]+", (root.get("viewBox") or "").strip())
    try:
        _, _, across, down = (float(number) for number in box)
    except ValueError as err:
        raise InputError(
            "a picture with a viewBox, or with width and height",
            found=f"viewBox {root.get('viewBox')!r}",
            where=where,
        ) from err
    if not (across > 0 and down > 0):
        raise InputError("a viewBox with an area", found=root.get("viewBox") or "", where=where)
    return Size(width=across * _POINTS["px"], height=down * _POINTS["px"])


def words_of(svg: str, *, where: str) -> str:
    """All text that a picture shows."""
    return _read(svg, where).words


def embed_svg(svg: str, *, prefix: str, label: str, described_by: str) -> str:
    r"""A picture that can stand in a page beside others.

    Ids, what refers to them, and style rules are confined to this picture; the XML prolog,
    comments and metadata are left out; the picture gets a name and a description for assistive
    technology.

    Parameters
    ----------
    svg : str
        Well-formed SVG text from project code; nothing in it is escaped.
    prefix : str
        Put before every id. Letters, digits and hyphens.
    label : str
        Accessible name.
    described_by : str
        Id of the element that describes the picture.

    Examples
    --------
    >>> picture = '<svg viewBox="0 0 1 1"><path id="a"/><use href="#a"/></svg>'
    >>> page = embed_svg(picture, prefix="f1-", label="A path", described_by="f1-text")
    >>> print(page.replace("><", ">\n<"))
    <svg viewBox="0 0 1 1" id="f1-root" role="img" aria-label="A path" aria-describedby="f1-text">
    <path id="f1-a"/>
    <use href="#f1-a"/>
    </svg>
    """
    body = _METADATA.sub("", _PROLOG.sub("", svg, count=1)).strip()
    ids = {match.group(3) for match in _ID.finditer(body)}
    body = _ID.sub(lambda m: f"{m[1]}{m[2]}{prefix}{m[3]}{m[2]}", body)
    body = _HASH.sub(lambda m: f"{m[1]}#{prefix if m[2] in ids else ''}{m[2]}", body)
    body = _NAMED.sub(
        lambda m: m[1] + m[2] + " ".join(f"{prefix}{name}" for name in m[3].split()) + m[2], body
    )
    opening = _ROOT.search(body)
    named = _ID.search(opening[0]) if opening else None
    root_id = named[3] if named else f"{prefix}root"
    body = _STYLE.sub(lambda m: m[1] + _confine(m[2], ids, prefix, root_id) + m[3], body)
    return _ROOT.sub(lambda m: _name_root(m[0], root_id, label, described_by), body, count=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """What is asked of a picture: the attributes of its root, and its text."""

    attributes: Mapping[str, str]
    words: str


@lru_cache(maxsize=64)
def _read(svg: str, where: str) -> _Picture:
    """The parsed picture; it is asked for its size and for its text."""
    root = _root(svg, where=where)
    words = " ".join(
        piece
        for element in root.iter()
        if element.tag.rpartition("}")[2] == "text"
        for piece in element.itertext()
    )
    return _Picture(attributes=MappingProxyType(dict(root.items())), words=words)


def _root(svg: str, *, where: str) -> ElementTree.Element:
    """The parsed picture."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as err:
        raise InputError("a picture as SVG", found=f"XML error: {err}", where=where) from err
    if root.tag.rpartition("}")[2] != "svg":
        raise InputError("a picture as SVG", found=f"root element {root.tag}", where=where)
    return root


def _points(length: str | None) -> float | None:
    """A length in pt, or nothing where it is missing or relative."""
    match = _LENGTH.fullmatch(length or "")
    return float(match[1]) * _POINTS[match[2] or ""] if match else None


def _confine(css: str, ids: set[str], prefix: str, root_id: str) -> str:
    """Style rules that reach only into one picture; a rule for ``*`` would reach the page."""
    rules = _CDATA.sub(r"\1", css)
    for name in sorted((name for name in ids if f"#{name}" in rules), key=len, reverse=True):
        rules = re.sub(rf"#{re.escape(name)}(?![\w-])", f"#{prefix}{name}", rules)

    def scope(match: re.Match[str]) -> str:
        selectors = match[1]
        if selectors.strip().startswith("@"):
            return match[0]
        inside = f":where(#{root_id}, #{root_id} *)"
        return ", ".join(f"{part.strip()}{inside}" for part in selectors.split(",")) + " {"

    return _SELECTORS.sub(scope, rules)


def _name_root(tag: str, root_id: str, label: str, described_by: str) -> str:
    """The opening tag with the page's own id, role and name instead of the picture's."""
    bare = _OWN.sub("", tag)
    end = "/>" if bare.endswith("/>") else ">"
    quoted = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return (
        f'{bare.removesuffix(end).rstrip()} id="{root_id}" role="img" aria-label="{quoted}"'
        f' aria-describedby="{described_by}"{end}'
    )
