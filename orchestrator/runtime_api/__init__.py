"""The Runtime API on :9001, as the environments see it. Plain ASGI: this is the hot path (D3)."""
