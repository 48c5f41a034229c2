"""Fetches every chart of clusters/platform, checks it against its component.yaml, and writes the archive's digest.

Checked: the chart renders with the values of the platform; the images that it runs are those that component.yaml
lists; with a registry of one's own every image comes from there, and every pod has the pull secret. A chart that cannot
be fetched, or does not hold what is said, ends the command with an error after all were tried, and gets no digest.
`--charts FOLDER` takes unpacked charts from a folder instead, one a name, and writes no digest.
"""  # noqa: INP001 -- a script, not a package

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parents[1]
PLATFORM = REPOSITORY / "clusters/platform"
KUBERNETES = "1.36.3"  # the version that tests run; charts ask for what it has
MIRROR, SECRET = "mirror.example.com/all", "registry"
UNVERIFIED = "unverified"
# What the operators' CRDs give a cluster, for charts that look before they make a monitor.
APIS = ("monitoring.coreos.com/v1", "cert-manager.io/v1")

Component = dict[str, Any]


class NotPinned(Exception):
    """A sentence on one chart."""


def components() -> Iterator[tuple[Path, Component]]:
    """The file and what it says, of each component that is a chart of somebody else."""
    for path in sorted(PLATFORM.glob("*/component.yaml")):
        component: Component = YAML(typ="safe", pure=True).load(path)["component"]
        if "chart" in component:
            yield path, component


def helm(*arguments: str) -> str:
    binary = subprocess.run([str(REPOSITORY / "scripts/tool"), "helm"], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- ours
    command = [binary.stdout.strip(), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 -- arguments of ours
    if done.returncode:
        raise NotPinned(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"helm {arguments[0]} failed")
    return done.stdout


def fetch(chart: dict[str, str], folder: Path) -> Path:
    """The archive. Raises NotPinned where its registry cannot be reached."""
    place = ["--repo", chart["repository"]]
    helm("pull", chart["name"], *place, "--version", chart["version"], "--destination", str(folder))
    (archive,) = folder.glob("*.tgz")
    return archive


def rendered(chart: Path, path: Path, component: Component, parameters: dict[str, str]) -> list[dict[str, Any]]:
    """What Argo CD would apply: without tests, which it never runs."""
    release = component["helm"]["releaseName"]
    options = [option for name, value in parameters.items() for option in ("--set-string", f"{name}={value}")]
    options += [option for api in APIS for option in ("--api-versions", api)]
    values = str(path.with_name("values.yaml"))
    name = ["--namespace", component["namespace"], "--kube-version", KUBERNETES, "--values", values]
    text = helm("template", release, str(chart), *name, *options)
    # Definitions run no image, are long, and hold text that only YAML 1.2 reads.
    documents = re.split(r"^---.*$", text, flags=re.MULTILINE)
    documents = [each for each in documents if "\nkind: CustomResourceDefinition" not in each]
    found = [each for each in (YAML(typ="safe", pure=True).load(document) for document in documents) if each]
    return [each for each in found if "test" not in annotations(each).get("helm.sh/hook", "")]


def annotations(manifest: dict[str, Any]) -> dict[str, str]:
    return (manifest.get("metadata") or {}).get("annotations") or {}


def parameters_of(component: Component) -> dict[str, str]:
    """As clusters/layers/applicationset.yaml has them for a cluster with a registry of its own."""
    found = {pattern.replace("INDEX", "0"): SECRET for pattern in component["helm"]["pullSecrets"]}
    for image in component["images"]:
        path = image["image"].partition("/")[2]
        found |= dict.fromkeys(image.get("registry", ()), MIRROR)
        found |= dict.fromkeys(image.get("repository", ()), f"{MIRROR}/{path.rpartition(':')[0]}")
        found |= dict.fromkeys(image.get("whole", ()), f"{MIRROR}/{path}")
    return found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def images(value: Any) -> set[str]:
    """Every text below a key `image`, with its registry."""
    if isinstance(value, list):
        return {image for each in value for image in images(each)}
    if not isinstance(value, dict):
        return set()
    own = {full(value["image"])} if isinstance(value.get("image"), str) else set()
    return own | {image for each in value.values() for image in images(each)}


def full(image: str) -> str:
    host, separator, _ = image.partition("/")
    has_host = separator and ("." in host or ":" in host)
    return image if has_host else f"docker.io/{image if separator else 'library/' + image}"


def pods(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "containers" in value and "restartPolicy" not in value.get("containers", {}):
            yield value
        for each in value.values():
            yield from pods(each)
    elif isinstance(value, list):
        for each in value:
            yield from pods(each)


def check(chart: Path, path: Path, component: Component) -> None:
    """Raises NotPinned with the first thing that is not as component.yaml says."""
    listed = {each["image"] for each in component["images"]}
    found = rendered(chart, path, component, {})
    unlisted = images(found) - listed
    if unlisted:
        raise NotPinned(f"runs images that component.yaml does not list: {', '.join(sorted(unlisted))}")
    text = "\n".join(texts(found))
    unused = [image for image in listed if not re.search(rf"(docker\.io/)?{re.escape(short(image))}", text)]
    if unused:
        raise NotPinned(f"component.yaml lists images that the chart does not name: {', '.join(sorted(unused))}")
    private = rendered(chart, path, component, parameters_of(component))
    elsewhere = {image for image in images(private) if not image.startswith(f"{MIRROR}/")}
    if elsewhere:
        raise NotPinned(
            f"these images stay where they are with a registry of one's own: {', '.join(sorted(elsewhere))}"
        )
    if any(not has_secret(pod, private) for pod in pods(private)):
        raise NotPinned("not every pod has the pull secret")


def has_secret(pod: dict[str, Any], found: list[dict[str, Any]]) -> bool:
    """Of its own, or by the account that it runs as."""
    accounts = {each["metadata"]["name"]: each for each in found if each["kind"] == "ServiceAccount"}
    account = accounts.get(pod.get("serviceAccountName", ""), {})
    secrets = [*pod.get("imagePullSecrets", ()), *account.get("imagePullSecrets", ())]
    return {"name": SECRET} in secrets


def short(image: str) -> str:
    return image.removeprefix("docker.io/").removeprefix("library/")


def pin(path: Path, component: Component, charts: Path | None) -> str:
    """What was done, in a few words. Raises NotPinned."""
    if charts is not None:
        folder = charts / component["chart"]["name"]
        if not folder.is_dir():
            raise NotPinned(f"there is no chart in {folder}")
        check(folder, path, component)
        return "renders as component.yaml says; no digest written"
    with tempfile.TemporaryDirectory() as folder_name:
        archive = fetch(component["chart"], Path(folder_name))
        check(archive, path, component)
        return written(path, hashlib.sha256(archive.read_bytes()).hexdigest())


def written(path: Path, digest: str) -> str:
    """A digest that is there already is never overwritten: another archive under the same version is an alarm."""
    text = path.read_text(encoding="utf-8")
    stated = re.search(r"^    digest: (\S+)$", text, re.MULTILINE)
    if stated is None:
        raise NotPinned("component.yaml has no line `digest:`")
    if stated[1] == f"sha256:{digest}":
        return "is as pinned"
    if stated[1] != UNVERIFIED:
        raise NotPinned(
            f"the archive has sha256:{digest}, pinned is {stated[1]}; look before you change the pin by hand"
        )
    path.write_text(text.replace(stated[0], f"    digest: sha256:{digest}"), encoding="utf-8")
    return f"pinned to sha256:{digest}"


def main() -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="scripts/pin", description=__doc__, formatter_class=form)
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="unpacked charts to check instead of fetching")
    parser.add_argument("names", nargs="*", metavar="COMPONENT", help="only these; default: all")
    arguments = parser.parse_args()
    failed = 0
    for path, component in components():
        if arguments.names and component["name"] not in arguments.names:
            continue
        try:
            outcome = pin(path, component, arguments.charts)
        except NotPinned as problem:
            failed += 1
            sys.stderr.write(f"{component['name']}: NOT PINNED: {problem}\n")
        else:
            sys.stdout.write(f"{component['name']}: {outcome}\n")
    if failed:
        sys.stderr.write(f"{failed} of the charts are not pinned\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
