"""Markers of studies: the shipped trap, and studies that cannot be compared."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oncovivo.analyses.marker_engagement import (
    EngagementOptions,
    analyse_engagement,
    holds_marked_studies,
)
from oncovivo.errors import DataError, InputError

ROOT = Path(__file__).parents[2] / "examples" / "temsirolimus" / "markers"
EXAMPLE = ROOT / "phospho_s6_simulated"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "studies"))


def test_target_engaged_is_no_response() -> None:
    found = analyse_engagement(EXAMPLE, EngagementOptions())
    assert (found.control, found.treated, found.simulated) == ("vehicle", "temsirolimus", True)
    rows = {one.analysis: one for one in found.associations}
    engaged = rows["target engaged, simulated resistant line"]
    assert engaged.status == "flagged"
    assert engaged.upper is not None
    assert engaged.upper < 0.5
    slowed = rows["growth slowed, simulated resistant line"]
    assert slowed.status == "ok"
    assert slowed.lower is not None
    assert slowed.upper is not None
    assert slowed.lower < 0 < slowed.upper
    assert rows["growth slowed, simulated sensitive line"].upper is not None
    assert (rows["growth slowed, simulated sensitive line"].upper or 0) < 0
    within = rows["marker and growth, within arms of a line"]
    assert (within.n_lines, within.n_animals, within.status) == (2, 40, "flagged")
    assert [one.n_animals for one in found.associations[:4]] == [20] * 4
    assert found.to_dict()["prediction"] is None


def test_the_seed_comes_from_the_files_or_the_option() -> None:
    first, again = (analyse_engagement(EXAMPLE, EngagementOptions()) for _ in range(2))
    assert first.to_dict() == again.to_dict()
    assert analyse_engagement(EXAMPLE, EngagementOptions(seed=3)).seed == 3


def test_one_study_alone_is_analyzed() -> None:
    found = analyse_engagement(EXAMPLE / "resistant", EngagementOptions())
    assert len(found.studies) == 1
    assert holds_marked_studies(EXAMPLE)
    assert not holds_marked_studies(ROOT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"control": "z"}, "an arm of all studies, found 'z'; use one of: vehicle, temsirolimus"),
        ({"treated": "z"}, "an arm of all studies, found 'z'"),
        ({"treated": "vehicle"}, "two arms, found 'vehicle' twice"),
        ({"markers": ("z",)}, "a marker of the studies, found 'z'; use one of: phospho-S6"),
    ],
)
def test_names_that_studies_do_not_have_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        analyse_engagement(EXAMPLE, EngagementOptions(**options))


def test_markers_of_one_arm_only_are_refused_by_the_study(copied: Path) -> None:
    path = copied / "resistant" / "markers.csv"
    animals = pd.read_csv(copied / "resistant" / "animals.csv")
    kept = animals.loc[animals["arm"] == "vehicle", "animal_id"]
    frame = pd.read_csv(path)
    frame[frame["animal_id"].isin(kept)].to_csv(path, index=False)
    with pytest.raises(DataError, match=r"resistant_simulated, arm temsirolimus: .* found 0"):
        analyse_engagement(copied, EngagementOptions())


def test_a_line_twice_and_a_folder_without_markers_are_refused(copied: Path) -> None:
    shutil.copytree(copied / "resistant", copied / "again")
    with pytest.raises(InputError, match="each line once"):
        analyse_engagement(copied, EngagementOptions())
    with pytest.raises(DataError, match=r"markers: expected a study folder with study\.toml"):
        analyse_engagement(ROOT, EngagementOptions())
