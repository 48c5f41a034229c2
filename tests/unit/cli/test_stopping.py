import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from supportplane_cli.stopping import SIGNALS, Stop, StopAsked


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield Stop()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_nothing_and_the_next_wait_ends(stop: Stop, number: signal.Signals) -> None:
    stop.remember()
    stop.pause(0)
    signal.raise_signal(number)
    assert stop.asked
    with pytest.raises(StopAsked):
        stop.pause(60)


def test_a_signal_in_code_made_from_text_leaves_the_exit_status_alone() -> None:
    """Python ends by the signal when KeyboardInterrupt ever left such code, even if it was caught."""
    program = """
import signal
from supportplane_cli.stopping import StopAsked, stop
stop.remember()
exec("signal.raise_signal(signal.SIGINT)")
try:
    stop.check()
except StopAsked:
    pass
stop.ignore()
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_wait_in_somebody_elses_code_is_cut_once(stop: Stop) -> None:
    stop.remember()
    with stop.raising():
        with pytest.raises(StopAsked):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)  # what cleans up after it is left alone
    with pytest.raises(StopAsked), stop.raising():
        pytest.fail("it was asked before")


def test_only_another_ctrl_c_hurries(stop: Stop) -> None:
    calls: list[str] = []
    stop.remember()
    signal.raise_signal(signal.SIGTERM)
    stop.hurry(lambda: calls.append("kill"))
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGHUP)
    assert calls == []
    signal.raise_signal(signal.SIGINT)
    assert calls == ["kill"]


def test_what_was_ignored_stays_ignored_but_down_is_heard(stop: Stop) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    stop.remember()
    stop.hurry(lambda: None)
    assert [signal.getsignal(number) is signal.SIG_IGN for number in SIGNALS] == [True, False, True]


def test_at_the_end_nothing_is_heard(stop: Stop) -> None:
    stop.remember()
    stop.ignore()
    for number in SIGNALS:
        signal.raise_signal(number)
    assert not stop.asked


def test_before_anything_is_held_it_leaves_without_a_word() -> None:
    program = """
import time
from supportplane_cli.stopping import stop
stop.leave_at_once()
print(flush=True)
while True:  # one long wait would miss a signal that comes just before it
    time.sleep(0.05)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 0
