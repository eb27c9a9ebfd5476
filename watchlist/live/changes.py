"""Which states of a batch of changes are worth showing: a pure decision."""

from collections.abc import Callable, Sequence

from watchlist.storage.records import Entry
from watchlist.storage.stream_records import ItemChange


def worth_showing(
    changes: Sequence[ItemChange[Entry]], shows_change: Callable[[Entry | None, Entry], bool]
) -> list[ItemChange[Entry]]:
    """Return the changes that a watcher is to see, in order.

    Left out are those that nobody can see, and those that another one in the batch overtakes within the same stage
    of the same attempt: whoever lags behind wants the latest count, not each.
    """
    visible = [change for change in changes if shows_change(change.before, change.after)]
    last = {_step(change.after): change.position for change in visible}
    return [change for change in visible if last[_step(change.after)] == change.position]


def _step(entry: Entry) -> tuple[object, ...]:
    return (
        entry.watchlist_id,
        entry.status,
        entry.generation,
        entry.attempt,
        entry.stage,
        entry.job_state,
    )
