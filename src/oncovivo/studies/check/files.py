"""Checks of a file as a whole: its studies, its columns, and whether a reader takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from oncovivo.studies.check.animals import shared_runs
from oncovivo.studies.check.labels import variants
from oncovivo.studies.check.model import Hit, file_check
from oncovivo.studies.check.rows import Curve, FileRows
from oncovivo.studies.check.wording import counted

__all__ = [
    "columns_not_read",
    "curves_in_two_studies",
    "labels_differ_between_studies",
    "reader_refuses",
    "several_studies",
]

MOST_LISTED = 12


@file_check("info", mend="choose one with --study and --line, or analyze all of them")
def several_studies(file: FileRows) -> Iterator[Hit]:
    """The file holds several studies or several lines."""
    if len(file.studies) > 1:
        yield Hit(message=f"{len(file.studies)} studies and lines in one file")


@file_check("info", mend="--map a column to its canonical name if it should be read")
def columns_not_read(file: FileRows) -> Iterator[Hit]:
    """Columns of the file are used by no reader."""
    if file.unread:
        more = " …" if len(file.unread) > MOST_LISTED else ""
        yield Hit(message=f"columns not read: {', '.join(file.unread[:MOST_LISTED])}{more}")


@file_check(
    "info", mend="give one treatment one label in all studies, so that a panel can join them"
)
def labels_differ_between_studies(file: FileRows) -> Iterator[Hit]:
    """A treatment is written differently in different studies of the file.

    As ``treatment_label_variants``, across studies.
    """
    for group in variants(arm for rows in file.studies for arm in rows.arms):
        within = any(len(set(group) & set(rows.arms)) > 1 for rows in file.studies)
        if not within:
            listed = ", ".join(f"'{label}'" for label in group)
            yield Hit(message=f"{listed} look like one treatment")


@file_check("warning", mend="do not pool these studies: they share animals")
def curves_in_two_studies(file: FileRows) -> Iterator[Hit]:
    """The same readings stand in two studies.

    As ``duplicate_curves``, across studies.
    """
    curves: dict[tuple[str, ...], Curve] = {
        (rows.study, name): curve for rows in file.studies for name, curve in rows.curves.items()
    }
    shared = Counter(
        (one[0], other[0]) for one, other in shared_runs(curves) if one[0] != other[0]
    )
    for (one, other), n in shared.items():
        message = (
            f"{counted(n, 'pair')} of animals in '{one}' and '{other}' with the same readings"
        )
        yield Hit(message=message)


@file_check("error", mend="correct what is named")
def reader_refuses(file: FileRows) -> Iterator[Hit]:
    """No study can be made of the file, for a reason that no other check has named."""
    if file.refusal:
        yield Hit(message=file.refusal)
