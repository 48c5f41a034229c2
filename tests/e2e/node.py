"""One real Kubernetes node from plain processes: control plane, containerd, kubelet, kube-proxy, CoreDNS.

It runs in the namespaces that scripts/e2e makes, on addresses that are free there; each process is a supervised child.
Pods get addresses of 198.18.0.0/24 (meant for benchmarks, so no real network is hidden) and reach the API server and
everything else that tests start on HOST. Nothing is ever pulled: images are imported.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.kubernetes.control_plane import ControlPlane, ready_binary
from supportplane_cli.embedded.process import Child, ChildSpec

HOST = "198.18.255.1"
DNS = "198.18.255.53"
NAME = "node1"
PODS = "198.18.0.0/24"
CONTROL_GROUP = "/supportplane-e2e"
DEADLINE_S = 120.0
POLL_S = 0.2


class NodePlane(ControlPlane):
    """The control plane on an address that pods can reach. Of a flag given twice the last one counts."""

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def _api_spec(self, binary: str) -> ChildSpec:
        spec = super()._api_spec(binary)
        own = (f"--bind-address={HOST}", f"--advertise-address={HOST}")
        return ChildSpec(spec.name, (*spec.argv, *own), spec.log_file)

    def kill(self) -> None:
        for child in (self._api, self._etcd):
            if child is not None:
                child.kill()


class Node:
    """Start it, import images, use kubectl; stop ends every process, the namespaces end the rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "admin.kubeconfig"  # written by start
        self.plane = NodePlane(folder)
        self._socket = folder / "containerd.sock"
        self._children: list[Child] = []

    def start(self) -> None:
        containerd = self._start("containerd", "/usr/bin/containerd", "-c", str(self._containerd_file()))
        self.plane.start()
        self.kubeconfig = self.plane.kubeconfig("admin", self.plane.token)
        self._start_controllers()
        containerd.wait_ready(self._containerd_answers, deadline_s=DEADLINE_S)
        self._start_kubelet()
        self._start("kube-proxy", ready_binary("kube-proxy"), f"--config={self._proxy_file()}", hostname(NAME))
        self._start("coredns", ready_binary("coredns"), "-conf", str(self._dns_file()))
        wait_until(self._is_ready, "the node did not become Ready")

    def stop(self) -> None:
        """At once, for nothing of it is kept; an API server would wait a minute for the watches of pods."""
        for child in reversed(self._children):
            child.kill()
        self.plane.kill()

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = DEADLINE_S) -> str:
        """What kubectl prints. Raises AssertionError with its complaint."""
        done = self.try_kubectl(*arguments, stdin=stdin, timeout_s=timeout_s)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def try_kubectl(
        self, *arguments: str, stdin: str | None = None, timeout_s: float = DEADLINE_S
    ) -> subprocess.CompletedProcess[str]:
        kubectl = Path(sys.executable).with_name("kubectl")
        command = [str(kubectl), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_s)

    def get(self, *arguments: str) -> Any:
        """An object or a list, parsed."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(bundle))

    def import_image(self, archive: Path) -> None:
        done = subprocess.run(
            [*self._ctr(), "images", "import", "--all-platforms", str(archive)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{archive.name} was not imported: {done.stderr}"

    def describe(self) -> str:
        """Pods, the latest events and the ends of the logs, for a person who reads why a test failed."""
        columns = "custom-columns=:.involvedObject.kind,:.involvedObject.name,:.reason,:.message"
        events = ("get", "events", "-A", "--sort-by=.lastTimestamp", "-o", columns)
        asked = (("get", "pods", "-A", "-o", "wide"), events)
        said = [self.try_kubectl(*arguments).stdout[-6000:] for arguments in asked]
        logs = [f"{child.spec.name}: {child.output()[-1500:]}" for child in self._children]
        return "\n".join(said + logs + [f"{file.parent.parent.name}: {_end_of(file)}" for file in self._pod_logs()])

    def _pod_logs(self) -> list[Path]:
        return sorted((self.folder / "pods").glob("*/*/*.log"))

    def pod_log(self, namespace: str, pod: str) -> str:
        """What a pod's containers wrote: the kubelet keeps it below its log folder."""
        files = sorted((self.folder / "pods").glob(f"{namespace}_{pod}_*/*/*.log"))
        return "".join(file.read_text(errors="replace") for file in files)

    def _start(self, name: str, *argv: str) -> Child:
        # The roots of containers must be open to their users; our launcher starts programs with a private umask.
        argv = ("/bin/sh", "-c", 'umask 022; exec "$@"', name, *argv)
        child = Child(ChildSpec(name, argv, self.folder / f"{name}.log", environment=self._environment()))
        self._children.append(child)
        return child

    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}

    def _start_controllers(self) -> None:
        shared = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        keys = (f"--service-account-private-key-file={self.folder}/sa.key", "--use-service-account-credentials")
        root = f"--root-ca-file={self.folder}/certs/apiserver.crt"
        self._start("controllers", ready_binary("kube-controller-manager"), *shared, *keys, root)
        self._start("scheduler", ready_binary("kube-scheduler"), *shared)

    def _start_kubelet(self) -> None:
        folders = (f"--root-dir={self.folder}/kubelet", f"--cert-dir={self.folder}/kubelet-pki")
        access = (f"--kubeconfig={self.kubeconfig}", hostname(NAME), f"--node-ip={HOST}")
        self._start("kubelet", ready_binary("kubelet"), f"--config={self._kubelet_file()}", *access, *folders)

    def _is_ready(self) -> bool:
        for child in self._children:
            assert child.is_running, f"{child.spec.name} ended ({child.ending()}).{child.log_tail()}"
        return self._has_ready_node() and self._has_account() and self._has_own_endpoint()

    def _has_ready_node(self) -> bool:
        reply = self.plane.ask("GET", f"/api/v1/nodes/{NAME}")
        if reply.status != 200:  # the kubelet has not introduced itself yet
            return False
        conditions = reply.body["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _has_account(self) -> bool:
        return self.plane.ask("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200

    def _has_own_endpoint(self) -> bool:
        slices = self.plane.ask("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes")
        return bool(slices.body.get("endpoints"))

    def _containerd_answers(self) -> bool:
        return subprocess.run([*self._ctr(), "version"], capture_output=True, check=False).returncode == 0

    def _ctr(self) -> Sequence[str]:
        return ("ctr", f"--address={self._socket}", "--namespace=k8s.io")

    def _write(self, name: str, document: dict[str, Any]) -> Path:
        path = self.folder / name
        with path.open("w") as file:
            YAML().dump(document, file)
        return path

    def _kubelet_file(self) -> Path:
        document = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": HOST,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}},
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": CONTROL_GROUP,
            "clusterDNS": [DNS],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "enforceNodeAllocatable": [],
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "failCgroupV1": False,
            "failSwapOn": False,
            "healthzPort": 0,
            "oomScoreAdj": 0,
            "podCIDR": PODS,
            "podLogsDir": f"{self.folder}/pods",
            # The kubelet mounts changed Secrets at its next look: a minute would be most of a test's time.
            "syncFrequency": "10s",
        }
        return self._write("kubelet.yaml", document)

    def _proxy_file(self) -> Path:
        document = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": PODS,
            "bindAddress": "127.0.0.1",
            "clientConnection": {"kubeconfig": str(self.kubeconfig)},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }
        return self._write("kube-proxy.yaml", document)

    def _dns_file(self) -> Path:
        zone = f"kubernetes cluster.local {{\n    kubeconfig {self.kubeconfig} admin\n  }}"
        path = self.folder / "Corefile"
        path.write_text(f".:53 {{\n  bind {DNS}\n  errors\n  {zone}\n  cache 1\n}}\n")
        return path

    def _containerd_file(self) -> Path:
        (self.folder / "cni").mkdir()
        network = {
            "type": "ptp",
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": f"{self.folder}/addresses",
            },
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        document = {"cniVersion": "1.0.0", "name": "pods", "plugins": [network, ports]}
        (self.folder / "cni" / "10-pods.conflist").write_text(json.dumps(document))
        path = self.folder / "containerd.toml"
        path.write_text(CONTAINERD.format(folder=self.folder))
        return path


# Without restrict_oom_score_adj no sandbox starts where our own score may not be lowered.
CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def _end_of(file: Path) -> str:
    return file.read_text(errors="replace")[-2000:]


def hostname(name: str) -> str:
    return f"--hostname-override={name}"


def wait_until(is_so: Callable[[], bool], complaint: str, *, deadline_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not is_so():
        assert time.monotonic() < deadline, f"{complaint} within {deadline_s:.0f} s"
        time.sleep(POLL_S)
