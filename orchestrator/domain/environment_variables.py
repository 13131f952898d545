"""
The variables an execution environment gets.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

from datetime import datetime

from orchestrator.domain.environments import Initialization
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.names import log_stream_name

PLACEHOLDER_ACCESS_KEY_ID = "ASIAPADDOCKPLACEHLDR"
PLACEHOLDER_SECRET = "paddock-placeholder"


def environment_variables(
    version: FunctionVersion,
    *,
    environment_id: str,
    runtime_api: str,
    now: datetime,
    initialization: Initialization = Initialization.ON_DEMAND,
) -> dict[str, str]:
    """
    What the container of this version is started with.

    Variables that AWS reserves come last, and cannot be overridden. `PATH`, `LANG`, `TZ` and `_HANDLER` are
    not set for images, as on AWS: the image has them. In JSON the runtime is told the format and the least level it is
    to write; AWS's runtime clients obey.

    Args:
        runtime_api: `hostname:port` of the Runtime API as this environment reaches it.
        now: When the environment is created; names its log stream.
    """
    logging = version.options.logging
    of_logging = (
        {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": logging.application_level or "INFO"}
        if logging.is_json
        else {}
    )
    return {
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{runtime_api}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        **version.environment,
        "AWS_LAMBDA_FUNCTION_NAME": version.key.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mib),
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream_name(now.year, now.month, now.day, version.version, environment_id),
        **of_logging,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization.value,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": version.key.region,
        "AWS_DEFAULT_REGION": version.key.region,
        "AWS_ACCESS_KEY_ID": PLACEHOLDER_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": PLACEHOLDER_SECRET,
        "AWS_SESSION_TOKEN": PLACEHOLDER_SECRET,
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }
