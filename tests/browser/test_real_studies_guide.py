"""A guide that lists two published data files as studies, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
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
from tests.guide.real_studies import write_project

if TYPE_CHECKING:
    from tests.browser.conftest import Axe, OpenPage, Scheme

pytestmark = [pytest.mark.browser, pytest.mark.realdata]

ARMS = 16 - 1


@pytest.fixture(scope="module")
def built() -> list[Path]:
    """The page of the project, once it is built."""
    return []


@pytest.fixture
def guide_page(
    built: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
    shared_data: Callable[[str], Path],
) -> Path:
    """The page of the project, built for the first test that asks."""
    if not built:
        folder = tmp_path_factory.mktemp("real")
        project = write_project(folder / "project", shared_data)
        guide = build_guide(project, folder / "guide", built=date(2026, 1, 2))
        built.append(guide.folder / "index.html")
    return built[0]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_guide_is_quiet_alone_accessible_and_fits(
    open_page: OpenPage, axe: Axe, guide_page: Path, scheme: Scheme, width: int
) -> None:
    opened = open_page(guide_page, scheme=scheme, width=width)
    assert axe(opened.page) == []
    assert list_what_sticks_out(opened.page, width) == []
    opened.page.locator("[id='sentence-C1'] .ov-badge").click()
    expect(opened.page.get_by_role("dialog", name="Claim C1")).to_be_visible()
    assert axe(opened.page, "dialog") == []
    assert opened.console == []
    assert opened.requests == []


def test_a_claims_number_leads_to_rows_locator_and_reference_and_back(
    open_page: OpenPage, guide_page: Path
) -> None:
    opened = open_page(guide_page)
    open_the_way_to_a_reference_and_return(opened.page, claim="C1", row="R1")
    assert opened.console == []
    assert opened.requests == []


def test_the_way_from_a_claim_to_a_reference_needs_no_mouse(
    open_page: OpenPage, guide_page: Path
) -> None:
    follow_a_claim_to_its_reference_by_keyboard(open_page(guide_page).page, claim="C1")


def test_a_number_of_a_study_leads_to_its_card_and_to_the_table_of_days(
    open_page: OpenPage, guide_page: Path
) -> None:
    page = open_page(guide_page).page
    section = page.locator("section[id^='study-genentech']")
    expect(section.locator(".ov-sentence")).to_have_count(ARMS)
    section.locator(".ov-sentence .ov-said a").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_contain_text("against gdc0084_00_temo_00")
    dialog.get_by_role("link", name="volumes by day").click()
    expect(dialog).to_be_hidden()
    expect(section.locator("[id^='table-volume-']")).to_be_in_viewport()


def test_only_the_simulated_study_says_that_it_is(open_page: OpenPage, guide_page: Path) -> None:
    page = open_page(guide_page).page
    for prefix, simulated in (("study-genentech", False), ("study-synergylmm", True)):
        section = page.locator(f"section[id^='{prefix}']")
        for part in ("caption", "figcaption", ".ov-sentence", ".ov-card"):
            texts = section.locator(part).all_inner_texts()
            assert texts
            assert {"simulated" in text.lower() for text in texts} == {simulated}


def test_the_page_is_readable_without_scripts(open_page: OpenPage, guide_page: Path) -> None:
    page = open_page(guide_page, scripts=False).page
    page.locator("[id='sentence-C1'] .ov-said a").first.click()
    card = page.locator("[id='number-C1-n']")
    expect(card).to_be_in_viewport()
    card.get_by_role("link", name="R1").click()
    expect(page.locator("[id='row-R1']")).to_be_in_viewport()
