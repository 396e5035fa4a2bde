"""The real studies beside the repository, against the counts of their descriptions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.studies import Study, read_study

pytestmark = pytest.mark.realdata


def states(studies: tuple[Study, ...]) -> dict[str, int]:
    """Number of readings in each state."""
    counts: dict[str, int] = {}
    for study in studies:
        for state, n in study.measurements["volume_state"].value_counts().items():
            counts[str(state)] = counts.get(str(state), 0) + int(n)
    return counts


@pytest.mark.parametrize(
    ("name", "studies", "animals", "rows", "arms", "gone", "not_measured"),
    [
        ("synergylmm_example/grwth_data.csv", 1, 32, 352, 4, 0, 0),
        ("synergylmm_example/webapp_example.csv", 1, 20, 148, 4, 0, 0),
        ("genentech_vismodegib/growth.csv", 1, 46, 385, 10, 0, 1),
        ("genentech_gdc0084_temozolomide/growth.csv", 1, 81, 1411, 16, 0, 22),
        ("iowa_melanoma_a375/growth.csv", 1, 35, 600, 4, 217, 0),
        ("iowa_breast_rat/growth.csv", 1, 28, 336, 2, 236, 17),
        ("invivosyn_combos/LS_1034.csv", 1, 41, 233, 4, 0, 0),
        ("invivosyn_combos/SW837.csv", 1, 24, 120, 4, 0, 0),
        ("kroemer_mtx_caloric/growth.csv", 1, 54, 570, 6, 0, 570),
        ("kroemer_antibody_genotype/growth.csv", 1, 24, 223, 4, 0, 223),
        ("xeva_repdx/growth.csv", 5, 60, 818, 2, None, None),
        ("kulgap_pdx/growth.csv", 46, 1112, 18112, 49, None, None),
        ("pdxe/growth.csv", 206, 3404, 47048, 62, None, None),
    ],
)
def test_a_real_file_reads_with_the_counts_of_its_description(
    shared_data: Callable[[str], Path],
    name: str,
    studies: int,
    animals: int,
    rows: int,
    arms: int,
    gone: int | None,
    not_measured: int | None,
) -> None:
    read = read_study(shared_data(name))
    assert len(read) == studies
    assert sum(len(study.animals) for study in read) == animals
    assert sum(len(study.measurements) for study in read) == rows
    assert len({arm.name for study in read for arm in study.arms}) == arms
    found = states(read)
    assert sum(found.values()) == rows
    if gone is not None:
        assert (found.get("gone", 0), found.get("not_measured", 0)) == (gone, not_measured)


def test_calipers_and_cages_of_a_real_study(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("kroemer_mtx_caloric/growth.csv")
    (study,) = read_study(path, formula="half_l_w2")
    assert study.volume_formula == "half_l_w2"
    assert len({animal.cage for animal in study.animals}) > 1
    assert (study.changes["reason"] == "length_below_width").sum() == 276
    table = study.measurements.dropna(subset=["length_mm", "width_mm"])
    assert (table["length_mm"] >= table["width_mm"]).all()
    assert not study.area_only


@pytest.mark.parametrize(
    ("name", "animals"),
    [("kroemer_antibody_genotype/growth.csv", 24), ("kroemer_mtx_caloric/growth.csv", 54)],
)
def test_areas_of_a_real_study_stay_areas_unless_a_formula_is_named(
    shared_data: Callable[[str], Path], name: str, animals: int
) -> None:
    (study,) = read_study(shared_data(name))
    assert study.area_only
    assert study.find_baseline_day().n_animals == animals


@pytest.mark.parametrize(
    "name",
    [
        "survival_hoel_mice/survival.csv",
        "survival_mantel_rats/survival.csv",
        "tox_dose_response/vinylidene.csv",
        "meta_besson2016/dat_besson2016.csv",
        "pdxe/published_metrics.csv",
        "crc_angiogenesis/perfusion.csv",
        "kulgap_pdx/kl_null.csv",
    ],
)
def test_a_real_file_without_growth_is_one_clear_line(
    shared_data: Callable[[str], Path], name: str
) -> None:
    with pytest.raises(FileFormatError) as caught:
        read_study(shared_data(name))
    assert "\n" not in str(caught.value)


def test_a_file_of_two_hundred_studies_reads_in_a_moment(
    shared_data: Callable[[str], Path],
) -> None:
    path = shared_data("pdxe/growth.csv")
    times: list[float] = []
    for _ in range(3):
        started = time.process_time()
        read_study(path)
        times.append(time.process_time() - started)
    # 1.0 s on a quiet core of 2024; processor time of a busy one is up to twice that.
    assert min(times) < 2.0
