"""The report of a study file in a real browser."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oncovivo.analyses import AnalysisOptions
from oncovivo.guide import build_report
from tests.browser.guide_checks import list_what_sticks_out
from tests.cli.study_files import write_growth

if TYPE_CHECKING:
    from tests.browser.conftest import Axe, OpenPage, Scheme

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small study."""
    folder = tmp_path_factory.mktemp("a report")
    page = folder / "the page.html"
    build_report(
        write_growth(folder / "growth.csv"),
        page,
        built=date(2026, 1, 2),
        options=AnalysisOptions(control="Vehicle"),
    )
    return page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_report_is_quiet_alone_accessible_and_fits(
    open_page: OpenPage, axe: Axe, report_page: Path, scheme: Scheme, width: int
) -> None:
    opened = open_page(report_page, scheme=scheme, width=width)
    assert list_what_sticks_out(opened.page, width) == []
    for description in opened.page.get_by_text("Description of the picture").all():
        description.click()
    assert axe(opened.page) == []
    assert opened.console == []
    assert opened.requests == []


def test_the_contents_lead_to_each_group_of_endpoints(
    open_page: OpenPage, report_page: Path
) -> None:
    page = open_page(report_page).page
    page.get_by_role("navigation").get_by_role("link", name="Growth delay and cell kill").click()
    heading = page.get_by_role("heading", name="Growth delay and cell kill")
    assert heading.bounding_box() is not None
    assert page.url.endswith("#endpoints-delay-1")
    repeated = page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
          return ids.filter((id, at) => ids.indexOf(id) !== at);
        }"""
    )
    assert repeated == []
