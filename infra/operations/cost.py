"""Writes docs/cost.md: what each environment costs at rest, and what repositories add.

    python -m infra.operations.cost [--check]

Resources are counted in the synthesised templates. What the code does besides stands in `assumptions`, which tests
compare with it, and what the world does in `estimates`. With `--check` the document is compared instead, and the exit
code is 1 if it is stale.
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
from infra.operations import assumptions
from infra.operations.estimates import ESTIMATES, PRICES, PRICES_DATE
from infra.stack.schedules import SCHEDULED
from watchlist import limits
from watchlist.deployment.function_spec import DEFAULT_MEMORY, FunctionSpec
from watchlist.deployment.functions import SCHEDULER
from watchlist.deployment.queue_specs import QUEUES
from watchlist.deployment.stream_consumers import CONSUMERS
from watchlist.errors import ErrorCode
from watchlist.metrics import Metric
from watchlist.storage import tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "cost.md"

_HOURS = 730
DAYS = 365 / 12
"""Of a month."""

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_MINUTES = 60
_MILLION = 1e6
_CPU_UNITS = 1024
_MIB = 1024

_SHOWN = 1000
"""Repositories that the document counts with."""

_KILOBYTES_OF_READ = 4
_KILOBYTES_OF_LAX_READ = 8
"""What one read unit reads consistently, and what otherwise."""

METRICS_AT_REST = (*(scheduled.run for scheduled in SCHEDULED), *(consumer.run for consumer in CONSUMERS))
"""That the scheduled functions run and, since these cause heartbeats, the stream consumers. Nothing else is emitted
while nothing happens: what would be 0 is not said."""

METRICS_IN_USE = tuple(metric for metric in Metric if metric not in METRICS_AT_REST)
"""What happens is counted in the hours in which it happens."""

WRITES_OF_REFRESH = (
    assumptions.WRITES_OF_ENTRY * assumptions.ENTRY_UNITS
    + assumptions.INDEX_WRITES_OF_REFRESH
    + assumptions.OTHER_WRITES
    + assumptions.HEALTH_UNITS
    + assumptions.UNITS_PER_REFRESHED_HISTORY
)

WRITES_OF_CHECK = assumptions.ENTRY_UNITS + assumptions.INDEX_WRITES_OF_CHECK
"""Of a check that finds nothing new: when the next one is due."""

WRITES_OF_RENEWAL = WRITES_OF_CHECK + assumptions.HEALTH_UNITS
"""Of a check that renews a health by its published score, even where it asks for HEAD as well: an analysis more."""

WRITES_OF_BEAT = (
    assumptions.ENTRY_WRITES_OF_BEAT * assumptions.ENTRY_UNITS
    + assumptions.INDEX_WRITES_OF_BEAT
    + assumptions.OTHER_WRITES_OF_BEAT
)
"""Of a heartbeat of a task."""


def _estimated(name: str) -> float:
    return ESTIMATES[name].value


@dataclass(frozen=True, slots=True)
class RepositoryUse:
    """What one repository is assumed to use. The first job is a setup; later ones run when something has changed.

    Attributes:
        refreshes: tasks of a month after the first.
        renewals: of its health in a month by a published score, without a task.
        requests: polls of its status and reads of its results in a month.
        setup_minutes: billed minutes of its first task.
        refresh_minutes: billed minutes of a later task.
        commits: commits stored at first.
        tags: tags stored at first.
    """

    refreshes: float = _estimated("refreshes of a month")
    renewals: float = 0.0
    requests: float = _estimated("API requests of a month")
    setup_minutes: float = _estimated("minutes of a first task")
    refresh_minutes: float = _estimated("minutes of a later task")
    commits: float = _estimated("commits of a year")
    tags: float = _estimated("tags of a repository")

    @property
    def units_of_setup(self) -> float:
        """Write units of what the first task finds: the history and the tags. As many kilobytes are kept of it."""
        return self.commits * assumptions.UNITS_PER_COMMIT + self.tags * assumptions.UNITS_PER_TAG

    @property
    def kilobytes(self) -> float:
        """What is stored after a year: the history, the tags, and the analyses that are kept."""
        analyses = (self.refreshes + self.renewals) / DAYS * (limits.HEALTH_RETENTION / timedelta(days=1))
        return self.units_of_setup + analyses * assumptions.HEALTH_UNITS

    @property
    def reads_of_renewal(self) -> float:
        """Read units: the history is read consistently, analyses are not."""
        history = self.commits * assumptions.UNITS_PER_COMMIT / _KILOBYTES_OF_READ
        return history + assumptions.ANALYSES_READ * assumptions.HEALTH_UNITS / _KILOBYTES_OF_LAX_READ

    @property
    def checks(self) -> float:
        """How often HEAD is asked for in a month."""
        return DAYS * timedelta(days=1) / limits.COMMITS_INTERVAL


PER_REPOSITORY = RepositoryUse()
"""One that moves."""

_WEEKLY = DAYS * timedelta(days=1) / limits.UNCHANGED_HEALTH_INTERVAL

_REQUESTS_AT_REST = _estimated("API requests of a month at rest")

AT_REST = RepositoryUse(refreshes=0, renewals=_WEEKLY, requests=_REQUESTS_AT_REST)
"""One that does not move: its health is renewed all the same, by the score that the OpenSSF publishes."""

UNPUBLISHED = RepositoryUse(refreshes=_WEEKLY, requests=_REQUESTS_AT_REST)
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

Assumed of one: a first task of {use.setup_minutes:g} minutes with {cpu:g} vCPU and {memory:g} GB,
{use.commits:g} commits stored at {units_per_commit:g} write units each and {use.tags:g} tags at {units_per_tag:g},
{use.kilobytes:.0f} KB kept after a year, a look at HEAD each day with {writes_of_check} write units. What has changed
on a day, commits and health, is the work of one task of {use.refresh_minutes:g} minute on Spot
with {refresh_cpu:g} vCPU and {refresh_memory:g} GB and {writes_of_refresh} write units.

### Adding them, once

{setup}

### Keeping them current, a month

Of repositories that move on {use.refreshes:g} days, with {use.requests:g} API requests each:

{month}

Of repositories at rest, whose health is renewed each week by the score that the OpenSSF publishes, with
{at_rest.requests:g} API requests each and {writes_of_renewal} write and {at_rest.reads_of_renewal:.0f} read units for
each renewal:

{rest}

Of repositories at rest whose score is not published, so that a task looks each week:

{unpublished}

## What is estimated

What AWS, hosts and people do; no code of ours decides it. All other figures are constants of the code
(`watchlist/limits.py`, the templates), or stand in `infra/operations/assumptions.py`, and a test compares each of those
with what the code does.

{estimates}

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
    polls = len(queue_mappings) * _estimated("long polls of an idle queue") * _each(_poll())
    schedules = of_type("AWS::Scheduler::Schedule")
    runs = sum(_each(_minutes_of(schedule["ScheduleExpression"])) for schedule in schedules)
    idle_runs = sum(_each(scheduled.interval) * _idle_run(scheduled.function) for scheduled in SCHEDULED)
    checks_runs = secrets * _each(limits.SCHEDULE_INTERVAL)
    heartbeats = len(CONSUMERS) * _each(limits.RECONCILE_INTERVAL)
    image = _estimated("GB of the worker's image")
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
        Item("what runs by the clock", f"{runs:.0f} runs", idle_runs + runs * trace),
        Item("heartbeats of the streams", f"{heartbeats:.0f} runs", heartbeats * (_heartbeat() + trace)),
        Item("worker's image", f"{image:g} GB", image * _price("image registry, GB-month")),
        Item("NAT gateway", str(nat_gateways), nat_gateways * _HOURS * _price("NAT gateway, hour")),
    ]


def choices() -> list[Item]:
    """Return what each choice of `Insight` costs in a month."""
    throttles = sum(2 * (1 + len(table.indexes)) for table in (tables.WATCHLIST, tables.ACTIVITY))
    runs = sum(_each(scheduled.interval) for scheduled in SCHEDULED)
    runs += len(CONSUMERS) * _each(limits.RECONCILE_INTERVAL)
    of_a_route, of_containers = _estimated("metrics of a route"), _estimated("metrics of containers")
    custom = _price("custom metric, month")
    return [
        Item("`dashboard`", "1", _price("dashboard, month")),
        Item("`throttled_tables`", f"{throttles} metrics in alarms", throttles * _price("alarm metric, month")),
        Item(
            "`by_route`, at most, for each route that is used in each hour",
            f"{of_a_route:g} metrics",
            of_a_route * custom,
        ),
        Item(
            "`containers`, at most, with a task in each hour",
            f"about {of_containers:g} metrics",
            of_containers * custom,
        ),
        Item(
            f"`traces`, at rest; each job {assumptions.FUNCTIONS_OF_JOB} more, each request one",
            f"{runs:.0f} traces",
            runs * _trace(),
        ),
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
    hours = repositories * use.setup_minutes / _MINUTES
    writes = repositories * (use.units_of_setup + WRITES_OF_REFRESH + _beats(use.setup_minutes) * WRITES_OF_BEAT)
    logs = repositories * _log_kilobytes_of_job()
    return [
        Item(
            "tasks",
            f"{hours:.0f} h",
            hours * _task_hour(environment.task_cpu, environment.task_memory, share=1.0),
        ),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * _price("DynamoDB writes, million")),
        Item(
            "functions and queues", f"{repositories} jobs", repositories * _job_overhead(environment, use.setup_minutes)
        ),
        Item("logs", f"{_gigabytes(logs):.2f} GB", _logs(logs)),
    ]


def month_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what keeping so many repositories current costs in a month."""
    jobs = repositories * use.refreshes
    hours = jobs * use.refresh_minutes / _MINUTES
    checks = repositories * use.checks
    renewals = repositories * use.renewals
    writes = jobs * (WRITES_OF_REFRESH + _beats(use.refresh_minutes) * WRITES_OF_BEAT)
    writes += checks * WRITES_OF_CHECK + renewals * WRITES_OF_RENEWAL
    logs = jobs * _log_kilobytes_of_job()
    storage = _gigabytes(repositories * use.kilobytes)
    requests = repositories * use.requests
    request = (_price("HTTP API requests, million") + _price("Lambda requests, million")) / _MILLION
    request += _lambda_seconds(_estimated("seconds of an API request"))
    reads = _price("DynamoDB reads, million") / _MILLION
    check = _scheduler_seconds(_estimated("seconds of a check")) + assumptions.READS_OF_CHECK * reads
    return [
        Item(
            "tasks on Spot",
            f"{hours:.0f} h",
            hours
            * _task_hour(
                environment.refresh_task_cpu,
                environment.refresh_task_memory,
                share=_estimated("share of Spot in the on-demand price"),
            ),
        ),
        Item("checks", f"{checks:.0f}", checks * check),
        Item(
            "healths renewed without a task",
            f"{renewals:.0f}",
            renewals * (_scheduler_seconds(_estimated("seconds of a renewal")) + use.reads_of_renewal * reads),
        ),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * _price("DynamoDB writes, million")),
        Item(
            "DynamoDB storage",
            f"{storage:.1f} GB",
            storage * (_price("DynamoDB storage, GB-month") + _price("DynamoDB point-in-time recovery, GB-month")),
        ),
        Item(
            "API requests", f"{requests / _MILLION:.2f} M", requests * (request + assumptions.READS_OF_REQUEST * reads)
        ),
        Item("functions and queues", f"{jobs:.0f} jobs", jobs * _job_overhead(environment, use.refresh_minutes)),
        Item("logs", f"{_gigabytes(logs):.2f} GB", _logs(logs)),
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
        cpu=environment.task_cpu / _CPU_UNITS,
        memory=environment.task_memory / _MIB,
        setup=_table(setup_of(_SHOWN, environment)),
        refresh_cpu=environment.refresh_task_cpu / _CPU_UNITS,
        refresh_memory=environment.refresh_task_memory / _MIB,
        units_per_commit=assumptions.UNITS_PER_COMMIT,
        units_per_tag=assumptions.UNITS_PER_TAG,
        writes_of_check=WRITES_OF_CHECK,
        writes_of_refresh=WRITES_OF_REFRESH,
        at_rest=AT_REST,
        month=_table(month_of(_SHOWN, environment)),
        rest=_table(month_of(_SHOWN, environment, AT_REST)),
        unpublished=_table(month_of(_SHOWN, environment, UNPUBLISHED)),
        writes_of_renewal=WRITES_OF_RENEWAL,
        choices=_table(choices(), summed=False),
        in_use=len(METRICS_IN_USE) + len(ErrorCode),
        metrics_in_use=_table(metrics_in_use()),
        estimates=_estimate_table(),
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


def _minutes_of(expression: str) -> timedelta:
    """Return the time between two runs of a schedule."""
    found = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    if found is None:
        raise ValueError(f"a schedule of another kind: {expression}")
    return int(found[1]) * _MINUTE


def _each(interval: timedelta) -> float:
    """Return how often a month has this interval."""
    return _HOURS * _HOUR / interval


def _poll() -> timedelta:
    return timedelta(seconds=_estimated("seconds of a long poll"))


def _beats(minutes: float) -> float:
    """Return how often a task beats that is billed for so long: it begins to work some time after its image's pull."""
    return minutes * _MINUTE // limits.HEARTBEAT - 1


def _log_kilobytes_of_job() -> float:
    return assumptions.LOG_KILOBYTES_OF_JOB + assumptions.FUNCTIONS_OF_JOB * _estimated("KB that Lambda logs of a run")


def _price(name: str) -> float:
    return PRICES[name].dollars


def _lambda_seconds(seconds: float, memory: int = DEFAULT_MEMORY) -> float:
    """Return what so long in a function with that memory costs."""
    return seconds * memory / _MIB * _price("Lambda on ARM, GB-second")


def _scheduler_seconds(seconds: float) -> float:
    return _lambda_seconds(seconds, SCHEDULER.memory)


def _trace() -> float:
    return _price("traces, million") / _MILLION


def _idle_run(function: FunctionSpec[Any]) -> float:
    """Return what a run by the clock costs that finds nothing to do."""
    by_the_million = _price("schedules, million") + _price("Lambda requests, million")
    by_the_million += assumptions.READS_OF_IDLE_RUN[function.name] * _price("DynamoDB reads, million")
    by_the_million += assumptions.WRITES_OF_IDLE_RUN[function.name] * _price("DynamoDB writes, million")
    seconds = _lambda_seconds(_estimated("seconds of an idle run"), function.memory)
    return by_the_million / _MILLION + seconds + _logs_of_run(assumptions.LOG_KILOBYTES_OF_IDLE_RUN[function.name])


def _heartbeat() -> float:
    """Return what one call of a stream consumer for a heartbeat costs; the reconciler's run has paid for the write."""
    seconds = _lambda_seconds(_estimated("seconds of a heartbeat's run"))
    return (
        _price("Lambda requests, million") / _MILLION + seconds + _logs_of_run(assumptions.LOG_KILOBYTES_OF_HEARTBEAT)
    )


def _logs_of_run(kilobytes: float) -> float:
    return _logs(kilobytes + _estimated("KB that Lambda logs of a run"))


def _job_overhead(environment: Environment, minutes: float) -> float:
    """Return what one job costs besides its task: functions, calls to SQS, an event, the secret that its task reads."""
    trace = environment.insight.traces * _trace()
    seconds = _lambda_seconds(_estimated("seconds of each function of a job"))
    functions = assumptions.FUNCTIONS_OF_JOB * (seconds + _price("Lambda requests, million") / _MILLION + trace)
    calls = assumptions.QUEUE_CALLS_OF_JOB + _beats(minutes) * assumptions.QUEUE_CALLS_OF_BEAT
    by_the_million = calls * _price("SQS requests, million")
    by_the_million += _price("own events, million") + _price("secret calls, million")
    return functions + by_the_million / _MILLION


def _task_hour(cpu: int, memory: int, share: float) -> float:
    vcpus = cpu / _CPU_UNITS * _price("Fargate on ARM, vCPU-hour")
    gigabytes = memory / _MIB * _price("Fargate on ARM, GB-hour")
    return share * (vcpus + gigabytes) + _price("public IPv4 address, hour")


def _gigabytes(kilobytes: float) -> float:
    return kilobytes / _MILLION


def _logs(kilobytes: float) -> float:
    return _gigabytes(kilobytes) * _price("logs, GB")


def _price_table() -> str:
    rows = ["| what | $ | source |", "|---|---:|---|"]
    rows += [f"| {name} | {_plain(price.dollars)} | {price.source} |" for name, price in PRICES.items()]
    return "\n".join(rows)


def _estimate_table() -> str:
    rows = ["| what | how much | why |", "|---|---:|---|"]
    rows += [f"| {name} | {estimate.value:g} | {estimate.reason} |" for name, estimate in ESTIMATES.items()]
    return "\n".join(rows)


def _plain(number: float) -> str:
    return f"{number:.10f}".rstrip("0").removesuffix(".")


def _table(items: list[Item], *, summed: bool = True) -> str:
    rows = ["| what | how much | $ |", "|---|---:|---:|"]
    rows += [f"| {item.name} | {item.amount} | {item.dollars:.2f} |" for item in items]
    if summed:
        rows.append(f"| **sum** | | **{sum(item.dollars for item in items):.2f}** |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
