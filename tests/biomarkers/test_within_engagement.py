"""The shipped trap: phospho-S6 falls in a resistant tumor too."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from oncovivo.biomarkers.engagement import EngagementAndResponse, animal_rates, compare_engagement
from oncovivo.biomarkers.marker_growth import fit_marker_growth
from oncovivo.biomarkers.prediction_plots import plot_engagement
from oncovivo.biomarkers.timing import first_treatment_day, marker_timing
from oncovivo.errors import DataError, InputError
from oncovivo.growth import growth_data, growth_data_from_arrays
from oncovivo.studies import Study, read_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "markers"
FOLDER = EXAMPLE / "phospho_s6_simulated"
LINES = ("sensitive", "resistant")
STORED = Path(__file__).parents[2] / "validation" / "markers" / "engagement.json"


def _studies() -> list[Study]:
    return [read_study(FOLDER / line)[0] for line in LINES]


def _compare(studies: list[Study]) -> EngagementAndResponse:
    return compare_engagement(
        studies,
        "phospho-S6",
        control="vehicle",
        treated="temsirolimus",
        rng=np.random.default_rng(1),
    )


def test_the_shipped_tables_are_what_the_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(EXAMPLE / "simulate.py"))
    script["write_studies"](tmp_path)
    shipped = sorted(path.relative_to(FOLDER) for path in FOLDER.rglob("*.csv"))
    assert len(shipped) == 7
    for name in shipped:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_everything_of_the_example_says_that_it_is_simulated() -> None:
    assert "simulated" in FOLDER.name
    for study in _studies():
        assert study.simulated
        assert "simulated" in study.study_id
        assert "simulated" in study.line.name
        assert "assumed" in (study.source or "")
    assert _compare(_studies()).sentence().startswith("Simulated data.")


def test_the_target_is_engaged_in_both_lines_and_one_responds() -> None:
    found = _compare(_studies())
    verdicts = {line.line: line.verdict for line in found.lines}
    assert verdicts == {
        "simulated resistant line": "engaged_not_slowed",
        "simulated sensitive line": "engaged_and_slowed",
    }
    resistant, sensitive = found.lines
    # Both fall to about the quarter that was simulated; the intervals hold it.
    for line in found.lines:
        assert line.ratio_upper < 0.5
        assert 0.15 < line.ratio < 0.35
        assert line.inhibition_pct == pytest.approx(100 * (1 - line.ratio))
    assert resistant.ratio_lower < 0.25 < resistant.ratio_upper
    # What was simulated: 0.045 against 0.100 per day, and no difference.
    assert sensitive.rate_lower < -0.055 < sensitive.rate_upper < 0
    assert resistant.rate_lower < 0 < resistant.rate_upper


def test_pooling_seems_to_find_a_marker_and_arms_of_a_line_do_not() -> None:
    found = _compare(_studies())
    assert found.pooled.p_value is not None
    assert found.within.p_value is not None
    assert found.pooled.p_value < 0.05
    assert found.within.p_value > 0.2
    assert found.within.n_arms == 4
    assert found.within.n_animals == 40


def test_the_result_is_flagged_and_says_what_the_fall_does_not_show() -> None:
    found = _compare(_studies())
    assert found.status == "flagged"
    assert [remark.code for remark in found.remarks] == [
        "engaged_without_response",
        "measured_after_treatment",
    ]
    assert "target engaged is not response" in found.reason
    assert "shows that the drug reached its target and not that the tumor responds" in (
        found.sentence()
    )
    assert found.days == (7.0, 14.0, 21.0)
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert shown["sentence"] == found.sentence()
    assert shown["lines"][0]["inhibition_pct"] == found.lines[0].inhibition_pct


def test_one_line_that_responds_is_no_trap() -> None:
    found = _compare(_studies()[:1])
    assert [remark.code for remark in found.remarks] == ["measured_after_treatment"]
    assert "not that the tumor responds" not in found.sentence()


def test_the_ratio_is_that_of_geometric_means_of_animals() -> None:
    (study,) = [s for s in _studies() if "sensitive" in s.study_id]
    rows = study.markers
    rows = rows[rows["day"] > 0]
    arm = {animal.animal_id: animal.arm for animal in study.animals}
    rows["log"] = np.log(rows["value"])
    means = rows.groupby("animal_id")["log"].mean()
    treated = means[[name for name in means.index if arm[name] == "temsirolimus"]].to_numpy()
    control = means[[name for name in means.index if arm[name] == "vehicle"]].to_numpy()
    line = _compare([study]).lines[0]
    assert line.ratio == pytest.approx(np.exp(treated.mean() - control.mean()))
    # Welch, written out.
    parts = [part.var(ddof=1) / part.size for part in (treated, control)]
    df = sum(parts) ** 2 / sum(
        v**2 / (p.size - 1) for v, p in zip(parts, (treated, control), strict=True)
    )
    reach = stats.t.ppf(0.975, df) * np.sqrt(sum(parts))
    assert line.ratio_lower == pytest.approx(line.ratio * np.exp(-reach))
    assert line.ratio_upper == pytest.approx(line.ratio * np.exp(reach))


def test_the_order_of_the_studies_does_not_matter() -> None:
    assert _compare(_studies()) == _compare(_studies()[::-1])


def test_as_a_predictor_the_marker_is_flagged_and_predicts_nothing() -> None:
    for study in _studies():
        rows = study.markers
        late = rows[rows["day"] == 7]
        found = fit_marker_growth(
            growth_data(study),
            late["animal_id"].tolist(),
            late["value"].to_numpy(),
            control="vehicle",
            scale="log",
            timing=marker_timing(study, [7.0]),
            marker="phospho-S6",
        )
        assert found.status == "flagged"
        effect = found.of("predictive", "temsirolimus")
        assert effect.p_value is not None
        # Simulated without a relation: at 1 % for two lines, an accident of this seed is excluded.
        assert effect.p_value > 0.01


def test_doses_say_when_treatment_began_and_the_baseline_day_else() -> None:
    (study, _) = _studies()
    assert first_treatment_day(study) == (0.0, "no doses in the study: its baseline day")
    assert not marker_timing(study, [0.0]).after_treatment
    assert marker_timing(study, [0.0, 0.5]).after_treatment


def test_doses_come_before_the_baseline_day(tmp_path: Path) -> None:
    folder = tmp_path / "dosed"
    shutil.copytree(FOLDER / "sensitive", folder)
    (folder / "doses.csv").write_text(
        "animal_id,day,compound,dose_mg_per_kg,route\nS201,3,temsirolimus,2,i.v.\n"
        "S202,2,temsirolimus,2,i.v.\n"
    )
    (study,) = read_study(folder)
    assert first_treatment_day(study) == (2.0, "")
    assert "no doses" not in marker_timing(study, [7.0]).reason("pS6")


def test_rates_of_animals_are_least_squares_slopes() -> None:
    time = np.array([0.0, 1.0, 4.0, 0.0])
    data = growth_data_from_arrays(
        arm=["a"] * 4,
        animal_id=["m1", "m1", "m1", "m2"],
        time=time,
        log_size=np.array([5.0, 5.3, 6.1, 5.0]),
    )
    rates = animal_rates(data)
    assert rates[0] == pytest.approx(np.polyfit(time[:3], [5.0, 5.3, 6.1], 1)[0])
    assert np.isnan(rates[1])


def test_bad_input_is_one_clear_line() -> None:
    studies = _studies()

    def ask(marker: str = "phospho-S6", control: str = "vehicle", level: float = 0.95) -> None:
        compare_engagement(
            studies,
            marker,
            control=control,
            treated="temsirolimus",
            level=level,
            rng=np.random.default_rng(1),
        )

    with pytest.raises(InputError, match="an analyte of the table: phospho-S6"):
        ask(marker="PTEN")
    with pytest.raises(InputError, match="an arm with readings"):
        ask(control="saline")
    with pytest.raises(InputError, match="two arms"):
        ask(control="temsirolimus")
    with pytest.raises(InputError, match="between 0 and 1"):
        ask(level=95.0)
    with pytest.raises(InputError, match="each line once"):
        _compare([studies[0], studies[0]])
    with pytest.raises(InputError, match="at least one study"):
        _compare([])


def test_a_marker_from_before_treatment_only_cannot_show_engagement(tmp_path: Path) -> None:
    folder = tmp_path / "early"
    shutil.copytree(FOLDER / "sensitive", folder)
    lines = (folder / "markers.csv").read_text().splitlines()
    early = [lines[0], *(line for line in lines[1:] if line.split(",")[1] == "0")]
    (folder / "markers.csv").write_text("\n".join(early) + "\n")
    with pytest.raises(DataError, match="after treatment began on day 0"):
        _compare(list(read_study(folder)))


def test_the_picture_shows_both_questions_and_says_simulated() -> None:
    found = _compare(_studies())
    figure = plot_engagement(found)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "Is the target engaged?",
        "Does the tumor respond?",
    ]
    written = " ".join(text.get_text() for text in figure.texts)
    assert "SIMULATED" in written
    assert "growth is not shown to slow" in written


def test_stored_validation_has_the_trap_in_most_seeds_and_the_level_within_arms() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    # Three Monte Carlo errors of a share of 5 %.
    reach = 300 * np.sqrt(0.05 * 0.95 / stored["sets"])
    assert stored["sets"] >= 200
    assert abs(stored["within_pct"] - 5) <= reach
    assert stored["pooled_pct"] > 50
    assert stored["both_engaged_pct"] == 100
    assert stored["resistant_slowed_pct"] <= 2.5 + reach
