"""What there is once on this host, for tests that run beside each other."""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def only_here(what: str) -> Iterator[None]:
    """Tests in other processes that need the same of this host wait until this is over, or its process has ended."""
    with (Path(tempfile.gettempdir()) / f"paddock-test-{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
