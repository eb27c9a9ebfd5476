"""The embedded AWS of a whole test session, with the functions that were imported to use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment


@dataclass(frozen=True)
class Aws:
    server: EmbeddedAws
    environment: Environment
    variables: Mapping[str, str]
    functions: Mapping[str, ModuleType]
