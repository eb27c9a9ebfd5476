import socket

import pytest
from watchlist_cli.client import Client
from watchlist_cli.errors import UnavailableError
from watchlist_cli.profile import Profile


def test_a_service_that_nobody_reaches_is_said_with_the_reason_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

    with pytest.raises(UnavailableError) as caught:
        Client(Profile(url=f"http://{address}", live_url=None, user="ada")).get("/activity/queues")

    assert str(caught.value).startswith(f"{address} does not answer: ")
    assert str(caught.value).endswith("Connection refused")
    assert "object at" not in str(caught.value)
    assert "Pool" not in str(caught.value)
