"""Comparisons of regimens from files: run, as JSON, as a table, as a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.figure_files import check_figure_name, write_named_figures
from oncovivo.errors import InputError
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.schedule_file import read_schedules
from oncovivo.mechanism.schedule_plots import plot_schedules
from oncovivo.mechanism.schedules import ScheduleResult, compare_schedules
from oncovivo.provenance import InputFile, seed_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileSchedules", "ScheduleOptions", "run_schedule_file", "write_schedule_figure"]

SCHEMA = "oncovivo.schedule_result/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """What the user says beside the file.

    Parameters
    ----------
    engine : {"numpy", "adaptive", "scipy"}
        How states are integrated.
    draws : int, optional
        Draws of the uncertain numbers; else as the file says.
    seed : int, optional
        Seed; else the file's, else from its digest.
    """

    engine: Engine = "adaptive"
    draws: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.draws is not None and self.draws < 1:
            raise InputError("one draw or more", found=str(self.draws), where="--draws")

    def to_dict(self) -> dict[str, object]:
        """All options but the seed, ready for JSON."""
        return {"engine": self.engine, "draws": self.draws}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSchedules:
    """A file of schedules, what was said beside it, and what it gave."""

    source: InputFile
    options: ScheduleOptions
    result: ScheduleResult

    def to_frame(self) -> pd.DataFrame:
        """One row for each candidate and objective; one that was not simulated has one row."""
        import pandas as pd

        rows: list[dict[str, object]] = []
        for one in self.result.candidates:
            common: dict[str, object] = {
                "regimen": one.regimen,
                "on_front": one.on_front,
                "robustness": one.robustness,
                "excluded": one.excluded,
                "dosing_days": one.dosing_days,
            }
            for use, value in zip(self.result.objectives, one.values, strict=False):
                rows.append(
                    {
                        **common,
                        "objective": use.label,
                        "goal": use.goal,
                        "unit": use.unit,
                        **asdict(value),
                        "assumed_count": len(use.assumed),
                        "scaled_count": len(use.scaled),
                    }
                )
            if not one.values:
                rows.append(common)
        whole = {"assumed_count": "Int64", "scaled_count": "Int64"}
        return pd.DataFrame(rows).astype(whole)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo mechanism schedule``."""
        result = self.result
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            seed=result.seed,
            content={
                "model": {
                    "name": result.simulation,
                    "title": result.title,
                    "note": result.note,
                    "arm": result.arm,
                    "blocks": list(result.blocks),
                    "engine": result.engine,
                },
                "simulated": True,
                "assumed_count": len(result.assumed),
                "scaled_count": len(result.scaled),
                "band": "uncertainty",
                "draws": result.draws,
                "level": result.level,
                "negligible": result.negligible,
                "assumed_cv": result.assumed_cv,
                "varied": list(result.varied),
                "limits": list(result.limits),
                "body_weight_output": result.body_weight_output,
                "objectives": [
                    {
                        **asdict(use),
                        "assumed": list(use.assumed),
                        "scaled": list(use.scaled),
                        "fixed": list(use.fixed),
                    }
                    for use in result.objectives
                ],
                "untreated": [asdict(value) for value in result.untreated],
                "front": [one.regimen for one in result.front],
                "candidates": [
                    {
                        **asdict(one),
                        "doses": [asdict(dose) for dose in one.doses],
                        "values": [asdict(value) for value in one.values],
                    }
                    for one in result.candidates
                ],
            },
            warnings=tuple(
                {**asdict(warning), "animal_id": None, "rows": []} for warning in result.warnings
            ),
        )


def run_schedule_file(
    path: Path,
    *,
    options: ScheduleOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileSchedules:
    """Read a file of schedules and compare its candidates.

    Parameters
    ----------
    path : Path
        The file.
    options : ScheduleOptions, optional
        What is said beside it.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If the file or its simulation cannot be read.
    InputError
        If a dose, pattern, limit or objective does not fit.
    DataError
        If no candidate stays within the limits, or the model is stiff and the engine is not
        scipy.
    """
    options = options or ScheduleOptions()
    progress("reading")
    plan = read_schedules(path)
    if options.draws is not None:
        plan = replace(plan, draws=options.draws)
    source = input_digest(path)
    seed = options.seed
    if seed is None:
        seed = seed_of(source.sha256) if plan.seed is None else plan.seed
    result = compare_schedules(
        plan,
        rng=np.random.default_rng(seed),
        seed=seed,
        engine=options.engine,
        progress=progress,
    )
    return FileSchedules(source=source, options=options, result=result)


def write_schedule_figure(found: FileSchedules, path: Path) -> tuple[Path, ...]:
    """Draw the front, as ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If the file cannot be written.
    """
    check_figure_name(path)
    return write_named_figures(
        {path.stem: plot_schedules(found.result)}, path, title=found.result.title
    )
