"""Reading survival tables: what they mean, and what is refused with row and column."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies import LeavingReason
from oncovivo.survival.events import ReasonRole, SurvivalData
from oncovivo.survival.table import read_survival_table


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def make(text: str) -> Path:
        path = tmp_path / "mice.csv"
        path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
        return path

    return make


Write = Callable[[str], Path]


def read(
    path: Path,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    cause: str | None = None,
    reasons: dict[LeavingReason, ReasonRole] | None = None,
) -> SurvivalData:
    """The one study of a table."""
    (data,) = read_survival_table(
        path, strata=strata, cluster=cluster, cause=cause, reasons=reasons
    )
    return data


def test_times_events_and_units_are_taken_as_they_stand(write: Write) -> None:
    data = read(
        write("""animal_id,treatment,time_weeks,event
                 a,vehicle,3,1
                 b,drug,5.5,0""")
    )
    assert (data.study_id, data.line, data.time_unit) == ("mice", None, "weeks")
    assert data.arms == ("vehicle", "drug")
    assert data.time.tolist() == data.lower.tolist() == [3.0, 5.5]
    assert data.upper.tolist() == [3.0, math.inf]
    assert data.event.tolist() == [True, False]
    assert data.cause.tolist() == [1, 0]
    assert data.entry.tolist() == [0.0, 0.0]
    assert data.notes == ()


def test_animals_may_enter_late(write: Write) -> None:
    data = read(
        write("""animal_id,treatment,start,stop,event
                 a,vehicle,0,3,1
                 b,drug,2,5,0""")
    )
    assert data.entry.tolist() == [0.0, 2.0]
    assert data.time.tolist() == [3.0, 5.0]


def test_causes_compete_when_one_is_chosen_and_are_one_event_otherwise(write: Write) -> None:
    path = write("""animal_id,treatment,time,cause
                    a,vehicle,3,lymphoma
                    b,vehicle,4,Censored
                    c,drug,5,sarcoma""")
    data = read(path)
    assert data.causes == ("lymphoma", "sarcoma")
    assert data.cause.tolist() == [1, 0, 2]
    assert data.event.tolist() == [True, False, True]
    assert data.event_definition == "event of any cause"
    chosen = read(path, cause="sarcoma")
    assert chosen.event.tolist() == [False, False, True]
    assert chosen.competing.tolist() == [True, False, False]
    assert chosen.event.tolist() == data.of_cause("sarcoma").event.tolist()
    assert chosen.upper.tolist() == data.of_cause("sarcoma").upper.tolist()


def test_reasons_for_leaving_mean_what_the_rules_or_the_study_say(write: Write) -> None:
    path = write("""animal_id,treatment,time_days,cause
                    a,vehicle,3,volume_limit
                    b,vehicle,4,toxicity
                    c,drug,5,scheduled
                    d,drug,6,found_dead""")
    data = read(path)
    assert data.event.tolist() == [True, False, False, False]
    assert data.competing.tolist() == [False, True, False, True]
    assert data.cause.tolist() == [1, 2, 0, 3]
    assert data.event_definition == "volume_limit"
    assert {rule.reason: rule.role for rule in data.reasons}["toxicity"] == "competing"
    other = read(path, reasons={"found_dead": "event", "toxicity": "censored"})
    assert other.event.tolist() == [True, False, False, True]
    assert other.cause.tolist() == [1, 0, 0, 2]


def test_strata_clusters_studies_and_models_are_kept_and_the_rest_is_noted(write: Write) -> None:
    path = write("""study,model,animal_id,treatment,time,event,strata,Cage,weight
                    one,P1,a,vehicle,3,1,f,c1,20
                    one,P2,a,vehicle,4,0,m,c1,21
                    two,P1,a,drug,5,1,f,c2,22""")
    found = read_survival_table(path, cluster="Cage")
    assert [(data.study_id, data.line) for data in found] == [
        ("one/P1", "P1"),
        ("one/P2", "P2"),
        ("two", "P1"),
    ]
    assert found[1].strata == ("m",)
    assert found[2].cluster == ("c2",)
    assert found[2].arms == ("drug",)
    assert found[0].notes == ("Columns not read: weight.",)


HEAD = "animal_id,treatment,time,event"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}\na,v,0,1", r"mice.csv row 2, column time: expected a time above 0, found '0'"),
        (f"{HEAD}\na,v,3,1\nb,v,-2,1", r"row 3, column time: expected a time above 0, found '-2'"),
        (f"{HEAD}\na,v,,1", r"row 2, column time: expected a number, found a blank cell"),
        (f"{HEAD}\na,v,soon,1", r"row 2, column time: expected a number, found 'soon'"),
        (f"{HEAD}\na,v,3,2", r"row 2, column event: expected 1 \(event\) or 0 .*found '2'"),
        (f"{HEAD}\na,v,3,", r"row 2, column event: expected 1 .*found a blank cell"),
        (f"{HEAD}\na,v,3,1\na,v,4,0", r"row 3, column animal_id: expected each animal once"),
        (f"{HEAD}\n,v,3,1", r"row 2, column animal_id: expected a value"),
        (f"{HEAD}\na,,3,1", r"row 2, column treatment: expected a value"),
        ("animal_id,time,event\na,3,1", r"row 1: expected a column 'treatment'"),
        ("animal_id,treatment,event\na,v,1", r"row 1: expected one of the columns time"),
        (
            "animal_id,treatment,time,time_days,event\na,v,1,1,1",
            r"expected one of the columns time.*found time, time_days",
        ),
        ("animal_id,treatment,start,event\na,v,1,1", r"both start and stop, found start"),
        ("animal_id,treatment,time\na,v,1", r"row 1: expected a column 'event' \(0 or 1\)"),
        (
            "animal_id,treatment,start,stop,event\na,v,3,3,1",
            r"row 2, column stop: expected a stop after the start \(3\), found '3'",
        ),
        (
            "animal_id,treatment,start,stop,event\na,v,5,3,1",
            r"row 2, column stop: expected a stop after the start \(5\), found '3'",
        ),
        (
            "animal_id,treatment,start,stop,event\na,v,-1,3,1",
            r"row 2, column start: expected a start of 0 or later, found '-1'",
        ),
        ("animal_id,treatment,time,cause\na,v,3,", r"column cause: expected a cause, or 'censor'"),
        (
            "animal_id,treatment,time,event,cause\na,v,3,1,censor",
            r"column cause: expected a cause for an animal with event 1",
        ),
        (
            "animal_id,treatment,time,event,cause\na,v,3,0,toxicity",
            r"column cause: expected a blank or 'censor' .*leave the column event out",
        ),
        (f"{HEAD},strata\na,v,3,1,NA", r"row 2, column strata: expected a value, found 'NA'"),
        (HEAD, r"mice.csv: expected rows below the header"),
    ],
)
def test_bad_cells_are_refused_in_one_line_with_their_place(
    write: Write, text: str, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        read_survival_table(write(text))
    assert "\n" not in str(caught.value)


def test_choices_that_the_table_does_not_have_are_refused(write: Write) -> None:
    path = write(f"{HEAD}\na,v,3,1")
    with pytest.raises(InputError, match="a column of the table for cluster"):
        read_survival_table(path, cluster="litter")
    with pytest.raises(InputError, match="a column 'cause' to choose"):
        read_survival_table(path, cause="sarcoma")
    path = write("animal_id,treatment,time,cause\na,v,3,lymphoma")
    with pytest.raises(InputError, match="a cause of the table: lymphoma, found 'sarcoma'"):
        read_survival_table(path, cause="sarcoma")
    with pytest.raises(InputError, match="causes that are reasons for leaving"):
        read_survival_table(path, reasons={"toxicity": "event"})


@pytest.mark.realdata
def test_the_litter_matched_rats_are_read(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    path = shared_data("survival_mantel_rats/survival.csv")
    data = read(path, strata="sex", cluster="litter")
    assert data.n == 300
    assert data.time_unit == "weeks"
    assert data.cluster is not None
    assert len(set(data.cluster)) == 100
    assert data.strata is not None
    female = np.array([sex == "f" for sex in data.strata])
    steps = shared_reference("survival_mantel_rats")["sections"]["70_females"]["results"]["km"][
        "steps"
    ]
    compared = 0
    for place, arm in enumerate(data.arms):
        here = female & (data.arm == place)
        rows = [
            i for i, name in enumerate(steps["stratum"]) if name == arm and steps["n_event"][i]
        ]
        for i in rows:
            assert (here & (data.time >= steps["time"][i])).sum() == steps["n_risk"][i]
            at = here & data.event & (data.time == steps["time"][i])
            assert at.sum() == steps["n_event"][i]
            compared += 1
        assert (here & data.event).sum() == sum(steps["n_event"][i] for i in rows)
    assert compared > 30


@pytest.mark.realdata
def test_causes_of_death_of_the_mice_are_read(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    data = read(shared_data("survival_hoel_mice/survival.csv"))
    results = shared_reference("survival_hoel_mice")["sections"]["71_competing_risks"]["results"]
    assert data.causes == tuple(results["states"][1:])
    assert data.n == 181
    lymphoma = data.of_cause("thymic lymphoma")
    assert {arm: found["events"] for arm, found in lymphoma.counts().items()} == {
        "conventional": 22,
        "germ_free": 29,
    }
    # Nobody is censored before the last death: incidence is a plain share of the animals.
    compared = 0
    columns = np.array(results["pstate"], dtype=float)
    for i, (time, stratum) in enumerate(zip(results["times"], results["strata"], strict=True)):
        here = data.arm == data.arms.index(stratum.removeprefix("treatment="))
        for k in range(len(data.causes)):
            share = (here & (data.cause == k + 1) & (data.time <= time)).sum() / here.sum()
            assert share == pytest.approx(columns[i][k + 1], rel=1e-8)
            compared += 1
    assert compared == 60
