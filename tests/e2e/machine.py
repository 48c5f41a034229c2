"""Whether a node can run on this machine, as one sentence that says why not: ``python -m e2e.machine``.

A node takes root, Linux namespaces, Debian's container packages and the binaries of scripts/tool. Nothing is installed
or built here. scripts/e2e asks before it builds images; tests/e2e are skipped with the sentence.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.kubernetes.control_plane import NotReady, ready_binary

CNI_PLUGINS = Path("/usr/lib/cni")
PROGRAMS = ("containerd", "ctr", "runc", "iptables", "buildah", "debootstrap", "ip", "unshare")
BINARIES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "helm",
)
NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc")
# Each needs a privilege that a container engine may keep from us: an address pair, packet rules, control groups.
PROBE = (
    "mount -t tmpfs tmpfs /mnt && ip link add node0 type veth peer name node1 && iptables -t nat -L -n"
    " && for d in /sys/fs/cgroup/; do test -w $d; done && echo 1 >/proc/sys/net/ipv4/ip_forward"
)


def why_not() -> str | None:
    """Why no node can run here, or None."""
    return _no_root() or _no_program() or _no_binary() or _no_namespace()


def _no_root() -> str | None:
    return None if sys.platform == "linux" and os.geteuid() == 0 else "a kubelet takes root on Linux"


def _no_program() -> str | None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not (CNI_PLUGINS / "ptp").exists():
        missing.append("containernetworking-plugins")
    return f"not installed: {', '.join(missing)}" if missing else None


def _no_binary() -> str | None:
    try:
        for name in BINARIES:
            ready_binary(name)
    except NotReady as reason:
        return str(reason)
    return None


def _no_namespace() -> str | None:
    probe = subprocess.run([*NAMESPACES, "sh", "-c", PROBE], capture_output=True, text=True, check=False)
    return f"namespaces are closed to us: {probe.stderr.strip()[-200:]}" if probe.returncode else None


if __name__ == "__main__":
    problem = why_not()
    if problem is not None:
        print(problem)  # noqa: T201 -- the command's answer
        raise SystemExit(1)
