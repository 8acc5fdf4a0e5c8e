"""The composition root: builds, starts and stops everything, in order."""

from hub.app.app import App

__all__ = ["App"]
