"""Studies, literature rows and simulations on one scale: ln relative volume, and its rate.

The estimand is the natural logarithm of the ratio of treated over control tumor volume, each
relative to its baseline, on a day since baseline; divided by the day it is the effect on the
growth rate. Below 0 tumors are smaller under treatment.

- A study gives the contrast of growth rates of its mixed model, times the days from baseline to
  the day of the growth analysis.
- A literature row gives the log ratio of means of ``effects.csv``, which is this estimand as far
  as groups started alike, or a difference of growth rates.
- A simulation gives the median over draws of the ratio of its tumor volumes, for arms that differ
  from the control by their regimen alone.

A row of another compound shows the class and is never counted as the guide's. Where a simulation
and a study of one tumor type and treatment do not overlap, that is a finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.analyses.evidence_pools import RowEffect, treatment_of
from oncovivo.analyses.simulation_results import comparison_id
from oncovivo.analyses.study_names import study_source
from oncovivo.errors import InputError
from oncovivo.evidence import Record
from oncovivo.evidence.poolability import poolability
from oncovivo.studies.regimen import parse_regimen

if TYPE_CHECKING:
    from oncovivo.analyses.simulation_results import PlacedSimulation
    from oncovivo.analyses.study_results import StudyResult
    from oncovivo.growth.compare import RateContrast

__all__ = [
    "Agreement",
    "EstimandKind",
    "EstimandRow",
    "TumorEstimands",
    "one_estimand",
    "simulation_agreement",
]

EstimandKind: TypeAlias = Literal["study", "literature", "simulation"]
RowStatus: TypeAlias = Literal["ok", "undefined", "flagged"]
AgreementWord: TypeAlias = Literal["agrees", "compatible", "disagrees"]

# What a simulation calls the volume of the tumor.
_VOLUME: Final = "tumor_volume"
# Measures of effects.csv that are on the scale, and the endpoints that they may be of.
_MEASURES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"ROM": ("tumor_volume", "tumor_weight"), "growth_rate": ("growth_rate",)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimandRow:
    """One effect on the common scale.

    Parameters
    ----------
    row_id : str
        Row of records.csv, contrast of a study, or comparison of a simulation.
    kind : {"study", "literature", "simulation"}
        Where it is from.
    origin : str
        Study, first source of the row, or simulation; rows of one origin are not independent.
    label : str
        Name for people.
    treatment, versus : str
        Substances of the arm, joined by ' + '; what it is compared with.
    compound : bool
        Whether the treatment is the guide's compound alone.
    of_class : bool
        Whether the compound is another one.
    simulated : bool
        Whether the numbers are made up by a simulation, of a study or of a model.
    day : float or None
        Days since baseline.
    estimate, std_error, lower, upper : float or None
        ln relative volume; simulations have no standard error.
    rate, rate_std_error, rate_lower, rate_upper : float or None
        The same per day.
    df : float or None
        Degrees of freedom of a study's limits.
    n_animals : int or None
        Of both groups.
    status : {"ok", "undefined", "flagged"}
        Undefined without a number; flagged where `reason` says what to know of it.
    reason : str
        Why.
    """

    row_id: str
    kind: EstimandKind
    origin: str
    label: str
    treatment: str
    versus: str
    compound: bool
    of_class: bool
    simulated: bool
    day: float | None
    estimate: float | None
    std_error: float | None
    lower: float | None
    upper: float | None
    rate: float | None
    rate_std_error: float | None
    rate_lower: float | None
    rate_upper: float | None
    df: float | None
    n_animals: int | None
    status: RowStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A simulation beside a study of the same tumor type and treatment.

    Parameters
    ----------
    tumor, treatment : str
        What both are of.
    simulation, study : str
        Ids of the two rows.
    scale : {"ln_relative_volume", "rate"}
        Compared as: on one day, or per day where the days differ.
    verdict : {"agrees", "compatible", "disagrees"}
        Agrees when the study's interval holds the simulation's median; disagrees when the two
        intervals have no point in common.
    """

    tumor: str
    treatment: str
    simulation: str
    study: str
    scale: Literal["ln_relative_volume", "rate"]
    verdict: AgreementWord

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TumorEstimands:
    """All effects of a tumor type on the common scale.

    Parameters
    ----------
    tumor : str
        OncoTree code; empty for studies and simulations that are filed under none.
    rows : tuple of EstimandRow
        Studies, then literature, then simulations.
    agreement : tuple of Agreement
        Simulations beside studies.
    level : float
        Confidence of the limits, and share of draws inside those of simulations.
    """

    tumor: str
    rows: tuple[EstimandRow, ...]
    agreement: tuple[Agreement, ...]
    level: float


def one_estimand(
    *,
    compound: str,
    names: Iterable[str],
    studies: Sequence[StudyResult],
    records: Sequence[Record],
    effects: Sequence[RowEffect],
    simulations: Sequence[PlacedSimulation],
    level: float = 0.95,
) -> tuple[TumorEstimands, ...]:
    """Everything that has an effect on growth, by tumor type.

    Parameters
    ----------
    compound : str
        Identity key of the guide's compound.
    names : iterable of str
        Words under which regimens name the compound: its key, name and synonyms.
    studies, simulations : sequence
        Results of the guide.
    records, effects : sequence
        Literature rows and their effect sizes.
    level : float
        Of the normal limits of literature rows.

    Returns
    -------
    tuple of TumorEstimands
        Tumor types in the order of the evidence, some without any row, then those of studies and
        simulations alone.
    """
    own = {name.casefold() for name in names} | {compound.casefold()}
    found: dict[str, list[EstimandRow]] = {record.filed_under: [] for record in records}
    for study in studies:
        found.setdefault(study.tumor, []).extend(_study_rows(study, own))
    for tumor in dict.fromkeys(record.filed_under for record in records):
        filed = [record for record in records if record.filed_under == tumor]
        found[tumor].extend(_literature_rows(filed, effects, compound, level))
    for placed in simulations:
        found.setdefault(placed.tumor, []).extend(_simulation_rows(placed, own))
    return tuple(
        TumorEstimands(
            tumor=tumor,
            rows=tuple(rows),
            agreement=simulation_agreement(tumor, rows),
            level=level,
        )
        for tumor, rows in found.items()
    )


def _row(
    *,
    row_id: str,
    kind: EstimandKind,
    origin: str,
    label: str,
    treatment: str,
    versus: str,
    compound: bool,
    of_class: bool = False,
    simulated: bool,
    day: float | None,
    estimate: float | None,
    std_error: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
    df: float | None = None,
    n_animals: int | None = None,
    reason: str = "",
) -> EstimandRow:
    """A row with its rates, which need a day after baseline."""

    def per_day(value: float | None) -> float | None:
        return None if value is None or day is None or day <= 0 else value / day

    if estimate is None:
        status: RowStatus = "undefined"
    else:
        status = "flagged" if reason else "ok"
    return EstimandRow(
        row_id=row_id,
        kind=kind,
        origin=origin,
        label=label,
        treatment=treatment,
        versus=versus,
        compound=compound,
        of_class=of_class,
        simulated=simulated,
        day=day,
        estimate=estimate,
        std_error=std_error,
        lower=lower,
        upper=upper,
        rate=per_day(estimate),
        rate_std_error=per_day(std_error),
        rate_lower=per_day(lower),
        rate_upper=per_day(upper),
        df=df,
        n_animals=n_animals,
        status=status,
        reason=reason,
    )


def _substances(regimen: str, fallback: str) -> tuple[str, ...]:
    """What a regimen gives, as it names it; the arm's name where the regimen cannot be read."""
    if regimen:
        try:
            named = [
                one.compound
                for one in parse_regimen(regimen).treatments
                if one.compound and one.compound.casefold() != "vehicle"
            ]
        except InputError:
            named = []
        if named:
            return tuple(sorted(dict.fromkeys(named), key=str.casefold))
    return tuple(sorted((part.strip() for part in fallback.split("+")), key=str.casefold))


def _study_rows(study: StudyResult, own: set[str]) -> Iterator[EstimandRow]:
    """Each arm against the control of a study."""
    regimens = {arm.name: arm.regimen for arm in study.arms}
    growth = study.growth
    if growth is None:
        reason = study.growth_reason or "no growth model was asked for"
    elif growth.measure != "volume_mm3":
        reason = "area only"
    elif not growth.converged:
        reason = "the growth model did not converge"
    else:
        reason = ""
    if growth is None:
        control = next((arm.name for arm in study.arms if arm.role in _CONTROL_ROLES), "control")
        pairs = [(arm.name, control) for arm in study.arms if arm.name != control]
    else:
        control = growth.comparison.control
        pairs = [
            (contrast.arm, contrast.versus)
            for contrast in growth.comparison.contrasts
            if contrast.versus == control
        ]
    for number, (arm, versus) in enumerate(pairs, start=1):
        substances = _substances(regimens.get(arm, ""), arm)
        contrast = None
        if growth is not None and not reason:
            contrast = next(
                one
                for one in growth.comparison.contrasts
                if (one.arm, one.versus) == (arm, versus)
            )
        days = None if growth is None or contrast is None else growth.comparison.time
        counts = {} if growth is None else growth.n_by_arm
        effect = _on_day(contrast, days)
        estimable = effect[0] is not None
        yield _row(
            row_id=f"{study_source(study.id)}:effect-{number}",
            kind="study",
            origin=study_source(study.id),
            label=f"study {study.id}",
            treatment=" + ".join(substances),
            versus=versus,
            compound=len(substances) == 1 and substances[0].casefold() in own,
            simulated=study.simulated,
            day=days,
            estimate=effect[0],
            std_error=effect[1],
            lower=effect[2],
            upper=effect[3],
            df=None if contrast is None else contrast.df,
            n_animals=counts.get(arm, 0) + counts.get(versus, 0) if estimable else None,
            reason="" if estimable else reason or "the rates have no contrast",
        )


_CONTROL_ROLES: Final = ("vehicle", "untreated")


def _on_day(contrast: RateContrast | None, days: float | None) -> tuple[float | None, ...]:
    """Estimate, standard error and limits of a contrast of rates, times the days."""
    if contrast is None or days is None:
        return (None,) * 4
    numbers = (contrast.estimate, contrast.std_error, contrast.lower, contrast.upper)
    return tuple(None if number is None else number * days for number in numbers)


def _literature_rows(
    records: Sequence[Record], effects: Sequence[RowEffect], compound: str, level: float
) -> Iterator[EstimandRow]:
    """Rows with a log ratio of means of tumor size or a growth rate; the class comes last."""
    by_id = {effect.row_id: effect for effect in effects if effect.measure in _MEASURES}
    fits = set(poolability(records, by_id).rows)
    quantile = _normal_quantile(level)
    chosen = [
        record
        for record in records
        if record.row_id in fits and record.endpoint in _MEASURES[by_id[record.row_id].measure]
    ]
    for record in sorted(chosen, key=lambda one: one.compound != compound):
        effect = by_id[record.row_id]
        error = math.sqrt(effect.vi)
        sizes = (effect.n_treated, effect.n_control)
        known = [size for size in sizes if size is not None]
        day = record.day.value
        numbers = (
            effect.yi,
            error,
            effect.yi - quantile * error,
            effect.yi + quantile * error,
        )
        shown = _row(
            row_id=record.row_id,
            kind="literature",
            origin=record.sources[0],
            label=record.row_id,
            treatment=treatment_of(record),
            versus=str(record.comparator),
            compound=record.compound == compound and not record.partners,
            of_class=record.compound != compound,
            simulated=False,
            day=None if day is None else float(day),
            estimate=numbers[0],
            std_error=numbers[1],
            lower=numbers[2],
            upper=numbers[3],
            n_animals=round(sum(known)) if len(known) == len(sizes) else None,
            reason="" if day is not None else "the row has no day, so there is no rate",
        )
        yield shown if effect.measure == "ROM" else _of_rate(shown, numbers)


def _of_rate(row: EstimandRow, numbers: tuple[float, float, float, float]) -> EstimandRow:
    """A row that gives a rate; its relative volume needs a day."""
    days = row.day
    volume = [None if days is None else number * days for number in numbers]
    return replace(
        row,
        estimate=volume[0],
        std_error=volume[1],
        lower=volume[2],
        upper=volume[3],
        rate=numbers[0],
        rate_std_error=numbers[1],
        rate_lower=numbers[2],
        rate_upper=numbers[3],
        status="ok",
        reason="",
    )


def _normal_quantile(level: float) -> float:
    from scipy import special

    return -float(special.ndtri((1.0 - level) / 2.0))


def _simulation_rows(placed: PlacedSimulation, own: set[str]) -> Iterator[EstimandRow]:
    """Each regimen against the control on the days that the simulation reports."""
    result = placed.result
    regimens: Mapping[str, str] = {arm.arm: arm.regimen for arm in result.arms}
    of_volume = [
        (number, found)
        for number, found in enumerate(result.comparisons, start=1)
        if found.output == _VOLUME
    ]
    if not of_volume:
        return
    for number, found in of_volume:
        if not regimens[found.arm] or _changed(placed, found.arm):
            continue  # what if a number were another: no treatment of the tumor as it is
        substances = _substances(regimens[found.arm], found.arm)
        lower, upper = _log(found.ratio_lower), _log(found.ratio_upper)
        yield _row(
            row_id=comparison_id(result, number),
            kind="simulation",
            origin=placed.source,
            label=f"simulation {result.name}",
            treatment=" + ".join(substances),
            versus=found.versus,
            compound=len(substances) == 1 and substances[0].casefold() in own,
            simulated=True,
            day=found.time_d,
            estimate=_log(found.ratio),
            lower=lower,
            upper=upper,
            reason="" if found.ratio else "the simulated control has no volume",
        )


def _changed(placed: PlacedSimulation, arm: str) -> bool:
    """Whether an arm differs from others by more than its regimen."""
    return any(one.changed for one in placed.result.arms if one.arm == arm)


def _log(ratio: float | None) -> float | None:
    return math.log(ratio) if ratio is not None and ratio > 0 else None


def simulation_agreement(tumor: str, rows: Sequence[EstimandRow]) -> tuple[Agreement, ...]:
    """Each simulated treatment beside each study of it.

    On the study's day where the simulation reports that day, else per day on the simulation's last
    day.

    Parameters
    ----------
    tumor : str
        Tumor type of the rows.
    rows : sequence of EstimandRow
        Of one tumor type.
    """
    found = []
    simulated: dict[tuple[str, str], list[EstimandRow]] = {}
    for row in rows:
        if row.kind == "simulation" and row.lower is not None and row.upper is not None:
            simulated.setdefault((row.origin, row.treatment.casefold()), []).append(row)
    for study in rows:
        if study.kind != "study" or study.lower is None or study.upper is None:
            continue
        for (_, treatment), days in simulated.items():
            if treatment != study.treatment.casefold():
                continue
            same = [row for row in days if row.day == study.day]
            chosen = same[0] if same else max(days, key=lambda row: row.day or 0.0)
            limits = (
                (chosen.estimate, chosen.lower, chosen.upper, study.lower, study.upper)
                if same
                else (
                    chosen.rate,
                    chosen.rate_lower,
                    chosen.rate_upper,
                    study.rate_lower,
                    study.rate_upper,
                )
            )
            verdict = _verdict(*limits)
            if verdict is not None:
                found.append(
                    Agreement(
                        tumor=tumor,
                        treatment=study.treatment,
                        simulation=chosen.row_id,
                        study=study.row_id,
                        scale="ln_relative_volume" if same else "rate",
                        verdict=verdict,
                    )
                )
    return tuple(found)


def _verdict(
    median: float | None,
    lower: float | None,
    upper: float | None,
    study_lower: float | None,
    study_upper: float | None,
) -> AgreementWord | None:
    """None where a limit is missing."""
    if (
        median is None
        or lower is None
        or upper is None
        or study_lower is None
        or study_upper is None
    ):
        return None
    if study_lower <= median <= study_upper:
        return "agrees"
    return "compatible" if lower <= study_upper and study_lower <= upper else "disagrees"
