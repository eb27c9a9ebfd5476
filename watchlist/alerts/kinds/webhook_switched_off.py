"""A user's webhook is called no more."""

from collections.abc import Iterator

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import WebhookGone
from watchlist.text import one_line


class WebhookSwitchedOffSettings(KindSettings[WebhookGone]):
    """The watcher's own webhook answered that it is gone, and is called no more; raised for that watcher alone."""

    OCCASION = WebhookGone

    def findings(self, occasion: WebhookGone) -> Iterator[Finding]:
        """Find that the webhook was switched off."""
        yield Finding(
            subject=(occasion.at.isoformat(),),
            level=AlertLevel.CRITICAL,
            metric="webhooks_switched_off",
            value=1,
            threshold=1,
            message=f"Your webhook at {one_line(occasion.host, 260)} is called no more: "
            f"{one_line(occasion.reason, 200)}. No alert of this repository reaches it until you set an address again.",
        )
