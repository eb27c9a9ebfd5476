"""Calls the real handlers as API Gateway does."""

import csv
import gzip
import io
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType, ModuleType
from typing import Any

from local_service.functions.host import Context
from local_service.gateways.http import Event, HttpRequest, event_of, find_route, response_of
from watchlist.deployment import routes

FLASK = "https://github.com/pallets/flask"
CLICK = "https://github.com/pallets/click"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> Any:
        return self.body["code"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.body, newline="")))


@dataclass(frozen=True)
class Client:
    """Sends requests in the name of `user`, if there is one, and of IAM if `signed`."""

    functions: Mapping[str, ModuleType]
    user: str | None = None
    signed: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)
    seconds_left: float = 60

    def of(self, user: str) -> "Client":
        return Client(self.functions, user)

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = path.partition("?")
        sent = {"content-type": "application/json", **{name.lower(): value for name, value in headers.items()}}
        return self.send(HttpRequest(method, path, query, sent, raw))

    def send(self, request: HttpRequest) -> Answer:
        match = find_route(routes.ROUTES, request.method, request.path)
        assert match is not None, request.path
        event = event_of(request, match, datetime.now(UTC), "request-1")
        response = response_of(self.invoke(match.route.function.name, self._authorized(event)))
        content_type = dict(response.headers)["content-type"]
        if dict(response.headers).get("content-encoding") == "gzip":
            response = replace(response, body=gzip.decompress(response.body))
        body = (
            json.loads(response.body)
            if response.body and content_type.partition(";")[0].endswith("json")
            else response.body.decode()
        )
        return Answer(response.status, dict(response.headers), body)

    def invoke(self, function: str, event: Event) -> Any:
        return json.loads(json.dumps(self.functions[function].handler(event, self.context(function))))

    def context(self, function: str) -> Context:
        ends = time.time() + self.seconds_left
        return Context(function, "$LATEST", f"arn:aws:lambda:::{function}", "512", "id", "log", "log", ends)

    def _authorized(self, event: Event) -> Event:
        if self.user is not None:
            event["requestContext"]["authorizer"] = {
                "jwt": {"claims": {"sub": self.user, **self.claims}, "scopes": None}
            }
        elif self.signed:
            event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/operator"}}
        return event

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("GET", path, headers=headers or {})

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("POST", path, body, headers or {})

    def put(self, path: str, body: object) -> Answer:
        return self.call("PUT", path, body, {})

    def patch(self, path: str, body: object = None, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
        return self.call("PATCH", path, body, headers)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path, headers={})

    # What tests do often

    def add(self, url: str = FLASK, user: str = "ada") -> str:
        answer = self.post(routes.ADD.path, {"repo_url": url, "added_by": user})
        assert answer.status in {200, 202}, answer
        return str(answer.body["watchlist_id"])

    def add_batch(self, *items: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.post(routes.ADD_BATCH.path, {"items": list(items)}, headers)

    def status(self, watchlist_id: str, query: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        return self.get(routes.STATUS.path.replace("{watchlist_id}", watchlist_id) + query, headers)

    def retry(self, watchlist_id: str) -> Answer:
        return self.post(routes.RETRY.path.replace("{watchlist_id}", watchlist_id))

    def commits(self, watchlist_id: str, query: str = "") -> Answer:
        return self.get(routes.COMMITS.path.replace("{watchlist_id}", watchlist_id) + query)

    def health(self, watchlist_id: str) -> Answer:
        return self.get(routes.HEALTH.path.replace("{watchlist_id}", watchlist_id))

    def watchlist(self, user: str = "ada", query: str = "") -> Answer:
        return self.get(f"{routes.USER_WATCHLIST.path}?user={user}{query}")

    def user_watchlist_id(self, watchlist_id: str, user: str = "ada") -> str:
        (mine,) = self.status(watchlist_id, f"?user={user}").body["user_watchlists"]
        return str(mine["user_watchlist_id"])

    def stop_watching(self, user_watchlist_id: str) -> Answer:
        return self.delete(routes.STOP_WATCHING.path.replace("{user_watchlist_id}", user_watchlist_id))

    def change_alerts(self, user_watchlist_id: str, settings: object) -> Answer:
        return self.put(routes.CHANGE_ALERTS.path.replace("{user_watchlist_id}", user_watchlist_id), settings)

    def alerts(self, user_watchlist_id: str, query: str = "") -> Answer:
        return self.get(routes.ALERTS.path.replace("{user_watchlist_id}", user_watchlist_id) + query)

    def acknowledge(self, alert_id: str) -> Answer:
        return self.patch(routes.ACKNOWLEDGE_ALERT.path.replace("{alert_id}", alert_id))

    def resolve(self, alert_id: str) -> Answer:
        return self.patch(routes.RESOLVE_ALERT.path.replace("{alert_id}", alert_id))

    def pages(self, path: str) -> Iterator[Any]:
        """Yield the items of each page until there is no cursor."""
        cursor = ""
        while True:
            answer = self.get(f"{path}{cursor}")
            assert answer.status == 200, answer
            yield answer.body["items"]
            if answer.body["next_cursor"] is None:
                return
            cursor = f"&cursor={answer.body['next_cursor']}"
