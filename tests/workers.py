"""Runs many independent calls in processes that may crash or hang, without losing the rest.

    for task, result in run_all("opinfo.check:check_op", tasks, processes=2, seconds=120):
        …        # result is a Failure if the process died or ran out of time

The runtime under test can abort its process; each call then costs only itself.
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any


@dataclasses.dataclass(frozen=True)
class Failure:
    what: str


class _Worker:
    """One process, which answers one task after another."""

    def __init__(self, function: str):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(function, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.task: tuple | None = None
        self.deadline = 0.0

    def start(self, task: tuple, seconds: float) -> None:
        self.task, self.deadline = task, time.monotonic() + seconds
        self.connection.send(task)

    def stop(self) -> int | None:
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def _serve(function: str, connection: Connection) -> None:
    module, name = function.split(":")
    call = getattr(importlib.import_module(module), name)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(call(*task))


def run_all(
    function: str, tasks: list[tuple], *, processes: int, seconds: float
) -> Iterator[tuple[tuple, Any]]:
    """Yields (task, what function(*task) returned) as they finish. `function` is "module:name"."""
    waiting = deque(tasks)
    workers = [_Worker(function) for _ in range(min(processes, len(tasks)))]
    try:
        for worker in workers:
            worker.start(waiting.popleft(), seconds)
        while busy := [worker for worker in workers if worker.task is not None]:
            first = min(worker.deadline for worker in busy)
            ready = wait(
                [worker.connection for worker in busy], max(0.0, first - time.monotonic())
            )
            for worker in busy:
                if worker.connection not in ready and time.monotonic() < worker.deadline:
                    continue
                task, result = worker.task, _result(worker, worker.connection in ready)
                if isinstance(result, Failure):
                    workers[workers.index(worker)] = worker = _Worker(function)
                worker.task = None
                if waiting:
                    worker.start(waiting.popleft(), seconds)
                yield task, result
    finally:
        for worker in workers:
            worker.stop()


def _result(worker: _Worker, has_answered: bool) -> Any:
    if not has_answered:
        worker.stop()
        return Failure("ran out of time")
    try:
        return worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return Failure(f"the process died with exit code {worker.process.exitcode}")
