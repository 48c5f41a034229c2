import json
import subprocess
from pathlib import Path

from supportplane_cli.supervisor.greeting import curl


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
