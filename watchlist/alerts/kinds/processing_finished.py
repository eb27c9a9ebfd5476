"""An analysis came to its end."""

from collections.abc import Iterator

from pydantic import Field

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings, Switch
from watchlist.alerts.occasions import SetupEnded
from watchlist.text import one_line


class ProcessingFinishedSettings(KindSettings[SetupEnded]):
    """The analysis of a newly added or retried repository came to its end."""

    ready: Switch = Field(default=True, description="Raise it when the repository is ready.", examples=[True])
    failed: Switch = Field(default=True, description="Raise it when the analysis failed for good.", examples=[True])

    OCCASION = SetupEnded

    def findings(self, occasion: SetupEnded) -> Iterator[Finding]:
        """Find that the analysis ended, as one wants to know of."""
        if not {"ready": self.ready, "failed": self.failed}[occasion.status]:
            return
        why = f" {one_line(occasion.reason, 300)}" if occasion.reason else ""
        yield Finding(
            subject=(occasion.job_id, occasion.status),
            level=AlertLevel.MILD if occasion.status == "ready" else AlertLevel.CRITICAL,
            metric="processing_runs_finished",
            value=1,
            threshold=1,
            message="The repository has been analysed and is ready."
            if occasion.status == "ready"
            else f"The repository could not be analysed.{why}",
            is_open=occasion.status == "failed",
        )
