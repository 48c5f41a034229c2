"""`supportplane eval`, from what is to be measured to what is shown: the sets of each kind, then the report."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supportplane_cli.errors import PartFailed, WrongUsage
from supportplane_cli.evaluation import questions, report
from supportplane_cli.supervisor.report import Clock, SilentReporter, make_reporter
from supportplane_runtime.errors import InvalidRequest, RuntimeFault
from supportplane_runtime.evaluation import claims
from supportplane_runtime.evaluation.figures import MeasuredSet


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure. data: folders. claims: files."""

    data: Sequence[Path] = ()
    claims: Sequence[Path] = ()


def run(wanted: Wanted, *, as_json: bool) -> None:
    """Raises CommandFailed with a sentence for what cannot be measured."""
    try:
        measured = _measured(wanted, as_json=as_json)
    except InvalidRequest as fault:
        raise WrongUsage(fault.detail, hint="supportplane eval --help") from fault
    except RuntimeFault as fault:
        raise PartFailed(fault.detail) from fault
    report.show(measured, as_json=as_json)


def _measured(wanted: Wanted, *, as_json: bool) -> list[MeasuredSet]:
    """What costs nothing to read comes first, so that a mistake in a file is told at once."""
    sentences = [(path, claims.load(path)) for path in wanted.claims]
    measured = [asyncio.run(claims.measure(path.stem, each, [claims.Rules()])) for path, each in sentences]
    if wanted.data:
        reporter = SilentReporter() if as_json else make_reporter(Clock(), as_json=False)
        measured += questions.measured(wanted.data, reporter)
    return measured
