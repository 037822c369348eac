"""Why a start stops: what is wrong and what to do about it, never a traceback."""

from __future__ import annotations


class CannotStart(Exception):
    """Something outside our code keeps Countersign from running; `remedy` tells a person what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  What to do: {self.remedy}"


class StopRequested(Exception):
    """Ctrl-C or SIGTERM came before everything was up."""
