"""What the bills of `infra.operations.cost` assume of our own code.

Each name is compared by a test with what the code does. `tests/infra/test_cost.py` holds that none is without one. What
no code of ours decides stands in `infra.operations.estimates`.
"""

from collections.abc import Mapping

from watchlist import limits
from watchlist.deployment import functions

ENTRY_UNITS = 3
HEALTH_UNITS = 3
"""Write units of an entry after a refresh, and of an analysis with all checks of Scorecard."""

UNITS_PER_COMMIT = 0.25
"""Write units of a commit in the segments of a new history (docs/decisions/0010: 0.10 to 0.22)."""

UNITS_PER_TAG = 0.1
"""Write units of a tag in its segments, when the repository is looked at first (docs/decisions/0020: 0.04 to 0.06)."""

UNITS_PER_REFRESHED_HISTORY = 2
"""Of a refresh's segment of commits, which takes in small ones (0010: 1.1 to 1.5 on average)."""

REPORTS_OF_REFRESH = 6
"""Times that the job of a refresh reports progress."""

WRITES_OF_ENTRY = 7 + REPORTS_OF_REFRESH
"""Of a refresh: queued by the scheduler, launched (two), claimed, progress, completed in a transaction, which counts
twice, and looked at by the scheduler again."""

INDEX_WRITES_OF_REFRESH = 14
"""An entry that changes its place in an index costs two: the old key goes, and a new one comes."""

OTHER_WRITES = 6
"""A slot taken and freed, a line of the table of jobs in a transaction."""

FUNCTIONS_OF_JOB = 4
"""Runs of functions: the dispatcher, what hears of the task's end, and both readers of the table's stream."""

QUEUE_CALLS_OF_JOB = 3
"""Calls to SQS for a job's message: sent, received, deleted."""

ENTRY_WRITES_OF_BEAT = 1
INDEX_WRITES_OF_BEAT = 2
OTHER_WRITES_OF_BEAT = 1
QUEUE_CALLS_OF_BEAT = 1
"""Of each heartbeat of a task: the lease and when it lapses, the slot, the message."""

LOG_KILOBYTES_OF_JOB = 2.0
"""What functions and task write themselves."""

INDEX_WRITES_OF_CHECK = 2
"""Of a check that finds nothing new, besides one write of the entry: when the next one is due."""

READS_OF_CHECK = 2.0
"""Read units: the key in the index, and the entry."""

ANALYSES_READ = limits.HEALTH_HISTORY_SHOWN + 1
"""What a renewal compares with, and what it knows of people."""

READS_OF_REQUEST = 2.0
"""Read units of a poll of a status: the entry, and what the user has of it."""

READS_OF_IDLE_RUN: Mapping[str, float] = {
    functions.RECONCILER.name: 7.5,
    functions.SCHEDULER.name: 3.5,
    functions.DIGEST.name: 1.0,
}
WRITES_OF_IDLE_RUN: Mapping[str, int] = {
    functions.RECONCILER.name: 2,
    functions.SCHEDULER.name: 2,
    functions.DIGEST.name: 0,
}
"""Units of DynamoDB that a run by the clock takes that finds nothing to do."""

LOG_KILOBYTES_OF_IDLE_RUN: Mapping[str, float] = {
    functions.RECONCILER.name: 0.25,
    functions.SCHEDULER.name: 0.6,
    functions.DIGEST.name: 0.25,
}
LOG_KILOBYTES_OF_HEARTBEAT = 0.25
"""What such a run, and a reader of a stream that is called for a heartbeat, write themselves."""
