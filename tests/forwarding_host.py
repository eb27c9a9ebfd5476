"""A git host on loopback that passes requests on to git's own server, and does something else with some of them."""

import gzip
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from local_service.git.server import GitServer
from tests.hostile_server import Respond

_PASSED_ON = ("Git-Protocol", "Content-Type", "Accept")


@dataclass(frozen=True)
class Answer:
    """What git's server answered."""

    status: int
    content_type: str
    body: bytes


def forwarding(
    back: GitServer, name: str, *, rewrite: Callable[[bytes], bytes] = bytes, drop_version: bool = False
) -> Respond:
    """Return how a host responds that serves repository `name` of `back` under any path.

    Args:
        back: git's own server.
        name: of its repository.
        rewrite: changes the body of each request.
        drop_version: whether the host knows no version of git's protocol but the first.
    """

    def respond(handler: BaseHTTPRequestHandler) -> None:
        send(handler, forward(handler, back, name, rewrite=rewrite, drop_version=drop_version))

    return respond


def forward(
    handler: BaseHTTPRequestHandler,
    back: GitServer,
    name: str,
    *,
    rewrite: Callable[[bytes], bytes] = bytes,
    drop_version: bool = False,
) -> Answer:
    """Ask git's server what `handler` was asked."""
    end = "/info/refs" if "/info/refs" in handler.path else "/git-upload-pack"
    query = f"?{handler.path.partition('?')[2]}" if "?" in handler.path else ""
    headers = {name: value for name, value in handler.headers.items() if name in _PASSED_ON}
    if drop_version:
        headers.pop("Git-Protocol", None)
    request = urllib.request.Request(  # noqa: S310 - a server on loopback
        f"{back.url_of(name)}{end}{query}", data=_body(handler, rewrite), method=handler.command, headers=headers
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get("Content-Type", ""), error.read())


def send(handler: BaseHTTPRequestHandler, answer: Answer, **headers: str) -> None:
    """Answer with what git's server answered, and more headers."""
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.content_type)
    handler.send_header("Content-Length", str(len(answer.body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(answer.body)


def body_of(handler: BaseHTTPRequestHandler) -> bytes:
    """Return what was posted, unpacked."""
    body: bytes = getattr(handler, "body", b"")
    return gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body


def _body(handler: BaseHTTPRequestHandler, rewrite: Callable[[bytes], bytes]) -> bytes | None:
    return rewrite(body_of(handler)) if handler.command == "POST" else None
