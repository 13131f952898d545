"""Harm to what it may have: processes, files, memory, disk, processor. Each returns what the kernel told it."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

from on_the_runtime_api import connected


def until_refused(act, most):
    """Do it until the kernel says no; how often it did, and what it said."""
    for count in range(most):
        try:
            act()
        except OSError as error:
            return [count, errno.errorcode.get(error.errno, str(error.errno))]
    return [most, None]


def forks(own, event):
    children = []

    def fork():
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)

    told = until_refused(fork, 5000)
    time.sleep(event.get("seconds", 0))
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return told


def fork_and_exit(own, event):
    """Children that end at once, as fast as they can be made."""
    deadline = time.monotonic() + event["seconds"]
    count = 0
    while time.monotonic() < deadline:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        count += 1
    return count


def files(own, event):
    opened = []
    told = until_refused(lambda: opened.append(os.open("/dev/null", os.O_RDONLY)), 5000)
    for one in opened:
        os.close(one)
    return told


def inodes(own, event):
    names = iter(range(10_000_000))
    told = until_refused(lambda: os.close(os.open(f"/tmp/{next(names)}", os.O_CREAT | os.O_WRONLY)), 10_000_000)
    for name in os.listdir("/tmp"):
        os.remove(f"/tmp/{name}")
    return told


def connections(own, event):
    opened = []
    told = until_refused(lambda: opened.append(connected(5)), 5000)
    for one in opened:
        one.close()
    return told


def fill_tmp(own, event):
    """Write until it is full, empty it, and again."""
    deadline = time.monotonic() + event.get("seconds", 0)
    block = b"x" * 1_048_576
    while True:
        with open("/tmp/filled", "wb", buffering=0) as file:
            told = until_refused(lambda: file.write(block), 100_000)
            if event.get("sync"):
                os.fsync(file.fileno())
        os.remove("/tmp/filled")
        if time.monotonic() >= deadline:
            return told


def child_out_of_memory(own, event):
    eater = f"x = bytearray({event['mib']} * 1048576)\nfor i in range(0, len(x), 4096): x[i] = 1"
    return subprocess.run([sys.executable, "-c", eater]).returncode


def out_of_memory(own, event):
    hog = bytearray(event["mib"] * 1_048_576)
    for page in range(0, len(hog), 4096):
        hog[page] = 1


def allocate(own, event):
    """Takes and gives back nearly all of its memory, again and again."""
    deadline = time.monotonic() + event["seconds"]
    rounds = 0
    while time.monotonic() < deadline:
        hog = bytearray(event["mib"] * 1_048_576)
        for page in range(0, len(hog), 4096):
            hog[page] = 1
        del hog
        rounds += 1
    return rounds


def busy_when_idle(own, event):
    threading.Thread(target=spin, daemon=True).start()
    return "spinning"


def spins(own, event):
    """On every processor there is."""
    deadline = time.monotonic() + event["seconds"]
    children = []
    for _ in range(event.get("processes", 4)):
        child = os.fork()
        if child == 0:
            while time.monotonic() < deadline:
                pass
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return "spun"


def ignore_sigterm(own, event):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return "ignoring"


def spin():
    while True:
        pass
