"""The service's own metrics as CloudWatch knows them."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.environments import Environment
from watchlist.errors import ErrorCode
from watchlist.metrics import DIMENSION, NAMESPACE, Metric, attempt_failed_by


def own_metric(
    environment: Environment,
    metric: Metric,
    *,
    statistic: str = cloudwatch.Stats.SUM,
    period: Duration | None = None,
    label: str | None = None,
) -> cloudwatch.Metric:
    """Return one of the service's metrics in this environment."""
    return _metric(environment, metric, statistic, period, label)


def failed_attempts(environment: Environment, code: ErrorCode, *, period: Duration | None = None) -> cloudwatch.Metric:
    """Return the count of failed attempts of one code."""
    return _metric(environment, attempt_failed_by(code), cloudwatch.Stats.SUM, period, str(code))


def _metric(
    environment: Environment, name: str, statistic: str, period: Duration | None, label: str | None
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={DIMENSION: environment.service},
        statistic=statistic,
        period=period or Duration.minutes(5),
        label=label,
    )
