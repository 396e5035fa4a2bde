"""The typical animal of one arm as text for rxode2, which is not executed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from oncovivo.errors import InputError
from oncovivo.mechanism.exchange.typical_animal import TypicalAnimal
from oncovivo.mechanism.expressions import Binary, Call, Expression, Name, Negate, Number

__all__ = ["rxode2_text"]

# Words of rxode2 that no quantity of a model may be.
_TAKEN: Final = frozenset(
    {"t", "time", "rate", "dur", "amt", "ii", "addl", "ss", "evid", "cmt", "tad", "tlast", "tafd"}
    | {"dose", "podo", "newind", "pi", "lag", "alag", "f", "if", "else", "and", "or", "not"}
    | {"NA", "Inf", "NaN", "mtime", "matexp", "linCmt"}
)


def rxode2_text(animal: TypicalAnimal) -> str:
    """A script in R that makes the model, its doses and a run of them.

    Parameters
    ----------
    animal : TypicalAnimal
        See :func:`oncovivo.mechanism.exchange.typical_animal.typical_animal_of`.

    Raises
    ------
    InputError
        If something other than a dose happens, such as a fraction of radiation: events of rxode2
        add to one compartment, and do not compute new values of several.

    Notes
    -----
    Amounts of doses hold bioavailability and lag already. Infusions are an inflow that events of
    EVID 5 set.
    """
    names = _names(animal)

    def word(name: str) -> str:
        return names.get(name, name)

    lines = [
        "# not executed here: text for rxode2, made from the equations and not tried.",
        f"# {_line(animal.title or animal.name)}",
        f"# Typical animal of arm {_line(animal.arm) or 'one'}; "
        f"regimen: {_line(animal.regimen) or 'none'}",
        "# Time is in days.",
        "library(rxode2)",
        "",
        "model <- rxode2({",
    ]
    for entry in animal.parameters:
        said = f"{entry.unit.symbol}; {entry.status}; {entry.citation or entry.source}"
        lines.append(f"  {word(entry.name)} = {entry.value!r}  # {_line(said)}")
    lines += [f"  {word(one.name)}(0) = 0" for one in animal.inflows]
    static, moving = _split(animal)
    lines += [f"  {word(name)} = {_text(tree, word)}" for name, tree in static]
    for state in animal.states:
        lines.append(f"  {word(state.name)}(0) = {_text(state.initial, word)}")
    lines += [f"  {word(name)} = {_text(tree, word)}" for name, tree in moving]
    for state in animal.states:
        lines.append(f"  d/dt({word(state.name)}) = {_text(state.rate, word)}")
    lines += [f"  d/dt({word(one.name)}) = 0" for one in animal.inflows]
    lines += ["})", "", "events <- et()"]
    lines += _doses(animal, word)
    last = max([21.0, *(change.time for change in animal.changes)])
    lines += [
        f"events <- et(events, seq(0, {last!r}, by = 0.25))",
        "result <- rxSolve(model, events = events)",
        "",
    ]
    return "\n".join(lines)


def _names(animal: TypicalAnimal) -> dict[str, str]:
    """Other names for those that rxode2 takes for itself."""
    groups = (animal.parameters, animal.states, animal.inflows, animal.assignments)
    every = {one.name for group in groups for one in group}
    found = {}
    for name in sorted(every & _TAKEN):
        new = f"{name}_"
        while new in every:
            new += "_"
        found[name] = new
        every.add(new)
    return found


def _split(
    animal: TypicalAnimal,
) -> tuple[list[tuple[str, Expression]], list[tuple[str, Expression]]]:
    """Assignments of parameters alone, which first values may use, and the others."""
    known = {entry.name for entry in animal.parameters}
    static, moving = [], []
    for one in animal.assignments:
        if one.value.names() <= known:
            known.add(one.name)
            static.append((one.name, one.value))
        else:
            moving.append((one.name, one.value))
    return static, moving


def _doses(animal: TypicalAnimal, word: Callable[[str], str]) -> list[str]:
    """The lines of the event table."""
    sizes: Mapping[str, float] = {size.name: size.value for size in animal.sizes}
    inflows = {one.name for one in animal.inflows}
    lines = []
    for change in animal.changes:
        for name, tree in change.values.items():
            if name in inflows:
                value = 0.0 if tree == Number(0.0) else float(tree.evaluate(sizes))
                kind = "evid = 5, "
            else:
                added = _added(name, tree, sizes)
                if added is None:
                    raise InputError(
                        "doses alone, for rxode2",
                        found=f"{change.meaning} on day {change.time:g}",
                        where=animal.name,
                        mend="write SBML instead",
                    )
                value, kind = added, ""
            lines.append(
                f"events <- et(events, time = {change.time!r}, {kind}amt = {value!r}, "
                f'cmt = "{word(name)}")'
            )
    return lines


def _added(name: str, tree: Expression, sizes: Mapping[str, float]) -> float | None:
    """What is added to a compartment, None where something else happens."""
    match tree:
        case Binary("+", left, Name(size)) if size in sizes:
            before = _added(name, left, sizes)
            return None if before is None else before + sizes[size]
        case Name(same) if same == name:
            return 0.0
        case _:
            return None


def _text(tree: Expression, word: Callable[[str], str]) -> str:
    """An expression for rxode2."""
    match tree:
        case Number(value):
            return repr(value)
        case Name("time"):
            return "t"
        case Name(name):
            return word(name)
        case Negate(operand):
            return f"(-{_text(operand, word)})"
        case Binary(operator, left, right):
            sign = "^" if operator == "**" else operator
            return f"({_text(left, word)}{sign}{_text(right, word)})"
        case Call("free_ligand", (total, sites, kd)):
            a, b, c = (_text(part, word) for part in (total, sites, kd))
            excess = f"({b}+{c}-{a})"
            root = f"sqrt({excess}^2+4*{c}*{a})"
            # One of the two terms is 0; neither subtracts numbers that are nearly equal.
            above = f"2*{c}*{a}/(max({excess},0)+{root}+(1-(({excess})>0)))"
            return f"((({excess})>0)*{above}+(1-(({excess})>0))*0.5*({root}-min({excess},0)))"
        case Call("select", (a, b, yes, no)):
            holds = f"({_text(a, word)}<={_text(b, word)})"
            return f"({holds}*{_text(yes, word)}+(1-{holds})*{_text(no, word)})"
        case Call(function, arguments):
            return f"{function}({', '.join(_text(part, word) for part in arguments)})"
    raise InputError("an expression of the language", found=str(tree))


def _line(text: str) -> str:
    """Text for a comment: one line."""
    return " ".join(text.split())
