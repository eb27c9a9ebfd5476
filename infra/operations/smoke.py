"""Checks a deployed environment from outside, with the credentials of the caller.

    scripts/smoke dev [--repository URL] [--token JWT]

It adds a repository and waits until it is analysed. It checks two behaviours that no local test can show: Lambda leaves
a reported message in flight; ECS starts one task for one client token, and tells when it stops. It lets an alarm fire
and looks whether somebody hears of it, and whether what runs by the clock has run. It leaves the repository on the
watchlist of the user `smoke-test`, or of the token's subject. It exits 1 at the first check that fails.

It costs about two US cents: two Fargate tasks of a few minutes at most, and an hour of the metrics that they emit.
"""

import argparse
import base64
import binascii
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from watchlist.deployment.functions import TASK_STOPPED
from watchlist.deployment.routes import ADD, STATUS
from watchlist.job_kinds import JobKind
from watchlist.metrics import DIMENSION, NAMESPACE, Metric
from watchlist.settings import DispatcherSettings, load

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

DEFAULT_REPOSITORY = "https://github.com/pallets/markupsafe"
"""Small, public, alive."""

USER = "smoke-test"

COST = "This costs about two US cents: two Fargate tasks of a few minutes, and an hour of the metrics that they emit."

BY_THE_CLOCK = (Metric.RECONCILER_RUN, Metric.SCHEDULER_RUN, Metric.DIGEST_RUN)
"""What each function that runs by the clock counts at the end of a run."""

_CLOCK = timedelta(minutes=15)
"""Several times the longest interval."""

_READY_SECONDS = 600
_STOP_SECONDS = 300
_POLL_SECONDS = 5
_HTTP_CONFLICT = 409

Found = TypeVar("Found")


class CheckFailedError(Exception):
    """The environment does not behave as it must; the message says how."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the stack of an environment consists of.

    Attributes:
        outputs: the stack's outputs by the end of their names.
        resources: physical ids by (type, logical id).
    """

    service: str
    outputs: Mapping[str, str]
    resources: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, environment: str, session: boto3.Session) -> "Deployment":
        """Read the stack of `environment` from CloudFormation."""
        cloudformation = session.client("cloudformation")
        name = f"{environment}-repository-watchlist"
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return cls(
            service=f"repository-watchlist-{environment}",
            outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
            resources={
                (resource["ResourceType"], resource["LogicalResourceId"]): resource["PhysicalResourceId"]
                for page in pages
                for resource in page["StackResourceSummaries"]
            },
        )

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return next(value for key, value in self.outputs.items() if key.startswith("ApiUrl")).rstrip("/")

    def physical_id(self, kind: str, logical_prefix: str) -> str:
        """Return the physical id of the resource of that type whose logical id starts like that."""
        found = [
            physical
            for (type_, logical), physical in self.resources.items()
            if type_ == kind and logical.startswith(logical_prefix)
        ]
        if len(found) != 1:
            raise CheckFailedError(f"the stack has {len(found)} resources {kind} {logical_prefix}*, expected one")
        return found[0]


class Api:
    """Calls the API as the caller's IAM identity, or with a token."""

    def __init__(self, url: str, session: boto3.Session, token: str | None) -> None:
        self._url = url
        self._session = session
        self._token = token
        self._http = urllib3.PoolManager(timeout=30, retries=False)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON body of the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = self._headers(method, f"{self._url}{path}", data)
        answer = self._http.request(method, f"{self._url}{path}", body=data, headers=headers)
        content: dict[str, Any] = answer.json() if answer.data else {}
        return answer.status, content

    def _headers(self, method: str, url: str, data: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            return {**headers, "Authorization": f"Bearer {self._token}"}
        credentials = self._session.get_credentials()
        if credentials is None:
            raise CheckFailedError("no AWS credentials: set AWS_PROFILE, or give --token")
        request = AWSRequest(method, url, data=data, headers=headers)
        SigV4Auth(credentials, "execute-api", self._session.region_name).add_auth(request)
        return dict(request.headers.items())


def subject_of(token: str) -> str:
    """Return the user that a token names; whether it holds is API Gateway's to say.

    Raises:
        CheckFailedError: it is no JSON web token, or names nobody.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise CheckFailedError("--token is no JSON web token with a subject") from error


def check_access(url: str) -> None:
    """Check that nobody gets in without signature or token."""
    status = urllib3.request("GET", f"{url}/activity/jobs", retries=False).status
    if status not in {401, 403}:
        raise CheckFailedError(f"a request without credentials was answered with {status}, expected 401 or 403")


def check_job(api: Api, sqs: "SQSClient", queue_url: str, repository: str, user: str) -> str:
    """Check that a repository that `user` adds becomes ready in one attempt, with its message in flight meanwhile."""
    status, added = api.call(
        ADD.method, ADD.path, {"repo_url": repository, "added_by": user, "alerts": {}, "notes": ""}
    )
    if status == _HTTP_CONFLICT:
        raise CheckFailedError(f"{user} watches {repository} already: remove it, or give another --repository")
    if "watchlist_id" not in added:
        raise CheckFailedError(f"the add was answered with {status}: {added}")
    path = STATUS.path.replace("{watchlist_id}", added["watchlist_id"])
    seen_in_flight = False

    def final() -> dict[str, Any] | None:
        nonlocal seen_in_flight
        entry = api.call(STATUS.method, path)[1]
        seen_in_flight = seen_in_flight or _in_flight(sqs, queue_url) > 0
        return None if entry.get("status") == "processing" else entry

    entry = wait_for("the repository to be analysed", final, _READY_SECONDS)
    judge_job(entry, seen_in_flight=seen_in_flight)
    wait_for("the queue to be empty", lambda: _in_flight(sqs, queue_url) == 0 or None, _STOP_SECONDS)
    return str(added["watchlist_id"])


def judge_job(entry: Mapping[str, Any], *, seen_in_flight: bool) -> None:
    """Raise unless the entry became ready as it must.

    A second attempt without an error means that Lambda handed the message back although it was in flight.

    Raises:
        CheckFailedError: it did not.
    """
    if entry.get("status") != "ready":
        raise CheckFailedError(f"the repository is {entry.get('status')}: {entry.get('last_error')}")
    if not seen_in_flight:
        raise CheckFailedError("the message was never seen in flight while its task ran: did Lambda delete it?")
    if entry.get("attempt") != 1:
        raise CheckFailedError(
            f"it took {entry.get('attempt')} attempts, expected 1: did Lambda hand the message back?"
        )


def check_task_events(ecs: "ECSClient", deployment: Deployment, session: boto3.Session) -> None:
    """Check that one client token starts one task, and that the task-stopped function hears of its end.

    The task has no job and ends at once, telling which settings it misses.
    """
    function = session.client("lambda").get_function_configuration(
        FunctionName=deployment.physical_id("AWS::Lambda::Function", "Dispatcher")
    )
    variables = function["Environment"]["Variables"]
    token = uuid.uuid4().hex
    arns = {_run_task(ecs, variables, token) for _ in range(2)}
    if len(arns) != 1:
        raise CheckFailedError(f"one client token started {len(arns)} tasks")
    (arn,) = arns
    logs = session.client("logs")
    stopped = session.client("lambda").get_function_configuration(
        FunctionName=deployment.physical_id("AWS::Lambda::Function", "TaskStopped")
    )
    group = stopped["LoggingConfig"]["LogGroup"]
    wait_for(
        f"{TASK_STOPPED.name} to hear of the task's end",
        lambda: logs.filter_log_events(logGroupName=group, filterPattern=f'"{arn}"')["events"] or None,
        _STOP_SECONDS,
    )


def check_alarm(cloudwatch: "CloudWatchClient", service: str) -> str:
    """Check that an alarm which fires reaches its topic, and return the topic.

    CloudWatch sets the alarm back at its next evaluation.
    """
    (alarm, *_) = cloudwatch.describe_alarms(AlarmNamePrefix=f"{service}: Tasks over age")["MetricAlarms"]
    fired_at = datetime.now(UTC)
    cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="smoke test")

    def action() -> bool | None:
        history = cloudwatch.describe_alarm_history(
            AlarmName=alarm["AlarmName"], HistoryItemType="Action", StartDate=fired_at, MaxRecords=5
        )
        return judge_action([item["HistorySummary"] for item in history["AlarmHistoryItems"]])

    wait_for("the alarm's action", action, _STOP_SECONDS)
    (topic,) = alarm["AlarmActions"]
    return topic


def judge_action(summaries: Iterable[str]) -> bool | None:
    """Return True once CloudWatch has told the topic, None while it has not tried.

    Raises:
        CheckFailedError: it may not.
    """
    for summary in summaries:
        if "Failed to execute action" in summary:
            raise CheckFailedError(f"CloudWatch could not tell the topic: {summary}")
        if "Successfully executed action" in summary:
            return True
    return None


def check_listener(subscriptions: Iterable[str]) -> None:
    """Check that somebody hears the topic: a subscription (by its ARN) that was confirmed.

    Raises:
        CheckFailedError: nobody does.
    """
    if not any(subscription.startswith("arn:") for subscription in subscriptions):
        raise CheckFailedError("nobody hears of alarms: set alarm_email, and confirm the mail that AWS sends")


def check_schedules(cloudwatch: "CloudWatchClient", service: str) -> None:
    """Check that what runs by the clock runs: each has ended a run within the last quarter of an hour.

    Raises:
        CheckFailedError: one has not.
    """

    def runs() -> bool | None:
        return judge_runs({metric: _runs(cloudwatch, service, metric) for metric in BY_THE_CLOCK})

    wait_for("what runs by the clock", runs, _CLOCK.total_seconds())


def judge_runs(runs: Mapping[str, float]) -> bool | None:
    """Return True once everything that runs by the clock has ended a run, None while something has not."""
    return all(runs.values()) or None


def _runs(cloudwatch: "CloudWatchClient", service: str, metric: Metric) -> float:
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=metric,
        Dimensions=[{"Name": DIMENSION, "Value": service}],
        StartTime=now - _CLOCK,
        EndTime=now,
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def _subscriptions(sns: "SNSClient", topic: str) -> list[str]:
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [subscription["SubscriptionArn"] for page in pages for subscription in page["Subscriptions"]]


def wait_for(
    what: str,
    look: Callable[[], Found | None],
    seconds: float,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Look until there is something, and return it.

    Raises:
        CheckFailedError: nothing came in time.
    """
    deadline = now() + seconds
    while (found := look()) is None:
        if now() > deadline:
            raise CheckFailedError(f"waited {seconds:.0f} s for {what}")
        sleep(_POLL_SECONDS)
    return found


def main() -> int:
    """Run all checks in order."""
    parser = argparse.ArgumentParser(
        prog="scripts/smoke", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("environment")
    parser.add_argument("--repository", default=DEFAULT_REPOSITORY)
    parser.add_argument("--token", help="a token of the environment's issuer, where it has one")
    arguments = parser.parse_args()
    sys.stdout.write(f"{COST}\n")
    try:
        user = USER if arguments.token is None else subject_of(arguments.token)
        session = boto3.Session()
        deployment = Deployment.of(arguments.environment, session)
        sqs = session.client("sqs")
        queue_name = f"{deployment.service}-{JobKind.REPOSITORY_SETUP}"
        queue_url = sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]
        api = Api(deployment.api_url, session, arguments.token)
        _run("nobody gets in without credentials", lambda: check_access(deployment.api_url))
        _run(
            "add, poll, ready; the message in flight",
            lambda: check_job(api, sqs, queue_url, arguments.repository, user),
        )
        _run(
            "one token, one task; its end is heard of",
            lambda: check_task_events(session.client("ecs"), deployment, session),
        )
        topic = _run(
            "an alarm reaches its topic", lambda: check_alarm(session.client("cloudwatch"), deployment.service)
        )
        _run("somebody hears of alarms", lambda: check_listener(_subscriptions(session.client("sns"), topic)))
        _run(
            "what runs by the clock has run",
            lambda: check_schedules(session.client("cloudwatch"), deployment.service),
        )
    except (CheckFailedError, BotoCoreError, ClientError, HTTPError) as error:
        sys.stderr.write(f"failed: {error}\n")
        return 1
    return 0


def _run(name: str, check: Callable[[], Found]) -> Found:
    start = time.monotonic()
    result = check()
    sys.stdout.write(f"ok  {name} ({time.monotonic() - start:.1f} s)\n")
    return result


def _in_flight(sqs: "SQSClient", queue_url: str) -> int:
    response = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    return int(response["Attributes"]["ApproximateNumberOfMessagesNotVisible"])


def _run_task(ecs: "ECSClient", variables: Mapping[str, str], token: str) -> str:
    settings = load(DispatcherSettings, variables)
    response = ecs.run_task(
        cluster=settings.cluster,
        taskDefinition=settings.task_definition,
        count=1,
        clientToken=token,
        capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": list(settings.subnet_ids),
                "securityGroups": list(settings.security_group_ids),
                "assignPublicIp": settings.assign_public_ip,
            }
        },
    )
    if response["failures"]:
        raise CheckFailedError(f"ECS refused a task: {response['failures']}")
    return response["tasks"][0]["taskArn"]


if __name__ == "__main__":
    sys.exit(main())
