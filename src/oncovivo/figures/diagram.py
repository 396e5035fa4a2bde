"""Diagrams as data: boxes on a grid, and edges that each carry a source.

A file such as ``figures/pathway.toml`` holds the whole of a diagram::

    [diagram]
    id = "pathway"
    title = "…"
    description = "…"

    [[group]]
    id = "cell"
    label = "Cytoplasm"

    [[node]]
    id = "akt"
    label = "AKT"
    kind = "protein"
    col = 1
    row = 2
    group = "cell"

    [[edge]]
    from = "akt"
    to = "tsc"
    kind = "inhibits"
    label = "AKT switches TSC1/TSC2 off"
    sources = ["dallepezze2012"]

An edge names the references that state it (``sources``), or says why none does (``assumed``); the
second kind is drawn dashed. Nothing else can be written, so no arrow of a figure is without its
source or its confession.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from oncovivo.errors import FileFormatError

__all__ = [
    "EDGE_KINDS",
    "NODE_KINDS",
    "Diagram",
    "Edge",
    "EdgeKind",
    "EdgeRow",
    "Group",
    "Node",
    "NodeKind",
    "edge_rows",
    "read_diagram",
]

NodeKind: TypeAlias = Literal[
    "drug", "protein", "complex", "process", "outcome", "step", "decision", "data"
]
EdgeKind: TypeAlias = Literal[
    "activates", "phosphorylates", "inhibits", "binds", "leads_to", "feedback"
]

NODE_KINDS: Mapping[NodeKind, str] = MappingProxyType(
    {
        "drug": "drug or ligand",
        "protein": "protein",
        "complex": "complex",
        "process": "process",
        "outcome": "outcome",
        "step": "step",
        "decision": "decision",
        "data": "record that is kept",
    }
)
"""The kinds of boxes in the order of the legend, each with its words there."""

EDGE_KINDS: Mapping[EdgeKind, str] = MappingProxyType(
    {
        "activates": "activates",
        "phosphorylates": "phosphorylates",
        "inhibits": "inhibits",
        "binds": "binds",
        "leads_to": "leads to",
        "feedback": "inhibits as feedback",
    }
)
"""The kinds of edges in the order of the legend, each with its words there and in the table."""


def _printable(text: str) -> str:
    """Refuse what XML cannot hold."""
    for character in text:
        if character != "\n" and not character.isprintable():
            raise ValueError(f"no control characters, found {character!r}")
    return text


Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
Text = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_printable)
]
Place = Annotated[float, Field(ge=0, le=50, allow_inf_nan=False, strict=True)]
Step = Annotated[float, Field(ge=40, le=600, allow_inf_nan=False, strict=True)]


class _Strict(BaseModel):
    """Base of what is read from TOML: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(_Strict):
    """A box; ``col`` and ``row`` are its place on the grid, fractions allowed.

    A line break in ``label`` is one in the box. ``group`` is the id of the band it stands in.
    """

    id: Identifier
    label: Text
    kind: NodeKind
    col: Place
    row: Place
    group: str = ""


class Edge(_Strict):
    """An arrow with its statement.

    ``from`` and ``to`` (``source`` and ``target`` in Python) are ids of nodes; ``label`` is the
    statement in words, for the table; ``mark`` is a word drawn beside the number, as the "yes" of
    a decision. Either ``sources`` holds reference keys, or ``assumed`` says why there is none.
    """

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    kind: EdgeKind
    label: Text
    sources: tuple[str, ...] = ()
    assumed: Text | None = None
    mark: str = Field(default="", max_length=12)


class Group(_Strict):
    """A labeled band behind its nodes, as a compartment of the cell or a phase of a study.

    ``span`` is ``width`` for a band across the whole figure, ``members`` for one around its nodes.
    """

    id: Identifier
    label: Text
    span: Literal["width", "members"] = "width"


class Diagram(_Strict):
    """A checked diagram; edges are numbered 1, 2, 3 … in the order of the file.

    ``column_width`` and ``row_height`` are the steps of the grid, px of the figure.
    """

    id: Identifier
    title: Text
    description: Text
    column_width: Step = 165.0
    row_height: Step = 96.0
    nodes: tuple[Node, ...] = Field(alias="node", min_length=1)
    edges: tuple[Edge, ...] = Field(default=(), alias="edge")
    groups: tuple[Group, ...] = Field(default=(), alias="group")


class EdgeRow(NamedTuple):
    """One row of the table below a diagram.

    ``assumed`` is empty where ``sources`` are given, and the other way round.
    """

    number: int
    start: str
    kind: str
    end: str
    label: str
    sources: tuple[str, ...]
    assumed: str


def edge_rows(diagram: Diagram) -> tuple[EdgeRow, ...]:
    """The table below a diagram: each edge with its number, statement and sources."""
    labels = {node.id: one_line(node.label) for node in diagram.nodes}
    return tuple(
        EdgeRow(
            number=number,
            start=labels[edge.source],
            kind=EDGE_KINDS[edge.kind],
            end=labels[edge.target],
            label=edge.label,
            sources=edge.sources,
            assumed=edge.assumed or "",
        )
        for number, edge in enumerate(diagram.edges, start=1)
    )


def one_line(label: str) -> str:
    r"""A label without its line breaks; a line that ends in a dash joins the next one.

    Examples
    --------
    >>> one_line("growth factor\nreceptor"), one_line("FKBP12–\ntemsirolimus")
    ('growth factor receptor', 'FKBP12–temsirolimus')
    """
    joined = ""
    for line in label.split("\n"):
        joined += line if not joined or joined.endswith(("-", "–")) else f" {line}"
    return joined


def read_diagram(path: Path, *, reference_keys: Collection[str]) -> Diagram:
    """The diagram of a TOML file, checked.

    Parameters
    ----------
    path : Path
        The file.
    reference_keys : collection of str
        The keys that ``sources`` may use.

    Raises
    ------
    FileFormatError
        If the file is missing, not UTF-8 or not TOML; a key is unknown, missing or of a wrong
        type; a node or group id occurs twice; an edge or node names an id that does not exist; an
        edge has neither ``sources`` nor ``assumed``, has both, or names an unknown reference. The
        message names the table and its number.
    """
    raw = _load(path)
    head = raw.pop("diagram", None)
    if not isinstance(head, dict):
        raise FileFormatError(
            "a table [diagram]", found="none", where=path.name, mend="add it with id and title"
        )
    try:
        diagram = Diagram.model_validate({**head, **raw})
    except ValidationError as err:
        raise _validation_error(err, path.name) from err
    _check_ids(diagram, path.name)
    for number, edge in enumerate(diagram.edges, start=1):
        where = f"{path.name}, edge {number} ({edge.source} → {edge.target})"
        _check_edge(edge, diagram, frozenset(reference_keys), where=where)
    return diagram


def _load(path: Path) -> dict[str, object]:
    """The file as tables."""
    try:
        return dict(tomllib.loads(path.read_bytes().decode("utf-8")))
    except OSError as err:
        raise FileFormatError(
            "a readable file",
            found=(err.strerror or "no reason given").lower(),
            where=path.name,
            mend="check the path",
        ) from err
    except UnicodeDecodeError as err:
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte 0x{err.object[err.start]:02x} of another encoding",
            where=f"{path.name} byte {err.start + 1}",
            mend="save the file again as UTF-8",
        ) from err
    except tomllib.TOMLDecodeError as err:
        raise FileFormatError(
            "TOML", found=str(err), where=path.name, mend="correct the line that is named"
        ) from err


def _validation_error(err: ValidationError, name: str) -> FileFormatError:
    """The first of pydantic's complaints as one line that names the table."""
    first = err.errors(include_url=False)[0]
    parts = list(first["loc"])
    place = name
    if parts and parts[0] in ("node", "edge", "group") and len(parts) > 1:
        place += f", {parts[0]} {int(parts[1]) + 1}"
        parts = parts[2:]
    key = ".".join(str(part) for part in parts)
    if first["type"] == "extra_forbidden":
        return FileFormatError(
            "a key that diagrams have",
            found=f"{key!r}",
            where=place,
            mend="correct its spelling or remove it",
        )
    if first["type"] == "missing":
        return FileFormatError(f"the key {key}", found="none", where=place, mend="add it")
    message = first["msg"].removeprefix("Value error, ")
    return FileFormatError(
        f"another value ({message[0].lower()}{message[1:]})",
        found=repr(first["input"])[:60],
        where=f"{place}, {key}" if key else place,
        mend="correct the value",
    )


def _check_ids(diagram: Diagram, name: str) -> None:
    """Every id once, and every group that a node names."""
    ids = {
        "group": [group.id for group in diagram.groups],
        "node": [node.id for node in diagram.nodes],
    }
    for kind, found in ids.items():
        for number, key in enumerate(found, start=1):
            if key in found[: number - 1]:
                raise FileFormatError(
                    f"a {kind} id that no other {kind} has",
                    found=f"{key!r} twice",
                    where=f"{name}, {kind} {number}",
                    mend="rename one of them",
                )
    groups = {group.id for group in diagram.groups}
    for number, node in enumerate(diagram.nodes, start=1):
        if node.group and node.group not in groups:
            raise FileFormatError(
                "the id of a group",
                found=repr(node.group),
                where=f"{name}, node {number} ({node.id})",
                mend="add the group, or correct the id",
            )


def _check_edge(edge: Edge, diagram: Diagram, keys: Collection[str], *, where: str) -> None:
    """Both ends exist, and the statement has a source or says why not."""
    nodes = {node.id for node in diagram.nodes}
    for end in (edge.source, edge.target):
        if end not in nodes:
            raise FileFormatError(
                "the id of a node",
                found=repr(end),
                where=where,
                mend="add the node, or correct the id",
            )
    if edge.source == edge.target:
        raise FileFormatError(
            "two different nodes", found=repr(edge.source), where=where, mend="correct one end"
        )
    if bool(edge.sources) == (edge.assumed is not None):
        raise FileFormatError(
            "either sources or assumed",
            found="both" if edge.sources else "neither",
            where=where,
            mend='write sources = ["key"], or assumed = "why there is no source"',
        )
    for key in edge.sources:
        if key not in keys:
            raise FileFormatError(
                "a key of references.json",
                found=repr(key),
                where=where,
                mend="add the reference, or correct the key",
            )
