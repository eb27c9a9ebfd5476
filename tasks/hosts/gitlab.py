"""GitLab: "Get a single project", asked without a token."""

from urllib.parse import quote

from tasks.hosts.fields import Description, Fields, count_of, flag_of, full_name_of, object_of, text_of, web_url_of


def path(owner: str, name: str) -> str:
    """Return what is asked for below the API's base URL."""
    return f"/projects/{quote(f'{owner}/{name}', safe='')}?license=true"


def read(said: Description) -> Fields:
    """Return the fields that the host states."""
    return {
        "name": full_name_of(said, "path_with_namespace"),
        "url": web_url_of(said, "web_url"),
        "description": text_of(said, "description"),
        "default_branch": text_of(said, "default_branch"),
        "stars": count_of(said, "star_count"),
        "forks": count_of(said, "forks_count"),
        "license": text_of(object_of(said, "license"), "name"),
        "archived": flag_of(said, "archived"),
    }
