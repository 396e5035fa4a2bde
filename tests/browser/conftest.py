"""A headless Chromium that opens files and notes what it complains about and what it asks for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from oncovivo.documents import render_html
from tests.documents.specimen import specimen

Scheme: TypeAlias = Literal["light", "dark"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The path to an element and what is wrong with it, one line per violation.
_RUN_AXE = """async (part) => {
  const options = { resultTypes: ["violations"], preload: false };
  const result = await axe.run(part || document, options);
  return result.violations.flatMap((found) =>
    found.nodes.map((node) => `${found.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPage:
    """A page, what its console said, and what it asked for outside its own file."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


class OpenPage(Protocol):
    """Opens a file in the browser."""

    def __call__(
        self,
        path: Path,
        *,
        scheme: Scheme = "light",
        width: int = 1280,
        scripts: bool = True,
    ) -> OpenedPage:
        """Open ``path`` with a color scheme, a width in CSS pixels, with or without scripts."""


class Axe(Protocol):
    """Runs axe-core."""

    def __call__(self, page: Page, part: str = "") -> list[str]:
        """The violations of a page, or of the element that a selector names, one line each."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium on PATH; its absence is a failure, not a reason to skip."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.fail(f"no Chromium on PATH: looked for {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens files, each in a fresh context that is closed after the test."""
    contexts: list[BrowserContext] = []

    def open_file(
        path: Path, *, scheme: Scheme = "light", width: int = 1280, scripts: bool = True
    ) -> OpenedPage:
        context = browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        opened = OpenedPage(page=context.new_page())
        opened.page.on(
            "console",
            lambda message: (
                opened.console.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file://", "data:"))
                else opened.requests.append(request.url)
            ),
        )
        opened.page.goto(path.resolve().as_uri())
        return opened

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture
def axe() -> Axe:
    """Runs axe-core on a page or a part of it."""
    script = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")

    def violations(page: Page, part: str = "") -> list[str]:
        page.evaluate(script)
        found: list[str] = page.evaluate(_RUN_AXE, part)
        return found

    return violations


@pytest.fixture(scope="session")
def specimen_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a document with every kind of block."""
    path = tmp_path_factory.mktemp("specimen") / "index.html"
    path.write_text(render_html(specimen()), encoding="utf-8")
    return path
