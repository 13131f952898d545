"""Who may come in at the front port: signatures of requests, and what browsers may do. No I/O."""
