"""A function's log: what it keeps of one that prints more than anybody reads."""

from __future__ import annotations

from orchestrator.driver.protocol import OutputChunk, OutputStream
from tests.support.engine import Engine, answer_of

_MIB = 1_048_576


def written(engine: Engine, environment_id: str, content: bytes, dropped_bytes: int = 0) -> None:
    """The driver hands this on."""
    engine.output.received(
        OutputChunk(
            environment_id=environment_id,
            at=engine.clock.now(),
            stream=OutputStream.STDOUT,
            content=content,
            dropped_bytes=dropped_bytes,
        )
    )


async def kept(engine: Engine) -> tuple[int, int]:
    """The bytes that were kept, newlines included, and those said to be dropped."""
    await engine.output.tick()
    lines = [line for batch in engine.batches for line in batch.lines if line.source.value == "stdout"]
    return sum(len(line.text) + 1 for line in lines), sum(batch.dropped_bytes for batch in engine.batches)


async def test_every_byte_is_kept_or_said_to_be_dropped(engine: Engine) -> None:
    """Whether its lines are long or short: short ones cost more, so fewer bytes of them are kept."""
    runtime = await engine.warm()
    environment_id = runtime.live.environment_id
    for line in (b"x" * 1023 + b"\n", b"\n"):
        engine.batches.clear()
        engine.clock.advance(60)
        piece = line * (_MIB // len(line))
        for _ in range(20):
            written(engine, environment_id, piece)
        bytes_kept, bytes_dropped = await kept(engine)
        assert bytes_kept + bytes_dropped == 20 * _MIB
        assert bytes_kept > 10_000
        assert bytes_dropped > _MIB


async def test_a_line_that_comes_in_pieces_is_one_line(engine: Engine) -> None:
    """However the engine cuts it."""
    runtime = await engine.warm()
    written(engine, runtime.live.environment_id, b"half a ")
    written(engine, runtime.live.environment_id, b"line\nand more\n")
    await engine.output.tick()
    texts = [line.text for batch in engine.batches for line in batch.lines if line.source.value == "stdout"]
    assert texts == ["half a line", "and more"]


async def test_the_last_lines_are_there_for_the_caller_whatever_the_log_drops(engine: Engine) -> None:
    """LogType=Tail: the last 4 KB of the run."""
    runtime = await engine.warm()
    call = engine.call(log_tail=True)
    event = await runtime.event()
    written(engine, runtime.live.environment_id, b"x\n" * 5_000_000 + b"the very last\n")
    runtime.answer(event)
    await engine.settle()
    engine.clock.advance(1)
    tail = (await answer_of(call)).log_tail
    assert tail is not None
    assert "the very last\nEND RequestId" in tail


async def test_what_the_driver_dropped_is_told_though_nothing_follows(engine: Engine) -> None:
    """An empty piece says it."""
    runtime = await engine.warm()
    written(engine, runtime.live.environment_id, b"", dropped_bytes=1234)
    assert (await kept(engine))[1] == 1234


async def test_what_the_history_has_no_room_for_is_told_as_dropped(engine: Engine) -> None:
    """With the next that it takes, however long that is."""
    runtime = await engine.warm()
    await engine.output.tick()
    engine.batches.clear()
    engine.history_is_full = True
    for _ in range(3):
        written(engine, runtime.live.environment_id, b"lost\n")
        assert await kept(engine) == (0, 0)
    engine.history_is_full = False
    assert await kept(engine) == (0, 15)
    written(engine, runtime.live.environment_id, b"kept\n")
    assert await kept(engine) == (5, 15)


async def test_the_tail_has_what_the_log_has_blank_lines_too(engine: Engine) -> None:
    """As they were printed."""
    runtime = await engine.warm()
    call = engine.call(log_tail=True)
    event = await runtime.event()
    written(engine, runtime.live.environment_id, b"hello\n\n")
    runtime.answer(event)
    await engine.settle()
    engine.clock.advance(1)
    tail = (await answer_of(call)).log_tail
    assert tail is not None
    assert tail.splitlines()[1:3] == ["hello", ""]
