"""Block files: form, repeated entries, names, and the shipped ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError, InputError, ProjectError, UnitError
from oncovivo.mechanism.blocks import Block, block_from_content, read_block
from oncovivo.mechanism.toml_files import shipped_names
from oncovivo.texts import parse_toml

HEAD = """
schema = "oncovivo.block/1"
name = "test"
title = "A test"
source = "none"
provides = "growth"
"""

GROWTH = (
    HEAD
    + """
[parameters.rate]
unit = "1/day"
meaning = "growth rate"
lower = 0.0
[parameters.v0]
unit = "mm³"
meaning = "volume at time 0"
lower = 0.0
open = true
[states.x]
unit = "mm³"
meaning = "tumor"
initial = "v0"
rate = "rate*x"
"""
)

CHAIN = (
    HEAD
    + """
[repeat]
first = 2
last = 4
[parameters.k]
unit = "1/day"
meaning = "transit rate"
lower = 0.0
[states.x1]
unit = "mm³"
meaning = "first"
initial = "0"
rate = "-k*x1"
[states."x{i}"]
unit = "mm³"
meaning = "stage {i} of {last}"
initial = "0"
rate = "k*(x{i-1} - x{i})"
[sums.all]
unit = "mm³"
[[contributes]]
to = "all"
value = "x{i}"
[outputs.end]
unit = "mm³"
meaning = "last stage"
kind = "other"
value = "x{last} + x1 - x{first-1}"
"""
)


def block(text: str, *, last: int | None = None) -> Block:
    return block_from_content(parse_toml(text, where="t.toml"), file="t.toml", last=last)


def test_a_block_holds_what_its_file_says() -> None:
    growth = block(GROWTH)
    assert [p.name for p in growth.parameters] == ["rate", "v0"]
    assert [p.transform for p in growth.parameters] == ["log", "log"]
    assert growth.parameters[1].open
    assert growth.states[0].unit.symbol == "mm³"
    assert str(growth.states[0].rate) == "rate*x"


@pytest.mark.parametrize("name", shipped_names("blocks"))
def test_every_shipped_block_is_read_under_its_own_name(name: str) -> None:
    assert read_block(name).name == name


def test_repeated_entries_are_written_out() -> None:
    chain = block(CHAIN)
    assert [s.name for s in chain.states] == ["x1", "x2", "x3", "x4"]
    assert str(chain.states[3].rate) == "k*(x3 - x4)"
    assert chain.states[2].meaning == "stage 3 of 4"
    assert [str(c.value) for c in chain.contributions] == ["x2", "x3", "x4"]
    assert str(chain.outputs[0].value) == "x4 + x1 - x1"


def test_the_length_of_a_chain_can_be_chosen_down_to_none() -> None:
    assert [s.name for s in block(CHAIN, last=2).states] == ["x1", "x2"]
    assert [s.name for s in block(CHAIN, last=1).states] == ["x1"]


def test_a_chain_cannot_end_before_it_begins_or_run_on_for_ever() -> None:
    with pytest.raises(InputError, match="a last number of at least 1"):
        block(CHAIN, last=0)
    with pytest.raises(FileFormatError, match="last"):
        block(CHAIN, last=51)
    with pytest.raises(InputError, match="a block with"):
        block(GROWTH, last=3)


def test_an_index_outside_a_repeated_entry_is_refused() -> None:
    with pytest.raises(FileFormatError, match="only in an entry whose name holds it"):
        block(CHAIN.replace('"-k*x1"', '"-k*x{i}"'))


def test_two_repeated_entries_cannot_meet_in_one_name() -> None:
    with pytest.raises(FileFormatError, match="'x1' twice"):
        block(CHAIN.replace("first = 2", "first = 1"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("oncovivo.block/1", "oncovivo.block/2", "schema"),
        ('provides = "growth"', 'provides = "magic"', "provides"),
        ("[states.x]", '[states."x.y"]', "states"),
        ("[states.x]", '[states."__class__"]', "states"),
        ("[states.x]", "[states.1x]", "states"),
        ('rate = "rate*x"', "", "rate"),
        ('rate = "rate*x"', "rate = 3", "rate"),
        ('rate = "rate*x"', 'rate = "rate*x"\nspeed = "1"', "a key that does not exist"),
        ("lower = 0.0\nopen", "lower = nan\nopen", "lower"),
        ("lower = 0.0\nopen", 'lower = "0"\nopen', "lower"),
        ('meaning = "tumor"', 'meaning = ""', "meaning"),
        ('title = "A test"', "", "title"),
    ],
)
def test_a_file_that_is_no_block_is_refused_in_one_line(old: str, new: str, said: str) -> None:
    assert old in GROWTH
    with pytest.raises(FileFormatError, match=said) as caught:
        block(GROWTH.replace(old, new))
    assert "\n" not in str(caught.value)


def test_an_unknown_unit_is_named_with_its_place() -> None:
    with pytest.raises(UnitError, match=r"t\.toml parameters\.rate: .*furlong"):
        block(GROWTH.replace('"1/day"', '"furlong"'))


def test_an_expression_that_cannot_be_read_is_named_with_its_place() -> None:
    with pytest.raises(InputError, match=r"t\.toml states\.x\.rate: .*'\^'"):
        block(GROWTH.replace('"rate*x"', '"rate^x"'))


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("lower = 2.0\nupper = 1.0", "lower below upper"),
        ('transform = "log"', "lower bound of 0 or more"),
        ('lower = 0.0\ntransform = "logit"', "for the logit scale"),
        ("lower = -1.0\ntransform = 'log'", "lower bound of 0 or more"),
    ],
)
def test_bounds_and_transform_agree(bounds: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        block(GROWTH.replace("lower = 0.0", bounds, 1))


PK = (
    HEAD.replace("growth", "pk")
    + """
[parameters.k]
unit = "1/h"
meaning = "elimination"
lower = 0.0
[pk.drug]
compartments = ["gut", "blood"]
amount_unit = "µg"
[[pk.drug.flows]]
from = "gut"
to = "blood"
rate = "2*k"
[[pk.drug.flows]]
from = "blood"
to = "out"
rate = "k"
[[pk.drug.doses]]
route = "p.o."
compartment = "gut"
[[pk.drug.concentrations]]
name = "amount"
compartment = "blood"
unit = "µg"
"""
)


def test_pk_defaults_are_a_bolus_without_lag_or_loss() -> None:
    system = block(PK).pk[0]
    dose = system.doses[0]
    assert [str(e) for e in (dose.fraction, dose.lag, dose.duration)] == ["1", "0", "0"]
    assert [flow.target for flow in system.flows] == ["blood", None]
    assert str(system.concentrations[0].volume) == "1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('from = "gut"', 'from = "stomach"', "one of the compartments gut, blood"),
        ('compartment = "blood"', 'compartment = "plasma"', "one of the compartments"),
        ('compartments = ["gut", "blood"]', 'compartments = ["gut", "gut"]', "each compartment"),
        ('to = "blood"', 'to = "gut"', "between two compartments"),
        ('route = "p.o."', 'route = "oral"', "route"),
        ('route = "p.o."', 'route = ["p.o."]', "route"),
    ],
)
def test_pk_that_does_not_fit_together_is_refused(old: str, new: str, said: str) -> None:
    assert old in PK
    with pytest.raises(ProjectError, match=said):
        block(PK.replace(old, new, 1))


def test_a_route_goes_to_one_place() -> None:
    again = '[[pk.drug.doses]]\nroute = "p.o."\ncompartment = "blood"\n'
    with pytest.raises(InputError, match="each route once"):
        block(PK + again)


def test_names_can_be_changed_everywhere_at_once() -> None:
    renamed = block(PK).renamed({"k": "kel", "drug": "5-FU", "blood": "plasma", "amount": "a5"})
    system = renamed.pk[0]
    assert system.compound == "5-FU"
    assert system.compartments == ("gut", "plasma")
    assert [str(flow.rate) for flow in system.flows] == ["2*kel", "kel"]
    assert renamed.parameters[0].name == "kel"
    assert system.concentrations[0].name == "a5"


def test_a_name_that_is_not_there_or_is_no_name_cannot_be_changed() -> None:
    with pytest.raises(InputError, match="names of the block test"):
        block(GROWTH).renamed({"speed": "v"})
    with pytest.raises(InputError, match="letters, digits and underscores"):
        block(GROWTH).renamed({"rate": "a*b"})


def test_an_unknown_shipped_name_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean simeoni"):
        read_block("simeony")
    with pytest.raises(InputError, match="path that ends in"):
        read_block("../blocks/simeoni")
    with pytest.raises(FileFormatError, match="a readable file"):
        read_block(tmp_path / "none.toml")


def test_a_file_of_a_project_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GROWTH, encoding="utf-8")
    assert read_block(path) == read_block(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_block(path)
