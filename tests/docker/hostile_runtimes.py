"""
The hostile runtimes of the table: what the function is told to do, what its caller gets, what the log says. Data only.

`caller` and `log` are regular expressions; what they are matched with is made by `table.py`. What each does is in
`functions/hostile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_OTHER_REQUEST = "01a20a6a-55ea-8000-879d-f187f2ab8baf"
_OTHER_HOST = "rt-" + "a" * 32 + ":9001"
_BAD = r'^answers {"told": "HTTP/1.1 400 Bad Request"}'
_REFUSED = r'^answers {"told": "HTTP/1.1 403 Forbidden"}'
_TIMED_OUT = r"^Sandbox.Timedout: Task timed out after 3.00 seconds"
_AT_THE_LIMIT = r"(9\d\d|10[01]\d|102[0-4])"
_GOES_WELL = "REPORT RequestId"


@dataclass(frozen=True, kw_only=True)
class HostileRuntime:
    """
    One row.

    Args:
        event: What it is told to do.
        before: What it is told before, whatever comes of it.
        configuration: Of the function, beside what all have.
        goes_on: Does the same environment answer the next call? A runtime client whose own answer is refused ends.
    """

    name: str
    event: Mapping[str, Any]
    caller: str
    log: str = _GOES_WELL
    before: Mapping[str, Any] | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    goes_on: bool = True


HOSTILE_RUNTIMES = (
    # To its own Runtime API.
    HostileRuntime(
        name="answers another request",
        event={"do": "other-request-id", "request_id": _OTHER_REQUEST},
        caller=_BAD,
        log="refused: it answered a request that it does not work on",
    ),
    HostileRuntime(
        name="answers no request",
        event={"do": "no-request-id"},
        caller=_BAD,
        log="refused: it answered a request that it does not work on",
    ),
    HostileRuntime(
        name="answers the request before",
        before={"do": "request-before"},
        event={"do": "request-before"},
        caller=_BAD,
        log="refused: it answered a request that it does not work on",
    ),
    HostileRuntime(
        name="answers twice",
        event={"do": "twice"},
        caller=r'^answers "first"$',
        log="refused: it answered twice",
        goes_on=False,
    ),
    HostileRuntime(
        name="answers late, again and again",
        event={"do": "late", "after_s": 3.1},
        configuration={"Timeout": 3},
        caller=_TIMED_OUT,
        log="Status: timeout",
        goes_on=False,
    ),
    HostileRuntime(
        name="begins its answer in time and ends it late",
        event={"do": "across-its-end", "seconds": 8},
        configuration={"Timeout": 3},
        caller=_TIMED_OUT,
        log="Status: timeout",
        goes_on=False,
    ),
    HostileRuntime(
        name="by another environment's name",
        event={"do": "other-host", "host": _OTHER_HOST},
        caller=_REFUSED,
        log="refused: it asked by another name than its own",
    ),
    HostileRuntime(
        name="by no name",
        event={"do": "no-host"},
        caller=_REFUSED,
        log="refused: it asked by another name than its own",
    ),
    HostileRuntime(
        name="fails its init after it",
        event={"do": "init-error"},
        caller=_REFUSED,
        log="refused: it answered twice, or failed in an init that was over",
    ),
    HostileRuntime(
        name="asks for more while it works",
        event={"do": "next-while-busy"},
        caller=r'^answers {"told": "HTTP/1.1 200 OK"}',
    ),
    HostileRuntime(
        name="half a body",
        event={"do": "half-a-body"},
        caller=r'^answers {"told": "closed by me"}',
        log="refused: it left before its answer had come whole",
    ),
    HostileRuntime(
        name="a body without end",
        event={"do": "body-without-end"},
        caller=r"^Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size",
        log="Error Type: Function.ResponseSizeTooLarge",
        goes_on=False,
    ),
    HostileRuntime(
        name="a byte a second",
        event={"do": "byte-a-second"},
        configuration={"Timeout": 3},
        caller=_TIMED_OUT,
        log="Status: timeout",
        goes_on=False,
    ),
    HostileRuntime(
        name="a header of a megabyte",
        event={"do": "giant-header"},
        caller=r'^answers {"told": "(HTTP/1.1 431 Request Header Fields Too Large|\w+Error)"}',
        log="refused: its headers are larger than they may be",
    ),
    HostileRuntime(
        name="500 requests ahead",
        event={"do": "pipelined"},
        caller=r'^answers {"told": "(HTTP/1.1 (200 OK|429 Too Many Requests)|\w+Error)"}',
        log="refused: it sent more requests ahead than it may",
    ),
    HostileRuntime(name="a WebSocket", event={"do": "upgrade"}, caller=r'^answers {"told": "HTTP/1.1 200 OK"}'),
    HostileRuntime(
        name="no HTTP",
        event={"do": "no-http"},
        caller=_BAD,
        log="refused: it sent what is no HTTP",
    ),
    HostileRuntime(
        name="paths of other servers",
        event={"do": "other-paths"},
        caller=r'^answers {"told": \["HTTP/1.1 404 Not Found"(, "HTTP/1.1 404 Not Found"){4}\]}',
        log="refused: it asked for what the Runtime API does not have",
    ),
    HostileRuntime(
        name="4,000 connections of 8 processes",
        event={"do": "many-connections", "processes": 8, "each": 500, "seconds": 1},
        caller=r'^answers {"told": 8}',
        log="refused: it has more connections than it may",
    ),
    HostileRuntime(
        name="connects and leaves for a second",
        event={"do": "connection-flood", "seconds": 1},
        caller=r'^answers {"told": \d+}',
    ),
    HostileRuntime(
        name="floods with pings for a second",
        event={"do": "ping-flood", "seconds": 1},
        caller=r'^answers {"told": \d+}',
        log="refused: it sent more requests ahead than it may",
    ),
    # To what it may have.
    HostileRuntime(
        name="forks until it cannot",
        event={"do": "forks"},
        configuration={"MemorySize": 1769},
        caller=rf'^answers {{"told": \[{_AT_THE_LIMIT}, "EAGAIN"\]}}',
    ),
    HostileRuntime(
        name="forks and ends for a second",
        event={"do": "fork-and-exit", "seconds": 1},
        caller=r'^answers {"told": \d+}',
    ),
    HostileRuntime(
        name="opens files until it cannot",
        event={"do": "files"},
        caller=rf'^answers {{"told": \[{_AT_THE_LIMIT}, "EMFILE"\]}}',
    ),
    HostileRuntime(
        name="connects until it cannot",
        event={"do": "connections"},
        caller=rf'^answers {{"told": \[{_AT_THE_LIMIT}, "EMFILE"\]}}',
    ),
    HostileRuntime(
        name="makes files until it cannot",
        event={"do": "inodes"},
        caller=r'^answers {"told": \[\d{5,}, "ENOSPC"\]}',
    ),
    HostileRuntime(
        name="fills /tmp",
        event={"do": "fill-tmp"},
        caller=r'^answers {"told": \[5[12]\d, "ENOSPC"\]}',
    ),
    HostileRuntime(
        name="takes more memory than it may",
        event={"do": "out-of-memory", "mib": 2000},
        caller=r"^Runtime.OutOfMemory: Runtime exited with error: signal: killed \(.*its 512 MB of memory",
        log="Error Type: Runtime.OutOfMemory",
        goes_on=False,
    ),
    HostileRuntime(
        name="a child takes more memory than it may",
        event={"do": "child-out-of-memory", "mib": 200},
        configuration={"MemorySize": 128},
        caller=r"^Runtime.OutOfMemory: Runtime exited with error: signal: killed \(.*its 128 MB of memory",
        log="Error Type: Runtime.OutOfMemory",
        goes_on=False,
    ),
    HostileRuntime(
        name="takes nearly all its memory for a second",
        event={"do": "allocate", "mib": 400, "seconds": 1},
        caller=r'^answers {"told": \d+}',
    ),
    HostileRuntime(
        name="spins on every processor for a second",
        event={"do": "spins", "seconds": 1},
        caller=r'^answers {"told": "spun"}',
    ),
    HostileRuntime(
        name="spins in its init, for ever",
        event={"do": "nothing"},
        configuration={"Timeout": 3, "Environment": {"Variables": {"SPIN_AT_IMPORT_S": "100"}}},
        caller=_TIMED_OUT + r".*never asked for work",
        log="never asked for work",
        goes_on=False,
    ),
    HostileRuntime(
        name="spins while it is idle",
        event={"do": "busy-when-idle"},
        caller=r'^answers {"told": "spinning"}',
        log="environment.frozen",
    ),
    HostileRuntime(
        name="ignores SIGTERM",
        event={"do": "ignore-sigterm"},
        caller=r'^answers {"told": "ignoring"}',
    ),
    HostileRuntime(
        name="exits in its init",
        event={"do": "nothing"},
        configuration={"Environment": {"Variables": {"EXIT_AT_IMPORT": "1"}}},
        caller=r"^Runtime.ExitError: Runtime exited with error: exit status 9 \(.*before it ever asked for work",
        log="Error Type: Runtime.ExitError",
        goes_on=False,
    ),
    HostileRuntime(
        name="exits in its invocation",
        event={"do": "exits", "code": 5},
        caller=r"^Runtime.ExitError: Runtime exited with error: exit status 5",
        log="Error Type: Runtime.ExitError",
        goes_on=False,
    ),
    # To whoever keeps what it writes.
    HostileRuntime(
        name="prints binary",
        event={"do": "print-binary"},
        caller='^answers "printed"$',
        log=r"\nafter\n",
    ),
    HostileRuntime(
        name="prints no newline",
        event={"do": "print-without-newline"},
        caller='^answers "printed"$',
        log="no newline at the end",
    ),
    HostileRuntime(
        name="prints one line of 50 MB",
        event={"do": "print-one-line", "mib": 50},
        caller='^answers "printed"$',
        log=r"\nafter\n",
    ),
    HostileRuntime(
        name="prints for ever",
        event={"do": "print-for-ever"},
        configuration={"Timeout": 3},
        caller=_TIMED_OUT,
        log=r"\[\d+ bytes of output were dropped here",
        goes_on=False,
    ),
)
