"""The embedded AWS's process, but that DynamoDB and SQS are answered elsewhere.

    ANSWERED_ELSEWHERE='{"dynamodb": URL, "sqs": URL}' python -m tests.second_opinion.server [FOLDER]

Streams are answered where tables are. Faults are injected before, as ever, so that a test that injects them runs as it
is. What is answered elsewhere is not serialised: another implementation has to isolate its transactions by itself, as
AWS does.

Two things ElasticMQ does otherwise than the SQS API reference says, and `test_elasticmq` holds that it still does: it
refuses to delete a message by a handle that is no longer the latest, or twice, where SQS succeeds; and a queue whose
dead-letter queue is deleted and made anew loses its dead letters, so a queue is emptied instead of being deleted.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from local_service.aws import server
from local_service.aws.data_folder import Database
from local_service.aws.embedded import queue_topic, stream_topic
from local_service.aws.faults import Call, Fault
from watchlist.storage import tables

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

VARIABLE = "ANSWERED_ELSEWHERE"

_SENT_ON = ("authorization", "content-type", "host", "x-amz-date", "x-amz-target")
_CONNECTIONS = 50

_CALLER = re.compile(r"(Credential=)[^/]+")
"""MiniStack takes twelve digits for an account: all callers of one embedded AWS are of one, until it is reset."""


class AnsweredElsewhere(server.OneAtATime):
    """Hands the calls of some services on to whoever else implements them."""

    def __init__(
        self, application: "WSGIApplication", database: Database, ring: Callable[[Mapping[str, float]], None]
    ) -> None:
        super().__init__(application, database, ring)
        self._elsewhere: Mapping[str, str] = json.loads(os.environ[VARIABLE])
        self._http = urllib3.PoolManager(maxsize=_CONNECTIONS)
        self._resets = 0

    def _perform(self, call: Call, environ: "WSGIEnvironment", fault: Fault | None = None) -> server.Answer:
        if environ["PATH_INFO"] == "/moto-api/reset":
            self._resets += 1
        url = self._elsewhere.get(call.service or "")
        if url is None:
            return super()._perform(call, environ, fault)
        body = server.body_of(environ)
        headers = {name: environ[key] for name in _SENT_ON if (key := _wsgi_name(name)) in environ}
        headers["authorization"] = _CALLER.sub(rf"\g<1>{os.getpid():07}{self._resets:05}", headers["authorization"])
        if call.operation == "DeleteQueue":
            headers["x-amz-target"] = "AmazonSQS.PurgeQueue"
        response = self._http.request("POST", url, body=body, headers=headers, retries=False, decode_content=False)
        answer = server.Answer()
        answer.start(f"{response.status} {response.reason or ''}", list(response.headers.items()))
        answer.body = response.data
        if call.operation == "DeleteMessage" and b"ReceiptHandleIsInvalid" in answer.body:
            return server.Answer.of({})
        if answer.is_success:
            self._ring(touched(call, json.loads(body)))
        return answer


def touched(call: Call, request: Mapping[str, Any]) -> Mapping[str, float]:
    """Return what a call has touched, as the embedded AWS tells it: topics, and in how many seconds."""
    if call.service == "sqs" and "QueueUrl" in request:
        entries = request.get("Entries", [request])
        seconds = [float(each.get("DelaySeconds", each.get("VisibilityTimeout", 0))) for each in entries]
        return {queue_topic(request["QueueUrl"].rpartition("/")[2]): min(seconds)}
    if call.service == "dynamodb" and (call.operation or "").startswith(_WRITING):
        return {stream_topic(table.name): 0 for table in (tables.WATCHLIST, tables.ACTIVITY)}
    return {}


_WRITING = ("BatchWrite", "Delete", "Put", "TransactWrite", "Update")


def _wsgi_name(header: str) -> str:
    name = header.replace("-", "_").upper()
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


if __name__ == "__main__":
    server.serve(Path(sys.argv[1]) if sys.argv[1:] else None, AnsweredElsewhere)
