"""Everything that can be set, from `PADDOCK_*` environment variables, validated once. Units are in the names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_LAST_PORT = 65_535
_SUBNET_ID = re.compile(r"subnet-[0-9a-z]{1,64}")


class Settings(BaseSettings):
    """
    The control plane's settings. Each field is the variable `PADDOCK_<FIELD>`; the defaults suit a laptop.

    Raises:
        pydantic.ValidationError: If a variable has a value that is not of its type or range.
    """

    model_config = SettingsConfigDict(env_prefix="PADDOCK_", frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path("/var/lib/paddock"), description="Where the databases are.")
    driver_dir: Path | None = Field(
        default=None,
        description="Where the driver has its disks and account files; None is `driver` in the data directory.",
    )
    driver_socket: Path | None = Field(
        default=None,
        description="Where the driver, the process that holds the Docker socket, listens; None: `paddock up` starts "
        "one of its own.",
    )
    secret_key_file: Path | None = Field(
        default=None,
        description="What secrets in the database are sealed with; None is secret.key in the data directory.",
    )
    host: str = Field(default="127.0.0.1", description="Address of the front port.")
    port: int = Field(default=4574, ge=1, le=65535, description="The front port: Lambda API, health, console.")
    access: Literal["auto", "open", "keys"] = Field(
        default="auto",
        description="Who may call the front port: `keys` takes only requests signed with a key of `paddock keys`, "
        "`open` takes any key and none, `auto` is `open` on loopback and `keys` beyond.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Host names callers use for the front port, comma-separated, beside localhost and literal "
        "addresses; .example.com stands for all below it.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of web pages that may call the front port, comma-separated."
    )
    runtime_port: int = Field(default=9001, ge=1, le=65535, description="The Runtime API's port.")
    region: str = Field(default="us-east-1", description="For callers that do not sign.")

    sandbox_image: str = Field(default="paddock/sandbox:latest", description="The network holder's image.")
    network_pool_size: int = Field(
        default=8, ge=0, le=256, description="Sandboxes kept ready; 0 makes each when needed."
    )
    functions_subnet: str | None = Field(
        default=None, description="CIDR of the functions' network; None picks a free one."
    )
    internet: bool = Field(default=True, description="May functions reach the internet?")
    open_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Private addresses functions may reach, comma-separated: 10.0.0.5, 10.0.0.5:5432."
    )
    subnets: Annotated[Mapping[str, str], NoDecode] = Field(
        default={},
        description="Docker networks that functions may be in, comma-separated: subnet-1=my-network,subnet-2=other. "
        "Networks with the label paddock.subnet=subnet-1 need not be named here.",
    )
    subnet_pool_size: int = Field(
        default=2, ge=0, le=64, description="Sandboxes kept ready in each set of subnets that a function is in."
    )
    insecure_network: bool = Field(
        default=False,
        description="Start although no firewall of functions holds, in their sandboxes or on the host: they then reach "
        "this host and each other.",
    )
    cgroup_root: Path = Field(default=Path("/sys/fs/cgroup"), description="Where the host's cgroup tree is mounted.")

    memory_budget_mib: int | None = Field(
        default=None, ge=128, description="Memory that environments may take together; None is 80 % of the host's."
    )
    max_environments: int = Field(default=1000, ge=1, description="Environments that may live at once.")
    max_starting: int | None = Field(
        default=None,
        ge=1,
        description="Started at once, none counted for more than 2 s; None is as many as the host has cores.",
    )
    request_memory_mib: int = Field(
        default=512, ge=16, description="Memory for the bodies of requests under way; more get a 429."
    )
    account_concurrency: int = Field(default=1000, ge=1, description="AWS's account limit of concurrent executions.")
    freeze_after_s: float = Field(default=1.0, ge=0, description="Idle this long, an environment is frozen.")
    idle_timeout_s: float = Field(default=600.0, gt=0, description="Idle this long, an environment is shut down.")
    minimum_stay_s: float = Field(default=2.0, ge=0, description="Idle at least this long before eviction for room.")
    room_wait_s: float = Field(
        default=10.0, gt=0, description="How long a synchronous call waits for room before its 429."
    )
    init_timeout_s: float = Field(default=10.0, gt=0, description="AWS gives init 10 s.")
    stop_grace_s: float = Field(default=0.3, ge=0, description="Between SIGTERM and SIGKILL at an idle shutdown.")

    synchronous_full: bool = Field(
        default=False, description="Flush synchronous payloads to the disk too, not only to the file (D2)."
    )
    async_retry_delays_s: Annotated[tuple[float, ...], NoDecode] = Field(
        default=(60.0, 120.0), description="After a function error; AWS waits 1 and 2 minutes."
    )
    async_max_age_s: float = Field(default=21_600.0, gt=0, description="Events older than this are given up; AWS: 6 h.")
    payload_retention_s: float = Field(default=7 * 86_400.0, gt=0, description="Payloads are kept this long.")
    payload_retention_mib: int = Field(default=1024, ge=1, description="... and at most this much.")
    history_retention_s: float = Field(
        default=7 * 86_400.0, gt=0, description="Output and lifecycle are kept this long."
    )
    history_retention_mib: int = Field(default=1024, ge=1, description="... and at most this much in all.")
    output_per_function_mib: int = Field(default=64, ge=1, description="Output kept per function.")

    log_format: Literal["auto", "console", "json"] = Field(default="auto", description="auto: console on a terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    control_from_functions: bool = Field(default=False, description="May functions call control operations (D13)?")

    @field_validator("async_retry_delays_s", mode="before")
    @classmethod
    def _split_delays(cls, value: object) -> object:
        return tuple(float(part) for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("open_addresses", "allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split_texts(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("subnets", mode="before")
    @classmethod
    def _split_subnets(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        named = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        for subnet_id, _, network in named:
            if not _SUBNET_ID.fullmatch(subnet_id) or not network:
                raise ValueError(
                    f"{subnet_id!r} names no subnet and its network; write subnet-1=my-network,subnet-2=other, ids in "
                    "small letters and digits"
                )
        if len({subnet_id for subnet_id, _, _ in named}) != len(named):
            raise ValueError("a subnet is named twice; give each one network")
        return {subnet_id: network for subnet_id, _, network in named}

    @field_validator("open_addresses")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            address, colon, port = one.partition(":")
            try:
                IPv4Network(address)
                is_right = not colon or 1 <= int(port) <= _LAST_PORT
            except ValueError:
                is_right = False
            if not is_right:
                raise ValueError(
                    f"{one!r} is no IPv4 address or network, with or without a port; write 10.0.0.5, 10.0.0.0/24 or "
                    "10.0.0.5:5432"
                )
        return value

    @property
    def key_file(self) -> Path:
        """The secret key's file."""
        return self.secret_key_file or self.data_dir / "secret.key"

    @property
    def driver_folder(self) -> Path:
        """The driver's folder."""
        return self.driver_dir or self.data_dir / "driver"

    @property
    def freeze_after(self) -> timedelta:
        """How long idle before frozen."""
        return timedelta(seconds=self.freeze_after_s)

    @property
    def idle_timeout(self) -> timedelta:
        """How long idle before shut down."""
        return timedelta(seconds=self.idle_timeout_s)


def refusals(error: ValidationError) -> list[str]:
    """What is wrong with which variable, of settings that were refused: a line for each, for people."""
    return [
        f"PADDOCK_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors()
    ]
