"""Runs AWS's runtime client with the module search path of AWS's image. Called by /var/runtime/bootstrap."""

import os
import sys

# Imported before the function's own folders are searched, so that a `queue.py` there does not break the client.
import awslambdaric.__main__ as awslambdaric_command

TASK_ROOT = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

# /var/runtime, this script's folder, stays behind the function's code and its layers.
sys.path[:0] = [TASK_ROOT, f"/opt/python/lib/{VERSION}/site-packages", "/opt/python"]
awslambdaric_command.main([sys.argv[0], os.environ["_HANDLER"]])
