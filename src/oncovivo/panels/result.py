"""What a panel says: one row for each animal, summaries, and the matrix of lines × treatments.

Counts in a summary are of animals. Rates are of cells, a cell being a line under a treatment:
animals of one line are copies of one tumor, so each line has one vote. A cell's category is the
middle one of its animals, the worse of two middle ones.
"""

from __future__ import annotations

import math
from dataclasses import InitVar, asdict, dataclass, field
from typing import Final, Literal, TypeAlias

import pandas as pd

from oncovivo.endpoints.mrecist import CATEGORIES, Rule
from oncovivo.endpoints.rates import Rate, clopper_pearson
from oncovivo.errors import InputError

__all__ = ["Grouping", "PanelResult", "PanelSummary", "Value"]

Grouping: TypeAlias = Literal["treatment", "model", "tumor_type", "tumor_type and treatment"]
Value: TypeAlias = Literal[
    "response", "best_response_pct", "best_average_response_pct", "normalized_auc_mm3"
]

_GROUPS: Final[dict[Grouping, tuple[str, ...]]] = {
    "treatment": ("treatment",),
    "model": ("study", "model", "tumor_type"),
    "tumor_type": ("tumor_type",),
    "tumor_type and treatment": ("tumor_type", "treatment"),
}
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSummary:
    """Responses of one group of animals.

    Parameters
    ----------
    by : Grouping
        What the group is.
    study, model, tumor_type, treatment : str or None
        Labels of the group; None where it spans several.
    n_animals, n_lines : int
        Animals and xenograft lines in it.
    n_evaluable : int
        Animals with a response.
    n_cr, n_pr, n_sd, n_pd : int
        Animals by `response`.
    n_cured : int
        Animals whose tumor is gone at the last reading.
    median_best_response_pct, median_best_average_response_pct : float or None
        Over the animals that have one.
    objective_response, disease_control : Rate
        CR or PR, and CR, PR or SD, of cells (line × treatment) with a response.
    """

    by: Grouping
    study: str | None
    model: str | None
    tumor_type: str | None
    treatment: str | None
    n_animals: int
    n_lines: int
    n_evaluable: int
    n_cr: int
    n_pr: int
    n_sd: int
    n_pd: int
    n_cured: int
    median_best_response_pct: float | None
    median_best_average_response_pct: float | None
    objective_response: Rate
    disease_control: Rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelResult:
    """Responses of a panel.

    Parameters
    ----------
    rule : Rule
        Of mRECIST.
    baseline_day : float or None
        The day asked for; None where each line's own was used.
    simulated : bool
        Whether numbers come from a simulation.
    table : DataFrame
        One row for each animal, as :meth:`to_frame` gives it; copied.
    """

    rule: Rule
    baseline_day: float | None
    simulated: bool
    table: InitVar[pd.DataFrame]
    _table: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self, table: pd.DataFrame) -> None:
        object.__setattr__(self, "_table", table.reset_index(drop=True))

    @property
    def n(self) -> int:
        """Number of animals."""
        return len(self._table)

    def to_frame(self) -> pd.DataFrame:
        """One row for each animal; a number or category that does not exist is missing.

        Columns: labels (``study``, ``model``, ``tumor_type``, ``treatment``, ``animal_id``),
        ``baseline_day``, ``baseline_volume_mm3``, ``n_readings``, ``last_day``, ``end_reason``,
        ``best_response_pct`` and ``best_average_response_pct`` with their days,
        ``end_change_pct``, ``auc_mm3_day``, ``normalized_auc_mm3``, ``mrecist`` (by the rule),
        ``response`` (what is counted), ``cured_day``, ``depends_on_schedule``, ``status``,
        ``reason``. Days are study days.
        """
        return self._table.copy()

    def to_dict(self) -> dict[str, object]:
        """All of it, for JSON."""
        return {
            "rule": self.rule,
            "baseline_day": self.baseline_day,
            "simulated": self.simulated,
            "animals": _records(self._table),
            "summary": [asdict(row) for row in self.summaries()],
        }

    def summary(self) -> str:
        """The panel in a line."""
        table = self._table
        counts = ", ".join(
            f"{int((table['response'] == word).sum())} {word}" for word in CATEGORIES
        )
        lines = len(table[["study", "model"]].drop_duplicates())
        return (
            f"{self.n} animals, {lines} lines, {table['treatment'].nunique()} treatments; "
            f"{counts}, {int(table['response'].isna().sum())} not evaluable ({self.rule})"
        )

    def summaries(self, by: Grouping | None = None) -> tuple[PanelSummary, ...]:
        """Summaries by treatment, by line, by tumor type, and by tumor type and treatment.

        Parameters
        ----------
        by : Grouping, optional
            One of these; all without it.

        Raises
        ------
        InputError
            If there is no such grouping.
        """
        if by is not None and by not in _GROUPS:
            expected = "a grouping: " + ", ".join(_GROUPS)
            raise InputError(expected, found=repr(by))
        cells = self._cells()
        return tuple(
            row
            for name, columns in _GROUPS.items()
            if by in (None, name)
            for row in _summaries(self._table, cells, name, columns)
        )

    def matrix(self, value: Value = "response") -> pd.DataFrame:
        """Lines × treatments.

        Parameters
        ----------
        value : {"response", "best_response_pct", "best_average_response_pct", \
"normalized_auc_mm3"}
            Category of each cell, or the median over its animals.

        Returns
        -------
        DataFrame
            Index ``study``, ``model``; a column for each treatment; missing where nothing was
            tested or evaluable. Sorted by name.
        """
        keys = ["study", "model", "treatment"]
        if value == "response":
            cells = self._cells()
            series = cells.set_index(keys)["response"]
        else:
            series = self._table.groupby(keys, sort=True)[value].median()
        matrix = series.unstack("treatment")
        return matrix.sort_index().sort_index(axis=1)

    def waterfall(
        self,
        treatment: str | None = None,
        *,
        value: Literal["best_response_pct", "best_average_response_pct"] = "best_response_pct",
    ) -> pd.DataFrame:
        """Animals of a treatment from the worst response to the best.

        Parameters
        ----------
        treatment : str, optional
            All animals without it.
        value : {"best_response_pct", "best_average_response_pct"}
            What they are sorted by. Animals without it are left out.

        Raises
        ------
        InputError
            If no animal had the treatment.
        """
        table = self._table
        if treatment is not None:
            table = table[table["treatment"] == treatment]
            if table.empty:
                names = ", ".join(sorted(set(self._table["treatment"])))
                expected = f"a treatment of the panel: {names}"
                raise InputError(expected, found=repr(treatment))
        keys = [value, "study", "model", "animal_id"]
        ordered = table[table[value].notna()].sort_values(
            keys, ascending=[False, True, True, True], kind="stable"
        )
        return ordered.reset_index(drop=True)

    def _cells(self) -> pd.DataFrame:
        """One row for each line × treatment with an evaluable animal: its middle category."""
        table = self._table[self._table["response"].notna()]
        code = table["response"].map({word: i for i, word in enumerate(CATEGORIES)})
        keys = ["study", "model", "tumor_type", "treatment"]
        middle = code.astype(float).groupby([table[key] for key in keys], sort=True).median()
        cells = middle.rename("code").reset_index()
        cells["response"] = [CATEGORIES[math.ceil(m)] for m in cells["code"]]
        return cells


def _summaries(
    table: pd.DataFrame, cells: pd.DataFrame, name: Grouping, columns: tuple[str, ...]
) -> list[PanelSummary]:
    """Summaries of one grouping, sorted by its labels."""
    keys = list(columns)
    counted = table[keys].assign(
        line=table["study"].str.cat(table["model"], sep="\0"),
        best=table["best_response_pct"],
        average=table["best_average_response_pct"],
        cured=table["cured_day"].notna(),
        **{word: table["response"] == word for word in CATEGORIES},
    )
    groups = counted.groupby(keys, sort=True)
    counts = groups[["cured", *CATEGORIES]].sum()
    size, lines = groups.size(), groups["line"].nunique()
    medians = groups[["best", "average"]].median()
    votes = cells[keys].assign(
        objective=cells["response"].isin(["CR", "PR"]), controlled=cells["response"] != "PD", n=1
    )
    of_cells = votes.groupby(keys, sort=True).sum().reindex(counts.index, fill_value=0)
    rows: list[PanelSummary] = []
    for at, key in enumerate(counts.index):
        labels = dict(zip(columns, key if isinstance(key, tuple) else (key,), strict=True))
        n = {word: int(counts[word].iloc[at]) for word in CATEGORIES}
        objective, controlled, n_cells = (
            int(of_cells[column].iloc[at]) for column in ("objective", "controlled", "n")
        )
        rows.append(
            PanelSummary(
                by=name,
                study=labels.get("study"),
                model=labels.get("model"),
                tumor_type=labels.get("tumor_type") or None,
                treatment=labels.get("treatment"),
                n_animals=int(size.iloc[at]),
                n_lines=int(lines.iloc[at]),
                n_evaluable=sum(n.values()),
                n_cr=n["CR"],
                n_pr=n["PR"],
                n_sd=n["SD"],
                n_pd=n["PD"],
                n_cured=int(counts["cured"].iloc[at]),
                median_best_response_pct=_number(medians["best"].iloc[at]),
                median_best_average_response_pct=_number(medians["average"].iloc[at]),
                objective_response=clopper_pearson(objective, n_cells, level=_LEVEL),
                disease_control=clopper_pearson(controlled, n_cells, level=_LEVEL),
            )
        )
    return rows


def _number(value: float) -> float | None:
    """A number, None for NaN."""
    return None if math.isnan(value) else float(value)


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows for JSON: None for what does not exist; an empty tumor type is None too."""
    columns: dict[str, list[object]] = {}
    for name in table.columns:
        values = table[name].tolist()
        columns[str(name)] = [None if v != v or v is None else v for v in values]
    columns["tumor_type"] = [v or None for v in columns["tumor_type"]]
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
