"""The dashboard of one environment: is somebody waiting, is something failing, what does it cost."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.environments import Environment
from infra.stack.api import Api
from infra.stack.functions import Function
from infra.stack.job_queues import JobQueues
from infra.stack.notifications import Notifications
from infra.stack.own_metrics import failed_attempts, own_metric
from infra.stack.queue_with_dead_letters import QueueWithDeadLetters, depth
from infra.stack.storage import Storage
from infra.stack.streams import Streams
from infra.stack.worker import Worker
from watchlist.deployment.stream_consumers import FAILURES
from watchlist.errors import ErrorCode
from watchlist.metrics import Metric

_HALF = 12
"""Half of the dashboard's width of 24 units."""

_HOUR = Duration.hours(1)


class Dashboard(Construct):
    """What an operator looks at first, from top to bottom in the order of the questions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        storage: Storage,
        queues: JobQueues,
        notifications: Notifications,
        streams: Streams,
        worker: Worker,
        api: Api,
        functions: Sequence[Function],
    ) -> None:
        super().__init__(scope, construct_id)
        all_queues = [*queues.of_kind.values(), notifications.webhooks]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=environment.service,
            default_interval=Duration.days(1),
            widgets=[
                _waiting(all_queues),
                _working(environment),
                _failing(environment, all_queues, streams),
                _watchlist_health(environment),
                _api(api),
                _keeping_current(environment),
                _telling(environment),
                _cost_drivers(environment, storage, worker, functions),
            ],
        )


def _waiting(queues: Sequence[QueueWithDeadLetters]) -> list[cloudwatch.IWidget]:
    depths = [depth(queue.queue, queue.spec.name) for queue in queues]
    ages = [queue.queue.metric_approximate_age_of_oldest_message(label=queue.spec.name) for queue in queues]
    return [_graph("Messages waiting or in work", depths), _graph("Age of the oldest message (s)", ages)]


def _working(environment: Environment) -> list[cloudwatch.IWidget]:
    running = own_metric(
        environment,
        Metric.TASK_AGE,
        statistic=cloudwatch.Stats.SAMPLE_COUNT,
        period=Duration.minutes(1),
        label="running tasks",
    )
    durations = [
        own_metric(environment, Metric.JOB_DURATION, statistic=statistic, label=statistic)
        for statistic in (cloudwatch.Stats.percentile(50), cloudwatch.Stats.percentile(99), cloudwatch.Stats.MAXIMUM)
    ]
    attempts = own_metric(
        environment, Metric.JOB_ATTEMPTS, statistic=cloudwatch.Stats.AVERAGE, period=_HOUR, label="attempts per success"
    )
    launches = [
        own_metric(environment, metric) for metric in (Metric.TASK_LAUNCHED, Metric.TASK_POSTPONED, Metric.TASK_REFUSED)
    ]
    longest_wait = own_metric(
        environment, Metric.LONGEST_WAIT, statistic=cloudwatch.Stats.MAXIMUM, label="longest wait in line (s)"
    )
    return [
        _graph("Running tasks", [running]),
        _graph("Time from queueing to ready (s)", durations),
        _graph("Attempts per success", [attempts]),
        _graph("Launches", launches, right=[longest_wait]),
    ]


def _failing(
    environment: Environment, queues: Sequence[QueueWithDeadLetters], streams: Streams
) -> list[cloudwatch.IWidget]:
    dead = [depth(queue.dead_letter_queue, queue.spec.name) for queue in queues]
    dead.append(depth(streams.failures, FAILURES))
    by_code = [failed_attempts(environment, code, period=_HOUR) for code in ErrorCode]
    return [_graph("Dead letters", dead), _graph("Failed attempts by code", by_code, stacked=True)]


def _watchlist_health(environment: Environment) -> list[cloudwatch.IWidget]:
    ended = [
        own_metric(environment, metric, period=_HOUR)
        for metric in (Metric.JOB_COMPLETED, Metric.JOB_FAILED, Metric.PARTS_BROKEN)
    ]
    score = own_metric(environment, Metric.SCORE, statistic=cloudwatch.Stats.AVERAGE, period=_HOUR, label="mean score")
    missing = own_metric(environment, Metric.SCORE_MISSING, period=_HOUR)
    reconciled = [
        own_metric(environment, metric, period=_HOUR) for metric in (Metric.RECONCILER_RUN, Metric.ENTRIES_RECOVERED)
    ]
    overdue = own_metric(environment, Metric.ENTRIES_OVERDUE, statistic=cloudwatch.Stats.MAXIMUM, period=_HOUR)
    return [
        _graph("Jobs completed and failed", ended),
        _graph("Scorecard scores, and analyses without one", [score], right=[missing]),
        _graph("Reconciler: runs, entries taken over, entries overdue", [*reconciled, overdue]),
    ]


def _api(api: Api) -> list[cloudwatch.IWidget]:
    answers = [
        api.http_api.metric_count(label="all"),
        api.http_api.metric_client_error(label="4xx"),
        api.http_api.metric_server_error(label="5xx"),
    ]
    latencies = [
        api.http_api.metric_latency(statistic=cloudwatch.Stats.percentile(percent), label=f"p{percent}")
        for percent in (50, 99)
    ]
    return [_graph("API answers", answers), _graph("API latency (ms)", latencies)]


def _keeping_current(environment: Environment) -> list[cloudwatch.IWidget]:
    counts = (
        Metric.SCHEDULER_RUN,
        Metric.ENTRIES_CHECKED,
        Metric.REFRESHES_STARTED,
        Metric.REFRESHES_PUT_OFF,
        Metric.CHECKS_FAILED,
    )
    lag = own_metric(environment, Metric.CHECK_LAG, statistic=cloudwatch.Stats.MAXIMUM, label="lag (s)")
    return [_graph("Checks", [own_metric(environment, metric, period=_HOUR) for metric in counts], right=[lag])]


def _telling(environment: Environment) -> list[cloudwatch.IWidget]:
    live = (Metric.LIVE_PUBLISHER_RUN, Metric.LIVE_MESSAGES, Metric.LIVE_CONNECTIONS_DROPPED)
    told = (
        Metric.ALERTS_RAISED,
        Metric.ENTRY_EVENTS_RUN,
        Metric.ALERT_EVENTS_RUN,
        Metric.ALERT_COLLECTOR_RUN,
        Metric.DIGEST_RUN,
        Metric.DIGEST_SENT,
        Metric.WEBHOOK_DELIVERED,
        Metric.WEBHOOK_FAILED,
    )
    return [
        _graph("Live status: runs, messages, dropped connections", [own_metric(environment, m) for m in live]),
        _graph("Alerts, events, digests and webhooks", [own_metric(environment, metric) for metric in told]),
    ]


def _cost_drivers(
    environment: Environment, storage: Storage, worker: Worker, functions: Sequence[Function]
) -> list[cloudwatch.IWidget]:
    task_minutes = own_metric(
        environment,
        Metric.TASK_AGE,
        statistic=cloudwatch.Stats.SAMPLE_COUNT,
        period=_HOUR,
        label="task minutes",
    )
    memory = cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name="MemoryUtilized",
        dimensions_map={"ClusterName": worker.cluster.cluster_name, "TaskDefinitionFamily": environment.service},
        statistic=cloudwatch.Stats.MAXIMUM,
        label="memory used (MiB)",
    )
    invocations = [
        function.function.metric_invocations(period=_HOUR, label=function.spec.name) for function in functions
    ]
    received = own_metric(environment, Metric.BYTES_RECEIVED, period=_HOUR, label="bytes received")
    return [
        _graph("Fargate: task minutes an hour", [task_minutes], right=[memory]),
        _graph("Lambda: invocations", invocations, stacked=True),
        _graph(
            "DynamoDB: units consumed", [*_units(storage.watchlist, "watchlist"), *_units(storage.activity, "activity")]
        ),
        _graph("Received from git hosts", [received]),
    ]


def _units(table: dynamodb.TableV2, name: str) -> list[cloudwatch.IMetric]:
    return [
        table.metric_consumed_read_capacity_units(period=_HOUR, label=f"{name} read"),
        table.metric_consumed_write_capacity_units(period=_HOUR, label=f"{name} write"),
    ]


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(left), right=list(right), stacked=stacked, width=_HALF)
