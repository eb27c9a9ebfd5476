"""What `run` tells a person about a repository that is ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_CONTRIBUTORS_SHOWN = 5
_FILES_SHOWN = 5
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
    table = _facts()
    table.add_row("Status", f"{status['status']} (attempt {status['attempt']} of {status['max_attempts']})")
    table.add_row("Watchlist id", status["watchlist_id"])
    branch = status["package"].get("default_branch")
    table.add_row("Default branch", _text(branch) if branch else "none")
    table.add_row("Commits", f"{len(commits)} of the last year")
    if commits:
        newest, oldest = commits[0], commits[-1]
        table.add_row("Period", f"{_day(oldest['committer']['time'])} to {_day(newest['committer']['time'])}")
        table.add_row("Newest", f"{newest['sha'][:10]} {_text(newest['subject'])}")
        table.add_row("Contributors", str(len({commit["author"]["email"].lower() for commit in commits})))
        added, deleted = (_total(commits, key) for key in ("lines_added", "lines_deleted"))
        table.add_row("Lines", f"{added:,} added, {deleted:,} deleted")
    return _section(_text(status["package"].get("url") or status["package"]["name"]), table)


def _scorecard(scorecard: dict[str, Any] | None) -> RenderableType:
    if scorecard is None:
        return _section("OpenSSF Scorecard", Text("not run"))
    if scorecard["score"] is None:
        return _section("OpenSSF Scorecard", Text(f"no score: {_text(scorecard['reason'])}"))
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for check in scorecard["checks"]:
        score = "-" if check["score"] is None else str(check["score"])
        table.add_row(Text(score, justify="right"), _text(check["name"]), Text(_text(check["reason"]), style="dim"))
    conclusive = f"{scorecard['checks_conclusive']} of {scorecard['checks_run']} checks conclusive"
    title = f"OpenSSF Scorecard: {scorecard['score']} of 10 ({scorecard['source']}, {conclusive})"
    return _section(title, table)


def _history(metrics: dict[str, Any] | None) -> RenderableType:
    if metrics is None:
        return _section("History", Text("not measured"))
    table = _facts()
    activity = metrics["activity"]
    table.add_row(
        "Activity score",
        f"{activity['value']} of 100 (recency {activity['recency']}, frequency {activity['frequency']}, "
        f"regularity {activity['regularity']}, people {activity['people']})",
    )
    table.add_row("Commits per week", _bars(metrics["commits_per_week"]))
    table.add_row(
        "Contributions", f"{metrics['commits']} by people; {metrics['merges']} merges, {metrics['bot_commits']} by bots"
    )
    table.add_row(
        "Contributors",
        f"{metrics['contributors_total']}, {metrics['contributors_active']} of them in the last 13 weeks; "
        f"new {_or_unknown(metrics['contributors_new'])}, inactive {_or_unknown(metrics['contributors_inactive'])}",
    )
    table.add_row("Absence factor", _or_unknown(metrics["contributor_absence_factor"]))
    table.add_row("Last commit", f"{_or_unknown(metrics['days_since_last_commit'])} days ago")
    if metrics["signed_share"] is not None:
        table.add_row("Signed", f"{metrics['signed_share']:.0%} of commits")
    for number, person in enumerate(metrics["top_contributors"][:_CONTRIBUTORS_SHOWN]):
        table.add_row("Most commits" if number == 0 else "", f"{person['commits']:>5}  {_text(person['name'])}")
    for number, file in enumerate((metrics["top_files"] or [])[:_FILES_SHOWN]):
        churn = file["lines_added"] + file["lines_deleted"]
        table.add_row("Most churn" if number == 0 else "", f"{churn:>5}  {_text(file['path'])}")
    return _section("History, 52 weeks", table)


def _facts() -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _section(title: str, content: RenderableType) -> RenderableType:
    return Group(Text(title, style="bold"), content)


def _bars(weeks: Sequence[int]) -> Text:
    most = max(weeks, default=0) or 1
    return Text("".join(_BARS[-(-week * (len(_BARS) - 1) // most)] for week in weeks) + f"  up to {most}")


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else str(value)


def _total(commits: Sequence[dict[str, Any]], key: str) -> int:
    return sum(commit[key] or 0 for commit in commits)


def _day(moment: str) -> str:
    return moment[:10]


def _text(untrusted: object) -> str:
    """Return text that neither moves the cursor nor is taken for markup."""
    return "".join(character if character.isprintable() else " " for character in str(untrusted)).replace("[", r"\[")
