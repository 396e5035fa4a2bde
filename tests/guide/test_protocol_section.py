"""The protocol of the next study in a guide: from the bundle, each statement with its origin."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest

from oncovivo.analyses import Bundle, lint_project, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Badge, Document, Link, Section, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError
from oncovivo.guide import assemble_guide

DAY = date(2026, 1, 2)
EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"


def add_protocol(project: Path) -> Path:
    """The example's protocol, which cites the project's one work; the project."""
    folder = project / "protocol"
    copytree(EXAMPLE, folder)
    path = folder / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"source = \[.*?\]", 'source = ["w1"]', text), encoding="utf-8")
    power = folder / "power.toml"
    text = power.read_text(encoding="utf-8")
    power.write_text(re.sub(r"(?m)^replicates = .*$", "replicates = 5", text), encoding="utf-8")
    guide = project / "guide.toml"
    entry = '\n[protocol]\npath = "protocol/protocol.toml"\n'
    guide.write_text(guide.read_text(encoding="utf-8") + entry, encoding="utf-8")
    return project


def built(project: Path) -> tuple[Bundle, Document]:
    bundle = run(read_project(project), built=DAY)
    return bundle, assemble_guide(bundle)


def section(document: Document, anchor: str) -> Section:
    return next(part for part in document.sections if part.anchor == anchor)


def table(document: Document, anchor: str) -> Table:
    return next(
        block
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Table) and block.anchor == anchor
    )


def test_the_protocol_stands_below_the_section_on_it(project: Path) -> None:
    _, document = built(add_protocol(project))
    anchors = [part.anchor for part in document.sections]
    first = anchors.index("protocol-next")
    assert section(document, "protocol-next").level == 2
    below = [part.anchor for part in document.sections[first + 1 :] if part.level == 3]
    assert below[:3] == ["protocol-open", "protocol-objective", "protocol-hosts"]
    assert {"protocol-data", "protocol-arrive", "protocol-prepare"} <= set(below)
    assert anchors.index("protocol") < first


def test_every_statement_has_a_source_or_is_a_choice_or_open(project: Path) -> None:
    bundle, document = built(add_protocol(project))
    assert bundle.protocol is not None
    shown = 0
    for part in document.sections:
        for block in part.blocks:
            if isinstance(block, Table) and block.anchor.endswith("-items"):
                if block.columns[0].heading != "Item":
                    continue
                for row in block.rows:
                    origin = row.cells[2]
                    shown += 1
                    assert (
                        any(isinstance(cell, Link) and cell.target == "ref-w1" for cell in origin)
                        or plain(origin).startswith("the study's own choice")
                        or any(isinstance(c, Badge) and c.content == "open" for c in origin)
                    )
    assert shown == len(bundle.protocol.statements)
    rows = [
        [plain(cell) for cell in row.cells]
        for row in table(document, "table-protocol-measuring-items").rows
    ]
    assert rows[0][2] == "the study's own choice, computed from schedule.toml"
    assert rows[1][2] == "the study's own choice"
    assert re.fullmatch(r"\[\d+\]", rows[2][2])


def test_open_items_and_findings_are_listed(project: Path) -> None:
    bundle, document = built(add_protocol(project))
    assert bundle.protocol is not None
    rows = table(document, "table-protocol-open-items").rows
    assert len(rows) == len(bundle.protocol.open_items) == 20
    assert [plain(cell) for cell in rows[-1].cells] == [
        "Organization",
        "risks and waste",
        "the safety officer assesses cells, drugs and waste",
    ]
    assert len(table(document, "table-protocol-findings").rows) == 2


def test_checklists_name_what_is_open(project: Path) -> None:
    _, document = built(add_protocol(project))
    rows = {
        plain(row.cells[0]): [plain(cell) for cell in row.cells]
        for row in table(document, "table-protocol-arrive-entries").rows
    }
    assert len(rows) == 22
    assert rows["8b"][3:] == ["open", "Hosts; open: supplier, health and quarantine"]
    assert rows["1b"][3:] == ["filled", "Randomization"]
    assert rows["10a"][3:] == ["after the study", "with the results"]
    assert len(table(document, "table-protocol-prepare-entries").rows) == 15


def test_the_guide_is_rendered_from_the_bundle_alone(project: Path, tmp_path: Path) -> None:
    bundle, document = built(add_protocol(project))
    folder = tmp_path / "bundle"
    folder.mkdir()
    write_bundle(bundle, folder)
    stored = read_bundle(folder)
    assert stored.protocol == bundle.protocol
    assert assemble_guide(stored) == document
    content = json.loads((folder / "protocol.json").read_text(encoding="utf-8"))
    assert content["title"] == "Temsirolimus and perifosine in 786-O xenografts"


def test_the_seed_of_the_draw_is_left_out(project: Path) -> None:
    folder = add_protocol(project) / "protocol"
    design = folder / "allocation_combination.toml"
    text = design.read_text(encoding="utf-8").replace("size = 10\n", "")
    design.write_text(f"seed = 987654321\n{text}", encoding="utf-8")
    path = folder / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[files]", '[files]\nanimals = "animals.csv"'), encoding="utf-8")
    bundle, _ = built(project)
    assert bundle.protocol is not None
    assert bundle.protocol.seed is None
    assert all(arm.animals is not None for arm in bundle.protocol.arms)
    assert "987654321" not in str(bundle.protocol)


def test_files_of_the_protocol_are_inputs_and_its_sources_are_cited(project: Path) -> None:
    read = read_project(add_protocol(project))
    names = {file.name for file in read.inputs}
    assert {
        "protocol/protocol.toml",
        "protocol/allocation_combination.toml",
        "protocol/doses.toml",
        "protocol/endpoints.toml",
        "protocol/power.toml",
        "protocol/schedule.toml",
        "evidence/references.json",
    } <= names
    assert "w1" in read.lint_input().cited_elsewhere
    assert not [finding for finding in lint_project(read) if "protocol" in finding.message]


def test_a_guide_without_a_protocol_has_none(project: Path) -> None:
    bundle, document = built(project)
    assert bundle.protocol is None
    assert not [part for part in document.sections if part.anchor.startswith("protocol-")]


def test_a_path_that_is_none_is_refused(project: Path) -> None:
    guide = project / "guide.toml"
    entry = '\n[protocol]\npath = "protocol/none.toml"\n'
    guide.write_text(guide.read_text(encoding="utf-8") + entry, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"protocol/none\.toml: expected a protocol, found"):
        read_project(project)


def test_a_key_that_the_guide_lacks_is_refused(project: Path) -> None:
    path = add_protocol(project) / "protocol" / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["w1"]', '["p04"]', 1), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"objective\.literature: .* found 'p04'"):
        read_project(project)
