"""Paddock: AWS Lambda container images on plain Docker. Start reading at `wiring.py` and ARCHITECTURE.md."""
