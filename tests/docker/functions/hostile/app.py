"""Means harm: to its own Runtime API, to its limits, to its neighbours. Says what it was answered."""

import os
import time

import on_its_limits
import on_the_runtime_api
import printing

if os.environ.get("SPIN_AT_IMPORT_S"):
    on_its_limits.spins("", {"seconds": float(os.environ["SPIN_AT_IMPORT_S"])})
if os.environ.get("EXIT_AT_IMPORT"):
    os._exit(9)


def nothing(own, event):
    return None


def exits(own, event):
    os._exit(event.get("code", 1))


def sleeps(own, event):
    time.sleep(event["seconds"])


def handler(event, context):
    """Do it; what came of it."""
    todo = event.get("do", "nothing")
    if todo in printing.WAYS:
        return printing.printed(todo, event)
    name = todo.replace("-", "_")
    for ways in (globals(), vars(on_the_runtime_api), vars(on_its_limits)):
        if name in ways:
            return {"told": ways[name](context.aws_request_id, event)}
    raise ValueError(f"there is no such harm: {todo}")
