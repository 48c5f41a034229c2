"""git, as one program of the user's: commits are made from what is committed, and no file of theirs is touched."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from supportplane_cli.errors import CommandFailed, WrongUsage


@dataclass(frozen=True, slots=True)
class Repository:
    """root: the top of the work tree."""

    root: Path

    def run(self, *arguments: str, index: Path | None = None) -> str:
        """Raises CommandFailed with git's own words."""
        environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        command = [_git(), "-C", str(self.root), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandFailed(f"git {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def has(self, name: str) -> bool:
        """Whether a revision, a folder of one or a branch is known."""
        command = [_git(), "-C", str(self.root), "rev-parse", "--quiet", "--verify", name]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def commit_with_folder(self, target: str, source: str, message: str) -> str:
        """Id of a commit on top of HEAD in which one folder is another one's copy. No branch points to it yet."""
        with tempfile.TemporaryDirectory(prefix="supportplane-promote-") as folder:
            index = Path(folder) / "index"
            self.run("read-tree", "HEAD", index=index)
            self.run("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", target, index=index)
            self.run("read-tree", f"--prefix={target}/", f"HEAD:{source}", index=index)
            tree = self.run("write-tree", index=index).strip()
        return self.run("commit-tree", tree, "-p", "HEAD", "-m", message).strip()


def repository_at(directory: Path) -> Repository:
    """Raises WrongUsage for a folder outside of every repository, or without a commit."""
    found = subprocess.run(
        [_git(), "-C", str(directory), "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise WrongUsage(f"{directory} is in no git repository", hint="run the command in your repository")
    repository = Repository(Path(found.stdout.strip()))
    if not repository.has("HEAD"):
        raise WrongUsage(f"{repository.root} has no commit yet", hint="commit the environments first")
    return repository


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise CommandFailed("git is not installed", hint="install git and run the command again")
    return found
