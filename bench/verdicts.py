"""The verdict over real histories, each cut at many moments, against what happened afterwards.

    python -m bench.verdicts REPOSITORY... [--every DAYS]

Each argument is a git repository on this machine. At every cut the verdict is that of the commits committed before it,
as if the service had looked then; what people did after it is what the verdict should have told. Cuts whose year after
is not in the repository are left out. What is archived, gone or failing cannot be replayed: git does not know.
"""

import argparse
import subprocess
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from watchlist import limits
from watchlist.health.summary import summarize
from watchlist.health.verdict import Evidence, Thresholds, VerdictState, judge
from watchlist.history import metrics as history_metrics
from watchlist.history.commits import Commit, Signature
from watchlist.history.last_commits import LastCommits
from watchlist.history.people import People, is_bot
from watchlist.settings import VerdictSettings
from watchlist.states import EntryStatus

YEAR = timedelta(days=365)
QUARTER = timedelta(weeks=13)

_LOOKED_BACK = 2000
"""Commits among which the last one by a person is looked for."""

_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%ct%x00"


@dataclass(frozen=True)
class Cut:
    """One verdict and what came after it.

    Attributes:
        expected: commits by people in a quarter at the pace of the year before the cut.
        quarter_after: commits by people in the quarter after it.
        year_after: commits by people in the year after it.
    """

    repository: str
    at: datetime
    state: VerdictState
    reason: str
    expected: float
    quarter_after: int
    year_after: int


def commits_of(repository: Path) -> list[Commit]:
    """Return the commits of HEAD, the oldest first by committer date."""
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "HEAD", f"--format={_FORMAT}"], capture_output=True, check=True
    ).stdout.decode(errors="replace")
    commits = [_commit(*line.split("\0")[:5]) for line in log.splitlines() if line.count("\0") >= 5]  # noqa: PLR2004
    return sorted(commits, key=lambda commit: commit.committer.time)


def _commit(sha: str, parents: str, name: str, email: str, committed: str) -> Commit:
    signature = Signature(name, email, datetime.fromtimestamp(int(committed), UTC))
    return Commit(sha, tuple(parents.split()), signature, signature, subject="", message="", signed=False)


def cuts_of(repository: Path, every: timedelta) -> Iterator[Cut]:
    """Yield the verdicts of a repository at moments a year after its first commit, and so on."""
    commits = commits_of(repository)
    times = [commit.committer.time for commit in commits]
    # what the repository holds ends with its last commit, or, for one that fell silent, years before today
    ends = max(times[-1], datetime(2026, 1, 1, tzinfo=UTC))
    at = times[0] + YEAR
    while at + YEAR <= ends:
        yield _cut(repository.parent.name, commits, times, at)
        at += every


def _cut(name: str, commits: Sequence[Commit], times: Sequence[datetime], at: datetime) -> Cut:
    before = bisect_right(times, at)
    known = commits[bisect_right(times, at - YEAR) : before]
    window = known[-limits.HISTORY_COMMITS :]
    covered_since = None if len(window) == len(known) else window[0].committer.time
    last = LastCommits.of(commits[max(0, before - _LOOKED_BACK) : before], People(), at)
    metrics = history_metrics.measure(window, People(), now=at, last=last, covered_since=covered_since)
    summary = summarize(metrics, score=None, score_change=None)
    evidence = Evidence(EntryStatus.READY, summary=summary, looked_at=at)
    verdict = judge(evidence, Thresholds.of(VerdictSettings()), at)
    return Cut(
        name,
        at,
        verdict.state,
        verdict.reasons[0].message,
        _by_people(known) * QUARTER / YEAR,
        _by_people(commits[before : bisect_right(times, at + QUARTER)]),
        _by_people(commits[before : bisect_right(times, at + YEAR)]),
    )


def _by_people(commits: Sequence[Commit]) -> int:
    return sum(not commit.is_merge and not is_bot(commit.author.name, commit.author.email) for commit in commits)


def report(cuts: Sequence[Cut]) -> Iterator[str]:
    """Yield the lines of a table in Markdown, the most worrying verdict first."""
    by_state: dict[VerdictState, list[Cut]] = defaultdict(list)
    for cut in cuts:
        by_state[cut.state].append(cut)
    yield f"{len(cuts)} verdicts over {len({cut.repository for cut in cuts})} repositories"
    yield ""
    yield "| verdict | cuts | repositories | a commit by people in the quarter after | in the year after | pace after |"
    yield "|---|---:|---:|---:|---:|---:|"
    for state in VerdictState:
        some = by_state.get(state)
        if some:
            quarter = sum(cut.quarter_after > 0 for cut in some) / len(some)
            year = sum(cut.year_after > 0 for cut in some) / len(some)
            paces = [cut.quarter_after / cut.expected for cut in some if cut.expected > 0]
            pace = f"{median(paces):.2f}" if paces else "-"
            repositories = len({cut.repository for cut in some})
            yield f"| `{state}` | {len(some)} | {repositories} | {quarter:.0%} | {year:.0%} | {pace} |"


def main() -> None:
    """Print the table, and with `--each` every verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=91, help="days between two cuts")
    parser.add_argument("--each", action="store_true")
    options = parser.parse_args()
    cuts = [cut for each in options.repositories for cut in cuts_of(each, timedelta(days=options.every))]
    if options.each:
        for cut in cuts:
            print(f"{cut.repository} {cut.at:%Y-%m-%d} {cut.state}: {cut.reason} Then {cut.quarter_after}.")
    print("\n".join(report(cuts)))


if __name__ == "__main__":
    main()
