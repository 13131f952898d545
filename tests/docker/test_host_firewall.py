"""
Where sandboxes cannot hold rules of their own, those on the host do, from outside; where neither can, nothing starts.

What holds is shown by the same prober and the same targets as behind the sandboxes' own rules.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.footprint import owner_of
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.probing import (
    SANDBOX_IMAGE,
    Echo,
    Ground,
    Prober,
    allowed,
    answers,
    functions_network,
    laid_out,
    own_address,
    reach,
    sandbox_of,
    table,
)
from tests.support.waiting import until

_CANARY = """
table inet somebody_elses {
  chain input {
    type filter hook input priority 0; policy accept;
  }
}
"""


def nft(engine: docker.DockerClient, *words: str) -> str:
    """Run nft in the host's network namespace."""
    said: bytes = engine.containers.run(
        SANDBOX_IMAGE, list(words), entrypoint="nft", network_mode="host", cap_add=["NET_ADMIN"], remove=True
    )
    return said.decode()


def table_of(paddock: PaddockProcess) -> str:
    """The name that its tables of rules have on this host, if it has any."""
    return f"paddock_{owner_of(paddock)[:12]}"


def tables(engine: docker.DockerClient, paddock: PaddockProcess) -> set[str]:
    """Those that are there; other control planes on this engine have theirs."""
    return {one for one in nft(engine, "list", "tables").splitlines() if one.endswith(f" {table_of(paddock)}")}


@pytest.fixture(scope="module")
def before(engine: docker.DockerClient) -> Iterator[str]:
    """The host's rules, with a table of somebody else's among them."""
    nft(engine, _CANARY)
    yield nft(engine, "--stateless", "list", "table", "inet", "somebody_elses")
    nft(engine, "delete", "table", "inet", "somebody_elses")


@pytest.fixture(scope="module")
def ground(
    engine: docker.DockerClient,
    images: dict[str, str],
    prober: Prober,
    metadata: None,
    internet: None,
    before: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ground]:
    """A control plane whose sandboxes cannot set their rules."""
    paddock = PaddockProcess(
        tmp_path_factory.mktemp("on-host"),
        host="0.0.0.0",
        access="open",
        network_pool_size=2,
        sandbox_image=images["broken-sandbox"],
    )
    paddock.start()
    with laid_out(engine, images, prober, paddock) as ground:
        yield ground


def what_is_reached(ground: Ground, prober: Prober, user: str = "0:0") -> list[str]:
    """The table of it."""
    seen = prober.ask(ground.sandbox, {"reach": reach(ground.targets)}, user)
    return table(seen["reached"], allowed(ground.targets))


@pytest.mark.parametrize("user", ["993:990", "0:0"])
def test_rules_on_the_host_hold_as_those_in_a_sandbox_do(
    ground: Ground, prober: Prober, user: str, figures: Callable[[str], None]
) -> None:
    """The same table, from a sandbox without rules and without any capability."""
    assert "sandbox-does-not-hold" in ground.paddock.log()
    lines = what_is_reached(ground, prober, user)
    figures("\n".join([f"reached behind rules on the host, at uid {user.partition(':')[0]}:", *lines]))
    assert len(lines) == len(ground.targets)
    assert not [line for line in lines if "WRONG" in line]


def test_nothing_can_be_forged_behind_them(ground: Ground, prober: Prober, figures: Callable[[str], None]) -> None:
    """At uid 0."""
    forged = prober.ask(ground.sandbox, {**ground.told, "forge": True}, "0:0")["forged"]
    figures(f"{len(forged)} forgeries behind rules on the host: none done")
    assert not [name for name, answer in forged.items() if answer == "DONE"]


def test_doctor_says_where_the_rules_are_and_what_that_gives_up(ground: Ground) -> None:
    """As a failed check with its remedy."""
    said = ground.paddock.check("isolation")
    assert not said["ok"]
    assert "the host's table paddock_" in said["fact"]
    assert "NET_ADMIN" in said["remedy"]


def test_when_somebody_removes_them_they_are_set_again(
    engine: docker.DockerClient, ground: Ground, prober: Prober
) -> None:
    """Within ten seconds, and it is said that they were gone."""
    name = table_of(ground.paddock)
    assert name in ground.paddock.check("isolation")["fact"]
    nft(engine, "delete", "table", "inet", name)
    until(lambda: f"table inet {name}" in tables(engine, ground.paddock), "it is there again", patience_s=30)
    until(lambda: '"host-firewall.was-gone"' in ground.paddock.log(), "it is said that it was gone")
    assert not [line for line in what_is_reached(ground, prober) if "WRONG" in line]


def test_after_a_crash_they_stand_on_until_the_next_start_which_removes_them_if_they_are_not_needed(
    engine: docker.DockerClient, images: dict[str, str], prober: Prober, tmp_path: Path, ground: Ground, before: str
) -> None:
    """`kill -9` leaves them: what still runs stays shut in. Nobody else's rules have changed, nor another Paddock's."""
    paddock = PaddockProcess(tmp_path, network_pool_size=1, sandbox_image=images["broken-sandbox"])
    paddock.start()
    client = paddock.client()
    deploy(client, "shut-in", images["behaviours"])
    assert _answers(client)
    sandbox = sandbox_of(engine, paddock, "shut-in")
    paddock.kill()
    assert len(tables(engine, paddock)) == 2
    assert not _is_the_host_reached_from(sandbox, prober)
    again = PaddockProcess(tmp_path, network_pool_size=1, sandbox_image=SANDBOX_IMAGE)
    again.start()
    assert not tables(engine, again), "sandboxes of this image set their own"
    assert again.check("isolation")["ok"]
    assert again.terminate() == 0
    assert len(tables(engine, ground.paddock)) == 2
    assert nft(engine, "--stateless", "list", "table", "inet", "somebody_elses") == before


def test_they_go_at_the_end_and_come_back_with_another_driver(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    prober: Prober,
    ground: Ground,
) -> None:
    """A runtime that passes by a sandbox's rules: the self-test finds out, also without any word of an error."""
    # A subnet of its own: on another, which it has if somebody else's comes and goes, the firewall is tested anew.
    paddock = start_paddock(network_pool_size=1, sandbox_image=images["open-sandbox"], functions_subnet="10.218.2.0/28")
    client = paddock.client()
    deploy(client, "shut-in", images["behaviours"])
    assert _answers(client)
    assert not _is_the_host_reached_from(sandbox_of(engine, paddock, "shut-in"), prober)
    paddock.kill_driver()
    until(lambda: _answers(client), "another driver is there", patience_s=30)
    assert not _is_the_host_reached_from(sandbox_of(engine, paddock, "shut-in"), prober)
    assert paddock.terminate() == 0
    assert not tables(engine, paddock)
    paddock.start()
    assert len(tables(engine, paddock)) == 2, "it was remembered where they hold"
    assert paddock.log().count('"isolation.tested"') == 1
    assert paddock.terminate() == 0
    assert not tables(engine, paddock)
    assert len(tables(engine, ground.paddock)) == 2, "another Paddock's stay"


def test_on_a_network_that_was_made_again_they_hold_as_before(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    prober: Prober,
) -> None:
    """They go by its interface, which has the same name then."""
    # Nobody else takes this subnet while its network is gone.
    paddock = start_paddock(
        network_pool_size=1, sandbox_image=images["broken-sandbox"], functions_subnet="10.218.3.0/28"
    )
    client = paddock.client()
    deploy(client, "shut-in", images["behaviours"])
    assert _answers(client)
    before = {one["environment_id"] for one in paddock.environments("shut-in")}
    network = functions_network(engine, paddock)
    for container_id in network.attrs["Containers"] or network.client.api.inspect_network(network.id)["Containers"]:
        network.disconnect(container_id, force=True)
    network.remove()
    until(lambda: _answers(client), "it answers again, on the network that was made again", patience_s=60)
    until(lambda: before.isdisjoint(one["environment_id"] for one in paddock.environments("shut-in")), "on a new one")
    assert _answers(client)
    assert functions_network(engine, paddock).id != network.id
    assert not _is_the_host_reached_from(sandbox_of(engine, paddock, "shut-in"), prober)


def _answers(client: Any) -> bool:
    try:
        return "FunctionError" not in client.invoke(FunctionName="shut-in", Payload=b"{}")
    except client.exceptions.ServiceException:
        return False


def _is_the_host_reached_from(sandbox: Any, prober: Prober) -> bool:
    with contextlib.closing(Echo()) as echo:
        assert answers("tcp", own_address(), echo.port)
        seen = prober.ask(sandbox.id, {"reach": [["host", "tcp", own_address(), echo.port]]}, "0:0")
    return bool(seen["reached"]["host tcp"] == "reached")


def test_where_neither_holds_it_does_not_start_unless_it_is_told_to(
    engine: docker.DockerClient, images: dict[str, str], tmp_path: Path
) -> None:
    """Both reasons and the remedies are named; told to, functions run, and `paddock doctor` says how."""
    paddock = PaddockProcess(tmp_path, network_pool_size=1, sandbox_image=images["no-nft-sandbox"])
    with pytest.raises(AssertionError, match="paddock ended at once"):
        paddock.start()
    said = paddock.log()
    assert "no firewall of functions holds here, so none is started (in the sandbox: " in said
    assert "on the host: the host's network rules could not be set" in said
    assert "PADDOCK_INSECURE_NETWORK" in said
    told = PaddockProcess(tmp_path, network_pool_size=1, sandbox_image=images["no-nft-sandbox"], insecure_network=True)
    told.start()
    assert '"isolation.broken"' in told.log()
    client = told.client()
    deploy(client, "in-the-open", images["behaviours"])
    answer = client.invoke(FunctionName="in-the-open", Payload=json.dumps({"do": "ping-runtime-api"}).encode())
    assert json.loads(answer["Payload"].read())["status"] == 200
    check = told.check("isolation")
    assert not check["ok"]
    assert "functions reach this host and each other" in check["fact"]
    assert "without PADDOCK_INSECURE_NETWORK" in check["remedy"]
    assert told.terminate() == 0
