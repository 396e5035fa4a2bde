"""The text of a solver that is written for one model: scalar code, unrolled, animal by animal.

From the trees of a model comes one Python module. What depends on parameters alone is worked out
once for each animal; around the rates lies Dormand and Prince's pair of fifth and fourth order
with steps of the animal's own, and the concentrations between doses as sums of exponentials.
`oncovivo.mechanism.generated_kernel` compiles the text and runs it.

The text is made from trees alone, and every name in it is one of ours.

References
----------
Dormand JR, Prince PJ. J Comput Appl Math 1980;6:19-26 (the pair). Hairer E, Wanner G. Solving
Ordinary Differential Equations II, IV.2 (control of steps, recognition of stiffness).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oncovivo.errors import InputError
from oncovivo.mechanism.expressions import Expression
from oncovivo.mechanism.generated_lines import CodeLines
from oncovivo.mechanism.model import Model

__all__ = ["FAILURES", "GeneratedSolver", "generate_solver"]

FAILURES: Final = ("none", "not finite", "no step", "stiff", "too many steps")
"""What the codes mean that ``solve`` gives back."""

_HEAD: Final = '''\
"""The solver of one model, written from its equations: to be read, not to be changed."""

from math import ceil, exp, inf, isfinite, log, sqrt, tanh

from numba import njit


@njit(error_model="numpy", fastmath={"contract"})
def minimum(a, b):
    return a if a < b or a != a else b


@njit(error_model="numpy", fastmath={"contract"})
def maximum(a, b):
    return a if a > b or a != a else b


@njit(error_model="numpy", fastmath={"contract"})
def select(a, b, yes, no):
    return yes if a <= b else no


@njit(error_model="numpy", fastmath={"contract"})
def power(a, b):
    d = a - 1.0
    if -1e-3 < d < 1e-3 and -1.0 <= b <= 1.0:
        # (1 + small)**(1/psi), as in laws that switch: the binomial series, good to 1e-15.
        fourth = 1/6 + (b - 3.0)*d*(1/24)
        return 1.0 + b*d*(1.0 + (b - 1.0)*d*(1/2 + (b - 2.0)*d*fourth))
    if 0.0 <= b <= 64.0:
        whole = int(b)
        if whole == b:
            result = 1.0
            while whole:
                if whole & 1:
                    result *= a
                a *= a
                whole >>= 1
            return result
    # Quicker than a**b, and good to 1e-13 where that is a number.
    return exp(b*log(a)) if a > 0.0 else a**b


@njit(error_model="numpy", fastmath={"contract"})
def free_ligand(ligand, sites, kd):
    excess = sites + kd - ligand
    product = kd*ligand
    larger = 0.5*(abs(excess) + sqrt(excess*excess + 4.0*product))
    if excess > 0.0:
        return product/larger if larger > 0.0 else product
    return larger
'''

_ARGUMENTS: Final = (
    "initial, parameters, times, kinds, doses, shown, begin, rtol, most, states, totals"
)

# Weights of the slopes before each stage; those of the last are of the step itself.
_STAGES: Final = (
    ("1/5",),
    ("3/40", "9/40"),
    ("44/45", "-56/15", "32/9"),
    ("19372/6561", "-25360/2187", "64448/6561", "-212/729"),
    ("9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656"),
    ("35/384", "", "500/1113", "125/192", "-2187/6784", "11/84"),
)
_ERROR: Final = ("71/57600", "", "-71/16695", "71/1920", "-17253/339200", "22/525", "-1/40")
# When the stages are, in 90ths of a step, and how the powers of exp(-rate step/90) that give the
# concentrations then are made by multiplication: one exponential for a rate and step.
_NODES: Final = (18, 27, 72, 80, 90, 90)
_POWERS: Final = (
    (2, 1, 1),
    (4, 2, 2),
    (8, 4, 4),
    (9, 8, 1),
    (18, 9, 9),
    (27, 18, 9),
    (36, 18, 18),
    (72, 36, 36),
    (80, 72, 8),
    (90, 72, 18),
)
# As in oncovivo.numerics.ode_adaptive: a state is compared with its own size or this share of its
# largest so far; the pair is stable up to 3.3, steps that keep ending beyond the square root of
# this are held by stability; a step of so small a share of the time does not change it.
_SMALL: Final = 1e-4
_TINY: Final = 1e-300
_AT_THE_EDGE: Final = 7.84
_EDGE_STEPS: Final = 15
_SHORTEST: Final = 1e-13
# A term may fall by so many times 1/e within a step. At 2.5 the error of the pair is as large as
# its estimate, and 60 times as large where a term falls within a tenth of a step; at 1 it is a
# fifth, which keeps the errors of many doses from adding up while there is much to fall.
_FALL: Final = 2.5
_EARLY_FALL: Final = 1.0
_EARLY: Final = 0.1
# Rates of so few lines are put in at every stage, where the compiler would rather call them.
_SHORT: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedSolver:
    """The text of a solver and what its function ``solve`` takes.

    Parameters
    ----------
    source : str
        Text of the module.
    used : tuple of tuple of int
        Of each compound, the places of the concentrations that rates or events read.
    kinds : tuple of str
        Kinds of events; their numbers follow those of the compounds.
    """

    source: str
    used: tuple[tuple[int, ...], ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compound:
    """A compound in the text: its number, terms, and the locals of its concentrations."""

    number: int
    n_terms: int
    places: tuple[int, ...]
    columns: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What ``solve`` takes for it, if anything reads it."""
        names = ("rates", "starts", "parts", "held")
        return tuple(f"{name}_{self.number}" for name in names) if self.columns else ()

    def begin(self) -> list[str]:
        """Rates of an animal, and its first segment."""
        number = self.number
        if not self.columns:
            return []
        return [
            *(f"r{number}_{j} = rates_{number}[animal, {j}]" for j in range(self.n_terms)),
            f"at_{number} = 0",
            *self.enter(),
        ]

    def enter(self) -> list[str]:
        """What holds within a segment."""
        number, terms = self.number, range(self.n_terms)
        if not self.columns:
            return []
        lines = [
            f"start_{number} = starts_{number}[animal, at_{number}]",
            *(f"e{number}_{j} = exp(-r{number}_{j}*(now - start_{number}))" for j in terms),
        ]
        for i in range(len(self.columns)):
            place = f"[animal, at_{number}, {i}"
            lines.append(f"b{number}_{i} = held_{number}{place}]")
            lines += [f"a{number}_{i}_{j} = parts_{number}{place}, {j}]" for j in terms]
        return lines

    def leave(self) -> list[str]:
        """The next segment."""
        return [f"at_{self.number} += 1", *self.enter()]

    def powers(self) -> list[str]:
        """Falls of the terms over parts of the step."""
        lines = []
        for j in range(self.n_terms) if self.columns else ():
            own = f"{self.number}_{j}"
            lines.append(f"q{own}_1 = exp(-r{own}*(size/90.0))")
            lines += [f"q{own}_{n} = q{own}_{a}*q{own}_{b}" for n, a, b in _POWERS]
        return lines

    def limits(self) -> list[str]:
        """No step is so long that the pair overlooks how a term falls."""
        lines = []
        for j in range(self.n_terms) if self.columns else ():
            own = f"{self.number}_{j}"
            fall = f"({_EARLY_FALL} if e{own} > {_EARLY} else {_FALL})"
            lines += [f"if e{own} > rtol:", f"    longest = minimum(longest, {fall}/r{own})"]
        return lines

    def advance(self) -> list[str]:
        """The terms after a step."""
        own = [f"{self.number}_{j}" for j in range(self.n_terms) if self.columns]
        return [f"e{term} = e{term}*q{term}_90" for term in own]

    def levels(self, columns: Sequence[str], node: int) -> list[str]:
        """Concentrations at a part of the step; 0 is its beginning."""
        number = self.number
        lines = []
        for j in range(self.n_terms) if node and set(columns) & set(self.columns) else ():
            own = f"{number}_{j}"
            lines.append(f"f{own}_{node} = e{own}*q{own}_{node}")
        fallen = [
            f"f{number}_{j}_{node}" if node else f"e{number}_{j}" for j in range(self.n_terms)
        ]
        for i, column in enumerate(self.columns):
            if column in columns:
                total = "".join(f" + a{number}_{i}_{j}*{f}" for j, f in enumerate(fallen))
                lines.append(f"{column}_{node} = maximum(b{number}_{i}{total}, 0.0)")
        return lines


def generate_solver(model: Model) -> GeneratedSolver:
    """The text of a solver for a model.

    Its function ``solve(initial, parameters, times, kinds, doses, shown, begin, rtol, most,
    states, totals, ...)`` takes, for n animals with s states and e stops each: states at the
    beginning (n, s); parameters (n, p); times of stops, kinds of events (-1: none), their doses
    and places of outputs (-1: none), (n, e) each; the day of the beginning; the relative error of
    a step; the most steps of an animal. It fills the states at the outputs (n, t, s) and the sums
    of the errors of steps (n,). Behind them come, of each compound that anything reads (segments
    g, terms m, concentrations k): rates (n, m), starts of segments (n, g), amplitudes
    (n, g, k, m) and what is held (n, g, k). It gives back the place of a word of `FAILURES`, the
    animal, the day and a rate, and how many steps and evaluations there were.

    Parameters
    ----------
    model : Model
        With at least one state.

    Raises
    ------
    InputError
        If it has no state.
    """
    if not model.state_names:
        raise InputError("a model with a state to integrate", found="none")
    return _Writer(model).solver()


class _Writer:
    """Writes the text of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.states = [f"y{i}" for i in range(len(model.state_names))]
        self.parameters = [f"x{i}" for i in range(len(model.parameter_names))]
        arguments = dict(zip(model.state_names, self.states, strict=True))
        arguments |= dict(zip(model.parameter_names, self.parameters, strict=True))
        arguments |= {name: f"c{i}" for i, name in enumerate(model.concentration_names)}
        arguments |= {event.dose: "dose" for event in model.events}
        arguments["time"] = "now"
        self.lines = CodeLines(model.definitions, arguments, frozenset(self.parameters))
        self.slopes = [self.lines.local(tree) for tree in model.rates.values()]
        self.body, used = self.lines.body, frozenset(self.lines.used)
        self.events = [self._event(model.event_maps[event.kind]) for event in model.events]
        self.compounds = self._compounds()
        read = [column for one in self.compounds for column in one.columns]
        self.driven = [column for column in read if column in used]
        static = sorted((x for x in used if x[0] in "px"), key=lambda x: (len(x), x))
        self.handed = [*(["now"] if "now" in used else []), *self.states, *static, *self.driven]

    def solver(self) -> GeneratedSolver:
        """The text and what belongs to it."""
        model = self.model
        inline = len(self.body) <= _SHORT
        further = [name for one in self.compounds for name in one.arguments]
        source = [
            _HEAD,
            "",
            f'@njit(error_model="numpy", fastmath={{"contract"}}, forceinline={inline})',
            f"def rates({', '.join(self.handed)}):",
            *_in(1, [*self.body, f"return {', '.join(self.slopes)},"]),
            "",
            "",
            '@njit(error_model="numpy", fastmath={"contract"}, nogil=True, cache=True)',
            f"def solve({', '.join([_ARGUMENTS, *further])}):",
            *_in(1, self._solve()),
            "",
        ]
        return GeneratedSolver(
            source="\n".join(source),
            used=tuple(one.places for one in self.compounds),
            kinds=tuple(event.kind for event in model.events),
        )

    def _event(self, maps: Mapping[str, Expression]) -> list[str]:
        """Lines of what an event does to the states."""
        self.lines.begin_body()
        new = {
            state: maps[name]
            for name, state in zip(self.model.state_names, self.states, strict=True)
            if name in maps
        }
        values = [self.lines.local(tree) for tree in new.values()]
        return [*self.lines.body, f"{', '.join(new)}, = {', '.join(values)},"]

    def _compounds(self) -> tuple[_Compound, ...]:
        """The compounds with those of their concentrations that are read."""
        found = []
        first = 0
        for number, pk in enumerate(self.model.pk):
            columns = [f"c{first + i}" for i in range(len(pk.concentration_names))]
            read = [i for i, c in enumerate(columns) if c in self.lines.arguments_read]
            found.append(
                _Compound(
                    number=number,
                    n_terms=len(pk.compartments),
                    places=tuple(read),
                    columns=tuple(columns[i] for i in read),
                )
            )
            first += len(columns)
        return tuple(found)

    def _each(self, *lines: str) -> list[str]:
        """Lines for each state; # is its number."""
        return [line.replace("#", str(i)) for i in range(len(self.states)) for line in lines]

    def _of_all(self, piece: str, join: str) -> str:
        """A piece for each state, joined."""
        return join.join(self._each(piece))

    def _rates(self, stage: int, state: str, node: int) -> str:
        """The line that works out the slopes of a stage."""
        names = {f"y{i}": f"{state}{i}" for i in range(len(self.states))}
        names |= {column: f"{column}_{node}" for column in self.driven}
        if node:
            names["now"] = f"now + size*({node}/90)"
        given = ", ".join(names.get(name, name) for name in self.handed)
        return f"{self._of_all(f'k{stage}_#', ', ')}, = rates({given})"

    def _solve(self) -> list[str]:
        """The body of ``solve``."""
        parameters = [
            f"{x} = parameters[animal, {i}]"
            for i, x in enumerate(self.parameters)
            if x in self.lines.arguments_read
        ]
        return [
            "steps = evaluations = 0",
            "for animal in range(initial.shape[0]):",
            *_in(1, [*parameters, *self.lines.head]),
            *_in(1, self._each("y# = initial[animal, #]", "w# = abs(y#)")),
            "    now = begin",
            "    end = times[animal, times.shape[1] - 1]",
            *_in(1, [line for one in self.compounds for line in one.begin()]),
            "    step = first = total = way = turn = 0.0",
            "    before = -9.2",
            "    tried = edge = 0",
            "    fresh, noted, rejected = True, False, False",
            "    for place in range(times.shape[1]):",
            "        stop = times[animal, place]",
            "        if stop > now and fresh:",
            *_in(3, self._start()),
            "        while now < stop:",
            *_in(3, self._step()),
            f"        if not ({self._of_all('isfinite(y#)', ' and ')}):",
            "            return 1, animal, now, 0.0, steps, evaluations",
            "        kind = kinds[animal, place]",
            "        if kind >= 0:",
            "            fresh = True",
            *_in(3, self._happenings()),
            f"            if not ({self._of_all('isfinite(y#)', ' and ')}):",
            "                return 1, animal, now, 0.0, steps, evaluations",
            "        output = shown[animal, place]",
            "        if output >= 0:",
            *_in(3, self._each("states[animal, output, #] = y#")),
            "    totals[animal] = total",
            "return 0, 0, 0.0, 0.0, steps, evaluations",
        ]

    def _start(self) -> list[str]:
        """Slopes and step after an event."""
        return [
            *(line for one in self.compounds for line in one.levels(self.driven, 0)),
            self._rates(0, "y", 0),
            "evaluations += 1",
            "fresh = False",
            "noted = False",
            "# What the steps before an event met says nothing of those after it.",
            "edge = 0",
            "if first > 0.0:",
            "    # The last event's first step, a little bolder.",
            "    step = minimum(0.5*step, 1.5*first)",
            "else:",
            "    # A step in which no state changes by more than a hundredth.",
            "    step = inf",
            *_in(
                1,
                self._each(
                    "if y# != 0.0 and k0_# != 0.0:", "    step = minimum(step, 0.01*abs(y#/k0_#))"
                ),
            ),
            "    if not (0.0 < step < inf):",
            "        step = 0.01*maximum(stop - now, 0.001*(end - begin))",
        ]

    def _step(self) -> list[str]:
        """One step tried."""
        lines = [
            "left = stop - now",
            "longest = step",
            *(line for one in self.compounds for line in one.limits()),
            "# What is left is divided evenly, so that no sliver remains.",
            "size = left/ceil(left/longest - 1e-9) if longest < left else left",
            *(line for one in self.compounds for line in one.powers()),
        ]
        ready = {0}
        for stage, (weights, node) in enumerate(zip(_STAGES, _NODES, strict=True), 1):
            if node not in ready:
                lines += [line for one in self.compounds for line in one.levels(self.driven, node)]
                ready.add(node)
            lines += self._each(f"z{stage}_# = y# + size*({_weighted(weights)})")
            lines.append(self._rates(stage, f"z{stage}_", node))
        last = len(_STAGES)
        lines += ["evaluations += 6", "tried += 1", "worst = 0.0"]
        lines += self._each(
            f"scale = max(max(abs(y#), abs(z{last}_#)), max({_SMALL}*w#, {_TINY}))",
            f"error = abs(size*({_weighted(_ERROR)}))/scale",
            "if error > worst or error != error:",
            "    worst = error",
        )
        moved = f"(z{last}_# - z{last - 1}_#)"
        turned = f"(k{last}_# - k{last - 1}_#)"
        return [
            *lines,
            "ratio = worst/rtol",
            "if ratio <= 1.0:",
            "    size_of_error = log(maximum(ratio, 1e-10))",
            "    change = 0.9*exp(0.04*before - 0.17*size_of_error)",
            "    before = maximum(size_of_error, -9.2)",
            "    change = maximum(minimum(change, 1.0 if rejected else 10.0), 0.2)",
            "    # A step that a stop cut short says nothing against longer ones.",
            "    longer = size*change",
            "    step = maximum(step, longer) if size < step and change >= 1.0 else longer",
            "    rejected = False",
            "    if not noted:",
            "        first = size",
            "        noted = True",
            f"    way = {self._of_all(f'{moved}*{moved}', ' + ')}",
            f"    turn = {self._of_all(f'{turned}*{turned}', ' + ')}",
            f"    if size*size*turn > {_AT_THE_EDGE}*way:",
            f"        edge = min(edge + 1, {2 * _EDGE_STEPS})",
            "    else:",
            "        edge = max(edge - 2, 0)",
            "    total += worst",
            "    steps += 1",
            "    now = stop if size == left else now + size",
            *_in(1, [line for one in self.compounds for line in one.advance()]),
            *_in(
                1,
                self._each(f"y# = z{last}_#", f"k0_# = k{last}_#", "w# = maximum(w#, abs(y#))"),
            ),
            "else:",
            "    change = 0.9*ratio**-0.2 if ratio < inf else 0.0",
            "    step = size*maximum(change, 0.2)",
            "    rejected = True",
            f"    if step < {_SHORTEST}*maximum(now, end - begin):",
            "        return 2, animal, now, 0.0, steps, evaluations",
            f"if edge >= {_EDGE_STEPS}:",
            "    if tried + (end - now)/step > most:",
            "        return 3, animal, now, sqrt(turn/way), steps, evaluations",
            "elif tried >= most:",
            "    return 4, animal, now, 0.0, steps, evaluations",
        ]

    def _happenings(self) -> list[str]:
        """What each kind of event does."""
        lines = []
        word = "if"
        for one in self.compounds:
            if not one.columns:
                continue
            lines += [f"{word} kind == {one.number}:", *_in(1, one.leave())]
            word = "elif"
        for number, event in enumerate(self.events, len(self.compounds)):
            levels = [line for one in self.compounds for line in one.levels(one.columns, 0)]
            levels += [f"{c} = {c}_0" for one in self.compounds for c in one.columns]
            lines += [f"{word} kind == {number}:", "    dose = doses[animal, place]"]
            lines += _in(1, [*levels, *event])
            word = "elif"
        return lines or ["pass"]


def _weighted(weights: Sequence[str]) -> str:
    """A weighted sum of slopes of the state #."""
    return " + ".join(f"{weight}*k{stage}_#" for stage, weight in enumerate(weights) if weight)


def _in(depth: int, lines: Sequence[str]) -> list[str]:
    """Lines further to the right."""
    return [" " * 4 * depth + line for line in lines]
