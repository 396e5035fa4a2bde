"""``oncovivo meta``: its JSON, its options, its tables and figures, and how it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

CONTRACT = {
    "measure", "method", "test", "k", "estimate", "std_error", "df", "lower", "upper", "p_value",
    "tau2", "tau2_lower", "tau2_upper", "i2", "h2", "q", "q_p_value", "pi_lower", "pi_upper",
    "moderators", "rows", "warnings",
}  # fmt: skip
GROUPS = (
    "label,study_id,control_id,tumor_type,graft_type,blinded,dose,year,"
    "n_treated,mean_treated,sem_treated,n_control,mean_control,sem_control\n"
    """A1,P1,c1,glioma,pdx,yes,10,2011,8,220,30,8,610,70
A2,P1,c1,glioma,pdx,yes,20,2011,8,120,20,8,610,70
B,P2,c1,glioma,cdx,no,10,2014,6,400,60,6,800,90
C,P3,,breast,cdx,no,15,2009,10,500,50,10,900,100
D,P4,,breast,pdx,yes,25,2016,7,300,50,7,1000,120
E,P5,,breast,cdx,no,5,2012,9,700,80,9,950,90
"""
)
GIVEN = "label,yi,vi\na,-0.2,0.04\nb,-0.5,0.05\nc,-0.9,0.06\nd,-0.1,0.09\n"


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    return write(tmp_path, GROUPS)


def write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(run_cli: RunCli, file: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    outcome = run_cli("meta", file, *arguments, "--json")
    assert outcome.code == code, outcome.err
    found: dict[str, Any] = json.loads(outcome.out, parse_constant=pytest.fail)
    return found


def refuse(run_cli: RunCli, file: Path, *arguments: str, code: int) -> str:
    outcome = run_cli("meta", file, *arguments)
    assert outcome.code == code, outcome.out + outcome.err
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    return outcome.err


def test_the_contract_has_its_keys_and_every_option(run_cli: RunCli, groups: Path) -> None:
    found = run(run_cli, groups, "--measure", "ROM")
    assert set(found) >= CONTRACT
    assert list(found)[:4] == ["schema", "input", "options", "seed"]
    assert found["schema"] == "oncovivo.meta/1"
    assert found["seed"] is None
    assert found["input"]["name"] == "rows.csv"
    assert len(found["input"]["sha256"]) == 64
    options = found["options"]
    assert options["method"] == "REML"
    assert options["test"] == "knapp-hartung"
    assert options["prediction"] == "t-k2"
    assert options["level"] == 0.95
    for row in found["rows"]:
        assert {"label", "yi", "vi", "weight"} <= set(row)
    for warning in found["warnings"]:
        assert set(warning) == {"code", "message", "arm", "animal_id", "rows"}


def test_equal_effects_are_those_of_a_hand_calculation(run_cli: RunCli, groups: Path) -> None:
    found = run(run_cli, groups, "--measure", "ROM", "--method", "EE", "--test", "z")
    table = pd.read_csv(groups)
    yi = np.log(table.mean_treated / table.mean_control)
    # SEM²/mean² is SD²/(n mean²).
    vi = (table.sem_treated / table.mean_treated) ** 2
    vi += (table.sem_control / table.mean_control) ** 2
    assert [row["yi"] for row in found["rows"]] == pytest.approx(yi.tolist(), rel=1e-12)
    assert [row["vi"] for row in found["rows"]] == pytest.approx(vi.tolist(), rel=1e-12)
    weight = (1 / vi) / (1 / vi).sum()
    assert [row["weight"] for row in found["rows"]] == pytest.approx(weight.tolist(), rel=1e-12)
    estimate = float((weight * yi).sum())
    error = float((1 / vi).sum() ** -0.5)
    assert found["estimate"] == pytest.approx(estimate, rel=1e-12)
    assert found["std_error"] == pytest.approx(error, rel=1e-12)
    assert found["upper"] == pytest.approx(estimate + 1.959963984540054 * error, rel=1e-12)
    q = float((((yi - estimate) ** 2) / vi).sum())
    assert found["q"] == pytest.approx(q, rel=1e-10)
    assert found["i2"] == pytest.approx(100 * (q - 5) / q, rel=1e-10)
    assert found["h2"] == pytest.approx(q / 5, rel=1e-10)
    assert found["ratio"]["estimate"] == pytest.approx(math.exp(estimate), rel=1e-12)
    assert found["ratio"]["pi_lower"] is None
    assert found["missing"]["pi"] == "equal effects: no variance between rows"
    row = found["rows"][0]
    assert row["ratio"]["estimate"] == pytest.approx(220 / 610, rel=1e-12)
    assert row["lower"] == pytest.approx(yi[0] - 1.959963984540054 * vi[0] ** 0.5, rel=1e-12)


def test_standard_errors_of_the_mean_become_standard_deviations_with_a_record(
    run_cli: RunCli, groups: Path, tmp_path: Path
) -> None:
    found = run(run_cli, groups, "--measure", "SMD")
    table = pd.read_csv(groups)
    for side in ("treated", "control"):
        table[f"sd_{side}"] = table.pop(f"sem_{side}") * table[f"n_{side}"] ** 0.5
    table.to_csv(tmp_path / "sd.csv", index=False)
    same = run(run_cli, tmp_path / "sd.csv", "--measure", "SMD")
    assert same["estimate"] == pytest.approx(found["estimate"], rel=1e-12)
    assert same["conversions"] == []
    assert len(found["conversions"]) == 12
    first = found["conversions"][0]
    assert first["label"] == "A1, treated"
    assert (first["kind"], first["formula"]) == ("sem", "SEM × √n")
    assert first["sd"] == pytest.approx(30 * math.sqrt(8), rel=1e-12)
    # Told by an option, or by a column, whatever the dispersion is called.
    names = {"sem_treated": "dispersion_treated", "sem_control": "dispersion_control"}
    renamed = pd.read_csv(groups).rename(columns=names)
    renamed.to_csv(tmp_path / "told.csv", index=False)
    told = run(run_cli, tmp_path / "told.csv", "--measure", "SMD", "--dispersion", "sem")
    assert told["estimate"] == pytest.approx(found["estimate"], rel=1e-12)
    renamed.assign(dispersion="SEM").to_csv(tmp_path / "told.csv", index=False)
    told = run(run_cli, tmp_path / "told.csv", "--measure", "SMD")
    assert told["estimate"] == pytest.approx(found["estimate"], rel=1e-12)


def test_other_names_are_known_or_mapped(run_cli: RunCli, groups: Path, tmp_path: Path) -> None:
    expected = run(run_cli, groups, "--measure", "ROM")["estimate"]
    header, rows = GROUPS.split("\n", 1)
    names = {
        "n_treated": "no_ex", "mean_treated": "mean_ex", "sem_treated": "SE.e",
        "n_control": "N2i", "mean_control": "con_mean", "sem_control": "ctrl_sem",
    }  # fmt: skip
    text = ",".join(names.get(name, name) for name in header.split(",")) + "\n" + rows
    known = run(run_cli, write(tmp_path, text, "known.csv"), "--measure", "rom")
    assert known["estimate"] == expected
    assert known["columns"]["sem_treated"] == "SE.e"
    text = GROUPS.replace("mean_treated", "Tumor size").replace("label", "Experiment")
    mapped = run(
        run_cli, write(tmp_path, text, "mapped.csv"), "--measure", "ROM",
        "--map", "mean_treated=tumor SIZE", "--map", "label=Experiment",
    )  # fmt: skip
    assert mapped["estimate"] == expected
    assert mapped["rows"][1]["label"] == "A2"
    assert mapped["options"]["map"]["label"] == "Experiment"


def test_given_effects_pool_by_their_variances_errors_or_limits(
    run_cli: RunCli, tmp_path: Path
) -> None:
    found = run(run_cli, write(tmp_path, GIVEN), "--measure", "given")
    assert found["measure"] == "given"
    assert found["ratio"] is None
    table = pd.read_csv(tmp_path / "rows.csv")
    error = table.vi**0.5
    forms = {
        "se": table.assign(se=error).drop(columns="vi"),
        "limits": table.assign(
            lower=table.yi - 1.959963984540054 * error, upper=table.yi + 1.959963984540054 * error
        ).drop(columns="vi"),
    }
    for name, form in forms.items():
        form.to_csv(tmp_path / f"{name}.csv", index=False)
        same = run(run_cli, tmp_path / f"{name}.csv", "--measure", "given")
        assert same["estimate"] == pytest.approx(found["estimate"], rel=1e-9)
        assert same["tau2"] == pytest.approx(found["tau2"], rel=1e-6)
    # The same numbers as logarithms of a ratio.
    ratio = run(run_cli, tmp_path / "rows.csv", "--measure", "HR")
    assert ratio["measure"] == "log_hazard_ratio"
    assert ratio["ratio"]["estimate"] == pytest.approx(math.exp(found["estimate"]), rel=1e-12)


def test_rows_with_one_control_share_its_error(run_cli: RunCli, groups: Path) -> None:
    alone = run(run_cli, groups, "--measure", "ROM")
    told = [one["message"] for one in alone["warnings"]]
    assert "2 rows share their control" in " ".join(told)
    found = run(run_cli, groups, "--measure", "ROM", "--v", "shared-control")
    assert found["options"]["test"] == "t"
    assert (found["test"], found["df"]) == ("t", 5)
    vi = [row["vi"] for row in found["rows"]]
    whole = np.diag(np.array(vi) + found["tau2"])
    # Only the rows of paper P1: c1 of P2 is another control.
    whole[0, 1] = whole[1, 0] = (70 / 610) ** 2
    weight = np.linalg.solve(whole, np.ones(6))
    assert [row["weight"] for row in found["rows"]] == pytest.approx(
        (weight / weight.sum()).tolist(), rel=1e-10
    )
    yi = np.array([row["yi"] for row in found["rows"]])
    assert found["estimate"] == pytest.approx(float(weight @ yi / weight.sum()), rel=1e-10)
    assert found["std_error"] == pytest.approx(float(weight.sum() ** -0.5), rel=1e-8)
    assert found["covariance_formula"] == "sd_c²/(n_c mean_c²)"


def test_an_assumed_correlation_within_studies_needs_its_size(
    run_cli: RunCli, groups: Path
) -> None:
    found = run(
        run_cli, groups, "--measure", "ROM", "--v", "same-study", "--rho", "0.5", "--test", "z"
    )
    vi = np.array([row["vi"] for row in found["rows"]])
    whole = np.diag(vi + found["tau2"])
    whole[0, 1] = whole[1, 0] = 0.5 * math.sqrt(vi[0] * vi[1])
    weight = np.linalg.solve(whole, np.ones(6))
    assert [row["weight"] for row in found["rows"]] == pytest.approx(
        (weight / weight.sum()).tolist(), rel=1e-10
    )
    assert "--rho" in refuse(run_cli, groups, "--measure", "ROM", "--v", "same-study", code=2)
    said = refuse(run_cli, groups, "--measure", "ROM", "--v", "same-study", "--rho", "50", code=2)
    assert "write 0.5 for 50 %" in said


def test_nested_rows_weigh_by_all_levels_and_clusters_are_robust(
    run_cli: RunCli, groups: Path
) -> None:
    found = run(run_cli, groups, "--measure", "ROM", "--random", "study/row", "--cluster", "study")
    assert [one["name"] for one in found["levels"]] == ["study", "row"]
    assert [one["groups"] for one in found["levels"]] == [5, 6]
    outer, inner = (one["variance"] for one in found["levels"])
    assert found["tau2"] == pytest.approx(outer + inner, rel=1e-12)
    assert found["missing"]["tau2_limits"]
    vi = np.array([row["vi"] for row in found["rows"]])
    paper = np.array([0, 0, 1, 2, 3, 4])
    whole = np.diag(vi + inner) + outer * (paper[:, None] == paper)
    weight = np.linalg.solve(whole, np.ones(6))
    assert [row["weight"] for row in found["rows"]] == pytest.approx(
        (weight / weight.sum()).tolist(), rel=1e-9
    )
    assert found["h2"] == pytest.approx(1 / (1 - found["i2"] / 100), rel=1e-12)
    robust = found["robust"]
    assert (robust["method"], robust["clusters"]) == ("CR2", 5)
    assert robust["coefficients"][0]["estimate"] == pytest.approx(found["estimate"], rel=1e-10)
    assert [one["label"] for one in found["leave_one_out"]] == ["P1", "P2", "P3", "P4", "P5"]
    assert found["influence"] is None
    # Without a level of rows, those of a paper have one true effect: that is said.
    coarse = run(run_cli, groups, "--measure", "ROM", "--random", "study")
    assert any("add /row" in one["message"] for one in coarse["warnings"])
    # A robust variance alone leaves the pooled effect as it is.
    plain = run(run_cli, groups, "--measure", "ROM")
    beside = run(run_cli, groups, "--measure", "ROM", "--cluster", "study")
    assert beside["estimate"] == plain["estimate"]
    assert beside["robust"]["coefficients"][0]["estimate"] == pytest.approx(
        plain["estimate"], rel=1e-6
    )


def test_knapp_hartung_of_nested_rows_becomes_t_and_says_so(run_cli: RunCli, groups: Path) -> None:
    found = run(
        run_cli, groups, "--measure", "ROM", "--random", "study/row", "--test", "knapp-hartung"
    )
    assert found["test"] == "t"
    assert any("tested by t" in one["message"] for one in found["warnings"])


def test_moderators_are_numbers_or_levels(run_cli: RunCli, groups: Path) -> None:
    found = run(
        run_cli, groups, "--measure", "ROM", "--moderators", "dose,graft_type",
        "--reference", "graft_type=pdx", "--test", "t",
    )  # fmt: skip
    assert [one["term"] for one in found["moderators"]] == [
        "intercept", "dose", "graft_type: cdx",
    ]  # fmt: skip
    assert found["regression"]["tested"] == ["dose", "graft_type: cdx"]
    assert [one["df"] for one in found["moderators"]] == [3, 3, 3]
    assert found["regression"]["qm_df2"] == 3
    # The pooled effect is that without moderators.
    assert found["estimate"] == run(run_cli, groups, "--measure", "ROM", "--test", "t")["estimate"]


def test_a_row_without_its_moderator_leaves_the_regression_only(
    run_cli: RunCli, tmp_path: Path
) -> None:
    text = GROUPS.replace("D,P4,,breast,pdx,yes,25", "D,P4,,breast,pdx,yes,")
    found = run(run_cli, write(tmp_path, text), "--measure", "ROM", "--moderators", "dose")
    assert (found["k"], found["regression"]["k"]) == (6, 5)
    (said,) = [one for one in found["warnings"] if one["code"] == "dropped"]
    assert said["rows"] == ["D"]
    assert said["message"].startswith("moderators:")


def test_subgroups_have_their_own_pooled_effects(run_cli: RunCli, groups: Path) -> None:
    found = run(
        run_cli, groups, "--measure", "ROM", "--by", "tumor_type",
        "--subgroup-variance", "separate", "--test", "z",
    )  # fmt: skip
    (breast, glioma) = found["subgroups"]["groups"]
    assert (breast["level"], breast["k"], glioma["k"]) == ("breast", 3, 3)
    assert breast["tau2"] != glioma["tau2"]
    weight = np.array([breast["std_error"] ** -2, glioma["std_error"] ** -2])
    effect = np.array([breast["estimate"], glioma["estimate"]])
    center = weight @ effect / weight.sum()
    statistic = float(weight @ (effect - center) ** 2)
    assert found["subgroups"]["statistic"] == pytest.approx(statistic, rel=1e-10)
    common = run(run_cli, groups, "--measure", "ROM", "--by", "tumor_type")["subgroups"]
    assert {one["tau2"] for one in common["groups"]} == {common["groups"][0]["tau2"]}
    assert (common["df"], common["df2"]) == (1, 4)
    assert [row["group"] for row in found["rows"]] == ["glioma"] * 3 + ["breast"] * 3
    # Of nested rows the groups come from one model.
    nested = run(
        run_cli, groups, "--measure", "ROM", "--by", "tumor_type", "--random", "study/row"
    )["subgroups"]
    assert [one["level"] for one in nested["groups"]] == ["breast", "glioma"]


def test_rows_come_in_by_year(run_cli: RunCli, groups: Path) -> None:
    found = run(run_cli, groups, "--measure", "ROM", "--cumulative", "year")
    steps = found["cumulative"]
    assert [one["label"] for one in steps] == ["C", "A1", "A2", "E", "B", "D"]
    assert [one["k"] for one in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1]["estimate"] == pytest.approx(found["estimate"], rel=1e-8)


def test_numbers_in_brackets_tell_rows_of_one_paper(run_cli: RunCli, tmp_path: Path) -> None:
    text = "study,yi,vi\nX 2019 (1),-0.2,0.04\nX 2019 (2),-0.5,0.05\nY 2020,-0.9,0.06\n"
    found = run(run_cli, write(tmp_path, text), "--measure", "given")
    assert [row["study"] for row in found["rows"]] == ["X 2019", "X 2019", "Y 2020"]
    assert found["studies"] == 2
    assert any("study/row" in one["message"] for one in found["warnings"])


def test_rows_that_cannot_be_used_are_left_out_with_their_reason(
    run_cli: RunCli, tmp_path: Path
) -> None:
    text = GROUPS.replace(
        "C,P3,,breast,cdx,no,15,2009,10,500,50", "C,P3,,breast,cdx,no,15,2009,10,0,50"
    )
    found = run(run_cli, write(tmp_path, text.replace("610,70\nB", "610,\nB")), "--measure", "ROM")
    assert (found["k"], found["rows_in_file"]) == (4, 6)
    dropped = {
        one["rows"][0]: one["message"] for one in found["warnings"] if one["code"] == "dropped"
    }
    assert dropped == {
        "A2": "left out: sd_control is missing",
        "C": "left out: a ratio needs means above 0",
    }


def test_one_animal_is_flagged_and_leaves_with_code_one(run_cli: RunCli, tmp_path: Path) -> None:
    text = GROUPS.replace("10,500,50", "1,500,50")
    found = run(run_cli, write(tmp_path, text), "--measure", "ROM", code=1)
    assert found["status"] == "flagged"
    assert "fewer than 2 animals" in found["reason"]
    assert found["k"] == 5


def test_one_row_is_flagged_and_nothing_is_pooled(run_cli: RunCli, tmp_path: Path) -> None:
    file = write(tmp_path, "label,yi,vi\na,-0.2,0.04\n")
    found = run(run_cli, file, "--measure", "given", code=1)
    assert (found["k"], found["estimate"], found["std_error"]) == (1, -0.2, 0.2)
    assert found["tau2"] is None
    assert found["bias"]["status"] == "not_estimable"
    assert found["leave_one_out"] == []
    outcome = run_cli("meta", file, "--measure", "given", "--figure", tmp_path / "one.svg")
    assert outcome.code == 1
    assert "FLAGGED" in outcome.out


@pytest.mark.parametrize(
    "text",
    [
        "label,yi,vi\na,0.1,0.2\na,0.1,0.2\nb,0.3,0.1\n",
        "label,yi,vi\na,0.1,0.2\nb,0.1,0.2\nc,0.1,0.2\n",
    ],
)
def test_copies_of_rows_are_flagged(run_cli: RunCli, tmp_path: Path, text: str) -> None:
    found = run(run_cli, write(tmp_path, text), "--measure", "given", code=1)
    assert found["status"] == "flagged"
    assert any(one["code"] == "identical_rows" for one in found["warnings"])


def test_differences_in_several_units_are_flagged(run_cli: RunCli, tmp_path: Path) -> None:
    lines = GROUPS.splitlines()
    units = ["unit", "mm3", "mm3", "mm3", "cm3", "cm3", "cm3"]
    text = "\n".join(f"{line},{unit}" for line, unit in zip(lines, units, strict=True)) + "\n"
    file = write(tmp_path, text)
    assert "cm3, mm3" in run(run_cli, file, "--measure", "MD", code=1)["reason"]
    assert run(run_cli, file, "--measure", "ROM")["status"] == "ok"


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        ("label,yi,vi\na,1,0\nb,2,1\n", ("given",), 2, "column vi: expected a sampling variance"),
        ("label,yi,vi\na,1,1\nb,2,-1\n", ("given",), 2, "row 3, column vi"),
        ("label,yi,se\na,1,1\nb,2,-1\n", ("given",), 2, "row 3, column se"),
        ("label,yi,vi\na,x,1\n", ("given",), 2, "row 2, column yi: expected a number"),
        ("label,yi\na,1\n", ("given",), 2, "a column vi"),
        ("label,measure,yi,vi\na,ROM,1,1\nb,SMD,2,1\n", ("given",), 3, "found ROM, SMD"),
        ("label,measure,yi,vi\na,ROM,1,1\nb,SMD,2,1\n", ("ROM",), 3, "rows of the measure ROM"),
        ("label,yi,vi\na,35,1\nb,20,1\n", ("RD",), 2, "write 0.6 for 60 %"),
        (GIVEN, ("given", "--level", "95"), 2, "--level"),
        (GIVEN, ("given", "--moderators", "dose"), 2, "found 'dose'"),
        (GIVEN, ("given", "--moderators", "yi,yi"), 2, "different names"),
        (GIVEN, ("given", "--map", "vx=vi"), 2, "found 'vx'"),
        (GIVEN, ("given", "--map", "vi=variance"), 2, "found 'variance'"),
        (GIVEN, ("given", "--v", "shared-control"), 2, "--v same-study with --rho"),
        (GIVEN, ("given", "--rho", "0.5"), 2, "--v same-study"),
        (GIVEN, ("given", "--random", "row", "--method", "DL"), 2, "REML or ML"),
        (GIVEN, ("given", "--random", "row/row"), 2, "different columns"),
        (GIVEN, ("given", "--variance", "LS"), 2, "none, it has one"),
        (GIVEN, ("given", "--bias-correction"), 2, "the measure ROM"),
        (GIVEN, ("given", "--reference", "graft=cdx"), 2, "references of moderators"),
        (GIVEN, ("given", "--figure", "a.pdf"), 2, ".svg or .png"),
        (GIVEN, ("given", "-o", "a.txt"), 2, ".csv or .xlsx"),
        (GIVEN, ("effect",), 2, "a measure out of"),
        (GIVEN, ("NMD", "--variance", "LS"), 2, "fixed, delta"),
        (GROUPS, ("SMD", "--dispersion", "spread"), 2, "a dispersion out of sd, sem"),
        (GROUPS, ("VR", "--v", "shared-control"), 2, "ROM, SMD or MD"),
        (GROUPS, ("ROM", "--moderators", "graft_type", "--reference", "graft_type=x"), 2, "cdx"),
        (GROUPS, ("OR",), 2, "responders_treated"),
        (GROUPS, ("ROM", "--random", "row", "--subgroup-variance", "separate"), 2, "one variance"),
        (GROUPS, ("ROM", "--random", "study/row", "--cumulative", "year"), 2, "independent rows"),
        (GROUPS, ("ROM", "--random", "control_id"), 2, "a blank cell"),
        (GROUPS, ("ROM", "--by", "label"), 3, "more rows than"),
        (GROUPS.replace(",70\n", ",-70\n"), ("ROM",), 2, "row 2, column sem_control"),
        (GROUPS.replace("pdx", "cdx"), ("ROM", "--moderators", "graft_type"), 3, "that varies"),
        (GROUPS.replace("glioma", "breast"), ("ROM", "--by", "tumor_type"), 3, "that varies"),
        (
            GROUPS.replace("120,20,8,610", "120,20,8,620"),
            ("ROM", "--v", "shared-control"), 3, "rows 2 and 3",
        ),
        (
            GROUPS.replace("220,30", "220,1e-9").replace("120,20", "120,1e-9"),
            ("ROM", "--v", "shared-control"), 3, "a singular covariance matrix",
        ),
        (
            "label,n_treated,mean_treated,dispersion_treated,n_control,mean_control,"
            "dispersion_control,dispersion\na,5,1,2,5,3,1,spread\n",
            ("SMD",), 2, "row 2, column dispersion",
        ),
        (
            "label,n_treated,mean_treated,dispersion_treated,n_control,mean_control,"
            "dispersion_control\na,5,1,2,5,3,1\n",
            ("SMD",), 2, "--dispersion sem",
        ),
        ("label,n_t,mean_t,n_c,mean_c\na,5,1,5,3\n", ("SMD",), 2, "sd_treated"),
        (
            "label,responders_treated,n_treated,responders_control,n_control\na,0.5,8,0.1,8\n",
            ("OR",), 2, "not shares or percentages",
        ),
        (
            "label,median_treated,n_treated,median_control,n_control\na,50,8,0,8\n",
            ("MSR",), 2, "row 2, column median_control",
        ),
        (
            "label,hr,hazard_ratio_lower,hazard_ratio_upper\na,-1,0.3,0.9\n",
            ("HR",), 2, "row 2, column hr",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line(
    run_cli: RunCli,
    tmp_path: Path,
    text: str,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert said in refuse(run_cli, write(tmp_path, text), "--measure", *arguments, code=code)


def test_group_summaries_need_a_measure_and_given_effects_do_not(
    run_cli: RunCli, groups: Path, tmp_path: Path
) -> None:
    assert "--measure" in refuse(run_cli, groups, code=2)
    assert "No such file" in refuse(run_cli, tmp_path / "none.csv", code=2)
    found = run(run_cli, write(tmp_path, GIVEN, "given.csv"))
    assert (found["measure"], found["options"]["measure"]) == ("given", "given")
    told = GIVEN.replace("label", "measure").replace("\na", "\nROM").replace("\nb", "\nlnRR")
    told = told.replace("\nc", "\nrom").replace("\nd", "\nROM")
    found = run(run_cli, write(tmp_path, told, "told.csv"))
    assert found["measure"] == "ROM"
    assert found["ratio"]["estimate"] == pytest.approx(math.exp(found["estimate"]), rel=1e-12)


def test_numbers_that_no_measurement_has_are_refused(run_cli: RunCli, tmp_path: Path) -> None:
    for cell in ("1e300", "1e-300"):
        file = write(tmp_path, GROUPS.replace("610,70\nB", f"610,{cell}\nB"))
        said = refuse(run_cli, file, "--measure", "ROM", code=2)
        assert "row 3, column sem_control: expected a number that a measurement" in said
    file = write(tmp_path, GROUPS.replace("yes,25", "yes,1e99"))
    said = refuse(run_cli, file, "--measure", "ROM", "--moderators", "dose", code=2)
    assert "row 6, column dose" in said


def test_counts_medians_and_hazard_ratios_become_effects(run_cli: RunCli, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "label,responders_treated,n_treated,responders_control,n_control\na,5,10,2,10\nb,4,9,1,9\n",
    )
    odds = run(run_cli, file, "--measure", "OR")
    assert odds["rows"][0]["yi"] == pytest.approx(math.log(5 * 8 / (5 * 2)), rel=1e-12)
    file = write(
        tmp_path,
        "label,median_treated,n_treated,median_control,n_control\na,50,8,30,8\nb,44,9,31,9\n",
    )
    medians = run(run_cli, file, "--measure", "log_median_ratio")
    assert medians["rows"][0]["ratio"]["estimate"] == pytest.approx(50 / 30, rel=1e-12)
    assert any("taken to be all animals" in one["message"] for one in medians["warnings"])
    file = write(
        tmp_path, "label,hr,hazard_ratio_lower,hazard_ratio_upper\na,.5,.25,1\nb,.4,.2,.8\n"
    )
    hazards = run(run_cli, file, "--measure", "HR")
    assert hazards["rows"][1]["yi"] == pytest.approx(math.log(0.4), rel=1e-12)


def test_a_control_that_serves_several_arms_is_shared_out_in_normalized_differences(
    run_cli: RunCli, groups: Path
) -> None:
    found = run(run_cli, groups, "--measure", "NMD")
    table = pd.read_csv(groups)
    assert found["rows"][3]["yi"] == pytest.approx(1 - 500 / 900, rel=1e-12)
    one = table.loc[3]
    expected = (one.sem_treated**2 + one.sem_control**2) / one.mean_control**2
    assert found["rows"][3]["vi"] == pytest.approx(expected, rel=1e-12)
    first = table.loc[0]
    # c1 stands in three rows, two of P1 and one of P2, where it is another control.
    shared = (first.sem_treated**2 + 2 * first.sem_control**2) / first.mean_control**2
    assert found["rows"][0]["vi"] == pytest.approx(shared, rel=1e-12)


def test_errors_of_reading_a_figure_widen_the_variance(run_cli: RunCli, tmp_path: Path) -> None:
    lines = GROUPS.splitlines()
    text = "\n".join([f"{lines[0]},reading_error_treated", *(f"{line},11" for line in lines[1:])])
    found = run(run_cli, write(tmp_path, text + "\n"), "--measure", "ROM")
    plain = run(run_cli, write(tmp_path, GROUPS), "--measure", "ROM")
    added = [
        wide["vi"] - narrow["vi"]
        for wide, narrow in zip(found["rows"], plain["rows"], strict=True)
    ]
    assert added[0] == pytest.approx((11 / 220) ** 2, rel=1e-9)
    assert "errors of reading" in found["variance_formula"]


def test_the_terminal_says_the_effect_first_and_fits_80_columns(
    run_cli: RunCli, groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run_cli(
        "meta", groups, "--measure", "ROM", "--by", "tumor_type", "--moderators", "dose",
        "--random", "study/row", "--cluster", "study",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("The mean of treated animals is 0.4")
    assert max(len(line) for line in outcome.out.splitlines()) <= 80
    for heading in (
        "Variance of each level", "Robust to what ties rows", "Subgroups by tumor_type",
        "Meta-regression of 6 rows", "Small-study effects", "Without one of them",
    ):  # fmt: skip
        assert heading in outcome.out
    words = " ".join(outcome.out.split())
    assert "6 rows of 5 studies" in words
    assert "95 % prediction interval" in words
    difference = run_cli("meta", groups, "--measure", "SMD").out
    assert difference.startswith("Treated animals lie")
    assert "below controls" in " ".join(difference.split())


def test_tables_and_figures_are_written(run_cli: RunCli, groups: Path, tmp_path: Path) -> None:
    outcome = run_cli(
        "meta", groups, "--measure", "ROM", "--moderators", "dose", "--by", "tumor_type",
        "--facts", "graft_type,blinded", "-o", tmp_path / "rows.xlsx",
        "--figure", tmp_path / "pool.svg",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    written = sorted(path.name for path in tmp_path.glob("pool*.svg"))
    assert written == ["pool-bubble.svg", "pool-funnel.svg", "pool.svg"]
    first = (tmp_path / "pool.svg").read_bytes()
    assert b"6 rows" in first
    table = pd.read_excel(tmp_path / "rows.xlsx", engine="openpyxl")
    assert table["label"].tolist() == ["A1", "A2", "B", "C", "D", "E"]
    assert table["ratio"][2] == pytest.approx(0.5, rel=1e-12)
    assert table["blinded"].tolist() == ["yes", "yes", "no", "no", "yes", "no"]
    again = run_cli(
        "meta", groups, "--measure", "ROM", "--by", "tumor_type", "--facts",
        "graft_type,blinded", "--figure", tmp_path / "pool.svg",
    )  # fmt: skip
    assert again.code == 0
    assert (tmp_path / "pool.svg").read_bytes() == first


def test_a_workbook_reads_as_the_text_file_does(
    run_cli: RunCli, groups: Path, tmp_path: Path
) -> None:
    pd.read_csv(groups).to_excel(tmp_path / "rows.xlsx", index=False)
    expected = run(run_cli, groups, "--measure", "ROM")
    found = run(run_cli, tmp_path / "rows.xlsx", "--measure", "ROM")
    assert found["estimate"] == expected["estimate"]
    comma = GROUPS.replace(",", ";").replace("220;30", "220,0;30,0")
    found = run(run_cli, write(tmp_path, comma, "comma.csv"), "--measure", "ROM")
    assert found["estimate"] == expected["estimate"]
