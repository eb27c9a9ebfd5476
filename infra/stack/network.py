"""The network of the tasks: no way in, https out."""

from collections.abc import Mapping, Sequence

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.environments import Environment, Network
from infra.stack.log_groups import log_group

_ZONES = 2
"""A zone without Fargate capacity must not stop the service."""

_HTTPS = 443


class TaskNetwork(Construct):
    """Subnets in two zones, a security group without ingress, and gateway endpoints for what costs by the byte."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, table_arns: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        self._is_public = environment.network is Network.PUBLIC
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=None if environment.zones else _ZONES,
            availability_zones=list(environment.zones) or None,
            nat_gateways=0 if self._is_public else 1,
            subnet_configuration=_public() if self._is_public else _private(),
        )
        self._add_endpoints(table_arns)
        self.vpc.add_flow_log(
            "Rejected",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group(self, "FlowLog", environment)),
            # What the security group lets through is in the service's own logs; accepted flows would cost the most.
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.security_group = ec2.SecurityGroup(
            self, "Tasks", vpc=self.vpc, description="Tasks: no ingress, https out", allow_all_outbound=False
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "git hosts, forges, AWS")

    def _add_endpoints(self, table_arns: Sequence[str]) -> None:
        """Add the gateway endpoints. A task that was taken over reaches no table or bucket of anybody else by them."""
        stack = Stack.of(self)
        tables = self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        tables.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["dynamodb:*"],
                resources=[arn for table in table_arns for arn in (table, f"{table}/index/*")],
                conditions={"StringEquals": {"aws:PrincipalAccount": stack.account}},
            )
        )
        buckets = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        buckets.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject"],
                # Where ECR keeps the layers of images (Amazon ECR user guide, "Interface VPC endpoints").
                resources=[f"arn:{stack.partition}:s3:::prod-{stack.region}-starport-layer-bucket/*"],
            )
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that tell the dispatcher where tasks run."""
        subnets = self.vpc.public_subnets if self._is_public else self.vpc.private_subnets
        return {
            "SUBNET_IDS": Fn.join(",", [subnet.subnet_id for subnet in subnets]),
            "SECURITY_GROUP_IDS": self.security_group.security_group_id,
            "ASSIGN_PUBLIC_IP": "ENABLED" if self._is_public else "DISABLED",
        }


def _public() -> list[ec2.SubnetConfiguration]:
    return [
        ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False),
    ]


def _private() -> list[ec2.SubnetConfiguration]:
    return [
        ec2.SubnetConfiguration(name="Nat", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False),
        ec2.SubnetConfiguration(name="Tasks", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
    ]
