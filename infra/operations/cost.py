"""Writes docs/cost.md: what each environment costs at rest, and what repositories add.

    python -m infra.operations.cost [--check]

Resources are counted in the synthesised templates; what a repository uses stands in `PER_REPOSITORY`. With `--check`
the document is compared instead, and the exit code is 1 if it is stale.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.application import application
from infra.environments import ENVIRONMENTS, Environment
from watchlist import limits
from watchlist.deployment.function_spec import DEFAULT_MEMORY
from watchlist.deployment.queue_specs import QUEUES
from watchlist.deployment.stream_consumers import CONSUMERS
from watchlist.metrics import Metric

DOCUMENT = Path(__file__).parents[2] / "docs" / "cost.md"

PRICES_DATE = "November 2026"
"""When the prices were compared with their sources."""


@dataclass(frozen=True, slots=True)
class Price:
    """A list price of us-east-1 in US dollars, without free tiers, at the lowest volume.

    Attributes:
        source: the page that says so, with its date where it has one. AWS's own pages load their prices by script.
    """

    dollars: float
    source: str


_CLOUDWATCH = "factualminds.com, Amazon CloudWatch Pricing, June 2026"
_EVENTBRIDGE = "cloudburn.io, Amazon EventBridge Pricing, March 2026"
_DYNAMODB = "airbyte.com, Amazon DynamoDB Pricing, July 2025"
_FARGATE = "vantage.sh, AWS Fargate Pricing Explained"
_LAMBDA = "cloudchipr.com, AWS Lambda Pricing Breakdown, 2024"
_API_GATEWAY = "awsforengineers.com, AWS API Gateway Pricing Explained, May 2025"
_UNVERIFIED = "not compared: no source at hand"

PRICES: Mapping[str, Price] = {
    "alarm metric, month": Price(0.10, "a price list read by a program in September 2026"),
    "custom metric, month": Price(0.30, "signoz.io, CloudWatch Pricing, February 2026"),
    "dashboard, month": Price(3.00, _CLOUDWATCH),
    "logs, GB": Price(0.50, _CLOUDWATCH),
    "traces, million": Price(5.00, _UNVERIFIED),
    "secret, month": Price(0.40, "public projects' cost notes of 2024"),
    "NAT gateway, hour": Price(0.045, "fortem.dev, AWS Fargate Pricing, 2026 ($33 a month)"),
    "public IPv4 address, hour": Price(0.005, _UNVERIFIED),
    "image registry, GB-month": Price(0.10, _UNVERIFIED),
    "SQS requests, million": Price(0.40, "cloudburn.io, Amazon SQS Pricing, March 2026"),
    "schedules, million": Price(1.00, _EVENTBRIDGE),
    "own events, million": Price(1.00, _EVENTBRIDGE),
    "HTTP API requests, million": Price(1.00, _API_GATEWAY),
    "Lambda requests, million": Price(0.20, _LAMBDA),
    "Lambda on ARM, GB-second": Price(0.0000133334, _LAMBDA),
    "DynamoDB writes, million": Price(0.625, _DYNAMODB),
    "DynamoDB reads, million": Price(0.125, _DYNAMODB),
    "DynamoDB storage, GB-month": Price(0.25, "aws.amazon.com/dynamodb/pricing"),
    "DynamoDB point-in-time recovery, GB-month": Price(0.20, "public projects' cost notes"),
    "Fargate on ARM, vCPU-hour": Price(0.03238, _FARGATE),
    "Fargate on ARM, GB-hour": Price(0.00356, _FARGATE),
}

SPOT_SHARE = 0.3
"""What Spot costs of the on-demand price, as a rule (68 to 70 % less, fortem.dev and wring.co, 2026); it varies."""

_HOURS = 730
_MILLION = 1e6

_POLLERS = 5
"""Long polls that Lambda keeps open on an idle queue (Lambda developer guide, scaling with SQS)."""

_POLL_SECONDS = 20

_IMAGE_GB = 0.2
_RUN_SECONDS = 0.1
_RUN_KILOBYTES = 1.0
"""What a scheduled run that finds nothing to do takes, and what it and Lambda write to the log."""

_RUN_READS = 2.0
_RUN_WRITES = 0.5
"""DynamoDB units of such a run, on average: queries that find nothing; the scheduler's claim is two writes."""

METRICS_AT_REST = (
    Metric.RECONCILER_RUN,
    Metric.ENTRIES_RECOVERED,
    Metric.ENTRIES_OVERDUE,
    Metric.SCHEDULER_RUN,
    Metric.ENTRIES_CHECKED,
    Metric.REFRESHES_STARTED,
    Metric.CHECKS_FAILED,
    Metric.ALERTS_RAISED,
    Metric.CHECK_LAG,
    Metric.DIGEST_RUN,
    Metric.DIGEST_SENT,
    Metric.LIVE_MESSAGES,
    Metric.LIVE_CONNECTIONS_DROPPED,
    *(consumer.run for consumer in CONSUMERS),
)
"""Metrics of the scheduled functions and, since these cause heartbeats, of the stream consumers."""


DAYS = 365 / 12
"""Of a month."""

ENTRY_UNITS = 3
HEALTH_UNITS = 3
"""Write units of an entry after a refresh, and of an analysis with all checks of Scorecard; a test has both."""

UNITS_PER_COMMIT = 0.25
"""Write units of a commit in the segments of a new history (docs/decisions/0010: 0.10 to 0.22)."""

UNITS_PER_REFRESHED_HISTORY = 2
"""Likewise of a refresh's segment, which takes in small ones (0010: 1.1 to 1.5 on average)."""

_WRITES_OF_ENTRY = 12
"""Of a refresh: queued by the scheduler, launched (two), claimed, five times progress, completed in a transaction,
which counts twice, and looked at by the scheduler again."""

_MOVES_IN_INDEXES = 9
"""Changes of an entry's place among those that are due (seven) and in the line of its queue (two): an old key goes and
a new one comes."""

_OTHER_WRITES = 6
"""A slot taken and freed, a line of the table of jobs in a transaction."""

WRITES_OF_REFRESH = (
    _WRITES_OF_ENTRY * ENTRY_UNITS + 2 * _MOVES_IN_INDEXES + _OTHER_WRITES + HEALTH_UNITS + UNITS_PER_REFRESHED_HISTORY
)

WRITES_OF_CHECK = ENTRY_UNITS + 2
"""Of a check that finds nothing new: when the next one is due."""

_CHECK_SECONDS = 0.02
"""Of the scheduler for one check: eight hosts are asked at a time (docs/decisions/0006)."""


@dataclass(frozen=True, slots=True)
class RepositoryUse:
    """What one repository is assumed to use. The first job is a setup; later ones run when something has changed.

    Attributes:
        setup_minutes: billed minutes of its first task, from the pull of the image on; Fargate bills at least one.
        refresh_minutes: billed minutes of a later task.
        refreshes: tasks of a month after the first.
        commits: commits stored at first.
        requests: polls of its status and reads of its results in a month.
        log_kilobytes: of a job.
    """

    setup_minutes: float = 2.0
    refresh_minutes: float = 1.0
    refreshes: float = 10.0
    commits: int = 400
    requests: int = 200
    log_kilobytes: float = 20.0

    @property
    def kilobytes(self) -> float:
        """What is stored after a year: the history, and the analyses that are kept."""
        analyses = self.refreshes / DAYS * (limits.HEALTH_RETENTION / timedelta(days=1))
        return self.commits * UNITS_PER_COMMIT + analyses * HEALTH_UNITS

    @property
    def checks(self) -> float:
        """How often HEAD is asked for in a month."""
        return DAYS * timedelta(days=1) / limits.COMMITS_INTERVAL


PER_REPOSITORY = RepositoryUse()
"""One that moves on ten days of a month: one task does all that is due then."""

AT_REST = RepositoryUse(refreshes=DAYS * timedelta(days=1) / limits.UNCHANGED_HEALTH_INTERVAL, requests=20)
"""One that does not move: its health is renewed all the same."""

_DOCUMENT = """\
# What it costs

Written by `python -m infra.operations.cost` from the templates, in US dollars, by the list prices of us-east-1 below,
without free tiers and taxes.

No task runs while there is nothing to do: at rest an environment costs its alarms, its dashboard, what its functions
that run by the clock measure, and the polling of its {queues} queues. Metrics by route, by error code and of Container
Insights are billed for the hours in which they occur; they are not included, and neither is traffic out of AWS.

## At rest, a month

{rests}

## A thousand repositories

Assumed of one: a first task of {use.setup_minutes:g} minutes with {cpu:g} vCPU and {memory:g} GB, {use.commits} commits
stored at {units_per_commit:g} write units each, {use.kilobytes:.0f} KB kept after a year, a look at HEAD each day with
{writes_of_check} write units. What has changed on a day, commits and health, is the work of one task of
{use.refresh_minutes:g} minute on Spot with {refresh_cpu:g} vCPU and {refresh_memory:g} GB and {writes_of_refresh} write
units.

### Adding them, once

{setup}

### Keeping them current, a month

Of repositories that move on {use.refreshes:g} days, with {use.requests} API requests each:

{month}

Of repositories at rest, whose health is renewed each week, with {at_rest.requests} API requests each:

{rest}

## Prices

Compared in {date} with what these pages say; look them up before you rely on this page.

{prices}
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill: what, how much of it, and US dollars."""

    name: str
    amount: str
    dollars: float


def at_rest(template: Mapping[str, Any]) -> list[Item]:
    """Return a month's bill of an environment of this template that nobody uses."""
    resources = [(resource["Type"], resource["Properties"]) for resource in template["Resources"].values()]

    def of_type(kind: str) -> list[Mapping[str, Any]]:
        return [properties for type_, properties in resources if type_ == kind]

    alarm_metrics = sum(_metrics(alarm) for alarm in of_type("AWS::CloudWatch::Alarm"))
    dashboards = len(of_type("AWS::CloudWatch::Dashboard"))
    secrets = len(of_type("AWS::SecretsManager::Secret"))
    nat_gateways = len(of_type("AWS::EC2::NatGateway"))
    # Reading a stream from Lambda costs nothing.
    queue_mappings = [each for each in of_type("AWS::Lambda::EventSourceMapping") if "StartingPosition" not in each]
    polls = len(queue_mappings) * _POLLERS * _HOURS * 3600 / _POLL_SECONDS
    schedules = of_type("AWS::Scheduler::Schedule")
    runs = sum(_HOURS * 60 / _minutes_of(schedule["ScheduleExpression"]) for schedule in schedules)
    heartbeats = len(CONSUMERS) * _HOURS * 3600 / limits.RECONCILE_INTERVAL.total_seconds()
    metrics = len(METRICS_AT_REST)
    return [
        Item("alarms", f"{alarm_metrics} metrics", alarm_metrics * _price("alarm metric, month")),
        Item("dashboard", str(dashboards), dashboards * _price("dashboard, month")),
        Item("metrics of what runs by the clock", str(metrics), metrics * _price("custom metric, month")),
        Item("secret", str(secrets), secrets * _price("secret, month")),
        Item(
            "polling of the queues",
            f"{polls / _MILLION:.1f} M requests",
            polls / _MILLION * _price("SQS requests, million"),
        ),
        Item("what runs by the clock", f"{runs:.0f} runs", runs * _scheduled_run()),
        Item("heartbeats of the streams", f"{heartbeats:.0f} runs", heartbeats * _heartbeat()),
        Item("worker's image", f"{_IMAGE_GB} GB", _IMAGE_GB * _price("image registry, GB-month")),
        Item("NAT gateway", str(nat_gateways), nat_gateways * _HOURS * _price("NAT gateway, hour")),
    ]


def setup_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what adding so many repositories costs, once."""
    hours = repositories * use.setup_minutes / 60
    writes = repositories * (use.commits * UNITS_PER_COMMIT + WRITES_OF_REFRESH)
    return [
        Item(
            "tasks",
            f"{hours:.0f} h",
            hours * _task_hour(environment.task_cpu, environment.task_memory, share=1.0),
        ),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * _price("DynamoDB writes, million")),
        Item("functions and queues", f"{repositories} jobs", repositories * _job_overhead()),
        Item("logs", f"{_gigabytes(repositories * use.log_kilobytes):.2f} GB", _logs(repositories * use.log_kilobytes)),
    ]


def month_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what keeping so many repositories current costs in a month."""
    jobs = repositories * use.refreshes
    hours = jobs * use.refresh_minutes / 60
    checks = repositories * use.checks
    writes = jobs * WRITES_OF_REFRESH + checks * WRITES_OF_CHECK
    storage = _gigabytes(repositories * use.kilobytes)
    requests = repositories * use.requests
    request = (_price("HTTP API requests, million") + _price("Lambda requests, million")) / _MILLION + _lambda_seconds(
        0.03
    )
    reads = _price("DynamoDB reads, million") / _MILLION
    return [
        Item(
            "tasks on Spot",
            f"{hours:.0f} h",
            hours * _task_hour(environment.refresh_task_cpu, environment.refresh_task_memory, share=SPOT_SHARE),
        ),
        Item("checks", f"{checks:.0f}", checks * (_lambda_seconds(_CHECK_SECONDS) + 2 * reads)),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * _price("DynamoDB writes, million")),
        Item(
            "DynamoDB storage",
            f"{storage:.1f} GB",
            storage * (_price("DynamoDB storage, GB-month") + _price("DynamoDB point-in-time recovery, GB-month")),
        ),
        Item("API requests", f"{requests / _MILLION:.2f} M", requests * (request + reads)),
        Item("functions and queues", f"{jobs:.0f} jobs", jobs * _job_overhead()),
        Item("logs", f"{_gigabytes(jobs * use.log_kilobytes):.2f} GB", _logs(jobs * use.log_kilobytes)),
    ]


def document() -> str:
    """Return docs/cost.md."""
    return render(dict(_templates()))


def render(templates: Mapping[Environment, Mapping[str, Any]]) -> str:
    """Return the document over these environments."""
    environment = next(iter(templates))
    return _DOCUMENT.format(
        date=PRICES_DATE,
        queues=len(QUEUES),
        rests="\n\n".join(f"### {name.name}\n\n{_table(at_rest(template))}" for name, template in templates.items()),
        use=PER_REPOSITORY,
        cpu=environment.task_cpu / 1024,
        memory=environment.task_memory / 1024,
        setup=_table(setup_of(1000, environment)),
        refresh_cpu=environment.refresh_task_cpu / 1024,
        refresh_memory=environment.refresh_task_memory / 1024,
        units_per_commit=UNITS_PER_COMMIT,
        writes_of_check=WRITES_OF_CHECK,
        writes_of_refresh=WRITES_OF_REFRESH,
        at_rest=AT_REST,
        month=_table(month_of(1000, environment)),
        rest=_table(month_of(1000, environment, AT_REST)),
        prices=_price_table(),
    )


def main() -> int:
    """Write or check the document."""
    text = document()
    if "--check" in sys.argv[1:]:
        if DOCUMENT.read_text() == text:
            return 0
        sys.stderr.write("docs/cost.md is stale: run `python -m infra.operations.cost` and commit it\n")
        return 1
    DOCUMENT.write_text(text)
    return 0


def _templates() -> list[tuple[Environment, Mapping[str, Any]]]:
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "package")
        package.mkdir()
        (package / "handler.py").touch()
        out = Path(directory, "cdk.out")
        application(ENVIRONMENTS, lambda _: package, outdir=out).synth()
        found = []
        for environment in ENVIRONMENTS:
            (path,) = (out / f"assembly-{environment.name}").glob("*.template.json")
            found.append((environment, json.loads(path.read_text())))
        return found


def _metrics(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics of an alarm are billed: each one that an expression is made of."""
    return sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1


def _minutes_of(expression: str) -> float:
    """Return the minutes between two runs of a schedule."""
    found = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    if found is None:
        raise ValueError(f"a schedule of another kind: {expression}")
    return float(found[1])


def _price(name: str) -> float:
    return PRICES[name].dollars


def _lambda_seconds(seconds: float) -> float:
    """Return what so long in a function with the usual memory costs; one with more is as much faster."""
    return seconds * DEFAULT_MEMORY / 1024 * _price("Lambda on ARM, GB-second")


def _scheduled_run() -> float:
    """Return what a run that finds nothing to do costs. X-Ray records each: the first one of a second."""
    requests = ("schedules, million", "Lambda requests, million", "traces, million")
    database = _RUN_READS * _price("DynamoDB reads, million") + _RUN_WRITES * _price("DynamoDB writes, million")
    by_the_million = sum(map(_price, requests)) + database
    return by_the_million / _MILLION + _lambda_seconds(_RUN_SECONDS) + _logs(_RUN_KILOBYTES)


def _heartbeat() -> float:
    """Return what one call of a stream consumer for a heartbeat costs, with half of the write that leads to it."""
    requests = _price("Lambda requests, million") + _price("traces, million") + _price("DynamoDB writes, million") / 2
    return requests / _MILLION + _lambda_seconds(_RUN_SECONDS / 5) + _logs(_RUN_KILOBYTES)


def _job_overhead() -> float:
    """Return what one job costs besides its task: four functions, about ten calls to SQS, an event."""
    functions = 4 * (_lambda_seconds(1.0) + (_price("Lambda requests, million") + _price("traces, million")) / _MILLION)
    return functions + (10 * _price("SQS requests, million") + _price("own events, million")) / _MILLION


def _task_hour(cpu: int, memory: int, share: float) -> float:
    vcpus = cpu / 1024 * _price("Fargate on ARM, vCPU-hour")
    gigabytes = memory / 1024 * _price("Fargate on ARM, GB-hour")
    return share * (vcpus + gigabytes) + _price("public IPv4 address, hour")


def _gigabytes(kilobytes: float) -> float:
    return kilobytes / _MILLION


def _logs(kilobytes: float) -> float:
    return _gigabytes(kilobytes) * _price("logs, GB")


def _price_table() -> str:
    rows = ["| what | $ | source |", "|---|---:|---|"]
    rows += [f"| {name} | {_plain(price.dollars)} | {price.source} |" for name, price in PRICES.items()]
    return "\n".join(rows)


def _plain(dollars: float) -> str:
    return f"{dollars:.10f}".rstrip("0").removesuffix(".")


def _table(items: list[Item]) -> str:
    rows = ["| what | how much | $ |", "|---|---:|---:|"]
    rows += [f"| {item.name} | {item.amount} | {item.dollars:.2f} |" for item in items]
    rows.append(f"| **sum** | | **{sum(item.dollars for item in items):.2f}** |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
