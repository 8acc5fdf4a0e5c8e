"""Steps: what a run does. One module per family of actions."""
