"""What `run` tells a person about a repository that is ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from watchlist.text import printable

_CONTRIBUTORS_SHOWN = 5
_FILES_SHOWN = 5
_PATH_CHARACTERS = 45
_BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Result:
    """The API's answers about one ready entry: its status, all its commits, its health."""

    status: dict[str, Any]
    commits: Sequence[dict[str, Any]]
    health: dict[str, Any]


def print_result(console: Console, result: Result) -> None:
    """Print everything that is worth a look."""
    for part in (_summary(result), _scorecard(result.health["scorecard"]), _history(result.health["history_metrics"])):
        console.print()
        console.print(part)


def _summary(result: Result) -> RenderableType:
    status, commits = result.status, result.commits
    facts = _Facts()
    facts.add("Status", f"{status['status']} (attempt {status['attempt']} of {status['max_attempts']})")
    facts.add("Watchlist id", status["watchlist_id"])
    branch = status["package"].get("default_branch")
    facts.add("Default branch", printable(branch) if branch else "none")
    facts.add("Commits", f"{len(commits)} of the last year")
    release = status["release"]
    if release and release["latest"]:
        facts.add("Latest release", _release(release))
    if commits:
        newest, oldest = commits[0], commits[-1]
        facts.add("Period", f"{_day(oldest['committer']['time'])} to {_day(newest['committer']['time'])}")
        facts.add("Newest", f"{newest['sha'][:10]} {printable(newest['subject'])}")
        added, deleted = (_total(commits, key) for key in ("lines_added", "lines_deleted"))
        facts.add("Lines", f"{added:,} added, {deleted:,} deleted")
    return _section(printable(status["package"].get("url") or status["package"]["name"]), facts.table)


def _release(release: dict[str, Any]) -> str:
    """Say which release is the latest, when it was made, and how many commits came since."""
    latest, since = release["latest"], release["commits_since"]
    said = [printable(latest["tag"])]
    if latest["made_at"]:
        said.append(f"of {_day(latest['made_at'])}")
    if since is not None:
        said.append(f"({'at least ' if release['commits_since_is_least'] else ''}{since} commits since)")
    return " ".join(said)


def _scorecard(scorecard: dict[str, Any] | None) -> RenderableType:
    if scorecard is None:
        return _section("OpenSSF Scorecard", Text("not run"))
    if scorecard["score"] is None:
        return _section("OpenSSF Scorecard", Text(f"no score: {printable(scorecard['reason'])}"))
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for check in scorecard["checks"]:
        score = "-" if check["score"] is None else str(check["score"])
        table.add_row(
            Text(score, justify="right"), Text(printable(check["name"])), Text(printable(check["reason"]), style="dim")
        )
    conclusive = f"{scorecard['checks_conclusive']} of {scorecard['checks_run']} checks conclusive"
    title = f"OpenSSF Scorecard: {scorecard['score']} of 10 ({scorecard['source']}, {conclusive})"
    return _section(title, table)


def _history(metrics: dict[str, Any] | None) -> RenderableType:
    if metrics is None:
        return _section("History", Text("not measured"))
    facts = _Facts()
    activity = metrics["activity"]
    facts.add(
        "Activity score",
        f"{activity['value']} of 100 (recency {activity['recency']}, frequency {activity['frequency']}, "
        f"regularity {activity['regularity']}, people {activity['people']})",
    )
    facts.add("Commits per week", _bars(metrics["commits_per_week"]))
    most = max(metrics["commits_per_week"])
    facts.add("Busiest week", f"{most} {'commit' if most == 1 else 'commits'}")
    facts.add(
        "Contributions", f"{metrics['commits']} by people; {metrics['merges']} merges, {metrics['bot_commits']} by bots"
    )
    facts.add(
        "Contributors",
        f"{metrics['contributors_total']}, {metrics['contributors_active']} of them in the last 13 weeks; "
        f"new {_or_unknown(metrics['contributors_new'])}, inactive {_or_unknown(metrics['contributors_inactive'])}",
    )
    facts.add("Absence factor", _or_unknown(metrics["contributor_absence_factor"]))
    facts.add("Last commit", _age(metrics["days_since_last_commit"]))
    if metrics["signed_share"] is not None:
        facts.add("Signed", f"{metrics['signed_share']:.0%} of commits")
    for number, person in enumerate(metrics["top_contributors"][:_CONTRIBUTORS_SHOWN]):
        facts.add("Most commits" if number == 0 else "", f"{person['commits']:>5}  {printable(person['name'])}")
    for number, file in enumerate((metrics["top_files"] or [])[:_FILES_SHOWN]):
        churn = file["lines_added"] + file["lines_deleted"]
        facts.add("Most churn" if number == 0 else "", f"{churn:>5}  {_end_of(printable(file['path']))}")
    return _section("History, 52 weeks", facts.table)


class _Facts:
    """Labels and values; no value is taken for markup."""

    def __init__(self) -> None:
        self.table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
        self.table.add_column(style="dim", no_wrap=True)
        self.table.add_column(overflow="fold")

    def add(self, label: str, value: str) -> None:
        """Add a line."""
        self.table.add_row(label, Text(value))


def _section(title: str, content: RenderableType) -> RenderableType:
    return Group(Text(title, style="bold"), content)


def _bars(weeks: Sequence[int]) -> str:
    most = max(weeks, default=0) or 1
    return "".join(_BARS[-(-week * (len(_BARS) - 1) // most)] for week in weeks)


def _age(days: int | None) -> str:
    """Say how long ago the last commit was; None is the age of none."""
    return "none" if days is None else "today" if days == 0 else f"{days} {'day' if days == 1 else 'days'} ago"


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else str(value)


def _total(commits: Sequence[dict[str, Any]], key: str) -> int:
    return sum(commit[key] or 0 for commit in commits)


def _day(moment: str) -> str:
    return moment[:10]


def _end_of(path: str) -> str:
    return path if len(path) <= _PATH_CHARACTERS else "…" + path[1 - _PATH_CHARACTERS :]
