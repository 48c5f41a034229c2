import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from support.repository import REPOSITORY
from supportplane_cli.errors import WrongUsage
from supportplane_cli.gitops.tracks import COMMON, LAPTOP_FOLDER, TRACKS
from supportplane_cli.registry import cli

ADDRESS = "https://git.acme.example/team/support.git"


def init(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", *arguments])


def done(*arguments: str) -> str:
    shown = init(*arguments)
    assert shown.exit_code == 0, shown.exception
    return shown.stdout


def refusal(*arguments: str) -> WrongUsage:
    failure = init(*arguments).exception
    assert isinstance(failure, WrongUsage)
    return failure


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("track", "clusters"),
    [("startup", {"main"}), ("enterprise", {"staging", "production-eu", "production-us"})],
)
def test_a_track_has_its_clusters_and_reads_from_the_teams_own_address(
    track: str, clusters: set[str], tmp_path: Path
) -> None:
    done("--track", track, "--repository", ADDRESS, str(tmp_path))
    assert {path.parent.name for path in tmp_path.glob("clusters/*/cluster.yaml")} == clusters
    bootstrap = YAML(typ="safe", pure=True).load(tmp_path / "clusters/bootstrap/kustomization.yaml")["resources"]
    assert {
        name.removeprefix("../") for name in bootstrap if name.startswith("../") and "/" not in name[3:]
    } == clusters
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "clusters").rglob("*.yaml")]
    assert any(ADDRESS in text for text in texts)
    assert not any("git.example.com" in text for text in texts)


def test_every_folder_that_a_kustomization_names_comes_along(tmp_path: Path) -> None:
    for track in ("startup", "enterprise"):
        done("--track", track, "--repository", ADDRESS, str(tmp_path / track))
        for path in (tmp_path / track).rglob("kustomization.yaml"):
            said = YAML(typ="safe", pure=True).load(path)
            for name in [*said.get("resources", ()), *said.get("components", ())]:
                assert (path.parent / name).exists(), f"{path}: {name}"


def test_every_part_of_a_tracks_platform_comes_from_where_its_project_allows(tmp_path: Path) -> None:
    for track in ("startup", "enterprise"):
        done("--track", track, "--repository", ADDRESS, str(tmp_path / track))
        root = tmp_path / track / "clusters"
        project = YAML(typ="safe", pure=True).load(root / "bootstrap/projects/platform.yaml")
        parts = [YAML(typ="safe", pure=True).load(path)["component"] for path in root.glob("platform/*/component.yaml")]
        places = {(part.get("chart") or part.get("git") or {}).get("repository", ADDRESS) for part in parts}
        assert set(project["spec"]["sourceRepos"]) == places | {ADDRESS}


def test_the_laptop_gets_an_agent_file_that_is_right(tmp_path: Path) -> None:
    told = done("--track", "weekend", str(tmp_path / "new"))
    assert files(tmp_path / "new") == {"agent.yaml", "documents/getting-help.md"}
    assert f"supportplane up -f {tmp_path}/new/agent.yaml" in told
    valid = CliRunner().invoke(cli, ["validate", "-f", str(tmp_path / "new/agent.yaml")])
    assert valid.exit_code == 0


def test_without_parts_of_others_only_what_is_in_the_repository_is_left(tmp_path: Path) -> None:
    done("--track", "startup", "--repository", ADDRESS, "--components", "none", str(tmp_path))
    assert {path.name for path in (tmp_path / "clusters/platform").iterdir()} == {
        "supportplane-crds",
        "supportplane-operator",
    }


def test_parts_are_chosen_by_name_and_a_wrong_name_is_told_with_the_right_ones(tmp_path: Path) -> None:
    arguments = ("--track", "startup", "--repository", ADDRESS, "--components")
    done(*arguments, "keda, redis", str(tmp_path / "a"))
    names = {path.name for path in (tmp_path / "a/clusters/platform").iterdir()}
    assert names == {"keda", "redis", "supportplane-crds", "supportplane-operator"}
    failure = refusal(*arguments, "kedda", str(tmp_path / "b"))
    assert "kedda" in failure.message
    assert "keda" in str(failure.hint)
    assert not (tmp_path / "b").exists()


def test_a_dry_run_names_the_files_and_writes_none(tmp_path: Path) -> None:
    told = done("--track", "startup", "--repository", ADDRESS, "--dry-run", str(tmp_path / "new"))
    assert f"{tmp_path}/new/clusters/main/cluster.yaml" in told
    assert not (tmp_path / "new").exists()


def test_what_is_there_is_never_overwritten_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds/kustomization.yaml").write_text("mine")
    failure = refusal("--track", "startup", "--repository", ADDRESS, str(tmp_path))
    assert f"{tmp_path}/crds/kustomization.yaml exists" in failure.message
    assert files(tmp_path) == {"crds/kustomization.yaml"}


def test_a_folder_with_other_files_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    done("--track", "startup", "--repository", ADDRESS, str(tmp_path))
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--track", "big"), "there is no track big"),
        (("--track", "startup"), "needs --repository"),
        (("--track", "startup", "--repository", "two words"), "holds a blank"),
        (("--track", "weekend", "--repository", ADDRESS), "is for a laptop"),
    ],
)
def test_wrong_flags_are_told(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    assert says in refusal(*arguments, str(tmp_path / "new")).message
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("")
    assert "is a file" in refusal("--track", "weekend", str(tmp_path / "new")).message


def test_the_wheel_ships_every_folder_that_a_track_takes_files_from() -> None:
    """The hook of the build maps these folders into the package."""
    source = ast.parse((REPOSITORY / "cli/wheel_tree.py").read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in source.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    shipped = ast.literal_eval(values["SHIPPED"])
    for name in (*COMMON, LAPTOP_FOLDER, *(folder for track in TRACKS.values() for folder in track.folders)):
        assert any(name == folder or name.startswith(f"{folder}/") for folder in shipped), name
