from datetime import UTC, datetime

from tests.unit.commit_factory import a_commit
from watchlist import limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.alert import Alert, AlertLevel, Watcher
from watchlist.alerts.baseline import Baseline
from watchlist.alerts.commit_rules import commit_alerts
from watchlist.alerts.settings import AlertSettings
from watchlist.history.people import People

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = People()
BASELINE = Baseline.of([a_commit() for _ in range(40)], PEOPLE)
HUGE = a_commit(lines=50_000)


def test_watchers_with_equal_settings_share_one_evaluation_and_have_alerts_of_their_own() -> None:
    evaluated: list[AlertSettings] = []

    def evaluate(watcher: Watcher) -> list[Alert]:
        evaluated.append(watcher.settings)
        return commit_alerts(watcher, BASELINE, [HUGE], PEOPLE)

    rule = alerting.once_per_settings(evaluate)
    off = AlertSettings.model_validate({"lines_added_deleted": {"enabled": False}})
    watchers = [Watcher(f"user_{number}", AlertSettings()) for number in range(1000)] + [Watcher("user_off", off)]

    raised = [alert for watcher in watchers for alert in rule(watcher, LONG_AGO)]

    assert evaluated == [AlertSettings(), off]
    assert len(raised) == len({alert.id for alert in raised}) == 1000


def test_the_same_event_has_the_same_id_in_another_evaluation() -> None:
    def rule() -> alerting.Rule:
        return alerting.once_per_settings(lambda watcher: commit_alerts(watcher, BASELINE, [HUGE], PEOPLE))

    watcher = Watcher("user_1", AlertSettings())
    assert [alert.id for alert in rule()(watcher, LONG_AGO)] == [alert.id for alert in rule()(watcher, LONG_AGO)]


def test_one_refresh_raises_a_bounded_number_of_alerts_the_critical_ones_first() -> None:
    lines_only = {"lines_added_deleted": {"hardcoded_threshold": 1000}, "high_churn": {"enabled": False}}
    settings = AlertSettings.model_validate(lines_only)
    mild = [a_commit(lines=1000) for _ in range(limits.ALERTS_OF_ONE_REFRESH)]
    critical = a_commit(lines=10_000_000)
    baseline = Baseline.of([], PEOPLE)
    rule = alerting.once_per_settings(lambda watcher: commit_alerts(watcher, baseline, [*mild, critical], PEOPLE))

    raised = rule(Watcher("user_1", settings), LONG_AGO)

    assert len(raised) == limits.ALERTS_OF_ONE_REFRESH
    assert [alert.commit_sha for alert in raised if alert.level is AlertLevel.CRITICAL] == [critical.sha]
