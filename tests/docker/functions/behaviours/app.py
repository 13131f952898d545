"""Does what the event says, so that one image can behave in every way a test needs."""

import errno
import glob
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request

STARTED = time.time()
if os.environ.get("FAIL_AT_IMPORT"):
    raise RuntimeError("told to fail at import")
if os.environ.get("SLOW_IMPORT_S"):
    time.sleep(float(os.environ["SLOW_IMPORT_S"]))


def reached(host, port):
    """ "yes", or why not."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        return str(error)
    return "yes"


def listen(port):
    """Accept connections on every address, in a thread, for ever."""
    listening = socket.create_server(("0.0.0.0", port), reuse_port=True)

    def accept():
        while True:
            listening.accept()[0].close()

    threading.Thread(target=accept, daemon=True).start()


def own_address():
    """Of the interface towards the Runtime API."""
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        return connection.getsockname()[0]


def fill_tmp(hold_s):
    """Write until it is refused, and stay for a while."""
    block, written = b"x" * 1_048_576, 0
    with open("/tmp/filled", "wb", buffering=0) as file:
        while True:
            try:
                written += file.write(block)
            except OSError as error:
                time.sleep(hold_s)
                return {"written": written, "error": errno.errorcode[error.errno]}


def look_at_tmp():
    """What is in it, what it is, and whether a program runs from it."""
    listed = os.listdir("/tmp")
    with open("/proc/mounts") as mounts:
        filesystem = next(line.split()[2] for line in mounts if line.split()[1] == "/tmp")
    with open("/tmp/program", "w") as program:
        program.write("#!/bin/sh\necho it runs\n")
    os.chmod("/tmp/program", 0o700)
    ran = subprocess.run(["/tmp/program"], capture_output=True, text=True).stdout.strip()
    os.remove("/tmp/program")
    return {"listed": listed, "filesystem": filesystem, "ran": ran}


def burnt(seconds):
    """How much of one CPU it gets, when it takes all it can."""
    ends, before, began = time.monotonic() + seconds, time.process_time(), time.monotonic()
    while time.monotonic() < ends:
        pass
    return {"share": (time.process_time() - before) / (time.monotonic() - began)}


def readable(patterns):
    """What can be read of these files."""
    found = {}
    for path in [path for pattern in patterns for path in glob.glob(pattern)]:
        try:
            with open(path, "rb") as file:
                found[path] = file.read(65_536).decode(errors="replace")
        except OSError as error:
            found[path] = errno.errorcode[error.errno]
    return found


def handler(event, context):
    """Echo, sleep, raise, exit, eat memory, print, look around, or call another function."""
    todo = event.get("do", "echo") if isinstance(event, dict) else "echo"
    if todo == "sleep":
        time.sleep(event["seconds"])
    elif todo == "raise":
        raise ValueError(event.get("message", "told to raise"))
    elif todo == "exit":
        os._exit(event.get("code", 1))
    elif todo == "memory":
        hog = bytearray(event["mib"] * 1_048_576)
        for page in range(0, len(hog), 4096):
            hog[page] = 1
    elif todo == "print":
        for line in event["lines"]:
            print(line, flush=True)
    elif todo == "print-error":
        print(event["line"], file=sys.stderr, flush=True)
    elif todo == "mark":
        # Asynchronous runs leave their trace where the test can count it.
        print(f"MARK {event['mark']}", flush=True)
        time.sleep(event.get("seconds", 0))
    elif todo == "large":
        return "x" * event["bytes"]
    elif todo == "context":
        return {
            "request_id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "name": context.function_name,
            "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "log_group": context.log_group_name,
            "log_stream": context.log_stream_name,
            "remaining_ms": context.get_remaining_time_in_millis(),
            "client_context": getattr(context.client_context, "custom", None),
            "environment": dict(os.environ),
            "uid": os.getuid(),
            "gid": os.getgid(),
        }
    elif todo == "write-tmp":
        with open("/tmp/filled", "wb") as file:
            for _ in range(event["bytes"] // 1_048_576):
                file.write(b"x" * 1_048_576)
        return {"size": os.path.getsize("/tmp/filled")}
    elif todo == "fill-tmp":
        return fill_tmp(event.get("hold_s", 0))
    elif todo == "empty-tmp":
        os.remove("/tmp/filled")
    elif todo == "look-at-tmp":
        return look_at_tmp()
    elif todo == "write-file":
        with open(event["path"], "wb", buffering=0) as file:
            for _ in range(event["mib"]):
                file.write(b"x" * 1_048_576)
        time.sleep(event.get("seconds", 0))
        return {"size": os.path.getsize(event["path"])}
    elif todo == "look-at-file":
        return {"size": os.path.getsize(event["path"])}
    elif todo == "write-root":
        try:
            with open("/var/task/written", "w") as file:
                file.write("x")
        except OSError as error:
            return {"refused": str(error)}
        return {"refused": None}
    elif todo == "invoke":
        url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + f"/2015-03-31/functions/{event['name']}/invocations"
        request = urllib.request.Request(url, json.dumps(event.get("payload", {})).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    elif todo == "list-functions":
        url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/"
        try:
            urllib.request.urlopen(url, timeout=20)
        except urllib.error.HTTPError as error:
            return {"status": error.code, "body": json.load(error)}
        return {"status": 200}
    elif todo == "connect":
        return {f"{host}:{port}": reached(host, port) for host, port in event["targets"]}
    elif todo == "listen":
        listen(event["port"])
        time.sleep(event["seconds"])
        return {"address": own_address()}
    elif todo == "ping-runtime-api":
        url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/ping"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return {"status": answer.status, "address": own_address(), "host": os.environ["AWS_LAMBDA_RUNTIME_API"]}
    elif todo == "burn":
        return burnt(event["seconds"])
    elif todo == "read":
        return readable(event["paths"])
    elif todo == "none":
        return None
    return {"event": event, "pid": os.getpid(), "started": STARTED}
