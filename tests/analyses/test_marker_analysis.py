"""Markers of lines against responses: R's numbers on real lines, and refusals of odd input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from oncovivo.analyses.marker_analysis import MarkerAnalysis, MarkerOptions, analyse_markers
from oncovivo.analyses.marker_responses import ResponseOptions
from oncovivo.biomarkers.discovery import q_values
from oncovivo.errors import DataError, FileFormatError, InputError, MissingExtraError
from oncovivo.panels import Panel, read_panel
from tests.panels.trials import made_frame

Data = Callable[[str], Path]
Reference = Callable[[str], dict[str, object]]
LINES = [f"L{n:02d}" for n in range(12)]
S6 = [0.4, -1.2, 0.9, 2.1, -0.3, 1.4, -0.8, 0.1, 1.7, -1.9, 0.6, -0.5]
NOISE = [0.02, -0.01, 0.03, -0.02, 0.01, -0.03, 0.0, 0.02, -0.02, 0.01, -0.01, 0.03]


def no_panel() -> Panel:
    pytest.fail("a table of responses is no panel")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Responses to two treatments, a marker of the first, one of nothing and a constant one."""
    first = [0.05 * a + b for a, b in zip(S6, NOISE, strict=True)]
    frame = pd.DataFrame({"model": LINES * 2, "treatment": ["a"] * 12 + ["b"] * 12})
    frame["effect"] = first + NOISE[::-1]
    frame["se"] = 0.02
    frame["tumor_type"] = ["X", "Y"] * 12
    frame.to_csv(tmp_path / "responses.csv", index=False)
    calls = ["MutNovel", "0", "0"] * 4
    markers = {"model": LINES, "S6": S6, "PIK3CA": calls, "constant": 1.0, "other": S6[::-1]}
    pd.DataFrame(markers).to_csv(tmp_path / "markers.csv", index=False)
    return tmp_path


def analyse(folder: Path, features: str = "markers.csv", **changes: Any) -> MarkerAnalysis:  # noqa: ANN401
    own = {name: changes.pop(name) for name in list(changes) if name in _OF_RESPONSES}
    responses = ResponseOptions(**{"response": "effect", **own})
    options = MarkerOptions(responses=responses, **changes)
    return analyse_markers(folder / "responses.csv", [folder / features], options, panel=no_panel)


_OF_RESPONSES = ("response", "std_error", "treatments", "tumor_types", "control", "outcome")


def numbers(values: Iterable[float | None]) -> NDArray[np.float64]:
    """Numbers as an array; what does not exist is NaN."""
    return np.array([np.nan if value is None else value for value in values])


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("table", "file", "method", "columns"),
    [
        ("expression", "breast_rnaseq.csv", "spearman", ("spearman", "spearman_p")),
        ("cnv", "breast_cnv.csv", "spearman", ("spearman", "p")),
        ("mutation", "breast_mutation.csv", "wilcoxon", ("auc_mut_higher", "wilcoxon_p")),
    ],
)
def test_breast_lines_agree_with_r(
    table: str,
    file: str,
    method: Any,  # noqa: ANN401
    columns: tuple[str, str],
    shared_data: Data,
    shared_reference: Reference,
) -> None:
    sections = cast("dict[str, Any]", shared_reference("pdxe")["sections"])
    frame = pd.DataFrame(sections["95_biomarkers"]["results"][table])
    pdxe = shared_data("pdxe")
    treatments = set(frame["treatment"])
    result = analyse_markers(
        pdxe / "published_metrics.csv",
        [pdxe / file],
        MarkerOptions(responses=ResponseOptions(response="best_avg_response_pct"), method=method),
        panel=no_panel,
    )
    # treatments with 8 lines or more, as the reference chose them
    assert {one.treatment for one in result.treatments} == treatments
    found = {(name, one.marker): one for name, one in result.associations}
    rows = [found[key] for key in zip(frame["treatment"], frame["gene"], strict=True)]
    # the reference's own tolerances; its numbers near zero are printed with twelve digits
    np.testing.assert_allclose(
        numbers(row.estimate for row in rows), frame[columns[0]], rtol=1e-8, atol=1e-11
    )
    np.testing.assert_allclose(numbers(row.p_value for row in rows), frame[columns[1]], rtol=1e-6)
    if table == "expression":
        assert len(rows) == len(result.associations) == 484
        np.testing.assert_allclose(
            numbers(row.q_value for row in rows), frame["spearman_fdr_all"], rtol=1e-6
        )
    assert {row.status for row in rows} <= {"ok", "flagged"}


def test_false_discoveries_are_shared_over_all_treatments(folder: Path) -> None:
    result = analyse(folder)
    rows = [one for _, one in result.associations]
    p = np.array([np.nan if row.p_value is None else row.p_value for row in rows])
    assert len(rows) == 8
    for row, q in zip(rows, q_values(p), strict=True):
        assert row.q_value is None if np.isnan(q) else row.q_value == q
    alone = analyse(folder, treatments=("a",)).associations[0][1]
    # six tests with numbers instead of three: the smallest p counts twice as much
    assert rows[0].q_value == pytest.approx(2 * (alone.q_value or 0))


def test_weights_are_taken_where_there_are_standard_errors(folder: Path) -> None:
    assert analyse(folder).options.method == "unweighted"
    assert analyse(folder, std_error="se").options.method == "weighted"
    assert analyse(folder, std_error="se", method="pearson").options.method == "pearson"


def test_a_constant_marker_is_kept_with_its_reason(folder: Path) -> None:
    rows = {one.marker: one for _, one in analyse(folder, treatments=("a",)).associations}
    assert (rows["constant"].status, rows["constant"].estimate) == ("undefined", None)
    assert rows["constant"].reason == "constant: 1 in all 12 lines"


def test_a_marker_measured_after_treatment_is_flagged(folder: Path) -> None:
    result = analyse(folder, treatments=("a",), measured_after=("S6",))
    rows = {one.marker: one for _, one in result.associations}
    assert rows["S6"].status == "flagged"
    assert "measured after treatment" in rows["S6"].reason
    assert rows["other"].status == "ok"


def test_lines_are_compared_within_tumor_types_and_covariates_are_no_markers(
    folder: Path,
) -> None:
    result = analyse(folder, treatments=("a",), adjust=("tumor_type", "S6"))
    rows = {one.marker: one for _, one in result.associations}
    assert set(rows) == {"PIK3CA", "constant", "other"}
    kind = np.array([0.0, 1.0] * 6)
    effect = 0.05 * np.array(S6) + np.array(NOISE)
    design = np.column_stack([np.ones(12), kind, S6, S6[::-1]])
    slope = np.linalg.lstsq(design, effect, rcond=None)[0][-1]
    assert rows["other"].estimate == pytest.approx(slope, rel=1e-9)


def test_same_input_gives_the_same_numbers_and_a_seed_others(folder: Path) -> None:
    first, again = (analyse(folder, permutations=50).to_dict() for _ in range(2))
    assert first == again
    other = analyse(folder, permutations=50, seed=1)
    assert other.seed == 1
    assert other.to_dict()["associations"] != first["associations"]


def test_a_treatment_without_lines_is_a_result_beside_others(folder: Path) -> None:
    frame = pd.read_csv(folder / "responses.csv")
    frame.loc[frame["treatment"] == "b", "model"] = [f"M{n}" for n in range(12)]
    frame.to_csv(folder / "responses.csv", index=False)
    rows = [one for _, one in analyse(folder, treatments=("a", "b")).associations]
    assert [row.status for row in rows[4:]] == ["undefined"] * 4
    assert rows[4].reason.startswith("expected 3 lines or more with a response to b and markers")
    with pytest.raises(DataError, match="found 0 \\(12 lines without markers: M0"):
        analyse(folder, treatments=("b",))


def test_five_lines_under_one_treatment_are_enough(folder: Path) -> None:
    frame = pd.read_csv(folder / "responses.csv").head(5).drop(columns="treatment")
    frame.to_csv(folder / "responses.csv", index=False)
    assert analyse(folder).associations[0][1].n_lines == 5
    frame.head(1).to_csv(folder / "responses.csv", index=False)
    with pytest.raises(DataError, match="3 lines or more"):
        analyse(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatments": ("z",)}, "a treatment of the file, found 'z'; use one of: a, b"),
        ({"treatments": ("a", "a")}, "each once, found 'a' twice"),
        ({"tumor_types": ("z",)}, "a tumor type of the file, found 'z'; use one of: X, Y"),
        ({"markers": ("z",)}, "a marker of the table"),
        ({"adjust": ("z",)}, "a marker of the table"),
        ({"measured_after": ("z",)}, "a marker of the table"),
        ({"markers": ("S6",), "adjust": ("S6",)}, "found 'S6' as both"),
        ({"adjust": ("S6", "PIK3CA", "constant", "other")}, "a marker beside those"),
        ({"control": "a"}, "a control with growth curves"),
        ({"interaction": True}, "growth curves of treated and control animals"),
        ({"response": None, "std_error": "se"}, "found --std-error alone"),
        ({"predict": "forest"}, "one treatment for a prediction, found 2: a, b"),
        ({"method": "wilcoxon", "permutations": 9}, "permutations with"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    changes: dict[str, Any], message: str, folder: Path
) -> None:
    with pytest.raises(InputError, match=message):
        analyse(folder, **changes)


@pytest.mark.parametrize("error", ["0", "-1", "", "NA"])
def test_a_standard_error_that_is_not_positive_is_refused_with_its_row(
    error: str, folder: Path
) -> None:
    rows = "".join(f"{line},0.{n},{error if n == 4 else 0.1}\n" for n, line in enumerate(LINES))
    (folder / "responses.csv").write_text("model,effect,se\n" + rows, encoding="utf-8")
    with pytest.raises(FileFormatError, match="row 6, column se: expected a positive standard"):
        analyse(folder, std_error="se")


def test_a_response_twice_is_refused_with_both_rows(folder: Path) -> None:
    text = "model,effect\nL00,1\nL01,2\nL00,3\nL02,3\n"
    (folder / "responses.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"row 4: .* L00 again, first in row 2"):
        analyse(folder)


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1e400"])
def test_a_cell_without_a_finite_number_rules_the_marker_out(cell: str, folder: Path) -> None:
    rows = "".join(f"{line},{cell if n == 4 else S6[n]}\n" for n, line in enumerate(LINES))
    (folder / "odd.csv").write_text("model,S6\n" + rows, encoding="utf-8")
    result = analyse(folder, "odd.csv", treatments=("a",))
    ((_, row),) = result.associations
    assert (row.status, row.p_value) == ("undefined", None)
    assert row.reason.startswith(f"no finite number: L04 {cell}")
    assert result.files[0].remarks == (f"S6: {row.reason}",)


def test_words_among_numbers_are_named(folder: Path) -> None:
    rows = "".join(f"{line},{'high' if n == 4 else S6[n]}\n" for n, line in enumerate(LINES))
    (folder / "odd.csv").write_text("model,S6\n" + rows, encoding="utf-8")
    result = analyse(folder, "odd.csv", treatments=("a",))
    (remark,) = result.files[0].remarks
    assert remark == "S6: numbers and words, read as categories: L04 high"


@pytest.mark.parametrize("kind", ["semicolon", "workbook"])
def test_markers_of_a_spreadsheet_program_are_the_same(kind: str, folder: Path) -> None:
    frame = pd.read_csv(folder / "markers.csv", dtype=str, keep_default_na=False)
    if kind == "semicolon":
        name = "other.csv"
        text = frame.to_csv(sep=";", index=False).replace(".", ",")
        (folder / name).write_bytes(("\ufeff" + text).encode())
    else:
        name = "other.xlsx"
        pd.read_csv(folder / "markers.csv").to_excel(folder / name, index=False)
    other, plain = analyse(folder, name), analyse(folder)
    assert other.associations == plain.associations


def test_responses_may_be_a_workbook(folder: Path) -> None:
    pd.read_csv(folder / "responses.csv").to_excel(folder / "responses.xlsx", index=False)
    options = MarkerOptions(responses=ResponseOptions(response="effect"))
    book = analyse_markers(
        folder / "responses.xlsx", [folder / "markers.csv"], options, panel=no_panel
    )
    first, plain = book.associations[0][1], analyse(folder).associations[0][1]
    # a workbook keeps 16 digits
    assert first.estimate == pytest.approx(plain.estimate, rel=1e-12)
    assert len(book.associations) == 8


def test_a_missing_learner_is_refused_before_any_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="markers"):
        analyse(folder, "no such file.csv", predict="forest")


@pytest.fixture
def panel_folder(tmp_path: Path) -> Path:
    """Eight lines with one drug, and their markers."""
    made_frame(21, effect=-0.05).to_csv(tmp_path / "growth.csv", index=False)
    names = [f"L{n}" for n in range(8)]
    pd.DataFrame({"line": names, "S6": S6[:8], "calls": ["0", "MutNovel"] * 4}).to_csv(
        tmp_path / "markers.csv", index=False
    )
    return tmp_path


def of_panel(folder: Path, **changes: Any) -> MarkerAnalysis:  # noqa: ANN401
    own = {name: changes.pop(name) for name in list(changes) if name in _OF_RESPONSES}
    options = MarkerOptions(responses=ResponseOptions(**{"control": "none", **own}), **changes)
    path = folder / "growth.csv"
    return analyse_markers(path, [folder / "markers.csv"], options, panel=lambda: read_panel(path))


def test_the_interaction_is_the_effect_and_has_families_of_its_own(panel_folder: Path) -> None:
    result = of_panel(panel_folder, interaction=True)
    rows = {(one.analysis, one.marker): one for _, one in result.associations}
    assert len(rows) == 6
    for marker in ("S6", "calls"):
        weighted, told = rows["weighted", marker], rows["predictive", marker]
        # treated less control of each line is the line's effect, by either way
        assert told.estimate == pytest.approx(weighted.estimate, rel=1e-9)
        assert told.n_animals == weighted.n_animals == 16
    for analysis in ("weighted", "predictive", "prognostic"):
        own = [row for (name, _), row in rows.items() if name == analysis]
        p = np.array([row.p_for_q for row in own], dtype=np.float64)
        np.testing.assert_array_equal([row.q_value for row in own], q_values(p))


def test_the_interaction_is_compared_within_covariates_too(panel_folder: Path) -> None:
    # calls alternate as the tumor types do
    result = of_panel(panel_folder, interaction=True, adjust=("tumor_type",))
    rows = {(one.analysis, one.marker): one for _, one in result.associations}
    assert {row.status for (_, marker), row in rows.items() if marker == "calls"} == {"undefined"}
    assert rows["predictive", "S6"].estimate == pytest.approx(
        rows["weighted", "S6"].estimate, rel=1e-9
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatments": ("none",)}, "beside the control, found 'none'; use one of: drug"),
        ({"treatments": ("z",)}, "beside the control, found 'z'; use one of: drug"),
        ({"tumor_types": ("A", "z")}, "a tumor type of the file, found 'z'; use one of: A, B"),
        ({"control": "z"}, "as control, found 'z'; use one of: drug, none"),
        ({"control": None}, "name it with --control: drug, none"),
    ],
)
def test_names_that_a_panel_does_not_have_are_refused(
    changes: dict[str, Any], message: str, panel_folder: Path
) -> None:
    with pytest.raises(InputError, match=message):
        of_panel(panel_folder, **changes)
