"""A meta-analysis of a table: effect sizes, the pooled effect, and what may shake it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.meta_effects import MetaEffects, meta_effects
from oncovivo.analyses.meta_input import MetaTable, read_meta_table
from oncovivo.analyses.meta_result import (
    BiasSummary,
    Bubble,
    MetaEstimate,
    MetaOptions,
    MetaResult,
    MetaRow,
    RegressionSummary,
    SubgroupRow,
    SubgroupSummary,
)
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.evidence.meta.bias import egger_test, pet_peese
from oncovivo.evidence.meta.funnel import funnel_data
from oncovivo.evidence.meta.influence import (
    CumulativeResult,
    LeftOut,
    case_diagnostics,
    cumulative,
    leave_one_out,
)
from oncovivo.evidence.meta.intervals import two_sided_quantile
from oncovivo.evidence.meta.known_covariance import (
    CovarianceBlock,
    KnownCovariance,
    correlated_covariance,
    independent_covariance,
    shared_control_covariance,
)
from oncovivo.evidence.meta.moderators import Design, Moderator, design_matrix
from oncovivo.evidence.meta.multilevel import Intervals, MultilevelResult, fit_multilevel
from oncovivo.evidence.meta.pooling import pool, row_warnings
from oncovivo.evidence.meta.regression import fit_regression, predict_effects
from oncovivo.evidence.meta.robust import RobustResult, cluster_robust
from oncovivo.evidence.meta.subgroups import subgroup_test
from oncovivo.evidence.meta.trim_and_fill import trim_and_fill
from oncovivo.evidence.meta.types import (
    Measure,
    MetaWarning,
    PooledResult,
    Rows,
    Test,
)
from oncovivo.provenance import InputFile

__all__ = ["analyse_meta_file", "analyse_meta_table"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Facts of a study that are shown beside its row where the table has them.
_FACTS: Final = (
    "tumor_type",
    "cell_line",
    "model",
    "graft_type",
    "xenograft_type",
    "graft",
    "immune_status",
    "strain",
    "mice_strain",
    "day",
    "end_point_days",
    "randomized",
    "blinded",
    "sponsor",
)
_MOST_FACTS: Final = 4
_GRID: Final = 61
_FEWEST_LEFT: Final = 3
# Leaving out each of more rows than this takes longer than a person waits.
_MOST_LEFT: Final = 3000
# More groups than this are not left out one by one: each needs a fit of its own.
_MOST_REFITS: Final = 200
_NOT_STATED: Final = "not stated"


def analyse_meta_file(
    path: Path, options: MetaOptions, *, progress: Callable[[str], None] = lambda _: None
) -> MetaResult:
    r"""Pool the rows of a file.

    Parameters
    ----------
    path : Path
        Delimited text or a workbook.
    options : MetaOptions
        What to do.
    progress : callable, optional
        Called with the name of each stage before it starts.

    Raises
    ------
    FileFormatError
        If the file cannot be read as a table; names row and column.
    InputError
        If a column is missing, or a number lies outside its domain.
    DataError
        If the rows cannot carry the analysis.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "rows.csv")
    ...     _ = path.write_text("label,yi,vi\na,-0.2,0.04\nb,-0.5,0.05\nc,-0.9,0.06\n")
    ...     result = analyse_meta_file(path, MetaOptions(measure="generic"))
    >>> round(result.estimate.estimate, 3), result.status
    (-0.514, 'ok')
    """
    progress("reading")
    named = [*options.moderators, *options.facts, *options.references]
    named += [name for name in (options.by, options.cluster, options.order) if name is not None]
    named += [] if options.random is None else options.random.split("/")
    table = read_meta_table(path, options.mapping, named=[name.strip() for name in named])
    return analyse_meta_table(table, options, source=input_digest(path), progress=progress)


def analyse_meta_table(
    table: MetaTable,
    options: MetaOptions,
    *,
    source: InputFile,
    progress: Callable[[str], None] = lambda _: None,
) -> MetaResult:
    """Pool the rows of a table.

    Parameters
    ----------
    table : MetaTable
        What was read.
    options : MetaOptions
        What to do.
    source : InputFile
        Where it came from.
    progress : callable, optional
        Called with the name of each stage before it starts.

    Raises
    ------
    FileFormatError, InputError, DataError
        As :func:`analyse_meta_file`.
    """
    _check_options(options)
    if options.measure is None:
        options = replace(options, measure=_told_measure(table))
    effects = meta_effects(
        table,
        options.measure or "generic",
        variance=options.variance,
        bias_correction=options.bias_correction,
        dispersion=options.dispersion,
    )
    problem = _Problem(table=table, effects=effects, options=options)
    warnings = list(row_warnings(effects.rows))
    warnings += problem.dependence()
    faults = list(effects.faults)
    progress("pooling")
    nested: MultilevelResult | None = None
    robust: RobustResult | None = None
    weights: Sequence[float | None]
    if problem.is_nested:
        nested = problem.nested()
        estimate = _nested_estimate(nested, options)
        weights = _nested_weights(nested, problem.levels()).tolist()
        warnings += _new(nested.warnings, warnings)
    else:
        pooled = pool(
            effects.rows,
            method=options.method,
            test=options.test or "knapp-hartung",
            prediction=options.prediction,
            level=options.level,
        )
        estimate = _pooled_estimate(pooled)
        weights = [row.weight for row in pooled.rows]
        warnings += _new(pooled.warnings, warnings)
    if options.cluster is not None:
        robust = problem.robust(nested)
        warnings += _new(robust.warnings, warnings, "robust: ")
    regression: RegressionSummary | None = None
    if options.moderators:
        progress("moderators")
        regression, more = problem.regression()
        warnings += _new(more, warnings, "moderators: ")
    subgroups: SubgroupSummary | None = None
    if options.by is not None:
        progress("subgroups")
        subgroups, more = problem.subgroups(options.by)
        warnings += _new(more, warnings, "subgroups: ")
    progress("what may shake it")
    bias = _bias(effects.rows, options)
    left_out, left_out_reason = problem.without_each()
    influence = None
    if nested is None and _FEWEST_LEFT <= len(effects.rows) <= _MOST_LEFT:
        influence = case_diagnostics(effects.rows, method=options.method, test=estimate.test)
    faults += [one.message for one in warnings if one.code in ("one_row", "not_converged")]
    return MetaResult(
        source=source,
        options=options,
        columns=dict(table.columns),
        rows_in_file=table.table.n,
        studies=None if effects.rows.study is None else len(set(effects.rows.study)),
        study_rule=table.study_rule,
        formula=effects.formula,
        variance_formula=effects.variance_formula,
        formula_source=effects.source,
        estimate=estimate,
        rows=problem.shown_rows(weights),
        components=() if nested is None else nested.components,
        covariance_formula="" if nested is None else nested.covariance_formula,
        robust=robust,
        regression=regression,
        subgroups=subgroups,
        bias=bias,
        left_out=left_out,
        left_out_reason=left_out_reason,
        influence=influence,
        cumulative=problem.cumulative(),
        trail=effects.trail,
        suspicions=effects.suspicions,
        faults=tuple(faults),
        warnings=_merged(warnings),
    )


def _told_measure(table: MetaTable) -> Measure:
    """Effect sizes are what is given; of group summaries the user says what to make."""
    if table.has("yi") and not table.has("mean_treated"):
        return "generic"
    raise InputError(
        "a measure, for what group summaries are to be made",
        found="none",
        where="--measure",
        mend="ROM suits tumor volumes, SMD scales that differ",
    )


def _check_options(options: MetaOptions) -> None:
    """Refuse options that do not go together."""
    nested = not options.independent
    if (nested or options.cluster is not None) and options.method not in ("REML", "ML"):
        raise InputError(
            "--method REML or ML, for rows that are not independent",
            found=options.method,
            where="--method",
        )
    if options.known == "same-study" and options.rho is None:
        raise InputError(
            "--rho, the assumed correlation of a study's sampling errors",
            found="none",
            where="--v same-study",
            mend="try 0.3, 0.5 and 0.8",
        )
    if options.rho is not None and options.known != "same-study":
        raise InputError("--v same-study beside --rho", found="none", where="--rho")
    unknown = sorted(set(options.references) - set(options.moderators))
    if unknown:
        raise InputError(
            "references of moderators that are used", found=", ".join(unknown), where="--reference"
        )
    if nested and options.subgroup_variance == "separate":
        raise InputError(
            "one variance for all subgroups of rows that are not independent",
            found="separate",
            where="--subgroup-variance",
        )


def _new(
    more: Sequence[MetaWarning], known: Sequence[MetaWarning], about: str = ""
) -> list[MetaWarning]:
    """Warnings that were not said yet, and what they are about."""
    return [replace(one, message=about + one.message) for one in more if one not in known]


def _merged(warnings: Sequence[MetaWarning]) -> tuple[MetaWarning, ...]:
    """Each warning once, with all rows that it was said of."""
    found: dict[tuple[str, str], MetaWarning] = {}
    for one in warnings:
        key = (one.code, one.message)
        before = found.get(key)
        found[key] = one if before is None else replace(before, rows=before.rows + one.rows)
    return tuple(found.values())


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """Rows, the table behind them, and what is asked."""

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

    def moderators(self) -> tuple[dict[str, Moderator], IntArray, list[MetaWarning]]:
        """Values of the moderators for the rows that have all of them."""
        columns = {name: self.texts(name, "--moderators") for name in self.options.moderators}
        whole = [
            at for at in range(len(self.effects.rows)) if all(c[at] for c in columns.values())
        ]
        chosen = np.array(whole, dtype=np.intp)
        if chosen.size == 0:
            raise DataError(
                "rows that have all moderators",
                found="none",
                where=self.table.table.place,
                mend="leave out a moderator",
            )
        gone = [one for at, one in enumerate(self.effects.rows.label) if at not in {*whole}]
        warnings = []
        if gone:
            message = "left out, a moderator is missing"
            warnings = [MetaWarning(code="dropped", message=message, rows=tuple(gone))]
        found: dict[str, Moderator] = {}
        for name, texts in columns.items():
            numbers = self._as_numbers(name)
            found[name] = (
                [texts[at] for at in whole] if numbers is None else numbers[chosen].tolist()
            )
        return found, chosen, warnings

    def _as_numbers(self, name: str) -> FloatArray | None:
        """A column as numbers for the rows, None where a cell of it is none."""
        column = name.strip().casefold()
        if column not in self.table.table.texts:
            return None
        try:
            return self.table.sized(column)[self.effects.index]
        except FileFormatError:
            return None

    def regression(self) -> tuple[RegressionSummary, tuple[MetaWarning, ...]]:
        """The regression on the moderators."""
        values, chosen, dropped = self.moderators()
        options = self.options
        rows = self.effects.rows.take(chosen)
        design = design_matrix(values, len(rows), references=options.references)
        bubble_name = next(iter(values)) if len(values) == 1 and len(design.terms) == 2 else None
        continuous = bubble_name is not None and bubble_name in design.terms
        if self.is_nested:
            nested = self.nested(design, chosen, intervals="none")
            summary = RegressionSummary(
                coefficients=nested.coefficients,
                k=nested.k,
                tau2=sum(one.variance for one in nested.components),
                i2=nested.i2,
                r2_pct=None,
                qe=nested.qe,
                qe_df=nested.qe_df,
                qe_p_value=nested.qe_p_value,
                qm=nested.qm,
                qm_df=nested.qm_df,
                qm_df2=nested.qm_df2,
                qm_p_value=nested.qm_p_value,
                tested=nested.tested,
                robust=None if options.cluster is None else self.robust(nested, design, chosen),
                bubble=None,
            )
            return summary, (*dropped, *nested.warnings)
        found = fit_regression(
            rows,
            values,
            references=options.references,
            method=options.method,
            test=options.test or "knapp-hartung",
            level=options.level,
        )
        bubble = None
        if continuous and bubble_name is not None:
            numbers = np.asarray(values[bubble_name], dtype=np.float64)
            grid = np.linspace(numbers.min(), numbers.max(), _GRID)
            line = predict_effects(
                found,
                np.column_stack([np.ones(_GRID), grid]),
                prediction=options.prediction,
            )
            placed: list[float | None] = [None] * len(self.effects.rows)
            for at, value in zip(chosen.tolist(), numbers.tolist(), strict=True):
                placed[at] = value
            bubble = Bubble(
                moderator=bubble_name,
                values=tuple(placed),
                grid=tuple(grid.tolist()),
                line=line,
            )
        summary = RegressionSummary(
            coefficients=found.coefficients,
            k=found.k,
            tau2=found.tau2,
            i2=found.i2,
            r2_pct=found.r2_pct,
            qe=found.qe,
            qe_df=found.qe_df,
            qe_p_value=found.qe_p_value,
            qm=found.qm,
            qm_df=found.qm_df,
            qm_df2=found.qm_df2,
            qm_p_value=found.qm_p_value,
            tested=found.tested,
            robust=None if options.cluster is None else self.robust(None, design, chosen),
            bubble=bubble,
        )
        return summary, (*dropped, *found.warnings)

    def groups(self, column: str) -> list[str]:
        """Subgroup of each row."""
        return [text or _NOT_STATED for text in self.texts(column, "--by")]

    def subgroups(self, column: str) -> tuple[SubgroupSummary, tuple[MetaWarning, ...]]:
        """Pooled effects of the subgroups."""
        names = self.groups(column)
        options = self.options
        if not self.is_nested:
            found = subgroup_test(
                self.effects.rows,
                column,
                names,
                variance=options.subgroup_variance,
                method=options.method,
                test=options.test or "knapp-hartung",
                level=options.level,
            )
            summary = SubgroupSummary(
                column=column,
                variance=found.variance,
                groups=tuple(
                    SubgroupRow(
                        level=level,
                        k=k,
                        estimate=one.estimate,
                        std_error=one.std_error,
                        df=one.df,
                        lower=one.lower,
                        upper=one.upper,
                        p_value=one.p_value,
                        tau2=tau2,
                    )
                    for level, k, one, tau2 in zip(
                        found.levels, found.k, found.pooled, found.tau2, strict=True
                    )
                ),
                statistic=found.statistic,
                df=found.df,
                df2=found.df2,
                p_value=found.p_value,
            )
            return summary, found.warnings
        k = len(self.effects.rows)
        cells = self.nested(design_matrix({column: names}, k, intercept=False), intervals="none")
        contrast = self.nested(design_matrix({column: names}, k), intervals="none")
        tau2 = sum(one.variance for one in cells.components)
        levels = sorted(set(names))
        summary = SubgroupSummary(
            column=column,
            variance="common",
            groups=tuple(
                SubgroupRow(
                    level=level,
                    k=names.count(level),
                    estimate=one.estimate,
                    std_error=one.std_error,
                    df=one.df,
                    lower=one.lower,
                    upper=one.upper,
                    p_value=one.p_value,
                    tau2=tau2,
                )
                for level, one in zip(levels, cells.coefficients, strict=True)
            ),
            statistic=contrast.qm,
            df=contrast.qm_df,
            df2=contrast.qm_df2,
            p_value=contrast.qm_p_value,
        )
        return summary, cells.warnings

    def without_each(self) -> tuple[tuple[LeftOut, ...], str]:
        """The pooled effect without each row, or each group of the outermost level."""
        rows, options = self.effects.rows, self.options
        if not self.is_nested:
            if not _FEWEST_LEFT <= len(rows) <= _MOST_LEFT:
                return (), f"{len(rows)} rows: {_FEWEST_LEFT} to {_MOST_LEFT} can be left out"
            found = leave_one_out(
                rows,
                method=options.method,
                test=options.test or "knapp-hartung",
                level=options.level,
            )
            return found.rows, ""
        outer = next(iter(self.levels().values()))
        names = list(dict.fromkeys(outer))
        if not _FEWEST_LEFT <= len(names) <= _MOST_REFITS:
            return (), f"{len(names)} groups: {_FEWEST_LEFT} to {_MOST_REFITS} can be left out"
        without = []
        for name in names:
            kept = np.array([at for at, one in enumerate(outer) if one != name], dtype=np.intp)
            try:
                fitted = self.nested(chosen=kept, intervals="none")
            except DataError as error:
                return (), f"without {name}: {error}"
            one = fitted.coefficients[0]
            without.append(
                LeftOut(
                    label=name,
                    estimate=one.estimate,
                    std_error=one.std_error,
                    lower=one.lower,
                    upper=one.upper,
                    p_value=one.p_value,
                    tau2=sum(part.variance for part in fitted.components),
                    i2=fitted.i2 if fitted.i2 is not None else math.nan,
                    q=fitted.qe,
                )
            )
        return tuple(without), ""

    def cumulative(self) -> CumulativeResult | None:
        """The pooled effect as rows come in, where a column orders them."""
        if self.options.order is None:
            return None
        if self.is_nested:
            raise InputError(
                "independent rows for --cumulative", found="nested ones", where="--cumulative"
            )
        texts = self.full(self.options.order, "--cumulative")
        numbers = self._as_numbers(self.options.order)
        return cumulative(
            self.effects.rows,
            texts if numbers is None else numbers,
            method=self.options.method,
            test=self.options.test or "knapp-hartung",
            level=self.options.level,
        )

    def shown_rows(self, weights: Sequence[float | None]) -> tuple[MetaRow, ...]:
        """The rows with limits, weights and facts."""
        rows, table = self.effects.rows, self.table
        reach = two_sided_quantile(self.options.level, None)
        groups = None if self.options.by is None else self.groups(self.options.by)
        names = (
            self.options.facts
            or tuple(
                name for name in _FACTS if name in table.table.texts and name != self.options.by
            )[:_MOST_FACTS]
        )
        facts = {name: self.texts(name, "--facts") for name in names}
        found = []
        for at in range(len(rows)):
            yi, vi = float(rows.yi[at]), float(rows.vi[at])
            error = math.sqrt(vi)
            found.append(
                MetaRow(
                    label=rows.label[at],
                    number=int(table.table.row_numbers[self.effects.index[at]]),
                    study=None if rows.study is None else rows.study[at],
                    group=None if groups is None else groups[at],
                    yi=yi,
                    vi=vi,
                    std_error=error,
                    lower=yi - reach * error,
                    upper=yi + reach * error,
                    weight=weights[at],
                    n_treated=None if rows.n_treated is None else float(rows.n_treated[at]),
                    n_control=None if rows.n_control is None else float(rows.n_control[at]),
                    facts={name: texts[at] for name, texts in facts.items()},
                )
            )
        return tuple(found)


def _pooled_estimate(pooled: PooledResult) -> MetaEstimate:
    """Independent rows pooled."""
    missing: dict[str, str] = {}
    if pooled.k == 1:
        missing["tau2"] = missing["pi"] = "one row: nothing is pooled"
    elif pooled.method == "EE":
        missing["tau2_limits"] = missing["pi"] = "equal effects: no variance between rows"
    elif pooled.pi_lower is None:
        missing["pi"] = f"{pooled.k} rows leave no degree of freedom"
    return MetaEstimate(
        measure=pooled.measure,
        method=pooled.method,
        test=pooled.test,
        k=pooled.k,
        estimate=pooled.estimate,
        std_error=pooled.std_error,
        statistic=pooled.statistic,
        df=pooled.df,
        p_value=pooled.p_value,
        lower=pooled.lower,
        upper=pooled.upper,
        tau2=pooled.tau2,
        tau2_std_error=pooled.tau2_std_error,
        tau2_lower=pooled.tau2_lower,
        tau2_upper=pooled.tau2_upper,
        i2=pooled.i2,
        i2_lower=pooled.i2_lower,
        i2_upper=pooled.i2_upper,
        h2=pooled.h2,
        h2_lower=pooled.h2_lower,
        h2_upper=pooled.h2_upper,
        q=pooled.q,
        q_df=pooled.q_df,
        q_p_value=pooled.q_p_value,
        pi_lower=pooled.pi_lower,
        pi_upper=pooled.pi_upper,
        prediction=pooled.prediction,
        log_likelihood=pooled.log_likelihood,
        level=pooled.level,
        missing=missing,
    )


def _nested_estimate(nested: MultilevelResult, options: MetaOptions) -> MetaEstimate:
    """Nested rows pooled; limits of the variances stand with the levels."""
    one = nested.coefficients[0]
    i2 = nested.i2
    missing = {"tau2_limits": "the sum of several variances; each level has its own limits"}
    only = nested.components[0] if len(nested.components) == 1 else None
    if only is not None:
        missing = {}
    if nested.pi_lower is None:
        missing["pi"] = "too few groups of the outermost level"
    return MetaEstimate(
        measure=nested.measure,
        method=nested.method,
        test=nested.test,
        k=nested.k,
        estimate=one.estimate,
        std_error=one.std_error,
        statistic=one.statistic,
        df=one.df,
        p_value=one.p_value,
        lower=one.lower,
        upper=one.upper,
        tau2=sum(part.variance for part in nested.components),
        tau2_std_error=None,
        tau2_lower=None if only is None else only.lower,
        tau2_upper=None if only is None else only.upper,
        i2=i2,
        i2_lower=None,
        i2_upper=None,
        # I² = (H² − 1)/H²
        h2=None if i2 is None or i2 >= 100.0 else 1.0 / (1.0 - i2 / 100.0),
        h2_lower=None,
        h2_upper=None,
        q=nested.qe,
        q_df=nested.qe_df,
        q_p_value=nested.qe_p_value,
        pi_lower=nested.pi_lower,
        pi_upper=nested.pi_upper,
        prediction=options.prediction,
        log_likelihood=nested.log_likelihood,
        level=nested.level,
        missing=missing,
    )


def _nested_weights(nested: MultilevelResult, levels: Mapping[str, Sequence[str]]) -> FloatArray:
    """Share of each row in the pooled mean: row sums of the inverse covariance."""
    known, cluster = nested.fit.known, nested.fit.model.cluster
    paths: list[tuple[str, ...]] = [()] * nested.k
    groups: list[IntArray] = []
    for names in levels.values():
        paths = [(*path, name) for path, name in zip(paths, names, strict=True)]
        number = {path: at for at, path in enumerate(dict.fromkeys(paths))}
        groups.append(np.array([number[path] for path in paths], dtype=np.intp))
    weight = np.zeros(nested.k)
    place = np.zeros(nested.k, dtype=np.intp)
    blocks: dict[int, list[CovarianceBlock]] = {}
    for one in known.blocks:
        blocks.setdefault(int(cluster[one.rows[0]]), []).append(one)
    for name in range(int(cluster.max()) + 1):
        rows = np.flatnonzero(cluster == name)
        place[rows] = np.arange(rows.size)
        total = np.diag(known.vi[rows])
        for block in blocks.get(name, []):
            total[np.ix_(place[block.rows], place[block.rows])] = block.matrix
        for part, group in zip(nested.components, groups, strict=True):
            total = total + part.variance * (group[rows][:, None] == group[rows])
        weight[rows] = np.linalg.solve(total, np.ones(rows.size))
    return np.asarray(weight / weight.sum())


def _bias(rows: Rows, options: MetaOptions) -> BiasSummary:
    """Small-study effects, as far as the rows can show any."""
    empty = BiasSummary(egger=None, pet_peese=None, trim_and_fill=None, funnel=None, reason="")
    try:
        funnel = funnel_data(rows, 0.0)
    except (InputError, DataError) as error:
        return replace(empty, reason=str(error))
    try:
        return BiasSummary(
            egger=egger_test(rows, level=options.level),
            pet_peese=pet_peese(rows, level=options.level),
            trim_and_fill=trim_and_fill(
                rows,
                method=options.method,
                test=options.test or "knapp-hartung",
                level=options.level,
            ),
            funnel=funnel,
            reason="",
        )
    except (InputError, DataError) as error:
        return replace(empty, funnel=funnel, reason=str(error))
