import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from support.eventually import eventually_async
from support.fault_proxy import Mode
from support.page.site import PageSite

pytestmark = pytest.mark.slow

QUESTION = "How do I rotate an API key?"
OpenPage = Callable[..., Awaitable[Page]]


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def answered(page: Page, count: int = 1) -> None:
    await expect(page.get_by_role("group", name="Rate this answer")).to_have_count(count)


async def test_an_answer_shows_its_sources_and_how_sure_it_is_in_words(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)

    answer = page.locator(".sp-answer")
    await expect(answer.locator(".sp-text code").first).to_have_text("supportplane keys create NAME")
    await expect(answer.get_by_text("Confidence: high, 91 %")).to_be_visible()
    sources = answer.get_by_role("region", name="Sources").locator("> ol > li")
    await expect(sources).to_have_count(2)
    link = sources.nth(0).get_by_role("link", name="Manage API keys > Rotate an API key")
    await expect(link).to_have_attribute("href", "https://docs.example.com/manage-api-keys.html")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(sources.nth(0).locator("blockquote")).to_contain_text("create a new key with supportplane keys create")
    await expect(sources.nth(0).locator(".sp-place")).to_have_text("Keys \u203a Rotate")
    await expect(sources.nth(1).locator(".sp-path")).to_have_text("how-to/manage-api-keys.md")


async def test_a_marker_leads_to_its_source(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)
    await page.get_by_role("link", name="Source 2: Manage API keys > Revoke an API key").click()
    focused = page.locator(":focus")
    await expect(focused).to_contain_text("Revoke an API key")
    assert "#" not in page.url


async def test_a_long_quote_opens_on_request(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)
    more = page.get_by_role("button", name="Show the whole quote")
    await expect(more).to_have_count(1)  # the first quote is short
    quote = page.locator("blockquote").nth(1)
    before = await quote.evaluate("node => node.clientHeight")
    await more.click()
    await expect(page.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    assert await quote.evaluate("node => node.clientHeight") > before


async def test_an_answer_grows_while_it_is_streamed(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, "hold")
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key, create a new key")
    await expect(page.locator(".sp-step")).to_have_text("Detail of verify.")
    await expect(page.locator(".sp-text")).not_to_contain_text("Both keys work")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    site.turns.go.set()
    await expect(page.locator(".sp-text")).to_contain_text("Both keys work until the old one is revoked")
    await answered(page)
    await expect(page.locator(".sp-progress")).to_have_count(0)


async def test_the_next_question_goes_on_with_the_conversation_also_after_a_reload(
    open_page: OpenPage, site: PageSite
) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)
    await page.reload()
    await answered(page)
    await expect(page.locator(".sp-question")).to_contain_text(QUESTION)
    await ask(page, "And how do I revoke it?")
    await answered(page, 2)
    assert len({log.turn.conversation_id for log in site.turns.logs.values()}) == 1


async def test_a_page_that_is_reloaded_during_an_answer_shows_the_rest(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, "hold")
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key")
    await page.reload()
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key")
    site.turns.go.set()
    await answered(page)
    assert site.turns.questions == ["hold"]


async def test_a_new_conversation_starts_empty(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".sp-turn")).to_have_count(0)
    await expect(page.get_by_label("Your question")).to_be_focused()
    await ask(page, QUESTION)
    await answered(page)
    assert len({log.turn.conversation_id for log in site.turns.logs.values()}) == 2


async def test_a_handed_off_question_shows_its_ticket(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, "person please")
    await expect(page.locator(".sp-ticket")).to_contain_text("A person will take over")
    tickets = await site.gateway.store.records.tickets("acme", user_id=None, after=None, limit=10)
    await expect(page.locator(".sp-ticket code")).to_have_text(str(tickets.items[0].ticket_id)[:8])


async def test_a_failed_turn_says_why_and_is_asked_again_on_request(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, "break")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The model server does not answer. It is being restarted.")
    site.turns.repaired = True
    await alert.get_by_role("button", name="Try again").click()
    await answered(page)
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert site.turns.questions == ["break", "break"]  # the first turn has ended; asking again is a new one
    assert len({log.turn.conversation_id for log in site.turns.logs.values()}) == 1


async def test_a_stopped_answer_ends_and_can_be_asked_again(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, "hold")
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    assert len(site.turns.cancelled) == 1
    site.turns.go.set()
    await page.get_by_role("button", name="Ask again").click()
    await answered(page)


async def test_feedback_is_stored_with_its_comment(open_page: OpenPage, site: PageSite) -> None:
    page = await open_page()
    await ask(page, QUESTION)
    await answered(page)
    down = page.get_by_role("button", name="This answer did not help")
    await down.click()
    await expect(down).to_have_attribute("aria-pressed", "true")
    comment = page.get_by_label("What was good or missing?")
    await comment.fill("Where do I see the old key?")
    await comment.press("Enter")
    await expect(page.get_by_text("Thank you. Your comment is stored.")).to_be_visible()
    (stored,) = feedback_of(site)
    assert (stored.rating.value, stored.comment, stored.user_id) == ("down", "Where do I see the old key?", "page-user")

    await page.get_by_role("button", name="This answer helped").click()
    await expect(down).to_have_attribute("aria-pressed", "false")
    await eventually_async(lambda: [one.rating.value for one in feedback_of(site)] == ["up"])
    [changed] = feedback_of(site)
    assert changed.comment == "Where do I see the old key?"  # another click must not erase what the customer wrote


def feedback_of(site: PageSite) -> list[Any]:
    given: Any = site.gateway.store.feedback  # the store's own rows, so that the wait can look without awaiting
    return [each for each, _ in given._state.feedback.values()]


async def test_a_connection_that_breaks_during_an_answer_comes_back_without_asking_twice(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    watch.expected = ["ERR_CONNECTION", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE"]
    page = await open_page()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  # playwright cannot mark a built-in
    await ask(page, "hold")
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key")
    await site.go_dark()
    await expect(page.locator(".sp-step")).to_have_text("Connection lost. Reconnecting…")
    await site.come_back()
    await expect(page.locator(".sp-step")).not_to_have_text("Connection lost. Reconnecting…")
    site.turns.go.set()
    await answered(page)
    text = await page.locator(".sp-text").inner_text()
    assert text.count("To rotate an API key") == 1
    assert site.turns.questions == ["hold"]
    assert [request.method for request in asked].count("POST") == 1
    (turn_id,) = (str(turn_id) for _, turn_id in site.turns.logs)
    assert asked[-1].url == f"{site.url}/api/v1/turns/{turn_id}/stream"
    assert asked[-1].headers["last-event-id"].startswith(f"{turn_id}:")


async def test_an_answer_is_shown_when_the_stream_has_no_more_to_say(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    """A 204 instead of events says that the turn has ended: its answer is read from the turn."""
    watch.expected = ["ERR_CONNECTION", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE"]
    page = await open_page()
    await ask(page, "hold")
    await expect(page.locator(".sp-text")).to_contain_text("To rotate an API key")
    await site.go_dark()
    site.turns.go.set()
    await eventually_async(lambda: all(log.ended for log in site.turns.logs.values()))
    await page.route("**/api/v1/turns/*/stream", lambda route: route.fulfill(status=204))
    await site.come_back()
    await answered(page)
    assert (await page.locator(".sp-text").inner_text()).count("To rotate an API key") == 1


async def test_a_question_whose_reply_is_lost_is_sent_again_as_the_same_turn(
    open_page: OpenPage, site: PageSite, watch: Any
) -> None:
    watch.expected = ["ERR_"]
    page = await open_page()
    site.proxy.set_mode(Mode.LOSE_REPLY)
    await ask(page, QUESTION)
    await answered(page)
    assert site.proxy.cuts == 1
    assert site.turns.questions == [QUESTION]


async def test_hostile_text_is_shown_and_never_runs(open_page: OpenPage, watch: Any) -> None:
    page = await open_page()
    await ask(page, "attack")
    await answered(page)
    await expect(page.locator(".sp-text")).to_contain_text(
        "<img src=x onerror=alert(1)> <script>alert(2)</script> click"
    )
    await expect(page.locator(".sp-title")).to_have_text("<img src=x onerror=alert(4)>")
    await expect(page.locator("blockquote strong")).to_have_text("<i>bold</i>")
    inside = page.locator(".sp-log")
    for forbidden in ("img", "script", "blockquote svg", "i", "[href^='javascript']"):
        await expect(inside.locator(forbidden)).to_have_count(0)
    assert watch.messages == []


async def test_a_question_of_markup_is_shown_as_it_was_typed(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, "<b>bold</b>?")
    await expect(page.locator(".sp-question p")).to_have_text("<b>bold</b>?")


async def test_lists_code_and_web_links_are_rendered(open_page: OpenPage) -> None:
    page = await open_page()
    await ask(page, "markdown")
    await answered(page)
    text = page.locator(".sp-text")
    await expect(text.locator("ol > li")).to_have_text(["run make up", "open the page"])
    await expect(text.locator("ul > li")).to_have_text(["one", "two"])
    await expect(text.locator("pre code")).to_have_text("make test")
    await expect(text.locator("strong")).to_have_text("Bold")
    await expect(text.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/x")
    await expect(text.get_by_role("link", name="a path")).to_have_count(0)
    await expect(page.get_by_text("Confidence: medium, 62 %")).to_be_visible()
