"""What engines and container runtimes say when a program does not run, as AWS's errors."""

from __future__ import annotations

import pytest

from orchestrator.domain.start_failures import exec_failure, start_failure

_RUNC = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
_OLD_RUNC = "OCI runtime create failed: container_linux.go:380: starting container process caused: "

STARTS: dict[str, tuple[str, str, str, str]] = {
    "neither ENTRYPOINT nor CMD": (
        "No command specified",
        "Runtime.InvalidEntrypoint",
        "no command specified",
        "neither ENTRYPOINT nor CMD",
    ),
    "a program that is not there": (
        _RUNC + 'exec: "/gone": stat /gone: no such file or directory: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /gone: no such file or directory",
        "the image has no /gone",
    ),
    "the same of an older runc": (
        _OLD_RUNC + 'exec: "/gone": stat /gone: no such file or directory: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /gone: no such file or directory",
        "the image has no /gone",
    ),
    "a shell that is not there": (
        _RUNC + 'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /bin/sh: no such file or directory",
        "write them with brackets",
    ),
    "a name that no folder has": (
        _RUNC + 'exec: "gone": executable file not found in $PATH: unknown',
        "Runtime.InvalidEntrypoint",
        'exec: "gone": executable file not found in $PATH',
        "PATH",
    ),
    "a file that may not be executed": (
        _RUNC + 'exec: "/x": permission denied: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /x: permission denied",
        "chmod 755",
    ),
    "a file in a folder that may not be entered": (
        _RUNC + 'exec: "/private/x": stat /private/x: permission denied: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /private/x: permission denied",
        "the folders above it",
    ),
    "a directory, of a newer runc": (
        _RUNC + 'exec: "/var/task": is a directory: unknown',
        "Runtime.InvalidEntrypoint",
        "fork/exec /var/task: permission denied",
        "is a directory",
    ),
    "another architecture, of crun": (
        "crun: exec container process `/x`: Exec format error: OCI runtime error",
        "Runtime.InvalidEntrypoint",
        "fork/exec /x: exec format error",
        "another processor architecture",
    ),
    "a working directory that is a file": (
        "Cannot mkdir: /etc/passwd is not a directory",
        "Runtime.InvalidWorkingDir",
        "Cannot mkdir: /etc/passwd is not a directory",
        "WorkingDirectory",
    ),
    "a working directory that is relative": (
        "the working directory 'here' is invalid, it needs to be an absolute path",
        "Runtime.InvalidWorkingDir",
        "the working directory 'here' is invalid, it needs to be an absolute path",
        "absolute path",
    ),
    "a working directory that cannot be entered": (
        _RUNC + 'chdir to cwd ("/x") set in config.json failed: permission denied: unknown',
        "Runtime.InvalidWorkingDir",
        'chdir to cwd ("/x") set in config.json failed: permission denied',
        "WORKDIR",
    ),
    "/tmp that is a file": (
        _RUNC + 'error during container init: error mounting "/var/lib/docker/volumes/0c/_data" to rootfs at "/tmp": '
        "mount /var/lib/docker/volumes/0c/_data:/tmp (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: "
        "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists",
        "Runtime.InvalidImage",
        "nothing can be mounted at /tmp of the image: mount :/tmp (via /proc/self/fd/6), flags: 0x5000: not a ",
        "/tmp must be an ordinary directory",
    ),
    "a VOLUME in /proc": (
        _OLD_RUNC + 'process_linux.go:545: container init caused: rootfs_linux.go:76: mounting "/v/_data" to rootfs '
        'at "/proc" caused: "/docker/overlay2/d/merged/proc" cannot be mounted because it is inside /proc: unknown',
        "Runtime.InvalidImage",
        'nothing can be mounted at /proc of the image: "/proc" cannot be mounted because it is inside /proc',
        "/proc, /sys or /dev",
    ),
    "/etc/passwd that is a directory": (
        "unable to find user 993: read /var/lib/docker/overlay2/d2/merged/etc/passwd: is a directory",
        "Runtime.InvalidImage",
        "the image's /etc/passwd is no file",
        "make it a file",
    ),
    "a failure of the engine's own": (
        "failed to create shim task: context deadline exceeded: unknown",
        "Sandbox.Failure",
        "failed to create shim task: context deadline exceeded",
        "the container did not start",
    ),
    "a sandbox that has gone": (
        "cannot join network of a non running container: 0123",
        "Sandbox.Failure",
        "the network sandbox died before the function started: cannot join network of a non running container: 0123",
        "the network sandbox died before the function started",
    ),
    "a full disk of the engine": (
        _RUNC + "error during container init: mkdir /var/lib/docker/x: no space left on device: unknown",
        "Sandbox.Failure",
        _RUNC + "error during container init: mkdir /var/lib/docker/x: no space left on device",
        "the container did not start",
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_container_that_does_not_start_is_told_as_aws_tells_it(name: str) -> None:
    """Its type and message; the diagnosis says what to look at."""
    text, error_type, message, diagnosis = STARTS[name]
    found = start_failure(text)
    assert found.error_type == error_type
    assert found.message.startswith(message)
    assert diagnosis in found.diagnosis


@pytest.mark.parametrize(
    ("written", "message", "diagnosis"),
    [
        ("exec /x: exec format error\n", "fork/exec /x: exec format error", "another processor architecture"),
        ("exec /my prog: exec format error\n", "fork/exec /my prog: exec format error", "does not begin with #!"),
        (
            "exec /x: no such file or directory\n",
            "fork/exec /x: no such file or directory",
            "the interpreter of its #!",
        ),
        ("exec /x: argument list too long\n", "fork/exec /x: argument list too long", "shorten ENV"),
        ("exec /x: permission denied", "fork/exec /x: permission denied", "the function's user"),
        (
            "standard_init_linux.go:228: exec user process caused: exec format error\n",
            "fork/exec: exec format error",
            "the program is built for another",
        ),
    ],
)
def test_a_program_that_the_kernel_does_not_execute_is_an_invalid_entry_point(
    written: str, message: str, diagnosis: str
) -> None:
    """Its container has started by then: runc says it where the program would have written."""
    found = exec_failure(written)
    assert found is not None
    assert found.error_type == "Runtime.InvalidEntrypoint"
    assert found.message == message
    assert diagnosis in found.diagnosis


@pytest.mark.parametrize(
    "written",
    [
        "",
        "\n",
        "sh: 1: exec: /x: not found\n",
        "starting\nexec /x: exec format error\n",
        "exec /x: exec format error\nmore",
    ],
)
def test_what_a_program_writes_itself_is_no_such_failure(written: str) -> None:
    """Then it was executed."""
    assert exec_failure(written) is None
