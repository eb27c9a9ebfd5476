"""What is posted to a WebSocket that shows all of a user's: each message says its type."""

from typing import Literal

from pydantic import BaseModel

from functions.http.shapes.alerts import UserAlertAnswer
from functions.http.shapes.status import StatusAnswer


class LiveMessage(BaseModel):
    """One message."""


class ConnectedMessage(LiveMessage):
    """From now on nothing is missed: read the lists now."""

    type: Literal["connected"] = "connected"


class EntryMessage(LiveMessage):
    """A repository that the user watches is in another state: the status answer for that user."""

    type: Literal["entry"] = "entry"
    entry: StatusAnswer


class AlertMessage(LiveMessage):
    """An alert is new, or was acknowledged or resolved: as in the list of the user's alerts."""

    type: Literal["alert"] = "alert"
    alert: UserAlertAnswer
