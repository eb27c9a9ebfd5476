"""Launching: messages of every queue go to the dispatcher, which starts tasks."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.environments import Environment
from infra.stack.functions import Function
from infra.stack.job_queues import JobQueues
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.own_metrics import own_metric
from infra.stack.worker import Worker
from watchlist.deployment import functions as function_specs
from watchlist.deployment.queue_specs import JOB_QUEUES
from watchlist.metrics import Metric

_POSTPONED_TOLERATED = 100
"""Launches that ECS puts off in an hour: a shortage of some minutes wakes up nobody."""

_DISPATCHERS_OF_A_QUEUE = function_specs.DISPATCHERS // len(JOB_QUEUES)
"""Dispatchers of one queue at once. Each starts several tasks a second, and RunTask takes 20 calls a second."""

_WAIT_TOLERATED = Duration.hours(6)
"""How long a job may wait in line: a burst of adds waits its turn without anybody being woken up."""


class Dispatch(Construct):
    """Connects the queues, the dispatcher function and the worker."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        dispatcher: Function,
        queues: JobQueues,
        worker: Worker,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        for job_queue in queues.of_kind.values():
            job_queue.deliver_to(dispatcher, max_concurrency=_DISPATCHERS_OF_A_QUEUE)
        worker.allow_run_task(dispatcher.role)
        _watch(environment, dispatcher, monitoring)


def _watch(environment: Environment, dispatcher: Function, monitoring: Monitoring) -> None:
    console = f"lambda/home?region={monitoring.region}#/functions/{dispatcher.function.function_name}?tab=monitoring"
    monitoring.alarm(
        AlarmTitle.DISPATCHER_FAILING,
        happened="The dispatcher raised an error or was throttled: jobs wait although nothing else is wrong.",
        console=console,
        metric=cloudwatch.MathExpression(
            expression="FILL(errors, 0) + FILL(throttles, 0)",
            using_metrics={
                "errors": dispatcher.function.metric_errors(),
                "throttles": dispatcher.function.metric_throttles(),
            },
            label="errors and throttles",
        ),
        threshold=1,
        periods=2,
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    monitoring.alarm(
        AlarmTitle.LAUNCHES_REFUSED,
        happened="ECS refused to start a task for a reason that does not pass by itself.",
        console=console,
        metric=own_metric(environment, Metric.TASK_REFUSED),
        threshold=1,
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    monitoring.alarm(
        AlarmTitle.JOBS_WAITING,
        subject="in line",
        happened=f"A job has waited in line for a task for more than {_WAIT_TOLERATED.to_hours():.0f} hours.",
        console=console,
        metric=own_metric(environment, Metric.LONGEST_WAIT, statistic=cloudwatch.Stats.MAXIMUM),
        threshold=_WAIT_TOLERATED.to_seconds(),
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    monitoring.alarm(
        AlarmTitle.LAUNCHES_POSTPONED,
        happened=f"ECS put off more than {_POSTPONED_TOLERATED} launches an hour, for two hours.",
        console=console,
        metric=own_metric(environment, Metric.TASK_POSTPONED, period=Duration.hours(1)),
        threshold=_POSTPONED_TOLERATED + 1,
        periods=2,
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
