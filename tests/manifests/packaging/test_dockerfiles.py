"""Both Dockerfiles, and the part of the lock that they install. The e2e suite builds and runs the images."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML

from support.repository import REPOSITORY

DOCKERFILES = ("operator", "runtime")
LOCK = """\
kopf==1.45.2 ; python_full_version < '3.14' \\
    --hash=sha256:aa
    # via supportplane (pyproject.toml)
aiohttp==3.14.5 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   supportplane (pyproject.toml)
    #   kopf
yarl==1.25.1 \\
    --hash=sha256:dd
    # via aiohttp
torch==9.0.0 \\
    --hash=sha256:ee
    # via supportplane (pyproject.toml)
"""
PROJECT = (
    '[project]\ndependencies = []\n[project.optional-dependencies]\noperator = ["Kopf>=1"]\nruntime = ["torch>=9"]\n'
)


@pytest.fixture(scope="module")
def locked() -> ModuleType:
    """scripts/locked.py as a module."""
    specification = importlib.util.spec_from_file_location("locked", REPOSITORY / "scripts/locked.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(params=DOCKERFILES)
def plane(request: pytest.FixtureRequest) -> str:
    """The folder of a Dockerfile."""
    return str(request.param)


def instructions(plane: str) -> list[tuple[str, str]]:
    """(instruction, the rest) with continued lines joined."""
    content = (REPOSITORY / plane / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", content, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def last_stage(plane: str) -> list[tuple[str, str]]:
    found = instructions(plane)
    start = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def value(plane: str, instruction: str) -> str:
    return [rest for name, rest in last_stage(plane) if name == instruction][-1]


def test_an_extra_takes_what_it_needs_with_all_hashes(locked: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert locked.locked("operator", tmp_path).splitlines() == [
        "kopf==1.45.2 ; python_full_version < '3.14' \\",
        "    --hash=sha256:aa",
        "aiohttp==3.14.5 \\",
        "    --hash=sha256:bb \\",
        "    --hash=sha256:cc",
        "yarl==1.25.1 \\",
        "    --hash=sha256:dd",
    ]
    with pytest.raises(KeyError):
        locked.locked("nonsense", tmp_path)


def test_the_operator_needs_no_model_and_no_database(locked: ModuleType) -> None:
    text = locked.locked("operator", REPOSITORY)
    names = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert {"kopf", "lightkube", "pydantic", "cryptography"} <= names
    assert names & {"onnxruntime", "psycopg", "redis", "numpy", "langgraph", "pytest", "mypy"} == set()
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) == len(names), "a line without a pin, or a pin twice"


def test_everything_the_operator_imports_is_in_the_image(locked: ModuleType) -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", locked.locked("operator", REPOSITORY), re.MULTILINE))
    sources = [*(REPOSITORY / "operator").rglob("*.py"), *(REPOSITORY / "crds/supportplane_crds").glob("*.py")]
    pattern = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
    imported = {name for path in sources for name in pattern.findall(path.read_text(encoding="utf-8"))}
    foreign = imported - set(sys.stdlib_module_names) - {"supportplane_crds", "supportplane_operator"}
    packages = {"ruamel": "ruamel-yaml", "prometheus_client": "prometheus-client"}
    assert {name for name in foreign if packages.get(name, name).replace("_", "-") not in names} == set()


def test_the_image_runs_as_a_user_who_is_not_root_and_by_number(plane: str) -> None:
    assert value(plane, "USER") == "65532:65532"
    assert not [rest for name, rest in last_stage(plane) if name == "RUN"], "the last stage only copies"


def test_the_last_stage_has_no_installer_and_no_compiler(plane: str) -> None:
    build = " ".join(rest for name, rest in instructions(plane) if name == "RUN")
    assert "--without-pip /opt/supportplane" in build
    assert "--require-hashes" in build
    assert "--only-binary :all:" in build
    assert "apt-get" not in build


def test_the_image_says_what_it_is(plane: str) -> None:
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", value(plane, "LABEL")))
    assert labels >= {"title", "description", "source", "licenses", "version", "revision"}


def test_the_image_starts_a_module_that_exists(plane: str) -> None:
    """The chart names no command: it relies on the operator's."""
    entrypoint = YAML(typ="safe", pure=True).load(value(plane, "ENTRYPOINT"))
    assert entrypoint[:2] == ["python", "-m"]
    module = REPOSITORY / plane / entrypoint[2].replace(".", "/")
    assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()


def test_the_base_image_is_the_same_in_every_stage_and_can_be_replaced(plane: str) -> None:
    found = [rest.split()[0] for name, rest in instructions(plane) if name == "FROM"]
    assert found == ["${BASE_IMAGE}", "${BASE_IMAGE}"]
    assert instructions(plane)[0] == ("ARG", "BASE_IMAGE=python:3.11-slim-bookworm")


def test_everything_that_is_copied_exists_and_is_tracked(plane: str) -> None:
    copied = [rest.split() for name, rest in instructions(plane) if name == "COPY" and "--from" not in rest]
    for source in [name for words in copied for name in words[:-1]]:
        listed = subprocess.run(
            ["git", "ls-files", source], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout
        assert listed, source
