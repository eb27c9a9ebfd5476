"""Which service is asked, and as whom: from options, the environment, and a file of profiles."""

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from watchlist_cli import folders
from watchlist_cli.errors import CommandError
from watchlist_cli.signing_in.kept import Kept, SignIn

LOCAL_URL = "http://127.0.0.1:3000"
"""Where `make serve` listens; asked where nothing else is said."""

_LOCAL_LIVE_URL = "ws://127.0.0.1:3001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One service as one person uses it.

    Attributes:
        url: of the HTTP API, without a slash at the end.
        live_url: of the WebSocket API; None where it is not known, and then polling does.
        user: whose watchlist it is.
        token: what the service wants to see, if it wants a token.
        region: of AWS, to sign requests there; None where requests are not signed.
        issuer: of the tokens that the service trusts; None where nobody signs in.
        client_id: this command's at the issuer.
        sign_in: who has signed in there from this machine.
    """

    url: str
    live_url: str | None
    user: str
    token: str | None = None
    region: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    sign_in: SignIn | None = None


def file_of_profiles(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where profiles are kept: `WATCHLIST_CONFIG`, or the platform's folder for settings."""
    if named := environment.get("WATCHLIST_CONFIG"):
        return Path(named)
    return folders.of_this_command("config") / "config.toml"


def choose(name: str | None, user: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """Return the profile: what the environment says goes before the file, options before both.

    Raises:
        CommandError: there is no such profile, or the file is damaged.
    """
    name = name or environment.get("WATCHLIST_PROFILE")
    kept = _read(file_of_profiles(environment), name)
    url = (environment.get("WATCHLIST_URL") or kept.get("url") or LOCAL_URL).rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise CommandError(f"the service's address must be like https://watchlist.example.com, not {url!r}")
    token = environment.get("WATCHLIST_TOKEN") or None
    sign_in = None if token else Kept(environment).find(url)
    live_url = environment.get("WATCHLIST_LIVE_URL") or kept.get("live_url")
    return Profile(
        url=url,
        live_url=live_url or (_LOCAL_LIVE_URL if url == LOCAL_URL else None),
        user=user
        or environment.get("WATCHLIST_USER")
        or kept.get("user")
        or (sign_in and sign_in.subject)
        or _user_of_system(),
        token=token,
        region=environment.get("WATCHLIST_SIGN_REGION") or kept.get("sign_region"),
        issuer=environment.get("WATCHLIST_ISSUER") or kept.get("issuer"),
        client_id=environment.get("WATCHLIST_CLIENT_ID") or kept.get("client_id"),
        sign_in=sign_in,
    )


def _user_of_system() -> str:
    """A container's user may have a number only, for which there is neither a name nor a variable."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise CommandError("say whose watchlist it is: --user, WATCHLIST_USER or a profile") from error


def _read(path: Path, name: str | None) -> dict[str, str]:
    """Return the named profile, or the one called `default`, which need not exist."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    profiles = document.get("profiles")
    profile = profiles.get(name or "default") if isinstance(profiles, dict) else None
    if isinstance(profile, dict):
        return {key: value for key, value in profile.items() if isinstance(value, str)}
    if name is not None:
        raise CommandError(f"there is no profile {name!r} in {path}")
    return {}
