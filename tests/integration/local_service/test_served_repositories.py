import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local_service.aws.data_folder import DataFolderError
from local_service.git.addresses import ADDRESSES, Addresses
from local_service.git.served_repositories import NoRepositoryError, link_repositories
from local_service.git.server import GitServer

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


def a_repository(path: Path) -> Path:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "commit", "--quiet", "--allow-empty", "--message=First")
    return path


def served_head(root: Path, url_path: str) -> str:
    with GitServer(root) as server:
        return git(root, "ls-remote", f"{server.url}{url_path}", "HEAD").split()[0]


def test_a_checkout_is_served_under_its_name_with_and_without_suffix(tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "flask")

    assert link_repositories([repository], tmp_path / "root") == {repository: "/local/flask"}

    head = git(repository, "rev-parse", "HEAD")
    assert served_head(tmp_path / "root", "/local/flask") == head
    assert served_head(tmp_path / "root", "/local/flask.git") == head


def test_a_bare_repository_a_git_folder_and_a_worktree_are_served(tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "flask")
    git(tmp_path, "clone", "--quiet", "--bare", "flask", "bare.git")
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    paths = [tmp_path / "bare.git", repository / ".git", tmp_path / "tree"]

    assert list(link_repositories(paths, tmp_path / "root").values()) == ["/local/bare", "/local/flask", "/local/tree"]

    head = git(repository, "rev-parse", "HEAD")
    for name in ("bare", "flask", "tree"):
        assert served_head(tmp_path / "root", f"/local/{name}") == head


def test_names_are_made_fit_for_urls_and_unique(tmp_path: Path) -> None:
    paths = [
        a_repository(tmp_path / "a" / "my project"),
        a_repository(tmp_path / "b" / "my-project"),
        a_repository(tmp_path / "-c"),
    ]

    assert list(link_repositories(paths, tmp_path / "root").values()) == [
        "/local/my-project",
        "/b/my-project",
        "/local/c",
    ]


def test_an_address_that_was_given_before_is_given_again_and_to_nobody_else(tmp_path: Path) -> None:
    first, second = a_repository(tmp_path / "a" / "flask"), a_repository(tmp_path / "b" / "flask")
    third = a_repository(tmp_path / "c" / "b" / "flask")
    given = link_repositories([first, second], tmp_path / "root")
    known = {str(path / ".git"): address for path, address in given.items()}

    again = link_repositories([third, second], tmp_path / "again", known)

    assert again == {second: "/b/flask", third: "/b/flask-2"}
    assert served_head(tmp_path / "again", "/b/flask") == git(second, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["missing", "folder", "file", "flask/inside"])
def test_what_is_no_repository_is_refused(tmp_path: Path, name: str) -> None:
    a_repository(tmp_path / "flask")
    (tmp_path / "flask" / "inside").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    with pytest.raises(NoRepositoryError, match=name):
        link_repositories([tmp_path / name], tmp_path / "root")


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("echo boom >&2; exit 3", "`git version` ended with exit code 3, saying 'boom'"),
        ("kill -9 $$", "ended with exit code -9"),
        ("echo hello", "says 'hello'"),
        ("echo git version 2.36.9", "git version 2.36.9 is too old: it takes 2.37"),
        ("echo git version 2.100.0", "git has no `git http-backend` here"),
    ],
)
def test_a_git_that_cannot_serve_is_said_to_be_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, reason: str
) -> None:
    repository = a_repository(tmp_path / "flask")
    (tmp_path / "git").write_text(f"#!/bin/sh\n{does}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(NoRepositoryError, match=re.escape(reason)):
        link_repositories([repository], tmp_path / "root")


@pytest.mark.parametrize("path", ["/../outside", "/local/..", "/local/a/b", "local/a", "/local/a b", "/local/a\n"])
def test_addresses_that_lead_out_of_the_folder_of_links_are_damaged(tmp_path: Path, path: str) -> None:
    (tmp_path / ADDRESSES).write_text(json.dumps({"port": 1, "paths": {str(tmp_path): path}}))

    with pytest.raises(DataFolderError, match="cannot be read"):
        Addresses.read(tmp_path)


@pytest.mark.parametrize("name", ["..", "-", "a.b", "...git", "\N{SNOWMAN}"])
def test_addresses_that_were_given_are_read_again(tmp_path: Path, name: str) -> None:
    given = link_repositories(
        [a_repository(tmp_path / "x" / f"{name}x"), a_repository(tmp_path / f"y{name}" / "x")], tmp_path / "root"
    )
    paths = {str(path): address for path, address in given.items()}

    Addresses(port=1, paths=paths).write(tmp_path)

    assert Addresses.read(tmp_path).paths == paths
