"""A Lambda function from its first call on: its settings, its log, and what it makes of the settings.

Importing a function's module reads and makes nothing, so that one process can hold any number of functions, each
started with variables of its own. Such a process serves one invocation at a time, as Lambda's does: Powertools keeps
the current event and the metrics in attributes of classes.
"""

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from watchlist import git_hosts
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.settings import SettingsModel, load

Event = dict[str, Any]
Answer = TypeVar("Answer")
Part = TypeVar("Part")
Handler = Callable[[Event, LambdaContext], Answer]


class LambdaFunction(Generic[SettingsModel]):
    """One function; its module has it as `function`.

    Attributes:
        logger: named as the function is.
    """

    def __init__(self, spec: FunctionSpec[SettingsModel]) -> None:
        self._spec = spec
        self._settings: SettingsModel | None = None
        self._makers: list[Callable[[SettingsModel], Any]] = []
        self._parts: dict[Callable[[SettingsModel], Any], Any] = {}
        self.logger = Logger(service=spec.name)

    def start(self, environment: Mapping[str, str] = os.environ) -> SettingsModel:
        """Read the settings and make all parts, now and not at the first call; those that were made before go.

        Raises:
            SettingsError: a variable is missing or malformed.
        """
        settings = load(self._spec.settings, environment)
        self._settings = settings
        self._parts = {}
        for make in self._makers:  # in their order: a part can be made of those before
            self._parts[make] = make(settings)
        self.logger.setLevel(settings.log_level)
        return settings

    @property
    def settings(self) -> SettingsModel:
        """The settings, read if they have not been yet."""
        return self._settings or self.start()

    def part(self, make: Callable[[SettingsModel], Part]) -> Callable[[], Part]:
        """Return what returns the part that `make` made of the settings when the function started."""
        self._makers.append(make)

        @functools.wraps(make)
        def get() -> Part:
            if self._settings is None:
                self.start()
            part: Part = self._parts[make]
            return part

        return get

    def handler(self, handle: Handler[Answer], correlation_id_path: str | None = None) -> Handler[Answer]:
        """Return the entry point that Lambda calls.

        Args:
            handle: serves one event.
            correlation_id_path: where the event has the id that its log lines get.
        """
        logged = self.logger.inject_lambda_context(handle, clear_state=True, correlation_id_path=correlation_id_path)

        @functools.wraps(handle)
        def entry(event: Event, context: LambdaContext) -> Answer:
            self.take_over()
            answer: Answer = logged(event, context)
            return answer

        return entry

    def take_over(self) -> None:
        """Set what is the process's to this function's values before each call: another may have been served before.

        Raises:
            SettingsError: a variable is missing or malformed.
        """
        git_hosts.bind(self.settings.git_hosts)
