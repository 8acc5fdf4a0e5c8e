"""Templates: Home Assistant's Jinja in a sandbox with limits that hold."""
