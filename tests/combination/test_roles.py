"""Roles of arms, and doses that a combination shares with its partners."""

from __future__ import annotations

import pytest

from oncovivo.combination import CombinationArms, PairArm, check_doses, combination_arms
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Arm, parse_regimen

KNOWN = ["vehicle", "Drug A", "Drug B", "Drug A + Drug B", "Z", "AZ", "BZ", "ABZ"]
TWO = CombinationArms(control="vehicle", partners=("A", "B"), combination="AB")


def study(**regimens: str) -> list[Arm]:
    given = {"vehicle": "", "A": "", "B": "", "AB": "", **regimens}
    return [
        Arm(name=name, regimens=(parse_regimen(text),) if text else ())
        for name, text in given.items()
    ]


def test_a_missing_single_agent_arm_is_named_with_what_it_may_have_meant() -> None:
    with pytest.raises(InputError, match=r"an arm of a partner alone.*'drug a'.*write 'Drug A'"):
        combination_arms(
            KNOWN, control="vehicle", partners=["drug a", "Drug B"], combination="Drug A + Drug B"
        )


def test_an_arm_that_is_like_none_is_refused_with_the_arms_there_are() -> None:
    with pytest.raises(InputError, match=r"a control among the arms: vehicle, Drug A.*alone"):
        combination_arms(
            KNOWN, control="placebo", partners=["Drug A", "Drug B"], combination="ABZ"
        )


def test_an_arm_has_one_role() -> None:
    with pytest.raises(InputError, match="'Drug A' in two roles"):
        combination_arms(
            KNOWN, control="vehicle", partners=["Drug A", "Drug A"], combination="ABZ"
        )


@pytest.mark.parametrize("partners", [("A",), ("A", "B", "Z", "Y")])
def test_a_combination_has_two_or_three_partners(partners: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=f"two or three.*found {len(partners)}"):
        CombinationArms(control="C", partners=partners, combination="all")


def test_three_partners_ask_about_the_whole_and_each_pair() -> None:
    arms = combination_arms(
        KNOWN,
        control="vehicle",
        partners=["Drug A", "Drug B", "Z"],
        combination="ABZ",
        pairs={("Drug A", "Z"): "AZ", ("Drug B", "Z"): "BZ"},
    )
    asked = [(question.partners, question.combination) for question in arms.questions]
    assert asked == [
        (("Drug A", "Drug B", "Z"), "ABZ"),
        (("Drug A", "Z"), "AZ"),
        (("Drug B", "Z"), "BZ"),
    ]


@pytest.mark.parametrize(
    ("partners", "pairs"),
    [
        (("A", "B"), [("A", "B")]),
        (("A", "B", "Z"), [("A", "Y")]),
        (("A", "B", "Z"), [("A", "B"), ("B", "A")]),
    ],
)
def test_pairs_are_of_two_of_three_partners_once(
    partners: tuple[str, ...], pairs: list[tuple[str, str]]
) -> None:
    made = tuple(PairArm(partners=p, arm=f"pair {i}") for i, p in enumerate(pairs))
    with pytest.raises(InputError, match="pairs of two of three partners"):
        CombinationArms(control="C", partners=partners, combination="all", pairs=made)


def test_equal_doses_written_in_two_ways_are_equal() -> None:
    arms = study(
        vehicle="saline 10 ml/kg po qd x21",
        A="saline 10 ml/kg po qd x21 + Drug1 2 mg/kg iv qw x3",
        B="drug2 30 mg/kg po qd x21",
        AB="drug1 2 mg/kg i.v. q7d x3 wk + drug2 30 mg/kg p.o. qd x3 wk",
    )
    assert check_doses(arms, TWO).status == "equal"


@pytest.mark.parametrize(
    ("together", "kind", "message"),
    [
        ("drug1 1 mg/kg iv qw x3 + drug2 30 mg/kg po qd x21", "dose", "drug1 as in arm 'A'"),
        ("drug1 2 mg/kg ip qw x3 + drug2 30 mg/kg po qd x21", "route", "drug1 as in arm 'A'"),
        ("drug1 2 mg/kg iv qw x3 + drug2 30 mg/kg po qd x14", "schedule", "drug2 as in arm 'B'"),
        ("drug1 2 mg/kg iv qw x3", "missing", "drug2 as in arm 'B'.*found none of it"),
        (
            "drug1 2 mg/kg iv qw x3 + drug2 30 mg/kg po qd x21 + drug3 1 mg/kg po qd x21",
            "added",
            "only treatments.*drug3",
        ),
    ],
)
def test_what_a_combination_gives_otherwise_is_refused_unless_accepted(
    together: str, kind: str, message: str
) -> None:
    arms = study(A="drug1 2 mg/kg iv qw x3", B="drug2 30 mg/kg po qd x21", AB=together)
    with pytest.raises(DataError, match=f"arm 'AB': expected {message}"):
        check_doses(arms, TWO)
    found = check_doses(arms, TWO, unequal="accept")
    assert found.status == "unequal"
    assert [difference.kind for difference in found.differences] == [kind]
    assert found.to_dict()["status"] == "unequal"


def test_doses_that_are_not_stated_are_said_to_be_so() -> None:
    arms = study(A="drug1 2 mg/kg iv qw x3", AB="drug1 2 mg/kg iv qw x3 + drug2 po qd")
    found = check_doses(arms, TWO)
    assert (found.status, found.not_stated) == ("not_stated", ("B",))
    assert check_doses(study(), TWO).not_stated == ("A", "B", "AB")
    open_ = study(A="drug1 2 mg/kg iv", B="drug2 po qd", AB="drug1 2 mg/kg iv + drug2 po qd")
    assert check_doses(open_, TWO).not_stated == ("A", "B")


def test_choices_and_arms_of_the_dose_check_are_checked() -> None:
    with pytest.raises(InputError, match="refuse, accept"):
        check_doses(study(), TWO, unequal="ignore")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"an arm of the study.*'AB'"):
        check_doses(study()[:3], TWO)
