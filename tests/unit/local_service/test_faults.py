from typing import Any

import pytest
from pydantic import ValidationError

from local_service.aws.faults import Call, Fault, FaultDice, FaultPlan, Refusal, Throttled, throttle

PUT = Call(caller="task", service="dynamodb", operation="PutItem")


def test_a_call_is_read_from_its_headers() -> None:
    authorization = "AWS4-HMAC-SHA256 Credential=task/20260301/us-east-1/dynamodb/aws4_request, SignedHeaders=host"

    assert Call.of(authorization, "DynamoDB_20120810.PutItem") == PUT
    assert Call.of("", "") == Call(caller="", service="", operation="")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(),
        Fault(service="dynamodb"),
        Fault(operation="PutItem"),
        Fault(caller="task", service="dynamodb", operation="PutItem"),
    ],
)
def test_a_fault_hits_the_calls_that_it_describes(fault: Fault) -> None:
    assert fault.matches(PUT)


@pytest.mark.parametrize("fault", [Fault(service="sqs"), Fault(operation="GetItem"), Fault(caller="functions")])
def test_a_fault_spares_other_calls(fault: Fault) -> None:
    assert not fault.matches(PUT)


def test_faults_spare_the_platform_unless_they_name_it() -> None:
    platform = Call(caller="platform", service="ecs", operation="StopTask")

    assert not Fault(service="ecs").matches(platform)
    assert Fault(service="ecs", caller="platform").matches(platform)


def test_a_seed_decides_which_calls_fail() -> None:
    def hits(seed: int) -> list[bool]:
        dice = FaultDice(FaultPlan(faults=(Fault(probability=0.5),), seed=seed))
        return [dice.roll(PUT) is not None for _ in range(64)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 0 < sum(hits(1)) < 64


def test_a_fault_ends_after_its_times() -> None:
    dice = FaultDice(FaultPlan(faults=(Fault(times=2),)))

    assert [dice.roll(PUT) is not None for _ in range(4)] == [True, True, False, False]
    assert dice.used == (2,)


def test_a_misspelt_fault_is_refused() -> None:
    with pytest.raises(ValidationError):
        FaultPlan.model_validate_json('{"faults": [{"operations": "PutItem"}]}')


def batch(size: int) -> dict[str, Any]:
    return {"RequestItems": {"watchlist": [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(size)]}}


def test_a_throttled_batch_is_taken_in_part() -> None:
    call = Call(caller="functions", service="dynamodb", operation="BatchWriteItem")

    throttled = throttle(call, batch(5))

    assert isinstance(throttled, Throttled)
    assert throttled.taken == batch(2)
    assert throttled.left == {"UnprocessedItems": {"watchlist": batch(5)["RequestItems"]["watchlist"][2:]}}


def test_a_throttled_read_of_many_keys_says_which_are_left() -> None:
    call = Call(caller="functions", service="dynamodb", operation="BatchGetItem")
    keys = [{"pk": {"S": str(n)}} for n in range(3)]

    throttled = throttle(call, {"RequestItems": {"watchlist": {"Keys": keys, "ConsistentRead": True}}})

    assert isinstance(throttled, Throttled)
    assert throttled.left == {"UnprocessedKeys": {"watchlist": {"Keys": keys[1:], "ConsistentRead": True}}}


def test_a_throttled_batch_of_messages_has_failed_entries() -> None:
    call = Call(caller="functions", service="sqs", operation="SendMessageBatch")

    throttled = throttle(call, {"QueueUrl": "q", "Entries": [{"Id": "a"}, {"Id": "b"}]})

    assert isinstance(throttled, Throttled)
    assert throttled.taken == {"QueueUrl": "q", "Entries": [{"Id": "a"}]}
    assert [entry["Id"] for entry in throttled.answer({"Successful": [{"Id": "a"}]})["Failed"]] == ["b"]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("dynamodb", "PutItem", "ProvisionedThroughputExceededException"),
        ("dynamodb", "BatchWriteItem", "ProvisionedThroughputExceededException"),
        ("dynamodb", "TransactWriteItems", "TransactionCanceledException"),
        ("sqs", "SendMessage", "RequestThrottled"),
        ("ecs", "RunTask", "ThrottlingException"),
    ],
)
def test_what_cannot_be_taken_in_part_is_refused_by_its_services_own_name(
    service: str, operation: str, code: str
) -> None:
    call = Call(caller="functions", service=service, operation=operation)

    refusal = throttle(call, batch(1) | {"TransactItems": [{}, {}]})

    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.body["__type"]) == (400, code)


def test_nothing_is_throttled_after_it_was_performed() -> None:
    with pytest.raises(ValidationError):
        Fault(harm="throttle", moment="after")
