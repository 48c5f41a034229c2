"""Every YAML file of the repository reads alike everywhere: no duplicate keys, no bare yes or no, one indentation."""

import subprocess
import sys

from support.repository import REPOSITORY

RULES = """
extends: default
rules:
  document-start: disable        # one object a file is the rule, --- between them the exception
  line-length: disable           # generated descriptions are one sentence a line
  indentation: {indent-sequences: consistent}
  comments: {min-spaces-from-content: 1}
  truthy: {check-keys: true}
"""


TEMPLATES = "operator/chart/templates/"  # not YAML until Helm has rendered them; the packaging tests read the result


def test_no_yaml_file_has_a_surprise() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.yaml", "*.yml"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listing.stdout.split("\n") if name and not name.startswith(TEMPLATES)]
    files = [name for name in names if (REPOSITORY / name).exists()]
    command = [sys.executable, "-m", "yamllint", "--strict", "-d", RULES, *files]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert files
    assert found.returncode == 0, found.stdout
