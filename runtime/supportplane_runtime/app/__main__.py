"""Starts one role. A wrong setting or agent file ends it with exit code 2 and a sentence, a part that is away with 1.

The roles are the modules of roles/; the docstring of each says what it does, and only the asked one is imported.
"""

import asyncio
import importlib
import pkgutil
import sys

from pydantic import ValidationError

from supportplane_crds import InvalidAgentFile, load_agent_file
from supportplane_runtime import telemetry
from supportplane_runtime.app import roles
from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.settings import load_settings

MODEL_ROLE = "model"  # knows no agent: it has settings of its own
ROLES = tuple(module.name for module in pkgutil.iter_modules(roles.__path__))
USAGE_ERROR = 2


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ROLES:
        return _refuse(f"usage: python -m supportplane_runtime.app {{{'|'.join(ROLES)}}}")
    try:
        _run(arguments[0])
    except ValidationError as error:
        return _refuse(_wrong_settings(error))
    except InvalidAgentFile as error:
        return _refuse(str(error))
    except RuntimeFault as fault:
        print(fault.detail, file=sys.stderr)
        return 1
    return 0


def _run(role: str) -> None:
    module = importlib.import_module(f"{roles.__name__}.{role}")
    if role == MODEL_ROLE:
        module.run()
        return
    settings = load_settings()
    telemetry.configure_logging(settings)
    # A source that is gone keeps nobody from serving what is indexed, and the knowledge role from no other source.
    file = load_agent_file(settings.agent_file, check_sources=False)
    asyncio.run(module.run(settings, file))


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return USAGE_ERROR


def _wrong_settings(error: ValidationError) -> str:
    """A line per variable, without the value: it may be a secret."""
    return "\n".join(
        f"SUPPORTPLANE_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
