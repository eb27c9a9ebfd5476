import pytest
from hypothesis import given

from tests.unit.hostile_addresses import SAFE, hostile
from watchlist import limits
from watchlist.repository_spelling import read_repository
from watchlist.repository_url import DEFAULT_ORIGINS, InvalidRepositoryUrlError

FLASK = "https://github.com/pallets/flask"
LOCAL = ("http://127.0.0.1:8000",)

SPELLINGS = [
    "pallets/flask",
    "pallets/flask.git",
    "pallets/flask/",
    "github.com/pallets/flask",
    "www.github.com/pallets/flask",
    "GitHub.com/pallets/flask.git",
    "github.com:443/pallets/flask",
    "https://github.com:443/pallets/flask",
    "http://github.com/pallets/flask",
    "http://www.github.com:80/pallets/flask",
    "HTTPS://GitHub.com/pallets/flask",
    "git@github.com:pallets/flask.git",
    "git@github.com:/pallets/flask.git",
    "git@github.com:pallets/flask.git#main",
    "git@github:pallets/flask",
    "github:pallets/flask",
    "ssh://git@github.com:pallets/flask.git",
    "git+ssh://git@github.com:pallets/flask.git#v3.0.0",
    "ssh://git@ssh.github.com:443/pallets/flask.git",
    "https://github.com./pallets/flask",
    "https://github.com:/pallets/flask",
    f"<{FLASK}>",
    f'"{FLASK}"',
    f"`{FLASK}`",
    "'pallets/flask'",
    f"\ufeff{FLASK}",
    f"{FLASK}\u200b",
    f"\u202a{FLASK}\u202c",
    "\xa0pallets/flask\u3000",
    "github.com:pallets/flask.git",
    "ssh://git@github.com/pallets/flask.git",
    "ssh://git@github.com:22/pallets/flask",
    "git://github.com/pallets/flask.git",
    "git://github.com:9418/pallets/flask.git",
    "git+https://github.com/pallets/flask.git",
    "git+https://github.com/pallets/flask.git@main",
    "git+ssh://git@github.com/pallets/flask.git",
    "https://git@github.com/pallets/flask",
    f"  {FLASK}\n",
    f"\t{FLASK}.git \r\n",
    f"{FLASK}/",
    f"{FLASK}//",
    f"{FLASK}/tree/main/src/flask",
    f"{FLASK}/blob/main/src/flask/app.py#L10-L20",
    f"{FLASK}/blob/main/docs/a%20file%20with%20spaces.md",
    f"{FLASK}/issues/5000",
    f"{FLASK}/issues?q=is%3Aopen+label%3Abug",
    f"{FLASK}/pull/5000/files?diff=split#diff-1",
    f"{FLASK}/commits/main/?author=ada",
    f"{FLASK}/releases/tag/3.0.0",
    f"{FLASK}?tab=readme-ov-file#readme",
    f"{FLASK}#readme",
]


@pytest.mark.parametrize("text", SPELLINGS, ids=lambda text: ascii(text)[:60])
def test_every_spelling_is_the_one_repository(text: str) -> None:
    assert read_repository(text).url == FLASK


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://gitlab.com/a/b/c/-/tree/main/src", "https://gitlab.com/a/b/c"),
        ("https://gitlab.com/a/b/c/-/issues/1", "https://gitlab.com/a/b/c"),
        ("https://gitlab.com/a/b/tree/master/src", "https://gitlab.com/a/b"),
        ("git@gitlab.com:a/b/c.git", "https://gitlab.com/a/b/c"),
        ("gitlab:a/b", "https://gitlab.com/a/b"),
        ("ssh://git@altssh.gitlab.com:443/a/b/c.git", "https://gitlab.com/a/b/c"),
        ("ssh://git@altssh.bitbucket.org:443/a/b.git", "https://bitbucket.org/a/b"),
        ("gitlab.com/a/b/c/d", "https://gitlab.com/a/b/c/d"),
        ("https://codeberg.org/a/b/src/branch/main/x.py", "https://codeberg.org/a/b"),
        ("https://bitbucket.org/a/b/src/main/", "https://bitbucket.org/a/b"),
    ],
)
def test_each_host_s_pages_lead_to_their_repository(text: str, url: str) -> None:
    assert read_repository(text).url == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("a/b", "http://127.0.0.1:8000/a/b"),
        ("127.0.0.1:8000/a/b", "http://127.0.0.1:8000/a/b"),
        ("http://127.0.0.1:8000/a/b/tree/main", "http://127.0.0.1:8000/a/b"),
        ("ssh://git@127.0.0.1:2222/a/b.git", "http://127.0.0.1:8000/a/b"),
        ("git@127.0.0.1:a/b.git", "http://127.0.0.1:8000/a/b"),
    ],
)
def test_a_host_with_a_port_is_read_where_it_is_allowed(text: str, url: str) -> None:
    assert read_repository(text, LOCAL).url == url


REFUSED = [
    "",
    " ",
    "flask",
    "https://github.com",
    "https://github.com/pallets",
    "https://github.com/pallets/",
    "https://github.com//flask",
    "https://github.com/pallets//flask",
    "https://github.com/topics/python",
    "https://github.com/orgs/pallets/repositories",
    "https://github.com/search?q=a/b",
    "https://gitlab.com/groups/gitlab-org/-/issues",
    "https://gitlab.com/explore/projects",
    "https://codeberg.org/explore/repos",
    "https://codeberg.org/user/settings",
    "https://gist.github.com/ada/0123456789abcdef",
    "https://example.org/a/b",
    "https://github.com.example.org/a/b",
    "https://github.www.com/a/b",
    "https://github.com../a/b",
    "https://github/a/b",
    "git@example:a/b",
    "https://xn--gthub-n4a.com/a/b",
    "https://github\u3002com/a/b",
    "https://0x7f000001/a/b",
    "https://2130706433/a/b",
    "https://github.com:99999/a/b",
    "https://github.com/%61/b",
    "https://github.com/a%2fb",
    "https://github.com/a/..",
    "https://github.com/a/.git",
    "https://api.github.com/repos/a/b",
    "https://raw.githubusercontent.com/a/b/main/README.md",
    "git clone https://github.com/a/b",
    "[b](https://github.com/a/b)",
    "https://github.com@example.org/a/b",
    "https://ada:secret@github.com/a/b",
    "secret@github.com/a/b",
    "https://github.com\\@example.org/a/b",
    "https://github.com:8443/a/b",
    "https://127.0.0.1/a/b",
    "https://[::1]/a/b",
    "file:///a/b",
    "/srv/git/a/b",
    "../a",
    "--upload-pack=x/b",
    "ext::sh -c id",
    "-oProxyCommand=x:a/b",
    "a/b/c",
    "https://github.com/a/--upload-pack=x",
    "https://github.com/a/b c",
    "https://github.com/a/b%00",
    "https://github.com/a/\u202eb",
    "https://g\u0131thub.com/a/b",
    "https://git\thub.com/a/b",
    "https://github.com/a/" + "b" * 101,
    "https://github.com/a/b/" + "c" * 10_000,
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:60])
def test_what_is_refused_is_told_what_to_type(text: str) -> None:
    with pytest.raises(InvalidRepositoryUrlError) as refusal:
        read_repository(text)

    message = str(refusal.value)
    assert "type an address like https://" in message or "is longer than" in message
    assert "secret" not in message


@pytest.mark.parametrize("text", ["", "flask", "flask/", "https://github.com/pallets", "github:pallets"])
def test_who_names_no_repository_is_told_so(text: str) -> None:
    with pytest.raises(
        InvalidRepositoryUrlError, match=r"names no repository; type an address like https://github\.com/"
    ):
        read_repository(text)


def test_a_local_service_does_not_take_https_for_its_http() -> None:
    with pytest.raises(InvalidRepositoryUrlError):
        read_repository("https://127.0.0.1:8000/a/b", LOCAL)


@given(hostile)
def test_nothing_but_an_allowed_origin_and_safe_names_ever_survives(text: str) -> None:
    try:
        repository = read_repository(text)
    except InvalidRepositoryUrlError:
        return

    assert repository.origin in DEFAULT_ORIGINS
    for part in (*repository.owner.split("/"), repository.name):
        assert set(part) <= SAFE
        assert part.strip(".")
        assert not part.startswith("-")
    assert len(repository.url) <= limits.REPOSITORY_URL_CHARACTERS
    assert read_repository(repository.url) == repository
