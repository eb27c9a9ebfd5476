"""What callers of the service on one machine are told while its disk is full."""

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import CLICK, FLASK, Client
from watchlist.deployment import routes


def test_who_adds_while_the_disk_is_full_is_told_so_and_can_go_on_later(client: Client, aws: Aws) -> None:
    aws.server.inject(Fault(harm="full_disk"))
    refused = [
        client.post(routes.ADD.path, {"repo_url": FLASK, "added_by": "ada"}),
        client.add_batch({"repo_url": CLICK, "added_by": "ada"}),
    ]
    aws.server.inject()

    assert [(answer.status, answer.code) for answer in refused] == [(503, "unavailable")] * 2
    assert all("disk is full" in answer.body["detail"] for answer in refused)
    assert client.watchlist().body["items"] == []
    assert client.post(routes.ADD.path, {"repo_url": FLASK, "added_by": "ada"}).status == 202
