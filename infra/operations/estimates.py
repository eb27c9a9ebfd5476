"""What the bills of `infra.operations.cost` take from the world: prices, and what AWS, hosts and people do.

No code of ours decides any of it, so that no test can. docs/cost.md lists all of it; what our own code does stands in
`infra.operations.assumptions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of the world.

    Attributes:
        reason: why this much, or who says so.
    """

    value: float
    reason: str


_CLOUDWATCH = "factualminds.com, Amazon CloudWatch Pricing, June 2026"
_EVENTBRIDGE = "cloudburn.io, Amazon EventBridge Pricing, March 2026"
_DYNAMODB = "airbyte.com, Amazon DynamoDB Pricing, July 2025"
_FARGATE = "vantage.sh, AWS Fargate Pricing Explained"
_LAMBDA = "cloudchipr.com, AWS Lambda Pricing Breakdown, 2024"
_API_GATEWAY = "awsforengineers.com, AWS API Gateway Pricing Explained, May 2025"
_SECRETS = "hivebook.wiki, AWS Secrets Manager ($0.05 for 10,000 calls)"

PRICES: Mapping[str, Price] = {
    "alarm metric, month": Price(0.10, "a price list read by a program in September 2026"),
    "custom metric, month": Price(0.30, "signoz.io, CloudWatch Pricing, February 2026"),
    "dashboard, month": Price(3.00, _CLOUDWATCH),
    "logs, GB": Price(0.50, _CLOUDWATCH),
    "traces, million": Price(5.00, "aws.amazon.com/de/xray/pricing"),
    "secret, month": Price(0.40, _SECRETS),
    "secret calls, million": Price(5.00, _SECRETS),
    "NAT gateway, hour": Price(0.045, "fortem.dev, AWS Fargate Pricing, 2026 ($33 a month)"),
    "public IPv4 address, hour": Price(0.005, "doit.com, AWS Public IPv4 price increase (from February 2024)"),
    "image registry, GB-month": Price(0.10, "cloudburn.io, Amazon ECR Pricing, March 2026"),
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

ESTIMATES: Mapping[str, Estimate] = {
    "share of Spot in the on-demand price": Estimate(
        0.3, "68 to 70 % less as a rule (fortem.dev and wring.co, 2026); it varies"
    ),
    "long polls of an idle queue": Estimate(5, "what Lambda keeps open (Lambda guide, scaling with SQS)"),
    "seconds of a long poll": Estimate(20, "the longest that SQS has, which Lambda takes"),
    "GB of the worker's image": Estimate(0.2, "compressed: a slim Debian with Python, git and the Scorecard program"),
    "KB that Lambda logs of a run": Estimate(0.5, "its own lines: start, end, report"),
    "seconds of an idle run": Estimate(0.1, "a few answers of DynamoDB"),
    "seconds of a heartbeat's run": Estimate(0.02, "nothing but reading the record"),
    "seconds of a check": Estimate(
        0.02, "of the scheduler, eight hosts at a time; 5 ms of processor (python -m bench.due_checks)"
    ),
    "seconds of a renewal": Estimate(
        0.5, "the scores' server, and measuring a history: 0.15 s for 1000 commits (python -m bench.storage_units)"
    ),
    "seconds of each function of a job": Estimate(1.0, "of the dispatcher, most is ECS's answer to RunTask"),
    "seconds of an API request": Estimate(0.03, "one or two answers of DynamoDB"),
    "minutes of a first task": Estimate(2.0, "from the pull of the image on; Fargate bills at least one"),
    "minutes of a later task": Estimate(1.0, "likewise"),
    "refreshes of a month": Estimate(10, "a repository that moves on ten days: one task does all that is due then"),
    "commits of a year": Estimate(400, "of 41 public repositories half had more than 150, a third more than 500"),
    "tags of a repository": Estimate(200, "of 49 public repositories half had more than 140, a tenth more than 550"),
    "API requests of a month": Estimate(200, "polls of a status and reads of results"),
    "API requests of a month at rest": Estimate(20, "likewise"),
    "metrics of a route": Estimate(
        6,
        "Count, 4xx, 5xx, Latency, IntegrationLatency, DataProcessed (API Gateway guide, Work with CloudWatch metrics)",
    ),
    "metrics of containers": Estimate(
        24, "of the cluster and the task definition's family (CloudWatch guide, Amazon ECS Container Insights metrics)"
    ),
}
