"""How often the bodies of branches and loops were run while a program was checked."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class BodyRuns:
    """Of one body, over all inputs that were tried.

    compared: in how many of these its nodes were. fewest, most: runs each time that its operator
    ran; -1 if it never did.
    """

    runs: int = 0
    compared: int = 0
    fewest: int = -1
    most: int = -1

    def note(self, runs: int) -> None:
        """How many one run of the operator took."""
        self.fewest = runs if self.fewest < 0 else min(self.fewest, runs)
        self.most = max(self.most, runs)

    def add(self, other: BodyRuns) -> None:
        """Those of other inputs."""
        self.runs += other.runs
        self.compared += other.compared
        for runs in (other.fewest, other.most) if other.most >= 0 else ():
            self.note(runs)
