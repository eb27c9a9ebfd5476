"""The repository is not there any more, or is there again."""

from collections.abc import Iterator

from watchlist import limits
from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import Gone, Returned
from watchlist.text import one_line


class RepositoryUnavailableSettings(KindSettings[Gone | Returned]):
    """The repository vanished, turned private or moved; raised once, and once more when it is back."""

    OCCASION = Gone | Returned

    def findings(self, occasion: Gone | Returned) -> Iterator[Finding]:
        """Find that the repository is gone, or back; each once per absence."""
        since, when = occasion.gone_since.isoformat(), f"{occasion.gone_since:%Y-%m-%d %H:%M} UTC"
        match occasion:
            case Gone(reason=reason, failures=failures):
                yield Finding(
                    subject=(since, "gone"),
                    level=AlertLevel.CRITICAL,
                    metric="checks_failed",
                    value=failures,
                    threshold=limits.GONE_CONFIRMED_AFTER,
                    message=f"The repository has not been there since {when}. {one_line(reason, 300)} "
                    "What is known of it stays; it is checked ever more rarely.",
                )
            case Returned():
                yield Finding(
                    subject=(since, "back"),
                    level=AlertLevel.MILD,
                    metric="checks_answered",
                    value=1,
                    threshold=1,
                    message=f"The repository, gone since {when}, is back.",
                )
