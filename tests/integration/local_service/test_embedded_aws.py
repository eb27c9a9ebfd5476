import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Literal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local_service import lifeline
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.aws.faults import Fault
from local_service.provisioning import Environment
from tests import waiting
from tests.integration.local_service.conftest import client
from watchlist.job_kinds import JobKind

ITEM = {"pk": {"S": "repository"}, "sk": {"S": "key"}}


@pytest.mark.usefixtures("environment")
def test_of_many_transactions_that_put_an_absent_item_exactly_one_wins(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    for batch in range(12):  # the more items, the longer a transaction takes, and the sooner two of them overlap
        items = [{"pk": {"S": f"other-{batch}-{number}"}, "sk": {"S": "x"}} for number in range(25)]
        dynamodb.batch_write_item(RequestItems={"watchlist": [{"PutRequest": {"Item": item}} for item in items]})
    at_once = threading.Barrier(20)

    def put(number: int) -> bool:
        at_once.wait()
        absent = {"TableName": "watchlist", "ConditionExpression": "attribute_not_exists(pk)"}
        own = {"pk": {"S": f"entry-{number}"}, "sk": {"S": "entry"}}
        try:
            dynamodb.transact_write_items(
                TransactItems=[{"Put": {"Item": ITEM, **absent}}, {"Put": {"Item": own, **absent}}]
            )
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(put, range(20)))

    assert sum(won) == 1
    assert dynamodb.scan(TableName="watchlist")["Count"] == 302


def test_of_many_receivers_exactly_one_gets_a_message(aws: EmbeddedAws, environment: Environment) -> None:
    sqs = client(aws, "sqs")
    url = environment.queues[JobKind.REPOSITORY_SETUP].url
    for number in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def receive(_number: int) -> list[str]:
        response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)
        return [message["Body"] for message in response.get("Messages", [])]

    with ThreadPoolExecutor(10) as pool:
        bodies = [body for received in pool.map(receive, range(20)) for body in received]

    assert sorted(bodies, key=int) == [str(number) for number in range(20)]


def test_a_long_poll_is_answered_at_once_and_so_holds_up_no_other_call(
    aws: EmbeddedAws, environment: Environment
) -> None:
    sqs = client(aws, "sqs", config=Config(read_timeout=15))
    url = environment.queues[JobKind.REPOSITORY_SETUP].url

    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)


@pytest.mark.usefixtures("environment")
def test_a_call_that_fails_before_it_is_performed_changes_nothing(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    aws.inject(Fault(operation="PutItem", moment="before", status=503, times=1))

    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(TableName="watchlist", Item=ITEM)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert dynamodb.scan(TableName="watchlist")["Count"] == 0
    assert aws.faults_used() == (1,)


@pytest.mark.usefixtures("environment")
def test_a_call_whose_answer_is_lost_is_performed(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    aws.inject(Fault(operation="PutItem", moment="after", times=1))

    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(TableName="watchlist", Item=ITEM)

    assert refused.value.response["Error"]["Code"] == "InternalServerError"
    assert dynamodb.scan(TableName="watchlist")["Count"] == 1


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("moment", "items"), [("before", 0), ("after", 1)])
def test_a_call_that_hangs_holds_up_no_other_and_ends_with_its_plan(
    aws: EmbeddedAws, moment: Literal["before", "after"], items: int
) -> None:
    dynamodb = client(aws, "dynamodb")
    aws.inject(Fault(operation="PutItem", harm="hang", moment=moment, seconds=3600))

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(dynamodb.put_item, TableName="watchlist", Item=ITEM)
        waiting.until("the call hangs", lambda: aws.faults_used()[0])
        assert dynamodb.list_tables()["TableNames"]
        assert not hanging.done()
        aws.inject()
        assert isinstance(hanging.exception(), ConnectionClosedError)
    assert dynamodb.scan(TableName="watchlist")["Count"] == items


@pytest.mark.usefixtures("environment")
def test_a_call_can_be_hung_up_on_before_it_is_performed(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    aws.inject(Fault(operation="PutItem", harm="close"))

    with pytest.raises(ConnectionClosedError):
        dynamodb.put_item(TableName="watchlist", Item=ITEM)

    assert dynamodb.scan(TableName="watchlist")["Count"] == 0


@pytest.mark.usefixtures("environment")
def test_a_call_whose_answer_is_cut_is_performed(aws: EmbeddedAws) -> None:
    aws.inject(Fault(operation="PutItem", harm="cut"))
    connection = HTTPConnection("127.0.0.1", int(aws.url.rpartition(":")[2]))
    connection.request(
        "POST",
        "/",
        json.dumps({"TableName": "watchlist", "Item": ITEM}),
        {
            "Authorization": "AWS4-HMAC-SHA256 Credential=functions/20260301/us-east-1/dynamodb/aws4_request, x",
            "X-Amz-Target": "DynamoDB_20120810.PutItem",
        },
    )

    with pytest.raises(IncompleteRead):  # botocore takes half of a short answer for one
        connection.getresponse().read()

    connection.close()
    aws.inject()
    dynamodb = client(aws, "dynamodb")
    assert dynamodb.scan(TableName="watchlist")["Count"] == 1


@pytest.mark.usefixtures("environment")
def test_a_throttled_batch_is_written_in_part_and_says_what_is_left(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    puts = [{"PutRequest": {"Item": {"pk": {"S": str(number)}, "sk": {"S": "x"}}}} for number in range(5)]
    aws.inject(Fault(operation="BatchWriteItem", harm="throttle", times=1))

    left = dynamodb.batch_write_item(RequestItems={"watchlist": puts})["UnprocessedItems"]

    assert left == {"watchlist": puts[2:]}
    assert dynamodb.scan(TableName="watchlist")["Count"] == 2


def test_a_throttled_batch_of_messages_is_sent_in_part(aws: EmbeddedAws, environment: Environment) -> None:
    sqs = client(aws, "sqs")
    url = environment.queues[JobKind.REPOSITORY_SETUP].url
    aws.inject(Fault(operation="SendMessageBatch", harm="throttle", times=1))

    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": name} for name in ("a", "b", "c")])

    assert [entry["Id"] for entry in sent["Successful"]] == ["a"]
    assert [(entry["Id"], entry["Code"]) for entry in sent["Failed"]] == [
        ("b", "RequestThrottled"),
        ("c", "RequestThrottled"),
    ]


@pytest.mark.usefixtures("environment")
def test_a_late_answer_is_a_whole_one(aws: EmbeddedAws) -> None:
    dynamodb = client(aws, "dynamodb")
    aws.inject(Fault(operation="PutItem", harm="delay", seconds=0.01))

    dynamodb.put_item(TableName="watchlist", Item=ITEM)

    assert dynamodb.scan(TableName="watchlist")["Count"] == 1


@pytest.mark.usefixtures("environment")
def test_faults_end_when_none_are_injected(aws: EmbeddedAws) -> None:
    sqs = client(aws, "sqs")
    aws.inject(Fault(service="sqs"))
    with pytest.raises(ClientError):
        sqs.list_queues()

    aws.inject()

    assert sqs.list_queues()["QueueUrls"]


@pytest.mark.usefixtures("environment")
def test_faults_can_be_for_one_caller(aws: EmbeddedAws) -> None:
    aws.inject(Fault(caller="task"))

    with pytest.raises(ClientError):
        client(aws, "sqs", caller="task").list_queues()
    client(aws, "sqs", caller="functions").list_queues()
    client(aws, "sqs", caller="platform").list_queues()


def test_describing_a_task_does_not_stop_it(aws: EmbeddedAws, environment: Environment) -> None:
    ecs = client(aws, "ecs")
    arn = ecs.run_task(
        cluster=environment.cluster,
        taskDefinition=environment.task_definition,
        capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": environment.variables["SUBNET_IDS"].split(","),
                "securityGroups": environment.variables["SECURITY_GROUP_IDS"].split(","),
            }
        },
    )["tasks"][0]["taskArn"]

    for _ in range(10):
        described = ecs.describe_tasks(cluster=environment.cluster, tasks=[arn])["tasks"][0]

    assert described["lastStatus"] == "RUNNING"


def test_it_ends_with_a_starter_that_is_killed() -> None:
    program = (
        "import time\n"
        "from local_service.aws.embedded import EmbeddedAws\n"
        "aws = EmbeddedAws(2).__enter__()\n"
        "print(aws.url, aws._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=lifeline.ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(lifeline.ROOT)},
        text=True,
    ) as starter:
        assert starter.stdout is not None
        _url, pid = starter.stdout.readline().split()
        starter.kill()

    waiting.until("it has ended", lambda: not _is_alive(int(pid)))


@pytest.mark.usefixtures("environment")
def test_credentials_and_endpoint_are_all_that_a_client_needs(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": aws.url}.items():
        monkeypatch.setenv(name, value)

    assert set(boto3.client("dynamodb").list_tables()["TableNames"]) == {"activity", "watchlist"}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2] if Path("/proc").exists() else True
