"""A folder of repositories over smart HTTP on loopback: `git http-backend` as a CGI program behind a threaded server.

The local service clones through it from local paths, and tests and the benchmark measure against it.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote, unquote, urlsplit

from local_service.guard import is_from_a_page

PARTIAL_CLONE = {"uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"}
"""What the large public hosts allow."""

_CHUNK = 64 * 1024


class GitServer:
    """Serves every repository below `root`, read only; a context manager.

    Attributes:
        url: the server's base URL, without a trailing slash.
        port: where it listens.
        bytes_sent: bytes of all answers so far, headers included.
        requests: method and path of all requests so far.
        moved: where it redirects to, by the former URL path of a repository.
    """

    def __init__(
        self, root: Path, *, configuration: Mapping[str, str] | None = None, version_2: bool = True, port: int = 0
    ) -> None:
        """Prepare a server on 127.0.0.1.

        Args:
            root: the folder whose repositories are served.
            configuration: git settings of the server's side; PARTIAL_CLONE unless told otherwise.
            version_2: whether it speaks version 2 of git's protocol, or only the oldest.
            port: the port to listen on, or 0 for any free one.
        """
        self._root = root.resolve()
        self._configuration = {
            "safe.directory": "*",
            "http.receivepack": "false",
            **(PARTIAL_CLONE if configuration is None else configuration),
        }
        self._version_2 = version_2
        self._lock = threading.Lock()
        self.bytes_sent = 0
        self.requests: list[str] = []
        self.moved: dict[str, str] = {}
        self._server = _Server(("127.0.0.1", port), self)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url_of(self, name: str) -> str:
        """Return the clone URL of the repository at `root / name`."""
        return f"{self.url}/{quote(name)}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, sent: int) -> None:
        """Add to `bytes_sent`."""
        with self._lock:
            self.bytes_sent += sent

    @contextlib.contextmanager
    def backend(self, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run `git http-backend` with these CGI variables; it is dead when the context ends."""
        settings = {
            name: text
            for number, (key, value) in enumerate(self._configuration.items())
            for name, text in ((f"GIT_CONFIG_KEY_{number}", key), (f"GIT_CONFIG_VALUE_{number}", value))
        }
        process = subprocess.Popen(  # noqa: S603 - a fixed argv, no shell
            [shutil.which("git") or "git", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "GIT_PROJECT_ROOT": str(self._root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_COUNT": str(len(self._configuration)),
                **settings,
                **variables,
                **({} if self._version_2 else {"GIT_PROTOCOL": ""}),
            },
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: GitServer) -> None:
        super().__init__(address, _Handler)
        self.owner = owner

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; its small buffer keeps `bytes_sent` near what the client has really taken."""
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHUNK)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet: a client that stops reading early is normal here."""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    wbufsize = _CHUNK
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass

    def _serve(self) -> None:
        if is_from_a_page({name.lower(): value for name, value in self.headers.items()}):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        parts = urlsplit(self.path)
        self.server.owner.requests.append(f"{self.command} {self.path}")
        for former, present in self.server.owner.moved.items():
            if parts.path.startswith(f"{former}/"):
                self._redirect(self.path.replace(former, present, 1))
                return
        variables = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        with self.server.owner.backend(variables) as backend:
            if backend.stdin is None or backend.stdout is None:
                raise AssertionError("the backend is started with pipes")
            self._send_body_to(backend.stdin)
            self._answer_from(backend.stdout)

    def _redirect(self, location: str) -> None:
        for _ in self._body():
            pass
        self.send_response(HTTPStatus.MOVED_PERMANENTLY)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_body_to(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(BrokenPipeError):
            for chunk in self._body():
                pipe.write(chunk)
        with contextlib.suppress(BrokenPipeError):
            pipe.close()

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            chunk = self.rfile.read(min(left, _CHUNK))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk

    def _answer_from(self, pipe: IO[bytes]) -> None:
        status, headers = HTTPStatus.OK, []
        while line := pipe.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                status = HTTPStatus(int(value.split()[0]))
            else:
                headers.append((name, value.strip()))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.owner.count(sum(len(name) + len(value) + 4 for name, value in headers) + 100)
        while chunk := pipe.read1(_CHUNK):  # type: ignore[attr-defined] # a BufferedReader
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
            self.server.owner.count(len(chunk) + 8)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
