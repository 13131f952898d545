"""
Which sandboxes are ready and have served nobody, on disk: after a crash the next life takes them over, so that its
first callers need not wait for new ones.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path


class ReadySandboxes:
    """
    The list on disk. It is of use after a crash of this process; a crash of the host ends the sandboxes, too.

    Args:
        file: In the driver's folder.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, digest: str, hostnames: Mapping[str, str]) -> None:
        """
        These and no others. Where that cannot be written there is no list at all: none of them is taken over.

        Raises:
            OSError: If the earlier list still stands.

        Args:
            digest: Of what all of them were made from.
            hostnames: By the sandboxes' ids.
        """
        draft = self._file.with_suffix(".draft")
        try:
            # The names are what an environment is known by.
            draft.touch(mode=0o600)
            draft.write_text(json.dumps({"made_from": digest, "hostnames": dict(hostnames)}))
            draft.replace(self._file)
        except OSError:
            self.remove()

    def read(self, digest: str) -> dict[str, str]:
        """The hostnames of those that were made from this, by their ids."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text())
            if found["made_from"] == digest:
                hostnames: dict[str, str] = found["hostnames"]
                return hostnames
        return {}

    def remove(self) -> None:
        """
        There are none.

        Raises:
            OSError: If the list still stands.
        """
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self._file.unlink()
