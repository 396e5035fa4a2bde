"""The second worked example and the printed protocol in a real browser."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oncovivo.guide import build_guide
from tests.browser.guide_checks import list_what_sticks_out

if TYPE_CHECKING:
    from tests.browser.conftest import Axe, OpenPage, Scheme

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def second_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the example on vismodegib."""
    out = tmp_path_factory.mktemp("second") / "guide"
    built = build_guide(EXAMPLES / "vismodegib", out, built=date(2026, 1, 2))
    return built.folder / "index.html"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_second_guide_is_quiet_alone_accessible_and_fits(
    open_page: OpenPage, axe: Axe, second_page: Path, scheme: Scheme, width: int
) -> None:
    opened = open_page(second_page, scheme=scheme, width=width)
    assert axe(opened.page) == []
    assert list_what_sticks_out(opened.page, width) == []
    assert opened.console == []
    assert opened.requests == []
