"""Words of `--judge` to the judges of a claims file: simulated ones, or the model that an agent file names."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from supportplane_cli.errors import WrongUsage
from supportplane_crds import load_agent_file
from supportplane_runtime.evaluation.claims import Judge
from supportplane_runtime.evaluation.judges import USUAL, ByModel, simulated
from supportplane_runtime.model.chat import Endpoint, ServedChatModel, Timeouts
from supportplane_runtime.orchestrator.judge import ModelJudge


@asynccontextmanager
async def open_judges(words: Sequence[str], secrets: Path | None) -> AsyncIterator[list[Judge]]:
    """secrets: the folder NAME/KEY of keys. Raises WrongUsage and InvalidRequest for words that name no judge."""
    async with AsyncExitStack() as stack:
        judges: list[Judge] = []
        for word in words or USUAL:
            judge = simulated(word)
            if judge is None:
                model = _model(Path(word), secrets)
                stack.push_async_callback(model.close)
                judge = ByModel(model.name, ModelJudge(model))
            judges.append(judge)
        yield judges


def _model(path: Path, secrets: Path | None) -> ServedChatModel:
    """The judge of an agent file, or the model that writes where the file names none."""
    if not path.exists():
        raise WrongUsage(
            f"--judge {path} is neither none, accepts-everything, right-but-for:SHARE nor an agent file that exists."
        )
    file = load_agent_file(path, check_sources=False)
    endpoint = file.judge_endpoint or file.model_endpoint
    spec = endpoint.spec
    if spec.url is None or spec.model is None:
        raise WrongUsage(f"ModelEndpoint {endpoint.name} has no url: a judge is asked at its own server.")
    ref = spec.credentials_secret_ref
    key = _read(secrets, Path(ref.name) / ref.key) if ref else None
    return ServedChatModel(Endpoint(spec.url, spec.model, key, Timeouts(first_token_s=spec.timeout.total_seconds())))


def _read(secrets: Path | None, place: Path) -> str:
    if secrets is None:
        raise WrongUsage(f"The key of the judge lies in secrets/{place} of a data directory; --data-dir names it.")
    try:
        return (secrets / place).read_text().strip()
    except OSError as error:
        raise WrongUsage(f"{secrets / place} cannot be read: {error.strerror}; put the judge's key there.") from error
