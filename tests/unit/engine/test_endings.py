"""How runs and inits end when the function does not say: time, exits, kills, memory."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.history import LifecycleEvent
from orchestrator.driver.protocol import ContainerEnded, OutOfMemory, OutputChunk, OutputStream, StartFailed
from tests.support.engine import Engine, answer_of, error_of
from tests.support.runtime import ScriptedRuntime


async def test_a_run_over_its_time_is_aws_error_and_named(engine: Engine) -> None:
    """Task timed out, in AWS's words; the environment is not used again."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    await engine.pass_time(2.9)
    assert not call.done()
    await engine.pass_time(0.2)
    error = await error_of(call)
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert "took the event and did not answer it within 3 s" in error["diagnosis"]
    assert not engine.live()


async def test_an_exit_under_an_event_tells_its_status(engine: Engine) -> None:
    """Runtime.ExitError."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    engine.fleet.happened(ended(runtime.live.environment_id, engine, exit_code=7))
    error = await error_of(call)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 7")


async def test_the_kernels_killer_under_an_event_is_out_of_memory_though_the_container_lives(engine: Engine) -> None:
    """It strikes a child of pid 1 as well."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    engine.fleet.happened(OutOfMemory(environment_id=runtime.live.environment_id, at=engine.clock.now()))
    error = await error_of(call)
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert "128 MB" in error["diagnosis"]
    assert not engine.live()


async def test_an_idle_environment_that_dies_is_never_given_work(engine: Engine) -> None:
    """The next call starts another."""
    runtime = await engine.warm()
    engine.fleet.happened(ended(runtime.live.environment_id, engine, exit_code=1))
    await engine.settle()
    call = engine.call()
    fresh = await engine.environment()
    assert fresh.live is not runtime.live
    fresh.answer(fresh.ask() or await fresh.event())
    await answer_of(call)


async def test_a_program_that_never_asks_for_work_is_named_as_such(engine: Engine) -> None:
    """Ten seconds of init, then init again inside the invocation, under the function's timeout."""
    call = engine.call()
    await engine.scale()
    await engine.pass_time(10)
    failed = engine.seen(LifecycleEvent.INIT_FAILED)
    assert [entry.detail["status"] for entry in failed] == ["timeout"]
    assert "never asked for work" in str(failed[0].detail["diagnosis"])
    assert not call.done()
    await engine.scale()
    await engine.pass_time(3)
    error = await error_of(call)
    assert error["errorType"] == "Sandbox.Timedout"
    assert "never asked for work" in error["diagnosis"]


async def test_an_init_inside_an_invocation_that_asks_in_time_is_given_that_invocation(engine: Engine) -> None:
    """Its init used some of the invocation's time."""
    call = engine.call({"late": 1})
    await engine.scale()
    await engine.pass_time(10)
    runtime = await engine.environment()
    engine.clock.advance(2)
    event = runtime.ask() or await runtime.event()
    runtime.answer(event)
    assert (await answer_of(call)).payload == b'{"late": 1}'


async def test_an_exit_before_it_ever_asked_is_named_as_no_runtime_client(engine: Engine) -> None:
    """For the call whose invocation runs the second init."""
    call = engine.call()
    first = await engine.environment()
    engine.fleet.happened(ended(first.live.environment_id, engine, exit_code=0))
    await engine.settle()
    second = await engine.environment()
    engine.fleet.happened(ended(second.live.environment_id, engine, exit_code=0))
    error = await error_of(call)
    assert error["errorType"] == "Runtime.ExitError"
    assert "before it ever asked for work" in error["diagnosis"]


async def test_a_wrong_entry_point_is_told_at_once(engine: Engine) -> None:
    """No second try: it would fail alike."""
    engine.driver.open_failures.append(StartFailed("Runtime.InvalidEntrypoint", "exec: no such file: /x"))
    call = engine.call()
    await engine.scale()
    error = await error_of(call)
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "/x" in error["errorMessage"]


async def test_idle_environments_freeze_then_are_shut_down(engine: Engine) -> None:
    """Gently: SIGTERM and its grace."""
    runtime = await engine.warm()
    await engine.pass_time(1)
    assert runtime.live.state is EnvironmentState.FROZEN
    await engine.pass_time(598)
    assert engine.live()
    await engine.pass_time(2)
    assert not engine.live()
    ((_, grace),) = engine.driver.stopped
    assert grace.total_seconds() == 0.3


async def test_the_cpu_is_limited_once_init_is_over(engine: Engine) -> None:
    """To its function's share."""
    call = engine.call()
    runtime = await engine.environment()
    assert not engine.driver.limited
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    await engine.settle()
    assert engine.driver.limited == {runtime.live.environment_id}


async def test_the_log_of_a_run_has_start_output_end_and_report(engine: Engine) -> None:
    """Init Duration only in the first."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    engine.clock.advance(0.25)
    runtime.answer(event)
    await answer_of(call)
    runtime.ask()
    engine.clock.advance(0.2)
    await engine.output.tick()
    lines = [line.text for batch in engine.batches for line in batch.lines]
    starts = [line for line in lines if line.startswith("START")]
    reports = [line for line in lines if line.startswith("REPORT")]
    assert len(starts) == len(reports) == 2
    assert "Init Duration" in reports[0]
    assert reports[1] == (
        f"REPORT RequestId: {event.request_id}\tDuration: 250.00 ms\tBilled Duration: 250 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 20 MB\t"
    )


async def test_what_was_written_before_the_answer_and_comes_after_it_stands_before_end(engine: Engine) -> None:
    """The engine passes it on a moment later than the runtime its answer; what comes after the quiet is nobody's."""
    runtime = await engine.warm()
    call = engine.call()
    event = await runtime.event()
    runtime.answer(event)
    await answer_of(call)
    runtime.ask()
    engine.output.received(chunk(runtime, engine, b"late\n"))
    engine.clock.advance(0.2)
    await engine.output.tick()
    engine.clock.advance(0.2)
    engine.output.received(chunk(runtime, engine, b"later\n"))
    await engine.output.tick()
    lines = [line for batch in engine.batches for line in batch.lines][-5:]
    assert [line.text.split()[0] for line in lines] == ["START", "late", "END", "REPORT", "later"]
    assert [line.request_id for line in lines] == [event.request_id] * 4 + [None]
    assert [line.at_us for line in lines] == sorted(line.at_us for line in lines)


def chunk(runtime: ScriptedRuntime, engine: Engine, content: bytes) -> OutputChunk:
    """Something that its function wrote."""
    return OutputChunk(
        environment_id=runtime.live.environment_id, at=engine.clock.now(), stream=OutputStream.STDOUT, content=content
    )


def ended(environment_id: str, engine: Engine, exit_code: int) -> ContainerEnded:
    """The driver's report of an end."""
    return ContainerEnded(environment_id=environment_id, at=engine.clock.now(), exit_code=exit_code)


async def test_an_init_that_goes_on_inside_an_invocation_loses_its_processor_after_ten_seconds(engine: Engine) -> None:
    """It has the function's own share from then on, once; and still its invocation's time."""
    await engine.configure(timeout=timedelta(seconds=60), revision_id="revision-2")
    call = engine.call()
    await engine.scale()
    await engine.pass_time(10)
    runtime = await engine.environment()
    environment_id = runtime.live.environment_id
    await engine.pass_time(9.9)
    assert environment_id not in engine.driver.limited
    await engine.pass_time(0.2)
    engine.driver.limited.remove(environment_id)
    await engine.pass_time(5)
    assert environment_id not in engine.driver.limited
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)


async def test_a_program_that_was_never_executed_is_told_at_once_and_as_aws_tells_it(engine: Engine) -> None:
    """One start is enough to know: the next would fail alike."""
    call = engine.call()
    runtime = await engine.environment()
    report = ContainerEnded(
        environment_id=runtime.live.environment_id,
        at=engine.clock.now(),
        exit_code=1,
        never_executed="exec /x: exec format error\n",
    )
    engine.fleet.happened(report)
    error = await error_of(call)
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert error["errorMessage"].endswith("Error: fork/exec /x: exec format error")
    assert "does not begin with #!" in error["diagnosis"]
    assert len(engine.driver.opened) == 1


async def test_what_the_driver_ended_is_an_exit_with_the_reason(engine: Engine) -> None:
    """A function with a writable root that wrote too much."""
    runtime = await engine.warm()
    call = engine.call()
    await runtime.event()
    report = ContainerEnded(
        environment_id=runtime.live.environment_id,
        at=engine.clock.now(),
        exit_code=137,
        ended_for="it wrote 700 MB outside /tmp",
    )
    engine.fleet.happened(report)
    error = await error_of(call)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["diagnosis"] == "it wrote 700 MB outside /tmp"
