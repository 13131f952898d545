"""What the engine says of a container that did not start, in AWS's types."""

from __future__ import annotations

import pytest
from docker.errors import APIError

from orchestrator.containers.engine import start_failed


@pytest.mark.parametrize(
    ("said", "error_type"),
    [
        ('exec: "/nothing": stat /nothing: no such file or directory: unknown', "Runtime.InvalidEntrypoint"),
        ("exec /app: exec format error", "Runtime.InvalidEntrypoint"),
        ('chdir to cwd ("/nowhere") set in config.json failed: no such file', "Runtime.InvalidWorkingDir"),
        (
            "unable to start container process: namespace path: lstat /proc/30162/ns/net: no such file or directory",
            "Sandbox.Failure",
        ),
        ("cannot join network of a non running container: 0123", "Sandbox.Failure"),
        ("something that nobody has seen yet", "Sandbox.Failure"),
    ],
)
def test_a_failed_start_is_the_functions_fault_only_if_its_image_or_configuration_is(
    said: str, error_type: str
) -> None:
    """A sandbox that died while its function was started is ours, though runc speaks of a missing file."""
    assert start_failed(APIError("500", explanation=said)).error_type == error_type
