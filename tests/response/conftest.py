"""Studies made of curves, for the tests of responses and tolerability."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import pytest

from oncovivo.studies import Animal, Arm, LeavingReason, Study, XenograftLine

Curve = Sequence[tuple[float, float | None]]


def _state(volume: float | None) -> str:
    if volume is None:
        return "not_measured"
    return "gone" if volume == 0 else "measured"


@pytest.fixture
def make_study() -> Callable[..., Study]:
    """A study from curves by arm; each curve is a list of (day, mm³)."""

    def make(
        arms: Mapping[str, Sequence[Curve]],
        *,
        reasons: Mapping[str, LeavingReason] | None = None,
        weights: Mapping[str, Sequence[float]] | None = None,
        baseline_day: float | None = 0,
    ) -> Study:
        rows: list[dict[str, object]] = []
        animals: list[Animal] = []
        for arm, curves in arms.items():
            for place, curve in enumerate(curves, start=1):
                name = f"{arm}{place}"
                own = (weights or {}).get(name)
                for at, (day, volume) in enumerate(curve):
                    rows.append(
                        {
                            "animal_id": name,
                            "day": float(day),
                            "length_mm": math.nan,
                            "width_mm": math.nan,
                            "depth_mm": math.nan,
                            "volume_mm3": math.nan if volume is None else float(volume),
                            "volume_state": _state(volume),
                            "body_weight_g": math.nan if own is None else own[at],
                        }
                    )
                animals.append(
                    Animal(
                        animal_id=name,
                        arm=arm,
                        end_day=float(curve[-1][0]),
                        end_reason=(reasons or {}).get(name, "unknown"),
                    )
                )
        return Study(
            study_id="made",
            title="made",
            line=XenograftLine(name="line"),
            arms=tuple(Arm(name=arm) for arm in arms),
            animals=tuple(animals),
            declared_baseline_day=baseline_day,
            table=pd.DataFrame(rows),
        )

    return make
