"""Is a repository alive? One verdict each, by rules that are written here and nowhere else.

The first of these that holds is the verdict; a later one adds its reason where it says something more.

    moved      the host redirects to another address
    gone       two checks in a row found that the repository is not there, or no longer public
    failing    its first analysis failed for good, or the last checks did, so often that what is known is old
    unknown    there is no analysis yet, or no commit that says when it was made; or the last good look is too long ago;
               or all commits that are known are by programs, and they reach back for less than `quiet_after`
    archived   its owner has declared it finished
    dormant    no commit by a person for `dormant_after` (a year)
    quiet      no commit by a person for `quiet_after` (90 days)
    slowing    the last 13 weeks have at most `slowing_share` of the commits by people that the pace before would give
    active     none of these

Programs that commit keep nothing alive: a repository in which only they do is quiet, and the reason says so. Unknown is
a verdict of its own and never reads as healthy; what is known is judged as of now, not as of the analysis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watchlist import limits
from watchlist.errors import ErrorCode
from watchlist.git.package import Package
from watchlist.health.summary import Summary, summary_of
from watchlist.history.metrics import RECENT_WEEKS
from watchlist.settings import VerdictSettings
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry


class VerdictState(StrEnum):
    """The verdicts, the most worrying first."""

    GONE = "gone"
    FAILING = "failing"
    MOVED = "moved"
    ARCHIVED = "archived"
    DORMANT = "dormant"
    QUIET = "quiet"
    UNKNOWN = "unknown"
    SLOWING = "slowing"
    ACTIVE = "active"

    @property
    def worry(self) -> int:
        """How much it worries: 0 for what is active, more for what is worse."""
        return len(_BY_WORRY) - 1 - _BY_WORRY[self]


_BY_WORRY = {state: number for number, state in enumerate(VerdictState)}


class ReasonCode(StrEnum):
    """Why a verdict is what it is; stable."""

    HOST_REDIRECTS = "host_redirects"
    NOT_THERE = "not_there"
    SETUP_FAILED = "setup_failed"
    CHECKS_FAIL = "checks_fail"
    LAST_CHECK_FAILED = "last_check_failed"
    NOT_ANALYSED_YET = "not_analysed_yet"
    NOT_LOOKED_AT = "not_looked_at"
    NO_COMMITS = "no_commits"
    HEAD_MISSING = "head_missing"
    NO_BELIEVABLE_DATE = "no_believable_date"
    DECLARED_FINISHED = "declared_finished"
    NO_COMMIT_BY_PEOPLE = "no_commit_by_people"
    ONLY_PROGRAMS = "only_programs"
    FEWER_COMMITS = "fewer_commits"
    RECENT_COMMITS = "recent_commits"
    ONE_PERSON = "one_person"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code, and a sentence for a person."""

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a repository, and why; the first reason decided it."""

    state: VerdictState
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """Why the last looks failed.

    Attributes:
        code: of the last one.
        message: of the last one, for a person.
        times: in a row.
        gone_since: when the repository was first found gone, if that was confirmed.
    """

    code: str
    message: str
    times: int
    gone_since: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a repository.

    Attributes:
        status: of its entry.
        setup_error: code and message of the failure that ended its first analysis.
        check_failure: the looks that failed since the last good one.
        summary: the last analysis.
        looked_at: when its host was last asked with success.
        is_empty: whether it was analysed and has no commit at all.
        is_head_missing: whether it has branches then, and HEAD names none of them.
        archived: whether its owner has declared it finished; None where the host does not say.
        renamed_to: its present name, if the host tells another than was asked for.
    """

    status: EntryStatus
    setup_error: tuple[str, str] | None = None
    check_failure: CheckFailure | None = None
    summary: Summary | None = None
    looked_at: datetime | None = None
    is_empty: bool = False
    is_head_missing: bool = False
    archived: bool | None = None
    renamed_to: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Evidence":
        """Return what the entry knows."""
        package: Package | None = entry.package
        failed = entry.entry_status is EntryStatus.FAILED and entry.last_error is not None
        return cls(
            status=entry.entry_status,
            setup_error=(entry.last_error.code, entry.last_error.message) if failed else None,
            check_failure=_check_failure(entry),
            summary=summary_of(entry),
            looked_at=entry.checked_at or entry.analyzed_at,
            is_empty=entry.head_sha is None,
            is_head_missing=bool(entry.branches),
            archived=package.archived if package else None,
            renamed_to=package.renamed_to if package else None,
        )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on the rules hold.

    Attributes:
        quiet_after: time without a commit by a person.
        dormant_after: the same.
        slowing_share: of the expected commits by people in the last 13 weeks; at most so many are slowing.
        slowing_least: expected commits from which on their lack says something.
        stale_after: time without a good look at the repository after which nothing is known of it.
        failing_after: failed looks in a row.
    """

    quiet_after: timedelta
    dormant_after: timedelta
    slowing_share: float
    slowing_least: float
    stale_after: timedelta
    failing_after: int

    @classmethod
    def of(cls, settings: VerdictSettings) -> "Thresholds":
        """Return the thresholds that the settings say."""
        return cls(
            quiet_after=settings.quiet_after,
            dormant_after=settings.dormant_after,
            slowing_share=settings.slowing_share,
            slowing_least=settings.slowing_least_commits,
            stale_after=settings.stale_after,
            failing_after=settings.failing_after_checks,
        )


def judge(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict:
    """Return the verdict of what is known, as of now."""
    for rule in _RULES:
        verdict = rule(evidence, thresholds, now)
        if verdict is not None:
            said = {reason.code for reason in verdict.reasons}
            if verdict.state in _SAY_WHAT_FAILED:
                said.add(ReasonCode.LAST_CHECK_FAILED)
            remarks = [remark for remark in _remarks(evidence, now) if remark.code not in said]
            return Verdict(verdict.state, (*verdict.reasons, *remarks))
    return _of_activity(evidence, thresholds, now)


def verdict_of(entry: Entry, thresholds: Thresholds, now: datetime) -> Verdict:
    """Return the verdict of an entry, as of now."""
    return judge(Evidence.of(entry), thresholds, now)


def _moved(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict | None:
    del thresholds, now
    code, message = evidence.setup_error or ("", "")
    failure = evidence.check_failure
    if failure is not None and failure.gone_since is not None:
        code, message = failure.code, failure.message
    if code != ErrorCode.REPOSITORY_MOVED:
        return None
    return _verdict(VerdictState.MOVED, ReasonCode.HOST_REDIRECTS, message)


def _gone(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict | None:
    del thresholds, now
    failure = evidence.check_failure
    if failure is None or failure.gone_since is None:
        return None
    text = f"It has not been there since {_day(failure.gone_since)}. {failure.message}"
    return _verdict(VerdictState.GONE, ReasonCode.NOT_THERE, text)


def _failing(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict | None:
    del now
    failure = evidence.check_failure
    if evidence.setup_error is not None:
        text = f"It could not be analysed. {evidence.setup_error[1]}"
        return _verdict(VerdictState.FAILING, ReasonCode.SETUP_FAILED, text)
    if failure is not None and failure.times >= thresholds.failing_after:
        text = f"The last {failure.times} checks failed. {failure.message}"
        return _verdict(VerdictState.FAILING, ReasonCode.CHECKS_FAIL, text)
    return None


def _unknown(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict | None:
    if evidence.summary is None:
        return _verdict(VerdictState.UNKNOWN, ReasonCode.NOT_ANALYSED_YET, "It has not been analysed yet.")
    looked_at = evidence.looked_at or evidence.summary.measured_at
    if now - looked_at >= thresholds.stale_after:
        text = f"It was last looked at on {_day(looked_at)}: what has happened since is not known."
        return _verdict(VerdictState.UNKNOWN, ReasonCode.NOT_LOOKED_AT, text)
    if evidence.is_empty and evidence.is_head_missing:
        text = "Its HEAD names none of its branches, so that no history is the default one."
        return _verdict(VerdictState.UNKNOWN, ReasonCode.HEAD_MISSING, text)
    if evidence.is_empty:
        return _verdict(VerdictState.UNKNOWN, ReasonCode.NO_COMMITS, "It has no commits yet.")
    return None


def _archived(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict | None:
    del thresholds, now
    if not evidence.archived:
        return None
    return _verdict(VerdictState.ARCHIVED, ReasonCode.DECLARED_FINISHED, "Its owner has archived it.")


_RULES: tuple[Callable[[Evidence, Thresholds, datetime], Verdict | None], ...] = (
    _moved,
    _gone,
    _failing,
    _unknown,
    _archived,
)


_SAY_WHAT_FAILED = frozenset({VerdictState.MOVED, VerdictState.GONE, VerdictState.FAILING})
"""Verdicts whose reason is what the last look said: it need not be said again."""


def _of_activity(evidence: Evidence, thresholds: Thresholds, now: datetime) -> Verdict:
    """Return the verdict of a repository that can be read and is analysed."""
    summary = evidence.summary
    if summary is None:
        raise ValueError("a repository that was not analysed has no activity")
    last, by_bot = summary.last_commit_by_person_at, summary.last_commit_by_bot_at
    if last is None:
        return _of_no_person(evidence, summary, thresholds, now)
    silence = now - last
    if silence >= thresholds.quiet_after:
        state = VerdictState.DORMANT if silence >= thresholds.dormant_after else VerdictState.QUIET
        text = f"No commit by a person for {silence.days} days, since {_day(last)}."
        programs = [] if by_bot is None or by_bot <= last else [_only_programs(by_bot)]
        return Verdict(state, (Reason(ReasonCode.NO_COMMIT_BY_PEOPLE, text), *programs, *_remarks(evidence, now)))
    weeks = summary.weeks_until(now)
    recent = sum(weeks[-RECENT_WEEKS:])
    expected = _expected(weeks, summary.covered_weeks)
    made = f"{recent} {'commit' if recent == 1 else 'commits'} by people in the last {RECENT_WEEKS} weeks"
    if expected >= thresholds.slowing_least and recent <= thresholds.slowing_share * expected:
        reason = Reason(ReasonCode.FEWER_COMMITS, f"{made}; at the pace before it would be {expected:.0f}.")
        return Verdict(VerdictState.SLOWING, (reason, *_remarks(evidence, now)))
    reason = Reason(ReasonCode.RECENT_COMMITS, f"{made}.")
    return Verdict(VerdictState.ACTIVE, (reason, *_remarks(evidence, now)))


def _of_no_person(evidence: Evidence, summary: Summary, thresholds: Thresholds, now: datetime) -> Verdict:
    """Return the verdict where no commit by a person is known: the silence is as long as what is known."""
    by_bot = summary.last_commit_by_bot_at
    if by_bot is None:
        text = "None of its commits has a date that can be believed."
        return _verdict(VerdictState.UNKNOWN, ReasonCode.NO_BELIEVABLE_DATE, text)
    if summary.covered_weeks >= len(summary.weeks):
        state, known = VerdictState.DORMANT, "in the last year"
    else:
        silence = now - summary.measured_at + timedelta(weeks=summary.covered_weeks)
        state = VerdictState.QUIET if silence >= thresholds.quiet_after else VerdictState.UNKNOWN
        known = f"in the last {silence.days} days; earlier ones are not known"
    reason = Reason(ReasonCode.NO_COMMIT_BY_PEOPLE, f"No commit by a person {known}.")
    return Verdict(state, (reason, _only_programs(by_bot), *_remarks(evidence, now)))


def _expected(weeks: tuple[int, ...], covered_weeks: int) -> float:
    """Return how many commits the last 13 weeks would have at the pace of the weeks before; 0 where these are few."""
    earlier = min(covered_weeks, len(weeks)) - RECENT_WEEKS
    if earlier < RECENT_WEEKS:
        return 0
    return sum(weeks[-RECENT_WEEKS - earlier : -RECENT_WEEKS]) / earlier * RECENT_WEEKS


def _remarks(evidence: Evidence, now: datetime) -> list[Reason]:
    """Return what is worth saying whatever the verdict is."""
    remarks = []
    failure, summary = evidence.check_failure, evidence.summary
    if failure is not None:
        text = f"The last check failed. {failure.message}"
        remarks.append(Reason(ReasonCode.LAST_CHECK_FAILED, text))
    if evidence.renamed_to:
        remarks.append(Reason(ReasonCode.RENAMED, f"Its name is {evidence.renamed_to} now."))
    if summary is not None and summary.absence_factor == 1 and sum(summary.weeks_until(now)) > 0:
        remarks.append(Reason(ReasonCode.ONE_PERSON, "One person made at least half of the year's commits."))
    return remarks


def _only_programs(by_bot: datetime) -> Reason:
    return Reason(ReasonCode.ONLY_PROGRAMS, f"Only programs have committed since, last on {_day(by_bot)}.")


def _check_failure(entry: Entry) -> CheckFailure | None:
    error = entry.last_check.error if entry.last_check else None
    times = entry.check_failures or 0
    if not times or not error:
        return None
    confirmed = entry.gone_since is not None and times >= limits.GONE_CONFIRMED_AFTER
    return CheckFailure(error.code, error.message, times, entry.gone_since if confirmed else None)


def _verdict(state: VerdictState, code: ReasonCode, message: str) -> Verdict:
    return Verdict(state, (Reason(code, message),))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
