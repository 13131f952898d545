"""Who may come in at the front port."""
