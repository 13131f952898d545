"""
What Terraform's AWS provider would do with what stands around functions: aliases, permissions, URLs, layers, mappings.

Its calls are replayed with boto3 (`tests/support/terraform`); the provider itself cannot be had here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import Provisioned
from tests.support.terraform.around_functions import Alias, EventInvokeConfig, Permission, ProvisionedConcurrency
from tests.support.terraform.function_urls import FunctionUrl
from tests.support.terraform.layers_and_mappings import EventSourceMapping, LayerVersion
from tests.support.terraform.resource import Managed, Resource
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ServedApi
from tests.unit.lambda_api.test_layers import archive

Configured = dict[str, Any]
Terraform = Callable[[type[Resource]], Managed]
QUEUE, TOPIC = "arn:aws:sqs:us-east-1:000000000000:jobs", "arn:aws:sns:us-east-1:000000000000:done"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
OF_HELLO = {"function_name": "hello"}
OF_LIVE = OF_HELLO | {"qualifier": "live"}


@pytest.fixture
def terraform(client: Any) -> Terraform:
    """Gives a resource into Terraform's hands."""
    return lambda resource: Managed(resource(client))


@pytest.fixture(autouse=True)
def _hello(active: Callable[..., Any], client: Any) -> None:
    """A function with versions 1 and 2, and the alias `live`, which leads to 1."""
    active()
    for number in ("1", "2"):
        client.update_function_configuration(FunctionName="hello", Description=number)
        client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")


ALIAS = OF_HELLO | {"name": "blue", "function_version": "1"}
WEIGHTED = ALIAS | {"routing_config": {"additional_version_weights": {"2": 0.25}}}
URL = OF_HELLO | {"authorization_type": "NONE"}
CORS = {"allow_credentials": True, "allow_methods": {"GET", "PUT"}, "allow_origins": {"https://a", "https://b"}}
WHOLE_CORS = CORS | {"allow_headers": {"date"}, "expose_headers": {"date", "etag"}, "max_age": 60}
LIMITS = OF_HELLO | {"maximum_event_age_in_seconds": 120, "maximum_retry_attempts": 0}
TO_BOTH = {"on_failure": {"destination": QUEUE}, "on_success": {"destination": TOPIC}}
FROM_QUEUE = OF_HELLO | {"event_source_arn": QUEUE, "enabled": False}
FROM_STREAM = OF_HELLO | {"event_source_arn": STREAM, "enabled": False, "starting_position": "LATEST"}
FILTERED = {"filter_criteria": {"filter": [{"pattern": '{"body":["a"]}'}]}}
SERIES: dict[str, tuple[type[Resource], list[Configured]]] = {
    "an alias": (Alias, [ALIAS, ALIAS | {"description": "two", "function_version": "2"}]),
    "an alias with weights": (
        Alias,
        [WEIGHTED, ALIAS | {"routing_config": {"additional_version_weights": {"2": 0.5}}}, ALIAS, WEIGHTED],
    ),
    "a URL": (FunctionUrl, [URL, URL | {"authorization_type": "AWS_IAM", "invoke_mode": "RESPONSE_STREAM"}]),
    "an alias's URL": (FunctionUrl, [OF_LIVE | {"authorization_type": "AWS_IAM"}]),
    "a URL for browsers": (
        FunctionUrl,
        [URL | {"cors": WHOLE_CORS}, URL | {"cors": CORS}, URL, URL | {"cors": {"allow_origins": {"*"}}}],
    ),
    "limits of events": (
        EventInvokeConfig,
        [LIMITS, LIMITS | {"destination_config": TO_BOTH}, OF_HELLO | {"maximum_retry_attempts": 1}],
    ),
    "destinations of an alias's events": (
        EventInvokeConfig,
        [OF_LIVE | {"destination_config": {"on_failure": {"destination": QUEUE}}}, OF_LIVE],
    ),
    "a mapping of a queue": (
        EventSourceMapping,
        [
            FROM_QUEUE,
            FROM_QUEUE | FILTERED | {"batch_size": 5, "function_response_types": {"ReportBatchItemFailures"}},
            FROM_QUEUE | {"batch_size": 5, "scaling_config": {"maximum_concurrency": 4}, "tags": {"a": "b"}},
            FROM_QUEUE | {"function_name": "hello:live", "maximum_batching_window_in_seconds": 3, "tags": {"c": "d"}},
        ],
    ),
    "a mapping of a stream": (
        EventSourceMapping,
        [
            FROM_STREAM | {"destination_config": {"on_failure": {"destination_arn": QUEUE}}},
            FROM_STREAM | {"maximum_retry_attempts": 3, "maximum_record_age_in_seconds": 90},
            FROM_STREAM | {"bisect_batch_on_function_error": True, "parallelization_factor": 2},
            FROM_STREAM | {"tumbling_window_in_seconds": 30},
        ],
    ),
    "a layer": (LayerVersion, [{"layer_name": "tools", "filename": archive()}]),
    "a layer that says all": (
        LayerVersion,
        [
            {
                "layer_name": "tools",
                "filename": archive(),
                "description": "of ours",
                "license_info": "MIT",
                "compatible_architectures": {"arm64", "x86_64"},
                "compatible_runtimes": {"python3.12", "python3.13"},
            }
        ],
    ),
}


@pytest.mark.parametrize("what", SERIES)
def test_it_stands_as_configured_through_every_change_and_is_gone_when_destroyed(
    terraform: Terraform, what: str
) -> None:
    """Each plan after an apply shows no difference, however often it is refreshed; destroying twice does no harm."""
    kind, series = SERIES[what]
    managed = terraform(kind)
    for configured in series:
        assert managed.apply(configured), "nothing was to be done"
        assert managed.plan(configured) == {}
        assert managed.plan(configured) == {}
    managed.destroy()
    managed.resource.destroy()


PERMISSIONS: dict[str, Configured] = {
    "a bucket": {
        "principal": "s3.amazonaws.com",
        "source_arn": "arn:aws:s3:::photos",
        "source_account": "111122223333",
    },
    "a rule": {"principal": "events.amazonaws.com", "source_arn": "arn:aws:events:us-east-1:111122223333:rule/r"},
    "a skill": {"principal": "alexa-appkit.amazon.com", "event_source_token": "amzn1.ask.skill.1"},
    "a role": {"principal": "arn:aws:iam::111122223333:role/caller"},
    "an organization": {"principal": "*", "principal_org_id": "o-a1b2c3d4e5"},
    "a URL": {"principal": "*", "action": "lambda:InvokeFunctionUrl", "function_url_auth_type": "NONE"},
    "calls of a URL": {"principal": "*", "invoked_via_function_url": True},
    "an alias": {"principal": "sns.amazonaws.com", "source_arn": TOPIC, "qualifier": "live"},
    "a version": {"principal": "sns.amazonaws.com", "source_arn": TOPIC, "qualifier": "2"},
}


@pytest.mark.parametrize("who", PERMISSIONS)
def test_a_permission_is_found_again_in_the_policy_as_configured(terraform: Terraform, who: str) -> None:
    """Beside another one, which stays when it goes; and the policy goes with the last."""
    of_all = {**OF_HELLO, "action": "lambda:InvokeFunction"}
    configured = {**of_all, **PERMISSIONS[who], "statement_id": "Ours"}
    other = {**of_all, "principal": "sqs.amazonaws.com", "statement_id": "Theirs"}
    other |= {name: value for name, value in configured.items() if name == "qualifier"}
    ours, theirs = terraform(Permission), terraform(Permission)
    for managed, wanted in ((theirs, other), (ours, configured)):
        managed.apply(wanted)
    for managed, wanted in ((theirs, other), (ours, configured)):
        assert managed.plan(wanted) == {}
        assert managed.plan(wanted) == {}
    ours.destroy()
    assert theirs.plan(other) == {}
    theirs.destroy()
    theirs.resource.destroy()


def test_a_url_can_be_made_again_although_its_permission_has_stayed(terraform: Terraform, client: Any) -> None:
    """The provider bears the refusal of the second statement by its words."""
    url = terraform(FunctionUrl)
    url.apply(URL)
    url.destroy()
    url.apply(URL)
    assert url.plan(URL) == {}
    (statement,) = json.loads(client.get_policy(FunctionName="hello")["Policy"])["Statement"]
    assert statement["Sid"] == "FunctionURLAllowPublicAccess"
    assert url.state is not None
    assert len(url.state["url_id"]) == 32


def test_provisioned_concurrency_is_waited_for_and_then_as_configured(
    terraform: Terraform, api: ServedApi, account: str
) -> None:
    """Created, changed to fewer, destroyed; the waiter ends when all are available."""
    key = FunctionKey(account, "us-east-1", "hello")
    provisioned = terraform(ProvisionedConcurrency)
    first = OF_LIVE | {"provisioned_concurrent_executions": 3}
    with ThreadPoolExecutor() as threads:
        applied = threads.submit(provisioned.apply, first)
        until(lambda: api.provisioning.anew or applied.done(), "they are asked for")
        assert not applied.done()
        api.provisioning.versions[VersionKey(key, "1")] = Provisioned(allocated=3, available=3)
        applied.result()
    assert provisioned.plan(first) == {}
    fewer = OF_LIVE | {"provisioned_concurrent_executions": 2}
    assert provisioned.apply(fewer) == {"provisioned_concurrent_executions": (3, 2)}
    assert provisioned.plan(fewer) == {}
    provisioned.destroy()
    provisioned.resource.destroy()


def test_a_mapping_that_is_to_be_enabled_differs_in_that_alone(terraform: Terraform) -> None:
    """For nothing is polled yet; applying it again does no harm."""
    mapping = terraform(EventSourceMapping)
    enabled = OF_HELLO | {"event_source_arn": QUEUE}
    mapping.apply(enabled)
    assert mapping.plan(enabled) == {"enabled": (False, True)}
    mapping.apply(enabled)
    assert mapping.plan(enabled) == {"enabled": (False, True)}


def test_all_around_a_function_goes_with_it(terraform: Terraform, client: Any) -> None:
    """What Terraform reads afterwards is not there, rather than an error; so it can be made anew."""
    made = [
        (terraform(Alias), ALIAS),
        (terraform(FunctionUrl), URL),
        (terraform(EventInvokeConfig), LIMITS),
        (terraform(Permission), {**OF_HELLO, "statement_id": "A", "action": "lambda:InvokeFunction", "principal": "*"}),
    ]
    for managed, configured in made:
        managed.apply(configured)
    client.delete_function(FunctionName="hello")
    for managed, _ in made:
        managed.destroy()
