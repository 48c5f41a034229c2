"""The bound on open files of this process, raised to what its connections need. Called by customers.py at the start.

A process that runs out of files accepts nobody, its probes neither, and the usual soft limit of 1,024 is below the sum
of the bounds.
"""

import resource

import structlog

log = structlog.get_logger(__name__)

OTHER_FILES = 256  # a guess with room: pools of PostgreSQL, Redis, model and orchestrators take 150, files and logs 30


def allow_open_files(connections: int) -> None:
    """Up to the hard limit, which is the machine's word; a smaller one than needed is told in the log."""
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("open_files_short", wanted=wanted, allowed=allowed)
