"""The command line's entry: loads the commands, runs one, and turns failures into one sentence and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing is running, 4 the data directory is in use, 5 the agent refused,
6 a part did not start, 7 the data directory is unusable, 130 interrupted. `up` that is told to stop is done.
"""

import os
import sys

from supportplane_cli.stopping import stop


def app() -> None:
    """What the installed script calls."""
    if sys.argv[1:2] == ["up"]:
        stop.leave_at_once()  # first of all, because the imports take a third of a second
    os.umask(0o077)  # whatever a command writes is its user's alone
    try:
        from supportplane_cli.errors import CommandFailed
        from supportplane_cli.registry import cli
    except KeyboardInterrupt:  # from here on the command line's library does this
        sys.exit(130)

    try:
        cli()
    except CommandFailed as failure:
        from supportplane_cli.console import report

        report(failure, as_json="--json" in sys.argv)
        sys.exit(failure.exit_code)
    except BrokenPipeError:  # the reader of our output, such as head, has had enough
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    app()
