"""Literature rows of a guide that can be pooled, by tumor type; and why the others cannot.

``evidence/effects.csv`` holds the numbers of rows: ``row_id`` of ``records.csv``, ``measure``
(``ROM`` unless it says otherwise) and the columns that ``oncovivo meta`` reads, group summaries or
``yi`` and ``vi``. Rows of one tumor type, treatment, outcome and measure are pooled where there
are two or more; a row of another compound is one of its class and is never counted. Volumes and
weights of tumors are one outcome, unless their difference is pooled, which has a unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from oncovivo.errors import DataError, FileFormatError
from oncovivo.evidence.meta import Measure, MetaWarning
from oncovivo.evidence.poolability import Poolability
from oncovivo.evidence.records import Record

if TYPE_CHECKING:
    from oncovivo.analyses.meta_input import MetaTable
    from oncovivo.evidence.meta import Rows


__all__ = [
    "EvidencePool",
    "RowEffect",
    "TumorPools",
    "pool_evidence",
    "read_effects",
    "treatment_of",
]

DEFAULT_MEASURE: Final = "ROM"
FEWEST_FOR_BIAS: Final = 10
"""Rows from which small-study effects are tested."""

_SIZES: Final = ("tumor_volume", "tumor_weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEffect:
    """The effect size of a row; the group sizes are None where it came without."""

    row_id: str
    measure: Measure
    yi: float
    vi: float
    n_treated: float | None
    n_control: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePool:
    """Rows of one tumor type, treatment, outcome and measure, pooled.

    Parameters
    ----------
    tumor : str
        OncoTree code of the section.
    treatment : str
        Compound, and its partner where there is one.
    endpoints : tuple of str
        Endpoints of the rows, each once: one, or those of tumor size.
    measure : Measure
        What was pooled.
    rows : tuple of RowEffect
        In the order of the evidence.
    works : tuple of str
        Work of each row.
    weights : tuple of float
        Share of each row in the pooled effect.
    method : str
        How, in words.
    estimate, lower, upper, p_value : float
        Pooled effect with its limits and test.
    df : float or None
        Degrees of freedom; None for z.
    tau2, i2 : float or None
        Variance between rows, and its share in percent.
    pi_lower, pi_upper : float or None
        Prediction interval.
    bias_p : float or None
        Test of small-study effects; None below ten rows.
    level : float
        Confidence.
    warnings : tuple of MetaWarning
        What to know.
    """

    tumor: str
    treatment: str
    endpoints: tuple[str, ...]
    measure: Measure
    rows: tuple[RowEffect, ...]
    works: tuple[str, ...]
    weights: tuple[float, ...]
    method: str
    estimate: float
    lower: float
    upper: float
    p_value: float
    df: float | None
    tau2: float | None
    i2: float | None
    pi_lower: float | None
    pi_upper: float | None
    bias_p: float | None
    level: float
    warnings: tuple[MetaWarning, ...]

    @property
    def n_animals(self) -> int | None:
        """Animals of all rows, a shared control as often as it was used; None if not all given."""
        sizes = [n for row in self.rows for n in (row.n_treated, row.n_control)]
        known = [n for n in sizes if n is not None]
        return round(sum(known)) if len(known) == len(sizes) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TumorPools:
    """What is pooled for a tumor type, and what stands in the way of the rest.

    Parameters
    ----------
    tumor : str
        OncoTree code of the section.
    found : Poolability
        Rows that can be pooled, and obstacles of the others.
    pools : tuple of EvidencePool
        Groups of two or more rows.
    alone : tuple of RowEffect
        Rows with an effect size that no other row shares treatment, outcome and measure with.
    """

    tumor: str
    found: Poolability
    pools: tuple[EvidencePool, ...]
    alone: tuple[RowEffect, ...]


def read_effects(path: Path, records: Sequence[Record]) -> tuple[RowEffect, ...]:
    """The effect sizes of rows.

    Parameters
    ----------
    path : Path
        ``effects.csv``.
    records : sequence of Record
        The rows that it may speak of.

    Raises
    ------
    FileFormatError
        If the file is malformed, names a row that does not exist, or one twice.
    InputError
        If a number lies outside its domain, or a measure is not known.
    """
    from oncovivo.analyses.meta_effects import meta_effects, parse_measure
    from oncovivo.analyses.meta_input import read_meta_table

    table = read_meta_table(path, {}, named=["row_id"])
    if "row_id" not in table.table.texts:
        raise FileFormatError(
            "the column row_id, a row of records.csv",
            found=", ".join(list(table.table.headers)[:10]),
            where=path.name,
        )
    known = {record.row_id for record in records}
    ids = table.table.texts["row_id"]
    for place, name in enumerate(ids):
        if name not in known or name in ids[:place]:
            what = "a row of records.csv" if name not in known else "each row once"
            raise FileFormatError(
                what,
                found=repr(name),
                where=table.place(place, "row_id"),
                mend="correct the id, or add the row to records.csv",
            )
    measures = (
        table.table.texts["measure"] if table.has("measure") else [DEFAULT_MEASURE] * table.table.n
    )
    found: dict[str, RowEffect] = {}
    for text in dict.fromkeys(measures):
        measure = parse_measure(text or DEFAULT_MEASURE)
        chosen = [place for place, own in enumerate(measures) if own == text]
        part = _take(table, chosen)
        effects = meta_effects(part, measure)
        for place, row in zip(effects.index.tolist(), range(len(effects.rows)), strict=True):
            name = part.table.texts["row_id"][place]
            sizes = (effects.rows.n_treated, effects.rows.n_control)
            treated, control = (None if n is None else float(n[row]) for n in sizes)
            found[name] = RowEffect(
                row_id=name,
                measure=measure,
                yi=float(effects.rows.yi[row]),
                vi=float(effects.rows.vi[row]),
                n_treated=treated,
                n_control=control,
            )
    return tuple(found[name] for name in ids if name in found)


def pool_evidence(
    records: Sequence[Record],
    effects: Sequence[RowEffect],
    *,
    compound: str,
    works: Mapping[str, str],
    level: float = 0.95,
) -> tuple[TumorPools, ...]:
    """Every tumor type of the evidence: what is pooled, or why nothing is.

    Rows of another compound show its class and are not counted among those of the guide's.

    Parameters
    ----------
    records : sequence of Record
        The rows.
    effects : sequence of RowEffect
        Their effect sizes.
    compound : str
        Identity key of the guide's compound.
    works : mapping of str to str
        Work of each key of references.json.
    level : float
        Confidence of all limits.
    """
    by_id = {effect.row_id: effect for effect in effects}
    return tuple(
        _tumor(
            tumor,
            [r for r in records if r.filed_under == tumor and r.compound == compound],
            by_id,
            works,
            level,
        )
        for tumor in dict.fromkeys(record.filed_under for record in records)
    )


def _tumor(
    tumor: str,
    records: Sequence[Record],
    effects: Mapping[str, RowEffect],
    works: Mapping[str, str],
    level: float,
) -> TumorPools:
    from oncovivo.evidence.poolability import poolability

    found = poolability(records, effects)
    own = {record.row_id: record for record in records}
    groups: dict[tuple[str, str, Measure], list[RowEffect]] = {}
    for name in found.rows:
        measure = effects[name].measure
        outcome = _outcome(own[name].endpoint, measure)
        groups.setdefault((treatment_of(own[name]), outcome, measure), []).append(effects[name])
    return TumorPools(
        tumor=tumor,
        found=found,
        pools=tuple(
            _pooled(rows, [own[row.row_id] for row in rows], works, level)
            for rows in groups.values()
            if len(rows) > 1
        ),
        alone=tuple(rows[0] for rows in groups.values() if len(rows) == 1),
    )


def treatment_of(record: Record) -> str:
    """Compound of a row, and its partners: rows with the same words may be pooled.

    Parameters
    ----------
    record : Record
        The row.
    """
    return " + ".join((record.compound, *sorted(record.partners)))


def _outcome(endpoint: str, measure: Measure) -> str:
    """What rows must share to be pooled; a ratio does not ask how the size was measured."""
    return "size" if endpoint in _SIZES and measure != "MD" else endpoint


def _work(record: Record, works: Mapping[str, str]) -> str:
    """The first work of a row; several reports of one study are one work."""
    key = record.sources[0]
    return works.get(key, key)


def _pooled(
    effects: Sequence[RowEffect],
    records: Sequence[Record],
    known: Mapping[str, str],
    level: float,
) -> EvidencePool:
    """REML with Knapp and Hartung; rows of one work are nested in it."""
    from oncovivo.evidence.meta import Rows, pool
    from oncovivo.evidence.meta.multilevel import fit_multilevel

    works = [_work(record, known) for record in records]
    rows = Rows.of(
        [effect.row_id for effect in effects],
        [effect.yi for effect in effects],
        [effect.vi for effect in effects],
        measure=effects[0].measure,
        study=works,
    )
    shown = EvidencePool(
        tumor=records[0].filed_under,
        treatment=treatment_of(records[0]),
        endpoints=tuple(dict.fromkeys(record.endpoint for record in records)),
        measure=effects[0].measure,
        rows=tuple(effects),
        works=tuple(works),
        weights=(),
        method="",
        estimate=0.0,
        lower=0.0,
        upper=0.0,
        p_value=1.0,
        df=None,
        tau2=None,
        i2=None,
        pi_lower=None,
        pi_upper=None,
        bias_p=_bias_p(rows, level),
        level=level,
        warnings=(),
    )
    if len(set(works)) in (1, len(works)):
        single = pool(rows, level=level)
        return replace(
            shown,
            method="random effects (REML), Knapp-Hartung"
            + ("; all rows are of one work" if len(set(works)) == 1 else ""),
            weights=tuple(row.weight for row in single.rows),
            estimate=single.estimate,
            lower=single.lower,
            upper=single.upper,
            p_value=single.p_value,
            df=single.df,
            tau2=single.tau2,
            i2=single.i2,
            pi_lower=single.pi_lower,
            pi_upper=single.pi_upper,
            warnings=single.warnings,
        )
    nested = fit_multilevel(
        rows, {"work": works, "row": rows.label}, level=level, intervals="none"
    )
    mean = nested.coefficients[0]
    return replace(
        shown,
        method="multilevel random effects (REML), rows within works, t",
        weights=_nested_weights(
            [effect.vi for effect in effects],
            works,
            *(component.variance for component in nested.components),
        ),
        estimate=mean.estimate,
        lower=mean.lower,
        upper=mean.upper,
        p_value=mean.p_value,
        df=mean.df,
        tau2=sum(component.variance for component in nested.components),
        i2=nested.i2,
        pi_lower=nested.pi_lower,
        pi_upper=nested.pi_upper,
        warnings=nested.warnings,
    )


def _nested_weights(
    vi: Sequence[float], works: Sequence[str], between: float, within: float
) -> tuple[float, ...]:
    """Shares of rows that are nested in works: row sums of the inverse covariance.

    Within a work the covariance is diagonal plus a constant, whose inverse has a closed form
    (Sherman and Morrison).
    """
    single = [1.0 / (one + within) for one in vi]
    of_work = dict.fromkeys(works, 0.0)
    for weight, work in zip(single, works, strict=True):
        of_work[work] += weight
    shared = [
        weight / (1.0 + between * of_work[work])
        for weight, work in zip(single, works, strict=True)
    ]
    total = math.fsum(shared)
    return tuple(weight / total for weight in shared)


def _bias_p(rows: Rows, level: float) -> float | None:
    """Egger's regression where rows are enough for it and differ in imprecision."""
    from oncovivo.evidence.meta.bias import egger_test

    if len(rows) < FEWEST_FOR_BIAS:
        return None
    try:
        return egger_test(rows, level=level).slope.p_value
    except DataError:
        return None


def _take(table: MetaTable, chosen: Sequence[int]) -> MetaTable:
    """Some rows of a table."""
    inner = table.table
    return replace(
        table,
        table=replace(
            inner,
            texts={name: [cells[i] for i in chosen] for name, cells in inner.texts.items()},
            row_numbers=inner.row_numbers[list(chosen)],
        ),
        labels=tuple(table.labels[i] for i in chosen),
        study=None if table.study is None else tuple(table.study[i] for i in chosen),
    )
