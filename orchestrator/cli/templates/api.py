"""The Lambda API as a template's deployment asks it: by AWS's client, operation by operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.cli.failures import Failure
from orchestrator.cli.settling import polls, require_success, settled
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.wanted import Call, NotBuilt

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_NOT_BUILT = "NotImplementedException"
_NOT_FOUND = ("ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException")
_NO_FUNCTION = "paddock-asks-where-it-is"
_PLACE = re.compile(r"arn:([\w-]+):lambda:([a-z0-9-]+):(\d{12}):function:")
_DEFAULT_ACCOUNT = "000000000000"


class Api:
    """One client's operations."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def stack(self, name: str) -> Stack:
        """Where a stack of this name stands: the API's refusal of a function that is not there names the place."""
        from botocore.exceptions import ClientError

        try:
            self._client.get_function_configuration(FunctionName=_NO_FUNCTION)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_FOUND:
                raise
            if place := _PLACE.search(error.response["Error"]["Message"]):
                return Stack(name=name, partition=place[1], region=place[2], account=place[3])
        return Stack(name=name, account=_DEFAULT_ACCOUNT, region=self._client.meta.region_name)

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """
        An answer; None if what was asked for is not there.

        Raises: NotBuilt: if this Paddock does not serve the operation.
        """
        from botocore.exceptions import ClientError

        try:
            return self._made(operation, parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_FOUND:
                return None
            raise

    def make(self, call: Call) -> None:
        """
        One change, once its function is settled; done when that is settled again.

        Raises:
            NotBuilt: If this Paddock does not serve the operation, or a member of it.
            Failure: If the function does not become what it was asked to be.
        """
        name = call.settles
        if name is not None and call.operation != "CreateFunction":
            settled(self._client, name)
        self._made(call.operation, call.parameters)
        if name is not None:
            require_success(name, settled(self._client, name))
        if call.only_waits or call.operation == "PutProvisionedConcurrencyConfig":
            self._provisioned(call)

    def _provisioned(self, call: Call) -> None:
        target = {key: call.parameters[key] for key in ("FunctionName", "Qualifier")}
        for _ in polls():
            found = self._made("GetProvisionedConcurrencyConfig", target)
            if found.get("Status") == "FAILED":
                reason = found.get("StatusReason")
                raise Failure(f"{':'.join(target.values())}: provisioned concurrency failed: {reason}")
            if found.get("Status") != "IN_PROGRESS":
                return
        raise Failure(f"{':'.join(target.values())}: provisioned concurrency is not ready yet; ask again later")

    def _made(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        from botocore import xform_name
        from botocore.exceptions import ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, xform_name(operation))(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] == _NOT_BUILT:
                raise NotBuilt(error.response["Error"]["Message"]) from error
            raise
        return answer
