"""The kit for plugin authors: fakes, fixtures and the clock that tests move."""
