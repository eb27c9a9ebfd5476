"""The points, the victims, and what becomes of each point when a victim is struck there: docs/runbook.md shows it."""

import signal
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tests.e2e.kills.places import FUNCTIONS, HANDED_ON, JOB, LAUNCHED, RAISED
from watchlist.states import Stage


class Victim(StrEnum):
    """Who is struck: by SIGKILL, unless the name says otherwise."""

    CTRL_C = "the service, by Ctrl-C"
    SERVICE = "the service"
    EVERYTHING = "everything at once"
    AWS = "the embedded AWS"
    FUNCTIONS = "the functions"
    TASKS = "the tasks"
    CONTAINERS = "the tasks' containers"


SIGNALS: Final[Mapping[Victim, signal.Signals]] = {Victim.CTRL_C: signal.SIGINT}

COMMANDS: Final[Mapping[Victim, str]] = {
    Victim.AWS: "-m local_service.aws.server",
    Victim.FUNCTIONS: f"-m {FUNCTIONS}",
    Victim.TASKS: f"-m {JOB}",
    Victim.CONTAINERS: "container.py",
}
"""What the processes of a part are called by; a container's arguments are its task's, too."""

SETUP: Final = tuple(
    f"setup-{stage}"
    for stage in (
        LAUNCHED,
        Stage.STARTING,
        Stage.CLONING,
        Stage.COUNTING_LINES,
        Stage.STORING_COMMITS,
        Stage.ANALYZING,
        Stage.DONE,
    )
)
REFRESH: Final = tuple(
    f"refresh-{stage}"
    for stage in (LAUNCHED, Stage.CLONING, Stage.COUNTING_LINES, Stage.STORING_COMMITS, Stage.ANALYZING, Stage.DONE)
)
DELIVERED: Final = "digest-delivered"
DIGESTS: Final = (RAISED, HANDED_ON, DELIVERED)
POINTS: Final = (*SETUP, *REFRESH, *DIGESTS)

_OUTLIVED_BY_JOBS = {Victim.CTRL_C, Victim.FUNCTIONS}
_OUTLIVED_BY_DIGESTS = {Victim.TASKS, Victim.CONTAINERS}


class Outcome(StrEnum):
    """What becomes of a job or a digest."""

    GOES_ON = "goes on"
    """The same attempt does it, or, after Ctrl-C, another one that does not count."""

    AGAIN = "attempt 2"
    """Another attempt does it, which counts."""

    ONCE = "told once"
    AT_MOST_TWICE = "told, at most twice"
    """Whoever receives it knows it by its id."""


def outcome_of(point: str, victim: Victim) -> Outcome:
    """Return what becomes of what is at the point."""
    if point in DIGESTS:
        is_once = point == RAISED or victim in _OUTLIVED_BY_DIGESTS
        return Outcome.ONCE if is_once else Outcome.AT_MOST_TWICE
    is_written = point.endswith(Stage.DONE)
    return Outcome.GOES_ON if is_written or victim in _OUTLIVED_BY_JOBS else Outcome.AGAIN


def table() -> str:
    """Return all of it for docs/runbook.md."""
    lines = [("at the point", *Victim), ("---",) * (len(Victim) + 1)]
    lines += [(f"`{point}`", *(outcome_of(point, victim) for victim in Victim)) for point in POINTS]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
