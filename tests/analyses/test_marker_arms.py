"""A table of assays: arms against the control, by R's numbers, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from oncovivo.analyses.marker_arms import MarkerArms, MarkerArmsOptions, compare_marker_arms
from oncovivo.errors import DataError, FileFormatError, InputError

Data = Callable[[str], Path]
Reference = Callable[[str], dict[str, object]]


def rows(analyte: str, *, arms: tuple[str, str] = ("vehicle", "drug")) -> list[dict[str, Any]]:
    return [
        {"animal_id": f"m{n}", "arm": arms[n > 5], "analyte": analyte, "value": n * 7 % 11 + 1}
        for n in range(12)
    ]


def write(folder: Path, content: list[dict[str, Any]], name: str = "markers.csv") -> Path:
    path = folder / name
    if name.endswith("xlsx"):
        pd.DataFrame(content).to_excel(path, index=False)
    else:
        pd.DataFrame(content).to_csv(path, index=False)
    return path


def compare(path: Path, **options: Any) -> MarkerArms:  # noqa: ANN401
    return compare_marker_arms(path, MarkerArmsOptions(**options))


def section(reference: Reference, name: str) -> Any:  # noqa: ANN401
    return cast("Any", reference("crc_angiogenesis")["sections"])[name]["results"]


@pytest.mark.realdata
def test_microvessel_density_agrees_with_r(shared_data: Data, shared_reference: Reference) -> None:
    found = compare(shared_data("crc_angiogenesis/microvessel_density.csv"))
    expected = section(shared_reference, "95_mvd")
    assert found.control == "CG"
    by = {(one.arm, one.result.analysis): one.result for one in found.contrasts}
    tukey = dict(zip(expected["tukey"]["pair"], range(3), strict=True))
    for place, arm in enumerate(("MET", "MTD")):
        dunnett = by[arm, "Dunnett"]
        at = tukey[f"{arm}-CG"]
        assert dunnett.estimate == pytest.approx(expected["tukey"]["diff"][at], rel=1e-8)
        # limits and p-values by integrals of a multivariate t: the reference's own tolerance
        assert dunnett.lower == pytest.approx(expected["tukey"]["lwr"][at], abs=5e-4)
        assert dunnett.upper == pytest.approx(expected["tukey"]["upr"][at], abs=5e-4)
        assert dunnett.p_value == pytest.approx(expected["dunnett_p"][place], abs=5e-4)
        wilcoxon = by[arm, "Wilcoxon rank sum, Bonferroni"]
        assert wilcoxon.p_value == pytest.approx(expected["pairwise_p"]["CG"][place], rel=1e-8)
        assert wilcoxon.lower is None
    assert {one.result.status for one in found.contrasts} == {"flagged"}
    assert "pseudo-replicates" in found.contrasts[0].result.reason
    assert found.contrasts[0].result.n_animals is None


@pytest.mark.realdata
@pytest.mark.parametrize("outcome", ["hb", "sto2"])
def test_perfusion_over_weeks_agrees_with_r(
    outcome: str, shared_data: Data, shared_reference: Reference
) -> None:
    found = compare(shared_data("crc_angiogenesis/perfusion.csv"), analytes=(outcome,))
    expected = section(shared_reference, f"96_lmm_{outcome}")["lmm_kr"]
    terms = dict(zip(expected["term"], range(6), strict=True))
    assert [one.arm for one in found.contrasts] == ["MET", "MTD"]
    for one in found.contrasts:
        at = terms[f"w:g{one.arm}"]
        # per day against per week; tolerances of the reference
        assert one.result.estimate == pytest.approx(expected["Estimate"][at] / 7, rel=1e-4)
        assert one.result.std_error == pytest.approx(expected["Std. Error"][at] / 7, rel=1e-3)
        assert one.result.df == pytest.approx(expected["df"][at], rel=1e-2)
        assert one.result.p_value == pytest.approx(expected["Pr(>|t|)"][at], rel=1e-2)


def test_the_estimate_is_treated_less_control_whatever_the_names(tmp_path: Path) -> None:
    for arms in (("vehicle", "drug"), ("vehicle", "zz")):
        path = write(tmp_path, rows("Ki-67", arms=arms))
        frame = pd.read_csv(path)
        means = frame.groupby("arm")["value"].mean()
        first = compare(path).contrasts[0]
        assert (first.arm, first.versus) == (arms[1], "vehicle")
        result = first.result
        assert result.estimate == pytest.approx(means[arms[1]] - means["vehicle"], rel=1e-12)
        assert result.lower is not None
        assert result.upper is not None
        assert result.lower < (result.estimate or 0) < result.upper
        assert (result.status, result.n_animals) == ("ok", 12)


def test_a_control_of_an_odd_name_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, rows("Ki-67", arms=("Größe [x]", "drug")))
    with pytest.raises(InputError, match=r"--control: Größe \[x\], drug"):
        compare(path)
    assert compare(path, control="Größe [x]").contrasts[0].arm == "drug"


@pytest.mark.parametrize("name", ["long.xlsx", "wide.xlsx", "wide.csv"])
def test_workbooks_and_wide_tables_say_the_same(name: str, tmp_path: Path) -> None:
    content = rows("Ki-67")
    if name.startswith("wide"):
        content = [
            {"animal_id": row["animal_id"], "arm": row["arm"], "Ki-67": row["value"]}
            for row in content
        ]
    plain = compare(write(tmp_path, rows("Ki-67")))
    assert compare(write(tmp_path, content, name)).contrasts == plain.contrasts


def test_one_marker_that_cannot_be_compared_does_not_stop_the_others(tmp_path: Path) -> None:
    found = compare(write(tmp_path, [*rows("Ki-67"), *rows("VEGF")[:6]]))
    by = {one.result.marker: one.result for one in found.contrasts}
    assert by["Ki-67"].status == "ok"
    assert (by["VEGF"].status, by["VEGF"].p_value) == ("undefined", None)
    assert "two or more arms with values of VEGF" in by["VEGF"].reason
    with pytest.raises(DataError, match="two or more arms with values of VEGF"):
        compare(write(tmp_path, [*rows("Ki-67"), *rows("VEGF")[:6]]), analytes=("VEGF",))


def test_a_marker_by_two_assays_is_chosen_by_its_assay(tmp_path: Path) -> None:
    both = [{**row, "assay": "elisa"} for row in rows("Ki-67")]
    both += [{**row, "assay": "rppa", "value": 2 * row["value"]} for row in rows("Ki-67")]
    path = write(tmp_path, both)
    elisa, rppa = (
        compare(path, analytes=(f"Ki-67:{assay}",)).contrasts[0].result.estimate
        for assay in ("elisa", "rppa")
    )
    assert elisa is not None
    assert rppa == pytest.approx(2 * elisa, rel=1e-12)
    with pytest.raises(InputError, match="one kind of reading of Ki-67"):
        compare(path)


def test_constant_markers_have_no_numbers_and_say_why(tmp_path: Path) -> None:
    found = compare(write(tmp_path, [{**row, "value": 5} for row in rows("Ki-67")]))
    assert {one.result.status for one in found.contrasts} == {"not_estimable"}
    assert found.contrasts[0].result.reason == "no spread within the arms"


def test_malformed_tables_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, rows("Ki-67"))
    with pytest.raises(InputError, match="a marker of the table, found 'z'; use one of: Ki-67"):
        compare(path, analytes=("z",))
    with pytest.raises(InputError, match="found 'z'; use one of: drug, vehicle"):
        compare(path, control="z")
    with pytest.raises(DataError, match="two arms or more, found vehicle"):
        compare(write(tmp_path, rows("Ki-67")[:6]))
    mixed = [{**row, "unit": "ng/mL" if n % 2 else "pg/mL"} for n, row in enumerate(rows("a"))]
    with pytest.raises(DataError, match="row 3, column unit: expected one unit for a"):
        compare(write(tmp_path, mixed))
    wide = [{"animal_id": "m1", "arm": "vehicle", "sex": "f"}]
    with pytest.raises(FileFormatError, match="columns of numbers as markers"):
        compare(write(tmp_path, wide))
    odd = [
        {"animal_id": row["animal_id"], "arm": row["arm"], "Ki-67": "x" if n == 3 else n}
        for n, row in enumerate(rows("a"))
    ]
    with pytest.raises(FileFormatError, match="row 5, column Ki-67: expected a number"):
        compare(write(tmp_path, odd))
