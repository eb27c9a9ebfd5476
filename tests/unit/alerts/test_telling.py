from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.commit_factory import a_commit
from watchlist import limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.alert import Watcher
from watchlist.alerts.baseline import Baseline
from watchlist.alerts.kind import AlertLevel, Finding
from watchlist.alerts.occasions import NewCommits, Occasion
from watchlist.alerts.settings import AlertKind, AlertSettings
from watchlist.history.people import People

PEOPLE = People()
BASELINE = Baseline.of([a_commit() for _ in range(40)], PEOPLE)
HUGE = NewCommits(baseline=BASELINE, new=[a_commit(lines=50_000)], people=PEOPLE)


def test_watchers_with_equal_settings_share_one_evaluation_and_have_alerts_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluated: list[AlertSettings] = []
    findings = AlertSettings.findings

    def counted(settings: AlertSettings, occasion: Occasion) -> Iterator[tuple[AlertKind, Finding]]:
        evaluated.append(settings)
        return findings(settings, occasion)

    monkeypatch.setattr(AlertSettings, "findings", counted)
    found = alerting.once_per_settings(HUGE)
    off = AlertSettings.model_validate({"lines_added_deleted": {"enabled": False}})
    watchers = [Watcher(f"user_{number}", AlertSettings()) for number in range(1000)] + [Watcher("user_off", off)]

    raised = [alert for watcher in watchers for alert in watcher.alerts(found(watcher.settings))]

    assert evaluated == [AlertSettings(), off]
    assert len(raised) == len({alert.id for alert in raised}) == 1000


def test_the_same_event_has_the_same_id_in_another_evaluation() -> None:
    watcher = Watcher("user_1", AlertSettings())
    once, again = (watcher.alerts(alerting.once_per_settings(HUGE)(watcher.settings)) for _ in range(2))
    assert [alert.id for alert in once] == [alert.id for alert in again] != []


def test_one_refresh_raises_a_bounded_number_of_alerts_the_critical_ones_first() -> None:
    lines_only = {"lines_added_deleted": {"hardcoded_threshold": 1000}, "high_churn": {"enabled": False}}
    settings = AlertSettings.model_validate(lines_only)
    mild = [a_commit(lines=1000) for _ in range(limits.ALERTS_OF_ONE_REFRESH)]
    critical = a_commit(lines=10_000_000)
    occasion = NewCommits(baseline=Baseline.of([], PEOPLE), new=[*mild, critical], people=PEOPLE)

    raised = Watcher("user_1", settings).alerts(alerting.once_per_settings(occasion)(settings))

    assert len(raised) == limits.ALERTS_OF_ONE_REFRESH
    assert [alert.commit_sha for alert in raised if alert.level is AlertLevel.CRITICAL] == [critical.sha]
    told = [alert.message for alert in raised if "more of no higher level" in alert.message]
    assert told == [raised[-1].message]
    assert told[0].endswith("(This look found 1 more of no higher level, for which no alerts are raised.)")


def test_a_long_message_leaves_room_for_how_many_were_left_out() -> None:
    long = Finding(
        subject=("x",), level=AlertLevel.MILD, metric="lines_changed", value=1, threshold=1, message="é" * 2000
    )
    settings = AlertSettings()

    def findings(_settings: AlertSettings, _occasion: Occasion) -> Iterator[tuple[AlertKind, Finding]]:
        for number in range(limits.ALERTS_OF_ONE_REFRESH + 7):
            yield AlertKind.HIGH_CHURN, replace(long, subject=(str(number),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AlertSettings, "findings", findings)
        raised = Watcher("user_1", settings).alerts(alerting.once_per_settings(HUGE)(settings))

    assert len(raised[-1].message.encode()) <= limits.ALERT_MESSAGE_BYTES
    assert "This look found 7 more" in raised[-1].message
