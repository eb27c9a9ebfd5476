"""Gitea and Forgejo: "repoGet", asked without a token."""

from urllib.parse import quote

from tasks.hosts.fields import Description, Fields, count_of, flag_of, full_name_of, text_of, web_url_of


def path(owner: str, name: str) -> str:
    """Return what is asked for below the API's base URL."""
    return f"/repos/{quote(owner)}/{quote(name)}"


def read(said: Description) -> Fields:
    """Return the fields that the host states."""
    licenses = said.get("licenses")
    return {
        "name": full_name_of(said, "full_name"),
        "url": web_url_of(said, "html_url"),
        "description": text_of(said, "description"),
        "default_branch": text_of(said, "default_branch"),
        "stars": count_of(said, "stars_count"),
        "forks": count_of(said, "forks_count"),
        "language": text_of(said, "language"),
        "license": text_of({"license": licenses[0]}, "license") if isinstance(licenses, list) and licenses else None,
        "archived": flag_of(said, "archived"),
    }
