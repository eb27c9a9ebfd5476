from typing import Any

import pytest

from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "sk": {"S": "b"},
    "type": {"S": "entry"},
    "binary": {"B": b"\x00\xff"},
    "number": {"N": "-1.5"},
    "nested": {"M": {"list": {"L": [{"B": b"\x01"}, {"BOOL": True}, {"NULL": True}]}, "empty": {"M": {}}}},
    "sets": {"M": {"strings": {"SS": ["x", "y"]}, "binaries": {"BS": [b"\x02"]}, "numbers": {"NS": ["1"]}}},
    "odd": {"S": '\U0001f600 "quoted" \\ \x00 \u2028'},
}
KEY = {name: ITEM[name] for name in ("pk", "sk")}


@pytest.fixture
def dynamodb(aws: EmbeddedAws, environment: Environment) -> Any:
    assert environment.url == aws.url
    return client(aws, "dynamodb")


def test_every_kind_of_value_comes_back_as_it_was(dynamodb: Any) -> None:
    dynamodb.batch_write_item(RequestItems={"watchlist": [{"PutRequest": {"Item": ITEM}}]})

    assert dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"] == ITEM
    assert dynamodb.scan(TableName="watchlist")["Items"] == [ITEM]


def test_every_kind_of_value_is_in_the_stream_as_it_was(
    aws: EmbeddedAws, environment: Environment, dynamodb: Any
) -> None:
    dynamodb.put_item(TableName="watchlist", Item=ITEM)
    dynamodb.delete_item(TableName="watchlist", Key=KEY)

    streams = client(aws, "dynamodbstreams")
    arn = environment.streams["watchlist"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]

    assert [record["eventName"] for record in records] == ["INSERT", "REMOVE"]
    assert records[0]["dynamodb"]["NewImage"] == records[1]["dynamodb"]["OldImage"] == ITEM
    assert records[0]["dynamodb"]["Keys"] == KEY


def test_an_index_has_the_items_with_both_its_keys_in_order(dynamodb: Any) -> None:
    for number, order in enumerate(("2", "1", None)):
        added = {} if order is None else {"added_order": {"S": order}}
        item = {"pk": {"S": str(number)}, "sk": {"S": "x"}, "user": {"S": 'it\'s "me"'}, **added}
        dynamodb.put_item(TableName="watchlist", Item=item)

    found = dynamodb.query(
        TableName="watchlist",
        IndexName="by-user",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": 'it\'s "me"'}},
    )

    assert [item["pk"]["S"] for item in found["Items"]] == ["1", "0"]


def test_a_query_goes_on_where_its_page_ended(dynamodb: Any) -> None:
    for number in range(5):
        dynamodb.put_item(TableName="watchlist", Item={"pk": {"S": "p"}, "sk": {"S": str(number)}})
    pages = dynamodb.get_paginator("query").paginate(
        TableName="watchlist",
        KeyConditionExpression="pk = :p AND sk > :s",
        ExpressionAttributeValues={":p": {"S": "p"}, ":s": {"S": "0"}},
        ScanIndexForward=False,
        Limit=2,
    )

    assert [[item["sk"]["S"] for item in page["Items"]] for page in pages][:2] == [["4", "3"], ["2", "1"]]


def test_a_transaction_that_is_cancelled_has_changed_nothing_and_told_the_stream_of_nothing(
    aws: EmbeddedAws, environment: Environment, dynamodb: Any
) -> None:
    dynamodb.put_item(TableName="watchlist", Item={**KEY, "n": {"N": "1"}})
    add = {
        "TableName": "watchlist",
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    impossible = {"TableName": "activity", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[{"Update": add}, {"ConditionCheck": impossible}])

    assert dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"]["n"] == {"N": "1"}
    streams = client(aws, "dynamodbstreams")
    arn = environment.streams["watchlist"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    assert len(streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]) == 1


def test_an_update_that_is_refused_has_not_made_its_item(dynamodb: Any) -> None:
    with pytest.raises(dynamodb.exceptions.ClientError):
        dynamodb.update_item(
            TableName="watchlist",
            Key=KEY,
            UpdateExpression="SET n = missing",
        )

    assert dynamodb.scan(TableName="watchlist")["Count"] == 0
