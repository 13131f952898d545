"""
The operations on resource policies: who else may call a function, version or alias.

They are kept and shown; nobody is let in or kept out by them.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, FunctionReference
from orchestrator.domain.permissions import Permission, ResourcePolicy, to_json
from orchestrator.domain.publishing import check_revision
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, is_standing, reference
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

RESOURCE_POLICIES = Kind("resource-policy", ResourcePolicy)


class PermissionOperations:
    """
    AddPermission, RemovePermission, GetPolicy.

    Args:
        new_revision: Gives a fresh RevisionId: a policy has that of what it is of, and each change gives another.
    """

    def __init__(self, *, functions: FunctionStore, documents: Documents, new_revision: Callable[[], str]) -> None:
        self._functions = functions
        self._documents = documents
        self._new_revision = new_revision
        documents.know(RESOURCE_POLICIES)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {"AddPermission": self.add, "RemovePermission": self.remove, "GetPolicy": self.get}

    async def add(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html"""
        asked = reference(caller, parameters)
        if asked.qualifier == LATEST:
            raise InvalidParameterValue("We currently do not support adding policies for $LATEST.")
        function = self._functions.get(asked.key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {asked.key.arn}")
        _check_standing(function, asked)
        given = parameters.get("RevisionId")
        check_revision(given, _revision_of(function, asked.qualifier or LATEST))
        before = self._policy(asked)
        permission = Permission(
            statement_id=parameters["StatementId"],
            action=parameters["Action"],
            principal=parameters["Principal"],
            source_arn=parameters.get("SourceArn"),
            source_account=parameters.get("SourceAccount"),
            event_source_token=parameters.get("EventSourceToken"),
            principal_org_id=parameters.get("PrincipalOrgID"),
            function_url_auth_type=parameters.get("FunctionUrlAuthType"),
            invoked_via_function_url=parameters.get("InvokedViaFunctionUrl"),
        )
        changed = (before or ResourcePolicy()).with_one_more(permission, asked.invoked_arn)
        await self._save(asked, before, changed, given)
        return Reply(201, {"Statement": to_json(permission.statement(asked.invoked_arn))})

    async def remove(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html"""
        asked = _unqualified_latest(reference(caller, parameters))
        function = self._functions.get(asked.key)
        if function is None:
            raise ResourceNotFound(f"No policy found for: {asked.key.arn}")
        _check_standing(function, asked)
        before = self._policy(asked)
        changed = (before or ResourcePolicy()).without(parameters["StatementId"])
        given = parameters.get("RevisionId")
        check_revision(given, _revision_of(function, asked.qualifier or LATEST))
        await self._save(asked, before, changed, given)
        return Reply(204, None)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html"""
        asked = _unqualified_latest(reference(caller, parameters))
        function = self._functions.get(asked.key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {asked.key.arn}")
        policy = self._policy(asked)
        if policy is None or not policy.permissions:
            raise ResourceNotFound("The resource you requested does not exist.")
        revision_id = _revision_of(function, asked.qualifier or LATEST)
        return Reply(200, {"Policy": policy.document(asked.invoked_arn), "RevisionId": revision_id})

    def _policy(self, asked: FunctionReference) -> ResourcePolicy | None:
        return self._documents.get(RESOURCE_POLICIES, _place(asked))

    async def _save(
        self, asked: FunctionReference, before: ResourcePolicy | None, changed: ResourcePolicy, given: str | None
    ) -> None:
        # One without statements is kept, so that whoever adds one meanwhile is not overtaken by its deletion.
        along = self._functions.renewed(asked.key, asked.qualifier or LATEST, given, self._new_revision())
        await self._documents.put(RESOURCE_POLICIES, _place(asked), changed, before=before, along=along)


def _place(asked: FunctionReference) -> Place:
    return Place.on(asked.key, asked.qualifier or LATEST)


def _unqualified_latest(asked: FunctionReference) -> FunctionReference:
    """That of `$LATEST` is the function's own, whose ARN is bare."""
    return FunctionReference(asked.key) if asked.qualifier == LATEST else asked


def _check_standing(function: Function, asked: FunctionReference) -> None:
    qualifier = asked.qualifier
    if qualifier is None or is_standing(function, qualifier):
        return
    # What can be no alias's name is taken for a version's.
    what = "Function not found" if qualifier.isdigit() or "$" in qualifier else "Cannot find alias arn"
    raise ResourceNotFound(f"{what}: {asked.invoked_arn}")


def _revision_of(function: Function, qualifier: str) -> str:
    alias = function.aliases.get(qualifier)
    if alias is not None:
        return alias.revision_id
    version = function.version(qualifier)
    assert version is not None, "a policy goes with its version"
    return version.revision_id
