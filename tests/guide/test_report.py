"""The report of a study file: every arm, endpoint and reason, and the files beside it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pandas as pd
import pytest

from oncovivo.documents import Figure, Listing, Table
from oncovivo.endpoints import ENDPOINTS, EndpointEstimate, compute_endpoints
from oncovivo.endpoints.wording import (
    GROUPS,
    find_group,
    interval_text,
    list_remarks,
    number_text,
    value_text,
)
from oncovivo.guide.endpoint_tables import definition_table, endpoint_blocks
from oncovivo.guide.study_label import StudyLabel
from oncovivo.studies import read_study
from tests.cli.study_files import ARMS, write_growth

if TYPE_CHECKING:
    from tests.guide.conftest import Outcome

    RunCli = Callable[..., Outcome]

DATE = ("--date", "2026-01-02")


@pytest.fixture
def growth(tmp_path: Path) -> Path:
    return write_growth(tmp_path / "growth.csv")


def words_of(page: Path) -> str:
    """The text of a page, without its pictures and tags."""
    markup = page.read_text(encoding="utf-8")
    markup = re.sub(r"<(svg|style|script).*?</\1>", " ", markup, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    return " ".join(text.split())


def files_beside(page: Path) -> dict[str, Path]:
    folder = page.with_name(f"{page.stem}_files")
    return {path.name: path for path in sorted(folder.iterdir())}


def test_the_report_names_every_arm_endpoint_and_reason(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    page = tmp_path / "deep folder" / "my report.html"
    done = run_cli("report", growth, "--control", "Vehicle", "-o", page, *DATE, "--json")
    assert (done.code, done.err) == (0, "")
    content = json.loads(done.out)
    words = words_of(page)
    (study,) = content["studies"]
    assert set(study["arms"]) == set(ARMS)
    for row in study["endpoints"]:
        reason = row["reason"].replace(f"'{row['arm']}'", "the arm")
        reason = reason.replace("'Vehicle'", "the control")
        for part in filter(None, reason.split("; ")):
            assert part in words
    for title in [*(group.title for group in GROUPS), *ARMS]:
        assert title in words
    for title in (
        "Response",
        "Time to event",
        "Tolerability",
        "Who left, and why",
        "Methods",
        "Provenance",
    ):
        assert title in words
    assert content["input"]["sha256"] in words
    assert f"seed {content['seed']}" in words
    assert "2026-01-02" in words
    assert "NaN" not in words
    assert [str(path) for path in (page, *files_beside(page).values())] == sorted(
        content["written"], key=lambda name: (name != str(page), name)
    )


def test_each_figure_is_svg_and_png_and_each_table_csv_and_worksheet(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    page = tmp_path / "r.html"
    run_cli("report", growth, "--control", "Vehicle", "-o", page, *DATE)
    files = files_beside(page)
    pictures = ("growth", "waterfall", "spider", "swimmer", "weight")
    drawn = (*pictures, "growth-model", "growth-contrasts", "survival", "survival-hazards")
    for name in drawn:
        root = ElementTree.fromstring(files[f"figure-{name}-1.svg"].read_text(encoding="utf-8"))
        assert root.tag.endswith("svg")
        assert files[f"figure-{name}-1.png"].read_bytes().startswith(b"\x89PNG")
    sheets = pd.read_excel(files["tables.xlsx"], sheet_name=None, engine="openpyxl")
    tables = ("endpoints", "by_day", "at_risk", "leaving", "response", "tolerability")
    models = ("growth_contrasts", "growth_effects", "growth_dropout")
    times = ("survival_arms", "survival_tests", "survival_contrasts", "survival_times")
    assert tuple(sheets) == (*tables, *models, *times)
    for name in tables:
        table = pd.read_csv(files[f"{name}.csv"])
        assert table.columns.tolist() == sheets[name].columns.tolist()
        assert len(table) == len(sheets[name]) > 0
        assert set(table["arm"]) == set(ARMS)
    assert len(files) == 2 * len(drawn) + len(tables) + len(models) + len(times) + 1


def test_the_same_study_gives_the_same_bytes(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    made = []
    for place in ("one", "two"):
        page = tmp_path / place / "r.html"
        run_cli("report", growth, "--control", "Vehicle", "-o", page, *DATE)
        files = {name: path.read_bytes() for name, path in files_beside(page).items()}
        made.append({"page": page.read_bytes(), **files})
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def test_only_a_simulated_study_says_so_and_then_on_every_caption_and_picture(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    run_cli("study", "convert", growth, "-o", folder)
    real, page = tmp_path / "real.html", tmp_path / "simulated.html"
    run_cli("report", folder, "--control", "Vehicle", "-o", real, *DATE)
    settings = folder / "study.toml"
    text = settings.read_text(encoding="utf-8")
    assert "simulated" not in text
    settings.write_text(f"simulated = true\n{text}", encoding="utf-8")
    run_cli("report", folder, "--control", "Vehicle", "-o", page, *DATE)
    assert "simulated" not in words_of(real).lower()
    markup = page.read_text(encoding="utf-8")
    captions = re.findall(r"<(caption|figcaption).*?</\1>", markup, flags=re.DOTALL)
    whole = [
        match.group()
        for match in re.finditer(r"<(caption|figcaption)\b.*?</\1>", markup, flags=re.DOTALL)
    ]
    assert len(whole) == len(captions) > 15
    of_study = [caption for caption in whole if "What the checks found" not in caption]
    unmarked = [caption for caption in of_study if "simulated" not in caption.lower()]
    about_files = ("Every file that was read", "Versions of what", "Definitions of the endpoints")
    assert len(unmarked) == len(about_files)
    assert "No animal was involved" in words_of(page)
    for name, path in files_beside(page).items():
        if name.endswith(".svg"):
            assert path.read_bytes() != files_beside(real)[name].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "report.pdf"], ".html"),
        (["-o", "report.html", "--control", "nobody"], "Vehicle, slow, cures, toxic"),
        (["-o", "report.html", "--day", "5"], "day 5"),
        (["-o", "report.html", "--date", "yesterday"], "yesterday"),
    ],
)
def test_a_bad_option_is_one_line_and_writes_nothing(
    run_cli: RunCli,
    growth: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_cli("report", growth, "--control", "Vehicle", *arguments)
    assert done.code in (2, 3)
    assert done.err.count("\n") == 1
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["growth.csv"]


def test_a_page_that_cannot_be_written_is_one_line(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    done = run_cli("report", growth, "--control", "Vehicle", "-o", growth / "r.html")
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_a_skipped_study_is_named_on_the_page_and_fails(
    run_cli: RunCli, growth: Path, tmp_path: Path
) -> None:
    header, *lines = growth.read_text(encoding="utf-8").splitlines()
    other = [f"B,x{line.replace('Vehicle', 'Saline')}" for line in lines]
    text = [f"study,{header}", *(f"A,{line}" for line in lines), *other]
    growth.write_text("\n".join(text), encoding="utf-8")
    page = tmp_path / "r.html"
    done = run_cli("report", growth, "--control", "Vehicle", "-o", page, *DATE)
    assert done.code == 1
    assert "B was not analysed" in done.out
    assert "B was not analysed" in words_of(page)


def test_every_endpoint_belongs_to_one_group_of_the_page() -> None:
    groups = [find_group(definition.name.replace("{target}", "4x")) for definition in ENDPOINTS]
    assert [group for group in GROUPS if group not in groups] == []
    order = [GROUPS.index(group) for group in groups]
    assert sorted(set(order)) == list(range(len(GROUPS)))


def estimate(**fields: object) -> EndpointEstimate:
    given: dict[str, object] = {
        "arm": "drug",
        "versus": "vehicle",
        "endpoint": "tgi_delta",
        "day": 21.0,
        "estimate": 0.5,
        "lower": 0.1,
        "upper": 0.8,
        "level": 0.95,
        "n_treated": 5,
        "n_control": 6,
        "method": "fieller",
        "status": "ok",
        "reason": "",
    }
    return EndpointEstimate(**{**given, **fields})  # type: ignore[arg-type]  # from a mapping


def test_numbers_intervals_and_remarks_are_written_as_people_write_them() -> None:
    assert [number_text(value) for value in (12345678.0, 0.00012345, 999.96, -0.0)] == [
        "1.23e+07",
        "0.000123",
        "1000",
        "0",
    ]
    assert value_text(estimate(estimate=None, greater_than=41.234)) == "> 41.2"
    assert value_text(estimate(estimate=None)) == "—"
    assert interval_text(estimate()) == "0.100 to 0.800"
    assert interval_text(estimate(lower=None)) == "−∞ to 0.800"
    assert interval_text(estimate(upper=None)) == "0.100 to ∞"
    assert interval_text(estimate(lower=None, versus=None)) == "up to 0.800"
    assert interval_text(estimate(lower=None, upper=None)) == ""
    assert interval_text(estimate(lower=None, upper=None, status="unbounded")) == "unbounded"
    reason = "2 of 5 animals of 'drug' left; 1 of 6 animals of 'vehicle' left"
    assert list_remarks(estimate(reason=reason)) == (
        "2 of 5 animals of the arm left",
        "1 of 6 animals of the control left",
    )


@pytest.mark.parametrize("n_arms", [4, 8])
def test_few_arms_are_columns_many_are_rows_and_every_number_is_there(
    growth: Path, n_arms: int
) -> None:
    import numpy as np

    if n_arms > len(ARMS):
        header, *lines = growth.read_text(encoding="utf-8").splitlines()
        more = [f"x{line.replace(f',{arm},', f',{arm} 2,')}" for arm in ARMS for line in lines]
        kept = [line for line in more if " 2," in line]
        growth.write_text("\n".join([header, *lines, *kept]), encoding="utf-8")
    (study,) = read_study(growth)
    table = compute_endpoints(study, control="Vehicle", rng=np.random.default_rng(1))
    assert len(table.arms) == n_arms
    blocks = endpoint_blocks(table, StudyLabel(id="s", title="A study", simulated=False))
    tables = [block for block in blocks if isinstance(block, Table)]
    anchors = [block.anchor for block in tables]
    assert len(anchors) == len(set(anchors))
    cells = [
        "".join(getattr(part, "content", "") for part in cell)
        for block in tables
        for row in block.rows
        for cell in row.cells
    ]
    for row in table.endpoints:
        if row.estimate is not None:
            shown = value_text(row).replace(" ", "\N{NO-BREAK SPACE}")
            assert any(cell.startswith(shown) for cell in cells)
    listed = [
        "".join(getattr(part, "content", "") for part in item)
        for block in blocks
        if isinstance(block, Listing)
        for item in block.items
    ]
    for row in table.endpoints:
        for remark in list_remarks(row):
            assert any(item.endswith(f" {remark}") for item in listed)
    assert all(max(len(row.cells) for row in block.rows) <= 6 for block in tables)
    assert not any(isinstance(block, Figure) for block in blocks)
    names = {row.cells[3][0].content for row in definition_table([table]).rows}
    assert "growth_delay_…_pct" in names


@pytest.mark.realdata
def test_a_real_study_gives_a_page_with_all_its_arms(
    run_cli: RunCli, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    page = tmp_path / "r.html"
    file = shared_data("iowa_melanoma_a375/growth.csv")
    done = run_cli("report", file, "--control", "control", "-o", page, *DATE, "--json")
    assert done.code == 0
    (study,) = json.loads(done.out)["studies"]
    words = words_of(page)
    assert study["arms"] == ["control", "vemurafenib", "BSO", "vemurafenib+BSO"]
    assert all(arm in words for arm in study["arms"])
    assert "35 animals, 25 events; control: control" in words
    assert "control 9 9 24.7 (19.7 to 27.2) 23.9 (21.8 to 26.0)" in words
    assert "vemurafenib+BSO 8 0 > 137 (137 to not reached) 137" in words
    assert "Primary: by relabeling, since an arm has fewer than 10 animals" in words
    assert "217 of 600 rows have volume 0" in words
    assert "Tolerability" not in words


@pytest.mark.realdata
def test_a_wide_workbook_gives_the_endpoints_of_the_long_file(
    run_cli: RunCli, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    long = shared_data("genentech_vismodegib/growth.csv")
    table = pd.read_csv(long)
    wide = table.pivot_table(
        index=["treatment", "animal_id"], columns="day", values="volume_mm3", sort=False
    ).reset_index()
    wide.columns = pd.Index(
        [name if isinstance(name, str) else f"Day {name}" for name in wide.columns]
    )
    book, page = tmp_path / "wide sheet.xlsx", tmp_path / "r.html"
    wide.to_excel(book, index=False)
    done = run_cli("report", book, "--control", "dose_0.0", "-o", page, *DATE, "--json")
    assert done.code == 0
    (from_book,) = json.loads(done.out)["studies"]
    seed = ("--seed", str(json.loads(done.out)["seed"]))
    plain = run_cli("study", "endpoints", long, "--control", "dose_0.0", "--json", *seed)
    (from_long,) = json.loads(plain.out)["studies"]
    numbers = [
        {(row["arm"], row["endpoint"]): row["estimate"] for row in study["endpoints"]}
        for study in (from_book, from_long)
    ]
    assert numbers[0].keys() == numbers[1].keys()
    for key, value in numbers[1].items():
        assert numbers[0][key] == (None if value is None else pytest.approx(value, rel=1e-12))
    assert all(arm in words_of(page) for arm in from_book["arms"])
