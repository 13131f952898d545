"""The way across to the process that holds the Docker socket."""
