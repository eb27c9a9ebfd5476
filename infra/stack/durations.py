"""Durations as the CDK wants them."""

from datetime import timedelta

from aws_cdk import Duration


def cdk_duration(duration: timedelta) -> Duration:
    """Return the duration, which must be of whole seconds."""
    return Duration.seconds(duration.total_seconds())
