"""Studies: what was done to which animals, and what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.studies.caliper import VolumeFormula, caliper_volume
    from oncovivo.studies.columns import ColumnMapping, MappedColumn
    from oncovivo.studies.dosing import Course, Dose, Route, Treatment
    from oncovivo.studies.files import Reading
    from oncovivo.studies.frames import studies_from_frame
    from oncovivo.studies.padding import PaddingZeros, find_padding_zeros
    from oncovivo.studies.readers import read_study, read_with_mapping
    from oncovivo.studies.readings import ReadOptions
    from oncovivo.studies.regimen import Regimen, parse_regimen
    from oncovivo.studies.selection import (
        VolumeLimit,
        find_limit,
        keep_arms,
        resolve_zeros,
        select_studies,
    )
    from oncovivo.studies.study import (
        Animal,
        Arm,
        BaselineDay,
        GraftType,
        Host,
        LeavingReason,
        Role,
        Study,
        StudyTables,
        XenograftLine,
    )
    from oncovivo.studies.writers import write_study

__all__ = [
    "Animal",
    "Arm",
    "BaselineDay",
    "ColumnMapping",
    "Course",
    "Dose",
    "GraftType",
    "Host",
    "LeavingReason",
    "MappedColumn",
    "PaddingZeros",
    "ReadOptions",
    "Reading",
    "Regimen",
    "Role",
    "Route",
    "Study",
    "StudyTables",
    "Treatment",
    "VolumeFormula",
    "VolumeLimit",
    "XenograftLine",
    "caliper_volume",
    "find_limit",
    "find_padding_zeros",
    "keep_arms",
    "parse_regimen",
    "read_study",
    "read_with_mapping",
    "resolve_zeros",
    "select_studies",
    "studies_from_frame",
    "write_study",
]

import_when_used(__name__)
