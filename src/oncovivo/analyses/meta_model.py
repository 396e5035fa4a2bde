"""Rows that depend on each other: their levels, sampling covariance and multilevel model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.meta_effects import MetaEffects
from oncovivo.analyses.meta_input import EACH_ROW, MetaTable
from oncovivo.analyses.meta_result import MetaOptions
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.evidence.meta.known_covariance import (
    KnownCovariance,
    correlated_covariance,
    independent_covariance,
    shared_control_covariance,
)
from oncovivo.evidence.meta.moderators import Design
from oncovivo.evidence.meta.multilevel import Intervals, MultilevelResult, fit_multilevel
from oncovivo.evidence.meta.robust import RobustResult, cluster_robust
from oncovivo.evidence.meta.types import MetaWarning, Rows, Test

__all__ = ["MetaModel"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaModel:
    """Rows, the table behind them, and how they are taken to depend on each other.

    Parameters
    ----------
    table : MetaTable
        What was read.
    effects : MetaEffects
        Its rows.
    options : MetaOptions
        What is asked.
    """

    table: MetaTable
    effects: MetaEffects
    options: MetaOptions

    @property
    def is_nested(self) -> bool:
        """Whether the rows are taken to depend on each other."""
        return not self.options.independent

    @property
    def mixed_test(self) -> Test:
        """Test of nested rows: t, unless z was asked for."""
        return "z" if self.options.test == "z" else "t"

    def texts(self, name: str, where: str, chosen: IntArray | None = None) -> list[str]:
        """Texts of a column for the rows, or some of them."""
        index = self.effects.index if chosen is None else self.effects.index[chosen]
        texts = self.table.texts(name, where=where)
        return [texts[at] for at in index]

    def full(self, name: str, where: str, chosen: IntArray | None = None) -> list[str]:
        """Texts of a column that must have one for each row."""
        texts = self.texts(name, where, chosen)
        if "" in texts:
            index = self.effects.index if chosen is None else self.effects.index[chosen]
            at = int(index[texts.index("")])
            raise InputError(
                f"a value of {name} for each row",
                found="a blank cell",
                where=f"{self.table.table.place} row {self.table.table.row_numbers[at]}",
            )
        return texts

    def levels(self, chosen: IntArray | None = None) -> dict[str, list[str]]:
        """Groups of each level, from the outermost inward."""
        names = (self.options.random or "row").split("/")
        found: dict[str, list[str]] = {}
        for name in (one.strip() for one in names):
            if not name or name in found:
                raise InputError(
                    "different columns with slashes between them",
                    found=repr(self.options.random),
                    where="--random",
                    mend="write study/row for rows nested in studies",
                )
            found[name] = self.full(name, "--random", chosen)
        return found if chosen is None else _distinct(found)

    def known(self, chosen: IntArray | None = None) -> KnownCovariance:
        """Sampling covariance of the rows, or some of them."""
        rows = self.effects.rows if chosen is None else self.effects.rows.take(chosen)
        kind = self.options.known
        if kind is None:
            return independent_covariance(rows.vi)
        if kind == "same-study":
            if rows.study is None:
                raise InputError(
                    "a column study_id for --v same-study",
                    found="none",
                    where=self.table.table.place,
                    mend="name it with --map study_id=…",
                )
            return correlated_covariance(rows.vi, rows.study, rho=self.options.rho or 0.0)
        try:
            return self._shared_control(rows, chosen)
        except DataError as error:
            raise DataError(
                error.expected,
                found=error.found,
                where=self._in_file(error.where, chosen),
                mend=error.mend,
            ) from error

    def _in_file(self, where: str, chosen: IntArray | None) -> str:
        """A place in words with the numbers of the file's rows in place of positions."""
        index = self.effects.index if chosen is None else self.effects.index[chosen]
        head, rows, numbers = where.rpartition("rows ")
        told = re.sub(
            r"\d+",
            lambda found: str(self.table.table.row_numbers[index[int(found.group()) - 1]]),
            numbers,
        )
        return f"{self.table.table.place}: {head}{rows}{told if rows else numbers}"

    def _shared_control(self, rows: Rows, chosen: IntArray | None) -> KnownCovariance:
        groups, measure = self.effects.groups, rows.measure
        if groups is None or measure not in ("ROM", "SMD", "MD"):
            raise InputError(
                "group summaries and the measure ROM, SMD or MD for --v shared-control",
                found=measure if groups is not None else "effect sizes that were given",
                where="--v",
                mend="use --v same-study with --rho, or --cluster",
            )
        if not self.table.has("control_id"):
            raise InputError(
                "a column control_id for --v shared-control",
                found="none",
                where=self.table.table.place,
                mend="name it with --map control_id=…",
            )
        names = self.table.controls()
        index = self.effects.index if chosen is None else self.effects.index[chosen]
        controls = [names[at] for at in index]

        def some(values: FloatArray) -> FloatArray:
            return values if chosen is None else values[chosen]

        return shared_control_covariance(
            measure,
            controls,
            vi=rows.vi,
            n_control=some(groups.n_control),
            mean_control=some(groups.mean_control),
            sd_control=some(groups.sd_control),
            yi=rows.yi,
            n_treated=some(groups.n_treated),
            standardizer="pair",
        )

    def nested(
        self,
        design: Design | None = None,
        chosen: IntArray | None = None,
        *,
        intervals: Intervals = "profile",
    ) -> MultilevelResult:
        """The multilevel model of the rows, or some of them."""
        return fit_multilevel(
            self.effects.rows if chosen is None else self.effects.rows.take(chosen),
            self.levels(chosen),
            covariance=self.known(chosen),
            design=None if design is None else design.matrix,
            terms=None if design is None else design.terms,
            method="ML" if self.options.method == "ML" else "REML",
            test="z" if self.mixed_test == "z" else "t",
            prediction=self.options.prediction,
            intervals=intervals,
            level=self.options.level,
        )

    def robust(
        self,
        fitted: MultilevelResult | None,
        design: Design | None = None,
        chosen: IntArray | None = None,
    ) -> RobustResult:
        """CR2 by the clusters that were named, on the model or on that of independent rows."""
        name = self.options.cluster or ""
        model = fitted or self.nested(design, chosen, intervals="none")
        return cluster_robust(model, self.full(name, "--cluster", chosen))

    def dependence(self) -> list[MetaWarning]:
        """What suggests that rows depend on each other, and is not allowed for."""
        found: list[MetaWarning] = []
        rows = self.effects.rows
        if self.table.study_rule and rows.study is not None:
            message = f"papers told from {self.table.study_rule}"
            found.append(MetaWarning(code="assumption", message=message))
        alone = not self.is_nested and self.options.cluster is None
        if alone and rows.study is not None and len(set(rows.study)) < len(rows):
            message = (
                f"{len(rows)} rows of {len(set(rows.study))} studies are pooled as if "
                "independent; --random study/row --cluster study allows for it"
            )
            found.append(MetaWarning(code="assumption", message=message))
        if self.table.has("control_id") and self.options.known is None:
            names = self.table.controls()
            controls = [names[at] for at in self.effects.index if names[at]]
            shared = sum(count for count in Counter(controls).values() if count > 1)
            if shared and self.effects.groups is not None:
                message = (
                    f"{shared} rows share their control with another: "
                    "--v shared-control allows for animals that are used twice"
                )
                found.append(MetaWarning(code="assumption", message=message))
        if self.options.random is not None:
            for name in EACH_ROW:
                asked = name in re.split(r"\s*/\s*", self.options.random.casefold())
                if asked and name in self.table.table.texts and not self.table.has(name):
                    message = (
                        f"{name} is each row by itself; for the column of that name write "
                        f"--map {name}={name}"
                    )
                    found.append(MetaWarning(code="assumption", message=message))
            innermost = list(self.levels().items())[-1]
            whole = list(zip(*self.levels().values(), strict=True))
            if len(set(whole)) < len(whole):
                message = (
                    f"the level {innermost[0]} has several rows in a group, which are taken to "
                    "have one true effect; add /row to let them differ"
                )
                found.append(MetaWarning(code="assumption", message=message))
        if self.is_nested and self.options.test in ("knapp-hartung", "knapp-hartung-floor"):
            message = "Knapp-Hartung is for independent rows; nested ones are tested by t"
            found.append(MetaWarning(code="assumption", message=message))
        return found

    def as_numbers(self, name: str) -> FloatArray | None:
        """A column as numbers for the rows, None where a cell of it is none."""
        column = name.strip().casefold()
        if column not in self.table.table.texts:
            return None
        try:
            return self.table.sized(column)[self.effects.index]
        except FileFormatError:
            return None


def _distinct(levels: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Levels without those that group some of the rows as the next one inward does."""
    paths: list[tuple[str, ...]] = []
    counts: dict[str, int] = {}
    for name, groups in levels.items():
        paths = [
            (*path, one) for path, one in zip(paths or [()] * len(groups), groups, strict=True)
        ]
        counts[name] = len(set(paths))
    last = {count: name for name, count in counts.items()}
    return {name: groups for name, groups in levels.items() if last[counts[name]] == name}
