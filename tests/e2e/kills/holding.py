"""Points at which processes of a service stay until whoever strikes at them has struck."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Holds:
    """Points that are held, and those that were reached, as files of a folder that all processes see."""

    folder: Path

    def hold(self, points: Iterable[str]) -> None:
        """Let whoever reaches one of the points stay there."""
        for point in points:
            for folder in (self._held, self._reached):
                folder.mkdir(exist_ok=True)
            (self._held / point).touch()

    def reach(self, point: str) -> None:
        """Stay here while the point is held."""
        held = self._held / point
        if held.exists():
            (self._reached / point).touch()
        while held.exists():
            time.sleep(_LOOK_SECONDS)

    def reached(self) -> set[str]:
        """Return the points at which somebody is, or was."""
        return {path.name for path in self._reached.iterdir()}

    def release(self) -> None:
        """Let everybody go on, also those who come later."""
        for path in self._held.iterdir():
            path.unlink()

    @property
    def _held(self) -> Path:
        return self.folder / "held"

    @property
    def _reached(self) -> Path:
        return self.folder / "reached"
