"""Log groups: each thing that logs has its own, kept as long as the environment says."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.environments import Environment
from infra.stack.customer_key import customer_key
from infra.stack.removal import removal_policy

_RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    731: logs.RetentionDays.TWO_YEARS,
}


def log_group(scope: Construct, construct_id: str, environment: Environment) -> logs.LogGroup:
    """Create a log group."""
    return logs.LogGroup(
        scope,
        construct_id,
        encryption_key=customer_key(scope, environment),
        retention=_RETENTION[environment.log_retention_days],
        removal_policy=removal_policy(environment),
    )
