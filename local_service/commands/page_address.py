"""Where a person looks at a service on this machine."""

from urllib.parse import urlencode

from local_service import lifeline

_BUILT = lifeline.ROOT / "functions" / "http" / "page.json"


def page_address(url: str, user: str) -> str | None:
    """Return the page's address for `user`, None where the page was not built.

    Args:
        url: the API's base URL.
        user: whose watchlist it shows.
    """
    return f"{url}/?{urlencode({'user': user})}" if _BUILT.is_file() else None
