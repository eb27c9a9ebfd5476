"""GitHub: REST API, "Get a repository", which `github_api` asks, with tokens where there are any."""

from urllib.parse import quote

from tasks.hosts.fields import Description, Fields, count_of, flag_of, full_name_of, object_of, text_of, web_url_of


def path(owner: str, name: str) -> str:
    """Return what is asked for below the API's base URL."""
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def read(said: Description) -> Fields:
    """Return the fields that the host states."""
    license_ = object_of(said, "license")
    spdx = text_of(license_, "spdx_id")
    return {
        "name": full_name_of(said, "full_name"),
        "url": web_url_of(said, "html_url"),
        "description": text_of(said, "description"),
        "default_branch": text_of(said, "default_branch"),
        "stars": count_of(said, "stargazers_count"),
        "forks": count_of(said, "forks_count"),
        "language": text_of(said, "language"),
        "license": text_of(license_, "name") if spdx in {None, "NOASSERTION"} else spdx,
        "archived": flag_of(said, "archived"),
    }
