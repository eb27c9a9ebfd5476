"""Repositories of every kind that the page has to show, made relative to now; the same each time but for the dates."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.repositories import DAY, PlannedCommit, PlannedFile, build_repository
from tests.scorecard_reports import FakeScorecard, report

SCORES = {
    "Binary-Artifacts": 10,
    "Dangerous-Workflow": 10,
    "Dependency-Update-Tool": 0,
    "Fuzzing": 0,
    "License": 9,
    "Pinned-Dependencies": 3,
    "SAST": -1,
    "Security-Policy": 0,
    "Token-Permissions": 6,
    "Vulnerabilities": 7,
}

PEOPLE = (
    b"Ada Lovelace <ada@example.org>",
    b"Grace Hopper <grace@example.org>",
    "Françoise Barré <francoise@example.org>".encode(),
    "علياء حسن <alia@example.org>".encode(),
    b"Linus T <linus@example.org>",
    "山田 太郎 <taro@example.org>".encode(),
)
BOT = b"renovate[bot] <bot@renovateapp.example>"
SUBJECTS = (
    b"Fix the parser for empty input",
    b"Document the retry policy",
    b"Speed up the index by reading it once",
    b"Refuse what is no UTF-8",
    b"Release notes",
    b"Test the upgrade path",
)
PATHS = (b"src/parser.py", b"src/index.py", b"docs/guide.md", b"tests/test_parser.py", b"<img src=x>.js")
HOSTILE = (
    b'<img src=x onerror="window.hacked=1"> "><script>window.hacked=1</script>',
    "\u202egnitirw esrever\u202c and \u200fmarks".encode(),
    b"javascript:alert(1) {{constructor.constructor('window.hacked=1')()}}",
    b"A" * 400,
)
HOSTILE_AUTHOR = '" onmouseover=window.hacked=1 Evil \u202eeman &lt;b&gt; <x@example.org>'.encode()


def build_all(root: Path, now: int) -> Mapping[str, Path]:
    """Create the repositories and return their paths by name."""
    chance = random.Random(17)  # noqa: S311 - the same repositories each time, no secret
    plans = {
        "compass": list(_history(chance, now, weeks=52, per_week=6, people=6, bots=True)),
        "lantern": list(_history(chance, now - 15 * 7 * DAY, weeks=37, per_week=7, people=4))
        + list(_history(chance, now, weeks=13, per_week=0.35, people=1)),
        "harbour": list(_history(chance, now - 118 * DAY, weeks=30, per_week=3, people=3)),
        "fossil": list(_history(chance, now - 700 * DAY, weeks=20, per_week=2, people=2)),
        "machines": list(_history(chance, now - 200 * DAY, weeks=20, per_week=2, people=2))
        + list(_history(chance, now, weeks=26, per_week=2, people=0, bots=True)),
        "solo": list(_history(chance, now, weeks=52, per_week=2, people=1)),
        "hostile": list(_hostile(now)),
        "empty": [],
        "latecomer": list(_history(chance, now, weeks=4, per_week=1, people=1)),
    }
    root.mkdir(parents=True, exist_ok=True)
    return {name: build_repository(root / name, _in_a_row(plan)) for name, plan in plans.items()}


def fake_scorecard(directory: Path) -> str:
    """Return the path of a program that says of every repository what Scorecard could."""
    document: dict[str, Any] = report("file:///repository", scores=SCORES, score=4.7)
    for check in document["checks"]:
        anchor = check["name"].lower()
        check["documentation"]["url"] = f"https://github.com/ossf/scorecard/blob/v5.5.0/docs/checks.md#{anchor}"
        check["details"] = [f"Warn: <img src=x onerror=window.hacked=1> in {check['name']}", "Info: read .github"]
    return str(FakeScorecard(directory, "leave(json.dumps(report))", document).path)


def _history(  # noqa: PLR0913 - each is a trait of a history
    chance: random.Random, until: int, *, weeks: int, per_week: float, people: int, bots: bool = False
) -> Iterator[PlannedCommit]:
    for week in reversed(range(weeks)):
        number = int(per_week) + (chance.random() < per_week % 1)
        for _ in range(chance.randint(max(0, number - 3), number + 3) if number > 1 else number):
            at = until - week * 7 * DAY - chance.randint(3600, 6 * DAY)
            is_bot = people == 0 or (bots and chance.random() < 0.25)
            who = BOT if is_bot else PEOPLE[min(int(chance.expovariate(0.45)), people - 1)]
            yield _commit(chance, at, who, b"Update dependency" if is_bot else chance.choice(SUBJECTS))


def _hostile(now: int) -> Iterator[PlannedCommit]:
    chance = random.Random(4)  # noqa: S311 - as above
    for number, subject in enumerate(HOSTILE * 4):
        yield _commit(chance, now - (30 - number) * DAY, HOSTILE_AUTHOR, subject)


def _commit(chance: random.Random, at: int, who: bytes, subject: bytes) -> PlannedCommit:
    lines = b"".join(b"line %d\n" % chance.randint(0, 99) for _ in range(chance.randint(1, 60)))
    path = chance.choice(
        (b"src/parser.py", b"src/index.py", b"docs/guide.md", b"tests/test_parser.py", b"<img src=x>.js")
    )
    return PlannedCommit(
        committed=at, authored=at, author=who, message=subject + b"\n", files={path: PlannedFile(lines)}
    )


def _in_a_row(plan: Sequence[PlannedCommit]) -> list[PlannedCommit]:
    ordered = sorted(plan, key=lambda commit: commit.committed)
    return [
        PlannedCommit(
            parents=(number - 1,) if number else (),
            committed=commit.committed,
            authored=commit.authored,
            author=commit.author,
            message=commit.message,
            files=commit.files,
        )
        for number, commit in enumerate(ordered)
    ]
