"""`supportplane up`: start the agent of one file on this machine and keep it running."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supportplane_cli.options import AgentFileOption, DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir

if TYPE_CHECKING:
    from supportplane_cli.supervisor.plan import Plan

EPILOG = """Examples:

  supportplane up -f environments/local/agent.yaml

  supportplane up -f agent.yaml --port 9000 --data-dir ~/agents/shop

  supportplane up -f agent.yaml --model hf:owner/repo/file.gguf

  supportplane up -f agent.yaml --model http://127.0.0.1:8000/v1 --model-name qwen3-8b
"""


def up(  # noqa: PLR0913, PLR0917  # each parameter is a flag
    file: AgentFileOption = Path("environments/local/agent.yaml"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="HTTP port on 127.0.0.1.")] = 8080,
    data_dir: DataDirOption = None,
    listen: Annotated[
        str | None,
        typer.Option(help="Offer the embedded database, cache and model on this address of this machine too."),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(envvar="SUPPORTPLANE_DATABASE_URL", help="Use this PostgreSQL (with pgvector), not the embedded."),
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(envvar="SUPPORTPLANE_REDIS_URL", help="Use this Redis, not the embedded.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="hf:owner/repo/file.gguf[@revision] to download and run, or an OpenAI-compatible base URL."),
    ] = None,
    model_name: Annotated[str | None, typer.Option(help="The model's name at --model URL.")] = None,
    model_key_file: Annotated[Path | None, typer.Option(help="File with the key of --model URL.")] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start an agent here: database, cache, model, documents, API and chat page. Ctrl-C stops it, data is kept."""
    from supportplane_cli.supervisor.plan import UpOptions, make_plan

    options = UpOptions(
        agent_file=file,
        data=find_data_dir(data_dir),
        port=port,
        listen=listen,
        database_url=database_url,
        redis_url=redis_url,
        model=model,
        model_name=model_name,
        model_key_file=model_key_file,
    )
    plan = make_plan(options)
    if dry_run:
        describe(plan, as_json=as_json)
        return
    from supportplane_cli.supervisor.run import up as run

    run(plan, as_json=as_json)


def describe(plan: "Plan", *, as_json: bool) -> None:
    """What would be started; checks the port and the folder without making it."""
    from supportplane_cli.console import emit, say
    from supportplane_cli.supervisor import preflight
    from supportplane_cli.supervisor.plan import EmbeddedModel, FileModel

    preflight.check_port(plan.port)
    preflight.check_space(plan.data.root)
    model = plan.model
    if isinstance(model, EmbeddedModel):
        source = f"hf:{model.hub_file.repository}/{model.hub_file.path}" if model.hub_file else "in the package"
        described = f"embedded, {model.name} ({source})"
    else:
        described = (
            f"{model.url} (from the agent file)" if isinstance(model, FileModel) else f"{model.url}, {model.name}"
        )
    facts = {
        "agent file": str(plan.agent.path),
        "data directory": f"{plan.data.root} ({'exists' if plan.data.root.exists() else 'would be made'})",
        "address": f"{plan.url}/",
        "database": "given URL" if plan.database_url else "embedded PostgreSQL with pgvector",
        "cache": "given URL" if plan.redis_url else "embedded Redis",
        "model": described,
    }
    if plan.without_effect:
        facts["no effect"] = f"{', '.join(plan.without_effect)}: for clusters only"
    if as_json:
        emit(facts)
        return
    for name, value in facts.items():
        say(f"{name:15} {value}")
