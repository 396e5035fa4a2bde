"""The page of a document with every kind of block, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Axe, OpenPage, Scheme

pytestmark = pytest.mark.browser

CLAIM_LINK = "[id='sentence:1'] a[href='#claim:1'].ov-pop"


def _focused_text(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_alone_accessible_and_fits(
    open_page: OpenPage, axe: Axe, specimen_page: Path, scheme: Scheme, width: int
) -> None:
    opened = open_page(specimen_page, scheme=scheme, width=width)
    page = opened.page
    assert axe(page) == []
    page.click(CLAIM_LINK)
    expect(page.get_by_role("dialog", name="Claim C1")).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("Escape")
    page.get_by_text("Description of the picture").first.click()
    assert axe(page) == []
    assert opened.console == []
    assert opened.requests == []


def test_the_colors_follow_the_scheme_and_pictures_stay_on_paper(
    open_page: OpenPage, specimen_page: Path
) -> None:
    grounds, papers = [], []
    for scheme in ("light", "dark"):
        page = open_page(specimen_page, scheme=scheme).page
        color = "element => getComputedStyle(element).backgroundColor"
        grounds.append(page.locator("body").evaluate(color))
        papers.append(page.locator(".ov-paper").first.evaluate(color))
    assert grounds == ["rgb(255, 255, 255)", "rgb(16, 22, 27)"]
    assert papers == ["rgb(255, 255, 255)", "rgb(251, 251, 250)"]


def test_a_number_leads_to_its_claim_its_row_and_its_reference_and_back(
    open_page: OpenPage, specimen_page: Path
) -> None:
    opened = open_page(specimen_page)
    page = opened.page
    dialog = page.get_by_role("dialog")
    back = dialog.get_by_role("button", name="Back")
    page.click(CLAIM_LINK)
    expect(dialog.get_by_role("heading", name="Claim C1")).to_be_focused()
    expect(back).to_be_hidden()
    dialog.get_by_role("link", name="row 1").click()
    expect(dialog.get_by_role("heading", name="Row 1: 786-O xenograft")).to_be_focused()
    dialog.get_by_role("link", name="reference 1").click()
    expect(dialog.get_by_role("heading", name="Reference 1")).to_be_focused()
    expect(dialog).to_contain_text("A made-up trial in mice.")
    back.click()
    expect(dialog.get_by_role("heading", name="Row 1: 786-O xenograft")).to_be_visible()
    expect(dialog.get_by_role("link", name="reference 1")).to_be_focused()
    back.click()
    expect(dialog.get_by_role("link", name="row 1")).to_be_focused()
    expect(back).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(CLAIM_LINK)).to_be_focused()
    assert page.evaluate("location.hash") == ""
    assert opened.console == []


def test_the_badge_of_a_sentence_opens_its_card(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    page.locator("[id='sentence:4']").get_by_role("link", name="contradicted").click()
    expect(page.get_by_role("dialog", name="Claim C4")).to_be_visible()


def test_the_keyboard_alone_is_enough(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    page.keyboard.press("Tab")
    assert _focused_text(page) == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if _focused_text(page) == "3":
            break
    assert _focused_text(page) == "3"
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Claim C1")
    expect(dialog).to_be_visible()
    page.keyboard.press("Tab")
    assert _focused_text(page) == "row 1"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Row 1: 786-O xenograft")).to_be_visible()
    seen = set()
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.add(_focused_text(page))
    assert {"Back", "Show in page", "Close", "reference 1"} <= seen
    page.keyboard.press("Escape")
    assert _focused_text(page) == "3"


def test_the_popup_closes_by_its_button_and_beside_it(
    open_page: OpenPage, specimen_page: Path
) -> None:
    page = open_page(specimen_page).page
    dialog = page.get_by_role("dialog")
    page.click(CLAIM_LINK)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(CLAIM_LINK)).to_be_focused()
    page.click(CLAIM_LINK)
    page.mouse.click(20, 400)
    expect(dialog).to_be_hidden()


def test_show_in_page_closes_and_goes_there(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    page.click(CLAIM_LINK)
    page.get_by_role("link", name="Show in page").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    card = page.locator("[id='claim:1']")
    expect(card).to_be_in_viewport()
    expect(card).to_be_focused()
    assert page.evaluate("decodeURIComponent(location.hash)") == "#claim:1"


def test_a_copy_in_the_popup_repeats_no_id(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    page.click(CLAIM_LINK)
    twice = page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
          return ids.filter((id, at) => ids.indexOf(id) !== at);
        }"""
    )
    assert twice == []


def test_without_scripts_links_jump_to_their_anchors(
    open_page: OpenPage, specimen_page: Path
) -> None:
    page = open_page(specimen_page, scripts=False).page
    page.click(CLAIM_LINK)
    assert page.url.endswith("#claim:1")
    expect(page.locator("[id='claim:1']")).to_be_in_viewport()
    expect(page.locator("dialog")).to_be_hidden()
    page.locator("[id='claim:1']").get_by_role("link", name="row 1").click()
    assert page.url.endswith("#row:1")


@pytest.mark.parametrize("width", [1280, 700, 400, 320])
def test_nothing_is_wider_than_the_window(
    open_page: OpenPage, specimen_page: Path, width: int
) -> None:
    page = open_page(specimen_page, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beside = page.evaluate(
        """(width) => [...document.querySelectorAll("main *")]
          .filter((element) => !element.closest(".ov-scroll, .ov-paper"))
          .filter((element) => element.getBoundingClientRect().right > width + 0.5)
          .map((element) => element.outerHTML.slice(0, 80))""",
        width,
    )
    assert beside == []


def test_badges_stay_inside_their_sentences(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    over = page.evaluate(
        """() => [...document.querySelectorAll(".ov-sentence")].filter((line) =>
          line.querySelector(".ov-badge").getBoundingClientRect().right
            > line.getBoundingClientRect().right + 0.5).length"""
    )
    assert over == 0


def test_paper_shows_descriptions_and_hides_controls(
    open_page: OpenPage, specimen_page: Path
) -> None:
    page = open_page(specimen_page).page
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text("Two boxes; an arrow leads from the pathway")).to_be_visible()
    expect(page.locator("nav")).to_be_hidden()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    expect(page.get_by_text("Two boxes; an arrow leads from the pathway")).to_be_hidden()
    expect(page.locator("nav")).to_be_visible()


def test_the_contents_follow_the_reader(open_page: OpenPage, specimen_page: Path) -> None:
    page = open_page(specimen_page).page
    link = page.get_by_role("navigation").get_by_role("link", name="Claims and rows")
    link.click()
    expect(link).to_have_attribute("aria-current", "location")


def test_a_request_a_complaint_and_a_violation_are_noticed(
    open_page: OpenPage, axe: Axe, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text('<p>x</p><img src="http://127.0.0.1:9/x.png">', encoding="utf-8")
    opened = open_page(path)
    assert opened.requests == ["http://127.0.0.1:9/x.png"]
    assert len(opened.console) == 1
    assert any(line.startswith("image-alt: img") for line in axe(opened.page))
