"""Checks an account and a checkout before an environment's first deployment, with the credentials of the caller.

    scripts/preflight dev [--make]

One line for each thing that the deployment or the running service needs: what is asked, what is there, what to do.
Exits 1 if anything is missing. It reads only; `--make` makes the service-linked role that a new account lacks.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.environments import Environment, InvalidEnvironmentError, Network, environments_named
from watchlist.deployment import functions

ECS_ROLE = "AWSServiceRoleForECS"
"""The one role that must be there first: a cluster with capacity providers is refused until it exists and is known
everywhere, which takes longer than CloudFormation waits (Amazon ECS developer guide, "Using service-linked roles").
What else the template has needs none, or its service makes the role by itself.
"""

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""Where `cdk bootstrap` writes its version, under the qualifier that the CDK takes when none is named."""

BOOTSTRAP_VERSION = 6
"""The least that the template's own rule accepts."""

UNRESERVED_EXECUTIONS = 100
"""What Lambda keeps for functions without a reserve (AWS Lambda developer guide, "Reserved concurrency"). Accounts with
a quota below a thousand were seen to keep ten or fifty; who asks for more gets a thousand.
"""

ZONES_WITHOUT_ARM = frozenset({"use1-az3", "apne3-az2", "apne3-az3"})
"""Ids of zones without Fargate on ARM (Amazon ECS developer guide, "Supported Regions for Amazon ECS on Fargate")."""

PAGE = Path(__file__).parents[2] / "functions" / "http" / "page.json"
"""What `make page` builds."""

_UNITS_OF_A_VCPU = 1024
_ZONES = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        subject: what was looked at.
        asked: what the environment needs of it.
        there: what is there.
        remedy: what to do; None if nothing is missing.
    """

    subject: str
    asked: str
    there: str
    remedy: str | None

    def __str__(self) -> str:
        told = f"{self.subject}: asked {self.asked}, there {self.there}"
        return f"ok       {told}" if self.remedy is None else f"missing  {told}. {self.remedy}."


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of Service Quotas.

    Attributes:
        name: as the console has it.
        service: the service's code.
        code: the quota's code.
    """

    name: str
    service: str
    code: str

    def value(self, session: boto3.Session) -> int:
        """Return what the account has.

        Raises:
            BotoCoreError, ClientError: the quota cannot be read.
        """
        quotas = session.client("service-quotas")
        asked = {"ServiceCode": self.service, "QuotaCode": self.code}
        try:
            answer = quotas.get_service_quota(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchResourceException":
                raise
            # An account in which nobody ever asked for more may have none of its own.
            answer = quotas.get_aws_default_service_quota(**asked)
        return int(answer["Quota"]["Value"])

    def request(self, least: int) -> str:
        """Return the command that asks for `least`."""
        return (
            f"`aws service-quotas request-service-quota-increase --service-code {self.service}"
            f" --quota-code {self.code} --desired-value {least}`"
        )


ON_DEMAND = Quota("Fargate On-Demand vCPU resource count", "fargate", "L-3032A538")
SPOT = Quota("Fargate Spot vCPU resource count", "fargate", "L-36FBB829")
EXECUTIONS = Quota("Lambda concurrent executions", "lambda", "L-B99A9384")
NETWORKS = Quota("VPCs per Region", "vpc", "L-F678F1CE")
ADDRESSES = Quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3")


def check_role(session: boto3.Session, *, make: bool) -> Finding:
    """Look for the service-linked role of ECS, and make it if it is missing and shall be made."""
    iam = session.client("iam")
    found = Finding(f"service-linked role {ECS_ROLE}", "it exists", "it does", None)
    try:
        iam.get_role(RoleName=ECS_ROLE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
    else:
        return found
    if make:
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
        return Finding(found.subject, found.asked, "made now: wait a minute before the deployment", None)
    return Finding(
        found.subject,
        found.asked,
        "none",
        "Run with --make, or `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`",
    )


def check_vcpus(session: boto3.Session, quota: Quota, units: int) -> Finding:
    """Compare the CPU units of all tasks at once with the account's quota, which others in the account use too."""
    least, has = -(-units // _UNITS_OF_A_VCPU), quota.value(session)
    remedy = f"{quota.request(least)}, or lower the tasks at once; until then jobs wait for others' tasks to end"
    return Finding(quota.name, f"{least} vCPU", str(has), None if has >= least else remedy)


def check_executions(session: boto3.Session, environment: Environment) -> Finding:
    """Compare what functions reserve, and what must be left, with what nobody has reserved yet."""
    limit = session.client("lambda").get_account_settings()["AccountLimit"]
    total, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    there = f"{free} unreserved of {total}"
    if not environment.reserves_concurrency:
        return Finding(EXECUTIONS.name, "none reserved", there, None)
    specs = functions.functions_of(accepts_tokens=environment.jwt is not None)
    reserved = sum(spec.concurrency or 0 for spec in specs)
    least = reserved + UNRESERVED_EXECUTIONS
    # A new account is given a thousand, or nothing: the default is what is granted without a question.
    remedy = f"{EXECUTIONS.request(max(1000, total + least - free))}, or set reserves_concurrency=False"
    return Finding(
        EXECUTIONS.name,
        f"{reserved} to reserve and {UNRESERVED_EXECUTIONS} left",
        there,
        None if free >= least else remedy,
    )


def check_networks(session: boto3.Session) -> Finding:
    """Compare the networks that are there, and the environment's own, with the quota."""
    used = sum(len(page["Vpcs"]) for page in session.client("ec2").get_paginator("describe_vpcs").paginate())
    return _one_more(session, NETWORKS, used)


def check_addresses(session: boto3.Session) -> Finding:
    """Compare the addresses that are there, and the one of the NAT gateway, with the quota."""
    return _one_more(session, ADDRESSES, len(session.client("ec2").describe_addresses()["Addresses"]))


def check_bootstrap(session: boto3.Session) -> Finding:
    """Compare the version of the account's bootstrap stack in this region with what the template asks for."""
    subject, asked = f"CDK bootstrap ({session.region_name})", f"version {BOOTSTRAP_VERSION} or later"
    try:
        version = session.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return Finding(subject, asked, "none", "Run `cdk bootstrap`")
    return Finding(subject, asked, version, None if int(version) >= BOOTSTRAP_VERSION else "Run `cdk bootstrap` again")


def check_zones(session: boto3.Session, environment: Environment) -> Finding:
    """Look whether the region has the environment's zones, and whether they have Fargate on ARM."""
    found = session.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    )["AvailabilityZones"]
    ids = {zone["ZoneName"]: zone["ZoneId"] for zone in found}
    wanted = environment.zones or tuple(sorted(ids)[:_ZONES])
    usable = [zone for zone in wanted if zone in ids and ids[zone] not in ZONES_WITHOUT_ARM]
    suitable = [zone for zone in sorted(ids) if ids[zone] not in ZONES_WITHOUT_ARM]
    return Finding(
        "zones with Fargate on ARM",
        f"{len(environment.zones) or _ZONES} ({', '.join(wanted) or 'the first'})",
        ", ".join(usable) or "none",
        None
        if len(usable) == (len(environment.zones) or _ZONES)
        else f"Set zones of the environment to two or more of {', '.join(suitable) or 'another region'}",
    )


def check_page(page: Path) -> Finding:
    """Look for the built page, which the package of `GET /` takes along."""
    built = page.is_file()
    return Finding("page", "it is built", "it is" if built else "none", None if built else "Run `make page`")


def check_alarm_email(environment: Environment) -> Finding:
    """Look whether a person is told of alarms where data is kept."""
    asked = "an address, since data is kept" if environment.keeps_data else "none, since no data is kept"
    is_missing = environment.keeps_data and environment.alarm_email is None
    return Finding(
        "alarm_email",
        asked,
        environment.alarm_email or "none",
        "Set it, and confirm the mail that AWS sends" if is_missing else None,
    )


def findings(session: boto3.Session, environment: Environment, *, make: bool) -> Iterator[Finding]:
    """Yield what each check found. One that AWS does not answer is missing, with the reason, and stops no other."""
    for subject, check in _checks(session, environment, make=make):
        try:
            yield check()
        except (BotoCoreError, ClientError) as error:
            yield Finding(subject, "an answer", str(error), "Check credentials, region and permissions")


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/preflight", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("environment")
    parser.add_argument("--make", action="store_true", help=f"make {ECS_ROLE} if it is missing")
    given = parser.parse_args(arguments)
    try:
        (environment,) = environments_named(given.environment)
        session = boto3.Session()
    except (InvalidEnvironmentError, BotoCoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    is_missing = False
    for finding in findings(session, environment, make=given.make):
        sys.stdout.write(f"{finding}\n")
        is_missing |= finding.remedy is not None
    return int(is_missing)


def _checks(
    session: boto3.Session, environment: Environment, *, make: bool
) -> Iterable[tuple[str, Callable[[], Finding]]]:
    # A refresh that failed is tried again in full size.
    refresh_cpu = max(environment.task_cpu, environment.refresh_task_cpu)
    setup_units, refresh_units = (
        environment.max_setup_tasks * environment.task_cpu,
        environment.max_refresh_tasks * refresh_cpu,
    )
    yield ECS_ROLE, lambda: check_role(session, make=make)
    yield "CDK bootstrap", lambda: check_bootstrap(session)
    yield "zones", lambda: check_zones(session, environment)
    yield NETWORKS.name, lambda: check_networks(session)
    if environment.network is Network.PRIVATE:
        yield ADDRESSES.name, lambda: check_addresses(session)
    yield ON_DEMAND.name, lambda: check_vcpus(session, ON_DEMAND, setup_units)
    yield SPOT.name, lambda: check_vcpus(session, SPOT, refresh_units)
    yield EXECUTIONS.name, lambda: check_executions(session, environment)
    yield "page", lambda: check_page(PAGE)
    yield "alarm_email", lambda: check_alarm_email(environment)


def _one_more(session: boto3.Session, quota: Quota, used: int) -> Finding:
    has = quota.value(session)
    return Finding(
        quota.name,
        "one more",
        f"{used} of {has} in use",
        None if used < has else f"Remove one, or {quota.request(used + 1)}",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
