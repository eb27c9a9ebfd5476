"""A loopback stand-in for GitHub's REST API and the OpenSSF's published results, as their documentation describes them.

GitHub: names in any case, rate-limit headers on every answer and 403 when the budget is gone, 401 for a bad token, 301
from a renamed repository to `/repositories/ID`, 404, 451 with its `block` object, `Link` headers on paged lists.
Published results: 404 for what was never scanned. Any path can be given an answer of its own, which is how the other
hosts are played.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.background_server import BackgroundServer

RESET = 1_900_000_000
"""When every budget is whole again: 2030-03-17T17:46:40Z."""

ANONYMOUS_LIMIT = 60
TOKEN_LIMIT = 5000


@dataclass
class TokenBudget:
    """What one token has left."""

    core: int = TOKEN_LIMIT
    graphql: int = TOKEN_LIMIT


@dataclass(frozen=True)
class Reply:
    """One answer: a JSON document or raw bytes."""

    status: int
    document: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        return json.dumps(self.document).encode() if self.raw is None else self.raw


@dataclass(frozen=True)
class Request:
    """What the server was asked."""

    path: str
    headers: Mapping[str, str]


class ForgeServer(BackgroundServer):
    """Use it as a context manager; change its attributes to change what it answers."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, Any]] = {}
        self.renamed: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.releases: dict[str, list[dict[str, Any]]] = {}
        self.published: dict[str, object] = {}
        self.tokens: dict[str, TokenBudget] = {}
        self.anonymous = TokenBudget(core=ANONYMOUS_LIMIT, graphql=0)
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self._server = _Server(self)
        super().__init__(self._server)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def github_api(self) -> str:
        """What GITHUB_API_BASE_URL is set to."""
        return f"{self.origin}/github"

    @property
    def scorecard_api(self) -> str:
        """What SCORECARD_API_BASE_URL is set to."""
        return f"{self.origin}/scorecard"

    def add_repository(self, full_name: str, /, **fields: Any) -> None:
        """Know `owner/name`, described as GitHub does; `fields` replace or add."""
        name = full_name.partition("/")[2]
        self.repositories[full_name] = {
            "id": len(self.repositories) + 1,
            "name": name,
            "full_name": full_name,
            "html_url": f"https://github.com/{full_name}",
            "description": None,
            "default_branch": "main",
            "stargazers_count": 0,
            "forks_count": 0,
            "language": None,
            "license": None,
            "archived": False,
        } | fields

    def answer(self, path: str, authorization: str | None) -> Reply:
        """Return the answer to a GET."""
        bare = urlsplit(path).path
        if path in self.replies or bare in self.replies:
            return self.replies.get(path) or self.replies[bare]
        if bare.startswith("/github/"):
            return self._github(path, authorization)
        if bare.startswith("/scorecard/projects/"):
            document = self.published.get(bare.removeprefix("/scorecard/projects/"))
            return Reply(200, document) if document is not None else Reply(404, {"code": 404, "message": "not found"})
        return Reply(404, {"message": "Not Found"})

    def _github(self, path: str, authorization: str | None) -> Reply:
        budget = self.anonymous
        if authorization is not None:
            token = authorization.removeprefix("Bearer ")
            if token not in self.tokens:
                return Reply(401, {"message": "Bad credentials", "status": "401"})
            budget = self.tokens[token]
        limit = ANONYMOUS_LIMIT if authorization is None else TOKEN_LIMIT
        parts = urlsplit(path)
        resource = parts.path.removeprefix("/github")
        if resource == "/rate_limit":
            return Reply(200, _rate_limit(budget, limit), _rate_headers(budget, limit))
        if budget.core <= 0:
            refusal = {"message": "API rate limit exceeded", "documentation_url": "https://docs.github.com/"}
            return Reply(403, refusal, _rate_headers(budget, limit))
        budget.core -= 1
        reply = self._repository(resource, parts.query)
        return Reply(reply.status, reply.document, {**_rate_headers(budget, limit), **reply.headers})

    def _repository(self, resource: str, query: str) -> Reply:
        kind, _, rest = resource.strip("/").partition("/")
        if kind == "repositories":
            found = next((r for r in self.repositories.values() if str(r["id"]) == rest), None)
            return Reply(200, found) if found else Reply(404, {"message": "Not Found", "status": "404"})
        full_name, _, tail = rest.partition("/releases") if rest.endswith("/releases") else (rest, "", None)
        known = (*self.repositories, *self.renamed, *self.blocked)
        full_name = next((name for name in known if name.lower() == full_name.lower()), full_name)
        if full_name in self.renamed:
            url = f"{self.github_api}/repositories/{self.repositories[self.renamed[full_name]]['id']}"
            return Reply(301, {"message": "Moved Permanently", "url": url}, {"Location": url})
        if full_name in self.blocked:
            block = {"reason": "dmca", "created_at": "2024-01-01T00:00:00Z", "html_url": "https://github.com/"}
            return Reply(451, {"message": "Repository access blocked", "block": block})
        if kind != "repos" or full_name not in self.repositories:
            return Reply(404, {"message": "Not Found", "status": "404"})
        if tail is not None:
            return self._page(resource, self.releases.get(full_name, []), query)
        return Reply(200, self.repositories[full_name])

    def _page(self, resource: str, items: list[dict[str, Any]], query: str) -> Reply:
        asked = parse_qs(query)
        size = min(100, int(asked.get("per_page", ["30"])[0]))
        page = int(asked.get("page", ["1"])[0])
        last = max(1, -(-len(items) // size))

        def link(number: int, relation: str) -> str:
            return f'<{self.github_api}{resource}?per_page={size}&page={number}>; rel="{relation}"'

        links = [link(page - 1, "prev"), link(1, "first")] if page > 1 else []
        links = [link(page + 1, "next"), link(last, "last"), *links] if page < last else links
        headers = {"Link": ", ".join(links)} if links else {}
        return Reply(200, items[(page - 1) * size : page * size], headers)


def _rate_limit(budget: TokenBudget, limit: int) -> dict[str, Any]:
    def left(remaining: int, most: int) -> dict[str, int]:
        return {"limit": most, "used": most - remaining, "remaining": remaining, "reset": RESET}

    core = left(budget.core, limit)
    return {"resources": {"core": core, "graphql": left(budget.graphql, TOKEN_LIMIT)}, "rate": core}


def _rate_headers(budget: TokenBudget, limit: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(budget.core),
        "X-RateLimit-Used": str(limit - budget.core),
        "X-RateLimit-Reset": str(RESET),
        "X-RateLimit-Resource": "core",
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, forge: ForgeServer) -> None:
        self.forge = forge
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.forge.requests.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}))
        reply = self.server.forge.answer(self.path, self.headers.get("Authorization"))
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""
