"""Why a statement stays as it is."""

from __future__ import annotations


class CannotRewrite(Exception):
    """A statement over tensors that has no form as torch.cond or torch.while_loop."""

    def __init__(self, why: str, file: str = "", line: int = 0):
        super().__init__(why)
        self.why, self.file, self.line = why, file, line

    def __str__(self) -> str:
        place = f" ({self.file}:{self.line})" if self.file else ""
        return f"{self.why}{place}"
