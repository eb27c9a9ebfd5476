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
from infra.stack.schedules import SCHEDULED
from watchlist import limits
from watchlist.deployment.function_spec import DEFAULT_MEMORY
from watchlist.deployment.functions import SCHEDULER
from watchlist.deployment.queue_specs import QUEUES
from watchlist.deployment.stream_consumers import CONSUMERS
from watchlist.errors import ErrorCode
from watchlist.metrics import Metric
from watchlist.storage import tables

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
    "secret calls, million": Price(5.00, _UNVERIFIED),
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

METRICS_AT_REST = (*(scheduled.run for scheduled in SCHEDULED), *(consumer.run for consumer in CONSUMERS))
"""That the scheduled functions run and, since these cause heartbeats, the stream consumers. Nothing else is emitted
while nothing happens: what would be 0 is not said."""

METRICS_IN_USE = tuple(metric for metric in Metric if metric not in METRICS_AT_REST)
"""What happens is counted in the hours in which it happens."""

METRICS_OF_A_ROUTE = 6
"""Count, 4xx, 5xx, Latency, IntegrationLatency, DataProcessed (API Gateway guide, "Work with CloudWatch metrics")."""

METRICS_OF_CONTAINERS = 24
"""About so many of the cluster and of the task definition's family, in the hours in which tasks run (CloudWatch guide,
"Amazon ECS Container Insights metrics")."""


DAYS = 365 / 12
"""Of a month."""

ENTRY_UNITS = 3
HEALTH_UNITS = 3
"""Write units of an entry after a refresh, and of an analysis with all checks of Scorecard; tests have both."""

UNITS_PER_COMMIT = 0.25
"""Write units of a commit in the segments of a new history (docs/decisions/0010: 0.10 to 0.22)."""

UNITS_PER_REFRESHED_HISTORY = 2
"""Likewise of a refresh's segment, which takes in small ones (0010: 1.1 to 1.5 on average)."""

REPORTS_OF_REFRESH = 6
"""Times that the job of a refresh reports progress."""

WRITES_OF_ENTRY = 7 + REPORTS_OF_REFRESH
"""Of a refresh: queued by the scheduler, launched (two), claimed, progress, completed in a transaction, which counts
twice, and looked at by the scheduler again."""

_MOVES_IN_INDEXES = 9
"""Changes of an entry's place among those that are due (seven) and in the line of its queue (two): an old key goes and
a new one comes."""

OTHER_WRITES = 6
"""A slot taken and freed, a line of the table of jobs in a transaction."""

FUNCTIONS_OF_JOB = 4
"""Runs of functions: the dispatcher, what hears of the task's end, and both readers of the table's stream."""

QUEUE_CALLS_OF_JOB = 10
"""Calls to SQS: three for its message, and heartbeats of a task that takes some minutes."""

WRITES_OF_REFRESH = (
    WRITES_OF_ENTRY * ENTRY_UNITS + 2 * _MOVES_IN_INDEXES + OTHER_WRITES + HEALTH_UNITS + UNITS_PER_REFRESHED_HISTORY
)

WRITES_OF_CHECK = ENTRY_UNITS + 2
"""Of a check that finds nothing new: when the next one is due."""

_CHECK_SECONDS = 0.02
"""Of the scheduler for one check: eight hosts are asked at a time (docs/decisions/0006)."""

WRITES_OF_RENEWAL = ENTRY_UNITS + 2 + HEALTH_UNITS
"""Of a check that renews a health by its published score, even where it asks for HEAD as well: an analysis more."""

_ANALYSES_READ = limits.HEALTH_HISTORY_SHOWN + 1
"""What a renewal compares with, and what it knows of people."""

RENEWAL_SECONDS = 0.5
"""Of the scheduler for it: the answer of the published scores' server, and measuring a history, 0.15 s for 1000 commits
(python -m bench.storage_units measures it)."""


@dataclass(frozen=True, slots=True)
class RepositoryUse:
    """What one repository is assumed to use. The first job is a setup; later ones run when something has changed.

    Attributes:
        setup_minutes: billed minutes of its first task, from the pull of the image on; Fargate bills at least one.
        refresh_minutes: billed minutes of a later task.
        refreshes: tasks of a month after the first.
        renewals: of its health in a month by a published score, without a task.
        commits: commits stored at first.
        requests: polls of its status and reads of its results in a month.
        log_kilobytes: of a job.
    """

    setup_minutes: float = 2.0
    refresh_minutes: float = 1.0
    refreshes: float = 10.0
    renewals: float = 0.0
    commits: int = 400
    requests: int = 200
    log_kilobytes: float = 20.0

    @property
    def kilobytes(self) -> float:
        """What is stored after a year: the history, and the analyses that are kept."""
        analyses = (self.refreshes + self.renewals) / DAYS * (limits.HEALTH_RETENTION / timedelta(days=1))
        return self.commits * UNITS_PER_COMMIT + analyses * HEALTH_UNITS

    @property
    def reads_of_renewal(self) -> float:
        """Read units: the history consistently, 4 KB each; analyses not so, 8 KB each."""
        return self.commits * UNITS_PER_COMMIT / 4 + _ANALYSES_READ * HEALTH_UNITS / 8

    @property
    def checks(self) -> float:
        """How often HEAD is asked for in a month."""
        return DAYS * timedelta(days=1) / limits.COMMITS_INTERVAL


PER_REPOSITORY = RepositoryUse()
"""One that moves on ten days of a month: one task does all that is due then."""

_WEEKLY = DAYS * timedelta(days=1) / limits.UNCHANGED_HEALTH_INTERVAL

AT_REST = RepositoryUse(refreshes=0, renewals=_WEEKLY, requests=20)
"""One that does not move: its health is renewed all the same, by the score that the OpenSSF publishes."""

UNPUBLISHED = RepositoryUse(refreshes=_WEEKLY, requests=20)
"""One that does not move and whose score nobody publishes: a task looks each week."""

_DOCUMENT = """\
# What it costs

Written by `python -m infra.operations.cost` from the templates, in US dollars, by the list prices of us-east-1 below,
without free tiers and taxes.

No task runs while there is nothing to do: at rest an environment costs its alarms, what its functions that run by the
clock measure, and the polling of its {queues} queues. Traffic out of AWS is not included.

## At rest, a month

{rests}

## By choice, a month

What helps to look into a service costs whether anybody looks or not. No environment has it unless its `insight` says so
(`infra/environments.py`).

{choices}

## In use, a month at most

Own metrics are billed by the hour in which they say something. An environment in which each of them does so in each
hour pays for {in_use} more of them:

{metrics_in_use}

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

Of repositories at rest, whose health is renewed each week by the score that the OpenSSF publishes, with
{at_rest.requests} API requests each and {writes_of_renewal} write and {at_rest.reads_of_renewal:.0f} read units for
each renewal:

{rest}

Of repositories at rest whose score is not published, so that a task looks each week:

{unpublished}

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
    checks_runs = secrets * _HOURS * 3600 / limits.SCHEDULE_INTERVAL.total_seconds()
    heartbeats = len(CONSUMERS) * _HOURS * 3600 / limits.RECONCILE_INTERVAL.total_seconds()
    metrics = len(METRICS_AT_REST)
    # X-Ray records the first call of each second, so all of these.
    functions = of_type("AWS::Lambda::Function")
    is_traced = any(each.get("TracingConfig", {}).get("Mode") == "Active" for each in functions)
    trace = is_traced * _trace()
    return [
        Item("alarms", f"{alarm_metrics} metrics", alarm_metrics * _price("alarm metric, month")),
        Item("dashboard", str(dashboards), dashboards * _price("dashboard, month")),
        Item("metrics of what runs by the clock", str(metrics), metrics * _price("custom metric, month")),
        Item("secret", str(secrets), secrets * _price("secret, month")),
        Item("reads of the secret", f"{checks_runs:.0f}", checks_runs * _price("secret calls, million") / _MILLION),
        Item(
            "polling of the queues",
            f"{polls / _MILLION:.1f} M requests",
            polls / _MILLION * _price("SQS requests, million"),
        ),
        Item("what runs by the clock", f"{runs:.0f} runs", runs * (_scheduled_run() + trace)),
        Item("heartbeats of the streams", f"{heartbeats:.0f} runs", heartbeats * (_heartbeat() + trace)),
        Item("worker's image", f"{_IMAGE_GB} GB", _IMAGE_GB * _price("image registry, GB-month")),
        Item("NAT gateway", str(nat_gateways), nat_gateways * _HOURS * _price("NAT gateway, hour")),
    ]


def choices() -> list[Item]:
    """Return what each choice of `Insight` costs in a month."""
    throttles = sum(2 * (1 + len(table.indexes)) for table in (tables.WATCHLIST, tables.ACTIVITY))
    runs = _HOURS * 3600 * sum(1 / scheduled.interval.total_seconds() for scheduled in SCHEDULED)
    runs += len(CONSUMERS) * _HOURS * 3600 / limits.RECONCILE_INTERVAL.total_seconds()
    custom = _price("custom metric, month")
    return [
        Item("`dashboard`", "1", _price("dashboard, month")),
        Item("`throttled_tables`", f"{throttles} metrics in alarms", throttles * _price("alarm metric, month")),
        Item(
            "`by_route`, at most, for each route that is used in each hour",
            f"{METRICS_OF_A_ROUTE} metrics",
            METRICS_OF_A_ROUTE * custom,
        ),
        Item(
            "`containers`, at most, with a task in each hour",
            f"about {METRICS_OF_CONTAINERS} metrics",
            METRICS_OF_CONTAINERS * custom,
        ),
        Item("`traces`, at rest; each job four more, each request one", f"{runs:.0f} traces", runs * _trace()),
    ]


def metrics_in_use() -> list[Item]:
    """Return what the service's own metrics cost where each says something in each hour of a month."""
    ours, codes = len(METRICS_IN_USE), len(ErrorCode)
    custom = _price("custom metric, month")
    return [
        Item("of jobs, checks, alerts and deliveries", str(ours), ours * custom),
        Item("failed attempts by code, in the hours in which one fails", str(codes), codes * custom),
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
        Item("functions and queues", f"{repositories} jobs", repositories * _job_overhead(environment)),
        Item("logs", f"{_gigabytes(repositories * use.log_kilobytes):.2f} GB", _logs(repositories * use.log_kilobytes)),
    ]


def month_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what keeping so many repositories current costs in a month."""
    jobs = repositories * use.refreshes
    hours = jobs * use.refresh_minutes / 60
    checks = repositories * use.checks
    renewals = repositories * use.renewals
    writes = jobs * WRITES_OF_REFRESH + checks * WRITES_OF_CHECK + renewals * WRITES_OF_RENEWAL
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
        Item("checks", f"{checks:.0f}", checks * (_scheduler_seconds(_CHECK_SECONDS) + 2 * reads)),
        Item(
            "healths renewed without a task",
            f"{renewals:.0f}",
            renewals * (_scheduler_seconds(RENEWAL_SECONDS) + use.reads_of_renewal * reads),
        ),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * _price("DynamoDB writes, million")),
        Item(
            "DynamoDB storage",
            f"{storage:.1f} GB",
            storage * (_price("DynamoDB storage, GB-month") + _price("DynamoDB point-in-time recovery, GB-month")),
        ),
        Item("API requests", f"{requests / _MILLION:.2f} M", requests * (request + reads)),
        Item("functions and queues", f"{jobs:.0f} jobs", jobs * _job_overhead(environment)),
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
        unpublished=_table(month_of(1000, environment, UNPUBLISHED)),
        writes_of_renewal=WRITES_OF_RENEWAL,
        choices=_table(choices(), summed=False),
        in_use=len(METRICS_IN_USE) + len(ErrorCode),
        metrics_in_use=_table(metrics_in_use()),
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


def _lambda_seconds(seconds: float, memory: int = DEFAULT_MEMORY) -> float:
    """Return what so long in a function with that memory costs."""
    return seconds * memory / 1024 * _price("Lambda on ARM, GB-second")


def _scheduler_seconds(seconds: float) -> float:
    return _lambda_seconds(seconds, SCHEDULER.memory)


def _trace() -> float:
    return _price("traces, million") / _MILLION


def _scheduled_run() -> float:
    """Return what a run that finds nothing to do costs."""
    requests = ("schedules, million", "Lambda requests, million")
    database = _RUN_READS * _price("DynamoDB reads, million") + _RUN_WRITES * _price("DynamoDB writes, million")
    by_the_million = sum(map(_price, requests)) + database
    return by_the_million / _MILLION + _lambda_seconds(_RUN_SECONDS) + _logs(_RUN_KILOBYTES)


def _heartbeat() -> float:
    """Return what one call of a stream consumer for a heartbeat costs, with half of the write that leads to it."""
    requests = _price("Lambda requests, million") + _price("DynamoDB writes, million") / 2
    return requests / _MILLION + _lambda_seconds(_RUN_SECONDS / 5) + _logs(_RUN_KILOBYTES)


def _job_overhead(environment: Environment) -> float:
    """Return what one job costs besides its task: functions, calls to SQS, an event, the secret that its task reads."""
    trace = environment.insight.traces * _trace()
    functions = FUNCTIONS_OF_JOB * (_lambda_seconds(1.0) + _price("Lambda requests, million") / _MILLION + trace)
    calls = QUEUE_CALLS_OF_JOB * _price("SQS requests, million")
    others = _price("own events, million") + _price("secret calls, million")
    return functions + (calls + others) / _MILLION


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


def _table(items: list[Item], *, summed: bool = True) -> str:
    rows = ["| what | how much | $ |", "|---|---:|---:|"]
    rows += [f"| {item.name} | {item.amount} | {item.dollars:.2f} |" for item in items]
    if summed:
        rows.append(f"| **sum** | | **{sum(item.dollars for item in items):.2f}** |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
