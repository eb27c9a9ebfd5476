"""The HTTP routes, each once: API Gateway, the local gateway and the functions take them from here."""

from enum import StrEnum
from typing import NamedTuple


class Function(StrEnum):
    """The functions behind HTTP routes; the value is the module below `functions`."""

    ADD_REPOSITORY = "add_repository"
    STATUS = "status"
    RETRY = "retry"
    COMMITS = "commits"
    HEALTH = "health"
    JOBS = "jobs"
    DOCUMENTATION = "documentation"


class Route(NamedTuple):
    """One method and path (`{name}` marks a variable part) and the function that answers it."""

    method: str
    path: str
    function: Function


ADD = Route("POST", "/activity/user-watchlist-added", Function.ADD_REPOSITORY)
STATUS = Route("GET", "/activity/watchlist/{watchlist_id}/status", Function.STATUS)
RETRY = Route("POST", "/activity/watchlist/{watchlist_id}/retry", Function.RETRY)
COMMITS = Route("GET", "/activity/watchlist/{watchlist_id}/commits", Function.COMMITS)
HEALTH = Route("GET", "/activity/watchlist/{watchlist_id}/health", Function.HEALTH)
JOBS = Route("GET", "/activity/jobs", Function.JOBS)
QUEUES = Route("GET", "/activity/queues", Function.JOBS)
OPENAPI = Route("GET", "/openapi.json", Function.DOCUMENTATION)

ROUTES = (ADD, STATUS, RETRY, COMMITS, HEALTH, JOBS, QUEUES, OPENAPI)
