"""A host that says once that a repository is not there is asked once more: hosts err, most of all with new ones."""

import time
from collections.abc import Callable
from typing import TypeVar

from watchlist import limits
from watchlist.errors import JobError
from watchlist.git.answers import GONE

T = TypeVar("T")


def look_twice(ask: Callable[[], T], check: Callable[[], None]) -> T:
    """Return what `ask` returns, asked again after a while if the host says that there is no such repository.

    Args:
        ask: raises JobError as the host answers.
        check: raises JobCancelledError when the job was taken away meanwhile.
    """
    try:
        return ask()
    except JobError as error:
        if error.code not in GONE:
            raise
    time.sleep(limits.SECOND_LOOK.total_seconds())
    check()
    return ask()
