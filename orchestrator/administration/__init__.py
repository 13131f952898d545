"""What is done on the server's own machine, to its data directory: access keys, backup, restore. Needs no server."""
