"""Checks of labels: arms, animals, cohorts, and what a study says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import StudyRows

__all__ = [
    "animal_label_variants",
    "cohort_is_arm",
    "dose_in_label_only",
    "interrupted_dosing_label",
    "plain_label",
    "several_cohorts",
    "simulated_not_marked",
    "treatment_label_variants",
    "unnamed_treatment",
]

# Shorter labels (codes such as "AB" and "BA") may well be different arms.
SHORTEST_TURNED_LABEL: Final = 6

MOST_LISTED: Final = 6

_NO_NAME: Final = re.compile(
    r"treatment|treated|drug|compound|test|unknown|nan|n/?a|none|\?+|(?:group|arm|treatment)\s*\d+"
)
_STOPS: Final = re.compile(
    r"(?:stop|no)\s+treatment|treatment\s+(?:past|until|stop)|dos(?:e|ing)\s+(?:holiday|stop|break)"
    r"|(?:past|until|after)\s+day\s*\d+|interrupt|holiday|\bwashout\b",
    re.IGNORECASE,
)
_DOSE: Final = re.compile(
    r"\bdose[\s_:=-]*\d|\d\s*(?:mpk|[mµu]g(?:\b|\s*(?:/|per)\s*kg)|mg/m2|gy\b)", re.IGNORECASE
)
_SIMULATED: Final = re.compile(r"simul|synthetic|in[ _-]?silico|artificial", re.IGNORECASE)


def plain_label(label: str) -> str:
    """A label without what people write in more than one way.

    Case, separators, white space and the order of a combination's parts go; digits stay apart.

    Examples
    --------
    >>> plain_label("Drug_A + Drug B") == plain_label("DRUG-B+druga")
    True
    >>> plain_label("dose_1_10") == plain_label("dose_11_0")
    False
    """
    parts = []
    for part in re.split(r"[+&]", label.casefold()):
        spaced = " ".join(re.sub(r"[\s_\-–]+", " ", part).split())
        parts.append(re.sub(r"(?<!\d) | (?!\d)", "", spaced))
    return "+".join(sorted(parts))


def variants(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of labels that are one label written in several ways."""
    by: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        by.setdefault(_key(label), []).append(label)
    return tuple(tuple(group) for group in by.values() if len(group) > 1)


def _key(label: str) -> str:
    """What variants of a label share: also the letters of a word without digits, in any order."""
    plain = plain_label(label)
    if len(plain) >= SHORTEST_TURNED_LABEL and plain.isalpha():
        return plain[0] + "".join(sorted(plain[1:]))
    return plain


def _listed(labels: Iterable[str]) -> str:
    """Labels in quotes."""
    return ", ".join(f"'{label}'" for label in labels)


@study_check(
    "info",
    mend="state each arm's regimen in study.toml, such as 'drug A 10 mg/kg p.o. qd x21'",
)
def dose_in_label_only(rows: StudyRows) -> Iterator[Hit]:
    """Doses stand in the labels of arms only, and the schedule nowhere.

    Labels such as "dose_10" and "drug-50mpk" of arms without a regimen. Days of treatment, and
    with them the net cell kill and dosing holidays, stay unknown.
    """
    study = rows.study_object
    stated = {arm.name for arm in study.arms if arm.regimens} if study is not None else set()
    arms = [arm for arm in rows.arms if _DOSE.search(arm) and arm not in stated]
    if arms:
        more = " …" if len(arms) > MOST_LISTED else ""
        message = f"a dose and no schedule in {_listed(arms[:MOST_LISTED])}{more}"
        yield Hit(message=message, arm=arms[0] if len(arms) == 1 else None)


@study_check("warning", mend="give the arm one label, or --map the variants apart")
def treatment_label_variants(rows: StudyRows) -> Iterator[Hit]:
    """One treatment is written in several ways.

    Labels that agree once case, white space, separators and the order of a combination's parts
    are set aside ("Vehicle" and "vehicle", "A + B" and "B+A"), or that are one word with letters
    turned round ("vehcile"). White space around a label is dropped by every reader and harmless.
    Numbers are compared as they stand, so that "dose_1_10" and "dose_11_0" are two arms.
    """
    for group in variants(str(arm) for arm in rows.arm if arm):
        at = np.flatnonzero(np.isin(rows.arm, group))
        first = max(group, key=lambda label: (int((rows.arm == label).sum()), label))
        rare = [int(index) for index in at if rows.arm[index] != first]
        yield Hit(message=f"{_listed(group)} look like one arm", arm=first, at=rare)


@study_check("warning", mend="give each animal one label")
def animal_label_variants(rows: StudyRows) -> Iterator[Hit]:
    """One animal is written in several ways.

    Labels that differ by case or by white space inside only, in one arm.
    """
    by: dict[tuple[str, str], list[str]] = {}
    for name in rows.names:
        by.setdefault(("".join(name.casefold().split()), rows.arm_of[name]), []).append(name)
    for group in by.values():
        if len(group) > 1:
            at = [int(index) for name in group[1:] for index in rows.rows_of[name]]
            arm = rows.arm_of[group[0]] or None
            message = f"{_listed(group)} look like one animal"
            yield Hit(message=message, arm=arm, animal_id=group[0], at=at)


@study_check("info", mend="name the treatment, so that a table says what was given")
def unnamed_treatment(rows: StudyRows) -> Iterator[Hit]:
    """An arm's label does not say what it got.

    Labels such as "Treatment", "Unknown", "nan" and "Group 2".
    """
    for arm in rows.arms:
        if _NO_NAME.fullmatch(arm.casefold().strip()):
            yield Hit(message=f"the label '{arm}' names no treatment", arm=arm)


@study_check(
    "info", mend="state the regimen in study.toml; endpoints after the stop mean regrowth"
)
def interrupted_dosing_label(rows: StudyRows) -> Iterator[Hit]:
    """An arm's label says that dosing stopped on the way.

    Words such as "no treatment past day 63", "stop treatment", "holiday" and "washout".
    """
    for arm in rows.arms:
        if _STOPS.search(arm):
            yield Hit(message=f"the label '{arm}' speaks of a stop of dosing", arm=arm)


@study_check("info", mend="compare arms within cohorts, or show the cohort in figures")
def several_cohorts(rows: StudyRows) -> Iterator[Hit]:
    """The animals were treated in several cohorts or batches.

    Looks at a column ``cohort``; cohorts may grow differently.
    """
    cohorts = sorted({str(cohort) for cohort in rows.cohort if cohort})
    if len(cohorts) > 1:
        yield Hit(message=f"{len(cohorts)} cohorts: {', '.join(cohorts[:8])}")


@study_check("warning", mend="do not compare these arms as if only the treatment differed")
def cohort_is_arm(rows: StudyRows) -> Iterator[Hit]:
    """Each cohort holds a single arm, so that cohort and treatment cannot be told apart.

    Looks at a column ``cohort`` with two or more values, none of which has animals of two arms.
    """
    by: dict[str, set[str]] = {}
    for cohort, arm in zip(rows.cohort, rows.arm, strict=True):
        if cohort and arm:
            by.setdefault(str(cohort), set()).add(str(arm))
    arms = {arm for found in by.values() for arm in found}
    if len(by) > 1 and len(arms) > 1 and all(len(found) == 1 for found in by.values()):
        yield Hit(message=f"each of {len(by)} cohorts holds a single arm")


@study_check(
    "warning", mend="set simulated = true in study.toml; everything shown will then say so"
)
def simulated_not_marked(rows: StudyRows) -> Iterator[Hit]:
    """The study's labels speak of a simulation, but it is not marked as simulated.

    Looks for "simulated", "synthetic", "in silico" and "artificial" in the labels of study and
    line and in the title. Numbers alone do not give a simulation away.
    """
    if not rows.simulated and (found := _SIMULATED.search(rows.wording)):
        word = next(w for w in rows.wording.split() if found.group() in w)
        yield Hit(message=f"'{word}' names a simulation; the study counts as a real one")
