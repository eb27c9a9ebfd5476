"""The kinds of jobs. Each has a queue of its own, so that a refresh never delays a person who waits."""

from enum import StrEnum


class JobKind(StrEnum):
    """What a job does; the value is also the name of its queue."""

    REPOSITORY_SETUP = "repository-setup"
    COMMIT_BACKFILL = "commit-backfill"
    HEALTH_ANALYSIS = "health-analysis"

    @property
    def is_refresh(self) -> bool:
        """Whether the job refreshes an entry that is ready, so that its failure leaves the entry ready."""
        return self is not JobKind.REPOSITORY_SETUP

    @property
    def queue_url_variable(self) -> str:
        """Name of the environment variable that holds the URL of the queue."""
        return f"{self.name}_QUEUE_URL"

    @property
    def dead_letter_queue_url_variable(self) -> str:
        """Name of the environment variable that holds the URL of the dead-letter queue."""
        return f"{self.name}_DEAD_LETTER_QUEUE_URL"
