"""Which operations there are, and what serves each. What is not here is refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.clock import Clock
from orchestrator.domain.names import FunctionKey
from orchestrator.fleet.deployments import Deployments
from orchestrator.fleet.provisioning import Provisioning
from orchestrator.lambda_api.aliases import AliasOperations
from orchestrator.lambda_api.capacity_providers import CapacityProviderOperations
from orchestrator.lambda_api.code_signing import CodeSigningOperations
from orchestrator.lambda_api.concurrency import ConcurrencyOperations
from orchestrator.lambda_api.durable_executions import DurableExecutionOperations
from orchestrator.lambda_api.event_invoke_configs import EventInvokeConfigOperations
from orchestrator.lambda_api.event_source_mappings import EventSourceMappingOperations
from orchestrator.lambda_api.function_urls import FunctionUrlOperations
from orchestrator.lambda_api.functions import FunctionOperations
from orchestrator.lambda_api.layer_permissions import LayerPermissionOperations
from orchestrator.lambda_api.layers import LayerOperations
from orchestrator.lambda_api.operations import Handler
from orchestrator.lambda_api.permissions import PermissionOperations
from orchestrator.lambda_api.provisioned_concurrency import ProvisionedConcurrencyOperations
from orchestrator.lambda_api.recursion import RecursionOperations
from orchestrator.lambda_api.runtime_management import RuntimeManagementOperations
from orchestrator.lambda_api.tags import TagOperations
from orchestrator.lambda_api.versions import VersionOperations
from orchestrator.store.documents import Documents
from orchestrator.store.functions import FunctionStore
from orchestrator.store.layer_archives import LayerArchives
from orchestrator.store.provisioned import ProvisionedConfigs


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What operations are made of.

    Args:
        account_limit: Concurrency of an account in a region.
        retire: Called when environments of a function may have become outdated.
        new_id: Gives a fresh UUID.
        url_authority: Host and port under which function URLs are.
    """

    functions: FunctionStore
    documents: Documents
    layer_archives: LayerArchives
    provisioned: ProvisionedConfigs
    deployments: Deployments
    provisioning: Provisioning
    clock: Clock
    account_limit: int
    retire: Callable[[FunctionKey], None]
    new_id: Callable[[], str]
    url_authority: str


def handlers_of(parts: Parts) -> dict[str, Handler]:
    """By operation name; what invokes is served before they are asked for (`invoke.py`)."""
    return {
        **FunctionOperations(functions=parts.functions, deployments=parts.deployments, clock=parts.clock).handlers(),
        **VersionOperations(functions=parts.functions, deployments=parts.deployments).handlers(),
        **AliasOperations(
            functions=parts.functions, provisioned=parts.provisioned, new_revision=parts.new_id
        ).handlers(),
        **ConcurrencyOperations(
            functions=parts.functions,
            documents=parts.documents,
            provisioned=parts.provisioned,
            account_limit=parts.account_limit,
        ).handlers(),
        **ProvisionedConcurrencyOperations(
            functions=parts.functions,
            configs=parts.provisioned,
            provisioning=parts.provisioning,
            clock=parts.clock,
            account_limit=parts.account_limit,
        ).handlers(),
        **EventSourceMappingOperations(
            functions=parts.functions, documents=parts.documents, clock=parts.clock, new_id=parts.new_id
        ).handlers(),
        **LayerOperations(
            documents=parts.documents, archives=parts.layer_archives, clock=parts.clock, new_id=parts.new_id
        ).handlers(),
        **LayerPermissionOperations(documents=parts.documents, new_id=parts.new_id).handlers(),
        **CodeSigningOperations(
            functions=parts.functions, documents=parts.documents, clock=parts.clock, new_id=parts.new_id
        ).handlers(),
        **CapacityProviderOperations(documents=parts.documents, clock=parts.clock).handlers(),
        **DurableExecutionOperations(parts.functions).handlers(),
        **EventInvokeConfigOperations(
            functions=parts.functions, documents=parts.documents, clock=parts.clock
        ).handlers(),
        **FunctionUrlOperations(
            functions=parts.functions,
            documents=parts.documents,
            clock=parts.clock,
            new_id=parts.new_id,
            authority=parts.url_authority,
        ).handlers(),
        **PermissionOperations(
            functions=parts.functions, documents=parts.documents, new_revision=parts.new_id
        ).handlers(),
        **RecursionOperations(functions=parts.functions, documents=parts.documents).handlers(),
        **RuntimeManagementOperations(functions=parts.functions, documents=parts.documents).handlers(),
        **TagOperations(parts.functions, parts.documents, parts.retire, parts.new_id).handlers(),
    }
