"""Containers: the driver protocol, the docker driver, and what it is made of. The only place that knows Docker."""
