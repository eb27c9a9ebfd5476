"""A sign-in as requests use it: an access token that is renewed before it ends."""

import time

from watchlist_cli.errors import CommandError, UnavailableError
from watchlist_cli.signing_in.issuer import GrantError, Issuer, Tokens
from watchlist_cli.signing_in.kept import Kept, SignIn

_LEEWAY_SECONDS = 30
"""A token that ends so soon is not begun with: the request takes a while, and clocks differ."""


class SignedOutError(CommandError):
    """The sign-in is over; only a person can begin another."""

    exit_code = UnavailableError.exit_code


class Renewal:
    """Gives the access token of one sign-in; nothing is read or asked before the first is wanted."""

    def __init__(self, sign_in: SignIn, kept: Kept) -> None:
        self._sign_in = sign_in
        self._kept = kept
        self._tokens: Tokens | None = None

    def token(self) -> str:
        """Return an access token that is good, as far as one can tell.

        Raises:
            SignedOutError: the issuer gives no other one.
            UnavailableError: the issuer does not answer.
        """
        if self._tokens is None:
            self._tokens = self._kept.tokens_of(self._sign_in)
        ends = self._tokens.expires_at
        if ends is not None and ends - _LEEWAY_SECONDS < time.time():
            self.renew()
        return self._tokens.access

    def renew(self) -> None:
        """Get another access token; what another process got meanwhile is taken.

        Raises:
            SignedOutError: the issuer gives none.
            UnavailableError: the issuer does not answer.
        """
        with self._kept.locked():
            known = self._tokens
            sign_in = self._kept.find(self._sign_in.service_url)
            if sign_in is None:
                raise SignedOutError("you have signed out meanwhile: `watchlist login`")
            self._tokens = self._kept.tokens_of(sign_in)
            if self._tokens == known:
                self._tokens = self._another(sign_in, self._tokens)
                self._kept.put(sign_in, self._tokens)

    def _another(self, sign_in: SignIn, tokens: Tokens) -> Tokens:
        if tokens.refresh is None:
            raise SignedOutError(f"the sign-in at {sign_in.issuer} has ended: `watchlist login`")
        issuer = Issuer.discover(sign_in.issuer)
        try:
            return issuer.grant(grant_type="refresh_token", refresh_token=tokens.refresh, client_id=sign_in.client_id)
        except GrantError as error:
            raise SignedOutError(f"{error}; `watchlist login` again") from error
