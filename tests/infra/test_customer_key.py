"""With one setting, all that is stored is encrypted by one key of the customer's own, and everybody still may."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from infra.environments import DEV
from tests.infra.conftest import synthesised
from tests.infra.edges import assert_all_edges_hold
from tests.infra.templates import Template, as_list, target

WITH_KEY = dataclasses.replace(DEV, name="keyed", customer_key=True)

ENCRYPTED: dict[str, Callable[[Any], Any]] = {
    "AWS::DynamoDB::GlobalTable": lambda table: table["Replicas"][0]["SSESpecification"]["KMSMasterKeyId"],
    "AWS::Logs::LogGroup": lambda group: group["KmsKeyId"],
    "AWS::SQS::Queue": lambda queue: queue["KmsMasterKeyId"],
    "AWS::SNS::Topic": lambda topic: topic["KmsMasterKeyId"],
    "AWS::SecretsManager::Secret": lambda secret: secret["KmsKeyId"],
}
"""Where each type that stores something names its key."""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(WITH_KEY, tmp_path_factory.mktemp("keyed"))


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_everything_that_is_stored_is_encrypted_by_the_one_key(keyed: Template, kind: str) -> None:
    (key,) = keyed.of_type("AWS::KMS::Key")
    stored = keyed.properties(kind)
    assert stored
    assert {name: target(ENCRYPTED[kind](properties)) for name, properties in stored.items()} == dict.fromkeys(
        stored, key
    )


def test_the_key_is_changed_every_year(keyed: Template) -> None:
    assert keyed.the("AWS::KMS::Key")["EnableKeyRotation"] is True


def statement(keyed: Template, sid: str) -> dict[str, Any]:
    (found,) = (each for each in keyed.the("AWS::KMS::Key")["KeyPolicy"]["Statement"] if each.get("Sid") == sid)
    assert found["Effect"] == "Allow"
    return dict(found)


def test_whoever_may_use_what_is_stored_may_have_it_decrypted_by_its_service_alone(keyed: Template) -> None:
    through = statement(keyed, "ThroughServices")
    conditions = through["Condition"]["StringEquals"]
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(through["Action"])
    assert conditions["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}
    assert len(conditions["kms:ViaService"]) == 4


def test_alarms_reach_the_encrypted_topic(keyed: Template) -> None:
    alarms = statement(keyed, "Alarms")
    assert set(as_list(alarms["Principal"]["Service"])) == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} == set(alarms["Action"])


def test_logs_of_this_account_are_written(keyed: Template) -> None:
    assert "kms:EncryptionContext:aws:logs:arn" in statement(keyed, "Logs")["Condition"]["ArnLike"]


def test_without_the_setting_there_is_no_key(dev: Template) -> None:
    assert not dev.of_type("AWS::KMS::Key")


def test_what_services_hand_over_arrives_here_as_well(keyed: Template) -> None:
    assert_all_edges_hold(keyed)
