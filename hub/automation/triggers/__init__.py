"""Triggers: what starts a run. One module per family of platforms."""
