"""Harm to its own Runtime API: each returns what it was answered."""

import os
import socket
import threading
import time

HOST, _, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
INVOCATION = "/2018-06-01/runtime/invocation/"
PING = "/2018-06-01/ping"
# Looked up once: a flood must not wait for that.
ADDRESS = (socket.gethostbyname(HOST), int(PORT))


def connected(timeout=10):
    return socket.create_connection(ADDRESS, timeout=timeout)


def status_line(connection):
    """Of the next answer; "closed" if there is none."""
    received = b""
    while b"\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return "closed"
        received += piece
    return received.split(b"\r\n")[0].decode()


def exchange(*pieces):
    """Send these bytes to the Runtime API; the status line of the answer, or what went wrong."""
    try:
        with connected() as connection:
            connection.sendall(b"".join(pieces))
            return status_line(connection)
    except OSError as error:
        return type(error).__name__


def request(method, path, *headers, body=b"", host=None, length=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or HOST + ':' + PORT}", *headers]
    if body or length is not None:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def post(request_id, call="response", **options):
    return request("POST", f"{INVOCATION}{request_id}/{call}", **options)


def other_request_id(own, event):
    return exchange(post(event["request_id"], body=b"1"))


def no_request_id(own, event):
    return exchange(post("no-such-id", body=b"1"))


_before = []


def request_before(own, event):
    """Answers what it answered last time; None the first time."""
    before = _before[-1] if _before else None
    _before.append(own)
    return exchange(post(before, body=b'"late"')) if before else None


def other_host(own, event):
    return exchange(post(own, body=b"1", host=event["host"]))


def no_host(own, event):
    return exchange(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")


def next_while_busy(own, event):
    return exchange(request("GET", INVOCATION + "next"))


def twice(own, event):
    return [exchange(post(own, body=b'"first"')), exchange(post(own, body=b'"second"'))]


def half_a_body(own, event):
    with connected() as connection:
        connection.sendall(post(own, body=b'"half', length=100))
        connection.shutdown(socket.SHUT_WR)
        # Else its answer may be there first, and what is refused is half a second one.
        return "closed by me" if status_line(connection) == "closed" else "answered"


def body_without_end(own, event):
    """Chunk after chunk; what it was told once it was told something."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connected(60) as connection:
        connection.sendall(request("POST", f"{INVOCATION}{own}/response", "Transfer-Encoding: chunked"))
        sent = 0
        try:
            while True:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError as error:
            return [type(error).__name__, sent]


def byte_a_second(own, event):
    """A body of a hundred bytes, each a second after the one before."""
    with connected(200) as connection:
        connection.sendall(post(own, length=100))
        for _ in range(100):
            connection.sendall(b"1")
            time.sleep(1)
        return status_line(connection)


def late(own, event):
    """Answers again and again, until long after its time; prints what it is told."""

    def go_on():
        while True:
            print("late:", exchange(post(own, body=b'"late"')), flush=True)
            time.sleep(0.01)

    time.sleep(event["after_s"])
    go_on()


def across_its_end(own, event):
    """Begins its answer in time, and ends it too late."""
    with connected(60) as connection:
        connection.sendall(post(own, body=b'"in time', length=20))
        time.sleep(event["seconds"])
        connection.sendall(b', too late!"')
        return status_line(connection)


def giant_header(own, event):
    return exchange(request("GET", PING, "X-A: " + "a" * 1_000_000))


def upgrade(own, event):
    return exchange(request("GET", PING, "Connection: upgrade", "Upgrade: websocket"))


def pipelined(own, event):
    return exchange(request("GET", PING) * 500)


def no_http(own, event):
    return exchange(os.urandom(2000) + b"\r\n\r\n")


def init_error(own, event):
    return exchange(request("POST", "/2018-06-01/runtime/init/error", body=b"{}"))


def other_paths(own, event):
    return [exchange(request("GET", path)) for path in ("/", "/../healthz", "/_paddock/environments", "//", "/%00")]


def ping_flood(own, event):
    """Requests without end on many connections at once, answers unread as far as that goes; how many were answered."""
    deadline = time.monotonic() + event["seconds"]
    burst = request("GET", PING) * 200
    answered = []

    def flood():
        count = 0
        while time.monotonic() < deadline:
            try:
                with connected(1) as connection:
                    while time.monotonic() < deadline:
                        connection.sendall(burst)
                        count += connection.recv(1_048_576).count(b"HTTP/1.1")
            except OSError:
                continue
        answered.append(count)

    threads = [threading.Thread(target=flood) for _ in range(event.get("connections", 50))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered)


def connection_flood(own, event):
    """Connects and leaves, as fast as it can; how often it came to that."""
    deadline = time.monotonic() + event["seconds"]
    count = 0
    while time.monotonic() < deadline:
        try:
            connected(1).close()
            count += 1
        except OSError:
            continue
    return count


def many_connections(own, event):
    """Holds as many as it gets, from many processes."""
    children = []
    for _ in range(event["processes"]):
        child = os.fork()
        if child == 0:
            held = []
            try:
                while len(held) < event["each"]:
                    held.append(connected(5))
            except OSError:
                pass
            time.sleep(event["seconds"])
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return len(children)
