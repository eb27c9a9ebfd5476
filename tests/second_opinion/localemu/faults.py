"""What LocalEmu itself has wrong of what `server.py` puts right, as one JSON object.

PYTHON-3.13 tests/second_opinion/localemu/faults.py
"""

import inspect
import json
import sys

from localemu.runtime.server.twisted import TwistedRuntimeServer
from localemu.services.dynamodb.utils import ItemFinder
from localemu.services.iam_enforcement.enforcer import build_resource_arn
from localemu.services.iam_enforcement.service_action_map import map_action
from localemu.services.sqs.models import StandardQueue

WHERE = ("eu-west-1", "000000000000")


def asked_of(service: str, operation: str, **request: object) -> str:
    """Return the resource that IAM is asked about."""
    return str(build_resource_arn(service, operation, request, *WHERE))


def main() -> None:
    """Write them to stdout."""
    queue = StandardQueue("queue", *WHERE)
    letter = {
        "MessageId": "id",
        "Body": "",
        "Attributes": {"DeadLetterQueueSourceArn": queue.arn, "SentTimestamp": "1"},
    }
    redriven = queue.put(letter).message
    definition = f"arn:aws:ecs:{WHERE[0]}:{WHERE[1]}:task-definition/family:1"
    faults = {
        "a move of messages": asked_of("sqs", "StartMessageMoveTask", SourceArn=queue.arn),
        "a redriven message": [redriven["MessageId"], redriven["Attributes"]["SentTimestamp"]],
        "an event": asked_of("events", "PutEvents", Entries=[{"EventBusName": "bus"}]),
        "a query of an index": asked_of("dynamodb", "Query", TableName="table", IndexName="index"),
        "a run of a task": asked_of("ecs", "RunTask", taskDefinition=definition),
        "a transaction in streams": "batch_get_item" in inspect.getsource(ItemFinder.find_existing_items),
        "a place to listen": "(reactor, host_and_port.port)" in inspect.getsource(TwistedRuntimeServer.register),
        "a transaction": sorted(map_action("dynamodb", "TransactWriteItems")),
    }
    json.dump(faults, sys.stdout)


if __name__ == "__main__":
    main()
