from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from playwright.async_api import Page, expect

from support.page.site import PageSite

pytestmark = pytest.mark.slow

QUESTION = "How do I rotate an API key?"
OpenPage = Callable[..., Awaitable[Page]]


async def test_a_one_time_link_signs_in_and_leaves_the_address_bar(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    assert page.url == f"{site.url}/"
    cookies = await page.context.cookies()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
    await page.reload()
    await expect(page.get_by_label("Your question")).to_be_visible()


async def test_a_used_link_says_so_and_asks_for_a_key(open_page: OpenPage, site: PageSite, watch: Any) -> None:
    watch.expected = ["401"]
    link = await site.link()
    first = await open_page(link)
    await expect(first.get_by_label("Your question")).to_be_visible()
    page = await open_page(link)
    await expect(page.get_by_role("alert")).to_contain_text("This link is unknown, used or expired.")
    await expect(page.get_by_label("API key", exact=True)).to_be_focused()


async def test_a_pasted_key_signs_in_for_this_tab_only(open_page: OpenPage, site: PageSite, watch: Any) -> None:
    watch.expected = ["401"]
    page = await open_page(site.url)
    await page.get_by_label("API key", exact=True).fill(site.gateway.key.plain)
    await page.keyboard.press("Enter")
    await page.get_by_label("Your question").fill(QUESTION)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    kept = await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    assert site.gateway.key.plain not in kept
    other = await page.context.new_page()
    await other.goto(site.url)
    await expect(other.get_by_label("API key", exact=True)).to_be_visible()


async def test_a_wrong_key_is_refused_with_the_servers_sentence(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    watch.expected = ["401"]
    page = await open_page(site.url)
    await page.get_by_label("API key", exact=True).fill("sk_not_a_key_at_all")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("This API key is unknown or revoked.")
    await expect(page.get_by_label("API key", exact=True)).to_have_value("")


async def test_a_session_that_ended_asks_to_sign_in_again(open_page: OpenPage, site: PageSite, watch: Any) -> None:
    watch.expected = ["401"]
    page = await open_page()
    await page.context.clear_cookies()
    await page.get_by_label("Your question").fill(QUESTION)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("API key", exact=True)).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("authentication")


async def test_a_server_that_is_away_is_not_mistaken_for_a_missing_key(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    watch.expected = ["ERR_", "503"]
    page = await open_page()
    await page.route("**/api/v1/conversations*", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    await page.unroute("**/api/v1/conversations*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_label("Your question")).to_be_visible()


async def test_signing_out_by_keyboard_ends_the_session_and_forgets_the_conversation(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    watch.expected = ["401"]
    page = await open_page()
    await page.get_by_label("Your question").fill(QUESTION)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    cookies = await page.context.cookies()
    await page.get_by_role("button", name="Sign out").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("API key", exact=True)).to_be_focused()
    await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    await expect(page.get_by_text(QUESTION)).to_have_count(0)
    assert await page.context.cookies() == []
    assert await page.evaluate("localStorage.length") == 0
    await page.context.add_cookies(cast("Any", cookies))  # a copy that somebody kept
    await page.reload()
    await expect(page.get_by_label("API key", exact=True)).to_be_visible()


async def test_signing_out_with_a_pasted_key_forgets_the_key(open_page: OpenPage, site: PageSite, watch: Any) -> None:
    watch.expected = ["401"]
    page = await open_page(site.url)
    await page.get_by_label("API key", exact=True).fill(site.gateway.key.plain)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key", exact=True)).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
