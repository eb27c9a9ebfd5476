"""A function that cannot be imported."""

raise RuntimeError("environment variables: WATCHLIST_TABLE: missing")
