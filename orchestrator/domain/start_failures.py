"""
Why a program did not run: what the engine and its container runtime say, as AWS's error and a diagnosis. Pure.

AWS's words are Go's (`fork/exec /x: permission denied`), in which its supervisor is written; runc's are nearly those.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"
INVALID_WORKING_DIR = "Runtime.InvalidWorkingDir"
INVALID_IMAGE = "Runtime.InvalidImage"
SANDBOX_FAILURE = "Sandbox.Failure"

_SHELLS = ("/bin/sh", "/bin/bash", "/bin/ash")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFailure:
    """
    Args:
        error_type: AWS's; `Sandbox.Failure` where it is no fault of the function.
        message: In AWS's words, where the text is known.
        diagnosis: What to look at.
    """

    error_type: str
    message: str
    diagnosis: str


def start_failure(text: str) -> StartFailure:
    """
    Why a container could not be created or started.

    Args:
        text: The engine's, runc's chain of causes in it.
    """
    for pattern, read in _KNOWN:
        found = pattern.search(text)
        if found is not None:
            return read(found)
    message = text.strip().removesuffix(": unknown")
    return StartFailure(
        error_type=SANDBOX_FAILURE, message=message, diagnosis=f"the container did not start: {message}"
    )


def exec_failure(written: str) -> StartFailure | None:
    """
    Why the kernel did not execute a program, which is only tried once its container has started.

    Args:
        written: All that the container wrote, to its standard error.

    Returns: None if that is no such text, but a program's own.
    """
    found = _EXEC.fullmatch(written.strip())
    return None if found is None else _not_executed(found)


def no_such_directory(path: str) -> StartFailure:
    """The engine would make one, empty and not to be written; AWS says that it is not there."""
    return StartFailure(
        error_type=INVALID_WORKING_DIR,
        message=f"the working directory doesn't exist: {path}",
        diagnosis=f"the image has no {path}; correct WORKDIR or ImageConfig.WorkingDirectory, or make it in the image",
    )


def _sandbox_has_gone(found: re.Match[str]) -> StartFailure:
    message = f"the network sandbox died before the function started: {found[0].strip().removesuffix(': unknown')}"
    return StartFailure(error_type=SANDBOX_FAILURE, message=message, diagnosis=message)


def _no_command(found: re.Match[str]) -> StartFailure:
    return StartFailure(
        error_type=INVALID_ENTRYPOINT,
        message="no command specified",
        diagnosis="the image has neither ENTRYPOINT nor CMD; give it one, or the function an ImageConfig",
    )


def _not_in_path(found: re.Match[str]) -> StartFailure:
    return StartFailure(
        error_type=INVALID_ENTRYPOINT,
        message=f'exec: "{found[1]}": executable file not found in $PATH',
        diagnosis=f"no folder of the image's PATH has a program {found[1]}; add it, or name it with its whole path",
    )


def _not_found(found: re.Match[str]) -> StartFailure:
    path = found[1]
    if path in _SHELLS:
        missing = f"the image has no {path}, which the shell form of ENTRYPOINT and CMD needs; write them with brackets"
    else:
        missing = f"the image has no {path}; correct its ENTRYPOINT, or the function's ImageConfig.EntryPoint"
    return _entry_point(path, "no such file or directory", missing)


def _not_permitted(found: re.Match[str]) -> StartFailure:
    path = found[1]
    return _entry_point(
        path,
        "permission denied",
        f"{path} is a directory, or the function's user may not execute it: chmod 755 it, and the folders above it",
    )


def _not_executed(found: re.Match[str]) -> StartFailure:
    path, reason = found[1] or "", found[2].lower()
    program = path or "the program"
    match reason:
        case "exec format error":
            diagnosis = (
                f"{program} is built for another processor architecture than this host's (docker build --platform), "
                "or is a script whose first line does not begin with #!"
            )
        case "no such file or directory":
            diagnosis = (
                f"{program} is there, but not what runs it: the interpreter of its #! line, or for a dynamically "
                "linked program the loader of its C library; add that to the image"
            )
        case "argument list too long":
            diagnosis = (
                "the image's environment variables and arguments are more than the kernel takes (128 KB for each, "
                "some megabytes in all); shorten ENV"
            )
        case _:
            diagnosis = f"the kernel did not execute {program}; the function's user must be able to"
    return _entry_point(path, reason, diagnosis)


def _entry_point(path: str, reason: str, diagnosis: str) -> StartFailure:
    words = f"fork/exec {path}: {reason}" if path else f"fork/exec: {reason}"
    return StartFailure(error_type=INVALID_ENTRYPOINT, message=words, diagnosis=diagnosis)


def _wrong_directory(found: re.Match[str]) -> StartFailure:
    message = found[0].strip().removesuffix(": unknown")
    return StartFailure(
        error_type=INVALID_WORKING_DIR,
        message=message,
        diagnosis=f"{message}; WORKDIR or ImageConfig.WorkingDirectory must be the absolute path of a directory",
    )


def _nowhere_to_mount(found: re.Match[str]) -> StartFailure:
    place, reason = found[1], _OF_THE_HOST.sub("", found[2].removesuffix(": unknown"))
    return StartFailure(
        error_type=INVALID_IMAGE,
        message=f"nothing can be mounted at {place} of the image: {reason}",
        diagnosis=(
            f"{place} must be an ordinary directory, or file, of the image, or not be there; a VOLUME may not be in "
            "/proc, /sys or /dev, nor above files that every environment gets"
        ),
    )


def _no_accounts(found: re.Match[str]) -> StartFailure:
    return StartFailure(
        error_type=INVALID_IMAGE,
        message="the image's /etc/passwd is no file",
        diagnosis="the engine looks the function's user up in /etc/passwd; make it a file, or leave it out",
    )


_OF_THE_HOST = re.compile(r"/[^\s\":]*/(?:merged(?=/)|_data)")
"""Where the engine keeps things is nobody's business who calls a function."""
_EXEC = re.compile(
    r"""
    (?: (?:standard_init_linux\.go:\d+:\s)? exec\ user\ process\ caused     # runc before 1.1
      | exec:?\ (?:container\ process\ )? [`"]? ([^`":\n]+?) [`"]? )       # runc since; crun
    :\ (exec\ format\ error | no\ such\ file\ or\ directory | permission\ denied | argument\ list\ too\ long)
    """,
    re.VERBOSE | re.IGNORECASE,
)

_KNOWN: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], StartFailure]], ...] = (
    (re.compile(r"no command specified", re.IGNORECASE), _no_command),
    # Of the sandbox's network there is "no such file", too.
    (re.compile(r".*(?:namespace path|/ns/net|cannot join network|joining network namespace).*"), _sandbox_has_gone),
    # Before others: the reason of a mount may be any of theirs.
    (
        re.compile(r'mounting "[^"]*" to rootfs at "([^"]+)"(?: caused)?: (.*?)(?:: Are you trying.*)?$'),
        _nowhere_to_mount,
    ),
    (re.compile(r"unable to find (?:user|group) [^:]*: read \S+/etc/(?:passwd|group): is a directory"), _no_accounts),
    (re.compile(r'exec: "([^"]+)": executable file not found in \$PATH'), _not_in_path),
    (re.compile(r'exec: "([^"]+)": (?:stat [^:]+: )?no such file or directory'), _not_found),
    (re.compile(r'exec: "([^"]+)": (?:stat [^:]+: )?(?:permission denied|is a directory)'), _not_permitted),
    (re.compile(r"chdir to cwd .*|[Cc]annot mkdir: .*|the working directory .*"), _wrong_directory),
    (_EXEC, _not_executed),
)
