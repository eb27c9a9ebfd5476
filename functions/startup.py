"""The functions that work with the records: most of them, with what they share."""

import os
from collections.abc import Mapping

import boto3
from botocore.config import Config

from functions.lambda_function import LambdaFunction
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.queue import JobQueue
from watchlist.settings import PatienceSettings, QueueSettings, SettingsModel, TableSettings
from watchlist.storage import records

CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""Short enough that a function answers before its own time is up."""


class Function(LambdaFunction[SettingsModel]):
    """One function, whose records are in the tables that its settings name, if they do."""

    def start(self, environment: Mapping[str, str] = os.environ) -> SettingsModel:
        """As every function does, and forget connections that were made before."""
        settings = super().start(environment)
        if isinstance(settings, TableSettings):
            records.bind(settings)
        return settings

    def take_over(self) -> None:
        """Let records and job protocol be as this function's settings say."""
        super().take_over()
        settings = self.settings
        if isinstance(settings, TableSettings) and not records.are_bound(settings):
            records.bind(settings)
        job_protocol.bind(settings if isinstance(settings, PatienceSettings) else PatienceSettings())


def job_queue(settings: QueueSettings) -> JobQueue:
    """Return the job queues."""
    return JobQueue(boto3.client("sqs", config=CLIENT_CONFIG), settings.queue_urls)
