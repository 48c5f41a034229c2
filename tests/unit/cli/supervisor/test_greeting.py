import json
import subprocess
from pathlib import Path

import pytest

from support.repository import REPOSITORY
from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor.greeting import curl, option, ready_facts, without_effect
from supportplane_cli.supervisor.plan import UpOptions, make_plan


def test_the_curl_works_when_pasted_even_with_spaces_and_quotes_in_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "my agent's data"
    folder.mkdir()
    (folder / "api-key").write_text("sk_test\n")
    line = curl("http://127.0.0.1:8080", folder / "api-key")
    shell = f"curl() {{ printf '%s\\n' \"$@\"; }}; {line}"
    words = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True).stdout.splitlines()
    assert "Authorization: Bearer sk_test" in words
    assert json.loads(words[-1])["query"]
    assert "sk_test" not in line


def test_a_command_names_the_data_directory_only_where_it_would_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert option(DataDir(tmp_path / ".supportplane")) == ""
    assert option(DataDir(tmp_path / "my data")) == f" --data-dir '{tmp_path}/my data'"


def test_what_the_file_says_to_clusters_only_is_one_line(tmp_path: Path) -> None:
    plan = make_plan(UpOptions(REPOSITORY / "crds/samples/full.yaml", DataDir(tmp_path)))
    (line,) = without_effect(plan)
    assert line.startswith("  no effect   spec.gateway.parentRefs, spec.gateway.hostnames, ")
    assert line.endswith("spec.observability, SupportAgentClass/standard: for clusters only")
    assert ready_facts(plan, 1.0, {}, [])["without_effect"] == list(plan.without_effect)


def test_a_file_for_a_laptop_gets_no_such_line(tmp_path: Path) -> None:
    assert without_effect(make_plan(UpOptions(REPOSITORY / "crds/samples/minimal.yaml", DataDir(tmp_path)))) == []
