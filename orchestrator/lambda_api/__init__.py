"""AWS's Lambda API, derived from botocore's service model (D8). Handlers are functions from a request to a response."""
