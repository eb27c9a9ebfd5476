"""The service is what its OpenAPI document says: found by schemathesis, over HTTP, with the real handlers."""

import json
import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings, strategies
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import unsupported_method

from functions.http.openapi import built
from local_service.gateways.http import HttpGateway
from tests.integration.aws import Aws
from tests.integration.http.client import Client
from tests.integration.http.stored import alert, end_job, store_commits, store_health
from tests.integration.jobs.harness import clean
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.deployment import routes
from watchlist.repository_url import parse_repository_url
from watchlist.states import EntryStatus
from watchlist.storage import cursors
from watchlist.storage.records import ENTRY_KEY, Channel, Entry, user_hash
from watchlist.watching import adding, entries
from watchlist.watching.adding import Adding, Watch

USER = "ada@example.org"
WATCHLIST_ID = "watchlist_pallets_flask_1764000000"
ALERT_ID = "alert_7f3c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"
CHANNEL_ID = f"channel_{user_hash(USER)}_0_9b1f0c6a2e4d8073"
"""With the user entry's, the ids in the document's examples: what is tried with them meets something."""

DOCUMENT = built.DOCUMENT
CURSOR = cursors.encode("1.1.00000000", f"{10:040x}")

_NAMES = strategies.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}[A-Za-z0-9]", fullmatch=True)
schemathesis.openapi.format("repository-url", strategies.builds("https://github.com/{}/{}".format, _NAMES, _NAMES))
schemathesis.openapi.format("webhook-url", strategies.just("https://hooks.example.org/watchlist"))
schemathesis.openapi.format("cursor", strategies.just(CURSOR))

schema = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text(encoding="utf-8")))


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Send what the document cannot say: a key of its own with each request, a cursor only to the list it is for."""
    if case.headers and isinstance(case.headers.get("Idempotency-Key"), str) and case.headers["Idempotency-Key"]:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    is_its_list = case.operation.path == routes.COMMITS.path and case.path_parameters["watchlist_id"] == WATCHLIST_ID
    if case.query and case.query.get("cursor") == CURSOR and not is_its_list:
        del case.query["cursor"]


def let_there_be(client: Client) -> None:
    """Let there be one failed entry that has everything."""
    at = clock.now() - timedelta(minutes=1)
    watch = Watch(parse_repository_url("https://github.com/pallets/flask"), USER, {}, None)
    queue = client.functions["add_repository"].queue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adding, "watchlist_id_of", lambda *_: WATCHLIST_ID)
        Adding(queue, "c", at).add(watch)
    end_job(WATCHLIST_ID, EntryStatus.FAILED)
    store_commits(WATCHLIST_ID, 30)
    store_health(WATCHLIST_ID)
    user_watchlist_id = entries.user_watchlist_id_of(WATCHLIST_ID, USER)
    Channel(
        Channel.pk_of(user_hash(USER)),
        "0",
        user=USER,
        channel_id=CHANNEL_ID,
        created_at=at,
        settings={"name": "team"},
    ).save()
    raised = alert(1).model_copy(update={"id": ALERT_ID})
    alert_store.put(user_watchlist_id, WATCHLIST_ID, raised, clock.now())


@pytest.fixture
def url(client: Client) -> Iterator[str]:
    """The API's address, with one failed entry that has everything."""
    let_there_be(client)
    with HttpGateway(routes.ROUTES, client.invoke, ("127.0.0.1", 0)) as gateway:
        yield gateway.url


EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Of each operation, and as many walks along the links; 0 for a few that are the same in every run."""


def examples(few: int) -> settings:
    return settings(
        max_examples=EXAMPLES or few,
        deadline=None,
        derandomize=not EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )


@schema.parametrize()
@examples(12)
def test_every_answer_is_documented_and_nothing_wrong_is_accepted(case: schemathesis.Case[Any], url: str) -> None:
    # API Gateway answers a method that no route has, before the service sees the request.
    case.call_and_validate(base_url=url, excluded_checks=[unsupported_method])


def test_walks_along_the_links_meet_documented_answers_only(url: str, client: Client, aws: Aws) -> None:
    # without what schemathesis learns on the way, so that a walk can be walked again
    class Walk(schema.build_state_machine(feedback=NO_FEEDBACK, link_calibration=None)):  # type: ignore[misc] # made at run time
        def setup(self) -> None:
            clean(aws.environment, aws.variables)
            let_there_be(client)

        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            del case
            return {"base_url": url}

        def validate_response(self, response: Any, case: schemathesis.Case[Any], **_: Any) -> None:
            case.validate_response(response, excluded_checks=[unsupported_method])

    run_state_machine_as_test(Walk, settings=settings(examples(15), stateful_step_count=10, database=None))


def test_the_examples_meet_what_is_there(url: str, client: Client) -> None:
    del url
    assert client.status(WATCHLIST_ID).body["status"] == "failed"
    assert client.acknowledge(ALERT_ID).status == 200
    assert Entry.get(WATCHLIST_ID, ENTRY_KEY).watchers == 1
