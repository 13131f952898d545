"""Which operations there are, and what serves each. What is not here is refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.clock import Clock
from orchestrator.domain.names import FunctionKey
from orchestrator.fleet.deployments import Deployments
from orchestrator.fleet.provisioning import Provisioning
from orchestrator.lambda_api.aliases import AliasOperations
from orchestrator.lambda_api.concurrency import ConcurrencyOperations
from orchestrator.lambda_api.durable_executions import DurableExecutionOperations
from orchestrator.lambda_api.functions import FunctionOperations
from orchestrator.lambda_api.operations import Handler
from orchestrator.lambda_api.provisioned_concurrency import ProvisionedConcurrencyOperations
from orchestrator.lambda_api.tags import TagOperations
from orchestrator.lambda_api.versions import VersionOperations
from orchestrator.store.documents import Documents
from orchestrator.store.functions import FunctionStore
from orchestrator.store.provisioned import ProvisionedConfigs


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What operations are made of.

    Args:
        account_limit: Concurrency of an account in a region.
        retire: Called when environments of a function may have become outdated.
        new_id: Gives a fresh UUID.
    """

    functions: FunctionStore
    documents: Documents
    provisioned: ProvisionedConfigs
    deployments: Deployments
    provisioning: Provisioning
    clock: Clock
    account_limit: int
    retire: Callable[[FunctionKey], None]
    new_id: Callable[[], str]


def handlers_of(parts: Parts) -> dict[str, Handler]:
    """By operation name; what invokes is served before they are asked for (`invoke.py`)."""
    return {
        **FunctionOperations(functions=parts.functions, deployments=parts.deployments, clock=parts.clock).handlers(),
        **VersionOperations(functions=parts.functions, deployments=parts.deployments).handlers(),
        **AliasOperations(
            functions=parts.functions, provisioned=parts.provisioned, new_revision=parts.new_id
        ).handlers(),
        **ConcurrencyOperations(
            functions=parts.functions, provisioned=parts.provisioned, account_limit=parts.account_limit
        ).handlers(),
        **ProvisionedConcurrencyOperations(
            functions=parts.functions,
            configs=parts.provisioned,
            provisioning=parts.provisioning,
            clock=parts.clock,
            account_limit=parts.account_limit,
        ).handlers(),
        **DurableExecutionOperations(parts.functions).handlers(),
        **TagOperations(parts.functions, parts.retire).handlers(),
    }
