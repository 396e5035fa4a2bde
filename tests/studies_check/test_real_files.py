"""What the sources of the real files warn of is found by a check, and little else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from oncovivo.errors import FileFormatError
from oncovivo.studies import read_study
from oncovivo.studies.check import CheckReport, check_file, check_study

pytestmark = pytest.mark.realdata

SharedData = Callable[[str], Path]

# File -> codes that catch what its PROVENANCE.md lists under "Quirks" (the quirk in brackets).
QUIRKS = {
    "genentech_gdc0084_temozolomide/growth.csv": {
        "missing_volume",  # 22 missing volumes
        "missing_body_weight",  # 1 missing body weight
        "leaves_at_large_volume",  # removed on size
        "leaves_without_reason",  # the source gives no reasons
        "uneven_follow_up",  # follow-up differs
        "several_cohorts",  # a column of cohorts
        "floor_value",  # not listed: 16 mm³ stands for whatever is smaller
    },
    "genentech_vismodegib/growth.csv": {
        "missing_volume",  # 1 missing volume
        "few_animals",  # groups of 3 to 8 mice
        "dose_in_label_only",  # the dosing schedule is not in the source
        "several_cohorts",
    },
    "invivosyn_combos/LS_1034.csv": {
        "first_day_not_zero",  # baseline is day -1
        "arm_stops_at_once",  # vehicle mice end early
        "uneven_follow_up",
    },
    "invivosyn_combos/SW837.csv": {"first_day_not_zero"},  # baseline is day -1
    "iowa_breast_rat/growth.csv": {
        "zeros_before_tumor",  # zero means no tumor yet
        "several_cohorts",  # two cohorts
        "duplicate_curves",  # not listed: animals 3 and 7 have the same volumes
    },
    "iowa_melanoma_a375/growth.csv": {
        "true_zeros",  # sustained complete regressions, some with regrowth
        "irregular_visits",  # days differ
        "leaves_at_large_volume",  # control animals leave on size
        "fewer_than_half_remain",
    },
    "kroemer_antibody_genotype/growth.csv": {
        "area_not_volume",  # tumor size, looks like length x width
        "true_zeros",  # rejected tumors stay 0
        "leaves_at_large_volume",  # animals leave when large
        "no_control_arm",  # isotype in two genotypes: which one is the control?
    },
    "kroemer_mtx_caloric/growth.csv": {
        "area_not_volume",  # no volume in the source
        "length_below_width",  # the columns are swapped from day 21 on
        "cage_is_arm",  # cage and arm are confounded
    },
    "kulgap_pdx/growth.csv": {
        "padding_zeros",  # padded to a common grid
        "dosing_starts_later",  # drug_start_day on the same clock
        "several_studies",  # several models
        "labels_differ_between_studies",  # labels of the source
    },
    "pdxe/growth.csv": {
        "missing_body_weight",  # 95 rows lack body weight
        "missing_baseline",  # 7 curves do not start at day 0
        "one_animal_per_arm",  # one mouse per model and treatment
        "no_control_arm",  # 48 lines have no untreated arm
        "impossible_body_weight",  # −0.1 g
        "dose_in_label_only",  # doses appear only inside labels
    },
    "synergylmm_example/grwth_data.csv": {"simulated_not_marked", "unrounded_volumes"},
    "synergylmm_example/webapp_example.csv": {
        "leaves_without_reason",  # animals stop early
        "volume_jumps",
    },
    "xeva_repdx/growth.csv": {
        "unnamed_treatment",  # the drug is not named
        "several_studies",  # five batches
        "irregular_visits",  # irregular days
        "leaves_without_reason",  # animals stop at different days
        "uneven_follow_up",
    },
}

# Most errors and warnings in a study that is as good as real ones are. A panel is counted by line.
MOST_ALARMS = {
    "genentech_gdc0084_temozolomide/growth.csv": 5,
    "genentech_vismodegib/growth.csv": 4,
    "invivosyn_combos/LS_1034.csv": 10,
    "invivosyn_combos/SW837.csv": 0,
    "iowa_breast_rat/growth.csv": 13,
    "iowa_melanoma_a375/growth.csv": 1,
    "kroemer_antibody_genotype/growth.csv": 8,
    "kroemer_mtx_caloric/growth.csv": 4,
    "synergylmm_example/grwth_data.csv": 1,
    "synergylmm_example/webapp_example.csv": 1,
    "xeva_repdx/growth.csv": 3,
}

NO_GROWTH = (
    "crc_angiogenesis/perfusion.csv",
    "crc_angiogenesis/microvessel_density.csv",
    "kulgap_pdx/kl_null.csv",
    "meta_besson2016/dat_besson2016.csv",
    "meta_modular_cart/body_weight.csv",
    "meta_modular_cart/study_characteristics.csv",
    "meta_modular_cart/tumor_volume.csv",
    "pdxe/breast_cnv.csv",
    "pdxe/drugs.csv",
    "pdxe/published_metrics.csv",
    "survival_hoel_mice/survival.csv",
    "survival_mantel_rats/survival.csv",
    "tox_dose_response/aflatoxin.csv",
    "tox_dose_response/vinylidene.csv",
)


@cache
def report_of(path: Path) -> CheckReport:
    """The report of a file, made once for all tests."""
    return check_file(path)


def codes(report: CheckReport) -> Counter[str]:
    return Counter(finding.code for finding in report.all_findings)


@pytest.mark.parametrize("file", sorted(QUIRKS))
def test_the_quirks_of_a_file_are_found(shared_data: SharedData, file: str) -> None:
    assert QUIRKS[file] - set(codes(report_of(shared_data(file)))) == set()


@pytest.mark.parametrize("file", sorted(MOST_ALARMS))
def test_a_good_file_does_not_drown_in_alarms(shared_data: SharedData, file: str) -> None:
    report = report_of(shared_data(file))
    alarms = [f.code for f in report.all_findings if f.severity != "info"]
    assert len(alarms) <= MOST_ALARMS[file], Counter(alarms)
    assert report.count("error") == 0


@pytest.mark.parametrize("file", NO_GROWTH)
def test_a_table_of_something_else_is_refused_in_one_line(
    shared_data: SharedData, file: str
) -> None:
    with pytest.raises(FileFormatError, match=r"^[^\n]+$"):
        check_file(shared_data(file))


@pytest.mark.parametrize(
    "file", sorted(set(QUIRKS) - {"kulgap_pdx/growth.csv", "pdxe/growth.csv"})
)
def test_a_study_in_memory_is_judged_as_its_file(shared_data: SharedData, file: str) -> None:
    by_file = report_of(shared_data(file)).studies
    in_memory = [check_study(study) for study in read_study(shared_data(file))]
    # What only the file says: columns that no reader takes.
    only_file = {"several_cohorts", "cohort_is_arm", "dosing_starts_later", "one_diameter"}
    for one, other in zip(by_file, in_memory, strict=True):
        assert (one.study, one.line, one.arms) == (other.study, other.line, other.arms)
        told = [(f.code, f.message) for f in one.findings if f.code not in only_file]
        assert told == [(f.code, f.message) for f in other.findings if f.code not in only_file]


def test_padding_is_found_where_the_source_was_padded(shared_data: SharedData) -> None:
    path = shared_data("kulgap_pdx/growth.csv")
    report = report_of(path)
    found = {row for f in report.all_findings if f.code == "padding_zeros" for row in f.rows}
    table = pd.read_csv(path)
    padded = {int(index) + 2 for index in table.index[table["trailing_zero"] == 1]}
    assert len(found & padded) / len(padded) > 0.97
    assert len(found - padded) == 0


def test_no_true_response_is_called_padding(shared_data: SharedData) -> None:
    for file in sorted(set(QUIRKS) - {"kulgap_pdx/growth.csv"}):
        assert "padding_zeros" not in codes(report_of(shared_data(file))), file


def test_the_panel_of_206_lines_is_told_line_by_line(shared_data: SharedData) -> None:
    report = report_of(shared_data("pdxe/growth.csv"))
    n = codes(report)
    assert len(report.studies) == 206
    assert n["missing_baseline"] == 7
    assert n["no_control_arm"] == 48
    assert n["single_reading"] == 1
    # 3,398 curves: alarms about single animals stay below 3 %.
    alarms = sum(f.severity != "info" and f.animal_id is not None for f in report.all_findings)
    assert alarms < 0.03 * 3398
    weights = [f for f in report.all_findings if f.code == "impossible_body_weight"]
    table = pd.read_csv(shared_data("pdxe/growth.csv"))
    for finding in weights:
        for row in finding.rows:
            weight = table["body_weight_g"][row - 2]
            assert weight <= 0 or weight > 60
    assert sum(len(f.rows) for f in weights) == int(
        ((table["body_weight_g"] <= 0) | (table["body_weight_g"] > 60)).sum()
    )


def test_two_mice_under_one_name_are_told_by_their_days(
    shared_data: SharedData, tmp_path: Path
) -> None:
    """The source of the panel listed several untreated mice one after another."""
    table = pd.read_csv(shared_data("pdxe/growth.csv"), dtype=str, keep_default_na=False)
    several = table[table["animal_id"].str.endswith("|2")]["model"].unique()
    part = table[table["model"].isin(several)].copy()
    part["animal_id"] = part["animal_id"].str.rsplit("|", n=1).str[0]
    part.to_csv(tmp_path / "growth.csv", index=False)
    found = codes(check_file(tmp_path / "growth.csv"))
    assert found["time_goes_backwards"] == len(several)
    assert found["duplicate_animal_day"]


def test_the_same_mice_in_two_sources_are_told(shared_data: SharedData, tmp_path: Path) -> None:
    """Three models of one source are batches of the other."""
    kulgap = pd.read_csv(shared_data("kulgap_pdx/growth.csv"), dtype=str, keep_default_na=False)
    repdx = pd.read_csv(shared_data("xeva_repdx/growth.csv"), dtype=str, keep_default_na=False)
    kulgap = kulgap[kulgap["model"].isin(["P50", "P54", "P58"])]
    columns = ["study", "model", "tumor_type", "animal_id", "treatment", "day", "volume_mm3"]
    both = pd.concat([kulgap[columns], repdx[columns]])
    both.to_csv(tmp_path / "both.csv", index=False)
    report = check_file(tmp_path / "both.csv")
    pairs = [f.message for f in report.findings if f.code == "curves_in_two_studies"]
    assert len(pairs) == 3
