"""What an expression says depends on the names and values that it is said with, however often it was said before."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def dynamodb(aws: EmbeddedAws, environment: Environment) -> Any:
    assert environment.url == aws.url
    dynamodb = client(aws, "dynamodb")
    dynamodb.put_item(TableName="watchlist", Item={**KEY, "x": {"N": "1"}, "y": {"N": "2"}, "l": {"L": [{"S": "0"}]}})
    return dynamodb


def attributes(dynamodb: Any) -> Any:
    item = dynamodb.get_item(TableName="watchlist", Key=KEY)["Item"]
    return {name: value for name, value in item.items() if name not in KEY}


def set_if(dynamodb: Any, names: dict[str, str], values: dict[str, Any], *, expression: str = "SET #new = :new") -> str:
    """Update under a condition of one text; return "done" or the error's code."""
    try:
        dynamodb.update_item(
            TableName="watchlist",
            Key=KEY,
            UpdateExpression=expression,
            ConditionExpression="#known BETWEEN :low AND :high OR #known IN (:low)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


LOW, HIGH, NEW = {":low": {"N": "1"}}, {":high": {"N": "1"}}, {":new": {"S": "new"}}


def test_the_same_condition_looks_at_other_attributes_and_values_each_time(dynamodb: Any) -> None:
    for _ in range(2):
        assert set_if(dynamodb, {"#known": "x", "#new": "n"}, LOW | HIGH | NEW) == "done"
        assert set_if(dynamodb, {"#known": "y", "#new": "n"}, LOW | HIGH | NEW) == "ConditionalCheckFailedException"
        assert set_if(dynamodb, {"#known": "y", "#new": "n"}, LOW | {":high": {"N": "2"}} | NEW) == "done"
        assert set_if(dynamodb, {"#known": "n", "#new": "n"}, {":low": {"S": "a"}, ":high": {"S": "z"}} | NEW) == "done"


def test_the_same_update_changes_other_attributes_each_time(dynamodb: Any) -> None:
    for name, value in (("x", "first"), ("y", "second"), ("x", "third")):
        assert (
            set_if(
                dynamodb,
                {"#known": "l", "#new": name},
                {":low": {"L": [{"S": "0"}]}, ":high": {"L": []}} | {":new": {"S": value}},
            )
            == "done"
        )

    assert attributes(dynamodb) == {"x": {"S": "third"}, "y": {"S": "second"}, "l": {"L": [{"S": "0"}]}}


def test_an_update_that_depends_on_the_item_is_worked_out_each_time(dynamodb: Any) -> None:
    for _ in range(3):
        dynamodb.update_item(
            TableName="watchlist",
            Key=KEY,
            UpdateExpression="SET x = x + :one, l = list_append(l, :more), d = if_not_exists(d, x) ADD y :one",
            ExpressionAttributeValues={":one": {"N": "1"}, ":more": {"L": [{"S": "1"}]}},
        )

    assert attributes(dynamodb) == {
        "x": {"N": "4"},
        "y": {"N": "5"},
        "d": {"N": "1"},
        "l": {"L": [{"S": "0"}, *[{"S": "1"}] * 3]},
    }


@pytest.mark.parametrize(
    ("names", "values", "expression"),
    [
        ({"#known": "x", "#new": "pk"}, LOW | HIGH | NEW, "SET #new = :new"),
        ({"#known": "x", "#new": "n"}, LOW | HIGH | NEW, "SET #new = :new, #new = :new"),
        ({"#known": "x", "#new": "n"}, LOW | HIGH | NEW, "SET #new = :new SET x = :new"),
        ({"#known": "x", "#new": "n", "#other": "n"}, LOW | HIGH | NEW, "SET #new = :new, #other = :new"),
        ({"#known": "x", "#new": "n", "#unused": "n"}, LOW | HIGH | NEW, "SET #new = :new"),
        ({"#known": "x", "#new": "n"}, LOW | HIGH | NEW | {":unused": {"N": "1"}}, "SET #new = :new"),
        ({"#known": "x", "#new": "n"}, LOW | HIGH | NEW, "SET #new = missing"),
    ],
)
def test_what_is_refused_is_refused_again_also_after_the_same_was_accepted(
    dynamodb: Any, names: dict[str, str], values: dict[str, Any], expression: str
) -> None:
    assert set_if(dynamodb, {"#known": "x", "#new": "n"}, LOW | HIGH | NEW) == "done"
    before = attributes(dynamodb)

    for _ in range(2):
        assert set_if(dynamodb, names, values, expression=expression) == "ValidationException"

    assert attributes(dynamodb) == before


def test_a_name_that_is_reserved_or_brackets_too_many_are_refused_each_time(dynamodb: Any) -> None:
    for condition in ("name = :v", "((x = :v))"):
        for _ in range(2):
            with pytest.raises(ClientError, match="Invalid ConditionExpression"):
                dynamodb.delete_item(
                    TableName="watchlist",
                    Key=KEY,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":v": {"N": "1"}},
                )
