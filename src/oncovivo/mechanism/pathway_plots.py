"""The pathway of a model as a figure, made from the arrows that its blocks declare.

Boxes are the names at the ends of the arrows and nothing else, so the figure shows what the
equations hold; :meth:`oncovivo.mechanism.model.Model.check_edges` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from oncovivo.errors import InputError
from oncovivo.figures.diagram import Diagram, Edge, EdgeKind, Node, NodeKind, one_line
from oncovivo.figures.drawing import draw_diagram
from oncovivo.mechanism.layers import Layers, lay_in_layers
from oncovivo.mechanism.model import Model

if TYPE_CHECKING:
    from oncovivo.mechanism import blocks
    from oncovivo.mechanism.parameters import ResolvedParameters

__all__ = ["PathwayRow", "pathway_diagram", "pathway_rows", "plot_pathway"]

# Names of shipped blocks as they are written in a box; others are taken as they are.
_LABELS: Final = {
    "capacity": "vessels",
    "cyclin_d1": "cyclin D1",
    "drug_tumor": "drug in tumor",
    "hif": "HIF",
    "growth_factor": "tumor growth",
    "inhibition": "inhibition\nof growth",
    "mtorc1": "mTORC1",
    "mtorc1_inhibition": "mTORC1 held by\nFKBP12–drug",
    "p4ebp1": "phospho-\n4E-BP1",
    "pakt": "phospho-AKT",
    "ps6": "phospho-S6",
    "ps6k": "phospho-S6K",
    "translation": "protein\nsynthesis",
    "vegf": "VEGF",
}
_PROCESSES: Final = frozenset({"translation"})
# What a diagram has rows and columns for.
_MOST_STEPS: Final = 50
_COLUMN_WIDTH: Final = 168.0
_ROW_HEIGHT: Final = 92.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayRow:
    """An arrow with what is behind it.

    Parameters
    ----------
    number : int
        Its number in the figure.
    source, target : str
        Names of the model.
    start, end : str
        The same in words.
    sign : str
        activates or inhibits.
    label : str
        What the block says of it.
    equation : str
        Value or rate of the target, between declared units, time in days.
    reference : str
        Source of the block that declares the arrow; "none" where it has none.
    parameters, assumed, scaled : tuple of str
        Numbers in the target's equation; those that are assumed or scaled, as far as numbers were
        given.
    """

    number: int
    source: str
    target: str
    start: str
    end: str
    sign: str
    label: str
    equation: str
    reference: str
    parameters: tuple[str, ...]
    assumed: tuple[str, ...]
    scaled: tuple[str, ...]


def pathway_rows(
    model: Model, resolved: ResolvedParameters | None = None
) -> tuple[PathwayRow, ...]:
    """The arrows of a model in their order, with equations and the numbers in them.

    Parameters
    ----------
    model : Model
        With arrows or without.
    resolved : ResolvedParameters, optional
        Numbers whose status is told.
    """
    references = {
        (edge.source, edge.target): block.source for block in model.blocks for edge in block.edges
    }
    drawn = set(_names(model.edges))
    rows = []
    for number, edge in enumerate(model.edges, start=1):
        behind = _parameters_in(model, edge.target, drawn)
        status = {} if resolved is None else {name: resolved[name].status for name in behind}
        rows.append(
            PathwayRow(
                number=number,
                source=edge.source,
                target=edge.target,
                start=one_line(_label(edge.source)),
                end=one_line(_label(edge.target)),
                sign=edge.sign,
                label=edge.label,
                equation=_equation(model, edge.target),
                reference=references[edge.source, edge.target],
                parameters=behind,
                assumed=tuple(name for name in behind if status.get(name) == "assumed"),
                scaled=tuple(name for name in behind if status.get(name) == "scaled"),
            )
        )
    return tuple(rows)


def pathway_diagram(
    model: Model, resolved: ResolvedParameters | None = None, *, name: str = "model-pathway"
) -> Diagram:
    """The arrows of a model as a diagram, laid out from top to bottom.

    An arrow is assumed (and drawn dashed) if its block names no source or a number in the
    equation of its target is assumed. An inhibition that runs back up is a feedback.

    Parameters
    ----------
    model : Model
        With at least one arrow.
    resolved : ResolvedParameters, optional
        Numbers, for what is assumed among them.
    name : str
        Id of the diagram; lower-case letters, digits, underscores and dashes.

    Raises
    ------
    InputError
        If the model has no arrow, one from a name to itself, or more than fit a diagram.
    """
    edges = model.edges
    if not edges:
        blocks = ", ".join(block.name for block in model.blocks)
        raise InputError("a model with arrows", found="none", where=f"blocks {blocks}")
    for edge in edges:
        if edge.source == edge.target:
            raise InputError("an arrow between two names", found=f"{edge.source} to itself")
    names = _names(edges)
    # Of a circle the inhibition is the feedback.
    layers = lay_in_layers(
        names,
        [(edge.source, edge.target) for edge in edges],
        yielding=[(edge.source, edge.target) for edge in edges if edge.sign == "inhibits"],
    )
    longest, widest = layers.count - 1, max(layers.column.values())
    if longest > _MOST_STEPS:
        raise InputError(f"a chain of at most {_MOST_STEPS} arrows", found=str(longest))
    if widest > _MOST_STEPS:
        raise InputError("a pathway that fits a page", found=f"{widest:g} columns")
    ids = _ids(names)
    return Diagram(
        id=name,
        title="The pathway of the model",
        description=_description(edges),
        column_width=_COLUMN_WIDTH,
        row_height=_ROW_HEIGHT,
        node=tuple(
            Node(
                id=ids[each],
                label=_label(each),
                kind=_kind(model, each),
                col=layers.column[each],
                row=float(layers.row[each]),
            )
            for each in names
        ),
        edge=tuple(_arrow(row, ids, layers) for row in pathway_rows(model, resolved)),
    )


def plot_pathway(
    model: Model, resolved: ResolvedParameters | None = None, *, name: str = "model-pathway"
) -> str:
    """The pathway of a model as SVG text; the head of an arrow tells the equation behind it.

    Parameters
    ----------
    model, resolved, name
        As of :func:`pathway_diagram`.

    Raises
    ------
    InputError
        As of :func:`pathway_diagram`, or if an arrow finds no way between the boxes.
    """
    picture = draw_diagram(pathway_diagram(model, resolved, name=name))
    for row in pathway_rows(model, resolved):
        start = f'<g id="{name}-edge-{row.number}"><title>'
        before, after = picture.split(start)
        known, rest = after.split("</title>", 1)
        picture = f"{before}{start}{known}\n{escape(_tooltip(row))}</title>{rest}"
    return picture


def _tooltip(row: PathwayRow) -> str:
    """What is behind an arrow, line by line."""
    lines = [row.label] if row.label else []
    lines.append(row.equation)
    if row.assumed:
        lines.append(f"assumed: {', '.join(row.assumed)}")
    if row.scaled:
        lines.append(f"scaled: {', '.join(row.scaled)}")
    return "\n".join(lines)


def _arrow(row: PathwayRow, ids: dict[str, str], layers: Layers) -> Edge:
    """An arrow of the diagram."""
    kind: EdgeKind = "activates"
    if row.sign == "inhibits":
        upward = layers.row[row.source] > layers.row[row.target]
        kind = "feedback" if upward else "inhibits"
    assumed = [f"numbers {', '.join(row.assumed)}"] if row.assumed else []
    if row.reference.strip().casefold() == "none":
        assumed.insert(0, "no source")
    return Edge.model_validate(
        {
            "from": ids[row.source],
            "to": ids[row.target],
            "kind": kind,
            "label": row.label or row.equation,
            "assumed": "; ".join(assumed) or None,
        }
    )


def _description(edges: Sequence[blocks.Edge]) -> str:
    """The arrows as sentences, for those who cannot see the figure."""
    said = [
        f"{one_line(_label(edge.source))} {edge.sign} {one_line(_label(edge.target))}"
        for edge in edges
    ]
    return "; ".join(said) + "."


def _names(edges: Sequence[blocks.Edge]) -> list[str]:
    """Names at the ends of arrows, each once."""
    return list(dict.fromkeys(name for edge in edges for name in (edge.source, edge.target)))


def _ids(names: Sequence[str]) -> dict[str, str]:
    """Ids of boxes; names that differ only in capitals get a number."""
    ids: dict[str, str] = {}
    for number, name in enumerate(names):
        plain = name.lower()
        ids[name] = f"{plain}-{number}" if plain in ids.values() else plain
    return ids


def _label(name: str) -> str:
    """A name in words."""
    return _LABELS.get(name, name.replace("_", " ").strip() or name)


def _kind(model: Model, name: str) -> NodeKind:
    """What a box is, by the block that declares its name."""
    if name in _PROCESSES:
        return "process"
    quantity = model.quantities[name]
    if quantity.kind == "concentration":
        return "drug"
    role = next(block.provides for block in model.blocks if block.name == quantity.block)
    if role == "target":
        return "drug" if quantity.kind == "state" else "complex"
    return "protein" if role == "pathway" else "outcome"


def _equation(model: Model, name: str) -> str:
    """What gives a name, or moves it."""
    if name in model.rates:
        return f"d({name})/dt = {model.rates[name]}"
    if name in model.definitions:
        return f"{name} = {model.definitions[name]}"
    return f"{name}: given"


def _parameters_in(model: Model, name: str, drawn: set[str]) -> tuple[str, ...]:
    """Parameters of an equation, through what is not drawn itself."""
    trees = {**model.definitions, **model.rates}
    found: set[str] = set()
    pending = list(trees[name].names()) if name in trees else []
    while pending:
        each = pending.pop()
        if each in found or each in drawn:
            continue
        found.add(each)
        if each in model.definitions:
            pending.extend(model.definitions[each].names())
    return tuple(each for each in model.parameter_names if each in found)
