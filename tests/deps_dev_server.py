"""deps.dev as its API's version 3 answers (https://docs.deps.dev/api/v3/), for the packages that a test publishes."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

from tests.background_server import BackgroundServer


@dataclass
class Reply:
    """What the server says instead of its own answer.

    Attributes:
        status: HTTP status.
        headers: besides Content-Length.
        body: as sent.
        promised: bytes that Content-Length says beyond those that come.
        hold: waits until the server is released before it says anything.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    promised: int = 0
    hold: bool = False


class DepsDevServer(BackgroundServer):
    """Listens on 127.0.0.1 while its context is open.

    Attributes:
        url: the base address.
        asked: paths of all requests so far, as they came.
        replies: to a path, in turn; after the last one the server's own answer comes again.
        every_reply: to every request, whatever the path.
        released: lets go of the replies that are held.
        most_at_once: requests that ran at the same time.
    """

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        super().__init__(self._server)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.asked: list[str] = []
        self.replies: defaultdict[str, list[Reply]] = defaultdict(list)
        self.every_reply: Reply | None = None
        self.released = threading.Event()
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()
        self._documents: dict[str, Any] = {}

    def __exit__(self, *about: object) -> None:
        self.released.set()
        super().__exit__(*about)

    def publish(
        self, system: str, name: str, version: str, *projects: dict[str, str] | str, default: bool = False
    ) -> str:
        """Publish a version and return its path; a project is an id, or a whole entry of `relatedProjects`."""
        package = f"/v3/systems/{system}/packages/{quote(name, safe='')}"
        key = {"system": system, "name": name, "version": version}
        related = [source(each) if isinstance(each, str) else each for each in projects]
        path = f"{package}/versions/{quote(version, safe='')}"
        self._documents[path] = {"versionKey": key, "isDefault": default, "links": [], "relatedProjects": related}
        listed = self._documents.setdefault(package, {"packageKey": {"system": system, "name": name}, "versions": []})
        listed["versions"].append({"versionKey": key, "isDefault": default})
        return path

    def reply_to(self, path: str) -> Reply:
        """Return what the next request of the path is answered with."""
        with self._lock:
            self.asked.append(path)
            if self.every_reply is not None:
                return self.every_reply
            if self.replies[path]:
                return self.replies[path].pop(0)
        if path not in self._documents:
            return Reply(404, {"Content-Type": "text/plain"}, b"package not found")
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(self._documents[path]).encode())

    def count(self, change: int) -> None:
        """Note that a request begins or ends."""
        with self._lock:
            self._running += change
            self.most_at_once = max(self.most_at_once, self._running)


def source(project: str, provenance: str = "UNVERIFIED_METADATA", relation: str = "SOURCE_REPO") -> dict[str, Any]:
    """Return an entry of `relatedProjects`."""
    return {"projectKey": {"id": project}, "relationProvenance": provenance, "relationType": relation}


def _handler_of(server: DepsDevServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body leave together

        def do_GET(self) -> None:
            server.count(+1)
            try:
                reply = server.reply_to(self.path)
                if reply.hold:
                    server.released.wait(30)
            finally:
                server.count(-1)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.promised))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = bool(reply.promised)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
