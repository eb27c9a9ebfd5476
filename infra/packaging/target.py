"""What the packages are built for; one place for the runtime of the functions and the packages that go into it."""

from dataclasses import dataclass

PYTHON_VERSION = "3.13"
"""Python of the Lambda runtime, of the packages' wheels and of their bytecode."""


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that wheels are chosen for.

    Attributes:
        name: a name for its folder.
        platform: uv's name of it, or None for the machine that builds.
    """

    name: str
    platform: str | None


LAMBDA = Target("lambda", "aarch64-manylinux2014")
"""Lambda on ARM."""

THIS_MACHINE = Target("this-machine", None)
"""For measuring here how long a package takes to import."""
