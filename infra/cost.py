"""Writes docs/cost.md: what each environment costs at rest, and what repositories add.

    python -m infra.cost [--check]

Resources are counted in the synthesised templates; what a repository uses stands in `PER_REPOSITORY`. With `--check`
the document is compared instead, and the exit code is 1 if it is stale.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.application import application
from infra.environments import ENVIRONMENTS, Environment
from watchlist import limits
from watchlist.queues import JobKind

DOCUMENT = Path(__file__).parents[1] / "docs" / "cost.md"

PRICES_DATE = "2025"
"""When these list prices (us-east-1, US dollars, free tiers left out) were in force."""

PRICES = {
    "alarm metric, month": 0.10,
    "custom metric, month": 0.30,
    "dashboard, month": 3.00,
    "secret, month": 0.40,
    "NAT gateway, hour": 0.045,
    "image registry, GB-month": 0.10,
    "SQS requests, million": 0.40,
    "HTTP API requests, million": 1.00,
    "Lambda requests, million": 0.20,
    "Lambda on ARM, GB-second": 0.0000133334,
    "DynamoDB writes, million": 0.625,
    "DynamoDB reads, million": 0.125,
    "DynamoDB storage with point-in-time recovery, GB-month": 0.45,
    "Fargate on ARM, vCPU-hour": 0.03238,
    "Fargate on ARM, GB-hour": 0.00356,
    "public IPv4 address, hour": 0.005,
    "logs, GB": 0.50,
}

SPOT_SHARE = 0.3
"""What Spot costs of the on-demand price, as a rule; it varies with the market."""

_HOURS = 730
_MILLION = 1e6

_POLLERS = 5
"""Long polls that Lambda keeps open on an idle queue (Lambda developer guide, scaling with SQS)."""

_POLL_SECONDS = 20

_IMAGE_GB = 0.2
_LAMBDA_GB = 0.5


@dataclass(frozen=True, slots=True)
class RepositoryUse:
    """What one repository is assumed to use. The first job is a setup; later ones run when something has changed.

    Attributes:
        setup_minutes: billed minutes of its first task, from the pull of the image on; Fargate bills at least one.
        refresh_minutes: billed minutes of a later task.
        refreshes: tasks of a month after the first: on how many days something has changed.
        commits: commits stored at first.
        writes_per_commit: DynamoDB write units of a commit (1 for each KB begun).
        writes_per_job: write units of the protocol: states, progress, heartbeats, slots.
        kilobytes: stored altogether.
        requests: polls of its status and reads of its results in a month.
        log_kilobytes: of a job.
    """

    setup_minutes: float = 2.0
    refresh_minutes: float = 1.0
    refreshes: float = 10.0
    commits: int = 400
    writes_per_commit: float = 1.5
    writes_per_job: float = 80.0
    kilobytes: float = 600.0
    requests: int = 200
    log_kilobytes: float = 20.0


PER_REPOSITORY = RepositoryUse()

_DOCUMENT = """\
# What it costs

Written by `python -m infra.cost` from the templates. List prices of us-east-1 of {date} in US dollars, without free
tiers and taxes; the prices stand in `infra/cost.py`: look them up before you rely on this page.

Nothing runs while there is nothing to do: at rest an environment costs its alarms, its dashboard and the polling of its
{queues} queues. Metrics by route and by error code are billed for the hours in which they occur; they are not included.

## At rest, a month

{rests}

## A thousand repositories

Assumed of one: a first task of {use.setup_minutes:g} minutes, {use.commits} commits stored, {use.refreshes:g} days of a
month on which something has changed, with a task of {use.refresh_minutes:g} minute on Spot each, {use.requests} API
requests a month, {use.kilobytes:g} KB kept. Tasks have {cpu:g} vCPU and {memory:g} GB.

### Adding them, once

{setup}

### Keeping them current, a month

{month}
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
    runs = _HOURS * 3600 / limits.RECONCILE_INTERVAL.total_seconds()
    return [
        Item("alarms", f"{alarm_metrics} metrics", alarm_metrics * PRICES["alarm metric, month"]),
        Item("dashboard", str(dashboards), dashboards * PRICES["dashboard, month"]),
        Item("metrics of the reconciler", "3", 3 * PRICES["custom metric, month"]),
        Item("secret", str(secrets), secrets * PRICES["secret, month"]),
        Item(
            "polling of the queues",
            f"{polls / _MILLION:.1f} M requests",
            polls / _MILLION * PRICES["SQS requests, million"],
        ),
        Item(
            "reconciler",
            f"{runs:.0f} runs",
            runs * (_lambda_seconds(0.1) + PRICES["Lambda requests, million"] / _MILLION),
        ),
        Item("worker's image", f"{_IMAGE_GB} GB", _IMAGE_GB * PRICES["image registry, GB-month"]),
        Item("NAT gateway", str(nat_gateways), nat_gateways * _HOURS * PRICES["NAT gateway, hour"]),
    ]


def setup_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what adding so many repositories costs, once."""
    hours = repositories * use.setup_minutes / 60
    writes = repositories * (use.commits * use.writes_per_commit + use.writes_per_job)
    return [
        Item("tasks", f"{hours:.0f} h", hours * _task_hour(environment, share=1.0)),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * PRICES["DynamoDB writes, million"]),
        Item("functions and queues", f"{repositories} jobs", repositories * _job_overhead()),
        Item("logs", f"{_gigabytes(repositories * use.log_kilobytes):.2f} GB", _logs(repositories * use.log_kilobytes)),
    ]


def month_of(repositories: int, environment: Environment, use: RepositoryUse = PER_REPOSITORY) -> list[Item]:
    """Return what keeping so many repositories current costs in a month."""
    jobs = repositories * use.refreshes
    hours = jobs * use.refresh_minutes / 60
    writes = jobs * use.writes_per_job
    storage = _gigabytes(repositories * use.kilobytes)
    requests = repositories * use.requests
    request = (PRICES["HTTP API requests, million"] + PRICES["Lambda requests, million"]) / _MILLION + _lambda_seconds(
        0.03
    )
    reads = PRICES["DynamoDB reads, million"] / _MILLION
    return [
        Item("tasks on Spot", f"{hours:.0f} h", hours * _task_hour(environment, share=SPOT_SHARE)),
        Item("DynamoDB writes", f"{writes / _MILLION:.2f} M", writes / _MILLION * PRICES["DynamoDB writes, million"]),
        Item(
            "DynamoDB storage",
            f"{storage:.1f} GB",
            storage * PRICES["DynamoDB storage with point-in-time recovery, GB-month"],
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
        queues=len(JobKind),
        rests="\n\n".join(f"### {name.name}\n\n{_table(at_rest(template))}" for name, template in templates.items()),
        use=PER_REPOSITORY,
        cpu=environment.task_cpu / 1024,
        memory=environment.task_memory / 1024,
        setup=_table(setup_of(1000, environment)),
        month=_table(month_of(1000, environment)),
    )


def main() -> int:
    """Write or check the document."""
    text = document()
    if "--check" in sys.argv[1:]:
        if DOCUMENT.read_text() == text:
            return 0
        sys.stderr.write("docs/cost.md is stale: run `python -m infra.cost` and commit it\n")
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


def _lambda_seconds(seconds: float) -> float:
    return seconds * _LAMBDA_GB * PRICES["Lambda on ARM, GB-second"]


def _job_overhead() -> float:
    """Return what one job costs besides its task: two functions and about ten calls to SQS."""
    functions = 2 * (_lambda_seconds(1.0) + PRICES["Lambda requests, million"] / _MILLION)
    return functions + 10 * PRICES["SQS requests, million"] / _MILLION


def _task_hour(environment: Environment, share: float) -> float:
    cpu = environment.task_cpu / 1024 * PRICES["Fargate on ARM, vCPU-hour"]
    memory = environment.task_memory / 1024 * PRICES["Fargate on ARM, GB-hour"]
    return share * (cpu + memory) + PRICES["public IPv4 address, hour"]


def _gigabytes(kilobytes: float) -> float:
    return kilobytes / _MILLION


def _logs(kilobytes: float) -> float:
    return _gigabytes(kilobytes) * PRICES["logs, GB"]


def _table(items: list[Item]) -> str:
    rows = ["| what | how much | $ |", "|---|---:|---:|"]
    rows += [f"| {item.name} | {item.amount} | {item.dollars:.2f} |" for item in items]
    rows.append(f"| **sum** | | **{sum(item.dollars for item in items):.2f}** |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
