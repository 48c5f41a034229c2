import json
from pathlib import Path

from typer.testing import CliRunner, Result

from support.repository import REPOSITORY
from supportplane_cli.errors import WrongUsage
from supportplane_cli.registry import cli
from supportplane_operator.settings import Settings


def images(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["images", *arguments])


def listed(*arguments: str) -> dict[str, dict[str, object]]:
    shown = images("--json", *arguments)
    assert shown.exit_code == 0, shown.exception
    return {each["image"]: each for each in json.loads(shown.stdout)}


def test_images_of_the_operator_of_agents_and_of_the_platform_are_listed() -> None:
    found = listed()
    settings = Settings()
    assert {settings.runtime_image, settings.redis_image, settings.weaviate_image} <= set(found)
    assert "supportplane-operator" in found[settings.redis_image]["used_by"]  # type: ignore[operator]
    assert any("cert-manager" in str(each["used_by"]) for each in found.values())
    assert "environments/production/release/supportagent.yaml" in str(found[settings.runtime_image]["used_by"])


def test_a_registry_shows_where_each_image_has_to_be() -> None:
    found = listed("--registry", "mirror.example.com/all")
    assert found["docker.io/library/redis:8.2.3"]["in_registry"] == "mirror.example.com/all/library/redis:8.2.3"
    assert {str(each["in_registry"]).split("/")[0] for each in found.values()} == {"mirror.example.com"}


def test_commands_that_copy_name_both_places() -> None:
    shown = images("--registry", "mirror.example.com", "--copy")
    first = shown.stdout.splitlines()[0].split()
    assert first[:3] == ["skopeo", "copy", "--all"]
    assert first[4].startswith("docker://mirror.example.com/")
    assert isinstance(images("--copy").exception, WrongUsage)


def test_a_team_sees_the_images_of_its_own_repository(tmp_path: Path) -> None:
    address = "https://git.acme.example/team/support.git"
    arguments = ["init", "--track", "startup", "--repository", address, "--components", "none", str(tmp_path)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    served = {"engine": "VLLM", "image": "vllm/vllm-openai:v0.15.0", "model": "Qwen/Qwen3-8B"}
    endpoint = {"apiVersion": "supportplane.io/v1alpha1", "kind": "ModelEndpoint", "spec": {"serving": served}}
    (tmp_path / "environments/base/modelendpoint.yaml").write_text(json.dumps(endpoint))
    found = listed("--directory", str(tmp_path))
    assert found["vllm/vllm-openai:v0.15.0"]["used_by"] == ["environments/base/modelendpoint.yaml"]
    assert not any("cert-manager" in name for name in found)


def test_a_folder_without_a_platform_and_a_wrong_component_are_told(tmp_path: Path) -> None:
    failure = images("--directory", str(tmp_path)).exception
    assert isinstance(failure, WrongUsage)
    assert "has no clusters/platform" in failure.message
    (tmp_path / "clusters/platform/x").mkdir(parents=True)
    (tmp_path / "clusters/platform/x/component.yaml").write_text("component: {name: x}")
    failure = images("--directory", str(tmp_path)).exception
    assert isinstance(failure, WrongUsage)
    assert "component.yaml is no component: 'images'" in failure.message


def test_every_image_stands_with_the_registry_that_it_comes_from() -> None:
    for name in listed("--directory", str(REPOSITORY)):
        assert "." in name.split("/")[0], name
