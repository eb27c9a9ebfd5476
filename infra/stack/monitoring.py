"""Where alarms are registered. Constructs say what to watch; who is told, and how, is decided here once."""

from enum import StrEnum
from typing import TypedDict, Unpack

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.environments import Environment
from infra.stack.customer_key import customer_key


class AlarmTitle(StrEnum):
    """What an alarm is called; the runbook has one section of each title."""

    API_FAILING = "API failing"
    API_SLOW = "API slow"
    CHECKS_BEHIND = "Checks behind"
    DATABASE_THROTTLED = "Database throttled"
    DEAD_LETTERS = "Dead-letter queue not empty"
    DIGEST_NOT_RUNNING = "Digest not running"
    DISPATCHER_FAILING = "Dispatcher failing"
    ENTRIES_OVERDUE = "Entries overdue"
    JOBS_WAITING = "Jobs waiting too long"
    LAUNCHES_POSTPONED = "Launches postponed"
    LAUNCHES_REFUSED = "Launches refused"
    RECONCILER_NOT_RUNNING = "Reconciler not running"
    SCHEDULED_FAILING = "Scheduled function failing"
    SCHEDULER_NOT_RUNNING = "Scheduler not running"
    STREAM_CONSUMER_BEHIND = "Stream consumer behind"
    STREAM_CONSUMER_NOT_RUNNING = "Stream consumer not running"
    STREAM_RECORDS_GIVEN_UP = "Stream records given up"
    TASK_FAILURES = "Task failures"
    TASK_STOPPED_FAILING = "Task-stopped function failing"
    TASKS_OVER_AGE = "Tasks over age"
    TOKENS_UNCHECKED = "Tokens unchecked"
    WEBHOOKS_UNDELIVERED = "Webhooks undelivered"
    WEBHOOKS_WAITING = "Webhooks waiting too long"

    @property
    def anchor(self) -> str:
        """The section's anchor in the rendered runbook."""
        return self.lower().replace(" ", "-")


class _Watched(TypedDict):
    """What is watched, in CloudWatch's words."""

    metric: cloudwatch.IMetric
    threshold: float
    evaluation_periods: int
    comparison_operator: cloudwatch.ComparisonOperator
    treat_missing_data: cloudwatch.TreatMissingData


class Monitoring(Construct):
    """The alarms of one environment and the topic that they are sent to."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self.region = Stack.of(self).region
        self.topic = sns.Topic(
            self,
            "Alarms",
            display_name=f"{environment.service} alarms",
            enforce_ssl=True,
            master_key=customer_key(self, environment),
        )
        self.let_publish("cloudwatch.amazonaws.com")
        if environment.alarm_email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(environment.alarm_email))
        self.alarms: list[cloudwatch.Alarm] = []

    def let_publish(self, service: str) -> None:
        """Let an AWS service tell the topic, for this account only.

        A topic's policy replaces the default one. With what `enforce_ssl` denies as its only statement, no service may
        publish: the account's own roles may, since their policies say so, but an alarm has no role.
        """
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )

    def silence(
        self,
        title: AlarmTitle,
        *,
        happened: str,
        console: str,
        metric: cloudwatch.IMetric,
        periods: int,
        subject: str | None = None,
    ) -> None:
        """Register an alarm that rings when what has been heard before falls silent.

        `metric` has data whenever the thing runs, and none otherwise. Without data the alarm's state is
        INSUFFICIENT_DATA, and a new alarm begins in that state: going into it rings, beginning in it does not.
        Had silence counted as a breach, each new stack would ring until its first runs are over.
        """
        alarm = self._register(
            title,
            subject,
            happened=happened,
            console=console,
            metric=metric,
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        alarm.add_insufficient_data_action(cloudwatch_actions.SnsAction(self.topic))

    def alarm(
        self,
        title: AlarmTitle,
        *,
        happened: str,
        console: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        missing_data: cloudwatch.TreatMissingData,
        subject: str | None = None,
        periods: int = 1,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    ) -> None:
        """Register an alarm.

        Args:
            title: what it is called, and its section in the runbook.
            happened: one sentence for whoever is woken up.
            console: the console page that shows it, as path below the console's host.
            metric: what is watched, with its period.
            threshold: what it is compared with.
            missing_data: what silence means.
            subject: which of several such things it watches.
            periods: how many periods in a row must breach.
            comparison: how the two are compared.
        """
        self._register(
            title,
            subject,
            happened=happened,
            console=console,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing_data,
        )

    def _register(
        self,
        title: AlarmTitle,
        subject: str | None,
        *,
        happened: str,
        console: str,
        **properties: Unpack[_Watched],
    ) -> cloudwatch.Alarm:
        name = f"{title} ({subject})" if subject else str(title)
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._environment.service}: {name}",
            alarm_description=(
                f"{happened}\n\n"
                f"Runbook: {self._environment.runbook}#{title.anchor}\n\n"
                f"Console: https://{self.region}.console.aws.amazon.com/{console}"
            ),
            **properties,
        )
        action = cloudwatch_actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.alarms.append(alarm)
        return alarm
