"""What the WebSocket API's port allows its clients, whatever the functions behind it do."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import connect

from local_service.gateways import websocket
from local_service.gateways.websocket import WebSocketGateway
from tests.waiting import SECONDS


def _agree(_function: str, _event: Any) -> Any:
    return {"statusCode": 200}


@pytest.fixture
def gateway() -> Iterator[WebSocketGateway]:
    with WebSocketGateway(_agree, ("127.0.0.1", 0)) as running:
        yield running


def test_more_connections_than_can_be_are_hung_up_on_and_the_others_stay(
    gateway: WebSocketGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_MOST_CONNECTIONS", 3)
    with ExitStack() as running:
        talking = running.enter_context(connect(gateway.url, proxy=None))
        silent = [running.enter_context(socket.create_connection(gateway.address, SECONDS)) for _ in range(2)]
        one_more = running.enter_context(socket.create_connection(gateway.address, SECONDS))

        assert one_more.recv(1) == b""
        for each in silent:
            each.settimeout(0)
            with pytest.raises(BlockingIOError):  # nothing has come, nor an end
                each.recv(1)
        assert talking.ping().wait(SECONDS)
