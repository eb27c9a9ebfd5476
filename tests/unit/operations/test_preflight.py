import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from functions.http import page
from infra import environments
from infra.environments import DEV, PROD, Environment, Network
from infra.operations import preflight

REGION = "us-east-1"
SERVICES = ("iam", "ssm", "ec2", "service-quotas", "lambda")
READY = dataclasses.replace(PROD, name="ready", alarm_email="operator@example.com")
RESERVED = 15 + 5 + 2 + 1
"""By the dispatcher, the function that hears of stopped tasks, the reconciler and the digest."""


class Account:
    """An account in which nothing is missing for production, until a test takes something away.

    Attributes:
        stubs: what AWS is asked, by service, in order.
    """

    def __init__(self) -> None:
        given: Mapping[str, Any] = {"region_name": REGION, "aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.region_name = REGION
        make: Any = boto3.client  # its types know literal names only
        self.clients: dict[str, Any] = {name: make(name, **given) for name in SERVICES}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.role_refusal: str | None = None
        self.bootstrap: str | None = "21"
        self.zones = {"us-east-1b": "use1-az2", "us-east-1a": "use1-az1", "us-east-1c": "use1-az3"}
        self.networks, self.addresses = 1, 0
        self.quotas: dict[str, float | None] = {
            "L-F678F1CE": 5.0,
            "L-0263D0A3": 5.0,
            "L-3032A538": 50.0,
            "L-36FBB829": 20.0,
        }
        self.executions = (1000, 1000)

    def client(self, name: str) -> Any:
        return self.clients[name]

    def answers(self, environment: Environment) -> None:
        """Add what AWS answers to the checks of the environment."""
        self._answer_about_role()
        self._answer_about_bootstrap()
        zones = [{"ZoneName": name, "ZoneId": zone_id} for name, zone_id in self.zones.items()]
        self.stubs["ec2"].add_response("describe_availability_zones", {"AvailabilityZones": zones})
        self.stubs["ec2"].add_response("describe_vpcs", {"Vpcs": [{"VpcId": f"vpc-{n}"} for n in range(self.networks)]})
        self._answer_about_quota("vpc", "L-F678F1CE")
        if environment.network is Network.PRIVATE:
            addresses = [{"PublicIp": f"192.0.2.{n}"} for n in range(self.addresses)]
            self.stubs["ec2"].add_response("describe_addresses", {"Addresses": addresses})
            self._answer_about_quota("ec2", "L-0263D0A3")
        self._answer_about_quota("fargate", "L-3032A538")
        self._answer_about_quota("fargate", "L-36FBB829")
        total, free = self.executions
        limit = {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}
        self.stubs["lambda"].add_response("get_account_settings", {"AccountLimit": limit})

    def _answer_about_role(self) -> None:
        asked = {"RoleName": "AWSServiceRoleForECS"}
        if self.role_refusal is not None:
            self.stubs["iam"].add_client_error("get_role", self.role_refusal, expected_params=asked)
            return
        self.stubs["iam"].add_response("get_role", {"Role": _role()}, asked)

    def _answer_about_bootstrap(self) -> None:
        asked = {"Name": "/cdk-bootstrap/hnb659fds/version"}
        if self.bootstrap is None:
            self.stubs["ssm"].add_client_error("get_parameter", "ParameterNotFound", expected_params=asked)
            return
        self.stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": self.bootstrap}}, asked)

    def _answer_about_quota(self, service: str, code: str) -> None:
        asked, value = {"ServiceCode": service, "QuotaCode": code}, self.quotas[code]
        quotas = self.stubs["service-quotas"]
        if value is not None:
            quotas.add_response("get_service_quota", {"Quota": {"Value": value}}, asked)
            return
        quotas.add_client_error("get_service_quota", "NoSuchResourceException", expected_params=asked)
        quotas.add_response("get_aws_default_service_quota", {"Quota": {"Value": 6.0}}, asked)


def _role() -> dict[str, Any]:
    return {
        "Path": "/aws-service-role/ecs.amazonaws.com/",
        "RoleName": "AWSServiceRoleForECS",
        "RoleId": "AROAEXAMPLEEXAMPLE00",
        "Arn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "CreateDate": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    account = Account()
    built = tmp_path / "page.json"
    built.write_text("{}")
    monkeypatch.setattr(boto3, "Session", lambda: account)
    monkeypatch.setattr(preflight, "PAGE", built)
    for stub in account.stubs.values():
        stub.activate()
    yield account
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture
def missing(account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Missing":
    return Missing(account, monkeypatch, capsys)


class Missing:
    """Runs the command and returns the lines of what is missing."""

    def __init__(self, account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._account, self._monkeypatch, self._capsys = account, monkeypatch, capsys

    def of(self, environment: Environment, *options: str, answers: bool = True) -> list[str]:
        self._monkeypatch.setattr(environments, "ENVIRONMENTS", (environment,))
        if answers:
            self._account.answers(environment)
        code = preflight.main([environment.name, *options])
        lines = self._capsys.readouterr().out.splitlines()
        found = [line for line in lines if line.startswith("missing")]
        assert all(line.startswith(("ok ", "missing ")) for line in lines)
        assert code == (1 if found else 0)
        return found


def test_an_account_with_just_enough_lacks_nothing(account: Account, missing: Missing) -> None:
    account.executions = (RESERVED + 100, RESERVED + 100)

    assert missing.of(READY) == []


def test_the_role_that_a_new_account_lacks_is_named(account: Account, missing: Missing) -> None:
    account.role_refusal = "NoSuchEntity"

    (line,) = missing.of(READY)

    assert "AWSServiceRoleForECS" in line
    assert "--make" in line


def test_the_role_is_made_when_that_is_wanted(account: Account, missing: Missing) -> None:
    account.role_refusal = "NoSuchEntity"
    account.answers(READY)
    account.stubs["iam"].add_response(
        "create_service_linked_role", {"Role": _role()}, {"AWSServiceName": "ecs.amazonaws.com"}
    )

    assert missing.of(READY, "--make", answers=False) == []


def test_a_role_that_is_there_is_not_made_again(missing: Missing) -> None:
    assert missing.of(READY, "--make") == []


@pytest.mark.parametrize(("version", "told"), [(None, "there none"), ("5", "there 5")])
def test_a_region_without_a_bootstrap_of_the_right_version_is_told(
    version: str | None, told: str, account: Account, missing: Missing
) -> None:
    account.bootstrap = version

    (line,) = missing.of(READY)

    assert told in line
    assert "cdk bootstrap" in line


def test_vcpus_are_asked_for_all_tasks_at_once(account: Account, missing: Missing) -> None:
    account.quotas |= {"L-3032A538": 49.0, "L-36FBB829": 19.0}

    setups, refreshes = missing.of(READY)

    assert "asked 50 vCPU, there 49" in setups
    assert "--quota-code L-3032A538 --desired-value 50" in setups
    assert "asked 20 vCPU, there 19" in refreshes
    assert "--quota-code L-36FBB829 --desired-value 20" in refreshes


def test_part_of_a_vcpu_is_asked_as_a_whole_one(account: Account, missing: Missing) -> None:
    account.quotas |= {"L-3032A538": 1.0}
    small = dataclasses.replace(READY, max_setup_tasks=3, task_cpu=512, task_memory=1024)

    (line,) = missing.of(small)

    assert "asked 2 vCPU, there 1" in line


def test_a_quota_that_the_account_never_changed_is_the_default(account: Account, missing: Missing) -> None:
    account.quotas |= {"L-3032A538": None}

    (line,) = missing.of(READY)

    assert "asked 50 vCPU, there 6" in line


def test_executions_of_a_new_account_are_too_few_to_reserve_any(account: Account, missing: Missing) -> None:
    account.executions = (10, 10)

    (line,) = missing.of(READY)

    assert f"asked {RESERVED} to reserve and 100 left, there 10 unreserved of 10" in line
    assert "--quota-code L-B99A9384 --desired-value 1000" in line


def test_what_others_have_reserved_is_not_there(account: Account, missing: Missing) -> None:
    account.executions = (1000, RESERVED + 99)

    (line,) = missing.of(READY)

    assert "--desired-value 1001" in line


def test_an_environment_that_reserves_none_needs_no_executions(account: Account, missing: Missing) -> None:
    account.executions = (10, 10)

    assert missing.of(DEV) == []


def test_a_region_full_of_networks_has_no_room_for_one_more(account: Account, missing: Missing) -> None:
    account.networks = 5

    (line,) = missing.of(READY)

    assert "5 of 5 in use" in line
    assert "--quota-code L-F678F1CE --desired-value 6" in line


def test_a_private_network_needs_an_address(account: Account, missing: Missing) -> None:
    account.addresses = 5

    (line,) = missing.of(dataclasses.replace(READY, network=Network.PRIVATE))

    assert "Elastic IPs: asked one more, there 5 of 5 in use" in line


@pytest.mark.parametrize("zones", [("us-east-1a", "us-east-1c"), ("us-east-1a", "us-east-1f")])
def test_a_zone_that_is_not_there_or_has_no_arm_is_told_with_those_that_serve(
    zones: tuple[str, ...], missing: Missing
) -> None:
    (line,) = missing.of(dataclasses.replace(READY, zones=zones))

    assert "there us-east-1a. Set zones of the environment to two or more of us-east-1a, us-east-1b" in line


def test_the_first_two_zones_are_asked_for_where_none_are_named(account: Account, missing: Missing) -> None:
    account.zones = {"us-east-1a": "use1-az3", "us-east-1b": "use1-az1", "us-east-1c": "use1-az2"}

    (line,) = missing.of(READY)

    assert "asked 2 (us-east-1a, us-east-1b), there us-east-1b." in line


def test_a_page_that_is_not_built_is_told(missing: Missing) -> None:
    preflight.PAGE.unlink()

    (line,) = missing.of(READY)

    assert "make page" in line


def test_the_page_is_looked_for_where_it_is_served_from() -> None:
    assert preflight.PAGE == page.BUILT


def test_nobody_who_hears_of_alarms_is_told_where_data_is_kept(missing: Missing) -> None:
    (line,) = missing.of(dataclasses.replace(READY, alarm_email=None))

    assert "alarm_email" in line


def test_a_check_that_aws_refuses_is_told_and_stops_no_other(account: Account, missing: Missing) -> None:
    account.role_refusal, account.bootstrap = "AccessDenied", None

    refused, without_bootstrap = missing.of(READY)

    assert "AccessDenied" in refused
    assert "Check credentials" in refused
    assert "cdk bootstrap" in without_bootstrap


@pytest.mark.usefixtures("account")
def test_an_unknown_environment_ends_it_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main(["production"]) == 2

    assert "allowed are dev, staging, prod" in capsys.readouterr().err
