"""One chaos run: start, add under harm, let it come to rest, judge, stop, look for what is left."""

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import family
from local_service.commands.api_client import ApiClient
from local_service.service import LocalService, LocalSettings
from tests.e2e.chaos import left_over
from tests.e2e.chaos.checks import Finding, Kind, judge
from tests.e2e.chaos.faults import Havoc, Rates, Tally
from tests.e2e.chaos.hosting import UnreliableHost
from tests.e2e.chaos.observation import Observation, Observer
from tests.e2e.chaos.sources import Source, generate, sound_source
from tests.e2e.chaos.users import Crowd, Outcome, Wish, wishes
from tests.unmeasured import unmeasured

RECONCILE_INTERVAL = timedelta(seconds=4)

_VARIABLES = {
    "LEASE_SECONDS": "10",
    "HEARTBEAT_SECONDS": "2",
    "JOB_TIMEOUT_SECONDS": "25",
    "POSTPONE_SECONDS": "3",
    "SEND_TIMEOUT_SECONDS": "8",
    "LAUNCH_TIMEOUT_SECONDS": "20",
    "QUEUE_TIMEOUT_SECONDS": "20",
    "MAX_SETUP_TASKS": "3",
    "SCORECARD_PATH": "no-scorecard",
}
"""Everything that takes minutes in AWS takes seconds here."""

_REST_SECONDS = 300
"""Until all is quiet once nothing goes wrong any more: three attempts of a host that never answers, one after another
for each of a few of them, and every timeout on the way."""

_SHARE_ADDING = 0.6
"""Of the time under harm, in which new adds come in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the run is.

    Attributes:
        minutes: under harm.
        lives: of the service: all its processes are killed at the end of each but the last, and it is started again.
    """

    repositories: int
    users: int
    minutes: float
    seed: int
    lives: int = 3
    log: Path | None = None
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        faults: harm done, by kind.
        retries: failed entries that were retried by the API under harm.
        seconds_to_rest: from the end of the harm until all was quiet.
    """

    plan: Plan
    observation: Observation
    faults: Mapping[str, int]
    retries: int
    seconds_to_rest: float
    findings: Sequence[Finding]

    @property
    def adds(self) -> int:
        """Adds that were accepted."""
        return sum(outcome.watchlist_id is not None for outcome in self.observation.outcomes)

    @property
    def statuses(self) -> Counter[str]:
        """Entries by their status."""
        return Counter(entry.status["status"] for entry in self.observation.entries.values() if entry)

    def count(self, kind: Kind) -> int:
        """Return the number of findings of a kind."""
        return sum(finding.kind is kind for finding in self.findings)


def run(plan: Plan) -> Result:
    """Do the whole run."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        left_over.adopt_orphans()
        clones = Path(folder) / "clones"
        result = _run_service(plan, Path(folder), clones)
        findings = [*result.findings, *_left_over(clones)]
        return replace(result, findings=findings)


def _run_service(plan: Plan, folder: Path, clones: Path) -> Result:
    dice = random.Random(f"{plan.seed} plan")  # noqa: S311 - dice, not secrets
    sources = generate(folder, plan.repositories, dice)
    planned = wishes(sources, plan.users, plan.minutes * 60 * _SHARE_ADDING, dice)
    tally = Tally()
    with ExitStack() as running:
        host = running.enter_context(UnreliableHost(folder, sources, dice))
        variables = {**_VARIABLES, "ALLOWED_ORIGINS": host.url, "GIT_CLONE_DIR": str(clones)}
        settings = LocalSettings(
            variables=variables, log=plan.log, reconcile_interval=RECONCILE_INTERVAL, data=folder / "data"
        )
        running.enter_context(unmeasured())
        crowd = Crowd({source.name: host.url_of(source) for source in sources}, planned, dice)
        for life in range(1, plan.lives):
            settings = _live_and_die(settings, Havoc(f"{plan.seed} life {life}", plan.rates, tally), crowd, plan)
        havoc = Havoc(str(plan.seed), plan.rates, tally)
        service = running.enter_context(LocalService(settings, havoc.interfere))
        havoc.begin(service)
        with havoc:
            crowd.begin(service.url)
            crowd.finish_adding()
            crowd.wait_until(plan.minutes * 60)
            crowd.end()
        quiet_from = time.monotonic()
        observer = Observer(service)
        observer.wait_until_quiet(_REST_SECONDS)
        seconds_to_rest = time.monotonic() - quiet_from
        last = _add_last(service, host, sound_source(folder, "last", dice))
        observer.wait_until_quiet(_REST_SECONDS)
        by_url = {host.url_of(source): source for source in (*sources, last.wish.source)}
        observation = observer.observe([*crowd.outcomes, last], by_url)
    findings = judge(observation)
    return Result(plan, observation, dict(tally.counts), crowd.retries, seconds_to_rest, findings)


def _live_and_die(settings: LocalSettings, havoc: Havoc, crowd: Crowd, plan: Plan) -> LocalSettings:
    """Run the service for its share of the time, and kill all of it; return the settings of the next one.

    The service's own threads run in this process and stop orderly. They can keep nothing any more, since everything
    is kept by a process that is dead.
    """
    others = set(family(os.getpid()))
    with LocalService(settings, havoc.interfere) as service:
        havoc.begin(service)
        with havoc:
            crowd.begin(service.url)
            time.sleep(plan.minutes * 60 / plan.lives)
            havoc.kill(pid for pid in family(os.getpid()) if pid not in others)
        return replace(settings, port=urlsplit(service.url).port or 0)


def _add_last(service: LocalService, host: UnreliableHost, source: Source) -> Outcome:
    """Add one more repository: the service still works, and its task sweeps what killed ones left behind."""
    wish = Wish("last@example.org", source, 0, insists=True)
    return Outcome(wish, ApiClient(service.url).add(host.url_of(source), wish.user))


def _left_over(clones: Path) -> list[Finding]:
    processes = [Finding(Kind.LEFT_OVER, f"process {process}") for process in left_over.processes(str(clones))]
    folders = sorted(clones.iterdir()) if clones.exists() else []
    return [*processes, *(Finding(Kind.LEFT_OVER, f"clone directory {path.name}") for path in folders)]
