"""Layers' versions, and event source mappings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.support.terraform.resource import INVALID, Attributes, Resource, found_or_none, only_given

_REPEATED = (
    (INVALID, "cannot be assumed by Lambda"),
    (INVALID, "execution role does not have permissions"),
    (INVALID, "ensure the role can perform"),
)
_AT_REST = {"Enabled", "Disabled"}
_NUMBERS = {
    "batch_size": "BatchSize",
    "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
    "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "parallelization_factor": "ParallelizationFactor",
    "tumbling_window_in_seconds": "TumblingWindowInSeconds",
}


class LayerVersion(Resource):
    """aws_lambda_layer_version (`layer_version.go`); what changes in it makes it anew. `filename` is the zip itself."""

    defaults = {
        "layer_name": None,
        "description": "",
        "license_info": "",
        "compatible_architectures": set(),
        "compatible_runtimes": set(),
    }
    unread = {"filename": None}

    def create(self, planned: Attributes) -> None:
        """PublishLayerVersion; its ARN says how it is asked for from then on."""
        published = self.client.publish_layer_version(
            Content={"ZipFile": planned["filename"]},
            Description=planned["description"],
            LayerName=planned["layer_name"],
            LicenseInfo=planned["license_info"],
            **only_given(
                CompatibleArchitectures=sorted(planned["compatible_architectures"]),
                CompatibleRuntimes=sorted(planned["compatible_runtimes"]),
            ),
        )
        kind, name, number = published["LayerVersionArn"].split(":")[5:]
        assert kind == "layer"
        self._asked = {"LayerName": name, "VersionNumber": int(number)}

    def read(self) -> dict[str, Any] | None:
        """GetLayerVersion."""
        found = found_or_none(lambda: self.client.get_layer_version(**self._asked))
        if found is None:
            return None
        return {
            "layer_name": self._asked["LayerName"],
            "description": found["Description"],
            "license_info": found.get("LicenseInfo"),
            "compatible_architectures": set(found.get("CompatibleArchitectures", ())),
            "compatible_runtimes": set(found.get("CompatibleRuntimes", ())),
            "arn": found["LayerVersionArn"],
            "layer_arn": found["LayerArn"],
            "code_sha256": found["Content"]["CodeSha256"],
            "source_code_size": found["Content"]["CodeSize"],
            "created_date": found["CreatedDate"],
        }

    def destroy(self) -> None:
        """DeleteLayerVersion."""
        self.client.delete_layer_version(**self._asked)


class EventSourceMapping(Resource):
    """aws_lambda_event_source_mapping (`event_source_mapping.go`), of queues and streams."""

    defaults = {
        "function_name": None,
        "event_source_arn": None,
        "enabled": True,
        "starting_position": "",
        "bisect_batch_on_function_error": False,
        "destination_config": None,
        "filter_criteria": None,
        "function_response_types": set(),
        "scaling_config": None,
        "tags": {},
        **dict.fromkeys(_NUMBERS),
    }
    computed = (
        "batch_size",
        "destination_config",
        "maximum_record_age_in_seconds",
        "maximum_retry_attempts",
        "parallelization_factor",
    )

    def create(self, planned: Attributes) -> None:
        """CreateEventSourceMapping; until it is enabled or disabled."""
        request = {
            "Enabled": planned["enabled"],
            "FunctionName": planned["function_name"],
            **only_given(
                BisectBatchOnFunctionError=planned["bisect_batch_on_function_error"] or None,
                DestinationConfig=_destinations(planned),
                EventSourceArn=planned["event_source_arn"],
                FilterCriteria=_filters(planned),
                FunctionResponseTypes=sorted(planned["function_response_types"]),
                ScalingConfig=_scaling(planned),
                StartingPosition=planned["starting_position"],
                Tags=planned["tags"],
                **{wire: planned[name] or None for name, wire in _NUMBERS.items()},
            ),
        }
        made = self.repeated(lambda: self.client.create_event_source_mapping(**request), *_REPEATED)
        self._uuid = made["UUID"]
        self.wait(self._state, pending={"Creating", "Disabling", "Enabling"}, target=_AT_REST)

    def read(self) -> dict[str, Any] | None:
        """GetEventSourceMapping and ListTags; only its state says whether it is enabled."""
        found = self._get()
        if found is None:
            return None
        self._arn = found["EventSourceMappingArn"]
        self._tags: Attributes = self.client.list_tags(Resource=self._arn)["Tags"]
        failures = found.get("DestinationConfig", {}).get("OnFailure")
        filters = found.get("FilterCriteria")
        scaling = found.get("ScalingConfig")
        return {
            "function_name": found["FunctionArn"],
            "event_source_arn": found["EventSourceArn"],
            "enabled": found["State"] in ("Enabled", "Enabling"),
            "starting_position": found.get("StartingPosition"),
            "bisect_batch_on_function_error": found.get("BisectBatchOnFunctionError"),
            "destination_config": None
            if failures is None
            else {"on_failure": {"destination_arn": failures.get("Destination")}},
            "filter_criteria": filters and {"filter": [{"pattern": one["Pattern"]} for one in filters["Filters"]]},
            "function_response_types": set(found.get("FunctionResponseTypes", ())),
            "scaling_config": scaling and {"maximum_concurrency": scaling.get("MaximumConcurrency")},
            "tags": self._tags,
            "uuid": found["UUID"],
            **{name: found.get(wire) for name, wire in _NUMBERS.items()},
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """Tags; UpdateEventSourceMapping, with what changes; until it is enabled or disabled."""
        if removed := [name for name in self._tags if name not in planned["tags"]]:
            self.client.untag_resource(Resource=self._arn, TagKeys=removed)
        if added := {name: one for name, one in planned["tags"].items() if self._tags.get(name) != one}:
            self.client.tag_resource(Resource=self._arn, Tags=added)
        whole = {
            "bisect_batch_on_function_error": ("BisectBatchOnFunctionError", planned["bisect_batch_on_function_error"]),
            "destination_config": ("DestinationConfig", _destinations(planned)),
            "enabled": ("Enabled", planned["enabled"]),
            "filter_criteria": ("FilterCriteria", _filters(planned) or {}),
            "function_name": ("FunctionName", planned["function_name"]),
            "function_response_types": ("FunctionResponseTypes", sorted(planned["function_response_types"])),
            "scaling_config": ("ScalingConfig", _scaling(planned) or {}),
            **{name: (wire, planned[name] or 0) for name, wire in _NUMBERS.items()},
        }
        members = dict(whole[name] for name in changes if name in whole)
        request = {name: value for name, value in members.items() if value is not None}
        self.repeated(lambda: self.client.update_event_source_mapping(UUID=self._uuid, **request), *_REPEATED)
        self.wait(self._state, pending={"Disabling", "Enabling", "Updating"}, target=_AT_REST)

    def destroy(self) -> None:
        """DeleteEventSourceMapping, again while it is in use; until it is not there."""
        found_or_none(
            lambda: self.repeated(
                lambda: self.client.delete_event_source_mapping(UUID=self._uuid), ("ResourceInUseException", "")
            )
        )
        self.wait(self._state, pending={"Deleting"}, target=())

    def with_what_stays(self, name: str, configured: Any, state: Any) -> Any:
        """A name that is the ARN's."""
        if name == "function_name" and state.rpartition(":function:")[2] == configured:
            return state
        return configured

    def _get(self) -> Any:
        return found_or_none(lambda: self.client.get_event_source_mapping(UUID=self._uuid))

    def _state(self) -> str | None:
        found = self._get()
        return None if found is None else str(found["State"])


def _destinations(planned: Attributes) -> dict[str, Any] | None:
    block = planned["destination_config"]
    return block and {"OnFailure": {"Destination": block["on_failure"]["destination_arn"]}}


def _filters(planned: Attributes) -> dict[str, Any] | None:
    block = planned["filter_criteria"]
    return block and {"Filters": [{"Pattern": one["pattern"]} for one in block["filter"]]}


def _scaling(planned: Attributes) -> dict[str, Any] | None:
    block = planned["scaling_config"]
    return block and {"MaximumConcurrency": block["maximum_concurrency"]}
