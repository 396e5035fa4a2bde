"""What a reader does with a guide, step by step; used for more than one guide."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def list_what_sticks_out(page: Page, width: int) -> list[str]:
    """Elements wider than the window, other than inside what scrolls by itself."""
    found: list[str] = page.evaluate(
        """(width) => [document.documentElement, ...document.querySelectorAll("body *")]
          .filter((element) => !element.closest(".ov-scroll, .ov-paper, .ov-skip, dialog"))
          .filter((element) => Math.max(
              element.getBoundingClientRect().right,
              element === document.documentElement ? element.scrollWidth : 0) > width + 0.5)
          .map((element) => element.outerHTML.slice(0, 90))""",
        width,
    )
    return found


def open_the_way_to_a_reference_and_return(page: Page, *, claim: str, row: str) -> None:
    """Number, row, locator and reference in the pop-up, then back to the sentence."""
    dialog = page.get_by_role("dialog")
    number = page.locator(f"[id='sentence-{claim}'] .ov-said a.ov-pop").first
    number.click()
    expect(dialog.get_by_role("heading", name=f"in claim {claim}")).to_be_focused()
    expect(dialog).to_contain_text("number of rows")
    dialog.get_by_role("link", name=row, exact=True).click()
    expect(dialog.get_by_role("heading", name=f"Row {row}:")).to_be_focused()
    source = dialog.locator("dd").first
    locator = (source.text_content() or "").partition("]")[2].strip()
    assert locator
    source.get_by_role("link").first.click()
    expect(dialog.get_by_role("heading", name="Reference")).to_be_focused()
    assert dialog.locator("a[href^='https://']").count() >= 1
    back = dialog.get_by_role("button", name="Back")
    back.click()
    expect(dialog.get_by_role("heading", name=f"Row {row}:")).to_be_visible()
    back.click()
    expect(dialog.get_by_role("link", name=row, exact=True)).to_be_focused()
    expect(back).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(number).to_be_focused()


def follow_a_claim_to_its_reference_by_keyboard(page: Page, *, claim: str) -> None:
    """The same way with Tab and Enter alone."""
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    _tab_to(page, f"#claim-{claim}")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=f"Claim {claim}")).to_be_focused()
    _tab_to(page, "#row-")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Row ")).to_be_focused()
    _tab_to(page, "#ref-")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Reference")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert _focused_address(page).startswith(f"#claim-{claim}")


def _tab_to(page: Page, start: str) -> None:
    """Press Tab until a link is focused whose address begins so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if _focused_address(page).startswith(start):
            return
    raise AssertionError(f"60 times Tab lead to no link {start}")


def _focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent.trim()")
    return text


def _focused_address(page: Page) -> str:
    address: str = page.evaluate("document.activeElement.getAttribute('href') || ''")
    return address
