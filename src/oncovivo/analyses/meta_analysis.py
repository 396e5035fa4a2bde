"""A meta-analysis of a table: effect sizes, the pooled effect, and what may shake it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.meta_comparisons import (
    FEWEST_LEFT,
    MOST_LEFT,
    cumulative_effects,
    effects_without_each,
    regression_summary,
    subgroup_names,
    subgroup_summary,
)
from oncovivo.analyses.meta_effects import meta_effects
from oncovivo.analyses.meta_estimate import nested_estimate, nested_weights, pooled_estimate
from oncovivo.analyses.meta_input import MetaTable, read_meta_table
from oncovivo.analyses.meta_model import MetaModel
from oncovivo.analyses.meta_result import (
    BiasSummary,
    MetaOptions,
    MetaResult,
    MetaRow,
    RegressionSummary,
    SubgroupSummary,
)
from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.bias import egger_test, pet_peese
from oncovivo.evidence.meta.funnel import funnel_data
from oncovivo.evidence.meta.influence import case_diagnostics
from oncovivo.evidence.meta.intervals import two_sided_quantile
from oncovivo.evidence.meta.multilevel import MultilevelResult
from oncovivo.evidence.meta.pooling import pool, row_warnings
from oncovivo.evidence.meta.robust import RobustResult
from oncovivo.evidence.meta.trim_and_fill import trim_and_fill
from oncovivo.evidence.meta.types import Measure, MetaWarning, Rows
from oncovivo.provenance import InputFile

__all__ = ["analyse_meta_file", "analyse_meta_table"]

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
    model = MetaModel(table=table, effects=effects, options=options)
    warnings = list(row_warnings(effects.rows))
    warnings += model.dependence()
    faults = list(effects.faults)
    progress("pooling")
    nested: MultilevelResult | None = None
    robust: RobustResult | None = None
    weights: Sequence[float | None]
    if model.is_nested:
        nested = model.nested()
        estimate = nested_estimate(nested, options)
        weights = nested_weights(nested, model.levels()).tolist()
        warnings += _new(nested.warnings, warnings)
    else:
        pooled = pool(
            effects.rows,
            method=options.method,
            test=options.test or "knapp-hartung",
            prediction=options.prediction,
            level=options.level,
        )
        estimate = pooled_estimate(pooled)
        weights = [row.weight for row in pooled.rows]
        warnings += _new(pooled.warnings, warnings)
    if options.cluster is not None:
        robust = model.robust(nested)
        warnings += _new(robust.warnings, warnings, "robust: ")
    regression: RegressionSummary | None = None
    if options.moderators:
        progress("moderators")
        regression, more = regression_summary(model)
        warnings += _new(more, warnings, "moderators: ")
    subgroups: SubgroupSummary | None = None
    if options.by is not None:
        progress("subgroups")
        subgroups, more = subgroup_summary(model, options.by)
        warnings += _new(more, warnings, "subgroups: ")
    progress("what may shake it")
    bias = _bias(effects.rows, options)
    left_out, left_out_reason = effects_without_each(model)
    influence = None
    if nested is None and FEWEST_LEFT <= len(effects.rows) <= MOST_LEFT:
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
        rows=_shown_rows(model, weights),
        components=() if nested is None else nested.components,
        covariance_formula="" if nested is None else nested.covariance_formula,
        robust=robust,
        regression=regression,
        subgroups=subgroups,
        bias=bias,
        left_out=left_out,
        left_out_reason=left_out_reason,
        influence=influence,
        cumulative=cumulative_effects(model),
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


def _shown_rows(model: MetaModel, weights: Sequence[float | None]) -> tuple[MetaRow, ...]:
    """The rows with limits, weights and facts."""
    rows, table = model.effects.rows, model.table
    reach = two_sided_quantile(model.options.level, None)
    groups = None if model.options.by is None else subgroup_names(model, model.options.by)
    names = (
        model.options.facts
        or tuple(
            name for name in _FACTS if name in table.table.texts and name != model.options.by
        )[:_MOST_FACTS]
    )
    facts = {name: model.texts(name, "--facts") for name in names}
    found = []
    for at in range(len(rows)):
        yi, vi = float(rows.yi[at]), float(rows.vi[at])
        error = math.sqrt(vi)
        found.append(
            MetaRow(
                label=rows.label[at],
                number=int(table.table.row_numbers[model.effects.index[at]]),
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
