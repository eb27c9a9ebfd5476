"""Conditional updates that know their own first try.

The SDK sends a call again when its answer was lost. If the first try was carried out, the second one is refused by what
the first has written: without a name on it the writer would take it for somebody else's.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from watchlist.storage.failures import is_refused, was_sent_again
from watchlist.storage.records import WatchlistItem
from watchlist.storage.transactions import despite_others


def update(item: WatchlistItem, actions: Sequence[Action], condition: Condition) -> bool:
    """Update `item` if the condition holds, and let it have the attributes that are stored then.

    Once another write follows between the two tries of one, that one is taken for refused.

    Returns:
        False if the condition does not hold; nothing was written.

    Raises:
        PynamoDBException: it could not be written for any other reason.
    """
    write_id = uuid.uuid4().hex
    named = [*actions, type(item).write_id.set(write_id)]
    try:
        # An add that is repeated would count twice; nothing else is changed by this part of the condition.
        despite_others(lambda: item.update(actions=named, condition=condition & (_others(item, write_id))))
    except UpdateError as error:
        if not is_refused(error):
            raise
        return was_sent_again(error) and _is_written(item, write_id)
    return True


def unchanged(attribute: Any, value: Any) -> Condition:  # noqa: ANN401 - PynamoDB's attributes have no common type
    """Return the condition that an attribute is as it was read, None standing for one that is absent."""
    condition: Condition = attribute.does_not_exist() if value is None else attribute == value
    return condition


def _others(item: WatchlistItem, write_id: str) -> Condition:
    written: Condition = type(item).write_id.does_not_exist() | (type(item).write_id != write_id)
    return written


def _is_written(item: WatchlistItem, write_id: str) -> bool:
    try:
        item.refresh(consistent_read=True)
    except item.DoesNotExist:
        return False
    return item.write_id == write_id
