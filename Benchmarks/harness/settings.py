"""What the command line chose."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    # Length of one run, in seconds.
    seconds: int
    # How often each variant is run.
    rounds: int
    # Ten million events for the memory's sake, instead of a few hundred thousand.
    is_long: bool

    @property
    def python(self) -> str:
        """The interpreter that has the peers' packages."""
        return sys.executable
