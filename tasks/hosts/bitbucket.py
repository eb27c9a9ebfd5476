"""Bitbucket Cloud: "Get a repository", asked without a token; it counts no stars or forks."""

from urllib.parse import quote

from tasks.hosts.fields import Description, Fields, full_name_of, object_of, text_of, web_url_of


def path(owner: str, name: str) -> str:
    """Return what is asked for below the API's base URL."""
    return f"/repositories/{quote(owner)}/{quote(name)}"


def read(said: Description) -> Fields:
    """Return the fields that the host states."""
    return {
        "name": full_name_of(said, "full_name"),
        "url": web_url_of(object_of(object_of(said, "links"), "html"), "href"),
        "description": text_of(said, "description"),
        "default_branch": text_of(object_of(said, "mainbranch"), "name"),
        "language": text_of(said, "language"),
    }
