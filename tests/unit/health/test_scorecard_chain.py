from datetime import UTC, datetime, timedelta

import pytest

from tasks.hosts.github_api import Budget
from tasks.scorecard.chain import CORE_NEEDED, GRAPHQL_NEEDED, is_reusable, may_ask_forge, plan
from watchlist.health.scorecard import ScorecardResult, ScorecardSource, no_score

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RESET = datetime(2026, 11, 24, 13, tzinfo=UTC)
HEAD = "a" * 40
DAY = timedelta(hours=24)
FORGE, PUBLISHED, LOCAL = ScorecardSource
ENOUGH = Budget(CORE_NEEDED, GRAPHQL_NEEDED, RESET)


def scored(age: timedelta) -> ScorecardResult:
    return ScorecardResult(score=7.1, source=LOCAL, head=HEAD, obtained_at=NOW - age)


def test_a_result_stands_for_its_age_while_head_is_the_same() -> None:
    assert is_reusable(scored(timedelta(0)), head=HEAD, now=NOW, max_age=DAY)
    assert is_reusable(scored(DAY), head=HEAD, now=NOW, max_age=DAY)
    assert not is_reusable(scored(DAY + timedelta(seconds=1)), head=HEAD, now=NOW, max_age=DAY)
    assert not is_reusable(scored(timedelta(0)), head="b" * 40, now=NOW, max_age=DAY)


def test_no_configuration_makes_a_result_stand_longer_than_two_days() -> None:
    assert is_reusable(scored(2 * DAY), head=HEAD, now=NOW, max_age=9 * DAY)
    assert not is_reusable(scored(2 * DAY + timedelta(seconds=1)), head=HEAD, now=NOW, max_age=9 * DAY)


def test_what_has_no_score_or_comes_from_the_future_is_not_reused() -> None:
    assert not is_reusable(None, head=HEAD, now=NOW, max_age=DAY)
    assert not is_reusable(no_score("x", head=HEAD, obtained_at=NOW), head=HEAD, now=NOW, max_age=DAY)
    assert not is_reusable(scored(-DAY), head=HEAD, now=NOW, max_age=DAY)


def test_budgets_are_worth_asking_for_only_on_github_and_with_a_token() -> None:
    assert may_ask_forge("github.com", ["t"])
    assert not may_ask_forge("github.com", [])
    assert not may_ask_forge("gitlab.com", ["t"])


def test_a_token_with_budget_makes_the_forge_the_first_source() -> None:
    chosen = plan("github.com", {"t": ENOUGH})
    assert chosen.sources == (FORGE, PUBLISHED, LOCAL)
    assert chosen.tokens == ("t",)


def test_a_plan_does_not_show_its_tokens() -> None:
    assert "ghp_secret" not in repr(plan("github.com", {"ghp_secret": ENOUGH}))


def test_only_tokens_with_budget_are_used() -> None:
    spent = Budget(0, 5000, RESET)
    assert plan("github.com", {"a": spent, "b": ENOUGH, "c": "refused"}).tokens == ("b",)


@pytest.mark.parametrize(
    "budget", [Budget(CORE_NEEDED - 1, 5000, RESET), Budget(5000, GRAPHQL_NEEDED - 1, RESET), Budget(0, 0, RESET)]
)
def test_without_budget_for_both_apis_the_forge_is_passed_over(budget: Budget) -> None:
    chosen = plan("github.com", {"t": budget})
    assert chosen.sources == (PUBLISHED, LOCAL)
    assert chosen.tokens == ()
    assert [missed.source for missed in chosen.passed_over] == [FORGE]
    assert "2026-11-24T13:00:00Z" in chosen.passed_over[0].reason


def test_without_token_the_reason_says_so() -> None:
    chosen = plan("github.com", {})
    assert chosen.sources == (PUBLISHED, LOCAL)
    assert chosen.passed_over[0].reason == "no GitHub token is configured"


def test_when_no_budget_is_known_the_reason_is_why() -> None:
    assert plan("github.com", {"t": "GitHub refuses the token"}).passed_over[0].reason == "GitHub refuses the token"


def test_another_host_has_only_the_checkout() -> None:
    chosen = plan("codeberg.org", {})
    assert chosen.sources == (LOCAL,)
    assert [missed.source for missed in chosen.passed_over] == [FORGE, PUBLISHED]
