"""The EventBridge bus on which the service tells what happened; others hang their rules on it."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.environments import Environment


class EventBus(Construct):
    """The bus of one environment."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id)
        self._bus = events.EventBus(self, "Bus", event_bus_name=environment.service)
        CfnOutput(self, "Name", value=self._bus.event_bus_name)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variable that names the bus."""
        return {"EVENT_BUS_NAME": self._bus.event_bus_name}

    def allow_put(self, role: iam.Role) -> None:
        """Let `role` put events on the bus."""
        role.add_to_policy(iam.PolicyStatement(actions=["events:PutEvents"], resources=[self._bus.event_bus_arn]))
