"""
What SAM would have made of APIs and events that are left out: ids that a template may refer to though it has no such
resource.

Each is here only as far as references need it: its type, and why it is left out.
AWS: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_GATEWAY = "Paddock has no API Gateway; FunctionUrlConfig gives a function a URL"
_REST, _HTTP = "ServerlessRestApi", "ServerlessHttpApi"
_STAGE_OF_REST = "Prod"
_STAGE = "AWS::ApiGateway::Stage"

_TYPE_OF = {
    "Schedule": "AWS::Events::Rule",
    "CloudWatchEvent": "AWS::Events::Rule",
    "EventBridgeRule": "AWS::Events::Rule",
    "ScheduleV2": "AWS::Scheduler::Schedule",
    "SNS": "AWS::SNS::Subscription",
    "CloudWatchLogs": "AWS::Logs::SubscriptionFilter",
    "IoTRule": "AWS::IoT::TopicRule",
}
"""By the kind of an event."""
_PART = "AWS::Serverless::Event"
"""No type of AWS's: what permits or carries an event."""
_OF_EVENT = {
    "Role": "AWS::IAM::Role",
    "Queue": "AWS::SQS::Queue",
    "QueuePolicy": "AWS::SQS::QueuePolicy",
    "EventSourceMapping": _PART,
    "Permission": _PART,
    # An API's event is permitted for the stage, or for all of them.
    **{f"Permission{stage}": _PART for stage in (_STAGE_OF_REST, "Stage", "AllStages")},
}
"""By what follows the event's id."""
_OF_API = {
    "AWS::Serverless::Api": ("Stage", "Deployment", "DomainName", "UsagePlan", "UsagePlanKey", "ApiKey"),
    "AWS::Serverless::HttpApi": ("Stage", "DomainName"),
}
"""What `Ref` finds with a dot after the API's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implied:
    """A resource that SAM would have made."""

    type: str
    reason: str


def implied_by_event(logical_id: str, name: str, event: Mapping[str, Any], reason: str) -> dict[str, Implied]:
    """
    What an event would have become, by logical id.

    Args:
        logical_id: Of the function or state machine that has the event.
        reason: Why it is left out.
    """
    kind = str(event.get("Type", ""))
    properties = event.get("Properties") or {}
    found = {f"{logical_id}{name}": _TYPE_OF.get(kind, _PART)}
    found |= {f"{logical_id}{name}{suffix}": of_suffix for suffix, of_suffix in _OF_EVENT.items()}
    if kind == "Api" and not properties.get("RestApiId"):
        found |= {_REST: "AWS::Serverless::Api", f"{_REST}{_STAGE_OF_REST}Stage": _STAGE}
        found |= {f"{_REST}.{part}": _STAGE for part in _OF_API["AWS::Serverless::Api"]}
    if kind == "HttpApi" and not properties.get("ApiId"):
        found |= {_HTTP: "AWS::Serverless::HttpApi", f"{_HTTP}ApiGatewayDefaultStage": _STAGE}
        found |= {f"{_HTTP}.{part}": _STAGE for part in _OF_API["AWS::Serverless::HttpApi"]}
    return {one: Implied(type=of_one, reason=reason) for one, of_one in found.items()}


def implied_by_api(logical_id: str, resource: Mapping[str, Any]) -> dict[str, Implied]:
    """What an API that the template describes would have become beside itself, by logical id."""
    parts = _OF_API.get(resource["Type"])
    if parts is None:
        return {}
    stage = (resource.get("Properties") or {}).get("StageName")
    stages = [f"{logical_id}{stage}Stage"] if isinstance(stage, str) else [f"{logical_id}Stage"]
    if stage is None:
        stages.append(f"{logical_id}ApiGatewayDefaultStage")
    found = [*stages, *(f"{logical_id}.{part}" for part in parts)]
    return {one: Implied(type=_STAGE, reason=NO_GATEWAY) for one in found}


def has_an_id_of_its_own(kind: str) -> bool:
    """Does AWS choose its id, so that nothing can be taken for it?"""
    return kind.startswith(("AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::ApiGateway"))
