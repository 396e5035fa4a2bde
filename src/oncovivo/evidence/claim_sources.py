"""What a claim may be tested against: literature rows, pooled, or rows of a study or simulation.

``from = "evidence"``, ``from = "meta:<tumor>"``, ``from = "study:<id>"`` or
``from = "simulation:<name>"``. Each kind has its columns, so that a query is checked against the
columns of its own source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from oncovivo.errors import InputError
from oncovivo.evidence.records import COLUMNS, Column

__all__ = [
    "META_COLUMNS",
    "SIMULATION_COLUMNS",
    "STUDY_COLUMNS",
    "ClaimSource",
    "SourceKind",
    "SourceWord",
    "parse_source",
]

SourceWord: TypeAlias = Literal["evidence", "meta", "study", "simulation"]
"""What stands before the colon of a ``from``."""

SIMULATION_COLUMNS: Final[tuple[Column, ...]] = (
    Column(name="row_id", kind="key", text="name of the simulation, a colon, number of the row"),
    Column(name="source", kind="text", text="the simulation itself, as simulation:renal_786o"),
    Column(name="arm", kind="text", text="the arm"),
    Column(name="versus", kind="text", text="the control"),
    Column(name="output", kind="text", text="output of the model, as tumor_volume"),
    Column(name="unit", kind="text", text="unit of the output; 1 for a ratio or a share"),
    Column(name="time_d", kind="number", text="day, one of the simulation's report days"),
    Column(name="median", kind="number", text="median of the arm's output"),
    Column(name="lower", kind="number", text="its lower limit"),
    Column(name="upper", kind="number", text="its upper limit"),
    Column(
        name="ratio",
        kind="number",
        text="median of arm over control, draw by draw; not_applicable where the control is 0",
        states=True,
    ),
    Column(name="ratio_lower", kind="number", text="lower limit of the ratio", states=True),
    Column(name="ratio_upper", kind="number", text="upper limit of the ratio", states=True),
    Column(
        name="direction",
        kind="word",
        text="where the limits of arm minus control lie",
        words="simulated_direction",
    ),
    Column(name="assumed_count", kind="count", text="numbers behind the output that are assumed"),
    Column(name="scaled_count", kind="count", text="numbers behind it that are scaled"),
)
"""The columns of a simulation's rows: an arm against the control, an output, a day."""

STUDY_COLUMNS: Final[tuple[Column, ...]] = (
    Column(name="row_id", kind="key", text="id of the study, a colon, number of the row"),
    Column(name="source", kind="text", text="the study itself, as study:four-arm"),
    Column(name="analysis", kind="word", text="what was computed", words="study_analysis"),
    Column(name="arm", kind="text", text="the arm; for synergy the arm of the combination"),
    Column(
        name="versus",
        kind="text",
        text="the control; for synergy the arms of the partners, each of which a query finds",
    ),
    Column(
        name="null_model",
        kind="word",
        text="null model that the combination is held to; not_applicable to the other analyses",
        words="null_model",
        states=True,
    ),
    Column(name="scale", kind="word", text="on what scale", words="study_scale"),
    Column(
        name="day",
        kind="number",
        text="study day; not_applicable where the result speaks of no day",
        states=True,
    ),
    Column(name="n", kind="count", text="animals of all arms behind the result"),
    Column(
        name="estimate",
        kind="number",
        text="arm less control, per day or in days; percent inhibited; log of observed over "
        "foreseen",
        states=True,
    ),
    Column(name="lower", kind="number", text="lower limit of the estimate", states=True),
    Column(name="upper", kind="number", text="upper limit of the estimate", states=True),
    Column(
        name="ratio",
        kind="number",
        text="arm over control: of rates, hazards or medians",
        states=True,
    ),
    Column(name="ratio_lower", kind="number", text="lower limit of the ratio", states=True),
    Column(name="ratio_upper", kind="number", text="upper limit of the ratio", states=True),
    Column(
        name="index",
        kind="number",
        text="observed over foreseen size or hazard, or foreseen over observed median; below 1 is "
        "synergy",
        states=True,
    ),
    Column(name="index_lower", kind="number", text="lower limit of the index", states=True),
    Column(name="index_upper", kind="number", text="upper limit of the index", states=True),
    Column(
        name="detectable_index",
        kind="number",
        text="largest index below 1 that a study of this precision finds with 80 % power",
        states=True,
    ),
    Column(
        name="p_value",
        kind="number",
        text="p of this result alone; of the highest single agent one-sided",
        states=True,
    ),
    Column(
        name="p_adjusted",
        kind="number",
        text="p that holds for all arms together, of growth rates",
        states=True,
    ),
    Column(
        name="direction",
        kind="word",
        text="where the result lies; not_applicable to synergy and where nothing was estimated",
        words="study_direction",
        states=True,
    ),
    Column(
        name="verdict",
        kind="word",
        text="what the test of a null model says; not_applicable without one",
        words="study_verdict",
        states=True,
    ),
    Column(
        name="level",
        kind="number",
        text="confidence of the limits, each result alone; one-sided for the highest single agent",
    ),
)
"""The columns of a study's rows: one result each of growth, time to event or a combination."""

META_COLUMNS: Final[tuple[Column, ...]] = (
    Column(name="row_id", kind="key", text="meta, the tumor type and the number of the pool"),
    Column(
        name="source",
        kind="text",
        text="keys of the works that were pooled, each of which a query finds",
    ),
    Column(
        name="treatment",
        kind="text",
        text="key of the compound, and of its partners each after ' + '",
    ),
    Column(
        name="endpoint",
        kind="word",
        text="endpoints of the pooled rows, each of which a query finds",
        words="endpoint",
    ),
    Column(name="measure", kind="word", text="what was pooled", words="pool_measure"),
    Column(name="k", kind="count", text="rows of records.csv that were pooled"),
    Column(name="works", kind="count", text="independent works that they come from"),
    Column(name="estimate", kind="number", text="pooled effect; of a ratio its natural logarithm"),
    Column(name="lower", kind="number", text="lower limit of the pooled effect"),
    Column(name="upper", kind="number", text="upper limit of the pooled effect"),
    Column(
        name="ratio",
        kind="number",
        text="pooled effect as a ratio; not_applicable to measures that are no ratios",
        states=True,
    ),
    Column(name="ratio_lower", kind="number", text="lower limit of the ratio", states=True),
    Column(name="ratio_upper", kind="number", text="upper limit of the ratio", states=True),
    Column(name="p_value", kind="number", text="p of the pooled effect against no difference"),
    Column(name="tau2", kind="number", text="variance between rows", states=True),
    Column(
        name="i2_pct",
        kind="number",
        text="share of the variation that lies between rows, percent",
        states=True,
    ),
    Column(
        name="pi_lower",
        kind="number",
        text="lower limit of the prediction interval, on the scale of the estimate",
        states=True,
    ),
    Column(name="pi_upper", kind="number", text="upper limit of it", states=True),
    Column(
        name="ratio_pi_lower",
        kind="number",
        text="lower limit of the prediction interval as a ratio",
        states=True,
    ),
    Column(name="ratio_pi_upper", kind="number", text="upper limit of it", states=True),
    Column(
        name="direction",
        kind="word",
        text="where the limits lie; not_applicable where the measure does not say what is better",
        words="pool_direction",
        states=True,
    ),
    Column(name="level", kind="number", text="confidence of the limits"),
)
"""The columns of what is pooled for a tumor type: a treatment, an outcome, a measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """A kind of source.

    Parameters
    ----------
    word : {"evidence", "meta", "study", "simulation"}
        What stands before the colon of a ``from``.
    rows : str
        Its rows in words, for messages and the guide.
    columns : tuple of Column
        Their columns.
    simulated : bool
        Whether nothing in them was ever observed. Of a study it is the study that says so.
    one_work : bool
        Whether the rows are one work, however many there are.
    digits : int or None
        Significant digits that a slot prints; None for those of the rows.
    """

    word: SourceWord
    rows: str
    columns: tuple[Column, ...]
    simulated: bool = False
    one_work: bool = False
    digits: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the columns that hold numbers."""
        return tuple(c.name for c in self.columns if c.kind in ("number", "count"))

    def column(self, name: str) -> Column:
        """A column by name.

        Raises
        ------
        KeyError
            If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


EVIDENCE: Final = SourceKind(word="evidence", rows="evidence rows", columns=COLUMNS)
_BY_NAME: Final = (
    SourceKind(
        word="simulation",
        rows="rows of a simulation",
        columns=SIMULATION_COLUMNS,
        simulated=True,
        one_work=True,
        digits=3,
    ),
    SourceKind(
        word="study", rows="rows of a study", columns=STUDY_COLUMNS, one_work=True, digits=3
    ),
    SourceKind(word="meta", rows="pooled rows of a tumor type", columns=META_COLUMNS, digits=3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSource:
    """A source as ``from`` names it; ``name`` is empty for the evidence, of which there is one."""

    kind: SourceKind
    name: str

    @property
    def simulated(self) -> bool:
        """Whether nothing in it can have been observed; a study may be simulated all the same."""
        return self.kind.simulated


def parse_source(text: str, *, where: str) -> ClaimSource:
    """The source that a ``from`` names.

    Parameters
    ----------
    text : str
        ``evidence``, ``meta:<tumor>``, ``study:<id>`` or ``simulation:<name>``.
    where : str
        The claim, for the message.

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> parse_source("study:four-arm", where="claim C1").name
    'four-arm'
    """
    if text == "evidence":
        return ClaimSource(kind=EVIDENCE, name="")
    word, _, name = text.partition(":")
    for kind in _BY_NAME:
        if kind.word == word and name:
            return ClaimSource(kind=kind, name=name)
    raise InputError(
        "a claim from evidence, pooled or not, or from a study or a simulation",
        found=f"from = {text!r}",
        where=where,
        mend='write from = "evidence", "meta:<tumor>", "study:<id>" or "simulation:<name>"',
    )
