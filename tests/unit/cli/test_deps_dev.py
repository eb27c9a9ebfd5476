"""What deps.dev is asked for, and that its faults cost only the packages concerned."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packageurl import PackageURL
from watchlist_cli.commands.importing import plan_for
from watchlist_cli.errors import CommandError
from watchlist_cli.resolving.cache import Cache
from watchlist_cli.resolving.deps_dev import DepsDev, Limits, from_environment
from watchlist_cli.resolving.evidence import Confidence, Evidence

from tests.deps_dev_server import DepsDevServer, Reply, source

_QUICK = Limits(first_pause=0.01, timeout=5, total=20)
_DAY = 24 * 60 * 60


@pytest.fixture
def server() -> Iterator[DepsDevServer]:
    with DepsDevServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _ask(server: DepsDevServer, folder: Path, *purls: str, limits: Limits = _QUICK) -> list[Evidence | str]:
    asked = [PackageURL.from_string(purl) for purl in purls]
    answers = DepsDev(server.url, Cache(folder), limits)(asked)
    return [answers[purl] for purl in asked]


def _address(answer: Evidence | str) -> str:
    assert isinstance(answer, Evidence), answer
    return answer.address


@pytest.mark.parametrize(
    ("purl", "published"),
    [
        ("pkg:pypi/flask@3.0.0", ("PYPI", "flask", "3.0.0")),
        ("pkg:npm/%40scope/name@1.0.0", ("NPM", "@scope/name", "1.0.0")),
        (
            "pkg:golang/example.org/some/module@v1.2.3%2Bincompatible",
            ("GO", "example.org/some/module", "v1.2.3+incompatible"),
        ),
        ("pkg:cargo/serde@1.0.0", ("CARGO", "serde", "1.0.0")),
        ("pkg:maven/org.example/artifact@1.0", ("MAVEN", "org.example:artifact", "1.0")),
        ("pkg:gem/rails@7.0.0", ("RUBYGEMS", "rails", "7.0.0")),
        ("pkg:nuget/Newtonsoft.Json@13.0.1", ("NUGET", "Newtonsoft.Json", "13.0.1")),
    ],
)
def test_a_package_is_asked_for_by_the_name_that_its_system_gives_it(
    server: DepsDevServer, folder: Path, purl: str, published: tuple[str, str, str]
) -> None:
    path = server.publish(*published, "github.com/owner/name")
    assert _address(*_ask(server, folder, purl)) == "https://github.com/owner/name"
    assert server.asked == [path]


def test_a_package_of_another_system_is_not_asked_for(server: DepsDevServer, folder: Path) -> None:
    assert _ask(server, folder, "pkg:composer/vendor/name@1.0") == ["deps.dev does not know packages of composer"]
    assert server.asked == []


@pytest.mark.parametrize("purl", ["pkg:pypi/flask", "pkg:pypi/flask@99"])
def test_the_default_version_answers_where_none_is_given_or_it_is_not_known(
    server: DepsDevServer, folder: Path, purl: str
) -> None:
    server.publish("PYPI", "flask", "4.0.0rc1", "github.com/owner/next")
    server.publish("PYPI", "flask", "3.0.0", "github.com/owner/name", default=True)
    assert _address(*_ask(server, folder, purl)) == "https://github.com/owner/name"


def test_a_verified_source_goes_before_a_claimed_one_and_other_relations_do_not_count(
    server: DepsDevServer, folder: Path
) -> None:
    claimed = source("github.com/owner/claimed")
    tracker = source("github.com/owner/issues", "SLSA_ATTESTATION", "ISSUE_TRACKER")
    server.publish("NPM", "both", "1", tracker, claimed, source("github.com/owner/built", "SLSA_ATTESTATION"))
    server.publish("NPM", "claimed", "1", tracker, claimed)
    server.publish("NPM", "tracker", "1", tracker)
    both, one, none = _ask(server, folder, "pkg:npm/both@1", "pkg:npm/claimed@1", "pkg:npm/tracker@1")
    assert isinstance(both, Evidence)
    assert (both.address, both.confidence) == ("https://github.com/owner/built", Confidence.CERTAIN)
    assert isinstance(one, Evidence)
    assert (one.address, one.confidence) == ("https://github.com/owner/claimed", Confidence.CLAIMED)
    assert none == "deps.dev names no repository either"


def test_what_is_not_known_has_no_repository(server: DepsDevServer, folder: Path) -> None:
    assert _ask(server, folder, "pkg:npm/private@1") == ["deps.dev names no repository either"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, {"Retry-After": "0"}),
        Reply(500),
        Reply(503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Reply(200, body=b'{"relatedPro', promised=50),
    ],
    ids=["429", "500", "503", "cut"],
)
def test_a_request_that_fails_in_passing_is_tried_again(server: DepsDevServer, folder: Path, reply: Reply) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    server.replies[path] = [reply, reply]
    assert _address(*_ask(server, folder, "pkg:npm/name@1")) == "https://github.com/owner/name"
    assert server.asked == [path] * 3


def test_retry_after_is_heard_though_the_usual_pause_is_shorter(server: DepsDevServer, folder: Path) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    server.replies[path] = [Reply(429, {"Retry-After": "10"})]
    limits = Limits(at_once=1, first_pause=0.01, total=1)
    assert _ask(server, folder, "pkg:npm/name@1", limits=limits) == [
        "deps.dev did not answer in the time that all packages have together"
    ]
    assert server.asked == [path]


def test_what_retry_after_asks_for_one_package_holds_for_all(server: DepsDevServer, folder: Path) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    server.publish("NPM", "other", "1", "github.com/owner/other")
    server.replies[path] = [Reply(429, {"Retry-After": "10"})]
    limits = Limits(at_once=1, tries=1, total=1)
    assert _ask(server, folder, "pkg:npm/name@1", "pkg:npm/other@1", limits=limits) == [
        "deps.dev answers with HTTP 429",
        "deps.dev did not answer in the time that all packages have together",
    ]
    assert server.asked == [path]


def test_a_server_that_asks_for_long_is_left_alone(server: DepsDevServer, folder: Path) -> None:
    server.every_reply = Reply(429, {"Retry-After": "3600"})
    limits = Limits(at_once=1)
    answers = _ask(server, folder, *(f"pkg:npm/name{number}@1" for number in range(5)), limits=limits)
    assert set(answers) == {"deps.dev answers with HTTP 429 and asks to be left alone for 3600 seconds"}
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(500), "deps.dev answers with HTTP 500"),
        (Reply(400), "deps.dev answers with HTTP 400"),
        (Reply(302, {"Location": "http://127.0.0.1:9/"}), "deps.dev answers with HTTP 302"),
        (Reply(body=b"<html>"), "deps.dev's answer cannot be read"),
        (Reply(body=b"\xff\xfe"), "deps.dev's answer cannot be read"),
        (Reply(body=b"[" * 100_000), "deps.dev's answer cannot be read"),
        (Reply(body=b"[]"), "deps.dev's answer cannot be read"),
        (Reply(body=b'{"relatedProjects": [1, {"relationType": "SOURCE_REPO", "projectKey": {"id": 7}}]}'),
         "deps.dev names no repository either"),
    ],
)  # fmt: skip
def test_a_fault_costs_only_its_package(server: DepsDevServer, folder: Path, reply: Reply, reason: str) -> None:
    path = server.publish("NPM", "bad", "1", "github.com/owner/bad")
    server.publish("NPM", "good", "1", "github.com/owner/good")
    server.replies[path] = [reply] * 3
    bad, good = _ask(server, folder, "pkg:npm/bad@1", "pkg:npm/good@1")
    assert bad == reason
    assert _address(good) == "https://github.com/owner/good"


def test_a_fault_is_not_kept(server: DepsDevServer, folder: Path) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    server.replies[path] = [Reply(500)] * 3
    assert _ask(server, folder, "pkg:npm/name@1") == ["deps.dev answers with HTTP 500"]
    assert _address(*_ask(server, folder, "pkg:npm/name@1")) == "https://github.com/owner/name"


def test_a_slow_answer_costs_only_its_package(server: DepsDevServer, folder: Path) -> None:
    path = server.publish("NPM", "slow", "1", "github.com/owner/slow")
    server.publish("NPM", "good", "1", "github.com/owner/good")
    server.replies[path] = [Reply(hold=True)] * 3
    limits = Limits(timeout=0.3, first_pause=0.01, tries=2)
    slow, good = _ask(server, folder, "pkg:npm/slow@1", "pkg:npm/good@1", limits=limits)
    assert isinstance(slow, str)
    assert "timed out" in slow
    assert _address(good) == "https://github.com/owner/good"


def test_all_packages_together_take_no_longer_than_the_limit(server: DepsDevServer, folder: Path) -> None:
    server.every_reply = Reply(hold=True)
    limits = Limits(timeout=30, total=0.3)
    answers = _ask(server, folder, *(f"pkg:npm/name{number}@1" for number in range(20)), limits=limits)
    assert set(answers) == {"deps.dev did not answer in the time that all packages have together"}
    assert not server.released.is_set()


def test_only_a_few_requests_run_at_once(server: DepsDevServer, folder: Path) -> None:
    names = [f"name{number}" for number in range(40)]
    for name in names:
        server.publish("NPM", name, "1", f"github.com/owner/{name}")
    answers = _ask(server, folder, *(f"pkg:npm/{name}@1" for name in names), limits=Limits(at_once=3))
    assert [_address(answer) for answer in answers] == [f"https://github.com/owner/{name}" for name in names]
    assert server.most_at_once <= 3


def test_a_service_that_nobody_reaches_is_given_up(folder: Path) -> None:
    with DepsDevServer() as gone:
        pass
    answers = _ask(gone, folder, *(f"pkg:npm/name{number}@1" for number in range(500)))
    for answer in answers:
        assert isinstance(answer, str)
        assert answer.startswith("deps.dev does not answer: Failed to establish a new connection")


def test_a_service_that_only_fails_is_soon_given_up(server: DepsDevServer, folder: Path) -> None:
    server.every_reply = Reply(503)
    limits = Limits(at_once=2, tries=1, failures=4, first_pause=0.01)
    answers = _ask(server, folder, *(f"pkg:npm/name{number}@1" for number in range(100)), limits=limits)
    assert set(answers) == {"deps.dev answers with HTTP 503"}
    assert len(server.asked) <= limits.failures + limits.at_once


def test_refusals_of_single_packages_do_not_give_up_the_service(server: DepsDevServer, folder: Path) -> None:
    names = [f"name{number}" for number in range(20)]
    for name in names:
        server.replies[server.publish("NPM", name, "1")] = [Reply(400)]
    server.publish("NPM", "good", "1", "github.com/owner/good")
    limits = Limits(at_once=1, failures=4)
    *_, good = _ask(server, folder, *(f"pkg:npm/{name}@1" for name in [*names, "good"]), limits=limits)
    assert _address(good) == "https://github.com/owner/good"


def test_more_than_the_longest_answer_is_not_read(server: DepsDevServer, folder: Path) -> None:
    server.publish("NPM", "name", "1", "github.com/owner/name")
    limits = Limits(longest_answer=20)
    assert _ask(server, folder, "pkg:npm/name@1", limits=limits) == ["deps.dev answers with more than is read"]


def test_an_answer_is_kept_for_a_week_and_a_miss_for_a_day(server: DepsDevServer, folder: Path) -> None:
    server.publish("NPM", "name", "1", "github.com/owner/name")
    purls = [PackageURL.from_string(purl) for purl in ("pkg:npm/name@1", "pkg:npm/none@1")]

    def asked_after(seconds: float) -> set[str]:
        server.asked.clear()
        now = time.time() + seconds
        DepsDev(server.url, Cache(folder, lambda: now), _QUICK)(purls)
        return {path.split("/")[5] for path in server.asked}

    assert asked_after(0) == {"name", "none"}
    assert asked_after(0.9 * _DAY) == set()
    assert asked_after(1.1 * _DAY) == {"none"}
    assert asked_after(6.9 * _DAY) == {"none"}
    assert asked_after(7.1 * _DAY) == {"name"}


@pytest.mark.parametrize("damage", [b"", b"\xff", b"[]", b"{}", b'{"key": 1, "answer": {}}', b"[" * 100_000])
def test_a_damaged_cache_is_asked_around_and_mended(server: DepsDevServer, folder: Path, damage: bytes) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    _ask(server, folder, "pkg:npm/name@1")
    for kept in folder.iterdir():
        kept.write_bytes(damage)
    for _ in range(2):
        assert _address(*_ask(server, folder, "pkg:npm/name@1")) == "https://github.com/owner/name"
    assert server.asked == [path] * 2


def test_an_answer_of_another_shape_in_the_cache_is_asked_again(server: DepsDevServer, folder: Path) -> None:
    path = server.publish("NPM", "name", "1", "github.com/owner/name")
    Cache(folder).put(server.url + path, {"project": 7, "verified": "yes"})
    assert _address(*_ask(server, folder, "pkg:npm/name@1")) == "https://github.com/owner/name"


def test_without_a_cache_it_works_all_the_same(server: DepsDevServer, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    server.publish("NPM", "name", "1", "github.com/owner/name")
    assert _address(*_ask(server, folder, "pkg:npm/name@1")) == "https://github.com/owner/name"


def test_what_is_too_old_is_removed(server: DepsDevServer, folder: Path) -> None:
    server.publish("NPM", "name", "1", "github.com/owner/name")
    _ask(server, folder, "pkg:npm/name@1")
    [kept] = folder.iterdir()
    os.utime(kept, (0, 0))
    _ask(server, folder, "pkg:npm/other@1")
    assert kept not in set(folder.iterdir())


def test_an_import_asks_only_for_what_nothing_here_resolves(
    server: DepsDevServer, folder: Path, tmp_path: Path
) -> None:
    path = server.publish("PYPI", "unheard-of-package", "1.0", "github.com/owner/name")
    server.publish("PYPI", "unheard-of-elsewhere", "1.0", "example.org/owner/name")
    listed = tmp_path / "packages.txt"
    listed.write_text(
        "pkg:golang/github.com/owner/module@v1.0.0\npkg:pypi/unheard-of-package@1.0\n"
        "pkg:pypi/unheard-of-elsewhere@1.0\npkg:pypi/unheard-of@1.0\n"
    )
    plan = plan_for([listed], DepsDev(server.url, Cache(folder), _QUICK))
    assert set(plan.repositories) == {"https://github.com/owner/module", "https://github.com/owner/name"}
    assert path in server.asked
    assert not any("/GO/" in each for each in server.asked)
    assert {missing.dependency.purl.name: missing.reason for missing in plan.not_found} == {
        "unheard-of-elsewhere": "its source is not on a host that is watched: https://example.org/owner/name",
        "unheard-of": "nothing on this machine names its repository; deps.dev names no repository either",
    }


@pytest.mark.parametrize("url", ["ftp://deps.dev", "deps.dev", "http://", "http://[deps"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="WATCHLIST_DEPS_DEV_URL"):
        from_environment({"WATCHLIST_DEPS_DEV_URL": url})
