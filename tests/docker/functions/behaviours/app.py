"""Does what the event says, so that one image can behave in every way a test needs."""

import json
import os
import socket
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
    elif todo == "none":
        return None
    return {"event": event, "pid": os.getpid(), "started": STARTED}
