"""Specifications of containers, without an engine."""
