"""What docs/contributing.md says is done to a copy of the sources, and what came of it is used there."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")

PIECE = re.compile(
    r"(?:the new `(?P<new>\S+)`|[Ii]n `(?P<file>\S+)`, before\s`(?P<anchor>[^\n]+)`):\n\n```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)
"""A file, where in it, and what."""


@dataclass(frozen=True)
class Copy:
    """The sources with the pieces of one section added."""

    root: Path

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.root, capture_output=True, text=True, check=False, env={"PATH": ""}
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def pieces_of(section: str) -> list[re.Match[str]]:
    text = DOCUMENT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    found = list(PIECE.finditer(text))
    assert len(found) == text.count("```") // 2, "a piece does not say where it belongs"
    return found


def files_of(section: str) -> set[str]:
    return {piece["new"] or piece["file"] for piece in pieces_of(section)}


def copy_with(section: str, root: Path) -> Copy:
    for folder in ("watchlist", "functions", "tasks", "infra", "local_service", "tests", "docs"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for piece in pieces_of(section):
        path = root / (piece["new"] or piece["file"])
        if piece["new"]:
            assert not path.exists()
            path.write_text(piece["text"], encoding="utf-8")
        else:
            before = path.read_text(encoding="utf-8")
            assert before.count(f"\n{piece['anchor']}") == 1, piece["anchor"]
            added = before.replace(f"\n{piece['anchor']}", f"\n{piece['text']}{piece['anchor']}")
            path.write_text(added, encoding="utf-8")
    return Copy(root)


@pytest.mark.parametrize(("section", "most"), [("A route", 3), ("A kind of alert", 3), ("A git host", 2)])
def test_what_is_touched_by_hand_is_little(section: str, most: int) -> None:
    assert 0 < len(files_of(section)) <= most


USE_OF_A_ROUTE = """
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from infra.packaging.closure import closure_of
from local_service.functions.host import Context
from local_service.gateways.http import HttpRequest, event_of, find_route
from watchlist.deployment import routes
from watchlist.deployment.functions import FUNCTIONS
from watchlist.watching import entries
from functions.http.routes import age

match = find_route(routes.ROUTES, "GET", "/activity/watchlist/w/age")
spec = match.route.function
assert spec in FUNCTIONS and spec.permissions.watchlist == {"GetItem", "BatchGetItem"}
assert Path("functions/http/routes/age.py") in closure_of(Path.cwd(), spec.module).sources
entries.find_for = lambda *_: SimpleNamespace(created_at=datetime.now(UTC) - timedelta(days=42, hours=1))
age.function.start({"WATCHLIST_TABLE": "watchlist", "ACTIVITY_TABLE": "activity"})
event = event_of(HttpRequest("GET", "/activity/watchlist/w/age"), match, datetime.now(UTC), "request")
answer = age.handler(event, Context("age", "1", "arn", "512", "id", "group", "stream", 0))
described = json.loads(Path("functions/http/openapi/openapi.json").read_text())["paths"][match.route.path]["get"]
print(answer["statusCode"], answer["body"], described["operationId"], sorted(described["responses"]))
"""


def test_a_route_is_added_as_the_document_says(tmp_path: Path) -> None:
    copy = copy_with("A route", tmp_path / "copy")
    copy.run("-m", "functions.http.openapi.document")
    copy.run("-m", "py_compile", "tests/infra/story.py")

    answered = copy.run("-c", USE_OF_A_ROUTE).splitlines()[-1]

    assert answered == """200 {"days":42} getAge ['200', '403', '404', '422', '500', '503']"""


USE_OF_A_KIND = """
from tests.unit.alerts.evaluating import raised, watcher
from tests.unit.commit_factory import a_commit
from watchlist.alerts.baseline import Baseline
from watchlist.alerts.occasions import NewCommits
from watchlist.history.people import People

people = People()
occasion = NewCommits(baseline=Baseline.of([], people), new=[a_commit(), a_commit()], people=people)
for settings in ({}, {"hardcoded_threshold": 3}, {"enabled": False}):
    print([(a.kind, a.metric, a.value, a.threshold_kind) for a in raised(watcher(unsigned_commits=settings), occasion)])
"""


def test_a_kind_of_alert_is_added_as_the_document_says(tmp_path: Path) -> None:
    copy = copy_with("A kind of alert", tmp_path / "copy")

    found = copy.run("-c", USE_OF_A_KIND)
    copy.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", "/dev/null", "--rootdir", "."),
        *("tests/unit/alerts/test_documentation.py", "tests/unit/alerts/test_settings.py"),
    )

    kind = "(<AlertKind.UNSIGNED_COMMITS: 'unsigned_commits'>, <AlertMetric.UNSIGNED_COMMITS: 'unsigned_commits'>, "
    assert found.splitlines() == [
        f"[{kind}2.0, <ThresholdKind.HARDCODED_THRESHOLD: 'hardcoded_threshold'>)]",
        "[]",
        "[]",
    ]


USE_OF_A_HOST = """
from tasks.hosts.describe import Forge
from tasks.hosts.github_api import GitHubApi
from watchlist.json_client import Answer
from watchlist.repository_url import parse_repository_url
from watchlist.settings import OriginSettings, load

class Client:
    def get(self, url, headers=None):
        said = {"full_name": "acme/rocket", "stargazers_count": 7, "license": "MIT"}
        return Answer(200, {}, said) if url == "https://gitee.com/api/v5/repos/acme/rocket" else Answer(404, {}, None)

repository = parse_repository_url("https://gitee.com/acme/rocket", load(OriginSettings, {}).allowed_origins)
package = Forge(GitHubApi("https://api.github.com"), client=Client()).describe(repository)
print(package.name, package.stars, package.license, package.reason)
"""


def test_a_git_host_is_added_as_the_document_says(tmp_path: Path) -> None:
    copy = copy_with("A git host", tmp_path / "copy")

    assert copy.run("-c", USE_OF_A_HOST) == "acme/rocket 7 MIT None"
