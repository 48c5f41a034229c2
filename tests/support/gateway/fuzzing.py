"""Calls a gateway with everything that its OpenAPI document allows and forbids: schemathesis, all checks, all phases.

Used in a short form by tests/integration/runtime/gateway/test_fuzzed_api.py and in a long one by scripts/fuzz-api.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
SHORT_EXAMPLES = 5


@dataclass(frozen=True)
class Fuzzer:
    """Who calls. user: whom a secret key speaks for."""

    headers: dict[str, str] = field(default_factory=dict)
    user: str = ""


async def fuzz(url: str, fuzzer: Fuzzer, *, examples: int, seconds: float) -> tuple[int, str]:
    """Its exit code and what it reports. The same requests at each run, so a failure comes back."""
    program = Path(sys.executable).parent / "schemathesis"
    command = [str(program), "--config-file", os.devnull, "run", f"{url}/openapi.json", "--no-color", "--checks", "all"]
    command += ["--generation-deterministic", "--max-examples", str(examples), "--continue-on-failure"]
    for name, value in fuzzer.headers.items():
        command += ["--header", f"{name.title()}: {value}"]  # the case counts when it leaves credentials out
    told = {"SCHEMATHESIS_HOOKS": "fuzzing_hooks", "PYTHONPATH": str(HERE), "FUZZ_USER": fuzzer.user}
    pipe = asyncio.subprocess.PIPE
    with TemporaryDirectory() as folder:  # it keeps what it found where it runs
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=os.environ | told, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        return await _ended(process, seconds)


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> tuple[int, str]:
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()
