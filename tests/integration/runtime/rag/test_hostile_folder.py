"""Files that are odd or meant to do harm, in one folder: each is indexed or named, and the others are there."""

import os
from pathlib import Path

import pytest

from supportplane_crds.knowledge_base import KnowledgeBaseSpec
from supportplane_runtime.rag.documents.reading import Reading, read_knowledge_base

MB = 1_000_000
SENTENCE = "Glowhouse lamps are tested for a year before they are sold. "
BOMB = "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12))

# Odd and valid: to be read whole.
WHOLE: dict[str, str] = {
    "paragraphs.html": "<!doctype html><title>P</title>" + "".join(f"<p>Paragraph {n}." for n in range(500)),
    "items.html": "<ul>" + "".join(f"<li>Item {n}." for n in range(500)),
    "rows.html": "<table>" + "".join(f"<tr><td>Row {n}<td>value" for n in range(200)),
    "terms.html": "<dl>" + "".join(f"<dt>Term {n}<dd>meaning" for n in range(200)),
    "deep.html": "<div>" * 400 + "Text" + "</div>" * 400,
    "deeper.html": "<div>" * 5000 + "Text",
    "fonts.html": "<font color=red>Text " * 500,
    "headings.md": "".join(f"## Heading {n}\n\nText {n}.\n\n" for n in range(2000)),
    "prose.md": (SENTENCE * 6 + "\n\n") * (1_200_000 // 362),
    "prose.html": ("<p>" + SENTENCE * 6) * (1_200_000 // 363),
    "date.md": "---\ntitle: Date\ndate: 2026-02-30\n---\nText",
    "month.md": "---\ndate: 2026-13-45\n---\nText",
    "digits.md": f"---\nn: {'9' * 5000}\n---\nText",
    "tags.md": "---\na: !!int abc\nb: !!bool abc\nc: !!float abc\nd: 0x_\n---\nText",
    "nul.md": '---\ntitle: "a\\0b"\n---\nText',
    "surrogate.md": '---\ntitle: "\\ud800"\n---\nText',
    "flow.md": f"---\na: {'[' * 20_000}\n---\nText",
    "nested.md": "---\n" + "".join(" " * n + "a:\n" for n in range(1500)) + "---\nText",
    "bomb.md": f'---\na: &a ["x","x","x","x","x","x","x","x","x"]\n{BOMB}title: *m\n---\nText',
    "title.md": f"---\ntitle: {'x' * (19 * MB // 10)}\n---\nText",
    "title.html": f"<title>{'x' * (19 * MB // 10)}</title><p>Text",
    "one heading.md": "# " + "word " * (19 * MB // 50),
    "many headings.md": "# a\n" * 10_000,
    "links.md": "[a](b" * 300_000,
    "addresses.md": "http://" * 250_000,
    "references.html": "&amp;" * 400_000,
    "less than.html": "<" * (19 * MB // 10),
    "one line.md": "x" * (19 * MB // 10),
    "quotations.md": "> " * MB,
    "backticks.md": "[a](b){: .wide }" + "`" * (19 * MB // 10),
    "brackets.md": "[" * (MB // 2),
    "toml.md": f"+++\ntitle = 'T'\nn = 0x{'f' * 20_000}\n+++\nText",
    "lines.md": "\n" * (MB // 10) + "Text",
}
# Of these nothing can be read, or too much: to be named.
NAMED: dict[str, str | bytes] = {
    "attributes.html": '<a href="' * 200_000,
    "comment.md": "<!-- Text",
    "comment.html": "<!-- Text",
    "list.html": "<ul><li>" * 200_000,
    "list.md": "- a\n" * (MB // 2),
    "headings without end.md": "# a\n" * (MB // 2),
    "binary.md": b"ab\0cd",
    "latin.md": "Schl\xfcssel".encode("latin-1"),
    "encoding.html": '<meta charset="nonsense-8">Text',
    "codec.html": '<meta charset="base64">Text',
    "big.md": b"x" * (2 * 1024 * 1024 + 1),
    "empty.md": " \n",
    "draft.md": "---\ndraft: true\n---\nText",
    "draft.toml.md": "+++\ndraft = true\n+++\nText",
    "_drafts/page.md": "Text",
    "table.html": ("<tr>" + "<td colspan=1000 rowspan=65534>x" * 10) * 6000,
}


def read(folder: Path) -> Reading:
    spec = KnowledgeBaseSpec.model_validate({"sources": ({"name": "docs", "path": str(folder)},)})
    return read_knowledge_base(spec, folder)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "_drafts").mkdir()
    for name, content in {**WHOLE, **NAMED}.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "loop.md").symlink_to("loop.md")
    os.mkfifo(folder / "pipe.md")
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("# Coffee\n\nText")
    (folder / "ordinary.md").write_text("# Desk\n\nThe desk opens at 9.")
    return read(folder)


def test_every_file_is_read_or_named(found: Reading) -> None:
    documents = {each.document_id.removeprefix("docs/") for each in found.documents}
    skipped = {each.name.removeprefix("docs/"): each.reason for each in found.skipped}
    assert documents.isdisjoint(skipped)
    assert documents | skipped.keys() == {
        *WHOLE, *NAMED, "loop.md", "pipe.md", "caf\\xe9.md", "ordinary.md"
    }  # fmt: skip
    assert all(reason and not reason.endswith(".") for reason in skipped.values())


def test_what_is_odd_but_valid_is_read_whole(found: Reading) -> None:
    documents = {each.document_id.removeprefix("docs/"): each for each in found.documents}
    skipped = {each.name.removeprefix("docs/"): each.reason for each in found.skipped}
    assert {name: skipped.get(name, "missing") for name in WHOLE if name not in documents} == {}
    assert documents["paragraphs.html"].text.count("Paragraph ") == 500
    assert documents["headings.md"].text.count("## Heading ") == 2000
    for name in ("prose.md", "prose.html"):
        assert documents[name].text.count("tested") == WHOLE[name].count("tested")
    assert all(len(each.title) <= 200 for each in found.documents)


def test_what_cannot_be_read_is_named_with_a_reason_that_helps(found: Reading) -> None:
    skipped = {each.name.removeprefix("docs/"): each.reason for each in found.skipped}
    assert skipped["loop.md"] == "is a link that leads to itself"
    assert skipped["pipe.md"] == "is not a file that can be read: a broken link, a socket or a device"
    assert skipped["draft.toml.md"] == "is a draft: `draft: true` in its front matter"
    assert skipped["comment.md"] == "holds no text that its readers see: a comment begins in line 1 and has no end"
    assert skipped["codec.html"] == "declares an unknown encoding, base64; save it as UTF-8"
    assert skipped["list.md"].endswith("that a file may take; split it")


def test_the_passages_of_every_document_were_cut_with_it(found: Reading) -> None:
    assert found.chunks.keys() == {each.document_id for each in found.documents}
    (chunk,) = found.chunks["docs/ordinary.md"]
    assert (chunk.heading_path, chunk.text) == (("Desk",), "The desk opens at 9.")
