"""What each route asks of AWS, for somebody with little and for somebody with as much as a route looks at at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from tests.integration.http.client import Client
from tests.integration.http.every_route import ASKED, Asked, Ids, ask, is_for_operators, one_of_everything
from tests.integration.http.stored import alert, commit, store_history, store_releases, summary, write_watchlist
from tests.integration.recording import Make, passing
from tests.integration.units import counted
from tests.scorecard_reports import report
from watchlist import clock, limits
from watchlist.alerts.store import AddressedAlert
from watchlist.deployment import routes
from watchlist.deployment.routes import LiveRoute, Route
from watchlist.health.analysis import Analysis
from watchlist.health.scorecard import CheckResult, ScorecardResult, ScorecardSource
from watchlist.health.store import put as put_analysis
from watchlist.history import metrics as history_metrics
from watchlist.history.people import People
from watchlist.job_kinds import JobKind
from watchlist.storage import batches
from watchlist.storage.records import JobRecord
from watchlist.watching import shares
from watchlist.watching.shares import ShareKind

PAGE = Path(__file__).parents[3] / "docs" / "routes.md"

USER = "ada"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Much:
    """How much there is of each thing that routes look at."""

    watched: int
    alerts: int
    commits: int
    analyses: int
    releases: int
    jobs: int
    channels: int
    shares: int

    def __str__(self) -> str:
        """Say it as the page does."""
        of_one = f"{self.commits} commits, {self.analyses} analyses and {self.releases} releases of one of them"
        return f"{self.watched} repositories, {self.alerts} alerts, and {of_one}"


ORDINARY = Much(watched=20, alerts=30, commits=100, analyses=30, releases=20, jobs=10, channels=2, shares=3)
LARGEST = Much(
    watched=limits.WATCHLIST_LOOKED_AT,
    alerts=limits.OPEN_ALERTS_COUNTED,
    commits=limits.HISTORY_COMMITS,
    analyses=365,
    releases=1000,
    jobs=limits.JOBS_COMPLETED_SHOWN,
    channels=limits.CHANNELS - 1,
    shares=limits.SHARES - 1,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request asked of AWS.

    Attributes:
        calls: of DynamoDB.
        read: read units.
        written: write units.
        beside: calls of anything else: SQS, API Gateway's connections.
    """

    calls: int
    read: float
    written: int
    beside: int


def _adds(number: int) -> Asked:
    return Asked(body={"items": [{"repo_url": f"acme/new{each}", "added_by": "{user}"} for each in range(number)]})


_OF_ALL = Asked(body={"ids": ["{alert_id}", *(alert(number).id for number in range(1, limits.ALERTS_PAGE_MAX))]})

_LARGE: Mapping[str, Asked] = {
    routes.ADD_BATCH.key: _adds(limits.BATCH_ADDS),
    routes.COMMITS.key: Asked(f"limit={limits.COMMITS_PAGE_MAX}"),
    routes.RELEASES.key: Asked(f"limit={limits.RELEASES_PAGE_MAX}"),
    routes.HEALTH_HISTORY.key: Asked(f"limit={limits.HEALTH_PAGE_MAX}"),
    routes.HEALTH_CHANGES.key: Asked("since=2020-01-01T00:00:00Z"),
    routes.COMPARE.key: Asked(
        "watchlist_ids={watchlist_id},{failed_id}"
        + "".join(f",watchlist_owner_name{number:04}_1" for number in range(limits.COMPARED - 2))
    ),
    routes.USER_WATCHLIST.key: Asked(f"user={{user}}&limit={limits.WATCHLIST_PAGE_MAX}"),
    routes.USER_ALERTS.key: Asked(f"user={{user}}&limit={limits.ALERTS_PAGE_MAX}&level=mild"),
    routes.ALERTS.key: Asked(f"limit={limits.ALERTS_PAGE_MAX}"),
    routes.ACKNOWLEDGE_ALERTS.key: _OF_ALL,
    routes.RESOLVE_ALERTS.key: _OF_ALL,
}
"""How much is asked for at once, where that is more than in `ASKED`."""

_PATIENT = batches.of_job(lambda: None)

_LAST = (routes.REMOVE_CHANNEL, routes.REVOKE_SHARE, routes.STOP_WATCHING)
"""Of what these end, others show something."""


def measure(client: Client, much: Much) -> Mapping[str, Cost]:
    """Ask every route once, those that read first; return what each asked of AWS."""
    ids = _let_there_be(client, much)
    asked = {**ASKED, routes.ADD_BATCH.key: _adds(5), **(_LARGE if much is LARGEST else {})}
    reading = [route for route in routes.ROUTES if route.method == "GET"]
    changing = [route for route in routes.ROUTES if route.method != "GET" and route not in _LAST]
    costs = _of_connections(client, ids, whole=much is LARGEST)
    for route in (*reading, *changing, *_LAST):
        asker = Client(client.functions, signed=True) if is_for_operators(route) else client.of(USER)
        costs[route.key], answer = _metered(ask, asker, route, ids, asked[route.key])
        assert answer.status < 400, (route.key, answer)
    return costs


def _metered(do: Callable[P, T], *args: P.args, **named: P.kwargs) -> tuple[Cost, T]:
    with counted() as units:
        answer = do(*args, **named)
    return Cost(units["calls"], float(units["read"]), units["written"], units["beside"]), answer


def _of_connections(client: Client, ids: Ids, *, whole: bool) -> dict[str, Cost]:
    """Open a connection for one repository, or for the whole watchlist; ask by it, and close it."""
    query = {"user": USER} if whole else {"user": USER, "watchlist_id": ids["watchlist_id"]}
    event = {
        "requestContext": {"connectionId": "abc=", "authorizer": {"principalId": USER}},
        "queryStringParameters": query,
        "headers": {},
    }

    def taken(make: Make, operation: str, parameters: Any) -> Any:
        return {} if operation in {"PostToConnection", "DeleteConnection"} else make(operation, parameters)

    costs = {}
    with passing(taken):
        for route in (routes.LIVE_CONNECT, routes.LIVE_REQUEST, routes.LIVE_DISCONNECT):
            costs[route.key], answer = _metered(client.invoke, route.function.name, event)
            assert answer["statusCode"] == 200, route.key
    return costs


def _let_there_be(client: Client, much: Much) -> Ids:
    ids, now = one_of_everything(client, USER), clock.now()
    write_watchlist(USER, much.watched - 2, summary=summary(now))
    watchlist_id, mine = ids["watchlist_id"], ids["user_watchlist_id"]
    message = "Mend what readers of the log would ask about, and say in a few lines why. " * 4
    store_history(watchlist_id, [commit(number, message=message) for number in range(much.commits)])
    store_releases(watchlist_id, much.releases)
    for day in range(1, much.analyses):
        at = now - timedelta(days=day)
        put_analysis(watchlist_id, _analysis(at))
    raised = [AddressedAlert(mine, watchlist_id, alert(number)) for number in range(1, much.alerts)]
    batches.put([each.to_record(now) for each in raised], _PATIENT)
    kinds = [(kind, failed) for kind in JobKind for failed in (False, True)]
    batches.put([_job(kind, number, failed=failed) for kind, failed in kinds for number in range(much.jobs)], _PATIENT)
    for number in range(much.channels - 1):
        client.post(f"{routes.ADD_CHANNEL.path}?user={quote(USER)}", {"name": f"mail {number}"})
    for _ in range(much.shares - 2):
        shares.create(USER, ShareKind.FEED, None, now)
    return ids


def _analysis(at: datetime) -> Analysis:
    checks = tuple(
        CheckResult(
            name=each["name"],
            score=each["score"],
            reason=each["reason"],
            documentation_url=each["documentation"]["url"],
            details=tuple(each["details"]),
        )
        for each in sorted(report()["checks"], key=lambda check: str(check["name"]))
    )
    scorecard = ScorecardResult(score=5.0, source=ScorecardSource.FORGE, head="1" * 40, obtained_at=at, checks=checks)
    metrics = history_metrics.measure([commit(1)], People(), now=at)
    return Analysis(analyzed_at=at, head_sha="1" * 40, scorecard=scorecard, history_metrics=metrics)


def _job(kind: JobKind, number: int, *, failed: bool) -> JobRecord:
    at = clock.now() - timedelta(minutes=number)
    return JobRecord(
        JobRecord.pk_of(kind, failed=failed),
        f"{at.isoformat()}#{number}",
        job_id=f"{number:032x}",
        kind=kind,
        watchlist_id="watchlist_pallets_flask_1764000000",
        repository_url="https://github.com/pallets/flask",
        generation=1,
        attempts=1,
        queued_at=at,
        started_at=at,
        ended_at=at,
    )


_HEAD = """\
# Routes

Every route of the API: who may ask, which function answers, and what one request asks of AWS. `make routes` writes this
page by asking each route twice, and a test fails where a route is missing here or asks for something else.

The first number is for a user with {ordinary}.

The second, where it differs, is for the most that a route looks at at once: {largest}, with pages and batches of the
greatest size.

Units are DynamoDB's, by the sizes of whole items, indexes included. Calls beside DynamoDB are those of SQS and of API
Gateway's connections.

A user may ask for what is their own, and gets `404` for what is not; an operator may ask for everybody's. Everybody may
ask for what a public address shows, if they have it.

| route | who | function | calls of DynamoDB | read units | write units | calls beside |
|---|---|---|--:|--:|--:|--:|
"""
_LIVE = """
The WebSocket API, first for the connection of one repository, then for that of a whole watchlist:

| route | who | function | calls of DynamoDB | read units | write units | calls beside |
|---|---|---|--:|--:|--:|--:|
"""
_FOOT = """
The page's own addresses (`/`, `/alerts`, `/r/{watchlist_id}` and the others) ask nothing of AWS.
"""


def page(ordinary: Mapping[str, Cost], largest: Mapping[str, Cost]) -> str:
    """Return the page."""
    rows = [_row(route, ordinary[route.key], largest[route.key]) for route in routes.ROUTES]
    live = [_row(route, ordinary[route.key], largest[route.key]) for route in routes.LIVE_ROUTES]
    head = _HEAD.format(ordinary=ORDINARY, largest=LARGEST)
    return head + "".join(rows) + _LIVE + "".join(live) + _FOOT


def stated(text: str) -> Mapping[str, tuple[Cost, Cost]]:
    """Return what the page says of each route."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): (_cost(row[3:], 0), _cost(row[3:], -1)) for row in rows}


def _row(route: Route | LiveRoute, ordinary: Cost, largest: Cost) -> str:
    cells = [f"`{route.key}`", _who(route), f"`{route.function.name}`"]
    for name in ("calls", "read", "written", "beside"):
        low, high = (f"{getattr(cost, name):g}" for cost in (ordinary, largest))
        cells.append(low if low == high else f"{low} to {high}")
    return f"| {' | '.join(cells)} |\n"


def _who(route: Route | LiveRoute) -> str:
    if isinstance(route, LiveRoute):
        return "users"
    if route.is_public:
        return "everybody"
    return "operators" if is_for_operators(route) else "users"


def _cost(cells: Sequence[str], which: int) -> Cost:
    calls, read, written, beside = (float(cell.split(" to ")[which]) for cell in cells)
    return Cost(int(calls), read, int(written), int(beside))
