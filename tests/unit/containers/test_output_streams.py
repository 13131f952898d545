"""What containers write on its way to the control plane: bounded at once and over time, and what is dropped is told."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time

import pytest

from orchestrator.containers.output_streams import FrameReader, OutputQueue, read_frames
from orchestrator.driver.protocol import OutputChunk, OutputStream
from tests.support.fake_clock import FakeClock

_MIB = 1_048_576
_PATIENCE_S = 5
OUT, ERR = OutputStream.STDOUT, OutputStream.STDERR


async def read(queue: OutputQueue, count: int) -> list[OutputChunk]:
    """The next chunks."""
    chunks = queue.chunks()
    async with asyncio.timeout(_PATIENCE_S):
        return [await anext(chunks) for _ in range(count)]


def a_queue() -> tuple[OutputQueue, FakeClock]:
    """One with a clock that moves when told to."""
    clock = FakeClock()
    return OutputQueue(clock.now, clock.monotonic), clock


async def test_what_is_written_comes_as_it_was_written() -> None:
    """In order, of both streams and of several environments."""
    queue, _ = a_queue()
    queue.put("a", OUT, b"one")
    queue.put("b", ERR, b"two")
    queue.put("a", OUT, b"three")
    told = [(one.environment_id, one.stream, one.content, one.dropped_bytes) for one in await read(queue, 3)]
    assert told == [("a", OUT, b"one", 0), ("b", ERR, b"two", 0), ("a", OUT, b"three", 0)]


async def test_one_that_prints_without_end_is_cut_and_nobody_else() -> None:
    """Sixteen megabytes at once, then four a second; every byte is either there or counted."""
    queue, clock = a_queue()
    for _ in range(40):
        queue.put("loud", OUT, b"x" * _MIB)
    queue.put("quiet", OUT, b"hello")
    chunks = await read(queue, 18)
    assert [one.content for one in chunks if one.environment_id == "quiet"] == [b"hello"]
    loud = [one for one in chunks if one.environment_id == "loud"]
    assert sum(len(one.content) for one in loud) == 16 * _MIB + 8192
    assert sum(len(one.content) + one.dropped_bytes for one in loud) == 40 * _MIB
    clock.advance(1)
    for _ in range(5):
        queue.put("loud", OUT, b"x" * _MIB)
    later = await read(queue, 5)
    assert sum(len(one.content) + one.dropped_bytes for one in later) == 5 * _MIB
    assert later[-1].dropped_bytes == _MIB - 8192


async def test_the_end_of_what_is_dropped_is_kept() -> None:
    """A caller may ask for the last lines; what came before them is what the log lacks."""
    queue, _ = a_queue()
    queue.put("loud", OUT, b"x" * 16 * _MIB)
    for number in range(1000):
        queue.put("loud", OUT, b"line %04d\n" % number)
    last = (await read(queue, 2))[-1]
    assert last.content.endswith(b"line 0998\nline 0999\n")
    assert len(last.content) + last.dropped_bytes == 10_000


async def test_of_one_that_has_gone_the_rest_is_told_at_once() -> None:
    """Nothing follows."""
    queue, _ = a_queue()
    queue.put("loud", OUT, b"x" * 17 * _MIB)
    queue.forget("loud")
    (told,) = await read(queue, 1)
    assert len(told.content) + told.dropped_bytes == 17 * _MIB


async def test_what_is_dropped_last_is_told_to_a_reader_that_already_waits() -> None:
    """It had read everything before the rest was dropped, and nothing follows that would wake it."""
    queue, _ = a_queue()
    chunks = queue.chunks()
    queue.put("loud", OUT, b"x" * 16 * _MIB)
    async with asyncio.timeout(_PATIENCE_S):
        await anext(chunks)
        waiting = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        queue.put("loud", OUT, b"x" * _MIB)
        told = await waiting
    assert len(told.content) + told.dropped_bytes == _MIB


async def test_single_bytes_fill_the_queue_as_well() -> None:
    """Each takes far more than a byte: thirty million of them would be gigabytes."""
    queue, _ = a_queue()
    for _ in range(200_000):
        queue.put("chatty", OUT, b"x")
    chunks = queue.chunks()
    count = accounted_for = 0
    async with asyncio.timeout(_PATIENCE_S):
        while accounted_for < 200_000:
            chunk = await anext(chunks)
            count += 1
            accounted_for += len(chunk.content) + chunk.dropped_bytes
    assert accounted_for == 200_000
    assert count < 140_000


async def test_one_that_writes_faster_than_anything_is_read_with_pauses_and_to_its_end() -> None:
    """8 MB at once, then 16 a second: nothing is lost of it here, and its end is heard."""
    ours, theirs = socket.socketpair()
    size, ended, began = 16 * _MIB, asyncio.Event(), time.monotonic()
    heard = 0

    def received(_stream: OutputStream, content: bytes) -> None:
        nonlocal heard
        heard += len(content)

    def write() -> None:
        frame = bytes([1, 0, 0, 0]) + _MIB.to_bytes(4) + b"x" * _MIB
        for _ in range(size // _MIB):
            theirs.sendall(frame)
        theirs.close()

    writing = asyncio.create_task(asyncio.to_thread(write))
    reader = await read_frames(ours, received, ended.set)
    await asyncio.wait_for(ended.wait(), 30)
    await writing
    assert heard == size
    assert time.monotonic() - began > 8 / 16 * 0.8
    reader.close()


def a_frame(stream: int, content: bytes) -> bytes:
    """As the engine sends it."""
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4) + content


@pytest.mark.parametrize("step", [10_000, 11, 1])
async def test_frames_that_come_together_are_one_piece_of_each_stream_in_order(step: int) -> None:
    """However the bytes are cut; of many small pieces each would be looked at by itself on its whole way."""
    heard: list[tuple[OutputStream, bytes]] = []
    reader = FrameReader(
        lambda stream, content: heard.append((stream, content)), lambda: None, asyncio.get_running_loop()
    )
    sent = a_frame(1, b"one\n") + a_frame(1, b"two\n") + a_frame(1, b"") + a_frame(2, b"oh\n") + a_frame(1, b"three\n")
    for at in range(0, len(sent), step):
        reader.data_received(sent[at : at + step])
    in_one_go = [(OUT, b"one\ntwo\n"), (ERR, b"oh\n"), (OUT, b"three\n")]
    joined = [
        (stream, b"".join(content for _, content in pieces))
        for stream, pieces in itertools.groupby(heard, key=lambda piece: piece[0])
    ]
    assert joined == in_one_go
    assert step < len(sent) or heard == in_one_go
