"""The score of a repository: the first source of the chain that has one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Self

from aws_lambda_powertools import Logger

from tasks.child_process import ChildProcesses
from tasks.hosts.github_api import Budget, GitHubApi, GitHubRefusalError
from tasks.scorecard.chain import is_reusable, may_ask_forge, plan
from tasks.scorecard.cli import ScorecardCli
from watchlist.clock import Clock
from watchlist.clock import now as clock_now
from watchlist.errors import JobCancelledError, JobError
from watchlist.health.published import published_report
from watchlist.health.report import UnusableReportError, read_report
from watchlist.health.scorecard import PassedOver, ScorecardResult, ScorecardSource, no_score
from watchlist.json_client import JsonClient
from watchlist.repository_url import Repository
from watchlist.settings import TaskSettings
from watchlist.text import separated, shorten

Checkout = Callable[[], Path]
"""Makes a checkout of HEAD, without symbolic links, and returns its absolute path; its maker removes it."""

_CALLED = {
    ScorecardSource.FORGE: "Scorecard with the host's API",
    ScorecardSource.PUBLISHED: "the OpenSSF's weekly scan",
    ScorecardSource.LOCAL: "Scorecard on the files alone",
}


@dataclass(frozen=True, slots=True)
class Assessor:
    """Asks the sources of the chain.

    Attributes:
        cli: runs Scorecard.
        github: GitHub's API, asked for the tokens' budgets.
        tokens: GitHub tokens; only Scorecard and GitHub's API see them.
        published_url: base URL of the published results.
        max_age: how long a result stands while HEAD is the same, at most 48 h.
    """

    cli: ScorecardCli
    github: GitHubApi
    tokens: Sequence[str] = field(repr=False)
    published_url: str
    max_age: timedelta
    client: JsonClient = field(default_factory=JsonClient)
    clock: Clock = clock_now
    logger: Logger = field(default_factory=lambda: Logger(service="job"))

    @classmethod
    def from_settings(cls, settings: TaskSettings, *, children: ChildProcesses, scratch: Path) -> Self:
        """Return the chain that `settings` configure; Scorecard's runs have their directories under `scratch`."""
        return cls(
            cli=ScorecardCli(settings.scorecard_path, children, scratch),
            github=GitHubApi(settings.github_api_base_url),
            tokens=separated(settings.github_token or ""),
            published_url=settings.scorecard_api_base_url,
            max_age=settings.scorecard_max_age,
        )

    def assess(
        self, repository: Repository, *, head: str, previous: ScorecardResult | None, checkout: Checkout
    ) -> ScorecardResult:
        """Return the score of `repository` at `head`, or the reason why there is none; never fails for lack of one.

        `previous` is returned as it is while it stands.

        Raises:
            JobCancelledError: the job was taken away.
        """
        now = self.clock()
        if previous is not None and is_reusable(previous, head=head, now=now, max_age=self.max_age):
            return previous
        tokens = tuple(dict.fromkeys(self.tokens)) if may_ask_forge(repository.host, self.tokens) else ()
        chosen = plan(repository.host, {token: self._budget(token) for token in tokens})
        passed_over = list(chosen.passed_over)
        for source in chosen.sources:
            try:
                name, document = self._report(source, repository, chosen.tokens, checkout)
                result = read_report(
                    document,
                    name=name,
                    source=source,
                    head=head,
                    obtained_at=now,
                    clean=partial(self._clean, tree=name.removeprefix("file://")),
                )
            except (UnusableReportError, JobError) as error:
                reason = error.message if isinstance(error, JobError) else str(error)
                passed_over.append(PassedOver(source=source, reason=shorten(self._clean(reason))))
            except JobCancelledError:
                raise
            except Exception as error:  # an error of ours in one source leaves the others
                self.logger.exception("a source of the score broke off", source=source)
                reason = f"an error in the service itself ({type(error).__name__})"
                passed_over.append(PassedOver(source=source, reason=reason))
            else:
                return result.model_copy(update={"passed_over": tuple(passed_over)})
        reasons = "; ".join(f"{_CALLED[missed.source]}: {missed.reason}" for missed in passed_over)
        return no_score(reasons, head=head, obtained_at=now, passed_over=passed_over)

    def _report(
        self, source: ScorecardSource, repository: Repository, tokens: Sequence[str], checkout: Checkout
    ) -> tuple[str, object]:
        """Return the name that the report must bear, and the report."""
        if source is ScorecardSource.LOCAL:
            return self.cli.check_tree(checkout())
        name = f"{repository.host}/{repository.owner}/{repository.name}"
        if source is ScorecardSource.FORGE:
            return name, self.cli.check_forge(name, tokens)
        return name, published_report(self.published_url, repository.owner, repository.name, self.client)

    def _budget(self, token: str) -> Budget | str:
        try:
            return self.github.budget(token)
        except GitHubRefusalError as error:
            return str(error)

    def _clean(self, text: str, tree: str = "") -> str:
        """Take tokens and the path of the checkout out of a text that is kept."""
        if tree:
            text = text.replace(f"{tree}/", "")
        for token in self.tokens:
            text = text.replace(token, "***")
        return text
