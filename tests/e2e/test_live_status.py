"""Live status of the whole service, with a real WebSocket client."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from local_service.commands import live_client
from tests.e2e.conftest import Forge, RunningService
from tests.waiting import SECONDS
from watchlist.states import Stage


def test_clients_are_told_every_step_from_the_queue_to_the_result_and_then_hung_up_on(
    service: RunningService, forge: Forge
) -> None:
    watchlist_id = service.api.add(forge.make("live", commits=5), "ada@example.org")

    with ThreadPoolExecutor() as pool:
        watching = [
            pool.submit(lambda: list(live_client.states(service.live_url, watchlist_id, SECONDS))) for _ in range(3)
        ]
        for each in watching:
            states = each.result(SECONDS)
            assert states[-1] == service.api.status(watchlist_id)
            assert (states[-1]["status"], states[-1]["commits"]) == ("ready", 5)
            stages = list(dict.fromkeys(state["progress"]["stage"] for state in states))
            assert stages == sorted(stages, key=[stage.value for stage in Stage].index)
            assert len(stages) >= 3


def test_an_unknown_entry_cannot_be_watched(service: RunningService) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{service.live_url}/?watchlist_id=watchlist_none_1", proxy=None)

    assert refused.value.response.status_code == 404
