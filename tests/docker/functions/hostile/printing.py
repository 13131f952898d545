"""Harm to whoever keeps what it writes."""

import contextlib
import sys
import time


def much(out, event):
    line = b"x" * 1023 + b"\n"
    for _ in range(event["mib"] * 1024):
        out.write(line)


def one_line(out, event):
    for _ in range(event["mib"]):
        out.write(b"y" * 1_048_576)
    out.write(b"\nafter\n")


def binary(out, event):
    out.write(bytes(range(256)) * 4 + b"\nafter\n")


def without_newline(out, event):
    out.write(b"no newline at the end")


def for_ever(out, event):
    line = b"z" * 1023 + b"\n"
    with contextlib.suppress(BrokenPipeError):
        while True:
            out.write(line)


def for_a_while(out, event):
    deadline = time.monotonic() + event["seconds"]
    lines = (b"z" * event.get("width", 1023) + b"\n") * 64
    while time.monotonic() < deadline:
        out.write(lines)


WAYS = {
    "print-much": much,
    "print-one-line": one_line,
    "print-binary": binary,
    "print-without-newline": without_newline,
    "print-for-ever": for_ever,
    "print-for-a-while": for_a_while,
}


def printed(todo, event):
    """Print in that way."""
    out = sys.stdout.buffer
    WAYS[todo](out, event)
    out.flush()
    return "printed"
