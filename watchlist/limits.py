"""The numbers of the service, each once. Infrastructure, functions, tasks and docs take them from here.

Relations that must hold (a test does): heartbeat < lease = message visibility; visibility >= 6 x dispatcher timeout;
dead-letter retention > queue retention; the processing bound exceeds all attempts with their pauses.
"""

from datetime import timedelta

MAX_ATTEMPTS = 3
"""Tasks that may run for one job until it has failed."""

MAX_RECEIVES = 10
"""The queues' maxReceiveCount.

More than the attempts, since SQS also counts receives whose dispatcher died: with no more, one such death at the last
attempt would send a job to the dead-letter queue that is still going on. Attempts are counted on the entry; the message
of a job that has used them up is handed back until SQS moves it, a matter of seconds."""

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
"""No job takes longer once it could start: the reconciler fails it with `processing_timed_out`. The time in which it
waits in line for a task does not count."""

ADDS_AN_HOUR = 1000
"""Repositories that one user may add in an hour unless `ADDS_AN_HOUR` says otherwise: a team's thousands in a day."""

RETRIES_AN_HOUR = 200
"""Failed entries that one user may retry in an hour unless `RETRIES_AN_HOUR` says otherwise."""

WATCHED_BY_A_USER = 5000
"""Repositories that one user may watch unless `WATCHED_BY_A_USER` says otherwise."""

CONNECTIONS_OF_A_USER = 50
"""WebSocket connections that one user may have open unless `CONNECTIONS_OF_A_USER` says otherwise: some browsers, with
a page for each of many repositories."""

MOST_CONNECTIONS_OF_A_USER = 1000
"""Largest value of that setting: the connections' ids are one item."""

HOLDINGS_COUNTED_AGAIN = timedelta(minutes=5)
"""From one count of what a user watches to the next: a count reads their whole watchlist."""

BATCH_TIME = timedelta(seconds=20)
"""How long a batch of adds goes on unless `BATCH_SECONDS` says otherwise: its caller has an answer within the 30 s that
API Gateway waits."""

BATCH_STOPS_BEFORE = timedelta(seconds=4)
"""A batch of adds begins no further items with less time left: those of one call of the queue and the answer fit in."""

BODY_BYTES = 128 * 1024
"""Largest body that is read unless its route says otherwise: one with all texts at their greatest length, escaped, is
a third of it."""

BATCH_BODY_BYTES = 2 * 1024 * 1024
"""Largest batch of adds that is read: items with the longest texts of characters beyond the basic plane have 1.5 MB."""

RECONCILE_INTERVAL = timedelta(minutes=5)
"""How often the reconciler runs; a bound can be exceeded by at most this."""

STORAGE_CONNECT_TIMEOUT = timedelta(seconds=2)
"""How long a connection to DynamoDB may take."""

STORAGE_READ_TIMEOUT = timedelta(seconds=5)
"""How long DynamoDB may take for one call; a heartbeat must get several tries within a lease."""

STORAGE_CONNECTIONS = 64
"""How many connections to DynamoDB are kept open, at most; as many threads as may use them at the same time."""

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

COUNTED_AGAIN = 50
"""Commits without line counts that a refresh tries to count once more, the newest first."""

COUNTS_TRIED_AGAIN = 3
"""Refreshes in a row that do so in vain; what a host cannot read so often, it has lost."""

NAMES_OF_A_REPOSITORY = 10
"""Names that lead to one entry; when it gets another one, its oldest is let go."""

PRESENT_NAME_TIMEOUT = timedelta(seconds=3)
"""Longest that an add by a former name waits until the host has said who has that name now."""

REPOSITORY_URL_CHARACTERS = 300
"""Longest repository URL that is read."""

BRANCH_CHARACTERS = 255
"""Longest name of a branch that is shown whole; git and hosts allow no longer part of one."""

USER_CHARACTERS = 255
"""Longest name of a user: as long as the subject of a token may be (OpenID Connect Core 1.0, section 2)."""

NOTES_CHARACTERS = 2000
"""Longest note of a user entry."""

ERROR_MESSAGE_CHARACTERS = 500
"""Longest error message kept on an entry."""

NOTE_BYTES = 1000
"""Longest note on what a history lacks."""

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

JOBS_OPEN_SHOWN = 50
"""Jobs of a queue that have not ended and that the API shows, the longest queued first."""

WATCHERS_SHOWN = 3
"""User entries that the status of a repository shows when no user is named: with the entry they take one read unit."""

COMMITS_PAGE = 100
"""Commits on a page unless `limit` says otherwise."""

COMMITS_PAGE_MAX = 200
"""Most commits on one page."""

COMMITS_PAGE_CHARACTERS = 400_000
"""Most characters of text on one page of commits.

A function's answer may have 6 MB, of which one character may take 12 bytes (escaped, beyond the basic plane)."""

COMMITS_READ_BYTES = 4 * 1024 * 1024
"""Bytes of segments, unpacked as far as a list shows them, after which a request for a page looks no further.

The largest possible history has about ten times as many; an ordinary one a tenth."""

SEGMENT_COMMITS = 100
"""Most commits of one segment of a history: about 20 KB compressed, and a page reads one or two."""

SEGMENT_BYTES = 360 * 1024
"""Most bytes that a segment's commits take, compressed: an item may have 400 KB (DynamoDB's quota)."""

PARENTS = 100
"""Most parents kept of a commit; their number is kept beside them. Linux has merges of 66."""

SUBJECT_CHARACTERS = 500
"""Longest subject kept of a commit."""

CURSOR_CHARACTERS = 1200
"""Longest cursor of a page that is read."""

HEALTH_PAGE_MAX = 100
"""Most analyses on a page of their history, and of those that are compared where no time is given."""

HEALTH_KEPT = 500
"""Analyses of a repository that there can be within `HEALTH_RETENTION`: one a day, and those that were asked for."""

COMPARED = 5
"""Most repositories that are compared."""

EXPORTED = 5000
"""Rows of one exported file, from which on the rest is another one's: as many as a user may watch, as a rule."""

EXPORT_BYTES = 5_000_000
"""Most bytes of rows in one exported file, as they stand in a function's answer, which may have 6 MB."""

EXPORT_TIME = timedelta(seconds=12)
"""How long rows of one file are gathered: a part that has begun fits into the rest of the function's 25 s."""

EXPORT_PART = 100
"""Repositories that are written to a file together, or not at all: with the longest notes 4 MB."""

IDENTITIES_BYTES = 64 * 1024
"""Most bytes of names and addresses that an analysis keeps of people who have several; of others a search knows one."""

RENAMES_BYTES = 32 * 1024
"""Most bytes of what `.mailmap` says that an analysis keeps; without it the next one reads `.mailmap` again."""

HEALTH_HISTORY_SHOWN = 30
"""Analyses that the health answer shows."""

HEALTH_RETENTION = timedelta(days=365)
"""How long an analysis is kept: longer than thirty weekly ones of a repository at rest."""

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

ALERTS_LOOKED_AT = 1000
"""Alerts that one request looks at for those that its filters leave."""

ALERT_MESSAGE_BYTES = 1000
"""Longest message of an alert; names and paths in it are a stranger's."""

ALERT_RETENTION = timedelta(days=90)
"""How long an alert is kept."""

BATCH_ADDS = 100
"""Most repositories of one batch add."""

IDEMPOTENCY_RETENTION = timedelta(hours=24)
"""How long an `Idempotency-Key` is remembered."""

PURGED_AT_ONCE = 20
"""Removed entries that one run of the reconciler deletes."""

PURGED_ITEMS = 2000
"""Segments, analyses and alerts that are deleted at once: what a year leaves of most repositories, within seconds."""

ID_REUSE_PAUSE = timedelta(minutes=1)
"""How long the id of a removed entry stays taken. Ids have the second of their making in them; clocks may differ."""

MERGE_SETTLES = timedelta(seconds=10)
"""How long after two entries became one the first watcher is moved: by then the index shows the alerts that were raised
last, which go along."""

MERGED_AT_ONCE = 20
"""Entries whose watchers one run of the reconciler moves."""

WATCHERS_MOVED_AT_ONCE = 1000
"""Watchers of one entry that a run moves at most, each in a transaction of their own; it ends earlier when its time is
up."""

ALERTS_MOVED_ALONG = 50
"""Alerts that are moved in one transaction with their watcher, which can have 100 writes; older ones go ahead."""

FORMER_ID_LOOKED_AT = timedelta(days=30)
"""How often the id of an entry that was merged is looked at: it goes when the entry that it leads to has gone."""

IDENTIFIER_CHARACTERS = 320
"""Longest id of an entry: the longest repository URL, the prefix and the time."""

IDEMPOTENCY_KEY_CHARACTERS = 255
"""Longest `Idempotency-Key` that is read."""

COMMITS_INTERVAL = timedelta(hours=24)
"""How often a repository is asked for its HEAD, unless the environment says otherwise."""

HEALTH_INTERVAL = timedelta(hours=24)
"""The age from which on the health of a HEAD that moved is renewed, unless the environment says otherwise."""

UNCHANGED_HEALTH_INTERVAL = timedelta(days=7)
"""The same for a HEAD that did not move, as often as OpenSSF's own scan: what is known of its dependencies changes, and
a check costs a task."""

PUBLISHED_SCORE_AGE = timedelta(days=14)
"""Older than two of OpenSSF's weekly scans, a published score does not renew the health of a repository at rest: it is
not scanned any more."""

PUBLISHED_SCORE_TIMEOUT = timedelta(seconds=5)
"""How long the server of the published scores may take to answer a check; a task can wait longer."""

HISTORIES_AT_ONCE = 2
"""Histories that checks measure at the same time: the largest one takes some 100 MB."""

CHECK_JITTER = 0.1
"""The share of an interval that is added to it at random at most, so that entries added together spread."""

SCHEDULE_INTERVAL = timedelta(minutes=5)
"""How often the scheduler runs."""

SCHEDULER_TIMEOUT = timedelta(minutes=5)
"""Longest run of the scheduler function."""

SCHEDULER_STOPS_BEFORE = timedelta(seconds=45)
"""The scheduler begins no check with less time left: the slowest one fits in, and many watchers can be told."""

CHECKS_OF_ONE_RUN = 20_000
"""Most entries that one run of the scheduler looks at; the rest is the next run's."""

DUE_PAGE = 1000
"""Keys of due entries that are read from the index at once."""

CHECKS_PAGE = 100
"""Entries that are read, checked and written together: BatchGetItem reads as many."""

CHECKS_AT_ONCE = 8
"""Repositories that are asked at the same time: enough for 10 000 in a few minutes, few enough for one host."""

MOST_CHECKS_AT_ONCE = 64
"""Largest value of that setting: more threads only wait for each other."""

CHECKS_A_SECOND = 20
"""Requests that one host is sent within a second unless `CHECKS_A_SECOND` says otherwise: 1.4 million in a day."""

SLOWEST_PACE, FASTEST_PACE = 0.1, 1000
"""Least and most requests within a second that a host can be given. Slower than that, one host's repositories would
hold the threads of a run past its time."""

OPEN_REFRESHES = 500
"""Refresh jobs that may be open unless `MAX_OPEN_REFRESHES` says otherwise; what is due beyond them waits without a
job, the oldest first."""

CHECK_AGAIN = timedelta(hours=1)
"""Pause after the first failed check."""

SETUP_AGAIN = timedelta(minutes=10)
"""Pause after the first failed setup whose error passes; it doubles with each further one."""

RAREST_SETUP = timedelta(days=7)
"""A setup that fails again and again is tried no more rarely than this, for as long as anybody watches."""

SECOND_LOOK = timedelta(seconds=5)
"""After this a setup asks once more for a repository that is said not to be there: hosts err."""

GONE_CONFIRMED_AFTER = 2
"""Answers in a row that a repository is gone until its watchers are told: hosts err."""

RAREST_CHECK = timedelta(days=30)
"""A repository that stays gone is checked no more rarely than this."""

HOST_BACK_OFF = timedelta(minutes=5)
"""How long a host is left alone the first time; it doubles with each further time in a row."""

HOST_BACK_OFF_MAX = timedelta(hours=6)
"""How long a host is left alone at most, unless it asks for more."""

HOST_FAILURES_IN_A_ROW = 3
"""Requests in a row that a host does not answer, or answers slowly, until it is left alone."""

HOST_SLOW = timedelta(seconds=5)
"""An answer for which a host takes as long is slow: a few of them hold up the checks of all other hosts."""

HOST_BACK_OFF_REMEMBERED = timedelta(days=2)
"""How long it is remembered that a host was left alone."""

ALERTS_OF_ONE_REFRESH = 50
"""Most alerts that one refresh raises for one watcher, critical ones first."""

WATCHER_SETTINGS_AT_ONCE = 256
"""Different alert settings whose alerts are kept while the watchers of one repository are told."""

CHANGED_FILES = 1000
"""Changed files kept of one commit, those with most lines first; the others count as one."""

CHANGED_FILES_BYTES = 64 * 1024
"""Most bytes that the changed files of one commit take, before they are compressed."""

LIVE_CONNECTION = timedelta(hours=2)
"""How long a WebSocket connection can last (API Gateway's quota); its records expire then."""

LIVE_OPENING = timedelta(seconds=15)
"""For how long a connection that seems gone may still be opening: longer than `$connect` can take."""

LIVE_MESSAGE_BYTES = 128 * 1024
"""Largest message of a WebSocket (API Gateway's quota)."""

LIVE_POSTS_AT_ONCE = 32
"""Connections that one live publisher posts to at the same time."""

LIVE_PAGE = 500
"""Connections of an entry that are read at once."""

DIGEST_INTERVAL = timedelta(hours=1)
"""The least time between two digests of one user entry; the first alert after a quiet time is told at once."""

DIGEST_RUN_INTERVAL = timedelta(minutes=1)
"""How often due digests are looked for."""

DIGESTS_AT_ONCE = 200
"""Due digests that one run sends; the others are the next run's."""

DIGEST_COLLECTED = 1000
"""Alerts that one digest tells of; what is raised beyond them, until it is sent, stands in the list of alerts only."""

DIGEST_ALERTS = 50
"""Alerts that one digest shows; it counts the others."""

SHARES = 200
"""Most addresses that a user shares: feeds, and badges of repositories."""

REPORTS_AT_ONCE = 30
"""Due weekly reports that one run sends, each of a read for each hundred repositories; others are the next run's."""

REPORT_ROWS = 50
"""Repositories that a weekly report shows; it counts the others."""

REPORT_CHANGES = 3
"""Changes that a weekly report shows of one repository."""

CHANNELS = 10
"""Most channels of a user: one small Query reads them."""

CHANNEL_RULES = 10
"""Most rules of a channel."""

CHANNEL_NAME_CHARACTERS = 60
"""Longest name of a channel."""

WEBHOOK_URL_CHARACTERS = 1000
"""Longest address of a webhook."""

WEBHOOK_ATTEMPTS = 8
"""Tries of one delivery until it ends in the dead-letter queue: over about two hours."""

WEBHOOK_RETRY_BASE = timedelta(seconds=30)
"""Pause after the first failed try; it doubles with each further one."""

WEBHOOK_LONGEST_PAUSE = timedelta(hours=6)
"""A webhook that asks for a longer pause is tried again after this; SQS hides a message for at most twelve hours."""

WEBHOOK_TIMEOUT = timedelta(seconds=10)
"""How long a webhook may take to answer."""

WEBHOOK_TURN = timedelta(seconds=1)
"""How long a delivery waits at least while another one to its user is under way; up to twice as long each time."""

WEBHOOK_LONGEST_TURN = timedelta(minutes=2)
"""How long it waits at most."""

STREAM_RETENTION = timedelta(hours=24)
"""How long a table's stream keeps a record (DynamoDB's quota)."""

CHANGE_AGE = timedelta(hours=6)
"""How old a change may become until it is told on the event bus and to digests; then it is given up, so that those
after it are told. Longer than outages as a rule, and the stream keeps the record for 18 hours more, to be replayed."""

LIVE_CHANGE_AGE = timedelta(minutes=15)
"""The same for live status: clients that see nothing poll, and an old state helps nobody."""

QUIET_AFTER = timedelta(days=90)
"""Without a commit by a person for so long, a repository is quiet."""

DORMANT_AFTER = timedelta(days=365)
"""Without a commit by a person for so long, a repository is dormant."""

SLOWING_SHARE = 0.4
"""A repository is slowing when people made at most this share of what the pace of the weeks before would give."""

SLOWING_LEAST = 10
"""Expected commits of a quarter from which on their lack says something."""

STALE_AFTER = timedelta(days=14)
"""Without a good look for so long, what is known of a repository says nothing about now."""

FAILING_AFTER = 3
"""Failed looks in a row from which on a repository is failing."""

WATCHLIST_LOOKED_AT = 1000
"""User entries among which one request for a watchlist sorts and counts; what is more is on the pages after them."""

LABELS = 20
"""Most labels of a user entry."""

LABEL_CHARACTERS = 50
"""Longest label."""

OPEN_ALERTS_COUNTED = 1000
"""Open alerts of a user that a look at their watchlist counts; about what one call of DynamoDB reads."""

SEARCH_CHARACTERS = 100
"""Longest text that is looked for in a watchlist."""

REPOSITORY_SPELLING_CHARACTERS = 2000
"""Longest text that a repository's address is read from: a browser's address of a file can be long."""

RETRIED_AT_ONCE = 50
"""Failed entries that one request retries."""

CHECK_NOW_INTERVAL = timedelta(minutes=10)
"""From one look at a repository to the next that somebody can ask for."""

TAGS_READ = 100_000
"""Tags of one repository that a job reads; of one with more nothing is known. So many are 12 MB."""

TAGS_KEPT = 20_000
"""Tags that are kept of a repository, releases before others: whether one of these moves is seen."""

TAG_BYTES = 200
"""Longest name of a tag that is kept."""

TAGS_CHECKED = 15_000
"""A check asks for tags besides HEAD of a repository with no more; of others only jobs look at them."""

TAGS_CHECK_BYTES = 2 * 1024 * 1024
"""Longest answer with HEAD and all tags that a check reads: so many are 130 bytes each."""

TAGS_OF_A_SEGMENT = 400
"""Tags that are kept together, on average: a new one costs writing so many again, about 20 KB."""

TAGS_OF_A_SEGMENT_MIN = 100
"""Fewest tags that are kept together, but at the end: the entry names all segments, 200 at most."""

TAGS_OF_A_SEGMENT_MAX = 1000
"""Most tags that are kept together: with the longest names 300 KB, and an item may have 400 KB."""

RELEASES_DATED = 100
"""Releases whose dates a job asks for; of others the date is known where their commits are stored."""

TAGS_NAMED = 3
"""Tags that one message names, or one look tells of one by one; others are counted."""

TAG_SHOWN = 60
"""Characters of a tag's name that a message shows."""

RELEASES_MEASURED = 10
"""Times between releases whose median is a repository's usual one."""

MAIN_LINE_RESTS = timedelta(days=365)
"""How much older the last release of the repository as a whole may be than that of one of its packages; then the latest
release is that package's."""

RELEASE_IS_NEWS = timedelta(days=30)
"""A tag of a lower version than the highest one that stands for something older was added late: no news."""

RELEASES_PAGE = 50
"""Releases on a page unless `limit` says otherwise."""

RELEASES_PAGE_MAX = 200
"""Most releases on one page."""
