"""`supportplane eval`, from what is to be measured to what is shown: measure, compare, show, keep."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from supportplane_cli import __version__
from supportplane_cli.console import note
from supportplane_cli.errors import CommandFailed, PartFailed, WrongUsage
from supportplane_cli.evaluation import judging, kept, questions, report, transcripts
from supportplane_cli.evaluation.report import Shown
from supportplane_cli.supervisor.report import Clock, SilentReporter, make_reporter
from supportplane_crds import InvalidAgentFile
from supportplane_runtime.errors import InvalidRequest, RuntimeFault
from supportplane_runtime.evaluation import claims, comparison, dataset, judged
from supportplane_runtime.evaluation.dataset import SEED, DataSet, Part
from supportplane_runtime.evaluation.document import Run
from supportplane_runtime.evaluation.figures import MeasuredSet


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure. data: folders. claims, judged: files. agent: an agent file and questions about its documents.

    part: which half of the questions, by the seed; None for all. transcript: a new file that takes the answers, with
    answer_all also those that would go to a person.
    judges: words for who judges claims, see judging.py; none: the usual ones. secrets: folder of their keys.
    """

    data: Sequence[Path] = ()
    claims: Sequence[Path] = ()
    judged: Sequence[Path] = ()
    agent: tuple[Path, Path] | None = None
    part: Part | None = None
    seed: int = SEED
    transcript: Path | None = None
    answer_all: bool = False
    judges: Sequence[str] = ()
    secrets: Path | None = None

    @property
    def asks(self) -> bool:
        return bool(self.data or self.agent)


@dataclass(frozen=True, slots=True)
class Before:
    """What to compare with, and what comes of it. save: file that takes the figures, None to keep none.

    against: a run of before; without it the run is compared with the one that ``save`` holds.
    """

    save: Path | None = None
    against: Path | None = None
    fail_if_worse: bool = False


def run(wanted: Wanted, before: Before, *, as_json: bool) -> None:
    """Raises CommandFailed for what cannot be measured, and for figures that got worse where that is to fail."""
    try:
        earlier = _earlier(before)
        measured = _measured(wanted, as_json=as_json)
    except InvalidAgentFile as error:
        raise WrongUsage(str(error)) from error
    except InvalidRequest as fault:
        raise WrongUsage(fault.detail, hint="supportplane eval --help") from fault
    except RuntimeFault as fault:
        raise PartFailed(fault.detail) from fault
    shown = [_compared(each, earlier) for each in measured]
    now = Run.of(measured, supportplane=__version__, measured_at=datetime.now(tz=UTC).isoformat(timespec="seconds"))
    report.show(shown, now, as_json=as_json)
    if before.save is not None:
        kept.write(before.save, now)
    worse = [f"{each.measured.name} {one.figure.key}" for each in shown for one in comparison.worse(each.compared)]
    if before.fail_if_worse and worse:
        _fail(worse, as_json=as_json)


def _earlier(before: Before) -> Run | None:
    path = before.against or before.save
    if path is None:
        note("These figures are not kept: there is no data directory here; --save FILE keeps them.")
        return None
    if before.against is None and not path.exists():
        return None
    return kept.read(path)


def _compared(measured: MeasuredSet, earlier: Run | None) -> Shown:
    past = earlier.measured(measured.kind, measured.name) if earlier else None
    if past is not None and past.contents != measured.contents:
        note(f"{measured.name} is not compared with the run before, which measured other rows.")
    elif past is None and earlier is not None:
        note(f"{measured.name} is not compared: the run before did not measure it.")
    return Shown(measured, comparison.compare(measured, past) if past else [])


def _fail(worse: Sequence[str], *, as_json: bool) -> None:
    if as_json:  # the document that is out already says which figures
        raise SystemExit(CommandFailed.exit_code)
    raise CommandFailed(f"Worse than before: {', '.join(worse)}.")


def _measured(wanted: Wanted, *, as_json: bool) -> list[MeasuredSet]:
    """What costs nothing to read comes first, so that a mistake in a file is told at once."""
    sentences = [(path, claims.load(path)) for path in wanted.claims]
    answers = [answer for path in wanted.judged for answer in judged.load(path)]
    measured = asyncio.run(_of_claims(sentences, wanted)) if sentences else []
    measured += judged.measure(answers)
    if wanted.asks:
        reporter = SilentReporter() if as_json else make_reporter(Clock(), as_json=False)
        asked = questions.ask(_sets(wanted), reporter, answer_all=wanted.answer_all)
        # Figures of answers that nobody would get compare with nothing.
        measured += [] if wanted.answer_all else [each.measured for each in asked]
        if wanted.transcript is not None:
            transcripts.write(wanted.transcript, asked)
    return measured


async def _of_claims(sentences: Sequence[tuple[Path, Sequence[claims.Claim]]], wanted: Wanted) -> list[MeasuredSet]:
    async with judging.open_judges(wanted.judges, wanted.secrets) as judges:
        return [await claims.measure(path.stem, each, judges) for path, each in sentences]


def _sets(wanted: Wanted) -> list[DataSet]:
    """Raises InvalidRequest or InvalidAgentFile for what cannot be asked, before anything is started."""
    if wanted.transcript is not None:
        transcripts.check(wanted.transcript)
    sets = [dataset.load(folder) for folder in wanted.data]
    if wanted.agent is not None:
        sets.append(dataset.of_agent_file(*wanted.agent))
    return [each.part(wanted.part, wanted.seed) for each in sets] if wanted.part else sets
