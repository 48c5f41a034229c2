"""Renders the chart, every overlay and every sample agent, and has Checkov look for what is unsafe in them.

Checkov runs in an environment of its own (uv fetches the pinned version; it would bring a hundred packages into ours).
Every finding needs an exception below, with its objects and its reason; an exception that nothing needs is an error.
"""  # noqa: INP001 -- a script, not a package

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CHECKOV = "checkov==3.3.30"
OVERLAYS = ("environments/*/kustomization.yaml", "clusters/*/agents/*/kustomization.yaml", "clusters/*/shared/k*.yaml")
SAMPLES = ("full.yaml", "managed.yaml")


@dataclass(frozen=True, slots=True)
class Accepted:
    """objects: pattern of <Kind>.<namespace>.<name>."""

    objects: str
    reason: str


_PODS = r"(Deployment|StatefulSet|Job)\..*"
EXCEPTIONS = {
    "CKV_K8S_11": Accepted(_PODS, "a CPU limit slows answers down on an idle node; requests share a busy one"),
    "CKV_K8S_13": Accepted(
        r"Deployment\.acme\.served-model", "how much memory a model takes is said in the agent file"
    ),
    "CKV_K8S_15": Accepted(_PODS, "tags are immutable; Always would stop every restart while a registry is away"),
    "CKV_K8S_35": Accepted(_PODS, "the runtime reads the URLs of its stores from its environment, as a laptop does"),
    "CKV_K8S_38": Accepted(r"Deployment\.supportplane-system\..*", "the operator works with the API server"),
    "CKV_K8S_43": Accepted(_PODS, "tags by default, digests where a team names them; images are signed"),
}


def run(*command: str, fails: bool = False) -> str:
    """What it printed. fails: whether it may end with an error, as a linter does that found something."""
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)  # noqa: S603 -- ours
    if done.returncode and not fails:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def tool(name: str) -> str:
    return run(str(REPOSITORY / "scripts/tool"), name).strip()


def rendered() -> Iterator[tuple[str, str]]:
    """Name of a file -> manifests."""
    values = "clusters/platform/supportplane-operator/values.yaml"
    place = ("supportplane", "operator/chart", "--namespace", "supportplane-system")
    yield "chart", run(tool("helm"), "template", *place, "--values", values)
    kustomize = tool("kustomize")
    for overlay in sorted(path.parent for pattern in OVERLAYS for path in REPOSITORY.glob(pattern)):
        if "kind: Component" not in (overlay / "kustomization.yaml").read_text(encoding="utf-8"):
            name = str(overlay.relative_to(REPOSITORY))
            yield name.replace("/", "-"), run(kustomize, "build", name)
    for sample in SAMPLES:
        program = str(Path(sys.executable).with_name("supportplane"))
        yield f"agent-{sample}", run(program, "render", "-f", f"crds/samples/{sample}", "--all-apis")


def findings(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Check, object and sentence of each."""
    uv = str(REPOSITORY / ".bootstrap/bin/uv")
    options = ("--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "--output", "json")
    command = (
        uv,
        "tool",
        "run",
        "--system-certs",
        "--quiet",
        "--from",
        CHECKOV,
        "checkov",
        "-d",
        str(folder),
        *options,
    )
    text = run(*command, fails=True)
    try:
        report = json.loads(text)
        summary = report["summary"]
        failed = report["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"Checkov gave no report: {text[:500]}") from error
    sys.stdout.write(f"Checkov: {summary['passed']} checks passed, {summary['failed']} have findings\n")
    for each in failed:
        yield each["check_id"], each["resource"], each["check_name"]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="supportplane-manifests-") as name:
        for file, text in rendered():
            (Path(name) / file).with_suffix(".yaml").write_text(text, encoding="utf-8")
        found = list(findings(Path(name)))
    unsafe = [each for each in found if not is_accepted(*each[:2])]
    unneeded = sorted(set(EXCEPTIONS) - {check for check, _, _ in found})
    sys.stderr.writelines(f"{check} {resource}: {sentence}\n" for check, resource, sentence in unsafe)
    sys.stderr.writelines(f"{check}: nothing needs this exception any longer\n" for check in unneeded)
    sys.stdout.writelines(f"accepted {check}: {each.reason}\n" for check, each in EXCEPTIONS.items())
    return 1 if unsafe or unneeded else 0


def is_accepted(check: str, resource: str) -> bool:
    accepted = EXCEPTIONS.get(check)
    return accepted is not None and re.fullmatch(accepted.objects, resource) is not None


if __name__ == "__main__":
    sys.exit(main())
