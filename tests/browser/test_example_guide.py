"""The worked example's guide in a real browser."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from oncovivo.guide import build_guide
from tests.browser.guide_checks import (
    follow_a_claim_to_its_reference_by_keyboard,
    list_what_sticks_out,
    open_the_way_to_a_reference_and_return,
)

if TYPE_CHECKING:
    from tests.browser.conftest import Axe, OpenPage, Scheme

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus"
CLAIM = "C06a"


@pytest.fixture(scope="module")
def guide_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the example."""
    out = tmp_path_factory.mktemp("example") / "guide"
    return build_guide(EXAMPLE, out, built=date(2026, 1, 2)).folder / "index.html"


# The specimen page has every scheme at every width; the whole guide is long.
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_guide_is_quiet_alone_accessible_and_fits(
    open_page: OpenPage, axe: Axe, guide_page: Path, scheme: Scheme, width: int
) -> None:
    opened = open_page(guide_page, scheme=scheme, width=width)
    assert axe(opened.page) == []
    assert list_what_sticks_out(opened.page, width) == []
    opened.page.locator(f"[id='sentence-{CLAIM}'] .ov-badge").click()
    expect(opened.page.get_by_role("dialog", name=f"Claim {CLAIM}")).to_be_visible()
    assert axe(opened.page, "dialog") == []
    assert opened.console == []
    assert opened.requests == []


def test_a_claims_number_leads_to_rows_locator_and_reference_and_back(
    open_page: OpenPage, guide_page: Path
) -> None:
    opened = open_page(guide_page)
    open_the_way_to_a_reference_and_return(opened.page, claim=CLAIM, row="S02a")
    assert opened.console == []
    assert opened.requests == []


def test_the_way_from_a_claim_to_a_reference_needs_no_mouse(
    open_page: OpenPage, guide_page: Path
) -> None:
    follow_a_claim_to_its_reference_by_keyboard(open_page(guide_page).page, claim=CLAIM)


def test_without_scripts_every_step_is_a_jump_in_the_page(
    open_page: OpenPage, guide_page: Path
) -> None:
    page = open_page(guide_page, scripts=False).page
    page.locator(f"[id='sentence-{CLAIM}'] .ov-said a").first.click()
    assert page.url.endswith(f"#number-{CLAIM}-n_rows")
    card = page.locator(f"[id='number-{CLAIM}-n_rows']")
    expect(card).to_be_in_viewport()
    card.get_by_role("link", name="S02a").click()
    row = page.locator("[id='row-S02a']")
    expect(row).to_be_in_viewport()
    row.get_by_role("link", name="1", exact=True).click()
    expect(page.locator("[id='ref-s08']")).to_be_in_viewport()
    expect(page.locator("dialog")).to_be_hidden()


def test_the_first_screen_says_what_the_guide_finds(open_page: OpenPage, guide_page: Path) -> None:
    page = open_page(guide_page).page
    expect(page.locator("[id='sentence-C06a']")).to_be_in_viewport()
    expect(page.locator("[id='sentence-C06b']")).to_be_in_viewport()


def test_no_word_of_the_files_is_printed_with_underscores(
    open_page: OpenPage, guide_page: Path
) -> None:
    page = open_page(guide_page).page
    raw = page.evaluate(
        r"""() => [...document.querySelectorAll("main section")]
          .filter((section) => !section.id.startsWith("simulation:"))
          .flatMap((section) => section.innerText.match(/\b[a-z]+_[a-z_]+\b/g) || [])"""
    )
    # Simulations show the names of their numbers, which a reader needs to change them. What is
    # left elsewhere are file names, names of simulations and the name of a compound's file.
    named = (
        "four_arm", "mouse_exposure", "resistant_genotype", "tumor_types",
        "allocation_combination", "markers_of_both_lines_simulated",
    )  # fmt: skip
    assert {word for word in raw if not any(name in word for name in named)} == set()


def test_the_simulated_study_says_so_everywhere(open_page: OpenPage, guide_page: Path) -> None:
    page = open_page(guide_page).page
    section = page.locator("[id='study-four-arm-simulated']")
    for part in ("caption", "figcaption", ".ov-sentence", ".ov-card"):
        texts = section.locator(part).all_inner_texts()
        assert texts
        assert all("simulated" in text.lower() for text in texts)
    assert "simulated" in (section.locator("svg").first.get_attribute("aria-label") or "")
