"""Where the control plane and the process that holds the Docker socket meet: the protocol, and the way across."""
