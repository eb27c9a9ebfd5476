"""`login` and `logout`: tokens of the issuer that the service trusts."""

import base64
import json
import os
import sys
import webbrowser
from typing import Any

from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.session import Session
from watchlist_cli.signing_in import browser, device
from watchlist_cli.signing_in.issuer import Issuer, must_be_safe
from watchlist_cli.signing_in.kept import Kept, SignIn


def login(session: Session, *, by_device: bool, scope: str) -> ExitCode:
    """Sign in at the profile's issuer and keep the tokens.

    Args:
        session: of this run.
        by_device: whether a code is typed elsewhere; it is where no browser can be opened here, too.
        scope: what is asked for; `offline_access` in it is a refresh token (OpenID Connect Core 1.0, 11).

    Raises:
        CommandError: no issuer is named, the service's address is open to readers, or it gives no tokens.
    """
    profile = session.profile
    if profile.issuer is None or profile.client_id is None:
        raise CommandError(
            "name the issuer that the service trusts and this command's client there: "
            "--issuer and --client-id, WATCHLIST_ISSUER and WATCHLIST_CLIENT_ID, or both in a profile"
        )
    must_be_safe(profile.url)
    issuer = Issuer.discover(profile.issuer)
    flow = device if by_device or (issuer.device_endpoint is not None and not _has_browser()) else browser
    tokens = flow.sign_in(issuer, profile.client_id, scope, session.printer.note)
    kept = Kept().put(
        SignIn(
            service_url=profile.url,
            issuer=issuer.url,
            client_id=profile.client_id,
            subject=_subject_of(tokens.access),
            tokens=tokens,
        ),
        tokens,
    )
    session.printer.line(f"signed in{f' as {kept.subject}' if kept.subject else ''} at {profile.url}")
    if kept.keyring is not None:
        session.printer.note(f"The tokens are in the keyring ({kept.keyring}).")
    else:
        session.printer.note(
            f"No keyring is used here, so the tokens are in {Kept().path}, which only you can read; "
            "the extra `keyring` uses the system's."
        )
    if tokens.refresh is None:
        session.printer.note("The issuer gives no refresh token: sign in again when this one has ended.")
    return ExitCode.GOOD


def logout(session: Session) -> ExitCode:
    """Forget the tokens for the service."""
    kept = Kept()
    sign_in = kept.find(session.profile.url)
    if sign_in is None:
        raise CommandError(f"nobody is signed in at {session.profile.url}")
    kept.forget(sign_in)
    session.printer.line(f"signed out at {session.profile.url}")
    return ExitCode.GOOD


def _has_browser() -> bool:
    """A browser in the terminal would fight with it; on Linux the others need a display."""
    if sys.platform.startswith("linux") and not {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _subject_of(token: str) -> str | None:
    """Read whom a token is about: it names the user by default, proves nothing, and may be sealed."""
    try:
        payload = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (IndexError, ValueError, KeyError, TypeError):
        return None
    return subject if isinstance(subject, str) else None
