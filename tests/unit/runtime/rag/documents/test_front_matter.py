from datetime import date

import pytest

from supportplane_runtime.rag.documents.front_matter import page
from supportplane_runtime.rag.documents.publishing import withheld, withheld_by_folder

BOMB = '---\na: &a ["x","x","x"]\n' + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("---\ntitle: Desk\n---\nText", "Desk"),
        ("---\nTitle: 'Desk: open'\ntags: [a, {b: c}]\n...\nText", "Desk: open"),
        ('+++\ntitle = "Desk"\ndate = 2026-02-01\n[menu]\nmain = 1\n+++\nText', "Desk"),
        ('{\n "title": "Desk", "n": 1e999\n}\nText', "Desk"),
        ('---json\n{"title": "Desk"}\n---\nText', "Desk"),
        ("---toml\ntitle = 'Desk'\n---\nText", "Desk"),
        ("---\ntitle: Desk\ndate: 2026-02-30\n---\nText", "Desk"),
        (f"---\ntitle: Desk\nn: {'9' * 5000}\n---\nText", "Desk"),
        ("---\ntitle: Desk\na: !!int abc\nb: !!bool x\nc: !!python/object:os.system x\nd: 0x_\n---\nText", "Desk"),
        (f"---\ntitle: Desk\na: {'[' * 20_000}\n---\nText", "Desk"),
        ("---\ntitle: Desk\n" + "".join(" " * n + "a:\n" for n in range(1500)) + "---\nText", "Desk"),
        (f"+++\ntitle = 'Desk'\nn = 0x{'f' * 20_000}\n+++\nText", "Desk"),
        (f"+++\ntitle = 'Desk'\na = {'[' * 20_000}\n+++\nText", "Desk"),
        ("+++\ntitle = 'Desk'\ndate = 2026-02-30\n+++\nText", "Desk"),
        ("---\ntitle: Desk\n\tbroken: [\n---\nText", "Desk"),
        ("---\ntitle: Desk\n" + "key: value\n" * 100_000 + "---\nText", "Desk"),
        (BOMB + "title: Desk\n---\nText", "Desk"),
        (BOMB + "title: *m\n---\nText", ""),
    ],
)
def test_front_matter_is_read_in_every_dialect_and_however_odd(source: str, title: str) -> None:
    found = page(source)
    assert (found.fields.get("title", ""), found.body.strip()) == (title, "Text")


@pytest.mark.parametrize(
    "source", ["---\nsome prose: with: colons\n---\nText", "---\n- a\n---\nText", '{"a": 1}\nText', "{x"]
)
def test_prose_between_two_rules_and_other_objects_are_text(source: str) -> None:
    assert page(source).body == source


@pytest.mark.parametrize(
    ("source", "title", "body"),
    [
        ("\n \n---\ntitle: Desk\n---\nText", "Desk", "Text"),
        ("<!-- a note -->\n---\ntitle: Desk\n---\nText", "Desk", "Text"),
        ('\n{"title": "Desk"}\nText', "Desk", "Text"),
        ("\n---\nNote: text\n---\nText", "", "\n---\nNote: text\n---\nText"),
        ("---\ntitle: Desk\ndraft: false\n\nText", "", "---\ntitle: Desk\ndraft: false\n\nText"),
    ],
)
def test_front_matter_may_stand_below_blank_lines_or_a_comment(source: str, title: str, body: str) -> None:
    found = page(source)
    assert (found.fields.get("title", ""), found.body.lstrip("\n")) == (title, body.lstrip("\n"))


TODAY = date(2026, 6, 15)
NO_DAY = "is no day that can be read"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("---\ndraft: true\n---\n", "is a draft: `draft: true` in its front matter"),
        ("---\nDraft: Yes\n---\n", "is a draft: `draft: Yes` in its front matter"),
        ("+++\ndraft = true\n+++\n", "is a draft: `draft: true` in its front matter"),
        ('{"draft": true}\nText', "is a draft: `draft: true` in its front matter"),
        ("---\ndraft: true\nbroken: [\n---\n", "is a draft: `draft: true` in its front matter"),
        ("\n\n---\ndraft: true\n---\n", "is a draft: `draft: true` in its front matter"),
        ("<!-- a note -->\n---\ndraft: true\n---\n", "is a draft: `draft: true` in its front matter"),
        ("---\ntitle: Desk\ndraft: true\n\n# Text", "is a draft: `draft: true` in its front matter"),
        ("\n+++\ndraft = true # for now\n\nText", "is a draft: `draft: true` in its front matter"),
        ("---\npublished: false\nText", "is not published: `published: false` in its front matter"),
        ("---\n\nText\n\ndraft: true\n", None),
        ("---\ntitle: a: b\ndraft: false\n---\n", None),
        ("+++\ndraft = false\ndate = 2026-02-30\n+++\n", None),
        ("---\npublished: false\n---\n", "is not published: `published: false` in its front matter"),
        ("---\npublish: off\n---\n", "is not published: `publish: off` in its front matter"),
        ("---\nunlisted: true\n---\n", "is unlisted: `unlisted: true` in its front matter"),
        ("---\nhidden: true\n---\n", "is hidden: `hidden: true` in its front matter"),
        ("---\nstatus: draft\n---\n", "is not published: `status: draft` in its front matter"),
        ("---\nbuild:\n  render: never\n---\n", "is not published: `build.render: never` in its front matter"),
        ("+++\n[_build]\nrender = false\n+++\n", "is not published: `_build.render: false` in its front matter"),
        (
            "---\npublishDate: 2026-06-16\n---\n",
            "is not published before 2026-06-16: `publishdate` in its front matter",
        ),
        (
            "---\nexpiryDate: 2026-06-15T10:00:00Z\n---\n",
            "is not published since 2026-06-15: `expirydate` in its front matter",
        ),
        ("---\ndraft: false\npublished: true\npublishDate: 2026-06-15\nexpiryDate: 2026-06-16\n---\n", None),
        *(
            (
                f"---\n{key}: {value}\n---\n",
                f"may not be published: `{key.lower()}: {value}` in its front matter {NO_DAY}",
            )
            for key in ("publishDate", "expiryDate")
            for value in ("2027-02-30", "2026-13-45", "soon")
        ),
        (
            "---\npubDate: 'Jun 16 2026'\n---\n",
            "is not published before 2026-06-16: `pubdate` in its front matter",
        ),
        ("---\npubDate: Mon, 15 Jun 2026 10:00:00 GMT\nexpiryDate: 2026/6/16\n---\n", None),
        ("---\npublishDate:\nexpiryDate: null\ndate: 2027-02-30\n---\n", None),
        ("---\npublished: 2024-01-01\nstatus: done\ndate: 2030-01-01\n---\n", None),
    ],
)
def test_a_page_that_its_author_has_not_published_says_why(source: str, reason: str | None) -> None:
    assert withheld(page(source).fields, TODAY) == reason


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("---\na: &a true\ndraft: *a\n---\n", "draft"),
        ("---\na: &a\n  draft: true\n<<: *a\n---\n", "draft"),
        ("---\n<<: {draft: true}\n---\n", "draft"),
        ('---\n"draft": true\nbroken: [\n---\n', "draft"),
        ('---\ntitle: a: b\n"published": false\n---\n', "published"),
        ("---\ntitle: a: b\ndraft: !!bool true\n---\n", "draft"),
        ("---\ntitle: a: b\ndraft: false\ndraft: true\n---\n", "draft"),
        ("---\ndraft:true\n---\n", "draft"),
        ("---\n{title: a, unlisted: true\n---\n", "unlisted"),
        ("---\ntitle: a: b\npublishDate: *day\n---\n", "publishdate"),
        ('{\n "title": "Desk",\n "draft": true,\n}\nText', "draft"),
    ],
)
def test_a_page_whose_front_matter_cannot_be_understood_is_not_published(source: str, key: str) -> None:
    reason = f"may not be published: its front matter names `{key}` and cannot be understood"
    assert withheld(page(source).fields, TODAY) == reason


def test_the_folder_of_drafts_is_not_published() -> None:
    assert withheld_by_folder("a/_drafts/b.md") == "is a draft: the folder `_drafts` holds what is not published"
    assert withheld_by_folder("a/_drafts.md") is None
