"""To be watched in a terminal: what Paddock promises, shown."""
