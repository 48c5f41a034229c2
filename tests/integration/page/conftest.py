"""A real headless Chromium in front of a served gateway. Every page must stay silent: no error, no foreign request."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from support.page.site import PageSite, page_site
from support.repository import REPOSITORY

INSTALL = REPOSITORY / "scripts" / "install-chromium"
# Without these Chromium calls home at every start; --no-sandbox because CI runs as root.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OpenPage = Callable[..., Awaitable[Page]]
PATIENCE_MS = 30_000  # for whatever a page is about to show, on a machine with other things to do

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = subprocess.run([INSTALL], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no browser: {found.stderr.strip()}")
    return found.stdout.strip()


@pytest.fixture(scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=FLAGS, timeout=4 * PATIENCE_MS)
        yield browser
        await browser.close()


@pytest.fixture
async def site() -> AsyncIterator[PageSite]:
    async with page_site() as made:
        yield made


class Watch:
    """What a page complained about, and where it went. ``expected`` are parts of messages that a test provokes."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.hosts: set[str] = set()
        self.expected: list[str] = []
        self.allowed: set[str] = set()

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.messages.append(f"page error: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.hosts.add("/".join(request.url.split("/")[:3])))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.messages.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.messages.append(f"dialog: {dialog.message}")

    def complaints(self) -> list[str]:
        return [text for text in self.messages if not any(part in text for part in self.expected)]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def open_page(browser: Browser, site: PageSite, watch: Watch) -> AsyncIterator[OpenPage]:
    """Opens a page in a fresh browser profile, signed in by a one-time link unless another url is given."""
    async with AsyncExitStack() as contexts:

        async def open_one(url: str | None = None, **options: Any) -> Page:
            context = await browser.new_context(**options)
            contexts.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            watch.attach(page)
            await page.goto(url or await site.link())
            if url is None:
                await page.get_by_label("Your question").wait_for()
            return page

        yield open_one
    assert watch.complaints() == []
    assert watch.hosts <= {site.url, *watch.allowed}
