"""What a checklist says of every study, one word an item, and shares over the studies.

No score is made of the items: the authors of SYRCLE's tool advise against one, since it would
weigh them without a reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.errors import InputError
from oncovivo.evidence.quality.ratings import CONSENSUS, Rating
from oncovivo.evidence.quality.tools import Meaning, Tool, ToolName, tool_named

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "STANDINGS",
    "Assessment",
    "ItemShares",
    "Standing",
    "StudyAssessment",
    "assess",
    "checked_weights",
    "item_shares",
]

Standing: TypeAlias = Meaning | Literal["unresolved", "not_assessed"]
"""What is known of an item of a study: a judgement's meaning, a disagreement, or nothing."""

STANDINGS: Final[Mapping[Standing, str]] = MappingProxyType(
    {
        "good": "met",
        "partly": "partly met",
        "unclear": "unclear",
        "poor": "not met",
        "not_applicable": "not applicable",
        "unresolved": "raters disagree",
        "not_assessed": "not assessed",
    }
)
"""Every standing and its words, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAssessment:
    """The items of one study.

    Parameters
    ----------
    study : str
        Label.
    source : str or None
        Key of the reference; None when nobody rated the study.
    judgements : tuple of (str or None), one an item
        The checklist's word; None where raters disagree or nobody judged.
    standings : tuple of str, one an item
        What is known; never ``good`` without a judgement.
    """

    study: str
    source: str | None
    judgements: tuple[str | None, ...]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A checklist over studies.

    Parameters
    ----------
    tool : {"syrcle", "arrive", "camarades"}
        Checklist.
    items : tuple of str
        Item ids in the order of the checklist.
    studies : tuple of StudyAssessment
        By label.
    """

    tool: ToolName
    items: tuple[str, ...]
    studies: tuple[StudyAssessment, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The studies' labels."""
        return tuple(study.study for study in self.studies)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "tool": self.tool,
            "items": list(self.items),
            "studies": [
                {
                    "study": study.study,
                    "source": study.source,
                    "judgements": dict(zip(self.items, study.judgements, strict=True)),
                    "standings": dict(zip(self.items, study.standings, strict=True)),
                }
                for study in self.studies
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row for each study and item: ``study source tool item judgement standing``."""
        import pandas as pd

        rows = [
            (study.study, study.source, self.tool, item, judgement, standing)
            for study in self.studies
            for item, judgement, standing in zip(
                self.items, study.judgements, study.standings, strict=True
            )
        ]
        return pd.DataFrame(
            rows, columns=["study", "source", "tool", "item", "judgement", "standing"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemShares:
    """How the studies stand on one item.

    Parameters
    ----------
    item : str
        Id.
    counts : mapping
        Studies by standing, in the order of :data:`STANDINGS`; only those that occur.
    shares : mapping
        Share of the studies, or of their weight; adds up to 1.
    weighted : bool
        Whether the shares are of weight.
    """

    item: str
    counts: Mapping[Standing, int]
    shares: Mapping[Standing, float]
    weighted: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "item": self.item,
            "counts": dict(self.counts),
            "shares": dict(self.shares),
            "weighted": self.weighted,
        }


def assess(ratings: Sequence[Rating], tool: str, *, studies: Sequence[str] = ()) -> Assessment:
    """One word for each item of each study.

    A consensus row decides; else raters who agree do; raters who differ leave the item
    unresolved, and an item without a row is not assessed.

    Parameters
    ----------
    ratings : sequence of Rating
        Of any checklists.
    tool : str
        The checklist.
    studies : sequence of str, optional
        Studies that must be in the table though nobody may have rated them, as those of a pool.

    Raises
    ------
    InputError
        If there is no such checklist, or neither a rating with it nor a study.
    """
    checklist = tool_named(tool)
    own = [rating for rating in ratings if rating.tool == checklist.name]
    sources = {rating.study: rating.source for rating in own}
    labels = sorted({*sources, *studies})
    if not labels:
        raise InputError(f"at least one study rated with {checklist.name}", found="none")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for rating in own:
        found.setdefault((rating.study, rating.item), {})[rating.rater] = rating.judgement
    rows = []
    for label in labels:
        known = [_settled(found.get((label, item), {}), checklist) for item in checklist.item_ids]
        rows.append(
            StudyAssessment(
                study=label,
                source=sources.get(label),
                judgements=tuple(judgement for judgement, _ in known),
                standings=tuple(standing for _, standing in known),
            )
        )
    return Assessment(tool=checklist.name, items=checklist.item_ids, studies=tuple(rows))


def _settled(words: Mapping[str, str], checklist: Tool) -> tuple[str | None, Standing]:
    """The judgement that counts, and what is known."""
    if not words:
        return None, "not_assessed"
    agreed = {words[CONSENSUS]} if CONSENSUS in words else set(words.values())
    if len(agreed) > 1:
        return None, "unresolved"
    (judgement,) = agreed
    return judgement, checklist.judgements[judgement]


def item_shares(
    assessment: Assessment, *, weights: Mapping[str, float] | None = None
) -> tuple[ItemShares, ...]:
    """For each item, the share of studies, or of their weight, with each standing.

    Parameters
    ----------
    assessment : Assessment
        From :func:`assess`.
    weights : mapping, optional
        Weight of each study in the pool, ≥ 0, in any unit; else each study counts once.

    Raises
    ------
    InputError
        If the weights are not those of the studies, negative, not finite, or all zero.
    """
    share = checked_weights(assessment, weights)
    order: tuple[Standing, ...] = tuple(STANDINGS)
    rows = []
    for place, item in enumerate(assessment.items):
        at = [study.standings[place] for study in assessment.studies]
        present = [standing for standing in order if standing in at]
        rows.append(
            ItemShares(
                item=item,
                counts=MappingProxyType({one: at.count(one) for one in present}),
                shares=MappingProxyType(
                    {
                        one: math.fsum(
                            share[study.study]
                            for study, standing in zip(assessment.studies, at, strict=True)
                            if standing == one
                        )
                        for one in present
                    }
                ),
                weighted=weights is not None,
            )
        )
    return tuple(rows)


def checked_weights(
    assessment: Assessment, weights: Mapping[str, float] | None
) -> dict[str, float]:
    """Each study's share of the weight; equal shares without weights.

    Parameters
    ----------
    assessment : Assessment
        Whose studies.
    weights : mapping or None
        From study to weight.

    Raises
    ------
    InputError
        If the weights are not those of the studies, negative, not finite, or all zero.
    """
    labels = assessment.labels
    if weights is None:
        return dict.fromkeys(labels, 1 / len(labels))
    for label in labels:
        if label not in weights:
            raise InputError(
                "a weight for every study", found=f"none for {label!r}", mend="add its weight"
            )
    for label, weight in weights.items():
        if label not in labels:
            raise InputError(
                "weights of studies in the table",
                found=f"a weight for {label!r}",
                mend="name the study to assess() as well: it is then not assessed",
            )
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(
                "weights that are finite and not negative", found=f"{weight!r} for {label!r}"
            )
    total = math.fsum(weights.values())
    if total <= 0:
        raise InputError("at least one weight above zero", found="only zeros")
    return {label: weights[label] / total for label in labels}
