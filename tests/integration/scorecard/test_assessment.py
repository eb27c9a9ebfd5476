"""The chain of sources, with an executable in place of Scorecard and a loopback server in place of the network."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.child_process import ChildProcesses
from tasks.hosts.describe import Forge
from tasks.hosts.github_api import GitHubApi
from tasks.scorecard.assessment import Assessor
from tasks.scorecard.chain import CORE_NEEDED
from tasks.scorecard.cli import ScorecardCli
from tests.forge_server import ForgeServer, Reply, TokenBudget
from tests.scorecard_reports import FakeScorecard, report
from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.health.scorecard import PassedOver, ScorecardResult, ScorecardSource
from watchlist.job_kinds import JobKind
from watchlist.repository_url import Repository
from watchlist.settings import SettingsError, TaskSettings, load

ROCKET = Repository("https://github.com", "acme", "rocket")
HEAD = "a" * 40
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = "ghp_tokenThatNobodyMaySee"
COMPLETE = "leave(json.dumps(report))"
ONLY_LOCAL = "leave(json.dumps(report) if 'local' in options else '')"
FORGE, PUBLISHED, LOCAL = ScorecardSource


class Chain:
    """The chain under test, with what it can ask."""

    def __init__(self, directory: Path, forge: ForgeServer) -> None:
        self.forge = forge
        self.tokens: tuple[str, ...] = (TOKEN,)
        self.body = COMPLETE
        self.document: Any = report()
        self.children = ChildProcesses()
        self.max_age = timedelta(hours=24)
        self.fake: FakeScorecard | None = None
        self._directory = directory
        self.tree = directory / "tree"
        self.tree.mkdir()
        (self.tree / "README").write_text("hello")
        (directory / "scratch").mkdir()

    def assess(
        self,
        repository: Repository = ROCKET,
        previous: ScorecardResult | None = None,
        checkout: Callable[[], Path] | None = None,
    ) -> ScorecardResult:
        self.fake = FakeScorecard(self._directory / "bin", self.body, self.document)
        assessor = Assessor(
            cli=ScorecardCli(str(self.fake.path), self.children, self._directory / "scratch"),
            github=GitHubApi(self.forge.github_api),
            tokens=self.tokens,
            published_url=self.forge.scorecard_api,
            max_age=self.max_age,
            clock=lambda: NOW,
        )
        return assessor.assess(repository, head=HEAD, previous=previous, checkout=checkout or (lambda: self.tree))

    @property
    def runs(self) -> int:
        return len(self.fake.calls) if self.fake else 0


def settings(forge: ForgeServer, **variables: str) -> TaskSettings:
    needed = {
        "WATCHLIST_TABLE": "watchlist",
        "ACTIVITY_TABLE": "activity",
        "GIT_CLONE_DIR": "/scratch",
        "MAX_SETUP_TASKS": "1",
        "MAX_REFRESH_TASKS": "1",
        **{kind.queue_url_variable: "http://127.0.0.1/queue" for kind in JobKind},
    }
    urls = {"GITHUB_API_BASE_URL": forge.github_api, "SCORECARD_API_BASE_URL": forge.scorecard_api}
    return load(TaskSettings, needed | urls | variables)


@pytest.fixture
def chain(tmp_path: Path, forge: ForgeServer) -> Chain:
    forge.tokens[TOKEN] = TokenBudget()
    return Chain(tmp_path, forge)


def previous(**fields: Any) -> ScorecardResult:
    return ScorecardResult.model_validate(
        {"score": 3.0, "source": FORGE, "head": HEAD, "obtained_at": NOW - timedelta(hours=23)} | fields
    )


def test_a_result_that_stands_is_returned_and_nobody_is_asked(chain: Chain) -> None:
    old = previous()
    assert chain.assess(previous=old) is old
    assert (chain.runs, chain.forge.requests) == (0, [])


@pytest.mark.parametrize("outdated", [{"head": "b" * 40}, {"obtained_at": NOW - timedelta(hours=25)}])
def test_an_outdated_result_is_replaced(chain: Chain, outdated: dict[str, Any]) -> None:
    assert chain.assess(previous=previous(**outdated)).obtained_at == NOW


def test_with_budget_the_forge_is_the_source(chain: Chain) -> None:
    result = chain.assess()
    assert (result.source, result.score, result.passed_over) == (FORGE, 5.0, ())
    assert [request.path for request in chain.forge.requests] == ["/github/rate_limit"]


@pytest.mark.parametrize("budget", [TokenBudget(core=CORE_NEEDED - 1), TokenBudget(graphql=0)])
def test_a_token_without_budget_never_starts_scorecard_against_the_forge(chain: Chain, budget: TokenBudget) -> None:
    chain.forge.tokens[TOKEN] = budget
    chain.forge.published["github.com/acme/rocket"] = report(score=6.5)
    result = chain.assess()
    assert (result.source, result.score, chain.runs) == (PUBLISHED, 6.5, 0)
    assert result.passed_over == (
        PassedOver(source=FORGE, reason="no GitHub token has enough budget left before 2030-03-17T17:46:40Z"),
    )


def test_only_the_tokens_with_budget_reach_scorecard(chain: Chain) -> None:
    chain.tokens = ("spent", TOKEN, "revoked", TOKEN)
    chain.forge.tokens["spent"] = TokenBudget(core=0)
    chain.assess()
    assert chain.fake is not None
    assert chain.fake.calls[0]["environment"]["GITHUB_AUTH_TOKEN"] == TOKEN


def test_without_token_the_published_result_is_taken(chain: Chain) -> None:
    chain.tokens = ()
    chain.forge.published["github.com/acme/rocket"] = report()
    result = chain.assess()
    assert result.source is PUBLISHED
    assert result.passed_over[0].reason == "no GitHub token is configured"
    assert [request.path for request in chain.forge.requests] == ["/scorecard/projects/github.com/acme/rocket"]


def test_a_forge_that_fails_leads_to_the_published_result(chain: Chain) -> None:
    chain.body = "sys.exit(2)"
    chain.forge.published["github.com/acme/rocket"] = report()
    result = chain.assess()
    assert result.source is PUBLISHED
    assert [missed.source for missed in result.passed_over] == [FORGE]


def test_an_error_of_our_own_in_one_source_leaves_the_others(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tasks.scorecard.assessment.published_report", break_off)
    chain.tokens = ()
    result = chain.assess()
    assert result.source is ScorecardSource.LOCAL
    assert "an error in the service itself (ZeroDivisionError)" in {missed.reason for missed in result.passed_over}


def test_without_published_result_the_checkout_is_looked_at(chain: Chain) -> None:
    chain.body = ONLY_LOCAL
    result = chain.assess()
    assert (result.source, result.commit) == (LOCAL, HEAD)
    assert [missed.source for missed in result.passed_over] == [FORGE, PUBLISHED]
    assert result.passed_over[1].reason == "no result is published for the repository"


@pytest.mark.parametrize(
    "published",
    [report("github.com/acme/starship"), report(score=-1.0, checks=[]), {"unexpected": True}],
)
def test_a_published_result_that_is_none_leads_to_the_checkout(chain: Chain, published: object) -> None:
    chain.tokens = ()
    chain.forge.published["github.com/acme/rocket"] = published
    assert chain.assess().source is LOCAL


def test_another_host_is_only_looked_at_in_a_checkout(chain: Chain) -> None:
    result = chain.assess(Repository("https://codeberg.org", "acme", "rocket"))
    assert result.source is LOCAL
    assert chain.forge.requests == []


def test_the_path_of_the_checkout_is_not_kept(chain: Chain) -> None:
    chain.tokens = ()
    chain.document = report("file://tree")
    chain.document["checks"][0]["details"] = [f"Warn: found: {chain.tree}/src/a.c:1"]
    result = chain.assess()
    assert "Warn: found: src/a.c:1" in [detail for check in result.checks for detail in check.details]
    assert str(chain.tree) not in result.model_dump_json()


def test_when_no_source_has_a_score_the_result_says_why(chain: Chain) -> None:
    chain.body = "leave('')"
    result = chain.assess()
    assert (result.score, result.source, result.checks) == (None, None, ())
    assert result.reason is not None
    assert result.reason.startswith("Scorecard with the host's API: Scorecard left no report")
    assert [missed.source for missed in result.passed_over] == [FORGE, PUBLISHED, LOCAL]


def test_a_checkout_that_cannot_be_made_is_a_reason_and_no_failure(chain: Chain) -> None:
    def broken() -> Path:
        raise JobError(ErrorCode.OUT_OF_DISK, "no space left")

    chain.tokens = ()
    result = chain.assess(checkout=broken)
    assert result.passed_over[-1] == PassedOver(source=LOCAL, reason="no space left")


def test_a_job_that_is_taken_away_stops_the_chain(chain: Chain) -> None:
    chain.children.kill_all()
    with pytest.raises(JobCancelledError):
        chain.assess()


def test_servers_that_do_not_answer_are_reasons(chain: Chain) -> None:
    chain.forge.replies["/github/rate_limit"] = Reply(500, {})
    chain.forge.replies["/scorecard/projects/github.com/acme/rocket"] = Reply(503, raw=b"<html>")
    result = chain.assess()
    assert result.source is LOCAL
    assert [missed.reason for missed in result.passed_over] == [
        "GitHub's API answered with status 500",
        "the published results answered with status 503",
    ]


def test_servers_that_are_not_there_are_reasons(chain: Chain, forge: ForgeServer, tmp_path: Path) -> None:
    gone = "http://127.0.0.1:1"
    fake = FakeScorecard(tmp_path / "configured", COMPLETE, report("file://tree"))
    variables = {"GITHUB_API_BASE_URL": gone, "SCORECARD_API_BASE_URL": gone, "SCORECARD_PATH": str(fake.path)}
    configured = settings(forge, GITHUB_TOKEN=TOKEN, **variables)
    assessor = Assessor.from_settings(configured, children=chain.children, scratch=tmp_path / "scratch")
    result = assessor.assess(ROCKET, head=HEAD, previous=None, checkout=lambda: chain.tree)
    assert result.source is LOCAL
    assert [missed.reason for missed in result.passed_over] == [
        "GitHub's API gave no answer (NewConnectionError)",
        "the published results gave no answer (NewConnectionError)",
    ]


def test_the_forges_api_is_configured_by_the_settings(forge: ForgeServer) -> None:
    forge.tokens[TOKEN] = TokenBudget()
    forge.add_repository("acme/rocket", stargazers_count=9)
    assert Forge.from_settings(settings(forge, GITHUB_TOKEN=TOKEN)).describe(ROCKET).stars == 9
    assert forge.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_token_never_leaves_through_a_result_or_a_representation(chain: Chain) -> None:
    chain.body = "leave(''); print('Skipping x: ' + os.environ.get('GITHUB_AUTH_TOKEN', ''), file=sys.stderr)"
    result = chain.assess()
    assert result.passed_over[0].reason.endswith("***")
    assert TOKEN not in result.model_dump_json()
    shown = Assessor(
        cli=ScorecardCli("scorecard", chain.children, chain.tree),
        github=GitHubApi("http://127.0.0.1"),
        tokens=(TOKEN,),
        published_url="http://127.0.0.1",
        max_age=chain.max_age,
    )
    assert TOKEN not in repr(shown)


def test_the_chain_is_configured_by_the_settings(chain: Chain, forge: ForgeServer, tmp_path: Path) -> None:
    fake = FakeScorecard(tmp_path / "configured", COMPLETE, report())
    configured = settings(forge, SCORECARD_PATH=str(fake.path), GITHUB_TOKEN=f"revoked, {TOKEN}")
    assessor = Assessor.from_settings(configured, children=chain.children, scratch=tmp_path / "scratch")
    assert assessor.max_age == timedelta(hours=24)
    result = assessor.assess(ROCKET, head=HEAD, previous=None, checkout=lambda: chain.tree)
    assert result.source is FORGE
    assert fake.calls[0]["environment"]["GITHUB_AUTH_TOKEN"] == TOKEN


def test_a_result_may_be_set_to_stand_for_two_days_but_not_longer(forge: ForgeServer) -> None:
    assert settings(forge, SCORECARD_MAX_AGE_HOURS="48").scorecard_max_age == timedelta(hours=48)
    with pytest.raises(SettingsError):
        settings(forge, SCORECARD_MAX_AGE_HOURS="49")
