"""The environments: what differs between them, and nothing else. Add your own to `ENVIRONMENTS`.

Each is deployed as a CDK stage of its name into the account and region of the caller's credentials.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from watchlist import limits
from watchlist.own_hosts import InvalidHostError, OwnHost, written
from watchlist.settings import ONE_WORD, LogLevel

LOG_RETENTION_DAYS = (1, 3, 7, 14, 30, 60, 90, 180, 365, 731)
"""Of what CloudWatch Logs allows (API reference, PutRetentionPolicy), what makes sense here."""

TASK_SIZES = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
}
"""Fargate's CPU units and the memory (MiB) that each allows (Amazon ECS developer guide, task size)."""

MIN_SCRATCH_GIB, MAX_SCRATCH_GIB = 21, 200
"""Ephemeral storage of a Fargate task; 20 GiB are there unasked and cannot be named."""

MAX_BUDGET_DOLLARS = 1_000_000
"""A budget beyond it is a slip of the pen."""

MAX_TASKS = 1_000_000
"""More tasks than any account has processors for are a slip of the pen."""

MAX_OF_A_USER = 1_000_000
"""An allowance beyond it is none."""

MAX_HOSTS_BYTES = 1500
"""Lambda's environment variables have 4 KB together, and each function gets the hosts."""

MAX_INTERVAL_HOURS = 30 * 24
"""A repository that is looked at more rarely is hardly watched."""


class InvalidEnvironmentError(ValueError):
    """An environment's setting is not allowed, or no environment has the name; the message lists what is."""


class Network(StrEnum):
    """How tasks reach the internet."""

    PUBLIC = "public"
    """Public subnets, a public address for each task, no way in. Costs nothing at rest."""

    PRIVATE = "private"
    """Private subnets behind a NAT gateway: one stable address outside, at a fixed price."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JwtIssuer:
    """Who issues the tokens that the API accepts instead of IAM signatures; the user is the token's subject.

    Attributes:
        issuer: its URL, exactly as tokens name it.
        audience: client ids whose tokens are accepted.
        page_client_id: the client with which the page signs people in (public, with PKCE, redirected to the page's
            address); None for a page that cannot.
        page_origins: origins of the issuer's token endpoint, where it has others than the issuer's own.
        operator_claim: the claim that tells an operator, such as `cognito:groups`, `roles` or `scope`; None if nobody
            with a token is one.
        operator_value: what the claim must be or contain: the name of a group, role or scope, without spaces.
    """

    issuer: str
    audience: tuple[str, ...]
    page_client_id: str | None = None
    page_origins: tuple[str, ...] = ()
    operator_claim: str | None = None
    operator_value: str = "operators"

    def __post_init__(self) -> None:
        if not self.issuer.startswith("https://"):
            raise InvalidEnvironmentError(f"jwt.issuer {self.issuer!r}: allowed is a URL that starts with https://")
        if not self.audience:
            raise InvalidEnvironmentError(
                "jwt.audience is empty: name at least one client id, or everybody's tokens pass"
            )
        if not re.fullmatch(ONE_WORD, self.operator_value):
            raise InvalidEnvironmentError(f"jwt.operator_value {self.operator_value!r}: allowed is one word")
        if any(not name or "," in name for name in self.audience):
            raise InvalidEnvironmentError(f"jwt.audience {self.audience!r}: allowed are names without commas")


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnIssuer:
    """A Cognito user pool that the environment makes for itself, as issuer of the tokens that the API accepts.

    Attributes:
        sign_up: whether people may make accounts themselves; otherwise an operator invites them.
    """

    sign_up: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomDomain:
    """A domain name of your own for the API, with its certificate in ACM (same region)."""

    name: str
    certificate_arn: str

    def __post_init__(self) -> None:
        if not self.certificate_arn.startswith("arn:aws:acm:"):
            raise InvalidEnvironmentError(
                f"domain.certificate_arn {self.certificate_arn!r}: allowed is arn:aws:acm:REGION:ACCOUNT:certificate/ID"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Insight:
    """What helps to look into a service, and costs what docs/cost.md says, whether anybody looks or not.

    What users feel is told by alarms without any of it.

    Attributes:
        dashboard: a page of graphs in CloudWatch.
        throttled_tables: alarms that name the table or index that throttles; what suffers has its alarms anyway.
        by_route: the API's metrics for each route, besides those of all together.
        containers: memory, processor and network of tasks (CloudWatch Container Insights).
        traces: X-Ray traces of the functions.
    """

    dashboard: bool = False
    throttled_tables: bool = False
    by_route: bool = False
    containers: bool = False
    traces: bool = False


def _require_one_of(environment: "Environment", setting: str, allowed: tuple[int, ...] | tuple[str, ...]) -> None:
    _require(getattr(environment, setting) in allowed, environment, setting, ", ".join(map(str, allowed)))


def _require_between(environment: "Environment", setting: str, least: int, most: int) -> None:
    _require(least <= getattr(environment, setting) <= most, environment, setting, f"{least} to {most}")


def _require(holds: bool, environment: "Environment", setting: str, allowed: str) -> None:  # noqa: FBT001 - the condition
    if not holds:
        value = getattr(environment, setting)
        raise InvalidEnvironmentError(f"environment {environment.name!r}, {setting} {value!r}: allowed are {allowed}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """One environment.

    Attributes:
        name: the stage's name.
        keeps_data: tables refuse deletion, and a destroyed stack leaves them and the logs behind.
        refuses_deletion: False for the first deployment of what keeps data, so that one which fails can be rolled back.
        monthly_budget_dollars: what a month may cost until somebody is told; None for no budget.
        zones: names of the availability zones for tasks; none for the region's first two. Not every zone has Fargate on
            ARM.
        log_retention_days: one of `LOG_RETENTION_DAYS`.
        customer_key: a key of your own (KMS) encrypts tables, logs, queues, topics and the secret; or else AWS's do.
        cors_origins: web pages that may call the API from a browser; empty for none.
        jwt: accept the tokens of this issuer on every route; an `OwnIssuer` is made with the stack. None accepts
            signatures of IAM (SigV4) only.
        git_hosts: hosts of your own whose repositories may be watched beside those of the public ones: GitLab, Gitea,
            Forgejo or GitHub Enterprise, reachable from the internet with a certificate that the public trusts. Their
            tokens are a secret of the environment (docs/deploy.md).
        domain: the API's own domain name; None for the one that API Gateway gives.
        requests_per_second: steady rate of the whole API; API Gateway answers 429 past it.
        request_burst: requests that may come at once.
        adds_an_hour: repositories that a user with a token may add in an hour.
        retries_an_hour: failed entries that a user with a token may retry in an hour.
        watched_by_a_user: repositories that a user with a token may watch.
        connections_of_a_user: WebSocket connections that a user with a token may have open.
        max_setup_tasks: setups that run at once.
        max_refresh_tasks: refreshes that run at once, apart from setups.
        max_open_refreshes: refresh jobs that may be open; what is due beyond them waits without a job.
        checks_at_once: repositories that are asked for their HEAD at the same time.
        checks_a_second: requests that one host is sent for it within a second.
        commits_interval_hours: from one look at a repository for new commits to the next.
        health_interval_hours: the age from which on the health of a repository that has changed is renewed.
        task_cpu: CPU units of a task (1024 are one vCPU), a key of `TASK_SIZES`.
        task_memory: MiB of a task, as `TASK_SIZES` allows.
        refresh_task_cpu: CPU units of a refresh's first attempt; further ones are tasks of full size.
        refresh_task_memory: likewise its MiB.
        task_scratch_gib: GiB of disk of a task.
        network: how tasks reach the internet.
        reserves_concurrency: functions that must never starve have executions of the account reserved, and the one that
            must not run twice at once has one. False where the account's quota has none to reserve (new ones have ten);
            then a digest may be sent twice, rarely, and a burst of requests can hold up the dispatcher.
        insight: what is to be seen besides alarms and logs.
        alarm_email: who is told of alarms; None for nobody but the topic's other subscribers.
        runbook: where the runbook is read, as prefix of the links in alarms.
    """

    name: str
    keeps_data: bool
    refuses_deletion: bool = True
    monthly_budget_dollars: int | None = None
    zones: tuple[str, ...] = ()
    log_retention_days: int
    customer_key: bool = False
    cors_origins: tuple[str, ...] = ()
    jwt: JwtIssuer | OwnIssuer | None = None
    git_hosts: tuple[OwnHost, ...] = ()
    domain: CustomDomain | None = None
    requests_per_second: int = 20
    request_burst: int = 40
    adds_an_hour: int = limits.ADDS_AN_HOUR
    retries_an_hour: int = limits.RETRIES_AN_HOUR
    watched_by_a_user: int = limits.WATCHED_BY_A_USER
    connections_of_a_user: int = limits.CONNECTIONS_OF_A_USER
    max_setup_tasks: int
    max_refresh_tasks: int
    max_open_refreshes: int = limits.OPEN_REFRESHES
    checks_at_once: int = limits.CHECKS_AT_ONCE
    checks_a_second: int = limits.CHECKS_A_SECOND
    commits_interval_hours: int = 24
    health_interval_hours: int = 24
    task_cpu: int = 1024
    task_memory: int = 2048
    refresh_task_cpu: int = 512
    refresh_task_memory: int = 1024
    task_scratch_gib: int = 21
    network: Network = Network.PUBLIC
    reserves_concurrency: bool = True
    insight: Insight = Insight()
    alarm_email: str | None = None
    runbook: str = "docs/runbook.md"
    log_level: LogLevel = "INFO"

    def __post_init__(self) -> None:
        _require(
            bool(re.fullmatch(r"[a-z][a-z0-9-]{0,19}", self.name)),
            self,
            "name",
            "1 to 20 of a-z, 0-9 and -, starting with a letter",
        )
        _require_one_of(self, "log_retention_days", LOG_RETENTION_DAYS)
        _require_one_of(self, "log_level", get_args(LogLevel))
        _require_one_of(self, "task_cpu", tuple(TASK_SIZES))
        _require_one_of(self, "task_memory", TASK_SIZES[self.task_cpu])
        _require_one_of(self, "refresh_task_cpu", tuple(TASK_SIZES))
        _require_one_of(self, "refresh_task_memory", TASK_SIZES[self.refresh_task_cpu])
        _require_between(self, "task_scratch_gib", MIN_SCRATCH_GIB, MAX_SCRATCH_GIB)
        _require_between(self, "max_setup_tasks", 1, MAX_TASKS)
        _require_between(self, "max_refresh_tasks", 1, MAX_TASKS)
        _require_between(self, "max_open_refreshes", 1, MAX_TASKS)
        _require_between(self, "checks_at_once", 1, limits.MOST_CHECKS_AT_ONCE)
        _require_between(self, "checks_a_second", 1, 1000)
        if self.monthly_budget_dollars is not None:
            _require_between(self, "monthly_budget_dollars", 1, MAX_BUDGET_DOLLARS)
        _require(
            len(set(self.zones)) == len(self.zones) != 1
            and all(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]", zone) for zone in self.zones),
            self,
            "zones",
            "none, or at least two different names of zones such as us-east-1a",
        )
        _require_between(self, "commits_interval_hours", 1, MAX_INTERVAL_HOURS)
        _require_between(self, "health_interval_hours", 1, MAX_INTERVAL_HOURS)
        _require_between(self, "requests_per_second", 1, 10_000)
        _require_between(self, "request_burst", 1, 5_000)
        for allowance in ("adds_an_hour", "retries_an_hour", "watched_by_a_user"):
            _require_between(self, allowance, 1, MAX_OF_A_USER)
        _require_between(self, "connections_of_a_user", 1, limits.MOST_CONNECTIONS_OF_A_USER)
        self._require_hosts()
        _require(
            all(re.fullmatch(r"https://[^/*]+", origin) for origin in self.cors_origins),
            self,
            "cors_origins",
            "origins such as https://watchlist.example.com, without path and without *",
        )
        _require(
            self.alarm_email is None or bool(re.fullmatch(r"[^@\s]+@[^@\s]+", self.alarm_email)),
            self,
            "alarm_email",
            "an e-mail address, or None",
        )

    def _require_hosts(self) -> None:
        try:
            text = written(self.git_hosts)
        except InvalidHostError as error:
            raise InvalidEnvironmentError(f"environment {self.name!r}, git_hosts: {error}") from None
        most = MAX_HOSTS_BYTES
        _require(len(text) <= most, self, "git_hosts", f"hosts that take at most {most} characters as JSON")

    @property
    def service(self) -> str:
        """The service's name in logs and metrics: one for each environment, so that they do not mix."""
        return f"repository-watchlist-{self.name}"


DEV = Environment(
    name="dev",
    keeps_data=False,
    log_retention_days=7,
    max_setup_tasks=5,
    max_refresh_tasks=2,
    monthly_budget_dollars=30,
    reserves_concurrency=False,
    log_level="DEBUG",
)

STAGING = Environment(
    name="staging",
    keeps_data=False,
    log_retention_days=30,
    max_setup_tasks=20,
    max_refresh_tasks=10,
    monthly_budget_dollars=100,
)

PROD = Environment(
    name="prod",
    keeps_data=True,
    log_retention_days=90,
    requests_per_second=100,
    request_burst=200,
    max_setup_tasks=50,
    max_refresh_tasks=20,
    monthly_budget_dollars=500,
)

ENVIRONMENTS = (DEV, STAGING, PROD)


def environments_named(name: str | None) -> tuple[Environment, ...]:
    """Return the environment of that name, or all when no name is given.

    Raises:
        InvalidEnvironmentError: there is none of that name.
    """
    if name is None:
        return ENVIRONMENTS
    found = tuple(environment for environment in ENVIRONMENTS if environment.name == name)
    if not found:
        allowed = ", ".join(environment.name for environment in ENVIRONMENTS)
        raise InvalidEnvironmentError(f"no environment is named {name!r}: allowed are {allowed}")
    return found
