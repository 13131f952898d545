"""Greets whoever the event names."""

import os
import platform


def handler(event, context):
    """Answers {"name": "Paddock"} with a greeting and where it was made."""
    name = event.get("name", "world") if isinstance(event, dict) else "world"
    print(f"greeting {name}")
    return {
        "message": f"Hello, {name}!",
        "function": context.function_name,
        "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "memory_mb": int(context.memory_limit_in_mb or 0),
        "region": os.environ.get("AWS_REGION"),
        "python": platform.python_version(),
    }
