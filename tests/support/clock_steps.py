"""The wall clock of a process, set by a test: Debian's libfaketime. Monotonic time is left alone, as a step does."""

from __future__ import annotations

from pathlib import Path

_LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class SteppedClock:
    """
    What a process takes for the host's clock.

    Args:
        file: Where it looks by how much that is off; kept by this.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step_to(0)

    @staticmethod
    def library() -> Path | None:
        """Of the package `faketime`, if it is installed."""
        return next(iter(sorted(Path("/").glob(_LIBRARIES[1:]))), None)

    @property
    def variables(self) -> dict[str, str]:
        """For the process."""
        return {
            "LD_PRELOAD": str(self.library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Not at each look at a clock: a start would take three times as long.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step_to(self, offset_s: int) -> None:
        """It is so many seconds ahead of the true time from the next second on, or behind."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}\n")
        new.replace(self._file)
