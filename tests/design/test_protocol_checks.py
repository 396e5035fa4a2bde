"""Files of a design that do not fit together are found, each by its code, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import get_args

import pytest

from oncovivo.analyses.design_protocol import ProtocolResult, build_protocol_file
from oncovivo.design.protocol import FindingCode

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"
FILES = """
[protocol]
title = "Checked"

[files]
allocation = "allocation_combination.toml"
doses = "doses.toml"
schedule = "schedule.toml"
endpoints = "endpoints.toml"
power = "power.toml"

[[arm]]
name = "vehicle"

[[arm]]
name = "temsirolimus"

[[arm]]
name = "perifosine"

[[arm]]
name = "both"
allocation = "temsirolimus + perifosine"
power = "temsirolimus + perifosine"
doses = "combination"
schedule = "combination"
"""
Build = Callable[..., ProtocolResult]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """The protocol of a design that fits together, but for what is changed in it."""
    folder = tmp_path / "protocol"
    copytree(EXAMPLE, folder)

    def changed(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, (name, old)
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def make(*changes: tuple[str, str, str]) -> ProtocolResult:
        (folder / "protocol.toml").write_text(FILES, encoding="utf-8")
        power = (folder / "power.toml").read_text(encoding="utf-8")
        days = "days = [0, 3, 7, 10, 14, 17, 18, 21, 23, 25, 28]"
        power = re.sub(r"(?m)^days = .*$", days, power)
        power = re.sub(r"(?m)^replicates = .*$", "replicates = 5", power)
        (folder / "power.toml").write_text(power, encoding="utf-8")
        # 3 days at 0.08 per day: a factor of 1.27, and 1500 / 1150 is 1.30.
        changed("endpoints.toml", "limit = 1200", "limit = 1150")
        for change in changes:
            changed(*change)
        return build_protocol_file(folder / "protocol.toml").result

    return make


def test_a_design_that_fits_together_has_no_finding(build: Build) -> None:
    result = build()
    assert result.findings == ()
    assert [arm.name for arm in result.arms] == ["vehicle", "temsirolimus", "perifosine", "both"]
    assert [arm.needed for arm in result.arms] == [10, 10, 10, 10]
    assert result.arms[3].regimen == (
        "perifosine 30 mg/kg p.o. 5/2 x4 wk + temsirolimus 20 mg/kg i.v. qw x4"
    )
    assert not result.is_ready


@pytest.mark.parametrize(
    ("change", "code", "severity", "message"),
    [
        (
            ("protocol.toml", 'doses = "combination"\n', ""),
            "arms_differ",
            "error",
            "doses.toml has 'combination' and lacks 'both'; the arms of the protocol are "
            "'vehicle', 'temsirolimus', 'perifosine', 'both'",
        ),
        (
            ("allocation_combination.toml", 'control = "vehicle"', 'control = "perifosine"'),
            "control_differs",
            "error",
            "the control is 'perifosine' in the allocation and 'vehicle', the first arm,",
        ),
        (
            ("allocation_combination.toml", "size = 10", "size = 9"),
            "too_few_animals",
            "error",
            "counts on: 'vehicle' 9 of 10",
        ),
        (
            (
                "doses.toml",
                "perifosine 30 mg/kg p.o. 5/2 x4 wk",
                "perifosine 30 mg/kg p.o. qd x21",
            ),
            "regimen_differs",
            "error",
            "'perifosine' gets perifosine 30 mg/kg p.o. qd x21 in the doses and perifosine "
            "30 mg/kg p.o. 5/2 x4 wk in the calendar",
        ),
        (
            ("doses.toml", "concentration_mg_per_ml = 5.0", "concentration_mg_per_ml = 3.9"),
            "volume_over_ceiling",
            "error",
            "temsirolimus of 'temsirolimus' takes 5.12821 mL/kg, more than 5 mL/kg",
        ),
        (
            ("doses.toml", "max_weight_age = 3", "max_weight_age = 1"),
            "weight_too_old",
            "error",
            "on day 2 'perifosine' is dosed by a weight that is 2 days old; 1 are allowed",
        ),
        (
            ("power.toml", "17, 18, 21", "17, 18, 19, 21"),
            "readings_differ",
            "error",
            "assumes 12 readings up to day 28",
        ),
        (
            ("power.toml", "17, 18, 21", "17, 21"),
            "readings_differ",
            "warning",
            "assumes 10 readings up to day 28 (0, 3, 7, 10, 14, 17, 21, 23, 25, 28), the calendar "
            "has 11 up to day 28",
        ),
        (
            ("power.toml", "size_limit_mm3 = 1500", "size_limit_mm3 = 2000"),
            "volume_limit_differs",
            "error",
            "animals leave at 1500 mm³ by the humane endpoints and at 2000 mm³ in the power",
        ),
        (
            ("power.toml", "size_limit_mm3 = 1500", ""),
            "volume_limit_differs",
            "error",
            "and at no volume in the power calculation",
        ),
        (
            (
                "endpoints.toml",
                '[[rule]]\nname = "ulcer"\nquantity = "ulcer_grade"\nlimit = 2\n',
                "",
            ),
            "rule_missing",
            "error",
            "no humane endpoint limits ulceration (ulcer_grade)",
        ),
        (
            (
                "endpoints.toml",
                '"body_condition"\nlimit = 2',
                '"body_condition"\nlimit = 2\naction = "watch"',
            ),
            "rule_missing",
            "error",
            "no humane endpoint limits body condition",
        ),
        (
            ("endpoints.toml", "limit = 1150", "limit = 1200"),
            "grows_past_the_watch",
            "warning",
            "from 1200 to 1500 mm³ in 2.8 days, and readings near the limit are up to 3 days",
        ),
        (
            ("allocation_combination.toml", "volume_mm3 = [100, 200]", "volume_mm3 = [100, 1500]"),
            "eligible_at_limit",
            "error",
            "tumors of up to 1500 mm³ are eligible, and 1500 mm³ is the humane endpoint",
        ),
        (
            ("power.toml", "mean_mm3 = 150", "mean_mm3 = 99"),
            "start_differs",
            "error",
            "tumors of 100 to 200 mm³ are eligible, and the power calculation starts at 99 mm³",
        ),
        (
            ("power.toml", 'source = "assumed for the example, from no study"', ""),
            "power_without_source",
            "warning",
            "does not say where its numbers are from",
        ),
    ],
)
def test_a_change_is_found(
    build: Build, change: tuple[str, str, str], code: str, severity: str, message: str
) -> None:
    (finding,) = build(change).findings
    assert (finding.code, finding.severity) == (code, severity)
    assert message in finding.message


def test_a_watch_without_closer_readings_is_found(build: Build) -> None:
    closer = 'closer_weekdays = ["Mon", "Wed", "Fri"]\ncloser_from = 18\n'
    days = ("power.toml", "14, 17, 18, 21, 23, 25, 28", "14, 17, 21, 24, 28")
    findings = build(("schedule.toml", closer, ""), days).findings
    assert [finding.code for finding in findings] == ["no_closer_readings", "grows_past_the_watch"]
    assert "from 1150 mm³ on it is looked more often" in findings[0].message
    # Thursday to Monday, where nothing brings readings closer.
    assert "up to 4 days apart" in findings[1].message


def test_every_kind_of_finding_is_made_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [code for code in get_args(FindingCode) if f'"{code}"' not in text] == []


def test_a_dose_at_its_ceiling_is_none_too_many(build: Build) -> None:
    # 20 mg/kg at 4 mg/mL is 5 mL/kg, the ceiling of an intravenous bolus.
    change = ("doses.toml", "concentration_mg_per_ml = 5.0", "concentration_mg_per_ml = 4.0")
    result = build(change)
    assert result.findings == ()
    assert result.doses[0].ml_per_kg == result.doses[0].ceiling_ml_per_kg == 5


def test_animals_at_the_number_needed_are_enough(build: Build) -> None:
    result = build(("allocation_combination.toml", "size = 10", "size = 11"))
    assert result.findings == ()
    assert [arm.animals for arm in result.arms] == [11, 10, 10, 10]


def test_files_that_are_not_named_contradict_nothing(tmp_path: Path) -> None:
    path = tmp_path / "protocol.toml"
    path.write_text('[protocol]\ntitle = "Empty"\n', encoding="utf-8")
    result = build_protocol_file(path).result
    assert (result.findings, result.arms, result.doses, result.power) == ((), (), (), ())
    assert [file.name for file in result.inputs] == ["protocol.toml"]


def test_whole_cages_are_counted_as_cages(build: Build) -> None:
    text = (EXAMPLE / "allocation_combination.toml").read_text(encoding="utf-8")
    cages = [("allocation_combination.toml", "size = 10", f"cages = {n}") for n in (2, 3, 3, 4)]
    assert text.count("size = 10") == len(cages)
    method = ("allocation_combination.toml", 'method = "restricted"', 'method = "cage"')
    result = build(method, *cages)
    said = {one.item_id: one.text for one in result.statements}
    assert said["randomization.numbers"] == (
        "Whole cages: vehicle 2, temsirolimus 3, perifosine 3, temsirolimus + perifosine 4."
    )
    assert said["randomization.unit"].startswith("The cage")
    assert {arm.animals for arm in result.arms} == {None}
