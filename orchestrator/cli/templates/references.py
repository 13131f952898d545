"""
What `Ref` and `Fn::GetAtt` give for a template's resources, before any of them is there.

Three kinds of answers: a Lambda resource's name and ARN, which are known; what the API will choose (a version's number,
a URL), which is written `${LogicalId.Attribute}` until it is known; and for what Paddock does not make, the ARN or name
that it would have in this account and region. The last are remembered, because a plan must name them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestrator.cli.failures import unusable

_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_DIGITS_OF_AN_ID = 17
"""Hexadecimal, as in `subnet-0123456789abcdef0`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where a template's resources stand, and under which name."""

    name: str
    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def function_arn(self, name: str) -> str:
        """A function's ARN."""
        return self.arn("lambda", f"function:{name}")

    def pseudo_parameters(self) -> dict[str, Any]:
        """AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html"""
        return {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::StackName": self.name,
            "AWS::StackId": self.arn("cloudformation", f"stack/{self.name}/paddock"),
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NotificationARNs": [],
        }


def deferred(logical_id: str, attribute: str) -> str:
    """What stands for a value until the API has chosen it."""
    return f"${{{logical_id}.{attribute}}}"


class _Shape(NamedTuple):
    """
    How resources of a type are named.

    Args:
        name: The property that names one; without one, only the stack and the logical id do.
        id: What begins the id that AWS would have chosen; then that is what Ref gives.
    """

    name: str
    arn: str
    is_ref_the_arn: bool = False
    id: str = ""


# {p}artition, {r}egion, {a}ccount, {n}ame, {i}d
_SHAPES = {
    "AWS::SQS::Queue": _Shape("QueueName", "arn:{p}:sqs:{r}:{a}:{n}"),
    "AWS::SNS::Topic": _Shape("TopicName", "arn:{p}:sns:{r}:{a}:{n}", True),
    "AWS::DynamoDB::Table": _Shape("TableName", "arn:{p}:dynamodb:{r}:{a}:table/{n}"),
    "AWS::Serverless::SimpleTable": _Shape("TableName", "arn:{p}:dynamodb:{r}:{a}:table/{n}"),
    "AWS::S3::Bucket": _Shape("BucketName", "arn:{p}:s3:::{n}"),
    "AWS::IAM::Role": _Shape("RoleName", "arn:{p}:iam::{a}:role/{n}"),
    "AWS::Kinesis::Stream": _Shape("Name", "arn:{p}:kinesis:{r}:{a}:stream/{n}"),
    "AWS::Kinesis::StreamConsumer": _Shape("ConsumerName", "arn:{p}:kinesis:{r}:{a}:stream/{n}/consumer/{n}:1", True),
    "AWS::MSK::Cluster": _Shape("ClusterName", "arn:{p}:kafka:{r}:{a}:cluster/{n}/{i}", True),
    "AWS::MSK::ServerlessCluster": _Shape("ClusterName", "arn:{p}:kafka:{r}:{a}:cluster/{n}/{i}", True),
    "AWS::AmazonMQ::Broker": _Shape("BrokerName", "arn:{p}:mq:{r}:{a}:broker:{n}:{i}", id="b-"),
    "AWS::EC2::VPC": _Shape("", "arn:{p}:ec2:{r}:{a}:vpc/{i}", id="vpc-"),
    "AWS::EC2::Subnet": _Shape("", "arn:{p}:ec2:{r}:{a}:subnet/{i}", id="subnet-"),
    "AWS::EC2::SecurityGroup": _Shape("", "arn:{p}:ec2:{r}:{a}:security-group/{i}", id="sg-"),
    "AWS::EFS::AccessPoint": _Shape("", "arn:{p}:elasticfilesystem:{r}:{a}:access-point/{i}", id="fsap-"),
    _TARGET_GROUP: _Shape("Name", "arn:{p}:elasticloadbalancing:{r}:{a}:targetgroup/{n}/{i}", True),
    _LOAD_BALANCER: _Shape("Name", "arn:{p}:elasticloadbalancing:{r}:{a}:loadbalancer/app/{n}/{i}", True),
    "AWS::Events::Rule": _Shape("Name", "arn:{p}:events:{r}:{a}:rule/{n}"),
    "AWS::Events::EventBus": _Shape("Name", "arn:{p}:events:{r}:{a}:event-bus/{n}"),
    "AWS::Logs::LogGroup": _Shape("LogGroupName", "arn:{p}:logs:{r}:{a}:log-group:{n}:*"),
    "AWS::SecretsManager::Secret": _Shape("Name", "arn:{p}:secretsmanager:{r}:{a}:secret:{n}", True),
    "AWS::KMS::Key": _Shape("", "arn:{p}:kms:{r}:{a}:key/{n}"),
    "AWS::StepFunctions::StateMachine": _Shape("StateMachineName", "arn:{p}:states:{r}:{a}:stateMachine:{n}", True),
    "AWS::Serverless::StateMachine": _Shape("Name", "arn:{p}:states:{r}:{a}:stateMachine:{n}", True),
}


class References:
    """
    The values of one template's resources.

    Args:
        resources: By logical id, as the template has them after SAM's translation.
        others: Those that are not translated, because Paddock makes nothing of them.
        resolved: Evaluates a property.
    """

    def __init__(
        self,
        stack: Stack,
        resources: Mapping[str, Any],
        others: Mapping[str, Any],
        resolved: Callable[[Any], Any],
    ) -> None:
        self._stack = stack
        self._resources = {**others, **resources}
        self._resolved = resolved
        self._asked: list[set[str]] = []
        self._under_way: list[str] = []
        self.assumed: dict[str, str] = {}

    def value(self, logical_id: str, attribute: str | None) -> Any:
        """
        What a resource's attribute is; without one, what `Ref` gives.

        Raises: Failure: if resources refer to each other in a circle.
        """
        for needs in self._asked:
            needs.add(logical_id)
        if logical_id in self._under_way:
            raise unusable(f"the template's resources refer to each other in a circle: {', '.join(self._under_way)}")
        self._under_way.append(logical_id)
        try:
            return self._value(logical_id, attribute)
        finally:
            self._under_way.pop()

    def needs_of(self, written: Any) -> tuple[Any, frozenset[str]]:
        """A value evaluated, and the logical ids that were asked for it."""
        self._asked.append(set())
        try:
            value = self._resolved(written)
        finally:
            needs = self._asked.pop()
        return value, frozenset(needs)

    def name_of(self, logical_id: str, name_property: str) -> str:
        """A resource's own name, or `<stack>-<LogicalId>`."""
        given = self._property(logical_id, name_property) if name_property else None
        return str(given) if given else f"{self._stack.name}-{logical_id}"

    def _value(self, logical_id: str, attribute: str | None) -> Any:
        match self._resources[logical_id]["Type"]:
            case "AWS::Lambda::Function":
                name = self.name_of(logical_id, "FunctionName")
                return self._stack.function_arn(name) if attribute == "Arn" else name
            case "AWS::Lambda::Version":
                number = deferred(logical_id, "Version")
                return number if attribute == "Version" else f"{self._arn_of_function(logical_id)}:{number}"
            case "AWS::Lambda::Alias":
                return f"{self._arn_of_function(logical_id)}:{self._property(logical_id, 'Name')}"
            case "AWS::Lambda::Url":
                is_url = attribute == "FunctionUrl"
                return deferred(logical_id, "FunctionUrl") if is_url else self._arn_of_function(logical_id)
            case "AWS::Lambda::EventSourceMapping":
                return deferred(logical_id, "UUID")
            case "AWS::Lambda::LayerVersion":
                return deferred(logical_id, "LayerVersionArn")
            case other:
                return self._assumed(logical_id, other, attribute)

    def _arn_of_function(self, logical_id: str) -> str:
        given = self._property(logical_id, "FunctionName") or self._property(logical_id, "TargetFunctionArn")
        return str(given) if str(given).startswith("arn:") else self._stack.function_arn(str(given))

    def _assumed(self, logical_id: str, kind: str, attribute: str | None) -> str:
        shape = _SHAPES.get(kind)
        name = self.name_of(logical_id, shape.name if shape else "")
        place = {"p": self._stack.partition, "r": self._stack.region, "a": self._stack.account}
        service = kind.split("::")[1].lower() if kind.count("::") > 1 else "unknown"
        chosen = (shape.id if shape else "") + _digits_of(name)
        arn = shape.arn.format(**place, n=name, i=chosen) if shape else self._stack.arn(service, name)
        known_as = chosen if shape and shape.id else name
        if attribute == "StreamArn":
            found = f"{arn}/stream/1970-01-01T00:00:00.000"
        elif kind == "AWS::SQS::Queue" and attribute in (None, "QueueUrl"):
            found = f"https://sqs.{self._stack.region}.amazonaws.com/{self._stack.account}/{name}"
        elif attribute is None:
            found = arn if shape and shape.is_ref_the_arn else known_as
        else:
            found = arn if attribute.lower().endswith("arn") else known_as
        self.assumed[logical_id if attribute is None else f"{logical_id}.{attribute}"] = found
        return found

    def _property(self, logical_id: str, name: str) -> Any:
        return self._resolved(self._resources[logical_id].get("Properties", {}).get(name))


def _digits_of(name: str) -> str:
    """The same for the same name, of the same form as AWS's."""
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS_OF_AN_ID]
