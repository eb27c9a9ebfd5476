"""What is kept of a person can be shown to them, and erased: of users, and of those who wrote commits."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pynamodb.exceptions import PutError

from infra.operations import person
from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import NOW, commit, end_job, raise_alerts, store_health, store_history
from watchlist import clock
from watchlist.deployment import routes
from watchlist.history.pseudonyms import Pseudonyms, address_of, hash_of, name_of
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs import waiting
from watchlist.jobs.line import StoredLine
from watchlist.live import connections as live_connections
from watchlist.live.connections import Viewer
from watchlist.states import EntryStatus, Share
from watchlist.storage.records import (
    ENTRY_KEY,
    ActivityItem,
    AlertRecord,
    Entry,
    OwnShare,
    SharedAddress,
    Turn,
    UserEntry,
    WatchlistItem,
    user_hash,
)
from watchlist.watching import forgetting

ADA = "ada@example.org"
DOCUMENT = Path(__file__).parents[3] / "docs" / "privacy.md"


def everything() -> str:
    """Return all that is stored, but for what is compressed, as text."""
    return repr([item.attribute_values for model in (WatchlistItem, ActivityItem) for item in model.scan()])


@pytest.fixture
def watched(client: Client) -> str:
    """A repository that Ada and Bob watch, which has all that a repository can have."""
    watchlist_id = client.add(FLASK, "ada")
    client.add(FLASK, "bob")
    end_job(watchlist_id, EntryStatus.READY)
    message = f"Fix\n\nSigned-off-by: Ada <{ADA}>"
    commits = [commit(number, author="Ada" if number % 2 else "Grace", message=message) for number in range(150)]
    store_history(watchlist_id, commits)
    store_health(watchlist_id)
    for user in ("ada", "bob"):
        raise_alerts(client.user_watchlist_id(watchlist_id, user), watchlist_id, 3)
    last = {"by_person": {"sha": "1" * 40, "at": NOW.isoformat(), "author": "Ada"}, "by_bot": None}
    Entry(watchlist_id, ENTRY_KEY).update([Entry.last_commits.set(last)])
    return watchlist_id


def test_a_user_is_shown_all_that_is_kept_of_them_and_no_secret(client: Client, watched: str) -> None:
    mine = client.user_watchlist_id(watched, "ada")
    client.put(f"/activity/user-watchlist-notifications/{mine}", {"webhook_url": "https://hooks.example.org/a"})

    kept = forgetting.kept_of_user("ada")

    (watch,) = kept["watches"]
    assert watch["user"] == "ada"
    assert watch["notifications"]["webhook_url"] == "https://hooks.example.org/a"
    assert "secret" not in repr(kept)
    assert kept["counted"]


def test_the_document_names_all_parts_of_what_a_user_is_shown(client: Client) -> None:
    client.add(FLASK, "ada")
    rows = [line.split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]

    named = {part for row in rows if len(row) == 6 for part in re.findall(r"`(\w+)`", row[4])}

    assert named == set(forgetting.kept_of_user("ada"))


def test_an_address_whose_making_broke_off_is_erased_with_its_user(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.add(FLASK, "ada")
    for model in (SharedAddress, OwnShare):
        with monkeypatch.context() as broken:
            broken.setattr(model, "save", lambda _: (_ for _ in ()).throw(PutError()))
            assert client.post("/activity/shares?user=ada", {"kind": "feed"}).status == 503

    forgetting.erase_user("ada", clock.now())

    assert "'user': 'ada'" not in everything()


def test_of_a_user_who_is_erased_nothing_is_left(client: Client, watched: str) -> None:
    client.of("ada").add(CLICK)
    viewer = Viewer("ada", while_watching=True)
    live_connections.register("ada's=", watched, viewer, 5, clock.now())
    live_connections.register("all of ada's=", None, viewer, 5, clock.now())
    looking = Viewer("ada", while_watching=False, stays=True)
    live_connections.register("an operator's=", watched, looking, 5, clock.now())
    live_connections.register("all, an operator's=", None, looking, 5, clock.now())
    client.post("/activity/channels?user=ada", {"name": "a", "webhook_url": "https://hooks.example.org/a"})
    client.post("/activity/shares?user=ada", {"kind": "feed"})
    kept = forgetting.kept_of_user("ada")
    assert (len(kept["channels"]), len(kept["shared"])) == (1, 1)
    assert "secret" not in repr(kept)

    assert forgetting.erase_user("ada", clock.now()) > 0

    assert set(map(len, forgetting.kept_of_user("ada").values())) == {0}
    stored = everything()
    assert user_hash("ada") not in stored
    assert "'user': 'ada'" not in stored
    for connection_id in ("ada's=", "all of ada's=", "an operator's=", "all, an operator's="):
        assert live_connections.find(connection_id) is None
    assert [each.user for each in UserEntry.by_user.query("bob")] == ["bob"]
    assert Entry.get(watched, ENTRY_KEY).watchers == 1
    assert forgetting.erase_user("ada", clock.now()) == 0


def test_nothing_says_that_somebody_who_has_left_asked_for_a_setup(client: Client) -> None:
    watchlist_id = client.of("ada").add(FLASK, "ada")
    client.of("bob").add(FLASK, "bob")
    entry = job_protocol.find_entry(watchlist_id)
    assert entry is not None
    job_protocol.wait_in_line(job_protocol.message_of(entry), entry)
    Turn.remember(Share.SETUP, user_hash("ada"))
    assert user_hash("ada") in Entry.get(watchlist_id, ENTRY_KEY).turn

    client.stop_watching(client.user_watchlist_id(watchlist_id, "ada"))

    waits = Entry.get(watchlist_id, ENTRY_KEY)
    assert waits.waits
    assert waiting.next_in_turn(StoredLine(Share.SETUP), "") is not None
    assert user_hash("ada") not in repr(waits.attribute_values)

    forgetting.erase_user("ada", clock.now())

    assert user_hash("ada") not in everything()


def test_what_was_answered_to_a_users_adds_is_shown_and_erased(client: Client) -> None:
    by_ada, by_bob = ({"repo_url": FLASK, "added_by": user} for user in ("ada", "bob"))
    key = {"Idempotency-Key": "a key"}
    client.of("ada").post(routes.ADD.path, by_ada, key)
    client.of("bob").post(routes.ADD.path, by_bob, key)
    client.of("ada").add_batch({"repo_url": CLICK, "added_by": "ada"}, headers=key)
    client.add_batch({"repo_url": CLICK, "added_by": "bob"}, by_ada, headers=key)
    client.add_batch(by_bob, headers={"Idempotency-Key": "bob's"})

    kept = forgetting.kept_of_user("ada")["answers"]
    forgetting.erase_user("ada", clock.now())

    assert len(kept) == 3
    assert all(user_hash("ada") in each["data"] for each in kept)
    assert forgetting.kept_of_user("ada")["answers"] == []
    assert len(forgetting.kept_of_user("bob")["answers"]) == 2, "what was answered to others stays"


def test_an_author_who_is_erased_has_a_pseudonym_wherever_the_name_was(client: Client, watched: str) -> None:
    assert forgetting.erase_author(ADA.upper()) > 0

    page = client.get(f"/activity/watchlist/{watched}/commits?limit=200").body
    authors = {(each["author"]["name"], each["author"]["email"]) for each in page["items"]}
    assert authors == {(name_of(ADA), address_of(ADA)), ("Grace", "grace@example.org")}
    assert ADA not in repr(page)
    assert "Ada" not in repr(page)
    stored = everything()
    assert ADA not in stored
    assert "Ada " not in stored
    assert "'Ada'" not in stored
    assert forgetting.erase_author(ADA) == 0


def test_a_name_that_only_an_alert_still_has_is_erased_where_it_is_given(client: Client, watched: str) -> None:
    for record in AlertRecord.scan():
        record.update([AlertRecord.alert.set(record.alert | {"message": "Lady Lovelace changed 9 files."})])

    forgetting.erase_author(ADA)
    assert "Lady Lovelace" in everything(), "no commit says that this is Ada"
    forgetting.erase_author(ADA, ["Lady Lovelace"])

    assert "Lovelace" not in everything()
    (alert, *_) = client.alerts(client.user_watchlist_id(watched, "ada")).body["items"]
    assert alert["message"] == f"{name_of(ADA)} changed 9 files."


def test_what_a_later_refresh_brings_has_the_pseudonym_from_the_start(watched: str) -> None:
    forgetting.erase_author(ADA)

    pseudonyms = Pseudonyms.load()

    assert pseudonyms.erased == {hash_of(ADA)}
    brought = pseudonyms.of_commit(commit(500, author="Ada", at=NOW + timedelta(days=1)))
    assert brought.author.name == name_of(ADA)
    del watched


@pytest.mark.parametrize(
    "arguments", [[], ["prod"], ["prod", "erase"], ["prod", "erase", "ada"], ["prod", "erase-user", "a", "b"]]
)
def test_the_command_wants_an_environment_what_to_do_and_a_person(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.main(arguments) == 2
    assert "erase-author" in capsys.readouterr().err
