"""The shapes of an answer: what the renderer makes of Markdown in a real browser, and how it looks on the page."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from support.page.site import ARABIC, SHAPES, PageSite

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Awaitable[Page]]

# The markup of a drawing, without the attributes that only style and reading programs need.
DRAW = """async (texts) => {
  const { renderMarkdown } = await import('/static/markdown.js');
  const marker = (number) => Object.assign(document.createElement('sup'), { textContent: number });
  return texts.map((text) => {
    const box = document.createElement('div');
    box.append(renderMarkdown(text, marker));
    for (const node of box.querySelectorAll('*'))
      for (const name of ['dir', 'tabindex', 'role', 'aria-label', 'scope', 'target', 'rel'])
        node.removeAttribute(name);
    return box.innerHTML;
  });
}"""
SCROLL = '<div class="sp-scroll"><table>{}</table></div>'
LISTS = {
    "1. Plug in:\n   - LAN\n   - mesh:\n     - main unit\n2. Open the app:\n   1. scan\n   2. type\n3. Wait.": (
        "<ol start=1><li>Plug in:<ul><li>LAN</li><li>mesh:<ul><li>main unit</li></ul></li></ul></li>"
        "<li>Open the app:<ol start=1><li>scan</li><li>type</li></ol></li><li>Wait.</li></ol>"
    ),
    "4. Tap it. [1]\n\n5. Save. [1]\n\n8. Wait. [2]": (
        "<ol start=4><li>Tap it. <sup>1</sup></li><li>Save. <sup>1</sup></li><li value=8>Wait. <sup>2</sup></li></ol>"
    ),
    "1. a\n1. b\n1. c": "<ol start=1><li>a</li><li>b</li><li>c</li></ol>",
    "1. a\n2. b\n\n1. other": "<ol start=1><li>a</li><li>b</li></ol><ol start=1><li>other</li></ol>",
    "1. Run:\n\n   ```sh\n   make up\n   ```\n\n   Then wait.\n2. Done": (
        "<ol start=1><li>Run:<pre><code>make up</code></pre><p>Then wait.</p></li><li>Done</li></ol>"
    ),
    "- a\n  goes on\n- [x] b\n\nText": "<ul><li>a\ngoes on</li><li>☑ b</li></ul><p>Text</p>",
    "   - torn [1]\n\n2. next": "<ul><li>torn <sup>1</sup></li></ul><ol start=2><li>next</li></ol>",
}
TABLES = {
    "| A | B |\n|---|--:|\n| `a\\|b` | 1 |\n| c | 2 | [1]": (
        "<thead><tr><th>A</th><th class=sp-end>B</th></tr></thead><tbody><tr><td><code>a|b</code></td>"
        "<td class=sp-end>1</td></tr><tr><td>c</td><td class=sp-end>2 <sup>1</sup></td></tr></tbody>"
    ),
    "A | B\n--- | ---\na | b": (
        "<thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>a</td><td>b</td></tr></tbody>"
    ),
    "| a | b | [1]\n\n| c | d<br>e | [2]": (
        "<tbody><tr><td>a</td><td>b <sup>1</sup></td></tr><tr><td>c</td><td>d<br>e <sup>2</sup></td></tr></tbody>"
    ),
}
BOXES = {
    ':::tip[Static "address"]\nGive it one.\n::: [1]\n\nText': (
        "<div class='sp-note-box sp-tone-tip'><p class=sp-label>Static \"address\"</p>"
        "<p>Give it one. <sup>1</sup></p></div><p>Text</p>"
    ),
    '!!! warning "Downgrade"\n    It erases scenes.\n\n    - all\n\nText': (
        "<div class='sp-note-box sp-tone-warn'><p class=sp-label>Downgrade</p><p>It erases scenes.</p>"
        "<ul><li>all</li></ul></div><p>Text</p>"
    ),
    "> [!NOTE]\n> At most 48 lamps. [1]\n\nText": (
        "<div class='sp-note-box sp-tone-note'><p class=sp-label>Note</p><p>At most 48 lamps. <sup>1</sup></p></div>"
        "<p>Text</p>"
    ),
    "::: danger\nTorn. [1]\n\nText": (
        "<div class='sp-note-box sp-tone-warn'><p class=sp-label>Danger</p><p>Torn. <sup>1</sup></p></div><p>Text</p>"
    ),
    ":::": "",
    "> a\n> > b\n\nc": (
        "<blockquote class=sp-quote><p>a</p><blockquote class=sp-quote><p>b</p></blockquote></blockquote><p>c</p>"
    ),
}
TEXTS = {
    "*Party*, _mode_, **bold *and* more**, ~~old~~, snake_case_name, 2*3*4, \\*": (
        "<p><em>Party</em>, <em>mode</em>, <strong>bold <em>and</em> more</strong>, <s>old</s>, "
        "snake_case_name, 2*3*4, *</p>"
    ),
    "![A lamp](lamp.png) [the `faq`](../faq.md) [x][y] [top](#top)": "<p>A lamp the <code>faq</code> x top</p>",
    "[![Logo](l.png)](https://a.example/) <https://b.example/x>": (
        '<p><a href="https://a.example/">Logo</a> <a href="https://b.example/x"><bdi>https://b.example/x</bdi></a></p>'
    ),
    '[p](https://a.example/x_(y) "title") [w](mailto:w@a.example)': (
        '<p><a href="https://a.example/x_(y)">p</a> w (w@a.example)</p>'
    ),
    "## Set up {#setup}\nText\n\nOld\n---\n\n---\nEnd": (
        "<p><strong>Set up</strong></p><p>Text</p><p><strong>Old</strong></p><hr><p>End</p>"
    ),
    "~~~\na ``` b\n~~~\n[1]": "<pre><code>a ``` b</code></pre><p><sup>1</sup></p>",
    "<img src=x onerror=alert(1)>": "<p>&lt;img src=x onerror=alert(1)&gt;</p>",
    "[a](javascript:alert(1)) [b](data:text/html,x) [c]( JaVaScRiPt:x)": "<p>a b c</p>",
}


def markup(text: str) -> str:
    """With quotation marks only where a value needs them, in one kind, so that expectations read well."""
    return text.replace('"', "").replace("'", "")


async def draw(page: Page, texts: list[str]) -> list[str]:
    return list(await page.evaluate(DRAW, texts))


async def test_lists_tables_quotes_and_boxes_are_drawn_as_what_they_are(open_page: OpenPage) -> None:
    page = await open_page()
    wanted = {**LISTS, **{text: SCROLL.format(rows) for text, rows in TABLES.items()}, **BOXES, **TEXTS}
    drawn = await draw(page, list(wanted))
    assert dict(zip(wanted, map(markup, drawn), strict=True)) == {text: markup(html) for text, html in wanted.items()}


async def test_an_answer_that_grows_never_shows_marks_that_the_whole_answer_does_not(open_page: OpenPage) -> None:
    """Drawn after each line: rules of tables, fences and the ends of boxes are never something to read."""
    page = await open_page()
    lines = SHAPES.split("\n")
    for drawn in await draw(page, ["\n".join(lines[:end]) for end in range(1, len(lines) + 1)]):
        assert not [mark for mark in ("---", "```", ":::", "!!!", "[!", "&gt; ") if mark in drawn]


async def test_a_hostile_text_of_many_marks_is_drawn_in_no_time_that_a_reader_would_notice(open_page: OpenPage) -> None:
    page = await open_page()
    marks = ("> ", "- ", "**a ", "[", "`", "| ", "*a ", "[a](", "![", ":::a\n", "1. ", "__a ", "~~a ", "\\", "<br>")
    await draw(page, [mark * (8000 // len(mark)) for mark in marks])  # the test's own limit of time is the bar


async def test_a_wide_table_scrolls_by_itself_on_a_phone(open_page: OpenPage) -> None:
    page = await open_page(viewport={"width": 360, "height": 740})
    await page.get_by_label("Your question").fill("shapes")
    await page.keyboard.press("Enter")
    table = page.locator(".sp-text").get_by_role("region", name="Table")
    await expect(table.get_by_role("columnheader")).to_have_count(5)
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    assert await table.evaluate("node => node.scrollWidth > node.clientWidth")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_text_of_a_language_from_right_to_left_runs_so_and_the_rest_does_not(
    open_page: OpenPage, site: PageSite
) -> None:
    page = await open_page()
    await page.get_by_label("Your question").fill(ARABIC)
    field = page.get_by_label("Your question")
    assert await field.evaluate("node => getComputedStyle(node).direction") == "rtl"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("group", name="Rate this answer")).to_be_visible()
    directions: dict[str, Any] = await page.evaluate("""() => Object.fromEntries(
      ['.sp-question p', '.sp-text > p', '.sp-text ol', '.sp-text table', '.sp-text pre', '.sp-proof', '.sp-title',
       '.sp-confidence'].map((name) => [name, getComputedStyle(document.querySelector(name)).direction]))""")
    left_to_right = {name for name, direction in directions.items() if direction == "ltr"}
    assert left_to_right == {".sp-text pre", ".sp-confidence"}
    await expect(page.locator(".sp-text")).to_have_attribute("lang", "ar")
    # The marker stands behind the last word, which is to its right.
    word, chip = await page.evaluate("""() => {
      const chip = document.querySelector('.sp-text > p .sp-citation'), range = document.createRange();
      range.selectNodeContents(chip.previousSibling);
      return [range.getBoundingClientRect().left, chip.getBoundingClientRect().right];
    }""")
    assert chip <= word + 1
