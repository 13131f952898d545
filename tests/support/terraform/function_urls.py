"""aws_lambda_function_url (`function_url.go`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.support.terraform.around_functions import qualified
from tests.support.terraform.resource import Attributes, Resource, found_or_none, only_given

_PUBLIC = "FunctionURLAllowPublicAccess"
_CORS_LISTS = {
    "allow_headers": "AllowHeaders",
    "allow_methods": "AllowMethods",
    "allow_origins": "AllowOrigins",
    "expose_headers": "ExposeHeaders",
}


class FunctionUrl(Resource):
    """A URL of a function or an alias."""

    defaults = {
        "function_name": None,
        "qualifier": "",
        "authorization_type": None,
        "cors": None,
        "invoke_mode": "BUFFERED",
    }

    def create(self, planned: Attributes) -> None:
        """CreateFunctionUrlConfig; open to all, AddPermission, where a statement of its id may be already."""
        self._asked = qualified(planned)
        auth_type = planned["authorization_type"]
        request = {"AuthType": auth_type, "InvokeMode": planned["invoke_mode"]}
        if planned["cors"] is not None:
            request["Cors"] = _cors(planned["cors"])
        self.client.create_function_url_config(**self._asked, **request)
        if auth_type == "NONE":
            self._open_to_all()

    def read(self) -> dict[str, Any] | None:
        """GetFunctionUrlConfig; the id is the first label of the host."""
        found = found_or_none(lambda: self.client.get_function_url_config(**self._asked))
        if found is None:
            return None
        return {
            "function_name": self._asked["FunctionName"],
            "qualifier": self._asked.get("Qualifier", ""),
            "authorization_type": found["AuthType"],
            "cors": _cors_read(found["Cors"]) if "Cors" in found else None,
            "invoke_mode": found["InvokeMode"],
            "function_arn": found["FunctionArn"],
            "function_url": found["FunctionUrl"],
            "url_id": found["FunctionUrl"].partition("://")[2].partition(".")[0],
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """UpdateFunctionUrlConfig, with what changes; an empty Cors takes it away."""
        request: dict[str, Any] = {}
        if "authorization_type" in changes:
            request["AuthType"] = planned["authorization_type"]
        if "cors" in changes:
            request["Cors"] = {} if planned["cors"] is None else _cors(planned["cors"])
        if "invoke_mode" in changes:
            request["InvokeMode"] = planned["invoke_mode"]
        self.client.update_function_url_config(**self._asked, **request)

    def destroy(self) -> None:
        """DeleteFunctionUrlConfig; the permission stays."""
        found_or_none(lambda: self.client.delete_function_url_config(**self._asked))

    def _open_to_all(self) -> None:
        statement = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE", "Principal": "*"}
        try:
            self.client.add_permission(**self._asked, **statement, StatementId=_PUBLIC)
        except self.client.exceptions.ResourceConflictException as error:
            if f"The statement id ({_PUBLIC}) provided already exists" not in str(error):
                raise


def _cors(block: Attributes) -> dict[str, Any]:
    lists = {name: sorted(block.get(name, ())) for name in _CORS_LISTS}
    return {
        "AllowCredentials": block.get("allow_credentials", False),
        **only_given(MaxAge=block.get("max_age"), **{_CORS_LISTS[name]: value for name, value in lists.items()}),
    }


def _cors_read(cors: Attributes) -> dict[str, Any]:
    lists = {name: set(cors.get(wire, ())) for name, wire in _CORS_LISTS.items()}
    return {"allow_credentials": cors.get("AllowCredentials"), "max_age": cors.get("MaxAge"), **lists}
