"""What runs by the clock."""

from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.environments import Environment
from infra.functions import Function
from infra.monitoring import AlarmTitle, Monitoring
from infra.own_metrics import own_metric
from watchlist import limits
from watchlist.metrics import Metric

_MISSED_RUNS = 3
"""Runs of the reconciler that may fail in a row before somebody is told."""


class Schedules(Construct):
    """Starts the reconciler every `limits.RECONCILE_INTERVAL`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        reconciler: Function,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        interval = _duration(limits.RECONCILE_INTERVAL)
        scheduler.Schedule(
            self,
            "Reconcile",
            description="Looks for jobs that nobody works on",
            schedule=scheduler.ScheduleExpression.rate(interval),
            # A late run is worth nothing: the next one does its work.
            target=targets.LambdaInvoke(
                reconciler.function,
                max_event_age=interval,
                retry_attempts=0,
                role=self._role(reconciler).without_policy_updates(),
            ),
        )
        console = (
            f"lambda/home?region={monitoring.region}#/functions/{reconciler.function.function_name}?tab=monitoring"
        )
        monitoring.alarm(
            AlarmTitle.RECONCILER_NOT_RUNNING,
            happened="The reconciler has not finished a run: entries that nobody works on are not found.",
            console=console,
            metric=own_metric(environment, Metric.RECONCILER_RUN, period=interval),
            threshold=1,
            periods=_MISSED_RUNS,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        monitoring.alarm(
            AlarmTitle.ENTRIES_OVERDUE,
            happened="Entries were `processing` for longer than the service promises.",
            console=console,
            metric=own_metric(environment, Metric.ENTRIES_OVERDUE, statistic=cloudwatch.Stats.MAXIMUM, period=interval),
            threshold=1,
            # The alarm above tells when the reconciler says nothing at all.
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _role(self, function: Function) -> iam.Role:
        """Return the scheduler's role. The target's own grant would cover every version of the function."""
        source = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=source))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function.function_arn])
        )
        return role


def _duration(duration: timedelta) -> Duration:
    return Duration.seconds(duration.total_seconds())
