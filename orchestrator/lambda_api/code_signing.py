"""
The operations on code signing configs.

They are for zip packages: AWS answers for a function that is a container image, as all of Paddock's are, that there is
no code signing for it. So configs are kept, and no function has one.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orchestrator.clock import Clock
from orchestrator.domain.code_signing import CodeSigningConfig, arn_from, id_in, no_code_signing
from orchestrator.domain.errors import CodeSigningConfigNotFound, UntypedResourceNotFound
from orchestrator.domain.function_tags import check_count
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function
from orchestrator.lambda_api.pages import page_by_name
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.times import aws_time
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

CODE_SIGNING_CONFIGS = Kind("code-signing-config", CodeSigningConfig)


class CodeSigningOperations:
    """Create, get, list, update and delete configs; those on functions, which are all images."""

    def __init__(
        self, *, functions: FunctionStore, documents: Documents, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._functions = functions
        self._documents = documents
        self._clock = clock
        self._new_id = new_id
        documents.know(CODE_SIGNING_CONFIGS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateCodeSigningConfig": self.create,
            "GetCodeSigningConfig": self.get,
            "ListCodeSigningConfigs": self.list_configs,
            "UpdateCodeSigningConfig": self.update,
            "DeleteCodeSigningConfig": self.delete,
            "ListFunctionsByCodeSigningConfig": self.list_functions,
            "PutFunctionCodeSigningConfig": self.put_on_function,
            "GetFunctionCodeSigningConfig": self.refuse_image,
            "DeleteFunctionCodeSigningConfig": self.refuse_image,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateCodeSigningConfig.html"""
        tags = parameters.get("Tags", {})
        check_count(tags)
        new = CodeSigningConfig(
            arn=arn_from(caller.account, caller.region, self._new_id()),
            signing_profile_version_arns=(),
            last_modified=self._clock.now(),
            tags=tags,
        )
        config = _changed(new, parameters)
        await self._documents.put(CODE_SIGNING_CONFIGS, _place(caller, config.arn), config, before=None)
        return Reply(201, {"CodeSigningConfig": _rendered(config)})

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetCodeSigningConfig.html"""
        return Reply(200, {"CodeSigningConfig": _rendered(self._config(caller, parameters))})

    async def list_configs(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListCodeSigningConfigs.html"""
        found = self._documents.under(CODE_SIGNING_CONFIGS, caller.account, caller.region)
        shown, more = page_by_name(((one.config_id, one) for _, one in found), parameters)
        return Reply(200, {"CodeSigningConfigs": [_rendered(one) for one in shown], **more})

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateCodeSigningConfig.html"""
        before = self._config(caller, parameters)
        after = _changed(before, parameters)
        if after != before:
            after = replace(after, last_modified=self._clock.now())
            await self._documents.put(CODE_SIGNING_CONFIGS, _place(caller, before.arn), after, before=before)
        return Reply(200, {"CodeSigningConfig": _rendered(after)})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteCodeSigningConfig.html"""
        await self._documents.remove(CODE_SIGNING_CONFIGS, _place(caller, self._config(caller, parameters).arn))
        return Reply(204, None)

    async def list_functions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionsByCodeSigningConfig.html"""
        self._config(caller, parameters)
        return Reply(200, {"FunctionArns": []})

    async def put_on_function(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionCodeSigningConfig.html"""
        arn = parameters["CodeSigningConfigArn"]
        # AWS looks for the config first.
        if self._find(caller, arn) is None:
            raise CodeSigningConfigNotFound(
                "The code signing configuration cannot be found. Check that the provided configuration is not "
                f"deleted: {arn}."
            )
        return await self.refuse_image(caller, parameters)

    async def refuse_image(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html"""
        find_function(self._functions, caller, parameters)
        raise no_code_signing()

    def _config(self, caller: Caller, parameters: Parameters) -> CodeSigningConfig:
        arn = parameters["CodeSigningConfigArn"]
        config = self._find(caller, arn)
        if config is None:
            raise UntypedResourceNotFound(f"The Lambda code signing configuration {arn} can not be found.")
        return config

    def _find(self, caller: Caller, arn: str) -> CodeSigningConfig | None:
        config = self._documents.get(CODE_SIGNING_CONFIGS, _place(caller, arn))
        return config if config is not None and config.arn == arn else None


def _place(caller: Caller, arn: str) -> Place:
    return Place.beside(caller.account, caller.region, id_in(arn))


def _changed(config: CodeSigningConfig, parameters: Parameters) -> CodeSigningConfig:
    changes: dict[str, Any] = {}
    if "Description" in parameters:
        changes["description"] = parameters["Description"]
    if "AllowedPublishers" in parameters:
        changes["signing_profile_version_arns"] = tuple(parameters["AllowedPublishers"]["SigningProfileVersionArns"])
    if policy := parameters.get("CodeSigningPolicies", {}).get("UntrustedArtifactOnDeployment"):
        changes["untrusted_artifact_policy"] = policy
    return replace(config, **changes)


def _rendered(config: CodeSigningConfig) -> dict[str, Any]:
    """As `CodeSigningConfig`."""
    return {
        "CodeSigningConfigId": config.config_id,
        "CodeSigningConfigArn": config.arn,
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.signing_profile_version_arns)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.untrusted_artifact_policy},
        "LastModified": aws_time(config.last_modified),
    }
