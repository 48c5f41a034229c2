"""The widget on a site of another origin, whose own policy is strict."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from socket import socket
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from support.page.site import PageSite
from supportplane_runtime.domain.identity import Scope
from supportplane_runtime.store.interfaces.keys import KeyKind

pytestmark = pytest.mark.slow

QUESTION = "How do I rotate an API key?"
# What a site may say of all that stands in it. Much of it is inherited through a shadow root.
HOSTILE_CSS = """
  html { font-size: 62.5%; direction: rtl; }
  body { text-transform: uppercase; letter-spacing: 4px; word-spacing: 9px; line-height: 3; text-align: center;
         font: italic 900 40px/3 serif; color: red; text-indent: 5em; white-space: nowrap; cursor: wait; zoom: 1.5;
         visibility: hidden; user-select: none; pointer-events: none; hyphens: auto; list-style: square inside;
         font-variant: small-caps; text-shadow: 0 0 3px red; word-break: break-all; border-collapse: collapse; }
  * { direction: rtl; } div { display: none !important; font-size: 50px !important; filter: blur(3px); opacity: 0.1; }
  p, li, button, div { margin: 40px !important; transform: rotate(9deg); --text: red; --surface: red; }
"""
# Every computed property and the place of every element of the widget.
LOOKS = """() => {
  const root = [...document.body.children].find((node) => node.shadowRoot).shadowRoot;
  return [...root.querySelectorAll('*')].map((node) => {
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    const all = Object.fromEntries([...style].map((name) => [name, style.getPropertyValue(name)]));
    for (const name of ['zoom', 'perspective-origin', 'transform-origin']) delete all[name];
    const place = [box.x, box.y, box.width, box.height].map(Math.round);
    return [`${node.tagName}.${node.getAttribute('class')}`, ...place, all];
  });
}"""
OpenPage = Callable[..., Awaitable[Page]]


@dataclass
class Shop:
    """A shop's page with the widget. Its policy allows the support server and nothing else."""

    support: str
    url: str
    key: str = "pk_none_yet"
    css: str = "button { background: red; font-size: 40px }"

    async def page(self, _: web.Request) -> web.Response:
        policy = f"default-src 'none'; script-src {self.support}; connect-src {self.support}; style-src 'unsafe-inline'"
        html = (
            f"<!doctype html><html lang=en><title>Shop</title><style>{self.css}</style>"
            f"<h1>Shop</h1><script src='{self.support}/widget.js' data-key='{self.key}' data-agent='Shop help' async>"
            "</script>"
        )
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": policy})


@pytest.fixture
async def shop(site: PageSite, watch: Any) -> AsyncIterator[Shop]:
    listening = socket()
    listening.bind(("127.0.0.1", 0))
    made = Shop(site.url, f"http://127.0.0.1:{listening.getsockname()[1]}")
    key = await site.gateway.make_key(kind=KeyKind.PUBLISHABLE, scopes=frozenset({Scope.INVOKE}), origins=(made.url,))
    made.key = key.plain
    watch.allowed.add(made.url)
    app = web.Application()
    app.router.add_get("/", made.page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    try:
        yield made
    finally:
        await runner.cleanup()


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def test_a_visitor_of_another_site_asks_and_finds_the_conversation_again(
    open_page: OpenPage, site: PageSite, shop: Shop
) -> None:
    page = await open_page(shop.url)
    await page.get_by_role("button", name="Ask us").click()
    await expect(page.get_by_role("dialog", name="Shop help")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_be_focused()
    await ask(page, QUESTION)
    await expect(page.get_by_text("Confidence: high, 91 %")).to_be_visible()
    await page.get_by_role("button", name="This answer helped").click()
    await expect(page.get_by_text("Thank you.")).to_be_visible()

    await page.reload()
    await page.get_by_role("button", name="Ask us").click()
    await expect(page.locator(".sp-question")).to_contain_text(QUESTION)
    users = {log.turn.user_id for log in site.turns.logs.values()}
    assert len(users) == 1
    assert users.pop().startswith("widget-")


async def test_two_visitors_do_not_see_each_other(open_page: OpenPage, site: PageSite, shop: Shop) -> None:
    for _ in range(2):
        page = await open_page(shop.url)
        await page.get_by_role("button", name="Ask us").click()
        await expect(page.locator(".sp-turn")).to_have_count(0)
        await ask(page, QUESTION)
        await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    assert len({log.turn.user_id for log in site.turns.logs.values()}) == 2


async def test_the_sites_styles_and_the_widgets_do_not_meet(open_page: OpenPage, shop: Shop) -> None:
    page = await open_page(shop.url)
    await expect(page.get_by_role("button", name="Ask us")).to_have_css("font-size", "16px")
    await expect(page.get_by_role("heading", name="Shop")).to_have_css("font-size", "32px")


async def test_a_site_of_hostile_styles_has_the_widget_of_a_plain_site(open_page: OpenPage, shop: Shop) -> None:
    looks = []
    for css in ("", HOSTILE_CSS):
        shop.css = css
        page = await open_page(shop.url, viewport={"width": 900, "height": 720}, reduced_motion="reduce")
        await page.get_by_role("button", name="Ask us").click()
        await ask(page, "shapes")
        await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
        await page.get_by_role("textbox", name="Your question").blur()
        looks.append(await page.evaluate(LOOKS))
    plain, hostile = looks
    assert [(node, box) for node, *box, _ in hostile] == [(node, box) for node, *box, _ in plain]
    different = {
        (a[0], name): (a[-1][name], b[-1][name])
        for a, b in zip(plain, hostile, strict=True)
        for name in a[-1]
        if a[-1][name] != b[-1][name]
    }
    assert different == {}
    panel = next(box for node, *box, _ in hostile if node == "DIV.sp-panel")
    assert panel[2] == 400


async def test_escape_closes_the_panel_and_gives_the_focus_back(open_page: OpenPage, shop: Shop) -> None:
    page = await open_page(shop.url)
    launch = page.get_by_role("button", name="Ask us")
    await launch.press("Enter")
    await expect(launch).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(launch).to_be_focused()


async def test_the_panel_fills_a_phone(open_page: OpenPage, shop: Shop) -> None:
    page = await open_page(shop.url, viewport={"width": 320, "height": 600})
    await page.get_by_role("button", name="Ask us").click()
    assert await page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 600}


async def test_a_key_bound_to_another_site_is_refused_with_a_sentence(
    open_page: OpenPage, site: PageSite, shop: Shop, watch: Any
) -> None:
    watch.expected = ["CORS", "ERR_FAILED", "403"]
    shop.key = site.gateway.widget_key.plain
    page = await open_page(shop.url)
    await page.get_by_role("button", name="Ask us").click()
    await ask(page, QUESTION)
    # A browser hides the refusal from a site that the key is not for; the person still sees that nothing was asked.
    await expect(page.get_by_role("alert")).to_contain_text("No connection")
    assert site.turns.questions == []


async def test_a_question_over_a_limit_is_told_in_a_sentence_and_sent_again_by_itself(
    open_page: OpenPage, site: PageSite, shop: Shop, watch: Any
) -> None:
    watch.expected = ["429"]
    site.limits.waits = [2, 1]
    page = await open_page(shop.url)
    await page.get_by_role("button", name="Ask us").click()
    await ask(page, QUESTION)
    told = "A lot was asked here in a short time. Your question is sent by itself in 2 seconds."
    await expect(page.locator(".sp-progress")).to_have_text(told)
    await expect(page.get_by_text("Confidence: high, 91 %")).to_be_visible()
    assert site.turns.questions == [QUESTION]


async def test_a_long_wait_is_told_once_and_without_the_words_of_those_who_set_limits(
    open_page: OpenPage, site: PageSite, shop: Shop, watch: Any
) -> None:
    watch.expected = ["429"]
    site.limits.waits = [600]
    page = await open_page(shop.url)
    await page.get_by_role("button", name="Ask us").click()
    await ask(page, QUESTION)
    told = "A lot was asked here in a short time. Try again in 10 minutes."
    await expect(page.get_by_role("alert").get_by_role("paragraph")).to_have_text(told)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("Confidence: high, 91 %")).to_be_visible()


async def test_a_secret_key_in_a_page_is_not_used(open_page: OpenPage, shop: Shop, watch: Any) -> None:
    watch.expected = ["data-key must be a publishable key"]
    shop.key = "sk_secret_by_mistake"
    page = await open_page(shop.url)
    await expect(page.get_by_role("heading", name="Shop")).to_be_visible()
    await expect(page.get_by_role("button", name="Ask us")).to_have_count(0)
    assert len(watch.messages) == 1
