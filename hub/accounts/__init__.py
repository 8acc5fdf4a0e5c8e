"""Who may use the hub: users, their passwords, and their API tokens."""
