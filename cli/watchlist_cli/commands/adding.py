"""`add`, `retry`, `watch`, `rm`: bring repositories in, follow them, let them go."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchlist_cli.errors import CommandError, ExitCode, StillProcessingError
from watchlist_cli.output import Cell, Form
from watchlist_cli.session import Session

BATCH = 100
"""Items of one batch request: the most that the API takes."""

_POLL_SECONDS = 2
_OUTCOMES = {
    "accepted": "added",
    "joined": "joined",
    "already_watching": "watched already",
    "refused": "refused",
    "not_done": "not done",
}


def add(
    session: Session,
    addresses: Sequence[str],
    *,
    notes: str | None = None,
    labels: Sequence[str] = (),
    wait_seconds: float | None = None,
) -> ExitCode:
    """Add repositories; those that are refused are named with the reason and do not hinder the others.

    Args:
        session: of this run.
        addresses: in any spelling that the service reads.
        notes: why they are watched.
        labels: of all of them.
        wait_seconds: how long to wait until all are processed; None not to wait.
    """
    wanted = {"added_by": session.profile.user, "notes": notes, "labels": list(labels) or None}
    fields = {name: value for name, value in wanted.items() if value is not None}
    results = [
        {"repo_url": address, **result}
        for address, result in zip(addresses, _sent(session, addresses, fields), strict=True)
    ]
    if session.printer.form is Form.JSON:
        session.printer.objects(results)
    else:
        session.printer.table(("repository", "outcome", ""), [_outcome(result) for result in results])
        if len(results) > 1:
            counts = Counter(_OUTCOMES.get(result["outcome"], result["outcome"]) for result in results)
            session.printer.note(", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + ".")
    refused = any(result["problem"] and result["outcome"] != "already_watching" for result in results)
    if wait_seconds is not None:
        names = {result["watchlist_id"]: result["repo_url"] for result in results if result["watchlist_id"]}
        ends = [_wait(session, name, watchlist_id, wait_seconds) for watchlist_id, name in names.items()]
        if "failed" in ends:
            return ExitCode.GATE_FAILED
    return ExitCode.USAGE if refused else ExitCode.GOOD


def _sent(session: Session, addresses: Sequence[str], fields: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(addresses), BATCH):
        items = [{"repo_url": address, **fields} for address in addresses[start : start + BATCH]]
        yield from session.client.send("POST", "/activity/user-watchlist-added/batch", {"items": items})["results"]


def _outcome(result: Mapping[str, Any]) -> tuple[Cell, Cell, Cell]:
    problem = result["problem"] or {}
    faults = "; ".join(fault["message"] for fault in problem.get("errors") or ())
    reason = "" if result["outcome"] == "already_watching" else faults or problem.get("detail") or ""
    style = "red" if reason else "green"
    return Cell(result["repo_url"]), Cell(_OUTCOMES.get(result["outcome"], result["outcome"]), style), Cell(reason)


def _wait(session: Session, name: str, watchlist_id: str, seconds: float) -> str:
    """Poll until the entry is ready or failed, and return which."""
    deadline = time.monotonic() + seconds
    shown = ""
    while True:
        status = session.client.get(f"/activity/watchlist/{watchlist_id}/status")
        now = progress_text(status)
        if now != shown and session.printer.form is not Form.JSON:
            session.printer.note(f"{name}: {now}")
            shown = now
        if status["status"] != "processing":
            return str(status["status"])
        if time.monotonic() > deadline:
            raise StillProcessingError(f"{name} is still {now}; `watchlist show` tells later")
        time.sleep(_POLL_SECONDS)


def progress_text(status: Mapping[str, Any]) -> str:
    """Return in a few words how far an entry is."""
    if status["status"] == "failed":
        error = status["last_error"] or {}
        return f"failed: {error.get('code')}: {error.get('message')}"
    progress = status["progress"]
    if status["status"] != "processing" or progress is None:
        return str(status["status"])
    total = progress["total"]
    count = f" {progress['done']} / {total}" if total else ""
    is_in_line = status.get("standing") == "in_line"  # a service of before says nothing of it
    return f"{progress['stage']}{count}" + ": others are first, or all tasks are taken" * is_in_line


def watch(session: Session, named: str) -> ExitCode:
    """Print each change of an entry's state until it is processed: live where that is possible, else by polling."""
    watchlist_id = session.client.find(named)["watchlist_id"]
    shown: str | None = None
    status: Mapping[str, Any] = {}
    for status in _states(session, watchlist_id):
        now = progress_text(status)
        if session.printer.form is Form.JSON:
            session.printer.objects(status)
        elif now != shown:
            session.printer.line(now)
        shown = now
    return ExitCode.GATE_FAILED if status.get("status") == "failed" else ExitCode.GOOD


def _states(session: Session, watchlist_id: str) -> Iterator[Mapping[str, Any]]:
    if session.profile.live_url is not None and session.profile.region is None:
        from watchlist_cli.live import LiveError, states  # noqa: PLC0415 - websockets is needed here only

        try:
            yield from states(session.profile.live_url, watchlist_id, session.client.token())
        except LiveError:
            pass  # the connection is a convenience; polling finds out whether anything is wrong
        else:
            return
    while True:
        status = session.client.get(f"/activity/watchlist/{watchlist_id}/status")
        yield status
        if status["status"] != "processing":
            return
        time.sleep(_POLL_SECONDS)


def retry(session: Session, named: Sequence[str], *, all_failed: bool) -> ExitCode:
    """Try failed entries again."""
    if bool(named) == all_failed:
        raise CommandError("name repositories, or say --all-failed")
    if all_failed:
        answer = session.client.send("POST", "/activity/watchlist/retry-failed", {"user": session.profile.user})
        session.printer.note(f"{len(answer['retried'])} repositories are tried again.")
        return ExitCode.GOOD
    for row in [session.client.find(name) for name in named]:
        session.client.send("POST", f"/activity/watchlist/{row['watchlist_id']}/retry")
        session.printer.line(f"{row['name']}: tried again")
    return ExitCode.GOOD


def check(session: Session, named: Sequence[str]) -> ExitCode:
    """Ask the service to look at repositories now."""
    for row in [session.client.find(name) for name in named]:
        session.client.send("POST", f"/activity/watchlist/{row['watchlist_id']}/check")
        session.printer.line(f"{row['name']}: will be looked at now")
    return ExitCode.GOOD


def label(session: Session, named: str, changes: Sequence[str]) -> ExitCode:
    """Put labels on a repository and take labels off it.

    Args:
        session: of this run.
        named: the repository.
        changes: `production` or `+production` puts one on, `-production` takes it off.
    """
    row = session.client.find(named)
    labels = dict.fromkeys(row["labels"])
    for change in changes:
        if change.startswith("-"):
            labels.pop(change[1:], None)
        else:
            labels[change.removeprefix("+")] = None
    session.client.send("PATCH", f"/activity/user-watchlist/{row['user_watchlist_id']}", {"labels": list(labels)})
    session.printer.line(f"{row['name']}: {', '.join(labels) or 'no labels'}")
    return ExitCode.GOOD


def remove(session: Session, named: Sequence[str], *, yes: bool) -> ExitCode:
    """Stop watching repositories.

    Args:
        session: of this run.
        named: the repositories.
        yes: whether the person has agreed already.
    """
    rows = [session.client.find(name) for name in named]
    names = ", ".join(row["name"] for row in rows)
    if not yes:
        session.agree(f"Stop watching {names}?")
    for row in rows:
        session.client.send("DELETE", f"/activity/user-watchlist/{row['user_watchlist_id']}")
        session.printer.line(f"{row['name']}: no longer watched")
    return ExitCode.GOOD
