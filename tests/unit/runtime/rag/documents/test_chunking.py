import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.rag.documents.chunking import chunk_document
from supportplane_runtime.rag.words.searchable import content_hash

GUIDE = """# Guide
Opening words.

## Rotate a key
Run this. Then wait.

- first item
- second item
  with a nested line

## Revoke a key
```sh
supportplane keys revoke ID

echo done
```

| flag | meaning |
|------|---------|
| `-f` | file |
"""


def document(text: str, title: str = "Guide") -> Document:
    return Document(document_id="docs/guide.md", title=title, text=text, url="docs/guide.md")


def prose(sentences: int) -> str:
    return " ".join(f"Sentence number {n} says something of its own." for n in range(sentences))


PIECES = st.sampled_from(
    [
        "# One", "## Two", "## Two", "### Three\n", "Words. More words! Even more?", "- item\n- item\n  more",
        "1. a\n2. b",
        "```py\nx = 1\n\ny = 2\n```", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "[ref]: http://example.org", "> it",
        "    indented code", "<div>\nraw\n</div>", "\r\n", "Setext\n======", "日本語。テスト。",
        "```\nnever closed", "---", "long " * 90, "x" * 700, "",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=400), st.lists(PIECES, max_size=14).map("\n\n".join), st.lists(PIECES).map("\n".join)
)


def test_every_section_of_a_short_document_is_a_chunk_under_its_own_heading() -> None:
    chunks = chunk_document(document(GUIDE))
    assert [chunk.heading_path for chunk in chunks] == [
        ("Guide",),
        ("Guide", "Rotate a key"),
        ("Guide", "Revoke a key"),
    ]
    assert chunks[1].text == "Run this. Then wait.\n\n- first item\n- second item\n  with a nested line"


def test_sections_become_chunks_with_their_heading_path_and_without_the_heading_line() -> None:
    text = f"# Guide\n\n## Rotate\n{prose(9)}\n\n## Revoke\n### By id\n{prose(9)}\n"
    chunks = chunk_document(document(text), limit=500)
    assert [chunk.heading_path for chunk in chunks] == [("Guide", "Rotate"), ("Guide", "Revoke", "By id")]
    assert [chunk.text for chunk in chunks] == [prose(9), prose(9)]


def test_a_section_of_one_short_sentence_keeps_its_heading_beside_its_neighbours() -> None:
    text = "# Questions\n## Do you ship to Norway?\nYes.\n## May I pay in cash?\nNo.\n"
    assert [(chunk.heading_path[-1], chunk.text) for chunk in chunk_document(document(text))] == [
        ("Do you ship to Norway?", "Yes."),
        ("May I pay in cash?", "No."),
    ]


def test_a_heading_with_nothing_below_it_goes_with_what_follows_and_the_last_with_what_is_before_it() -> None:
    text = "# Guide\n## Empty\n## Full\nWords.\n## Last\n"
    assert [chunk.text for chunk in chunk_document(document(text))] == ["## Empty\n## Full\nWords.\n## Last"]


def test_the_id_of_a_heading_makes_its_anchor_and_is_not_shown() -> None:
    (chunk,) = chunk_document(
        document("# Guide {#top}\n## Prices {#our-prices}\n### Lids {#lids}\nFour.\n"), anchored=True
    )
    assert (chunk.heading_path, chunk.text) == (("Guide", "Prices", "Lids"), "Four.")
    assert chunk.url.endswith("#lids")
    (chunk,) = chunk_document(document("## Empty {#a}\n## Full {#b}\nWords {#c}.\n## Last {#d}\n"))
    assert chunk.text == "## Empty\n## Full\nWords {#c}.\n## Last"


def test_two_sections_of_the_same_name_are_two_sections() -> None:
    text = f"## Example\n{prose(9)}\n## Example\n{prose(8)}\n"
    assert [chunk.text for chunk in chunk_document(document(text), limit=500)] == [prose(9), prose(8)]


def test_code_items_and_rows_that_fit_are_never_cut() -> None:
    code = "```sh\n" + "supportplane keys revoke ID\n\n" * 8 + "```"
    item = "- an item that\n  goes on " + "and on " * 30
    row = "| " + "cell " * 40 + "| b |"
    text = f"{prose(6)}\n\n{code}\n\n{prose(6)}\n\n{item.strip()}\n- next\n\n| a | b |\n|---|---|\n{row}\n{row}\n"
    texts = [chunk.text for chunk in chunk_document(document(text), limit=400)]
    for whole in (code, item.strip(), row):
        assert any(whole in passage for passage in texts), whole


def test_long_prose_is_cut_between_sentences_into_even_parts() -> None:
    chunks = chunk_document(document(prose(40)), limit=600)
    assert all(chunk.text.startswith("Sentence") and chunk.text.endswith(".") for chunk in chunks)
    assert min(len(chunk.text) for chunk in chunks) > 300


def test_code_longer_than_the_limit_is_cut_between_lines() -> None:
    code = "```\n" + "".join(f"line {n} = value\n" for n in range(100)) + "```"
    chunks = chunk_document(document(code), limit=400)
    assert all(line.startswith(("line", "```")) for chunk in chunks for line in chunk.text.splitlines())


def test_a_repeated_passage_has_ids_of_its_own() -> None:
    text = f"{prose(12)}\n\n---\n\n{prose(12)}"
    ids = [chunk.chunk_id for chunk in chunk_document(document(text), limit=600)]
    assert len(set(ids)) == len(ids)


def test_an_edit_changes_only_the_chunk_it_touches() -> None:
    sections = [f"## Part {n}\n{prose(9 + n)}\n" for n in range(6)]
    before = chunk_document(document("".join(sections)), limit=800)
    sections[2] = sections[2].replace("number 3", "number three")
    after = chunk_document(document("".join(sections)), limit=800)
    changed = {chunk.chunk_id for chunk in before} ^ {chunk.chunk_id for chunk in after}
    assert len(changed) == 2


def test_a_section_put_in_front_moves_the_others_without_changing_what_is_embedded() -> None:
    text = "".join(f"## Part {n}\n{prose(9 + n)}\n" for n in range(3))
    before = chunk_document(document(text), limit=800)
    after = chunk_document(document(f"## New\n{prose(12)}\n{text}"), limit=800)[1:]
    halves = [[content_hash(chunk).split(".") for chunk in chunks] for chunks in (before, after)]
    assert [half[0] for half in halves[0]] == [half[0] for half in halves[1]]
    assert all(old[1] != new[1] for old, new in zip(*halves, strict=True))


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk_document(document(" \n\t\n")) == []


@settings(deadline=None, max_examples=300)
@given(text=TEXTS, limit=st.integers(min_value=40, max_value=600))
@example(text="0\n=\n0", limit=40)
def test_nothing_is_lost_and_every_chunk_is_verbatim_and_bounded(text: str, limit: int) -> None:
    chunks = chunk_document(document(text), limit=limit)
    assert all(0 < len(chunk.text) <= limit for chunk in chunks)
    assert is_all(text, chunks), "chunks are verbatim, in reading order, with nothing but headings between them"


def is_all(text: str, chunks: list[Chunk]) -> bool:
    """Whether there are places for the chunks that leave only headings; a heading may read like the text below it."""
    if not chunks:
        return not text.strip()
    first, *others = chunks
    at = text.find(first.text)
    while at >= 0 and only_headings(text[:at], first.heading_path):
        if is_all(text[at + len(first.text) :], others):
            return True
        at = text.find(first.text, at + 1)
    return False


def only_headings(gap: str, path: tuple[str, ...]) -> bool:
    """Before a chunk lie only blank lines and the heading lines that its path stands for."""
    return re.sub(r"[\W_]+", "", gap) in re.sub(r"[\W_]+", "", "".join(path))


@settings(deadline=None, max_examples=150)
@given(text=TEXTS, limit=st.integers(min_value=40, max_value=600))
def test_ids_are_unique_and_the_same_in_every_run(text: str, limit: int) -> None:
    first = chunk_document(document(text), limit=limit)
    assert len({chunk.chunk_id for chunk in first}) == len(first)
    assert first == chunk_document(document(text), limit=limit)
