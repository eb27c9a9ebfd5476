"""Tasks that stop: ECS says so on the default event bus, and the task-stopped function explains it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.worker import Worker

_PATIENCE = Duration.hours(1)
"""How long an event is worth being delivered: past it the reconciler has found the task's entry."""


class TaskEvents(Construct):
    """Sends the events of this cluster's stopped tasks to the function; the reconciler covers for lost ones."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        task_stopped: Function,
        worker: Worker,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        # EventBridge hands an event over and is done with it; when the function fails, it is Lambda that tries again.
        task_stopped.function.configure_async_invoke(max_event_age=_PATIENCE, retry_attempts=2)
        self.rule = events.Rule(
            self,
            "Stopped",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={"clusterArn": [worker.cluster.cluster_arn], "lastStatus": ["STOPPED"]},
            ),
            targets=[targets.LambdaFunction(task_stopped.function, max_event_age=_PATIENCE, retry_attempts=10)],
        )
        monitoring.alarm(
            AlarmTitle.TASK_STOPPED_FAILING,
            happened="The task-stopped function raised errors: failed tasks are explained and retried late.",
            console=f"lambda/home?region={monitoring.region}#/functions/{task_stopped.function.function_name}?tab=monitoring",
            metric=task_stopped.function.metric_errors(),
            threshold=1,
            periods=2,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
