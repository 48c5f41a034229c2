"""Every command under its name, and what `supportplane --help` says of them together."""

import typer

from supportplane_cli.commands import (
    ask,
    backup,
    chat,
    doctor,
    down,
    evaluate,
    feedback,
    gaps,
    images,
    ingest,
    init,
    keys,
    link,
    logs,
    preview,
    promote,
    render,
    restore,
    sessions,
    status,
    up,
    validate,
    version,
    why,
)

EXIT_CODES = """Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing is running, 4 the data directory is in use,
5 the agent refused, 6 a part did not start, 7 the data directory is unusable."""

cli = typer.Typer(
    name="supportplane",
    help="One SupportAgent file becomes a customer-support agent: on this machine with `up`, the same on a cluster.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (
    up,
    down,
    status,
    logs,
    doctor,
    ask,
    chat,
    ingest,
    gaps,
    validate,
    link,
    backup,
    restore,
    render,
    why,
    init,
    preview,
    promote,
    images,
    version,
):
    name = module.__name__.rpartition(".")[2]
    cli.command(name, epilog=module.EPILOG)(getattr(module, name))
cli.command("eval", epilog=evaluate.EPILOG)(evaluate.evaluate)
cli.add_typer(keys.cli, name="keys")
cli.add_typer(sessions.cli, name="sessions")
cli.add_typer(feedback.cli, name="feedback")
