"""
The operations on resource policies: who else may call a function, version or alias.

AddPermission, RemovePermission and GetPolicy name it as all operations do, and change one statement;
PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy take its ARN, and the policy as a whole. It is one policy.
They are kept and shown; nobody is let in or kept out by them.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.domain.errors import InvalidParameterValue, NotBuiltYet, ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, FunctionReference, parse_arn
from orchestrator.domain.permissions import Permission, ResourcePolicy, to_json
from orchestrator.domain.policy_documents import read_policy
from orchestrator.domain.publishing import check_revision
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, is_standing, no_such_resource, reference
from orchestrator.lambda_api.ownership import own
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

RESOURCE_POLICIES = Kind("resource-policy", ResourcePolicy)


class PermissionOperations:
    """
    Change one statement or all, show, delete.

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
        return {
            "AddPermission": repeating(self.add),
            "RemovePermission": repeating(self.remove),
            "GetPolicy": self.get,
            "PutResourcePolicy": repeating(self.put_all),
            "GetResourcePolicy": self.get_all,
            "DeleteResourcePolicy": repeating(self.delete_all),
        }

    async def add(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html"""
        asked = reference(caller, parameters)
        given = parameters.get("RevisionId")
        self._check_may_be_written(asked, given)
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
        return self._shown(_unqualified_latest(reference(caller, parameters)))

    async def put_all(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html"""
        asked = _at_arn(caller, parameters)
        given = parameters.get("RevisionId")
        self._check_may_be_written(asked, given)
        before = self._policy(asked)
        changed = ResourcePolicy.put(read_policy(parameters["Policy"]), asked.invoked_arn)
        await self._save(asked, before, changed, given)
        return self._shown(asked)

    async def get_all(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetResourcePolicy.html"""
        return self._shown(_unqualified_latest(_at_arn(caller, parameters)))

    async def delete_all(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteResourcePolicy.html"""
        asked = _unqualified_latest(_at_arn(caller, parameters))
        function = self._function(asked)
        _check_standing(function, asked)
        before = self._policy(asked)
        if before is None or before.is_empty:
            raise ResourceNotFound("No policy is associated with the given resource.")
        given = parameters.get("RevisionId")
        check_revision(given, _revision_of(function, asked.qualifier or LATEST))
        await self._save(asked, before, ResourcePolicy(), given)
        return Reply(204, None)

    def _check_may_be_written(self, asked: FunctionReference, given: str | None) -> None:
        if asked.qualifier == LATEST:
            raise InvalidParameterValue("We currently do not support adding policies for $LATEST.")
        function = self._function(asked)
        _check_standing(function, asked)
        check_revision(given, _revision_of(function, asked.qualifier or LATEST))

    def _shown(self, asked: FunctionReference) -> Reply:
        function = self._function(asked)
        policy = self._policy(asked)
        if policy is None or policy.is_empty:
            raise no_such_resource()
        revision_id = _revision_of(function, asked.qualifier or LATEST)
        return Reply(200, {"Policy": policy.to_text(asked.invoked_arn), "RevisionId": revision_id})

    def _function(self, asked: FunctionReference) -> Function:
        function = self._functions.get(asked.key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {asked.key.arn}")
        return function

    def _policy(self, asked: FunctionReference) -> ResourcePolicy | None:
        return self._documents.get(RESOURCE_POLICIES, _place(asked))

    async def _save(
        self, asked: FunctionReference, before: ResourcePolicy | None, changed: ResourcePolicy, given: str | None
    ) -> None:
        # One without statements is kept, so that whoever adds one meanwhile is not overtaken by its deletion.
        along = self._functions.renewed(asked.key, asked.qualifier or LATEST, given, self._new_revision())
        await self._documents.put(RESOURCE_POLICIES, _place(asked), changed, before=before, along=along)


def _at_arn(caller: Caller, parameters: Parameters) -> FunctionReference:
    """
    What `ResourceArn` names.

    Raises:
        NotBuiltYet: If it is a runtime, which AWS's model allows there too.
        ResourceNotFound: If it is of another region.
        AccessDenied: If it is of another account.
    """
    arn: str = parameters["ResourceArn"]
    if arn.split(":")[5] != "function":
        raise NotBuiltYet(
            "ResourceArn of a runtime is not built yet in Paddock; functions, versions and aliases have policies, see "
            "docs/compatibility.md"
        )
    return own(caller, parse_arn(arn, caller.region))


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
