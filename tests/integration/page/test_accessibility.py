import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from support.page.site import PageSite

pytestmark = pytest.mark.slow

QUESTION = "How do I rotate an API key?"
OpenPage = Callable[..., Awaitable[Page]]

# Contrast of every visible piece of text against the nearest painted ground behind it (WCAG 2: 4.5, large text 3).
CONTRAST = """() => {
  const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1);
    return Array.from(context.getImageData(0, 0, 1, 1).data);
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const luminance = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('.sp-hidden, noscript')) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(node).color)), luminance(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, walker.currentNode.data.trim().slice(0, 40), node.className]);
  }
  return found;
}"""


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def show_everything(page: Page, site: PageSite) -> None:
    """An answer with sources, a rated one, a ticket, a problem, and a turn in progress."""
    await ask(page, QUESTION)
    await expect(page.get_by_role("group", name="Rate this answer")).to_have_count(1)
    await page.get_by_role("button", name="This answer helped").click()
    await ask(page, "person please")
    await expect(page.locator(".sp-ticket")).to_be_visible()
    await ask(page, "break")
    await expect(page.get_by_role("alert")).to_be_visible()
    await ask(page, "hold")
    await expect(page.locator(".sp-progress")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_has_the_contrast_that_people_need(open_page: OpenPage, site: PageSite, scheme: str) -> None:
    page = await open_page(color_scheme=scheme)
    await show_everything(page, site)
    found: list[list[Any]] = await page.evaluate(CONTRAST)
    assert len(found) > 20
    assert [entry for entry in found if entry[0] < 4.5] == []


async def test_the_page_follows_the_systems_dark_mode(open_page: OpenPage) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = await open_page(color_scheme=scheme)
        grounds.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(246, 247, 245)", "rgb(19, 24, 22)"]


@pytest.mark.parametrize("width", [320, 360, 768])
async def test_nothing_is_wider_than_a_phone(open_page: OpenPage, site: PageSite, width: int) -> None:
    page = await open_page(viewport={"width": width, "height": 640})
    await show_everything(page, site)
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await page.evaluate("document.querySelector('.sp-log').scrollWidth <= document.documentElement.clientWidth")
    box = await page.get_by_label("Your question").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 640  # the field stays in sight


async def test_everything_can_be_done_with_the_keyboard_alone(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await expect(page.get_by_label("Your question")).to_be_focused()
    await page.keyboard.type("first line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    assert site.turns.questions == []
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    assert site.turns.questions == ["first line\nsecond line"]
    await expect(page.get_by_label("Your question")).to_be_focused()

    await press_until_focused(page, "Shift+Tab", "This answer helped")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="This answer helped")).to_have_attribute("aria-pressed", "true")
    await press_until_focused(page, "Shift+Tab", "Source 1: Manage API keys > Rotate an API key")
    await page.keyboard.press("Enter")
    await expect(page.locator(":focus blockquote")).to_be_visible()
    await press_until_focused(page, "Shift+Tab", "Skip to the question field")
    await page.keyboard.press("Enter")
    await page.keyboard.type("x")
    await expect(page.get_by_label("Your question")).to_have_value("x")


async def press_until_focused(page: Page, key: str, name: str) -> None:
    for _ in range(25):
        await page.keyboard.press(key)
        focused = await page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent")
        if focused.strip() == name:
            return
    raise AssertionError(f"{key} never reaches {name!r}")


async def test_focus_can_always_be_seen(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    for _ in range(12):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(
            """() => {
              const style = getComputedStyle(document.activeElement);
              const box = document.activeElement.closest('.sp-box');
              const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
              return ring || document.activeElement === document.body
                || (box !== null && getComputedStyle(box).boxShadow !== 'none');
            }"""
        )
        assert seen, await page.evaluate("document.activeElement.outerHTML")


async def test_steps_and_the_answer_are_announced_politely(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    live = page.locator("[aria-live=polite]")
    await ask(page, "hold")
    await expect(live).to_have_text("Detail of verify.")
    site.turns.go.set()
    await expect(live).to_have_text(re.compile("^Answer: To rotate an API key.*revoked", re.DOTALL))


async def test_the_page_has_landmarks_names_and_one_heading_order(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    for role in ("banner", "main"):
        await expect(page.get_by_role(role)).to_have_count(1)
    await expect(page.get_by_role("region", name="Conversation")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Support")
    nameless = await page.evaluate(
        """() => Array.from(document.querySelectorAll('button, a, input, textarea'))
             .filter((node) => !node.textContent.trim() && !node.ariaLabel && !(node.labels && node.labels.length))
             .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    assert await page.evaluate("document.documentElement.lang") == "en"
    await expect(page.locator(".sp-answer .sp-text")).to_have_attribute("lang", "en")


async def test_nothing_moves_for_those_who_asked_for_that(open_page: OpenPage) -> None:
    for motion, animation in (("no-preference", "sp-breathe"), ("reduce", "none")):
        page = await open_page(reduced_motion=motion)
        await ask(page, "hold")
        name = await page.locator(".sp-dots").evaluate("node => getComputedStyle(node).animationName")
        assert name == animation
