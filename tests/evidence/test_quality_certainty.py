"""Certainty: each rule at its threshold, what is not known, overrides, and the table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.evidence.quality import (
    DOMAINS,
    KEY_ITEMS,
    Assessment,
    CertaintyRow,
    CertaintyRules,
    Judged,
    Override,
    PooledSummary,
    Question,
    Rating,
    StudyFacts,
    assess,
    certainty_frame,
    information_size,
    rate_certainty,
)
from oncovivo.evidence.quality.downgrades import (
    judge_imprecision,
    judge_inconsistency,
    judge_publication_bias,
    judge_question_indirectness,
    judge_risk_of_bias,
    judge_translation,
)
from oncovivo.evidence.quality.findings import Aspect

POOLED = PooledSummary(
    measure="ROM",
    k=12,
    estimate=-0.6,
    lower=-0.9,
    upper=-0.3,
    n_animals=160,
    i2=20.0,
    pi_lower=-1.1,
    pi_upper=-0.1,
    bias_p=0.4,
    bias_test="Egger's test",
)
QUESTION = Question(
    question_id="rcc",
    text="Does temsirolimus alone slow renal cell carcinoma in mice?",
    tumor_type="renal cell carcinoma",
    oncotree="RCC",
    outcome="tumor volume",
    asked={"compound": ("temsirolimus",), "graft_type": ("cdx", "pdx")},
    information_size=100,
)
CLASSES = {
    "temsirolimus": "mTORC1 inhibitor",
    "everolimus": "mTORC1 inhibitor",
    "sorafenib": "kinase inhibitor",
}


def study(
    name: str, compound: str | None = "temsirolimus", graft: str | None = "cdx"
) -> StudyFacts:
    return StudyFacts(study=name, facts={"compound": compound, "graft_type": graft})


def rated(words: Mapping[str, Mapping[str, str]], *, studies: Sequence[str] = ()) -> Assessment:
    """SYRCLE's assessment from study → item → judgement."""
    return assess(
        [
            Rating(
                source=name,
                study=name,
                tool="syrcle",
                item=item,
                judgement=word,
                reason="x",
                locator="p. 1",
                rater="AB",
            )
            for name, items in words.items()
            for item, word in items.items()
        ],
        "syrcle",
        studies=studies,
    )


LOW = dict.fromkeys(KEY_ITEMS, "low")
HIGH = {**LOW, "blinded_assessors": "high"}
UNCLEAR = {**LOW, "allocation_concealment": "unclear"}
STUDIES = [study("a"), study("b"), study("c"), study("d")]


def row(**more: object) -> CertaintyRow:
    options: dict[str, object] = {
        "studies": STUDIES,
        "assessment": rated(dict.fromkeys("abcd", LOW)),
        **more,
    }
    return rate_certainty(QUESTION, POOLED, **options)  # type: ignore[arg-type]  # checked there


# --- risk of bias


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ((LOW, LOW, LOW, LOW), 0),
        ((LOW, LOW, LOW, UNCLEAR), 0),
        ((LOW, LOW, UNCLEAR, UNCLEAR), 1),
        ((LOW, LOW, UNCLEAR, HIGH), 1),
        ((LOW, LOW, HIGH, HIGH), 2),
        ((HIGH, HIGH, HIGH, HIGH), 2),
        ((UNCLEAR, UNCLEAR, UNCLEAR, UNCLEAR), 1),
    ],
)
def test_risk_of_bias_counts_studies_at_high_and_at_unknown_risk(
    words: tuple[dict[str, str], ...], levels: int
) -> None:
    judged = judge_risk_of_bias(rated(dict(zip("abcd", words, strict=True))))
    assert (judged.levels, judged.status) == (levels, "judged")


def test_a_missing_item_or_study_is_never_at_low_risk() -> None:
    short = dict.fromkeys(KEY_ITEMS[1:], "low")
    assert judge_risk_of_bias(rated({"a": short})).levels == 1
    judged = judge_risk_of_bias(rated({"a": LOW}, studies=["a", "b"]))
    assert judged.levels == 1
    assert judged.reason == (
        "0 % of the studies at high, 50 % at unknown and 50 % at low risk in 6 key items; "
        "1 of 2 studies not assessed"
    )


def test_risk_of_bias_goes_by_weight_where_weights_are_given() -> None:
    table = rated({"a": HIGH, "b": LOW, "c": LOW})
    assert judge_risk_of_bias(table).levels == 0
    judged = judge_risk_of_bias(table, weights={"a": 3.0, "b": 1.0, "c": 1.0})
    assert judged.levels == 2
    assert judged.reason.startswith("60 % of the weight at high, 0 % at unknown and 40 % at low")


def test_a_half_that_rounds_below_a_half_is_still_a_half() -> None:
    # 0.1/0.8 + 0.3/0.8 is 0.49999999999999994
    table = rated({"a": HIGH, "b": HIGH, "c": LOW, "d": LOW})
    weights = {"a": 0.1, "b": 0.3, "c": 0.1, "d": 0.3}
    judged = judge_risk_of_bias(table, weights=weights)
    assert judged.levels == 2
    assert judged.reason.startswith("50 % of the weight at high, 0 % at unknown and 50 % at low")


def test_items_that_are_not_key_do_not_count_until_they_are_named() -> None:
    table = rated({"a": {**LOW, "other_bias": "high"}})
    assert judge_risk_of_bias(table).levels == 0
    rules = CertaintyRules(key_items=("other_bias",))
    assert judge_risk_of_bias(table, rules=rules).levels == 2


def test_risk_of_bias_is_not_judged_from_a_reporting_checklist() -> None:
    with pytest.raises(InputError, match=r"an assessment with syrcle, .* found arrive"):
        judge_risk_of_bias(assess([], "arrive", studies=["a"]))


# --- inconsistency


@pytest.mark.parametrize(
    ("i2", "pi", "ci", "levels"),
    [
        (0.0, (-1.1, -0.1), (-0.9, -0.3), 0),
        (49.9, (-1.1, -0.1), (-0.9, -0.3), 0),
        (50.0, (-1.1, -0.1), (-0.9, -0.3), 1),
        (90.0, (-1.1, -0.1), (-0.9, -0.3), 1),
        (10.0, (-1.5, 0.3), (-0.9, -0.3), 1),
        (60.0, (-1.5, 0.3), (-0.9, -0.3), 1),
        (74.9, (-1.5, 0.3), (-0.9, -0.3), 1),
        (75.0, (-1.5, 0.3), (-0.9, -0.3), 2),
        (10.0, (-1.5, 0.3), (-1.3, 0.1), 0),
        (75.0, (-1.5, 0.3), (-1.3, 0.1), 1),
        (80.0, None, (-0.9, -0.3), 1),
        (None, (-1.5, 0.3), (-0.9, -0.3), 1),
    ],
)
def test_inconsistency_at_each_threshold(
    i2: float | None, pi: tuple[float, float] | None, ci: tuple[float, float], levels: int
) -> None:
    lower, upper = pi or (None, None)
    pooled = replace(POOLED, i2=i2, pi_lower=lower, pi_upper=upper, lower=ci[0], upper=ci[1])
    assert judge_inconsistency(pooled).levels == levels


def test_one_effect_or_no_measure_of_spread_is_not_assessable() -> None:
    none = replace(POOLED, i2=None, pi_lower=None, pi_upper=None)
    for pooled, words in ((replace(none, k=1), "one effect"), (none, "neither I²")):
        judged = judge_inconsistency(pooled)
        assert (judged.status, judged.levels) == ("not_assessable", 0)
        assert judged.reason.startswith(words)


def test_the_reason_of_inconsistency_says_which_interval_includes_the_null() -> None:
    assert judge_inconsistency(POOLED).reason == (
        "I² is 20 %; the prediction interval excludes the null"
    )
    wide = replace(POOLED, pi_upper=0.3)
    assert judge_inconsistency(wide).reason.endswith(
        "the prediction interval includes the null, which the confidence interval excludes"
    )
    both = replace(wide, upper=0.1, i2=None)
    assert judge_inconsistency(both).reason == (
        "I² is not given; the prediction interval includes the null, as the confidence interval "
        "does"
    )
    none = replace(POOLED, pi_lower=None, pi_upper=None)
    assert judge_inconsistency(none).reason.endswith("there is no prediction interval")


# --- imprecision


@pytest.mark.parametrize(
    ("upper", "animals", "size", "levels"),
    [
        (-0.3, 100, 100, 0),
        (-0.3, 99, 100, 1),
        (0.0, 100, 100, 1),
        (0.1, 99, 100, 2),
        (-0.3, None, 100, 1),
        (0.1, None, 100, 2),
        (-0.3, None, None, 0),
        (0.1, 10, None, 1),
    ],
)
def test_imprecision_at_each_threshold(
    upper: float, animals: int | None, size: int | None, levels: int
) -> None:
    pooled = replace(POOLED, upper=upper, n_animals=animals)
    assert judge_imprecision(pooled, information_size=size).levels == levels


def test_a_ratio_has_its_own_null() -> None:
    ratio = replace(
        POOLED, estimate=0.6, lower=0.4, upper=0.9, pi_lower=0.3, pi_upper=1.2, null=1.0
    )
    assert not ratio.interval_crosses_null
    assert ratio.prediction_crosses_null
    assert judge_imprecision(replace(ratio, upper=1.0), information_size=100).levels == 1


def test_the_reason_of_imprecision_gives_interval_and_animals() -> None:
    assert judge_imprecision(POOLED, information_size=100).reason == (
        "the 95 % interval excludes the null; 160 animals, at least the 100 needed"
    )
    wide = replace(POOLED, upper=0.1, level=0.9)
    assert judge_imprecision(wide, information_size=1200).reason == (
        "the 90 % interval includes the null; 160 animals, fewer than the 1,200 needed"
    )


def test_a_size_that_was_not_named_is_said_to_be_unjudged() -> None:
    assert "no information size to compare" in judge_imprecision(POOLED).reason
    missing = judge_imprecision(replace(POOLED, n_animals=None), information_size=1000)
    assert "not reported, so the 1,000 needed are not shown" in missing.reason


def test_information_size_is_the_textbook_number() -> None:
    # (1.95996 + 0.84162)² = 7.8489: 2 · 7.8489/d² per group, rounded up
    assert information_size(1.0) == 2 * 16
    assert information_size(0.5) == 2 * 63
    # Cohen 1988: 393 per group for d = 0.2; by the t distribution 394
    assert information_size(0.2) == 2 * 393
    assert information_size(-0.5) == information_size(0.5)
    # (1.95996 + 1.28155)² = 10.5074
    assert information_size(1.0, power=0.9) == 2 * 22
    # (2.57583 + 0.84162)² = 11.679
    assert information_size(1.0, alpha=0.01) == 2 * 24
    assert information_size(50.0) == 2


@given(d=st.floats(0.05, 5), power=st.floats(0.5, 0.99))
def test_more_power_or_a_smaller_effect_needs_more_animals(d: float, power: float) -> None:
    assert information_size(d / 2, power=power) >= information_size(d, power=power)
    assert information_size(d, power=0.995) >= information_size(d, power=power)
    assert information_size(d, power=power) % 2 == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effect": 0.0}, "an effect that is finite and not 0"),
        ({"effect": float("nan")}, "found nan"),
        ({"effect": 1.0, "alpha": 0.0}, "alpha between 0 and 1"),
        ({"effect": 1.0, "power": 1.0}, "power between 0 and 1"),
        ({"effect": 1.0, "power": 0.02}, "a power above alpha / 2"),
    ],
)
def test_a_bad_information_size_is_an_error(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        information_size(**options)


# --- publication bias


@pytest.mark.parametrize(
    ("k", "p", "status", "levels"),
    [
        (10, 0.099, "judged", 1),
        (10, 0.1, "judged", 0),
        (9, 0.0001, "not_assessable", 0),
        (30, None, "not_assessable", 0),
    ],
)
def test_publication_bias_needs_ten_effects_and_a_test(
    k: int, p: float | None, status: str, levels: int
) -> None:
    judged = judge_publication_bias(replace(POOLED, k=k, bias_p=p))
    assert (judged.status, judged.levels) == (status, levels)


def test_too_few_effects_are_named_before_a_missing_test() -> None:
    judged = judge_publication_bias(replace(POOLED, k=1, bias_p=None))
    assert judged.reason == "1 effect, fewer than the 10 that a test needs"
    found = judge_publication_bias(replace(POOLED, bias_p=0.02)).reason
    assert found == (
        "Egger's test on 12 effects finds small-study effects (p = 0.02, threshold 0.1)"
    )


# --- indirectness


def indirectness(*studies: StudyFacts, **more: object) -> Judged:
    options: dict[str, object] = {"classes": CLASSES, **more}
    return judge_question_indirectness(QUESTION, studies, **options)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("studies", "levels"),
    [
        ((study("a"), study("b", graft="pdx")), 0),
        ((study("a"), study("b"), study("c", graft="syngeneic")), 0),
        ((study("a"), study("b", graft="syngeneic")), 1),
        ((study("a"), study("b", "everolimus")), 1),
        ((study("a"), study("b", "everolimus", "syngeneic")), 2),
        ((study("a"), study("b", "sorafenib")), 2),
        ((study("a"), study("b", "unclassified")), 2),
        ((study("a"), study("b", graft=None)), 1),
        ((study("a", None, None), study("b", None, None)), 1),
        ((study("a", None, "syngeneic"), study("b", "everolimus", None)), 1),
    ],
)
def test_indirectness_from_the_question(studies: tuple[StudyFacts, ...], levels: int) -> None:
    assert indirectness(*studies).levels == levels


def test_the_reason_names_what_was_used_instead_and_its_share() -> None:
    judged = indirectness(
        study("a"), study("b", "everolimus"), study("c", "everolimus", None), study("d")
    )
    assert judged.reason == (
        "50 % of the studies not as asked; compound: everolimus for temsirolimus, same class "
        "(50 %); graft type: not reported (25 %)"
    )
    by_weight = indirectness(study("a"), study("b", "sorafenib"), weights={"a": 999.0, "b": 1.0})
    assert by_weight.levels == 0
    assert by_weight.reason == (
        "<1 % of the weight not as asked; compound: sorafenib for temsirolimus, not the same "
        "class (<1 %)"
    )
    assert indirectness(study("a")).reason == "all studies are as asked: compound, graft type"


def test_a_question_that_names_nothing_or_studies_without_facts_are_not_assessable() -> None:
    open_question = replace(QUESTION, asked={})
    judged = judge_question_indirectness(open_question, [study("a")])
    assert (judged.status, judged.levels) == ("not_assessable", 0)
    assert judge_question_indirectness(QUESTION, []).status == "not_assessable"


def test_facts_of_a_study_twice_or_weights_of_other_studies_are_errors() -> None:
    with pytest.raises(InputError, match="facts of each study once, found 'a' twice"):
        indirectness(study("a"), study("a"))
    with pytest.raises(InputError, match="a weight for every study, found none for 'b'"):
        indirectness(study("a"), study("b"), weights={"a": 1.0})


def test_the_step_to_patients_is_always_stated_and_costs_when_patients_are_asked_about() -> None:
    animals = judge_translation(QUESTION)
    assert (animals.levels, animals.reason) == (
        0,
        "the rating is for animals only and says nothing of patients",
    )
    patients = replace(QUESTION, target="patients")
    assert judge_translation(patients).levels == 1
    assert judge_translation(patients, rules=CertaintyRules(patient_levels=2)).levels == 2
    note = judge_translation(patients, patient_note="a trial found no benefit ")
    assert note.reason.endswith("from animals; a trial found no benefit")


# --- rows and table


def test_a_row_without_a_flaw_is_high_and_still_states_the_step_to_patients() -> None:
    good = row()
    assert good.level == "high"
    assert tuple(one.domain for one in good.downgrades) == tuple(DOMAINS)
    assert [one.levels for one in good.downgrades] == [0] * 6
    assert good.reasons == (
        "indirectness, animals to patients (none): the rating is for animals only and says "
        "nothing of patients",
    )


@pytest.mark.parametrize(
    ("down", "level"), [(0, "high"), (1, "moderate"), (2, "low"), (3, "very_low"), (5, "very_low")]
)
def test_levels_add_up_and_stop_at_very_low(down: int, level: str) -> None:
    parts = [
        Override(domain="risk_of_bias", levels=min(down, 3), reason="x", author="AB"),
        Override(domain="imprecision", levels=max(0, down - 3), reason="x", author="AB"),
    ]
    assert row(overrides=parts).level == level


def test_the_start_of_a_question_counts() -> None:
    question = replace(QUESTION, start="low")
    table = rated(dict.fromkeys("abcd", UNCLEAR))
    assert rate_certainty(question, POOLED, studies=STUDIES).level == "very_low"
    lowered = rate_certainty(QUESTION, POOLED, studies=STUDIES, assessment=table)
    assert lowered.level == "moderate"


def test_studies_that_nobody_assessed_cost_a_level() -> None:
    unrated = rate_certainty(QUESTION, POOLED, studies=STUDIES)
    assert unrated.level == "moderate"
    assert unrated.reasons[0] == (
        "risk of bias (one level): no study was assessed, so none is shown to be at low risk"
    )


def test_an_override_counts_and_keeps_what_the_rule_said() -> None:
    override = Override(
        domain="risk_of_bias", levels=1, reason="Blinding cannot matter here. ", author="AB"
    )
    changed = row(assessment=rated(dict.fromkeys("abcd", HIGH)), overrides=[override])
    assert changed.level == "moderate"
    first = changed.downgrades[0]
    assert (first.rule_levels, first.levels) == (2, 1)
    assert first.rule_reason.startswith("100 % of the studies at high")
    assert first.override == override
    assert changed.reasons[0] == (
        "risk of bias (one level, by AB; by the rule two levels): Blinding cannot matter here."
    )


def test_an_override_of_a_level_to_none_is_still_among_the_reasons() -> None:
    override = Override(domain="publication_bias", levels=0, reason="x", author="AB")
    found = rate_certainty(
        QUESTION,
        replace(POOLED, k=4, bias_p=None),
        studies=STUDIES,
        assessment=rated(dict.fromkeys("abcd", LOW)),
        overrides=[override],
    )
    assert "publication bias (none, by AB; by the rule not assessable): x" in found.reasons


def test_the_weights_of_the_pool_reach_both_rules_that_use_them() -> None:
    weights = {"a": 97.0, "b": 1.0, "c": 1.0, "d": 1.0}
    studies = [study("a", "everolimus"), *STUDIES[1:]]
    table = rated({"a": HIGH, "b": LOW, "c": LOW, "d": LOW})
    levels = [
        one.levels
        for one in row(
            studies=studies, assessment=table, weights=weights, classes=CLASSES
        ).downgrades
    ]
    assert levels == [2, 0, 0, 0, 1, 0]
    assert row(studies=studies, assessment=table, classes=CLASSES).level == "high"


def test_nothing_pooled_has_a_reason_and_no_level() -> None:
    none = rate_certainty(QUESTION, None, studies=STUDIES[:1], not_pooled="one row without an SD ")
    assert none.level is None
    assert none.not_pooled == "one row without an SD"
    assert [one.domain for one in none.downgrades] == ["indirectness_patient"]
    found = none.to_dict()
    assert (found["status"], found["reason"]) == ("undefined", "one row without an SD")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"not_pooled": "x"}, "either a pooled effect or the reason .* found both"),
        ({"pooled": None}, "found neither"),
        ({"studies": []}, "the facts of 1 to 12 studies"),
        ({"studies": [study(f"s{n}") for n in range(13)]}, "the facts of 1 to 12 .* found 13"),
        (
            {"assessment": rated({"a": LOW}, studies=["z"])},
            "question rcc: expected an assessment of the studies .* found 'b' in one",
        ),
        (
            {"overrides": [Override(domain="imprecision", levels=0, reason="x", author="y")] * 2},
            "at most one override for each domain, found imprecision twice",
        ),
        (
            {
                "pooled": None,
                "not_pooled": "x",
                "overrides": [Override(domain="imprecision", levels=0, reason="x", author="y")],
            },
            "overrides where there is an effect",
        ),
    ],
)
def test_a_row_that_does_not_fit_together_is_an_error(
    options: dict[str, object], message: str
) -> None:
    given_options: dict[str, object] = {"pooled": POOLED, "studies": STUDIES, **options}
    pooled = cast("PooledSummary | None", given_options.pop("pooled"))
    with pytest.raises(InputError, match=message):
        rate_certainty(QUESTION, pooled, **given_options)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"k": 0}, "k, the number of effects, of at least 1"),
        ({"n_animals": 1}, "n_animals of at least 2"),
        ({"lower": -0.5}, "lower and upper as finite limits around the estimate"),
        ({"upper": float("inf")}, "lower and upper as finite limits"),
        ({"pi_upper": None}, "both limits of the prediction interval, or none"),
        ({"pi_upper": -0.7}, "pi_lower and pi_upper as finite limits"),
        ({"i2": 100.1}, "i2 in percent, 0 to 100"),
        ({"i2": -1.0}, "i2 in percent"),
        ({"bias_p": 1.1}, "bias_p between 0 and 1"),
        ({"level": 95.0}, "level between 0 and 1, found 95"),
        ({"null": float("nan")}, "null as a finite number"),
    ],
)
def test_a_bad_pooled_effect_is_an_error(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(POOLED, **fields)  # type: ignore[arg-type]  # checked by the class itself


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"question_id": ""}, "question_id as text"),
        ({"text": " "}, "text as text"),
        ({"asked": {"color": ("red",)}}, "question rcc: expected an aspect of .* found 'color'"),
        ({"asked": {"compound": "temsirolimus"}}, "as a tuple, found 'temsirolimus'"),
        ({"asked": {"compound": ()}}, "answer compound directly"),
        ({"target": "people"}, "target animals or patients"),
        ({"start": "sure"}, "start as high"),
        ({"information_size": 1}, "information size of at least 2"),
    ],
)
def test_a_bad_question_is_an_error(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(QUESTION, **fields)  # type: ignore[arg-type]  # checked by the class itself


def test_bad_facts_overrides_and_rules_are_errors() -> None:
    with pytest.raises(InputError, match=r"study a: expected an aspect of .* found 'color'"):
        StudyFacts(study="a", facts={"color": "red"})  # type: ignore[dict-item]  # the point
    with pytest.raises(InputError, match=r"a domain of .* found 'luck'"):
        Override(domain="luck", levels=1, reason="x", author="y")  # type: ignore[arg-type]  # the point
    with pytest.raises(InputError, match="override of imprecision: expected levels 0 to 3"):
        Override(domain="imprecision", levels=4, reason="x", author="y")
    with pytest.raises(InputError, match="reason as text, found nothing"):
        Override(domain="imprecision", levels=1, reason=" ", author="AB")
    with pytest.raises(InputError, match="author as text, found nothing"):
        Override(domain="imprecision", levels=1, reason="x", author="")


def test_thresholds_outside_their_range_are_errors() -> None:
    for fields, message in (
        ({"key_items": ()}, "at least one key item"),
        ({"key_items": ("blinding",)}, "an item of syrcle, found 'blinding'"),
        ({"bias_share": 0.0}, "bias_share above 0 and up to 1"),
        ({"indirect_share": 50.0}, "indirect_share above 0 and up to 1, found 50"),
        ({"i2_serious": 80.0}, "i2_serious up to i2_very_serious"),
        ({"i2_serious": 0.0}, "in percent above 0"),
        ({"i2_very_serious": 100.5}, "i2_serious up to i2_very_serious"),
        ({"bias_share": 1.5}, "bias_share above 0 and up to 1"),
        ({"bias_k": 2}, "bias_k of at least 3"),
        ({"bias_p": 1.0}, "bias_p between 0 and 1"),
        ({"bias_p": 0.0}, "bias_p between 0 and 1"),
        ({"patient_levels": 4}, "patient_levels 0 to 3"),
    ):
        with pytest.raises(InputError, match=message):
            CertaintyRules(**fields)


def test_thresholds_at_the_ends_of_their_range_are_welcome() -> None:
    rules = CertaintyRules(
        bias_share=1.0, indirect_share=1.0, i2_serious=100.0, i2_very_serious=100.0, bias_k=3
    )
    assert rules.to_dict()["bias_k"] == 3
    assert CertaintyRules(patient_levels=0).patient_levels == 0
    assert CertaintyRules(patient_levels=3).patient_levels == 3


def test_every_threshold_changes_what_it_says() -> None:
    table = rated({"a": HIGH, "b": LOW, "c": LOW, "d": LOW})
    assert judge_risk_of_bias(table, rules=CertaintyRules(bias_share=0.25)).levels == 2
    serious = CertaintyRules(i2_serious=20.0)
    assert judge_inconsistency(POOLED, rules=serious).levels == 1
    wide = replace(POOLED, i2=60.0, pi_upper=0.1)
    assert judge_inconsistency(wide, rules=CertaintyRules(i2_very_serious=60.0)).levels == 2
    assert judge_publication_bias(POOLED, rules=CertaintyRules(bias_k=13)).levels == 0
    assert judge_publication_bias(POOLED, rules=CertaintyRules(bias_p=0.5)).levels == 1
    few = (*STUDIES[:3], study("d", graft="syngeneic"))
    assert indirectness(*few, rules=CertaintyRules(indirect_share=0.25)).levels == 1
    assert judge_publication_bias(POOLED, rules=CertaintyRules(bias_k=13)).status == (
        "not_assessable"
    )


def test_what_was_asked_cannot_be_changed_afterwards() -> None:
    asked: dict[Aspect, tuple[str, ...]] = {"compound": ("temsirolimus",)}
    question = replace(QUESTION, asked=asked)
    asked["compound"] = ("everolimus",)
    assert question.asked["compound"] == ("temsirolimus",)


def test_a_table_has_a_row_for_each_question() -> None:
    none = rate_certainty(QUESTION, None, studies=[], not_pooled="no animal row")
    frame = certainty_frame([row(), none])
    assert frame["certainty"][0] == "high"
    assert frame["certainty"].isna().tolist() == [False, True]
    assert frame["k"].tolist()[0] == 12
    assert frame["k"].isna().tolist() == [False, True]
    assert frame["risk_of_bias"].tolist()[0] == 0
    assert frame["imprecision"].isna().tolist() == [False, True]
    assert frame["indirectness_patient"].tolist() == [0, 0]
    assert frame["reasons"][1].startswith("no animal row; indirectness, animals to patients")
    assert frame["n_studies"].tolist() == [4, 0]
    assert list(certainty_frame([]).columns) == list(frame.columns)


def test_what_was_not_assessable_is_missing_in_the_table_unless_an_author_says() -> None:
    few = replace(POOLED, k=4)
    override = Override(domain="publication_bias", levels=1, reason="x", author="AB")
    rows = [
        rate_certainty(QUESTION, few, studies=STUDIES),
        rate_certainty(QUESTION, few, studies=STUDIES, overrides=[override]),
    ]
    column = certainty_frame(rows)["publication_bias"]
    assert column.isna().tolist() == [True, False]
    assert column.tolist()[1] == 1


def test_a_row_goes_to_json() -> None:
    override = Override(domain="imprecision", levels=1, reason="x", author="AB")
    found = json.loads(json.dumps(row(overrides=[override]).to_dict(), allow_nan=False))
    assert found["level"] == "moderate"
    assert found["status"] == "ok"
    assert found["question"]["asked"] == {
        "compound": ["temsirolimus"],
        "graft_type": ["cdx", "pdx"],
    }
    assert found["pooled"]["estimate"] == -0.6
    assert found["downgrades"][2]["override"]["author"] == "AB"
    assert found["rules"]["key_items"] == list(KEY_ITEMS)


@given(order=st.permutations(STUDIES))
def test_the_order_of_the_studies_does_not_matter(order: list[StudyFacts]) -> None:
    mixed = [study("e", "everolimus"), *order, study("f", None, "syngeneic")]
    first = judge_question_indirectness(QUESTION, mixed, classes=CLASSES)
    again = judge_question_indirectness(
        QUESTION, sorted(mixed, key=lambda s: s.study), classes=CLASSES
    )
    assert first == again
