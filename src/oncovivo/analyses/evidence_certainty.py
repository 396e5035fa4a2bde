"""How certain one can be of what is pooled: a rating for each pool, or why there is none.

The pooled works are the studies that are rated. A work of which ``quality.csv`` rates several
studies has in each item the least good of their judgements, since which of them a pooled row is
from is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from oncovivo.analyses.evidence_pools import EvidencePool, TumorPools
from oncovivo.analyses.pool_rows import pool_row_id, pool_source
from oncovivo.evidence.quality import (
    Assessment,
    CertaintyRow,
    PooledSummary,
    Question,
    Rating,
    StudyAssessment,
    StudyFacts,
    assess,
    rate_certainty,
)
from oncovivo.evidence.quality.assessment import Standing

__all__ = ["TumorCertainty", "pool_certainty", "works_assessment"]

# From the best to what counts least in favor: what is known to be poor is below what is unknown.
_LEAST_GOOD: Final[tuple[Standing, ...]] = (
    "good",
    "not_applicable",
    "partly",
    "unclear",
    "not_assessed",
    "unresolved",
    "poor",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TumorCertainty:
    """The certainty of a tumor type.

    Parameters
    ----------
    tumor : str
        OncoTree code of the section.
    rows : tuple of CertaintyRow
        One for each pool; one without a level where nothing is pooled.
    """

    tumor: str
    rows: tuple[CertaintyRow, ...]


def pool_certainty(
    pools: Sequence[TumorPools],
    ratings: Sequence[Rating],
    *,
    compound: str,
    names: Mapping[str, str],
    works: Mapping[str, str],
) -> tuple[TumorCertainty, ...]:
    """A rating for each pool of each tumor type, or why there is none.

    The rating is for animals and says nothing of patients; no information size is asked for.

    Parameters
    ----------
    pools : sequence of TumorPools
        As :func:`oncovivo.analyses.evidence_pools.pool_evidence` gives them.
    ratings : sequence of Rating
        Of ``quality.csv``; of any checklist, of which SYRCLE's is used.
    compound : str
        Identity key of the guide's compound.
    names : mapping of str to str
        Name of each tumor type by its code.
    works : mapping of str to str
        Work of each key of references.json.
    """
    return tuple(
        TumorCertainty(
            tumor=found.tumor,
            rows=tuple(
                _rated(pool, number, ratings, compound, names, works)
                for number, pool in enumerate(found.pools, start=1)
            )
            or (_unrated(found, compound, names),),
        )
        for found in pools
    )


def _unrated(found: TumorPools, compound: str, names: Mapping[str, str]) -> CertaintyRow:
    question = Question(
        question_id=pool_source(found.tumor),
        text=f"{compound} against control in {names[found.tumor]}",
        tumor_type=names[found.tumor],
        oncotree=found.tumor,
        outcome="efficacy",
        asked={"compound": (compound,)},
    )
    return rate_certainty(question, None, studies=(), not_pooled=found.found.reason)


def _rated(
    pool: EvidencePool,
    number: int,
    ratings: Sequence[Rating],
    compound: str,
    names: Mapping[str, str],
    works: Mapping[str, str],
) -> CertaintyRow:
    question = Question(
        question_id=pool_row_id(pool.tumor, number),
        text=f"{pool.treatment} against control in {names[pool.tumor]}",
        tumor_type=names[pool.tumor],
        oncotree=pool.tumor,
        outcome=" or ".join(endpoint.replace("_", " ") for endpoint in pool.endpoints),
        asked={"compound": (compound,)},
    )
    weights = dict.fromkeys(pool.works, 0.0)
    for work, weight in zip(pool.works, pool.weights, strict=True):
        weights[work] += weight
    return rate_certainty(
        question,
        PooledSummary(
            measure=pool.measure,
            k=len(pool.rows),
            estimate=pool.estimate,
            lower=pool.lower,
            upper=pool.upper,
            n_animals=pool.n_animals,
            level=pool.level,
            i2=pool.i2,
            pi_lower=pool.pi_lower,
            pi_upper=pool.pi_upper,
            bias_p=pool.bias_p,
            bias_test="" if pool.bias_p is None else "Egger's regression",
        ),
        studies=[StudyFacts(study=work, facts={"compound": compound}) for work in weights],
        assessment=works_assessment(ratings, tuple(weights), works=works),
        weights=weights,
    )


def works_assessment(
    ratings: Sequence[Rating], asked: Sequence[str], *, works: Mapping[str, str]
) -> Assessment | None:
    """SYRCLE's items for each work; None where nobody rated anything with it.

    Parameters
    ----------
    ratings : sequence of Rating
        Of any checklist.
    asked : sequence of str
        Works.
    works : mapping of str to str
        Work of each key of references.json.
    """
    own = [rating for rating in ratings if rating.tool == "syrcle"]
    if not own:
        return None
    whole = assess(own, "syrcle")
    rated: dict[str, list[StudyAssessment]] = {work: [] for work in asked}
    for study in whole.studies:
        source = study.source or ""
        if works.get(source, source) in rated:
            rated[works.get(source, source)].append(study)
    return Assessment(
        tool=whole.tool,
        items=whole.items,
        studies=tuple(_least_good(work, rated[work], len(whole.items)) for work in sorted(rated)),
    )


def _least_good(work: str, studies: Sequence[StudyAssessment], items: int) -> StudyAssessment:
    """A work with, in each item, the judgement that counts least in its favor."""
    chosen = [
        max(
            ((study.standings[at], study.judgements[at]) for study in studies),
            key=lambda pair: _LEAST_GOOD.index(pair[0]),
            default=("not_assessed", None),
        )
        for at in range(items)
    ]
    return StudyAssessment(
        study=work,
        source=work,
        judgements=tuple(judgement for _, judgement in chosen),
        standings=tuple(standing for standing, _ in chosen),
    )
