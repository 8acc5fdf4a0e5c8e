"""Conditions: what must be true for a run to go on."""
