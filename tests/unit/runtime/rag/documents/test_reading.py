import json
import os
from pathlib import Path

import pytest

from supportplane_crds.knowledge_base import KnowledgeBaseSpec
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.rag.documents import reading
from supportplane_runtime.rag.documents.html_to_markdown import html_to_markdown
from supportplane_runtime.rag.documents.reading import Reading, Skipped, read_jsonl, read_knowledge_base


def read(folder: Path, **source: object) -> Reading:
    spec = KnowledgeBaseSpec.model_validate_json(json.dumps({"sources": [{"name": "docs", "path": "docs", **source}]}))
    return read_knowledge_base(spec, folder)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_a_document_has_its_first_heading_as_title_and_its_path_as_identity_and_link(docs: Path) -> None:
    write(docs, {"guides/keys.md": "Before.\n\n## Rotate *a* `key`\nText.\n"})
    (document,) = read(docs.parent).documents
    assert (document.document_id, document.title, document.url, document.language) == (
        "docs/guides/keys.md",
        "Rotate a key",
        "docs/guides/keys.md",
        "en",
    )
    assert document.text == "Before.\n\n## Rotate *a* `key`\nText.\n"


@pytest.mark.parametrize(
    ("text", "title", "kept"),
    [
        ("---\ntitle: Keys & more\ntags: [a]\n---\n# Heading\nText", "Keys & more", "# Heading\nText"),
        ("---\r\ntitle: Windows\r\n---\r\nText\r\n", "Windows", "Text\n"),
        ("---\n---\n# Heading\n", "Heading", "# Heading\n"),
        (
            "---\nsome prose: with: colons\n---\nText",
            "some prose: with: colons",
            "---\nsome prose: with: colons\n---\nText",
        ),
        ("---\n- a\n- list\n\n---\nText", "page", "---\n- a\n- list\n\n---\nText"),
        ("no heading at all", "page", "no heading at all"),
        ("\ufeff# After a byte order mark", "After a byte order mark", "# After a byte order mark"),
    ],
)
def test_front_matter_gives_the_title_and_is_not_text(docs: Path, text: str, title: str, kept: str) -> None:
    write(docs, {"page.md": text})
    (document,) = read(docs.parent).documents
    assert (document.title, document.text) == (title, kept)


def test_patterns_select_below_the_source_and_exclude_wins(docs: Path) -> None:
    write(
        docs,
        dict.fromkeys(("a.md", "b.txt", "deep/er/c.md", "deep/d.rst", "drafts/e.md", ".git/f.md", ".g.md"), "text"),
    )
    names = [document.document_id for document in read(docs.parent, exclude=["drafts/**"]).documents]
    assert names == ["docs/a.md", "docs/b.txt", "docs/deep/er/c.md"]
    assert [document.document_id for document in read(docs.parent, include=["*.md"]).documents] == ["docs/a.md"]
    names = [document.document_id for document in read(docs.parent, include=["deep"], exclude=["**/*.rst"]).documents]
    assert names == ["docs/deep/er/c.md"]


def test_a_source_may_be_one_file_and_links_may_have_a_prefix(docs: Path) -> None:
    write(docs, {"read me.md": "text"})
    (document,) = read(docs.parent, path="docs/read me.md", baseURL="https://example.org/docs/").documents
    assert (document.document_id, document.url) == ("docs/read me.md", "https://example.org/docs/read%20me.md")


def test_a_passage_is_linked_to_its_heading_on_the_page_that_the_site_makes_of_the_file(docs: Path) -> None:
    long = "Words of a section. " * 40
    text = f"---\nslug: /start\n---\n# Start\n\n{long}\n\n## Set up\n\n{long}\n\n## Set up\n\n{long}\n"
    write(docs, {"guide/faq.md": text, "guide/index.md": "# Guide\n\nText."})
    found = read(docs.parent, baseURL="https://example.org/docs", linkSuffix="/")
    site = "https://example.org/docs"
    assert {document.document_id: document.url for document in found.documents} == {
        "docs/guide/faq.md": f"{site}/start/",
        "docs/guide/index.md": f"{site}/guide/",
    }
    urls = [chunk.url for chunk in found.chunks["docs/guide/faq.md"]]
    assert urls == [f"{site}/start/", f"{site}/start/#set-up", f"{site}/start/#set-up-1"]
    ids = [chunk.chunk_id for chunk in found.chunks["docs/guide/faq.md"]]
    assert ids == [chunk.chunk_id for chunk in read(docs.parent).chunks["docs/guide/faq.md"]]


def test_encodings_are_told_by_mark_or_declaration(docs: Path) -> None:
    write(
        docs,
        {
            "a.md": "Schlüssel".encode("utf-16"),
            "b.html": '<meta charset="iso-8859-1"><p>Schlüssel</p>'.encode("latin-1"),
            "c.md": "Schlüssel".encode("utf-8-sig"),
        },
    )
    assert [document.text for document in read(docs.parent).documents] == ["Schlüssel"] * 3


def test_what_cannot_be_read_is_named_with_its_reason(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 100)
    (tmp_path / "secret.md").write_text("outside")
    write(
        docs,
        {
            "big.md": "x" * 101,
            "binary.txt": b"ab\0cd",
            "empty.md": " \n",
            "fine.md": "text",
            "latin.md": "eins\nzwei\nSchl\xfcssel".encode("latin-1"),
            "odd.html": b'<meta charset="nonsense-8"><p>x</p>',
        },
    )
    (docs / "out.md").symlink_to(tmp_path / "secret.md")
    (docs / "gone.md").symlink_to(docs / "nothing.md")
    (docs / "inside.md").symlink_to(docs / "fine.md")
    found = read(docs.parent)
    assert [document.document_id for document in found.documents] == ["docs/fine.md", "docs/inside.md"]
    assert list(found.skipped) == [
        Skipped("docs/big.md", "has 101 bytes, more than the 100 that are read; split it"),
        Skipped("docs/binary.txt", "holds NUL bytes, so it is no text file"),
        Skipped("docs/empty.md", "holds no text"),
        Skipped("docs/gone.md", "is not a file that can be read: a broken link, a socket or a device"),
        Skipped("docs/latin.md", "is not UTF-8: byte 0xFC in line 3; save it as UTF-8"),
        Skipped("docs/odd.html", "declares an unknown encoding, nonsense-8; save it as UTF-8"),
        Skipped("docs/out.md", "is a link that leads out of the source's folder; put the file itself there"),
    ]


def test_a_linked_folder_is_not_followed_and_is_named_unless_it_is_excluded(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.md").write_text("# Elsewhere\n\nNot ours.\n")
    (docs / "linked").symlink_to(tmp_path / "elsewhere")
    write(docs, {"fine.md": "text"})
    reason = "is a link to a folder, which is not followed; put the folder itself there"
    found = read(docs.parent)
    assert [document.document_id for document in found.documents] == ["docs/fine.md"]
    assert found.skipped == (Skipped("docs/linked/", reason),)
    for pattern in ("linked", "linked/**"):
        assert read(docs.parent, exclude=[pattern]).skipped == ()


def test_a_mounted_config_map_is_read_through_its_links_and_cited_without_the_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kubelet lays it out: the files are links into a folder that is replaced as a whole."""
    monkeypatch.setattr(reading, "KNOWLEDGE_DIR", str(tmp_path))
    mounted = tmp_path / "handbook" / "docs"
    write(mounted, {"..2026_11_01/keys.md": "# Keys"})
    (mounted / "..data").symlink_to("..2026_11_01")
    (mounted / "keys.md").symlink_to("..data/keys.md")
    (document,) = read(Path("/etc/supportplane"), path=str(mounted)).documents
    assert (document.document_id, document.title, document.url) == ("docs/keys.md", "Keys", "handbook/docs/keys.md")


@pytest.mark.parametrize("path", ["/", "..", "~", "inside/../.."])
def test_a_source_outside_of_the_agent_file_s_folder_is_cited_by_its_name_and_never_by_where_it_lies(
    tmp_path: Path, path: str
) -> None:
    folder = tmp_path / "agent"
    elsewhere = {"/": tmp_path / "home", "..": tmp_path / "home", "~": folder / "~", "inside/../..": tmp_path / "home"}
    (folder / "inside").mkdir(parents=True)
    write(elsewhere[path], {"guides/keys.md": "# Keys", "one.md": "# One"})
    written = str(elsewhere[path]) if path == "/" else "~" if path == "~" else f"{path}/home"
    found = read(folder, name="handbook", path=written).documents
    assert [document.url for document in found] == ["handbook/one.md", "handbook/guides/keys.md"]
    (file,) = read(folder, name="handbook", path=f"{written}/one.md").documents
    assert file.url == "one.md"


def test_a_source_that_only_an_operator_can_resolve_is_named(tmp_path: Path) -> None:
    source = {"name": "docs", "configMap": {"name": "handbook"}}
    spec = KnowledgeBaseSpec.model_validate_json(json.dumps({"sources": [source]}))
    with pytest.raises(InvalidRequest, match="'docs' has no path"):
        read_knowledge_base(spec, tmp_path)


def test_a_linked_folder_is_not_walked(docs: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"secret.md": "outside"})
    write(docs, {"a.md": "text"})
    (docs / "linked").symlink_to(tmp_path / "elsewhere")
    (docs / "loop").symlink_to(docs)
    assert [document.document_id for document in read(docs.parent).documents] == ["docs/a.md"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(docs: Path) -> None:
    write(docs, {"a.md": "text", "closed.md": "text"})
    (docs / "closed.md").chmod(0)
    assert read(docs.parent).skipped == (Skipped("docs/closed.md", "cannot be read: Permission denied"),)


def test_a_source_that_is_gone_or_selects_nothing_is_an_error_not_an_empty_knowledge_base(docs: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'docs': .*/nowhere does not exist"):
        read(docs.parent, path="nowhere")
    with pytest.raises(InvalidRequest, match=r"no file below .* matches its include patterns"):
        read(docs.parent)


PAGE = """<html><head><title> Keys | Product </title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav><header>Banner</header>
<main><h1>Keys<a class="headerlink" href="#keys">¶</a></h1>
<p>Run <code>keys_create</code> and <b>wait</b>, see <a href="/more">more</a>.<script>evil()</script></p>
<ul><li>one</li><li>two<ul><li>nested</li></ul></li></ul>
<pre><code class="language-sh">supportplane keys create
# done</code></pre>
<table><thead><tr><th>flag</th><th>meaning</th></tr></thead><tbody><tr><td>-f</td><td>file</td></tr></tbody></table>
<p hidden>hidden</p><div role="navigation">Next</div></main><footer>(c)</footer></body></html>"""


def test_html_becomes_the_markdown_of_its_article() -> None:
    title, text = html_to_markdown(PAGE)
    assert title == "Keys | Product"
    assert text == (
        "# Keys\n\nRun `keys_create` and **wait**, see [more](/more).\n\n- one\n- two\n  - nested\n\n"
        "```sh\nsupportplane keys create\n# done\n```\n\n| flag | meaning |\n| --- | --- |\n| -f | file |"
    )


@pytest.mark.parametrize(
    "page", ["", "<p>", "plain words", "<main></main>", "<b><i></b></i>", "<!-- -->", "<html><body>"]
)
def test_broken_html_does_not_break_reading(page: str) -> None:
    html_to_markdown(page)


def test_rows_become_documents_and_bad_rows_are_named(tmp_path: Path) -> None:
    rows = [
        json.dumps({"id": "a", "title": "A", "text": "one\r\ntwo\0", "source": "https://a", "more": 1}),
        "",
        json.dumps({"id": "b", "text": "half \ud83d pair"}),
        "{not json",
        json.dumps(["a"]),
        json.dumps({"id": "c", "text": ""}),
        json.dumps({"id": 7, "text": "x"}),
        json.dumps({"id": "a", "text": "again"}),
    ]
    (tmp_path / "kb.jsonl").write_text("\n".join(rows))
    found = read_jsonl(tmp_path / "kb.jsonl")
    assert [(document.document_id, document.title, document.text, document.url) for document in found.documents] == [
        ("a", "A", "one\ntwo", "https://a"),
        ("b", "", "half ? pair", ""),
    ]
    assert [skipped.name for skipped in found.skipped] == [f"kb.jsonl:{n}" for n in (4, 5, 6, 7, 8)]
    assert found.skipped[-1].reason == "has the id 'a' of an earlier row"


def test_a_folder_without_rows_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"kb\.jsonl does not exist"):
        read_jsonl(tmp_path / "kb.jsonl")
