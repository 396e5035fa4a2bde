"""``oncovivo design protocol``: its JSON, page, exit codes, and how it refuses."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from oncovivo.design.protocol_items import PROTOCOL_ITEMS

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus"
PROTOCOL = EXAMPLE / "protocol" / "protocol.toml"


def complete(folder: Path) -> Path:
    """A protocol of which every item is stated, without any file of a design."""
    lines = ['[protocol]\ntitle = "All of it"']
    section = ""
    for item in PROTOCOL_ITEMS.values():
        if item.file is None:
            if item.section_id != section:
                section = item.section_id
                lines.append(f"[{section}]")
            lines.append(f'{item.key} = {{ text = "Decided.", choice = true }}')
    path = folder / "protocol.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """The example's protocol with few simulated studies; its folder and references beside it."""
    folder = tmp_path / "guide"
    copytree(EXAMPLE / "protocol", folder / "protocol")
    copytree(EXAMPLE / "evidence", folder / "evidence")
    power = folder / "protocol" / "power.toml"
    text = power.read_text(encoding="utf-8")
    fewer = re.sub(r"(?m)^replicates = .*$", "replicates = 20", text)
    assert fewer != text
    power.write_text(fewer, encoding="utf-8")
    return folder / "protocol" / "protocol.toml"


def changed(path: Path, name: str, old: str, new: str) -> Path:
    """The protocol after one of its files was changed."""
    file = path.parent / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def told(run_cli: RunCli, path: Path, *more: str) -> dict[str, Any]:
    outcome = run_cli("design", "protocol", path, "--json", *more)
    assert outcome.code == 0, outcome.err
    content = json.loads(outcome.out)
    assert isinstance(content, dict)
    return content


def test_the_json_has_statements_tables_checklists_and_what_is_open(
    run_cli: RunCli, quick: Path
) -> None:
    content = told(run_cli, quick)
    assert content["schema"] == "oncovivo.design_protocol/1"
    assert content["input"]["name"] == "protocol.toml"
    assert content["seed"] is None
    assert [(arm["name"], arm["animals"], arm["needed"]) for arm in content["arms"]] == [
        ("vehicle", 10, 10),
        ("temsirolimus", 10, 10),
        ("perifosine", 10, 10),
        ("temsirolimus + perifosine", 10, 10),
    ]
    assert [arm["control"] for arm in content["arms"]] == [True, False, False, False]
    # 20 mg/kg at 5 mg/mL, and 30 mg/kg at 3 mg/mL; Km of mouse and human 3 and 37.
    first, second = content["doses"][:2]
    assert (first["ml_per_kg"], first["ceiling_ml_per_kg"], first["doses"]) == (4.0, 5.0, 4)
    assert (second["ml_per_kg"], second["ceiling_ml_per_kg"], second["doses"]) == (10.0, 10.0, 20)
    assert first["human_mg_per_kg"] == pytest.approx(20 * 3 / 37)
    assert content["calendar"][0] == {
        "day": 0,
        "date": "2026-03-02",
        "weekday": "Mon",
        "measured": "baseline",
        "dosed": ["temsirolimus", "perifosine", "temsirolimus + perifosine"],
    }
    assert [day["day"] for day in content["calendar"] if day["measured"]] == [
        0, 3, 7, 10, 14, 17, 18, 21, 23, 25, 28,
    ]  # fmt: skip
    opened = {item["item_id"] for item in content["open_items"]}
    assert {"ethics.licence", "dosing.rationale"} < opened
    assert "randomization.numbers" not in opened
    assert {row["checklist"] for row in content["checklists"]} == {"arrive", "prepare"}
    assert content["ready"] is False


def test_a_statement_says_where_it_is_from(run_cli: RunCli, quick: Path) -> None:
    statements = told(run_cli, quick)["statements"]
    rationale = [one for one in statements if one["item_id"] == "dosing.rationale"]
    assert [(one["origin"], one["sources"]) for one in rationale] == [
        ("source", ["p06", "p10"]),
        ("open", []),
    ]
    rules = next(one for one in statements if one["item_id"] == "endpoints.rules")
    assert (rules["origin"], rules["files"]) == ("file", ["endpoints.toml"])
    assert "one of 6 rules" in rules["text"]
    assert "2 more rules ask" in rules["text"]


def test_numbers_of_the_protocol_are_those_of_the_power_command(
    run_cli: RunCli, quick: Path
) -> None:
    power = json.loads(run_cli("design", "power", quick.parent / "power.toml", "--json").out)
    question = power["simulated"]["questions"][0]
    content = told(run_cli, quick)
    assert content["power"][0]["power"] == question["power"]
    assert content["power"][0]["closed_form"] == power["closed_form"][0]["power"]
    said = next(s for s in content["statements"] if s["item_id"] == "statistics.sample_size")
    assert f"{question['power']:.1%}" in said["text"]
    assert "assumed for the example" in said["text"]


def test_numbers_of_the_draw_are_those_of_the_allocate_command(
    run_cli: RunCli, quick: Path
) -> None:
    for arm in ("vehicle", "temsirolimus", "perifosine", "temsirolimus + perifosine"):
        changed(
            quick, "allocation_combination.toml", f'name = "{arm}"\nsize = 10', f'name = "{arm}"'
        )
    changed(quick, "allocation_combination.toml", "candidates = 10000", "candidates = 200")
    changed(quick, "protocol.toml", "[files]\n", '[files]\nanimals = "animals.csv"\n')
    folder = quick.parent
    drawn = json.loads(
        run_cli(
            "design", "allocate", folder / "animals.csv", "--design",
            folder / "allocation_combination.toml", "--json",
        ).out
    )  # fmt: skip
    content = told(run_cli, quick)
    assert content["seed"] == drawn["seed"]
    counts = {arm["arm"]: arm["n"] for arm in drawn["arms"]}
    assert {arm["name"]: arm["animals"] for arm in content["arms"]} == counts
    said = {one["item_id"]: one["text"] for one in content["statements"]}
    assert f"Seed {drawn['seed']}" in said["randomization.method"]
    assert f"{sum(counts.values())} animals in 4 arms" in said["randomization.numbers"]
    assert f"{len(drawn['excluded'])} stay out" in said["start.size"]
    codes = [finding["code"] for finding in content["findings"]]
    # The list does not have 40 eligible animals.
    assert ("too_few_animals" in codes) == (min(counts.values()) < 10)
    blinded = told(run_cli, quick, "--blinded")
    assert blinded["seed"] is None
    assert str(drawn["seed"]) not in json.dumps(blinded)


def test_check_leaves_with_1_while_items_are_open(run_cli: RunCli, quick: Path) -> None:
    outcome = run_cli("design", "protocol", "check", quick)
    assert outcome.code == 1
    assert "ethics.licence" in outcome.out
    assert "may pass the limit unseen" in " ".join(outcome.out.split())
    content = json.loads(run_cli("design", "protocol", "check", quick, "--json").out)
    assert content == told(run_cli, quick)


def test_what_no_file_answers_is_open_by_its_name(run_cli: RunCli, tmp_path: Path) -> None:
    outcome = run_cli("design", "protocol", "check", complete(tmp_path), "--json")
    assert outcome.code == 1
    content = json.loads(outcome.out)
    assert {item["item_id"] for item in content["open_items"]} == {
        item.item_id for item in PROTOCOL_ITEMS.values() if item.file is not None
    }
    assert all("files." in item["text"] for item in content["open_items"])
    assert content["findings"] == []


def test_a_protocol_with_nothing_open_passes(run_cli: RunCli, quick: Path) -> None:
    text = complete(quick.parent).read_text(encoding="utf-8")
    files = """
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
name = "temsirolimus + perifosine"
doses = "combination"
schedule = "combination"
"""
    quick.write_text(text + files, encoding="utf-8")
    outcome = run_cli("design", "protocol", "check", quick, "--json")
    content = json.loads(outcome.out)
    assert content["open_items"] == []
    assert {finding["severity"] for finding in content["findings"]} == {"warning"}
    assert outcome.code == 0
    states = [row["status"] for row in content["checklists"]]
    assert (states.count("filled"), states.count("after_study")) == (33, 4)
    contradicted = changed(quick, "endpoints.toml", "limit = 1500", "limit = 1400")
    assert run_cli("design", "protocol", "check", contradicted).code == 1


def test_the_pdf_and_the_page_say_the_same(run_cli: RunCli, quick: Path, tmp_path: Path) -> None:
    pages: list[str] = []
    for name in ("protocol.pdf", "protocol.html", "again.html"):
        outcome = run_cli(
            "design", "protocol", quick, "-o", tmp_path / name, "--date", "2026-11-23"
        )
        assert outcome.code == 0, outcome.err
        assert str(tmp_path / name) in outcome.out
    reader = PdfReader(io.BytesIO((tmp_path / "protocol.pdf").read_bytes()))
    pages = [page.extract_text() for page in reader.pages]
    assert 5 < len(pages) < 20
    # Open items come before the plan.
    assert "20 items of the protocol are open" in " ".join(" ".join(pages[:3]).split())
    page = (tmp_path / "protocol.html").read_bytes()
    assert page == (tmp_path / "again.html").read_bytes()
    html = page.decode()
    for words in ("20 items of the protocol are open", "PREPARE", "CVCL_1051", "2026-03-02"):
        assert words in html
    assert "after the study" in html
    assert "<svg" in html


NUDE = '{ text = "Athymic nude mice, which let a human tumor grow.", choice = true }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[hosts]", "[host]", "tables of a protocol: .* found 'host'"),
        ("strain =", "stain =", r"items of \[hosts\]: strain, .* found 'stain'"),
        ('["p04"]', '["p4"]', "objective.literature: .* references, found 'p4'"),
        ('["p04"]', "[]", "one key of a reference or more, found none"),
        ('doses = "doses.toml"', 'doses = "d.toml"', "files.doses, found no such file: d.toml"),
        ('"../evidence', '"../evidences', "protocol.references, found no such file"),
        (
            "day_zero =",
            'size = { text = "100", choice = true }\nday_zero =',
            "start.size computed from files.allocation, found it typed again; remove it",
        ),
        (
            "severity = { open",
            'severity = { text = "mild", open',
            "ethics.severity: expected no text beside open, found both",
        ),
        (NUDE, '{ text = "Nude." }', "hosts.strain: .*source, choice and open, found none of"),
        (NUDE, '{ text = "Nude.", choice = false }', "hosts.strain: .*choice = true, found false"),
        (
            NUDE,
            '{ text = "Nude.", choice = true, source = ["p04"] }',
            "hosts.strain: expected one of source, choice and open, found source and choice",
        ),
        (NUDE, "{ choice = true }", "hosts.strain: expected a text beside choice, found none"),
        (NUDE, '{ text = "Nude.", why = "x" }', "hosts.strain.*why"),
        (NUDE, '"nude"', "hosts.strain: expected .* found another kind of entry"),
        (NUDE, "[]", "hosts.strain: expected .* found another kind of entry"),
        ("[files]\n", "[files]\nfoo = 1\n", "protocol.toml: .*foo"),
        ('title = "Temsirolimus', 'titel = "Temsirolimus', "protocol.toml: .*tit"),
        ('name = "perifosine"', 'name = "temsirolimus"', "each arm once, found 'temsirolimus' tw"),
        (
            'doses = "combination"',
            'doses = "perifosine"',
            "each arm of the file doses once, found 'perifosine' for 'perifosine' and",
        ),
        (
            'allocation = "allocation_combination.toml"',
            'animals = "animals.csv"',
            "files.allocation beside files.animals",
        ),
    ],
)
def test_a_wrong_protocol_is_one_line(
    run_cli: RunCli, quick: Path, old: str, new: str, message: str
) -> None:
    outcome = run_cli("design", "protocol", changed(quick, "protocol.toml", old, new))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert re.search(message, outcome.err), outcome.err


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "allocation_combination.toml",
            "volume_mm3 = [100, 200]",
            "volume_mm3 = [200, 100]",
            "eligibility.volume_mm3: expected a smallest value below the largest",
        ),
        ("doses.toml", "_per_ml = 5.0", "_per_ml = 0.0", "a concentration in mg/mL above zero"),
        ("endpoints.toml", 'quantity = "volume"', 'quantity = "size"', "endpoints.toml"),
    ],
)
def test_a_wrong_file_of_the_design_is_one_line(
    run_cli: RunCli, quick: Path, name: str, old: str, new: str, message: str
) -> None:
    outcome = run_cli("design", "protocol", changed(quick, name, old, new))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert message in outcome.err


def test_wrong_names_of_files_are_refused(run_cli: RunCli, quick: Path, tmp_path: Path) -> None:
    outcome = run_cli("design", "protocol", quick, "-o", tmp_path / "protocol.docx")
    assert outcome.code == 2
    assert "ending in .html or .pdf" in outcome.err
    outcome = run_cli("design", "protocol", "check", tmp_path / "none.toml")
    assert outcome.code == 2
    assert "a protocol that can be read" in outcome.err


def test_help_names_both_commands(run_cli: RunCli) -> None:
    outcome = run_cli("design", "protocol", "--help")
    assert outcome.code == 0
    assert "build" in outcome.out
    assert "check" in outcome.out
