"""The worker: the cluster and the definition of the tasks that run jobs. Nothing runs while there is no job."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.environments import Environment
from infra.stack.acknowledgments import acknowledge
from infra.stack.host_tokens import HostTokens
from infra.stack.log_groups import log_group
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.network import TaskNetwork
from infra.stack.own_metrics import own_metric
from infra.stack.process_environment import environment_of
from infra.stack.storage import Storage
from infra.stack.worker_image import SCORECARD, SCRATCH, USER
from watchlist import limits
from watchlist.deployment.functions import TASK_CONTAINER
from watchlist.metrics import OPERATORS_CODES, Metric
from watchlist.settings import TaskSettings

REPOSITORY_ROOT = Path(__file__).parents[2]

_STOP_TIMEOUT = Duration.seconds(60)
"""SIGTERM to SIGKILL: time to end the child processes, give the lease back and hand the message back."""

_TOLERATED_FAILURES = 3
"""Failed attempts of one code in an hour that retries are for."""

_AGE_SLACK = Duration.minutes(5)


class Worker(Construct):
    """Fargate tasks on ARM: as a numeric user, on a read-only file system but for the scratch volume."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        values: Mapping[str, str],
        storage: Storage,
        tokens: Sequence[HostTokens],
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self.network = TaskNetwork(
            self,
            "Network",
            environment=environment,
            table_arns=[storage.watchlist.table_arn, storage.activity.table_arn],
        )
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=self.network.vpc,
            enable_fargate_capacity_providers=True,
            container_insights_v2=(
                ecs.ContainerInsights.ENABLED if environment.insight.containers else ecs.ContainerInsights.DISABLED
            ),
        )
        acknowledge(self.cluster, "ECS4", "Container Insights are a choice of each environment, since they cost")
        self.task_definition = ecs.FargateTaskDefinition(
            self,
            "TaskDefinition",
            family=environment.service,
            cpu=environment.task_cpu,
            memory_limit_mib=environment.task_memory,
            ephemeral_storage_gib=environment.task_scratch_gib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            volumes=[ecs.Volume(name="scratch")],
        )
        self._add_container(values, tokens)
        self._watch(monitoring)

    @property
    def task_role(self) -> iam.IRole:
        """What the job runs as."""
        return self.task_definition.task_role

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that tell the dispatcher how to start a task."""
        return {
            "CLUSTER": self.cluster.cluster_arn,
            "TASK_DEFINITION": self.task_definition.task_definition_arn,
            "REFRESH_CAPACITY_PROVIDER": "FARGATE_SPOT",
            "REFRESH_TASK_CPU": str(self._environment.refresh_task_cpu),
            "REFRESH_TASK_MEMORY": str(self._environment.refresh_task_memory),
            **self.network.variables,
        }

    def allow_run_task(self, grantee: iam.IRole) -> None:
        """Let `grantee` start tasks of this definition in this cluster, and hand them their two roles."""
        revisions = f"task-definition/{self.task_definition.family}:*"
        acknowledge(
            grantee,
            f"IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:{revisions}]",
            "all revisions of the one task definition: during a deployment the function still names the one before",
        )
        grantee.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecs:RunTask"],
                resources=[Stack.of(self).format_arn(service="ecs", resource=revisions)],
                conditions={"ArnEquals": {"ecs:cluster": self.cluster.cluster_arn}},
            )
        )
        cluster = Stack.of(self).get_logical_id(cast("ecs.CfnCluster", self.cluster.node.default_child))
        acknowledge(
            grantee,
            f"IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<{cluster}>/*]",
            "a task gets the tags of its definition, by which its cost is told, and its id when it is started",
        )
        grantee.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecs:TagResource"],
                resources=[Stack.of(self).format_arn(service="ecs", resource=f"task/{self.cluster.cluster_name}/*")],
            )
        )
        execution_role = self.task_definition.obtain_execution_role()
        grantee.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.task_role.role_arn, execution_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            )
        )

    def _add_container(self, values: Mapping[str, str], tokens: Sequence[HostTokens]) -> None:
        own = {"GIT_CLONE_DIR": f"{SCRATCH}/clones", "SCORECARD_PATH": SCORECARD}
        # No init process: its environment, with token and credentials' address, could be read by the job's children.
        linux = ecs.LinuxParameters(self, "Linux")
        linux.drop_capabilities(ecs.Capability.ALL)
        container = self.task_definition.add_container(
            TASK_CONTAINER,
            image=ecs.ContainerImage.from_asset(
                str(REPOSITORY_ROOT), file="tasks/Dockerfile", platform=ecr_assets.Platform.LINUX_ARM64
            ),
            user=USER,
            readonly_root_filesystem=True,
            linux_parameters=linux,
            stop_timeout=_STOP_TIMEOUT,
            environment=environment_of(TaskSettings, {**values, **own}),
            secrets={name: secret for each in tokens for name, secret in each.injected.items()},
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="task",
                log_group=log_group(self, "Log", self._environment),
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
        )
        acknowledge(
            self.task_definition,
            "ECS2",
            "the variables are names and numbers; secrets are injected from Secrets Manager",
        )
        acknowledge(
            self.task_definition.obtain_execution_role(),
            "IAM5[Resource::*]",
            "ecr:GetAuthorizationToken knows no resource; pulling is limited to the one repository",
        )
        container.add_mount_points(ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False))

    def _watch(self, monitoring: Monitoring) -> None:
        console = f"ecs/v2/clusters/{self.cluster.cluster_name}/tasks?region={monitoring.region}"
        monitoring.alarm(
            AlarmTitle.TASK_FAILURES,
            happened=(
                f"More than {_TOLERATED_FAILURES} attempts failed within an hour for a reason of ours: "
                f"{', '.join(sorted(OPERATORS_CODES))}."
            ),
            console=console,
            metric=own_metric(self._environment, Metric.ATTEMPT_FAILED_BY_US, period=Duration.hours(1)),
            threshold=_TOLERATED_FAILURES + 1,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        monitoring.alarm(
            AlarmTitle.TASKS_OVER_AGE,
            happened="A task still reports that it works, although its own time limit is over.",
            console=console,
            metric=own_metric(self._environment, Metric.TASK_AGE, statistic=cloudwatch.Stats.MAXIMUM),
            threshold=limits.JOB_TIMEOUT.total_seconds() + _AGE_SLACK.to_seconds(),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
