"""Hosts of the operator's own: what may be said of them, what is refused, and what follows for repositories."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist import own_hosts
from watchlist.git_hosts import FORGEJO, GITEA, GITHUB, GITLAB, GitHost
from watchlist.history.people import is_bot
from watchlist.own_hosts import InvalidHostError, OwnHost, read_hosts, read_tokens
from watchlist.repository_spelling import read_repository
from watchlist.repository_url import InvalidRepositoryUrlError, Repository, parse_repository_url
from watchlist.settings import OriginSettings, SettingsError, TokenSettings, load
from watchlist.watching import links

LAB = "https://lab.example.org:8443"
TEA = "https://tea.example.org"
HUB = "https://hub.example.org"
PLAIN_HOST = "https://git.example.org"
HOSTS = json.dumps(
    [
        {"origin": LAB, "kind": "gitlab"},
        {"origin": TEA, "kind": "forgejo"},
        {"origin": HUB, "kind": "github"},
        {"origin": PLAIN_HOST, "kind": "git"},
    ]
)
SHA = "8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"

BindHosts = Callable[[str], OriginSettings]


@pytest.fixture
def origins(bind_hosts: BindHosts) -> tuple[str, ...]:
    return bind_hosts(HOSTS).allowed_origins


def said(**fields: Any) -> str:
    return json.dumps([{"origin": TEA, "kind": "gitea", **fields}])


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({"kind": "gitlab"}, GitHost("tea.example.org", GITLAB, f"{TEA}/api/v4")),
        ({"kind": "gitea"}, GitHost("tea.example.org", GITEA, f"{TEA}/api/v1")),
        ({"kind": "forgejo"}, GitHost("tea.example.org", FORGEJO, f"{TEA}/api/v1")),
        ({"kind": "github"}, GitHost("tea.example.org", GITHUB, f"{TEA}/api/v3")),
        ({"api": "https://api.example.org/v3/"}, GitHost("tea.example.org", GITEA, "https://api.example.org/v3")),
        ({"checks_a_second": 0.5}, GitHost("tea.example.org", GITEA, f"{TEA}/api/v1", checks_a_second=0.5)),
        (
            {"origin": "http://10.0.0.7:3000", "allow_http": True},
            GitHost("10.0.0.7:3000", GITEA, "http://10.0.0.7:3000/api/v1", "http"),
        ),
    ],
)
def test_a_host_is_its_origin_and_kind_and_what_is_unusual(fields: dict[str, Any], host: GitHost) -> None:
    assert read_hosts(said(**fields)) == (host,)


FORM = "origin must be like https://git.example.org, in lower case and without a path"
REFUSED = [
    ("", "must be JSON"),
    ("{}", "must be a JSON array"),
    ("[1]", "must be a JSON array"),
    ('[{"origin": "https://a.example"}]', "host 1 has no kind"),
    ("[{}]", "host 1 has no origin and no kind"),
    (said(token="s3cret"), "tokens belong into GIT_TOKENS"),
    (said(kind="gogs"), f"host 1: {TEA}: kind must be one of github, gitlab, gitea, forgejo, git"),
    (said(kind=[]), "kind must be one of"),
    (said(origin=f"{TEA}/gitlab"), FORM),
    (said(origin=f"{TEA}/"), FORM),
    (said(origin="https://ada:s3cret@tea.example.org"), FORM),
    (said(origin="https://TEA.example.org"), FORM),
    (said(origin="ssh://tea.example.org"), FORM),
    (said(origin="tea.example.org"), FORM),
    (said(origin="https://*.example.org"), FORM),
    (said(origin="https://tea.example.org:70000"), FORM),
    (said(origin="https://[::1]"), FORM),
    (said(origin=7), FORM),
    (said(origin="https://tea.example.org:443"), "leave the port out"),
    (said(origin="https://github.com"), "https://github.com is known already"),
    (said(origin="http://gitlab.com", allow_http=True), "is known already"),
    (said(origin="http://tea.example.org"), "is not https, and allow_http does not allow it"),
    (said(api="http://tea.example.org/api/v1"), "is not https, and allow_http does not allow it"),
    (said(allow_http="yes"), "allow_http must be true or false"),
    (said(api="https://ada:s3cret@tea.example.org/api"), "api must be like"),
    (said(api="https:///api"), "api must be like"),
    (said(api="https://tea.example.org/api?x=s3cret"), "api must be like"),
    (said(api=7), "api must be like"),
    (said(kind="git", api="https://tea.example.org/api"), "a host of kind git has no api"),
    (said(checks_a_second=0), "checks_a_second must be"),
    (said(checks_a_second=0.0001), "checks_a_second must be a number from 0.1 to 1000"),
    (said(checks_a_second=1e-320), "checks_a_second must be a number from 0.1 to 1000"),
    (said(checks_a_second=1001), "checks_a_second must be a number from 0.1 to 1000"),
    (said(checks_a_second=True), "checks_a_second must be"),
    (said(checks_a_second=float("nan")), "checks_a_second must be"),
    (json.dumps([{"origin": TEA, "kind": "gitea"}] * 2), "tea.example.org is named more than once"),
    (
        json.dumps([{"origin": f"https://{number}.example.org", "kind": "gitea"} for number in range(21)]),
        "there are 21 hosts; at most 20 are allowed",
    ),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_cannot_be_a_host_is_refused_in_one_line_that_says_why(text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(OriginSettings, {"GIT_HOSTS": text or " "})

    told = str(refusal.value)
    assert reason in told
    assert told.startswith("environment variables: GIT_HOSTS: ")
    assert "\n" not in told
    assert "s3cret" not in told


def test_what_is_written_is_what_is_read() -> None:
    hosts = (
        OwnHost(origin=LAB, kind="gitlab"),
        OwnHost(origin="http://10.0.0.7", kind="gitea", api="http://10.0.0.7/api", allow_http=True, checks_a_second=2),
    )

    assert read_hosts(own_hosts.written(hosts)) == tuple(host.host for host in hosts)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3cret", "must be JSON"),
        ('["s3cret"]', "must be a JSON object"),
        ('{"https://tea.example.org": ["s3cret"]}', "must be a JSON object"),
        ('{"https://s3cret.example": "s3cret"}', "the origin of entry 1 is none of GIT_HOSTS"),
        ('{"https://github.com": "s3cret"}', "the origin of entry 1 is none of GIT_HOSTS"),
        ('{"https://tea.example.org": "s3cret\\nX-Header: 1"}', "has characters that no token has"),
        ('{"http://10.0.0.7:3000": "s3cret"}', "no token is sent to http://10.0.0.7:3000, which is not https"),
        ('{"https://api.example.org": "s3cret"}', "no token is sent to http://api.example.org/v1, which is not https"),
    ],
)
def test_tokens_that_have_no_place_are_refused_and_not_shown(text: str, reason: str) -> None:
    hosts = [
        {"origin": TEA, "kind": "gitea"},
        {"origin": "http://10.0.0.7:3000", "kind": "gitea", "allow_http": True},
        {"origin": "https://api.example.org", "kind": "gitea", "api": "http://api.example.org/v1", "allow_http": True},
    ]

    with pytest.raises(SettingsError) as refusal:
        load(TokenSettings, {"GIT_HOSTS": json.dumps(hosts), "GIT_TOKENS": text}).git_tokens()

    assert reason in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_host_has_its_own_tokens_and_one_without_any_has_none() -> None:
    tokens = json.dumps({LAB: "s3cret, other", TEA: ""})
    settings = load(TokenSettings, {"GIT_HOSTS": HOSTS, "GIT_TOKENS": tokens})

    assert settings.git_tokens() == {LAB: ("s3cret", "other")}
    assert "s3cret" not in repr(settings)
    assert load(TokenSettings, {"GIT_HOSTS": HOSTS}).git_tokens() == {}


def test_a_token_goes_to_this_machine_without_tls() -> None:
    hosts = read_hosts(said(origin="http://127.0.0.1:3000", allow_http=True))

    assert read_tokens('{"http://127.0.0.1:3000": "token"}', hosts) == {"http://127.0.0.1:3000": ("token",)}


@given(st.text())
def test_any_text_is_hosts_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidHostError):
        assert read_hosts(text) == ()


def test_hosts_of_one_s_own_are_allowed_beside_the_others_and_owner_and_name_stay_the_first_one_s() -> None:
    settings = load(OriginSettings, {"GIT_HOSTS": HOSTS, "ALLOWED_ORIGINS": f"https://github.com,{TEA}"})

    assert settings.allowed_origins == ("https://github.com", TEA, LAB, HUB, PLAIN_HOST)
    assert read_repository("ada/x", settings.allowed_origins).host == "github.com"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"{LAB}/a/b/c/d/-/tree/main/src", f"{LAB}/a/b/c/d"),
        (f"{LAB}/a/b/tree/master", f"{LAB}/a/b"),
        ("git@lab.example.org:a/b/c.git", f"{LAB}/a/b/c"),
        ("ssh://git@lab.example.org:2222/a/b/c.git", f"{LAB}/a/b/c"),
        ("lab.example.org:8443/a/b", f"{LAB}/a/b"),
        (f"{TEA}/ada/x/src/branch/main/y.py", f"{TEA}/ada/x"),
        ("tea.example.org/ada/x/issues/7", f"{TEA}/ada/x"),
        ("git@tea.example.org:ada/x.git", f"{TEA}/ada/x"),
        (f"{HUB}/ada/x/pull/7/files", f"{HUB}/ada/x"),
        (f"{PLAIN_HOST}/ada/x", f"{PLAIN_HOST}/ada/x"),
    ],
)
def test_each_kind_s_pages_lead_to_their_repository(origins: tuple[str, ...], text: str, url: str) -> None:
    assert read_repository(text, origins).url == url


@pytest.mark.parametrize(
    "text",
    [
        f"{LAB}/groups/a/-/issues",
        f"{TEA}/explore/repos",
        f"{HUB}/topics/python",
        f"{LAB}.evil.example/a/b",
        "https://lab.example.org/a/b",
        "http://lab.example.org:8443@evil.example/a/b",
        "https://evil.example/a/b",
        f"{TEA}:8443/a/b",
        f"https://token@{TEA.removeprefix('https://')}/a/b",
    ],
)
def test_what_is_none_of_their_repositories_is_refused(origins: tuple[str, ...], text: str) -> None:
    with pytest.raises(InvalidRepositoryUrlError):
        read_repository(text, origins)


def test_only_gitlab_nests(origins: tuple[str, ...]) -> None:
    assert parse_repository_url(f"{LAB}/a/b/c", origins).owner == "a/b"
    for origin in (TEA, HUB, PLAIN_HOST):
        with pytest.raises(InvalidRepositoryUrlError):
            parse_repository_url(f"{origin}/a/b/c", origins)


@pytest.mark.usefixtures("origins")
@pytest.mark.parametrize(("origin", "is_one"), [(LAB, True), (TEA, True), (HUB, True), (PLAIN_HOST, False)])
def test_case_is_told_apart_only_where_nothing_is_known(origin: str, *, is_one: bool) -> None:
    assert (Repository(origin, "Ada", "X").key == Repository(origin, "ada", "x").key) is is_one


@pytest.mark.usefixtures("origins")
@pytest.mark.parametrize(
    ("origin", "commit", "tag"),
    [
        (LAB, f"{LAB}/a/b/-/commit/{SHA}", f"{LAB}/a/b/-/tags/v1"),
        (TEA, f"{TEA}/a/b/commit/{SHA}", f"{TEA}/a/b/src/tag/v1"),
        (HUB, f"{HUB}/a/b/commit/{SHA}", f"{HUB}/a/b/releases/tag/v1"),
        ("https://bitbucket.org", f"https://bitbucket.org/a/b/commits/{SHA}", "https://bitbucket.org/a/b/src/v1"),
        (PLAIN_HOST, None, None),
    ],
)
def test_the_pages_of_commits_and_tags_are_where_their_kind_has_them(
    origin: str, commit: str | None, tag: str | None
) -> None:
    repository = Repository(origin, "a", "b")
    assert (links.of_commit(repository, SHA), links.of_tag(repository, "v1")) == (commit, tag)


@pytest.mark.usefixtures("origins")
def test_a_program_is_known_by_its_account_at_one_s_own_host() -> None:
    assert is_bot("Something", "12-renovate-bot@users.noreply.lab.example.org")
    assert is_bot("Renovate Bot", "renovate-bot@noreply.tea.example.org")
    assert not is_bot("Ada", "12-ada@users.noreply.lab.example.org")
