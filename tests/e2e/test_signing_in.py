"""The command `watchlist` where the service wants tokens: signing in by a browser or a code, and staying so."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_service import lifeline
from tests.e2e.command_line import run
from tests.e2e.conftest import Forge, RunningService, Serve
from tests.sign_in_issuer import CLIENT, DEVICE_GRANT, SignInIssuer
from tests.waiting import SECONDS

Watchlist = Callable[..., subprocess.CompletedProcess[str]]

BROWSER = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=60).read()"
"""Goes where it is sent, and where that sends it; a person would type a password between."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[SignInIssuer]:
    with SignInIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(issuer: SignInIssuer, serve: Serve) -> Iterator[RunningService]:
    """A service that wants tokens of the issuer."""
    with serve(**issuer.variables) as running:
        yield running


@pytest.fixture
def sign_ins(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sign-ins.json"


@pytest.fixture
def watchlist(issuer: SignInIssuer, guarded: RunningService, tmp_path: Path, sign_ins: Path) -> Iterator[Watchlist]:
    """The command of somebody who has a browser and no keyring."""
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER)

    environment = {
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{lifeline.ROOT}:{lifeline.ROOT / 'cli'}",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "BROWSER": f"{sys.executable} {browser} %s",
        "WATCHLIST_URL": guarded.url,
        "WATCHLIST_LIVE_URL": guarded.live_url,
        "WATCHLIST_ISSUER": issuer.url,
        "WATCHLIST_CLIENT_ID": CLIENT,
        "WATCHLIST_SIGN_INS": str(sign_ins),
    }
    issuer.grants.clear()
    yield lambda *arguments, **variables: run({**environment, **variables}, *arguments)
    issuer.lifetime = issuer.told_lifetime = 600
    issuer.refuses = issuer.rotates = False
    issuer.device_answers = []


def test_a_browser_signs_a_person_in_who_is_themself_from_then_on(watchlist: Watchlist, sign_ins: Path) -> None:
    before = watchlist("ls")
    assert (before.returncode, before.stdout) == (3, "")

    done = watchlist("login")
    assert (done.returncode, done.stdout.startswith("signed in as ada at http://")) == (0, True), done.stderr
    assert f"the tokens are in {sign_ins}, which only you can read" in done.stderr
    assert (sign_ins.stat().st_mode & 0o777, sign_ins.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert json.loads(watchlist("--json", "ls").stdout) == []

    assert watchlist("logout").returncode == 0
    assert json.loads(sign_ins.read_text()) == {}
    assert watchlist("ls").returncode == 3
    assert watchlist("logout").returncode == 2


def test_a_repository_is_added_and_followed_with_the_token(watchlist: Watchlist, forge: Forge) -> None:
    watchlist("login")
    added = watchlist("add", forge.make("of-ada", commits=1), "--wait", str(SECONDS))
    assert added.returncode == 0, added.stderr
    assert watchlist("watch", "of-ada").stdout == "ready\n"


def test_a_code_signs_in_who_has_no_browser(watchlist: Watchlist, issuer: SignInIssuer) -> None:
    issuer.device_answers = ["authorization_pending", "authorization_pending"]
    done = watchlist("login", BROWSER="")
    assert (done.returncode, "type the code WDJB-MJHT" in done.stderr) == (0, True), done.stderr
    assert issuer.grants == [DEVICE_GRANT] * 3
    assert watchlist("ls").returncode == 0


def test_whoever_says_no_is_not_signed_in(watchlist: Watchlist, issuer: SignInIssuer, sign_ins: Path) -> None:
    issuer.device_answers = ["access_denied"]
    refused = watchlist("login", "--device")
    assert (refused.returncode, "gives no token: access_denied" in refused.stderr) == (3, True)
    issuer.refuses = True
    refused = watchlist("login")
    assert (refused.returncode, "gives no token: not today" in refused.stderr) == (3, True)
    assert not sign_ins.exists()


def test_a_token_is_renewed_before_it_ends_and_when_the_service_refuses_it(
    watchlist: Watchlist, issuer: SignInIssuer
) -> None:
    issuer.lifetime = issuer.told_lifetime = -1
    watchlist("login")
    issuer.told_lifetime = 600
    assert watchlist("ls").returncode == 0
    assert issuer.grants == ["authorization_code", "refresh_token"]

    issuer.lifetime = -600  # the issuer says 600 seconds, and the service finds it expired
    watchlist("login")
    assert watchlist("ls").returncode == 0
    assert issuer.grants[2:] == ["authorization_code", "refresh_token"]
    assert watchlist("ls").returncode == 0
    assert issuer.grants[4:] == []


def test_many_at_once_renew_a_token_that_is_good_once(watchlist: Watchlist, issuer: SignInIssuer) -> None:
    issuer.rotates = True
    issuer.told_lifetime = -1
    watchlist("login")
    issuer.told_lifetime = 600
    with ThreadPoolExecutor(4) as pool:
        assert [done.returncode for done in pool.map(lambda _: watchlist("ls"), range(4))] == [0] * 4
    assert issuer.grants == ["authorization_code", "refresh_token"]


def test_a_sign_in_that_the_issuer_has_ended_is_said_to_be_over(watchlist: Watchlist, issuer: SignInIssuer) -> None:
    issuer.told_lifetime = -1
    watchlist("login")
    issuer.end_sign_ins()
    over = watchlist("ls")
    assert (over.returncode, "`watchlist login` again" in over.stderr) == (3, True)


def test_the_keyring_keeps_the_tokens_where_there_is_one(watchlist: Watchlist, tmp_path: Path, sign_ins: Path) -> None:
    keyring = tmp_path / "keyring.json"
    with_keyring = {"PYTHON_KEYRING_BACKEND": "tests.file_keyring.FileKeyring", "FILE_KEYRING": str(keyring)}
    done = watchlist("login", **with_keyring)
    assert (done.returncode, "The tokens are in the keyring" in done.stderr) == (0, True), done.stderr
    assert "access" in keyring.read_text()
    (entry,) = json.loads(sign_ins.read_text()).values()
    assert "tokens" not in entry
    assert watchlist("ls", **with_keyring).returncode == 0

    assert watchlist("logout", **with_keyring).returncode == 0
    assert keyring.read_text() == "{}"


def test_a_keyring_that_has_lost_the_tokens_is_said_to(watchlist: Watchlist, tmp_path: Path) -> None:
    keyring = tmp_path / "keyring.json"
    with_keyring = {"PYTHON_KEYRING_BACKEND": "tests.file_keyring.FileKeyring", "FILE_KEYRING": str(keyring)}
    watchlist("login", **with_keyring)
    keyring.unlink()
    lost = watchlist("ls", **with_keyring)
    assert (lost.returncode, "`watchlist login`" in lost.stderr) == (2, True)
    assert watchlist("logout", **with_keyring).returncode == 0


def test_a_token_of_the_environment_goes_before_a_sign_in(watchlist: Watchlist) -> None:
    watchlist("login")
    assert watchlist("ls", WATCHLIST_TOKEN="another").returncode == 3


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"WATCHLIST_ISSUER": ""}, 2, "name the issuer"),
        ({"WATCHLIST_ISSUER": "http://issuer.example.org"}, 2, "is no address for secrets"),
        ({"WATCHLIST_URL": "http://watchlist.example.org"}, 2, "is no address for secrets"),
        ({"WATCHLIST_ISSUER": "http://127.0.0.1:9"}, 3, "127.0.0.1:9 does not answer"),
        ({"WATCHLIST_CLIENT_ID": "stranger"}, 3, "gives no token: invalid_client"),
    ],
)
def test_what_hinders_a_sign_in_is_said(watchlist: Watchlist, changed: dict[str, str], code: int, reason: str) -> None:
    ended = watchlist("login", "--device", **changed)
    assert (ended.returncode, reason in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_issuer_that_is_somebody_else_is_not_trusted(watchlist: Watchlist, issuer: SignInIssuer) -> None:
    other = issuer.url.replace("127.0.0.1", "localhost")
    ended = watchlist("login", WATCHLIST_ISSUER=other)
    assert (ended.returncode, "calls itself" in ended.stderr) == (2, True)


def test_a_damaged_file_is_named(watchlist: Watchlist, sign_ins: Path) -> None:
    sign_ins.parent.mkdir()
    sign_ins.write_text("{")
    ended = watchlist("ls")
    assert (ended.returncode, str(sign_ins) in ended.stderr) == (2, True)
