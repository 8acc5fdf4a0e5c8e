"""The version, where both the public door and the rooms behind it can read it."""

VERSION = "0.1.0.dev0"
API = (0, 1)
