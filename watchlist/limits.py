"""The numbers of the service, each once. Infrastructure, functions, tasks and docs take them from here.

Relations that must hold (a test does): heartbeat < lease = message visibility; visibility >= 6 x dispatcher timeout;
dead-letter retention > queue retention; the processing bound exceeds all attempts with their pauses.
"""

from datetime import timedelta

MAX_ATTEMPTS = 3
"""Tasks that may run for one job until it has failed; also the queues' maxReceiveCount."""

RETRY_BASE = timedelta(seconds=2)
"""Pause after the first failed attempt; it doubles with each further one."""

LEASE = timedelta(seconds=300)
"""How long a task holds an entry without a heartbeat; the message stays invisible just as long."""

HEARTBEAT = timedelta(seconds=60)
"""How often a task extends its lease and its message's visibility: five chances before it loses them."""

DISPATCHER_TIMEOUT = timedelta(seconds=30)
"""Longest run of the dispatcher function."""

JOB_TIMEOUT = timedelta(minutes=30)
"""Wall-clock limit of one attempt, start to end."""

LAUNCH_TIMEOUT = timedelta(minutes=10)
"""How long a launched task may take to start; Fargate needs about one minute."""

QUEUE_TIMEOUT = timedelta(minutes=20)
"""How long a queued job may lie without a sign of life until the reconciler sends its message again.

Longer than the longest delay of SQS (15 minutes), so that a postponed message is not doubled."""

SEND_TIMEOUT = timedelta(minutes=2)
"""How long a new job may have no message in its queue: past it the add is taken to have died between its two writes."""

PROCESSING_BOUND = timedelta(hours=6)
"""No entry stays `processing` longer: the reconciler fails it with `processing_timed_out`."""

RECONCILE_INTERVAL = timedelta(minutes=5)
"""How often the reconciler runs; a bound can be exceeded by at most this."""

STORAGE_CONNECT_TIMEOUT = timedelta(seconds=2)
"""How long a connection to DynamoDB may take."""

STORAGE_READ_TIMEOUT = timedelta(seconds=5)
"""How long DynamoDB may take for one call; a heartbeat must get several tries within a lease."""

MESSAGE_RETENTION = timedelta(days=4)
"""How long a queue keeps a message."""

DEAD_LETTER_RETENTION = timedelta(days=14)
"""How long a dead-letter queue keeps a message: the most that SQS offers."""

MAX_DELAY = timedelta(seconds=900)
"""Longest delay of one SQS message."""

OVERRIDES_CHARACTERS = 8192
"""Most characters of a RunTask call's overrides (ECS API reference, RunTask)."""

CLIENT_TOKEN_CHARACTERS = 64
"""Most characters of a RunTask client token."""

HISTORY_PERIOD = timedelta(days=365)
"""How far back commits are kept."""

HISTORY_COMMITS = 1000
"""Most commits of one repository."""

REPOSITORY_URL_CHARACTERS = 300
"""Longest repository URL that is read."""

USER_CHARACTERS = 255
"""Longest name of a user: as long as the subject of a token may be (OpenID Connect Core 1.0, section 2)."""

NOTES_CHARACTERS = 2000
"""Longest note of a user entry."""

ERROR_MESSAGE_CHARACTERS = 500
"""Longest error message kept on an entry."""

COMMIT_MESSAGE_CHARACTERS = 4000
"""Longest commit message kept; the rest is cut, since an item may have 400 KB and a page 1 MB."""

NAME_CHARACTERS = 200
"""Longest name or email address kept of a commit's author or committer."""

JOB_RECORD_RETENTION = timedelta(days=30)
"""How long the record of an ended job is kept."""

JOBS_COMPLETED_SHOWN = 100
"""Completed jobs of a queue that the API shows."""

JOBS_FAILED_SHOWN = 50
"""Failed jobs of a queue that the API shows."""

WATCHERS_SHOWN = 3
"""User entries that the status of a repository shows when no user is named: with the entry they take one read unit."""

COMMITS_PAGE = 100
"""Commits on a page unless `limit` says otherwise."""

COMMITS_PAGE_MAX = 200
"""Most commits on one page."""

COMMITS_PAGE_CHARACTERS = 400_000
"""Most characters of text on one page of commits.

A function's answer may have 6 MB, of which one character may take 12 bytes (escaped, beyond the basic plane)."""

COMMITS_LOOKED_AT = 1000
"""Most commits that one request for a page looks at."""

SUBJECT_CHARACTERS = 500
"""Longest subject kept of a commit."""

CURSOR_CHARACTERS = 800
"""Longest cursor of a page that is read."""

HEALTH_HISTORY_SHOWN = 30
"""Analyses that the health answer shows."""

RECONCILED_AT_ONCE = 500
"""Entries that one run of the reconciler looks at."""

WATCHLIST_PAGE = 50
"""User entries on a page unless `limit` says otherwise."""

WATCHLIST_PAGE_MAX = 100
"""Most user entries on one page: BatchGetItem reads as many entries in one call."""

ALERTS_PAGE = 50
"""Alerts on a page unless `limit` says otherwise."""

ALERTS_PAGE_MAX = 100
"""Most alerts on one page."""

ALERT_RETENTION = timedelta(days=90)
"""How long an alert is kept."""

BATCH_ADDS = 100
"""Most repositories of one batch add."""

IDEMPOTENCY_RETENTION = timedelta(hours=24)
"""How long an `Idempotency-Key` is remembered."""

PURGED_AT_ONCE = 20
"""Removed entries that one run of the reconciler deletes."""

PURGED_ITEMS = 2000
"""Commits, analyses and alerts that are deleted at once: what a year leaves of most repositories, within seconds."""

ID_REUSE_PAUSE = timedelta(minutes=1)
"""How long the id of a removed entry stays taken. Ids have the second of their making in them; clocks may differ."""

IDENTIFIER_CHARACTERS = 320
"""Longest id of an entry: the longest repository URL, the prefix and the time."""

IDEMPOTENCY_KEY_CHARACTERS = 255
"""Longest `Idempotency-Key` that is read."""
