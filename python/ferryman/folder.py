"""A temporary folder that goes with its owner, without a word.

folder = Folder()
(folder.path / "model.tflite").write_bytes(…)
folder.remove()          # or when nobody holds it any more, or at exit

tempfile.TemporaryDirectory warns when it is dropped; but nobody has to close a model.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


class Folder:
    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ferryman-"))
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())

    def within(self, name: str) -> Path:
        """A folder in it, made anew."""
        path = self.path / name
        path.mkdir()
        return path

    def remove_within(self, name: str) -> None:
        shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self) -> None:
        self._finalizer()


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a process that was forked has a copy of the owner, not of the files
        shutil.rmtree(path, ignore_errors=True)
