"""The repository has another name."""

from collections.abc import Iterator

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import Renamed


class RepositoryRenamedSettings(KindSettings[Renamed]):
    """The host redirects to another owner or name of its own; raised once a change."""

    OCCASION = Renamed

    def findings(self, occasion: Renamed) -> Iterator[Finding]:
        """Find that the repository was renamed; once, and again when it gets the same name for a second time."""
        previous = occasion.previous.isoformat() if occasion.previous else ""
        yield Finding(
            subject=(occasion.before.key, occasion.after.key, previous),
            level=AlertLevel.MILD,
            metric="names_changed",
            value=1,
            threshold=1,
            message=f"The repository {occasion.before.url} is called {occasion.after.url} now. It is watched under its "
            "new name; whoever adds it by the old one joins the same entry.",
        )
