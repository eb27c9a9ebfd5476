"""The DynamoDB tables, as `watchlist.storage.tables` describes them."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.environments import Environment
from infra.stack.customer_key import customer_key
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.removal import removal_policy
from watchlist.storage import tables


class Storage(Construct):
    """All tables: on demand, restorable to any second of the last 35 days."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, monitoring: Monitoring
    ) -> None:
        super().__init__(scope, construct_id)
        self.watchlist = self._table(tables.WATCHLIST, environment, monitoring)
        self.activity = self._table(tables.ACTIVITY, environment, monitoring)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name the tables."""
        return {"WATCHLIST_TABLE": self.watchlist.table_name, "ACTIVITY_TABLE": self.activity.table_name}

    def _table(self, spec: tables.Table, environment: Environment, monitoring: Monitoring) -> dynamodb.TableV2:
        table = dynamodb.TableV2(
            self,
            spec.name.capitalize(),
            partition_key=_string(tables.HASH_KEY),
            sort_key=_string(tables.RANGE_KEY),
            time_to_live_attribute=tables.TIME_TO_LIVE,
            billing=dynamodb.Billing.on_demand(),
            dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=environment.keeps_data and environment.refuses_deletion,
            removal_policy=removal_policy(environment),
            global_secondary_indexes=[_index(index) for index in spec.indexes],
        )
        _encrypt(table, customer_key(self, environment))
        if environment.insight.throttled_tables:
            monitoring.alarm(
                AlarmTitle.DATABASE_THROTTLED,
                subject=spec.name,
                happened=f"DynamoDB refused calls to the {spec.name} table because there were too many at once.",
                console=f"dynamodbv2/home?region={monitoring.region}#table?name={table.table_name}&tab=monitoring",
                metric=_throttles(table, spec),
                threshold=1,
                periods=2,
                missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        return table


def _encrypt(table: dynamodb.TableV2, key: kms.IKey | None) -> None:
    """Encrypt a table by a key. The L2 can only where the stack's region is known when it is synthesised."""
    resource = table.node.default_child
    if key is None or not isinstance(resource, dynamodb.CfnGlobalTable):
        return
    resource.add_property_override("SSESpecification", {"SSEEnabled": True, "SSEType": "KMS"})
    resource.add_property_override("Replicas.0.SSESpecification", {"KMSMasterKeyId": key.key_arn})


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _index(index: tables.Index) -> dynamodb.GlobalSecondaryIndexPropsV2:
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=index.name,
        partition_key=_string(index.hash_key),
        sort_key=_string(index.range_key),
        projection_type=dynamodb.ProjectionType.ALL if index.included is None else dynamodb.ProjectionType.INCLUDE,
        non_key_attributes=None if index.included is None else list(index.included),
    )


def _throttles(table: dynamodb.TableV2, spec: tables.Table) -> cloudwatch.IMetric:
    """Return the throttled reads and writes of the table and of each index: an index counts its own."""
    metrics = {}
    for number, index in enumerate((None, *spec.indexes)):
        dimensions = {"TableName": table.table_name}
        if index is not None:
            dimensions["GlobalSecondaryIndexName"] = index.name
        for operation in ("Read", "Write"):
            metrics[f"{operation.lower()}{number}"] = cloudwatch.Metric(
                namespace="AWS/DynamoDB",
                metric_name=f"{operation}ThrottleEvents",
                dimensions_map=dimensions,
                statistic=cloudwatch.Stats.SUM,
            )
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
        using_metrics=metrics,
        label="throttled",
    )
