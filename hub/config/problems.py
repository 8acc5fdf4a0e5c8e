"""What is odd in a configuration and yet no reason to stop."""

from typing import Literal

from attrs import frozen


@frozen
class Problem:
    """A notice for the user; reads as ``hub.yaml:3: http: this key is there twice, ...``."""

    level: Literal["warning", "error"]
    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"
