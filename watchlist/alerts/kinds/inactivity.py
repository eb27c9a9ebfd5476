"""The people of a repository are quiet."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from watchlist.alerts.kind import WHOLE, AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import Quiet

_DAY = timedelta(days=1)


class InactivitySettings(KindSettings[Quiet]):
    """No commit by a person for a number of days; raised once per quiet period."""

    days: Annotated[int, Field(strict=True, ge=1, le=365), WHOLE] = Field(
        default=90,
        description="Days since the last commit by a person.",
        examples=[90],
    )

    OCCASION = Quiet

    def findings(self, occasion: Quiet) -> Iterator[Finding]:
        """Find that the repository has been quiet for the days of the settings; once per quiet period.

        The subject is the last commit, so the alert comes once until there is another commit. A repository that was
        quiet for that long already when it was added is no news.
        """
        last, by_bot = occasion.last_commit_at, occasion.last_commit_by_bot_at
        quiet = (occasion.now - last) // _DAY
        programs = f" The last one by a program is of {by_bot:%Y-%m-%d}." if by_bot and by_bot > last else ""
        if quiet >= self.days:
            yield Finding(
                subject=(occasion.last_commit_sha,),
                level=AlertLevel.MILD,
                metric="days_since_last_commit",
                value=quiet,
                threshold=self.days,
                threshold_kind="days",
                commit_sha=occasion.last_commit_sha,
                true_since=last + self.days * _DAY,
                message=f"No commit by a person for {quiet} days, since {last:%Y-%m-%d}: {self.days} or more raise "
                f"this alert.{programs}",
            )
