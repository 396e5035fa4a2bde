"""A study written into a folder reads back as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies import (
    Animal,
    Arm,
    Host,
    Study,
    StudyTables,
    XenograftLine,
    parse_regimen,
    read_study,
    resolve_zeros,
    write_study,
)
from oncovivo.studies.leaving import exclude_animals
from oncovivo.tables import MEASUREMENT_COLUMNS

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8
).filter(lambda text: text not in ("", "NA") and text.strip() == text)
SENTENCES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=20
).filter(lambda text: not any(c in "\ufffe\uffff" for c in text))
POSITIVE = st.floats(1e-6, 9e3, allow_subnormal=False)
DAYS = st.floats(-1e4, 1e4, allow_subnormal=False).map(lambda day: day + 0.0)
REGIMENS = st.sampled_from(
    ["temsirolimus 2 mg/kg i.v. qd x21", "drug 20 mg/kg p.o. 5/2 x4 wk", "vehicle i.v. q3dx4"]
).map(parse_regimen)


def assert_same(study: Study, other: Study) -> None:
    """Every part is equal."""
    for part in fields(Study):
        if part.name not in ("_table", "tables", "exclusions"):
            assert getattr(study, part.name) == getattr(other, part.name), part.name
    pd.testing.assert_frame_equal(study.measurements, other.measurements, check_exact=True)
    for name in ("doses", "events", "markers", "changes"):
        one, two = getattr(study, name), getattr(other, name)
        assert len(one) == len(two)
        if len(one):
            pd.testing.assert_frame_equal(one, two, check_exact=True)


def assert_lossless(study: Study, folder: Path) -> None:
    """Written and read back, the study is the same; written again, so are the files."""
    files = write_study(study, folder, overwrite=True)
    content = {file.name: file.read_bytes() for file in files}
    (again,) = read_study(folder)
    assert_same(study, again)
    write_study(again, folder, overwrite=True)
    assert {file.name: file.read_bytes() for file in files} == content


@st.composite
def reading(draw: st.DrawFn) -> dict[str, object]:
    """One row of measurements but its animal and day."""
    state = draw(st.sampled_from(["measured", "not_measured", "gone", "below_limit"]))
    volume = {"gone": 0.0, "not_measured": np.nan}.get(state)
    optional = st.none() | POSITIVE
    length, width = draw(optional), draw(optional)
    if length is not None and width is not None and length < width:
        length, width = width, length
    return {
        "length_mm": length,
        "width_mm": width,
        "depth_mm": draw(optional),
        "area_mm2": draw(st.none() | st.just(0.0) | POSITIVE),
        "volume_mm3": draw(POSITIVE) if volume is None else volume,
        "volume_state": state,
        "body_weight_g": draw(optional),
    }


@st.composite
def studies(draw: st.DrawFn) -> Callable[[], Study]:
    """What makes any study."""
    arms = draw(
        st.lists(
            st.builds(
                Arm,
                name=NAMES,
                role=st.sampled_from(["vehicle", "monotherapy", "not_stated"]),
                regimens=st.lists(REGIMENS, max_size=2).map(tuple),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda arm: arm.name.casefold(),
        )
    )
    animals = draw(
        st.lists(
            st.builds(
                Animal,
                animal_id=NAMES,
                arm=st.sampled_from([arm.name for arm in arms]),
                cage=st.none() | NAMES,
                baseline_day=st.none() | DAYS,
                end_day=DAYS,
                end_reason=st.sampled_from(["scheduled", "ulceration", "unknown"]),
            ),
            min_size=1,
            max_size=4,
            unique_by=lambda animal: animal.animal_id,
        )
    )
    ids = st.sampled_from([animal.animal_id for animal in animals])
    keys = draw(st.lists(st.tuples(ids, DAYS), max_size=8, unique=True))
    rows = [{"animal_id": name, "day": day, **draw(reading())} for name, day in keys]
    table = pd.DataFrame(rows, columns=list(MEASUREMENT_COLUMNS))
    numbers = [c for c in MEASUREMENT_COLUMNS if c not in ("animal_id", "volume_state")]
    table = table.astype(dict.fromkeys(numbers, float))
    events = draw(st.lists(st.tuples(ids, DAYS, NAMES, st.just("") | NAMES), max_size=3))
    doses = draw(st.lists(st.tuples(ids, DAYS, NAMES, POSITIVE, st.just("i.v.")), max_size=3))
    optional = st.none() | SENTENCES
    return partial(
        Study,
        study_id=draw(SENTENCES),
        title=draw(SENTENCES),
        source=draw(optional),
        licence=draw(optional),
        simulated=draw(st.booleans()),
        line=XenograftLine(name=draw(SENTENCES), tumor_type=draw(optional), site=draw(optional)),
        host=Host(strain=draw(optional)),
        arms=tuple(arms),
        animals=tuple(animals),
        declared_baseline_day=draw(st.none() | DAYS),
        limit_mm3=draw(st.none() | POSITIVE),
        zeros=draw(st.sampled_from([None, "gone", "missing"])),
        volume_formula=draw(st.sampled_from([None, "pi_6_l_w2"])),
        tables=StudyTables(
            doses=pd.DataFrame(
                doses, columns=["animal_id", "day", "compound", "dose_mg_per_kg", "route"]
            ),
            events=pd.DataFrame(events, columns=["animal_id", "day", "event", "detail"]),
        ),
        table=table,
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(make=studies())
def test_any_study_reads_back_as_it_was(make: Callable[[], Study], tmp_path: Path) -> None:
    study = make()
    write_study(study, tmp_path, overwrite=True)
    (again,) = read_study(tmp_path)
    # What reading remarks on the file is added to the notes.
    assert_same(study, replace(again, notes=study.notes, table=again.measurements))
    assert_lossless(again, tmp_path)


def example() -> Study:
    """A study with every table."""
    frame = pd.DataFrame(
        {
            "animal_id": ["a", "a", "b", "b"],
            "treatment": ["v", "v", "d", "d"],
            "day": [0, 7, 0, 7],
            "length_mm": [6.0, 9.0, 7.0, 0.0],
            "width_mm": [8.0, 7.0, 6.0, 0.0],
        }
    )
    study = Study.from_frame(frame)
    return replace(
        study,
        tables=StudyTables(
            doses=pd.DataFrame(
                [("a", 0.0, "x", 2.5, "i.v.")],
                columns=["animal_id", "day", "compound", "dose_mg_per_kg", "route"],
            ),
            events=pd.DataFrame(
                [("b", 3.5, "dosing holiday", "weight")],
                columns=["animal_id", "day", "event", "detail"],
            ),
            markers=pd.DataFrame(
                [("b", 3.0, "pS6", 0.4, "", "western blot", "tumor")],
                columns=["animal_id", "day", "analyte", "value", "unit", "assay", "compartment"],
            ),
            changes=study.changes,
        ),
        table=study.measurements,
    )


def test_a_study_with_every_table_reads_back_as_it_was(tmp_path: Path) -> None:
    study = example()
    files = write_study(study, tmp_path / "new" / "s")
    assert [file.name for file in files] == [
        "study.toml",
        "measurements.csv",
        "animals.csv",
        "doses.csv",
        "events.csv",
        "markers.csv",
        "changes.csv",
    ]
    assert_lossless(study, tmp_path / "new" / "s")
    assert study.changes["reason"].tolist() == ["length_below_width"]


def test_excluded_animals_keep_their_rows_and_their_reason(tmp_path: Path) -> None:
    study = exclude_animals(example(), ["b"], "no tumor took")
    write_study(study, tmp_path)
    (again,) = read_study(tmp_path)
    assert [animal.animal_id for animal in again.animals] == ["a"]
    (one,), (two,) = study.exclusions, again.exclusions
    assert (one.animal, one.reason) == (two.animal, two.reason)
    pd.testing.assert_frame_equal(one.measurements, two.measurements, check_exact=True)
    assert len(two.tables.get("events")) == 1


def test_a_choice_about_zeros_and_its_log_are_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "animal_id": ["a", "a", "b", "b"],
            "arm": ["v", "v", "d", "d"],
            "day": [0, 7, 0, 7],
            "volume_mm3": [100.0, 0.0, 100.0, 0.0],
        }
    )
    study = resolve_zeros(Study.from_frame(frame), "missing")
    write_study(study, tmp_path)
    (again,) = read_study(tmp_path)
    assert again.zeros == "missing"
    assert len(again.changes) == 2
    assert_lossless(again, tmp_path)


def test_a_folder_that_holds_a_study_is_not_overwritten_unasked(tmp_path: Path) -> None:
    write_study(example(), tmp_path)
    with pytest.raises(InputError, match=r"a folder without a study, found study.toml there"):
        write_study(example(), tmp_path)
    bare = replace(example(), tables=StudyTables(), table=example().measurements)
    write_study(bare, tmp_path, overwrite=True)
    assert not (tmp_path / "doses.csv").exists()
    with pytest.raises(InputError, match="a folder to write to, found a file"):
        write_study(bare, tmp_path / "study.toml")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"title": ""}, "a title, found an empty text"),
        ({"study_id": "a\x00b"}, "text without control characters"),
        ({"animals": (Animal(animal_id="a", arm="v", cage="NA", end_day=0),)}, "other than NA"),
        ({"animals": (Animal(animal_id="a", arm="v", cage=" x", end_day=0),)}, "white space"),
    ],
)
def test_a_text_that_would_not_read_back_is_refused(
    change: dict[str, object], expected: str, tmp_path: Path
) -> None:
    table = pd.DataFrame(columns=list(MEASUREMENT_COLUMNS)).astype(
        {c: float for c in MEASUREMENT_COLUMNS if c not in ("animal_id", "volume_state")}
    )
    parts: dict[str, object] = {
        "study_id": "s",
        "title": "t",
        "line": XenograftLine(name="l"),
        "arms": (Arm(name="v"),),
        "animals": (Animal(animal_id="a", arm="v", end_day=0),),
        "table": table,
        **change,
    }
    with pytest.raises((InputError, FileFormatError), match=expected):
        write_study(Study(**parts), tmp_path / "s")  # type: ignore[arg-type]  # parts of any type


@pytest.mark.parametrize(
    ("name", "text", "error", "expected"),
    [
        ("events.csv", "animal_id,day,event,color\na,0,x,red\n", FileFormatError, "found 'color'"),
        ("events.csv", "animal_id,day\na,0\n", FileFormatError, "a column 'event'"),
        ("doses.csv", "animal_id,day,compound\nz,0,x\n", DataError, "doses of animals of the"),
        ("doses.csv", "animal_id,day,compound\na,,x\n", FileFormatError, "a number, found a bl"),
        (
            "changes.csv",
            "animal_id,day,column,reason\na,0,x,y\n",
            DataError,
            "a known reason|meas",
        ),
    ],
)
def test_a_broken_table_beside_the_measurements_is_named(
    tmp_path: Path, name: str, text: str, error: type[Exception], expected: str
) -> None:
    write_study(example(), tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(error, match=expected):
        read_study(tmp_path)


def test_a_study_file_says_how_to_read_a_file_that_is_not_in_the_long_layout(
    tmp_path: Path,
) -> None:
    (tmp_path / "study.toml").write_text(
        'title = "t"\nzeros = "gone"\n[line]\nname = "l"\n[read]\nfile = "raw.csv"\n'
        'formula = "pi_6_l_w2"\n[read.columns]\nanimal_id = "Nr"\n[read.units]\nlength_mm = "cm"\n'
        'width_mm = "cm"\n',
        encoding="utf-8",
    )
    (tmp_path / "raw.csv").write_text("Nr,Group,Day,L,W\n1,v,0,1.0,0.5\n", encoding="utf-8")
    (study,) = read_study(tmp_path)
    np.testing.assert_allclose(study.measurements["volume_mm3"], [np.pi / 6 * 250])
    assert [arm.name for arm in study.arms] == ["v"]
    (other,) = read_study(tmp_path, formula="half_l_w2", mapping={"animal_id": "Nr"})
    np.testing.assert_allclose(other.measurements["volume_mm3"], [125])


@pytest.mark.parametrize(
    "entry", ['file = "../x.csv"', 'formula = "x"', "columns = 3", 'day_zero = "soon"', "x = 1"]
)
def test_a_wrong_way_of_reading_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "study.toml").write_text(
        f'title = "t"\n[line]\nname = "l"\n[read]\n{entry}\n', encoding="utf-8"
    )
    with pytest.raises((FileFormatError, InputError)):
        read_study(tmp_path)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "synergylmm_example/webapp_example.csv",
        "genentech_gdc0084_temozolomide/growth.csv",
        "iowa_melanoma_a375/growth.csv",
        "iowa_breast_rat/growth.csv",
        "kroemer_mtx_caloric/growth.csv",
        "kroemer_antibody_genotype/growth.csv",
        "xeva_repdx/growth.csv",
        "kulgap_pdx/growth.csv",
        "pdxe/growth.csv",
    ],
)
def test_real_studies_read_back_as_they_were(
    shared_data: Callable[[str], Path], name: str, tmp_path: Path
) -> None:
    for number, study in enumerate(read_study(shared_data(name))[:12]):
        assert_lossless(study, tmp_path / str(number))
