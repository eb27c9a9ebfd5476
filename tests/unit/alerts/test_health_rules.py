from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts.evaluating import only_one, raised, watcher
from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.occasions import NewHealth, VulnerabilitiesCheck
from watchlist.alerts.settings import AlertKind, AlertMetric, ThresholdKind
from watchlist.health.scorecard import NotRun
from watchlist.text import one_line

SHA = "8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"
BEFORE = "2026-03-04T12:00:00Z"


def health(previous: float | None, current: float | None, *, before: str = BEFORE, **fields: Any) -> Alert | None:
    occasion = NewHealth(previous_result_id=before, previous_score=previous, score=current, commit_sha=SHA)
    return only_one(watcher(health_score_decreases=fields), "health_score_decreases", occasion)


def finding(*names: str) -> str:
    return "Warn: Project is vulnerable to: " + " / ".join(names)


def check(*findings: str, score: int | None = None) -> VulnerabilitiesCheck:
    return VulnerabilitiesCheck(max(10 - len(findings), 0) if score is None else score, findings)


def vulnerabilities(
    previous: VulnerabilitiesCheck, current: VulnerabilitiesCheck, *, before: str = BEFORE, **fields: Any
) -> Alert | None:
    occasion = NewHealth(
        previous_result_id=before, previous_vulnerabilities=previous, vulnerabilities=current, commit_sha=SHA
    )
    return only_one(watcher(new_vulnerabilities_detected=fields), "new_vulnerabilities_detected", occasion)


@pytest.mark.parametrize(
    ("previous", "current", "level"),
    [
        (7.0, 6.1, None),
        (7.0, 6.0, AlertLevel.MILD),
        (7.0, 5.1, AlertLevel.MILD),
        (7.0, 5.0, AlertLevel.CRITICAL),
        (6.0, 7.0, None),
        (7.0, 7.0, None),
    ],
)
def test_the_score_alerts_from_one_point_less_on(previous: float, current: float, level: AlertLevel | None) -> None:
    alert = health(previous, current)

    assert (alert.level if alert else None) == level


@pytest.mark.parametrize("tenths", range(5, 101))
def test_a_decrease_of_just_the_minimum_is_not_lost_in_floating_point(tenths: int) -> None:
    assert health(tenths / 10, (tenths - 5) / 10, minimum_health_change=0.5)
    assert not health(tenths / 10, (tenths - 4) / 10, minimum_health_change=0.5)


@pytest.mark.parametrize(("current", "level"), [(6.1, AlertLevel.MILD), (6, AlertLevel.CRITICAL)])
def test_a_fall_of_twice_the_minimum_is_critical(current: float, level: AlertLevel) -> None:
    alert = health(10, current, minimum_health_change=2)

    assert alert
    assert alert.level is level


def test_a_health_alert_tells_both_scores() -> None:
    alert = health(7.25, 5.75)

    assert alert
    assert (alert.metric, alert.value) == (AlertMetric.HEALTH_SCORE_DECREASE, 1.5)
    assert (alert.threshold_kind, alert.threshold) == (ThresholdKind.MINIMUM_HEALTH_CHANGE, 1)
    assert alert.commit_sha == SHA
    assert alert.message == (
        "The health score fell from 7.2 to 5.8, over the checks that both analyses have: a decrease of 1 or more "
        "raises this alert."
    )


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        (("SAST", "License"), " Without a result in one of them, and so not compared: SAST, License."),
        (tuple("abcde"), " Without a result in one of them, and so not compared: a, b, c, d, e."),
        (tuple("abcdef"), " Without a result in one of them, and so not compared: a, b, c, d, e and others."),
    ],
)
def test_a_health_alert_names_the_checks_that_could_not_be_compared(checks: tuple[str, ...], told: str) -> None:
    occasion = NewHealth(previous_result_id=BEFORE, previous_score=7, score=5, not_compared=checks, commit_sha=SHA)
    alert = only_one(watcher(health_score_decreases={}), "health_score_decreases", occasion)

    assert alert
    assert alert.message.endswith("raises this alert." + told)


@pytest.mark.parametrize(
    ("previous", "current"), [(None, 3), (9, None), (None, None), (9, -1), (-1, 3), (float("nan"), 3)]
)
def test_a_first_or_inconclusive_score_raises_nothing(previous: float | None, current: float | None) -> None:
    assert health(previous, current) is None


def not_run(*checks: NotRun, no_score: str | None = None) -> list[Alert]:
    occasion = NewHealth(
        previous_result_id=BEFORE, previous_score=7, score=7, not_run=checks, no_score=no_score, commit_sha=SHA
    )
    return raised(watcher(health_score_decreases={}), occasion)


def test_a_check_that_fails_to_run_is_told_of_once_for_its_last_result_although_the_score_did_not_fall() -> None:
    dates = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 1, 2))
    names = ("Vulnerabilities", "SAST", "License")
    checks = [
        NotRun(name=name, reason="internal error", last_run=date) for name, date in zip(names, dates, strict=True)
    ]
    first, second = not_run(*checks)
    assert first.message == (
        "2 checks failed to run, so that a decrease would not be seen; the last result is of 2026-03-01: "
        "Vulnerabilities (internal error); SAST (internal error)."
    )
    assert second.message.startswith("1 check failed to run")
    assert (first.level, first.value, first.metric) == (AlertLevel.MILD, 2, AlertMetric.CHECKS_NOT_RUN)
    assert first.commit_sha == SHA
    assert [alert.id for alert in not_run(*checks[:2])] == [first.id]


@pytest.mark.parametrize(("count", "told"), [(5, "e (why)."), (6, "e (why); and others.")])
def test_of_many_checks_that_fail_to_run_five_are_named(count: int, told: str) -> None:
    date = datetime(2026, 3, 1, tzinfo=UTC)
    checks = [NotRun(name=name, reason="why", last_run=date) for name in "abcdef"[:count]]

    (alert,) = not_run(*checks)

    assert alert.message.endswith(told)
    assert (alert.value, alert.threshold) == (count, 1)


def test_other_checks_that_fail_to_run_are_another_event() -> None:
    date = datetime(2026, 3, 1, tzinfo=UTC)
    alerts = [not_run(NotRun(name=name, reason="why", last_run=date)) for name in ("SAST", "License")]
    other_reason = not_run(NotRun(name="SAST", reason="another reason", last_run=date))

    assert alerts[0][0].id == other_reason[0].id != alerts[1][0].id


def test_a_score_that_is_not_there_any_more_is_told_with_its_reason() -> None:
    (alert,) = not_run(no_score="local: Scorecard gives no aggregate (-1)")
    assert alert.message == (
        "There is no health score any more, so whether it fell is not known: local: Scorecard gives no aggregate (-1)"
    )
    assert (alert.value, alert.threshold, alert.commit_sha) == (1, 1, SHA)


def test_reasons_are_cut() -> None:
    date, long = datetime(2026, 3, 1, tzinfo=UTC), "r" * 1000
    (failed,) = not_run(NotRun(name="SAST", reason=long, last_run=date))
    (missing,) = not_run(no_score=long)

    assert failed.message.endswith(f": SAST ({one_line(long, 150)}).")
    assert missing.message.endswith(f": {one_line(long, 300)}")


def test_a_disabled_health_alert_raises_nothing() -> None:
    assert health(10, 0, enabled=False) is None


def test_the_result_before_names_the_event() -> None:
    first, again, later = health(9, 7), health(9, 6.5), health(9, 7, before="2026-03-05T12:00:00Z")

    assert first
    assert again
    assert later
    assert first.id == again.id != later.id


@given(st.floats(min_value=0, max_value=10), st.floats(min_value=0, max_value=10), st.floats(min_value=0, max_value=10))
def test_a_deeper_fall_raises_no_lesser_alert(previous: float, one: float, other: float) -> None:
    severity = {None: 0, AlertLevel.MILD: 1, AlertLevel.CRITICAL: 2}
    lesser, greater = (health(previous, score) for score in sorted((one, other), reverse=True))

    assert severity[lesser.level if lesser else None] <= severity[greater.level if greater else None]


def test_a_vulnerability_that_was_not_there_alerts_by_its_name() -> None:
    alert = vulnerabilities(
        check(finding("https://osv.dev/GHSA-aaaa-bbbb-cccc")),
        check(finding("https://osv.dev/GHSA-aaaa-bbbb-cccc"), finding("https://osv.dev/PYSEC-2026-12")),
    )

    assert alert
    assert (alert.metric, alert.value, alert.threshold) == (AlertMetric.NEW_VULNERABILITIES, 1, 1)
    assert (alert.threshold_kind, alert.level) == (ThresholdKind.OCCURRENCE, AlertLevel.MILD)
    assert (alert.check, alert.commit_sha) == ("Vulnerabilities", SHA)
    assert alert.message == "1 known vulnerability more than in the analysis before: PYSEC-2026-12."


def test_a_vulnerability_that_replaces_another_alerts_although_the_score_stays() -> None:
    alert = vulnerabilities(check(finding("CVE-2025-1")), check(finding("CVE-2026-2")))

    assert alert
    assert "CVE-2026-2" in alert.message
    assert "CVE-2025-1" not in alert.message


def test_another_name_of_a_known_vulnerability_is_not_new() -> None:
    known = check(finding("PYSEC-2026-12", "GHSA-aaaa-bbbb-cccc"))

    assert vulnerabilities(known, check(finding("GHSA-aaaa-bbbb-cccc", "CVE-2026-1"))) is None


def test_a_result_compared_with_itself_or_a_better_one_raises_nothing() -> None:
    one, two = check(finding("CVE-2026-1")), check(finding("CVE-2026-1"), finding("CVE-2026-2"))

    assert vulnerabilities(two, two) is None
    assert vulnerabilities(two, one) is None
    assert vulnerabilities(one, check("Info: Project does not contain OSV vulnerabilities", score=10)) is None


def test_the_first_vulnerability_of_a_clean_repository_alerts() -> None:
    clean = check("Info: Project does not contain OSV vulnerabilities", score=10)

    assert vulnerabilities(clean, check(finding("CVE-2026-1")))


@pytest.mark.parametrize(("count", "level"), [(4, AlertLevel.MILD), (5, AlertLevel.CRITICAL)])
def test_five_at_once_are_critical(count: int, level: AlertLevel) -> None:
    alert = vulnerabilities(check(score=10), check(*(finding(f"CVE-2026-{number}") for number in range(count))))

    assert alert
    assert (alert.level, alert.value) == (level, count)


def test_a_long_list_is_cut_in_the_sentence() -> None:
    alert = vulnerabilities(check(score=10), check(*(finding(f"CVE-2026-{number:03}") for number in range(700))))

    assert alert
    assert alert.value == 700
    assert alert.message.endswith("CVE-2026-000, CVE-2026-001, CVE-2026-002, CVE-2026-003, CVE-2026-004 and others.")
    five = vulnerabilities(check(score=10), check(*(finding(f"CVE-2026-{number:03}") for number in range(5))))
    assert five
    assert five.message.endswith("CVE-2026-000, CVE-2026-001, CVE-2026-002, CVE-2026-003, CVE-2026-004.")


@pytest.mark.parametrize(
    ("previous", "current"),
    [
        (VulnerabilitiesCheck(9), VulnerabilitiesCheck(7)),
        (VulnerabilitiesCheck(9, None), check(finding("A-1"), finding("A-2"), finding("A-3"))),
        (check(finding("CVE-2026-1")), check(finding("CVE-2026-1"), score=7)),
    ],
    ids=["no details", "none before", "details trimmed"],
)
def test_without_all_details_the_score_tells(previous: VulnerabilitiesCheck, current: VulnerabilitiesCheck) -> None:
    alert = vulnerabilities(previous, current)

    assert alert
    assert alert.value == 2
    assert alert.message == "2 known vulnerabilities more than in the analysis before."


@pytest.mark.parametrize("score", [None, -1])
def test_an_inconclusive_check_raises_nothing(score: int | None) -> None:
    inconclusive = VulnerabilitiesCheck(score, ())

    assert vulnerabilities(inconclusive, check(finding("CVE-2026-1"))) is None
    assert vulnerabilities(check(score=10), inconclusive) is None


@pytest.mark.parametrize("score", [0, 1])
def test_the_worst_scores_are_results_to_compare_with(score: int) -> None:
    names = [finding(f"CVE-2026-{number}") for number in range(11 - score)]
    alert = vulnerabilities(check(*names[:-1], score=score), check(*names[1:], score=score))

    assert alert
    assert alert.value == 1


def test_a_disabled_vulnerability_alert_raises_nothing() -> None:
    assert vulnerabilities(check(score=10), check(finding("CVE-2026-1")), enabled=False) is None


CHECKS = st.builds(
    VulnerabilitiesCheck,
    score=st.none() | st.integers(min_value=-1, max_value=10),
    details=st.none()
    | st.lists(st.text() | st.text(max_size=30).map(finding) | st.sampled_from(["CVE-1-1", "A-1"]).map(finding)).map(
        tuple
    ),
)


@given(CHECKS, CHECKS)
def test_hostile_details_raise_an_alert_or_none_but_no_error(
    previous: VulnerabilitiesCheck, current: VulnerabilitiesCheck
) -> None:
    alert = vulnerabilities(previous, current)

    assert alert is None or (alert.value >= 1 and alert.message.isprintable() and len(alert.message) < 600)
    assert vulnerabilities(current, current) is None


def test_a_kind_that_breaks_off_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "watchlist.alerts.kinds.health_score_decreases.HealthScoreDecreasesSettings.findings", break_off
    )
    occasion = NewHealth(
        previous_result_id=BEFORE,
        previous_score=9,
        score=1,
        previous_vulnerabilities=check(),
        vulnerabilities=check(finding("GHSA-aaaa-bbbb-cccc")),
    )
    assert [alert.kind for alert in raised(watcher(), occasion)] == [AlertKind.NEW_VULNERABILITIES_DETECTED]
