"""What changed between two guides: complete, by name, and the same the other way round."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.analyses.bundle_versions import READABLE, SCHEMA, UPGRADES, upgrade
from oncovivo.analyses.guide_diff import (
    PARTS,
    Change,
    GuideDiff,
    NumberChange,
    compare_bundles,
)
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.claims import Verdict
from oncovivo.guide.diff import diff_guides, read_guide, write_diff
from oncovivo.guide.diff_blocks import diff_document

DAY = date(2026, 1, 2)
EFFECTS = """row_id,measure,n_treated,mean_treated,sd_treated,n_control,mean_control,sd_control
R1,ROM,8,310,95,8,905,210
R3,ROM,8,400,90,8,880,200
"""


@pytest.fixture
def pooled(project: Path) -> Path:
    """The small guide with two rows of two works pooled."""
    (project / "evidence" / "effects.csv").write_text(EFFECTS, encoding="utf-8")
    return project


def bundle(project: Path) -> Bundle:
    return run(read_project(project), built=DAY)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def turned(diff: GuideDiff) -> GuideDiff:
    """The comparison as it must be the other way round."""
    kinds = {"added": "removed", "removed": "added", "changed": "changed"}

    def entry(change: Change) -> Change:
        swapped = tuple(replace(one, old=one.new, new=one.old) for one in change.fields)
        return replace(change, change=kinds[change.change], fields=swapped)  # type: ignore[arg-type]

    return replace(
        diff,
        old=diff.new,
        new=diff.old,
        claims=tuple(
            replace(
                claim,
                change=kinds[claim.change],  # type: ignore[arg-type]
                old=claim.new,
                new=claim.old,
                old_text=claim.new_text,
                new_text=claim.old_text,
                slots=tuple(replace(one, old=one.new, new=one.old) for one in claim.slots),
                fields=tuple(replace(one, old=one.new, new=one.old) for one in claim.fields),
            )
            for claim in diff.claims
        ),
        numbers=tuple(replace(one, old=one.new, new=one.old) for one in diff.numbers),
        parts={part: tuple(map(entry, changes)) for part, changes in diff.parts.items()},
    )


def test_a_guide_does_not_differ_from_itself(pooled: Path) -> None:
    one = bundle(pooled)
    diff = compare_bundles(one, bundle(pooled), tolerance=0.0)
    assert diff.n_changes == 0
    assert "Nothing changed" in str(diff_document(diff))


def test_the_order_of_rows_claims_and_waivers_is_no_change(pooled: Path) -> None:
    path = pooled / "evidence" / "records.csv"
    before = bundle(pooled)
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    after = bundle(pooled)
    after = replace(after, claims=after.claims[::-1], findings=after.findings[::-1])
    diff = compare_bundles(before, after)
    assert [change.id for change in diff.parts["inputs"]] == ["evidence/records.csv"]
    assert diff.n_changes == 1


def test_every_kind_of_change_is_found_and_the_other_way_round_too(pooled: Path) -> None:
    old = bundle(pooled)
    records = pooled / "evidence" / "records.csv"
    edit(records, "Tumors under treatment were smaller", "Tumors were smaller")
    edit(records, "\nR2,", "\nR20,")
    edit(pooled / "evidence" / "effects.csv", "400", "500")
    edit(pooled / "claims.toml", "Growth of renal tumors", "Growth of tumors")
    edit(pooled / "claims.toml", 'id = "C2"', 'id = "C3"')
    edit(pooled / "guide.toml", "Made for a test.", "Made for another test.")
    edit(pooled / "guide.toml", "A small guide", "A guide")
    edit(pooled / "evidence" / "references.json", "part 2", "part 3")
    (pooled / "evidence" / "waivers.csv").write_text(
        "rule,subject,reason,date,by\nLINT-01,w1,because,2026-01-01,AB\n", encoding="utf-8"
    )
    new = bundle(pooled)
    new = replace(
        new,
        provenance=replace(
            new.provenance,
            versions=MappingProxyType({**new.provenance.versions, "numpy": "99.0"}),
        ),
    )
    diff = compare_bundles(old, new)
    parts = {part: [(one.id, one.change) for one in diff.parts[part]] for part in PARTS}
    assert parts["rows"] == [("R1", "changed"), ("R2", "removed"), ("R20", "added")]
    assert [one.field for one in diff.parts["rows"][0].fields] == ["statement"]
    assert [(claim.id, claim.change) for claim in diff.claims] == [
        ("C1", "changed"),
        ("C2", "removed"),
        ("C3", "added"),
    ]
    assert (diff.claims[1].old, diff.claims[1].new) == ("unsupported", None)
    assert parts["waivers"] == [("LINT-01 w1", "added")]
    assert parts["references"] == [("w2", "changed")]
    assert parts["versions"] == [("numpy", "changed")]
    assert ("settings", "changed") in parts["other"]
    assert ("texts T1", "changed") in parts["other"]
    assert {name for name, _ in parts["inputs"]} >= {"guide.toml", "evidence/waivers.csv"}
    paths = {number.path for number in diff.numbers}
    assert any(path.startswith("meta:RCC / temsirolimus / ") for path in paths)
    assert compare_bundles(new, old) == turned(diff)


def test_a_number_has_old_new_and_relative_change(pooled: Path) -> None:
    old = bundle(pooled)
    edit(pooled / "evidence" / "effects.csv", "400", "500")
    new = bundle(pooled)
    (one,), (two,) = old.pools[0].pools, new.pools[0].pools
    diff = compare_bundles(old, new)
    (number,) = (
        found
        for found in diff.numbers
        if found.path.startswith("meta:") and found.path.endswith(" / estimate")
    )
    assert (number.old, number.new) == (one.estimate, two.estimate)
    # by hand: from the definition
    assert number.relative == (two.estimate - one.estimate) / abs(one.estimate)
    starts = {found.path.partition(" / ")[0] for found in diff.numbers}
    assert "meta:RCC" in starts
    assert starts <= {"meta:RCC", "effects:RCC", "conclusion:tumor"}


@pytest.mark.parametrize(
    ("old", "new", "relative", "status"),
    [
        (2.0, 3.0, 0.5, "ok"),
        (-2.0, -3.0, -0.5, "ok"),
        (0.0, 1.0, None, "undefined"),
        (None, 1.0, None, "undefined"),
        (1.0, None, None, "undefined"),
        (1e-300, 1e300, None, "undefined"),
    ],
)
def test_a_relative_change_that_does_not_exist_is_null_with_a_reason(
    old: float | None, new: float | None, relative: float | None, status: str
) -> None:
    found = NumberChange(path="x", old=old, new=new).to_dict()
    assert (found["relative_change"], found["status"]) == (relative, status)
    assert (found["reason"] is None) == (status == "ok")


def test_the_tolerance_decides_which_numbers_are_the_same(pooled: Path) -> None:
    old = bundle(pooled)
    (pool,) = old.pools[0].pools
    shifted = replace(pool, estimate=pool.estimate * (1 + 1e-6))
    new = replace(old, pools=(replace(old.pools[0], pools=(shifted,)), *old.pools[1:]))
    names = [found.path.rpartition(" / ")[2] for found in compare_bundles(old, new).numbers]
    assert names == ["estimate", "ratio"]
    assert compare_bundles(old, new, tolerance=1e-5).numbers == ()
    for bad in (-0.1, 1.0, float("nan")):
        with pytest.raises(InputError, match="--tolerance: expected a relative difference"):
            compare_bundles(old, new, tolerance=bad)


@pytest.mark.parametrize(
    ("old", "new", "weaker"),
    [
        ("supported", "partly_supported", True),
        ("partly_supported", "unsupported", True),
        ("unsupported", "contradicted", True),
        ("unsupported", "uncited", False),
        ("supported", "opinion", True),
        ("contradicted", "supported", False),
    ],
)
def test_which_verdicts_are_weaker(
    project: Path, old: Verdict, new: Verdict, *, weaker: bool
) -> None:
    one = bundle(project)
    first, *rest = one.claims
    before = replace(one, claims=(replace(first, verdict=old), *rest))
    after = replace(one, claims=(replace(first, verdict=new), *rest))
    diff = compare_bundles(before, after)
    assert [(claim.id, claim.old, claim.new) for claim in diff.claims] == [("C1", old, new)]
    assert bool(diff.weaker) is weaker


def test_a_part_of_a_bundle_without_a_comparison_of_its_own_is_compared(project: Path) -> None:
    one = bundle(project)
    other = replace(one, settings=one.settings.model_copy(update={"subtitle": "x"}))
    (change,) = compare_bundles(one, other).parts["other"]
    assert (change.id, change.fields[0].field, change.fields[0].new) == (
        "settings",
        "subtitle",
        "x",
    )


# Folders, versions, page and command -------------------------------------------------------------


@pytest.fixture
def two(pooled: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two bundles: in the second a row is gone and its claim is weaker."""
    folders = (tmp_path / "old", tmp_path / "new")
    for place in folders:
        (place / "bundle").mkdir(parents=True)
    write_bundle(bundle(pooled), folders[0] / "bundle")
    (pooled / "evidence" / "effects.csv").unlink()
    records = pooled / "evidence" / "records.csv"
    lines = records.read_text(encoding="utf-8").splitlines(keepends=True)
    records.write_text("".join(lines[:-1]), encoding="utf-8")
    write_bundle(bundle(pooled), folders[1] / "bundle")
    return folders


def test_a_guide_and_its_bundle_are_the_same_thing(two: tuple[Path, Path]) -> None:
    old, new = two
    assert diff_guides(old, new) == diff_guides(old / "bundle", new / "bundle")


def test_what_is_no_guide_is_one_line(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, found in (
        (project, "found a guide project; build it first"),
        (tmp_path / "empty", "found no bundle in the folder"),
        (project / "guide.toml", "found a file"),
        (tmp_path / "none", "found no such folder"),
    ):
        with pytest.raises(FileFormatError, match=found):
            read_guide(folder)


def test_a_bundle_of_the_version_before_is_read(two: tuple[Path, Path]) -> None:
    folder = two[0] / "bundle"
    now = read_bundle(folder)
    guide = json.loads((folder / "guide.json").read_bytes())
    assert guide["schema"] == SCHEMA
    guide["schema"] = "oncovivo.bundle/1"
    (folder / "guide.json").write_text(json.dumps(guide), encoding="utf-8")
    for later in ("estimands.json", "conclusions.json"):
        (folder / later).unlink()
    before = read_bundle(folder)
    assert (before.estimands, before.conclusions) == ((), ())
    assert replace(before, estimands=now.estimands, conclusions=now.conclusions) == now


def test_every_earlier_version_leads_to_the_current_one() -> None:
    assert READABLE[0] == SCHEMA
    for schema in UPGRADES:
        assert upgrade("claims.json", [1], schema=schema) == [1]


def test_a_file_that_the_current_version_writes_may_not_be_missing(two: tuple[Path, Path]) -> None:
    (two[0] / "bundle" / "claims.json").unlink()
    with pytest.raises(FileFormatError, match=r"bundle/claims\.json"):
        read_guide(two[0])


def test_the_command_says_what_changed_and_exits_1_when_a_verdict_is_weaker(
    two: tuple[Path, Path], tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    page = tmp_path / "pages" / "diff.html"
    outcome = run_cli("guide", "diff", *two, "-o", page)
    assert outcome.code == 1
    assert "became weaker: C1" in outcome.out
    assert "partly supported" in outcome.out
    assert run_cli("guide", "diff", *reversed(two)).code == 0
    same = run_cli("guide", "diff", two[0], two[0])
    assert (same.code, "nothing changed" in same.out) == (0, True)
    html = page.read_text(encoding="utf-8")
    for words in ("What changed between two guides", "Verdicts that changed", "C1", "R3"):
        assert words in html


def test_the_json_is_the_contract(two: tuple[Path, Path], run_cli: Callable[..., Any]) -> None:
    outcome = run_cli("guide", "diff", *two, "--json", "--tolerance", "1e-6")
    found = json.loads(outcome.out)
    assert found["schema"] == "oncovivo.guide_diff/1"
    assert found["options"]["tolerance"] == 1e-6
    (claim,) = found["claims"]
    assert (claim["id"], claim["old"], claim["new"]) == ("C1", "supported", "partly_supported")
    assert {"field": "n", "old": "3", "new": "2", "values": 1} in claim["slots"]
    assert found["rows"] == [{"id": "R3", "change": "removed", "fields": []}]
    assert {"path", "old", "new", "relative_change", "status", "reason"} == set(
        found["numbers"][0]
    )
    assert all(number["new"] is None for number in found["numbers"])
    assert set(PARTS) | {"waivers", "findings"} <= set(found)
    assert found["weaker"] == ["C1"]


def test_bad_command_lines_write_nothing(
    two: tuple[Path, Path], tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli("guide", "diff", *two, "-o", tmp_path / "x.pdf")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "a file ending in .html" in outcome.err
    with pytest.raises(InputError):
        write_diff(diff_guides(*two), tmp_path / "x.pdf")
    outcome = run_cli("guide", "diff", two[0], tmp_path / "none", "--json")
    assert json.loads(outcome.out)["error"]["expected"].startswith("the folder of a built guide")
    (tmp_path / "file").write_text("", encoding="utf-8")
    outcome = run_cli("guide", "diff", two[0], two[0], "-o", tmp_path / "file" / "x.html")
    assert (outcome.code, "a place where files can be written" in outcome.err) == (2, True)
