"""
What a function is: its key, and the configuration and image of each version.

Not here: how it is stored (`store/functions.py`) or shown (`lambda_api/`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.domain.aliases import Alias
from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.function_tags import wants_writable_root
from orchestrator.domain.names import LATEST, FunctionKey, VersionKey
from orchestrator.domain.version_options import VersionOptions


class FunctionState(StrEnum):
    """AWS: https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""

    PENDING = "Pending"
    ACTIVE = "Active"
    INACTIVE = "Inactive"
    FAILED = "Failed"


class LastUpdateStatus(StrEnum):
    """Whether the last update of code or configuration has taken effect."""

    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    IN_PROGRESS = "InProgress"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What replaces the image's own ENTRYPOINT, CMD and WORKDIR. None leaves the image's."""

    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """
    An image as the engine knows it.

    Args:
        image_id: `sha256:…`; versions pin this, not the tag.
        architecture: AWS's word: `x86_64` or `arm64` (else the engine's own).
        size_bytes: As the engine counts it.
    """

    image_id: str
    architecture: str
    size_bytes: int
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a caller deployed: a tag, and the architecture that it was said to be for."""

    image_uri: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """
    One version's code and configuration, as stored.

    Args:
        image_uri: The tag the caller deployed.
        image: What the tag was when it was deployed; None while Pending or Failed.
        code_before: While an update's image is looked for: what `image` is of, and what is left if there is none.
        memory_mib: 128 to 10,240.
        timeout: 1 to 900 s.
        ephemeral_storage_mib: Size of /tmp.
        source_description: Of a version with a description of its own: that of `$LATEST` when it was published.
        updates: How many updates of `$LATEST` came before, whatever they changed.
        has_writable_root: As its function's tags say; may more be written than /tmp?
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    """

    key: FunctionKey
    version: str = LATEST
    image_uri: str
    image: Image | None = None
    code_before: Code | None = None
    role: str
    description: str = ""
    source_description: str | None = None
    memory_mib: int = 128
    timeout: timedelta = timedelta(seconds=3)
    environment: Mapping[str, str] = field(default_factory=dict)
    image_config: ImageConfig = ImageConfig()
    architecture: str = "x86_64"
    ephemeral_storage_mib: int = 512
    options: VersionOptions = VersionOptions()
    updates: int = 0
    revision_id: str
    last_modified: datetime
    state: FunctionState = FunctionState.PENDING
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: LastUpdateStatus = LastUpdateStatus.SUCCESSFUL
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    has_writable_root: bool = False

    @property
    def version_key(self) -> VersionKey:
        """The pool that serves this version."""
        return VersionKey(self.key, self.version)

    @property
    def awaits_image(self) -> bool:
        """While it is created or updated: is its tag still to be looked up?"""
        return self.image is None or self.code_before is not None

    @property
    def is_active(self) -> bool:
        """Can it be invoked?"""
        return self.image is not None and self.state not in (FunctionState.PENDING, FunctionState.FAILED)

    @property
    def code(self) -> Code:
        """What was deployed last, whether or not its image is known."""
        return Code(image_uri=self.image_uri, architecture=self.architecture)

    def serves(self, tenant_id: str | None) -> bool:
        """May this be called for that tenant, or for none? It depends on whether it isolates them."""
        return self.options.is_tenant_isolated is (tenant_id is not None)

    @property
    def arn(self) -> str:
        """The qualified ARN for a numbered version, else the function's own."""
        return self.key.arn if self.version == LATEST else self.key.qualified_arn(self.version)

    @property
    def code_sha256(self) -> str:
        """The image's digest without its prefix, as AWS shows it for images; empty while unknown."""
        return self.image.image_id.removeprefix("sha256:") if self.image else ""

    @property
    def log_group(self) -> str:
        """The log group AWS would write to: the one that was asked for, else the function's own."""
        return self.options.logging.log_group or self.key.log_group

    @property
    def launch_fingerprint(self) -> str:
        """
        Changes when a running environment no longer is what a new one would be.

        Description and concurrency do not change it, nor do tags that mean nothing to Paddock, nor where events go
        that have failed.
        """
        parts = (
            self.image.image_id if self.image else "",
            self.memory_mib,
            self.timeout.total_seconds(),
            sorted(self.environment.items()),
            self.image_config.entry_point,
            self.image_config.command,
            self.image_config.working_directory,
            self.architecture,
            self.ephemeral_storage_mib,
            self.role,
            self.has_writable_root,
            *self.options.launch_parts(),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """
    A function: what is common to its versions, its `$LATEST`, the versions published from it, and its aliases.

    Args:
        versions: By number; each is as it was published, but for what the tags say.
        last_published: The greatest number that was ever given; none is given twice.
    """

    key: FunctionKey
    latest: FunctionVersion
    versions: Mapping[str, FunctionVersion] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    last_published: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None

    def __post_init__(self) -> None:
        wanted = wants_writable_root(self.tags)
        if any(one.has_writable_root is not wanted for one in self.every_version()):
            object.__setattr__(self, "latest", replace(self.latest, has_writable_root=wanted))
            versions = {number: replace(one, has_writable_root=wanted) for number, one in self.versions.items()}
            object.__setattr__(self, "versions", versions)

    def every_version(self) -> tuple[FunctionVersion, ...]:
        """`$LATEST`, then the published ones in their order."""
        return (self.latest, *self.versions_after(0))

    def versions_after(self, number: int) -> tuple[FunctionVersion, ...]:
        """The published ones with greater numbers, in their order."""
        return tuple(self.versions[one] for one in sorted(self.versions, key=int) if int(one) > number)

    def version(self, version: str) -> FunctionVersion | None:
        """`$LATEST` or the one of this number; None if there is none."""
        return self.latest if version == LATEST else self.versions.get(version)

    def shares(self, qualifier: str | None) -> Mapping[str, float]:
        """
        The versions that invocations go to, with the share of each, 0 to 1.

        Args:
            qualifier: None is `$LATEST`.
        """
        alias = self.aliases.get(qualifier) if qualifier is not None else None
        return alias.shares() if alias is not None else {qualifier or LATEST: 1.0}

    def led_to(self, qualifier: str | None, draw: float) -> FunctionVersion | None:
        """
        The version that an invocation goes to; None if there is no such version or alias.

        Args:
            qualifier: None is `$LATEST`.
            draw: Evenly distributed over 0 to 1, 1 excluded; decides where an alias leads to two.
        """
        alias = self.aliases.get(qualifier) if qualifier is not None else None
        return self.version(alias.routed(draw) if alias is not None else qualifier or LATEST)


def check_serves_all_alike(function: Function, what: str) -> None:
    """
    May a function have what serves, or makes ready, environments for nobody in particular?

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html, which names what a function that isolates
    its tenants cannot have, but not the error.

    Args:
        what: What is asked for, in the plural.

    Raises:
        InvalidParameterValue: If the function isolates its tenants.
    """
    if function.latest.options.is_tenant_isolated:
        raise InvalidParameterValue(
            f"{what} are not supported for {function.key.arn}: its TenancyConfig is PER_TENANT, "
            "so it is called with Invoke and an X-Amz-Tenant-Id only"
        )
