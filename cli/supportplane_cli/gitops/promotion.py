"""What one environment has released to a commit on a branch in which the next one has it, too.

Only environments/<name>/release moves; size, host names and limits of an environment stay its own.
"""

from dataclasses import dataclass

from supportplane_cli.errors import WrongUsage
from supportplane_cli.gitops.git import Repository


@dataclass(frozen=True, slots=True)
class Promotion:
    """source, target: environments. diff: of the target's release as it would change; empty when both are alike."""

    source: str
    target: str
    commit: str
    diff: str

    @property
    def title(self) -> str:
        return f"Promote {self.source} to {self.target}"

    @property
    def body(self) -> str:
        return f"{self.title}: {release(self.target)} becomes {release(self.source)} as of {self.commit}."

    @property
    def branch(self) -> str:
        return f"promote/{self.source}-to-{self.target}-{self.commit}"


def release(environment: str) -> str:
    return f"environments/{environment}/release"


def compare(repository: Repository, source: str, target: str) -> Promotion:
    """From what is committed. Raises WrongUsage for environments that are the same or not there."""
    if source == target:
        raise WrongUsage(f"{source} cannot be promoted to itself")
    for environment in (source, target):
        if not repository.has(f"HEAD:{release(environment)}"):
            there = _environments(repository)
            raise WrongUsage(
                f"there is no {release(environment)} in the last commit", hint=f"one of: {', '.join(there) or 'none'}"
            )
    difference = ("diff", "--no-color", f"HEAD:{release(target)}", f"HEAD:{release(source)}")
    commit = repository.run("rev-parse", "--short=10", "HEAD").strip()
    return Promotion(source, target, commit, repository.run(*difference))


def uncommitted(repository: Repository, environment: str) -> bool:
    """Whether the work tree has changes of a release that a promotion would leave out."""
    return bool(repository.run("status", "--porcelain", "--", release(environment)).strip())


def make_branch(repository: Repository, promotion: Promotion, branch: str) -> None:
    """Raises WrongUsage where the branch is there already."""
    if repository.has(f"refs/heads/{branch}"):
        raise WrongUsage(f"the branch {branch} is there already", hint=f"git branch -D {branch}, or give --branch NAME")
    message = f"{promotion.title}\n\n{promotion.body}\n"
    made = repository.commit_with_folder(release(promotion.target), release(promotion.source), message)
    repository.run("branch", branch, made)


def _environments(repository: Repository) -> list[str]:
    if not repository.has("HEAD:environments"):
        return []
    names = repository.run("ls-tree", "--name-only", "-d", "HEAD:environments").split()
    return [name for name in names if repository.has(f"HEAD:{release(name)}")]
