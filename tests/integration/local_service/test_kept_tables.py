import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from local_service import lifeline
from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client
from watchlist.storage import tables

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
    assert dynamodb.batch_get_item(RequestItems={"watchlist": {"Keys": [KEY]}})["Responses"]["watchlist"] == [ITEM]
    assert dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "watchlist", "Key": KEY}}])[
        "Responses"
    ] == [{"Item": ITEM}]
    asked = {"TableName": "watchlist", "KeyConditionExpression": "pk = :p"}
    values = {":p": ITEM["pk"], ":x": {"S": "x"}}
    all_found = dynamodb.query(**asked, ExpressionAttributeValues={":p": ITEM["pk"]})
    with_x = dynamodb.query(
        **asked,
        ExpressionAttributeValues=values,
        ExpressionAttributeNames={"#s": "sets", "#n": "strings"},
        FilterExpression="contains(#s.#n, :x)",
    )
    assert all_found["Items"] == with_x["Items"] == [ITEM]


def test_a_changed_item_is_answered_as_it_is_now(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="watchlist", Item=ITEM)
    changed = dynamodb.update_item(
        TableName="watchlist",
        Key=KEY,
        UpdateExpression="SET #n = #n + :n REMOVE odd",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues={":n": {"N": "2"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]

    assert changed == {name: value for name, value in ITEM.items() if name != "odd"} | {"number": {"N": "0.5"}}
    assert dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"] == changed


def test_an_item_can_have_400_kilobytes_and_no_more_however_it_comes_by_them(dynamodb: Any) -> None:
    def grown(most: int) -> dict[str, Any]:
        return {"TableName": "watchlist", "Key": KEY, "UpdateExpression": "SET a = :a, b = :a, c = :a"} | {
            "ExpressionAttributeValues": {":a": {"S": "é" * (most // 6)}}
        }

    dynamodb.put_item(TableName="watchlist", Item={**KEY, "a": {"S": "é" * 199_000}})
    dynamodb.update_item(**grown(399_000))
    kept = dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"]

    for refused, arguments in (
        (dynamodb.put_item, {"TableName": "watchlist", "Item": {**KEY, "a": {"S": "é" * 210_000}}}),
        (dynamodb.update_item, grown(420_000)),
        (dynamodb.transact_write_items, {"TransactItems": [{"Update": grown(420_000)}]}),
    ):
        with pytest.raises(dynamodb.exceptions.ClientError, match=r"Item size (to update )?has exceeded"):
            refused(**arguments)

    assert dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"] == kept


def test_an_answer_ends_before_it_is_longer_than_one_may_be(dynamodb: Any) -> None:
    """A query at a megabyte of what DynamoDB counts, however long its text is; a batch at sixteen."""
    for number in range(60):
        # Each of these letters has two bytes, and six characters where it is kept.
        item = {"pk": {"S": "p"}, "sk": {"S": f"{number:02}"}, "text": {"S": "é" * 160_000}}
        dynamodb.put_item(TableName="watchlist", Item=item)
    asked = {"TableName": "watchlist", "KeyConditionExpression": "pk = :p"}

    page = dynamodb.query(**asked, ExpressionAttributeValues={":p": {"S": "p"}})
    keys = [{"pk": {"S": "p"}, "sk": {"S": f"{number:02}"}} for number in range(60)]
    batch = dynamodb.batch_get_item(RequestItems={"watchlist": {"Keys": keys}})

    assert [item["sk"]["S"] for item in page["Items"]] == ["00", "01", "02"]
    assert page["LastEvaluatedKey"]["sk"] == {"S": "02"}
    unread = batch["UnprocessedKeys"]["watchlist"]["Keys"]
    assert unread
    assert (
        sorted([*({"pk": item["pk"], "sk": item["sk"]} for item in batch["Responses"]["watchlist"]), *unread], key=str)
        == keys
    )


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


RANGE_KEYS = sorted(["a", "b", "b#1", "b#2", "b#2", "b#\U0001f600", "c", "é"])
"""Two items have one of them in the index."""

COMPARISONS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "all": ("", lambda _key: True),
    "=": ("AND {} = :one", lambda key: key == "b#2"),
    "<": ("AND {} < :one", lambda key: key < "b#2"),
    "<=": ("AND {} <= :one", lambda key: key <= "b#2"),
    ">": ("AND {} > :one", lambda key: key > "b#2"),
    ">=": ("AND {} >= :one", lambda key: key >= "b#2"),
    "between": ("AND {} BETWEEN :one AND :other", lambda key: "b#2" <= key <= "c"),
    "begins with": ("AND begins_with({}, :prefix)", lambda key: key.startswith("b#")),
}
VALUES = {":one": {"S": "b#2"}, ":other": {"S": "c"}, ":prefix": {"S": "b#"}}


@pytest.fixture
def filled(dynamodb: Any) -> Any:
    for number, key in enumerate(RANGE_KEYS):
        own_key = {"pk": {"S": f"own-{number}"}, "sk": {"S": "x"}, "user": {"S": "ada"}, "added_order": {"S": key}}
        dynamodb.put_item(TableName="watchlist", Item=own_key)
    for key in set(RANGE_KEYS):
        dynamodb.put_item(TableName="watchlist", Item={"pk": {"S": "one"}, "sk": {"S": key}})
    dynamodb.put_item(TableName="watchlist", Item={"pk": {"S": "not indexed"}, "sk": {"S": "x"}, "user": {"S": "ada"}})
    return dynamodb


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_pages_of_a_query_have_each_item_once_and_in_order(
    filled: Any, comparison: str, limit: int, *, forward: bool
) -> None:
    expression, is_wanted = COMPARISONS[comparison]
    index = tables.BY_USER
    places = {
        "table": ("pk", "one", "sk", sorted(set(RANGE_KEYS)), {}),
        "index": (index.hash_key, "ada", index.range_key, RANGE_KEYS, {"IndexName": index.name}),
    }
    for hash_key, value, range_key, keys, more in places.values():
        condition = f"#h = :hash {expression.format('#r')}"
        asked = {
            "TableName": "watchlist",
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#h": hash_key, **({"#r": range_key} if expression else {})},
            "ExpressionAttributeValues": {
                ":hash": {"S": value},
                **{name: each for name, each in VALUES.items() if name in condition},
            },
            "ScanIndexForward": forward,
            "Limit": limit,
            **more,
        }
        assert read(filled, range_key, asked) == [key for key in keys if is_wanted(key)][:: 1 if forward else -1]


def test_a_limit_is_of_what_is_looked_at_before_it_is_filtered(filled: Any) -> None:
    values = {":hash": {"S": "one"}, ":wanted": {"S": "c"}}
    asked = {"TableName": "watchlist", "KeyConditionExpression": "pk = :hash", "FilterExpression": "sk = :wanted"}
    more = {"ExpressionAttributeValues": values, "Limit": 2}
    first = filled.query(**asked, **more)

    assert (first["Items"], first["ScannedCount"]) == ([], 2)
    assert first["LastEvaluatedKey"]["sk"] == {"S": "b"}


def read(dynamodb: Any, range_key: str, asked: dict[str, Any]) -> list[str]:
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        page = dynamodb.query(**asked, **start)
        assert len(page["Items"]) <= asked["Limit"]
        found += [item[range_key]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def test_an_item_that_was_read_is_forgotten() -> None:
    program = """
import gc, weakref
from local_service.aws.data_folder import open_database
from local_service.aws.kept_tables import install
from moto.dynamodb.models.dynamo_type import DynamoType, Item
install(open_database(None))
item = weakref.ref(Item(DynamoType({"S": "a"}), DynamoType({"S": "b"}), {}))
gc.collect()
assert item() is None
"""
    subprocess.run([sys.executable, "-c", program], cwd=lifeline.ROOT, check=True)


def test_a_projection_has_the_wanted_attributes_alone_at_any_depth(dynamodb: Any) -> None:
    dynamodb.put_item(TableName="watchlist", Item=ITEM)
    asked = {"TableName": "watchlist", "Key": KEY, "ExpressionAttributeNames": {"#b": "binary", "#n": "nested"}}

    flat = dynamodb.get_item(**asked | {"ProjectionExpression": "#b, sk, nowhere_to_be_found, #n"})["Item"]
    names = {"#n": "nested", "#e": "empty"}
    deep = dynamodb.get_item(**asked | {"ProjectionExpression": "sk, #n.#e", "ExpressionAttributeNames": names})["Item"]

    assert flat == {name: ITEM[name] for name in ("binary", "sk", "nested")}
    assert deep == {"sk": ITEM["sk"], "nested": {"M": {"empty": {"M": {}}}}}
