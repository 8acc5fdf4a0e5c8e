"""Automations: Home Assistant's YAML and semantics, on the hub's clock and bus."""
