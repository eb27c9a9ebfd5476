"""SQS over SQLite: standard queues, as far as the service and its operators use them.

In place of moto's, whose every call takes longer with each message that is queued (15 ms at 700), and which forgets.

Semantics: SQS API reference and developer guide, "Amazon SQS visibility timeout" and "Using dead-letter queues". AWS
leaves some things open: here a message comes back at once when it is due, and a stale receipt handle still works.
"""

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from local_service.aws.data_folder import Database
from local_service.aws.embedded import queue_topic

Json = dict[str, Any]

MESSAGE_BYTES = 1024 * 1024
_BATCH = 10
_MOST_DELAY = 900
_MOST_VISIBILITY = 12 * 60 * 60
_DEFAULTS: Mapping[str, str] = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "MaximumMessageSize": str(MESSAGE_BYTES),
    "ReceiveMessageWaitTimeSeconds": "0",
}
_COUNTS: Mapping[str, str] = {
    "ApproximateNumberOfMessages": "visible_at <= :now",
    "ApproximateNumberOfMessagesDelayed": "receives = 0 AND visible_at > :now",
    "ApproximateNumberOfMessagesNotVisible": "receives > 0 AND visible_at > :now",
}


class QueueError(Exception):
    """SQS refuses.

    Attributes:
        code: the error's name in the JSON protocol.
        query_code: its name in the older query protocol, by which SDKs know some errors; the same unless given.
    """

    def __init__(self, code: str, message: str, query_code: str | None = None) -> None:
        self.code = code
        self.query_code = query_code or code
        super().__init__(message)


class Queues:
    """The queues of one account; each operation takes a request of the JSON protocol and returns its answer."""

    def __init__(self, database: Database, account: str, region: str) -> None:
        self._database = database
        self._account = account
        self._region = region
        database.execute("CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, attributes TEXT NOT NULL)")
        database.execute(
            "CREATE TABLE IF NOT EXISTS messages (number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, "
            "id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, attributes TEXT NOT NULL, system_attributes TEXT NOT NULL, "
            "sent_at REAL NOT NULL, visible_at REAL NOT NULL, receives INTEGER NOT NULL DEFAULT 0, "
            "first_received_at REAL, is_held INTEGER NOT NULL DEFAULT 0)"
        )
        database.execute("CREATE INDEX IF NOT EXISTS due_messages ON messages (queue, visible_at)")

    def call(self, operation: str, request: Json, base_url: str) -> Json:
        """Perform one call.

        Args:
            operation: the API's name.
            request: its parameters.
            base_url: of the endpoint that was called, for the addresses of queues.

        Raises:
            QueueError: the call is refused.
        """
        perform = self._OPERATIONS.get(operation)
        if perform is None:
            raise QueueError(
                "UnsupportedOperation",
                f"{operation} is not supported here",
                "AWS.SimpleQueueService.UnsupportedOperation",
            )
        return perform(self, request, base_url)

    def release_held(self) -> None:
        """Let messages be received that somebody received and has done nothing about: who did has ended.

        A message whose visibility was changed since waits for its time, as one that is tried again later.
        """
        self._database.execute("UPDATE messages SET visible_at = ?, is_held = 0 WHERE is_held", (time.time(),))

    def drop_old(self) -> None:
        """Delete what a queue has kept for as long as it may."""
        for name, attributes in self._database.execute("SELECT name, attributes FROM queues").fetchall():
            oldest = time.time() - float(json.loads(attributes)["MessageRetentionPeriod"])
            self._database.execute("DELETE FROM messages WHERE queue = ? AND sent_at < ?", (name, oldest))

    def deliver(self, name: str, body: str) -> None:
        """Send a message to a queue that may not exist, as other services do."""
        if self._database.execute("SELECT 1 FROM queues WHERE name = ?", (name,)).fetchone():
            self._insert(name, str(uuid.uuid4()), body, {}, 0)

    def _create_queue(self, request: Json, base_url: str) -> Json:
        """Create it, or take the one that exists with new attributes: what starts the service again may change them."""
        name = request["QueueName"]
        attributes = {**_DEFAULTS, **request.get("Attributes", {})}
        self._database.execute(
            "INSERT INTO queues VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET attributes = excluded.attributes",
            (name, json.dumps(attributes)),
        )
        return {"QueueUrl": self._url(name, base_url)}

    def _get_queue_url(self, request: Json, base_url: str) -> Json:
        self._attributes(request["QueueName"])
        return {"QueueUrl": self._url(request["QueueName"], base_url)}

    def _list_queues(self, request: Json, base_url: str) -> Json:
        prefix = request.get("QueueNamePrefix", "")
        names = [name for (name,) in self._database.execute("SELECT name FROM queues ORDER BY name")]
        return {"QueueUrls": [self._url(name, base_url) for name in names if name.startswith(prefix)]}

    def _delete_queue(self, request: Json, _base_url: str) -> Json:
        name = self._queue(request)
        self._database.execute("DELETE FROM messages WHERE queue = ?", (name,))
        self._database.execute("DELETE FROM queues WHERE name = ?", (name,))
        return {}

    def _purge_queue(self, request: Json, _base_url: str) -> Json:
        self._database.execute("DELETE FROM messages WHERE queue = ?", (self._queue(request),))
        return {}

    def _get_queue_attributes(self, request: Json, _base_url: str) -> Json:
        name = self._queue(request)
        attributes = {**self._attributes(name), "QueueArn": self._arn(name)}
        now = time.time()
        for count, condition in _COUNTS.items():
            (number,) = self._database.execute(
                f"SELECT count(*) FROM messages WHERE queue = :queue AND ({condition})", {"queue": name, "now": now}
            ).fetchone()
            attributes[count] = str(number)
        asked = set(request.get("AttributeNames", ()))
        return {"Attributes": {key: value for key, value in attributes.items() if {"All", key} & asked}}

    def _set_queue_attributes(self, request: Json, _base_url: str) -> Json:
        name = self._queue(request)
        attributes = {**self._attributes(name), **request["Attributes"]}
        self._database.execute("UPDATE queues SET attributes = ? WHERE name = ?", (json.dumps(attributes), name))
        return {}

    def _send_message(self, request: Json, _base_url: str) -> Json:
        return self._send(self._queue(request), request)

    def _send_message_batch(self, request: Json, _base_url: str) -> Json:
        queue = self._queue(request)
        entries = _entries(request)
        if sum(_size(entry) for entry in entries) > MESSAGE_BYTES:
            raise QueueError("BatchRequestTooLong", f"the batch is larger than {MESSAGE_BYTES} bytes")
        return _each(entries, lambda entry: self._send(queue, entry))

    def _send(self, queue: str, message: Json) -> Json:
        body = message["MessageBody"]
        if not body or _size(message) > MESSAGE_BYTES:
            raise QueueError("InvalidParameterValue", f"a message has 1 to {MESSAGE_BYTES} bytes")
        delay = int(message.get("DelaySeconds", self._attributes(queue)["DelaySeconds"]))
        if not 0 <= delay <= _MOST_DELAY:
            raise QueueError("InvalidParameterValue", f"DelaySeconds is from 0 to {_MOST_DELAY}")
        identifier = str(uuid.uuid4())
        self._insert(queue, identifier, body, message, delay)
        return {"MessageId": identifier, "MD5OfMessageBody": _md5(body)}

    def _insert(self, queue: str, identifier: str, body: str, message: Json, delay: int) -> None:
        now = time.time()
        self._database.touch(queue_topic(queue), delay)
        self._database.execute(
            "INSERT INTO messages (queue, id, body, attributes, system_attributes, sent_at, visible_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                queue,
                identifier,
                body,
                json.dumps(message.get("MessageAttributes", {})),
                json.dumps(message.get("MessageSystemAttributes", {})),
                now,
                now + delay,
            ),
        )

    def _receive_message(self, request: Json, _base_url: str) -> Json:
        queue = self._queue(request)
        attributes = self._attributes(queue)
        visibility = int(request.get("VisibilityTimeout", attributes["VisibilityTimeout"]))
        most = int(request.get("MaxNumberOfMessages", 1))
        if not 1 <= most <= _BATCH:
            raise QueueError("InvalidParameterValue", f"MaxNumberOfMessages is from 1 to {_BATCH}")
        self._move_dead_letters(queue, json.loads(attributes.get("RedrivePolicy", "{}")))
        now = time.time()
        due = self._database.execute(
            "SELECT id, body, attributes, system_attributes, sent_at, receives + 1, coalesce(first_received_at, ?) "
            "FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, number LIMIT ?",
            (now, queue, now, most),
        ).fetchall()
        for identifier, *_, receives, first_received_at in due:
            self._database.execute(
                "UPDATE messages SET visible_at = ?, receives = ?, first_received_at = ?, is_held = 1 WHERE id = ?",
                (now + visibility, receives, first_received_at, identifier),
            )
            self._database.touch(queue_topic(queue), visibility)
        return {"Messages": [_received(row, request) for row in due]} if due else {}

    def _move_dead_letters(self, queue: str, redrive: Json) -> None:
        """Move what was received as often as it may; SQS does it at the next receive, and they keep their ids."""
        if not redrive:
            return
        target = redrive["deadLetterTargetArn"].rpartition(":")[2]
        now = time.time()
        self._database.execute(
            "UPDATE messages SET queue = ?, visible_at = ? WHERE queue = ? AND visible_at <= ? AND receives >= ?",
            (target, now, queue, now, int(redrive["maxReceiveCount"])),
        )

    def _delete_message(self, request: Json, _base_url: str) -> Json:
        return self._delete(self._queue(request), request)

    def _delete_message_batch(self, request: Json, _base_url: str) -> Json:
        queue = self._queue(request)
        return _each(_entries(request), lambda entry: self._delete(queue, entry))

    def _delete(self, queue: str, entry: Json) -> Json:
        self._database.execute("DELETE FROM messages WHERE queue = ? AND id = ?", (queue, _id_in(entry)))
        return {}

    def _change_message_visibility(self, request: Json, _base_url: str) -> Json:
        return self._change_visibility(self._queue(request), request)

    def _change_message_visibility_batch(self, request: Json, _base_url: str) -> Json:
        queue = self._queue(request)
        return _each(_entries(request), lambda entry: self._change_visibility(queue, entry))

    def _change_visibility(self, queue: str, entry: Json) -> Json:
        seconds = int(entry["VisibilityTimeout"])
        if not 0 <= seconds <= _MOST_VISIBILITY:
            raise QueueError("InvalidParameterValue", f"VisibilityTimeout is from 0 to {_MOST_VISIBILITY}")
        self._database.touch(queue_topic(queue), seconds)
        changed = self._database.execute(
            "UPDATE messages SET visible_at = ?, is_held = 0 WHERE queue = ? AND id = ?",
            (time.time() + seconds, queue, _id_in(entry)),
        ).rowcount
        if not changed:
            raise QueueError(
                "InvalidParameterValue", f"the message of {entry['ReceiptHandle']} does not exist or is not available"
            )
        return {}

    def _start_message_move_task(self, request: Json, _base_url: str) -> Json:
        """Send a dead-letter queue's messages back, as new ones, to where they came from."""
        source = request["SourceArn"].rpartition(":")[2]
        self._attributes(source)
        destination = request.get("DestinationArn", "").rpartition(":")[2] or self._source_of(source)
        rows = self._database.execute(
            "SELECT body, attributes, system_attributes FROM messages WHERE queue = ? ORDER BY number", (source,)
        ).fetchall()
        self._database.execute("DELETE FROM messages WHERE queue = ?", (source,))
        for body, attributes, system in rows:
            message = {"MessageAttributes": json.loads(attributes), "MessageSystemAttributes": json.loads(system)}
            self._insert(destination, str(uuid.uuid4()), body, message, 0)
        return {"TaskHandle": secrets.token_urlsafe()}

    def _source_of(self, dead_letter_queue: str) -> str:
        for name, attributes in self._database.execute("SELECT name, attributes FROM queues"):
            policy = json.loads(json.loads(attributes).get("RedrivePolicy", "{}"))
            if policy.get("deadLetterTargetArn") == self._arn(dead_letter_queue):
                return str(name)
        raise QueueError("InvalidParameterValue", f"{dead_letter_queue} is no queue's dead-letter queue")

    def _queue(self, request: Json) -> str:
        """Return the name of the queue that the request is about."""
        name: str = request["QueueUrl"].rpartition("/")[2]
        self._attributes(name)
        return name

    def _attributes(self, name: str) -> dict[str, str]:
        row = self._database.execute("SELECT attributes FROM queues WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise QueueError(
                "QueueDoesNotExist", f"the queue {name} does not exist", "AWS.SimpleQueueService.NonExistentQueue"
            )
        attributes: dict[str, str] = json.loads(row[0])
        return attributes

    def _url(self, name: str, base_url: str) -> str:
        return f"{base_url}/{self._account}/{name}"

    def _arn(self, name: str) -> str:
        return f"arn:aws:sqs:{self._region}:{self._account}:{name}"

    _OPERATIONS: ClassVar[Mapping[str, Callable[["Queues", Json, str], Json]]] = {
        "ChangeMessageVisibility": _change_message_visibility,
        "ChangeMessageVisibilityBatch": _change_message_visibility_batch,
        "CreateQueue": _create_queue,
        "DeleteMessage": _delete_message,
        "DeleteMessageBatch": _delete_message_batch,
        "DeleteQueue": _delete_queue,
        "GetQueueAttributes": _get_queue_attributes,
        "GetQueueUrl": _get_queue_url,
        "ListQueues": _list_queues,
        "PurgeQueue": _purge_queue,
        "ReceiveMessage": _receive_message,
        "SendMessage": _send_message,
        "SendMessageBatch": _send_message_batch,
        "SetQueueAttributes": _set_queue_attributes,
        "StartMessageMoveTask": _start_message_move_task,
    }


def _entries(request: Json) -> list[Json]:
    entries: list[Json] = request["Entries"]
    if not entries:
        raise QueueError("EmptyBatchRequest", "a batch has an entry", "AWS.SimpleQueueService.EmptyBatchRequest")
    if len(entries) > _BATCH:
        raise QueueError(
            "TooManyEntriesInBatchRequest",
            f"a batch has at most {_BATCH} entries",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        )
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise QueueError(
            "BatchEntryIdsNotDistinct", "an id is there twice", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
        )
    return entries


def _each(entries: list[Json], perform: Callable[[Json], Json]) -> Json:
    """Perform each entry; one that is refused does not stop the others."""
    successful, failed = [], []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **perform(entry)})
        except QueueError as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": str(error)})
    return {"Successful": successful, **({"Failed": failed} if failed else {})}


def _received(row: tuple[Any, ...], request: Json) -> Json:
    identifier, body, attributes, system_attributes, sent_at, receives, first_received_at = row
    known = {
        **{name: each["StringValue"] for name, each in json.loads(system_attributes).items()},
        "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
        "SentTimestamp": str(int(sent_at * 1000)),
        "ApproximateReceiveCount": str(receives),
        "ApproximateFirstReceiveTimestamp": str(int(first_received_at * 1000)),
    }
    message = {
        "MessageId": identifier,
        "ReceiptHandle": f"{identifier}#{secrets.token_urlsafe(8)}",
        "MD5OfBody": _md5(body),
        "Body": body,
    }
    system = _chosen(known, [*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())])
    own = _chosen(json.loads(attributes), request.get("MessageAttributeNames", ()))
    return message | ({"Attributes": system} if system else {}) | ({"MessageAttributes": own} if own else {})


def _chosen(attributes: Json, names: Any) -> Json:  # noqa: ANN401 - a list of names out of a request
    return {name: value for name, value in attributes.items() if {"All", name} & set(names)}


def _id_in(entry: Json) -> str:
    identifier, separator, _ = entry["ReceiptHandle"].partition("#")
    if not separator:
        raise QueueError("ReceiptHandleIsInvalid", f"{entry['ReceiptHandle']} is no receipt handle")
    return str(identifier)


def _size(message: Json) -> int:
    attributes = message.get("MessageAttributes", {})
    return len(message["MessageBody"].encode()) + sum(
        len(name) + len(each["DataType"]) + len(each.get("StringValue", each.get("BinaryValue", "")))
        for name, each in attributes.items()
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
