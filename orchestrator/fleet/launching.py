"""What a live environment is started as: its version's image and configuration, and where its Runtime API is."""

from __future__ import annotations

from orchestrator.domain.environment_variables import environment_variables
from orchestrator.driver.protocol import EnvironmentSpec, Sandbox
from orchestrator.fleet.live import LiveEnvironment


def environment_spec(live: LiveEnvironment, sandbox: Sandbox, runtime_port: int) -> EnvironmentSpec:
    """
    What the driver is to open.

    Args:
        sandbox: Whose hostname means the control plane, for this environment alone (D1).
        runtime_port: Where the Runtime API listens.
    """
    version = live.version
    assert version.image is not None, "only an active function's environments are launched"
    config = version.image_config
    variables = environment_variables(
        version,
        environment_id=live.environment_id,
        runtime_api=f"{sandbox.hostname}:{runtime_port}",
        now=live.environment.created_at,
        initialization=live.environment.initialization,
    )
    return EnvironmentSpec(
        environment_id=live.environment_id,
        function_name=version.key.name,
        function_version=version.version,
        image_id=version.image.image_id,
        entry_point=config.entry_point,
        command=config.command,
        working_directory=config.working_directory,
        environment=variables,
        memory_mib=version.memory_mib,
        ephemeral_storage_mib=version.ephemeral_storage_mib,
        has_writable_root=version.has_writable_root,
    )
