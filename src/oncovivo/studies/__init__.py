"""Studies: what was done to which animals, and what was measured."""

from __future__ import annotations

from oncovivo.studies.dosing import Course, Dose, Route, Treatment
from oncovivo.studies.readers import read_study
from oncovivo.studies.regimen import Regimen, parse_regimen
from oncovivo.studies.study import (
    Animal,
    Arm,
    BaselineDay,
    GraftType,
    Host,
    LeavingReason,
    Role,
    Study,
    XenograftLine,
)

__all__ = [
    "Animal",
    "Arm",
    "BaselineDay",
    "Course",
    "Dose",
    "GraftType",
    "Host",
    "LeavingReason",
    "Regimen",
    "Role",
    "Route",
    "Study",
    "Treatment",
    "XenograftLine",
    "parse_regimen",
    "read_study",
]
