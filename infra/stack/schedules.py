"""What runs by the clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.environments import Environment
from infra.stack.durations import cdk_duration
from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.own_metrics import own_metric
from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.metrics import Metric

_PATIENCE = timedelta(minutes=15)
"""How long nothing may run before somebody is told: a run or two may fail."""

_TOLERATED_LAG = Duration.hours(6)
"""How late checks may be: a burst of adds makes as many of them due at once a day later."""


_LAGGING = timedelta(hours=1)
"""For how long checks may be late until somebody is told."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A function that runs by the clock.

    Attributes:
        run: the metric that it emits at the end of each run that went through.
        alarm: what is said when it has not.
        lost: what does not happen meanwhile.
    """

    function: FunctionSpec
    interval: timedelta
    run: Metric
    alarm: AlarmTitle
    lost: str


SCHEDULED = (
    Scheduled(
        function_specs.RECONCILER,
        limits.RECONCILE_INTERVAL,
        Metric.RECONCILER_RUN,
        AlarmTitle.RECONCILER_NOT_RUNNING,
        "entries that nobody works on are not found",
    ),
    Scheduled(
        function_specs.SCHEDULER,
        limits.SCHEDULE_INTERVAL,
        Metric.SCHEDULER_RUN,
        AlarmTitle.SCHEDULER_NOT_RUNNING,
        "entries are not checked for changes",
    ),
    Scheduled(
        function_specs.DIGEST,
        limits.DIGEST_RUN_INTERVAL,
        Metric.DIGEST_RUN,
        AlarmTitle.DIGEST_NOT_RUNNING,
        "nobody is told of alerts",
    ),
)


class Schedules(Construct):
    """Starts each of `SCHEDULED` at its interval."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        functions: Mapping[str, Function],
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        scheduled_functions = [functions[scheduled.function.name] for scheduled in SCHEDULED]
        role = self._role(scheduled_functions)
        for scheduled, function in zip(SCHEDULED, scheduled_functions, strict=True):
            interval = cdk_duration(scheduled.interval)
            # A late run is worth nothing: the next one does its work. Neither the schedule nor Lambda tries again.
            function.function.configure_async_invoke(max_event_age=interval, retry_attempts=0)
            scheduler.Schedule(
                self,
                scheduled.function.name,
                description=f"{environment.service}: {scheduled.function.name}",
                schedule=scheduler.ScheduleExpression.rate(interval),
                target=targets.LambdaInvoke(
                    function.function,
                    max_event_age=interval,
                    retry_attempts=0,
                    role=role.without_policy_updates(),
                ),
            )
            monitoring.alarm(
                AlarmTitle.SCHEDULED_FAILING,
                subject=function.spec.name,
                happened=f"The {scheduled.function.name} raised errors or ran out of time, again and again.",
                console=_console(monitoring, function),
                metric=function.function.metric_errors(period=interval, statistic=cloudwatch.Stats.SUM),
                threshold=1,
                periods=_PATIENCE // scheduled.interval,
                missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            monitoring.silence(
                scheduled.alarm,
                happened=f"The {scheduled.function.name} has not finished a run: {scheduled.lost}.",
                console=_console(monitoring, function),
                metric=own_metric(environment, scheduled.run, period=interval),
                periods=_PATIENCE // scheduled.interval,
            )
        monitoring.alarm(
            AlarmTitle.ENTRIES_OVERDUE,
            happened="Entries were `processing` for longer than the service promises.",
            console=_console(monitoring, functions[function_specs.RECONCILER.name]),
            metric=own_metric(
                environment,
                Metric.ENTRIES_OVERDUE,
                statistic=cloudwatch.Stats.MAXIMUM,
                period=cdk_duration(limits.RECONCILE_INTERVAL),
            ),
            threshold=1,
            # Another alarm tells when the reconciler says nothing at all.
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        monitoring.alarm(
            AlarmTitle.CHECKS_BEHIND,
            happened=f"Entries have been due for a check for more than {_TOLERATED_LAG.to_hours():.0f} hours.",
            console=_console(monitoring, functions[function_specs.SCHEDULER.name]),
            metric=own_metric(
                environment,
                Metric.CHECK_LAG,
                statistic=cloudwatch.Stats.MAXIMUM,
                period=cdk_duration(limits.SCHEDULE_INTERVAL),
            ),
            threshold=_TOLERATED_LAG.to_seconds(),
            periods=_LAGGING // limits.SCHEDULE_INTERVAL,
            # A run that leaves nothing over does not say so.
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _role(self, functions: Sequence[Function]) -> iam.Role:
        """Return the schedules' role. The targets' own grants would cover every version of the functions."""
        source = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=source))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function.function_arn for function in functions]
            )
        )
        return role


def _console(monitoring: Monitoring, function: Function) -> str:
    return f"lambda/home?region={monitoring.region}#/functions/{function.function.function_name}?tab=monitoring"
