"""Whether what one depends on is healthy enough: a policy, its exceptions, and what does not pass."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from watchlist_cli.errors import CommandError

_UNRESOLVED = "unresolved"
_PROCESSED = ("ready", "failed")
_TELL_NOTHING = ("failing", "unknown")
"""Verdicts that say that nobody can tell whether it is alive."""
_SHOWN = 3

VERDICTS = ("gone", "failing", "moved", "archived", "dormant", "quiet", "unknown", "slowing", "active")
LEVELS = ("mild", "critical")


class OnUnknown(StrEnum):
    """What becomes of a repository about which something that the policy asks is not known."""

    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception from the policy, for one repository, for a time.

    Attributes:
        repository: `owner/name` or its address.
        reason: why it may pass.
        until: the last day on which it does.
    """

    repository: str
    reason: str
    until: date

    def covers(self, row: Mapping[str, Any], today: date) -> bool:
        """Whether it lets this repository pass on that day."""
        address = str(row["repository_url"]).lower()
        return today <= self.until and address.endswith(f"/{self.repository.lower().removeprefix('https://')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a repository must be to pass.

    Attributes:
        min_score: lowest score of Scorecard, 0 to 10; None for any.
        max_quiet_days: longest time since a person's last commit; None for any.
        no_open: lowest level of open alerts that keeps it from passing; None for any.
        deny: verdicts that do not pass.
        unknown: what becomes of what is not known.
        waivers: exceptions.
    """

    min_score: float | None = None
    max_quiet_days: int | None = None
    no_open: str | None = None
    deny: tuple[str, ...] = ("archived", "gone")
    unknown: OnUnknown = OnUnknown.WARN
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Why one repository does not pass.

    Attributes:
        row: the repository, as the watchlist shows it.
        code: of the rule: `verdict`, `score`, `quiet`, `alerts`, `unknown`, `processing`.
        message: for a person.
        fails: whether the gate fails by it; else it is a warning.
        waiver: the exception by which it passes all the same.
    """

    row: Mapping[str, Any]
    code: str
    message: str
    fails: bool
    waiver: Waiver | None = None


@dataclass(slots=True)
class _Findings:
    row: Mapping[str, Any]
    policy: Policy
    found: list[tuple[str, str, bool]] = field(default_factory=list)

    def fail(self, code: str, message: str) -> None:
        self.found.append((code, message, True))

    def unknown(self, message: str) -> None:
        self.found.append(("unknown", message, self.policy.unknown is OnUnknown.FAIL))


def evaluate(rows: Iterable[Mapping[str, Any]], policy: Policy, now: datetime) -> list[Finding]:
    """Return what does not pass: failures first, then what is waived, then warnings, each in the order of the rows."""
    findings = [finding for row in rows for finding in _of_row(row, policy, now)]
    return sorted(findings, key=lambda finding: (not finding.fails, finding.waiver is not None))


def unresolved(file: str, packages: Sequence[str]) -> dict[str, Any]:
    """Return what stands in the place of a repository for packages of a file that lead to none."""
    shown = ", ".join(packages[:_SHOWN]) + (f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else "")
    why = f"{len(packages)} of its packages lead to no repository: {shown}; `watchlist import --dry-run` says why"
    return {"name": file, "repository_url": file, "watchlist_id": file, "status": _UNRESOLVED, "why": why}


def passes(findings: Iterable[Finding]) -> bool:
    """Whether the gate is open."""
    return not any(finding.fails and finding.waiver is None for finding in findings)


def _of_row(row: Mapping[str, Any], policy: Policy, now: datetime) -> list[Finding]:
    findings = _Findings(row, policy)
    if row["status"] == _UNRESOLVED:
        findings.unknown(row["why"])
    else:
        _judge_verdict(findings)
    if row["status"] in _PROCESSED:
        _judge_score(findings)
        _judge_silence(findings, now)
        _judge_alerts(findings)
    waiver = next((each for each in policy.waivers if each.covers(row, now.date())), None)
    return [Finding(row, code, message, fails, waiver) for code, message, fails in findings.found]


def _judge_verdict(findings: _Findings) -> None:
    row, verdict = findings.row, findings.row["verdict"]
    reason = verdict["reasons"][0]["message"]
    if row["status"] == "processing":
        findings.unknown("it is still being processed")
    elif verdict["state"] in findings.policy.deny:
        findings.fail("verdict", f"it is {verdict['state']}: {reason}")
    elif verdict["state"] in _TELL_NOTHING:
        findings.unknown(f"nobody knows whether it is alive: {reason}")


def _judge_score(findings: _Findings) -> None:
    least, score = findings.policy.min_score, findings.row["score"]
    if least is not None and score is None:
        findings.unknown("it has no score")
    elif least is not None and score < least:
        findings.fail("score", f"its score is {score:g}, less than {least:g}")


def _judge_silence(findings: _Findings, now: datetime) -> None:
    most, last = findings.policy.max_quiet_days, findings.row["last_commit_by_person_at"]
    if most is not None and last is None:
        findings.unknown("no commit by a person is known")
    elif most is not None and (now - datetime.fromisoformat(last)) > timedelta(days=most):
        days = (now - datetime.fromisoformat(last)).days
        findings.fail("quiet", f"the last commit by a person is {days} days old, more than {most}")


def _judge_alerts(findings: _Findings) -> None:
    lowest = findings.policy.no_open
    if lowest is None:
        return
    counted = {level: findings.row["open_alerts"][level] for level in LEVELS[LEVELS.index(lowest) :]}
    open_alerts = [f"{number} {level}" for level, number in counted.items() if number]
    if open_alerts:
        findings.fail("alerts", f"it has open alerts: {', '.join(open_alerts)}")


def policy_of(document: Mapping[str, object], source: str) -> Policy:
    """Read a policy.

    Args:
        document: its keys and values, as a policy file or options have them.
        source: what is said to be wrong, where something is.

    Raises:
        CommandError: a key means nothing, a value is not allowed, or an exception has no reason or end.
    """
    readers: dict[str, Callable[[Any], object]] = {
        "min_score": _number(0, 10),
        "max_quiet_days": _number(0, 36_500),
        "no_open": _one_of(LEVELS),
        "deny": _some_of(VERDICTS),
        "unknown": lambda value: OnUnknown(_one_of(tuple(OnUnknown))(value)),
        "exceptions": lambda value: tuple(_waiver(each) for each in value),
    }
    policy: dict[str, Any] = {}
    for key, value in document.items():
        if key not in readers:
            raise CommandError(f"{source}: {key!r} means nothing; known are {', '.join(readers)}")
        try:
            policy["waivers" if key == "exceptions" else key] = readers[key](value)
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(f"{source}: {key}: {error}") from error
    return Policy(**policy)


def read_policy(path: Path) -> dict[str, Any]:
    """Return what a policy file (TOML) says.

    Raises:
        CommandError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error


def _number(least: float, most: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"must be a number from {least:g} to {most:g}")
        return value

    return read


def _one_of(choices: Sequence[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return read


def _some_of(choices: Sequence[str]) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise TypeError(f"must be a list of some of {', '.join(choices)}")
        return tuple(_one_of(choices)(each) for each in value)

    return read


def _waiver(value: object) -> Waiver:
    if not isinstance(value, dict):
        raise TypeError("an exception is a table")
    unknown = value.keys() - {"repository", "reason", "until"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} means nothing")
    repository, reason, until = (value.get(key) for key in ("repository", "reason", "until"))
    if not isinstance(repository, str) or not isinstance(reason, str) or not reason.strip():
        raise ValueError("an exception names its repository and its reason")
    if isinstance(until, datetime) or not isinstance(until, date):
        raise TypeError("an exception has an end, a date like 2026-12-31")
    return Waiver(repository.rstrip("/"), reason, until)


def today() -> datetime:
    """Return the moment by which ages are counted."""
    return datetime.now(UTC)
