"""The certainty table: for each question the pooled effect, and how sure one can be of it.

A row starts at the level of its question and is lowered by the stated rules of
:mod:`oncovivo.evidence.quality.downgrades`. An author may overrule a rule; the row keeps what the
rule said, what the author said, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from oncovivo.errors import InputError
from oncovivo.evidence.quality.assessment import Assessment
from oncovivo.evidence.quality.downgrades import (
    DOMAINS,
    CertaintyRules,
    Domain,
    Judged,
    Status,
    judge_imprecision,
    judge_inconsistency,
    judge_publication_bias,
    judge_question_indirectness,
    judge_risk_of_bias,
    judge_translation,
)
from oncovivo.evidence.quality.findings import (
    CertaintyLevel,
    PooledSummary,
    Question,
    StudyFacts,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CertaintyRow", "Downgrade", "Override", "certainty_frame", "rate_certainty"]

_LEVELS: Final[tuple[CertaintyLevel, ...]] = ("high", "moderate", "low", "very_low")
_SERIOUSNESS: Final = ("none", "one level", "two levels", "three levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An author's judgement in place of a rule's.

    Parameters
    ----------
    domain : str
        Which, a key of :data:`oncovivo.evidence.quality.DOMAINS`.
    levels : int
        Levels down, 0 to 3.
    reason : str
        Why the rule does not fit.
    author : str
        Who says so.

    Raises
    ------
    InputError
        If the domain is unknown, the levels are none of 0 to 3, or reason or author is empty.
    """

    domain: Domain
    levels: int
    reason: str
    author: str

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise InputError(f"a domain of {', '.join(DOMAINS)}", found=repr(self.domain))
        where = f"override of {self.domain}"
        if self.levels not in (0, 1, 2, 3):
            raise InputError("levels 0 to 3", found=str(self.levels), where=where)
        for name in ("reason", "author"):
            if not getattr(self, name).strip():
                raise InputError(f"{name} as text", found="nothing", where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade:
    """One domain of a row.

    Parameters
    ----------
    domain : str
        Which.
    status : {"judged", "not_assessable"}
        Whether the rule could be applied.
    rule_levels, rule_reason : int and str
        What the rule says.
    levels, reason : int and str
        What counts: the author's, where there is an override.
    override : Override or None
        The author's judgement.
    """

    domain: Domain
    status: Status
    rule_levels: int
    rule_reason: str
    levels: int
    reason: str
    override: Override | None

    @property
    def words(self) -> str:
        """The domain in one phrase."""
        if self.override is not None:
            rule = (
                "not assessable"
                if self.status == "not_assessable"
                else _SERIOUSNESS[self.rule_levels]
            )
            who = f"{_SERIOUSNESS[self.levels]}, by {self.override.author}; by the rule {rule}"
            return f"{DOMAINS[self.domain]} ({who}): {self.reason}"
        if self.status == "not_assessable":
            return f"{DOMAINS[self.domain]} (not assessable): {self.reason}"
        return f"{DOMAINS[self.domain]} ({_SERIOUSNESS[self.levels]}): {self.reason}"

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertaintyRow:
    """A question, its pooled effect and the certainty of it.

    Parameters
    ----------
    question : Question
        What is asked.
    pooled : PooledSummary or None
        The effect; None when nothing could be pooled.
    not_pooled : str
        Why nothing could be pooled; empty when there is an effect.
    n_studies : int
        Studies with the question.
    level : {"high", "moderate", "low", "very_low"} or None
        Certainty; None without a pooled effect, of which one could be certain.
    downgrades : tuple of Downgrade
        Every domain, in the order of the table; empty without a pooled effect but for the step to
        patients.
    rules : CertaintyRules
        The thresholds used.
    """

    question: Question
    pooled: PooledSummary | None
    not_pooled: str
    n_studies: int
    level: CertaintyLevel | None
    downgrades: tuple[Downgrade, ...]
    rules: CertaintyRules

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the level is what it is: what lowers it, then what could not be judged."""
        lowering = [one.words for one in self.downgrades if one.levels]
        unknown = [
            one.words
            for one in self.downgrades
            if not one.levels and (one.status == "not_assessable" or one.override is not None)
        ]
        patients = [
            one.words
            for one in self.downgrades
            if one.domain == "indirectness_patient" and not one.levels and one.override is None
        ]
        return tuple(lowering + unknown + patients)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        question = {
            name: getattr(self.question, name)
            for name in (
                "question_id",
                "text",
                "tumor_type",
                "oncotree",
                "outcome",
                "target",
                "start",
                "information_size",
            )
        }
        asked = {aspect: list(values) for aspect, values in self.question.asked.items()}
        return {
            "question": {**question, "asked": asked},
            "pooled": None if self.pooled is None else asdict(self.pooled),
            "status": "undefined" if self.pooled is None else "ok",
            "reason": self.not_pooled or None,
            "n_studies": self.n_studies,
            "level": self.level,
            "downgrades": [one.to_dict() for one in self.downgrades],
            "reasons": list(self.reasons),
            "rules": self.rules.to_dict(),
        }


def rate_certainty(
    question: Question,
    pooled: PooledSummary | None,
    *,
    studies: Sequence[StudyFacts],
    assessment: Assessment | None = None,
    weights: Mapping[str, float] | None = None,
    classes: Mapping[str, str] | None = None,
    not_pooled: str = "",
    patient_note: str = "",
    overrides: Sequence[Override] = (),
    rules: CertaintyRules | None = None,
) -> CertaintyRow:
    """The row of a question: its effect, the stated downgrades, and the level they lead to.

    The level is that of the question less the sum of the levels of all domains, not below very
    low. Risk of bias, and whether studies answer the question, are judged by weight.

    Parameters
    ----------
    question : Question
        What is asked.
    pooled : PooledSummary or None
        The pooled effect; None when nothing could be pooled.
    studies : sequence of StudyFacts
        Every study behind the effect.
    assessment : Assessment, optional
        SYRCLE's, over exactly these studies; without it no study has been assessed, which is
        judged as an unknown risk.
    weights : mapping, optional
        Weight of each study in the pool; else each counts once.
    classes : mapping, optional
        From compound to its class.
    not_pooled : str
        Why there is no effect; needed when `pooled` is None, and only then.
    patient_note : str
        What is known of the step from these animals to patients.
    overrides : sequence of Override
        At most one for each domain.
    rules : CertaintyRules, optional
        Thresholds.

    Raises
    ------
    InputError
        If effect and reason are both there or both missing, an effect has no study, there are more
        studies than effects, the assessment is not of these studies, or a domain is overruled
        twice or without an effect.
    """
    rules = rules or CertaintyRules()
    where = f"question {question.question_id}"
    if (pooled is None) != bool(not_pooled.strip()):
        raise InputError(
            "either a pooled effect or the reason why there is none",
            found="both" if pooled is not None else "neither",
            where=where,
        )
    labels = sorted(one.study for one in studies)
    if assessment is not None and sorted(assessment.labels) != labels:
        odd = sorted(set(labels) ^ set(assessment.labels))
        raise InputError(
            "an assessment of the studies of the question",
            found=f"{odd[0] if odd else 'a study twice'!r} in one of them only",
            where=where,
            mend="name all studies to assess()",
        )
    chosen = _by_domain(overrides, where=where)
    if pooled is None:
        if chosen:
            raise InputError(
                "overrides where there is an effect to be certain of",
                found="nothing pooled",
                where=where,
                mend="remove the override",
            )
        judged = (judge_translation(question, patient_note=patient_note, rules=rules),)
        return CertaintyRow(
            question=question,
            pooled=None,
            not_pooled=not_pooled.strip(),
            n_studies=len(labels),
            level=None,
            downgrades=tuple(_downgrade(one, None) for one in judged),
            rules=rules,
        )
    if not 1 <= len(labels) <= pooled.k:
        raise InputError(
            f"the facts of 1 to {pooled.k} studies, not more than there are effects",
            found=str(len(labels)),
            where=where,
            mend="give one StudyFacts for each study of the pool",
        )
    downgrades = tuple(
        _downgrade(one, chosen.get(one.domain))
        for one in (
            _risk_of_bias(assessment, weights=weights, rules=rules),
            judge_inconsistency(pooled, rules=rules),
            judge_imprecision(pooled, information_size=question.information_size),
            judge_publication_bias(pooled, rules=rules),
            judge_question_indirectness(
                question, studies, weights=weights, classes=classes, rules=rules
            ),
            judge_translation(question, patient_note=patient_note, rules=rules),
        )
    )
    down = _LEVELS.index(question.start) + sum(one.levels for one in downgrades)
    return CertaintyRow(
        question=question,
        pooled=pooled,
        not_pooled="",
        n_studies=len(labels),
        level=_LEVELS[min(down, len(_LEVELS) - 1)],
        downgrades=downgrades,
        rules=rules,
    )


def _by_domain(overrides: Sequence[Override], *, where: str) -> dict[Domain, Override]:
    """Overrides by domain, each once."""
    chosen: dict[Domain, Override] = {}
    for one in overrides:
        if one.domain in chosen:
            raise InputError(
                "at most one override for each domain", found=f"{one.domain} twice", where=where
            )
        chosen[one.domain] = one
    return chosen


def _risk_of_bias(
    assessment: Assessment | None,
    *,
    weights: Mapping[str, float] | None,
    rules: CertaintyRules,
) -> Judged:
    """Risk of bias, or what an assessment that nobody made comes to."""
    if assessment is not None:
        return judge_risk_of_bias(assessment, weights=weights, rules=rules)
    return Judged(
        domain="risk_of_bias",
        status="judged",
        levels=1,
        reason="no study was assessed, so none is shown to be at low risk",
    )


def _downgrade(judged: Judged, override: Override | None) -> Downgrade:
    """What a rule and its author say."""
    return Downgrade(
        domain=judged.domain,
        status=judged.status,
        rule_levels=judged.levels,
        rule_reason=judged.reason,
        levels=judged.levels if override is None else override.levels,
        reason=judged.reason if override is None else override.reason.strip(),
        override=override,
    )


def certainty_frame(rows: Sequence[CertaintyRow]) -> pd.DataFrame:
    """The table: a row for each question, with the levels of each domain.

    Parameters
    ----------
    rows : sequence of CertaintyRow
        In the order of the table.

    Returns
    -------
    DataFrame
        Columns ``question_id tumor_type oncotree outcome n_studies k n_animals measure estimate
        lower upper pi_lower pi_upper i2 start``, one for each domain (levels down, missing where
        it was not assessable or there is no effect), ``certainty`` and ``reasons``.
    """
    import pandas as pd

    numbers = (
        "k",
        "n_animals",
        "measure",
        "estimate",
        "lower",
        "upper",
        "pi_lower",
        "pi_upper",
        "i2",
    )
    table: list[dict[str, object]] = []
    for row in rows:
        by_domain = {one.domain: one for one in row.downgrades}
        table.append(
            {
                "question_id": row.question.question_id,
                "tumor_type": row.question.tumor_type,
                "oncotree": row.question.oncotree,
                "outcome": row.question.outcome,
                "n_studies": row.n_studies,
                **{
                    name: None if row.pooled is None else getattr(row.pooled, name)
                    for name in numbers
                },
                "start": row.question.start,
                **{domain: _cell(by_domain.get(domain)) for domain in DOMAINS},
                "certainty": row.level,
                "reasons": "; ".join(
                    (row.not_pooled, *row.reasons) if row.not_pooled else row.reasons
                ),
            }
        )
    columns = [
        *("question_id", "tumor_type", "oncotree", "outcome", "n_studies"),
        *numbers,
        "start",
        *DOMAINS,
        "certainty",
        "reasons",
    ]
    whole = dict.fromkeys(("k", "n_animals", *DOMAINS), "Int64")
    return pd.DataFrame(table, columns=columns).astype(whole)


def _cell(downgrade: Downgrade | None) -> int | None:
    """Levels down; None where there is nothing that was judged."""
    if downgrade is None or (downgrade.status == "not_assessable" and downgrade.override is None):
        return None
    return downgrade.levels
