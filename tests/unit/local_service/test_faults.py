import pytest
from pydantic import ValidationError

from local_service.aws.embedded import Call, Fault, FaultDice, FaultPlan

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
