"""Hosts as operators run them, on loopback: GitLab, Gitea and GitHub Enterprise, as their documentation describes them.

git's part is git's own server behind them. All want a token for everything, as hosts do that let nobody look unasked.
GitLab knows nested groups, answers git's POST at addresses with `.git` only and redirects to them and to
the spelling that a repository was made with; the others answer to any.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_service.git.server import GitServer
from tests.forwarding_host import forward, send
from tests.hostile_server import HostileServer
from tests.repositories import build_repository, straight_line

TOKEN = "glpat-tokenThatNobodyMaySee"
APIS = {
    "gitlab": "/api/v4/projects/",
    "gitea": "/api/v1/repos/",
    "forgejo": "/api/v1/repos/",
    "github": "/api/v3/repos/",
}


class SelfHosted:
    """One host with one repository.

    Attributes:
        kind: what it runs.
        path: of the repository, in the spelling that it was made with.
        token: what it wants; None if anybody may look.
        origin: where it is.
        shown: what it was shown with each request: method, path, authorization.
        certificate: the file of the authority that vouches for it, where it speaks TLS.
        elsewhere: where it redirects every request to, if anywhere.
    """

    def __init__(self, kind: str, path: str, back: GitServer, *, token: str | None = TOKEN) -> None:
        self.kind = kind
        self.path = path
        self.token = token
        self.origin = ""
        self.shown: list[tuple[str, str, str | None]] = []
        self.elsewhere: str | None = None
        self.certificate: Path | None = None
        self._back = back

    @property
    def setting(self) -> str:
        """What `GIT_HOSTS` is set to."""
        return json.dumps([{"origin": self.origin, "kind": self.kind, "allow_http": True}])

    @property
    def tokens(self) -> str:
        """What `GIT_TOKENS` is set to."""
        return json.dumps({self.origin: self.token} if self.token else {})

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        said = handler.headers.get("Authorization")
        self.shown.append((handler.command, handler.path, said))
        path = unquote(urlsplit(handler.path).path)
        if self.elsewhere is not None:
            _answer(handler, 302, None, Location=self.elsewhere)
        elif path.startswith(APIS[self.kind]):
            self._describe(handler, path.removeprefix(APIS[self.kind]), said)
        else:
            self._serve_git(handler, path, said)

    def _serve_git(self, handler: BaseHTTPRequestHandler, path: str, said: str | None) -> None:
        end = next((end for end in ("/info/refs", "/git-upload-pack") if path.endswith(end)), None)
        name = path.removesuffix(end or "").lstrip("/").removesuffix(".git")
        placed = f"/{self.path}.git{end}"
        if said != (_basic(self.token) if self.token is not None else None):  # an unknown one is refused, too
            _answer(handler, 401, None, **{"WWW-Authenticate": 'Basic realm="git"'})
        elif end is None or name.lower() != self.path.lower():
            _answer(handler, 404, None)
        elif self.kind != "gitlab" or path == placed:
            send(handler, forward(handler, self._back, "it"))
        elif handler.command == "GET" or path.lower() == placed.lower():
            query = urlsplit(handler.path).query
            _answer(handler, 301, None, Location=f"{self.origin}{placed}?{query}")
        else:
            _answer(handler, 404, None)

    def _describe(self, handler: BaseHTTPRequestHandler, name: str, said: str | None) -> None:
        if self.token is not None and said != f"Bearer {self.token}":
            _answer(handler, 401, {"message": "401 Unauthorized"})
        elif name.lower() != self.path.lower():
            _answer(handler, 404, {"message": "404 Not Found"})
        else:
            url = f"https://{self.origin.partition('://')[2]}/{self.path}"
            stars = {"star_count": 3, "stars_count": 3, "stargazers_count": 3}
            names = {"path_with_namespace": self.path, "full_name": self.path, "web_url": url, "html_url": url}
            _answer(handler, 200, {**names, **stars, "archived": True, "default_branch": "main"})


@contextmanager
def self_hosted(
    kind: str, path: str, folder: Path, *, token: str | None = TOKEN, certificate: Path | None = None
) -> Iterator[SelfHosted]:
    """Run a host of that kind with a repository of three commits at `path`."""
    with ExitStack() as running:
        folder.mkdir()
        build_repository(folder / "it", straight_line(3, until=int(time.time())))
        host = SelfHosted(kind, path, running.enter_context(GitServer(folder)), token=token)
        host.certificate = certificate
        host.origin = running.enter_context(HostileServer(host.respond, certificate=certificate)).origin
        yield host


def _basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


def _answer(handler: BaseHTTPRequestHandler, status: int, document: object, **headers: str) -> None:
    body = b"" if document is None else json.dumps(document).encode()
    handler.send_response(status)
    for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
