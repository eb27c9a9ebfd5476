"""Which source is asked for a score: decided here, carried out in `assessment`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.hosts.github_api import Budget
from watchlist.health.published import FORGE_HOST
from watchlist.health.scorecard import PassedOver, ScorecardResult, ScorecardSource

MAX_AGE_LIMIT = timedelta(hours=48)
"""No result is reused for longer, whatever is configured."""

CORE_NEEDED = 100
"""REST calls that a token must have left: a run costs 10 to 70 of them."""

GRAPHQL_NEEDED = 20
"""GraphQL points that a token must have left: a run makes 3 or 4 calls."""

TokenBudgets = Mapping[str, Budget | str]
"""What is left of each token, or why that is not known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, in order, until one source has a score.

    Attributes:
        sources: the ones worth asking.
        tokens: those to run against the forge with.
        passed_over: the ones that are not, and why.
    """

    sources: tuple[ScorecardSource, ...]
    tokens: tuple[str, ...] = field(default=(), repr=False)
    passed_over: tuple[PassedOver, ...] = ()


def is_reusable(previous: ScorecardResult | None, *, head: str, now: datetime, max_age: timedelta) -> bool:
    """Say whether `previous` still stands: it has a score, HEAD is the same, and it is not older than `max_age`."""
    if previous is None or previous.score is None or previous.head != head:
        return False
    return timedelta(0) <= now - previous.obtained_at <= min(max_age, MAX_AGE_LIMIT)


def may_ask_forge(host: str, tokens: Sequence[str]) -> bool:
    """Say whether the tokens' budgets are worth looking up."""
    return host == FORGE_HOST and bool(tokens)


def plan(host: str, budgets: TokenBudgets) -> Plan:
    """Choose the sources for a repository on `host`. Scorecard would probe any host that it takes for a GitLab.

    Scorecard sleeps until the reset when a token is used up, so it is run against the forge only with tokens that have
    more left than a run costs. It uses them in turn, so that one without budget would spoil the others.
    """
    if host != FORGE_HOST:
        reason = f"only repositories on {FORGE_HOST} have it"
        skipped = (ScorecardSource.FORGE, ScorecardSource.PUBLISHED)
        return Plan((ScorecardSource.LOCAL,), passed_over=tuple(PassedOver(source=s, reason=reason) for s in skipped))
    tokens = tuple(token for token, budget in budgets.items() if isinstance(budget, Budget) and _suffices(budget))
    if tokens:
        return Plan(tuple(ScorecardSource), tokens)
    return Plan(
        (ScorecardSource.PUBLISHED, ScorecardSource.LOCAL),
        passed_over=(PassedOver(source=ScorecardSource.FORGE, reason=_without_budget(budgets)),),
    )


def _suffices(budget: Budget) -> bool:
    return budget.core >= CORE_NEEDED and budget.graphql >= GRAPHQL_NEEDED


def _without_budget(budgets: TokenBudgets) -> str:
    if not budgets:
        return "no GitHub token is configured"
    used_up = [budget for budget in budgets.values() if isinstance(budget, Budget)]
    if not used_up:
        return next(reason for reason in budgets.values() if isinstance(reason, str))
    resets_at = min(budget.resets_at for budget in used_up)
    return f"no GitHub token has enough budget left before {resets_at:%Y-%m-%dT%H:%M:%SZ}"
