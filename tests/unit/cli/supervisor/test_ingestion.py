import pytest

from supportplane_cli.supervisor.ingestion import (
    IngestFailure,
    IngestProgress,
    IngestResult,
    not_refreshed,
    parse_event,
    remarks,
    sentence,
)


def test_progress_and_results_become_events() -> None:
    line = b'{"event":"progress","knowledge_base":"docs","step":"embed","done":3,"total":40}'
    assert parse_event(line) == IngestProgress("docs", "embed", 3, 40)
    line = (
        b'{"event":"finished","knowledge_base":"docs","documents":2,"chunks":8,"embedded":5,"deleted":1,"seconds":2.1}'
    )
    result = parse_event(line)
    assert result == IngestResult("docs", 2, 8, 5, 1, 2.1)
    assert isinstance(result, IngestResult)
    assert sentence(result) == "docs: 2 documents, 8 passages, 5 new or changed, 1 removed"


@pytest.mark.parametrize(
    "line", [b"", b"loading\n", b"3", b"[]", b"{}", b'{"event":"other"}', b'{"event":"progress","x":1}']
)
def test_anything_else_on_the_pipe_is_passed_over(line: bytes) -> None:
    assert parse_event(line) is None


SKIPPED = [{"name": f"docs/{n}.md", "reason": "holds no text"} for n in range(7)]


def test_what_was_left_out_is_named_up_to_a_number_and_the_rest_is_counted() -> None:
    unselected = [{"source": "web", "files": [[".rst", 10], [".adoc", 2]]}]
    result = IngestResult("docs", 2, 8, 5, 1, 2.1, skipped=SKIPPED, unselected=unselected)
    *named, more, line = remarks(result, 5)
    assert named == [f"left out docs/{n}.md holds no text" for n in range(5)]
    assert more == "left out 2 more files of docs; `supportplane logs knowledge` names each"
    assert line == "docs/web: no include pattern selects these files: 10 .rst, 2 .adoc"
    assert len(remarks(result)) == 8


def test_what_could_not_be_refreshed_is_told_by_source_or_as_a_whole() -> None:
    half = IngestResult("docs", 2, 8, 5, 1, 2.1, unread=[{"source": "faq", "reason": "faq is gone"}])
    failed = parse_event(b'{"event":"failed","knowledge_base":"terms","reason":"terms is gone"}')
    assert isinstance(failed, IngestFailure)
    assert sentence(failed) == "terms: not read"
    assert not_refreshed([half, failed]) == [
        {"knowledge_base": "docs", "reason": "faq is gone"},
        {"knowledge_base": "terms", "reason": "terms is gone"},
    ]
