"""What is given back at once when the service as a whole was ended and starts again, as on one machine.

Whoever had taken it has ended, too. On AWS, where the parts end one by one, it lapses by itself, in minutes.
"""

import contextlib
from datetime import datetime

from watchlist import limits
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs import task_slots
from watchlist.jobs.protocol import SupersededError
from watchlist.settings import CallSettings
from watchlist.states import DueKind, Share
from watchlist.storage.records import Entry


def give_back(settings: CallSettings, restarted_at: datetime) -> None:
    """Free the slots of tasks that ended, and let jobs be due now whose message should have been sent by somebody.

    Args:
        settings: for how long slots are taken, and how long a job may have no message.
        restarted_at: the slots and jobs of whoever has begun since are theirs.
    """
    for share in Share:
        task_slots.free_older(share, restarted_at + settings.launch_timeout)
    soon = Entry.due_at <= restarted_at + settings.send_timeout
    for key in list(Entry.by_due.query(DueKind.JOB, soon, limit=limits.RECONCILED_AT_ONCE)):
        entry = job_protocol.find_entry(key.pk)
        if entry is not None and entry.lacks_message:
            with contextlib.suppress(SupersededError):
                job_protocol.requeue(entry, restarted_at)
