import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.hostile_addresses import SAFE, hostile
from watchlist import limits
from watchlist.repository_url import (
    DEFAULT_ORIGINS,
    MAX_GROUPS,
    InvalidRepositoryUrlError,
    Repository,
    parse_origin,
    parse_repository_url,
)

ACCEPTED = [
    ("https://github.com/pallets/flask", "https://github.com/pallets/flask"),
    ("https://github.com/pallets/flask/", "https://github.com/pallets/flask"),
    ("https://github.com/pallets/flask.git", "https://github.com/pallets/flask"),
    ("https://github.com/pallets/flask.git/", "https://github.com/pallets/flask"),
    ("https://GitHub.com/Pallets/Flask", "https://github.com/Pallets/Flask"),
    ("HTTPS://github.com/pallets/flask", "https://github.com/pallets/flask"),
    ("https://gitlab.com/a/b/c/d", "https://gitlab.com/a/b/c/d"),
    ("https://codeberg.org/forgejo/forgejo", "https://codeberg.org/forgejo/forgejo"),
    ("https://bitbucket.org/a/.dotted", "https://bitbucket.org/a/.dotted"),
    ("https://github.com/a/b.c_d-e", "https://github.com/a/b.c_d-e"),
    ("https://github.com/X/X", "https://github.com/X/X"),
]


@pytest.mark.parametrize(("text", "url"), ACCEPTED, ids=[text for text, _ in ACCEPTED])
def test_a_repository_is_read_and_its_address_rebuilt(text: str, url: str) -> None:
    assert parse_repository_url(text).url == url


def test_spellings_that_the_host_treats_alike_are_one_repository() -> None:
    spellings = ["https://github.com/Pallets/Flask.git", "https://GITHUB.com/pallets/flask/"]

    assert len({parse_repository_url(text).key for text in spellings}) == 1


def test_a_host_that_tells_case_apart_has_two_repositories() -> None:
    origins = ("http://127.0.0.1:8000",)

    keys = {parse_repository_url(f"http://127.0.0.1:8000/a/{name}", origins).key for name in ("b", "B")}

    assert len(keys) == 2


def test_a_port_is_allowed_only_where_the_origin_has_it() -> None:
    origins = ("http://127.0.0.1:8000",)

    assert parse_repository_url("http://127.0.0.1:8000/a/b", origins).origin == origins[0]
    for text in ("http://127.0.0.1/a/b", "http://127.0.0.1:8001/a/b", "https://127.0.0.1:8000/a/b"):
        with pytest.raises(InvalidRepositoryUrlError):
            parse_repository_url(text, origins)


REFUSED = [
    "",
    "flask",
    "github.com/a/b",
    "//github.com/a/b",
    "https:/github.com/a/b",
    "https://",
    "https:///a/b",
    "https://github.com",
    "https://github.com/",
    "https://github.com/a",
    "https://github.com/a/",
    "https://github.com/a//b",
    "https://github.com//b",
    "https://github.com/a/b//",
    "https://github.com/a/.git",
    "https://github.com/a/b/c",
    "https://github.com/./b",
    "https://github.com/a/..",
    "https://github.com/a/...",
    "https://github.com/-a/b",
    "https://github.com/a/--upload-pack=x",
    "--upload-pack=x",
    "-oProxyCommand=x",
    "ext::sh -c id",
    "fd::17/a/b",
    "file:///a/b",
    "git://github.com/a/b",
    "ssh://git@github.com/a/b",
    "git@github.com:a/b",
    "http://github.com/a/b",
    "ftp://github.com/a/b",
    "https://user@github.com/a/b",
    "https://user:secret@github.com/a/b",
    "https://:@github.com/a/b",
    "https://@github.com/a/b",
    "https://github.com@example.org/a/b",
    "https://github.com:443/a/b",
    "https://github.com:/../a/b",
    "https://github.com:99999/a/b",
    "https://github.com:port/a/b",
    "https://github.com./a/b",
    "https://github.com\\@example.org/a/b",
    "https://github.com/a\\b/c",
    "https://example.org/a/b",
    "https://github.com.example.org/a/b",
    "https://evilgithub.com/a/b",
    "https://127.0.0.1/a/b",
    "https://[::1]/a/b",
    "https://[github.com/a/b",
    "https://169.254.169.254/a/b",
    "https://localhost/a/b",
    "https://github.com/a/b?c=d",
    "https://github.com/a/b?",
    "https://github.com/a/b#c",
    "https://github.com/a/b;c",
    "https://github.com/a/%2e%2e",
    "https://github.com/a/b%00",
    "https://github.com/a/b c",
    " https://github.com/a/b",
    "https://github.com/a/b\n",
    "https://git\thub.com/a/b",
    "https://github.com/a/b\x00",
    "https://github.com/a/\u202eb",
    "https://g\u0131thub.com/a/b",  # a letter that looks alike
    "https://github。com/a/b",
    "https://github.com/a/\ud800",
    "https://github.com/a/" + "b" * 101,
    "https://github.com/a/" + "b" * 10_000,
    "https://gitlab.com/" + "/".join("abcdefghijklmnopqrstuvw"),
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:60])
def test_anything_else_is_refused_with_a_reason_for_its_sender(text: str) -> None:
    with pytest.raises(InvalidRepositoryUrlError) as refusal:
        parse_repository_url(text)

    assert str(refusal.value)
    assert "secret" not in str(refusal.value)


FORGE = "http://127.0.0.1:8000"
TOO_FEW = "must name an owner and a repository"
NO_NAME = "has an owner or repository name that no host allows"

REASONS = [
    ("http://github.com/a/b", DEFAULT_ORIGINS, "must start with https://"),
    ("http://github.com/a/b", ("https://one.example.org", FORGE), "is not on a supported host"),
    ("https://github.com:443/a/b", DEFAULT_ORIGINS, "must not name a port"),
    ("https://c.org/a/b", ("https://a.org", FORGE), "is not on a supported host (a.org, 127.0.0.1:8000)"),
    ("https://github.com/a", DEFAULT_ORIGINS, TOO_FEW),
    ("https://github.com/a/b/c", DEFAULT_ORIGINS, TOO_FEW),
    ("https://github.com/a/..", DEFAULT_ORIGINS, NO_NAME),
    ("https://github.com/-a/b", DEFAULT_ORIGINS, NO_NAME),
]


@pytest.mark.parametrize(("text", "origins", "reason"), REASONS)
def test_a_refusal_says_what_is_wrong(text: str, origins: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidRepositoryUrlError) as refusal:
        parse_repository_url(text, origins)

    assert str(refusal.value).startswith(reason)


def test_groups_are_nested_up_to_their_limit() -> None:
    groups = [f"group-{number}" for number in range(MAX_GROUPS + 1)]

    deepest = parse_repository_url(f"https://gitlab.com/{'/'.join(groups[:MAX_GROUPS])}/name")

    assert (deepest.owner.split("/"), deepest.name) == (groups[:MAX_GROUPS], "name")
    with pytest.raises(InvalidRepositoryUrlError, match=TOO_FEW):
        parse_repository_url(f"https://gitlab.com/{'/'.join(groups)}/name")


@pytest.mark.parametrize("name", ["-", "-a", "--", "-.-"])
def test_a_repository_may_begin_with_a_dash(name: str) -> None:
    assert parse_repository_url(f"https://github.com/owner/{name}.git").name == name


@given(hostile)
@example("https://github.com/" + "a/" * 5000)
def test_nothing_but_an_allowed_origin_and_safe_names_ever_survives(text: str) -> None:
    try:
        repository = parse_repository_url(text)
    except InvalidRepositoryUrlError:
        return

    assert repository.origin in DEFAULT_ORIGINS
    for part in (*repository.owner.split("/"), repository.name):
        assert set(part) <= SAFE
        assert part.strip(".")
    assert not any(part.startswith("-") for part in repository.owner.split("/"))
    assert len(repository.url) <= limits.REPOSITORY_URL_CHARACTERS
    assert parse_repository_url(repository.url) == repository


@given(st.one_of(st.text(max_size=60), st.from_regex(r"https?://[!-~]{1,30}", fullmatch=True)))
def test_an_origin_is_scheme_host_and_port_and_nothing_else(text: str) -> None:
    try:
        origin = parse_origin(text)
    except ValueError:
        return

    assert origin == text
    assert text.startswith(("https://", "http://"))
    assert set(text) <= SAFE | {":", "/"}
    assert text.count("/") == 2


@pytest.mark.parametrize("text", ["https://github.com", "http://127.0.0.1:8000"])
def test_an_origin_may_have_a_port(text: str) -> None:
    assert parse_origin(text) == text


@pytest.mark.parametrize("text", ["https://user:secret@github.com", "https://example.org/", "example.org", "*"])
def test_a_malformed_origin_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not an origin like https://github\.com$") as refusal:
        parse_origin(text)

    assert text not in str(refusal.value)


def test_the_parts_of_a_repository_make_up_its_address() -> None:
    repository = Repository("https://github.com", "a", "b")

    assert (repository.host, repository.url, repository.key) == (
        "github.com",
        "https://github.com/a/b",
        "github.com/a/b",
    )
