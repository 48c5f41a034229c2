import pytest

from supportplane_cli.supervisor.ingestion import IngestProgress, IngestResult, parse_event, sentence


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
