"""Where processes can be held, and the modules of those that can."""

from typing import Final

JOB: Final = "tests.e2e.kills.job"
FUNCTIONS: Final = "tests.e2e.kills.functions"

LAUNCHED: Final = "launched"
"""The task runs and has not claimed its job."""

RAISED: Final = "digest-raised"
"""An alert was raised, and is not collected for a digest."""

HANDED_ON: Final = "digest-handed_on"
"""A digest was handed on to its user's channels, and that is not noted."""
