"""`.mailmap` read here and by git gives the same people."""

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from watchlist.history.mailmap import Mailmap

_PIECES = st.sampled_from(
    ["Jane", "jane", " ", "\t", "<", ">", "a@x", "A@X", "b@x", "<a@x>", "<b@x>", "<>", "#", "Ä", "\n", "\n", "J <a@x>"]
)
_CONTENT = st.lists(_PIECES, max_size=40).map("".join)
_IDENTITIES = [(name, email) for name in ("Jane", "JANE", "J", "Ä") for email in ("a@x", "A@X", "b@x", "c@x")]


def resolved_by_git(content: str) -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["git", "init", "--quiet", directory], check=True)
        # git takes a file's lines as they come and a blob's without their ends; the service reads a blob
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"],
            cwd=directory,
            input=content.encode(),
            check=True,
            capture_output=True,
        ).stdout.decode()
        asked = "".join(f"{name} <{email}>\n" for name, email in _IDENTITIES)
        command = ["git", "-c", f"mailmap.blob={blob.strip()}", "check-mailmap", "--stdin"]
        answer = subprocess.run(command, cwd=Path(directory), input=asked.encode(), check=True, capture_output=True)
        return answer.stdout.decode().splitlines()


@settings(max_examples=60, deadline=None)
@given(_CONTENT)
def test_every_identity_is_resolved_as_git_does(content: str) -> None:
    mailmap = Mailmap(content.encode())
    resolved = [mailmap.resolve(name, email) for name, email in _IDENTITIES]
    assert [f"{name} <{email}>".lstrip() for name, email in resolved] == resolved_by_git(content)
