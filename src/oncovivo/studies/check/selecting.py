"""Which of a file's rows the checks look at: the studies, lines and arms that are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oncovivo.errors import InputError
from oncovivo.studies.check.model import CheckOptions
from oncovivo.studies.check.rows import StudyRows

__all__ = ["select_rows"]


def select_rows(
    studies: tuple[StudyRows, ...], options: CheckOptions, file: str
) -> tuple[StudyRows, ...]:
    """Studies and arms that the options ask for."""
    for what, wanted, have in (
        ("study", options.study, [s.study for s in studies]),
        ("line", options.line, [s.line for s in studies]),
    ):
        plain = [label.split("/", maxsplit=1)[0] for label in have] if what == "study" else []
        if wanted is not None and wanted not in (*have, *plain):
            shown = ", ".join(list(dict.fromkeys(have))[:8])
            raise InputError(f"a {what} of the file: {shown}", found=repr(wanted), where=file)
    chosen = [
        rows
        for rows in studies
        if options.study in (None, rows.study, rows.study.removesuffix(f"/{rows.line}"))
        and options.line in (None, rows.line)
    ]
    if not options.arms:
        return tuple(chosen)
    known = {arm for rows in chosen for arm in rows.arms}
    for arm in options.arms:
        if arm not in known:
            shown = ", ".join(sorted(known)[:8])
            raise InputError(f"an arm of the file: {shown}", found=repr(arm), where=file)
    kept = (_with_arms(rows, options.arms) for rows in chosen)
    return tuple(rows for rows in kept if rows.n)


def _with_arms(rows: StudyRows, arms: tuple[str, ...]) -> StudyRows:
    """The rows of some arms."""
    keep = np.flatnonzero(np.isin(rows.arm, arms))
    place = {int(old): new for new, old in enumerate(keep)}
    arrays = {
        name: getattr(rows, name)[keep]
        for name in (
            "animal",
            "arm",
            "cage",
            "cohort",
            "day",
            "size",
            "state",
            "length",
            "width",
            "depth",
            "weight",
            "dosing_start",
            "position",
        )
    }
    return replace(
        rows,
        **arrays,
        row=None if rows.row is None else rows.row[keep],
        bad_cells=tuple(
            replace(cell, index=place[cell.index])
            for cell in rows.bad_cells
            if cell.index in place
        ),
        study_object=None,
    )
