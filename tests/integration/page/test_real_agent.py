"""The page in front of a whole agent, as a newcomer has it: real retrieval, real store, a model that takes a while."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from support.laptop.running_agent import QUESTION, Laptop, slow_agent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with slow_agent(tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture
def link(agent: Laptop) -> str:
    told = subprocess.run(agent.command("link", "--json"), capture_output=True, check=True)
    return str(json.loads(told.stdout)["url"])


@pytest.fixture
async def page(browser: Browser, link: str) -> AsyncIterator[Page]:
    """Signed in by `supportplane link`."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(link)
    await page.get_by_label("Your question").wait_for(timeout=60_000)
    yield page
    await context.close()


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def test_a_question_is_answered_from_the_documents_with_its_source(page: Page) -> None:
    await ask(page, QUESTION)
    answer = page.locator(".sp-answer").last
    await expect(answer.get_by_role("group", name="Rate this answer")).to_be_visible(timeout=60_000)
    await expect(answer.locator(".sp-text")).to_contain_text("return label")
    await expect(answer.locator("blockquote").first).to_contain_text("print the return label")
    await expect(answer.get_by_text("Confidence: ")).to_be_visible()
    await answer.get_by_role("button", name="This answer helped").click()
    await expect(answer.get_by_text("Thank you.")).to_be_visible()


async def test_a_wish_for_a_person_shows_the_ticket_that_the_api_lists(page: Page, agent: Laptop) -> None:
    await ask(page, "I want to talk to a human")
    shown = await page.locator(".sp-ticket code").get_attribute("title", timeout=60_000)
    _, tickets = await agent.get("/api/v1/tickets")
    assert [ticket["reason"] for ticket in tickets["items"] if ticket["ticket_id"] == shown] == ["CustomerRequest"]


async def test_the_page_outlives_a_gateway_that_is_killed_during_an_answer(page: Page, agent: Laptop) -> None:
    answer = page.locator(".sp-answer").last
    with agent.silent_model():
        await ask(page, QUESTION)
        await expect(answer.locator(".sp-step")).not_to_have_text("Sending the question")
        killed = agent.kill("gateway")
        await expect(answer.locator(".sp-lost")).to_be_visible()
    agent.comes_back("gateway", killed)
    await expect(answer.get_by_role("group", name="Rate this answer")).to_be_visible(timeout=120_000)
    await expect(answer.locator(".sp-text")).to_contain_text("return label")
