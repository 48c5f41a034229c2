import subprocess
import sys

import pytest

AFTER_THE_TERMINAL = """
import os, pty, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
ours, theirs = pty.openpty()
for descriptor in (1, 2):
    os.dup2(theirs, descriptor)
os.close(theirs)
from supportplane_cli.supervisor.report import Clock, make_reporter
reporter = make_reporter(Clock(), as_json={as_json})
with reporter:
    reporter.started("documents")
    os.close(ours)
    reporter.progress("documents", "read", 1, 2)
    reporter.finished("documents")
    reporter.say("redis ended; starting it again")
    reporter.ready({{}}, ["It answers."])
"""


@pytest.mark.parametrize("as_json", [True, False])
def test_an_agent_goes_on_when_its_terminal_is_gone_and_ends_with_0(as_json: bool) -> None:
    program = AFTER_THE_TERMINAL.format(as_json=as_json)
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
