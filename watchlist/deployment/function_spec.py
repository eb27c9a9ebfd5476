"""What a Lambda function is, whoever runs it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from typing_extensions import TypeVar

from watchlist.deployment.permissions import NOTHING, Permissions
from watchlist.settings import Settings

Model_co = TypeVar("Model_co", bound=Settings, covariant=True, default=Settings)

DEFAULT_MEMORY = 512
"""MiB, with 0.29 of a processor: it imports the largest function in about a second."""

WHOLE_PROCESSOR = 1769
"""MiB with which Lambda gives one processor (Lambda guide, "Configure Lambda function memory")."""


@dataclass(frozen=True, slots=True)
class FunctionSpec(Generic[Model_co]):
    """One function.

    Attributes:
        name: in names of resources, alarms and logs.
        place: the module below `functions`; its `handler(event, context)` is the entry point.
        settings: the model of the environment variables that it reads; it gets these and no others.
        timeout: the longest run of one invocation.
        permissions: what it may do with tables and job queues.
        memory: MiB; processor time comes with it.
        concurrency: most invocations at once, kept free for it in the account; None for as many as there are events.
    """

    name: str
    place: str
    settings: type[Model_co]
    timeout: timedelta
    permissions: Permissions = NOTHING
    memory: int = DEFAULT_MEMORY
    concurrency: int | None = None

    @property
    def module(self) -> str:
        """The module of the entry point."""
        return f"functions.{self.place}"

    @property
    def handler(self) -> str:
        """Lambda's name of the entry point."""
        return f"{self.module}.handler"
