"""Settings from environment variables: each variable's name, type and default stands here once.

A program loads the model of what it needs when it starts; a missing or malformed variable ends it with its name.
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from watchlist import limits
from watchlist.git_hosts import GitHost
from watchlist.job_kinds import JobKind
from watchlist.own_hosts import InvalidHostError, read_hosts, read_tokens
from watchlist.repository_url import DEFAULT_ORIGINS, parse_origin
from watchlist.text import separated

ONE_WORD = r"[^\s,\[\]]+"
"""What a claim's value is, so that it can be found in a list however that is written."""


class SettingsError(Exception):
    """Environment variables are missing or malformed; the message names each."""


def _split(value: object) -> object:
    return separated(value) if isinstance(value, str) else value


def _is_base_url(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("must start with https:// or http://")
    return value.rstrip("/")


def _are_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        parse_origin(value)
    return values


def _read_hosts(value: object) -> object:
    return read_hosts(value) if isinstance(value, str) else value


def _is_issuer(value: str) -> str:
    if not value.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError("must start with https://")
    return value


def _in_units_of(unit: timedelta) -> Callable[[object], timedelta]:
    """Return what reads a number, as of seconds; a fraction is one, infinity is not."""

    def read(value: object) -> timedelta:
        try:
            return float(str(value)) * unit
        except (ValueError, OverflowError):
            raise ValueError("must be a number, and not too large") from None

    return read


BaseUrl = Annotated[str, AfterValidator(_is_base_url)]
CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[CommaSeparated, AfterValidator(_are_origins)]
Issuer = Annotated[str, AfterValidator(_is_issuer)]
Seconds = Annotated[timedelta, BeforeValidator(_in_units_of(timedelta(seconds=1))), Field(gt=timedelta(0))]
Hours = Annotated[timedelta, BeforeValidator(_in_units_of(timedelta(hours=1))), Field(gt=timedelta(0))]
Days = Annotated[timedelta, BeforeValidator(_in_units_of(timedelta(days=1))), Field(gt=timedelta(0))]
OwnHosts = Annotated[tuple[GitHost, ...], BeforeValidator(_read_hosts)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(BaseModel):
    """Base of all settings: frozen, read by the variables' names."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    log_level: LogLevel = Field(default="INFO", alias="LOG_LEVEL")
    service: str = Field(default="repository-watchlist", alias="POWERTOOLS_SERVICE_NAME", min_length=1)
    operator_claim: str | None = Field(default=None, alias="OPERATOR_CLAIM", min_length=1)
    """The claim of a token that tells an operator, who may act for every user; None if nobody with a token is one."""
    operator_value: str = Field(default="operators", alias="OPERATOR_VALUE", pattern=f"^{ONE_WORD}$")
    """What that claim must be, or contain."""
    git_hosts: OwnHosts = Field(default=(), alias="GIT_HOSTS")
    """The operator's own hosts, as `watchlist.own_hosts` reads them; keys and links depend on them in every program."""

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """Return the names of all variables that this model reads."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


SettingsModel = TypeVar("SettingsModel", bound=Settings)


class PatienceSettings(Settings):
    """How long the job protocol waits for a sign of life before the reconciler may step in; see `limits`."""

    send_timeout: Seconds = Field(default=limits.SEND_TIMEOUT, alias="SEND_TIMEOUT_SECONDS")
    launch_timeout: Seconds = Field(default=limits.LAUNCH_TIMEOUT, alias="LAUNCH_TIMEOUT_SECONDS")
    queue_timeout: Seconds = Field(default=limits.QUEUE_TIMEOUT, alias="QUEUE_TIMEOUT_SECONDS")


class TableSettings(Settings):
    """Where the records are."""

    watchlist_table: str = Field(alias="WATCHLIST_TABLE", min_length=3)
    activity_table: str = Field(alias="ACTIVITY_TABLE", min_length=3)


class QueueSettings(Settings):
    """Where jobs are sent."""

    repository_setup_queue_url: BaseUrl = Field(alias=JobKind.REPOSITORY_SETUP.queue_url_variable)
    commit_backfill_queue_url: BaseUrl = Field(alias=JobKind.COMMIT_BACKFILL.queue_url_variable)
    health_analysis_queue_url: BaseUrl = Field(alias=JobKind.HEALTH_ANALYSIS.queue_url_variable)

    @property
    def queue_urls(self) -> Mapping[JobKind, str]:
        """The URL of each kind's queue."""
        return {
            JobKind.REPOSITORY_SETUP: self.repository_setup_queue_url,
            JobKind.COMMIT_BACKFILL: self.commit_backfill_queue_url,
            JobKind.HEALTH_ANALYSIS: self.health_analysis_queue_url,
        }


class DeadLetterQueueSettings(QueueSettings):
    """Where jobs are sent, and where those end that need an operator."""

    repository_setup_dead_letter_queue_url: BaseUrl = Field(
        alias=JobKind.REPOSITORY_SETUP.dead_letter_queue_url_variable
    )
    commit_backfill_dead_letter_queue_url: BaseUrl = Field(alias=JobKind.COMMIT_BACKFILL.dead_letter_queue_url_variable)
    health_analysis_dead_letter_queue_url: BaseUrl = Field(alias=JobKind.HEALTH_ANALYSIS.dead_letter_queue_url_variable)

    @property
    def dead_letter_queue_urls(self) -> Mapping[JobKind, str]:
        """The URL of each kind's dead-letter queue."""
        return {
            JobKind.REPOSITORY_SETUP: self.repository_setup_dead_letter_queue_url,
            JobKind.COMMIT_BACKFILL: self.commit_backfill_dead_letter_queue_url,
            JobKind.HEALTH_ANALYSIS: self.health_analysis_dead_letter_queue_url,
        }


class OriginSettings(Settings):
    """Which hosts may be asked for repositories, as origins (scheme, host and port)."""

    named_origins: Origins = Field(default=DEFAULT_ORIGINS, alias="ALLOWED_ORIGINS")
    """The origins besides those of the operator's own hosts."""

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """All origins; the first is that of `owner/name`."""
        return tuple(dict.fromkeys((*self.named_origins, *(host.origin for host in self.git_hosts))))


class TokenSettings(Settings):
    """What is shown to the operator's own hosts."""

    git_tokens_text: str = Field(default="{}", alias="GIT_TOKENS", repr=False)

    def git_tokens(self) -> Mapping[str, tuple[str, ...]]:
        """Return the tokens of each host that has some, by its origin.

        They are read apart from the other settings: a secret that was mistyped must not end what needs none.

        Raises:
            SettingsError: the variable is malformed.
        """
        try:
            return read_tokens(self.git_tokens_text, self.git_hosts)
        except InvalidHostError as error:
            raise SettingsError(f"environment variables: GIT_TOKENS: {error}") from None


class AddSettings(TableSettings, QueueSettings, OriginSettings, PatienceSettings):
    """What adding a repository needs."""

    adds_an_hour: int = Field(default=limits.ADDS_AN_HOUR, alias="ADDS_AN_HOUR", ge=1)
    """What one user may add; operators may add what they like."""
    watched_by_a_user: int = Field(default=limits.WATCHED_BY_A_USER, alias="WATCHED_BY_A_USER", ge=1)
    """How many repositories one user may watch; operators may add more for them."""
    batch_time: Seconds = Field(default=limits.BATCH_TIME, alias="BATCH_SECONDS")
    """How long a batch of adds goes on."""


class EnqueueSettings(TableSettings, QueueSettings, PatienceSettings):
    """What handing jobs to the queues needs."""


class ShareSettings(Settings):
    """How many tasks of each share may run at once."""

    max_setup_tasks: int = Field(alias="MAX_SETUP_TASKS", ge=1)
    max_refresh_tasks: int = Field(alias="MAX_REFRESH_TASKS", ge=1)

    def max_tasks(self, kind: JobKind) -> int:
        """Return how many tasks of `kind`'s share (setup or refresh) may run at once."""
        return self.max_refresh_tasks if kind.is_refresh else self.max_setup_tasks


class CallSettings(EnqueueSettings, ShareSettings):
    """What whoever frees a slot needs, so that the next job has it."""


class RetrySettings(EnqueueSettings):
    """What retrying failed entries needs."""

    retries_an_hour: int = Field(default=limits.RETRIES_AN_HOUR, alias="RETRIES_AN_HOUR", ge=1)
    """What one user may retry; operators may retry what they like."""


class OperationsSettings(TableSettings, DeadLetterQueueSettings, ShareSettings):
    """What looking at jobs and queues needs."""


class ConnectSettings(TableSettings):
    """What opening a WebSocket connection needs."""

    connections_of_a_user: int = Field(
        default=limits.CONNECTIONS_OF_A_USER,
        alias="CONNECTIONS_OF_A_USER",
        ge=1,
        le=limits.MOST_CONNECTIONS_OF_A_USER,
    )
    """How many one user may have open; operators may have what they like."""


class AuthorizerSettings(Settings):
    """Whose tokens open a WebSocket. Locally both variables are optional; with them the HTTP API wants tokens, too."""

    jwt_issuer: Issuer = Field(alias="JWT_ISSUER")
    """The issuer's URL exactly as tokens name it."""
    jwt_audience: CommaSeparated = Field(alias="JWT_AUDIENCE", min_length=1)


class VerdictSettings(Settings):
    """From where on a repository is quiet, dormant, slowing, failing or unknown (`watchlist.health.verdict`)."""

    quiet_after: Days = Field(default=limits.QUIET_AFTER, alias="QUIET_AFTER_DAYS")
    dormant_after: Days = Field(default=limits.DORMANT_AFTER, alias="DORMANT_AFTER_DAYS")
    slowing_share: float = Field(default=limits.SLOWING_SHARE, alias="SLOWING_SHARE", ge=0, lt=1)
    slowing_least_commits: float = Field(default=limits.SLOWING_LEAST, alias="SLOWING_LEAST_COMMITS", gt=0)
    stale_after: Days = Field(default=limits.STALE_AFTER, alias="STALE_AFTER_DAYS")
    failing_after_checks: int = Field(default=limits.FAILING_AFTER, alias="FAILING_AFTER_CHECKS", ge=1)

    @model_validator(mode="after")
    def _quiet_before_dormant(self) -> Self:
        if self.quiet_after > self.dormant_after:
            raise ValueError("QUIET_AFTER_DAYS must not be more than DORMANT_AFTER_DAYS")
        return self


class LiveSettings(TableSettings, VerdictSettings):
    """What posting to WebSocket connections needs, and judging what is posted."""

    live_endpoint_url: BaseUrl = Field(alias="LIVE_ENDPOINT_URL")
    """Where the connections of the WebSocket API's stage are managed: `https://<API's host>/<stage>`."""


class OverviewSettings(TableSettings, VerdictSettings):
    """What showing a user's repositories needs."""


class PageSettings(Settings):
    """What the page must know before it can ask the API."""

    api_access: Literal["open", "token", "signature"] = Field(alias="API_ACCESS")
    """What the API wants of its callers: nothing, a token of `JWT_ISSUER`, or a signature of IAM."""
    live_url: Annotated[str, Field(pattern=r"^(wss?://|/)")] | None = Field(default=None, alias="LIVE_URL")
    """Where a browser opens WebSockets; a path is one of the page's own address."""
    jwt_issuer: Issuer | None = Field(default=None, alias="JWT_ISSUER")
    page_client_id: str | None = Field(default=None, alias="PAGE_CLIENT_ID", min_length=1)
    """The page's client at the issuer: a public one, with PKCE, redirected to the page's address."""
    page_sign_in_origins: Origins = Field(default=(), alias="PAGE_SIGN_IN_ORIGINS")
    """Origins of the issuer's token endpoint, where it has others than its own."""

    @model_validator(mode="after")
    def _has_issuer(self) -> Self:
        if self.api_access == "token" and self.jwt_issuer is None:
            raise ValueError("API_ACCESS is token, and there is no JWT_ISSUER")
        return self


class EventSettings(TableSettings):
    """Where events are put."""

    event_bus_name: str = Field(alias="EVENT_BUS_NAME", min_length=1)


class DigestIntervalSettings(TableSettings):
    """How often a user is told of alerts."""

    digest_interval: Seconds = Field(default=limits.DIGEST_INTERVAL, alias="DIGEST_INTERVAL_SECONDS")
    """The least time between two digests of one user entry."""


class CollectorSettings(DigestIntervalSettings, LiveSettings):
    """What letting alerts be told, and showing them to who looks, needs."""


class DeliverySettings(TableSettings):
    """Where messages to users are handed on."""

    notification_topic_arn: str = Field(alias="NOTIFICATION_TOPIC_ARN", min_length=1)
    """The SNS topic for e-mail."""
    webhook_queue_url: BaseUrl = Field(alias="WEBHOOK_QUEUE_URL")


class DigestSettings(DigestIntervalSettings, DeliverySettings, VerdictSettings):
    """How digests of alerts are made and sent."""


class WebhookSettings(DeliverySettings):
    """What delivering webhooks needs."""

    webhook_loopback_port: int | None = Field(default=None, alias="WEBHOOK_LOOPBACK_PORT", ge=1, le=65535)
    """For tests only: deliver to this port of this machine, whatever host a URL names."""
    webhook_loopback_authorities: Path | None = Field(default=None, alias="WEBHOOK_LOOPBACK_AUTHORITIES")
    """File of the certificates that vouch for the hosts there."""
    webhook_retry_base: Seconds = Field(default=limits.WEBHOOK_RETRY_BASE, alias="WEBHOOK_RETRY_SECONDS")
    """The pause after a delivery's first failed try."""

    @property
    def webhook_loopback(self) -> tuple[int, Path] | None:
        """Port and certificates of the loopback receiver, None where webhooks are called as they are."""
        if self.webhook_loopback_port is None or self.webhook_loopback_authorities is None:
            return None
        return self.webhook_loopback_port, self.webhook_loopback_authorities

    @model_validator(mode="after")
    def _loopback_is_whole(self) -> Self:
        if (self.webhook_loopback_port is None) != (self.webhook_loopback_authorities is None):
            raise ValueError("WEBHOOK_LOOPBACK_PORT and WEBHOOK_LOOPBACK_AUTHORITIES go together")
        return self


class LeaseSettings(Settings):
    """How long a task holds an entry and how often it says that it is alive."""

    lease: Seconds = Field(default=limits.LEASE, alias="LEASE_SECONDS")
    """How long a lease, and the message's invisibility, lasts without a heartbeat."""
    heartbeat: Seconds = Field(default=limits.HEARTBEAT, alias="HEARTBEAT_SECONDS")
    job_timeout: Seconds = Field(default=limits.JOB_TIMEOUT, alias="JOB_TIMEOUT_SECONDS")

    @model_validator(mode="after")
    def _heartbeat_within_lease(self) -> Self:
        if self.heartbeat * 2 > self.lease:
            raise ValueError("HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS")
        return self


class PublishedScoreSettings(Settings):
    """Where the OpenSSF publishes scores."""

    scorecard_api_base_url: BaseUrl = Field(default="https://api.scorecard.dev", alias="SCORECARD_API_BASE_URL")


class CheckSettings(Settings):
    """How often entries are checked."""

    commits_interval: Hours = Field(default=limits.COMMITS_INTERVAL, alias="COMMITS_INTERVAL_HOURS")
    """From one look at a repository's HEAD to the next."""
    health_interval: Hours = Field(default=limits.HEALTH_INTERVAL, alias="HEALTH_INTERVAL_HOURS")
    """The age from which on the health of a HEAD that moved is renewed."""
    unchanged_health_interval: Hours = Field(
        default=limits.UNCHANGED_HEALTH_INTERVAL, alias="UNCHANGED_HEALTH_INTERVAL_HOURS"
    )
    """The age from which on the health of a HEAD that did not move is renewed."""
    check_jitter: float = Field(default=limits.CHECK_JITTER, alias="CHECK_JITTER", ge=0, le=1)


class SchedulerSettings(
    TableSettings, QueueSettings, OriginSettings, TokenSettings, CheckSettings, VerdictSettings, PublishedScoreSettings
):
    """What checking entries, renewing their health and starting their refreshes needs."""

    checks_at_once: int = Field(
        default=limits.CHECKS_AT_ONCE, alias="CHECKS_AT_ONCE", ge=1, le=limits.MOST_CHECKS_AT_ONCE
    )
    checks_a_second: float = Field(
        default=limits.CHECKS_A_SECOND, alias="CHECKS_A_SECOND", ge=limits.SLOWEST_PACE, le=limits.FASTEST_PACE
    )
    """How many requests one host is sent within a second."""
    github_token: str | None = Field(default=None, alias="GITHUB_TOKEN", repr=False)
    """Several ones are separated by commas."""
    github_token_secret: str | None = Field(default=None, alias="GITHUB_TOKEN_SECRET", min_length=1)
    """The secret that has it, where the variable does not: a JSON object with the field `token`."""
    git_tokens_secret: str | None = Field(default=None, alias="GIT_TOKENS_SECRET", min_length=1)
    """The secret that is what `GIT_TOKENS` would be, where the variable is not."""
    max_open_refreshes: int = Field(default=limits.OPEN_REFRESHES, alias="MAX_OPEN_REFRESHES", ge=1)


class LaunchSettings(CallSettings):
    """What whoever puts a launch off needs."""

    postpone: Seconds = Field(default=timedelta(minutes=1), alias="POSTPONE_SECONDS")


class DispatcherSettings(LaunchSettings):
    """What the dispatcher needs to launch tasks."""

    cluster: str = Field(alias="CLUSTER", min_length=1)
    task_definition: str = Field(alias="TASK_DEFINITION", min_length=1)
    subnet_ids: CommaSeparated = Field(alias="SUBNET_IDS", min_length=1)
    security_group_ids: CommaSeparated = Field(alias="SECURITY_GROUP_IDS", min_length=1)
    assign_public_ip: Literal["ENABLED", "DISABLED"] = Field(default="DISABLED", alias="ASSIGN_PUBLIC_IP")
    refresh_capacity_provider: str = Field(default="FARGATE_SPOT", alias="REFRESH_CAPACITY_PROVIDER")
    refresh_task_cpu: int | None = Field(default=None, alias="REFRESH_TASK_CPU", gt=0)
    refresh_task_memory: int | None = Field(default=None, alias="REFRESH_TASK_MEMORY", gt=0)


class TaskSettings(CallSettings, OriginSettings, TokenSettings, LeaseSettings, PublishedScoreSettings):
    """What the container's job needs besides the job itself."""

    git_clone_dir: Path = Field(alias="GIT_CLONE_DIR")
    scorecard_path: str = Field(default="scorecard", alias="SCORECARD_PATH", min_length=1)
    github_token: str | None = Field(default=None, alias="GITHUB_TOKEN", repr=False)
    github_api_base_url: BaseUrl = Field(default="https://api.github.com", alias="GITHUB_API_BASE_URL")
    scorecard_max_age: Hours = Field(
        default=timedelta(hours=24), alias="SCORECARD_MAX_AGE_HOURS", le=timedelta(hours=48)
    )


class JobSettings(Settings):
    """The job of one task, given as container overrides: ids only, since overrides are visible in many places."""

    job_message: str = Field(alias="JOB_MESSAGE", min_length=2)
    message_id: str = Field(alias="MESSAGE_ID", min_length=1)
    receipt_handle: str = Field(alias="RECEIPT_HANDLE", min_length=1)
    receive_count: int = Field(alias="RECEIVE_COUNT", ge=1)
    attempt: int = Field(alias="ATTEMPT", ge=1)
    slot: int = Field(alias="SLOT", ge=0)

    def to_environment(self) -> dict[str, str]:
        """Return the variables that say this job, and no other: they take precedence over the task definition's."""
        values = self.model_dump(by_alias=True, exclude=set(Settings.model_fields))
        return {name: str(value) for name, value in values.items()}


def load(model: type[SettingsModel], environment: Mapping[str, str] = os.environ) -> SettingsModel:
    """Read `model` from the environment.

    Empty variables count as unset, since templates and shells cannot always leave one out.

    Raises:
        SettingsError: with the name of each variable that is missing or malformed, without its value.
    """
    values = {name: environment[name] for name in model.variables() if environment.get(name)}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'][:1])) or 'settings'}: {e['msg']}" for e in error.errors()]
        raise SettingsError("environment variables: " + "; ".join(problems)) from None
