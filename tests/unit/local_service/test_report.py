import io
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from local_service.commands.report import Result, print_result
from tests.unit.commit_factory import GRACE, NOON, a_commit
from watchlist.health.scorecard import CheckResult, ScorecardResult, ScorecardSource, no_score
from watchlist.history.commits import Commit
from watchlist.history.metrics import measure
from watchlist.history.people import People

HEAD = "a" * 40
SCORECARD = ScorecardResult(
    score=7.3,
    source=ScorecardSource.LOCAL,
    head=HEAD,
    obtained_at=NOON,
    checks=(
        CheckResult(name="License", score=10, reason="license file detected", documentation_url=None),
        CheckResult(name="Fuzzing", score=None, reason="internal error", documentation_url=None),
    ),
)


TWO = (a_commit(files=["README.md"]), a_commit(author=GRACE, lines=5))


def printed(
    *,
    scorecard: ScorecardResult | None = None,
    commits: list[dict[str, Any]] | None = None,
    history: Sequence[Commit] = TWO,
    days_later: int = 0,
    release: dict[str, Any] | None = None,
) -> str:
    console = Console(file=io.StringIO(), width=120)
    metrics = measure(history, People(), now=NOON + timedelta(days=days_later))
    print_result(
        console,
        Result(
            status={
                "status": "ready",
                "attempt": 1,
                "max_attempts": 3,
                "watchlist_id": "watchlist_a_b_1",
                "package": {"name": "b", "url": "https://example.org/a/b", "default_branch": "main"},
                "release": release,
            },
            commits=commits or [],
            health={
                "scorecard": scorecard.model_dump(mode="json") if scorecard else None,
                "history_metrics": metrics.model_dump(mode="json"),
            },
        ),
    )
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def commit(time: str, subject: str) -> dict[str, Any]:
    return {
        "sha": HEAD,
        "subject": subject,
        "committer": {"time": time},
        "lines_added": 1000,
        "lines_deleted": None,
    }


def test_a_result_says_what_was_found() -> None:
    text = printed(
        scorecard=SCORECARD,
        commits=[commit("2026-03-04T00:00:00.000Z", "Newest"), commit("2025-04-01T00:00:00.000Z", "Oldest")],
    )

    for expected in (
        "ready (attempt 1 of 3)",
        "2 of the last year",
        "2025-04-01 to 2026-03-04",
        "2,000 added, 0 deleted",
        "OpenSSF Scorecard: 7.3 of 10 (local, 1 of 2 checks conclusive)",
        "license file detected",
        "2 by people; 0 merges, 0 by bots",
        "Ada Lovelace",
        "README.md",
    ):
        assert expected in text


def test_a_missing_score_is_shown_with_its_reason_and_no_number() -> None:
    text = printed(scorecard=no_score("Scorecard is not installed", head=HEAD, obtained_at=NOON))

    assert "no score: Scorecard is not installed" in text
    assert "Scorecard:" not in text


def test_an_entry_without_commits_has_no_period() -> None:
    text = printed()

    assert "0 of the last year" in text
    assert "Period" not in text


@pytest.mark.parametrize(
    ("history", "days_later", "age"),
    [((), 0, "none"), (TWO, 0, "today"), (TWO, 1, "1 day ago"), (TWO, 2, "2 days ago")],
)
def test_the_age_of_the_last_commit_is_said_as_people_say_it(
    history: Sequence[Commit], days_later: int, age: str
) -> None:
    text = printed(history=history, days_later=days_later)

    assert re.search(rf"Last commit +{age} *$", text, re.MULTILINE)


def test_text_of_a_repository_is_shown_as_it_is_but_cannot_steer_the_terminal() -> None:
    text = printed(commits=[commit("2026-03-04T00:00:00.000Z", "[red]not red[/red]\x1b[2J\x07 end")])

    assert "[red]not red[/red] [2J  end" in text
    assert "\x1b" not in text


def test_the_latest_release_is_shown_with_what_is_known_of_it() -> None:
    latest = {"tag": "v1.2\x1b", "made_at": "2026-02-04T00:00:00.000Z"}
    known = printed(release={"latest": latest, "commits_since": 7, "commits_since_is_least": True})
    unknown = printed(
        release={"latest": latest | {"made_at": None}, "commits_since": None, "commits_since_is_least": False}
    )

    assert re.search(r"Latest release +v1\.2 +of 2026-02-04 \(at least 7 commits since\)", known)
    assert re.search(r"Latest release +v1\.2 *\n", unknown)
    assert "Latest release" not in printed() + printed(release={"latest": None})
