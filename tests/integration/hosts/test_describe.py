from typing import Any

import pytest

from tasks.hosts.describe import Forge
from tasks.hosts.github_api import UNLIMITED, Budget, GitHubApi, GitHubRefusalError
from tests.forge_server import ForgeServer, Reply, TokenBudget
from watchlist.git.package import Package
from watchlist.repository_url import Repository

ROCKET = Repository("https://github.com", "acme", "rocket")
TOKEN = "ghp_tokenThatNobodyMaySee"


def repr_start(value: object) -> str:
    return repr(value)[:12]


def describe(forge: ForgeServer, repository: Repository = ROCKET, tokens: tuple[str, ...] = ()) -> Package:
    bases = {host: f"{forge.origin}/{host}" for host in ("gitlab.com", "codeberg.org", "bitbucket.org")}
    return Forge(GitHubApi(forge.github_api), tokens, bases).describe(repository)


def test_github_describes_a_repository(forge: ForgeServer) -> None:
    forge.add_repository(
        "acme/rocket",
        description="It flies",
        default_branch="trunk",
        stargazers_count=42,
        forks_count=7,
        language="Python",
        license={"key": "mit", "name": "MIT License", "spdx_id": "MIT"},
        archived=True,
    )
    assert describe(forge) == Package(
        name="acme/rocket",
        url="https://github.com/acme/rocket",
        description="It flies",
        default_branch="trunk",
        stars=42,
        forks=7,
        language="Python",
        license="MIT",
        archived=True,
    )


def test_a_license_without_spdx_identifier_has_its_name(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket", license={"key": "other", "name": "Other", "spdx_id": "NOASSERTION"})
    assert describe(forge).license == "Other"


def test_a_renamed_repository_is_followed_to_its_new_name(forge: ForgeServer) -> None:
    forge.add_repository("acme/starship", stargazers_count=5)
    forge.renamed["acme/rocket"] = "acme/starship"
    package = describe(forge)
    assert (package.name, package.renamed_to, package.stars) == ("acme/starship", "acme/starship", 5)


def test_the_hosts_spelling_is_no_rename(forge: ForgeServer) -> None:
    forge.add_repository("Acme/Rocket")
    package = describe(forge)
    assert (package.name, package.renamed_to) == ("Acme/Rocket", None)


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:9/github/repositories/1", "https://example.org/repositories/1", "/elsewhere", "//example.org/x"],
)
def test_a_redirect_out_of_the_api_is_not_followed(forge: ForgeServer, location: str) -> None:
    forge.tokens[TOKEN] = TokenBudget()
    forge.replies["/github/repos/acme/rocket"] = Reply(301, {}, {"Location": location})
    package = describe(forge, tokens=(TOKEN,))
    assert package.reason == "GitHub's API gave a redirect to another host"
    assert len(forge.requests) == 1


def test_a_redirect_loop_ends(forge: ForgeServer) -> None:
    loop = Reply(301, {}, {"Location": "/github/repos/acme/rocket"})
    forge.replies["/github/repos/acme/rocket"] = loop
    assert describe(forge).reason == "GitHub's API gave more than 3 redirects"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(301, {"message": "Moved"}), "GitHub's API answered with status 301"),
        (Reply(404, {"message": "Not Found"}), "GitHub knows no such public repository"),
        (Reply(403, {"message": "blocked"}), "GitHub refuses access to the repository"),
        (Reply(451, {"message": "blocked"}), "GitHub has blocked the repository for legal reasons"),
        (Reply(429, {}, {"Retry-After": "60"}), "GitHub's rate limit is used up"),
        (Reply(502, raw=b"<html>bad gateway"), "GitHub's API answered with status 502"),
        (Reply(200, raw=b"not json"), "GitHub's API answered with status 200"),
        (Reply(200, ["a list"]), "GitHub's API answered with status 200"),
    ],
)
def test_what_github_refuses_is_a_reason_and_the_url_remains(forge: ForgeServer, reply: Reply, reason: str) -> None:
    forge.replies["/github/repos/acme/rocket"] = reply
    assert describe(forge) == Package(name="acme/rocket", url="https://github.com/acme/rocket", reason=reason)


def test_unknown_and_blocked_repositories_are_told_apart(forge: ForgeServer) -> None:
    assert "no such" in (describe(forge).reason or "")
    forge.blocked.add("acme/rocket")
    assert "legal reasons" in (describe(forge).reason or "")


def test_a_used_up_rate_limit_says_until_when(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket")
    forge.anonymous.core = 0
    assert describe(forge).reason == "GitHub's rate limit is used up until 2030-03-17T17:46:40Z"


def test_tokens_are_tried_in_turn(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket", stargazers_count=1)
    forge.tokens = {"spent": TokenBudget(core=0), "good": TokenBudget()}
    assert describe(forge, tokens=("revoked", "spent", "good")).stars == 1
    used = [request.headers.get("authorization") for request in forge.requests]
    assert used == ["Bearer revoked", "Bearer spent", "Bearer good"]


def test_an_unknown_repository_is_asked_for_once(forge: ForgeServer) -> None:
    forge.tokens = {"one": TokenBudget(), "two": TokenBudget()}
    describe(forge, tokens=("one", "two"))
    assert len(forge.requests) == 1


def test_a_repository_without_stars_has_zero_of_them(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket")
    package = describe(forge)
    assert (package.stars, package.forks, package.archived, package.license) == (0, 0, False, None)


def test_a_bad_token_does_not_hide_a_public_repository(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket", stargazers_count=1)
    assert describe(forge, tokens=("revoked",)).stars == 1
    assert "authorization" not in forge.requests[-1].headers


def test_a_server_that_is_not_there_is_a_reason() -> None:
    package = Forge(GitHubApi("http://127.0.0.1:1")).describe(ROCKET)
    assert package.reason == "GitHub's API gave no answer (NewConnectionError)"


@pytest.mark.parametrize("field", ["stargazers_count", "description", "license", "archived", "html_url", "full_name"])
@pytest.mark.parametrize(
    "value", [None, [], {}, -1, 1.5, "javascript:alert(1)", True, "x" * 100_000, 10**400], ids=repr_start
)
def test_strange_values_leave_gaps_but_never_fail(forge: ForgeServer, field: str, value: Any) -> None:
    forge.add_repository("acme/rocket", **{field: value})
    package = describe(forge)
    assert Package.model_validate_json(package.model_dump_json()) == package
    assert (package.name, package.url) == ("acme/rocket", "https://github.com/acme/rocket")


def test_gitlab_describes_a_repository_in_nested_groups(forge: ForgeServer) -> None:
    forge.replies["/gitlab.com/projects/group%2Fsub%2Frocket?license=true"] = Reply(
        200,
        {
            "path_with_namespace": "group/sub/rocket",
            "web_url": "https://gitlab.com/group/sub/rocket",
            "description": "It flies",
            "default_branch": "main",
            "star_count": 3,
            "forks_count": 2,
            "archived": False,
            "license": {"key": "mit", "name": "MIT License"},
        },
    )
    package = describe(forge, Repository("https://gitlab.com", "group/sub", "rocket"))
    assert (package.name, package.stars, package.forks, package.license, package.archived, package.reason) == (
        "group/sub/rocket",
        3,
        2,
        "MIT License",
        False,
        None,
    )


def test_codeberg_describes_a_repository(forge: ForgeServer) -> None:
    forge.replies["/codeberg.org/repos/acme/rocket"] = Reply(
        200,
        {
            "full_name": "acme/rocket",
            "html_url": "https://codeberg.org/acme/rocket",
            "description": "",
            "default_branch": "main",
            "stars_count": 3,
            "forks_count": 2,
            "language": "Rust",
            "licenses": ["GPL-3.0"],
            "archived": True,
        },
    )
    package = describe(forge, Repository("https://codeberg.org", "acme", "rocket"))
    assert (package.stars, package.language, package.license, package.archived, package.description) == (
        3,
        "Rust",
        "GPL-3.0",
        True,
        None,
    )


def test_bitbucket_describes_a_repository_without_stars(forge: ForgeServer) -> None:
    forge.replies["/bitbucket.org/repositories/acme/rocket"] = Reply(
        200,
        {
            "full_name": "acme/rocket",
            "links": {"html": {"href": "https://bitbucket.org/acme/rocket"}},
            "description": "It flies",
            "mainbranch": {"type": "branch", "name": "main"},
            "language": "python",
        },
    )
    package = describe(forge, Repository("https://bitbucket.org", "acme", "rocket"))
    assert (package.default_branch, package.language, package.stars) == ("main", "python", None)


@pytest.mark.parametrize("host", ["gitlab.com", "codeberg.org", "bitbucket.org"])
def test_another_host_that_does_not_answer_is_a_reason(forge: ForgeServer, host: str) -> None:
    package = describe(forge, Repository(f"https://{host}", "acme", "rocket"))
    assert package.reason == f"{host}'s API answered with status 404"


def test_a_host_without_known_api_is_described_by_the_url(forge: ForgeServer) -> None:
    package = describe(forge, Repository("https://git.example.org", "acme", "rocket"))
    assert package == Package(
        name="acme/rocket", url="https://git.example.org/acme/rocket", reason="this host's API is not asked"
    )


def test_the_budget_of_a_token_is_read_and_costs_nothing(forge: ForgeServer) -> None:
    forge.tokens[TOKEN] = TokenBudget(core=12, graphql=34)
    budget = GitHubApi(forge.github_api).budget(TOKEN)
    assert (budget.core, budget.graphql, budget.resets_at.year) == (12, 34, 2030)
    assert forge.tokens[TOKEN].core == 12


def test_a_server_without_rate_limits_grants_everything(forge: ForgeServer) -> None:
    forge.replies["/github/rate_limit"] = Reply(404, {"message": "Rate limiting is not enabled."})
    assert GitHubApi(forge.github_api).budget(TOKEN) is UNLIMITED


@pytest.mark.parametrize(
    "document", [None, [], {}, {"resources": None}, {"resources": {"core": {"remaining": "x", "reset": 10**30}}}]
)
def test_an_unknown_form_of_the_rate_limit_is_refused(forge: ForgeServer, document: object) -> None:
    forge.replies["/github/rate_limit"] = Reply(200, document)
    with pytest.raises(GitHubRefusalError) as caught:
        GitHubApi(forge.github_api).budget(TOKEN)
    assert TOKEN not in str(caught.value)


def test_budgets_compare_by_value() -> None:
    assert Budget(1, 2, UNLIMITED.resets_at) == Budget(1, 2, UNLIMITED.resets_at)
