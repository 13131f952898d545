"""The function image that the benchmarks run: the tests' own, built if it is not there."""

from __future__ import annotations

from pathlib import Path

import docker

_FOLDER = Path(__file__).parent.parent / "tests" / "docker" / "functions" / "behaviours"
_TAG = "paddock-test/behaviours:latest"


def behaviours_image() -> str:
    """Build the image that does what its event says; its tag."""
    engine = docker.from_env(timeout=120)
    try:
        engine.images.build(path=str(_FOLDER), tag=_TAG, rm=True, forcerm=True)
    finally:
        engine.close()
    return _TAG
