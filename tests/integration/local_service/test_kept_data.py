import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_service.aws.data_folder import FORMER_DATABASE, VERSION, DataFolderError, open_database
from local_service.aws.embedded import EmbeddedAws
from local_service.aws.faults import Fault
from local_service.aws.generations import Generation, generations
from local_service.commands.backup import backup
from local_service.provisioning import Environment, provision
from tests.integration.local_service.conftest import client
from watchlist.job_kinds import JobKind
from watchlist.storage.failures import passes

VARIABLES = {
    "GIT_CLONE_DIR": "/nowhere",
    "MAX_SETUP_TASKS": "2",
    "MAX_REFRESH_TASKS": "1",
    "LEASE_SECONDS": "30",
    "HEARTBEAT_SECONDS": "5",
    "LIVE_ENDPOINT_URL": "http://127.0.0.1:9/local",
}
KEY = {"pk": {"S": "repository"}, "sk": {"S": "key"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data é with a space"


@pytest.fixture
def kept(folder: Path, log: int) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(log, folder) as aws:
        yield aws


def kill(aws: EmbeddedAws) -> None:
    os.kill(aws.pid, signal.SIGKILL)
    assert aws.ended.wait(20)


def queue_of(environment: Environment) -> str:
    return environment.queues[JobKind.REPOSITORY_SETUP].url


def run_task(aws: EmbeddedAws, environment: Environment, token: str) -> str:
    arn: str = client(aws, "ecs").run_task(
        cluster=environment.cluster,
        taskDefinition=environment.task_definition,
        clientToken=token,
        networkConfiguration={"awsvpcConfiguration": {"subnets": environment.variables["SUBNET_IDS"].split(",")}},
    )["tasks"][0]["taskArn"]
    return arn


def test_what_was_acknowledged_is_there_after_a_kill(kept: EmbeddedAws, folder: Path, log: int) -> None:
    environment = provision(kept.url, VARIABLES)
    client(kept, "dynamodb").put_item(TableName="watchlist", Item=KEY)
    client(kept, "sqs").send_message(QueueUrl=queue_of(environment), MessageBody="job")
    task = run_task(kept, environment, "token")
    kill(kept)

    with EmbeddedAws(log, folder) as again:
        environment = provision(again.url, VARIABLES)

        assert client(again, "dynamodb").scan(TableName="watchlist")["Items"] == [KEY]
        (message,) = client(again, "sqs").receive_message(QueueUrl=queue_of(environment))["Messages"]
        assert message["Body"] == "job"
        assert client(again, "ecs").list_tasks(cluster=environment.cluster)["taskArns"] == [task]
        assert run_task(again, environment, "token") == task


def test_a_message_that_died_with_its_receiver_is_received_again_and_one_that_waits_is_not(
    kept: EmbeddedAws, folder: Path, log: int
) -> None:
    url = queue_of(provision(kept.url, VARIABLES))
    sqs = client(kept, "sqs")
    for body in ("held", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    _held, waiting = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=waiting["ReceiptHandle"], VisibilityTimeout=600)
    kill(kept)

    with EmbeddedAws(log, folder) as again:
        url = queue_of(provision(again.url, VARIABLES))
        messages = client(again, "sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]

    assert [message["Body"] for message in messages] == ["held"]


def test_a_consumer_goes_on_in_its_stream_where_it_was(kept: EmbeddedAws, folder: Path, log: int) -> None:
    provision(kept.url, VARIABLES)
    for number in range(3):
        client(kept, "dynamodb").put_item(TableName="watchlist", Item={**KEY, "n": {"N": str(number)}})
    first, *_ = records(kept, "TRIM_HORIZON")
    kept.keep_position("watchlist", "slow")
    kept.keep_position("watchlist", "quick", first["dynamodb"]["SequenceNumber"])
    kill(kept)

    with EmbeddedAws(log, folder) as again:
        provision(again.url, VARIABLES)
        position = again.keep_position("watchlist", "quick")

        assert position == first["dynamodb"]["SequenceNumber"]
        assert again.keep_position("watchlist", "slow") is None
        left = records(again, "AFTER_SEQUENCE_NUMBER", SequenceNumber=position)
        assert [record["dynamodb"]["NewImage"]["n"]["N"] for record in left] == ["1", "2"]
        again.keep_position("watchlist", "slow", left[0]["dynamodb"]["SequenceNumber"])
        assert len(records(again, "TRIM_HORIZON")) == 2  # all have read the others


def test_two_services_cannot_open_one_folder(kept: EmbeddedAws, folder: Path, log: int) -> None:
    with pytest.raises(DataFolderError, match=f"is in use by process {kept.pid}"):
        EmbeddedAws(log, folder).__enter__()


def test_a_folder_of_a_newer_version_is_refused(folder: Path, log: int) -> None:
    with EmbeddedAws(log, folder):
        pass
    (generation,) = generations(folder)
    with sqlite3.connect(generation.path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(DataFolderError, match=f"version {VERSION + 1} .* this is {VERSION}"):
        EmbeddedAws(log, folder).__enter__()


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_a_file_of_another_kind_is_no_data(folder: Path, log: int, content: bytes) -> None:
    folder.mkdir()
    (folder / FORMER_DATABASE).write_bytes(content * 500)
    if not content:
        with sqlite3.connect(folder / FORMER_DATABASE) as connection:
            connection.execute("CREATE TABLE somebody_elses (x)")

    with pytest.raises(DataFolderError):
        EmbeddedAws(log, folder).__enter__()


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, log: int) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderError, match="cannot be used"):
        EmbeddedAws(log, tmp_path / "file").__enter__()


def test_on_a_full_disk_a_call_fails_and_has_changed_nothing(kept: EmbeddedAws) -> None:
    environment = provision(kept.url, VARIABLES)
    kept.inject(Fault(harm="full_disk"))

    with pytest.raises(ClientError, match="disk is full"):
        client(kept, "dynamodb").put_item(TableName="watchlist", Item=KEY)
    with pytest.raises(ClientError):
        client(kept, "sqs").send_message(QueueUrl=queue_of(environment), MessageBody="job")

    kept.inject()
    assert client(kept, "dynamodb").scan(TableName="watchlist")["Count"] == 0
    assert "Messages" not in client(kept, "sqs").receive_message(QueueUrl=queue_of(environment))
    assert records(kept, "TRIM_HORIZON") == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux alone limits the files of another process")
def test_a_disk_that_is_full_when_a_position_is_to_be_kept_is_trouble_that_passes(kept: EmbeddedAws) -> None:
    provision(kept.url, VARIABLES)
    for number in range(2):
        client(kept, "dynamodb").put_item(TableName="watchlist", Item={**KEY, "n": {"N": str(number)}})
    first, second = (record["dynamodb"]["SequenceNumber"] for record in records(kept, "TRIM_HORIZON"))
    kept.keep_position("watchlist", "reader", first)
    _, most = resource.prlimit(kept.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(kept.pid, resource.RLIMIT_FSIZE, (1, most))

    with pytest.raises(ClientError, match="nothing was changed") as caught:
        kept.keep_position("watchlist", "reader", second)

    assert passes(caught.value)
    resource.prlimit(kept.pid, resource.RLIMIT_FSIZE, (most, most))
    assert kept.keep_position("watchlist", "reader") == first


def test_on_a_full_disk_a_start_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=1024 * 1024 - 1))

    with pytest.raises(DataFolderError, match="its disk is full, and a start needs 1 MB"):
        open_database(tmp_path)


def test_a_copy_made_while_it_runs_is_a_back_up(kept: EmbeddedAws, folder: Path, tmp_path: Path, log: int) -> None:
    provision(kept.url, VARIABLES)
    client(kept, "dynamodb").put_item(TableName="watchlist", Item=KEY)

    shutil.copytree(folder, tmp_path / "copy")

    client(kept, "dynamodb").delete_item(TableName="watchlist", Key=KEY)
    with EmbeddedAws(log, tmp_path / "copy") as copied:
        provision(copied.url, VARIABLES)
        assert client(copied, "dynamodb").scan(TableName="watchlist")["Items"] == [KEY]


@pytest.mark.parametrize("runs", [False, True])
def test_a_back_up_holds_what_was_kept_and_leaves_the_data_as_it_is(
    kept: EmbeddedAws, folder: Path, tmp_path: Path, log: int, *, runs: bool
) -> None:
    provision(kept.url, VARIABLES)
    client(kept, "dynamodb").put_item(TableName="watchlist", Item=KEY)
    if not runs:
        kill(kept)
    (generation,) = generations(folder)
    database = generation.path.read_bytes()

    backup(folder, tmp_path / "copy")

    assert generation.path.read_bytes() == database
    assert generation.log_bytes > 0
    with EmbeddedAws(log, tmp_path / "copy") as copy:
        provision(copy.url, VARIABLES)
        assert client(copy, "dynamodb").scan(TableName="watchlist")["Items"] == [KEY]


def test_a_back_up_needs_no_generation_that_a_service_removes_meanwhile(folder: Path, tmp_path: Path) -> None:
    newest = Generation(2, folder)
    folder.mkdir(exist_ok=True)
    newest.make(lambda connection: connection.execute("CREATE TABLE kept (number INTEGER)"))
    Generation(1, folder).path.symlink_to(tmp_path / "removed")  # listed, and gone when it is looked at

    backup(folder, tmp_path / "copy")

    assert Generation(1, tmp_path / "copy").is_whole


def test_a_back_up_of_a_generation_that_is_gone_is_refused(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(exist_ok=True)
    Generation(1, folder).path.symlink_to(tmp_path / "removed")

    with pytest.raises(DataFolderError, match="No such file"):
        backup(folder, tmp_path / "copy")


def test_a_back_up_overwrites_nothing_and_needs_data(kept: EmbeddedAws, folder: Path, tmp_path: Path) -> None:
    assert kept.pid
    (tmp_path / "there").mkdir()
    with pytest.raises(DataFolderError, match="exists already"):
        backup(folder, tmp_path / "there")
    for without in ("there", "nowhere"):
        with pytest.raises(DataFolderError, match="holds no data"):
            backup(tmp_path / without, tmp_path / "copy")
    (tmp_path / "there" / FORMER_DATABASE).touch()
    with pytest.raises(DataFolderError, match="of an older version"):
        backup(tmp_path / "there", tmp_path / "copy")


def records(aws: EmbeddedAws, kind: Any, **position: Any) -> list[dict[str, Any]]:
    streams = client(aws, "dynamodbstreams")
    arn = streams.list_streams(TableName="watchlist")["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **position)
    found: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return found
