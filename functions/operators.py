"""Who among those with a token is an operator, who may act for every user: whoever has a claim with a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Operators:
    """The mark of an operator.

    Attributes:
        claim: of the token, such as `cognito:groups`, `roles` or `scope`; None if nobody with a token is one.
        value: what it must be or contain.
    """

    claim: str | None
    value: str

    def include(self, claims: Mapping[str, Any]) -> bool:
        """Return whether a token with these claims, as API Gateway hands them on, is an operator's.

        A claim that is a list comes as the text `[one two]`, a scope as `one two` (API Gateway guide, "Control access
        to HTTP APIs with JWT authorizers"); so the names of groups must have no spaces in them.
        """
        found = None if self.claim is None else claims.get(self.claim)
        if isinstance(found, str):
            found = _BETWEEN.split(found.strip().removeprefix("[").removesuffix("]"))
        return isinstance(found, list) and self.value in found
