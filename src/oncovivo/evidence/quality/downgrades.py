"""The rules by which certainty is lowered, domain by domain.

The domains are GRADE's; indirectness is judged twice, from the animals to the question and from
animals to patients. GRADE leaves thresholds to judgement. Those here are stated, the same for
every question, and can be changed (:class:`CertaintyRules`) or overruled with a reason; they make
the judgement repeatable, not right. Nothing raises certainty, and what is not known never counts
in favor.

References
----------
Domains, for animal studies: Hooijmans CR and others. PLoS One 2018;13:e0187271. Imprecision:
Guyatt GH and others. J Clin Epidemiol 2011;64:1283. Publication bias: the same 2011;64:1277; tests
need ten studies: Sterne JAC and others. BMJ 2011;343:d4002. Ranges of I²: Cochrane Handbook (50 to
90 % may be substantial, 75 to 100 % considerable).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import InputError
from oncovivo.evidence.quality.assessment import Assessment, StudyAssessment, checked_weights
from oncovivo.evidence.quality.findings import (
    ASPECTS,
    Aspect,
    PooledSummary,
    Question,
    StudyFacts,
)
from oncovivo.evidence.quality.tools import tool_named

__all__ = [
    "DOMAINS",
    "KEY_ITEMS",
    "CertaintyRules",
    "Domain",
    "Judged",
    "Status",
    "judge_imprecision",
    "judge_inconsistency",
    "judge_publication_bias",
    "judge_question_indirectness",
    "judge_risk_of_bias",
    "judge_translation",
]

Domain: TypeAlias = Literal[
    "risk_of_bias",
    "inconsistency",
    "imprecision",
    "publication_bias",
    "indirectness_question",
    "indirectness_patient",
]
"""What certainty is lowered for."""

DOMAINS: Final[Mapping[Domain, str]] = MappingProxyType(
    {
        "risk_of_bias": "risk of bias",
        "inconsistency": "inconsistency",
        "imprecision": "imprecision",
        "publication_bias": "publication bias",
        "indirectness_question": "indirectness, animals to question",
        "indirectness_patient": "indirectness, animals to patients",
    }
)
"""Every domain and its words, in the order of the table."""

Status: TypeAlias = Literal["judged", "not_assessable"]
"""Whether the rule could be applied, or what it needs is not there."""

KEY_ITEMS: Final = (
    "sequence_generation",
    "baseline_characteristics",
    "allocation_concealment",
    "blinded_caregivers",
    "blinded_assessors",
    "incomplete_outcome_data",
)
"""SYRCLE items that decide a study's risk of bias here; a choice of this project, not SYRCLE's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertaintyRules:
    """Thresholds of the rules. Those without a source are choices of this project.

    Parameters
    ----------
    key_items : tuple of str
        SYRCLE items that decide; :data:`KEY_ITEMS` by default.
    bias_share : float, default 0.5
        Share of the weight, at high risk for two levels, or not shown to be at low risk for one.
    i2_serious, i2_very_serious : float, default 50 and 75
        I² in percent from which inconsistency costs one level, and may cost two.
    bias_k : int, default 10
        Effects that a test of small-study effects needs.
    bias_p : float, default 0.1
        p-value of that test below which publication bias is suspected.
    indirect_share : float, default 0.5
        Share of the weight that differs from the question.
    patient_levels : int, default 1
        Levels for the step from animals to patients when the question is about patients.

    Raises
    ------
    InputError
        If a number is outside its range, or an item is not SYRCLE's.
    """

    key_items: tuple[str, ...] = KEY_ITEMS
    bias_share: float = 0.5
    i2_serious: float = 50.0
    i2_very_serious: float = 75.0
    bias_k: int = 10
    bias_p: float = 0.1
    indirect_share: float = 0.5
    patient_levels: int = 1

    def __post_init__(self) -> None:
        if not self.key_items:
            raise InputError("at least one key item", found="none")
        for item in self.key_items:
            tool_named("syrcle").item(item)
        for name in ("bias_share", "indirect_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} above 0 and up to 1", found=str(getattr(self, name)))
        if not 0 < self.i2_serious <= self.i2_very_serious <= 100:
            raise InputError(
                "i2_serious up to i2_very_serious, in percent above 0",
                found=f"{self.i2_serious} and {self.i2_very_serious}",
            )
        if self.bias_k < 3:
            raise InputError("bias_k of at least 3", found=str(self.bias_k))
        if not 0 < self.bias_p < 1:
            raise InputError("bias_p between 0 and 1", found=str(self.bias_p))
        if self.patient_levels not in (0, 1, 2, 3):
            raise InputError("patient_levels 0 to 3", found=str(self.patient_levels))

    def to_dict(self) -> dict[str, object]:
        """All thresholds, ready for JSON."""
        return {**asdict(self), "key_items": list(self.key_items)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a rule says of one domain.

    Parameters
    ----------
    domain : str
        Which.
    status : {"judged", "not_assessable"}
        Whether the rule could be applied.
    levels : int
        Levels down; 0 when it could not.
    reason : str
        Why, with the numbers.
    """

    domain: Domain
    status: Status
    levels: int
    reason: str


def judge_risk_of_bias(
    assessment: Assessment,
    *,
    weights: Mapping[str, float] | None = None,
    rules: CertaintyRules | None = None,
) -> Judged:
    """Levels for risk of bias, from SYRCLE's items.

    A study is at high risk when a key item is, at low risk when every key item is, else its risk
    is not known. Two levels when at least `bias_share` of the weight is at high risk, one when at
    least that much is not at low risk.

    Parameters
    ----------
    assessment : Assessment
        SYRCLE's, over all studies of the pool.
    weights : mapping, optional
        Weight of each study in the pool; else each counts once.
    rules : CertaintyRules, optional
        Thresholds.

    Raises
    ------
    InputError
        If the assessment is not SYRCLE's, or the weights are not those of its studies.
    """
    if assessment.tool != "syrcle":
        raise InputError(
            "an assessment with syrcle, which rates risk of bias",
            found=assessment.tool,
            mend="ARRIVE rates reporting and CAMARADES a mixture",
        )
    rules = rules or CertaintyRules()
    share = checked_weights(assessment, weights)
    places = [assessment.items.index(item) for item in rules.key_items]
    high = math.fsum(share[one.study] for one in assessment.studies if _is_high(one, places))
    low = math.fsum(share[one.study] for one in assessment.studies if _is_low(one, places))
    unrated = sum(
        all(one.standings[place] == "not_assessed" for place in places)
        for one in assessment.studies
    )
    other = max(0.0, 1 - high - low)
    what = "studies" if weights is None else "weight"
    reason = (
        f"{_pct(high)} of the {what} at high, {_pct(other)} at unknown and {_pct(low)} at low "
        f"risk in {_counted(len(places), 'key item')}"
    )
    if unrated:
        reason += f"; {unrated} of {_counted(len(assessment.studies), 'study')} not assessed"
    levels = (
        2 if _reaches(high, rules.bias_share) else int(_reaches(high + other, rules.bias_share))
    )
    return Judged(domain="risk_of_bias", status="judged", levels=levels, reason=reason)


def _is_high(study: StudyAssessment, places: Sequence[int]) -> bool:
    return any(study.standings[place] == "poor" for place in places)


def _is_low(study: StudyAssessment, places: Sequence[int]) -> bool:
    return all(study.standings[place] == "good" for place in places)


def judge_inconsistency(pooled: PooledSummary, *, rules: CertaintyRules | None = None) -> Judged:
    """Levels for effects that differ more than chance explains.

    One level when I² reaches `i2_serious`, or when the prediction interval includes the null
    although the confidence interval does not; two when I² reaches `i2_very_serious` and the
    prediction interval does so. Where both intervals include it, imprecision counts it.

    Parameters
    ----------
    pooled : PooledSummary
        The pooled effect.
    rules : CertaintyRules, optional
        Thresholds.
    """
    rules = rules or CertaintyRules()
    if pooled.k == 1 or (pooled.i2 is None and pooled.prediction_crosses_null is None):
        return Judged(
            domain="inconsistency",
            status="not_assessable",
            levels=0,
            reason=(
                "one effect cannot be inconsistent, nor shown to be consistent"
                if pooled.k == 1
                else "neither I² nor a prediction interval is given"
            ),
        )
    spread = pooled.prediction_crosses_null is True and not pooled.interval_crosses_null
    i2 = pooled.i2 or 0.0
    levels = int(i2 >= rules.i2_serious or spread) + int(i2 >= rules.i2_very_serious and spread)
    parts = ["I² is not given" if pooled.i2 is None else f"I² is {pooled.i2:.0f} %"]
    if pooled.prediction_crosses_null is None:
        parts.append("there is no prediction interval")
    elif spread:
        parts.append(
            "the prediction interval includes the null, which the confidence interval excludes"
        )
    elif pooled.prediction_crosses_null:
        parts.append("the prediction interval includes the null, as the confidence interval does")
    else:
        parts.append("the prediction interval excludes the null")
    return Judged(domain="inconsistency", status="judged", levels=levels, reason="; ".join(parts))


def judge_imprecision(pooled: PooledSummary, *, information_size: int | None = None) -> Judged:
    """Levels for too few animals or too wide an interval.

    One level when the confidence interval includes the null, one when the animals are fewer than
    the information size; a number of animals that is not reported does not meet it.

    Parameters
    ----------
    pooled : PooledSummary
        The pooled effect.
    information_size : int, optional
        Animals that would be enough; without it the size is not judged, which the reason says.
    """
    crosses = pooled.interval_crosses_null
    parts = [
        f"the {100 * pooled.level:g} % interval {'includes' if crosses else 'excludes'} the null"
    ]
    short = False
    animals = None if pooled.n_animals is None else f"{pooled.n_animals:,}"
    if information_size is None:
        parts.append(
            f"{animals or 'an unknown number of'} animals, with no information size to compare"
        )
    elif pooled.n_animals is None:
        short = True
        parts.append(
            f"the number of animals is not reported, so the {information_size:,} needed are not "
            "shown"
        )
    else:
        short = pooled.n_animals < information_size
        parts.append(
            f"{animals} animals, {'fewer than' if short else 'at least'} the "
            f"{information_size:,} needed"
        )
    return Judged(
        domain="imprecision",
        status="judged",
        levels=int(crosses) + int(short),
        reason="; ".join(parts),
    )


def judge_publication_bias(
    pooled: PooledSummary, *, rules: CertaintyRules | None = None
) -> Judged:
    """Levels for effects that may be missing because they were small.

    One level when a test on at least `bias_k` effects has p below `bias_p`. With fewer effects,
    or without a test, it is not assessable: that is no sign that nothing is missing.

    Parameters
    ----------
    pooled : PooledSummary
        The pooled effect, with the test's p-value.
    rules : CertaintyRules, optional
        Thresholds.
    """
    rules = rules or CertaintyRules()
    if pooled.k < rules.bias_k or pooled.bias_p is None:
        return Judged(
            domain="publication_bias",
            status="not_assessable",
            levels=0,
            reason=(
                f"{_counted(pooled.k, 'effect')}, fewer than the {rules.bias_k} that a test needs"
                if pooled.k < rules.bias_k
                else "no test of small-study effects is given"
            ),
        )
    suspected = pooled.bias_p < rules.bias_p
    name = pooled.bias_test or "the test of small-study effects"
    return Judged(
        domain="publication_bias",
        status="judged",
        levels=int(suspected),
        reason=(
            f"{name} on {pooled.k} effects {'finds' if suspected else 'does not find'} "
            f"small-study effects (p = {pooled.bias_p:.2g}, threshold {rules.bias_p:g})"
        ),
    )


def judge_question_indirectness(
    question: Question,
    studies: Sequence[StudyFacts],
    *,
    weights: Mapping[str, float] | None = None,
    classes: Mapping[str, str] | None = None,
    rules: CertaintyRules | None = None,
) -> Judged:
    """Levels for studies that answer another question than the one asked.

    A study differs when one of its facts is none of the values asked for, or is not known.
    A compound of the same class, as everolimus for temsirolimus, is one difference; a compound of
    another class, or whose class is not known, is a grave one. One level when studies with a
    difference have at least `indirect_share` of the weight; two when those with a grave one, or
    with known differences in two aspects or more, do.

    Parameters
    ----------
    question : Question
        With the values asked for.
    studies : sequence of StudyFacts
        Every study of the pool.
    weights : mapping, optional
        Weight of each study in the pool; else each counts once.
    classes : mapping, optional
        From compound to its class.
    rules : CertaintyRules, optional
        Thresholds.

    Raises
    ------
    InputError
        If a study comes twice, or the weights are not those of the studies.
    """
    rules = rules or CertaintyRules()
    if not question.asked:
        return _question_judged("not_assessable", 0, "the question names nothing to compare with")
    if not studies:
        return _question_judged("not_assessable", 0, "no facts of the studies are given")
    share = _shares(studies, weights)
    differing = grave = 0.0
    differences: dict[Aspect, dict[str, float]] = {}
    for study in sorted(studies, key=lambda one: one.study):
        known = unknown = 0
        is_grave = False
        for aspect, accepted in question.asked.items():
            fact = study.facts.get(aspect)
            if fact in accepted:
                continue
            known, unknown = known + (fact is not None), unknown + (fact is None)
            word, other_class = _difference(aspect, fact, accepted, classes or {})
            is_grave |= other_class
            words = differences.setdefault(aspect, {})
            words[word] = words.get(word, 0.0) + share[study.study]
        differing += share[study.study] * bool(known + unknown)
        grave += share[study.study] * (is_grave or known > 1)
    levels = (
        2
        if _reaches(grave, rules.indirect_share)
        else int(_reaches(differing, rules.indirect_share))
    )
    if not differences:
        asked = ", ".join(ASPECTS[aspect] for aspect in ASPECTS if aspect in question.asked)
        return _question_judged("judged", 0, f"all studies are as asked: {asked}")
    what = "studies" if weights is None else "weight"
    listed = "; ".join(
        f"{ASPECTS[aspect]}: "
        + ", ".join(f"{word} ({_pct(part)})" for word, part in sorted(differences[aspect].items()))
        for aspect in ASPECTS
        if aspect in differences
    )
    return _question_judged(
        "judged", levels, f"{_pct(differing)} of the {what} not as asked; {listed}"
    )


def _question_judged(status: Status, levels: int, reason: str) -> Judged:
    return Judged(domain="indirectness_question", status=status, levels=levels, reason=reason)


def _shares(
    studies: Sequence[StudyFacts], weights: Mapping[str, float] | None
) -> dict[str, float]:
    """Each study's share of the weight."""
    labels = [one.study for one in studies]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError("facts of each study once", found=f"{label!r} twice")
    bare = tuple(
        StudyAssessment(study=label, source=None, judgements=(), standings=()) for label in labels
    )
    return checked_weights(Assessment(tool="syrcle", items=(), studies=bare), weights)


def _difference(
    aspect: Aspect, fact: str | None, accepted: Sequence[str], classes: Mapping[str, str]
) -> tuple[str, bool]:
    """How a fact differs, in words, and whether gravely."""
    asked = " or ".join(accepted)
    if fact is None:
        return "not reported", False
    if aspect != "compound":
        return f"{fact} for {asked}", False
    same = fact in classes and classes[fact] in {classes.get(one) for one in accepted}
    return f"{fact} for {asked}, {'same' if same else 'not the same'} class", not same


def judge_translation(
    question: Question, *, patient_note: str = "", rules: CertaintyRules | None = None
) -> Judged:
    """What the step from animals to patients costs; always stated.

    Nothing when the question is about animals, `patient_levels` when it is about patients.

    Parameters
    ----------
    question : Question
        With its target.
    patient_note : str, optional
        What is known of this step for this question, as a trial's result.
    rules : CertaintyRules, optional
        Thresholds.
    """
    rules = rules or CertaintyRules()
    about_patients = question.target == "patients"
    reason = (
        "the question is about patients, and all evidence is from animals"
        if about_patients
        else "the rating is for animals only and says nothing of patients"
    )
    note = patient_note.strip()
    return Judged(
        domain="indirectness_patient",
        status="judged",
        levels=rules.patient_levels if about_patients else 0,
        reason=f"{reason}; {note}" if note else reason,
    )


# Shares are sums of rounded parts: a half of the weight must count as a half.
_ROUNDING: Final = 1e-9


def _reaches(share: float, threshold: float) -> bool:
    """Whether a share is at least a threshold."""
    return share >= threshold - _ROUNDING


def _pct(share: float) -> str:
    """A share as whole percent, where 0 and 100 mean none and all."""
    percent = 100 * share
    if 0 < percent < 1 and percent > 100 * _ROUNDING:
        return "<1 %"
    if 99 < percent < 100 * (1 - _ROUNDING):
        return ">99 %"
    return f"{percent:.0f} %"


def _counted(count: int, noun: str) -> str:
    """A number with its noun."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
