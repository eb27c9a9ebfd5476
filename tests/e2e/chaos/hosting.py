"""The host of the sources: a git server that answers for each repository as its behaviour says."""

import random
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import urllib3
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local_service.git.server import GitServer
from tests.e2e.chaos.sources import OWNER, Host, Source

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PASSED_ON = ("Accept", "Content-Type", "Content-Encoding", "Git-Protocol")
_SILENCE_SECONDS = 600


class UnreliableHost:
    """Serves the repositories below `root` by smart HTTP on 127.0.0.1; a context manager.

    Attributes:
        url: its origin.
    """

    def __init__(self, root: Path, sources: Iterable[Source], dice: random.Random) -> None:
        """Listen at once.

        Args:
            root: what `sources.generate` filled.
            sources: how each of them behaves; others below `root` are served well.
            dice: decide how many openings fail of a repository that recovers: one or two.
        """
        self._sources = {source.name: source for source in sources}
        self._failing_openings = {name: dice.choice((1, 2)) for name in self._sources}
        self._openings: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._git = GitServer(root)
        self._pool = urllib3.PoolManager(maxsize=16, retries=False)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> Self:
        self._git.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._pool.clear()
        self._git.__exit__(kind, error, trace)

    def url_of(self, source: Source) -> str:
        """Return the address under which the source is added."""
        return f"{self.url}/{OWNER}/{source.name}"

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        name = request.path.split("/")[2] if request.path.count("/") > 1 else ""
        match self._behaviour(name, is_opening=request.path.endswith("/info/refs")):
            case Host.ERRORS:
                response = Response("out of order", 500)
            case Host.DAMAGED:
                response = Response(
                    b"001e# service=git-upload-pack\n00ffgarbage",
                    content_type="application/x-git-upload-pack-advertisement",
                )
            case Host.SILENT:
                self._closing.wait(_SILENCE_SECONDS)
                response = Response("", 500)
            case _:
                response = self._pass_on(request)
        return response(environ, start_response)

    def _behaviour(self, name: str, *, is_opening: bool) -> Host:
        source = self._sources.get(name)
        if source is None:
            return Host.SOUND
        with self._lock:
            self._openings[name] += is_opening
            fails = self._openings[name] <= self._failing_openings[name]
        match source.host:
            case Host.ERRORS_AT_FIRST:
                return Host.ERRORS if fails else Host.SOUND
            case Host.DAMAGED_AT_FIRST:
                return Host.DAMAGED if fails else Host.SOUND
            case Host.SILENT_AT_FIRST:
                return Host.SILENT if fails else Host.SOUND
            case host:
                return host

    def _pass_on(self, request: Request) -> Response:
        answer = self._pool.request(
            request.method,
            f"{self._git.url}{request.path}?{request.query_string.decode()}",
            body=request.get_data(),
            headers={name: request.headers[name] for name in _PASSED_ON if name in request.headers},
            preload_content=False,
            decode_content=False,
        )
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "transfer-encoding"}
        return Response(_stream(answer), answer.status, headers, direct_passthrough=True)


def _stream(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(64 * 1024)
    finally:
        answer.release_conn()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing: broken connections are what this host is for."""
