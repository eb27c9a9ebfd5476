import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from local_service.commands import run
from local_service.commands.live_client import LiveStatusError, states

PROCESSING = {"status": "processing"}
READY = {"status": "ready"}


@contextmanager
def serving(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


class Polls:
    """An API that has become ready by the second poll."""

    def __init__(self) -> None:
        self.answers = [PROCESSING, READY]

    def status(self, watchlist_id: str) -> dict[str, Any]:
        assert watchlist_id == "w"
        return dict(self.answers.pop(0))


def send(*messages: dict[str, str]) -> Callable[[ServerConnection], None]:
    def talk(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(json.dumps(message))

    return talk


def test_the_states_are_yielded_until_the_service_hangs_up() -> None:
    with serving(send(PROCESSING, READY)) as url:
        assert list(states(url, "w")) == [PROCESSING, READY]


def test_the_entry_is_named_in_the_address() -> None:
    paths: list[str] = []

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)

    with serving(talk) as url:
        assert list(states(url, "a&b")) == []

    assert paths == ["/?watchlist_id=a%26b"]


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(LiveStatusError):
        list(states("ws://127.0.0.1:9", "w"))


def test_silence_is_an_error() -> None:
    finished = threading.Event()

    def say_nothing(_connection: ServerConnection) -> None:
        finished.wait()

    with serving(say_nothing) as url:
        with pytest.raises(LiveStatusError):
            list(states(url, "w", silence_seconds=0.1))
        finished.set()


@pytest.mark.parametrize("before_it_breaks", [(), (PROCESSING,)])
def test_run_polls_where_the_live_status_fails(
    monkeypatch: pytest.MonkeyPatch, before_it_breaks: tuple[dict[str, Any], ...]
) -> None:
    def broken(_url: str, _watchlist_id: str) -> Iterator[dict[str, Any]]:
        yield from before_it_breaks
        raise LiveStatusError("broken")

    monkeypatch.setattr(run, "states", broken)
    monkeypatch.setattr(run, "_POLL_SECONDS", 0)
    api: Any = Polls()

    assert list(run.statuses(api, "ws://", "w")) == [*before_it_breaks, PROCESSING, READY]


def test_run_polls_when_the_service_hangs_up_too_early() -> None:
    api: Any = Polls()
    with serving(send(PROCESSING)) as url:
        assert list(run.statuses(api, url, "w"))[-1] == READY


def test_run_polls_nothing_when_it_was_told_the_end() -> None:
    api: Any = None
    with serving(send(PROCESSING, READY)) as url:
        assert list(run.statuses(api, url, "w")) == [PROCESSING, READY]
