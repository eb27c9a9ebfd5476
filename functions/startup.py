"""What every function does once, when its process starts: read its settings, name the tables, set up the log."""

from typing import TypeVar

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.queue import JobQueue
from watchlist.settings import PatienceSettings, QueueSettings, Settings, TableSettings, load
from watchlist.storage import records

SettingsModel = TypeVar("SettingsModel", bound=Settings)

CLIENT_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""Short enough that a function answers before its own time is up."""


def start(model: type[SettingsModel], service: str) -> tuple[SettingsModel, Logger]:
    """Read the settings and return them with the function's logger.

    Raises:
        SettingsError: a variable is missing or malformed.
    """
    settings = load(model)
    if isinstance(settings, TableSettings):
        records.bind(settings)
    if isinstance(settings, PatienceSettings):
        job_protocol.bind(settings)
    return settings, Logger(service=service, level=settings.log_level)


def job_queue(settings: QueueSettings) -> JobQueue:
    """Return the job queues."""
    return JobQueue(boto3.client("sqs", config=CLIENT_CONFIG), settings.queue_urls)
